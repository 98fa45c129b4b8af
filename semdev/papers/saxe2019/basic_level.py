"""Claim: the basic level comes first only where superordinate classes hold contrasting members.

Saxe, A. M., McClelland, J. L. & Ganguli, S. (2019). A mathematical theory of semantic
development in deep neural networks. PNAS 116(23), 11537–11546.

Unconfirmed: the paper's figure number and its world for the basic level. Ours are all worlds,
the eigenvalues of levels by increments of what items share, the theorem for branching diffusion,
category utility (Corter & Gluck 1992) beside them, and every threshold.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semdev.data.categories import contrasting_features, nested_gaussian
from semdev.data.dataset import Dataset
from semdev.data.generators import branching_diffusion
from semdev.measures.basic_level import (
    basic_level,
    level_acquisition,
    predict_level_eigenvalues,
)
from semdev.measures.crossing import first_crossing
from semdev.measures.modes import level_strengths
from semdev.models.networks import DeepLinear, Shallow
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.plots._style import CATEGORIES, SMALL, TEXT, draw_curve, finish
from semdev.theory import branching_singular_values, solve
from semdev.training import train

Data = dict[str, Any]
BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK = CATEGORIES
KINDS: dict[str, tuple[Any, int]] = {"deep": (DeepLinear(hidden=32), 2), "shallow": (Shallow(), 1)}
INCREMENTS = (0.25, -0.12, 0.6, 0.27)


def fig8_data(
    *,
    worlds: int = 60,
    properties: int = 1000,
    closed: int = 2000,
    seeds: int = 20,
    world_seed: int = 0,
) -> Data:
    """Claim: the basic level comes first only where superordinate classes hold contrasting members.

    The worlds are ours. Diffusion: branching of 2 to 4 at three levels and one flip probability
    per level, all drawn at random. Contrast: 2 to 4 at the two broad levels, contrasts over the
    number that theory asks for.
    """
    rng = np.random.default_rng(world_seed)
    ratios = []
    for _ in range(closed):
        branching, flip = (
            rng.integers(2, 5, size=3).tolist(),
            rng.uniform(0.01, 0.49, size=3).tolist(),
        )
        squares = branching_singular_values(branching, flip=flip, properties=1).values ** 2
        ratios.append([np.mean(flip), squares[2] / squares[1]])
    sampled = [
        int(basic_level(branching_diffusion(
            rng.integers(2, 4, size=3).tolist(), flip=0.15, properties=properties, seed=k
        ))["strongest"])
        for k in range(worlds)
    ]  # fmt: skip
    contrasting = []
    for k in range(worlds):
        branching = [*rng.integers(2, 5, size=2).tolist(), 2]
        world = contrasting_features(branching, contrasts=2 * branching[1] + 1, seed=k)
        contrasting.append(_first_level(world))
    drawn = [
        basic_level(
            nested_gaussian([2, 2, 2], increments=INCREMENTS, properties=properties, seed=k)
        )
        for k in range(worlds)
    ]  # fmt: skip
    trained = {
        "contrasting classes": contrasting_features([2, 2, 2], contrasts=5, seed=world_seed),
        "branching diffusion": branching_diffusion([2, 2, 2], properties=500, seed=world_seed),
    }
    histories = {
        (name, kind): train(model, world, seeds=seeds, dtype="float32", record=150)
        for name, world in trained.items()
        for kind, (model, _) in KINDS.items()
    }
    return {
        "ratios": np.array(ratios),
        "sampled": np.array(sampled),
        "contrasting": np.array(contrasting),
        "gaussian": np.array([each["eigenvalue"].values for each in drawn]),
        "gaussian theory": predict_level_eigenvalues([2, 2, 2], increments=INCREMENTS).values,
        "static": {name: basic_level(world) for name, world in trained.items()},
        "learning": {
            key: level_acquisition(history, depth=KINDS[key[1]][1])
            for key, history in histories.items()
        },
        "strength": {key: level_strengths(history) for key, history in histories.items()},
    }


def fig8_checks(data: Data) -> list[Check]:
    """Hold figure 8 against its claims."""
    ratio, sampled, contrasting = data["ratios"][:, 1], data["sampled"], data["contrasting"]
    basic = data["learning"]["contrasting classes", "deep"]
    broad = data["learning"]["branching diffusion", "deep"]
    control = data["learning"]["contrasting classes", "shallow"]
    off = np.abs(np.median(data["gaussian"], axis=0) / data["gaussian theory"] - 1)
    static = data["static"]
    predicted = np.concatenate([
        np.abs(each["acquired"].median("seed") / each["predicted"] - 1).values
        for each in (basic, broad)
    ])  # fmt: skip
    gaps = (control["acquired"].max("level") / control["acquired"].min("level") - 1).values
    utility = {name: int(each["preferred"]) for name, each in static.items()}
    return [
        Check(
            "branching diffusion: the basic level is never stronger than the superordinate one",
            f"λ₂/λ₁ {spread(ratio)}, largest {ratio.max():.4f} in {len(ratio)} worlds (closed "
            "form)",
            "≤ 1 in every world", (ratio <= 1 + 1e-12).all(), panel="a",
            expected="λ₁ − λ₂ = Δ₁n₁ ≥ 0",
        ),
        Check(
            "nor in worlds that are drawn from it",
            f"superordinate first in {np.mean(sampled == 1):.0%} of {len(sampled)} worlds",
            "≥ 95 %", np.mean(sampled == 1) >= 0.95, panel="a", expected="all",
        ),
        Check(
            "a covariance with a negative superordinate increment puts the basic level first",
            f"eigenvalues {', '.join(f'{x:.2f}' for x in np.median(data['gaussian'], axis=0))}; "
            f"basic first in {np.mean(data['gaussian'][:, 2] > data['gaussian'][:, 1]):.0%} of "
            f"{len(data['gaussian'])} draws",
            "medians within 5 % of theory, basic over superordinate in ≥ 95 %",
            off.max() <= 0.05
            and np.mean(data["gaussian"][:, 2] > data["gaussian"][:, 1]) >= 0.95, panel="b",
            expected=", ".join(f"{x:.2f}" for x in data["gaussian theory"]),
        ),
        Check(
            "contrasting members put the basic level first, whatever the branching",
            f"in {np.mean(contrasting == 2):.0%} of {len(contrasting)} worlds (closed form)",
            "in every world", (contrasting == 2).all(), panel="d", expected="all",
        ),
        Check(
            "trained deep networks learn the basic level first in that world",
            f"in {float((basic['first'] == 2).mean()):.0%} of seeds, ahead by "
            f"{spread(basic['lead'], form='.2f')}",
            "≥ 95 %", (basic["first"] == 2).mean() >= 0.95, "published", panel="d", expected="all",
        ),
        Check(
            "trained deep networks learn the superordinate level first in branching diffusion",
            f"in {float((broad['first'] == 1).mean()):.0%} of seeds, ahead by "
            f"{spread(broad['lead'], form='.2f')}",
            "≥ 95 %", (broad["first"] == 1).mean() >= 0.95, "published", panel="e", expected="all",
        ),
        Check(
            "times of levels follow the closed form", f"off by {spread(predicted, form='.1%')}",
            "≤ 5 % at every level", predicted.max() <= 0.05, panel="d", expected="error 0",
        ),
        Check(
            "shallow control: all levels at once, in no order",
            f"latest ÷ earliest level − 1: {spread(gaps, form='.4f')}", "< .01 in every seed",
            (gaps < 0.01).all(), "published", panel="f", expected="0",
        ),
        Check(
            "category utility prefers the basic level where it is learned first",
            f"preferred level {utility['contrasting classes']} there, "
            f"{utility['branching diffusion']} in branching diffusion",
            "2 in the contrasting world", utility["contrasting classes"] == 2, panel="c",
            expected="2",
        ),
    ]  # fmt: skip


def fig8(data: Data | None = None) -> Figure:
    """Draw what makes the basic level strong, and what is learned when."""
    data = fig8_data() if data is None else data
    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    (flips, bars, rival), (basic, broad, control) = figure.subplots(2, 3)
    flips.plot(*data["ratios"].T, ".", ms=1.5, color=BLUE, alpha=0.5)
    flips.axhline(1, color="0.4", lw=0.8, ls=":")
    flips.text(0.02, 1.01, "basic level first", fontsize=SMALL, va="bottom", color="0.3")
    flips.set_ylim(0, 1.15)
    finish(flips, x="mean flip probability", y="basic ÷ superordinate eigenvalue")
    levels = np.arange(len(data["gaussian theory"]))
    _draw_spread(bars, levels, data["gaussian"].T, BLUE, "draws")
    bars.plot(levels, data["gaussian theory"], "_", color=BLACK, ms=14, label="theory")
    bars.set_xticks(levels)
    bars.set_ylim(0, None)
    bars.legend(frameon=False, fontsize=SMALL)
    finish(bars, x="level (2: basic)", y="eigenvalue")
    for (name, found), color, mark in zip(data["static"].items(), (RED, BLUE), "os", strict=True):
        best = float(found["category_utility"].max())
        rival.plot(
            found["level"],
            found["category_utility"] / best,
            f"{mark}-",
            ms=4,
            lw=1,
            color=color,
            label=name,
        )
    rival.set_xticks(levels)
    rival.set_ylim(0, 1.35)
    rival.legend(frameon=False, fontsize=SMALL, loc="upper left")
    finish(rival, x="level (2: basic)", y="category utility ÷ its largest")
    for axis, key, title in (
        (basic, ("contrasting classes", "deep"), "contrasting classes, deep"),
        (broad, ("branching diffusion", "deep"), "branching diffusion, deep"),
        (control, ("contrasting classes", "shallow"), "contrasting classes, shallow"),
    ):
        strength, acquired = data["strength"][key], data["learning"][key]["acquired"]
        short = strength["time"].values <= 1.5 * float(acquired.max())
        for level, color in zip(levels[1:], (BLUE, RED, GREEN), strict=True):
            draw_curve(
                axis,
                strength.sel(level=level).isel(time=short),
                interval=0.95,
                color=color,
                label=("superordinate", "basic", "item")[level - 1],
                linestyle=("-", "--", ":")[level - 1],
            )
        axis.set_title(title, fontsize=TEXT, loc="right")
        finish(axis, x="time", y="level drawn")
    control.legend(frameon=False, fontsize=SMALL, loc="lower right")
    letter_panels([flips, bars, rival, basic, broad, control])
    return figure


def _first_level(world: Dataset) -> int:
    """Return the level that a deep linear network acquires first, apart from what all share."""
    half = first_crossing(level_strengths(solve(world, depth=2, times=100)), 0.5)
    return int(half.isel(seed=0, level=slice(1, None)).values.argmin()) + 1


def _draw_spread(axis: Axes, x: np.ndarray, values: np.ndarray, color: str, text: str) -> None:
    """Draw medians and central 95 % of values, x × draw."""
    low, middle, high = np.quantile(values, [0.025, 0.5, 0.975], axis=1)
    axis.errorbar(
        x, middle, yerr=[middle - low, high - middle], fmt="o", ms=3, capsize=2, lw=0.9,
        color=color, label=text,
    )  # fmt: skip
