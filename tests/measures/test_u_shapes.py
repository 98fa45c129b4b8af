"""U-shapes: by hand, against every triple of times, and in networks that have them or cannot."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.measures.overgeneralization import overgeneralizations
from semdev.measures.u_shapes import count_turns, find_regress, u_shapes

COURSES = st.lists(st.integers(0, 12), min_size=1, max_size=9)


def plant_course(plant, curve, time=None):
    """A History of two items, of which a has the property and b has not, both right alike."""
    curve = np.asarray(curve, dtype=float)
    output = np.stack([curve, 1 - curve], 1)[None, :, :, None]
    return plant([[1], [0]], output, np.arange(len(curve)) if time is None else time)


# by hand


def test_a_fall_and_its_recovery_by_hand(plant):
    curve = [0.2, 0.9, 0.95, 0.8, 0.3, 0.7, 0.91, 0.99]
    found = u_shapes(plant_course(plant, curve, [0, 1, 2, 4, 8, 16, 32, 64]))
    assert found["true"].values.ravel().tolist() == [True, False]
    for item in (0, 1):
        cell = found.isel(seed=0, item=item, property=0)
        assert float(cell["regress"]) == pytest.approx(0.65)
        assert [float(cell[k]) for k in ("before", "bottom", "after")] == [2, 8, 64]
        assert int(cell["count"]) == 2
    lower = u_shapes(plant_course(plant, [*curve[:-1], 0.92], range(8))).isel(seed=0, item=0)
    assert float(lower["regress"][0]) == pytest.approx(0.62)
    assert [float(lower[k][0]) for k in ("before", "bottom", "after")] == [2, 4, 7]


@pytest.mark.parametrize(
    ("curve", "count"),
    [
        ([0.0, 0.5, 1.0], 0), ([1.0, 0.5, 0.0], 0), ([0.4], 0), ([1.0, 0.3, 1.0], 1),
        ([0.0, 1.0, 0.3, 1.0], 2), ([0.0, 0.5, 0.46, 1.0], 0), ([0.5, 0.52, 0.48, 0.51], 0),
        ([0.0, 0.6, 0.58, 0.56, 0.54, 1.0], 2), ([1.0, 0.5, 0.8, 0.2, 0.9], 3),
    ],
)  # fmt: skip
def test_turns_by_hand(plant, curve, count):
    found = u_shapes(plant_course(plant, curve))
    assert found["count"].values.ravel().tolist() == [count, count]
    small = found["regress"].values.ravel() < 0.05
    assert (found["u_shaped"].values.ravel() == ~small).all()
    assert np.isnan(found["bottom"].values.ravel()[small]).all()


def test_the_largest_fall_wins_though_another_is_deeper(plant):
    found = u_shapes(plant_course(plant, [1, 0.4, 0.5, 0.1, 0.3])).isel(seed=0, item=0)
    assert float(found["regress"][0]) == pytest.approx(0.2)  # .3 − .1; .5 − .4 is less
    assert [float(found[k][0]) for k in ("before", "bottom", "after")] == [2, 3, 4]


def test_an_answer_beyond_its_target_is_as_wrong_as_one_short_of_it(plant):
    found = u_shapes(plant([[1, -1]], [[[[1, -1]], [[1.5, -1.4]], [[1, -1]]]], [0, 1, 2]))
    np.testing.assert_allclose(found["regress"].values.ravel(), [0.25, 0.2])
    assert (found["count"] == 1).all()


def test_errors(plant):
    with pytest.raises(ValueError, match="margin is a share of the range, between 0 and 1; got 0"):
        u_shapes(plant_course(plant, [0, 1]), margin=0)
    with pytest.raises(ValueError, match="every target is 1: with nothing to tell apart"):
        u_shapes(plant([[1], [1]], np.zeros((1, 2, 2, 1)), [0, 1]))
    with pytest.raises(TypeError, match=r"a History .* is needed, got Dataset"):
        u_shapes(sd.load("saxe2019"))


# every triple of times


@settings(max_examples=200)
@given(curve=COURSES)
def test_regress_is_that_of_the_best_triple(curve):
    c = np.array(curve) / 12
    triples = list(itertools.combinations(range(len(c)), 3))
    best = max([0.0, *(min(c[i], c[k]) - c[j] for i, j, k in triples)])
    regress, (before, bottom, after) = find_regress(c)
    assert float(regress) == pytest.approx(best, abs=1e-12)
    if best > 0:
        assert before < bottom < after
        assert min(c[before], c[after]) - c[bottom] == pytest.approx(best)
        assert (c[before + 1 : bottom] < min(c[before], c[after])).all()
        assert (c[bottom + 1 : after] < min(c[before], c[after])).all()


def count_by_search(c, margin):
    """The longest sequence of moves up and down in turn, over all sequences of records."""
    most = 0
    for n in range(2, len(c) + 1):
        for picked in itertools.combinations(c, n):
            moves = np.diff(picked)
            enough = (np.abs(moves) >= margin - 1e-9).all()
            if enough and (np.sign(moves[1:]) == -np.sign(moves[:-1])).all():
                most = max(most, n - 2)
    return most


@settings(max_examples=30)
@given(curve=COURSES.filter(lambda c: len(c) < 8), margin=st.integers(1, 8))
def test_turns_are_those_of_the_longest_zigzag(curve, margin):
    c = np.array(curve, dtype=float)
    assert int(count_turns(c, margin)) == count_by_search(c, margin)
    assert int(count_turns(c[::-1], margin)) == count_by_search(c, margin)


@settings(max_examples=60)
@given(curve=COURSES, margin=st.integers(1, 8))
def test_a_u_shape_turns_at_least_once(curve, margin):
    c = np.array(curve, dtype=float)
    turns = int(count_turns(c, margin))
    assert turns >= int(find_regress(c)[0] >= margin)
    assert (find_regress(c)[0] >= margin) or turns <= 1  # 1: up, and down for good


# what must change nothing


@settings(max_examples=10)
@given(rows=st.permutations(range(8)), columns=st.permutations(range(36)), swap=st.booleans())
def test_order_changes_nothing(deep, rows, columns, swap):
    few = deep.isel(time=slice(None, None, 8)).drop_vars("hidden_1")
    turned = few.isel(item=list(rows), property=list(columns), seed=[1, 0] if swap else [0, 1])
    found, other = u_shapes(few), u_shapes(turned)
    back = other.sel(item=few["item"].values, property=few["property"].values, seed=[0, 1])
    xr.testing.assert_allclose(back, found, atol=1e-9)


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_neither_coding_nor_what_is_called_true_matters(seed, scale, shift, plant):
    rng = np.random.default_rng(seed)
    target = np.array([[1, 0, 0], [0, 1, 1]])
    output = rng.random((2, 12, 2, 3))
    found = u_shapes(plant(target, output, range(12)))
    recoded = u_shapes(
        plant(scale * target + shift, scale * output + shift, range(12)), margin=0.05
    )
    turned = u_shapes(plant(1 - target, 1 - output, range(12)))
    for other in (recoded, turned):
        np.testing.assert_allclose(other["regress"], found["regress"], atol=1e-9)
        np.testing.assert_array_equal(other["count"], found["count"])
    assert (turned["true"] != found["true"]).all()


# in networks


@pytest.mark.parametrize("name", ["rumelhart8", "rogers2004", "zoo"])
def test_shallow_networks_never_regress(name):
    exact = u_shapes(sd.solve(sd.load(name), depth=1))
    assert float(exact["regress"].max()) == 0
    assert float(exact["predicted"].max()) == 0
    assert not exact["u_shaped"].any()
    assert not exact["count"].any()
    trained = sd.train(sd.Shallow(), sd.load(name), seeds=2, record=40, progress=False)
    assert float(u_shapes(trained)["regress"].max()) < 1e-9


def test_deep_networks_regress_as_predicted():
    world = sd.load("rogers2004")
    exact = u_shapes(sd.solve(world, depth=2))
    np.testing.assert_allclose(exact["regress"][0], exact["predicted"], atol=0.02)
    assert float(exact["predicted"].sel(item="penguin", property="can fly")) > 0.4
    deep = sd.train(sd.DeepLinear(32), world, seeds=4, progress=False, dtype="float32")
    found = u_shapes(deep)
    middle = found["regress"].median("seed")
    assert float(abs(middle - found["predicted"]).max()) < 0.1
    assert float(xr.corr(middle, found["predicted"])) > 0.98
    true, false = (float(middle.where(cells).max()) for cells in (found["true"], ~found["true"]))
    assert 0.05 < true < false
    assert np.isnan(u_shapes(deep.isel(property=slice(0, 9)))["predicted"]).all()


def test_an_overgeneralization_is_a_u_shape_of_a_false_cell(deep):
    over = overgeneralizations(deep)
    found = u_shapes(deep)
    risen = over["peak"] - np.maximum(
        deep["output"].isel(time=0, drop=True), deep["output"].isel(time=-1, drop=True)
    )
    false = ~found["true"]
    within = deep["output"].where(false).min("time") >= 0  # else c has its own top at 0
    assert bool((found["regress"] >= risen - 1e-9).where(false & within, True).all())
    assert bool(found["u_shaped"].where(over["rose_and_fell"] & within, True).all())


def test_networks_with_relations_regress_and_predict_nothing():
    history = sd.train(
        sd.Rumelhart(), sd.load("rumelhart8"), seeds=[3, 8, 11], steps=2500, record=60,
        dtype="float32", progress=False,
    )  # fmt: skip
    found = u_shapes(history)
    assert found["u_shaped"].sel(item="pine", property="has leaves").all()
    assert np.isnan(found["predicted"]).all()
    assert found["regress"].dims == ("seed", "item", "property")
    table = sd.summarize(found, by="regress", top=5)
    assert table["regress"].is_monotonic_decreasing
