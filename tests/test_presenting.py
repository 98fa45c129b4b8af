"""Patterns one by one or all at once, in order or not, with noise: against plain torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import semdev as sd
from semdev.building import build_all
from semdev.presenting import PRESENTATIONS, Presentation

WORLD = sd.load("saxe2019")
NET = sd.Rumelhart(representation=5, hidden=6)


def learn(model=NET, data=WORLD, *, seeds=(0, 4), steps=12, rate=0.1, **more) -> xr.Dataset:
    return sd.train(
        model, data, seeds=seeds, steps=steps, learning_rate=rate, record=[0, steps],
        progress=False, **more,
    )  # fmt: skip


def learn_by_hand(patterns, seed, steps, rate, *, one_by_one, loss, momentum) -> np.ndarray:
    """Train one network with torch's own optimizer; return its answers."""
    net = build_all(NET, patterns, [seed])[0].double()
    inputs, targets, mask, weights = (
        torch.tensor(x)
        for x in (patterns.inputs, patterns.targets, patterns.mask, patterns.weights)
    )
    learner = torch.optim.SGD(
        [p for p in net.parameters() if p.requires_grad], lr=rate, momentum=momentum
    )
    count = len(inputs)
    updates = [[k] for k in range(count)] if one_by_one else [list(range(count))]
    for _ in range(steps):
        for rows in updates:
            learner.zero_grad()
            answer = net(inputs[rows])
            if loss == "cross-entropy":
                cost = nn.BCELoss(reduction="none")(answer, targets[rows])
            else:
                cost = (targets[rows] - answer) ** 2 / 2
            (cost * mask[rows] * weights[rows, None]).sum().backward()
            learner.step()
    return patterns.read_back(net(inputs).detach().numpy())


@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize("loss", ["squared error", "cross-entropy"])
@pytest.mark.parametrize("presentation", ["full batch", "per pattern"])
def test_learning_is_that_of_torchs_own_optimizer(presentation, loss, momentum) -> None:
    patterns = sd.make_patterns(WORLD, relations=True, frequency={"rose": 3, "can": 0.5})
    history = learn(data=patterns, presentation=presentation, loss=loss, momentum=momentum)
    by_hand = learn_by_hand(
        patterns, 4, 12, 0.1, one_by_one=presentation == "per pattern", loss=loss,
        momentum=momentum,
    )  # fmt: skip
    assert np.abs(history["output"].sel(seed=4).values[-1] - by_hand).max() < 1e-12


@pytest.mark.parametrize("model", [sd.MLP(6, output="sigmoid", scale=0.4, bias=True), NET])
def test_cross_entropy_is_what_torch_says(model) -> None:
    patterns = sd.make_patterns(WORLD, relations=True, soft=(0.1, 0.8))
    history = learn(model, patterns, seeds=[3], loss="cross-entropy")
    net = build_all(model, patterns, [3])[0].double()
    answer = net(torch.tensor(patterns.inputs)).detach()
    expected = nn.BCELoss(reduction="sum")(answer, torch.tensor(patterns.targets))
    assert float(history["loss"][0, 0]) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("presentation", PRESENTATIONS)
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_seed_alone_batched_or_in_a_loop_learns_the_same(presentation, noise) -> None:
    model = sd.Rumelhart(5, 6, noise=noise)
    how: dict = {"presentation": presentation}
    if presentation == "mini-batch":
        how["batch_size"] = 3  # of 12 patterns
    both = learn(model, **how)
    alone = learn(model, seeds=[4], **how)
    loop = learn(model, batched=False, **how)
    assert np.abs(both["output"].sel(seed=[4]) - alone["output"]).max() < 1e-12
    assert np.abs(both["output"] - loop["output"]).max() < 1e-12


@pytest.mark.parametrize("model", [NET, sd.MLP(6, scale=0.4), sd.MLP(6, output="sigmoid")])
@pytest.mark.parametrize("presentation", PRESENTATIONS[1:3])
def test_small_steps_one_by_one_are_one_large_step(model, presentation) -> None:
    """The difference to full batches is of second order: a quarter after halving the rate."""
    patterns = sd.make_patterns(WORLD, relations=True)
    apart = []
    for rate in (4e-3, 2e-3):
        whole, single = (
            learn(model, patterns, steps=1, rate=rate, presentation=p)["output"].isel(time=-1)
            for p in ("full batch", presentation)
        )
        apart.append(float(np.abs(whole - single).max()))
    assert apart[0] / apart[1] == pytest.approx(4, rel=0.1)


def test_a_sampled_sweep_is_a_sweep_on_average() -> None:
    often = {"rose": 3.0, "salmon": 0.5}
    patterns = sd.make_patterns(WORLD, frequency=often)
    sampled = Presentation("sampled", patterns, [7], torch.tensor, noise={})
    met = np.zeros(4)
    sweeps = 2000
    for _ in range(sweeps):
        for shown in sampled.sweep():
            met += (shown.inputs * shown.taught.amax(-1, keepdim=True)).numpy()[0]
    spread = patterns.weights.mean() * np.sqrt(4 / sweeps)
    assert np.abs(met / sweeps - patterns.weights).max() < 5 * spread


def test_an_interleaved_sweep_shows_each_pattern_once_in_an_order_of_its_own() -> None:
    patterns = sd.make_patterns(WORLD, relations=True)
    presented = Presentation("interleaved", patterns, [1, 2], torch.tensor, noise={})
    orders = []
    for _ in range(2):
        shown = torch.cat([shown.inputs for shown in presented.sweep()], dim=1).numpy()
        for each in shown:
            order = [int(np.flatnonzero((patterns.inputs == row).all(1))[0]) for row in each]
            assert sorted(order) == list(range(len(patterns.inputs)))
            orders.append(tuple(order))
    assert len(set(orders)) == 4


@settings(max_examples=20)
@given(scale=st.floats(0.01, 3), seed=st.integers(0, 10_000))
def test_noise_is_fresh_gaussian_and_each_seeds_own(scale: float, seed: int) -> None:
    patterns = sd.make_patterns(WORLD, relations=True)
    noise = {"noise.sample": (scale, 400)}
    together = Presentation("full batch", patterns, [seed, seed + 1], torch.tensor, noise=noise)
    alone = Presentation("full batch", patterns, [seed + 1], torch.tensor, noise=noise)
    first, second = (together.sweep()[0].noise["noise.sample"].clone() for _ in range(2))
    assert first.shape == (2, len(patterns.inputs), 400)
    assert float(first.std()) == pytest.approx(scale, rel=0.05)
    assert abs(float(first.mean())) < 0.06 * scale
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(first[1:], alone.sweep()[0].noise["noise.sample"])


def test_noise_is_added_while_learning_and_not_in_what_is_recorded() -> None:
    quiet, noisy = learn(NET), learn(sd.Rumelhart(5, 6, noise=0.3))
    assert np.abs(quiet["output"] - noisy["output"]).isel(time=0).max() == 0
    assert np.abs(quiet["output"] - noisy["output"]).isel(time=-1).min("property").max() > 1e-4


def test_noise_may_stand_anywhere_in_a_users_own_module() -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.Linear(4, 6), sd.Noise(0.2), nn.Tanh(), nn.Linear(6, 7))

    noisy = learn(build, WORLD, rate=0.02)
    alone = learn(build, WORLD, rate=0.02, seeds=[4])
    assert np.abs(noisy["output"].sel(seed=[4]) - alone["output"]).max() < 1e-12
    net = build()
    assert torch.equal(net(torch.eye(4)), net(torch.eye(4)))  # by itself it is still


def test_noise_of_one_network_by_hand() -> None:
    """One update with the noise that was drawn, by autograd."""
    model = sd.Rumelhart(5, 6, noise=0.2)
    patterns = sd.make_patterns(WORLD, relations=True)
    net = build_all(model, patterns, [4])[0].double()
    drawn = Presentation("full batch", patterns, [4], torch.tensor, noise={"noise": (0.2, 5)})
    net.noise.sample = drawn.sweep()[0].noise["noise"][0]
    inputs, targets = torch.tensor(patterns.inputs), torch.tensor(patterns.targets)
    ((targets - net(inputs)) ** 2).sum().div(2).backward()
    with torch.no_grad():
        for p in net.parameters():
            if p.requires_grad:
                p -= 0.1 * p.grad
        net.noise.sample = torch.zeros(())
        expected = patterns.read_back(net(inputs).numpy())
    history = learn(model, steps=1)
    assert np.abs(history["output"].sel(seed=4).values[-1] - expected).max() < 1e-12


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"presentation": "interleaves"}, KeyError, "did you mean 'interleaved'"),
        ({"loss": "cross entropy"}, KeyError, "did you mean 'cross-entropy'"),
        ({"momentum": 1.0}, ValueError, "at least 0 and below 1; got 1.0"),
        ({"momentum": True}, ValueError, "at least 0 and below 1; got True"),
        (
            {"rule": "finite differences", "momentum": 0.5, "model": sd.Shallow()},
            ValueError,
            "goes with backpropagation",
        ),
        (
            {"rule": "weight perturbation", "model": sd.Rumelhart(5, 6, noise=0.1)},
            ValueError,
            "knows no noise",
        ),
        (
            {"loss": "cross-entropy", "model": sd.Shallow(scale=0.1)},
            ValueError,
            r"for answers between 0 and 1, and these go from -.*output=\"sigmoid\"",
        ),
    ],
)
def test_ways_of_learning_that_are_none_are_refused(options, error, message) -> None:
    with pytest.raises(error, match=message):
        learn(**options)


def test_cross_entropy_of_other_targets_is_refused() -> None:
    data = sd.branching_diffusion([2, 2], properties=10, seed=0)
    with pytest.raises(ValueError, match="for targets between 0 and 1, and these go from -1 to 1"):
        learn(sd.MLP(4, output="sigmoid"), data, loss="cross-entropy")


def test_provenance_names_how_it_was_learned() -> None:
    record = sd.get_provenance(
        learn(presentation="interleaved", loss="cross-entropy", momentum=0.5)
    )
    assert (record["presentation"], record["loss"], record["momentum"]) == (
        "interleaved", "cross-entropy", 0.5,
    )  # fmt: skip
    assert record["engine"] == "batched, traced"
