"""The gallery of notebooks: whatever stands in notebooks/, by number, each with a picture."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from docs.text import title, toctree


def list_notebooks(root: Path) -> list[Path]:
    """Return the notebooks: numbered ones by number, then the others by name.

    >>> from docs.gathering import ROOT
    >>> [path.stem for path in list_notebooks(ROOT)][0]
    '01_quickstart'
    """
    paths = (root / "notebooks").glob("*.ipynb")
    return sorted(paths, key=lambda path: (not path.stem[0].isdigit(), path.stem))


def write_pages(root: Path) -> dict[str, str | bytes]:
    """Return the gallery and its pictures."""
    notebooks = list_notebooks(root)
    index = [
        title("Notebooks"),
        "Every notebook runs in the test suite; these are the outputs that are stored with it.\n",
        write_gallery(root, ""),
        toctree((path.stem for path in notebooks), "hidden"),
    ]
    pictures = {path: find_picture(read_cells(path)) for path in notebooks}
    found = {f"notebooks/pictures/{p.stem}.png": shot for p, shot in pictures.items() if shot}
    return {"notebooks/index.rst": "\n".join(index), **found}


def write_gallery(root: Path, folder: str) -> str:
    """Return a grid of cards, a card a notebook; `folder` is where they are, seen from the page."""
    cards = [".. grid:: 1 2 3 3\n   :gutter: 3\n"]
    for path in list_notebooks(root):
        cells = read_cells(path)
        cards.append(f"   .. grid-item-card:: {read_title(cells) or path.stem}")
        cards.append(
            f"      :link: {folder}{path.stem}\n      :link-type: doc\n      :class-card: shot"
        )
        if find_picture(cells):
            cards.append(f"      :img-bottom: /notebooks/pictures/{path.stem}.png")
        cards.append("")
    return "\n".join(cards)


def read_cells(path: Path) -> list[dict[str, Any]]:
    """Return a notebook's cells."""
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


def read_title(cells: list[dict[str, Any]]) -> str:
    """Return a notebook's first heading."""
    lines = "".join("".join(c["source"]) + "\n" for c in cells if c["cell_type"] == "markdown")
    heads = [line[2:].strip() for line in lines.splitlines() if line.startswith("# ")]
    return heads[0] if heads else ""


def find_picture(cells: list[dict[str, Any]]) -> bytes | None:
    """Return the first picture among the stored outputs, if there is one."""
    for cell in cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {}).get("image/png")
            if data:
                return base64.b64decode("".join(data))
    return None
