"""Settings, limits and intervals that the figures of Cao et al. (2020) share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from semdev.building import initial_weights
from semdev.data.dataset import Dataset
from semdev.measures.learning_indices import growth_rate, predict_differentiation
from semdev.models.networks import DeepLinear

Data = dict[str, Any]

SCALE, HIDDEN, RATE = 1e-10, 32, 0.005
GD, FA = "backpropagation", "feedback alignment"
EXPONENT = 2 / 3  # onsets of feedback alignment go with s^−⅔


def start_weights(world: Dataset, *, hidden: int, scale: float, seeds: int) -> list[np.ndarray]:
    """Return initial weights as the authors draw them: scale × N(0, 1) / √(units led to).

    >>> import semdev as sd
    >>> [w.shape for w in start_weights(sd.load("cao2020"), hidden=32, scale=1e-10, seeds=3)]
    [(3, 32, 8), (3, 15, 32)]
    """
    drawn = initial_weights(DeepLinear(hidden=hidden, scale=1.0), world, seeds=seeds)
    return [scale * w / np.sqrt(w.shape[1]) for w in drawn]


def find_limit(s: np.ndarray, feedback: float = 0.0, hebbian: float = 0.0) -> float:
    """Return the differentiation index of a rule as its start goes to nothing."""
    return predict_differentiation(growth_rate(s, feedback=feedback, hebbian=hebbian))


def find_interval(values: Sequence[xr.DataArray]) -> tuple[float, float]:
    """Return the widest ends of the central 95 % of the seeds of each."""
    cuts = [np.nanquantile(each.values, [0.025, 0.975]) for each in values]
    return min(low for low, _ in cuts), max(high for _, high in cuts)


def are_apart(some: Sequence[xr.DataArray], other: xr.DataArray) -> bool:
    """Return whether the intervals of `some` together do not meet that of `other`."""
    (low, high), (bottom, top) = find_interval(some), find_interval([other])
    return bool(top < low or high < bottom)
