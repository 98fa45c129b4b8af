"""Plateaus found: planted steps come back, saddles are where theory has them, narrow nets cut."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn.decomposition import TruncatedSVD

import semdev as sd
from semdev.measures.plateaus import bottleneck, fit_history, plateaus
from semdev.measures.stages import count_stages
from semdev.models.plateaus import predict_plateaus

TINY = 3e-4


def plant_steps(plant, s, middles, *, end=60.0, width=0.3):
    """A History of a diagonal world whose modes switch on at given times."""
    time = np.linspace(0, end, 3000)
    shares = special.expit((time[:, None] - np.asarray(middles)) / width)
    return plant(np.diag(s), (shares * s)[None, :, :, None] * np.eye(len(s)), time), width


# plateaus


@settings(deadline=None, max_examples=15)
@given(
    gaps=st.lists(st.floats(8, 15), min_size=1, max_size=4),
    sizes=st.lists(st.floats(0.5, 3), min_size=4, max_size=4),
)
def test_planted_plateaus_come_back(gaps, sizes, plant):
    middles = np.cumsum(gaps)
    s = np.cumsum(0.3 + np.array(sizes[: len(gaps)]))[::-1]  # distinct, strongest first
    history, width = plant_steps(plant, s, middles)
    found = plateaus(history).isel(seed=0)
    levels = np.append(np.cumsum((s**2)[::-1])[::-1], 0) / 2
    assert found["rank"].values.tolist() == list(range(len(s) + 1))
    assert found["found"].all()
    np.testing.assert_allclose(found["level"], levels, atol=0.01 * levels[0])
    # a mode at share r has done 1 − (1 − r)² of its drop
    before = middles + width * special.logit(1 - np.sqrt(0.9))
    after = middles + width * special.logit(1 - np.sqrt(0.1))
    np.testing.assert_allclose(found["end"][:-1], before, atol=0.1)
    np.testing.assert_allclose(found["start"][1:], after, atol=0.1)
    assert np.isnan(found["end"][-1])


@pytest.mark.parametrize("name", ["saxe2019", "cao2020", "saxe2014"])
def test_the_closed_form_lingers_on_its_saddles(name):
    exact = sd.solve(sd.load(name), depth=2, initial=1e-10, times=600)
    found = plateaus(exact, depth=2, initial=1e-10).isel(seed=0)
    fit = fit_history(exact)
    assert found["rank"].values.tolist() == fit.ends.tolist()
    assert found["found"].all()
    np.testing.assert_allclose(found["level"], found["predicted"], rtol=0.03, atol=1e-3)
    np.testing.assert_allclose(found["start"], found["predicted_start"], rtol=0.03)
    np.testing.assert_allclose(found["end"][:-1], found["predicted_end"][:-1], rtol=0.05)
    assert np.isnan(found["predicted_end"][-1])


def test_plateaus_are_one_more_than_stages():
    for initial in (1e-1, 1e-3, 1e-6, 1e-9):
        exact = sd.solve(sd.load("cao2020"), depth=2, initial=initial, times=400)
        seen = plateaus(exact)["found"].sum("rank")
        assert (seen == count_stages(exact) + 1).all()


@pytest.mark.parametrize("start", [1e-6, 1e-9])
def test_predicted_and_found_separation_agree(start):
    world = sd.branching_diffusion([2, 2, 2], properties=200, flip=0.1, seed=3)
    exact = sd.solve(world, depth=2, initial=start, times=800)
    found = plateaus(exact, depth=2, initial=start).isel(seed=0)
    theory = predict_plateaus(world, initial=start)
    whole = found["found"] & found["predicted"].notnull()
    seen = theory.sel(rank=found["rank"][whole].values)
    assert len(seen["rank"]) >= 3
    # what can be seen lies where theory says it is separate, but for edges that overlap slightly
    assert bool((seen["duration"] > -0.2 * seen["start"]).all())
    # times are promised together, and only where there is a plateau
    promised = found["predicted_start"].notnull()
    assert promised.sel(rank=theory["rank"]).equals(
        theory["separate"].assign_coords(seed=found["seed"])
    )
    late = (found["predicted_end"] - found["predicted_start"])[promised]
    assert bool((late[:-1] > 0).all())
    assert np.isnan(late[-1])


def test_a_shallow_network_only_ends():
    found = plateaus(sd.solve(sd.load("saxe2019"), depth=1))
    assert found["rank"].values[found["found"][0]].tolist() == [4]
    assert float(found["predicted"].sel(rank=4)) == 0
    assert found["start"].isnull().all()


@pytest.mark.parametrize("seeds", [[0, 1], [11, 12, 13]])
def test_trained_networks_linger_on_saddles_with_unequal_frequencies(seeds):
    world = sd.load("saxe2019")
    data = sd.make_patterns(world, frequency=[1.0, 3.0, 0.6, 2.0])
    history = sd.train(sd.DeepLinear(16, scale=TINY), data, seeds=seeds, record=400)
    found = plateaus(history)
    known = found["found"] & found["predicted"].notnull()
    assert int(known.sum()) >= 3 * len(seeds)
    first = float(found["level"][0, 0])
    assert float(abs(found["level"] - found["predicted"]).where(known).max()) < 0.05 * first
    assert found["predicted_start"].isnull().all()


@pytest.mark.parametrize("correlation", [0.3, 0.7])
def test_correlated_inputs_change_times_and_no_level(correlation):
    data = sd.make_patterns(sd.load("cao2020"), correlation=correlation)
    exact = sd.solve(data, depth=2, initial=1e-9, times=500)
    found = plateaus(exact).isel(seed=0)
    for name, values in plateaus(exact, data=data).isel(seed=0).items():
        np.testing.assert_allclose(found[name], values, atol=1e-9)
    seen = found.sel(rank=found["found"])
    np.testing.assert_allclose(
        seen["level"], seen["predicted"], rtol=0.05, atol=0.01 * float(seen["level"][0])
    )
    assert int(found["found"].sum()) >= 4


def test_dependent_inputs_need_the_patterns():
    codes = np.random.default_rng(5).normal(size=(4, 3))
    data = sd.make_patterns(sd.load("saxe2019"), inputs=codes)
    exact = sd.solve(data, depth=2, initial=1e-8, times=400)
    last = plateaus(exact, data=data).isel(seed=0, rank=-1)
    assert float(last["predicted"]) == pytest.approx(float(last["level"]), abs=1e-3)
    assert float(last["predicted"]) > 0.1


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 999))
def test_the_order_of_items_and_properties_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    exact = sd.solve(sd.load("cao2020"), depth=2, initial=1e-8)
    mixed = exact.isel(item=rng.permutation(8), property=rng.permutation(15))
    one, other = plateaus(exact), plateaus(mixed)
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-9)


def test_seeds_do_not_feel_each_other(plant):
    history, _ = plant_steps(plant, np.array([2.0, 1.0]), [10, 25])
    other, _ = plant_steps(plant, np.array([2.0, 1.0]), [30, 30])
    both = xr.concat([history, other.assign_coords(seed=[5])], "seed", data_vars="minimal",
                     coords="minimal", compat="override", join="outer")  # fmt: skip
    found = plateaus(both)
    assert found["rank"].values.tolist() == [0, 1, 2]
    assert found["found"].values.tolist() == [[True] * 3, [True, False, True]]
    for name in ("level", "start", "end", "duration"):
        assert np.isnan(found[name].values[1, 1])
        np.testing.assert_array_equal(found.isel(seed=[0])[name], plateaus(history)[name])


def test_a_table_has_one_row_for_each_saddle(plant):
    # of five seeds, two pass the second saddle at once; alone, they would have one plateau fewer
    stronger = np.array([3.0, 2.0, 1.0])
    middles = [[10, 20, 30], [11, 21, 31], [12, 22, 32], [10, 25, 25], [12, 26, 26]]
    runs = [plant_steps(plant, stronger, each)[0] for each in middles]
    runs = [run.assign_coords(seed=[k]) for k, run in enumerate(runs)]
    both = xr.concat(runs, "seed", data_vars="minimal", coords="minimal", compat="override",
                     join="outer")  # fmt: skip
    table = sd.summarize(plateaus(both, depth=2, initial=1e-6))
    assert table["rank"].tolist() == [0, 1, 2, 3]
    assert table["found"].tolist() == [1, 1, 0.6, 1]
    levels = [7, 2.5, 0.5, 0]
    for name in ("level", "level_low", "level_high", "predicted"):
        np.testing.assert_allclose(table[name], levels, atol=0.01)
    # the third row is of the three seeds that linger there, and of nobody else
    alone = plateaus(both.isel(seed=slice(3))).sel(rank=2)
    for name in ("start", "end", "duration"):
        assert table[name][2] == pytest.approx(float(alone[name].median()))
        assert table[f"{name}_high"][2] <= float(alone[name].max())
    assert (table["predicted_start"] < table["predicted_end"])[:3].all()


def test_an_ensemble_whose_seeds_differ():
    world = sd.load("rogers2004")
    history = sd.train(sd.DeepLinear(24, scale=3e-3), world, seeds=8)
    found = plateaus(history, depth=2, initial=1e-5)
    assert found["found"].sum("rank").to_series().nunique() > 1
    table = sd.summarize(found).set_index("rank")
    assert table.index.tolist() == found["rank"].values.tolist()
    assert (np.diff(table["level"].dropna()) < 0).all()
    assert table["level"].notna().equals(table["found"] > 0)
    late = (table["predicted_end"] - table["predicted_start"]).dropna()
    assert (late > 0).all()
    for rank in (0, 1):
        own = history["loss"].where(found["found"].sel(rank=rank))
        assert table["level"][rank] <= float(own.max())
        assert table["level"][rank] == pytest.approx(table["predicted"][rank], rel=0.1)


def test_two_plateaus_of_one_rank_are_one(plant):
    # one mode that stops at three tenths, short of half, on its way
    time = np.linspace(0, 60, 3000)
    share = 0.3 * special.expit((time - 10) / 0.3) + 0.7 * special.expit((time - 40) / 0.3)
    history = plant(np.eye(1) * 2, 2 * share[None, :, None, None], time)
    found = plateaus(history).isel(seed=0)
    assert found["rank"].values.tolist() == [0, 1]
    assert float(found["start"][0]) == 0
    assert float(found["end"][0]) == pytest.approx(40, abs=2)  # of the second
    assert float(found["level"][0]) == pytest.approx(2 * 0.7**2, rel=0.01)  # 0.3 at rest
    assert float(found["start"][1]) == pytest.approx(40, abs=2)


def test_a_single_record_is_its_own_end():
    exact = sd.solve(sd.load("saxe2019"), depth=2).isel(time=[-1])
    assert plateaus(exact)["found"].values.tolist() == [[False, False, False, True]]


def test_worlds_of_all_kinds(tmp_path):
    path = tmp_path / "own.csv"
    sd.load("rogers2004").to_csv(path)
    tree = sd.branching_diffusion([2, 2, 2], properties=100, flip=0.1, seed=0)
    for world in (sd.load("rogers2004"), sd.Dataset.from_csv(path), tree):
        history = sd.train(sd.DeepLinear(24, scale=TINY), world, seeds=2, record=300)
        found = plateaus(history)
        assert found["found"].sel(rank=0).all()
        ends = found["rank"].where(found["found"]).max("rank")
        assert (ends >= 0.9 * len(fit_history(history).s)).all()
        near = abs(found["level"] / found["predicted"] - 1)
        assert float(near.isel(rank=slice(0, 2)).max()) < 0.1
        table = sd.summarize(found)
        assert {"level", "predicted", "found", "rank"} <= set(table.columns)


# bottleneck


@pytest.mark.parametrize("frequency", [None, [2.0, 0.5, 1.0, 3.0, 1.0, 1.0, 0.7, 1.5]])
@pytest.mark.parametrize("hidden", [1, 2])
def test_a_narrow_network_ends_with_the_truncated_decomposition(hidden, frequency):
    data = sd.make_patterns(sd.load("cao2020"), frequency=frequency)
    history = sd.train(sd.DeepLinear(hidden, scale=0.1), data, seeds=3, steps=8000, record=20,
                       hidden=True)  # fmt: skip
    found = bottleneck(history)
    often = np.sqrt(data.weights)[:, None]
    svd = TruncatedSVD(hidden, algorithm="arpack", random_state=0)
    rebuilt = svd.inverse_transform(svd.fit_transform(often * data.targets)) / often
    np.testing.assert_allclose(history["output"].isel(time=-1), rebuilt[None] + np.zeros((3, 1, 1)),
                               atol=0.02)  # fmt: skip
    assert float(found["distance"].max()) < 0.02
    np.testing.assert_allclose(found["loss"], float(found["predicted_loss"]), rtol=1e-3)
    assert float(found["loss"].max()) < float(found["next_loss"])
    np.testing.assert_allclose(found["share"] - found["predicted"], 0, atol=0.02)


def test_a_tie_that_is_cut_is_shared():
    exact = sd.solve(sd.load("saxe2019"), depth=2)
    found = bottleneck(exact, hidden=3)
    assert found["predicted"].values.tolist() == [1, 1, 0.5, 0.5]
    assert found["distance"].isnull().all()
    assert float(found["predicted_loss"]) == pytest.approx(0.5)
    assert float(found["next_loss"]) == pytest.approx(1.0)  # a tied mode left out altogether


def test_room_for_all():
    found = bottleneck(sd.solve(sd.load("rogers2004"), depth=2), hidden=99)
    assert (found["predicted"] == 1).all()
    assert np.isnan(found["next_loss"])
    assert float(found["predicted_loss"]) == pytest.approx(0, abs=1e-9)


# errors


def test_what_cannot_be_known_is_refused():
    world = sd.load("rumelhart8")
    relations = sd.train(
        sd.DeepLinear(8), sd.make_patterns(world, relations=True), seeds=1, steps=2000
    )
    with pytest.raises(ValueError, match="the loss of this History is not ½ Σ frequency"):
        plateaus(relations)
    exact = sd.solve(world, depth=2)
    with pytest.raises(ValueError, match="edge is a share of a drop between 0 and 1/2"):
        plateaus(exact, edge=0.9)
    with pytest.raises(ValueError, match="depth and initial together"):
        plateaus(exact, depth=2)
    with pytest.raises(ValueError, match=r"initial is a number, one for each of 8 modes"):
        plateaus(exact, depth=2, initial=np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"This History|this History is of 8 items"):
        plateaus(exact, data=sd.load("saxe2019"))
    with pytest.raises(ValueError, match="say how many units the narrowest hidden layer has"):
        bottleneck(exact)
    with pytest.raises(ValueError, match="hidden is a number of units, at least 1; got 0"):
        bottleneck(exact, hidden=0)
    with pytest.raises(TypeError, match="a History"):
        plateaus(world)
