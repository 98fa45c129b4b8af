"""Tables: every form in and out by hand, round trips of odd names, every error by its words."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.data import tables
from semdev.data.dataset import Dataset

WIDE = pd.DataFrame({"can fly": [1, 0], "has bones": [1, 0]}, index=["robin", "worm"])
LONG = pd.DataFrame(
    {
        "item": ["robin", "robin", "worm", "worm"],
        "property": ["can fly", "has bones", "can fly", "has bones"],
        "value": [1, 1, 0, 0],
    }
)
FORMS = st.sampled_from(["wide", "long"])
ODD = ["relation", "frequency", "item", "value", "NA", "None", "null", "nan", "007", "1e5", "TRUE"]
ODD += [" x ", "a,b", "a;b;c", "\ttab", 'say "hi"', '"', "two\nlines", "=1+1", "é猫", "\ufeff"]


def read_text(text, folder, **options):
    """Read a CSV file that holds `text` (str or bytes)."""
    path = Path(folder) / "garden.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Dataset.from_csv(path, **options)


def parts(data):
    """All that a table says, as plain lists."""
    table = data.properties
    names = ("item", "property", "relation", "frequency")
    return [table[name].values.tolist() for name in names] + [table.values.tolist()]


GARDEN = [["robin", "worm"], ["can fly", "has bones"], ["can", "has"], [1, 1], [[1, 1], [0, 0]]]


@st.composite
def data_sets(draw):
    """Data sets with odd names, relations, frequencies and values."""
    text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5)
    names = st.lists(st.sampled_from(ODD) | text, min_size=1, max_size=4, unique=True)
    items, properties = draw(names), draw(names)
    relation = draw(st.lists(st.sampled_from(["", "is", *ODD]), min_size=4, max_size=4))
    size, finite = len(items), st.floats(allow_nan=False, allow_infinity=False)
    cell = st.sampled_from([st.sampled_from([0, 1]), st.sampled_from([-1, 1]), finite])
    row = st.lists(draw(cell), min_size=len(properties), max_size=len(properties))
    often = st.floats(0, exclude_min=True, allow_infinity=False) | st.just(1.0)
    coords = {
        "item": items,
        "property": properties,
        "relation": ("property", relation[: len(properties)]),
        "frequency": ("item", draw(st.lists(often, min_size=size, max_size=size))),
    }
    values = draw(st.lists(row, min_size=size, max_size=size))
    return Dataset(xr.DataArray(values, dims=("item", "property"), coords=coords))


# round trips


@settings(deadline=None)
@given(data_sets(), FORMS)
def test_a_frame_goes_there_and_back(data, form):
    again = Dataset.from_frame(data.to_frame(form=form))
    xr.testing.assert_identical(again.properties, data.properties)


@settings(deadline=None)
@given(data_sets(), FORMS)
def test_a_file_goes_there_and_back(data, form):
    for kind in ("item", "property", "relation"):  # outer blanks are no part of a name in a file
        assume(all(name == name.strip(" ") for name in data.properties[kind].values.tolist()))
    with tempfile.TemporaryDirectory() as folder:
        data.to_csv(f"{folder}/any.csv", form=form)
        again = Dataset.from_csv(f"{folder}/any.csv")
    xr.testing.assert_identical(again.properties, data.properties)
    assert again.digest == data.digest


def test_blanks_around_cells_of_a_file_are_dropped(tmp_path):
    path = tmp_path / "typed.csv"
    path.write_text("item, can fly , has wings\nrobin , 1, 1\nworm, 0,0\n")
    table = Dataset.from_csv(path).properties
    assert table["item"].values.tolist() == ["robin", "worm"]
    assert table["property"].values.tolist() == ["can fly", "has wings"]
    assert table["relation"].values.tolist() == ["can", "has"]


@settings(deadline=None)
@given(st.permutations(range(4)))
def test_long_rows_come_in_any_order(order):
    data = Dataset.from_frame(LONG.iloc[order])
    assert data.select(items=GARDEN[0], properties=GARDEN[1]).digest == (
        Dataset.from_frame(WIDE).digest
    )


@pytest.mark.parametrize("form", ["wide", "long"])
def test_the_callers_frame_is_untouched(form):
    frame = sd.load("rumelhart8").to_frame(form=form)
    copy = frame.copy(deep=True)
    Dataset.from_frame(frame, relations={"is big": "has"}, fill=0)
    pd.testing.assert_frame_equal(frame, copy)


# out


def test_to_frame_by_hand():
    data = Dataset.from_frame(WIDE.assign(frequency=[1, 3]))
    wide, long = data.to_frame(), data.to_frame(form="long")
    assert wide.columns.tolist() == [("", "frequency"), ("can", "can fly"), ("has", "has bones")]
    assert wide.columns.names == ["relation", "property"]
    assert wide.loc["worm"].tolist() == [3, 0, 0]
    assert wide.index.name == "item"
    assert long.columns.tolist() == ["item", "relation", "property", "value", "frequency"]
    assert long.iloc[2].tolist() == ["worm", "can", "can fly", 0, 3]
    assert ("", "frequency") not in Dataset.from_frame(WIDE).to_frame()


def test_to_frame_gives_a_copy():
    data = Dataset.from_frame(WIDE)
    wide, long = data.to_frame(), data.to_frame(form="long")
    wide.iloc[0, 0] = long.loc[0, "value"] = 9
    assert data.properties.values.max() == 1


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("wide", "item,can fly,has bones\nrelation,can,has\nrobin,1.0,1.0\nworm,0.0,0.0\n"),
        (
            "long",
            "item,relation,property,value,frequency\nrobin,can,can fly,1.0,1.0\n"
            "robin,has,has bones,1.0,1.0\nworm,can,can fly,0.0,1.0\nworm,has,has bones,0.0,1.0\n",
        ),
    ],
)
def test_to_csv_by_hand(form, text, tmp_path):
    Dataset.from_frame(WIDE).to_csv(tmp_path / "garden.csv", form=form)
    assert (tmp_path / "garden.csv").read_text(encoding="utf-8") == text
    assert pd.read_csv(tmp_path / "garden.csv").shape == ((3, 3) if form == "wide" else (4, 5))


@pytest.mark.parametrize("method", ["to_frame", "to_csv"])
def test_an_unknown_form_is_refused(method, tmp_path):
    path = [tmp_path / "garden.csv"] if method == "to_csv" else []
    with pytest.raises(KeyError) as caught:
        getattr(Dataset.from_frame(WIDE), method)(*path, form="wider")
    assert str(caught.value) == f"no form 'wider' in {method}; did you mean 'wide'?"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("existed", [True, False])
def test_a_failing_write_leaves_the_old_file_whole(existed, tmp_path, monkeypatch):
    class FullDisk:
        def __init__(self, file, **_):
            self.file = file

        def writerows(self, _):
            self.file.write("item,can")
            raise OSError("disk full")

    path = tmp_path / "garden.csv"
    if existed:
        path.write_text("old")
    monkeypatch.setattr(csv, "writer", FullDisk)
    with pytest.raises(OSError, match="disk full"):
        Dataset.from_frame(WIDE).to_csv(path)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"] * existed


# wide, in


def with_relation_row(frame):
    row = pd.DataFrame([["a", None]], columns=["can fly", "has bones"], index=["relation"])
    return pd.concat([row, frame.astype(object)])


@pytest.mark.parametrize(
    "frame",
    [
        WIDE,
        WIDE.astype(bool),
        WIDE.astype(str),
        WIDE.astype("Int64"),
        WIDE.astype(bool).astype(str),
        WIDE.replace({1: "TRUE", 0: " false "}),
        WIDE.rename_axis("item").reset_index(),
        WIDE.assign(item=WIDE.index).reset_index(drop=True),
        LONG,
        LONG.astype(str),
        LONG.assign(note="seen in the garden"),
    ],
)
def test_many_frames_say_the_same(frame):
    assert parts(Dataset.from_frame(frame)) == GARDEN


def test_columns_of_two_levels_give_the_relations():
    columns = pd.MultiIndex.from_tuples([("moves", "can fly"), ("", "has bones")])
    data = Dataset.from_frame(WIDE.set_axis(columns, axis=1))
    assert parts(data)[2] == ["moves", ""]
    assert parts(data)[1] == GARDEN[1]


def test_a_first_row_called_relation_gives_the_relations():
    data = Dataset.from_frame(with_relation_row(WIDE))
    assert parts(data) == [*GARDEN[:2], ["a", ""], *GARDEN[3:]]


def test_a_column_called_frequency_gives_the_frequencies():
    plain = WIDE.assign(frequency=[1, 3])
    assert parts(Dataset.from_frame(plain)) == [*GARDEN[:3], [1, 3], GARDEN[4]]
    assert parts(Dataset.from_frame(with_relation_row(plain)))[2:4] == [["a", ""], [1, 3]]


def test_items_and_properties_may_have_the_tables_own_names():
    frame = pd.DataFrame({"can fly": [1, 0, 1]}, index=["relation", "robin", "item"])
    assert parts(Dataset.from_frame(frame))[0] == ["relation", "robin", "item"]
    last = frame.iloc[[1, 0]].astype(str)
    assert parts(Dataset.from_frame(last))[0] == ["robin", "relation"]
    columns = pd.MultiIndex.from_tuples([("has", "frequency"), ("has", "item")])
    data = Dataset.from_frame(WIDE.set_axis(columns, axis=1))
    assert parts(data)[1:4] == [["frequency", "item"], ["has", "has"], [1, 1]]


def test_relations_override_the_table():
    data = Dataset.from_frame(with_relation_row(WIDE), relations={"has bones": "inside"})
    assert parts(data)[2] == ["a", "inside"]
    assert parts(Dataset.from_frame(WIDE, relations={"can fly": "moves"}))[2] == ["moves", "has"]


def test_a_tree_and_a_name_come_along():
    tree = nx.DiGraph([("animal", "robin"), ("animal", "worm")])
    data = Dataset.from_frame(WIDE, tree=tree, name="garden")
    assert repr(data).startswith("<Dataset 'garden': 2 items")
    assert set(data.tree.edges) == set(tree.edges)


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        ([[1]], TypeError, "a pandas.DataFrame is needed, got list"),
        (
            WIDE.astype(object).replace(0, "no"),
            ValueError,
            "column 'can fly': 'no' in row 'worm' is not a number; write 1 for true and 0 for",
        ),
        (WIDE.astype(object).replace(0, "0,5"), ValueError, "'0,5' in row 'worm' is not a numb"),
        (WIDE.replace(0, np.nan), ValueError, "2 of 4 cells are empty or infinite, the first is"),
        (WIDE.astype("Int64").replace(0, pd.NA), ValueError, "the first is 'worm' × 'can fly'"),
        (WIDE.set_axis(["robin", None]), ValueError, "my data: item 2 has no name"),
        (WIDE.set_axis(["robin", "robin"]), ValueError, "my data: item 'robin' is named twice"),
        (WIDE.set_axis(["wet", "wet"], axis=1), ValueError, "property 'wet' is named twice"),
        (WIDE.assign(frequency=[1, -1]), ValueError, "frequency of 'worm' is -1.0; it must be"),
        (WIDE.assign(frequency=[1, "often"]), ValueError, "column 'frequency': 'often' in row"),
        (WIDE.iloc[:, :0], ValueError, "my data has no property: there is nothing to learn"),
        (WIDE.iloc[:0], ValueError, "my data has no item: there is nothing to learn"),
        (WIDE[[]].assign(frequency=1), ValueError, "my data has no property: there is nothing"),
    ],
)
def test_a_bad_wide_frame_is_refused(frame, error, message):
    with pytest.raises(error) as caught:
        Dataset.from_frame(frame)
    assert message in str(caught.value)


def test_relations_of_an_unknown_property_are_refused():
    with pytest.raises(KeyError) as caught:
        Dataset.from_frame(WIDE, relations={"has bone": "has"})
    assert str(caught.value) == (
        "no property 'has bone' in the table (relations=); did you mean 'has bones'?"
    )


# long, in


def test_long_relations_and_frequencies():
    frame = LONG.assign(relation=["a", None] * 2, frequency=[1, 1, 3, "3.0"])
    assert parts(Dataset.from_frame(frame)) == [*GARDEN[:2], ["a", ""], [1, 3], GARDEN[4]]


def test_fill_stands_for_what_is_empty_or_not_listed():
    assert parts(Dataset.from_frame(LONG[:3], fill=-1))[4] == [[1, 1], [0, -1]]
    holes = LONG.assign(value=[1, None, "NA", ""])
    assert parts(Dataset.from_frame(holes, fill=0))[4] == [[1, 0], [0, 0]]
    assert parts(Dataset.from_frame(WIDE.replace(0, np.nan), fill=0.5))[4] == [[1, 1], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (LONG[:3], "1 of 4 cells are empty or infinite, the first is 'worm' × 'has bones'; fill"),
        (pd.concat([LONG, LONG[1:2]]), "'robin' × 'has bones' is given twice"),
        (LONG.assign(relation=list("abac")), "property 'has bones' is given more than one relatio"),
        (LONG.assign(frequency=[1, 1, 2, 3]), "item 'worm' is given more than one frequency"),
        (LONG.assign(frequency=[1, 1, 2, None]), "item 'worm' is given more than one frequency"),
        (LONG.assign(value=[1, 1, "yes", 0]), "column 'value': 'yes' in row 2 is not a number;"),
        (LONG.assign(item=["robin", "robin", None, None]), "my data: item 2 has no name"),
    ],
)
def test_a_bad_long_frame_is_refused(frame, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the message follows
        Dataset.from_frame(frame)
    assert message in str(caught.value)


# files, in


@pytest.mark.parametrize(
    "text",
    [
        "item,can fly,has bones\nrobin,1,1\nworm,0,0\n",
        "item,can fly,has bones\nrobin,1,1\nworm,0,0",
        "item;can fly;has bones\r\nrobin;1;1\r\nworm;0;0\r\n",
        "item\tcan fly\thas bones\nrobin\t1\t1\nworm\t0\t0\n",
        "\ufeffitem;can fly;has bones\r\nrobin;1;1\r\nworm;0;0\r\n",
        '"","can fly","has bones"\n"robin",TRUE,TRUE\n"worm",FALSE,FALSE\n',
        "the animal,can fly,has bones\nrobin,1.0,1e0\nworm,0,.0\n",
        "\r\n\nitem;can fly;has bones\nrobin;1;1\nworm;0;0\n",
        "item,can fly,has bones,,\n\nrobin,1,1,,\nworm,0,0,,\n,,,,\n",
        "item,property,value\nrobin,can fly,1\nrobin,has bones,1\nworm,can fly,0\n"
        "worm,has bones,0\n",
        "\ufefffrequency;item;can fly;has bones\n1;robin;1;1\n1;worm;0;0\n",
    ],
)
def test_many_files_say_the_same(text, tmp_path):
    data = read_text(text, tmp_path)
    assert parts(data) == GARDEN
    assert data.name == "garden"


def test_names_are_never_taken_for_numbers_or_gaps(tmp_path):
    names = ["NA", "None", "null", "nan", "007", "1.50", "TRUE", "N/A"]
    rows = "".join(f"{name},1\n" for name in names)
    assert parts(read_text(f"item,is\n{rows}", tmp_path))[0] == names
    head = ",".join(names)
    assert parts(read_text(f"item,{head}\nrobin{',1' * 8}", tmp_path))[1] == names


def test_a_separator_inside_a_name_is_part_of_it(tmp_path):
    text = '"the ""item"", named";"has 1,5 legs";a,b\nrobin;1;0\n'
    assert parts(read_text(text, tmp_path))[1] == ["has 1,5 legs", "a,b"]
    assert parts(read_text("item,a;b;c\nrobin,1\n", tmp_path))[1] == ["a;b;c"]


def test_options_of_from_csv(tmp_path):
    tree = nx.DiGraph([("animal", "robin"), ("animal", "worm")])
    text = "item,can fly,has bones\nrelation,,has\nrobin,1,1\nworm,0,\n"
    data = read_text(text, tmp_path, tree=tree, name="mine", relations={"can fly": "x"}, fill=0)
    assert parts(data) == [*GARDEN[:2], ["x", "has"], *GARDEN[3:]]
    assert data.name == "mine"
    assert set(data.tree) == {"animal", "robin", "worm"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item,can fly\nrobin,1\nworm,\n", "1 of 2 cells are empty or infinite, the first is 'wo"),
        ("item,can fly\nrobin,NA\n", "garden: 1 of 1 cells are empty or infinite, the first is"),
        ("item;can fly\nrobin;0,5\n", "'0,5' in row 'robin' is not a number; write 0.5"),
        ("item;can fly\nrobin;-1,25\n", "'-1,25' in row 'robin' is not a number; write -1.25"),
        ("item,can fly\nrobin,yes\n", "'yes' in row 'robin' is not a number; write 1 for true an"),
        ("item,property,value\n\na,b,x\n", "column 'value': 'x' in row 3 is not a number; write"),
        ("item,can fly\nrobin,1\n,0\n", "garden: item 2 has no name"),
        ("item,can fly,can fly\nrobin,1,0\n", "garden: property 'can fly' is named twice"),
        ("item,can fly\nrobin,0,5\n", "garden.csv: row 2 has 3 cells, the first has 2 (separated"),
        ("item;can fly\n\nrobin\n", "garden.csv: row 3 has 1 cells, the first has 2 (separated b"),
        ("item\nrobin\n", "garden has no property: there is nothing to learn"),
        ("item,can fly\n", "garden has no item: there is nothing to learn"),
        ("", "garden.csv is empty"),
        ("\n,,\n", "garden.csv is empty"),
        ('item,can fly\n"robin,1\n', "garden.csv is not a CSV file in UTF-8: unexpected end"),
        ("item,wächst\nrobin,1\n".encode("cp1252"), "garden.csv is not a CSV file in UTF-8: 'u"),
        ("item,wet\nrobin,1\n".encode("utf-16"), "garden.csv is not a CSV file in UTF-8: 'utf-8"),
    ],
)
def test_a_bad_file_is_refused(text, message, tmp_path):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the message follows
        read_text(text, tmp_path)
    assert message in str(caught.value)


def test_a_missing_file_suggests_the_nearest(tmp_path):
    (tmp_path / "garden.csv").write_text("item,can fly\nrobin,1\n")
    asked = tmp_path / "gardens.csv"
    with pytest.raises(FileNotFoundError) as caught:
        Dataset.from_csv(str(asked))
    assert str(caught.value) == f"no file {str(asked)!r}; did you mean 'garden.csv'?"
    with pytest.raises(FileNotFoundError, match=r"no file '.*nowhere/garden\.csv'$"):
        Dataset.from_csv(tmp_path / "nowhere" / "garden.csv")
    with pytest.raises(FileNotFoundError, match="no file "):
        Dataset.from_csv(tmp_path)


def test_relations_are_guessed_from_the_first_word():
    names = ["ISA bird", "isa fish", "is big", "Can fly", "has", "wings", "island life", "has a b"]
    guessed = ["ISA", "isa", "is", "Can", "", "", "", "has"]
    assert tables.guess_relations(names).tolist() == guessed


# the NYU homework's files


@pytest.fixture
def nyu(tmp_path):
    """The eight items as that homework writes them: one row for each item × relation."""
    data = sd.load("rumelhart8").properties
    items, relations = data["item"].values, list(dict.fromkeys(data["relation"].values))
    attributes = [name.split(" ", 1)[1] for name in data["property"].values]
    rows = [
        np.r_[items == item, np.array(relations) == r, data.sel(item=item) * (data.relation == r)]
        for item in items
        for r in relations
    ]
    for kind, names in {"items": items, "relations": relations, "attributes": attributes}.items():
        (tmp_path / f"sem_{kind}.txt").write_text("\r\n".join(names) + "\n\n", encoding="utf-8")
    np.savetxt(tmp_path / "sem_data.txt", np.array(rows), fmt="%d")
    return tmp_path


def test_the_nyu_files_give_the_bundled_corpus(nyu):
    corpus = sd.load("rumelhart8")
    data = Dataset.from_nyu(nyu, tree=corpus.tree)
    assert np.loadtxt(nyu / "sem_data.txt").shape == (32, 8 + 4 + 36)
    assert data.digest == corpus.digest
    assert data.name == nyu.name
    assert Dataset.from_nyu(str(nyu), name="homework").name == "homework"


def test_the_nyu_rows_come_in_any_order_and_an_attribute_may_have_two_relations(nyu):
    rows = np.loadtxt(nyu / "sem_data.txt")
    rows[3, -1] = rows[0, -1] = 1  # the pine ISA scales, and has them
    rows[:, 12] = 0  # nothing is a living thing
    np.savetxt(nyu / "sem_data.txt", rows[::-1])
    table = Dataset.from_nyu(nyu).properties
    assert table["property"].values[[0, -2, -1]].tolist() == [
        "ISA living thing",
        "ISA scales",
        "has scales",
    ]
    assert table.sel(item="pine").values[[0, -2, -1]].tolist() == [0, 1, 1]
    assert table.sel(property="ISA living thing").sum() == 0


@pytest.mark.parametrize("kind", ["items", "relations", "attributes", "data"])
def test_a_missing_nyu_file_is_named(nyu, kind):
    (nyu / f"sem_{kind}.txt").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        Dataset.from_nyu(nyu)
    assert str(caught.value) == (
        f"no file {str(nyu / f'sem_{kind}.txt')!r}; the NYU format has four: "
        "sem_items.txt, sem_relations.txt, sem_attributes.txt, sem_data.txt"
    )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda rows: rows[1:],
            "sem_data.txt has 31 rows × 48 columns; 8 items, 4 relations and 36 attributes "
            "need 32 × 48",
        ),
        (
            lambda rows: rows - np.eye(32, 48),
            "sem_data.txt: every row needs exactly one item and one relation switched on",
        ),
        (
            lambda rows: rows[[0, 0, *range(2, 32)]],
            "sem_data.txt: every item needs exactly one row with every relation",
        ),
    ],
)
def test_bad_nyu_data_are_refused(nyu, spoil, message):
    np.savetxt(nyu / "sem_data.txt", spoil(np.loadtxt(nyu / "sem_data.txt")))
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the whole message follows
        Dataset.from_nyu(nyu)
    assert str(caught.value) == message


def test_what_is_no_csv_file_is_told_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(FileNotFoundError, match=r"folder\.csv': it is a folder, and a CSV file"):
        Dataset.from_csv(tmp_path / "folder.csv")
    for start in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        (tmp_path / "book.csv").write_bytes(start + b"...")
        with pytest.raises(ValueError, match=r"book\.csv is a spreadsheet's own file, not a CSV"):
            Dataset.from_csv(tmp_path / "book.csv")


def test_a_long_table_without_values_is_not_taken_for_a_wide_one(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text("item,property,valu\nrobin,can fly,1\n")
    with pytest.raises(ValueError, match="there is no column 'value', but 'valu'"):
        Dataset.from_csv(tmp_path / "long.csv")
