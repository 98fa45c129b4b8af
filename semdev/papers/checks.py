"""A check: a claim, the number that was measured, the criterion, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Check:
    """One claim of a paper, held against a measurement.

    Parameters
    ----------
    claim : str
        What should be seen, in words.
    number : str
        What was measured, with its interval over seeds where there are seeds.
    criterion : str
        What the number has to satisfy for the claim to hold.
    holds : bool
        The verdict (anything with a single truth value).
    source : str
        Whose claim it is: "published" or "ours". Thresholds are ours throughout, for the papers
        give figures, not thresholds.
    """

    claim: str
    number: str
    criterion: str
    holds: Any
    source: str = "ours"

    def __post_init__(self) -> None:
        object.__setattr__(self, "holds", bool(self.holds))


def tabulate(checks: Iterable[Check]) -> pd.DataFrame:
    """Return checks as a table: claim, number, criterion, holds, source.

    >>> tabulate([Check("two and two are four", "4", "= 4", 2 + 2 == 4)])[["number", "holds"]]
      number  holds
    0      4   True
    """
    return pd.DataFrame([asdict(check) for check in checks])


def spread(values: object, *, form: str = ".3f") -> str:
    """Return "median [low, high]" with the interval that holds the central 95 % of the values.

    >>> spread([1.0, 2.0, 3.0])
    '2.000 [1.050, 2.950]'
    """
    cuts = np.nanquantile(np.asarray(values, dtype=float), [0.025, 0.5, 0.975])
    low, middle, high = (f"{value:z{form}}" for value in cuts)  # z: no negative zeros
    return f"{middle} [{low}, {high}]"
