"""One mode as a chain of single units: its weights over time, however unequal the layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import integrate, special

from semdev.models.closed_forms import mode_strength

STILL = 1e-140  # slower than that is not at all: its square, of which errors are made, is no number

ArrayLike = Any


def chain_strengths(
    time: ArrayLike, s: ArrayLike, *, initial: ArrayLike, d: ArrayLike = 1.0
) -> np.ndarray:
    """Return the weight of every layer in a chain of single units, one chain for each mode.

    With τ = 1 a chain of D weights w_l learns a mode by ẇ_l = (s − d Πw) Π_{k≠l} w_k, which leaves
    every w_i² − w_j² as it was (Saxe, McClelland & Ganguli 2014). Layers may start unequal or
    with different signs. Closed forms for D = 1 (`mode_strength`) and D = 2; for more layers the
    equation is integrated numerically (DOP853, relative tolerance 1e-12).

    The form for D = 2 is derived here. With c = w₁² − w₂² and u = (w₁ + w₂)²/2, u obeys
    u̇ = 2su − du² + dc²/4, so that with ρ² = s² + d²c²/4 and T = tanh ρt

        u(t) = [u₀ρ + (dc²/4 + su₀) T] / [ρ + (du₀ − s) T],   (w₁ − w₂)² = c² / 2u.

    For c = 0 it is the sigmoid of balanced layers.

    Parameters
    ----------
    time : float or 1-d array
        Learning times, 0 or later (step × learning rate).
    s, d : float or array, mode
        Singular values of Σ_yx (> 0) and input variances (> 0; 1 for one-hot items).
    initial : array, layer or mode × layer
        The weights at time 0, first layer first, of any sign.

    Returns
    -------
    array, time × mode × layer
        Their product over layers is the mode's strength.

    Raises
    ------
    ValueError
        Times before 0, singular values or variances that are not positive, no layers.

    Examples
    --------
    >>> chain_strengths([0.0, 1.0, 5.0], 3.0, initial=[0.1, 0.01])[:, 0].round(3)
    array([[0.1  , 0.01 ],
           [0.935, 0.929],
           [1.733, 1.731]])
    """
    times = np.atleast_1d(np.asarray(time, dtype=float))
    if times.ndim != 1 or not (np.isfinite(times) & (times >= 0)).all():
        raise ValueError(f"time must be finite learning times, 0 or later; got {time!r}")
    s, d, w = _read_chains(s, d, initial)
    if w.shape[1] == 1:
        return mode_strength(times[:, None], s, initial=w[:, 0], depth=1, d=d)[..., None]
    if w.shape[1] == 2:
        return _hyperbola(times[:, None], s, d, w)
    return _integrate_chains(times, s, d, w)


def time_chain(
    share: ArrayLike, s: ArrayLike, *, initial: ArrayLike, d: ArrayLike = 1.0
) -> np.ndarray:
    """Return the time at which the product of a chain reaches `share` (0 to 1) of s/d.

    Because w_i² − w_j² is conserved, the layer that starts nearest to 0, w, tells all others, and
    t = ∫ dw / [(s − dP) Q], with P the product of all layers and Q that of the others: derived
    here, integrated by adaptive quadrature. A chain with two or more layers at 0, or whose
    product is negative while its two weakest layers are equally strong, never learns (infinity).

    Parameters
    ----------
    share : float or array, mode
        0 to 1; 1 is never reached.
    s, d, initial
        As for `chain_strengths`.

    Returns
    -------
    array, mode
        0 for a chain that starts beyond that share.

    Raises
    ------
    ValueError
        A share outside 0 to 1, or a chain that `chain_strengths` refuses.

    Examples
    --------
    >>> times = time_chain(0.5, 3.0, initial=[[0.1, 0.1], [1.0, 0.01], [-0.5, 0.4]])
    >>> times.round(2)    # balanced; unequal, with the same product; begun on the wrong side
    array([0.95, 0.39, 1.17])
    """
    s, d, w = _read_chains(s, d, initial)
    share, s, d = np.broadcast_arrays(np.asarray(share, dtype=float), s, d)
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"share must lie between 0 and 1; got {share}")
    w = np.broadcast_to(w, (len(s), w.shape[1]))
    return np.array([_wait(*chain) for chain in zip(share, s, d, w, strict=True)])


def multiply_others(layers: np.ndarray) -> np.ndarray:
    """Return for each weight the product of all others along the last axis, zeros included.

    >>> multiply_others(np.array([2.0, 0.0, 5.0]))
    array([ 0., 10., 0.])
    """
    one = np.ones((*layers.shape[:-1], 1))
    before = np.cumprod(np.concatenate([one, layers[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([one, layers[..., :0:-1]], axis=-1), axis=-1)
    return before * after[..., ::-1]


def _read_chains(s: Any, d: Any, initial: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return s (mode), d (mode) and the first weights (mode × layer)."""
    w = np.atleast_2d(np.asarray(initial, dtype=float))
    s, d = np.broadcast_arrays(
        np.atleast_1d(np.asarray(s, dtype=float)), np.atleast_1d(np.asarray(d, dtype=float))
    )
    if not ((s > 0) & (d > 0)).all():
        raise ValueError("singular values and input variances must be positive")
    if w.ndim != 2 or not w.shape[1] or not np.isfinite(w).all():
        raise ValueError(
            "initial holds the weights of a chain's layers, (mode ×) layer, all finite; got shape "
            f"{np.shape(initial)}"
        )
    if len(w) != len(s) and 1 not in (len(w), len(s)):
        raise ValueError(f"there are {len(s)} singular values, but {len(w)} chains in initial")
    number = max(len(w), len(s))
    s, d = np.broadcast_to(s, number), np.broadcast_to(d, number)
    return s, d, np.broadcast_to(w, (number, w.shape[1]))


def _hyperbola(time: np.ndarray, s: np.ndarray, d: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the two weights of each chain, time × mode × 2; every term of u is positive."""
    total, gap = w[:, 0] + w[:, 1], w[:, 0] - w[:, 1]
    u, v, c = total**2 / 2, gap**2 / 2, total * gap
    bend = d * c**2 / 4
    rho = np.sqrt(s**2 + d * bend)
    tanh, late = np.tanh(rho * time), 2 * special.expit(-2 * rho * time)  # late is 1 − tanh
    below = d * u * tanh + d * bend / (rho + s) + s * late
    grown = (u * rho + (bend + s * u) * tanh) / below
    # On w₁ = −w₂, and only there, u stays 0: both weights fall into the saddle at 0.
    with np.errstate(invalid="ignore", divide="ignore"):
        shrunk = np.where(grown > 0, c**2 / 4 / grown, 0.0)
    decay = np.exp(-2 * s * time)
    shrunk = np.where(u == 0, 2 * s * v * decay / (2 * s + d * v * (1 - decay)), shrunk)
    plus, minus = np.sign(total) * np.sqrt(2 * grown), np.sign(gap) * np.sqrt(2 * shrunk)
    return np.stack([(plus + minus) / 2, (plus - minus) / 2], axis=-1)


def _integrate_chains(time: np.ndarray, s: np.ndarray, d: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Integrate all chains at once; return time × mode × layer."""

    def slope(_: float, flat: np.ndarray) -> np.ndarray:
        layers = flat.reshape(w.shape)
        others = multiply_others(layers)
        product = others[:, 0] * layers[:, 0]
        rates = ((s - d * product)[:, None] * others).ravel()
        return np.where(np.abs(rates) < STILL, 0.0, rates)

    order = np.argsort(time, kind="stable")
    wanted, back = np.unique(time[order], return_inverse=True)
    span = (0.0, max(float(wanted[-1]), 1e-12))
    found = integrate.solve_ivp(
        slope, span, w.ravel(), method="DOP853", t_eval=wanted, rtol=1e-12, atol=1e-15
    )
    if not found.success:
        raise RuntimeError(f"the chains could not be integrated: {found.message}")
    values = np.empty((len(time), *w.shape))
    values[order] = found.y.T.reshape(len(wanted), *w.shape)[back]
    return values


def _wait(share: float, s: float, d: float, w: np.ndarray) -> float:
    """Return the time at which one chain's product reaches share × s/d."""
    goal = share * s / d
    if np.prod(w) >= goal:
        return 0.0
    if share == 1:
        return np.inf
    if len(w) == 1:
        return float(np.log((s - d * w[0]) / (s - d * goal)) / d)
    order = np.argsort(np.abs(w), kind="stable")
    least, others = w[order[0]], w[order[1:]]
    gaps = others**2 - least**2  # conserved
    way = np.prod(np.sign(others))  # of the others' product, and so of this layer
    if way == 0 or (way * least < 0 and gaps[0] <= 0):
        return np.inf
    near = np.abs(others[0])  # the distance over which the integrand changes

    def product_of_others(x: float) -> float:
        return float(np.exp(0.5 * np.sum(np.log(gaps + x**2))))

    # In x = w × way all is positive, and the product rises with x.
    start, end = least * way, np.abs(goal) ** (1 / len(w)) + 1e-12
    while end * product_of_others(end) < goal:
        end *= 2
    low, high = max(start, 0.0), end
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if middle * product_of_others(middle) < goal else (low, middle)

    def integrand(z: float) -> float:
        x = near * np.sinh(z)
        rest = product_of_others(x)
        return near * np.cosh(z) / ((s - d * x * rest) * rest)

    limits = np.arcsinh(start / near), np.arcsinh(high / near)
    area = integrate.quad(integrand, *limits, epsabs=0, epsrel=1e-10, limit=500)[0]
    return float(area)
