"""Tables in and out: wide and long frames, CSV files, the NYU homework's text files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from semdev._files import write_whole
from semdev._names import require, suggest

RELATIONS = ("isa", "is", "can", "has")
LONG = ("item", "property", "value")
FREQUENCY = ("", "frequency")  # the relation and name of that column
WORDS = {"": np.nan, "na": np.nan, "true": 1, "false": 0}  # as R and spreadsheets write them
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx, .ods and .xls begin
_FIRST_CELL = re.compile(r'(?:"(?:[^"]|"")*"|[^",;\t\r\n]*)([,;\t]?)')


def guess_relations(properties: Any) -> np.ndarray:
    """Return each property's first word where it is ISA, is, can or has; else an empty string.

    >>> guess_relations(["has bones", "ISA bird", "wings"]).tolist()
    ['has', 'ISA', '']
    """
    words = [str(p).split(" ", 1) for p in properties]
    return np.array(
        [w[0] if len(w) == 2 and w[0].casefold() in RELATIONS else "" for w in words], dtype=str
    )


def read_frame(
    frame: pd.DataFrame, *, relations: Mapping[str, str] | None = None, fill: float | None = None
) -> xr.DataArray:
    """Return the item × property table that a wide or long frame holds."""
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"a pandas.DataFrame is needed, got {type(frame).__name__}")
    if {"item", "property"} <= set(frame.columns) and "value" not in frame.columns:
        others = [name for name in frame.columns if name not in ("item", "property")]
        raise ValueError(
            "a long table has the columns item, property and value; there is no column 'value', "
            f"but {', '.join(map(repr, others)) or 'nothing else'}"
        )
    table = _read_long(frame) if set(LONG) <= set(frame.columns) else _read_wide(frame)
    if fill is not None:
        table = table.fillna(fill)
    if relations:
        names = table["property"].values
        for asked in relations:
            require(asked, names, kind="property", where="the table (relations=)")
        old = table["relation"].values if "relation" in table.coords else guess_relations(names)
        new = [relations.get(p, r) for p, r in zip(names, old, strict=True)]
        table = table.assign_coords(relation=("property", new))
    return table


def _read_wide(frame: pd.DataFrame) -> xr.DataArray:
    relation = None
    if isinstance(frame.columns, pd.MultiIndex):
        relation = _to_names(frame.columns.get_level_values(0))
    elif "item" in frame.columns:
        at = frame.columns.tolist().index("item")
        frame = frame.set_axis(frame.iloc[:, at]).iloc[:, np.arange(frame.shape[1]) != at]
    if relation is None and len(frame) and frame.index[0] == "relation":
        first = frame.iloc[0]
        if first.map(lambda cell: isinstance(cell, str) or pd.isna(cell)).all():
            relation, frame = _to_names(first), frame.iloc[1:]
    items, names = _to_names(frame.index), _to_names(frame.columns.get_level_values(-1))
    columns = [_to_numbers(frame.iloc[:, k], name) for k, name in enumerate(names)]
    values = np.array(columns).reshape(len(names), len(items)).T
    coords: dict[str, Any] = {"item": items, "property": names}
    if relation is not None:
        coords["relation"] = ("property", relation)
    table = xr.DataArray(values, dims=("item", "property"), coords=coords)
    # A property may be called frequency too; the frequencies come first and have no relation.
    labels = list(zip([""] * len(names) if relation is None else relation, names, strict=True))
    if FREQUENCY in labels:
        at = labels.index(FREQUENCY)
        table = table[:, np.arange(len(names)) != at]
        table = table.assign_coords(frequency=("item", values[:, at]))
    return table


def _read_long(frame: pd.DataFrame) -> xr.DataArray:
    cells = pd.DataFrame(
        {
            "item": _to_names(frame["item"]),
            "property": _to_names(frame["property"]),
            "value": _to_numbers(frame["value"], "value"),
        }
    )
    twice = cells[cells.duplicated(["item", "property"])]
    if len(twice):
        first = twice.iloc[0]
        raise ValueError(f"{first['item']!r} × {first['property']!r} is given twice")
    items, properties = pd.unique(cells["item"]), pd.unique(cells["property"])
    wide = cells.pivot(index="item", columns="property", values="value")
    coords: dict[str, Any] = {"item": items, "property": properties}
    if "relation" in frame:
        cells["relation"] = _to_names(frame["relation"])
        coords["relation"] = ("property", _one_each(cells, "property", "relation"))
    if "frequency" in frame:
        cells["frequency"] = _to_numbers(frame["frequency"], "frequency")
        coords["frequency"] = ("item", _one_each(cells, "item", "frequency"))
    values = wide.reindex(index=items, columns=properties).to_numpy()
    return xr.DataArray(values, dims=("item", "property"), coords=coords)


def _one_each(cells: pd.DataFrame, owner: str, column: str) -> np.ndarray:
    """Return what `column` says of every `owner`, or say who is told two things."""
    pairs = cells[[owner, column]].drop_duplicates()
    twice = pairs.loc[pairs[owner].duplicated(), owner]
    if len(twice):
        raise ValueError(f"{owner} {twice.iloc[0]!r} is given more than one {column}")
    return pairs[column].to_numpy()


def _to_names(cells: Iterable[Any]) -> np.ndarray:
    """Return names as strings; a missing one is an empty string."""
    return np.array(["" if pd.isna(cell) else str(cell) for cell in cells], dtype=object)


def _to_numbers(column: pd.Series, name: str) -> np.ndarray:
    """Return a column as floats: words stand for what `WORDS` says, an empty cell is NaN."""
    numbers = np.full(len(column), np.nan)
    for k, cell in enumerate(column):
        word = cell.strip().casefold() if isinstance(cell, str) else cell
        try:
            numbers[k] = np.nan if pd.isna(cell) else float(WORDS.get(word, word))
        except (TypeError, ValueError):
            hint = "write 1 for true and 0 for false"
            if re.fullmatch(r"[+-]?\d*,\d+", str(word)):
                hint = f"write {word.replace(',', '.')}"
            row = column.index.tolist()[k]
            raise ValueError(
                f"column {name!r}: {cell!r} in row {row!r} is not a number; {hint}"
            ) from None
    return numbers


def to_wide(table: xr.DataArray) -> pd.DataFrame:
    """Return item × (relation, property).

    A first column `frequency` is there where they differ, or a property could be taken for it.
    """
    columns = pd.MultiIndex.from_arrays(
        [table["relation"].values, table["property"].values], names=["relation", "property"]
    )
    frame = pd.DataFrame(
        table.values.copy(), index=pd.Index(table["item"].values, name="item"), columns=columns
    )
    if FREQUENCY in columns or not (table["frequency"] == 1).all():
        frame.insert(0, FREQUENCY, table["frequency"].values, allow_duplicates=True)
    return frame


def to_long(table: xr.DataArray) -> pd.DataFrame:
    """Return a row for each cell: item, relation, property, value, frequency."""
    items, properties = table.shape
    return pd.DataFrame(
        {
            "item": np.repeat(table["item"].values, properties),
            "relation": np.tile(table["relation"].values, items),
            "property": np.tile(table["property"].values, items),
            "value": table.values.ravel(),
            "frequency": np.repeat(table["frequency"].values, properties),
        }
    )


def read_csv(path: Path) -> pd.DataFrame:
    """Read a CSV file as text, row by row as a spreadsheet numbers them.

    The separator is the comma, semicolon or tab after the first cell. Not `pandas.read_csv`,
    which takes an item called NA for a missing one and renames a property given twice.
    """
    if path.is_dir():
        raise FileNotFoundError(f"no file {str(path)!r}: it is a folder, and a CSV file is needed")
    if not path.is_file():
        beside = [p.name for p in path.parent.glob("*.csv")] if path.parent.exists() else []
        hint = f"; {suggest(path.name, beside)}" if beside else ""
        raise FileNotFoundError(f"no file {str(path)!r}{hint}")
    if path.read_bytes()[:4] in WORKBOOKS:
        raise ValueError(
            f"{path.name} is a spreadsheet's own file, not a CSV file; save it as “CSV UTF-8” there"
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
        first = _FIRST_CELL.match(text.lstrip("\r\n"))
        separator = first[1] if first and first[1] else ","
        lines = csv.reader(
            io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True
        )
        stripped = ([cell.strip(" ") for cell in row] for row in lines)
        rows = {number: row for number, row in enumerate(stripped, start=1) if any(row)}
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path.name} is not a CSV file in UTF-8: {error}; in Excel save it as “CSV UTF-8”"
        ) from error
    if not rows:
        raise ValueError(
            f"{path.name} is empty; a table has a first row of names (item, then the properties) "
            "and a row for each item"
        )
    head = next(iter(rows.values()))
    for number, row in rows.items():
        if len(row) != len(head):
            raise ValueError(
                f"{path.name}: row {number} has {len(row)} cells, the first has {len(head)} "
                f"(separated by {separator!r})"
            )
    if "item" not in head:
        head[0] = "item"
    used = [any(column) for column in zip(*rows.values(), strict=True)]
    frame = pd.DataFrame.from_dict(rows, orient="index", dtype=object).loc[:, used]
    return frame.iloc[1:].set_axis(frame.iloc[0].tolist(), axis=1)


def write_csv(table: xr.DataArray, path: Path, *, form: str) -> None:
    """Write the wide form (with its `relation` row) or the long one, whole or not at all."""
    if form == "long":
        frame = to_long(table)
        lines = [frame.columns.tolist(), *frame.to_numpy().tolist()]
    else:
        frame = to_wide(table)
        relations, names = (frame.columns.get_level_values(k) for k in (0, 1))
        rows = zip(frame.index, frame.to_numpy().tolist(), strict=True)
        lines = [["item", *names], ["relation", *relations], *([item, *row] for item, row in rows)]
    with (
        write_whole(path) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as file,
    ):
        csv.writer(file, lineterminator="\n").writerows(lines)


def read_nyu(folder: Path) -> xr.DataArray:
    """Return the item × property table in the NYU homework's four text files."""
    names = {}
    for kind in ("items", "relations", "attributes"):
        path = _nyu_file(folder, kind)
        names[kind] = path.read_text(encoding="utf-8").split("\n")
        names[kind] = [name for line in names[kind] if (name := line.strip())]
    items, relations, attributes = names["items"], names["relations"], names["attributes"]
    rows = np.loadtxt(_nyu_file(folder, "data"), ndmin=2)
    n, r = len(items), len(relations)
    expected = (n * r, n + r + len(attributes))
    if rows.shape != expected:
        raise ValueError(
            f"sem_data.txt has {rows.shape[0]} rows × {rows.shape[1]} columns; {n} items, {r} "
            f"relations and {len(attributes)} attributes need {expected[0]} × {expected[1]}"
        )
    if not ((rows[:, :n].sum(1) == 1).all() and (rows[:, n : n + r].sum(1) == 1).all()):
        raise ValueError(
            "sem_data.txt: every row needs exactly one item and one relation switched on"
        )
    which = rows[:, :n].argmax(1), rows[:, n : n + r].argmax(1)
    if len(set(zip(*which, strict=True))) < n * r:
        raise ValueError("sem_data.txt: every item needs exactly one row with every relation")
    facts = np.zeros((n, r, len(attributes)))
    facts[which] = rows[:, n + r :]
    used = np.array(facts.any(0))
    used[0, ~used.any(0)] = True  # an attribute that nothing has still is a property
    pairs = [(k, a) for a in range(len(attributes)) for k in range(r) if used[k, a]]
    return xr.DataArray(
        np.stack([facts[:, k, a] for k, a in pairs], axis=1),
        dims=("item", "property"),
        coords={
            "item": items,
            "property": [f"{relations[k]} {attributes[a]}" for k, a in pairs],
            "relation": ("property", [relations[k] for k, _ in pairs]),
        },
    )


def write_nyu(table: xr.DataArray, folder: Path) -> None:
    """Write the NYU homework's four text files, each whole or not at all."""
    items, properties, relation = (
        table[k].values.tolist() for k in ("item", "property", "relation")
    )
    attributes = [_part_label(*pair) for pair in zip(properties, relation, strict=True)]
    _refuse_for_nyu(table, attributes)
    relations, columns = list(dict.fromkeys(relation)), list(dict.fromkeys(attributes))
    n, r = len(items), len(relations)
    facts = np.zeros((n, r, len(columns)))
    facts[:, [relations.index(k) for k in relation], [columns.index(a) for a in attributes]] = (
        table.values
    )
    asked = np.concatenate(
        [np.repeat(np.eye(n), r, axis=0), np.tile(np.eye(r), (n, 1))], axis=1
    )  # fmt: skip
    rows = np.concatenate([asked, facts.reshape(n * r, -1)], axis=1)
    texts = {
        "items": items,
        "relations": relations,
        "attributes": columns,
        "data": [" ".join(f"{x:.17g}" for x in row) for row in rows.tolist()],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for kind, lines in texts.items():
        with write_whole(folder / f"sem_{kind}.txt") as unfinished:
            unfinished.write_bytes(("\n".join(lines) + "\n").encode())


def _part_label(label: str, relation: str) -> str:
    """Return a property without the relation before it: wings, of 'has wings' and 'has'."""
    first, _, rest = label.partition(" ")
    of_relation = first.casefold() in (relation.casefold(), relation.split("_")[0].casefold())
    return rest if rest and of_relation else label


def _refuse_for_nyu(table: xr.DataArray, attributes: list[str]) -> None:
    """Say what of a table the NYU format cannot hold."""
    relations, properties = table["relation"].values.tolist(), table["property"].values.tolist()
    if "" in relations:
        raise ValueError(
            "the NYU format needs a relation for every property, and "
            f"{properties[relations.index('')]!r} has none: see relations= of from_frame"
        )
    if (table["frequency"] != 1).any():
        raise ValueError("the NYU format has no place for frequencies: use to_csv")
    pairs = list(zip(relations, attributes, strict=True))
    for k, pair in enumerate(pairs):
        if pair in pairs[:k]:
            raise ValueError(
                f"{properties[pairs.index(pair)]!r} and {properties[k]!r} would both be the "
                f"attribute {pair[1]!r} of the relation {pair[0]!r}"
            )
    for name in (*table["item"].values.tolist(), *relations, *attributes):
        if name != name.strip() or "\n" in name or "\r" in name:
            raise ValueError(
                f"the NYU format has a name a line, without outer blanks; got {name!r}"
            )
    for prop, (relation, attribute), had in zip(
        properties, pairs, table.any("item").values.tolist(), strict=True
    ):
        if not had and (attributes.count(attribute) > 1 or relation != relations[0]):
            raise ValueError(
                f"no item has {prop!r}, and the NYU format knows an attribute's relation only "
                "from an item that has it: leave it out with select()"
            )


def _nyu_file(folder: Path, kind: str) -> Path:
    path = folder / f"sem_{kind}.txt"
    if not path.exists():
        raise FileNotFoundError(
            f"no file {str(path)!r}; the NYU format has four: "
            "sem_items.txt, sem_relations.txt, sem_attributes.txt, sem_data.txt"
        )
    return path
