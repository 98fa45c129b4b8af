"""Claim: depth and gradient descent alone explain broad-before-fine, stage-like development.

Saxe, A. M., McClelland, J. L. & Ganguli, S. (2019). A mathematical theory of semantic
development in deep neural networks. PNAS 116(23), 11537–11546.

Matched: the four-item world, the branching-diffusion world (binary, three levels, flip
probability .15), the analytic curves. Not matched: the paper's learning rates, hidden sizes,
initial weights and the number of its seeds are unconfirmed, and so are its figure numbers and
captions; ours follow the order of its argument. We use `DeepLinear(hidden=32)` with its default
small initial weights, the default learning rate, and 50 seeds; that conclusions do not hang on
this is what the ensembles, the closed forms and the shallow controls are for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from semdev import plots
from semdev.data.corpora import load
from semdev.data.dataset import Dataset
from semdev.data.generators import branching_diffusion
from semdev.measures.differentiation import differentiation
from semdev.measures.modes import level_subspaces, mode_strengths
from semdev.measures.overgeneralization import overgeneralizations, predict_peaks
from semdev.measures.stages import transitions
from semdev.models.networks import DeepLinear, Shallow
from semdev.models.theory import branching_singular_values, decompose, solve
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import draw_matrix, draw_network
from semdev.plots._style import finish
from semdev.plots.beliefs import settling_time
from semdev.training import initial_weights, train

Data = dict[str, Any]


def fig1_data(*, seeds: int = 50) -> Data:
    """Claim: with or without a hidden layer, a linear network learns the same map."""
    world = load("saxe2019")
    return {
        "deep": train(DeepLinear(hidden=32), world, seeds=seeds),
        "shallow": train(Shallow(), world, seeds=seeds),
    }


def fig1_checks(data: Data) -> list[Check]:
    """Hold figure 1 against its claims."""
    squares = np.linalg.svd(data["deep"]["target"].values, compute_uv=False) ** 2
    wrong = {k: _largest_error(data[k]) for k in ("deep", "shallow")}
    difference = np.abs(
        data["deep"]["output"].isel(time=-1) - data["shallow"]["output"].isel(time=-1)
    ).max(("item", "property"))
    return [
        Check(
            "the four-item world has a mode for all, one for animal–plant, two finer ones",
            f"s² = {', '.join(f'{x:.3f}' for x in squares)}", "7, 3, 1, 1 to 1e-9",
            np.abs(squares - [7, 3, 1, 1]).max() < 1e-9, "published",
        ),
        Check(
            "deep and shallow networks end with the same, correct answers",
            f"largest error: deep {spread(wrong['deep'])}, shallow {spread(wrong['shallow'])}; "
            f"largest difference {float(difference.max()):.3f}",
            "every error ≤ .02 and difference ≤ .04 in every seed",
            (wrong["deep"] <= 0.02).all() and (wrong["shallow"] <= 0.02).all()
            and (difference <= 0.04).all(),
        ),
    ]  # fmt: skip


def fig1(data: Data | None = None) -> Figure:
    """Draw the network and the world it learns."""
    data = fig1_data() if data is None else data
    figure = Figure(figsize=(7.0, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.1, 1])
    target = data["deep"]["target"]
    draw_network(left, target)
    draw_matrix(right, target.T, "property", "item", cmap="Greys", vmin=0, vmax=1.4)
    right.set_title("What there is to learn", fontsize=9)
    return figure


def fig2_data() -> Data:
    """Claim: the modes of a hierarchical world mirror its tree."""
    world = load("saxe2019")
    exact = solve(world, depth=2)
    modes = decompose(world)
    u, v = modes.u.copy(), modes.v.copy()
    # Modes 3 and 4 are tied, so any turn of them will do: show the one that keeps each to a class.
    classes = np.unique(exact["ancestor"].values[:, 1], return_inverse=True)[1]
    turn = np.linalg.eigh(v[:, 2:].T @ np.diag(classes) @ v[:, 2:])[1]
    u[:, 2:], v[:, 2:] = u[:, 2:] @ turn, v[:, 2:] @ turn
    leading = (np.abs(v) > 0.49).argmax(
        0
    )  # the first of each mode's strongest items is counted positive
    signs = np.where(v[leading, np.arange(v.shape[1])] < 0, -1.0, 1.0)
    names = {"mode": np.arange(1, 5), "item": exact["item"], "property": exact["property"]}
    return {
        "history": exact,
        "u": xr.DataArray(u * signs, dims=("property", "mode"), coords=_only(names, "item")),
        "s": xr.DataArray(modes.s, dims="mode", coords={"mode": names["mode"]}),
        "v": xr.DataArray(v * signs, dims=("item", "mode"), coords=_only(names, "property")),
    }


def fig2_checks(data: Data) -> list[Check]:
    """Hold figure 2 against its claims."""
    v, kind = data["v"].values, data["history"]["ancestor"].values[:, 1]
    animal = kind == kind[0]
    strengths = mode_strengths(data["history"])
    purity = strengths["purity"].values
    levels = strengths["mode_level"].values.tolist()
    rebuilt = data["u"] * data["s"] @ data["v"]
    error = float(np.abs(rebuilt - data["history"]["target"]).max())
    return [
        Check(
            "mode 1 is shared by all items; mode 2 sets animals against plants",
            f"mode 1: {v[:, 0].min():.2f} to {v[:, 0].max():.2f}; mode 2: animals "
            f"{v[animal, 1].mean():.2f}, plants {v[~animal, 1].mean():.2f}",
            "mode 1 one sign, mode 2 opposite signs",
            (v[:, 0] * v[0, 0] > 0).all()
            and (v[animal, 1] > 0).all() != (v[~animal, 1] > 0).all(),
            "published",
        ),
        Check(
            "each mode draws the distinctions of one level of the tree",
            f"levels {levels}, smallest purity {purity.min():.6f}", "0, 1, 2, 2; purity > .999",
            levels == [0, 1, 2, 2] and purity.min() > 0.999, "published",
        ),
        Check(
            "the modes together are the world", f"largest error {error:.1e}", "< 1e-9", error < 1e-9
        ),
    ]  # fmt: skip


def fig2(data: Data | None = None) -> Figure:
    """Draw the singular value decomposition of the four-item world."""
    data = fig2_data() if data is None else data
    figure = Figure(figsize=(7.0, 2.6), layout="constrained")
    axes = figure.subplots(1, 4)
    s = xr.DataArray(
        np.diag(data["s"].values), dims=("mode", "mode_2"),
        coords={"mode": data["s"]["mode"].values, "mode_2": data["s"]["mode"].values},
    )  # fmt: skip
    parts = [
        (data["history"]["target"].T, "property", "item", "world", 1.0),
        (data["u"], "property", "mode", "properties of modes (U)", 1.0),
        (s, "mode", "mode_2", "strengths (S)", float(s.max())),
        (data["v"].T, "mode", "item", "items on modes (Vᵀ)", 1.0),
    ]
    for axis, (matrix, rows, columns, title, top) in zip(axes, parts, strict=True):
        draw_matrix(axis, matrix, rows, columns, cmap="RdBu_r", vmin=-top, vmax=top)
        axis.set_title(title, fontsize=8)
    axes[1].set_yticks([])
    return figure


def fig3_data(*, seeds: int = 50) -> Data:
    """Claim: deep networks learn mode after mode, each in a sudden stage; shallow ones do not."""
    world = load("saxe2019")
    deep = train(DeepLinear(hidden=32), world, seeds=seeds)
    shallow = train(Shallow(), world, seeds=seeds)
    weights = initial_weights(DeepLinear(hidden=32), world, seeds=seeds)
    matched = solve(world, depth=2, initial="matched", weights=weights, times=deep["time"].values)
    return {
        "deep": deep,
        "shallow": shallow,
        "deep theory": matched,
        "shallow theory": solve(world, depth=1, times=shallow["time"].values),
    }


def fig3_checks(data: Data) -> list[Check]:
    """Hold figure 3 against its claims."""
    deep, shallow, theory = (transitions(data[k]) for k in ("deep", "shallow", "deep theory"))
    off = abs(deep["half_time"] / theory["half_time"] - 1).median("seed")
    half = deep["half_time"].values
    in_order = (half[:, 0] < half[:, 1]) & (half[:, 1] < half[:, 2:].min(1))
    same = shallow["half_time"]
    apart = (same.max("mode") / same.min("mode") - 1).values
    exact = np.abs(
        mode_strengths(data["shallow"]) - mode_strengths(data["shallow theory"]).isel(seed=0)
    ).max()
    return [
        Check(
            "simulated half-times follow the closed form from matched initial strengths",
            f"median error by mode: {', '.join(f'{x:.1%}' for x in off.values)}",
            "≤ 3 % for every mode", (off <= 0.03).all(),
        ),
        Check(
            "deep: strong modes are learned first (tied modes 3 and 4 not compared)",
            f"in {in_order.mean():.0%} of seeds", "≥ 95 % of seeds", in_order.mean() >= 0.95,
            "published",
        ),
        Check(
            "deep: transitions are sharp and sigmoidal",
            f"rise ÷ half-time {spread(deep['sharpness'])}; logistic in "
            f"{float(deep['sigmoidal'].mean()):.0%}",
            "< 1 and logistic by BIC, every mode of every seed",
            (deep["sharpness"] < 1).all() and deep["sigmoidal"].all(), "published",
        ),
        Check(
            "deep: the loss falls in several stages",
            f"{spread(deep['stages'])} stages", "≥ 2 in every seed", (deep["stages"] >= 2).all(),
        ),
        Check(
            "shallow control: exponential, without stages",
            f"rise ÷ half-time {spread(shallow['sharpness'])} (theory 3.17); logistic in "
            f"{float(shallow['sigmoidal'].mean()):.0%}; stages {int(shallow['stages'].max())}",
            "within 2 % of ln 9 / ln 2; none logistic; no stage",
            (np.abs(shallow["sharpness"] / (np.log(9) / np.log(2)) - 1) < 0.02).all()
            and not shallow["sigmoidal"].any() and int(shallow["stages"].max()) == 0, "published",
        ),
        Check(
            "shallow control: all modes at the same time, and as the closed form says",
            f"half-times apart by {spread(apart)}; strengths off by {float(exact):.3f}",
            "< 1 %, and < .1 of a singular value", (apart < 0.01).all() and float(exact) < 0.1,
        ),
    ]  # fmt: skip


def fig3(data: Data | None = None) -> Figure:
    """Draw mode strengths over time, deep and shallow, with the closed forms over them."""
    data = fig3_data() if data is None else data
    figure = Figure(figsize=(7.0, 2.8), layout="constrained")
    for axis, kind in zip(figure.subplots(1, 2, sharey=True), ("deep", "shallow"), strict=True):
        plots.modes(data[kind], theory=data[f"{kind} theory"], ax=axis)
        axis.set_title(f"{kind} network", fontsize=8, loc="right")
    return figure


def fig4_data(
    *,
    properties: int = 1000,
    few: int = 100,
    draws: int = 100,
    flip: float = 0.15,
    seeds: int = 20,
) -> Data:
    """Claim: broad distinctions are the strongest modes of a tree, so they are learned first.

    The paper's number of properties is unconfirmed (its authors' teaching material has 10 000).
    """
    branching = [2, 2, 2]

    def draw(number: int, seed: int) -> Dataset:
        return branching_diffusion(branching, properties=number, flip=flip, seed=seed)

    worlds = [draw(properties, k) for k in range(draws)]
    in_order = {
        depth: np.array([_separates_in_order(each, depth=depth) for each in worlds])
        for depth in (2, 1)
    }
    return {
        "predicted": branching_singular_values(branching, flip=flip, properties=10_000),
        "large": _level_singular_values(draw(10_000, 0)),
        "predicted few": branching_singular_values(branching, flip=flip, properties=few),
        "few": np.array([_level_singular_values(draw(few, k)) for k in range(2 * draws)]),
        "deep in order": in_order[2],
        "shallow in order": in_order[1],
        "history": train(DeepLinear(hidden=32), draw(few, 0), seeds=seeds),
    }


def fig4_checks(data: Data) -> list[Check]:
    """Hold figure 4 against its claims."""
    off = np.abs(data["large"] / data["predicted"].values - 1)
    kept = (np.diff(data["few"], axis=1) < 0).all(1)
    deep, shallow = data["deep in order"], data["shallow in order"]
    trained = differentiation(data["history"]).sel(layer="output")
    ahead = trained["precedes"].isel(level=slice(-1)).all("level").values
    return [
        Check(
            "singular values of each level follow the formula (10 000 properties)",
            f"off by {', '.join(f'{x:.1%}' for x in off)}", "≤ 5 % at every level",
            (off <= 0.05).all(), "ours",
        ),
        Check(
            "broader levels are stronger (100 properties)",
            f"in {kept.mean():.0%} of {len(kept)} worlds", "≥ 95 %", kept.mean() >= 0.95,
        ),
        Check(
            "deep networks separate broad levels before fine ones (1000 properties)",
            f"in {deep.mean():.0%} of {len(deep)} worlds; shallow control in {shallow.mean():.0%}",
            "deep ≥ 95 %, shallow ≤ 5 %", deep.mean() >= 0.95 and shallow.mean() <= 0.05,
            "published",
        ),
        Check(
            "so do trained networks (one world of 100 properties)",
            f"in {ahead.mean():.0%} of {len(ahead)} seeds", "≥ 95 %", ahead.mean() >= 0.95,
        ),
    ]  # fmt: skip


def fig4(data: Data | None = None) -> Figure:
    """Draw singular values level by level, separation over time, and the items' paths."""
    data = fig4_data() if data is None else data
    figure = Figure(figsize=(7.0, 2.9), layout="constrained")
    spectrum, time, paths = figure.subplots(1, 3)
    predicted = data["predicted few"]
    low, middle, high = np.quantile(data["few"], [0.025, 0.5, 0.975], axis=0)
    spectrum.errorbar(
        predicted["level"], middle, yerr=[middle - low, high - middle], fmt="o", capsize=3,
        color="#0072B2", label=f"{len(data['few'])} worlds",
    )  # fmt: skip
    spectrum.plot(predicted["level"], predicted, "k_", ms=16, label="formula")
    spectrum.set_ylim(0, None)
    spectrum.set_xticks(predicted["level"].values)
    spectrum.legend(frameon=False, fontsize=7)
    finish(spectrum, x="level of the tree", y="singular value")
    plots.differentiation(data["history"], ax=time)
    plots.mds(data["history"], ax=paths)
    return figure


def fig5_data(*, seeds: int = 50) -> Data:
    """Claim: deep networks pass through illusory correlations; shallow ones do not."""
    toy, world = load("saxe2019"), load("living_things")
    models: dict[str, Any] = {
        "deep": DeepLinear(hidden=32),
        "shallow": Shallow(),
        "shallow with bias": Shallow(bias=True),
    }
    return {
        "toy": {name: train(model, toy, seeds=seeds) for name, model in models.items()},
        "living things": {
            name: train(model, world, seeds=seeds, dtype="float32")
            for name, model in models.items()
        },
    }


def fig5_checks(data: Data) -> list[Check]:
    """Hold figure 5 against its claims."""
    checks = []
    for world, item, prop in (
        ("toy", "salmon", "can fly"), ("living things", "worm", "has bones"),
    ):  # fmt: skip
        found = {
            name: overgeneralizations(history).sel(item=item, property=prop)
            for name, history in data[world].items()
        }
        deep, shallow, biased = found["deep"], found["shallow"], found["shallow with bias"]
        cell = f"“{item} {prop}”"
        bound = float(predict_peaks(data[world]["deep"]).sel(item=item, property=prop))
        checks += [
            Check(
                f"deep: {cell} rises and falls",
                f"peak {spread(deep['peak'])} (bound {bound:.2f}), end {spread(deep['final'])}, "
                f"in {float(deep['rose_and_fell'].mean()):.0%} of seeds",
                "≥ 95 % of seeds, end < .1 in every seed",
                deep["rose_and_fell"].mean() >= 0.95 and (deep["final"] < 0.1).all(), "published",
            ),
            Check(
                f"deep: {cell} is the class's doing", f"excess {spread(deep['excess'])}",
                "> .1 in every seed", (deep["excess"] > 0.1).all(),
            ),
            Check(
                f"shallow control: no {cell}", f"excess {spread(shallow['excess'])}",
                "< .01 in every seed", (shallow["excess"] < 0.01).all(), "published",
            ),
            Check(
                f"shallow with an output bias: {cell} of every item alike",
                f"peak {spread(biased['peak'])}, excess {spread(biased['excess'])}",
                "peak > .1 but excess < .05 in every seed",
                (biased["peak"] > 0.1).all() and (biased["excess"] < 0.05).all(),
            ),
        ]  # fmt: skip
    return checks


def fig5(data: Data | None = None) -> Figure:
    """Draw two false beliefs over time in deep and shallow networks."""
    data = fig5_data() if data is None else data
    figure = Figure(figsize=(7.0, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axis, world, item, prop in (
        (left, "toy", "salmon", "can fly"), (right, "living things", "worm", "has bones"),
    ):  # fmt: skip
        runs = data[world]
        others = {name: run for name, run in runs.items() if name != "deep"}
        plots.beliefs(runs["deep"], item, prop, compare=others, name="deep", ax=axis)
        axis.set_xlim(0, 1.2 * settling_time(runs["deep"], item, prop))
    return figure


def _largest_error(history: xr.Dataset) -> xr.DataArray:
    last = history["output"].isel(time=-1)
    return abs(last - history["target"]).max(("item", "property"))


def _level_singular_values(world: Dataset) -> np.ndarray:
    """Return the root-mean-square singular value of the data within each level's subspace."""
    history = solve(world, depth=1, times=2)
    projectors, target = level_subspaces(history).values, history["target"].values
    energy = np.einsum("lij,ip,jp->l", projectors, target, target)
    return np.sqrt(energy / np.einsum("lii->l", projectors))


def _separates_in_order(world: Dataset, *, depth: int) -> bool:
    history = solve(world, depth=depth, times=100)
    found = differentiation(history).sel(layer="output")["precedes"].isel(level=slice(-1))
    return bool(found.all())


def _only(names: dict[str, Any], leave_out: str) -> dict[str, Any]:
    return {kind: value for kind, value in names.items() if kind != leave_out}
