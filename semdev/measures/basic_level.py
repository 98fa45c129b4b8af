"""The basic level: which level of a taxonomy is strongest, and which is learned first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.data import trees
from semdev.data.dataset import Dataset
from semdev.history import check, count_layers, is_plain
from semdev.measures.categories import calibrate_start, expect_history
from semdev.measures.crossing import first_crossing
from semdev.measures.modes import level_strengths, require_tree, take_seeds
from semdev.models.closed_forms import time_to_reach


def basic_level(data: Dataset | xr.Dataset) -> xr.Dataset:
    """Return how strong each level of the tree is, what makes it so, and which level wins.

    Items are alike by G = Y Yᵀ / N (N properties). A level's eigenvalue is the mean of G over its
    subspace, λ_l = tr(P_l G) / dim_l (see `level_subspaces`); a deep linear network learns levels
    in the order of s_l = √(N λ_l). Items that part at level l have q_l in common (mean of G over
    such pairs), and Δ_l = q_l − q_{l−1} is what level l adds. In a balanced tree with n_k items to
    a class of level k, exactly and for any properties,

        λ_l = Σ_{k ≥ l} Δ_k n_k,    so that    λ_l − λ_{l+1} = Δ_l n_l.

    A level can come before the one above it only if that one's Δ is negative: its subclasses have
    less in common than classes of different parents have. Branching diffusion cannot do that
    (Δ ≥ 0). That similarity decides the order is Saxe, McClelland & Ganguli's (2019); form and
    theorem are derived here. A rival account stands beside it: category utility (Corter & Gluck
    1992, Psychological Bulletin 111:291–303), of a level the mean over its classes C of
    P(C) Σ_m [P(m|C)² − P(m)²]. It sums what modes down to a level hold and divides by the
    number of classes: in 0/1 coding Σ_{1≤k≤l} dim_k N λ_k / (P M_l), with P items and M_l classes.

    Parameters
    ----------
    data : Dataset or History
        With a tree. (A History's target is meant.) Items count alike, whatever their frequency.

    Returns
    -------
    Dataset
        Over level (0 is the root): `eigenvalue` λ; `predicted` (from Δ; NaN unless the tree is
        balanced); `strength` √(N λ), a singular value; `shared` q; `increment` Δ; `purity`, the
        share of G P_l that stays in the level (1: the level's modes are modes of the data);
        `classes` M; `multiplicity` dim; `category_utility` (with presence meaning the larger of two
        values; NaN for graded data). Without a dimension: `strongest` and `preferred`, the
        levels, apart from what all items share, with the largest eigenvalue and the largest
        category utility (−1 where there is none).

    Raises
    ------
    ValueError
        No tree.

    Examples
    --------
    >>> from semdev.data.categories import contrasting_features
    >>> found = basic_level(contrasting_features([2, 2, 2], contrasts=5, seed=0))
    >>> (found["strength"] ** 2).values, int(found["strongest"])
    (array([35., 7., 13., 1.]), 2)
    """
    target, classes = _read(data)
    y = target.values
    n_items, n_properties = y.shape
    similar = y @ y.T / n_properties
    spans = []
    for level in range(classes.shape[1]):
        same = classes[:, level][:, None] == classes[:, level][None, :]
        spans.append(same / same.sum(1, keepdims=True))
    projectors = np.diff(np.stack(spans), axis=0, prepend=0.0)
    parting = trees.common_levels(classes)
    dim = np.rint(np.einsum("lii->l", projectors)).astype(int)
    number = np.array([len(np.unique(column)) for column in classes.T])
    levels = np.arange(len(dim))
    q = np.array([_mean(similar[parting == level]) for level in levels])
    delta = np.diff(q, prepend=0.0)
    kept = dim > 0
    some = np.where(kept, dim, 1)
    inside = np.einsum("lij,jk,lki->l", projectors, similar, projectors, optimize=True)
    eigenvalue = np.where(kept, inside / some, np.nan)
    stays = np.linalg.norm(projectors @ similar @ projectors, axis=(1, 2)) ** 2
    whole = np.linalg.norm(projectors @ similar, axis=(1, 2)) ** 2
    empty = whole <= 1e-18 * np.sum(similar**2)
    balanced = all(np.ptp(np.unique(c, return_counts=True)[1]) == 0 for c in classes.T)
    predicted = np.full(len(dim), np.nan)
    if balanced and np.isfinite(q).all():
        predicted = np.cumsum((delta * n_items / number)[::-1])[::-1]
    utility = _category_utility(y, spans, number)
    fields: dict[str, np.ndarray] = {
        "eigenvalue": eigenvalue,
        "predicted": predicted,
        "strength": np.sqrt(n_properties * np.maximum(eigenvalue, 0.0)),
        "shared": q,
        "increment": delta,
        "purity": np.where(empty, np.nan, stays / np.where(empty, 1.0, whole)),
        "classes": number,
        "multiplicity": dim,
        "category_utility": utility,
    }
    result = xr.Dataset(
        {name: ("level", values) for name, values in fields.items()}, coords={"level": levels}
    )
    result["strongest"] = ((), _best(eigenvalue))
    result["preferred"] = ((), _best(utility))
    return say_measure("basic_level", result)


def level_acquisition(
    history: xr.Dataset,
    *,
    share: float = 0.5,
    depth: int | None = None,
    initial: float | None = None,
) -> xr.Dataset:
    """Return when a learner draws the distinctions of each level, and which level comes first.

    A level is acquired when `level_strengths` has reached `share`. (That a basic level can come
    first: Rosch et al. 1976; Rogers & McClelland 2004. The criterion is ours.)

    Parameters
    ----------
    history : xr.Dataset
        A History with a tree.
    share : float
        0 to 1.
    depth : int
        Number of weight matrices of the linear network that predicts: 1 is shallow.
    initial : float, optional
        Its starting strength; by default that which fits the half-time of the strongest mode, and
        nothing else, to this History (see `calibrate_start`).

    Returns
    -------
    Dataset
        `acquired` (seed × level; NaN if never, or if the data do not differ there); over level
        `predicted` (all modes together), `predicted_alone` (one mode as strong as the level
        is, time to reach `share` of √(N λ_l); NaN where items differ in frequency) and
        `strength`, √(N λ_l); `first` (seed), the level acquired first apart from what all items
        share (−1: none), `lead` (seed), by what share of its own time it is ahead of the next,
        and `predicted_first`.

    Raises
    ------
    ValueError
        No tree, or a share outside 0 to 1.

    Examples
    --------
    >>> import semdev as sd
    >>> found = level_acquisition(sd.solve(sd.load("cao2020"), depth=2)).isel(seed=0)
    >>> found["acquired"].values.round(1), int(found["first"])
    (array([1.7, 2.4, 3.5, 5.8]), 1)
    """
    if not 0 < share < 1:
        raise ValueError(f"share lies between 0 and 1, got {share}")
    require_tree(history)
    depth = count_layers(history) if depth is None else depth
    start = calibrate_start(history, depth=depth) if initial is None else initial
    expected = expect_history(history, depth=depth, initial=start)
    strength = basic_level(history)["strength"]
    acquired = first_crossing(level_strengths(history), share)
    predicted = first_crossing(level_strengths(expected), share).isel(seed=0, drop=True)
    alone = np.full(strength.sizes["level"], np.nan)
    frequency = history["frequency"].values
    if np.ptp(frequency) == 0 and is_plain(history):
        s, d = strength.values, float(frequency[0])
        there = s > 1e-9 * np.nanmax(s)
        alone[there] = time_to_reach(
            share, d * s[there], initial=np.minimum(start, 0.5 * s[there]), depth=depth, d=d
        )
    order = np.sort(acquired.isel(level=slice(1, None)).values, axis=1)  # NaN last
    lead = order[:, 1] / order[:, 0] - 1 if order.shape[1] > 1 else np.full(len(order), np.nan)
    result = xr.Dataset(
        {
            "acquired": acquired,
            "predicted": predicted,
            "predicted_alone": ("level", alone),
            "strength": strength,
            "first": ("seed", [_best(-row) for row in acquired.transpose("seed", "level").values]),
            "lead": ("seed", lead),
            "predicted_first": ((), _best(-predicted.values)),
        },
        coords=take_seeds(history),
    )
    return say_measure("level_acquisition", result)


def predict_level_eigenvalues(
    branching: Sequence[int], *, increments: Sequence[float]
) -> xr.DataArray:
    """Return the eigenvalue of each level in a balanced tree: λ_l = Σ_{k ≥ l} c_k n_k.

    For items with covariance (or similarity) Σ_l c_l J_l, where J_l is 1 for two items of one class
    at level l and n_l is the number of items in such a class. Derived here.

    Parameters
    ----------
    branching : sequence of int
        Children of each node at each level.
    increments : sequence of float
        c_l, root first, leaves last.

    Returns
    -------
    DataArray, level
        In the increments' units, with the coordinate `multiplicity`.

    Raises
    ------
    ValueError
        Branching that is none, or not one increment for each level.

    Examples
    --------
    >>> predict_level_eigenvalues([2, 2, 2], increments=[0.25, -0.12, 0.6, 0.27]).values
    array([2.99, 0.99, 1.47, 0.27])
    """
    trees.balanced(branching)  # says what is wrong
    nodes = np.cumprod([1, *branching])
    if len(increments) != len(nodes):
        raise ValueError(
            f"increments needs one number for each of the {len(nodes)} levels, root first; got "
            f"{len(increments)}"
        )
    gain = np.asarray(increments, dtype=float) * nodes[-1] / nodes
    return xr.DataArray(
        np.cumsum(gain[::-1])[::-1], dims="level", name="eigenvalue",
        coords={
            "level": np.arange(len(nodes)),
            "multiplicity": ("level", np.diff(nodes, prepend=0)),
        },
    )  # fmt: skip


def _read(data: Dataset | xr.Dataset) -> tuple[xr.DataArray, np.ndarray]:
    """Return the target and its classes, item × level."""
    if not isinstance(data, Dataset):
        return check(data)["target"], require_tree(data).values
    if data.tree is None:
        raise ValueError(
            f"{data.name} has no tree, and levels are a tree's: data.with_tree(tree), with tree = "
            "semdev.trees.from_nested({…}), or, from the data themselves, "
            'from_clustering(data.properties.values, data.properties["item"].values)'
        )
    target = data.properties
    return target, trees.ancestors(data.tree).loc[target["item"].values].to_numpy().astype(str)


def _category_utility(y: np.ndarray, spans: Any, number: np.ndarray) -> np.ndarray:
    """Return the mean over a level's classes of P(C) Σ_m [P(m|C)² − P(m)²]."""
    values = np.unique(y)
    if len(values) > 2:
        return np.full(len(number), np.nan)
    present = (y == values[-1]).astype(float)
    base = np.sum(present.mean(0) ** 2)
    kept = np.array([np.sum((span @ present) ** 2) / len(y) for span in spans])
    return (kept - base) / number


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else np.nan


def _best(values: np.ndarray) -> int:
    """Return the level below the root with the largest value, −1 where there is none."""
    below = np.where(np.isfinite(values), values, -np.inf)[1:]
    return int(below.argmax()) + 1 if below.size and np.isfinite(below.max()) else -1
