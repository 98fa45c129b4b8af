"""Plans: which shards a sweep is cut into, and what tells it from another sweep."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from semdev._version import __version__
from semdev.sweeps.describing import describe, digest
from semdev.sweeps.grids import Grid, format_seeds

FORMAT = 1
MOST_SEEDS = 128  # in a shard; more networks at a time learn no faster


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
    shard_size : int
        The most seeds of one condition that are computed at a time.
    learn, values : str, mapping of name to label to str
        What computes and what labels stand for, in words and digests.
    version : str
        Of semdev.
    """

    grid: Grid
    seeds: tuple[int, ...]
    shard_size: int
    learn: str
    values: dict[str, dict[str, str]]
    version: str = __version__

    @cached_property
    def shards(self) -> list[Shard]:
        """All shards, condition by condition."""
        whole = digest(self.to_json())
        parts = [
            self.seeds[start : start + self.shard_size]
            for start in range(0, len(self.seeds), self.shard_size)
        ]
        shards = []
        for number in range(len(self.grid.conditions)):
            words = re.sub(r"[^\w.=+-]+", "_", self.grid.describe(number).replace(", ", "_"))[:60]
            for part in parts:
                seeds = f"{part[0]}" if len(part) == 1 else f"{part[0]}-{part[-1]}"
                name = f"{number:04d}_{words}_seed={seeds}"
                shards.append(Shard(number, part, name, digest(f"{whole} {name}")))
        return shards

    def to_json(self) -> str:
        """Return the plan as text."""
        record = {
            "format": FORMAT,
            "semdev": self.version,
            "learn": self.learn,
            "names": self.grid.names,
            "crossed": self.grid.crossed,
            "values": self.values,
            "seeds": self.seeds,
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
    size = min(MOST_SEEDS, len(seeds)) if shard_size is None else shard_size
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ValueError(f"shard_size is a number of seeds, 1 or more; got {shard_size!r}")
    described: dict[str, dict[str, str]] = {}
    for labels, each in zip(grid.conditions, values, strict=True):
        for name, label in zip(grid.names, labels, strict=True):
            if each[name] is not label:
                known = described.setdefault(name, {})
                if str(label) not in known:
                    known[str(label)] = describe(each[name])
    return Plan(grid, tuple(seeds), min(size, len(seeds)), describe(learn), described)


def read_plan(text: str) -> Plan:
    """Return the plan that `Plan.to_json` wrote.

    Raises ValueError where the text is none, or a newer semdev wrote it.
    """
    try:
        record = json.loads(text)
        if record["format"] > FORMAT:
            raise ValueError(f"it was written by a newer semdev ({record['semdev']})")
        conditions = tuple(tuple(each) for each in record["conditions"])
        grid = Grid(tuple(record["names"]), conditions, record["crossed"])
        return Plan(
            grid, tuple(record["seeds"]), record["shard_size"], record["learn"], record["values"],
            record["semdev"],
        )  # fmt: skip
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"it describes no sweep ({type(error).__name__}: {error})") from None


def list_differences(there: Plan, here: Plan) -> list[str]:
    """Return in words what differs between the plan in a folder and another one."""
    found = []
    if there.grid != here.grid:
        for name, ours in here.grid.axes.items():
            theirs = there.grid.axes.get(name)
            if theirs != ours:
                found.append(f"{name} is {theirs if theirs else 'not varied'} there, {ours} here")
        gone = [name for name in there.grid.axes if name not in here.grid.axes]
        found += [f"{name} varies there and not here" for name in gone]
        found = found or ["the conditions, or their order, are others"]
    for name in {**there.values, **here.values}:
        old, new = there.values.get(name, {}), here.values.get(name, {})
        changed = [label for label in {**old, **new} if old.get(label) != new.get(label)]
        if changed and there.grid == here.grid:
            label = changed[0]
            found.append(
                f"{name} {label!r} is {old.get(label, 'itself')} there, "
                f"{new.get(label, 'itself')} here"
            )
    if there.seeds != here.seeds:
        found.append(
            f"seeds are {format_seeds(there.seeds)} there, {format_seeds(here.seeds)} here"
        )
    if there.shard_size != here.shard_size:
        found.append(f"shard_size is {there.shard_size} there, {here.shard_size} here")
    if there.learn != here.learn:
        same = _drop_digests(there.learn) == _drop_digests(here.learn)
        code = ", in its code or in what that refers to" if same else ""
        found.append(f"learn is another{code}: {there.learn} there, {here.learn} here")
    if there.version != here.version:
        found.append(f"it was begun with semdev {there.version}, this is {here.version}")
    return found


def _drop_digests(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{16}\b", "", text)
