"""Damage: what is lost is what was asked for, alike for every patient, and nothing else changes."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import semdev as sd
from semdev.damaging import damage
from semdev.damaging.lesions import count_share
from semdev.damaging.patients import KINDS

RUMELHART = sd.Rumelhart(5, 6)
LINEAR = sd.DeepLinear(hidden=12)


class Twice(nn.Module):
    """An item and a relation, and an answer that is a tuple, as course code has it."""

    def __init__(self, n_inputs, n_outputs, n_relations):
        super().__init__()
        self.items = n_inputs - n_relations
        self.first = nn.Linear(self.items, 4)
        self.second = nn.Linear(4 + n_relations, n_outputs)

    def forward(self, x):
        h = torch.tanh(self.first(x[:, : self.items]))
        return torch.sigmoid(self.second(torch.cat([x[:, self.items :], h], -1))), h


def learn(model, world, **options):
    options = {"seeds": [3, 8], "steps": 40, "record": 2, "learning_rate": 0.05} | options
    return sd.train(model, world, keep_weights=True, progress=False, **options)


@pytest.fixture(scope="module")
def world():
    return sd.load("rumelhart8")


@pytest.fixture(scope="module")
def net(world):
    return learn(RUMELHART, world)


@pytest.fixture(scope="module")
def linear(world):
    return learn(LINEAR, world, steps=2000, learning_rate=None)


def test_what_comes_back_is_labelled(net, world):
    found = damage(net, RUMELHART, world, kind="units", severity=[0.4, 0.2], draws=3)
    assert found["output"].dims == ("seed", "severity", "draw", "item", "property")
    assert found["seed"].values.tolist() == [3, 8]
    assert found["severity"].values.tolist() == [0.0, 0.2, 0.4]
    assert found["lost"].values.tolist() == [0, 1, 2]
    assert found["left"].values == pytest.approx([1.0, 0.8, 0.6])
    for name in ("relation", "frequency", "ancestor", "target"):
        assert found[name].values.tolist() == net[name].values.tolist()
    told = json.loads(found.attrs["provenance"])
    assert (told["kind"], told["layer"], told["draws"]) == ("units", "hidden_1", 3)
    assert told["at"] == pytest.approx(2.0)
    assert told["network"]["data"] == "rumelhart8"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", ["net", "linear"])
def test_severity_0_changes_nothing_and_more_changes_something(request, world, kind, which):
    history = request.getfixturevalue(which)
    model = RUMELHART if which == "net" else LINEAR
    found = damage(history, model, world, kind=kind, severity=[0.5], draws=2)
    healthy = history["output"].isel(time=-1).values[:, None]
    np.testing.assert_allclose(found["output"].values[:, 0], healthy.repeat(2, 1), atol=1e-12)
    assert (np.abs(found["output"].values[:, 1] - healthy).max((2, 3)) > 1e-4).all()


def apply_by_hand(net, kind, severity, random, own, n_items=8):
    """Damage Rumelhart's network as the docstring says, without any of the machinery."""
    net = copy.deepcopy(net)
    if kind == "units":
        order = random.permutation(own)
        net.hidden.weight[:, :own][:, order < count_share(severity, own)] = 0
    if kind == "weights":
        for weight in (net.representation.weight, net.hidden.weight[:, :own]):
            order = random.permutation(weight.numel()).reshape(weight.shape)
            weight[torch.tensor(order < count_share(severity, weight.numel()))] = 0
    if kind == "weight noise":
        normal = random.standard_normal(net.representation.weight.shape)
        net.representation.weight += severity * torch.tensor(normal)
    if kind == "noise":
        normal = torch.tensor(random.standard_normal((n_items, own)))

        class Add(nn.Module):
            def forward(self, r):
                return r + severity * normal.repeat_interleave(len(r) // n_items, 0)

        net.noise = Add()
    return net


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_what_one_would_do_by_hand(net, world, kind):
    found = damage(net, RUMELHART, world, kind=kind, severity=[0.3, 0.6], draws=2, seed=4)
    patterns = sd.make_patterns(world, relations=True)
    healthy = sd.rebuild(net, RUMELHART, world)
    with torch.no_grad():
        for k, number in enumerate([3, 8]):
            for draw in range(2):
                for level in (0.3, 0.6):
                    random = np.random.default_rng([4, number, draw])
                    hurt = apply_by_hand(healthy[k], kind, level, random, 5)
                    answer = patterns.read_back(hurt(torch.tensor(patterns.inputs)).numpy())
                    mine = found["output"].sel(seed=number, draw=draw, severity=level)
                    np.testing.assert_allclose(mine.values, answer, atol=1e-12)


def test_what_relations_bring_is_never_damaged(net, world):
    found = damage(net, RUMELHART, world, kind="units", severity=[1.0], draws=1)
    healthy = sd.rebuild(net, RUMELHART, world)[0]
    patterns = sd.make_patterns(world, relations=True)
    with torch.no_grad():
        healthy.hidden.weight[:, :5] = 0  # nothing of the item is left
        answer = patterns.read_back(healthy(torch.tensor(patterns.inputs)).numpy())
    np.testing.assert_allclose(found["output"].values[0, 1, 0], answer, atol=1e-12)
    assert np.ptp(answer, axis=0).max() < 1e-12  # all items alike
    assert np.ptp(answer, axis=1).max() > 0.01


def test_a_layer_that_follows_the_relation_is_found_in_any_module(world):
    history = learn(Twice, sd.make_patterns(world, relations=True))
    patterns = sd.make_patterns(world, relations=True)
    found = damage(history, Twice, patterns, kind="units", severity=[1.0], draws=1)
    assert (found["layer"].item(), int(found["units"])) == ("hidden_1", 4)
    assert np.ptp(found["output"].values[0, 1, 0], axis=0).max() < 1e-12


def test_other_layers_can_be_named(net, world):
    first, second = (
        damage(net, RUMELHART, world, kind="units", layer=layer, severity=[0.5], draws=1)
        for layer in ("hidden_1", "hidden_2")
    )
    assert (int(first["units"]), int(second["units"])) == (5, 6)
    assert np.abs(first["output"] - second["output"]).max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_a_patient_depends_on_nobody_else(net, world, kind):
    many = damage(net, RUMELHART, world, kind=kind, severity=[0.2, 0.4, 0.6], draws=3)
    one = damage(net.sel(seed=[8]), RUMELHART, world, kind=kind, severity=[0.4], draws=2)
    same = many.sel(seed=[8], severity=[0.0, 0.4]).isel(draw=[0, 1])
    np.testing.assert_allclose(one["output"].values, same["output"].values, atol=1e-12)
    other = damage(net.sel(seed=[8]), RUMELHART, world, kind=kind, severity=[0.4], draws=2, seed=1)
    assert np.abs(other["output"] - one["output"]).max() > 1e-3


def test_deletion_is_nested(linear, world):
    """A linear network loses with each unit exactly that unit's share of the answer."""
    levels = np.arange(13) / 12
    found = damage(linear, LINEAR, world, kind="units", severity=levels, draws=2)
    first, second = (
        linear[f"weights_{k}"].isel(time=-1).values for k in (1, 2)
    )  # fmt: skip
    for k in range(2):
        parts = np.einsum("ph,hi->hip", second[k], first[k])
        for draw in range(2):
            lost = -np.diff(found["output"].values[k, :, draw], axis=0)
            far = np.abs(lost[:, None] - parts[None]).max((2, 3))
            assert far.min(1).max() < 1e-12
            assert sorted(far.argmin(1)) == list(range(12))  # each unit once


def test_noise_grows_in_proportion(linear, world):
    found = damage(linear, LINEAR, world, kind="noise", severity=[0.5, 1.0], draws=2)["output"]
    rise = found - found.sel(severity=0.0)
    np.testing.assert_allclose(rise.sel(severity=1.0), 2 * rise.sel(severity=0.5), atol=1e-12)


class Stubborn(nn.Module):
    """Looks at its own numbers, which no batch of networks can."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_inputs, 3), nn.Linear(3, n_outputs))

    def forward(self, x):
        y = self.net(x)
        return y if y.detach().sum().item() < 1e9 else -y


def test_modules_that_cannot_be_batched_are_damaged_one_by_one(world):
    with pytest.warns(UserWarning, match="one after the other"):
        history = learn(Stubborn, world, seeds=1, learning_rate=0.01)
    found = damage(history, Stubborn, world, kind="units", severity=[1.0], draws=2)
    assert np.ptp(found["output"].sel(severity=1.0).values, axis=2).max() < 1e-12


def test_time_can_be_chosen(net, world):
    early = damage(net, RUMELHART, world, severity=[0.1], draws=1, at=0)
    np.testing.assert_allclose(
        early["output"].values[:, 0, 0], net["output"].values[:, 0], atol=1e-12
    )


def test_a_network_without_hidden_layer_has_weights_to_lose(world):
    history = learn(sd.Shallow(), world, learning_rate=None)
    found = damage(history, sd.Shallow(), world, kind="weights", severity=[0.5, 1.0], draws=1)
    assert found["lost"].values.tolist() == [0, 144, 288]
    assert (found["output"].sel(severity=1.0) == 0).all()
    kept = found["output"].sel(severity=0.5).values != 0
    assert kept.mean() == pytest.approx(0.5)
    with pytest.raises(ValueError, match=r'has no hidden layer; kind="weights"'):
        damage(history, sd.Shallow(), world, kind="units")


@pytest.mark.parametrize("kind", ["units", "weights"])
def test_what_is_lost_stays_lost_while_the_rest_learns(net, world, kind):
    options = {"kind": kind, "severity": [0.4, 1.0], "draws": 2}
    plain = damage(net, RUMELHART, world, **options)
    slow = damage(net, RUMELHART, world, relearn=60, progress=False, **options)
    assert int(slow["relearned"]) == 60
    np.testing.assert_allclose(slow["output"].values[:, 0], plain["output"].values[:, 0])
    error = [((d["output"] - d["target"]) ** 2).sum(("item", "property")) for d in (plain, slow)]
    assert (error[1] < error[0]).sel(severity=[0.4, 1.0]).all()
    if kind == "units":  # nothing of the item is left, however much is learned
        assert np.ptp(slow["output"].sel(severity=1.0).values, axis=2).max() < 1e-6
    alone = damage(
        net.sel(seed=[8]), RUMELHART, world, relearn=60, progress=False, **options | {"draws": 1}
    )
    same = slow["output"].sel(seed=[8]).isel(draw=[0])
    np.testing.assert_allclose(alone["output"].values, same.values, atol=1e-6)


def test_relearning_is_ordinary_learning_with_a_mask(world):
    """Against an own loop of gradient descent, with noise and a fixed bias left as they are."""
    history = learn(RUMELHART, world, seeds=1)
    patterns = sd.make_patterns(world, relations=True)
    slow = damage(
        history, RUMELHART, world, kind="units", severity=[0.4, 0.8], draws=1, relearn=7,
        progress=False,
    )  # fmt: skip
    rank = np.random.default_rng([0, 0, 0]).permutation(5)
    net = sd.rebuild(history, RUMELHART, world)[0]
    free = [part.weight.requires_grad_(True) for part in (net.representation, net.hidden,
                                                          net.attributes)]  # fmt: skip
    x, y = torch.tensor(patterns.inputs), torch.tensor(patterns.targets)
    for level, lost in ((0.4, 2), (0.8, 4)):
        gone = torch.tensor(np.append(rank < lost, np.zeros(4, bool)))
        for _ in range(7):
            with torch.no_grad():
                net.hidden.weight[:, gone] = 0
            loss = ((net(x) - y) ** 2).sum() / 2
            slopes = torch.autograd.grad(loss, free)
            with torch.no_grad():
                for weight, slope in zip(free, slopes, strict=True):
                    weight -= 0.05 * slope
                net.hidden.weight[:, gone] = 0
        with torch.no_grad():
            answer = patterns.read_back(net(x).numpy())
        np.testing.assert_allclose(
            slow["output"].sel(severity=level).values[0, 0], answer, atol=1e-10
        )


def test_noisy_networks_relearn_alone_as_among_others(world):
    model = sd.Rumelhart(5, 6, noise=0.1)
    history = learn(model, world)
    options = {"kind": "units", "severity": [0.4], "relearn": 5, "progress": False}
    both = damage(history, model, world, draws=2, **options)
    one = damage(history.sel(seed=[8]), model, world, draws=1, **options)
    same = both["output"].sel(seed=[8]).isel(draw=[0]).values
    np.testing.assert_allclose(one["output"].values, same, atol=1e-12)


@settings(max_examples=5)
@given(order=st.permutations(range(6)), kind=st.sampled_from(["units", "noise"]))
def test_renaming_hidden_units_changes_nothing_that_is_seen(order, kind):
    """Units have no names: with all of them gone, and in how far noise scatters."""
    world = sd.load("saxe2019")
    history = learn(sd.DeepLinear(hidden=6), world, seeds=1, steps=300, learning_rate=None)
    turned = history.assign(
        weights_1=history["weights_1"].isel(unit_1=list(order)),
        weights_2=history["weights_2"].isel(unit_1=list(order)),
    )
    model = sd.DeepLinear(hidden=6)
    options = {"kind": kind, "severity": [0.5, 1.0], "draws": 200 if kind == "noise" else 1}
    one, other = (damage(h, model, world, **options) for h in (history, turned))
    if kind == "units":
        np.testing.assert_allclose(
            one["output"].sel(severity=1.0), other["output"].sel(severity=1.0), atol=1e-12
        )
        return
    spread = [d["output"].sel(severity=1.0).std(("draw", "item")) for d in (one, other)]
    np.testing.assert_allclose(spread[0], spread[1], rtol=0.2)


def test_the_given_history_stays_as_it_was(net, world):
    before = net.copy(deep=True)
    random = torch.get_rng_state()
    damage(net, RUMELHART, world, kind="units", severity=[0.5], draws=1, relearn=2, progress=False)
    assert net.identical(before)
    assert torch.equal(torch.get_rng_state(), random)


def test_files_keep_everything(net, world, tmp_path):
    found = damage(net, RUMELHART, world, severity=[0.2], draws=1)
    found.to_netcdf(tmp_path / "patients.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "patients.nc", engine="h5netcdf") as read:
        xr.testing.assert_allclose(read.load()["output"], found["output"])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kind": "unit"}, KeyError, "no kind of damage 'unit' in damage; did you mean 'units'?"),
        ({"layer": "hidden_3"}, KeyError, r"no layer 'hidden_3' in Rumelhart.*did you mean"),
        ({"severity": [-0.1]}, ValueError, "severity of 'noise' is a standard deviation, at least"),
        ({"severity": []}, ValueError, "severity of 'noise' is a standard deviation"),
        ({"severity": [np.inf]}, ValueError, "is a finite number"),
        ({"kind": "units", "severity": [1.5]}, ValueError, "a share of them, 0 to 1; got"),
        ({"draws": 0}, ValueError, "draws is a whole number, at least 1; got 0"),
        ({"seed": -1}, ValueError, "seed is a whole number, at least 0; got -1"),
        ({"relearn": 2.5}, ValueError, "relearn is a whole number, at least 0; got 2.5"),
        ({"relearn": 5}, ValueError, "'noise' takes nothing away, and would simply be unlearned"),
    ],
)
def test_bad_requests_are_refused_with_a_reason(net, world, options, error, message):
    with pytest.raises(error, match=message):
        damage(net, RUMELHART, world, **options)
