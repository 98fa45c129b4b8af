"""Beliefs: does this item have that property, as the learner sees it over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from semdev.history import ask, get_provenance
from semdev.plots import _style

FALSE_AT = {"0/1": 0.5, "±1": 0.0}
SCALE = {"0/1": "belief (0: no, 1: yes)", "±1": "belief (−1: no, 1: yes)"}


def beliefs(
    history: xr.Dataset,
    item: str | Sequence[str],
    property: str | Sequence[str],
    *,
    ax: Axes | None = None,
    interval: float = 0.95,
    compare: Mapping[str, xr.Dataset] | None = None,
    name: str | None = None,
) -> Axes:
    """Draw the belief that items have properties, over time.

    One curve for each item and property, solid where it is true and dashed where it is false (a
    false belief that rises and falls is an overgeneralization), labelled at its end; a triangle
    at the right edge marks the truth. Curves of equal truth differ in their markers too. Several
    seeds: the median, and the band of the central `interval` of them.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    item, property : str or sequence of str
        Names; every item is asked about every property.
    ax : Axes, optional
        Where to draw; a new figure one column wide. Labels stand at its right.
    interval : float
        Share of the seeds in the band, 0 to 1.
    compare : mapping of label to History, optional
        Other learners, asked the same; a colour and a marker for each learner then.
    name : str, optional
        What to call `history` beside the others; its model's name.

    Raises
    ------
    KeyError
        No such item or property in one of the Histories; the nearest match is suggested.
    ValueError
        No item, no property, or an interval that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("saxe2019"), depth=2)
    >>> ax = beliefs(exact, ["canary", "salmon"], "can fly")
    >>> [line.get_linestyle() for line in ax.lines if line.get_label() in pair_labels(ax)]
    ['-', '--']
    """
    pairs = list_pairs(item, property)
    learners = {name or _name(history): history, **(compare or {})}
    if compare and len(learners) == len(compare):
        learners = {"this learner": history, **compare}
    asked = {who: [ask(learner, *pair) for pair in pairs] for who, learner in learners.items()}
    truth = [is_true(history, *pair) for pair in pairs]
    ax = _style.make_axes(ax)
    known = len(_style.CATEGORIES)
    marked = bool(compare) or len(set(truth)) < len(truth)
    handles = []
    for k, (learner, curves) in enumerate(asked.items()):
        for j, (curve, true) in enumerate(zip(curves, truth, strict=True)):
            line = _style.draw_curve(
                ax, curve, interval=interval,
                color=_style.CATEGORIES[(k if compare else j) % known],
                linestyle="-" if true else "--",
                label=" ".join(pairs[j]) if k == 0 else "_compared",
                marker=_style.marker(k if compare else j) if marked else None,
                markersize=3, markevery=(0.03 + 0.04 * (k if compare else j), 0.2),
                linewidth=2.0 if compare and k == 0 else 1.2,
            )  # fmt: skip
        handles.append(_handle(learner, line))
    _style.start_at_zero(ax, history["time"])
    low, high = ax.get_ylim()
    least = 0.1 * float(history["target"].max() - history["target"].min())
    if high - low < least:  # what is rounding noise should look like it
        ax.set_ylim((low + high - least) / 2, (low + high + least) / 2)
    coding = get_provenance(history).get("coding", "")
    _style.finish(ax, y=SCALE.get(coding, "belief (units of the data)"))
    if compare:
        _style.legend_above(ax, handles)
    _mark_truth(ax, history, pairs)
    curves = asked[next(iter(asked))]
    order = np.argsort([float(curve.median("seed").mean()) for curve in curves], kind="stable")
    _style.label_ends(
        ax,
        [float(curves[j].isel(time=-1).median()) for j in order],
        [" ".join(pairs[j]) for j in order],
        ["black" if compare else _style.CATEGORIES[j % known] for j in order],
        markers=[_style.marker(int(j)) for j in order] if marked and not compare else (),
    )
    return ax


def list_pairs(item: str | Sequence[str], property: str | Sequence[str]) -> list[tuple[str, str]]:
    """Return every item with every property.

    >>> list_pairs("pine", ["can grow", "can fly"])
    [('pine', 'can grow'), ('pine', 'can fly')]
    """
    items = [item] if isinstance(item, str) else list(item)
    properties = [property] if isinstance(property, str) else list(property)
    if not items or not properties:
        raise ValueError(
            f"beliefs need at least one item and one property, got {items} and {properties}"
        )
    return [(i, p) for i in items for p in properties]


def is_true(history: xr.Dataset, item: str, property: str) -> bool:
    """Return whether the item has the property: nearer to yes than to no.

    The limit is ½ in 0/1 coding, 0 in ±1 coding, and the middle of all targets in graded data.

    >>> import semdev as sd
    >>> is_true(sd.solve(sd.load("saxe2019"), depth=2), "salmon", "can fly")
    False
    """
    target = history["target"]
    middle = float(target.min() + target.max()) / 2
    limit = FALSE_AT.get(get_provenance(history).get("coding", ""), middle)
    return bool(target.sel(item=item, property=property) > limit)


def settling_time(history: xr.Dataset, item: str, property: str, *, share: float = 0.05) -> float:
    """Return from when on the belief of every seed stays near its end, by `share` of its range.

    >>> import semdev as sd
    >>> settling_time(sd.solve(sd.load("saxe2019"), depth=2), "canary", "can move")
    4.2
    """
    belief = ask(history, item, property)
    away = abs(belief - belief.isel(time=-1)) > share * (belief.max() - belief.min())
    last = np.flatnonzero(away.any("seed"))
    return (
        float(history["time"][min(last[-1] + 1, history.sizes["time"] - 1)]) if len(last) else 0.0
    )


def pair_labels(ax: Axes) -> list[str]:
    """Return the labels at the ends of curves, as drawn."""
    return [text.get_text() for text in ax.texts]


def _name(history: xr.Dataset) -> str:
    return str(get_provenance(history).get("model", "this learner")).split("(")[0]


def _handle(name: str, line: Line2D) -> Line2D:
    return Line2D(
        [], [], color=line.get_color(), marker=line.get_marker(), markersize=3, label=name
    )


def _mark_truth(ax: Axes, history: xr.Dataset, pairs: list[tuple[str, str]]) -> None:
    values = sorted({float(history["target"].sel(item=i, property=p)) for i, p in pairs})
    low, high = ax.get_ylim()
    margin = 0.03 * (high - low)
    ax.set_ylim(
        min([low, *(v - margin for v in values)]), max([high, *(v + margin for v in values)])
    )
    ax.plot(
        [1.0] * len(values), values, "<", transform=ax.get_yaxis_transform(), color="black",
        markersize=4.5, clip_on=False, label="truth", scalex=False, scaley=False, zorder=5,
    )  # fmt: skip
