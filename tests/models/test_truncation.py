"""The strongest modes alone: found as by the full decomposition, off by no more than is said."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg

import semdev as sd
from semdev.models.decomposition import tied_groups
from semdev.models.truncation import (
    Rest,
    bound_errors,
    find_modes,
    find_steepest,
    measure_rest,
)
from semdev.theory import decompose, match_modes, mode_strength, time_to_reach


def make_data(values, *, frequency=1.0):
    values = np.asarray(values, dtype=float)
    coords = {
        "item": [f"item {k}" for k in range(len(values))],
        "property": [f"has {k}" for k in range(values.shape[1])],
        "frequency": ("item", np.broadcast_to(frequency, len(values))),
    }
    return sd.Dataset(xr.DataArray(values, coords, ("item", "property")), name="drawn")


def with_spectrum(s, *, items=70, properties=110, seed=0):
    rng = np.random.default_rng(seed)
    v, u = (
        linalg.qr(rng.normal(size=(n, len(s))), mode="economic")[0] for n in (items, properties)
    )
    return v * np.asarray(s) @ u.T


def draw_world(name, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "tree": lambda: sd.nested_features([3, 3, 3, 3]).properties.values,
        "binary": lambda: (rng.random((80, 130)) < 0.3).astype(float),
        "noise": lambda: rng.normal(size=(70, 180)),
        "more items": lambda: rng.normal(size=(150, 60)),
        "tied": lambda: with_spectrum([9.0] * 5 + [3.0] * 40 + [1.0] * 20, seed=seed),
        "clustered": lambda: with_spectrum(np.r_[9, 5, 3 + 1e-4 * rng.random(60)], seed=seed),
        "falling": lambda: with_spectrum(20 * 0.8 ** np.arange(60), seed=seed),
    }[name]()  # fmt: skip


WORLDS = ["tree", "binary", "noise", "more items", "tied", "clustered", "falling"]


# the modes


@pytest.mark.parametrize("name", WORLDS)
def test_the_strongest_modes_are_those_of_the_full_decomposition(name):
    matrix = draw_world(name)
    whole, full = linalg.svdvals(matrix), find_modes(matrix)[1]
    np.testing.assert_allclose(full, whole[: len(full)], rtol=1e-9)
    for number in (1, 6, 12, 40):
        u, s, v = find_modes(matrix, number)
        np.testing.assert_allclose(s, whole[:number], rtol=2e-2)
        for basis in (u, v):
            np.testing.assert_allclose(basis.T @ basis, np.eye(number), atol=1e-10)
        rest = measure_rest(matrix, u, s, v)
        least = np.sqrt(np.sum(whole[number:] ** 2))
        assert rest.size**2 + rest.coupling**2 >= least**2 * (1 - 1e-9)
        assert rest.size <= 1.01 * least + 1e-9
        # All that the matrix is: what was found, what is left, and what couples them.
        left = matrix - (u * s) @ v.T
        assert linalg.norm(left) <= np.hypot(rest.size, rest.coupling) * (1 + 1e-9)
        apart = left - u @ (u.T @ left)
        apart -= (apart @ v) @ v.T
        assert rest.row == pytest.approx(linalg.norm(apart, axis=1).max())
        assert rest.column == pytest.approx(linalg.norm(apart, axis=0).max())


def test_modes_that_stand_apart_are_found_to_rounding():
    matrix = with_spectrum(np.r_[50, 20, 10, 9, 8, np.full(50, 1.0)])
    rest = measure_rest(matrix, *find_modes(matrix, 5))
    assert rest.coupling < 1e-9
    assert rest.size == pytest.approx(np.sqrt(50))


def test_the_same_modes_are_found_each_time():
    matrix = draw_world("noise")
    for a, b in zip(find_modes(matrix, 9), find_modes(matrix, 9), strict=True):
        np.testing.assert_array_equal(a, b)


def test_decompose_says_what_it_left_out():
    world = make_data(draw_world("falling"), frequency=3.0)
    full, few = decompose(world), decompose(world, modes=8)
    assert full.rest is None
    np.testing.assert_allclose(few.s, full.s[:8])
    np.testing.assert_allclose(few.d, 3.0)
    assert few.shared
    assert few.rest.size == pytest.approx(np.sqrt(np.sum(full.s[8:] ** 2)), rel=1e-6)
    np.testing.assert_allclose(
        few.u * few.s @ few.v.T, full.u[:, :8] * full.s[:8] @ full.v[:, :8].T, atol=1e-5
    )
    assert decompose(world, modes=500).rest.size < 1e-9
    # Known of the modes found, but not of the others, that they decouple:
    uneven = make_data(np.diag([3.0, 2.0, 1.0]), frequency=[1.0, 2.0, 4.0])
    assert decompose(uneven).shared
    assert not decompose(uneven, modes=2).shared


@pytest.mark.parametrize("modes", [0, -1, 2.5, "all", True])
def test_modes_is_a_number_of_them(modes):
    world = sd.load("saxe2019")
    for call in (decompose, lambda data, modes: sd.solve(data, depth=2, modes=modes)):
        with pytest.raises(ValueError, match=rf"at least 1; got {modes!r}"):
            call(world, modes=modes)


# the bounds


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("name", WORLDS)
def test_what_is_missing_is_never_more_than_the_bound(name, depth):
    for seed, number in ((0, 3), (1, 10), (2, 25)):
        world = make_data(draw_world(name, seed))
        times = np.r_[0, np.geomspace(0.01, 1e6, 50)]  # to the end of all modes
        full = sd.solve(world, depth=depth, times=times)
        few = sd.solve(world, depth=depth, modes=number, times=times)
        missing = few["output"] - full["output"]
        rms = float(np.sqrt((missing**2).mean(("item", "property"))).max())
        cell = float(abs(missing).max())
        # Not only true but of use, though less so for deep networks, to which coupling matters.
        slack = 1.1 if depth < 3 else 1.6
        assert rms <= few["rms_error_bound"] <= slack * rms + 4e-6
        assert cell <= few["cell_error_bound"]
        if depth < 3:
            assert few["cell_error_bound"] <= 7 * cell + 4e-5


@pytest.mark.parametrize("seed", range(4))
def test_the_bound_holds_from_other_starts_and_other_codes(seed):
    rng = np.random.default_rng(seed)
    world = make_data(draw_world("binary", seed), frequency=2.0)
    turn = linalg.qr(rng.normal(size=(80, 80)))[0]
    wider = np.hstack([turn, np.zeros((80, 9))]) @ linalg.qr(rng.normal(size=(89, 89)))[0]
    for patterns in (world, sd.make_patterns(world, inputs=3 * turn),
                     sd.make_patterns(world, inputs=wider)):  # fmt: skip
        for depth, start in ((1, 0.0), (1, -2.0), (1, 5.0), (2, 1e-8), (2, 4.0)):
            full = sd.solve(patterns, depth=depth, initial=start, times=25)
            few = sd.solve(patterns, depth=depth, initial=start, modes=4, times=full["time"])
            missing = few["output"] - full["output"]
            rms = np.sqrt((missing**2).mean(("item", "property"))).max()
            assert rms <= few["rms_error_bound"]
            assert abs(missing).max() <= few["cell_error_bound"]


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_the_bound_covers_vectors_that_are_no_singular_vectors(depth):
    rng = np.random.default_rng(depth)
    for off in (1e-3, 0.03, 0.3):
        # As if the search had stopped early: of what was found only one side is exact.
        matrix = with_spectrum([12.0, 11.0, 10.0, 9.0, 3.0, 2.0], items=12, properties=15)
        u, _, vt = linalg.svd(matrix)
        basis = linalg.qr(u[:, :3] + off * rng.normal(size=(12, 3)), mode="economic")[0]
        turn, s, vt = linalg.svd(basis.T @ matrix, full_matrices=False)
        u, v = basis @ turn, vt.T
        rest = measure_rest(matrix, u, s, v)
        assert rest.coupling > 0.1 * off
        size, row, column = bound_errors(rest, largest=s[0], initial=1e-4, depth=depth, number=6)
        whole = find_modes(matrix)
        worst = np.zeros(3)
        for t in np.geomspace(1e-3, 1, 60) * (2 if depth == 2 else 200):
            a, kept = (mode_strength(t, x, initial=1e-4, depth=depth) for x in (whole[1], s))
            missing = whole[0] * a @ whole[2].T - u * kept @ v.T
            norms = [linalg.norm(missing, axis=axis).max() for axis in (1, 0)]
            worst = np.maximum(worst, [linalg.norm(missing), *norms])
        assert (worst <= [size, row, column]).all()


def test_the_bound_holds_beside_modes_that_are_nearly_tied():
    matrix = with_spectrum([20.0, 10, 5], items=80, properties=60, seed=1)
    world = make_data(matrix + 1e-7 * np.random.default_rng(1).normal(size=matrix.shape))
    full = sd.solve(world, depth=1, times=60)
    few = sd.solve(world, depth=1, times=full["time"].values, modes=10)
    missing = ((few["output"] - full["output"]) ** 2).mean(("item", "property")) ** 0.5
    assert float(missing.max()) <= float(few["rms_error_bound"])


@pytest.mark.parametrize(
    "s", [1 / np.arange(1, 71.0) ** 4, np.r_[1, 0.5 - 9e-7 * np.arange(69)]], ids=["1/k⁴", "dense"]
)
def test_neighbours_are_not_blurred(s):
    matrix = with_spectrum(s, items=70, properties=110)
    end = sd.solve(make_data(matrix), depth=1, times=[60.0])["output"].values[0, 0]
    np.testing.assert_allclose(end, matrix, atol=1e-12)


@given(s=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_tie_is_no_wider_than_its_tolerance(s):
    s = np.sort(s)[::-1]
    groups = tied_groups(s, tolerance=0.1)
    np.testing.assert_array_equal(np.concatenate(groups), np.arange(len(s)))
    assert all(s[tied[0]] - s[tied[-1]] <= 0.1 * s[0] for tied in groups)
    firsts = s[[tied[0] for tied in groups]]
    assert (-np.diff(firsts) > 0.1 * s[0]).all()


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("start", [1e-7, 1e-3, 0.2])
def test_the_steepest_change_is_the_steepest_there_is(depth, start):
    found = []
    for e in (1.0, 0.7, 0.4):  # for one-hot items s = e
        share = np.linspace(max(start, 0.01), 0.99, 300)
        t = time_to_reach(share, e, initial=start, depth=depth)
        near = [mode_strength(t, e * (1 + h), initial=start, depth=depth) for h in (-1e-5, 1e-5)]
        found.append(np.max(near[1] - near[0]) / (2e-5 * e))
    assert max(found) <= find_steepest(start, depth) <= 1.02 * max(1.0, *found)
    assert found == sorted(found, reverse=True)


def test_nothing_is_missing_where_nothing_was_left_out():
    rest = Rest(size=0.0, row=0.0, column=0.0, coupling=0.0)
    assert bound_errors(rest, largest=3.0, initial=0.0, depth=1, number=5) == (0, 0, 0)
    world = make_data(with_spectrum([9.0, 5.0, 4.0]))
    few, full = (sd.solve(world, depth=2, modes=k, times=30) for k in (5, None))
    np.testing.assert_allclose(few["output"], full["output"], atol=1e-9)
    assert int(few["modes"]) == 3
    assert few["rms_error_bound"] < 1e-5
    assert "rms_error_bound" not in full


# the History


def test_a_history_of_few_modes_says_so():
    world = sd.load("living_things")
    few = sd.solve(world, depth=2, modes=6, hidden=True, keep_weights=True)
    assert sd.get_provenance(few)["modes"] == 6
    assert sd.get_provenance(few)["method"] == "closed form"
    assert int(few["modes"]) == 6
    assert few["settled"].all()
    assert few.sizes["unit_1"] == 6
    assert "in any cell" in few["cell_error_bound"].attrs["description"]
    strengths = sd.mode_strengths(few)
    full = sd.mode_strengths(sd.solve(world, depth=2, times=few["time"]))
    np.testing.assert_allclose(strengths, full.isel(mode=slice(6)), atol=1e-9)
    left = np.sum(full["singular_value"].values[6:] ** 2) / 2
    assert float(few["loss"][0, -1]) == pytest.approx(left, rel=1e-2)
    error = few["target"] - few["output"]
    np.testing.assert_allclose(few["loss"], (error**2).sum(("item", "property")) / 2, rtol=1e-9)
    product = few["weights_2"].values @ few["weights_1"].values
    np.testing.assert_allclose(product.swapaxes(-1, -2), few["output"], atol=1e-12)


def test_starts_of_their_own_have_no_bound():
    world = sd.load("living_things")
    few = sd.solve(world, depth=2, modes=3, initial=[1e-3, 1e-4, 1e-5], times=9)
    assert np.isnan(few["rms_error_bound"])
    with pytest.raises(ValueError, match=r"one for each of the 3 modes; got 2"):
        sd.solve(world, depth=2, modes=3, initial=[1e-3, 1e-4])


def test_matched_starts_of_the_strongest_are_what_they_are_among_all():
    world = sd.load("living_things")
    weights = sd.initial_weights(sd.DeepLinear(32), world, seeds=2)
    few = sd.solve(world, depth=2, modes=5, initial="matched", weights=weights, times=20)
    full = sd.solve(world, depth=2, initial="matched", weights=weights, times=few["time"])
    a, b = sd.mode_strengths(few), sd.mode_strengths(full).isel(mode=slice(5))
    np.testing.assert_allclose(a, b, rtol=1e-6)
    start = match_modes(weights, world)[1][0][:5]
    np.testing.assert_allclose(a.isel(seed=1, time=0), start, rtol=1e-6)
    assert np.isnan(few["cell_error_bound"])


@pytest.mark.parametrize("kind", ["uneven", "correlated", "masked", "exact"])
def test_modes_that_do_not_decouple_are_not_left_out(kind):
    world = sd.load("rumelhart8")
    more = {}
    if kind == "uneven":
        world = sd.make_patterns(world, frequency={"pine": 3})
    elif kind == "correlated":
        world = sd.make_patterns(world, correlation=0.3)
    elif kind == "masked":
        world = sd.make_patterns(world, observed={("pine", "ISA tree"): 0.5})
    else:
        weights = sd.initial_weights(sd.DeepLinear(4), world, seeds=1)
        more = {"initial": "exact", "weights": weights}
    with pytest.raises(ValueError, match=r"modes=3 needs modes that decouple: items met equally"):
        sd.solve(world, depth=2, modes=3, **more)
