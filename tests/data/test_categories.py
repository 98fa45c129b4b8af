"""Worlds of categories: counts and chances, controls, and levels as strong as they should be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.data.categories import (
    contrasting_features,
    nested_gaussian,
    noisy_categories,
    scatter_properties,
)
from semdev.measures.basic_level import basic_level, predict_level_eigenvalues

BASIC_FIRST = [0.25, -0.12, 0.6, 0.27]


# noisy categories


@pytest.mark.parametrize("seed", [0, 1])
def test_categories_are_as_likely_as_asked(seed):
    world = noisy_categories(
        300, 400, members=[80, 60], features=[100, 70], within=[0.8, 0.6], background=0.1, seed=seed
    )
    y = world.properties.values
    blocks = y[:80, :100], y[80:140, 100:170]
    assert blocks[0].mean() == pytest.approx(0.8, abs=0.025)  # s.d. .0045
    assert blocks[1].mean() == pytest.approx(0.6, abs=0.04)
    outside = np.ones(y.shape, bool)
    outside[:80, :100] = outside[80:140, 100:170] = False
    assert y[outside].mean() == pytest.approx(0.1, abs=0.006)
    classes = sd.trees.ancestors(world.tree)[1]
    assert (classes.iloc[:80] == "category 1").all()
    assert (classes.value_counts()[["category 1", "category 2"]] == [80, 60]).all()
    assert classes.nunique() == 2 + 160
    assert world.coding == "0/1"


def test_a_category_without_noise_is_a_block_of_known_strength():
    y = noisy_categories(9, 12, members=4, features=5, within=1, background=0, seed=3).properties
    np.testing.assert_allclose(
        np.linalg.svd(y.values, compute_uv=False)[:2], [20**0.5, 0], atol=1e-9
    )


def test_codings_are_of_one_draw():
    plain, signed, centred = (
        noisy_categories(20, 30, members=5, features=6, background=0.2, coding=c, seed=4)
        for c in ("0/1", "±1", "centred")
    )
    np.testing.assert_array_equal(signed.properties, 2 * plain.properties - 1)
    np.testing.assert_allclose(centred.properties, plain.properties - 0.2)
    again = noisy_categories(20, 30, members=5, features=6, background=0.2, seed=4)
    assert again.digest == plain.digest
    assert noisy_categories(20, 30, members=5, features=6, seed=5).digest != plain.digest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"members": [3, 3], "features": [1, 2, 3]}, r"members needs one number, or one for each "
         r"of the 3 categories; got \[3, 3\]"),
        ({"members": 11}, "the categories need 11 items, but there are 10; categories do not"),
        ({"features": [9, 9], "members": 2}, "need 18 properties, but there are 12"),
        ({"members": 0}, "items are counted in whole numbers from 1 on, got 0"),
        ({"features": 2.5}, r"properties are counted in whole numbers from 1 on, got 2\.5"),
        ({"within": 1.2}, r"within and background are probabilities, 0 to 1; got 1\.2 and 0\.3"),
        ({"background": -0.1}, "are probabilities"),
    ],
)  # fmt: skip
def test_bad_categories_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        noisy_categories(10, 12, **{"members": 3, "features": 4, "seed": 0, **change})


def test_an_unknown_coding_is_refused():
    with pytest.raises(KeyError, match="no coding 'centered' in noisy_categories; did you mean"):
        noisy_categories(10, 12, members=3, features=4, seed=0, coding="centered")


# scattered properties


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_scattering_keeps_how_frequent_each_property_is(seed):
    world = sd.load("rogers2004")
    scattered = scatter_properties(world, seed=seed)
    np.testing.assert_array_equal(
        np.sort(scattered.properties, axis=0), np.sort(world.properties, axis=0)
    )
    assert scattered.tree is not None
    assert scattered.digest == scatter_properties(world, seed=seed).digest


def test_scattering_some_leaves_the_others():
    world = sd.load("saxe2019")
    before = world.properties.values.copy()
    found = scatter_properties(world, properties=["can fly"], seed=2).properties
    others = [p for p in found["property"].values if p != "can fly"]
    np.testing.assert_array_equal(found.sel(property=others), world.properties.sel(property=others))
    np.testing.assert_array_equal(world.properties, before)
    with pytest.raises(KeyError, match="no property 'can flye' in saxe2019; did you mean 'can fly"):
        scatter_properties(world, properties=["can flye"], seed=2)


def test_scattering_breaks_coherence():
    world = noisy_categories(60, 40, members=20, features=40, within=0.9, background=0.1, seed=0)
    top = [
        np.linalg.svd(w.properties - w.properties.mean("item"), compute_uv=False)[0]
        for w in (world, *(scatter_properties(world, seed=k) for k in range(5)))
    ]
    assert top[0] > 1.5 * max(top[1:])


# levels


@pytest.mark.parametrize("branching", [[2, 2, 2], [3, 2, 4], [2, 5, 2]])
@pytest.mark.parametrize("seed", [0, 1])
def test_gaussian_levels_are_as_strong_as_asked(branching, seed):
    world = nested_gaussian(branching, increments=BASIC_FIRST, properties=20_000, seed=seed)
    found = basic_level(world)["eigenvalue"]
    expected = predict_level_eigenvalues(branching, increments=BASIC_FIRST)
    np.testing.assert_allclose(found, expected, rtol=0.06)


@pytest.mark.parametrize("seed", [0, 1])
def test_signs_of_gaussians_follow_the_arcsine_law(seed):
    q = np.cumsum(BASIC_FIRST)  # what items that part at each level share; 1 for an item itself
    signed = np.diff(2 / np.pi * np.arcsin(q / q[-1]), prepend=0)
    expected = predict_level_eigenvalues([2, 2, 2], increments=signed)
    for coding, factor in (("±1", 1.0), ("0/1", 0.25)):
        world = nested_gaussian(
            [2, 2, 2], increments=BASIC_FIRST, properties=20_000, seed=seed, coding=coding
        )
        assert world.coding == coding
        np.testing.assert_allclose(
            basic_level(world)["eigenvalue"][1:], factor * expected[1:], rtol=0.06
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"increments": [1, 1]}, "increments needs one number for each of the 4 levels, root "
         "first; got 2"),
        ({"increments": [0.1, -0.9, 0.1, 0.1]}, r"make no covariance: its smallest eigenvalue is "
         r"-3\.3; λ_l = Σ"),
        ({"increments": [0, 0, 0, 0]}, "make no covariance"),
        ({"properties": 0}, "properties must be at least 1, got 0"),
    ],
)  # fmt: skip
def test_bad_increments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        nested_gaussian([2, 2, 2], **{"increments": BASIC_FIRST, "seed": 0, **arguments})
    with pytest.raises(KeyError, match="no coding 'grade' in nested_gaussian; did you mean"):
        nested_gaussian([2], increments=[1, 1], seed=0, coding="grade")


@settings(deadline=None, max_examples=25)
@given(
    branching=st.lists(st.integers(2, 4), min_size=2, max_size=4),
    contrasts=st.integers(1, 9), owned=st.integers(1, 3), seed=st.integers(0, 999),
    data=st.data(),
)  # fmt: skip
def test_contrasts_strengthen_their_level_by_what_the_docstring_says(
    branching, contrasts, owned, seed, data
):
    level = data.draw(st.integers(2, len(branching)))
    world = contrasting_features(
        branching, contrasts=contrasts, features=owned, level=level, seed=seed
    )
    share = contrasts / branching[level - 1]
    increments = np.full(len(branching) + 1, float(owned))
    increments[[0, level - 1, level]] += [share, -share, contrasts]
    expected = predict_level_eigenvalues(branching, increments=increments)
    found = basic_level(world)
    np.testing.assert_allclose(found["strength"] ** 2, expected, atol=1e-9)
    ahead = contrasts > branching[level - 1] * owned
    assert (expected[level] > expected[level - 1] + 1e-9) == ahead


def test_contrasting_siblings_differ_on_every_dimension():
    tree = sd.trees.from_nested(
        {"animal": {"bird": ["a", "b"], "fish": ["c", "d"], "cat": ["e"]},
         "plant": {"tree": ["f"], "flower": ["g", "h"]}}
    )  # fmt: skip
    world = contrasting_features(tree, contrasts=4, seed=1)
    y = world.properties[:, world.tree.number_of_nodes() :]
    assert y.sizes["property"] == 12
    assert all(p.startswith("has contrast ") for p in y["property"].values)
    assert world.coding == "0/1"
    for one, other in (("a", "c"), ("a", "e"), ("c", "e"), ("f", "g")):
        assert float((y.sel(item=one) * y.sel(item=other)).sum()) == 0
    for one, other in (("a", "b"), ("g", "h")):
        np.testing.assert_array_equal(y.sel(item=one), y.sel(item=other))
    assert (y.sum("property") == 4).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": 1}, "level is the depth of classes that have a superordinate class and "
         "siblings, 2 to 3 in this tree; got 1"),
        ({"level": 4}, "2 to 3 in this tree; got 4"),
        ({"contrasts": 0}, "contrasts must be at least 1, got 0"),
    ],
)  # fmt: skip
def test_bad_contrasts_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        contrasting_features([2, 2, 2], seed=0, **arguments)
