"""Coherent covariation: whether properties in company are learned sooner, frequency held equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from semdev._measured import say_measure
from semdev.history import check
from semdev.measures.coherence import property_acquisition
from semdev.measures.perceptual_shift import find_properties


def covariation(
    history: xr.Dataset,
    *,
    among: str | Sequence[str] | None = None,
    share: float = 0.5,
    depth: int | None = None,
    initial: float | None = None,
) -> xr.Dataset:
    """Return how far properties that go with others are learned sooner than lone ones as frequent.

    When each property is learned, and its c_m, how many properties as strong as itself it goes
    with, is what `property_acquisition` says. Here properties are compared with those taught
    exactly as often only: in each such stratum times and c_m are ranked, the ranks centred, and

        correlation = Σ a b / √(Σ a² Σ b²)

    taken over all strata together: Spearman's with frequency held constant. Negative: those in
    company come first, as Rogers & McClelland (2004, ch. 6) have it of networks with hidden layers.
    Without a hidden layer properties equally frequent are learned at the same time, and there is
    no correlation. In a corpus the properties of a stratum differ in more than company; worlds in
    which company alone differs are made by `scatter_properties`. The index is ours.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    among : names of relations or properties, optional
        Which properties to compare with each other; all. Company is counted among all in any case.
    share : float
        The strength that counts as learned, 0 to 1.
    depth, initial
        Of the linear network that predicts, as for `property_acquisition`.

    Returns
    -------
    Dataset
        Over property: `covariation` c_m; `correlates`, Σ_n r_mn² over the other properties, r
        being Pearson's correlation over items (NaN where all items have it or none does);
        `bearers`, how many items have it (whose value is above the middle of the data's lowest
        and highest); `taught`, how often it is met, frequencies counted in; `stratum`, the number
        of its stratum (from 1, rarest first; 0 where it is not compared with any other);
        `predicted`, learning time. Over seed × property `acquired`, learning time (NaN if
        never, and then last in rank). Over seed `correlation`, −1 to 1 (NaN where no stratum has
        properties that differ in c_m and in time), and `predicted_correlation` without seed.

    Raises
    ------
    KeyError
        No such relation or property.
    ValueError
        A share outside 0 to 1.

    Examples
    --------
    >>> import semdev as sd
    >>> found = sd.covariation(sd.solve(sd.load("rogers2004"), depth=2))
    >>> found["correlation"].values.round(2)
    array([-0.47])
    """
    target = check(history)["target"]
    each = property_acquisition(history, share=share, depth=depth, initial=initial)
    y = target.values
    has = y > (y.min() + y.max()) / 2
    often = (
        history["taught"].values if "taught" in history else history["frequency"].values[:, None]
    )
    taught = (has * often).sum(0)
    chosen = has.any(0)
    if among is not None:
        chosen &= find_properties(target, among, kind="among")
    stratum = _find_strata(taught, chosen)
    company = each["covariation"].values
    found = [_correlate_within(times, company, stratum) for times in each["acquired"].values]
    predicted = each["predicted"].values
    known = np.isfinite(predicted).any()
    centred = y - y.mean(0)
    length = np.linalg.norm(centred, axis=0)
    unit = centred / np.where(length > 1e-12 * np.abs(y).max(), length, np.nan)
    correlates = np.nansum((unit.T @ unit) ** 2, axis=0) - 1
    result = xr.Dataset(
        {
            "covariation": each["covariation"],
            "correlates": ("property", np.where(np.isfinite(unit[0]), correlates, np.nan)),
            "bearers": ("property", has.sum(0)),
            "taught": ("property", taught),
            "stratum": ("property", stratum),
            "acquired": each["acquired"],
            "predicted": each["predicted"],
            "correlation": ("seed", found),
            "predicted_correlation": (
                _correlate_within(predicted, company, stratum) if known else np.nan
            ),
        }
    )  # fmt: skip
    return say_measure("covariation", result)


def _find_strata(taught: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return which properties are taught as often, from 1, rarest first; 0 for those alone."""
    rounded = np.round(taught / max(taught.max(initial=0.0), 1e-300), 9)
    stratum, number = np.zeros(len(taught), dtype=int), 0
    for value in np.unique(rounded[chosen]):
        here = chosen & (rounded == value)
        if here.sum() > 1:
            number += 1
            stratum[here] = number
    return stratum


def _correlate_within(times: np.ndarray, company: np.ndarray, stratum: np.ndarray) -> float:
    """Return the correlation of ranks within strata, later being larger.

    Times that differ by less than a thousandth of the last are tied.
    """
    late = np.where(np.isfinite(times), times, np.inf)
    last = late[np.isfinite(late)].max(initial=1e-300)
    late, company = np.round(late / last, 3), np.round(company, 9)
    a, b = np.zeros(len(late)), np.zeros(len(late))
    for k in np.unique(stratum[stratum > 0]):
        here = stratum == k
        for ranks, values in ((a, late), (b, company)):
            ranked = rankdata(values[here])
            ranks[here] = ranked - ranked.mean()
    size = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / size) if size > 0 else np.nan
