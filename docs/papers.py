"""A page for each paper: its claim, what was matched, its figures, and its checks.

Figures and checks are those that `semdev reproduce` left in figures/. Where it has not been run,
the page says the command, and the criteria are read from the source.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType

import pandas as pd

from docs.criteria import read_criteria
from docs.text import escape, first_sentence, read_prose, table, title, toctree
from semdev import papers
from semdev.papers import PAPERS, get_paper, list_figures


def write_pages(root: Path) -> dict[str, str]:
    """Return the index of papers and a page for each."""
    stored = root / "figures" / "checks.csv"
    checks = pd.read_csv(stored, dtype=str, keep_default_na=False) if stored.exists() else None
    pages = {f"papers/{name}.rst": write_paper(name, root, checks) for name in PAPERS}
    rows = [
        (f":doc:`{name}`", f"*{PAPERS[name]}*\n\n{read_claim(get_paper(name))}")
        for name in PAPERS
    ]  # fmt: skip
    pages["papers/index.rst"] = "\n".join([
        title("Papers"),
        read_prose(papers),
        "",
        table(("module", "title and claim"), rows, (20, 80)),
        toctree(PAPERS, "hidden"),
    ])  # fmt: skip
    return pages


def read_claim(paper: ModuleType) -> str:
    """Return the claim with which a paper's docstring begins."""
    return first_sentence(read_prose(paper)).removeprefix("Claim: ")


def write_paper(name: str, root: Path, checks: pd.DataFrame | None) -> str:
    """Return a paper's page."""
    paper = get_paper(name)
    own = None if checks is None else checks[checks["paper"] == name]
    if own is not None and len(own):
        held = f"{(own['holds'] == 'True').sum()} of {len(own)} hold"
        said = f"{held}, and one that does not is a MISS, with the reason where it is known."
    else:
        said = "not done when this page was built, so that here are claims and criteria alone."
    parts = [
        title(f"{name}: {PAPERS[name]}"),
        read_prose(paper),
        "",
        f"``semdev reproduce {name}`` draws the figures and computes the checks: {said}\n",
    ]
    for figure in list_figures(paper):
        its = None if own is None else own[own["figure"] == figure]
        parts += write_figure(paper, name, figure, root, its)
    return "\n".join(parts)


def write_figure(
    paper: ModuleType, name: str, figure: str, root: Path, checks: pd.DataFrame | None
) -> list[str]:
    """Return a figure's part of its paper's page: claim, picture, checks."""
    compute, check = getattr(paper, f"{figure}_data"), getattr(paper, f"{figure}_checks")
    drawn = f"figures/{name}_{figure}.svg"
    shown = first_sentence(read_prose(getattr(paper, figure))).removeprefix("Draw ")
    shown = shown[0].upper() + shown[1:]
    parts = [title(f"Figure {figure.removeprefix('fig')}", "-"), read_prose(compute), ""]
    if (root / drawn).exists():
        parts.append(f".. figure:: /{drawn}\n   :alt: {shown}\n\n   {shown}\n")
    else:
        parts.append(f"*Shows:* {shown}\n")
    stored = checks is not None and len(checks)
    parts.append(list_checks(checks) if stored else list_criteria(check))
    given = inspect.signature(compute).parameters.values()
    settings = ", ".join(f"{each.name}={each.default!r}" for each in given)
    parts.append(
        f"``data = sd.papers.{name}.{figure}_data({settings})`` computes, "
        f"``sd.papers.{name}.{figure}(data)`` draws, ``sd.papers.{name}.{figure}_checks(data)`` "
        f"checks; the source is ``{compute.__module__}``.\n"
    )
    return parts


def list_checks(checks: pd.DataFrame) -> str:
    """Return the table of checks as `semdev reproduce` stored them."""
    rows = [
        (
            escape(row["panel"]),
            f"{escape(row['claim'])}\n\n*{row['source']}*; criterion: {escape(row['criterion'])}"
            + (f"\n\nwhy: {escape(row['note'])}" if row["note"] else ""),
            escape(row["expected"]),
            escape(row["number"]),
            "holds" if row["holds"] == "True" else "**MISS**",
        )
        for row in checks.to_dict("records")
    ]
    return table(("panel", "claim", "expected", "measured", "verdict"), rows, (6, 42, 18, 26, 8))


def list_criteria(check: object) -> str:
    """Return the table of claims and criteria, read from the source."""
    rows = [(escape(claim), escape(criterion)) for claim, criterion in read_criteria(check)]
    return table(("claim", "criterion"), rows, (60, 40)) if rows else ""
