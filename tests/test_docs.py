"""The documentation site names everything public, and all it names is documented (no build)."""

from __future__ import annotations

import inspect
import re

import pytest
from docutils.core import publish_doctree
from docutils.utils import Reporter
from numpydoc.validate import validate

import semdev as sd
from docs import gathering, names, notebooks
from docs.criteria import read_criteria
from docs.extension import find_target
from docs.reference import DATA
from docs.text import keep_bars
from semdev.cli import make_parser
from semdev.papers import PAPERS, get_paper, list_figures
from semdev.phenomena import PHENOMENA

PUBLIC = names.list_names()
CALLABLE = [name for name in PUBLIC if callable(names.find(name))]
# What numpydoc must not find: a section unknown or out of order, arguments that the docstring has
# and the signature has not, arguments that a section of parameters leaves out.
WRONG = {"GL06", "GL07", "GL08", "PR01", "PR02", "PR07", "PR10", "RT02"}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return gathering.write_pages()


def test_every_public_name_has_a_page_and_a_group(pages: dict[str, str]) -> None:
    grouped = [name for group in names.read_groups().values() for name in group]
    assert sorted(grouped) == sorted(sd._HOME)
    assert set(names.read_modules()) == set(sd._MODULES)
    assert len(PUBLIC) == len(set(PUBLIC)) > 200
    for full in PUBLIC:
        page = pages[f"reference/{full.removeprefix('semdev.')}.rst"]
        assert re.search(rf":: {re.escape(full)}$", page, flags=re.MULTILINE), full


def test_index_and_modules_list_every_name(pages: dict[str, str]) -> None:
    for full in PUBLIC:
        module = full.split(".")[1] if full.count(".") == 2 else "index"
        assert f"<{full}>`" in pages[f"reference/{module}.rst"]


@pytest.mark.parametrize("full", CALLABLE)
def test_docstring_is_a_sentence_with_an_example_and_well_formed(full: str) -> None:
    value = names.find(full)
    text = inspect.getdoc(value) or ""
    assert len(text.splitlines()[0]) > 20
    assert ">>>" in text
    wrong = WRONG if "Parameters\n---" in text else WRONG - {"PR01"}
    assert [f"{code}: {said}" for code, said in validate(full)["errors"] if code in wrong] == []


def test_what_is_no_function_is_described_too() -> None:
    assert set(DATA) == set(PUBLIC) - set(CALLABLE)


@pytest.mark.parametrize("full", CALLABLE)
def test_docstring_is_restructured_text(full: str) -> None:
    lines = (inspect.getdoc(names.find(full)) or "").splitlines()
    text = re.sub(r"(?m)^(Parameters|Returns|Raises|Examples|Notes)\n-+$", r"**\1**\n",
                  "\n".join(keep_bars(lines)))  # fmt: skip
    document = publish_doctree(text, settings_overrides={
        "report_level": Reporter.SEVERE_LEVEL + 1, "default_role": "literal",
        "file_insertion_enabled": False,
    })  # fmt: skip
    said = [each.astext() for each in document.parse_messages if "Unknown" in each.astext()
            or "Undefined" in each.astext() or "start-string" in each.astext()]  # fmt: skip
    said += [each.astext() for each in document.transform_messages]
    assert said == []


def test_every_paper_figure_and_phenomenon_has_its_place(pages: dict[str, str]) -> None:
    for name in PAPERS:
        page, paper = pages[f"papers/{name}.rst"], get_paper(name)
        for figure in list_figures(paper):
            assert f"Figure {figure.removeprefix('fig')}\n---" in page
            assert read_criteria(getattr(paper, f"{figure}_checks")), (name, figure)
    for name, phenomenon in PHENOMENA.items():
        assert f"{name[0].upper()}{name[1:]}\n---" in pages["phenomena.rst"]
        assert phenomenon.criterion.source in ("published", "ours")


def test_every_command_has_its_help(pages: dict[str, str]) -> None:
    listed = re.findall(r"^ {4}(\w+)(?: {2,}|$)", make_parser().format_help(), flags=re.MULTILINE)
    assert {"list", "ask", "reproduce"} <= set(listed)
    for command in listed:
        assert f"\nsemdev {command}\n---" in pages["command_line.rst"]


def test_notebooks_stand_by_number_and_the_exercise_last() -> None:
    found = [path.stem for path in notebooks.list_notebooks(gathering.ROOT)]
    assert found[0] == "01_quickstart"
    assert found[-1] == "course_exercise"
    assert len(found) == len(list((gathering.ROOT / "notebooks").glob("*.ipynb")))


def test_gathering_copies_what_is_there_and_takes_away_what_is_gone(tmp_path) -> None:
    stale = tmp_path / "reference" / "gone.rst"
    stale.parent.mkdir()
    stale.write_text("a name that is no longer public")
    written = gathering.gather(tmp_path)
    assert not stale.exists()
    assert (tmp_path / "README.md").read_bytes() == (gathering.ROOT / "README.md").read_bytes()
    assert all(path.is_file() for path in written)
    times = [path.stat().st_mtime_ns for path in written]
    assert [path.stat().st_mtime_ns for path in gathering.gather(tmp_path)] == times


def test_code_links_to_what_it_names_and_to_nothing_else() -> None:
    known = frozenset(PUBLIC)
    assert find_target("sd.train(net, world)", ["semdev"], known) == "semdev.train"
    assert find_target("leaves", ["semdev.trees", "semdev"], known) == "semdev.trees.leaves"
    assert find_target("leaves", ["semdev"], known) is None
    assert find_target("train --seeds", ["semdev"], known) is None
