"""Conserved similarity and crossed classes: planted likenesses, dendrograms, chance."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import semdev as sd
from semdev.learners import Learner
from semdev.models.rivals.base import take_root
from semdev.phenomena.base import judge
from semdev.phenomena.sharing import (
    CROSSING_FOUND,
    SHARED_SIMILARITY,
    compare_individuals,
    correlate,
    cross_classes,
    find_partings,
    find_similarities,
)

WORLD = sd.load("rogers2004")
KINDS = cross_classes(WORLD)[1]


def plant(make):
    """Return a learner with make(classes, seed), item × item, as the products of its layer."""

    def learn(data: sd.Dataset, seed: int) -> xr.Dataset:
        history = sd.solve(data, depth=1, times=[1.0, 2.0]).assign_coords(seed=[seed])
        root = take_root(make(history["ancestor"].values, seed))
        layer = np.broadcast_to(root, (1, 2, *root.shape))
        return history.assign(hidden_1=(("seed", "time", "item", "unit_1"), layer))

    return learn


def grow_tree(classes: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return an ultrametric kernel: the depth at which items part, more for themselves."""
    return (classes[:, None] == classes[None]).sum(-1).astype(float)


def cut_first(classes: np.ndarray, seed: int) -> np.ndarray:
    """Return the kernel of a dendrogram that divides by the crossing classes first."""
    same = KINDS[:, None] == KINDS[None]
    return same * (1 + grow_tree(classes))


def cut_last(classes: np.ndarray, seed: int) -> np.ndarray:
    """Return the kernel of a dendrogram that divides by the tree's domains, then the crossing."""
    domain = classes[:, 1][:, None] == classes[:, 1][None]
    same = domain & (KINDS[:, None] == KINDS[None])
    return domain * 1.0 + same + same * grow_tree(classes)


def cross(classes: np.ndarray, seed: int) -> np.ndarray:
    return grow_tree(classes) + 2.0 * (KINDS[:, None] == KINDS[None])


def draw(classes: np.ndarray, seed: int) -> np.ndarray:
    points = np.random.default_rng(seed).normal(size=(len(classes), 40))
    return points @ points.T


def test_correlation_is_pearsons() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 4, 9))
    expected = [np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(correlate(a, b), expected, atol=1e-12)


def test_individuals_that_hold_the_tree_agree_on_it() -> None:
    found = judge(SHARED_SIMILARITY, Learner(plant(grow_tree)), WORLD, seeds=[0, 1])
    np.testing.assert_allclose(found["value"], 1, atol=0.05)
    assert found["met"].all()


def test_individuals_that_differ_share_nothing() -> None:
    found = judge(SHARED_SIMILARITY, Learner(plant(draw)), WORLD, seeds=range(6))
    assert (np.abs(found["value"]) < 0.1).all()
    assert not found["met"].any()


def test_others_leave_oneself_out() -> None:
    result = compare_individuals(Learner(plant(draw)), WORLD, [0, 1, 2])
    np.testing.assert_allclose(result["others"][0], result["own"][1:].mean("seed"), atol=1e-12)


def test_networks_that_began_small_agree_and_large_ones_less() -> None:
    small, large = (
        judge(SHARED_SIMILARITY, Learner(sd.DeepLinear(32, scale=scale)), WORLD, seeds=[0, 1])
        for scale in (0.01, 1.0)
    )
    assert small["met"].all()
    assert (large["value"] < small["value"].min() / 2).all()


@pytest.mark.parametrize("make", [cut_first, cut_last, grow_tree])
def test_a_dendrogram_cannot_hold_what_crosses(make) -> None:
    found = judge(CROSSING_FOUND, Learner(plant(make)), WORLD, seeds=[0])
    assert found["value"].item() < 0.02
    assert not found["met"].any()


def test_what_holds_both_is_found() -> None:
    found = judge(CROSSING_FOUND, Learner(plant(cross)), WORLD, seeds=[0])
    assert found["value"].item() > 0.2
    assert found["met"].all()
    assert judge(CROSSING_FOUND, Learner(sd.DeepLinear(32)), WORLD, seeds=[0])["met"].all()


def test_the_crossing_divides_every_class_and_keeps_the_coding() -> None:
    world, kinds = cross_classes(WORLD)
    assert world.coding == "0/1"
    assert world.properties.sizes["property"] == 53 + 2 * 7
    classes = sd.solve(WORLD, depth=1)["ancestor"].values
    for column in classes.T:
        for name in set(column.tolist()):
            ones = kinds[column == name]
            assert abs(ones.sum() - len(ones) / 2) <= 0.5
    table = WORLD.properties
    spun = sd.Dataset(2 * table - 1, WORLD.tree, "±1")
    assert cross_classes(spun)[0].coding == "±1"


def test_likeness_is_the_cosine_and_partings_those_of_the_tree() -> None:
    child = sd.solve(WORLD, depth=2, hidden=True)
    last = sd.similarity(child, layer="hidden_1").values[:, -1]
    rows, columns = np.triu_indices(21, k=1)
    np.testing.assert_allclose(find_similarities(child), last[:, rows, columns])
    assert find_partings(child["ancestor"].values).shape == (210,)


def test_what_cannot_be_asked_is_not_applicable() -> None:
    one = judge(SHARED_SIMILARITY, Learner(plant(draw)), WORLD, seeds=[0])
    assert "two seeds or more" in one["reason"].item()
    for phenomenon in (SHARED_SIMILARITY, CROSSING_FOUND):
        found = judge(phenomenon, Learner(sd.Shallow()), WORLD, seeds=[0, 1])
        assert "no hidden layer" in found["reason"].item()
        assert not found["met"].any()
        bare = judge(phenomenon, Learner(sd.Shallow()), WORLD.with_tree(None), seeds=[0, 1])
        assert bare["reason"].item() == "the data have no tree"
