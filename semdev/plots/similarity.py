"""Similarity: heatmaps of how alike the items are to the learner, at chosen times."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from semdev.measures import similarity as measure
from semdev.plots import _style
from semdev.plots._items import item_classes, nearest_times, tree_order

SCALE = [-1.0, -0.5, 0.0, 0.5, 1.0]
READABLE = 5.5  # points; below, classes are named where there are any


def similarity(
    history: xr.Dataset,
    times: float | Sequence[float] | np.ndarray,
    *,
    seed: int | None = None,
    layer: str = "output",
    ax: Axes | None = None,
) -> Axes:
    """Draw how alike every two items are at chosen times, side by side on one colour scale.

    Cosines (`semdev.measures.similarity.similarity`), items in the order of the tree. Rows are
    named by the items; where they are too low for names, by the classes (`item_classes`), with
    lines between these. Each is headed by the recorded time nearest to the one asked for.
    Grey: an item whose vector is zero.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    times : float or sequence of float
        Learning times.
    seed : int, optional
        Which learner; the first.
    layer : str
        "output" or a recorded hidden layer.
    ax : Axes, optional
        Where to draw; a new figure one column wide.

    Raises
    ------
    KeyError
        No such seed or layer.
    ValueError
        No times.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = similarity(sd.solve(sd.load("saxe2019"), depth=2), [1, 8])
    >>> len(ax.images), [text.get_text() for text in ax.get_yticklabels()]
    (2, ['canary', 'salmon', 'oak', 'rose'])
    """
    at = nearest_times(history, times)
    chosen = measure.select_seed(history, seed).isel(time=at)
    order = tree_order(history)
    tiles = measure.similarity(chosen, layer=layer).isel(seed=0, item=order, item_2=order)
    n, step = len(order), 1.08 * len(order)
    lowest = float(np.nanmin(tiles.values, initial=0.0))
    ax = _style.make_axes(ax, height=0.45 + 2.1 / len(at))
    colors = matplotlib.colormaps["cividis"].with_extremes(bad="0.8")
    for k, tile in enumerate(tiles):
        image = ax.imshow(
            tile.values, cmap=colors, vmin=min(lowest, 0.0), vmax=1.0, interpolation="nearest",
            extent=(k * step, k * step + n, n, 0),
        )  # fmt: skip
        ax.text(
            k * step + n / 2, -0.03 * n, f"t = {float(tile['time']):.3g}", ha="center",
            va="bottom", fontsize=_style.now().text,
        )  # fmt: skip
    ax.set(xlim=(0, (len(at) - 1) * step + n), ylim=(n, 0), aspect="equal", xticks=[])
    ax.tick_params(length=0, pad=2)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, cax=ax.inset_axes((1.02, 0.0, 0.03, 1.0)), ticks=SCALE)
    bar.set_label("cosine", fontsize=_style.now().text)
    bar.ax.tick_params(labelsize=_style.now().small)
    bar.outline.set_visible(False)
    _name_rows(ax, history, order, len(at), step)
    for _ in range(2):  # square tiles settle after more than one layout
        ax.figure.canvas.figure.draw_without_rendering()
    return ax


def _name_rows(ax: Axes, history: xr.Dataset, order: np.ndarray, tiles: int, step: float) -> None:
    """Name items where the rows are high enough, else classes, else say how many items."""
    n = len(order)
    ax.figure.canvas.figure.draw_without_rendering()
    room = _style.height_in_points(ax)
    size = min(0.95 * room / n, _style.now().small)
    classes = item_classes(history)
    if size >= (_style.now().smallest if classes is None else READABLE):
        names = [str(name) for name in history["item"].values[order]]
        ax.set_yticks(np.arange(n) + 0.5, names, fontsize=size)
    elif classes is not None:
        runs = class_runs(classes[order])
        gap = 1.05 * _style.now().small * n / room
        middles = [(first + last) / 2 for _, first, last in runs]
        places = np.clip(_style.spread(middles, gap), 0, n)
        ax.set_yticks(places, [name for name, _, _ in runs], fontsize=_style.now().small - 0.5)
        for _, first, _ in runs[1:]:
            for k in range(tiles):
                ax.plot([k * step, k * step + n], [first, first], color="white", linewidth=0.5)
                ax.plot([k * step + first] * 2, [0, n], color="white", linewidth=0.5)
    else:
        ax.set_yticks([])
        ax.set_ylabel(f"{n} items", fontsize=_style.now().text)


def class_runs(classes: np.ndarray) -> list[tuple[str, int, int]]:
    """Return each run of equal names: name, first row, row after the last.

    >>> class_runs(np.array(["bird", "bird", "fish"]))
    [('bird', 0, 2), ('fish', 2, 3)]
    """
    starts = [0, *(np.flatnonzero(classes[1:] != classes[:-1]) + 1).tolist(), len(classes)]
    return [(str(classes[a]), a, b) for a, b in itertools.pairwise(starts)]
