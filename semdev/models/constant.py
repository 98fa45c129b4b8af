"""What learners do that can answer by base rates: closed forms with an output bias or alike inputs.

- `solve_shallow`: any shallow linear network exactly, with or without an output bias
- `solve_biased`: deep linear networks with an output bias
- `predict_shallow_peak`: how far a false belief rises in a shallow network

Rubruck, Bauer, Saxe & Summerfield (2024) show that networks with bias terms, or with correlated
inputs, answer with the mean target (the optimal constant solution) before they tell inputs apart.
The idea is theirs; the forms below are derived here and checked against simulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy import integrate

from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.history import make_history
from semdev.models.closed_forms import check_depth, mode_strength, time_to_reach

SETTLED = 0.02


def solve_shallow(
    data: Dataset | Patterns, *, bias: bool = False, times: Sequence[float] | np.ndarray | int = 200
) -> xr.Dataset:
    """Solve a shallow linear network from zero weights: a History by closed form, for any inputs.

    With inputs x (and a last input that is always 1 for the bias), A = Σ_p w_p x_p x_pᵀ =
    Q diag(λ) Qᵀ and B = Σ_p w_p y_p x_pᵀ the flow Ẇ = B − W A has the solution

        W(t) = B Q diag[(1 − e^(−λt)) / λ] Qᵀ.

    Where properties are observed unequally often A differs between them, and each has its own.
    For P items alike to each other by c and met equally often (once), A has two rates: r₀ for
    what all items share, r₁ for what sets them apart,

        ŷ_i(t) = ȳ (1 − e^(−r₀t)) + (y_i − ȳ) (1 − e^(−r₁t)),
        r₁ = 1 − c,  r₀ = 1 + (P − 1) c,  plus P with an output bias.

    Only where r₀ = r₁ (white inputs and no bias) is a shallow network sure to overgeneralize
    nothing. Derived here.

    Parameters
    ----------
    data : Dataset or Patterns
        What is learned (`make_patterns` gives frequencies, shares observed, correlated codes).
    bias : bool
        Whether the network has an output bias, from 0.
    times : int or increasing sequence of float
        Learning times (step × learning rate, τ = 1), or how many.

    Returns
    -------
    xr.Dataset
        A History with one seed.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("saxe2019")
    >>> for bias in (False, True):
    ...     belief = sd.ask(solve_shallow(world, bias=bias), "salmon", "can fly")
    ...     print(round(float(belief.max()), 3))
    0.0
    0.134
    """
    patterns = make_patterns(data)
    inputs = patterns.inputs
    if bias:
        inputs = np.hstack([inputs, np.ones((len(inputs), 1))])
    taught = patterns.weights[:, None] * patterns.mask
    kinds, which = np.unique(taught, axis=1, return_inverse=True)
    which = which.ravel()
    parts = []
    for k, weights in enumerate(kinds.T):
        rates, axes = np.linalg.eigh(inputs.T @ (inputs * weights[:, None]))
        keep = rates > 1e-12 * max(rates[-1], np.finfo(float).tiny)
        rates, seen = rates[keep], inputs @ axes[:, keep]
        pull = (patterns.targets[:, which == k] * weights[:, None]).T @ seen / rates
        parts.append((which == k, rates, seen, pull))
    time = _read_times(times, max((_slowest(*part[1:]) for part in parts), default=1.0))
    raw = np.zeros((len(time), *patterns.targets.shape))
    for columns, rates, seen, pull in parts:
        grown = -np.expm1(-rates * time[:, None])
        raw[:, :, columns] = (seen * grown[:, None, :]) @ pull.T
    return _make(patterns, raw, time, 1, bias, "closed form: two rates or more, from zero weights")


def solve_biased(
    data: Dataset | Patterns,
    *,
    depth: int,
    initial: float = 1e-5,
    times: Sequence[float] | np.ndarray | int = 200,
) -> xr.Dataset:
    """Solve a linear network with an output bias: first the base rates, then the modes about them.

    ŷ = W_D … W₁ x + b. While the weights are small the bias alone learns, at the rate Σ frequency;
    then the modes of the *centred* data Y − ȳ = Σ_α s_α v_α u_αᵀ grow as without a bias:

        ŷ_i(t) = ȳ (1 − e^(−t Σf)) + Σ_α a_α(t) v_α,i u_α,

    with a_α(t) from `mode_strength`. For white inputs met equally often the modes of the centred
    data are orthogonal to what all items share, so that bias and modes do not disturb each
    other once the bias has learned; while it has not, ȳ changes the strengths from which modes
    start by shares of order |ȳ|²/2P, which shifts them a little (outputs are off by at most .001
    in `rogers2004` and .006 in `living_things`). Otherwise (items met unequally often, correlated
    codes, shares observed) the flow is integrated numerically from the same start, and the
    provenance says so. Derived here.

    Parameters
    ----------
    data, times
        As for `solve_shallow`, which is what depth 1 is.
    depth : int
        Number of weight matrices.
    initial : float
        The starting strength of every mode (> 0; not used for depth 1).

    Examples
    --------
    >>> import semdev as sd
    >>> biased = solve_biased(sd.load("rogers2004"), depth=2)
    >>> float(sd.ask(biased, "pine", "has leaves").max())    # without a bias .71
    0.78
    """
    check_depth(depth)
    patterns = make_patterns(data)
    if depth == 1:
        return solve_shallow(patterns, bias=True, times=times)
    if not initial > 0:
        raise ValueError(f"initial is the strength modes start from, above 0; got {initial}")
    taught = patterns.weights[:, None] * patterns.mask
    total = np.maximum(taught.sum(0), np.finfo(float).tiny)
    mean = (taught * patterns.targets).sum(0) / total
    inputs = patterns.inputs
    often = patterns.weights[0]
    sigma_xx = inputs.T @ (inputs * patterns.weights[:, None])
    white = np.abs(sigma_xx - often * np.eye(len(sigma_xx))).max() <= 1e-9 * often
    closed = bool(white and np.ptp(patterns.weights) == 0 and (patterns.mask == 1).all())
    pull = (taught * (patterns.targets - mean)).T @ inputs
    u, s, vt = np.linalg.svd(pull, full_matrices=False)
    keep = s > 1e-10 * max(s[0], np.abs(taught * patterns.targets).max())
    u, s, v = u[:, keep], s[keep], vt[keep].T
    if not len(s):
        raise ValueError(f"{patterns.data.name}: all items have the same properties")
    variance = np.einsum("im,ij,jm->m", v, sigma_xx, v)
    end = s / variance
    start = np.minimum(initial, 0.5 * end)
    late = time_to_reach(0.99, s, initial=start, depth=depth, d=variance)
    time = _read_times(times, float(late.max()))
    if closed:
        a = mode_strength(time[:, None], s, initial=start, depth=depth, d=variance)
        raw = (inputs @ v * a[:, None, :]) @ u.T
        raw += mean * -np.expm1(-total * time[:, None])[:, None, :]
        return _make(patterns, raw, time, depth, True, "closed form: base rates, then modes")
    root = start ** (1 / depth)
    layers = [root[:, None] * v.T, *(np.diag(root) for _ in range(depth - 2)), u * root]
    raw = _integrate_biased(layers, patterns, taught, time)
    for _ in range(4 if np.ndim(times) == 0 else 0):  # rarely seen cells may take longer
        if _is_settled(patterns, raw):
            break
        time = 2 * time
        raw = _integrate_biased(layers, patterns, taught, time)
    method = "exact gradient flow with an output bias, integrated numerically (DOP853)"
    return _make(patterns, raw, time, depth, True, method)


def predict_shallow_peak(
    base_rate: Any,
    *,
    items: int,
    false: Any = 0.0,
    correlation: float = 0.0,
    bias: bool = False,
) -> np.ndarray:
    """Return how far a shallow network comes to believe a false cell, starting from 0.

    With the two rates of `solve_shallow` the belief ȳ (1 − e^(−r₀t)) + (y − ȳ)(1 − e^(−r₁t)) turns
    at t = ln[ȳ r₀ / ((ȳ − y) r₁)] / (r₀ − r₁) if that is above 0; else it never rises. In 0/1
    coding that is the peak

        ȳ (1 − r₁/r₀) (r₀/r₁)^(−r₁/(r₀ − r₁)),

    0 for white inputs without a bias. It is the same for every item that lacks the property, so
    that nothing of it is excess. Derived here.

    Parameters
    ----------
    base_rate : array
        ȳ, the property's mean target (in 0/1 coding the share of items that have it).
    items : int
        How many items there are, met equally often.
    false : array
        The target y of the false cell: 0 in 0/1 coding, −1 in ±1 coding, at most 0.
    correlation : float
        How alike the items' codes are, 0 ≤ c < 1.
    bias : bool
        Whether the network has an output bias.

    Returns
    -------
    array
        In the units of the coding.

    Raises
    ------
    ValueError
        A number out of its range.

    Examples
    --------
    >>> float(predict_shallow_peak(0.5, items=2, correlation=0.9))    # one of two items has it
    0.402
    >>> predict_shallow_peak([0.25, 0.5], items=28, bias=True)
    array([0.214, 0.428])
    """
    mean, target = np.broadcast_arrays(
        np.asarray(base_rate, dtype=float), np.asarray(false, dtype=float)
    )
    if items < 1 or not 0 <= correlation < 1 or (target > 0).any():
        raise ValueError(
            f"items is at least 1, correlation at least 0 and below 1, and false at most 0; got "
            f"{items}, {correlation} and {np.max(target, initial=0)}"
        )
    shared, own = shallow_rates(items, correlation=correlation, bias=bias)
    rises = (mean > 0) & (mean * shared > (mean - target) * own)
    if shared == own or not rises.any():
        return np.zeros(mean.shape)
    gain, loss = np.where(rises, mean, 1.0), np.where(rises, mean - target, 1.0)
    turn = np.log(gain * shared / (loss * own)) / (shared - own)
    peak = -gain * np.expm1(-shared * turn) + loss * np.expm1(-own * turn)
    return np.where(rises, peak, 0.0)


def shallow_rates(items: int, *, correlation: float = 0.0, bias: bool = False) -> tuple:
    """Return the rates r₀ (what items share) and r₁ (what sets them apart) of `solve_shallow`.

    >>> shallow_rates(4, correlation=0.5), shallow_rates(4, bias=True)
    ((2.5, 0.5), (5.0, 1.0))
    """
    return 1 + (items - 1) * correlation + items * bias, 1 - correlation


def _slowest(rates: np.ndarray, seen: np.ndarray, pull: np.ndarray) -> float:
    """Return when every part of every cell is within 1 % of the largest cell."""
    size = np.abs(seen).max(0, initial=0) * np.abs(pull).max(0, initial=0)
    if not size.any():
        return 1.0
    return float((np.log(np.maximum(100 * size / size.max(), 1.0)) / rates).max())


def _read_times(times: Any, slowest: float) -> np.ndarray:
    if np.ndim(times) == 0:
        if not (isinstance(times, (int, np.integer)) and times >= 2):
            raise ValueError(
                f"times is an increasing list, or how many (at least 2); got {times!r}"
            )
        return slowest * np.linspace(0, 1, int(times)) ** 2
    time = np.array(times, dtype=float)
    if time.ndim != 1 or not time.size or not (time[0] >= 0 and (np.diff(time) > 0).all()):
        raise ValueError("times must increase and begin at 0 or later")
    return time


def _integrate_biased(
    layers: list[np.ndarray], patterns: Patterns, taught: np.ndarray, time: np.ndarray
) -> np.ndarray:
    """Integrate the flow of a chain of weights and an output bias; return outputs at `time`."""
    shapes = [w.shape for w in layers]
    cuts = np.cumsum([w.size for w in layers])

    def forward(flat: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        *parts, bias = np.split(flat, cuts)
        weights = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        layer = [patterns.inputs]
        for w in weights:
            layer.append(layer[-1] @ w.T)
        layer[-1] = layer[-1] + bias
        return weights, layer

    def slope(_: float, flat: np.ndarray) -> np.ndarray:
        weights, layer = forward(flat)
        error = (patterns.targets - layer[-1]) * taught
        slopes = [error.sum(0)]
        for below, w in zip(layer[-2::-1], weights[::-1], strict=True):
            slopes.append((error.T @ below).ravel())
            error = error @ w
        return np.concatenate(slopes[::-1])

    flat = np.concatenate([*(w.ravel() for w in layers), np.zeros(patterns.targets.shape[1])])
    span = (0.0, max(float(time[-1]), 1e-12))
    solution = integrate.solve_ivp(
        slope, span, flat, method="DOP853", t_eval=time, rtol=1e-9, atol=1e-12
    )
    if not solution.success:
        raise RuntimeError(f"the flow could not be integrated: {solution.message}")
    return np.stack([forward(column)[1][-1] for column in solution.y.T])


def _is_settled(patterns: Patterns, raw: np.ndarray) -> bool:
    """Return whether what is taught is answered to 2 % of the largest target in the end."""
    taught = (patterns.weights[:, None] * patterns.mask) > 0
    left = np.abs((patterns.targets - raw[-1]) * taught).max()
    return bool(left <= SETTLED * np.abs(patterns.targets).max())


def _make(
    patterns: Patterns, raw: np.ndarray, time: np.ndarray, depth: int, bias: bool, method: str
) -> xr.Dataset:
    """Return the History of one learner, outputs time × pattern × output."""
    taught = patterns.weights[:, None] * patterns.mask
    error = patterns.targets - raw
    loss = np.einsum("po,tpo->t", taught, error**2) / 2
    return make_history(
        patterns,
        output=patterns.read_back(raw[None]),
        loss=loss[None],
        time=time,
        step=np.full(len(time), np.nan),
        seeds=[0],
        settled=np.array([_is_settled(patterns, raw)]),
        biased=bias,
        depth=depth,
        provenance={
            "made_by": "semdev.solve_biased" if depth > 1 else "semdev.solve_shallow",
            "model": f"theory, depth {depth}{', output bias' if bias else ''}",
            "method": method,
        },
    )
