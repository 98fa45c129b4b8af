"""How an update's time grows with items, properties, hidden units, depth and seeds."""

from __future__ import annotations

from functools import partial

import numpy as np

import semdev as sd
from benchmarks.contenders import run_train
from benchmarks.report import Section, show_seconds
from benchmarks.tasks import Task
from benchmarks.timing import fit_exponent, interleave

USUAL = {"items": 32, "properties": 128, "hidden units": 64, "hidden layers": 2, "seeds": 32}
SIZES = {
    "items": [16, 32, 64, 128],
    "properties": [64, 128, 256, 512],
    "hidden units": [32, 64, 128, 256],
    "hidden layers": [1, 2, 4, 8],
    "seeds": [16, 32, 64, 128],
}


def make_task(sizes: dict[str, int], updates: int) -> Task:
    """Return a task of these sizes."""
    model = sd.DeepLinear([sizes["hidden units"]] * sizes["hidden layers"])
    tree = [4, sizes["items"] // 4]
    world = sd.branching_diffusion(tree, properties=sizes["properties"], seed=0)
    return Task("growth", model, world, sizes["seeds"], 1e-5, updates)


def run(*, rounds: int, quick: bool) -> list[Section]:
    """Fit an exponent for each size, all others as usual."""
    usual = ", ".join(f"{n} {name}" for name, n in USUAL.items())
    section = Section(
        f"Growth of an update of sd.train around {usual}: time ~ size^exponent",
        ["", "sizes", "times", "exponent"],
    )
    few, many = (2, 12) if quick else (5, 35)
    for name, sizes in SIZES.items():
        runs = {}
        for n in sizes:
            task = make_task(USUAL | {name: n}, many)
            for updates in (few, many):
                runs[f"{n}, {updates}"] = partial(run_train, task, task.seeds, updates, record=2)
        for once in runs.values():
            once()
        seconds = interleave(runs, rounds=rounds)
        # The least of each: what disturbs a run only ever makes it longer.
        times = np.array([
            (seconds[f"{n}, {many}"].min() - seconds[f"{n}, {few}"].min()) / (many - few)
            for n in sizes
        ])  # fmt: skip
        if not (times > 0).all():  # a busy machine
            times = np.full(len(sizes), np.nan)
        section.raw[name] = dict(zip(map(str, sizes), times.tolist(), strict=True))
        section.rows.append([
            name, ", ".join(map(str, sizes)), ", ".join(map(show_seconds, times)),
            f"{fit_exponent(np.array(sizes), times):.2f}",
        ])  # fmt: skip
    return [section]
