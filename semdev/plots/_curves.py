"""What plots of measures over time have in common: predictions, unknown values, learners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from semdev.history import get_provenance
from semdev.plots import _style

DASHES = (0, (4, 2))


def draw_known(
    ax: Axes, values: xr.DataArray, *, interval: float, color: Any, **line: Any
) -> Line2D | None:
    """Draw a curve as `_style.draw_curve` does, where it is known of a seed at least.

    `values` is seed × time; None, and nothing drawn, if nothing is known.
    """
    known = values.dropna("time", how="all")
    if not known.sizes["time"]:
        _style.over_seeds(xr.zeros_like(values), interval)  # a bad interval is refused all the same
        return None
    return _style.draw_curve(ax, known, interval=interval, color=color, **line)


def draw_predicted(ax: Axes, values: xr.DataArray, *, color: Any = "black") -> bool:
    """Draw the median prediction (seed × time), thin and dashed; return whether there is one."""
    known = values.dropna("time", how="all")
    if not known.sizes["time"]:
        return False
    ax.plot(
        known["time"], known.median("seed"), color=color, linewidth=0.8, linestyle=DASHES,
        label="_predicted",
    )  # fmt: skip
    return True


def predicted_handle() -> Line2D:
    """Return the legend's entry for what was predicted."""
    return Line2D([], [], color="black", linewidth=0.8, linestyle=DASHES, label="predicted")


def draw_learner(
    ax: Axes,
    k: int,
    values: xr.DataArray,
    predicted: xr.DataArray,
    *,
    interval: float,
    name: str,
    among: bool,
    label: str,
) -> tuple[Line2D, bool]:
    """Draw the k-th learner's curve and prediction; return its legend entry, and if one is known.

    `among` others it has a marker, a prediction of its own colour, and its name in the legend;
    alone `label` stands there.
    """
    color = _style.CATEGORIES[k % len(_style.CATEGORIES)]
    marker: dict[str, Any] = {"marker": _style.marker(k), "markersize": 3} if among else {}
    look: dict[str, Any] = {"markevery": (0.04 + 0.04 * k, 0.2), **marker} if among else {}
    draw_known(ax, values, interval=interval, color=color, label=name, linewidth=1.6, **look)
    foreseen = draw_predicted(ax, predicted, color=_style.darken(color) if among else "black")
    shown = name if among else label
    return Line2D([], [], color=color, linewidth=1.6, label=shown, **marker), foreseen


def last_known(values: xr.DataArray) -> float:
    """Return the last median over seeds that is known, NaN if none is.

    >>> last_known(xr.DataArray([[1.0, 2.0, np.nan]], dims=("seed", "time")))
    2.0
    """
    known = values.dropna("time", how="all")
    return float(known.isel(time=-1).median()) if known.sizes["time"] else float("nan")


def name_learners(
    history: xr.Dataset, name: str | None, compare: Mapping[str, xr.Dataset] | None
) -> dict[str, xr.Dataset]:
    """Return each learner's History under its name: the first is `name`, else its model's.

    >>> import semdev as sd
    >>> list(name_learners(sd.solve(sd.load("saxe2019"), depth=2), None, None))
    ['theory, depth 2']
    """
    others = dict(compare or {})
    own = name or str(get_provenance(history).get("model", "this learner")).split("(")[0]
    return {"this learner" if own in others else own: history, **others}


def thin_times(history: xr.Dataset, most_times: int) -> xr.Dataset:
    """Return a History of at most so many recorded times, evenly chosen, first and last with it.

    Raises
    ------
    ValueError
        `most_times` is below 2.

    Examples
    --------
    >>> import semdev as sd
    >>> thin_times(sd.solve(sd.load("saxe2019"), depth=2), 7).sizes["time"]
    7
    """
    if most_times < 2:
        raise ValueError(f"a curve needs two times at least, got most_times={most_times}")
    count = history.sizes["time"]
    chosen = np.linspace(0, count - 1, min(most_times, count)).round().astype(int)
    return history.isel(time=chosen)


def label_ends_below(
    ax: Axes,
    legend: Sequence[Artist],
    ends: Sequence[float] | np.ndarray,
    texts: Sequence[str],
    colors: Sequence[Any],
) -> None:
    """Put a legend above and labels at the ends of curves, which have the room that it leaves."""
    _style.legend_above(ax, legend)
    ax.figure.canvas.figure.draw_without_rendering()
    known = [k for k, end in enumerate(ends) if np.isfinite(end)]
    _style.label_ends(
        ax, [ends[k] for k in known], [texts[k] for k in known], [colors[k] for k in known]
    )
