"""Structural forms: covariances by hand and by inversion, draws against them, words of errors."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import semdev as sd
from semdev import trees
from semdev.data.structures import (
    FORMS,
    expected_products,
    form_covariance,
    graph_gaussian,
    list_items,
    make_form,
)

SHAPES = {
    "clusters": [3, 2, 4], "chain": 6, "order": 5, "ring": 7, "hierarchy": [2, 2],
    "tree": [2, 3], "grid": (3, 4), "cylinder": (4, 2),
}  # fmt: skip
MANY = 20_000


def invert(graph, sigma):
    """The covariance by inverting the whole precision and keeping the items' block."""
    plain = nx.Graph(graph)
    for a, b, length in plain.edges(data="length", default=1.0):
        plain.edges[a, b]["weight"] = 1 / length
    nodes, items = list(plain), list_items(graph)
    observed = np.array([node in items for node in nodes])
    precision = nx.laplacian_matrix(plain, nodelist=nodes).toarray() + np.diag(observed / sigma**2)
    where = [nodes.index(item) for item in items]
    return np.linalg.inv(precision)[np.ix_(where, where)]


# forms


def test_every_form_has_a_shape_here():
    assert set(SHAPES) == set(FORMS)


@pytest.mark.parametrize(
    ("kind", "items", "edges", "latent"),
    [("clusters", 9, 9, 3), ("chain", 6, 5, 0), ("order", 5, 10, 0), ("ring", 7, 7, 0),
     ("hierarchy", 7, 6, 0), ("tree", 6, 8, 3), ("grid", 12, 17, 0), ("cylinder", 8, 12, 0)],
)  # fmt: skip
def test_forms_have_their_items_edges_and_latent_nodes(kind, items, edges, latent):
    graph = make_form(kind, SHAPES[kind], length=0.5)
    assert len(list_items(graph)) == items
    assert graph.number_of_edges() == edges
    assert len(graph) - items == latent
    assert set(nx.get_edge_attributes(graph, "length").values()) == {0.5}
    assert isinstance(graph, nx.DiGraph) == (kind == "tree")


def test_forms_are_joined_as_they_should_be():
    grid, cylinder = make_form("grid", (3, 4)), make_form("cylinder", (3, 4))
    assert set(grid["item 1.1"]) == {"item 2.1", "item 1.2"}
    assert set(cylinder["item 1.1"]) == {"item 2.1", "item 3.1", "item 1.2"}
    assert set(make_form("clusters", [2, 2])["cluster 2"]) == {"item 3", "item 4"}
    assert set(make_form("hierarchy", [2])["root"]) == {"item 1", "item 2"}


def test_items_can_be_named():
    ring = make_form("ring", 3, items=["red", "green", "blue"])
    assert list_items(ring) == ["red", "green", "blue"]
    hubs = make_form("clusters", [1, 2], items=["a", "b", "c"])
    assert set(hubs["cluster 2"]) == {"b", "c"}
    with pytest.raises(ValueError, match="items needs 3 different names, got 2"):
        make_form("ring", 3, items=["a", "b"])


@pytest.mark.parametrize(
    ("kind", "shape", "message"),
    [("ring", 2, "a ring form cannot have the shape 2; it is one number of items, at least 3"),
     ("grid", 4, r"it is \(rows, columns\), such as \(4, 4\)"),
     ("cylinder", (2, 3), "at least three items around"), ("chain", 1, "at least 2"),
     ("clusters", [], "the size of every cluster"), ("clusters", [2, 0], "size of every cluster"),
     ("tree", [2, 1.5], "the number of children at every level"), ("order", "6", "one number")],
)  # fmt: skip
def test_impossible_shapes_are_refused(kind, shape, message):
    with pytest.raises(ValueError, match=message):
        make_form(kind, shape)


def test_unknown_forms_and_bad_lengths_are_refused():
    with pytest.raises(KeyError, match=r"no form 'rings' in make_form; did you mean 'ring'\?"):
        make_form("rings", 4)
    with pytest.raises(ValueError, match="length is a finite number above 0, got 0"):
        make_form("ring", 4, length=0)


# covariance


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("sigma", [0.5, 5.0, 50.0])
def test_covariance_is_the_inverse_precision_of_all_nodes(kind, sigma):
    graph = make_form(kind, SHAPES[kind], length=0.7)
    found = form_covariance(graph, sigma=sigma)
    assert found["item"].values.tolist() == list_items(graph)
    np.testing.assert_allclose(found, invert(graph, sigma), rtol=1e-8)


def test_covariance_of_two_items_by_hand():
    # Precision [[1/4 + 1/2, −1/2], [−1/2, 3/4]] for σ = 2 and length 2; its determinant is 5/16.
    found = form_covariance(make_form("chain", 2, length=2.0), sigma=2.0)
    np.testing.assert_allclose(found, np.array([[3 / 4, 1 / 2], [1 / 2, 3 / 4]]) * 16 / 5)


def test_long_and_short_trees_of_ones_own():
    tree = trees.from_newick("((robin:0.5,canary:2)bird:1,oak:3)thing;")
    found = form_covariance(tree, sigma=1e4)
    distance = np.add.outer(np.diag(found), np.diag(found)) - 2 * found
    # without the pull to 0 the squared distance is the length of the path
    assert float(distance.sel(item="robin", item_2="canary")) == pytest.approx(2.5, abs=1e-3)
    assert float(distance.sel(item="robin", item_2="oak")) == pytest.approx(4.5, abs=1e-3)


def test_nodes_at_no_distance_are_one():
    tree = trees.from_newick("((a:0,b:1)x:0,c:1)r;")
    tiny = trees.from_newick("((a:1e-6,b:1)x:1e-6,c:1)r;")
    np.testing.assert_allclose(form_covariance(tree), form_covariance(tiny), rtol=1e-5)
    twins = nx.Graph()
    twins.add_edge("a", "b", length=0)
    np.testing.assert_allclose(form_covariance(twins, sigma=2.0), 2.0)
    drawn = graph_gaussian(twins, seed=1).properties
    np.testing.assert_array_equal(drawn.sel(item="a"), drawn.sel(item="b"))


@settings(deadline=None, max_examples=40)
@given(nodes=st.integers(4, 9), seed=st.integers(0, 10**6), sigma=st.floats(0.3, 30))
def test_the_order_of_nodes_changes_nothing(nodes, seed, sigma):
    rng = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(nodes, 0.6, seed=seed)
    graph = nx.relabel_nodes(graph, {k: f"n{k}" for k in graph})
    for edge in graph.edges.values():
        edge["length"] = float(rng.uniform(0.1, 3))
    if nx.is_connected(graph):
        graph.nodes["n1"]["latent"] = True
    turned = nx.Graph()
    given_nodes = list(graph.nodes(data=True))
    turned.add_nodes_from(given_nodes[k] for k in rng.permutation(nodes))
    turned.add_edges_from((b, a, d) for a, b, d in graph.edges(data=True))
    one, two = form_covariance(graph, sigma=sigma), form_covariance(turned, sigma=sigma)
    same = one["item"].values
    xr.testing.assert_allclose(two.sel(item=same, item_2=same), one, rtol=1e-7)


def test_a_huge_sigma_is_no_trouble():
    found = form_covariance(make_form("tree", [2] * 6), sigma=1e5)
    assert np.isfinite(found).all()
    assert float(np.linalg.eigvalsh(found)[-1]) == pytest.approx(1e10, rel=1e-4)


@pytest.mark.parametrize(
    ("graph", "error", "message"),
    [
        (3, TypeError, "a form is a networkx.Graph or a tree, not a int; semdev.make_form makes"),
        (nx.MultiGraph([("a", "b")]), TypeError, "not a MultiGraph"),
        (
            nx.Graph([("a", "b", {"length": -1})]),
            ValueError,
            "edge 'a' – 'b' has length -1; length",
        ),
        (nx.DiGraph(["ab", "cb"]), ValueError, "'b' has more than one parent"),
        (nx.Graph(), ValueError, "the form has no items: all of its nodes are latent"),
    ],
)
def test_what_is_no_form_is_refused(graph, error, message):
    with pytest.raises(error, match=message):
        form_covariance(graph)


def test_lonely_latent_nodes_and_bad_sigmas_are_refused():
    graph = nx.Graph([("a", "b")])
    graph.add_node("hub", latent=True)
    with pytest.raises(ValueError, match=r"a part of the form has no item, only latent \['hub'\]"):
        form_covariance(graph)
    with pytest.raises(ValueError, match="sigma is a finite standard deviation above 0, got 0"):
        form_covariance(make_form("ring", 4), sigma=0)


# expected products


@pytest.mark.parametrize("coding", ["±1", "0/1"])
def test_products_of_coded_properties_are_orthant_probabilities(coding):
    graph = make_form("chain", 4)
    covariance = form_covariance(graph).values
    found = expected_products(graph, coding=coding).values
    for i, j in ((0, 1), (0, 3), (2, 2)):
        both = 0.5
        if i != j:
            block = covariance[np.ix_([i, j], [i, j])]
            both = stats.multivariate_normal(cov=block).cdf([0, 0])  # = P(both above 0)
        assert found[i, j] == pytest.approx(both if coding == "0/1" else 4 * both - 1, abs=1e-5)


@pytest.mark.parametrize("coding", ["graded", "±1", "0/1"])
@pytest.mark.parametrize("kind", ["ring", "clusters", "tree"])
def test_draws_have_the_expected_products(kind, coding):
    graph = make_form(kind, SHAPES[kind])
    data = graph_gaussian(graph, seed=3, properties=MANY, sigma=2.0, coding=coding)
    values = data.properties.values
    products, expected = values @ values.T / MANY, expected_products(graph, sigma=2, coding=coding)
    scale = float(expected.max())
    np.testing.assert_allclose(products, expected, atol=5 * scale * np.sqrt(2 / MANY))
    assert data.coding == coding


# draws


def test_draws_are_named_and_depend_on_the_seed_alone():
    graph = make_form("ring", 4)
    np.random.seed(1)  # noqa: NPY002  # the global state is what is looked at
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    one, again, other = (graph_gaussian(graph, seed=k, properties=3) for k in (7, 7, 8))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    assert one.digest == again.digest != other.digest
    assert one.properties["property"].values.tolist() == [f"has feature {k}" for k in (1, 2, 3)]
    assert one.tree is None
    assert graph_gaussian(graph, seed=1, name="mine").name == "mine"


def test_a_tree_comes_with_the_data_and_is_left_alone():
    tree = trees.from_nested({"thing": {"bird": ["robin", "canary"], "oak": None}})
    data = graph_gaussian(tree, seed=1, properties=5)
    assert set(data.tree.edges) == set(tree.edges)
    assert data.properties["item"].values.tolist() == ["robin", "canary", "oak"]
    assert not nx.is_frozen(tree)
    assert sd.solve(data, depth=2)["ancestor"].shape == (3, 3)


def test_codings_are_thresholds_of_one_draw():
    graded, signed, truth = (
        graph_gaussian(make_form("grid", (2, 3)), seed=5, coding=c).properties.values
        for c in ("graded", "±1", "0/1")
    )
    np.testing.assert_array_equal(signed, np.where(graded > 0, 1.0, -1.0))
    np.testing.assert_array_equal(truth, (signed + 1) / 2)


def test_random_lengths_have_the_distances_of_their_mean_on_a_tree():
    # On a tree squared distances are path lengths as σ grows, so their mean is that of the mean.
    graph = make_form("tree", [2, 2], length=2.0)
    data = graph_gaussian(graph, seed=2, properties=MANY, sigma=1e3, beta=0.4)
    values = data.properties.values
    between = ((values[:, None] - values[None]) ** 2).mean(2)
    steps = 2 * (2 - trees.common_levels(trees.ancestors(graph)))
    np.testing.assert_allclose(between, 0.8 * steps, rtol=0.12)
    kurtosis = stats.kurtosis(values[0] - values[1])
    assert kurtosis > 0.5  # a mixture of Gaussians, unlike fixed lengths
    fixed = graph_gaussian(graph, seed=2, properties=MANY).properties.values
    assert abs(stats.kurtosis(fixed[0] - fixed[1])) < 0.25


def test_random_lengths_do_not_depend_on_batches():
    graph = make_form("ring", 5)
    data = graph_gaussian(graph, seed=4, properties=101, beta=0.4)
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((101, 5))
    lengths = 0.4 * rng.exponential(size=(101, 5))
    for k in (0, 99, 100):
        for edge, length in zip(graph.edges.values(), lengths[k], strict=True):
            edge["length"] = float(length)
        factor = np.linalg.cholesky(np.linalg.inv(invert(graph, 5.0)))
        np.testing.assert_allclose(
            factor.T @ data.properties.values[:, k], noise[k], atol=1e-6
        )  # whitened


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [({"properties": 0}, ValueError, "properties must be at least 1, got 0"),
     ({"beta": 0.0}, ValueError, "beta, the mean length of an edge, must be above 0; got 0.0"),
     ({"coding": "0-1"}, KeyError, "no coding '0-1' in graph_gaussian"),
     ({"sigma": np.inf}, ValueError, "sigma is a finite standard deviation above 0, got inf")],
)  # fmt: skip
def test_bad_draws_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        graph_gaussian(make_form("ring", 4), seed=1, **options)
