"""Plateaus: where the loss lingers, and the saddles that it should linger on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns
from semdev.measures import plateaus as measure
from semdev.plots import _style
from semdev.plots._curves import DASHES, label_ends_below
from semdev.plots.loss import typical_seed


def plateaus(
    history: xr.Dataset,
    *,
    data: Dataset | Patterns | None = None,
    depth: int | None = None,
    initial: float | Sequence[float] | np.ndarray | xr.DataArray | None = None,
    ax: Axes | None = None,
    interval: float = 0.95,
    log: bool = False,
) -> Axes:
    """Draw the loss with its plateaus, and the losses of the saddles that theory says they are.

    `semdev.plateaus`. The loss is the median over seeds with the band of the central `interval`
    of them. Thick bars are the plateaus of one typical seed (`typical_seed`), where its loss
    lingers and for how long. Dashed lines are the losses of the saddles on which any seed was
    found, ½ Σ s² over the modes still unlearned; labels give the number of modes learned there,
    and, of several seeds, how many of them lingered. With `depth` and `initial`, triangles on a
    line mark from when to when the typical seed should be there.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    data, depth, initial : optional
        As for `semdev.plateaus`.
    ax : Axes, optional
        Where to draw; a new figure one column wide. Labels stand at its right.
    interval : float
        Share of the seeds in the band, 0 to 1.
    log : bool
        A logarithmic axis of the loss; a saddle of no loss is left out there.

    Raises
    ------
    ValueError
        The loss is not that of the items' own patterns, or an interval that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = plateaus(sd.solve(sd.load("saxe2019"), depth=2, initial=1e-8))
    >>> [text.get_text() for text in ax.texts]
    ['4 modes', '2 modes', '1 mode', 'no mode']
    """
    found = measure.plateaus(history, data=data, depth=depth, initial=initial)
    seed = typical_seed(history)
    own = found.sel(seed=seed)
    ax = _style.make_axes(ax)
    color, marked = _style.CATEGORIES[:2]
    _style.draw_curve(ax, history["loss"], interval=interval, color=color, label="loss")
    lasting = own["start"].notnull() & own["end"].notnull()
    for start, end, level in zip(*(own[k].values[lasting] for k in ("start", "end", "level")),
                                 strict=True):  # fmt: skip
        ax.plot(
            [start, end], [level, level], color=marked, linewidth=3.2, solid_capstyle="butt",
            alpha=0.75, zorder=2.5, label="_plateau",
        )  # fmt: skip
    saddles = list_saddles(found)
    if log:
        ax.set_yscale("log")
        saddles = [each for each in saddles if each[1] > 1e-12 * float(history["loss"].max())]
    else:
        ax.set_ylim(bottom=0)
    for _, level, _ in saddles:
        ax.axhline(
            level, color="black", linewidth=0.7, linestyle=DASHES, zorder=1.5, label="_saddle"
        )
    timed = _mark_times(ax, own)
    _style.start_at_zero(ax, history["time"])
    _style.finish(ax, y="loss (½ sum of squares)")
    levels = [level for _, level, _ in saddles][::-1]
    labels = [name_saddle(rank, count, history.sizes["seed"]) for rank, _, count in saddles][::-1]
    legend = _handles(history.sizes["seed"], seed, bool(lasting.any()), timed)
    label_ends_below(ax, legend, levels, labels, ["black"] * len(labels))
    return ax


def list_saddles(found: xr.Dataset) -> list[tuple[int, float, int]]:
    """Return the saddles that were visited: modes learned, predicted loss, by how many seeds.

    >>> import semdev as sd
    >>> list_saddles(sd.plateaus(sd.solve(sd.load("saxe2019"), depth=2, initial=1e-8)))
    [(0, 6.0, 1), (1, 2.5, 1), (2, 1.0, 1), (4, 0.0, 1)]
    """
    often, losses = found["found"].sum("seed").values, found["predicted"].values
    return [
        (int(rank), float(loss), int(count))
        for rank, loss, count in zip(found["rank"].values, losses, often, strict=True)
        if count and np.isfinite(loss)
    ]


def name_saddle(rank: int, count: int, seeds: int) -> str:
    """Return what a saddle is called: modes learned there, and how many of the seeds came by.

    >>> name_saddle(0, 1, 1), name_saddle(3, 18, 20)
    ('no mode', '3 modes (18/20)')
    """
    name = {0: "no mode", 1: "1 mode"}.get(rank, f"{rank} modes")
    return name if seeds == 1 else f"{name} ({count}/{seeds})"


def _mark_times(ax: Axes, own: xr.Dataset) -> bool:
    """Mark predicted starts and ends on their saddles; return whether there are any."""
    drawn, level = False, own["predicted"].where(own["found"]).values
    for name, marker in (("predicted_start", ">"), ("predicted_end", "<")):
        at = own[name].values
        known = np.isfinite(at) & np.isfinite(level)
        ax.plot(
            at[known], level[known], marker, color="black", markersize=3.5,
            label=f"_{name}", scalex=False, scaley=False, zorder=3,
        )  # fmt: skip
        drawn |= bool(known.any())
    return drawn


def _handles(seeds: int, seed: int, lasting: bool, timed: bool) -> list[Line2D]:
    name = "loss" if seeds == 1 else f"loss of {seeds} seeds"
    plateau = "plateau" if seeds == 1 else f"plateau of seed {seed}"
    entries: list[tuple[str, dict[str, Any]]] = [
        (name, {"color": _style.CATEGORIES[0], "linewidth": 1.2}),
        ("saddle", {"color": "black", "linewidth": 0.7, "linestyle": DASHES}),
    ]
    if lasting:
        bar = {"color": _style.CATEGORIES[1], "linewidth": 3.2, "alpha": 0.75}
        entries.insert(1, (plateau, bar))
    if timed:
        times = {"linestyle": "", "marker": ">", "markersize": 3.5, "color": "black"}
        entries.append(("predicted from, to", times))
    return [Line2D([], [], label=label, **look) for label, look in entries]
