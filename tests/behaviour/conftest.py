"""Learners of a small world, and people who answer as they would."""

from __future__ import annotations

import pytest

import semdev as sd
from semdev.behaviour.fitting import fit
from semdev.behaviour.simulating import simulate_responses

AGE_MAP = {3: 1.0, 10: 3.0}


def make_networks(seeds):
    """Deep linear networks from theory, with weights large enough for seeds to differ."""
    world = sd.load("rumelhart8")
    weights = sd.initial_weights(sd.DeepLinear(16, scale=0.02), world, seeds=seeds)
    return sd.solve(world, depth=2, weights=weights, seeds=seeds, initial="matched", times=60)


@pytest.fixture(scope="session")
def deep():
    return make_networks(range(5))


@pytest.fixture(scope="session")
def shallow():
    return sd.solve(sd.load("rumelhart8"), depth=1)


@pytest.fixture(scope="session")
def children(deep):
    return simulate_responses(
        deep, ages=range(3, 11), participants=48, age_map=AGE_MAP, cells=30, random_state=4
    )


@pytest.fixture(scope="session")
def fitted(deep, children):
    return fit(deep, children, knots=[3, 10])
