"""Values that show themselves: what they are, what is in them, how they were made.

Datasets, comparisons, fits and sweeps have a page of their own; Histories, measures and tables are
plain xarray and pandas, and their pages stand here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import xarray as xr

from semdev._display import register
from semdev._html import escape


@dataclass(frozen=True, eq=False, repr=False)
class Shown:
    """A value as text and as a page of HTML; Jupyter shows the page, a console the text."""

    text: str
    html: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def show(value: Any) -> Shown:
    """Show a History, a measure or a table of checks: what it is, and what is in it.

    In Jupyter and IPython a History or a measure at the end of a cell is shown like this by itself;
    this is for everywhere else, as in ``print(show(history))`` or ``display(show(history))``. It
    computes nothing large: outputs that are kept as factors are not multiplied out.

    Parameters
    ----------
    value : object
        A History; what a measure returned, of which the table of `summarize` is shown; a list or
        table of a paper's checks; what `recover_models` returned. Anything else is shown as it
        shows itself.

    Returns
    -------
    Shown
        Its repr is text; Jupyter shows it as a page.

    Examples
    --------
    >>> import semdev as sd
    >>> show(sd.solve(sd.load("saxe2019"), depth=2))
    History of theory, depth 2 on saxe2019
      world      4 items × 7 properties, coded 0/1; a tree of 3 levels
      seeds      0; settled
      time       0 to 8.054, 200 recorded
      loss       6 to 0.0001  █...▁
      holds      output 44.8 kB, target 0.2 kB, loss 1.6 kB
      made by    semdev.solve: method closed form, initial 1e-05 × 4; ...
      digest     data ..., patterns ...
    """
    register()
    found = find_page(value, strict=False)
    if found is not None:
        return found
    page = getattr(value, "_repr_html_", lambda: None)()
    return Shown(repr(value), page or f"<pre>{escape(repr(value))}</pre>")


def find_page(value: Any, *, strict: bool = True) -> Shown | None:
    """Return how semdev shows a value, None where it knows nothing of it. Never raises.

    `strict`: only what says of itself that it is a History or a measure, and no other xarray object
    with seeds.
    """
    try:
        return _lay_out(value, strict)
    except Exception:  # what only looks like one of ours is shown by its owner
        return None


def _lay_out(value: Any, strict: bool) -> Shown | None:
    """Return text and page of what is known, imported where it is needed."""
    if isinstance(value, (xr.Dataset, xr.DataArray)):
        from semdev.showing import histories, measures, recoveries

        for kind in (histories, recoveries, measures):
            if kind.is_one(value, strict=strict):
                return Shown(*kind.lay_out(value))
    elif isinstance(value, (list, tuple, pd.DataFrame)):
        from semdev.showing import checks

        if checks.is_one(value):
            return Shown(*checks.lay_out(value))
    return None
