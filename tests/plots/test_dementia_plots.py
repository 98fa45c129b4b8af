"""Figures of semantic dementia: what is drawn is what was measured."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt

import semdev as sd
from semdev.damaging import damage
from semdev.measures import dementia as measure
from semdev.plots import dementia as plots

CALLS = {"retention": plots.retention, "naming_errors": plots.naming_errors}


@pytest.fixture(scope="module")
def patients():
    world, model = sd.load("rumelhart8"), sd.DeepLinear(hidden=16)
    net = sd.train(model, world, seeds=6, keep_weights=True, record=2, progress=False)
    return {
        "units": damage(net, model, world, kind="units", severity=[0.25, 0.5, 0.75], draws=6),
        "noise": damage(net, model, world, kind="noise", severity=[0.5, 1.0, 2.0], draws=6),
    }


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("name", CALLS)
def test_the_given_axes_are_used_and_nothing_global_changes(patients, name):
    before, figures = dict(matplotlib.rcParams), plt.get_fignums()
    given_ = patients["units"].copy(deep=True)
    ax = matplotlib.figure.Figure().add_subplot()
    assert CALLS[name](given_, ax=ax) is ax
    assert ax.has_data()
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == figures
    assert given_.identical(patients["units"])


@pytest.mark.parametrize("kind", ["units", "noise"])
@pytest.mark.parametrize("name", CALLS)
def test_a_new_figure_is_one_column_wide_and_holds_everything(patients, name, kind):
    figure = CALLS[name](patients[kind]).figure
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert figure.get_figwidth() == pytest.approx(3.4)
    assert box.x0 > -0.02
    assert box.x1 < 3.42
    assert box.y1 < figure.get_figheight() + 0.02


@pytest.mark.parametrize("kind", ["units", "noise"])
@pytest.mark.parametrize("facts", ["names", "all"])
def test_retention_draws_medians_and_what_is_predicted(patients, kind, facts):
    ax = plots.retention(patients[kind], facts=facts)
    found = measure.retention(patients[kind]).sel(facts=facts)
    for level in ("general", "basic", "specific"):
        (line,) = [line for line in ax.lines if line.get_label() == level]
        drawn = found["accuracy"].sel(level=level).median("seed").values
        np.testing.assert_allclose(line.get_ydata(), drawn)
        np.testing.assert_allclose(line.get_xdata(), found["severity"])
    foreseen = [line for line in ax.lines if line.get_label() == "_predicted"]
    assert len(foreseen) == (3 if kind == "noise" else 0)
    assert ("predicted" in labels(ax)) == (kind == "noise")
    (moderate,) = [line for line in ax.lines if line.get_label() == "_moderate"]
    assert moderate.get_xdata()[0] == pytest.approx(float(found["moderate"].median()))


def test_the_axis_says_what_was_done(patients):
    assert plots.retention(patients["units"]).get_xlabel() == "share of units lost"
    assert plots.naming_errors(patients["noise"]).get_xlabel() == "noise in the activity (s.d.)"
    slow = patients["units"].assign_coords(relearned=5)
    assert plots.retention(slow).get_xlabel() == "share of units lost, relearning"


def test_areas_are_the_mean_shares_and_add_up(patients):
    ax = plots.naming_errors(patients["units"])
    share = measure.naming_errors(patients["units"])["share"].mean("seed")
    assert sorted(labels(ax)) == sorted(share["response"].values.tolist())
    top = share.cumsum("response")
    assert float(top.isel(response=-1).min()) == pytest.approx(1.0)
    for k, area in enumerate(ax.collections):
        corners = area.get_paths()[0].vertices
        for severity, height in zip(share["severity"].values, top.values[:, k], strict=True):
            at = corners[corners[:, 0] == severity, 1]
            assert at.max() == pytest.approx(height)


@settings(max_examples=5)
@given(order=st.permutations(range(6)))
def test_the_order_of_networks_is_nothing(patients, order):
    for call in CALLS.values():
        one, other = (call(d) for d in (patients["units"], patients["units"].isel(seed=order)))
        for a, b in zip(one.lines, other.lines, strict=True):
            np.testing.assert_allclose(a.get_ydata(), b.get_ydata(), atol=1e-12)
        plt.close("all")


def test_one_network_has_no_spread(patients):
    alone = patients["units"].isel(seed=[0])
    assert not plots.retention(alone).collections
    assert not plots.naming_errors(alone).lines


def test_bad_requests_are_refused_with_a_reason(patients):
    with pytest.raises(KeyError, match="no kind of facts 'name' in retention; did you mean"):
        plots.retention(patients["units"], facts="name")
    for call in CALLS.values():
        with pytest.raises(ValueError, match="interval is a share of the seeds"):
            call(patients["units"], interval=95)
