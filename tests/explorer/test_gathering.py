"""What a page holds is what the measures say."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

import semdev as sd
from semdev.explorer import gathering
from semdev.explorer.encoding import unpack_beliefs


@pytest.fixture(scope="module")
def history() -> xr.Dataset:
    world = sd.load("rumelhart8")
    return sd.train(sd.DeepLinear(12), world, seeds=3, record=60, progress=False)


@pytest.fixture(scope="module")
def store(history: xr.Dataset) -> dict:
    return gathering.gather(history, seeds=None, times=25, layer="output")


def test_beliefs_are_those_of_recorded_times(history: xr.Dataset, store: dict) -> None:
    assert len(store["time"]) == 25
    thin = history["output"].sel(time=store["time"])
    assert store["time"][0] == history["time"][0]
    assert store["time"][-1] == history["time"][-1]
    for k in range(3):
        held = unpack_beliefs(store["beliefs"][k]).reshape(thin.shape[1:])
        assert np.abs(held - thin.isel(seed=k).values).max() < 1e-6


def test_seeds_are_as_many_as_asked_or_have_room(
    history: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(gathering.pack_seeds(history, 2)) == 2
    assert len(gathering.pack_seeds(history, None)) == 3
    monkeypatch.setattr(gathering, "ROOM", 1)
    assert len(gathering.pack_seeds(history, None)) == 1


def test_maps_keep_distances(history: xr.Dataset, store: dict) -> None:
    """At the end: as far apart in the plane as MDS alone puts them; all maps in one frame."""
    places = [each["map"] * store["reach"] / gathering.FINE for each in store["similarity"]]
    alone = sd.mds_trajectories(history, seed=0).values[-1]
    apart = np.linalg.norm(places[1][-1][:, None] - places[1][-1][None], axis=-1)
    wanted = np.linalg.norm(alone[:, None] - alone[None], axis=-1)
    assert apart == pytest.approx(wanted, abs=0.05 * wanted.max())
    for place in places:
        assert place[-1] == pytest.approx(places[0][-1], abs=0.1 * store["reach"])
        assert np.abs(place[0]).max() < 0.1 * store["reach"]


def test_dendrograms_are_those_of_scipy(history: xr.Dataset, store: dict) -> None:
    distance = sd.item_distances(history.sel(time=store["time"])).isel(seed=1).values
    drawn = store["similarity"][2]
    for k in (8, 24):
        links = hierarchy.linkage(squareform(distance[k], checks=False), "average")
        heights = np.sort(drawn["heights"][k, :, 1]) * drawn["far"] / gathering.FINE
        assert heights == pytest.approx(np.sort(links[:, 2]), abs=1e-4 * drawn["far"])
        assert sorted(drawn["leaves"][k]) == list(range(8))
        # What scipy joins first are neighbours in the picture.
        pair = links[0, :2].astype(int)
        at = [int(np.flatnonzero(drawn["leaves"][k] == item)[0]) for item in pair]
        assert abs(at[0] - at[1]) == 1


def test_branches_are_turned_not_cut() -> None:
    links = hierarchy.linkage(np.array([1.0, 4, 4, 4, 4, 1]), "average")
    turned = gathering._turn(links, np.array([3.0, 2.0, 1.0, 0.0]))
    assert hierarchy.leaves_list(turned).tolist() == [3, 2, 1, 0]
    assert (turned[:, 2:] == links[:, 2:]).all()


def test_curves_are_the_measures(history: xr.Dataset, store: dict) -> None:
    curves = store["curves"]
    strengths = sd.mode_strengths(history.sel(time=store["time"])).values
    assert curves["strengths"][1:] == pytest.approx(strengths[..., : gathering.MODES], abs=1e-5)
    assert curves["strengths"][0] == pytest.approx(np.median(strengths, 0), abs=1e-5)
    stages = sd.stage_times(history)
    for k in range(3):
        assert curves["stages"][k + 1]["time"] == pytest.approx(
            stages.isel(seed=k).dropna("stage").values
        )
    of = history["seed"].values.tolist().index(curves["stages_of"])
    assert curves["stages"][0] is curves["stages"][of + 1]


def test_what_is_no_number_is_said(history: xr.Dataset) -> None:
    broken = history.copy(deep=True)
    broken["output"][1, 3] = np.nan
    with pytest.raises(ValueError, match=r"seed 1 holds beliefs that are no finite numbers"):
        gathering.pack_seeds(broken, None)
