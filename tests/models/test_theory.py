"""Theory: against the flow of the full matrices, against training, against its own formulas."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from scipy.integrate import solve_ivp

import semdev as sd
from semdev.theory import (
    bound_learning_rate,
    decompose,
    effective_initial_strength,
    match_modes,
    mode_strength,
)


@pytest.fixture
def world():
    return sd.load("saxe2019")


def make_data(values, *, frequency=1.0, name="little"):
    values = np.asarray(values, dtype=float)
    coords = {
        "item": [f"item {k}" for k in range(len(values))],
        "property": [f"has {k}" for k in range(values.shape[1])],
        "frequency": ("item", np.broadcast_to(frequency, len(values))),
    }
    return sd.Dataset(xr.DataArray(values, dims=("item", "property"), coords=coords), name=name)


def uneven(world):
    return make_data(world.properties.values, frequency=[1.0, 2.0, 3.0, 0.5])


def correlated(world, correlation=0.3):
    gram = np.full((4, 4), correlation) + (1 - correlation) * np.eye(4)
    return sd.make_patterns(world, inputs=linalg.sqrtm(gram) @ np.diag([1.0, 1.2, 1.4, 1.6]))


def align(modes, initial, depth):
    """Balanced weights with a chain of units for each mode, hidden units turned at random."""
    rng = np.random.default_rng(5)
    size = len(modes.s)
    turns = [linalg.qr(rng.normal(size=(size, size)))[0] for _ in range(depth - 1)]
    root = np.broadcast_to(initial, size) ** (1 / depth)
    if depth == 1:
        return [modes.u * root @ modes.v.T]
    middle = [b * root @ a.T for a, b in pairwise(turns)]
    return [turns[0] * root @ modes.v.T, *middle, modes.u * root @ turns[-1].T]


def flow(weights, patterns, time):
    """Brute force: dW_l/dt = (W_D…W_{l+1})ᵀ (Σ_yx − W Σ_xx) (W_{l−1}…W_1)ᵀ."""
    x, y, w = patterns.inputs, patterns.targets, patterns.weights[:, None]
    sigma_yx, sigma_xx = y.T @ (w * x), x.T @ (w * x)
    cuts = np.cumsum([each.size for each in weights])[:-1]

    def unpack(flat):
        parts = np.split(flat, cuts)
        return [part.reshape(each.shape) for part, each in zip(parts, weights, strict=True)]

    def product(matrices, size):
        out = np.eye(size)
        for each in matrices:
            out = each @ out
        return out

    def slope(_, flat):
        layers = unpack(flat)
        rest = sigma_yx - product(layers, x.shape[1]) @ sigma_xx
        slopes = []
        for k, each in enumerate(layers):
            above = product(layers[k + 1 :], each.shape[0])
            slopes.append(above.T @ rest @ product(layers[:k], x.shape[1]).T)
        return np.concatenate([each.ravel() for each in slopes])

    start = np.concatenate([each.ravel() for each in weights])
    found = solve_ivp(
        slope, (0, time[-1]), start, t_eval=time, method="DOP853", rtol=1e-11, atol=1e-14
    ).y.T
    return np.stack([x @ product(unpack(flat), x.shape[1]).T for flat in found])


# the closed form against the flow of the full matrices


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("name", ["saxe2019", "rumelhart8"])
def test_closed_form_is_the_flow_from_aligned_weights(depth, name):
    patterns = sd.make_patterns(sd.load(name))
    exact = sd.solve(patterns, depth=depth, initial=1e-2, times=12)
    weights = align(decompose(patterns), 1e-2, depth)
    expected = flow(weights, patterns, exact["time"].values)
    assert sd.get_provenance(exact)["method"] == "closed form"
    np.testing.assert_allclose(exact["output"].values[0], expected, atol=1e-8)
    error = patterns.targets - expected
    np.testing.assert_allclose(exact["loss"].values[0], (error**2).sum((1, 2)) / 2, atol=1e-7)


def shared_codes(kind, world):
    turn = linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    if kind == "scaled one-hot":
        return sd.make_patterns(world, inputs=2 * np.eye(4))
    if kind == "orthogonal codes":
        return sd.make_patterns(world, inputs=turn)
    if kind == "equal frequencies":
        return sd.make_patterns(make_data(world.properties.values, frequency=3.0))
    # Singular values tied at 2, but input variances 1, 2 and 4: only one turn of the tie decouples.
    tied = make_data(np.diag([2.0, 1.0, 0.5]) @ turn[:3], frequency=[1.0, 2.0, 4.0])
    return sd.make_patterns(tied, inputs=linalg.qr(turn[1:, 1:])[0])


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(
    "kind", ["scaled one-hot", "orthogonal codes", "equal frequencies", "tied, unequal variances"]
)
def test_inputs_that_share_singular_vectors_use_the_closed_form(kind, depth, world):
    patterns = shared_codes(kind, world)
    modes = decompose(patterns)
    assert modes.shared
    exact = sd.solve(patterns, depth=depth, initial=1e-2, times=12)
    assert sd.get_provenance(exact)["method"] == "closed form"
    expected = flow(align(modes, 1e-2, depth), patterns, exact["time"].values)
    np.testing.assert_allclose(exact["output"].values[0], expected, atol=1e-8)
    assert exact["settled"].all()


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("make", [uneven, correlated])
def test_modes_that_do_not_decouple_are_integrated(make, depth, world):
    patterns = sd.make_patterns(make(world))
    modes = decompose(patterns)
    assert not modes.shared
    exact = sd.solve(patterns, depth=depth, initial=1e-2, times=12)
    method = "exact gradient flow, integrated numerically (DOP853): the modes do not decouple"
    assert sd.get_provenance(exact)["method"] == method
    expected = flow(align(modes, 1e-2, depth), patterns, exact["time"].values)
    np.testing.assert_allclose(exact["output"].values[0], expected, atol=1e-8)


def test_shallow_flow_has_its_own_closed_form(world):
    patterns = correlated(world)
    exact = sd.solve(patterns, depth=1, times=[0.0, 0.5, 2.0, 9.0])
    gram = patterns.inputs @ patterns.inputs.T
    expected = [
        (np.eye(4) - linalg.expm(-gram * t)) @ patterns.targets for t in exact["time"].values
    ]
    np.testing.assert_allclose(exact["output"].values[0], expected, atol=1e-8)


# against training


def learn(patterns, *, hidden, rate, steps=2400):
    factory = sd.DeepLinear(hidden, scale=0.1) if hidden else sd.Shallow(scale=0.1)
    trained = sd.train(
        factory, patterns, seeds=[3], learning_rate=rate, steps=int(steps * 0.01 / rate), record=9,
        progress=False, hidden=bool(hidden),
    )  # fmt: skip
    weights = sd.initial_weights(factory, patterns, seeds=[3])
    exact = sd.solve(
        patterns, depth=len(weights), initial="exact", weights=weights,
        times=trained["time"].values, hidden=bool(hidden),
    )  # fmt: skip
    return trained, exact


@pytest.mark.parametrize("hidden", [(), 5, [5, 6]], ids=["shallow", "deep", "deeper"])
@pytest.mark.parametrize(
    "make", [uneven, correlated, lambda world: sd.make_patterns(world, relations=True)],
    ids=["uneven", "correlated", "relations"],
)  # fmt: skip
def test_halving_the_learning_rate_halves_the_distance_to_the_flow(make, hidden, world):
    patterns = sd.make_patterns(make(world))
    far, near = (learn(patterns, hidden=hidden, rate=rate) for rate in (0.01, 0.005))
    distance = [np.abs(a["output"].values - b["output"].values).max() for a, b in (far, near)]
    assert 0 < distance[1] < 0.03
    assert distance[0] / distance[1] == pytest.approx(2, rel=0.15)
    if hidden:
        np.testing.assert_allclose(near[0]["hidden_1"], near[1]["hidden_1"], atol=0.03)


@pytest.mark.parametrize(
    ("name", "hidden", "scale"),
    [
        ("saxe2019", 32, None), ("cao2020", 16, None), ("rumelhart8", 32, None),
        ("rogers2004", 32, None), ("rogers2004", 64, 0.01), ("living_things", 32, None),
    ],
)  # fmt: skip
def test_matched_start_predicts_half_times_of_small_random_networks(name, hidden, scale):
    data, factory = sd.load(name), sd.DeepLinear(hidden=hidden, scale=scale)
    trained = sd.train(factory, data, seeds=9, progress=False, dtype="float32")
    weights = sd.initial_weights(factory, data, seeds=9)
    exact = sd.solve(
        data, depth=2, initial="matched", weights=weights, times=trained["time"].values
    )
    found, predicted = (sd.transitions(each)["half_time"].values for each in (trained, exact))
    assert found.shape == predicted.shape == (9, len(decompose(data).s))
    # Every single mode, also the weakest, which the plain formula would have learned too early.
    assert (np.median(abs(found / predicted - 1), axis=0) < 0.03).all()


def test_modes_compete_for_the_hidden_layer():
    data = sd.load("rumelhart8")
    weights = sd.initial_weights(sd.DeepLinear(hidden=5, scale=0.01), data, seeds=3)
    alone = effective_initial_strength(weights, data)
    for (start, modes), free in zip(match_modes(weights, data), alone, strict=True):
        assert start[0] == pytest.approx(free[0])
        assert (start <= free * (1 + 1e-9)).all()
        assert (start[:5] > 0).all()
        assert (start[5:] == 0).all()  # no room is left
        np.testing.assert_allclose(
            modes.u * modes.s @ modes.v.T, data.properties.values.T, atol=1e-9
        )
    exact = sd.solve(data, depth=2, initial="matched", weights=weights)
    left = np.linalg.svd(data.properties.values, compute_uv=False)[5:]
    assert float(exact["loss"][0, -1]) == pytest.approx(np.sum(left**2) / 2, rel=0.02)


def test_matched_theory_is_exact_in_the_limit_of_small_weights_also_among_ties():
    data = sd.load("cao2020")  # two modes tied at √3 and four at 1
    off = {}
    for scale, end in ((1e-3, 14), (1e-8, 25)):
        weights = sd.initial_weights(sd.DeepLinear(hidden=12, scale=scale), data, seeds=1)
        times = np.linspace(0, end, 120)
        exact, matched = (
            sd.solve(data, depth=2, initial=how, weights=weights, times=times)["output"]
            for how in ("exact", "matched")
        )
        start = effective_initial_strength(weights, data)[0]
        alone = sd.solve(data, depth=2, initial=start, times=times)["output"]
        off[scale] = float(abs(exact - matched).max()), float(abs(exact - alone).max())
    assert off[1e-8][0] < 0.1 * off[1e-3][0]
    assert off[1e-8][1] > 0.5 * off[1e-3][1]  # which knowing no competition and no ties is not


def test_weights_in_which_nothing_can_grow_are_refused(world):
    with pytest.raises(ValueError, match="nothing that could grow"):
        sd.solve(world, depth=2, initial="matched", weights=[np.zeros((5, 4)), np.zeros((7, 5))])


def test_effective_initial_strength_by_hand(world):
    modes = decompose(world)
    deep = effective_initial_strength(align(modes, [4e-3, 3e-3, 2e-3, 1e-3], 2), world)
    np.testing.assert_allclose(deep, [[4e-3, 3e-3, 2e-3, 1e-3]])
    rng = np.random.default_rng(0)
    w1, w2 = rng.normal(size=(6, 5, 4)), rng.normal(size=(6, 7, 5))
    found = effective_initial_strength([w1, w2], world)
    by_hand = np.sum((w1[2] @ modes.v[:, 1] + w2[2].T @ modes.u[:, 1]) ** 2) / 4
    assert found.shape == (6, 4)
    assert found[2, 1] == pytest.approx(by_hand)
    shallow = effective_initial_strength([w2[0, :, :4]], world)
    assert shallow[0, 3] == pytest.approx(modes.u[:, 3] @ w2[0, :, :4] @ modes.v[:, 3])


# shallow networks


def test_shallow_learns_every_cell_alike_and_never_overshoots(world):
    exact = sd.solve(world, depth=1, times=[0.0, 0.3, 1.0, 4.0])
    expected = -np.expm1(-exact["time"].values)[:, None, None] * world.properties.values
    np.testing.assert_allclose(exact["output"].values[0], expected, atol=1e-12)
    assert float((exact["output"] - exact["target"]).max()) <= 1e-12


def test_shallow_does_overshoot_where_inputs_are_correlated():
    codes = linalg.sqrtm(np.array([[1, 0.9], [0.9, 1]]))
    patterns = sd.make_patterns(make_data([[1.0], [0.0]]), inputs=codes)
    exact = sd.solve(patterns, depth=1, times=np.linspace(0, 60, 2000))
    belief = exact["output"].isel(seed=0, item=1, property=0)
    assert float(belief.max()) == pytest.approx(0.403, abs=1e-3)
    assert float(belief[-1]) < 0.01


# options


def test_each_mode_may_have_a_start_of_its_own(world):
    start = [1e-2, 1e-3, 1e-4, 1e-4]
    exact = sd.solve(world, depth=2, initial=start, times=[0.0, 1.0, 3.0])
    a = sd.mode_strengths(exact).isel(seed=0)
    expected = mode_strength([[0.0], [1.0], [3.0]], decompose(world).s, initial=start, depth=2)
    np.testing.assert_allclose(a, expected, rtol=1e-9)
    assert exact["time"].values.tolist() == [0, 1, 3]
    assert sd.get_provenance(exact)["initial"] == start


def test_a_single_time_will_do(world):
    for data in (world, uneven(world)):
        at_once = sd.solve(data, depth=2, initial=0.1, times=[0.0])
        assert at_once["output"].sizes == {"seed": 1, "time": 1, "item": 4, "property": 7}


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["saxe2019", "cao2020"])
def test_times_last_until_learning_has_settled(depth, name):
    exact = sd.solve(sd.load(name), depth=depth, times=50)
    assert exact["settled"].all()
    assert exact.sizes["time"] == 50
    assert not sd.solve(sd.load(name), depth=depth, times=[0.0, 0.01])["settled"].any()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_what_cannot_be_learned_settles_at_least_squares(depth, world):
    patterns = sd.make_patterns(world, relations=True)
    exact = sd.solve(patterns, depth=depth)
    best = patterns.inputs @ linalg.lstsq(patterns.inputs, patterns.targets)[0]
    assert exact["settled"].all()
    np.testing.assert_allclose(
        exact["output"].isel(seed=0, time=-1), patterns.read_back(best), atol=0.02
    )
    assert exact.sizes["item"] == 4


@pytest.mark.parametrize("depth", [2, 3])
def test_hidden_layers_have_the_similarities_of_the_theory(depth, world):
    exact = sd.solve(world, depth=depth, hidden=True, times=[0.0, 3.0, 1e4])
    modes = decompose(world)
    a = sd.mode_strengths(exact).isel(seed=0).values
    for layer in range(1, depth):
        h = exact[f"hidden_{layer}"].values[0]
        expected = np.einsum("im,tm,jm->tij", modes.v, a ** (2 * layer / depth), modes.v)
        np.testing.assert_allclose(h @ h.transpose(0, 2, 1), expected, atol=1e-9)
    if depth == 2:
        y = world.properties.values
        np.testing.assert_allclose(h[-1] @ h[-1].T, linalg.sqrtm(y @ y.T), atol=1e-9)


def test_hidden_layers_are_left_out_unless_asked_for(world):
    assert "hidden_1" not in sd.solve(world, depth=2)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), depth=st.sampled_from([1, 2, 3]))
def test_the_order_of_items_and_properties_does_not_matter(seed, depth):
    rng = np.random.default_rng(seed)
    values = rng.integers(-1, 2, size=(5, 6)) + 0.0
    values[0, 0] = 2.0
    rows, columns = rng.permutation(5), rng.permutation(6)
    a = sd.solve(make_data(values), depth=depth, times=[0.0, 1.0, 4.0], initial=1e-3)
    b = sd.solve(
        make_data(values[rows][:, columns]), depth=depth, times=[0.0, 1.0, 4.0], initial=1e-3
    )
    np.testing.assert_allclose(a["output"].values[:, :, rows][..., columns], b["output"], atol=1e-9)


def test_one_item_with_one_property():
    exact = sd.solve(make_data([[2.0]]), depth=2, initial=0.1, times=[0.0, 1.0])
    expected = 2 / (1 + 19 * np.exp(-4.0))
    assert exact["output"].values.ravel().tolist() == pytest.approx([0.1, expected])


# errors


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"depth": 0}, "depth counts weight matrices: 1 is shallow, 2 has one hidden layer; got 0"),
        ({"initial": "mached"}, "'matched' or 'exact'; got 'mached'; did you mean 'matched'?"),
        ({"initial": [1.0, 2.0]}, "one for each of the 4 modes; got 2"),
        ({"initial": np.ones((2, 4))}, "one for each of the 4 modes; got 8"),
        ({"initial": 0.0}, r"above 0 in a deep network \(at 0 it never learns\); got 0.0"),
        ({"initial": [1e-3, np.nan, 1, 1]}, "initial must be finite"),
        ({"depth": 1, "initial": np.inf}, "initial must be finite"),
        ({"depth": 3, "initial": 2.0}, "every mode must start below its final strength"),
        ({"weights": [np.ones((7, 4))]}, "weights are used with initial=\"matched\" or"),
        ({"initial": "matched"}, "initial weights are needed: weights=\\[W1, W2\\]"),
        ({"initial": "exact", "weights": [np.ones((5, 4)), np.ones((6, 5))]},
         r"weight matrix 2 has shape \(6, 5\), this chain from 4 inputs to 7 outputs needs "
         r"\(output × input\) \(7, 5\)"),
        ({"initial": "exact", "weights": [np.ones((5, 3)), np.ones((7, 5))]},
         r"weight matrix 1 has shape \(5, 3\)"),
        ({"initial": "exact", "weights": [np.ones((7, 4))]},
         "depth is 2, but there are 1 weight matrices"),
        ({"depth": 3, "initial": "matched",
          "weights": [np.ones((5, 4)), np.ones((5, 5)), np.ones((7, 5))]},
         "initial=\"matched\" is known for one or two weight matrices, got 3; use"),
        ({"times": []}, "times is an increasing list, or how many"),
        ({"times": 1}, r"times is an increasing list, or how many \(at least 2\); got 1"),
        ({"times": 2.5}, "got 2.5"),
        ({"times": [0.0, 1.0, 1.0]}, "times must increase and begin at 0 or later"),
        ({"times": [-1.0, 1.0]}, "times must increase and begin at 0 or later"),
        ({"times": [0.0, np.inf]}, "times must increase and begin at 0 or later"),
    ],
)  # fmt: skip
def test_solve_refuses(changed, message, world):
    with pytest.raises(ValueError, match=message):
        sd.solve(world, **({"depth": 2} | changed))


def test_the_numerical_path_refuses_a_start_at_zero_too(world):
    with pytest.raises(ValueError, match=r"above 0 in a deep network"):
        sd.solve(uneven(world), depth=2, initial=0.0)


def test_there_must_be_something_to_learn():
    nothing = make_data(np.zeros((3, 2)), name="void")
    for call in (lambda: sd.solve(nothing, depth=2), lambda: bound_learning_rate(nothing, depth=2)):
        with pytest.raises(ValueError, match=r"void holds nothing but zeros: there is nothing to"):
            call()


# bound_learning_rate


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("even", [True, False], ids=["even", "uneven"])
def test_the_bounds_enclose_the_curvature_at_the_solution(depth, even, world):
    patterns = sd.make_patterns(world if even else uneven(world))
    safe, largest = bound_learning_rate(patterns, depth=depth)
    u, s, vt = linalg.svd(patterns.targets.T, full_matrices=False)
    root = s ** (1 / depth)
    weights = [u * s @ vt] if depth == 1 else [root[:, None] * vt, u * root]
    weights[1:1] = [np.diag(root)] * (depth - 2)
    often = np.sqrt(patterns.weights)[:, None]
    columns = []
    for k, each in enumerate(weights):  # the map is linear in each matrix, so differences are exact
        for index in np.ndindex(each.shape):
            layer = patterns.inputs
            for j, other in enumerate(weights):
                only = np.zeros_like(each)
                only[index] = 1.0
                layer = layer @ (only if j == k else other).T
            columns.append((often * layer).ravel())
    curvature = linalg.svdvals(np.array(columns))[0] ** 2
    assert 2 / largest * (1 - 1e-9) <= curvature <= 2 / safe * (1 + 1e-9)
    if even or depth == 1:
        assert safe == pytest.approx(2 / curvature) == pytest.approx(largest)
    if even and depth > 1:
        assert safe == pytest.approx(2 / (depth * np.sqrt(7) ** (2 - 2 / depth)))


@pytest.mark.parametrize("even", [True, False], ids=["even", "uneven"])
@pytest.mark.parametrize("hidden", [(), 8, [8, 8]], ids=["shallow", "deep", "deeper"])
def test_training_holds_just_below_the_bound_and_refuses_above(hidden, even, world):
    data = world if even else uneven(world)
    depth = 1 if hidden == () else 1 + np.size(hidden)
    factory = sd.DeepLinear(hidden, scale=0.3) if hidden else sd.Shallow()
    safe, largest = bound_learning_rate(data, depth=depth)
    below = sd.train(factory, data, seeds=2, learning_rate=0.9 * safe, steps=3000, progress=False)
    assert below["settled"].all()
    assert (below["loss"].isel(time=-1) < 1e-6).all()
    with pytest.raises(ValueError, match=r"is over the stability bound"):
        sd.train(factory, data, seeds=2, learning_rate=1.01 * largest, steps=10, progress=False)


def test_descent_just_above_the_bound_leaves_the_solution(world):
    y = world.properties.values.T
    u, s, vt = linalg.svd(y, full_matrices=False)
    for factor in (0.98, 1.02):
        rate = factor * bound_learning_rate(world, depth=2)[1]
        w1, w2 = np.sqrt(s)[:, None] * vt + 1e-6, u * np.sqrt(s) + 1e-6
        start = np.abs(y - w2 @ w1).max()
        for _ in range(100):
            error = y - w2 @ w1
            w1, w2 = w1 + rate * w2.T @ error, w2 + rate * error @ w1.T
        assert (np.abs(y - w2 @ w1).max() > start) == (factor > 1)


@pytest.mark.parametrize("depth", [0, 1.5])
def test_bound_learning_rate_refuses_a_bad_depth(depth, world):
    with pytest.raises(ValueError, match=rf"depth counts weight matrices.*got {depth}"):
        bound_learning_rate(world, depth=depth)


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_the_weights_of_the_theory_make_its_answers(depth: int) -> None:
    exact = sd.solve(sd.load("saxe2019"), depth=depth, times=30, keep_weights=True, hidden=True)
    product = np.eye(4)
    for k in range(1, depth + 1):
        product = exact[f"weights_{k}"].values @ product
        if k < depth:
            layer = np.swapaxes(exact[f"hidden_{k}"].values, -1, -2)
            np.testing.assert_allclose(product, layer, atol=1e-12)
    np.testing.assert_allclose(np.swapaxes(product, -1, -2), exact["output"], atol=1e-12)
