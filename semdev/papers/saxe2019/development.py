"""Figures 4 and 5: progressive differentiation, and beliefs that rise and fall."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from semdev import plots
from semdev.data.corpora import load
from semdev.data.dataset import Dataset
from semdev.data.generators import branching_diffusion
from semdev.measures.differentiation import differentiation
from semdev.measures.modes import level_subspaces
from semdev.measures.overgeneralization import overgeneralizations, predict_peaks
from semdev.models.networks import DeepLinear, Shallow
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.plots._style import finish
from semdev.plots.beliefs import settling_time
from semdev.theory import branching_singular_values, solve
from semdev.training import train

Data = dict[str, Any]


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
            (off <= 0.05).all(), expected="s = √(N P Σ Δ/M): off by 0",
        ),
        Check(
            "broader levels are stronger (100 properties)",
            f"in {kept.mean():.0%} of {len(kept)} worlds", "≥ 95 %", kept.mean() >= 0.95,
            expected="97 % of worlds (derived)",
        ),
        Check(
            "exact solution, deep: broad levels separate before fine ones (1000 properties)",
            f"in {deep.mean():.0%} of {len(deep)} worlds; shallow control in {shallow.mean():.0%}",
            "deep ≥ 95 %, shallow ≤ 5 %", deep.mean() >= 0.95 and shallow.mean() <= 0.05,
            "published", panel="b", expected="all; none",
        ),
        Check(
            "so do trained networks (one world of 100 properties)",
            f"in {ahead.mean():.0%} of {len(ahead)} seeds", "≥ 95 %", ahead.mean() >= 0.95,
            panel="b", expected="all",
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
    letter_panels((spectrum, time, paths))
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
    for panel, world, item, prop in (
        ("a", "toy", "salmon", "can fly"), ("b", "living things", "worm", "has bones"),
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
                f"peak {spread(deep['peak'])}, end {spread(deep['final'])}, "
                f"in {float(deep['rose_and_fell'].mean()):.0%} of seeds",
                "≥ 95 % of seeds, end < .1 in every seed",
                deep["rose_and_fell"].mean() >= 0.95 and (deep["final"] < 0.1).all(), "published",
                panel=panel, expected=f"up to {bound:.2f} and back to 0",
            ),
            Check(
                f"deep: {cell} is the class's doing", f"excess {spread(deep['excess'])}",
                "> .1 in every seed", (deep["excess"] > 0.1).all(), panel=panel, expected="> 0",
            ),
            Check(
                f"shallow control: no {cell}", f"excess {spread(shallow['excess'])}",
                "< .01 in every seed", (shallow["excess"] < 0.01).all(), "published",
                panel=panel, expected="0",
            ),
            Check(
                f"shallow with an output bias: {cell} of every item alike",
                f"peak {spread(biased['peak'])}, excess {spread(biased['excess'])}",
                "peak > .1 but excess < .05 in every seed",
                (biased["peak"] > 0.1).all() and (biased["excess"] < 0.05).all(),
                panel=panel, expected="peak > 0, excess 0",
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
    letter_panels((left, right))
    return figure


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
