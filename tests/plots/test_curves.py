"""Curves over time: beliefs, modes, loss, differentiation. What is drawn is what was measured."""

from __future__ import annotations

import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba
from matplotlib.text import Text

import semdev as sd
from semdev import plots
from semdev.measures.stages import count_stages, stage_times
from semdev.plots.beliefs import is_true
from semdev.plots.loss import typical_seed
from semdev.plots.modes import distinct_modes

CALLS = {
    "beliefs": lambda h, **k: plots.beliefs(h, "salmon", "can fly", **k),
    "modes": plots.modes,
    "loss": plots.loss,
    "differentiation": plots.differentiation,
    "dendrograms": lambda h, **k: plots.dendrograms(h, [1, 4], **k),
    "mds": lambda h, **k: plots.mds(h, most_times=4, **k),
    "similarity": lambda h, **k: plots.similarity(h, [1, 4], **k),
    "singular_values": plots.singular_values,
}


def named(ax, label):
    return [line for line in ax.lines if line.get_label() == label]


def curves(ax):
    """The lines with a name of their own, which is what legends show."""
    return [line for line in ax.lines if not line.get_label().startswith("_")]


def edges(ax, k=0):
    """Lower and upper edge of the k-th band, time by time."""
    vertices = ax.collections[k].get_paths()[0].vertices
    return {x: (column.min(), column.max()) for x in np.unique(vertices[:, 0])
            for column in [vertices[vertices[:, 0] == x, 1]]}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_the_given_axes_are_used_and_returned_and_nothing_global_changes(deep, name):
    before, figures = dict(matplotlib.rcParams), plt.get_fignums()
    figure = matplotlib.figure.Figure()
    ax = figure.add_subplot()
    assert CALLS[name](deep, ax=ax) is ax
    assert ax.has_data()
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == figures


@pytest.mark.parametrize("name", CALLS)
def test_a_new_figure_is_one_column_wide_and_holds_everything(deep, name):
    ax = CALLS[name](deep)
    figure = ax.figure
    assert figure.get_figwidth() == pytest.approx(3.4)
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert box.x0 > -0.02
    assert box.x1 < 3.42
    assert box.y0 > -0.02
    assert box.y1 < figure.get_figheight() + 0.02


@pytest.mark.parametrize("name", CALLS)
def test_the_history_stays_as_it_was(deep, name):
    before = deep.copy(deep=True)
    assert CALLS[name](deep).has_data()
    assert deep.identical(before)


@pytest.mark.parametrize("name", ["beliefs", "modes", "loss", "differentiation"])
@pytest.mark.parametrize("interval", [0, 1, -0.5, 95])
def test_an_interval_is_a_share(deep, name, interval):
    with pytest.raises(ValueError, match="interval is a share of the seeds between 0 and 1"):
        CALLS[name](deep, interval=interval)


@pytest.mark.parametrize("name", ["beliefs", "modes", "loss", "differentiation"])
def test_time_is_named_with_its_unit(deep, name):
    assert CALLS[name](deep).get_xlabel() == "time (step × learning rate)"


@pytest.mark.parametrize("name", ["beliefs", "modes", "loss", "differentiation"])
def test_a_single_seed_has_no_band(deep, name):
    ax = CALLS[name](deep.isel(seed=[2]))
    assert not ax.collections
    assert ax.lines


def test_a_belief_is_the_median_with_quantiles_around_it(deep):
    ax = plots.beliefs(deep, "salmon", "can fly", interval=0.5)
    (line,) = named(ax, "salmon can fly")
    asked = sd.ask(deep, "salmon", "can fly")
    np.testing.assert_allclose(line.get_ydata(), np.median(asked, axis=0))
    np.testing.assert_array_equal(line.get_xdata(), deep["time"])
    found = edges(ax)
    at = float(deep["time"][60])
    np.testing.assert_allclose(found[at], np.quantile(asked[:, 60], [0.25, 0.75]))


def test_false_beliefs_are_dashed_and_labels_stand_apart(deep):
    ax = plots.beliefs(deep, ["salmon", "canary"], ["can fly", "can grow"])
    styles = {line.get_label(): line.get_linestyle() for line in curves(ax)}
    assert styles.pop("truth") == "None"
    assert styles == {
        "salmon can fly": "--", "salmon can grow": "-", "canary can fly": "-",
        "canary can grow": "-",
    }  # fmt: skip
    ax.figure.draw_without_rendering()
    boxes = sorted((Text.get_window_extent(t) for t in ax.texts), key=lambda box: box.y0)
    assert len(boxes) == 4
    assert all(a.y1 <= b.y0 + 3 for a, b in itertools.pairwise(boxes))


def test_curves_of_one_truth_differ_in_more_than_colour(deep):
    ax = plots.beliefs(deep, ["robin", "canary"], "can fly")
    markers = [line.get_marker() for line in curves(ax) if line.get_label() != "truth"]
    assert len(set(markers)) == 2


def test_many_curves_all_differ_in_colour_or_marker(deep):
    ax = plots.beliefs(deep, deep["item"].values.tolist(), ["can fly", "can grow"])
    lines = [line for line in curves(ax) if line.get_label() != "truth"]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == len(lines) == 16


def test_truth_is_marked_at_the_right_edge(deep):
    ax = plots.beliefs(deep, ["salmon", "canary"], "can fly")
    (mark,) = named(ax, "truth")
    assert list(mark.get_ydata()) == [0, 1]
    assert set(mark.get_xdata()) == {1.0}


@pytest.mark.parametrize(
    ("values", "truth"), [([[1, -1]], [True, False]), ([[3, 0.9]], [True, False])]
)
def test_truth_follows_the_coding(values, truth):
    names = {"item": ["a"], "property": ["is p", "is q"]}
    exact = sd.solve(sd.Dataset(sd.data.dataset.xr.DataArray(values, coords=names)), depth=2)
    assert [is_true(exact, "a", p) for p in names["property"]] == truth


def test_compared_learners_have_their_own_colours_and_markers(deep, exact):
    ax = plots.beliefs(deep, "salmon", "can fly", compare={"theory": exact})
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["DeepLinear", "theory"]
    ours, theirs = named(ax, "salmon can fly") + named(ax, "_compared")
    assert ours.get_color() != theirs.get_color()
    assert ours.get_marker() != theirs.get_marker()
    np.testing.assert_allclose(theirs.get_ydata(), sd.ask(exact, "salmon", "can fly")[0])


def test_a_misspelt_name_is_answered_with_the_nearest(deep):
    with pytest.raises(KeyError, match="no item 'samlon' in rumelhart8; did you mean 'salmon'"):
        plots.beliefs(deep, "samlon", "can fly")
    with pytest.raises(KeyError, match=r"no property 'can flyy'.*did you mean 'can fly'"):
        plots.beliefs(deep, "salmon", ["can grow", "can flyy"])
    with pytest.raises(ValueError, match="at least one item and one property"):
        plots.beliefs(deep, [], "can fly")
    assert not plt.get_fignums()  # refused before a figure is begun


def test_modes_are_the_measure_strongest_first_from_dark_to_light(deep):
    ax = plots.modes(deep, most=4)
    strength = sd.mode_strengths(deep)
    lines = curves(ax)
    assert len(lines) == 4
    for k, line in enumerate(lines):
        np.testing.assert_allclose(line.get_ydata(), strength.isel(mode=k).median("seed"))
    lightness = [np.dot(to_rgba(line.get_color())[:3], [0.3, 0.6, 0.1]) for line in lines]
    assert lightness == sorted(lightness)
    assert [text.get_text() for text in ax.texts][-1] == "s = 6.81, level 0"


def test_theory_lies_over_the_modes_in_dashed_black(deep, exact):
    ax = plots.modes(deep, theory=exact, most=3)
    lines = named(ax, "_theory")
    assert len(lines) == 3
    assert {line.get_color() for line in lines} == {"black"}
    np.testing.assert_allclose(lines[1].get_ydata(), sd.mode_strengths(exact)[0, :, 1])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["theory"]


def test_theory_of_other_data_and_no_modes_are_refused(deep):
    with pytest.raises(ValueError, match=r"theory was made for other data.*cao2020"):
        plots.modes(deep, theory=sd.solve(sd.load("cao2020"), depth=2))
    with pytest.raises(ValueError, match="most=0"):
        plots.modes(deep, most=0)


def test_tied_modes_are_one_curve():
    tied = sd.solve(sd.load("cao2020"), depth=2)
    found = distinct_modes(tied, most=8)
    assert found["multiplicity"].values.tolist() == [1, 1, 2, 4]
    assert len(curves(plots.modes(tied))) == 4
    few = plots.modes(tied, most=3)
    assert len(curves(few)) == 2  # half a tie is not drawn
    assert few.texts[0].get_text() == "6 weaker modes not shown"
    assert not any("shown" in text.get_text() for text in plots.modes(tied).texts)
    assert plots.modes(tied.isel(item=[0, 1]), most=1).texts[0].get_text().startswith("1 weaker m")


def test_loss_and_its_stages(deep):
    ax = plots.loss(deep)
    line, marks = curves(ax)
    np.testing.assert_allclose(line.get_ydata(), np.median(deep["loss"], axis=0))
    seed = typical_seed(deep)
    times = stage_times(deep).sel(seed=seed).dropna("stage")
    np.testing.assert_allclose(marks.get_xdata(), times)
    own = np.interp(times, deep["time"], deep["loss"].sel(seed=seed))
    np.testing.assert_allclose(marks.get_ydata(), own)
    assert f"seed {seed}'s marked" in marks.get_label()
    assert marks.get_label().startswith(f"{float(count_stages(deep).median()):g} stage")


def test_the_typical_seed_has_the_commonest_number_of_stages(deep):
    counts = count_stages(deep)
    chosen = int(counts.sel(seed=typical_seed(deep)))
    assert (counts == chosen).sum() == np.unique(counts, return_counts=True)[1].max()


def test_the_typical_seed_does_not_depend_on_the_order_of_seeds(deep):
    assert typical_seed(deep.isel(seed=[3, 5, 0, 1, 4, 2])) == typical_seed(deep)


def test_loss_on_a_logarithmic_axis_and_of_a_learner_without_stages():
    shallow = sd.solve(sd.load("saxe2019"), depth=1)
    ax = plots.loss(shallow, log=True)
    assert ax.get_yscale() == "log"
    assert [line.get_label() for line in curves(ax)] == ["loss", "0 stages"]
    assert [line.get_linestyle() for line in ax.get_legend().get_lines()] == ["-", "None"]
    both = plots.loss(sd.solve(sd.load("saxe2019"), depth=1, weights=[np.zeros((2, 7, 4))],
                               initial="exact"))  # fmt: skip
    assert both.get_legend().get_texts()[1].get_text() == "0 stages (median)"


def test_the_loss_is_called_what_it_is():
    net = sd.train(
        sd.Rumelhart(), sd.load("rumelhart8"), seeds=1, steps=3, loss="cross-entropy",
        progress=False,
    )  # fmt: skip
    assert plots.loss(net).get_ylabel() == "loss (cross-entropy)"
    exact = sd.solve(sd.load("saxe2019"), depth=2)
    assert plots.loss(exact).get_ylabel() == "loss (½ sum of squares)"


@pytest.mark.parametrize("layer", ["output", "hidden_1"])
def test_differentiation_is_the_measure_with_half_times(deep, layer):
    ax = plots.differentiation(deep, layer=layer)
    found = sd.differentiation(deep).sel(layer=layer)
    lines = curves(ax)
    assert len(lines) == found.sizes["level"] == 3
    for k, line in enumerate(lines):
        np.testing.assert_allclose(line.get_ydata(), found["between"].isel(level=k).median("seed"))
    dots = [line.get_xdata()[0] for line in named(ax, "_half")]
    np.testing.assert_allclose(dots, found["half_time"].median("seed"))


def test_differentiation_names_layers_and_asks_for_a_tree(deep):
    with pytest.raises(KeyError, match=r"no layer over items 'hidden1'.*did you mean 'hidden_1'"):
        plots.differentiation(deep, layer="hidden1")
    with pytest.raises(ValueError, match="this measure needs a tree"):
        plots.differentiation(deep.drop_vars(["ancestor", "level"]))
    assert not plt.get_fignums()
