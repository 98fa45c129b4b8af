"""Decoupling: chains known by construction, the flow's own, and rotations that must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.measures.chains import decouple
from semdev.models.chains import aligned_weights, chain_weights
from semdev.models.closed_forms import mode_strength


def load_world(name, tmp_path):
    if name == "branching":
        return sd.branching_diffusion([2, 2, 2], properties=40, flip=0.1, seed=5)
    if name == "csv":
        sd.load("rumelhart8").to_csv(tmp_path / "table.csv")
        return sd.Dataset.from_csv(tmp_path / "table.csv")
    return sd.load(name)


def learn(world, hidden, **options):
    settled = {"seeds": 2, "record": 40, "keep_weights": True, "progress": False}
    return sd.train(sd.DeepLinear(hidden), world, **(settled | options))


def replace_weights(history, weights):
    """The same History with other weights (seed × time × output × input)."""
    new = {f"weights_{k}": (history[f"weights_{k}"].dims, w) for k, w in enumerate(weights, 1)}
    names = [name for name in history.data_vars if str(name).startswith("weights_")]
    return history.drop_vars(names).assign(new)


# chains that are known


@pytest.mark.parametrize("name", ["saxe2019", "rogers2004", "branching", "csv"])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_the_closed_form_is_found_to_be_chains(name, depth, tmp_path):
    world = load_world(name, tmp_path)
    exact = sd.solve(world, depth=depth, initial=1e-2, times=9, keep_weights=True)
    found = decouple(exact)
    s = found["singular_value"].values
    a = mode_strength(exact["time"].values[:, None], s, initial=1e-2, depth=depth)
    np.testing.assert_allclose(found["strength"].isel(seed=0), a, atol=1e-8)
    expected = np.repeat(a[:, None] ** (1 / depth), depth, axis=1)
    np.testing.assert_allclose(found["chain"].isel(seed=0), expected, atol=1e-8)
    np.testing.assert_allclose(found["predicted"], found["chain"], atol=1e-6)
    np.testing.assert_allclose(found["predicted_strength"], found["strength"], atol=1e-6)
    for share in ("coupled", "outside", "drift", "imbalance"):
        np.testing.assert_allclose(found[share], 0, atol=1e-9)


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 999), hidden=st.integers(4, 8),
    layers=st.lists(st.floats(0.05, 1.5), min_size=12, max_size=12),
)  # fmt: skip
def test_unequal_layers_are_found_however_they_are_turned(seed, hidden, layers):
    world = sd.load("saxe2019")
    begin = np.array(layers).reshape(4, 3)
    begin[3] = begin[2]  # tied modes start alike
    exact = chain_weights(world, depth=3, initial=begin, times=[0.0, 0.5, 40], hidden=hidden,
                          seed=seed)  # fmt: skip
    history = sd.solve(world, depth=3, times=[0.0, 0.5, 40.0], keep_weights=True)
    weights = [exact[f"weights_{k}"].values[None] for k in (1, 2, 3)]
    found = decouple(replace_weights(history, weights))
    expected = exact["layer_strength"].transpose("time", "layer", "mode").values
    np.testing.assert_allclose(found["chain"].isel(seed=0), expected, atol=1e-5)
    np.testing.assert_allclose(found["predicted"], found["chain"], atol=1e-5)
    np.testing.assert_allclose(found["drift"], 0, atol=1e-6)


def test_shares_by_hand():
    # One layer, Σ_yx = diag(2, 1), items and properties are the modes: off the diagonal 3, 4.
    table = sd.load("saxe2019").properties[:2, :2].copy(data=np.diag([2.0, 1.0]))
    world = sd.Dataset(table, name="two")
    history = sd.solve(world, depth=1, times=[0.0, 1.0], keep_weights=True)
    w = np.array([[2.0, 3.0], [4.0, 1.0]])
    found = decouple(replace_weights(history, [np.stack([w, w])[None]]))
    np.testing.assert_allclose(found["coupled"], 25 / 30)
    np.testing.assert_allclose(found["outside"], 0, atol=1e-12)
    np.testing.assert_allclose(found["chain"].values[0, 0, 0], [2, 1])
    assert found.sizes["hidden_layer"] == 0


def test_what_belongs_to_no_chain_is_outside():
    # A unit without inputs drives one without outputs by a weight of 2.
    history = sd.solve(sd.load("saxe2019"), depth=3, times=[0.0, 9.0], keep_weights=True)
    first, second, third = (history[f"weights_{k}"].values for k in (1, 2, 3))
    wide = [
        np.pad(first, ((0, 0), (0, 0), (0, 1), (0, 0))),
        np.pad(second, ((0, 0), (0, 0), (0, 1), (0, 1))),
        np.pad(third, ((0, 0), (0, 0), (0, 0), (0, 1))),
    ]
    wide[1][..., -1, -1] = 2.0
    found, plain = decouple(replace_weights(history, wide)), decouple(history)
    expected = 4 / ((second**2).sum((-1, -2)) + 4)
    np.testing.assert_allclose(found["outside"].sel(layer=2), expected)
    np.testing.assert_allclose(found["outside"].sel(layer=[1, 3]), 0, atol=1e-12)
    np.testing.assert_allclose(found["chain"], plain["chain"])
    # |C_l| is 4 beside a largest |W_l W_lᵀ| known from the last weights.
    largest = np.linalg.norm(first[0, -1] @ first[0, -1].T)
    np.testing.assert_allclose(found["imbalance"].sel(hidden_layer=1), 4 / largest, rtol=1e-6)
    np.testing.assert_allclose(found["drift"], 0, atol=1e-9)


# networks


@pytest.mark.parametrize("name", ["saxe2019", "branching", "csv"])
def test_small_random_networks_fall_apart_into_the_chains_predicted(name, tmp_path):
    world = load_world(name, tmp_path)
    found = decouple(learn(world, 64, seeds=4))
    late = found.isel(time=-1)
    assert (late["coupled"] < 0.01).all()
    first = found.isel(time=0)
    assert ((first - late)[["coupled", "outside"]].to_array().sum("variable") > 0.2).all()
    # √s in both layers, once learned, but for what an unfinished last mode lacks.
    root = np.sqrt(late["singular_value"])
    np.testing.assert_allclose(late["chain"] / root, 1, atol=0.06)
    wrong = np.abs(found["strength"] - found["predicted_strength"]) / found["singular_value"]
    assert float(wrong.median("seed").max()) < 0.12
    assert (found["drift"] < 1e-4).all()


def test_drift_is_the_finite_steps_and_goes_with_the_learning_rate():
    world = sd.load("rumelhart8")
    model = sd.DeepLinear([12, 12], scale=0.25)
    drifts = []
    for rate in (4e-3, 2e-3, 1e-3):
        history = sd.train(model, world, seeds=2, learning_rate=rate, steps=round(3 / rate),
                           record=10, keep_weights=True, progress=False)  # fmt: skip
        drifts.append(decouple(history)["drift"].isel(time=-1).values)
    np.testing.assert_allclose(drifts[1], drifts[0] / 2, rtol=0.2)
    np.testing.assert_allclose(drifts[2], drifts[1] / 2, rtol=0.2)


def test_deep_random_networks_are_chains_from_some_time_on():
    world = sd.load("saxe2019")
    history = learn(world, [16, 16], seeds=3)
    found = decouple(history)
    # Its chains have come apart, and the weakest has some length.
    apart = (found["coupled"] + found["outside"]).max(("seed", "layer")) < 0.02
    apart &= (found["strength"] > 0.1 * found["singular_value"]).all(("seed", "mode"))
    since = float(found["time"][int(apart.values.argmax())])
    assert since > 0
    later = decouple(history, since=since)
    assert np.isnan(later["predicted"].sel(time=slice(0, 0.99 * since))).all()
    wrong = np.abs(later["strength"] - later["predicted_strength"])
    early = np.abs(found["strength"] - found["predicted_strength"])
    assert float(wrong.max()) < 0.2 * float(early.max())


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 9999))
def test_how_units_are_turned_and_items_are_ordered_does_not_matter(seed, small_run):
    history, found = small_run
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(10, 10)))[0]
    first, second = history["weights_1"].values, history["weights_2"].values
    turned = decouple(replace_weights(history, [turn @ first, second @ turn.T]))
    order = rng.permutation(history.sizes["item"])
    swapped = history.isel(item=order)
    for name in found.data_vars:
        np.testing.assert_allclose(turned[name], found[name], atol=1e-7)
        np.testing.assert_allclose(decouple(swapped)[name], found[name], atol=1e-7)


@pytest.fixture(scope="module")
def small_run():
    """A network on data with tied modes."""
    history = learn(sd.load("cao2020"), 10, record=12)
    return history, decouple(history)


def test_modes_beyond_the_narrowest_layer_have_no_chain():
    found = decouple(learn(sd.load("saxe2019"), 2, steps=400))
    assert found.sizes["mode"] == 2
    assert (found["coupled"] >= 0).all()


def test_items_met_unequally_often_have_no_prediction():
    table = sd.load("saxe2019").properties
    uneven = sd.Dataset(table.assign_coords(frequency=("item", [1.0, 2, 3, 4])), name="uneven")
    found = decouple(learn(uneven, 12))
    assert np.isnan(found["predicted"]).all()
    assert np.isfinite(found["chain"]).all()
    expected = np.linalg.svd(table.values * [[1], [2], [3], [4]], compute_uv=False)
    np.testing.assert_allclose(found["singular_value"], expected)


def test_items_shown_by_codes_need_the_patterns():
    rng = np.random.default_rng(0)
    codes = np.linalg.qr(rng.normal(size=(6, 4)))[0].T  # orthonormal rows: Σ_xx shares the modes
    patterns = sd.make_patterns(sd.load("saxe2019"), inputs=codes)
    begin = aligned_weights(patterns, depth=2, initial=1e-3, hidden=5)
    history = learn(patterns, 5, weights=begin, learning_rate=1e-3, steps=6000, seeds=1)
    with pytest.raises(ValueError, match=r"shown by 6 inputs, .* pass the patterns"):
        decouple(history.drop_vars("code"))
    with pytest.raises(ValueError, match="data shows 4 inputs, the network has 6"):
        decouple(history, data=sd.load("saxe2019"))
    found = decouple(history, data=patterns)
    assert found.equals(decouple(history))
    np.testing.assert_allclose(found["predicted"], found["chain"], atol=0.01)
    np.testing.assert_allclose(found["singular_value"] ** 2, [7, 3, 1, 1])


def test_a_history_without_weights_and_a_time_outside_the_run_are_refused():
    exact = sd.solve(sd.load("saxe2019"), depth=2, times=[0.0, 1.0])
    with pytest.raises(ValueError, match=r"has no weights; keep them with train\(…, keep_weights"):
        decouple(exact)
    kept = sd.solve(sd.load("saxe2019"), depth=2, times=[0.0, 1.0], keep_weights=True)
    for since in (-1.0, 1.5):
        with pytest.raises(ValueError, match=f"within the run, 0 to 1; got {since}"):
            decouple(kept, since=since)


def test_chains_are_summarized_over_seeds(small_run):
    table = sd.summarize(small_run[1].isel(time=-1)[["chain", "predicted"]].drop_vars("time"))
    assert {"chain", "chain_low", "chain_high", "predicted", "layer", "mode"} <= set(table.columns)
