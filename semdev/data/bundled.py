"""Which corpora come along, where, and how large they are: without loading any of them."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple


class Outline(NamedTuple):
    """A corpus from outside: how many items and properties, and how truth is written."""

    items: int
    properties: int
    coding: str


def find_folder() -> Path:
    """Return the folder of the corpora: inside an installed package, or beside a checkout's.

    Raises FileNotFoundError naming both places when neither is there.
    """
    package = Path(str(files("semdev")))
    places = [package / "_data", package.parent / "datasets"]
    for place in places:
        if (place / "living_things.csv").exists():
            return place
    raise FileNotFoundError(f"the bundled corpora are in none of {[str(p) for p in places]}")


def list_corpora() -> list[str]:
    """Return the names that `load` knows.

    >>> "living_things" in list_corpora()
    True
    """
    return sorted(path.stem for path in find_folder().glob("*.csv"))


def outline(name: str) -> Outline:
    """Return how large a bundled corpus is, from its file alone.

    Reads it with the standard library, so that `semdev list` is there at once; the suite holds it
    against what `load` makes of the same file.

    >>> outline("saxe2019")
    Outline(items=4, properties=7, coding='0/1')
    """
    with (find_folder() / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    rows = [row for row in rows if row[0] != "relation"]
    values = {float(cell) for row in rows for cell in row[1:]}
    coding = "0/1" if values <= {0, 1} else "±1" if values <= {-1, 1} else "graded"
    return Outline(len(rows), len(head) - 1, coding)
