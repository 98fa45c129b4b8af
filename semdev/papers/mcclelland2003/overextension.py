"""Figure 3: a dog met eight times as often, and everything is a dog."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semdev.data.corpora import load
from semdev.data.patterns import make_patterns
from semdev.measures.overextension import overextension
from semdev.models.rumelhart import Rumelhart
from semdev.papers.checks import MOST, Check, Share, spread
from semdev.papers.drawing import letter_panels
from semdev.papers.mcclelland2003._shared import RECORDS, WIDE, count_epochs
from semdev.plots._style import CATEGORIES, draw_curve, finish, label_ends
from semdev.training import train

Data = dict[str, Any]
DOG, GOAT = "ISA dog", "ISA goat"
# The paper's panel c, read off by eye (± .02): epoch → activation.
PUBLISHED: dict[tuple[str, str], dict[int, float]] = {
    ("dog", DOG): {0: 0.10, 200: 0.70, 400: 0.82, 600: 0.86, 800: 0.89, 1000: 0.91, 1600: 0.95},
    ("goat", DOG): {0: 0.10, 200: 0.32, 400: 0.27, 600: 0.23, 800: 0.17, 1000: 0.145, 1200: 0.13,
                    1400: 0.12, 3000: 0.11},
    ("canary", DOG): {0: 0.10, 200: 0.29, 400: 0.10, 600: 0.04, 800: 0.02},
    ("pine", DOG): {0: 0.10, 200: 0.12, 400: 0.02, 600: 0.005, 800: 0.0},
    ("goat", GOAT): {0: 0.175, 200: 0.09, 400: 0.125, 600: 0.135, 800: 0.15, 1000: 0.18,
                     1200: 0.23, 1400: 0.29, 1600: 0.37, 1800: 0.455, 2000: 0.54, 2200: 0.61,
                     2400: 0.66, 2600: 0.70, 2800: 0.725, 3000: 0.745},
}  # fmt: skip
OVERTAKES = 900
CHOSEN = "dog × 8"
SEEN = range(20)  # networks with which the setting was chosen
OTHERS = ("goat", "canary", "pine")
SOFT = (0.05, 0.95)
HALF = {"ISA_general": 0.5, "ISA_basic": 0.5, "ISA_specific": 0.5}
# What is met how often, targets, learning rate, end of the range of initial weights.
Setting = tuple[dict[Any, float], tuple[float, float] | None, float, float]
SETTINGS: dict[str, Setting] = {
    CHOSEN: ({"dog": 8.0}, SOFT, 0.1, 0.9),
    "variance .9": ({"dog": 8.0}, SOFT, 0.1, WIDE),
    "hard targets": ({"dog": 8.0}, None, 0.1, WIDE),
    "name × 8": ({**HALF, ("dog", "ISA_basic"): 4.0}, SOFT, 0.15, WIDE),
}


def fig3_data(*, seeds: int | range = 50, steps: int = 3000, other_steps: int = 800) -> Data:
    """Claim: a child who meets dogs far more often calls goats dogs, for a while.

    Stands for panel c of the paper's figure (its number is not confirmed; the numbering is ours).
    The published settings are not known in full. Every fact about the dog is met eight times as
    often as those about others; targets .05 and .95, learning rate .1, 16 and 16 units, noise .05,
    and initial weights between −.9 and .9, one of the two readings of the source's ".9". Among
    readings of the sources this one was chosen, by networks 0 to 19, because it comes near the
    published curves in all five; the fit is therefore given for other networks as well. The
    other settings show what hangs on it: weights of variance .9, the other reading; targets 0 and
    1; and the dog's basic name alone met eight times as often as other names, all of which are met
    half as often as properties, at a learning rate of .15: of 56 settings tried the one whose
    medians come nearest to the published ones, and one that no source speaks of.
    """
    return {
        name: _raise(*setting, seeds=seeds, steps=steps if k == 0 else min(steps, other_steps))
        for k, (name, setting) in enumerate(SETTINGS.items())
    }


def fig3_checks(data: Data) -> list[Check]:
    """Hold figure 3 against its claims."""
    chosen = data[CHOSEN]
    published, ours = compare_curves(chosen)
    alike = float(np.corrcoef(published, ours)[0, 1])
    apart = np.abs(published - ours)
    fresh = chosen.isel(seed=~np.isin(chosen["seed"].values, SEEN))
    unseen = ""
    if fresh.sizes["seed"]:
        _, others = compare_curves(fresh)
        unseen = (
            f"; the {fresh.sizes['seed']} networks not used to choose the setting: "
            f"{np.corrcoef(published, others)[0, 1]:.3f}, {np.abs(published - others).mean():.3f}"
        )
    own = _outlast(chosen)
    overtaken = Share.of(own.notnull())
    return [
        Check(
            "the medians run as the published curves do (setting chosen for it)",
            f"correlation {alike:.3f}, mean absolute difference {apart.mean():.3f} (largest "
            f"{apart.max():.2f}) at {len(ours)} points{unseen}",
            "correlation ≥ .9 and mean difference ≤ .1", alike >= 0.9 and apart.mean() <= 0.1,
            "published",
            expected="1 and 0 (read off by eye, ± .02; one network)",
        ),
        *(_check_order(name, each) for name, each in data.items()),
        Check(
            "goat is called “goat” rather than “dog” in the end, and for long it is not",
            f"in {overtaken.text}, at epoch {spread(own, form='.0f')}",
            MOST, overtaken.is_usual, "published", panel="c",
            expected=f"about epoch {OVERTAKES} of 3000",
            note="with few networks the interval of the share is wide",
        ),
    ]  # fmt: skip


def fig3(data: Data | None = None) -> Figure:
    """Draw the names over time with the published values, and what holds in other settings."""
    data = fig3_data() if data is None else data
    figure = Figure(figsize=(7.0, 5.4), layout="constrained")
    rows = figure.subplot_mosaic([["a", "a"], ["b", "c"]], height_ratios=(1.25, 1))
    _draw_curves(rows["a"], data[CHOSEN])
    _draw_settings(rows["b"], data)
    own = _outlast(data[CHOSEN]).values
    own = np.sort(own[np.isfinite(own)])
    total = data[CHOSEN].sizes["seed"]
    last = float(data[CHOSEN]["time"][-1])
    rows["c"].plot(
        [0, *np.repeat(own, 2), last], np.repeat(np.arange(len(own) + 1), 2) / total,
        color=CATEGORIES[4],
    )  # fmt: skip
    rows["c"].axvline(OVERTAKES, color="black", linestyle="--", linewidth=0.8)
    rows["c"].annotate(" published", (OVERTAKES, 0.02), fontsize=7)
    rows["c"].set(xlim=(0, last), ylim=(0, 1.02))
    finish(rows["c"], x="epoch", y="share of networks in which the\ngoat has become a goat")
    letter_panels(rows[k] for k in "abc")
    return figure


def compare_curves(history: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the published activations and our medians, at the same epochs."""
    last = float(history["time"][-1])
    middle = history["output"].median("seed")
    pairs = [
        (value, np.interp(epoch, middle["time"], middle.sel(item=item, property=name)))
        for (item, name), curve in PUBLISHED.items()
        for epoch, value in curve.items()
        if epoch <= last
    ]
    published, ours = np.array(pairs).T
    return published, ours


def _raise(
    frequency: dict[Any, float],
    soft: tuple[float, float] | None,
    rate: float,
    reach: float,
    *,
    seeds: int | range,
    steps: int,
) -> xr.Dataset:
    """Train networks that meet the dog often; two names of a few items over epochs."""
    patterns = make_patterns(load("rogers2004"), relations=True, frequency=frequency, soft=soft)
    grid = (steps * np.linspace(0, 1, RECORDS) ** 2).round().astype(int)
    history = count_epochs(
        train(
            Rumelhart(16, 16, noise=0.05, uniform=reach), patterns, seeds=seeds, learning_rate=rate,
            steps=steps, record=sorted({*grid.tolist(), *range(200, min(steps, 400) + 1, 50)}),
            dtype="float32", progress=False,
        )
    )  # fmt: skip
    return history.sel(property=[DOG, GOAT])


def _over_early(history: xr.Dataset) -> xr.DataArray:
    """Return the mean activation of "dog" for the other items, epochs 200 to 400."""
    early = history["output"].sel(time=slice(200, 400), property=DOG, item=list(OTHERS))
    return early.mean("time")


def _check_order(name: str, history: xr.Dataset) -> Check:
    """Hold the gradient of likeness against one setting."""
    early = _over_early(history)
    goat, canary, pine = (early.sel(item=item) for item in OTHERS)
    first, second = Share.of(goat > canary), Share.of(canary > pine)
    both = Share.of((goat > canary) & (canary > pine))
    raised = overextension(history, names=DOG).sel(name=DOG, item="goat")
    return Check(
        f"“dog” is overextended by likeness, goat > canary > pine at epochs 200–400 ({name})",
        f"medians {float(goat.median()):.2f}, {float(canary.median()):.2f}, "
        f"{float(pine.median()):.2f}; goat > canary in {first.text}, canary > pine in "
        f"{second.text}, both in {both.text}; goat's peak {spread(raised['peak'], form='.2f')}, "
        f"excess {spread(raised['excess'], form='.2f')}",
        MOST + ", each of the two",
        first.is_usual and second.is_usual,
        "published",
        panel="b",
        expected=".30 > .20 > .07 (mean of the values at 200 and 400)",
        note="the goat is ahead, but canary and pine are near each other where the name alone is "
        "met more often; with few networks the interval of the share is wide",
    )


def _outlast(history: xr.Dataset) -> xr.DataArray:
    """Return the epoch from which on the goat is "goat" rather than "dog"."""
    found = overextension(history, names=DOG, levels={"basic": [DOG, GOAT]})
    return found["overtakes"].sel(name=DOG, item="goat")


def _draw_curves(axis: Axes, history: xr.Dataset) -> None:
    ends, texts = [], []
    for k, ((item, name), published) in enumerate(PUBLISHED.items()):
        curve = history["output"].sel(item=item, property=name)
        draw_curve(axis, curve, interval=0.95, color=CATEGORIES[k])
        axis.plot(list(published), list(published.values()), "o", color=CATEGORIES[k], ms=3.5,
                  mec="black", mew=0.5)  # fmt: skip
        ends.append(float(curve.isel(time=-1).median()))
        texts.append(f"{item}: “{name.removeprefix('ISA ')}”")
    axis.set(xlim=(0, float(history["time"][-1])), ylim=(0, 1))
    finish(axis, x="epoch", y="activation of the name (dots: published)")
    order = np.argsort(ends, kind="stable")
    label_ends(axis, [ends[k] for k in order], [texts[k] for k in order],
               [CATEGORIES[k] for k in order])  # fmt: skip


def _draw_settings(axis: Axes, data: Data) -> None:
    for j, history in enumerate(data.values()):
        early = _over_early(history)
        for k, item in enumerate(OTHERS):
            values = early.sel(item=item).values
            low, middle, high = np.quantile(values, [0.025, 0.5, 0.975])
            axis.errorbar(
                j + 0.2 * (k - 1), middle, yerr=[[middle - low], [high - middle]], fmt="o",
                color=CATEGORIES[k + 1], capsize=2, ms=4, label=item if j == 0 else None,
            )  # fmt: skip
    axis.set_xticks(range(len(data)), [name.replace(" t", "\nt") for name in data], fontsize=7)
    axis.set(xlim=(-0.5, len(data) - 0.5), ylim=(0, None))
    finish(axis, x="", y="“dog”, mean of epochs 200–400")
    axis.legend(frameon=False, fontsize=7, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
