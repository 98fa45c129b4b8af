"""Base rates and the shallow control: by hand, against closed forms, and whatever the order."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyRegressor

import semdev as sd
from semdev.measures.base_rates import base_rates, optimal_constant, over_constant
from semdev.measures.control import shallow_control, shallow_projection
from semdev.models.constant import predict_shallow_peak, solve_biased, solve_shallow


@pytest.fixture(scope="module", params=["rogers2004", "csv", "±1"])
def world(request, tmp_path_factory):
    if request.param == "rogers2004":
        return sd.load("rogers2004")
    if request.param == "±1":
        return sd.branching_diffusion([2, 3], properties=60, seed=4)
    path = tmp_path_factory.mktemp("tables") / "mine.csv"
    sd.load("rumelhart8").to_csv(path)
    table = sd.Dataset.from_csv(path).properties
    tree = sd.trees.from_clustering(table.values, table["item"].values)
    return sd.Dataset(table, tree, "mine")


# the constant


def test_the_constant_is_the_weighted_mean(world):
    often = np.random.default_rng(0).uniform(0.2, 3, world.properties.sizes["item"])
    patterns = sd.make_patterns(world, frequency=often)
    y = world.properties.values
    dummy = DummyRegressor().fit(np.zeros((len(y), 1)), y, sample_weight=often)
    for source in (patterns, patterns.data, sd.solve(patterns, depth=1, times=2)):
        np.testing.assert_allclose(optimal_constant(source), dummy.constant_[0])
    np.testing.assert_allclose(optimal_constant(world), y.mean(0))


def test_the_constant_heeds_what_is_observed():
    world = sd.load("saxe2019")
    share = xr.ones_like(world.properties)
    share.loc["canary", "can fly"], share.loc["rose", "can fly"] = 0.5, 0.25
    share.loc[:, "has roots"] = 0
    patterns = sd.make_patterns(world, observed=share)
    found = optimal_constant(patterns)
    assert float(found.sel(property="can fly")) == pytest.approx(0.5 / 2.75)
    assert np.isnan(found.sel(property="has roots"))
    history = sd.solve(world, depth=1, times=2).assign(taught=share)
    xr.testing.assert_allclose(optimal_constant(history), found.drop_vars("x", errors="ignore"))
    by_relation = sd.make_patterns(world, observed=share, relations=True)
    xr.testing.assert_allclose(optimal_constant(by_relation), found)


# the distance


def test_landmarks(plant):
    target = np.array([[1.0, 0, 1], [0, 1, 1], [1, 1, 1]])
    mean = np.broadcast_to(target.mean(0), target.shape)
    found = base_rates(plant(target, [[0 * target, mean, target]], [0, 1, 2])).isel(seed=0)
    assert found["to_constant"].values.tolist() == pytest.approx([np.sqrt(17 / 4), 0, 1])
    assert found["to_target"].values.tolist() == pytest.approx([np.sqrt(21 / 4), 1, 0])
    assert found["shared"].values.tolist() == pytest.approx([0, 1, 1])
    assert found["specific"].values.tolist() == pytest.approx([0, 0, 1])
    assert found["share_constant"].values.tolist() == pytest.approx(
        [np.nan, 1, 17 / 21], nan_ok=True
    )
    assert float(found["closest"]) == 0
    assert float(found["closest_time"]) == 1
    assert float(found["lead"]) == pytest.approx(1)
    assert bool(found["passes"])
    # Nearest from the middle on the way there to the middle on the way on, where 0 is as near.
    assert 0.5 < float(found["phase"]) < 1.5


def test_shares_and_distances_are_those_of_plain_sums(world):
    often = np.random.default_rng(1).uniform(0.2, 3, world.properties.sizes["item"])
    history = sd.solve(sd.make_patterns(world, frequency=often), depth=2, times=12)
    found = base_rates(history).isel(seed=0)
    y, out = history["target"].values, history["output"].values[0]
    c = np.average(y, axis=0, weights=often)
    unit = sum(f * np.sum((row - c) ** 2) for f, row in zip(often, y, strict=True))
    for k in (3, 11):
        gap = sum(f * np.sum((row - c) ** 2) for f, row in zip(often, out[k], strict=True))
        assert float(found["to_constant"][k]) == pytest.approx(np.sqrt(gap / unit))
        mean = np.average(out[k], axis=0, weights=often)
        assert float(found["shared"][k]) == pytest.approx(mean @ c / (c @ c))
        whole = sum(f * row @ row for f, row in zip(often, out[k], strict=True))
        assert float(found["share_constant"][k]) == pytest.approx(often.sum() * mean @ mean / whole)


def test_shallow_walks_straight(world):
    found = base_rates(sd.solve(world, depth=1, times=300)).isel(seed=0)
    assert float(found["lead"]) == pytest.approx(0, abs=1e-9)
    assert float(found["nearness"]) <= 1e-9
    assert float(found["phase"]) == 0
    assert not found["passes"]
    r = float(found["to_constant"][0]) ** 2  # a straight line's nearest point
    assert float(found["closest"]) == pytest.approx(np.sqrt(r / (1 + r)), rel=1e-3)


def test_a_biased_shallow_network_leads_by_the_closed_form(world):
    found = base_rates(solve_shallow(world, bias=True, times=400), bias=True)
    expected = predict_shallow_peak(1.0, items=world.properties.sizes["item"], bias=True)
    assert float(found["lead"][0]) == pytest.approx(float(expected), abs=1e-3)


def test_deep_networks_come_as_near_as_predicted(world):
    for initial in (1e-8, 1e-12):
        exact = sd.solve(world, depth=2, initial=initial, times=1500)
        found = base_rates(exact)
        np.testing.assert_allclose(found["predicted"], found["to_constant"], atol=1e-9)
        assert float(found["lead"][0]) <= float(found["predicted_lead"]) + 1e-9
    limit = base_rates(sd.solve(world, depth=2, initial=1e-60, times=4000))
    assert float(limit["closest"][0]) == pytest.approx(float(limit["predicted_closest"]), abs=0.05)
    assert float(limit["lead"][0]) == pytest.approx(float(limit["predicted_lead"]), abs=0.05)


def test_trained_networks_with_a_bias_follow_the_prediction(world):
    trained = sd.train(
        sd.DeepLinear(hidden=32, bias=True), world, seeds=3, dtype="float32", record=100,
        progress=False,
    )  # fmt: skip
    found = base_rates(trained, bias=True)
    assert float(abs(found["predicted"] - found["to_constant"]).max()) < 0.05
    assert (found["closest"] < 0.1).all()
    assert found["passes"].all()
    assert float(found["predicted_closest"]) == 0
    table = sd.summarize(found)
    assert table.shape[0] == 1
    assert table["passes"].item() == 1


def test_what_has_no_prediction_is_nan():
    patterns = sd.make_patterns(sd.load("saxe2019"), frequency={"canary": 3})
    history = sd.solve(patterns, depth=2, times=20)
    found = base_rates(history)
    assert np.isnan(found["predicted_closest"])
    assert found["predicted"].notnull().all()
    assert over_constant(history)["predicted"].isnull().all()
    taught = xr.ones_like(history["target"])
    taught[0, 0] = 0.5
    assert base_rates(history.assign(taught=taught))["predicted"].isnull().all()


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999), scale=st.floats(0.1, 10))
def test_order_and_scale_do_not_matter(seed, scale, plant):
    rng = np.random.default_rng(seed)
    y, out = rng.integers(0, 2, (5, 6)).astype(float), rng.normal(size=(2, 4, 5, 6))
    y[0, 0], y[1, 0] = 0, 1
    rows, columns = rng.permutation(5), rng.permutation(6)
    one = base_rates(plant(y, out, range(4)))
    two = base_rates(
        plant(scale * y[rows][:, columns], scale * out[:, :, rows][..., columns], range(4))
    )
    for name in one:
        np.testing.assert_allclose(two[name], one[name], atol=1e-8, err_msg=name)


def test_a_world_without_differences_is_refused(plant):
    with pytest.raises(ValueError, match="all items have the same properties"):
        base_rates(plant([[1, 0], [1, 0]], np.zeros((1, 2, 2, 2)), [0, 1]))


# over the constant


def test_over_the_constant_by_hand(plant):
    out = np.array([[[[0.0, 0], [0, 0]], [[0.2, 0.9], [0.7, 0.1]]]])
    found = over_constant(plant([[1, 0], [0, 0]], out, [0, 1]))
    assert found["over"].values.tolist() == [[pytest.approx([np.nan, 0.9], nan_ok=True),
                                              pytest.approx([0.2, 0.1])]]  # fmt: skip
    with pytest.raises(ValueError, match=r"no cell is false: .* false_at="):
        over_constant(plant([[1, 1], [1, 1]], out, [0, 1]))


def test_over_the_constant_approaches_its_prediction(world):
    plain = over_constant(sd.solve(world, depth=2, initial=1e-60, times=3000)).isel(seed=0)
    biased = over_constant(solve_biased(world, depth=2, initial=1e-60, times=3000), bias=True)
    for found in (plain, biased.isel(seed=0)):
        assert float((found["over"] - found["predicted"]).max()) < 0.02
        assert float(abs(found["over"] - found["predicted"]).median()) < 0.02
    predicted = sd.predict_peaks(world) - optimal_constant(world)
    np.testing.assert_allclose(
        plain["predicted"], predicted.where(world.properties <= 0), atol=1e-9
    )


def test_who_knows_only_base_rates_is_not_over_them(world):
    biased = over_constant(solve_shallow(world, bias=True))
    assert float((biased["over"] + optimal_constant(world).clip(max=0)).max()) < 1e-3
    if "rogers" in world.name:
        assert float(over_constant(sd.solve(world, depth=2))["over"].max()) > 0.3


# the shallow control


@pytest.mark.parametrize(
    ("correlation", "bias"), [(0.0, False), (0.0, True), (0.5, False), (0.9, False), (0.3, True)]
)
def test_the_control_is_what_theory_says(world, correlation, bias):
    patterns = sd.make_patterns(world, correlation=correlation)
    exact = solve_shallow(patterns, bias=bias, times=800)
    found = shallow_control(exact, correlation=correlation, bias=bias)
    measured, predicted = found["measured"][0], found["predicted"]
    assert float(measured.sel(statistic="stages")) == 0
    for name, tolerance in (("peak", 2e-3), ("excess", 1e-3)):
        value = float(measured.sel(statistic=name))
        assert value == pytest.approx(float(predicted.sel(statistic=name)), abs=tolerance)
    assert float(measured.sel(statistic="order")) == pytest.approx(
        float(predicted.sel(statistic="order")), rel=0.01, abs=1e-6
    )


def test_trained_shallow_networks_pass_and_deep_ones_do_not(world):
    shallow = sd.train(sd.Shallow(), world, seeds=3, progress=False)
    deep = sd.train(sd.DeepLinear(hidden=32), world, seeds=3, progress=False)
    passed = shallow_control(shallow)["measured"]
    assert float(passed.max()) < 0.02
    failed = shallow_control(deep)["measured"]
    assert (failed.sel(statistic=["order", "excess"]) > 0.05).all()


def test_codes_alike_within_classes_make_it_fail():
    world = sd.load("rumelhart8")
    exact = solve_shallow(sd.make_patterns(world, correlation=[0, 0.3, 0.6]))
    assert float(shallow_control(exact)["measured"].sel(statistic="excess")[0]) > 0.2


def test_the_control_predicts_nothing_for_unequal_frequencies():
    patterns = sd.make_patterns(sd.load("saxe2019"), frequency={"rose": 2})
    found = shallow_control(sd.solve(patterns, depth=1))
    assert found["predicted"].isnull().all()


def test_projection_is_what_a_new_output_learns(world):
    items = world.properties.sizes["item"]
    for correlation, bias in ((0.0, False), (0.6, False), (0.0, True), (0.4, True)):
        patterns = sd.make_patterns(world, correlation=correlation)
        found = shallow_projection(patterns, bias=bias)
        x = np.hstack([patterns.inputs, np.full((items, 1), float(bias))])
        w = np.zeros(x.shape[1])
        for _ in range(300):
            w += 0.2 * (1 - x[2] @ w) * x[2]
        np.testing.assert_allclose(found.values[2], x @ w, atol=1e-9)
    white = shallow_projection(world)
    assert white.values.tolist() == np.eye(items).tolist()


def test_projection_needs_items():
    with pytest.raises(ValueError, match="give patterns with one for each item"):
        shallow_projection(sd.make_patterns(sd.load("rumelhart8"), relations=True))
    with pytest.raises(ValueError, match="an item's code is all zeros"):
        shallow_projection(sd.make_patterns(sd.load("saxe2019"), inputs=np.zeros((4, 2))))
