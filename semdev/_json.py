"""Tables as JSON: numbers as numbers, what is missing as null."""

from __future__ import annotations

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
