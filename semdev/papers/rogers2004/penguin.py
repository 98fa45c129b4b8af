"""Figure 2: names of an atypical and of a typical bird (published as figure 5.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semdev.measures.naming import naming
from semdev.papers.checks import Check, Share, spread
from semdev.papers.drawing import letter_panels
from semdev.papers.rogers2004._shared import (
    CONTROLS,
    EPOCH,
    EPOCH_LABEL,
    EPOCHS,
    LANDMARKS,
    SEEDS,
    STEPS,
    Data,
    at_epoch,
    draw_epochs,
    share,
    train_names,
    train_shallow,
)
from semdev.plots._style import CATEGORIES, finish, legend_above

# (item, level) → {epoch: activation}, read off figure 5.6 to ±.02.
PUBLISHED: dict[tuple[str, str], dict[int, float]] = {
    ("penguin", "specific"): {4000: 0.83, 12_000: 0.885},
    ("penguin", "basic"): {4000: 0.73, 12_000: 0.82},
    ("sparrow", "specific"): {2000: 0.60, 12_000: 0.875},
    ("sparrow", "basic"): {2000: 0.77, 12_000: 0.89},
}
LEADING = {"penguin": "specific", "sparrow": "basic"}
OTHER = {"specific": "basic", "basic": "specific"}
VARIANTS: dict[str, dict[str, Any]] = {
    "8 representation units": {"representation": 8},
    "32 hidden units": {"hidden": 32},
    "no noise": {"noise": 0.0},
    "targets 0 and 1": {"soft": None},
}
CONTROL = "no hidden layer"


def fig2_data(
    *, seeds: int = SEEDS, steps: int = STEPS, variants: Sequence[str] = tuple(VARIANTS)
) -> Data:
    """Claim: the penguin is first called "penguin" and then "bird", the sparrow first "bird".

    All words are equally frequent: general names are taught an eighth, basic ones a quarter as
    often as specific ones and properties. Sizes of layers are not confirmed, so that others are
    tried; 12 000 epochs at a learning rate of .05 (ours) are cut into 3000 updates at .2, which
    moves the activations of these names by .01 on average, but of basic ones by about .03 (at most
    .13) at epochs 1000 to 4000.

    A network without a hidden layer, the control, learns “penguin” before “bird” by frequency
    alone, for “ISA penguin” is taught four times as often; and “sparrow” before “bird” likewise.
    So only the sparrow's order, and the contrast of the two birds, say anything of typicality.
    """
    found = {"16 and 16 units": naming(train_names("equal", seeds=seeds, steps=steps))}
    for name in variants:
        found[name] = naming(train_names("equal", seeds=seeds, steps=steps, **VARIANTS[name]))
    found[CONTROL] = naming(train_shallow("equal", seeds=min(seeds, CONTROLS), steps=steps))
    return {name: each.sel(item=list(LEADING)) for name, each in found.items()}


def fig2_checks(data: Data) -> list[Check]:
    """Hold figure 2 against its claims."""
    main = next(iter(data.values()))
    held = {name: hold_claims(found) for name, found in data.items()}
    mine = next(iter(held.values()))
    early = _lead(main, "penguin").sel(time=slice(500 * EPOCH, 4000 * EPOCH)) > 0
    note = (
        "it holds of some networks and not of others: which name is ahead hangs on the weights a "
        "network starts with, and a figure of one network shows one of these"
    )
    checks = [
        Check(
            "penguin: “penguin” is learned before “bird” (crosses .5 first)",
            f"in {share(mine['penguin'])} of {main.sizes['seed']} networks; at epoch 4000 ahead in "
            f"{share(mine['penguin at 4000'])}, all the way from 500 to 4000 in "
            f"{share(early.all('time'))}",
            "crosses first in most networks", Share.of(mine["penguin"]).is_usual, "published",
            panel="a", expected="ahead from about epoch 500 (one figure)", note=note,
        ),
        Check(
            "sparrow: “bird” is learned before “sparrow”",
            f"in {share(mine['sparrow'])} of networks; at epoch 2000 ahead in "
            f"{share(mine['sparrow at 2000'])}, at the end in {share(mine['sparrow at 12000'])}",
            "crosses first in most networks", Share.of(mine["sparrow"]).is_usual, "published",
            panel="b", expected="ahead at 2000 and at 12 000 (one figure)",
            note=note + "; smaller representations and weights bring it about (see figure 8)",
        ),
        Check(
            "the atypical bird favours its specific name more than the typical one does",
            f"specific − basic, penguin − sparrow, over epochs 500 to 4000: "
            f"{spread(_compare_leads(main))}; above 0 in {share(_compare_leads(main) > 0)}",
            "above 0 in most networks", Share.of(_compare_leads(main) > 0).is_usual,
            "published", panel="c", expected="above 0", note=note,
        ),
    ]  # fmt: skip
    for (item, level), points in PUBLISHED.items():
        ours = {
            epoch: at_epoch(main["activation"].sel(item=item, level=level), epoch)
            for epoch in points
        }
        off = [abs(float(ours[epoch].median()) - value) for epoch, value in points.items()]
        checks.append(
            Check(
                f"activation of the {level} name of the {item}",
                "; ".join(f"{epoch}: {spread(values)}" for epoch, values in ours.items()),
                "medians within .05 of what was read off (±.02)",
                max(off) <= 0.05, "published", panel="a" if item == "penguin" else "b",
                expected="; ".join(f"{epoch}: {value:g}" for epoch, value in points.items()),
                note="layer sizes, initial weights and learning rate of the book are not confirmed",
            )
        )  # fmt: skip
    checks.append(_check_control(data[CONTROL]))
    tried = {name: each for name, each in held.items() if name != CONTROL}
    if len(tried) > 1:
        both = {name: each["penguin"] & each["sparrow"] for name, each in tried.items()}
        checks.append(
            Check(
                "what it hangs on: both orders, with other settings",
                "; ".join(
                    f"{name}: penguin {share(each['penguin'])}, sparrow {share(each['sparrow'])}, "
                    f"both {share(both[name])}" for name, each in tried.items()
                ),
                "one setting at least under which both hold in most networks",
                any(Share.of(each).is_usual for each in both.values()), panel="d",
                expected="100 % (the figure's network)",
                note="settings that favour the sparrow's “bird” favour the penguin's too: in none "
                "of these does an ensemble behave as the figure's network",
            )
        )  # fmt: skip
    return checks


def _check_control(found: xr.Dataset) -> Check:
    """Hold what a network without a hidden layer does, for which no bird is typical."""
    epochs = found["crossing"].fillna(np.inf) / EPOCH
    specific, basic = (epochs.sel(level=level) for level in ("specific", "basic"))
    contrast = np.abs(_compare_leads(found))
    return Check(
        "control without a hidden layer: specific before basic by frequency alone, of both birds "
        "alike (the penguin's order is no sign of its being atypical; the contrast is)",
        "; ".join(
            f"{item}: specific at epoch {float(specific.sel(item=item).median()):.0f}, basic at "
            f"{float(basic.sel(item=item).median()):.0f}" for item in LEADING
        ) + f"; the birds' leads differ by {float(contrast.max()):.1g} at most",
        "specific first of both birds, contrast < .01, in every network",
        (specific < basic).all() and (contrast < 0.01).all(), panel="d",
        expected="specific first, contrast 0: names taught four times as often",
    )  # fmt: skip


def fig2(data: Data | None = None) -> Figure:
    """Draw penguin, sparrow, their difference, and what the orders hang on."""
    data = fig2_data() if data is None else data
    main = next(iter(data.values()))
    figure = Figure(figsize=(7.0, 5.4), layout="constrained")
    (penguin, sparrow), (leads, settings) = figure.subplots(2, 2)
    for axis, item in ((penguin, "penguin"), (sparrow, "sparrow")):
        for level, color in zip(("specific", "basic"), CATEGORIES, strict=False):
            curve = main["activation"].sel(item=item, level=level)
            draw_epochs(axis, curve, color, str(curve["name"].item()).removeprefix("ISA "))
            points = PUBLISHED[item, level]
            axis.plot(
                list(points), list(points.values()), "D", ms=5, color=color, mec="black", mew=0.8
            )
        axis.plot([], [], "D", ms=5, color="white", mec="black", mew=0.8, label="published")
        axis.set(ylim=(0, 1), xlim=(0, EPOCHS * 1.02))
        finish(axis, x=EPOCH_LABEL, y=f"activation of the {item}'s names")
    for item, color in zip(LEADING, CATEGORIES[2:], strict=False):
        draw_epochs(leads, _lead(main, item, "specific"), color, item)
    leads.axhline(0, color="black", lw=0.6)
    leads.set_xlim(0, EPOCHS)
    finish(leads, x=EPOCH_LABEL, y="specific − basic name")
    held = {name: hold_claims(each) for name, each in data.items()}
    draw_shares(settings, held, {"penguin": "“penguin” before “bird”",
                                 "sparrow": "“bird” before “sparrow”"})  # fmt: skip
    for axis in (penguin, sparrow, leads, settings):
        legend_above(axis, axis.get_legend_handles_labels()[0])
    letter_panels((penguin, sparrow, leads, settings))
    return figure


def draw_shares(axis: Axes, held: dict[str, Data], claims: dict[str, str]) -> None:
    """Draw, setting by setting, in which share of the networks each claim holds."""
    places = np.arange(len(held))[::-1]
    for (claim, label), mark, color in zip(claims.items(), "os", CATEGORIES[2:], strict=False):
        shares = [float(each[claim].mean()) for each in held.values()]
        axis.plot(shares, places, mark, ms=5, color=color, label=label, clip_on=False)
    for place in places:
        axis.axhline(place, color="0.9", lw=0.8, zorder=0)
    axis.axvline(0.5, color="0.8", lw=0.8, zorder=0)
    axis.set_yticks(places, list(held))
    axis.set(xlim=(0, 1), ylim=(-0.6, len(held) - 0.4))
    finish(axis, x="share of networks")


def hold_claims(found: xr.Dataset) -> Data:
    """Return, for each network, in which order the names of penguin and sparrow are learned."""
    late = found["crossing"].fillna(np.inf)
    held: Data = {
        item: (
            late.sel(item=item, level=level) < late.sel(item=item, level=OTHER[level])
        ).values
        for item, level in LEADING.items()
    }  # fmt: skip
    for item in LEADING:
        for epoch in LANDMARKS:
            held[f"{item} at {epoch}"] = (at_epoch(_lead(found, item), epoch) > 0).values
    return held


def _lead(found: xr.Dataset, item: str, level: str = "") -> xr.DataArray:
    """Return by how much the name that should lead (or that of `level`) is ahead of the other."""
    level = level or LEADING[item]
    active = found["activation"].sel(item=item)
    return active.sel(level=level, drop=True) - active.sel(level=OTHER[level], drop=True)


def _compare_leads(found: xr.Dataset) -> xr.DataArray:
    """Return the mean over epochs 500 to 4000 of penguin's specific − basic less sparrow's."""
    gap = _lead(found, "penguin", "specific") - _lead(found, "sparrow", "specific")
    early = gap.sel(time=slice(500 * EPOCH, 4000 * EPOCH))
    return early.integrate("time") / float(early["time"][-1] - early["time"][0])
