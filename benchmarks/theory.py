"""Exact theory: against training on a small world, and on a large one."""

from __future__ import annotations

import time
from functools import partial

import numpy as np

import semdev as sd
from benchmarks.contenders import run_train
from benchmarks.fresh import run_fresh
from benchmarks.report import Section, show_seconds, show_spread
from benchmarks.tasks import Task
from benchmarks.timing import compare, interleave

LARGE = ([10, 10, 20], 6000)  # branching, properties
MODES = 20


def _make_large() -> sd.Dataset:
    return sd.branching_diffusion(LARGE[0], properties=LARGE[1], seed=0)


def solve_large() -> dict[str, float]:
    """Solve the large world, and ask one question; return the seconds, without making it."""
    world = _make_large()
    begun = time.perf_counter()
    exact = sd.solve(world, depth=2, modes=MODES)
    solved = time.perf_counter()
    item, name = (exact[dim].values[0] for dim in ("item", "property"))
    exact["output"].sel(item=item, property=name).values.sum()
    return {"seconds": solved - begun, "asked": time.perf_counter() - solved}


def decompose_large() -> dict[str, float]:
    """Take the large world's singular value decomposition by NumPy; return the seconds."""
    table = _make_large().properties.values
    begun = time.perf_counter()
    np.linalg.svd(table, full_matrices=False)
    return {"seconds": time.perf_counter() - begun}


def run(task: Task, *, rounds: int, quick: bool) -> list[Section]:
    """Time theory on the task's world, then on the large one."""
    strengths = np.linalg.svd(task.targets, compute_uv=False)
    moments = np.linspace(0, task.updates * task.learning_rate, 200)[:, None]
    trained, solved = f"sd.train, {task.updates} updates", "sd.solve, 200 times, a whole History"
    alone = "sd.theory.mode_strength, 200 times"
    runs = {
        trained: partial(run_train, task, *task.amount),
        solved: partial(sd.solve, task.patterns, depth=2, times=200),
        alone: partial(sd.theory.mode_strength, moments, strengths, initial=1e-5, depth=2),
    }
    for first in runs.values():
        first()
    seconds = interleave(runs, rounds=5 * rounds)
    small = Section(
        f"Theory: {task.name}'s world", ["", "time", "as fast as training one network"],
        raw={name: each.tolist() for name, each in seconds.items()},
    )  # fmt: skip
    for name, each in seconds.items():
        ratio = show_spread(compare(seconds, trained, name), "×")
        small.rows.append([name, show_seconds(float(np.median(each))), ratio])
    if quick:
        return [small]
    told = {
        f"sd.solve(…, modes={MODES})": run_fresh("benchmarks.theory:solve_large"),
        "all singular vectors, by NumPy": run_fresh("benchmarks.theory:decompose_large"),
    }
    items = int(np.prod(LARGE[0]))
    large = Section(
        f"Theory: {items} items × {LARGE[1]} properties, each in a fresh process",
        ["", "time", "peak memory"],
        [[name, show_seconds(t["seconds"]), f"{t['MiB']:.0f} MiB"] for name, t in told.items()],
        [f"one belief at all times is had in {show_seconds(next(iter(told.values()))['asked'])}"],
        raw=dict(told),
    )
    return [small, large]
