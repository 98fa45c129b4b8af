"""Differentiation: distances by hand and by scipy; broad before narrow in deep networks only."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import pdist

import semdev as sd
from semdev.measures.differentiation import differentiation

PAIRS = {"x": ["a", "b"], "y": ["c", "d"]}
UNEVEN = {"x": {"y": ["a", "b", "c"], "d": None}, "e": None, "z": ["f", "g"]}


def test_by_hand(plant):
    # On a line: a 0, b 1, c 4, d 7, from nothing, growing evenly.
    share = np.array([0.0, 0.5, 1.0])
    place = np.array([0.0, 1.0, 4.0, 7.0])
    output = share[:, None, None] * place[:, None]
    d = differentiation(plant(place[:, None], output[None], [0, 1, 2], tree=PAIRS))
    d = d.isel(layer=0, seed=0)
    np.testing.assert_allclose(d["between"], share[:, None] * [5.0, 2.0])
    np.testing.assert_allclose(d["within"], share[:, None] * [2.0, np.nan])
    assert d["level"].values.tolist() == [0, 1]
    assert d["half_time"].values.tolist() == [1, 1]
    assert d["precedes"].values.tolist() == [False, False]
    assert np.isnan(d["cophenetic"][0])


def test_half_times_and_precedence_by_hand(plant):
    time = np.arange(11.0)
    between = np.minimum(time / 4, 1)[:, None] * [1, 1, -1, -1]
    within = np.maximum(time - 6, 0)[:, None] / 40 * [1, -1, 1, -1]
    output = (between + within)[None, :, :, None]
    history = plant(output[0, -1], output, time, tree=PAIRS)
    d = differentiation(history).isel(layer=0, seed=0)
    np.testing.assert_allclose(d["half_time"], [2.0, 8.0])
    assert d["precedes"].values.tolist() == [True, False]
    assert not differentiation(history, margin=3.01)["precedes"].any()


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999), far=st.sampled_from([0.0, 1e6]))
def test_distances_and_dendrograms_are_scipys(seed, far, plant):
    rng = np.random.default_rng(seed)
    output = far + rng.normal(size=(2, 3, 7, 4))
    tree = sd.trees.from_nested(UNEVEN)
    d = differentiation(plant(np.eye(7, 4), output, [0, 1, 2], tree=tree)).isel(layer=0)
    items, root = list("abcdefg"), sd.trees.root(tree)
    depth = nx.single_source_shortest_path_length(tree, root)
    level = np.array([
        depth[nx.lowest_common_ancestor(tree, a, b)]
        for k, a in enumerate(items) for b in items[k + 1 :]
    ])  # fmt: skip
    assert d["level"].values.tolist() == [0, 1, 2]
    for s, t in np.ndindex(2, 3):
        distance = pdist(output[s, t])
        here = d.isel(seed=s, time=t)
        for k in (0, 1, 2):
            mean = distance[level == k].mean()
            assert float(here["between"].sel(level=k)) == pytest.approx(mean, rel=1e-8)
        mean = distance[level > 0].mean()
        assert float(here["within"].sel(level=0)) == pytest.approx(mean, rel=1e-8)
        heights = cophenet(linkage(output[s, t], method="average"))
        expected = np.corrcoef(heights, -level)[0, 1]
        assert float(here["cophenetic"]) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_broad_before_narrow_in_deep_networks_only(seed):
    world = sd.branching_diffusion([2, 2, 2], properties=1000, flip=0.15, seed=seed)
    deep = differentiation(sd.solve(world, depth=2, hidden=True, times=100)).isel(seed=0)
    assert deep["layer"].values.tolist() == ["output", "hidden_1"]
    assert (deep["half_time"].diff("level") > 0).all()
    assert deep["precedes"].values.tolist() == [[True, True, False]] * 2
    shallow = differentiation(sd.solve(world, depth=1, times=100))
    assert not shallow["precedes"].any()
    np.testing.assert_allclose(shallow["half_time"], np.log(2), rtol=1e-3)


def test_a_run_cut_short_is_measured_against_the_data():
    whole, short = (
        differentiation(sd.solve(sd.load("cao2020"), depth=2, times=np.linspace(0, end, 400)))
        for end in (9.0, 4.0)
    )
    whole, short = (each["half_time"].isel(layer=0, seed=0).values for each in (whole, short))
    np.testing.assert_allclose(short[:2], whole[:2], rtol=1e-3)
    assert np.isnan(short[2])


def test_items_that_do_not_differ_never_separate(plant):
    time = np.linspace(0, 5, 30)
    truth = np.array([[1.0, 0], [1, 0], [0, 1], [0, 0]])
    output = truth * (1 - np.exp(-time))[:, None, None] + 1e-4 * np.eye(4, 2)
    half = differentiation(plant(truth, output[None], time, tree=[["a", "b"], ["c", "d"]]))
    assert half["half_time"].notnull().all()
    twins = differentiation(
        plant(truth[[0, 0, 1, 1]], output[None][:, :, [0, 1, 0, 1]], time, tree=PAIRS)
    )
    assert np.isnan(twins["half_time"].values).all()


def test_a_world_that_is_its_tree_ends_at_its_tree():
    d = differentiation(sd.solve(sd.load("cao2020"), depth=2, initial=1e-12))
    known = d["cophenetic"].isel(layer=0, seed=0).dropna("time")
    assert 0 < known.sizes["time"] < d.sizes["time"]
    assert float(known[-1]) > 0.95
    # While only the broadest classes differ the narrow ones are alike to many digits.
    early = d.isel(layer=0, seed=0).sel(time=7.0, method="nearest")
    assert float((early["within"] / early["between"]).sel(level=0)) < 0.05


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 999))
def test_turning_hidden_units_changes_nothing(deep, seed):
    size = deep.sizes["unit_1"]
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]
    few = deep.isel(time=slice(None, None, 12))
    turned = few.assign(hidden_1=few["hidden_1"].copy(data=few["hidden_1"].values @ turn))
    xr.testing.assert_allclose(differentiation(turned), differentiation(few), atol=1e-9)


@settings(deadline=None, max_examples=10)
@given(order=st.permutations(range(8)), swap=st.booleans())
def test_the_order_of_items_and_seeds_changes_nothing(deep, order, swap):
    few = deep.isel(time=slice(None, None, 12))
    seeds = [1, 0] if swap else [0, 1]
    other = differentiation(few.isel(item=list(order), seed=seeds))
    xr.testing.assert_allclose(other.sortby("seed"), differentiation(few), atol=1e-9)


def test_twins_never_part(plant):
    target = np.array([[1.0, 0], [1, 0], [0, 1], [0, 2]])
    output = np.linspace(0, 1, 5)[:, None, None] * target
    d = differentiation(plant(target, output[None], np.arange(5), tree=PAIRS))
    assert np.isfinite(d["half_time"]).all()
    twins = plant(target[[0, 1, 2, 2]], output[None][:, :, [0, 1, 2, 2]], np.arange(5), tree=PAIRS)
    found = differentiation(twins).isel(layer=0, seed=0)
    assert np.isnan(found["half_time"].sel(level=1))
    assert (found["between"].sel(level=1) == 0).all()
    assert not found["precedes"].any()


def test_a_tree_of_one_level(plant):
    output = np.linspace(0, 1, 4)[:, None, None] * np.eye(3)
    d = differentiation(plant(np.eye(3), output[None], np.arange(4), tree=["a", "b", "c"]))
    assert d["level"].values.tolist() == [0]
    assert d["half_time"].item() == 1.5
    assert np.isnan(d["within"]).all()
    assert np.isnan(d["cophenetic"]).all()


def test_layers_of_patterns_are_left_out():
    patterns = sd.make_patterns(sd.load("saxe2019"), relations=True)
    exact = sd.solve(patterns, depth=2, hidden=True, times=5)
    assert differentiation(exact)["layer"].values.tolist() == ["output"]


def test_a_single_item_is_refused(plant):
    with pytest.raises(ValueError, match="differentiation needs at least two items"):
        differentiation(plant([[1.0]], np.ones((1, 1, 1, 1)), [0.0], tree=["a"]))


def test_what_random_weights_set_apart_has_not_separated(plant):
    truth = np.array([[0.0], [1], [4], [7]])  # 5 and 2 apart
    rises = np.array([0.6, 0.2, 0.2, 0.8, 1.0])[:, None, None] * truth
    stays = np.array([0.6, 0.7, 0.8, 0.9, 1.0])[:, None, None] * truth
    d = differentiation(plant(truth, np.stack([rises, stays]), np.arange(5), tree=PAIRS))
    d = d.isel(layer=0)
    assert d["from_start"].all()
    np.testing.assert_allclose(d["half_time"], [[2.5, 2.5], [np.nan, np.nan]])
    assert not d["precedes"].any()


def test_a_shallow_network_of_random_weights_is_no_wonder_child():
    shallow = sd.train(sd.Shallow(scale=0.1), sd.load("living_things"), seeds=3, progress=False)
    d = differentiation(shallow).isel(layer=0)
    assert d["from_start"].values.tolist() == [[False] * 3 + [True]] * 3
    assert not (d["half_time"] == 0).any()
    assert (sd.level_acquisition(shallow)["acquired"] > 0.5).all()
    small = differentiation(sd.solve(sd.load("living_things"), depth=2))
    assert not small["from_start"].any()
