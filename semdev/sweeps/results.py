"""What a sweep left: a History for each condition, a table, failures, all of it in one Dataset."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from semdev._html import escape, lay_out_page, lay_out_table
from semdev._names import NameNotFoundError, require
from semdev.sweeps.combining import Piece, as_array, lay_together
from semdev.sweeps.folder import find_states, read_attribute, read_failure, read_folder, read_shard
from semdev.sweeps.grids import Label, format_seeds
from semdev.sweeps.plans import Shard

MOST_ROWS = 24  # of the table, when a sweep is shown


class Sweep(Mapping[Any, xr.Dataset]):
    """The results of a sweep: `sel(depth=2, scale=0.1)` is that condition's History.

    Nothing is read before it is asked for, and what another run of the sweep has finished since is
    there when it is. As a mapping it goes from the conditions that have a
    result (the label, or a tuple of labels where several things vary) to their Histories.

    Parameters
    ----------
    folder : path
        As `sweep(…, out=folder)` left it, finished or not.

    Examples
    --------
    >>> import semdev as sd
    >>> def learn(scale, seeds):
    ...     model = sd.DeepLinear(hidden=8, scale=scale)
    ...     return sd.train(model, sd.load("saxe2019"), seeds=seeds, steps=400, record=20)
    >>> runs = sd.sweep(learn, {"scale": [0.01, 0.1]}, seeds=3, n_jobs=1)
    >>> runs
    <Sweep of learn over scale (2) × 3 seeds: 2 conditions, 2 done>
    >>> dict(runs.sel(scale=0.1)["output"].sizes)
    {'seed': 3, 'time': 20, 'item': 4, 'property': 7}
    >>> runs.measure(sd.transitions)["half_time"].median("seed").sel(mode=1).round(1).values
    array([1.7, 0.8])
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._plan = read_folder(self.folder)
        self._states = find_states(self.folder, self._plan.shards)
        self._shards: dict[int, list[Shard]] = {}
        for shard in self._plan.shards:
            self._shards.setdefault(shard.condition, []).append(shard)
        self._scratch: Any = None  # a folder that goes with this object

    def _look_again(self) -> None:
        """See what other runs have finished since."""
        left = [shard for shard, state in self._states.items() if state != "done"]
        self._states |= find_states(self.folder, left)

    @property
    def table(self) -> pd.DataFrame:
        """A row for each condition: labels, shards, how many are done, failed, and seeds done."""
        self._look_again()
        rows = []
        for number, labels in enumerate(self._plan.grid.conditions):
            shards = self._shards[number]
            states = [self._states[shard] for shard in shards]
            rows.append(
                {
                    **dict(zip(self._plan.grid.names, labels, strict=True)),
                    "shards": len(shards),
                    "done": states.count("done"),
                    "failed": states.count("failed"),
                    "seeds": sum(len(s.seeds) for s in shards if self._is_done(s)),
                }
            )
        return pd.DataFrame(rows)

    @property
    def failures(self) -> pd.DataFrame:
        """A row for each shard that failed: labels, seeds, error, traceback."""
        self._look_again()
        names = self._plan.grid.names
        rows = []
        for shard, state in self._states.items():
            if state == "failed":
                found = read_failure(self.folder, shard)
                labels = self._plan.grid.conditions[shard.condition]
                rows.append([*labels, format_seeds(shard.seeds), found.say(), found.traceback])
        return pd.DataFrame(rows, columns=[*names, "seeds", "error", "traceback"])

    def sel(self, **labels: Any) -> xr.Dataset:
        """Return the History of the one condition with these labels, all its seeds.

        Raises
        ------
        KeyError
            No such name or label, or the condition has no result (yet).
        ValueError
            Several conditions fit, or its shards were recorded at different times.
        """
        self._look_again()
        number = self._plan.grid.find(labels)
        lacking = [seed for s in self._shards[number] if not self._is_done(s) for seed in s.seeds]
        result = self._load(number)
        if lacking:
            warnings.warn(
                f"{self._plan.grid.describe(number)} lacks seeds {format_seeds(lacking)}"
                f"{self._say_why(number)}",
                stacklevel=2,
            )
        return result

    def combine(self) -> xr.Dataset:
        """Return all results in one Dataset: a dimension for each name of the grid, then seed, ….

        Coordinates that are the same in all conditions stay without those dimensions. What failed
        is NaN, with a warning, and named in the provenance (`get_provenance`). For a list of
        conditions the dimension is `condition`, with their labels on it. All of it is held in
        memory: of much, `measure` what you need.

        Raises
        ------
        ValueError
            Results differ in their times, items or variables (it says where), or there are none.
        """
        self._look_again()
        return self._lay(self._list_pieces())

    def measure(self, f: Callable[[xr.Dataset], Any], *, join: str = "exact") -> Any:
        """Return what `f` says of each condition's History, in one DataArray or Dataset.

        It works where Histories differ in their times, as long as what `f` returns does not: of
        curves over time keep the numbers, ``measure(lambda run: f(run)[["half_time"]])``.

        Parameters
        ----------
        f : function of a History
            A measure such as `sd.transitions`, or anything that returns a number, a DataArray or a
            Dataset.
        join : "exact" or "outer"
            What to do where the labels of another dimension than seed differ (stages, modes):
            refuse, or fill up with NaN.

        Raises
        ------
        ValueError
            What `f` returns differs in its dimensions, or there are no results.
        """
        require(join, ["exact", "outer"], kind="join", where="measure")
        self._look_again()
        pieces, arrays = [], set()
        for number in self._list_done():
            name = self._plan.grid.describe(number)
            history = self._load(number)
            try:
                found = f(history)
            except Exception as error:
                error.add_note(f"while measuring {name}")
                raise
            if not isinstance(found, xr.Dataset):
                array = xr.DataArray(found)
                arrays.add(array.name or getattr(f, "__name__", "value"))
                found = array.to_dataset(name="measured")
            position = self._plan.grid.locate(number)
            pieces.append(Piece(position, name, found))
        laid = self._lay(pieces, join=join, measured=not arrays)
        if not arrays:
            return laid
        measured = laid["measured"].assign_attrs(laid.attrs)
        return measured.rename(arrays.pop() if len(arrays) == 1 else None)

    def _lay(self, pieces: list[Piece], **settings: Any) -> xr.Dataset:
        grid, plan = self._plan.grid, self._plan
        if not pieces:
            raise ValueError(f"there are no results{self._say_why()}")
        lacking = [shard for shard, state in self._states.items() if state != "done"]
        if lacking:
            first = f"{grid.describe(lacking[0].condition)}, seeds {format_seeds(lacking[0].seeds)}"
            warnings.warn(
                f"{len(lacking)} of {len(self._states)} shards have no result and are NaN, the "
                f"first is {first}; see the table and failures of this sweep",
                stacklevel=3,
            )
        laid = lay_together(pieces, grid.axes, plan.seeds, **settings)
        if not grid.crossed:
            columns = zip(*grid.conditions, strict=True)
            labels = dict(zip(grid.names, columns, strict=True))
            laid = laid.assign_coords({n: ("condition", as_array(c)) for n, c in labels.items()})
        over = " × ".join(grid.names) or "seeds"
        record = {
            "made_by": "semdev.sweep",
            "learn": plan.learn,
            "values": plan.values,
            "seeds": list(plan.seeds),
            "lacking": [[grid.describe(s.condition), list(s.seeds)] for s in lacking],
            "runs": {
                grid.describe(number): self._get_provenance(number) for number in self._list_done()
            },
        }
        text = json.dumps(record, ensure_ascii=False)
        return laid.assign_attrs(title=f"a sweep over {over}", provenance=text)

    def _list_done(self) -> list[int]:
        """Return the conditions of which something is done."""
        return [k for k, shards in self._shards.items() if any(map(self._is_done, shards))]

    def _is_done(self, shard: Shard) -> bool:
        return self._states[shard] == "done"

    def _list_pieces(self, number: int | None = None) -> list[Piece]:
        """Return what is done, of one condition (for its seeds alone) or of all."""
        pieces = []
        for shard in self._plan.shards if number is None else self._shards[number]:
            if self._is_done(shard):
                place = self._plan.grid.locate(shard.condition) if number is None else ()
                name = self._plan.grid.describe(shard.condition)
                if number is not None:
                    name += f", seeds {format_seeds(shard.seeds)}"
                pieces.append(Piece(place, name, read_shard(self.folder, shard)))
        return pieces

    def _load(self, number: int) -> xr.Dataset:
        done = [shard for shard in self._shards[number] if self._is_done(shard)]
        if not done:
            name = self._plan.grid.describe(number)
            raise NameNotFoundError(f"{name} has no result{self._say_why(number)}")
        if len(done) == 1:
            return read_shard(self.folder, done[0])
        there = {seed for shard in done for seed in shard.seeds}
        seeds = [seed for seed in self._plan.seeds if seed in there]
        pieces = self._list_pieces(number)
        laid = lay_together(pieces, {}, seeds)
        attrs = dict(pieces[0].result.attrs)
        if "provenance" in attrs:
            record = {**json.loads(attrs["provenance"]), "seeds": seeds}
            attrs["provenance"] = json.dumps(record, ensure_ascii=False)
        return laid.assign_attrs(attrs)

    def _get_provenance(self, number: int) -> dict[str, Any]:
        first = next(filter(self._is_done, self._shards[number]))
        return json.loads(read_attribute(self.folder, first, "provenance") or "{}")

    def _say_why(self, number: int | None = None) -> str:
        for shard, state in self._states.items():
            if state == "failed" and number in (None, shard.condition):
                found = read_failure(self.folder, shard)
                return f" ({found.say()})"
        return " (not computed yet)"

    def __getitem__(self, labels: Any) -> xr.Dataset:
        names = self._plan.grid.names
        given = labels if isinstance(labels, tuple) else (labels,)
        if len(given) != len(names):
            raise NameNotFoundError(
                f"a condition has a label for each of {', '.join(names)}; got {labels}"
            )
        return self.sel(**dict(zip(names, given, strict=True)))

    def __iter__(self) -> Iterator[Label | tuple[Label, ...]]:
        self._look_again()
        for number in self._list_done():
            labels = self._plan.grid.conditions[number]
            yield labels[0] if len(labels) == 1 else labels

    def __len__(self) -> int:
        self._look_again()
        return len(self._list_done())

    def __repr__(self) -> str:
        table = self.table
        grid, states = self._plan.grid, list(self._states.values())
        sizes = [f"{name} ({len(labels)})" for name, labels in grid.axes.items()]
        over = " × ".join([*sizes, f"{len(self._plan.seeds)} seeds"])
        whole = int((table["done"] == table["shards"]).sum())
        failed = int((table["failed"] > 0).sum())
        text = f"{len(table)} conditions, {whole} done"
        text += f", {failed} failed" if failed else ""
        name = re.split(r"[ (]", self._plan.learn)[0].rpartition(".")[2]
        text += f" ({states.count('missing')} shards to do)" if "missing" in states else ""
        return f"<Sweep of {name} over {over}: {text}>"

    def _repr_html_(self) -> str:
        parts = [_lay_out_rows(self.table)]
        failures = self.failures
        if len(failures):
            parts.append("<b>! failed</b> (see <code>.failures</code>)")
            parts.append(_lay_out_rows(failures.drop(columns="traceback")))
        return lay_out_page(f"<b>{escape(repr(self)[1:-1])}</b>", *parts, kind="sweep")


def _lay_out_rows(table: pd.DataFrame) -> str:
    """Return the first rows of a table as HTML, and how many more there are."""
    numbers = [k for k, name in enumerate(table) if pd.api.types.is_numeric_dtype(table[name])]
    shown = lay_out_table(
        list(map(str, table)), table.head(MOST_ROWS).values.tolist(), numbers=numbers
    )
    more = len(table) - MOST_ROWS
    return shown + (f"<small>and {more} more</small>" if more > 0 else "")


def load_sweep(folder: str | Path) -> Sweep:
    """Read a sweep's folder again, finished or not, grown or not.

    Parameters
    ----------
    folder : path
        What `sweep(…, out=folder)` or ``semdev sweep … --out folder`` wrote.

    Raises
    ------
    FileNotFoundError
        There is no sweep in it.

    Examples
    --------
    >>> import tempfile
    >>> from functools import partial
    >>> import semdev as sd
    >>> learn = partial(sd.train, sd.Shallow(), sd.load("saxe2019"), steps=100)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = sd.sweep(learn, {"learning_rate": [0.01, 0.02]}, seeds=2, n_jobs=1, out=folder)
    ...     load_sweep(folder).table
       learning_rate  shards  done  failed  seeds
    0           0.01       1     1       0      2
    1           0.02       1     1       0      2
    """
    return Sweep(folder)
