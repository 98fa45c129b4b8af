"""semdev compare and semdev validate: which model explains it, and how far to trust the answer."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semdev._commands import PICTURES, Reader, add_command, check_file, read_count
from semdev._json import write_records, write_tables

if TYPE_CHECKING:
    import pandas as pd

    from semdev.comparing.results import Comparison
    from semdev.comparing.validating import FalsePositives
    from semdev.data.dataset import Dataset

WORLDS = ("living_things", "rogers2004")
SEEDS = 30
COMPARING = """Ask which phenomena of development which models show, on corpora or CSV files.

Each phenomenon is one number a seed, held against a threshold and, where it is about classes of
items, against the same number with the classes dealt out anew. The table has the percentage of
seeds that meet the criterion; – means not applicable, ! failed. With --out a run that was stopped
goes on where it was. Exit status 1: something failed."""
VALIDATING = """Ask how far a comparison can be trusted.

Four tables: how often phenomena are found in worlds without structure (properties shuffled, a flat
tree, white noise, names without kinds), and how often a learner is found to show what it cannot
show but by chance; which model is picked when it is known which one made the data; and which
verdicts hang on the threshold. With --out a run that was stopped goes on where it was. Exit status
1: a rate of false positives (learners by rote among them) is above 5 %, something that provably
cannot be shown was claimed, or something failed."""
EXAMPLES = """examples:
  semdev compare living_things rogers2004 --out runs --plot table.pdf
  semdev compare my_items.csv --tree my_items.nwk --models "deep linear" shallow exemplars
  semdev compare rogers2004 --phenomena typicality U-shape --seeds 10 --csv seeds.csv
  semdev validate rogers2004 --draws 10 --out validation
"""
LIMIT = 0.05  # the rate of false positives that is allowed


def add_compare_parser(commands: Any, read_world: Reader) -> None:
    """Add `compare` to the parser; `read_world` reads a corpus or CSV file."""
    parser = _add_parser(commands, "compare", "ask which models show which phenomena", COMPARING)
    parser.add_argument("--csv", metavar="FILE", help="write a row for each seed (R, JASP)")
    parser.add_argument("--plot", metavar="FILE", help="draw the table (.svg, .pdf, .png)")
    parser.set_defaults(run=partial(_compare, read_world=read_world))


def add_validate_parser(commands: Any, read_world: Reader) -> None:
    """Add `validate` to the parser; `read_world` reads a corpus or CSV file."""
    parser = _add_parser(
        commands, "validate", "ask how far a comparison can be trusted", VALIDATING
    )
    parser.add_argument(
        "--draws", type=read_count, default=10, metavar="N",
        help="worlds without structure of each kind (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--null-seeds", type=read_count, default=4, metavar="N",
        help="of each model in each such world (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--children", type=read_count, default=1, metavar="N",
        help="individuals known to be of one model, for model recovery (default %(default)s)",
    )  # fmt: skip
    parser.set_defaults(run=partial(_validate, read_world=read_world))


def _add_parser(commands: Any, name: str, summary: str, description: str) -> Any:
    parser = add_command(
        commands, name, summary=summary, description=description, examples=EXAMPLES
    )
    parser.add_argument(
        "worlds", nargs="*", metavar="WORLD", default=list(WORLDS),
        help=f"corpora (see `semdev list`) or CSV files (default: {' '.join(WORLDS)})",
    )  # fmt: skip
    parser.add_argument("--tree", metavar="FILE", help="Newick file of a CSV's taxonomy")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="default: all usual ones")
    parser.add_argument("--phenomena", nargs="+", metavar="NAME", help="default: all")
    parser.add_argument(
        "--seeds", type=read_count, default=SEEDS, metavar="N",
        help="individuals of each model (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", type=read_count, metavar="N", help="processes (default: all cores)"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for results, to go on from")
    printed = parser.add_mutually_exclusive_group()
    printed.add_argument("--markdown", action="store_true", help="print tables as Markdown")
    printed.add_argument("--json", action="store_true", help="print JSON instead")
    return parser


def _compare(options: argparse.Namespace, read_world: Reader) -> int:
    check_file(options.csv, (".csv",), "--csv")
    check_file(options.plot, PICTURES, "--plot")
    found = _run(options, read_world, options.out)
    if options.csv:
        found.to_csv(options.csv)
    if options.plot:
        _draw(found, options.plot)
    if options.json:
        print(write_records(found.summary))
        return int(len(_find_failures(found)) > 0)
    print(lay_out_comparison(found, markdown=options.markdown))
    for written in filter(None, (options.csv, options.plot)):
        print(f"\nwrote {written}")
    return _report_failures(found)


def _validate(options: argparse.Namespace, read_world: Reader) -> int:
    from semdev.comparing.lineup import choose_models
    from semdev.comparing.recovering import LEAST, lay_out_recovery, recover_models
    from semdev.comparing.sensitivity import sensitivity
    from semdev.comparing.validating import false_positives

    models, worlds = choose_models(options.models), _read_worlds(options, read_world)
    needed = options.children + LEAST
    # Before anything is computed: JSON has no model recovery.
    if len(models) > 1 and options.seeds < needed and not options.json:
        raise ValueError(
            f"--seeds {options.seeds}: model recovery needs {needed} or more, {options.children} "
            f"individuals that are known (--children) and {LEAST} to learn each model from"
        )
    folder = Path(options.out) if options.out else None
    found = _run(options, read_world, folder and folder / "comparison")
    null = false_positives(
        models, worlds, phenomena=options.phenomena, draws=options.draws,
        seeds=options.null_seeds, n_jobs=options.jobs, out=folder,
    )  # fmt: skip
    if options.json:
        tables = {
            "false_positives": null.table, "impossible_claims": null.claimed,
            "sensitivity": sensitivity(found), "comparison": found.summary,
        }  # fmt: skip
        print(write_tables(tables))
        failed = len(null.failures) + len(_find_failures(found))
        return int(failed > 0 or find_misses(null) > 0)
    _print_head("False positives, % of cases [95 % interval over worlds drawn]", options.markdown)
    print(null.lay_out(markdown=options.markdown))
    if (null.table["refused"] > 0.5).any():
        print(
            "\n* of most of these worlds the phenomenon itself says that they have nothing to show"
        )
    if len(models) > 1:
        _print_head("Model recovery", options.markdown)
        for by in ("values", "verdicts"):
            recovered = recover_models(found, children=options.children, by=by)
            print(lay_out_recovery(recovered, markdown=options.markdown), end="\n\n")
    _print_head("Verdicts that hang on the threshold", options.markdown)
    print(lay_out_sensitivity(sensitivity(found), markdown=options.markdown))
    failed = len(null.failures) + _report_failures(found)
    for row in null.failures.head(8).to_dict("records"):
        print(f"failed: {row['phenomenon']}, {row['model']}, {row['world']}: {row['error']}")
    return int(failed > 0 or find_misses(null) > 0)


def find_misses(null: FalsePositives) -> int:
    """Return how many rates of false positives are above the limit, and impossible claims made.

    What is learned by rote may show something by chance, at the rate of any false positive; what
    provably cannot be shown must not be claimed once.
    """
    from semdev.phenomena.categorizing import ROTE

    made = null.claimed.groupby(["phenomenon", "model"])[["claims", "cases"]].sum()
    by_chance = made.index.get_level_values("model").isin(ROTE)
    allowed = by_chance * LIMIT * made["cases"]
    return int((null.table["rate"] > LIMIT).sum() + (made["claims"] > allowed).sum())


def _run(options: argparse.Namespace, read_world: Reader, out: Any) -> Comparison:
    from semdev.comparing.comparing import compare
    from semdev.comparing.lineup import choose_models

    return compare(
        choose_models(options.models), _read_worlds(options, read_world),
        phenomena=options.phenomena, seeds=options.seeds, n_jobs=options.jobs, out=out,
    )  # fmt: skip


def _read_worlds(options: argparse.Namespace, read_world: Reader) -> dict[str, Dataset]:
    if options.tree and len(options.worlds) > 1:
        raise ValueError("--tree goes with one CSV file, and several worlds were given")
    worlds = [read_world(name, options.tree) for name in options.worlds]
    return {world.name: world for world in worlds}


def lay_out_comparison(found: Comparison, *, markdown: bool = False) -> str:
    """Return the percentages of seeds as text or Markdown, a table for each world.

    In text models have numbers across, and their names below.
    """
    from semdev.comparing.tables import lay_out_table, write_percent

    summary = found.summary
    marks = {"not applicable": "–", "failed": "!"}
    summary["text"] = [
        marks.get(status, write_percent(share))
        for status, share in zip(summary["status"], summary["share"], strict=True)
    ]
    models = [str(name) for name in found.found["model"].values]
    names = found.found["phenomenon"].values
    blocks = []
    for world, rows in summary.groupby("world", sort=False):
        shown = rows.pivot(index="phenomenon", columns="model", values="text").loc[names, models]
        if not markdown:
            shown.columns = [str(k) for k in range(1, len(models) + 1)]
        head = f"{world}: % of {found.found.sizes['seed']} seeds that show it"
        blocks.append(f"{head}\n\n{lay_out_table(shown, markdown=markdown)}")
    if not markdown:
        blocks.append("  ".join(f"{k} {name}" for k, name in enumerate(models, 1)))
    return "\n\n".join(blocks)


def lay_out_sensitivity(found: pd.DataFrame, *, markdown: bool = False) -> str:
    """Return the verdicts that flip as text or Markdown, and how many do."""
    from semdev.comparing.tables import lay_out_table, write_percent

    flipped = found[found["flips"].map(len) > 0]
    total = f"{len(flipped)} of {len(found)} verdicts flip if thresholds are moved"
    if flipped.empty:
        return total + "."
    factors = [name for name in found.columns if isinstance(name, float)]
    shown = flipped[["world", "model", *factors]].set_axis(flipped["phenomenon"])
    shown = shown.rename(columns={factor: f"× {factor:g}" for factor in factors})
    for name in shown.columns[2:]:
        shown[name] = shown[name].map(write_percent)
    return f"{total}; % of seeds:\n\n{lay_out_table(shown, markdown=markdown)}"


def _draw(found: Comparison, path: str) -> None:
    """Save a figure with a panel for each world."""
    from semdev.plots.comparison import draw_worlds
    from semdev.plots.saving import save_figure

    save_figure(draw_worlds(found), path)


def _find_failures(found: Comparison) -> pd.DataFrame:
    summary = found.summary
    return summary[summary["status"] == "failed"]


def _report_failures(found: Comparison) -> int:
    """Print what failed; return 1 if anything did."""
    failed = _find_failures(found)
    for row in failed.head(8).to_dict("records"):
        print(f"failed: {row['phenomenon']}, {row['model']}, {row['world']}: {row['why']}")
    if len(failed) > 8:
        print(f"… and {len(failed) - 8} more")
    return int(len(failed) > 0)


def _print_head(text: str, markdown: bool) -> None:
    print(f"\n{'### ' if markdown else ''}{text}\n")
