"""Depth: chains of unequal layers and learning times, against solvers, quadrature and limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

import semdev as sd
from semdev.models.closed_forms import mode_strength, time_to_reach
from semdev.models.depth import slow_exponentially, time_depths, time_infinite_depth
from semdev.models.single_units import chain_strengths, multiply_others, time_chain
from semdev.theory import bound_learning_rate, decompose


def integrate_chain(time, s, d, w):
    """The equation itself, layer by layer, by a solver of another kind."""

    def slope(_, w):
        others = [np.prod(np.delete(w, k)) for k in range(len(w))]
        return (s - d * np.prod(w)) * np.array(others)

    found = solve_ivp(
        slope, (0, time[-1]), w, t_eval=time, method="Radau", rtol=1e-9, atol=1e-12
    )  # fmt: skip
    return found.y.T


# chain_strengths

STARTS = [
    [0.1, 0.01], [0.01, 0.1], [2.0, -0.3], [-1.0, -0.2], [0.0, 0.4], [0.5, -0.5], [3.0, 2.0],
    [0.3], [0.2, 0.4, 0.6], [1.0, -0.5, 0.8], [0.9, 1.1, -1.0, 0.3, 1.2], [0.0, 0.0, 0.5],
]  # fmt: skip


@pytest.mark.parametrize("start", STARTS, ids=str)
@pytest.mark.parametrize(("s", "d"), [(1.0, 1.0), (2.6, 0.5), (0.4, 2.0)])
def test_chain_strengths_solve_their_equation(start, s, d):
    time = np.linspace(0, 4, 9)
    found = chain_strengths(time, s, initial=start, d=d)
    assert found.shape == (9, 1, len(start))
    np.testing.assert_allclose(found[:, 0], integrate_chain(time, s, d, start), atol=2e-7)


@pytest.mark.parametrize("depth", [1, 2, 3, 6, 40])
def test_equal_layers_are_the_modes_of_the_balanced_theory(depth):
    s = np.array([3.0, 1.0, 0.5])
    start = np.array([0.2, 0.1, 0.05])
    time = np.linspace(0, 3, 7)
    w = np.repeat(start[:, None] ** (1 / depth), depth, axis=1)
    found = chain_strengths(time, s, initial=w).prod(-1)
    expected = mode_strength(time[:, None], s, initial=start, depth=depth)
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_tiny_starts_keep_their_digits():
    # The sigmoid from 1e-12 of the end, and the same product from layers a thousandfold unequal.
    time = np.array([0.0, 3.0, 6.0, 14.0, 40.0])
    found = chain_strengths(time, 1.0, initial=[[1e-6, 1e-6], [1e-3, 1e-9]]).prod(-1)
    expected = mode_strength(time, 1.0, initial=1e-12, depth=2)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-9)
    assert (found[1:4, 1] > 100 * found[1:4, 0]).any()
    assert found[-1] == pytest.approx([1, 1])


@settings(deadline=None, max_examples=40)
@given(
    weights=st.lists(st.floats(-1.5, 1.5), min_size=2, max_size=5), seed=st.integers(0, 999),
    s=st.floats(0.2, 3), stretch=st.floats(0.5, 2),
)  # fmt: skip
@example(weights=[0.0, 1.5, 1e-172], seed=0, s=1.0, stretch=1.0)
def test_squares_differ_as_they_did_and_order_sign_and_scale_do_not_matter(
    weights, seed, s, stretch
):
    w, time = np.array(weights), np.linspace(0, 2, 5)
    found = chain_strengths(time, s, initial=w)[:, 0]
    gaps = found**2 - found[:, :1] ** 2
    np.testing.assert_allclose(gaps, gaps[[0] * 5], atol=1e-7)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(w))
    signs = rng.choice([-1.0, 1.0], len(w))
    signs[0] *= np.prod(signs)  # an even number of changes of sign
    turned = chain_strengths(time, s, initial=(w * signs)[order])[:, 0]
    np.testing.assert_allclose(turned, (found * signs)[:, order], atol=1e-7)
    # Weights × c solve the world with s × c^D, in time × c^(2 − 2D).
    depth = len(w)
    scaled = chain_strengths(
        time * stretch ** (2 - 2 * depth), s * stretch**depth, initial=w * stretch
    )  # fmt: skip
    np.testing.assert_allclose(scaled[:, 0], found * stretch, atol=1e-6)


def test_on_the_stable_manifold_of_the_saddle_nothing_is_learned():
    found = chain_strengths([0.0, 1.0, 50.0], 1.0, initial=[0.7, -0.7])[:, 0]
    np.testing.assert_allclose(found.sum(-1), 0, atol=1e-15)
    assert abs(found[-1, 0]) < 1e-20
    assert time_chain(0.5, 1.0, initial=[0.7, -0.7]).tolist() == [np.inf]


def test_times_need_no_order():
    found = chain_strengths([2.0, 0.0, 2.0, 1.0], 1.0, initial=[0.1, 0.2, 0.3])
    assert found[0].tolist() == found[2].tolist()
    np.testing.assert_allclose(found[1, 0], [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"time": -1.0}, "time must be finite learning times, 0 or later; got -1.0"),
        ({"s": 0.0}, "singular values and input variances must be positive"),
        ({"d": -1.0}, "singular values and input variances must be positive"),
        ({"initial": [np.nan, 1]}, r"all finite; got shape \(2,\)"),
        ({"initial": np.zeros((2, 0))}, r"got shape \(2, 0\)"),
        ({"s": [1.0, 2.0], "initial": np.ones((3, 2))}, "2 singular values, but 3 chains"),
    ],
)
def test_chain_strengths_refuse(changed, message):
    arguments = {"time": 1.0, "s": 2.0, "initial": [0.1, 0.1]} | changed
    with pytest.raises(ValueError, match=message):
        chain_strengths(arguments.pop("time"), arguments.pop("s"), **arguments)


def test_multiply_others_knows_zeros():
    assert multiply_others(np.array([[2.0, 3.0, 4.0], [0.0, 0.0, 5.0]])).tolist() == [
        [12, 8, 6], [0, 0, 0]
    ]  # fmt: skip


# time_chain


@settings(deadline=None, max_examples=40)
@given(
    weights=st.lists(st.floats(0.05, 1.2), min_size=1, max_size=6), flip=st.booleans(),
    share=st.floats(0.1, 0.99), s=st.floats(0.3, 4), d=st.floats(0.3, 3),
)  # fmt: skip
def test_a_chain_is_where_it_should_be_at_that_time(weights, flip, share, s, d):
    w = np.array(weights)
    w[0] *= -1 if flip else 1
    time = time_chain(share, s, initial=w, d=d)
    if not (0 < time[0] < 200):
        ordered = np.sort(np.abs(w))
        stuck = flip and len(w) > 1 and ordered[1] - ordered[0] < 1e-3
        assert stuck or np.prod(w) >= share * s / d or time[0] >= 200
        return
    reached = chain_strengths(time, s, initial=w, d=d).prod()
    assert reached * d / s == pytest.approx(share, rel=1e-6)


@pytest.mark.parametrize("depth", [1, 2, 3, 12, 64])
def test_equal_chains_take_the_time_of_the_balanced_theory(depth):
    w = np.full(depth, 0.01 ** (1 / depth))
    found = time_chain([0.5, 0.9], 2.0, initial=w)
    expected = time_to_reach([0.5, 0.9], 2.0, initial=0.01, depth=depth)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_pretrained_layers_wait_for_the_weak_one_only():
    # All layers but the last at 1: t = ∫ dg / 2P(s − P), P² = Π (w² + g), whatever the layer.
    w = np.array([1.0, 1.0, 1.0, 0.1])

    def rate(root):  # g = root² − .01, so that dg = 2 root d(root)
        product = root * (1 + root**2 - 0.01) ** 1.5
        return root / (product * (2 - product))

    end = 0.1
    while end * (1 + end**2 - 0.01) ** 1.5 < 1.8:
        end += 1e-7 if end > 0.7 else 1e-3
    expected = quad(rate, 0.1, end, epsrel=1e-11)[0]
    assert float(time_chain(0.9, 2.0, initial=w)[0]) == pytest.approx(expected, rel=1e-5)


def test_time_chain_knows_the_edges():
    w = [[0.5, 0.5], [0.0, 0.0], [0.0, 0.3]]
    assert time_chain([0.1, 0.5, 1.0], 1.0, initial=w).tolist() == [0, np.inf, np.inf]
    with pytest.raises(ValueError, match="share must lie between 0 and 1; got"):
        time_chain(1.5, 1.0, initial=[0.1, 0.1])


# time_depths, time_infinite_depth


@pytest.mark.parametrize(
    ("depth", "product"),
    [(1, 2.3), (2, 9.1), (3, 29.9), (5, 107), (10, 318), (100, 896), (1000, 996)],
)
def test_updates_saturate_with_depth_as_published(depth, product):
    table = time_depths([depth], 1.0, initial=1e-3)
    assert float(table["updates"][0, 0]) == pytest.approx(product, rel=5e-3)
    assert float(table["limit"][0]) == pytest.approx(1008, rel=1e-3)


@pytest.mark.parametrize(("depth", "product"), [(2, 1.099), (1000, 0.772)])
def test_layers_of_strength_one_cost_nothing(depth, product):
    table = time_depths([depth], 2.0, strength=1.0)
    assert depth * float(table["time"][0, 0]) == pytest.approx(product, abs=1e-3)
    assert float(time_infinite_depth(0.9, 2.0, initial=1.0)) == pytest.approx(0.7715, abs=1e-4)


@settings(deadline=None, max_examples=30)
@given(
    s=st.floats(0.2, 10), d=st.floats(0.2, 5), begin=st.floats(1e-3, 0.8),
    share=st.floats(0.01, 0.99), stretch=st.floats(0.2, 5),
)  # fmt: skip
def test_the_limit_is_an_integral_and_that_of_deep_networks(s, d, begin, share, stretch):
    initial = begin * s / d
    found = float(time_infinite_depth(share, s, initial=initial, d=d))
    if share <= begin:
        assert found == pytest.approx(0, abs=1e-12)
        return
    expected = quad(lambda a: 1 / (a**2 * (s - d * a)), initial, share * s / d, limit=200)[0]
    assert found == pytest.approx(expected, rel=1e-6)
    deep = 20_000 * float(time_to_reach(share, s, initial=initial, depth=20_000, d=d))
    assert found == pytest.approx(deep, rel=2e-2)
    # In units of its own singular value time knows no other scale.
    scaled = time_infinite_depth(share, s * stretch, initial=initial * stretch, d=d)
    assert float(scaled) * stretch**2 == pytest.approx(found, rel=1e-9)


def test_the_best_rate_is_half_of_the_stability_bound():
    for world in (sd.load("rogers2004"), sd.branching_diffusion([2, 2], properties=9, seed=1)):
        table = time_depths([2, 3, 9], decompose(world).s, initial=1e-3)
        bounds = [bound_learning_rate(world, depth=depth)[0] for depth in (2, 3, 9)]
        np.testing.assert_allclose(2 * table["learning_rate"], bounds)
        np.testing.assert_allclose(table["updates"], table["time"] / table["learning_rate"])
        assert table.sizes["mode"] == len(decompose(world).s)


def test_modes_that_start_beyond_their_end_are_not_told():
    table = time_depths([2, 3], [2.0, 0.5], strength=1.0)
    assert np.isnan(table["time"][:, 1]).all()
    assert np.isfinite(table["time"][:, 0]).all()
    assert np.isnan(time_depths([2], 1.0, strength=1.5)["limit"]).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "give initial= .* or strength= .*, one of the two"),
        ({"initial": 0.1, "strength": 0.1}, "one of the two"),
        ({"initial": 0.0}, "must start above 0; got 0.0"),
        ({"initial": 0.1, "share": 1.0}, "share must lie between 0 and 1; got 1.0"),
        ({"initial": 0.1, "depths": [0]}, "depth counts weight matrices"),
    ],
)
def test_time_depths_refuses(changed, message):
    arguments = {"depths": [2], "s": 1.0} | changed
    with pytest.raises(ValueError, match=message):
        time_depths(arguments.pop("depths"), arguments.pop("s"), **arguments)


@pytest.mark.parametrize("initial", [0.0, 2.0, 5.0])
def test_the_limit_refuses_starts_that_cannot_grow(initial):
    with pytest.raises(ValueError, match="above 0 and below the final strength s/d = 2; got"):
        time_infinite_depth(0.9, 2.0, initial=initial)


# slow_exponentially


@pytest.mark.parametrize(("strength", "slope"), [(0.3, 1.204), (0.1, 2.3026), (0.03, 3.5066)])
@pytest.mark.parametrize("s", [0.7, 1.0, 3.0])
def test_each_layer_slows_learning_by_the_inverse_of_its_strength(strength, slope, s):
    table = slow_exponentially([6, 10, 14, 18, 22], s, strength=strength)
    assert float(table["growth_by_rule"]) == pytest.approx(slope, abs=1e-3)
    np.testing.assert_allclose(table["growth"][2:], slope, atol=0.03)
    np.testing.assert_allclose(table["leading_error"][1:], 0, atol=0.01)
    # The rule's prefactor is off by s B² for many layers.
    expected = 1 / (s * strength**2)
    assert float(table["rule_error"][-1]) + 1 == pytest.approx(expected, rel=0.12)


def test_the_rule_at_strength_one_and_above():
    table = slow_exponentially([2, 4, 1000], 2.0, strength=1.0)
    assert table["rule"].values.tolist() == [1, 1, 1]
    assert np.isnan(table["leading"]).all()
    assert float(table["updates"][-1]) == pytest.approx(4 * 0.7715, rel=2e-3)
    assert np.isnan(slow_exponentially([9], 2.0, strength=1.2)["updates"]).all()
