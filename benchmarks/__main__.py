"""Run the benchmarks, print their tables and write them to benchmarks/RESULTS.md.

python -m benchmarks [--quick] [--only T1 T2 …] [--json FILE]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

import semdev as sd
from benchmarks import growth, many, recording, speed, starting, sweeps, theory
from benchmarks.contenders import list_contenders
from benchmarks.report import Section, show_criteria, show_seconds
from benchmarks.tasks import make_tasks

RESULTS = Path(__file__).with_name("RESULTS.md")
NOTE = """\
Times are of one machine on one day. Ratios hold better: they are medians over rounds in which
everybody runs in turn, with the least and the most of all rounds in brackets. Training is in
float32. The plain loop runs on torch's usual threads, as users run it; the row below it is the same
on one thread. "All in" is what a user waits for: networks built, trained, recorded ten times, a
History made; JAX and NumPy are handed their networks and return their last losses. Where not all
seeds or updates are timed, times are scaled up in proportion; of `sd.train` only what grows with
updates is.
"""


def make_parts(*, quick: bool) -> dict[str, Callable[[], list[Section]]]:
    """Return what can be run, by name."""
    rounds = 2 if quick else 5
    tasks = make_tasks()
    if quick:
        tasks = {name: task.shorten(10) for name, task in tasks.items()}
    contenders = list_contenders()
    parts: dict[str, Callable[[], list[Section]]] = {
        # What is over in a moment is noisy, and cheap to repeat.
        name: partial(speed.run, task, contenders, rounds=3 * rounds if name == "T1" else rounds)
        for name, task in tasks.items()
    }
    return parts | {
        "many": partial(many.run, quick=quick),
        "recording": partial(recording.run, tasks["T2"], rounds=min(rounds, 3)),
        "theory": partial(theory.run, tasks["T1"], rounds=rounds, quick=quick),
        "sweep": partial(sweeps.run, rounds=rounds, quick=quick),
        "growth": partial(growth.run, rounds=min(rounds, 3), quick=quick),
        "start": partial(starting.run, rounds=2 * rounds),
    }


def describe_machine() -> str:
    """Return what the numbers were measured on."""
    versions = [f"semdev {sd.__version__}"]
    for name in ("numpy", "torch", "jax"):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"no {name} (its rows are left out)")
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {torch.get_num_threads()} threads, "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; only a whole run is written to RESULTS.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = list(make_parts(quick=True))
    parser.add_argument("--quick", action="store_true", help="a tenth of the updates, two rounds")
    parser.add_argument("--only", nargs="+", choices=names, metavar="PART", help=", ".join(names))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what every round took")
    options = parser.parse_args(arguments)
    begun = time.perf_counter()
    sections: list[Section] = []
    printed: list[str] = []

    def say(text: str) -> None:
        print(text, flush=True)
        printed.append(text)

    say(f"# Benchmarks\n\n{NOTE}\n{describe_machine()}.\n")
    parts = make_parts(quick=options.quick)
    for name in options.only or names:
        found = parts[name]()
        sections += found
        for section in found:
            say(section.show())
    say(show_criteria(sections))
    say(f"All of it took {show_seconds(time.perf_counter() - begun)}.")
    if options.json:
        raw = {section.title: section.raw for section in sections}
        options.json.write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
    if not options.only and not options.quick:
        RESULTS.write_text("\n".join(printed) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
