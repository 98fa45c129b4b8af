"""Tables: a measure over many seeds in a few columns."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import xarray as xr

from semdev._names import require


def summarize(
    measure: xr.Dataset | xr.DataArray,
    *,
    theory: xr.Dataset | xr.DataArray | None = None,
    by: str | None = None,
    top: int | None = None,
    interval: float = 0.95,
) -> pd.DataFrame:
    """Return a table of a measure: a row for each item, mode, level, …, seeds summarised.

    A number becomes its median over seeds, with the interval that holds the central `interval`
    of the seeds beside it (`_low`, `_high`; the spread of networks, not of their mean). These are
    of the seeds that have the number: where some of them lack it in some row (a mode they have not
    learned, say), `_n` counts those that have it, and where some networks had not settled
    (the coordinate `settled` of a measure), `settled` is the share of those that had. A truth
    value becomes the share of seeds in which it holds. What does not depend on the seed stays.
    Rows without any number are left out, and so are words that differ between seeds. Curves over
    time are left out beside numbers that have no time; a measure that is nothing but curves has a
    row for each time. Of variables that stand on different dimensions (items × categories,
    properties × categories) the table holds the first and those that fit to it: name others to see
    them, ``summarize(measure[["prototype"]])``.

    Parameters
    ----------
    measure : Dataset or DataArray
        What a measure returned.
    theory : Dataset or DataArray, optional
        What the same measure returned for the theory's History (`solve`); the median of each of
        its numbers is put beside what was measured, as `…_theory`.
    by : str, optional
        Sort by this column, largest first.
    top : int, optional
        Keep so many rows.
    interval : float
        Share of the seeds between `_low` and `_high`, 0 to 1.

    Raises
    ------
    KeyError
        `by` names no column.
    TypeError
        `theory` is not what this measure returns, or not about the same data (ValueError).
    ValueError
        `interval` is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> deep = sd.train(sd.DeepLinear(hidden=16), sd.load("rumelhart8"), seeds=10)
    >>> table = sd.summarize(sd.overgeneralizations(deep), by="excess", top=1)
    >>> table[["item", "property", "peak", "excess", "rose_and_fell"]].round(2)
       item    property  peak  excess  rose_and_fell
    0  pine  has leaves  0.67    0.65            1.0

    With the closed form beside the simulation:

    >>> exact = sd.solve(sd.load("rumelhart8"), depth=2)
    >>> table = sd.summarize(sd.transitions(deep), theory=sd.transitions(exact))
    >>> table[["half_time", "half_time_theory"]].head(2).round(1)
       half_time  half_time_theory
    0        1.0               1.0
    1        1.5               1.5
    """
    if hasattr(measure, "measure"):
        raise TypeError(
            "summarize takes what a measure returns; of a sweep: summarize(runs.measure(f))"
        )
    if theory is not None:
        measure = _put_beside(measure, theory)
    if not 0 < interval < 1:
        raise ValueError(f"interval is a share of the seeds between 0 and 1, got {interval}")
    if isinstance(measure, xr.DataArray):
        measure = measure.to_dataset(name=measure.name or "value")
    words = [k for k, v in measure.items() if v.dtype.kind not in "biuf" and "seed" in v.dims]
    measure = measure.drop_vars(words)
    if not measure.data_vars:
        raise ValueError("there is no number in this measure to summarise, only words")
    chosen = _choose_variables(measure)
    columns = {}
    for name in chosen:
        values = measure[name]
        if "seed" not in values.dims:
            columns[name] = values
        elif values.dtype.kind == "b":
            columns[name] = values.mean("seed")
        else:
            cut = (1 - interval) / 2
            found = _find_quantiles(values, [cut, 0.5, 1 - cut])
            low, middle, high = (found.isel(quantile=k, drop=True) for k in range(3))
            columns |= {name: middle, f"{name}_low": low, f"{name}_high": high}
            columns |= _count_known(name, values)
    settled = measure.coords.get("settled")
    if settled is not None and "seed" in settled.dims and not settled.all():
        columns.setdefault("settled", settled.mean("seed"))
    summary = xr.Dataset(columns)
    if "time" in measure.coords and not measure["time"].dims:
        summary = summary.assign(time=measure["time"].item())
    if not summary.dims:
        return pd.DataFrame({name: [value.item()] for name, value in summary.items()})
    frame = summary.to_dataframe().reset_index()
    numbers = [name for name in chosen if measure[name].dtype.kind == "f"]
    if numbers:
        frame = frame.dropna(subset=numbers, how="all")
    if by is not None:
        require(by, frame.columns.tolist(), kind="column", where="the table")
        frame = frame.sort_values(by, ascending=False, kind="stable")
    return frame.head(len(frame) if top is None else top).reset_index(drop=True)


def _find_quantiles(values: xr.DataArray, shares: list[float]) -> xr.DataArray:
    """Return quantiles over the seeds that have a number; NaN between −∞ and ∞."""
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.filterwarnings("ignore", "All-NaN slice")  # such rows are dropped later on
        found = values.quantile(shares, "seed")
        if not np.isinf(values).any():
            return found
        below, above = (values.quantile(shares, "seed", method=k) for k in ("lower", "higher"))
        return found.where(np.isfinite(below) & np.isfinite(above), below + above)


def _count_known(name: str, values: xr.DataArray) -> dict[str, xr.DataArray]:
    """Return how many seeds have a number, if some have it where others lack it."""
    known = values.notnull().sum("seed")
    lacking = (known > 0) & (known < values.sizes["seed"])
    return {f"{name}_n": known} if lacking.any() else {}


def _choose_variables(measure: xr.Dataset) -> list[str]:
    """Return the variables of one table: timeless ones if there are any, on nested dimensions."""
    names = [str(name) for name in measure.data_vars]
    timeless = [name for name in names if "time" not in measure[name].dims]
    names = timeless or names
    every = set().union(*(measure[name].dims for name in names)) - {"seed"}
    if not any(every <= set(measure[name].dims) for name in names):
        first = set(measure[names[0]].dims) | {"seed"}
        names = [name for name in names if set(measure[name].dims) <= first]
    return names


def _put_beside(
    measure: xr.Dataset | xr.DataArray, theory: xr.Dataset | xr.DataArray
) -> xr.Dataset:
    """Return a measure together with the theory's medians, each named …_theory."""
    if type(theory) is not type(measure):
        raise TypeError(
            f"theory must be what this measure returns for a History of semdev.solve, a "
            f"{type(measure).__name__}; got {type(theory).__name__}"
        )
    ours, theirs = (
        each.to_dataset(name=each.name or "value") if isinstance(each, xr.DataArray) else each
        for each in (measure, theory)
    )
    if set(ours) != set(theirs):
        raise ValueError(
            f"theory and measure are not about the same things: one has "
            f"{sorted(map(str, theirs))}, the other {sorted(map(str, ours))}; give what this very "
            "measure returns for a History of semdev.solve"
        )
    chosen = _choose_variables(ours)
    ours, theirs = ours[chosen], theirs[chosen]  # the times of curves that are left out go too
    predicted: dict[str, xr.DataArray] = {}
    for name, values in theirs.items():
        if "seed" in values.dims and values.dtype.kind == "f":
            predicted[f"{name}_theory"] = values.median("seed")
            predicted |= _count_known(f"{name}_theory", values)
    predicted = {name: values.reset_coords(drop=True) for name, values in predicted.items()}
    try:
        return ours.merge(predicted, join="exact", compat="override")
    except ValueError as error:
        raise ValueError(f"theory and measure are not about the same data: {error}") from None
