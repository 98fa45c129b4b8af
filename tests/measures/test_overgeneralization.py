"""Overgeneralization: by hand, the trap of a bias, and the bound of the theory."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.measures.overgeneralization import overgeneralizations, predict_peaks
from semdev.theory import decompose

PAIRS = {"x": ["a", "b"], "y": ["c", "d"]}
# p0: only a has it; p1: a and c; p2: nobody; p3: all but b; p4: everybody.
TARGET = np.array([[1, 1, 0, 1, 1], [0, 0, 0, 0, 1], [0, 1, 0, 1, 1], [0, 0, 0, 1, 1]])


def follow(plant, curve, time):
    """A History in which the one false cell (b, p0) follows a curve."""
    output = np.zeros((1, len(time), 2, 1))
    output[0, :, 1, 0] = curve
    return overgeneralizations(plant([[1], [0]], output, time, tree=["a", "b"])).isel(
        seed=0, item=1, property=0
    )


# by hand


@pytest.mark.parametrize("false", [0.0, -1.0], ids=["0/1", "±1"])
def test_peaks_classes_and_excess_by_hand(plant, false):
    target = np.where(TARGET == 1, 1.0, false)
    output = np.zeros((2, 3, 4, 5))
    output[0, :, 1, 0] = [0.0, 0.8, 0.1]  # b, against c and d
    output[0, :, 2, 0] = [0.0, 0.4, 0.3]
    output[0, :, 3, 0] = [0.0, 0.2, 0.1]
    output[1] = 2 * output[0]
    over = overgeneralizations(plant(target, output, [0, 1, 4], tree=PAIRS))
    assert over["of_class"].values.tolist() == [
        ["", "", "", "", ""], ["x", "x", "", "x", ""], ["root", "", "", "", ""],
        ["root", "y", "", "", ""],
    ]  # fmt: skip
    cell = over.sel(item="b", property="p0")
    assert cell["peak"].values.tolist() == [0.8, 1.6]
    assert cell["peak_time"].values.tolist() == [1, 1]
    assert cell["final"].values.tolist() == [0.1, 0.2]
    assert cell["excess"].values == pytest.approx([0.8 - 0.3, 1.0])
    assert cell["rose_and_fell"].values.tolist() == [True, True]
    assert set(over.dims) == {"seed", "item", "property"}
    assert not {"time", "step"} & set(over.coords)
    # b, p1: c has it, so only d stands for the world outside. d, p1: only b does.
    assert over["excess"].sel(item=["b", "d"], property="p1").values.tolist() == [[0, 0], [0, 0]]
    nobody_outside = [("c", "p0"), ("b", "p2"), ("b", "p3")]
    for item, prop in nobody_outside:
        assert over["excess"].sel(item=item, property=prop).isnull().all()
        assert over["peak"].sel(item=item, property=prop).notnull().all()
    for name in ("peak", "peak_time", "duration", "final", "excess"):
        assert np.isnan(over[name].values[:, target > 0]).all()
    assert not over["rose_and_fell"].values[:, target > 0].any()


def test_the_excess_is_the_largest_difference_not_the_difference_of_peaks(plant):
    output = np.zeros((1, 4, 4, 1))
    output[0, :, 1, 0] = [0, 0.5, 0.9, 0.0]
    output[0, :, 2, 0] = output[0, :, 3, 0] = [0, 0.0, 0.8, 0.7]
    over = overgeneralizations(plant([[1], [0], [0], [0]], output, np.arange(4), tree=PAIRS))
    assert over["excess"].sel(item="b").item() == pytest.approx(0.5)


def test_items_at_different_depths(plant):
    tree = {"x": {"y": ["a", "b"], "c": None}, "d": None}
    target = [[1], [0], [0], [0]]
    over = overgeneralizations(plant(target, np.zeros((1, 2, 4, 1)), [0, 1], tree=tree))
    assert over["of_class"].values.ravel().tolist() == ["", "y", "x", "root"]
    assert np.isnan(over["excess"].values).ravel().tolist() == [True, False, False, True]


def test_graded_targets_are_false_where_they_are_said_to_be(plant):
    history = plant([[0.9], [0.2]], np.full((1, 2, 2, 1), 0.5), [0, 1], tree=["a", "b"])
    with pytest.raises(ValueError, match=r"no cell is false: every target is above 0.0; say with"):
        overgeneralizations(history)
    over = overgeneralizations(history, false_at=0.3)
    assert over["peak"].notnull().values.ravel().tolist() == [False, True]


# the course of a belief


def test_duration_of_a_triangle(plant):
    cell = follow(plant, [0, 0, 1, 0, 0], [0, 2, 4, 8, 9])
    assert float(cell["duration"]) == pytest.approx(1 + 2)
    assert float(cell["peak_time"]) == 4


@settings(deadline=None, max_examples=25)
@given(
    middle=st.floats(4, 6),
    width=st.floats(0.2, 0.6),
    height=st.floats(0.2, 5),
    base=st.floats(-2, 2),
)
def test_duration_of_a_gaussian_is_its_width_at_half_height(middle, width, height, base, plant):
    time = np.linspace(0, 10, 1000)
    cell = follow(plant, base + height * np.exp(-(((time - middle) / width) ** 2) / 2), time)
    assert float(cell["duration"]) == pytest.approx(2 * np.sqrt(2 * np.log(2)) * width, rel=5e-3)
    assert float(cell["peak_time"]) == pytest.approx(middle, abs=0.01)
    assert bool(cell["rose_and_fell"])


@pytest.mark.parametrize("hump", [[0.8, 0.2, 1.0, 0.0], [0.0, 1.0, 0.2, 0.8]])
def test_duration_is_that_of_the_highest_hump(plant, hump):
    cell = follow(plant, [0, *hump, 0], np.arange(6))
    up = 0.5 if hump[1] == 1 else 0.3 / 0.8
    assert float(cell["duration"]) == pytest.approx(
        1 - up + 0.5 if hump[1] == 0.2 else 0.5 + 0.5 / 0.8
    )


@pytest.mark.parametrize(
    "curve", [[0, 1, 2, 3], [3, 2, 1, 0], [0, 1, 1, 1], [1, 1, 1, 1], [1, 0, 0, 1]]
)
def test_without_rise_and_fall_there_is_no_duration(plant, curve):
    cell = follow(plant, curve, np.arange(4))
    assert float(cell["duration"]) == 0
    assert not bool(cell["rose_and_fell"])


def test_the_margin_holds_for_start_and_end(plant):
    curve = [0.5, 0.6, 0.0]
    assert bool(follow(plant, curve, np.arange(3))["rose_and_fell"])
    history = plant([[1], [0]], np.array([[0.0, c] for c in curve])[None, :, :, None], range(3),
                    tree=["a", "b"])  # fmt: skip
    assert not overgeneralizations(history, margin=0.11)["rose_and_fell"].any()


@pytest.mark.parametrize("times", [[2.0], [0.0, 2.0]])
def test_a_handful_of_records_will_do(times):
    over = overgeneralizations(sd.solve(sd.load("saxe2019"), depth=2, times=times))
    assert over["peak"].notnull().sum() == 28 - 12
    assert not over["rose_and_fell"].any()


@settings(deadline=None, max_examples=15)
@given(rows=st.permutations(range(8)), columns=st.permutations(range(36)), swap=st.booleans())
def test_order_and_names_change_nothing(deep, rows, columns, swap):
    few = deep.isel(time=slice(None, None, 12)).drop_vars("hidden_1")
    seeds = [1, 0] if swap else [0, 1]
    turned = few.isel(item=list(rows), property=list(columns), seed=seeds)
    other = overgeneralizations(turned).sel(item=few["item"], property=few["property"], seed=[0, 1])
    xr.testing.assert_allclose(other, overgeneralizations(few), atol=1e-9)
    relabelled = few.assign_coords(item=[f"thing {k}" for k in range(8)])
    np.testing.assert_array_equal(
        overgeneralizations(relabelled)["excess"], overgeneralizations(few)["excess"]
    )


# the trap of a bias


def test_a_bias_makes_peaks_but_no_excess():
    world = sd.load("rumelhart8")
    cell = {"item": "pine", "property": "has leaves"}
    over = {
        model: overgeneralizations(sd.train(model, world, seeds=3, progress=False))
        for model in (sd.Shallow(), sd.Shallow(bias=True), sd.DeepLinear(32))
    }
    plain, biased, deep = over.values()
    assert abs(plain["peak"]).max() < 0.01
    assert abs(plain["excess"]).max() < 0.01
    assert (biased["peak"].sel(cell) > 0.2).all()
    assert biased["rose_and_fell"].sel(cell).all()
    assert abs(biased["excess"]).max() < 0.05
    assert (deep["peak"].sel(cell) > 0.4).all()
    assert (deep["excess"].sel(cell) > 0.4).all()
    everywhere = deep["excess"].median("seed").stack(cell=["item", "property"])
    assert everywhere.dropna("cell").idxmax().item() == ("pine", "has leaves")


# predict_peaks


def test_salmon_flies_by_hand():
    g = np.cumsum([0.25, 0.25, -0.5])
    predicted = predict_peaks(sd.load("saxe2019"))
    assert float(predicted.sel(item="salmon", property="can fly")) == pytest.approx(g.max())
    assert float(predicted.sel(item="oak", property="can fly")) == pytest.approx(0.25)
    assert float(predicted.sel(item="canary", property="can fly")) == pytest.approx(1.0)
    exact = sd.solve(sd.load("saxe2019"), depth=2)
    np.testing.assert_array_equal(predict_peaks(exact), predicted)


@pytest.mark.parametrize(
    ("others", "coding", "highest"),
    [
        ([1, 2, 3], "0/1", 0.75), ([2, 3], "0/1", 0.5), ([1], "0/1", 0.5),
        ([1, 2, 3], "±1", 0.5), ([2, 3], "±1", 0.0), ([1], "±1", 0.0),
    ],
)  # fmt: skip
def test_worms_have_bones_for_as_long_as_their_class_has(plant, others, coding, highest):
    false = 0.0 if coding == "0/1" else -1.0
    bones = np.where(np.isin(np.arange(8), others), 1.0, false)
    world = 1e5 * sd.load("cao2020").properties.values  # so rich that bones turn none of its modes
    target = np.column_stack([world, bones])
    predicted = predict_peaks(plant(target, np.zeros((1, 1, *target.shape)), [0.0]))
    assert float(predicted[0, -1]) == pytest.approx(highest, abs=1e-3)


def random_world(plant, seed, coding):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, size=(5, 6)) + 0.0
    target = target if coding == "0/1" else 2 * target - 1
    assume(target.any())
    data = sd.Dataset(plant(target, np.zeros((1, 1, 5, 6)), [0.0])["target"].drop_vars("relation"))
    return data, decompose(data).s


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6), coding=st.sampled_from(["0/1", "±1"]), share=st.floats(1e-9, 0.3)
)
def test_no_belief_exceeds_the_bound(seed, coding, share, plant):
    data, s = random_world(plant, seed, coding)
    proportional = sd.solve(data, depth=2, initial=share * s, times=60)["output"]
    assert float((proportional.max("time") - predict_peaks(data)).max()) <= 1e-9
    alike = sd.solve(data, depth=2, initial=1e-12, times=60)["output"]
    assert float((alike.max("time") - predict_peaks(data)).max()) <= 1e-9


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10**6), rows=st.permutations(range(5)), columns=st.permutations(range(6))
)
def test_the_bound_does_not_depend_on_order(seed, rows, columns, plant):
    data, _ = random_world(plant, seed, "0/1")
    turned = data.select(
        items=data.properties["item"].values[list(rows)],
        properties=data.properties["property"].values[list(columns)],
    )
    xr.testing.assert_allclose(
        predict_peaks(turned), predict_peaks(data).sel(item=turned.properties["item"],
        property=turned.properties["property"]), atol=1e-9
    )  # fmt: skip


@pytest.mark.parametrize("name", ["saxe2019", "cao2020"])
def test_the_bound_is_reached_as_starts_shrink(name):
    data = sd.load(name)
    gaps = []
    for initial in (1e-3, 1e-6, 1e-12):
        peak = (
            sd.solve(data, depth=2, initial=initial, times=800)["output"].isel(seed=0).max("time")
        )
        gaps.append(float((predict_peaks(data) - peak).where(data.properties == 0).max()))
    assert gaps == sorted(gaps, reverse=True)
    assert 0 <= gaps[-1] < 0.01


def test_a_world_of_zeros_is_never_believed(plant):
    assert not predict_peaks(plant(np.zeros((2, 2)), np.zeros((1, 1, 2, 2)), [0.0])).any()
