"""Figure 9, drawn: spectra, planes of modes, half-times, crossed classes, nestedness."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from scipy.linalg import orthogonal_procrustes

from semdev.papers.drawing import letter_panels
from semdev.papers.saxe2019.structure_worlds import CROSSING, predict_half_times
from semdev.plots._style import CATEGORIES, GREY, MARKERS, finish

Data = dict[str, Any]


def draw_structures(data: Data) -> Figure:
    """Draw the nine panels from the figure's data."""
    figure = Figure(figsize=(7.0, 6.6), layout="constrained")
    axes = figure.subplots(3, 3)
    _draw_spectra(axes[0, 0], data)
    for axis, (kind, planes) in zip(axes.flat[1:5], data["planes"].items(), strict=True):
        _draw_plane(axis, kind, data["expected planes"][kind], planes)
    _draw_half_times(axes[1, 2], data)
    _draw_sweep(axes[2, 0], data["sweep"])
    _draw_factor(axes[2, 1], data["crossed tree"])
    _draw_nestedness(axes[2, 2], data["pairs"])
    letter_panels(axes.flat)
    return figure


def _draw_spectra(axis: Axes, data: Data) -> None:
    """Measured singular values against closed forms."""
    for k, (kind, found) in enumerate(data["spectra"].items()):
        low, middle, high = found["measured"].quantile([0.025, 0.5, 0.975], "seed").values
        closed = data["closed"][kind].values
        axis.errorbar(
            closed, middle / closed, yerr=np.array([middle - low, high - middle]) / closed,
            fmt=MARKERS[k], color=CATEGORIES[k], ms=3, lw=0.8, ls="none", label=kind,
        )  # fmt: skip
    axis.axhline(1, color=GREY, lw=0.7, zorder=0)
    axis.set_xscale("log")
    bottom, top = axis.get_ylim()
    axis.set_ylim(bottom, top + 0.45 * (top - bottom))
    axis.legend(
        frameon=False, fontsize=6.5, handletextpad=0.2, labelspacing=0.2, borderpad=0, ncols=2,
        columnspacing=0.8, loc="upper right",
    )  # fmt: skip
    finish(axis, x="singular value, closed form", y="singular value of worlds\n÷ closed form")


def _draw_plane(axis: Axes, kind: str, expected: np.ndarray, planes: list[np.ndarray]) -> None:
    """Items of every world, turned onto the closed form's plane, which stands over them."""
    for plane in planes:
        turned = plane @ orthogonal_procrustes(plane, expected)[0]
        axis.plot(*turned.T, ".", color=CATEGORIES[5], ms=2.5, alpha=0.35, mew=0)
    style: dict[str, Any] = {"color": "black", "ms": 3.5, "lw": 0.8}
    path = np.vstack([expected, expected[:1]]) if kind == "ring" else expected
    if kind == "grid":
        side = round(len(expected) ** 0.5)
        square = expected.reshape(side, side, 2)
        for line in (*square, *square.transpose(1, 0, 2)):
            axis.plot(*line.T, "o-", **style)
    else:
        axis.plot(*path.T, "o" if kind == "clusters" else "o-", **style)
    axis.set_aspect("equal", adjustable="datalim")
    axis.set_xticks([])
    axis.set_yticks([])
    finish(axis, x="strongest difference", y="second")
    axis.set_title(kind, fontsize=8)


def _draw_half_times(axis: Axes, data: Data) -> None:
    """When each distinction is drawn, deep and shallow, over its singular value."""
    for depth, face in ((2, None), (1, "white")):
        for k, kind in enumerate(data["closed"]):
            times = data["half-times"][depth][kind]
            low, middle, high = np.quantile(times, [0.025, 0.5, 0.975], axis=0)
            axis.errorbar(
                data["closed"][kind], middle, yerr=[middle - low, high - middle], fmt=MARKERS[k],
                color=CATEGORIES[k], ms=3, lw=0.8, ls="none", mfc=face,
            )  # fmt: skip
    every = np.concatenate([closed.values for closed in data["closed"].values()])
    s = np.geomspace(every.min(), every.max(), 100)
    axis.plot(s, predict_half_times(s), color="black", lw=0.8, zorder=0)
    axis.axhline(np.log(2), color="black", lw=0.8, ls="--", zorder=0)
    axis.text(s[-1], np.log(2) * 0.9, "shallow", fontsize=7, ha="right", va="top")
    middle_s = float(np.sqrt(s[0] * s[-1]))
    deep = float(predict_half_times(np.array([middle_s]))[0])
    axis.text(middle_s * 0.8, deep * 0.8, "deep", fontsize=7, ha="right", va="top")
    axis.set_xscale("log")
    axis.set_yscale("log")
    finish(axis, x="singular value, closed form", y="half-time")


def _draw_sweep(axis: Axes, sweep: dict[str, np.ndarray]) -> None:
    """How far rows lead, over relative strength; counts of properties as colour."""
    misleading = (sweep["count"] > 1) != (sweep["strength"] > 1)
    for chosen, color, mark, label in (
        (~misleading, CATEGORIES[0], "o", "counts agree"),
        (misleading, CATEGORIES[1], "s", "counts say otherwise"),
    ):
        axis.plot(
            sweep["strength"][chosen], np.exp(sweep["lead"][chosen]), mark, color=color, ms=3,
            mew=0, alpha=0.6, label=label,
        )  # fmt: skip
    axis.axhline(1, color=GREY, lw=0.6)
    axis.axvline(1, color=GREY, lw=0.6)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log", base=2)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_minor_locator(NullLocator())
    axis.legend(frameon=False, fontsize=6.5, handletextpad=0.1, loc="upper left", borderpad=0)
    finish(axis, x="$n_r C$ / $n_c R$", y="half-time, columns / rows")


def _draw_factor(axis: Axes, crossed: dict[str, np.ndarray]) -> None:
    """Singular values of tree and factor as the factor gets more properties."""
    names = ("level 1 of the tree", "crossing factor", "level 2 of the tree")
    for k, name in enumerate(names):
        low, middle, high = np.quantile(crossed["measured"][..., k], [0.025, 0.5, 0.975], axis=1)
        axis.errorbar(
            CROSSING, middle, yerr=[middle - low, high - middle], fmt=MARKERS[k],
            color=CATEGORIES[k], ms=3, lw=0.8, ls="none", label=name,
        )  # fmt: skip
        axis.plot(CROSSING, crossed["predicted"][:, k], color=CATEGORIES[k], lw=0.8)
    axis.set_ylim(0, 1.35 * crossed["measured"].max())
    axis.set_xticks(CROSSING[::2])
    axis.legend(frameon=False, fontsize=6.5, handletextpad=0.2, loc="upper left", borderpad=0)
    finish(axis, x="properties of each of its classes", y="singular value")


def _draw_nestedness(axis: Axes, pairs: dict[str, np.ndarray]) -> None:
    """The nestedness score over the cophenetic correlation; darker where there is less noise."""
    for kind, mark, color in (("tree", "^", CATEGORIES[2]), ("crossed", "o", CATEGORIES[1])):
        axis.scatter(
            pairs[f"{kind} cophenetic"], pairs[f"{kind} nestedness"], s=9, marker=mark,
            color=[to_rgba(color, 1 - 4 * flip) for flip in pairs["flip"]], linewidth=0,
        )  # fmt: skip
        axis.plot([], [], mark, color=color, ms=3, mew=0, label=kind)
    axis.legend(frameon=False, fontsize=6.5, handletextpad=0.1, loc="lower right", borderpad=0)
    axis.set_ylim(-0.2, None)
    axis.text(0.02, 0.02, "paler: more noise", fontsize=6.5, color=GREY, transform=axis.transAxes)
    finish(axis, x="cophenetic correlation", y="nestedness")
