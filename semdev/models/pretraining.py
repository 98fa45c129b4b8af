"""Pretraining: layers that have learned to reproduce what they see, before any task is taught."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.models.chains import draw_orthonormal

MOST_UPDATES = 50_000


@dataclass(frozen=True, eq=False)
class Pretraining:
    """Layers as pretraining left them.

    Attributes
    ----------
    weights : list of arrays, seed × output × input
        First layer first, as ``train(…, weights=…)`` takes them.
    updates : array, seed × hidden layer
        How many updates each layer took.
    error : array, seed × hidden layer
        What is left of each layer's error of reconstruction, of that at its start, above the
        least that its number of units allows.
    """

    weights: list[np.ndarray]
    updates: np.ndarray
    error: np.ndarray


def pretrain(
    data: Dataset | Patterns,
    *,
    hidden: int | Sequence[int],
    seeds: int | Iterable[int],
    scale: float = 0.01,
    output: float = 1.0,
    tolerance: float = 1e-3,
    learning_rate: float | None = None,
) -> Pretraining:
    """Pretrain the hidden layers of a linear network on inputs alone, greedily, one by one.

    Each hidden layer is taught, as the middle of an autoencoder x̂ = W₂W₁x, to reproduce the
    layer below; W₁ is kept, W₂ thrown away (Saxe, McClelland & Ganguli 2014, section on greedy
    layer-wise pretraining). From small weights W₁ becomes orthonormal on the inputs' span, so
    that all pretrained layers have strength 1 in every direction, much like orthogonal ones: in
    those that count, for the tolerance is on the whole error, and directions in which the inputs
    hardly vary (rare items, highly correlated codes) may be left behind. It
    decouples the modes of a task as far as Vᵀ Σ_xx V is diagonal (their eq 18). How the output
    layer starts is our choice: a random matrix with orthonormal rows or columns × `output`.

    Parameters
    ----------
    data : Dataset or Patterns
        Whose inputs are seen; its targets serve for their number only.
    hidden : int or sequence of int
        Units in each hidden layer.
    seeds : int or iterable of int
        How many networks, or which; each seed fixes its own.
    scale : float
        Standard deviation of every autoencoder's initial weights.
    output : float
        Strength of the output layer.
    tolerance : float
        A layer is done when so much of its error at the start, above the least possible, is left.
    learning_rate : float, optional
        Of the autoencoders, on the loss ½ Σ |x − x̂|². Default: a quarter of the stability bound
        1/λ_max(Σ_xx).

    Returns
    -------
    Pretraining
        `weights`, `updates`, `error`.

    Raises
    ------
    ValueError
        Numbers that are not positive, seeds that are none.

    Warns
    -----
    UserWarning
        A layer that is not done after 50 000 updates.

    Examples
    --------
    >>> import semdev as sd
    >>> ready = pretrain(sd.load("saxe2019"), hidden=[8, 8], seeds=2)
    >>> [w.shape for w in ready.weights]
    [(2, 8, 4), (2, 8, 8), (2, 7, 8)]
    >>> np.linalg.svd(ready.weights[0], compute_uv=False).round(1)
    array([[1., 1., 1., 1.],
           [1., 1., 1., 1.]])
    """
    patterns = make_patterns(data)
    numbers = list(range(seeds)) if isinstance(seeds, (int, np.integer)) else list(seeds)
    sizes = [hidden] if isinstance(hidden, (int, np.integer)) else list(hidden)
    if not numbers:
        raise ValueError(f"seeds is how many, or a list of whole numbers; got {seeds!r}")
    if not sizes or min(sizes) < 1:
        raise ValueError(f"hidden needs at least one unit in each hidden layer; got {hidden!r}")
    for name, value in (("scale", scale), ("output", output), ("tolerance", tolerance)):
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, got {value!r}")
    drawn = [np.random.default_rng(seed) for seed in numbers]
    seen = patterns.inputs.T @ (patterns.inputs * patterns.weights[:, None])
    sigma = np.repeat(seen[None], len(numbers), axis=0)
    found = []
    for size in sizes:
        found.append(_autoencode(sigma, size, drawn, scale, tolerance, learning_rate))
        weights = found[-1][0]
        sigma = weights @ sigma @ weights.mT
    n_out = patterns.targets.shape[1]
    last = np.stack([output * draw_orthonormal(rng, n_out, sizes[-1]) for rng in drawn])
    return Pretraining(
        [*(layer[0] for layer in found), last],
        np.stack([layer[1] for layer in found], axis=1),
        np.stack([layer[2] for layer in found], axis=1),
    )


def _autoencode(
    sigma: np.ndarray,
    size: int,
    drawn: list[np.random.Generator],
    scale: float,
    tolerance: float,
    rate: float | None,
) -> tuple[Any, Any, Any]:
    """Train one autoencoder for each seed; return encoders, updates and errors left."""
    n_in = sigma.shape[-1]
    w1 = np.stack([rng.normal(0, scale, (size, n_in)) for rng in drawn])
    w2 = np.stack([rng.normal(0, scale, (n_in, size)) for rng in drawn])
    values = np.linalg.eigvalsh(sigma)
    least = values[:, : max(n_in - size, 0)].sum(1)
    step = 0.25 / values[:, -1] if rate is None else np.full(len(sigma), rate)
    step = step[:, None, None]
    start = np.trace(sigma, axis1=1, axis2=2) - least
    updates = np.full(len(sigma), -1)
    kept = w1.copy()
    error = np.ones(len(sigma))
    for update in range(MOST_UPDATES + 1):
        missing = np.eye(n_in) - w2 @ w1
        slope = missing @ sigma
        left = (np.einsum("sij,sij->s", slope, missing) - least) / start
        done = (updates < 0) & (left <= tolerance)
        kept[done], error[done], updates[done] = w1[done], left[done], update
        if (updates >= 0).all():
            return kept, updates, error
        w1, w2 = w1 + step * w2.mT @ slope, w2 + step * slope @ w1.mT
        if not np.isfinite(left).all():
            raise ArithmeticError(
                f"pretraining diverged at learning rate {step.max():.3g}; give a smaller "
                f"learning_rate ({step.max() / 4:.2g}, say) or smaller initial weights"
            )
    late = updates < 0
    kept[late], error[late], updates[late] = w1[late], left[late], MOST_UPDATES
    warnings.warn(
        f"a layer of {size} units was not pretrained after {MOST_UPDATES} updates in {late.sum()} "
        f"of {len(late)} networks ({error.max():.1%} of its error is left); give a larger "
        "learning_rate or tolerance",
        stacklevel=3,
    )
    return kept, updates, error
