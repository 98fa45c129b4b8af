"""Presenting: which patterns an update sees, in which order, and with what noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def count_shown(how: str, count: int, batch_size: int) -> int:
    """Return how many of the patterns an update sees."""
    return {"full batch": count, "mini-batch": min(batch_size, count)}.get(how, 1)


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
        self.shuffled = how not in ("full batch", "per pattern")
        self.random = [np.random.default_rng([seed, 1]) for seed in seeds if self.shuffled]
        # Three times as fast at drawing noise as numpy's; another stream than initial weights have.
        self.source = [
            torch.Generator().manual_seed(
                int(np.random.SeedSequence([seed, 2]).generate_state(1)[0])
            )
            for seed in seeds
            if noise
        ]
        often = patterns.weights
        self.chance = often / often.sum()
        if how == "sampled":
            often = np.full_like(often, often.mean())
        self.to_array = to_array
        self.all = Shown(
            to_array(patterns.inputs),
            to_array(patterns.targets),
            to_array(patterns.mask * often[:, None] * share),
        )
        # What is shown lies in the same memory in every sweep.
        count = len(often)
        size = count_shown(how, count, batch_size)
        self.now = self._make_room() if self.shuffled else self.all
        like = torch.as_tensor(self.all.inputs)
        self.drawn = {
            name: like.new_zeros(len(seeds), count, units) for name, (_, units) in noise.items()
        }
        self.updates = [self._cut(slice(k, k + size)) for k in range(0, count, size)]
        if size == count and not noise and not self.shuffled:
            self.updates = [self.all]

    def sweep(self) -> list[Shown]:
        """Return what each update of a sweep sees; the next sweep writes over it."""
        if self.shuffled:
            order = np.stack([self._order(random) for random in self.random])
            order = order[0] if len(order) == 1 else order
            for name in ("inputs", "targets", "taught"):
                getattr(self.now, name)[...] = getattr(self.all, name)[order]
        for name, (scale, _) in self.noise.items():
            self._draw(self.drawn[name], scale)
        return self.updates

    def _make_room(self) -> Shown:
        """Return room for the patterns in each network's order; a single network needs no axis."""
        seeds = (len(self.random),) if len(self.random) > 1 else ()
        parts = (self.all.inputs, self.all.targets, self.all.taught)
        return Shown(*(self.to_array(np.zeros((*seeds, *part.shape))) for part in parts))

    def _cut(self, rows: slice) -> Shown:
        """Return what an update sees of the patterns of a sweep."""
        some = (..., rows, slice(None))
        now = self.now
        noise = {name: drawn[some] for name, drawn in self.drawn.items()}
        return Shown(now.inputs[some], now.targets[some], now.taught[some], noise)

    def _order(self, random: np.random.Generator) -> np.ndarray:
        count = len(self.chance)
        if self.how == "sampled":
            return random.choice(count, size=count, p=self.chance)
        return random.permutation(count)

    def _draw(self, place: torch.Tensor, scale: float) -> None:
        """Draw fresh noise, each network's from its own source."""
        drawn = torch.empty(place.shape, dtype=place.dtype)
        for noise, source in zip(drawn, self.source, strict=True):
            noise.normal_(0.0, scale, generator=source)
        place.copy_(drawn)
