"""A user's own Rumelhart network, written as the book describes it, beside `sd.Rumelhart`."""

from __future__ import annotations

import math
import time
from statistics import median

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import semdev as sd

BOTH = ["output", "loss", "hidden_1", "hidden_2", "target", "time", "step"]


class MyRumelhart(nn.Module):
    """Three layers of logistic units whose biases stay at −2; weights of variance .9."""

    def __init__(self, n_inputs: int, n_outputs: int, n_relations: int) -> None:
        super().__init__()
        self.n_items = n_inputs - n_relations
        self.item_to_rep = nn.Linear(self.n_items, 8)
        self.rep_to_hidden = nn.Linear(8 + n_relations, 15)
        self.hidden_to_attribute = nn.Linear(15, n_outputs)
        for layer in (self.item_to_rep, self.rep_to_hidden, self.hidden_to_attribute):
            nn.init.uniform_(layer.weight, -math.sqrt(2.7), math.sqrt(2.7))
            nn.init.constant_(layer.bias, -2.0)
            layer.bias.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rep = torch.sigmoid(self.item_to_rep(x[:, : self.n_items]))
        hidden = torch.sigmoid(self.rep_to_hidden(torch.cat([rep, x[:, self.n_items :]], dim=1)))
        return torch.sigmoid(self.hidden_to_attribute(hidden))


class MyNoisyRumelhart(MyRumelhart):
    """The same with noise on the representation, by the layer that semdev offers for it."""

    def __init__(self, n_inputs: int, n_outputs: int, n_relations: int) -> None:
        super().__init__(n_inputs, n_outputs, n_relations)
        self.noise = sd.Noise(0.05)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rep = self.noise(torch.sigmoid(self.item_to_rep(x[:, : self.n_items])))
        hidden = torch.sigmoid(self.rep_to_hidden(torch.cat([rep, x[:, self.n_items :]], dim=1)))
        return torch.sigmoid(self.hidden_to_attribute(hidden))


class MyTwoPathRumelhart(MyRumelhart):
    """The same function, the relations by weights of their own."""

    def __init__(self, n_inputs: int, n_outputs: int, n_relations: int) -> None:
        super().__init__(n_inputs, n_outputs, n_relations)
        joined = self.rep_to_hidden
        self.relation_to_hidden = nn.Linear(n_relations, 15, bias=False)
        self.rep_to_hidden = nn.Linear(8, 15)
        with torch.no_grad():
            self.rep_to_hidden.weight.copy_(joined.weight[:, :8])
            self.relation_to_hidden.weight.copy_(joined.weight[:, 8:])
            self.rep_to_hidden.bias.copy_(joined.bias)
        self.rep_to_hidden.bias.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        relations = self.relation_to_hidden(x[:, self.n_items :])
        rep = torch.sigmoid(self.item_to_rep(x[:, : self.n_items]))
        hidden = torch.sigmoid(self.rep_to_hidden(rep) + relations)
        return torch.sigmoid(self.hidden_to_attribute(hidden))


@pytest.fixture(scope="module")
def world():
    return sd.load("rumelhart8")


@pytest.fixture(scope="module")
def patterns(world):
    return sd.make_patterns(world, relations=True)


def run(model, data, **options):
    usual = {"seeds": [0, 3], "steps": 20, "record": 4, "learning_rate": 0.1, "hidden": True}
    return sd.train(model, data, progress=False, **(usual | options))


def assert_same(mine, theirs):
    for name in BOTH:
        assert mine[name].dims == theirs[name].dims, name
        np.testing.assert_allclose(mine[name], theirs[name], rtol=0, atol=1e-10, err_msg=name)
    for name in ("seed", "item", "property", "relation", "context", "ancestor"):
        assert mine[name].values.tolist() == theirs[name].values.tolist()


@pytest.mark.parametrize("presentation", ["full batch", "per pattern", "interleaved", "sampled"])
def test_the_same_history_from_the_same_weights(world, patterns, presentation):
    start = sd.initial_weights(sd.Rumelhart(), world, seeds=[0, 3])
    mine = run(MyRumelhart, patterns, weights=start, presentation=presentation)
    theirs = run(sd.Rumelhart(), world, presentation=presentation)
    assert_same(mine, theirs)
    engines = [sd.get_provenance(history)["engine"] for history in (mine, theirs)]
    assert engines == ["batched, traced"] * 2
    assert float(mine["loss"][:, -1].max()) < float(mine["loss"][:, 0].min())


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": 0.9, "learning_rate": 0.02},
        {"batched": False, "steps": 5},
        {"loss": "cross-entropy", "presentation": "interleaved", "momentum": 0.5, "steps": 10},
    ],
)
def test_the_same_history_in_other_ways_of_learning(world, patterns, options):
    start = sd.initial_weights(sd.Rumelhart(), world, seeds=[0, 3])
    mine = run(MyRumelhart, patterns, weights=start, **options)
    theirs = run(sd.Rumelhart(), world, **options)
    assert_same(mine, theirs)
    engines = {sd.get_provenance(history)["engine"] for history in (mine, theirs)}
    assert len(engines) == 1


@pytest.mark.parametrize("presentation", ["full batch", "interleaved"])
def test_the_same_noise(world, patterns, presentation):
    start = sd.initial_weights(sd.Rumelhart(), world, seeds=[0, 3])
    mine = run(MyNoisyRumelhart, patterns, weights=start, presentation=presentation)
    theirs = run(sd.Rumelhart(noise=0.05), world, presentation=presentation)
    assert_same(mine, theirs)
    quiet = run(sd.Rumelhart(), world, presentation=presentation)
    assert np.abs(quiet["output"] - theirs["output"]).max() > 1e-6


def test_the_same_softened_and_frequent_patterns():
    world = sd.load("rogers2004")
    switched = sd.make_patterns(
        world, relations=True, soft=(0.05, 0.95), frequency={("dog", "ISA_basic"): 8, "has": 0.5}
    )
    start = sd.initial_weights(sd.Rumelhart(), world, seeds=[0, 3])
    runs = [
        run(MyRumelhart, switched, weights=start, learning_rate=0.05),
        run(sd.Rumelhart(), switched, learning_rate=0.05),
    ]
    assert_same(*runs)


def test_its_own_seeds_are_its_own_beginnings(patterns):
    alone = run(MyRumelhart, patterns, seeds=[3])
    among = run(MyRumelhart, patterns, seeds=[0, 1, 3])
    np.testing.assert_allclose(alone["output"], among["output"].sel(seed=[3]), atol=1e-12)
    assert np.abs(among["output"][0, 0] - among["output"][1, 0]).max() > 0.01


@pytest.mark.parametrize("presentation", ["full batch", "per pattern"])
def test_pytorchs_own_loop_gives_the_same(patterns, presentation):
    history = run(
        MyRumelhart, patterns, seeds=[5], steps=20, record=list(range(21)),
        presentation=presentation,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        net = MyRumelhart(12, 36, n_relations=4).double()
    inputs, targets = torch.tensor(patterns.inputs), torch.tensor(patterns.targets)
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    batches = [slice(None)] if presentation == "full batch" else [[k] for k in range(32)]
    losses = []
    for _ in range(21):
        losses.append(((net(inputs) - targets) ** 2).sum().item() / 2)
        for batch in batches:
            optimizer.zero_grad()
            (((net(inputs[batch]) - targets[batch]) ** 2).sum() / 2).backward()
            optimizer.step()
    np.testing.assert_allclose(history["loss"][0], losses, rtol=1e-10)


@settings(max_examples=8)
@given(st.permutations(range(8)), st.permutations(range(15)))
def test_the_order_of_its_units_is_nobodys_business(rep, hidden):
    patterns = sd.make_patterns(sd.load("rumelhart8"), relations=True)
    start = sd.initial_weights(MyRumelhart, patterns, seeds=[7])
    columns = [*rep, 8, 9, 10, 11]
    turned = [
        start[0][:, rep], start[1][:, hidden][:, :, columns], start[2][:, :, hidden],
    ]  # fmt: skip
    plain, other = (
        run(MyRumelhart, patterns, seeds=[7], steps=8, weights=weights, batched=False)
        for weights in (start, turned)
    )
    np.testing.assert_allclose(other["output"], plain["output"], atol=1e-10)
    np.testing.assert_allclose(other["hidden_1"], plain["hidden_1"][..., rep], atol=1e-10)
    np.testing.assert_allclose(other["hidden_2"], plain["hidden_2"][..., hidden], atol=1e-10)


def test_relations_by_weights_of_their_own_are_the_same_network(patterns):
    joined = run(MyRumelhart, patterns)
    apart = run(MyTwoPathRumelhart, patterns)
    np.testing.assert_allclose(apart["output"], joined["output"], atol=1e-10)
    np.testing.assert_allclose(apart["hidden_1"], joined["hidden_1"], atol=1e-10)
    np.testing.assert_allclose(apart["hidden_2"], joined["hidden_2"], atol=1e-10)


def test_its_fixed_biases_stay_and_its_weights_move(patterns):
    history = run(MyRumelhart, patterns, keep_weights=True)
    for layer in ("item_to_rep", "rep_to_hidden", "hidden_to_attribute"):
        assert (history[f"parameter_{layer}.bias"] == -2).all()
        weights = history[f"parameter_{layer}.weight"]
        assert (weights.isel(time=0) != weights.isel(time=-1)).any()
    first = sd.rebuild(history, MyRumelhart, patterns)[0]
    answers = first(torch.tensor(patterns.inputs)).numpy()
    np.testing.assert_allclose(patterns.read_back(answers), history["output"][0, -1], atol=1e-12)


def test_it_is_as_fast(world, patterns):
    options = {"seeds": 5, "steps": 150, "record": 2, "hidden": False}
    models = {"mine": (MyRumelhart, patterns), "theirs": (sd.Rumelhart(), world)}
    spent = {name: [] for name in models}
    # In turns, so that a slow moment slows both; CPU time, so that others do not.
    for _ in range(3):
        for name, (model, data) in models.items():
            before = time.process_time()
            history = run(model, data, **options)
            spent[name].append(time.process_time() - before)
            assert sd.get_provenance(history)["engine"] == "batched, traced"
    assert median(spent["mine"]) < 1.5 * median(spent["theirs"])
