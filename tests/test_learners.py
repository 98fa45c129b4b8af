"""Functions of one seed: their Histories are joined, wherever they end and are recorded."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import semdev as sd
from semdev.learners import read_learner


@pytest.fixture(scope="module")
def world() -> sd.Dataset:
    return sd.load("rumelhart8")


def learn(world: sd.Dataset, ends: list[float], *, settled: bool = True) -> xr.Dataset:
    """Join theory up to each of these times, each recorded at 40 times of its own."""

    def one(data: sd.Dataset, seed: int) -> xr.Dataset:
        found = sd.solve(data, depth=2, times=np.linspace(0, ends[seed], 40), seeds=[seed])
        return found.assign_coords(settled=("seed", [settled]))

    return read_learner(one).learn(world, seeds=range(len(ends)))


def test_learners_that_stop_by_themselves_are_joined(world: sd.Dataset) -> None:
    def one(data: sd.Dataset, seed: int) -> xr.Dataset:
        often = dict.fromkeys(("pine", "oak", "rose", "daisy"), 0.5)
        patterns = sd.make_patterns(data, frequency=often)
        return sd.train(sd.DeepLinear(16), patterns, seeds=[seed], progress=False)

    joined = read_learner(one).learn(world, seeds=[0, 1, 2])
    alone = one(world, 1)
    assert len({float(one(world, seed)["time"][-1]) for seed in range(3)}) > 1
    assert joined["seed"].values.tolist() == [0, 1, 2]
    same = joined["output"].sel(seed=1, time=slice(None, float(alone["time"][-1])))
    expected = alone["output"].isel(seed=0).interp(time=same["time"].values)
    assert np.allclose(same, expected, rtol=0, atol=1e-12)


def test_who_has_settled_stays_as_it_was(world: sd.Dataset) -> None:
    joined = learn(world, [6.0, 9.0])
    assert float(joined["time"][-1]) == 9
    last = joined["output"].sel(seed=0).where(joined["time"] >= 6, drop=True)
    assert (last == last.isel(time=0)).all()
    # Interpolated between 40 times: as near as straight lines come.
    exact = sd.solve(world, depth=2, times=joined["time"].values)["output"].isel(seed=0)
    early = joined["time"] <= 6
    assert float(abs(joined["output"].sel(seed=0) - exact).where(early).max()) < 0.05
    assert np.allclose(joined["output"].sel(seed=1), exact, rtol=0, atol=1e-12)


def test_nobody_is_followed_beyond_one_that_has_not_settled(world: sd.Dataset) -> None:
    joined = learn(world, [4.0, 9.0], settled=False)
    assert 3.7 < float(joined["time"][-1]) <= 4
