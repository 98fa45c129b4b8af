"""Categorizing: basic names first, typical members sooner, properties in company sooner."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from semdev.data.dataset import Dataset
from semdev.measures.covariation import covariation
from semdev.measures.crossing import first_crossing
from semdev.measures.naming import naming
from semdev.phenomena.base import Criterion, NotApplicableError, Phenomenon
from semdev.phenomena.believing import find_classes, follow_beliefs, has_high, read_target

MARGIN = math.log(1.05)  # times nearer to each other than this are in no order
MEMBERS = 3  # of a category, at least, for a correlation over them
SHUFFLES = 99  # so that one structureless world in a hundred is asked for covariation
CHANCE = 1.645  # standard errors that chance exceeds in 5 % of cases


def measure_basic_names(history: xr.Dataset) -> xr.DataArray:
    """Return how far an intermediate name comes before the broadest and the narrowest, over seed.

    Of an item with three names or more: the logarithm of the earlier crossing of its broadest and
    its narrowest name ÷ the earliest of those between (see `naming`); the median over items. A
    crossing that is not reached counts as the last time recorded.

    Raises
    ------
    NotApplicableError
        No names, names that are no levels of a taxonomy, or no item with three.
    """
    try:
        crossing = naming(history)["crossing"].transpose("seed", "item", "level")
    except ValueError as error:
        raise NotApplicableError(str(error)) from error
    named = crossing["name"].values != ""
    asked = named.sum(1) >= 3
    if not asked.any():
        raise NotApplicableError("no item has three names: a basic one lies between two others")
    times = history["time"].values
    late = np.log(crossing.fillna(times[-1]).clip(min=times[1]).values)
    leads = []
    for item in np.flatnonzero(asked):
        broad, *between, narrow = late[:, item, named[item]].T
        leads.append(np.minimum(broad, narrow) - np.min(between, axis=0))
    value = np.median(leads, axis=0)
    return xr.DataArray(value, dims="seed", coords={"seed": history["seed"].values})


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
        apart = late[:, here].max(1) > math.exp(MARGIN) * late[:, here].min(1)
        middle = (here.sum() + 1) / 2
        a, b = rankdata(late[:, here], axis=1) - middle, rankdata(-more[here]) - middle
        a[~apart] = 0.0
        product += a @ b
        variance += (a**2).sum(1) * (b @ b) / max(here.sum() - 1, 1)
    chance = CHANCE * np.sqrt(variance)
    return np.divide(product, chance, out=np.zeros(len(late)), where=chance > 0)


def ask_for_company(data: Dataset) -> str:
    """Return why properties go together no more than chance has it, "" if they do.

    Chance is what dealing each property's values out to other items gives: the sum of squared
    correlations of properties must be above that of 99 such worlds. Of a world with chance's
    company alone a learner that goes by company shows it too, rightly; it is not asked.

    >>> import semdev as sd
    >>> ask_for_company(sd.load("rogers2004"))
    ''
    >>> ask_for_company(sd.make_null_world(sd.load("rogers2004"), "white noise"))
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
    both as in `covariation`, within strata of equal frequency: see `compare_ranks`. (Correlations,
    since raw overlap grows with the size of the class a property lies in.) Properties that are
    alike in every item are compared once.

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
    value = compare_ranks(
        found["acquired"].values[:, kept], company[kept], stratum[kept],
        times=history["time"].values,
    )  # fmt: skip
    return xr.DataArray(value, dims="seed", coords={"seed": history["seed"].values})


BASIC_LEVEL_ADVANTAGE = Phenomenon(
    name="basic-level advantage",
    claim="Names of an intermediate level come before general and specific ones.",
    human="75 % of the plants undergraduates named were named as 'tree' is (Coley et al. 1997)",
    measure=measure_basic_names,
    unit="log ratio of times, median over items",
    criterion=Criterion(
        at_least=MARGIN,
        source="ours",
        why="ahead by 5 % of its own time, as `naming` asks; in at least half of the items",
    ),
    controlled=False,  # it is about names, which come with the properties and not with the tree
    impossible_for=("shallow linear",),
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
    impossible_for=("shallow linear",),
)

COHERENT_COVARIATION = Phenomenon(
    name="coherent covariation",
    claim="Properties that go with others are learned sooner than lone ones as frequent.",
    human="no study was read for this; shown in networks by Rogers & McClelland (2004, ch. 6)",
    measure=measure_covariation,
    unit="rank correlation ÷ what chance exceeds in 5 % of cases",
    criterion=Criterion(
        at_least=1.0,
        source="ours",
        why="a correlation that chance exceeds in 5 % of cases, given ranks within strata",
    ),
    asks=ask_for_company,
    controlled=False,  # it is about properties, whatever the classes of items
    impossible_for=("shallow linear",),
)
