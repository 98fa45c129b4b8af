"""Networks: what each initialization draws, and what it does for learning in deep ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import semdev as sd
from semdev.models.networks import MLP, DeepLinear


def draw(model, n_in, n_out, seed):
    """The weight matrices of one network, first layer first."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return [p.detach().double().numpy() for p in model(n_in, n_out).parameters()]


def singular_values(matrix):
    return np.linalg.svd(matrix, compute_uv=False)


SHAPES = st.tuples(
    st.integers(1, 9), st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 9)
)


@settings(deadline=None, max_examples=40)
@given(shape=SHAPES, scale=st.floats(0.05, 3), seed=st.integers(0, 10**6))
def test_orthogonal_layers_have_one_strength_whatever_their_shape(shape, scale, seed):
    n_in, hidden, n_out = shape
    net = DeepLinear(hidden, scale=scale, initialization="orthogonal")
    for w in draw(net, n_in, n_out, seed):
        np.testing.assert_allclose(singular_values(w), scale, rtol=1e-5)


@settings(deadline=None, max_examples=40)
@given(shape=SHAPES, scale=st.floats(0.05, 3), seed=st.integers(0, 10**6))
def test_balanced_layers_match_each_other_whatever_their_shape(shape, scale, seed):
    n_in, hidden, n_out = shape
    weights = draw(DeepLinear(hidden, scale=scale, initialization="balanced"), n_in, n_out, seed)
    for low, high in pairwise(weights):
        np.testing.assert_allclose(low @ low.T, high.T @ high, atol=1e-5 * scale**2)
    product = weights[0]
    for w in weights[1:]:
        product = w @ product
    rank = min(n_in, *hidden, n_out)
    expected = np.zeros(min(n_in, n_out))
    expected[:rank] = scale ** len(weights)
    np.testing.assert_allclose(singular_values(product), expected, atol=1e-4 * expected[0])


def test_orthogonal_matrices_are_drawn_uniformly():
    # The entries of a uniform rotation of the plane are cosines of uniform angles, and half of
    # all orthogonal matrices turn the plane over.
    model = DeepLinear([2], initialization="orthogonal")
    drawn = np.stack([draw(model, 2, 2, seed)[0] for seed in range(300)])
    angles = np.arccos(np.clip(drawn[:, 0, 0], -1, 1)) / np.pi
    assert stats.kstest(angles, "uniform").pvalue > 1e-3
    assert stats.binomtest(int((np.linalg.det(drawn) > 0).sum()), 300).pvalue > 1e-3


def test_gaussian_weights_have_the_standard_deviation_asked_for():
    weights = draw(DeepLinear([60, 60], scale=0.3), 60, 60, 5)
    for w in weights:
        assert w.std() == pytest.approx(0.3, rel=0.05)
        assert abs(w.mean()) < 0.3 * 4 / 60


@pytest.mark.parametrize("depth", [2, 3, 8, 64])
def test_default_gaussian_weights_are_small_at_any_depth(depth):
    n = 32
    size = []
    for seed in range(20):
        product = np.eye(n)
        for w in draw(DeepLinear([n] * (depth - 1)), n, n, seed):
            product = w @ product
        size.append(np.sqrt(np.mean(product**2) * n))  # the mean strength of a direction
    assert np.median(size) < 4e-5


def test_default_scales():
    assert singular_values(draw(DeepLinear(4, initialization="orthogonal"), 4, 4, 0)[0]) == (
        pytest.approx(np.ones(4), rel=1e-6)
    )
    balanced = draw(DeepLinear([4, 4], initialization="balanced"), 4, 4, 0)
    assert singular_values(balanced[2] @ balanced[1] @ balanced[0]) == (
        pytest.approx(np.full(4, 1e-5), rel=1e-4)
    )


def test_a_multilayer_perceptron_begins_as_the_linear_network_does():
    for initialization in ("gaussian", "orthogonal", "balanced"):
        linear = draw(DeepLinear([5, 6], initialization=initialization), 4, 7, 3)
        tanh = draw(MLP([5, 6], "tanh", initialization=initialization), 4, 7, 3)
        for a, b in zip(linear, tanh, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("model", [DeepLinear, MLP])
def test_an_unknown_initialization_is_refused(model):
    name = model.__name__
    with pytest.raises(
        KeyError, match=f"no initialization 'orthogonl' in {name}; did you mean 'orthogonal'"
    ):
        model(8, initialization="orthogonl")


@pytest.mark.parametrize("initialization", ["gaussian", "orthogonal", "balanced"])
def test_a_scale_that_is_none_is_refused(initialization):
    with pytest.raises(ValueError, match=r"a layer's strength\), at least 0; got -1"):
        DeepLinear(8, scale=-1, initialization=initialization)
    with pytest.raises(ValueError, match="starts at scale 0 never learns"):
        DeepLinear(8, scale=0, initialization=initialization)


# learning


def small_world(name, tmp_path):
    if name == "branching":
        return sd.branching_diffusion([2, 2], properties=6, flip=0.2, seed=2)
    if name == "csv":
        sd.load("saxe2014").to_csv(tmp_path / "table.csv")
        return sd.Dataset.from_csv(tmp_path / "table.csv")
    return sd.load(name)


def share_left(history):
    return (history["loss"] / (0.5 * (history["target"] ** 2).sum())).isel(time=-1).values


@pytest.mark.parametrize("name", ["saxe2019", "branching", "csv"])
def test_sixty_four_orthogonal_layers_learn_at_the_default_rate_and_gaussian_do_not(name, tmp_path):
    world = small_world(name, tmp_path)
    hidden = [16] * 63
    options = {"steps": 400, "record": 2, "dtype": "float32", "progress": False}
    model = DeepLinear(hidden, initialization="orthogonal")
    orthogonal = sd.train(model, world, seeds=2, **options)
    gaussian = sd.train(DeepLinear(hidden), world, seeds=1, **options)
    assert (share_left(orthogonal) < 0.05).all()
    assert (share_left(gaussian) > 0.99).all()


def test_wholly_square_orthogonal_networks_learn_with_the_right_determinant_only():
    rng = np.random.default_rng(4)
    table = sd.load("saxe2019").properties
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    square = sd.Dataset(table[:, :4].copy(data=turn * 1.5), name="square")
    model = DeepLinear([4, 4, 4], initialization="orthogonal")
    history = sd.train(model, square, seeds=12, learning_rate=0.002, steps=6000, record=3,
                       progress=False)  # fmt: skip
    starts = sd.initial_weights(model, square, seeds=12)
    product = starts[3] @ starts[2] @ starts[1] @ starts[0]
    right = np.sign(np.linalg.det(product)) == np.sign(np.linalg.det(turn.T))
    assert 0 < right.sum() < 12
    # The others lack one of the four equal modes, and with it a quarter of the loss.
    np.testing.assert_allclose(share_left(history), np.where(right, 0, 0.25), atol=0.01)


def test_balanced_networks_stay_balanced():
    history = sd.train(
        DeepLinear([8, 8], initialization="balanced", scale=0.3), sd.load("saxe2019"), seeds=2,
        keep_weights=True, record=20, progress=False,
    )  # fmt: skip
    low, high = history["weights_1"].values[:, -1], history["weights_2"].values[:, -1]
    gap = np.abs(low @ low.swapaxes(-1, -2) - high.swapaxes(-1, -2) @ high).max()
    assert gap < 0.01 * np.abs(low @ low.swapaxes(-1, -2)).max()
