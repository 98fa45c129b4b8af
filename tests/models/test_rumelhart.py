"""Rumelhart's network: its parts, what it is shown, what it learns."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn

import semdev as sd
from semdev.building import build_all, show

WORLD = sd.load("rumelhart8")
PATTERNS = sd.make_patterns(WORLD, relations=True)


def build(model: sd.Rumelhart, seed: int = 0) -> nn.Module:
    return build_all(model, PATTERNS, [seed])[0]


def test_the_network_is_the_published_one() -> None:
    net = build(sd.Rumelhart())
    x = torch.tensor(PATTERNS.inputs, dtype=torch.float32)
    items, relations = x[:, :8], x[:, 8:]
    squash = stats.logistic.cdf
    w = {name: p.detach().numpy() for name, p in net.named_parameters()}
    r = squash(items.numpy() @ w["representation.weight"].T - 2)
    h = squash(np.hstack([r, relations.numpy()]) @ w["hidden.weight"].T - 2)
    expected = squash(h @ w["attributes.weight"].T - 2)
    np.testing.assert_allclose(net(x).detach(), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("model", "reach", "biases", "learned"),
    [
        (sd.Rumelhart(), math.sqrt(2.7), -2.0, False),
        (sd.Rumelhart(uniform=0.9, bias=0.5), 0.9, 0.5, False),
        (sd.Rumelhart(variance=0.27, bias="free"), 0.9, 0.0, True),
        (sd.Rumelhart(uniform=0.1, bias=None), 0.1, None, False),
    ],
)
def test_initial_weights_and_biases(model, reach, biases, learned) -> None:
    nets = [build(model, seed) for seed in range(60)]
    weights = torch.cat([p.flatten() for n in nets for p in n.parameters() if p.ndim == 2])
    assert float(weights.detach().abs().max()) == pytest.approx(reach, rel=1e-3)
    assert float(weights.detach().var()) == pytest.approx(reach**2 / 3, rel=0.03)
    found = [p for p in nets[0].parameters() if p.ndim == 1]
    assert len(found) == (0 if biases is None else 3)
    for bias in found:
        assert (bias == biases).all()
        assert bias.requires_grad is learned


def test_a_range_and_its_variance_are_the_same_network() -> None:
    one, other = (build(m) for m in (sd.Rumelhart(uniform=0.9), sd.Rumelhart(variance=0.27)))
    for p, q in zip(one.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.detach(), q.detach(), rtol=1e-6)


def test_it_is_shown_items_with_relations_unless_patterns_are_given() -> None:
    model = sd.Rumelhart()
    assert show(model, WORLD).inputs.shape == (32, 12)
    soft = sd.make_patterns(WORLD, relations=True, soft=(0.05, 0.95))
    assert show(model, soft) is soft
    with pytest.raises(ValueError, match=r"0 relations among 8 inputs: .*relations=True"):
        sd.train(model, sd.make_patterns(WORLD), seeds=1)
    bare = sd.Dataset(WORLD.properties.assign_coords(relation=("property", [""] * 36)))
    assert show(model, bare).inputs.shape == (8, 9)  # a single relation
    assert sd.train(model, bare, seeds=1, steps=3).sizes["item"] == 8


@pytest.fixture(scope="module")
def history() -> xr.Dataset:
    return sd.train(
        sd.Rumelhart(), WORLD, seeds=12, hidden=True, keep_weights=True, record=40, progress=False,
        dtype="float32",
    )  # fmt: skip


def test_it_learns_the_corpus_with_the_usual_settings(history: xr.Dataset) -> None:
    record = sd.get_provenance(history)
    assert (record["learning_rate"], record["steps"]) == (0.1, 6000)
    assert record["learning_rate_from"] == "the model's usual one"
    right = (history["output"].isel(time=-1) > 0.5) == (history["target"] > 0.5)
    assert (right.mean(("item", "property")) > 0.98).all()
    shared = history["target"].sum("item") > 1  # what is true of one item alone may be late
    assert right.sel(property=shared).mean() > 0.995


def test_hidden_layers_are_recorded_in_every_context(history: xr.Dataset) -> None:
    assert history["hidden_1"].dims == ("seed", "time", "item", "unit_1")
    assert history["hidden_1"].sizes["unit_1"] == 8
    assert history["hidden_2"].dims == ("seed", "time", "context", "item", "unit_2")
    net = sd.rebuild(history, sd.Rumelhart(), WORLD)[3]
    ask = torch.zeros(12, dtype=torch.float64)
    ask[WORLD.properties["item"].values.tolist().index("rose")] = 1
    ask[8 + history["context"].values.tolist().index("has")] = 1
    seen = []
    net.attributes.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    answer = net(ask)
    there = history.isel(time=-1, seed=3).sel(item="rose")
    np.testing.assert_allclose(seen[0], there["hidden_2"].sel(context="has"), atol=1e-5)
    has = history["relation"].values == "has"
    np.testing.assert_allclose(answer[has], there["output"][has], atol=1e-5)


def test_measures_apply_to_its_history(history: xr.Dataset) -> None:
    d = sd.differentiation(history)
    assert d["layer"].values.tolist() == ["output", "hidden_1"]
    half = d["half_time"].sel(layer="output")
    assert (half.isel(level=0) < half.isel(level=-1)).mean() > 0.9  # broad before fine
    pine = sd.overgeneralizations(history).sel(item="pine", property="has leaves")
    assert 0.25 < float(pine["peak"].median()) < 0.8
    assert (pine["excess"] > 0).mean() > 0.9
    assert np.isnan(sd.overgeneralizations(history)["predicted"]).all()
    one = history.sel(context="can")
    assert sd.similarity(one, layer="hidden_2").sizes["item"] == 8


@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(8)))
def test_items_may_come_in_any_order(order: list[int]) -> None:
    """A full sweep does not know it: with weights permuted alike, answers are."""
    items = WORLD.properties["item"].values
    moved = WORLD.select(items=items[order])
    weights = [w.copy() for w in sd.initial_weights(sd.Rumelhart(), WORLD, seeds=1)]
    kw = {"seeds": 1, "steps": 15, "record": 3, "progress": False}
    plain = sd.train(sd.Rumelhart(), WORLD, weights=weights, **kw)
    weights[0] = weights[0][:, :, order]
    turned = sd.train(sd.Rumelhart(), moved, weights=weights, **kw)
    np.testing.assert_allclose(turned["output"].sel(item=items), plain["output"], rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"representation": 0}, ValueError, "representation is a number of units, .*got 0"),
        ({"hidden": 2.5}, ValueError, "hidden is a number of units"),
        ({"activation": "sigmoidal"}, KeyError, "did you mean 'sigmoid'"),
        ({"bias": "fixed"}, ValueError, "\"free\" .learned. or None .absent.; got 'fixed'"),
        ({"bias": True}, ValueError, "bias is a number"),
        ({"variance": 0.9, "uniform": 0.9}, ValueError, "not by both"),
        ({"uniform": -1}, ValueError, "uniform must be a number above 0"),
        ({"noise": -0.1}, ValueError, "noise is a standard deviation"),
        ({"noise": True}, ValueError, "noise is a standard deviation"),
        ({"bias": np.zeros(3)}, ValueError, "bias is a number"),
        ({"activation": "relu"}, ValueError, "relu units with a fixed bias of -2 are off and stay"),
    ],
)
def test_settings_that_are_none_are_refused(options, error, message) -> None:
    with pytest.raises(error, match=message):
        sd.Rumelhart(**options)


def test_targets_that_sigmoid_units_cannot_reach_are_noticed() -> None:
    world = sd.branching_diffusion([2, 2], properties=10, seed=0)
    with pytest.warns(UserWarning, match="go down to -1, and every answer .* is above 0"):
        sd.train(sd.Rumelhart(), world, seeds=1, steps=3, progress=False)
