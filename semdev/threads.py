"""How many threads arithmetic uses, for a while."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache

from threadpoolctl import ThreadpoolController

SMALL = 3_000_000  # multiply-adds


@cache
def find_pools() -> ThreadpoolController:
    """Return the libraries that have threads (looking for them takes milliseconds)."""
    return ThreadpoolController()


def fit_threads(work: float) -> AbstractContextManager[None]:
    """Use one thread where an operation has so few multiply-adds that several wait for each other.

    Else leave their number as it is.
    """
    return threads(1) if work < SMALL else nullcontext()


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let numpy's matrix products, and torch if it is there, use so many threads; then as before.

    >>> from threadpoolctl import threadpool_info
    >>> with threads(1):
    ...     {pool["num_threads"] for pool in threadpool_info()}
    {1}
    """
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    with find_pools().limit(limits=number):
        if torch:
            torch.set_num_threads(number)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)
