"""Closed-form theory: what a linear network learns and when, without training one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import integrate, linalg

from semdev._names import suggest
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.history import make_history
from semdev.models.closed_forms import (
    branching_singular_values,
    check_depth,
    mode_strength,
    time_to_reach,
)

__all__ = [
    "bound_learning_rate",
    "branching_singular_values",
    "decompose",
    "effective_initial_strength",
    "mode_strength",
    "solve",
    "time_to_reach",
]

STRENGTH = 1e-5
SETTLED = 0.02


@dataclass(frozen=True, eq=False)
class Modes:
    """The modes of a world: Σ_yx = U diag(s) Vᵀ, and Σ_xx V = V diag(d) where `shared`.

    Attributes: `s`, `d` (mode), `u` (output × mode), `v` (input × mode), `shared` (bool: the
    inputs' covariance shares the singular vectors, so that the modes decouple).
    """

    s: np.ndarray
    d: np.ndarray
    u: np.ndarray
    v: np.ndarray
    shared: bool


def decompose(data: Dataset | Patterns) -> Modes:
    """Return the modes of Σ_yx = Σ_p w_p y_p x_pᵀ, strongest first (sum convention).

    Where singular values are tied, the vectors among them are chosen to diagonalize
    Σ_xx = Σ_p w_p x_p x_pᵀ too, if that is possible.

    Examples
    --------
    >>> import semdev as sd
    >>> decompose(sd.load("saxe2019")).s ** 2
    array([7., 3., 1., 1.])
    """
    patterns = make_patterns(data)
    weighted = patterns.inputs * patterns.weights[:, None]
    sigma_yx, sigma_xx = (
        (patterns.targets * patterns.mask).T @ weighted,
        patterns.inputs.T @ weighted,
    )
    u, s, vt = linalg.svd(sigma_yx, full_matrices=False)
    keep = s > 1e-10 * max(s[0], np.finfo(float).tiny)
    u, s, v = u[:, keep], s[keep], vt[keep].T
    for tied in _tied_groups(s):
        if len(tied) > 1:
            rotation = linalg.eigh(v[:, tied].T @ sigma_xx @ v[:, tied])[1]
            u[:, tied], v[:, tied] = u[:, tied] @ rotation, v[:, tied] @ rotation
    d = np.einsum("im,ij,jm->m", v, sigma_xx, v)
    residue = np.abs(sigma_xx @ v - v * d).max(initial=0.0)
    shared = bool(residue <= 1e-9 * np.abs(sigma_xx).max() and (patterns.mask == 1).all())
    return Modes(s, d, u, v, shared)


def _tied_groups(s: np.ndarray, *, tolerance: float = 1e-6) -> list[np.ndarray]:
    """Return the indices of equal singular values, group by group (s is sorted)."""
    breaks = np.flatnonzero(-np.diff(s) > tolerance * s[:1]) + 1
    return np.split(np.arange(len(s)), breaks) if len(s) else []


def effective_initial_strength(
    weights: Sequence[np.ndarray], data: Dataset | Patterns
) -> np.ndarray:
    """Return the strength a₀ at which each mode effectively starts from given weights.

    a₀ = ¼ |W₁ v + W₂ᵀ u|² for two weight matrices, b₀ = uᵀ W v for one. Small random weights
    feed a mode through the part of them that grows, and this is that part; with it the closed
    form meets simulated half-times within a few per cent. Derived here and checked by simulation.

    Parameters
    ----------
    weights : one or two arrays
        W₁ (hidden × input) and W₂ (output × hidden), or W (output × input); each may have a
        leading axis of seeds, as `semdev.initial_weights` returns them.
    data : Dataset or Patterns
        What is to be learned.

    Returns
    -------
    array, seed × mode
    """
    modes = decompose(data)
    layers = _check_weights(weights, modes)
    if len(layers) == 1:
        return np.einsum("om,soi,im->sm", modes.u, layers[0], modes.v)
    if len(layers) == 2:
        return np.sum((layers[0] @ modes.v + layers[1].transpose(0, 2, 1) @ modes.u) ** 2, 1) / 4
    raise ValueError(
        f'initial="matched" is known for one or two weight matrices, got {len(layers)}; '
        'use initial="exact" to integrate the flow from these weights'
    )


def _check_weights(weights: Sequence[np.ndarray] | None, modes: Modes) -> list[np.ndarray]:
    if not weights:
        raise ValueError(
            "initial weights are needed: weights=[W1, W2], or "
            "weights=semdev.initial_weights(model, data, seeds=…)"
        )
    layers = [np.array(w, dtype=float) for w in weights]
    layers = [w[None] if w.ndim == 2 else w for w in layers]
    n_out, n_in = len(modes.u), len(modes.v)
    wanted = [n_in, *(w.shape[1] for w in layers[:-1]), n_out]
    for k, w in enumerate(layers):
        if w.ndim != 3 or w.shape[1:] != (wanted[k + 1], wanted[k]):
            raise ValueError(
                f"weight matrix {k + 1} has shape {w.shape[-2:]}, this chain from {n_in} inputs "
                f"to {n_out} outputs needs (output × input) {(wanted[k + 1], wanted[k])}"
            )
    return layers


def bound_learning_rate(data: Dataset | Patterns, *, depth: int) -> tuple[float, float]:
    """Return learning rates (safe, largest) for full-batch descent on a linear network.

    Descent is stable at a solution W = Π W_l with balanced layers while
    λ < 2 / (largest curvature). With σ, u, v the singular triples of W, that curvature is at
    least D max σ^(2−2/D) vᵀ Σ_xx v and at most D σ_max^(2−2/D) λ_max(Σ_xx); the two are equal
    for one-hot items met equally often, 2 / (D s_max^(2 − 2/D)). `largest` is 2 over the former
    (beyond it no solution is stable), `safe` 2 over the latter.

    Examples
    --------
    >>> import semdev as sd
    >>> safe, largest = bound_learning_rate(sd.load("saxe2019"), depth=2)
    >>> round(safe, 3), round(largest, 3), round(1 / 7 ** 0.5, 3)
    (0.378, 0.378, 0.378)
    """
    check_depth(depth)
    patterns = make_patterns(data)
    weighted = patterns.inputs * patterns.weights[:, None]
    sigma_xx = patterns.inputs.T @ weighted
    spread = linalg.eigvalsh(sigma_xx)[-1]
    if depth == 1:
        return float(2 / spread), float(2 / spread)
    _, sigma, vt = linalg.svd(_best_map(patterns), full_matrices=False)
    power = sigma ** (2 - 2 / depth)
    least = depth * np.max(power * np.einsum("mi,ij,mj->m", vt, sigma_xx, vt))
    if least == 0:
        raise ValueError(f"{patterns.data.name} holds nothing but zeros: there is nothing to learn")
    return float(2 / (depth * power[0] * spread)), float(2 / least)


def _best_map(patterns: Patterns) -> np.ndarray:
    """Return the smallest linear map (output × input) with the least loss, where learning ends."""
    often = np.sqrt(patterns.weights)[:, None]
    return np.linalg.lstsq(often * patterns.inputs, often * patterns.targets, rcond=None)[0].T


def solve(
    data: Dataset | Patterns,
    *,
    depth: int,
    initial: float | Sequence[float] | np.ndarray | str | None = None,
    weights: Sequence[np.ndarray] | None = None,
    seeds: Sequence[int] | None = None,
    times: Sequence[float] | np.ndarray | int = 200,
    hidden: bool = False,
) -> xr.Dataset:
    """Solve a linear network's gradient flow: the same kind of History as `train`, at once.

    The network's outputs are ŷ(t) = Σ_α a_α(t) u_α v_αᵀ x with a_α(t) from `mode_strength`
    (Saxe, McClelland & Ganguli 2014, 2019). Where items differ in frequency, or inputs are
    correlated so that they do not share the data's singular vectors, the modes do not decouple:
    the exact flow is then integrated numerically from the same start, and the provenance says so.

    Parameters
    ----------
    data : Dataset or Patterns
        What is to be learned.
    depth : int
        Number of weight matrices: 1 is shallow, 2 has one hidden layer.
    initial : optional
        The starting strength a₀ of every mode (default 1e-5; 0 for depth 1); or one for each
        mode, strongest first; or ``"matched"``: each mode's effective starting strength, taken
        from `weights` by `effective_initial_strength` (depth 1 and 2); or ``"exact"``: the flow
        integrated numerically from `weights`, every interaction of modes included.
    weights : sequence of arrays, optional
        Initial weights, first layer first, each (seed ×) output × input; one result for each
        seed. See `semdev.initial_weights`.
    seeds : sequence of int, optional
        What the seeds of `weights` are called (default 0, 1, …), so that theory and simulation
        line up.
    times : int or increasing sequence of float
        The learning times wanted (step × learning rate, τ = 1), or how many; a number of times
        is spread, denser early on, until all that matters has been learned.
    hidden : bool
        Keep hidden layers too, up to the rotation that the theory leaves open:
        h_l = Σ_α a_α^(l/D) v_αᵀ x.

    Raises
    ------
    ValueError
        A bad depth or start, times that do not increase, weights that do not fit.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("living_things")
    >>> exact = sd.solve(world, depth=2)
    >>> exact["output"].dims
    ('seed', 'time', 'item', 'property')
    """
    patterns = make_patterns(data)
    modes = decompose(patterns)
    if not len(modes.s):
        raise ValueError(f"{patterns.data.name} holds nothing but zeros: there is nothing to learn")
    start = _read_initial(initial, weights, patterns, modes, depth)
    slowest = _time_needed(modes, np.median(np.abs(start), axis=0), depth, patterns)
    time = _read_times(times, slowest)
    if isinstance(initial, str) and initial == "exact":
        layers = _check_weights(weights, modes)
        runs = [_flow([w[k] for w in layers], patterns, time) for k in range(len(start))]
        method = "exact gradient flow from the given weights, integrated numerically (DOP853)"
    elif modes.shared:
        runs = [_closed_form(a0, depth, patterns, modes, time) for a0 in start]
        method = "closed form"
    else:
        runs = [_flow(_aligned(a0, depth, modes), patterns, time) for a0 in start]
        method = "exact gradient flow, integrated numerically (DOP853): the modes do not decouple"
    raw = np.stack([run[0] for run in runs])
    error = (patterns.targets - raw) * patterns.mask
    loss = np.einsum("p,stpo->st", patterns.weights, error**2) / 2
    missing = patterns.inputs @ _best_map(patterns).T - raw[:, -1]
    learned = np.abs(missing).max((1, 2)) <= SETTLED * np.abs(patterns.targets).max()
    return make_history(
        patterns,
        output=patterns.read_back(raw),
        loss=loss,
        time=time,
        step=np.full(len(time), np.nan),
        seeds=_read_seeds(seeds, len(runs)),
        settled=learned,
        hidden=[np.stack(k) for k in zip(*(r[1] for r in runs), strict=True)] if hidden else [],
        provenance={
            "made_by": "semdev.solve",
            "model": f"theory, depth {depth}",
            "method": method,
            "initial": initial if isinstance(initial, str) else start[0].tolist(),
        },
    )


def _read_seeds(seeds: Sequence[int] | None, number: int) -> list[int]:
    names = list(range(number)) if seeds is None else [int(seed) for seed in seeds]
    if len(names) != number or len(set(names)) < number:
        raise ValueError(f"seeds must name each of the {number} results once, got {seeds!r}")
    return names


def _read_initial(
    initial: Any, weights: Any, patterns: Patterns, modes: Modes, depth: int
) -> np.ndarray:
    """Return starting strengths, seed × mode."""
    if isinstance(initial, str):
        if initial not in ("matched", "exact"):
            raise ValueError(
                f"initial is a number, one number for each mode, 'matched' or 'exact'; got "
                f"{initial!r}; {suggest(initial, ['matched', 'exact'])}"
            )
        layers = _check_weights(weights, modes)
        if len(layers) != depth:
            raise ValueError(f"depth is {depth}, but there are {len(layers)} weight matrices")
        if initial == "exact" and depth > 2:
            sizes = [np.sqrt(np.mean(w**2) * max(w.shape[1:])) for w in layers]
            return np.full((len(layers[0]), len(modes.s)), np.prod(sizes))
        return effective_initial_strength(layers, patterns)
    if weights is not None:
        raise ValueError('weights are used with initial="matched" or initial="exact" only')
    if initial is None:
        initial = 0.0 if depth == 1 else STRENGTH
    start = np.asarray(initial, dtype=float)
    if start.ndim > 1 or start.size not in (1, len(modes.s)):
        raise ValueError(
            f"initial needs one number, or one for each of the {len(modes.s)} modes; got "
            f"{start.size}"
        )
    if not np.isfinite(start).all() or (depth > 1 and not (start > 0).all()):
        raise ValueError(
            f"initial must be finite, and above 0 in a deep network (at 0 it never learns); "
            f"got {np.min(start)}"
        )
    return np.broadcast_to(start, (1, len(modes.s)))


def _time_needed(modes: Modes, start: np.ndarray, depth: int, patterns: Patterns) -> float:
    """Return when the modes that make up all cells to 1 % of the largest are 99 % learned."""
    end = modes.s / modes.d
    start = start if depth == 1 else np.clip(start, 1e-300, 0.98 * end)
    times = time_to_reach(
        0.99, modes.s, initial=np.minimum(start, 0.98 * end), depth=depth, d=modes.d
    )
    order = np.argsort(times)
    seen = patterns.inputs @ modes.v
    missing = np.zeros((len(seen), len(modes.u)))
    limit = SETTLED / 2 * np.abs(patterns.targets).max()
    for mode in order[::-1]:
        missing += end[mode] * np.outer(seen[:, mode], modes.u[:, mode])
        if np.abs(missing).max() > limit:
            return float(times[mode])
    return float(times[order[0]])


def _read_times(times: Any, slowest: float) -> np.ndarray:
    if np.ndim(times) == 0:
        if times != int(times) or times < 2:
            raise ValueError(f"times is an increasing list, or how many (at least 2); got {times}")
        return slowest * np.linspace(0, 1, int(times)) ** 2
    time = np.array(times, dtype=float)
    if time.ndim != 1 or not time.size:
        raise ValueError(f"times is an increasing list, or how many (at least 2); got {times}")
    if not (time[0] >= 0 and (np.diff(time) > 0).all() and np.isfinite(time).all()):
        raise ValueError("times must increase and begin at 0 or later")
    return time


Run = tuple[np.ndarray, list[np.ndarray]]


def _closed_form(
    start: np.ndarray, depth: int, patterns: Patterns, modes: Modes, time: np.ndarray
) -> Run:
    """Return outputs (time × pattern × output) and hidden layers."""
    a = mode_strength(time[:, None], modes.s, initial=start, depth=depth, d=modes.d)
    seen = patterns.inputs @ modes.v
    hidden = [seen * np.abs(a[:, None, :]) ** (k / depth) for k in range(1, depth)]
    return (seen * a[:, None, :]) @ modes.u.T, hidden


def _aligned(start: np.ndarray, depth: int, modes: Modes) -> list[np.ndarray]:
    """Return balanced weights in which every mode has a chain of units of its own."""
    if depth == 1:
        return [modes.u * start @ modes.v.T]
    root = start ** (1 / depth)
    middle = [np.diag(root) for _ in range(depth - 2)]
    return [root[:, None] * modes.v.T, *middle, modes.u * root]


def _flow(layers: list[np.ndarray], patterns: Patterns, time: np.ndarray) -> Run:
    """Integrate dW_l/dt = −∂loss/∂W_l; return outputs and hidden layers at `time`."""
    sizes = np.cumsum([w.size for w in layers])[:-1]
    shapes = [w.shape for w in layers]
    weigh = patterns.weights[:, None] * patterns.mask

    def unpack(flat: np.ndarray) -> list[np.ndarray]:
        return [part.reshape(s) for part, s in zip(np.split(flat, sizes), shapes, strict=True)]

    def forward(weights: list[np.ndarray]) -> list[np.ndarray]:
        layer = [patterns.inputs]
        for w in weights:
            layer.append(layer[-1] @ w.T)
        return layer

    def slope(_: float, flat: np.ndarray) -> np.ndarray:
        weights = unpack(flat)
        layer = forward(weights)
        error = (patterns.targets - layer[-1]) * weigh
        slopes = []
        for below, w in zip(layer[-2::-1], weights[::-1], strict=True):
            slopes.append((error.T @ below).ravel())
            error = error @ w
        return np.concatenate(slopes[::-1])

    flat = np.concatenate([w.ravel() for w in layers])
    span = (0.0, max(float(time[-1]), 1e-12))
    solution = integrate.solve_ivp(
        slope, span, flat, method="DOP853", t_eval=time, rtol=1e-10, atol=1e-13
    )
    if not solution.success:
        raise RuntimeError(f"the flow could not be integrated: {solution.message}")
    reached = [forward(unpack(column)) for column in solution.y.T]
    hidden = [np.stack([layer[k] for layer in reached]) for k in range(1, len(layers))]
    return np.stack([layer[-1] for layer in reached]), hidden
