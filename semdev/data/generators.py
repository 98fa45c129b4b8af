"""Worlds made from trees: branching diffusion, and nested features with exceptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import networkx as nx
import numpy as np
import xarray as xr

from semdev._names import require
from semdev.data import trees
from semdev.data.dataset import Dataset

CODINGS = ("±1", "0/1")


def branching_diffusion(
    tree: nx.DiGraph | Sequence[int],
    *,
    seed: int,
    properties: int = 100,
    flip: float | Sequence[float] = 0.15,
    root: float = 0.5,
    coding: str = "±1",
    name: str = "branching diffusion",
) -> Dataset:
    """Generate properties that diffuse down a tree, each independently of the others.

    At the root a property is +1 with probability `root`, else −1. Along each edge it flips its
    sign with probability ε = `flip` (for an edge of length L: (1 − (1 − 2ε)ᴸ) / 2). Items that
    part late agree on more. Saxe, McClelland & Ganguli (2019, PNAS 116:11537); the closed form
    of its singular values is `semdev.theory.branching_singular_values`.

    Parameters
    ----------
    tree : nx.DiGraph or a sequence of int
        A tree, or the branching of a balanced one: ``[2, 2, 2]`` has eight items.
    seed : int
        The only source of randomness.
    properties : int
        How many properties.
    flip : float, or one for each level below the root
        Flip probability ε, 0 to 1.
    root : float
        Probability of +1 at the root.
    coding : "±1" or "0/1"
        How false is written: −1, or 0.
    name : str
        What the Dataset is called.

    Returns
    -------
    Dataset
        Items × properties, with its tree. Property names are "has feature 1", ….

    Raises
    ------
    ValueError
        A probability outside 0 to 1, no properties, or not one flip for each level.

    Examples
    --------
    >>> branching_diffusion([2, 2, 2], properties=50, seed=1).properties.shape
    (8, 50)
    """
    tree = _as_tree(tree)
    require(coding, CODINGS, kind="coding", where="branching_diffusion")
    if properties < 1:
        raise ValueError(f"properties must be at least 1, got {properties}")
    depth = nx.single_source_shortest_path_length(tree, trees.root(tree))
    levels = max(depth.values())
    flips = np.full(levels, flip) if np.ndim(flip) == 0 else np.array(flip, dtype=float)
    if len(flips) != levels:
        raise ValueError(
            f"flip needs one number, or one for each of the {levels} levels below the root; "
            f"got {len(flips)}"
        )
    if not ((flips >= 0) & (flips <= 1)).all() or not 0 <= root <= 1:
        raise ValueError(f"flip and root are probabilities, 0 to 1; got {flip} and {root}")
    rng = np.random.default_rng(seed)
    values = {}
    for node in nx.topological_sort(tree):
        draw = rng.random(properties)
        parent = next(tree.predecessors(node), None)
        if parent is None:
            values[node] = np.where(draw < root, 1.0, -1.0)
            continue
        chance = _flip_along(flips[depth[node] - 1], tree.edges[parent, node].get("length", 1.0))
        values[node] = np.where(draw < chance, -1.0, 1.0) * values[parent]
    items = trees.leaves(tree)
    table = np.array([values[item] for item in items])
    return _dataset(
        (table + 1) / 2 if coding == "0/1" else table,
        items, [f"has feature {k + 1}" for k in range(properties)], tree, name,
    )  # fmt: skip


def nested_features(
    tree: nx.DiGraph | Sequence[int],
    *,
    features: int | Sequence[int] | Mapping[str, int | Sequence[str]] = 3,
    exceptions: Iterable[tuple[str, str]] = (),
    name: str = "nested features",
) -> Dataset:
    """Generate a world in which every node owns properties that its descendants inherit.

    A 0/1 table without randomness: cell (item, property) is 1 when the property's owner is the
    item or one of its ancestors, turned round for each exception (a penguin that cannot fly,
    a bat that can).

    Parameters
    ----------
    tree : nx.DiGraph or a sequence of int
        A tree, or the branching of a balanced one.
    features : int, sequence or mapping
        How many properties each node owns; one number for each level (root first); or for each
        node by name a number or the properties' names (a node left out owns none).
    exceptions : (item, property) pairs
        Cells whose value is turned round.
    name : str
        What the Dataset is called.

    Raises
    ------
    KeyError
        An exception or a mapping names an unknown item, property or node.
    ValueError
        No properties at all, or not one number for each level.

    Examples
    --------
    >>> tree = trees.from_nested({"bird": ["robin", "penguin"]})
    >>> world = nested_features(
    ...     tree, features={"bird": ["has wings", "can fly"], "robin": ["is red"]},
    ...     exceptions=[("penguin", "can fly")],
    ... )
    >>> world.properties.sel(item="penguin").values
    array([1., 0., 0.])
    """
    tree = _as_tree(tree)
    owned = _features_of(tree, features)
    items = trees.leaves(tree)
    columns = {}
    for node, names in owned.items():
        heirs = {node} | nx.descendants(tree, node)
        for each in names:
            if each in columns:
                raise ValueError(f"property {each!r} is owned by two nodes")
            columns[each] = [float(item in heirs) for item in items]
    if not columns:
        raise ValueError("no node owns a property: there is nothing to learn")
    names = list(columns)
    table = np.array(list(columns.values())).T
    for item, each in exceptions:
        require(item, items, kind="item", where="the tree (exceptions=)")
        require(each, names, kind="property", where="the features (exceptions=)")
        cell = items.index(item), names.index(each)
        table[cell] = 1 - table[cell]
    return _dataset(table, items, names, tree, name)


def _as_tree(tree: nx.DiGraph | Sequence[int]) -> nx.DiGraph:
    return trees.check(tree) if isinstance(tree, nx.DiGraph) else trees.balanced(tree)


def _flip_along(chance: float, length: float) -> float:
    if length == 1:
        return chance
    if chance > 0.5:
        raise ValueError(f"edge lengths other than 1 need flip ≤ 0.5, got {chance}")
    return (1 - (1 - 2 * chance) ** length) / 2


def _features_of(tree: nx.DiGraph, features: Any) -> dict[str, list[str]]:
    depth = nx.single_source_shortest_path_length(tree, trees.root(tree))
    plan: Mapping[str, Any]
    if isinstance(features, Mapping):
        for node in features:
            require(node, tree.nodes, kind="node", where="the tree (features=)")
        plan = features
    elif np.ndim(features) == 0:
        plan = dict.fromkeys(tree.nodes, features)
    else:
        levels = max(depth.values()) + 1
        if len(features) != levels:
            raise ValueError(f"features needs one number for each of the {levels} levels")
        plan = {node: features[depth[node]] for node in tree.nodes}
    return {
        node: [f"has {node} feature {k + 1}" for k in range(what)] if isinstance(what, Integral)
        else [what] if isinstance(what, str) else list(what)
        for node, what in plan.items()
    }  # fmt: skip


def _dataset(
    table: np.ndarray, items: list[str], properties: list[str], tree: nx.DiGraph, name: str
) -> Dataset:
    coords = {"item": items, "property": properties}
    return Dataset(xr.DataArray(table, dims=("item", "property"), coords=coords), tree, name)
