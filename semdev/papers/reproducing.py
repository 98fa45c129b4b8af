"""Run a paper: compute, draw, check, and say what was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pandas as pd

from semdev._progress import tqdm
from semdev.papers.checks import tabulate
from semdev.papers.drawing import save_figure

FORMATS = ("svg", "pdf")


def list_figures(paper: ModuleType) -> list[str]:
    """Return the names of a paper's figures, in order.

    >>> from semdev.papers import saxe2019
    >>> list_figures(saxe2019)
    ['fig1', 'fig2', 'fig3', 'fig4', 'fig5']
    """
    names = [name.removesuffix("_data") for name in vars(paper) if name.endswith("_data")]
    return sorted(name for name in names if name.startswith("fig"))


def reproduce_figure(
    paper: ModuleType, figure: str, *, folder: str | Path | None = None
) -> tuple[pd.DataFrame, list[Path]]:
    """Compute one figure with its published settings; return its checks and the files written.

    Without `folder` nothing is drawn.
    """
    data = getattr(paper, f"{figure}_data")()
    name = paper.__name__.rsplit(".", 1)[-1]
    table = tabulate(getattr(paper, f"{figure}_checks")(data))
    table.insert(0, "figure", f"{name} {figure}")
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
    progress: bool | None = None,
    say: Callable[[str], None] | None = None,
) -> tuple[pd.DataFrame, list[Path]]:
    """Reproduce whole papers; return the table of all checks and the files written.

    Parameters
    ----------
    papers : modules
        As from `get_paper`.
    folder : path, optional
        Where the figures go, as SVG and PDF; without it nothing is drawn.
    progress : bool, optional
        Show a bar over figures (default: when it takes over a second).
    say : function of a string, optional
        Told of each figure before it is computed.
    """
    jobs = [(paper, figure) for paper in papers for figure in list_figures(paper)]
    tables, written = [], []
    bar = tqdm(
        jobs, delay=0 if progress else 1, disable=progress is False, unit="figure", leave=False
    )
    for paper, figure in bar:
        label = f"{paper.__name__.rsplit('.', 1)[-1]} {figure}"
        bar.set_description(label)
        if say is not None:
            say(label)
        table, files = reproduce_figure(paper, figure, folder=folder)
        tables.append(table)
        written += files
    return pd.concat(tables, ignore_index=True), written
