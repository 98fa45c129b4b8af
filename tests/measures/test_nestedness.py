"""Nestedness: trees and crossed classes by hand and in the limit, noise, symmetries, errors."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.data.crosscutting import cross_cutting, crossed_tree, flipped_products
from semdev.data.structures import graph_gaussian, make_form
from semdev.measures.nestedness import nestedness, predict_nestedness

QUICK = {"splits": 4, "permutations": 19}


def score(data, **options):
    return float(nestedness(data, **{**QUICK, **options})["nestedness"])


def make_world(table, name="mine"):
    table = np.asarray(table, dtype=float)
    coords = {"item": [f"i{k}" for k in range(len(table))],
              "property": [f"p{k}" for k in range(table.shape[1])]}  # fmt: skip
    return sd.Dataset(xr.DataArray(table, dims=("item", "property"), coords=coords), name=name)


def count_supports(table):
    """The score in the limit by counting, in plain loops, which properties pair which items."""
    above = below = 0.0
    for i, j, k, m in combinations(table.tolist(), 4):
        supports = sorted(
            sum(-((a[p] - b[p]) ** 2) - (c[p] - d[p]) ** 2 for p in range(table.shape[1]))
            for a, b, c, d in ((i, j, k, m), (i, k, j, m), (i, m, j, k))
        )
        weight = supports[2] - supports[0]
        above += weight * (supports[1] - supports[0])
        below += weight * weight
    return 1 - above / below


# exact cases


def test_two_crossed_pairs_by_hand():
    for a, b, expected in ((4, 4, 0.0), (4, 1, 0.75), (0, 3, 1.0)):
        world = cross_cutting(2, 2, row_features=a, column_features=b)
        found = predict_nestedness(flipped_products(world, flip=0))
        assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("branching", [[2, 2, 2], [3, 3], [2, 4], [2, 2, 3]])
@pytest.mark.parametrize("flip", [0.0, 0.2])
def test_trees_are_nested_whatever_the_noise(branching, flip):
    products = flipped_products(sd.nested_features(branching), flip=flip)
    assert predict_nestedness(products) == pytest.approx(1, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(
    rows=st.integers(2, 4), columns=st.integers(2, 4), r=st.integers(1, 4), c=st.integers(1, 4),
    flip=st.sampled_from([0.0, 0.1, 0.3]),
)  # fmt: skip
def test_the_limit_is_what_counting_finds_and_noise_leaves_it(rows, columns, r, c, flip):
    world = cross_cutting(rows, columns, row_features=r, column_features=c)
    counted = count_supports(world.properties.values)
    assert predict_nestedness(flipped_products(world, flip=flip)) == pytest.approx(counted)
    assert counted < 1 - 1e-9


@settings(deadline=None, max_examples=20)
@given(leaves=st.integers(5, 9), seed=st.integers(0, 10**6))
def test_any_tree_of_any_lengths_is_nested_as_sigma_grows(leaves, seed):
    tree = sd.trees.random(leaves, seed=seed)
    rng = np.random.default_rng(seed)
    for edge in tree.edges.values():
        edge["length"] = float(rng.uniform(0.2, 2))
    from semdev.data.structures import expected_products

    products = expected_products(tree, sigma=1e3)
    inside = [len(nx.descendants(tree, node) & set(sd.trees.leaves(tree))) for node in tree]
    if any(2 <= count <= leaves - 2 for count in inside):
        assert predict_nestedness(products) == pytest.approx(1, abs=1e-4)
    else:  # a star pairs nobody with nobody
        assert np.isnan(predict_nestedness(products))


def test_too_few_permutations_are_refused():
    with pytest.raises(ValueError, match="9 permutations cannot give a p of"):
        nestedness(sd.load("rogers2004"), permutations=9)


@pytest.mark.parametrize("kind", ["ring", "grid", "cylinder"])
def test_other_forms_are_less_nested_and_draws_agree(kind):
    graph = make_form(kind, 12 if kind == "ring" else (4, 3))
    predicted = predict_nestedness(graph)
    assert 0.5 < predicted < 0.9
    found = [score(graph_gaussian(graph, seed=k, properties=400)) for k in range(8)]
    assert np.median(found) == pytest.approx(predicted, abs=0.06)


# data


def test_trees_score_one_and_crossed_worlds_less():
    assert score(sd.nested_features([2, 2, 2])) == pytest.approx(1, abs=0.02)
    crossed = cross_cutting(4, 4, row_features=20, column_features=20)
    found = nestedness(crossed, expected=flipped_products(crossed, flip=0))
    assert float(found["nestedness"]) == pytest.approx(float(found["predicted"]), abs=0.12)
    assert float(found["nestedness"]) < 0.75
    assert float(nestedness(sd.nested_features([2, 2, 2]))["predicted"]) == 1


@pytest.mark.parametrize("coding", ["±1", "0/1", "graded"])
def test_every_coding_is_told_apart(coding):
    def code(data, seed):
        values = data.properties.values
        if coding == "graded":
            values = values * np.random.default_rng(seed).uniform(0.5, 1.5, values.shape[1])
        return make_world(2 * values - 1 if coding == "±1" else values)

    for seed in range(5):
        tree = crossed_tree([2, 2, 3], features=8, factor_features=0, flip=0.05, seed=seed)
        crossed = cross_cutting(3, 4, row_features=12, column_features=9, flip=0.05, seed=seed)
        assert score(code(tree, seed)) > 0.85
        assert score(code(crossed, seed)) < 0.75


def test_the_score_keeps_its_level_under_noise_where_a_dendrogram_loses_it():
    medians = {}
    for flip in (0.0, 0.15):
        trees = [
            nestedness(
                crossed_tree([2, 2, 3], features=12, factor_features=0, flip=flip, seed=k), **QUICK
            )
            for k in range(15)
        ]
        medians[flip] = {
            name: np.median([float(each[name]) for each in trees])
            for name in ("nestedness", "cophenetic")
        }
    assert medians[0.15]["nestedness"] > 0.9
    assert medians[0.0]["cophenetic"] - medians[0.15]["cophenetic"] > 0.1


def test_a_dendrogram_fits_a_crossed_world_and_the_score_does_not():
    world = cross_cutting(2, 4, row_features=4, column_features=4, unique_features=1)
    found = nestedness(world)
    assert float(found["cophenetic"]) > 0.7
    assert float(found["nestedness"]) < 0.6


def test_without_structure_there_is_no_score():
    missing = []
    for seed in range(60):
        noise = np.random.default_rng(seed).random((12, 40)) < 0.4
        found = nestedness(make_world(noise), **QUICK)
        missing.append(np.isnan(float(found["nestedness"])))
        assert missing[-1] or float(found["p"]) <= 0.05
    assert np.mean(missing) >= 0.85  # 95 % expected
    assert np.isnan(score(sd.load("saxe2019")))  # four items of seven properties are too few
    assert score(sd.load("saxe2019"), alpha=1.0) == pytest.approx(1)


def test_items_all_alike_have_no_score():
    found = nestedness(make_world(np.ones((5, 4))))
    assert np.isnan(float(found["nestedness"]))
    assert np.isnan(float(found["cophenetic"]))
    assert float(found["p"]) == 1


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 10**6), flip_columns=st.booleans(), scale=st.floats(0.1, 10),
    order=st.permutations(range(9)),
)  # fmt: skip
def test_items_coding_and_scale_may_be_turned(seed, flip_columns, scale, order):
    world = cross_cutting(3, 3, row_features=6, column_features=4, flip=0.03, seed=seed)
    values = world.properties.values
    turned = values[list(order)]
    if flip_columns:  # true and false exchanged for some properties
        chosen = np.random.default_rng(seed).random(values.shape[1]) < 0.5
        turned = np.where(chosen, 1 - turned, turned)
    one = nestedness(make_world(values), alpha=1, **QUICK)
    two = nestedness(make_world(scale * turned + 3), alpha=1, **QUICK)
    for name in ("nestedness", "structure"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4, atol=1e-6)
    if order == sorted(order):  # a dendrogram of tied distances depends on the order of items
        np.testing.assert_allclose(two["cophenetic"], one["cophenetic"], rtol=1e-4)


def test_the_random_state_decides_alone():
    world = cross_cutting(3, 3, row_features=6, column_features=4, flip=0.03, seed=1)
    assert score(world, random_state=3) == score(world, random_state=3)
    assert score(world, random_state=3) != score(world, random_state=4)
    large = sd.load("zoo")
    assert score(large, quartets=300) == pytest.approx(score(large, quartets=3000), abs=0.06)


# histories and data of one's own


def test_a_history_is_scored_seed_by_seed_and_time_by_time(tmp_path):
    sd.load("rogers2004").to_csv(tmp_path / "mine.csv")
    for world in (
        sd.load("rogers2004"), sd.Dataset.from_csv(tmp_path / "mine.csv"),
        sd.branching_diffusion([2, 2, 2], seed=3, properties=100),
    ):  # fmt: skip
        history = sd.solve(world, depth=2).isel(time=[100, 199])
        both = xr.concat([history, history.assign_coords(seed=[1])], "seed", data_vars="minimal")
        both = both.transpose("seed", "time", "item", "property", ...)
        found = nestedness(both, **QUICK)
        assert found["nestedness"].dims == ("seed", "time")
        np.testing.assert_array_equal(found["nestedness"][0], found["nestedness"][1])
        final = float(found["nestedness"].isel(seed=0, time=-1))
        assert final == pytest.approx(score(world), abs=0.05)
        assert final > 0.85


def test_a_network_learns_the_stronger_classification_as_if_it_were_a_tree():
    world = cross_cutting(3, 4, row_features=8, column_features=3)
    history = sd.solve(world, depth=2)
    found = nestedness(history.isel(time=[75, 199]), **QUICK)["nestedness"].isel(seed=0)
    assert float(found[0]) > float(found[1]) + 0.1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [(lambda: nestedness(make_world(np.eye(3))), ValueError,
      "nestedness needs at least 4 items and 2 properties; got 3 × 3"),
     (lambda: nestedness(make_world(np.eye(4)[:, :1])), ValueError, "got 4 × 1"),
     (lambda: nestedness(make_world(np.eye(4)), splits=0), ValueError,
      "splits, permutations and quartets must be at least 1 each"),
     (lambda: nestedness([[1, 0]]), TypeError, "a History .* is needed, got list"),
     (lambda: predict_nestedness(make_form("ring", 3)), ValueError, "at least 4 items, got 3")],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
