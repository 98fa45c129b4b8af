"""How every figure looks: colours, sizes, axes, bands over seeds, labels that cover nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from scipy.optimize import isotonic_regression

from semdev.plots.styles import DEFAULT, now

TEXT, SMALL = DEFAULT.text, DEFAULT.small  # of papers' own figures, whatever style is in force
TIME = "time (step × learning rate)"
# Okabe & Ito (2008), without the yellow that paper swallows.
CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#767676"


def ordered_colors(n: int) -> np.ndarray:
    """Return n colours of viridis from dark to light, n × 4, without its ends, black and pale.

    >>> ordered_colors(3).shape
    (3, 4)
    """
    return matplotlib.colormaps["viridis"](np.linspace(0.1, 0.82, n))


def marker(k: int) -> str:
    """Return the k-th marker; with the k-th colour it makes 49 different pairs.

    >>> marker(0), marker(7)
    ('o', 's')
    """
    return MARKERS[(k + k // len(CATEGORIES)) % len(MARKERS)]


def make_axes(ax: Axes | None, *, width: float | None = None, height: float = 2.3) -> Axes:
    """Return `ax`, or the Axes of a new figure of that size (inches), else one column wide."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    size = (width or now().column, height * max(now().text / DEFAULT.text, 1))
    return plt.subplots(figsize=size, layout="constrained")[1]


def finish(ax: Axes, *, x: str = TIME, y: str = "") -> Axes:
    """Write the axis labels, small enough for a column, and take away the frame."""
    ax.set_xlabel(x, fontsize=now().text)
    ax.set_ylabel(y, fontsize=now().text)
    ax.tick_params(labelsize=now().small)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def over_seeds(values: xr.DataArray, interval: float) -> np.ndarray:
    """Return low end, median and high end of the central share of seeds, 3 × ….

    Raises
    ------
    ValueError
        `interval` is no share.

    Examples
    --------
    >>> over_seeds(xr.DataArray([0.0, 1.0, 4.0], dims="seed"), 0.5)
    array([0.5, 1. , 2.5])
    """
    if not 0 < interval < 1:
        raise ValueError(f"interval is a share of the seeds between 0 and 1, got {interval}")
    cut = (1 - interval) / 2
    return values.quantile([cut, 0.5, 1 - cut], "seed").values


def draw_curve(
    ax: Axes, values: xr.DataArray, *, interval: float, color: Any, **line: Any
) -> Line2D:
    """Draw the median over seeds and, where there are several, the band around it.

    `values` is seed × time; `line` goes to the line alone.
    """
    low, middle, high = over_seeds(values, interval)
    time = values["time"].values
    if values.sizes["seed"] > 1:
        ax.fill_between(time, low, high, color=color, alpha=0.22, linewidth=0)
    options: dict = {"linewidth": 1.2, **line}
    return ax.plot(time, middle, color=color, **options)[0]


def start_at_zero(ax: Axes, time: xr.DataArray) -> None:
    """Let the time axis span what has been drawn, no more."""
    left, right = ax.dataLim.intervalx
    ax.set_xlim(min(left, float(time[0])), max(right, float(time[-1])))


def spread(positions: Sequence[float] | np.ndarray, gap: float) -> np.ndarray:
    """Return positions at least `gap` apart, as near to the given ones as can be, in order.

    >>> spread([0.0, 0.0, 1.0], 0.2)
    array([-0.1, 0.1, 1. ])
    """
    given = np.asarray(positions, dtype=float)
    order = np.argsort(given, kind="stable")
    steps = gap * np.arange(len(given))
    moved = np.empty(len(given))
    moved[order] = isotonic_regression(given[order] - steps).x + steps if len(given) else []
    return moved


def height_in_points(ax: Axes) -> float:
    """Return the height of the Axes as laid out now."""
    return ax.get_window_extent().height / ax.figure.dpi * 72


def label_ends(
    ax: Axes,
    heights: Sequence[float] | np.ndarray,
    texts: Sequence[str],
    colors: Sequence[Any],
    *,
    markers: Sequence[str] = (),
) -> None:
    """Write labels beside the right end of curves, apart from each other, a line to each.

    Labels of curves that end at one height stand in the order given, from below. To be called
    last: the labels stand where the curves end under the present limits. The room at the right
    of the Axes has to be there; a layout engine ("constrained") makes it.
    """
    if not len(texts):
        return
    ax.set_ylim(ax.get_ylim())
    to_fraction = ax.transData + ax.transAxes.inverted()
    x = ax.get_xlim()[1]
    at = np.array([to_fraction.transform((x, y))[1] for y in heights])
    room = height_in_points(ax)
    size = float(np.clip(1.1 * room / (1.15 * len(texts)), now().smallest, now().small))
    places = spread(np.round(at, 2), 1.15 * size / room)
    places -= max(places.max() - 1.06, 0.0)
    places += max(-0.06 - places.min(), 0.0)
    for k, (y, place, text, color) in enumerate(zip(at, places, texts, colors, strict=True)):
        ax.annotate(
            text, (1.02, y), (1.11 if markers else 1.06, place), "axes fraction",
            "axes fraction", color=darken(color), fontsize=size, va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-", "color": color, "linewidth": 0.6, "relpos": (0, 0.5),
                "shrinkA": 6 if markers else 1, "shrinkB": 0,
            },
        )  # fmt: skip
        if markers:
            ax.plot(
                [1.085], [place], markers[k], transform=ax.transAxes, color=color, markersize=3,
                clip_on=False, label="_key", scalex=False, scaley=False,
            )  # fmt: skip


def darken(color: Any) -> tuple[float, float, float]:
    """Return a colour dark enough for small letters on white.

    >>> darken("white")
    (0.7, 0.7, 0.7)
    """
    red, green, blue = (0.7 * share for share in to_rgb(color))
    return red, green, blue


def legend_above(ax: Axes, handles: Sequence[Artist]) -> None:
    """Put a legend on top of the Axes, where it covers no data, in as few rows as fit."""
    if not len(handles):
        return
    ax.figure.canvas.figure.draw_without_rendering()
    room = ax.get_window_extent().width / ax.figure.dpi * 72
    widths = [len(str(handle.get_label())) * 0.52 * now().small + 25 for handle in handles]
    columns = next(
        (n for n in range(len(handles), 1, -1) if _width_of(widths, n) <= room), 1
    )  # fmt: skip
    by_row = [handle for k in range(columns) for handle in handles[k::columns]]
    ax.legend(
        handles=by_row, loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2,
        ncols=columns, frameon=False, fontsize=now().small, handlelength=1.8, columnspacing=1.0,
        handletextpad=0.5, labelspacing=0.3,
    )  # fmt: skip


def _width_of(widths: Sequence[float], columns: int) -> float:
    return sum(max(widths[k::columns]) for k in range(columns))
