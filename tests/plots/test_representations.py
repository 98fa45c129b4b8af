"""Bars of representations: what stands there is what was recorded, wherever items and units go."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba

import semdev as sd
from semdev.plots import _style
from semdev.plots._items import item_classes, tree_order
from semdev.plots.representations import representation_bars


@pytest.fixture(scope="module")
def net():
    """Three Rumelhart networks, young: layers of all items in every context."""
    return sd.train(
        sd.Rumelhart(), sd.load("rumelhart8"), seeds=3, steps=300, record=6, hidden=True,
        dtype="float32", progress=False,
    )  # fmt: skip


def bars(ax, column):
    """Return the heights of a column's bars, row × unit, in units of the rows."""
    drawn = [each for each in ax.collections if isinstance(each, PolyCollection)][column]
    corners = np.array([path.vertices[:4] for path in drawn.get_paths()])
    rows = len(ax.get_yticks())
    return (corners[:, 0, 1] - corners[:, 1, 1]).reshape(rows, -1)


def ground(ax, column):
    """Return how high the zero of each row stands."""
    drawn = [each for each in ax.collections if isinstance(each, LineCollection)][column]
    return np.array([segment[0, 1] for segment in drawn.get_segments()])


def headings(ax):
    return [text.get_text() for text in ax.texts if text.get_text().startswith("t = ")]


def names(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


@pytest.mark.parametrize("seed", [0, 2])
def test_bars_are_the_recorded_activities_on_one_scale(net, seed):
    times = net["time"].values[[1, 3, 5]]
    ax = representation_bars(net, times, seed=seed)
    order = tree_order(net)
    recorded = net["hidden_1"].sel(seed=seed, time=times).values[:, order]
    factor = bars(ax, 2).max() / recorded[2].max()
    for k in range(3):
        np.testing.assert_allclose(bars(ax, k), recorded[k] * factor, atol=1e-5)
    assert names(ax) == net["item"].values[order].tolist()
    assert headings(ax) == [f"t = {time:.3g}" for time in times]
    assert ax.get_xlabel() == "8 units of hidden_1"


def test_a_case_by_hand(net):
    one = net.isel(seed=[0], time=[0, 5]).copy(deep=True)
    one["hidden_1"][:] = 0.0
    one["hidden_1"][0, 1, 0, 3] = 0.5  # the pine
    one["hidden_1"][0, 1, 1, 7] = -0.25  # the oak
    ax = representation_bars(one, one["time"].values)
    assert names(ax)[:2] == ["pine", "oak"]
    expected = np.zeros((8, 8))
    expected[0, 3], expected[1, 7] = 0.88 * 2 / 3, -0.88 / 3
    np.testing.assert_allclose(bars(ax, 1), expected, atol=1e-12)
    assert not bars(ax, 0).any()
    foot = ground(ax, 1)
    np.testing.assert_allclose(foot - np.arange(8), 0.44 - 0.88 / 3, atol=1e-12)
    np.testing.assert_array_equal(ground(ax, 0), foot)


def test_the_scale_says_how_high_a_bar_is(net):
    ax = representation_bars(net, net["time"].values[-1])
    (scale,) = [line for line in ax.lines if line.get_label() == "_scale"]
    (told,) = [text.get_text() for text in ax.texts if not text.get_text().startswith("t = ")]
    height = scale.get_ydata()[0] - scale.get_ydata()[1]
    recorded = net["hidden_1"].isel(seed=0, time=-1).values
    assert height / float(told) == pytest.approx(bars(ax, 0).max() / recorded.max(), rel=1e-4)
    assert 0.5 * recorded.max() < float(told) <= recorded.max() * (1 + 1e-5)
    assert scale.get_ydata()[0] == pytest.approx(ground(ax, 0)[-1])


@settings(max_examples=8)
@given(st.permutations(range(8)), st.permutations(range(8)))
def test_items_keep_their_bars_and_units_their_heights_in_any_order(net, items, units):
    time = net["time"].values[4]
    plain = representation_bars(net, time)
    turned = net.isel(item=items, unit_1=units)
    other = representation_bars(turned, time)
    at = [names(plain).index(name) for name in names(other)]
    np.testing.assert_allclose(bars(other, 0), bars(plain, 0)[at][:, units], atol=1e-12)
    plt.close("all")


def test_items_as_asked_for(net):
    time = net["time"].values[4]
    every, two = (
        representation_bars(net, time, items=items) for items in (None, ["salmon", "pine"])
    )
    alone = representation_bars(net, time, items="robin")
    assert names(two) == ["salmon", "pine"]
    assert names(alone) == ["robin"]
    rows = [names(every).index(name) for name in ("salmon", "pine")]
    drawn = bars(every, 0)[rows]
    np.testing.assert_allclose(bars(two, 0) / bars(two, 0).max(), drawn / drawn.max(), atol=1e-6)


def test_colours_and_legend_are_the_classes(net):
    ax = representation_bars(net, net["time"].values[[0, 5]], items=["robin", "pine", "canary"])
    colors = ax.collections[0].get_facecolor().reshape(3, 8, 4)
    assert (colors == colors[:, :1]).all()
    classes = list(dict.fromkeys(item_classes(net)))
    paint = dict(zip(classes, _style.CATEGORIES, strict=False))
    for row, kind in enumerate(["bird", "tree", "bird"]):
        np.testing.assert_allclose(colors[row, 0], to_rgba(paint[kind]))
    legend = ax.get_legend()
    shown = dict(
        zip([text.get_text() for text in legend.get_texts()], legend.get_patches(), strict=True)
    )
    assert list(shown) == ["tree", "bird"]
    assert shown["bird"].get_facecolor() == to_rgba(paint["bird"])


def test_without_a_tree_there_is_no_legend_and_items_stay_in_order(net):
    flat = net.drop_vars("ancestor").isel(item=[3, 1, 2])
    ax = representation_bars(flat, 0)
    assert ax.get_legend() is None
    assert names(ax) == flat["item"].values.tolist()


def test_one_context_of_a_layer_that_knows_the_relation(net):
    time = net["time"].values[5]
    ax = representation_bars(net.sel(context="can"), time, layer="hidden_2")
    recorded = net["hidden_2"].sel(context="can").isel(seed=0, time=5).values
    assert ax.get_xlabel() == "15 units of hidden_2"
    shape = bars(ax, 0)
    np.testing.assert_allclose(shape / shape.max(), recorded / recorded.max(), atol=1e-5)
    with pytest.raises(
        ValueError, match=r"hidden_2 differs with the relation .* take history\.sel"
    ):
        representation_bars(net, time, layer="hidden_2")


@pytest.mark.parametrize("layer", ["hidden_1", "output"])
def test_linear_learners_with_negative_activity_and_outputs(deep, layer):
    ax = representation_bars(deep, [1, 4, 8], layer=layer, seed=3)
    at = deep["time"].sel(time=[1, 4, 8], method="nearest").values
    recorded = deep[layer].sel(seed=3, time=at).values[:, tree_order(deep)]
    span = max(recorded.max(), 0) - min(recorded.min(), 0)
    for k in range(3):
        np.testing.assert_allclose(bars(ax, k), 0.88 * recorded[k] / span, atol=1e-12)
    top = ground(ax, 0)[:, None] - bars(ax, 2)
    assert (np.abs(top - np.arange(8)[:, None]) < 0.45).all()  # each within its own row


def test_silent_units_make_a_plain_picture(net):
    silent = net.copy(deep=True)
    silent["hidden_1"][:] = 0.0
    ax = representation_bars(silent, [0, 5])
    assert not bars(ax, 1).any()
    assert [line for line in ax.lines if line.get_label() == "_scale"] == []


@pytest.mark.parametrize("corpus", ["rumelhart8", "rogers2004"])
def test_a_new_figure_holds_everything(corpus):
    young = sd.train(
        sd.Rumelhart(), sd.load(corpus), seeds=1, steps=2, record=3, hidden=True, progress=False
    )
    ax = representation_bars(young, young["time"].values)
    figure = ax.figure
    assert figure.get_figwidth() == pytest.approx(3.4)
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert box.x0 > -0.02
    assert box.x1 < 3.42
    assert box.y0 > -0.02
    assert box.y1 < figure.get_figheight() + 0.02
    above = [text.get_window_extent() for text in ax.texts if text.get_text().startswith("t = ")]
    assert min(each.y0 for each in above) >= ax.transData.transform((0, -0.44))[1]
    assert max(each.y1 for each in above) <= ax.get_legend().get_window_extent().y0 + 1


def test_the_given_axes_are_used_and_nothing_else_changes(net):
    before, rc, figures = net.copy(deep=True), dict(matplotlib.rcParams), plt.get_fignums()
    ax = matplotlib.figure.Figure().add_subplot()
    assert representation_bars(net, [1, 5], ax=ax) is ax
    assert ax.has_data()
    assert net.identical(before)
    assert dict(matplotlib.rcParams) == rc
    assert plt.get_fignums() == figures


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"items": ["pin"]}, KeyError, "no item 'pin' in this History; did you mean 'pine'?"),
        ({"items": []}, ValueError, "one item or more; got no item"),
        ({"seed": 9}, KeyError, "no seed 9 in this History"),
        ({"layer": "hidden_3"}, KeyError, "no layer over items 'hidden_3'"),
        ({"times": []}, ValueError, "times are one or more learning times"),
    ],
)
def test_it_teaches(net, options, error, message):
    with pytest.raises(error) as caught:
        representation_bars(net, **({"times": 1} | options))
    assert message in str(caught.value)


def test_a_history_without_layers_is_told_how_to_get_them():
    exact = sd.solve(sd.load("saxe2019"), depth=2)
    with pytest.raises(KeyError, match=r"train\(hidden=True\)"):
        representation_bars(exact.drop_vars([v for v in exact if v.startswith("hidden")]), 1)
