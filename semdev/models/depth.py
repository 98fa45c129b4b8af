"""Depth: how learning time grows with the number of layers, and when it does not.

- `time_depths`: learning times over depths, in time and in updates at the best learning rate
- `time_infinite_depth`: their limit
- `slow_exponentially`: when learning time grows as 1/B^D
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

from semdev.models.closed_forms import check_depth, time_to_reach

ArrayLike = Any


def time_depths(
    depths: Sequence[int],
    s: ArrayLike,
    *,
    initial: float | None = None,
    strength: float | None = None,
    share: float = 0.9,
) -> xr.Dataset:
    """Return learning times over depths, from one starting strength or from one layer strength.

    All modes are balanced. They start either at the same product a₀ = `initial` whatever the
    depth, or at B^D where each layer has the strength B = `strength`. A depth's best learning
    rate is taken as λ = 1/(D s₁^(2−2/D)), the inverse of the largest curvature at the solution and
    half of its stability bound (Saxe, McClelland & Ganguli 2014: the rate goes with 1/D).

    Parameters
    ----------
    depths : sequence of int
        Numbers of weight matrices D, each at least 1.
    s : float or array, mode
        Singular values, of one-hot items met once.
    initial, strength : float
        One of the two, above 0.
    share : float
        Share of the final strength at which a mode counts as learned.

    Returns
    -------
    Dataset, depth × mode
        `initial` (the product at the start); `time` (τ = 1: at a fixed learning rate);
        `learning_rate` (depth: the best one); `updates` (time / learning_rate); `limit` (mode:
        updates as D → ∞: infinite where the start vanishes). NaN where a mode starts at its end
        or beyond.

    Raises
    ------
    ValueError
        Both starts or neither, a start that is not positive, no share, a bad depth.

    Examples
    --------
    >>> table = time_depths([2, 10, 1000], 1.0, initial=1e-3)
    >>> table["updates"].values[:, 0].round(), table["limit"].values.round()
    (array([   9.,  318.,  996.]), array([1008.]))
    """
    s = np.atleast_1d(np.asarray(s, dtype=float))
    for depth in depths:
        check_depth(depth)
    depths = [int(depth) for depth in depths]
    if (initial is None) == (strength is None):
        raise ValueError(
            "give initial= (the product of all layers) or strength= (of each layer), one of the two"
        )
    asked = initial if strength is None else strength
    if asked is None or not (np.isfinite(asked) and asked > 0):
        raise ValueError(f"a deep network must start above 0; got {asked!r}")
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1; got {share}")
    layers = np.array(depths, dtype=float)
    start = np.full(len(layers), initial) if strength is None else strength**layers
    below = start[:, None] < s
    time = np.full(below.shape, np.nan)
    for k, depth in enumerate(depths):
        some = below[k]
        if some.any():
            time[k, some] = time_to_reach(share, s[some], initial=start[k], depth=depth)
    rate = 1 / (layers * s.max() ** (2 - 2 / layers))
    limit = _limit(share, s, initial, strength) * s.max() ** 2
    modes = ("depth", "mode")
    return xr.Dataset(
        {
            "initial": ("depth", start), "time": (modes, time), "learning_rate": ("depth", rate),
            "updates": (modes, time / rate[:, None]), "limit": ("mode", limit),
        },
        coords={
            "depth": depths, "mode": np.arange(1, len(s) + 1), "singular_value": ("mode", s),
        },
    )  # fmt: skip


def time_infinite_depth(
    share: ArrayLike, s: ArrayLike, *, initial: ArrayLike, d: ArrayLike = 1.0
) -> np.ndarray:
    """Return the limit of depth × learning time as depth grows and the starting strength stays.

    With x = share and x₀ = a₀ d/s: D t → (d/s²) [ln x/(1 − x) − ln x₀/(1 − x₀) + 1/x₀ − 1/x],
    for d = 1 eqs 16–17 of Saxe, McClelland & Ganguli (2014). The learning rate that depth allows
    goes with 1/D, so that updates stay finite; for small a₀ they are about s/a₀ at the rate
    1/(D s²).

    Parameters
    ----------
    share, s, initial, d
        As for `time_to_reach`; `initial` is the product of all layers, above 0 and below s/d.

    Raises
    ------
    ValueError
        A share outside 0 to 1, or a start that is not between 0 and s/d.

    Examples
    --------
    >>> float(time_infinite_depth(0.9, 2.0, initial=1.0))    # all layers 1: no delay by depth
    0.7715
    """
    share, s, initial, d = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (share, s, initial, d))
    )
    if not ((s > 0) & (d > 0)).all():
        raise ValueError("singular values and input variances must be positive")
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"share must lie between 0 and 1; got {share}")
    begun = initial * d / s
    if not ((begun > 0) & (begun < 1)).all():
        raise ValueError(
            f"initial must lie above 0 and below the final strength s/d = {np.min(s / d):.3g}; "
            f"got {np.min(initial):.3g} to {np.max(initial):.3g}"
        )
    ahead = np.maximum(share, begun)
    grown = special.logit(ahead) - special.logit(begun)
    return d / s**2 * (grown + 1 / begun - 1 / ahead)


def slow_exponentially(
    depths: Sequence[int], s: float, *, strength: float, share: float = 0.9
) -> xr.Dataset:
    """Return how far learning time follows T = 1/B^D, exact times beside it.

    For layers of strength B < 1 and D > 2 the wait at the start dominates, and derived here from
    ȧ = D a^(2−2/D)(s − a) learning takes

        t ≈ 1 / (s (D − 2) B^(D−2)),   at the best rate  D s^(2−2/D) t  updates.

    Both grow by the factor 1/B with each layer once D ≫ 2, which is what the rule of thumb
    T = 1/B^D says; its prefactor is right to within s B² only (B^(D−2), not B^D). At B = 1, the
    case of orthogonal layers, the rule says that depth costs nothing, and indeed updates stay
    finite at any depth. With B > 1 modes soon start beyond their end, and the rule says nothing.

    Parameters
    ----------
    depths : sequence of int
        Numbers of weight matrices D.
    s : float
        Singular value.
    strength : float
        B, of each layer.
    share : float
        Share of the final strength at which the mode counts as learned.

    Returns
    -------
    Dataset, depth
        `time`, `updates` (exact, see `time_depths`); `rule` (1/B^D); `leading` (the formula
        above, in updates; NaN for D ≤ 2 and B ≥ 1); `rule_error`, `leading_error` (relative, of
        updates); `growth` (by how much ln updates rises on the way to this depth, for each layer
        added; NaN at the first) beside `growth_by_rule`, ln 1/B.

    Raises
    ------
    ValueError
        As `time_depths`.

    Examples
    --------
    >>> table = slow_exponentially([3, 6, 12, 24], 1.0, strength=0.3)
    >>> table["rule_error"].values.round(1), table["leading_error"].values.round(2)
    (array([2.8, 6.3, 8.3, 9.2]), array([ 0.02, -0.02, -0.  , -0.  ]))
    >>> table["growth"].values.round(2), round(float(table["growth_by_rule"]), 2)
    (array([ nan, 0.99, 1.16, 1.2 ]), 1.2)
    """
    exact = time_depths(depths, s, strength=strength, share=share).isel(mode=0, drop=True)
    layers = exact["depth"].astype(float)
    updates = exact["updates"]
    rule = strength**-layers
    deep = (layers > 2) & (strength < 1)
    time = 1 / (s * (layers - 2).where(deep) * strength ** (layers - 2))
    leading = time / exact["learning_rate"]
    growth = xr.apply_ufunc(np.log, updates).diff("depth") / layers.diff("depth")
    return xr.Dataset(
        {
            "time": exact["time"], "updates": updates, "rule": rule, "leading": leading,
            "rule_error": rule / updates - 1, "leading_error": leading / updates - 1,
            "growth": growth.reindex_like(layers), "growth_by_rule": -np.log(strength),
        }
    )  # fmt: skip


def _limit(share: float, s: np.ndarray, initial: Any, strength: Any) -> np.ndarray:
    """Return depth × time as depth → ∞; infinite for a start that vanishes."""
    if strength is not None and strength < 1:
        return np.full(len(s), np.inf)
    if strength is not None and strength > 1:
        return np.full(len(s), np.nan)
    start = 1.0 if initial is None else initial
    found = np.full(len(s), np.nan)
    below = start < s
    if below.any():
        found[below] = time_infinite_depth(share, s[below], initial=start)
    return found
