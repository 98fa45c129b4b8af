"""Detection: the formulas by simulation, at their limits, and against a plain decomposition."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from semdev.data.categories import noisy_categories
from semdev.models.coherence import predict_detection, predict_spike, split_blocks


def overlaps(centred, seed, *, items, properties, members, features, within, background):
    """The category's mode in one draw: item and feature overlap², its singular value."""
    world = noisy_categories(
        items, properties, members=members, features=features, within=within,
        background=background, seed=seed, coding="centred" if centred else "0/1",
    )  # fmt: skip
    u, s, vt = np.linalg.svd(world.properties.values, full_matrices=False)
    means = np.full((items, properties), 0.0 if centred else background)
    means[:members, :features] = within - background if centred else within
    left, _, right = np.linalg.svd(means, full_matrices=False)
    k = 0 if centred else 1
    return (u[:, k] @ left[:, k]) ** 2, (vt[k] @ right[k]) ** 2, s[k], s[0]


SETTINGS = {
    "well above": {"items": 200, "properties": 320, "members": 50, "features": 80},
    "more items": {"items": 400, "properties": 150, "members": 60, "features": 50},
}


@pytest.mark.parametrize("where", SETTINGS)
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("chances", [(0.7, 0.3), (0.75, 0.25)])
def test_simulated_categories_follow_the_formulas(where, centred, chances):
    world = {**SETTINGS[where], "within": chances[0], "background": chances[1]}
    expected = predict_detection(centred=centred, **world)
    assert bool(expected["detectable"])
    seen = np.mean([overlaps(centred, k, **world) for k in range(12)], axis=0)
    assert seen[0] == pytest.approx(float(expected["item_overlap"]), abs=0.03)
    assert seen[1] == pytest.approx(float(expected["feature_overlap"]), abs=0.03)
    assert seen[2] == pytest.approx(float(expected["singular_value"]), rel=0.02)
    if centred:
        assert np.isnan(expected["background_mode"])
    else:
        assert seen[3] == pytest.approx(float(expected["background_mode"]), rel=0.02)


def test_below_the_threshold_nothing_is_found():
    world = {"items": 400, "properties": 640, "members": 12, "features": 19, "within": 0.7,
             "background": 0.3}  # fmt: skip
    expected = predict_detection(**world)
    assert float(expected["snr"]) < 0.5
    assert not bool(expected["detectable"])
    assert float(expected["item_overlap"]) == float(expected["feature_overlap"]) == 0
    seen = np.mean([overlaps(True, k, **world) for k in range(6)], axis=0)
    assert seen[:2].max() < 0.05
    assert seen[2] == pytest.approx(float(expected["bulk_edge"]), rel=0.03)


def test_published_sizes_by_hand():
    found = predict_detection(
        items=1000, properties=1600, members=120, features=200, within=0.7, background=0.3
    )
    snr = 0.4**2 * 120 * 200 / (0.21 * np.sqrt(1000 * 1600))
    assert float(found["snr"]) == pytest.approx(snr)
    theta2, c = 0.4**2 * 120 * 200 / (0.21 * 1000), 1.6
    assert float(found["item_overlap"]) == pytest.approx(1 - (c + theta2) / (theta2 * (theta2 + 1)))
    assert float(found["bulk_edge"]) == pytest.approx(0.21**0.5 * (1000**0.5 + 1600**0.5))


def test_uncentred_background_is_about_its_frequency_times_the_size():
    found = predict_detection(
        items=1000, properties=1600, members=40, features=60, within=0.7, background=0.3,
        centred=False,
    )  # fmt: skip
    assert float(found["background_mode"]) == pytest.approx(0.3 * np.sqrt(1.6e6), rel=0.01)


@settings(deadline=None, max_examples=50)
@given(
    signal=st.floats(0.1, 50), noise=st.floats(0.01, 4), items=st.integers(5, 500),
    properties=st.integers(5, 500), scale=st.floats(0.1, 10),
)  # fmt: skip
def test_turning_the_table_round_swaps_the_overlaps_and_scale_is_a_scale(
    signal, noise, items, properties, scale
):
    found = predict_spike(signal, items=items, properties=properties, noise=noise)
    turned = predict_spike(signal, items=properties, properties=items, noise=noise)
    larger = predict_spike(
        scale * signal, items=items, properties=properties, noise=scale**2 * noise
    )
    if abs(float(found["snr"]) - 1) < 1e-9:
        return
    for a, b in (("item_overlap", "feature_overlap"), ("singular_value", "singular_value"),
                 ("snr", "snr")):  # fmt: skip
        assert float(found[a]) == pytest.approx(float(turned[b]), rel=1e-9, abs=1e-9)
        unit = scale if a == "singular_value" else 1
        assert float(larger[a]) == pytest.approx(unit * float(found[a]), rel=1e-9, abs=1e-9)
    assert 0 <= float(found["item_overlap"]) <= 1
    assert float(found["singular_value"]) >= float(found["bulk_edge"]) * (1 - 1e-9)


def test_at_the_threshold_the_mode_leaves_the_bulk():
    edge = predict_spike((100 * 400) ** 0.25, items=100, properties=400, noise=1 - 1e-9)
    assert float(edge["singular_value"]) == pytest.approx(30, rel=1e-6)
    assert float(edge["item_overlap"]) == pytest.approx(0, abs=1e-6)


def test_without_noise_all_is_found():
    clean = predict_spike([0.0, 3.0], items=10, properties=10, noise=0)
    assert clean["singular_value"].values.tolist() == [0, 3]
    assert clean["item_overlap"].values.tolist() == [0, 1]


def test_arguments_broadcast_by_name():
    found = predict_detection(
        items=100, properties=150, members=xr.DataArray([10, 20, 30], dims="size"),
        features=xr.DataArray([20, 40], dims="width"), within=0.8, background=0.2,
    )  # fmt: skip
    assert dict(found.sizes) == {"size": 3, "width": 2}
    one = predict_detection(
        items=100, properties=150, members=20, features=40, within=0.8, background=0.2
    )
    xr.testing.assert_allclose(found.isel(size=1, width=1, drop=True), one)


@settings(deadline=None, max_examples=30)
@given(
    means=st.lists(st.floats(-1, 1), min_size=4, max_size=4),
    sizes=st.lists(st.integers(1, 6), min_size=4, max_size=4),
)
def test_blocks_are_split_as_numpy_splits_the_whole_table(means, sizes):
    a, b, c, d = means
    m, o, f, e = sizes
    table = np.block([[np.full((m, f), a), np.full((m, e), c)],
                      [np.full((o, f), b), np.full((o, e), d)]])  # fmt: skip
    strength, member, other, rest = split_blocks(a, b, c, d, sizes=(m, o, f, e))
    s = np.linalg.svd(table, compute_uv=False)
    pair = np.zeros(2)
    pair[: min(2, len(s))] = s[:2]
    np.testing.assert_allclose(sorted([float(strength), float(rest)])[::-1], pair, atol=1e-9)
    vector = np.r_[np.full(m, float(member)), np.full(o, float(other))]
    assert vector @ vector == pytest.approx(1)
    assert np.linalg.norm(vector @ table) == pytest.approx(float(strength), abs=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"members": 100}, "a category has at least one member and one feature, and fewer than"),
        ({"features": 0}, "at least one member and one feature"),
        ({"background": 0.0}, r"background one that is neither 0 nor 1 \(else there is no noise\)"),
        ({"within": 1.5}, "within is a probability"),
    ],
)
def test_bad_categories_are_refused(change, message):
    world = {"items": 100, "properties": 100, "members": 10, "features": 10, "within": 0.7,
             "background": 0.3}  # fmt: skip
    with pytest.raises(ValueError, match=message):
        predict_detection(**{**world, **change})


def test_bad_spikes_are_refused():
    with pytest.raises(ValueError, match="strength and the variance of noise are not negative"):
        predict_spike(-1, items=10, properties=10, noise=1)
    with pytest.raises(ValueError, match="give DataArrays with named dimensions"):
        predict_spike([[1.0]], items=10, properties=10, noise=1)
