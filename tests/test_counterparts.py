"""Counterparts: the same weights, a start at 0, the linear slope."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import semdev as sd
from semdev.building import initial_weights
from semdev.counterparts import UNITS, CenteredSigmoid, Counterpart


@pytest.mark.parametrize("kind", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("hidden", [8, [8, 6]])
def test_a_counterpart_begins_with_the_same_weights(kind, hidden):
    world, model = sd.load("rumelhart8"), sd.DeepLinear(hidden, scale=0.1)
    one = initial_weights(model, world, seeds=[3, 5])
    other = initial_weights(Counterpart(model, kind), world, seeds=[3, 5])
    for w, v in zip(one, other, strict=True):
        np.testing.assert_array_equal(w, v)


@pytest.mark.parametrize(("kind", "slope"), [("tanh", 1.0), ("sigmoid", 1.0), ("relu", 0.5)])
def test_units_begin_at_zero_with_the_linear_slope(kind, slope):
    unit = UNITS[kind]()
    z = torch.tensor([-1e-4, 0.0, 1e-4], dtype=torch.float64)
    low, rest, high = unit(z).tolist()
    assert rest == 0
    assert (high - low) / 2e-4 == pytest.approx(slope, abs=1e-6)
    assert high / 1e-4 == pytest.approx(1, abs=1e-6)  # of a unit that is on


def test_the_centered_sigmoid_is_a_sigmoid():
    z = torch.linspace(-5, 5, 11, dtype=torch.float64)
    torch.testing.assert_close(CenteredSigmoid()(z), 4 * torch.sigmoid(z) - 2)


@given(z=st.floats(-30, 30), kind=st.sampled_from(["tanh", "sigmoid"]))
def test_smooth_units_are_odd_and_bend_inwards(z, kind):
    unit = UNITS[kind]()
    up, down = unit(torch.tensor([z, -z], dtype=torch.float64)).tolist()
    assert up == pytest.approx(-down)
    assert abs(up) <= abs(z) + 1e-12


def test_a_counterpart_trains_on_worlds_of_all_kinds(tmp_path):
    path = tmp_path / "own.csv"
    sd.load("rogers2004").to_csv(path)
    tree = sd.branching_diffusion([2, 2], properties=20, flip=0.1, seed=0)
    for world in (sd.load("rogers2004"), sd.Dataset.from_csv(path), tree):
        for kind in UNITS:
            model = Counterpart(sd.DeepLinear(8, scale=0.1), kind)
            run = sd.train(model, world, seeds=2, steps=60)
            assert (run["loss"][:, -1] < run["loss"][:, 0]).all()


def test_errors_teach():
    with pytest.raises(TypeError, match="a Counterpart follows a DeepLinear"):
        Counterpart(sd.Shallow())
    with pytest.raises(KeyError, match="no activation 'tan' in Counterpart; did you mean 'tanh'"):
        Counterpart(sd.DeepLinear(4), "tan")
