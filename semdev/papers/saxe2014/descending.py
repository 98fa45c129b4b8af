"""Gradient descent at many learning rates at once, to find the best one."""

from __future__ import annotations

import numpy as np

MOST_UPDATES = 100_000


def descend_chains(
    s: np.ndarray, depth: int, *, initial: float, rates: np.ndarray, share: float
) -> tuple[int, float]:
    """Return the fewest updates over learning rates until all modes reach `share`, and that rate.

    Modes are decoupled and balanced: w ← w + λ (s − w^D) w^(D−1), the same for all layers of a
    mode. Rates over the stability bound 2/(D s^(2−2/D)) do not count.

    >>> descend_chains(np.array([1.0]), 2, initial=0.25, rates=np.array([0.1, 0.5]), share=0.9)
    (3, 0.5)
    """
    stable = rates[rates < 2 / (depth * s.max() ** (2 - 2 / depth))]
    w = np.full((len(stable), len(s)), initial ** (1 / depth))
    for update in range(MOST_UPDATES):
        product = w**depth
        there = (product >= share * s).all(1)
        if there.any():
            return update, float(stable[there][-1])
        w += stable[:, None] * (s - product) * product / w
    raise RuntimeError(f"no rate learned within {MOST_UPDATES} updates")


def count_updates(
    weights: list[np.ndarray],
    target: np.ndarray,
    *,
    rates: np.ndarray,
    most: int,
    left: float = 0.01,
) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each seed, the fewest updates over learning rates, and the rate that needs them.

    Parameters
    ----------
    weights : list of arrays, seed × output × input
        Layers, first layer first.
    target : array, seed × output × input
        The map to be learned; inputs are white: the loss is ½ |target − W_D … W_1|².
    rates : array
        Learning rates.
    most : int
        Updates at most; infinite (and the rate NaN) for a seed that needs more.
    left : float
        Learned is a loss of so much of ½ |target|².
    """
    n_seeds, depth = len(target), len(weights)
    goal = left * (target**2).sum((1, 2)) / 2
    seed = np.repeat(np.arange(n_seeds), len(rates))
    rate = np.tile(rates, n_seeds)
    w = [layer[seed] for layer in weights]
    updates, best = np.full(n_seeds, np.inf), np.full(n_seeds, np.nan)
    for update in range(most + 1):
        layers = [w[0]]
        for k in range(1, depth):
            layers.append(w[k] @ layers[-1])
        error = target[seed] - layers[-1]
        with np.errstate(over="ignore", invalid="ignore"):  # a rate that diverges
            loss = (error**2).sum((1, 2)) / 2
        for run in np.flatnonzero(loss <= goal[seed]):
            if not np.isfinite(updates[seed[run]]):
                updates[seed[run]], best[seed[run]] = update, rate[run]
        # A seed is done with its first rate to arrive; a rate that diverges is given up.
        open_ = ~np.isfinite(updates[seed]) & (loss < 100 * (target**2).sum((1, 2))[seed])
        if not open_.any():
            break
        if not open_.all():
            w, error = [layer[open_] for layer in w], error[open_]
            seed, rate = seed[open_], rate[open_]
            layers = [layer[open_] for layer in layers]
        delta = error * rate[:, None, None]
        for k in range(depth - 1, 0, -1):
            below = w[k].mT @ delta
            w[k] = w[k] + delta @ layers[k - 1].mT
            delta = below
        w[0] = w[0] + delta
    return updates, best
