"""Histories: what they hold, what they refuse, and that a file is whole or not at all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from scipy.io import netcdf_file

import semdev as sd
from semdev.history import COORDS, DIMS, check


@pytest.fixture(scope="module")
def exact():
    return sd.solve(sd.load("saxe2019"), depth=2, hidden=True, times=30)


# the schema


@pytest.mark.parametrize("make", ["solve", "train", "relations"])
def test_every_learner_keeps_the_same_history(make):
    data = sd.load("saxe2019")
    if make == "solve":
        history = sd.solve(data, depth=2, times=5)
    else:
        patterns = sd.make_patterns(data, relations=make == "relations")
        history = sd.train(sd.Shallow(), patterns, seeds=[4, 2], steps=20, record=5, progress=False)
    assert {name: history[name].dims for name in DIMS} == DIMS
    assert {name: history[name].dims for name in COORDS} == COORDS
    assert history["settled"].dims == ("seed",)
    assert history["ancestor"].dims == ("item", "level")
    assert history["ancestor"].sel(item="salmon").values.tolist() == [
        "living thing",
        "animal",
        "salmon",
    ]
    np.testing.assert_array_equal(history["target"], data.properties)
    np.testing.assert_array_equal(history["relation"], data.properties["relation"])
    assert set(history.attrs) == {"schema", "title", "provenance"}


def test_hidden_layers_of_patterns_say_which_relation_they_answer():
    patterns = sd.make_patterns(sd.load("saxe2019"), relations=True)
    history = sd.solve(patterns, depth=3, hidden=True, times=3)
    assert history["hidden_2"].dims == ("seed", "time", "context", "item", "unit_2")
    assert history["context"].values.tolist() == sorted(set(patterns.relations))
    one = history.sel(context="can")
    assert one["hidden_2"].dims == ("seed", "time", "item", "unit_2")
    assert sd.similarity(one, layer="hidden_2").sizes["item"] == 4
    with pytest.raises(ValueError, match=r"hidden_2 differs with the relation .*context=….*can"):
        sd.similarity(history, layer="hidden_2")


def test_provenance_says_how_it_was_made(exact):
    record = json.loads(exact.attrs["provenance"])
    assert record == sd.get_provenance(exact)
    assert record["made_by"] == "semdev.solve"
    assert record["model"] == "theory, depth 2"
    assert (record["data"], record["coding"]) == ("saxe2019", "0/1")
    assert record["digest"] == sd.load("saxe2019").digest
    assert record["seeds"] == [0]
    assert record["initial"] == [1e-5] * 4
    assert set(record["versions"]) == {"python", "numpy", "scipy", "xarray"}
    assert exact.attrs["title"] == "theory, depth 2 on saxe2019"
    trained = sd.train(sd.Shallow(), sd.load("saxe2019"), seeds=[3], steps=9, progress=False)
    record = sd.get_provenance(trained)
    assert record["seeds"] == [3]
    assert record["steps"] == 9
    assert record["learning_rate"] == pytest.approx(float(trained["time"][-1]) / 9)


def test_provenance_of_a_bare_dataset_is_empty():
    assert sd.get_provenance(xr.Dataset()) == {}


# check


def test_check_returns_the_history_itself(exact):
    assert check(exact) is exact


@pytest.mark.parametrize("name", [*DIMS, *COORDS])
def test_check_says_what_is_missing(exact, name):
    dims = ", ".join((DIMS | COORDS)[name])
    with pytest.raises(
        ValueError, match=rf"this is no History: it has no {name}\({dims}\); it holds"
    ):
        check(exact.drop_vars(name))


def test_check_says_which_dimensions_are_wrong(exact):
    alone = exact.isel(seed=0)
    with pytest.raises(
        ValueError, match=r"output has dimensions \('time', 'item', 'property'\), not"
    ):
        check(alone)


def test_check_refuses_times_that_do_not_increase(exact):
    with pytest.raises(ValueError, match=r"its times do not increase"):
        check(exact.isel(time=[0, 2, 1]))


@pytest.mark.parametrize("wrong", [None, 3, xr.DataArray([1.0])])
def test_check_refuses_what_is_no_dataset(wrong):
    with pytest.raises(TypeError, match=rf"made by train.*is needed, got {type(wrong).__name__}"):
        check(wrong)


# ask


def test_ask_returns_the_cell(exact):
    belief = sd.ask(exact, "salmon", "can fly")
    assert belief.dims == ("seed", "time")
    np.testing.assert_array_equal(belief, exact["output"].values[:, :, 1, 3])


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (("salmons", "can fly"), "no item 'salmons' in saxe2019; did you mean 'salmon'?"),
        (("salmon", "can flie"), "no property 'can flie' in saxe2019; did you mean 'can fly'?"),
        (("xylophone", "can fly"),
         "no item 'xylophone' in saxe2019; allowed: canary, salmon, oak, rose"),
    ],
)  # fmt: skip
def test_ask_teaches(exact, cell, message):
    with pytest.raises(KeyError) as error:
        sd.ask(exact, *cell)
    assert str(error.value) == message


# save and load


def unusual():
    names = ["été 猫", "a, b; 'c'", "ß" * 40]
    table = xr.DataArray(
        [[1.0, -2.0], [0.0, 0.5], [1e-300, 3.0]],
        coords={"item": names, "property": ["flies", "can — fly"]}, dims=("item", "property"),
    )  # fmt: skip
    return sd.Dataset(table, name="naïve «data»")


@pytest.mark.parametrize("make", [unusual, lambda: sd.load("rumelhart8")], ids=["unusual", "tree"])
def test_a_file_gives_back_the_same(make, tmp_path):
    history = sd.train(
        sd.DeepLinear(4), make(), seeds=[7, 1], steps=40, record=6, hidden=True, progress=False
    )
    path = sd.save_history(history, tmp_path / "a history.nc")
    again = sd.load_history(str(path))
    xr.testing.assert_identical(again, history)
    assert {k: v.dtype.kind for k, v in again.variables.items()} == {
        k: v.dtype.kind for k, v in history.variables.items()
    }
    assert sd.get_provenance(again) == sd.get_provenance(history)
    assert list(tmp_path.iterdir()) == [path]
    path.unlink()
    xr.testing.assert_identical(again, history)  # nothing is left to be read later


def test_measures_serve_a_loaded_history_alike(exact, tmp_path):
    again = sd.load_history(sd.save_history(exact, tmp_path / "x.nc"))
    for measure in (sd.overgeneralizations, sd.differentiation, sd.transitions):
        xr.testing.assert_identical(measure(again), measure(exact))


def test_saving_refuses_what_it_could_not_read_back(exact, tmp_path):
    with pytest.raises(ValueError, match=r"it has no loss"):
        sd.save_history(exact.drop_vars("loss"), tmp_path / "x.nc")
    with pytest.raises(FileNotFoundError, match=r"no folder '.*nowhere' to save 'x.nc' in"):
        sd.save_history(exact, tmp_path / "nowhere" / "x.nc")
    assert not list(tmp_path.iterdir())


def test_a_save_that_fails_half_way_leaves_the_old_file(exact, tmp_path, monkeypatch):
    path = sd.save_history(exact, tmp_path / "x.nc")
    whole = path.read_bytes()

    def fail(self, target, **_):
        target.write_bytes(whole[: len(whole) // 2])
        raise OSError("no space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", fail)
    with pytest.raises(OSError, match=r"no space left"):
        sd.save_history(exact, path)
    assert path.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, signal, sys
import xarray as xr
import semdev as sd

write = xr.Dataset.to_netcdf

def half(self, target, **how):
    write(self, target, **how)
    os.truncate(target, os.path.getsize(target) // 2)
    os.kill(os.getpid(), signal.SIGKILL)

xr.Dataset.to_netcdf = half
sd.save_history(sd.solve(sd.load("saxe2014"), depth=1, times=3), sys.argv[1])
"""


def test_a_save_that_is_killed_leaves_the_old_file(exact, tmp_path):
    path = sd.save_history(exact, tmp_path / "x.nc")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    xr.testing.assert_identical(sd.load_history(path), exact)
    sd.save_history(exact, path)
    xr.testing.assert_identical(sd.load_history(path), exact)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.97])
def test_load_refuses_a_truncated_file(exact, tmp_path, share):
    path = sd.save_history(exact, tmp_path / "x.nc")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"x.nc' cannot be read as a History: it is truncated or"):
        sd.load_history(path)


def test_load_refuses_text_and_old_netcdf(tmp_path):
    text = tmp_path / "notes.nc"
    text.write_text("item,can fly\nrobin,1\n")
    old = tmp_path / "old.nc"
    with netcdf_file(old, "w") as file:
        file.createDimension("x", 1)
    for path in (text, old):
        with pytest.raises(ValueError, match=rf"{path.name}' cannot be read as a History"):
            sd.load_history(path)


@pytest.mark.parametrize("schema", [None, 1, "CF-1.8", 2.5])
def test_load_refuses_foreign_netcdf(tmp_path, schema):
    foreign = xr.Dataset({"rain": ("day", [1.0, 2.0])}, attrs={"schema": schema} if schema else {})
    foreign.to_netcdf(tmp_path / "rain.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match=r"rain.nc': this is no History: it has no target\(item"):
        sd.load_history(tmp_path / "rain.nc")


def test_load_refuses_a_newer_schema(exact, tmp_path):
    path = sd.save_history(exact.assign_attrs(schema=2), tmp_path / "x.nc")
    with pytest.raises(ValueError, match=r"x.nc' was written by a newer semdev \(schema 2\)"):
        sd.load_history(path)


def test_load_suggests_the_nearest_file(exact, tmp_path):
    sd.save_history(exact, tmp_path / "worms.nc")
    with pytest.raises(FileNotFoundError, match=r"no file '.*worm.nc'; did you mean 'worms.nc'?"):
        sd.load_history(tmp_path / "worm.nc")
    with pytest.raises(FileNotFoundError, match=r"no file '.*worm.nc'$"):
        sd.load_history(tmp_path / "nowhere" / "worm.nc")


def test_a_tree_may_come_later() -> None:
    world = sd.load("saxe2019")
    bare = sd.solve(sd.Dataset(world.properties), depth=2, times=5)
    assert "ancestor" not in bare.coords
    later = sd.with_tree(bare, world.tree)
    xr.testing.assert_identical(later["ancestor"], sd.solve(world, depth=2, times=5)["ancestor"])
    assert "ancestor" not in bare.coords
    again = sd.with_tree(
        later, sd.trees.from_nested({"a": ["oak", "canary"], "b": ["rose", "salmon"]})
    )
    assert again["ancestor"].sel(item="oak").values.tolist() == ["root", "a", "oak"]
    with pytest.raises(KeyError, match="no item 'rose' in this tree; did you mean 'roses'"):
        sd.with_tree(bare, sd.trees.from_nested({"a": ["oak", "canary"], "b": ["roses", "salmon"]}))
