"""Naming: which of an item's names, general, basic or specific, is learned first."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.measures.crossing import first_crossing
from semdev.measures.names import Levels, read_names


def naming(
    history: xr.Dataset,
    *,
    criterion: float | None = None,
    margin: float = 0.05,
    levels: Levels = None,
) -> xr.Dataset:
    """Return how active each of an item's names becomes, and which level's crosses first.

    An item has one name at each level at most: "animal", "bird", "robin". With y_il(t) the belief
    in the name of item i at level l,

        advantage_il(t) = y_il(t) − max_{k ≠ l} y_ik(t),

    so that the advantage of "basic" is above 0 where the basic name is the most active of the
    item's own. Basic names come first in children (Rosch et al. 1976, Cognitive Psychology
    8:382–439), but atypical items are named by their specific name (Murphy & Brownell 1985, Journal
    of Experimental Psychology: Learning, Memory, and Cognition 11:70–84); both were simulated by
    Rogers & McClelland (2004, Semantic Cognition, chapter 5). The order
    depends on how often names are taught as well as on what they name, and differs from network to
    network: look at the share of seeds.

    Parameters
    ----------
    history : xr.Dataset
        A History of whichever learner, whose data have names.
    criterion : float, optional
        The activation at which a name counts as learned, in units of the data; by default half-way
        between the lowest and the highest target of the names (.5 in 0/1 coding, 0 in ±1).
    margin : float
        By what share of its own crossing time a level must be ahead of the item's others to be
        first; 0 takes every lead for an order.
    levels : mapping of label to property names, optional
        Which properties are names of which level, from broad to narrow. Default: the properties
        whose relation begins with "ISA". Several such relations are a level each, the one whose
        names are borne by most items (on average) first, labelled by what follows `"ISA_"`. Names
        of a single relation stand at as many levels as they are nested, "depth 0" being those that
        lie in no other's extension; of two that cross ("mammal" and "pet") the one that is no class
        of the tree is left out. So are names that no item bears.

    Returns
    -------
    Dataset
        Over item × level the coordinate `name`, the property ("" where the item has no name of the
        level; all else but `rival` is NaN or False there). Over seed × time × item × level, in
        units of the data: `activation` of the item's own name; `rival`, that of the most active
        wrong name of the level (NaN if all are right); `advantage` (NaN if the item has no
        other name); `correct` (bool), whether the right name is more active than every rival. Over
        seed × item × level: `crossing`, the learning time at which the activation first is at
        `criterion` (NaN: never; the first time recorded if it starts there); `first` (bool),
        whether this level's name crosses before the item's others (False if it has none), its mean
        over seeds being the share of networks in which it does. Without a dimension: `criterion`.

    Raises
    ------
    ValueError
        No names, levels that give an item two names at one level, names that cross, a
        criterion outside of the targets' range, a negative margin.
    KeyError
        `levels` names an unknown property; the nearest match is suggested.

    Examples
    --------
    >>> import semdev as sd
    >>> found = naming(sd.solve(sd.load("rogers2004"), depth=2)).sel(item="robin", seed=0)
    >>> found["name"].values.tolist(), found["level"].values.tolist()
    (['ISA animal', 'ISA bird', 'ISA robin'], ['general', 'basic', 'specific'])
    >>> found["crossing"].values.round(1), found["first"].values
    (array([0.7, 1.5, 3.9]), array([ True, False, False]))

    Of the eight items, whose names are of one relation:

    >>> found = naming(sd.solve(sd.load("rumelhart8"), depth=2)).sel(item="robin")
    >>> found["name"].values.tolist()
    ['ISA living thing', 'ISA animal', 'ISA bird', 'ISA robin']
    """
    names = read_names(history, levels)
    if not (isinstance(margin, Real) and 0 <= margin < math.inf):
        raise ValueError(f"margin is a share of the crossing time, at least 0; got {margin!r}")
    low, high = names.low, names.high
    at = (low + high) / 2 if criterion is None else criterion
    if not (isinstance(at, Real) and low < float(at) < high):
        raise ValueError(
            f"criterion lies between the lowest and the highest target of the names, {low:g} and "
            f"{high:g}; got {criterion!r}"
        )
    output = history["output"].values
    own, has = names.own, names.own >= 0
    active = np.where(has, output[..., np.arange(len(own))[:, None], own], np.nan)
    rival = np.full(active.shape, np.nan)
    for k, members in enumerate(names.members):
        wrong = ~names.bears[:, members]
        highest = np.where(wrong, output[..., members], -np.inf).max(-1)
        rival[..., k] = np.where(wrong.any(1), highest, np.nan)
    best = _highest_other(np.where(has, active, -np.inf))
    over = ("seed", "time", "item", "level")
    result = xr.Dataset(
        {
            "activation": (over, active),
            "rival": (over, rival),
            "advantage": (over, np.where(has & np.isfinite(best), active - best, np.nan)),
            "correct": (over, has & ~(active <= rival)),
        },
        coords={
            **{kind: history[kind] for kind in ("seed", "time", "item")},
            "level": names.labels,
            "name": (("item", "level"), names.name_each(history["property"].values)),
        },
    ).drop_vars(["frequency", "step"], errors="ignore")
    below = np.maximum.accumulate(~(active >= float(at)), axis=1)  # has it been below yet?
    risen = np.where(below | ~below.any(1, keepdims=True), active, float(at) - 1)
    crossing = first_crossing(result["activation"].copy(data=risen), float(at))
    result["crossing"] = crossing.transpose("seed", "item", "level")
    late = result["crossing"].fillna(np.inf).values
    others = -_highest_other(np.where(has, -late, -np.inf))
    ahead = (late * (1 + margin) < others) & (has & (has.sum(1, keepdims=True) > 1))
    result["first"] = (("seed", "item", "level"), ahead)
    result["criterion"] = ((), float(at))
    return say_measure("naming", result)


def _highest_other(values: np.ndarray) -> np.ndarray:
    """Return, along the last axis, the highest of the others; −inf where there are none."""
    count = values.shape[-1]
    apart = np.where(np.eye(count, dtype=bool), -np.inf, values[..., None, :])
    return apart.max(-1) if count else values
