"""Interventions: new weights really trained, against the closed form, plain torch, and turns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import semdev as sd
from semdev.interventions import teach_item, teach_property
from semdev.measures.induction import project_item, project_property
from semdev.training import DivergenceError

CONVERGED = 1e-9


def grow(model, world, **options):
    """Train, with everything kept."""
    rest = {"seeds": 2, "record": 40, "hidden": True, "keep_weights": True, "progress": False}
    return sd.train(model, world, **{**rest, **options})


@pytest.fixture(scope="module")
def deep():
    return grow(sd.DeepLinear(hidden=16), sd.load("rumelhart8"))


@pytest.fixture(scope="module")
def tanh():
    return grow(sd.MLP(hidden=16, activation="tanh"), sd.load("rumelhart8"), learning_rate=0.05)


def assert_ends_as(lesson, expected, name):
    """Compare the last answers with a closed form at the same ages."""
    there = expected.sel(time=lesson["time"])
    np.testing.assert_allclose(lesson["answer"].isel(practice=-1), there[name], atol=1e-6)


# one thing taught


@pytest.mark.parametrize("ages", [None, 5.0, [0.0, 2.0, 4.0, 1e9]])
def test_trained_properties_end_as_projected(deep, ages):
    lesson = teach_property(deep, "canary", at=ages)
    assert lesson["answer"].dims == ("seed", "time", "practice", "item")
    assert lesson.sizes["time"] == np.size(ages) if ages is not None else 1
    assert_ends_as(lesson, project_property(deep, "canary"), "projection")
    assert (lesson["error"] < CONVERGED).all()


def test_trained_items_end_as_projected(deep):
    lesson = teach_item(deep, "can fly", at=[0.0, 3.0, 8.0])
    assert lesson["answer"].dims == ("seed", "time", "practice", "property")
    assert_ends_as(lesson, project_item(deep, "can fly"), "projection")
    assert (lesson["error"] < CONVERGED).all()


@pytest.mark.parametrize("layers", [[8], [8, 7], [8, 7, 6]])
def test_every_depth(layers):
    history = grow(sd.DeepLinear(layers, scale=0.4), sd.load("saxe2019"), steps=300)
    for teach, measure, name in (
        (teach_property, project_property, "salmon"), (teach_item, project_item, "can swim"),
    ):  # fmt: skip
        lesson = teach(history, name, at=[0, 5])
        assert_ends_as(lesson, measure(history, name), "projection")


@pytest.mark.parametrize("teach", [teach_property, teach_item])
def test_every_step_is_as_predicted(deep, teach):
    what = (
        {"canary": 1.0, "oak": -0.5} if teach is teach_property else {"can fly": 1, "has roots": 2}
    )
    for rate in (None, 0.02):
        lesson = teach(deep, what, at=[2.0, 6.0], learning_rate=rate, steps=60, record=60)
        np.testing.assert_allclose(lesson["answer"], lesson["predicted"], atol=1e-9)
        assert not lesson["answer"].isel(practice=0).any()
        if rate is not None:
            assert (lesson["learning_rate"] == rate).all()


def test_one_item_is_learned_exponentially(deep):
    """After n steps of size λ the answer is 1 − (1 − λ |h|²)ⁿ."""
    lesson = teach_property(
        deep, "salmon", at=6.0, learning_rate=0.01, steps=100, record=[0, 7, 50]
    )
    size = np.sum(deep["hidden_1"].sel(time=lesson["time"], item="salmon") ** 2, axis=-1).values
    expected = 1 - (1 - 0.01 * size[..., None]) ** lesson["practice"].values
    np.testing.assert_allclose(lesson["answer"].sel(item="salmon"), expected, atol=1e-12)


def test_older_networks_learn_faster(deep):
    """Their hidden vectors are longer, so that the same rate goes farther."""
    lesson = teach_property(deep, "salmon", at=[0.0, 1e9], learning_rate=0.01, steps=20)
    learned = lesson["answer"].sel(item="salmon").isel(practice=-1)
    assert (learned.isel(time=-1) > 100 * learned.isel(time=0)).all()


# several things taught


def test_several_items_and_properties_at_once(deep):
    item = {"canary": 1.0, "salmon": 0.0, "oak": 1.0}
    lesson = teach_property(deep, item, at=1e9, steps=4_000, record=3)
    assert (lesson["error"] < 1e-6).all()
    np.testing.assert_allclose(
        lesson["answer"].isel(practice=-1)[0, 0].sel(item=list(item)),
        list(item.values()),
        atol=1e-6,
    )
    assert_ends_as(lesson, project_property(deep, item), "projection")
    lesson = teach_item(deep, ["can fly", "can swim"], at=1e9, steps=1_000, record=3)
    assert_ends_as(lesson, project_item(deep, ["can fly", "can swim"]), "projection")


# shallow networks


def test_a_shallow_network_tells_nobody_else():
    history = grow(sd.Shallow(), sd.load("rumelhart8"), hidden=False)
    for teach, name in ((teach_property, "canary"), (teach_item, "can fly")):
        lesson = teach(history, name, at=[0, 1e9])
        others = lesson["answer"].where(lesson["taught"].isnull(), drop=True)
        assert float(np.abs(others).max()) == 0.0
        assert (lesson["error"] < CONVERGED).all()


def test_a_shallow_network_with_correlated_inputs():
    world, codes = sd.load("saxe2019"), np.eye(4) + 0.5
    history = grow(sd.Shallow(), sd.make_patterns(world, inputs=codes), hidden=False, steps=20)
    lesson = teach_property(history, "oak", inputs=codes)
    expected = project_property(history, "oak", inputs=codes)
    assert_ends_as(lesson, expected, "projection")
    assert float(lesson["answer"].sel(item="rose").isel(practice=-1).min()) > 0.5


# nonlinear networks


def test_the_read_out_of_a_nonlinear_layer_is_exact(tanh):
    lesson = teach_property(tanh, {"canary": 1.0, "oak": 0.0}, at=[5.0, 1e9], steps=4_000, record=3)
    assert_ends_as(lesson, project_property(tanh, {"canary": 1.0, "oak": 0.0}), "projection")
    np.testing.assert_allclose(lesson["answer"], lesson["predicted"], atol=1e-9)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_new_items_of_nonlinear_networks_are_plain_torch(activation):
    """The whole network with one more column, in which that column alone descends."""
    model = sd.MLP(hidden=[9, 8], activation=activation, output="sigmoid", scale=0.5)
    history = grow(model, sd.load("saxe2019"), seeds=2, steps=200, learning_rate=0.1)
    lesson = teach_item(
        history,
        ["can fly", "can move"],
        model=model,
        learning_rate=0.3,
        steps=50,
        record=[0, 20, 50],
    )
    net = model(5, 7).double()
    weights = [p for p in net.parameters() if p.ndim == 2]
    with torch.no_grad():
        for k, p in enumerate(weights, 1):
            matrix = torch.tensor(history[f"weights_{k}"].values[1, -1])
            p.copy_(torch.cat([matrix, torch.zeros(9, 1)], 1) if k == 1 else matrix)
    known = [history["property"].values.tolist().index(p) for p in ("can fly", "can move")]
    shown = torch.eye(5, dtype=torch.float64)[4:]
    for _ in range(50):
        loss = ((net(shown)[:, known] - 1) ** 2).sum() / 2
        (slope,) = torch.autograd.grad(loss, weights[0])
        with torch.no_grad():
            weights[0][:, 4] -= 0.3 * slope[:, 4]
    expected = net(shown).detach().numpy()[0]
    np.testing.assert_allclose(lesson["answer"].values[1, 0, -1], expected, atol=1e-10)
    assert lesson["predicted"].isnull().all()


def test_a_linear_model_may_be_named_or_not(deep):
    bare = teach_item(deep, "can fly", at=5.0)
    named = teach_item(deep, "can fly", at=5.0, model=sd.DeepLinear(hidden=16))
    np.testing.assert_allclose(named["answer"], bare["answer"], atol=1e-9)


# contexts, and sigmoid units


@pytest.fixture(scope="module")
def rumelhart():
    return grow(sd.Rumelhart(), sd.load("rumelhart8"), seeds=4, steps=1200, record=[0, 300, 1200])


def test_a_property_is_taught_in_a_context(rumelhart):
    for context in ("can", "has"):
        lesson = teach_property(rumelhart, "canary", at=[30, 120], context=context)
        there = rumelhart.sel(context=context)
        assert lesson["answer"].equals(teach_property(there, "canary", at=[30, 120])["answer"])
        assert_ends_as(lesson, project_property(there, "canary"), "projection")
        np.testing.assert_allclose(lesson["answer"], lesson["predicted"], atol=1e-9)
    # All plants can do the same, but trees and flowers look different.
    oak = {c: teach_property(rumelhart, "oak", context=c)["answer"].isel(time=0, practice=-1)
           for c in ("can", "is")}  # fmt: skip
    far = {c: 1 - answer.sel(item=["rose", "daisy"]).mean("item") for c, answer in oak.items()}
    assert far["can"].median() < far["is"].median()


@pytest.mark.parametrize("bias", [0.0, -2.0])
def test_a_sigmoid_unit_shares_its_net_input_as_a_linear_one_its_output(rumelhart, bias):
    """σ⁻¹(ŷ_j) − b is to σ⁻¹(ŷ_i) − b as h_jᵀh_i to |h_i|², at every step of practice."""
    lesson = teach_property(
        rumelhart, "salmon", at=[0, 30, 120], context="is", output="sigmoid", bias=bias
    )
    net_input = np.log(lesson["answer"] / (1 - lesson["answer"])) - bias
    shared = project_property(rumelhart.sel(context="is"), "salmon")["projection"]
    np.testing.assert_allclose(
        net_input, net_input.sel(item="salmon") * shared.sel(time=lesson["time"]), atol=1e-8
    )
    assert (lesson["error"] < 0.1).all()
    assert lesson["predicted"].isnull().all()
    np.testing.assert_allclose(lesson["answer"].isel(practice=0), 1 / (1 + np.exp(-bias)))


def test_a_sigmoid_unit_is_plain_torch(rumelhart):
    taught = {"canary": 1.0, "oak": 0.2}
    lesson = teach_property(
        rumelhart, taught, context="has", output="sigmoid", bias=-1.0, learning_rate=0.3, steps=30
    )
    h = torch.tensor(rumelhart["hidden_2"].sel(context="has").values[2, -1])
    rows = [rumelhart["item"].values.tolist().index(name) for name in taught]
    w = torch.zeros(15, dtype=torch.float64, requires_grad=True)
    for _ in range(30):
        off = torch.sigmoid(h[rows] @ w - 1) - torch.tensor([1.0, 0.2], dtype=torch.float64)
        (slope,) = torch.autograd.grad((off**2).sum() / 2, w)
        w = (w - 0.3 * slope).detach().requires_grad_()
    expected = torch.sigmoid(h @ w - 1).detach().numpy()
    np.testing.assert_allclose(lesson["answer"].values[2, 0, -1], expected, atol=1e-10)


def test_contexts_and_units_that_are_none_are_refused(rumelhart, deep):
    for error, message, options in (
        (ValueError, "the last hidden layer, hidden_2, differs with the relation asked", {}),
        (KeyError, r"no context 'hass' in the hidden layers.*did you mean 'has'",
         {"context": "hass"}),
        (KeyError, "no output 'sigmoidal' in teach_property; did you mean 'sigmoid'",
         {"context": "has", "output": "sigmoidal"}),
        (ValueError, 'a bias of -2 is for output="sigmoid"', {"context": "has", "bias": -2}),
        (ValueError, "bias is the net input", {"context": "has", "bias": None}),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            teach_property(rumelhart, "canary", **options)
    with pytest.raises(ValueError, match="a sigmoid unit answers between 0 and 1"):
        teach_property(deep, {"canary": 2.0}, output="sigmoid")
    with pytest.raises(KeyError, match=r"no context 'has' in the hidden layers.*there are none"):
        teach_property(deep, "canary", context="has")


# whatever the data


def test_any_data(tmp_path):
    sd.load("rumelhart8").to_csv(tmp_path / "table.csv")
    for world in (
        sd.load("rogers2004"), sd.Dataset.from_csv(tmp_path / "table.csv"),
        sd.branching_diffusion([2, 2, 2], seed=3, properties=40),
    ):  # fmt: skip
        history = grow(sd.DeepLinear(hidden=24), world, dtype="float32")
        for teach, measure, dim in (
            (teach_property, project_property, "item"), (teach_item, project_item, "property"),
        ):  # fmt: skip
            name = history[dim].values[1]
            lesson = teach(history, name)
            there = measure(history, name)["projection"].isel(time=[-1])
            np.testing.assert_allclose(lesson["answer"].isel(practice=-1), there, atol=1e-4)


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 999))
def test_neither_units_nor_order_matter(deep, seed):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    order = rng.permutation(deep.sizes["item"])
    some = deep.isel(time=[10, -1])
    turned = some.assign(hidden_1=some["hidden_1"].copy(data=some["hidden_1"].values @ turn))
    ours, theirs = (
        teach_property(h, ["oak", "robin"], at=[0, 1e9], steps=30)["answer"]
        for h in (some, turned.isel(item=order))
    )
    xr.testing.assert_allclose(ours, theirs.sel(item=some["item"]), atol=1e-9)


def test_the_history_and_the_random_state_stay_as_they_were(tanh):
    before, state = tanh.copy(deep=True), torch.random.get_rng_state()
    teach_property(tanh, "canary", steps=3)
    teach_item(tanh, "can fly", model=sd.MLP(hidden=16, activation="tanh"), steps=3)
    assert tanh.identical(before)
    assert torch.equal(torch.random.get_rng_state(), state)


# what is said


def test_what_cannot_be_taught_is_said(deep, tanh):
    with pytest.raises(KeyError, match="no item 'canari' in this History; did you mean 'canary'"):
        teach_property(deep, "canari")
    with pytest.raises(ValueError, match="at is an age"):
        teach_property(deep, "canary", at=[])
    with pytest.raises(ValueError, match="depends on the weights above it"):
        teach_item(deep.drop_vars(["weights_1", "weights_2"]), "can fly")
    with pytest.raises(ValueError, match="the network is nonlinear"):
        teach_item(tanh, "can fly")
    with pytest.raises(DivergenceError, match="diverged by step"):
        teach_property(deep, "canary", learning_rate=1e3)
    silent = deep.assign(hidden_1=deep["hidden_1"] * 0)
    with pytest.raises(ValueError, match="hidden vectors of 0 in 2 networks: nothing can be learn"):
        teach_property(silent, "canary")


def test_rumelharts_network_is_taught_items_elsewhere(rumelhart):
    for history in (rumelhart, rumelhart[["output", "target", "loss"]]):
        for model in (None, sd.Rumelhart()):
            with pytest.raises(ValueError, match=r"no chain .* semdev.place_item\(history, model"):
                teach_item(history, "can fly", model=model)


def test_a_wrong_model_is_refused(tanh):
    for model, message in (
        (sd.MLP(hidden=15), r"weight matrices \[\(15, 8\), \(36, 15\)\]; an nn.Sequential with"),
        (sd.MLP(hidden=16, activation="relu"), "gives other answers than it holds"),
        (sd.MLP(hidden=16, bias=True), "model has biases, which a History does not keep"),
        (lambda n, m: nn.Sequential(nn.Tanh(), nn.Linear(n, m)), "is needed"),
    ):
        with pytest.raises(ValueError, match=message):
            teach_item(tanh, "can fly", model=model)
    with pytest.raises(ValueError, match="the weights of a network with hidden layers are needed"):
        teach_item(tanh.drop_vars(["weights_1", "weights_2"]), "can fly", model=sd.MLP(16))


def test_relu_units_are_silent_at_zero():
    model = sd.MLP(hidden=16, activation="relu")
    history = grow(model, sd.load("saxe2019"), seeds=1, steps=5, learning_rate=0.01)
    with pytest.raises(ValueError, match="slopes of 0 in 1 networks: nothing can be learned"):
        teach_item(history, "can fly", model=model)
