"""First crossings: by hand, and against numpy where a curve has an inverse."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from semdev.measures.crossing import first_crossing


def make_curve(values, time=(0.0, 1.0, 2.0, 4.0)):
    values = np.asarray(values, dtype=float)
    return xr.DataArray(values, dims=("seed", "time")[-values.ndim :], coords={"time": list(time)})


@pytest.mark.parametrize(
    ("values", "level", "expected"),
    [
        ([0, 0.2, 0.8, 0.8], 0.5, 1.5),
        ([0, 0, 0, 1], 0.25, 2.5),  # unequal steps
        ([0, 0.5, 0, 1], 0.5, 1.0),  # reached exactly, the first of two times
        ([0, 1, -1, 1], 0.5, 0.5),
        ([0.7, 0, 0, 1], 0.5, 0.0),  # begins above
        ([0.5, 0, 0, 1], 0.5, 0.0),  # begins at it
        ([0, 0.1, 0.2, 0.3], 0.5, np.nan),  # never
        ([0.5, 0.5, 0.5, 0.5], 0.5, 0.0),
        ([-2, -1, -1, 1], 0.0, 3.0),
        ([0, 1, 1, 1], np.nan, np.nan),
        ([np.nan, np.nan, np.nan, np.nan], 0.5, np.nan),
    ],
)
def test_by_hand(values, level, expected):
    assert float(first_crossing(make_curve(values), level)) == pytest.approx(expected, nan_ok=True)


def test_each_curve_meets_its_own_level():
    curve = make_curve([[0, 1, 2, 4], [0, 0, 0, 4]])
    level = xr.DataArray([0.5, 2.0, 9.0], dims="goal")
    found = first_crossing(curve.transpose("time", "seed"), level).transpose("seed", "goal")
    assert found.name is None
    np.testing.assert_allclose(found, [[0.5, 2.0, np.nan], [2.25, 3.0, np.nan]])


def test_a_single_record():
    assert float(first_crossing(make_curve([1.0], [3.0]), 0.5)) == 3
    assert np.isnan(first_crossing(make_curve([0.0], [3.0]), 0.5))


@given(
    rises=st.lists(st.floats(0.01, 5), min_size=2, max_size=9), share=st.floats(0, 1),
    scale=st.floats(0.1, 10), shift=st.floats(-5, 5),
)  # fmt: skip
def test_on_rising_curves_it_is_the_inverse_and_follows_the_clock(rises, share, scale, shift):
    values = np.cumsum(rises)
    time = np.arange(len(values)) ** 1.5
    level = values[0] + share * (values[-1] - values[0])
    found = float(first_crossing(make_curve(values, time), level))
    assert found == pytest.approx(np.interp(level, values, time), abs=1e-9)
    later = float(first_crossing(make_curve(values, scale * time + shift), level))
    assert later == pytest.approx(scale * found + shift, abs=1e-9)
