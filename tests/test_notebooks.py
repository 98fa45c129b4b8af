"""Notebooks run from top to bottom in a fresh kernel, and say in words what they compute."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
STUDIES = "**From people.**"  # paragraphs that begin so report what others have measured
NUMBER = re.compile(r"(?<![\w.])\d*\.\d+|\d+(?= %)")  # what a number that was computed looks like


def read_prose(notebook: nbformat.NotebookNode) -> str:
    """Return the text, without code and formulas, each run of blanks a single one."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return " ".join(re.sub(r"```.*?```|`[^`]*`|\$[^$]*\$", "", text, flags=re.DOTALL).split())


def read_claims(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the words quoted beside assertions: ``assert 0.5 < peak < 0.6  # "about .55"``."""
    lines = [
        line
        for cell in notebook.cells
        if cell.cell_type == "code"
        for line in cell.source.splitlines()
        if line.lstrip().startswith("assert ") and "  # " in line
    ]
    return [claim for line in lines for claim in re.findall(r'"([^"]*)"', line.split("  # ")[1])]


def find_unasserted(notebook: nbformat.NotebookNode) -> tuple[list[str], list[str]]:
    """Return claims that the text does not hold, and numbers in the text that no claim holds."""
    prose, claims = read_prose(notebook), read_claims(notebook)
    asserted = {number for claim in claims for number in NUMBER.findall(claim)}
    own = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_markdown_cell("\n\n".join(
            part for part in cell.source.split("\n\n") if not part.startswith(STUDIES)
        ))
        for cell in notebook.cells if cell.cell_type == "markdown"
    ])  # fmt: skip
    numbers = NUMBER.findall(read_prose(own))
    return ([claim for claim in claims if claim not in prose],
            [number for number in numbers if number not in asserted])  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of Jupyter's own machinery; the kernel's are read below
@each_notebook
def test_notebook_runs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert outputs
    assert [out.text for out in outputs if out.get("name") == "stderr"] == []


@each_notebook
def test_notebook_is_stored_with_small_outputs_and_no_errors(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert path.stat().st_size < 1_000_000
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any("assert" in cell.source for cell in code)
    assert any(cell.outputs for cell in code)
    for cell in code:
        assert "execution" not in cell.metadata
        for out in cell.outputs:
            assert out.output_type != "error"
            assert out.get("name") != "stderr"


@each_notebook
def test_every_number_in_the_text_is_asserted(path: Path) -> None:
    assert find_unasserted(nbformat.read(path, as_version=4)) == ([], [])


def test_a_number_that_is_changed_in_the_text_alone_is_noticed() -> None:
    cells = [
        nbformat.v4.new_markdown_cell("The peak is\nat .55, in 90 % of networks.\n\n"
                                      "**From people.** It was .7.\n\n`scale=0.1`"),
        nbformat.v4.new_code_cell('assert 0.5 < peak < 0.6  # "at .55"\n'
                                  'assert share == 0.9  # "in 90 % of networks"'),
    ]  # fmt: skip
    notebook = nbformat.v4.new_notebook(cells=cells)
    assert find_unasserted(notebook) == ([], [])
    cells[0].source = cells[0].source.replace(".55", ".65")
    assert find_unasserted(notebook) == (["at .55"], [".65"])
