"""The engine: recording, stopping, learning rates, errors that teach."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

import semdev as sd
from semdev.building import read_seeds
from semdev.recording import Log, Plan
from semdev.training import DivergenceError


@pytest.fixture(scope="module")
def world() -> sd.Dataset:
    return sd.load("saxe2019")


def run(model, world, **options) -> xr.Dataset:
    return sd.train(model, world, **({"seeds": 2, "progress": False} | options))


# --- seeds and recording -------------------------------------------------------------------------


def test_seeds_are_a_number_or_a_list() -> None:
    assert read_seeds(3) == [0, 1, 2]
    assert read_seeds(np.int64(2)) == [0, 1]
    assert read_seeds([5, 2]) == [5, 2]
    assert read_seeds(range(3, 5)) == [3, 4]
    assert read_seeds(np.array([4, 1])) == [4, 1]
    assert read_seeds(iter([4, 1])) == [4, 1]


@pytest.mark.parametrize("bad", [0, [], [1, 1], [-1], [0.5], "ab", None, True])
def test_bad_seeds_are_refused(bad: object) -> None:
    with pytest.raises(ValueError, match="seeds"):
        read_seeds(bad)  # type: ignore[arg-type]


def list_steps(plan: Plan) -> list[int]:
    """Return the steps at which a run with this plan is recorded."""
    steps = [plan.steps[0]]
    while steps[-1] < plan.last:
        steps.append(plan.find_next(steps[-1]))
    return steps


@pytest.mark.parametrize(("record", "steps"), [(200, 1000), (10, 9), (50, 60), (2, 5), (200, 3)])
def test_a_plan_records_as_often_as_asked_first_and_last_included(record: int, steps: int) -> None:
    plan = Plan(record, steps, 1000)
    kept = list_steps(plan)
    assert len(kept) == min(record, steps + 1)
    assert kept[0] == 0
    assert kept[-1] == steps


def test_a_plan_is_denser_early_on() -> None:
    plan = Plan(100, 10_000, 10_000)
    gaps = np.diff(list_steps(plan))
    assert (np.diff(gaps) >= -2).all()
    assert gaps[-1] > 20 * gaps[0]


def test_asked_steps_are_recorded_and_the_last_too(world: sd.Dataset) -> None:
    history = run(sd.Shallow(), world, steps=20, record=[0, 3, 11])
    assert history["step"].values.tolist() == [0, 3, 11, 20]
    np.testing.assert_allclose(
        history["time"], history["step"] * sd.get_provenance(history)["learning_rate"]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be a whole number, at least 1; got 0"),
        ({"steps": 1.5}, "steps must be a whole number"),
        ({"record": 1}, "at least 2 times, got 1"),
        ({"record": [3, 2]}, "increasing steps"),
        ({"record": [-1, 2]}, "increasing steps"),
        ({"record": [0, 30], "steps": 20}, "asks for step 30 of a run of 20 steps"),
    ],
)
def test_bad_recording_is_refused(world: sd.Dataset, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(sd.Shallow(), world, **options)


def test_a_log_thins_but_keeps_first_and_last() -> None:
    log = Log(9)
    for step in range(7):
        log.add(10 * step, {"loss": np.array([step, -step])})
    log.thin_to(3)
    log.finish()
    assert log.steps == [0, 30, 60]
    assert log["loss"].tolist() == [[0, 3, 6], [0, -3, -6]]


def test_an_open_ended_run_keeps_memory_bounded(world: sd.Dataset) -> None:
    history = run(sd.DeepLinear(16), world, record=10)
    assert history.sizes["time"] == 10
    assert history["step"].values[0] == 0
    assert bool(history["settled"].all())


# --- stopping ------------------------------------------------------------------------------------


def test_without_steps_it_stops_when_every_answer_is_right(world: sd.Dataset) -> None:
    history = run(sd.DeepLinear(16), world)
    wrong = np.abs(history["output"].isel(time=-1) - history["target"]).max(("item", "property"))
    assert (wrong <= 0.02).all()
    assert history["settled"].values.all()


def test_a_bottleneck_settles_at_the_truncated_svd(world: sd.Dataset) -> None:
    history = run(sd.DeepLinear(2, scale=0.05), world)
    u, s, vt = np.linalg.svd(world.properties.values, full_matrices=False)
    best = u[:, :2] * s[:2] @ vt[:2]
    np.testing.assert_allclose(history["output"].isel(seed=0, time=-1), best, atol=0.03)
    assert history["settled"].values.all()
    assert history["loss"].values[:, -1] == pytest.approx(np.sum(s[2:] ** 2) / 2, rel=0.02)


def test_a_plateau_is_no_end(world: sd.Dataset) -> None:
    history = run(sd.DeepLinear(16, scale=1e-7), world)
    assert np.abs(history["output"].isel(time=-1) - history["target"]).max() < 0.021


def test_a_run_cut_short_says_it_has_not_settled(
    world: sd.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("semdev.training.MOST_STEPS", 30)
    with pytest.warns(UserWarning, match="2 of 2 networks had not settled after 30 steps"):
        history = run(sd.DeepLinear(16), world)
    assert not history["settled"].values.any()


# --- learning rates ------------------------------------------------------------------------------


def test_the_chosen_learning_rate_is_recorded_and_safe(world: sd.Dataset) -> None:
    record = sd.get_provenance(run(sd.DeepLinear(16), world, steps=5))
    assert record["learning_rate"] == pytest.approx(0.03 / np.sqrt(7))
    assert "of the stable bound" in record["learning_rate_from"]


@pytest.mark.parametrize(
    ("model", "bound"),
    [
        (sd.Shallow(), 2.0),
        (sd.Shallow(bias=True), 0.4),  # 4 items and what is always on: 2 / (1 + 4)
        (sd.DeepLinear(16), 1 / np.sqrt(7)),
        (sd.DeepLinear([16, 16]), 0.1822),
    ],
)
def test_a_learning_rate_over_the_bound_is_refused(
    world: sd.Dataset, model: object, bound: float
) -> None:
    with pytest.raises(ValueError, match="over the stability bound") as refusal:
        run(model, world, learning_rate=1.01 * bound)
    assert f"{bound:.3g}" in str(refusal.value)


@pytest.mark.parametrize("bad", [0, -1, np.nan, np.inf, "fast"])
def test_a_learning_rate_that_is_none_is_refused(world: sd.Dataset, bad: object) -> None:
    with pytest.raises(ValueError, match="learning_rate must be a positive number"):
        run(sd.Shallow(), world, learning_rate=bad)


def test_divergence_is_caught_and_says_what_to_do(world: sd.Dataset) -> None:
    with pytest.raises(DivergenceError, match=r"diverged by step .*; try learning_rate=0.75"):
        run(sd.MLP(16, "relu", scale=0.5), world, learning_rate=3.0, steps=2000)


def test_a_bias_counts_in_the_chosen_rate() -> None:
    history = run(sd.Shallow(bias=True), sd.load("rogers2004"), steps=2000)
    assert np.isfinite(history["loss"].values).all()
    assert (np.diff(history["loss"].values, axis=1) <= 1e-9).all()


def test_frequencies_weigh_the_loss(world: sd.Dataset) -> None:
    often = world.properties.assign_coords(frequency=("item", [4.0, 1, 1, 1]))
    history = run(sd.Shallow(), sd.Dataset(often, world.tree), steps=30)
    error = ((history["target"] - history["output"]) ** 2).sum("property")
    expected = (error * history["frequency"]).sum("item") / 2
    np.testing.assert_allclose(history["loss"], expected.transpose("seed", "time"))
    remaining = error.isel(seed=0, time=-1)
    assert remaining.sel(item="canary") < 0.5 * remaining.sel(item="salmon")


# --- models that fit and models that do not ------------------------------------------------------


class Wrong(nn.Module):
    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


class Named(Wrong):
    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(n_inputs, n_outputs)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:  # type: ignore[override]
        return {"answer": self.layer(x)}


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (nn.Linear(4, 7), TypeError, "not a finished Linear"),
        (sd.DeepLinear, TypeError, "write DeepLinear"),
        (Named, ValueError, "answers with a dict; saxe2019 needs one tensor"),
        ("deep", TypeError, "model must be DeepLinear.* got str"),
        (lambda: 3, TypeError, "built int, no nn.Module"),
        (lambda: nn.Tanh(), ValueError, "has no trainable parameters"),
        (lambda: nn.Linear(5, 7), ValueError, "cannot take this data: saxe2019 shows 4 inputs"),
        (
            lambda: nn.Linear(4, 6),
            ValueError,
            r"answers with shape \(4, 6\); saxe2019 needs \(4, 7\)",
        ),
        (Wrong, ValueError, "cannot take this data"),
        (
            lambda i, o: nn.Sequential(nn.Linear(i, o), nn.Dropout(0.5)),
            ValueError,
            "differently each time",
        ),
        (lambda a, b, c: nn.Linear(a, b), TypeError, "called with .n_inputs, n_outputs."),
    ],
)
def test_models_that_do_not_fit_are_refused(
    world: sd.Dataset, model: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(model, world)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: sd.DeepLinear(0), "hidden is the number of units"),
        (lambda: sd.DeepLinear([]), "without hidden layers is Shallow"),
        (lambda: sd.DeepLinear([4, 2.5]), "hidden is the number of units"),
        (lambda: sd.MLP(4, "tahn"), "did you mean 'tanh'"),
        (lambda: sd.DeepLinear(4, scale=-1), "scale is a standard deviation"),
        (lambda: sd.DeepLinear(4, scale=0), "starts at scale 0 never learns"),
        (lambda: sd.DeepLinear(32.0), "hidden is the number of units"),
        (lambda: sd.Shallow(scale=float("nan")), "scale is a standard deviation"),
    ],
)
def test_networks_refuse_bad_settings(world: sd.Dataset, build, message: str) -> None:
    with pytest.raises((ValueError, KeyError), match=message):
        run(build(), world)


def test_unknown_dtype_is_refused(world: sd.Dataset) -> None:
    with pytest.raises(KeyError, match="did you mean 'float32'"):
        run(sd.Shallow(), world, dtype="float31")


def test_float32_follows_float64(world: sd.Dataset) -> None:
    fine, coarse = (
        run(sd.DeepLinear(16), world, steps=400, dtype=d) for d in ("float64", "float32")
    )
    assert coarse["output"].dtype == np.float32
    np.testing.assert_allclose(fine["output"], coarse["output"], atol=1e-4)


def test_linear_and_tanh_networks_begin_alike(world: sd.Dataset) -> None:
    a = sd.initial_weights(sd.DeepLinear(16), world, seeds=3)
    b = sd.initial_weights(sd.MLP(16, "tanh"), world, seeds=3)
    for x, y in zip(a, b, strict=True):
        assert (x == y).all()


def test_the_default_scale_starts_every_mode_near_1e_minus_5() -> None:
    world = sd.load("rogers2004")
    weights = sd.initial_weights(sd.DeepLinear(64), world, seeds=30)
    strength = sd.theory.effective_initial_strength(weights, world)
    assert strength.mean() == pytest.approx(1e-5, rel=0.05)


def test_initial_weights_are_those_of_the_first_record(world: sd.Dataset) -> None:
    w1, w2 = sd.initial_weights(sd.DeepLinear(16, scale=0.1), world, seeds=3)
    first = run(sd.DeepLinear(16, scale=0.1), world, seeds=3, steps=3)["output"].isel(time=0)
    np.testing.assert_allclose(first, (w2 @ w1).transpose(0, 2, 1), rtol=1e-12)


def test_relation_patterns_train_and_read_back() -> None:
    data = sd.make_patterns(sd.load("rumelhart8"), relations=True)
    history = run(sd.MLP(16, "tanh", scale=0.3), data, steps=300, hidden=True)
    assert history["output"].dims == ("seed", "time", "item", "property")
    assert history["hidden_1"].dims == ("seed", "time", "context", "item", "unit_1")
    assert (history["loss"].isel(time=-1) < history["loss"].isel(time=0)).all()


def test_a_module_that_cannot_be_batched_is_trained_one_by_one_with_a_reason(
    world: sd.Dataset,
) -> None:
    class Picky(Wrong):
        def __init__(self, n_inputs: int, n_outputs: int) -> None:
            super().__init__()
            self.layer = nn.Linear(n_inputs, n_outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.layer(x)
            return y if y.detach().sum().item() < 1e9 else -y

    with pytest.warns(UserWarning, match="cannot be batched"):
        history = run(Picky, world, steps=10)
    assert sd.get_provenance(history)["engine"] == "one by one, autograd"


def test_the_engine_that_fits_is_chosen(world: sd.Dataset) -> None:
    def engine(model) -> str:
        return sd.get_provenance(run(model, world, steps=2))["engine"]

    assert engine(sd.MLP(8, "relu")) == "batched, gradients written out"
    assert engine(lambda: nn.Sequential(nn.Linear(4, 7), nn.Softplus())) == "batched, traced"


def test_training_on_cuda_matches_the_cpu(world: sd.Dataset) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    cpu, gpu = (run(sd.DeepLinear(16), world, steps=400, device=d) for d in ("cpu", "cuda"))
    np.testing.assert_allclose(cpu["output"], gpu["output"], atol=1e-9)


def test_a_world_of_zeros_is_refused(world: sd.Dataset) -> None:
    empty = sd.Dataset(0 * world.properties, name="void")
    with pytest.raises(ValueError, match="void holds nothing but zeros"):
        run(sd.Shallow(), empty)


def test_theory_lines_up_with_any_seeds(world: sd.Dataset) -> None:
    weights = sd.initial_weights(sd.DeepLinear(16), world, seeds=[7, 9])
    theory = sd.solve(world, depth=2, initial="matched", weights=weights, seeds=[7, 9], times=20)
    assert theory["seed"].values.tolist() == [7, 9]
    with pytest.raises(ValueError, match="seeds must name each of the 2 results once"):
        sd.solve(world, depth=2, initial="matched", weights=weights, seeds=[7])


def test_unknown_devices_are_refused(world: sd.Dataset) -> None:
    with pytest.raises(ValueError, match="no device 'gpu' here; allowed: cpu"):
        run(sd.Shallow(), world, device="gpu")


def test_a_plateau_of_sigmoid_units_is_no_end() -> None:
    world = sd.load("rumelhart8")
    model = sd.MLP(hidden=15, activation="sigmoid", output="sigmoid", bias=True)
    history = run(model, world, learning_rate=0.5, seeds=1, dtype="float32")
    assert float(history["loss"][0, -1]) < 0.05 * float(history["loss"][0, 0])
    assert bool(history["settled"].all())


def test_shallow_keeps_time_with_theory(world: sd.Dataset) -> None:
    half = sd.transitions(run(sd.Shallow(), world))["half_time"].values
    early = 0.03 / -np.log(0.97)  # Euler's method: (1 − λ)ⁿ = ½ after n = ln 2 / −ln(1 − λ) steps
    assert early == pytest.approx(1 - 0.015, abs=5e-4)
    np.testing.assert_allclose(half, early * np.log(2), rtol=1e-3)


@pytest.mark.parametrize("model", [sd.Shallow(), sd.Shallow(bias=True), sd.DeepLinear(16)])
def test_just_under_the_bound_is_stable(world: sd.Dataset, model) -> None:
    bound = {0: 2.0, 1: 0.4}.get(getattr(model, "bias", False), 0.0)
    bound = 1 / np.sqrt(7) if isinstance(model, sd.DeepLinear) else bound
    loss = run(model, world, learning_rate=0.97 * bound, steps=3000)["loss"]
    assert (loss.isel(time=-1) < 1e-3).all()


def test_a_deep_network_with_bias_takes_rates_that_only_its_bias_makes_stable() -> None:
    level = sd.Dataset(0 * sd.load("saxe2019").properties + 1, name="all alike")
    history = run(sd.DeepLinear(8, bias=True), level, learning_rate=0.2, steps=400)
    assert (history["loss"].isel(time=-1) < 1e-3).all()
    with pytest.raises(ValueError, match="over the stability bound"):
        run(sd.DeepLinear(8), level, learning_rate=0.2, steps=400)


# --- against plain torch -------------------------------------------------------------------------


class Frozen(nn.Module):
    """Fixed random features and a readout that learns."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.features = nn.Linear(n_inputs, 10, bias=False).requires_grad_(False)
        self.readout = nn.Linear(10, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.readout(torch.tanh(self.features(x)))


def half_frozen(n_inputs: int, n_outputs: int) -> nn.Module:
    net = nn.Sequential(nn.Linear(n_inputs, 6), nn.Tanh(), nn.Linear(6, n_outputs))
    net[0].weight.requires_grad_(False)
    return net


def hooked(n_inputs: int, n_outputs: int) -> nn.Module:
    net = nn.Sequential(nn.Linear(n_inputs, 6), nn.Linear(6, n_outputs))
    net[0].register_forward_hook(lambda module, inputs, output: 2 * output)
    return net


class Tied(nn.Module):
    """One matrix, used on the way in and out."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.inner = nn.Linear(5, 5)
        self.outer = nn.ModuleList([nn.Linear(n_inputs, 5), nn.Linear(5, n_outputs)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer[1](self.inner(torch.relu(self.inner(self.outer[0](x)))))


def twice_the_same(n_inputs: int, n_outputs: int) -> nn.Module:
    shared = nn.Linear(5, 5)
    return nn.Sequential(nn.Linear(n_inputs, 5), shared, nn.Tanh(), shared, nn.Linear(5, n_outputs))


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize(
    "model",
    [
        Frozen, half_frozen, hooked, Tied, twice_the_same,
        sd.DeepLinear(6, scale=0.3), sd.MLP([6, 5], "sigmoid", output="tanh", scale=0.5, bias=True),
        lambda i, o: nn.Sequential(nn.Linear(i, 6), nn.LeakyReLU(), nn.Linear(6, o)),
    ],
)  # fmt: skip
def test_training_is_what_plain_torch_does(world: sd.Dataset, model, batched: bool) -> None:
    often = world.properties.assign_coords(frequency=("item", [3.0, 1, 0.5, 1]))
    data, rate, steps = sd.Dataset(often, world.tree), 0.02, 60
    ours = run(
        model, data, seeds=[5], steps=steps, learning_rate=rate, record=[0, steps], batched=batched
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        net = model(4, 7).double()
    weights = torch.tensor(often["frequency"].values)[:, None]
    target = torch.tensor(often.values)
    learner = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=rate)
    for _ in range(steps):
        learner.zero_grad()
        (weights * (target - net(torch.eye(4, dtype=torch.double))) ** 2).sum().div(2).backward()
        learner.step()
    theirs = net(torch.eye(4, dtype=torch.double)).detach().numpy()
    np.testing.assert_allclose(ours["output"].isel(seed=0, time=-1), theirs, rtol=1e-9, atol=1e-11)


def test_frozen_layers_stay(world: sd.Dataset) -> None:
    hidden = run(Frozen, world, steps=100, learning_rate=0.05, hidden=True)["hidden_1"]
    assert (hidden == hidden.isel(time=0)).all()


def test_training_starts_from_given_weights() -> None:
    world = sd.load("saxe2019")
    model = sd.DeepLinear(hidden=9)
    weights = sd.initial_weights(model, world, seeds=[3, 8])
    own = sd.train(model, world, seeds=[3, 8], steps=50)
    given = sd.train(model, world, seeds=[3, 8], steps=50, weights=weights)
    np.testing.assert_array_equal(own["output"], given["output"])
    assert sd.get_provenance(given)["starts_from"] == "given weights"
    shared = sd.train(model, world, seeds=2, steps=50, weights=[w[1] for w in weights])
    np.testing.assert_allclose(shared["output"][0], own["output"][1], rtol=1e-12)
    np.testing.assert_allclose(shared["output"][1], own["output"][1], rtol=1e-12)
    loop = sd.train(model, world, seeds=[3, 8], steps=50, weights=weights, batched=False)
    np.testing.assert_allclose(loop["output"], own["output"], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w[:1], "weights holds 1 matrices, the network has 2"),
        (lambda w: [w[0], w[0]], r"weight matrix 2 has shape \(2, 9, 4\); this network needs"),
        (lambda w: [w[0] * np.nan, w[1]], "weight matrix 1 holds a value that is no finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change, message: str) -> None:
    world = sd.load("saxe2019")
    weights = sd.initial_weights(sd.DeepLinear(hidden=9), world, seeds=2)
    with pytest.raises(ValueError, match=message):
        sd.train(sd.DeepLinear(hidden=9), world, seeds=2, steps=5, weights=change(weights))


@pytest.mark.parametrize("batched", [True, False])
def test_kept_weights_are_those_that_answer(batched: bool) -> None:
    world = sd.load("saxe2019")
    model = sd.DeepLinear(hidden=[9, 5])
    history = sd.train(
        model, world, seeds=[3, 8], steps=50, keep_weights=True, hidden=True, batched=batched
    )
    w1, w2, w3 = (history[f"weights_{k}"] for k in (1, 2, 3))
    assert w1.dims == ("seed", "time", "unit_1", "input")
    assert w2.dims == ("seed", "time", "unit_2", "unit_1")
    assert w3.dims == ("seed", "time", "property", "unit_2")
    answer = w3.values @ w2.values @ w1.values
    np.testing.assert_allclose(np.swapaxes(answer, -1, -2), history["output"], atol=1e-14)
    first = sd.initial_weights(model, world, seeds=[3, 8])
    np.testing.assert_array_equal(w2.isel(time=0), first[1])
    shallow = sd.train(sd.Shallow(), world, seeds=1, steps=5, keep_weights=True)
    assert shallow["weights_1"].dims == ("seed", "time", "property", "input")


def test_weights_of_any_network_are_kept() -> None:
    class Skipping(nn.Module):
        def __init__(self, n_inputs: int, n_outputs: int) -> None:
            super().__init__()
            self.one = nn.Linear(n_inputs, 3)
            self.two = nn.Linear(n_inputs, n_outputs)
            self.three = nn.Linear(3, n_outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.three(self.one(x)) + self.two(x)

    world = sd.load("saxe2019")
    history = run(Skipping, world, seeds=2, steps=5, keep_weights=True)
    assert not [name for name in history if name.startswith("weights_")]
    assert history["parameter_two.weight"].dims == (
        "seed", "time", "two.weight_0", "two.weight_1",
    )  # fmt: skip
    assert history["parameter_three.bias"].shape[2:] == (7,)
    both = sd.rebuild(history, Skipping, world, at=0)
    answer = torch.stack([net(torch.eye(4).double()) for net in both])
    np.testing.assert_allclose(answer, history["output"].isel(time=0), rtol=1e-12)


class SelfSeeded(nn.Module):
    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.layer = nn.Linear(n_inputs, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


def test_participants_that_are_one_and_the_same_are_noticed(world: sd.Dataset) -> None:
    net = nn.Linear(4, 7)
    with pytest.raises(ValueError, match="the same network again and again; build a new one"):
        run(lambda: net, world, seeds=2, steps=5)
    with pytest.warns(UserWarning, match="seeds 0 and 1 begin alike: does .*SelfSeeded set a seed"):
        run(SelfSeeded, world, seeds=2, steps=5)


def test_a_class_that_asks_for_other_sizes_is_refused(world: sd.Dataset) -> None:
    class Net(nn.Module):
        def __init__(self, rep_size: int, hidden_size: int) -> None:
            super().__init__()

    with pytest.raises(TypeError, match=r"Net\(rep_size, hidden_size\) would be called with"):
        run(Net, world, steps=5)


def test_what_is_kept_in_another_precision_is_said(world: sd.Dataset) -> None:
    class Masked(nn.Module):
        def __init__(self, n_inputs: int, n_outputs: int) -> None:
            super().__init__()
            self.layer = nn.Linear(n_inputs, n_outputs)
            self.scale = torch.ones(n_outputs, n_outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x) @ self.scale

    with pytest.raises(ValueError, match=r"does not compute in torch.float64 .*register_buffer"):
        run(Masked, world, steps=5)


def test_a_model_that_asks_for_relations_is_shown_them() -> None:
    class Own(nn.Module):
        usual: ClassVar = {"learning_rate": 0.005, "time": 0.1}

        def __init__(self, n_inputs: int, n_outputs: int, n_relations: int) -> None:
            super().__init__()
            assert (n_inputs, n_relations) == (12, 4)
            self.embed = nn.Embedding(8, 5)
            self.out = nn.Linear(5 + n_relations, n_outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            items = self.embed(x[..., :8].argmax(-1))
            return self.out(torch.cat([items, x[..., 8:]], -1))

    history = run(Own, sd.load("rumelhart8"), seeds=2, hidden=True)
    assert history["step"].values[-1] == 20
    assert history["hidden_1"].dims == ("seed", "time", "item", "unit_1")
    assert history["hidden_1"].sizes["unit_1"] == 5  # an embedding's; the relation is no unit


def test_rounding_makes_no_context() -> None:
    codes = sd.make_patterns(sd.load("rogers2004"), relations=True, correlation=0.5)
    history = run(sd.Rumelhart(6, 7), codes, seeds=2, steps=20, hidden=True)
    assert "context" not in history["hidden_1"].dims
    assert "context" in history["hidden_2"].dims
