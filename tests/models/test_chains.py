"""Chains: weights that decouple modes, every weight in closed form, and pretrained layers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.models.chains import aligned_weights, chain_weights, draw_orthonormal
from semdev.models.decomposition import decompose
from semdev.models.flow import integrate_flow
from semdev.models.pretraining import pretrain


def load_world(name, tmp_path):
    if name == "branching":
        return sd.branching_diffusion([2, 2, 2], properties=30, flip=0.1, seed=5)
    if name == "csv":
        sd.load("rumelhart8").to_csv(tmp_path / "table.csv")
        return sd.Dataset.from_csv(tmp_path / "table.csv")
    return sd.load(name)


WORLDS = ["saxe2019", "rogers2004", "branching", "csv"]


def multiply(weights):
    product = weights[0]
    for w in weights[1:]:
        product = w @ product
    return product


# aligned_weights


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_aligned_weights_start_every_mode_where_asked(name, depth, tmp_path):
    world = load_world(name, tmp_path)
    modes = decompose(world)
    start = np.linspace(0.3, 0.1, len(modes.s))
    weights = aligned_weights(world, depth=depth, initial=start, hidden=40, seed=1)
    sizes = [
        world.properties.sizes["item"],
        *[40] * (depth - 1),
        world.properties.sizes["property"],
    ]
    assert [w.shape for w in weights] == list(zip(sizes[1:], sizes[:-1], strict=True))
    np.testing.assert_allclose(modes.u.T @ multiply(weights) @ modes.v, np.diag(start), atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 999), hidden=st.integers(4, 9), depth=st.integers(2, 5),
    strengths=st.lists(st.floats(-1.5, 1.5), min_size=5, max_size=5),
)  # fmt: skip
def test_how_hidden_layers_are_turned_changes_no_answer(seed, hidden, depth, strengths):
    world = sd.load("saxe2019")
    layers = np.tile(strengths[:depth], (4, 1)) * np.array([[1.0], [0.7], [0.4], [0.4]])
    plain = aligned_weights(world, depth=depth, initial=layers)
    turned = aligned_weights(world, depth=depth, initial=layers, hidden=hidden, seed=seed)
    np.testing.assert_allclose(multiply(turned), multiply(plain), atol=1e-10)


def test_a_narrow_hidden_layer_has_room_for_the_strongest_modes_only():
    world = sd.load("saxe2019")
    modes = decompose(world)
    weights = aligned_weights(world, depth=3, initial=0.01, hidden=[5, 2], seed=0)
    found = np.diag(modes.u.T @ multiply(weights) @ modes.v)
    np.testing.assert_allclose(found, [0.01, 0.01, 0, 0], atol=1e-14)


def test_networks_that_start_aligned_follow_every_weight_of_the_closed_form():
    world = sd.load("saxe2019")
    begin = np.array([[0.02, 0.6, 0.3], [0.5, 0.1, 0.3], [0.2, 0.2, 0.2], [0.2, 0.2, 0.2]])
    options = {"depth": 3, "initial": begin, "hidden": 6, "seed": 3}
    weights = aligned_weights(world, **options)
    largest = []
    for rate in (4e-3, 2e-3):
        history = sd.train(
            sd.DeepLinear([6, 6]), world, seeds=1, weights=weights, learning_rate=rate,
            steps=round(3 / rate), record=20, keep_weights=True, progress=False,
        )  # fmt: skip
        exact = chain_weights(world, times=history["time"].values, **options)
        gaps = [
            np.abs(history[name].isel(seed=0).values - exact[name].values).max()
            for name in ("weights_1", "weights_2", "weights_3")
        ]
        largest.append(max(gaps))
        assert exact["weights_2"].dims == ("time", "unit_2", "unit_1")
    assert largest[0] < 0.03
    assert largest[1] == pytest.approx(largest[0] / 2, rel=0.15)


# chain_weights


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_chain_weights_are_the_gradient_flow_from_aligned_weights(name, depth, tmp_path):
    world = load_world(name, tmp_path)
    start = 0.05
    exact = chain_weights(world, depth=depth, initial=start, times=7)
    patterns = sd.make_patterns(world)
    output = integrate_flow(
        aligned_weights(world, depth=depth, initial=start), patterns, exact["time"].values
    )[0]
    product = np.eye(len(patterns.inputs))
    for k in range(1, depth + 1):
        product = exact[f"weights_{k}"].values @ product
    np.testing.assert_allclose(product.swapaxes(-1, -2), output, atol=1e-6)
    assert (exact["strength"].isel(time=-1) > 0.989 * exact["singular_value"]).all()
    assert exact["weights_1"].dims[-1] == "input"
    assert exact[f"weights_{depth}"].dims[1] == "property"


def test_the_flow_of_modes_that_do_not_decouple_is_refused():
    table = sd.load("saxe2019").properties
    rare = sd.Dataset(table.assign_coords(frequency=("item", [1.0, 2, 3, 4])), name="uneven")
    with pytest.raises(ValueError, match=r"the modes of uneven do not decouple.*initial=\"exact\""):
        chain_weights(rare, depth=2, initial=0.1)
    assert len(aligned_weights(rare, depth=2, initial=0.1)) == 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"depth": 0}, "depth counts weight matrices"),
        ({"initial": 0.0}, "must start above 0 .* got initial = 0.0. Layers of any sign"),
        ({"initial": [1.0, 2.0]}, r"one for each of the 4 modes, or mode × layer \(4, 2\)"),
        ({"initial": np.inf}, "initial must be finite; got inf"),
        ({"hidden": [4, 4]}, "one for each of the 1 hidden layers of a network of depth 2"),
        ({"hidden": 0}, "at least one unit; got 0"),
        ({"hidden": 2.5}, "hidden is a number of units"),
        ({"times": 1}, "times is a list, or how many"),
        ({"times": [-1.0]}, "times must be learning times, 0 or later"),
        ({"initial": np.zeros((4, 2))}, "no mode learns from this start"),
    ],
)
def test_chain_weights_refuse(changed, message):
    arguments = {"depth": 2, "initial": 0.1} | changed
    with pytest.raises(ValueError, match=message):
        chain_weights(sd.load("saxe2019"), **arguments)


def test_orthonormal_draws_are_uniform_whatever_their_shape():
    rng = np.random.default_rng(1)
    drawn = np.stack([draw_orthonormal(rng, 3, 2) for _ in range(2000)])
    np.testing.assert_allclose(drawn.mean(0), 0, atol=4 * 3**-0.5 / 2000**0.5)
    np.testing.assert_allclose((drawn**2).mean(0), 1 / 3, atol=0.03)
    wide = draw_orthonormal(rng, 2, 5)
    np.testing.assert_allclose(wide @ wide.T, np.eye(2), atol=1e-12)


# pretrain


@pytest.mark.parametrize("name", ["rogers2004", "branching", "csv"])
def test_pretrained_layers_have_strength_one(name, tmp_path):
    world = load_world(name, tmp_path)
    n = world.properties.sizes["item"]
    ready = pretrain(world, hidden=[n + 8, n + 2], seeds=2, output=0.5, tolerance=1e-5)
    through = ready.weights[1] @ ready.weights[0]
    np.testing.assert_allclose(np.linalg.svd(through, compute_uv=False), 1, atol=0.03)
    last = np.linalg.svd(ready.weights[2], compute_uv=False)
    np.testing.assert_allclose(last, 0.5, atol=1e-9)
    assert (ready.error <= 1e-5).all()
    assert ready.updates.shape == (2, 2)


def test_a_narrow_layer_learns_the_principal_components():
    # An autoencoder's best code is the span of the leading principal components (Baldi & Hornik).
    rng = np.random.default_rng(3)
    codes = rng.normal(size=(4, 4)) * np.array([3, 2, 0.7, 0.4])
    patterns = sd.make_patterns(sd.load("saxe2019"), inputs=codes)
    ready = pretrain(patterns, hidden=2, seeds=1, tolerance=1e-7)
    expected = np.linalg.svd(codes)[2][:2]
    found = np.linalg.svd(ready.weights[0][0])[2][:2]
    np.testing.assert_allclose(found.T @ found, expected.T @ expected, atol=0.01)


def test_a_seed_alone_is_the_seed_among_others_and_pretraining_helps():
    world = sd.load("saxe2019")
    both, alone = (pretrain(world, hidden=[8] * 4, seeds=seeds) for seeds in (3, [2]))
    for many, one in zip(both.weights, alone.weights, strict=True):
        np.testing.assert_allclose(many[2], one[0], rtol=1e-10)
    options = {"seeds": 3, "steps": 200, "record": 2, "progress": False}
    ready = sd.train(sd.DeepLinear([8] * 4), world, weights=both.weights, **options)
    small = sd.train(sd.DeepLinear([8] * 4, scale=0.1), world, **options)
    assert (ready["loss"][:, -1] < 0.5 * small["loss"][:, -1]).all()


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 99), stretch=st.floats(0.1, 10))
def test_pretraining_takes_as_long_whatever_the_unit_of_the_inputs(seed, stretch):
    codes = np.random.default_rng(seed).normal(size=(4, 3))
    runs = [
        pretrain(
            sd.make_patterns(sd.load("saxe2019"), inputs=c * codes), hidden=4, seeds=[seed],
            tolerance=0.02,
        )
        for c in (1, stretch)
    ]  # fmt: skip
    assert abs(int(runs[0].updates[0, 0]) - int(runs[1].updates[0, 0])) <= 1
    np.testing.assert_allclose(runs[0].weights[0], runs[1].weights[0], atol=0.02)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hidden": []}, r"at least one unit in each hidden layer; got \[\]"),
        ({"seeds": []}, "seeds is how many, or a list"),
        ({"scale": 0.0}, "scale must be a positive number, got 0.0"),
        ({"output": -1}, "output must be a positive number, got -1"),
    ],
)
def test_pretrain_refuses(changed, message):
    with pytest.raises(ValueError, match=message):
        pretrain(sd.load("saxe2019"), **({"hidden": 8, "seeds": 1} | changed))


def test_pretraining_says_when_it_is_not_done_and_when_it_diverges(monkeypatch):
    monkeypatch.setattr("semdev.models.pretraining.MOST_UPDATES", 5)
    with pytest.warns(UserWarning, match=r"not pretrained after 5 updates in 2 of 2 networks"):
        pretrain(sd.load("saxe2019"), hidden=8, seeds=2)
    monkeypatch.setattr("semdev.models.pretraining.MOST_UPDATES", 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(ArithmeticError, match="diverged at learning rate 9; give a smaller"):
            pretrain(sd.load("saxe2019"), hidden=8, seeds=1, learning_rate=9.0)
