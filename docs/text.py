"""Pieces of pages: headings, tables and toctrees in reStructuredText."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from textwrap import indent
from typing import Any


def title(text: str, mark: str = "=") -> str:
    """Return a heading.

    >>> print(title("Modes", "-"))
    Modes
    -----
    <BLANKLINE>
    """
    return f"{text}\n{mark * max(len(text), 3)}\n"


def toctree(pages: Iterable[str], *options: str) -> str:
    """Return a toctree of pages (name, or what it is called <name>)."""
    lines = [f":{option}" if ":" in option else f":{option}:" for option in options]
    return ".. toctree::\n" + indent("\n".join([*lines, "", *pages]), "   ") + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]) -> str:
    """Return a list-table whose cells are reStructuredText."""
    lines = [
        ".. list-table::",
        "   :header-rows: 1",
        f"   :widths: {' '.join(map(str, widths))}",
        "",
    ]
    for row in [head, *rows]:
        for k, cell in enumerate(row):
            lead = "   * - " if k == 0 else "     - "
            first, *others = cell.split("\n") or [""]
            lines.append((lead + first).rstrip())
            lines += [("       " + line).rstrip() for line in others]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return plain text so that reStructuredText shows it as it is.

    >>> print(escape("h_l = *W* |x|"))
    h\\_l = \\*W\\* \\|x\\|
    """
    for mark in "\\*`|_":
        text = text.replace(mark, "\\" + mark)
    return text


def first_sentence(text: str) -> str:
    """Return the first paragraph of a docstring, on one line.

    >>> first_sentence('''Return it,
    ... at once.
    ...
    ... And more.''')
    'Return it, at once.'
    """
    return " ".join(text.strip().split("\n\n")[0].split())


def keep_bars(lines: list[str]) -> list[str]:
    """Return a docstring's lines with the bars of |x| as they are: here they mark nothing.

    Code, in backticks or at a prompt, is left alone.

    >>> keep_bars(["the length |x| of `a|b`", "", ">>> a | b", "|c|"])
    ['the length \\\\|x\\\\| of `a|b`', '', '>>> a | b', '|c|']
    """
    kept, prompt, inside = [], False, False
    for line in lines:
        prompt = line.lstrip().startswith(">>>") or (prompt and bool(line.strip()))
        if not line.strip():
            inside = False
        if prompt:
            kept.append(line)
            continue
        parts = re.split(r"(`+)", line)
        for k, part in enumerate(parts):
            if part.startswith("`"):
                inside = not inside
            elif not inside:
                parts[k] = part.replace("|", "\\|")
        kept.append("".join(parts))
    return kept


def read_prose(value: Any) -> str:
    """Return a docstring without its sections (Parameters, Returns, …) and without its examples.

    >>> read_prose(read_prose).startswith("Return a docstring without its sections")
    True
    """
    text = re.split(r"\n\n(?=\w[\w ]*\n---)|\n\n(?=>>> )", inspect.getdoc(value) or "")[0]
    return "\n".join(keep_bars(text.splitlines()))
