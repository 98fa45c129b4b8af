"""Plateaus predicted: against hand-computed worlds, random maps of each rank, and the flow."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

import semdev as sd
from semdev.models.closed_forms import mode_strength
from semdev.models.plateaus import (
    fit_modes,
    predict_curvature,
    predict_plateaus,
    separating_start,
)


def make_world(values, frequency=None):
    values = np.asarray(values, dtype=float)
    coords = {"item": [f"i{k}" for k in range(len(values))],
              "property": [f"p{k}" for k in range(values.shape[1])]}  # fmt: skip
    table = xr.DataArray(values, coords, ("item", "property"))
    if frequency is not None:
        table = table.assign_coords(frequency=("item", np.asarray(frequency, dtype=float)))
    return sd.Dataset(table, None, "made")


def measure_loss(patterns, map_):
    missing = patterns.targets - patterns.inputs @ map_.T
    return np.sum(patterns.weights[:, None] * missing**2) / 2


def draw_patterns(seed, *, items=5, properties=4, inputs=None):
    rng = np.random.default_rng(seed)
    world = make_world(rng.normal(size=(items, properties)), rng.uniform(0.3, 3, items))
    codes = None if inputs is None else rng.normal(size=(items, inputs))
    return sd.make_patterns(world, inputs=codes)


# levels


@pytest.mark.parametrize(
    ("name", "levels", "ranks"),
    [
        ("saxe2019", [6, 2.5, 1, 0.5, 0], [0, 1, 2, 4]),
        ("cao2020", [16, 8.5, 5, 3.5, 2, 1.5, 1, 0.5, 0], [0, 1, 2, 4, 8]),
        ("saxe2014", [3, 1.5, 1, 0.5, 0], [0, 1, 4]),
    ],
)
def test_levels_by_hand(name, levels, ranks):
    fit = fit_modes(sd.load(name))
    np.testing.assert_allclose(fit.losses(), levels, atol=1e-9)
    assert fit.ends.tolist() == ranks
    found = predict_plateaus(sd.load(name))
    np.testing.assert_allclose(found["level"], np.array(levels)[ranks], atol=1e-9)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), inputs=st.sampled_from([None, 3, 5, 7]))
def test_no_map_of_a_rank_is_better_than_the_cut(seed, inputs):
    patterns = draw_patterns(seed, inputs=inputs)
    fit, rng = fit_modes(patterns), np.random.default_rng(seed + 1)
    for rank, level in enumerate(fit.losses()):
        best = fit.cut(rank)
        assert np.linalg.matrix_rank(best) == rank
        assert measure_loss(patterns, best) == pytest.approx(level, abs=1e-9)
        for size in (1e-3, 0.1, 1.0):
            # any map of the same rank, near by and far away
            u, s, vt = np.linalg.svd(best)
            left = (u[:, :rank] * s[:rank]) + size * rng.normal(size=(len(u), rank))
            right = vt[:rank] + size * rng.normal(size=(rank, len(vt)))
            assert measure_loss(patterns, left @ right) >= level - 1e-9


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), size=st.floats(0.1, 10))
def test_order_turn_and_size_of_the_world_do_not_matter(seed, size):
    rng = np.random.default_rng(seed)
    values, often = rng.normal(size=(5, 6)), rng.uniform(0.5, 2, 5)
    turn, rows = np.linalg.qr(rng.normal(size=(6, 6)))[0], rng.permutation(5)
    one = predict_plateaus(make_world(values, often))
    other = predict_plateaus(make_world(size * values[rows] @ turn, often[rows]))
    np.testing.assert_allclose(other["level"], size**2 * one["level"], atol=1e-9 * size**2)
    np.testing.assert_allclose(other["escape"], size * one["escape"], atol=1e-6 * size)


def test_with_dependent_inputs_something_is_left():
    xor = make_world([[0.0], [1.0], [1.0], [0.0]])
    codes = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1.0]])
    fit = fit_modes(sd.make_patterns(xor, inputs=codes))
    assert fit.residue == pytest.approx(0.5)  # mean squared error .25
    np.testing.assert_allclose(fit.losses(), [1.0, 0.5])


@pytest.mark.parametrize("frequency", [None, [1.0, 4.0, 0.5, 2.0]])
def test_shares_of_a_cut_are_one_and_zero(frequency):
    values = np.random.default_rng(3).normal(size=(4, 6))
    fit = fit_modes(make_world(values, frequency))
    for rank in range(5):
        shares = fit.shares(fit.patterns.inputs @ fit.cut(rank).T)
        np.testing.assert_allclose(shares, np.arange(4) < rank, atol=1e-9)


def test_worlds_of_all_kinds_have_levels(tmp_path):
    tree = sd.branching_diffusion([2, 2, 2], properties=50, flip=0.1, seed=4)
    path = tmp_path / "own.csv"
    sd.load("saxe2019").to_csv(path)
    for world in (sd.load("rogers2004"), tree, sd.Dataset.from_csv(path)):
        found = predict_plateaus(world, initial=1e-8)
        s = linalg.svdvals(world.properties.values)
        assert float(found["level"][0]) == pytest.approx(np.sum(s**2) / 2)
        assert float(found["level"][-1]) == pytest.approx(0, abs=1e-9)
        assert float(found["escape"][0]) == pytest.approx(s[0])
        np.testing.assert_allclose(found["escape"][:-1], s[found["rank"].values[:-1]], rtol=1e-9)


# times


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_plateaus_begin_and_end_where_the_loss_of_a_single_mode_says(depth):
    found = predict_plateaus(sd.load("cao2020"), depth=depth, initial=1e-3, edge=0.2)
    s = np.sqrt([15, 7, 3, 3, 1, 1, 1, 1])
    for k, rank in enumerate(found["rank"].values[:-1]):
        at = float(found["end"][k])
        a = mode_strength(at, s[rank], initial=1e-3, depth=depth)
        assert (s[rank] - a) ** 2 == pytest.approx(0.8 * s[rank] ** 2, rel=1e-6)
    for k, rank in list(enumerate(found["rank"].values))[1:]:
        at = float(found["start"][k])
        a = mode_strength(at, s[rank - 1], initial=1e-3, depth=depth)
        assert (s[rank - 1] - a) ** 2 == pytest.approx(0.2 * s[rank - 1] ** 2, rel=1e-6)
    assert float(found["start"][0]) == 0
    assert np.isinf(found["end"][-1])


def test_frequency_for_all_is_a_faster_clock():
    values = np.random.default_rng(1).normal(size=(4, 5))
    once = predict_plateaus(make_world(values), initial=1e-6)
    thrice = predict_plateaus(make_world(values, [3.0] * 4), initial=1e-6)
    np.testing.assert_allclose(3 * thrice["start"], once["start"])
    np.testing.assert_allclose(thrice["level"], 3 * once["level"], atol=1e-12)


def test_no_times_where_modes_do_not_decouple_or_there_is_no_hidden_layer():
    values = np.random.default_rng(1).normal(size=(4, 5))
    for found in (
        predict_plateaus(make_world(values, [1, 2, 3, 4])),
        predict_plateaus(make_world(values), depth=1),
    ):
        assert np.isnan(found["start"]).all()
        assert not found["separate"].any()
        assert found["level"].notnull().all()


def test_weaker_starts_part_plateaus():
    counts = [
        int(predict_plateaus(sd.load("cao2020"), initial=a)["separate"].sum())
        for a in (1e-1, 1e-3, 1e-6, 1e-12)
    ]
    assert counts == sorted(counts)
    assert counts[-1] == 5


@settings(deadline=None, max_examples=30)
@given(ratio=st.floats(1.1, 8))
def test_the_separating_start_is_where_the_plateau_vanishes(ratio):
    need = float(separating_start(ratio))
    world = make_world(np.diag([ratio, 1.0]))
    for factor, seen in ((1.02, True), (0.98, False)):
        start = float(np.exp(-need * factor))
        found = predict_plateaus(world, initial=start)
        # a₀ ≪ s₂ is what the closed form assumes
        if start < 1e-3:
            assert bool(found["separate"].sel(rank=1)) == seen


def test_more_than_the_rule_of_thumb_is_needed():
    r = np.array([1.2, 1.5, 2, 3, 5, 10])
    needed = separating_start(r) + np.log(r)
    assert (needed > 1.5 * 2 * r / (r - 1)).all()
    np.testing.assert_allclose(needed, 4 * r / (r - 1), rtol=0.35)


# curvature


def test_curvature_by_hand():
    world = sd.load("saxe2019")
    s = np.sqrt([7, 3, 1, 1])
    for rank, low in enumerate([-s[0], -s[1], -1, -1, 0]):
        assert predict_curvature(world, depth=2, rank=rank)["smallest"] == pytest.approx(low)
        assert predict_curvature(world, depth=3, rank=rank)["smallest"] == 0
    for depth in (2, 3, 5):
        top = predict_curvature(world, depth=depth, rank=4)["largest"]
        assert top == pytest.approx(depth * s[0] ** (2 - 2 / depth))
        assert 2 / top == pytest.approx(sd.theory.bound_learning_rate(world, depth=depth)[0])
    assert predict_curvature(world, depth=3, rank=0) == {"smallest": 0.0, "largest": 0.0}
    assert predict_curvature(world, depth=2, rank=2, hidden=2)["smallest"] == 0
    swapped = predict_curvature(world, depth=2, learned=[2, 3], hidden=2)
    assert swapped["smallest"] == pytest.approx(1 - s[0])


def test_unequal_frequencies_leave_the_smallest_in_order_and_nothing_else():
    world = make_world(np.random.default_rng(0).normal(size=(3, 4)), [1, 2, 3])
    found = predict_curvature(world, depth=2, rank=1)
    assert found["smallest"] == pytest.approx(-fit_modes(world).slope(1))
    assert np.isnan(found["largest"])
    assert np.isnan(predict_curvature(world, depth=2, learned=[2])["smallest"])


# errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: predict_plateaus(w, depth=0), "depth counts weight matrices"),
        (lambda w: predict_plateaus(w, edge=0.5), "edge is a share of a drop between 0 and 1/2"),
        (lambda w: predict_plateaus(w, initial=[1e-3, 1e-3]), "one for each of the 4 modes; got 2"),
        (lambda w: predict_curvature(w, depth=1, rank=0), "here 2 or more; got 1"),
        (lambda w: predict_curvature(w, depth=2), "by rank=, or by learned=, not both"),
        (lambda w: predict_curvature(w, depth=2, rank=5), "a number of modes from 0 to 4, got 5"),
        (
            lambda w: predict_curvature(w, depth=2, learned=[0]),
            r"different modes from 1 to 4, got \[0\]",
        ),
        (
            lambda w: predict_curvature(w, depth=2, rank=3, hidden=2),
            "2 hidden units cannot hold 3 modes",
        ),
        (lambda _: separating_start(1.0), r"tied modes have no plateau between\); got 1.0"),
        (lambda _: separating_start(2.0, edge=0), "edge is a share of a drop"),
    ],
)
def test_errors_teach(call, message):
    with pytest.raises(ValueError, match=message):
        call(sd.load("saxe2019"))


def test_what_is_observed_in_part_has_no_known_levels():
    patterns = sd.make_patterns(sd.load("saxe2019"), observed={"can fly": 0.5})
    with pytest.raises(ValueError, match="saxe2019 is observed in part"):
        fit_modes(patterns)
