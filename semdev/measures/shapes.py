"""Shapes: whether a curve is logistic or exponential, fitted to many curves at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

POINTS = 60  # at which a curve is held against a shape
AT_ONCE = 2**12  # curves fitted side by side: 2 MiB in each array
MOST_STEPS = 300
ENOUGH = 1e-10  # share of the sum of squares that a step still gains
TINY = 1e-200  # squared slope below which a parameter does nothing
Fitted = tuple[np.ndarray, np.ndarray]


def compare_shapes(
    share: np.ndarray, half: np.ndarray, ninety: np.ndarray, *, time: np.ndarray
) -> np.ndarray:
    """Return BIC of a logistic (3 parameters) and of an exponential (2) fit to each curve.

    Parameters
    ----------
    share : array, … × time
        Curves that rise to about 1.
    half, ninety : arrays, …
        When each of them reaches .5 and .9; NaN where it does not.
    time : array, time
        When they were recorded.

    Returns
    -------
    array, … × 2
        NaN of a curve that does not reach .5, is there from the start, or is not known throughout.
    """
    found = np.full((*half.shape, 2), np.nan)
    chosen = np.argwhere(half > 0)
    for start in range(0, len(chosen), AT_ONCE):
        at = tuple(chosen[start : start + AT_ONCE].T)
        found[at] = _compare(share[at], half[at], ninety[at], time)
    return found


def _compare(
    share: np.ndarray, half: np.ndarray, ninety: np.ndarray, time: np.ndarray
) -> np.ndarray:
    learned = ninety > 0
    end = np.where(learned, np.minimum(2 * ninety, time[-1]), time[-1])
    grid = end[:, None] * np.linspace(0, 1, POINTS)
    curve = np.array([np.interp(g, time, y) for g, y in zip(grid, share, strict=True)])
    width = np.where(learned, np.maximum((ninety - half) / np.log(9), half / 50), half / 4)
    top, known = np.ones_like(half), np.isfinite(curve).all(-1, keepdims=True)
    curve = np.where(known, curve, 0.0)
    logistic = _bic(_logistic, grid, curve, [top, half, width])
    exponential = _bic(_exponential, grid, curve, [top, half / np.log(2)])
    return np.where(known, np.stack([logistic, exponential], axis=-1), np.nan)


def _logistic(grid: np.ndarray, top: np.ndarray, middle: np.ndarray, width: np.ndarray) -> Fitted:
    """Return curves and their slopes along the logarithm of each parameter."""
    z = (grid - middle) / width
    curve = top * special.expit(z)
    steep = curve * special.expit(-z)
    return curve, np.stack([curve, -steep * (middle / width), -steep * z])


def _exponential(grid: np.ndarray, top: np.ndarray, tau: np.ndarray) -> Fitted:
    """Return curves and their slopes along the logarithm of each parameter."""
    z = grid / tau
    curve = -top * np.expm1(-z)
    return curve, np.stack([curve, -top * z * np.exp(-z)])


def _bic(
    shape: Callable[..., Fitted], grid: np.ndarray, curve: np.ndarray, start: list[np.ndarray]
) -> np.ndarray:
    """Return n ln(RSS / n) + k ln n at each least-squares fit; RSS is floored at rounding."""
    rss, n = np.maximum(_fit(shape, grid, curve, np.log(start)), 1e-20), curve.shape[-1]
    return n * np.log(rss / n) + len(start) * np.log(n)


def _fit(
    shape: Callable[..., Fitted], grid: np.ndarray, curve: np.ndarray, begin: np.ndarray
) -> np.ndarray:
    """Return the sum of squares at the best fit of each curve (Levenberg and Marquardt).

    All parameters are positive, so their logarithms (parameter × curve) are fitted, without bounds.
    A curve of the other shape may have its best fit at infinity: what is reached will do.
    """

    def see(at: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        made, slope = shape(grid[which], *np.exp(np.clip(at, -50, 50))[:, :, None])
        miss = made - curve[which]
        products = np.einsum("act,bct->cab", slope, slope)
        return np.einsum("ct,ct->c", miss, miss), np.einsum("act,ct->ca", slope, miss), products

    which = np.arange(len(curve))
    at, damping = begin, np.full(len(curve), 1e-3)
    rss, downhill, products = see(at, which)
    best = rss.copy()
    for _ in range(MOST_STEPS):
        size = np.sqrt(np.maximum(np.einsum("caa->ca", products), TINY))
        ridge = damping[:, None, None] * np.eye(len(at))
        damped = products / (size[:, :, None] * size[:, None, :]) + ridge
        step = -np.linalg.solve(damped, (downhill / size)[..., None])[..., 0]
        trial = at + (step / size).T
        new = see(trial, which)
        better = new[0] < rss
        gained = np.maximum(rss - new[0], -np.einsum("ca,ca->c", step, downhill / size))
        at = np.where(better, trial, at)
        rss, downhill, products = (
            np.where(better.reshape(-1, *[1] * (old.ndim - 1)), made, old)
            for old, made in zip((rss, downhill, products), new, strict=True)
        )
        best[which] = rss
        damping = np.where(better, np.maximum(damping / 10, 1e-12), damping * 10)
        more = np.where(better, gained > ENOUGH * rss, damping < 1e12) & (rss > 1e-20)
        if not more.any():
            break
        which, at, damping = which[more], at[:, more], damping[more]
        rss, downhill, products = rss[more], downhill[more], products[more]
    return best
