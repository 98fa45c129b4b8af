"""Responses: what people said, as one checked table, whatever form it came in."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from semdev._files import write_whole
from semdev._names import NameNotFoundError, require, suggest
from semdev.data.corpora import find_folder
from semdev.data.dataset import Dataset

KEY = ["study", "participant", "age", "item", "property"]
COLUMNS = [*KEY, "n_yes", "n"]
WORDS = {
    "yes": 1, "true": 1, "no": 0, "false": 0, "kind of": 0.5, "kinda": 0.5,
    "": np.nan, "na": np.nan, "nan": np.nan,
}  # fmt: skip


def read_responses(
    source: str | Path | pd.DataFrame,
    *,
    data: Dataset | None = None,
    columns: Mapping[str, str] | None = None,
    encoding: str = "utf-8-sig",
) -> pd.DataFrame:
    """Read what people said, and check it.

    Parameters
    ----------
    source : path or DataFrame
        A CSV file (commas, semicolons or tabs) or a table with a row for each cell a participant
        was asked about: `participant`, `age` (positive, in one unit throughout), `item`,
        `property`, `n_yes` of `n` answers; or a row for each answer, with a column `yes` instead of
        the last two: 1 or yes, 0 or no, .5 or "kind of", empty where there was no answer (left
        out). `study` may be missing if there is but one. Other columns are left aside. A
        participant is one person: group means say nothing of individuals, and are not what the fit
        is for.
    data : Dataset, optional
        The world that was asked about; items and properties it lacks are refused.
    columns : mapping of their name to ours, optional
        How the columns are called: ``{"subid": "participant", "response": "yes"}``.
    encoding : str
        Of the file.

    Returns
    -------
    DataFrame
        Columns study, participant, age, item, property, n_yes, n: a row for each, sorted; answers
        of one participant at one age to one question are added up. "Kind of" is half a yes.

    Raises
    ------
    KeyError
        A column, item or property that is not there; the nearest match is suggested.
    ValueError
        A number that cannot be: an age that is missing or a sentinel (−99), n_yes above n.
    FileNotFoundError
        No such file.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": ["a", "a"], "age": 4.5, "item": "worm",
    ...                        "property": ["has bones", "can fly"], "yes": ["kind of", "no"]})
    >>> read_responses(trials)[["property", "n_yes", "n"]].values.tolist()
    [['can fly', 0.0, 1.0], ['has bones', 0.5, 1.0]]
    """
    frame = source if isinstance(source, pd.DataFrame) else _read_file(Path(source), encoding)
    for name in columns or {}:
        require(name, frame.columns.tolist(), kind="column", where="the responses (columns=)")
    frame = frame.rename(columns=dict(columns or {}))
    frame = frame if "study" in frame else frame.assign(study="")
    counted = "n_yes" in frame or "n" in frame or "yes" not in frame
    for name in COLUMNS if counted else [*KEY, "yes"]:
        _require_column(name, frame)
    names = {name: _read_names(frame, name) for name in KEY if name != "age"}
    numbers = ["age", "n_yes", "n"] if counted else ["age", "yes"]
    table = pd.DataFrame(names | {name: _read_numbers(frame, name) for name in numbers})
    if not counted:
        _refuse(table, "yes", ~table["yes"].between(0, 1) & table["yes"].notna(), "0, .5 or 1")
        table = table[table["yes"].notna()].rename(columns={"yes": "n_yes"}).assign(n=1.0)
    _refuse(table, "age", ~(table["age"] > 0) | np.isinf(table["age"]), "above 0, for everyone")
    _refuse(table, "n", ~(table["n"] >= 1) | (table["n"] % 1 != 0), "1 or more, a whole number")
    _refuse(table, "n_yes", ~table["n_yes"].between(0, table["n"]), "between 0 and n")
    if not len(table):
        raise ValueError("there is no answer in the responses")
    if data is not None:
        check_names(table, data.properties, data.name)
    return table.groupby(KEY, as_index=False, sort=True)[["n_yes", "n"]].sum()[COLUMNS]


def check_names(table: pd.DataFrame, world: Any, name: str) -> None:
    """Refuse items and properties of which a world (or a History) knows nothing.

    Raises KeyError with the nearest match.
    """
    for kind in ("item", "property"):
        known = world[kind].values.tolist()
        for each in pd.unique(table[kind]):
            require(each, known, kind=kind, where=name)


def write_template(path: str | Path) -> Path:
    """Write a CSV file to fill in: a header, and a few made-up rows that show the form.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(read_responses(write_template(f"{folder}/mine.csv")))
    4
    """
    with write_whole(path) as unfinished:
        shutil.copyfile(find_folder() / "templates" / "responses.csv", unfinished)
    return Path(path)


def load_simulated_children() -> pd.DataFrame:
    """Load the bundled responses of simulated children, of whom the truth is known.

    The page beside them, ``datasets/simulated_children/README.md``, says what made them.

    Examples
    --------
    >>> children = load_simulated_children()
    >>> children["participant"].nunique(), children.groupby(["item", "property"]).ngroups
    (120, 24)
    """
    return read_responses(find_folder() / "simulated_children" / "responses.csv")


def _read_file(path: Path, encoding: str) -> pd.DataFrame:
    if not path.is_file():
        beside = [each.name for each in path.parent.glob("*.csv")] if path.parent.is_dir() else []
        hint = f"; {suggest(path.name, beside)}" if beside else ""
        raise FileNotFoundError(f"no file {str(path)!r}{hint}")
    try:
        return pd.read_csv(
            path, sep=None, engine="python", dtype=str, keep_default_na=False, encoding=encoding
        )
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{path.name} is no CSV file in {encoding}: {error}") from error


def _require_column(name: str, frame: pd.DataFrame) -> None:
    found = [str(each) for each in frame.columns]
    if name not in found:
        raise NameNotFoundError(
            f"the responses have no column {name!r} ({suggest(name, found)}); they need "
            f"participant, age, item, property and either n_yes and n, or yes; columns= renames"
        )


def _read_names(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column of names as strings.

    Raises ValueError where one is missing; studies may have none.
    """
    names = np.array(["" if pd.isna(each) else str(each).strip() for each in frame[name]], object)
    if name != "study" and (names == "").any():
        row = frame.index[names == ""][0]
        raise ValueError(f"row {row!r} of the responses has no {name}")
    return names


def _read_numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    numbers = np.full(len(frame), np.nan)
    for k, cell in enumerate(frame[name]):
        word = cell.strip().casefold() if isinstance(cell, str) else cell
        try:
            numbers[k] = np.nan if pd.isna(word) else float(WORDS.get(word, word))
        except (TypeError, ValueError):
            hint = " (yes, no, kind of)" if name == "yes" else ""
            raise ValueError(
                f"{name} is {cell!r} in row {frame.index[k]!r}; a number is needed{hint}"
            ) from None
    return numbers


def _refuse(table: pd.DataFrame, name: str, wrong: pd.Series, allowed: str) -> None:
    """Raise a ValueError that says how many rows are wrong, and which is the first."""
    if wrong.any():
        first = table[wrong].iloc[0]
        raise ValueError(
            f"{name} is {first[name]:g} in {int(wrong.sum())} of {len(table)} rows (the first: "
            f"{first['participant']}, {first['item']} × {first['property']}); it must be "
            f"{allowed}; leave such rows out"
        )
