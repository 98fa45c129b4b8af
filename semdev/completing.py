"""semdev completion: what the tab key completes, as a script for the shell."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from semdev._commands import add_command

SHELLS = ("bash", "zsh", "fish")
DESCRIPTION = "Print the script that lets a shell complete semdev's commands, options and names."
EXAMPLES = """how to switch it on:
  bash   semdev completion bash >> ~/.bashrc
  zsh    semdev completion zsh > ~/.zsh/_semdev    (a folder in your $fpath)
  fish   semdev completion fish > ~/.config/fish/completions/semdev.fish
and open a new shell.
"""


def add_completion_parser(
    commands: Any, make_parser: Callable[[], argparse.ArgumentParser]
) -> None:
    """Add `completion` to the parser; `make_parser` makes the parser that is to be completed."""
    parser = add_command(
        commands, "completion", summary="let the tab key complete commands and names",
        description=DESCRIPTION, examples=EXAMPLES,
    )  # fmt: skip
    parser.add_argument("shell", choices=SHELLS, help=", ".join(SHELLS))
    parser.set_defaults(run=partial(_complete, make_parser=make_parser))


def _complete(
    options: argparse.Namespace, make_parser: Callable[[], argparse.ArgumentParser]
) -> int:
    import shtab

    from semdev.data.bundled import list_corpora
    from semdev.papers import PAPERS

    corpora, papers = " ".join(list_corpora()), " ".join(PAPERS)
    parser = make_parser()
    for command in parser._subparsers._group_actions[0].choices.values():  # type: ignore
        for action in command._actions:
            if action.dest in ("world", "worlds", "what"):
                action.complete = {"bash": "_semdev_worlds", "zsh": "_semdev_worlds"}
            elif action.dest == "papers":
                action.complete = {"bash": "_semdev_papers", "zsh": "_semdev_papers"}
            elif action.metavar and action.metavar.startswith(("FILE", "HISTORY")):
                action.complete = shtab.FILE
            elif action.metavar == "DIR" or action.dest == "out":
                action.complete = shtab.DIRECTORY
    preamble: Any = {
        "bash": f"""
_semdev_worlds() {{ compgen -W "{corpora}" -- "$1"; compgen -f -- "$1"; }}
_semdev_papers() {{ compgen -W "{papers}" -- "$1"; }}
""",
        "zsh": f"""
_semdev_worlds() {{ _alternative "corpora:corpus:({corpora})" "files:file:_files" }}
_semdev_papers() {{ _values paper {papers} }}
""",
    }
    print(shtab.complete(parser, options.shell, preamble=preamble))
    return 0
