"""Inductive projection: who else gets a new property, over age and over distance in the tree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from semdev.measures import induction
from semdev.plots import _style
from semdev.plots._curves import (
    DASHES,
    draw_known,
    draw_predicted,
    label_ends_below,
    last_known,
    predicted_handle,
)
from semdev.plots._items import nearest_times

EXTENT = "projection of a new property\n(1: as in the item taught)"
AGE = "age (step × learning rate)"


def projection(
    history: xr.Dataset,
    *,
    inputs: np.ndarray | xr.DataArray | None = None,
    theory: xr.Dataset | None = None,
    ax: Axes | None = None,
    interval: float = 0.95,
) -> Axes:
    """Draw how far a new property of one item is projected to others, over age.

    `semdev.projection_gradient`: one curve for each level of the tree at which items part (0 is
    the root), averaged over all items taught in turn and all that part from them there. Far
    relatives dark, near ones light; the prediction from behaviour alone is thin, black and dashed.
    Before anything is learned, hidden layers are random and projections scatter around 0.

    Parameters
    ----------
    history : xr.Dataset
        A History with a tree and with hidden layers (`hidden=True`), or of a shallow network.
    inputs, theory : optional
        As for `semdev.projection_gradient`.
    ax : Axes, optional
        Where to draw; a new figure one column wide. Labels stand at its right.
    interval : float
        Share of the seeds in the band, 0 to 1.

    Raises
    ------
    ValueError
        No tree, no hidden layers, or an interval that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = projection(sd.solve(sd.load("cao2020"), depth=2, hidden=True))
    >>> [text.get_text() for text in ax.texts]
    ['level 0 (farthest)', 'level 1', 'level 2 (nearest)']
    """
    found = induction.projection_gradient(history, inputs=inputs, theory=theory)
    labels = name_levels(found["level"].values)
    ax = _style.make_axes(ax)
    colors = _style.ordered_colors(len(labels))
    foreseen = False
    for k, (label, color) in enumerate(zip(labels, colors, strict=True)):
        own = found.isel(level=k)
        draw_known(
            ax, own["projection"], interval=interval, color=color, label=label, linewidth=1.8
        )
        foreseen |= draw_predicted(ax, own["predicted"])
    _show_whole(ax)
    _style.start_at_zero(ax, history["time"])
    _style.finish(ax, x=AGE, y=EXTENT)
    ends = [last_known(found["projection"].isel(level=k)) for k in range(len(labels))]
    label_ends_below(ax, [predicted_handle()] if foreseen else [], ends, labels, list(colors))
    return ax


def projection_gradient(
    history: xr.Dataset,
    times: float | Sequence[float] | np.ndarray,
    *,
    inputs: np.ndarray | xr.DataArray | None = None,
    theory: xr.Dataset | None = None,
    ax: Axes | None = None,
    interval: float = 0.95,
) -> Axes:
    """Draw how a projection falls with distance in the tree, a curve for each age.

    `semdev.projection_gradient` at the recorded times nearest to the ones asked for: nearest
    relatives at the left, farthest at the right; young learners dark, old ones light. Dots are
    medians over seeds, with bars that hold the central `interval` of them; the prediction from
    behaviour alone is thin, black and dashed.

    Parameters
    ----------
    history : xr.Dataset
        A History with a tree and with hidden layers (`hidden=True`), or of a shallow network.
    times : float or sequence of float
        Ages: learning times.
    inputs, theory : optional
        As for `semdev.projection_gradient`.
    ax : Axes, optional
        Where to draw; a new figure one column wide. Labels stand at its right.
    interval : float
        Share of the seeds in the bars, 0 to 1.

    Raises
    ------
    ValueError
        No times, no tree, no hidden layers, or an interval that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> child = sd.solve(sd.load("cao2020"), depth=2, hidden=True, times=[0, 2.15, 3.33, 20])
    >>> ax = projection_gradient(child, [2.15, 3.33, 20])
    >>> [text.get_text() for text in ax.texts]
    ['t = 2.15', 't = 3.33', 't = 20']
    """
    at = np.unique(nearest_times(history, times))
    chosen = history.isel(time=at)
    if theory is not None:
        theory = theory.isel(time=at)
    found = induction.projection_gradient(chosen, inputs=inputs, theory=theory)
    found = found.isel(level=slice(None, None, -1))
    labels = name_levels(found["level"].values, sep="\n")
    low, middle, high = _over_known_seeds(found["projection"], interval)
    expected = _over_known_seeds(found["predicted"], interval)[1]
    ax = _style.make_axes(ax)
    place = np.arange(len(labels), dtype=float)
    ages = [f"t = {time:.3g}" for time in found["time"].values]
    colors = _style.ordered_colors(len(at))
    for k, (age, color) in enumerate(zip(ages, colors, strict=True)):
        moved = place + 0.03 * (k - (len(at) - 1) / 2)  # so that bars do not hide each other
        if history.sizes["seed"] > 1:
            ax.vlines(moved, low[k], high[k], color=color, linewidth=1.0, label="_bars")
        ax.plot(moved, middle[k], "o-", color=color, linewidth=1.2, markersize=4, label=age)
        ax.plot(
            moved, expected[k], color="black", linewidth=0.8, linestyle=DASHES, label="_predicted"
        )
    _show_whole(ax)
    ax.set_xticks(place, labels)
    ax.set_xlim(-0.2, place[-1] + 0.2)
    _style.finish(ax, x="items that part at", y=EXTENT)
    legend = [predicted_handle()] if np.isfinite(expected).any() else []
    label_ends_below(ax, legend, middle[:, -1], ages, list(colors))
    return ax


def name_levels(levels: np.ndarray, *, sep: str = " ") -> list[str]:
    """Return the levels' names, which say what is far and what is near.

    >>> name_levels(np.array([0, 1, 2]))
    ['level 0 (farthest)', 'level 1', 'level 2 (nearest)']
    """
    if len(levels) < 2:
        return [f"level {level}" for level in levels]
    ends = {levels.min(): f"{sep}(farthest)", levels.max(): f"{sep}(nearest)"}
    return [f"level {level}{ends.get(level, '')}" for level in levels]


def _show_whole(ax: Axes) -> None:
    """Let the axis reach from nothing to what the taught item itself has, at least."""
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, -0.03), max(high, 1.05))


def _over_known_seeds(values: xr.DataArray, interval: float) -> np.ndarray:
    """Return low end, median and high end over seeds, 3 × time × level; NaN where none is known."""
    unknown = values.isnull().all("seed")
    found = _style.over_seeds(values.where(~unknown, 0.0).transpose("seed", "time", "level"),
                              interval)  # fmt: skip
    return np.where(unknown.transpose("time", "level").values, np.nan, found)
