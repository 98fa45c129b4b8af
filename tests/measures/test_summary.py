"""Tables: medians and intervals by numpy, shares, sorting, and what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import semdev as sd
from semdev.measures.summary import summarize

RNG = np.random.default_rng(0)


def make_measure():
    delay = RNG.normal(size=(9, 4))
    delay[:, 3] = np.nan
    delay[2, 1] = np.nan
    return xr.Dataset(
        {
            "delay": (("seed", "item"), delay),
            "settled_early": (("seed", "item"), delay > 0),
            "expected": ("item", [1.0, 2.0, 3.0, np.nan]),
            "of_class": ("item", ["x", "x", "y", ""]),
            "curve": (("seed", "time", "item"), np.zeros((9, 2, 4))),
        },
        coords={"seed": np.arange(9), "item": list("abcd"), "colour": ("item", list("rgbw"))},
    )


def test_medians_intervals_and_shares():
    measure = make_measure()
    table = summarize(measure, interval=0.8)
    assert table.columns.tolist() == [
        "item", "colour", "delay", "delay_low", "delay_high", "delay_n", "settled_early",
        "expected", "of_class",
    ]  # fmt: skip
    assert table["item"].tolist() == ["a", "b", "c"]
    assert table.index.tolist() == [0, 1, 2]
    values = measure["delay"].values[:, :3]
    low, middle, high = np.nanquantile(values, [0.1, 0.5, 0.9], axis=0)
    np.testing.assert_allclose(table["delay"], middle)
    np.testing.assert_allclose(table["delay_low"], low)
    np.testing.assert_allclose(table["delay_high"], high)
    np.testing.assert_allclose(table["settled_early"], (values > 0).mean(0))
    assert table["expected"].tolist() == [1, 2, 3]
    assert table["of_class"].tolist() == ["x", "x", "y"]


def test_rows_without_a_number_are_left_out():
    measure = make_measure()
    assert "d" not in summarize(measure)["item"].tolist()
    assert "d" in summarize(measure.fillna(0))["item"].tolist()
    assert "d" in summarize(measure[["settled_early"]])["item"].tolist()
    assert summarize(measure["delay"], by="delay")["item"].tolist() != []


def test_sorting_and_top():
    measure = make_measure()
    table = summarize(measure, by="expected", top=2)
    assert table["item"].tolist() == ["c", "b"]
    assert table.index.tolist() == [0, 1]
    assert len(summarize(measure, top=0)) == 0
    assert len(summarize(measure, top=99)) == 3
    lost = measure.assign(expected=("item", [np.nan, 2.0, 3.0, np.nan]))
    assert summarize(lost, by="expected")["item"].tolist() == ["c", "b", "a"]
    tied = measure.assign(expected=("item", [1.0, 1.0, 1.0, 1.0]))
    assert summarize(tied, by="expected")["item"].tolist() == ["a", "b", "c", "d"]


@pytest.mark.parametrize("seeds", [slice(0, 1), [4, 2, 0, 8, 6, 1, 3, 5, 7]])
def test_one_seed_and_any_order_of_seeds(seeds):
    measure = make_measure()
    table = summarize(measure.isel(seed=seeds))
    if isinstance(seeds, slice):
        np.testing.assert_allclose(table["delay"], measure["delay"][0, :3])
        np.testing.assert_allclose(table["delay_low"], table["delay_high"])
    else:
        pd.testing.assert_frame_equal(table, summarize(measure))


def test_a_data_array_a_number_and_whole_numbers():
    measure = make_measure()
    assert summarize(measure["delay"].rename(None)).columns.tolist() == [
        "item", "colour", "value", "value_low", "value_high", "value_n",
    ]  # fmt: skip
    stages = xr.DataArray([3, 3, 4, 5, 5], dims="seed", name="stages")
    table = summarize(stages, interval=0.5)
    assert table.to_dict("records") == [{"stages": 4.0, "stages_low": 3.0, "stages_high": 5.0}]


@pytest.mark.parametrize(
    ("measure", "rows"),
    [
        (sd.transitions, 8),
        (sd.differentiation, 6),
        (sd.overgeneralizations, 195),
        (sd.count_stages, 1),
    ],
)
def test_measures_make_tables(deep, measure, rows):
    table = summarize(measure(deep))
    assert len(table) == rows
    assert "seed" not in table
    assert "time" not in table


def test_the_strongest_belief_comes_first(deep):
    first = summarize(sd.overgeneralizations(deep), by="excess", top=1).iloc[0]
    assert (first["item"], first["property"], first["of_class"]) == ("pine", "has leaves", "tree")
    assert first["excess_low"] <= first["excess"] <= first["excess_high"]


@pytest.mark.parametrize("interval", [0, 1, -0.5, 95, np.nan])
def test_an_interval_is_a_share(interval):
    with pytest.raises(ValueError, match=rf"interval is a share of the seeds.*got {interval}"):
        summarize(make_measure(), interval=interval)


def test_an_unknown_column_teaches():
    with pytest.raises(KeyError, match=r"no column 'delays' in the table; did you mean 'delay'?"):
        summarize(make_measure(), by="delays")


def test_curves_alone_have_a_row_for_each_time(deep):
    table = summarize(sd.mode_strengths(deep).isel(time=[10, -1]))
    assert len(table) == 16
    assert table["time"].unique().tolist() == deep["time"].values[[10, -1]].tolist()
    one = summarize(sd.mode_strengths(deep).isel(time=-1))
    assert len(one) == 8
    assert (one["time"] == float(deep["time"][-1])).all()


def test_variables_on_other_dimensions_are_left_for_their_own_table():
    found = sd.typicality(sd.load("rumelhart8"))
    table = summarize(found)
    sizes = found.sizes
    assert len(table) <= sizes["category"] * sizes["item"]
    assert "prototype" not in table
    assert "singular_value" in table
    own = summarize(found[["prototype"]])
    assert len(own) == sizes["category"] * sizes["property"]


def test_a_history_or_another_measure_is_no_theory(deep):
    exact = sd.solve(sd.load("rumelhart8"), depth=2)
    for wrong in (exact, sd.basic_level(exact), sd.differentiation(exact)):
        with pytest.raises(ValueError, match="not about the same things"):
            summarize(sd.transitions(deep), theory=wrong)


@given(order=st.permutations(range(9)), factor=st.floats(0.1, 10))
def test_the_table_does_not_hang_on_the_order_of_seeds_and_scales_with_units(order, factor):
    measure = make_measure()
    plain, turned = summarize(measure), summarize(measure.isel(seed=list(order)))
    pd.testing.assert_frame_equal(plain, turned)
    scaled = summarize(measure.assign(delay=factor * measure["delay"]))
    for column in ("delay", "delay_low", "delay_high"):
        np.testing.assert_allclose(scaled[column], factor * plain[column], rtol=1e-12)


def test_the_closed_form_stands_beside_the_simulation():
    world = sd.load("saxe2019")
    model = sd.DeepLinear(hidden=32)
    deep = sd.train(model, world, seeds=9)
    weights = sd.initial_weights(model, world, seeds=9)
    matched = sd.solve(world, depth=2, initial="matched", weights=weights)
    ours, theirs = sd.transitions(deep), sd.transitions(matched)
    table = summarize(ours, theory=theirs)
    np.testing.assert_allclose(table["half_time"], table["half_time_theory"], rtol=0.05)
    np.testing.assert_allclose(table["half_time_theory"], theirs["half_time"].median("seed"))
    assert set(table.columns) > set(summarize(ours).columns)
    strengths = sd.level_strengths(deep).isel(time=100, drop=True)
    both = summarize(strengths, theory=strengths)
    np.testing.assert_array_equal(both["strength"], both["strength_theory"])


def test_theory_about_something_else_is_refused():
    ours = sd.transitions(sd.solve(sd.load("saxe2019"), depth=2, times=50))
    other = sd.transitions(sd.solve(sd.load("cao2020"), depth=2, times=50))
    with pytest.raises(ValueError, match="not about the same data"):
        summarize(ours, theory=other)
    with pytest.raises(TypeError, match="must be what this measure returns"):
        summarize(ours, theory=other["half_time"])


@pytest.mark.parametrize(
    "measure",
    ["base_rates", "differentiation", "category_acquisition", "property_acquisition",
     "typicality_learning"],
)  # fmt: skip
def test_theory_stands_beside_measures_with_curves(measure, deep):
    exact = sd.solve(sd.load("rumelhart8"), depth=2, hidden=True)  # other times
    ours, theirs = (getattr(sd, measure)(h) for h in (deep, exact))
    table = summarize(ours, theory=theirs)
    assert any(column.endswith("_theory") for column in table.columns)
    assert "time" not in table


def test_words_that_differ_between_networks_are_left_out() -> None:
    made = xr.Dataset({"said": ("seed", ["dog", "cat"]), "share": ("seed", [0.5, 1.0])})
    assert sd.summarize(made).columns.tolist() == ["share", "share_low", "share_high"]
    with pytest.raises(ValueError, match="no number in this measure"):
        sd.summarize(made[["said"]])


def plant_late(lacking):
    late = np.arange(1.0, 13.0).reshape(4, 3)
    late[lacking:, 2] = np.nan
    return xr.DataArray(
        late, dims=("seed", "mode"), name="half_time",
        coords={"seed": range(4), "settled": ("seed", np.arange(4) < lacking), "mode": [1, 2, 3]},
    )  # fmt: skip


def test_a_row_says_how_many_networks_it_is_about():
    table = summarize(plant_late(1))
    assert table["half_time"].tolist() == [5.5, 6.5, 3.0]
    assert table["half_time_n"].tolist() == [4, 4, 1]
    assert table["settled"].tolist() == [0.25] * 3
    theirs = summarize(plant_late(4), theory=plant_late(3))
    assert theirs["half_time_theory_n"].tolist() == [4, 4, 3]
    for whole in (plant_late(4), plant_late(4).drop_vars("settled")):
        assert not {"half_time_n", "settled"} & set(summarize(whole).columns)


@pytest.mark.parametrize("size", [2, 4, 5])
def test_infinite_numbers_have_a_median_too(size):
    late = xr.DataArray(np.full((size, 3), np.inf), dims=("seed", "mode"), name="late")
    late[0] = [1.0, -np.inf, 2.0]
    late[1:, 2] = 4.0
    table = summarize(late, interval=0.5)
    assert table["late"].tolist()[0] == np.inf
    assert table["late_high"].tolist()[-1] >= 3.5
    assert len(table) == (2 if size == 2 else 3)  # there is no middle between −∞ and ∞


MEASURES = [
    "mode_strengths", "level_strengths", "transitions", "stage_times", "count_stages", "plateaus",
    "differentiation", "overgeneralizations", "base_rates", "category_acquisition",
    "property_acquisition", "level_acquisition", "typicality_learning", "u_shapes", "overextension",
    "naming", "covariation",
]  # fmt: skip


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_keep_which_networks_had_settled(measure, deep):
    cut = deep.isel(time=slice(None, None, 8)).assign_coords(settled=("seed", [True, False]))
    found = getattr(sd, measure)(cut)
    assert found["settled"].values.tolist() == [True, False]
    assert found["settled"].dims == ("seed",)
