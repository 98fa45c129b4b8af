"""Simulated people: responses of which the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from semdev.behaviour.design import Design
from semdev.behaviour.likelihood import AgeMap, answer_yes, interpolate, read_age_map
from semdev.behaviour.responses import COLUMNS, check_names, check_pairs
from semdev.history import check

Cells = int | Sequence[tuple[str, str]] | None


def simulate_responses(
    history: xr.Dataset,
    *,
    ages: Sequence[float] | np.ndarray,
    age_map: AgeMap,
    participants: int | None = None,
    cells: Cells = 20,
    answers: int = 1,
    lapse: float = 0.05,
    slope: float = 8.0,
    bias: float = 0.5,
    study: str = "simulated",
    random_state: int = 0,
) -> pd.DataFrame:
    """Let people answer as a learner would: each is one of its seeds, at the time of their age.

    Parameters
    ----------
    history : History
        What they believe, and when.
    ages : sequence of float
        One for each participant; or, with `participants`, dealt out to so many in turn.
    age_map : mapping or function
        From age to learning time: knots between which √time is linear in age, or a function of an
        array of ages.
    participants : int, optional
        How many, if not one for each age.
    cells : int, or sequence of (item, property), optional
        What all are asked about; a number is drawn at random, half of them true as far as there are
        so many; None is all.
    answers : int
        How often each is asked the same.
    lapse, slope, bias
        Of the link (see `fit`); on the scale of the data's coding.
    study : str
        What the study is called.
    random_state : int
        Fixes all draws.

    Returns
    -------
    DataFrame
        As `read_responses` returns.

    Raises
    ------
    KeyError
        An item or property that is not there.
    ValueError
        Times beyond the History's, more cells than there are, no ages, a link that gives no
        probabilities.

    Examples
    --------
    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("rumelhart8"), depth=2)
    >>> len(simulate_responses(exact, ages=[3, 5, 7], age_map={3: 1, 7: 5}, cells=10))
    30
    """
    check(history)
    random = np.random.default_rng([random_state, 11])
    _check_link(lapse, slope, bias)
    age = np.asarray(list(ages), dtype=float)
    if not len(age) or not np.isfinite(age).all():
        raise ValueError(f"ages are one or more finite numbers, got {age.tolist()}")
    for name, count in {"participants": participants, "answers": answers}.items():
        if count is not None and (count < 1 or count % 1):
            raise ValueError(f"{name} is a whole number, 1 or more, got {count}")
    if participants is not None:
        age = np.resize(age, participants)
    pairs = choose_cells(history, cells, random)
    record = history["time"].values
    time = np.broadcast_to(read_age_map(age_map, record)(age), age.shape)
    if not ((time >= record[0]) & (time <= record[-1])).all():
        raise ValueError(
            f"the age map goes to {time.min():g} and {time.max():g}; the History is of the times "
            f"{record[0]:g} to {record[-1]:g}"
        )
    who = random.integers(history.sizes["seed"], size=len(age))
    item, prop = (history[kind].to_index().get_indexer(pd.Index([pair[k] for pair in pairs]))
                  for k, kind in enumerate(("item", "property")))  # fmt: skip
    asked = [history["output"][:, :, i, p].values for i, p in zip(item, prop, strict=True)]
    believed = [[np.interp(t, record, each[s]) for each in asked]
                for s, t in zip(who, time, strict=True)]  # fmt: skip
    p = answer_yes(np.array(believed), lapse=lapse, slope=slope, bias=bias)
    width = len(str(len(age)))
    names = [f"child {k + 1:0{width}d}" for k in range(len(age))]
    table = pd.DataFrame({
        "study": study,
        "participant": np.repeat(names, len(pairs)),
        "age": np.repeat(age, len(pairs)),
        "item": [pair[0] for pair in pairs] * len(age),
        "property": [pair[1] for pair in pairs] * len(age),
        "n_yes": random.binomial(answers, p).ravel().astype(float),
        "n": float(answers),
    })  # fmt: skip
    return table[COLUMNS]


def draw_answers(asked: Design, theta: np.ndarray, random: np.random.Generator) -> Design:
    """Return other answers to the same questions, with a fit's parameters as the truth.

    `asked` has one row for each question, with as many answers as its weight.
    """
    activation, _ = interpolate(asked, theta[3:])
    seeds = random.integers(activation.shape[1], size=len(asked.people))[asked.person]
    believed = activation[np.arange(len(seeds)), seeds]
    p = answer_yes(believed, lapse=theta[0], slope=np.exp(theta[1]), bias=theta[2])
    n = asked.weight[:, 0].astype(int)
    yes = random.binomial(n, p)
    weight = np.column_stack([n - yes, yes]).ravel()
    given = np.flatnonzero(weight)
    row, person = given // 2, asked.person[given // 2]
    return replace(
        asked, basis=asked.basis[row], cell=asked.cell[row], person=person,
        starts=np.flatnonzero(np.diff(person, prepend=-1)),
        sign=np.where(given % 2, 1.0, -1.0)[:, None], weight=weight[given, None].astype(float),
    )  # fmt: skip


def _check_link(lapse: float, slope: float, bias: float) -> None:
    """Refuse parameters of which no probability can be made.

    Raises ValueError.
    """
    if not 0 <= lapse <= 1 or not slope > 0 or not np.isfinite([slope, bias]).all():
        raise ValueError(
            f"a lapse is a share, a slope above 0, a bias finite; got lapse={lapse}, "
            f"slope={slope}, bias={bias}"
        )


def choose_cells(
    history: xr.Dataset, cells: Cells, random: np.random.Generator
) -> list[tuple[str, str]]:
    """Return cells: those asked for, or as many drawn, true and false in equal parts."""
    items, properties = (history[kind].values for kind in ("item", "property"))
    if cells is not None and not isinstance(cells, (int, np.integer)):
        check_pairs(cells)
        pairs = [(str(item), str(prop)) for item, prop in cells]
        check_names(pd.DataFrame(pairs, columns=["item", "property"]), history, "the History")
        return pairs
    target = history["target"].values
    every = np.argwhere(np.isfinite(target))
    if cells is not None:
        if not 1 <= cells <= len(every):
            raise ValueError(f"cells={cells}: the History has {len(every)}")
        order = random.permutation(len(every))
        true = target[tuple(every[order].T)] > (target.min() + target.max()) / 2
        rank = np.where(true, np.cumsum(true), np.cumsum(~true))
        every = every[order[np.argsort(rank, kind="stable")[:cells]]]
        every = every[np.lexsort(every.T[::-1])]
    return [(str(items[i]), str(properties[k])) for i, k in every]
