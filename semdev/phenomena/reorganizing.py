"""Reorganization: kinds that have come apart come together again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from semdev.data.dataset import Dataset
from semdev.learners import Learner
from semdev.phenomena.base import Criterion, NotApplicableError, Phenomenon, ask_for_tree


def compare_beliefs(learner: Learner, data: Dataset, seeds: Sequence[int]) -> xr.Dataset:
    """Learn the data; keep the products of items' beliefs, from which distances can be had.

    Returns
    -------
    Dataset
        `gram(seed, time, item, item_2)`, in units of the mean squared distance of two items at
        the end (NaN where all items end alike), and the classes, `ancestor(item, level)`.
    """
    history = learner.learn(data, seeds=seeds)
    output = history["output"].values
    gram = output @ output.swapaxes(-1, -2)
    last, count = gram[:, -1], gram.shape[-1]
    total = count * np.einsum("sii->s", last) - last.sum((1, 2))
    scale = total / (count * (count - 1) / 2)
    unit = np.where(scale > 1e-12 * np.abs(last).max((1, 2)), scale, np.nan)
    return xr.Dataset(
        {"gram": (("seed", "time", "item", "item_2"), gram / unit[:, None, None, None])},
        coords={
            name: history[name].variable for name in ("seed", "time", "item", "level", "ancestor")
        },
    )


def find_siblings(classes: np.ndarray) -> np.ndarray:
    """Return contrasts between classes of two items or more that lie in one class, contrast × item.

    1/n in the n members of the one, −1/m in the m of the other, 0 elsewhere.

    >>> find_siblings(np.array([["all", "a"], ["all", "a"], ["all", "b"], ["all", "b"]]))
    array([[ 0.5,  0.5, -0.5, -0.5]])
    """
    found: dict[bytes, np.ndarray] = {}
    for wide, narrow in zip(classes.T[:-1], classes.T[1:], strict=True):
        for parent in dict.fromkeys(wide.tolist()):
            members = [
                narrow == name for name in dict.fromkeys(narrow[wide == parent].tolist())
                if (narrow == name).sum() > 1
            ]  # fmt: skip
            for k, one in enumerate(members):
                for other in members[k + 1 :]:
                    contrast = one / one.sum() - other / other.sum()
                    found.setdefault(contrast.tobytes(), contrast)
    return np.array(list(found.values())).reshape(-1, len(classes))


def measure_reunion(result: xr.Dataset) -> xr.DataArray:
    """Return how far two kinds come together again after they have come apart.

    With d(t) the distance between the means of two classes that lie in one class, over the root
    mean square distance of two items at the end: max_t d − max(d(start), d(end)), the largest over
    such classes. What began apart, by chance, has not come apart; what only parts scores 0. So does
    a linear network without a hidden layer, whose d² is a convex function of e^(−t) and largest at
    one of the ends, with an output bias or without; and a deep one that began small, whose modes
    only grow.

    Raises
    ------
    NotApplicableError
        No class holds two classes of two items or more.
    """
    contrasts = find_siblings(result["ancestor"].values)
    if not len(contrasts):
        raise NotApplicableError("no class of the tree holds two classes of two items or more")
    gram = result["gram"].values
    square = np.einsum("ci,cj->ijc", contrasts, contrasts).reshape(-1, len(contrasts))
    apart = np.sqrt(np.maximum(gram.reshape(*gram.shape[:2], -1) @ square, 0))
    again = apart.max(1) - np.maximum(apart[:, 0], apart[:, -1])
    return xr.DataArray(again.max(-1), dims="seed", coords={"seed": result["seed"].values})


REORGANIZATION = Phenomenon(
    name="reorganization",
    claim="Kinds that have come apart come together again: more happens than that kinds divide.",
    human="after Carey (1985), where plants and animals come together as living things; that they "
    "once were apart is left in adults (Goldberg & Thompson-Schill 2009)",
    experiment=compare_beliefs,
    measure=measure_reunion,
    unit="root mean square distance of two items",
    criterion=Criterion(
        0.1, "ours", "a tenth of the distance between two items, as for other margins of shares"
    ),
    asks=ask_for_tree,
    impossible_for=("shallow linear",),
)
