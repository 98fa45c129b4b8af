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


# what the world teaches


def test_frequencies_of_some_items_or_of_all():
    data = make(frequency=("item", [1, 3]))
    named = make_patterns(data, frequency={"robin": 5})
    assert named.weights.tolist() == [5, 3]
    assert named.data.properties["frequency"].values.tolist() == [5, 3]
    assert data.properties["frequency"].values.tolist() == [1, 3]
    assert make_patterns(data, frequency=[2, 4]).weights.tolist() == [2, 4]
    turned = xr.DataArray([7, 6], dims="item", coords={"item": ["worm", "robin"]})
    assert make_patterns(data, frequency=turned, relations=True).weights.tolist() == [6, 6, 7, 7]
    history = sd.solve(named, depth=1, times=3)
    assert history["frequency"].values.tolist() == [5, 3]
    assert named.data.digest != data.digest


def test_one_share_for_all_is_a_learning_rate():
    world = sd.load("rogers2004")
    half = make_patterns(world, observed=0.5)
    assert (half.mask == 1).all()
    assert (half.weights == 0.5).all()
    full, slow = (sd.solve(each, depth=2, times=40) for each in (world, half))
    np.testing.assert_allclose(slow["time"], 2 * full["time"])
    np.testing.assert_allclose(slow["output"], full["output"], atol=1e-12)
    assert sd.get_provenance(slow)["method"] == "closed form"
    # Trained with twice the rate, step by step the same.
    model = sd.DeepLinear(hidden=6)
    one, two = (
        sd.train(model, each, seeds=2, learning_rate=rate, steps=300, record=10)
        for each, rate in ((world, 0.01), (half, 0.02))
    )
    np.testing.assert_allclose(one["output"], two["output"], atol=1e-12)
    np.testing.assert_allclose(two["loss"], one["loss"] / 2)


def test_shares_of_properties_relations_and_cells():
    data = make()
    named = make_patterns(data, observed={"can": 0.5, "can fly": 0.25})
    assert named.mask.tolist() == [[0.5, 1, 0.25], [0.5, 1, 0.25]]
    assert named.weights.tolist() == [1, 1]
    by_relation = make_patterns(data, observed={"can": 0.5, "can fly": 0.25}, relations=True)
    assert by_relation.mask.tolist() == [[0.5, 1, 0.25]] * 4
    cells = xr.DataArray(
        [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], dims=("property", "item"),
        coords={"property": ["is soft", "can fly", "can move"], "item": ["worm", "robin"]},
    )  # fmt: skip
    assert make_patterns(data, observed=cells).mask.tolist() == [[0.6, 0.2, 0.4], [0.5, 0.1, 0.3]]
    only = xr.DataArray([1.0, 0.5], dims="item", coords={"item": ["robin", "worm"]})
    one_each = make_patterns(make(frequency=("item", [1, 3])), observed=only)
    assert one_each.weights.tolist() == [1, 1.5]
    assert (one_each.mask == 1).all()
    assert one_each.data.properties["frequency"].values.tolist() == [1, 3]


def test_what_is_never_taught_is_not_learned_in_one_layer_and_filled_in_by_two():
    world = sd.load("rogers2004")
    taught = xr.ones_like(world.properties)
    taught.loc["pine", "has leaves"] = 0
    patterns = make_patterns(world, observed=taught)
    assert (patterns.mask == 0).sum() == 1
    shallow = sd.train(sd.Shallow(scale=0.0), patterns, seeds=1, progress=False)
    assert float(abs(sd.ask(shallow, "pine", "has leaves")).max()) == 0.0
    deep = sd.train(sd.DeepLinear(hidden=32), patterns, seeds=2, dtype="float32", progress=False)
    assert deep["settled"].all()
    assert (sd.ask(deep, "pine", "has leaves").isel(time=-1) > 0.5).all()
    other = abs(deep["output"].isel(time=-1) - deep["target"]).where(taught == 1)
    assert float(other.max()) < 0.05


def test_graded_shares_are_expected_gradients():
    """Sampling which cells are seen, many times a step, comes to the same."""
    data, rng = make(2.0 * VALUES), np.random.default_rng(3)
    share = xr.DataArray(
        [[0.2, 0.9, 0.5], [0.7, 0.1, 1.0]], dims=("item", "property"),
        coords={k: data.properties[k].values for k in ("item", "property")},
    )  # fmt: skip
    exact = sd.train(
        sd.Shallow(scale=0.0), make_patterns(data, observed=share), seeds=1,
        learning_rate=0.01, steps=200, record=[200],
    )  # fmt: skip
    weights, target = np.zeros((500, 2, 3)), data.properties.values
    for _ in range(200):
        seen = rng.random(weights.shape) < share.values
        weights += 0.01 * seen * (target - weights)
    np.testing.assert_allclose(weights.mean(0), exact["output"][0, -1], atol=0.02)


@pytest.mark.parametrize("c", [0.3, 0.9])
def test_codes_are_as_alike_as_asked(c):
    codes = make_patterns(sd.load("rumelhart8"), correlation=c).inputs
    np.testing.assert_allclose(codes @ codes.T, np.where(np.eye(8) == 1, 1, c), atol=1e-12)
    np.testing.assert_allclose(codes, codes.T, atol=1e-12)


def test_codes_alike_by_level():
    world = sd.load("rumelhart8")
    codes = make_patterns(world, correlation=[0.1, 0.3, 0.6]).inputs
    names = world.properties["item"].values.tolist()
    alike = dict(zip(names, (codes @ codes.T)[names.index("pine")], strict=True))
    np.testing.assert_allclose(
        [alike[k] for k in ("pine", "oak", "rose", "robin")], [1, 0.6, 0.3, 0.1], atol=1e-9
    )
    uneven = sd.load("living_things")
    assert np.isfinite(make_patterns(uneven, correlation=[0, 0.1, 0.2, 0.3]).inputs).all()
    one_hot = make_patterns(world, correlation=[0, 0, 0]).inputs
    assert one_hot.tolist() == np.eye(8).tolist()


def test_all_switches_together(tmp_path):
    path = tmp_path / "mine.csv"
    sd.load("saxe2019").to_csv(path)
    for world in (sd.Dataset.from_csv(path), sd.branching_diffusion([2, 2], properties=9, seed=1)):
        item, prop = world.properties["item"].values[0], world.properties["property"].values[1]
        patterns = make_patterns(
            world, frequency={item: 2}, observed={prop: 0.4}, correlation=0.2, relations=True
        )
        history = sd.train(
            sd.DeepLinear(hidden=5, bias=True), patterns, seeds=1, steps=20, record=3
        )
        assert history["frequency"].values.tolist() == [2, 1, 1, 1]
        assert np.isfinite(history["output"]).all()


@settings(deadline=None, max_examples=20)
@given(order=st.permutations(range(4)), c=st.floats(0, 0.95), share=st.floats(0.05, 1))
def test_in_which_order_items_come_does_not_matter_to_any_switch(order, c, share):
    world = sd.load("saxe2019")
    names = world.properties["item"].values
    turned = world.select(items=names[list(order)])
    options = {"frequency": {"canary": 3.0}, "observed": {"can fly": share}, "correlation": c}
    one, two = (sd.solve(make_patterns(w, **options), depth=1, times=5) for w in (world, turned))
    xr.testing.assert_allclose(two["output"].sel(item=names), one["output"], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"frequency": {"robbin": 2}}, KeyError, "no item 'robbin' in pair (frequency); did you m"),
        ({"frequency": [1, 2, 3]}, ValueError, "one number for each of the 2 items of pair, or a"),
        ({"frequency": [1, -2]}, ValueError, "frequency of 'worm' is -2.0; it must be positive"),
        ({"observed": 1.5}, ValueError, "observed is a share of the time, 0 to 1; got 1.5 to 1.5"),
        ({"observed": 0}, ValueError, "nothing is ever observed: there is nothing to learn"),
        ({"observed": {"can fli": 1}}, KeyError, "no property or relation 'can fli' in pair (obs"),
        ({"observed": "half"}, TypeError, "observed is a share (0 to 1), a mapping of properties"),
        ({"observed": xr.DataArray([1.0, 1], dims="item")}, ValueError, "needs the names of its i"),
        (
            {"observed": xr.DataArray([1.0], dims="item", coords={"item": ["worms"]})},
            KeyError,
            "no item 'robin' in observed; allowed: worms",
        ),
        ({"correlation": 1.0}, ValueError, "correlation is at least 0 and below 1, one number or"),
        ({"correlation": [0.1]}, ValueError, "for each level needs a tree, and pair has none; gi"),
        ({"correlation": 0.5, "inputs": np.eye(2)}, ValueError, "give them, or a correlation, not"),
    ],
)
def test_what_no_world_can_teach_is_refused(options, error, message):
    with pytest.raises(error) as caught:
        make_patterns(make(), **options)
    assert message in str(caught.value)


def test_correlations_by_level_must_fit_the_tree():
    world = sd.load("rumelhart8")
    with pytest.raises(ValueError, match="for each of the 3 levels of the tree of rumelhart8 at"):
        make_patterns(world, correlation=[0.1, 0.2])
    with pytest.raises(ValueError, match="must not be less alike: correlation falls in"):
        make_patterns(world, correlation=[0.3, 0.2, 0.4])
    for options in ({"frequency": {}}, {"observed": 0.5}, {"correlation": 0.1}):
        with pytest.raises(ValueError, match="these are patterns already; give the Dataset"):
            make_patterns(make_patterns(world), **options)
