"""Believing: false beliefs of a class, exceptions unlearned and relearned, base rates first."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from semdev.data.dataset import Dataset
from semdev.learners import Learner
from semdev.measures.base_rates import base_rates
from semdev.measures.categories import read_world
from semdev.measures.u_shapes import find_regress
from semdev.phenomena.base import Criterion, Phenomenon

CLASS = 3  # members of a class that can have a rule, and an exception to it


def has_high(data: Dataset | xr.Dataset) -> np.ndarray:
    """Return which cells are above the middle of the data's range: who has what."""
    values = read_target(data).values
    return values > (values.min() + values.max()) / 2


def read_target(data: Dataset | xr.Dataset) -> xr.DataArray:
    """Return what there is to learn, item × property."""
    return data.properties if isinstance(data, Dataset) else data["target"]


def find_classes(data: Dataset | xr.Dataset) -> np.ndarray:
    """Return the members of every class with two or more that is not the whole, class × item.

    >>> import semdev as sd
    >>> find_classes(sd.load("saxe2019")).astype(int)
    array([[1, 1, 0, 0],
           [0, 0, 1, 1]])
    """
    try:
        return read_world(data, None).member
    except ValueError:
        return np.zeros((0, read_target(data).sizes["item"]), dtype=bool)


def find_range(target: xr.DataArray) -> float:
    """Return the distance between the highest and the lowest target."""
    return float(target.max() - target.min())


def find_exceptions(data: Dataset | xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return which cells are exceptions to what sets their class apart, and the classes.

    A class of the tree, of three items or more and not the whole, has a rule for each property on
    which most of its members agree and most other items do otherwise: birds fly. The penguin is
    an exception.

    Returns
    -------
    array of int, item × property
        The number of the smallest class to whose rule the cell is an exception, −1 for none.
    array of bool, class × item
        Members.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("rogers2004")
    >>> found, _ = find_exceptions(world)
    >>> rule = world.properties.copy(data=found >= 0)
    >>> bool(rule.sel(item="penguin", property="can fly")), int(rule.sum())
    (True, 10)
    """
    has, members = has_high(data), find_classes(data)
    members = members[members.sum(1) >= CLASS]
    members = members[np.argsort(-members.sum(1), kind="stable")]
    found = np.full(has.shape, -1)
    for k, member in enumerate(members):
        own, others = has[member].mean(0), has[~member].mean(0)
        lacks = ~has & (own > 0.5) & (others < 0.5)
        odd = has & (own < 0.5) & (others > 0.5)
        found[(lacks | odd) & member[:, None]] = k
    return found, members


def ask_for_exceptions(data: Dataset) -> str:
    """Return why data hold no exception to a class's rule, "" if they do.

    >>> import semdev as sd
    >>> ask_for_exceptions(sd.load("saxe2019"))
    'no item is an exception to what sets its class (of 3 members or more) apart'
    """
    if data.tree is None:
        return "items have no classes: the data have no tree"
    if (find_exceptions(data)[0] >= 0).any():
        return ""
    return f"no item is an exception to what sets its class (of {CLASS} members or more) apart"


def ask_for_lacks(data: Dataset) -> str:
    """Return why no item lacks what sets its class apart, "" if one does.

    >>> import semdev as sd
    >>> ask_for_lacks(sd.load("rogers2004"))
    ''
    """
    reason = ask_for_exceptions(data)
    if reason or ((find_exceptions(data)[0] >= 0) & ~has_high(data)).any():
        return reason
    return f"no item lacks what sets its class (of {CLASS} members or more) apart"


def follow_beliefs(learner: Learner, data: Dataset, seeds: Sequence[int]) -> xr.Dataset:
    """Return the History with `belief` (property × item × seed × time), its outputs."""
    history = learner.learn(data, seeds=seeds)
    belief = history["output"].values.transpose(3, 2, 0, 1)
    dims = ("property", "item", "seed", "time")
    return history.assign(belief=(dims, np.ascontiguousarray(belief)))


def measure_overgeneralization(result: xr.Dataset) -> xr.DataArray:
    """Return how far what most of a class have was believed of members without it, and given up.

    Of each cell that lacks what sets its class apart (see `find_exceptions`) the smaller of two
    heights above start and end: that of the belief, and that of its excess over the beliefs about
    those outside the class who lack the property too (as in `overgeneralizations`; where the
    excess starts and ends below 0, its height above 0). The mean over cells, as a share of the
    range of the data, over seed.
    """
    has, (found, members) = has_high(result), find_exceptions(result)
    cells = (found >= 0) & ~has
    belief, heights = result["belief"].values, []
    for prop in np.flatnonzero(cells.any(0)):
        item = np.flatnonzero(cells[:, prop])
        outside = ~members[found[item, prop]] & ~has[:, prop]
        own = belief[prop, item]
        elsewhere = np.tensordot(outside / outside.sum(1, keepdims=True), belief[prop], 1)
        excess = own - elsewhere
        heights.append(np.minimum(_rise_and_fall(own), _rise_and_fall(excess, least=0.0)))
    value = np.full(result.sizes["seed"], math.nan)
    if heights:
        value = np.concatenate(heights).mean(0) / find_range(result["target"])
    return xr.DataArray(value, dims="seed", coords={"seed": result["seed"].values})


def _rise_and_fall(course: np.ndarray, *, least: float = -math.inf) -> np.ndarray:
    """Return how far a course stands, at its highest, above both ends and `least`; 0 or more."""
    ends = np.maximum(course[..., 0], course[..., -1])
    return np.maximum(course.max(-1) - np.maximum(ends, least), 0.0)


def follow_regress(learner: Learner, data: Dataset, seeds: Sequence[int]) -> xr.Dataset:
    """Return the History with `regress` (seed × item × property), as in `u_shapes`."""
    history = learner.learn(data, seeds=seeds)
    wrong = abs(history["output"] - history["target"]) / find_range(history["target"])
    regress, _ = find_regress(1 - wrong.transpose("time", "seed", "item", "property").values)
    return history.assign(regress=(("seed", "item", "property"), regress))


def measure_u_shape(result: xr.Dataset) -> xr.DataArray:
    """Return how much further right answers are unlearned in exceptions than in regular cells.

    The regress of each exception (see `find_exceptions`) less the mean regress of the regular
    cells of the same property with the same answer; the mean over exceptions, as a share of the
    range, over seed.
    """
    has, odd = has_high(result), find_exceptions(result)[0] >= 0
    weight, number = np.zeros(odd.shape), 0
    for answer in (has, ~has):
        special, regular = answer & odd, answer & ~odd
        special = special & regular.any(0)  # there is something to compare it with
        share = regular / np.maximum(regular.sum(0), 1)
        weight += special - share * special.sum(0)
        number += special.sum()
    value = np.full(result.sizes["seed"], math.nan)
    if number:
        value = np.tensordot(result["regress"].values, weight / number)
    return xr.DataArray(value, dims="seed", coords={"seed": result["seed"].values})


def ask_for_differences(data: Dataset) -> str:
    """Return "all items have the same properties" if they have, else "".

    >>> import semdev as sd
    >>> ask_for_differences(sd.load("saxe2019"))
    ''
    """
    same = (np.ptp(data.properties.values, axis=0) == 0).all()
    return "all items have the same properties" if same else ""


def measure_base_rates(history: xr.Dataset) -> xr.DataArray:
    """Return by how much answers were nearer to the best constant one than to none and the truth.

    The `nearness` of `base_rates`, over seed.
    """
    return base_rates(history)["nearness"].drop_vars("settled", errors="ignore")


TRANSIENT_OVERGENERALIZATION = Phenomenon(
    name="transient overgeneralization",
    claim="Members are believed to have what most of their class have and they lack, for a while.",
    human=(
        "most children of 6 to 10 give crayfish and stag beetles bones, older ones less often "
        "(Prokop & Prokop 2006); bones drawn inside invertebrates in 7,705 drawings (Prokop, "
        "Prokop & Tunnicliffe 2008)"
    ),
    experiment=follow_beliefs,
    measure=measure_overgeneralization,
    unit="share of the range, mean over members that lack what sets their class apart",
    criterion=Criterion(
        at_least=0.1,
        source="ours",
        why="a tenth of the range: less is what large random weights show in nearly every cell",
    ),
    asks=ask_for_lacks,
    impossible_for=("shallow linear",),
)

U_SHAPE = Phenomenon(
    name="U-shape",
    claim="Right answers about exceptions in a class are unlearned and learned again.",
    human="no study was read for this; a prediction of networks",
    experiment=follow_regress,
    measure=measure_u_shape,
    unit="share of the range, mean over exceptions less mean over regular cells",
    criterion=Criterion(
        at_least=0.05,
        source="ours",
        why="the smallest move that `u_shapes` counts, here of the mean over all exceptions",
    ),
    asks=ask_for_exceptions,
    impossible_for=("shallow linear",),
)

BASE_RATE_PHASE = Phenomenon(
    name="base-rate phase",
    claim="Answers first come near what is true of the average item, whichever item is asked of.",
    human=(
        "three days of learning hierarchical categories: early reliance on base rates, seen in "
        "the rates of true negatives (Rubruck, Bauer, Saxe & Summerfield 2024)"
    ),
    measure=measure_base_rates,
    unit="distance, in units of that between the best constant answer and the truth",
    criterion=Criterion(
        at_least=0.05,
        source="ours",
        why="the margin of `base_rates`: 5 % nearer to base rates than to nothing and the truth",
    ),
    asks=ask_for_differences,
    controlled=False,
    # Each of them has base rates: shuffling keeps them, flat trees are made of them, and in 0/1
    # coding even those of white noise, one half, are not nothing.
    null_worlds=(),
    impossible_for=("shallow linear",),
)
