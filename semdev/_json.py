"""Tables as JSON: numbers as numbers, what is missing as null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def write_records(table: pd.DataFrame) -> str:
    """Return a list of objects, one a row.

    >>> import pandas as pd
    >>> print(write_records(pd.DataFrame({"model": ["deep"], "share": [0.5], "p": [float("nan")]})))
    [
     {
      "model":"deep",
      "share":0.5,
      "p":null
     }
    ]
    """
    return table.to_json(orient="records", double_precision=15, indent=1, force_ascii=False)


def write_tables(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return an object with a list of rows for each name.

    >>> import pandas as pd
    >>> print(write_tables({"a": pd.DataFrame({"x": [1]})}))
    {
    "a": [
     {
      "x":1
     }
    ]
    }
    """
    return "{\n" + ",\n".join(f'"{k}": {write_records(t)}' for k, t in tables.items()) + "\n}"
