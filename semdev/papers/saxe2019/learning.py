"""Figures 1–3: the network and its world, the world's modes, how they are learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from semdev import plots
from semdev.building import initial_weights
from semdev.data.corpora import load
from semdev.measures.modes import mode_strengths
from semdev.measures.stages import transitions
from semdev.models.networks import DeepLinear, Shallow
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import draw_matrix, draw_network, letter_panels
from semdev.theory import decompose, solve
from semdev.training import train

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
            np.abs(squares - [7, 3, 1, 1]).max() < 1e-9, "published", panel="b",
            expected="s² = 7, 3, 1, 1",
        ),
        Check(
            "deep and shallow networks end with the same, correct answers",
            f"largest error: deep {spread(wrong['deep'])}, shallow {spread(wrong['shallow'])}; "
            f"largest difference {float(difference.max()):.3f}",
            "every error ≤ .02 and difference ≤ .04 in every seed",
            (wrong["deep"] <= 0.02).all() and (wrong["shallow"] <= 0.02).all()
            and (difference <= 0.04).all(), expected="no error, no difference",
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
    letter_panels((left, right))
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
            "published", panel="d", expected="½ of every item; animals ½, plants −½",
        ),
        Check(
            "each mode draws the distinctions of one level of the tree",
            f"levels {levels}, smallest purity {purity.min():.6f}", "0, 1, 2, 2; purity > .999",
            levels == [0, 1, 2, 2] and purity.min() > 0.999, "published", panel="d",
            expected="0, 1, 2, 2; purity 1",
        ),
        Check(
            "the modes together are the world", f"largest error {error:.1e}", "< 1e-9",
            error < 1e-9, expected="0",
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
    letter_panels(axes)
    return figure


def fig3_data(*, seeds: int = 50) -> Data:
    """Claim: deep networks learn mode after mode, each in a sudden stage; shallow ones do not."""
    world = load("saxe2019")
    deep = train(DeepLinear(hidden=32), world, seeds=seeds)
    shallow = train(Shallow(), world, seeds=seeds)
    weights = initial_weights(DeepLinear(hidden=32), world, seeds=seeds)
    matched = solve(
        world, depth=2, initial="matched", weights=weights, times=deep["time"].values,
        seeds=deep["seed"].values.tolist(),
    )  # fmt: skip
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
            expected="t½ = ln(s/a₀ − 1) / 2s; error 0",
        ),
        Check(
            "deep: strong modes are learned first (tied modes 3 and 4 not compared)",
            f"in {in_order.mean():.0%} of seeds", "≥ 95 % of seeds", in_order.mean() >= 0.95,
            "published", expected="half-times in the order of s",
        ),
        Check(
            "deep: transitions are sharp and sigmoidal",
            f"rise ÷ half-time {spread(deep['sharpness'])}; logistic in "
            f"{float(deep['sigmoidal'].mean()):.0%}",
            "< 1 and logistic by BIC, every mode of every seed",
            (deep["sharpness"] < 1).all() and deep["sigmoidal"].all(), "published",
            expected="ln 81 / ln(s/a₀ − 1): .35 to .38",
        ),
        Check(
            "deep: the loss falls in several stages",
            f"{spread(deep['stages'])} stages", "≥ 2 in every seed", (deep["stages"] >= 2).all(),
            expected="3 at a₀ = 1e-6 s₁",
        ),
        Check(
            "shallow control: exponential, without stages",
            f"rise ÷ half-time {spread(shallow['sharpness'])} (theory 3.17); logistic in "
            f"{float(shallow['sigmoidal'].mean()):.0%}; stages {int(shallow['stages'].max())}",
            "within 2 % of ln 9 / ln 2; none logistic; no stage",
            (np.abs(shallow["sharpness"] / (np.log(9) / np.log(2)) - 1) < 0.02).all()
            and not shallow["sigmoidal"].any() and int(shallow["stages"].max()) == 0, "published",
            panel="b", expected="ln 9 / ln 2 = 3.170; no stage",
        ),
        Check(
            "shallow control: all modes at the same time, and as the closed form says",
            f"half-times apart by {spread(apart)}; strengths off by {float(exact):.3f}",
            "< 1 %, and < .1 of a singular value", (apart < 0.01).all() and float(exact) < 0.1,
            panel="b", expected="0; 0",
        ),
    ]  # fmt: skip


def fig3(data: Data | None = None) -> Figure:
    """Draw mode strengths over time, deep and shallow, with the closed forms over them."""
    data = fig3_data() if data is None else data
    figure = Figure(figsize=(7.0, 2.8), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    letter_panels(axes)
    for axis, kind in zip(axes, ("deep", "shallow"), strict=True):
        plots.modes(data[kind], theory=data[f"{kind} theory"], ax=axis)
        axis.set_title(f"{kind} network", fontsize=8, loc="right")
    return figure


def _largest_error(history: xr.Dataset) -> xr.DataArray:
    last = history["output"].isel(time=-1)
    return abs(last - history["target"]).max(("item", "property"))


def _only(names: dict[str, Any], leave_out: str) -> dict[str, Any]:
    return {kind: value for kind, value in names.items() if kind != leave_out}
