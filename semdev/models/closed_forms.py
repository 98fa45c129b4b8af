"""One mode at a time: how its strength grows, how long that takes, what a tree's modes are."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import xarray as xr
from scipy import special
from scipy.optimize import elementwise

from semdev._names import require

ArrayLike = Any


def mode_strength(
    time: ArrayLike, s: ArrayLike, *, initial: ArrayLike, depth: int, d: ArrayLike = 1.0
) -> np.ndarray:
    """Return the strength a(t) of a mode of a linear network with `depth` weight matrices.

    With τ = 1 and balanced layers a obeys ȧ = D a^(2 − 2/D) (s − d a), a(0) = a₀, where s is the
    mode's singular value in Σ_yx and d its variance in Σ_xx (1 for one-hot items met once):

    - D = 1: a = s/d (1 − e^(−dt)) + a₀ e^(−dt)
    - D = 2: a = (s/d) / (1 + ((s/d)/a₀ − 1) e^(−2st))
    - D ≥ 3: t = (s/d)^(−p) [G(a d/s) − G(a₀ d/s)] / (D d), p = 2 − 2/D,
      G(x) = x^(1−p)/(1−p) ₂F₁(1, 1−p; 2−p; x), solved for a

    D = 1, 2 and the equation: Saxe, McClelland & Ganguli (2014), eqs 12 and 15. The form for
    D ≥ 3 is derived here from their equation; it agrees with an ODE solver to 1e-8 for starts down
    to 1e-8 s/d, below which rounding grows with depth (at 1e-14: 1e-5 for D = 8).

    Parameters
    ----------
    time, s, initial, d : arrays that broadcast against each other
        Learning times (≥ 0), singular values (> 0), starting strengths a₀ (> 0 for D ≥ 2, and
        below s/d for D ≥ 3), input variances (> 0).
    depth : int
        Number of weight matrices D.

    Raises
    ------
    ValueError
        A number outside these ranges.

    Examples
    --------
    >>> mode_strength([0.0, 1.0, 2.0], 3.0, initial=0.01, depth=2).round(2)
    array([0.01, 1.72, 2.99])
    """
    time, s, initial, d = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (time, s, initial, d))
    )
    _check_mode(s, initial, depth, d)
    if not (time >= 0).all():
        raise ValueError(f"learning times must be 0 or later; got {np.min(time)}")
    end = s / d
    if depth == 1:
        decay = np.exp(-d * time)
        return end * (1 - decay) + initial * decay
    if depth == 2:
        return end / (1 + (end / initial - 1) * np.exp(-2 * s * time))
    start = special.logit(initial / end)
    begun = _elapsed(start, end, depth, d)
    # At a logit of 36 the mode is at its end to machine precision.
    low, high = start, np.full_like(start, 36.0)
    ceiling = _elapsed(high, end, depth, d) - begun
    found = elementwise.find_root(
        lambda z, t, b, e, v: _elapsed(z, e, depth, v) - b - t,  # type: ignore[misc, arg-type]
        (low, high),
        args=(np.clip(time, 0, ceiling), begun, end, d),  # type: ignore[arg-type]
    )
    return np.where(time <= 0, initial, end * special.expit(found.x))


def time_to_reach(
    share: ArrayLike, s: ArrayLike, *, initial: ArrayLike, depth: int, d: ArrayLike = 1.0
) -> np.ndarray:
    """Return the time at which a mode reaches `share` (0 to 1) of its final strength s/d.

    The inverse of `mode_strength`; for D = 2, t = ln[share (s/(d a₀) − 1) / (1 − share)] / 2s.
    A mode that starts above that share takes time 0; a share of 1 is never reached (infinity).

    Raises
    ------
    ValueError
        A share outside 0 to 1, or a mode that `mode_strength` refuses.

    Examples
    --------
    >>> float(time_to_reach(0.5, 3.0, initial=0.01, depth=2))
    0.950
    """
    share, s, initial, d = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (share, s, initial, d))
    )
    _check_mode(s, initial, depth, d)
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"share must lie between 0 and 1; got {share}")
    end = s / d
    there = initial / end >= share
    share, begun = np.where(there, 0.5, share), np.where(there, 0.5, initial / end)
    if depth == 1:
        with np.errstate(divide="ignore"):  # a share of 1
            time = (np.log1p(-begun) - np.log1p(-share)) / d
    elif depth == 2:
        time = (special.logit(share) - special.logit(begun)) / (2 * s)
    else:
        goal, start = np.asarray(special.logit(share)), np.asarray(special.logit(begun))
        time = _elapsed(goal, end, depth, d) - _elapsed(start, end, depth, d)
    return time


def _elapsed(z: np.ndarray, end: np.ndarray, depth: int, d: np.ndarray) -> np.ndarray:
    """Return t (up to a constant) at which a D ≥ 3 mode has strength end × expit(z).

    dt/dz = end^(−p) (1 + e^(−z))^(p−1) / (D d). Near the end (z > 12), where ₂F₁ loses its digits,
    the integrand's series is used instead; its fourth term is below 1e-21.
    """
    p = 2 - 2 / depth
    split = 12.0
    x = special.expit(np.minimum(z, split))
    integral = x ** (1 - p) / (1 - p) * special.hyp2f1(1, 1 - p, 2 - p, x)
    late = np.maximum(z, split)
    tail = late - split
    for k in (1, 2, 3):
        tail += special.binom(p - 1, k) * (np.exp(-k * split) - np.exp(-k * late)) / k
    return end**-p * (integral + tail) / (depth * d)


def check_depth(depth: int) -> None:
    """Raise a ValueError unless `depth` is a number of weight matrices."""
    if not isinstance(depth, (int, np.integer)) or depth < 1:
        raise ValueError(
            f"depth counts weight matrices: 1 is shallow, 2 has one hidden layer; got {depth!r}"
        )


def _check_mode(s: np.ndarray, initial: np.ndarray, depth: int, d: np.ndarray) -> None:
    check_depth(depth)
    if not ((s > 0).all() and (d > 0).all()):
        raise ValueError("singular values and input variances must be positive")
    if depth > 1 and not (initial > 0).all():
        raise ValueError(
            "a deep network's mode must start above 0 (at 0 it never learns); "
            f"got initial = {np.min(initial)}"
        )
    if depth > 2 and not (initial < s / d).all():
        raise ValueError(
            "for depth 3 and more every mode must start below its final strength s/d = "
            f"{np.min(s / d):.3g}; got initial = {np.max(initial):.3g}"
        )


def branching_singular_values(
    branching: Sequence[int],
    *,
    flip: float | Sequence[float],
    properties: int,
    coding: str = "±1",
) -> xr.DataArray:
    """Return the expected singular values of a branching-diffusion world, level by level.

    With M_l nodes at level l, P items, N properties and q_k = Π_{j>k} (1 − 2ε_j)² the expected
    product of two items that part below level k, Δ_0 = q_0 and Δ_k = q_k − q_{k−1}:
    s_l = √(N P Σ_{k≥l} Δ_k / M_k), M_l − M_{l−1} of them. With 0/1 coding the first becomes
    √(N (P + λ_0)) / 2 and the others are halved, where λ_0 = s_0² / N. The idea is Saxe,
    McClelland & Ganguli's (2019); this form is derived here and checked by sampling.

    Parameters
    ----------
    branching : sequence of int
        Children of each node at each level; ``[2, 2, 2]`` has eight items.
    flip : float, or one for each level below the root
        Flip probability ε.
    properties : int
        N.
    coding : "±1" or "0/1"
        How false is written: −1, or 0.

    Returns
    -------
    xr.DataArray, level
        With the coordinate `multiplicity`. Level 0 is shared by all items.

    Examples
    --------
    >>> s = branching_singular_values([2, 2, 2], flip=0.15, properties=100)
    >>> s.values, s["multiplicity"].values
    (array([15.6, 12.2, 10.0,  7.1]), array([1, 1, 2, 4]))
    """
    require(coding, ["±1", "0/1"], kind="coding", where="branching_singular_values")
    if not len(branching) or any(not isinstance(b, Integral) or b < 1 for b in branching):
        raise ValueError(f"branching needs whole numbers, at least 1 each; got {branching!r}")
    if properties < 1:
        raise ValueError(f"properties must be at least 1, got {properties}")
    flips = np.full(len(branching), flip) if np.isscalar(flip) else np.array(flip, dtype=float)
    if len(flips) != len(branching) or not ((flips >= 0) & (flips <= 1)).all():
        raise ValueError(
            f"flip is a probability, 0 to 1, or one for each of the {len(branching)} levels below "
            f"the root; got {flip}"
        )
    nodes = np.cumprod([1, *branching])
    keep = (1 - 2 * flips) ** 2
    q = np.array([np.prod(keep[k:]) for k in range(len(nodes))])
    gain = np.diff(q, prepend=0.0)
    eigenvalue = nodes[-1] * np.cumsum((gain / nodes)[::-1])[::-1]
    if coding == "0/1":
        eigenvalue = eigenvalue / 4
        eigenvalue[0] += nodes[-1] / 4
    return xr.DataArray(
        np.sqrt(properties * eigenvalue),
        dims="level",
        coords={
            "level": np.arange(len(nodes)),
            "multiplicity": ("level", np.diff(nodes, prepend=0)),
        },
        name="singular_value",
    )
