"""The two corpora of Rumelhart's network, cell by cell, against tables typed here anew.

The eight items are those of Rumelhart (1990) and Rumelhart & Todd (1993), as public teaching
versions have them; the 21 are table B-2 of Rogers & McClelland (2004).
"""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd

EIGHT = """
item    | ISA                            | is                | can            | has
pine    | living_thing plant tree pine     | big living green     | grow           | roots bark branches
oak     | living_thing plant tree oak      | big living           | grow           | roots leaves bark branches
rose    | living_thing plant flower rose   | pretty living red    | grow           | roots leaves petals
daisy   | living_thing plant flower daisy  | pretty living yellow | grow           | roots leaves petals
robin   | living_thing animal bird robin   | living red           | grow move fly  | skin wings feathers
canary  | living_thing animal bird canary  | living yellow        | grow move fly sing | skin wings feathers
sunfish | living_thing animal fish sunfish | living yellow        | grow move swim | skin gills scales
salmon  | living_thing animal fish salmon  | living red           | grow move swim | skin gills scales
"""  # noqa: E501
TWENTY_ONE = """
item   | ISA_general | ISA_basic | ISA_specific | is         | can            | has
pine      | plant  | tree   | pine      | living green             | grow | roots bark branches
oak       | plant  | tree   | oak       | big living               | grow | leaves roots bark branches
maple     | plant  | tree   | maple     | big living red twirly    | grow | leaves roots bark branches
birch     | plant  | tree   | birch     | big living white         | grow | leaves roots bark branches
rose      | plant  | flower | rose      | pretty living red        | grow | leaves roots petals
daisy     | plant  | flower | daisy     | pretty living yellow     | grow | leaves roots petals
tulip     | plant  | flower | tulip     | pretty living white      | grow | leaves roots petals
sunflower | plant  | flower | sunflower | pretty big living yellow | grow | leaves roots petals
robin     | animal | bird   | robin     | living red     | grow move fly | skin legs wings feathers
canary    | animal | bird   | canary    | pretty living yellow | grow move fly sing | skin legs wings feathers
sparrow   | animal | bird   | sparrow   | living         | grow move fly | skin legs wings feathers
penguin   | animal | bird   | penguin   | living white   | grow move swim walk | skin legs wings feathers
sunfish   | animal | fish   | sunfish   | living yellow  | grow move swim | skin scales gills
salmon    | animal | fish   | salmon    | big living red | grow move swim | skin scales gills
flounder  | animal | fish   | flounder  | living         | grow move swim | skin scales gills
cod       | animal | fish   | cod       | living white   | grow move swim | skin scales gills
cat       | animal | cat    |           | pretty living  | grow move walk | skin legs fur
dog       | animal | dog    |           | big living     | grow move walk | skin legs fur
mouse     | animal | mouse  |           | living         | grow move walk | skin legs fur
goat      | animal | goat   |           | big living     | grow move walk | skin legs fur
pig       | animal | pig    |           | big living     | grow move walk | skin legs
"""  # noqa: E501
TABLES = {"rumelhart8": EIGHT, "rogers2004": TWENTY_ONE}
COUNTS = {
    "rumelhart8": {"ISA": (15, 32), "is": (6, 19), "can": (5, 17), "has": (10, 25)},
    "rogers2004": {
        "ISA_general": (2, 21), "ISA_basic": (9, 21), "ISA_specific": (16, 16), "is": (8, 49),
        "can": (6, 49), "has": (12, 69),
    },
}  # fmt: skip
SINGULAR = {
    "rumelhart8": [6.81, 4.47, 3.04, 3.00, 2.04, 1.38, 1.14, 1.00],
    "rogers2004": [10.07, 6.55, 4.32, 3.95, 3.56, 2.45, 2.25, 2.05, 1.58],
}
NAMES = sorted(TABLES)
MAMMALS = ["cat", "dog", "mouse", "goat", "pig"]
ALIKE = {  # columns that no learner can tell apart
    "rumelhart8": [
        {"ISA living thing", "is living", "can grow"},
        {"ISA plant", "has roots"},
        {"ISA animal", "can move", "has skin"},
        {"ISA tree", "is big", "has bark", "has branches"},
        {"ISA flower", "is pretty", "has petals"},
        {"ISA bird", "can fly", "has wings", "has feathers"},
        {"ISA fish", "can swim", "has gills", "has scales"},
        {"ISA pine", "is green"},
        {"ISA canary", "can sing"},
    ],
    "rogers2004": [
        {"is living", "can grow"},
        {"ISA plant", "has roots"},
        {"ISA animal", "can move", "has skin"},
        {"ISA tree", "has bark", "has branches"},
        {"ISA flower", "has petals"},
        {"ISA bird", "has wings", "has feathers"},
        {"ISA fish", "has scales", "has gills"},
        {"ISA pine", "is green"},
        {"ISA maple", "is twirly"},
        {"ISA canary", "can sing"},
    ],
}


def facts_of(text):
    """Return every fact of a table as (item, relation, property)."""
    head, *rows = [[cell.strip() for cell in row.split("|")] for row in text.strip().splitlines()]
    found = set()
    for item, *cells in rows:
        for relation, words in zip(head[1:], cells, strict=True):
            first = relation.split("_")[0]
            found |= {
                (item, relation, f"{first} {word.replace('_', ' ')}") for word in words.split()
            }
    return found


def having(name, prop):
    """Return the items that have a property."""
    column = sd.load(name).properties.sel(property=prop)
    return set(column["item"].values[column.values == 1].tolist())


def true_of(name, item):
    row = sd.load(name).properties.sel(item=item)
    return set(row["property"].values[row.values == 1].tolist())


@pytest.mark.parametrize("name", NAMES)
def test_every_cell(name):
    facts, table = facts_of(TABLES[name]), sd.load(name).properties
    items, properties, relations = (
        table[k].values.tolist() for k in ("item", "property", "relation")
    )
    typed = [row.split("|")[0].strip() for row in TABLES[name].strip().splitlines()[1:]]
    assert items == typed
    assert set(zip(relations, properties, strict=True)) == {(r, p) for _, r, p in facts}
    for i, item in enumerate(items):
        for j, (relation, prop) in enumerate(zip(relations, properties, strict=True)):
            assert table.values[i, j] == ((item, relation, prop) in facts), (item, prop)


@pytest.mark.parametrize(("name", "shape", "ones"), [
    ("rumelhart8", (8, 36), 93), ("rogers2004", (21, 53), 225),
])  # fmt: skip
def test_counts(name, shape, ones):
    data = sd.load(name)
    table = data.properties
    assert table.shape == shape
    assert table.sum() == len(facts_of(TABLES[name])) == ones
    assert data.coding == "0/1"
    counted = {
        relation: (of.sizes["property"], int(of.sum()))
        for relation, of in table.groupby("relation")
    }
    assert counted == COUNTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_singular_values_are_those_listed(name):
    found = np.linalg.svd(sd.load(name).properties.values, compute_uv=False)
    listed = SINGULAR[name]
    np.testing.assert_allclose(found[: len(listed)], listed, atol=0.0051)
    assert found[len(listed) :].max(initial=0) <= listed[-1]


@settings(max_examples=30)
@given(st.sampled_from(NAMES), st.randoms(use_true_random=False))
def test_the_order_of_items_and_properties_changes_no_fact_and_no_singular_value(name, random):
    data = sd.load(name)
    items, properties = (data.properties[k].values.tolist() for k in ("item", "property"))
    random.shuffle(items)
    random.shuffle(properties)
    table = data.select(items=items, properties=properties).properties
    facts = {
        (item, relation, prop)
        for i, item in enumerate(items)
        for j, (prop, relation) in enumerate(
            zip(properties, table["relation"].values.tolist(), strict=True)
        )
        if table.values[i, j]
    }
    assert facts == facts_of(TABLES[name])
    np.testing.assert_allclose(
        np.linalg.svd(table.values, compute_uv=False),
        np.linalg.svd(data.properties.values, compute_uv=False),
    )


@pytest.mark.parametrize("name", NAMES)
def test_identical_columns(name):
    table = sd.load(name).properties
    groups: dict[tuple, set] = {}
    for prop in table["property"].values.tolist():
        groups.setdefault(tuple(table.sel(property=prop).values), set()).add(prop)
    twins = [group for group in groups.values() if len(group) > 1]
    assert sorted(map(sorted, twins)) == sorted(map(sorted, ALIKE[name]))


def test_modes_3_and_4_of_the_eight_items_are_a_near_tie_of_birds_and_fish_and_trees_and_flowers():
    values = sd.load("rumelhart8").properties.values
    u, s, _ = np.linalg.svd(values)
    assert s[3] > 0.98 * s[2]  # so that no order between them is worth asserting
    assert s[1] > 1.3 * s[2]
    assert s[3] > 1.3 * s[4]
    birds_fish, trees_flowers = np.zeros((2, 8))
    birds_fish[4:], trees_flowers[:4] = [0.5, 0.5, -0.5, -0.5], [0.5, 0.5, -0.5, -0.5]
    pair = u[:, 2:4] @ u[:, 2:4].T  # the plane of both, whichever comes first
    for split in (birds_fish, trees_flowers):
        assert split @ pair @ split > 0.98


def test_the_first_two_modes_are_what_all_share_and_plant_against_animal():
    for name in NAMES:
        table = sd.load(name).properties
        u = np.linalg.svd(table.values)[0]
        plant = np.where(table.sel(property="ISA plant") == 1, 1.0, -1.0)
        assert (u[:, 0] * np.sign(u[0, 0]) > 0).all()
        assert (u[:, 1] * plant * np.sign(u[0, 1]) > 0).all()


# --- traps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_pine_is_the_only_plant_without_leaves(name):
    plants = having(name, "ISA plant")
    assert plants - having(name, "has leaves") == {"pine"}
    assert having(name, "has leaves") < plants
    assert having(name, "ISA tree") - having(name, "has leaves") == {"pine"}
    assert having(name, "is green") == {"pine"}


def test_the_pine_is_big_among_eight_items_and_not_among_21():
    assert having("rumelhart8", "is big") == {"pine", "oak"}
    assert having("rogers2004", "is big") == {
        "oak", "maple", "birch", "sunflower", "salmon", "dog", "goat", "pig",
    }  # fmt: skip


@pytest.mark.parametrize("mammal", MAMMALS)
def test_a_mammal_has_no_specific_name(mammal):
    table = sd.load("rogers2004").properties.sel(item=mammal)
    own = {
        relation: of["property"].values[of.values == 1].tolist()
        for relation, of in table.groupby("relation")
        if relation.startswith("ISA")
    }
    assert own == {"ISA_general": ["ISA animal"], "ISA_basic": [f"ISA {mammal}"],
                   "ISA_specific": []}  # fmt: skip


def test_every_other_item_has_its_own_specific_name():
    table = sd.load("rogers2004").properties
    specific = table.sel(property=table["relation"] == "ISA_specific")
    others = [item for item in table["item"].values if item not in MAMMALS]
    assert len(others) == 16
    np.testing.assert_array_equal(
        specific.sel(item=others, property=[f"ISA {item}" for item in others]), np.eye(16)
    )


def test_no_unit_says_mammal_or_living_thing_though_the_tree_has_both():
    data = sd.load("rogers2004")
    names = data.properties["property"].values.tolist()
    assert not any("mammal" in name or "living thing" in name for name in names)
    assert set(nx.descendants(data.tree, "mammal")) == set(MAMMALS)
    assert len(nx.descendants(data.tree, "living thing")) == 21 + 7
    assert having("rumelhart8", "ISA living thing") == set(sd.load("rumelhart8").tree) & set(
        sd.load("rumelhart8").properties["item"].values
    )


def test_who_flies_walks_and_swims():
    assert having("rogers2004", "can fly") == {"robin", "canary", "sparrow"}
    assert having("rogers2004", "can walk") == {"penguin", *MAMMALS}
    assert having("rogers2004", "can swim") == {"penguin", "sunfish", "salmon", "flounder", "cod"}
    assert having("rogers2004", "can sing") == having("rumelhart8", "can sing") == {"canary"}
    assert having("rumelhart8", "can fly") == {"robin", "canary"}


def test_the_pig_is_the_only_mammal_without_fur():
    assert having("rogers2004", "has fur") == set(MAMMALS) - {"pig"}
    assert true_of("rogers2004", "goat") ^ true_of("rogers2004", "pig") == {
        "ISA goat", "ISA pig", "has fur",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_there_are_no_bones_and_no_worm(name):
    table = sd.load(name).properties
    words = [*table["item"].values.tolist(), *table["property"].values.tolist()]
    assert not [word for word in words if "bone" in word or "worm" in word]


def test_what_differs_between_the_corpora_on_items_and_properties_they_share():
    eight, more = (sd.load(name).properties for name in NAMES[::-1])
    shared = eight["item"].values.tolist()
    assert set(shared) <= set(more["item"].values.tolist())
    lost, gained = {}, {}
    for item in shared:
        before, after = true_of("rumelhart8", item), true_of("rogers2004", item)
        lost[item], gained[item] = before - after, after - before
    assert lost == {item: {"ISA living thing"} for item in shared} | {
        "pine": {"ISA living thing", "is big"}
    }
    assert {item: new for item, new in gained.items() if new} == {
        "salmon": {"is big"}, "canary": {"is pretty", "has legs"}, "robin": {"has legs"},
    }  # fmt: skip
    missing = set(eight["property"].values.tolist()) - set(more["property"].values.tolist())
    assert missing == {"ISA living thing"}
