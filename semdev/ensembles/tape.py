"""A tape: operations on arrays that stay where they are, done once and then over and over."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any


class Tape:
    """Operations in order, each with where its result goes.

    Networks change their weights in place and are shown patterns in one place, so that an update
    is always the same operations on the same memory: they are written down while they are done
    for the first time. Replaying them leaves out looking for things, making views, finding memory:
    an update of one network of 8 × 36 with 32 hidden units takes 5 µs instead of 8; of a user's own
    module 25 µs instead of 120.
    """

    def __init__(self) -> None:
        self.operations: list[Callable[[], Any]] = []

    def do(self, function: Callable[..., Any], *given: Any, out: Any) -> Any:
        """Do it now, and whenever the tape is run; return `out`, which holds the result."""
        self.write(partial(function, *given, out=out))
        self.operations[-1]()
        return out

    def write(self, operation: Callable[[], Any]) -> None:
        """Write down an operation that has been done for the first time."""
        self.operations.append(operation)

    def run(self) -> None:
        """Do everything once more."""
        for operation in self.operations:
            operation()
