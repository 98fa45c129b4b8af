"""Inductive projection: who else is thought to have a property that was taught of one item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev._names import require
from semdev.history import check, get_provenance, is_self_contained
from semdev.measures.modes import parting_levels
from semdev.measures.representations import balanced_vectors, check_theory, read_inputs

Taught = str | Sequence[str] | Mapping[str, float]

# A direction weaker than this share of the strongest is not learned in any reasonable time.
REACHED = 1e-8


def project_property(
    history: xr.Dataset,
    taught: Taught,
    *,
    inputs: np.ndarray | xr.DataArray | None = None,
    theory: xr.Dataset | None = None,
) -> xr.Dataset:
    """Return who is thought to have a new property that was taught of one item, or of several.

    The property gets an output unit of its own, whose weights w start from 0 and alone learn; the
    rest of the network stays as it was at that age. Gradient descent then ends at w = h_i / |h_i|²,
    h the last hidden layer, and item j is thought to have the property to the extent

        h_jᵀ h_i / |h_i|²;

    taught of several items, with values y, h_jᵀ H⁺ y (H⁺ the pseudoinverse of their rows). After
    Saxe, McClelland & Ganguli (2019), whose text gives the case of one item; the form for several
    is derived here. What training gives is `semdev.teach_property`.

    `predicted` is the same for a balanced linear network with these outputs Ŷ: its layer l of D
    holds the items' Gram matrix (Ŷ Ŷᵀ)^(l/D), whatever the data and however modes are tied
    (derived here; with the data's modes h_i = Σ_α a_α^((D−1)/D) v_iα, the published form). So the
    behaviour alone predicts the projection. It fails where weights began large, and at the very
    beginning, when hidden layers are random: then the projection to others scatters around 0 with
    a standard deviation of 1/√(N_h − 2) (one-hot items, one hidden layer of N_h units, Gaussian
    weights; derived here) and means nothing yet.

    A network without a hidden layer projects x_jᵀ x_i / |x_i|² through the item codes x: 0 for
    one-hot items, however like each other they have become.

    Parameters
    ----------
    history : xr.Dataset
        A History with hidden layers (`hidden=True`), or of a shallow network.
    taught : str, sequence of str, or mapping
        The item; or items, all taught that they have the property (1); or {item: value}, in any
        units, which are those of the projection.
    inputs : item × input, optional
        The items' codes, where the History does not hold them (`code`).
    theory : xr.Dataset, optional
        Another History of these items and times, such as `solve(…, times=history.time.values)`,
        from whose outputs to predict: with one seed for all, or with the same seeds.

    Returns
    -------
    Dataset
        `projection` and `predicted` (seed × time × item; 1 in the taught item, NaN where its
        vector is 0). The coordinate `taught` (item) holds the value taught, NaN if none.

    Raises
    ------
    KeyError
        No such item; the nearest match is suggested.
    ValueError
        The hidden layers were not recorded, or over patterns that are no items; outputs that
        one-hot items cannot have given; a theory of other items or times.

    Examples
    --------
    >>> import semdev as sd
    >>> child = sd.solve(sd.load("cao2020"), depth=2, hidden=True, times=[2.15, 3.33, 20])
    >>> projected = project_property(child, child["item"].values[0])["projection"].isel(seed=0)
    >>> projected.values.round(2)    # to others: at first broadly, then to its kind
    array([[1.  , 1.  , 0.98, 0.98, 0.7 , 0.7 , 0.7 , 0.7 ],
           [1.  , 0.99, 0.67, 0.67, 0.16, 0.16, 0.16, 0.16],
           [1.  , 0.43, 0.22, 0.22, 0.09, 0.09, 0.09, 0.09]])
    """
    rows, values = read_taught(taught, check(history)["item"].values.tolist(), kind="item")
    measured, predicted = item_vectors(history, inputs, theory)
    result = _collect(history, measured, predicted, (rows, values), "item")
    return say_measure("project_property", result)


def project_item(
    history: xr.Dataset,
    taught: Taught,
    *,
    inputs: np.ndarray | xr.DataArray | None = None,
    theory: xr.Dataset | None = None,
) -> xr.Dataset:
    """Return what else a new item is thought to have that is known by one property, or several.

    The item gets an input unit of its own, whose weights start from 0 and alone learn; the rest of
    the network stays as it was at that age. With g_m the m-th row of the map from the first hidden
    layer to the outputs, W_D … W₂, gradient descent ends where property n is ascribed to the
    extent

        g_nᵀ g_m / |g_m|²;

    known by several properties with values y, g_nᵀ G⁺ y. After Saxe, McClelland & Ganguli (2019);
    the form for several is derived here. What training gives, also in a nonlinear network, for
    which there is no such formula, is `semdev.teach_item`.

    `predicted` is the same for a balanced linear network with these outputs, for which
    G Gᵀ = (Ŷᵀ Ŷ)^((D−1)/D) (derived here; with inputs X that are not one-hot, Wᵀ W for Ŷ = X W). A
    network without a hidden layer ascribes nothing but what was taught.

    Parameters
    ----------
    history : xr.Dataset
        A History of a linear network with weights (`keep_weights=True`), or of a shallow one.
    taught : str, sequence of str, or mapping
        The property; or properties, all of which the item has (1); or {property: value}.
    inputs : item × input, optional
        The codes of the known items, where the History does not hold them. The new item's is
        one-hot.
    theory : xr.Dataset, optional
        Another History of these properties and times, from whose outputs to predict.

    Returns
    -------
    Dataset
        `projection` and `predicted` (seed × time × property; NaN where g_m is 0). The coordinate
        `taught` (property) holds the value taught, NaN if none.

    Raises
    ------
    KeyError
        No such property; the nearest match is suggested.
    ValueError
        The weights were not kept, or are not those of a linear network without bias; a theory of
        other properties or times.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("rumelhart8")
    >>> child = sd.solve(world, depth=2, keep_weights=True)
    >>> bird = project_item(child, "has wings")["projection"].isel(seed=0, time=-1)
    >>> bird.sel(property=["can fly", "has feathers", "has roots"]).values.round(2)
    array([ 1.  ,  1.  , -0.15])
    """
    rows, values = read_taught(taught, check(history)["property"].values.tolist(), kind="property")
    upper = upper_map(history, inputs)
    depth = count_matrices(history)
    source = history if theory is None else check_theory(history, theory, dim="property")
    codes = read_inputs(history, inputs)
    output = source["output"].values
    output = output if codes is None else np.linalg.pinv(codes) @ output
    output = output.swapaxes(-1, -2)
    predicted = upper if depth == 1 else balanced_vectors(output, (depth - 1) / depth)
    if "code" not in history and not bool(history.get("one_hot", True)):
        source = history.assign(biased=True)  # items × relations: no prediction is known
        result = _collect(source, upper, predicted, (rows, values), "property")
        return say_measure("project_item", result)
    result = _collect(history, upper, predicted, (rows, values), "property")
    return say_measure("project_item", result)


def projection_gradient(
    history: xr.Dataset,
    *,
    inputs: np.ndarray | xr.DataArray | None = None,
    theory: xr.Dataset | None = None,
) -> xr.Dataset:
    """Return how far a new property is projected over distance in the tree, at every age.

    Every item is taught a new property in turn (`project_property`), and projections to others
    are averaged over all pairs that part at a level of the tree (0 is the root, the farthest). A
    broad projection hardly falls with distance; development narrows it (Saxe, McClelland &
    Ganguli 2019; Carey 1985). The breadth sums that up without a tree: the effective number of
    items (Σ_j p_j²)² / Σ_j p_j⁴, the taught one included, 1 if nobody else gets the property and
    the number of items if all get it alike, averaged over taught items (our measure).

    Parameters
    ----------
    history : xr.Dataset
        A History with a tree and with hidden layers, or of a shallow network.
    inputs, theory
        As for `project_property`.

    Returns
    -------
    Dataset
        `projection` and `predicted` (seed × time × level, only levels at which items part);
        `breadth` and `predicted_breadth` (seed × time, in items). NaN while a vector is 0.

    Raises
    ------
    ValueError
        No tree, or only one item; and as for `project_property`.

    Examples
    --------
    >>> import semdev as sd
    >>> child = sd.solve(sd.load("cao2020"), depth=2, hidden=True, times=[2.15, 3.33, 20])
    >>> gradient = projection_gradient(child).isel(seed=0)
    >>> gradient["projection"].values.round(2)    # to farther relatives, cousins, siblings
    array([[0.7 , 0.98, 1.  ],
           [0.16, 0.67, 0.99],
           [0.09, 0.22, 0.43]])
    >>> gradient["breadth"].values.round(1)
    array([7.2, 3.7, 1.7])
    """
    parting = parting_levels(history)
    pairs = np.triu_indices(len(parting), k=1)
    levels = np.unique(parting[pairs])
    if not len(levels):
        raise ValueError("a gradient needs at least two items")
    chosen = (parting == levels[:, None, None]) & ~np.eye(len(parting), dtype=bool)
    dims = ("seed", "time", "level")
    result = xr.Dataset(coords={k: history[k] for k in ("seed", "time")} | {"level": levels})
    measured, predicted = item_vectors(history, inputs, theory)
    predicted = predicted if is_self_contained(history) else predicted * np.nan
    for vectors, name, breadth in (
        (measured, "projection", "breadth"), (predicted, "predicted", "predicted_breadth"),
    ):  # fmt: skip
        gram = vectors @ vectors.swapaxes(-1, -2)
        own = np.einsum("stii->sti", gram)
        with np.errstate(invalid="ignore", divide="ignore"):
            each = gram / np.where(own > 0, own, np.nan)[..., None]  # taught × other item
            reach = (each**2).sum(-1) ** 2 / (each**4).sum(-1)
        mean = np.einsum("stij,lij->stl", each, chosen) / chosen.sum((1, 2))
        result[name] = (dims, np.broadcast_to(mean, (*measured.shape[:2], len(levels))))
        result[breadth] = (dims[:2], np.broadcast_to(reach.mean(-1), measured.shape[:2]))
    return say_measure("projection_gradient", result)


def read_taught(taught: Taught, names: list[str], *, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return which items or properties are taught, and with which values."""
    if isinstance(taught, str):
        taught = [taught]
    pairs = dict(taught) if isinstance(taught, Mapping) else dict.fromkeys(taught, 1.0)
    if not pairs:
        raise ValueError(f"at least one {kind} must be taught")
    for name in pairs:
        require(name, names, kind=kind, where="this History")
    values = np.array(list(pairs.values()), dtype=float)
    if not np.isfinite(values).all() or not values.any():
        raise ValueError(
            f"what is taught must be finite and not all 0 (from which new weights start); got "
            f"{values.tolist()}"
        )
    return np.array([names.index(name) for name in pairs]), values


def project(vectors: np.ndarray, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return vectors · w for the least w that gives the taught rows their values, … × row."""
    known = vectors[..., rows, :]
    silent = ~known.any((-1, -2))
    w = np.linalg.pinv(known, rcond=REACHED) @ values
    w[silent] = np.nan
    return np.einsum("...iu,...u->...i", vectors, w)


def count_matrices(history: xr.Dataset) -> int:
    """Return how many weight matrices the learner has, or say what should have been recorded."""
    names = [str(name) for name in check(history).data_vars]
    for kind, more in (("weights_", 0), ("hidden_", 1)):
        count = sum(name.startswith(kind) for name in names)
        if count:
            return count + more
    model = str(get_provenance(history).get("model", ""))
    if model.startswith("Shallow(") or model == "theory, depth 1":
        return 1
    raise ValueError(
        "this History holds neither hidden layers nor weights: record them with "
        "train(…, hidden=True, keep_weights=True) or solve(…, hidden=True, keep_weights=True); for "
        "a network without hidden layers keep_weights=True alone"
    )


def upper_map(history: xr.Dataset, inputs: Any = None) -> np.ndarray:
    """Return W_D … W₂, seed × time × property × unit_1; the identity where there is but W₁.

    Raises a ValueError unless the weights were kept and are those of a linear network.
    """
    depth = count_matrices(history)
    n_properties = history.sizes["property"]
    if depth == 1:
        shape = (history.sizes["seed"], history.sizes["time"], n_properties, n_properties)
        return np.broadcast_to(np.eye(n_properties), shape)
    if "weights_1" not in history:
        raise ValueError(
            "how a new item is understood depends on the weights above it: record them with "
            "train(…, keep_weights=True) or solve(…, keep_weights=True)"
        )
    upper = history[f"weights_{depth}"].values
    for k in range(depth - 1, 1, -1):
        upper = upper @ history[f"weights_{k}"].values
    codes = read_inputs(history, inputs)
    _check_linear(history, codes, upper @ history["weights_1"].values)
    return upper


def _check_linear(history: xr.Dataset, codes: np.ndarray | None, weights: np.ndarray) -> None:
    """Say so if weights (… × property × input) and item codes do not give the outputs."""
    if "pattern" in history.dims:
        return  # what is shown is items × relations, which a History does not keep
    shown = np.eye(history.sizes["item"]) if codes is None else codes
    output = history["output"].values
    if shown.shape[1] == weights.shape[-1]:
        missing = np.abs(shown @ weights.swapaxes(-1, -2) - output)
        if missing.max() <= 1e-4 * np.abs(output).max():
            return
    raise ValueError(
        "these weights do not give these outputs "
        + ("for one-hot items (else give the codes with inputs=)" if codes is None else
           "for these inputs")
        + ": the network is nonlinear, or has biases, and there is no closed form for it; "
        "semdev.teach_item(…, model=…) trains a nonlinear one without biases"
    )  # fmt: skip


def item_vectors(
    history: xr.Dataset, inputs: Any, theory: xr.Dataset | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors over which a new property generalizes, and those that are predicted."""
    depth = count_matrices(history)
    codes = read_inputs(history, inputs)
    if depth == 1:
        shown = np.eye(history.sizes["item"]) if codes is None else codes
        shown = np.broadcast_to(shown, (*history["output"].shape[:2], *shown.shape))
        if "weights_1" in history:
            _check_linear(history, codes, history["weights_1"].values)
        return shown, shown
    name = f"hidden_{depth - 1}"
    if name in history and "context" in history[name].dims:
        raise ValueError(
            f"the last hidden layer, {name}, differs with the relation asked about: choose one of "
            f"{', '.join(history['context'].values.tolist())}, as in "
            f'history.sel(context="{history["context"].values[-1]}")'
        )
    if name not in history or "item" not in history[name].dims:
        raise ValueError(
            f"how a new property generalizes depends on the last hidden layer over items, {name}: "
            "record it with train(…, hidden=True) or solve(…, hidden=True)"
            + ("; here it is over patterns, item × relation" if name in history else "")
        )
    source = history if theory is None else check_theory(history, theory, dim="item")
    output = source["output"].values
    predicted = balanced_vectors(output, (depth - 1) / depth, codes=codes)
    return history[name].values, predicted


def _collect(
    history: xr.Dataset,
    measured: np.ndarray,
    predicted: np.ndarray,
    taught: tuple[np.ndarray, np.ndarray],
    dim: str,
) -> xr.Dataset:
    """Return projections over a dimension, measured and predicted, and what was taught."""
    known = np.full(history.sizes[dim], np.nan)
    known[taught[0]] = taught[1]
    found = {"projection": project(measured, *taught)}
    expected = np.broadcast_to(project(predicted, *taught), measured.shape[:3])
    found["predicted"] = expected if is_self_contained(history) else expected * np.nan
    return xr.Dataset(
        {name: (("seed", "time", dim), each) for name, each in found.items()},
        coords={k: history[k] for k in ("seed", "time", dim)} | {"taught": (dim, known)},
    )
