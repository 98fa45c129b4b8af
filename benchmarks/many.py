"""Many networks: 10,000 of T1, with mode strengths kept at 100 times; time and memory."""

from __future__ import annotations

import numpy as np

import semdev as sd
from benchmarks.contenders import run_train
from benchmarks.fresh import run_fresh
from benchmarks.report import Criterion, Section, show_number, show_seconds
from benchmarks.tasks import make_tasks
from benchmarks.timing import fit_exponent

SEEDS = 10_000
MOST_SECONDS, MOST_MIB = 60, 2048


def train_many(seeds: int, updates: int) -> None:
    """Train T1's network for many seeds."""
    task = make_tasks()["T1"]
    history = run_train(task, seeds, updates, record=100, keep=sd.mode_strengths)
    if history.sizes["seed"] != seeds or history.sizes["time"] < min(100, updates):
        raise AssertionError(f"asked for {seeds} seeds and 100 times, got {dict(history.sizes)}")


def run(*, quick: bool) -> list[Section]:
    """Train 10,000 networks, and fewer, each in a process of its own."""
    updates = 200 if quick else 2000
    section = Section(
        f"Many networks: T1's, {updates} updates, mode strengths at 100 times, all in, each "
        "number in a fresh process",
        ["networks", "time", "peak memory"],
    )
    sizes = np.array([SEEDS // 10, SEEDS // 3, SEEDS])
    runs = [run_fresh("benchmarks.many:train_many", seeds=int(n), updates=updates) for n in sizes]
    for n, told in zip(sizes, runs, strict=True):
        section.rows.append([
            f"{n:,}".replace(",", " "), show_seconds(told["seconds"]), f"{told['MiB']:.0f} MiB",
        ])  # fmt: skip
    seconds, peaks = (np.array([told[key] for told in runs]) for key in ("seconds", "MiB"))
    idle = run_fresh("benchmarks.many:train_many", seeds=1, updates=updates)["MiB"]
    section.notes.append(
        f"time grows with networks to the power {fit_exponent(sizes, seconds):.2f}, memory beyond "
        f"the {show_number(idle)} MiB of one network to the power "
        f"{fit_exponent(sizes, np.maximum(peaks - idle, 1)):.2f}"
    )
    section.raw = {"seconds": seconds.tolist(), "MiB": peaks.tolist()}
    if not quick:
        section.criteria = [
            Criterion("10,000 networks of T1: time", seconds[-1], MOST_SECONDS, "s", True),
            Criterion("10,000 networks of T1: memory", peaks[-1], MOST_MIB, "MiB", True),
        ]
    return [section]
