"""When a curve first reaches a level."""

from __future__ import annotations

import numpy as np
import xarray as xr


def first_crossing(curve: xr.DataArray, level: float | xr.DataArray) -> xr.DataArray:
    """Return the time at which `curve` first reaches `level`, interpolated between records.

    Parameters
    ----------
    curve : DataArray with the dimension `time`
        Values over time, and over whatever else.
    level : number, or DataArray without `time`
        The value to reach; its dimensions are broadcast against the curve's.

    Returns
    -------
    DataArray
        Without `time`; NaN where the level is never reached (or is NaN), the first time where
        the curve begins at or above it.

    Examples
    --------
    >>> curve = xr.DataArray([0.0, 0.2, 0.8], coords={"time": [0.0, 1.0, 2.0]})
    >>> float(first_crossing(curve, 0.5))
    1.5
    """
    curve, goal = xr.broadcast(curve, xr.DataArray(level), exclude=["time"])
    curve = curve.transpose(..., "time")
    goal = goal.transpose(*curve.dims[:-1])
    time, values, at = curve["time"].values, curve.values, goal.values
    reached = values >= at[..., None]
    after = reached.argmax(-1)
    before = np.maximum(after - 1, 0)
    y0, y1 = (np.take_along_axis(values, k[..., None], -1)[..., 0] for k in (before, after))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(after > 0, (at - y0) / (y1 - y0), 0.0)
    crossed = time[before] + share * (time[after] - time[before])
    return goal.copy(data=np.where(reached.any(-1), crossed, np.nan)).rename(None)
