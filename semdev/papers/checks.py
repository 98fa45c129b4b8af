"""A check: a claim, the number that was measured, the criterion, and whether it holds."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest


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
    panel : str
        The panel of the figure that shows it.
    expected : str
        The published or derived value that the number is to be held against, where there is one.
    note : str
        What is known of the reason when the claim does not hold.

    Examples
    --------
    >>> error = 0.002
    >>> Check("all is learned", f"largest error {error}", "< .01", error < 0.01).holds
    True
    """

    claim: str
    number: str
    criterion: str
    holds: Any
    source: str = "ours"
    panel: str = field(default="a", kw_only=True)
    expected: str = field(default="", kw_only=True)
    note: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "holds", bool(self.holds))


MOST = "in most networks (95 % interval of their share above one half)"
FEW = "with few networks the interval of their share is wide"


@dataclass(frozen=True)
class Share:
    """In how many of the networks something holds, with the interval of that share.

    `low` and `high` are the ends of the exact 95 % interval (Clopper & Pearson 1934).

    >>> Share.of([True] * 9 + [False]).text
    '90 % of 10 networks [55, 100]'
    """

    value: float
    low: float
    high: float
    number: int

    @classmethod
    def of(cls, held: Any) -> Share:
        """Count the networks (bool, any shape)."""
        each = np.asarray(held, dtype=bool).ravel()
        ends = binomtest(int(each.sum()), len(each)).proportion_ci()
        return cls(float(each.mean()), float(ends.low), float(ends.high), len(each))

    @property
    def text(self) -> str:
        """The share in words."""
        return (
            f"{100 * self.value:.0f} % of {self.number} networks "
            f"[{100 * self.low:.0f}, {100 * self.high:.0f}]"
        )

    @property
    def is_usual(self) -> bool:
        """Whether most networks do it: whether the interval of the share lies above one half."""
        return self.low > 0.5


COLUMNS = ["panel", "claim", "expected", "number", "criterion", "holds", "source", "note"]


def tabulate(checks: Iterable[Check]) -> pd.DataFrame:
    """Return checks as a table: panel, claim, expected, number, criterion, holds, source, note.

    >>> tabulate([Check("two and two are four", "4", "= 4", 2 + 2 == 4)])[["number", "holds"]]
      number  holds
    0      4   True
    """
    return pd.DataFrame([asdict(check) for check in checks], columns=COLUMNS)


def lay_out(table: pd.DataFrame, *, width: int = 120) -> str:
    """Return checks as one text table: figure, claim (criterion), expected, measured, verdict.

    Cells are wrapped so that no line is longer than `width` characters (at least 80). A claim
    that does not hold is a MISS, with what is known of the reason.

    >>> checks = tabulate([Check("two and two are four", "4", "= 4", True, expected="4")])
    >>> print(lay_out(checks.assign(paper="sums", figure="fig1"), width=80))
    figure       claim [criterion]       expected      measured             verdict
    ───────────────────────────────────────────────────────────────────────────────
    sums fig1a   two and two are four    4             4                    holds
                 [= 4]
    """
    room = max(width, 80) - 12 - 7 - 8
    shares = [11, round(0.42 * room), round(0.23 * room), room - round(0.65 * room), 7]
    lines = [_line(["figure", "claim [criterion]", "expected", "measured", "verdict"], shares)]
    lines.append("─" * (sum(shares) + 2 * 4))
    for row in table.to_dict("records"):
        claim = f"{row['claim']}\n[{row['criterion']}]"
        if not row["holds"]:
            claim += f"\nwhy: {row['note'] or 'not known'}"
        verdict = "holds" if row["holds"] else "MISS"
        where = f"{row['paper']} {row['figure']}{row['panel']}"
        lines.append(_line([where, claim, row["expected"], row["number"], verdict], shares))
    return "\n".join(lines)


def _line(cells: Sequence[Any], widths: Sequence[int]) -> str:
    """Return cells side by side, each wrapped to its width."""
    columns = [
        [part for line in str(cell).split("\n") for part in textwrap.wrap(line, w) or [""]]
        for cell, w in zip(cells, widths, strict=True)
    ]
    rows = zip_longest(*columns, fillvalue="")
    return "\n".join(
        "  ".join(part.ljust(w) for part, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def spread(values: object, *, form: str = ".3f") -> str:
    """Return "median [low, high]" with the interval that holds the central 95 % of the values.

    >>> spread([1.0, 2.0, 3.0])
    '2.000 [1.050, 2.950]'
    """
    cuts = np.nanquantile(np.asarray(values, dtype=float), [0.025, 0.5, 0.975])
    low, middle, high = (f"{value:z{form}}" for value in cuts)  # z: no negative zeros
    return f"{middle} [{low}, {high}]"
