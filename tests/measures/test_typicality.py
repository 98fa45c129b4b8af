"""Typicality: the relations of the decomposition, family resemblance, and who comes first."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import semdev as sd
from semdev.measures.categories import calibrate_start, expect_history, read_world
from semdev.measures.typicality import typicality, typicality_learning
from semdev.models.closed_forms import time_to_reach


def from_csv(tmp_path):
    """Rogers & McClelland's items with unequal frequencies, by way of a file."""
    world = sd.load("rogers2004")
    often = np.linspace(0.5, 2, world.properties.sizes["item"])
    world = sd.Dataset(world.properties.assign_coords(frequency=("item", often)), world.tree)
    world.to_csv(tmp_path / "mine.csv")
    return sd.Dataset.from_csv(tmp_path / "mine.csv", tree=world.tree)


@pytest.fixture(params=["rogers2004", "csv", "±1", "graded"])
def world(request, tmp_path):
    if request.param == "csv":
        return from_csv(tmp_path)
    if request.param == "±1":
        return sd.branching_diffusion([2, 3, 2], properties=60, seed=5)
    if request.param == "graded":
        table = sd.branching_diffusion([2, 5], properties=30, seed=2)
        noise = np.random.default_rng(0).normal(size=(10, 30))
        return sd.Dataset(table.properties + noise, table.tree)
    return sd.load(request.param)


# static


def test_prototype_and_typicality_define_each_other(world):
    found = typicality(world)
    assert float(abs(found["typicality"] - found["predicted"]).max()) < 1e-9
    assert float(abs(found["prototype"] - found["predicted_prototype"]).max()) < 1e-9
    y, f = world.properties.values, world.properties["frequency"].values
    s = np.linalg.svd(y * f[:, None], compute_uv=False)
    np.testing.assert_allclose(found["singular_value"], s[found["mode"].values - 1], rtol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(found["predicted_prototype"], axis=1), 1)
    mine = found["typicality"].where(found["member"]).mean("item")
    rest = found["typicality"].where(~found["member"]).mean("item")
    assert (mine > rest).all()


def test_a_plain_category_by_hand():
    table = xr.DataArray(
        [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 2]],
        coords={"item": list("abcd"), "property": ["p", "q", "r", "s"]}, dims=("item", "property"),
    )  # fmt: skip
    found = typicality(sd.Dataset(table), categories={"k": ["a", "b", "c"]}).isel(category=0)
    np.testing.assert_allclose(found["family_resemblance"], [6 / 3, 5 / 3, 1, 0])
    # the members' block: eigenvector of [[3,2,1],[2,2,1],[1,1,1]]
    values, vectors = np.linalg.eigh([[3, 2, 1], [2, 2, 1], [1, 1, 1]])
    np.testing.assert_allclose(found["typicality"][:3], np.abs(vectors[:, -1]))
    assert float(found["singular_value"]) == pytest.approx(values[-1] ** 0.5)
    assert float(found["agreement"]) == pytest.approx(1)
    mean = np.array([3, 2, 1]) / 14**0.5
    np.testing.assert_allclose(found["to_prototype"][:2], [6 / 42**0.5, 5 / 28**0.5])
    assert float(found["to_prototype"][2]) == pytest.approx(mean[0])


@pytest.mark.parametrize("name", ["rogers2004", "living_things"])
def test_family_resemblance_counts_shared_properties(name):
    world = sd.load(name)
    found = typicality(world).isel(category=0)
    y, member = world.properties.values, found["member"].values
    for i in np.flatnonzero(member)[:4]:
        shared = [sum(min(a, b) for a, b in zip(y[i], y[j], strict=True))
                  for j in np.flatnonzero(member)]  # fmt: skip
        assert float(found["family_resemblance"][i]) == pytest.approx(np.mean(shared))
    expected = stats.spearmanr(
        np.round(found["typicality"][member], 9), np.round(found["family_resemblance"][member], 9)
    )[0]
    assert float(found["agreement"]) == pytest.approx(expected)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.2, 5))
def test_order_signs_and_scale_do_not_matter(seed, factor):
    rng = np.random.default_rng(seed)
    world = sd.load("cao2020")  # with tied modes
    rows, columns = rng.permutation(8), rng.permutation(15)
    other = sd.Dataset(factor * world.properties[rows, columns], world.tree)
    a, b = typicality(world), typicality(other)
    b = b.sel(item=a["item"], property=a["property"], category=a["category"])
    for name in ("typicality", "to_prototype", "prototype", "match"):
        np.testing.assert_allclose(b[name], a[name], atol=1e-9)
    np.testing.assert_allclose(b["family_resemblance"], factor**2 * a["family_resemblance"])
    np.testing.assert_allclose(b["singular_value"], factor * a["singular_value"])


def test_tied_modes_are_turned_to_each_category():
    found = typicality(sd.load("cao2020"))
    np.testing.assert_allclose(found["match"], 1)
    pair = found.sel(category="items 1-2")
    np.testing.assert_allclose(pair["typicality"], [0.5, 0.5, -0.5, -0.5, 0, 0, 0, 0], atol=1e-9)
    assert pair["scope"].item() == "items 1-4"


def test_categories_can_be_classes_lists_or_properties():
    world = sd.load("rogers2004")
    birds = world.properties["item"].values[world.properties.sel(property="ISA bird") == 1]
    found = typicality(world, categories=["ISA bird", "bird", "can fly"])
    np.testing.assert_array_equal(found["member"][0], found["member"][1])
    assert found["scope"].values.tolist() == ["", "animal", ""]
    assert "penguin" not in found["item"].values[found["member"][2]]
    listed = typicality(world, categories={"mine": birds.tolist()})
    np.testing.assert_allclose(listed["typicality"][0], found["typicality"][0], atol=1e-12)
    history = sd.solve(world, depth=2, times=3)
    xr.testing.assert_allclose(typicality(history), typicality(world))


def test_what_is_no_category_is_refused():
    world = sd.load("rogers2004")
    for wrong, message in (
        (["brid"], "no class and no property 'brid' in these data; did you mean 'bird'"),
        ({"x": ["robin", "sparow"]}, r"no item 'sparow' in the data \(category 'x'\); did you "
         "mean 'sparrow'"),
    ):  # fmt: skip
        with pytest.raises(KeyError, match=message):
            typicality(world, categories=wrong)
    with pytest.raises(ValueError, match="category 'x' has 1 of 21 items; it needs two members"):
        typicality(world, categories={"x": ["robin"]})
    with pytest.raises(ValueError, match="category 'can grow' has 0 of 21 items"):
        typicality(world, categories=["can grow"])
    with pytest.raises(ValueError, match=r"no categories: this needs a tree with a class of two"):
        typicality(world.with_tree(None))
    with pytest.raises(ValueError, match="categories is empty"):
        typicality(world, categories=[])
    with pytest.raises(ValueError, match="hold nothing but zeros"):
        typicality(sd.Dataset(0 * world.properties, world.tree))


# what theory expects


@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.parametrize("name", ["rogers2004", "cao2020"])
def test_the_start_is_found_again(name, depth):
    exact = sd.solve(sd.load(name), depth=depth, initial=3e-4, times=400)
    assert calibrate_start(exact, depth=depth) == pytest.approx(3e-4, rel=0.02)
    expected = expect_history(exact, depth=depth)
    assert float(abs(expected["output"] - exact["output"]).max()) < 0.02


def test_the_start_falls_back_on_the_default():
    late = sd.solve(sd.load("cao2020"), depth=2, times=[0.0, 0.01])
    assert calibrate_start(late) == 1e-5
    assert calibrate_start(late, depth=1) == 0


def test_scopes_skip_classes_with_a_single_subclass(plant):
    tree = {"x": {"only": ["a", "b"]}, "y": ["c", "d"]}
    world = read_world(plant(np.eye(4), np.zeros((1, 1, 4, 4)), [0.0], tree=tree), None)
    assert dict(zip(world.names, world.within, strict=True)) == {"x": "", "y": "", "only": ""}


# learning


def test_times_of_an_exact_mode_are_the_closed_form():
    table = xr.DataArray(
        np.r_[np.outer([1.0, 0.8, 0.5], [1, 1, 1, 0]), [[0, 0, 0, 0.5]]], dims=("item", "property"),
        coords={"item": list("abcd"), "property": list("pqrs")},
    )  # fmt: skip
    world = sd.Dataset(table)
    exact = sd.solve(world, depth=2, initial=1e-4, times=np.linspace(0, 8, 4001))
    found = typicality_learning(exact, categories={"k": list("abc")}, initial=1e-4)
    s, v = np.sqrt(3 * 1.89), np.array([1, 0.8, 0.5]) / np.sqrt(1.89)
    goal = 0.5 * s * v.mean()
    expected = time_to_reach(goal / (s * v), s, initial=1e-4, depth=2)
    for name in ("membership_time", "predicted_membership_time"):
        np.testing.assert_allclose(found[name].values.ravel()[:3], expected, atol=2e-3)
    assert np.isnan(found["membership_time"].values.ravel()[3])
    assert found["correlation"].item() == pytest.approx(-1)


def test_measured_times_are_the_predicted_ones_in_theory(world):
    exact = sd.solve(world, depth=2, initial=1e-4, times=150)
    found = typicality_learning(exact, initial=1e-4).isel(seed=0)
    for name in ("projection", "to_prototype", "membership_time", "property_time", "correlation"):
        np.testing.assert_allclose(found[f"predicted_{name}"], found[name], atol=1e-6)
    assert found["projection"].dims == ("time", "category", "item")


@pytest.mark.parametrize("kind", ["rogers2004", "±1"])
@pytest.mark.parametrize("first_seed", [0, 50])
def test_trained_networks_learn_typical_members_sooner(kind, first_seed):
    world = (
        sd.load(kind) if kind == "rogers2004"
        else sd.branching_diffusion([2, 8], properties=100, seed=first_seed)
    )  # fmt: skip
    history = sd.train(
        sd.DeepLinear(hidden=32), world, seeds=range(first_seed, first_seed + 6), progress=False
    )
    found = typicality_learning(history)
    large = found["member"].sum("item") >= 4
    assert float(found["correlation"].where(large).median()) < -0.7
    assert float(found["property_correlation"].where(large).median()) < -0.5
    off = found["membership_time"].median("seed") / found["predicted_membership_time"] - 1
    assert float(abs(off).quantile(0.9)) < 0.05
    rows = sd.summarize(found[["membership_time", "predicted_membership_time", "typicality"]])
    assert {"membership_time_low", "predicted_membership_time"} <= set(rows.columns)
    assert found["correlation"].dims == ("seed", "category")


def test_a_shallow_network_learns_properties_of_all_members_at_once():
    exact = sd.solve(sd.load("living_things"), depth=1)
    found = typicality_learning(exact, depth=1).isel(seed=0)
    times = found["property_time"]
    np.testing.assert_allclose(times.max("item"), times.min("item"), rtol=1e-9)
    assert found["property_correlation"].isnull().all()


def test_a_defining_property_is_its_own_clock():
    exact = sd.solve(sd.load("rogers2004"), depth=2)
    found = typicality_learning(exact, categories=["can fly"]).isel(seed=0, category=0)
    belief = sd.ask(exact, "robin", "can fly").isel(seed=0)
    at = float(np.interp(found["property_time"].sel(item="robin"), belief["time"], belief))
    assert at == pytest.approx(0.5, abs=1e-3)


def test_a_criterion_is_positive():
    with pytest.raises(ValueError, match="criterion is a share above 0, got 0"):
        typicality_learning(sd.solve(sd.load("cao2020"), depth=2), criterion=0)
    with pytest.raises(TypeError, match=r"a History .* is needed"):
        typicality_learning(xr.DataArray(1.0))
