"""Pictures of items: dendrograms, MDS, similarity, the spectrum; and what prepares them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.text import Text
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform

import semdev as sd
from semdev import plots
from semdev.measures.similarity import item_distances
from semdev.plots import _style
from semdev.plots._items import item_classes, nearest_times, tree_order
from semdev.plots.dendrograms import cluster
from semdev.plots.mds import place_labels
from semdev.plots.singular_values import expand, spectrum


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_dendrograms_have_scipys_heights_on_one_scale(deep):
    ax = plots.dendrograms(deep, [2, 5], seed=3)
    distance = item_distances(deep).sel(seed=3).sel(time=[2, 5], method="nearest")
    widths = []
    for k, lines in enumerate(ax.collections):
        segments = np.array(lines.get_segments())
        assert segments.shape == (7, 4, 2)
        widths.append(np.ptp(segments[..., 0]))
        heights = linkage(squareform(distance.values[k], checks=False), "average")[:, 2]
        drawn = np.sort(np.ptp(segments[..., 0], axis=1))
        assert drawn[-1] > 0
        longest = segments[..., 0].max() - segments[..., 1, 0].min()
        assert longest == pytest.approx(widths[0] * heights[-1] / _first_height(distance))
    assert widths[0] != widths[1]


def _first_height(distance):
    return linkage(squareform(distance.values[0], checks=False), "average")[-1, 2]


def test_dendrograms_name_every_leaf_and_the_recorded_time(deep):
    ax = plots.dendrograms(deep, [2, 5])
    times = deep["time"].sel(time=[2, 5], method="nearest").values
    assert texts(ax)[-2:] == [f"t = {time:.3g}" for time in times]
    assert sorted(texts(ax)[:8]) == sorted(deep["item"].values)
    assert sorted(texts(ax)[8:16]) == sorted(deep["item"].values)
    assert ax.get_xlabel() == "distance between items"


@pytest.mark.parametrize("method", ["average", "complete", "single", "ward", "centroid"])
def test_items_that_are_all_alike_make_a_single_line(exact, method):
    same = exact.copy(deep=True)
    same["output"][:] = 0.5
    ax = plots.dendrograms(same, [0, 1], method=method)
    x = np.array([lines.get_segments() for lines in ax.collections])[..., 0]
    assert np.ptp(x[0]) == np.ptp(x[1]) == 0
    assert texts(ax)[:8] == same["item"].values.tolist()


def test_a_cluster_is_the_same_tree_however_items_are_listed(rng):
    points = rng.normal(size=(9, 4))
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    order = rng.permutation(9)
    branches, leaves = cluster(distance, method="average", order=np.arange(9))
    again, shuffled = cluster(distance[np.ix_(order, order)], method="average", order=np.arange(9))
    assert sorted(leaves) == list(range(9))
    np.testing.assert_allclose(np.sort(branches[:, 1, 1]), np.sort(again[:, 1, 1]))
    named = order[shuffled].tolist()
    assert named in (leaves.tolist(), leaves[::-1].tolist())
    expected = cophenet(linkage(squareform(distance), "average")).max()
    assert branches[..., 1].max() == pytest.approx(expected)


def test_dendrograms_teach(deep):
    with pytest.raises(KeyError, match="no method 'averge' in dendrograms; did you mean 'average'"):
        plots.dendrograms(deep, 1, method="averge")
    with pytest.raises(KeyError, match="no seed 77 in this History; allowed: 0, 1, 2"):
        plots.dendrograms(deep, 1, seed=77)
    with pytest.raises(ValueError, match="one or more learning times between 0 and"):
        plots.dendrograms(deep, [])
    with pytest.raises(ValueError, match="at least two items"):
        plots.dendrograms(deep.isel(item=[0]), 1)
    assert not plt.get_fignums()


def test_mds_draws_each_items_path_in_its_classs_colour(deep):
    ax = plots.mds(deep, most_times=6)
    paths = [line for line in ax.lines if line.get_label() == "_path"]
    ends = [line for line in ax.lines if line.get_label() == "_end"]
    assert len(paths) == len(ends) == 8
    assert {len(line.get_xdata()) for line in paths} == {6}
    by_color = {}
    for line in ends:
        by_color.setdefault((line.get_color(), line.get_marker()), []).append(line)
    assert [len(members) for members in by_color.values()] == [2, 2, 2, 2]
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    assert sorted(named) == ["bird", "fish", "flower", "tree"]
    assert ax.get_aspect() == 1


def test_mds_labels_cover_neither_each_other_nor_points(deep):
    ax = plots.mds(deep, most_times=3)
    assert sorted(texts(ax)) == sorted(deep["item"].values)
    ax.figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in ax.texts]  # without the leading line
    apart = [a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k]]
    assert not any(apart)
    assert not texts(plots.mds(deep, most_times=3, label=False))


def test_labels_in_a_crowd_find_room(rng):
    points = rng.normal(size=(20, 2)) * 15 + 100
    sizes = np.tile([22.0, 8.0], (20, 1))
    centres = points + place_labels(points, sizes, np.array([[0.0, 0.0], [200.0, 200.0]]))
    gap = np.abs(centres[:, None] - centres[None]) - sizes[0]
    overlaps = (gap < 0).all(-1).sum() - 20
    assert overlaps == 0


def test_mds_without_a_tree_has_one_colour_and_no_legend(deep):
    bare = deep.drop_vars(["ancestor", "level"])
    ax = plots.mds(bare, most_times=3)
    assert ax.get_legend() is None
    assert len({line.get_color() for line in ax.lines}) == 1


def test_similarity_tiles_share_a_scale_and_follow_the_tree(deep):
    shuffled = deep.isel(item=[7, 0, 5, 2, 3, 6, 1, 4])
    ax = plots.similarity(shuffled, [1, 4], seed=2)
    straight = plots.similarity(deep, [1, 4], seed=2)
    assert len(ax.images) == 2
    assert len({image.get_clim() for image in ax.images}) == 1
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    order = [straight.get_yticklabels()[k].get_text() for k in range(8)]
    places = [order.index(name) for name in names]
    for ours, theirs in zip(ax.images, straight.images, strict=True):
        np.testing.assert_allclose(ours.get_array(), theirs.get_array()[np.ix_(places, places)])
        np.testing.assert_allclose(np.diag(ours.get_array()), 1)
    kinds = item_classes(shuffled.sel(item=names))
    assert len(dict.fromkeys(kinds)) == np.count_nonzero(kinds[1:] != kinds[:-1]) + 1


def test_similarity_names_classes_where_items_would_not_fit(deep):
    ax = plots.similarity(deep, [0, 1, 2, 4, 6, 7])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["tree", "flower", "bird", "fish"]
    bare = plots.similarity(deep.drop_vars(["ancestor", "level"]), [0, 1, 2, 4, 6, 7])
    assert bare.get_ylabel() == "8 items"


def test_an_item_that_is_nothing_is_grey_not_an_error(exact):
    empty = exact.copy(deep=True)
    empty["output"][:, 0] = 0.0
    ax = plots.similarity(empty, [0, 4])
    assert np.ma.getmaskarray(ax.images[0].get_array()).all()
    assert not np.ma.getmaskarray(ax.images[1].get_array()).any()


def test_the_spectrum_is_numpys_for_a_history_and_for_its_data(deep):
    world = sd.load("rumelhart8")
    expected = np.linalg.svd(world.properties.values, compute_uv=False)
    for data in (world, deep):
        np.testing.assert_allclose(spectrum(data), expected)
        ax = plots.singular_values(data)
        drawn = sorted((y for line in ax.lines for y in line.get_ydata()), reverse=True)
        np.testing.assert_allclose(drawn, expected)
        names = [text.get_text() for text in ax.get_legend().get_texts()]
        assert sorted(names) == ["level 0", "level 1", "level 2", "level 3"]


def test_impure_modes_are_hollow():
    world = sd.branching_diffusion([2, 2], seed=0, properties=20, flip=0.3)
    hollow = [line for line in plots.singular_values(world).lines
              if line.get_markerfacecolor() == "white"]  # fmt: skip
    purity = spectrum(world)["purity"]
    assert 0 < (purity < 0.9).sum() == sum(len(line.get_xdata()) for line in hollow)


def test_predictions_are_a_dash_for_each_mode():
    expected = sd.theory.branching_singular_values([2, 2], flip=0.1, properties=40)
    assert expand(expected).tolist() == sorted(expand(expected), reverse=True)
    world = sd.branching_diffusion([2, 2], seed=0, properties=40, flip=0.1)
    ax = plots.singular_values(world, predicted=expected)
    dashes = np.array(ax.collections[0].get_segments())
    np.testing.assert_allclose(dashes[:, 0, 1], expected.values[[0, 1, 2, 2]])
    with pytest.raises(ValueError, match=r"branching_singular_values.*got list"):
        plots.singular_values(world, predicted=[3.0, 2.0])


def test_a_spectrum_without_a_tree():
    table = xr.DataArray(
        np.eye(3) * [3, 2, 1], coords={"item": list("abc"), "property": list("xyz")}
    )
    ax = plots.singular_values(sd.Dataset(table))
    assert ax.lines[0].get_ydata().tolist() == [3, 2, 1]
    assert ax.get_legend() is None


def test_times_are_the_nearest_recorded(exact):
    time = exact["time"].values
    assert nearest_times(exact, time[[3, 9]]).tolist() == [3, 9]
    assert nearest_times(exact, 1e9).tolist() == [len(time) - 1]


def test_tree_order_keeps_every_class_together(deep, rng):
    shuffled = deep.isel(item=rng.permutation(8))
    ordered = shuffled["ancestor"].values[tree_order(shuffled)]
    for names in ordered.T:
        changes = np.count_nonzero(names[1:] != names[:-1])
        assert changes == len(set(names)) - 1


def test_spread_moves_as_little_as_it_must(rng):
    given = rng.uniform(size=12)
    moved = _style.spread(given, 0.05)
    assert np.diff(np.sort(moved)).min() >= 0.05 - 1e-12
    assert (np.argsort(moved) == np.argsort(given)).all()
    assert moved.mean() == pytest.approx(given.mean())
    np.testing.assert_allclose(_style.spread([0.0, 0.5, 1.0], 0.1), [0, 0.5, 1])


@pytest.fixture
def rng():
    return np.random.default_rng(5)
