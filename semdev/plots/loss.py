"""Loss: how wrong the learner is over time, and the stages in which it gets better."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from semdev.history import get_provenance
from semdev.measures.stages import count_stages, stage_times
from semdev.plots import _style

NAMES = {"squared error": "½ sum of squares"}  # of losses


def loss(
    history: xr.Dataset, *, ax: Axes | None = None, interval: float = 0.95, log: bool = False
) -> Axes:
    """Draw the loss over time, with the stages marked.

    The median over seeds and the band of the central `interval` of them. Stages
    (`semdev.measures.stages.stage_times`) differ from seed to seed, so triangles with fine lines
    mark those of one typical seed, on its own loss: among the seeds with the commonest number of
    stages the one whose loss is nearest to the median (`typical_seed`). The legend gives the
    median number over all seeds, and the axis is named after what was learned from.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    ax : Axes, optional
        Where to draw; a new figure one column wide.
    interval : float
        Share of the seeds in the band, 0 to 1.
    log : bool
        A logarithmic axis of the loss.

    Raises
    ------
    ValueError
        `interval` is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = loss(sd.solve(sd.load("saxe2019"), depth=2, initial=1e-8))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['loss', '3 stages']
    """
    curve = history["loss"]
    seeds = curve.sizes["seed"]
    number = float(count_stages(history).median())
    typical = typical_seed(history)
    times = stage_times(history).sel(seed=typical).dropna("stage").values
    ax = _style.make_axes(ax)
    name = "loss" if seeds == 1 else f"loss (median of {seeds} seeds, {interval:.0%} band)"
    line = _style.draw_curve(
        ax, curve, interval=interval, color=_style.CATEGORIES[0], label=name
    )  # fmt: skip
    heights = np.interp(times, curve["time"].values, curve.sel(seed=typical).values)
    for time in times:
        ax.axvline(time, color=_style.GREY, linewidth=0.5, linestyle=":", zorder=0)
    stages = f"{number:g} stage{'' if number == 1 else 's'}"
    marked = f"; seed {typical}'s marked" if len(times) else ""
    marks = ax.plot(
        times, heights, color="black", linestyle="none", marker="v" * bool(len(times)),
        markersize=4,
        label=stages if seeds == 1 else f"{stages} (median{marked})",
    )[0]  # fmt: skip
    if log:
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=0)
    _style.start_at_zero(ax, history["time"])
    kind = get_provenance(history).get("loss", "squared error")
    _style.finish(ax, y=f"loss ({NAMES.get(kind, kind)})")
    _style.legend_above(ax, [line, marks])
    return ax


def typical_seed(history: xr.Dataset) -> int:
    """Return the seed that shows stages as most do and whose loss is nearest to the median.

    Among seeds with the commonest number of stages (of two equally common, the one nearer to the
    median) the one with the least mean distance over recorded times of its loss from the median
    loss.

    >>> import semdev as sd
    >>> typical_seed(sd.solve(sd.load("saxe2019"), depth=2))
    0
    """
    stages = count_stages(history).values
    counts, often = np.unique(stages, return_counts=True)
    tied = counts[often == often.max()]
    commonest = np.flatnonzero(stages == tied[np.abs(tied - np.median(stages)).argmin()])
    values = history["loss"].values
    away = np.abs(values - np.median(values, axis=0)).mean(1)
    return int(history["seed"].values[commonest[away[commonest].argmin()]])


def find_end(history: xr.Dataset) -> float:
    """Return the time up to which curves are drawn at first: a third more than learning takes.

    Learning has taken place when all that is left of the fall of the median loss is .2 %.

    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("saxe2019"), depth=2)
    >>> find_end(exact) == float(exact["time"][-1])  # theory stops where learning does
    True
    """
    loss = history["loss"].median("seed").values
    left = np.flatnonzero(loss - loss[-1] > 0.002 * (loss[0] - loss[-1]))
    time = history["time"].values
    return float(min(1.33 * time[left[-1] + 1] if len(left) else time[-1], time[-1]))
