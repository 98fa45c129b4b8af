"""Learning a new item with all weights: plain torch, other patterns, planted losses, turns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import semdev as sd
from semdev.history import make_history
from semdev.interventions import add_item, learn_item
from semdev.measures.interference import interference

BIRD = [
    "ISA living thing", "ISA animal", "ISA bird", "is living", "can grow", "can move", "has skin",
    "has wings", "has feathers",
]  # fmt: skip
SPARROW, PENGUIN = [*BIRD, "can fly"], [*BIRD, "can swim"]
MODEL = sd.Rumelhart()


@pytest.fixture(scope="module")
def world():
    return sd.load("rumelhart8")


@pytest.fixture(scope="module")
def child(world):
    return sd.train(
        MODEL, world, seeds=[3, 4, 5, 6, 7], steps=1200, record=[0, 1200], keep_weights=True,
        progress=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def penguins(child, world):
    return {
        schedule: learn_item(child, MODEL, world, "penguin", PENGUIN, schedule=schedule,
                             steps=600, record=100, parent="bird", keep_weights=True)
        for schedule in ("focused", "interleaved")
    }  # fmt: skip


# patterns with one item more


@pytest.mark.parametrize("name", ["rumelhart8", "rogers2004"])
@pytest.mark.parametrize("relations", [True, False])
@pytest.mark.parametrize("soft", [None, (0.05, 0.95)])
def test_one_item_more_is_shown_as_if_it_had_always_been_there(name, relations, soft):
    larger = sd.load(name)
    items = larger.properties["item"].values
    row = larger.properties.isel(item=-1)
    known = row["property"].values[row.values == 1].tolist()
    options = {"relations": relations, "soft": soft}
    smaller = sd.make_patterns(larger.select(items=items[:-1]), **options)
    found = add_item(smaller, str(items[-1]), known)
    expected = sd.make_patterns(larger, **options)
    for part in ("inputs", "targets", "mask", "weights", "asked", "relations"):
        np.testing.assert_array_equal(getattr(found, part), getattr(expected, part))
    np.testing.assert_array_equal(found.data.properties, larger.properties)


def test_frequencies_are_relative_to_the_mean(world):
    often = sd.make_patterns(world, relations=True, frequency={"pine": 9, "has": 2})
    found = add_item(often, "penguin", PENGUIN, frequency=0.5)
    by_relation = {"ISA": 1.0, "can": 1.0, "has": 2.0, "is": 1.0}
    expected = [0.5 * 2.0 * by_relation[name] for name in found.relations[-4:]]
    np.testing.assert_allclose(found.weights[-4:], expected)
    np.testing.assert_array_equal(found.weights[:-4], often.weights)


def test_worlds_of_plus_and_minus_one():
    world = sd.branching_diffusion([2, 2], properties=12, seed=2)
    names = world.properties["property"].values
    found = add_item(sd.make_patterns(world), "x", names[:3].tolist())
    assert found.targets[-1].tolist() == [1.0] * 3 + [-1.0] * 9
    given = add_item(sd.make_patterns(world), "x", {names[0]: 1.0, names[5]: 0.5})
    assert given.targets[-1][[0, 1, 5]].tolist() == [1.0, -1.0, 0.5]


def test_shares_of_what_is_observed_are_those_of_the_old_items(world):
    shares = {"has": 0.5, "is living": 0.0, "can fly": 0.0, ("pine", "can grow"): 0.0}
    for relations in (True, False):
        shown = sd.make_patterns(world, relations=relations, observed=shares)
        found = add_item(shown, "penguin", PENGUIN)
        count = 4 if relations else 1
        names = world.properties["property"].values
        expected = np.where(np.char.startswith(names, "has"), 0.5, 1.0)
        expected[names == "can fly"] = 0  # never taught, and not said of penguins
        expected[names == "can grow"] = 7 / 8
        assert "is living" in PENGUIN  # never taught either, but said of penguins
        np.testing.assert_allclose(found.mask[-count:], np.tile(expected, (count, 1)))
        np.testing.assert_array_equal(found.mask[:-count], shown.mask)


# learning it


def test_learning_is_descent_in_plain_torch(child, world):
    """The network with one more column, all of which descends."""
    for schedule in ("focused", "interleaved"):
        learned = learn_item(child, MODEL, world, "penguin", PENGUIN, schedule=schedule, steps=8,
                             record=[0, 8], learning_rate=0.2)  # fmt: skip
        net = MODEL(13, 36, n_relations=4).double()
        one = child.isel(seed=1, time=-1)
        with torch.random.fork_rng():
            torch.manual_seed(4)
            fresh = MODEL(13, 36, n_relations=4)
        with torch.no_grad():
            for name, p in net.named_parameters():
                kept = torch.tensor(one[f"parameter_{name}"].values)
                if name == "representation.weight":
                    new = fresh.representation.weight[:, -1:].double()
                    kept = torch.cat([kept, new], dim=1)
                p.copy_(kept)
        shown = add_item(sd.make_patterns(world, relations=True), "penguin", PENGUIN)
        inputs, targets = torch.tensor(shown.inputs), torch.tensor(shown.targets)
        rows = slice(32, None) if schedule == "focused" else slice(None)
        free = [p for p in net.parameters() if p.requires_grad]
        for _ in range(8):
            loss = ((net(inputs[rows]) - targets[rows]) ** 2).sum() / 2
            for p, slope in zip(free, torch.autograd.grad(loss, free), strict=True):
                p.data -= 0.2 * slope
        expected = shown.read_back(net(inputs).detach().numpy())
        np.testing.assert_allclose(learned["output"].values[1, -1], expected, atol=1e-10)


def test_it_begins_where_the_others_were_and_is_a_history(child, world, penguins):
    for schedule, learned in penguins.items():
        before = child["output"].isel(time=-1).values
        np.testing.assert_allclose(learned["output"].isel(time=0).values[:, :8], before, atol=1e-9)
        assert learned["item"].values.tolist() == [*child["item"].values.tolist(), "penguin"]
        assert learned["new"].values.tolist() == [False] * 8 + [True]
        assert float(learned["age"]) == pytest.approx(120)
        told = sd.get_provenance(learned)
        assert told["model"] == sd.get_provenance(child)["model"]
        assert told["schedule"] == schedule
        assert told["learning_rate"] == 0.1
        assert learned["ancestor"].sel(item="penguin").values.tolist()[:3] == [
            "living thing", "animal", "bird",
        ]  # fmt: skip
        assert sd.overgeneralizations(learned)["peak"].sizes["item"] == 9
        shown = add_item(sd.make_patterns(world, relations=True), "penguin", PENGUIN)
        nets = sd.rebuild(learned, MODEL, shown)
        assert len(nets) == 5
    assert float(penguins["focused"]["taught"].sel(item="pine").max()) == 0


def test_focused_learning_interferes_more(penguins):
    """Learned alone, the penguin costs the others more, and ever more."""
    focused, interleaved = (interference(penguins[s]) for s in ("focused", "interleaved"))
    assert focused["learned_at"].notnull().all()
    assert interleaved["learned_at"].notnull().all()
    assert focused["learned_at"].median() < interleaved["learned_at"].median()
    assert (focused["interference"] > interleaved["interference"]).all()
    ends = [found["increase"].isel(time=-1).mean("item") for found in (focused, interleaved)]
    assert (ends[0] > 0.05).all()
    assert (ends[1] < ends[0] / 2).all()


def test_what_fits_in_interferes_less(child, world, penguins):
    sparrow = learn_item(child, MODEL, world, "sparrow", SPARROW, schedule="focused", steps=600)
    fits, fits_not = interference(sparrow), interference(penguins["focused"])
    assert fits["interference"].median() < fits_not["interference"].median()
    ends = [found["increase"].isel(time=-1).mean("item") for found in (fits, fits_not)]
    assert (ends[1] - ends[0]).median() > 0


def test_chains_and_other_ways_of_learning():
    world = sd.load("saxe2019")
    for model, options in (
        (sd.DeepLinear(8), {"momentum": 0.5}),
        (sd.MLP(8, activation="tanh", output="sigmoid"),
         {"loss": "cross-entropy", "presentation": "interleaved", "learning_rate": 0.1}),
    ):  # fmt: skip
        child = sd.train(model, world, seeds=2, steps=60, keep_weights=True, record=2,
                         progress=False, **options)  # fmt: skip
        learned = learn_item(child, model, world, "bat", "can fly", steps=5, record=2,
                             keep_weights=True)  # fmt: skip
        told, before = sd.get_provenance(learned), sd.get_provenance(child)
        for name in ("learning_rate", "loss", "presentation", "momentum"):
            assert told[name] == before[name]
        assert learned["weights_1"].shape[-1] == 5
        assert "ancestor" not in learned.coords


def test_rules_go_on_or_are_refused(world):
    model, options = sd.DeepLinear(8), {"seeds": 2, "keep_weights": True, "progress": False}
    rest = {"steps": 20, "record": [0, 20], "learning_rate": 0.01}
    ends = {}
    for rule in ("backpropagation", "hebbian", "anti-hebbian", "contrastive hebbian"):
        child = sd.train(model, world, rule=rule, **rest, **options)
        learned = learn_item(child, model, world, "penguin", PENGUIN, steps=5)
        assert sd.get_provenance(learned)["rule"] == rule
        for kept in (child, learned):
            assert np.isfinite(kept["output"]).all()
        again = sd.train(model, world, rule="backpropagation", **rest, **options)
        plain = learn_item(again, model, world, "penguin", PENGUIN, steps=5)
        ends[rule] = float(np.abs(learned["output"] - plain["output"]).max())
    assert ends["backpropagation"] == 0
    assert ends["hebbian"] > 0
    own = sd.learning_rules.FeedbackAlignment(scale=0.5)
    for rule, message in (
        ("feedback alignment", "whose random feedback weights a History does not keep"),
        (own, r"a rule of your own, feedback alignment \(scale=0.5\), of which a History keeps"),
    ):
        child = sd.train(model, world, rule=rule, **rest, **options)
        with pytest.raises(ValueError, match=message):
            learn_item(child, model, world, "penguin", PENGUIN)


class Parameters(nn.Module):
    """Items are embedded by a parameter."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(n_in, 6) / 4)
        self.o = nn.Linear(6, n_out)

    def forward(self, x):
        return self.o(torch.tanh(x @ self.w))


def test_nothing_but_an_input_unit_may_come_with_an_item(world):
    for model, message in (
        (Parameters, r"has w \(9, 6\) with one item more and \(8, 6\) without: nothing but"),
        (lambda n, m: sd.MLP(n)(n, m), r"\(9, 9\) with one item more and \(8, 8\) without"),
    ):
        history = sd.train(model, world, seeds=1, steps=3, learning_rate=0.01, keep_weights=True,
                           progress=False)  # fmt: skip
        with pytest.raises(ValueError, match=message):
            learn_item(history, model, world, "penguin", PENGUIN)


def test_nothing_is_changed(child, world):
    before, state = child.copy(deep=True), torch.random.get_rng_state()
    first, second = (learn_item(child, MODEL, world, "emu", PENGUIN, steps=3) for _ in range(2))
    assert child.identical(before)
    assert first.identical(second)
    assert torch.equal(torch.random.get_rng_state(), state)


# how much is lost


def plant_course(errors, *, of_others):
    """A History of a, b and c at times 0, 1, 2; a and c are off by so much, b is right."""
    target = np.array([[1.0], [0.0], [1.0]])
    off = np.stack([of_others, np.zeros(3), errors], axis=1)[..., None]
    output = (target - off)[None]
    table = xr.DataArray(
        target, dims=("item", "property"), coords={"item": list("abc"), "property": ["p"]}
    )
    return make_history(
        sd.make_patterns(sd.Dataset(table, name="planted")), output=output,
        loss=(off**2).sum((1, 2))[None] / 2, time=np.arange(3.0), step=np.arange(3), seeds=[0],
        settled=np.ones(1, bool), provenance={},
    )  # fmt: skip


def test_interference_by_hand():
    history = plant_course([0.9, 0.6, 0.2], of_others=[0.0, 0.4, 0.8])
    found = interference(history, item="c")
    np.testing.assert_allclose(found["error"], [[0.9, 0.6, 0.2]])
    np.testing.assert_allclose(found["learned_at"], [1.25])  # .5 on the way from .6 to .2
    np.testing.assert_allclose(found["increase"].sel(item="a"), [[0, 0.08, 0.32]])
    np.testing.assert_allclose(found["interference"], [(0.08 + 0.25 * 0.24) / 2])
    np.testing.assert_allclose(found["lost"], [0.5])
    strict = interference(history, item="c", criterion=0.1)
    assert all(strict[name].isnull().all() for name in ("learned_at", "interference", "lost"))
    lax = interference(history, item="c", criterion=0.95)
    assert lax["learned_at"].item() == 0
    assert lax["interference"].item() == 0


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 999), scale=st.floats(0.5, 3))
def test_neither_order_nor_names_matter(penguins, seed, scale):
    rng = np.random.default_rng(seed)
    history = penguins["focused"].drop_vars(["taught"])
    items, names = rng.permutation(9), rng.permutation(36)
    turned = history.isel(item=items, property=names)
    ours, theirs = interference(history), interference(turned)
    xr.testing.assert_allclose(ours, theirs.sel(item=ours["item"]), atol=1e-12)
    larger = history.assign(output=scale * history["output"], target=scale * history["target"])
    wide = interference(larger)
    xr.testing.assert_allclose(wide[["error", "learned_at", "lost"]],
                               ours[["error", "learned_at", "lost"]], atol=1e-9)  # fmt: skip
    np.testing.assert_allclose(
        wide["interference"], scale**2 * ours["interference"], atol=1e-9, rtol=1e-7
    )


# what is said


class Fixed(nn.Module):
    """A network that is not built to size."""

    def __init__(self) -> None:
        super().__init__()
        self.only = nn.Linear(8, 36, bias=False)

    def forward(self, x):
        return self.only(x)


def test_what_cannot_be_learned_is_said(child, world):
    for message, options in (
        ("no schedule 'focussed' in learn_item; did you mean 'focused'", {"schedule": "focussed"}),
        ("no class 'birds' in the tree of rumelhart8; did you mean 'bird'", {"parent": "birds"}),
        ("frequency is how often the item is met, above 0; got 0", {"frequency": 0}),
        ("a new item is met at one age", {"at": [0.0, 120.0]}),
    ):
        with pytest.raises((KeyError, ValueError), match=message):
            learn_item(child, MODEL, world, "penguin", PENGUIN, **options)
    with pytest.raises(ValueError, match="rumelhart8 has an item 'robin' already"):
        learn_item(child, MODEL, world, "robin", PENGUIN)
    with pytest.raises(ValueError, match="'penguin' has no properties"):
        learn_item(child, MODEL, world, "penguin", [])
    with pytest.raises(KeyError, match="no property 'can swimm' in rumelhart8; did you mean"):
        learn_item(child, MODEL, world, "penguin", ["can swimm"])
    fixed = sd.train(Fixed, world, seeds=1, steps=2, keep_weights=True, progress=False)
    with pytest.raises(ValueError, match="cannot take this data: rumelhart8 and emu shows 9"):
        learn_item(fixed, Fixed, world, "emu", PENGUIN)


def test_what_is_no_interference_is_said(child):
    with pytest.raises(ValueError, match="no item of this History is new: give item="):
        interference(child)
    with pytest.raises(KeyError, match="no item 'pinee' in this History; did you mean 'pine'"):
        interference(child, item="pinee")
    with pytest.raises(ValueError, match="criterion is a share of the range between 0 and 1"):
        interference(child, item="pine", criterion=1.5)
    with pytest.raises(ValueError, match="with other items, and there are none"):
        interference(child.isel(item=[0]), item="pine")
