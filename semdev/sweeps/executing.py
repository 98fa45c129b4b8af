"""Where shards are computed: in this process, on this machine's cores, or by an executor."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

import joblib
import xarray as xr

from semdev.sweeps.computing import compute_packed
from semdev.sweeps.folder import Failure

Key = TypeVar("Key")
Result = xr.Dataset | Failure
IN_FLIGHT = 1000  # what an executor holds at a time: each shard it waits for has been packed


def run_on_cores(
    tasks: Mapping[Key, Callable[[], bytes]], jobs: int
) -> Iterator[tuple[Key, Result]]:
    """Yield each task's result as it comes from `jobs` processes.

    A process that dies (out of memory, mostly) takes those that it ran beside with it. Each of them
    is tried once more at the end, with nothing beside it.
    """
    left, suspected = dict(tasks), []
    while left:
        begun: list[Key] = []
        try:
            for key, result in _work(left, begun, jobs):
                del left[key]
                yield key, result
        except BrokenProcessPool:
            suspected += [key for key in begun if key in left]
            left = {key: pack for key, pack in left.items() if key not in begun}
    for key in suspected:
        try:
            yield from _work({key: tasks[key]}, [], 2)
        except BrokenProcessPool as error:
            yield key, Failure.of(error)


def _work(
    tasks: Mapping[Key, Callable[[], bytes]], begun: list[Key], jobs: int
) -> Iterator[tuple[Key, Result]]:
    """Yield results, and note which tasks have been handed out."""

    def hand_out() -> Iterator[Any]:
        for key in list(tasks):
            begun.append(key)
            yield joblib.delayed(_compute_for)(key, tasks[key](), os.getpid())

    work = joblib.Parallel(
        n_jobs=jobs, return_as="generator_unordered", pre_dispatch=jobs, batch_size=1
    )
    yield from work(hand_out())


def _compute_for(key: Key, packed: bytes, master: int) -> tuple[Key, Result]:
    leave_with(master)
    return key, compute_packed(packed)


@lru_cache
def leave_with(master: int) -> None:
    """Let this process end when its parent `master` does; killed, it leaves its workers behind."""
    if os.name != "posix" or os.getppid() != master:
        return

    def watch() -> None:
        while os.getppid() == master:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_by_executor(
    tasks: Mapping[Key, Callable[[], bytes]], executor: Any
) -> Iterator[tuple[Key, Result]]:
    """Yield each task's result as it comes from anything with `submit(function, argument)`.

    What it returns needs `result()`; with `done()` results are taken in the order they come.
    """
    waiting = iter(tasks.items())
    flying: list[tuple[Key, Any]] = []
    pause = 0.001
    try:
        while True:
            for key, pack in islice(waiting, IN_FLIGHT - len(flying)):
                packed = pack()
                try:
                    flying.append((key, executor.submit(compute_packed, packed)))
                except Exception as error:
                    yield key, Failure.of(error)
            if not flying:
                return
            ready = [pair for pair in flying if not hasattr(pair[1], "done") or pair[1].done()]
            if not ready:
                time.sleep(pause)
                pause = min(2 * pause, 0.2)
                continue
            pause = 0.001
            for pair in ready:
                flying.remove(pair)
                yield pair[0], _read(pair[1])
    finally:
        for _, future in flying:
            if hasattr(future, "cancel"):
                future.cancel()


def _read(future: Any) -> Result:
    try:
        return future.result()
    except Exception as error:  # the machine's, not the learner's: a worker that was lost
        return Failure.of(error)
