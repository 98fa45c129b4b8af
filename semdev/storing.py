"""Histories on disk: written whole or not at all, read with care."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from semdev._display import register
from semdev._files import write_whole
from semdev._names import suggest
from semdev.factored import pack_output, unpack_output
from semdev.history import SCHEMA, check


def save_history(history: xr.Dataset, path: str | Path) -> Path:
    """Write a History to a netCDF file, whole or not at all.

    It is written beside `path` first and then moved there, so that a run that is killed
    half-way leaves an older file of that name as it was. Outputs that `solve` keeps as factors are
    written so, unless all were multiplied out before: `output` is then the sum over output_mode of
    output_strengths × output_item × output_property. Returns the path.

    Examples
    --------
    >>> import tempfile, semdev as sd
    >>> exact = sd.solve(sd.load("saxe2019"), depth=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_history(exact, folder + "/exact.nc").name
    'exact.nc'
    """
    with write_whole(path) as unfinished:
        pack_output(check(history, whole=False)).to_netcdf(unfinished, engine="h5netcdf")
    return Path(path)


def load_history(path: str | Path) -> xr.Dataset:
    """Read a History that `save_history` wrote.

    Raises
    ------
    FileNotFoundError
        No such file; the nearest name beside it is suggested.
    ValueError
        The file is truncated, foreign, or holds something that is no History.

    Examples
    --------
    >>> import tempfile, semdev as sd
    >>> exact = sd.solve(sd.load("saxe2019"), depth=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load_history(save_history(exact, folder + "/exact.nc"))
    >>> again["output"].equals(exact["output"])
    True
    """
    path = Path(path)
    if not path.is_file():
        beside = [p.name for p in path.parent.glob("*.nc")] if path.parent.is_dir() else []
        raise FileNotFoundError(
            f"no file {str(path)!r}" + (f"; {suggest(path.name, beside)}" if beside else "")
        )
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            history = unpack_output(file.load())
    except Exception as error:
        raise ValueError(
            f"{str(path)!r} cannot be read as a History: it is truncated or no netCDF file "
            f"({error})"
        ) from error
    register()
    version = history.attrs.get("schema")
    if isinstance(version, (int, np.integer)) and version > SCHEMA:
        raise ValueError(f"{str(path)!r} was written by a newer semdev (schema {version})")
    try:
        return check(history, whole=False)
    except ValueError as error:
        raise ValueError(f"{str(path)!r}: {error}") from None
