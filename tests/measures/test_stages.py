"""Transitions and stages: planted curves come back, deep and shallow learners are told apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import semdev as sd
from semdev.measures.stages import count_stages, stage_times, transitions

NAMES = ["saxe2019", "cao2020", "rumelhart8", "saxe2014", "rogers2004"]


def plant_modes(plant, curves, time):
    """A History whose modes follow given curves (mode × time), shares of the truth."""
    s = 2.0 ** -np.arange(len(curves))
    output = np.asarray(curves).T[:, :, None] * np.diag(s)
    return plant(np.diag(s), output[None], time)


def plant_loss(plant, loss, time):
    history = plant([[1.0]], np.zeros((1, len(time), 1, 1)), time)
    return history.assign(loss=(("seed", "time"), np.atleast_2d(loss)))


# transitions


@settings(deadline=None, max_examples=40)
@given(middle=st.floats(1, 50), steepness=st.floats(4, 60), end=st.floats(1.9, 5))
def test_a_planted_logistic_comes_back(middle, steepness, end, plant):
    time = np.linspace(0, end * middle, 400)
    width = middle / steepness
    t = transitions(plant_modes(plant, [special.expit((time - middle) / width)], time))
    t = t.isel(seed=0, mode=0)
    step = time[1]
    assert float(t["half_time"]) == pytest.approx(middle, abs=step**2 / width + 1e-9)
    assert float(t["rise_time"]) == pytest.approx(width * np.log(81), abs=step)
    assert float(t["onset"]) == pytest.approx(max(middle - width * np.log(19), 0), abs=step)
    assert float(t["sharpness"]) == pytest.approx(float(t["rise_time"] / t["half_time"]))
    assert bool(t["sigmoidal"])


@settings(deadline=None, max_examples=40)
@given(tau=st.floats(0.5, 50), end=st.floats(2.4, 12))
def test_a_planted_exponential_comes_back(tau, end, plant):
    time = np.linspace(0, end * tau, 400)
    t = transitions(plant_modes(plant, [-np.expm1(-time / tau)], time)).isel(seed=0, mode=0)
    assert float(t["half_time"]) == pytest.approx(tau * np.log(2), rel=1e-3)
    assert float(t["rise_time"]) == pytest.approx(tau * np.log(9), rel=1e-3)
    assert float(t["sharpness"]) == pytest.approx(np.log(9) / np.log(2), rel=1e-3)
    assert not bool(t["sigmoidal"])


@settings(deadline=None, max_examples=25)
@given(curve=st.lists(st.floats(-1, 2), min_size=2, max_size=20))
def test_any_curve_gets_an_answer(curve, plant):
    time = np.arange(len(curve)) ** 1.3
    t = transitions(plant_modes(plant, [curve], time)).isel(seed=0, mode=0)
    fitted = np.isfinite([t["bic_logistic"], t["bic_exponential"]])
    assert fitted.all() == (float(t["half_time"]) > 0)
    assert bool(t["sigmoidal"]) == (float(t["bic_logistic"]) < float(t["bic_exponential"]))


def test_a_mode_that_is_never_learned_or_always_known(plant):
    time = np.linspace(0, 5, 30)
    t = transitions(plant_modes(plant, [0 * time, 0 * time + 1, time / 10], time)).isel(seed=0)
    np.testing.assert_array_equal(t["half_time"], [np.nan, 0, 5])
    np.testing.assert_array_equal(t["onset"], [np.nan, 0, 0.5])
    assert np.isnan(t["rise_time"].values[[0, 2]]).all()
    assert t["sigmoidal"].values[:2].tolist() == [False, False]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_deep_is_sigmoidal_and_shallow_exponential_in_theory(name, depth):
    t = transitions(sd.solve(sd.load(name), depth=depth))
    assert (t["sigmoidal"] == (depth > 1)).all()
    if depth == 1:
        assert t["stages"].values.tolist() == [0]
        np.testing.assert_allclose(t["half_time"], np.log(2), rtol=1e-3)
        np.testing.assert_allclose(t["sharpness"], np.log(9) / np.log(2), rtol=1e-3)
    else:
        assert int(t["stages"][0]) >= 2


def test_deep_half_times_and_sharpness_follow_the_theory():
    t = transitions(sd.solve(sd.load("cao2020"), depth=2, initial=1e-6, times=400)).isel(seed=0)
    odds = np.log(t["singular_value"] / 1e-6 - 1)
    np.testing.assert_allclose(t["half_time"], odds / (2 * t["singular_value"]), rtol=1e-3)
    np.testing.assert_allclose(t["sharpness"], 2 * np.log(9) / odds, rtol=1e-2)


@pytest.mark.parametrize("name", NAMES[:3])
@pytest.mark.parametrize(
    "model", [sd.Shallow(), sd.Shallow(bias=True), sd.DeepLinear(16)], ids=repr
)
def test_deep_is_sigmoidal_and_shallow_exponential_in_training(name, model):
    t = transitions(sd.train(model, sd.load(name), seeds=2, progress=False))
    deep = isinstance(model, sd.DeepLinear)
    assert (t["sigmoidal"] == deep).all()
    assert (t["stages"] >= 2).all() if deep else (t["stages"] == 0).all()


def test_seeds_do_not_feel_each_other(deep):
    both, last = transitions(deep), transitions(deep.isel(seed=[1]))
    for name in both:
        np.testing.assert_array_equal(both[name].isel(seed=[1]), last[name])


@pytest.mark.parametrize("times", [[1.0], [0.0, 1.0], [0.0, 20.0], [0.0, 2.0, 20.0]])
def test_a_handful_of_records_will_do(times):
    t = transitions(sd.solve(sd.load("saxe2019"), depth=2, times=times))
    assert np.isfinite(t["half_time"]).all() == (times[-1] == 20)
    assert t["stages"].values.tolist() == [0]


# stages


@settings(deadline=None, max_examples=40)
@given(
    gaps=st.lists(st.floats(9, 30), min_size=1, max_size=5),
    heights=st.lists(st.floats(0.2, 5), min_size=5, max_size=5), size=st.floats(1e-3, 1e3),
)  # fmt: skip
def test_planted_drops_are_found(gaps, heights, size, plant):
    middles = np.cumsum(gaps)
    time = np.linspace(0, middles[-1] + 9, 1500)
    drops = [h * special.expit((m - time) / 1.0) for m, h in zip(middles, heights, strict=False)]
    found = stage_times(plant_loss(plant, size * np.sum(drops, 0), time)).isel(seed=0)
    # A neighbour's tail, e^(−gap) of it, tilts a small peak.
    np.testing.assert_allclose(found, middles, atol=0.1)
    assert found["stage"].values.tolist() == list(range(1, len(gaps) + 1))


def test_a_stage_lies_between_the_records_that_enclose_it(plant):
    time = np.arange(40.0)
    found = stage_times(plant_loss(plant, special.expit(20.5 - time), time))
    assert found.values.tolist() == [[20.5]]


def test_a_drop_must_be_large_enough_and_stand_out(plant):
    time = np.linspace(0, 60, 600)
    loss = special.expit(15 - time) + 1e-4 * special.expit(40 - time)
    history = plant_loss(plant, loss, time)
    assert stage_times(history).values.tolist() == [[pytest.approx(15, abs=0.1)]]
    assert stage_times(history, least=1e-5).shape == (1, 2)
    merged = plant_loss(plant, special.expit(15 - time) + special.expit(18.2 - time), time)
    assert stage_times(merged, prominence=1.05).shape == (1, 2)
    assert stage_times(merged, prominence=2.0).shape == (1, 1)


def test_seeds_with_fewer_stages_are_filled_up(plant):
    time = np.linspace(0, 60, 600)
    one, two = special.expit(15 - time), special.expit(15 - time) + special.expit(40 - time)
    history = plant([[1.0]], np.zeros((3, 600, 1, 1)), time)
    history["loss"] = (("seed", "time"), np.stack([one, two, np.exp(-time)]))
    assert count_stages(history).values.tolist() == [1, 2, 0]
    assert np.isnan(stage_times(history).values).tolist() == [
        [False, True],
        [False] * 2,
        [True] * 2,
    ]


@pytest.mark.parametrize("times", [100, 200, 400])
@pytest.mark.parametrize(
    ("name", "strongest", "start", "stages"),
    [
        ("saxe2019", 7, 1e-1, 1), ("saxe2019", 7, 1e-3, 1), ("saxe2019", 7, 1e-4, 2),
        ("saxe2019", 7, 1e-6, 3), ("cao2020", 15, 1e-3, 1), ("cao2020", 15, 1e-6, 4),
    ],
)  # fmt: skip
def test_smaller_starts_show_more_stages(name, strongest, start, stages, times):
    data, initial = sd.load(name), start * np.sqrt(strongest)
    assert int(count_stages(sd.solve(data, depth=2, initial=initial, times=times))[0]) == stages
    assert int(count_stages(sd.solve(data, depth=1, initial=initial, times=times))[0]) == 0


def test_a_stage_is_where_its_mode_is_a_third_learned():
    s = np.sqrt([7, 3, 1])
    found = stage_times(sd.solve(sd.load("saxe2019"), depth=2, initial=1e-10, times=2000)).isel(
        seed=0
    )
    # −dL/dt of one mode is 2a(s − a)²: largest at a = s/3.
    np.testing.assert_allclose(found, np.log((s / 1e-10 - 1) / 2) / (2 * s), rtol=3e-3)


@pytest.mark.parametrize("wrong", [{"prominence": 1.0}, {"least": -0.1}, {"least": 1.0}])
def test_stage_times_refuses(wrong):
    with pytest.raises(ValueError, match="prominence is a factor above 1 and least a share; got"):
        stage_times(sd.solve(sd.load("saxe2019"), depth=2, times=4), **wrong)
