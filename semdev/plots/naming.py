"""Naming: an item's names at their levels, and one name for many items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from semdev._names import require
from semdev.measures import naming as measure
from semdev.measures import overextension as extension
from semdev.measures.names import Levels, strip_relation
from semdev.plots import _style
from semdev.plots._curves import label_ends_below
from semdev.plots._items import nearest_times

ACTIVATION = "activation of the name"
GAP = 0.8  # between groups of bars, in widths of a bar


def naming_curves(
    history: xr.Dataset,
    item: str,
    *,
    criterion: float | None = None,
    levels: Levels = None,
    ax: Axes | None = None,
    interval: float = 0.95,
) -> Axes:
    """Draw how active an item's own names are over time, one curve for each level.

    `semdev.naming`: the median over seeds and the band that holds the central `interval` of them,
    the name and its level at the curve's end. The dotted line is the criterion at which a name
    counts as learned; a dot stands where the median of the seeds' crossing times lies, if more
    than half of them cross.

    Parameters
    ----------
    history : xr.Dataset
        A History whose data have names.
    item : str
        Its name.
    criterion, levels : optional
        As for `semdev.naming`.
    ax : Axes, optional
        Where to draw; a new figure one column wide. Labels stand at its right.
    interval : float
        Share of the seeds in the band, 0 to 1.

    Raises
    ------
    KeyError
        No such item; the nearest match is suggested.
    ValueError
        What `semdev.naming` refuses, an item without names, or an interval that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = naming_curves(sd.solve(sd.load("rogers2004"), depth=2), "penguin")
    >>> [text.get_text() for text in ax.texts]
    ['penguin (specific)', 'bird (basic)', 'animal (general)']
    """
    require(item, history["item"].values.tolist(), kind="item", where="this History")
    found = measure.naming(history, criterion=criterion, levels=levels).sel(item=item)
    own = [str(level) for level in found["level"].values[found["name"].values != ""]]
    if not own:
        raise ValueError(f"{item!r} has no name at any level of this History")
    ax = _style.make_axes(ax)
    at = float(found["criterion"])
    ax.axhline(at, color=_style.GREY, linewidth=0.7, linestyle=":", label="_criterion")
    ends, texts, colors = [], [], []
    for k, level in enumerate(found["level"].values.tolist()):
        if level not in own:
            continue
        curve = found["activation"].sel(level=level)
        color = _style.CATEGORIES[k % len(_style.CATEGORIES)]
        name = strip_relation(str(found["name"].sel(level=level).item()))
        _style.draw_curve(ax, curve, interval=interval, color=color, label=name)
        crossing = float(found["crossing"].sel(level=level).fillna(np.inf).median())
        if np.isfinite(crossing):
            ax.plot([crossing], [at], "o", color=color, markersize=3.5, label="_crossing")
        ends.append(float(curve.isel(time=-1).median()))
        texts.append(f"{name} ({level})")
        colors.append(color)
    _style.start_at_zero(ax, history["time"])
    _style.finish(ax, y=ACTIVATION)
    order = np.argsort([float(found["activation"].sel(level=level).mean()) for level in own])
    label_ends_below(
        ax, [], [ends[k] for k in order], [texts[k] for k in order], [colors[k] for k in order]
    )
    return ax


def naming_bars(
    history: xr.Dataset,
    items: Sequence[str] | Mapping[str, Sequence[str]],
    *,
    at: float | Sequence[float],
    levels: Levels = None,
    ax: Axes | None = None,
    interval: float = 0.95,
) -> Axes:
    """Draw how active names of each level are at chosen times, as bars side by side.

    A group of bars for each item at each time, a bar for each level at which the item has a name:
    the median over seeds of the activation of the right name (`semdev.naming`), and a line that
    holds the central `interval` of them. Groups of items are averaged within each network first.

    Parameters
    ----------
    history : xr.Dataset
        A History whose data have names.
    items : sequence of items, or mapping of label to items
        A group of bars for each; one item may stand alone.
    at : learning time, or several
        The nearest recorded ones are shown.
    levels : optional
        As for `semdev.naming`.
    ax : Axes, optional
        Where to draw; a new figure one column wide.
    interval : float
        Share of the seeds in the lines, 0 to 1.

    Raises
    ------
    KeyError
        No such item; the nearest match is suggested.
    ValueError
        What `semdev.naming` refuses, no items, no times, or an interval that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = naming_bars(sd.solve(sd.load("rogers2004"), depth=2), ["sparrow", "penguin"], at=3)
    >>> [f"{bar.get_height():.2f}" for bar in ax.patches]
    ['0.97', '1.00', '0.28', '1.07', '0.86', '0.51']
    """
    groups = _read_groups(history, items)
    chosen = history["time"].values[nearest_times(history, at)]
    found = measure.naming(history, levels=levels)
    active = found["activation"].sel(time=chosen)
    ax = _style.make_axes(ax)
    shown = found["level"].values.tolist()
    place, ticks, middles = 0.0, [], []
    for members in groups.values():
        for time in chosen:
            mean = active.sel(item=members, time=time).mean("item")
            kept = [k for k, level in enumerate(shown) if mean.sel(level=level).notnull().any()]
            low, middle, high = _style.over_seeds(mean.isel(level=kept), interval)
            for j, k in enumerate(kept):
                ax.bar(
                    [place + j], [middle[j]], width=0.9,
                    color=_style.CATEGORIES[k % len(_style.CATEGORIES)], label=f"_{shown[k]}",
                )  # fmt: skip
                if history.sizes["seed"] > 1:
                    ax.vlines(place + j, low[j], high[j], color="black", linewidth=1.0)
            ticks.append(place + (len(kept) - 1) / 2)
            place += max(len(kept), 2 if len(chosen) == 1 else 3) + GAP  # room for the tick's text
        middles.append(float(np.mean(ticks[-len(chosen) :])))
        place += GAP if len(chosen) > 1 else 0.0
    ax.axhline(0, color="black", linewidth=0.6, label="_zero")
    when = _style.TIME if len(chosen) > 1 else f"at {_style.TIME.split(' (')[0]} {chosen[0]:.3g}"
    _style.finish(ax, x=when, y=ACTIVATION)
    several = len(chosen) > 1
    look = _style.now()
    size = float(np.clip(look.small * 9 / max(len(ticks), 9), look.smallest, look.small))
    ax.set_xticks(ticks, [f"{t:.3g}" for t in chosen] * len(groups) if several else list(groups))
    ax.tick_params(axis="x", length=0, labelsize=size)
    if several:
        ax.xaxis.remove_overlapping_locs = False
        ax.set_xticks(middles, list(groups), minor=True)
        ax.tick_params(
            axis="x", which="minor", length=0, labelsize=_style.now().small, pad=size + 7
        )
    handles = [Patch(color=_style.CATEGORIES[k % len(_style.CATEGORIES)], label=level)
               for k, level in enumerate(shown)]  # fmt: skip
    _style.legend_above(ax, handles)
    return ax


def overextension(
    history: xr.Dataset,
    name: str,
    items: Sequence[str],
    *,
    own: Sequence[str] = (),
    levels: Levels = None,
    ax: Axes | None = None,
    interval: float = 0.95,
) -> Axes:
    """Draw how active one name is for several items over time, right or wrong.

    `semdev.overextension`: a curve for each item, solid where the name is right and dashed where
    it is overextended, the median over seeds with the band that holds the central `interval` of
    them, the item at its end. Of the items in `own` their own narrowest name is drawn too, thin
    and in the same colour; a dot stands where it overtakes the wrong one (the median of seeds, if
    more than half of them come to that).

    Parameters
    ----------
    history : xr.Dataset
        A History whose data have names.
    name : str
        A property, such as "ISA dog".
    items : sequence of str
        Items for which its activation is drawn.
    own : sequence of str
        Those of the items whose own name is drawn as well.
    levels : optional
        As for `semdev.overextension`.
    ax : Axes, optional
        Where to draw; a new figure one column wide. Labels stand at its right.
    interval : float
        Share of the seeds in the band, 0 to 1.

    Raises
    ------
    KeyError
        No such name or item; the nearest match is suggested.
    ValueError
        What `semdev.overextension` refuses, no items, or an interval that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> often = sd.make_patterns(sd.load("rogers2004"), frequency={"dog": 8})
    >>> ax = overextension(sd.solve(often, depth=2), "ISA dog", ["dog", "goat", "pine"])
    >>> [line.get_linestyle() for line in ax.lines]
    ['-', '--', '--']
    """
    listed = [items] if isinstance(items, str) else list(items)
    if not listed:
        raise ValueError("items is empty: give one at least for which the name is drawn")
    alone = [own] if isinstance(own, str) else list(own)
    for item in listed:
        require(item, history["item"].values.tolist(), kind="item", where="this History")
    for item in alone:
        require(item, listed, kind="item", where="the items drawn (own)")
    found = extension.overextension(history, names=name, levels=levels).isel(name=0)
    ax = _style.make_axes(ax)
    ends: list[tuple[float, str, Any]] = []
    for k, item in enumerate(listed):
        color = _style.CATEGORIES[k % len(_style.CATEGORIES)]
        curve = found["activation"].sel(item=item)
        right = bool(found["bears"].sel(item=item))
        _style.draw_curve(
            ax, curve, interval=interval, color=color, label=item, linestyle="-" if right else "--"
        )
        ends.append((float(curve.isel(time=-1).median()), item, color))
        called = str(found["own"].sel(item=item).item())
        if item not in alone or not called or called == name:
            continue
        curve = history["output"].sel(item=item, property=called)
        _style.draw_curve(ax, curve, interval=interval, color=color, label="_own", linewidth=0.7)
        ends.append((float(curve.isel(time=-1).median()), f"“{strip_relation(called)}”", color))
        when = float(found["overtakes"].sel(item=item).fillna(np.inf).median())
        if np.isfinite(when):
            median = found["activation"].sel(item=item).median("seed")
            ax.plot(
                [when], [float(median.interp(time=when))], "o", color=color, markersize=3.5,
                label="_overtakes",
            )  # fmt: skip
    _style.start_at_zero(ax, history["time"])
    _style.finish(ax, y=f"activation of “{strip_relation(name)}”")
    legend = _describe_lines(found, listed, name) if alone else []
    ends.sort(key=lambda end: end[0])
    heights, texts, colors = zip(*ends, strict=True)
    label_ends_below(ax, legend, heights, texts, colors)
    return ax


def _describe_lines(found: xr.Dataset, items: list[str], name: str) -> list[Line2D]:
    right = found["bears"].sel(item=items).values
    called = f"“{strip_relation(name)}”"
    handles = []
    if right.any():
        handles.append(Line2D([], [], color="black", linewidth=1.2, label=called))
    if not right.all():
        wrong: dict[str, Any] = {"color": "black", "linewidth": 1.2, "linestyle": "--"}
        handles.append(Line2D([], [], **wrong, label=f"{called}, overextended"))
    return [*handles, Line2D([], [], color="black", linewidth=0.7, label="own name")]


def _read_groups(
    history: xr.Dataset, items: Sequence[str] | Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return the items of each group of bars under its label."""
    if isinstance(items, Mapping):
        groups = {str(k): [v] if isinstance(v, str) else list(v) for k, v in items.items()}
    else:
        groups = {name: [name] for name in ([items] if isinstance(items, str) else items)}
    if not groups or not all(groups.values()):
        raise ValueError("items is empty: give one at least, and one at least in each group")
    for members in groups.values():
        for item in members:
            require(item, history["item"].values.tolist(), kind="item", where="this History")
    return groups
