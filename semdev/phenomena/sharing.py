"""Likeness that is shared: between individuals, and between classifications that cross."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from semdev.data import trees
from semdev.data.dataset import Dataset
from semdev.learners import Learner
from semdev.measures.similarity import similarity
from semdev.phenomena.base import (
    Criterion,
    NotApplicableError,
    Phenomenon,
    ask_for_tree,
    find_control,
)

RELABELLINGS = 39
SHARE = 0.25  # of as many properties as there are, added for the classes that cross the tree's


def find_similarities(history: xr.Dataset) -> np.ndarray:
    """Return the cosines of items in the first hidden layer at the end, seed × pair.

    0 where an item is not represented at all. Raises NotApplicableError where there is no hidden
    layer over items.

    >>> import semdev as sd
    >>> child = sd.solve(sd.load("saxe2019"), depth=2, hidden=True)
    >>> find_similarities(child).round(2)    # canary–salmon, canary–oak, …, oak–rose
    array([[0.38, 0.14, 0.14, 0.14, 0.14, 0.38]])
    """
    if "hidden_1" not in history or history["hidden_1"].dims[2] != "item":
        raise NotApplicableError("it has no hidden layer over items: it represents no likeness")
    alike = similarity(history.isel(time=[-1]), layer="hidden_1").values[:, 0]
    return np.nan_to_num(alike[:, *np.triu_indices(alike.shape[-1], k=1)])


def find_partings(classes: np.ndarray) -> np.ndarray:
    """Return the level at which each two items part, pair."""
    return trees.common_levels(classes)[np.triu_indices(len(classes), k=1)]


def compare_individuals(learner: Learner, data: Dataset, seeds: Sequence[int]) -> xr.Dataset:
    """Learn the data; keep how alike items are to each individual, and to all others.

    Returns
    -------
    Dataset
        `own` and `others` (seed × pair), cosines in the first hidden layer at the end, the latter a
        mean over all other seeds; and the classes, `ancestor(item, level)`.

    Raises
    ------
    NotApplicableError
        Fewer than two seeds; no hidden layer over items.
    """
    if len(seeds) < 2:
        raise NotApplicableError("individuals are compared with each other: give two seeds or more")
    history = learner.learn(data, seeds=seeds)
    own = find_similarities(history)
    others = (own.sum(0) - own) / (len(own) - 1)
    return xr.Dataset(
        {"own": (("seed", "pair"), own), "others": (("seed", "pair"), others)},
        coords={name: history[name].variable for name in ("seed", "item", "level", "ancestor")},
    )


def measure_conservation(result: xr.Dataset) -> xr.DataArray:
    """Return how well others' kinds predict which items are alike to an individual.

    The prediction for two items is how alike those are to others, on average, that part at the same
    level of the tree. r |r|, r its correlation with how alike they are to the individual: the share
    of variance it explains, negative if it errs; 0 where it says the same of all, or the individual
    finds all alike.
    """
    parting = find_partings(result["ancestor"].values)
    same = (parting == np.unique(parting)[:, None]).astype(float)
    predicted = (result["others"].values @ same.T / same.sum(1)) @ same
    r = correlate(predicted, result["own"].values)
    return xr.DataArray(r * np.abs(r), dims="seed", coords={"seed": result["seed"].values})


def correlate(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the correlation over the last axis, 0 where one of them does not vary.

    >>> correlate(np.array([1.0, 2.0, 3.0]), np.array([[2.0, 4.0, 6.0], [1.0, 1.0, 1.0]]))
    array([1., 0.])
    """
    a, b = (x - x.mean(-1, keepdims=True) for x in (a, b))
    size = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    least = 1e-9 * np.sqrt(a.shape[-1])
    product = (a * b).sum(-1)
    return np.divide(product, size, out=np.zeros_like(product), where=size > least**2)


def cross_classes(data: Dataset) -> tuple[Dataset, np.ndarray]:
    """Return the data with two more classes that cut across the tree's, and each item's class.

    Items of neighbouring branches are dealt to the two in turn, so that every class of the tree
    falls half to the one and half to the other. Each owns an eighth as many properties as the data
    have (one at least), high in its items and low in others, of the relation most common among
    properties that are no names.

    >>> import semdev as sd
    >>> crossed, kinds = cross_classes(sd.load("rumelhart8"))
    >>> crossed.properties.shape, kinds
    ((8, 44), array([1, 0, 1, 0, 1, 0, 1, 0]))
    """
    table, tree = data.properties, data.tree
    assert tree is not None  # see ask_for_tree
    items = table["item"].values
    order = np.lexsort(trees.ancestors(tree).loc[items].to_numpy().astype(str).T[::-1])
    kinds = np.empty(len(items), dtype=int)
    kinds[order] = np.arange(len(items)) % 2
    each = max(1, round(SHARE / 2 * table.sizes["property"]))
    values = table.values
    low, high = values.min(), values.max()
    if data.coding == "graded":
        low, high = values.mean() - values.std(), values.mean() + values.std()
    block = np.where(kinds[:, None] == np.repeat([0, 1], each), high, low)
    relations = table["relation"].values.astype(str)
    names, counts = np.unique(
        [r for r in relations if not r.casefold().startswith("isa")] or relations,
        return_counts=True,
    )
    added = xr.DataArray(
        block, dims=("item", "property"),
        coords={
            "item": items,
            "property": [f"crossing {kind + 1}.{k + 1}" for kind in (0, 1) for k in range(each)],
            "relation": ("property", np.full(2 * each, names[counts.argmax()])),
            "frequency": ("item", table["frequency"].values),
        },
    )  # fmt: skip
    whole = xr.concat([table, added], dim="property")
    return Dataset(whole, tree, f"{data.name}, crossed"), kinds


def learn_crossed(learner: Learner, data: Dataset, seeds: Sequence[int]) -> xr.Dataset:
    """Learn the data with two classes added that cut across the tree's; keep likenesses.

    Returns
    -------
    Dataset
        `alike` (seed × pair), cosines in the first hidden layer at the end; `across` (pair): of
        different added classes; `crossing` (seed): the correlation of likeness with being of one
        added class, over items that only the root holds together, r |r|, 0 where that is not more
        than with the added classes dealt out anew (5 % of 39); the tree's classes,
        `ancestor(item, level)`. The added classes are no coordinate that would be dealt out
        together with the tree's: both must be told from chance, each by itself.

    Raises
    ------
    NotApplicableError
        No hidden layer over items.
    """
    world, kinds = cross_classes(data)
    history = learner.learn(world, seeds=seeds)
    alike = find_similarities(history)
    parting = find_partings(history["ancestor"].values)
    far = parting == parting.min()
    random = np.random.default_rng(0)

    def hold(classes: np.ndarray) -> np.ndarray:
        return correlate((~_tell_apart(classes)[far]).astype(float), alike[:, far])

    found = hold(kinds)
    control = find_control(np.array([hold(random.permutation(kinds)) for _ in range(RELABELLINGS)]))
    found = np.where(found >= control, found * np.abs(found), 0.0)
    return xr.Dataset(
        {
            "alike": (("seed", "pair"), alike),
            "across": ("pair", _tell_apart(kinds)),
            "crossing": ("seed", found),
        },
        coords={name: history[name].variable for name in ("seed", "item", "level", "ancestor")},
    )


def _tell_apart(classes: np.ndarray) -> np.ndarray:
    rows, columns = np.triu_indices(len(classes), k=1)
    return classes[rows] != classes[columns]


def measure_both(result: xr.Dataset) -> xr.DataArray:
    """Return how far likeness follows the tree and the classes that cross it, whichever less.

    r |r| of likeness with the level at which two items of the tree part, over items of different
    added classes, and `crossing`, the same of the added classes over items of different domains. A
    dendrogram scores 0: whatever it divides first, beyond that division it knows of nothing else.
    """
    parting = find_partings(result["ancestor"].values)
    across = result["across"].values
    r = correlate(parting[across].astype(float), result["alike"].values[:, across])
    value = np.minimum(r * np.abs(r), result["crossing"].values)
    return xr.DataArray(value, dims="seed", coords={"seed": result["seed"].values})


SHARED_SIMILARITY = Phenomenon(
    name="similarity conserved across individuals",
    claim="Different individuals find the same items alike, along the same kinds.",
    human="none in the sources read; a claim of Saxe, McClelland & Ganguli (2019) for networks "
    "that began small",
    experiment=compare_individuals,
    measure=measure_conservation,
    unit="share of variance (signed)",
    criterion=Criterion(0.1, "ours", "a tenth of the variance, as for other margins of shares"),
    asks=ask_for_tree,
)

CROSSING_FOUND = Phenomenon(
    name="cross-cutting structure found",
    claim="Classes that cut across a tree are held together with the tree's.",
    human="Shafto et al. (2011): people classify the same things in ways that cross; McClelland, "
    "Sadeghi & Saxe (2016) for animals",
    experiment=learn_crossed,
    measure=measure_both,
    unit="share of variance (signed)",
    criterion=Criterion(0.1, "ours", "a tenth of the variance, as for other margins of shares"),
    asks=ask_for_tree,
)
