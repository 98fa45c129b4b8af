"""What a fit needs of a History and of responses, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from semdev.behaviour.responses import check_names
from semdev.data.dataset import Dataset
from semdev.history import check, get_provenance
from semdev.learners import read_learner

SEEDS = 30
PERSON = ["study", "participant"]
CELL = ["item", "property"]


@dataclass(frozen=True, eq=False)
class Design:
    """Responses beside what a learner believes of the cells they are about."""

    activations: np.ndarray  # time × cell × seed
    time: np.ndarray
    basis: np.ndarray  # row × knot: how much each knot of the age map counts at a row's age
    cell: np.ndarray  # row: which cell
    person: np.ndarray  # row: which participant
    starts: np.ndarray  # participant: the first of their rows
    sign: np.ndarray  # row × 1: 1 of a yes, −1 of a no
    weight: np.ndarray  # row × 1: how many such answers
    people: pd.MultiIndex  # study, participant

    @property
    def answers(self) -> float:
        """How many answers there are."""
        return float(self.weight.sum())


def read_history(
    model: Any, *, data: Dataset | None = None, seeds: int | Sequence[int] = SEEDS
) -> xr.Dataset:
    """Return the History that `model` is, or the one of its learning `data`.

    Raises
    ------
    TypeError
        A learner without data to learn.
    ValueError
        A History of one time, or data for a History, which has learned its own.
    """
    if isinstance(model, xr.Dataset):
        history = check(model)
        if data is not None:
            learned = get_provenance(history).get("data", "its own data")
            raise ValueError(
                f"a History has learned already ({learned}), so that data={data.name!r} would "
                "change nothing: leave data= out, or pass a learner, as sd.DeepLinear()"
            )
    else:
        learner = read_learner(model)
        if data is None:
            raise TypeError(
                f"{learner.name} has learned nothing yet: say what it is to learn (data=), or pass "
                "a History"
            )
        numbers = range(seeds) if isinstance(seeds, (int, np.integer)) else seeds
        history = learner.learn(data, seeds=list(numbers))
    if history.sizes["time"] < 2:
        raise ValueError("a History of one time holds no development; record more times")
    return history


def place_knots(table: pd.DataFrame, knots: int | Sequence[float]) -> np.ndarray:
    """Return the ages at which the age map is free: evenly many participants between them.

    A number of knots is at most that of different ages.

    Raises
    ------
    ValueError
        Fewer than one knot, or ages that do not increase.
    """
    if isinstance(knots, (int, np.integer)):
        if knots < 1:
            raise ValueError(f"an age map has one knot or more, got knots={knots}")
        ages = table.drop_duplicates([*PERSON, "age"])["age"].to_numpy()
        different = np.unique(ages)
        if len(different) <= knots:
            return different
        return np.unique(np.quantile(ages, np.linspace(0, 1, knots)))
    placed = np.asarray(knots, dtype=float)
    if placed.ndim != 1 or not len(placed) or not (np.diff(placed, prepend=-np.inf) > 0).all():
        raise ValueError(f"knots are a number or increasing ages, got {knots!r}")
    return placed


def weigh_knots(ages: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return age × knot: linear between knots, constant outside.

    >>> weigh_knots(np.array([3.0, 4.5, 9.0]), np.array([4.0, 6.0])).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.0, 1.0]]
    """
    return np.stack([np.interp(ages, knots, each) for each in np.eye(len(knots))], axis=1)


def make_design(history: xr.Dataset, table: pd.DataFrame, knots: np.ndarray) -> Design:
    """Lay responses beside a History.

    Raises
    ------
    KeyError
        An item or a property the History does not know; the nearest match is suggested.
    ValueError
        Outputs that are no numbers.
    """
    check_names(table, history, str(get_provenance(history).get("data", "this History")))
    parts = [table.assign(sign=1.0, weight=table["n_yes"]),
             table.assign(sign=-1.0, weight=table["n"] - table["n_yes"])]  # fmt: skip
    table = pd.concat(parts).query("weight > 0")
    table = table.sort_values([*PERSON, "age", *CELL, "sign"], kind="stable")
    cell, cells = number_groups(table, CELL)
    person, people = number_groups(table, PERSON)
    output = history["output"]
    items, properties = (history[kind].to_index().get_indexer(cells.get_level_values(kind))
                         for kind in CELL)  # fmt: skip
    beliefs = [np.asarray(output[:, :, i, p].values, dtype=float).T
               for i, p in zip(items, properties, strict=True)]  # fmt: skip
    activations = np.ascontiguousarray(np.stack(beliefs, axis=1))
    if not np.isfinite(activations).all():
        raise ValueError("the History has outputs that are no finite numbers: learning diverged")
    return Design(
        activations=activations,
        time=history["time"].values.astype(float),
        basis=weigh_knots(table["age"].to_numpy(), knots),
        cell=cell,
        person=person,
        starts=np.flatnonzero(np.diff(person, prepend=-1)),
        sign=table[["sign"]].to_numpy(),
        weight=table[["weight"]].to_numpy(),
        people=people,
    )


def number_groups(table: pd.DataFrame, by: list[str]) -> tuple[np.ndarray, pd.MultiIndex]:
    """Return which group each row is of, and the groups, sorted."""
    groups = pd.MultiIndex.from_frame(table[by].drop_duplicates().sort_values(by))
    return groups.get_indexer(pd.MultiIndex.from_frame(table[by])), groups
