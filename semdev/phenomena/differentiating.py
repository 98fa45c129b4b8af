"""Differentiating: broad distinctions before fine ones, and each in a transition of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.spatial.distance import pdist

from semdev.data import trees
from semdev.data.dataset import Dataset
from semdev.learners import Learner
from semdev.measures.crossing import first_crossing
from semdev.measures.modes import level_subspaces, parting_levels
from semdev.measures.similarity import item_distances
from semdev.phenomena.base import Criterion, Phenomenon

ALIKE = 1e-6  # what is smaller, beside the largest, is nothing to be told apart


def ask_for_levels(data: Dataset) -> str:
    """Return why data have no two levels of distinctions, "" if they have.

    >>> import semdev as sd
    >>> ask_for_levels(sd.load("saxe2019"))
    ''
    """
    if data.tree is None:
        return "items have no classes: the data have no tree"
    items = data.properties["item"].values
    parting = trees.common_levels(trees.ancestors(data.tree).loc[items].to_numpy().astype(str))
    apart = pdist(data.properties.values)
    differ = apart > ALIKE * apart.max(initial=0.0)
    levels = np.unique(parting[np.triu_indices(len(items), k=1)][differ])
    return "" if len(levels) > 1 else "items part at one level of the tree only"


def compare_items(learner: Learner, data: Dataset, seeds: Sequence[int]) -> xr.Dataset:
    """Return the History with `distance` (seed × time × pair), how far apart outputs are."""
    history = learner.learn(data, seeds=seeds)
    pairs = np.triu_indices(history.sizes["item"], k=1)
    distance = item_distances(history).values[..., pairs[0], pairs[1]]
    return history.assign(distance=(("seed", "time", "pair"), distance))


def measure_differentiation(result: xr.Dataset) -> xr.DataArray:
    """Return by how much each level separates before the next, the closest of them, over seed.

    The logarithm of the ratio of half-times of two adjacent levels at which items part (see
    `differentiation`), in the outputs; the smallest. A half-time that is not reached counts as the
    last time recorded, which it exceeds; the first record is the shortest that can be told.
    """
    pairs = np.triu_indices(result.sizes["item"], k=1)
    parting = parting_levels(result)[pairs]
    chosen = parting == np.unique(parting)[:, None]
    share = chosen / chosen.sum(1, keepdims=True)
    truth = share @ pdist(result["target"].values)
    share, truth = (each[truth > ALIKE * truth.max()] for each in (share, truth))
    apart = result["distance"].values @ share.T
    half = first_crossing(
        xr.DataArray(apart, dims=("seed", "time", "level"), coords={"time": result["time"]}),
        xr.DataArray(truth / 2, dims="level"),
    )
    times = result["time"].values
    half = half.fillna(times[-1]).clip(min=times[1]).transpose("seed", "level")
    lead = np.diff(np.log(half.values), axis=1)
    value = lead.min(1) if lead.shape[1] else np.full(len(lead), math.nan)
    return xr.DataArray(value, dims="seed", coords={"seed": result["seed"].values})


def overlap_with_truth(learner: Learner, data: Dataset, seeds: Sequence[int]) -> xr.Dataset:
    """Return the History with `overlap`, Ŷ(t) Yᵀ (seed × time × item × item_2)."""
    history = learner.learn(data, seeds=seeds)
    overlap = history["output"].values @ history["target"].values.T
    return history.assign(overlap=(("seed", "time", "item", "item_2"), overlap))


def split_classes(result: xr.Dataset) -> np.ndarray:
    """Return, for each class that parts, the projector on what sets its parts apart.

    The subspaces of a level's classes are orthogonal and make up that of the level
    (`level_subspaces`).
    """
    classes = result["ancestor"].values
    found = []
    for subspace, column in zip(level_subspaces(result).values[1:], classes.T, strict=False):
        members = column == np.unique(column)[:, None]
        each = subspace * members[:, :, None] * members[:, None, :]
        found.append(each[np.einsum("cii->c", each) > 0.5])
    return np.concatenate(found)


def measure_stages(result: xr.Dataset) -> xr.DataArray:
    """Return how abruptly classes are parted, the median over classes that part, over seed.

    Half-time ÷ rise time (10 to 90 %) of each branching's strength ⟨P Ŷ, Y⟩ / |P Y|², with P the
    projector on what sets the class's parts apart (see `split_classes`); 0 where it does not rise
    that far, or was there from the start.
    """
    target, overlap = result["target"].values, result["overlap"].values
    parts = split_classes(result)
    size = np.einsum("bij,ij->b", parts, target @ target.T)
    drawn = size > 1e-12 * np.sum(target**2)
    parts, size = parts[drawn].reshape(drawn.sum(), len(target) ** 2), size[drawn]
    strength = overlap.reshape(*overlap.shape[:2], -1) @ parts.T / size
    curve = xr.DataArray(strength, dims=("seed", "time", "class"), coords={"time": result["time"]})
    low, half, high = (
        first_crossing(curve, share).transpose("seed", "class").values for share in (0.1, 0.5, 0.9)
    )
    rise = high - low
    abrupt = np.divide(half, rise, out=np.zeros(half.shape), where=rise > 0)
    value = np.median(abrupt, axis=1) if abrupt.shape[1] else np.full(len(abrupt), math.nan)
    return xr.DataArray(value, dims="seed", coords={"seed": result["seed"].values})


PROGRESSIVE_DIFFERENTIATION = Phenomenon(
    name="progressive differentiation",
    claim="Broad distinctions are drawn before fine ones, level by level.",
    human=(
        "12 to 30 months: more inclusive levels of categorization emerge before less inclusive "
        "ones (Bornstein & Arterberry 2010); 14 months: basic-level categories not yet told apart "
        "(Mandler & McDonough 2000); Vales, Stevens & Fisher 2020. Against: 3 to 4 months, cats "
        "and dogs told apart by sight (Quinn, Eimas)"
    ),
    experiment=compare_items,
    measure=measure_differentiation,
    unit="log ratio of half-times, of the two levels closest to each other",
    criterion=Criterion(
        at_least=math.log(1.05),
        source="ours",
        why="every level leads the next by 5 % of its half-time: near-ties are not orders",
    ),
    asks=ask_for_levels,
    impossible_for=("shallow linear",),
)

STAGE_LIKE_TRANSITIONS = Phenomenon(
    name="stage-like transitions",
    claim="Classes are parted each in a transition of its own, short beside the wait for it.",
    human=(
        "vocabulary spurts, stages at the balance scale and conceptual reorganization have been "
        "described so; the evidence is contested, and averages over children hide stages"
    ),
    experiment=overlap_with_truth,
    measure=measure_stages,
    unit="half-time ÷ rise time (10 to 90 %), median over branchings of the tree",
    criterion=Criterion(
        at_least=1.0,
        source="ours",
        why=(
            "the rise takes no longer than the wait for its middle: an exponential from the start "
            "has ln 2 / ln 9 = .32, a straight line .63, a logistic curve ln(s/a₀ − 1) / (2 ln 9), "
            "which is 1 or more for starts below s/82"
        ),
    ),
    asks=ask_for_levels,
    impossible_for=("shallow linear",),
)
