"""Tables: a measure over many seeds in a few columns."""

from __future__ import annotations

import warnings

import pandas as pd
import xarray as xr

from semdev._names import require


def summarize(
    measure: xr.Dataset | xr.DataArray,
    *,
    by: str | None = None,
    top: int | None = None,
    interval: float = 0.95,
) -> pd.DataFrame:
    """Return a table of a measure: a row for each item, mode, level, …, seeds summarised.

    A number becomes its median over seeds, with the interval that holds the central `interval`
    of the seeds beside it (`_low`, `_high`; the spread of networks, not of their mean). A truth
    value becomes the share of seeds in which it holds. What does not depend on the seed stays.
    Curves over time are left out, and so are rows without any number.

    Parameters
    ----------
    measure : Dataset or DataArray
        What a measure returned.
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
    """
    if not 0 < interval < 1:
        raise ValueError(f"interval is a share of the seeds between 0 and 1, got {interval}")
    if isinstance(measure, xr.DataArray):
        measure = measure.to_dataset(name=measure.name or "value")
    timeless = [name for name, variable in measure.items() if "time" not in variable.dims]
    if not timeless:
        raise ValueError(
            "there are only curves over time here; take times first, e.g. .sel(time=…)"
        )
    columns = {}
    for name in timeless:
        values = measure[name]
        if "seed" not in values.dims:
            columns[name] = values
        elif values.dtype.kind == "b":
            columns[name] = values.mean("seed")
        else:
            cut = (1 - interval) / 2
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "All-NaN slice")  # such rows are dropped below
                found = values.quantile([cut, 0.5, 1 - cut], "seed")
            low, middle, high = (found.isel(quantile=k, drop=True) for k in range(3))
            columns |= {name: middle, f"{name}_low": low, f"{name}_high": high}
    summary = xr.Dataset(columns)
    if not summary.dims:
        return pd.DataFrame({name: [value.item()] for name, value in summary.items()})
    frame = summary.to_dataframe().reset_index()
    numbers = [name for name in timeless if measure[name].dtype.kind == "f"]
    if numbers:
        frame = frame.dropna(subset=numbers, how="all")
    if by is not None:
        require(by, frame.columns.tolist(), kind="column", where="the table")
        frame = frame.sort_values(by, ascending=False, kind="stable")
    return frame.head(len(frame) if top is None else top).reset_index(drop=True)
