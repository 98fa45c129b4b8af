"""Who is timed on the tasks: all train the same networks, and that is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import semdev as sd
from benchmarks import batched_numpy, plain
from benchmarks.tasks import Task, TwoLayers

Contender = Callable[[Task, int, int], np.ndarray]  # seeds and updates to losses at the end
TOLERANCE = 1e-3  # of losses in float32, whose rounding errors grow while learning is exponential


class DisagreementError(AssertionError):
    """Contenders do not train the same networks."""


def train(task: Task, seeds: int, updates: int) -> np.ndarray:
    """Train with `sd.train` as a user calls it: networks built, ten times recorded, a History."""
    return run_train(task, seeds, updates)["loss"].values[:, -1]


def train_own(task: Task, seeds: int, updates: int) -> np.ndarray:
    """Train T2's network given as a user's own module, from the same weights."""
    weights = [w[:seeds] for w in task.weights]
    return run_train(task, seeds, updates, model=TwoLayers, weights=weights)["loss"].values[:, -1]


def run_train(task: Task, seeds: int, updates: int, **settings: Any) -> xr.Dataset:
    """Return what `sd.train` makes of a task; settings go before the task's own."""
    own: dict[str, Any] = {
        "model": task.model,
        "record": 10,
        "presentation": "per pattern" if task.per_pattern else "full batch",
    } | settings
    return sd.train(
        own.pop("model"), task.patterns, seeds=seeds, learning_rate=task.learning_rate,
        steps=updates // task.updates_per_sweep, dtype="float32", progress=False, **own,
    )  # fmt: skip


def list_contenders() -> dict[str, Contender]:
    """Return the contenders by name, JAX among them if it is installed."""
    known: dict[str, Contender] = {
        "plain": plain.learn, "numpy": batched_numpy.learn, "train": train,
    }  # fmt: skip
    try:
        from benchmarks.with_jax import Learner
    except ImportError:
        return known
    return known | {"jax": Learner()}


def check_agreement(task: Task, contenders: dict[str, Contender]) -> float:
    """Return how far apart losses are in the midst of learning, relatively; refuse other networks.

    The contenders that train seeds at once train all of them, the plain loop a few. Losses must
    have moved from the first ones by far more than they may differ.
    """
    updates = task.checked
    losses = {
        name: learn(task, min(task.seeds, 4) if name == "plain" else task.seeds, updates)
        for name, learn in contenders.items()
    }
    before = run_train(task, task.seeds, task.updates_per_sweep, record=2)["loss"].values[:, 0]
    ours = losses["train"]
    if not (np.abs(ours - before) > 20 * TOLERANCE * before).all():
        raise DisagreementError(
            f"{task.name}: after {updates} updates losses have hardly moved; that contenders agree "
            "says nothing"
        )
    apart = {
        name: float((np.abs(each - ours[: len(each)]) / ours[: len(each)]).max())
        for name, each in losses.items()
    }
    worst = max(apart, key=lambda name: apart[name])
    if not apart[worst] <= TOLERANCE:
        raise DisagreementError(
            f"{task.name}: {worst} ends with other losses than train, by up to {apart[worst]:.1e} "
            f"of them ({TOLERANCE:g} is allowed): they do not train the same networks"
        )
    return apart[worst]
