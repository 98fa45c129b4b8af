"""A measure says of what it returns that it made it, so that the value can show itself."""

from __future__ import annotations

from typing import TypeVar

import xarray as xr

MEASURE = "measured_by"
Value = TypeVar("Value", xr.Dataset, xr.DataArray)


def say_measure(name: str, value: Value) -> Value:
    """Return an xarray object with a note in its attributes of which measure made it.

    >>> say_measure("naming", xr.Dataset()).attrs
    {'measured_by': 'naming'}
    """
    return value.assign_attrs({MEASURE: name})
