"""All networks of a run: parts of them learn one after the other, or side by side on threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from semdev.ensembles.base import Ensemble
from semdev.threads import fit_threads, threads

CACHE = 2**22  # bytes of networks that a core works on without waiting for memory
WORTH = 1_000_000  # multiply-adds of an update from which a thread of its own pays


def count_parts(networks: int, size: int, work: float, cores: int) -> int:
    """Return in how many parts networks learn fastest.

    `size` is what a network takes in memory while it learns, in bytes, `work` the multiply-adds of
    an update of it. Measured on 8 × 36 with 32 hidden units (where a part is 264 networks): a
    network takes the same time in parts of 100 to 500, a quarter more in parts of 32; two threads
    on parts of 64 halve it, on parts of 16 gain nothing.
    """
    fitting = -(-networks * size // CACHE)
    paying = int(networks * work // WORTH)
    return min(networks, max(1, fitting, min(cores, paying)))


class Parts:
    """An ensemble in parts, each of networks that fit into a core's own memory together.

    Seeds share nothing, so it makes no difference to any of them who else is in its part.
    """

    def __init__(self, parts: Sequence[Ensemble], work: float, cores: int) -> None:
        self.parts = parts
        self.work = work
        self.cores = cores
        self.how = parts[0].how
        self._map: Callable[..., Any] = map

    def advance(self, sweeps: int) -> None:
        """Learn for some sweeps over the patterns."""
        list(self._map(lambda part: part.advance(sweeps), self.parts))

    def gather(self, look: Callable[[Ensemble], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return what `look` sees in each part, joined along seeds."""
        seen = list(self._map(look, self.parts))
        if len(seen) == 1:
            return seen[0]
        return {name: np.concatenate([each[name] for each in seen]) for name in seen[0]}

    @contextmanager
    def on_threads(self) -> Iterator[None]:
        """Use as many threads as pay: for parts, or for large matrices; then as it was before."""
        several = min(len(self.parts), self.cores)
        one = self.parts[0]
        if several > 1 and one.side_by_side and self.work * one.size >= WORTH / 2:
            with threads(1), ThreadPoolExecutor(several) as pool:
                self._map = pool.map
                try:
                    yield
                finally:
                    self._map = map
        else:
            with fit_threads(self.work):
                yield
