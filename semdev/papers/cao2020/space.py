"""Figure 2: the space of rules, and the laws of onset in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import spearmanr

from semdev.data.corpora import load
from semdev.learning_rules import Candidate, FeedbackAlignment
from semdev.measures.learning_indices import growth_rate, learning_indices
from semdev.models.closed_forms import mode_strength
from semdev.models.networks import DeepLinear
from semdev.papers.cao2020.settings import (
    EXPONENT,
    FA,
    HIDDEN,
    RATE,
    SCALE,
    Data,
    find_limit,
    start_weights,
)
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.plots._style import CATEGORIES, GREY, draw_curve, finish
from semdev.training import train


def fig2_data(
    *,
    seeds: int = 6,
    learning_rate: float = 0.02,
    feedback: Sequence[float] = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5),
    hebbian: Sequence[float] = (-0.2, 0.0, 1.0, 5.0, 20.0),
    published_seeds: int = 20,
) -> Data:
    """Claim: feedback and Hebbian part move a rule away from gradient descent, as predicted.

    η is per unit of learning time: the authors' is .005 of it.
    """
    world = load("cao2020")
    weights = start_weights(world, hidden=HIDDEN, scale=SCALE, seeds=seeds)
    s = np.sqrt([15.0, 7.0, 3.0, 1.0])
    found = {}
    for gamma in feedback:
        for eta in hebbian:
            slowest = growth_rate(s, feedback=gamma, hebbian=eta).min()
            time = 1.4 * 23 / slowest * (2 if eta > 0 else 1) + 2
            run = train(
                DeepLinear(hidden=HIDDEN), world, seeds=seeds, weights=weights, record=300,
                rule=Candidate(feedback=gamma, hebbian=eta), dtype="float32",
                learning_rate=learning_rate, steps=round(time / learning_rate),
            )  # fmt: skip
            found[gamma, eta] = learning_indices(run)
    start = start_weights(world, hidden=HIDDEN, scale=SCALE, seeds=published_seeds)
    descent = train(
        DeepLinear(hidden=HIDDEN), world, seeds=published_seeds, weights=start, dtype="float32",
        learning_rate=RATE, steps=6000, record=600,
    )  # fmt: skip
    aligned = train(
        DeepLinear(hidden=HIDDEN), world, seeds=published_seeds, weights=start, dtype="float32",
        learning_rate=RATE, steps=1600, record=600, rule=FeedbackAlignment(),
    )  # fmt: skip
    return {"space": found, "descent": descent, FA: aligned, "s": s}


def fig2_checks(data: Data) -> list[Check]:
    """Hold figure 2 against its claims."""
    space, s = data["space"], data["s"]
    points = {point: found["differentiation"] for point, found in space.items()}
    off = {p: float(abs(v.median() - find_limit(s, *p))) for p, v in points.items()}
    worst = max((p for p in points if p[1] <= 0), key=lambda p: off[p])
    hebbian = [p for p in points if p[1] > 0]
    order = spearmanr(
        [find_limit(s, *p) for p in hebbian], [float(points[p].median()) for p in hebbian]
    ).statistic
    gammas, by_gamma = _follow(points, hebbian=0.0)
    etas, by_eta = _follow(points, feedback=0.0)
    stages = {eta: space[0.0, eta]["stages"] for eta in etas}
    slopes = {name: _slope(data[name]) for name in ("descent", FA)}
    area = _sum_belief(data["descent"])
    theory = _predict_area(s) / (10 * RATE)
    at = learning_indices(data["descent"])["onset"].median("seed").values / RATE
    return [
        Check(
            "without a Hebbian part, or against one, differentiation follows from how fast modes "
            "grow from small weights",
            f"{len(points) - len(hebbian)} rules, largest difference of a median {off[worst]:.3f} "
            f"(γ = {worst[0]:g}, η = {worst[1]:g})",
            "every difference ≤ .025", off[worst] <= 0.025, panel="b",
            expected="(1 − μ₄/μ₁)/3",
        ),
        Check(
            "with a Hebbian part growth rates give the order of rules, not the number: units that "
            "strong modes have taken hold weak ones back, which the rates know nothing of",
            f"{len(hebbian)} rules, rank correlation {order:.3f}, largest difference "
            f"{max(off[p] for p in hebbian):.3f}",
            "rank correlation ≥ .9", order >= 0.9, panel="b", expected="1",
        ),
        Check(
            "top-down feedback spreads modes apart, a strong Hebbian part draws them together",
            f"η = 0, γ = {_list(gammas)}: {_list(by_gamma, '.3f')}; "
            f"γ = 0, η = {_list(etas)}: {_list(by_eta, '.3f')}",
            "medians rise with γ, fall with η ≥ 0",
            (np.diff(by_gamma) > 0).all() and (np.diff(by_eta) < 0).all(),
            "published", panel="a", expected="rises with γ, falls with η",
        ),
        Check(
            "a strong Hebbian part leaves fewer stages than gradient descent has",
            "; ".join(f"η = {eta:g}: {spread(n, form='.0f')}" for eta, n in stages.items()),
            "4 in every seed at η = 0, ≤ 1 in every seed at the largest η",
            (stages[0.0] == 4).all() and (stages[max(etas)] <= 1).all(), "published", panel="a",
            expected="fewer than 4",
        ),
        Check(
            "onsets go with 1/s under gradient descent, with s^−⅔ under feedback alignment",
            "; ".join(f"{name} {spread(slope)}" for name, slope in slopes.items()),
            "median exponents within .05",
            abs(float(slopes["descent"].median()) + 1) < 0.05
            and abs(float(slopes[FA].median()) + EXPONENT) < 0.05,
            panel="c", expected="−1 (late by Euler steps and start: −.98), −.667",
        ),
        Check(
            "onsets of gradient descent in epochs, as under the authors' settings",
            ", ".join(f"{x:.0f}" for x in at), "medians within 2 %",
            np.abs(at / [1157, 1694, 2535, 4358] - 1).max() < 0.02, "published", panel="c",
            expected="1157, 1694, 2535, 4358",
        ),
        Check(
            "the illusory belief that item 1 has the feature of items 3 and 4, summed over every "
            "tenth epoch",
            spread(area, form=".1f"), "median within 5 % of both",
            abs(float(area.median()) / 58.87 - 1) < 0.05
            and abs(float(area.median()) / theory - 1) < 0.05, "published", panel="d",
            expected=f"authors' code 58.87 (one run); closed form {theory:.1f}",
        ),
    ]  # fmt: skip


def fig2(data: Data | None = None) -> Figure:
    """Draw the space of rules, the laws of onset, and an illusory belief."""
    data = fig2_data() if data is None else data
    figure = Figure(figsize=(7.0, 5.4), layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    _draw_space(axes[0], data)
    _draw_agreement(axes[1], data)
    _draw_onsets(axes[2], data)
    _draw_belief(axes[3], data)
    letter_panels(axes)
    return figure


def _slope(run: xr.Dataset) -> xr.DataArray:
    """Return each seed's exponent p of onset ∝ s^p, by least squares over the leading modes."""
    onset = learning_indices(run)["onset"]
    x = np.log(onset["singular_value"].values)
    slope = np.polyfit(x, np.log(onset.values).T, 1)[0]
    return xr.DataArray(slope, dims="seed", coords={"seed": onset["seed"]})


def _pick_belief(run: xr.Dataset) -> xr.DataArray:
    """Return the belief that item 1 has the feature that items 3 and 4 share."""
    return run["output"].sel(item="item 1", property="has feature 3-4")


def _sum_belief(run: xr.Dataset) -> xr.DataArray:
    """Return that belief summed over every tenth epoch at the authors' learning rate."""
    return _pick_belief(run).integrate("time") / (10 * RATE)


def _start_strength(outputs: int = 15) -> float:
    """Return the mean strength ¼ N_h (σ₁² + σ₂²) at which modes start."""
    return HIDDEN * (SCALE**2 / HIDDEN + SCALE**2 / outputs) / 4


def _predict_area(s: np.ndarray) -> float:
    """Return ∫ ŷ dt = −Σ g_k ln(s_k/a₀) / 2s_k for parts g_k of the cell that sum to 0.

    For a logistic mode ∫ (1 − a/s) dt = ln(s/a₀) / 2s exactly (derived here). In this cell
    g = ¼, ¼, −½, 0 (level by level: the feature's mean over a class less that over the next
    larger one).
    """
    parts = np.array([0.25, 0.25, -0.5, 0.0])
    return float(-np.sum(parts * np.log(s / _start_strength()) / (2 * s)))


def _follow(points: dict, *, feedback: float | None = None, hebbian: float | None = None) -> tuple:
    """Return the settings along one axis of the space and the medians there."""
    chosen = {
        (gamma if hebbian is not None else eta): float(value.median())
        for (gamma, eta), value in points.items()
        if (eta == hebbian if hebbian is not None else gamma == feedback and eta >= 0)
    }
    return list(chosen), list(chosen.values())


def _list(numbers: Sequence[float], form: str = "g") -> str:
    return ", ".join(f"{number:{form}}" for number in numbers)


def _draw_space(axis: Axes, data: Data) -> None:
    """Draw the limit of the index over the space, and the rules that were simulated on it."""
    gammas, etas = (np.array(sorted({p[k] for p in data["space"]})) for k in (0, 1))
    fine = np.linspace(gammas[0] - 0.2, gammas[-1] + 0.2, 120)
    ranks = np.linspace(-0.5, len(etas) - 0.5, 120)
    between = np.interp(ranks, np.arange(len(etas)), etas)
    limit = [[find_limit(data["s"], gamma, eta) for gamma in fine] for eta in between]
    style: dict = {"cmap": "cividis", "vmin": 0.0, "vmax": 0.32}
    mesh = axis.pcolormesh(
        fine, ranks, np.array(limit), shading="gouraud", rasterized=True, **style
    )
    found = [(*p, float(v["differentiation"].median())) for p, v in data["space"].items()]
    x, y, value = np.transpose(found)
    rows = np.searchsorted(etas, y)
    axis.scatter(x, rows, c=value, s=42, edgecolor="white", linewidth=0.9, **style)
    axis.set_yticks(range(len(etas)), [f"{eta:g}" for eta in etas])
    bar = axis.figure.colorbar(mesh, ax=axis, shrink=0.9)
    bar.set_label("differentiation index", fontsize=7)
    bar.ax.tick_params(labelsize=7)
    finish(axis, x="top-down feedback γ", y="Hebbian part η")


def _draw_agreement(axis: Axes, data: Data) -> None:
    """Draw measured against predicted indices, with the interval over seeds."""
    for (gamma, eta), found in data["space"].items():
        low, middle, high = np.nanquantile(found["differentiation"], [0.025, 0.5, 0.975])
        color = CATEGORIES[0] if eta == 0 else CATEGORIES[1] if eta > 0 else CATEGORIES[2]
        at = find_limit(data["s"], gamma, eta)
        axis.plot([at, at], [low, high], color=color, lw=1)
        axis.plot([at], [middle], "os^"[(eta > 0) + 2 * (eta < 0)], color=color, ms=3.5)
    ends = np.array(axis.get_xlim())
    axis.plot(ends, ends, color=GREY, lw=0.8, ls=":", zorder=0)
    for k, label in enumerate(("η = 0", "η > 0 (Hebbian)", "η < 0 (anti-Hebbian)")):
        axis.plot([], [], "os^"[k], color=CATEGORIES[k], ms=3.5, label=label)
    axis.legend(frameon=False, fontsize=7, loc="upper left")
    finish(axis, x="index from growth rates, limit of small weights", y="measured index")


def _draw_onsets(axis: Axes, data: Data) -> None:
    """Draw onsets of levels against singular values, relative to the weakest mode's."""
    s = data["s"]
    for k, (name, power) in enumerate((("descent", 1.0), (FA, EXPONENT))):
        onset = learning_indices(data[name])["onset"]
        share = onset / onset.isel(leading=-1, drop=True)
        low, middle, high = share.quantile([0.025, 0.5, 0.975], "seed").values
        axis.errorbar(
            s, middle, yerr=[middle - low, high - middle], fmt="os"[k], ms=4, capsize=2,
            color=CATEGORIES[k], label="gradient descent" if k == 0 else name,
        )  # fmt: skip
        x = np.geomspace(s[-1], s[0], 50)
        axis.plot(x, (x / s[-1]) ** -power, color=CATEGORIES[k], lw=1, ls=":")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks([1, 2, 3, 4], ["1", "2", "3", "4"])
    axis.set_yticks([0.25, 0.5, 1], [".25", ".5", "1"])
    axis.minorticks_off()
    axis.legend(frameon=False, fontsize=7, loc="lower left")
    finish(axis, x="singular value s", y="onset, relative to the last")


def _draw_belief(axis: Axes, data: Data) -> None:
    """Draw the illusory belief under descent, its closed form, and under feedback alignment."""
    for k, (name, label) in enumerate((("descent", "gradient descent"), (FA, FA))):
        belief = _pick_belief(data[name])
        draw_curve(axis, belief, interval=0.95, color=CATEGORIES[k], label=label)
    s, time = data["s"], np.linspace(0, 25, 400)
    shares = mode_strength(time[:, None], s, initial=_start_strength(), depth=2) / s
    axis.plot(time, shares @ [0.25, 0.25, -0.5, 0.0], color="black", lw=0.9, ls=(0, (2, 3)),
              label="closed form")  # fmt: skip
    axis.set_xlim(0, 25)
    axis.set_ylim(-0.03, 0.72)
    axis.legend(frameon=False, fontsize=7, loc="upper right")
    finish(axis, x="time (step × learning rate)", y="belief: item 1 has feature 3-4")
