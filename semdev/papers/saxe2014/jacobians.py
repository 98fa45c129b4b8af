"""Figure 7: how signals' derivatives survive a deep tanh network with orthogonal weights.

Matched: h_{l+1} = tanh(g O_l h_l) with random orthogonal O_l, 100 layers, gains g around the
critical g_c = 1. Not matched: N = 150 units rather than 1000 (the mean-field prediction beside
each measurement is that for N → ∞, and holds within the tolerances given), three networks for
each gain, the gains themselves, and the input, which is drawn N(0, 1) in every unit. The
mean-field recursion is derived here for orthogonal weights:

    q_{l+1} = E tanh²(g √q_l z),   χ_l = g² E sech⁴(g √q_l z),   mean σ² of the Jacobian = Π χ_l.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from semdev.models.chains import draw_orthonormal
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.plots._style import CATEGORIES, GREY, finish, ordered_colors

Data = dict[str, Any]
GAINS = (0.9, 0.95, 1.0, 1.05, 1.1, 1.2)


def fig7_data(
    *,
    units: int = 150,
    layers: int = 100,
    gains: Sequence[float] = GAINS,
    seeds: int = 3,
) -> Data:
    """Claim: derivatives pass through 100 tanh layers only near the edge of chaos, g = 1."""
    singular = np.empty((len(gains), seeds, units))
    growth = np.empty((len(gains), seeds))
    linear = np.empty((seeds, units))
    activity = np.empty((len(gains), seeds, layers + 1))
    for seed in range(seeds):
        rng = np.random.default_rng([7, seed])
        turns = [draw_orthonormal(rng, units, units) for _ in range(layers)]
        begin = rng.normal(size=units)
        for k, gain in enumerate(gains):
            h, jacobian, late = begin, np.eye(units), np.eye(units)
            activity[k, seed, 0] = np.mean(h**2)
            for layer, turn in enumerate(turns):
                h = np.tanh(gain * turn @ h)
                slope = ((1 - h**2) * gain)[:, None]
                jacobian = slope * (turn @ jacobian)
                if layer >= layers // 2:  # by then the input is forgotten
                    late = slope * (turn @ late)
                activity[k, seed, layer + 1] = np.mean(h**2)
            singular[k, seed] = np.linalg.svd(jacobian, compute_uv=False)
            growth[k, seed] = np.log(np.sum(late**2) / units) / (layers - layers // 2)
        product = np.linalg.multi_dot(turns)
        linear[seed] = np.linalg.svd(product, compute_uv=False)
    expected = [_follow_mean_field(gain, layers) for gain in gains]
    return {
        "gains": np.array(gains), "layers": layers, "singular": singular, "linear": linear,
        "activity": activity, "growth": growth,
        "expected activity": np.array([q for q, _ in expected]),
        "expected growth": np.array([np.log(chi[layers // 2 :]).mean() for _, chi in expected]),
    }  # fmt: skip


def fig7_checks(data: Data) -> list[Check]:
    """Hold figure 7 against its claims."""
    gains, layers = data["gains"], data["layers"]
    growth = data["growth"]
    middle = np.median(growth, axis=1)
    wrong = np.abs(middle - data["expected growth"])
    low, high = gains < 0.99, gains >= 1.1
    largest = data["singular"].max(-1)
    bound = gains[low, None] ** layers
    top = np.median(data["activity"][:, :, -1], axis=1)
    off = np.abs(top - data["expected activity"][:, -1])
    flat = np.abs(data["linear"] - 1).max()
    width = np.median(np.ptp(np.log10(np.maximum(data["singular"], 1e-300)), axis=-1), axis=1)
    usable = np.median(np.mean((data["singular"] > 0.1) & (data["singular"] < 10), axis=-1), axis=1)
    best = gains[usable.argmax()]
    return [
        Check(
            "linear networks of orthogonal layers keep every singular value at 1",
            f"largest |σ − 1| {flat:.1e} after {layers} layers", "≤ 1e-9", flat <= 1e-9,
            "published", panel="a", expected="1",
        ),
        Check(
            "below the critical gain all derivatives vanish with depth",
            f"largest singular value {_list(np.median(largest[low], axis=1))} for g = "
            f"{_list(gains[low])}", f"at most g^{layers} in every network",
            (largest[low] <= bound * (1 + 1e-9)).all(), "published", panel="a",
            expected=_list(gains[low] ** layers),
        ),
        Check(
            "derivatives survive 100 layers near g = 1 only",
            "share of singular values between .1 and 10: "
            + ", ".join(f"{u:.0%} (g = {g:g})" for g, u in zip(gains, usable, strict=True)),
            "largest at a gain of 1 to 1.1; none below 1", 1 <= best <= 1.1
            and (usable[low] == 0).all(), "published", panel="a", expected="g_c = 1",
        ),
        Check(
            "over the critical gain singular values spread as gain grows",
            f"log10 σ_max/σ_min {_list(width[~low])} for g = {_list(gains[~low])}", "rising",
            (np.diff(width[~low]) > 0).all(), "published", panel="a", expected="rising",
        ),
        Check(
            "the mean squared derivative follows the mean-field product Π χ_l",
            f"ln mean σ² for each layer of the deeper half {_list(middle)}, expected "
            f"{_list(data['expected growth'])}", "within .02 at every gain",
            wrong.max() <= 0.02, panel="b", expected=_list(data["expected growth"]),
        ),
        Check(
            "chaos begins at g_c = 1: derivatives shrink up to it and grow well above",
            f"ln mean σ² for each layer {spread(growth[low].ravel())} below, "
            f"{spread(growth[high].ravel())} from g = 1.1 on",
            "negative in every network below 1, positive in every one from 1.1 on",
            (growth[low] < 0).all() and (growth[high] > 0).all(), "published", panel="b",
            expected="0 at g = 1",
        ),
        Check(
            "activity dies out below g_c and lives on above it",
            f"mean h² of the last layer {_list(top)} for g = {_list(gains)}; at most "
            f"{off.max():.3f} from the mean-field recursion",
            "< 1e-3 for g ≤ .95, rising from there; within .05 of the recursion",
            (top[gains <= 0.951] < 1e-3).all() and (np.diff(top) > 0).all() and off.max() <= 0.05,
            "published", panel="c", expected=_list(data["expected activity"][:, -1]),
        ),
    ]  # fmt: skip


def fig7(data: Data | None = None) -> Figure:
    """Draw the Jacobian's singular values, their growth and the activity."""
    data = fig7_data() if data is None else data
    gains = data["gains"]
    figure = Figure(figsize=(7.0, 2.7), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=[1.3, 1, 1])
    colors = ordered_colors(len(gains))
    rank = np.arange(1, data["linear"].shape[-1] + 1) / data["linear"].shape[-1]
    for k, gain in enumerate(gains):
        low, center, high = np.quantile(data["singular"][k], [0.025, 0.5, 0.975], axis=0)
        left.fill_between(rank, low, high, color=colors[k], alpha=0.25, lw=0)
        left.plot(rank, center, color=colors[k], lw=1.2, label=f"g = {gain:g}")
    left.axhline(1, color="black", lw=0.8, ls="--")
    left.set(yscale="log", ylim=(1e-13, 1e4))
    left.legend(frameon=False, fontsize=7, ncols=2, loc="lower left", columnspacing=0.8)
    finish(left, x="rank / N", y=f"singular value after {data['layers']} layers")
    growth = data["growth"]
    low, center, high = np.quantile(growth, [0.025, 0.5, 0.975], axis=1)
    middle.plot(gains, data["expected growth"], color=CATEGORIES[0], lw=1.2, label="mean field")
    middle.errorbar(
        gains, center, yerr=[center - low, high - center], fmt="o", ms=4, capsize=2,
        color=CATEGORIES[1], label="networks",
    )  # fmt: skip
    middle.axhline(0, color=GREY, lw=0.8, ls="--")
    middle.legend(frameon=False, fontsize=7)
    finish(middle, x="gain g", y="ln mean σ² a layer, deeper half")
    for k, gain in enumerate(gains):
        low, center, high = np.quantile(data["activity"][k], [0.025, 0.5, 0.975], axis=0)
        depth = np.arange(len(center))
        right.fill_between(depth, low, high, color=colors[k], alpha=0.25, lw=0)
        right.plot(depth, center, color=colors[k], lw=1.2)
        right.plot(depth, data["expected activity"][k], color="black", lw=0.7, ls=":",
                   label="mean field" if gain == gains[0] else None)  # fmt: skip
    right.set(yscale="log", ylim=(1e-7, 1.5))
    right.legend(frameon=False, fontsize=7, loc="lower left")
    finish(right, x="layer", y="mean h²")
    letter_panels((left, middle, right))
    return figure


def _follow_mean_field(gain: float, layers: int) -> tuple[np.ndarray, np.ndarray]:
    """Return q_0 … q_L and χ_0 … χ_{L−1} for an input of variance 1."""
    z, weight = np.polynomial.hermite_e.hermegauss(101)
    weight = weight / weight.sum()
    q, chi = [1.0], []
    for _ in range(layers):
        felt = np.tanh(gain * np.sqrt(q[-1]) * z)
        q.append(float(weight @ felt**2))
        chi.append(float(gain**2 * weight @ (1 - felt**2) ** 2))
    return np.array(q), np.array(chi)


def _list(values: np.ndarray) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
