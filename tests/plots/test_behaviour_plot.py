"""Figures of behaviour: what is drawn is what people said and what was fitted."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt

import semdev as sd
from semdev.behaviour.contests import compare_fits
from semdev.behaviour.intervals import parameter_intervals
from semdev.behaviour.simulating import simulate_responses
from semdev.plots import behaviour as plots


@pytest.fixture(scope="module")
def found(exact):
    people = simulate_responses(
        exact, ages=range(3, 11), participants=32, age_map={3: 1, 10: 3}, cells=20
    )
    shallow = sd.solve(sd.load("rumelhart8"), depth=1)
    return compare_fits({"deep": exact, "shallow": shallow}, people, folds=2, knots=2)


def draw(found, ax=None):
    yield lambda: plots.answers(found.fits["deep"], ax=ax)
    yield lambda: plots.age_maps(found.fits, ax=ax)
    yield lambda: plots.model_scores(found, ax=ax)


def test_the_given_axes_are_used_and_nothing_global_changes(found):
    before, figures = dict(matplotlib.rcParams), plt.get_fignums()
    for k in range(3):
        ax = matplotlib.figure.Figure().add_subplot()
        assert list(draw(found, ax))[k]() is ax
        assert ax.has_data()
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == figures


def test_a_new_figure_is_one_column_wide_and_holds_everything(found):
    for call in draw(found):
        figure = call().figure
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
        assert figure.get_figwidth() == pytest.approx(3.4)
        assert box.x0 > -0.02
        assert box.x1 < 3.42
        assert box.y1 < figure.get_figheight() + 0.02
        plt.close(figure)


def test_dots_are_shares_of_yes_and_lines_what_is_predicted(found):
    fit = found.fits["deep"]
    (cell,) = fit.responses[["item", "property"]].drop_duplicates().values[:1].tolist()
    ax = plots.answers(fit, cells=[tuple(cell)], groups=1)
    own = fit.responses[(fit.responses[["item", "property"]] == cell).all(axis=1)]
    dots = ax.containers[0].lines[0]
    assert dots.get_xydata().tolist() == [[own["age"].mean(), own["n_yes"].mean()]]
    line = ax.lines[0]
    foreseen = fit.predict(line.get_xdata(), cells=[tuple(cell)]).median("seed")[:, 0]
    np.testing.assert_allclose(line.get_ydata(), foreseen)


def test_age_maps_are_shares_of_what_was_recorded_with_their_intervals(found):
    known = parameter_intervals(found.fits["deep"])
    ax = plots.age_maps(found.fits, known={"deep": known})
    fit = found.fits["deep"]
    np.testing.assert_allclose(
        ax.lines[0].get_ydata() ** 2, fit.age_map / float(fit.history["time"][-1])
    )
    low = [bar[0, 1] for bar in ax.collections[0].get_segments()]
    times = known.loc[known.index.str.startswith("time"), "low"]
    np.testing.assert_allclose(np.square(low) * float(fit.history["time"][-1]), times)


def test_scores_are_differences_from_the_best_with_their_intervals(found):
    ax = plots.model_scores(found)
    table = found.table[found.table["kind"] != "ceiling"].iloc[::-1]
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_label() == "_model"]
    np.testing.assert_allclose(dots, table["difference"])
    bars = [line.get_xdata() for line in ax.lines if line.get_label() == "_interval"]
    np.testing.assert_allclose(bars, table[["low", "high"]].to_numpy())
    assert [tick.get_text() for tick in ax.get_yticklabels()] == table.index.tolist()


def test_bad_requests_are_refused_with_a_reason(found):
    with pytest.raises(ValueError, match="1 to 7 cells can be drawn, got 0"):
        plots.answers(found.fits["deep"], cells=[])
    with pytest.raises(ValueError, match="interval is a share of the seeds"):
        plots.answers(found.fits["deep"], interval=95)
    with pytest.raises(ValueError, match="no fit to draw"):
        plots.age_maps({})


def test_people_of_one_age_are_drawn():
    exact = sd.solve(sd.load("rumelhart8"), depth=2)
    people = sd.simulate_responses(exact, ages=[5.0] * 20, age_map={5: 2.0}, cells=8)
    ax = sd.plots.answers(sd.fit(exact, people))
    low, high = ax.get_xlim()
    assert low < 5 < high
