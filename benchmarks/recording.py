"""What recording costs: outputs, hidden layers or mode strengths, at few times or at every one."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import semdev as sd
from benchmarks.contenders import run_train
from benchmarks.report import Section, show_seconds, show_spread
from benchmarks.tasks import Task
from benchmarks.timing import compare, interleave

KEPT: dict[str, dict[str, Any]] = {
    "outputs": {},
    "outputs and hidden layers": {"hidden": True},
    "mode strengths": {"keep": sd.mode_strengths},
}


def run(task: Task, *, rounds: int) -> list[Section]:
    """Time a task with ever more recorded."""
    times = sorted({2, task.updates // 20, task.updates})
    runs = {
        f"{kept}, {n}": partial(run_train, task, *task.amount, record=n, **settings)
        for kept, settings in KEPT.items()
        for n in times
    }
    for record in runs.values():
        record()
    seconds = interleave(runs, rounds=rounds)
    section = Section(
        f"Recording: {task.name}, {task.updates} updates, all in",
        ["recorded, at so many times", "time", "times as long as outputs at 2 times"],
        raw={name: each.tolist() for name, each in seconds.items()},
    )
    for name, each in seconds.items():
        longer = compare(seconds, name, "outputs, 2")
        section.rows.append([name, show_seconds(float(np.median(each))), show_spread(longer, "×")])
    return [section]
