"""Worlds that no tree fits: by hand, against Kronecker products, under flips, words of errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev import trees
from semdev.data.crosscutting import cross_cutting, crossed_tree, flipped_products


def gram(data):
    values = data.properties.values
    return values @ values.T


# cross_cutting


def test_a_small_world_by_hand():
    world = cross_cutting(
        ["cat", "bird"], ["wild", "tame"], row_features=1, column_features=1, unique_features=1,
        shared_features=1,
    )  # fmt: skip
    assert world.properties["item"].values.tolist() == [
        "cat wild", "cat tame", "bird wild", "bird tame",
    ]  # fmt: skip
    tame = world.properties.sel(item="cat tame")
    assert tame["property"].values[tame.values > 0].tolist() == [
        "has shared feature 1", "has cat feature 1", "has tame feature 1", "has cat tame feature 1",
    ]  # fmt: skip
    assert world.tree is None
    assert world.coding == "0/1"
    assert set(world.properties["relation"].values) == {"has"}


@settings(deadline=None, max_examples=30)
@given(
    rows=st.integers(1, 4), columns=st.integers(1, 4), r=st.integers(0, 3), c=st.integers(0, 3),
    u=st.integers(1, 2), shared=st.integers(0, 2), swap=st.booleans(),
)  # fmt: skip
def test_products_are_kronecker_sums_and_rows_are_columns_turned(
    rows, columns, r, c, u, shared, swap
):
    world = cross_cutting(
        rows, columns, row_features=r, column_features=c, unique_features=u, shared_features=shared
    )
    ones = np.ones((rows, rows)), np.ones((columns, columns))
    expected = (
        shared * np.kron(*ones) + r * np.kron(np.eye(rows), ones[1])
        + c * np.kron(ones[0], np.eye(columns)) + u * np.eye(rows * columns)
    )  # fmt: skip
    np.testing.assert_array_equal(gram(world), expected)
    turned = cross_cutting(
        columns, rows, row_features=c, column_features=r, unique_features=u, shared_features=shared
    )
    np.testing.assert_allclose(
        np.linalg.eigvalsh(gram(turned)), np.linalg.eigvalsh(gram(world)), atol=1e-9
    )


def test_flips_depend_on_the_seed_alone_and_keep_names():
    clean, one, again, other = (
        cross_cutting(3, 3, **flips)
        for flips in ({}, *({"flip": 0.2, "seed": k} for k in (1, 1, 2)))
    )
    assert one.digest == again.digest != other.digest
    share = np.mean(
        [
            (cross_cutting(3, 3, flip=0.2, seed=k).properties != clean.properties).mean()
            for k in range(200)
        ]
    )
    assert share == pytest.approx(0.2, abs=0.02)
    np.testing.assert_array_equal(
        cross_cutting(3, 3, flip=1.0, seed=1).properties, 1 - clean.properties
    )


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [((0, 2), {}, "rows are at least one class, each named once; got"),
     ((["a", "a"], 2), {}, r"rows are at least one class, each named once; got \['a', 'a'\]"),
     ((["a", "b"], ["b", "c"]), {}, "'b' names a row and a column; classes need different names"),
     ((2, 2), {"row_features": -1}, "row_features is a whole number, 0 or more; got -1"),
     ((2, 2), {"unique_features": 0.5}, "unique_features is a whole number, 0 or more; got 0.5"),
     ((2, 2), {"row_features": 0, "column_features": 0, "unique_features": 0},
      "no class and no item owns a property: there is nothing to learn"),
     ((2, 2), {"flip": 1.5, "seed": 1}, "flip is a probability, 0 to 1; got 1.5"),
     ((2, 2), {"flip": 0.1}, "flip = 0.1 turns cells round at random, which needs a seed")],
)  # fmt: skip
def test_bad_cross_cutting_worlds_are_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        cross_cutting(*arguments, **options)


# crossed_tree


def test_the_last_level_crosses_by_default():
    world = crossed_tree([2, 3], features=1, factor_features=2)
    kinds = world.properties.sel(property=[f"has kind {k} feature 1" for k in (1, 2, 3)])
    np.testing.assert_array_equal(kinds, np.tile(np.eye(3), (2, 1)))
    assert world.tree.number_of_nodes() == 9
    assert world.properties.sizes["property"] == 9 + 6


def test_upper_levels_and_named_classes_cross_too():
    upper = crossed_tree([2, 2, 2], features=1, factor=2, factor_features=1)
    kind = upper.properties.sel(property="has kind 1 feature 1")
    assert kind.values.tolist() == [1, 1, 0, 0, 1, 1, 0, 0]
    tree = trees.from_nested({"bird": ["robin", "duck"], "fish": ["cod"]})
    diet = {"robin": "worms", "duck": "weeds", "cod": "worms"}
    world = crossed_tree(tree, features={"bird": ["can fly"]}, factor=diet, factor_features=1)
    assert world.properties["property"].values.tolist() == [
        "can fly", "has worms feature 1", "has weeds feature 1",
    ]  # fmt: skip
    assert world.properties.sel(property="has worms feature 1").values.tolist() == [1, 0, 1]


def test_the_tree_part_is_that_of_nested_features():
    plain = sd.nested_features([2, 3], features=[1, 2, 1])
    world = crossed_tree([2, 3], features=[1, 2, 1], factor_features=0)
    np.testing.assert_array_equal(world.properties, plain.properties)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [({"factor": {"item 1": "x"}}, ValueError, "factor says nothing of"),
     ({"factor": {"item 9": "x"}}, KeyError, "no item 'item 9' in the tree"),
     ({"factor": 3}, ValueError, "factor is a level that all items reach, 1 to 2, or a mapping"),
     ({"factor_features": -1}, ValueError, "factor_features is a whole number, 0 or more; got -1")],
)  # fmt: skip
def test_bad_factors_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        crossed_tree([2, 2], **options)


# flipped_products


@pytest.mark.parametrize("flip", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("coding", ["0/1", "±1"])
def test_products_after_flips_are_the_mean_of_many_worlds(flip, coding):
    clean = cross_cutting(2, 3).properties.values
    rng = np.random.default_rng(1)
    signed = 2 * clean - 1
    turned = np.where(rng.random((4000, *clean.shape)) < flip, -signed, signed)
    table = turned if coding == "±1" else (turned + 1) / 2
    mean = np.einsum("sip,sjp->ij", table, table, optimize=True) / (4000 * clean.shape[1])
    data = cross_cutting(2, 3)
    if coding == "±1":
        data = sd.Dataset(data.properties * 2 - 1)
    np.testing.assert_allclose(flipped_products(data, flip=flip), mean, atol=0.02)


def test_products_after_flips_on_every_kind_of_world(tmp_path):
    path = tmp_path / "mine.csv"
    sd.load("rogers2004").to_csv(path)
    for world in (sd.load("rogers2004"), sd.Dataset.from_csv(path),
                  sd.branching_diffusion([2, 3], seed=1)):  # fmt: skip
        own = gram(world) / world.properties.sizes["property"]
        np.testing.assert_allclose(flipped_products(world, flip=0.0), own)
        noisy = flipped_products(world, flip=0.5)
        assert np.ptp(noisy.values[~np.eye(len(own), dtype=bool)]) == pytest.approx(0, abs=1e-9)


def test_graded_cells_cannot_be_turned_round():
    graded = sd.Dataset(cross_cutting(2, 2).properties * 0.3, name="shades")
    with pytest.raises(ValueError, match="shades is graded; only 0/1 and ±1 cells can be turned"):
        flipped_products(graded, flip=0.1)
    with pytest.raises(ValueError, match="flip is a probability, 0 to 1; got 2"):
        flipped_products(graded, flip=2)
