"""T1 to T4: `sd.train` against the plain loop, batched NumPy and JAX."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks import plain
from benchmarks.contenders import Contender, check_agreement, train, train_own
from benchmarks.peak import OPERATIONS, make_products
from benchmarks.report import Criterion, Section, show_number, show_seconds, show_spread
from benchmarks.tasks import Task
from benchmarks.timing import Seconds, Spread, interleave

ASKED = {"T1": 15, "T2": 500, "T3": 2.5, "T4": 40, "T4p": 80}
NAMES = {
    "plain": "one nn.Module a seed, autograd",
    "plain, one thread": "the same, torch told to use one thread",
    "numpy": "batched NumPy",
    "jax": "JAX, vmap and scan",
    "jax, compiling": "JAX, compiling counted",
    "train": "sd.train, all in",
    "updates": "sd.train, its updates alone",
    "own": "sd.train, a user's own module",
}
AS = {
    "plain, one thread": "plain",
    "own": "train",
    "updates": "train",
    "jax, compiling": "jax",
}  # timed on as much as these


def list_runs(task: Task, contenders: dict[str, Contender]) -> dict[str, Callable[[], object]]:
    """Return what is run in every round; what happens the first time only has happened then."""
    runs: dict[str, Callable[[], object]] = {
        name: partial(learn, task, *task.timed.get(name, task.amount))
        for name, learn in contenders.items()
    }
    slow = task.timed.get("plain", task.amount)
    runs["plain, one thread"] = partial(plain.learn_on_one_thread, task, *slow)
    runs["train, few"] = partial(train, task, task.seeds, count_few(task))
    if task.name == "T2":
        runs["own"] = partial(train_own, task, *task.amount)
    if task.name == "T3":
        runs |= make_products()
    for name in runs.keys() - {"plain", "plain, one thread", "numpy", "train, few"}:
        runs[name]()
    return runs


def count_few(task: Task) -> int:
    """Return the updates of a run that tells, beside the long one, what does not grow with them."""
    sweeps = task.timed.get("train", task.amount)[1] // task.updates_per_sweep
    return max(sweeps // 10, 1) * task.updates_per_sweep


def scale_up(task: Task, seconds: Seconds) -> Seconds:
    """Return the seconds of the whole task; of `train` only what grows with updates is scaled."""
    whole = dict(seconds)
    for name in whole.keys() & {"numpy", "jax", "plain", "plain, one thread"}:
        part = np.prod(task.timed.get(name.split(",")[0], task.amount)) / np.prod(task.amount)
        whole[name] = seconds[name] / part
    timed = task.timed.get("train", task.amount)[1]
    growing = np.median(seconds["train"]) - np.median(whole.pop("train, few"))
    slope = growing / (timed - count_few(task))
    whole["train"] = seconds["train"] + slope * (task.updates - timed)
    whole["updates"] = np.full(len(whole["train"]), slope * task.updates)
    return whole


def run(task: Task, contenders: dict[str, Contender], *, rounds: int) -> list[Section]:
    """See that a task's contenders train the same networks; time them and judge."""
    apart = check_agreement(task, contenders)
    seconds = scale_up(task, interleave(list_runs(task, contenders), rounds=rounds))
    if "jax" in contenders:
        compiling = contenders["jax"].seconds[task.name, *task.timed.get("jax", task.amount)]  # type: ignore[attr-defined]
        seconds["jax, compiling"] = seconds["jax"] + compiling
    section = Section(
        task.title, ["", "time", "as fast as the plain loop", "timed: seeds × updates"]
    )
    section.raw = {name: each.tolist() for name, each in seconds.items()}
    for name, called in NAMES.items():
        if name not in seconds:
            continue
        amount = task.timed.get(AS.get(name, name), task.amount)
        section.rows.append([
            called, show_seconds(float(np.median(seconds[name]))),
            show_spread(Spread.of(seconds["plain"] / seconds[name]), "×"),
            f"{amount[0]} × {amount[1]}",
        ])  # fmt: skip
    section.notes.append(
        f"losses after {task.checked} updates differ between contenders by at most {apart:.0e} "
        "of themselves"
    )
    section.criteria = judge_task(task, seconds)
    if task.name == "T3":
        section.notes.append(describe_peak(task, seconds))
    return [section]


def judge_task(task: Task, seconds: Seconds) -> list[Criterion]:
    """Return what is asked of a task, with the numbers."""

    def divide(slow: str, fast: str) -> float:
        return float(np.median(seconds[slow] / seconds[fast]))

    criteria = [
        Criterion(f"{task.name}: train against the plain loop", divide("plain", "train"),
                  ASKED[task.name]),
    ]  # fmt: skip
    if "jax" in seconds:  # each with what belongs to it: neither builds nor records, or both do
        criteria += [
            Criterion(f"{task.name}: updates alone against JAX, once compiled",
                      divide("jax", "updates"), 1),
            Criterion(f"{task.name}: train against JAX, compiling counted",
                      divide("jax, compiling", "train"), 1),
        ]  # fmt: skip
    if task.name == "T2":
        criteria.append(
            Criterion("T2: a user's own module takes", divide("own", "train"), 3, "× as long", True)
        )
    if task.name == "T3":
        criteria.append(
            Criterion("T3: share of the machine's matrix products", 100 * share_peak(task, seconds),
                      50, "%")
        )  # fmt: skip
    return criteria


def share_peak(task: Task, seconds: Seconds) -> float:
    """Return which part of the peak rate is reached, counting plain backpropagation."""
    peak = OPERATIONS / np.minimum(seconds["matmul, numpy"], seconds["matmul, torch"])
    reached = task.n_operations * task.updates / seconds["train"]
    return float(np.median(reached / peak))


def describe_peak(task: Task, seconds: Seconds) -> str:
    """Return how the share of the peak was counted."""
    rates = {
        name: show_number(OPERATIONS / float(np.median(seconds[f"matmul, {name}"])) / 1e9)
        for name in ("numpy", "torch")
    }
    return (
        f"an update of all seeds is {show_number(task.n_operations / 1e9)}·10⁹ operations of plain "
        "backpropagation (who gets by with fewer is credited with as many); large matrix products "
        f"run at {rates['numpy']}·10⁹ a second in NumPy and {rates['torch']}·10⁹ in torch"
    )
