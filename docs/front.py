"""The front page: the README's beginning, the way to everything else, and how to cite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from docs.notebooks import write_gallery
from docs.text import toctree

PAGES = {
    "notebooks/index": "Notebooks",
    "README": "Guide",
    "reference/index": "Reference",
    "papers/index": "Papers",
    "phenomena": "Phenomena",
    "datasets/index": "Corpora",
    "command_line": "Command line",
    "project": "Project",
}
CARDS = {
    "README": "The README in full: theory, Rumelhart's network, your own items and networks, "
    "thousands of networks, which model explains it, fits to behaviour.",
    "reference/index": "Every public name, with formula, source and an example that runs.",
    "papers/index": "What was published, redrawn, each claim with a number and a criterion.",
    "phenomena": "What development is said to show, how it is measured, and when it counts.",
    "datasets/index": "The worlds that come with semdev, and where they come from.",
    "command_line": "The same without Python.",
}


def write_pages(root: Path) -> dict[str, str]:
    """Return the front page."""
    first = (root / "README.md").read_text(encoding="utf-8")
    second = [line for line in first.splitlines() if line.startswith("## ")][1]
    cards = [".. grid:: 1 2 3 3\n   :gutter: 3\n"]
    for page, text in CARDS.items():
        cards += [f"   .. grid-item-card:: {PAGES[page]}",
                  f"      :link: {page}\n      :link-type: doc\n\n      {text}\n"]  # fmt: skip
    parts = [
        f"```{{include}} README.md\n:end-before: \"{second}\"\n```",
        "## Notebooks", as_rst(write_gallery(root, "notebooks/")),
        "## Where to go on", as_rst("\n".join(cards)),
        "## How to cite", as_rst(cite(root)),
        as_rst(toctree((f"{text} <{page}>" for page, text in PAGES.items()), "hidden")),
    ]  # fmt: skip
    return {"index.md": "\n\n".join(parts)}


def as_rst(text: str) -> str:
    """Return reStructuredText for a page of Markdown, so that headings are the page's own."""
    return f"````{{eval-rst}}\n{text}\n````"


def cite(root: Path) -> str:
    """Return what CITATION.cff asks for, with a BibTeX entry."""
    cff = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    references = "\n".join(f"* {format_reference(each)}" for each in cff["references"])
    entry = (
        f"@software{{semdev,\n  title = {{{cff['title']}}},\n"
        f"  author = {{{' and '.join(name_author(a) for a in cff['authors'])}}},\n"
        f"  version = {{{cff['version']}}}\n}}"
    )
    block = "\n".join(f"   {line}" for line in entry.splitlines())
    return f"{cff['message']}\n\n.. code-block:: bibtex\n\n{block}\n\n{references}\n"


def format_reference(reference: dict[str, Any]) -> str:
    """Return a reference in a line."""
    authors = " & ".join(name_author(each) for each in reference["authors"])
    parts = [f"{authors} ({reference['year']}). *{reference['title']}*."]
    place = reference.get("journal") or reference.get("collection-title")
    place = place or reference.get("publisher", {}).get("name", "")
    if "volume" in reference:
        place += (
            f" {reference['volume']}({reference['issue']}), {reference['start']}–{reference['end']}"
        )
    return " ".join([*parts, f"{place}."])


def name_author(author: dict[str, str]) -> str:
    """Return an author as "Saxe, Andrew M."."""
    return author.get("name") or f"{author['family-names']}, {author['given-names']}"
