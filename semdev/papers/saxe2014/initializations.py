"""Figure 6: what depth costs from Gaussian, orthogonal and pretrained weights.

Matched: the three kinds of weights, each with the best of a grid of learning rates at each depth;
the spectrum of products of Gaussian matrices. Not matched: the paper's data are handwritten
digits; here a random map from 16 whitened inputs to 8 outputs with singular values 1 to 2, in up
to 64 weight matrices. (With as many outputs as units half of all orthogonal networks would never
learn: layers that match each other keep the sign of their product's determinant.) Products of
matrices have N = 100 rather than 1000, and panel d shows how what is claimed changes with N. The
criterion of learning, 1 % of ½ |target|², is ours, and so is the pretrained network's output
layer: orthogonal.

Derived here: a scaled Gaussian matrix has the mean ln σ (1/2N) Σ_k [ψ(k/2) + ln 2/N], k = 1 … N,
because |det W| is a product of independent χ_k. In a deep product of large ones the k-th singular
value goes with (1 − k/N)^(D/2), so that a share e^(−2 ln 100 / D) lies under 1 % of the largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy import special

from semdev.data.dataset import Dataset
from semdev.models.chains import draw_orthonormal
from semdev.models.pretraining import pretrain
from semdev.papers.checks import Check
from semdev.papers.drawing import letter_panels
from semdev.papers.saxe2014.descending import count_updates
from semdev.plots._style import CATEGORIES, GREY, MARKERS, finish, ordered_colors

Data = dict[str, Any]
STARTS = ("Gaussian", "orthogonal", "pretrained")


def fig6_data(
    *,
    depths: Sequence[int] = (2, 4, 8, 16, 32, 64),
    units: int = 16,
    outputs: int = 8,
    seeds: int = 4,
    rates: int = 9,
    most_updates: int = 300,
    product_units: int = 100,
    product_depths: Sequence[int] = (1, 4, 16, 64),
    draws: int = 10,
    sizes: Sequence[int] = (10, 25, 50, 100, 200),
) -> Data:
    """Claim: depth slows learning from Gaussian weights, hardly from orthogonal or pretrained."""
    drawn = [np.random.default_rng([6, seed]) for seed in range(seeds)]
    target = np.stack([
        draw_orthonormal(rng, outputs, outputs) * np.linspace(2, 1, outputs)
        @ draw_orthonormal(rng, outputs, units) for rng in drawn
    ])  # fmt: skip
    shown = Dataset(_name_rows(target[0]), name="whitened inputs")
    grid = np.geomspace(1 / 4, 3, rates)  # of 1/(D s^(2−2/D)), half of the stability bound
    updates = {kind: np.full((seeds, len(depths)), np.inf) for kind in STARTS}
    best = {kind: np.full((seeds, len(depths)), np.nan) for kind in STARTS}
    for k, depth in enumerate(depths):
        shapes = [(units, units)] * (depth - 1) + [(outputs, units)]
        ready = pretrain(shown, hidden=[units] * (depth - 1), seeds=seeds, tolerance=1e-6)
        starts = {
            "Gaussian": [
                np.stack([rng.normal(0, units**-0.5, size) for rng in drawn]) for size in shapes
            ],
            "orthogonal": [
                np.stack([draw_orthonormal(rng, *size) for rng in drawn]) for size in shapes
            ],
            "pretrained": ready.weights,
        }
        ideal = 1 / (depth * 2.0 ** (2 - 2 / depth))
        for kind, start in starts.items():
            found = count_updates(start, target, rates=grid * ideal, most=most_updates)
            updates[kind][:, k], best[kind][:, k] = found[0], found[1]
    rng = np.random.default_rng(60)
    products = {
        depth: np.stack([_spectrum(rng, product_units, depth) for _ in range(draws)])
        for depth in product_depths
    }
    logs = {n: [_mean_log(rng, n) for _ in range(4 * draws)] for n in sizes}
    return {
        "depths": np.array(depths), "updates": updates, "rate": best, "most": most_updates,
        "products": products, "units": product_units, "mean log": logs,
        "bounds": np.array([2 / (d * 2.0 ** (2 - 2 / d)) for d in depths]),
    }  # fmt: skip


def fig6_checks(data: Data) -> list[Check]:
    """Hold figure 6 against its claims."""
    depths, updates, most = data["depths"], data["updates"], data["most"]
    last = {kind: updates[kind][:, -1] for kind in STARTS}
    gauss = _within(updates["Gaussian"], most)
    growth = {kind: np.median(updates[kind][:, -1] / updates[kind][:, 0]) for kind in STARTS}
    flat = {kind: growth[kind] / (depths[-1] / depths[0]) for kind in STARTS}
    ratio = np.median(updates["pretrained"], axis=0) / np.median(updates["orthogonal"], axis=0)
    slope = np.polyfit(np.log(depths), np.log(np.nanmedian(data["rate"]["orthogonal"], 0)), 1)[0]
    deepest = max(data["products"])
    lost = {d: float((p < 0.01 * p.max(1, keepdims=True)).mean())
            for d, p in data["products"].items()}  # fmt: skip
    expected = np.exp(-2 * np.log(100) / deepest)
    sizes = np.array(sorted(data["mean log"]))
    measured = np.array([np.mean(data["mean log"][n]) for n in sizes])
    wrong = (measured - _expect_log(sizes)) / [
        _spread_log(n) / np.sqrt(len(data["mean log"][n])) for n in sizes
    ]
    return [
        Check(
            "from scaled Gaussian weights learning takes ever longer with depth",
            f"median updates {_list(gauss)} for D = {', '.join(map(str, depths))} "
            f"(at most {most} were given)", "rising by over 10 times, or not learned at all",
            not np.isfinite(updates["Gaussian"][:, -1]).any() or growth["Gaussian"] > 10,
            "published", panel="a", expected="grows with depth",
        ),
        Check(
            "from orthogonal weights depth costs little",
            f"median updates {_list(np.median(updates['orthogonal'], axis=0))}; from D = "
            f"{depths[0]} to {depths[-1]} × {growth['orthogonal']:.1f}",
            f"all learned; growth ≤ half of the growth in depth (× {depths[-1] / depths[0]:.0f})",
            np.isfinite(updates["orthogonal"]).all() and flat["orthogonal"] <= 0.5, "published",
            panel="a",
            expected="flat (exactly so for decoupled starts)",
        ),
        Check(
            "greedy pretraining is as good as orthogonal weights at any depth",
            f"median updates {_list(np.median(updates['pretrained'], axis=0))}: × "
            f"{ratio.min():.2f} to {ratio.max():.2f} of orthogonal",
            "all learned; within .4 to 2.5", np.isfinite(last["pretrained"]).all()
            and ratio.min() >= 0.4 and ratio.max() <= 2.5, "published", panel="a", expected="1",
        ),
        Check(
            "the best learning rate of orthogonal networks falls about as 1/D",
            f"slope of log λ on log D {slope:.2f}", "−1 within .35", abs(slope + 1) <= 0.35,
            "published", panel="b", expected="−1",
        ),
        Check(
            "products of Gaussian matrices lose nearly all directions",
            "share of singular values under 1 % of the largest: "
            + ", ".join(f"{share:.0%} (D = {d})" for d, share in lost.items()),
            f"rising with depth; within .07 of e^(−2 ln 100 / D) at D = {deepest}",
            (np.diff([lost[d] for d in sorted(lost)]) > 0).all()
            and abs(lost[deepest] - expected) <= 0.07, "published", panel="c",
            expected=f"{expected:.0%} for large N and D",
        ),
        Check(
            "each Gaussian layer takes ½ from the mean log of the singular values, at any size",
            f"mean ln σ for N = {', '.join(map(str, sizes))}: "
            f"{', '.join(f'{x:.3f}' for x in measured)}; {_list_signed(wrong)} standard errors "
            "from (1/2N) Σ_k [ψ(k/2) + ln 2/N]", "within 4 standard errors at every N",
            np.abs(wrong).max() <= 4, panel="d",
            expected=", ".join(f"{x:.3f}" for x in _expect_log(sizes)) + "; −.5 for N → ∞",
        ),
    ]  # fmt: skip


def fig6(data: Data | None = None) -> Figure:
    """Draw updates and rates against depth, and what products of matrices do."""
    data = fig6_data() if data is None else data
    figure = Figure(figsize=(7.0, 5.0), layout="constrained")
    axes = figure.subplots(2, 2)
    for kind, color, sign in zip(STARTS, (1, 0, 2), MARKERS, strict=False):
        for axis, values in ((axes[0, 0], data["updates"]), (axes[0, 1], data["rate"])):
            seen = np.where(np.isfinite(values[kind]), values[kind], np.nan)
            some = np.isfinite(seen).mean(0) >= 0.5
            low, middle, high = np.nanquantile(seen[:, some], [0.025, 0.5, 0.975], axis=0)
            axis.errorbar(
                data["depths"][some], middle, yerr=[middle - low, high - middle], marker=sign,
                ms=4, lw=1.2, capsize=2, color=CATEGORIES[color], label=kind,
            )  # fmt: skip
            if axis is axes[0, 0] and not some.all():
                where = data["depths"][~some]
                axis.plot(
                    where, np.full(len(where), data["most"]), "^", ms=5, mfc="none",
                    color=CATEGORIES[color], label=f"{kind}: not in {data['most']}",
                )  # fmt: skip
    axes[0, 1].plot(data["depths"], data["bounds"], color=GREY, lw=1, ls="--", label="stable below")
    for axis in axes[0]:
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(data["depths"], [str(d) for d in data["depths"]])
    axes[0, 0].legend(frameon=False, fontsize=7, loc="center right", bbox_to_anchor=(1, 0.62))
    axes[0, 1].legend(frameon=False, fontsize=7)
    finish(axes[0, 0], x="weight matrices D", y="updates until learned")
    finish(axes[0, 1], x="weight matrices D", y="best learning rate λ")
    for (depth, values), color in zip(
        data["products"].items(), ordered_colors(len(data["products"])), strict=True
    ):
        low, middle, high = np.quantile(values, [0.025, 0.5, 0.975], axis=0)
        rank = np.arange(1, len(middle) + 1) / len(middle)
        axes[1, 0].fill_between(rank, low, high, color=color, alpha=0.25, lw=0)
        axes[1, 0].plot(rank, middle, color=color, lw=1.2, label=f"D = {depth}")
    axes[1, 0].axhline(1, color="black", lw=1, ls="--", label="orthogonal")
    axes[1, 0].set(yscale="log", ylim=(1e-12, 30))
    axes[1, 0].legend(frameon=False, fontsize=7, loc="lower left")
    finish(axes[1, 0], x="rank / N", y=f"singular value of the product (N = {data['units']})")
    sizes = np.array(sorted(data["mean log"]))
    grid = np.unique(np.geomspace(sizes[0], 1000, 40).astype(int))
    axes[1, 1].plot(grid, _expect_log(grid), color=CATEGORIES[0], lw=1.2, label="closed form")
    low, middle, high = np.quantile([data["mean log"][n] for n in sizes], [0.025, 0.5, 0.975], 1)
    axes[1, 1].errorbar(
        sizes, middle, yerr=[middle - low, high - middle], fmt="o", ms=4, capsize=2,
        color=CATEGORIES[1], label="sampled",
    )  # fmt: skip
    axes[1, 1].axhline(-0.5, color=GREY, lw=1, ls="--")
    axes[1, 1].text(1000, -0.51, "N → ∞", fontsize=7, color="0.35", ha="right", va="top")
    axes[1, 1].set_xscale("log")
    axes[1, 1].legend(frameon=False, fontsize=7, loc="upper right")
    finish(axes[1, 1], x="units N", y="mean ln σ for each Gaussian layer")
    letter_panels(axes.flat)
    return figure


def _name_rows(target: np.ndarray) -> xr.DataArray:
    """Return a map (output × input) as a table of items × properties."""
    n_outputs, n_inputs = target.shape
    coords = {
        "item": [f"item {k}" for k in range(n_inputs)],
        "property": [f"is {k}" for k in range(n_outputs)],
    }
    return xr.DataArray(target.T, dims=("item", "property"), coords=coords)


def _spectrum(rng: np.random.Generator, n: int, depth: int) -> np.ndarray:
    """Return the singular values of a product of `depth` scaled Gaussian matrices."""
    product = np.eye(n)
    for _ in range(depth):
        product = rng.normal(0, n**-0.5, (n, n)) @ product
    return np.linalg.svd(product, compute_uv=False)


def _mean_log(rng: np.random.Generator, n: int) -> float:
    """Return the mean ln singular value of one scaled Gaussian matrix."""
    return float(np.linalg.slogdet(rng.normal(0, n**-0.5, (n, n)))[1] / n)


def _expect_log(n: Any) -> np.ndarray:
    """Return E ln |det W| / N = (1/2N) Σ_k [ψ(k/2) + ln(2/N)]: the rows' distances are χ_k."""
    each = [(special.digamma(np.arange(1, m + 1) / 2) + np.log(2 / m)).mean() / 2
            for m in np.atleast_1d(n)]  # fmt: skip
    return np.array(each) if np.ndim(n) else each[0]


def _spread_log(n: int) -> float:
    """Return the standard deviation of ln |det W| / N = √(Σ_k ψ′(k/2)) / 2N."""
    return float(np.sqrt(special.polygamma(1, np.arange(1, n + 1) / 2).sum()) / (2 * n))


def _list_signed(values: np.ndarray) -> str:
    return ", ".join(f"{value:+.1f}" for value in values)


def _within(updates: np.ndarray, most: int) -> np.ndarray:
    return np.median(np.where(np.isfinite(updates), updates, np.inf), axis=0)


def _list(values: np.ndarray) -> str:
    return ", ".join(f"{value:.0f}" if np.isfinite(value) else "never" for value in values)
