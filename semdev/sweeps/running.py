"""sweep: the same learner under many conditions, shard by shard, whatever happens."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Any

import joblib

from semdev._progress import tqdm
from semdev.building import read_seeds
from semdev.sweeps.computing import check_call, compute, pack
from semdev.sweeps.executing import Result, run_by_executor, run_on_cores
from semdev.sweeps.folder import (
    Failure,
    Scratch,
    claim_folder,
    find_states,
    write_failure,
    write_result,
)
from semdev.sweeps.grids import format_seeds, read_grid
from semdev.sweeps.plans import Shard, make_plan
from semdev.sweeps.results import Sweep


def sweep(
    learn: Callable[..., Any],
    grid: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    seeds: int | Iterable[int],
    n_jobs: int | None = None,
    executor: Any = None,
    out: str | Path | None = None,
    shard_size: int | None = None,
    shard: tuple[int, int] | None = None,
    progress: bool | None = None,
) -> Sweep:
    """Let something learn under every condition of a grid, with every seed; return the Sweep.

    Conditions × seeds are cut into shards. Each is computed on one thread, wherever it runs, and
    its result written as soon as it is there, whole or not at all: a sweep that was stopped, or
    killed, goes on where it was when it is called again with the same `out`, and its files are the
    same, byte for byte, as those of one that was not. A condition that raises does not stop the
    others; it is written down and tried again by the next call.

    A sweep can grow: called again with the same `out` and more values, conditions or seeds (20,
    then 30) it computes what is new. Anything else that differs is refused: fewer of them, another
    `learn`, other code or values that it refers to.

    Parameters
    ----------
    learn : function
        Called as ``learn(**condition, seeds=[…])``. It returns a History, as `train` does, or
        anything measured: a Dataset or DataArray with the dimension seed. `train` itself will do,
        or ``functools.partial(sd.train, sd.DeepLinear(), world)``; so will a function in a
        notebook, or a lambda.
    grid : mapping, or list of mappings
        A mapping of name to values; all combinations are conditions. Values are a list of numbers
        or words, or a mapping of label to value, for models and data sets:
        ``{"scale": [0.1, 0.01], "model": {"deep": sd.DeepLinear(), "shallow": sd.Shallow()}}``.
        Or a list of conditions, each a mapping of name to number or word.
    seeds : int or iterable of int
        How many networks of each condition (seeds 0, 1, …), or which.
    n_jobs : int, optional
        How many processes on this machine (default: one a core; 1: this process alone).
    executor : optional
        What computes instead: anything with ``submit(function, argument)`` that returns something
        with ``result()``. A ``dask.distributed.Client``, submitit's or executorlib's executors,
        those of `concurrent.futures`. Start Dask's workers with one thread each.
    out : path, optional
        The folder for results; without one they are gone with the Sweep that is returned.
        It may hold this sweep with fewer conditions or seeds.
    shard_size : int, optional
        The most seeds of a condition that learn at a time (default 128). Smaller shards lose less
        when a run is killed.
    shard : (i, n), optional
        Compute every n-th shard from the i-th (1 to n) only: for n runs that know nothing of each
        other and share the folder `out`, such as a Slurm array (see ``semdev sweep --help``).
    progress : bool, optional
        Show a bar over all shards: always, never, or (default) on anything over a second. Bars
        within `learn` are shown only where they are asked for, ``train(…, progress=True)``.

    Returns
    -------
    Sweep
        `sel(…)` a condition's History, `combine()` all in one Dataset, `measure(f)` each;
        `table`, `failures`.

    Raises
    ------
    TypeError, ValueError
        A grid that is none, a `learn` that cannot be called with it, or `out` holds another sweep.
    OSError
        `out` cannot be written, or is full: what is finished is kept.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("saxe2019")
    >>> def learn(depth, scale, seeds):    # depth: weight matrices; 1 has no hidden layer
    ...     hidden = [16] * (depth - 1)
    ...     model = sd.DeepLinear(hidden, scale=scale) if hidden else sd.Shallow(scale=scale)
    ...     return sd.train(model, world, seeds=seeds, steps=900, record=50)
    >>> runs = sd.sweep(learn, {"depth": [1, 2, 3], "scale": [0.1, 0.2]}, seeds=4, n_jobs=1)
    >>> half_time = runs.measure(sd.transitions)["half_time"]
    >>> half_time.dims
    ('depth', 'scale', 'seed', 'mode')
    >>> half_time.sel(mode=1).median("seed").round(1).values    # depth × scale
    array([[0.7, 0.8],
           [0.7, 0.4],
           [0.9, 0.3]])
    """
    _check_workers(n_jobs, executor)
    conditions, values = read_grid(grid)
    check_call(learn, conditions.names)
    plan = make_plan(learn, conditions, values, seeds=read_seeds(seeds), shard_size=shard_size)
    _choose(plan.shards, shard, out)  # refused before there is a folder
    scratch = Scratch() if out is None else None
    folder, plan = claim_folder(scratch.path if scratch else str(out), plan)
    chosen = _choose(plan.shards, shard, out)
    states = find_states(folder, chosen)
    todo = [each for each in chosen if states[each] != "done"]
    bar = tqdm(
        total=len(chosen), initial=len(chosen) - len(todo), delay=0.0 if progress else 1.0,
        disable=progress is False, desc=f"sweep of {len(conditions.conditions)} conditions",
        unit="shard", leave=False,
    )  # fmt: skip
    failed: list[str] = []
    try:
        with bar, warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\d+ tasks have been")  # joblib's, when interrupted
            for each, result in _run(learn, todo, values, n_jobs, executor):
                name = conditions.describe(each.condition)
                failure = _keep(folder, each, name, result)
                if failure:
                    failed.append(f"{name}, seeds {format_seeds(each.seeds)}: {failure.say()}")
                    bar.set_postfix(failed=len(failed))
                bar.update()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_say_stopped(folder, chosen, out)) from None
    if failed:
        warnings.warn(
            f"{len(failed)} of {len(chosen)} shards failed (see failures; the next call with the "
            f"same out= tries them again), the first is {failed[0]}",
            stacklevel=2,
        )
    runs = Sweep(folder)
    runs._scratch = scratch
    return runs


def _check_workers(n_jobs: Any, executor: Any) -> None:
    """Say before anything is computed if nobody could."""
    if n_jobs is not None and executor is not None:
        raise ValueError("give n_jobs= (processes here) or executor= (elsewhere), not both")
    whole = isinstance(n_jobs, Integral) and not isinstance(n_jobs, bool)
    if n_jobs is not None and not (whole and n_jobs):
        raise ValueError(
            f"n_jobs is a number of processes, 1 or more (-1: one a core); got {n_jobs!r}"
        )
    if executor is not None and not callable(getattr(executor, "submit", None)):
        remedy = "; of a Dask cluster give distributed.Client(cluster)"
        raise TypeError(
            "executor needs submit(function, argument), as a dask.distributed.Client and the "
            f"executors of concurrent.futures have it; got {type(executor).__name__}"
            + (remedy if hasattr(executor, "scheduler_address") else "")
        )


def _keep(folder: Path, shard: Shard, name: str, result: Result) -> Failure | None:
    """Write what came of a shard; return why it has no result, if it has none."""
    if not isinstance(result, Failure):
        try:
            write_result(folder, shard, result)
            return None
        except ValueError as error:
            result = Failure.of(error)
    write_failure(folder, shard, name, result)
    return result


def _say_stopped(folder: Path, chosen: Sequence[Shard], out: str | Path | None) -> str:
    if out is None:
        return "stopped; give out= to keep what is finished"
    done = list(find_states(folder, chosen).values()).count("done")
    return (
        f"stopped; {done} of {len(chosen)} shards are in {str(folder)!r}; call again with the "
        "same out="
    )


def _choose(
    shards: Sequence[Shard], part: tuple[int, int] | None, out: str | Path | None
) -> list[Shard]:
    """Return the shards of one of several runs."""
    if part is None:
        return list(shards)
    if out is None:
        raise ValueError("shard= is for several runs that share a folder: give it, out=")
    try:
        number, of = map(operator.index, part)
        if not 1 <= number <= of:
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(
            f"shard is (i, n), the i-th of n runs, i from 1 to n; got {part!r}"
        ) from None
    return list(shards[number - 1 :: of])


def _run(
    learn: Callable[..., Any],
    todo: Sequence[Shard],
    values: Sequence[Mapping[str, Any]],
    n_jobs: int | None,
    executor: Any,
) -> Iterator[tuple[Shard, Result]]:
    """Yield the result of each shard as soon as it is there."""
    tasks = {each: partial(pack, learn, values[each.condition], each.seeds) for each in todo}
    if executor is not None:
        yield from run_by_executor(tasks, executor)
        return
    jobs = min(joblib.effective_n_jobs(-1 if n_jobs is None else n_jobs), max(len(todo), 1))
    if jobs > 1:
        yield from run_on_cores(tasks, jobs)
        return
    for each in todo:
        yield each, compute(learn, values[each.condition], each.seeds)
