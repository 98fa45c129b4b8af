"""Spectra of forms: closed forms against eigenvalues, published numbers, symmetries, errors."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.data.crosscutting import cross_cutting, crossed_tree, flipped_products
from semdev.data.structures import FORMS, form_covariance, graph_gaussian, make_form
from semdev.models.spectra import (
    CLOSED,
    cross_cutting_singular_values,
    crossed_tree_singular_values,
    form_singular_values,
    predict_singular_values,
)

SHAPES = [
    ("clusters", [3, 2, 4]), ("clusters", [5]), ("clusters", [1, 1]), ("chain", 2), ("chain", 7),
    ("order", 2), ("order", 6), ("ring", 3), ("ring", 8), ("ring", 9), ("tree", [2, 2, 2]),
    ("tree", [3, 1, 2]), ("tree", [4]), ("grid", (4, 4)), ("grid", (2, 5)), ("grid", (1, 3)),
    ("cylinder", (6, 3)), ("cylinder", (5, 1)),
]  # fmt: skip


def spell_out(spectrum):
    """Every eigenvalue as often as it occurs, largest first."""
    return np.repeat(spectrum["eigenvalue"].values, spectrum["multiplicity"].values)


# forms


@pytest.mark.parametrize(("kind", "shape"), SHAPES)
@pytest.mark.parametrize(("sigma", "length"), [(5.0, 1.0), (0.7, 0.4), (40.0, 3.0)])
def test_closed_forms_are_the_covariances_eigenvalues(kind, shape, sigma, length):
    closed = form_singular_values(kind, shape, properties=7, sigma=sigma, length=length)
    covariance = form_covariance(make_form(kind, shape, length=length), sigma=sigma)
    exact = np.linalg.eigvalsh(covariance)[::-1]
    np.testing.assert_allclose(spell_out(closed), exact, rtol=1e-8)
    np.testing.assert_allclose(closed, np.sqrt(7 * closed["eigenvalue"]))
    assert (np.diff(closed) < 0).all()
    assert closed["distinction"].values.tolist() == list(range(1, closed.size + 1))
    numerical = predict_singular_values(
        make_form(kind, shape, length=length), properties=7, sigma=sigma
    )
    xr.testing.assert_allclose(numerical, closed.drop_vars("pattern"))


def test_every_form_but_one_has_a_closed_form():
    assert {kind for kind, _ in SHAPES} == set(CLOSED)
    assert set(FORMS) - set(CLOSED) == {"hierarchy"}


@pytest.mark.parametrize(
    ("kind", "shape", "eigenvalues", "multiplicity"),
    [
        ("ring", 16, [25, 5.20, 1.60], [1, 2, 2]),
        ("grid", (4, 4), [25, 1.60, 0.825, 0.49], [1, 2, 1, 2]),
        ("clusters", [4, 4, 4, 4], [25, 0.96], [4, 12]),
        ("tree", [2, 2, 2, 2], [25, 9.38, 5.47, 2.68], [1, 1, 2, 4]),
    ],
)
def test_sixteen_items_as_published_settings_have_it(kind, shape, eigenvalues, multiplicity):
    closed = form_singular_values(kind, shape, properties=1)
    first = slice(0, len(eigenvalues))
    np.testing.assert_allclose(closed["eigenvalue"][first], eigenvalues, rtol=6e-3)
    assert closed["multiplicity"].values[first].tolist() == multiplicity


def test_patterns_say_what_the_modes_look_like():
    ring, tree, grid = (
        form_singular_values(kind, shape, properties=1)["pattern"].values.tolist()
        for kind, shape in (("ring", 4), ("tree", [2, 2]), ("grid", (2, 2)))
    )
    assert ring == ["0 cycles", "1 cycles", "2 cycles"]
    assert tree == ["level 0", "level 1", "level 2"]
    assert grid[1] == "0 waves × 0.5 waves + 0.5 waves × 0 waves"


def test_the_order_keeps_nothing_of_its_rank():
    closed = form_singular_values("order", 6, properties=1)
    assert closed["multiplicity"].values.tolist() == [1, 5]


@settings(deadline=None, max_examples=40)
@given(
    branching=st.lists(st.integers(1, 3), min_size=1, max_size=4), sigma=st.floats(0.1, 50),
    length=st.floats(0.05, 10),
)  # fmt: skip
def test_in_every_tree_coarse_modes_are_stronger(branching, sigma, length):
    closed = form_singular_values("tree", branching, properties=1, sigma=sigma, length=length)
    levels = [name for name in closed["pattern"].values.tolist() if "+" not in name]
    assert levels == sorted(levels)
    assert closed["multiplicity"].sum() == np.prod(branching)


@settings(deadline=None, max_examples=30)
@given(factor=st.floats(0.1, 10), size=st.integers(3, 12), kind=st.sampled_from(["ring", "chain"]))
def test_scaling_all_lengths_and_the_variance_scales_everything(factor, size, kind):
    one = form_singular_values(kind, size, properties=3)
    two = form_singular_values(kind, size, properties=3, sigma=5 * factor**0.5, length=factor)
    np.testing.assert_allclose(two, one * factor**0.5, rtol=1e-9)


@pytest.mark.parametrize(
    ("kind", "shape", "options", "error", "message"),
    [("hierarchy", [2, 2], {}, KeyError, "no closed form 'hierarchy' in form_singular_values"),
     ("ring", 2, {}, ValueError, "a ring form cannot have the shape 2"),
     ("ring", 4, {"properties": 0}, ValueError, "properties must be at least 1, got 0"),
     ("ring", 4, {"sigma": 0}, ValueError, "sigma and length must be above 0; got 0 and 1.0"),
     ("ring", 4, {"length": -1}, ValueError, "must be above 0; got 5.0 and -1")],
)  # fmt: skip
def test_bad_forms_are_refused(kind, shape, options, error, message):
    with pytest.raises(error, match=message):
        form_singular_values(kind, shape, **{"properties": 1, **options})


# cross-cutting


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(1, 4), columns=st.integers(1, 4), r=st.integers(0, 4), c=st.integers(0, 4),
    u=st.integers(0, 2), shared=st.integers(0, 2), flip=st.sampled_from([0.0, 0.07, 0.5, 0.9]),
)  # fmt: skip
def test_cross_cutting_worlds_have_these_singular_values(rows, columns, r, c, u, shared, flip):
    features = {
        "row_features": r, "column_features": c, "unique_features": u, "shared_features": shared,
    }  # fmt: skip
    if not any(features.values()):
        features["unique_features"] = 1
    closed = cross_cutting_singular_values(rows, columns, flip=flip, **features)
    world = cross_cutting(rows, columns, **features)
    number = world.properties.sizes["property"]
    exact = number * np.linalg.eigvalsh(flipped_products(world, flip=flip))[::-1]
    squares = np.repeat(closed.values**2, closed["multiplicity"].values)
    np.testing.assert_allclose(squares, exact, atol=1e-7 * exact[0] + 1e-9)


def test_rows_come_before_columns_by_the_product_not_by_the_number():
    s = cross_cutting_singular_values(8, 2, row_features=3, column_features=2, unique_features=1)
    assert s["pattern"].values.tolist() == ["all", "columns", "rows", "items"]
    assert (s.values**2).tolist() == pytest.approx([23, 17, 7, 1])
    tied = cross_cutting_singular_values(3, 3, row_features=1, column_features=1, unique_features=1)
    assert tied["pattern"].values.tolist() == ["all", "rows + columns", "items"]
    assert tied["multiplicity"].values.tolist() == [1, 4, 4]


def test_flipped_worlds_have_them_on_average():
    features = {"row_features": 4, "column_features": 2, "unique_features": 1}
    closed = cross_cutting_singular_values(3, 4, flip=0.1, **features)
    worlds = [cross_cutting(3, 4, flip=0.1, seed=k, **features) for k in range(300)]
    mean = np.mean([w.properties.values @ w.properties.values.T for w in worlds], axis=0)
    found = np.linalg.eigvalsh(mean)[::-1]
    expected = np.repeat(closed.values**2, closed["multiplicity"].values)
    np.testing.assert_allclose(found, expected, rtol=0.1)


# tree with a crossing factor


@pytest.mark.parametrize("flip", [0.0, 0.05])
@pytest.mark.parametrize(
    ("branching", "features", "factor", "m"),
    [([2, 2, 2], [1, 2, 3, 1], 3, 4), ([2, 2, 3], 2, None, 5), ([2, 3, 2], [0, 4, 2, 1], 2, 3),
     ([3], [1, 2], 1, 2), ([2, 2], [0, 3, 1], 2, 0)],
)  # fmt: skip
def test_crossed_trees_have_these_singular_values(branching, features, factor, m, flip):
    closed = crossed_tree_singular_values(
        branching, features=features, factor=factor, factor_features=m, flip=flip
    )
    world = crossed_tree(branching, features=features, factor=factor, factor_features=m)
    number = world.properties.sizes["property"]
    exact = number * np.linalg.eigvalsh(flipped_products(world, flip=flip))[::-1]
    squares = np.repeat(closed.values**2, closed["multiplicity"].values)
    np.testing.assert_allclose(squares, exact, rtol=1e-8)


def test_the_factor_overtakes_a_level_where_the_formula_says():
    options = {"branching": [2, 2, 3], "features": [2, 4, 4, 2]}
    for m, before in ((2, "level 2"), (4, "factor"), (8, "factor"), (10, "level 1")):
        found = crossed_tree_singular_values(**options, factor_features=m)
        patterns = found["pattern"].values.tolist()
        first, second = ("level 2", "factor") if m < 3 else ("factor", "level 2")
        assert patterns.index(first) < patterns.index(second)
        assert (patterns.index("factor") < patterns.index("level 1")) == (m > 9), before


@pytest.mark.parametrize(
    ("call", "message"),
    [(lambda: cross_cutting_singular_values(0, 2, row_features=1, column_features=1,
      unique_features=0), "has at least one row, one column and one property; got 0 × 2"),
     (lambda: cross_cutting_singular_values(2, 2, row_features=1, column_features=1,
      unique_features=0, flip=2), "flip is a probability, 0 to 1; got 2"),
     (lambda: crossed_tree_singular_values([2, 2], features=[1, 1], factor_features=1),
      r"one number, 0 or more, for each of the 3 levels; got \[1, 1\]"),
     (lambda: crossed_tree_singular_values([2, 2], features=1, factor=3, factor_features=1),
      "the factor's level is 1 to 2, got 3"),
     (lambda: crossed_tree_singular_values([2, 0], features=1, factor_features=1),
      r"a tree form cannot have the shape \[2, 0\]")],
)  # fmt: skip
def test_bad_crossings_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# any structure


@pytest.mark.parametrize("coding", ["graded", "±1", "0/1"])
def test_predictions_of_coded_worlds_hold_in_large_draws(coding):
    graph = make_form("tree", [2, 3])
    predicted = predict_singular_values(graph, properties=20_000, sigma=2.0, coding=coding)
    drawn = graph_gaussian(graph, seed=5, properties=20_000, sigma=2.0, coding=coding)
    found = np.linalg.svd(drawn.properties.values, compute_uv=False)
    expected = np.repeat(predicted.values, predicted["multiplicity"].values)
    np.testing.assert_allclose(found, expected, rtol=0.04)


def test_branching_diffusion_is_predicted_from_its_products_too():
    closed = sd.theory.branching_singular_values([2, 2, 2], flip=0.15, properties=50)
    parted = np.array(sd.trees.common_levels(sd.trees.ancestors(sd.trees.balanced([2, 2, 2]))))
    items = [f"i{k}" for k in range(8)]
    products = xr.DataArray(
        0.49 ** (3.0 - parted), dims=("item", "item_2"), coords={"item": items, "item_2": items}
    )
    found = predict_singular_values(products, properties=50)
    np.testing.assert_allclose(found, closed)
    assert found["multiplicity"].values.tolist() == closed["multiplicity"].values.tolist()


@pytest.mark.parametrize(
    ("table", "message"),
    [(xr.DataArray(np.eye(2), dims=("a", "b")), "item × item_2, the same items in both; got"),
     (xr.DataArray([[1.0, 2.0], [0.0, 1.0]], dims=("item", "item_2")), "are symmetric; these are")],
)  # fmt: skip
def test_tables_that_hold_no_products_are_refused(table, message):
    with pytest.raises(ValueError, match=message):
        predict_singular_values(table, properties=1)
