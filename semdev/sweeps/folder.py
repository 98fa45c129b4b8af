"""A sweep's folder: its plan, a file for each finished shard, a note for each that failed."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import tempfile
import time
import traceback
import weakref
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py
import psutil
import xarray as xr

from semdev._files import write_whole
from semdev._names import suggest
from semdev.sweeps.plans import Plan, Shard, list_differences, read_plan

PLAN = "sweep.json"
KEY = "sweep_shard"  # the attribute that says which shard of which sweep a file is
STALE = 24 * 3600.0  # seconds after which what another machine left unfinished is given up


@dataclass(frozen=True)
class Failure:
    """Why a shard has no result."""

    error: str
    message: str
    traceback: str

    def say(self) -> str:
        """Return it in a line."""
        return ": ".join([self.error, *self.message.splitlines()[:1]])

    @classmethod
    def of(cls, error: BaseException, *, inside: bool = False) -> Failure:
        """Return what is kept of an exception; `inside`: from the frame below the one it is in."""
        frames = error.__traceback__
        if inside and frames is not None and frames.tb_next is not None:
            frames = frames.tb_next
        text = "".join(traceback.format_exception(type(error), error, frames))
        return cls(type(error).__name__, str(error), text)


class Scratch:
    """A folder for results that nobody asked to keep; it goes when this object does."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix="semdev-sweep-")
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def claim_folder(path: str | Path, plan: Plan) -> Path:
    """Make the folder of this sweep, or see that it is; tidy up what killed runs left.

    Raises
    ------
    ValueError
        It holds another sweep, or other things.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    # Looked at before the plan is: another process may be beginning the same sweep right now.
    others = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
    if (folder / PLAN).is_file():
        there = read_folder(folder)
        differences = list_differences(there, plan)
        if differences:
            raise ValueError(
                f"{str(folder)!r} holds another sweep: {'; '.join(differences)}. Give another "
                "folder (out=), or remove this one"
            )
    else:
        if others:
            raise ValueError(
                f"{str(folder)!r} holds other things ({', '.join(others[:3])}) and no sweep; give "
                "an empty folder or a new one (out=)"
            )
        _write_text(folder, PLAN, plan.to_json())
    _remove_unfinished(folder)
    return folder


def read_folder(folder: Path) -> Plan:
    """Return the plan in a folder.

    Raises FileNotFoundError where there is none, ValueError where it cannot be read.
    """
    if not (folder / PLAN).is_file():
        beside = [each.parent.name for each in folder.parent.glob(f"*/{PLAN}")]
        hint = f"; {suggest(folder.name, beside)}" if beside else ""
        raise FileNotFoundError(f"no sweep (no {PLAN}) in {str(folder)!r}{hint}")
    try:
        return read_plan((folder / PLAN).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{str(folder / PLAN)!r} cannot be read: {error}") from None


def find_states(folder: Path, shards: Sequence[Shard]) -> dict[Shard, str]:
    """Return for each shard whether it is "done", "failed" or "missing".

    A file that is truncated, foreign, or of another sweep is no finished shard.
    """
    return {shard: _find_state(folder, shard) for shard in shards}


def _find_state(folder: Path, shard: Shard) -> str:
    try:
        with h5py.File(locate(folder, shard)) as file:
            if file.attrs.get(KEY) == shard.key and tuple(file["seed"][...]) == shard.seeds:
                return "done"
    except (OSError, KeyError):
        pass
    return "failed" if _locate_failure(folder, shard).is_file() else "missing"


def locate(folder: Path, shard: Shard) -> Path:
    """Return where a shard's result stands."""
    return folder / f"{shard.name}.nc"


def read_shard(folder: Path, shard: Shard) -> xr.Dataset:
    """Read a shard's result."""
    path = locate(folder, shard)
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            result = file.load()
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{str(path)!r} cannot be read; remove it and run the sweep again ({error})"
        ) from error
    del result.attrs[KEY]
    return result


def read_attribute(folder: Path, shard: Shard, name: str) -> Any:
    """Return an attribute of a shard's result, or None; a hundred times faster than opening it."""
    with h5py.File(locate(folder, shard)) as file:
        return file.attrs.get(name)


def write_result(folder: Path, shard: Shard, result: xr.Dataset) -> None:
    """Write a shard's result, whole or not at all; an earlier failure is forgotten.

    Raises ValueError where netCDF cannot hold it.
    """
    marked = result.drop_encoding().assign_attrs({KEY: shard.key})

    def write(path: Path) -> None:
        try:
            marked.to_netcdf(path, engine="h5netcdf")
        except (TypeError, ValueError) as error:
            raise ValueError(f"the result cannot be written to netCDF: {error}") from error

    _write(folder, locate(folder, shard).name, write)
    _locate_failure(folder, shard).unlink(missing_ok=True)


def write_failure(folder: Path, shard: Shard, condition: str, failure: Failure) -> None:
    """Write down why a shard has no result."""
    record = {"condition": condition, "seeds": shard.seeds, **asdict(failure)}
    text = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    _write_text(folder, _locate_failure(folder, shard).name, text)


def read_failure(folder: Path, shard: Shard) -> Failure:
    """Return why a shard has no result."""
    record = json.loads(_locate_failure(folder, shard).read_text(encoding="utf-8"))
    return Failure(record["error"], record["message"], record["traceback"])


def _locate_failure(folder: Path, shard: Shard) -> Path:
    return folder / f"{shard.name}.failed.json"


def _write_text(folder: Path, name: str, text: str) -> None:
    _write(folder, name, lambda path: path.write_bytes(text.encode()))


def _write(folder: Path, name: str, write: Callable[[Path], object]) -> None:
    """Write a file in a place that tells whose it is, then move it to the folder."""
    place = folder / f".{_name_host()}-{os.getpid()}.part"
    place.mkdir(exist_ok=True)
    try:
        with write_whole(place / name) as unfinished:
            write(unfinished)
        (place / name).replace(folder / name)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _name_host() -> str:
    return re.sub(r"\W+", "_", platform.node())


def _remove_unfinished(folder: Path) -> None:
    """Remove what runs that are no more left half-written; others may be writing right now."""
    for place in folder.glob(".*-*.part"):
        host, _, number = place.stem[1:].rpartition("-")
        if host == _name_host() and number.isdigit():
            # A number like ours was another process's before: this one is not writing yet.
            alive = int(number) != os.getpid() and psutil.pid_exists(int(number))
        else:
            alive = _is_fresh(place)
        if not alive:
            shutil.rmtree(place, ignore_errors=True)


def _is_fresh(place: Path) -> bool:
    try:
        return time.time() - place.stat().st_mtime < STALE
    except FileNotFoundError:
        return True
