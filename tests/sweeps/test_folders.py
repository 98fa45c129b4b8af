"""Folders and disks that are full, closed, or something else."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from semdev.sweeps.results import load_sweep
from semdev.sweeps.running import sweep

quiet = partial(sweep, n_jobs=1, progress=False)

FULL = """
import resource, signal, sys
import numpy as np, xarray as xr
from semdev.sweeps.running import sweep
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
learn = lambda n, seeds: xr.Dataset({"v": (("seed", "x"), np.ones((1, n)))}, {"seed": seeds})
try:
    sweep(learn, {"n": [10, 10**6]}, seeds=1, n_jobs=1, out=sys.argv[1], progress=False)
except OSError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX's")
def test_a_full_disk_is_said_and_costs_nothing_that_was_finished(tmp_path):
    run = [sys.executable, "-c", FULL, str(tmp_path)]
    found = subprocess.run(run, capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (0, "")
    assert re.match(r"n=1000000_seed=0_\w+.nc cannot be written to .* kept: File too", found.stdout)
    assert load_sweep(tmp_path).table["done"].tolist() == [1, 0]
    assert not list(tmp_path.glob(".*"))


def test_folders_that_cannot_be_are_said(tmp_path, line):
    run = partial(quiet, line, {"slope": [1]}, seeds=1)
    file = tmp_path / "file"
    file.touch()
    for out, kind in ((file, FileExistsError), (file / "below", NotADirectoryError)):
        with pytest.raises(kind, match=r"file.* cannot be a sweep's folder \(out=\): \w+"):
            run(out=out)
    run(out=tmp_path / "runs")
    (path,) = (tmp_path / "runs").glob("*.nc")
    path.unlink()
    path.mkdir()
    with pytest.raises(IsADirectoryError, match=rf"{path.name} cannot be written to .*directory"):
        run(out=tmp_path / "runs")


def test_a_folder_that_may_not_be_written_is_said(tmp_path, line, monkeypatch):
    def refuse(path, **settings):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(PermissionError, match=r"cannot be a sweep's folder .*: Permission"):
        quiet(line, {"slope": [1]}, seeds=1, out=tmp_path / "out")


def test_a_name_that_is_not_there_is_met_with_few_others(tmp_path, line):
    for k in range(12):
        (tmp_path / f"study_{k}").mkdir()
        (tmp_path / f"study_{k}" / "sweep.json").touch()
    with pytest.raises(FileNotFoundError, match=r"; did you mean 'study_\d'\?$"):
        load_sweep(tmp_path / "studi_3")
    with pytest.raises(FileNotFoundError, match=r"; '.*' holds 12 sweeps with other names$"):
        load_sweep(tmp_path / "xyz")
