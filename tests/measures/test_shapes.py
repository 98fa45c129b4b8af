"""Shapes: fits of many curves side by side are those of scipy one by one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special

import semdev as sd
from semdev.measures import shapes
from semdev.measures.crossing import first_crossing
from semdev.measures.shapes import compare_shapes


def fit_one(share, half, ninety, time):
    """BIC of both shapes by scipy, slopes by differences."""
    end = min(2 * ninety, time[-1]) if ninety > 0 else time[-1]
    grid = np.linspace(0, end, 60)
    curve = np.interp(grid, time, share)
    width = max((ninety - half) / np.log(9), half / 50) if ninety > 0 else half / 4
    kinds = [
        (lambda a, m, w: a * special.expit((grid - m) / w), [1.0, half, width]),
        (lambda a, tau: -a * np.expm1(-grid / tau), [1.0, half / np.log(2)]),
    ]
    found = []
    for shape, start in kinds:
        best = optimize.least_squares(
            lambda p, shape=shape: shape(*np.exp(np.clip(p, -50, 50))) - curve,
            np.log(start), method="lm", max_nfev=300,
        )  # fmt: skip
        found.append(60 * np.log(max(2 * best.cost, 1e-20) / 60) + len(start) * np.log(60))
    return np.array(found)


def share_of_modes(history):
    strength = sd.mode_strengths(history)
    share = strength / strength["singular_value"]
    half, ninety = (first_crossing(share, level) for level in (0.5, 0.9))
    return share.transpose(..., "time").values, half.values, ninety.values


@pytest.mark.parametrize("name", ["saxe2019", "rumelhart8", "rogers2004", "living_things", "zoo"])
@pytest.mark.parametrize(("depth", "initial"), [(1, None), (2, None), (2, 0.05), (3, 1e-3)])
def test_fits_of_theory_are_scipys(name, depth, initial):
    exact = sd.solve(sd.load(name), depth=depth, initial=initial)
    time = exact["time"].values
    share, half, ninety = share_of_modes(exact)
    found = compare_shapes(share, half, ninety, time=time)
    expected = [fit_one(*each, time) for each in zip(share[0], half[0], ninety[0], strict=True)]
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    "model", [sd.Shallow(scale=0.1), sd.DeepLinear(16, scale=0.3), sd.MLP(16)], ids=repr
)
def test_fits_of_networks_are_scipys_or_better(model):
    trained = sd.train(model, sd.load("rogers2004"), seeds=2, steps=1200, progress=False)
    time = trained["time"].values
    share, half, ninety = (a.reshape(-1, *a.shape[2:]) for a in share_of_modes(trained))
    found = compare_shapes(share, half, ninety, time=time)
    assert (np.isnan(found[:, 0]) == ~(half > 0)).all()
    known = np.flatnonzero(half > 0)
    expected = np.array([fit_one(share[k], half[k], ninety[k], time) for k in known])
    assert (found[known] <= expected + 0.1).all()
    close = np.abs(found[known] - expected) < 1e-4
    assert close.mean() > 0.95  # scipy gives up sooner where the best fit lies at infinity
    np.testing.assert_array_equal(
        found[known, 0] < found[known, 1], expected[:, 0] < expected[:, 1]
    )


def test_curves_do_not_feel_each_other(monkeypatch):
    exact = sd.solve(sd.load("rogers2004"), depth=2)
    share, half, ninety = share_of_modes(exact)
    whole = compare_shapes(share, half, ninety, time=exact["time"].values)
    monkeypatch.setattr(shapes, "AT_ONCE", 2)
    np.testing.assert_array_equal(
        compare_shapes(share, half, ninety, time=exact["time"].values), whole
    )


def test_a_curve_that_is_lost_has_no_fit():
    time = np.linspace(0, 5, 50)
    curve = np.where(time < 4, time / 4, np.nan)
    found = compare_shapes(np.array([curve, time / 5]), np.array([2.0, 2.5]), np.array([3.6, 4.5]),
                           time=time)  # fmt: skip
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
