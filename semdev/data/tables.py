"""Tables in and out: wide and long frames, CSV files, the NYU homework's text files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from semdev._names import require, suggest

RELATIONS = ("isa", "is", "can", "has")
LONG = ("item", "property", "value")


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
        relation = frame.columns.get_level_values(0).to_numpy(str)
        frame = frame.set_axis(frame.columns.get_level_values(-1), axis=1)
    if "item" in frame.columns:
        frame = frame.set_index("item")
        relation = None
    if "relation" in frame.index:
        relation = frame.loc["relation"].fillna("").to_numpy(str)
        frame = frame.drop(index="relation")
    is_property = frame.columns != "frequency"
    if relation is not None:
        relation = relation[is_property]
    properties = frame.loc[:, is_property]
    names = properties.columns.astype(str)
    items = properties.index.astype(str)
    values = np.array(
        [_to_numbers(properties.iloc[:, k], name) for k, name in enumerate(names)]
    ).T.reshape(len(items), len(names))
    coords: dict[str, Any] = {"item": items.to_numpy(), "property": names.to_numpy()}
    if relation is not None:
        coords["relation"] = ("property", relation)
    if not is_property.all():
        coords["frequency"] = ("item", _to_numbers(frame["frequency"], "frequency"))
    return xr.DataArray(values, dims=("item", "property"), coords=coords)


def _read_long(frame: pd.DataFrame) -> xr.DataArray:
    twice = frame[frame.duplicated(["item", "property"])]
    if len(twice):
        first = twice.iloc[0]
        raise ValueError(f"{first['item']!r} × {first['property']!r} is given twice")
    items = pd.unique(frame["item"].astype(str))
    properties = pd.unique(frame["property"].astype(str))
    numbers = frame.assign(value=_to_numbers(frame["value"], "value")).astype(
        {"item": str, "property": str}
    )
    wide = numbers.pivot(index="item", columns="property", values="value")
    coords: dict[str, Any] = {"item": items, "property": properties}
    for column, owner in (("relation", "property"), ("frequency", "item")):
        if column not in frame.columns:
            continue
        pairs = frame[[owner, column]].drop_duplicates()
        if pairs[owner].duplicated().any():
            which = pairs.loc[pairs[owner].duplicated(), owner].iloc[0]
            raise ValueError(f"{owner} {which!r} is given more than one {column}")
        coords[column] = (owner, pairs[column].to_numpy())
    values = wide.loc[items, properties].to_numpy()
    return xr.DataArray(values, dims=("item", "property"), coords=coords)


def _to_numbers(column: pd.Series, name: str) -> np.ndarray:
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    bad = numbers.isna() & column.notna()
    if bad.any():
        raise ValueError(
            f"column {name!r}: {column[bad].iloc[0]!r} in row {column.index[bad][0]!r} "
            "is not a number; write 1 for true and 0 for false"
        )
    return numbers.to_numpy()


def to_wide(table: xr.DataArray) -> pd.DataFrame:
    """Return item × (relation, property); a first column `frequency` where they differ."""
    columns = pd.MultiIndex.from_arrays(
        [table["relation"].values, table["property"].values], names=["relation", "property"]
    )
    frame = pd.DataFrame(
        table.values.copy(), index=pd.Index(table["item"].values, name="item"), columns=columns
    )
    if not (table["frequency"] == 1).all():
        frame.insert(0, ("", "frequency"), table["frequency"].values)
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
    """Read a CSV file; a missing file's error names the nearest one."""
    if not path.exists():
        beside = [p.name for p in path.parent.glob("*.csv")] if path.parent.exists() else []
        hint = f"; {suggest(path.name, beside)}" if beside else ""
        raise FileNotFoundError(f"no file {str(path)!r}{hint}")
    frame = pd.read_csv(path)
    if not set(LONG) <= set(frame.columns) and "item" not in frame.columns:
        frame = frame.set_index(frame.columns[0])
    return frame


def write_csv(table: xr.DataArray, path: Path, *, form: str) -> None:
    """Write the wide form (with its `relation` row) or the long one, whole or not at all."""
    if form == "long":
        frame = to_long(table)
    else:
        wide = to_wide(table)
        names = pd.DataFrame(
            [wide.columns.get_level_values(0)], columns=wide.columns, index=["relation"]
        )
        frame = pd.concat([names.astype(object), wide.astype(object)])
        frame = frame.set_axis(frame.columns.get_level_values(1), axis=1)
        frame = frame.rename_axis(index="item", columns=None).reset_index()
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        frame.to_csv(unfinished, index=False)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_nyu(folder: Path) -> xr.DataArray:
    """Return the item × property table in the NYU homework's four text files."""
    names = {}
    for kind in ("items", "relations", "attributes"):
        path = _nyu_file(folder, kind)
        names[kind] = [line.strip() for line in path.read_text().splitlines() if line.strip()]
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
        raise ValueError("sem_data.txt: every row needs exactly one item and one relation switched on")
    facts = np.zeros((n, r, len(attributes)))
    facts[rows[:, :n].argmax(1), rows[:, n : n + r].argmax(1)] = rows[:, n + r :]
    used = facts.any(0)
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


def _nyu_file(folder: Path, kind: str) -> Path:
    path = folder / f"sem_{kind}.txt"
    if not path.exists():
        raise FileNotFoundError(
            f"no file {str(path)!r}; the NYU format has four: "
            "sem_items.txt, sem_relations.txt, sem_attributes.txt, sem_data.txt"
        )
    return path
