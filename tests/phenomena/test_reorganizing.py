"""Reorganization: what comes apart and together again, and what only parts."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import semdev as sd
from semdev.learners import Learner
from semdev.phenomena.base import judge
from semdev.phenomena.reorganizing import (
    REORGANIZATION,
    compare_beliefs,
    find_siblings,
    measure_reunion,
)

TIMES = np.linspace(0, 1, 5)


def learn_along(apart: np.ndarray):
    """Return a learner whose plants and animals are so far apart at each time, as a share."""

    def learn(data: sd.Dataset, seed: int) -> xr.Dataset:
        history = sd.solve(data, depth=2, times=TIMES + 1).assign_coords(seed=[seed])
        target = data.properties.values
        animal = (history["ancestor"].values == "animal").any(1)
        means = np.where(animal[:, None], target[animal].mean(0), target[~animal].mean(0))
        output = target - means + target.mean(0) + apart[:, None, None] * (means - target.mean(0))
        return history.assign(output=(history["output"].dims, output[None]))

    return learn


def find_distance(data: sd.Dataset) -> float:
    """Return how far plants and animals are apart in the data, over items' distance."""
    target = data.properties.values
    animal = target[:, data.properties["property"].values == "ISA animal"][:, 0] > 0
    pairs = target[:, None] - target[None, :]
    square = (pairs**2).sum(-1)[np.triu_indices(len(target), k=1)].mean()
    return float(np.linalg.norm(target[animal].mean(0) - target[~animal].mean(0)) / square**0.5)


def test_what_parts_and_meets_again_counts_as_far() -> None:
    world = sd.load("rogers2004")
    found = judge(
        REORGANIZATION, Learner(learn_along(np.array([0, 1, 2, 1.5, 1.0]))), world, seeds=[0]
    )
    assert found["value"].item() == pytest.approx(find_distance(world))
    assert found["met"].all()


@pytest.mark.parametrize("apart", [[0, 0.3, 0.5, 0.9, 1], [2, 1.8, 1.5, 1.2, 1], [1, 1, 1, 1, 1]])
def test_what_only_parts_or_began_apart_does_not_count(apart: list[float]) -> None:
    found = judge(
        REORGANIZATION, Learner(learn_along(np.array(apart))), sd.load("rogers2004"), seeds=[0]
    )
    assert found["value"].item() == pytest.approx(0, abs=1e-9)
    assert not found["met"].any()


@pytest.mark.parametrize("model", [sd.Shallow(), sd.Shallow(bias=True), sd.DeepLinear(16)])
def test_linear_networks_that_began_small_do_not_regroup(model) -> None:
    found = judge(REORGANIZATION, Learner(model), sd.load("rumelhart8"), seeds=[0, 1, 2])
    assert (found["value"] < 1e-3).all()
    assert not found["met"].any()


def test_distances_are_those_of_the_means() -> None:
    world = sd.load("rumelhart8")
    result = compare_beliefs(Learner(sd.DeepLinear(16)), world, [0])
    contrasts = find_siblings(result["ancestor"].values)
    assert contrasts.shape == (3, 8)  # plants–animals, trees–flowers, birds–fish
    last = result["gram"].values[0, -1]
    square = np.einsum("ci,ij,cj->c", contrasts, last, contrasts)
    assert max(square) ** 0.5 == pytest.approx(find_distance(world), rel=0.05)


def test_what_cannot_be_asked_is_not_applicable() -> None:
    world = sd.load("saxe2019")
    pairs = judge(REORGANIZATION, Learner(sd.Shallow()), world, seeds=[0])
    assert "4 items can be dealt out in 2 other ways" in pairs["reason"].item()
    flat = world.with_tree(sd.trees.from_nested(world.properties["item"].values.tolist()))
    found = judge(REORGANIZATION, Learner(sd.Shallow()), flat, seeds=[0])
    assert "no class of the tree holds two classes" in found["reason"].item()


def test_a_learner_that_ends_with_all_alike_says_nothing() -> None:
    result = compare_beliefs(Learner(sd.Shallow()), sd.load("rumelhart8"), [0])
    result["gram"][:] = np.nan
    assert measure_reunion(result).isnull().all()
