"""The bundled corpora: their counts as published, their trees, their pages, where they are."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import semdev as sd
from semdev import trees
from semdev.data import bundled, corpora

SOURCES = {
    "cao2020": "Cao, Y., Summerfield, C. & Saxe, A. (2020)",
    "living_things": "Written for this package",
    "rogers2004": "Rogers, T. T. & McClelland, J. L. (2004)",
    "rumelhart8": "Rumelhart, D. E. (1990)",
    "saxe2014": "Saxe, A. M., McClelland, J. L. & Ganguli, S. (2014)",
    "saxe2019": "Saxe, A. M., McClelland, J. L. & Ganguli, S. (2019)",
    "zoo": "UCI",
}
PUBLISHED = {
    "rumelhart8": ((8, 36), 93, [6.81, 4.47, 3.04, 3.00, 2.04, 1.38, 1.14, 1.00]),
    "rogers2004": ((21, 53), 225, [10.07, 6.55, 4.32, 3.95, 3.56, 2.45, 2.25, 2.05, 1.58]),
    "saxe2014": ((4, 5), 6, np.sqrt([3, 1, 1, 1])),
    "saxe2019": ((4, 7), 12, np.sqrt([7, 3, 1, 1])),
    "cao2020": ((8, 15), 32, np.sqrt([15, 7, 3, 3, 1, 1, 1, 1])),
    "zoo": ((101, 23), None, [21.10, 10.86, 8.38, 5.98, 5.04, 4.01, 3.49, 3.34]),
}


def true_of(data, item):
    table = data.properties
    return set(table["property"].values[table.sel(item=item).values == 1])


def test_the_list():
    assert corpora.list_corpora() == list(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_every_corpus_loads_with_its_tree_and_its_page(name):
    data, page = sd.load(name), sd.describe(name)
    assert data.name == name
    assert sorted(trees.leaves(data.tree)) == sorted(data.properties["item"].values)
    assert set(np.unique(data.properties["relation"].values)) - {""}
    assert (data.properties["frequency"] == 1).all()
    assert data.properties.any("item").all()
    assert data.properties.any("property").all()
    assert page.startswith("# ")
    assert SOURCES[name] in page
    assert "licence" in page.casefold()
    assert "## Traps" in page


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_and_singular_values_are_those_published(name):
    shape, ones, singular_values = PUBLISHED[name]
    values = sd.load(name).properties.values
    assert values.shape == shape
    assert ones is None or (values == 1).sum() == ones == values.sum()
    found = np.linalg.svd(values, compute_uv=False)[: len(singular_values)]
    np.testing.assert_allclose(found, singular_values, atol=0.0051)


@pytest.mark.parametrize("name", SOURCES)
def test_a_corpus_is_what_pandas_reads(name):
    frame = pd.read_csv(corpora.find_folder() / f"{name}.csv", index_col="item", dtype=str)
    table = sd.load(name).properties
    assert frame.index[0] == "relation"
    assert frame.loc["relation"].tolist() == table["relation"].values.tolist()
    np.testing.assert_array_equal(frame.iloc[1:].astype(float).to_numpy(), table.values)
    assert frame.index[1:].tolist() == table["item"].values.tolist()
    assert frame.columns.tolist() == table["property"].values.tolist()


def test_relations_of_the_two_classic_corpora():
    for name, relations in {
        "rumelhart8": {"ISA": 15, "is": 6, "can": 5, "has": 10},
        "rogers2004": {
            "ISA_general": 2, "ISA_basic": 9, "ISA_specific": 16, "is": 8, "can": 6, "has": 12,
        },
    }.items():  # fmt: skip
        counts = pd.Series(sd.load(name).properties["relation"].values).value_counts()
        assert counts.to_dict() == relations


def test_the_pine_has_no_leaves_and_is_alone_in_it():
    data = sd.load("rumelhart8")
    leaves = data.properties.sel(property="has leaves")
    plants = data.properties.sel(property="ISA plant") == 1
    assert leaves["item"][plants & (leaves == 0)].values.tolist() == ["pine"]
    assert true_of(data, "canary") == {
        "ISA living thing", "ISA animal", "ISA bird", "ISA canary", "is living", "is yellow",
        "can grow", "can move", "can fly", "can sing", "has skin", "has wings", "has feathers",
    }  # fmt: skip


def test_zoo():
    data = sd.load("zoo")
    table = data.properties
    assert data.coding == "graded"
    assert (table["relation"] == "ISA").sum() == 7
    classes = table.sel(property=table["relation"] == "ISA")
    assert (classes.sum("property") == 1).all()
    assert sorted(classes.sum("item").values) == [4, 5, 8, 10, 13, 20, 41]
    backbone = table.sel(property="has a backbone")
    assert backbone.sel(item=["worm", "octopus"]).values.tolist() == [0, 0]
    vertebrate = classes.sel(property=[f"ISA {c}" for c in VERTEBRATES]).any("property")
    np.testing.assert_array_equal(backbone == 1, vertebrate)


VERTEBRATES = ["mammal", "bird", "fish", "reptile", "amphibian"]


def test_living_things_have_bones_exactly_if_they_are_vertebrates():
    data = sd.load()
    table = data.properties
    assert data.name == "living_things"
    assert data.coding == "0/1"
    assert table.shape[0] >= 28
    assert table.shape[1] >= 80
    assert set(table["relation"].values) == {"ISA", "is", "can", "has"}
    assert "has bones" not in true_of(data, "worm")
    vertebrate = table.sel(property=[f"ISA {c}" for c in VERTEBRATES]).any("property")
    np.testing.assert_array_equal(table.sel(property="has bones") == 1, vertebrate)
    animal = table.sel(property="ISA animal") == 1
    invertebrate = table.sel(property="ISA invertebrate") == 1
    np.testing.assert_array_equal(animal, vertebrate | invertebrate)
    np.testing.assert_array_equal(table.sel(property="ISA plant") == 1, ~animal)


def test_most_properties_of_living_things_are_shared():
    having = sd.load("living_things").properties.sum("item")
    assert (having >= 2).mean() > 0.8
    assert sd.load("living_things").properties.T.to_pandas().duplicated().mean() < 0.2


def test_the_tree_of_living_things_is_not_the_tables_own_clustering():
    data = sd.load("living_things")
    own = trees.from_clustering(data.properties.values, data.properties["item"].values.tolist())

    items = set(trees.leaves(own))
    ours, theirs = (
        {frozenset(items & nx.descendants(tree, node)) for node in tree}
        for tree in (data.tree, own)
    )
    assert not ours <= theirs
    assert "worm" in nx.descendants(data.tree, "invertebrate")


@pytest.mark.parametrize("door", [sd.load, sd.describe])
def test_an_unknown_corpus_is_refused(door):
    with pytest.raises(KeyError) as caught:
        door("rumelhart")
    assert str(caught.value) == "no corpus 'rumelhart' in semdev; did you mean 'rumelhart8'?"
    with pytest.raises(KeyError, match="no corpus 'xyz' in semdev; allowed: cao2020, living_thi"):
        door("xyz")


@pytest.mark.parametrize("installed", [True, False])
def test_the_folder_of_a_wheel_and_of_a_checkout(installed, tmp_path, monkeypatch):
    package = tmp_path / "semdev"
    package.mkdir()
    monkeypatch.setattr(bundled, "files", lambda name: tmp_path / name)
    with pytest.raises(FileNotFoundError) as caught:
        corpora.find_folder()
    beside, inside = tmp_path / "datasets", package / "_data"
    assert str(caught.value) == (f"the bundled corpora are in none of {[str(inside), str(beside)]}")
    for folder in [beside, inside] if installed else [beside]:
        folder.mkdir()
        (folder / "living_things.csv").write_text("item,can fly\nrobin,1\n")
    assert corpora.find_folder() == (inside if installed else beside)
    assert corpora.list_corpora() == ["living_things"]
    data = corpora.load()
    assert data.tree is None
    assert data.properties.sel(item="robin", property="can fly") == 1


@pytest.mark.parametrize("name", bundled.list_corpora())
def test_the_outline_is_what_is_loaded(name: str) -> None:
    world = sd.load(name)
    assert bundled.outline(name) == (*world.properties.shape, world.coding)
