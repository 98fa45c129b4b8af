"""Similarity and MDS: scikit-learn's numbers, a known plane, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.distance import pdist, squareform
from sklearn.manifold import smacof
from sklearn.metrics.pairwise import cosine_similarity, euclidean_distances

import semdev as sd
from semdev.measures.similarity import item_distances, mds_trajectories, similarity


@pytest.fixture(scope="module")
def deep():
    world = sd.load("rumelhart8")
    return sd.train(sd.DeepLinear(hidden=16), world, seeds=3, hidden=True, progress=False)


@pytest.fixture(scope="module")
def planar():
    """A learner whose items are points of a plane that grow apart, turned into many properties."""
    history = sd.solve(sd.load("rumelhart8"), depth=2, times=np.linspace(0, 1, 5)).copy(deep=True)
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(8, 2))
    frame = np.linalg.qr(rng.normal(size=(history.sizes["property"], 2)))[0].T
    grown = history["time"].values[:, None, None] * plane @ frame
    history["output"][:] = grown[None]
    return history, plane - plane.mean(0)


def test_similarity_is_scikit_learns_cosine(deep):
    found = similarity(deep, layer="hidden_1")
    assert found.dims == ("seed", "time", "item", "item_2")
    expected = cosine_similarity(deep["hidden_1"].values[1, 50])
    np.testing.assert_allclose(found.values[1, 50], expected, atol=1e-12)


def test_similarity_does_not_depend_on_length_or_rotation(deep):
    rng = np.random.default_rng(1)
    turned = deep.copy(deep=True)
    rotation = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    turned["hidden_1"] = deep["hidden_1"].copy(data=3 * deep["hidden_1"].values @ rotation)
    ours, theirs = (similarity(h, layer="hidden_1") for h in (deep, turned))
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_a_zero_vector_is_like_nothing(deep):
    silent = deep.copy(deep=True)
    silent["output"][:, :, 0] = 0.0
    found = similarity(silent)
    assert np.isnan(found[:, :, 0]).all()
    assert np.isnan(found[:, :, :, 0]).all()
    assert not np.isnan(found[:, :, 1:, 1:]).any()


def test_distances_are_scikit_learns(deep):
    found = item_distances(deep)
    expected = euclidean_distances(deep["output"].values[2, 40])
    np.testing.assert_allclose(found.values[2, 40], expected, atol=1e-6)


def test_a_plane_is_recovered_up_to_rotation(planar):
    history, plane = planar
    paths = mds_trajectories(history)
    for time, places, stress in zip(paths["time"], paths.values, paths["stress"], strict=True):
        grown = plane * float(time)
        turn, _ = orthogonal_procrustes(places, grown)
        np.testing.assert_allclose(places @ turn, grown, atol=1e-3)
        assert stress < 1e-3


def test_one_frame_serves_all_times(planar):
    paths = mds_trajectories(planar[0])
    last = paths.values[-1]
    for time, places in zip(paths["time"].values, paths.values, strict=True):
        np.testing.assert_allclose(places, last * time, atol=2e-3)


def test_the_last_stress_is_no_worse_than_scikit_learns(deep):
    distance = item_distances(deep).values[0, -1]
    raw = smacof(
        distance, metric=True, n_components=2, init=None, n_init=8, random_state=3,
        normalized_stress=False,
    )[1]  # fmt: skip
    places = mds_trajectories(deep).values[-1]
    ours = np.sum((squareform(pdist(places)) - distance) ** 2) / 2
    assert ours <= raw * (1 + 1e-3)


def test_stress_is_what_it_says(deep):
    paths = mds_trajectories(deep, seed=1, most_times=7)
    assert paths.sizes["time"] == 7
    distance = item_distances(deep).sel(seed=1, time=paths["time"]).values
    for wanted, places, stress in zip(distance, paths.values, paths["stress"].values, strict=True):
        away = np.linalg.norm(squareform(pdist(places)) - wanted) / np.linalg.norm(wanted)
        assert stress == pytest.approx(away, abs=1e-6)


def test_paths_are_continuous(deep):
    coarse, fine = (mds_trajectories(deep, most_times=n) for n in (20, 80))
    reach = np.linalg.norm(fine.values[-1], axis=-1).max()
    longest = [np.linalg.norm(np.diff(p.values, axis=0), axis=-1).max() for p in (coarse, fine)]
    assert longest[1] < longest[0] < reach


def test_the_order_of_items_does_not_matter():
    history = sd.train(sd.DeepLinear(hidden=16), sd.load("rumelhart8"), seeds=1, progress=False)
    order = [5, 2, 7, 0, 3, 6, 1, 4]
    straight = mds_trajectories(history, most_times=6)
    shuffled = mds_trajectories(history.isel(item=order), most_times=6)
    assert shuffled["item"].values.tolist() == history["item"].values[order].tolist()
    ours, theirs = straight.values[-1], shuffled.values[-1][np.argsort(order)]
    np.testing.assert_allclose(pdist(ours), pdist(theirs), atol=0.01)


def test_the_same_call_gives_the_same_plane(deep):
    first, again = (mds_trajectories(deep, most_times=5, random_state=4) for _ in range(2))
    assert first.identical(again)


def test_items_that_are_alike_stay_in_the_middle(planar):
    paths = mds_trajectories(planar[0])
    assert not paths.values[0].any()
    still = planar[0].copy(deep=True)
    still["output"][:] = 1.0
    assert not mds_trajectories(still).values.any()


def test_what_cannot_be_drawn_is_said(deep):
    with pytest.raises(KeyError, match=r"no layer over items 'hiden_1'.*did you mean 'hidden_1'"):
        similarity(deep, layer="hiden_1")
    with pytest.raises(KeyError, match="no seed 9 in this History; allowed: 0, 1, 2"):
        mds_trajectories(deep, seed=9)
    with pytest.raises(ValueError, match="at least two items and one time, got 1 items"):
        mds_trajectories(deep.isel(item=[0]))
    with pytest.raises(ValueError, match="most_times=0"):
        mds_trajectories(deep, most_times=0)


@given(seed=st.integers(0, 2**32 - 1), stretch=st.floats(0.1, 10))
def test_rotated_units_and_reordered_items_change_nothing_else(seed, stretch):
    rng = np.random.default_rng(seed)
    history = sd.solve(sd.load("saxe2019"), depth=2, times=[1.0, 3.0], hidden=True)
    order = rng.permutation(4)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    turned = history.isel(item=order)
    turned["hidden_1"] = turned["hidden_1"].copy(data=stretch * turned["hidden_1"].values @ turn)
    for measure, factor in ((similarity, 1.0), (item_distances, stretch)):
        plain = measure(history, layer="hidden_1").isel(item=order, item_2=order)
        found = measure(turned, layer="hidden_1")
        np.testing.assert_allclose(found, factor * plain, atol=1e-9)
