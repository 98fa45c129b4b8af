"""Presenting: which patterns an update sees, in which order, and with what noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from semdev.data.patterns import Patterns

PRESENTATIONS = ("full batch", "per pattern", "interleaved", "sampled")


@dataclass(frozen=True)
class Shown:
    """What one update sees.

    Each is pattern × unit, the same for all networks, or seed × pattern × unit.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    taught: torch.Tensor
    noise: Mapping[str, torch.Tensor] = field(default_factory=dict)  # always seed × pattern × unit


class Presentation:
    """Sweeps over patterns: all in one update, or one update for each.

    In every presentation a sweep amounts to the same expected sum over patterns, each as often as
    its frequency says, so that time, sweeps × learning rate, is comparable.

    - "full batch": one update on all patterns.
    - "per pattern": one update for each, in the data's order; the frequency multiplies the step.
    - "interleaved": the same in a new random order each sweep, for each network its own.
    - "sampled": as many as there are patterns, drawn with replacement as often as they are met.
    """

    def __init__(
        self, how: str, patterns: Patterns, seeds: Sequence[int], like: torch.Tensor,
        noise: Mapping[str, tuple[float, int]],
    ) -> None:  # fmt: skip
        self.how = how
        self.like = like
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
        self.inputs = self._to_tensor(patterns.inputs)
        self.targets = self._to_tensor(patterns.targets)
        self.taught = self._to_tensor(patterns.mask * often[:, None])

    def sweep(self) -> Iterator[Shown]:
        """Yield what each update of one sweep sees."""
        n = len(self.chance)
        noise = {name: self._draw(n, units, scale) for name, (scale, units) in self.noise.items()}
        inputs, targets, taught = self.inputs, self.targets, self.taught
        if self.how == "full batch":
            yield Shown(inputs, targets, taught, noise)
            return
        if self.how != "per pattern":
            order = torch.as_tensor(np.stack([self._order(random) for random in self.random]))
            inputs, targets, taught = inputs[order], targets[order], taught[order]
        for k in range(n):
            one = (..., slice(k, k + 1), slice(None))
            now = {name: drawn[one] for name, drawn in noise.items()}
            yield Shown(inputs[one], targets[one], taught[one], now)

    def _order(self, random: np.random.Generator) -> np.ndarray:
        n = len(self.chance)
        return random.permutation(n) if self.how == "interleaved" else random.choice(
            n, size=n, p=self.chance
        )  # fmt: skip

    def _draw(self, rows: int, units: int, scale: float) -> torch.Tensor:
        drawn = torch.empty(len(self.source), rows, units, dtype=self.like.dtype)
        for noise, source in zip(drawn, self.source, strict=True):
            noise.normal_(0.0, scale, generator=source)
        return drawn.to(self.like.device)

    def _to_tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.tensor(values, dtype=self.like.dtype, device=self.like.device)
