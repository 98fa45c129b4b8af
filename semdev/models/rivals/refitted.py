"""Rivals that refit what a statistician would: a truncated SVD, a hierarchical clustering.

Neither has any dynamics of learning: at every age the whole of what was seen is fitted anew, and
only how finely it is fitted grows. Both take as many parts (modes, clusters) as it needs to hold a
share of the variance seen equal to the share of the world that was seen. So the rule has no
threshold: parts come in the order of the variance they hold, as few as can be, in any coding, and
all of them once all has been seen. Among rules without a threshold it is these rivals' best case:
in `living_things` it predicts cells not seen better than ranks that grow evenly with experience or
with the number of cells needed to determine so many modes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import average
from scipy.spatial.distance import cdist, squareform

from semdev._names import require
from semdev.data.dataset import Dataset
from semdev.models.rivals.base import ARRIVALS, Answer, Evidence, Rival

ALMOST = 1e-12  # what rounding may lack of all
JITTER = 1e-7  # of a distance: told apart by content where it is the same


@dataclass(frozen=True, kw_only=True)
class Weighing(Rival):
    """A rival in whom items met more often weigh more, as they do in a network's loss.

    `often` is how often each item is met, 1 on average; it is read from the data.
    """

    arrival: str = "cells"
    often: np.ndarray | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse an order of arrival that there is not."""
        require(self.arrival, ARRIVALS, kind="arrival", where=type(self).__name__)

    def begin(self, data: Dataset) -> Rival:
        """Return the rival, told how often it will meet each item."""
        often = data.properties["frequency"].values.astype(float)
        return replace(self, often=often / often.mean())

    def weigh(self, evidence: Evidence) -> np.ndarray:
        """Return how much each item weighs, a column."""
        return np.ones((len(evidence.seen), 1)) if self.often is None else self.often[:, None]


@dataclass(frozen=True, kw_only=True)
class RefittedSVD(Weighing):
    """A truncated singular value decomposition whose rank grows with experience.

    What is believed are the r strongest modes of what was seen, about the mean of all cells seen:

        ŷ = m + Σ_{α ≤ r} u_α s_α v_α,   r = min {k : Σ_{α ≤ k} s_α² ≥ experience × Σ_α s_α²},

    also of cells that were seen, so that what does not fit the modes is misremembered until the
    modes for it are there. The first mode holds the base rates, about which the others set items
    apart. Cells not seen are imputed by the property's mean (with one cell's worth of m in it, for
    few cells say little), then once by the modes found so; going on until nothing changes fits the
    modes to noise (in `living_things`, with 9 of 10 cells seen, the squared error on the tenth
    doubles). Items weigh with their frequency. How alike items are is their scores' product,
    U S² Uᵀ, as in latent semantic analysis (Landauer & Dumais 1997). All seen, it has all modes and
    the truth, unless the rank is fixed. The History says how many: `modes_kept` (seed × time).

    Parameters
    ----------
    arrival : "cells", "items" or "properties"
        What arrives one at a time.
    rank : int, optional
        A fixed number of modes; by default it grows.
    often : array, item, optional
        How often each item is met, 1 on average; `begin` reads it from the data.

    Raises
    ------
    KeyError
        No such arrival; the nearest match is suggested.
    ValueError
        A rank below 1.

    Examples
    --------
    >>> import semdev as sd
    >>> history = RefittedSVD().learn(sd.load("rumelhart8"), seeds=range(20), record=5)
    >>> sd.ask(history, "pine", "has leaves").mean("seed").values.round(2) + 0.0
    array([0.  , 0.42, 0.54, 0.43, 0.  ])
    >>> history["modes_kept"].mean("seed").values
    array([0.  , 1.  , 1.65, 3.85, 8.  ])
    """

    rank: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        super().__post_init__()
        require_count(self.rank, "rank", "modes", self)

    def answer(self, evidence: Evidence) -> Answer:
        """Return the strongest modes of what was seen."""
        seen, weight = evidence.seen, self.weigh(evidence)
        off, size = np.where(seen, evidence.values - evidence.neutral, 0.0), np.sqrt(weight)
        mean = (weight * off).sum(0) / ((weight * seen).sum(0) + 1)
        u, s, vt = np.linalg.svd(size * np.where(seen, off, mean), full_matrices=False)
        held = np.cumsum(s**2)
        if held[-1] == 0:
            rank = 0
        elif self.rank is None:
            rank = count_parts(held / held[-1], evidence.experience)
        else:
            rank = min(self.rank, len(s))
        if not seen.all():
            guess = (u[:, :rank] * s[:rank]) @ vt[:rank] / size
            u, s, vt = np.linalg.svd(size * np.where(seen, off, guess), full_matrices=False)
        scores = u[:, :rank] * s[:rank] / size
        beliefs = evidence.neutral + scores @ vt[:rank]
        return Answer(beliefs, scores @ scores.T, {"modes_kept": float(rank)})


@dataclass(frozen=True, kw_only=True)
class RefittedClusters(Weighing):
    """A hierarchical clustering whose number of clusters grows with experience.

    Items are joined by average linkage (Sokal & Michener 1958) of the share of seen properties in
    which they differ (`measure_differences`), and the tree is cut from the root down into as few
    clusters as hold a share of the variance equal to experience. A property is believed of an item
    as far as it was seen of the item's cluster, the items' own cells among them: its mean, weighted
    by frequency; where it was seen of none of the cluster, of the next larger one of which it was.
    An item of which nothing was seen is the mean of the world. Two items are wholly alike inside a
    cluster, else as far as they are joined below the root, one less the ratio of the heights of
    their last common cluster and of the root: 0 if only the world joins them. All seen, items that
    differ are clusters of their own, and beliefs are the truth, unless the number is fixed. The
    History says how many there are: `clusters_kept` (seed × time).

    Parameters
    ----------
    arrival : "cells", "items" or "properties"
        What arrives one at a time.
    clusters : int, optional
        A fixed number of them; by default it grows.
    often : array, item, optional
        How often each item is met, 1 on average; `begin` reads it from the data.

    Raises
    ------
    KeyError
        No such arrival; the nearest match is suggested.
    ValueError
        Fewer clusters than 1.

    Examples
    --------
    >>> import semdev as sd
    >>> history = RefittedClusters().learn(sd.load("rumelhart8"), seeds=range(20), record=5)
    >>> sd.ask(history, "pine", "has leaves").mean("seed").values.round(2) + 0.0
    array([0.  , 0.43, 0.65, 0.71, 0.  ])
    >>> history["clusters_kept"].mean("seed").values
    array([1. , 1. , 2. , 3.1, 8. ])
    """

    clusters: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        super().__post_init__()
        require_count(self.clusters, "clusters", "clusters", self)

    def answer(self, evidence: Evidence) -> Answer:
        """Return the means of the clusters of what was seen."""
        found = Clustering(evidence, evidence.seen * self.weigh(evidence), number=self.clusters)
        return Answer(
            found.means[found.member], found.measure_kernel(),
            {"clusters_kept": float(found.number)},
        )  # fmt: skip


def count_parts(held: np.ndarray, experience: float) -> int:
    """Return how few of the first parts hold a share of the whole that equals experience.

    `held` is the share that the first 1, 2, … parts hold together.

    >>> count_parts(np.array([0.5, 0.8, 1.0]), 0.6), count_parts(np.array([0.5, 0.8, 1.0]), 1)
    (2, 3)
    """
    return int(np.argmax(held >= experience - ALMOST)) + 1


def require_count(count: Any, name: str, things: str, rival: Rival) -> None:
    """Raise a ValueError that teaches unless `count` is None or a number of things, 1 or more."""
    whole = isinstance(count, (int, np.integer)) and not isinstance(count, bool)
    if count is not None and not (whole and count >= 1):
        raise ValueError(
            f"{name} is a number of {things}, at least 1, or None for one that grows with "
            f"experience; {type(rival).__name__} got {name}={count!r}"
        )


class Clustering:
    """The clusters of what was seen, and the tree they are cut from.

    Attributes
    ----------
    member : array, item
        The cluster of each item; those of which nothing was seen are in one of their own, the
        last, that stands for the whole world.
    means : array, cluster × property
        What is believed of a cluster's items; the last, of an item of which nothing is known.
    number : int
        How many clusters there are, less that one; 1 if nothing was seen at all.
    """

    def __init__(self, evidence: Evidence, weight: np.ndarray, *, number: int | None) -> None:
        self.known = np.flatnonzero(evidence.seen.any(1))
        count = len(self.known)
        apart = measure_differences(evidence)[np.ix_(self.known, self.known)]
        joined = average(squareform(apart, checks=False)) if count > 1 else np.zeros((0, 4))
        self.pairs, self.heights = joined[:, :2].astype(int), joined[:, 2]
        inside = np.zeros((max(2 * count - 1, 1), count))  # node × item
        inside[:count] = np.eye(count)
        for node, (left, right) in enumerate(self.pairs, count):
            inside[node] = inside[left] + inside[right]
        often = inside @ weight[self.known]
        total = inside @ (weight * (evidence.values - evidence.neutral))[self.known]
        mean = total / np.where(often > 0, often, 1)
        held = (often * mean**2).sum(1)  # by a node's mean about the neutral answer
        gain = held[self.pairs].sum(1) - held[count:][: len(self.pairs)]
        share = np.cumsum([held[-1], *gain[::-1]])
        if number is None:
            number = count_parts(share / share[-1], evidence.experience) if share[-1] > 0 else 1
        self.number = max(min(number, count), 1)
        self.inside = inside
        for node in range(len(self.pairs) - 1, -1, -1):  # from the root down
            for child in self.pairs[node]:
                mean[child] = np.where(often[child] > 0, mean[child], mean[count + node])
        whole = 2 * count - self.number  # nodes from here on are taken apart
        pieces = [*self.pairs[count - self.number :].ravel(), 2 * count - 2] if count else []
        kept = sorted(node for node in pieces if node < whole)
        self.member = np.full(len(evidence.seen), len(kept))
        self.member[self.known] = inside[kept].argmax(0) if count else 0
        self.means = mean[[*kept, len(mean) - 1]] + evidence.neutral

    def measure_kernel(self) -> np.ndarray:
        """Return how alike two items are: an ultrametric similarity, so semidefinite."""
        count = len(self.known)
        if not count:
            return np.ones((len(self.member), len(self.member)))
        apart = np.zeros((count, count))
        for node, (left, right) in enumerate(self.pairs):
            across = np.outer(self.inside[left], self.inside[right])
            apart += self.heights[node] * (across + across.T)
        apart /= max(apart.max(), np.finfo(float).tiny)
        own = self.member[self.known]
        alike = np.where(own[:, None] == own, 1, 1 - apart)
        among = np.full((len(self.member), count), 1 / count)  # the unknown are like all alike
        among[self.known] = np.eye(count)
        return among @ alike @ among.T


def measure_differences(evidence: Evidence) -> np.ndarray:
    """Return how far items differ, item × item: the share of properties, of those seen of both.

    City-block distance in units of the range of what was seen (Gower 1971): 0 if two items are
    alike wherever both were seen, 1 if they differ as far as can be everywhere. Few properties say
    little, so the mean difference of all pairs counts as one property more,

        d_ij = (Σ_p |y_ip − y_jp| / range + d̄) / (n_ij + 1),

    and pairs that share no seen property are at d̄, neither near nor far (½ before anything was
    seen, which counts as one pair's property). Equal distances are told
    apart by what was seen of the items, not by the items' order, by at most 1e-7.
    """
    seen = evidence.seen.astype(float)
    common = seen @ seen.T
    scaled = seen * scale_values(evidence.values, evidence)
    lone = scaled @ (1 - seen).T  # what the next line counts where one of two was seen
    apart = cdist(scaled, scaled, "cityblock") - lone - lone.T
    np.fill_diagonal(common, 0)
    mean = (apart.sum() / 2 + 0.5) / (common.sum() / 2 + 1)
    marks = np.hstack([scaled, seen]) @ np.random.default_rng(0).random(2 * seen.shape[1])
    mark = np.abs(marks[:, None] - marks)
    found = (apart + mean) / (common + 1) + JITTER * mark / max(mark.max(), 1)
    np.fill_diagonal(found, 0)
    return found


def scale_values(values: np.ndarray, evidence: Evidence) -> np.ndarray:
    """Return values as shares of the range of what was seen; 0 where all of that is the same."""
    known = evidence.values[evidence.seen]
    extent = float(np.ptp(known)) if known.size else 0.0
    return (values - known.min()) / extent if extent > 0 else np.zeros(values.shape)
