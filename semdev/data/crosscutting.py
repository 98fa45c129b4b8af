"""Worlds that no tree fits: classes that cut across each other, and across a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral

import networkx as nx
import numpy as np
import xarray as xr

from semdev._names import require
from semdev.data import trees
from semdev.data.dataset import Dataset
from semdev.data.generators import nested_features


def cross_cutting(
    rows: int | Sequence[str],
    columns: int | Sequence[str],
    *,
    row_features: int = 2,
    column_features: int = 2,
    unique_features: int = 1,
    shared_features: int = 0,
    flip: float = 0.0,
    seed: int | None = None,
    name: str = "cross-cutting",
) -> Dataset:
    """Generate a 0/1 world of items that are classified in two ways at once.

    There is one item for each row class and column class (what it is × what it eats). Each row
    class owns `row_features` properties that all its items have, each column class
    `column_features`, each item `unique_features`, and all items share `shared_features`. No
    tree fits: McClelland, Sadeghi & Saxe (2016). Its singular values are
    `semdev.theory.cross_cutting_singular_values`.

    Parameters
    ----------
    rows, columns : int or sequence of str
        How many classes, or their names. Items are called by both: "row 1 column 2".
    row_features, column_features, unique_features, shared_features : int
        Properties of each class, of each item, of all.
    flip : float
        Probability, 0 to 1, with which each cell is turned round, independently.
    seed : int, optional
        The only source of randomness; needed (and used) only with a flip above 0.
    name : str
        What the Dataset is called.

    Returns
    -------
    Dataset
        Rows × columns items; properties "has row 1 feature 1", …; no tree.

    Raises
    ------
    ValueError
        Fewer than one class, a name twice, a negative number of features, none at all, a flip
        that is no probability or lacks its seed.

    References
    ----------
    McClelland, J. L., Sadeghi, Z. & Saxe, A. M. (2016). A critique of pure hierarchy: uncovering
    cross-cutting structure in a natural dataset. In Neurocomputational Models of Cognitive
    Development and Processing.

    Examples
    --------
    >>> cross_cutting(["cat", "bird"], ["wild", "tame"], unique_features=0, row_features=1,
    ...               column_features=1).properties.sel(item="bird tame").values
    array([0., 1., 0., 1.])
    """
    down, across = _class_names(rows, "row"), _class_names(columns, "column")
    twice = sorted(set(down) & set(across))
    if twice:
        raise ValueError(f"{twice[0]!r} names a row and a column; classes need different names")
    items = [f"{row} {column}" for row in down for column in across]
    row = np.repeat(np.arange(len(down)), len(across))
    column = np.tile(np.arange(len(across)), len(down))
    blocks = [
        (np.ones((len(items), 1)), ["shared"], shared_features, "shared_features"),
        (row[:, None] == np.arange(len(down)), down, row_features, "row_features"),
        (column[:, None] == np.arange(len(across)), across, column_features, "column_features"),
        (np.eye(len(items)), items, unique_features, "unique_features"),
    ]
    table, names = [], []
    for block, owners, number, what in blocks:
        _check_count(number, what)
        table.append(np.repeat(np.asarray(block, dtype=float), number, axis=1))
        names += [f"has {owner} feature {k + 1}" for owner in owners for k in range(number)]
    if not names:
        raise ValueError("no class and no item owns a property: there is nothing to learn")
    return _turned(np.hstack(table), items, names, None, name, flip, seed)


def crossed_tree(
    tree: nx.DiGraph | Sequence[int],
    *,
    features: int | Sequence[int] | Mapping[str, int | Sequence[str]] = 3,
    factor: int | Mapping[str, str] | None = None,
    factor_features: int = 3,
    flip: float = 0.0,
    seed: int | None = None,
    name: str = "crossed tree",
) -> Dataset:
    """Generate a 0/1 world of a tree and of a factor that cuts across the tree's classes.

    To the properties that classes inherit (`semdev.nested_features`) come properties of another
    classification of the same items, such as diet or colour: each of its classes owns
    `factor_features` properties that exactly its items have. Singular values in the balanced
    case: `semdev.theory.crossed_tree_singular_values`.

    Parameters
    ----------
    tree : nx.DiGraph or a sequence of int
        A tree, or the branching of a balanced one.
    features
        Properties of the tree's nodes, as in `semdev.nested_features`.
    factor : int or mapping, optional
        Each item's class by name; or a level of the tree (1 is below the root): items whose
        ancestors at that level are the first (second, …) of their parents' children are of kind
        1 (2, …). By default the last level that all items reach: siblings are of different kinds.
    factor_features : int
        Properties of each class of the factor.
    flip, seed, name
        As in `cross_cutting`.

    Returns
    -------
    Dataset
        With its tree; the factor's properties ("has kind 1 feature 1", …) come last.

    Raises
    ------
    KeyError
        The mapping names an item that there is not.
    ValueError
        The mapping leaves an item out, the tree has no such level everywhere, or what
        `cross_cutting` refuses.

    Examples
    --------
    >>> world = crossed_tree([2, 2], features=1, factor_features=1)
    >>> world.select(properties=["has kind 1 feature 1"]).properties.values.ravel()
    array([1., 0., 1., 0.])
    """
    nested = nested_features(tree, features=features)
    assert nested.tree is not None
    items = nested.properties["item"].values.tolist()
    kinds = _read_factor(nested.tree, items, factor)
    _check_count(factor_features, "factor_features")
    owners = list(dict.fromkeys(kinds))
    block = np.array([[kind == owner for owner in owners] for kind in kinds], dtype=float)
    names = nested.properties["property"].values.tolist()
    names += [f"has {owner} feature {k + 1}" for owner in owners for k in range(factor_features)]
    table = np.hstack([nested.properties.values, np.repeat(block, factor_features, axis=1)])
    return _turned(table, items, names, nested.tree, name, flip, seed)


def flipped_products(data: Dataset, *, flip: float) -> xr.DataArray:
    """Return E[y_i y_j], summed over properties and divided by their number, after random flips.

    Where each cell of a 0/1 or ±1 world is turned round with probability f, its mean is
    m = f + (1 − 2f) y (0/1) or (1 − 2f) y (±1), and E[y_i y_j] = m_i m_j for different items,
    E[y_i²] = m_i (0/1) or 1 (±1). Without flips these are the world's own mean products.

    Parameters
    ----------
    data : Dataset
        The world before the flips, 0/1 or ±1 (any coding where `flip` is 0).
    flip : float
        Probability f, 0 to 1.

    Returns
    -------
    xr.DataArray, item × item_2
        Mean over properties.

    Raises
    ------
    ValueError
        No probability, or graded data, of which none can be turned round.

    Examples
    --------
    >>> flipped_products(cross_cutting(2, 2), flip=0.1).values[0].round(2)
    array([0.43, 0.18, 0.18, 0.08])
    """
    _check_flip(flip)
    if flip and data.coding == "graded":
        raise ValueError(f"{data.name} is graded; only 0/1 and ±1 cells can be turned round")
    values = data.properties.values
    mean = (1 - 2 * flip) * values + (flip if data.coding == "0/1" else 0.0)
    table = mean @ mean.T
    if flip:
        square = mean if data.coding == "0/1" else np.ones_like(mean)
        np.fill_diagonal(table, square.sum(1))
    items = data.properties["item"].values
    return xr.DataArray(
        table / values.shape[1], dims=("item", "item_2"),
        coords={"item": items, "item_2": items}, name="product",
    )  # fmt: skip


def _class_names(classes: int | Sequence[str], kind: str) -> list[str]:
    if isinstance(classes, Integral):
        classes = [f"{kind} {k + 1}" for k in range(int(classes))]
    names = [classes] if isinstance(classes, str) else list(classes)  # type: ignore[arg-type]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"{kind}s are at least one class, each named once; got {classes!r}")
    return [str(each) for each in names]


def _check_count(number: int, what: str) -> None:
    if not isinstance(number, Integral) or number < 0:
        raise ValueError(f"{what} is a whole number, 0 or more; got {number!r}")


def _check_flip(flip: float) -> None:
    if not 0 <= flip <= 1:
        raise ValueError(f"flip is a probability, 0 to 1; got {flip}")


def _read_factor(
    tree: nx.DiGraph, items: list[str], factor: int | Mapping[str, str] | None
) -> list[str]:
    """Return each item's class in the factor."""
    if isinstance(factor, Mapping):
        for item in factor:
            require(item, items, kind="item", where="the tree (factor=)")
        missing = [item for item in items if item not in factor]
        if missing:
            raise ValueError(f"factor says nothing of {missing[:5]}; every item needs a class")
        return [str(factor[item]) for item in items]
    classes = trees.ancestors(tree).loc[items].to_numpy()
    depth = nx.single_source_shortest_path_length(tree, trees.root(tree))
    reached = min(depth[item] for item in items)
    level = reached if factor is None else factor
    if not isinstance(level, Integral) or not 1 <= level <= reached:
        raise ValueError(
            f"factor is a level that all items reach, 1 to {reached}, or a mapping of every item "
            f"to its class; got {level!r}"
        )
    place = {child: k for parent in tree for k, child in enumerate(tree[parent], start=1)}
    return [f"kind {place[node]}" for node in classes[:, int(level)]]


def _turned(
    table: np.ndarray,
    items: list[str],
    names: list[str],
    tree: nx.DiGraph | None,
    name: str,
    flip: float,
    seed: int | None,
) -> Dataset:
    """Return a Dataset, its cells turned round with probability `flip`."""
    _check_flip(flip)
    if flip:
        if seed is None:
            raise ValueError(f"flip = {flip} turns cells round at random, which needs a seed")
        table = np.abs(table - (np.random.default_rng(seed).random(table.shape) < flip))
    coords = {"item": items, "property": names}
    return Dataset(xr.DataArray(table, dims=("item", "property"), coords=coords), tree, name)
