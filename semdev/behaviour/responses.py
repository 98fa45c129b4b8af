"""Responses: what people said, as one checked table, whatever form it came in."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from semdev._files import write_whole
from semdev._names import NameNotFoundError, require, suggest
from semdev.data.bundled import find_folder
from semdev.data.dataset import Dataset

KEY = ["study", "participant", "age", "item", "property"]
COLUMNS = [*KEY, "n_yes", "n"]
WORDS = {
    "yes": 1, "y": 1, "true": 1, "no": 0, "n": 0, "false": 0, "kind of": 0.5, "kinda": 0.5,
    "": np.nan, "na": np.nan, "nan": np.nan,
}  # fmt: skip
SEPARATORS = ",;\t"
NEEDED = "they need participant, age, item, property and either n_yes and n, or yes"
INDIVIDUALS = (
    "; every row is of one person: the likelihood is that of all of a person's answers together, "
    "so that means or counts of a group cannot be fitted; ask their authors for the individual "
    "answers"
)


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
        A CSV file (commas, semicolons or tabs; with the latter two decimal commas are read too) or
        a table with a row for each cell a participant was asked about: `participant`, `age`
        (positive, in one unit throughout), `item`, `property`, `n_yes` of `n` answers; or a row for
        each answer, with a column `yes` instead of the last two: 1 or yes, 0 or no, .5 or "kind
        of", empty where there was no answer (left out). `study` may be missing if there is but
        one. Capitals in these names do not matter, other columns are left aside. A participant is
        one person: group means say nothing of individuals, and are not what the fit is for. Who
        has one number in two studies is two people; who is there at two ages is one.
    data : Dataset, optional
        The world that was asked about; items and properties it lacks are refused.
    columns : mapping of their name to ours, optional
        How the columns are called: ``{"subid": "participant", "response": "yes"}``.
    encoding : str
        Of the file; Excel writes "utf-8-sig", "latin-1" or "utf-16".

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
        A number that cannot be: an age that is missing or a sentinel (−99), n_yes above n, or
        neither whole nor half (a share instead of a count); two columns of one name.
    FileNotFoundError
        No such file.
    TypeError
        Neither a file nor a table.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": ["a", "a"], "age": 4.5, "item": "worm",
    ...                        "property": ["has bones", "can fly"], "yes": ["kind of", "no"]})
    >>> read_responses(trials)[["property", "n_yes", "n"]].values.tolist()
    [['can fly', 0.0, 1.0], ['has bones', 0.5, 1.0]]
    """
    frame = _read_columns(source, columns or {}, encoding)
    counted = {"n_yes", "n"} <= set(frame.columns) or "yes" not in frame
    for name in COLUMNS if counted else [*KEY, "yes"]:
        _require_column(name, frame)
    names = {name: _read_names(frame, name) for name in KEY if name != "age"}
    numbers = ["age", "n_yes", "n"] if counted else ["age", "yes"]
    table = pd.DataFrame(names | {name: _read_numbers(frame, name) for name in numbers})
    if not counted:
        whole = table["yes"].isin([0, 0.5, 1]) | table["yes"].isna()
        _refuse(table, "yes", ~whole, "0, .5 or 1")
        table = table[table["yes"].notna()].rename(columns={"yes": "n_yes"}).assign(n=1.0)
    _refuse(table, "age", ~(table["age"] > 0) | np.isinf(table["age"]), "above 0, for everyone")
    _refuse(table, "n", ~(table["n"] >= 1) | (table["n"] % 1 != 0), "1 or more, a whole number")
    _refuse(table, "n_yes", ~table["n_yes"].between(0, table["n"]), "between 0 and n")
    shares = table["n_yes"] % 0.5 != 0
    _refuse(table, "n_yes", shares, "how many answers were yes, no share or mean of them")
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


def check_pairs(cells: Sequence[tuple[str, str]]) -> None:
    """Refuse what is no sequence of pairs, item and property.

    Raises ValueError.
    """
    for each in cells:
        if isinstance(each, str) or len(each) != 2:
            raise ValueError(
                f"cells are pairs, as [('worm', 'has bones')]; got {each!r} among {cells!r}"
            )


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


def _read_columns(
    source: str | Path | pd.DataFrame, columns: Mapping[str, str], encoding: str
) -> pd.DataFrame:
    """Return a table whose columns are called as ours, however they are called in the source.

    Raises ValueError where two would have one name.
    """
    if not isinstance(source, (str, Path, pd.DataFrame)):
        raise TypeError(f"responses are a CSV file or a DataFrame, got {type(source).__name__}")
    frame = source if isinstance(source, pd.DataFrame) else _read_file(source, encoding)
    for name in columns:
        require(name, frame.columns.tolist(), kind="column", where="the responses (columns=)")
    frame = frame.rename(columns=dict(columns))
    plain = {name: str(name).strip().casefold() for name in frame.columns}
    ours = {*COLUMNS, "yes"}
    frame = frame.rename(columns={name: to for name, to in plain.items() if to in ours})
    for name in ours & set(frame.columns[frame.columns.duplicated()]):
        raise ValueError(f"two columns of the responses are called {name!r}; leave one of them out")
    return frame if "study" in frame else frame.assign(study="")


def _read_file(source: str | Path, encoding: str) -> pd.DataFrame:
    """Return the cells of a CSV file as strings, indexed by the numbers of its lines."""
    path = Path(source)
    if not path.is_file():
        beside = [each.name for each in path.parent.glob("*.csv")] if path.parent.is_dir() else []
        hint = f"; {suggest(path.name, beside)}" if beside else ""
        if str(source).startswith(("http:", "https:")):
            hint = "; an address is read by pandas: read_responses(pandas.read_csv(address))"
        raise FileNotFoundError(f"no file {str(source)!r}{hint}")
    try:
        text = path.read_text(encoding=encoding)
        head, _, rest = text.partition("\n")
        told = head.strip().casefold().startswith("sep=")  # as Excel writes it
        head, text = (rest.partition("\n")[0], rest) if told else (head, text)
        separator = max(SEPARATORS, key=head.count)
        frame = pd.read_csv(
            StringIO(text), sep=separator, dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    except (UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(
            f"{path.name} is no CSV file in {encoding}: {error}; encoding= says another (Excel "
            "writes utf-8-sig, latin-1 or utf-16)"
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise ValueError(f"{path.name} has rows with more cells than there are names of columns")
    if separator != ",":
        frame = frame.replace(r"^\s*([+-]?\d*),(\d+)\s*$", r"\1.\2", regex=True)
    frame.index += 3 if told else 2
    return frame[frame.notna().all(axis=1) & (frame != "").any(axis=1)]


def _require_column(name: str, frame: pd.DataFrame) -> None:
    found = [str(each) for each in frame.columns]
    if name not in found:
        raise NameNotFoundError(
            f"the responses have no column {name!r} ({suggest(name, found)}); {NEEDED}; columns= "
            f"renames{INDIVIDUALS if name == 'participant' else ''}"
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
            hint = (
                " (or yes, no, kind of); recode others, as by frame['yes'].map({'ja': 1})"
                if name == "yes"
                else ", with a decimal point"
            )
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
