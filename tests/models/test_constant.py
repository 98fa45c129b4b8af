"""Closed forms with a bias or alike inputs: against flows, simulation, and by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate

import semdev as sd
from semdev.models.constant import (
    predict_shallow_peak,
    shallow_rates,
    solve_biased,
    solve_shallow,
)
from semdev.models.decomposition import best_map, bound_learning_rate

TIMES = np.linspace(0, 3, 13)


def vary(world: sd.Dataset, seed: int):
    """Return patterns with every switch thrown at random."""
    rng = np.random.default_rng(seed)
    shape = world.properties.shape
    return sd.make_patterns(
        world, frequency=rng.uniform(0.5, 2, shape[0]), correlation=rng.uniform(0, 0.8),
        observed=world.properties.copy(data=rng.uniform(0.2, 1, shape)),
    )  # fmt: skip


@pytest.fixture(params=["rogers2004", "csv", "±1"])
def world(request, tmp_path):
    if request.param == "rogers2004":
        return sd.load("rogers2004")
    if request.param == "±1":
        return sd.branching_diffusion([2, 3], properties=40, seed=4)
    sd.load("rumelhart8").to_csv(tmp_path / "mine.csv")
    return sd.Dataset.from_csv(tmp_path / "mine.csv")


# shallow


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_shallow_is_the_solution_of_its_equation(world, seed, bias):
    patterns = vary(world, seed)
    inputs = np.hstack([patterns.inputs, np.full((len(patterns.inputs), 1), float(bias))])
    taught = patterns.weights[:, None] * patterns.mask
    shape = (patterns.targets.shape[1], inputs.shape[1])

    def slope(_, flat):
        error = (patterns.targets - inputs @ flat.reshape(shape).T) * taught
        return (error.T @ inputs).ravel()

    flow = integrate.solve_ivp(slope, (0, 3), np.zeros(np.prod(shape)), t_eval=TIMES, rtol=1e-9,
                               atol=1e-11)  # fmt: skip
    expected = [inputs @ column.reshape(shape).T for column in flow.y.T]
    exact = solve_shallow(patterns, bias=bias, times=TIMES)
    np.testing.assert_allclose(exact["output"][0], expected, atol=1e-6)
    error = patterns.targets - np.array(expected)
    np.testing.assert_allclose(exact["loss"][0], (taught * error**2).sum((1, 2)) / 2, rtol=1e-5)


def test_shallow_is_what_solve_gives_without_a_bias(world):
    patterns = sd.make_patterns(
        world, correlation=0.4, frequency=[2, *[1] * (len(world.properties) - 1)]
    )
    mine, flow = solve_shallow(patterns, times=TIMES), sd.solve(patterns, depth=1, times=TIMES)
    np.testing.assert_allclose(mine["output"], flow["output"], atol=1e-6)
    np.testing.assert_allclose(mine["loss"], flow["loss"], atol=1e-5)


@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_shallow_networks_follow(world, correlation):
    patterns = sd.make_patterns(world, correlation=correlation)
    trained = sd.train(
        sd.Shallow(scale=0.0, bias=True), patterns, seeds=1, record=60, steps=3000, progress=False
    )
    exact = solve_shallow(patterns, bias=True, times=trained["time"].values)
    np.testing.assert_allclose(trained["output"], exact["output"], atol=0.02)


@settings(deadline=None, max_examples=30)
@given(c=st.floats(0, 0.95), bias=st.booleans(), seed=st.integers(0, 999))
def test_two_rates_for_items_alike(c, bias, seed):
    world = sd.branching_diffusion([2, 3], properties=7, seed=seed)
    y, mean = world.properties.values, world.properties.values.mean(0)
    shared, own = shallow_rates(6, correlation=c, bias=bias)
    grown = [-np.expm1(-r * TIMES)[:, None, None] for r in (shared, own)]
    exact = solve_shallow(sd.make_patterns(world, correlation=c), bias=bias, times=TIMES)
    np.testing.assert_allclose(
        exact["output"][0], mean * grown[0] + (y - mean) * grown[1], atol=1e-8
    )


@settings(deadline=None, max_examples=30)
@given(
    mean=st.floats(-1, 1), false=st.floats(-1, 0), items=st.integers(1, 60), c=st.floats(0, 0.99),
    bias=st.booleans(),
)  # fmt: skip
def test_the_peak_is_the_highest_of_the_curve(mean, false, items, c, bias):
    shared, own = shallow_rates(items, correlation=c, bias=bias)
    t = np.concatenate([[0], np.geomspace(1e-5, 40 / own, 200_000)])
    curve = -mean * np.expm1(-shared * t) - (false - mean) * np.expm1(-own * t)
    peak = predict_shallow_peak(mean, items=items, false=false, correlation=c, bias=bias)
    # Before its end, at which a target that is 0 is met from below or above.
    assert float(peak) == pytest.approx(max(curve.max(), 0), abs=1e-6)


def test_peaks_by_hand():
    assert float(predict_shallow_peak(0.5, items=2, correlation=0.9)) == pytest.approx(
        0.5 * (1 - 1 / 19) * 19 ** (-1 / 18)
    )
    assert predict_shallow_peak([0.2, 0.9], items=5).tolist() == [0, 0]
    assert shallow_rates(3, correlation=0.5, bias=True) == (5.0, 0.5)


def test_a_bias_is_a_correlation_of_one_half_at_half_the_time(world):
    bias = solve_shallow(world, bias=True, times=TIMES)
    alike = solve_shallow(sd.make_patterns(world, correlation=0.5), times=2 * TIMES)
    np.testing.assert_allclose(bias["output"], alike["output"], atol=1e-9)


# deep, with a bias


@pytest.mark.parametrize("depth", [2, 3])
def test_biased_networks_follow_the_closed_form(world, depth):
    exact = solve_biased(world, depth=depth, initial=1e-3, times=40)
    assert sd.get_provenance(exact)["method"].startswith("closed form")
    # A weight off by nothing that matters makes it the numerical flow, from the same start.
    nearly = sd.make_patterns(world)
    weights = nearly.weights.copy()
    weights[0] += 3e-9
    nearly = type(nearly)(**{**vars(nearly), "weights": weights})
    flow = solve_biased(nearly, depth=depth, initial=1e-3, times=exact["time"].values)
    assert sd.get_provenance(flow)["method"].startswith("exact gradient flow")
    np.testing.assert_allclose(flow["output"], exact["output"], atol=0.03)
    early = exact["time"].values * len(world.properties) < 5
    np.testing.assert_allclose(flow["output"][:, early], exact["output"][:, early], atol=0.01)


def test_depth_one_is_shallow_and_every_switch_is_integrated():
    world = sd.load("saxe2019")
    one, same = solve_biased(world, depth=1, times=9), solve_shallow(world, bias=True, times=9)
    xr.testing.assert_equal(one["output"], same["output"])
    flow = solve_biased(vary(world, 3), depth=2, times=50)
    trained = sd.train(sd.DeepLinear(hidden=16, bias=True), vary(world, 3), seeds=8, progress=False)
    ends = [each["output"].isel(time=-1) for each in (flow, trained)]
    np.testing.assert_allclose(ends[0], ends[1][:1], atol=0.05)
    peaks = [each["output"].max("time").median("seed") for each in (flow, trained)]
    np.testing.assert_allclose(peaks[0], peaks[1], atol=0.05)
    assert (np.diff(flow["loss"][0]) <= 1e-9).all()


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999), factor=st.floats(0.2, 5))
def test_scaling_the_world_scales_the_answers(seed, factor):
    world = sd.branching_diffusion([2, 2], properties=9, seed=seed)
    scaled = sd.Dataset(world.properties * factor, world.tree)
    assume(np.ptp(world.properties.values, axis=0).any())
    one = solve_biased(world, depth=2, initial=1e-4, times=20)
    # Strengths scale with the data, time against them; the bias alone keeps its rate.
    late = one["time"].values * 4 > 20
    two = solve_biased(scaled, depth=2, initial=1e-4 * factor, times=one["time"].values / factor)
    later = late & (two["time"].values * 4 > 20)
    np.testing.assert_allclose(
        two["output"].values[:, later], factor * one["output"].values[:, later], atol=1e-6
    )


# learning rates and maps where properties are observed unequally often


def test_the_best_map_heeds_shares():
    world = sd.load("saxe2019")
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(4, 2))
    share = world.properties.copy(data=rng.uniform(0.1, 1, world.properties.shape))
    patterns = sd.make_patterns(world, inputs=codes, observed=share)
    found = best_map(patterns)
    for k in range(7):
        root = np.sqrt(patterns.mask[:, k])
        expected = np.linalg.lstsq(codes * root[:, None], patterns.targets[:, k] * root, rcond=None)
        np.testing.assert_allclose(found[k], expected[0], atol=1e-9)


@pytest.mark.parametrize("model", [sd.Shallow(scale=0.1), sd.DeepLinear(hidden=16)])
def test_beyond_the_bound_masked_descent_diverges_and_within_it_does_not(model):
    world = sd.load("saxe2019")
    depth = 1 if isinstance(model, sd.Shallow) else 2
    rng = np.random.default_rng(1)
    share = world.properties.copy(data=rng.uniform(0.3, 1, world.properties.shape))
    patterns = sd.make_patterns(world, observed=share)
    safe, largest = bound_learning_rate(patterns, depth=depth)
    full = bound_learning_rate(world, depth=depth)
    assert safe <= full[0] * 1.01
    assert largest > full[1]
    settled = sd.train(
        model, patterns, seeds=2, learning_rate=0.9 * safe, steps=1500, record=2, progress=False
    )
    assert float(settled["loss"][:, -1].max()) < 1e-3
    with pytest.raises(ValueError, match="over the stability bound"):
        sd.train(model, patterns, seeds=1, learning_rate=1.01 * largest, steps=5)


def test_where_a_cell_is_never_taught_the_largest_rate_is_not_known():
    world = sd.load("saxe2019")
    taught = xr.ones_like(world.properties)
    taught[0, 0] = 0
    safe, largest = bound_learning_rate(sd.make_patterns(world, observed=taught), depth=2)
    assert largest == np.inf
    assert safe == pytest.approx(bound_learning_rate(world, depth=2)[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: solve_biased(w, depth=0), "depth counts weight matrices"),
        (lambda w: solve_biased(w, depth=2, initial=0), "strength modes start from, above 0"),
        (
            lambda w: solve_shallow(w, times=1),
            "an increasing list, or how many (at least 2); got 1",
        ),
        (lambda w: solve_shallow(w, times=[0, 2, 1]), "times must increase and begin at 0"),
        (lambda w: predict_shallow_peak(0.5, items=0), "items is at least 1, correlation at least"),
        (
            lambda w: predict_shallow_peak(0.5, items=2, false=1),
            "false at most 0; got 2, 0.0 and 1",
        ),
        (
            lambda w: solve_biased(w.select(properties=["can grow"]), depth=2),
            "all items have the same properties",
        ),
    ],
)
def test_what_cannot_be_solved_is_refused(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call(sd.load("saxe2019"))
