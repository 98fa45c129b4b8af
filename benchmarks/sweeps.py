"""A sweep over depth and initial scale: `sd.sweep` against a loop of `sd.train`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

import semdev as sd
from benchmarks.report import Section, show_seconds, show_spread
from benchmarks.timing import compare, interleave

GRID: dict[str, list[Any]] = {"depth": [1, 2, 3], "scale": [0.01, 0.02, 0.05, 0.1]}
SEEDS = 16


def learn(depth: int, scale: float, seeds: int | Sequence[int], steps: int) -> xr.Dataset:
    """Train one condition."""
    model = sd.DeepLinear([32] * (depth - 1), scale=scale) if depth > 1 else sd.Shallow(scale=scale)
    return sd.train(
        model, sd.load("rumelhart8"), seeds=seeds, learning_rate=0.01, steps=steps, record=50,
        progress=False,
    )  # fmt: skip


def loop(steps: int) -> None:
    """Train all conditions, one after the other."""
    for depth, scale in product(*GRID.values()):
        learn(depth, scale, SEEDS, steps)


def sweep(steps: int, processes: int) -> None:
    """Train all conditions in a sweep, and see that none of them failed."""
    found = sd.sweep(
        partial(learn, steps=steps), GRID, seeds=SEEDS, n_jobs=processes, progress=False
    )
    if len(found.failures):
        raise RuntimeError(f"conditions failed:\n{found.failures}")


def run(*, rounds: int, quick: bool) -> list[Section]:
    """Time a sweep on one and on two processes."""
    steps = 200 if quick else 2000
    runs = {
        "a loop of sd.train": partial(loop, steps),
        "sd.sweep, 1 process": partial(sweep, steps, 1),
        "sd.sweep, 2 processes": partial(sweep, steps, 2),
    }
    for once in runs.values():
        once()
    seconds = interleave(runs, rounds=rounds)
    conditions = len(list(product(*GRID.values())))
    section = Section(
        f"Sweep: {conditions} conditions (depth × scale) × {SEEDS} seeds, {steps} updates",
        ["", "time", "as fast as the loop"],
        raw={name: each.tolist() for name, each in seconds.items()},
        notes=["processes are warm: what it takes to start them is paid once and not timed"],
    )
    for name, each in seconds.items():
        ratio = show_spread(compare(seconds, "a loop of sd.train", name), "×")
        section.rows.append([name, show_seconds(float(np.median(each))), ratio])
    return [section]
