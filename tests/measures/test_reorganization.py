"""Reorganization: by hand, against scikit-learn and scipy, and in networks with relations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist
from sklearn.metrics import adjusted_rand_score

import semdev as sd
from semdev.measures.reorganization import (
    ALIKE,
    _cut,
    compare_clusters,
    find_nearest,
    reorganization,
)

PAIRS = {"x": ["a", "b"], "y": ["c", "d"]}


def plant_layer(plant, layers, *, contexts=(), tree=None):
    """A History whose hidden layer is seed × time × (context ×) item × unit."""
    layers = np.asarray(layers, dtype=float)
    shape = (*layers.shape[:2], layers.shape[-2], 1)
    history = plant(np.ones(shape[2:]), np.ones(shape), range(shape[1]), tree=tree)
    dims = ("seed", "time", *(["context"] if contexts else []), "item", "unit_1")
    return history.assign(hidden_1=(dims, layers)).assign_coords(
        {"context": list(contexts)} if contexts else {}
    )


def random_layers(seed, *, items=6):
    return np.random.default_rng(seed).normal(size=(2, 4, 3, items, 3))


# by hand


def test_four_items_change_partners_by_hand(plant):
    together = np.array([0, 1, 10, 11.5])  # a and b, c and d
    crossed = np.array([0, 10, 1, 11.5])  # a and c, b and d
    line = np.stack([together, together * 2, crossed, crossed])[None, ..., None]
    found = reorganization(plant_layer(plant, line, tree=PAIRS), layer="hidden_1", clusters=2).isel(
        seed=0
    )
    assert found["neighbour"].values.tolist() == [[*"badc"], [*"badc"], [*"cdab"], [*"cdab"]]
    np.testing.assert_array_equal(found["moved"], [np.nan, 0, 1, 0])
    # of 6 pairs 2 are together each time, none twice: (0 − 4/6) / (2 − 4/6)
    np.testing.assert_allclose(found["kept"][:, 0], [np.nan, 1, -0.5, 1])
    np.testing.assert_allclose(found["with_tree"][:, 0], [1, 1, -0.5, -0.5])
    change = 1 - np.corrcoef(pdist(together[:, None]), pdist(crossed[:, None]))[0, 1]
    np.testing.assert_allclose(found["drift"], [change, change, 0, 0], atol=1e-12)
    assert "context" not in found.dims
    assert "between_contexts" not in found


def test_two_questions_by_hand(plant):
    line = np.stack([[0, 1, 10, 11.5], [0, 10, 1, 11.5], [0, 2, 20, 23]])[None, None, ..., None]
    history = plant_layer(plant, line, contexts=["can", "has", "is"])
    found = reorganization(history, layer="hidden_1").isel(seed=0, time=0)
    assert found["neighbour"].sel(item="a").values.tolist() == ["b", "c", "b"]
    same = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    np.testing.assert_array_equal(found["same_neighbour"], same)
    np.testing.assert_allclose(np.diag(found["between_contexts"]), 1)
    assert float(found["between_contexts"].sel(context="can", context_2="is")) == pytest.approx(1)
    assert found["cluster_count"].values.tolist() == [2, 3]
    assert "with_tree" not in found


def test_those_as_near_are_all_nearest(plant):
    corners = [[0, 0], [1, 0], [0, 1], [1, 1.00001]]
    found = reorganization(plant_layer(plant, [[corners, corners]]), layer="hidden_1")
    names = found["neighbour"].isel(seed=0, time=0).values.tolist()
    assert names == ["b, c", "a, d", "a, d", "b, c"]
    assert found["moved"].values.tolist()[0][1] == 0


def test_nothing_is_said_while_all_are_as_far_apart(plant):
    layers = random_layers(0)[:, :, 0, :3]
    layers[0, 0] = 4.0
    layers[0, 1] = np.eye(3)
    found = reorganization(plant_layer(plant, layers), layer="hidden_1").isel(seed=0)
    assert (found["neighbour"][:2] == "").all()
    for name in ("drift", "moved", "kept"):
        assert np.isnan(found[name][:2]).all()
    assert np.isnan(found["moved"][2])
    assert np.isfinite(found["moved"][3])


def test_errors(plant):
    history = plant_layer(plant, random_layers(1)[:, :, 0])
    with pytest.raises(
        KeyError, match=r"no layer over items 'hidden_2' in this History .*hidden_1"
    ):
        reorganization(history)
    for wrong in (1, 6, 2.5, True):
        with pytest.raises(ValueError, match="numbers of clusters from 2 to 5, one less than"):
            reorganization(history, layer="hidden_1", clusters=[2, wrong])
    with pytest.raises(KeyError, match="no method 'kendall' in reorganization; allowed: pearson"):
        reorganization(history, layer="hidden_1", method="kendall")
    with pytest.raises(ValueError, match="regrouping needs at least three items, got 2"):
        reorganization(history.isel(item=[0, 1]), layer="hidden_1")
    with pytest.raises(TypeError, match=r"a History .* is needed"):
        reorganization(sd.load("saxe2019"))


# by other means


@settings(max_examples=40)
@given(labels=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=12))
def test_rand_is_that_of_scikit_learn(labels):
    one, other = np.array(labels).T
    rows, columns = np.triu_indices(len(one), k=1)
    found = compare_clusters(one[rows] == one[columns], other[rows] == other[columns])
    assert float(found) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), method=st.sampled_from(["pearson", "spearman"]))
def test_clusters_drift_and_neighbours_by_other_means(seed, method, plant):
    layers = random_layers(seed)
    tree = {"x": ["a", "b", "c"], "y": ["d", "e"], "z": ["f"]}
    history = plant_layer(plant, layers, contexts=["can", "has", "is"], tree=tree)
    found = reorganization(history, layer="hidden_1", clusters=[2, 4], method=method)
    correlate = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}[method]
    apart = np.array([pdist(x) for x in layers.reshape(-1, 6, 3)]).reshape(2, 4, 3, 15)
    cut = [
        [hierarchy.fcluster(hierarchy.linkage(d, "average"), k, "maxclust") for k in (2, 4, 3)]
        for d in apart[0, :, 1]
    ]
    one = found.isel(seed=0, context=1)
    for t in range(4):
        drift = 1 - correlate(apart[0, t, 1], apart[0, -1, 1])[0]
        assert float(one["drift"][t]) == pytest.approx(drift, abs=1e-9)
        between = correlate(apart[0, t, 1], apart[0, t, 2])[0]
        assert float(one["between_contexts"][t, 2]) == pytest.approx(between, abs=1e-9)
        classes = adjusted_rand_score([0, 0, 0, 1, 1, 2], cut[t][2])
        assert float(one["with_tree"][t, 0]) == pytest.approx(classes)
        for j in range(2 * (t > 0)):
            expected = adjusted_rand_score(cut[t][j], cut[t - 1][j])
            assert float(one["kept"][t, j]) == pytest.approx(expected)
    for t, i in itertools.product(range(4), range(6)):
        distance = np.linalg.norm(layers[0, t, 1] - layers[0, t, 1, i], axis=1)
        distance[i] = np.inf
        assert "abcdef"[distance.argmin()] in one["neighbour"].values[t, i].split(", ")


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 12), tied=st.booleans())
def test_clusters_are_those_of_fcluster_ties_included(seed, n, tied):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 3, size=(n, 2)) * 0.1 if tied else rng.normal(size=(n, 3))
    distance = pdist(points + 1e-12 * rng.normal(size=points.shape))
    counts = list(range(2, n))
    found = _cut(distance[None], counts)
    tree = hierarchy.linkage(distance, method="average")
    rows, columns = np.triu_indices(n, k=1)
    for k in counts:
        label = hierarchy.fcluster(tree, tree[n - 1 - k, 2] * (1 + ALIKE), criterion="distance")
        np.testing.assert_array_equal(found[k][0], label[rows] == label[columns])


# what must change nothing


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1), items=st.permutations(range(6)),
    contexts=st.permutations(range(3)), scale=st.floats(0.01, 100),
)  # fmt: skip
def test_neither_order_nor_rotation_nor_scale_matters(plant, seed, items, contexts, scale):
    layers = random_layers(seed)
    tree = {"x": ["a", "b", "c"], "y": ["d", "e"], "z": ["f"]}
    history = plant_layer(plant, layers, contexts=["can", "has", "is"], tree=tree)
    turn = stats.ortho_group.rvs(3, random_state=seed % 1000)
    other = history.assign(hidden_1=history["hidden_1"].copy(data=scale * layers @ turn + 1))
    other = other.isel(item=list(items), context=list(contexts))
    one, two = (reorganization(h, layer="hidden_1") for h in (history, other))
    back = two.sel(item=one["item"], context=one["context"], context_2=one["context_2"].values)
    xr.testing.assert_allclose(back, one, atol=1e-7)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 9))
def test_everybody_has_a_nearest_neighbour_who_is_somebody_else(seed, n):
    near = find_nearest(pdist(np.random.default_rng(seed).normal(size=(n, 2))))
    assert near.any(1).all()
    assert not near.diagonal().any()


# networks


def test_the_question_regroups_items_in_rumelharts_network():
    world = sd.load("rumelhart8")
    history = sd.train(
        sd.Rumelhart(), world, seeds=[2, 5, 9, 14], steps=4000, record=25, hidden=True,
        dtype="float32", progress=False,
    )  # fmt: skip
    found = reorganization(history)
    assert found["between_contexts"].dims == ("seed", "time", "context", "context_2")
    last = found.isel(time=-1)
    others = last["between_contexts"].where(last["context"] != last["context_2"])
    assert (others.max(("context", "context_2")) < 0.99).all()
    alike = last["between_contexts"].median("seed")
    assert float(alike.sel(context="can", context_2="has")) > float(
        alike.sel(context="can", context_2="is")
    )
    assert (found["moved"].sum("time") > 0).any("context").all()
    assert float(last["with_tree"].sel(context="has").median("seed").min()) > 0.5
    hidden = reorganization(history, layer="hidden_1")
    assert "context" not in hidden.dims
    assert float(hidden["drift"].isel(time=-1).max()) == pytest.approx(0, abs=1e-6)
    table = sd.summarize(found[["moved"]].isel(time=-1))
    assert set(table["context"]) == {"ISA", "can", "has", "is"}
    one = reorganization(history.sel(context="can"))
    xr.testing.assert_allclose(one["drift"], found["drift"].sel(context="can", drop=True))


@pytest.mark.parametrize("name", ["rumelhart8", "cao2020", "rogers2004"])
def test_shallow_networks_regroup_nothing_and_deep_ones_keep_their_broadest_groups(name):
    world = sd.load(name)
    shallow = reorganization(sd.solve(world, depth=1, times=30), layer="output")
    assert float(shallow["moved"].sum()) == 0
    assert float(shallow["kept"].min()) == 1
    assert float(shallow["drift"].max()) < 1e-9
    exact = sd.solve(world, depth=2, times=60, hidden=True)
    deep = reorganization(exact, layer="hidden_1", clusters=2).isel(seed=0)
    known = deep["kept"].isel(cluster_count=0).values
    assert (known[np.isfinite(known)] == 1).all()
    assert float(deep["with_tree"].isel(time=-1).min()) == 1
    assert float(deep["drift"].max()) > 0.01
