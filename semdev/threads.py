"""How many threads arithmetic uses, for a while."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController

SMALL = 3_000_000  # multiply-adds

_CHANGING = Lock()
_asked: dict[object, int] = {}  # by whom, in whatever Python thread, and how many
_before: list[Callable[[], None]] = []  # how it was when nobody had asked


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

    The number is one for the whole process. Where several Python threads ask, the last one's holds,
    and when all are through it is again what it was before the first.

    >>> from threadpoolctl import threadpool_info
    >>> with threads(1):
    ...     {pool["num_threads"] for pool in threadpool_info()}
    {1}
    """
    entry = object()
    with _CHANGING:
        if not _asked:
            _before.append(_remember())
        _asked[entry] = number
        _set(number)
    try:
        yield
    finally:
        with _CHANGING:
            del _asked[entry]
            if _asked:
                _set(next(reversed(_asked.values())))
            else:
                _before.pop()()


def _remember() -> Callable[[], None]:
    """Return what brings back the numbers there are now."""
    pools = [(pool, pool.num_threads) for pool in find_pools().lib_controllers]
    torch = sys.modules.get("torch")
    of_torch = torch.get_num_threads() if torch else 0

    def bring_back() -> None:
        for pool, number in pools:
            pool.set_num_threads(number)
        if torch:
            torch.set_num_threads(of_torch)

    return bring_back


def _set(number: int) -> None:
    for pool in find_pools().lib_controllers:
        pool.set_num_threads(number)
    torch = sys.modules.get("torch")
    if torch:
        torch.set_num_threads(number)
