"""New items: against closed forms, plain torch, what must come out, and turns."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import semdev as sd
from semdev.interventions import feature_weights, place_item
from semdev.measures.induction import project_item

RUMELHART = sd.Rumelhart(6, 10)


@pytest.fixture(scope="module")
def world():
    return sd.load("rumelhart8")


@pytest.fixture(scope="module")
def child(world):
    """Rumelhart's network at three ages."""
    return sd.train(
        RUMELHART, world, seeds=3, steps=1500, record=[0, 400, 1500], keep_weights=True,
        hidden=True, progress=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def deep(world):
    return sd.train(sd.DeepLinear(16), world, seeds=2, record=20, keep_weights=True, progress=False)


def weights_of(child, seed, time=-1):
    """Return each layer's weights and biases of one network, as tensors."""
    one = child.isel(seed=seed, time=time)
    return {
        str(name).removeprefix("parameter_"): torch.tensor(one[name].values)
        for name in child.data_vars if str(name).startswith("parameter_")
    }  # fmt: skip


def forget_patterns(history):
    """Return a History that does not say in which order its items were shown."""
    made = {k: v for k, v in sd.get_provenance(history).items() if k != "patterns"}
    return history.assign_attrs(provenance=json.dumps(made))


def answer_by_hand(parts, column, relation):
    """Return representation and attributes of an item with these input weights."""
    r = torch.sigmoid(column + parts["representation.bias"])
    both = torch.cat([r, torch.eye(4, dtype=torch.float64)[relation]])
    h = torch.sigmoid(parts["hidden.weight"] @ both + parts["hidden.bias"])
    return r, torch.sigmoid(parts["attributes.weight"] @ h + parts["attributes.bias"])


# placing a new item


@pytest.mark.parametrize("loss", ["squared error", "cross-entropy"])
def test_placing_is_descent_in_plain_torch(child, world, loss):
    known = {"can fly": 1.0, "is red": 0.0}
    found = place_item(
        child, RUMELHART, world, known, at=1e9, loss=loss, learning_rate=0.4, steps=25,
        record=[0, 10, 25],
    )  # fmt: skip
    relations, names = sorted({"ISA", "is", "can", "has"}), child["property"].values.tolist()
    parts = weights_of(child, 2)
    column = parts["representation.weight"].mean(1).clone().requires_grad_()
    for _ in range(25):
        cost = torch.zeros((), dtype=torch.float64)
        for name, value in known.items():
            y = answer_by_hand(parts, column, relations.index(name.split()[0]))[1]
            y = y[names.index(name)]
            right = y if value else 1 - y
            cost = cost + ((value - y) ** 2 / 2 if loss == "squared error" else -right.log())
        (slope,) = torch.autograd.grad(cost, column)
        column = (column - 0.4 * slope).detach().requires_grad_()
    for k, relation in enumerate(relations):
        r, y = (x.detach().numpy() for x in answer_by_hand(parts, column, k))
        own = [name.split()[0] == relation for name in names]
        np.testing.assert_allclose(found["answer"].values[2, 0, -1][own], y[own], atol=1e-10)
        np.testing.assert_allclose(found["representation"].values[2, 0, -1], r, atol=1e-10)
    layer = child["hidden_1"].values[2, -1]
    np.testing.assert_allclose(
        found["distance"].values[2, 0, -1], np.linalg.norm(layer - r, axis=1), atol=1e-6
    )
    assert found["nearest"].values[2, 0] == child["item"].values[
        np.linalg.norm(layer - r, axis=1).argmin()
    ]  # fmt: skip
    assert (found["learning_rate"] == 0.4).all()


def test_it_starts_in_the_middle_or_from_nothing(child, world):
    for start, column in (("mean", lambda w: w.mean(1)), ("zero", lambda w: w[:, 0] * 0)):
        found = place_item(child, RUMELHART, world, "can fly", start=start, steps=2, record=[0])
        parts = weights_of(child, 1)
        r, _ = answer_by_hand(parts, column(parts["representation.weight"]), 0)
        np.testing.assert_allclose(found["representation"].values[1, 0, 0], r, atol=1e-10)


@pytest.mark.parametrize("known", ["has wings", {"can fly": 1.0, "has roots": 0.5}])
def test_in_linear_networks_it_ends_as_the_closed_form(deep, world, known):
    found = place_item(deep, sd.DeepLinear(16), world, known, at=[3.0, 1e9], start="zero",
                       steps=3000, record=[3000])  # fmt: skip
    expected = project_item(deep, known)["projection"].sel(time=found["time"])
    np.testing.assert_allclose(found["answer"].isel(practice=-1), expected, atol=1e-5)
    assert float(found["error"].max()) < 1e-5
    taught = sd.teach_item(deep, known, at=[3.0, 1e9], steps=3000, record=[3000])
    np.testing.assert_allclose(found["answer"], taught["answer"], atol=1e-5)


def test_what_is_told_of_a_known_item_finds_it(deep, world):
    """All of an item's properties lead to its own representation, for they have room for it."""
    model = sd.DeepLinear(16)
    for item in ("canary", "oak"):
        all_of_it = dict(
            zip(world.properties["property"].values, world.properties.sel(item=item).values,
                strict=True)
        )  # fmt: skip
        found = place_item(deep, model, world, all_of_it, steps=4000, record=[4000])
        assert (found["nearest"] == item).all()
        assert float(found["distance"].sel(item=item).isel(practice=-1).max()) < 0.01


def test_a_bird_is_placed_among_birds(child, world):
    found = place_item(child, RUMELHART, world, "can fly", at=1e9, loss="cross-entropy", steps=600)
    assert found["nearest"].isin(["robin", "canary"]).mean() > 0.5
    answer = found["answer"].isel(practice=-1, time=0)
    for name, low, high in (
        ("has wings", 0.7, 1), ("has skin", 0.7, 1), ("has roots", 0, 0.3), ("has gills", 0, 0.3),
    ):  # fmt: skip
        assert answer.sel(property=name).median() == pytest.approx((low + high) / 2, abs=0.151)


def test_before_learning_nothing_follows(child, world):
    """In an untrained network a known property says nothing about kinds."""
    found = place_item(child, RUMELHART, world, "can fly", at=[0.0, 1e9], loss="cross-entropy")
    spread = found["answer"].isel(practice=-1) - found["answer"].isel(practice=0)
    wings = spread.sel(property="has wings") - spread.sel(property="has gills")
    assert (wings.isel(time=0) < wings.isel(time=1)).all()


def test_a_shallow_network_infers_nothing(world):
    history = sd.train(sd.Shallow(), world, seeds=2, keep_weights=True, progress=False)
    found = place_item(history, sd.Shallow(), world, "can fly", steps=500)
    moved = found["answer"].isel(practice=-1) - found["answer"].isel(practice=0)
    assert float(np.abs(moved.drop_sel(property="can fly")).max()) == 0.0
    assert float(found["error"].max()) < 1e-6
    weighed = feature_weights(history, sd.Shallow(), world, domains=["plant"], steps=50)
    assert float(weighed["weight"].max()) < 1e-12


def test_layers_that_read_items_and_relations_together(world):
    """Then the first layer differs in every context, and so does the representation."""
    model, shown = sd.MLP(9, activation="tanh"), sd.make_patterns(world, relations=True)
    history = sd.train(
        model, shown, seeds=2, steps=1500, learning_rate=0.01, record=3, keep_weights=True,
        progress=False,
    )  # fmt: skip
    found = place_item(history, model, shown, "can fly", steps=400, record=5)
    assert found["representation"].dims == ("seed", "time", "practice", "context", "unit_1")
    assert float(found["error"].max()) < 0.1
    net = sd.rebuild(history, model, shown)[0]
    own = net(torch.tensor(shown.inputs)).numpy()[shown.asked[0], np.arange(36)]
    np.testing.assert_allclose(own, history["output"].values[0, -1, 0], atol=1e-9)


def test_codes_soft_targets_and_ages(world):
    codes = np.random.default_rng(1).normal(size=(8, 12))
    model, shown = sd.Rumelhart(5, 7), sd.make_patterns(world, relations=True, inputs=codes,
                                                         soft=(0.1, 0.9))  # fmt: skip
    history = sd.train(
        model, shown, seeds=[4, 2], steps=600, record=[0, 300, 600], keep_weights=True,
        progress=False,
    )  # fmt: skip
    found = place_item(history, model, shown, "is living", at=[30, 60], steps=800, record=3)
    assert found["answer"].shape == (2, 2, 3, 36)
    assert found["seed"].values.tolist() == [4, 2]
    last = found["answer"].isel(practice=-1).sel(property="is living")
    np.testing.assert_allclose(np.abs(last - 0.9), found["error"], atol=1e-12)
    alone = place_item(history.sel(seed=[2]), model, shown, "is living", at=30, steps=800, record=3)
    np.testing.assert_allclose(alone["answer"][0, 0], found["answer"][1, 0], atol=1e-9)


@settings(deadline=None, max_examples=3)
@given(seed=st.integers(0, 999))
def test_neither_units_nor_order_matter(child, world, seed):
    """Representation units may be numbered, and known items listed, in any order."""
    rng = np.random.default_rng(seed)
    units, items = rng.permutation(6), rng.permutation(8)
    some = child.isel(time=[-1])
    there = {str(name): some[name].copy() for name in some.data_vars}
    w, b, above = (f"parameter_{n}" for n in ("representation.weight", "representation.bias",
                                              "hidden.weight"))  # fmt: skip
    there[w].values = there[w].values[:, :, units][..., items]
    there[b].values = there[b].values[:, :, units]
    there[above].values = there[above].values[..., [*units, 6, 7, 8, 9]]
    turned = some.assign({k: there[k] for k in (w, b, above)})
    names = some["item"].values[items]
    turned = forget_patterns(turned.drop_vars(["hidden_1", "hidden_2"]).isel(item=items))
    options = {"at": 1e9, "steps": 30, "record": [0, 30]}
    ours = place_item(some, RUMELHART, world, ["can fly", "has gills"], **options)
    theirs = place_item(
        turned, RUMELHART, world.select(items=names), ["has gills", "can fly"], **options
    )
    np.testing.assert_allclose(ours["answer"], theirs["answer"], atol=1e-9)
    np.testing.assert_allclose(
        ours["representation"].values[..., units], theirs["representation"], atol=1e-9
    )
    np.testing.assert_allclose(
        ours["distance"], theirs["distance"].sel(item=ours["item"]), atol=1e-9
    )


def test_nothing_is_changed(child, world):
    before, state = child.copy(deep=True), torch.random.get_rng_state()
    first, second = (place_item(child, RUMELHART, world, "can fly", steps=3) for _ in range(2))
    assert child.identical(before)
    assert first.identical(second)
    assert torch.equal(torch.random.get_rng_state(), state)


# where features matter


def two_kinds(*, swapped=False):
    """Among plants size goes along with everything, among animals brightness does; or reversed."""
    world = sd.load("rumelhart8")
    table = world.properties.drop_sel(
        property=[p for p in world.properties["property"].values
                  if p.startswith("is ") and p != "is living"]
    )  # fmt: skip
    kind, other = np.array([1, 1, 0, 0] * 2), np.array([1, 0] * 4)
    plant = (np.arange(8) < 4) != swapped
    large, bright = np.where(plant, kind, other), np.where(plant, other, kind)
    looks = xr.DataArray(
        np.stack([large, 1 - large, bright, 1 - bright], axis=1).astype(float),
        dims=("item", "property"),
        coords={"item": table["item"].values, "relation": ("property", ["is"] * 4),
                "property": ["is large", "is small", "is bright", "is dull"],
                "frequency": ("item", table["frequency"].values)},
    )  # fmt: skip
    return sd.Dataset(xr.concat([table, looks], "property"), world.tree, "two kinds")


def test_features_matter_where_others_covary_with_them():
    model = sd.Rumelhart()
    for swapped in (False, True):
        world = two_kinds(swapped=swapped)
        child = sd.train(
            model, world, seeds=[11, 12, 13, 14, 15], steps=1500, record=[1500],
            keep_weights=True, dtype="float32", progress=False,
        )  # fmt: skip
        found = feature_weights(
            child, model, world, domains=["plant", "animal"], properties=["is large", "is bright"],
            steps=600,
        )  # fmt: skip
        for values in (found["weight"].isel(time=0).median("seed"), found["predicted"]):
            plant, animal = (values.sel(domain=d) for d in ("plant", "animal"))
            size, light = (float((plant - animal).sel(property=p)) for p in
                           ("is large", "is bright"))  # fmt: skip
            assert (size > 0.1 and light < -0.1) != swapped
            assert size * light < 0


def test_what_the_data_say_by_hand():
    """Members a–d have p, p, –, – and q, –, –, –: having p raises q from 0 to ½."""
    table = np.array([[1, 1, 1, 0, 1], [1, 1, 0, 0, 1], [1, 0, 0, 0, 1], [1, 0, 0, 1, 1],
                      [0, 1, 0, 0, 1], [0, 1, 1, 0, 1.0]])  # fmt: skip
    world = sd.Dataset(xr.DataArray(
        table, dims=("item", "property"),
        coords={"item": list("abcdef"), "property": ["in", "p", "q", "r", "all"]},
    ))  # fmt: skip
    child = sd.train(sd.DeepLinear(8), world, seeds=1, keep_weights=True, progress=False)
    found = feature_weights(child, sd.DeepLinear(8), world, domains={"D": list("abcd")}, steps=5)
    expected = found["predicted"].sel(domain="D")
    # p moves q by ½ − 0 and r by 0 − ½; q moves p by 1 − ⅓ and r by 0 − ⅓; r p by −⅔, q by −⅓.
    np.testing.assert_allclose(
        expected, [np.nan, 0.5, np.sqrt(5 / 18), np.sqrt(5 / 18), np.nan], atol=1e-12
    )
    np.testing.assert_array_equal(found["weight"].isnull()[0, 0, 0], expected.isnull())


def test_in_linear_networks_weights_have_a_closed_form(deep, world):
    model = sd.DeepLinear(16)
    found = feature_weights(
        deep, model, world, domains=["animal"], properties=["is yellow"], at=[4.0, 1e9],
        start="zero", steps=6000,
    )  # fmt: skip
    common = ["ISA animal", "can move", "has skin"]
    names = deep["property"].values.tolist()
    rows = [names.index(name) for name in [*common, "is yellow"]]
    upper = deep["weights_2"].sel(time=found["time"]).values
    # What differs in tiny ways only is not told apart by descent in any reasonable time.
    solve = np.linalg.pinv(upper[..., rows, :], rcond=0.02)[..., -1]  # column of "is yellow"
    moved = np.einsum("stpu,stu->stp", upper, solve)
    table = world.properties.isel(item=slice(4, 8))
    others = [k for k, p in enumerate(names)
              if 0 < table.values[:, k].sum() < 4 and p != "is yellow"]  # fmt: skip
    expected = np.sqrt((moved[..., others] ** 2).mean(-1))
    np.testing.assert_allclose(
        found["weight"].sel(domain="animal", property="is yellow"), expected, atol=1e-3
    )
    assert float(found["error"].max()) < 0.01


@settings(deadline=None, max_examples=3)
@given(seed=st.integers(0, 999))
def test_domains_and_items_may_come_in_any_order(deep, world, seed):
    rng = np.random.default_rng(seed)
    items = rng.permutation(world.properties["item"].values)
    turned = forget_patterns(deep.sel(item=items, input=items).isel(time=[-1]))
    domains = {"plant": ["pine", "oak", "rose", "daisy"], "flying": ["robin", "canary"]}
    options = {"steps": 20, "properties": ["is red", "is yellow", "has leaves"]}
    ours = feature_weights(deep, sd.DeepLinear(16), world, domains=domains, **options)
    theirs = feature_weights(
        turned, sd.DeepLinear(16), world.select(items=items),
        domains=dict(reversed(domains.items())), **options,
    )  # fmt: skip
    xr.testing.assert_allclose(ours, theirs.sel(domain=["plant", "flying"]), atol=1e-9)


def test_any_data(tmp_path):
    sd.load("saxe2019").to_csv(tmp_path / "table.csv")
    read = sd.Dataset.from_csv(tmp_path / "table.csv")
    signs = sd.branching_diffusion([2, 3], properties=30, seed=3)
    for data, domains in ((read, ["can grow", "has roots"]), (signs, None)):
        model = sd.DeepLinear(8)
        history = sd.train(model, data, seeds=2, keep_weights=True, dtype="float32", progress=False)
        name = history["property"].values[1]
        found = place_item(history, model, data, name, steps=300)
        assert float(found["error"].max()) < 1e-3
        if data is signs:
            weighed = feature_weights(history, model, data, domains=domains, steps=300)
            assert (weighed["agreement"] > 0.5).all()
            assert len(sd.summarize(weighed.isel(time=0)))


# what is said


class Skipping(nn.Module):
    """Items reach the outputs by two ways."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(n_in, 5, bias=False), nn.Linear(5, n_out, bias=False)
        self.straight = nn.Linear(n_in, n_out, bias=False)

    def forward(self, x):
        return self.last(self.first(x)) + self.straight(x)


class Embedding(nn.Module):
    """No nn.Linear reads the item."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(n_in, 4))
        self.last = nn.Linear(4, n_out, bias=False)

    def forward(self, x):
        return self.last((x @ self.table).detach() * 0 + 1) + (x @ self.table).sum(-1, keepdim=True)


class Parameters(nn.Module):
    """Items are embedded by a parameter; the first nn.Linear is the output layer."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(n_in, 6) / 4)
        self.o = nn.Linear(6, n_out)

    def forward(self, x):
        return self.o(torch.tanh(x @ self.w))


class Part(nn.Module):
    """Items are read as they are shown, among other things, in another order."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.first = nn.Linear(n_in + 1, 6)
        self.last = nn.Linear(6, n_out)

    def forward(self, x):
        return self.last(torch.tanh(self.first(torch.cat([x[..., :1] * 0 + 1, x.flip(-1)], -1))))


def test_items_must_reach_a_layer_as_they_are_shown(world):
    options = {"seeds": 2, "steps": 30, "learning_rate": 0.02, "keep_weights": True,
               "progress": False}  # fmt: skip
    history = sd.train(Parameters, world, **options)
    message = "'o', the first nn.Linear of Parameters that knows of the item, is not given"
    with pytest.raises(ValueError, match=message):
        place_item(history, Parameters, world, "can fly")
    with pytest.raises(ValueError, match=message):
        feature_weights(history, Parameters, world, domains=["plant"])
    found = place_item(sd.train(Part, world, **options), Part, world, "can fly", steps=300)
    assert float(found["error"].max()) < 0.1


def test_progress_is_shown_if_asked_for(child, world, capfd):
    for progress in (True, False):
        place_item(child, RUMELHART, world, "can fly", steps=20, progress=progress)
        feature_weights(child, RUMELHART, world, domains=["plant"], steps=20, progress=progress)
        assert ("training 3 networks" in capfd.readouterr().err) == progress


def test_what_cannot_be_placed_is_said(child, world):
    with pytest.raises(KeyError, match=r"no property 'can fli'.*did you mean 'can fly'"):
        place_item(child, RUMELHART, world, "can fli")
    with pytest.raises(KeyError, match="no start 'maen' in place_item; did you mean 'mean'"):
        place_item(child, RUMELHART, world, "can fly", start="maen")
    with pytest.raises(ValueError, match="this History has no weights"):
        place_item(child[["output", "target", "loss"]], RUMELHART, world, "can fly")
    for model, message in (
        (Skipping, "items enter Skipping by more ways than through 'first'"),
        (Embedding, "no nn.Linear of Embedding reads the item"),
    ):
        history = sd.train(
            model, world, seeds=1, steps=3, learning_rate=1e-3, keep_weights=True, progress=False
        )
        with pytest.raises(ValueError, match=message):
            place_item(history, model, world, "can fly")


def test_domains_without_weight_are_refused(child, world):
    with pytest.raises(KeyError, match="no property 'is rad' in the data; did you mean 'is red'"):
        feature_weights(child, RUMELHART, world, properties=["is rad"])
    with pytest.raises(ValueError, match="members of plant do not differ in any of these"):
        feature_weights(child, RUMELHART, world, domains=["plant"], properties=["has gills"])
    apart = sd.Dataset(xr.DataArray(
        np.eye(3)[:, [0, 1, 2, 2]], dims=("item", "property"),
        coords={"item": list("abc"), "property": list("pqrs")},
    ))  # fmt: skip
    history = sd.train(sd.DeepLinear(4), apart, seeds=1, keep_weights=True, progress=False)
    with pytest.raises(ValueError, match="members of 'D' have nothing in common"):
        feature_weights(history, sd.DeepLinear(4), apart, domains={"D": ["a", "b"]})
