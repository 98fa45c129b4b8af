"""A sweep's folder: its plan, a file for each finished shard, a note for each that failed."""

from __future__ import annotations

import difflib
import io
import json
import os
import platform
import re
import shutil
import tempfile
import time
import traceback
import weakref
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5netcdf  # type: ignore[import-untyped]
import h5py
import psutil
import xarray as xr
from xarray.backends import H5NetCDFStore

from semdev._files import write_whole
from semdev.sweeps.plans import Plan, Shard, grow_plan, list_differences, read_plan

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


def claim_folder(path: str | Path, plan: Plan) -> tuple[Path, Plan]:
    """Make the folder of this sweep, or see that it is; tidy up what killed runs left.

    Returns the folder and the plan as it is in there now: a sweep with more conditions or seeds
    than the folder's takes over its shards.

    Raises
    ------
    ValueError
        It holds another sweep, or other things.
    OSError
        It cannot be made or written.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Looked at before the plan is: another process may be beginning the same sweep right now.
        others = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise _teach(error, f"{str(folder)!r} cannot be a sweep's folder (out=)") from None
    if (folder / PLAN).is_file():
        there = read_folder(folder)
        differences = list_differences(there, plan)
        if differences:
            raise ValueError(
                f"{str(folder)!r} holds another sweep: {'; '.join(differences)}. It may be given "
                "more values, conditions and seeds, and nothing else; give another folder (out=), "
                "or remove this one"
            )
        plan = grow_plan(there, plan)
        if plan != there:
            _write_text(folder, PLAN, plan.to_json())
    else:
        if others:
            raise ValueError(
                f"{str(folder)!r} holds other things ({', '.join(others[:3])}) and no sweep; give "
                "an empty folder or a new one (out=)"
            )
        _write_text(folder, PLAN, plan.to_json())
    _remove_unfinished(folder)
    return folder, plan


def _teach(error: OSError, said: str) -> OSError:
    """Return an error of the same kind that says what could not be done."""
    taught = type(error)(f"{said}: {error.strerror or error}")
    taught.errno = error.errno
    return taught


def read_folder(folder: Path) -> Plan:
    """Return the plan in a folder.

    Raises FileNotFoundError where there is none, ValueError where it cannot be read.
    """
    if not (folder / PLAN).is_file():
        beside = [each.parent.name for each in folder.parent.glob(f"*/{PLAN}")]
        near = difflib.get_close_matches(folder.name, beside, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        if beside and not near:
            hint = f"; {str(folder.parent)!r} holds {len(beside)} sweeps with other names"
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

    Raises ValueError where netCDF cannot hold it, OSError where the folder cannot.
    """
    raw = _serialize(result.drop_encoding().assign_attrs({KEY: shard.key}))
    _write(folder, locate(folder, shard).name, raw)
    _locate_failure(folder, shard).unlink(missing_ok=True)


def _serialize(result: xr.Dataset) -> memoryview:
    """Return a netCDF file's bytes; HDF5 itself does not survive a disk that is full."""
    raw = io.BytesIO()
    try:
        with h5netcdf.File(raw, "w") as file:
            result.dump_to_store(H5NetCDFStore(file))
    except Exception as error:
        raise ValueError(f"the result cannot be written to netCDF: {error}") from error
    return raw.getbuffer()


def write_failure(folder: Path, shard: Shard, condition: str, failure: Failure) -> None:
    """Write down why a shard has no result."""
    record = {"condition": condition, "seeds": shard.seeds, **asdict(failure)}
    text = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    _write_text(folder, _locate_failure(folder, shard).name, text)


def read_failure(folder: Path, shard: Shard) -> Failure:
    """Return why a shard has no result."""
    path = _locate_failure(folder, shard)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Failure(record["error"], record["message"], record["traceback"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Failure("unknown", f"{str(path)!r} cannot be read ({error})", "")


def _locate_failure(folder: Path, shard: Shard) -> Path:
    return folder / f"{shard.name}.failed.json"


def _write_text(folder: Path, name: str, text: str) -> None:
    # An error's message may hold what is no character; JSON reads the escape as it was.
    _write(folder, name, text.encode(errors="backslashreplace"))


def _write(folder: Path, name: str, raw: bytes | memoryview) -> None:
    """Write a file in a place that tells whose it is, then move it to the folder."""
    place = folder / f".{_name_host()}-{os.getpid()}.part"
    try:
        place.mkdir(exist_ok=True)
        with write_whole(place / name) as unfinished:
            unfinished.write_bytes(raw)
        (place / name).replace(folder / name)
    except OSError as error:
        said = f"{name} cannot be written to {str(folder)!r}; what was finished before is kept"
        raise _teach(error, said) from None
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
