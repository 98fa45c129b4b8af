"""The command line: a thin door to the package."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from semdev._names import NameNotFoundError, suggest
from semdev._version import __version__
from semdev.asking import add_ask_parser
from semdev.comparing.command import add_compare_parser, add_validate_parser
from semdev.completing import add_completion_parser
from semdev.explorer.command import add_explore_parser
from semdev.papers.command import add_reproduce_parser
from semdev.sweeps.command import add_parser as add_sweep_parser

if TYPE_CHECKING:
    from semdev.data.dataset import Dataset

DESCRIPTION = """Models of semantic development: what learners come to believe, and when.

There is something to learn (a corpus, or a CSV file of yours: a row for each item, a column for
each property), someone learns it (deep and shallow networks, theory, rival models), and what they
believed on the way is measured, compared, and held against what was published."""
TEACHING = """a first session:
  semdev list                                        corpora and papers
  semdev ask living_things worm "has bones"          what networks believe, and when
  semdev ask my_items.csv penguin "can fly"          the same of your own items
  semdev reproduce saxe2019                          a paper's figures, into figures/, with checks

then:
  semdev compare living_things --out runs            which models show which phenomena
  semdev sweep living_things --out runs/depth --depth 1 2 3
  semdev explore deep.nc --out deep.html             a saved History as a page with a time slider
  semdev completion bash                             completion by the tab key; says how

Every command has a --help of its own, with examples; with --json what it prints is JSON. Results go
to the standard output, progress and errors (one line each) to the standard error.
exit status: 0 fine, 1 a check failed, 2 bad input or an error, 130 stopped by Ctrl-C
environment: SEMDEV_TRACEBACK=1 shows where in the code an error arose
"""
USER = (NameNotFoundError, ValueError, TypeError, OSError, ArithmeticError, ImportError)


class Parser(argparse.ArgumentParser):
    """Errors in one line, with the nearest match."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is; exit with 2."""
        wrong = re.match(r"argument COMMAND: invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if wrong:
            allowed = re.findall(r"[\w-]+", wrong[2])
            message = f"no command {wrong[1]!r}; {suggest(wrong[1], allowed)}"
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code (0 fine, 1 a check failed, 2 bad input)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = _read_arguments(arguments)
    try:
        code = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output, such as `head`, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stopped:
        print(
            f"semdev: {stopped}" if str(stopped) else
            "semdev: stopped (reproduce, sweep, compare and validate go on where they were when "
            "given again)",
            file=sys.stderr,
        )  # fmt: skip
        return 130
    except Exception as error:
        if os.environ.get("SEMDEV_TRACEBACK"):
            traceback.print_exc()
        else:
            print(f"semdev: {_say(error)}", file=sys.stderr)
        return 2
    return code


def _say(error: Exception) -> str:
    """Return an error in one line: a sentence of ours as it is, another with where it arose."""
    text = " ".join(str(error).split())
    if isinstance(error, USER) and text:
        return text
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__}{': ' * bool(text)}{text} ({Path(frame.filename).name}, line "
        f"{frame.lineno}; SEMDEV_TRACEBACK=1 shows more)"
    )


def _read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        known = [name for action in options.parser._actions for name in action.option_strings]
        option = next((each for each in unknown if each.startswith("-")), None)
        options.parser.error(
            f"no option {option.split('=')[0]!r}; {suggest(option.split('=')[0], known)}"
            if option else f"{' '.join(map(repr, unknown))} is more than this command takes"
        )  # fmt: skip
    return options


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="semdev", description=DESCRIPTION, epilog=TEACHING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"semdev {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="name the corpora and papers that come with semdev")
    listing.add_argument("--json", action="store_true", help="print JSON instead")
    listing.set_defaults(run=_list)
    add_ask_parser(commands, _read_world)
    add_reproduce_parser(commands)
    add_compare_parser(commands, _read_world)
    add_validate_parser(commands, _read_world)
    add_sweep_parser(commands, _read_world)
    add_explore_parser(commands)
    add_completion_parser(commands, make_parser)
    for each in commands.choices.values():
        each.set_defaults(parser=each)
    return parser


def _list(options: argparse.Namespace) -> int:
    from semdev.data.bundled import list_corpora, outline
    from semdev.papers import PAPERS

    corpora = [{"name": name, **outline(name)._asdict()} for name in list_corpora()]
    if options.json:
        papers = [{"name": name, "title": title} for name, title in PAPERS.items()]
        print(json.dumps({"corpora": corpora, "papers": papers}, ensure_ascii=False, indent=1))
        return 0
    print("corpora (semdev.load, semdev ask):")
    for each in corpora:
        print("  {name:<15}{items:>4} items × {properties:<4} coded {coding}".format(**each))
    print("papers (semdev reproduce):")
    for name, title in PAPERS.items():
        print(f"  {name:<15} {title}")
    return 0


def _read_world(name: str, tree: str | None) -> Dataset:
    from semdev.data import trees
    from semdev.data.corpora import list_corpora, load
    from semdev.data.dataset import Dataset

    if tree is None and not name.endswith(".csv") and not Path(name).exists():
        try:
            return load(name)
        except NameNotFoundError as error:
            raise NameNotFoundError(f"no file {name!r}, and {error}") from None
    if name in list_corpora():
        raise ValueError(f"{name} has a tree of its own; --tree goes with a CSV file")
    if tree and not Path(tree).is_file():
        raise FileNotFoundError(f"no tree file {tree!r}")
    try:
        grown = trees.from_newick(Path(tree).read_text(encoding="utf-8")) if tree else None
    except ValueError as error:
        raise ValueError(f"{tree}: {error}") from None
    return Dataset.from_csv(name, tree=grown)


if __name__ == "__main__":
    sys.exit(main())
