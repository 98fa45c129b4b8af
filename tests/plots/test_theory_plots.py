"""Projection, plateaus, base rates, spectra, typicality, agreement: what is drawn was measured."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.text import Text

import semdev as sd
from semdev import plots
from semdev.measures.plateaus import plateaus as measure_plateaus
from semdev.plots._curves import last_known, name_learners, thin_times
from semdev.plots.agreement import pair_networks
from semdev.plots.loss import typical_seed
from semdev.plots.plateaus import list_saddles
from semdev.plots.typicality import choose_categories, rank_members

CURVES = {
    "projection": plots.projection,
    "plateaus": plots.plateaus,
    "base_rates": plots.base_rates,
    "network_agreement": lambda h, **k: plots.network_agreement(h, most_times=12, **k),
    "layer_agreement": plots.layer_agreement,
}
OF_HISTORIES = CURVES | {
    "projection_gradient": lambda h, **k: plots.projection_gradient(
        h, np.quantile(h["time"], [0.3, 0.6, 1]), **k
    ),
    "typicality": plots.typicality,
    "family_resemblance": lambda h, **k: plots.typicality(h, by="family_resemblance", **k),
}
EVERY = settings(
    max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def named(ax, label):
    return [line for line in ax.lines if line.get_label() == label]


def curves(ax):
    return [line for line in ax.lines if not line.get_label().startswith("_")]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture(scope="module", params=["rogers2004", "csv", "±1"])
def learned(request, tmp_path_factory):
    """Four networks on a corpus, on a table from a CSV and on a world of ±1 properties."""
    if request.param == "rogers2004":
        world = sd.load("rogers2004")
    elif request.param == "±1":
        world = sd.branching_diffusion([2, 3], properties=60, seed=4)
    else:
        path = tmp_path_factory.mktemp("tables") / "mine.csv"
        sd.load("rumelhart8").to_csv(path)
        world = sd.Dataset.from_csv(path)
        world = world.with_tree(sd.load("rumelhart8").tree)
    model = sd.DeepLinear(hidden=24)
    return sd.train(model, world, seeds=4, hidden=True, record=60, progress=False)


@pytest.mark.parametrize("name", OF_HISTORIES)
def test_every_world_is_drawn_within_one_column_and_stays_as_it_was(learned, name):
    before = learned.copy(deep=True)
    ax = OF_HISTORIES[name](learned)
    assert learned.identical(before)
    figure = ax.figure
    assert figure.get_figwidth() == pytest.approx(3.4)
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert box.x0 > -0.02
    assert box.x1 < 3.42
    assert box.y0 > -0.02
    assert box.y1 < figure.get_figheight() + 0.02
    drawn = [line.get_ydata() for line in ax.lines]
    assert drawn
    assert all(np.isfinite(np.asarray(y, dtype=float)).all() for y in drawn)


@pytest.mark.parametrize("name", [n for n in OF_HISTORIES if n != "network_agreement"])
def test_one_seed_has_no_interval(learned, name):
    ax = OF_HISTORIES[name](learned.isel(seed=[1]))
    assert ax.lines
    assert not [c for c in ax.collections if len(c.get_paths())]


@pytest.mark.parametrize("name", OF_HISTORIES)
def test_the_given_axes_are_used_and_nothing_global_changes(deep, name):
    before, figures = dict(matplotlib.rcParams), plt.get_fignums()
    ax = matplotlib.figure.Figure().add_subplot()
    assert OF_HISTORIES[name](deep, ax=ax) is ax
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == figures


@pytest.mark.parametrize("name", OF_HISTORIES)
@pytest.mark.parametrize("interval", [0, 95])
def test_an_interval_is_a_share(deep, name, interval):
    with pytest.raises(ValueError, match="interval is a share of the seeds between 0 and 1"):
        OF_HISTORIES[name](deep, interval=interval)


@EVERY
@given(data=st.data())
@pytest.mark.parametrize("name", OF_HISTORIES)
def test_neither_the_order_of_items_nor_of_seeds_changes_what_is_drawn(deep, name, data):
    items = data.draw(st.permutations(range(deep.sizes["item"])), label="items")
    seeds = data.draw(st.permutations(range(deep.sizes["seed"])), label="seeds")
    short = deep.isel(time=slice(None, None, 5))
    straight = OF_HISTORIES[name](short)
    shuffled = OF_HISTORIES[name](short.isel(item=items, seed=seeds))
    assert describe(shuffled) == describe(straight)
    plt.close("all")


def describe(ax):
    """What is drawn: each curve's name and points, rows by their names, in no order."""
    rows = dict(zip(ax.get_yticks(), (t.get_text() for t in ax.get_yticklabels()), strict=True))
    by_row = ax.yaxis_inverted()
    return sorted(
        (
            line.get_label(),
            np.round(np.asarray(line.get_xdata(), dtype=float), 4).tolist(),
            [rows.get(y, "") for y in line.get_ydata()] if by_row
            else np.round(np.asarray(line.get_ydata(), dtype=float), 4).tolist(),
        )
        for line in ax.lines
    )  # fmt: skip


# projection


def test_projection_is_the_measure_with_its_prediction(deep):
    ax = plots.projection(deep, interval=0.5)
    found = sd.projection_gradient(deep)
    lines, dashed = curves(ax), named(ax, "_predicted")
    assert len(lines) == len(dashed) == found.sizes["level"]
    for k, (line, expected) in enumerate(zip(lines, dashed, strict=True)):
        own = found.isel(level=k)
        np.testing.assert_allclose(line.get_ydata(), own["projection"].median("seed"))
        np.testing.assert_allclose(expected.get_ydata(), own["predicted"].median("seed"))
    band = ax.collections[0].get_paths()[0].vertices
    expected = np.quantile(found["projection"].isel(level=0, time=30), [0.25, 0.75])
    column = band[band[:, 0] == float(deep["time"][30]), 1]
    np.testing.assert_allclose([column.min(), column.max()], expected)
    assert legend(ax) == ["predicted"]
    assert {text.get_text() for text in ax.texts} == {line.get_label() for line in lines}


def test_a_gradient_goes_from_near_to_far_at_the_recorded_ages(deep):
    ax = plots.projection_gradient(deep, [2.0, 5.0, 1e9])
    at = np.abs(deep["time"].values[:, None] - [2.0, 5.0, 1e9]).argmin(0)
    found = sd.projection_gradient(deep.isel(time=at))["projection"].median("seed")
    lines = curves(ax)
    assert [line.get_label() for line in lines] == [f"t = {t:.3g}" for t in found["time"].values]
    for k, line in enumerate(lines):
        np.testing.assert_allclose(line.get_ydata(), found.isel(time=k)[::-1])
    ticks = [label.get_text() for label in ax.get_xticklabels()]
    assert ticks[0].endswith("(nearest)")
    assert ticks[-1] == "level 0\n(farthest)"


def test_a_theory_of_its_own_predicts_at_the_same_ages(deep):
    exact = sd.solve(
        sd.load("rumelhart8"), depth=2, initial=1e-6, times=deep["time"].values, hidden=True
    )
    ax = plots.projection_gradient(deep, [5.0, 7.0], theory=exact)
    expected = sd.projection_gradient(exact).sel(time=[5.0, 7.0], method="nearest")["predicted"]
    for k, line in enumerate(named(ax, "_predicted")):
        np.testing.assert_allclose(line.get_ydata(), expected.isel(seed=0, time=k)[::-1])


def test_projection_asks_for_what_it_needs(deep):
    for draw in (plots.projection, lambda h: plots.projection_gradient(h, 3.0)):
        with pytest.raises(ValueError, match="this measure needs a tree"):
            draw(deep.drop_vars(["ancestor", "level"]))
        with pytest.raises(ValueError, match=r"holds neither hidden layers nor weights"):
            draw(deep.drop_vars("hidden_1"))
    with pytest.raises(ValueError, match="one or more learning times between 0 and"):
        plots.projection_gradient(deep, [])
    assert not plt.get_fignums()


# plateaus


def test_plateaus_of_the_typical_seed_lie_on_the_saddles(deep):
    ax = plots.plateaus(deep)
    found, seed = measure_plateaus(deep), typical_seed(deep)
    own = found.sel(seed=seed).dropna("rank", subset=["start", "end"])
    bars = named(ax, "_plateau")
    assert len(bars) == own.sizes["rank"] > 0
    for bar, k in zip(bars, range(len(bars)), strict=True):
        np.testing.assert_allclose(bar.get_xdata(), [own["start"][k], own["end"][k]])
        np.testing.assert_allclose(bar.get_ydata(), float(own["level"][k]))
    s = np.linalg.svd(deep["target"].values, compute_uv=False)
    for (rank, level, _), line in zip(list_saddles(found), named(ax, "_saddle"), strict=True):
        assert level == pytest.approx((s[rank:] ** 2).sum() / 2)
        assert line.get_ydata()[0] == pytest.approx(level)
    if deep.sizes["seed"] > 1:
        assert f"plateau of seed {seed}" in legend(ax)


def test_predicted_times_are_marked_on_their_saddles():
    exact = sd.solve(sd.load("saxe2019"), depth=2, initial=1e-8, times=400)
    ax = plots.plateaus(exact, depth=2, initial=1e-8)
    found = measure_plateaus(exact, depth=2, initial=1e-8).isel(seed=0)
    (ends,) = named(ax, "_predicted_end")
    own = found.where(found["found"]).dropna("rank", subset=["predicted", "predicted_end"])
    assert own.sizes["rank"] == 3
    np.testing.assert_allclose(ends.get_xdata(), own["predicted_end"])
    np.testing.assert_allclose(ends.get_ydata(), own["predicted"])
    assert sorted(legend(ax)) == ["loss", "plateau", "predicted from, to", "saddle"]


def test_a_saddle_without_loss_has_no_place_on_a_logarithmic_axis():
    exact = sd.solve(sd.load("saxe2019"), depth=2, initial=1e-8)
    ax = plots.plateaus(exact, log=True)
    assert ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.texts] == ["2 modes", "1 mode", "no mode"]


def test_labels_of_saddles_stand_apart(deep):
    for log in (False, True):
        ax = plots.plateaus(deep, log=log)
        ax.figure.draw_without_rendering()
        boxes = [Text.get_window_extent(text) for text in ax.texts]
        heights = sorted((box.y0 + box.y1) / 2 for box in boxes)
        least = 0.9 * min(text.get_fontsize() for text in ax.texts) * ax.figure.dpi / 72
        assert np.diff(heights).min() > least


def test_plateaus_of_another_loss_are_refused(deep):
    with pytest.raises(ValueError, match="its plateaus are not known"):
        plots.plateaus(deep.assign(loss=deep["loss"] * 2))
    assert not plt.get_fignums()


# base rates


def test_base_rates_are_the_measure_with_the_closest_point(deep):
    ax = plots.base_rates(deep)
    found = sd.base_rates(deep)
    (line,) = curves(ax)
    np.testing.assert_allclose(line.get_ydata(), found["to_constant"].median("seed"))
    (truth,) = named(ax, "_truth")
    np.testing.assert_allclose(truth.get_ydata(), found["to_target"].median("seed"))
    (dot,) = named(ax, "_closest")
    assert dot.get_xdata()[0] == pytest.approx(float(found["closest_time"].median()))
    assert dot.get_ydata()[0] == pytest.approx(float(found["closest"].median()))
    assert sorted(legend(ax)) == ["from the base rates", "from the truth", "predicted"]


def test_compared_learners_are_told_apart_and_a_bias_changes_predictions_alone(deep, exact):
    shallow = sd.solve(sd.load("rumelhart8"), depth=1)
    options = {"compare": {"theory": exact, "shallow": shallow}, "name": "mine"}
    ax, biased = plots.base_rates(deep, **options), plots.base_rates(deep, bias=["mine"], **options)
    assert sorted(legend(ax)) == ["mine", "predicted", "shallow", "theory"]
    lines = curves(ax)
    assert len({line.get_color() for line in lines}) == 3
    assert len({line.get_marker() for line in lines}) == 3
    for line, history in zip(lines, (deep, exact, shallow), strict=True):
        expected = sd.base_rates(history)["to_constant"].median("seed")
        np.testing.assert_allclose(line.get_ydata(), expected)
    for one, other in zip(lines, curves(biased), strict=True):
        np.testing.assert_array_equal(one.get_ydata(), other.get_ydata())
    off = [
        np.abs(one.get_ydata() - other.get_ydata()).max()
        for one, other in zip(named(ax, "_predicted"), named(biased, "_predicted"), strict=True)
    ]
    assert off[0] > 0.01
    assert off[1:] == [0, 0]


def test_base_rates_teach(deep):
    with pytest.raises(KeyError, match=r"no learner 'mien'.*did you mean 'mine'"):
        plots.base_rates(deep, bias="mien", name="mine")
    same = deep.copy(deep=True)
    same["target"][:] = 1.0
    with pytest.raises(ValueError, match="all items have the same properties"):
        plots.base_rates(same)
    assert not plt.get_fignums()


def test_what_is_not_there_has_no_entry_in_a_legend():
    shallow = sd.solve(sd.load("saxe2019"), depth=1)
    assert sorted(legend(plots.plateaus(shallow))) == ["loss", "saddle"]
    biased = sd.train(
        sd.DeepLinear(hidden=8, bias=True), sd.load("rumelhart8"), seeds=1, hidden=True,
        record=40, progress=False,
    )  # fmt: skip
    assert legend(plots.typicality(biased)) == ["learned"]
    assert plots.projection(biased).get_legend() is None


def test_a_network_without_hidden_layer_projects_nothing_on_the_same_scale():
    shallow = sd.solve(sd.load("rumelhart8"), depth=1)
    ax = plots.projection(shallow)
    assert all((line.get_ydata() == 0).all() for line in ax.lines)
    low, high = ax.get_ylim()
    assert low < 0
    assert high > 1


# spectrum


def test_a_spectrum_is_the_measure_each_dash_as_wide_as_its_tie():
    ring = sd.make_form("ring", 8)
    worlds = [sd.graph_gaussian(ring, seed=k, properties=40) for k in range(7)]
    ax = plots.spectrum(worlds, ring)
    found = sd.compare_spectrum(worlds, ring)
    drawn = sorted((x, y) for line in ax.lines for x, y in zip(*line.get_data(), strict=True))
    np.testing.assert_allclose([y for _, y in drawn], found["measured"].median("seed"))
    dashes = next(c for c in ax.collections if c.get_label() == "predicted").get_segments()
    widths = [b[0] - a[0] for a, b in dashes]
    np.testing.assert_allclose(widths, found["multiplicity"].values - 0.2)
    np.testing.assert_allclose([a[1] for a, _ in dashes], found["predicted"].isel(seed=0))
    boxes = [(p.get_y(), p.get_y() + p.get_height()) for p in ax.patches]
    np.testing.assert_allclose([b[1] for b in boxes], found["predicted_high"].isel(seed=0))
    assert ax.get_xlim() == (0.3, 8.7)


@pytest.mark.parametrize("name", ["rogers2004", "±1"])
def test_a_spectrum_of_a_world_and_its_own_tree(name):
    world = sd.load(name) if name != "±1" else sd.branching_diffusion([2, 3], properties=60, seed=4)
    ax = plots.spectrum(world, world.tree, rescale=True)
    found = sd.compare_spectrum(world, world.tree, rescale=True).isel(seed=0)
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    count = sum(len(line.get_xdata()) for line in hollow)
    assert count == int((found["overlap"] < 0.9).sum())
    assert not ax.patches  # the interval is that of graded data
    assert ax.figure.get_figwidth() == pytest.approx(3.4)


@EVERY
@given(order=st.permutations(range(8)))
def test_a_spectrum_does_not_depend_on_the_order_of_items(order):
    world = sd.load("rumelhart8")
    names = world.properties["item"].values[list(order)].tolist()
    one, other = (
        plots.spectrum(each, world.tree, rescale=True)
        for each in (world, world.select(items=names))
    )
    for line, again in zip(one.lines, other.lines, strict=True):
        np.testing.assert_allclose(line.get_ydata(), again.get_ydata())
    plt.close("all")


def test_a_spectrum_teaches():
    world = sd.load("rumelhart8")
    with pytest.raises(ValueError, match="there are no worlds to compare"):
        plots.spectrum([], world.tree)
    with pytest.raises(KeyError, match=r"no item 'pine' in the structure"):
        plots.spectrum(world, sd.load("cao2020").tree)
    with pytest.raises(ValueError, match="interval is a share"):
        plots.spectrum(world, world.tree, interval=2)
    assert not plt.get_fignums()


# typicality


@pytest.mark.parametrize(
    ("by", "clock"), [("typicality", "membership_time"), ("family_resemblance", "property_time")]
)
def test_members_stand_in_the_order_of_what_ranks_them_at_their_times(deep, by, clock):
    ax = plots.typicality(deep, by=by)
    found = sd.typicality_learning(deep, categories=choose_categories(deep))
    rows = rank_members(found, by)
    assert [label.get_text() for label in ax.get_yticklabels()] == [i for _, i in rows if i]
    expected = {
        k: float(found[clock].sel(category=c, item=i).median())
        for k, (c, i) in enumerate(rows) if i
    }  # fmt: skip
    drawn = {line.get_ydata()[0]: line.get_xdata()[0] for line in named(ax, "_member")}
    assert drawn == pytest.approx(expected)
    for category in found["category"].values:
        values = [float(found[by].sel(category=category, item=i)) for c, i in rows
                  if c == category and i]  # fmt: skip
        assert (np.diff(values) < 1e-7).all()
    ticks = named(ax, "_predicted")
    assert len(ticks) == len(drawn)


def test_typicality_says_how_far_typical_members_come_first():
    exact = sd.solve(sd.load("rogers2004"), depth=2)
    ax = plots.typicality(exact, categories=["bird"])
    texts = [text.get_text() for text in ax.texts]
    found = sd.typicality_learning(exact, categories=["bird"])
    assert float(found["correlation"][0, 0]) == pytest.approx(-1)
    assert "ρ = −1.00 (predicted −1.00)" in texts
    assert "bird" in texts
    assert "0.36" in texts  # the robin's


def test_a_member_that_is_not_learned_is_an_arrowhead():
    whole = sd.solve(sd.load("rogers2004"), depth=2)
    times = sd.typicality_learning(whole, categories=["bird"])["membership_time"]
    cut = whole.sel(time=slice(None, float(times.max())))
    never = sd.typicality_learning(cut, categories=["bird"])["membership_time"].sel(
        item=times.dropna("item")["item"]
    )
    assert 0 < int(never.isnull().sum()) < 4
    ax = plots.typicality(cut, categories=["bird"])
    assert len(named(ax, "_never")) == int(never.isnull().sum())
    assert len(named(ax, "_member")) == int(never.notnull().sum())
    assert "not learned" in legend(ax)


def test_categories_may_be_ones_own_without_a_tree(deep):
    bare = deep.drop_vars(["ancestor", "level"])
    ax = plots.typicality(bare, categories={"mine": ["pine", "oak", "rose"]})
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert sorted(names) == ["oak", "pine", "rose"]
    with pytest.raises(ValueError, match="no categories: this needs a tree"):
        plots.typicality(bare)


def test_typicality_teaches(deep):
    with pytest.raises(KeyError, match=r"no ranking 'typicalty'.*did you mean 'typicality'"):
        plots.typicality(deep, by="typicalty")
    with pytest.raises(KeyError, match="did you mean 'bird'"):
        plots.typicality(deep, categories=["birds"])
    assert not plt.get_fignums()


# agreement


def test_network_agreement_is_over_pairs(deep):
    ax = plots.network_agreement(deep, most_times=20)
    chosen = thin_times(deep, 20)
    found = sd.compare_networks(chosen)["agreement"].values
    first, second = np.triu_indices(deep.sizes["seed"], 1)
    (line,) = curves(ax)
    np.testing.assert_allclose(line.get_ydata(), np.median(found[first, second], axis=0))
    np.testing.assert_array_equal(line.get_xdata(), chosen["time"])
    assert legend(ax) == ["15 pairs of networks", "predicted"]


def test_networks_with_large_weights_are_laid_beside(deep):
    large = sd.train(
        sd.DeepLinear(hidden=16, scale=0.5), sd.load("rumelhart8"), seeds=3, hidden=True,
        progress=False,
    )  # fmt: skip
    ax = plots.network_agreement(deep, compare={"large": large}, name="small")
    small_end, large_end = (line.get_ydata()[-1] for line in curves(ax))
    assert small_end > 0.95
    assert large_end < small_end - 0.2
    assert sorted(legend(ax)) == ["large", "predicted", "small"]


def test_layers_are_compared_with_behaviour():
    exact = sd.solve(sd.load("rumelhart8"), depth=4, hidden=True)
    ax = plots.layer_agreement(exact, most_times=15)
    found = sd.compare_layers(thin_times(exact, 15)).sel(layer_2="output")
    lines = curves(ax)
    assert [line.get_label() for line in lines] == ["hidden 1", "hidden 2", "hidden 3"]
    for k, line in enumerate(lines):
        known = found["agreement"].isel(layer=k, seed=0).dropna("time")
        np.testing.assert_allclose(line.get_ydata(), known)


def test_what_no_theory_predicts_has_no_dashes(deep):
    ax = plots.network_agreement(deep, metric="correlation", most_times=8)
    assert not named(ax, "_predicted")
    assert legend(ax) == ["15 pairs of networks"]


def test_agreement_teaches(deep):
    with pytest.raises(ValueError, match="train at least two seeds"):
        plots.network_agreement(deep.isel(seed=[0]))
    with pytest.raises(KeyError, match="did you mean 'hidden_1'"):
        plots.network_agreement(deep, layer="hidden1")
    with pytest.raises(KeyError, match="did you mean 'spearman'"):
        plots.layer_agreement(deep, method="spearmann")
    with pytest.raises(ValueError, match="two times at least, got most_times=1"):
        plots.layer_agreement(deep, most_times=1)
    with pytest.raises(ValueError, match="holds no hidden layer"):
        plots.layer_agreement(deep.drop_vars("hidden_1"))
    assert not plt.get_fignums()


# what they share


def test_a_pair_is_of_two_different_networks(deep):
    chosen = thin_times(deep, 5)
    found = sd.compare_networks(chosen)
    pairs = pair_networks(found)
    assert pairs.sizes["seed"] == 15
    np.testing.assert_allclose(pairs["agreement"][0], found["agreement"][0, 1])
    np.testing.assert_allclose(pairs["agreement"][-1], found["agreement"][4, 5])


def test_thinned_times_keep_both_ends(deep):
    thinned = thin_times(deep, 9)["time"].values
    assert len(thinned) == 9
    assert thinned[[0, -1]].tolist() == deep["time"].values[[0, -1]].tolist()
    assert thin_times(deep, 10**6).identical(deep)


def test_learners_keep_their_names(deep, exact):
    assert list(name_learners(deep, None, {"DeepLinear": exact})) == ["this learner", "DeepLinear"]
    assert np.isnan(last_known(deep["loss"] * np.nan))
