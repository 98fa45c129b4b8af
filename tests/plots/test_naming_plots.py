"""Pictures of naming: what is drawn is what was measured."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

import semdev as sd
from semdev.measures.naming import naming
from semdev.measures.overextension import overextension as measure
from semdev.plots.naming import naming_bars, naming_curves, overextension

CALLS = {
    "naming_curves": lambda h, **k: naming_curves(h, "robin", **k),
    "naming_bars": lambda h, **k: naming_bars(h, ["robin", "pine"], at=[1.5, 3], **k),
    "overextension": lambda h, **k: overextension(
        h, "ISA robin", ["robin", "canary", "oak"], own=["canary"], **k
    ),
}


def curves(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


@pytest.fixture(scope="module")
def dogs():
    often = sd.make_patterns(sd.load("rogers2004"), frequency={"dog": 8})
    return sd.train(sd.DeepLinear(24), often, seeds=4, record=80, progress=False)


@pytest.mark.parametrize("name", CALLS)
def test_the_given_axes_are_used_and_nothing_else_changes(deep, name):
    before, figures, history = dict(matplotlib.rcParams), plt.get_fignums(), deep.copy(deep=True)
    ax = matplotlib.figure.Figure().add_subplot()
    assert CALLS[name](deep, ax=ax) is ax
    assert ax.has_data()
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == figures
    assert deep.identical(history)


@pytest.mark.parametrize("name", CALLS)
def test_a_new_figure_is_one_column_wide_and_holds_everything(deep, name):
    figure = CALLS[name](deep).figure
    assert figure.get_figwidth() == pytest.approx(3.4)
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert box.x0 > -0.02
    assert box.x1 < 3.42
    assert box.y0 > -0.02
    assert box.y1 < figure.get_figheight() + 0.02


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("interval", [0, 1, 95])
def test_an_interval_is_a_share(deep, name, interval):
    with pytest.raises(ValueError, match="interval is a share of the seeds between 0 and 1"):
        CALLS[name](deep, interval=interval)


@pytest.mark.parametrize("name", CALLS)
def test_one_seed_will_do(exact, name):
    ax = CALLS[name](exact)
    assert not [c for c in ax.collections if len(c.get_paths())]  # no bands and no intervals


def test_curves_are_medians_of_the_items_own_names(deep):
    ax = naming_curves(deep, "rose")
    found = naming(deep).sel(item="rose")
    assert set(curves(ax)) == {"living thing", "plant", "flower", "rose"}
    for k, name in enumerate(["living thing", "plant", "flower", "rose"]):
        expected = found["activation"].isel(level=k).median("seed")
        np.testing.assert_allclose(curves(ax)[name].get_ydata(), expected)
    dots = [line for line in ax.lines if line.get_label() == "_crossing"]
    found_at = sorted(float(dot.get_xdata()[0]) for dot in dots)
    assert found_at == pytest.approx(sorted(found["crossing"].median("seed").values))
    assert {float(dot.get_ydata()[0]) for dot in dots} == {0.5}
    assert [t.get_text() for t in ax.texts][-1] == "living thing (depth 0)"


def test_a_level_without_a_name_has_no_curve_and_keeps_the_others_colours(dogs):
    robin, dog = naming_curves(dogs, "robin"), naming_curves(dogs, "dog")
    assert list(curves(dog)) == ["animal", "dog"]
    for k, name in enumerate(["animal", "dog"]):
        same = list(curves(robin).values())[k].get_color()
        assert curves(dog)[name].get_color() == same


def test_what_is_not_crossed_has_no_dot(dogs):
    early = dogs.isel(time=slice(0, int((dogs["time"] < 1.0).sum())))
    ax = naming_curves(early, "pine", criterion=0.9)
    assert not [line for line in ax.lines if line.get_label() == "_crossing"]


def test_bars_are_medians_and_intervals_of_levels(deep):
    ax = naming_bars(deep, ["robin", "pine"], at=[1.5, 3.0])
    found = naming(deep)["activation"].sel(time=[1.5, 3.0], method="nearest")
    expected = [found.sel(item=item).isel(time=t, level=level)
                for item in ("robin", "pine") for t in (0, 1) for level in range(4)]  # fmt: skip
    heights = [bar.get_height() for bar in ax.patches]
    assert heights == pytest.approx([float(each.median()) for each in expected])
    ends = [c.get_paths()[0].vertices[:, 1] for c in ax.collections]
    for end, each in zip(ends, expected, strict=True):
        np.testing.assert_allclose(end, each.quantile([0.025, 0.975], "seed"))
    centres = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]
    assert (np.diff(centres) >= 1 - 1e-9).all()
    names = [t.get_text() for t in ax.get_xticklabels(minor=True)]
    assert names == ["robin", "pine"]


def test_groups_of_items_are_averaged_within_each_network(dogs):
    birds = ["robin", "canary", "sparrow"]
    ax = naming_bars(dogs, {"birds": birds, "dog": "dog"}, at=2)
    active = naming(dogs)["activation"].sel(time=2, method="nearest")
    expected = active.sel(item=birds).mean("item").median("seed").values.tolist()
    expected += active.sel(item="dog").median("seed").values[:2].tolist()  # it has two names
    assert [bar.get_height() for bar in ax.patches] == pytest.approx(expected)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["birds", "dog"]
    colors = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert colors[:2] == colors[3:]
    assert ax.get_xlabel().startswith("at time 2")


def test_right_names_are_solid_and_wrong_ones_dashed(dogs):
    ax = overextension(dogs, "ISA dog", ["dog", "goat", "pine"], own=["goat"])
    styles = {name: line.get_linestyle() for name, line in curves(ax).items()}
    assert styles == {"dog": "-", "goat": "--", "pine": "--"}
    for item, line in curves(ax).items():
        median = sd.ask(dogs, item, "ISA dog").median("seed")
        np.testing.assert_allclose(line.get_ydata(), median)
    (own,) = [line for line in ax.lines if line.get_label() == "_own"]
    np.testing.assert_allclose(own.get_ydata(), sd.ask(dogs, "goat", "ISA goat").median("seed"))
    (dot,) = [line for line in ax.lines if line.get_label() == "_overtakes"]
    when = measure(dogs, names="ISA dog")["overtakes"].sel(item="goat").median()
    assert float(dot.get_xdata()[0]) == pytest.approx(float(when))
    assert sorted(t.get_text() for t in ax.texts) == ["dog", "goat", "pine", "“goat”"]
    assert ax.get_ylabel() == "activation of “dog”"


@settings(max_examples=5)
@given(order=st.permutations(range(21)), columns=st.permutations(range(53)))
def test_the_order_of_the_data_changes_no_picture(dogs, order, columns):
    def draw(history):
        ax = naming_bars(history, ["robin", "dog"], at=[1, 3])
        other = overextension(history, "ISA dog", ["goat", "pine"])
        heights = [bar.get_height() for bar in ax.patches]
        lines = [line.get_ydata() for line in curves(other).values()]
        plt.close("all")
        return heights, lines

    (bars, lines), (turned_bars, turned_lines) = (
        draw(h) for h in (dogs, dogs.isel(item=order, property=columns))
    )
    assert turned_bars == pytest.approx(bars)
    np.testing.assert_allclose(turned_lines, lines)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda h: naming_curves(h, "robbin"), KeyError, r"no item 'robbin' .*mean 'robin'\?"),
        (lambda h: naming_bars(h, [], at=1), ValueError, r"items is empty: give one at least"),
        (lambda h: naming_bars(h, {"x": []}, at=1), ValueError, r"items is empty"),
        (lambda h: naming_bars(h, ["sun"], at=1), KeyError, r"no item 'sun' in this History"),
        (lambda h: naming_bars(h, ["oak"], at=[]), ValueError, r"times are one or more learning"),
        (lambda h: overextension(h, "ISA robin", []), ValueError, r"items is empty"),
        (lambda h: overextension(h, "ISA robn", ["oak"]), KeyError, r"did you mean 'ISA robin'\?"),
        (lambda h: overextension(h, "ISA robin", ["oak"], own=["pine"]), KeyError,
         r"no item 'pine' in the items drawn \(own\); allowed: oak"),
    ],
)  # fmt: skip
def test_what_is_refused(exact, call, error, message):
    with pytest.raises(error, match=message):
        call(exact)


def test_an_item_without_names_is_refused(exact):
    with pytest.raises(ValueError, match="'pine' has no name at any level of this History"):
        naming_curves(exact, "pine", levels={"basic": ["ISA bird", "ISA fish"]})
