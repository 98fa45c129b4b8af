"""What rivals share: a world that is met bit by bit, and beliefs formed from what was met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from semdev._names import require
from semdev.data.dataset import Dataset
from semdev.data.patterns import make_patterns
from semdev.history import make_history

ARRIVALS = ("cells", "items", "properties")


@dataclass(frozen=True)
class Evidence:
    """What has been seen of a world."""

    values: np.ndarray  # item × property; 0 where it has not been seen
    seen: np.ndarray  # item × property, bool
    experience: float  # 0 to 1: the share of the world that has been seen
    neutral: float  # what is answered of a property of which nothing is known


@dataclass(frozen=True)
class Answer:
    """What a rival believes, and how alike it holds items to be."""

    beliefs: np.ndarray  # item × property
    kernel: np.ndarray | None = None  # item × item, positive semidefinite
    more: dict[str, float] | None = None  # what else is to be recorded, by name


class Rival:
    """A learner without gradients: it sees a world bit by bit and answers from all it has seen.

    Cells, items or properties arrive in a random order, each seed's own (frequent items sooner);
    at every record the rival forms its beliefs anew. Time is experience, the share of the world
    that has been seen, from 0 to 1. Where it has a kernel, how alike it holds items to be, a
    `hidden_1` stands in the History whose products are the kernel: as it would be represented.
    """

    arrival = "cells"

    def answer(self, evidence: Evidence) -> Answer:
        """Return what is believed after what has been seen."""
        raise NotImplementedError(f"{type(self).__name__} must answer")

    def begin(self, data: Dataset) -> Rival:
        """Return the rival as it meets this world; most need to know nothing of it beforehand."""
        return self

    def learn(self, data: Dataset, *, seeds: Sequence[int], record: int = 60) -> xr.Dataset:
        """Return the History of meeting a world bit by bit.

        Parameters
        ----------
        data : Dataset
            The world.
        seeds : sequence of int
            Whose orders of arrival.
        record : int
            At how many shares of experience, from none to all.

        Raises
        ------
        ValueError
            Fewer than two records.
        """
        require(self.arrival, ARRIVALS, kind="arrival", where=type(self).__name__)
        if record < 2:
            raise ValueError(f"record={record}: at least the beginning and the end are recorded")
        patterns, times = make_patterns(data), np.linspace(0, 1, record)
        answers = [self._answer_all(data, seed, times) for seed in seeds]
        output = np.array([[each.beliefs for each in one] for one in answers])
        often = data.properties["frequency"].values[:, None]
        wrong = data.properties.values - output
        hidden = []
        if answers[0][-1].kernel is not None:
            hidden = [np.array([[take_root(each.kernel) for each in one] for one in answers])]
        history = make_history(
            patterns,
            output=output,
            loss=(often * wrong**2).sum((2, 3)) / 2,
            time=times,
            step=np.round(times * count_units(data, self.arrival)).astype(int),
            seeds=seeds,
            settled=np.ones(len(seeds), dtype=bool),
            hidden=hidden,
            biased=True,  # no closed form of networks speaks of it
            provenance={"made_by": f"semdev.models.rivals.{type(self).__name__}",
                        "model": repr(self), "arrival": self.arrival},
        )  # fmt: skip
        more = {
            name: (("seed", "time"), [[(each.more or {})[name] for each in one] for one in answers])
            for name in answers[0][-1].more or {}
        }
        return history.assign(more)

    def _answer_all(self, data: Dataset, seed: int, times: np.ndarray) -> list[Answer]:
        """Return what one learner answers after each share of experience.

        It meets the items in an order of its own: items of a class often stand side by side in the
        data, and whoever breaks ties by order would learn the classes from that.
        """
        order = np.random.default_rng([seed, 4]).permutation(data.properties.sizes["item"])
        back = np.argsort(order)
        own = self.begin(replace(data, properties=data.properties[order], tree=None))
        answers = []
        for seen in meet(data, self.arrival, seed, times):
            turned = replace(seen, values=seen.values[order], seen=seen.seen[order])
            found = own.answer(turned)
            kernel = None if found.kernel is None else found.kernel[np.ix_(back, back)]
            answers.append(replace(found, beliefs=found.beliefs[back], kernel=kernel))
        return answers


def count_units(data: Dataset, arrival: str) -> int:
    """Return how many things arrive: cells, items or properties."""
    items, properties = data.properties.shape
    return {"cells": items * properties, "items": items, "properties": properties}[arrival]


def meet(data: Dataset, arrival: str, seed: int, shares: np.ndarray) -> Iterator[Evidence]:
    """Yield what has been seen of a world after each share of experience.

    What arrives comes in a random order without repetition; items met f times as often come, each
    time, f times as likely next.
    """
    table = data.properties
    items, properties = table.shape
    often = table["frequency"].values.astype(float)
    weights = {
        "cells": np.repeat(often, properties), "items": often, "properties": np.ones(properties),
    }[arrival]  # fmt: skip
    random = np.random.default_rng([seed, 3])
    rank = np.argsort(np.argsort(random.exponential(size=len(weights)) / weights))
    rank = {
        "cells": lambda: rank.reshape(items, properties),
        "items": lambda: np.repeat(rank[:, None], properties, axis=1),
        "properties": lambda: np.repeat(rank[None, :], items, axis=0),
    }[arrival]()
    for share in shares:
        seen = rank < round(share * len(weights))
        values = np.where(seen, table.values, 0.0)
        neutral = float(values.sum() / seen.sum()) if seen.any() else 0.0
        yield Evidence(values, seen, float(share), neutral)


def take_root(kernel: Any) -> np.ndarray:
    """Return H, item × unit, with H Hᵀ = kernel."""
    values, vectors = np.linalg.eigh(kernel)
    return vectors * np.sqrt(np.clip(values, 0, None))
