"""Naming: levels of names, crossings by hand and in closed form, and what does not matter."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

import semdev as sd
from semdev.measures.names import read_names, strip_relation
from semdev.measures.naming import naming

# p0: general (a b c), p1: general (d), p2: basic (a b), p3: basic (c), p4 …: specific (a, b, d).
NAMES = np.array([[1, 0, 1, 0, 1, 0, 0], [1, 0, 1, 0, 0, 1, 0], [1, 0, 0, 1, 0, 0, 0],
                  [0, 1, 0, 0, 0, 0, 1]])  # fmt: skip
RELATIONS = ["ISA_general"] * 2 + ["ISA_basic"] * 2 + ["ISA_specific"] * 3
FOUR = {"a": ["p0", "p2", "p4"], "b": ["p0", "p2", "p5"], "c": ["p0", "p3", ""],
        "d": ["p1", "", "p6"]}  # fmt: skip


def plant_names(plant, output, time, target=NAMES, relations=RELATIONS, tree=None):
    history = plant(target, output, time, tree=tree)
    return history.assign_coords(relation=("property", relations))


def random_history(plant, seed, times=6):
    rng = np.random.default_rng(seed)
    output = np.cumsum(rng.normal(0.1, 0.3, size=(2, times, 4, 7)), axis=1)
    return plant_names(plant, output, np.cumsum(rng.uniform(0.1, 1, times)))


# by hand


def test_crossings_advantage_and_rivals_by_hand(plant):
    output = np.zeros((2, 4, 4, 7))
    output[0, :, 0, 0] = [0.0, 0.2, 0.4, 0.6]  # a is general
    output[0, :, 0, 2] = [0.0, 0.4, 0.6, 0.9]  # basic
    output[0, :, 0, 4] = [0.1, 0.1, 0.2, 0.3]  # specific
    output[0, :, 0, 5] = [0.0, 0.2, 0.2, 0.0]  # and is called b
    found = naming(plant_names(plant, output, [0, 1, 2, 4]))
    assert found["level"].values.tolist() == ["general", "basic", "specific"]
    assert found["name"].values.tolist() == list(FOUR.values())
    assert float(found["criterion"]) == 0.5
    a = found.sel(item="a", seed=0)
    assert a["crossing"].values == pytest.approx([3.0, 1.5, np.nan], nan_ok=True)
    assert a["first"].values.tolist() == [False, True, False]
    assert a["advantage"].sel(level="basic").values == pytest.approx([-0.1, 0.2, 0.2, 0.3])
    assert a["advantage"].sel(level="specific").values == pytest.approx([0.1, -0.3, -0.4, -0.6])
    assert a["rival"].sel(level="specific").values == pytest.approx([0, 0.2, 0.2, 0])
    assert a["correct"].sel(level="specific").values.tolist() == [True, False, False, True]
    assert a["correct"].sel(level="general").values.tolist() == [False, True, True, True]
    never = found.sel(seed=1)
    assert never["crossing"].isnull().all()
    assert not never["first"].any()
    assert not never["correct"].any()


def test_where_an_item_has_no_name_of_a_level(plant):
    output = np.full((1, 3, 4, 7), 0.9)
    found = naming(plant_names(plant, output, [0, 1, 2])).isel(seed=0)
    for item, level in (("c", "specific"), ("d", "basic")):
        cell = found.sel(item=item, level=level)
        assert cell["name"].item() == ""
        for name in ("activation", "advantage", "crossing"):
            assert cell[name].isnull().all()
        assert not cell["correct"].any()
        assert not cell["first"].any()
        assert cell["rival"].values == pytest.approx([0.9] * 3)  # all of these names are wrong


def test_a_level_must_be_ahead_to_be_first(plant):
    output = np.zeros((1, 2, 4, 7))
    output[0, 1, 1] = [0.5 / 0.40, 0, 0.5 / 0.41, 0, 0, 0.5 / 0.9, 0]
    history = plant_names(plant, output, [0, 1])
    assert naming(history)["crossing"].sel(item="b").values[0] == pytest.approx([0.4, 0.41, 0.9])
    assert naming(history)["first"].sel(item="b").values[0].tolist() == [False] * 3
    for margin in (0, 0.02):
        first = naming(history, margin=margin)["first"].sel(item="b").values[0]
        assert first.tolist() == [True, False, False]


def test_who_starts_above_the_criterion_crosses_at_once_and_ties_are_not_first(plant):
    output = np.zeros((2, 2, 4, 7))
    output[:, :, 3, 1] = 0.7
    output[1, :, 3, 6] = 0.8
    d = naming(plant_names(plant, output, [0.0, 1.0]), margin=0).sel(item="d")
    assert d["crossing"].values[0].tolist()[0] == 0
    assert d["first"].values.tolist() == [[True, False, False], [False, False, False]]


@pytest.mark.parametrize("criterion", [0.2, 0.5, 0.8])
def test_logistic_curves_cross_where_they_must(plant, criterion):
    time = np.linspace(0, 20, 4001)
    middle, width = np.array([5.0, 4.0, 9.0]), np.array([0.5, 1.0, 0.8])
    output = np.zeros((1, len(time), 4, 7))
    output[0, :, 0, [0, 2, 4]] = 1 / (1 + np.exp(-(time - middle[:, None]) / width[:, None]))
    a = naming(plant_names(plant, output, time), criterion=criterion).sel(item="a", seed=0)
    expected = middle + width * np.log(criterion / (1 - criterion))
    assert a["crossing"].values == pytest.approx(expected, abs=1e-4)
    assert a["first"].values.tolist() == (expected == expected.min()).tolist()


def test_crossings_agree_with_root_finding_and_sorting_by_hand():
    """Each cell once more, from the output, by other means."""
    history = sd.train(
        sd.DeepLinear(24), sd.load("rogers2004"), seeds=[3], record=60, progress=False
    )
    found = naming(history)
    for cell in found["crossing"].stack(cell=["seed", "item", "level"]).transpose("cell"):
        at = {kind: cell[kind].item() for kind in ("seed", "item", "level")}
        name = found["name"].sel(item=at["item"], level=at["level"]).item()
        if not name:
            continue
        curve = history["output"].sel(seed=at["seed"], item=at["item"], property=name)
        assert found["activation"].sel(at).values == pytest.approx(curve.values)
        reach = lambda t, c=curve: np.interp(t, c["time"].values, c.values) - 0.5  # noqa: E731
        assert float(cell) == pytest.approx(brentq(reach, 0, float(history["time"][-1])), rel=1e-6)
        of_level = history["relation"].values == f"ISA_{at['level']}"
        all_names = history["output"].sel(seed=at["seed"], item=at["item"]).isel(property=of_level)
        winner = all_names["property"].values[all_names.values.argmax(-1)]
        assert (found["correct"].sel(at).values == (winner == name)).all()
    assert found["correct"].isel(time=-1).where(found["name"] != "").mean() > 0.5


# levels


@pytest.mark.parametrize("name", ["rogers2004", "rumelhart8", "living_things", "zoo"])
def test_names_of_the_corpora(name):
    world = sd.load(name)
    names = naming(sd.solve(world, depth=2, times=3))["name"]
    table = world.properties
    isa = table["property"].values[[r.startswith("ISA") for r in table["relation"].values]]
    expected = {"zoo": (1, 101), "rumelhart8": (4, 32), "rogers2004": (3, 21 + 21 + 16),
                "living_things": (4, 28 * 3 + 4)}[name]  # fmt: skip
    assert (names.sizes["level"], int((names != "").sum())) == expected
    assert set(names.values.ravel()) - {""} == set(isa) - {"ISA pet"}
    for item, row in zip(names["item"].values, names.values, strict=True):
        borne = [n for n in row if n]
        assert (table.sel(item=item, property=borne) == 1).all()
        breadth = (table.sel(property=borne) == 1).sum("item").values
        assert (np.diff(breadth) <= 0).all()


def test_levels_of_the_published_corpora():
    rogers = naming(sd.solve(sd.load("rogers2004"), depth=2, times=3))["name"]
    assert rogers["level"].values.tolist() == ["general", "basic", "specific"]
    assert rogers.sel(item="penguin").values.tolist() == ["ISA animal", "ISA bird", "ISA penguin"]
    assert rogers.sel(item="goat").values.tolist() == ["ISA animal", "ISA goat", ""]
    eight = naming(sd.solve(sd.load("rumelhart8"), depth=2, times=3))["name"]
    assert eight["level"].values.tolist() == [f"depth {k}" for k in range(4)]
    assert eight.sel(item="rose", level="depth 2").item() == "ISA flower"


def test_one_relation_with_a_label_of_its_own_keeps_it():
    world = sd.load("rogers2004")
    basic = world.properties["relation"].values == "ISA_basic"
    other = world.properties["relation"].values == "can"
    few = world.select(properties=world.properties["property"].values[basic | other])
    found = naming(sd.solve(few, depth=2))
    assert found["level"].values.tolist() == ["basic"]
    assert found["advantage"].isnull().all()
    assert not found["first"].any()
    assert found["crossing"].notnull().all()


def test_levels_of_ones_own_are_taken_in_their_order(plant):
    history = plant_names(plant, np.zeros((1, 2, 4, 7)), [0, 1], relations=["has"] * 7)
    levels = {"narrow": ["p4", "p5", "p6"], "broad": ("p0", "p1"), "some": "p2"}
    found = naming(history, levels=levels)
    assert found["level"].values.tolist() == ["narrow", "broad", "some"]
    assert found["name"].sel(item="c").values.tolist() == ["", "p0", ""]


def test_names_that_cross_are_refused_unless_a_tree_tells_which_is_a_class(plant):
    target = np.array([[1, 1], [1, 0], [0, 1], [0, 0]])
    bare = plant_names(plant, np.zeros((1, 2, 4, 2)), [0, 1], target, ["ISA"] * 2)
    with pytest.raises(ValueError, match=r"names 'p0' and 'p1' cross: each is borne by some items"):
        naming(bare)
    tree = {"x": ["a", "c"], "y": ["b", "d"]}
    told = plant_names(plant, np.zeros((1, 2, 4, 2)), [0, 1], target, ["ISA"] * 2, tree)
    assert naming(told)["name"].values.ravel().tolist() == ["p1", "", "p1", ""]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"criterion": 1.0}, ValueError, r"between the lowest and the highest .*, 0 and 1; got 1"),
        ({"criterion": "half"}, ValueError, r"got 'half'"),
        ({"margin": -0.1}, ValueError, r"margin is a share of the crossing time, .* got -0.1"),
        ({"levels": {}}, ValueError, r"levels maps labels to names, from broad to narrow"),
        ({"levels": ["p1"]}, ValueError, r"levels maps labels to names, from broad to narrow"),
        ({"levels": {"x": ["p22"]}}, KeyError, r"\(level 'x'\); did you mean 'p2'\?"),
        ({"levels": {"x": []}}, ValueError, r"level 'x' has no names: give one at least"),
        ({"levels": {"x": ["p0", "p2"]}}, ValueError, r"'a' bears 'p0', 'p2', all of level 'x'"),
    ],
)
def test_what_is_refused(plant, options, error, message):
    history = plant_names(plant, np.zeros((1, 2, 4, 7)), [0, 1])
    with pytest.raises(error, match=message):
        naming(history, **options)


def test_data_without_names_are_told_what_to_do():
    with pytest.raises(ValueError, match=r"no names: no property's relation begins with ISA \(th"):
        naming(sd.solve(sd.load("saxe2019"), depth=2))


def test_names_nobody_bears_are_no_names(plant):
    unborne = plant_names(plant, np.zeros((1, 2, 4, 7)), [0, 1], NAMES * (np.arange(7) != 2))
    with pytest.raises(ValueError, match="no item bears a name of level 'x'"):
        naming(unborne, levels={"x": ["p2"], "y": ["p0", "p1"]})
    target = NAMES.copy()
    target[3] = [1, 0, 0, 0, 0, 0, 1]
    found = naming(plant_names(plant, np.zeros((1, 2, 4, 7)), [0, 1], target))
    assert (found["name"].sel(level="general") == "p0").all()
    assert found["rival"].sel(level="general").isnull().all()  # nobody is wrongly called p0


def test_the_relation_is_stripped_from_names_only():
    assert strip_relation("ISA living thing") == "living thing"
    assert strip_relation("isabelline bear") == "isabelline bear"


# what does not matter


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    rows=st.permutations(range(4)),
    columns=st.permutations(range(7)),
    swap=st.booleans(),
)
def test_order_changes_nothing(plant, seed, rows, columns, swap):
    history = random_history(plant, seed)
    turned = history.isel(item=rows, property=columns, seed=[1, 0] if swap else [0, 1])
    other, plain = naming(turned), naming(history)
    assert other["level"].values.tolist() == plain["level"].values.tolist()
    for name in plain:
        xr.testing.assert_equal(
            other[name] if not plain[name].dims else other[name].reindex_like(plain[name]),
            plain[name],
        )


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), scale=st.floats(0.3, 4), shift=st.floats(-3, 3))
def test_coding_changes_nothing_but_the_units(plant, seed, scale, shift):
    assume(abs(shift) > 0.01 or scale != 1)
    history = random_history(plant, seed)
    coded = history.assign(
        output=scale * history["output"] + shift, target=scale * history["target"] + shift
    )
    other, plain = naming(coded), naming(history)
    xr.testing.assert_allclose(other["crossing"], plain["crossing"], atol=1e-9)
    xr.testing.assert_allclose(other["advantage"], scale * plain["advantage"], atol=1e-9)
    assert float(other["criterion"]) == pytest.approx(shift + scale / 2)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=15)
def test_time_scales_crossings_and_nothing_else(plant, seed):
    history = random_history(plant, seed)
    slow = history.assign_coords(time=3 * history["time"].values)
    np.testing.assert_allclose(naming(slow)["crossing"], 3 * naming(history)["crossing"])
    np.testing.assert_array_equal(naming(slow)["first"], naming(history)["first"])


# learners


def test_without_a_hidden_layer_no_level_is_first():
    """Every cell of a shallow learner goes with 1 − e^(−t): all names cross at ln 2."""
    found = naming(sd.solve(sd.load("rogers2004"), depth=1, initial=0.0, times=2000))
    there = found["name"].values != ""
    np.testing.assert_allclose(found["crossing"].values[:, there], np.log(2), atol=1e-4)
    assert not found["first"].any()


@pytest.mark.parametrize("seed", [0, 11])
def test_names_taught_more_often_are_first_in_a_shallow_learner(seed):
    often = sd.make_patterns(
        sd.load("rogers2004"), observed={"ISA_general": 0.2, "ISA_specific": 0.2}
    )
    found = naming(sd.train(sd.Shallow(), often, seeds=[seed], progress=False))
    several = (found["name"] != "").sum("level") == 3
    assert found["first"].sel(level="basic").where(several, drop=True).all()


@pytest.mark.parametrize("name", ["rumelhart8", "rogers2004"])
def test_a_sigmoid_network_with_relations_is_read_the_same_way(name):
    history = sd.train(
        sd.Rumelhart(), sd.load(name), seeds=2, steps=400, dtype="float32", progress=False
    )
    found = naming(history)
    wide, narrow = (found["activation"].isel(level=k, time=-1) for k in (0, -1))
    assert (wide.min("item") > narrow.max("item")).all()
    assert found["first"].isel(level=0).mean() > 0.9
    table = sd.summarize(found)
    assert set(table.columns) >= {"item", "level", "name", "crossing", "first"}
    assert table["first"].between(0, 1).all()


def test_the_readers_of_names_say_who_bears_them():
    names = read_names(sd.solve(sd.load("rumelhart8"), depth=2, times=2))
    assert names.bears.sum() == 93
    assert [len(at) for at in names.members] == [1, 2, 4, 8]
    assert (names.low, names.high) == (0.0, 1.0)
