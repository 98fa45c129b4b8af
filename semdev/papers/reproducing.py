"""Run papers: compute, draw, check, go on where a run was stopped, and say what was written."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import joblib
import pandas as pd

from semdev._files import write_whole
from semdev._names import require
from semdev._progress import tqdm
from semdev.data.bundled import find_folder
from semdev.papers.checks import tabulate
from semdev.plots.saving import save_figure

FORMATS = ("svg", "pdf")
UNFINISHED = ".unfinished"

Result = tuple[pd.DataFrame, list[Path]]


def list_figures(paper: ModuleType) -> list[str]:
    """Return the names of a paper's figures, in order (supplementary ones, figS1, …, last).

    >>> from semdev.papers import saxe2019
    >>> list_figures(saxe2019)[:3]
    ['fig1', 'fig2', 'fig3']
    """
    found = [re.fullmatch(r"fig(S?)(\d+)_data", name) for name in vars(paper)]
    numbers = sorted((each[1], int(each[2])) for each in found if each)
    return [f"fig{supplement}{number}" for supplement, number in numbers]


def reproduce_figure(paper: ModuleType, figure: str, *, folder: str | Path | None = None) -> Result:
    """Compute one figure with its published settings; return its checks and the files written.

    Without `folder` nothing is drawn.

    Raises
    ------
    KeyError
        The paper has no such figure.

    Examples
    --------
    >>> from semdev.papers import saxe2019
    >>> table, files = reproduce_figure(saxe2019, "fig2")
    >>> table["holds"].tolist(), files
    ([True, True, True], [])
    """
    name = paper.__name__.rsplit(".", 1)[-1]
    require(figure, list_figures(paper), kind="figure", where=name)
    data = getattr(paper, f"{figure}_data")()
    table = tabulate(getattr(paper, f"{figure}_checks")(data))
    table.insert(0, "paper", name)
    table.insert(1, "figure", figure)
    written = []
    if folder is not None:
        drawn = getattr(paper, figure)(data)
        Path(folder).mkdir(parents=True, exist_ok=True)
        for kind in FORMATS:
            written.append(Path(folder) / f"{name}_{figure}.{kind}")
            save_figure(drawn, written[-1])
    return table, written


def reproduce(
    papers: Sequence[ModuleType],
    *,
    folder: str | Path | None = None,
    figures: bool = True,
    jobs: int = 1,
    progress: bool | None = None,
) -> Result:
    """Reproduce whole papers; return the table of all checks and the files written.

    Parameters
    ----------
    papers : modules
        As from `get_paper`.
    folder : path, optional
        Where the figures go, as SVG and PDF, and the table, as checks.csv. A run that is stopped
        goes on, when it is started again, with the figures that it had not finished, as long as
        the code is the same. Without a folder nothing is drawn and nothing kept.
    figures : bool
        Draw; otherwise only the table goes into the folder.
    jobs : int
        How many figures to compute at a time, each in a process of its own; −1: one a core.
    progress : bool, optional
        Show a bar over figures (default: when it takes over a second).

    Returns
    -------
    table, files
        The table has a row for each check: paper, figure, panel, claim, expected (the published
        or derived value), number (ours, with its interval), criterion, holds, source, note.

    Raises
    ------
    ValueError
        No papers.

    Examples
    --------
    `reproduce([semdev.papers.saxe2019], folder="figures")` is what ``semdev reproduce saxe2019``
    runs, and takes a minute or two.

    >>> reproduce([])
    Traceback (most recent call last):
    ValueError: no papers to reproduce; give modules, such as semdev.papers.saxe2019
    """
    if not papers:
        raise ValueError("no papers to reproduce; give modules, such as semdev.papers.saxe2019")
    wanted = [(paper.__name__, figure) for paper in papers for figure in list_figures(paper)]
    kept = None if folder is None else Path(folder) / UNFINISHED
    digest = "" if kept is None else _digest_code()
    recalled = {pair: _recall(kept, digest, pair, figures) for pair in wanted} if kept else {}
    done = {pair: result for pair, result in recalled.items() if result is not None}
    missing = [pair for pair in wanted if pair not in done]
    bar = tqdm(
        total=len(wanted), initial=len(wanted) - len(missing), delay=0 if progress else 1,
        disable=progress is False, unit="figure", leave=False,
    )  # fmt: skip
    with bar:
        for pair, result in _compute(missing, folder if figures else None, jobs):
            done[pair] = result
            if kept:
                _remember(kept, digest, pair, result)
            bar.set_description(f"{pair[0].rsplit('.', 1)[-1]} {pair[1]}")
            bar.update()
    results = [done[pair] for pair in wanted]
    table = pd.concat([each[0] for each in results], ignore_index=True)
    written = [path for each in results for path in each[1]]
    if folder is not None:
        written.append(Path(folder) / "checks.csv")
        with write_whole(written[-1]) as unfinished:
            table.to_csv(unfinished, index=False)
        shutil.rmtree(Path(folder) / UNFINISHED, ignore_errors=True)
    return table, written


def _compute(
    pairs: Sequence[tuple[str, str]], folder: str | Path | None, jobs: int
) -> Iterator[tuple[tuple[str, str], Result]]:
    """Yield each figure's result as soon as it is there."""
    work = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="all")
    yield from work(joblib.delayed(_reproduce_named)(pair, folder) for pair in pairs)


def _reproduce_named(
    pair: tuple[str, str], folder: str | Path | None
) -> tuple[tuple[str, str], Result]:
    """Reproduce a figure of the module of that name (modules do not travel to processes)."""
    import sys
    from importlib import import_module

    name, figure = pair
    paper = sys.modules.get(name) or import_module(name)
    return pair, reproduce_figure(paper, figure, folder=folder)


def _digest_code() -> str:
    """Return a fingerprint of the package's code and corpora, on which kept results depend."""
    root = Path(__file__).resolve().parent.parent
    files = [*sorted(root.rglob("*.py")), *sorted(find_folder().iterdir())]
    text = b"".join(path.read_bytes() for path in files if path.is_file())
    return hashlib.sha256(text).hexdigest()


def _remember(kept: Path, digest: str, pair: tuple[str, str], result: Result) -> None:
    table, written = result
    kept.mkdir(parents=True, exist_ok=True)
    record = {
        "code": digest,
        "checks": table.to_json(orient="split"),
        "files": [str(path) for path in written],
    }
    with write_whole(_place(kept, pair)) as unfinished:
        unfinished.write_text(json.dumps(record), encoding="utf-8")


def _recall(kept: Path, digest: str, pair: tuple[str, str], figures: bool) -> Result | None:
    """Return what a stopped run of the same code left of this figure, if all that is wanted."""
    try:
        record = json.loads(_place(kept, pair).read_text(encoding="utf-8"))
        written = [Path(each) for each in record["files"]]
        table = pd.read_json(io.StringIO(record["checks"]), orient="split", dtype=False)
    except (OSError, ValueError, KeyError, TypeError):  # none, or not one of ours
        return None
    drawn = bool(written) or not figures
    current = record["code"] == digest and drawn and all(each.is_file() for each in written)
    return (table, written) if current else None


def _place(kept: Path, pair: tuple[str, str]) -> Path:
    return kept / f"{pair[0].rsplit('.', 1)[-1]}_{pair[1]}.json"
