"""Categorizing: basic names first, typical members sooner, properties in company sooner."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from semdev.data.dataset import Dataset
from semdev.learners import Learner
from semdev.measures.covariation import covariation
from semdev.measures.crossing import first_crossing
from semdev.measures.naming import naming
from semdev.phenomena.base import ALPHA, Criterion, NotApplicableError, Phenomenon
from semdev.phenomena.believing import find_classes, follow_beliefs, has_high, read_target

ROTE = ("rote, item by item", "rote, property by property")
MARGIN = math.log(1.05)  # times nearer to each other than this are in no order
MEMBERS = 3  # of a category, at least, for a correlation over them
SHUFFLES = 99  # so that one structureless world in a hundred is asked for covariation
CHANCE = 1.645  # standard errors that chance exceeds in 5 % of cases
RARELY = 1.96  # and in 2.5 %
ORDERS = 999  # in which items may happen to be learned


def time_names(learner: Learner, data: Dataset, seeds: Sequence[int]) -> xr.Dataset:
    """Return when names are learned of the items that have three or more, broad to narrow.

    Returns
    -------
    Dataset
        `late` (seed × item × level), the logarithm of the `crossing` of `naming`, that of the last
        time recorded if it is not reached; `which` (item × level), the number of the name, −1 where
        there is none.

    Raises
    ------
    NotApplicableError
        No names, names that are no levels of a taxonomy, or no item with three.
    """
    history = learner.learn(data, seeds=seeds)
    try:
        crossing = naming(history)["crossing"].transpose("seed", "item", "level")
    except ValueError as error:
        raise NotApplicableError(str(error)) from error
    asked = (crossing["name"].values != "").sum(1) >= 3
    if not asked.any():
        raise NotApplicableError("no item has three names: a basic one lies between two others")
    times, names = history["time"].values, crossing["name"].values[asked]
    late = np.log(crossing.fillna(times[-1]).clip(min=times[1]).values[:, asked])
    which = np.where(names == "", -1, np.searchsorted(np.unique(names[names != ""]), names))
    return xr.Dataset(
        {"late": (("seed", "item", "level"), late), "which": (("item", "level"), which)},
        coords={"seed": history["seed"].values},
    )


def measure_basic_names(result: xr.Dataset) -> xr.DataArray:
    """Return how far an intermediate name comes before the broadest and the narrowest, over seed.

    Of each item: the logarithm of the earlier crossing of its broadest and its narrowest name ÷ the
    earliest of those between; the mean over items.
    """
    late, leads = result["late"].values, []
    for item, named in enumerate(result["which"].values >= 0):
        broad, *between, narrow = late[:, item, named].T
        leads.append(np.minimum(broad, narrow) - np.min(between, axis=0))
    return xr.DataArray(np.mean(leads, axis=0), dims="seed", coords={"seed": result["seed"].values})


def deal_names(result: xr.Dataset, random: np.random.Generator) -> tuple[xr.Dataset, bytes]:
    """Deal out among names, of whichever level, when they are learned.

    A name is learned when it is on the mean of its items; of each item it stays as much sooner or
    later as it is. For if names arrive in a random order one of an intermediate level is often the
    first of an item, and, since many share it, of many items: a third of learners by rote would
    seem to have a basic level.
    """
    late, which = result["late"].values, result["which"].values
    number = which.max() + 1
    of_name = which[None] == np.arange(number)[:, None, None]
    mean = np.stack([late[:, each].mean(1) for each in of_name], axis=1)
    order = random.permutation(number)
    moved = late + np.where(which >= 0, (mean[:, order] - mean)[:, which], 0.0)
    as_it_was = (order == np.arange(number)).all()
    dealt = result.assign(late=(("seed", "item", "level"), moved))
    return dealt, b"" if as_it_was else order.astype(np.int32).tobytes()


def find_graded(data: Dataset | xr.Dataset) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return the categories whose members can be learned in an order of typicality.

    Of each: its members (item, bool); what every member has and not everybody has (property,
    bool); family resemblance (item), as in `typicality`. Three members or more that differ in it.

    >>> import semdev as sd
    >>> len(find_graded(sd.load("rogers2004")))
    7
    """
    y, has, found = read_target(data).values, has_high(data), []
    for member in find_classes(data):
        kept = has[member].all(0) & ~has.all(0)
        resemblance = y @ y[member].mean(0)
        differ = np.ptp(resemblance[member]) > 1e-9 * np.abs(resemblance).max()
        if member.sum() >= MEMBERS and kept.any() and differ:
            found.append((member, kept, resemblance))
    return found


def ask_for_graded(data: Dataset) -> str:
    """Return why no category has typical members to be learned sooner, "" if one has.

    >>> import semdev as sd
    >>> ask_for_graded(sd.load("rogers2004"))
    ''
    """
    if data.tree is None:
        return "items have no classes: the data have no tree"
    if find_graded(data):
        return ""
    return f"no class has {MEMBERS} members that differ in family resemblance and share a property"


def measure_typicality(result: xr.Dataset) -> xr.DataArray:
    """Return how far typical members are given their category's properties sooner, over seed.

    Times at which the mean belief in what every member has is half-way (see
    `typicality_learning`) against family resemblance, within categories: see `compare_ranks`.
    NaN where there is no category to ask of.
    """
    belief, target = result["belief"].values, result["target"].values
    times, late, alike, category = result["time"].values, [], [], []
    for k, (member, kept, resemblance) in enumerate(find_graded(result)):
        course = xr.DataArray(
            belief[np.ix_(kept, member)].mean(0), dims=("item", "seed", "time"),
            coords={"time": times},
        )  # fmt: skip
        reached = first_crossing(course, target[np.ix_(member, kept)].mean() / 2)
        late.append(reached.transpose("seed", "item").values)
        alike.append(resemblance[member])
        category.append(np.full(member.sum(), k))
    value = np.full(result.sizes["seed"], math.nan)
    if late:
        each = (np.concatenate(late, axis=1), np.concatenate(alike), np.concatenate(category))
        value = compare_ranks(*each, times=times)
    return xr.DataArray(value, dims="seed", coords={"seed": result["seed"].values})


def compare_ranks(
    reached: np.ndarray, more: np.ndarray, stratum: np.ndarray, *, times: np.ndarray
) -> np.ndarray:
    """Return how far what has more of something is learned sooner, within strata, for each seed.

    The sum over strata of products of ranks (times × −`more`), centred, ÷ what chance exceeds in
    5 % of cases: 1.645 standard errors, for ranks dealt out within strata (Mantel 1963). Never
    reached is last. A stratum of which the first and the last are less than 5 % apart counts as
    learned together.

    Parameters
    ----------
    reached : array, seed × thing
        Learning times; NaN if never.
    more, stratum : arrays, thing
        What may make it sooner, and of what it is compared with.
    times : array
        Those recorded: the first after the start is the shortest that can be told.

    Returns
    -------
    array, seed
        1 or more: sooner than chance has it; 0 where all are learned together.
    """
    late = np.where(np.isnan(reached), np.inf, np.maximum(reached, times[1]))
    more = np.round(more / np.abs(more).max(initial=1e-300), 9)
    product, variance = np.zeros(len(late)), np.zeros(len(late))
    for k in np.unique(stratum):
        here = stratum == k
        apart = find_apart(late[:, here])
        middle = (here.sum() + 1) / 2
        a, b = rankdata(late[:, here], axis=1) - middle, rankdata(-more[here]) - middle
        a[~apart] = 0.0
        product += a @ b
        variance += (a**2).sum(1) * (b @ b) / max(here.sum() - 1, 1)
    chance = CHANCE * np.sqrt(variance)
    return np.divide(product, chance, out=np.zeros(len(late)), where=chance > 0)


def find_apart(late: np.ndarray) -> np.ndarray:
    """Return in which seeds the first and the last of some things are learned 5 % apart or more.

    >>> find_apart(np.array([[1.0, 1.02, 1.04], [1.0, 1.02, 1.06]]))
    array([False,  True])
    """
    return late.max(1) > math.exp(MARGIN) * late.min(1)


def find_chance(
    more: np.ndarray, stratum: np.ndarray, apart: np.ndarray, orders: np.ndarray
) -> np.ndarray:
    """Return what `compare_ranks` exceeds in 2.5 % of cases without company's help, over seed.

    Properties of one class are learned together and keep the same company, whatever comes first,
    and are no independent cases. So it is the larger of two: 1.96 standard errors, and what is
    exceeded in 2.5 % of `orders` in which things may happen to be learned (order × thing).
    `apart` (seed × thing): whether what a thing is compared with is learned apart.
    """
    found = np.full(len(apart), RARELY / CHANCE)
    for pattern in np.unique(apart, axis=0):
        if pattern.any():
            by_chance = compare_ranks(
                orders[:, pattern], more[pattern], stratum[pattern], times=np.zeros(2)
            )
            rows = (apart == pattern).all(1)
            found[rows] = max(RARELY / CHANCE, np.quantile(by_chance, 1 - ALPHA))
    return found


def draw_orders(target: np.ndarray) -> np.ndarray:
    """Return when properties would be learned if alike items are learned at a like time.

    When an item is learned is drawn at random, Gaussian with the items' own covariance (from their
    properties, target: item × property), so that classes come in any order; a property is learned
    at the mean of those above the middle of the range. Ranks, as powers of two; order × property.

    >>> bool(draw_orders(np.eye(3)).min() == 1)
    True
    """
    has = target > (target.min() + target.max()) / 2
    random = np.random.default_rng(0)
    items = random.normal(size=(ORDERS, target.shape[1])) @ (target - target.mean(0)).T
    when = items @ has / np.maximum(has.sum(0), 1)
    return 2.0 ** when.argsort(1).argsort(1)


def find_company(data: Dataset) -> str:
    """Return why properties go together no more than chance has it, "" if they do.

    Chance is what dealing each property's values out to other items gives: the sum of squared
    correlations of properties must be above that of 99 such worlds. Of a world with chance's
    company alone a learner that goes by company shows it too, rightly; it is not asked.

    >>> import semdev as sd
    >>> find_company(sd.load("rogers2004"))
    ''
    >>> find_company(sd.make_null_world(sd.load("rogers2004"), "white noise"))
    'properties go together no more than in worlds shuffled property by property'
    """
    y, random = data.properties.values, np.random.default_rng(0)
    unit = y - y.mean(0)
    unit /= np.where(np.ptp(y, axis=0) > 0, np.linalg.norm(unit, axis=0), 1.0)
    most = max(_gather(random.permuted(unit, axis=0)) for _ in range(SHUFFLES))
    if _gather(unit) > most * (1 + 1e-9):
        return ""
    return "properties go together no more than in worlds shuffled property by property"


def _gather(unit: np.ndarray) -> float:
    """Return the sum of squared products of properties of length 1."""
    return float(np.sum((unit.T @ unit) ** 2))


def measure_covariation(history: xr.Dataset) -> xr.DataArray:
    """Return how far properties in company come before lone ones as frequent, over seed.

    Times at which properties are learned against `correlates`, Σ r² with the other properties,
    both as in `covariation`, within strata of equal frequency: see `compare_ranks`, and
    `find_chance` for the unit. (Correlations, since raw overlap grows with the size of the class a
    property lies in.) Properties that are alike in every item are compared once.

    Raises
    ------
    NotApplicableError
        No two properties are as frequent as each other and go with others unequally.
    """
    found = covariation(history)
    company, stratum = found["correlates"].values, found["stratum"].values
    once = np.zeros(len(company), dtype=bool)
    once[np.unique(history["target"].values, axis=1, return_index=True)[1]] = True
    kept = once & (stratum > 0) & np.isfinite(company)
    unequal = [np.ptp(company[kept & (stratum == k)]) > 1e-9 for k in np.unique(stratum[kept])]
    if not any(unequal):
        raise NotApplicableError(
            "no two properties are as frequent as each other and go with others unequally"
        )
    times, late = history["time"].values, found["acquired"].values
    value = compare_ranks(late[:, kept], company[kept], stratum[kept], times=times)
    late = np.where(np.isnan(late), np.inf, np.maximum(late, times[1]))
    apart = np.zeros(late.shape, dtype=bool)
    for k in np.unique(stratum[kept]):
        here = kept & (stratum == k)
        apart[:, here] = find_apart(late[:, here])[:, None]
    orders = draw_orders(history["target"].values)[:, kept]
    value = value / find_chance(company[kept], stratum[kept], apart[:, kept], orders)
    return xr.DataArray(value, dims="seed", coords={"seed": history["seed"].values})


BASIC_LEVEL_ADVANTAGE = Phenomenon(
    name="basic-level advantage",
    claim="Names of an intermediate level come before general and specific ones.",
    human="75 % of the plants undergraduates named were named as 'tree' is (Coley et al. 1997)",
    experiment=time_names,
    measure=measure_basic_names,
    unit="log ratio of times, mean over items",
    criterion=Criterion(
        at_least=MARGIN,
        source="ours",
        why="ahead by 5 % of its own time, as `naming` asks, on the mean of the items",
    ),
    deal=deal_names,  # it is about names, which come with the properties and not with the tree
    null_worlds=("names alone",),  # in others there are no levels of names
    impossible_for=("shallow linear", *ROTE),
)

TYPICALITY = Phenomenon(
    name="typicality",
    claim="Typical members are given what all of their category have sooner than atypical ones.",
    human=(
        "typical members are named and verified faster (Rosch & Mervis 1975); atypical ones are "
        "named by specific names (Murphy & Brownell 1985)"
    ),
    experiment=follow_beliefs,
    measure=measure_typicality,
    unit="rank correlation ÷ what chance exceeds in 5 % of cases",
    criterion=Criterion(
        at_least=1.0,
        source="ours",
        why="a correlation that chance exceeds in 5 % of cases, given ranks within categories",
    ),
    asks=ask_for_graded,
    impossible_for=("shallow linear", *ROTE),
)

COHERENT_COVARIATION = Phenomenon(
    name="coherent covariation",
    claim="Properties that go with others are learned sooner than lone ones as frequent.",
    human="no study was read for this; shown in networks by Rogers & McClelland (2004, ch. 6)",
    measure=measure_covariation,
    unit="rank correlation ÷ what chance exceeds in 2.5 % of cases",
    criterion=Criterion(
        at_least=1.0,
        source="ours",
        why="a correlation that chance exceeds in 2.5 % of cases, given ranks within strata, and "
        "that alike items learned at a like time exceed in 2.5 % of their orders",
    ),
    lacks=find_company,
    controlled=False,  # it is about properties, whatever the classes of items
    impossible_for=("shallow linear", *ROTE),
)
