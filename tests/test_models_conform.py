"""One suite for every learner: whoever learns, the same History comes out, on the same terms."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

import semdev as sd
from semdev.history import check


class OwnNet(nn.Module):
    """A user's own module with a forward of its own (and a skip connection)."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.first = nn.Linear(n_inputs, 12)
        self.second = nn.Linear(12, n_outputs)
        self.skip = nn.Linear(n_inputs, n_outputs, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.tanh(self.first(x))) + 0.1 * self.skip(x)


def own_factory() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 9), nn.Softplus(), nn.Linear(9, 7))


class Untraceable(nn.Module):
    """A user's module whose forward looks at its values, which no batched pass can follow."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(n_inputs, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        return y if float(y.detach().sum()) > -1e9 else 2 * y


NETWORKS = {
    "deep linear": sd.DeepLinear(hidden=16),
    "deep linear, two hidden layers": sd.DeepLinear(hidden=[12, 10], scale=0.2),
    "deep linear, orthogonal": sd.DeepLinear(
        hidden=[12, 10], scale=0.4, initialization="orthogonal"
    ),
    "deep linear, balanced": sd.DeepLinear(hidden=[12, 10], scale=0.3, initialization="balanced"),
    "deep linear with bias": sd.DeepLinear(hidden=16, bias=True),
    "shallow": sd.Shallow(),
    "shallow with bias": sd.Shallow(bias=True),
    "tanh": sd.MLP(hidden=16, activation="tanh", scale=0.1),
    "relu with bias": sd.MLP(hidden=16, activation="relu", scale=0.3, bias=True),
    "sigmoid counterpart": sd.Counterpart(sd.DeepLinear(hidden=16, scale=0.1), "sigmoid"),
    "sigmoid output": sd.MLP(hidden=[8, 8], activation="tanh", output="sigmoid", scale=0.5),
    "Rumelhart": sd.Rumelhart(representation=6, hidden=8),
    "Rumelhart, noisy": sd.Rumelhart(6, 8, activation="tanh", bias="free", noise=0.05),
    "own module": OwnNet,
    "own factory": own_factory,
    "own untraceable module": Untraceable,
}
THEORY = {f"theory, depth {depth}": depth for depth in (1, 2, 3)}
LINEAR = [
    "deep linear",
    "deep linear, two hidden layers",
    "deep linear, orthogonal",
    "deep linear, balanced",
    "shallow",
]
EVERYONE = [*NETWORKS, *THEORY]
RATE = 0.02

pytestmark = pytest.mark.filterwarnings("ignore:networks are trained one after the other")


@pytest.fixture(scope="module")
def world() -> sd.Dataset:
    return sd.load("saxe2019")


def learn(name: str, world: sd.Dataset, *, seeds=(3, 7), steps: int = 60, **options) -> xr.Dataset:
    if name in THEORY:
        return sd.solve(world, depth=THEORY[name], initial=0.01, times=30)
    options = {"learning_rate": RATE, "record": 30, "progress": False} | options
    return sd.train(NETWORKS[name], world, seeds=seeds, steps=steps, **options)


@pytest.mark.parametrize("name", EVERYONE)
def test_everyone_leaves_the_same_kind_of_history(name: str, world: sd.Dataset) -> None:
    history = check(learn(name, world))
    assert history["output"].dims == ("seed", "time", "item", "property")
    assert history["output"].shape[1:] == (30, 4, 7)
    assert np.isfinite(history["output"].values).all()
    assert history["time"].values[0] == 0
    assert (history["target"].values == world.properties.values).all()
    assert history["ancestor"].dims == ("item", "level")
    record = json.loads(history.attrs["provenance"])
    assert record["digest"] == world.digest
    assert record["data"] == "saxe2019"
    assert record["coding"] == "0/1"
    assert record["made_by"] == ("semdev.solve" if name in THEORY else "semdev.train")


@pytest.mark.parametrize("name", EVERYONE)
def test_loss_is_half_the_summed_squared_error(name: str, world: sd.Dataset) -> None:
    history = learn(name, world)
    expected = ((history["target"] - history["output"]) ** 2).sum(("item", "property")) / 2
    if "Rumelhart" in name:  # it also has to learn what not to say when asked something else
        assert (history["loss"] > expected.transpose("seed", "time")).all()
        return
    xr.testing.assert_allclose(history["loss"], expected.transpose("seed", "time").drop_attrs())


@pytest.mark.parametrize("name", EVERYONE)
def test_everyone_gets_better(name: str, world: sd.Dataset) -> None:
    loss = learn(name, world, steps=400)["loss"]
    assert (loss.isel(time=-1) < 0.95 * loss.isel(time=0)).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_seed_alone_is_the_seed_in_a_batch(name: str, world: sd.Dataset) -> None:
    alone = learn(name, world, seeds=[7])["output"].sel(seed=7)
    among = learn(name, world, seeds=[*range(5), 7, 41])["output"].sel(seed=7)
    np.testing.assert_allclose(alone, among, rtol=1e-10, atol=1e-13)
    other = learn(name, world, seeds=[8])["output"].sel(seed=8)
    assert np.abs(alone.values - other.values).max() > 1e-8


@pytest.mark.parametrize("name", NETWORKS)
def test_batched_equals_one_by_one(name: str, world: sd.Dataset) -> None:
    together = learn(name, world)
    apart = learn(name, world, batched=False)
    np.testing.assert_allclose(together["output"], apart["output"], rtol=1e-10, atol=1e-13)
    assert sd.get_provenance(apart)["engine"] == "one by one, autograd"


@pytest.mark.parametrize("name", [n for n in NETWORKS if "own" not in n])
def test_hidden_layers_are_the_same_batched_and_one_by_one(name: str, world: sd.Dataset) -> None:
    if "shallow" in name:
        with pytest.raises(ValueError, match="no hidden layer to record"):
            learn(name, world, hidden=True)
        return
    together, apart = (learn(name, world, hidden=True, batched=b) for b in (True, False))
    layers = [v for v in together.data_vars if str(v).startswith("hidden_")]
    assert layers
    for layer in layers:
        np.testing.assert_allclose(together[layer], apart[layer], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", LINEAR)
def test_halving_the_learning_rate_halves_the_distance_to_theory(
    name: str, world: sd.Dataset
) -> None:
    seeds, end = range(3), 4.0
    depth = {"shallow": 1, "deep linear": 2}.get(name, 3)
    weights = sd.initial_weights(NETWORKS[name], world, seeds=seeds)
    times = np.linspace(0, end, 21)
    exact = sd.solve(world, depth=depth, initial="exact", weights=weights, times=times)
    distance = []
    for rate in (0.02, 0.01, 0.005):
        steps = np.round(times / rate).astype(int)
        run = learn(
            name, world, seeds=seeds, steps=int(steps[-1]), record=steps, learning_rate=rate
        )
        np.testing.assert_allclose(run["time"], times)
        distance.append(np.abs(run["output"].values - exact["output"].values).max())
    ratios = np.array(distance[:-1]) / distance[1:]
    assert (ratios > 1.8).all()
    assert (ratios < 2.25).all()


@pytest.mark.parametrize("name", [n for n in NETWORKS if "noisy" not in n])
def test_halving_the_learning_rate_halves_the_step_error(name: str, world: sd.Dataset) -> None:
    runs = []
    for halvings in (2, 3, 4, 5):
        steps = np.arange(0, 41, 10) * 2**halvings
        runs.append(
            learn(
                name, world, steps=int(steps[-1]), record=steps, learning_rate=RATE / 2**halvings
            )["output"].values
        )
    gaps = [np.abs(a - b).max() for a, b in pairwise(runs)]
    ratios = np.array(gaps[:-1]) / gaps[1:]
    assert (ratios > 1.7).all()
    assert (ratios < 2.4).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_callers_objects_and_the_world_stay_untouched(name: str, world: sd.Dataset) -> None:
    digest, threads = world.digest, torch.get_num_threads()
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002  (global state is what is under test)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    learn(name, world)
    assert world.digest == digest
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002
    assert torch.get_num_threads() == threads
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("name", EVERYONE)
def test_everyone_refuses_what_is_no_data(name: str) -> None:
    with pytest.raises(TypeError, match="a semdev Dataset is needed, got list"):
        learn(name, [[1, 0], [0, 1]])


@pytest.mark.parametrize("name", EVERYONE)
def test_every_measure_takes_every_history(name: str, world: sd.Dataset) -> None:
    history = learn(name, world, steps=300)
    seeds = history.sizes["seed"]
    assert sd.transitions(history)["half_time"].shape == (seeds, 4)
    assert sd.differentiation(history)["half_time"].sizes["level"] == 2
    assert sd.overgeneralizations(history)["excess"].shape == (seeds, 4, 7)
    assert sd.ask(history, "salmon", "can fly").dims == ("seed", "time")
