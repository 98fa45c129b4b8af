"""Structures fitted to what has been seen of items: trees, partitions, chains, rings."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

SHORTEST = 1e-6  # an edge of length 0 would be a division by it


def measure_distances(values: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, float]:
    """Return how far apart items are: the mean square of how they differ where both were seen.

    In units of its mean over all pairs, so that codings of the same table agree; a pair is given
    one property more, on which it differs as pairs do on average, so that little evidence says
    little. Without any evidence all are as far apart.

    Parameters
    ----------
    values : item × property, 0 where it has not been seen
    seen : item × property, bool

    Returns
    -------
    array, item × item
    float
        The unit: the mean squared difference over all pairs (1 where it would be 0).
    """
    known = seen.astype(float)
    both = known @ known.T
    squares = values**2 @ known.T
    apart = np.maximum(squares + squares.T - 2 * values @ values.T, 0)
    np.fill_diagonal(apart, 0)
    np.fill_diagonal(both, 0)
    if apart.sum() <= 1e-12 * (squares.sum() + np.finfo(float).tiny):
        return 1.0 - np.eye(len(values)), 1.0
    unit = float(apart.sum() / both.sum())
    distance = np.round((apart / unit + 1) / (both + 1), 9)  # apart by rounding alone is tied
    np.fill_diagonal(distance, 0)
    return (distance + distance.T) / 2, unit


def link(distance: np.ndarray) -> np.ndarray:
    """Return scipy's average linkage of the items (for one item none).

    On squared distances its heights are those of a tree along which properties drift: two items
    are apart by the length of the path between them.
    """
    if len(distance) == 1:
        return np.empty((0, 4))
    return linkage(squareform(distance, checks=False), "average")


@dataclass(frozen=True, eq=False)
class Graph:
    """Edges between items, numbered first, and latent nodes."""

    ends: np.ndarray  # edge × 2
    lengths: np.ndarray  # edge
    nodes: int
    fitted: int  # how many lengths it was free to choose

    def shorten(self, noise: float) -> Graph:
        """Return the graph of what items are without noise, which adds to each distance."""
        return replace(self, lengths=np.maximum(self.lengths - noise, self.lengths / 100))

    def reduce(self, items: int) -> tuple[np.ndarray, np.ndarray]:
        """Return eigenvalues and eigenvectors of the Laplacian, latent nodes marginalized.

        With them (L + D/σ²)⁻¹ of `semdev.form_covariance` is one product for any σ.
        """
        weights = 1 / np.maximum(self.lengths, SHORTEST)
        laplacian = np.zeros((self.nodes, self.nodes))
        np.subtract.at(laplacian, tuple(self.ends.T), weights)
        laplacian += laplacian.T
        np.fill_diagonal(laplacian, -laplacian.sum(1))
        inner, across = laplacian[items:, items:], laplacian[:items, items:]
        left = laplacian[:items, :items]
        if self.nodes > items:
            left = left - across @ np.linalg.solve(inner, across.T)
        values, vectors = np.linalg.eigh((left + left.T) / 2)
        return np.maximum(values, 0), vectors


def covary(reduced: tuple[np.ndarray, np.ndarray], sigma: float) -> np.ndarray:
    """Return the covariance of items on a reduced graph, each tied to 0 with s.d. σ."""
    values, vectors = reduced
    return (vectors / (values + 1 / sigma**2)) @ vectors.T


def grow_tree(merges: np.ndarray) -> Graph:
    """Return the tree of a linkage: edges as long as half the difference of heights."""
    items = len(merges) + 1
    heights = np.concatenate([np.zeros(items), merges[:, 2]]) / 2
    parents = np.repeat(np.arange(items, 2 * items - 1), 2)
    children = merges[:, :2].astype(int).ravel()
    ends = np.stack([parents, children], axis=1)
    return Graph(ends, heights[parents] - heights[children], 2 * items - 1, items - 1)


def grow_partition(merges: np.ndarray, distance: np.ndarray, variance: float) -> Graph:
    """Return stars around latent hubs, one for each cluster of a linkage.

    Of all cuts through the linkage that of greatest likelihood if every cluster has a mean of
    its own: (n − k) ln λ_within + k ln λ_between is least, λ the mean squares of items about
    their clusters' means, and of these means, with `variance` the mean square of all; of cuts as
    likely the coarsest.
    Edges are half as long as the members' mean squared distance.
    """
    items = len(distance)
    members, inside = [[k] for k in range(items)], [0.0] * items
    for pair in merges[:, :2].astype(int):
        members.append([leaf for node in pair for leaf in members[node]])
        inside.append(distance[np.ix_(members[-1], members[-1])].sum() / 2 / len(members[-1]))
    counts = np.arange(items, 0, -1)
    left = np.array(inside)[merges[:, :2].astype(int)].sum(1)
    within = np.cumsum([0.0, *(np.array(inside[items:]) - left)])
    least = 1e-3 * variance
    between = np.maximum((items * variance - within) / counts, least)
    spread = np.maximum(within / np.maximum(items - counts, 1), least)
    unlikely = (items - counts) * np.log(spread) + counts * np.log(between)
    best = int(np.flatnonzero(unlikely <= unlikely.min() + 1e-9)[-1])
    merged = set(merges[:best, :2].astype(int).ravel().tolist())
    ends, lengths = [], []
    for hub, node in enumerate(k for k in range(items + best) if k not in merged):
        # an item by itself has a hub to itself, which says nothing
        length = inside[node] / (len(members[node]) - 1) if node >= items else 1.0
        ends += [(items + hub, item) for item in members[node]]
        lengths += [length] * len(members[node])
    return Graph(np.array(ends), np.array(lengths), 2 * items - best, items - best)


def grow_line(distance: np.ndarray, *, closed: bool) -> Graph:
    """Return a chain of the items, or a ring, whose edges are as long as their ends are apart.

    Classical scaling offers two orders, its first dimension and the angle in the plane of its
    first two, where a chain lies bent to a horseshoe. The shorter way is taken; a chain leaves
    out the longest edge of the way round.
    """
    items = len(distance)
    centred = distance - distance.mean(0)
    dimensions = np.linalg.eigh(-(centred - centred.mean(1, keepdims=True)) / 2)[1].T[::-1]
    found = []
    for place in (dimensions[0], np.arctan2(dimensions[min(1, items - 1)], dimensions[0])):
        order = np.argsort(place, kind="stable")
        ends = np.stack([order, np.roll(order, -1)], axis=1)
        lengths = distance[tuple(ends.T)]
        if not closed or items < 3:
            left = np.arange(items) != np.argmax(lengths)
            ends, lengths = ends[left], lengths[left]
        found.append(Graph(ends, lengths, items, len(ends)))
    return min(found, key=lambda graph: graph.lengths.sum())
