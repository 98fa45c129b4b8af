"""The reference: a page for each public name, in the groups of semdev/__init__.py."""

from __future__ import annotations

import inspect
from pathlib import Path

import semdev
from docs.names import find, read_groups, read_modules
from docs.text import first_sentence, read_prose, table, title, toctree

# What a docstring cannot say, for these are plain dictionaries: the comment's place is here.
DATA = {
    "semdev.PHENOMENA": "Every phenomenon that comes with semdev, by name: see :doc:`/phenomena`.",
    "semdev.learning_rules.RULES": "Every learning rule by name, and what makes it.",
    "semdev.papers.PAPERS": "The title of every paper by the name of its module: see "
    ":doc:`/papers/index`.",
}


def write_pages(root: Path) -> dict[str, str]:
    """Return the index, a page for each public module, and a page for each name."""
    pages = {"reference/index.rst": write_index()}
    for module, names in read_modules().items():
        pages[f"reference/{module}.rst"] = write_module(module, names)
        pages |= {f"reference/{module}.{n}.rst": write_name(f"semdev.{module}.{n}") for n in names}
    for names in read_groups().values():
        pages |= {f"reference/{name}.rst": write_name(f"semdev.{name}") for name in names}
    return pages


def write_index() -> str:
    """Return the page that lists every name with what it does, group by group."""
    parts = [
        title("Reference"),
        read_prose(semdev),
        "",
        "``import semdev as sd`` is how every example begins.\n",
    ]
    for group, names in read_groups().items():
        parts += [title(group[0].upper() + group[1:], "-"), list_summaries("semdev", names)]
        parts += [toctree(names, "hidden", f"caption: {group[0].upper() + group[1:]}")]
    modules = list(read_modules())
    rows = [(f":doc:`sd.{m} <{m}>`", summarize_object(f"semdev.{m}")) for m in modules]
    parts += [title("Modules", "-"), table(("module", "what it holds"), rows, (30, 70))]
    parts += [toctree((f"sd.{m} <{m}>" for m in modules), "hidden", "caption: Modules")]
    return "\n".join(parts)


def write_module(module: str, names: list[str]) -> str:
    """Return a public module's page: its docstring and what it holds."""
    full = f"semdev.{module}"
    return "\n".join([
        f".. module:: {full}\n",
        title(f"sd.{module}"),
        read_prose(find(full)),
        "",
        list_summaries(full, names),
        toctree((f"{name} <{module}.{name}>" for name in names), "hidden"),
    ])  # fmt: skip


def write_name(full: str) -> str:
    """Return a name's page: its signature and its docstring."""
    value = find(full)
    short = full.removeprefix("semdev.")
    parts = [title(f"sd.{short}")]
    if full in DATA:
        parts += [f".. py:data:: {full}\n\n   {DATA[full]}\n"]
    elif inspect.isclass(value):
        parts += [f".. autoclass:: {full}\n   :members:\n"]
    else:
        parts += [f".. autofunction:: {full}\n"]
    return "\n".join(parts)


def list_summaries(module: str, names: list[str]) -> str:
    """Return a table of names with the first sentence of each one's docstring."""
    rows = [(f":py:obj:`{name} <{module}.{name}>`", summarize_object(f"{module}.{name}"))
            for name in names]  # fmt: skip
    return table(("name", "what it does"), rows, (30, 70))


def summarize_object(full: str) -> str:
    """Return the first sentence of an object's docstring."""
    return DATA.get(full) or first_sentence(read_prose(find(full)))
