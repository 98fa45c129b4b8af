"""A measure: its table of medians and intervals, and what the columns mean."""

from __future__ import annotations

import inspect
import math
import re
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import semdev
from semdev._html import escape, fold, lay_out_page, lay_out_table, spark_line, spark_text
from semdev._measured import MEASURE
from semdev.measures.summary import summarize

MOST_ROWS, MOST_VALUES = 12, 20_000_000
SPARK = "over time"
LEFT_OUT = ("frequency", "relation")  # said by the world already
SORTED_BY = {"overgeneralizations": "excess"}


def is_one(value: Any, *, strict: bool = True) -> bool:
    """Return whether a measure said that it made this, or, if not `strict`, whether it has seeds.

    What is too large to be summarised in a moment is left to xarray.
    """
    size = max((math.prod(each.shape) for each in _variables(value).values()), default=0)
    known = MEASURE in value.attrs or (not strict and "seed" in value.dims)
    return known and size <= MOST_VALUES


def lay_out(measure: xr.Dataset | xr.DataArray) -> tuple[str, str]:
    """Return a measure as text and as HTML."""
    name = str(measure.attrs.get(MEASURE) or getattr(measure, "name", None) or "a measure")
    sizes = " × ".join(_count(n, str(dim)) for dim, n in measure.sizes.items())
    table, curves = _tabulate(measure)
    table = table.drop(columns=[name for name in LEFT_OUT if name in table])
    total = len(table)
    key = SORTED_BY.get(name)
    if key is not None and key in table:
        table = table.sort_values(key, ascending=False, kind="stable")
    table = table.head(MOST_ROWS)
    head = f"from {name}: {sizes}"
    seeds = measure.sizes.get("seed", 1)
    notes = ["medians over seeds [and what holds the central 95 % of them]"] * (seeds > 1)
    if total > MOST_ROWS:
        which = f"by {key}, the first" if key in table else "the first"
        notes.append(f"{which} {MOST_ROWS} of {total} rows (semdev.summarize gives all)")
    shares = {str(k) for k, each in _variables(measure).items() if each.dtype.kind == "b"}
    rows = _merge_intervals(table, shares if seeds > 1 else set())
    sparks: list[tuple[str, str]] = [("", "")] * len(rows)
    if curves is not None:
        notes.append("numbers are those of the last time")
        sparks = [_draw(curves, dict(row)) for row in table.to_dict("records")]
    text_rows = rows.assign(**{SPARK: [a for a, _ in sparks]}) if curves is not None else rows
    note = "; ".join(notes)
    text = "\n".join([head, *filter(None, [note]), text_rows.to_string(index=False)])
    cells = [
        [*row, *([(svg,)] if curves is not None else [])]
        for row, (_, svg) in zip(rows.values.tolist(), sparks, strict=True)
    ]
    right = [k for k, column in enumerate(rows) if _is_number(table, str(column))]
    columns = [*rows.columns, *([SPARK] if curves is not None else [])]
    page = lay_out_page(
        f"from <b>{escape(name)}</b>: {escape(sizes)}<br><small>{escape(note)}</small>",
        lay_out_table(columns, cells, numbers=right),
        _explain(name),
        fold("as xarray shows it", measure._repr_html_()),
        kind="measure",
        style="<style>.semdev.semdev-measure td{white-space:nowrap}</style>",
    )
    return text, page


def _variables(value: xr.Dataset | xr.DataArray) -> dict[Any, xr.DataArray]:
    return dict(value.data_vars) if isinstance(value, xr.Dataset) else {value.name: value}


def _tabulate(measure: xr.Dataset | xr.DataArray) -> tuple[pd.DataFrame, xr.DataArray | None]:
    """Return the table, and the first of the curves if there is nothing but curves."""
    variables = _variables(measure)
    if not variables or not all("time" in each.dims for each in variables.values()):
        return summarize(measure), None
    numbers = [each for each in variables.values() if each.dtype.kind in "biuf"]
    at_end = measure.isel(time=-1).drop_vars(["time", "step"], errors="ignore")
    return summarize(at_end), numbers[0]


def _draw(curves: xr.DataArray, row: dict[Any, Any]) -> tuple[str, str]:
    """Return the curve of one row as text and as a picture."""
    place = {dim: row[dim] for dim in curves.dims if dim not in ("seed", "time")}
    one = curves.sel(place).transpose(..., "time").values.astype(float)
    one = one.reshape(-1, one.shape[-1])
    known = np.isfinite(one).any(0)
    bands = np.nanquantile(one[:, known], [0.025, 0.5, 0.975], axis=0)
    time = curves["time"].values[known]
    return spark_text(bands[1], width=12), spark_line(time, bands, width=120, height=24)


def _count(number: int, name: str) -> str:
    """Return how many of something there are.

    >>> _count(1, "seed"), _count(3, "property"), _count(2, "item_2")
    ('1 seed', '3 properties', '2 items')
    """
    name = re.sub(r"_\d+$", "", name)
    many = re.sub(r"y$", "ie", name) + "s"
    return f"{number} {name if number == 1 else many}"


def _merge_intervals(table: pd.DataFrame, shares: set[str]) -> pd.DataFrame:
    """Return texts: each number with its interval beside it, where that has a width.

    Columns among `shares` are shares of seeds.
    """
    found = {}
    for column in table.columns:
        stem = re.sub(r"_(low|high)$", "", str(column))
        if stem != column and {f"{stem}_low", f"{stem}_high"} <= set(table.columns):
            continue
        if column in shares:
            found[str(column)] = [f"{100 * value:.0f} % of seeds" for value in table[column]]
            continue
        texts = [_write(value) for value in table[column]]
        if f"{column}_low" in table.columns:
            lows, highs = (map(_write, table[f"{column}_{end}"]) for end in ("low", "high"))
            texts = [
                text if low == high else f"{text} [{low}, {high}]"
                for text, low, high in zip(texts, lows, highs, strict=True)
            ]
        found[str(column)] = texts
    return pd.DataFrame(found)


def _is_number(table: pd.DataFrame, column: str) -> bool:
    return column in table.columns and pd.api.types.is_numeric_dtype(table[column])


def _write(value: Any) -> str:
    """Return a cell: three digits of a number, a dash for what is not known."""
    if isinstance(value, (float, np.floating)):
        return "–" if np.isnan(value) else f"{value:.3g}"
    return str(value)


def _explain(name: str) -> str:
    """Return what the measure's docstring says that it returns, folded; "" if it is not known."""
    if name not in semdev.__all__:
        return ""
    text = inspect.getdoc(getattr(semdev, name)) or ""
    found = re.search(r"^Returns\n-+\n(.*?)(?=\n\n\w[^\n]*\n-{3,}|\Z)", text, re.S | re.M)
    meaning = f"{text.splitlines()[0]}\n\n{inspect.cleandoc(found[1]) if found else ''}"
    return fold("what the columns mean", f"<pre>{escape(meaning.strip())}</pre>")
