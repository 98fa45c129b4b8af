"""semdev sweep: many conditions from the command line, on a laptop or as a cluster's array job."""

from __future__ import annotations

import argparse
import runpy
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semdev._commands import Reader, add_command, read_count

if TYPE_CHECKING:
    import xarray as xr

    from semdev.data.dataset import Dataset
    from semdev.sweeps.results import Sweep

FLAGS = ("depth", "hidden", "scale", "learning_rate")  # what a grid over a corpus is made of
SEEDS = 20
DESCRIPTION = """Train networks under every condition of a grid, and keep a file for each.

WHAT is a Python file that defines learn, grid and seeds as semdev.sweep takes them; or a corpus
(see `semdev list`) or CSV file, with a grid made of --depth, --hidden, --scale, --learning-rate.
A run that was stopped or killed goes on where it was. Exit status 1: a condition has failed; it is
tried again by the next run."""
EXAMPLES = """examples:
  semdev sweep living_things --out runs --depth 1 2 3 --scale 0.001 0.01 --steps 4000 --seeds 50
  semdev sweep study.py --out runs

  study.py:
    import semdev as sd
    world = sd.load("living_things")
    def learn(depth, scale, seeds):
        model = sd.DeepLinear([32] * (depth - 1), scale=scale)
        return sd.train(model, world, seeds=seeds, learning_rate=0.01, steps=4000, record=100)
    grid = {"depth": [2, 3, 4], "scale": [0.001, 0.01, 0.1]}
    seeds = 50

  on a cluster, as a Slurm array of 10 jobs that share the folder (then once more without --shard,
  for what is missing):
    sbatch --array=1-10 --cpus-per-task=4 --wrap \\
      'semdev sweep study.py --out runs --shard $SLURM_ARRAY_TASK_ID/10 --jobs 4'

  in Python: runs = semdev.load_sweep("runs"); runs.measure(semdev.transitions)
"""


def add_parser(commands: Any, read_world: Reader) -> None:
    """Add the command to the parser; `read_world` reads a corpus or CSV file."""
    parser = add_command(
        commands, "sweep", summary="train networks under every condition of a grid",
        description=DESCRIPTION, examples=EXAMPLES,
    )  # fmt: skip
    parser.add_argument("what", metavar="WHAT", help="a Python file, a corpus or a CSV file")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the results")
    parser.add_argument(
        "--shard", type=_read_part, metavar="i/n", help="every n-th shard from the i-th alone"
    )
    parser.add_argument(
        "--jobs", type=read_count, metavar="N", help="processes (default: one a core)"
    )
    parser.add_argument(
        "--seeds",
        type=int,
        metavar="N",
        help=f"networks of each condition (default: the file's, else {SEEDS})",
    )
    grid = parser.add_argument_group("grid over a corpus or CSV file")
    grid.add_argument(
        "--depth",
        type=read_count,
        nargs="+",
        metavar="D",
        help="numbers of weight matrices; 1 has no hidden layer (default 2)",
    )
    grid.add_argument(
        "--hidden",
        type=read_count,
        nargs="+",
        metavar="N",
        help="units in each hidden layer (default 32)",
    )
    grid.add_argument("--scale", type=float, nargs="+", metavar="S", help="of initial weights")
    grid.add_argument("--learning-rate", type=float, nargs="+", metavar="R")
    grid.add_argument(
        "--steps",
        type=read_count,
        metavar="N",
        help="updates (default: until learning has settled)",
    )
    grid.add_argument(
        "--record", type=read_count, metavar="N", help="how many times to record (default 200)"
    )
    grid.add_argument("--tree", metavar="FILE", help="Newick file of a CSV's taxonomy")
    parser.set_defaults(run=partial(_run, read_world=read_world))


def learn_linear(
    world: Dataset,
    seeds: Sequence[int],
    *,
    depth: int = 2,
    hidden: int = 32,
    scale: float | None = None,
    **settings: Any,
) -> xr.Dataset:
    """Train linear networks of a number of weight matrices; `settings` are those of `train`."""
    from semdev.models.networks import DeepLinear, Shallow
    from semdev.training import train

    initial: dict[str, Any] = {} if scale is None else {"scale": scale}
    model = DeepLinear([hidden] * (depth - 1), **initial) if depth > 1 else Shallow(**initial)
    return train(model, world, seeds=seeds, **settings)


def _run(options: argparse.Namespace, read_world: Reader) -> int:
    from semdev.sweeps.running import sweep

    given = {name: getattr(options, name) for name in FLAGS if getattr(options, name)}
    with _beside(options.what):
        if options.what.endswith(".py"):
            learn, grid, seeds = _read_file(options.what, given, options)
        else:
            settings = {name: getattr(options, name) for name in ("steps", "record")}
            chosen = {name: value for name, value in settings.items() if value is not None}
            _check_hidden(given)
            learn = partial(learn_linear, read_world(options.what, options.tree), **chosen)
            grid, seeds = given or {"depth": [2]}, SEEDS
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\d+ of \d+ shards failed")  # the table says it
            runs = sweep(
                learn,
                grid,
                seeds=options.seeds or seeds,
                n_jobs=options.jobs,
                out=options.out,
                shard=options.shard,
            )
    print(_lay_out(runs, options.out))
    return 1 if len(runs.failures) else 0


def _check_hidden(grid: dict[str, list[Any]]) -> None:
    if 1 in grid.get("depth", []) and len(grid.get("hidden", [])) > 1:
        raise ValueError(
            "--depth 1 has no hidden layer: with several --hidden it would learn the same several "
            "times; sweep over --depth 1 in a folder of its own"
        )


def _read_file(path: str, given: dict[str, Any], options: argparse.Namespace) -> tuple[Any, ...]:
    """Return learn, grid and seeds of a Python file."""
    flags = [*given, *(name for name in ("steps", "record", "tree") if getattr(options, name))]
    if flags:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in flags)
        raise ValueError(f"{named}: for a corpus or CSV file; {path} says itself what it does")
    if not Path(path).is_file():
        raise FileNotFoundError(f"no file {path!r}")
    try:
        found = runpy.run_path(path, run_name="semdev_sweep")
    except Exception as error:
        raise ValueError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    for name in ("learn", "grid"):
        if name not in found:
            raise ValueError(f"{path} defines no {name}; see `semdev sweep --help` for an example")
    if "seeds" not in found and not options.seeds:
        raise ValueError(f"{path} defines no seeds; define them there or give --seeds N")
    return found["learn"], found["grid"], found.get("seeds")


@contextmanager
def _beside(path: str) -> Iterator[None]:
    """Let a file import its neighbours, here and in other processes, as `python FILE` does."""
    folder = str(Path(path).resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _lay_out(runs: Sweep, out: str) -> str:
    """Return the table of conditions, what failed, and where the results are."""
    table, failures = runs.table, runs.failures
    lines = [table.to_string(index=False)] if len(table.columns) else []
    for row in failures.head(8).to_dict("records"):
        labels = {k: v for k, v in row.items() if k not in ("seeds", "error", "traceback")}
        where = ", ".join(f"{name}={label}" for name, label in labels.items())
        lines.append(f"failed: {where}, seeds {row['seeds']}: {row['error']}")
    if len(failures) > 8:
        lines.append(f"… and {len(failures) - 8} more")
    done, shards = int(table["done"].sum()), int(table["shards"].sum())
    lines.append(f"\n{done} of {shards} shards are done, in {out}")
    return "\n".join(lines)


def _read_part(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"the third of ten is written 3/10, got {text!r}")
    return int(number), int(of)
