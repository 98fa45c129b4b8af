"""A phenomenon: what is claimed of development, how it is measured, and when it counts as shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from semdev.data.dataset import Dataset
from semdev.learners import Learner

# Half of the 5 % that is promised: a test right at its level exceeds it every other time.
ALPHA = 0.025
LEAST_DEALS = 20
STRUCTURELESS = ("shuffled properties", "flat tree", "white noise")

Experiment = Callable[[Learner, Dataset, Sequence[int]], xr.Dataset]
Measure = Callable[[xr.Dataset], xr.DataArray]
# A function of an experiment's result to one in which what a claim is about is dealt out anew, and
# to what tells deals apart: b"" if everything is where it was.
Deal = Callable[[xr.Dataset, np.random.Generator], tuple[xr.Dataset, bytes]]


class NotApplicableError(Exception):
    """A phenomenon cannot be asked of this learner or these data; the message says why."""


@dataclass(frozen=True)
class Criterion:
    """From which value on a phenomenon counts as shown, who says so, and why.

    Examples
    --------
    >>> Criterion(0.1, "ours", "a tenth of the range is more than rounding").at_least
    0.1
    """

    at_least: float
    source: str  # "published" or "ours"
    why: str


def learn(learner: Learner, data: Dataset, seeds: Sequence[int]) -> xr.Dataset:
    """Return the History of learning the data as they are: the experiment of most phenomena."""
    return learner.learn(data, seeds=seeds)


def ask_nothing(data: Dataset) -> str:
    """Return "": any data will do."""
    return ""


def ask_for_tree(data: Dataset) -> str:
    """Return why data cannot show what is about classes: they have no tree.

    >>> import semdev as sd
    >>> ask_for_tree(sd.load("saxe2019").with_tree(None))
    'the data have no tree'
    """
    return "" if data.tree is not None else "the data have no tree"


def name_deal(classes: np.ndarray) -> bytes:
    """Return who is with whom at each level, whatever the classes are called, item × level.

    >>> one, other = np.array([["a"], ["b"], ["b"]]), np.array([["b"], ["a"], ["a"]])
    >>> name_deal(one) == name_deal(other), name_deal(one) == name_deal(one[::-1])
    (True, False)
    """
    first = (classes[:, None] == classes[None, :]).argmax(1)  # the first item of one's class
    return first.astype(np.int16).tobytes()


def deal_classes(result: xr.Dataset, random: np.random.Generator) -> tuple[xr.Dataset, bytes]:
    """Deal the classes of the tree out to the items anew: what most phenomena are held against.

    Raises NotApplicableError where there are none.
    """
    if "ancestor" not in result.coords:
        raise NotApplicableError("items have no classes: the data have no tree")
    classes = result["ancestor"].transpose("item", ...)
    drawn = random.permutation(classes.values)
    deal = name_deal(drawn)
    dealt = result.assign_coords(ancestor=classes.copy(data=drawn))
    return dealt, b"" if deal == name_deal(classes.values) else deal


@dataclass(frozen=True)
class Phenomenon:
    """A phenomenon as data.

    `measure` is a function of a History, or of whatever `experiment` returns, to one number for
    each seed (a DataArray over seed): the larger, the more of the phenomenon; NaN where nothing can
    be said of a seed. Both may raise NotApplicableError.

    A phenomenon that is about classes of items is `controlled`: it counts as shown by a seed only
    if its value is also larger than with the classes dealt out to the items anew (a permutation
    test at 2.5 %), for a measure that looks for the largest of something finds something in noise.
    One that is about something else may `deal` that out.

    Parameters
    ----------
    name, claim, human : str
        What it is called, what is claimed, and where it was seen in people.
    measure, unit
        See above, and what the number is.
    criterion : Criterion
        From which value on it counts as shown.
    experiment : function of (Learner, Dataset, seeds), optional
        What is done with a learner; by default it learns the data.
    asks : function of a Dataset, optional
        "" for data that can show it, else why not.
    lacks : function of a Dataset, optional
        "" for data that hold what it is about beyond what chance gives, else why they do not. They
        are not asked either; but to say so of a world without structure is a right answer, and is
        counted as one (`false_positives`), where being unable to ask is none.
    controlled : bool
        Whether it is held against deals.
    deal : function of (result, numpy Generator), optional
        What is dealt out anew: returns what `experiment` returned, so dealt, and bytes that tell
        deals apart (b"" if all is where it was); by default the classes of items.
    null_worlds : tuple of str
        The worlds without structure (`make_null_world`) that lack what it is about.
    impossible_for : tuple of str
        Learners that provably cannot show it.

    Examples
    --------
    A phenomenon of one's own, asked of two models:

    >>> import semdev as sd
    >>> quick = sd.Phenomenon(
    ...     name="quick start",
    ...     claim="half of the loss is gone in the first tenth of learning",
    ...     human="nobody looked",
    ...     measure=lambda h: (h["loss"] < h["loss"].isel(time=0) / 2).mean("time"),
    ...     unit="share of the records",
    ...     criterion=sd.Criterion(0.9, "ours", "nine tenths are left after the first"),
    ...     controlled=False,
    ... )
    >>> models = {"shallow": sd.Shallow(), "deep": sd.DeepLinear(8)}
    >>> found = sd.compare(models, sd.load("saxe2019"), phenomena=quick, seeds=2, n_jobs=1)
    >>> found.summary["median"].round(1).tolist()
    [0.8, 0.5]
    """

    name: str
    claim: str
    human: str  # where it was seen in people
    measure: Measure
    unit: str
    criterion: Criterion
    experiment: Experiment = learn
    asks: Callable[[Dataset], str] = ask_nothing  # "", or why data cannot show it
    lacks: Callable[[Dataset], str] = ask_nothing  # "", or why they have nothing to be shown
    controlled: bool = True
    deal: Deal = deal_classes
    null_worlds: tuple[str, ...] = STRUCTURELESS  # those that lack what it is about
    impossible_for: tuple[str, ...] = field(default=())  # learners that provably cannot show it


def judge(
    phenomenon: Phenomenon,
    learner: Learner,
    data: Dataset,
    *,
    seeds: Sequence[int],
    relabellings: int = 39,
    random_state: int = 0,
) -> xr.Dataset:
    """Return how much of a phenomenon each seed shows, and whether that counts.

    Returns
    -------
    Dataset
        Over seed: `value`; `control`, what 2.5 % of relabelled worlds reach, and `p`, the share
        of worlds (relabelled ones and this) with at least the value (both NaN unless controlled;
        a relabelled world of which nothing can be said has less than any value; `Phenomenon.deal`
        says what is relabelled);
        `met` (bool); without a dimension: `reason`, why it is not applicable ("" if it is).

    Examples
    --------
    >>> import semdev as sd
    >>> from semdev.phenomena import PHENOMENA
    >>> deep = Learner(sd.DeepLinear(16))
    >>> world = sd.load("rumelhart8")
    >>> found = judge(PHENOMENA["progressive differentiation"], deep, world, seeds=[0, 1])
    >>> found["met"].values
    array([ True,  True])
    """
    unknown = np.full(len(seeds), math.nan)
    reason = phenomenon.asks(data) or phenomenon.lacks(data)
    if not reason:
        try:
            result = phenomenon.experiment(learner, data, seeds)
            value = read_values(phenomenon, result, seeds)
            control = p = unknown
            if phenomenon.controlled:
                others = relabel_and_measure(phenomenon, result, seeds, relabellings, random_state)
                p = (1 + (others >= value).sum(0)) / (1 + len(others))
                p = np.where(np.isfinite(value), p, math.nan)
                control = find_control(others)
            met = value >= phenomenon.criterion.at_least
            if phenomenon.controlled:
                met &= p <= ALPHA
            return _pack(value, control, p, met, "", seeds)
        except NotApplicableError as error:
            reason = str(error)
    return _pack(unknown, unknown, unknown, np.zeros(len(seeds), dtype=bool), reason, seeds)


def find_control(others: np.ndarray) -> np.ndarray:
    """Return the least value with p ≤ 2.5 % among the relabelled, for each seed; ∞ if none is."""
    most = math.floor(ALPHA * (1 + len(others))) - 1  # relabelled worlds that may exceed it
    if most < 0:
        return np.full(others.shape[1], math.inf)
    return np.sort(others, axis=0)[-1 - most]


def _pack(
    value: np.ndarray, control: np.ndarray, p: np.ndarray, met: np.ndarray, reason: str,
    seeds: Sequence[int],
) -> xr.Dataset:  # fmt: skip
    over_seeds = {"value": value, "control": control, "p": p, "met": met}
    return xr.Dataset(
        {name: ("seed", each) for name, each in over_seeds.items()} | {"reason": reason},
        coords={"seed": list(seeds)},
    )


def read_values(phenomenon: Phenomenon, result: xr.Dataset, seeds: Sequence[int]) -> np.ndarray:
    """Return what the measure says of each seed.

    Raises TypeError if that is not one number a seed.
    """
    found = phenomenon.measure(result)
    if not isinstance(found, xr.DataArray) or found.dims != ("seed",):
        said = f"dimensions {found.dims}" if isinstance(found, xr.DataArray) else type(found)
        raise TypeError(
            f"the measure of {phenomenon.name!r} must return a DataArray over seed, one number for "
            f"each; got {said}"
        )
    return np.asarray(found.sel(seed=list(seeds)).values, dtype=float)


def relabel_and_measure(
    phenomenon: Phenomenon, result: xr.Dataset, seeds: Sequence[int], number: int, random_state: int
) -> np.ndarray:
    """Return values with what a phenomenon is about dealt out anew, deal × seed; NaN as −∞.

    Raises NotApplicableError where there is so little that hardly any other deal is possible.
    """
    random = np.random.default_rng([random_state, 5])
    values, deals = [], set()
    for _ in range(4 * number):
        dealt, deal = phenomenon.deal(result, random)
        if deal:
            deals.add(deal)
            values.append(read_values(phenomenon, dealt, seeds))
        if len(values) == number:
            break
    if len(deals) < min(number, LEAST_DEALS):
        what = (
            f"the classes of {result.sizes['item']} items"
            if phenomenon.deal is deal_classes
            else "what it is about"
        )
        raise NotApplicableError(
            f"{what} can be dealt out in {len(deals)} other ways, too few to tell a finding from "
            "chance"
        )
    found = np.array(values)
    return np.where(np.isnan(found), -math.inf, found)
