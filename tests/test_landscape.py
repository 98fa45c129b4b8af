"""The landscape: Hessians against numpy's own, saddles made by hand, and restarts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import semdev as sd
from semdev import landscape
from semdev.landscape import measure_curvature, restart, saddle_report
from semdev.measures.plateaus import plateaus
from semdev.models.decomposition import decompose
from semdev.models.plateaus import fit_modes, predict_curvature


def build_hessian(layers, patterns):
    """The Hessian of a linear chain, entry by entry in numpy: JᵀJ − Σ error × second derivatives.

    The map is multilinear in the matrices, so each derivative is the chain with unit matrices in
    place of the weights.
    """
    shapes = [w.shape for w in layers]
    units = [
        (k, a, b) for k, (rows, columns) in enumerate(shapes) for a in range(rows)
        for b in range(columns)
    ]  # fmt: skip

    def chain(replaced):
        out = patterns.inputs.T
        for k, w in enumerate(layers):
            out = replaced.get(k, w) @ out
        return out.T

    def unit(k, a, b):
        e = np.zeros(shapes[k])
        e[a, b] = 1
        return e

    weigh = patterns.weights[:, None] * patterns.mask
    error = weigh * (chain({}) - patterns.targets)
    first = [chain({k: unit(k, a, b)}) for k, a, b in units]
    hessian = np.empty((len(units), len(units)))
    for i, (k, a, b) in enumerate(units):
        for j, (m, c, d) in enumerate(units):
            hessian[i, j] = np.sum(weigh * first[i] * first[j])
            if k != m:
                hessian[i, j] += np.sum(error * chain({k: unit(k, a, b), m: unit(m, c, d)}))
    return hessian


def draw_layers(rng, sizes, size=0.7):
    return [size * rng.normal(size=(b, a)) for a, b in pairwise(sizes)]


@pytest.fixture(scope="module")
def trained():
    model, world = sd.DeepLinear(16, scale=2e-4), sd.load("saxe2019")
    return sd.train(model, world, seeds=3, keep_weights=True, record=300), model, world


# curvature


@pytest.mark.parametrize("hidden", [[3], [2, 3]])
@pytest.mark.parametrize("frequency", [None, [1.0, 2.0, 0.5, 3.0]])
@pytest.mark.parametrize("dense", [0, 10_000])
def test_eigenvalues_are_those_of_the_whole_hessian(hidden, frequency, dense, monkeypatch):
    monkeypatch.setattr(landscape, "DENSE", dense)
    patterns = sd.make_patterns(sd.load("saxe2019"), frequency=frequency, correlation=0.3)
    for seed in (1, 2):
        layers = draw_layers(np.random.default_rng(seed), [4, *hidden, 7])
        values = np.linalg.eigvalsh(build_hessian(layers, patterns))
        found = measure_curvature(sd.DeepLinear(hidden), patterns, layers)
        assert float(found["smallest"][0]) == pytest.approx(values[0], abs=1e-6)
        assert float(found["largest"][0]) == pytest.approx(values[-1], abs=1e-6)


def test_loss_and_gradient_are_those_of_finite_differences():
    world = sd.load("saxe2019")
    patterns = sd.make_patterns(world)
    layers = draw_layers(np.random.default_rng(0), [4, 3, 7])

    def loss(parts):
        return np.sum((patterns.targets - patterns.inputs @ (parts[1] @ parts[0]).T) ** 2) / 2

    slopes = []
    for k in (0, 1):
        for at in np.ndindex(layers[k].shape):
            up, down = ([w.copy() for w in layers] for _ in range(2))
            up[k][at] += 1e-5
            down[k][at] -= 1e-5
            slopes.append((loss(up) - loss(down)) / 2e-5)
    found = measure_curvature(sd.DeepLinear(3), world, layers)
    assert float(found["loss"][0]) == pytest.approx(loss(layers))
    assert float(found["gradient"][0]) == pytest.approx(np.linalg.norm(slopes), rel=1e-6)


def test_nonlinear_networks_have_curvature_too_and_no_prediction():
    world, model = sd.load("rumelhart8"), sd.MLP(3, activation="tanh")
    layers = draw_layers(np.random.default_rng(4), [8, 3, world.properties.shape[1]])
    found = measure_curvature(model, world, layers)
    patterns = sd.make_patterns(world)
    x, y = torch.tensor(patterns.inputs), torch.tensor(patterns.targets)

    def loss(flat):
        w1, w2 = flat[: layers[0].size], flat[layers[0].size :]
        hidden = torch.tanh(x @ w1.reshape(3, 8).T)
        return ((y - hidden @ w2.reshape(-1, 3).T) ** 2).sum() / 2

    flat = torch.tensor(np.concatenate([w.ravel() for w in layers]))
    values = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, flat)).numpy()
    assert float(found["smallest"][0]) == pytest.approx(values[0], abs=1e-8)
    assert float(found["largest"][0]) == pytest.approx(values[-1], abs=1e-8)
    assert found["predicted_smallest"].isnull().all()


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("kind", ["±1 tree", "frequency 3", "cao2020"])
def test_saddles_made_by_hand_curve_as_predicted(depth, kind):
    world = {
        "±1 tree": sd.branching_diffusion([2, 2], properties=6, flip=0.2, seed=1),
        "frequency 3": sd.make_patterns(sd.load("saxe2019"), frequency=[3.0] * 4),
        "cao2020": sd.load("cao2020"),
    }[kind]
    modes, rng = decompose(world), np.random.default_rng(depth)
    a = modes.s / modes.d
    number = len(modes.s)
    hidden = number + 1
    turn = np.linalg.qr(rng.normal(size=(hidden, hidden)))[0]
    for held in ([], [0], [0, 1], [1], [0, number - 1], list(range(number))):
        root, units = a[held] ** (1 / depth), turn[:, : len(held)]
        layers = [
            units * root @ modes.v[:, held].T,
            *[units * root @ units.T] * (depth - 2),
            modes.u[:, held] * root @ units.T,
        ]
        found = measure_curvature(sd.DeepLinear([hidden] * (depth - 1)), world, layers)
        wanted = predict_curvature(world, depth=depth, learned=[k + 1 for k in held], hidden=hidden)
        assert float(found["gradient"][0]) == pytest.approx(0, abs=1e-8)
        assert float(found["smallest"][0]) == pytest.approx(wanted["smallest"], abs=1e-7)
        assert float(found["largest"][0]) == pytest.approx(wanted["largest"], abs=1e-7)


@pytest.mark.parametrize("hidden", [2, 5])
def test_unequal_frequencies_and_inputs_keep_the_smallest(hidden):
    patterns = sd.make_patterns(
        sd.load("rumelhart8"), frequency=np.linspace(0.5, 2, 8), correlation=0.4
    )
    fit = fit_modes(patterns)
    u, s, vt = np.linalg.svd(fit.cut(2))
    layers = [np.zeros((hidden, 8)), np.zeros((len(u), hidden))]
    layers[0][:2] = np.sqrt(s[:2, None]) * vt[:2]
    layers[1][:, :2] = u[:, :2] * np.sqrt(s[:2])
    found = measure_curvature(sd.DeepLinear(hidden), patterns, layers)
    assert float(found["gradient"][0]) == pytest.approx(0, abs=1e-8)
    wanted = -fit.slope(2) if hidden > 2 else 0.0
    assert float(found["smallest"][0]) == pytest.approx(wanted, abs=1e-8)
    assert float(found["predicted_smallest"][0]) == pytest.approx(wanted, abs=1e-9)
    assert found["predicted_largest"].isnull().all()


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 999))
def test_turning_the_hidden_layer_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    world = sd.load("saxe2019")
    layers = draw_layers(rng, [4, 5, 7])
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    turned = [turn @ layers[0], layers[1] @ turn.T]
    one, other = (measure_curvature(sd.DeepLinear(5), world, w) for w in (layers, turned))
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-9)


def test_a_shallow_network_curves_as_its_inputs():
    patterns = sd.make_patterns(sd.load("saxe2019"), correlation=0.5)
    found = measure_curvature(sd.Shallow(), patterns, [np.zeros((7, 4))])
    values = np.linalg.eigvalsh(patterns.inputs.T @ patterns.inputs)
    for name, value in (("smallest", values[0]), ("largest", values[-1])):
        assert float(found[name][0]) == pytest.approx(value)
        assert float(found[f"predicted_{name}"][0]) == pytest.approx(value)


# saddle_report


def test_trained_networks_pass_from_saddle_to_saddle(trained):
    history, model, world = trained
    found = plateaus(history)
    s = np.sqrt([7, 3, 1])
    for seed in history["seed"].values:
        own = found.sel(seed=seed)
        middle = ((own["start"] + own["end"]) / 2).dropna("rank").values
        report = saddle_report(history, model, world, times=middle, seeds=[seed]).isel(seed=0)
        assert report["rank"].values.tolist() == [0, 1, 2]
        np.testing.assert_allclose(report["smallest"], -s, rtol=0.1)
        np.testing.assert_allclose(report["predicted_smallest"], -s)
        np.testing.assert_allclose(report["predicted_loss"], [6, 2.5, 1])
        np.testing.assert_allclose(report["loss"], report["predicted_loss"], rtol=0.15)
        np.testing.assert_allclose(report["loss"], history["loss"].sel(
            seed=seed, time=report["time"]), rtol=1e-9)  # fmt: skip
    end = saddle_report(history, model, world, times=history["time"].values[-1:])
    np.testing.assert_allclose(end["largest"], 2 * s[0], rtol=1e-3)
    assert (end["rank"] == 4).all()


def test_every_record_and_seed_by_default(trained):
    history, model, world = trained
    few = history.isel(time=[0, 50, -1])
    report = saddle_report(few, model, world)
    assert report["smallest"].shape == (3, 3)
    assert report["time"].values.tolist() == few["time"].values.tolist()
    one = saddle_report(few, model, world, seeds=[2], times=few["time"].values[1:2])
    assert float(one["smallest"].item()) == float(report["smallest"][2, 1])


def test_twelve_records_evenly_spread_by_default(trained, capfd):
    history, model, world = trained
    before = torch.get_num_threads()
    report = saddle_report(history, model, world, seeds=[0], progress=True)
    assert "measuring curvature:   0%" in capfd.readouterr().err
    assert torch.get_num_threads() == before
    at = np.searchsorted(history["time"].values, report["time"].values)
    assert len(at) == 12
    assert (at[0], at[-1]) == (0, history.sizes["time"] - 1)
    assert np.ptp(np.diff(at)) <= 1
    some = saddle_report(
        history, model, world, seeds=[0], times=history["time"].values[:20], progress=False
    )
    assert some.sizes["time"] == 20
    assert not capfd.readouterr().err


@pytest.mark.parametrize("close", [1e-5, 0.3])
def test_ends_of_a_spectrum_close_to_others_or_alike_in_size(close):
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.normal(size=(300, 300)))[0]
    values = np.concatenate([[-1, -1 + close, 1 - close, 1 + 1e-9], rng.uniform(-0.5, 0.5, 296)])
    matrix = torch.tensor(turn * values @ turn.T)
    found = landscape._find_ends(matrix.mv, torch.tensor(rng.normal(size=300)))
    np.testing.assert_allclose(found, [-1, 1 + 1e-9], atol=2e-8)


def test_few_different_eigenvalues_end_the_search_early():
    values, asked = torch.tensor([-2.0, 0, 0, 0, 1, 1, 5, 5] * 30, dtype=torch.float64), []

    def multiply(vector):
        asked.append(1)
        return values * vector

    start = torch.tensor(np.random.default_rng(0).normal(size=240))
    np.testing.assert_allclose(landscape._find_ends(multiply, start), [-2, 5], atol=1e-12)
    assert len(asked) <= 10
    assert landscape._find_ends(lambda v: 3 * v, start) == pytest.approx((3, 3))


def test_worlds_of_all_kinds(tmp_path):
    path = tmp_path / "own.csv"
    sd.load("rogers2004").to_csv(path)
    tree = sd.branching_diffusion([2, 2, 2], properties=30, flip=0.1, seed=0)
    for world in (sd.load("rogers2004"), sd.Dataset.from_csv(path), tree):
        model = sd.DeepLinear(24, scale=1e-3)
        history = sd.train(model, world, seeds=1, keep_weights=True, record=50)
        report = saddle_report(history, model, world, times=[0, float(history["time"][-1])])
        s = np.linalg.svd(world.properties.values, compute_uv=False)
        assert float(report["smallest"][0, 0]) == pytest.approx(-s[0], rel=1e-3)
        assert float(report["largest"][0, -1]) == pytest.approx(2 * s[0], rel=1e-2)


# restart


def test_restarts_find_the_least_loss_for_their_width():
    world = sd.load("saxe2019")
    for hidden, level in ((2, 1.0), (6, 0.0)):
        found = restart(sd.DeepLinear(hidden, scale=0.5), world, seeds=20, steps=4000)
        assert float(found["predicted_loss"]) == pytest.approx(level, abs=1e-9)
        assert float(found["reached"].mean()) >= 0.9
        assert not found["trapped"].any()
        np.testing.assert_allclose(found["loss"], level, atol=1e-3)


def test_a_network_that_is_left_on_a_saddle_is_seen_to_have_a_way_down():
    world = sd.load("saxe2019")
    found = restart(sd.DeepLinear(6, scale=1e-6), world, seeds=4, steps=100)
    assert not found["reached"].any()
    assert found["downhill"].all()
    assert not found["trapped"].any()
    np.testing.assert_allclose(found["smallest"], -np.sqrt(7), rtol=1e-3)


@pytest.mark.parametrize("model", [sd.Shallow(scale=0.3), sd.DeepLinear(4, scale=0.5)], ids=repr)
def test_xor_stays_unsolved(model):
    import xarray as xr

    table = xr.DataArray([[0.0], [1], [1], [0]], {"item": list("abcd"), "property": ["xor"]},
                         ("item", "property"))  # fmt: skip
    codes = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1.0]])
    data = sd.make_patterns(sd.Dataset(table, None, "XOR"), inputs=codes)
    found = restart(model, data, seeds=10, steps=4000, learning_rate=0.02)
    np.testing.assert_allclose(found["loss"] / 2, 0.25, atol=1e-5)
    assert found["reached"].all()


# errors


def test_errors_teach(trained):
    history, model, world = trained
    with pytest.raises(ValueError, match="train with keep_weights=True"):
        saddle_report(sd.solve(world, depth=2), model, world)
    with pytest.raises(KeyError, match="no seed 9 in this History"):
        saddle_report(history, model, world, seeds=[9])
    with pytest.raises(ValueError, match=r"this network on saxe2019 needs \[\(8, 4\), \(7, 8\)\]"):
        saddle_report(history, sd.DeepLinear(8), world)
    with pytest.raises(ValueError, match="no weight matrices \\(biases\\)"):
        restart(sd.DeepLinear(8, bias=True), world, seeds=2, steps=20)
    with pytest.raises(ValueError, match="at least 10; got 5"):
        restart(model, world, seeds=2, steps=5)
    with pytest.raises(ValueError, match="between 0 and 1, got 2"):
        restart(model, world, seeds=2, steps=20, tolerance=2)
    with pytest.raises(ValueError, match="one number of seeds"):
        measure_curvature(model, world, [np.zeros((2, 16, 4)), np.zeros((3, 7, 16))])


def test_a_module_of_your_own_will_do():
    class Mine(nn.Module):
        def __init__(self, n_in, n_out):
            super().__init__()
            self.first = nn.Linear(n_in, 3, bias=False)
            self.second = nn.Linear(3, n_out, bias=False)

        def forward(self, x):
            return self.second(torch.sin(self.first(x)))

    world = sd.load("saxe2019")
    history = sd.train(Mine, world, seeds=2, steps=30, learning_rate=0.05, keep_weights=True)
    report = saddle_report(history, Mine, world, times=history["time"].values[-1:])
    np.testing.assert_allclose(report["loss"][:, 0], history["loss"][:, -1], rtol=1e-9)
    assert (report["smallest"] < report["largest"]).all()


def test_a_hidden_layer_that_cuts_a_tie_is_reported():
    ends = sd.restart(sd.DeepLinear(3), sd.load("saxe2019"), seeds=3, steps=3000, progress=False)
    assert ends["reached"].all()
    assert not ends["trapped"].any()
    assert float(ends["predicted_loss"]) == pytest.approx(0.5)


def test_where_the_least_loss_is_not_known_nobody_is_trapped():
    some = sd.make_patterns(sd.load("cao2020"), observed={"has feature all": 0.3})
    relu = sd.MLP(hidden=3, activation="relu", scale=0.3)
    for model, data in ((sd.DeepLinear(3), some), (relu, sd.load("saxe2019"))):
        ends = sd.restart(model, data, seeds=3, steps=2000, progress=False)
        assert np.isnan(ends["predicted_loss"])
        assert ends["excess"].isnull().all()
        assert not (ends["trapped"] | ends["reached"]).any()
