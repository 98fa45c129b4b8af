"""How long it takes to start: importing, and the command line's answers that need no training."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import numpy as np

from benchmarks.fresh import ROOT
from benchmarks.report import Section, show_seconds, show_spread
from benchmarks.timing import compare, interleave

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import semdev": ["-c", "import semdev"],
    "semdev --help": ["-m", "semdev.cli", "--help"],
    "semdev list": ["-m", "semdev.cli", "list"],
}


def run(*, rounds: int) -> list[Section]:
    """Time commands in fresh processes."""
    runs = {
        name: partial(
            subprocess.run, [sys.executable, *command], check=True, stdout=subprocess.DEVNULL,
            cwd=ROOT,
        )
        for name, command in COMMANDS.items()
    }  # fmt: skip
    for start in runs.values():
        start()
    seconds = interleave(runs, rounds=rounds)
    section = Section(
        "Starting", ["", "time", "times as long as python itself"],
        raw={name: each.tolist() for name, each in seconds.items()},
    )  # fmt: skip
    for name, each in seconds.items():
        longer = show_spread(compare(seconds, name, "python -c pass"), "×")
        section.rows.append([name, show_seconds(float(np.median(each))), longer])
    return [section]
