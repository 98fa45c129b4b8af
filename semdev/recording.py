"""When to record a run, and what has been recorded of it so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np


class Plan:
    """The steps to record at: as asked, or quadratically spaced so that early steps are denser."""

    def __init__(self, record: int | Sequence[int], steps: int | None, most_steps: int) -> None:
        if steps is not None and not (isinstance(steps, Integral) and steps >= 1):
            raise ValueError(f"steps must be a whole number, at least 1; got {steps!r}")
        self.open_ended = False
        self.stride = 0.25
        if not isinstance(record, (int, np.integer)):
            whole = np.iterable(record) and all(isinstance(step, Integral) for step in record)
            chosen = [int(step) for step in record] if whole else []
            if not chosen or chosen[0] < 0 or (np.diff(chosen) <= 0).any():
                raise ValueError(f"record is how many times, or increasing steps; got {record!r}")
            self.last = chosen[-1] if steps is None else steps
            if chosen[-1] > self.last:
                raise ValueError(f"record asks for step {chosen[-1]} of a run of {steps} steps")
            self.most = len(chosen) + 1
            self.steps = {*chosen, self.last}
            return
        if record < 2:
            raise ValueError(f"record needs at least 2 times, got {record}")
        self.most = int(record)
        self.open_ended = steps is None
        self.last = most_steps if steps is None else int(steps)
        spaced = self.last * np.linspace(0, 1, min(self.most, self.last + 1)) ** 2
        order = np.arange(len(spaced))
        distinct = np.maximum.accumulate(spaced.round().astype(int) - order) + order
        self.steps = set(distinct.tolist())

    def includes(self, step: int) -> bool:
        """Return whether to record at this step."""
        if not self.open_ended:
            return step in self.steps
        # The first step at or after each of (k × stride)², k = 0, 1, …
        now, before = math.sqrt(step) / self.stride, math.sqrt(max(step - 1, 0)) / self.stride
        return step in (0, self.last) or math.floor(now) > math.floor(before)


@dataclass
class Log:
    """What has been recorded so far."""

    steps: list[int] = field(default_factory=list)
    outputs: list[np.ndarray] = field(default_factory=list)
    losses: list[np.ndarray] = field(default_factory=list)
    hidden: list[list[np.ndarray]] = field(default_factory=list)
    weights: list[list[np.ndarray]] = field(default_factory=list)
    parameters: list[list[np.ndarray]] = field(default_factory=list)

    def keep(self, which: Sequence[int]) -> None:
        """Drop all but these records."""
        for name in ("steps", "outputs", "losses", "hidden", "weights", "parameters"):
            old = getattr(self, name)
            setattr(self, name, [old[k] for k in which] if old else old)

    def thin_to(self, most: int) -> None:
        """Keep `most` records, the first and the last among them."""
        if len(self.steps) > most:
            self.keep(np.linspace(0, len(self.steps) - 1, most).round().astype(int).tolist())
