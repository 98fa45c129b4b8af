"""Broad before fine and stage-like: against closed forms, and against learners made by hand."""

import math

import numpy as np
import pytest
import xarray as xr

import semdev as sd
from semdev.data.null_worlds import make_null_world
from semdev.learners import Learner
from semdev.phenomena.base import judge
from semdev.phenomena.differentiating import (
    PROGRESSIVE_DIFFERENTIATION,
    STAGE_LIKE_TRANSITIONS,
    ask_for_levels,
    split_classes,
)

BOTH = (PROGRESSIVE_DIFFERENTIATION, STAGE_LIKE_TRANSITIONS)


def solved(depth):
    def learn(data, seeds):
        return sd.solve(data, depth=depth).assign_coords(seed=list(seeds))

    return Learner(learn, name=f"depth {depth}")


def follow(course):
    """Return a learner whose every answer is the target × course(time, level of the property)."""

    def learn(data, seeds):
        history = sd.solve(data, depth=1)
        share = course(history["time"].values)
        output = share[None, :, None, :] * history["target"].values[None, None]
        return history.assign(output=(history["output"].dims, output)).assign_coords(seed=seeds)

    return Learner(learn)


def value_of(phenomenon, learner, data):
    return float(phenomenon.measure(phenomenon.experiment(learner, data, [0]))[0])


def test_the_lead_is_that_of_differentiation() -> None:
    for name in ("cao2020", "rogers2004", "living_things"):
        history = sd.solve(sd.load(name), depth=2)
        half = sd.differentiation(history)["half_time"].sel(layer="output").values[0]
        found = value_of(PROGRESSIVE_DIFFERENTIATION, solved(2), sd.load(name))
        assert found == pytest.approx(np.diff(np.log(half)).min())


def test_without_a_hidden_layer_all_levels_part_at_once_and_from_the_start() -> None:
    world = sd.load("living_things")
    assert abs(value_of(PROGRESSIVE_DIFFERENTIATION, solved(1), world)) < 1e-6
    assert value_of(STAGE_LIKE_TRANSITIONS, solved(1), world) == pytest.approx(
        math.log(2) / math.log(9), abs=1e-3
    )


def test_where_branchings_are_modes_they_are_as_abrupt_as_these() -> None:
    world = sd.load("saxe2019")
    sharpness = sd.transitions(sd.solve(world, depth=2))["sharpness"].values[0]
    found = value_of(STAGE_LIKE_TRANSITIONS, solved(2), world)
    assert found == pytest.approx(np.median(1 / sharpness[1:]), rel=0.01)


def test_a_straight_line_is_no_stage() -> None:
    def rise(time):
        return (time / time[-1])[:, None] * np.ones(7)

    found = value_of(STAGE_LIKE_TRANSITIONS, follow(rise), sd.load("saxe2019"))
    assert found == pytest.approx(0.5 / 0.8)
    assert found < STAGE_LIKE_TRANSITIONS.criterion.at_least


def test_what_is_never_learned_is_not_shown_and_what_jumps_is_finite() -> None:
    world = sd.load("saxe2019")
    never = follow(lambda time: np.zeros((len(time), 7)))
    jump = follow(lambda time: (time >= time[50])[:, None] * np.ones(7))
    there = follow(lambda time: np.ones((len(time), 7)))
    for learner in (never, there):
        assert [value_of(each, learner, world) for each in BOTH] == [0.0, 0.0]
    assert value_of(PROGRESSIVE_DIFFERENTIATION, jump, world) == pytest.approx(0.0, abs=0.01)
    assert 1 < value_of(STAGE_LIKE_TRANSITIONS, jump, world) < math.inf


def test_a_level_not_reached_counts_as_the_last_time() -> None:
    world = sd.load("cao2020")
    history = sd.solve(world, depth=2)
    half = sd.differentiation(history)["half_time"].sel(layer="output").values[0]
    end = int(np.searchsorted(history["time"].values, half[1:].mean()))
    cut = Learner(lambda data, seeds: history.isel(time=slice(end)))
    found = value_of(PROGRESSIVE_DIFFERENTIATION, cut, world)
    last = history["time"].values[end - 1]
    assert found == pytest.approx(min(np.log(half[1] / half[0]), np.log(last / half[1])))


@pytest.mark.parametrize("phenomenon", BOTH, ids=lambda each: each.name)
def test_neither_clock_nor_coding_nor_the_order_of_items_matters(phenomenon) -> None:
    world = sd.load("rogers2004")
    history = sd.solve(world, depth=2)
    expected = value_of(phenomenon, Learner(lambda data, seeds: history), world)
    slower = history.assign_coords(time=history["time"] * 7)
    coded = history.assign(output=2 * history["output"] - 1, target=2 * history["target"] - 1)
    turned = history.isel(item=np.random.default_rng(0).permutation(21))
    for other in (slower, coded, turned):
        found = value_of(phenomenon, Learner(lambda data, seeds, h=other: h), world)
        assert found == pytest.approx(expected)


def test_branchings_make_up_their_levels() -> None:
    history = sd.solve(sd.load("living_things"), depth=2)
    parts = split_classes(history)
    assert len(parts) == 1 + 2 + 7 + 6
    whole = np.eye(28) - 1 / 28
    assert parts.sum(0) == pytest.approx(whole)
    assert parts @ parts == pytest.approx(parts)


@pytest.mark.parametrize("phenomenon", BOTH, ids=lambda each: each.name)
def test_deep_networks_show_it_shallow_ones_do_not(phenomenon) -> None:
    world = sd.load("rumelhart8")
    assert judge(phenomenon, solved(2), world, seeds=[0])["met"].all()
    assert not judge(phenomenon, solved(1), world, seeds=[0])["met"].any()


@pytest.mark.parametrize("phenomenon", BOTH, ids=lambda each: each.name)
def test_in_worlds_without_structure_deep_networks_rarely_do(phenomenon) -> None:
    world, met = sd.load("rumelhart8"), []
    for kind in phenomenon.null_worlds:
        for state in range(3):
            null = make_null_world(world, kind, random_state=state)
            found = judge(phenomenon, solved(2), null, seeds=[0], random_state=state)
            met.append(bool(found["met"][0]))
    assert sum(met) <= 3  # of 9 at 5 %: more in 1 of 1000 cases


def test_where_there_are_no_levels_it_is_not_applicable() -> None:
    world = sd.load("saxe2019")
    bare = sd.Dataset(world.properties)
    flat = world.with_tree(sd.trees.from_nested({"root": world.properties["item"].values.tolist()}))
    for data, reason in ((bare, "no tree"), (flat, "at one level")):
        for phenomenon in BOTH:
            found = judge(phenomenon, solved(2), data, seeds=[0, 1])
            assert reason in found["reason"].item()
            assert not found["met"].any()
    assert ask_for_levels(world) == ""


def test_every_seed_is_judged_by_itself() -> None:
    world = sd.load("rumelhart8")
    history = xr.concat(
        [sd.solve(world, depth=2, initial=start, times=np.linspace(0, 12, 100))
         for start in (1e-6, 1e-2)], dim="seed", data_vars="minimal",
    ).assign_coords(seed=[0, 1])  # fmt: skip
    result = STAGE_LIKE_TRANSITIONS.experiment(Learner(lambda data, seeds: history), world, [0, 1])
    both = STAGE_LIKE_TRANSITIONS.measure(result)
    alone = STAGE_LIKE_TRANSITIONS.measure(result.isel(seed=[1]))
    assert float(both[1]) == pytest.approx(float(alone[0]))
    assert both[0] > both[1]
