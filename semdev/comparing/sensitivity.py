"""Which verdicts of a comparison hang on where the threshold is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pandas as pd

from semdev.comparing.results import DIMS, Comparison
from semdev.phenomena import ALPHA

FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)


def sensitivity(comparison: Comparison, *, factors: Sequence[float] = FACTORS) -> pd.DataFrame:
    """Ask which verdicts of a Comparison hang on where the threshold is.

    A verdict is whether most seeds (more than half) meet the criterion. Thresholds t are moved to
    t + (factor − 1) |t|, which is factor × t where they are above 0; where t is 0, |t| is replaced
    by the median of |value|. The control by relabelling stays as it is.

    Parameters
    ----------
    comparison : Comparison
        What `compare` returned.
    factors : sequence of float
        By how much.

    Returns
    -------
    DataFrame
        A row for each world, model and phenomenon that was asked: `threshold`, the share of seeds
        that meet the criterion with each factor (a column each), `verdict` ("most do" or "most do
        not", as it is) and `flips`, the factors with which it would be the other.

    Raises
    ------
    ValueError
        No factors.

    Examples
    --------
    >>> import semdev as sd
    >>> found = sd.compare({"deep": sd.DeepLinear(8)}, sd.load("rumelhart8"), seeds=2, n_jobs=1,
    ...                    phenomena="progressive differentiation")
    >>> sensitivity(found, factors=[0.5, 1, 100])[[0.5, 1, 100, "verdict", "flips"]]
       0.5    1  100  verdict   flips
    0  1.0  1.0  0.0  most do  (100,)
    """
    if not len(factors):
        raise ValueError("give at least one factor, such as 2")
    rows: list[dict[Any, Any]] = []
    found = comparison.found
    for labels in product(*(found[dim].values.tolist() for dim in DIMS)):
        place = dict(zip(DIMS, labels, strict=True))
        cell = found.sel(place)
        if str(cell["status"].item()) != "asked":
            continue
        threshold = float(cell["threshold"])
        scale = abs(threshold)
        if not scale:
            values = found["value"].sel(phenomenon=place["phenomenon"])
            scale = float(abs(values).median())
        in_control = ~(cell["p"] > ALPHA)  # where it is not controlled, p is NaN
        shares = {
            factor: float(((cell["value"] >= threshold + (factor - 1) * scale) & in_control).mean())
            for factor in factors
        }
        does = float(cell["met"].mean()) > 0.5
        flips = tuple(factor for factor, share in shares.items() if (share > 0.5) != does)
        verdict = "most do" if does else "most do not"
        rows.append({**place, "threshold": threshold, **shares, "verdict": verdict, "flips": flips})
    columns = [*DIMS, "threshold", *factors, "verdict", "flips"]
    return pd.DataFrame(rows, columns=columns)
