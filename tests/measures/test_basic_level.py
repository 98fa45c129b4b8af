"""The basic level: eigenvalues by hand and by theorem, learning, and category utility."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.data.categories import contrasting_features, nested_gaussian
from semdev.measures.basic_level import (
    basic_level,
    level_acquisition,
    predict_level_eigenvalues,
)
from semdev.models.closed_forms import branching_singular_values, time_to_reach

BRANCHINGS = st.lists(st.integers(1, 4), min_size=2, max_size=4)


# eigenvalues


@settings(deadline=None, max_examples=40)
@given(branching=BRANCHINGS, seed=st.integers(0, 9999), graded=st.booleans())
def test_levels_are_the_increments_times_class_sizes_whatever_the_properties(
    branching, seed, graded
):
    tree = sd.trees.balanced(branching)
    rng = np.random.default_rng(seed)
    items = sd.trees.leaves(tree)
    y = rng.normal(size=(len(items), 9))
    y = y if graded else np.sign(y)
    table = xr.DataArray(
        y,
        dims=("item", "property"),
        coords={"item": items, "property": [f"p{k}" for k in range(9)]},
    )
    found = basic_level(sd.Dataset(table, tree))
    empty = found["multiplicity"] == 0
    if not empty.any():
        np.testing.assert_allclose(found["predicted"], found["eigenvalue"], atol=1e-9)
        gaps = -np.diff(found["eigenvalue"])
        size = len(items) / found["classes"].values
        np.testing.assert_allclose(gaps, (found["increment"] * size)[:-1], atol=1e-9)
        assert found["eigenvalue"][-1] == pytest.approx(float(found["increment"][-1]), abs=1e-9)
    assert found["eigenvalue"].isnull().equals(empty)
    rows, columns = rng.permutation(len(items)), rng.permutation(9)
    mixed = basic_level(sd.Dataset(table[rows, columns], tree))
    for name in ("eigenvalue", "shared", "purity", "category_utility"):
        np.testing.assert_allclose(mixed[name], found[name], atol=1e-9)


@pytest.mark.parametrize("name", ["cao2020", "saxe2019"])
def test_levels_of_regular_worlds_are_their_singular_values(name):
    world = sd.load(name)
    found = basic_level(world)
    s = np.linalg.svd(world.properties, compute_uv=False)
    values = np.repeat(found["strength"].values, found["multiplicity"].values)
    np.testing.assert_allclose(values, s, atol=1e-9)
    np.testing.assert_allclose(found["purity"], 1)
    assert int(found["strongest"]) == 1


@settings(deadline=None, max_examples=60)
@given(
    branching=st.lists(st.integers(2, 5), min_size=2, max_size=4), data=st.data(),
)  # fmt: skip
def test_in_branching_diffusion_no_level_is_stronger_than_a_broader_one(branching, data):
    flips = data.draw(
        st.lists(st.floats(0, 1), min_size=len(branching), max_size=len(branching))
    )  # fmt: skip
    squares = branching_singular_values(branching, flip=flips, properties=1).values ** 2
    assert (np.diff(squares) <= 1e-9).all()
    keep = (1 - 2 * np.array(flips)) ** 2
    q = np.array([np.prod(keep[k:]) for k in range(len(branching) + 1)])
    increments = np.diff(q, prepend=0)
    assert (increments >= -1e-12).all()
    np.testing.assert_allclose(
        predict_level_eigenvalues(branching, increments=increments), squares, atol=1e-9
    )


def test_a_negative_superordinate_increment_by_hand():
    found = predict_level_eigenvalues([2, 2, 2], increments=[0.25, -0.12, 0.6, 0.27])
    np.testing.assert_allclose(found, [2.99, 0.99, 1.47, 0.27])
    assert found["multiplicity"].values.tolist() == [1, 1, 2, 4]
    with pytest.raises(ValueError, match="needs one number for each of the 4 levels, root first"):
        predict_level_eigenvalues([2, 2, 2], increments=[1, 1])
    with pytest.raises(ValueError, match="is not a list of integers ≥ 1"):
        predict_level_eigenvalues([2, 0], increments=[1, 1, 1])


def test_ragged_trees_have_levels_but_no_closed_form():
    found = basic_level(sd.load("rogers2004"))
    assert found["predicted"].isnull().all()
    assert np.isfinite(found["eigenvalue"]).all()
    s = np.linalg.svd(sd.load("rogers2004").properties, compute_uv=False)
    total = float((found["strength"] ** 2 * found["multiplicity"]).sum())
    assert total == pytest.approx(float(np.sum(s**2)))


# category utility


def test_category_utility_by_hand():
    """Corter & Gluck's sum, class by class."""
    for world in (sd.load("rogers2004"), sd.branching_diffusion([2, 3, 2], properties=25, seed=1)):
        y = (world.properties.values > 0).astype(float)
        classes = sd.trees.ancestors(world.tree).loc[world.properties["item"].values].to_numpy()
        found = basic_level(world)["category_utility"].values
        for level, column in enumerate(classes.T):
            names = np.unique(column)
            total = sum(
                (column == name).mean() * sum(y[column == name].mean(0) ** 2 - y.mean(0) ** 2)
                for name in names
            )
            assert found[level] == pytest.approx(total / len(names), abs=1e-12)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 9999), branching=st.lists(st.integers(2, 4), min_size=2, max_size=3))
def test_category_utility_adds_up_what_levels_hold(seed, branching):
    world = sd.branching_diffusion(branching, properties=40, seed=seed, coding="0/1")
    found = basic_level(world)
    held = (found["strength"] ** 2 * found["multiplicity"]).values.copy()
    held[0] = 0
    expected = np.cumsum(held) / (world.properties.sizes["item"] * found["classes"].values)
    np.testing.assert_allclose(found["category_utility"], expected, atol=1e-9)


def test_graded_data_have_no_category_utility():
    world = nested_gaussian([2, 2], increments=[1, 1, 1], seed=0)
    found = basic_level(world)
    assert found["category_utility"].isnull().all()
    assert int(found["preferred"]) == -1
    assert int(found["strongest"]) in (1, 2)


# learning


def test_levels_that_are_modes_follow_the_closed_form():
    exact = sd.solve(sd.load("cao2020"), depth=2, initial=1e-4, times=np.linspace(0, 10, 2000))
    found = level_acquisition(exact, initial=1e-4)
    expected = time_to_reach(0.5, np.sqrt([15, 7, 3, 1]), initial=1e-4, depth=2)
    for name in ("acquired", "predicted", "predicted_alone"):
        np.testing.assert_allclose(found[name].values.ravel(), expected, rtol=2e-3)
    assert int(found["first"][0]) == int(found["predicted_first"]) == 1
    assert float(found["lead"][0]) == pytest.approx(expected[2] / expected[1] - 1, rel=0.01)


@pytest.mark.parametrize("branching", [[2, 2, 2], [3, 3, 2], [2, 4, 3]])
@pytest.mark.parametrize("seed", [0, 7])
def test_contrasts_put_the_basic_level_first_and_diffusion_does_not(branching, seed):
    worlds = {
        2: contrasting_features(branching, contrasts=3 * branching[1], seed=seed),
        1: sd.branching_diffusion(branching, properties=1000, seed=seed),
    }
    for first, world in worlds.items():
        assert int(basic_level(world)["strongest"]) == first
        found = level_acquisition(sd.solve(world, depth=2))
        assert int(found["first"][0]) == int(found["predicted_first"]) == first
        shallow = level_acquisition(sd.solve(world, depth=1), depth=1)
        np.testing.assert_allclose(shallow["acquired"], np.log(2), rtol=0.01)
        assert abs(float(shallow["lead"][0])) < 1e-9


@pytest.mark.parametrize("first_seed", [0, 40])
def test_trained_networks_learn_the_basic_level_first(first_seed):
    world = contrasting_features([2, 2, 2], contrasts=6, seed=first_seed)
    history = sd.train(
        sd.DeepLinear(hidden=24), world, seeds=range(first_seed, first_seed + 6), progress=False
    )
    found = level_acquisition(history)
    assert found["first"].dims == ("seed",)
    assert (found["first"] == 2).all()
    assert (found["lead"] > 0.1).all()
    off = found["acquired"].median("seed") / found["predicted"] - 1
    assert float(abs(off).max()) < 0.05
    assert {"acquired_low", "predicted"} <= set(sd.summarize(found[["acquired", "predicted"]]))


@pytest.mark.parametrize("kind", ["rogers2004", "csv", "±1"])
def test_any_data_with_a_tree(kind, tmp_path):
    world = sd.load("rogers2004")
    if kind == "csv":
        often = np.linspace(0.6, 1.5, 21)
        world = sd.Dataset(world.properties.assign_coords(frequency=("item", often)), world.tree)
        world.to_csv(tmp_path / "mine.csv")
        world = sd.Dataset.from_csv(tmp_path / "mine.csv", tree=world.tree)
    elif kind == "±1":
        world = sd.branching_diffusion([2, 3, 2], properties=60, seed=8)
    exact = sd.solve(world, depth=2, initial=1e-4, times=150)
    found = level_acquisition(exact)
    np.testing.assert_allclose(found["predicted"], found["acquired"][0], rtol=0.03)
    assert found["predicted_alone"].isnull().all() == (kind == "csv")
    xr.testing.assert_allclose(basic_level(exact), basic_level(world))


def test_levels_without_differences_have_no_time(plant):
    tree = {"x": ["a", "b"], "y": ["c", "d"]}
    target = [[1, 0], [1, 0], [0, 1], [0, 1]]
    times = np.linspace(0, 1, 11)
    output = np.array(target)[None, None] * times[None, :, None, None]
    found = level_acquisition(plant(target, output, times, tree=tree), depth=1)
    np.testing.assert_allclose(found["acquired"][0], [0.5, 0.5, np.nan])
    assert (int(found["first"][0]), np.isnan(found["lead"][0])) == (1, True)


def test_a_tree_is_asked_for(plant):
    with pytest.raises(
        ValueError, match=r"saxe2019 has no tree, and levels are a tree's: .*from_c"
    ):
        basic_level(sd.load("saxe2019").with_tree(None))
    history = plant([[1, 0], [1, 1]], np.zeros((1, 1, 2, 2)), [0.0])
    for measure in (basic_level, level_acquisition):
        with pytest.raises(ValueError, match="needs a tree over the items"):
            measure(history)
    with pytest.raises(ValueError, match="share lies between 0 and 1, got 0"):
        level_acquisition(sd.solve(sd.load("saxe2019"), depth=2), share=0)
