"""Dendrograms: how the learner would group the items, at chosen times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.text import Text
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from semdev._names import require
from semdev.measures.similarity import item_distances, select_seed
from semdev.plots import _style
from semdev.plots._items import nearest_times, tree_order

METHODS = ("average", "complete", "single", "weighted", "ward", "centroid", "median")


def dendrograms(
    history: xr.Dataset,
    times: float | Sequence[float] | np.ndarray,
    *,
    seed: int | None = None,
    layer: str = "output",
    method: str = "average",
    ax: Axes | None = None,
) -> Axes:
    """Draw dendrograms of the items at chosen times, side by side on one scale of distance.

    Trunk left, leaves right, one item a row. Where two branches meet is their distance
    (`linkage` of scipy on Euclidean distances, neighbouring leaves as alike as can be); all
    items alike make a single line. Each is headed by the recorded time nearest to the one asked.

    Parameters
    ----------
    history : xr.Dataset
        A History of at least two items.
    times : float or sequence of float
        Learning times.
    seed : int, optional
        Which learner; the first.
    layer : str
        "output" or a recorded hidden layer.
    method : str
        How the distance of two groups is defined: "average", "complete", "single", ….
    ax : Axes, optional
        Where to draw; a new figure, 3.4 inches wide for up to three times, with a row's height
        for every item.

    Raises
    ------
    KeyError
        No such seed, layer or method.
    ValueError
        No times, or a single item.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = dendrograms(sd.solve(sd.load("saxe2019"), depth=2), [0, 2, 8])
    >>> len(ax.collections), [text.get_text() for text in ax.texts][-1]
    (3, 't = 7.97')
    """
    require(method, METHODS, kind="method", where="dendrograms")
    at = nearest_times(history, times)
    chosen = select_seed(history, seed).isel(time=at)
    if history.sizes["item"] < 2:
        raise ValueError("a dendrogram needs at least two items, this History has one")
    distance = item_distances(chosen, layer=layer).isel(seed=0)
    order = tree_order(history)
    forest = [cluster(each, method=method, order=order) for each in distance.values]
    far = max(float(branches[..., 1].max()) for branches, _ in forest)
    names = [str(name) for name in history["item"].values]
    ax = _style.make_axes(
        ax, width=max(_style.now().column, 1.13 * len(at)), height=0.115 * len(names) + 0.75
    )
    _style.finish(ax, x="distance between items", y="")
    ax.set(xlim=(0, len(at)), ylim=(len(names) - 0.5, -0.6), yticks=[])
    ax.spines[:].set_visible(False)
    size, wide = _label_size(ax, names)
    trunk = max(1 - wide * len(at) - 0.05, 0.25)
    scale = trunk / far if far > 0 else 0.0
    for k, (branches, leaves) in enumerate(forest):
        rows, heights = branches[..., 0], branches[..., 1]
        segments = np.stack([k + trunk - heights * scale, rows], axis=-1)
        ax.add_collection(
            LineCollection(list(segments), colors="black", linewidths=0.9), autolim=False
        )
        for row, leaf in enumerate(leaves):
            ax.text(k + trunk + 0.02, row, names[leaf], fontsize=size, va="center", clip_on=False)
    for k, time in enumerate(chosen["time"].values):
        ax.text(
            (k + trunk / 2) / len(at), 1.0, f"t = {time:.3g}", transform=ax.transAxes,
            fontsize=_style.now().text, ha="center", va="bottom",
        )  # fmt: skip
    _mark_scale(ax, len(at), trunk, far)
    return ax


def cluster(
    distance: np.ndarray, *, method: str, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a dendrogram's branches and its leaves from top to bottom.

    Parameters
    ----------
    distance : array, item × item
        Symmetric, 0 on the diagonal.
    method : str
        As for `scipy.cluster.hierarchy.linkage`.
    order : array of int
        The order of items to which the whole is turned, as near as that brings it.

    Returns
    -------
    branches : array, merger × 4 × 2
        Four corners (row, distance) of each merger's bracket; rows count from 0.
    leaves : array of int
        The item in each row.

    Examples
    --------
    >>> apart = np.array([[0.0, 4, 1], [4, 0, 4], [1, 4, 0]])
    >>> branches, leaves = cluster(apart, method="average", order=np.arange(3))
    >>> leaves.tolist(), branches[0].tolist()
    ([0, 2, 1], [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    """
    apart = squareform(distance[np.ix_(order, order)], checks=False)
    how: Any = method
    links = hierarchy.linkage(apart, method=how, optimal_ordering=True)
    found = hierarchy.dendrogram(links, no_plot=True)
    rank = np.array(found["leaves"])
    if not np.any(found["dcoord"]):  # all alike: any order will do
        rank = np.arange(len(rank))
    leaves = np.asarray(order)[rank]
    rows = (np.array(found["icoord"]) - 5) / 10
    if np.dot(rank, np.arange(len(leaves)) - (len(leaves) - 1) / 2) < 0:
        leaves, rows = leaves[::-1], len(leaves) - 1 - rows
        return np.stack([rows[:, ::-1], np.array(found["dcoord"])[:, ::-1]], axis=-1), leaves
    return np.stack([rows, np.array(found["dcoord"])], axis=-1), leaves


def _label_size(ax: Axes, names: list[str]) -> tuple[float, float]:
    """Return a font size that fits the rows, and the widest name as a share of the Axes."""
    row = _style.height_in_points(ax) / (len(names) + 0.1)
    size = float(np.clip(0.95 * row, _style.now().smallest, _style.now().small))
    probe: list[Text] = [ax.text(0, 0, name, fontsize=size) for name in names]
    widest = max(text.get_window_extent().width for text in probe)
    for text in probe:
        text.remove()
    return size, widest / ax.get_window_extent().width


def _mark_scale(ax: Axes, panels: int, trunk: float, far: float) -> None:
    """Put 0 and one round distance under every dendrogram."""
    if not far > 0:
        ax.set_xticks([k + trunk for k in range(panels)], ["0"] * panels)
        return
    power = 10.0 ** np.floor(np.log10(far))
    nice = max(step * power for step in range(1, 10) if step * power <= far)
    places, labels = [], []
    bottom = ax.get_ylim()[0]
    for k in range(panels):
        ax.plot(
            [k, k + trunk], [bottom, bottom], color="black", linewidth=1.4, label="_scale"
        )  # fmt: skip
        places += [k + trunk * (1 - nice / far), k + trunk]
        labels += [f"{nice:g}", "0"]
    ax.set_xticks(places, labels)
