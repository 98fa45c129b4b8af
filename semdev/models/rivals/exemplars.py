"""Rivals that remember: exemplars and prototypes, from which beliefs generalize by similarity.

Rogers & McClelland (2004) discuss such theories as rivals of networks: in them similarity has no
reason to change with age. As their best case it may do so here (`growing`): then generalization
narrows with experience.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.spatial.distance import cdist

from semdev.models.rivals.base import Answer, Evidence
from semdev.models.rivals.refitted import (
    Clustering,
    Weighing,
    measure_differences,
    require_count,
    scale_values,
)

LEAST = 1e-290  # where similarities add up to less, their ratios are lost to rounding


@dataclass(frozen=True, kw_only=True)
class Generalizing(Weighing):
    """A rival that generalizes by similarity, exp(−c d)."""

    specificity: float = 20.0
    growing: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        super().__post_init__()
        if not (isinstance(self.specificity, Real) and 0 <= self.specificity < np.inf):
            raise ValueError(
                "specificity, how fast similarity falls with the share of properties in which two "
                f"things differ, is a number of 0 (never) or more; {type(self).__name__} got "
                f"specificity={self.specificity!r}"
            )
        if not isinstance(self.growing, (bool, np.bool_)):
            raise ValueError(
                "growing is True (specificity grows with experience) or False; "
                f"{type(self).__name__} got growing={self.growing!r}"
            )

    def find_specificity(self, experience: float) -> float:
        """Return c at an age.

        >>> [Exemplar(growing=True).find_specificity(share) for share in (0, 0.5, 1)]
        [0.0, 10.0, 20.0]
        """
        return self.specificity * (experience if self.growing else 1)

    def compare(self, distance: np.ndarray, experience: float) -> np.ndarray:
        """Return similarities."""
        return np.exp(-self.find_specificity(experience) * distance)


@dataclass(frozen=True, kw_only=True)
class Exemplar(Generalizing):
    """The generalized context model: all that was seen is remembered, and likeness generalizes it.

    A property is believed of an item as far as it was seen of items like it (Medin & Schaffer 1978;
    Nosofsky 1986),

        ŷ_ip = Σ_j f_j s_ij y_jp / Σ_j f_j s_ij   over items j of which p was seen, i among them,
        s_ij = exp(−c d_ij),

    with d_ij the share of seen properties in which they differ (`measure_differences`) and f_j how
    often j is met, the strength of its memory (Nosofsky 1988). The exponential of a city-block
    distance is for dimensions that are perceived apart (Shepard 1987); attention is the same to all
    properties, because no one category is asked for to which it could be fitted. A property that
    was seen of no item is believed as far as properties in general.

    With a fixed specificity c generalization is as narrow at first as in the end. With `growing`,
    the best case, c grows evenly with experience, from 0, when all items are alike and beliefs are
    base rates. Even with everything seen a belief is a mean over neighbours, the sharper the larger
    c: to believe the truth takes a c at which nothing is like anything else, and no new property is
    projected. One similarity serves recall and generalization, and has to compromise.

    How alike items are is s, which is positive semidefinite where all was seen (Laplace's kernel).
    Where pairs were compared on different properties it may fail to be (most at a third of all
    cells, where it changes by up to a quarter); the kernel is then that of the nearest vectors: s
    without its negative eigenvalues, brought back to likeness 1 of every item to itself. Beliefs
    are formed from s as it is.

    Parameters
    ----------
    specificity : float
        c, 0 or more, in the end if it grows: an item that differs in a share d of properties counts
        exp(−c d). Of 5, 10, 20, 50 and 100 the default predicts cells not seen of `living_things`
        and `rogers2004` best if it grows, and as well as 10 if it is fixed.
    growing : bool
        Whether it grows with experience, from 0.
    arrival : "cells", "items" or "properties"
        What arrives one at a time.
    often : array, item, optional
        How often each item is met, 1 on average; `begin` reads it from the data.

    Raises
    ------
    KeyError
        No such arrival; the nearest match is suggested.
    ValueError
        A specificity below 0; growing that is neither true nor false.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("rumelhart8")
    >>> for growing in (False, True):
    ...     history = Exemplar(growing=growing).learn(world, seeds=range(20), record=5)
    ...     print(sd.ask(history, "pine", "has leaves").mean("seed").values.round(2))
    [0.   0.39 0.42 0.34 0.09]
    [0.   0.41 0.43 0.36 0.09]
    """

    def answer(self, evidence: Evidence) -> Answer:
        """Return the mean of what was seen of each property, by similarity."""
        apart, seen = measure_differences(evidence), evidence.seen
        alike = self.compare(apart, evidence.experience)
        weight = seen * self.weigh(evidence)
        total = alike @ weight
        enough = total > LEAST
        beliefs = (alike @ (weight * evidence.values)) / np.where(enough, total, 1)
        item, kind = np.nonzero(~enough & seen.any(0))
        nearest = np.where(seen[:, kind].T, apart[item], np.inf).argmin(1)
        beliefs[item, kind] = evidence.values[nearest, kind]
        beliefs[:, ~seen.any(0)] = evidence.neutral
        return Answer(beliefs, mend_kernel(alike))


@dataclass(frozen=True, kw_only=True)
class Prototype(Generalizing):
    """Prototypes of categories: what was seen is kept as the mean of a category's items.

    Categories are found in what was seen, as `RefittedClusters` finds them; no tree is given. The
    prototype of one is the mean of its items (Posner & Keele 1968), and a property is believed of
    an item as far as it belongs to the prototypes like it (Hampton 1979),

        ŷ_ip = Σ_k w_ik m_kp,   w_ik ∝ n_k exp(−c d(y_i, m_k)),

    with d the share by which it differs from the prototype in what was seen of it (as in
    `measure_differences`, one property's worth more of nothing), and n_k how often items of the
    category are met, so that an item of which nothing was seen is answered by base rates. The
    item's own cells count only through prototypes. How alike items are is the product of their
    memberships, W Wᵀ.

    With the categories' number left free each item is its own prototype in the end, and believed
    in as by exemplars: as they are, up to what c blurs. A fixed number, the classical theory, never
    learns what sets the members of a category apart.

    Parameters
    ----------
    categories : int, optional
        A fixed number of them; by default as few as hold a share of the variance equal to
        experience. The History says how many: `categories_kept` (seed × time).
    specificity, growing, arrival
        As for `Exemplar`.
    often : array, item, optional
        How often each item is met, 1 on average; `begin` reads it from the data.

    Raises
    ------
    KeyError
        No such arrival; the nearest match is suggested.
    ValueError
        Fewer categories than 1; specificity or growing as for `Exemplar`.

    Examples
    --------
    >>> import semdev as sd
    >>> history = Prototype(growing=True).learn(sd.load("rumelhart8"), seeds=range(20), record=5)
    >>> sd.ask(history, "pine", "has leaves").mean("seed").values.round(2)
    array([0.  , 0.43, 0.64, 0.7 , 0.11])
    >>> history["categories_kept"].mean("seed").values
    array([1. , 1. , 2. , 3.1, 8. ])
    """

    categories: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        super().__post_init__()
        require_count(self.categories, "categories", "categories", self)

    def answer(self, evidence: Evidence) -> Answer:
        """Return mixtures of the prototypes found in what was seen."""
        weight = evidence.seen * self.weigh(evidence)
        found = Clustering(evidence, weight, number=self.categories)
        prototypes = found.means[: found.number]
        seen = evidence.seen.astype(float)
        ideal = scale_values(prototypes, evidence)
        lone = (1 - seen) @ ideal.T  # what the next line counts where the item was not seen
        apart = cdist(seen * scale_values(evidence.values, evidence), ideal, "cityblock") - lone
        apart /= seen.sum(1, keepdims=True) + 1
        own = found.member[:, None] == np.arange(found.number)
        size = (self.weigh(evidence) * own).sum(0)
        apart -= apart.min(1, keepdims=True)  # all the same to memberships, not to rounding
        near = size * self.compare(apart, evidence.experience)
        member = near / near.sum(1, keepdims=True)
        more = {"categories_kept": float(found.number)}
        return Answer(member @ prototypes, member @ member.T, more)


def mend_kernel(kernel: np.ndarray) -> np.ndarray:
    """Return a kernel without negative eigenvalues, with ones on its diagonal as before."""
    values, vectors = np.linalg.eigh(kernel)
    if values[0] >= 0:
        return kernel
    mended = (vectors * np.maximum(values, 0)) @ vectors.T
    size = np.sqrt(np.diag(mended))
    return mended / np.outer(size, size)
