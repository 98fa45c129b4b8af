"""Where closed forms do not apply, a measure says nothing rather than something wrong."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import semdev as sd
from semdev.history import is_plain

ONE_HOT_ONLY = {
    "level_acquisition": "predicted", "category_acquisition": "predicted",
    "property_acquisition": "predicted", "typicality_learning": "predicted_membership_time",
    "learning_indices": "predicted_onset", "overgeneralizations": "predicted",
}  # fmt: skip


def learn(patterns, *, bias: bool = False, **options) -> xr.Dataset:
    model = sd.DeepLinear(hidden=12, bias=bias)
    settings = {"seeds": 2, "steps": 700, "record": 40, "progress": False} | options
    return sd.train(model, patterns, **settings)


@pytest.fixture(scope="module")
def world() -> sd.Dataset:
    return sd.load("rumelhart8")


@pytest.mark.parametrize(
    "switch",
    [{"correlation": 0.5}, {"relations": True}, {"observed": {("pine", "has leaves"): 0.0}}],
    ids=lambda s: next(iter(s)),
)
@pytest.mark.parametrize("measure", ONE_HOT_ONLY)
def test_predictions_are_silent_for_other_patterns(measure, switch, world) -> None:
    history = learn(sd.make_patterns(world, **switch))
    assert not is_plain(history)
    assert getattr(sd, measure)(history)[ONE_HOT_ONLY[measure]].isnull().all()
    plain = learn(world)
    assert is_plain(plain)
    assert getattr(sd, measure)(plain)[ONE_HOT_ONLY[measure]].notnull().any()


@pytest.mark.parametrize("measure", [*ONE_HOT_ONLY, "projection_gradient", "decouple"])
def test_predictions_are_silent_for_biases(measure, world) -> None:
    history = learn(world, bias=True, hidden=True, keep_weights=True)
    name = ONE_HOT_ONLY.get(measure, "predicted")
    assert getattr(sd, measure)(history)[name].isnull().all()


def test_base_rates_know_of_a_bias_by_themselves(world) -> None:
    history = learn(world, bias=True)
    xr.testing.assert_identical(sd.base_rates(history), sd.base_rates(history, bias=True))
    exact = sd.theory.solve_biased(world, depth=2, times=40)
    assert float(sd.base_rates(exact)["predicted_closest"]) == 0


@given(seed=st.integers(0, 2**32 - 1))
def test_a_history_holds_the_codes_that_were_shown(seed: int) -> None:
    world = sd.load("saxe2019")
    codes = np.random.default_rng(seed).normal(size=(4, 6))
    history = learn(sd.make_patterns(world, inputs=codes), steps=2, record=2, learning_rate=1e-3)
    np.testing.assert_array_equal(history["code"], codes)
    turned = history.isel(item=[2, 0, 3, 1])
    np.testing.assert_array_equal(turned["code"], codes[[2, 0, 3, 1]])
    assert not bool(history["one_hot"])
    assert "code" not in learn(world, steps=2, record=2)


def test_what_a_history_knows_survives_a_file(world, tmp_path) -> None:
    history = learn(sd.make_patterns(world, correlation=0.3), bias=True)
    again = sd.load_history(sd.save_history(history, tmp_path / "a.nc"))
    xr.testing.assert_identical(again, history)
    assert bool(again["biased"])
    assert not is_plain(again)
