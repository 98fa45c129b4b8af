"""Data beside a structure's prediction: exact cases, coverage, users' data, symmetries, errors."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.data.crosscutting import cross_cutting, flipped_products
from semdev.data.structures import graph_gaussian, make_form
from semdev.measures.spectrum import compare_spectrum
from semdev.models.spectra import cross_cutting_singular_values

RING = make_form("ring", 8)


def test_a_world_against_itself_is_exact():
    world = cross_cutting(3, 4, row_features=4, column_features=2)
    found = compare_spectrum(world, flipped_products(world, flip=0)).isel(seed=0)
    closed = cross_cutting_singular_values(
        3, 4, row_features=4, column_features=2, unique_features=1
    )
    for name in ("measured", "ranked", "predicted"):
        np.testing.assert_allclose(found[name], closed, rtol=1e-9)
    np.testing.assert_allclose(found["overlap"], 1)
    assert found["multiplicity"].values.tolist() == closed["multiplicity"].values.tolist()
    assert "predicted_low" not in found


@pytest.mark.parametrize("properties", [3, 30, 300])
def test_the_square_is_unbiased_and_the_interval_holds_95_percent(properties):
    worlds = [graph_gaussian(RING, seed=k, properties=properties) for k in range(300)]
    found = compare_spectrum(worlds, RING)
    mean = (found["measured"] ** 2).mean("seed") / found["predicted"].isel(seed=0) ** 2
    freedom = properties * found["multiplicity"] * 300
    assert (abs(mean - 1) < 4.5 * np.sqrt(2 / freedom)).all()
    inside = (found["measured"] > found["predicted_low"]) & (
        found["measured"] < found["predicted_high"]
    )
    assert float(inside.mean()) == pytest.approx(0.95, abs=0.025)


def test_more_properties_turn_the_datas_modes_onto_the_structures():
    overlap = [
        float(
            compare_spectrum([graph_gaussian(RING, seed=k, properties=n) for k in range(20)], RING)[
                "overlap"
            ].mean()
        )
        for n in (10, 100, 1000)
    ]
    assert overlap == sorted(overlap)
    assert overlap[-1] > 0.9


def test_a_summary_has_interval_and_prediction_beside_each_other():
    worlds = [graph_gaussian(RING, seed=k) for k in range(30)]
    table = sd.summarize(compare_spectrum(worlds, RING, seeds=range(5, 35)))
    assert (table["measured_low"] < table["predicted"]).all()
    assert (table["predicted"] < table["measured_high"]).all()
    assert len(table) == 5


@pytest.mark.parametrize("which", ["rogers2004", "csv", "±1"])
def test_on_data_of_ones_own(which, tmp_path):
    if which == "±1":
        data = sd.branching_diffusion([2, 2, 2], seed=2, properties=2000)
        table = 0.49 ** (3.0 - sd.trees.common_levels(sd.trees.ancestors(data.tree)))
        items = data.properties["item"].values
        expected = xr.DataArray(
            table, dims=("item", "item_2"), coords={"item": items, "item_2": items}
        )
    else:
        data = sd.load("rogers2004")
        if which == "csv":
            data.to_csv(tmp_path / "mine.csv")
            data = sd.Dataset.from_csv(tmp_path / "mine.csv", tree=data.tree)
        expected = data.tree
    found = compare_spectrum(data, expected, rescale=True).isel(seed=0)
    count = found["multiplicity"]
    energy = float((data.properties**2).sum())
    for name in ("measured", "ranked", "predicted"):
        assert float((found[name] ** 2 * count).sum()) == pytest.approx(energy)
    if which == "±1":
        np.testing.assert_allclose(found["measured"], found["predicted"], rtol=0.1)
    assert ((found["overlap"] >= 0) & (found["overlap"] <= 1 + 1e-9)).all()


@settings(deadline=None, max_examples=25)
@given(order=st.permutations(range(8)), scale=st.floats(0.1, 10), seed=st.integers(0, 10**6))
def test_the_order_of_items_and_properties_changes_nothing(order, scale, seed):
    data = graph_gaussian(RING, seed=seed, properties=12)
    items = data.properties["item"].values[list(order)]
    props = np.random.default_rng(seed).permutation(data.properties["property"].values)
    turned = data.select(items=items, properties=props)
    one, two = compare_spectrum(data, RING), compare_spectrum(turned, RING)
    xr.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-8)
    scaled = compare_spectrum(sd.Dataset(scale * data.properties), RING, rescale=True)
    plain = compare_spectrum(data, RING, rescale=True)
    np.testing.assert_allclose(
        scaled["measured"] / scaled["predicted"], plain["measured"] / plain["predicted"], rtol=1e-8
    )


def test_what_does_not_fit_is_refused():
    world = graph_gaussian(RING, seed=1, properties=5)
    with pytest.raises(ValueError, match="there are no worlds to compare"):
        compare_spectrum([], RING)
    with pytest.raises(ValueError, match="seeds must name each of the 1 worlds"):
        compare_spectrum(world, RING, seeds=[1, 2])
    with pytest.raises(KeyError, match="no item 'canary' in the structure"):
        compare_spectrum(sd.load("saxe2019"), RING)
    few = world.select(items=["item 1", "item 2"])
    with pytest.raises(ValueError, match="the structure has 8 items, the data have 2"):
        compare_spectrum(few, RING)
    coded = graph_gaussian(RING, seed=1, properties=5, coding="±1")
    with pytest.raises(ValueError, match="worlds are coded alike; got graded and ±1"):
        compare_spectrum([world, coded], RING)
    turned = world.select(items=world.properties["item"].values[::-1])
    with pytest.raises(ValueError, match="has other items than graph Gaussian"):
        compare_spectrum([world, turned], RING)
