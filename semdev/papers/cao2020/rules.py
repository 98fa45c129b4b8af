"""Figure 1: every rule learns the same world from the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semdev.data.corpora import load
from semdev.learning_rules import (
    Candidate,
    ContrastiveHebbian,
    FeedbackAlignment,
    FiniteDifferences,
    Hebbian,
    Rule,
    get_rule,
)
from semdev.measures.crossing import first_crossing
from semdev.measures.learning_indices import learning_indices
from semdev.measures.modes import mode_strengths
from semdev.models.networks import DeepLinear, Shallow
from semdev.papers.cao2020.settings import (
    EXPONENT,
    FA,
    GD,
    HIDDEN,
    SCALE,
    Data,
    are_apart,
    find_interval,
    find_limit,
    start_weights,
)
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.plots._style import CATEGORIES, GREY, draw_curve, finish, ordered_colors
from semdev.training import train

FD, WEAK = "finite differences", "contrastive, weak feedback"
CHL, QPC = "contrastive, γ = 1", "quasi-predictive, γ = −1"
OJA, HEBB = "strongly Hebbian, η = 10", "purely Hebbian"
CONTROL = "no hidden layer"
DESCENT = (GD, FD, WEAK)
# Rule, and learning time: until well after the last mode is due (from the growth rates).
RULES: dict[str, tuple[Rule, float]] = {
    GD: (get_rule(GD), 26.0),
    FD: (FiniteDifferences(step=1.0), 26.0),  # exact: the loss is quadratic in each weight
    WEAK: (ContrastiveHebbian(feedback=0.01), 26.0),
    CHL: (Candidate(feedback=1.0), 18.0),
    QPC: (Candidate(feedback=-1.0), 44.0),
    FA: (FeedbackAlignment(), 8.0),
    OJA: (Candidate(hebbian=10.0), 8.0),
    HEBB: (Hebbian(), 32.0),
}


def fig1_data(*, seeds: int = 20, learning_rate: float = 0.04, hidden: int = HIDDEN) -> Data:
    """Claim: descent by any means differentiates alike; other rules differentiate otherwise.

    Every rule learns the authors' world from the same initial weights. Descent has the given
    learning rate, the other rules half of it: strong feedback is unstable at the whole.
    """
    world = load("cao2020")
    weights = start_weights(world, hidden=hidden, scale=SCALE, seeds=seeds)
    runs = {}
    for name, (rule, time) in RULES.items():
        rate = learning_rate if name in DESCENT else learning_rate / 2
        runs[name] = train(
            DeepLinear(hidden=hidden), world, seeds=seeds, weights=weights, rule=rule,
            learning_rate=rate, steps=round(time / rate), record=300,
        )  # fmt: skip
    runs[CONTROL] = train(
        Shallow(scale=SCALE), world, seeds=seeds, learning_rate=learning_rate,
        steps=round(8 / learning_rate),
    )  # fmt: skip
    indices = {
        name: learning_indices(run, depth=1 if name == CONTROL else 2) for name, run in runs.items()
    }
    return {"runs": runs, "indices": indices}


def fig1_checks(data: Data) -> list[Check]:
    """Hold figure 1 against its claims."""
    runs, indices = data["runs"], data["indices"]
    index = {name: found["differentiation"] for name, found in indices.items()}
    peak = {name: found["illusory_peak"] for name, found in indices.items()}
    stages = {name: found["stages"] for name, found in indices.items()}
    s = indices[GD]["singular_value"].values
    largest = float(abs(runs[GD]["output"]).max())
    apart = float(abs(runs[GD]["output"] - runs[FD]["output"]).max()) / largest
    others = {name: index[name] for name in (FA, OJA, HEBB, CHL, QPC)}
    theory = indices[GD]["predicted_differentiation"]
    low = min(float(index[name].min()) for name in DESCENT)
    return [
        Check(
            "finite differences of the loss learn as backpropagation does, all the way",
            f"largest difference between answers, relative: {apart:.1e}", "< 1e-3",
            apart < 1e-3, panel="a", expected="0",
        ),
        Check(
            "gradient descent differentiates as its closed form says",
            "; ".join(f"{name} {spread(index[name])}" for name in DESCENT),
            "median of each within 3 % of the closed form from the same start",
            all(abs(float(index[n].median() / theory.median()) - 1) < 0.03 for n in DESCENT),
            panel="e", expected=f"{float(theory.median()):.3f}; authors' code .245",
        ),
        Check(
            "its interval is apart from those of feedback alignment and of Hebbian learning",
            "descent [{:.3f}, {:.3f}]; ".format(*find_interval([index[n] for n in DESCENT]))
            + "; ".join(f"{name} {spread(index[name])}" for name in (FA, OJA, HEBB)),
            "central 95 % intervals do not meet",
            all(are_apart([index[n] for n in DESCENT], others[n]) for n in (FA, OJA, HEBB)),
            "published", panel="e", expected="apart",
        ),
        Check(
            "and from those of contrastive Hebbian and quasi-predictive learning with strong "
            "feedback; with weak feedback contrastive Hebbian learning is gradient descent",
            "; ".join(f"{name} {spread(index[name])}" for name in (CHL, QPC, WEAK)),
            "strong: intervals do not meet descent's; weak: within 2 % of backpropagation",
            all(are_apart([index[n] for n in DESCENT], others[n]) for n in (CHL, QPC))
            and abs(float(index[WEAK].median() / index[GD].median()) - 1) < 0.02,
            panel="e",
            expected="limits " + ", ".join(f"{find_limit(s, gamma):.3f}" for gamma in (1, -1, 0)),
        ),
        Check(
            "without a hidden layer all modes set in together",
            f"index {spread(index[CONTROL])}", "|index| < .005 in every seed",
            (abs(index[CONTROL]) < 0.005).all(), "published", panel="e", expected="0",
        ),
        Check(
            "descent shows a stage for each level of the tree; feedback alignment, Hebbian "
            "learning and the shallow control show fewer",
            "; ".join(f"{name} {spread(stages[name], form='.0f')}" for name in stages),
            "descent 4 in every seed, the others fewer in ≥ 95 %",
            all((stages[n] == 4).all() for n in DESCENT)
            and all((stages[n] < 4).mean() >= 0.95 for n in (FA, OJA, HEBB, CONTROL)),
            "published", panel="f", expected="4 for gradient descent, 0 shallow",
        ),
        Check(
            "descent comes to believe false cells by one half, feedback alignment by less, the "
            "shallow control not at all",
            "; ".join(f"{n} {spread(peak[n], form='.2f')}" for n in (*DESCENT, FA, CONTROL)),
            "descent > .48 in every seed, feedback alignment < .45 in ≥ 95 %, shallow < .01",
            all((peak[n] > 0.48).all() for n in DESCENT) and (peak[FA] < 0.45).mean() >= 0.95
            and (peak[CONTROL] < 0.01).all(), "published", panel="g",
            expected=".5 (singular value decomposition truncated at rank 2)",
        ),
        Check(
            "strong modes first by a wide margin: the share of the strongest mode's onset",
            f"t₁/t₄: descent {spread(_lead(indices[GD]), form='.2f')}, feedback alignment "
            f"{spread(_lead(indices[FA]), form='.2f')}, lowest index of descent {low:.3f}",
            "medians within 10 % of s₄/s₁ and of (s₄/s₁)^⅔",
            abs(float(_lead(indices[GD]).median()) / (s[-1] / s[0]) - 1) < 0.1
            and abs(float(_lead(indices[FA]).median()) / (s[-1] / s[0]) ** EXPONENT - 1) < 0.1,
            panel="b", expected=f"{s[-1] / s[0]:.2f}, {(s[-1] / s[0]) ** EXPONENT:.2f}",
        ),
    ]  # fmt: skip


def fig1(data: Data | None = None) -> Figure:
    """Draw modes over time under four rules, and the indices of all rules."""
    data = fig1_data() if data is None else data
    figure = Figure(figsize=(7.0, 5.0), layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=[1, 1.15])
    upper, lower = halves
    above = upper.subplots(1, 4, sharey=True)
    for k, (axis, name) in enumerate(zip(above, (GD, FA, CHL, HEBB), strict=True)):
        _draw_modes(axis, data["runs"][name], data["indices"][name])
        finish(axis, x="time", y="share of mode learned" if k == 0 else "")
        axis.set_title("gradient descent" if name == GD else name, fontsize=7.5, loc="right")
    _draw_modes(above[0], data["runs"][FD], data["indices"][FD], dashed=True)
    above[0].plot([], [], color="black", lw=0.8, ls=(0, (2, 3)), label="finite differences")
    above[0].legend(
        handles=above[0].lines[-1:], frameon=False, fontsize=6.5, loc="upper left",
        handlelength=1.8, borderaxespad=0.2,
    )  # fmt: skip
    above[3].legend(frameon=False, fontsize=7, loc="upper left", handlelength=1.2)
    quantities = [
        ("differentiation", "differentiation index"),
        ("stages", "stages of the loss"),
        ("illusory_peak", "highest false belief"),
    ]
    names = list(data["indices"])
    axes = lower.subplots(1, 3, sharey=True)
    for axis, (variable, label) in zip(axes, quantities, strict=True):
        _draw_rows(axis, [data["indices"][name][variable] for name in names])
        theory = float(data["indices"][GD][f"predicted_{variable}"].median())
        axis.axvline(theory, color=GREY, lw=0.8, ls=":", zorder=0)
        finish(axis, x=label)
    axes[0].set_yticks(range(len(names)), names, fontsize=7)
    axes[0].invert_yaxis()
    letter_panels([*above, *axes])
    return figure


def _lead(found: xr.Dataset) -> xr.DataArray:
    """Return the onset of the strongest leading mode as a share of the weakest's."""
    onset = found["onset"]
    return onset.isel(leading=0, drop=True) / onset.isel(leading=-1, drop=True)


def _draw_modes(axis: Axes, run: xr.Dataset, found: xr.Dataset, *, dashed: bool = False) -> None:
    """Draw the leading modes' shares over time, until they have been learned."""
    strength = mode_strengths(run)
    shares = (strength / strength["singular_value"]).isel(mode=found["mode"].values - 1)
    late = first_crossing(shares.median("seed"), 0.9).fillna(shares["time"].values[-1])
    until = min(1.15 * float(late.max()), float(shares["time"].values[-1]))
    shares = shares.sel(time=slice(None, until))
    colors = ordered_colors(shares.sizes["mode"])
    for k, color in enumerate(colors):
        share = shares.isel(mode=k)
        if dashed:
            middle = share.median("seed")
            axis.plot(middle["time"], middle, color="black", lw=0.8, ls=(0, (2, 3)))
            continue
        draw_curve(axis, share, interval=0.95, color=color, label=f"level {k}")
    axis.axhline(1, color=GREY, lw=0.6, ls=":", zorder=0)
    axis.set_xlim(0, until)
    axis.set_ylim(-0.05, 1.35)


def _draw_rows(axis: Axes, values: list[xr.DataArray]) -> None:
    """Draw the median and the central 95 % of the seeds, a row for each rule."""
    for row, each in enumerate(values):
        low, middle, high = np.nanquantile(each.values.astype(float), [0.025, 0.5, 0.975])
        color = CATEGORIES[0] if row < len(DESCENT) else CATEGORIES[1]
        if row == len(values) - 1:
            color = GREY
        axis.plot([low, high], [row, row], color=color, lw=1.5)
        axis.plot([middle], [row], "o", color=color, ms=4)
