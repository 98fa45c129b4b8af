"""Figures 1 and 2: what a three-layer network sees of its data, and how one mode of it moves.

Matched: the network, the statistics, the vector field for τ = 1, s = 1. Chosen by us: the world
(the four items and five properties of `saxe2014`; row labels as in public reproductions), and the
starting points of the trajectories, which the caption does not give; that every start but those
on a = −b reaches ab = s is checked on random ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from semdev.data.corpora import load
from semdev.data.dataset import Dataset
from semdev.data.patterns import make_patterns
from semdev.measures.chains import decouple
from semdev.models.chains import aligned_weights, draw_orthonormal
from semdev.models.networks import DeepLinear
from semdev.models.single_units import chain_strengths
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import draw_matrix, draw_network, letter_panels
from semdev.plots._style import CATEGORIES, GREY, finish
from semdev.theory import bound_learning_rate, decompose
from semdev.training import train

Data = dict[str, Any]


def fig1_data(*, seeds: int = 20, steps: int = 800) -> Data:
    """Claim: a three-layer linear network learns from its data's second moments alone."""
    world = load("saxe2014")
    patterns = make_patterns(world)
    modes = decompose(patterns)
    # Other examples with the same moments: every example becomes a mixture of the old ones.
    turn = draw_orthonormal(np.random.default_rng(0), len(patterns.inputs), len(patterns.inputs))
    table = world.properties.copy(data=turn @ world.properties.values)
    mixed = make_patterns(Dataset(table, name="mixtures"), inputs=turn)
    rate = bound_learning_rate(patterns, depth=2)[0] / 10
    runs = [
        train(
            DeepLinear(hidden=8, scale=0.05), shown, seeds=seeds, learning_rate=rate, steps=steps,
            record=60, progress=False,
        )
        for shown in (patterns, mixed)
    ]  # fmt: skip
    names = {"mode": np.arange(1, len(modes.s) + 1)}
    properties = patterns.data.properties
    return {
        "target": world.properties,
        "sigma_xx": patterns.inputs.T @ patterns.inputs,
        "sigma_yx": patterns.targets.T @ patterns.inputs,
        "u": xr.DataArray(
            modes.u, dims=("property", "mode"),
            coords={"property": properties["property"].values, **names},
        ),
        "s": modes.s,
        "v": xr.DataArray(
            modes.v, dims=("item", "mode"), coords={"item": properties["item"].values, **names}
        ),
        "turn": turn, "plain": runs[0], "mixed": runs[1],
    }  # fmt: skip


def fig1_checks(data: Data) -> list[Check]:
    """Hold figure 1 against its claims."""
    back = np.einsum("ij,stip->stjp", data["turn"], data["mixed"]["output"].values)
    apart = np.abs(back - data["plain"]["output"].values).max((1, 2, 3))
    moved = np.ptp(data["plain"]["output"].values, axis=1).max((1, 2))
    rebuilt = data["u"].values * data["s"] @ data["v"].values.T
    table = np.abs(data["sigma_yx"] - data["target"].values.T).max()
    squares = np.sort(data["s"] ** 2)[::-1]
    return [
        Check(
            "learning depends on the data through Σ11 and Σ31 alone: other examples with the same "
            "moments, the same trajectory",
            f"largest difference {spread(apart, form='.1e')} while answers moved by "
            f"{spread(moved, form='.2f')}", "difference ≤ 1e-9 of what moved, in every seed",
            (apart <= 1e-9 * moved).all(), "published", panel="a", expected="0",
        ),
        Check(
            "orthogonal items have Σ11 = I", f"largest difference "
            f"{np.abs(data['sigma_xx'] - np.eye(len(data['sigma_xx']))).max():.1e}", "≤ 1e-12",
            np.abs(data["sigma_xx"] - np.eye(len(data["sigma_xx"]))).max() <= 1e-12,
            "published", panel="a", expected="0",
        ),
        Check(
            "Σ31 is the table of items and properties, and U S Vᵀ rebuilds it",
            f"largest difference {table:.0e}, {np.abs(rebuilt - data['sigma_yx']).max():.0e}",
            "≤ 1e-9", max(table, np.abs(rebuilt - data["sigma_yx"]).max()) <= 1e-9, "published",
            panel="b", expected="0",
        ),
        Check(
            "one mode is stronger, what animals share; three are tied and tell items apart",
            f"s² = {', '.join(f'{x:.3f}' for x in squares)}", "3, 1, 1, 1 to 1e-9",
            np.abs(squares - [3, 1, 1, 1]).max() < 1e-9, panel="c", expected="3, 1, 1, 1",
        ),
    ]  # fmt: skip


def fig1(data: Data | None = None) -> Figure:
    """Draw the three-layer network, Σ31, and its modes."""
    data = fig1_data() if data is None else data
    figure = Figure(figsize=(7.0, 2.5), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=[1.5, 0.9, 0.9])
    draw_network(axes[0], data["target"])
    draw_matrix(axes[1], data["target"].T, "property", "item", cmap="Greys", vmin=0, vmax=1.4)
    axes[1].set_title("Σ³¹ = U S Vᵀ", fontsize=8)
    scaled = data["v"].T * xr.DataArray(data["s"], dims="mode")
    bound = float(np.abs(scaled).max())
    draw_matrix(axes[2], scaled, "mode", "item", cmap="RdBu_r", vmin=-bound, vmax=bound)
    axes[2].set_title("S Vᵀ (2–4 are tied)", fontsize=8)
    letter_panels(axes)
    return figure


STARTS = ((0.02, 0.3), (0.3, 0.02), (1.5, 0.05), (-0.05, -1.4), (-0.6, 0.55), (0.7, -0.75))
UNEQUAL = ((0.02, 0.02), (0.2, 0.02), (0.6, 0.02), (1.5, 0.02))


def fig2_data(*, draws: int = 400, steps: int = 400, seed: int = 0) -> Data:
    """Claim: one mode moves along hyperbolas a² − b² = const from a saddle at 0 to ab = s."""
    time = np.linspace(0, 12, 600)
    rng = np.random.default_rng(seed)
    starts = rng.normal(size=(draws, 2))
    world = load("saxe2014")
    # The three weaker modes are tied; they start alike, since only their span is defined.
    begin = np.array([UNEQUAL[2], *[UNEQUAL[1]] * 3])
    rate = bound_learning_rate(world, depth=2)[0]
    chains = {}
    for share in (0.02, 0.01):
        n = round(steps * 0.02 / share)
        chains[share] = decouple(
            train(
                DeepLinear(hidden=6), world, seeds=1, learning_rate=share * rate, steps=n,
                record=list(range(0, n + 1, n // 50)), keep_weights=True, progress=False,
                weights=aligned_weights(world, depth=2, initial=begin, hidden=6, seed=seed),
            )
        )  # fmt: skip
    return {
        "time": time,
        "paths": chain_strengths(time, 1.0, initial=STARTS),
        "saddle path": chain_strengths(time, 1.0, initial=[[1.2, -1.2]]),
        "unequal": chain_strengths(time, 1.0, initial=UNEQUAL),
        "starts": starts, "random": chain_strengths(time, 1.0, initial=starts),
        "late": chain_strengths([200.0], 1.0, initial=starts)[0],
        "chains": chains,
    }  # fmt: skip


def fig2_checks(data: Data) -> list[Check]:
    """Hold figure 2 against its claims."""
    a, b = data["random"][..., 0], data["random"][..., 1]
    hyperbola = np.ptp(a**2 - b**2, axis=0)
    late = data["late"].prod(-1)
    fallen = np.abs(data["saddle path"][-1, 0])
    step = 1e-6
    slopes = np.array([
        (_field(step * np.eye(2)[k]) - _field(-step * np.eye(2)[k])) / (2 * step) for k in (0, 1)
    ])  # fmt: skip
    eigen = np.linalg.eigvalsh(slopes)
    drift = [float(chain["drift"].max()) for chain in data["chains"].values()]
    wrong = [
        float((np.abs(chain["chain"] - chain["predicted"]) / chain["singular_value"] ** 0.5).max())
        for chain in data["chains"].values()
    ]
    return [
        Check(
            "a² − b² is conserved on every trajectory",
            f"largest change over {len(hyperbola)} random starts {hyperbola.max():.1e}", "≤ 1e-9",
            hyperbola.max() <= 1e-9, "published", panel="a", expected="0",
        ),
        Check(
            "(0, 0) is a saddle: its linearization has the eigenvalues ±s",
            f"{eigen[0]:.4f}, {eigen[1]:.4f}", "−1 and 1 to 1e-6",
            np.abs(eigen - [-1, 1]).max() < 1e-6, "published", panel="a", expected="−1, 1",
        ),
        Check(
            "all other starts reach the manifold of solutions ab = s",
            f"largest |ab − s| {np.abs(late - 1).max():.1e} from {len(late)} random starts",
            "≤ 1e-6 at time 200", np.abs(late - 1).max() <= 1e-6, "published", panel="a",
            expected="ab = 1",
        ),
        Check(
            "on a = −b, the saddle's stable manifold, both weights die out",
            f"|a|, |b| = {fallen[0]:.1e}, {fallen[1]:.1e} at time {data['time'][-1]:.0f}",
            "< 1e-4", fallen.max() < 1e-4, "published", panel="a", expected="0",
        ),
        Check(
            "whole networks whose layers start unequal follow the closed form, mode by mode",
            f"largest distance / √s: {wrong[0]:.4f}, and {wrong[1]:.4f} at half the learning rate",
            "≤ .05, and less than .6 of it at half the learning rate",
            wrong[0] <= 0.05 and wrong[1] < 0.6 * wrong[0], panel="b", expected="0",
        ),
        Check(
            "networks conserve W₁W₁ᵀ − W₂ᵀW₂ but for finite steps",
            f"drift {drift[0]:.5f}, and {drift[1]:.5f} at half the learning rate",
            "≤ .02, and less than .6 of it at half the learning rate",
            drift[0] <= 0.02 and drift[1] < 0.6 * drift[0], panel="b", expected="0",
        ),
    ]  # fmt: skip


def fig2(data: Data | None = None) -> Figure:
    """Draw the vector field with its trajectories, and strengths over time."""
    data = fig2_data() if data is None else data
    figure = Figure(figsize=(7.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    grid = np.linspace(-1.9, 1.9, 17)
    a, b = np.meshgrid(grid, grid)
    da, db = _field(np.stack([a, b], axis=-1)).transpose(2, 0, 1)
    length = np.hypot(da, db) + 1e-9
    size = np.sqrt(length) / length
    left.quiver(a, b, da * size, db * size, color="#56B4E9", width=0.003, scale=38)
    solution = np.linspace(0.5, 2, 100)
    left.plot(solution, 1 / solution, color="black", lw=1.4)
    left.plot(-solution, -1 / solution, color="black", lw=1.4, label="solutions ab = s")
    left.plot([-2, 2], [2, -2], color=CATEGORIES[1], lw=1.4, label="stable manifold a = −b")
    for k, (x, y) in enumerate(np.moveaxis(data["paths"], 1, 0).transpose(0, 2, 1)):
        left.plot(x, y, color=CATEGORIES[2], lw=1.2, label="trajectories" if not k else None)
        left.plot(x[0], y[0], "o", ms=3, color=CATEGORIES[2])
    left.plot(0, 0, "x", color="black", ms=5)
    left.set(xlim=(-2, 2), ylim=(-2, 2), aspect="equal")
    left.legend(
        frameon=False, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2,
        columnspacing=1.0, handlelength=1.5,
    )  # fmt: skip
    finish(left, x="a (first layer)", y="b (second layer)")
    chain = data["chains"][0.01].isel(seed=0)
    for k, color in ((1, CATEGORIES[0]), (2, CATEGORIES[3])):
        mode = chain.sel(mode=k)
        s = float(mode["singular_value"])
        right.plot(chain["time"], mode["predicted_strength"] / s, color=color, lw=1.2)
        right.plot(
            chain["time"][::3], mode["strength"][::3] / s, "o", ms=3, color=color,
            label=f"mode {k} of the network" + (" (and 3, 4)" if k == 2 else ""),
        )  # fmt: skip
    shades = ("0.75", "0.6", "0.4", "0.1")
    paths = np.moveaxis(data["unequal"], 1, 0)
    for (x, y), shade, path in zip(UNEQUAL, shades, paths, strict=True):
        right.plot(
            data["time"], path.prod(-1), color=shade, lw=1, ls="--", label=f"a₀ = {x}, b₀ = {y}"
        )
    right.set_xlim(0, float(chain["time"][-1]))
    right.axhline(1, color=GREY, lw=0.6, zorder=0)
    right.legend(
        frameon=False, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2,
        columnspacing=1.0, handlelength=1.8,
    )  # fmt: skip
    finish(right, y="strength ab / s")
    letter_panels((left, right))
    return figure


def _field(weights: np.ndarray) -> np.ndarray:
    """Return (ȧ, ḃ) at (a, b) for s = 1 along the last axis."""
    a, b = weights[..., 0], weights[..., 1]
    return np.stack([b * (1 - a * b), a * (1 - a * b)], axis=-1)
