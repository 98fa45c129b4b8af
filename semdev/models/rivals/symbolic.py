"""A symbolic learner: it fits a tree to what it has seen, and reasons by the tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from scipy.special import betainc, betaln, softmax

from semdev.data.dataset import Dataset
from semdev.models.rivals._forms import link, measure_distances
from semdev.models.rivals.base import Answer, Evidence, Rival


@dataclass(frozen=True, kw_only=True)
class SymbolicTree(Rival):
    """A learner that explicitly fits a tree to what it has seen, anew at every record.

    **Fit.** Average linkage on the mean squared difference of items where both were seen. Then
    branches that the evidence does not support are collapsed. A branch parts four groups, its two
    children from their sister and the rest, which could be paired in two other ways; with the
    properties n₁ in which the children agree and the others agree on something else, and n₂, n₃
    that pair them otherwise, the branch is real with the probability

        h(n₁) / (h(n₁) + 2^(n₂−n₁) h(n₂) + 2^(n₃−n₁) h(n₃)),
        h(x) = B(x + 1, n − x + 1) (1 − I_⅓(x + 1, n − x + 1)),    n = n₁ + n₂ + n₃,

    if the true pairing has a share of them that is uniform from ⅓ to 1 and the others halve the
    rest (the local posterior probability of Sayyari & Mirarab 2016, with λ = ½). By default it
    stays if that is more likely than not: one property for it and none against it give ⅔, two .87,
    three .95. Nothing in this knows that the linkage has sought out the best of many branches, so
    that in noise some stay as well; with ``sure=0.95`` next to none do, but classes that rest on
    two properties alone are missed.

    **Reason.** A property is carried by the branches that explain what was seen of it with the
    least change in all, Σ |difference| over branches: Fitch's parsimony for two values, Farris's
    for graded ones. What was seen is believed; a cell not seen takes the value of where it hangs,
    of values that are tied that nearest to the property's mean; of a property never seen nothing
    is known but the mean of all that was.

    **Kernel.** The length of the path from the root that two items share, of 1 in all. Its
    `rearranged` is how many classes of the tree came or went since the last record (the
    Robinson–Foulds distance), `branches` how many it has.

    Where items are equally far apart, the first in the data is merged first.

    Parameters
    ----------
    sure : float
        A branch stays if it is more probable than this, at least ½ and below 1.
    arrival : "cells", "items" or "properties"
        What arrives.

    Raises
    ------
    ValueError
        `sure` out of range.

    References
    ----------
    Fitch, W. M. (1971). Toward defining the course of evolution. Systematic Zoology 20, 406–416.
    Farris, J. S. (1970). Methods for computing Wagner trees. Systematic Zoology 19, 83–92.
    Sayyari, E. & Mirarab, S. (2016). Fast coalescent-based computation of local branch support
    from quartet frequencies. Molecular Biology and Evolution 33, 1654–1668.

    Examples
    --------
    >>> import semdev as sd
    >>> history = SymbolicTree().learn(sd.load("rogers2004"), seeds=[0, 1], record=20)
    >>> history["branches"].isel(time=[0, 10, -1]).values.astype(int)
    array([[ 0,  7, 10],
           [ 0,  5, 10]])
    """

    sure: float = 0.5
    arrival: str = "cells"

    def __post_init__(self) -> None:
        if not 0.5 <= self.sure < 1:
            raise ValueError(
                f"sure={self.sure!r}: how probable a branch must be, at least .5 and below 1"
            )

    def answer(self, evidence: Evidence) -> Answer:
        """Return what follows from the tree fitted to what has been seen."""
        values, seen = evidence.values, evidence.seen
        items = len(values)
        merges = link(measure_distances(values, seen)[0])
        children = [[] for _ in range(items)] + merges[:, :2].astype(int).tolist()
        states = np.stack([np.where(seen, values, -np.inf), np.where(seen, values, np.inf)])
        kept = find_supported(children, states) > self.sure
        collapse(children, kept, items)
        number = np.maximum(seen.sum(0), 1)
        mean = np.where(seen.any(0), values.sum(0) / number, evidence.neutral)
        inferred = read_off(children, states, mean)
        heights = np.concatenate([np.zeros(items), merges[:, 2]])
        return Answer(
            np.where(seen, values, inferred),
            share_paths(children, heights, items),
            {"branches": float(kept.sum())},
        )

    def learn(self, data: Dataset, *, seeds: Sequence[int], record: int = 60) -> xr.Dataset:
        """Return the History, and how far the tree changed since the last record.

        See `Rival.learn`.
        """
        history = super().learn(data, seeds=seeds, record=record)
        return history.assign(rearranged=count_rearranged(history))


def find_states(children: list[list[int]], states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of least change at each node, given what is below it, and what is beyond.

    Both as intervals, 2 × node × property (see `find_median`); at the root nothing is beyond.

    Parameters
    ----------
    children : list of lists
        Of each node, the leaves first and the root last; none of a node that is not in the tree.
    states : 2 × item × property
        The leaves' values as intervals: −∞ to ∞ where they have not been seen.
    """
    items, nodes = states.shape[1], len(children)
    below = np.empty((2, nodes, states.shape[2]))
    below[:, :items] = states
    for node in range(items, nodes):
        if children[node]:
            below[:, node] = find_median(below[:, children[node]])
    beyond = np.full_like(below, np.inf)
    beyond[0] = -np.inf
    for node in range(nodes - 1, items - 1, -1):
        for child in children[node]:
            if child >= items:
                others = [below[:, [k for k in children[node] if k != child]]]
                if node < nodes - 1:
                    others.append(beyond[:, [node]])
                beyond[:, child] = find_median(np.concatenate(others, axis=1))
    return below, beyond


def find_median(intervals: np.ndarray) -> np.ndarray:
    """Return where the sum of distances to intervals (2 × interval × property) is least.

    That is between the middle two of their ends.
    """
    number = intervals.shape[1]
    ends = np.sort(intervals.reshape(2 * number, -1), axis=0)
    return ends[number - 1 : number + 1]


def find_supported(children: list[list[int]], states: np.ndarray) -> np.ndarray:
    """Return how probable the branch above each inner node of a binary tree is (the root's: 0)."""
    items, nodes = states.shape[1], len(children)
    sure = np.zeros(nodes)
    below, beyond = find_states(children, states)
    asked, groups = [], []
    for node in range(items, nodes):
        for child in children[node]:
            sister = next(k for k in children[node] if k != child)
            if child < items or (node == nodes - 1 and sister < items):
                continue
            others = [below[:, sister], beyond[:, node]]
            if node == nodes - 1:  # across the root are the sister's own children
                others = [below[:, k] for k in children[sister]]
            asked.append(child)
            groups.append([*(below[:, k] for k in children[child]), *others])
    if asked:
        low, high = np.array(groups).transpose(2, 1, 0, 3)  # each group × branch × property
        sure[asked] = weigh_pairings(low, high, measure_spread(states))
    return sure


def measure_spread(states: np.ndarray) -> np.ndarray:
    """Return the range of the values seen of each property; ∞ where it tells nothing."""
    spread = states[0].max(0) - states[1].min(0)
    return np.where(spread > 0, spread, np.inf)


def weigh_pairings(low: np.ndarray, high: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return how probable it is that of four groups the first two belong together.

    Given the intervals of their values, group × branch × property. A property speaks for a pairing
    by the gap between the two pairs, as a share of its range.
    """
    counts = []
    for one, other in (([0, 1], [2, 3]), ([0, 2], [1, 3]), ([0, 3], [1, 2])):
        gap = np.maximum(low[one].min(0) - high[other].max(0), low[other].min(0) - high[one].max(0))
        counts.append((np.maximum(gap, 0) / spread).sum(-1))
    own = np.array(counts)
    rest = own.sum(0) - own
    with np.errstate(divide="ignore"):
        real = np.log1p(-betainc(own + 1, rest + 1, 1 / 3))
    each = betaln(own + 1, rest + 1) + real - rest * np.log(2)
    return softmax(each, axis=0)[0]


def collapse(children: list[list[int]], kept: np.ndarray, items: int) -> None:
    """Give the children of inner nodes that are not kept to these nodes' parents."""
    for node in range(items, len(children)):
        children[node] = [
            k
            for child in children[node]
            for k in ([child] if child < items or kept[child] else children[child])
        ]
    for node in range(items, len(children) - 1):
        if not kept[node]:
            children[node] = []


def read_off(children: list[list[int]], states: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return the value each item takes from where it hangs, the nearest to the mean if tied."""
    items, nodes = states.shape[1], len(children)
    below, beyond = find_states(children, states)
    inferred = np.tile(mean, (items, 1))
    for node in range(items, nodes):
        leaves = [k for k in children[node] if k < items]
        if leaves:
            around = np.concatenate([below[:, children[node]], beyond[:, [node]]], axis=1)
            inferred[leaves] = np.clip(mean, *find_median(around))
    return inferred


def share_paths(children: list[list[int]], heights: np.ndarray, items: int) -> np.ndarray:
    """Return the length of path from the root that items share, item × item, of 1 in all."""
    members = [[k] for k in range(items)] + [[] for _ in children[items:]]
    for node in range(items, len(children)):
        members[node] = [leaf for child in children[node] for leaf in members[child]]
    shared = np.zeros((items, items))
    for node in reversed(range(items, len(children))):
        if children[node]:
            shared[np.ix_(members[node], members[node])] = 1 - heights[node] / heights[-1]
    np.fill_diagonal(shared, 1.0)
    return shared


def count_rearranged(history: xr.Dataset) -> xr.DataArray:
    """Return how many classes of a learner's tree came or went since the last record.

    The Robinson–Foulds distance (1981, Mathematical Biosciences 53, 131–147) of rooted trees, read
    from the paths that items share, the products of `hidden_1`; 0 at the first record.

    Returns
    -------
    DataArray, seed × time
    """
    vectors = history["hidden_1"].transpose("seed", "time", "item", ...).values
    shared = np.round(vectors @ vectors.swapaxes(-1, -2), 6)
    changed = np.zeros(shared.shape[:2], dtype=int)
    for run, trees in zip(changed, shared, strict=True):
        classes = [
            {row.tobytes() for row in (tree[:, None] >= tree[:, :, None]).reshape(-1, len(tree))}
            for tree in trees
        ]
        run[1:] = [len(a ^ b) for a, b in pairwise(classes)]
    return history["loss"].copy(data=changed).rename("rearranged").astype(float)
