"""Representations: rsatoolbox's numbers, the theory's, and what a rotation leaves."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from scipy.spatial.distance import pdist, squareform

import semdev as sd
from semdev.measures.agreement import compare_layers, compare_networks
from semdev.measures.representations import (
    balanced_vectors,
    dissimilarities,
    gram_matrices,
)
from semdev.measures.similarity import align_trajectories, mds_trajectories

PAIRS = np.triu_indices(8, k=1)


@functools.cache
def grow(scale, world="cao2020", hidden=(32,), *, seeds=5, steps=2500):
    """Train to the end from weights of a column norm `scale` (√N_h times their s.d.)."""
    model = sd.DeepLinear(hidden=hidden, scale=scale / np.sqrt(max(hidden)))
    rate = 0.05 / (sd.theory.decompose(sd.load(world)).s[0] + 3 * scale**2)
    return sd.train(
        model, sd.load(world), seeds=seeds, learning_rate=rate, steps=steps, record=[0, 40],
        hidden=True, progress=False,
    )  # fmt: skip


# against rsatoolbox


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layer", ["output", "hidden_1"])
def test_dissimilarities_are_rsatoolboxs(deep, rsa, layer):
    points = deep[layer].values[1, 70]
    data = rsa.data.Dataset(points)
    for metric in ("euclidean", "correlation"):
        theirs = rsa.rdm.calc_rdm(data, method=metric).get_matrices()[0]
        ours = dissimilarities(deep, layer=layer, metric=metric).values[1, 70]
        ours = ours**2 / points.shape[1] if metric == "euclidean" else ours
        np.testing.assert_allclose(ours, theirs, atol=1e-10)


# against scipy


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "correlation"])
def test_dissimilarities_are_scipys(deep, metric):
    found = dissimilarities(deep, layer="hidden_1", metric=metric)
    assert found.dims == ("seed", "time", "item", "item_2")
    expected = squareform(pdist(deep["hidden_1"].values[0, 30], metric))
    np.testing.assert_allclose(found.values[0, 30], expected, atol=1e-12)


# by hand


def test_constant_and_zero_vectors_are_like_nothing(plant):
    y = np.array([[1.0, 1, 1], [0, 1, 2], [2, 1, 0], [0, 0, 0]])
    history = plant(y, y[None, None], [0.0])
    found = dissimilarities(history)[0, 0]
    assert np.isnan(found.values[[0, 3]]).all()
    np.testing.assert_allclose(found[1:3, 1:3], [[0, 2], [2, 0]], atol=1e-12)
    found = dissimilarities(history, metric="cosine")[0, 0]
    assert np.isnan(found.values[3]).all()
    assert found.values[0, 1] == pytest.approx(1 - 3 / np.sqrt(15))


# the theory


def test_hidden_layers_hold_the_root_of_what_is_done():
    history = grow(0.01, "saxe2019", (16,))
    y = history["target"].values
    root = np.real(linalg.sqrtm(y @ y.T))
    found = gram_matrices(history, layer="hidden_1").isel(time=-1)
    np.testing.assert_allclose(found["gram"], np.broadcast_to(root, (5, 4, 4)), atol=2e-3)
    np.testing.assert_allclose(found["predicted"], np.broadcast_to(root, (5, 4, 4)), atol=1e-6)
    expected = np.linalg.norm(found["gram"] - found["predicted"], axis=(1, 2)) / np.linalg.norm(
        root
    )
    np.testing.assert_allclose(found["error"], expected, rtol=1e-3)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_the_closed_form_is_balanced_at_every_time(depth):
    history = sd.solve(sd.load("rumelhart8"), depth=depth, hidden=True, times=9)
    for k in range(1, depth):
        found = gram_matrices(history, layer=f"hidden_{k}")
        assert found["error"].max() < 1e-6
    assert gram_matrices(history)["error"].max() < 1e-6


def test_balance_lasts_through_unequal_frequencies_and_correlated_inputs():
    world = sd.load("saxe2019")
    table = world.properties.assign_coords(frequency=("item", [3.0, 1.0, 0.5, 2.0]))
    codes = np.random.default_rng(1).normal(size=(4, 4))
    shown = sd.make_patterns(sd.Dataset(table, world.tree), inputs=codes)
    history = sd.solve(shown, depth=3, hidden=True, initial=0.05, times=6)
    for layer in ("hidden_1", "hidden_2"):
        assert gram_matrices(history, layer=layer, inputs=codes)["error"].max() < 1e-4
        assert gram_matrices(history, layer=layer)["error"].max() < 1e-4
        unknown = history.drop_vars("code")
        assert gram_matrices(unknown, layer=layer)["error"].max() > 0.01


def test_balanced_vectors_are_fractional_powers():
    rng = np.random.default_rng(3)
    w = rng.normal(size=(5, 7))
    codes = rng.normal(size=(9, 5))
    rows = balanced_vectors(codes @ w, 1 / 3, codes=codes)
    power = linalg.fractional_matrix_power(w @ w.T, 1 / 3)
    np.testing.assert_allclose(rows @ rows.T, codes @ power @ codes.T, atol=1e-9)


# invariances


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 999))
def test_rotations_of_hidden_units_leave_all_but_the_correlation(deep, seed):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    some = deep.isel(time=[30, -1])
    turned = some.assign(hidden_1=some["hidden_1"].copy(data=some["hidden_1"].values @ turn))
    for measure in (
        lambda h: gram_matrices(h, layer="hidden_1"),
        lambda h: dissimilarities(h, layer="hidden_1", metric="euclidean"),
        lambda h: dissimilarities(h, layer="hidden_1", metric="cosine"),
        compare_networks,
        lambda h: compare_layers(h, metric="euclidean", method="cosine"),
    ):
        xr.testing.assert_allclose(measure(some), measure(turned), atol=1e-6)
    unlike = [dissimilarities(h, layer="hidden_1").isel(time=-1) for h in (some, turned)]
    assert np.abs(unlike[0] - unlike[1]).max() > 1e-3


def test_learning_itself_does_not_see_a_rotation():
    world, rng = sd.load("rumelhart8"), np.random.default_rng(8)
    w1, w2 = sd.initial_weights(sd.DeepLinear(12), world, seeds=2)
    turn = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    straight, turned = (
        sd.train(
            sd.DeepLinear(12), world, seeds=2, weights=weights, hidden=True, steps=400, record=20,
            progress=False,
        )
        for weights in ([w1, w2], [turn @ w1, w2 @ turn.T])
    )  # fmt: skip
    xr.testing.assert_allclose(straight["output"], turned["output"], atol=1e-10)
    grams = [gram_matrices(h, layer="hidden_1")["gram"] for h in (straight, turned)]
    xr.testing.assert_allclose(*grams, atol=1e-10)
    assert np.abs(straight["hidden_1"] - turned["hidden_1"]).max() > 0.1


# one frame


def test_paths_of_networks_that_agree_coincide():
    paths = align_trajectories(grow(0.02, "rumelhart8"), layer="hidden_1", most_times=4)
    assert paths.dims == ("seed", "time", "item", "axis")
    assert (paths["disparity"] < 0.02).all()
    apart = align_trajectories(grow(4.0, "rumelhart8"), layer="hidden_1", most_times=4)
    assert (apart["disparity"][1:] > 0.2).all()
    assert apart["disparity"][0] == 0


def test_the_first_seed_stands_as_it_does_alone(deep):
    both = align_trajectories(deep, most_times=5)
    alone = mds_trajectories(deep, most_times=5)
    np.testing.assert_allclose(both[0], alone)
    np.testing.assert_allclose(both["stress"][0], alone["stress"])
    distance = np.linalg.norm(both[1, -1].values[:, None] - both[1, -1].values, axis=-1)
    wanted = dissimilarities(deep, metric="euclidean").values[1, -1]
    stress = np.linalg.norm(distance - wanted) / np.linalg.norm(wanted)
    assert stress == pytest.approx(float(both["stress"][1, -1]), abs=1e-6)


# whatever the data


def test_any_data(tmp_path):
    sd.load("rumelhart8").to_csv(tmp_path / "table.csv")
    for world in (
        sd.load("rogers2004"), sd.Dataset.from_csv(tmp_path / "table.csv"),
        sd.branching_diffusion([2, 2, 2], seed=3, properties=40),
    ):  # fmt: skip
        history = sd.train(
            sd.DeepLinear(hidden=30), world, seeds=2, hidden=True, record=8, progress=False
        )
        last = history.isel(time=[-1])
        assert (gram_matrices(last, layer="hidden_1")["error"] < 0.02).all()
        for metric in ("gram", "cosine", "euclidean"):
            found = compare_networks(last, metric=metric)
            assert (found["with_others"] > 0.99).all()
            np.testing.assert_allclose(found["agreement"], found["predicted"], atol=0.02)
        layers = compare_layers(last)
        assert (layers["overlap"].sel(layer="output") > 0.95).all()
        assert len(sd.summarize(layers.isel(time=-1))) > 1
        assert compare_networks(last, metric="correlation")["predicted"].isnull().all()


def test_a_theory_predicts_in_place_of_behaviour():
    world, model = sd.load("saxe2019"), sd.DeepLinear(hidden=64)
    deep = sd.train(model, world, seeds=3, hidden=True, record=30, progress=False)
    exact = sd.solve(
        world, depth=2, initial="matched", times=deep["time"].values,
        weights=sd.initial_weights(model, world, seeds=3),
    )  # fmt: skip
    found = gram_matrices(deep, layer="hidden_1", theory=exact)
    late = found.isel(time=slice(8, None))
    assert float(late["error"].median()) < 0.03
    with pytest.raises(ValueError, match="theory must have one seed, or those of the History"):
        gram_matrices(deep, layer="hidden_1", theory=exact.isel(seed=[0, 1]))


# what is said


def test_what_is_not_there_is_said(deep):
    with pytest.raises(KeyError, match="no metric 'euclid' in dissimilarities; did you mean 'euc"):
        dissimilarities(deep, metric="euclid")
    with pytest.raises(KeyError, match=r"no layer over items 'hidden_2'.*did you mean 'hidden_1'"):
        gram_matrices(deep, layer="hidden_2")
    with pytest.raises(ValueError, match="at least two items and one time"):
        align_trajectories(deep, most_times=0)
    six = deep["item"].values[deep["item"] != "oak"]
    named = xr.DataArray(np.eye(7), dims=("item", "input"), coords={"item": six})
    with pytest.raises(KeyError, match="no item 'oak' in inputs"):
        gram_matrices(deep, inputs=named)
