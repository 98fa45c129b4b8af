"""Over-extension of names: whose name, to whom, and what cannot show it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import semdev as sd
from semdev.data.null_worlds import NULL_WORLDS, make_null_world
from semdev.learners import Learner
from semdev.measures.overextension import overextension
from semdev.phenomena import naming
from semdev.phenomena.base import judge
from semdev.phenomena.naming import OVEREXTENSION, choose_frequent, find_names, lend_name


def learn_exactly(data: sd.Dataset, seed: int) -> xr.Dataset:
    return sd.solve(data, depth=2).assign_coords(seed=[seed])


def learn_shallow(data: sd.Dataset, seed: int) -> xr.Dataset:
    return sd.solve(data, depth=1).assign_coords(seed=[seed])


def make_result(lent: list[float], usually: list[float]) -> xr.Dataset:
    """The first of two birds, beside two trees, is met often."""
    classes = [["all", "bird"], ["all", "bird"], ["all", "tree"], ["all", "tree"]]
    return xr.Dataset(
        {
            "lent": (("seed", "item"), [[np.nan, *lent]]),
            "usually": (("seed", "item"), [[np.nan, *usually]]),
            "frequent": 0,
        },
        coords={"seed": [0], "ancestor": (("item", "level"), classes)},
    )


def test_hand_made_values() -> None:
    measure = naming.measure_lending
    assert measure(make_result([0.6, 0.2, 0.2], [0.3, 0.1, 0.1])).item() == pytest.approx(0.3)
    assert measure(make_result([0.6, 0.5, 0.5], [0.1, 0.1, 0.1])).item() == pytest.approx(0.1)
    assert measure(make_result([0.6, 0.1, 0.1], [0.6, 0.1, 0.1])).item() == pytest.approx(0)
    assert np.isnan(measure(make_result([0.6, np.nan, np.nan], [0.6, 0.1, 0.1])).item())


def test_what_is_lent_is_the_passing_overextension() -> None:
    world = sd.load("rogers2004")
    found = lend_name(Learner(learn_exactly), world, [0])
    often = sd.solve(sd.make_patterns(world, frequency={"dog": 8}), depth=2)
    name = overextension(often, names="ISA dog").isel(name=0)
    np.testing.assert_allclose(found["lent"], name["peak"] - name["final"], atol=1e-9)
    assert world.properties["item"].values[int(found["frequent"])] == "dog"


def test_the_choice_depends_on_properties_alone() -> None:
    world = sd.load("living_things")
    items = world.properties["item"].values.tolist()
    item, name = choose_frequent(world)
    turned = world.select(items=items[::-1])
    again, same = choose_frequent(turned)
    assert turned.properties["item"].values[again] == items[item]
    assert same == name
    other = world.with_tree(sd.trees.from_nested(items))
    assert choose_frequent(other) == (item, name)


@pytest.mark.parametrize("kind", NULL_WORLDS)
def test_names_can_be_chosen_in_worlds_without_structure(kind: str) -> None:
    world = make_null_world(sd.load("living_things"), kind)
    item, name = choose_frequent(world)
    bears = world.properties.values[:, name] > 0.5
    assert name in find_names(world)
    assert bears[item]
    assert not bears.all()


def test_deep_networks_show_it_and_shallow_ones_never() -> None:
    world = sd.load("rogers2004")
    assert judge(OVEREXTENSION, Learner(learn_exactly), world, seeds=[0])["met"].all()
    shallow = judge(OVEREXTENSION, Learner(learn_shallow), world, seeds=[0])
    np.testing.assert_allclose(shallow["value"], 0, atol=1e-6)
    biased = judge(OVEREXTENSION, Learner(sd.Shallow(bias=True)), world, seeds=[0, 1])
    assert not shallow["met"].any()
    assert not biased["met"].any()


def test_it_needs_the_frequency(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "OFTEN", 1)
    same = judge(OVEREXTENSION, Learner(learn_exactly), sd.load("rogers2004"), seeds=[0])
    assert same["value"].item() == pytest.approx(0, abs=1e-9)


def test_what_cannot_be_asked_is_not_applicable() -> None:
    learner = Learner(learn_exactly)
    found = judge(OVEREXTENSION, learner, sd.load("saxe2019"), seeds=[0])
    assert found["reason"].item().startswith("the data have no names")
    few = sd.load("rumelhart8").select(items=["pine", "oak", "robin", "canary"])
    assert "too few" in judge(OVEREXTENSION, learner, few, seeds=[0])["reason"].item()
    bare = judge(OVEREXTENSION, learner, sd.load("rumelhart8").with_tree(None), seeds=[0])
    assert bare["reason"].item() == "the data have no tree"
