"""Perceptual shift: by hand, against residuals, and in networks that see looks."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import pdist

import semdev as sd
from semdev.measures.perceptual_shift import find_properties, hold_constant, perceptual_shift

KINDS = {"perceptual": ["p0", "p1"], "conceptual": ["p2", "p3", "p4"]}


@pytest.fixture(scope="module")
def world() -> sd.Dataset:
    return sd.load("rumelhart8")


def plant_layer(plant, target, layers):
    """A History of one seed whose hidden layer goes through these (time × item × unit)."""
    target = np.asarray(target, dtype=float)
    history = plant(target, np.zeros((1, len(layers), *target.shape)), range(len(layers)))
    return history.assign(hidden_1=(("seed", "time", "item", "unit_1"), np.asarray(layers)[None]))


def random_world(seed):
    rng = np.random.default_rng(seed)
    return rng.random((6, 5)), rng.normal(size=(4, 6, 3))


# by hand and by other means


def test_a_layer_that_goes_from_looks_to_kinds(plant):
    target = np.array([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])
    looks, kinds = target[:, :2], target[:, 2:]
    mixed = [np.hstack([(1 - a) * looks, a * kinds]) for a in (0, 0.2, 0.4, 0.6, 1)]
    found = perceptual_shift(plant_layer(plant, target, mixed), **KINDS).isel(seed=0)
    assert float(found["perceptual"][0]) == pytest.approx(1)
    assert float(found["conceptual"][-1]) == pytest.approx(1)
    between = np.corrcoef(pdist(looks), pdist(kinds))[0, 1]
    assert float(found["between"]) == pytest.approx(between)
    assert float(found["conceptual"][0]) == pytest.approx(between)
    np.testing.assert_allclose(found["shift"], found["conceptual"] - found["perceptual"])
    assert bool(found["shifted"])
    assert 1 < float(found["crossing"]) < 3
    back = perceptual_shift(plant_layer(plant, target, mixed[::-1]), **KINDS).isel(seed=0)
    assert not bool(back["shifted"])
    assert np.isnan(back["crossing"])
    assert found["kind"].values.tolist() == ["perceptual"] * 2 + ["conceptual"] * 3


def test_the_crossing_is_the_last_one(plant):
    target = np.array([[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [1, 0, 0, 1, 1], [0, 1, 1, 1, 0.0]])
    looks, kinds = target[:, :2], target[:, 2:]
    order = [looks, kinds, looks, kinds, kinds]
    wide = [np.hstack([x, np.zeros((4, 3 - x.shape[1]))]) for x in order]
    found = perceptual_shift(plant_layer(plant, target, wide), **KINDS).isel(seed=0)
    assert 2 < float(found["crossing"]) < 3
    ahead = perceptual_shift(plant_layer(plant, target, wide[3:]), **KINDS).isel(seed=0)
    assert np.isnan(ahead["crossing"])
    assert not bool(ahead["shifted"])


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_partial_correlations_are_those_of_residuals(seed, plant):
    target, layers = random_world(seed)
    found = perceptual_shift(plant_layer(plant, target, layers), **KINDS).isel(seed=0)
    seen, meant = pdist(target[:, :2]), pdist(target[:, 2:])
    for t, layer in enumerate(layers):
        apart = pdist(layer)
        for name, mine, other in (("perceptual", seen, meant), ("conceptual", meant, seen)):
            assert float(found[name][t]) == pytest.approx(stats.pearsonr(apart, mine)[0], abs=1e-9)
            left = [
                x - np.polyval(np.polyfit(other, x, 1), other) for x in (apart, mine)
            ]  # what the other does not explain
            expected = stats.pearsonr(*left)[0]
            assert float(found[f"{name}_alone"][t]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("metric", "method"), [("euclidean", "spearman"), ("cosine", "kendall")])
def test_other_distances_and_correlations(plant, metric, method):
    target, layers = random_world(4)
    found = perceptual_shift(
        plant_layer(plant, target, layers), **KINDS, metric=metric, method=method
    )
    correlate = {"spearman": stats.spearmanr, "kendall": stats.kendalltau}[method]
    expected = [correlate(pdist(layer, metric), pdist(target[:, :2]))[0] for layer in layers]
    np.testing.assert_allclose(found["perceptual"][0], expected)


def test_what_is_the_same_cannot_be_held_constant(plant):
    assert float(hold_constant(xr.DataArray(0.6), xr.DataArray(0.0), 0.0)) == 0.6
    assert np.isnan(hold_constant(xr.DataArray(0.6), xr.DataArray(0.6), 1.0))


def test_nothing_is_said_while_all_items_are_alike(plant):
    target, layers = random_world(1)
    layers[0] = 1.0
    found = perceptual_shift(plant_layer(plant, target, layers), **KINDS)
    assert np.isnan(found["shift"][0, 0])
    assert np.isfinite(found["shift"][0, 1:]).all()


# which properties


def test_names_of_relations_and_properties(world):
    exact = sd.solve(world, depth=2, hidden=True, times=20)
    found = perceptual_shift(exact, perceptual=["is", "has wings"])
    relation = world.properties["relation"].values
    kind, name = found["kind"].values, found["property"].values
    assert set(name[kind == "perceptual"]) == {*name[relation == "is"], "has wings"}
    assert set(kind[relation == "ISA"]) == {""}
    assert set(name[kind == "conceptual"]) == set(
        name[np.isin(relation, ["can", "has"]) & (name != "has wings")]
    )
    codes = world.properties.sel(property=kind == "perceptual")
    rest = {"conceptual": name[kind == "conceptual"].tolist()}
    xr.testing.assert_allclose(
        perceptual_shift(exact, perceptual=codes, **rest).drop_vars("kind"), found.drop_vars("kind")
    )
    assert find_properties(world.properties, "can", kind="x").sum() == (relation == "can").sum()


def test_errors(world):
    exact = sd.solve(world, depth=2, hidden=True, times=5)
    with pytest.raises(KeyError, match=r"no relation and no property 'has wing' in this History "
                                       r"\(perceptual\); did you mean 'has wings'\?"):  # fmt: skip
        perceptual_shift(exact, perceptual="has wing")
    with pytest.raises(ValueError, match="'has wings' is named both perceptual and conceptual"):
        perceptual_shift(exact, perceptual="has wings", conceptual="has")
    with pytest.raises(ValueError, match="no property is conceptual: name relations or properties"):
        perceptual_shift(exact, perceptual=["is", "can", "has"])
    with pytest.raises(ValueError, match="no property is perceptual"):
        perceptual_shift(exact, perceptual=[])
    with pytest.raises(ValueError, match="in the perceptual properties all items are equally far"):
        perceptual_shift(exact, perceptual=np.eye(8))
    with pytest.raises(ValueError, match="inputs must be 8 finite rows"):
        perceptual_shift(exact, perceptual=np.eye(7))
    with pytest.raises(ValueError, match="at least three items are needed, got 2"):
        perceptual_shift(exact.isel(item=[0, 4]), perceptual="is")
    with pytest.raises(KeyError, match="no layer over items 'hidden_2'"):
        perceptual_shift(exact, perceptual="is", layer="hidden_2")
    with pytest.raises(TypeError, match=r"a History .* is needed"):
        perceptual_shift(world, perceptual="is")


# what must change nothing


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1), items=st.permutations(range(6)),
    properties=st.permutations(range(5)), scale=st.floats(0.01, 100),
)  # fmt: skip
def test_neither_order_nor_rotation_nor_scale_matters(plant, seed, items, properties, scale):
    target, layers = random_world(seed)
    history = plant_layer(plant, target, layers)
    turn = stats.ortho_group.rvs(3, random_state=seed % 1000)
    other = history.assign(hidden_1=history["hidden_1"].copy(data=scale * layers[None] @ turn + 3))
    other = other.isel(item=list(items), property=list(properties))
    one, two = (perceptual_shift(h, **KINDS) for h in (history, other))
    xr.testing.assert_allclose(two.drop_dims("property"), one.drop_dims("property"), atol=1e-7)


# networks


def show_looks(world, codes):
    """What is not looks, taught with every relation to networks that are shown these codes."""
    names = world.properties["property"].values[world.properties["relation"].values != "is"]
    return sd.make_patterns(world.select(properties=names), relations=True, inputs=codes)


def test_networks_that_see_looks_come_to_follow_kinds(world):
    looks = world.properties.values[:, world.properties["relation"].values == "is"]
    codes = np.hstack([looks, np.eye(8)])
    found = {}
    for name, shown in (("seen", codes), ("one-hot", None)):
        history = sd.train(
            sd.Rumelhart(), show_looks(world, shown), seeds=12, steps=1500, record=25,
            hidden=True, dtype="float32", progress=False,
        )  # fmt: skip
        found[name] = [perceptual_shift(history, perceptual=codes)] + [
            perceptual_shift(history.sel(context=c), perceptual=codes, layer="hidden_2")
            for c in ("can", "has")
        ]
    for layer, control in zip(found["seen"], found["one-hot"], strict=True):
        first, last = (layer.isel(time=t).median("seed") for t in (0, -1))
        blind = control.isel(time=0).median("seed")
        assert float(first["perceptual_alone"] - blind["perceptual_alone"]) > 0.2
        assert abs(float(first["conceptual_alone"])) < 0.25
        assert float(last["conceptual"]) > 0.5
        assert float(last["conceptual"] - last["perceptual"]) > 0.15
        assert float(control["conceptual"].isel(time=-1).median("seed")) > 0.5
    asked = np.concatenate([layer["shifted"].values for layer in found["seen"][1:]])
    assert asked.mean() > 0.5


def test_a_shallow_network_does_not_shift(world):
    exact = sd.solve(world, depth=1, times=30)
    found = perceptual_shift(exact, perceptual="is", layer="output")
    for name in ("perceptual", "conceptual", "shift"):
        known = found[name].values[np.isfinite(found[name].values)]
        assert np.ptp(known) < 1e-6
    assert not found["shifted"].any()
    assert np.isnan(found["crossing"]).all()
