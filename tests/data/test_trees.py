"""Trees: every builder against a tree made by hand, every error by its words."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cophenet, leaves_list, linkage
from scipy.spatial.distance import squareform

from semdev.data import trees

TAXONOMY = {"animal": {"bird": ["robin", "canary"], "fish": ["salmon"]}, "plant": ["oak", "rose"]}


def children(tree):
    """Every inner node with its children, in order."""
    return {node: list(tree[node]) for node in tree if tree[node]}


def described(tree):
    """All that a tree says: its root, its children in order and its lengths."""
    lengths = {child: length for _, child, length in tree.edges(data="length", default=1.0)}
    return trees.root(tree), children(tree), lengths


@st.composite
def random_trees(draw):
    """Trees of any shape whose labels hold whatever Newick and Python find hard."""
    nasty = st.text(
        st.sampled_from("ab'\"()[]{}:;,_ \n\t\\.0é猫\u00a0\u2028"), min_size=1, max_size=6
    )
    labels = draw(st.lists(nasty | st.text(min_size=1), min_size=1, max_size=12, unique=True))
    lengths = st.just(1.0) | st.floats(0, allow_infinity=False, allow_nan=False)
    tree = nx.DiGraph()
    tree.add_node(labels[0])
    for k in range(1, len(labels)):
        parent = labels[draw(st.integers(0, k - 1))]
        tree.add_edge(parent, labels[k], length=draw(lengths))
    return tree


# check


def test_check_returns_the_tree_itself():
    tree = nx.DiGraph([("plant", "oak"), ("plant", "rose")])
    assert trees.check(tree) is tree


def test_check_allows_a_single_item():
    tree = nx.DiGraph()
    tree.add_node("robin")
    assert trees.check(tree) is tree
    assert trees.leaves(tree) == ["robin"]


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([], "the tree is empty"),
        ([("a", "b"), ("b", "a")], "has a cycle: a → b → a"),
        ([("a", "a")], "has a cycle: a → a"),
        ([("root", "a"), ("a", "b"), ("b", "a")], "has a cycle: a → b → a"),
        (
            [("a", "x"), ("r", "a"), ("r", "b"), ("b", "x")],
            "'x' has more than one parent: 'a', 'b'",
        ),
        ([("a", "x"), ("b", "y")], "more than one root: 'a', 'b'"),
        ([("a", 3)], "3 names a node; names are non-empty strings"),
        ([("a", "")], "'' names a node; names are non-empty strings"),
        ([("a", "b", {"length": -1.0})], "edge 'a' → 'b' has length -1.0"),
        ([("a", "b", {"length": float("nan")})], "edge 'a' → 'b' has length nan"),
        ([("a", "b", {"length": "long"})], "edge 'a' → 'b' has length 'long'"),
    ],
)
def test_check_says_what_is_wrong_and_where(edges, message):
    with pytest.raises(ValueError, match=message):
        trees.check(nx.DiGraph(edges))


@pytest.mark.parametrize("thing", [nx.Graph([("a", "b")]), nx.MultiDiGraph([("a", "b")]), "tree"])
def test_check_wants_a_digraph(thing):
    with pytest.raises(TypeError, match=f"networkx.DiGraph, not a {type(thing).__name__}"):
        trees.check(thing)


# from_nested


def test_from_nested_matches_a_tree_made_by_hand():
    assert described(trees.from_nested(TAXONOMY, root="living thing")) == (
        "living thing",
        {
            "living thing": ["animal", "plant"],
            "animal": ["bird", "fish"],
            "bird": ["robin", "canary"],
            "fish": ["salmon"],
            "plant": ["oak", "rose"],
        },
        dict.fromkeys(
            ["animal", "plant", "bird", "fish", "robin", "canary", "salmon", "oak", "rose"], 1.0
        ),
    )


@pytest.mark.parametrize(
    ("nested", "expected"),
    [
        ({"bird": ["robin"]}, {"bird": ["robin"]}),
        ({"bird": "robin"}, {"bird": ["robin"]}),
        ({"bird": ("robin", {"owl": None})}, {"bird": ["robin", "owl"]}),
        (
            {"bird": {"robin": None, "duck": ["teal"]}},
            {"bird": ["robin", "duck"], "duck": ["teal"]},
        ),
        ({"robin": None}, {}),
        (["robin", "oak"], {"root": ["robin", "oak"]}),
        ([{"bird": ["robin"]}, "oak"], {"root": ["bird", "oak"], "bird": ["robin"]}),
        (
            [["a", ["b"]], "node 1"],
            {"root": ["node 2", "node 1"], "node 2": ["a", "node 3"], "node 3": ["b"]},
        ),
    ],
)
def test_from_nested_understands_every_kind_of_value(nested, expected):
    assert children(trees.from_nested(nested)) == expected


@pytest.mark.parametrize(
    ("nested", "error", "message"),
    [
        ({"bird": ["robin"], "fish": ["robin"]}, ValueError, "under 'bird' and under 'fish'"),
        ({"root": ["oak"], "bird": "robin"}, ValueError, "'root' is named twice: as the root and"),
        ({}, ValueError, "class 'root' has no members"),
        ([], ValueError, "class 'root' has no members"),
        ({"bird": [], "oak": None}, ValueError, "class 'bird' has no members"),
        ({"bird": {}, "oak": None}, ValueError, "class 'bird' has no members"),
        ({"bird": "", "oak": None}, ValueError, "class 'bird' has no members"),
        ({"bird": 7}, TypeError, "'bird' holds 7; members are"),
        ({"bird": [None]}, TypeError, "'bird' holds None; members are"),
        ({"bird": {None: ["robin"]}}, ValueError, "'' names a node; names are non-empty"),
        ({"bird": {7: ["robin"]}}, ValueError, "7 names a node; names are"),
        ("robin", TypeError, "'robin' is neither a dict nor a list"),
    ],
)
def test_from_nested_names_the_culprit(nested, error, message):
    with pytest.raises(error, match=message):
        trees.from_nested(nested)


# balanced


def test_balanced_names_its_nodes_level_by_level():
    assert children(trees.balanced([2, 1, 2])) == {
        "root": ["node 1.1", "node 1.2"],
        "node 1.1": ["node 2.1"],
        "node 1.2": ["node 2.2"],
        "node 2.1": ["item 1", "item 2"],
        "node 2.2": ["item 3", "item 4"],
    }


def test_balanced_takes_names_for_the_leaves():
    names = ["robin", "canary", "oak", "rose"]
    assert trees.leaves(trees.balanced(np.array([2, 2]), leaves=names)) == names


@pytest.mark.parametrize("branching", [[], [2, 0], [2.0], ["2"], 3, [-1]])
def test_balanced_wants_positive_integers(branching):
    with pytest.raises(ValueError, match="is not a list of integers ≥ 1: the number of children"):
        trees.balanced(branching)


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (["a", "b", "c"], ValueError, r"branching \[2, 2\] makes 4 leaves, not the 3 named"),
        (["a", "b", "c", "a"], ValueError, "'a' is named twice"),
        (["a", "b", "c", "root"], ValueError, "'root' is named twice: as the root and under"),
        ("abcd", TypeError, "a list of strings, not the string 'abcd'"),
    ],
)
def test_balanced_checks_the_names(names, error, message):
    with pytest.raises(error, match=message):
        trees.balanced([2, 2], leaves=names)


# random


@given(st.integers(2, 40), st.integers(0, 2**32), st.integers(2, 5))
def test_random_has_the_leaves_and_the_widths_asked_for(size, seed, max_children):
    tree = trees.random(size, seed=seed, max_children=max_children)
    assert trees.leaves(tree) == [f"item {k}" for k in range(1, size + 1)]
    assert {len(below) for below in children(tree).values()} <= set(range(2, max_children + 1))


def test_random_depends_on_its_seed_alone():
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = trees.to_newick(trees.random(20, seed=3))
    assert trees.to_newick(trees.random(20, seed=3)) == first
    assert trees.to_newick(trees.random(20, seed=4)) != first
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_random_places_names_at_random():
    names = [f"bird {k}" for k in range(30)]
    placed = trees.leaves(trees.random(names, seed=0))
    assert sorted(placed) == sorted(names)
    assert placed != names


def test_random_of_one_name_is_that_item():
    assert list(trees.random(["robin"], seed=0)) == ["robin"]


@pytest.mark.parametrize(
    ("names", "options", "error", "message"),
    [
        (4, {"max_children": 1}, ValueError, "max_children is 1; an inner node has at least 2"),
        (0, {}, ValueError, "a tree needs at least one leaf"),
        (["oak", "oak"], {}, ValueError, "'oak' is named twice"),
        (4, {"seed": None}, TypeError, "cannot be interpreted as an integer"),
    ],
)
def test_random_refuses_what_cannot_be_drawn(names, options, error, message):
    with pytest.raises(error, match=message):
        trees.random(names, **{"seed": 0, **options})


# Newick


@given(random_trees())
def test_newick_round_trip_is_the_identity(tree):
    assert described(trees.from_newick(trees.to_newick(tree))) == described(tree)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("robin;", ("robin", {}, {})),
        ("(A:1e-3,B:+.5)r:9;", ("r", {"r": ["A", "B"]}, {"A": 0.001, "B": 0.5})),
        (
            " ( A ,\n B_b:2 )\t'it''s [r]' ;\n",
            ("it's [r]", {"it's [r]": ["A", "B_b"]}, {"A": 1, "B_b": 2}),
        ),
        ("[it's](A[one],B)[two]r[three];[end]", ("r", {"r": ["A", "B"]}, {"A": 1, "B": 1})),
        (
            "((A),'node 1')'';",
            (
                "node 2",
                {"node 2": ["node 3", "node 1"], "node 3": ["A"]},
                dict.fromkeys(["node 3", "A", "node 1"], 1),
            ),
        ),
    ],
)
def test_from_newick_reads_the_format(text, expected):
    assert described(trees.from_newick(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"missing ';' at position 0, near ''"),
        ("(A,B)r", r"missing ';' at position 6, near '\(A,B\)r'"),
        ("((A,B)r", r"unbalanced parentheses: no '\)' at position 7"),
        ("((A,B);", r"unbalanced parentheses before ';' at position 6"),
        ("(A,B));", r"unbalanced parentheses before '\)' at position 5"),
        ("A,B;", r"unbalanced parentheses before ',' at position 1"),
        ("(A,B)r; C", r"text after ';' at position 8"),
        ("(A:x,B)r;", r"bad length 'x' at position 3, near '\(A:x,B\)r;'"),
        ("(A:,B)r;", r"bad length '' at position 3"),
        ("(A:-1,B)r;", r"bad length '-1' at position 3"),
        ("(A:nan,B)r;", r"bad length 'nan' at position 3"),
        ("(A:1e999,B)r;", r"edge 'r' → 'A' has length inf"),
        ("(A,(B,A)x)r;", r"'A' is named twice, again at position 6"),
        ("(A,)r;", r"a leaf has no name at position 3"),
        ("(A,'')r;", r"a leaf has no name at position 5"),
        ("();", r"a leaf has no name at position 1"),
        (";", r"a leaf has no name at position 0"),
        ("(living thing,B)r;", r"\(a name with blanks needs quotes\) at position 8"),
        ("(A)(B)r;", r"no ',' before '\(' at position 3"),
        ("('A,B)r;", r"no ',', '\)' or ';' .* at position 1"),
        ("(A[note,B)r;", r"no ',', '\)' or ';' .* at position 2"),
    ],
)
def test_from_newick_points_at_the_place(text, message):
    with pytest.raises(ValueError, match=message):
        trees.from_newick(text)


def test_to_newick_quotes_and_measures_only_where_needed():
    tree = nx.DiGraph([("it's", "living thing"), ("it's", "B_b")])
    assert trees.to_newick(tree) == "('living thing',B_b)'it''s';"
    tree.edges["it's", "B_b"]["length"] = np.float32(0.25)
    assert trees.to_newick(tree) == "('living thing':1.0,B_b:0.25)'it''s';"


def test_newick_goes_deeper_than_recursion_would():
    tree = nx.path_graph([f"n{k}" for k in range(3000)], create_using=nx.DiGraph)
    assert described(trees.from_newick(trees.to_newick(tree))) == described(tree)


# from_clustering


@pytest.mark.parametrize("method", ["average", "complete", "single", "weighted", "ward"])
def test_from_clustering_keeps_the_cophenetic_distances(method):
    values = np.random.default_rng(0).normal(size=(7, 4))
    items = [f"item {k}" for k in range(7)]
    tree = trees.from_clustering(values, items, method=method)
    merges = linkage(values, method, optimal_ordering=True)
    assert trees.leaves(tree) == [items[k] for k in leaves_list(merges)]
    assert trees.root(tree) == "cluster 6"
    paths = dict(nx.all_pairs_dijkstra_path_length(tree.to_undirected(), weight="length"))
    distances = [[paths[a][b] for b in items] for a in items]
    np.testing.assert_allclose(distances, 2 * squareform(cophenet(merges)), atol=1e-12)


def test_from_clustering_has_no_negative_lengths_where_centroids_invert():
    triangle = [[0.0, 0.0], [1.0, 0.0], [0.5, 0.9]]
    heights = linkage(triangle, "centroid")[:, 2]
    tree = trees.from_clustering(triangle, ["a", "b", "c"], method="centroid")
    assert heights[1] < heights[0]
    assert tree.edges["cluster 2", "cluster 1"]["length"] == 0


def test_from_clustering_of_one_item_is_that_item():
    assert list(trees.from_clustering([[1.0, 0.0]], ["robin"])) == ["robin"]


@pytest.mark.parametrize(
    ("values", "items", "method", "message"),
    [
        ([[0.0], [1.0]], ["a", "b"], "averge", "no method 'averge'; did you mean 'average'?"),
        ([[0.0], [1.0]], ["a"], "ward", r"shape \(2, 1\) are not 1 items × properties"),
        ([0.0, 1.0], ["a", "b"], "ward", r"shape \(2,\) are not 2 items × properties"),
        ([[0.0], [np.nan]], ["a", "b"], "ward", "are not 2 items × properties, all finite"),
        ([[0.0], [1.0]], ["a", "a"], "ward", "'a' is named twice"),
        ([[0.0], [1.0]], ["a", "cluster 1"], "ward", "'cluster 1' is named twice"),
    ],
)
def test_from_clustering_checks_the_table(values, items, method, message):
    with pytest.raises(ValueError, match=message):
        trees.from_clustering(values, items, method=method)


# asking a tree


def test_root_and_leaves_follow_the_order_of_insertion():
    tree = nx.DiGraph([("x", "b"), ("r", "c"), ("r", "x"), ("x", "a")])
    assert trees.root(tree) == "r"
    assert trees.leaves(tree) == ["c", "b", "a"]


def test_every_question_is_asked_of_a_checked_tree():
    for ask in (trees.root, trees.leaves, trees.ancestors, trees.to_newick):
        with pytest.raises(ValueError, match="more than one root: 'a', 'c'"):
            ask(nx.DiGraph([("a", "b"), ("c", "d")]))


def test_prune_keeps_levels_lengths_and_order():
    tree = trees.random(60, seed=5)
    for k, edge in enumerate(tree.edges):
        tree.edges[edge]["length"] = float(k)
    keep = trees.leaves(tree)[::9]
    before = described(tree)
    pruned = trees.prune(tree, reversed(keep))
    assert trees.leaves(pruned) == keep
    depth = nx.single_source_shortest_path_length(tree, "root")
    assert nx.single_source_shortest_path_length(pruned, "root") == {n: depth[n] for n in pruned}
    assert all(pruned.edges[edge] == tree.edges[edge] for edge in pruned.edges)
    assert described(tree) == before


def test_prune_keeps_the_order_of_a_few_among_many():
    tree = trees.balanced([200])
    keep = trees.leaves(tree)[::20]
    pruned = trees.prune(tree, keep)
    assert list(pruned) == ["root", *keep]
    assert trees.leaves(pruned) == keep


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (["robbin"], "no leaf 'robbin' in the tree; did you mean 'robin'?"),
        (["animal"], "no leaf 'animal' in the tree; allowed: robin, canary"),
        ([], "no leaves to keep"),
    ],
)
def test_prune_knows_the_leaves(keep, message):
    with pytest.raises(ValueError, match=message):
        trees.prune(trees.from_nested(TAXONOMY), keep)


def test_ancestors_repeat_a_shallow_leaf():
    table = trees.ancestors(trees.from_nested(TAXONOMY))
    assert (table.index.name, table.columns.name) == ("item", "level")
    assert list(table.columns) == [0, 1, 2, 3]
    assert table.T.to_dict("list") == {
        "robin": ["root", "animal", "bird", "robin"],
        "canary": ["root", "animal", "bird", "canary"],
        "salmon": ["root", "animal", "fish", "salmon"],
        "oak": ["root", "plant", "oak", "oak"],
        "rose": ["root", "plant", "rose", "rose"],
    }


@given(st.integers(1, 15), st.integers(0, 1000))
def test_common_levels_agree_with_networkx(size, seed):
    tree = trees.random(size, seed=seed)
    table = trees.ancestors(tree)
    depth = nx.single_source_shortest_path_length(tree, trees.root(tree))
    last = len(table.columns) - 1
    expected = [
        [last if a == b else depth[nx.lowest_common_ancestor(tree, a, b)] for b in table.index]
        for a in table.index
    ]
    assert trees.common_levels(table.to_numpy()).tolist() == expected
    assert trees.common_levels(table.to_numpy().astype(str)).tolist() == expected


def test_common_levels_count_leading_levels_only():
    names = np.array([["r", "a", "x"], ["r", "b", "x"]])
    assert trees.common_levels(names).tolist() == [[2, 0], [0, 2]]


def test_common_levels_want_two_dimensions():
    with pytest.raises(ValueError, match=r"shape \(2,\); they are items × levels"):
        trees.common_levels(np.array(["a", "b"]))
