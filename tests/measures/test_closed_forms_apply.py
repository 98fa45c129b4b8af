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


def test_some_of_what_was_learned_predicts_nothing(world) -> None:
    whole = learn(world, hidden=True)
    for part in (whole.isel(property=slice(0, 12)), whole.isel(item=[0, 1, 4, 5])):
        assert not is_plain(part)
        assert sd.property_acquisition(part)["predicted"].isnull().all()
        assert sd.gram_matrices(part, layer="hidden_1")["predicted"].isnull().all()
    assert is_plain(whole.isel(time=[0, 5, 9], seed=[1]))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_depth_is_read_from_the_history(depth, world) -> None:
    exact = sd.solve(world, depth=depth, initial=0 if depth == 1 else 1e-4)
    found = sd.level_acquisition(exact)
    np.testing.assert_allclose(found["predicted"], found["acquired"][0], rtol=0.02)
    categories = sd.category_acquisition(exact)
    np.testing.assert_allclose(categories["predicted"], categories["acquired"][0], rtol=0.02)


def test_chains_do_not_hang_on_the_order_of_items(world) -> None:
    exact = sd.solve(world, depth=2, times=20, keep_weights=True)
    plain, turned = (
        sd.decouple(h)["strength"] for h in (exact, exact.isel(item=slice(None, None, -1)))
    )
    np.testing.assert_allclose(np.abs(turned), np.abs(plain), atol=1e-9)


def test_dependent_codes_are_read_from_the_history(world) -> None:
    codes = np.random.default_rng(3).normal(size=(8, 4))
    patterns = sd.make_patterns(world, inputs=codes)
    history = learn(patterns, hidden=True)
    xr.testing.assert_identical(sd.plateaus(history), sd.plateaus(history, data=patterns))
    with pytest.raises(ValueError, match="a bias passes by the hidden layer"):
        sd.bottleneck(learn(world, bias=True, hidden=True))


def test_the_shallow_control_asks_the_history(world) -> None:
    def control(patterns, **bias):
        model = sd.Shallow(**bias)
        return sd.shallow_control(sd.train(model, patterns, seeds=1, progress=False))

    for patterns, bias in (
        (world, {}), (world, {"bias": True}), (sd.make_patterns(world, correlation=0.5), {}),
        (sd.make_patterns(world, observed=0.5), {}),
    ):  # fmt: skip
        found = control(patterns, **bias)
        np.testing.assert_allclose(found["measured"][0], found["predicted"], rtol=0.03, atol=0.01)
    assert control(sd.make_patterns(world, relations=True))["predicted"].isnull().all()


def test_observed_half_of_the_time_is_met_half_as_often(world) -> None:
    exact = sd.solve(sd.make_patterns(world, observed=0.5), depth=2, initial=1e-4)
    assert "taught" not in exact
    assert (exact["frequency"] == 0.5).all()
    found = sd.level_acquisition(exact)
    np.testing.assert_allclose(found["predicted"], found["acquired"][0], rtol=0.02)
