"""Singular values: how strong the dimensions of the data are, and what theory expects."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from semdev.data.dataset import Dataset
from semdev.data.patterns import make_patterns
from semdev.history import make_history
from semdev.measures.modes import mode_strengths
from semdev.plots import _style
from semdev.plots.modes import PURE


def singular_values(
    data: xr.Dataset | Dataset,
    *,
    predicted: xr.DataArray | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the singular values of the data, strongest first.

    Of the table items × properties. Where there is a tree, colour and marker tell the level
    whose distinctions a mode draws, hollow if less than 90 % of it lies in that level.

    Parameters
    ----------
    data : History or Dataset
        Items × properties.
    predicted : DataArray, level, optional
        With the coordinate `multiplicity`, from `semdev.theory.branching_singular_values`: a
        dash for each mode.
    ax : Axes, optional
        Where to draw; a new figure one column wide.

    Raises
    ------
    ValueError
        `predicted` is no such DataArray.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = singular_values(sd.load("saxe2019"))
    >>> [line.get_ydata() for line in ax.lines]
    [array([2.65]), array([1.73]), array([1., 1.])]
    """
    found = spectrum(data)
    expected = expand(predicted) if predicted is not None else np.array([])
    ax = _style.make_axes(ax)
    handles: list[Artist] = []
    levels = found["mode_level"].values if "mode_level" in found.coords else None
    groups = np.unique(levels) if levels is not None else np.array([0])
    colors = _style.ordered_colors(int(groups.max()) + 1)
    for group in groups:
        members = found[levels == group] if levels is not None else found
        pure = members["purity"].values >= PURE if levels is not None else np.ones(len(found), bool)
        marker, color = _style.MARKERS[group % len(_style.MARKERS)], colors[group]
        for chosen, hollow in ((members[pure], False), (members[~pure], True)):
            if chosen.size:
                mark_modes(
                    ax, chosen["mode"], chosen, color, marker=marker, hollow=hollow,
                    label=f"level {group}" if levels is not None else "data",
                )  # fmt: skip
        if levels is not None:
            handles.append(_handle(marker, color, f"level {group}"))
    if levels is not None and (found["purity"] < PURE).any():
        handles.append(_handle("o", _style.GREY, "mixed", hollow=True))
    if predicted is not None:
        rank = np.arange(1, len(expected) + 1)
        handles.append(draw_predicted(ax, expected, rank - 0.4, rank + 0.4))
    finish_modes(ax, max(found.size, len(expected)))
    _style.legend_above(ax, handles)
    return ax


def spectrum(data: xr.Dataset | Dataset) -> xr.DataArray:
    """Return the singular values over `mode`, with `mode_level` and `purity` where known.

    >>> import semdev as sd
    >>> spectrum(sd.load("saxe2019"))["mode_level"].values
    array([0, 1, 2, 2])
    """
    history = _untaught(data) if isinstance(data, Dataset) else data
    return mode_strengths(history.isel(seed=[0], time=[0]))["singular_value"]


def mark_modes(
    ax: Axes, rank: Any, values: Any, color: Any, *, label: str, hollow: bool, marker: str = "o"
) -> Line2D:
    """Draw a marker at each mode's singular value; return the legend's entry."""
    handle = _handle(marker, color, label, hollow=hollow)
    ax.plot(
        rank, values, marker, color=color, markerfacecolor=handle.get_markerfacecolor(),
        markersize=4, label=label, zorder=2.5,
    )  # fmt: skip
    return handle


def draw_predicted(ax: Axes, values: np.ndarray, left: np.ndarray, right: np.ndarray) -> Line2D:
    """Draw a dash at each expected singular value, from left to right; return the legend's."""
    ax.hlines(values, left, right, color="black", linewidth=0.9, label="predicted")
    return Line2D([], [], color="black", linewidth=0.9, label="predicted")


def finish_modes(ax: Axes, count: int) -> None:
    """Name the axes, for so many modes."""
    ax.set_xlim(0.3, count + 0.7)
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _style.finish(ax, x="mode (strongest first)", y="singular value")


def expand(predicted: xr.DataArray) -> np.ndarray:
    """Return the expected singular values mode by mode, strongest first.

    >>> import semdev as sd
    >>> expand(sd.theory.branching_singular_values([2, 2], flip=0.1, properties=10)).round(1)
    array([5. , 2.9, 1.9, 1.9])
    """
    if not isinstance(predicted, xr.DataArray) or "multiplicity" not in predicted.coords:
        raise ValueError(
            "predicted is the DataArray of semdev.theory.branching_singular_values: level, with "
            f"the coordinate multiplicity; got {type(predicted).__name__}"
        )
    return np.sort(np.repeat(predicted.values, predicted["multiplicity"].values))[::-1]


def _untaught(data: Dataset) -> xr.Dataset:
    """Return the History of a learner of `data` that answers 0 and never learns."""
    table = data.properties.values
    return make_history(
        make_patterns(data), output=np.zeros((1, 1, *table.shape)),
        loss=np.array([[np.sum(table**2) / 2]]), time=np.zeros(1), step=np.zeros(1, dtype=int),
        seeds=[0], settled=np.array([False]), provenance={"model": "nobody"},
    )  # fmt: skip


def _handle(marker: str, color: Any, label: str, *, hollow: bool = False) -> Line2D:
    face = "white" if hollow else color
    options: dict = {"color": color, "markerfacecolor": face}
    return Line2D([], [], linestyle="", marker=marker, markersize=4, label=label, **options)
