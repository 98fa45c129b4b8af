"""Cross-validation: how well a fit foretells people, or questions, that it has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from semdev._names import require
from semdev.behaviour.baselines import BASELINES, fit_baseline
from semdev.behaviour.design import CELL, PERSON, SEEDS, number_groups, read_history
from semdev.behaviour.fitting import KNOTS, fit
from semdev.behaviour.responses import read_responses
from semdev.data.dataset import Dataset

BY = ("participant", "cell")
FOLDS = 5


def cross_validate(
    model: Any,
    responses: pd.DataFrame,
    *,
    by: str = "cell",
    folds: int = FOLDS,
    data: Dataset | None = None,
    seeds: int | Sequence[int] = SEEDS,
    knots: int | Sequence[float] = KNOTS,
    fixed: Mapping[str, float] | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """Fit to some responses and score the others, until each has been among the others once.

    By participant: whole participants are left out, of all ages in each fold; of them nothing but
    their age is known. By cell: whole questions (item × property) are left out for everybody; a
    participant's answers to the remaining ones say which seeds they may be. Nothing of what is left
    out is in the fit. With the same responses, `folds` and `random_state`, all models are given the
    same folds.

    Parameters
    ----------
    model : History, learner, "constant" or "saturated"
        As `fit` takes it; "constant" is one P(yes) for all, "saturated" one for each cell and group
        of age: what a table of means knows (of a cell left out, only the mean of all).
    responses : DataFrame
        As `read_responses` returns or takes.
    by : "cell" or "participant"
        What is left out. Of questions nobody answered in the fit only a theory knows anything; what
        is new about a participant is but an age, and to say what others of that age say will do.
    folds : int
        In how many parts; 2 or more.
    data, seeds, knots, fixed
        As for `fit`.
    random_state : int
        Fixes the folds.

    Returns
    -------
    DataFrame
        `log_likelihood` of what was left out, summed over folds, and how many `answers` that is; by
        study and participant.

    Raises
    ------
    KeyError
        No such `by` or baseline; the nearest match is suggested.
    ValueError
        More folds than participants or cells, or fewer than two; data for a History or a baseline.

    Examples
    --------
    >>> import semdev as sd
    >>> from semdev.behaviour.simulating import simulate_responses
    >>> exact = sd.solve(sd.load("rumelhart8"), depth=2)
    >>> children = simulate_responses(exact, ages=[3, 5, 7, 9], participants=20, cells=10,
    ...                               age_map={3: 2, 9: 6})
    >>> apart = [cross_validate(model, children)["log_likelihood"].sum()
    ...          for model in (exact, "constant")]
    >>> bool(apart[0] > apart[1])
    True
    """
    table = read_responses(responses)
    if isinstance(model, str):
        require(model, BASELINES, kind="baseline", where="cross_validate")
        if data is not None:
            raise ValueError(
                f"{model!r} is a table of means, which learns no data: leave data= out, or pass a "
                "learner, as sd.DeepLinear()"
            )
    else:
        model = read_history(model, data=data, seeds=seeds)
    found = []
    for out in split(table, by=by, folds=folds, random_state=random_state):
        rest, held = table[~out], table[out]
        learned: Any = (
            fit_baseline(model, rest)
            if isinstance(model, str)
            else fit(model, rest, knots=knots, fixed=fixed)
        )
        found.append(learned.score(held, given=rest).to_frame())
    scores = pd.concat(found).groupby(level=PERSON).sum()
    return scores.assign(answers=table.groupby(PERSON)["n"].sum())


def split(table: pd.DataFrame, *, by: str, folds: int, random_state: int) -> Iterator[np.ndarray]:
    """Yield which rows are left out, fold by fold: participants (of all ages in each) or cells.

    Raises KeyError for another `by`, ValueError for folds that cannot be.
    """
    require(by, BY, kind="way to leave out", where="cross_validate (by=)")
    keys = PERSON if by == "participant" else CELL
    which, groups = number_groups(table, keys)
    if len(groups) < 2:
        raise ValueError(
            f"there is but one {by} in the responses, so that none can be left out; by= may be "
            f"{' or '.join(each for each in BY if each != by)}"
        )
    if not 2 <= folds <= len(groups):
        raise ValueError(f"folds={folds}: 2 to {len(groups)} are possible, one for each {by}")
    random = np.random.default_rng([random_state, 13])
    order = random.permutation(len(groups))
    if by == "participant":
        age = table.groupby(keys)["age"].mean().to_numpy()
        order = order[np.argsort(age[order], kind="stable")]
    fold = np.empty(len(groups), dtype=int)
    for first in range(0, len(groups), folds):  # of each few that are alike in age, one a fold
        part = order[first : first + folds]
        fold[part] = random.permutation(folds)[: len(part)]
    for k in range(folds):
        yield fold[which] == k
