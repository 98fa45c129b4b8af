"""Linear against nonlinear: planted delays, an ODE solver, and networks from the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

import semdev as sd
from semdev.counterparts import Counterpart
from semdev.measures.modes import mode_strengths
from semdev.measures.nonlinearity import compare_trajectories, predict_delay

S = np.array([3.0, 2.0, 1.0])


def plant_modes(plant, middles, time, *, width=0.5):
    """A History of a diagonal world whose modes are logistic with given half-times."""
    share = special.expit((np.asarray(time)[:, None] - np.asarray(middles)) / width)
    return plant(np.diag(S), (share * S)[None, :, :, None] * np.eye(3), time)


def train_pair(world, kind="tanh", *, seeds=3, hidden=16, scale=0.01, **settings_):
    model = sd.DeepLinear(hidden, scale=scale)
    linear = sd.train(model, world, seeds=seeds, keep_weights=True, **settings_)
    steps = linear["step"].values
    rate = sd.get_provenance(linear)["learning_rate"]
    later = np.unique(np.linspace(steps[-1], 1.5 * steps[-1], 30).round().astype(int))[1:]
    other = sd.train(
        Counterpart(model, kind), world, seeds=seeds, learning_rate=rate, hidden=True,
        record=[*steps.tolist(), *later.tolist()], keep_weights=True,
    )  # fmt: skip
    return linear, other


@pytest.fixture(scope="module")
def pair():
    return train_pair(sd.load("cao2020"))


# planted curves


@settings(deadline=None, max_examples=20)
@given(late=st.lists(st.floats(0.1, 3), min_size=3, max_size=3), tolerance=st.floats(0.01, 0.2))
def test_a_planted_delay_comes_back(late, tolerance, plant):
    time, middles = np.linspace(0, 60, 2500), np.array([10.0, 20.0, 30.0])
    one = plant_modes(plant, middles, time)
    other = plant_modes(plant, middles + late, time)
    found = compare_trajectories(one, other, tolerance=tolerance).isel(seed=0)
    np.testing.assert_allclose(found["half_time"], middles, atol=0.01)
    np.testing.assert_allclose(found["delay"], np.array(late) / middles, atol=1e-3)
    # two logistic curves that far apart differ most halfway between
    widest = 2 * special.expit(np.array(late) / 2 / 0.5) - 1
    np.testing.assert_allclose(found["largest_gap"], widest, atol=1e-3)
    np.testing.assert_array_equal(found["split"].notnull(), found["largest_gap"] >= tolerance)
    for k in np.flatnonzero(widest > tolerance * 1.05):
        t = float(found["split"][k])
        gap = special.expit((t - middles[k]) / 0.5) - special.expit(
            (t - middles[k] - late[k]) / 0.5
        )
        assert gap == pytest.approx(tolerance, abs=1e-3)
        share = special.expit((t - middles[k]) / 0.5)
        assert float(found["split_share"][k]) == pytest.approx(share, abs=1e-2)


def test_departure_is_of_any_mode_measured_by_the_strongest(plant):
    time = np.linspace(0, 60, 2500)
    one = plant_modes(plant, [10, 20, 30], time)
    other = plant_modes(plant, [10, 20, 33], time)
    found = compare_trajectories(one, other, tolerance=0.05).isel(seed=0)
    # mode 3 has a third of mode 1's strength
    own = compare_trajectories(one, other, tolerance=0.15).isel(seed=0)
    assert float(found["departure"]) == pytest.approx(float(own["split"][2]), abs=1e-6)
    assert float(found["leading_share"]) == pytest.approx(1, abs=1e-6)
    assert found["split"].notnull().values.tolist() == [False, False, True]


def test_order_kept_counts_pairs_clearly_apart(plant):
    time = np.linspace(0, 60, 2000)
    one = plant_modes(plant, [10, 20, 30], time)
    for middles, share in (
        ([10, 20, 30], 1.0), ([20, 10, 30], 2 / 3), ([30, 20, 10], 0.0), ([10, 70, 90], 2 / 3),
    ):  # fmt: skip
        found = compare_trajectories(one, plant_modes(plant, middles, time))
        # of two modes that are both never learned none is first
        assert float(found["order_kept"][0]) == pytest.approx(share)
    near = plant_modes(plant, [10, 10.2, 10.4], time)
    swapped = plant_modes(plant, [10.4, 10.2, 10], time)
    assert np.isnan(compare_trajectories(near, swapped)["order_kept"][0])


def test_a_learner_never_parts_from_itself(pair):
    found = compare_trajectories(pair[0], pair[0])
    assert found["split"].isnull().all()
    assert found["departure"].isnull().all()
    assert float(found["largest_gap"].max()) == 0
    assert (found["delay"] == 0).all()
    assert (found["order_kept"] == 1).all()
    assert found["activity"].isnull().all()  # hidden layers were not kept


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 999), clock=st.floats(0.1, 10))
def test_order_names_and_clock_do_not_matter(seed, clock, pair):
    rng = np.random.default_rng(seed)
    rows, columns, seeds = rng.permutation(8), rng.permutation(15), rng.permutation(3)
    one = compare_trajectories(*pair)
    turned = [h.drop_vars([n for n in h if "weights" in str(n)]) for h in pair]
    turned = [
        h.isel(item=rows, property=columns).assign_coords(time=h["time"] * clock) for h in turned
    ]
    other = compare_trajectories(turned[0].isel(seed=seeds), turned[1]).sortby("seed")
    powers = dict.fromkeys(("split_share", "delay", "activity", "bent", "order_kept"), 0)
    for name, power in {**powers, "split": 1, "departure": 1, "half_time": 1}.items():
        np.testing.assert_allclose(
            other[name].transpose(*one[name].dims), one[name] * clock**power, rtol=1e-6, atol=1e-9
        )


# networks


def test_small_activity_is_linear_and_large_is_not():
    world = sd.load("cao2020")
    parted = []
    for size in (0.1, 1.0, 4.0):
        scaled = sd.Dataset(world.properties * size, None, "scaled")
        found = compare_trajectories(*train_pair(scaled, hidden=32, scale=0.01 / np.sqrt(32)))
        if size == 0.1:
            s = found["singular_value"]
            assert float((found["gap"] * s / s[0]).max()) < 0.005
            assert found["departure"].isnull().all()
        parted.append(found["leading_share"].fillna(1.0).values)
    assert (parted[1] > 0.7).all()
    assert (parted[2] < parted[1]).all()
    assert (parted[2] > 0.1).all()


def test_half_times_of_the_linear_network_are_predicted(pair):
    found = compare_trajectories(*pair)
    np.testing.assert_allclose(found["predicted"], found["half_time"], rtol=0.05)
    assert (found["delay"] > 0).all()
    assert ((found["activity"] > 0.2) & (found["activity"] < 1)).all()
    assert ((found["bent"] >= 0) & (found["bent"] <= 1)).all()


def test_no_prediction_without_weights_or_with_other_inputs(pair):
    without = pair[0].drop_vars(["weights_1", "weights_2"])
    assert compare_trajectories(without, pair[1])["predicted"].isnull().all()
    data = sd.make_patterns(sd.load("saxe2019"), correlation=0.5)
    found = compare_trajectories(*train_pair(data, seeds=1))
    assert found["predicted"].isnull().all()


def test_sigmoid_units_bend_a_quarter_as_much():
    world = sd.load("saxe2019")
    largest = {
        kind: float(compare_trajectories(*train_pair(world, kind))["largest_gap"].median())
        for kind in ("tanh", "sigmoid")
    }
    assert largest["sigmoid"] / largest["tanh"] == pytest.approx(0.25, abs=0.1)


def test_worlds_of_all_kinds(tmp_path):
    path = tmp_path / "own.csv"
    sd.load("rogers2004").to_csv(path)
    tree = sd.branching_diffusion([2, 2, 2], properties=60, flip=0.1, seed=1)
    for world in (sd.load("rogers2004"), sd.Dataset.from_csv(path), tree):
        found = compare_trajectories(*train_pair(world, seeds=2, hidden=24))
        assert (found["order_kept"] > 0.9).all()
        strongest = found.isel(mode=0)
        np.testing.assert_allclose(strongest["predicted"], strongest["half_time"], rtol=0.05)
        assert "delay" in sd.summarize(found).columns


# the first mode's delay


@settings(deadline=None, max_examples=12)
@given(
    s=st.floats(1, 60), start=st.floats(-12, -2), hidden=st.integers(4, 100),
    items=st.integers(4, 64),
)  # fmt: skip
def test_predicted_delay_is_that_of_its_equation(s, start, hidden, items):
    a0, epsilon = 10.0**start, 3 / (hidden + 2) / items
    found = float(predict_delay(s, initial=a0, hidden=hidden, items=items))
    if epsilon * s >= 1:
        assert np.isnan(found)
        return

    def half_time(e):
        def reach(_, a):
            return a[0] - s / 2

        reach.terminal = True
        run = integrate.solve_ivp(
            lambda _, a: 2 * a * (s - a) * (1 - e * a), (0, 1e3), [a0], events=reach,
            rtol=1e-10, atol=1e-14,
        )  # fmt: skip
        return run.t_events[0][0]

    assert found == pytest.approx(half_time(epsilon) / half_time(0.0) - 1, abs=1e-5)


@pytest.mark.parametrize("hidden", [16, 64])
def test_tanh_networks_follow_the_predicted_delay(hidden):
    world = sd.load("cao2020")
    scaled = sd.Dataset(world.properties * 3, None, "scaled")
    pair = train_pair(scaled, seeds=12, hidden=hidden, scale=1e-3)
    delay = compare_trajectories(*pair)["delay"].isel(mode=0)
    weights = [pair[0][f"weights_{k}"].isel(time=0).values for k in (1, 2)]
    start = sd.theory.effective_initial_strength(weights, scaled)[:, 0]
    s = float(mode_strengths(pair[0])["singular_value"][0])
    predicted = predict_delay(s, initial=start, hidden=hidden, items=8)
    assert float(delay.median()) == pytest.approx(np.median(predicted), rel=0.3)


# errors


def test_what_cannot_be_compared_is_refused(pair):
    one, other = pair
    world = sd.load("saxe2019")
    with pytest.raises(ValueError, match="different data"):
        compare_trajectories(one, sd.solve(world, depth=2))
    with pytest.raises(ValueError, match=r"the same seeds.*got \[0, 1, 2\] and \[0, 1\]"):
        compare_trajectories(one, other.isel(seed=[0, 1]))
    with pytest.raises(ValueError, match="weights_1 differ at the start"):
        compare_trajectories(one.assign_coords(seed=[1, 2, 0]), other)
    with pytest.raises(ValueError, match="tolerance is a share between 0 and 1"):
        compare_trajectories(one, other, tolerance=2)
    with pytest.raises(TypeError, match="a History"):
        compare_trajectories(one, xr.DataArray(0))
    with pytest.raises(ValueError, match=r"items= .* or kurtosis="):
        predict_delay(3.0, initial=0.01, hidden=4)
    with pytest.raises(ValueError, match="between 0 and half of s; got 2"):
        predict_delay(3.0, initial=2, hidden=4, items=3)
    with pytest.raises(ValueError, match="hidden is a number of units, at least 1; got 0"):
        predict_delay(3.0, initial=0.1, hidden=0, items=3)
