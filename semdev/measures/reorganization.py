"""Conceptual reorganization: whether likeness changes its kind, with the question and with age."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import xarray as xr
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform
from scipy.stats import rankdata

from semdev._measured import say_measure
from semdev._names import require
from semdev.history import check

METHODS = ("pearson", "spearman")
TIE = 1e-4  # nearer by less than this share is as near
ALIKE = 1e-9


def reorganization(
    history: xr.Dataset,
    *,
    layer: str = "hidden_2",
    clusters: int | Sequence[int] | None = None,
    method: str = "pearson",
) -> xr.Dataset:
    """Return how far items are regrouped in a layer: from question to question, and with time.

    What a layer holds of the items is read from their Euclidean distances, at each time and, where
    the layer differs with the relation asked about, in each context. Two such sets of distances
    are compared by their correlation over pairs of items; groupings by k clusters cut from an
    average-linkage dendrogram and the adjusted Rand index (Hubert & Arabie 1985: 1 for the same
    clusters, 0 on average by chance). Children come to group plants with animals as living things
    (Carey 1985), which asks for groups that dissolve, and not only for groups that part; Rogers &
    McClelland (2004) have items grouped otherwise when another relation is asked about. Where
    nothing but parting happens, as in the groups of a shallow network after the random start,
    `moved` is 0 and `kept` 1; a deep linear network keeps its broadest groups, while finer modes
    still change who is next to whom. What small random initial weights say of items is chance, so
    that the way out of them regroups items in any network. The indices are ours.

    Parameters
    ----------
    history : xr.Dataset
        A History; take ``history.isel(time=[…])`` first where few times are wanted, for what has
        changed since the last record depends on how far back that is.
    layer : str
        "output" or a recorded hidden layer. "hidden_2" is Rumelhart's hidden layer, which knows
        of the relation; with one hidden layer give "hidden_1".
    clusters : number or numbers, optional
        k, from 2 to one less than there are items. Default: as many as the tree has classes at
        each of its levels, or without a tree 2, 3 and 4.
    method : "pearson" or "spearman"
        The correlation of distances.

    Returns
    -------
    Dataset
        Over seed × time, and × context where the layer has contexts: `drift`, 1 − the correlation
        with the last record, 0 to 2; `moved`, the share of items none of whose nearest neighbours
        of the last record before is nearest still (NaN at the first); × item `neighbour`, the
        name of the nearest item (of those nearer by less than 1e-4 all names, ", " between them;
        "" while all are as near); × cluster_count `kept`, the adjusted Rand index of the k
        clusters with those one record before (NaN at the first); with a tree, × level
        `with_tree`, that of as many clusters as there are classes with the classes of the tree
        at that level. Over seed × time × context × context_2, where there are contexts:
        `between_contexts`, the correlation of distances, and `same_neighbour`, the share of items
        that have a nearest neighbour in common. NaN while all items are equally far apart.

    Raises
    ------
    KeyError
        No such layer or method.
    ValueError
        Fewer than three items, or a number of clusters out of range.

    Examples
    --------
    >>> import semdev as sd
    >>> child = sd.train(sd.Rumelhart(), sd.load("rumelhart8"), seeds=1, steps=3000, record=20,
    ...                  hidden=True)
    >>> last = sd.reorganization(child).isel(seed=0, time=-1)
    >>> last["neighbour"].sel(item=["oak", "robin"], context="has").values.tolist()
    ['pine', 'canary']
    >>> alike = last["between_contexts"].sel(context_2=["can", "has"])
    >>> alike.sel(context=["is", "ISA"]).values.round(1)
    array([[0.5, 0.4],
           [0.9, 0.9]])
    """
    require(method, METHODS, kind="method", where="reorganization")
    points, contexts = _read_layer(history, layer)
    items = history["item"].values.astype(str)
    if len(items) < 3:
        raise ValueError(f"regrouping needs at least three items, got {len(items)}")
    counts = _read_counts(history, clusters)
    classes = _find_levels(history)
    distance = np.empty((*points.shape[:3], len(items) * (len(items) - 1) // 2))
    for index in np.ndindex(points.shape[:3]):
        distance[index] = pdist(points[index])
    spread = np.ptp(distance, axis=-1)
    distance[spread <= ALIKE * np.maximum(distance.max(-1), distance.max(initial=0.0))] = np.nan
    near = find_nearest(distance)
    unit = _standardize(distance, method)
    needed = sorted({*counts, *(len(np.unique(c)) for c in classes.values())})
    together = _cut(distance, needed)
    known = np.isfinite(distance[..., 0])
    after = known.copy()
    after[:, 0], after[:, 1:] = False, known[:, 1:] & known[:, :-1]
    moved = np.full(known.shape, np.nan)
    moved[:, 1:] = 1 - (near[:, 1:] & near[:, :-1]).any(-1).mean(-1)
    kept = np.full((*known.shape, len(counts)), np.nan)
    for j, k in enumerate(counts):
        kept[:, 1:, :, j] = compare_clusters(together[k][:, 1:], together[k][:, :-1])
    dims = ("seed", "time", "context")
    found: dict[str, Any] = {
        "drift": (dims, 1 - np.einsum("stcp,scp->stc", unit, unit[:, -1])),
        "moved": (dims, np.where(after, moved, np.nan)),
        "neighbour": ((*dims, "item"), _name_nearest(near, items)),
        "kept": ((*dims, "cluster_count"), np.where(after[..., None], kept, np.nan)),
    }
    coords: dict[str, Any] = {
        "seed": history["seed"].values, "time": history["time"].values, "item": items,
        "cluster_count": counts,
    }  # fmt: skip
    if classes:
        found["with_tree"] = ((*dims, "level"), _compare_with_tree(together, classes, known))
        coords["level"] = list(classes)
    if not contexts:
        return say_measure("reorganization", xr.Dataset(found, coords=coords).isel(context=0))
    shared = (near[:, :, :, None] & near[:, :, None]).any(-1).mean(-1)
    both = known[:, :, :, None] & known[:, :, None]
    pair = (*dims, "context_2")
    found["between_contexts"] = (pair, np.einsum("stcp,stdp->stcd", unit, unit))
    found["same_neighbour"] = (pair, np.where(both, shared, np.nan))
    result = xr.Dataset(found, coords=coords | {"context": contexts, "context_2": contexts})
    return say_measure("reorganization", result)


def _read_layer(history: xr.Dataset, layer: str) -> tuple[np.ndarray, list[str]]:
    """Return a layer, seed × time × context × item × unit, and its contexts (none: one)."""
    layers = ["output"] + [
        str(name) for name, values in check(history).data_vars.items()
        if str(name).startswith("hidden_") and "item" in values.dims
    ]  # fmt: skip
    require(layer, layers, kind="layer over items", where="this History (see train(hidden=True))")
    values = history[layer]
    if "context" not in values.dims:
        return values.values[:, :, None], []
    return values.transpose("seed", "time", "context", ...).values, values[
        "context"
    ].values.tolist()


def _find_levels(history: xr.Dataset) -> dict[int, np.ndarray]:
    """Return the items' classes at each level of the tree that groups some items and not all."""
    if "ancestor" not in history.coords:
        return {}
    found: dict[int, np.ndarray] = {}
    for level, column in enumerate(history["ancestor"].values.T):
        if 1 < len(np.unique(column)) < len(column):
            found[level] = np.unique(column, return_inverse=True)[1]
    return found


def _read_counts(history: xr.Dataset, clusters: int | Sequence[int] | None) -> list[int]:
    """Return the numbers of clusters, in order."""
    most = history.sizes["item"] - 1
    if clusters is None:
        of_tree = {len(np.unique(c)) for c in _find_levels(history).values()}
        return sorted(of_tree or {k for k in (2, 3, 4) if k <= most})
    asked: list[Any] = [clusters] if np.ndim(clusters) == 0 else list(clusters)  # type: ignore[arg-type]
    for k in asked:
        if not isinstance(k, Integral) or isinstance(k, bool) or not 2 <= int(k) <= most:
            raise ValueError(
                f"clusters are numbers of clusters from 2 to {most}, one less than there are "
                f"items; got {k!r}"
            )
    return sorted({int(k) for k in asked})


def find_nearest(distance: np.ndarray) -> np.ndarray:
    """Return which items are nearest to each, … × item × item, for distances … × pair.

    Of near-ties all are; of NaN none.

    >>> find_nearest(np.array([1.0, 2.0, 2.0])).astype(int)    # pairs 0–1, 0–2, 1–2
    array([[0, 1, 0],
           [1, 0, 0],
           [1, 1, 0]])
    """
    n = round((1 + np.sqrt(1 + 8 * distance.shape[-1])) / 2)
    rows, columns = np.triu_indices(n, k=1)
    square = np.full((*distance.shape[:-1], n, n), np.inf)
    square[..., rows, columns] = square[..., columns, rows] = distance
    smallest = np.nanmin(np.where(np.isnan(square), np.inf, square), axis=-1, keepdims=True)
    return (square <= smallest * (1 + TIE)) & np.isfinite(square)


def _name_nearest(near: np.ndarray, items: np.ndarray) -> np.ndarray:
    names = np.empty(near.shape[:-1], dtype=object)
    one = near.sum(-1) == 1
    names[one] = items[near[one].argmax(-1)]
    for index in zip(*np.nonzero(~one), strict=True):
        names[index] = ", ".join(sorted(items[near[index]].tolist()))
    return names.astype(str)


def _standardize(distance: np.ndarray, method: str) -> np.ndarray:
    """Return distances of mean 0 and length 1, so that products are correlations."""
    if method == "spearman":
        size = distance.max(-1, keepdims=True)
        distance = rankdata(np.round(distance / size, 9), axis=-1, nan_policy="propagate")
    centred = distance - distance.mean(-1, keepdims=True)
    length = np.linalg.norm(centred, axis=-1, keepdims=True)
    flat = length <= ALIKE * np.linalg.norm(distance, axis=-1, keepdims=True)
    return centred / np.where(flat, np.nan, length)


def _cut(distance: np.ndarray, counts: Sequence[int]) -> dict[int, np.ndarray]:
    """Return, for each number of clusters, which pairs are in one cluster, … × pair.

    Merges at the same height are all made or none, so that there may be fewer clusters.
    """
    found = {k: np.zeros(distance.shape, dtype=bool) for k in counts}
    for index in np.ndindex(distance.shape[:-1]):
        if np.isnan(distance[index][0]):
            continue
        tree = hierarchy.linkage(distance[index], method="average")
        merged = hierarchy.cophenet(tree)  # the height at which each pair is together
        for k in counts:
            found[k][index] = merged <= tree[-k, 2] * (1 + ALIKE)
    return found


def compare_clusters(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the adjusted Rand index of clusters given as which pairs are in one, … × pair.

    Of P pairs A are together in the one, B in the other, C in both: (C − E)/((A + B)/2 − E) with
    E = A B/P (Hubert & Arabie 1985).

    >>> float(compare_clusters(np.array([1, 0, 0], bool), np.array([1, 0, 0], bool)))
    1.0
    """
    a, b, c = (x.sum(-1) for x in (first, second, first & second))
    chance = a * b / first.shape[-1]
    room = (a + b) / 2 - chance
    return np.where(room > 0, (c - chance) / np.where(room > 0, room, 1), 1.0)


def _compare_with_tree(
    together: dict[int, np.ndarray], classes: dict[int, np.ndarray], known: np.ndarray
) -> np.ndarray:
    found = np.full((*known.shape, len(classes)), np.nan)
    for j, column in enumerate(classes.values()):
        same = ~squareform(column[:, None] != column[None, :], checks=False)
        cut = together[len(np.unique(column))]
        found[..., j] = np.where(known, compare_clusters(cut, np.broadcast_to(same, cut.shape)),
                                 np.nan)  # fmt: skip
    return found
