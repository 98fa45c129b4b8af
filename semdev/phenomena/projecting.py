"""Inductive projection: a new property goes to the kin of the item it was taught of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from semdev.data import trees
from semdev.data.dataset import Dataset
from semdev.learners import Learner
from semdev.measures.induction import item_vectors
from semdev.phenomena.base import Criterion, NotApplicableError, Phenomenon, ask_for_tree

EARLY, LATE = 0, 1


def teach_everybody(learner: Learner, data: Dataset, seeds: Sequence[int]) -> xr.Dataset:
    """Teach each item a new property in turn: early, when it is projected most broadly, and late.

    What item j gets of a property taught of item i is h_jᵀ h_i / |h_i|² (`project_property`), h the
    last hidden layer. Where that differs with the relation asked about, as in Rumelhart's network,
    the property is taught and asked under each relation, and the mean is taken. Early is the time
    at which others get most of it on average, whatever their classes; late is the end.

    Returns
    -------
    Dataset
        `projection(seed, age, item, item_2)`, shares of what the taught `item` has (NaN where it
        has no representation), and the classes, `ancestor(item, level)`.

    Raises
    ------
    NotApplicableError
        There is nothing over which a property could be projected.
    """
    history = learner.learn(data, seeds=seeds)
    each = project_to_all(history)
    count = each.shape[-1]
    known = np.isfinite(each) & ~np.eye(count, dtype=bool)
    number = known.sum((-1, -2))
    others = np.where(known, each, 0.0).sum((-1, -2)) / np.maximum(number, 1)
    broadest = np.where(number, others, -np.inf).argmax(1)
    ages = np.stack([each[np.arange(len(each)), broadest], each[:, -1]], axis=1)
    return xr.Dataset(
        {"projection": (("seed", "age", "item", "item_2"), ages)},
        coords={name: history[name].variable for name in ("seed", "item", "level", "ancestor")},
    )


def project_to_all(history: xr.Dataset) -> np.ndarray:
    """Return what every item gets of a property taught of each, seed × time × taught × other.

    Raises NotApplicableError where nothing is known of what the learner represents.

    >>> import semdev as sd
    >>> child = sd.solve(sd.load("saxe2019"), depth=2, hidden=True)
    >>> project_to_all(child)[0, -1, 0].round(2)    # of the canary's property
    array([1.  , 0.38, 0.14, 0.14])
    """
    narrow = history.isel(property=[0])  # spares predictions from outputs, which nobody needs
    contexts = history["context"].values.tolist() if "context" in history.dims else []
    found = []
    try:
        for context in contexts or [None]:
            chosen = narrow if context is None else narrow.sel(context=context)
            vectors = item_vectors(chosen, None, None)[0]
            gram = vectors @ vectors.swapaxes(-1, -2)
            own = np.einsum("stii->sti", gram)[..., None]
            found.append(np.divide(gram, own, out=np.full_like(gram, np.nan), where=own > 0))
    except ValueError:
        raise NotApplicableError(
            "it has no hidden layer over items, nor anything else that says how alike it holds them"
        ) from None
    return np.mean(found, axis=0)


def find_kin(classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each item's kin and its strangers, item × item, from classes (item × level).

    Kin share the narrowest class the item has any company in, strangers are all others; who has
    company in the whole alone has neither.

    >>> kin, strangers = find_kin(np.array([["all", "bird"], ["all", "bird"], ["all", "oak"]]))
    >>> kin.astype(int), strangers.astype(int)
    (array([[0, 1, 0],
           [1, 0, 0],
           [0, 0, 0]]), array([[0, 0, 1],
           [0, 0, 1],
           [0, 0, 0]]))
    """
    parting = trees.common_levels(classes)
    np.fill_diagonal(parting, -1)
    nearest, farthest = parting.max(1, keepdims=True), parting[parting >= 0].min(initial=0)
    kin = (parting == nearest) & (nearest > farthest)
    return kin, (parting < nearest) & (parting >= 0) & (nearest > farthest)


def compare_kin(result: xr.Dataset) -> np.ndarray:
    """Return what kin and strangers get of a new property, mean over taught items.

    (kin, strangers) × seed × age.

    Raises
    ------
    NotApplicableError
        No class is smaller than the whole and larger than an item.
    """
    masks = find_kin(result["ancestor"].values)
    if not masks[0].any():
        raise NotApplicableError("no class of the tree is smaller than the whole and holds two")
    each = result["projection"].values
    known = np.isfinite(each)
    each = np.where(known, each, 0.0).reshape(*each.shape[:2], -1)
    known = known.reshape(each.shape).astype(float)
    found = []
    for mask in masks:
        weights = (mask / np.maximum(mask.sum(1, keepdims=True), 1)).ravel()
        total = known @ weights
        found.append(np.divide(each @ weights, total, out=np.full(total.shape, np.nan),
                               where=total > 0))  # fmt: skip
    return np.array(found)


def measure_projection(result: xr.Dataset) -> xr.DataArray:
    """Return by how much more of a new property kin get than strangers, at the end.

    In shares of what the taught item has: 0 where nobody else gets any, or all the same.
    """
    kin, strangers = compare_kin(result)[..., LATE]
    return xr.DataArray(kin - strangers, dims="seed", coords={"seed": result["seed"].values})


def measure_narrowing(result: xr.Dataset) -> xr.DataArray:
    """Return by how much more strangers lose of a new property than kin, from early to late.

    In shares of what the taught item has; where strangers lose less than that, what they lose. 0 or
    below: nothing narrows, or what does narrows for kin alike.
    """
    kin, strangers = compare_kin(result)
    lost = strangers[:, EARLY] - strangers[:, LATE]
    beyond = lost - (kin[:, EARLY] - kin[:, LATE])
    return xr.DataArray(
        np.minimum(lost, beyond), dims="seed", coords={"seed": result["seed"].values}
    )


INDUCTIVE_PROJECTION = Phenomenon(
    name="inductive projection",
    claim="A new property taught of one item is ascribed to its kin more than to others.",
    human="López et al. (1992): kindergartners go by similarity; Gelman (1988): natural kinds "
    "carry more than artefacts do",
    experiment=teach_everybody,
    measure=measure_projection,
    unit="share of what the taught item has",
    criterion=Criterion(
        0.1, "ours", "a tenth of what the item itself has, the margin from which an excess counts"
    ),
    asks=ask_for_tree,
    impossible_for=("shallow linear",),
)

NARROWING = Phenomenon(
    name="narrowing of projection",
    claim="A new property goes broadly at first, and later to kin: strangers lose more of it.",
    human="after Carey (1985); replicated by Medin et al. (2010) with urban children, not with "
    "rural or Menominee ones",
    experiment=teach_everybody,
    measure=measure_narrowing,
    unit="share of what the taught item has",
    criterion=Criterion(
        0.1, "ours", "a tenth of what the item itself has, the margin from which an excess counts"
    ),
    asks=ask_for_tree,
    impossible_for=("shallow linear",),
)
