"""Semantic dementia: what is lost first, and what things are called, as damage grows."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from semdev._names import require
from semdev.measures import dementia as measure
from semdev.measures.names import Levels
from semdev.plots import _style
from semdev.plots._curves import DASHES, predicted_handle

# From right to wrong: what is wrong in a near way is warm, silence is grey.
RESPONSE_COLORS = ("#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#C8C8C8")


def retention(
    damaged: xr.Dataset,
    *,
    facts: str = "all",
    criterion: float = 0.5,
    ax: Axes | None = None,
    interval: float = 0.95,
) -> Axes:
    """Draw how much general, basic and specific knowledge is left, against severity.

    `accuracy` of `semdev.retention`, hits + correct rejections − 1, mean over draws: 1 is perfect
    and 0 (dotted) is guessing. Median over networks and the band that holds the central `interval`
    of them; dashed what theory predicts, where it does. A grey line marks the moderate
    severity, at which half of all that was known is lost (median over networks).

    Parameters
    ----------
    damaged : Dataset
        What `damage` returned.
    facts : "names", "properties" or "all"
        Which.
    criterion : float
        As for `semdev.retention`.
    ax : Axes, optional
        Where to draw; a new figure one column wide.
    interval : float
        Share of the seeds in the band, 0 to 1.

    Raises
    ------
    KeyError
        There are no such facts.
    ValueError
        An interval that is no share; else as `semdev.retention`.

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("rumelhart8")
    >>> child = sd.train(model, world, seeds=4, keep_weights=True, record=2)
    >>> ax = retention(sd.damage(child, model, world, kind="noise"))
    >>> sorted(text.get_text() for text in ax.get_legend().get_texts())
    ['basic', 'general', 'predicted', 'specific']
    """
    found = measure.retention(damaged, criterion=criterion)
    require(facts, found["facts"].values.tolist(), kind="kind of facts", where="retention")
    found = found.sel(facts=facts)
    ax = _style.make_axes(ax)
    handles: list[Artist] = []
    colors = _style.ordered_colors(found.sizes["level"])
    foreseen = False
    for k, level in enumerate(found["level"].values.tolist()):
        each = found.sel(level=level).rename(severity="time")
        if each["accuracy"].isnull().all():
            continue
        line = _style.draw_curve(
            ax, each["accuracy"].transpose("seed", "time"), interval=interval, color=colors[k],
            label=level, marker=_style.marker(k), markersize=3.5, linewidth=1.4,
        )  # fmt: skip
        handles.append(line)
        if each["predicted"].notnull().any():
            ax.plot(
                each["time"], each["predicted"].median("seed"), color="black", linewidth=0.8,
                linestyle=DASHES, label="_predicted", zorder=3,
            )  # fmt: skip
            foreseen = True
    if foreseen:
        handles.append(predicted_handle())
    ax.axhline(0.0, color=_style.GREY, linewidth=0.6, linestyle=":", zorder=0, label="_guessing")
    moderate = found["moderate"].median("seed").item()  # NaN is left out
    if np.isfinite(moderate):
        ax.axvline(moderate, color=_style.GREY, linewidth=0.8, zorder=0, label="_moderate")
    ax.set_xlim(*found["severity"].values[[0, -1]])
    _style.finish(ax, x=_name_severity(damaged), y="accuracy (0: guessing)")
    _style.legend_above(ax, handles)
    return ax


def naming_errors(
    damaged: xr.Dataset,
    *,
    criterion: float = 0.5,
    levels: Levels = None,
    ax: Axes | None = None,
    interval: float = 0.95,
) -> Axes:
    """Draw what damaged networks call things, against severity: areas that add up to everything.

    `share` of `semdev.naming_errors`, of items and draws, mean over networks. Thin white lines on
    either side of a border hold the central `interval` of the networks.

    Parameters
    ----------
    damaged : Dataset
        What `damage` returned, of data with names.
    criterion, levels
        As for `semdev.naming_errors`.
    ax : Axes, optional
        Where to draw; a new figure one column wide.
    interval : float
        Share of the seeds between the thin lines, 0 to 1.

    Raises
    ------
    ValueError
        An interval that is no share; else as `semdev.naming_errors`.

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("rumelhart8")
    >>> child = sd.train(model, world, seeds=4, keep_weights=True, record=2)
    >>> ax = naming_errors(sd.damage(child, model, world, kind="units"))
    >>> sorted(text.get_text() for text in ax.get_legend().get_texts())
    ['coordinate', 'correct', 'cross-domain', 'omission', 'superordinate']
    """
    found = measure.naming_errors(damaged, criterion=criterion, levels=levels)
    share = found["share"].transpose("seed", "severity", "response")
    borders = share.cumsum("response").isel(response=slice(0, -1))
    low, _, high = _style.over_seeds(borders, interval)
    ax = _style.make_axes(ax)
    severity = found["severity"].values
    names = found["response"].values.tolist()
    middle = share.mean("seed").values.T
    ax.stackplot(
        severity, middle, colors=RESPONSE_COLORS, labels=names, edgecolor="white", linewidth=0.8
    )
    if share.sizes["seed"] > 1:
        for edge in (*low.T, *high.T):
            ax.plot(severity, edge, color="white", linewidth=0.5, linestyle=":", label="_seeds")
    ax.set_xlim(severity[0], severity[-1])
    ax.set_ylim(0, 1)
    _style.finish(ax, x=_name_severity(damaged), y="share of answers")
    _style.legend_above(
        ax, [Patch(color=c, label=n) for c, n in zip(RESPONSE_COLORS, names, strict=True)]
    )
    return ax


def _name_severity(damaged: xr.Dataset) -> str:
    """Return the label of the axis of severity."""
    kind = str(damaged["kind"].values)
    again = ", relearning" if int(damaged["relearned"]) else ""
    if kind in ("weights", "units"):
        return f"share of {kind} lost{again}"
    where = "weights" if kind == "weight noise" else "activity"
    return f"noise in the {where} (s.d.)"
