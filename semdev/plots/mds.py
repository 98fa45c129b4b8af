"""Multidimensional scaling: the items' paths as they come apart."""

from __future__ import annotations

import itertools

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from semdev.measures.similarity import mds_trajectories
from semdev.plots import _style
from semdev.plots._items import item_classes


def mds(
    history: xr.Dataset,
    *,
    seed: int | None = None,
    layer: str = "output",
    ax: Axes | None = None,
    label: bool | None = None,
    random_state: int = 0,
    most_times: int = 40,
) -> Axes:
    """Draw the items' paths in a plane that keeps their distances as well as a plane can.

    `semdev.measures.similarity.mds_trajectories`: one common frame for all times. Colour and
    marker tell the class (`item_classes`); the marker stands where the path ends.

    Parameters
    ----------
    history : xr.Dataset
        A History of at least two items.
    seed : int, optional
        Which learner; the first.
    layer : str
        "output" or a recorded hidden layer.
    ax : Axes, optional
        Where to draw; a new figure one column wide.
    label : bool, optional
        Write the items' names at their last places; by default when there are at most 40.
    random_state, most_times
        As for `mds_trajectories`.

    Raises
    ------
    KeyError
        No such seed or layer.
    ValueError
        Fewer than two items, or `most_times` below 1.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = mds(sd.solve(sd.load("saxe2019"), depth=2))
    >>> [text.get_text() for text in ax.texts]
    ['canary', 'salmon', 'oak', 'rose']
    """
    paths = mds_trajectories(
        history, seed=seed, layer=layer, random_state=random_state, most_times=most_times
    )
    classes = item_classes(history)
    groups = list(dict.fromkeys(classes)) if classes is not None else [""]
    ax = _style.make_axes(ax, height=3.3)
    handles = []
    for k, group in enumerate(groups):
        color = _style.CATEGORIES[k % len(_style.CATEGORIES)]
        marker = _style.marker(k)
        members = np.flatnonzero(classes == group) if classes is not None else slice(None)
        for path in paths.isel(item=members).transpose("item", "time", "axis").values:
            ax.plot(*path.T, color=color, linewidth=0.7, alpha=0.8, label="_path")
            ax.plot(*path[-1:].T, marker, color=color, markersize=4, label="_end", zorder=3)
        handles.append(
            Line2D([], [], color=color, marker=marker, markersize=4, linewidth=0.7, label=group)
        )
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.1)
    ax.locator_params(nbins=5)
    _style.finish(ax, x="dimension 1 (distance)", y="dimension 2 (distance)")
    if classes is not None:
        _style.legend_above(ax, handles)
    if paths.sizes["item"] <= 40 if label is None else label:
        names = [str(name) for name in paths["item"].values]
        label_points(ax, paths.isel(time=-1).values, names, paths=paths.values)
    return ax


def label_points(ax: Axes, points: np.ndarray, names: list[str], *, paths: np.ndarray) -> None:
    """Write names beside points (n × 2, data) such that none covers another or a point,
    and as little as can be of the paths (time × n × 2, data).

    Names are placed one after the other, those in the thickest crowd first, each at the nearest
    free place around its point; a fine line leads there if it is far. Lays the figure out.
    """
    ax.figure.canvas.figure.draw_without_rendering()
    unit = ax.figure.dpi / 72
    places = ax.transData.transform(points) / unit
    texts = [
        ax.annotate(
            name, point, (0, 0), textcoords="offset points", fontsize=_style.now().small - 0.5,
            ha="center", va="center", annotation_clip=False,
            path_effects=[withStroke(linewidth=1.5, foreground="white")],
            arrowprops={
                "arrowstyle": "-", "color": "black", "linewidth": 0.5,
                "shrinkA": 0, "shrinkB": 2,
            },
        )
        for name, point in zip(names, points, strict=True)
    ]  # fmt: skip
    sizes = np.array(
        [[(box := Text.get_window_extent(text)).width, box.height] for text in texts]
    ) / unit  # fmt: skip
    window = ax.get_window_extent()
    frame = np.array([[window.x0, window.y0], [window.x1, window.y1]]) / unit
    drawn = ax.transData.transform(thicken(paths).reshape(-1, 2)) / unit
    offsets = place_labels(places, sizes, frame, avoid=drawn)
    for text, offset, size in zip(texts, offsets, sizes, strict=True):
        text.set_position(tuple(offset))
        if text.arrow_patch and np.all(np.abs(offset) - size / 2 < 5):
            text.arrow_patch.set_visible(False)


def thicken(paths: np.ndarray, *, steps: int = 8) -> np.ndarray:
    """Return paths (time × n × 2) with `steps` points on each straight piece.

    >>> thicken(np.array([[[0.0, 0.0]], [[1.0, 0.0]]]), steps=2)[:, 0, 0]
    array([0. , 0.5, 1. ])
    """
    share = np.arange(steps)[:, None, None] / steps
    pieces = [a + share * (b - a) for a, b in itertools.pairwise(paths)]
    return np.concatenate([*pieces, paths[-1:]])


def place_labels(
    points: np.ndarray, sizes: np.ndarray, frame: np.ndarray, *, avoid: np.ndarray | None = None
) -> np.ndarray:
    """Return the offset of each label's centre from its point, n × 2.

    Parameters
    ----------
    points, sizes : arrays, n × 2
        Where the points are; width and height of the labels; both in one unit (points).
    frame : array, 2 × 2
        Lower left and upper right corner of what the labels should stay in.
    avoid : array, m × 2, optional
        Points better not covered.

    Examples
    --------
    >>> twins = np.array([[50.0, 50.0], [50.0, 50.0]])
    >>> above, below = place_labels(twins, np.full((2, 2), 8.0), np.array([[0, 0], [100, 100.0]]))
    >>> bool(np.abs(above - below).max() >= 8)
    True
    """
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    crowd = np.exp(-apart / 20).sum(1)
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    offsets = np.zeros_like(points)
    taken: list[np.ndarray] = [np.array([p - 2.5, p + 2.5]) for p in points]
    for k in np.argsort(-crowd, kind="stable"):
        half = sizes[k] / 2
        best = np.inf
        for radius in (4.0, 7.0, 11.0, 16.0, 22.0, 30.0, 40.0):
            for direction in directions:
                offset = direction * (half + radius)
                box = np.array([points[k] + offset - half, points[k] + offset + half])
                cost = 10 * _overlap(box, np.array(taken)) + 0.8 * radius
                outside = np.maximum(frame[0] - box[0], 0) + np.maximum(box[1] - frame[1], 0)
                cost += 4 * outside.sum()
                if avoid is not None:
                    inside = ((avoid > box[0] - 1) & (avoid < box[1] + 1)).all(1)
                    cost += 2 * min(int(inside.sum()), 12)
                if cost < best:
                    best, offsets[k], chosen = cost, offset, box
        taken.append(chosen)
    return offsets


def _overlap(box: np.ndarray, others: np.ndarray) -> float:
    """Return the area that a box (2 × 2) shares with others (n × 2 × 2), summed."""
    sides = np.minimum(box[1], others[:, 1]) - np.maximum(box[0], others[:, 0])
    return float(np.maximum(sides, 0).prod(1).sum())
