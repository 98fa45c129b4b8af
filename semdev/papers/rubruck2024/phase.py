"""Figure 1: the early phase, its causes and its marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from semdev.data.corpora import load
from semdev.data.dataset import Dataset
from semdev.data.patterns import make_patterns
from semdev.measures.base_rates import base_rates, optimal_constant
from semdev.models.constant import predict_shallow_peak, solve_biased, solve_shallow
from semdev.models.networks import MLP, DeepLinear, Shallow
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.papers.rubruck2024._shared import draw_interval, label_world
from semdev.plots._style import CATEGORIES, GREY, draw_curve, finish
from semdev.theory import solve
from semdev.training import train

Data = dict[str, Any]

CORRELATIONS = (0.0, 0.1, 0.3, 0.6)
LEARNERS: dict[str, Any] = {
    "linear": DeepLinear(hidden=32),
    "linear, bias": DeepLinear(hidden=32, bias=True),
    "tanh, bias": MLP(hidden=32, bias=True),
    "relu, bias": MLP(hidden=32, activation="relu", bias=True),
}


def fig1_data(*, seeds: int = 20, correlations: Sequence[float] = CORRELATIONS) -> Data:
    """Claim: biases, or correlated inputs, make linear and nonlinear networks begin as constants.

    Tasks: the eight items × 14 labels (see above), and four items that share no property
    (`saxe2014`), in which no mode is the constant. 20 seeds, 32 hidden units, the default small
    weights and learning rate; the paper's are unconfirmed.
    """
    world, apart = label_world(), load("saxe2014")
    histories = {
        name: train(model, world, seeds=seeds, dtype="float32") for name, model in LEARNERS.items()
    }
    found = {name: base_rates(each, bias="bias" in name) for name, each in histories.items()}
    alike = [
        base_rates(
            train(DeepLinear(hidden=32), make_patterns(apart, correlation=c), seeds=seeds,
                  dtype="float32")
        )["lead"]
        for c in correlations
    ]  # fmt: skip
    fine = np.linspace(0, max(correlations), 25)
    exact = [base_rates(solve(make_patterns(apart, correlation=c), depth=2)) for c in fine]
    middle = histories["linear, bias"]
    return {
        "found": found,
        "theory": base_rates(solve_biased(world, depth=2, times=middle["time"].values), bias=True),
        "answers": {name: _at_closest(histories[name], found[name]) for name in histories},
        "levels": _levels(world),
        "correlation": np.array(correlations),
        "alike": np.stack([each.values for each in alike]),
        "biased": base_rates(
            train(DeepLinear(hidden=32, bias=True), apart, seeds=seeds, dtype="float32"), bias=True
        )["lead"].values,
        "exact": xr.DataArray(
            [float(each["lead"][0]) for each in exact], coords={"correlation": fine}
        ),
        "control": {
            name: base_rates(train(Shallow(bias=bias), world, seeds=seeds), bias=bias)
            for name, bias in (("shallow", False), ("shallow, bias", True))
        },
        "same": _compare_bias_and_correlation(world),
    }


def fig1_checks(data: Data) -> list[Check]:
    """Hold figure 1 against its claims."""
    found, control = data["found"], data["control"]
    biased = found["linear, bias"]
    off = np.abs(biased["predicted"] - biased["to_constant"]).max("time")
    early = biased["time"].values <= 1.0
    parameter_free = np.abs(
        biased["to_constant"].values[:, early] - data["theory"]["to_constant"].values[:, early]
    ).max()
    kinds = ("linear, bias", "tanh, bias", "relu, bias")
    mirrored = {name: _fit_slope(data["answers"][name], data["levels"]) for name in kinds}
    rejected = 1 - data["answers"]["linear, bias"]
    alike, exact = data["alike"], data["exact"]
    gap = max(
        float(abs(np.median(row) - exact.interp(correlation=c)))
        for c, row in zip(data["correlation"], alike, strict=True)
    )
    return [
        Check(
            "linear networks with an output bias answer with the base rates before anything else",
            f"closest {spread(biased['closest'])} of the way from constant to target; lead "
            f"{spread(biased['lead'])}",
            "every seed within .05, lead ≥ .95", (biased["closest"] <= 0.05).all()
            and (biased["lead"] >= 0.95).all(), "published", panel="a",
            expected="0 and 1 as starting strengths vanish",
        ),
        Check(
            "the phase follows the closed form, without a free parameter until the modes set in",
            f"largest difference until time 1: {parameter_free:.3f}; over all time, with the "
            f"networks' own mode strengths: {spread(off)}", "≤ .05, and ≤ .05 in every seed",
            parameter_free <= 0.05 and (off <= 0.05).all(), panel="a",
            expected="C (1 − e^(−8t)), then modes of Y − C",
        ),
        Check(
            "without bias or correlations the same network has no such phase of its own",
            f"lead {spread(found['linear']['lead'])}, closest {spread(found['linear']['closest'])}",
            "closest in every seed over .2 (four times the margin for biased networks)",
            (found["linear"]["closest"] > 0.2).all(), "published", panel="a",
            expected="lead near .5: the constant is learned with the superordinate mode, its tie",
        ),
        Check(
            "nonlinear networks with biases do the same",
            "; ".join(f"{k}: closest {spread(found[k]['closest'])}" for k in kinds[1:]),
            "every seed within .1, and the constant nearest at some time (passes)",
            all((found[k]["closest"] <= 0.1).all() and found[k]["passes"].all() for k in kinds[1:]),
            "published", panel="b", expected="0",
        ),
        Check(
            "responses in that phase mirror the distribution of labels, whatever the input",
            "slope of answers on base rates "
            + "; ".join(f"{k} {spread(slope)}" for k, (slope, _) in mirrored.items())
            + f"; answers differ between items by {max(s.max() for _, s in mirrored.values()):.3f}",
            "slope within .1 of 1 and items within .1 of each other, in every seed",
            all((np.abs(a - 1) <= 0.1).all() and (s <= 0.1).all() for a, s in mirrored.values()),
            "published", panel="c", expected="1 and 0",
        ),
        Check(
            "so correct rejections start at 1 − base rate: finer labels are rejected more surely",
            "1 − answer by level " + ", ".join(
                f"{rejected.values[:, :, data['levels']['level'] == k].mean():.3f}"
                for k in (1, 2, 3)
            ),
            "in every seed each level within .05 of its value",
            all(
                np.abs(
                    rejected.values[:, :, data["levels"]["level"] == k].mean((1, 2)) - value
                ).max() <= 0.05
                for k, value in ((1, 0.5), (2, 0.75), (3, 0.875))
            ),
            "published", panel="c", expected=".5, .75, .875",
        ),
        Check(
            "without a bias, correlated inputs bring the base rates forward, the more so the more "
            "alike they are",
            "lead at correlation " + "; ".join(
                f"{c:g}: {spread(row)}" for c, row in zip(data["correlation"], alike, strict=True)
            ) + f"; with a bias {spread(data['biased'])}; off the exact flow by {gap:.3f}",
            "medians rise, the last ≥ .9; within .05 of the exact flow",
            (np.diff(np.median(alike, axis=1)) > 0).all() and np.median(alike[-1]) >= 0.9
            and gap <= 0.05, "published", panel="d",
            expected=", ".join(
                f"{float(exact.interp(correlation=c)):.2f}" for c in data["correlation"]
            ),
        ),
        Check(
            "in a shallow network a bias is worth exactly a correlation of one half",
            f"largest difference of outputs {data['same']:.1e}, at half the time", "< 1e-9",
            data["same"] < 1e-9, panel="d", expected="0: r₀/r₁ = 1 + P either way",
        ),
        Check(
            "shallow control: walks straight to the target; with a bias by way of the constant",
            f"lead {spread(control['shallow']['lead'])}; with bias "
            f"{spread(control['shallow, bias']['lead'])}",
            "≤ .01 in every seed; with bias within .02 of the closed form",
            (control["shallow"]["lead"] <= 0.01).all()
            and (np.abs(control["shallow, bias"]["lead"]
                        - predict_shallow_peak(1.0, items=8, bias=True)) <= 0.02).all(),
            panel="a",
            expected=f"0; {float(predict_shallow_peak(1.0, items=8, bias=True)):.3f}",
        ),
    ]  # fmt: skip


def fig1(data: Data | None = None) -> Figure:
    """Draw the early phase: over time, in nonlinear networks, label by label, by correlation."""
    data = fig1_data() if data is None else data
    figure = Figure(figsize=(7.0, 5.2), layout="constrained")
    (time, nonlinear), (mirror, alike) = figure.subplots(2, 2)
    shown = {
        time: ("linear, bias", "linear", "shallow, bias", "shallow"),
        nonlinear: ("linear, bias", "tanh, bias", "relu, bias"),
    }
    for axis, names in shown.items():
        for name, color in zip(names, CATEGORIES, strict=False):
            found = data["found"].get(name, data["control"].get(name))
            line = draw_curve(axis, found["to_constant"], interval=0.95, color=color)
            line.set_label(name)
        axis.set(ylim=(0, None), xlim=(0, 6))
        finish(axis, y="distance to the constant")
    theory = data["theory"]
    time.plot(theory["time"], theory["to_constant"][0], color="black", lw=0.8, ls=":",
              label="theory, bias")  # fmt: skip
    for axis in shown:
        axis.legend(frameon=False, fontsize=7)
    rate = data["levels"]
    for k, (name, color) in enumerate(zip(shown[nonlinear], CATEGORIES, strict=False)):
        answers = data["answers"][name].mean("item")
        for level, x in ((1, 0.5), (2, 0.25), (3, 0.125)):
            values = answers.values[:, rate["level"].values == level].mean(1)
            draw_interval(mirror, x + 0.012 * (k - 1), values, color, name if level == 1 else "")
    mirror.plot([0, 0.6], [0, 0.6], color=GREY, lw=0.8, zorder=0)
    mirror.set(xlim=(0, 0.6), ylim=(0, 0.6))
    finish(mirror, x="base rate of the label", y="answer when nearest the constant")
    mirror.legend(frameon=False, fontsize=7, loc="upper left")
    alike.plot(data["exact"]["correlation"], data["exact"], color="black", lw=1, ls=":",
               label="exact flow, no bias")  # fmt: skip
    for k, (c, row) in enumerate(zip(data["correlation"], data["alike"], strict=True)):
        draw_interval(alike, c, row, CATEGORIES[1], "linear networks, no bias" if k == 0 else "")
    alike.axhline(np.median(data["biased"]), color=CATEGORIES[0], lw=1, label="with a bias, white")
    alike.set_ylim(0, 1.05)
    finish(alike, x="correlation of the inputs", y="lead of the base rates")
    alike.legend(frameon=False, fontsize=7, loc="lower right")
    letter_panels(figure.axes)
    return figure


def _levels(world: Dataset) -> xr.Dataset:
    """Return each label's base rate and level (1, 2, 3)."""
    rate = optimal_constant(world)
    return xr.Dataset({"rate": rate, "level": np.round(-np.log2(rate)).astype(int)})


def _at_closest(history: xr.Dataset, found: xr.Dataset) -> xr.DataArray:
    """Return the answers of each seed when it is nearest the constant, seed × item × label."""
    return history["output"].isel(time=found["to_constant"].argmin("time"))


def _fit_slope(answers: xr.DataArray, levels: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return each seed's slope of mean answers on base rates, and the items' largest spread."""
    rate = levels["rate"].values
    mean = answers.mean("item").values
    slope = (
        (mean - mean.mean(1, keepdims=True))
        @ (rate - rate.mean())
        / np.sum((rate - rate.mean()) ** 2)
    )
    return slope, answers.std("item").max("property").values


def _compare_bias_and_correlation(world: Dataset) -> float:
    """Return how far a bias and a correlation of one half, at twice the time, are apart."""
    times = np.linspace(0, 6, 61)
    bias = solve_shallow(world, bias=True, times=times)
    alike = solve_shallow(make_patterns(world, correlation=0.5), times=2 * times)
    return float(np.abs(bias["output"].values - alike["output"].values).max())
