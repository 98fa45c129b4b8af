"""Patterns: two items and three properties by hand, and always a way back."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.data.dataset import Dataset
from semdev.data.patterns import make_patterns

VALUES = np.array([[1, 0, 1], [1, 1, 0]])


def make(values=VALUES, **coords):
    coords = {"item": ["robin", "worm"], "property": ["can move", "is soft", "can fly"]} | coords
    return Dataset(xr.DataArray(values, dims=("item", "property"), coords=coords), name="pair")


def test_one_pattern_for_each_item():
    data = make(frequency=("item", [1, 3]))
    patterns = make_patterns(data)
    assert patterns.inputs.tolist() == [[1, 0], [0, 1]]
    assert patterns.targets.tolist() == VALUES.tolist()
    assert patterns.mask.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert patterns.weights.tolist() == [1, 3]
    assert patterns.asked.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert patterns.relations.tolist() == ["", ""]
    assert patterns.data is data
    assert patterns.one_per_item


def test_one_pattern_for_each_item_and_relation():
    patterns = make_patterns(make(frequency=("item", [1, 3])), relations=True)
    assert patterns.inputs.tolist() == [[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]]
    assert patterns.relations.tolist() == ["can", "is", "can", "is"]
    assert patterns.targets.tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert patterns.mask.tolist() == np.ones((4, 3)).tolist()
    assert patterns.weights.tolist() == [1, 1, 3, 3]
    assert patterns.asked.tolist() == [[0, 1, 0], [2, 3, 2]]
    assert not patterns.one_per_item


@pytest.mark.parametrize(("values", "off"), [(2 * VALUES - 1, -1), (VALUES / 2, 0)])
def test_the_attributes_of_other_relations_are_off(values, off):
    targets = make_patterns(make(values), relations=True).targets
    assert targets[0].tolist() == [values[0, 0], off, values[0, 2]]
    assert targets[1].tolist() == [off, values[0, 1], off]


@pytest.mark.parametrize("relations", [True, False])
@pytest.mark.parametrize("name", ["rumelhart8", "rogers2004"])
def test_targets_read_back_are_the_table(name, relations):
    data = sd.load(name)
    patterns = make_patterns(data, relations=relations)
    np.testing.assert_array_equal(patterns.read_back(patterns.targets), data.properties.values)
    histories = np.stack([patterns.targets, 2 * patterns.targets])[:, None]
    both = patterns.read_back(histories)
    assert both.shape == (2, 1, *data.properties.shape)
    np.testing.assert_array_equal(both[1, 0], 2 * data.properties.values)


@settings(deadline=None)
@given(
    st.permutations(range(8)),
    st.permutations(range(36)),
    st.lists(st.sampled_from("abc"), min_size=36, max_size=36),
)
def test_any_order_and_any_relations_read_back(items, properties, relation):
    table = sd.load("rumelhart8").properties[items, properties]
    data = Dataset(table.assign_coords(relation=("property", relation)))
    patterns = make_patterns(data, relations=True)
    np.testing.assert_array_equal(patterns.read_back(patterns.targets), data.properties.values)
    asked = patterns.relations[patterns.asked]
    np.testing.assert_array_equal(asked, np.tile(data.properties["relation"].values, (8, 1)))


def test_one_relation_makes_one_pattern_for_each_item():
    data = make(relation="has")
    patterns = make_patterns(data, relations=True)
    assert patterns.inputs.tolist() == [[1, 0, 1], [0, 1, 1]]
    assert patterns.one_per_item


def test_inputs_are_taken_as_they_are():
    patterns = make_patterns(make(), inputs=np.array([[0.5, 1, 2], [3, 4, 5]]), relations=True)
    assert patterns.inputs[1].tolist() == [0.5, 1, 2, 0, 1]
    given_inputs = np.eye(2)
    patterns = make_patterns(make(), inputs=given_inputs)
    given_inputs[0, 0] = 9
    assert patterns.inputs.tolist() == [[1, 0], [0, 1]]


def test_labelled_inputs_find_their_items():
    codes = xr.DataArray(
        [[3, 4], [1, 2], [5, 6]], dims=("item", "input"), coords={"item": ["worm", "robin", "oak"]}
    )
    assert make_patterns(make(), inputs=codes).inputs.tolist() == [[1, 2], [3, 4]]
    assert make_patterns(make(), inputs=codes.T).inputs.tolist() == [[1, 2], [3, 4]]


def test_patterns_pass_through():
    patterns = make_patterns(make())
    assert make_patterns(patterns) is patterns
    with pytest.raises(dataclasses.FrozenInstanceError, match="field 'inputs'"):
        patterns.inputs = None


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        (VALUES, {}, TypeError, "a semdev Dataset is needed, got ndarray; load one with"),
        (make(), {"inputs": np.eye(3)}, ValueError, "inputs must be 2 finite rows (one for each i"),
        (make(), {"inputs": np.ones(2)}, ValueError, "any number of inputs, got shape (2,)"),
        (make(), {"inputs": [[np.nan], [1]]}, ValueError, "of pair) × any number of inputs, got"),
        (
            make(),
            {"inputs": xr.DataArray([[1]], dims=("item", "input"), coords={"item": ["Robin"]})},
            KeyError,
            "no item 'robin' in inputs; did you mean 'Robin'?",
        ),
        (make_patterns(make()), {"relations": True}, ValueError, "these are patterns already;"),
        (make_patterns(make()), {"inputs": np.eye(2)}, ValueError, "give the Dataset to make oth"),
    ],
)
def test_what_makes_no_patterns_is_refused(data, options, error, message):
    with pytest.raises(error) as caught:
        make_patterns(data, **options)
    assert message in str(caught.value)
