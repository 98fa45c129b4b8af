"""The tasks: what is trained, how often, and how much of it the slow contenders are timed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn

import semdev as sd

Amount = tuple[int, int]  # seeds, updates


@dataclass(frozen=True, eq=False)
class Task:
    """Networks trained by full-batch gradient descent, or one pattern at a time.

    `timed` says for a contender how many seeds and updates are timed where the whole task would
    take minutes; its time is then scaled up in proportion.
    """

    name: str
    model: Any
    data: sd.Dataset
    seeds: int
    learning_rate: float
    updates: int = 2000
    relations: bool = False
    per_pattern: bool = False
    timed: Mapping[str, Amount] = field(default_factory=dict)
    checked: int = 384  # updates after which losses are compared: in the midst of learning

    @cached_property
    def patterns(self) -> Any:
        """What networks are shown and taught, every answer equally often."""
        patterns = sd.make_patterns(self.data, relations=self.relations)
        if not (patterns.mask * patterns.weights[:, None] == 1).all():
            raise ValueError(f"{self.name} teaches some answers more than others")
        return patterns

    @cached_property
    def inputs(self) -> np.ndarray:
        """What is shown, pattern × input."""
        return self.patterns.inputs.astype(np.float32)

    @cached_property
    def targets(self) -> np.ndarray:
        """What is taught, pattern × output."""
        return self.patterns.targets.astype(np.float32)

    @cached_property
    def weights(self) -> list[np.ndarray]:
        """With which weights the networks begin, each seed × output × input."""
        drawn = sd.initial_weights(self.model, self.patterns, seeds=self.seeds)
        return [w.astype(np.float32) for w in drawn]

    @property
    def title(self) -> str:
        """What the task is, in a line."""
        items, properties = self.data.properties.shape
        network = "Rumelhart's network" if self.relations else "linear"
        between = [str(w.shape[1]) for w in self.weights[:-1]]
        seeds = "1 seed" if self.seeds == 1 else f"{self.seeds} seeds"
        how = "one pattern at a time" if self.per_pattern else "full batch"
        return (
            f"{self.name}: {items} items × {properties} properties, {network}, hidden layers of "
            f"{', '.join(between)}, {seeds}, {self.updates} updates, {how}"
        )

    @property
    def updates_per_sweep(self) -> int:
        """One, or one for each pattern."""
        return len(self.inputs) if self.per_pattern else 1

    @property
    def amount(self) -> Amount:
        """Seeds and updates of the whole task."""
        return self.seeds, self.updates

    @property
    def n_operations(self) -> int:
        """Multiplications and additions of plain backpropagation, in one update of all seeds.

        A layer's answers, its weights' slopes and the slopes below it take 2 × patterns × inputs
        × outputs each; the first layer needs no slopes below it.
        """
        sizes = [w.shape[1] * w.shape[2] for w in self.weights]
        return 2 * len(self.inputs) * self.seeds * (3 * sum(sizes) - sizes[0])

    def build(self, seed: int) -> nn.Module:
        """Build the network of one seed, a plain nn.Module, as it is before learning."""
        sizes = self.inputs.shape[1], self.targets.shape[1]
        more = {"n_relations": len(set(self.patterns.relations))} if self.relations else {}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.model(*sizes, **more)

    def shorten(self, factor: int) -> Task:
        """Return the task with fewer updates."""

        def cut(amount: Amount) -> Amount:
            sweeps = max(amount[1] // factor, 2 * self.updates_per_sweep) // self.updates_per_sweep
            return amount[0], sweeps * self.updates_per_sweep

        timed = {name: cut(amount) for name, amount in self.timed.items()}
        return replace(self, updates=cut(self.amount)[1], timed=timed)


class TwoLayers(nn.Module):
    """T2's network as a user would write it, who knows nothing of semdev."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.lower = nn.Linear(n_inputs, 32, bias=False)
        self.upper = nn.Linear(32, n_outputs, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs, pattern × output."""
        return self.upper(self.lower(x))


def make_tasks() -> dict[str, Task]:
    """Return the tasks by name."""
    small = sd.load("rumelhart8")
    large = sd.branching_diffusion([4, 4, 4], properties=512, seed=0)
    # Orthogonal, so that five layers learn within the updates that are timed.
    deep = sd.DeepLinear([128] * 4, initialization="orthogonal")
    tasks = [
        Task("T1", sd.DeepLinear(32), small, 1, 0.01),
        Task("T2", sd.DeepLinear(32), small, 256, 0.01, timed={"plain": (4, 400)}),
        Task(
            "T3", deep, large, 64, 1e-4, checked=60,
            timed={"plain": (8, 60), **dict.fromkeys(("numpy", "jax", "train"), (64, 60))},
        ),
        Task(
            "T4", sd.Rumelhart(), small, 256, 0.1, relations=True,
            timed={"plain": (4, 200), "numpy": (256, 200), "jax": (256, 500), "train": (256, 500)},
        ),
        Task(
            "T4p", sd.Rumelhart(), small, 256, 0.1, updates=62 * 32, relations=True,
            per_pattern=True, timed={"plain": (4, 192), "numpy": (256, 192)},
        ),
    ]  # fmt: skip
    return {task.name: task for task in tasks}
