"""False beliefs, U-shapes and base rates: against courses made by hand and closed forms."""

import numpy as np
import pytest
import xarray as xr

import semdev as sd
from semdev.data.null_worlds import make_null_world
from semdev.learners import Learner
from semdev.phenomena.base import judge
from semdev.phenomena.believing import (
    BASE_RATE_PHASE,
    TRANSIENT_OVERGENERALIZATION,
    U_SHAPE,
    ask_for_lacks,
    find_exceptions,
)

OF_CLASSES = (TRANSIENT_OVERGENERALIZATION, U_SHAPE)
TIMES = np.linspace(0, 1, 101)
HUMP = np.sin(np.pi * TIMES) ** 2  # 0 to 1 and back


def solved(depth):
    def learn(data, seeds):
        return sd.solve(data, depth=depth).assign_coords(seed=list(seeds))

    return Learner(learn, name=f"depth {depth}")


def learn_with_bias(data, seeds):
    return sd.theory.solve_biased(data, depth=1).assign_coords(seed=list(seeds))


def given(history):
    return Learner(lambda data, seeds: history)


def value_of(phenomenon, learner, data):
    return float(phenomenon.measure(phenomenon.experiment(learner, data, [0]))[0])


def make_world():
    """Return four of one class, of which d lacks what sets it apart, and three of another."""
    items = list("abcdefg")
    table = xr.DataArray(
        [[1, 0], [1, 0], [1, 0], [0, 0], [0, 1], [0, 1], [0, 1]], dims=("item", "property"),
        coords={"item": items, "property": ["has p", "has q"]},
    )  # fmt: skip
    tree = sd.trees.from_nested({"first": items[:4], "second": items[4:]})
    return sd.Dataset(table.astype(float), tree=tree)


def believe(world, **courses):
    """Return a History of truth learned in a straight line, but for given courses of "has p"."""
    history = sd.solve(world, depth=1, times=TIMES)
    output = history["output"].copy(data=(TIMES[None, :, None, None] * world.properties.values))
    for item, course in courses.items():
        output.loc[{"item": item, "property": "has p"}] = course[None]
    return history.assign(output=output)


def test_exceptions_are_those_the_books_tell_of() -> None:
    world = sd.load("rogers2004")
    found, members = find_exceptions(world)
    rule = world.properties.copy(data=found >= 0)
    for item, feature in (("pine", "has leaves"), ("penguin", "can fly"), ("pig", "has fur")):
        assert bool(rule.sel(item=item, property=feature))
    assert not rule.sel(item=["robin", "salmon"], property="can fly").any()
    items = world.properties["item"].values
    birds = members[found[items == "penguin"].max()]
    assert items[birds].tolist() == ["robin", "canary", "sparrow", "penguin"]


def test_the_excess_is_over_those_outside_and_the_regress_over_their_regress() -> None:
    world = make_world()
    courses = {"d": 0.6 * HUMP} | dict.fromkeys("efg", 0.2 * HUMP)
    learner = given(believe(world, **courses))
    assert value_of(TRANSIENT_OVERGENERALIZATION, learner, world) == pytest.approx(0.4)
    assert value_of(U_SHAPE, learner, world) == pytest.approx(0.4)


def test_what_is_believed_of_everyone_or_believed_for_good_does_not_count() -> None:
    world = make_world()
    for courses in (
        dict.fromkeys("defg", 0.6 * HUMP),  # everyone alike
        {"d": 0.6 * TIMES},  # for good
        {"d": 0.6 - 0.6 * TIMES},  # from the start
    ):
        learner = given(believe(world, **courses))
        for phenomenon in OF_CLASSES:
            assert value_of(phenomenon, learner, world) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("phenomenon", OF_CLASSES, ids=lambda each: each.name)
def test_neither_clock_nor_coding_nor_the_order_of_items_matters(phenomenon) -> None:
    world = sd.load("rogers2004")
    history = sd.solve(world, depth=2)
    expected = value_of(phenomenon, given(history), world)
    slower = history.assign_coords(time=history["time"] * 7)
    coded = history.assign(output=2 * history["output"] - 1, target=2 * history["target"] - 1)
    turned = history.isel(item=np.random.default_rng(0).permutation(21))
    for other in (slower, coded, turned):
        assert value_of(phenomenon, given(other), world) == pytest.approx(expected)


@pytest.mark.parametrize("phenomenon", OF_CLASSES, ids=lambda each: each.name)
def test_deep_networks_show_it_shallow_ones_do_not_even_with_a_bias(phenomenon) -> None:
    world = sd.load("rogers2004")
    assert judge(phenomenon, solved(2), world, seeds=[0])["met"].all()
    for learner in (solved(1), Learner(learn_with_bias)):
        found = judge(phenomenon, learner, world, seeds=[0])
        assert float(found["value"][0]) == pytest.approx(0, abs=1e-9)
        assert not found["met"].any()


def test_of_a_pine_it_is_the_excess_over_animals_and_less_than_its_peak() -> None:
    world = sd.load("rumelhart8")
    found, _ = find_exceptions(world)
    rule = world.properties.copy(data=found >= 0)
    assert int(rule.sum()) == 1  # the one illusion of this corpus
    assert bool(rule.sel(item="pine", property="has leaves"))
    history = sd.solve(world, depth=2, initial=1e-3)
    belief = history["output"].sel(property="has leaves").isel(seed=0)
    animals = belief.sel(item=["robin", "canary", "sunfish", "salmon"]).mean("item")
    excess = belief.sel(item="pine") - animals  # ends at 0, begins at 0
    found = value_of(TRANSIENT_OVERGENERALIZATION, given(history), world)
    peak = sd.overgeneralizations(history).sel(item="pine", property="has leaves")["peak"]
    rise = min(float(excess.max() - abs(excess[-1])), float(peak[0] - belief.sel(item="pine")[-1]))
    assert found == pytest.approx(rise, abs=2e-3)
    assert found > 0.4


@pytest.mark.parametrize("phenomenon", OF_CLASSES, ids=lambda each: each.name)
def test_in_worlds_without_structure_deep_networks_rarely_do(phenomenon) -> None:
    world, met = sd.load("rumelhart8"), []
    for kind in phenomenon.null_worlds:
        for state in range(3):
            null = make_null_world(world, kind, random_state=state)
            found = judge(phenomenon, solved(2), null, seeds=[0], random_state=state)
            met.append(bool(found["met"][0]))
    assert sum(met) <= 3  # of 9 at 5 %: more in 1 of 1000 cases


def test_where_there_are_no_exceptions_it_is_not_applicable() -> None:
    world = sd.load("saxe2019")
    for data, reason in ((sd.Dataset(world.properties), "no tree"), (world, "no item is an exc")):
        for phenomenon in OF_CLASSES:
            found = judge(phenomenon, solved(2), data, seeds=[0, 1])
            assert reason in found["reason"].item()
            assert not found["met"].any()
    lucky = make_world()
    turned = sd.Dataset(1 - lucky.properties, tree=lucky.tree)  # d has what its class lacks
    assert ask_for_lacks(lucky) == ""
    assert "no item lacks" in ask_for_lacks(turned)
    assert not judge(U_SHAPE, solved(1), turned, seeds=[0])["reason"].item()


def test_base_rates_come_first_with_a_hidden_layer_or_a_bias() -> None:
    world = sd.load("rogers2004")
    for learner, shown in ((solved(2), True), (Learner(learn_with_bias), True), (solved(1), False)):
        found = judge(BASE_RATE_PHASE, learner, world, seeds=[0])
        assert bool(found["met"][0]) is shown
    expected = sd.base_rates(sd.solve(world, depth=2))["nearness"]
    assert float(judge(BASE_RATE_PHASE, solved(2), world, seeds=[0])["value"][0]) == expected[0]


def test_a_world_without_base_rates_has_no_such_phase() -> None:
    table = 2 * sd.load("saxe2019").properties.values - 1
    both = np.hstack([table, -table])  # nothing is truer of the average item than its opposite
    both = np.vstack([both, -both])
    world = sd.Dataset(xr.DataArray(
        both, dims=("item", "property"),
        coords={"item": [f"i{k}" for k in range(8)], "property": [f"p{k}" for k in range(14)]},
    ))  # fmt: skip
    found = judge(BASE_RATE_PHASE, solved(2), world, seeds=[0])
    assert not found["reason"].item()
    assert not found["met"].any()


def test_of_items_all_alike_base_rates_are_not_asked() -> None:
    table = xr.DataArray(
        np.ones((3, 2)), dims=("item", "property"),
        coords={"item": list("abc"), "property": list("pq")},
    )  # fmt: skip
    found = judge(BASE_RATE_PHASE, solved(2), sd.Dataset(table), seeds=[0])
    assert found["reason"].item() == "all items have the same properties"
