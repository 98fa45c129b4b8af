"""Coherence: what is estimated from a table, what theory makes of it, and what is learned when."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.data.categories import noisy_categories, scatter_properties
from semdev.measures.coherence import category_acquisition, coherence, property_acquisition
from semdev.models.closed_forms import time_to_reach
from semdev.models.coherence import predict_detection

SHAPE = {"members": 40, "features": 60, "within": 0.7, "background": 0.3}


def draw(seed, *, coding="0/1", **change):
    return noisy_categories(200, 320, **{**SHAPE, **change}, coding=coding, seed=seed)


# coherence


@pytest.mark.parametrize("coding", ["0/1", "centred"])
@pytest.mark.parametrize("first", [0, 100])
def test_coherence_and_overlaps_are_recovered_from_tables(coding, first):
    truth = predict_detection(items=200, properties=320, centred=coding == "centred", **SHAPE)
    found = xr.concat([coherence(draw(first + k, coding=coding)) for k in range(12)], "draw")
    found = found.isel(category=0).mean("draw")
    assert float(found["snr"]) == pytest.approx(float(truth["snr"]), rel=0.1)
    for name in ("predicted", "item_overlap"):
        assert float(found[name]) == pytest.approx(float(truth["item_overlap"]), abs=0.03)
    for name in ("predicted_singular_value", "singular_value"):
        assert float(found[name]) == pytest.approx(float(truth["singular_value"]), rel=0.03)
    assert float(found["members"]) == 40
    assert float(found["features"]) == pytest.approx(60, abs=8)
    shift = 0.3 if coding == "centred" else 0
    assert float(found["within"]) == pytest.approx(0.7 - shift, abs=0.03)
    assert float(found["background"]) == pytest.approx(0.3 - shift, abs=0.03)


@pytest.mark.parametrize("first", [0, 100])
def test_arbitrary_items_are_no_category(first):
    values = []
    for k in range(10):
        world = draw(first + k)
        items = np.random.default_rng(k).permutation(world.properties["item"].values)[:40]
        values.append(coherence(world, categories={"any": items.tolist()}).isel(category=0))
    found = xr.concat(values, "draw")
    assert float(found["detectable"].mean()) <= 0.1
    assert float(found["snr"].mean()) < 0.3


def test_signs_are_centred_data_of_an_even_background():
    signed, centred = (coherence(draw(1, coding=c, background=0.5)) for c in ("±1", "centred"))
    for name in ("snr", "item_overlap", "predicted", "features"):
        np.testing.assert_allclose(signed[name], centred[name], rtol=1e-9)
    np.testing.assert_allclose(signed["singular_value"], 2 * centred["singular_value"])


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.1, 10))
def test_order_and_scale_do_not_matter(seed, factor):
    rng = np.random.default_rng(seed)
    world = sd.load("rogers2004")
    rows, columns = rng.permutation(21), rng.permutation(53)
    a = coherence(world)
    b = coherence(sd.Dataset(factor * world.properties[rows, columns], world.tree))
    b = b.sel(category=a["category"])
    for name in ("snr", "predicted", "item_overlap", "predicted_feature_overlap", "members"):
        np.testing.assert_allclose(b[name], a[name], rtol=1e-9)
    np.testing.assert_allclose(b["singular_value"], factor * a["singular_value"])


def test_a_clean_category_is_found_whole():
    table = xr.DataArray(
        np.kron(np.diag([1.0, 0.0]), np.ones((3, 4))) + 0.0, dims=("item", "property"),
        coords={"item": list("abcdef"), "property": [f"p{k}" for k in range(8)]},
    )  # fmt: skip
    found = coherence(sd.Dataset(table), categories={"k": list("abc")}).isel(category=0)
    assert float(found["item_overlap"]) == pytest.approx(1)
    assert float(found["predicted"]) == 1
    assert float(found["singular_value"]) == pytest.approx(12**0.5)
    assert float(found["predicted_singular_value"]) == pytest.approx(12**0.5)
    assert (int(found["features"]), float(found["within"]), float(found["background"])) == (4, 1, 0)
    assert np.isinf(found["snr"])


@pytest.mark.parametrize("kind", ["rogers2004", "csv", "±1"])
def test_classes_of_trees(kind, tmp_path):
    world = sd.load("rogers2004")
    if kind == "csv":
        world.to_csv(tmp_path / "mine.csv")
        world = sd.Dataset.from_csv(tmp_path / "mine.csv", tree=world.tree)
    elif kind == "±1":
        world = sd.branching_diffusion([2, 4, 3], properties=300, flip=0.1, seed=3)
    found = coherence(world)
    top = found["scope"].values == ""
    assert (found["item_overlap"][top] > 0.9).all()
    assert found["detectable"][top].all()
    assert found["snr"][top].min() > found["snr"][~top].min()
    xr.testing.assert_allclose(coherence(sd.solve(world, depth=2, times=3)), found)
    scattered = coherence(scatter_properties(world, seed=1))
    assert float(scattered["snr"].max()) < float(found["snr"][top].min())


def test_errors():
    with pytest.raises(ValueError, match="no categories: this needs a tree"):
        coherence(sd.load("saxe2019").with_tree(None))
    exact = sd.solve(sd.load("saxe2019"), depth=2)
    for measure in (category_acquisition, property_acquisition):
        with pytest.raises(ValueError, match="share lies between 0 and 1, got 1"):
            measure(exact, share=1)
        with pytest.raises(TypeError, match=r"a History .* is needed, got Dataset"):
            measure(sd.load("saxe2019"))


# acquisition of categories


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_categories_that_are_modes_follow_the_closed_form(depth):
    exact = sd.solve(
        sd.load("cao2020"), depth=depth, initial=1e-3 * (depth > 1),
        times=np.linspace(0, 12 if depth < 3 else 60, 1500),
    )  # fmt: skip
    found = category_acquisition(exact, depth=depth, initial=1e-3 * (depth > 1))
    s = np.sqrt([7, 7, 3, 3, 3, 3])
    np.testing.assert_allclose(found["singular_value"], s)
    expected = time_to_reach(0.5, s, initial=1e-3 * (depth > 1), depth=depth)
    for name in ("acquired", "predicted", "predicted_alone"):
        np.testing.assert_allclose(found[name].values.ravel(), expected, rtol=2e-3)


@pytest.mark.parametrize("kind", ["rogers2004", "csv", "±1"])
def test_trained_networks_acquire_categories_when_predicted(kind, tmp_path):
    world = sd.load("rogers2004")
    if kind == "csv":
        often = np.linspace(0.6, 1.5, 21)
        world = sd.Dataset(world.properties.assign_coords(frequency=("item", often)), world.tree)
        world.to_csv(tmp_path / "mine.csv")
        world = sd.Dataset.from_csv(tmp_path / "mine.csv", tree=world.tree)
    elif kind == "±1":
        world = sd.branching_diffusion([2, 3, 2], properties=80, seed=4)
    history = sd.train(
        sd.DeepLinear(hidden=32), world, seeds=6, progress=False, dtype="float32"
    )  # fmt: skip
    found = category_acquisition(history)
    off = found["acquired"].median("seed") / found["predicted"] - 1
    assert float(abs(off).max()) < 0.05
    assert found["predicted_alone"].isnull().all() == (kind == "csv")
    assert found["acquired"].dims == ("seed", "category")
    table = sd.summarize(found)
    assert {"acquired_low", "acquired_high", "predicted"} <= set(table.columns)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_coherent_categories_are_acquired_sooner(seed):
    world = noisy_categories(
        40, 60, members=[10, 10], features=[25, 8], within=0.95, background=0.05, seed=seed
    )
    static = coherence(world)["snr"].values
    deep = category_acquisition(sd.solve(world, depth=2))["acquired"].values[0]
    shallow = category_acquisition(sd.solve(world, depth=1), depth=1)["acquired"].values[0]
    assert static[0] > 2 * static[1]
    assert deep[0] < 0.8 * deep[1]
    assert shallow[0] == pytest.approx(shallow[1], rel=1e-9)


# acquisition of properties


def company(seed):
    world = noisy_categories(30, 24, members=8, features=24, within=1, background=0, seed=seed)
    return scatter_properties(world, properties=world.properties["property"].values[12:], seed=seed)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_properties_in_company_are_learned_sooner_at_equal_frequency(seed):
    found = property_acquisition(sd.solve(company(seed), depth=2)).isel(seed=0)
    assert len(np.unique(found["size"])) == 1
    assert float(found["covariation"][:12].min()) > float(found["covariation"][12:].max())
    assert float(found["acquired"][:12].max()) < float(found["acquired"][12:].min())
    np.testing.assert_allclose(found["predicted"], found["acquired"], rtol=0.02)
    shallow = property_acquisition(sd.solve(company(seed), depth=1), depth=1)
    np.testing.assert_allclose(shallow["acquired"], np.log(2), rtol=0.02)


def test_a_property_shared_by_k_alike_follows_the_closed_form():
    table = np.zeros((7, 6))
    table[:4, :5] = 1
    table[4:, 5] = 1
    world = sd.Dataset(
        xr.DataArray(
            table, dims=("item", "property"),
            coords={"item": [f"i{k}" for k in range(7)], "property": [f"p{k}" for k in range(6)]},
        )
    )  # fmt: skip
    exact = sd.solve(world, depth=2, initial=1e-4, times=np.linspace(0, 6, 2001))
    found = property_acquisition(exact, initial=1e-4).isel(seed=0)
    np.testing.assert_allclose(found["covariation"], [5, 5, 5, 5, 5, 1])
    s = np.sqrt(found["covariation"] * found["size"])
    expected = time_to_reach(0.5, s.values, initial=1e-4, depth=2)
    np.testing.assert_allclose(found["acquired"], expected, rtol=2e-3)


def test_a_property_of_nobody_has_no_time(plant):
    found = property_acquisition(plant([[1, 0], [1, 0]], np.ones((1, 2, 2, 2)), [0.0, 1.0]))
    assert found["acquired"].isnull().values.tolist() == [[False, True]]
    assert found["size"].isnull().values.tolist() == [False, True]
