"""Figures are drawn without a screen."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import pytest

import semdev as sd


@pytest.fixture(scope="session")
def deep():
    """Six deep linear networks on the eight items of Rumelhart, hidden layers kept."""
    return sd.train(
        sd.DeepLinear(hidden=16), sd.load("rumelhart8"), seeds=6, hidden=True, progress=False
    )


@pytest.fixture(scope="session")
def exact():
    """The closed form for the same data."""
    return sd.solve(sd.load("rumelhart8"), depth=2)
