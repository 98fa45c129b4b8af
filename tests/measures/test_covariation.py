"""Covariation: by hand, and in worlds whose properties differ in company and in nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import semdev as sd
from semdev.data.categories import noisy_categories, scatter_properties
from semdev.measures.coherence import property_acquisition
from semdev.measures.covariation import covariation


def company(seed, *, items=24, features=16):
    """The first half of the properties have the same bearers, as many as each of the others has."""
    world = noisy_categories(
        items, features, members=items // 4, features=features, within=1, background=0, seed=seed
    )
    lone = world.properties["property"].values[features // 2 :]
    return scatter_properties(world, properties=lone, seed=seed)


def plant_times(plant, target, times):
    """A History in which property k is learned in one step, half of it at times[k]."""
    target, steps = np.asarray(target, dtype=float), np.arange(0.0, 21)
    share = np.clip(steps[:, None] - np.asarray(times) + 0.5, 0, 1)
    return plant(target, (share[:, None] * target)[None], steps)


# by hand


TARGET = np.array([[1, 1, 1, 0, 0, 1], [1, 1, 0, 0, 0, 1], [0, 0, 1, 1, 0, 1], [0, 0, 0, 1, 1, 1]])


def test_strata_ranks_and_company_by_hand(plant):
    found = covariation(plant_times(plant, TARGET, [2, 3, 8, 5, 9, 1])).isel(seed=0)
    assert found["bearers"].values.tolist() == [2, 2, 2, 2, 1, 4]
    assert found["stratum"].values.tolist() == [1, 1, 1, 1, 0, 0]
    assert found["acquired"].values == pytest.approx([2, 3, 8, 5, 9, 1])
    # products with p0 … p5, squared, over |y|⁴: (4 + 4 + 1 + 4)/4, …
    assert found["covariation"].values[:4] == pytest.approx([13 / 4, 13 / 4, 11 / 4, 10 / 4])
    r = np.corrcoef(TARGET[:, :5].T) ** 2
    assert found["correlates"].values[:5] == pytest.approx(r.sum(0) - 1)
    assert np.isnan(found["correlates"].values[5])
    expected = stats.spearmanr([2, 3, 8, 5], [13, 13, 11, 10])[0]
    assert float(found["correlation"]) == pytest.approx(expected)
    assert found["covariation"].dims == ("property",)


def test_properties_are_compared_with_those_as_frequent_only(plant):
    # In each stratum company goes with early times; across them it goes with late ones.
    target = np.zeros((10, 8))
    target[:4, :2] = target[:2, 4:6] = 1
    target[[0, 4, 5, 6], 2] = target[[1, 4, 7, 8], 3] = 1
    target[[5, 9], 6] = target[[6, 8], 7] = 1
    times = [11, 12, 14, 15, 1, 2, 5, 6]
    found = covariation(plant_times(plant, target, times)).isel(seed=0)
    assert np.unique(found["stratum"]).tolist() == [1, 2]
    assert -1 <= float(found["correlation"]) < -0.8
    turned = covariation(plant_times(plant, target, 17 - np.array(times))).isel(seed=0)
    assert float(turned["correlation"]) == pytest.approx(-float(found["correlation"]))


def test_what_is_never_learned_comes_last(plant):
    late, never = (covariation(plant_times(plant, TARGET, [2, 3, t, 5, 9, 1])) for t in (8, 99))
    assert np.isnan(never["acquired"][0, 2])
    xr.testing.assert_allclose(never["correlation"], late["correlation"])


def test_frequency_counts_where_items_are_met_unequally_often(plant):
    history = plant_times(plant, TARGET, [2, 3, 8, 5, 9, 1])
    often = history.assign_coords(frequency=("item", [1.0, 1.0, 2.0, 2.0]))
    found = covariation(often)
    assert found["taught"].values.tolist() == [2, 2, 3, 4, 2, 6]
    assert found["stratum"].values.tolist() == [1, 1, 0, 0, 1, 0]


def test_among_some_only():
    exact = sd.solve(sd.load("rogers2004"), depth=2)
    found = covariation(exact, among=["is", "can", "has"])
    names = np.char.startswith(exact["relation"].values.astype(str), "ISA")
    assert not found["stratum"].values[names].any()
    whole = covariation(exact)
    xr.testing.assert_identical(found["covariation"], whole["covariation"])
    assert (found["correlation"] < 0).all()
    with pytest.raises(KeyError, match=r"no relation and no property 'cann' .* mean 'can'\?"):
        covariation(exact, among="cann")
    with pytest.raises(ValueError, match="share lies between 0 and 1, got 1"):
        covariation(exact, share=1)


# what must change nothing


@settings(max_examples=20)
@given(
    seed=st.integers(0, 2**32 - 1), items=st.permutations(range(6)),
    properties=st.permutations(range(7)),
)  # fmt: skip
def test_order_changes_nothing(plant, seed, items, properties):
    rng = np.random.default_rng(seed)
    target = rng.random((6, 7)) < 0.5
    history = plant_times(plant, target, rng.uniform(1, 19, 7))
    found = covariation(history)
    turned = covariation(history.isel(item=list(items), property=list(properties)))
    back = turned.sel(property=found["property"].values)
    xr.testing.assert_allclose(back.drop_vars("predicted"), found.drop_vars("predicted"))
    assert ((found["correlation"].isnull()) | (abs(found["correlation"]) <= 1 + 1e-12)).all()


# worlds in which company alone differs


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_closed_form_learns_company_first_and_a_shallow_network_does_not(seed):
    world = company(seed)
    found = covariation(sd.solve(world, depth=2)).isel(seed=0)
    assert np.unique(found["bearers"]).size == 1
    assert (found["stratum"] == 1).all()
    assert float(found["correlation"]) < -0.6
    assert float(found["predicted_correlation"]) == pytest.approx(
        float(found["correlation"]), abs=0.1
    )
    assert np.isnan(covariation(sd.solve(world, depth=1))["correlation"]).all()


def test_networks_learn_company_first_and_a_shallow_network_does_not():
    first: dict[str, list[np.ndarray]] = {"rumelhart": [], "deep": [], "shallow": []}
    later: dict[str, list[np.ndarray]] = {name: [] for name in first}
    models = {
        "rumelhart": (sd.Rumelhart(), {"learning_rate": 0.1, "steps": 1500}),
        "deep": (sd.DeepLinear(24), {}),
        "shallow": (sd.Shallow(), {}),
    }
    for seed in (3, 4):
        world = company(seed)
        for name, (model, options) in models.items():
            history = sd.train(
                model, world, seeds=[seed, seed + 50], dtype="float32", record=50,
                progress=False, **options,
            )  # fmt: skip
            found = covariation(history)
            times = found["acquired"].values
            later[name].append(np.nanmean(times[:, 8:], 1) / np.nanmean(times[:, :8], 1))
            first[name].append(found["correlation"].values)
            same = property_acquisition(history)["acquired"]
            xr.testing.assert_identical(found["acquired"], same)
    for name in ("rumelhart", "deep"):
        assert (np.concatenate(first[name]) < 0).all()
        assert np.median(np.concatenate(first[name])) < -0.5
        assert (np.concatenate(later[name]) > 1.2).all()
    assert np.concatenate(later["shallow"]) == pytest.approx(1, abs=0.02)


def test_coded_plus_and_minus_one():
    world = sd.branching_diffusion([2, 3], properties=60, seed=4)
    found = covariation(sd.solve(world, depth=2))
    assert found["bearers"].max() < 6.5
    assert found["correlation"].notnull().all()
