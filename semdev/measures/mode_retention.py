"""Modes of damaged networks: which of them are left, and which drown."""

from __future__ import annotations

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.measures.damaged import DIMS, check_damaged, follows_theory
from semdev.models.decomposition import tied_groups
from semdev.models.lesions import predict_scatter, predict_strengths


def mode_retention(damaged: xr.Dataset) -> xr.Dataset:
    """Return what damage leaves of each mode that a network had learned, and how much it scatters.

    The modes are those of the healthy network's own answers, Ŷ = Σ_α a_α v_α u_αᵀ (severity 0),
    strongest first: when all is learned, those of the data. After damage

        strength = mean over draws of v_αᵀ Ŷ' u_α,   scatter = Σ_i Var(u_αᵀ ŷ'_i) over draws.

    Deletion alone shrinks all modes of a linear network alike; with relearning the strongest stay
    and the weakest go, one with every unit for which there is no room (Jarvis, Klar, Klein, Rosman
    & Saxe 2023); noise makes weak modes drown first. The forms are in `semdev.models.lesions`.

    Parameters
    ----------
    damaged : Dataset
        What `damage` returned.

    Returns
    -------
    Dataset
        Over seed × severity × mode: `strength`, in units of the coding, and `predicted`, NaN
        where no closed form holds (networks that are not linear, have biases or are not shown
        items one-hot; relearning that is not of units, or of items met unequally often);
        `scatter`, in its square, and `predicted_scatter` (balanced networks, whose directions
        are random; NaN with relearning, too); `signal_to_noise`, strength² / scatter (infinite
        where nothing scatters; NaN of one draw alone). Tied modes have the mean of their tie.
        The coordinate `singular_value` is that of the data, mode by mode.

    Raises
    ------
    TypeError, ValueError
        No damaged networks.

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("rumelhart8")
    >>> child = sd.train(model, world, seeds=2, keep_weights=True, record=2)
    >>> found = mode_retention(sd.damage(child, model, world, kind="units", severity=[0.5]))
    >>> found["predicted"].sel(seed=0, severity=0.5).values[:4].round(1)
    array([3.4, 2.2, 1.5, 1.5])
    """
    check_damaged(damaged)
    output = damaged["output"].transpose(*DIMS).values
    target = damaged["target"].transpose("item", "property").values
    data = np.linalg.svd(target, compute_uv=False)
    data = data[data > 1e-10 * max(data[0], np.finfo(float).tiny)]
    ties = tied_groups(data)
    v, a, ut = np.linalg.svd(output[:, 0].mean(1), full_matrices=False)
    v, a, ut = v[..., : len(data)], a[:, : len(data)], ut[:, : len(data)]
    along = np.einsum("svdip,smp->svdim", output, ut, optimize=True)
    strength = np.einsum("svdim,sim->svm", along, v) / output.shape[2]
    drawn = output.shape[2] > 1
    scatter = along.var(2, ddof=1).sum(2) if drawn else np.full(strength.shape, np.nan)
    for values in (strength, scatter):
        for tied in ties:
            values[..., tied] = values[..., tied].mean(-1, keepdims=True)
    predicted, expected = _predict(damaged, a)
    with np.errstate(divide="ignore"):
        ratio = strength**2 / np.where(scatter > 0, scatter, 0.0 if drawn else np.nan)
    over = ("seed", "severity", "mode")
    result = xr.Dataset(
        {
            "strength": (over, strength),
            "predicted": (over, predicted),
            "scatter": (over, scatter),
            "predicted_scatter": (over, expected),
            "signal_to_noise": (over, ratio),
        },
        coords={k: damaged[k].variable for k in ("seed", "severity")}
        | {"mode": np.arange(1, len(data) + 1), "singular_value": ("mode", data)},
    )
    return say_measure("mode_retention", result)


def _predict(damaged: xr.Dataset, strengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return expected strengths and scatter, seed × severity × mode."""
    severity = damaged["severity"].values
    shape = (len(strengths), len(severity), strengths.shape[-1])
    unknown = np.full(shape, np.nan)
    if not follows_theory(damaged):
        return unknown, unknown
    kind, units = str(damaged["kind"].values), int(damaged["units"])
    layer = int(str(damaged["layer"].values).removeprefix("hidden_"))
    if int(damaged["relearned"]):
        if kind != "units" or np.ptp(damaged["frequency"].values) > 0:
            return unknown, unknown
        left = units - damaged["lost"].values
        return np.stack(
            [predict_strengths(strengths, 0.0, kind=kind, rank=int(rank)) for rank in left], axis=1
        ), unknown
    kept = damaged["left"].values[:, None] * strengths[:, None]
    scatter = [
        predict_scatter(
            strengths, float(level), kind=kind, units=units, items=damaged.sizes["item"],
            layer=layer, depth=int(damaged["depth"]),
        )
        for level in severity
    ]  # fmt: skip
    return kept, np.stack(scatter, axis=1)
