"""The page of the command line: what --help says, from the parsers themselves."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from textwrap import indent

from docs.text import title
from semdev.cli import make_parser

WIDTH = "92"


def write_pages(root: Path) -> dict[str, str]:
    """Return the page."""
    parts = [title("Command line")]
    for command, text in list_helps(make_parser()):
        block = indent(text, "   ", lambda line: bool(line.strip()))
        parts += [title(command, "-"), f".. code-block:: text\n\n{block}"]
    return {"command_line.rst": "\n".join(parts)}


def list_helps(parser: argparse.ArgumentParser) -> list[tuple[str, str]]:
    """Return the name and the help of a parser and of every command below it."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    try:
        found = [(parser.prog, parser.format_help())]
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found += list_helps(below)
    return found
