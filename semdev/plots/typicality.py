"""Typicality: whether the members that stand for their category are learned sooner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text

from semdev._names import require
from semdev.measures import typicality as measure
from semdev.measures.categories import Categories
from semdev.plots import _style
from semdev.plots._items import item_classes

# What members are ranked by, and the clock that goes with it.
CLOCKS = {
    "typicality": ("membership_time", "correlation", "typicality"),
    "family_resemblance": ("property_time", "property_correlation", "family\nresemblance"),
}
ROW = 0.135  # inches


def typicality(
    history: xr.Dataset,
    *,
    categories: Categories = None,
    by: str = "typicality",
    depth: int = 2,
    ax: Axes | None = None,
    interval: float = 0.95,
) -> Axes:
    """Draw when each member comes to count for its category, typical members above.

    `semdev.typicality_learning`: a row for each member, ranked within its category by what stands
    at the right, and a dot at the time at which it is learned (median over seeds, with a bar that
    holds the central `interval` of them). If typical members come first, dots run from upper left
    to lower right. A black tick is the time that theory predicts; an arrowhead at the right edge
    stands for a member that is not learned. Beside a category's name is the rank correlation of
    time with typicality (median over seeds; negative: typical members first) and its prediction.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    categories : optional
        As for `semdev.typicality`; by default the classes of the tree that also colour the
        pictures of items: the first level at which there are three.
    by : "typicality" or "family_resemblance"
        Rank by typicality, and time by when members pass a common criterion on the category's
        prototype; or rank by family resemblance, and time by when they are held to have the
        category's properties (which tells deep from shallow networks).
    depth : int
        Number of weight matrices of the linear network that predicts: 1 is shallow.
    ax : Axes, optional
        Where to draw; a new figure one column wide and as high as its rows need.
    interval : float
        Share of the seeds in the bars, 0 to 1.

    Raises
    ------
    KeyError
        No such ranking, category or item; the nearest match is suggested.
    ValueError
        No tree and no categories, or an interval that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = typicality(sd.solve(sd.load("rogers2004"), depth=2), categories=["bird"])
    >>> [tick.get_text() for tick in ax.get_yticklabels()]
    ['robin', 'sparrow', 'canary', 'penguin']
    """
    require(by, list(CLOCKS), kind="ranking", where="typicality")
    clock, correlation, heading = CLOCKS[by]
    chosen = choose_categories(history) if categories is None else categories
    found = measure.typicality_learning(history, categories=chosen, depth=depth)
    rows = rank_members(found, by)
    times = {row: found[clock].sel(category=row[0], item=row[1]) for row in rows if row[1]}
    spans = {row: _late_over_seeds(each, history, interval) for row, each in times.items()}
    ax = _style.make_axes(ax, height=0.65 + ROW * len(rows))
    ax.set_ylim(len(rows) - 0.4, -0.6)
    names = list(dict.fromkeys(category for category, _ in rows))
    colors = {name: _style.CATEGORIES[k % len(_style.CATEGORIES)] for k, name in enumerate(names)}
    late: list[tuple[int, str]] = []
    for k, row in enumerate(rows):
        if not row[1]:
            continue
        low, middle, high = spans[row]
        if np.isfinite(middle):
            _draw_member(ax, k, (low, middle, high), history, colors[row[0]])
        else:
            late.append((k, colors[row[0]]))
        expected = float(found[f"predicted_{clock}"].sel(category=row[0], item=row[1]))
        if np.isfinite(expected):
            ax.plot(
                [expected], [k], "|", color="black", markersize=7, markeredgewidth=1.0,
                label="_predicted", zorder=3,
            )  # fmt: skip
    if ax.has_data():  # what differs by an update or two should look like it
        left, right = ax.dataLim.intervalx
        least = 0.1 * right
        if right - left < least:
            ax.set_xlim((left + right - least) / 2, (left + right + least) / 2)
    _style.finish(ax, x="learned at " + _style.TIME)
    room = _style.height_in_points(ax) / len(rows)
    size = float(np.clip(0.95 * room, _style.now().smallest, _style.now().small))
    _name_rows(ax, rows, found, colors, (correlation, by, heading), size)
    for k, color in late:
        ax.plot(
            [1.0], [k], ">", color=color, markerfacecolor="white", markersize=4, clip_on=False,
            transform=ax.get_yaxis_transform(), label="_never", scalex=False,
        )  # fmt: skip
    foreseen = bool(found[f"predicted_{clock}"].notnull().any())
    _style.legend_above(ax, _handles(history, foreseen, bool(late)))
    return ax


def choose_categories(history: xr.Dataset) -> list[str] | None:
    """Return the classes by which items are coloured that have members enough, or None.

    >>> import semdev as sd
    >>> choose_categories(sd.solve(sd.load("rumelhart8"), depth=2))
    ['tree', 'flower', 'bird', 'fish']
    """
    classes = item_classes(history)
    if classes is None:
        return None
    names = [str(name) for name in dict.fromkeys(classes) if name != "other"]
    sizes = {name: int((classes == name).sum()) for name in names}
    return [name for name in names if 2 <= sizes[name] < len(classes)] or None


def rank_members(found: xr.Dataset, by: str) -> list[tuple[str, str]]:
    """Return the rows from above: each category with "", then its members, the foremost first.

    Members that tie stand in the order of their names.

    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("rogers2004"), depth=2)
    >>> rank_members(sd.typicality_learning(exact, categories=["bird"]), "typicality")[:3]
    [('bird', ''), ('bird', 'robin'), ('bird', 'sparrow')]
    """
    rows: list[tuple[str, str]] = []
    for category in found["category"].values.tolist():
        own = found.sel(category=category)
        members = own["item"].values[own["member"].values].tolist()
        value = {name: round(float(own[by].sel(item=name)), 8) for name in members}
        rows.append((category, ""))
        rows += [(category, name) for name in sorted(members, key=lambda n: (-value[n], n))]
    return rows


def _late_over_seeds(
    times: xr.DataArray, history: xr.Dataset, interval: float
) -> tuple[float, float, float]:
    """Return low end, median and high end; who never learns comes last, at infinity."""
    never = 1e9 * float(history["time"].max())
    found = _style.over_seeds(times.fillna(never), interval)
    low, middle, high = np.where(found > float(history["time"].max()), np.inf, found).tolist()
    return low, middle, high


def _draw_member(
    ax: Axes, row: int, span: tuple[float, float, float], history: xr.Dataset, color: Any
) -> None:
    low, middle, high = span
    end = min(high, float(history["time"].max()))
    if history.sizes["seed"] > 1:
        ax.hlines(row, low, end, color=color, linewidth=1.4, alpha=0.5, label="_bar")
    ax.plot([middle], [row], "o", color=color, markersize=3.5, label="_member", zorder=2.5)


def _name_rows(
    ax: Axes,
    rows: Sequence[tuple[str, str]],
    found: xr.Dataset,
    colors: dict[str, Any],
    names: tuple[str, str, str],
    size: float,
) -> None:
    """Write members at the left, what ranks them at the right, correlations beside categories."""
    correlation, by, heading = names
    own = [(k, item) for k, (_, item) in enumerate(rows) if item]
    ax.set_yticks([k for k, _ in own], [item for _, item in own], fontsize=size)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    for k, (category, item) in enumerate(rows):
        if item:
            value = float(found[by].sel(category=category, item=item))
            _write(ax, 1.05, k, f"{value:.2f}", size, _style.GREY)
            ax.axhline(k, color="0.9", linewidth=0.5, zorder=0, label="_row")
            continue
        color = _style.darken(colors[category])
        head = _write(ax, 0.0, k, category, size, color, fontweight="bold")
        measured = found[correlation].sel(category=category).dropna("seed")
        if measured.sizes["seed"]:
            text = f"ρ = {float(measured.median()):.2f}"
            expected = float(found[f"predicted_{correlation}"].sel(category=category))
            text += f" (predicted {expected:.2f})" if np.isfinite(expected) else ""
            ax.annotate(
                text.replace("-", "−"), (1, 0), (5, 0), xycoords=head, textcoords="offset points",
                fontsize=size, color=color, va="bottom",
            ).set_in_layout(False)  # fmt: skip
    _write(ax, 1.05, -0.7, heading, size, _style.GREY, va="bottom")


def _write(ax: Axes, x: float, row: float, text: str, size: float, color: Any, **look: Any) -> Text:
    place: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center_baseline"}
    return ax.text(x, row, text, fontsize=size, color=color, **(place | look))


def _handles(history: xr.Dataset, foreseen: bool, late: bool) -> list[Line2D]:
    grey = _style.GREY
    several = history.sizes["seed"] > 1
    options: dict[str, Any] = {"linestyle": "", "color": "black"}
    handles = [
        Line2D([], [], color=grey, marker="o", markersize=3.5, label="learned",
               linestyle="-" if several else "", linewidth=1.4),
    ]  # fmt: skip
    if foreseen:
        handles.append(Line2D([], [], marker="|", markersize=7, label="predicted", **options))
    if late:
        never: dict[str, Any] = {"markerfacecolor": "white", "markersize": 4, "color": grey}
        handles.append(Line2D([], [], linestyle="", marker=">", label="not learned", **never))
    return handles
