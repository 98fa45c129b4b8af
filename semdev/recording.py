"""When to record a run, and what has been recorded of it so far."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import xarray as xr

from semdev.memory import require_memory

BLOCK = 2**26  # bytes of records that functions are shown at a time
Kept = Callable[[xr.Dataset], xr.DataArray | xr.Dataset]


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
            self.last = chosen[-1] if steps is None else int(steps)
            if chosen[-1] > self.last:
                raise ValueError(f"record asks for step {chosen[-1]} of a run of {steps} steps")
            self.steps = sorted({*chosen, self.last})
            self.most = len(self.steps)
            return
        if record < 2:
            raise ValueError(f"record needs at least 2 times, got {record}")
        self.most = int(record)
        self.open_ended = steps is None
        self.last = most_steps if steps is None else int(steps)
        spaced = self.last * np.linspace(0, 1, min(self.most, self.last + 1)) ** 2
        order = np.arange(len(spaced))
        distinct = np.maximum.accumulate(spaced.round().astype(int) - order) + order
        self.steps = distinct.tolist()

    @property
    def capacity(self) -> int:
        """How many records there may be at a time."""
        return 2 * self.most + 1 if self.open_ended else len(self.steps)

    def find_next(self, step: int) -> int:
        """Return the step to record at after this one."""
        if not self.open_ended:
            return self.steps[bisect_right(self.steps, step)]
        # The first step at or after each of (k × stride)², k = 0, 1, …
        k = math.floor(math.sqrt(step) / self.stride) + 1
        while math.ceil((k * self.stride) ** 2) <= step:
            k += 1
        return min(math.ceil((k * self.stride) ** 2), self.last)


class Log:
    """What has been recorded so far: arrays seed × time × …, filled as a run goes."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.steps: list[int] = []
        self._arrays: dict[str, np.ndarray] = {}

    def add(self, step: int, now: Mapping[str, np.ndarray]) -> None:
        """Keep what is there at this step, each seed × …."""
        self.steps.append(step)
        for name, values in now.items():
            self._write(name, values[:, None])

    def _write(self, name: str, values: np.ndarray) -> None:
        """Write the latest values, seed × time × …."""
        if name not in self._arrays:
            shape = (len(values), self.capacity, *values.shape[2:])
            self._arrays[name] = np.empty(shape, dtype=values.dtype)
        wide = np.result_type(self._arrays[name], values)
        if wide != self._arrays[name].dtype:  # as where a function returns truths, then numbers
            self._arrays[name] = self._arrays[name].astype(wide)
        end = len(self.steps)
        self._arrays[name][:, end - values.shape[1] : end] = values

    def keep(self, which: Sequence[int]) -> None:
        """Drop all but these records, given in order."""
        for array in self._arrays.values():
            for new, old in enumerate(which):
                array[:, new] = array[:, old]
        self.steps = [self.steps[k] for k in which]

    def thin_to(self, most: int) -> None:
        """Keep `most` records, the first and the last among them."""
        if len(self.steps) > most:
            self.keep(np.linspace(0, len(self.steps) - 1, most).round().astype(int).tolist())

    def finish(self) -> None:
        """Take in what is still to be taken in, and give back the room that was not needed."""
        if len(self.steps) < self.capacity:
            for name in self._arrays:
                self._arrays[name] = self[name].copy()

    def __getitem__(self, name: str) -> np.ndarray:
        """Return what has been recorded of a name, seed × time × …."""
        return self._arrays[name][:, : len(self.steps)]

    def all_named(self, prefix: str) -> dict[str, np.ndarray]:
        """Return all that has been recorded of names with this beginning, by what follows it."""
        return {
            name.removeprefix(prefix): self[name]
            for name in self._arrays
            if name.startswith(prefix)
        }


class Sieve(Log):
    """A log that keeps what functions of a History return, and the loss, and nothing else.

    Records are gathered in blocks of bounded size; `make` makes a History of a block.
    """

    def __init__(
        self, capacity: int, functions: Sequence[Kept], make: Callable[[Log], xr.Dataset]
    ) -> None:
        super().__init__(capacity)
        self.functions = functions
        self.make = make
        self.block = Log(1)  # the first alone, so that a function that fails fails at once
        self.found: list[xr.Dataset] = []

    def add(self, step: int, now: Mapping[str, np.ndarray]) -> None:
        """Take in what is there at this step, each seed × …."""
        self.block.add(step, now)
        super().add(step, {"loss": now["loss"]})
        if len(self.block.steps) == self.block.capacity:
            self._sift()

    def keep(self, which: Sequence[int]) -> None:
        """Drop all but these records, given in order."""
        self._sift()
        super().keep(which)

    def finish(self) -> None:
        """Take in what is still to be taken in, and give back the room that was not needed."""
        self._sift()
        super().finish()

    def _sift(self) -> None:
        if not self.block.steps:
            return
        history = self.make(self.block)
        each = [_read_kept(function, history) for function in self.functions]
        names = [name for found in each for name in found.data_vars]
        if len(set(names)) < len(names):
            raise ValueError(f"keep: two functions return things of one name: {names}")
        if not self.found:
            _compare_sizes(each)
            self.found = [found.isel(time=[0]) for found in each]
            self._see_that_it_fits()
        for found in each:
            for name, values in found.data_vars.items():
                self._write(f"kept_{name}", values.values)
        size = sum(array[:, :1].nbytes for array in self.block.all_named("").values())
        self.block = Log(max(1, min(self.capacity, BLOCK // size)))

    def _see_that_it_fits(self) -> None:
        """Refuse what would not fit into memory by the end of the run, while there is one record.

        Raises
        ------
        MemoryError
            With what each function keeps.
        """
        require_memory(
            {
                str(name): self.capacity * values.nbytes
                for found in self.found
                for name, values in found.data_vars.items()
            },
            what=f"What keep= keeps of this run, recorded {self.capacity} times,",
            remedy="Keep less of it (fewer items or properties, a mean over them), record fewer "
            "times (record=), or give fewer seeds at a time (semdev.sweep writes them to disk)",
        )

    def place(self, history: xr.Dataset) -> xr.Dataset:
        """Return a History of this log without outputs, with what has been kept."""
        for found in self.found:
            others = found.drop_vars(["time", *found.data_vars])
            history = history.assign_coords(
                {
                    k: c
                    for k, c in others.coords.items()
                    if k not in history.coords and "time" not in c.dims
                }
            )
            for name, values in found.data_vars.items():
                history[name] = values.dims, self[f"kept_{name}"], values.attrs
        return history


def read_functions(keep: Kept | Sequence[Kept] | None) -> list[Kept]:
    """Return the functions that say what to keep, or say what is none.

    Raises
    ------
    TypeError
        Something that is no function.
    """
    given: Any = [] if keep is None else keep
    alone = callable(given) or isinstance(given, str) or not np.iterable(given)
    functions: list[Any] = [given] if alone else list(given)
    for each in functions:
        if not callable(each):
            raise TypeError(
                f"keep is a function of a History, or several; got {each!r}: give the function "
                "itself, as in keep=semdev.mode_strengths, and not its name"
            )
    return functions


def _read_kept(function: Kept, history: xr.Dataset) -> xr.Dataset:
    """Return what a function finds in a History, seed × time × …, or say what is wrong with it."""
    who = getattr(function, "__name__", repr(function))
    try:
        found = function(history)
    except Exception as error:
        first, last = history["step"].values[[0, -1]]
        error.add_note(
            f"Raised by {who}, a function given as keep=, when it was shown a History of steps "
            f"{first} to {last}."
        )
        raise
    names = (
        [found.name] if isinstance(found, xr.DataArray) else list(getattr(found, "data_vars", []))
    )
    for name in {"loss", "target", *history.coords, *history.dims}.intersection(names):
        raise ValueError(f"keep: {who} returned the {name}, which stands in every History already")
    if isinstance(found, xr.DataArray):
        found = found.to_dataset(name=found.name or who)
    if not isinstance(found, xr.Dataset):
        raise TypeError(f"keep: {who} returned a {type(found).__name__}, no DataArray or Dataset")
    for name, values in found.data_vars.items():
        sizes = {dim: values.sizes.get(dim) for dim in ("seed", "time")}
        if sizes != {dim: history.sizes[dim] for dim in ("seed", "time")}:
            raise ValueError(
                f"keep: {who} must say something of every seed and every time by itself; its "
                f"{name} has dimensions {dict(values.sizes)} for {history.sizes['seed']} seeds × "
                f"{history.sizes['time']} times"
            )
    return _put_in_order(found, history, who).transpose("seed", "time", ...)


def _compare_sizes(each: Sequence[xr.Dataset]) -> None:
    """Refuse a dimension that is not equally long in all that functions return."""
    sizes: dict[Any, int] = {}
    for found in each:
        for dim, size in found.sizes.items():
            if sizes.setdefault(dim, size) != size:
                raise ValueError(
                    f"keep: the dimension {dim} has {sizes[dim]} values in what one function "
                    f"returns and {size} in another's; rename one of them"
                )


def _put_in_order(found: xr.Dataset, history: xr.Dataset, who: str) -> xr.Dataset:
    """Return what was found with its labels in the History's order; some of them will not do."""
    for dim in found.dims:
        if dim == "time" or dim not in history.indexes or dim not in found.indexes:
            continue
        own, all_of_them = found.indexes[dim], history.indexes[dim]
        if own.has_duplicates or set(own) != set(all_of_them):
            raise ValueError(
                f"keep: {who} returned {len(own)} labels of {dim!r}, of which a History has "
                f"{len(all_of_them)}; rename the dimension (rename({dim}='chosen')) or reduce over "
                "it"
            )
        found = found.reindex({dim: all_of_them})
    return found
