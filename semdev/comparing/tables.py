"""Small tables as text or Markdown, and the interval of a share."""

from __future__ import annotations

import math

import pandas as pd
from scipy.stats import norm


def find_wilson(share: float, number: float, level: float = 0.95) -> tuple[float, float]:
    """Return the ends of Wilson's interval (1927) of a share of `number` independent cases.

    The share need not be a whole number of cases: ties count half.

    >>> [round(end, 3) for end in find_wilson(0.5, 10)]
    [0.237, 0.763]
    """
    z = float(norm.ppf((1 + level) / 2))
    middle = (share + z**2 / (2 * number)) / (1 + z**2 / number)
    half = z * math.sqrt(share * (1 - share) / number + (z / number) ** 2 / 4)
    half /= 1 + z**2 / number
    return (middle - half if share > 0 else 0.0), (middle + half if share < 1 else 1.0)


def write_percent(share: float, low: float = math.nan, high: float = math.nan) -> str:
    """Return a share in percent, with its interval if it is known.

    >>> write_percent(0.5), write_percent(0.004, 0, 0.031), write_percent(float("nan"))
    ('50', '0.4 [0, 3]', '–')
    """
    if math.isnan(share):
        return "–"
    small = 0 < share < 0.095 or 0.995 <= share < 1
    text = f"{100 * share:.1f}" if small else f"{100 * share:.0f}"
    return text if math.isnan(low) else f"{text} [{100 * low:.0f}, {100 * high:.0f}]"


def lay_out_table(frame: pd.DataFrame, *, markdown: bool = False) -> str:
    """Return a table of texts, its index to the left, aligned in either way.

    >>> print(lay_out_table(pd.DataFrame({"deep": ["100"], "shallow": ["0"]}, index=["U-shape"])))
             deep  shallow
    U-shape   100        0
    """
    rows = [["", *map(str, frame.columns)]]
    rows += [
        [str(name), *map(str, each)] for name, each in zip(frame.index, frame.values, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        for row in rows
    ]
    if not markdown:
        return "\n".join("  ".join(line) for line in lines)
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]])
