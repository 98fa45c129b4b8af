"""Compute one shard, here or wherever it was sent."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cloudpickle
import xarray as xr

from semdev._progress import hide_bars
from semdev.sweeps.folder import Failure
from semdev.threads import threads

# torch's random generator, on which initial weights depend, is one for all threads of a process.
ONE_AT_A_TIME = threading.RLock()


def pack(learn: Callable[..., Any], condition: Mapping[str, Any], seeds: Sequence[int]) -> bytes:
    """Return what `compute_packed` needs; functions from a notebook and lambdas travel whole.

    Raises TypeError for what cannot travel.
    """
    try:
        return cloudpickle.dumps((learn, dict(condition), list(seeds)))
    except Exception as error:
        raise TypeError(
            f"learn, or a value of the grid, cannot be sent to another process ({error}); let "
            "learn make it, or stay in this process (n_jobs=1)"
        ) from error


def compute_packed(packed: bytes) -> xr.Dataset | Failure:
    """Compute what was packed elsewhere."""
    try:
        learn, condition, seeds = cloudpickle.loads(packed)
    except (Exception, SystemExit) as error:
        return Failure.of(error)
    return compute(learn, condition, seeds)


def compute(
    learn: Callable[..., Any], condition: Mapping[str, Any], seeds: Sequence[int]
) -> xr.Dataset | Failure:
    """Return what `learn` returns for some seeds of a condition, or why it does not.

    One thread computes, so that sums are taken in one order whatever the machine. Progress bars
    that nobody asked for are not shown.
    """
    import torch  # noqa: F401  (if it were loaded within the block, it would take all threads)

    try:
        with ONE_AT_A_TIME, threads(1), hide_bars():
            return check_result(learn(**condition, seeds=list(seeds)), seeds)
    except (Exception, SystemExit) as error:
        return Failure.of(error, inside=True)


def check_call(learn: Any, names: Sequence[str]) -> None:
    """Say before anything is computed if `learn` cannot be called with these names.

    Raises TypeError.
    """
    called = f"learn({''.join(f'{name}=…, ' for name in names)}seeds=[…])"
    if not callable(learn):
        raise TypeError(f"a sweep calls {called}; got {type(learn).__name__}, not a function")
    try:
        signature = inspect.signature(learn)
    except (TypeError, ValueError):  # some built-in functions have none
        return
    try:
        signature.bind(**dict.fromkeys(names), seeds=None)
    except TypeError as error:
        known = ", ".join(signature.parameters)
        raise TypeError(f"a sweep calls {called}, but {error}; its parameters: {known}") from None


def check_result(result: Any, seeds: Sequence[int]) -> xr.Dataset:
    """Return a result as a Dataset of these seeds, or say what it lacks.

    Raises TypeError for another kind of result, ValueError for other seeds.
    """
    if isinstance(result, xr.DataArray):
        result = result.to_dataset(name=result.name or "value")
    if not isinstance(result, xr.Dataset):
        raise TypeError(
            "learn must return a History or a measure with the dimension seed (an xr.Dataset or "
            f"DataArray); got {type(result).__name__}"
        )
    found = result["seed"].values.tolist() if "seed" in result.indexes else None
    if found != list(seeds):
        raise ValueError(
            f"learn was given seeds {list(seeds)} and returned {found}; it must pass seeds= on "
            "and keep the dimension seed"
        )
    return result
