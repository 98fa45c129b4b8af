"""Modes and levels: against the closed form, by hand, and whatever the order of the items."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.measures.modes import (
    level_strengths,
    level_subspaces,
    mode_strengths,
    parting_levels,
)
from semdev.models.closed_forms import mode_strength
from semdev.models.decomposition import tied_groups

UNEVEN = {"x": {"y": ["a", "b", "c"], "d": None}, "e": None, "z": ["f", "g"]}


# mode_strengths


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("name", ["saxe2019", "cao2020", "rumelhart8"])
def test_mode_strengths_are_those_of_the_closed_form(name, depth):
    exact = sd.solve(sd.load(name), depth=depth, initial=1e-3, times=20)
    a = mode_strengths(exact)
    s = np.linalg.svd(sd.load(name).properties.values, compute_uv=False)
    expected = mode_strength(exact["time"].values[:, None], s, initial=1e-3, depth=depth)
    np.testing.assert_allclose(a.isel(seed=0), expected, atol=1e-9)
    np.testing.assert_allclose(a["singular_value"], s)
    assert a["mode"].values.tolist() == list(range(1, len(s) + 1))


def test_tied_modes_share_their_mean(plant):
    target = np.diag([2.0, 1.0, 1.0])
    output = np.diag([1.0, 0.2, 0.6])[None, None]
    assert mode_strengths(plant(target, output, [0.0])).values.tolist() == [[[1.0, 0.4, 0.4]]]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999))
def test_how_items_are_ordered_and_ties_are_turned_does_not_matter(seed, plant):
    rng = np.random.default_rng(seed)
    y = sd.load("cao2020").properties.values
    output = rng.normal(size=(2, 3, *y.shape))
    rows, columns = rng.permutation(8), rng.permutation(15)
    tree = sd.trees.balanced([2, 2, 2], leaves=list("abcdefgh"))
    # The order of the leaves is turned with the rows, so that classes stay what they were.
    names = np.array(list("abcdefgh"))
    turned = sd.trees.balanced([2, 2, 2], leaves=names[np.argsort(rows)].tolist())
    a = mode_strengths(plant(y, output, [0, 1, 2], tree=tree))
    b = mode_strengths(
        plant(y[rows][:, columns], output[:, :, rows][..., columns], [0, 1, 2], tree=turned)
    )
    np.testing.assert_allclose(a, b, atol=1e-9)
    np.testing.assert_allclose(a["purity"], b["purity"], atol=1e-9)
    assert (
        a["mode_level"].values.tolist()
        == b["mode_level"].values.tolist()
        == [0, 1, 2, 2, 3, 3, 3, 3]
    )


def test_purity_of_a_tie_over_two_levels_is_that_of_its_span():
    a = mode_strengths(sd.solve(sd.load("saxe2014"), depth=2, times=2))
    np.testing.assert_allclose(a["singular_value"] ** 2, [3, 1, 1, 1])
    assert len(set(a["purity"].values[1:].round(9))) == 1
    assert len(set(a["mode_level"].values[1:])) == 1


def test_without_a_tree_there_are_no_levels(plant):
    a = mode_strengths(plant([[1, 0], [1, 1]], np.zeros((1, 1, 2, 2)), [0.0]))
    assert "mode_level" not in a.coords


def test_a_world_of_zeros_has_no_modes(plant):
    history = plant(np.zeros((2, 3)), np.zeros((1, 2, 2, 3)), [0, 1])
    assert mode_strengths(history).shape == (1, 2, 0)


def test_tied_groups_by_hand():
    groups = tied_groups(np.array([3.0, 3 - 1e-9, 2.0, 1.0, 1.0, 1.0]))
    assert [g.tolist() for g in groups] == [[0, 1], [2], [3, 4, 5]]
    assert tied_groups(np.array([])) == []


# unequal frequencies


@pytest.mark.parametrize("name", ["saxe2019", "rogers2004", "csv", "±1"])
def test_weighted_modes_come_to_their_ends_and_hold_the_outputs(name, tmp_path):
    if name == "csv":
        sd.load("rumelhart8").to_csv(tmp_path / "mine.csv")
        world = sd.Dataset.from_csv(tmp_path / "mine.csv")
    elif name == "±1":
        world = sd.branching_diffusion([2, 3], properties=60, seed=4)
    else:
        world = sd.load(name)
    often = np.random.default_rng(5).uniform(0.5, 2, world.properties.sizes["item"])
    patterns = sd.make_patterns(world, frequency=often)
    exact = sd.solve(patterns, depth=2, initial=1e-4, times=80)
    a = mode_strengths(exact)
    s = np.linalg.svd(often[:, None] * world.properties.values, compute_uv=False)
    np.testing.assert_allclose(a["singular_value"], s[: a.sizes["mode"]])
    np.testing.assert_allclose(sd.theory.decompose(patterns).s, a["singular_value"])
    np.testing.assert_allclose(a.isel(seed=0, time=-1), a["singular_value"], rtol=0.05)
    half = sd.transitions(exact)["half_time"]
    assert half.notnull().all()
    assert (half.isel(seed=0, mode=0) < half.isel(seed=0, mode=-1)).all()


def test_weighted_strengths_by_hand(plant):
    history = plant(np.eye(2), np.array([[[[0.5, 0.0], [0.1, 1.0]]]]), [0.0])
    weighted = history.assign_coords(frequency=("item", [3.0, 1.0]))
    a = mode_strengths(weighted)
    assert a["singular_value"].values.tolist() == [3.0, 1.0]
    np.testing.assert_allclose(a.values, [[[1.5, 1.0]]])


def test_trained_half_times_are_those_of_the_exact_flow():
    patterns = sd.make_patterns(sd.load("rumelhart8"), frequency={"pine": 4, "canary": 0.5})
    model = sd.DeepLinear(hidden=24)
    trained = sd.train(model, patterns, seeds=4, progress=False)
    weights = sd.initial_weights(model, patterns, seeds=4)
    exact = sd.solve(patterns, depth=2, initial="exact", weights=weights, times=150)
    found, theory = (sd.transitions(each)["half_time"] for each in (trained, exact))
    np.testing.assert_allclose(found.median("seed"), theory.median("seed"), rtol=0.05)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999), factor=st.floats(0.1, 10))
def test_how_often_everything_is_met_changes_no_share(seed, factor, plant):
    rng = np.random.default_rng(seed)
    history = plant(rng.normal(size=(4, 6)), rng.normal(size=(1, 2, 4, 6)), [0, 1])
    often = rng.uniform(0.5, 2, 4)
    one, two = (
        mode_strengths(history.assign_coords(frequency=("item", often * k))) for k in (1, factor)
    )
    np.testing.assert_allclose(two, one * factor, rtol=1e-9)
    np.testing.assert_allclose(two["singular_value"], one["singular_value"] * factor)
    same = mode_strengths(history.assign_coords(frequency=("item", np.full(4, factor))))
    np.testing.assert_array_equal(same, mode_strengths(history))


# levels


@pytest.mark.parametrize(
    ("tree", "items", "dimensions"),
    [
        (UNEVEN, 7, [1, 2, 2, 2]),
        (["a", "b", "c"], 3, [1, 2]),
        (["a"], 1, [1, 0]),
        ({"x": ["b", "d"], "y": ["a", "c"]}, 4, [1, 1, 2]),
    ],
)
def test_level_subspaces_are_orthogonal_and_hold_everything(plant, tree, items, dimensions):
    values = np.eye(items)[None, None]
    p = level_subspaces(plant(np.eye(items), values, [0.0], tree=tree)).values
    for k, one in enumerate(p):
        for j, other in enumerate(p):
            np.testing.assert_allclose(one @ other, one * (k == j), atol=1e-12)
    np.testing.assert_allclose(p.sum(0), np.eye(items), atol=1e-12)
    np.testing.assert_allclose(np.einsum("lii->l", p), dimensions, atol=1e-12)


def test_level_subspaces_hold_their_distinctions(plant):
    history = plant(
        np.eye(4), np.eye(4)[None, None], [0.0], tree={"x": ["b", "d"], "y": ["a", "c"]}
    )
    p = level_subspaces(history).sel(level=1).values
    np.testing.assert_allclose(p @ [1, -1, 1, -1], [1, -1, 1, -1])
    np.testing.assert_allclose(p @ [1, 0, -1, 0], 0, atol=1e-12)


def test_level_strengths_by_hand(plant):
    target = [[1, 1], [1, -1], [-1, 0], [-1, 0]]
    output = np.array([[[2, 0.5], [0, -0.5], [-1, 0], [0, 0]]])[None]
    found = level_strengths(plant(target, output, [0.0], tree={"x": ["a", "b"], "y": ["c", "d"]}))
    assert found.values.tolist() == [[[pytest.approx(np.nan, nan_ok=True), 0.75, 0.5]]]


@pytest.mark.parametrize("depth", [1, 2])
def test_each_level_of_a_regular_world_is_one_mode(depth):
    exact = sd.solve(sd.load("cao2020"), depth=depth, initial=1e-4)
    a = mode_strengths(exact) / np.sqrt([15, 7, 3, 3, 1, 1, 1, 1])
    np.testing.assert_allclose(
        level_strengths(exact).transpose("seed", "time", "level"), a[..., [0, 1, 2, 4]], atol=1e-9
    )


def test_parting_levels_by_hand(plant):
    history = plant(np.eye(7), np.eye(7)[None, None], [0.0], tree=UNEVEN)
    parting = parting_levels(history)
    assert parting[0].tolist() == [3, 2, 2, 1, 0, 0, 0]
    assert parting[5, 6] == 1
    np.testing.assert_array_equal(parting, parting.T)


@pytest.mark.parametrize(
    "measure",
    [level_subspaces, level_strengths, parting_levels, sd.differentiation,
     sd.overgeneralizations],
)  # fmt: skip
def test_a_tree_is_asked_for(measure, plant):
    history = plant([[1, 0], [1, 1]], np.zeros((1, 1, 2, 2)), [0.0])
    with pytest.raises(ValueError, match=r"needs a tree over the items: .*from_clustering"):
        measure(history)


@pytest.mark.parametrize(
    "measure",
    [mode_strengths, level_strengths, sd.transitions, sd.count_stages, sd.differentiation,
     sd.overgeneralizations, sd.predict_peaks],
)  # fmt: skip
def test_measures_refuse_what_is_no_history(measure):
    with pytest.raises(TypeError, match=r"a History .* is needed, got DataArray"):
        measure(sd.load("saxe2019").properties)
