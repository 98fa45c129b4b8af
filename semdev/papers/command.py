"""semdev reproduce: published figures, each with its checks."""

from __future__ import annotations

import argparse
from typing import Any

from semdev._commands import add_command
from semdev._json import write_records

DESCRIPTION = """Compute and draw a paper's figures, and hold each claim against a number.

Figures (SVG and PDF) and the table of checks (CSV) go to --out. A run that was stopped goes on
where it was. Exit status 1: a claim does not hold and nobody knows why."""
EXAMPLES = """examples:
  semdev reproduce saxe2019
  semdev reproduce saxe2014 rogers2004 --out my_figures --jobs 2
  semdev reproduce --all --no-figures --json > checks.json
"""


def add_reproduce_parser(commands: Any) -> None:
    """Add `reproduce` to the parser."""
    parser = add_command(
        commands, "reproduce", summary="reproduce published figures, each with its checks",
        description=DESCRIPTION, examples=EXAMPLES,
    )  # fmt: skip
    parser.add_argument("papers", nargs="*", metavar="PAPER", help="default: all of them")
    parser.add_argument("--all", action="store_true", help="all papers, said aloud")
    parser.add_argument(
        "--jobs", type=int, default=-1, metavar="N",
        help="figures to compute at a time (default: one a core)",
    )  # fmt: skip
    parser.add_argument("--out", default="figures", help="folder (default %(default)s)")
    parser.add_argument("--no-figures", action="store_true", help="compute the checks alone")
    parser.add_argument("--json", action="store_true", help="print the checks as JSON instead")
    parser.set_defaults(run=_reproduce)


def _reproduce(options: argparse.Namespace) -> int:
    import shutil

    from semdev.papers import PAPERS, get_paper, reproduce
    from semdev.papers.checks import lay_out

    if options.all and options.papers:
        raise ValueError("name papers or give --all, not both")
    papers = [get_paper(name) for name in options.papers or PAPERS]
    table, written = reproduce(
        papers, folder=options.out, figures=not options.no_figures, jobs=options.jobs
    )
    unexplained = ~table["holds"] & (table["note"] == "")
    if options.json:
        print(write_records(table))
        return 1 if unexplained.any() else 0
    print(lay_out(table, width=shutil.get_terminal_size((132, 40)).columns))
    panels = len(table[["paper", "figure", "panel"]].drop_duplicates())
    print(f"\n{int(table['holds'].sum())} of {len(table)} checks on {panels} panels hold")
    print(f"wrote {len(written) - 1} figure files and {written[-1].name} to {options.out}")
    return 1 if unexplained.any() else 0
