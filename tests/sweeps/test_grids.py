"""Grids, and what tells one sweep from another."""

from __future__ import annotations

import dataclasses
import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import semdev as sd
from semdev.sweeps.grids import read_grid
from semdev.sweeps.plans import list_differences, make_plan, read_plan

# grids


def test_a_mapping_means_all_combinations():
    grid, values = read_grid({"depth": [1, 2], "scale": [0.1, 0.01, 0.001]})
    assert len(grid.conditions) == len(values) == 6
    assert grid.axes == {"depth": [1, 2], "scale": [0.1, 0.01, 0.001]}
    assert values[4] == {"depth": 2, "scale": 0.01}
    assert [grid.locate(k) for k in (0, 2, 3, 5)] == [(0, 0), (0, 2), (1, 0), (1, 2)]
    assert grid.describe(4) == "depth=2, scale=0.01"


def test_labels_may_stand_for_anything():
    deep = sd.DeepLinear(hidden=8)
    grid, values = read_grid({"model": {"deep": deep, "shallow": sd.Shallow()}})
    assert grid.conditions == (("deep",), ("shallow",))
    assert values[0]["model"] is deep


def test_a_list_names_its_conditions():
    grid, values = read_grid([{"depth": 1, "scale": 1.0}, {"scale": 0.1, "depth": 3}])
    assert grid.conditions == ((1, 1.0), (3, 0.1))
    assert grid.axes == {"condition": [0, 1]}
    assert values[1] == {"depth": 3, "scale": 0.1}


def test_no_names_are_one_condition():
    grid, values = read_grid({})
    assert (grid.conditions, values, grid.describe(0), grid.locate(0)) == (((),), [{}], "all", ())


@pytest.mark.parametrize(
    "values",
    [np.array([1, 2]), range(1, 3), (1, 2), pd.Series([1, 2]), xr.DataArray([1, 2], dims="x")],
    ids=["array", "range", "tuple", "series", "dataarray"],
)
def test_any_row_of_numbers_will_do(values):
    grid, _ = read_grid({"depth": values})
    assert grid.conditions == ((1,), (2,))
    assert all(type(label) is int for (label,) in grid.conditions)


@pytest.mark.parametrize(
    ("grid", "error", "message"),
    [
        ({"scale": 0.1}, TypeError, r"scale has a list of values, such as \[0.1\]"),
        ({"scale": []}, ValueError, "scale has no values"),
        ({"scale": [1, 1.0]}, ValueError, "a value of scale is given twice"),
        ({"hidden": [[32, 32]]}, TypeError, r"a hidden of \[32, 32\] is no label .*'first'"),
        ({"seeds": [1, 2]}, ValueError, r"'seeds' cannot vary in a grid: .*give seeds="),
        ({"a b": [1]}, TypeError, "has the name of a parameter, such as scale; got 'a b'"),
        ("depth", TypeError, "a mapping of names to values, such as"),
        (3, TypeError, "or a list of conditions"),
        ([], TypeError, "a list of conditions has mappings"),
        ([{"a": 1}, {"b": 1}], ValueError, "the first has a, another b"),
        ([{"a": 1}, {"a": 1}], ValueError, "a condition is listed twice"),
        ([{"a": 1}, {"a": 1.0}], ValueError, "a condition is listed twice"),
        ({"a": [0, False]}, ValueError, "a value of a is given twice"),
        ({"a": [float("nan"), np.nan]}, ValueError, "a value of a is given twice"),
        ({"a": [0.1, 0.1 + 1e-16, 0.1 + 2e-17 + 1e-16]}, ValueError, "given twice"),
        ({"a": [1, "1"]}, ValueError, "a holds both 1 and the word '1'; give one another label"),
        ({"a": {"None": 1, None: 2}}, ValueError, "a holds both None and the word 'None'"),
        ([{"a": "1"}, {"a": 1}], ValueError, "a holds both 1 and the word '1'"),
    ],
)
def test_what_is_no_grid_is_said(grid, error, message):
    with pytest.raises(error, match=message):
        read_grid(grid)


def test_conditions_are_found_by_their_labels():
    grid, _ = read_grid({"depth": [1, 2], "scale": np.logspace(-3, -1, 3)})
    assert grid.find({"depth": 2, "scale": 0.01}) == 4  # the logspace's own is not quite .01
    with pytest.raises(ValueError, match=r"3 conditions fit; say which scale too.*measure\(f\)"):
        grid.find({"depth": 2})
    with pytest.raises(KeyError, match="no name 'dept' in this sweep; did you mean 'depth'"):
        grid.find({"dept": 2})
    with pytest.raises(KeyError, match=r"no scale 0.02 in this sweep; .*0.01"):
        grid.find({"depth": 2, "scale": 0.02})


def test_nan_is_a_label_like_others():
    grid, _ = read_grid([{"a": float("nan"), "b": k} for k in (1, 2)])
    again = read_plan(plan(grid=[{"a": float("nan"), "b": k} for k in (1, 2)]).to_json()).grid
    for each in (grid, again):
        assert len(each.columns["a"]) == 1
        assert each.find({"a": np.nan, "b": 2}) == 1


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_every_condition_stands_where_its_labels_do(sizes):
    grid, _ = read_grid({f"n{k}": list(range(size)) for k, size in enumerate(sizes)})
    for number, labels in enumerate(grid.conditions):
        assert grid.locate(number) == labels
        assert grid.find(dict(zip(grid.names, labels, strict=True))) == number


# plans


def plan(**changes):
    settings = {"grid": {"depth": [1, 2]}, "seeds": range(5), "shard_size": 2, "learn": print}
    settings |= changes
    grid, values = read_grid(settings["grid"])
    return make_plan(
        settings["learn"], grid, values, seeds=settings["seeds"],
        shard_size=settings["shard_size"],
    )  # fmt: skip


def test_shards_hold_every_seed_of_every_condition_once():
    shards = plan().shards
    assert [(s.condition, s.seeds) for s in shards] == [
        (0, (0, 1)), (0, (2, 3)), (0, (4,)), (1, (0, 1)), (1, (2, 3)), (1, (4,)),
    ]  # fmt: skip
    assert re.fullmatch("depth=1_seed=2-3_[0-9a-f]{8}", shards[1].name)
    assert len({s.name for s in shards}) == len({s.key for s in shards}) == 6


def test_shards_are_of_128_seeds_by_default():
    assert [len(s.seeds) for s in plan(seeds=range(300), shard_size=None).shards[:3]] == [
        128, 128, 44,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="shard_size is a number of seeds, 1 or more; got 0"):
        plan(shard_size=0)


def test_file_names_are_fit_for_any_file_system():
    (shard,) = plan(grid={"world": ["a/b: ∂x?" + 100 * "y"]}, seeds=[3]).shards
    assert shard.name.startswith("world=a_b_x_yyy")
    assert "_seed=3_" in shard.name
    assert len(shard.name) < 80


def test_a_plan_is_read_as_it_was_written():
    worlds = {"world": {"small": sd.load("saxe2019")}, "scale": [0.1, None, "auto", True]}
    written = plan(grid=worlds)
    assert read_plan(written.to_json()) == written
    assert read_plan(written.to_json()).shards == written.shards
    assert written.values == {"world": {"small": "saxe2019 bc4620e6eeefa761"}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid": {"depth": [1, 3]}}, r"depth is \[1, 2\] there, \[1, 3\] here"),
        ({"grid": {"scale": [1, 2]}}, r"scale is not varied there, \[1, 2\] here"),
        ({"grid": {"depth": {1: 1, 2: "x"}}}, "depth '2' is 2 there, 'x' here"),
        ({"grid": {"depth": [1.0, 2]}}, r"depth is \[1, 2\] there, \[1.0, 2\] here"),
        ({"grid": {"depth": [1]}}, r"depth is \[1, 2\] there, \[1\] here"),
        ({"grid": {"depth": [1, 2], "scale": [1]}}, r"scale is not varied there, \[1\] here"),
        ({"grid": {}}, "depth varies there and not here"),
        ({"grid": [{"depth": 1}, {"depth": 2}]}, "all combinations in one of them and listed in"),
        ({"seeds": range(4)}, "seeds are 0–4 there, 0–3 here"),
        ({"seeds": range(1, 6)}, "seeds are 0–4 there, 1–5 here"),
        ({"shard_size": 3}, "shard_size is 2 there, 3 here"),
        ({"learn": lambda: 1}, "learn is another: builtins.print there, .*<lambda>"),
        ({"learn": sd.train}, "learn is another: builtins.print there, semdev.training.train here"),
    ],
)
def test_what_differs_between_plans_is_named(changes, message):
    found = list_differences(plan(), plan(**changes))
    assert any(re.search(message, each) for each in found), found


def test_what_learn_refers_to_is_named_where_it_has_changed():
    (found,) = list_differences(plan(learn=make(1)), plan(learn=make(2)))
    assert found == "learn is another: step in make.<locals>.learn is 1 there, 2 here"
    (found,) = list_differences(plan(learn=partial(make, 1)), plan(learn=partial(make, 2)))
    assert found == "learn is another: argument 1 of make is 1 there, 2 here"


def test_names_in_another_order_are_another_sweep():
    grids = {"depth": [1], "scale": [1]}, {"scale": [1], "depth": [1]}
    (found,) = list_differences(*(plan(grid=grid) for grid in grids))
    assert found == "names come as depth, scale there, scale, depth here"


def test_conditions_that_are_gone_are_named():
    there, here = plan(grid=[{"a": 1}, {"a": 2}]), plan(grid=[{"a": 3}, {"a": 1}])
    assert list_differences(there, here) == ["a=2 is a condition there and not here"]


def test_another_version_is_another_sweep():
    older = dataclasses.replace(plan(), version="0.0.1")
    assert "it was begun with semdev 0.0.1" in list_differences(older, plan())[0]
    assert list_differences(plan(), plan()) == []


def make(step):
    def learn(x):
        return x + step

    return learn
