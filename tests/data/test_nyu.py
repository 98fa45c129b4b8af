"""Writing the NYU homework's text files: by hand, there and back, and what they cannot hold."""

from __future__ import annotations

import tempfile

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import semdev as sd
from semdev.data.dataset import Dataset
from semdev.measures.similarity import item_distances


def make(values, items, properties, **coords):
    table = xr.DataArray(
        np.array(values, dtype=float), dims=("item", "property"),
        coords={"item": items, "property": properties, **coords},
    )  # fmt: skip
    return Dataset(table)


@pytest.fixture
def garden():
    return make([[1, 0, 1], [0, 1, 0.5]], ["robin", "worm"], ["can fly", "ISA worm", "has wings"])


def test_by_hand(garden, tmp_path):
    garden.to_nyu(tmp_path)
    written = {path.name: path.read_bytes().decode() for path in tmp_path.iterdir()}
    assert written == {
        "sem_items.txt": "robin\nworm\n",
        "sem_relations.txt": "can\nISA\nhas\n",
        "sem_attributes.txt": "fly\nworm\nwings\n",
        "sem_data.txt": (
            "1 0 1 0 0 1 0 0\n1 0 0 1 0 0 0 0\n1 0 0 0 1 0 0 1\n"
            "0 1 1 0 0 0 0 0\n0 1 0 1 0 0 1 0\n0 1 0 0 1 0 0 0.5\n"
        ),
    }


def test_the_eight_items_have_the_shapes_of_the_homework_and_come_back(tmp_path):
    corpus = sd.load("rumelhart8")
    corpus.to_nyu(tmp_path / "homework" / "data")
    rows = np.loadtxt(tmp_path / "homework" / "data" / "sem_data.txt")
    assert rows.shape == (32, 8 + 4 + 36)
    assert rows[:, 12:].sum() == 93
    assert rows[:, :12].sum() == 2 * 32
    with (tmp_path / "homework" / "data" / "sem_relations.txt").open() as file:
        assert [line.strip() for line in file.readlines()] == ["ISA", "is", "can", "has"]
    again = Dataset.from_nyu(str(tmp_path / "homework" / "data"), tree=corpus.tree)
    assert again.digest == corpus.digest


def test_the_rows_are_the_patterns_that_networks_are_shown(tmp_path):
    corpus = sd.load("rumelhart8")
    corpus.to_nyu(tmp_path)
    rows = np.loadtxt(tmp_path / "sem_data.txt")
    patterns = sd.make_patterns(corpus, relations=True)
    names = (tmp_path / "sem_relations.txt").read_text().split()
    sorted_relations = 8 + np.argsort(names)  # patterns have the relations in alphabetical order
    shown = np.concatenate([rows[:, :8], rows[:, sorted_relations]], axis=1)
    ours = [tuple(row) for row in np.c_[patterns.inputs, patterns.targets].tolist()]
    assert sorted(ours) == sorted(map(tuple, np.c_[shown, rows[:, 12:]].tolist()))


def test_21_items_come_back_with_the_level_in_the_name(tmp_path):
    corpus = sd.load("rogers2004")
    corpus.to_nyu(tmp_path)
    table = Dataset.from_nyu(tmp_path).properties
    np.testing.assert_array_equal(table.values, corpus.properties.values)
    assert table["relation"].values.tolist() == corpus.properties["relation"].values.tolist()
    assert table["property"].values[[0, 2, 11, -1]].tolist() == [
        "ISA_general plant", "ISA_basic tree", "ISA_specific pine", "has fur",
    ]  # fmt: skip
    Dataset.from_nyu(tmp_path).to_nyu(tmp_path / "again")
    for path in tmp_path.glob("*.txt"):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_one_attribute_may_have_two_relations(tmp_path):
    data = make([[1, 0, 1], [0, 1, 1]], ["a", "b"], ["is big", "can fly", "can big"])
    data.to_nyu(tmp_path)
    assert (tmp_path / "sem_attributes.txt").read_text() == "big\nfly\n"
    again = Dataset.from_nyu(tmp_path)
    assert again.properties["property"].values.tolist() == ["is big", "can big", "can fly"]
    properties = data.properties["property"].values.tolist()
    assert again.select(properties=properties).digest == data.digest


def test_a_property_of_the_first_relation_that_nobody_has_stays(tmp_path):
    data = make([[1, 0, 1], [1, 0, 0]], ["a", "b"], ["is big", "is red", "can fly"])
    data.to_nyu(tmp_path)
    assert Dataset.from_nyu(tmp_path).digest == data.digest


CELL = st.sampled_from([0.0, 1.0, -1.0]) | st.floats(allow_nan=False, allow_infinity=False)
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=4)


@given(st.data())
def test_there_and_back_in_any_order_of_items(data):
    items = data.draw(st.lists(LINE, min_size=1, max_size=4, unique=True))
    words = data.draw(st.lists(LINE, min_size=1, max_size=5, unique=True))
    relations = data.draw(st.lists(st.sampled_from(["ISA", "is", "goes"]), min_size=len(words),
                                   max_size=len(words)))  # fmt: skip
    row = st.lists(CELL, min_size=len(words), max_size=len(words))
    values = np.array(data.draw(st.lists(row, min_size=len(items), max_size=len(items))))
    values[0] += ~values.any(0)  # every property is somebody's
    names = [f"{relation} {word}" for relation, word in zip(relations, words, strict=True)]
    world = make(values, items, names, relation=("property", relations))
    turned = world.select(items=data.draw(st.permutations(items)))
    with tempfile.TemporaryDirectory() as folder:
        turned.to_nyu(folder)
        again = Dataset.from_nyu(folder)
    xr.testing.assert_identical(
        again.select(items=items, properties=names).properties, world.properties
    )


def test_a_homework_folder_teaches_what_the_corpus_teaches(tmp_path):
    sd.load("rumelhart8").to_nyu(tmp_path)
    read = Dataset.from_nyu(tmp_path, tree=sd.load("rumelhart8").tree)
    runs = [
        sd.train(sd.Rumelhart(), data, seeds=1, steps=20, record=2, progress=False)
        for data in (read, sd.load("rumelhart8"))
    ]
    np.testing.assert_array_equal(*(item_distances(run).values for run in runs))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            make([[1, 1]], ["robin"], ["can fly", "wings"]),
            "the NYU format needs a relation for every property, and 'wings' has none: see "
            "relations= of from_frame",
        ),
        (
            make([[1]], ["robin"], ["can fly"], frequency=("item", [2])),
            "the NYU format has no place for frequencies: use to_csv",
        ),
        (
            make([[1, 1]], ["a"], ["has fur", "fur"], relation=("property", ["has"] * 2)),
            "'has fur' and 'fur' would both be the attribute 'fur' of the relation 'has'",
        ),
        (
            make([[1]], ["two\nlines"], ["can fly"]),
            "the NYU format has a name a line, without outer blanks; got 'two\\nlines'",
        ),
        (
            make([[1]], ["robin"], ["can fly "]),
            "the NYU format has a name a line, without outer blanks; got 'fly '",
        ),
        (
            make([[1, 0]], ["robin"], ["can fly", "has fur"]),
            "no item has 'has fur', and the NYU format knows an attribute's relation only from an "
            "item that has it: leave it out with select()",
        ),
        (
            make([[0, 1]], ["robin"], ["is big", "can big"]),
            "no item has 'is big', and the NYU format knows an attribute's relation only from an "
            "item that has it: leave it out with select()",
        ),
    ],
)
def test_what_the_format_cannot_hold_is_refused_before_a_file_is_written(data, message, tmp_path):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the whole message follows
        data.to_nyu(tmp_path / "new")
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []
