"""Claim: deep linear networks learn from saddle to saddle, and are never trapped.

A supplement of ours to Saxe, McClelland & Ganguli (2014), which says that the only fixed points
are saddles and global minima; it has no such figure. Worlds, widths, starting strengths and
numbers of seeds are ours; the checks are held to closed forms.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semdev.building import initial_weights
from semdev.data.corpora import load
from semdev.data.dataset import Dataset
from semdev.data.patterns import make_patterns
from semdev.landscape import measure_curvature, restart, saddle_report
from semdev.measures.plateaus import bottleneck, plateaus
from semdev.models.decomposition import decompose, effective_initial_strength
from semdev.models.networks import DeepLinear, Shallow
from semdev.models.plateaus import fit_modes, predict_curvature, separating_start
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.plots._style import CATEGORIES, GREY, draw_curve, finish
from semdev.theory import solve
from semdev.training import train

Data = dict[str, Any]
BLUE, RED, GREEN = CATEGORIES[:3]


def figS1_data(
    *,
    seeds: int = 20,
    initial: float = 1e-7,
    restarts: int = 100,
    restart_steps: int = 8000,
    ratios: tuple[float, ...] = (1.2, 1.5, 2.0, 3.0, 5.0),
) -> Data:
    """Claim: the landscape of a deep linear network holds saddles and global minima only.

    Ours: the worlds of Cao et al. (2020; a–b) and Saxe et al. (2019; c–f) with 32, 16 and 8
    hidden units and starting strength `initial`. Random restarts begin with standard deviation 1.
    """
    world, small = load("cao2020"), load("saxe2019")
    model = DeepLinear(hidden=32, scale=float(np.sqrt(2 * initial / 32)))
    run = train(model, world, seeds=seeds, record=400)
    start = effective_initial_strength(initial_weights(model, world, seeds=seeds), world)
    narrow = DeepLinear(hidden=16, scale=float(np.sqrt(2 * initial / 16)))
    curved = train(narrow, small, seeds=seeds, record=400, keep_weights=True)
    return {
        "run": run,
        "plateaus": plateaus(run, depth=2, initial=start),
        "levels": fit_modes(world),
        "curvature": saddle_report(
            curved, narrow, small, times=np.linspace(0, float(curved["time"][-1]), 20)
        ),
        "on plateaus": _report_plateaus(curved, narrow, small),
        "by hand": _report_saddles_by_hand(small),
        "restarts": {
            f"{hidden} hidden units": restart(
                DeepLinear(hidden=hidden, scale=1.0), small, seeds=restarts, steps=restart_steps,
                learning_rate=0.02,
            )
            for hidden in (8, 4)
        },
        "bottlenecks": _squeeze(small, seeds),
        "separation": _find_separation(ratios),
        "xor": _restart_xor(seeds),
    }  # fmt: skip


def _report_plateaus(history: xr.Dataset, model: DeepLinear, world: Dataset) -> xr.Dataset:
    """Return the curvature in the middle of each plateau of each seed, seed × rank."""
    found = plateaus(history)
    ends = found["end"].fillna(2 * float(history["time"][-1]) - found["start"])
    middle = (found["start"] + ends) / 2
    rows = []
    for seed in history["seed"].values:
        times = middle.sel(seed=seed, drop=True).dropna("rank")
        report = saddle_report(history, model, world, times=times.values, seeds=[int(seed)])
        report = report.drop_vars(["rank", "step"]).sel(time=times, method="nearest")
        rows.append(report.drop_vars("time"))
    return xr.concat(rows, "seed", join="outer")


def _report_saddles_by_hand(world: Dataset, *, hidden: int = 6) -> list[tuple[int, bool, Any, Any]]:
    """Return depth, whether in order, measured and predicted ends of the spectrum at saddles."""
    modes, rng = decompose(world), np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(hidden, hidden)))[0]
    number, found = len(modes.s), []
    subsets = [list(c) for k in range(number + 1) for c in combinations(range(number), k)]
    for depth in (2, 3, 4):
        for held in subsets:
            root, units = modes.s[held] ** (1 / depth), turn[:, : len(held)]
            layers = [
                units * root @ modes.v[:, held].T,
                *[units * root @ units.T for _ in range(depth - 2)],
                modes.u[:, held] * root @ units.T,
            ]
            model = DeepLinear([hidden] * (depth - 1))
            measured = measure_curvature(model, world, layers).isel(seed=0)
            predicted = predict_curvature(
                world, depth=depth, learned=[k + 1 for k in held], hidden=hidden
            )
            # tied modes may stand in for each other
            in_order = len(held) == 0 or modes.s[held].min() >= np.delete(modes.s, held).max(
                initial=0.0
            ) * (1 - 1e-9)
            found.append((depth, bool(in_order), measured, predicted))
    return found


def _squeeze(world: Dataset, seeds: int) -> dict[str, list[xr.Dataset]]:
    """Return what networks with 1, 2, 3, 4 hidden units end with, frequencies equal and not."""
    uneven = make_patterns(world, frequency=[1.0, 2.0, 3.0, 0.5])
    found: dict[str, list[xr.Dataset]] = {}
    for name, data in (("equal", make_patterns(world)), ("unequal", uneven)):
        found[name] = []
        for hidden in (1, 2, 3, 4):
            rate = 0.1 / float(decompose(data).s[0] * data.weights.max())
            history = train(
                DeepLinear(hidden=hidden, scale=0.1), data, seeds=seeds, learning_rate=rate,
                steps=4000, record=20,
            )  # fmt: skip
            found[name].append(bottleneck(history, hidden=hidden))
    return found


def _find_separation(ratios: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Return ln(s₂/a₀) from which two modes show a plateau between, found and predicted."""
    found = []
    for ratio in ratios:
        table = xr.DataArray(
            np.diag([ratio, 1.0]), {"item": ["a", "b"], "property": ["x", "y"]},
            ("item", "property"),
        )  # fmt: skip
        world = Dataset(table, None, "two modes")
        low, high = 1.0, 40.0
        while high - low > 0.1:
            middle = (low + high) / 2
            run = solve(world, depth=2, initial=float(np.exp(-middle)), times=600)
            seen = bool(plateaus(run)["found"].sel(rank=1).any())
            low, high = (low, middle) if seen else (middle, high)
        found.append(high)
    return {
        "ratio": np.array(ratios),
        "found": np.array(found),
        "predicted": separating_start(np.array(ratios)),
    }


def _restart_xor(seeds: int) -> dict[str, np.ndarray]:
    """Return the mean squared error at which linear networks of depth 1, 2, 3 end on XOR."""
    names = ["neither", "second", "first", "both"]
    table = xr.DataArray(
        [[0.0], [1.0], [1.0], [0.0]], {"item": names, "property": ["either, not both"]},
        ("item", "property"),
    )  # fmt: skip
    codes = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1.0]])  # two features, and a bias
    data = make_patterns(Dataset(table, None, "XOR"), inputs=codes)
    models: dict[str, Any] = {
        "1": Shallow(scale=0.3),
        "2": DeepLinear(4, scale=0.5),
        "3": DeepLinear([4, 4], scale=0.5),
    }
    return {
        depth: restart(model, data, seeds=seeds, steps=3000, learning_rate=0.02)["loss"].values / 2
        for depth, model in models.items()
    }


def figS1_checks(data: Data) -> list[Check]:
    """Hold figure S1 against its claims."""
    seen, on = data["plateaus"], data["on plateaus"]
    off = abs(seen["level"] / seen["predicted"] - 1).isel(rank=slice(0, -1))
    ranks = seen["rank"].values[seen["found"].any("seed")].tolist()
    late = _relative(seen["start"], seen["predicted_start"])
    soon = _relative(seen["end"], seen["predicted_end"])
    waiting = on["predicted_smallest"] < 0
    curved = abs(on["smallest"] / on["predicted_smallest"] - 1).where(waiting)
    top = data["curvature"].isel(time=-1)
    steep = abs(top["largest"] / top["predicted_largest"] - 1)
    exact = [
        max(abs(float(m[k]) - p[k]) for k in ("smallest", "largest"))
        for _, _, m, p in data["by hand"]
    ]
    flat = [float(m["smallest"]) for depth, order, m, _ in data["by hand"] if order and depth > 2]
    down = [float(m["smallest"]) for depth, order, m, _ in data["by hand"] if not order]
    ends = xr.concat(list(data["restarts"].values()), "start")
    apart = data["separation"]["predicted"] / data["separation"]["found"] - 1
    xor = np.concatenate(list(data["xor"].values()))
    squeezed = [
        abs(each["loss"] - each["predicted_loss"]).max().item()
        for runs in data["bottlenecks"].values()
        for each in runs
    ]
    saddles = [
        float(each["next_loss"] - each["loss"].max())
        for runs in data["bottlenecks"].values()
        for each in runs[:-1]
    ]
    return [
        Check(
            "the loss lingers at ½ Σ s² over the modes not yet learned",
            f"{spread(off, form='.1%')} off", "≤ 10 % off in ≥ 95 % of plateaus of all seeds",
            (off <= 0.1).where(off.notnull()).mean() >= 0.95, panel="a",
            expected=f"{', '.join(f'{x:g}' for x in _levels(data))}",
        ),
        Check(
            "modes of a tie are passed without a plateau between them",
            f"ranks {ranks}",
            "no rank that cuts a tie, in any seed",
            bool(np.isin(ranks, data["levels"].ends).all()), panel="a",
            expected=", ".join(map(str, data["levels"].ends)),
        ),
        Check(
            "plateaus begin and end when the closed forms of their modes say",
            f"begin {spread(late, form='.1%')}, end {spread(soon, form='.1%')} off",
            "medians within 10 %",
            abs(np.nanmedian(late)) <= 0.1 and abs(np.nanmedian(soon)) <= 0.1, panel="b",
            expected="times of shares .684 and .051 of neighbouring modes",
        ),
        Check(
            "on a plateau the steepest way down has curvature −max s of what is not learned",
            f"{spread(curved, form='.1%')} off", "median ≤ 5 %, every one ≤ 25 %",
            float(curved.median()) <= 0.05 and float(curved.max()) <= 0.25, panel="c",
            expected="−√7, −√3, −1",
        ),
        Check(
            "at the solution the largest curvature is 2 s₁", f"{spread(steep, form='.2%')} off",
            "≤ 2 % in every seed", bool((steep <= 0.02).all()), panel="c", expected="2√7 = 5.29",
        ),
        Check(
            "the closed forms hold at every saddle, whichever modes are learned (depth 2, 3, 4)",
            f"largest error {max(exact):.1e} at {len(exact)} saddles", "< 1e-6", max(exact) < 1e-6,
            panel="d", expected="see predict_curvature",
        ),
        Check(
            "depth ≥ 3: saddles with modes learned in order have no negative curvature, all "
            "others have",
            f"smallest in order {min(flat):.1e}, out of order at most {max(down):.2f}",
            "> −1e-6, < −.01", min(flat) > -1e-6 and max(down) < -0.01, panel="d", expected="0",
        ),
        Check(
            "random restarts end at the global minimum, or are still on the way",
            f"{int(ends['reached'].sum())} of {ends['reached'].size} reached it, "
            f"{int((ends['falling'] & ~ends['reached']).sum())} still fall, "
            f"{int(ends['trapped'].sum())} trapped",
            "none trapped, at least half reached it",
            not ends["trapped"].any() and float(ends["reached"].mean()) >= 0.5, "published",
            panel="e", expected="none trapped",
        ),
        Check(
            "a narrow hidden layer learns the strongest modes it has room for, whatever the "
            "frequencies",
            f"loss off by at most {max(squeezed):.1e}", "< .01 in every seed",
            max(squeezed) < 0.01, "published", panel="f",
            expected="½ Σ s² over α > N₂: 2.5, 1, .5, 0",
        ),
        Check(
            "and no network stops at another choice of modes",
            f"all below the next saddle by ≥ {min(saddles):.3f}", "> 0 in every seed",
            min(saddles) > 0, "published", panel="f", expected="> 0",
        ),
        Check(
            "two modes show a plateau between them from the predicted starting strength on",
            f"{spread(apart, form='.0%')} off", "≤ 30 % at every ratio",
            bool((abs(apart) <= 0.3).all()), panel="g",
            expected="ln(s₂/a₀) = (2.92 r + ln r + .77)/(r − 1)",
        ),
        Check(
            "no depth makes a linear network solve XOR", f"mean squared error {spread(xor)}",
            ".25 to 1e-4 at depth 1, 2 and 3", bool((abs(xor - 0.25) < 1e-4).all()), panel="h",
            expected=".25",
        ),
    ]  # fmt: skip


def _levels(data: Data) -> np.ndarray:
    return data["levels"].losses()[data["levels"].ends]


def _relative(measured: xr.DataArray, predicted: xr.DataArray) -> np.ndarray:
    """Return by what share times are off, where there are both and the prediction is above 0."""
    ratio = (measured / predicted.where(predicted > 0) - 1).values
    return ratio[np.isfinite(ratio)]


def figS1(data: Data | None = None) -> Figure:
    """Draw plateaus, curvatures, restarts, bottlenecks, and what depth cannot do."""
    data = figS1_data() if data is None else data
    figure = Figure(figsize=(7.0, 4.4), layout="constrained")
    axes = figure.subplots(2, 4).ravel()
    letter_panels(axes)
    loss, times, curve, hand, ends, narrow, apart, xor = axes
    draw_curve(loss, data["run"]["loss"], interval=0.95, color=BLUE)
    for level in _levels(data)[:-1]:
        loss.axhline(level, color=GREY, lw=0.6, ls=":")
    finish(loss, x="time", y="loss")
    seen = data["plateaus"]
    for name, color in (("start", BLUE), ("end", RED)):
        times.plot(
            seen[f"predicted_{name}"].values.ravel(), seen[name].values.ravel(), ".", ms=3,
            color=color, label=name,
        )  # fmt: skip
    _identity(times, "predicted time", "found")
    times.legend(frameon=False, fontsize=6.5, handletextpad=0.1, title="of plateaus",
                 title_fontsize=6.5)  # fmt: skip
    for name, color, style in (("smallest", BLUE, "-"), ("predicted_smallest", RED, "--")):
        draw_curve(
            curve, data["curvature"][name], interval=0.95, color=color, linestyle=style,
            label="saddle" if style == "--" else "measured",
        )  # fmt: skip
    curve.legend(frameon=False, fontsize=6.5, loc="upper left")
    finish(curve, x="time", y="smallest curvature")
    for depth, color in zip((2, 3, 4), (BLUE, RED, GREEN), strict=True):
        found = [(m, p) for d, _, m, p in data["by hand"] if d == depth]
        hand.plot(
            [p["smallest"] for _, p in found], [float(m["smallest"]) for m, _ in found], "o", ms=3,
            mfc="none", color=color, label=f"depth {depth}",
        )  # fmt: skip
    _identity(hand, "predicted smallest", "measured")
    hand.legend(frameon=False, fontsize=6.5, handletextpad=0.1)
    for (name, found), color in zip(data["restarts"].items(), (BLUE, RED), strict=True):
        excess = np.sort(np.maximum(found["excess"].values, 1e-30))
        ends.plot(np.arange(1, len(excess) + 1), excess, ".", ms=2, color=color, label=name)
    ends.set_yscale("log")
    finish(ends, x="restart (sorted)", y="loss above the least")
    ends.legend(frameon=False, fontsize=6.5, handletextpad=0.1)
    for (name, found), color in zip(data["bottlenecks"].items(), (BLUE, RED), strict=True):
        units = np.arange(1, len(found) + 1)
        narrow.plot(units, [float(f["predicted_loss"]) for f in found], "_", ms=10, color="black")
        for k, each in zip(units, found, strict=True):
            narrow.plot(
                np.full(each.sizes["seed"], k), each["loss"], ".", ms=3, color=color,
                label=f"{name} frequency" if k == 1 else None,
            )  # fmt: skip
    narrow.set_xticks([1, 2, 3, 4])
    finish(narrow, x="hidden units", y="last loss")
    narrow.legend(frameon=False, fontsize=6.5, handletextpad=0.1)
    split = data["separation"]
    apart.plot(split["ratio"], split["predicted"], color="black", lw=1, label="closed form")
    apart.plot(split["ratio"], split["found"], "o", ms=3, color=BLUE, label="found")
    apart.plot(
        split["ratio"], 2 * split["ratio"] / (split["ratio"] - 1), color=GREY, lw=1, ls=":",
        label="2r/(r − 1)",
    )  # fmt: skip
    apart.set_ylim(0, None)
    finish(apart, x="r = s₁/s₂", y="ln(s₂/a₀) needed")
    apart.legend(frameon=False, fontsize=6.5)
    for depth, errors in data["xor"].items():
        xor.plot([int(depth)] * len(errors), errors, ".", ms=3, color=BLUE)
    xor.axhline(0.25, color=GREY, lw=0.6, ls=":")
    xor.set(ylim=(0, 0.4), xticks=[1, 2, 3])
    finish(xor, x="weight matrices", y="error on XOR")
    return figure


def _identity(axis: Axes, x: str, y: str) -> None:
    low, high = axis.dataLim.intervalx
    axis.plot([low, high], [low, high], color=GREY, lw=0.7, zorder=0)
    finish(axis, x=x, y=y)
