"""What the commands of the shell share: how they are added, what they read and may write."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Reader = Callable[[str, "str | None"], Any]  # a corpus or CSV file, a tree file → a Dataset
PICTURES = (".svg", ".pdf", ".png")


def add_command(
    commands: Any, name: str, *, summary: str, description: str, examples: str
) -> argparse.ArgumentParser:
    """Add a command, whose help shows description and examples as they are written."""
    return commands.add_parser(
        name, help=summary, description=description, epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip


def read_count(text: str) -> int:
    """Return a whole number above 0 given on the command line, or say that it is none."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number above 0 is needed, got {text!r}")
    return int(text)


def check_file(path: str | None, kinds: Sequence[str], option: str) -> None:
    """Refuse a file that could not be written before time is spent on it."""
    if path is None:
        return
    if Path(path).suffix not in kinds:
        raise ValueError(f"{option} writes {', '.join(kinds)} files, got {path!r}")
    if not Path(path).parent.is_dir():
        raise FileNotFoundError(f"no folder {str(Path(path).parent)!r} to write {path!r} in")
