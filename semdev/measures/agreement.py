"""Agreement: whether layers, networks and behaviour find the same items alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from semdev._measured import say_measure
from semdev._names import require
from semdev.history import check, is_self_contained
from semdev.measures.representations import (
    METRICS,
    between_items,
    centre,
    count_hidden,
    dissimilarities,
    gram_matrices,
    predict_vectors,
)
from semdev.measures.similarity import layer_of
from semdev.models.decomposition import tied_groups

METHODS = ("pearson", "cosine", "spearman", "kendall")


def compare_similarities(
    first: xr.DataArray | pd.DataFrame,
    second: xr.DataArray | pd.DataFrame,
    *,
    method: str = "pearson",
) -> xr.DataArray:
    """Return how far two matrices over pairs of items agree, from the pairs of different items.

    - "pearson": correlation
    - "cosine": without centring; for dissimilarities, whose 0 has a meaning
    - "spearman": of ranks
    - "kendall": τ_b, pair of pairs by pair of pairs

    Parameters
    ----------
    first, second : DataArray, … × item × item_2, or pd.DataFrame, item × item
        Similarities or dissimilarities: of `gram_matrices`, `dissimilarities`, or of people, such
        as ``pd.read_csv("judgements.csv", index_col=0)`` with a row and a column for each item,
        of which one triangle suffices. Put into the same order by the items' names; other
        dimensions are broadcast. Pairs of which a DataFrame says nothing are left out.
    method : "pearson", "cosine", "spearman" or "kendall"
        How to compare.

    Returns
    -------
    DataArray
        Over the other dimensions, −1 to 1; NaN where one of them is the same for all pairs, or a
        DataArray holds NaN.

    Raises
    ------
    KeyError
        No such method.
    TypeError, ValueError
        No matrices over the same items, or fewer than three items or known pairs.

    Examples
    --------
    >>> import semdev as sd
    >>> child = sd.solve(sd.load("rumelhart8"), depth=2, hidden=True)
    >>> behaviour, hidden = (dissimilarities(child, layer=k, metric="cosine").isel(seed=0, time=-1)
    ...                      for k in ("output", "hidden_1"))
    >>> float(compare_similarities(behaviour, hidden, method="spearman"))
    0.97
    """
    require(method, METHODS, kind="method", where="compare_similarities")
    one, other = (_read_matrix(each) for each in (first, second))
    names = one["item"].values.tolist()
    if sorted(names) != sorted(other["item"].values.tolist()) or len(names) < 3:
        raise ValueError(
            f"two matrices over the same items, at least three, are needed; got {len(names)} and "
            f"{other.sizes['item']} items, of which {len(set(names) & set(other['item'].values))} "
            "are in both"
        )
    one, other = (each.sel(item=names, item_2=names) for each in (one, other))
    said = np.ones(len(names) * (len(names) - 1) // 2, dtype=bool)
    for given, read in ((first, one), (second, other)):
        if isinstance(given, pd.DataFrame):
            said &= np.isfinite(_pairs_of(read.values))
    if said.sum() < 3:
        raise ValueError(f"only {said.sum()} pairs of items are known; at least three are needed")
    result = xr.apply_ufunc(
        lambda a, b: _agree(_pairs_of(a)[..., said], _pairs_of(b)[..., said], method), one, other,
        input_core_dims=[["item", "item_2"]] * 2,
    ).rename("agreement")  # fmt: skip
    return say_measure("compare_similarities", result)


def compare_networks(
    history: xr.Dataset,
    *,
    layer: str = "hidden_1",
    metric: str = "gram",
    method: str = "pearson",
    inputs: np.ndarray | xr.DataArray | None = None,
    theory: xr.Dataset | None = None,
) -> xr.Dataset:
    """Return how far different networks agree on which items are alike.

    Networks that began small agree at the end however their units differ, because behaviour fixes
    their representations up to a rotation (`gram_matrices`); those that began with large weights
    do the same in different ways (Saxe, McClelland & Ganguli 2019).

    Parameters
    ----------
    history : xr.Dataset
        A History of at least two seeds; take `history.isel(time=[…])` first where few times are
        wanted.
    layer : str
        "output" or a recorded hidden layer.
    metric : "gram", "cosine", "euclidean" or "correlation"
        What is compared: inner products, or one of `dissimilarities`.
    method : "pearson", "cosine", "spearman" or "kendall"
        See `compare_similarities`.
    inputs, theory
        As for `gram_matrices`.

    Returns
    -------
    Dataset
        `agreement` and `predicted` of two networks (seed × seed_2 × time; NaN of a network with
        itself); `with_others` and `predicted_with_others` (seed × time), a network's mean over
        the others, which ``summarize(found[["with_others"]])`` tabulates. Predicted is NaN for a
        hidden layer's "correlation", which depends on the rotation.

    Raises
    ------
    KeyError
        No such layer, metric or method.
    ValueError
        Fewer than two seeds or three items; inputs or a theory that do not fit.

    Examples
    --------
    >>> import semdev as sd
    >>> for scale in (0.01, 0.5):
    ...     model = sd.DeepLinear(hidden=16, scale=scale)
    ...     deep = sd.train(model, sd.load("cao2020"), seeds=2, hidden=True)
    ...     float(compare_networks(deep)["agreement"][0, 1, -1])
    1.00
    0.16
    """
    if check(history).sizes["seed"] < 2:
        raise ValueError("networks are compared with each other: train at least two seeds")
    source = {
        "agreement": _matrices(history, layer, metric),
        "predicted": _predicted_matrices(history, layer, metric, inputs, theory),
    }
    names = history["seed"].values
    others = names[:, None, None] != names[None, :, None]
    found = {
        name: compare_similarities(
            each, each.rename(seed="seed_2").assign_coords(seed_2=names), method=method
        ).transpose("seed", "seed_2", "time").where(others)
        for name, each in source.items()
    }  # fmt: skip
    found["with_others"] = found["agreement"].mean("seed_2")
    found["predicted_with_others"] = found["predicted"].mean("seed_2")
    return say_measure("compare_networks", xr.Dataset(found))


def compare_layers(
    history: xr.Dataset,
    *,
    metric: str = "gram",
    method: str = "pearson",
    inputs: np.ndarray | xr.DataArray | None = None,
    theory: xr.Dataset | None = None,
) -> xr.Dataset:
    """Return what each layer holds, how strongly, and how far layers and behaviour agree.

    In a balanced linear network of D weight matrices all layers hold the same modes, and the
    later the stronger: layer l's Gram matrix has the eigenvalues a_α^(2l/D) on the data's own item
    vectors v_α (Saxe, McClelland & Ganguli 2019; the form for D is derived here). Networks that
    began at random differ from this in the first layers most, which hold what is left of their
    initial weights.

    Parameters
    ----------
    history : xr.Dataset
        A History with hidden layers; take `history.isel(time=[…])` first where few times are
        wanted.
    metric, method
        How layers are compared; as for `compare_networks`.
    inputs, theory
        As for `gram_matrices`.

    Returns
    -------
    Dataset
        Layers from "hidden_1" to "output". `strength` and `predicted` (layer × seed × time ×
        mode): v_αᵀ G_l v_α, of tied modes the mean, in squared units of the layer. `overlap` (same
        dimensions): how much of a mode (of its tie) lies in the span of the eigenvectors of G_l of
        the same ranks, 0 to 1. `agreement` and `predicted_agreement` (layer × layer_2 × seed ×
        time) of two layers about which items are alike; with "output" it is representation
        against behaviour. The coordinate `singular_value` (mode).

    Raises
    ------
    KeyError
        No such metric or method.
    ValueError
        No hidden layer over items; inputs or a theory that do not fit.

    Examples
    --------
    >>> import semdev as sd
    >>> child = sd.solve(sd.load("saxe2019"), depth=4, hidden=True)
    >>> layers = compare_layers(child).isel(seed=0, time=-1)
    >>> layers["strength"].values.round(1)    # 7^(l/4), 3^(l/4), 1, 1
    array([[1.6, 1.3, 1. , 1. ],
           [2.6, 1.7, 1. , 1. ],
           [4.3, 2.3, 1. , 1. ],
           [7. , 3. , 1. , 1. ]])
    """
    layers = [f"hidden_{k}" for k in range(1, count_hidden(history) + 1)] + ["output"]
    if len(layers) == 1:
        raise ValueError(
            "this History holds no hidden layer: record them with train(…, hidden=True) or "
            "solve(…, hidden=True)"
        )
    v, s, _ = np.linalg.svd(history["target"].values, full_matrices=False)
    v, s = v[:, s > 1e-10 * s[0]], s[s > 1e-10 * s[0]]
    index = {"layer": layers}
    each: dict[str, list[Any]] = {"strength": [], "predicted": [], "overlap": []}
    for layer in layers:
        grams = gram_matrices(history, layer=layer, inputs=inputs, theory=theory)
        each["strength"].append(_along_modes(grams["gram"].values, v, s))
        each["predicted"].append(_along_modes(grams["predicted"].values, v, s))
        each["overlap"].append(_overlaps(grams["gram"].values, v, s))
    dims = ("layer", "seed", "time", "mode")
    result = xr.Dataset(
        {name: (dims, np.stack(values)) for name, values in each.items()},
        coords=index
        | {k: history[k] for k in ("seed", "time")}
        | {"mode": np.arange(1, len(s) + 1), "singular_value": ("mode", s)},
    )
    for name, made in (
        ("agreement", [_matrices(history, k, metric) for k in layers]),
        (
            "predicted_agreement",
            [_predicted_matrices(history, k, metric, inputs, theory) for k in layers],
        ),
    ):
        matrices = xr.concat(made, dim="layer").assign_coords(index)
        second = matrices.rename(layer="layer_2")
        result[name] = compare_similarities(matrices, second, method=method).transpose(
            "layer", "layer_2", "seed", "time"
        )
    return say_measure("compare_layers", result)


def _matrices(history: xr.Dataset, layer: str, metric: str) -> xr.DataArray:
    require(metric, ("gram", *METRICS), kind="metric", where="a comparison of representations")
    if metric != "gram":
        return dissimilarities(history, layer=layer, metric=metric)
    points = layer_of(history, layer).values
    return between_items(history, points @ points.swapaxes(-1, -2))


def _predicted_matrices(
    history: xr.Dataset, layer: str, metric: str, inputs: Any, theory: xr.Dataset | None
) -> xr.DataArray:
    vectors = predict_vectors(history, layer=layer, inputs=inputs, theory=theory)
    vectors = np.broadcast_to(vectors, (history.sizes["seed"], *vectors.shape[1:]))
    turned = metric == "correlation" and layer != "output"
    if turned or (not is_self_contained(history) and theory is None):
        n = history.sizes["item"]
        return between_items(history, np.full((*vectors.shape[:2], n, n), np.nan))
    if metric == "correlation":
        return _matrices(history if theory is None else theory, layer, metric)
    kept = [v for v in history.data_vars if str(v).startswith(("hidden_", "weights_"))]
    planted = history.drop_vars(kept)
    planted["hidden_1"] = (("seed", "time", "item", "unit_1"), vectors)
    return _matrices(planted, "hidden_1", metric)


def _read_matrix(given: xr.DataArray | pd.DataFrame) -> xr.DataArray:
    """Return a matrix over items with names; of a table with one triangle both."""
    if isinstance(given, pd.DataFrame):
        given = given.set_axis(given.index.astype(str)).set_axis(given.columns.astype(str), axis=1)
        if sorted(given.index) == sorted(given.columns):
            given = given.loc[:, given.index]
        values = given.to_numpy(dtype=float)
        if values.shape[0] == values.shape[1]:
            values = np.where(np.isnan(values), values.T, values)
        coords = {"item": given.index, "item_2": given.columns}
        if sorted(coords["item"]) != sorted(coords["item_2"]):
            raise ValueError(
                f"a table of judgements needs the same items as rows and as columns; got "
                f"{values.shape[0]} rows and {values.shape[1]} columns: "
                f"{sorted(set(coords['item']) ^ set(coords['item_2']))[:5]} are only one of them"
            )
        return xr.DataArray(values, coords, ("item", "item_2"))
    if not isinstance(given, xr.DataArray):
        raise TypeError(
            "a matrix over item × item_2 with names is needed: a DataArray from gram_matrices or "
            "dissimilarities, or a pandas DataFrame with the items as rows and columns; got "
            f"{type(given).__name__}"
        )
    if not {"item", "item_2"} <= set(given.dims):
        raise ValueError(
            f"a matrix over item × item_2 is needed, got {given.dims}; give a pandas DataFrame, or "
            'name them: DataArray(values, {"item": names, "item_2": names}, ("item", "item_2"))'
        )
    return given


def _pairs_of(matrices: np.ndarray) -> np.ndarray:
    """Return the entries of pairs of different items, … × pair."""
    rows, columns = np.triu_indices(matrices.shape[-1], k=1)
    return matrices[..., rows, columns]


def _agree(a: np.ndarray, b: np.ndarray, method: str) -> np.ndarray:
    """Return the agreement of the last dimensions, of which the others are broadcast."""
    known = np.isfinite(a).all(-1) & np.isfinite(b).all(-1)
    if method == "kendall":
        found = np.full(known.shape, np.nan)
        a, b = np.broadcast_arrays(a, b)
        for k in zip(*np.nonzero(known), strict=True):
            found[k] = stats.kendalltau(a[k], b[k]).statistic
        return found
    if method == "spearman":
        a, b = (stats.rankdata(x, axis=-1, nan_policy="omit") for x in (a, b))
    if method != "cosine":
        a, b = (centre(x) for x in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
    found = np.einsum("...p,...p->...", a, b)
    return np.where(known, np.clip(found, -1, 1), np.nan)


def _along_modes(gram: np.ndarray, v: np.ndarray, s: np.ndarray) -> np.ndarray:
    values = np.einsum("im,stij,jm->stm", v, gram, v, optimize=True)
    for tied in tied_groups(s):
        values[..., tied] = values[..., tied].mean(-1, keepdims=True)
    return values


def _overlaps(gram: np.ndarray, v: np.ndarray, s: np.ndarray) -> np.ndarray:
    own = np.linalg.eigh(gram)[1][..., ::-1]
    values = np.empty((*gram.shape[:2], len(s)))
    for tied in tied_groups(s):
        shared = np.swapaxes(own[..., tied], -1, -2) @ v[:, tied]
        values[..., tied] = (shared**2).sum((-1, -2))[..., None] / len(tied)
    return values
