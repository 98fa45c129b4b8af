"""Differentiation: which level of the tree comes apart when."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from semdev._names import require
from semdev.measures import differentiation as measure
from semdev.plots import _style


def differentiation(
    history: xr.Dataset,
    *,
    layer: str = "output",
    ax: Axes | None = None,
    interval: float = 0.95,
) -> Axes:
    """Draw how far apart items are that part at each level of the tree, over time.

    `between` of `semdev.differentiation`: the mean distance of items whose last common class
    stands at that level (0 is the root). Broad levels dark, fine ones light. Dots with a fine
    line down to the time axis mark the half-times (medians over seeds), given in the labels.

    Parameters
    ----------
    history : xr.Dataset
        A History with a tree.
    layer : str
        "output" or a recorded hidden layer, "hidden_1", ….
    ax : Axes, optional
        Where to draw; a new figure one column wide. Labels stand at its right.
    interval : float
        Share of the seeds in the band, 0 to 1.

    Raises
    ------
    KeyError
        No such layer.
    ValueError
        No tree, or an interval that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = differentiation(sd.solve(sd.load("cao2020"), depth=2))
    >>> [text.get_text() for text in ax.texts]
    ['level 2: t½ = 5.75', 'level 1: t½ = 3.57', 'level 0: t½ = 2.48']
    """
    found = measure.differentiation(history)
    layers = found["layer"].values.tolist()
    require(layer, layers, kind="layer over items", where="this History (see train(hidden=True))")
    found = found.sel(layer=layer)
    halves = half_points(found)
    ax = _style.make_axes(ax)
    levels = found["level"].values
    colors = _style.ordered_colors(len(levels))
    labels, ends = [], []
    for level, color, (time, height) in zip(levels, colors, halves, strict=True):
        curve = found["between"].sel(level=level)
        known = "" if np.isnan(time) else f": t½ = {time:.2f}"
        labels.append(f"level {level}{known}")
        ends.append(float(curve.isel(time=-1).median()))
        _style.draw_curve(ax, curve, interval=interval, color=color, label=labels[-1])
        ax.plot([time, time], [0, height], ":", color=color, linewidth=0.8, label="_drop")
        ax.plot([time], [height], "o", color=color, markersize=4, label="_half")
    ax.set_ylim(bottom=0)
    _style.start_at_zero(ax, history["time"])
    what = "outputs" if layer == "output" else layer.replace("_", " ")
    _style.finish(ax, y=f"distance between items\nthat part at a level ({what})")
    _style.label_ends(ax, ends[::-1], labels[::-1], list(colors[::-1]))
    return ax


def half_points(found: xr.Dataset) -> np.ndarray:
    """Return where the half-times are marked: level × (time, height), medians over seeds.

    The height is that of the median curve at the median half-time; NaN where no seed has one.

    >>> import semdev as sd
    >>> found = sd.differentiation(sd.solve(sd.load("cao2020"), depth=2)).sel(layer="output")
    >>> half_points(found).shape
    (3, 2)
    """
    points = np.full((found.sizes["level"], 2), np.nan)
    median = found["between"].median("seed")
    for k, level in enumerate(found["level"].values):
        halves = found["half_time"].sel(level=level).values
        halves = halves[~np.isnan(halves)]
        if len(halves):
            time = float(np.median(halves))
            curve = median.sel(level=level).values
            points[k] = time, np.interp(time, found["time"].values, curve)
    return points
