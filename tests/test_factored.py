"""Outputs kept as factors: the same numbers, multiplied out where and when they are asked for."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import semdev as sd
from semdev import factored, memory
from semdev.factored import Factors, contract_output, find_factors, split_output, wrap_lazily
from semdev.history import check, is_plain, is_whole
from semdev.models import following


@pytest.fixture
def eager():
    return sd.solve(sd.load("rumelhart8"), depth=2, initial=1e-3, times=12, hidden=True)


@pytest.fixture
def lazy(monkeypatch):
    monkeypatch.setattr(following, "AT_ONCE", 0)
    return sd.solve(sd.load("rumelhart8"), depth=2, initial=1e-3, times=12, hidden=True)


@pytest.fixture
def expanded(monkeypatch):
    """Shapes that were multiplied out, in their order."""
    seen = []
    expand = Factors.expand

    def count(self):
        seen.append(self.shape)
        return expand(self)

    monkeypatch.setattr(Factors, "expand", count)
    return seen


def is_lazy(history):
    return find_factors(history["output"]) is not None


def make_factors(seeds=3, kinds=3, times=5, items=4, properties=6, modes=2):
    rng = np.random.default_rng(0)
    return Factors(
        rng.normal(size=(seeds, times, modes)),
        rng.normal(size=(kinds, items, modes)),
        rng.normal(size=(kinds, properties, modes)),
    )


# the same numbers


@pytest.mark.parametrize("kinds", [1, 3])
@pytest.mark.parametrize("piece", [1, 40, 2**24])
def test_factors_are_the_sum_over_modes(kinds, piece, monkeypatch):
    monkeypatch.setattr(factored, "PIECE", piece)
    monkeypatch.setattr(factored, "require_memory", lambda *_, **__: None)
    f = make_factors(kinds=kinds)
    items, properties = (np.broadcast_to(x, (3, *x.shape[1:])) for x in (f.items, f.properties))
    expected = np.einsum("stm,sim,spm->stip", f.strengths, items, properties)
    np.testing.assert_allclose(f.expand(), expected, atol=1e-12)
    output = xr.DataArray(wrap_lazily(f), dims=factored.DIMS)
    rebuilt = np.full(f.shape, np.nan)
    for at, values in split_output(output):
        rebuilt[at] = values
    np.testing.assert_allclose(rebuilt, expected, atol=1e-12)
    rng = np.random.default_rng(1)
    v, u = rng.normal(size=(4, 5)), rng.normal(size=(6, 5))
    by_hand = np.einsum("im,stip,pm->stm", v, expected, u)
    for each in (output, xr.DataArray(expected, dims=factored.DIMS)):
        np.testing.assert_allclose(contract_output(each, v, u), by_hand, atol=1e-12)


def test_a_lazy_history_is_the_eager_one(eager, lazy):
    assert is_lazy(lazy)
    assert not is_lazy(eager)
    xr.testing.assert_allclose(lazy, eager, rtol=1e-12, atol=1e-12)
    assert lazy.attrs == eager.attrs


@pytest.mark.parametrize("initial", ["matched", 1e-4])
@pytest.mark.parametrize("name", ["cao2020", "living_things"])
def test_seeds_and_ties_of_their_own_too(name, initial, monkeypatch):
    world = sd.load(name)
    more = {}
    if initial == "matched":
        weights = sd.initial_weights(sd.DeepLinear(40), world, seeds=3)
        more = {"weights": weights, "seeds": [4, 7, 2]}
    eager = sd.solve(world, depth=2, initial=initial, times=9, **more)
    monkeypatch.setattr(following, "AT_ONCE", 0)
    lazy = sd.solve(world, depth=2, initial=initial, times=9, **more)
    np.testing.assert_allclose(lazy["output"].sel(seed=0 if initial == 1e-4 else 7),
                               eager["output"].sel(seed=0 if initial == 1e-4 else 7),
                               atol=1e-12)  # fmt: skip
    xr.testing.assert_allclose(lazy, eager, rtol=1e-12, atol=1e-12)


INDEXED = [
    {"seed": 0},
    {"time": -1},
    {"time": [0, -1]},
    {"time": slice(None, None, -1)},
    {"time": slice(2, 9, 3), "item": slice(-3, None)},
    {"item": [3, 3, 0], "property": np.array([5, 1])},
    {"item": np.arange(8) % 3 == 0},
    {"seed": 0, "time": 4, "item": 2, "property": 7},
    {"item": []},
    {"property": slice(0, 0), "time": 3},
    {"item": xr.DataArray([0, 4], dims="pair"), "property": xr.DataArray([1, 9], dims="pair")},
    {"time": xr.DataArray([[0, 3], [5, -1]], dims=("a", "b"))},
]  # fmt: skip


@pytest.mark.parametrize("at", INDEXED, ids=str)
def test_indexing_is_that_of_arrays(at, eager, lazy):
    expected = eager["output"].isel(at)
    found = lazy["output"].isel(at)
    assert found.dims == expected.dims
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.values, expected.values, atol=1e-12)
    again = found.isel({dim: slice(None, None, -2) for dim in found.dims})  # indexed once more
    backwards = expected.isel({dim: slice(None, None, -2) for dim in expected.dims})
    np.testing.assert_allclose(again.values, backwards.values, atol=1e-12)
    xr.testing.assert_allclose(found.transpose(), expected.transpose(), atol=1e-12)


def test_labels_positions_and_arithmetic(eager, lazy):
    for pick in (
        lambda y: y.sel(item="pine", property=["grow", "swim"]) if "grow" in y else y[0, 1:3],
        lambda y: y.sel(time=2.0, method="nearest"),
        lambda y: y[:, -2:, [0, 2]],
        lambda y: y.where(y > 0.5, 0).sum(("item", "property")),
        lambda y: (y - eager["target"]) ** 2,
        lambda y: y.rename(item="thing").max("time"),
        lambda y: abs(y).mean("seed"),
        lambda y: y.stack(cell=("item", "property")),
        lambda y: y.diff("time"),
        lambda y: y.expand_dims("run"),
    ):
        xr.testing.assert_allclose(pick(lazy["output"]), pick(eager["output"]), atol=1e-12)


def test_histories_put_together(eager, lazy):
    both = [
        xr.concat([each, each.assign_coords(seed=[1])], dim="seed", data_vars="minimal",
                  coords="minimal", compat="override", join="exact")
        for each in (lazy, eager)
    ]  # fmt: skip
    xr.testing.assert_allclose(*both, atol=1e-12)
    assert both[0].sizes["seed"] == 2


# only where and when they are asked for


def test_only_what_is_asked_for_is_multiplied_out(lazy, expanded):
    belief = sd.ask(lazy, "pine", lazy["property"].values[3])
    part = lazy.sel(item=["pine", "oak"]).isel(time=slice(0, 6))
    text = repr(lazy) + repr(lazy["output"].variable._data) + lazy._repr_html_()
    check(lazy)
    copies = [
        lazy.copy(),
        lazy.copy(deep=True),
        copy.deepcopy(lazy),
        pickle.loads(pickle.dumps(lazy)),
    ]
    assert expanded == []
    assert "output" in text
    assert all(is_lazy(each) for each in (*copies, part))
    assert lazy["output"].nbytes == 12 * 8 * lazy.sizes["property"] * 8
    assert belief.shape == (1, 12)
    assert belief.values.shape == (1, 12)
    assert part["output"].values.shape == (1, 6, 2, lazy.sizes["property"])
    assert expanded == [(1, 12, 1, 1), (1, 6, 2, lazy.sizes["property"])]
    for each in copies:
        xr.testing.assert_identical(each, lazy)


def test_all_of_it_is_multiplied_out_once(lazy, expanded):
    whole = lazy["output"].values
    for _ in range(3):
        assert np.shares_memory(lazy["output"].values, whole)
        assert (lazy["output"] - lazy["target"]).shape == whole.shape
    assert lazy["output"].isel(time=3).values.shape == (1, *whole.shape[2:])
    assert expanded == [whole.shape]
    assert not is_lazy(lazy)


def test_what_is_written_into_stays_with_the_writer(eager, lazy):
    mine = lazy.copy(deep=True)
    mine["output"][{"time": 0}] = 7.0
    assert (mine["output"].isel(time=0) == 7).all()
    np.testing.assert_allclose(lazy["output"], eager["output"], atol=1e-12)


def test_measures_serve_both_alike(eager, lazy, expanded):
    for measure in (sd.mode_strengths, sd.transitions):
        xr.testing.assert_allclose(measure(lazy), measure(eager), rtol=1e-9)
    assert expanded == []  # strengths come from the factors
    assert (is_whole(lazy), is_plain(lazy)) == (True, True)
    assert not is_whole(lazy.isel(item=[0, 1]))
    assert [shape[1] for shape in expanded] == [2] * len(expanded)
    few = [each.isel(item=[5, 2, 0], property=slice(3, 30)) for each in (lazy, eager)]
    for measure in (sd.mode_strengths, sd.level_strengths):
        xr.testing.assert_allclose(measure(few[0]), measure(few[1]), rtol=1e-9, atol=1e-12)
    for measure in (sd.overgeneralizations, sd.differentiation, sd.level_strengths):
        xr.testing.assert_allclose(measure(lazy), measure(eager), rtol=1e-9, atol=1e-12)


def test_the_loss_is_that_of_the_outputs(eager):
    error = eager["target"] - eager["output"]
    direct = (error**2).sum(("item", "property")) / 2
    np.testing.assert_allclose(eager["loss"], direct, rtol=1e-9)


# memory


def test_what_does_not_fit_is_refused_with_the_remedy(lazy, monkeypatch, tmp_path):
    monkeypatch.setattr(factored, "PIECE", 10)
    monkeypatch.setattr(memory, "find_free", lambda: 3 * 8 * 8 * 36)  # one time
    with pytest.raises(MemoryError, match=r"seed 1, time 12, item 8, property \d+\), kept as"):
        lazy["output"].values  # noqa: B018
    with pytest.raises(MemoryError, match=r"Take what you need of them first.*isel\(time="):
        abs(lazy["output"])
    with pytest.raises(MemoryError, match=r"are free"):
        sd.overgeneralizations(lazy)
    with pytest.raises(MemoryError, match=r"save_history writes them to a file"):
        lazy.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    assert lazy["output"].isel(property=[0, 1]).values.shape == (1, 12, 8, 2)
    assert is_whole(lazy)
    assert sd.mode_strengths(lazy).sizes["time"] == 12


def test_layers_and_weights_that_do_not_fit_are_refused(monkeypatch):
    world = sd.load("saxe2019")
    monkeypatch.setattr(memory, "find_free", lambda: 100)
    for more in ({"hidden": True}, {"keep_weights": True}):
        with pytest.raises(MemoryError, match=r"hidden layers.*fewer times, for fewer modes"):
            sd.solve(world, depth=2, times=50, **more)
    weights = sd.initial_weights(sd.DeepLinear(3), world, seeds=1)
    with pytest.raises(MemoryError, match=r"exact flow of all weights would take"):
        sd.solve(world, depth=2, times=50, initial="exact", weights=weights)
    assert sd.solve(world, depth=2, times=50).sizes["time"] == 50


LARGE = """
import resource
import numpy as np, xarray as xr
import semdev as sd
from semdev.history import check

values = (np.random.default_rng(0).random((2000, 6000), dtype=np.float32) < 0.2).astype(float)
values[:1000, :2000] = 1.0
names = {"item": [f"item {k}" for k in range(2000)], "property": [f"has {k}" for k in range(6000)]}
world = sd.Dataset(xr.DataArray(values, names, ("item", "property")))
history = sd.solve(world, depth=2, modes=5, times=200)
check(history), repr(history)
belief = sd.ask(history, "item 3", "has 4").values
strength = sd.mode_strengths(history)
assert belief.shape == (1, 200) and belief[0, -1] > 0.8, belief
assert strength.shape == (1, 200, 5)
print(history["output"].nbytes, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_history_may_be_larger_than_memory():
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    size, peak = map(int, done.stdout.split())
    assert size == 8 * 200 * 2000 * 6000
    assert peak < 2 * 2**30


# files


def test_a_file_holds_the_factors(lazy, eager, tmp_path, expanded):
    path = sd.save_history(lazy, tmp_path / "x.nc")
    again = sd.load_history(path)
    assert expanded == []
    assert is_lazy(again)
    xr.testing.assert_identical(again, lazy)
    with xr.open_dataset(path, engine="h5netcdf") as file:
        product = xr.dot(file["output_strengths"], file["output_item"], file["output_property"],
                         dim="output_mode")  # fmt: skip
        xr.testing.assert_allclose(
            product.drop_vars(["step"]), eager["output"].drop_vars(["step"]), atol=1e-12
        )


def test_so_does_one_of_a_part_and_one_of_several_seeds(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "AT_ONCE", 0)
    world = sd.load("cao2020")
    weights = sd.initial_weights(sd.DeepLinear(9), world, seeds=2)
    history = sd.solve(world, depth=2, initial="matched", weights=weights, times=6)
    part = history.isel(item=[4, 1], time=slice(1, None, 2))
    again = sd.load_history(sd.save_history(part, tmp_path / "x.nc"))
    assert is_lazy(again)
    xr.testing.assert_identical(again, part)


def test_what_was_multiplied_out_is_written_whole(lazy, tmp_path):
    whole = lazy["output"].values
    path = sd.save_history(lazy, tmp_path / "x.nc")
    with xr.open_dataset(path, engine="h5netcdf") as file:
        np.testing.assert_array_equal(file["output"], whole)
    xr.testing.assert_identical(sd.load_history(path), lazy)


def test_xarray_itself_writes_all_of_it(lazy, eager, tmp_path):
    lazy.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    again = sd.load_history(tmp_path / "x.nc")
    xr.testing.assert_allclose(again, eager, rtol=1e-12, atol=1e-12)


def test_outputs_that_were_replaced_are_taken_as_they_are(lazy, tmp_path):
    changed = lazy.assign(output=lazy["output"] * 2)
    assert not is_lazy(changed)
    again = sd.load_history(sd.save_history(changed, tmp_path / "x.nc"))
    xr.testing.assert_identical(again, changed)
    xr.testing.assert_allclose(sd.mode_strengths(changed), 2 * sd.mode_strengths(lazy), atol=1e-12)
