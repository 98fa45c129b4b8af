"""Plans: which shards a sweep is cut into, and what tells it from another sweep."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from semdev._version import __version__
from semdev.sweeps.describing import describe, describe_parts, digest
from semdev.sweeps.grids import Grid, format_label, format_seeds, identify

FORMAT = 2
MOST_SEEDS = 128  # in a shard; more networks at a time learn no faster
MOST_PARTS = 4  # that a message names


@dataclass(frozen=True)
class Shard:
    """Some seeds of one condition: what is computed, written and redone as a whole."""

    condition: int
    seeds: tuple[int, ...]
    name: str
    key: str


@dataclass(frozen=True)
class Plan:
    """Everything that decides a sweep's results.

    Parameters
    ----------
    grid : Grid
        Its conditions.
    seeds : tuple of int
        Those of every condition.
    cuts : tuple of tuples
        The seeds of each shard of a condition.
    shard_size : int
        The most seeds of one condition that are computed at a time.
    learn, values : str, mapping of name to label to str
        What computes and what labels stand for, in words and digests.
    parts : mapping of str to str
        What `learn` is made of, by name.
    version : str
        Of semdev.
    """

    grid: Grid
    seeds: tuple[int, ...]
    cuts: tuple[tuple[int, ...], ...]
    shard_size: int
    learn: str
    values: dict[str, dict[str, str]]
    parts: dict[str, str]
    version: str = __version__

    @cached_property
    def shards(self) -> list[Shard]:
        """All shards, condition by condition.

        What a shard is called depends on nothing but itself, so that it stays when a sweep grows.
        """
        shards = []
        for number, labels in enumerate(self.grid.conditions):
            words = re.sub(r"[^\w.=+-]+", "_", self.grid.describe(number).replace(", ", "_"))[:60]
            pairs = list(zip(self.grid.names, labels, strict=True))
            values = [self.get_value(name, label) for name, label in pairs]
            for part in self.cuts:
                key = digest(json.dumps([self.version, self.learn, pairs, values, part]))
                seeds = f"{part[0]}" if len(part) == 1 else f"{part[0]}-{part[-1]}"
                shards.append(Shard(number, part, f"{words}_seed={seeds}_{key[:8]}", key))
        return shards

    def get_value(self, name: str, label: Any) -> str:
        """Return what a label of a name stands for, in words; mostly for itself."""
        return self.values.get(name, {}).get(str(label)) or describe(label)

    def to_json(self) -> str:
        """Return the plan as text."""
        record = {
            "format": FORMAT,
            "semdev": self.version,
            "learn": self.learn,
            "parts": self.parts,
            "names": self.grid.names,
            "crossed": self.grid.crossed,
            "values": self.values,
            "seeds": self.seeds,
            "cuts": self.cuts,
            "shard_size": self.shard_size,
            "conditions": self.grid.conditions,
        }
        lines = (f'  "{k}": {json.dumps(v, ensure_ascii=False)}' for k, v in record.items())
        return "{\n" + ",\n".join(lines) + "\n}\n"


def make_plan(
    learn: Any,
    grid: Grid,
    values: Sequence[dict[str, Any]],
    *,
    seeds: Sequence[int],
    shard_size: int | None,
) -> Plan:
    """Return the plan of a sweep.

    Raises ValueError for a shard size that is no number above 0.
    """
    size = MOST_SEEDS if shard_size is None else shard_size
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ValueError(f"shard_size is a number of seeds, 1 or more; got {shard_size!r}")
    described: dict[str, dict[str, str]] = {}
    for labels, each in zip(grid.conditions, values, strict=True):
        for name, label in zip(grid.names, labels, strict=True):
            if each[name] is not label:
                known = described.setdefault(name, {})
                if str(label) not in known:
                    known[str(label)] = describe(each[name])
    text, parts = describe_parts(learn)
    return Plan(grid, tuple(seeds), _cut(seeds, size), size, text, described, parts)


def _cut(seeds: Sequence[int], size: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(seeds[k : k + size]) for k in range(0, len(seeds), size))


def grow_plan(there: Plan, here: Plan) -> Plan:
    """Return a plan with the shards of the one in a folder, and those that are new here.

    >>> from semdev.sweeps.grids import read_grid
    >>> grid, values = read_grid({"depth": [1]})
    >>> few, more = (make_plan(len, grid, values, seeds=range(n), shard_size=2) for n in (3, 6))
    >>> grow_plan(few, more).cuts
    ((0, 1), (2,), (3, 4), (5,))
    """
    known = set(there.seeds)
    new = [seed for seed in here.seeds if seed not in known]
    return replace(here, cuts=there.cuts + _cut(new, here.shard_size))


def read_plan(text: str) -> Plan:
    """Return the plan that `Plan.to_json` wrote.

    Raises ValueError where the text is none, or another semdev wrote it.
    """
    try:
        record = json.loads(text)
        if record["format"] != FORMAT:
            age = "a newer" if record["format"] > FORMAT else "an older"
            raise ValueError(f"it was written by {age} semdev ({record['semdev']})")
        conditions = tuple(tuple(each) for each in record["conditions"])
        grid = Grid(tuple(record["names"]), conditions, record["crossed"])
        cuts = tuple(tuple(each) for each in record["cuts"])
        return Plan(
            grid, tuple(record["seeds"]), cuts, record["shard_size"], record["learn"],
            record["values"], record["parts"], record["semdev"],
        )  # fmt: skip
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"it describes no sweep ({type(error).__name__}: {error})") from None


def list_differences(there: Plan, here: Plan) -> list[str]:
    """Return in words why a plan is neither the one in a folder nor that one grown.

    Growing adds conditions and seeds; all else must be the same.
    """
    found = [*_compare_grids(there.grid, here.grid)]
    for name, labels in there.grid.columns.items():
        for label in labels:
            old, new = there.get_value(name, label), here.get_value(name, label)
            if old != new and not found:
                found.append(f"{name} {format_label(label)!r} is {old} there, {new} here")
    if not set(there.seeds) <= set(here.seeds):
        found.append(
            f"seeds are {format_seeds(there.seeds)} there, {format_seeds(here.seeds)} here"
        )
    if there.shard_size != here.shard_size:
        found.append(f"shard_size is {there.shard_size} there, {here.shard_size} here")
    if there.learn != here.learn:
        found.append(f"learn is another: {_compare_learners(there, here)}")
    if there.version != here.version:
        found.append(f"it was begun with semdev {there.version}, this is {here.version}")
    return found


def _compare_grids(there: Grid, here: Grid) -> Iterator[str]:
    """Yield what a folder's conditions have that is not among others."""
    for name in dict.fromkeys([*there.names, *here.names]):
        if name not in there.names:
            yield f"{name} is not varied there, {here.columns[name]} here"
        elif name not in here.names:
            yield f"{name} varies there and not here"
    if set(there.names) != set(here.names):
        return
    if there.crossed != here.crossed:
        yield "conditions are all combinations in one of them and listed in the other"
    elif there.names != here.names:
        yield f"names come as {', '.join(there.names)} there, {', '.join(here.names)} here"
    elif there.crossed:
        for name, labels in there.axes.items():
            if not set(map(identify, labels)) <= set(map(identify, here.axes[name])):
                yield f"{name} is {labels} there, {here.axes[name]} here"
    else:
        ours = set(map(identify, here.conditions))
        gone = [k for k, each in enumerate(there.conditions) if identify(each) not in ours]
        if gone:
            yield f"{there.describe(gone[0])} is a condition there and not here"


def _compare_learners(there: Plan, here: Plan) -> str:
    """Return which part of what learns has changed, by its name where one is known."""
    both = [name for name in there.parts if name in here.parts]
    changed = [name for name in both if there.parts[name] != here.parts[name]]
    said = [
        f"the {name} has changed"
        if name.startswith("code of ")
        else f"{name} is {there.parts[name]} there, {here.parts[name]} here"
        for name in changed
    ]
    more = f"; and {len(said) - MOST_PARTS} more" if len(said) > MOST_PARTS else ""
    return "; ".join(said[:MOST_PARTS]) + more or f"{there.learn} there, {here.learn} here"
