"""Chains: how far a network's weights fall apart into one chain of single units for each mode."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.history import check, has_biases
from semdev.models.decomposition import Modes, decompose, tied_groups
from semdev.models.single_units import chain_strengths


def decouple(
    history: xr.Dataset, *, data: Dataset | Patterns | None = None, since: float = 0.0
) -> xr.Dataset:
    """Return recorded weights in the basis of the data's modes: the chains, and how far they hold.

    With Σ_yx = U S Vᵀ the layers are seen as A_l = R_{l+1}ᵀ W_l R_l, R_1 = V, R_{D+1} = U. Where
    every A_l is diagonal, modes are chains of single units that do not act on each other (Saxe,
    McClelland & Ganguli 2014). How hidden layers are to be turned is derived here: the directions
    of layer l are those that the last weights reach from v_α below and from u_α above,

        M_α = s^(−l/D) W_l … W_1 v_α + s^(−(D−l)/D) W_{l+1}ᵀ … W_Dᵀ u_α   (l layers below),

    and R is the nearest matrix with orthonormal columns (polar decomposition), which favours no
    mode and turns with modes that are tied. For small random weights and one hidden layer these
    are the directions along which learning begins, so that the chains start from the strengths
    that count. Where a hidden layer is narrower than the data have modes, only as many of the
    strongest have chains.

    Parameters
    ----------
    history : xr.Dataset
        A History with weights: ``train(…, keep_weights=True)`` or ``solve(…, keep_weights=True)``.
    data : Dataset or Patterns, optional
        What was learned; needed of relations, and of properties observed in part.
    since : float
        The learning time from which `predicted` takes the chains' start. Random weights of
        several hidden layers take a while before they fall apart (see `coupled`, `outside`), and
        what happens before is not that of chains.

    Returns
    -------
    Dataset
        - `chain` (seed × time × layer × mode): the diagonal of A_l, to be compared with √s for one
          hidden layer; of tied modes each has the mean of its tie
        - `strength` (seed × time × mode): u_αᵀ W_D … W_1 v_α, the same mean
        - `coupled` (seed × time × layer): the share of |W_l|² that leads from one mode's (one
          tie's) chain to another's, 0 to 1
        - `outside` (seed × time × layer): the share that belongs to no chain
        - `imbalance` and `drift` (seed × time × hidden_layer): |C_l| and |C_l(t) − C_l(0)| of
          C_l = W_l W_lᵀ − W_{l+1}ᵀ W_{l+1}, as shares of the largest |W_l W_lᵀ| of the run
        - `predicted` (seed × time × layer × mode) and `predicted_strength`: the chains as they
          would go from the first record at or after `since` if no mode acted on another
          (`chain_strengths`); NaN before it, and where the inputs do not let modes decouple at
          all. `predicted_drift` is 0: gradient descent in
          small steps conserves C_l, and drifts in proportion to the learning rate

        with the coordinate `singular_value` on `mode`.

    Raises
    ------
    ValueError
        No weights were kept, `data` is needed and missing, or nothing was recorded after `since`.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("saxe2019")
    >>> deep = sd.train(sd.DeepLinear(16), world, seeds=2, keep_weights=True, progress=False)
    >>> chains = decouple(deep).isel(seed=0, time=-1)
    >>> chains["chain"].values    # √s for both layers
    array([[1.6, 1.3, 1.0, 1.0],
           [1.6, 1.3, 1.0, 1.0]])
    >>> float(chains["coupled"].max()) < 1e-3
    True
    """
    weights = _read_weights(history)
    basis = _find_basis(history, weights, data)
    depth, some = len(weights), basis.number
    s = basis.modes.s[:some]
    ties = [tie[tie < some] for tie in tied_groups(basis.modes.s) if tie[0] < some]
    frames = basis.frames
    seen = [
        np.einsum("som,stoi,sin->stmn", frames[k + 1], weights[k], frames[k], optimize=True)
        for k in range(depth)
    ]
    size = [np.maximum((w**2).sum((-1, -2)), np.finfo(float).tiny) for w in weights]
    diagonal = np.stack([np.einsum("stmm->stm", a) for a in seen], axis=2)
    within = np.stack([sum((a[..., t[:, None], t] ** 2).sum((-1, -2)) for t in ties) for a in seen])
    inside = np.stack([(a**2).sum((-1, -2)) for a in seen])
    chain = _average_ties(diagonal, ties)
    imbalance, drift = _measure_conserved(weights)
    predicted = _predict(history["time"].values, basis, np.stack(seen, 2), ties, since)
    if has_biases(history):  # what biases learn, weights do not
        predicted[:] = np.nan
    product = weights[0]
    for w in weights[1:]:
        product = w @ product
    strength = np.einsum(
        "om,stoi,im->stm", basis.modes.u[:, :some], product, basis.modes.v[:, :some], optimize=True
    )
    by_layer = ("seed", "time", "layer")
    by_hidden = ("seed", "time", "hidden_layer")
    by_mode = ("seed", "time", "layer", "mode")
    total = np.stack(size)
    result = xr.Dataset(
        {
            "chain": (by_mode, chain),
            "strength": (("seed", "time", "mode"), _average_ties(strength, ties)),
            "coupled": (by_layer, np.moveaxis((inside - within) / total, 0, -1).clip(0, 1)),
            "outside": (by_layer, np.moveaxis(1 - inside / total, 0, -1).clip(0, 1)),
            "imbalance": (by_hidden, imbalance),
            "drift": (by_hidden, drift),
            "predicted": (by_mode, _average_ties(predicted, ties)),
            "predicted_strength": (
                ("seed", "time", "mode"), _average_ties(predicted.prod(2), ties)
            ),
            "predicted_drift": (by_hidden, np.zeros_like(drift)),
        },
        coords={
            "seed": history["seed"], "time": history["time"],
            "layer": np.arange(1, depth + 1), "hidden_layer": np.arange(1, depth),
            "mode": np.arange(1, some + 1), "singular_value": ("mode", s),
        },
    )  # fmt: skip
    return say_measure("decouple", result)


@dataclass(frozen=True, eq=False)
class _Basis:
    """Modes, and the frames R_1 … R_{D+1}, each seed × unit × mode (the strongest `number`)."""

    modes: Modes
    frames: list[np.ndarray]
    number: int


def _read_weights(history: xr.Dataset) -> list[np.ndarray]:
    """Return the weight matrices, first layer first, each seed × time × output × input."""
    names = [str(n) for n in check(history).data_vars if re.fullmatch(r"weights_\d+", str(n))]
    if not names:
        raise ValueError(
            "this History has no weights; keep them with train(…, keep_weights=True) or "
            "solve(…, keep_weights=True)"
        )
    names.sort(key=lambda name: int(name.removeprefix("weights_")))
    matrices = [history[name] for name in names]
    if "input" in history.coords:  # one input for each item: in the order the items have now
        matrices[0] = matrices[0].sel(input=history["item"].values)
    return [each.values.astype(float) for each in matrices]


def _find_modes(history: xr.Dataset, n_inputs: int, data: Any) -> Modes:
    """Return the modes of what was learned, by the History's own codes or by `data`."""
    if data is None:
        if "taught" in history:
            raise ValueError(
                "not every cell was taught as often as its item was met; pass the patterns that "
                "were learned, decouple(history, data=…)"
            )
        if n_inputs != history.sizes["item"] and "code" not in history:
            raise ValueError(
                f"items were shown by {n_inputs} inputs, which this History does not hold; pass "
                "the patterns that were learned, decouple(history, data=…)"
            )
        table = history["target"].transpose("item", "property").reset_coords(drop=True)
        table = table.assign_coords(item=history["item"], property=history["property"])
        keep = table.drop_vars([c for c in table.coords if c not in ("item", "property")])
        data = make_patterns(
            Dataset(keep.assign_coords(frequency=("item", history["frequency"].values))),
            inputs=history["code"].values if "code" in history else None,
        )
    patterns = make_patterns(data)
    if patterns.inputs.shape[1] != n_inputs:
        raise ValueError(
            f"data shows {patterns.inputs.shape[1]} inputs, the network has {n_inputs}: these are "
            "not the patterns that it learned"
        )
    return decompose(patterns)


def _find_basis(history: xr.Dataset, weights: list[np.ndarray], data: Any) -> _Basis:
    modes = _find_modes(history, weights[0].shape[-1], data)
    depth = len(weights)
    number = min([len(modes.s), *(w.shape[-2] for w in weights[:-1])])
    s, u, v = modes.s[:number], modes.u[:, :number], modes.v[:, :number]
    seeds = len(weights[0])
    last = [w[:, -1] for w in weights]
    below, above = [np.repeat(v[None], seeds, 0)], [np.repeat(u[None], seeds, 0)]
    for w in last[:-1]:
        below.append(w @ below[-1])
    for w in last[:0:-1]:
        above.append(w.mT @ above[-1])
    end = (s / modes.d[:number]) ** (1 / depth)
    frames = [below[0]]
    for k in range(1, depth):
        meet = below[k] / end**k + above[depth - k] / end ** (depth - k)
        left, _, right = np.linalg.svd(meet, full_matrices=False)
        frames.append(left @ right)
    return _Basis(modes, [*frames, above[0]], number)


def _average_ties(values: np.ndarray, ties: list[np.ndarray]) -> np.ndarray:
    """Give each of tied modes (last axis) the mean of its tie."""
    values = values.copy()
    for tie in ties:
        values[..., tie] = values[..., tie].mean(-1, keepdims=True)
    return values


def _measure_conserved(weights: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return imbalance and drift of W_l W_lᵀ − W_{l+1}ᵀ W_{l+1}, seed × time × hidden layer."""
    shape = (*weights[0].shape[:2], len(weights) - 1)
    imbalance, drift = np.zeros(shape), np.zeros(shape)
    for k, (low, high) in enumerate(pairwise(weights)):
        made, used = low @ low.mT, high.mT @ high
        largest = np.linalg.norm(made, axis=(-1, -2)).max(1, keepdims=True)
        largest = np.maximum(largest, np.finfo(float).tiny)
        conserved = made - used
        imbalance[..., k] = np.linalg.norm(conserved, axis=(-1, -2)) / largest
        drift[..., k] = np.linalg.norm(conserved - conserved[:, :1], axis=(-1, -2)) / largest
    return imbalance, drift


def _predict(
    time: np.ndarray, basis: _Basis, seen: np.ndarray, ties: list[np.ndarray], since: float
) -> np.ndarray:
    """Return how the chains of A_l (seed × time × layer × mode × mode) go from `since` on, alone.

    Tied modes are turned to where the sum of their layers' blocks is diagonal at the start, so
    that it does not matter how they were turned before.
    """
    begin = int(np.searchsorted(time, since))
    if not since >= 0 or begin == len(time):
        raise ValueError(f"since must lie within the run, 0 to {time[-1]:.4g}; got {since!r}")
    predicted = np.full(seen.shape[:-1], np.nan)
    if not basis.modes.shared:
        return predicted
    start, d = seen[:, begin], basis.modes.d[: basis.number]
    chains = np.einsum("slmm->sml", start).copy()
    for tie in ties:
        if len(tie) > 1 and np.ptp(d[tie]) <= 1e-9 * d.max():
            block = start[..., tie[:, None], tie]
            turn = np.linalg.eigh((block + block.mT).sum(1))[1]
            chains[:, tie] = np.einsum("smk,slmn,snk->skl", turn, block, turn)
    seeds, number, depth = chains.shape
    grown = chain_strengths(
        time[begin:] - time[begin], np.tile(basis.modes.s[:number], seeds),
        initial=chains.reshape(-1, depth), d=np.tile(d, seeds),
    )  # fmt: skip
    predicted[:, begin:] = grown.reshape(-1, seeds, number, depth).transpose(1, 0, 3, 2)
    return predicted
