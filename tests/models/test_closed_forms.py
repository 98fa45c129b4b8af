"""Closed forms: against an ODE solver, against their limits and against numbers of the theory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.special import expit, logit

import semdev as sd
from semdev.models.closed_forms import branching_singular_values, mode_strength, time_to_reach


def integrate_mode(time, s, *, initial, depth, d):
    """The equation itself, ȧ = D a^(2 − 2/D) (s − d a), by an explicit solver."""
    return solve_ivp(
        lambda _, a: depth * np.abs(a) ** (2 - 2 / depth) * (s - d * a),
        (0, time[-1]), [initial], t_eval=time, method="DOP853", rtol=1e-12, atol=1e-15,
    ).y[0]  # fmt: skip


# mode_strength


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 30])
@pytest.mark.parametrize(("s", "d"), [(0.3, 1.0), (2.6, 1.0), (6.8, 0.5), (2.6, 3.0)])
@pytest.mark.parametrize("begin", [1e-4, 1e-2, 0.5, 0.9])
def test_mode_strength_solves_its_equation(depth, s, d, begin):
    initial = begin * s / d
    late = time_to_reach(0.999, s, initial=initial, depth=depth, d=d)
    time = np.linspace(0, float(late), 9)
    expected = integrate_mode(time, s, initial=initial, depth=depth, d=d)
    found = mode_strength(time, s, initial=initial, depth=depth, d=d)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("depth", [1, 2])
def test_mode_strength_falls_to_its_end_from_above(depth):
    time = np.linspace(0, 2, 9)
    found = mode_strength(time, 2.0, initial=5.0, depth=depth, d=0.8)
    expected = integrate_mode(time, 2.0, initial=5.0, depth=depth, d=0.8)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    assert (np.diff(found) < 0).all()


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 30])
def test_mode_strength_begins_at_its_start_and_ends_at_s_over_d(depth):
    found = mode_strength([0.0, 1e9], 2.0, initial=1e-3, depth=depth, d=4.0)
    assert found.tolist() == pytest.approx([1e-3, 0.5], rel=1e-12)


def test_mode_strength_broadcasts_modes_against_times():
    s = np.array([3.0, 1.0])
    both = mode_strength(np.array([[0.5], [1.5]]), s, initial=[1e-3, 1e-2], depth=3)
    assert both.shape == (2, 2)
    alone = mode_strength([0.5, 1.5], 1.0, initial=1e-2, depth=3)
    np.testing.assert_allclose(both[:, 1], alone, rtol=1e-10)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"depth": 0}, "depth counts weight matrices: 1 is shallow, 2 has one hidden layer; got 0"),
        ({"depth": 2.0}, "got 2.0"),
        ({"s": 0.0}, "singular values and input variances must be positive"),
        ({"d": -1.0}, "singular values and input variances must be positive"),
        ({"initial": 0.0}, r"must start above 0 \(at 0 it never learns\); got initial = 0.0"),
        ({"depth": 3, "initial": 2.5}, "below its final strength s/d = 2; got initial = 2.5"),
        ({"time": [0.0, -1.0]}, "learning times must be 0 or later; got -1.0"),
        ({"time": np.nan}, "learning times must be 0 or later; got nan"),
    ],
)
def test_mode_strength_refuses(changed, message):
    arguments = {"time": 1.0, "s": 2.0, "initial": 1e-3, "depth": 2} | changed
    with pytest.raises(ValueError, match=message):
        mode_strength(arguments.pop("time"), arguments.pop("s"), **arguments)


# time_to_reach


@settings(deadline=None, max_examples=60)
@given(
    depth=st.sampled_from([1, 2, 3, 4, 7, 30]), share=st.floats(0.02, 0.999), s=st.floats(0.1, 20),
    d=st.floats(0.1, 5), begin=st.floats(1e-6, 0.99),
)  # fmt: skip
def test_time_to_reach_is_the_inverse(depth, share, s, d, begin):
    initial = begin * share * s / d
    time = time_to_reach(share, s, initial=initial, depth=depth, d=d)
    found = mode_strength(time, s, initial=initial, depth=depth, d=d)
    assert float(found) * d / s == pytest.approx(share, rel=1e-7)


@pytest.mark.parametrize("depth", [3, 5, 30])
@pytest.mark.parametrize("share", [0.5, 0.99999, 1 - 1e-9])
def test_time_to_reach_against_quadrature(depth, share):
    # t = ∫ da / (D a^(2 − 2/D) (s − d a)), with a = (s/d) expit(z).
    p, end, d = 2 - 2 / depth, 2.0, 3.0
    low, high = logit(0.1), logit(share)
    area = quad(lambda z: (end * expit(z)) ** -p * expit(z), low, high, epsabs=0, epsrel=1e-12)[0]
    expected = area / (depth * d)
    found = time_to_reach(share, end * d, initial=0.1 * end, depth=depth, d=d)
    assert float(found) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_time_to_reach_knows_the_edges(depth):
    found = time_to_reach([0.0, 0.05, 0.1, 1.0], 2.0, initial=0.2, depth=depth)
    assert found.tolist() == [0, 0, 0, np.inf]


@pytest.mark.parametrize("depth", [1, 2])
def test_a_mode_that_starts_above_its_end_is_there_already(depth):
    assert time_to_reach([0.5, 1.0], 2.0, initial=5.0, depth=depth).tolist() == [0, 0]


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
def test_time_to_reach_refuses_what_is_no_share(share):
    with pytest.raises(ValueError, match=r"share must lie between 0 and 1; got"):
        time_to_reach(share, 2.0, initial=0.1, depth=2)


# numbers of the theory


def test_deep_half_time():
    half = time_to_reach(0.5, 3.0, initial=1e-4, depth=2)
    assert float(half) == pytest.approx(np.log(3.0 / 1e-4 - 1) / 6)


@pytest.mark.parametrize(
    ("begin", "sharpness"), [(0.1, 2.0), (0.01, 0.956), (1e-4, 0.477), (1e-8, 0.239)]
)
@pytest.mark.parametrize("s", [0.7, 4.0])
def test_deep_transitions_sharpen_as_the_start_shrinks(begin, sharpness, s):
    ten, half, ninety = time_to_reach([0.1, 0.5, 0.9], s, initial=begin * s, depth=2)
    assert (ninety - ten) / half == pytest.approx(sharpness, abs=6e-4)


def test_shallow_transitions_have_one_sharpness():
    ten, half, ninety = time_to_reach([0.1, 0.5, 0.9], [[0.7], [4.0]], initial=0.0, depth=1).T
    np.testing.assert_allclose((ninety - ten) / half, np.log(9) / np.log(2))


@pytest.mark.parametrize(
    ("depth", "product"),
    [(1, 2.3), (2, 9.1), (3, 29.9), (5, 107), (10, 318), (100, 896), (1000, 996)],
)
def test_learning_time_saturates_with_depth(depth, product):
    time = time_to_reach(0.9, 1.0, initial=1e-3, depth=depth)
    assert depth * float(time) == pytest.approx(product, rel=5e-3)


@pytest.mark.parametrize(("depth", "product"), [(2, 1.099), (1000, 0.772)])
def test_learning_time_from_orthogonal_weights(depth, product):
    time = time_to_reach(0.9, 2.0, initial=1.0, depth=depth)
    assert depth * float(time) == pytest.approx(product, abs=1e-3)


@pytest.mark.parametrize(
    ("initial", "peak"),
    [(0.1, 0.166), (1e-2, 0.297), (1e-3, 0.379), (1e-5, 0.460), (1e-8, 0.494), (1e-12, 0.499)],
)
def test_salmon_is_believed_to_fly(initial, peak):
    exact = sd.solve(sd.load("saxe2019"), depth=2, initial=initial, times=4000)
    assert float(sd.ask(exact, "salmon", "can fly").max()) == pytest.approx(peak, abs=6e-4)


# branching_singular_values


@pytest.mark.parametrize(
    ("branching", "flip", "eigenvalues", "multiplicity"),
    [
        ([2, 2, 2], 0.15, [2.4408, 1.4996, 1.0098, 0.51], [1, 1, 2, 4]),
        ([2, 2, 2, 2], 0.05, [8.69, 1.80, 0.996, 0.498, 0.19], [1, 1, 2, 4, 8]),
        ([3, 2], 0.5, [1, 1, 1], [1, 2, 3]),
    ],
)
def test_branching_singular_values_of_the_theory(branching, flip, eigenvalues, multiplicity):
    s = branching_singular_values(branching, flip=flip, properties=50)
    assert (s.values**2 / 50).tolist() == pytest.approx(eigenvalues, abs=5e-3)
    assert s["multiplicity"].values.tolist() == multiplicity


@settings(deadline=None, max_examples=40)
@given(
    levels=st.lists(st.tuples(st.integers(1, 4), st.floats(0, 1)), min_size=1, max_size=4),
    coding=st.sampled_from(["±1", "0/1"]),
)
def test_branching_singular_values_against_the_covariance(levels, coding):
    branching, flip = zip(*levels, strict=True)
    nodes = np.cumprod([1, *branching])
    items = np.arange(nodes[-1])
    q = [np.prod([(1 - 2 * f) ** 2 for f in flip[k:]]) for k in range(len(nodes))]
    covariance = np.full((len(items), len(items)), q[0])
    for k, count in enumerate(nodes):
        ancestor = items * count // len(items)
        covariance[ancestor[:, None] == ancestor] = q[k]
    if coding == "0/1":
        covariance = (1 + covariance) / 4
    s = branching_singular_values(branching, flip=flip, properties=7, coding=coding)
    expected = np.sort(np.repeat(s.values**2 / 7, s["multiplicity"].values))
    np.testing.assert_allclose(np.linalg.eigvalsh(covariance), expected, atol=1e-9)


@pytest.mark.parametrize("coding", ["±1", "0/1"])
def test_sampled_worlds_have_the_singular_values_expected(coding):
    world = sd.branching_diffusion([2, 2, 2], properties=20_000, flip=0.15, seed=3, coding=coding)
    s = branching_singular_values([2, 2, 2], flip=0.15, properties=20_000, coding=coding)
    found = np.linalg.svd(world.properties.values, compute_uv=False)
    np.testing.assert_allclose(found, np.repeat(s.values, s["multiplicity"].values), rtol=0.03)


def test_branching_singular_values_refuses_an_unknown_coding():
    with pytest.raises(
        KeyError, match=r"no coding '0/2' in branching_singular_values; did you mean"
    ):
        branching_singular_values([2, 2], flip=0.1, properties=5, coding="0/2")
