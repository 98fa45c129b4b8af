"""Structural forms: clusters, trees, rings, chains, orders, grids, and worlds drawn on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, prod
from numbers import Integral, Real
from typing import Any

import networkx as nx
import numpy as np
import xarray as xr
from scipy import linalg

from semdev._names import require
from semdev.data import trees
from semdev.data.dataset import Dataset

FORMS = ("clusters", "chain", "order", "ring", "hierarchy", "tree", "grid", "cylinder")
FORM_CODINGS = ("graded", "±1", "0/1")
SIGMA = 5.0  # Kemp & Tenenbaum's
BATCH = 100  # properties with edge lengths of their own that are drawn at a time


def make_form(
    kind: str,
    shape: int | Sequence[int],
    *,
    length: float = 1.0,
    items: Sequence[str] | None = None,
) -> nx.Graph:
    """Build one of the eight structural forms of Kemp & Tenenbaum (2008) as a graph.

    Nodes are items, but for those with the attribute ``latent=True`` (the hub of a cluster) and,
    in a tree, all that are no leaves. Any other graph will do as well: mark its latent nodes, give
    its edges a `length`, and hand it to `graph_gaussian`.

    ========= ================================= ============================================
    form      `shape`                           graph
    ========= ================================= ============================================
    clusters  sizes of the clusters             each a star around a latent hub, unconnected
    chain     number of items                   each item beside the next
    order     number of items                   every two items joined (see below)
    ring      number of items                   a chain whose ends meet
    hierarchy children at each level            a tree in which every node is an item
    tree      children at each level            a tree whose leaves are the items (a DiGraph)
    grid      (rows, columns)                   items ``item row.column``
    cylinder  (around, along)                   a grid whose rows close to rings
    ========= ================================= ============================================

    An order is grown by splitting a node such that both parts inherit all its edges, and the
    first points to the second: everybody is joined to everybody, from first to last. A Gaussian
    graph has no directions, so that nothing of the rank is left in properties drawn on it: all
    items but for the common mode are alike. Who wants graded properties that keep a rank draws
    them on a chain.

    Parameters
    ----------
    kind : str
        One of the eight.
    shape : int or sequence of int
        As in the table.
    length : float
        Of every edge, above 0; the longer, the less alike are its ends.
    items : sequence of str, optional
        Names of the items, in order (grids: row by row), instead of "item 1", ….

    Raises
    ------
    KeyError
        No such form; the nearest match is suggested.
    ValueError
        A shape that the form cannot have, a length that is not positive, or names that do not fit.

    References
    ----------
    Kemp, C. & Tenenbaum, J. B. (2008). The discovery of structural form. PNAS 105, 10687–10692.

    Examples
    --------
    >>> ring = make_form("ring", 5)
    >>> sorted(ring["item 1"])
    ['item 2', 'item 5']
    >>> hubs = make_form("clusters", [2, 3])
    >>> list_items(hubs), hubs.nodes["cluster 1"]["latent"]
    (['item 1', 'item 2', 'item 3', 'item 4', 'item 5'], True)
    """
    require(kind, FORMS, kind="form", where="make_form")
    sizes = check_shape(kind, shape)
    if not length > 0 or not isfinite(length):
        raise ValueError(f"length is a finite number above 0, got {length!r}")
    graph: nx.Graph
    if kind in ("tree", "hierarchy"):
        graph = trees.balanced(sizes)
        graph = graph if kind == "tree" else nx.Graph(graph)
    elif kind in ("grid", "cylinder"):
        closes: Any = (kind == "cylinder", False)
        graph = nx.grid_2d_graph(sizes[0], sizes[1], periodic=closes)
        graph = nx.relabel_nodes(graph, {(j, k): f"item {j + 1}.{k + 1}" for j, k in graph})
    elif kind == "clusters":
        graph = nx.Graph()
        first = 1
        for number, size in enumerate(sizes, start=1):
            graph.add_node(f"cluster {number}", latent=True)
            members = [f"item {k}" for k in range(first, first + size)]
            nx.add_star(graph, [f"cluster {number}", *members])
            first += size
    else:
        grow = {"chain": nx.path_graph, "order": nx.complete_graph, "ring": nx.cycle_graph}[kind]
        graph = nx.relabel_nodes(grow(sizes[0]), lambda k: f"item {k + 1}")
    nx.set_edge_attributes(graph, dict.fromkeys(graph.edges, float(length)), "length")
    if items is None:
        return graph
    known = list_items(graph)
    if len(items) != len(known) or len(set(items)) < len(known):
        raise ValueError(f"items needs {len(known)} different names, got {len(items)}: {items!r}")
    return nx.relabel_nodes(graph, dict(zip(known, map(str, items), strict=True)))


def list_items(graph: nx.Graph) -> list[str]:
    """Return the names of a form's items: a tree's leaves, else all nodes that are not latent.

    >>> list_items(make_form("tree", [2, 2]))
    ['item 1', 'item 2', 'item 3', 'item 4']
    """
    if isinstance(graph, nx.DiGraph):
        return trees.leaves(graph)
    return [str(node) for node, latent in graph.nodes(data="latent", default=False) if not latent]


def form_covariance(graph: nx.Graph, *, sigma: float = SIGMA) -> xr.DataArray:
    """Return the covariance of a form's items in properties that are drawn on it.

    The precision over all nodes is L + D / σ²: L the Laplacian with weights 1 / length, D one for
    items and zero for latent nodes, which are marginalized. With the precision's Cholesky factor,
    latent nodes first, the factor of what is left for the items (its Schur complement) is its
    last block, so that nothing needs to be inverted on the way. Kemp & Tenenbaum (2008). Nodes
    joined by an edge of length 0 are one node.

    Parameters
    ----------
    graph : nx.Graph, or a tree (nx.DiGraph, root to leaves)
        Items, nodes with ``latent=True``, edges with a `length` (default 1).
    sigma : float
        Standard deviation σ of what ties each item to 0 (theirs: 5). As it grows, the mode that
        all items of a connected form share grows with σ².

    Returns
    -------
    xr.DataArray, item × item_2

    Raises
    ------
    TypeError
        No undirected graph and no tree.
    ValueError
        No items, a part without an item, a bad length or sigma.

    Examples
    --------
    >>> eigenvalues = np.linalg.eigvalsh(form_covariance(make_form("ring", 16)))
    >>> eigenvalues[::-1][:5].round(2)
    array([25. ,  5.2,  5.2,  1.6,  1.6])
    """
    frame = _read(graph)
    last = _factor(frame, frame.lengths[None], _check_sigma(sigma))[0]
    inner = linalg.cho_solve((last, True), np.eye(len(last)))
    table = inner[np.ix_(frame.place, frame.place)]
    return xr.DataArray(
        (table + table.T) / 2, dims=("item", "item_2"),
        coords={"item": frame.items, "item_2": frame.items}, name="covariance",
    )  # fmt: skip


def expected_products(
    graph: nx.Graph, *, sigma: float = SIGMA, coding: str = "graded"
) -> xr.DataArray:
    """Return the expected product E[y_i y_j] of every two items in one property drawn on a form.

    Graded: the covariance K. Coded ±1: (2/π) arcsin ρ_ij with ρ the correlation (Sheppard 1899);
    coded 0/1: ¼ + arcsin(ρ_ij) / 2π. N times this has the squares of the singular values that a
    world of N properties is expected to have.

    Parameters
    ----------
    graph, sigma
        As for `form_covariance`.
    coding : "graded", "±1" or "0/1"
        As for `graph_gaussian`.

    Returns
    -------
    xr.DataArray, item × item_2

    Examples
    --------
    >>> expected_products(make_form("chain", 2), coding="±1").values.round(2)
    array([[1.  , 0.82],
           [0.82, 1.  ]])
    """
    require(coding, FORM_CODINGS, kind="coding", where="expected_products")
    covariance = form_covariance(graph, sigma=sigma)
    if coding == "graded":
        return covariance.rename("product")
    scale = np.sqrt(np.diag(covariance.values))
    correlation = np.clip(covariance.values / np.outer(scale, scale), -1, 1)
    np.fill_diagonal(correlation, 1.0)
    signed = 2 / np.pi * np.arcsin(correlation)
    return covariance.copy(data=signed if coding == "±1" else (1 + signed) / 4).rename("product")


def graph_gaussian(
    graph: nx.Graph,
    *,
    seed: int,
    properties: int = 100,
    sigma: float = SIGMA,
    beta: float | None = None,
    coding: str = "graded",
    name: str = "graph Gaussian",
) -> Dataset:
    """Draw properties that vary smoothly over a graph, each independently of the others.

    Each property is one draw from a Gaussian with mean 0 and covariance `form_covariance(graph)`.
    Kemp & Tenenbaum (2008, PNAS 105:10687).

    Parameters
    ----------
    graph : nx.Graph, or a tree (nx.DiGraph)
        From `make_form`, `semdev.trees`, networkx or yourself. A tree becomes the Dataset's tree.
    seed : int
        The only source of randomness.
    properties : int
        How many.
    sigma : float
        As for `form_covariance`.
    beta : float, optional
        Each property draws edge lengths of its own, exponential with mean β times the edge's
        length (Kemp & Tenenbaum: .4). Without it the lengths are the graph's.
    coding : "graded", "±1" or "0/1"
        Graded values as drawn; or what lies above 0 is +1 and the rest −1, or 0.
    name : str
        What the Dataset is called.

    Returns
    -------
    Dataset
        Items × properties "has feature 1", ….

    Raises
    ------
    KeyError
        No such coding.
    TypeError, ValueError
        As `form_covariance`; fewer than one property, or a beta that is not positive.

    Examples
    --------
    >>> world = graph_gaussian(make_form("tree", [2, 2, 2]), seed=1, properties=30)
    >>> world
    <Dataset 'graph Gaussian': 8 items × 30 properties, coded graded; relations has 30; tree of 4 levels>
    """  # noqa: E501
    require(coding, FORM_CODINGS, kind="coding", where="graph_gaussian")
    if not isinstance(properties, Integral) or properties < 1:
        raise ValueError(f"properties must be at least 1, got {properties}")
    if beta is not None and not (beta > 0 and isfinite(beta)):
        raise ValueError(f"beta, the mean length of an edge, must be above 0; got {beta}")
    frame, sigma = _read(graph), _check_sigma(sigma)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((properties, frame.size - frame.latent))
    if beta is None:
        factor = _factor(frame, frame.lengths[None], sigma)[0]
        drawn = linalg.solve_triangular(factor, noise.T, lower=True, trans="T")
    else:
        lengths = beta * frame.lengths * rng.exponential(size=(properties, len(frame.lengths)))
        lengths = np.maximum(lengths, np.finfo(float).tiny ** 0.5)
        drawn = np.concatenate(
            [
                np.linalg.solve(
                    _factor(frame, lengths[part], sigma).transpose(0, 2, 1), noise[part][..., None]
                )[..., 0]
                for part in _batches(properties)
            ]
        ).T
    table = drawn[frame.place]
    if coding != "graded":
        table = np.where(table > 0, 1.0, -1.0 if coding == "±1" else 0.0)
    names = [f"has feature {k + 1}" for k in range(properties)]
    return Dataset(
        xr.DataArray(table, dims=("item", "property"),
                     coords={"item": frame.items, "property": names}),
        graph if isinstance(graph, nx.DiGraph) else None, name,
    )  # fmt: skip


def check_shape(kind: str, shape: int | Sequence[int]) -> list[int]:
    """Return a form's shape as a list of whole numbers, or say which it can have.

    >>> check_shape("ring", 8)
    [8]
    """
    sizes: list[Any] = list(shape) if isinstance(shape, Iterable) else [shape]
    asked = {
        "clusters": "the size of every cluster, such as [4, 4, 4]",
        "hierarchy": "the number of children at every level, such as [2, 2, 2]",
        "tree": "the number of children at every level, such as [2, 2, 2]",
        "grid": "(rows, columns), such as (4, 4)",
        "cylinder": "(around, along), at least three items around, such as (6, 3)",
        "ring": "one number of items, at least 3",
    }.get(kind, "one number of items, at least 2")
    wanted = {"grid": 2, "cylinder": 2, "ring": 1, "chain": 1, "order": 1}.get(kind, len(sizes))
    least = {"ring": 3, "chain": 2, "order": 2, "cylinder": 3}.get(kind, 1)
    good = all(isinstance(size, int | np.integer) and size >= 1 for size in sizes)
    if not good or not sizes or len(sizes) != wanted or sizes[0] < least or prod(sizes) < 1:
        raise ValueError(f"a {kind} form cannot have the shape {shape!r}; it is {asked}")
    return [int(size) for size in sizes]


@dataclass(frozen=True, eq=False)
class _Frame:
    """A graph in arrays: latent nodes first, nodes at no distance from each other made one."""

    items: list[str]
    place: np.ndarray  # of each item, counted from the first node that is not latent
    ends: np.ndarray  # edge × 2
    lengths: np.ndarray  # edge
    latent: int
    tied: np.ndarray  # node: how many items it is

    @property
    def size(self) -> int:
        return len(self.tied)


def _read(graph: nx.Graph) -> _Frame:
    if isinstance(graph, nx.DiGraph):
        trees.check(graph)
    elif not isinstance(graph, nx.Graph) or graph.is_multigraph():
        raise TypeError(
            f"a form is a networkx.Graph or a tree, not a {type(graph).__name__}; "
            "semdev.make_form makes one, e.g. make_form('ring', 8)"
        )
    plain: nx.Graph = nx.Graph(graph) if isinstance(graph, nx.DiGraph) else graph
    edges = [(a, b, x) for a, b, x in plain.edges(data="length", default=1.0) if a != b]
    for a, b, x in edges:
        if not isinstance(x, Real) or not 0 <= float(x) < np.inf:
            raise ValueError(f"edge {a!r} – {b!r} has length {x!r}; lengths are finite numbers ≥ 0")
    items = list_items(graph)
    seen = set(items)
    if not items:
        raise ValueError("the form has no items: all of its nodes are latent")
    for part in nx.connected_components(plain):
        if not seen.intersection(map(str, part)):
            raise ValueError(f"a part of the form has no item, only latent {sorted(part)[:3]}")
    joined = nx.Graph([(a, b) for a, b, x in edges if x == 0])
    joined.add_nodes_from(plain)
    groups = [[str(node) for node in group] for group in nx.connected_components(joined)]
    groups.sort(key=lambda group: not seen.isdisjoint(group))  # latent ones first
    number = {node: k for k, group in enumerate(groups) for node in group}
    tied = np.array([len(seen.intersection(group)) for group in groups])
    latent = int((tied == 0).sum())
    apart = [(number[str(a)], number[str(b)], float(x)) for a, b, x in edges if x > 0]
    apart = [edge for edge in apart if edge[0] != edge[1]]
    return _Frame(
        items=items,
        place=np.array([number[item] - latent for item in items]),
        ends=np.array([edge[:2] for edge in apart], dtype=int).reshape(-1, 2),
        lengths=np.array([edge[2] for edge in apart]),
        latent=latent,
        tied=tied,
    )


def _factor(frame: _Frame, lengths: np.ndarray, sigma: float) -> np.ndarray:
    """Return the Cholesky factors of the items' precision, property × node × node."""
    n, weights = frame.size, 1 / lengths
    precision = np.zeros((len(lengths), n, n))
    flat = precision.reshape(len(lengths), -1).T
    first, second = frame.ends.T
    for a, b, sign in ((first, first, 1), (second, second, 1), (first, second, -1),
                       (second, first, -1)):  # fmt: skip
        np.add.at(flat, a * n + b, sign * weights.T)
    precision[:, np.arange(n), np.arange(n)] += frame.tied / sigma**2
    return np.linalg.cholesky(precision)[:, frame.latent :, frame.latent :]


def _batches(number: int) -> Iterator[slice]:
    bounds = [*range(0, number, BATCH), number]
    return (slice(low, high) for low, high in pairwise(bounds))


def _check_sigma(sigma: float) -> float:
    if not (sigma > 0 and isfinite(sigma)):
        raise ValueError(f"sigma is a finite standard deviation above 0, got {sigma}")
    return float(sigma)
