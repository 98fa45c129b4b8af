"""Basic names, typical members, properties in company: against courses made by hand and scipy."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

import semdev as sd
from semdev.data.categories import scatter_properties
from semdev.data.null_worlds import make_null_world
from semdev.learners import Learner
from semdev.phenomena.base import STRUCTURELESS, judge
from semdev.phenomena.categorizing import (
    BASIC_LEVEL_ADVANTAGE,
    COHERENT_COVARIATION,
    TYPICALITY,
    compare_ranks,
    find_company,
    find_graded,
    measure_typicality,
)

TIMES = np.linspace(0, 4, 401)
ALL = (BASIC_LEVEL_ADVANTAGE, TYPICALITY, COHERENT_COVARIATION)


def solved(depth):
    def learn(data, seeds):
        return sd.solve(data, depth=depth).assign_coords(seed=list(seeds))

    return Learner(learn, name=f"depth {depth}")


def learn_at(when):
    """Return a learner that knows each cell half-way at its time (item × property)."""

    def learn(data, seeds):
        history = sd.solve(data, depth=1, times=TIMES)
        share = np.clip(TIMES[:, None, None] / (2 * when), 0, 1)
        output = share[None] * data.properties.values
        return history.assign(output=(history["output"].dims, output)).assign_coords(seed=seeds)

    return Learner(learn)


def value_of(phenomenon, learner, data):
    return float(phenomenon.measure(phenomenon.experiment(learner, data, [0]))[0])


def name_at(world, **times):
    relation = world.properties["relation"].values
    when = np.ones(world.properties.shape)
    for level, time in times.items():
        when[:, relation == f"ISA_{level}"] = time
    return learn_at(when)


def test_basic_names_come_first_where_they_do() -> None:
    world = sd.load("rogers2004")
    for times, expected in (
        ({"general": 1.5, "basic": 0.5, "specific": 1.0}, math.log(2)),
        ({"general": 0.5, "basic": 1.0, "specific": 1.5}, -math.log(2)),
        ({"general": 1.0, "basic": 0.5, "specific": 9.0}, math.log(2)),  # never within the run
        ({"general": 1.0, "basic": 9.0, "specific": 9.0}, -math.log(4)),
    ):
        learner = name_at(world, **times)
        assert value_of(BASIC_LEVEL_ADVANTAGE, learner, world) == pytest.approx(expected)


def test_a_lead_of_less_than_five_percent_is_none() -> None:
    world = sd.load("rogers2004")
    for basic, shown in ((0.96, False), (0.95, True)):
        learner = name_at(world, general=1.0, basic=basic, specific=1.0)
        assert bool(judge(BASIC_LEVEL_ADVANTAGE, learner, world, seeds=[0])["met"][0]) is shown


def test_deep_networks_taught_all_names_alike_learn_general_ones_first() -> None:
    for name in ("rumelhart8", "rogers2004"):
        assert value_of(BASIC_LEVEL_ADVANTAGE, solved(2), sd.load(name)) < -0.1


def test_without_names_or_levels_of_them_it_is_not_applicable() -> None:
    shuffled = make_null_world(sd.load("rogers2004"), "shuffled properties")
    for data, reason in ((sd.load("saxe2019"), "no names"), (shuffled, "one name at a level")):
        found = judge(BASIC_LEVEL_ADVANTAGE, solved(2), data, seeds=[0])
        assert reason in found["reason"].item()
        assert not found["met"].any()
    two = sd.load("rogers2004")
    kept = two.properties["relation"].values != "ISA_general"
    two = two.select(properties=two.properties["property"].values[kept].tolist())
    found = judge(BASIC_LEVEL_ADVANTAGE, solved(2), two, seeds=[0])
    assert "three names" in found["reason"].item()


def test_ranks_are_compared_as_spearman_does_in_one_stratum() -> None:
    random = np.random.default_rng(0)
    reached, more = random.uniform(1, 9, (3, 12)), random.normal(size=12)
    found = compare_ranks(reached, more, np.zeros(12), times=TIMES)
    expected = [-spearmanr(each, more).statistic * np.sqrt(11) / 1.645 for each in reached]
    assert found == pytest.approx(expected)
    never = reached.copy()
    never[:, reached[0].argmax()] = math.nan
    assert compare_ranks(never, more, np.zeros(12), times=TIMES)[0] == pytest.approx(expected[0])


def test_strata_are_compared_within_only() -> None:
    reached = np.array([[1.0, 2, 3, 10, 20, 30]])
    more = np.array([3.0, 2, 1, 30, 20, 10])
    found = compare_ranks(reached, more, np.array([0, 0, 0, 1, 1, 1]), times=TIMES)
    assert found[0] == pytest.approx(4 / (1.645 * 2))
    assert compare_ranks(reached, more, np.arange(6), times=TIMES)[0] == 0


def test_what_comes_together_is_in_no_order() -> None:
    more, stratum = np.array([3.0, 2, 1]), np.zeros(3)
    near, far = np.array([[1.0, 1.02, 1.04]]), np.array([[1.0, 1.02, 1.06]])
    assert compare_ranks(near, more, stratum, times=TIMES)[0] == 0
    assert compare_ranks(far, more, stratum, times=TIMES)[0] > 0
    never = np.full((1, 3), math.nan)
    assert compare_ranks(never, more, stratum, times=TIMES)[0] == 0


def test_chance_exceeds_one_in_five_percent() -> None:
    random = np.random.default_rng(1)
    reached, more = random.uniform(1, 9, (2000, 30)), random.normal(size=30)
    found = compare_ranks(reached, more, np.repeat(np.arange(5), 6), times=TIMES)
    assert 0.035 < (found >= 1).mean() < 0.065


def test_typical_members_first() -> None:
    world = sd.load("rogers2004")
    when = np.ones(world.properties.shape)
    for member, _, resemblance in find_graded(world):
        rank = np.argsort(np.argsort(-resemblance[member]))
        when[member] = 0.5 + 0.1 * rank[:, None]  # the last, smallest class decides
    early = learn_at(when)
    late = learn_at(2.5 - when)
    assert value_of(TYPICALITY, early, world) > 1
    assert value_of(TYPICALITY, late, world) < -1


def test_of_classes_without_a_property_of_their_own_nothing_is_said() -> None:
    world = sd.load("rogers2004")
    result = TYPICALITY.experiment(solved(2), world, [0])
    blank = result.assign(target=result["target"] * 0 + np.eye(21, 53))
    assert np.isnan(measure_typicality(blank)).all()


def test_deep_networks_show_typicality_and_covariation_shallow_ones_do_not() -> None:
    world = sd.load("rogers2004")
    for phenomenon in (TYPICALITY, COHERENT_COVARIATION):
        assert judge(phenomenon, solved(2), world, seeds=[0])["met"].all()
        found = judge(phenomenon, solved(1), world, seeds=[0])
        assert not found["met"].any()
        assert float(found["value"][0]) == 0


def test_company_alone_makes_properties_come_sooner() -> None:
    world = sd.load("living_things")
    half = world.properties["property"].values[::2].tolist()
    lone = scatter_properties(world, seed=0, properties=half)
    assert find_company(lone) == ""
    result = COHERENT_COVARIATION.experiment(solved(2), lone, [0])
    each = sd.covariation(result)
    late, scattered = each["acquired"].values[0], np.isin(each["property"].values, half)
    lags = []
    for k in range(1, int(each["stratum"].max()) + 1):
        here = each["stratum"].values == k
        if (here & scattered).any() and (here & ~scattered).any():
            lags.append(late[here & scattered].mean() - late[here & ~scattered].mean())
    assert np.mean(lags) > 0
    assert judge(COHERENT_COVARIATION, solved(2), lone, seeds=[0])["met"].all()


@pytest.mark.parametrize("kind", STRUCTURELESS)
def test_worlds_without_structure_have_no_company_to_ask_of(kind) -> None:
    world = sd.load("rogers2004")
    reasons = [find_company(make_null_world(world, kind, random_state=k)) for k in range(20)]
    assert sum(not reason for reason in reasons) <= 2  # of 20 at 1 %: more in 1 of 1000 cases
    assert find_company(world) == ""


def test_without_a_tree_typicality_is_not_applicable_and_covariation_is() -> None:
    bare = sd.Dataset(sd.load("rogers2004").properties)
    assert "no tree" in judge(TYPICALITY, solved(2), bare, seeds=[0])["reason"].item()
    assert judge(COHERENT_COVARIATION, solved(2), bare, seeds=[0])["met"].all()


def test_in_worlds_without_structure_deep_networks_rarely_show_typicality() -> None:
    world, met = sd.load("rumelhart8"), []
    for kind in TYPICALITY.null_worlds:
        for state in range(3):
            null = make_null_world(world, kind, random_state=state)
            found = judge(TYPICALITY, solved(2), null, seeds=[0], random_state=state)
            met.append(bool(found["met"][0]))
    assert sum(met) <= 3  # of 9 at 5 %: more in 1 of 1000 cases


@pytest.mark.parametrize("phenomenon", ALL, ids=lambda each: each.name)
def test_neither_clock_nor_the_order_of_items_matters(phenomenon) -> None:
    world = sd.load("rogers2004")
    history = sd.solve(world, depth=2)
    expected = value_of(phenomenon, Learner(lambda data, seeds: history), world)
    slower = history.assign_coords(time=history["time"] * 7)
    turned = history.isel(item=np.random.default_rng(0).permutation(21))
    for other in (slower, turned):
        found = value_of(phenomenon, Learner(lambda data, seeds, h=other: h), world)
        assert found == pytest.approx(expected)


def test_names_in_a_random_order_have_no_basic_level() -> None:
    """By rote, whichever name comes first of an item does so by chance: the control sees it."""
    from semdev.learners import read_learner
    from semdev.models.rivals.rote import Rote
    from semdev.phenomena import judge

    world, seeds = sd.load("living_things"), range(40)
    found = judge(
        BASIC_LEVEL_ADVANTAGE, read_learner(Rote(arrival="properties")), world, seeds=seeds
    )
    ahead = float((found["value"] >= BASIC_LEVEL_ADVANTAGE.criterion.at_least).mean())
    assert float(found["met"].mean()) <= 0.1 < ahead  # 10 %: of 40 at 2.5 %, more in 1 of 100 cases


def test_dealing_names_keeps_each_item_s_own_lead_on_its_names() -> None:
    import xarray as xr

    from semdev.phenomena.categorizing import deal_names

    late = np.array([[[1.0, 2.0], [1.5, 4.0]]])
    which = np.array([[0, 1], [0, 2]])
    result = xr.Dataset(
        {"late": (("seed", "item", "level"), late), "which": (("item", "level"), which)},
        coords={"seed": [0]},
    )
    deals = [deal_names(result, np.random.default_rng(k)) for k in range(20)]
    assert any(mark == b"" for _, mark in deals)
    for dealt, mark in deals:
        moved = dealt["late"].values
        assert moved[0, 1, 0] - moved[0, 0, 0] == pytest.approx(0.5)  # both bear the first name
        assert (mark == b"") == np.allclose(moved, late)
        means = [moved[0, :, 0].mean(), moved[0, 0, 1], moved[0, 1, 1]]
        assert sorted(means) == pytest.approx([1.25, 2.0, 4.0])
