"""Representations: what a layer holds of the items, and what theory says it must hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev._names import require
from semdev.history import check, is_self_contained
from semdev.measures.similarity import item_distances, layer_of, similarity

METRICS = ("cosine", "euclidean", "correlation")


def gram_matrices(
    history: xr.Dataset,
    *,
    layer: str = "output",
    inputs: np.ndarray | xr.DataArray | None = None,
    theory: xr.Dataset | None = None,
) -> xr.Dataset:
    """Return the items' inner products in a layer, G_ij = h_iᵀ h_j, and those that are predicted.

    A linear network of D weight matrices that began small is balanced (W_{l+1}ᵀ W_{l+1} =
    W_l W_lᵀ), and then its layer l holds

        H_l H_lᵀ = (Ŷ Ŷᵀ)^(l/D),

    at every time, whatever it has learned so far: the behaviour fixes the representation up to a
    rotation of the hidden units, and all such networks that do the same hold the same. At the end
    Ŷ = Y; with one hidden layer that is (Y Yᵀ)^(1/2) = V S Vᵀ (Saxe, McClelland & Ganguli 2019;
    the form for Ŷ and D is derived here). With other inputs than one-hot ones it reads
    X (W Wᵀ)^(l/D) Xᵀ for Ŷ = X W.

    Parameters
    ----------
    history : xr.Dataset
        A History; take `history.isel(time=[…])` first where few times are wanted.
    layer : str
        "output" or a recorded hidden layer, "hidden_1", ….
    inputs : item × input, optional
        The items' codes, where the History does not hold them (`code`).
    theory : xr.Dataset, optional
        Another History of these items and times, such as `solve(…, times=history.time.values)`,
        from whose outputs to predict: with one seed for all, or with the same seeds.

    Returns
    -------
    Dataset
        `gram` and `predicted` (seed × time × item × item_2, in squared units of the layer);
        `error` (seed × time), the Frobenius norm of their difference over that of `predicted`.
        Of a nonlinear network the prediction is what a linear one would hold; of one with biases
        it is NaN.

    Raises
    ------
    KeyError
        No such layer; the nearest match is suggested.
    ValueError
        Inputs that do not fit, or a theory of other items or times.

    Examples
    --------
    >>> import semdev as sd
    >>> deep = sd.train(sd.DeepLinear(16), sd.load("saxe2019"), seeds=3, hidden=True)
    >>> gram_matrices(deep, layer="hidden_1")["error"].isel(time=-1).values.round(2)
    array([0., 0., 0.])
    """
    points = layer_of(history, layer).values
    factor = predict_vectors(history, layer=layer, inputs=inputs, theory=theory)
    gram, predicted = (p @ p.swapaxes(-1, -2) for p in (points, factor))
    if not is_self_contained(history) and theory is None:
        predicted = predicted * np.nan
    predicted = np.broadcast_to(predicted, gram.shape)
    size = np.linalg.norm(predicted, axis=(-2, -1))
    error = np.linalg.norm(gram - predicted, axis=(-2, -1)) / np.where(size > 0, size, np.nan)
    dims = ("seed", "time", "item", "item_2")
    result = xr.Dataset(
        {"gram": (dims, gram), "predicted": (dims, predicted), "error": (dims[:2], error)},
        coords=_item_coords(history),
    )
    return say_measure("gram_matrices", result)


def dissimilarities(
    history: xr.Dataset, *, layer: str = "output", metric: str = "correlation"
) -> xr.DataArray:
    """Return how unlike every two items are in a layer: a representational dissimilarity matrix.

    - "correlation": 1 − Pearson's correlation of the two items' vectors over units, 0 to 2
    - "cosine": 1 − cosine, 0 to 2
    - "euclidean": |h_i − h_j|, in units of the layer

    (Kriegeskorte, Mur & Bandettini 2008; rsatoolbox's "euclidean" is ours squared over the number
    of units.) A rotation of the hidden units, which learning leaves open, changes none but the
    correlation: it takes from each vector its mean over units, a direction of no meaning in a
    hidden layer.

    Parameters
    ----------
    history : xr.Dataset
        A History; take `history.isel(time=[…])` first where few times are wanted.
    layer : str
        "output" or a recorded hidden layer.
    metric : "correlation", "cosine" or "euclidean"
        Which of them.

    Returns
    -------
    DataArray, seed × time × item × item_2
        NaN where a vector is constant (correlation) or 0 (cosine).

    Raises
    ------
    KeyError
        No such layer or metric.

    Examples
    --------
    >>> import semdev as sd
    >>> unlike = dissimilarities(sd.solve(sd.load("saxe2019"), depth=2)).isel(seed=0, time=-1)
    >>> unlike.sel(item="canary", item_2=["canary", "salmon", "oak"]).values.round(2)
    array([0.  , 0.58, 1.17])
    """
    require(metric, METRICS, kind="metric", where="dissimilarities")
    if metric == "euclidean":
        result = item_distances(history, layer=layer).rename("dissimilarity")
        return say_measure("dissimilarities", result)
    points = layer_of(history, layer)
    if metric == "correlation":
        history = history.assign({layer: points.copy(data=centre(points.values))})
    unlike = 1 - similarity(history, layer=layer)
    same = np.eye(history.sizes["item"], dtype=bool)
    result = unlike.where(~same | unlike.isnull(), 0.0).rename("dissimilarity")
    return say_measure("dissimilarities", result)


def predict_vectors(
    history: xr.Dataset, *, layer: str, inputs: Any, theory: xr.Dataset | None
) -> np.ndarray:
    """Return item vectors with the Gram matrix that theory predicts for a layer.

    Seed (or 1) × time × item × mode; see `gram_matrices`.
    """
    source = history if theory is None else check_theory(history, theory, dim="item")
    depth = count_hidden(history) + 1
    place = depth if layer == "output" else int(layer.removeprefix("hidden_"))
    codes = read_inputs(history, inputs)
    return balanced_vectors(source["output"].values, place / depth, codes=codes)


def balanced_vectors(
    output: np.ndarray, power: float, *, codes: np.ndarray | None = None
) -> np.ndarray:
    """Return rows whose inner products are (Ŷ Ŷᵀ)^power, or X (W Wᵀ)^power Xᵀ for Ŷ = X W.

    >>> rows = balanced_vectors(np.array([[2.0, 0.0], [0.0, 3.0]]), 0.5)
    >>> rows @ rows.T
    array([[2., 0.], [0., 3.]])
    """
    if codes is not None:
        output = np.linalg.pinv(codes) @ output
    p, s, _ = np.linalg.svd(output, full_matrices=False)
    vectors = p * s[..., None, :] ** power
    return vectors if codes is None else codes @ vectors


def count_hidden(history: xr.Dataset) -> int:
    """Return how many hidden layers were recorded."""
    return sum(str(name).startswith("hidden_") for name in check(history).data_vars)


def centre(x: np.ndarray) -> np.ndarray:
    """Return x less its mean over the last axis, exactly 0 where all that is left is rounding."""
    centred = x - x.mean(-1, keepdims=True)
    flat = np.abs(centred).max(-1) <= 1e-12 * np.abs(x).max(-1)
    return np.where(flat[..., None], 0.0, centred)


def read_inputs(history: xr.Dataset, inputs: Any) -> np.ndarray | None:
    """Return the codes of the History's items, item × input; None for one-hot ones."""
    if inputs is None:
        return history["code"].values if "code" in history else None
    items = history["item"].values.tolist()
    if isinstance(inputs, xr.DataArray) and "item" in inputs.coords:
        for item in items:
            require(item, inputs["item"].values.tolist(), kind="item", where="inputs")
        inputs = inputs.sel(item=items).transpose("item", ...)
    codes = np.array(inputs, dtype=float)
    if codes.ndim != 2 or len(codes) != len(items) or not np.isfinite(codes).all():
        raise ValueError(
            f"inputs must be {len(items)} finite rows, one for each item, as training saw them; "
            f"got shape {codes.shape}"
        )
    return codes


def check_theory(history: xr.Dataset, theory: xr.Dataset, *, dim: str) -> xr.Dataset:
    """Return `theory` if it is about the same times, seeds and items (or properties)."""
    same_names = np.array_equal(check(theory)[dim].values, history[dim].values)
    same_times = theory.sizes["time"] == history.sizes["time"] and bool(
        np.isclose(theory["time"].values, history["time"].values).all()
    )
    if not (same_names and same_times):
        raise ValueError(
            f"theory must have the History's {dim} names and times: "
            "solve(data, …, times=history.time.values)"
        )
    seeds = theory["seed"].values.tolist()
    if len(seeds) > 1 and seeds != history["seed"].values.tolist():
        raise ValueError(
            f"theory must have one seed, or those of the History; got {seeds} for "
            f"{history['seed'].values.tolist()}"
        )
    return theory


def between_items(history: xr.Dataset, values: np.ndarray) -> xr.DataArray:
    """Return values as seed × time × item × item_2, with the History's names."""
    return xr.DataArray(
        values, dims=("seed", "time", "item", "item_2"), coords=_item_coords(history)
    )


def _item_coords(history: xr.Dataset) -> dict[str, np.ndarray]:
    items = history["item"].values
    times = {"seed": history["seed"].values, "time": history["time"].values}
    return times | {"item": items, "item_2": items}
