"""Bayesian learners: properties as smooth functions on a structure fitted to what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from semdev._names import require
from semdev.data.dataset import Dataset
from semdev.models.rivals._forms import (
    Graph,
    covary,
    grow_line,
    grow_partition,
    grow_tree,
    link,
    measure_distances,
)
from semdev.models.rivals.base import Answer, Evidence, Rival

FORMS = ("partition", "chain", "ring", "tree")
LINES = ("chain", "ring")
THETA = 0.05
TINY = np.finfo(float).tiny
TIES = np.logspace(-2, 2, 81)  # values of σ that are tried


@dataclass(frozen=True, kw_only=True)
class TreeKernel(Rival):
    """A Bayesian learner: each property drifts along the branches of a fitted tree.

    The tree is average linkage of what has been seen (see `measure_distances`), all of its branches
    as long as the linkage says, 1 from root to leaf. Each property is a draw from a Gaussian
    process whose mean is the mean of all that has been seen, and whose covariance is

        a (K + ν I),    K = (L + D/σ²)⁻¹ of the items,

    diffusion on the tree (`semdev.form_covariance`). The noise ν, and σ, which says how alike all
    items are to begin with, are those of a small grid under which what has been seen is most
    likely; the amplitude a is its best for each. Beliefs are the posterior mean of a K, and the
    kernel is K, of mean 1 on its diagonal. Recorded besides: `log_likelihood`, `noise`, `sigma`.

    Parameters
    ----------
    noises : sequence of float
        Values of ν to choose from, in lengths of the path from root to leaf.
    sigmas : sequence of float
        Values of σ to choose from.
    arrival : "cells", "items" or "properties"
        What arrives.

    Raises
    ------
    ValueError
        No values, or some that are not finite and above 0.

    References
    ----------
    Kemp, C. & Tenenbaum, J. B. (2009). Structured statistical models of inductive reasoning.
    Psychological Review 116, 20–58.
    Lake, B. M., Lawrence, N. D. & Tenenbaum, J. B. (2018). The emergence of organizing structure
    in conceptual representation. Cognitive Science 42, 809–832.

    Examples
    --------
    >>> import semdev as sd
    >>> history = TreeKernel().learn(sd.load("rumelhart8"), seeds=[0], record=5)
    >>> sd.ask(history, "pine", "has leaves").isel(seed=0).values.round(1)    # oak has
    array([0. , 0.7, 0.5, 0. , 0. ])
    """

    noises: Sequence[float] = (0.01, 0.1, 1.0)
    sigmas: Sequence[float] = (1.0, 3.0, 10.0)
    arrival: str = "cells"

    def __post_init__(self) -> None:
        for name in ("noises", "sigmas"):
            object.__setattr__(self, name, read_grid(getattr(self, name), name))

    def answer(self, evidence: Evidence) -> Answer:
        """Return the posterior mean on the tree fitted to what has been seen."""
        cells = Cells.of(evidence)
        merges = link(measure_distances(evidence.values, evidence.seen)[0])
        if len(merges):
            merges[:, 2] *= 2 / merges[-1, 2]
        reduced = grow_tree(merges).reduce(len(evidence.values))
        covariances = [covary(reduced, sigma) for sigma in self.sigmas]
        scores = np.array([cells.weigh(each, self.noises) for each in covariances])
        which, other = divmod(int(np.argmax(scores)), len(self.noises))
        covariance, noise = covariances[which], self.noises[other]
        return Answer(
            cells.fill(covariance, noise),
            covariance / np.diag(covariance).mean(),
            {"log_likelihood": scores.max(), "noise": noise, "sigma": self.sigmas[which]},
        )


@dataclass(frozen=True, kw_only=True)
class StructuralForms(Rival):
    """A Bayesian learner that finds of which form the structure is, as well as the structure.

    For each form the best graph that a heuristic finds, all from the mean squared differences of
    items where both were seen (see `measure_distances`):

    ========= ====================================== ========================================
    form      graph                                  lengths of edges
    ========= ====================================== ========================================
    partition stars around latent hubs, from the     half of the members' mean distance
              likeliest cut of an average linkage
    chain     order of classical scaling             distance of the ends, less the noise
    ring      order of classical scaling             distance of the ends, less the noise
    tree      average linkage, the items its leaves  half of the difference of heights
    ========= ====================================== ========================================

    Properties are draws from a Gaussian with covariance a ((L + D/σ²)⁻¹ + ν I) about the mean of
    all that has been seen. σ is such that items vary on average as they are seen to; the amplitude
    a is the likeliest, and so is ν of a grid in chains and rings; elsewhere items hang by edges
    of their own, and ν is the least. The log posterior of a form is this log likelihood and ln θ
    for every length that was fitted: a chain's n − 1 and a ring's n edges, the n − 1 heights of a
    tree, the clusters of a partition. So Kemp & Tenenbaum (2008) score forms, whose θ^|S| counts
    clusters of items, and who search graphs by grammars, put several items at a node and weigh
    all lengths. Beliefs and kernel are those of the one best form, as in `TreeKernel`; so they
    jump when another form wins. Recorded besides: `log_posterior_FORM` for each.

    Parameters
    ----------
    forms : sequence of str
        Forms to choose from; of equal ones the first.
    theta : float
        θ, what each fitted length multiplies the prior by, above 0 and at most 1. The default
        is about 1/√N, what a length costs where it is integrated over (Schwarz 1978), for some
        hundreds of properties N.
    noises : sequence of float
        Values of ν to choose from; 1 is how much items vary, half of their mean
        squared difference.
    arrival : "cells", "items" or "properties"
        What arrives.

    Raises
    ------
    KeyError
        No such form; the nearest match is suggested.
    ValueError
        No forms, or one named twice; a θ or noises out of range.

    References
    ----------
    Kemp, C. & Tenenbaum, J. B. (2008). The discovery of structural form. PNAS 105, 10687–10692.

    Examples
    --------
    >>> import semdev as sd
    >>> history = StructuralForms().learn(sd.load("living_things"), seeds=[0], record=5)
    >>> forms = ["log_posterior_" + form for form in FORMS]
    >>> history[forms].isel(seed=0, time=-1).to_array().idxmax().item()
    'log_posterior_tree'
    """

    forms: Sequence[str] = FORMS
    theta: float = THETA
    noises: Sequence[float] = (0.01, 0.03, 0.1, 0.3)
    arrival: str = "cells"

    def __post_init__(self) -> None:
        forms = (self.forms,) if isinstance(self.forms, str) else tuple(self.forms)
        for form in forms:
            require(form, FORMS, kind="form", where="StructuralForms")
        if not forms or len(set(forms)) < len(forms):
            raise ValueError(f"forms={forms!r}: one form at least, and none twice")
        if not 0 < self.theta <= 1:
            raise ValueError(
                f"theta={self.theta!r}: a factor for every fitted length, above 0 and at most 1"
            )
        object.__setattr__(self, "forms", forms)
        object.__setattr__(self, "noises", read_grid(self.noises, "noises"))

    def answer(self, evidence: Evidence) -> Answer:
        """Return the posterior mean on the best graph of the best form."""
        cells = Cells.of(evidence)
        found = self.weigh_forms(evidence, cells)
        _, covariance, noise = max(found.values(), key=lambda each: each[0])
        return Answer(
            cells.fill(covariance, noise),
            covariance / np.diag(covariance).mean(),
            {f"log_posterior_{form}": each[0] for form, each in found.items()},
        )

    def weigh_forms(
        self, evidence: Evidence, cells: Cells
    ) -> dict[str, tuple[float, np.ndarray, float]]:
        """Return of each form the log posterior, the covariance of items, and the noise."""
        distance, unit = measure_distances(evidence.values, evidence.seen)
        merges = link(distance)
        variance = float((cells.values**2).sum() / max(cells.known.sum(), 1)) / unit or 0.5
        found = {}
        for form in self.forms:
            graph, scored = grow(form, distance, merges, variance), []
            for noise in np.array(self.noises if form in LINES else self.noises[:1]) / 2:
                clean = graph.shorten(2 * noise) if form in LINES else graph
                reduced = clean.reduce(len(distance))
                covariance = covary(reduced, match_sigma(reduced[0], variance - noise))
                likely = float(cells.weigh(covariance, [noise])[0])
                prior = graph.fitted * np.log(self.theta)
                scored.append((likely + prior, covariance, float(noise)))
            found[form] = max(scored, key=lambda each: each[0])
        return found


def score_forms(
    data: Dataset, *, forms: Sequence[str] = FORMS, theta: float = THETA
) -> xr.DataArray:
    """Return the log posterior of each structural form, given all of a world.

    Parameters
    ----------
    data : Dataset
        The world.
    forms, theta
        As for `StructuralForms`.

    Returns
    -------
    DataArray, form

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.graph_gaussian(sd.make_form("ring", 12), seed=0)
    >>> score_forms(world).idxmax().item()
    'ring'
    """
    learner = StructuralForms(forms=forms, theta=theta)
    values = data.properties.values
    evidence = Evidence(values, np.ones(values.shape, dtype=bool), 1.0, float(values.mean()))
    found = learner.weigh_forms(evidence, Cells.of(evidence))
    return xr.DataArray(
        [each[0] for each in found.values()], dims="form", coords={"form": list(found)},
        name="log_posterior",
    )  # fmt: skip


def grow(form: str, distance: np.ndarray, merges: np.ndarray, variance: float) -> Graph:
    """Return the best graph found of a form."""
    if form == "tree":
        return grow_tree(merges)
    if form == "partition":
        return grow_partition(merges, distance, variance)
    return grow_line(distance, closed=form == "ring")


def match_sigma(eigenvalues: np.ndarray, variance: float) -> float:
    """Return the σ with which items on a reduced graph have this variance on average."""
    expected = (1 / (eigenvalues[:, None] + TIES**-2.0)).mean(0)
    return float(np.interp(variance, expected, TIES))


def read_grid(values: Sequence[float], name: str) -> tuple[float, ...]:
    """Return the values of a grid, the least first.

    Raises ValueError unless all are finite and above 0.
    """
    grid = np.atleast_1d(np.asarray(values, dtype=float))
    if grid.ndim > 1 or not grid.size or not (np.isfinite(grid) & (grid > 0)).all():
        raise ValueError(f"{name}={values!r}: one or more finite numbers above 0")
    return tuple(sorted(grid.tolist()))


@dataclass(frozen=True, eq=False)
class Cells:
    """What has been seen: for each property the items it was seen of, in equally long rows."""

    which: np.ndarray  # property × place: the item
    known: np.ndarray  # property × place, bool; what is not is there for the length
    values: np.ndarray  # property × place: less the mean; 0 where not known
    pairs: np.ndarray  # property × place × place: where the pair is in a covariance, laid flat
    both: np.ndarray  # property × place × place: 1 where both are known, else 0
    neutral: float

    @classmethod
    def of(cls, evidence: Evidence) -> Cells:
        """Return what has been seen in rows."""
        seen = evidence.seen.T
        longest = int(seen.sum(1).max())
        which = np.argsort(~seen, axis=1, kind="stable")[:, :longest]
        known = np.take_along_axis(seen, which, axis=1)
        values = np.take_along_axis(evidence.values.T, which, axis=1) - evidence.neutral
        pairs = which[:, :, None] * seen.shape[1] + which[:, None, :]
        both = (known[:, :, None] & known[:, None, :]).astype(float)
        return cls(which, known, np.where(known, values, 0.0), pairs, both, evidence.neutral)

    def select(self, covariance: np.ndarray) -> np.ndarray:
        """Return the covariances of what was seen, property × place × place; else 0."""
        return covariance.take(self.pairs) * self.both

    def weigh(self, covariance: np.ndarray, noises: Sequence[float]) -> np.ndarray:
        """Return the log likelihood of what was seen for each noise, at its best amplitude.

        With the values as one more row, the last row of a Cholesky factor holds them whitened.
        """
        number = int(self.known.sum())
        properties, places = self.known.shape
        if not number:
            return np.zeros(len(noises))
        inner, rows = np.arange(places), np.empty((properties, places + 1, places + 1))
        rows[:, :places, :places] = self.select(covariance)
        rows[:, places, :places] = self.values
        plain = rows[:, inner, inner].copy()
        found = []
        for noise in noises:
            rows[:, inner, inner] = plain + np.where(self.known, noise, 1.0)
            rows[:, places, places] = 1 + 2 * (self.values**2).sum(1) / min(noise, 1.0)
            factors = np.linalg.cholesky(rows)
            within = np.log(factors[:, inner, inner]).sum()
            amplitude = max((factors[:, places, :places] ** 2).sum() / number, TINY)
            found.append(-number / 2 * (np.log(2 * np.pi * amplitude) + 1) - within)
        return np.array(found)

    def fill(self, covariance: np.ndarray, noise: float) -> np.ndarray:
        """Return the posterior mean of all cells, item × property."""
        inner = np.arange(self.known.shape[1])
        seen = self.select(covariance)
        seen[:, inner, inner] += np.where(self.known, noise, 1.0)
        solved = np.linalg.solve(seen, self.values[..., None])[..., 0]
        return self.neutral + np.einsum("pmi,pm->ip", covariance[self.which], solved)
