"""Base rates: how near the learner is to answering the same for every item, over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from semdev._names import require
from semdev.measures import base_rates as measure
from semdev.plots import _style
from semdev.plots._curves import draw_learner, name_learners, predicted_handle


def base_rates(
    history: xr.Dataset,
    *,
    bias: bool | Sequence[str] | None = None,
    ax: Axes | None = None,
    interval: float = 0.95,
    compare: Mapping[str, xr.Dataset] | None = None,
    name: str | None = None,
) -> Axes:
    """Draw the distance of the outputs from the base rates, over time.

    `to_constant` of `semdev.base_rates`: the distance from the optimal constant solution, in units
    of that between it and the truth: a learner is at 0 if all it knows is how frequent properties
    are, and at 1 (dotted) when it knows everything. A dot marks where it comes closest (medians
    over seeds); the prediction is dashed. Of one learner alone the distance from the truth is
    drawn too, fine and grey.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    bias : bool or sequence of str, optional
        Whether learners have an output bias, or the names of those that have; by default what
        each History says. It changes their predictions only.
    ax : Axes, optional
        Where to draw; a new figure one column wide.
    interval : float
        Share of the seeds in the band, 0 to 1.
    compare : mapping of label to History, optional
        Other learners; a colour and a marker for each learner then.
    name : str, optional
        What to call `history` beside the others; its model's name.

    Raises
    ------
    KeyError
        `bias` names nobody who is drawn.
    ValueError
        All items of a learner have the same properties, or an interval that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("rogers2004")
    >>> deep, shallow = (sd.solve(world, depth=depth) for depth in (2, 1))
    >>> ax = base_rates(deep, compare={"shallow": shallow}, name="deep")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['deep', 'shallow', 'predicted']
    """
    learners = name_learners(history, name, compare)
    biased = _read_bias(bias, list(learners))
    found = {who: measure.base_rates(each, bias=biased[who]) for who, each in learners.items()}
    ax = _style.make_axes(ax)
    handles, foreseen = [], False
    for k, (who, own) in enumerate(found.items()):
        handle, known = draw_learner(
            ax, k, own["to_constant"], own["predicted"], interval=interval, name=who,
            among=bool(compare), label="from the base rates",
        )  # fmt: skip
        handles.append(handle)
        foreseen |= known
        ax.plot(
            [float(own["closest_time"].median())], [float(own["closest"].median())], "o",
            color=handle.get_color(), markersize=5, markeredgecolor="black", markeredgewidth=0.8,
            label="_closest", zorder=4,
        )  # fmt: skip
    if not compare:
        (alone,) = found.values()
        middle = np.median(alone["to_target"], axis=0)
        ax.plot(alone["time"], middle, color=_style.GREY, linewidth=1.0, label="_truth")
        handles.append(Line2D([], [], color=_style.GREY, linewidth=1.0, label="from the truth"))
    if foreseen:
        handles.append(predicted_handle())
    ax.axhline(1.0, color=_style.GREY, linewidth=0.6, linestyle=":", zorder=0, label="_unit")
    ax.set_ylim(bottom=0)
    _style.start_at_zero(ax, history["time"])
    _style.finish(ax, y="distance from the base rates\n(1: of the truth)")
    if not compare:
        ax.set_ylabel("distance\n(1: truth from base rates)", fontsize=_style.now().text)
    _style.legend_above(ax, handles)
    return ax


def _read_bias(bias: bool | Sequence[str] | None, learners: list[str]) -> dict[str, bool | None]:
    """Return who has an output bias, None where the History says it."""
    if bias is None or isinstance(bias, (bool, np.bool_)):
        return dict.fromkeys(learners, bias if bias is None else bool(bias))
    named = [bias] if isinstance(bias, str) else list(bias)
    for who in named:
        require(who, learners, kind="learner", where="what is drawn (bias=)")
    return {who: who in named for who in learners}
