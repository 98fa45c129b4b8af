"""What can be had from a sweep: conditions, tables, one Dataset of all, measures."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import semdev as sd
from semdev.sweeps.combining import Piece, lay_together
from semdev.sweeps.results import load_sweep
from semdev.sweeps.running import sweep

quiet = partial(sweep, n_jobs=1, progress=False)
GRID = {"slope": [1, 2, 3], "end": [1.0, 0.5]}


@pytest.fixture(scope="module")
def lines(line):
    return quiet(line, {"slope": [3, 1, 2]}, seeds=4, shard_size=3)


@pytest.fixture(scope="module")
def histories(trainer):
    return quiet(trainer, {"depth": [1, 2], "scale": [0.1, 0.3]}, seeds=3, shard_size=2)


def test_combined_cells_are_those_of_their_conditions(lines, line):
    whole = lines.combine()
    assert whole["value"].dims == ("slope", "seed", "time")
    assert whole["slope"].values.tolist() == [3, 1, 2]
    assert whole["steep"].dims == ("slope",)  # differs, though not between seeds
    assert whole["positive"].dtype == bool
    assert "positive" in whole.coords
    assert whole["value"].attrs == {}
    for slope in (1, 2, 3):
        one = whole.sel(slope=slope).drop_vars("slope")
        xr.testing.assert_equal(one, line(slope, range(4)))


def test_a_condition_of_the_whole_is_a_history(histories):
    whole = histories.combine()
    assert whole["output"].dims == ("depth", "scale", "seed", "time", "item", "property")
    assert whole["target"].dims == ("depth", "scale", "item", "property")
    assert whole["ancestor"].dims == ("item", "level")
    one = whole.sel(depth=2, scale=0.3)
    xr.testing.assert_equal(
        sd.mode_strengths(one).drop_vars(["depth", "scale"], errors="ignore"),
        sd.mode_strengths(histories[2, 0.3]),
    )


def test_provenance_says_how_each_was_made(histories):
    record = sd.get_provenance(histories.combine())
    assert record["made_by"] == "semdev.sweep"
    assert record["seeds"] == [0, 1, 2]
    assert record["lacking"] == []
    assert set(record["runs"]) == {
        "depth=1, scale=0.1", "depth=1, scale=0.3", "depth=2, scale=0.1", "depth=2, scale=0.3",
    }  # fmt: skip
    assert record["runs"]["depth=2, scale=0.3"]["learning_rate"] == 0.01
    assert "trainer.<locals>.learn" in record["learn"]


def test_measures_are_laid_side_by_side(histories):
    measured = histories.measure(sd.mode_strengths)
    assert measured.dims == ("depth", "scale", "seed", "time", "mode")
    assert measured["mode_level"].dims == ("mode",)
    alone = sd.mode_strengths(histories[1, 0.3])
    xr.testing.assert_equal(measured.sel(depth=1, scale=0.3).drop_vars(["depth", "scale"]), alone)
    losses = histories.measure(lambda run: run["loss"].isel(time=-1))
    assert losses.name == "loss"
    assert losses.dims == ("depth", "scale", "seed")
    last = histories.measure(lambda run: float(run["time"][-1]))
    assert last.dims == ("depth", "scale")
    assert (last == 1.5).all()
    assert sd.get_provenance(last)["made_by"] == "semdev.sweep"
    table = sd.summarize(measured.isel(time=-1))
    assert {"depth", "scale", "mode", "strength"} <= set(table.columns)


def test_what_fails_on_one_condition_says_which(lines):
    with pytest.raises(ZeroDivisionError) as caught:
        lines.measure(lambda run: 1 / int(run["value"][0, -1] - 1))
    assert caught.value.__notes__ == ["while measuring slope=1"]


def test_open_ended_runs_are_measured_though_not_combined():
    learn = partial(sd.train, sd.Shallow(), sd.load("saxe2019"), record=20)
    runs = quiet(learn, {"learning_rate": [0.05, 0.1]}, seeds=2)
    with pytest.raises(
        ValueError, match=r"time is .* in learning_rate=0.05, .*give steps=, record"
    ):
        runs.combine()
    half = runs.measure(sd.transitions)["half_time"].sel(mode=1, seed=0)
    np.testing.assert_allclose(half[0], half[1], rtol=0.1)


def test_runs_with_the_same_steps_and_other_times_can_be_laid_by_step():
    learn = partial(sd.train, sd.Shallow(), sd.load("saxe2019"), record=20, steps=50)
    runs = quiet(learn, {"learning_rate": [0.01, 0.1]}, seeds=2)
    with pytest.raises(ValueError, match=r"steps agree, learning rates differ.*swap_dims"):
        runs.combine()
    by_step = runs.measure(lambda run: run.swap_dims(time="step"))
    assert by_step["loss"].dims == ("learning_rate", "seed", "step")
    assert by_step["time"].dims == ("learning_rate", "step")


def test_other_dimensions_can_be_filled_up():
    def learn(size, seeds):
        names = [f"stage {k}" for k in range(size)]
        return xr.Dataset(
            {"n": (("seed", "stage"), np.ones((len(seeds), size), int))},
            {"seed": seeds, "stage": names},
        )

    runs = quiet(learn, {"size": [1, 3]}, seeds=2)
    with pytest.raises(ValueError, match=r"stage is 1 from stage 0 to stage 0 in size=1, 3 from"):
        runs.combine()
    filled = runs.measure(lambda run: run["n"], join="outer")
    assert filled.sizes == {"size": 2, "seed": 2, "stage": 3}
    np.testing.assert_array_equal(filled.isnull().sum("seed"), [[0, 2, 2], [0, 0, 0]])
    with pytest.raises(KeyError, match="no join 'oter' in measure; did you mean 'outer'"):
        runs.measure(len, join="oter")


def test_labels_may_be_repeated_where_all_repeat_them(trainer):
    runs = quiet(trainer, {"depth": [1, 2], "scale": [0.1]}, seeds=2)
    times = [0.1, 0.2, 0.21, 1.4]
    found = runs.measure(lambda run: run["loss"].sel(time=times, method="nearest"))
    assert not found.indexes["time"].is_unique
    alone = runs[2, 0.1]["loss"].sel(time=times, method="nearest")
    np.testing.assert_array_equal(found.sel(depth=2, scale=0.1), alone)


def test_labels_repeated_in_some_are_refused():
    def learn(size, seeds):
        return xr.Dataset(
            {"n": (("seed", "x"), np.ones((1, 3)))}, {"seed": seeds, "x": [1, 1, size]}
        )

    runs = quiet(learn, {"size": [2, 3]}, seeds=1)
    with pytest.raises(ValueError, match="x repeats labels in size=2, so that results with other"):
        runs.measure(lambda run: run, join="outer")
    with pytest.raises(ValueError, match="seed repeats labels in size=2"):
        runs.measure(lambda run: run.isel(seed=[0, 0], x=0, drop=True))
    with pytest.raises(ValueError, match="seed 7 in size=2 is none of this sweep's"):
        runs.measure(lambda run: run.isel(x=0, drop=True).assign_coords(seed=[7]))


def test_labels_that_are_nan_in_all_are_the_same():
    def learn(k, seeds):
        return xr.Dataset({"n": (("seed", "x"), [[k, 2]])}, {"seed": seeds, "x": [1, np.nan]})

    runs = quiet(learn, {"k": [1, 3]}, seeds=1)
    np.testing.assert_array_equal(runs.combine()["n"].isel(seed=0), [[1, 2], [3, 2]])


def test_coordinates_along_what_is_filled_up_are_filled_up_too():
    def learn(rate, seeds):
        time = rate * np.array([2.0, 1.0, np.nan])[:: int(rate)]
        return xr.Dataset(
            {"n": (("seed", "time"), [time * 10])},
            {"seed": seeds, "time": time, "step": ("time", np.arange(len(time)))},
        )

    runs = quiet(learn, {"rate": [1, 3]}, seeds=1)
    found = runs.measure(lambda run: run, join="outer")
    np.testing.assert_array_equal(found["time"], [1, 2, 6, np.nan])  # in order
    np.testing.assert_array_equal(found["step"].sel(rate=1), [1, 0, np.nan, 2])
    np.testing.assert_array_equal(found["step"].sel(rate=3), [np.nan, np.nan, 0, np.nan])
    np.testing.assert_array_equal(found["n"].sel(rate=1, seed=0), [10, 20, np.nan, np.nan])


def test_coordinates_with_the_same_values_beside_other_labels_are_kept_apart():
    learn = partial(sd.train, sd.Shallow(), sd.load("saxe2019"), record=3, steps=50)
    runs = quiet(learn, {"learning_rate": [0.01, 0.1]}, seeds=1)
    found = runs.measure(lambda run: run["loss"], join="outer")
    assert found["step"].dims == ("learning_rate", "time")
    one = found.sel(learning_rate=0.1).dropna("time")
    xr.testing.assert_equal(one["step"].astype(int).drop_vars("learning_rate"), runs[0.1]["step"])


def test_a_measure_of_curves_is_told_what_has_no_times():
    learn = partial(sd.train, sd.Shallow(), sd.load("saxe2019"), record=20)
    runs = quiet(learn, {"learning_rate": [0.05, 0.1]}, seeds=2)
    kept = r"or keep what has no time: measure\(lambda run: f\(run\)\[\[(.*)\]\]\)$"
    with pytest.raises(ValueError, match=kept) as caught:
        runs.measure(sd.differentiation)
    names = re.search(kept, str(caught.value))[1].replace('"', "").split(", ")
    assert "half_time" in names
    found = runs.measure(lambda run: sd.differentiation(run)[names])
    assert found["half_time"].dims[0] == "learning_rate"


def test_who_measures_a_whole_sweep_is_told_how(histories):
    for whole, message in ((histories, "got Sweep; of a"), (histories.combine(), "has dimensions")):
        with pytest.raises((TypeError, ValueError), match=rf"{message}.* runs.measure\(f\), or"):
            sd.mode_strengths(whole)


def test_a_sweep_in_hand_sees_what_other_runs_have_done(tmp_path, line):
    broken = tmp_path / "broken"
    broken.touch()

    def learn(slope, seeds):
        if slope == 2 and broken.exists():
            raise ArithmeticError("no such slope")
        return line(slope, seeds)

    run = partial(quiet, learn, {"slope": [1, 2]}, seeds=2, out=tmp_path / "out")
    with pytest.warns(UserWarning, match="1 of 2 shards failed"):
        runs = run()
    (note,) = (tmp_path / "out").glob("*.failed.json")
    text = note.read_text()
    note.write_text(text[:20])
    assert runs.failures["error"].str.fullmatch(r"unknown: .*failed.json' cannot be read .*").all()
    assert "1 failed" in repr(runs)
    note.write_text(text)
    assert runs.failures["error"].tolist() == ["ArithmeticError: no such slope"]
    broken.unlink()
    run()
    assert len(runs.failures) == 0
    assert runs.table["done"].tolist() == [1, 1]
    assert runs[2].identical(line(2, [0, 1]))
    assert runs.combine()["value"].notnull().all()


def test_other_variables_are_named():
    runs = quiet(
        lambda k, seeds: xr.Dataset({f"v{k}": 1, "all": 2}, {"seed": seeds}), {"k": [1, 2]}, seeds=1
    )
    with pytest.raises(ValueError, match="k=1 has no v2, others have; measure what all have"):
        runs.combine()
    assert runs.measure(lambda run: run["all"]).dims == ("k",)


def test_failed_conditions_are_nan_and_said(line):
    def learn(slope, end, seeds):
        if (slope, end) == (2, 0.5):
            raise ValueError("not this one")
        return line(slope, seeds).drop_vars("time")

    with pytest.warns(UserWarning, match="2 of 12 shards failed"):
        runs = quiet(learn, GRID, seeds=4, shard_size=2)
    with pytest.warns(UserWarning, match="2 of 12 shards have no result and are NaN, the first is"):
        whole = runs.combine()
    holes = whole["value"].isnull().all(("seed", "time"))
    assert whole["value"].where(~holes).isnull().any(("seed", "time")).equals(holes)
    assert holes.where(holes, drop=True).coords.equals(
        xr.Dataset(coords={"slope": [2], "end": [0.5]}).coords
    )
    assert whole["count"].dtype == whole["positive"].dtype == float  # NaN is no whole number
    assert ["slope=2, end=0.5", [0, 1]] in sd.get_provenance(whole)["lacking"]


def test_a_list_of_conditions_has_one_dimension(line):
    listed = [{"slope": 1, "end": 2.0}, {"slope": 3, "end": 2.0}]
    runs = quiet(line, listed, seeds=2)
    whole = runs.combine()
    assert whole["value"].dims == ("condition", "seed", "time")
    assert whole["slope"].values.tolist() == [1, 3]
    assert runs.sel(slope=3).identical(line(3, [0, 1], 2.0))
    assert runs[3, 2.0].identical(runs.sel(slope=3, end=2.0))


def test_sweeps_without_a_grid_are_of_seeds_alone(line):
    runs = quiet(partial(line, 2), {}, seeds=5, shard_size=2)
    assert runs.sel().identical(line(2, range(5)))
    xr.testing.assert_equal(runs.combine(), line(2, range(5)))


def test_names_that_mean_two_things_are_refused(trainer):
    deeper = quiet(lambda depth, seeds: trainer(depth + 1, 0.1, seeds), {"depth": [1]}, seeds=1)
    with pytest.raises(ValueError, match=r"a depth of its own, .*drop_vars\(\"depth\"\)"):
        deeper.combine()
    assert deeper.measure(lambda run: run.drop_vars("depth"))["loss"].dims[0] == "depth"
    timed = quiet(lambda time, seeds: trainer(1, time, seeds), {"time": [0.1]}, seeds=1)
    with pytest.raises(ValueError, match="'time' varies in the grid and is a dimension"):
        timed.combine()


def test_labels_of_several_kinds_become_words(line):
    runs = quiet(lambda end, seeds: line(1, seeds), {"end": [None, 0.5]}, seeds=1)
    assert runs.combine()["end"].values.tolist() == ["None", "0.5"]
    assert runs.sel(end=None).identical(line(1, [0]))


def test_a_sweep_is_read_again(tmp_path, line):
    runs = quiet(line, GRID, seeds=2, out=tmp_path, shard=(1, 2))
    again = load_sweep(str(tmp_path))
    pd.testing.assert_frame_equal(again.table, runs.table)
    assert again.table["done"].tolist() == [1, 0, 1, 0, 1, 0]
    assert again.sel(slope=2, end=1.0).identical(line(2, [0, 1], 1.0))
    assert list(again) == list(runs) == [(1, 1.0), (2, 1.0), (3, 1.0)]
    assert (2, 1.0) in again
    assert (2, 0.5) not in again
    assert len(again) == 3
    with pytest.raises(KeyError, match="a label for each of slope, end; got 2"):
        again[2]


def test_nothing_is_read_before_it_is_asked_for(tmp_path, line, monkeypatch):
    quiet(line, {"slope": [1, 2]}, seeds=2, out=tmp_path)
    opened = []
    read = xr.open_dataset

    def count(path, **settings):
        opened.append(path.name)
        return read(path, **settings)

    monkeypatch.setattr(xr, "open_dataset", count)
    runs = load_sweep(tmp_path)
    assert len(runs.table) == 2
    assert repr(runs)
    assert opened == []
    runs[2]
    assert [name.rpartition("_")[0] for name in opened] == ["slope=2_seed=0-1"]


def test_a_damaged_file_says_what_to_do(tmp_path, line):
    quiet(line, {"slope": [1]}, seeds=2, out=tmp_path)
    runs = load_sweep(tmp_path)
    (path,) = tmp_path.glob("*.nc")
    path.write_bytes(b"no more")
    with pytest.raises(ValueError, match="cannot be read; remove it and run the sweep again"):
        runs[1]


def test_a_sweep_shows_what_it_holds(lines, tmp_path, line):
    assert repr(lines) == "<Sweep of learn over slope (3) × 4 seeds: 3 conditions, 3 done>"
    assert ">slope</th>" in lines._repr_html_()
    with pytest.warns(UserWarning, match="failed"):
        runs = quiet(lambda x, seeds: line(1 / x, seeds), {"x": [1, 0]}, seeds=2)
    shown = runs._repr_html_()
    assert "1 done, 1 failed" in repr(runs)
    assert "&lt;lambda&gt;" in shown
    assert "ZeroDivisionError: division by zero" in shown
    assert "Traceback" not in shown


@given(data=st.data())
def test_every_cell_is_where_its_labels_are(data):
    """However pieces are cut and ordered, cell (a, b, seed) holds what was put there."""
    a, b, seeds = ([*range(data.draw(st.integers(1, 3)))] for _ in range(3))
    cells = [(i, j, s) for i in a for j in b for s in seeds]
    chosen = data.draw(st.lists(st.sampled_from(cells), min_size=1, unique=True))
    pieces = [
        Piece(
            (i, j), f"{i}{j}",
            xr.Dataset({"v": (("x", "seed"), [[100 * i + 10 * j + s]])}, {"seed": [s]}),
        )
        for i, j, s in chosen
    ]  # fmt: skip
    whole = lay_together(pieces, {"a": a, "b": b}, seeds)["v"].isel(x=0)
    for i, j, s in cells:
        found = float(whole.sel(a=i, b=j, seed=s))
        assert found == 100 * i + 10 * j + s if (i, j, s) in chosen else np.isnan(found)
