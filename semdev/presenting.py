"""Presenting: which patterns an update sees, in which order, and with what noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from semdev.data.patterns import Patterns

PRESENTATIONS = ("full batch", "per pattern", "interleaved", "mini-batch", "sampled")


@dataclass(frozen=True)
class Shown:
    """What one update sees.

    Each is pattern × unit, the same for all networks, or seed × pattern × unit.
    """

    inputs: Any
    targets: Any
    taught: Any  # how much each target counts: × the learning rate, where a step is proportional
    noise: Mapping[str, torch.Tensor] = field(default_factory=dict)  # always seed × pattern × unit


class Presentation:
    """Sweeps over patterns: all in one update, or some of them in each.

    In every presentation a sweep amounts to the same expected sum over patterns, each as often as
    its frequency says, so that time, sweeps × learning rate, is comparable.

    - "full batch": one update on all patterns.
    - "per pattern": one update for each, in the data's order; the frequency multiplies the step.
    - "interleaved": the same in a new random order each sweep, for each network its own.
    - "mini-batch": the same, `batch_size` patterns at a time (the last update has what is left).
    - "sampled": as many as there are patterns, drawn with replacement as often as they are met.

    `to_array` makes the arrays that are shown out of numpy's; what counts is × `share`.
    """

    def __init__(
        self, how: str, patterns: Patterns, seeds: Sequence[int], to_array: Any,
        *, batch_size: int = 1, share: float = 1.0, noise: Mapping[str, tuple[float, int]],
    ) -> None:  # fmt: skip
        self.how = how
        self.noise = noise  # name of its buffer → standard deviation, units
        self.random = [np.random.default_rng([seed, 1]) for seed in seeds]
        # Three times as fast at drawing noise as numpy's; another stream than initial weights have.
        self.source = [
            torch.Generator().manual_seed(
                int(np.random.SeedSequence([seed, 2]).generate_state(1)[0])
            )
            for seed in seeds
        ]
        often = patterns.weights
        self.chance = often / often.sum()
        if how == "sampled":
            often = np.full_like(often, often.mean())
        count = len(often)
        self.size = {"full batch": count, "mini-batch": min(batch_size, count)}.get(how, 1)
        self.to_array = to_array
        self.all = Shown(
            to_array(patterns.inputs),
            to_array(patterns.targets),
            to_array(patterns.mask * often[:, None] * share),
        )

    def sweep(self) -> Iterator[Shown]:
        """Yield what each update of one sweep sees."""
        if self.how == "full batch" and not self.noise:
            yield self.all
            return
        count = len(self.chance)
        noise = {
            name: self._draw(count, units, scale) for name, (scale, units) in self.noise.items()
        }
        inputs, targets, taught = self.all.inputs, self.all.targets, self.all.taught
        if self.how not in ("full batch", "per pattern"):
            order = np.stack([self._order(random) for random in self.random])
            if len(order) == 1:
                order = order[0]
            inputs, targets, taught = inputs[order], targets[order], taught[order]
        for k in range(0, count, self.size):
            some = (..., slice(k, k + self.size), slice(None))
            now = {name: drawn[some] for name, drawn in noise.items()}
            yield Shown(inputs[some], targets[some], taught[some], now)

    def _order(self, random: np.random.Generator) -> np.ndarray:
        count = len(self.chance)
        if self.how == "sampled":
            return random.choice(count, size=count, p=self.chance)
        return random.permutation(count)

    def _draw(self, rows: int, units: int, scale: float) -> torch.Tensor:
        like = self.to_array(np.empty(0))
        drawn = torch.empty(len(self.source), rows, units, dtype=like.dtype)
        for noise, source in zip(drawn, self.source, strict=True):
            noise.normal_(0.0, scale, generator=source)
        return drawn.to(like.device)
