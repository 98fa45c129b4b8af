"""What a sweep computes, keeps, redoes and refuses."""

from __future__ import annotations

import json
import os
import sys
from functools import partial

import numpy as np
import pytest
import torch
import xarray as xr
from threadpoolctl import threadpool_info

import semdev as sd
import semdev._progress
from semdev.sweeps.results import load_sweep
from semdev.sweeps.running import sweep

quiet = partial(sweep, n_jobs=1, progress=False)


def test_each_condition_has_what_learning_it_alone_gives(trainer):
    runs = quiet(trainer, {"depth": [1, 2], "scale": [0.1, 0.3]}, seeds=3)
    alone = trainer(2, 0.3, [0, 1, 2])
    assert runs.sel(depth=2, scale=0.3).identical(alone)
    assert runs[2, 0.3].identical(alone)
    assert len(runs) == 4
    assert list(runs)[1] == (1, 0.3)
    assert sd.get_provenance(runs.sel(depth=2, scale=0.3))["seeds"] == [0, 1, 2]


def test_train_itself_learns(trainer):
    world = sd.load("saxe2019")
    settings = {"learning_rate": 0.01, "steps": 60, "record": 5}
    models = {"deep": sd.DeepLinear(hidden=8), "shallow": sd.Shallow()}
    learn = partial(sd.train, data=world, **settings)
    runs = quiet(learn, {"model": models}, seeds=[4, 2])
    expected = sd.train(sd.Shallow(), world, seeds=[4, 2], progress=False, **settings)
    assert runs["shallow"].identical(expected)


def test_shards_of_seeds_make_one_history(line, trainer):
    runs = quiet(line, {"slope": [1, 2]}, seeds=[7, 3, 5], shard_size=2)
    assert runs.table["shards"].tolist() == [2, 2]
    assert runs[2].identical(line(2, [7, 3, 5]))
    whole = quiet(trainer, {"depth": [2], "scale": [0.1]}, seeds=5, shard_size=2)[2, 0.1]
    expected = trainer(2, 0.1, range(5))
    xr.testing.assert_allclose(whole, expected, rtol=1e-10)
    assert whole.dtypes == expected.dtypes
    assert sd.get_provenance(whole)["seeds"] == list(range(5))
    assert whole.attrs["title"] == expected.attrs["title"]


def test_a_measure_may_be_what_is_learned(trainer):
    def learn(scale, seeds):
        return sd.mode_strengths(trainer(2, scale, seeds))

    runs = quiet(learn, {"scale": [0.1, 0.2]}, seeds=2)
    found = runs[0.1]
    assert list(found.data_vars) == ["strength"]
    assert runs.combine()["strength"].dims == ("scale", "seed", "time", "mode")


def test_train_may_keep_a_measure_alone():
    learn = partial(
        sd.train, sd.DeepLinear(hidden=8), sd.load("saxe2019"), learning_rate=0.01, steps=60,
        record=5, keep=sd.mode_strengths,
    )  # fmt: skip
    runs = quiet(learn, {"dtype": ["float32", "float64"]}, seeds=2)
    assert "output" not in runs["float64"]
    expected = learn(dtype="float64", seeds=2, progress=False)
    assert runs["float64"].identical(expected)


# going on


def test_what_is_finished_is_not_done_again(tmp_path, line, contents):
    calls = []

    def learn(slope, seeds):
        calls.append((slope, *seeds))
        return line(slope, seeds)

    def run(**changes):
        calls.clear()
        quiet(logging, {"slope": [1, 2]}, seeds=4, shard_size=2, out=tmp_path, **changes)
        return list(calls)

    # A callable whose description leaves out what it has counted.
    logging = type("Logging", (), {"__call__": lambda self, slope, seeds: learn(slope, seeds)})()
    learn.__defaults__ = None
    first = run(shard=(1, 2))
    assert first == [(1, 0, 1), (2, 0, 1)]
    assert run() == [(1, 2, 3), (2, 2, 3)]
    whole = contents(tmp_path)
    assert run() == []
    assert contents(tmp_path) == whole
    files = sorted(tmp_path.glob("*.nc"))
    raw = files[1].read_bytes()
    files[1].write_bytes(raw[: len(raw) // 2])  # truncated
    assert run() == [(1, 2, 3)]
    files[2].write_bytes(files[0].read_bytes())  # another shard's
    assert run() == [(2, 0, 1)]
    files[3].write_text("no netCDF")
    assert run() == [(2, 2, 3)]
    assert contents(tmp_path) == whole


def test_parts_of_a_sweep_make_the_whole(tmp_path, line, contents):
    grid = {"slope": [1, 2, 3]}
    quiet(line, grid, seeds=5, shard_size=2, out=tmp_path / "whole")
    for k in (3, 1, 2):
        part = quiet(line, grid, seeds=5, shard_size=2, out=tmp_path / "parts", shard=(k, 3))
    assert part.table["done"].tolist() == [3, 3, 3]
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_another_sweep_in_the_folder_is_refused(tmp_path, line, contents):
    quiet(line, {"slope": [1]}, seeds=2, out=tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=r"another sweep: slope is \[1\] there, \[2\] here; seeds"):
        quiet(line, {"slope": [2]}, seeds=1, out=tmp_path)
    with pytest.raises(ValueError, match=r"learn is another: .*give another folder \(out=\)"):
        quiet(partial(line, end=2.0), {"slope": [1]}, seeds=2, out=tmp_path)
    assert contents(tmp_path) == before


def test_a_folder_of_other_things_is_refused(tmp_path, line):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(ValueError, match=r"holds other things \(thesis.txt\) and no sweep"):
        quiet(line, {"slope": [1]}, seeds=2, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_plan_that_cannot_be_read_is_said(tmp_path, line):
    (tmp_path / "sweep.json").write_text('{"format": 1}')
    with pytest.raises(ValueError, match=r"sweep.json' cannot be read: it describes no sweep"):
        quiet(line, {"slope": [1]}, seeds=2, out=tmp_path)
    (tmp_path / "sweep.json").write_text('{"format": 99, "semdev": "9.0"}')
    with pytest.raises(ValueError, match=r"written by a newer semdev \(9.0\)"):
        load_sweep(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no sweep \(no sweep.json\) .*did you mean"):
        load_sweep(tmp_path.with_name(tmp_path.name + "s"))


def test_what_killed_runs_left_is_removed_and_what_live_ones_write_is_not(tmp_path, line):
    from semdev.sweeps.folder import _name_host

    quiet(line, {"slope": [1]}, seeds=2, out=tmp_path)
    gone = os.spawnlp(os.P_WAIT, "true", "true") or 2**22 + 1  # no process has that number
    names = {
        "dead": f".{_name_host()}-{gone}.part",
        "alive": f".{_name_host()}-{os.getppid()}.part",
        "elsewhere": f".another_host-{gone}.part",
        "stale": f".a_third_host-{gone}.part",
    }
    for name in names.values():
        (tmp_path / name).mkdir()
        (tmp_path / name / "half.nc").write_text("ha")
    os.utime(tmp_path / names["stale"], (0, 0))
    quiet(line, {"slope": [1]}, seeds=2, out=tmp_path)
    assert {each for each, name in names.items() if (tmp_path / name).exists()} == {
        "alive", "elsewhere",
    }  # fmt: skip


def test_without_a_folder_results_live_as_long_as_the_sweep(line):
    runs = quiet(line, {"slope": [1]}, seeds=2)
    folder = runs.folder
    assert (folder / "sweep.json").is_file()
    assert runs[1]["value"].shape == (2, 5)
    del runs
    assert not folder.exists()


# failing


def test_a_failure_is_written_down_and_stops_nothing_else(tmp_path, line, contents):
    broken = tmp_path / "broken"
    broken.touch()

    def learn(slope, seeds):
        if slope == 2 and 2 in seeds and broken.exists():
            raise ArithmeticError("no such slope")
        return line(slope, seeds)

    run = partial(quiet, learn, {"slope": [1, 2, 3]}, seeds=4, shard_size=2, out=tmp_path / "out")
    with pytest.warns(UserWarning, match=r"1 of 6 shards failed .*slope=2, seeds 2–3: Arithmetic"):
        runs = run()
    assert runs.table["failed"].tolist() == [0, 1, 0]
    assert runs.table["seeds"].tolist() == [4, 2, 4]
    (row,) = runs.failures.to_dict("records")
    assert (row["slope"], row["seeds"], row["error"]) == (
        2,
        "2–3",
        "ArithmeticError: no such slope",
    )
    assert "in learn" in row["traceback"]
    assert "computing.py" not in row["traceback"]
    (note,) = (tmp_path / "out").glob("*.failed.json")
    record = json.loads(note.read_text())
    assert (record["condition"], record["seeds"]) == ("slope=2", [2, 3])
    with pytest.warns(UserWarning, match=r"slope=2 lacks seeds 2–3 \(ArithmeticError: no such"):
        assert runs[2]["seed"].values.tolist() == [0, 1]
    broken.unlink()
    assert run().table["failed"].tolist() == [0, 0, 0]
    assert not list((tmp_path / "out").glob("*.failed.json"))
    quiet(learn, {"slope": [1, 2, 3]}, seeds=4, shard_size=2, out=tmp_path / "unbroken")
    assert contents(tmp_path / "unbroken") == contents(tmp_path / "out")


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda seeds: 3.0, "TypeError: learn must return a History or a measure .* got float"),
        (
            lambda seeds: xr.Dataset(),
            r"ValueError: learn was given seeds \[0, 1\] and returned None",
        ),
        (
            lambda seeds: xr.Dataset(coords={"seed": [1, 2]}),
            r"returned \[1, 2\]; it must pass seeds= on",
        ),
        (
            lambda seeds: xr.Dataset({"a": ("seed", [print, 1])}, {"seed": seeds}),
            "ValueError: the result cannot be written to netCDF",
        ),
    ],
)
def test_a_result_that_cannot_be_kept_is_a_failure(result, message):
    with pytest.warns(UserWarning, match="1 of 1 shards failed"):
        runs = quiet(lambda x, seeds: result(seeds), {"x": [1]}, seeds=2)
    assert runs.failures["error"].str.contains(message).all()
    with pytest.raises(KeyError, match="x=1 has no result"):
        runs[1]
    with pytest.raises(ValueError, match="there are no results"):
        runs.combine()


def test_an_interruption_stops_all_and_keeps_what_is_finished(tmp_path, line):
    def learn(slope, seeds):
        if slope == 2:
            raise KeyboardInterrupt
        return line(slope, seeds)

    with pytest.raises(KeyboardInterrupt):
        quiet(learn, {"slope": [1, 2, 3]}, seeds=2, out=tmp_path)
    runs = load_sweep(tmp_path)
    assert runs.table["done"].tolist() == [1, 0, 0]
    assert "2 shards to do" in repr(runs)
    with pytest.raises(KeyError, match=r"slope=3 has no result \(not computed yet\)"):
        runs[3]


# calling


class Cluster:
    """What Dask calls so computes nothing itself."""

    scheduler_address = "tcp://127.0.0.1:8786"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"grid": {"slop": [1]}}, TypeError, r"calls learn\(slop=…, seeds=\[…\]\), but .*slope"),
        ({"learn": 3}, TypeError, "got int, not a function"),
        ({"seeds": 0}, ValueError, "seeds must be one or more"),
        ({"shard": (1, 2)}, ValueError, "runs that share a folder: give it, out="),
        ({"shard": (3, 2), "out": "x"}, ValueError, r"the i-th of n runs, i from 1 to n; got \(3"),
        ({"shard": (1.5, 2), "out": "x"}, ValueError, "shard is .*got .1.5, 2"),
        ({"shard": "1/2", "out": "x"}, ValueError, "shard is .*got '1/2'"),
        ({"executor": object()}, ValueError, r"n_jobs= .* or executor= .*, not both"),
        ({"executor": object(), "n_jobs": None}, TypeError, r"needs submit\(.* got object$"),
        ({"executor": Cluster(), "n_jobs": None}, TypeError, r"give distributed.Client\(cluster"),
        ({"n_jobs": "2"}, ValueError, r"n_jobs is a number of processes, 1 or more .* got '2'"),
        ({"n_jobs": 0}, ValueError, "n_jobs is a number of processes, 1 or more .* got 0"),
        ({"n_jobs": True}, ValueError, "n_jobs is a number of processes, 1 or more .* got True"),
    ],
)
def test_bad_calls_are_refused_before_anything_is_computed(
    tmp_path, monkeypatch, line, changes, error, message
):
    monkeypatch.chdir(tmp_path)
    settings = {"learn": line, "grid": {"slope": [1]}, "seeds": 2} | changes
    with pytest.raises(error, match=message):
        quiet(settings.pop("learn"), settings.pop("grid"), **settings)
    assert not list(tmp_path.iterdir())


def test_one_thread_computes_and_all_are_there_afterwards(line):
    seen = []

    def learn(slope, seeds):
        seen.append((torch.get_num_threads(), {p["num_threads"] for p in threadpool_info()}))
        if slope == 2:
            raise ValueError
        return line(slope, seeds)

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        pools = threadpool_info()
        with pytest.warns(UserWarning, match="failed"):
            quiet(learn, {"slope": [1, 2]}, seeds=2)
        assert seen == [(1, {1}), (1, {1})]
        assert torch.get_num_threads() == 3
        assert threadpool_info() == pools
    finally:
        torch.set_num_threads(before)


def test_global_random_state_is_left_as_it_was(trainer):
    state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    quiet(trainer, {"depth": [2], "scale": [0.1]}, seeds=2)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_state)


def test_progress_counts_shards_finished_ones_and_failures(tmp_path, line, capsys):
    def learn(slope, seeds):
        if slope == 3:
            raise ValueError
        return line(slope, seeds)

    run = partial(sweep, learn, {"slope": [1, 2, 3]}, seeds=2, n_jobs=1, out=tmp_path)
    run(shard=(1, 3), progress=False)
    assert capsys.readouterr().err == ""
    with pytest.warns(UserWarning, match="1 of 3"):
        run(progress=True)
    shown = capsys.readouterr().err
    assert "sweep of 3 conditions" in shown
    assert "1/3" in shown
    assert "2/3" in shown
    assert "failed=1" in shown


def test_shards_have_no_bars_of_their_own_unless_asked_for(monkeypatch, capsys):
    shown = []
    plain = semdev._progress._tqdm.__init__

    def note(bar, *arguments, **settings):
        shown.append(not settings["disable"])
        plain(bar, *arguments, **settings)

    def learn(wanted, seeds):
        world = sd.load("saxe2019")
        return sd.train(sd.Shallow(), world, seeds=seeds, steps=9, record=3, progress=wanted)

    monkeypatch.setattr(semdev._progress._tqdm, "__init__", note)
    for progress in (False, None):
        quiet(learn, {"wanted": [None, True]}, seeds=1, progress=progress)
        assert shown == [progress is None, False, True]
        shown.clear()
    learn(None, [0])
    assert shown == [True]


def test_learn_may_call_exit(line):
    def learn(slope, seeds):
        if slope == 2:
            sys.exit("no licence")
        return line(slope, seeds)

    with pytest.warns(UserWarning, match="1 of 3 shards failed"):
        runs = quiet(learn, {"slope": [1, 2, 3]}, seeds=1)
    assert runs.failures["error"].tolist() == ["SystemExit: no licence"]


def test_messages_may_hold_what_is_no_character():
    def learn(x, seeds):
        raise ValueError("bad byte \udcff, and \u2713")

    with pytest.warns(UserWarning, match="1 of 1 shards failed"):
        runs = quiet(learn, {"x": ["\udc80"]}, seeds=1)
    assert runs.failures["error"].tolist() == ["ValueError: bad byte \udcff, and \u2713"]
    assert runs.table["x"].tolist() == ["\udc80"]


def test_an_interruption_says_what_is_kept(tmp_path, line):
    def learn(slope, seeds):
        if slope == 2:
            raise KeyboardInterrupt
        return line(slope, seeds)

    with pytest.raises(KeyboardInterrupt, match=r"^stopped; 1 of 3 shards are in '.*'; call again"):
        quiet(learn, {"slope": [1, 2, 3]}, seeds=2, out=tmp_path)
    with pytest.raises(KeyboardInterrupt, match=r"^stopped; give out= to keep"):
        quiet(learn, {"slope": [1, 2, 3]}, seeds=2)
