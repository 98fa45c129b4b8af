"""A sweep grows in its folder: more conditions, more seeds, and what is finished stays."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from semdev.sweeps.results import load_sweep
from semdev.sweeps.running import sweep

quiet = partial(sweep, n_jobs=1, progress=False)


def look(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.nc")}


@pytest.mark.parametrize(
    ("first", "more"),
    [
        ({"slope": [1, 2]}, {"slope": [3, 1, 0.5, 2]}),
        ({"slope": [1], "end": [1.0]}, {"slope": [1, 2], "end": [0.5, 1.0]}),
        ([{"slope": 1}, {"slope": 3}], [{"slope": 1}, {"slope": 2}, {"slope": 3}]),
        ({"slope": {"flat": 1}}, {"slope": {"steep": 9, "flat": 1}}),
    ],
    ids=["labels", "two axes", "list", "values"],
)
def test_more_conditions_and_seeds_keep_what_is_finished(tmp_path, line, contents, first, more):
    before = quiet(line, first, seeds=4, shard_size=2, out=tmp_path / "grown")
    written = look(tmp_path / "grown")
    runs = quiet(line, more, seeds=6, shard_size=2, out=tmp_path / "grown")
    assert look(tmp_path / "grown").items() > written.items()
    quiet(line, more, seeds=6, shard_size=2, out=tmp_path / "whole")
    assert contents(tmp_path / "grown") == contents(tmp_path / "whole")
    found = [each.measure(len) for each in (runs, load_sweep(tmp_path / "whole"))]
    xr.testing.assert_identical(*found)
    assert before.table["done"].tolist() == [2] * len(before.table)  # a sweep in hand stays
    with pytest.raises(ValueError, match=r"another sweep: .*more values, conditions and seeds"):
        quiet(line, first, seeds=4, shard_size=2, out=tmp_path / "grown")


def test_seeds_are_added_to_unfinished_shards_beside_them(tmp_path, line):
    grid = {"slope": [1]}
    quiet(line, grid, seeds=3, out=tmp_path)
    runs = quiet(line, grid, seeds=[9, 1, 5, 0, 2], out=tmp_path)
    assert runs._plan.cuts == ((0, 1, 2), (9, 5))
    assert runs[1]["seed"].values.tolist() == [9, 1, 5, 0, 2]
    xr.testing.assert_equal(runs[1], line(1, [9, 1, 5, 0, 2]))
    xr.testing.assert_equal(runs.combine().isel(slope=0, drop=True), line(1, [9, 1, 5, 0, 2]))
    written = look(tmp_path)
    quiet(line, grid, seeds=[9, 1, 5, 0, 2], out=tmp_path)
    assert look(tmp_path) == written
    assert load_sweep(tmp_path).table["seeds"].tolist() == [5]


def test_parts_of_a_run_may_grow_a_sweep_together(tmp_path, line, contents):
    run = partial(quiet, line, shard_size=2)
    run({"slope": [1]}, seeds=3, out=tmp_path / "parts")
    for k in (2, 1):
        run({"slope": [2, 1]}, seeds=5, out=tmp_path / "parts", shard=(k, 2))
    run({"slope": [1]}, seeds=3, out=tmp_path / "whole")
    runs = run({"slope": [2, 1]}, seeds=5, out=tmp_path / "whole")
    assert runs._plan.cuts == ((0, 1), (2,), (3, 4))
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_other_code_or_values_are_no_growth(tmp_path, line):
    quiet(line, {"slope": {"a": 1}}, seeds=2, out=tmp_path)
    with pytest.raises(ValueError, match=r"slope 'a' is 1 there, 2 here\. It may be given more"):
        quiet(line, {"slope": {"a": 2, "b": 3}}, seeds=3, out=tmp_path)
    with pytest.raises(ValueError, match="learn is another"):
        quiet(partial(line, end=2.0), {"slope": {"a": 1, "b": 3}}, seeds=3, out=tmp_path)
    assert load_sweep(tmp_path).table["seeds"].tolist() == [2]


def test_a_plan_is_replaced_whole_or_not_at_all(tmp_path, line, monkeypatch, contents):
    quiet(line, {"slope": [1]}, seeds=2, out=tmp_path)
    before = contents(tmp_path)

    def stop(path, *arguments):
        raise KeyboardInterrupt(path.name)

    for step in ("write_bytes", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(Path, step, stop)
            with pytest.raises(KeyboardInterrupt):
                quiet(line, {"slope": [1, 2]}, seeds=3, out=tmp_path)
        assert contents(tmp_path) == before
    assert quiet(line, {"slope": [1, 2]}, seeds=3, out=tmp_path).table["seeds"].tolist() == [3, 3]


def test_labels_that_are_equal_and_written_otherwise_are_another_sweep(tmp_path, line, contents):
    for there, here in ((1, 1.0), (0, False), (True, 1)):
        folder = tmp_path / f"{there}-{here}"
        quiet(line, {"slope": [there]}, seeds=2, out=folder)
        before = contents(folder)
        with pytest.raises(ValueError, match=rf"slope is \[{there}\] there, \[{here}\] here"):
            quiet(line, {"slope": [here]}, seeds=2, out=folder)
        assert contents(folder) == before


def test_a_sweep_over_nan_goes_on(tmp_path, line):
    grid = [{"slope": np.nan, "end": 1.0}, {"slope": np.nan, "end": 2.0}]
    quiet(line, grid, seeds=2, out=tmp_path / "a", shard=(1, 2))
    written = look(tmp_path / "a")
    runs = quiet(line, grid, seeds=2, out=tmp_path / "a")
    assert look(tmp_path / "a").items() > written.items()
    assert runs.sel(slope=np.nan, end=2.0)["time"].values[-1] == 2
    quiet(line, {"slope": [1.0, np.nan]}, seeds=1, out=tmp_path / "b")
    runs = quiet(line, {"slope": [1.0, float("nan"), 2.0]}, seeds=1, out=tmp_path / "b")
    assert runs.combine()["value"].dims == ("slope", "seed", "time")
