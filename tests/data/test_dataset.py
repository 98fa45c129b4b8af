"""Dataset: what goes in stays as it was, what is wrong is named, what comes out is asked for."""

from __future__ import annotations

import dataclasses
import os
import pickle
import subprocess
import sys
import tracemalloc

import networkx as nx
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev import trees
from semdev.data.dataset import Dataset

ITEMS, PROPERTIES = ["robin", "salmon", "worm"], ["ISA animal", "can fly", "has bones", "wet"]
VALUES = [[1, 1, 1, 0], [1, 0, 1, 1], [1, 0, 0, 1]]


def table(values=VALUES, **coords):
    """A table of three animals, with other coordinates where given."""
    coords = {"item": ITEMS, "property": PROPERTIES} | coords
    return xr.DataArray(values, dims=("item", "property"), coords=coords)


def taxonomy():
    return trees.from_nested({"animal": {"vertebrate": ["robin", "salmon"], "boneless": ["worm"]}})


def garden(values=VALUES, **coords):
    return Dataset(table(values, **coords), taxonomy(), "garden")


# what goes in


def test_missing_coordinates_are_worked_out():
    data = Dataset(table())
    assert data.properties["relation"].values.tolist() == ["ISA", "can", "has", ""]
    assert data.properties["frequency"].values.tolist() == [1.0, 1.0, 1.0]
    assert data.properties.dtype == float
    assert data.properties.dims == ("item", "property")
    assert data.name == "my data"


def test_given_coordinates_are_kept():
    relation, frequency = ["a", "b", "c", "d"], [1, 2, 0.5]
    data = garden(relation=("property", relation), frequency=("item", frequency))
    assert data.properties["relation"].values.tolist() == relation
    assert data.properties["frequency"].values.tolist() == frequency


def test_one_relation_and_one_frequency_hold_for_all():
    data = garden(relation="has", frequency=2)
    assert data.properties["relation"].values.tolist() == ["has"] * 4
    assert data.properties["frequency"].values.tolist() == [2, 2, 2]


def test_a_transposed_table_is_turned():
    xr.testing.assert_identical(Dataset(table().T).properties, Dataset(table()).properties)


def test_names_become_strings():
    data = Dataset(table(item=[3, 1, 2]))
    assert data.properties["item"].values.tolist() == ["3", "1", "2"]


# immutability


def test_the_callers_objects_are_neither_changed_nor_watched():
    given_table, tree = table(np.array(VALUES, float), frequency=("item", [1.0, 2, 3])), taxonomy()
    data = Dataset(given_table, tree)
    before = data.digest
    assert given_table.values.flags.writeable
    assert not nx.is_frozen(tree)
    given_table.values[0, 0] = 9
    given_table["frequency"].values[0] = 9
    given_table.coords["item"] = ["a", "b", "c"]
    tree.edges["animal", "vertebrate"]["length"] = 9
    tree.add_edge("animal", "plankton")
    assert data.digest == before
    assert data.properties.values.tolist() == VALUES


@pytest.mark.parametrize("part", ["item", "property", "relation", "frequency"])
def test_coordinates_are_read_only(part):
    with pytest.raises(ValueError, match="read-only"):
        garden().properties[part].values[0] = 7


def test_values_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        garden().properties[0, 0] = 7


@pytest.mark.parametrize("attribute", ["properties", "tree", "name"])
def test_attributes_are_frozen(attribute):
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"field '{attribute}'"):
        setattr(garden(), attribute, None)


def test_the_tree_is_frozen():
    with pytest.raises(nx.NetworkXError, match="Frozen graph"):
        garden().tree.add_edge("animal", "oak")


def test_two_data_sets_are_equal_only_if_they_are_one():
    one, other = garden(), garden()
    assert one == one
    assert one != other
    assert len({one, other}) == 2


# what is wrong


@pytest.mark.parametrize(
    ("given_table", "error", "message"),
    [
        ([[1]], TypeError, "must be an xarray.DataArray (item × property), got list; for a table"),
        (table().to_pandas(), TypeError, "got DataFrame; for a table use Dataset.from_frame or"),
        (table().rename(item="thing"), ValueError, "dimensions item and property, got ('thing'"),
        (table()[0], ValueError, "dimensions item and property, got ('property',)"),
        (table()[:0], ValueError, "garden has no item: there is nothing to learn"),
        (table()[:, :0], ValueError, "garden has no property: there is nothing to learn"),
        (table().drop_vars("item"), ValueError, "the item coordinate (the names) is missing"),
        (table(item=["a", "b", "a"]), ValueError, "garden: item 'a' is named twice"),
        (table(property=list("abcb")), ValueError, "garden: property 'b' is named twice"),
        (table(item=np.array([1, 2, "1"], object)), ValueError, "garden: item '1' is named twice"),
        (table(item=["a", "", "b"]), ValueError, "garden: item 2 has no name"),
        (table(property=np.array(["a", None, "b", "c"], object)), ValueError, "property 2 has no"),
        (table([list("abcd")] * 3), TypeError, "garden: properties must be numbers; could not"),
        (table(frequency=("item", [1, 0, 1])), ValueError, "frequency of 'salmon' is 0.0; it must"),
        (table(frequency=("item", [1, 1, -2])), ValueError, "frequency of 'worm' is -2.0; it must"),
        (table(frequency=("item", [np.nan, 1, 1])), ValueError, "frequency of 'robin' is nan;"),
        (table(frequency=np.inf), ValueError, "frequency of 'robin' is inf; it must be positive"),
        (
            table(frequency=("property", [1, 1, 1, 1])),
            ValueError,
            "garden: frequency belongs on item, got it on ('property',)",
        ),
        (
            table(relation=("item", ["is"] * 3)),
            ValueError,
            "garden: relation belongs on property, got it on ('item',)",
        ),
    ],
)
def test_a_bad_table_is_refused(given_table, error, message):
    with pytest.raises(error) as caught:
        Dataset(given_table, name="garden")
    assert message in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_empty_or_infinite_cell_is_named(bad):
    values = np.array(VALUES, float)
    values[1, 2] = values[2, 0] = bad
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the whole message follows
        Dataset(table(values), name="garden")
    assert str(caught.value) == (
        "garden: 2 of 12 cells are empty or infinite, the first is 'salmon' × 'has bones'; fill "
        "them in (from_csv and from_frame take fill=0) or leave them out with select()"
    )


def test_a_tree_of_other_leaves_is_refused():
    tree = trees.from_nested({"animal": ["robin", "salmon", "snail"]})
    with pytest.raises(ValueError, match="items not in the tree: ") as caught:
        Dataset(table(), tree, "garden")
    assert str(caught.value) == (
        "garden: the leaves of the tree must be the items; "
        "items not in the tree: ['worm'], leaves that are no item: ['snail']"
    )


def test_no_tree_is_refused_as_a_tree():
    with pytest.raises(ValueError, match="the tree has a cycle: a → b → a"):
        Dataset(table(), nx.DiGraph([("a", "b"), ("b", "a")]))


# coding, digest, repr


@pytest.mark.parametrize(
    ("values", "coding"),
    [
        (VALUES, "0/1"),
        (np.array(VALUES, bool), "0/1"),
        (np.zeros((3, 4)), "0/1"),
        (np.ones((3, 4)), "0/1"),
        (2 * np.array(VALUES) - 1, "±1"),
        (-np.ones((3, 4)), "±1"),
        (np.array(VALUES) / 2, "graded"),
        (np.array(VALUES) - 1, "graded"),
        (np.array(VALUES) * 2 - np.array(VALUES)[::-1], "graded"),
    ],
)
def test_coding_is_read_off_the_values(values, coding):
    data = garden(values)
    assert data.coding == coding
    assert f"coded {coding};" in repr(data)


@pytest.mark.parametrize("scale", [1e-3, 10.0])
def test_coding_and_digest_of_many_values_take_little_room(scale):
    values = scale * np.random.default_rng(0).normal(size=(300, 400))
    values[0] = 0.0
    names = [[f"{kind} {k}" for k in range(n)] for kind, n in (("item", 300), ("has", 400))]
    coords = dict(zip(("item", "property"), names, strict=True))
    data = Dataset(xr.DataArray(values, coords, ("item", "property")))
    tracemalloc.start()
    assert data.coding == "graded"
    assert len(data.digest) == 16
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * values.nbytes


def lengthened():
    tree = taxonomy()
    tree.edges["animal", "vertebrate"]["length"] = 2
    return tree


@pytest.mark.parametrize(
    "other",
    [
        garden(1 - np.array(VALUES)),
        garden(item=["robin", "worm", "salmon"]),
        garden(property=PROPERTIES[::-1]),
        garden(relation="has"),
        garden(frequency=2),
        Dataset(table()),
        Dataset(table(), lengthened()),
        Dataset(table(), trees.from_nested({"animal": ["robin", "salmon", "worm"]})),
    ],
)
def test_digest_tells_every_component(other):
    assert other.digest != garden().digest


def test_digest_is_the_same_however_the_data_set_was_made():
    plain = nx.DiGraph(
        {
            "vertebrate": ["salmon", "robin"],
            "animal": ["boneless", "vertebrate"],
            "boneless": ["worm"],
        }
    )
    nx.set_edge_attributes(plain, np.float64(1), "length")
    made = [
        Dataset(table(np.array(VALUES, bool)).T, plain, "another name"),
        garden(frequency=1),
        garden().select(items=ITEMS),
        pickle.loads(pickle.dumps(garden())),
    ]
    assert [each.digest for each in made] == [garden().digest] * len(made)


def test_digest_is_the_same_in_another_process():
    code = "import semdev as sd; print(sd.load('rumelhart8').digest)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == sd.load("rumelhart8").digest
    assert len(run.stdout.strip()) == 16


def test_repr_tells_what_is_in_it():
    assert repr(garden()) == (
        "<Dataset 'garden': 3 items × 4 properties, coded 0/1; "
        "relations (none) 1, ISA 1, can 1, has 1; tree of 3 levels>"
    )
    assert repr(Dataset(table())).endswith("; no tree>")


# select


def test_select_keeps_the_order_asked_for_and_prunes_the_tree():
    data = garden(frequency=("item", [1, 2, 3]))
    part = data.select(items=["worm", "robin"], properties=["wet", "can fly"])
    assert part.properties.values.tolist() == [[1, 0], [0, 1]]
    assert part.properties["item"].values.tolist() == ["worm", "robin"]
    assert part.properties["relation"].values.tolist() == ["", "can"]
    assert part.properties["frequency"].values.tolist() == [3, 1]
    assert trees.to_newick(part.tree) == "((robin)vertebrate,(worm)boneless)animal;"
    assert part.name == "garden"
    assert data.properties.shape == (3, 4)
    assert set(data.tree) == set(taxonomy())


def test_select_takes_one_name_a_generator_and_a_coordinate():
    data = garden()
    by_name = data.select(items="worm").properties
    assert by_name["item"].values.tolist() == ["worm"]
    bony = data.properties.sel(property="has bones") == 1
    part = data.select(items=data.properties["item"][bony], properties=(p for p in PROPERTIES[:2]))
    assert part.properties["item"].values.tolist() == ["robin", "salmon"]
    assert part.properties["property"].values.tolist() == PROPERTIES[:2]
    assert Dataset(table()).select(items="worm").tree is None


@settings(deadline=None)
@given(st.permutations(ITEMS), st.permutations(PROPERTIES), st.data())
def test_select_is_the_tables_own_rows_and_columns(items, properties, data):
    items = items[: data.draw(st.integers(1, 3))]
    part = garden().select(items=items, properties=properties)
    expected = table().to_pandas().loc[items, properties]
    np.testing.assert_array_equal(part.properties.values, expected.to_numpy())
    assert set(trees.leaves(part.tree)) == set(items)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"items": ["robbin"]}, KeyError, "no item 'robbin' in garden; did you mean 'robin'?"),
        (
            {"properties": ["has bone"]},
            KeyError,
            "no property 'has bone' in garden; did you mean 'has bones'?",
        ),
        ({"items": "xyz"}, KeyError, "no item 'xyz' in garden; allowed: robin, salmon, worm"),
        ({"items": ["worm", "worm"]}, ValueError, "garden: item 'worm' is named twice"),
        ({"items": []}, ValueError, "no leaves to keep: a tree needs at least one"),
        ({"properties": []}, ValueError, "garden has no property: there is nothing to learn"),
    ],
)
def test_select_says_what_is_not_there(asked, error, message):
    with pytest.raises(error) as caught:
        garden().select(**asked)
    assert str(caught.value) == message
