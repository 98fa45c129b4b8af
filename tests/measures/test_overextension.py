"""Overextension: by hand, by other means, against a bias, and what does not matter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

import semdev as sd
from semdev.measures.overextension import overextension

# p0: names a; p1: b; p2: c; p3: d; then what they are like: b and a most of all.
TARGET = np.array([[1, 0, 0, 0, 1, 1, 1, 0], [0, 1, 0, 0, 1, 1, 0, 0], [0, 0, 1, 0, 1, 0, 0, 1],
                   [0, 0, 0, 1, 0, 0, 0, 1]])  # fmt: skip
RELATIONS = ["ISA"] * 4 + ["has"] * 4
TREE = {"x": ["a", "b"], "y": ["c", "d"]}
TIMELESS = ("peak", "peak_time", "final", "excess", "overtakes")


def plant_names(plant, output, time, tree=TREE, target=TARGET):
    history = plant(target, output, time, tree=tree)
    return history.assign_coords(relation=("property", RELATIONS))


def random_history(plant, seed, times=7):
    rng = np.random.default_rng(seed)
    output = np.cumsum(rng.normal(0.05, 0.3, size=(2, times, 4, 8)), axis=1)
    return plant_names(plant, output, np.cumsum(rng.uniform(0.1, 1, times)))


@pytest.fixture(scope="module")
def dogs():
    """Networks that meet a dog eight times as often as the others: deep, shallow, with a bias."""
    often = sd.make_patterns(sd.load("rogers2004"), frequency={"dog": 8})
    models = {
        "deep": sd.DeepLinear(24), "shallow": sd.Shallow(), "biased": sd.Shallow(bias=True)
    }  # fmt: skip
    return {
        name: sd.train(model, often, seeds=[2, 9], record=150, progress=False)
        for name, model in models.items()
    }


# by hand


@pytest.mark.parametrize("false", [0.0, -1.0], ids=["0/1", "±1"])
def test_a_name_extended_and_withdrawn_by_hand(plant, false):
    target = np.where(TARGET == 1, 1.0, false)
    output = np.full((1, 4, 4, 8), false)
    output[0, :, 1, 0] = [0.0, 0.6, 0.4, 0.2]  # b is called a
    output[0, :, 2, 0] = [0.0, 0.3, 0.1, 0.0]
    output[0, :, 3, 0] = [0.0, 0.1, 0.3, 0.1]
    output[0, :, 1, 1] = [0.1, 0.1, 0.2, 0.9]  # b is called b
    output[0, :, 0, 0] = [0.0, 0.7, 0.8, 0.9]
    found = overextension(plant_names(plant, output, [0, 1, 2, 4], target=target), names="p0")
    found = found.isel(seed=0).sel(name="p0")
    b = found.sel(item="b")
    assert (float(b["peak"]), float(b["peak_time"])) == (0.6, 1.0)
    assert float(b["final"]) == pytest.approx(0.2)
    assert float(b["excess"]) == pytest.approx(0.6 - 0.2)
    assert float(b["overtakes"]) == pytest.approx(2 + 2 * 0.2 / (0.2 + 0.7))
    assert found["index"].values == pytest.approx([0, 1 / 3, 0.8 / 3, 0.1])
    assert found["activation"].sel(item="a").values == pytest.approx([0, 0.7, 0.8, 0.9])
    for name in TIMELESS:
        assert np.isnan(float(found[name].sel(item="a")))
    assert found["bears"].values.tolist() == [True, False, False, False]
    assert found["own"].values.tolist() == ["p0", "p1", "p2", "p3"]
    assert found["excess"].isnull().values.tolist() == [True, False, True, True]
    assert float(found["frequency"]) == 1


@pytest.mark.parametrize(
    ("own", "wrong", "expected"),
    [
        ([0, 0, 1], [0.5, 0.5, 0.5], 1.5),
        ([0, 1, 0, 1], [0.5] * 4, 2.5),  # the last time counts
        ([1, 1, 1], [0.5] * 3, np.nan),  # always
        ([0, 1, 0], [0.5] * 3, np.nan),  # not in the end
        ([0, 0, 0], [0.0] * 3, np.nan),
        ([0.5, 0.5, 1], [0.5] * 3, 1.0),
    ],
)
def test_when_ones_own_name_overtakes(plant, own, wrong, expected):
    output = np.zeros((1, len(own), 4, 8))
    output[0, :, 1, 1], output[0, :, 1, 0] = own, wrong
    found = overextension(plant_names(plant, output, np.arange(len(own))), names=["p0"])
    time = float(found["overtakes"].sel(item="b").item())
    assert time == pytest.approx(expected, nan_ok=True)


# by other means


@pytest.mark.parametrize("name", ["rogers2004", "rumelhart8", "living_things"])
def test_everything_once_more_by_other_means(name):
    world = sd.load(name)
    history = sd.train(sd.DeepLinear(28), world, seeds=[4, 7], record=70, progress=False)
    found = overextension(history)
    table = world.properties
    plain = np.array([not r.startswith("ISA") for r in table["relation"].values])
    over = sd.overgeneralizations(history)
    for label in found["name"].values:
        own = found.sel(name=label)
        bears = table.sel(property=label).values == 1
        assert own["bears"].values.tolist() == bears.tolist()
        assert float(own["frequency"]) == bears.sum()
        mean = table.values[bears][:, plain].mean(0)
        alike = cosine_similarity(table.values[:, plain], mean[None])[:, 0]
        np.testing.assert_allclose(own["similarity"], alike)
        wrong = history["output"].sel(property=label).isel(item=~bears)
        np.testing.assert_allclose(own["index"], wrong.mean("item"))
        peaks = pd.DataFrame(wrong.max("time").values.T).assign(alike=alike[~bears])
        peaks = (peaks / peaks.abs().max()).round(6)
        rho = peaks.corr(method="spearman")["alike"].iloc[:2]
        np.testing.assert_allclose(own["graded"], rho, atol=1e-9)
        for kind in ("peak", "excess", "final", "peak_time"):
            theirs = over[kind].sel(property=label).where(~xr.DataArray(bears, dims="item"))
            np.testing.assert_allclose(own[kind], theirs.transpose("seed", "item"))


def test_the_names_that_everybody_bears_are_nobodys_mistake():
    names = overextension(sd.solve(sd.load("rumelhart8"), depth=2, times=3))["name"]
    assert names.sizes["name"] == 14
    assert "ISA living thing" not in names


def test_overtaking_once_more_from_the_records(dogs):
    found = overextension(dogs["deep"], names="ISA dog")["overtakes"].isel(name=0)
    output, time = dogs["deep"]["output"], dogs["deep"]["time"].values
    for item, own in (("goat", "ISA goat"), ("robin", "ISA robin"), ("pine", "ISA pine")):
        behind = output.sel(item=item, property="ISA dog") > output.sel(item=item, property=own)
        for seed in found["seed"].values:
            last = np.flatnonzero(behind.sel(seed=seed))[-1]
            at = float(found.sel(item=item, seed=seed))
            assert time[last] <= at <= time[last + 1]


def test_without_a_tree_only_the_excess_is_unknown():
    data = sd.load("rogers2004")
    with_tree, without = (
        overextension(sd.solve(each, depth=2, times=40))
        for each in (data, sd.Dataset(data.properties, None, "bare"))
    )
    assert without["excess"].isnull().all()
    assert with_tree["excess"].notnull().any()
    xr.testing.assert_equal(without.drop_vars("excess"), with_tree.drop_vars("excess"))


# what is taught more often is extended to what is like it


def test_dogs_met_often_lend_their_name_to_what_is_like_them(dogs):
    deep = overextension(dogs["deep"], names=["ISA dog", "ISA goat"])
    dog, goat = deep.sel(name="ISA dog"), deep.sel(name="ISA goat")
    peak = dog["peak"].transpose("item", "seed")
    assert (peak.sel(item="goat") > peak.sel(item="canary")).all()
    assert (peak.sel(item="canary") > peak.sel(item="pine")).all()
    assert (dog["graded"] > 0.5).all()
    assert (goat["peak"].sel(item="dog") < 0.5 * dog["peak"].sel(item="goat")).all()
    assert (dog["overtakes"].sel(item="goat") > dog["overtakes"].sel(item="canary")).all()
    assert deep["frequency"].values.tolist() == [8, 1]
    assert (dog["excess"].sel(item="goat") > 0.2).all()


def test_without_a_hidden_layer_nothing_is_extended_and_a_bias_extends_to_all_alike(dogs):
    shallow = overextension(dogs["shallow"], names="ISA dog")
    assert abs(shallow["index"]).max() < 0.01
    biased = overextension(dogs["biased"], names="ISA dog")
    assert (biased["index"].max("time") > 0.1).all()
    assert abs(biased["excess"]).max() < 0.03
    deep = overextension(dogs["deep"], names="ISA dog")
    assert deep["excess"].max("item").min() > 0.3


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        ({("dog", "ISA_basic"): 8}, {"ISA dog": 8, "ISA goat": 1, "ISA animal": 13}),
        ({"dog": 8}, {"ISA dog": 8, "ISA goat": 1, "ISA animal": 20}),
        ({"ISA_basic": 0.25}, {"ISA dog": 0.25, "ISA bird": 1.0, "ISA animal": 13}),
    ],
)
def test_how_often_a_name_is_taught_with_relations(frequency, expected):
    patterns = sd.make_patterns(sd.load("rogers2004"), relations=True, frequency=frequency)
    history = sd.train(sd.Rumelhart(), patterns, seeds=1, steps=3, dtype="float32", progress=False)
    found = overextension(history, names=list(expected))
    assert found["frequency"].values.tolist() == pytest.approx(list(expected.values()))


# what does not matter


@settings(max_examples=20)
@given(
    seed=st.integers(0, 10**6),
    rows=st.permutations(range(4)),
    columns=st.permutations(range(8)),
    swap=st.booleans(),
)
def test_order_changes_nothing(plant, seed, rows, columns, swap):
    history = random_history(plant, seed)
    turned = history.isel(item=rows, property=columns, seed=[1, 0] if swap else [0, 1])
    plain, other = overextension(history), overextension(turned)
    xr.testing.assert_allclose(other.reindex_like(plain), plain, atol=1e-9)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), coding=st.booleans())
def test_names_are_but_names(plant, seed, coding):
    """Others in their place, or other units, and all is the same."""
    history = random_history(plant, seed)
    other = history.assign_coords(
        item=[f"thing {k}" for k in range(4)], property=[f"fact {k}" for k in range(8)]
    )
    if coding:
        other = other.assign(output=2 * other["output"] - 1, target=2 * other["target"] - 1)
    ours, theirs = overextension(history), overextension(other)
    np.testing.assert_allclose(theirs["overtakes"], ours["overtakes"])
    np.testing.assert_allclose(theirs["peak_time"], ours["peak_time"])
    factor = 2 if coding else 1
    np.testing.assert_allclose(theirs["excess"], factor * ours["excess"], atol=1e-9)
    np.testing.assert_allclose(theirs["index"], factor * ours["index"] - coding, atol=1e-9)


# any property, and what is refused


def test_any_property_may_be_extended():
    exact = sd.solve(sd.load("saxe2019"), depth=2)
    found = overextension(exact, names="can fly").isel(seed=0, name=0)
    assert float(found["peak"].sel(item="salmon")) == pytest.approx(
        float(sd.ask(exact, "salmon", "can fly").max())
    )
    assert (found["own"] == "").all()
    assert found["overtakes"].isnull().all()
    levels = {"basic": ["can fly", "can swim", "has leaves", "has petals"]}
    often = sd.make_patterns(sd.load("saxe2019"), frequency={"canary": 4})
    found = overextension(sd.solve(often, depth=2), levels=levels).isel(seed=0)
    assert found["own"].values.tolist() == ["can fly", "can swim", "has leaves", "has petals"]
    assert found["name"].values.tolist() == levels["basic"]
    assert found["overtakes"].sel(name="can fly", item="salmon").notnull()


def test_data_that_hold_nothing_but_names_tell_no_similarity():
    world = sd.load("rogers2004")
    isa = [r.startswith("ISA") for r in world.properties["relation"].values]
    bare = world.select(properties=world.properties["property"].values[isa])
    found = overextension(sd.solve(bare, depth=2))
    assert found["similarity"].isnull().all()
    assert found["graded"].isnull().all()
    assert found["peak"].notnull().any()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"names": "ISA dgo"}, KeyError, r"no name 'ISA dgo' in this History; did you mean 'IS"),
        ({"names": []}, ValueError, r"names is empty: give one at least"),
        ({"names": ["is living"]}, ValueError, r"every item bears 'is living': a name is overext"),
        ({"levels": {"x": ["is living"]}}, ValueError, r"every item bears every name: nobody is"),
        ({"levels": {"x": ["ISA bird", "ISA robin"]}}, ValueError, r"'robin' bears 'ISA bird', 'I"),
    ],
)
def test_what_is_refused(options, error, message):
    history = sd.solve(sd.load("rogers2004"), depth=2, times=3)
    with pytest.raises(error, match=message):
        overextension(history, **options)


def test_data_without_names_are_told_what_to_do(plant):
    with pytest.raises(ValueError, match=r"no names: no property's relation begins with ISA"):
        overextension(sd.solve(sd.load("saxe2019"), depth=2))
    nobody = np.array(TARGET)
    nobody[0, 0] = 0
    history = plant_names(plant, np.zeros((1, 2, 4, 8)), [0, 1], target=nobody)
    with pytest.raises(ValueError, match=r"no item bears 'p0': a name is overextended to items"):
        overextension(history, names="p0")


def test_a_table_of_it():
    table = sd.summarize(overextension(sd.solve(sd.load("rogers2004"), depth=2)), by="peak", top=3)
    assert {"name", "item", "peak", "peak_low", "excess", "graded", "similarity"} <= set(table)
    assert table["peak"].is_monotonic_decreasing
