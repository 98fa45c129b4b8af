"""Worlds made of categories: noisy ones, scattered ones, and levels set against each other."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from numbers import Integral
from typing import Any

import networkx as nx
import numpy as np
import xarray as xr

from semdev._names import require
from semdev.data import trees
from semdev.data.dataset import Dataset
from semdev.data.generators import nested_features

CODINGS = ("0/1", "±1", "centred")


def noisy_categories(
    items: int,
    properties: int,
    *,
    members: int | Sequence[int],
    features: int | Sequence[int],
    seed: int,
    within: float | Sequence[float] = 0.7,
    background: float = 0.3,
    coding: str = "0/1",
    name: str = "noisy categories",
) -> Dataset:
    """Generate categories whose members share features more often than chance would have it.

    A member of category k has each of the category's K_f features with probability p_k
    (`within`); every other cell is 1 with probability q (`background`). Categories have members
    and features of their own; what is left over are items of no category and distractor
    properties. The idea is Saxe, McClelland & Ganguli's (2019, PNAS 116:11537); whether such a
    category can be found is `semdev.models.coherence.predict_detection`.

    Parameters
    ----------
    items, properties : int
        N_o and N_f, members and distractors included.
    members, features : int, or one for each category
        K_o and K_f. Two numbers make one category.
    seed : int
        The only source of randomness.
    within : float, or one for each category
        p, a probability.
    background : float
        q, a probability.
    coding : "0/1", "±1" or "centred"
        How a cell is written: 1 or 0; 1 or −1; or 1 − q and −q, which takes away the mode
        that is all items' alike, of strength q √(N_o N_f) in 0/1 coding.
    name : str
        What the Dataset is called.

    Returns
    -------
    Dataset
        Items × properties. In its tree the categories ("category 1", …) hold their members, and
        items of no category hang from the root.

    Raises
    ------
    KeyError
        No such coding.
    ValueError
        A number below 1 or that is no whole one, more members or features than there are items
        or properties, lists of different lengths, or a probability outside 0 to 1.

    Examples
    --------
    >>> world = noisy_categories(20, 30, members=[6, 4], features=[5, 8], seed=1)
    >>> world.properties.shape, world.properties["property"].values[[0, 5, 29]].tolist()
    ((20, 30), ['has category 1 feature 1', 'has category 2 feature 1', 'has distractor 17'])
    """
    require(coding, CODINGS, kind="coding", where="noisy_categories")
    sizes = {"members": members, "features": features, "within": within}
    number = max(1 if np.ndim(x) == 0 else len(x) for x in sizes.values())  # type: ignore[arg-type]
    table: dict[str, list[Any]] = {}
    for key, given in sizes.items():
        table[key] = [given] * number if np.ndim(given) == 0 else list(given)  # type: ignore[arg-type]
        if len(table[key]) != number or not number:
            raise ValueError(
                f"{key} needs one number, or one for each of the {number} categories; got {given!r}"
            )
    for kind, total, parts in (
        ("items", items, table["members"]), ("properties", properties, table["features"]),
    ):  # fmt: skip
        wrong = [x for x in (total, *parts) if not isinstance(x, Integral) or x < 1]
        if wrong:
            raise ValueError(f"{kind} are counted in whole numbers from 1 on, got {wrong[0]!r}")
        if sum(parts) > total:
            raise ValueError(
                f"the categories need {sum(parts)} {kind}, but there are {total}; categories do "
                "not overlap"
            )
    if not all(0 <= x <= 1 for x in (*table["within"], background)):
        raise ValueError(
            f"within and background are probabilities, 0 to 1; got {within!r} and {background!r}"
        )
    chance = np.full((items, properties), float(background))
    owner, labels = ["root"] * items, []
    row = column = 0
    for k, (m, f, p) in enumerate(zip(*table.values(), strict=True), 1):
        chance[row : row + m, column : column + f] = p
        owner[row : row + m] = [f"category {k}"] * m
        labels += [f"has category {k} feature {j + 1}" for j in range(f)]
        row, column = row + m, column + f
    labels += [f"has distractor {j + 1}" for j in range(properties - column)]
    names = [f"item {i + 1}" for i in range(items)]
    tree = nx.DiGraph([("root", f"category {k + 1}") for k in range(number)])
    tree.add_edges_from(zip(owner, names, strict=True))
    truth = np.random.default_rng(seed).random(chance.shape) < chance
    low, high = {"0/1": (0.0, 1.0), "±1": (-1.0, 1.0)}.get(coding, (-background, 1 - background))
    return _dataset(np.where(truth, high, low), names, labels, tree, name)


def scatter_properties(
    data: Dataset, *, seed: int, properties: Iterable[Hashable] | None = None
) -> Dataset:
    """Deal properties out to other items at random, each to as many as before.

    The control for coherence: a property stays as frequent as it was but no longer keeps company
    with others. Columns are permuted over items, each on its own.

    Parameters
    ----------
    data : Dataset
        Of any coding; tree, relations and frequencies stay. (Where items are met unequally
        often, so may a scattered property be.)
    seed : int
        The only source of randomness.
    properties : names, optional
        Which; all of them.

    Raises
    ------
    KeyError
        No such property; the nearest match is suggested.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("saxe2019")
    >>> scattered = scatter_properties(world, seed=0)
    >>> bool((scattered.properties.sum("item") == world.properties.sum("item")).all())
    True
    """
    table = data.properties.copy(deep=True)
    known = table["property"].values.tolist()
    wanted = data if properties is None else data.select(properties=properties)
    columns = [known.index(each) for each in wanted.properties["property"].values]
    values = table.values.copy()
    values[:, columns] = np.random.default_rng(seed).permuted(values[:, columns], axis=0)
    return Dataset(table.copy(data=values), data.tree, f"{data.name}, scattered")


def nested_gaussian(
    tree: nx.DiGraph | Sequence[int],
    *,
    increments: Sequence[float],
    seed: int,
    properties: int = 100,
    coding: str = "graded",
    name: str = "nested Gaussian",
) -> Dataset:
    """Generate properties whose covariance between items has any increments, level by level.

    Every property is one Gaussian draw over items with covariance Σ_l c_l J_l, where J_l is 1
    for two items of one class at depth l: c_l is what two items have in common that part just
    below level l, over what they would have if they parted just above. In branching diffusion
    c_l ≥ 0, and broad levels are the strongest; a negative c_1 sets the members of a
    superordinate class against each other, and the level below can then come first. In a balanced
    tree with classes of n_k items at level k the eigenvalues are λ_l = Σ_{k ≥ l} c_k n_k
    (`semdev.measures.basic_level.predict_level_eigenvalues`). The idea is Saxe, McClelland &
    Ganguli's (2019, PNAS 116:11537), the construction is ours.

    Parameters
    ----------
    tree : nx.DiGraph or a sequence of int
        A tree, or the branching of a balanced one.
    increments : sequence of float
        c_l for each level, root first, leaves last.
    seed : int
        The only source of randomness.
    properties : int
        How many.
    coding : "graded", "±1" or "0/1"
        The draws themselves, or their signs, of which the correlation ρ becomes
        (2/π) arcsin ρ (and in 0/1 coding a quarter of that, about a mean of ½).
    name : str
        What the Dataset is called.

    Raises
    ------
    KeyError
        No such coding.
    ValueError
        Not one increment for each level, no properties, or increments that no covariance has
        (a negative eigenvalue).

    Examples
    --------
    >>> world = nested_gaussian([2, 2, 2], increments=[0.25, -0.12, 0.6, 0.27], seed=1)
    >>> world.properties.shape, world.coding
    ((8, 100), 'graded')
    """
    require(coding, ["graded", "±1", "0/1"], kind="coding", where="nested_gaussian")
    tree = _as_tree(tree)
    classes = trees.ancestors(tree)
    if len(increments) != classes.shape[1]:
        raise ValueError(
            f"increments needs one number for each of the {classes.shape[1]} levels, root first; "
            f"got {len(increments)}"
        )
    if properties < 1:
        raise ValueError(f"properties must be at least 1, got {properties}")
    codes = classes.to_numpy()
    same = codes[:, None, :] == codes[None, :, :]
    values, vectors = np.linalg.eigh(same @ np.asarray(increments, dtype=float))
    if values[0] < -1e-9 * max(values[-1], 0.0) or values[-1] <= 0:
        raise ValueError(
            f"increments {list(increments)} make no covariance: its smallest eigenvalue is "
            f"{values[0]:.3g}; λ_l = Σ_(k ≥ l) c_k n_k must not be negative at any level"
        )
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    table = root @ np.random.default_rng(seed).standard_normal((len(values), properties))
    if coding != "graded":
        table = np.where(table > 0, 1.0, 0.0 if coding == "0/1" else -1.0)
    labels = [f"has feature {k + 1}" for k in range(properties)]
    return _dataset(table, classes.index.tolist(), labels, tree, name)


def contrasting_features(
    tree: nx.DiGraph | Sequence[int],
    *,
    seed: int,
    level: int = 2,
    contrasts: int = 5,
    features: int | Sequence[int] = 1,
    name: str = "contrasting features",
) -> Dataset:
    """Generate a 0/1 world in which classes of one superordinate class contrast with each other.

    Besides the nested features that every node hands down, there are dimensions of contrast
    (colour, size, habitat, …) with as many values as a class has subclasses. On each dimension
    the classes of depth `level` under one parent take different values, dealt out at random
    anew under every parent: birds and fish differ where a bird may agree with a tree. The
    superordinate level gains nothing by that and the level below much. In a balanced tree
    with B subclasses to a class, K contrasts add K/B to the root's increment of what items
    share, −K/B to that of depth `level` − 1 and K to that of depth `level`; the level then comes
    before the one above it when K exceeds B times the features that a node owns there. That is
    exact for means over levels, whatever the seed. Ours.

    Parameters
    ----------
    tree : nx.DiGraph or a sequence of int
        A tree, or the branching of a balanced one.
    seed : int
        The only source of randomness: which class takes which value.
    level : int
        Depth of the contrasting classes, 2 or more (0 is the root).
    contrasts : int
        K, the number of dimensions.
    features : int, or one for each level
        How many properties every node owns, root first, as in `nested_features`.
    name : str
        What the Dataset is called.

    Raises
    ------
    ValueError
        A level that is none of the tree's below the superordinate one, or no contrasts.

    Examples
    --------
    >>> world = contrasting_features([2, 2, 2], contrasts=3, seed=0)
    >>> world
    <Dataset 'contrasting features': 8 items × 21 properties, coded 0/1; ...; tree of 4 levels>
    >>> world.properties.sel(property="has contrast 1 value 1").values
    array([1., 1., 0., 0., 0., 0., 1., 1.])
    """
    tree = _as_tree(tree)
    base = nested_features(tree, features=features, name=name)
    classes = trees.ancestors(tree).loc[base.properties["item"].values]
    deepest = classes.shape[1] - 1
    if not isinstance(level, Integral) or not 2 <= level <= deepest:
        raise ValueError(
            f"level is the depth of classes that have a superordinate class and siblings, 2 to "
            f"{deepest} in this tree; got {level!r}"
        )
    if not isinstance(contrasts, Integral) or contrasts < 1:
        raise ValueError(f"contrasts must be at least 1, got {contrasts!r}")
    families = classes.groupby(level - 1, sort=False)[level].unique().tolist()
    values = max(map(len, families))
    rng = np.random.default_rng(seed)
    columns, labels = [], []
    for k in range(contrasts):
        taken: dict[str, int] = {}
        for family in families:
            taken |= dict(zip(family, rng.permutation(values).tolist(), strict=False))
        value = classes[level].map(taken).to_numpy()
        columns += [(value == v).astype(float) for v in range(values)]
        labels += [f"has contrast {k + 1} value {v + 1}" for v in range(values)]
    return _dataset(
        np.hstack([base.properties.values, np.array(columns).T]), classes.index.tolist(),
        [*base.properties["property"].values.tolist(), *labels], tree, name,
    )  # fmt: skip


def _as_tree(tree: nx.DiGraph | Sequence[int]) -> nx.DiGraph:
    return trees.check(tree) if isinstance(tree, nx.DiGraph) else trees.balanced(tree)


def _dataset(
    table: np.ndarray, items: list[str], properties: list[str], tree: nx.DiGraph, name: str
) -> Dataset:
    coords = {"item": items, "property": properties}
    return Dataset(xr.DataArray(table, dims=("item", "property"), coords=coords), tree, name)
