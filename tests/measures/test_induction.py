"""Induction: by hand, against least squares, against theory, and whatever turns the units."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

import semdev as sd
from semdev.measures.induction import (
    count_matrices,
    project_item,
    project_property,
    projection_gradient,
)


def plant_layer(plant_history, layer, *, tree=None):
    """Make a History whose hidden layer is `layer` (item × unit), at two times."""
    layer = np.asarray(layer, dtype=float)
    output = np.broadcast_to(layer, (1, 2, *layer.shape))
    history = plant_history(layer, output, [0.0, 1.0], tree=tree)
    history["hidden_1"] = (("seed", "time", "item", "unit_1"), output.copy())
    return history


@pytest.fixture(scope="module")
def child():
    """The closed form of eight items, hidden layers and weights kept."""
    return sd.solve(sd.load("cao2020"), depth=2, hidden=True, keep_weights=True, times=400)


def worlds(tmp_path):
    """The kinds of data every measure must take: bundled, from a CSV, and ±1."""
    sd.load("rumelhart8").to_csv(tmp_path / "table.csv")
    return [
        sd.load("rogers2004"),
        sd.Dataset.from_csv(tmp_path / "table.csv"),
        sd.branching_diffusion([2, 2, 2], seed=4, properties=60),
    ]


# by hand


def test_a_property_goes_along_with_the_share_of_the_hidden_vector(plant):
    history = plant_layer(plant, [[2, 0], [1, 5], [0, 3], [-4, 0]])
    found = project_property(history, "a")
    assert found["projection"].dims == ("seed", "time", "item")
    np.testing.assert_allclose(found["projection"][0, 1], [1, 0.5, 0, -2])
    np.testing.assert_array_equal(found["taught"], [1, np.nan, np.nan, np.nan])


def test_several_items_are_told_apart(plant):
    history = plant_layer(plant, [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]])
    found = project_property(history, {"a": 1.0, "c": -1.0})["projection"][0, 0]
    np.testing.assert_allclose(found, [1, 0, -1, 0], atol=1e-12)
    both = project_property(history, ["a", "c"])["projection"][0, 0]
    np.testing.assert_allclose(both, [1, 2, 1, 0], atol=1e-12)


def test_a_silent_item_teaches_nothing(plant):
    history = plant_layer(plant, [[0, 0], [1, 5]])
    assert project_property(history, "a")["projection"].isnull().all()
    np.testing.assert_allclose(project_property(history, "b")["projection"][0, 0], [0, 1])


# against an independent computation


def test_projection_is_least_squares(deep):
    hidden = deep["hidden_1"].values[1, -1]
    w = linalg.lstsq(hidden[[0, 3]], [1.0, 0.5])[0]
    names = deep["item"].values
    found = project_property(deep, {names[0]: 1.0, names[3]: 0.5})["projection"][1, -1]
    np.testing.assert_allclose(found, hidden @ w, atol=1e-9)


@pytest.mark.parametrize("layers", [[12], [12, 10], [12, 10, 9]])
def test_a_new_item_is_least_squares_through_all_upper_weights(layers):
    world = sd.load("saxe2019")
    history = sd.train(
        sd.DeepLinear(layers, scale=0.3), world, seeds=2, steps=200, record=5, hidden=True,
        keep_weights=True, progress=False,
    )  # fmt: skip
    names = history["property"].values
    upper = np.eye(len(names))
    for k in range(len(layers) + 1, 1, -1):
        upper = upper @ history[f"weights_{k}"].values[0, 3]
    w = linalg.lstsq(upper[[1, 4]], [1.0, 2.0])[0]
    found = project_item(history, {names[1]: 1.0, names[4]: 2.0})["projection"][0, 3]
    np.testing.assert_allclose(found, upper @ w, atol=1e-8)


# against theory


def test_the_end_of_development_is_known(child):
    """The projection is that of (Y Yᵀ)^½."""
    y = child["target"].values
    gram = np.real(linalg.sqrtm(y @ y.T))
    exact = sd.solve(sd.load("cao2020"), depth=2, hidden=True, times=[0, 60])
    for i, item in enumerate(exact["item"].values):
        found = project_property(exact, item)["projection"][0, -1]
        np.testing.assert_allclose(found, gram[i] / gram[i, i], atol=1e-9)
    np.testing.assert_allclose(
        project_property(exact, "item 1")["projection"][0, -1].round(2),
        [1, 0.43, 0.22, 0.22, 0.09, 0.09, 0.09, 0.09],
    )


@pytest.mark.parametrize(
    "expected", [[1, 1, 1, 1, 0.69, 0.69, 0.69, 0.69], [1, 1, 0.66, 0.66, 0.16, 0.16, 0.16, 0.16]]
)
def test_development_passes_through_known_projections(child, expected):
    found = project_property(child, "item 1")["projection"].isel(seed=0)
    assert np.abs(found - np.array(expected)).max("item").min() < 0.02


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_projection_in_the_modes_of_the_data(depth):
    """Σ a^(2(D−1)/D) v_i v_j and Σ a^(2(D−1)/D) u_m u_n, from the singular values and vectors."""
    world = sd.load("rumelhart8")
    history = sd.solve(world, depth=depth, hidden=True, keep_weights=True, times=12)
    modes = sd.theory.decompose(world)
    a = np.einsum("om,stpo,pm->tm", modes.u, history["output"].values, modes.v)
    power = np.abs(a) ** (2 - 2 / depth)
    for kind, vectors, measure in (
        ("item", modes.v, project_property), ("property", modes.u, project_item),
    ):  # fmt: skip
        name = history[kind].values[2]
        expected = np.einsum("tm,m,jm->tj", power, vectors[2], vectors)
        found = measure(history, name)
        np.testing.assert_allclose(found["projection"][0], expected / expected[:, 2:3], atol=1e-8)
        np.testing.assert_allclose(found["predicted"], found["projection"], atol=1e-6)


def test_trained_networks_go_as_their_behaviour_predicts(deep):
    found = project_property(deep, "canary")
    late = found.isel(time=slice(60, None))
    assert np.abs(late["projection"] - late["predicted"]).max() < 0.02
    large = sd.train(
        sd.DeepLinear(16, scale=0.5), sd.load("rumelhart8"), seeds=3, hidden=True, record=5,
        progress=False,
    )  # fmt: skip
    off = project_property(large, "canary").isel(time=-1)
    assert np.abs(off["projection"] - off["predicted"]).max() > 0.1


def test_a_theory_from_the_initial_weights_predicts_all_of_development():
    world, model = sd.load("saxe2019"), sd.DeepLinear(hidden=64)
    deep = sd.train(model, world, seeds=4, hidden=True, keep_weights=True, progress=False)
    exact = sd.solve(
        world, depth=2, initial="matched", times=deep["time"].values,
        weights=sd.initial_weights(model, world, seeds=4),
    )  # fmt: skip
    one = sd.solve(world, depth=2, times=deep["time"].values)
    early = deep["loss"].values[0] > 0.9 * deep["loss"].values[0, 0]
    for measure, name in ((project_property, "canary"), (project_item, "can fly")):
        found = measure(deep, name, theory=exact)
        off = np.abs(found["projection"] - found["predicted"])[:, ~early]
        assert off.median() < 0.02
        assert measure(deep, name, theory=one)["predicted"].shape == found["projection"].shape


def test_unequal_frequencies_leave_the_prediction_exact():
    """Balanced layers know nothing of what made them so."""
    world = sd.load("saxe2019")
    table = world.properties.assign_coords(frequency=("item", [3.0, 1.0, 0.5, 2.0]))
    history = sd.solve(sd.Dataset(table, world.tree), depth=2, hidden=True, times=8)
    found = project_property(history, "salmon")
    np.testing.assert_allclose(found["predicted"], found["projection"], atol=1e-5)


def test_at_birth_projections_scatter_as_random_vectors_do():
    """Standard deviation 1/√(N_h − 2) around 0, whatever the scale."""
    width, model = 18, sd.DeepLinear(hidden=18, scale=1e-3)
    history = sd.train(
        model, sd.load("rumelhart8"), seeds=400, steps=1, record=[0], hidden=True, progress=False
    ).isel(time=[0])
    found = project_property(history, "canary")["projection"]
    others = found.where(found["taught"].isnull(), drop=True).values.ravel()
    assert abs(others.mean()) < 4 / np.sqrt(width * others.size)
    assert others.std() == pytest.approx(1 / np.sqrt(width - 2), rel=0.08)


# shallow networks


def test_a_shallow_network_projects_nothing():
    world = sd.load("rumelhart8")
    for history in (
        sd.train(sd.Shallow(), world, seeds=2, progress=False, keep_weights=True),
        sd.train(sd.Shallow(), world, seeds=2, progress=False),
        sd.solve(world, depth=1),
    ):
        for found in (project_property(history, "canary"), project_item(history, "can fly")):
            projected = found["projection"].where(found["taught"].isnull())
            assert float(np.abs(projected).max()) == 0.0
            assert (found["projection"].where(found["taught"] == 1, 1.0) == 1).all()
        gradient = projection_gradient(history)
        assert not gradient["projection"].any()
        assert (gradient["breadth"] == 1).all()


def test_a_shallow_network_projects_through_correlated_inputs():
    world, r = sd.load("saxe2019"), 0.9
    codes = linalg.cholesky(np.full((4, 4), r) + (1 - r) * np.eye(4), lower=True)
    shown = sd.make_patterns(world, inputs=codes)
    history = sd.train(sd.Shallow(), shown, seeds=1, steps=50, keep_weights=True, progress=False)
    found = project_property(history, "oak", inputs=codes)
    np.testing.assert_allclose(found["projection"][0, -1], [r, r, 1, r])
    named = xr.DataArray(
        codes[::-1], dims=("item", "input"), coords={"item": history["item"].values[::-1]}
    )
    assert project_property(history, "oak", inputs=named).equals(found)
    assert project_property(history, "oak").equals(found)  # the History holds the codes
    with pytest.raises(ValueError, match=r"for one-hot items \(else give the codes with inputs=\)"):
        project_property(history.drop_vars("code"), "oak")


def test_deep_networks_with_correlated_inputs_go_as_predicted():
    world = sd.load("saxe2019")
    codes = np.random.default_rng(3).normal(size=(4, 4))
    history = sd.solve(sd.make_patterns(world, inputs=codes), depth=2, hidden=True, times=6)
    found = project_property(history, "oak", inputs=codes)
    np.testing.assert_allclose(found["predicted"], found["projection"], atol=1e-4)
    kept = sd.solve(sd.make_patterns(world, inputs=codes), depth=2, keep_weights=True, times=6)
    found = project_item(kept, "can fly", inputs=codes)
    np.testing.assert_allclose(found["predicted"], found["projection"], atol=1e-4)
    with pytest.raises(ValueError, match="do not give these outputs for these inputs"):
        project_item(kept, "can fly", inputs=codes + 1)


# gradients


def test_a_gradient_is_the_mean_over_pairs(child):
    gradient = projection_gradient(child)
    assert gradient["level"].values.tolist() == [0, 1, 2]
    each = np.stack(
        [project_property(child, i)["projection"].values[0, 200] for i in child.item.values]
    )
    levels = [each[:4, 4:], each[:2, 2:4], each[[0, 2, 4, 6], [1, 3, 5, 7]]]
    expected = [np.mean(block) for block in levels]
    np.testing.assert_allclose(gradient["projection"][0, 200], expected, atol=1e-9)
    np.testing.assert_allclose(gradient["predicted"], gradient["projection"], atol=1e-6)


def test_projection_narrows_with_age(child):
    gradient = projection_gradient(child).isel(seed=0)
    peak = int(gradient["breadth"].argmax("time"))
    assert float(gradient["breadth"][peak]) > 7.5
    assert float(gradient["breadth"][-1]) < 2
    assert (np.diff(gradient["breadth"].values[peak:]) <= 1e-9).all()
    falls = [
        float(gradient["time"][peak:][gradient["projection"].values[peak:, level] < 0.5].min())
        for level in range(3)
    ]
    assert falls == sorted(falls)


def test_breadth_counts_items(plant):
    tree = {"ab": ["a", "b"], "cd": ["c", "d"]}
    alike = plant_layer(plant, np.ones((4, 2)), tree=tree)
    alone = plant_layer(plant, np.eye(4), tree=tree)
    pairs = plant_layer(plant, np.repeat(np.eye(2), 2, axis=0), tree=tree)
    for history, breadth, levels in ((alike, 4, [1, 1]), (alone, 1, [0, 0]), (pairs, 2, [0, 1])):
        found = projection_gradient(history).isel(seed=0, time=0)
        assert float(found["breadth"]) == pytest.approx(breadth)
        np.testing.assert_allclose(found["projection"], levels, atol=1e-12)


# in a context


def test_projection_narrows_in_every_context_of_rumelharts_network():
    world = sd.load("rumelhart8")
    child = sd.train(
        sd.Rumelhart(), world, seeds=[20, 21, 22, 23], steps=2000, record=[100, 2000], hidden=True,
        progress=False,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"choose one of ISA, can, has, is, as in history\.sel"):
        project_property(child, "canary")
    for context in child["context"].values:
        there = child.sel(context=context)
        gradient = projection_gradient(there)
        early, late = (gradient.isel(time=k) for k in (0, -1))
        assert (late["breadth"] < early["breadth"]).all()
        fall = [g["projection"].isel(level=-1) - g["projection"].isel(level=0) for g in
                (early, late)]  # fmt: skip
        assert (fall[1] > fall[0]).all()
        h = there["hidden_2"].transpose("seed", "time", "item", "unit_2").values[1, -1]
        found = project_property(there, "oak")["projection"][1, -1]
        np.testing.assert_allclose(found, h @ h[1] / (h[1] @ h[1]), atol=1e-9)
        assert project_property(there, "oak")["predicted"].isnull().all()


# whatever the data


def test_any_data(tmp_path):
    for world in worlds(tmp_path):
        history = sd.solve(world, depth=2, hidden=True, keep_weights=True, times=8)
        item, prop = history["item"].values[1], history["property"].values[2]
        for found in (project_property(history, item), project_item(history, prop)):
            np.testing.assert_allclose(found["projection"].where(found["taught"] == 1, 1), 1)
            np.testing.assert_allclose(found["predicted"], found["projection"], atol=1e-5)
        assert len(sd.summarize(project_property(history, item).isel(time=-1))) == len(history.item)
        if "ancestor" in history.coords:
            assert projection_gradient(history)["breadth"].min() > 0.999


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 999))
def test_neither_units_nor_scale_nor_order_matter(deep, seed):
    rng = np.random.default_rng(seed)
    turn = 3 * np.linalg.qr(rng.normal(size=(16, 16)))[0]
    order = rng.permutation(deep.sizes["item"])
    some = deep.isel(time=[20, 60, -1])
    turned = some.assign(hidden_1=some["hidden_1"].copy(data=some["hidden_1"].values @ turn))
    turned = turned.isel(item=order)
    ours, theirs = (project_property(h, ["oak", "robin"]) for h in (some, turned))
    xr.testing.assert_allclose(ours["projection"], theirs["projection"].sel(item=some["item"]),
                               atol=1e-7)  # fmt: skip
    xr.testing.assert_allclose(
        projection_gradient(some)["breadth"], projection_gradient(turned)["breadth"], atol=1e-9
    )


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 999))
def test_a_new_item_does_not_depend_on_how_units_are_turned(child, seed):
    rng = np.random.default_rng(seed)
    some = child.isel(time=[100, -1])
    units = some.sizes["unit_1"]
    turn = np.linalg.qr(rng.normal(size=(units, units)))[0]
    turned = some.assign(
        weights_2=some["weights_2"].copy(data=some["weights_2"].values @ turn.T),
        weights_1=some["weights_1"].copy(data=turn @ some["weights_1"].values),
    )
    ours, theirs = (project_item(h, "has feature 1-4")["projection"] for h in (some, turned))
    xr.testing.assert_allclose(ours, theirs, atol=1e-9)


# what is said


def test_what_cannot_be_projected_is_said(deep):
    with pytest.raises(KeyError, match="no item 'canari' in this History; did you mean 'canary'"):
        project_property(deep, "canari")
    with pytest.raises(ValueError, match="at least one item must be taught"):
        project_property(deep, [])
    with pytest.raises(ValueError, match="finite and not all 0"):
        project_property(deep, {"canary": 0.0})
    with pytest.raises(ValueError, match="depends on the weights above it: record them with"):
        project_item(deep, "can fly")
    with pytest.raises(KeyError, match=r"no property 'can flyy'.*did you mean 'can fly'"):
        project_item(deep, "can flyy")


def test_missing_layers_are_asked_for():
    world = sd.load("rumelhart8")
    bare = sd.train(sd.DeepLinear(8), world, seeds=1, steps=2, progress=False)
    with pytest.raises(ValueError, match="neither hidden layers nor weights"):
        project_property(bare, "canary")
    kept = sd.train(sd.DeepLinear(8), world, seeds=1, steps=2, progress=False, keep_weights=True)
    with pytest.raises(ValueError, match=r"last hidden layer over items, hidden_1: record it"):
        project_property(kept, "canary")
    asked = sd.make_patterns(world, relations=True)
    over = sd.train(sd.DeepLinear(8), asked, seeds=1, steps=2, hidden=True, progress=False)
    with pytest.raises(ValueError, match="choose one of ISA, can, has, is, as in"):
        project_property(over, "canary")
    assert count_matrices(kept) == 2


def test_nonlinear_networks_have_no_closed_form_for_items():
    world = sd.load("rumelhart8")
    for keep_hidden in (True, False):
        net = sd.train(
            sd.MLP(8, activation="sigmoid"), world, seeds=1, steps=300, learning_rate=0.05,
            keep_weights=True, hidden=keep_hidden, progress=False,
        )  # fmt: skip
        with pytest.raises(ValueError, match=r"do not give these outputs.*teach_item"):
            project_item(net, "can fly")


def test_a_foreign_theory_is_refused(deep):
    other = sd.solve(sd.load("saxe2019"), depth=2, times=deep["time"].values)
    with pytest.raises(ValueError, match="must have the History's item names and times"):
        project_property(deep, "canary", theory=other)
    late = sd.solve(sd.load("rumelhart8"), depth=2, times=[1, 2])
    with pytest.raises(ValueError, match=r"times=history\.time\.values"):
        project_property(deep, "canary", theory=late)
    wrong = deep.assign_coords(seed=[5, 6])
    with pytest.raises(ValueError, match=r"got \[5, 6\] for \[0, 1\]"):
        project_property(deep, "canary", theory=wrong)
    with pytest.raises(ValueError, match=r"inputs must be 8 finite rows.*got shape \(3, 3\)"):
        project_property(deep, "canary", inputs=np.eye(3))


def test_a_gradient_needs_a_tree_and_two_items(plant):
    with pytest.raises(ValueError, match="this measure needs a tree"):
        projection_gradient(plant_layer(plant, np.eye(3)))
    lonely = plant_layer(plant, [[1.0, 2.0]], tree={"x": ["a"]})
    with pytest.raises(ValueError, match="at least two items"):
        projection_gradient(lonely)
