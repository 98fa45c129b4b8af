"""The engine: three paths, one result; every optimizer against torch's own; threads; memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import semdev as sd
from semdev import memory
from semdev.building import build_all, read_seeds, show
from semdev.ensembles import parts
from semdev.threads import threads

WORLD = sd.load("saxe2019")
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "momentum": {"momentum": 0.7},
    "adam": {"optimizer": "adam"},
    "decay": {"weight_decay": 0.05},
    "adam, decay": {"optimizer": "adam", "weight_decay": 0.05},
    "momentum, decay": {"momentum": 0.5, "weight_decay": 0.1},
}
SHOWN: dict[str, dict[str, Any]] = {
    "full batch": {},
    "per pattern": {},
    "interleaved": {},
    "mini-batch": {"batch_size": 3},
    "sampled": {},
}


class Own(nn.Module):
    """A user's own module that is the chain of `CHAIN`, so that it is traced."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.net = CHAIN(n_inputs, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


CHAIN = sd.MLP([6, 5], "sigmoid", output="sigmoid", scale=0.6, bias=True)


def learn(model: Any, data: Any = WORLD, *, seeds: Any = (0, 4), steps: int = 8, **more: Any):
    return sd.train(
        model, data, seeds=seeds, steps=steps, learning_rate=0.05, record=[0, steps],
        progress=False, **more,
    )  # fmt: skip


def engine(history: xr.Dataset) -> str:
    return sd.get_provenance(history)["engine"]


@pytest.mark.parametrize("loss", ["squared error", "cross-entropy"])
@pytest.mark.parametrize("way", ["plain", "adam, decay", "momentum, decay"])
@pytest.mark.parametrize("presentation", SHOWN)
def test_three_paths_are_one(presentation: str, way: str, loss: str) -> None:
    patterns = sd.make_patterns(
        WORLD, relations=True, frequency={"rose": 3, "can": 0.5}, observed={"can fly": 0.5}
    )
    how = {"presentation": presentation, "loss": loss, **SHOWN[presentation], **WAYS[way]}
    written, traced = learn(CHAIN, patterns, **how), learn(Own, patterns, **how)
    loop = learn(Own, patterns, batched=False, **how)
    assert engine(written) == "batched, gradients written out"
    assert engine(traced) == "batched, traced"
    assert engine(loop) == "one by one, autograd"
    assert float(np.abs(written["output"] - written["output"][:, 0]).max()) > 1e-3  # it learned
    for other in (traced, loop):
        assert float(np.abs(written["output"] - other["output"]).max()) < 1e-10
        assert float(np.abs(written["loss"] - other["loss"]).max()) < 1e-9


class Normalized(nn.Module):
    """Several results of one operation, changes in place, a largest value."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.into, self.norm = nn.Linear(n_inputs, 12), nn.LayerNorm(12)
        self.out = nn.Linear(12, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one, other = nn.functional.gelu(self.norm(self.into(x))).chunk(2, -1)
        h = torch.cat([one * other.softmax(-1), other], -1).clone()
        h.mul_(2.0)
        return self.out(0.1 * (h - h.max(-1, keepdim=True)[0]))


class Branched(nn.Module):
    """Choices cell by cell, a layer used again and again, a second answer."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.into, self.again = nn.Linear(n_inputs, 12), nn.Linear(12, 12)
        self.out = nn.Linear(12, n_outputs)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        h = torch.tanh(self.into(x))
        for _ in range(3):
            h = torch.where(h > 0, self.again(h), 0.1 * h) + 0.1 * torch.sin(h)
        return self.out(nn.functional.normalize(h, dim=-1)), h


class Attentive(nn.Module):
    """Products of products, other shapes on the way."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.into, self.query = nn.Linear(n_inputs, 16), nn.Linear(4, 4)
        self.out = nn.Linear(16, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.into(x).reshape(len(x), 4, 4)
        attention = (self.query(h) @ h.transpose(1, 2)).softmax(-1)
        return torch.sigmoid(self.out((attention @ h).flatten(1)))


@pytest.mark.parametrize("presentation", ["full batch", "mini-batch", "per pattern"])
@pytest.mark.parametrize("model", [Normalized, Branched, Attentive])
def test_whatever_a_module_does_its_tape_is_what_autograd_does(model, presentation: str) -> None:
    how = {"presentation": presentation, "steps": 25, **SHOWN[presentation]}
    traced, loop = learn(model, **how), learn(model, batched=False, **how)
    assert engine(traced) == "batched, traced"
    assert float(np.abs(traced["output"] - loop["output"]).max()) < 1e-10
    assert float(np.abs(traced["loss"].isel(time=-1) - traced["loss"].isel(time=0)).min()) > 1e-3


def learn_by_hand(
    make: Callable[[list], torch.optim.Optimizer], model: Any, updates: list[list[int]]
) -> np.ndarray:
    """Train seed 4 with one of torch's own optimizers; return its answers."""
    patterns = sd.make_patterns(WORLD, frequency={"rose": 3})
    net = build_all(model, patterns, [4])[0].double()
    inputs, targets, weights = (
        torch.tensor(x) for x in (patterns.inputs, patterns.targets, patterns.weights)
    )
    learner = make(list(net.parameters()))
    for rows in updates:
        learner.zero_grad()
        cost = weights[rows, None] * (targets[rows] - net(inputs[rows])) ** 2 / 2
        cost.sum().backward()
        learner.step()
    return net(inputs).detach().numpy()


@pytest.mark.parametrize(
    ("model", "expected"),
    [(CHAIN, "written out"), (Own, "traced"), (sd.DeepLinear(5, scale=0.3), "written out")],
)
@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_every_optimizer_is_torchs_own(model, expected, way: str, one_by_one: bool) -> None:
    settings = dict(WAYS[way])
    updates = [[k] for k in range(4)] if one_by_one else [[0, 1, 2, 3]]
    history = learn(
        model, sd.make_patterns(WORLD, frequency={"rose": 3}), steps=12,
        presentation="per pattern" if one_by_one else "full batch", **settings,
    )  # fmt: skip
    assert expected in engine(history)
    # The penalty is a sweep's: each update has its share.
    decay = settings.pop("weight_decay", 0.0) / len(updates)
    kind = torch.optim.Adam if settings.pop("optimizer", "sgd") == "adam" else torch.optim.SGD
    by_hand = learn_by_hand(
        lambda p: kind(p, lr=0.05, weight_decay=decay, **settings), model, 12 * updates
    )
    assert np.abs(history["output"].sel(seed=4).values[-1] - by_hand).max() < 1e-12


def test_a_mini_batch_sweep_shows_every_pattern_once() -> None:
    """With batches of everything it is a full batch; of one, interleaved."""
    patterns = sd.make_patterns(WORLD, relations=True)
    whole = learn(CHAIN, patterns, presentation="mini-batch", batch_size=len(patterns.inputs))
    full = learn(CHAIN, patterns)
    assert float(np.abs(whole["output"] - full["output"]).max()) < 1e-12
    single = learn(CHAIN, patterns, presentation="mini-batch", batch_size=1)
    interleaved = learn(CHAIN, patterns, presentation="interleaved")
    assert float(np.abs(single["output"] - interleaved["output"]).max()) < 1e-14


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adamm"}, "adam"),
        ({"optimizer": "adam", "momentum": 0.5}, "momentum of its own"),
        ({"weight_decay": -1}, "weight_decay is a number, at least 0; got -1"),
        ({"weight_decay": "a"}, "weight_decay is a number"),
        ({"batch_size": 2}, "batch_size and presentation"),
        ({"presentation": "mini-batch"}, "batch_size and presentation"),
        ({"presentation": "mini-batch", "batch_size": 5}, "how many of the 4 patterns"),
        ({"presentation": "mini-batch", "batch_size": 1.5}, "how many of the 4 patterns"),
        ({"rule": "hebbian", "optimizer": "adam"}, "goes with backpropagation"),
        ({"rule": "hebbian", "weight_decay": 0.1}, "goes with backpropagation"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict, message: str) -> None:
    with pytest.raises((ValueError, KeyError), match=message):
        learn(sd.DeepLinear(4), **settings)


def test_adam_has_a_default_learning_rate_and_weight_decay_keeps_the_datas() -> None:
    rates = [
        sd.get_provenance(
            sd.train(sd.DeepLinear(6), WORLD, seeds=1, steps=2, progress=False, **how)
        )
        for how in ({"optimizer": "adam"}, {}, {"weight_decay": 0.1})
    ]
    assert rates[0]["learning_rate"] == 1e-3
    assert rates[0]["optimizer"] == "adam"
    assert rates[1]["learning_rate"] == rates[2]["learning_rate"]


def test_weight_decay_stops_where_theory_says() -> None:
    """At rest of ½ (s − ab)² + ½ κ (a² + b²), a = b and a² = s − κ."""
    history = sd.train(
        sd.DeepLinear(8), WORLD, seeds=3, steps=40_000, learning_rate=0.02, weight_decay=0.3,
        record=2, progress=False,
    )  # fmt: skip
    found = sd.mode_strengths(history).isel(time=-1)
    np.testing.assert_allclose(
        found, np.broadcast_to(found["singular_value"] - 0.3, found.shape), atol=1e-6
    )


@pytest.mark.parametrize("way", ["plain", "adam, decay", "momentum"])
@pytest.mark.parametrize("presentation", SHOWN)
@pytest.mark.parametrize("seeds", [(4,), (0, 4)])
def test_torchs_arithmetic_as_on_a_gpu_is_numpys(presentation, way, seeds, monkeypatch) -> None:
    how = {"presentation": presentation, **SHOWN[presentation], **WAYS[way]}
    for model in (CHAIN, sd.MLP(5, "relu", scale=0.6), sd.DeepLinear(5, scale=0.3)):
        by_numpy = learn(model, seeds=seeds, **how)
        monkeypatch.setattr("semdev.ensembles.chain.Chain.numpy_on", ())
        by_torch = learn(model, seeds=seeds, **how)
        monkeypatch.undo()
        assert float(np.abs(by_numpy["output"] - by_torch["output"]).max()) < 1e-12


# --- parts and threads ----------------------------------------------------------------------------


@pytest.mark.parametrize("model", [CHAIN, Own, sd.Rumelhart(4, 4, noise=0.1)])
@pytest.mark.parametrize("presentation", ["full batch", "interleaved"])
def test_parts_and_threads_change_nothing(model, presentation: str, monkeypatch) -> None:
    with threads(1):
        whole = learn(model, seeds=7, presentation=presentation, hidden=True, keep_weights=True)
    monkeypatch.setattr(parts, "CACHE", 1000)
    monkeypatch.setattr(parts, "WORTH", 1)
    with threads(2):
        split = learn(model, seeds=7, presentation=presentation, hidden=True, keep_weights=True)
        assert torch.get_num_threads() == 2
    xr.testing.assert_allclose(whole, split, rtol=1e-13, atol=1e-13)


def test_how_many_parts_follows_memory_and_work() -> None:
    assert parts.count_parts(1, 10_000, 1e3, 2) == 1
    assert parts.count_parts(64, 10_000, 1e3, 2) == 1  # too little to do for a second thread
    assert parts.count_parts(256, 10_000, 30_000, 2) == 2
    assert parts.count_parts(256, 10_000, 30_000, 1) == 1
    assert parts.count_parts(10_000, 2**14, 30_000, 2) == 40
    assert parts.count_parts(3, 2**30, 1e9, 2) == 3


def test_threads_are_as_they_were_after_an_error() -> None:
    def diverge() -> None:
        sd.train(
            sd.MLP(5, scale=30.0), WORLD, seeds=2, steps=200, learning_rate=5.0, progress=False
        )

    before = torch.get_num_threads()
    with pytest.raises(ArithmeticError, match="diverged"):
        diverge()
    assert torch.get_num_threads() == before


def test_one_by_one_says_why() -> None:
    class Branching(nn.Module):
        def __init__(self, n_inputs: int, n_outputs: int) -> None:
            super().__init__()
            self.layer = nn.Linear(n_inputs, n_outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = self.layer(x)
            return out if out.sum() > 100 else 2 * out

    with pytest.warns(UserWarning, match="one after the other.*data-dependent"):
        history = learn(Branching)
    assert engine(history) == "one by one, autograd"


# --- what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [1, 5000, 2**26])
@pytest.mark.parametrize("steps", [300, None])
def test_what_is_kept_is_what_the_whole_history_says(block: int, steps, monkeypatch) -> None:
    monkeypatch.setattr("semdev.recording.BLOCK", block)
    how: dict[str, Any] = {"seeds": 3, "steps": steps, "record": 20, "progress": False}
    whole = sd.train(sd.DeepLinear(16), WORLD, hidden=True, **how)
    kept = sd.train(
        sd.DeepLinear(16), WORLD, hidden=True, **how,
        keep=[sd.mode_strengths, lambda h: h["output"].sel(property="can fly").rename("flies"),
              lambda h: h["hidden_1"]],
    )  # fmt: skip
    assert "output" not in kept
    expected = sd.mode_strengths(whole)
    np.testing.assert_allclose(kept["strength"], expected)
    assert kept["strength"].dims == expected.dims
    for name in ("mode", "singular_value", "mode_level", "purity"):
        np.testing.assert_allclose(kept[name], expected[name])
    np.testing.assert_allclose(kept["flies"], whole["output"].sel(property="can fly"))
    np.testing.assert_allclose(kept["hidden_1"], whole["hidden_1"])
    np.testing.assert_allclose(kept["loss"], whole["loss"])
    assert kept["settled"].values.tolist() == whole["settled"].values.tolist()
    assert kept.attrs["schema"] == whole.attrs["schema"]


def test_kept_strengths_serve_the_measures_that_need_nothing_else() -> None:
    how: dict[str, Any] = {"seeds": 3, "steps": 400, "learning_rate": 0.02, "progress": False}
    whole = sd.transitions(sd.train(sd.DeepLinear(16), WORLD, **how))
    kept = sd.transitions(sd.train(sd.DeepLinear(16), WORLD, keep=sd.mode_strengths, **how))
    for name, values in whole.data_vars.items():
        np.testing.assert_allclose(kept[name], values)


def test_a_history_without_outputs_is_saved_and_says_what_it_lacks(tmp_path) -> None:
    kept = learn(sd.DeepLinear(4), keep=sd.mode_strengths)
    again = sd.load_history(sd.save_history(kept, tmp_path / "kept.nc"))
    xr.testing.assert_equal(again["strength"], kept["strength"])
    with pytest.raises(ValueError, match=r"has no output\(.*strength.*keep"):
        sd.ask(kept, "salmon", "can fly")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda h: h["output"].mean("seed"), "every seed and every time by itself"),
        (lambda h: h["output"].isel(time=-1), "every seed and every time by itself"),
        (lambda h: 3, "returned a int"),
        ([sd.mode_strengths, sd.mode_strengths], "two functions return things of one name"),
        (lambda h: h["loss"], "stands in every History already"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_the_run(function: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        learn(sd.DeepLinear(4), steps=10**9, keep=function)


@pytest.mark.parametrize("wrong", ["mode_strengths", [sd.mode_strengths, "strength"], 3])
def test_what_is_no_function_cannot_be_kept(wrong: Any) -> None:
    for call in (learn, lambda model, **how: sd.estimate_memory(model, WORLD, seeds=1, **how)):
        with pytest.raises(TypeError, match=r"keep is a function of a History.*semdev\.mode_str"):
            call(sd.DeepLinear(4), keep=wrong)


def test_an_error_of_a_kept_function_says_where_it_came_from() -> None:
    with pytest.raises(KeyError) as raised:
        learn(sd.DeepLinear(4), keep=lambda h: h["output"].sel(property="can flyy"))
    assert "<lambda>, a function given as keep=" in raised.value.__notes__[0]
    assert "steps 0 to 0" in raised.value.__notes__[0]


def test_what_will_not_fit_by_the_end_is_refused_after_the_first_record(monkeypatch) -> None:
    seen = []

    def say_much(history: xr.Dataset) -> xr.DataArray:
        seen.append(history.sizes["time"])
        return (history["loss"] * xr.DataArray(np.ones(1000), dims="much")).rename("much")

    monkeypatch.setattr(memory, "find_free", lambda: 3 * 10**6)
    with pytest.raises(MemoryError, match=r"keep= keeps of this run.*400 times.*\(much 9\.16 MiB"):
        sd.train(sd.DeepLinear(4), WORLD, seeds=3, steps=1000, record=400, keep=say_much)
    assert seen == [1]


# --- memory ---------------------------------------------------------------------------------------


def test_what_would_not_fit_is_refused_before_the_run(monkeypatch) -> None:
    with pytest.raises(MemoryError, match=r"(?s)1000000 networks.*outputs .* GiB.*keep=semdev"):
        learn(sd.DeepLinear(4), sd.load("living_things"), seeds=1_000_000, steps=10)
    monkeypatch.setattr(memory, "find_free", lambda: 10**5)
    with pytest.raises(MemoryError, match=r"97.7 KiB are free"):
        sd.train(sd.DeepLinear(4), WORLD, seeds=20, steps=1000, record=500)
    monkeypatch.setattr(memory, "find_free", lambda: 10**6)
    assert learn(sd.DeepLinear(4), seeds=3).sizes["seed"] == 3


@settings(max_examples=15)
@given(seeds=st.integers(1, 5), record=st.integers(2, 9), wide=st.booleans())
def test_the_estimate_counts_records_exactly(seeds: int, record: int, wide: bool) -> None:
    model, dtype = sd.MLP([3, 4]), "float64" if wide else "float32"
    how: dict[str, Any] = {"seeds": seeds, "steps": 10, "record": record, "dtype": dtype}
    history = sd.train(model, WORLD, **how, hidden=True, keep_weights=True, progress=False)
    needed = sd.estimate_memory(model, WORLD, **how, hidden=True, keep_weights=True)
    assert needed["outputs"] == history["output"].nbytes
    assert needed["hidden layers"] == sum(history[f"hidden_{k}"].nbytes for k in (1, 2))
    assert needed["weights"] == sum(history[f"weights_{k}"].nbytes for k in (1, 2, 3))
    assert needed["networks"] > 0


def test_a_rumelhart_network_is_recorded_by_item_not_by_pattern() -> None:
    world = sd.load("rumelhart8")
    assert len(show(sd.Rumelhart(), world).inputs) == 32
    needed = sd.estimate_memory(sd.Rumelhart(), world, seeds=2, steps=10, record=3)
    assert needed["outputs"] == 2 * 3 * 8 * 36 * 8


def test_seeds_are_read_before_memory_is_asked_for() -> None:
    assert read_seeds(3) == [0, 1, 2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert memory.say_size(2**41) == "2 TiB"
        assert memory.say_size(5) == "5 bytes"


def test_what_is_kept_has_the_histories_labels() -> None:
    whole = learn(sd.DeepLinear(4), seeds=[3, 1])["output"]

    def turn(h: xr.Dataset) -> xr.DataArray:
        return h["output"].isel(item=slice(None, None, -1), seed=[1, 0]).rename("turned")

    kept = learn(sd.DeepLinear(4), seeds=[3, 1], keep=turn)["turned"]
    assert kept["item"].values.tolist() == whole["item"].values.tolist()
    assert float(np.abs(kept - whole).max()) == 0

    def begin(h: xr.Dataset) -> xr.DataArray:
        started = h["time"] == 0
        return (h["loss"] > 0).rename("x") if started.all() else (h["loss"] / 2).rename("x")

    later = learn(sd.DeepLinear(4), seeds=[3, 1], keep=begin)
    assert float(later["x"].isel(time=-1, seed=0)) == float(later["loss"].isel(time=-1, seed=0)) / 2


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda h: h["output"].isel(item=[0, 1]).rename("x"), "2 labels of 'item'.*rename"),
        (lambda h: h["loss"].rename("settled"), "stands in every History"),
        (lambda h: (h["loss"] + 0).rename("item"), "stands in every History"),
        (
            [
                lambda h: h["loss"].expand_dims(k=2, axis=2).rename("x"),
                lambda h: h["loss"].expand_dims(k=3, axis=2).rename("y"),
            ],
            "2 values in what one function returns and 3",
        ),
    ],
)
def test_what_would_not_fit_a_history_is_refused_at_once(function: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        learn(sd.DeepLinear(4), keep=function, steps=10**9)
