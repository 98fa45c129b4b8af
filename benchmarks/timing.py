"""Timing on noisy machines: rounds in which everybody runs in turn, and ratios within a round."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Seconds = dict[str, np.ndarray]


@dataclass(frozen=True)
class Spread:
    """A median, and the least and most of all rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: np.ndarray) -> Spread:
        """Return the spread of values."""
        return cls(float(np.median(values)), float(np.min(values)), float(np.max(values)))


def interleave(runs: Mapping[str, Callable[[], object]], *, rounds: int) -> Seconds:
    """Return each run's seconds, round by round.

    Every round begins with another one, so that nobody always comes after the same one.
    """
    names = list(runs)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            begun = time.perf_counter()
            runs[name]()
            seconds[name].append(time.perf_counter() - begun)
    return {name: np.array(each) for name, each in seconds.items()}


def compare(seconds: Seconds, slow: str, fast: str) -> Spread:
    """Return how many times faster `fast` is than `slow`, from their ratio in each round."""
    return Spread.of(seconds[slow] / seconds[fast])


def fit_exponent(sizes: np.ndarray, values: np.ndarray) -> float:
    """Return b of value = a × size^b, by least squares on logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])
