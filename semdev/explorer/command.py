"""semdev explore: a saved History as a page for a class, a colleague, a supplement."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from semdev._commands import add_command, check_file, read_count

DESCRIPTION = """Make one self-contained page of a History: it opens offline, in any browser.

A time slider moves all pictures together: the beliefs about an item, a map of the items with the
paths they came, a dendrogram, the modes of the data, and the loss with its stages. A History is
written by `sd.save_history(history, "deep.nc")`."""
EXAMPLES = """examples:
  semdev explore deep.nc --out deep.html
  semdev explore deep.nc --seeds 10 --times 100 --layer hidden_1 --out deep.html
"""


def add_explore_parser(commands: Any) -> None:
    """Add `explore` to the parser."""
    parser = add_command(
        commands, "explore", summary="make a page of a saved History that opens in any browser",
        description=DESCRIPTION, examples=EXAMPLES,
    )  # fmt: skip
    parser.add_argument("history", metavar="HISTORY.nc", help="written by sd.save_history")
    parser.add_argument(
        "--out", metavar="FILE.html", help="the page (default: beside it, ending in .html)"
    )
    parser.add_argument("--title", help="heading of the page (default: who learned what)")
    parser.add_argument(
        "--seeds", type=read_count, metavar="N", help="learners (default: as many as have room)"
    )
    parser.add_argument(
        "--times", type=read_count, default=200, metavar="N",
        help="recorded times, at most (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--layer", default="output", help="whose distances to map (default %(default)s)"
    )
    parser.set_defaults(run=_explore)


def _explore(options: argparse.Namespace) -> int:
    from semdev.explorer.exploring import explore
    from semdev.storing import load_history

    path = options.out or str(Path(options.history).with_suffix(".html"))
    check_file(path, (".html", ".htm"), "--out")
    page = explore(
        load_history(options.history), title=options.title, seeds=options.seeds,
        times=options.times, layer=options.layer,
    )  # fmt: skip
    page.save(path)
    print(f"wrote {path} ({len(page.page.encode()) / 1e6:.1f} MB)")
    return 0
