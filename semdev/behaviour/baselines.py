"""What can be said without a model: one number, a table of means, the most there is to explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from semdev._names import require
from semdev.behaviour.design import CELL, PERSON
from semdev.behaviour.likelihood import SAFE
from semdev.behaviour.responses import read_responses

AGES = 4  # groups of age, of equally many participants
BASELINES = ("constant", "saturated")
GROUP = [*CELL, "group"]


@dataclass(frozen=True, eq=False)
class Table:
    """P(yes) of each cell in each group of age, or of all alike.

    A mean of n answers counts as n, the mean of all answers as one more: so that a cell nobody was
    asked about has the mean of all.
    """

    cells: pd.DataFrame  # n_yes, n by item, property, group; empty for a constant
    all_yes: float
    all_answers: float
    edges: np.ndarray  # of the groups of age

    def score(self, responses: pd.DataFrame, *, given: pd.DataFrame | None = None) -> pd.Series:
        """Return each participant's log-likelihood; what else they said changes nothing."""
        table = add_groups(read_responses(responses), self.edges)
        own = self.cells.reindex(pd.MultiIndex.from_frame(table[GROUP])).fillna(0.0).to_numpy()
        return add_up(table, shrink(own[:, 0], own[:, 1], self.all_yes, self.all_answers))


def fit_baseline(name: str, responses: pd.DataFrame, *, groups: int = AGES) -> Table:
    """Return "constant", one P(yes) for all, or "saturated", one for each cell and group of age.

    Raises KeyError for another name.
    """
    require(name, BASELINES, kind="baseline", where="fit_baseline")
    table = read_responses(responses)
    edges = find_edges(table, groups)
    rows = add_groups(table if name == "saturated" else table.iloc[:0], edges)
    cells = rows.groupby(GROUP)[["n_yes", "n"]].sum()
    return Table(cells, float(table["n_yes"].sum()), float(table["n"].sum()), edges)


def noise_ceiling(responses: pd.DataFrame, *, groups: int = AGES) -> pd.DataFrame:
    """Return how well other people's answers, and everybody's, foretell each participant's.

    The best that a model can do that gives all of an age (in groups of equally many participants)
    the same answers is between the two: `lower` foretells a participant from all *others*, nothing
    of their own answers is in it; `upper` from all, the participant included, with the means that
    fit best of all. A model that knows ages to the day, or participants' other answers, may do
    better still. The two meet as participants become more.

    Parameters
    ----------
    responses : DataFrame
        As `read_responses` returns or takes.
    groups : int
        How many groups of age.

    Returns
    -------
    DataFrame
        `lower` and `upper`, log-likelihoods by study and participant.

    Examples
    --------
    >>> children = pd.DataFrame({"participant": ["a", "b", "c"], "age": 5.0, "item": "worm",
    ...                          "property": "has bones", "n_yes": [1, 1, 0], "n": 1})
    >>> noise_ceiling(children, groups=1).sum().round(2).to_dict()
    {'lower': -4.28, 'upper': -1.91}
    """
    table = read_responses(responses)
    table = add_groups(table, find_edges(table, groups))
    answers = ["n_yes", "n"]
    everyone, own, theirs = (
        table.groupby(by)[answers].transform("sum").to_numpy()
        for by in (GROUP, [*GROUP, *PERSON], PERSON)
    )
    rest = table[answers].sum().to_numpy() - theirs
    others = everyone - own
    return pd.DataFrame({
        "lower": add_up(table, shrink(others[:, 0], others[:, 1], rest[:, 0], rest[:, 1])),
        "upper": add_up(table, everyone[:, 0] / everyone[:, 1]),
    })  # fmt: skip


def find_edges(table: pd.DataFrame, groups: int) -> np.ndarray:
    """Return the ages that part groups of equally many participants.

    Raises ValueError for fewer than one group.
    """
    if groups < 1:
        raise ValueError(f"groups of age are one or more, got {groups}")
    ages = table.drop_duplicates([*PERSON, "age"])["age"]
    return np.unique(np.quantile(ages, np.arange(1, groups) / groups))


def add_groups(table: pd.DataFrame, edges: np.ndarray) -> pd.DataFrame:
    """Return the table with the group of age of each row."""
    return table.assign(group=np.searchsorted(edges, table["age"], side="right"))


def shrink(
    yes: np.ndarray, n: np.ndarray, all_yes: np.ndarray | float, all_answers: np.ndarray | float
) -> np.ndarray:
    """Return means of n answers and one more, which is the mean of all and of one even answer."""
    return (yes + (all_yes + 0.5) / (all_answers + 1)) / (n + 1)


def add_up(table: pd.DataFrame, p: np.ndarray) -> pd.Series:
    """Return each participant's log-likelihood under P(yes) for each row."""
    p = np.clip(p, SAFE, 1 - SAFE)
    each = table["n_yes"] * np.log(p) + (table["n"] - table["n_yes"]) * np.log1p(-p)
    return each.groupby([table[name] for name in PERSON]).sum().rename("log_likelihood")
