"""The command line: a thin door to the package."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semdev._names import NameNotFoundError
from semdev._version import __version__
from semdev.comparing.command import (
    PICTURES,
    add_compare_parser,
    add_validate_parser,
    check_file,
)
from semdev.explorer.command import add_explore_parser
from semdev.sweeps.command import add_parser as add_sweep_parser

if TYPE_CHECKING:
    from semdev.data.dataset import Dataset

EXAMPLES = """examples:
  semdev list
  semdev ask living_things worm "has bones"
  semdev ask living_things worm "has bones" --plot worm.svg
  semdev ask my_items.csv penguin "can fly" --tree my_items.nwk --seeds 50
  semdev sweep living_things --out runs --depth 1 2 3 --scale 0.001 0.01 --steps 4000
  semdev compare living_things --out runs/comparison
  semdev reproduce saxe2019
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code (0 fine, 1 a check failed, 2 bad input)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = _make_parser().parse_args(arguments)
    try:
        return options.run(options)
    except (NameNotFoundError, ValueError, TypeError, OSError, ArithmeticError) as error:
        print(f"semdev: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:
        print(
            f"semdev: {stopped}" if str(stopped) else
            "semdev: stopped (reproduce, sweep, compare and validate go on where they were when "
            "given again)",
            file=sys.stderr,
        )  # fmt: skip
        return 130


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="semdev",
        description="Models of semantic development: what learners come to believe, and when.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"semdev {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="name the corpora and papers that come with semdev")
    listing.set_defaults(run=_list)

    asking = commands.add_parser(
        "ask",
        help="ask what networks believe of an item while they learn",
        description="Train deep and shallow networks on a world and ask both, over time, whether "
        "an item has a property.",
    )
    asking.add_argument("world", help="a corpus (see `semdev list`) or a CSV file of your own")
    asking.add_argument("item", help="an item of that world, such as worm")
    asking.add_argument("property", help='a property, such as "has bones"')
    asking.add_argument("--tree", metavar="FILE", help="Newick file of a CSV's taxonomy")
    asking.add_argument("--hidden", type=int, default=32, help="hidden units (default %(default)s)")
    asking.add_argument("--seeds", type=int, default=20, help="networks (default %(default)s)")
    asking.add_argument("--plot", metavar="FILE", help="draw the beliefs (.svg, .pdf, .png)")
    asking.set_defaults(run=_ask)

    add_explore_parser(commands)
    add_sweep_parser(commands, _read_world)
    add_compare_parser(commands, _read_world)
    add_validate_parser(commands, _read_world)

    reproducing = commands.add_parser(
        "reproduce",
        help="reproduce published figures, each with its checks",
        description="Compute and draw a paper's figures, and hold each claim against a number. "
        "A run that was stopped goes on where it was. Exit status 1: a claim does not hold and "
        "nobody knows why.",
    )
    reproducing.add_argument("papers", nargs="*", metavar="PAPER", help="default: all of them")
    reproducing.add_argument("--all", action="store_true", help="all papers, said aloud")
    reproducing.add_argument(
        "--jobs", type=int, default=-1, metavar="N",
        help="figures to compute at a time (default: one a core)",
    )  # fmt: skip
    reproducing.add_argument("--out", default="figures", help="folder (default %(default)s)")
    reproducing.add_argument("--no-figures", action="store_true", help="compute the checks alone")
    reproducing.set_defaults(run=_reproduce)
    return parser


def _list(options: argparse.Namespace) -> int:
    from semdev.data.corpora import list_corpora, load
    from semdev.papers import PAPERS

    print("corpora (semdev.load, semdev ask):")
    for name in list_corpora():
        world = load(name)
        items, properties = world.properties.shape
        print(f"  {name:<15}{items:>4} items × {properties:<4} coded {world.coding}")
    print("papers (semdev reproduce):")
    for name in PAPERS:
        print(f"  {name:<15} {PAPERS[name]}")
    return 0


def _ask(options: argparse.Namespace) -> int:
    from semdev.models.networks import DeepLinear, Shallow
    from semdev.training import train

    check_file(options.plot, PICTURES, "--plot")
    world = _read_world(options.world, options.tree)
    # A misspelt name should cost no training.
    world.select(items=[options.item], properties=[options.property])
    models: dict[str, Any] = {
        "deep linear": DeepLinear(hidden=options.hidden),
        "shallow": Shallow(),
        "shallow with bias": Shallow(bias=True),
    }
    histories = {name: train(model, world, seeds=options.seeds) for name, model in models.items()}
    rows = _measure_beliefs(histories, options.item, options.property)
    print(_say(rows["deep linear"], options))
    print()
    print(_format(rows))
    if options.plot:
        from matplotlib.figure import Figure

        from semdev import plots
        from semdev.papers.drawing import save_figure
        from semdev.plots.beliefs import settling_time

        others = {name: history for name, history in histories.items() if name != "deep linear"}
        deep = histories["deep linear"]
        figure = Figure(figsize=(5.0, 3.0), layout="constrained")
        axes = figure.subplots()
        plots.beliefs(
            deep, options.item, options.property, compare=others, name="deep linear", ax=axes
        )
        axes.set_xlim(0, 1.2 * settling_time(deep, options.item, options.property))
        save_figure(figure, options.plot)
        print(f"\nwrote {options.plot}")
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
    grown = trees.from_newick(Path(tree).read_text(encoding="utf-8")) if tree else None
    return Dataset.from_csv(name, tree=grown)


def _measure_beliefs(histories: dict[str, Any], item: str, prop: str) -> dict[str, dict[str, Any]]:
    """Return for each model what its seeds believe: peak, its time, end, excess and class."""
    import numpy as np

    from semdev.history import ask, get_provenance
    from semdev.measures.overgeneralization import overgeneralizations

    rows = {}
    for name, history in histories.items():
        belief = ask(history, item, prop)
        target = float(history["target"].sel(item=item, property=prop))
        graded = get_provenance(history)["coding"] == "graded"
        row: dict[str, Any] = {
            "target": target,
            "true": None if graded else target > 0,
            "peak": belief.max("time").values,
            "at time": belief["time"].values[belief.argmax("time").values],
            "end": belief.isel(time=-1).values,
            "excess": None,
            "class": "",
        }
        if row["true"] is False and "ancestor" in history.coords:
            found = overgeneralizations(history).sel(item=item, property=prop)
            if np.isfinite(found["excess"]).all():
                row |= {"excess": found["excess"].values, "class": found["of_class"].item()}
        rows[name] = row
    return rows


def _say(row: dict[str, Any], options: argparse.Namespace) -> str:
    """Return the finding in a sentence."""
    import numpy as np

    statement = f"“{options.item} {options.property}”"
    peak, end, when = (float(np.median(row[k])) for k in ("peak", "end", "at time"))
    if row["true"] is None:
        text = (
            f"Graded: {statement} is {row['target']:g} in the data. In deep linear networks the "
            f"belief is {peak:z.2f} at its highest (at time {when:.2f}) and ends at {end:z.2f}."
        )
    elif row["true"]:
        text = f"True: {statement}. Deep linear networks learn it; the belief ends at {end:z.2f}."
    elif peak - max(end, 0) > 0.05:
        text = (
            f"False, but believed for a while: in deep linear networks {statement} rises to "
            f"{peak:.2f} (at time {when:.2f}) and falls to {end:z.2f}"
        )
        if row["excess"] is not None:
            text += (
                f"; at most {np.median(row['excess']):.2f} above the belief about items outside "
                f"its class ({row['class']})"
            )
        text += "."
    else:
        text = f"False, and never much believed: {statement} peaks at {peak:z.2f}."
    text += f" Medians of {options.seeds} networks."
    return textwrap.fill(text, 90)


def _format(rows: dict[str, dict[str, Any]]) -> str:
    """Return a table of medians and intervals, a line a model."""
    import pandas as pd

    from semdev.papers.checks import spread

    table = pd.DataFrame.from_dict(rows, orient="index").drop(columns=["target", "true", "class"])
    shown = table.map(lambda x: "–" if x is None else spread(x, form=".2f"))
    shown.columns = [f"{name} [95 % of seeds]" if k == 0 else name for k, name in enumerate(shown)]
    return shown.to_string()


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
    print(lay_out(table, width=shutil.get_terminal_size((132, 40)).columns))
    panels = len(table[["paper", "figure", "panel"]].drop_duplicates())
    print(f"\n{int(table['holds'].sum())} of {len(table)} checks on {panels} panels hold")
    print(f"wrote {len(written) - 1} figure files and {written[-1].name} to {options.out}")
    unexplained = ~table["holds"] & (table["note"] == "")
    return 1 if unexplained.any() else 0


if __name__ == "__main__":
    sys.exit(main())
