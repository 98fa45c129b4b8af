"""Worlds from trees: draws against theory, inheritance by hand, every error by its words."""

from __future__ import annotations

import random
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev import trees
from semdev.data.generators import branching_diffusion, nested_features

MANY = 20_000  # properties; a mean product is then within 0.03 by more than four standard errors
BIRDS = {"animal": {"bird": ["robin", "penguin"], "mammal": ["bat", "dog"]}}


def mean_products(data):
    """The mean over properties of the product of every two items."""
    values = data.properties.values
    return values @ values.T / values.shape[1]


# branching diffusion


def test_diffusion_is_named_and_carries_its_tree():
    data = branching_diffusion([2, 2], seed=1, properties=3)
    assert data.properties["item"].values.tolist() == ["item 1", "item 2", "item 3", "item 4"]
    assert data.properties["property"].values.tolist() == [f"has feature {k}" for k in (1, 2, 3)]
    assert set(data.properties["relation"].values) == {"has"}
    assert set(data.tree.edges) == set(trees.balanced([2, 2]).edges)
    assert data.name == "branching diffusion"
    assert branching_diffusion([2], seed=1, name="mine").name == "mine"
    assert branching_diffusion([2], seed=1).properties.shape == (2, 100)


def test_diffusion_depends_on_its_seed_alone():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002  # the global state is what is looked at
    states = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    first = branching_diffusion([2, 3], seed=7)
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    assert branching_diffusion([2, 3], seed=7).digest == first.digest
    assert branching_diffusion([2, 3], seed=8).digest != first.digest


def test_diffusion_leaves_the_tree_alone():
    tree = trees.from_nested(BIRDS)
    before = trees.to_newick(tree)
    data = branching_diffusion(tree, seed=1)
    assert trees.to_newick(tree) == before
    assert not nx.is_frozen(tree)
    assert data.properties["item"].values.tolist() == ["robin", "penguin", "bat", "dog"]


def test_two_codings_of_one_draw():
    signed = branching_diffusion([2, 2], seed=3)
    zero_one = branching_diffusion([2, 2], seed=3, coding="0/1")
    assert (signed.coding, zero_one.coding) == ("±1", "0/1")
    np.testing.assert_array_equal(2 * zero_one.properties - 1, signed.properties)


@pytest.mark.parametrize(("flip", "change"), [(0, 1), (1, -1), ([1, 0], -1), ([1, 1], 1)])
def test_certain_flips_by_hand(flip, change):
    levels = 2 if isinstance(flip, list) else 1
    data = branching_diffusion([2] * levels, seed=1, flip=flip, root=1, properties=5)
    assert (data.properties == change).all()


@pytest.mark.parametrize("root", [0.2, 0.5, 1])
def test_the_share_of_true_properties_at_the_root(root):
    data = branching_diffusion([1], seed=1, flip=0, root=root, properties=MANY)
    assert (data.properties == 1).mean() == pytest.approx(root, abs=0.015)


@pytest.mark.parametrize(
    ("branching", "flip"), [([2, 2, 2], 0.15), ([2, 3], [0.1, 0.2]), ([3, 2, 1], [0.3, 0.05, 0.4])]
)
def test_two_items_agree_by_the_level_at_which_they_part(branching, flip):
    data = branching_diffusion(branching, seed=4, flip=flip, properties=MANY)
    keep = (1 - 2 * np.broadcast_to(flip, len(branching))) ** 2
    q = np.array([keep[level:].prod() for level in range(len(branching) + 1)])
    parted = trees.common_levels(trees.ancestors(data.tree))
    np.testing.assert_allclose(mean_products(data), q[parted], atol=0.03)


def test_long_edges_flip_more():
    tree = nx.DiGraph()
    for child, length in {"near": 0.5, "far": 2.0, "same": 0.0}.items():
        tree.add_edge("root", child, length=length)
    products = mean_products(branching_diffusion(tree, seed=5, flip=0.2, properties=MANY))
    lengths = np.array([0.5, 2.0, 0.0])
    for a, b in combinations(range(3), 2):
        assert products[a, b] == pytest.approx(0.6 ** (lengths[a] + lengths[b]), abs=0.03)


@pytest.mark.parametrize("coding", ["±1", "0/1"])
@pytest.mark.parametrize(("branching", "flip"), [([2, 2, 2], 0.15), ([3, 2], [0.1, 0.25])])
def test_singular_values_are_those_of_theory(branching, flip, coding):
    data = branching_diffusion(branching, seed=6, flip=flip, properties=10_000, coding=coding)
    theory = sd.theory.branching_singular_values(
        branching, flip=flip, properties=10_000, coding=coding
    )
    expected = np.repeat(theory.values, theory["multiplicity"].values)
    sampled = np.linalg.svd(data.properties.values, compute_uv=False)
    np.testing.assert_allclose(sampled, expected, rtol=0.05)


def test_the_order_of_levels_holds_in_nearly_every_draw():
    ancestors = trees.ancestors(trees.balanced([2, 2, 2])).to_numpy()
    same = ancestors[:, None] == ancestors[None]
    means = [same[..., level] / same[..., level].sum(1) for level in range(4)]
    below = [means[0], *np.diff(means, axis=0)]  # what a level adds to the means above it
    kept = 0
    for seed in range(200):
        values = branching_diffusion([2, 2, 2], seed=seed, flip=0.15).properties.values
        energy = [np.square(part @ values).sum() / np.trace(part) for part in below]
        kept += bool((np.diff(energy) < 0).all())
    assert kept >= 190


@pytest.mark.parametrize(
    ("tree", "options", "error", "message"),
    [
        ([2], {"properties": 0}, ValueError, "properties must be at least 1, got 0"),
        ([2], {"flip": 1.1}, ValueError, "flip and root are probabilities, 0 to 1; got 1.1 and 0."),
        ([2], {"flip": [-0.1]}, ValueError, "probabilities, 0 to 1; got [-0.1] and 0.5"),
        ([2], {"flip": np.nan}, ValueError, "probabilities, 0 to 1; got nan and 0.5"),
        ([2], {"root": 2}, ValueError, "probabilities, 0 to 1; got 0.15 and 2"),
        ([2, 2], {"flip": [0.1]}, ValueError, "one for each of the 2 levels below the root; got 1"),
        ([2], {"coding": "±2"}, KeyError, "no coding '±2' in branching_diffusion; allowed: ±1, 0"),
        ([0], {}, ValueError, "branching [0] is not a list of integers ≥ 1"),
        (nx.DiGraph(["ab", "cb"]), {}, ValueError, "'b' has more than one parent: 'a', 'c'"),
    ],
)
def test_a_diffusion_that_cannot_be_is_refused(tree, options, error, message):
    with pytest.raises(error) as caught:
        branching_diffusion(tree, seed=1, **options)
    assert message in str(caught.value)


def test_long_edges_refuse_flips_above_one_half():
    tree = nx.DiGraph()
    tree.add_edge("root", "leaf", length=2)
    with pytest.raises(ValueError, match=r"edge lengths other than 1 need flip ≤ 0\.5, got 0\.6"):
        branching_diffusion(tree, seed=1, flip=0.6)


# nested features


def test_a_penguin_does_not_fly_and_a_bat_does():
    data = nested_features(
        trees.from_nested(BIRDS),
        features={"animal": ["can move"], "bird": ["has wings", "can fly"], "dog": "can bark"},
        exceptions=[("penguin", "can fly"), ("bat", "can fly"), ("bat", "has wings")],
        name="birds",
    )
    frame = data.properties.to_pandas()
    assert frame.columns.tolist() == ["can move", "has wings", "can fly", "can bark"]
    assert frame.loc["robin"].tolist() == [1, 1, 1, 0]
    assert frame.loc["penguin"].tolist() == [1, 1, 0, 0]
    assert frame.loc["bat"].tolist() == [1, 1, 1, 0]
    assert frame.loc["dog"].tolist() == [1, 0, 0, 1]
    assert data.properties["relation"].values.tolist() == ["can", "has", "can", "can"]
    assert (data.name, data.coding) == ("birds", "0/1")
    assert trees.leaves(data.tree) == frame.index.tolist()


def test_as_many_features_for_every_node():
    data = nested_features([2, 2], features=2)
    assert data.properties.shape == (4, 14)
    assert data.properties["property"].values[:3].tolist() == [
        "has root feature 1",
        "has root feature 2",
        "has node 1.1 feature 1",
    ]
    assert nested_features([2, 2]).properties.shape == (4, 21)
    assert nested_features([2, 2], features=np.int64(2)).digest == data.digest
    assert nested_features([2, 2], features=np.array([2, 2, 2])).digest == data.digest


def test_one_property_for_every_node_is_the_bundled_corpus():
    made = nested_features([2, 2, 2], features=1)
    squared = np.linalg.svd(made.properties.values, compute_uv=False) ** 2
    np.testing.assert_allclose(squared, [15, 7, 3, 3, 1, 1, 1, 1])
    columns = {tuple(column) for column in made.properties.values.T}
    assert columns == {tuple(column) for column in sd.load("cao2020").properties.values.T}


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(any))
def test_features_for_each_level_are_inherited(features):
    tree = trees.balanced([2, 3])
    data = nested_features(tree, features=features)
    level = nx.single_source_shortest_path_length(tree, "root")
    for item in trees.leaves(tree):
        line = {item} | nx.ancestors(tree, item)
        true = data.properties["property"][data.properties.sel(item=item) == 1].values
        owners = [name.removeprefix("has ").split(" feature ")[0] for name in true]
        assert set(owners) == {node for node in line if features[level[node]]}
        assert len(owners) == sum(features)


def test_nested_features_leave_the_callers_objects_alone():
    tree, features = trees.from_nested(BIRDS), {"bird": ["can fly"]}
    nested_features(tree, features=features, exceptions=[("penguin", "can fly")])
    assert features == {"bird": ["can fly"]}
    assert not nx.is_frozen(tree)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"exceptions": [("pengiun", "has bird feature 1")]},
            KeyError,
            "no item 'pengiun' in the tree (exceptions=); did you mean 'penguin'?",
        ),
        (
            {"features": {"bird": ["can fly"]}, "exceptions": [("penguin", "can flyy")]},
            KeyError,
            "no property 'can flyy' in the features (exceptions=); did you mean 'can fly'?",
        ),
        (
            {"features": {"birds": 1}},
            KeyError,
            "no node 'birds' in the tree (features=); did you mean 'bird'?",
        ),
        (
            {"features": {"bird": ["can fly"], "bat": ["can fly"]}},
            ValueError,
            "property 'can fly' is owned by two nodes",
        ),
        ({"features": 0}, ValueError, "no node owns a property: there is nothing to learn"),
        ({"features": {}}, ValueError, "no node owns a property: there is nothing to learn"),
        ({"features": [1, 2]}, ValueError, "features needs one number for each of the 3 levels"),
    ],
)
def test_features_that_cannot_be_are_refused(options, error, message):
    with pytest.raises(error) as caught:
        nested_features(trees.from_nested(BIRDS), **options)
    assert str(caught.value) == message
