"""Semantic dementia: answers sorted by hand, closed forms, and the published pattern."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import balanced_accuracy_score

import semdev as sd
from semdev.damaging import damage
from semdev.measures.dementia import naming_errors, property_errors, retention
from semdev.measures.mode_retention import mode_retention

ITEMS = ["pine", "rose", "robin", "canary", "salmon", "cod"]
TREE = {
    "pine": ["thing", "plant", "tree", "pine"],
    "rose": ["thing", "plant", "flower", "rose"],
    "robin": ["thing", "animal", "bird", "robin"],
    "canary": ["thing", "animal", "bird", "canary"],
    "salmon": ["thing", "animal", "fish", "salmon"],
    "cod": ["thing", "animal", "fish", "cod"],
}
NAMES = ["plant", "animal", "tree", "flower", "bird", "fish", *ITEMS]
OTHER = {
    "can grow": ITEMS,
    "can move": ITEMS[2:],
    "has wings": ["robin", "canary"],
    "has scales": ["salmon"],  # the cod of this world has none, though its kind is too small
    "is red": ["rose", "robin", "salmon"],
    "can swim": ["robin", "salmon", "cod"],
}
RELATIONS = (
    ["ISA_general"] * 2 + ["ISA_basic"] * 4 + ["ISA_specific"] * 6 + [p.split()[0] for p in OTHER]
)
PROPERTIES = [f"ISA {name}" for name in NAMES] + list(OTHER)
TARGET = np.array(
    [[float(n in TREE[i]) for n in NAMES] + [float(i in who) for who in OTHER.values()]
     for i in ITEMS]
)  # fmt: skip


def plant(output, severity, *, target=TARGET, **coords):
    """Make damaged networks that answer `output` (severity × draw × item × property)."""
    output = np.asarray(output, dtype=float)
    return xr.Dataset(
        {
            "output": (("seed", "severity", "draw", "item", "property"), output[None]),
            "target": (("item", "property"), target),
        },
        coords={
            "seed": [7], "severity": severity, "draw": np.arange(output.shape[1]),
            "item": ITEMS, "property": PROPERTIES, "relation": ("property", RELATIONS),
            "frequency": ("item", np.ones(len(ITEMS))), "kind": "units", "relearned": 0,
            "layer": "hidden_1", "units": 8,
            "ancestor": (("item", "level"), [TREE[i] for i in ITEMS]),
        } | coords,
    )  # fmt: skip


def answer(**said):
    """Return one patient's answers: the truth for all but these items, who get these names."""
    table = TARGET.copy()
    for item, names in said.items():
        row = ITEMS.index(item)
        table[row, : len(NAMES)] = 0
        for name, active in names.items():
            table[row, NAMES.index(name)] = active
    return table


def test_every_kind_of_response_by_hand():
    hurt = answer(
        pine={"pine": 0.4, "tree": 0.6, "plant": 0.9},  # too weak: "tree"
        rose={},  # silence
        robin={"robin": 0.6, "canary": 0.8, "bird": 1.0},  # a rival is more active
        canary={"pine": 0.51, "bird": 1.0},  # specific beats active
        salmon={"animal": 1.0, "bird": 0.7},  # a wrong basic name within the domain
        cod={"cod": 0.5, "tree": 0.6, "animal": 1.0},  # .5 is not above .5; another domain
    )
    found = naming_errors(plant([[TARGET], [hurt]], [0.0, 0.3])).isel(seed=0)
    assert found["said"].isel(severity=0, draw=0).values.tolist() == ITEMS
    assert found["said"].isel(severity=1, draw=0).values.tolist() == [
        "tree", "", "canary", "pine", "bird", "tree",
    ]  # fmt: skip
    assert found["response_to"].isel(severity=1, draw=0).values.tolist() == [
        "superordinate", "omission", "coordinate", "cross-domain", "coordinate", "cross-domain",
    ]  # fmt: skip
    assert found["share"].values[0].tolist() == [1, 0, 0, 0, 0]
    assert found["share"].values[1] * 6 == pytest.approx([0, 1, 2, 2, 1])
    assert found["share_of_errors"].values[1] * 6 == pytest.approx([0, 1, 2, 2, 1])
    assert found["share_of_errors"].isel(severity=0).isnull().all()


def test_an_item_without_a_name_of_its_own_is_rightly_called_by_its_basic_name():
    target = TARGET.copy()
    target[:, PROPERTIES.index("ISA cod")] = 0
    table = target.copy()
    found = naming_errors(plant([[table]], [0.0], target=target)).isel(seed=0, severity=0, draw=0)
    assert found["said"].values.tolist()[-1] == "fish"
    assert found["response_to"].values.tolist() == ["correct"] * 6


def test_the_criterion_is_a_share_of_the_coding():
    weak = plant([[TARGET], [answer(pine={"pine": 0.6, "tree": 0.9})]], [0.0, 1.0])
    scaled = weak.assign(output=2 * weak["output"] - 1, target=2 * weak["target"] - 1)
    for criterion, said in ((0.5, "pine"), (0.7, "tree")):
        for each in (weak, scaled):
            found = naming_errors(each, criterion=criterion).isel(seed=0, draw=0, severity=1)
            assert found["said"].values[0] == said
    assert float(naming_errors(scaled)["criterion"]) == 0.0


def test_draws_and_items_are_averaged_and_nothing_else():
    two = plant([[TARGET, TARGET], [TARGET, answer(pine={}, rose={"flower": 1.0})]], [0.0, 0.5])
    found = naming_errors(two).isel(seed=0, severity=1)
    assert found["share"].values * 12 == pytest.approx([10, 1, 0, 0, 1])
    assert found["by_item"].sel(item="pine").values == pytest.approx([0.5, 0, 0, 0, 0.5])


def test_levels_of_facts_by_hand():
    found = retention(plant([[TARGET]], [0.0]))
    level = dict(zip(PROPERTIES, found["level_of"].values.tolist(), strict=True))
    assert level["can grow"] == ""  # true of all
    assert level["can move"] == level["ISA animal"] == "general"
    assert (
        level["has wings"] == level["ISA tree"] == "basic"
    )  # a tree alone of its kind, by relation
    assert level["is red"] == level["has scales"] == level["ISA cod"] == "specific"
    assert level["can swim"] == "general"  # three of four animals
    assert found["number"].sel(facts="names").values.tolist() == [2, 4, 6]
    assert found["number"].sel(facts="properties").values.tolist() == [2, 1, 2]


def test_accuracy_is_that_of_scikit_learn():
    random = np.random.default_rng(5)
    output = random.uniform(size=(2, 4, *TARGET.shape))
    found = retention(plant(output, [0.0, 1.0])).isel(seed=0)
    for facts, chosen in (("properties", slice(12, None)), ("all", slice(None))):
        for level in ("general", "basic", "specific"):
            columns = np.flatnonzero(found["level_of"].values == level)
            columns = columns[np.isin(columns, np.arange(len(PROPERTIES))[chosen])]
            for k in range(2):
                expected = [
                    2 * balanced_accuracy_score(TARGET[:, p], output[k, draw, :, p] > 0.5) - 1
                    for p in columns for draw in range(4)
                ]  # fmt: skip
                mine = found["accuracy"].sel(facts=facts, level=level).isel(severity=k)
                assert float(mine) == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("everywhere", [0.0, 1.0])
def test_who_always_answers_alike_retains_nothing(everywhere):
    blank = np.full_like(TARGET, everywhere)
    found = retention(plant([[TARGET], [blank]], [0.0, 1.0])).isel(seed=0, severity=1)
    assert (found["accuracy"] == 0).all()
    assert (found["overall"] == 0).all()
    assert not found["order"].any()


def lose(general, basic, specific):
    """Return two patients, of whom these shares of each level's hits are left."""
    levels = retention(plant([[TARGET]], [0.0]))["level_of"].values
    kept = {"general": general, "basic": basic, "specific": specific, "": 1.0}
    draws = []
    for draw in np.arange(10):
        shares = np.array([float((draw + 0.5) / 10 < kept[level]) for level in levels])
        draws.append(TARGET * shares)
    return draws


def test_order_and_half_by_hand():
    output = [lose(1, 1, 1), lose(0.9, 0.8, 0.6), lose(0.6, 0.4, 0.0), lose(0.2, 0.2, 0.0)]
    found = retention(plant(output, [0.0, 1.0, 2.0, 3.0])).isel(seed=0).sel(facts="all")
    assert found["order"].values.tolist() == [False, True, True, False]
    assert found["retained"].values[1] == pytest.approx([0.9, 0.8, 0.6])
    assert found["half"].values == pytest.approx([2.25, 1.75, 1 + 1 / 6])
    number = found["number"].values
    overall = found["retained"].values @ number / number.sum()
    assert found["overall"].values == pytest.approx(overall)
    where = 1 + (overall[1] - 0.5) / (overall[1] - overall[2])
    assert float(found["moderate"]) == pytest.approx(where)
    assert found["retained_then"].values == pytest.approx(
        (2 - where) * np.array([0.9, 0.8, 0.6]) + (where - 1) * np.array([0.6, 0.4, 0.0])
    )
    assert bool(found["order_then"])


def test_what_was_never_learned_is_not_lost():
    healthy = [TARGET * (retention(plant([[TARGET]], [0.0]))["level_of"].values != "specific")]
    found = retention(plant([healthy, healthy], [0.0, 1.0])).isel(seed=0)
    assert found["retained"].sel(level="specific").isnull().all()
    assert found["moderate"].isnull()
    assert not found["order_then"].any()
    assert found["retained_then"].isnull().all()


def test_cells_of_properties_by_hand():
    wrong = TARGET.copy()
    for item, name in (("robin", "can swim"), ("canary", "can swim"), ("pine", "has wings")):
        at = ITEMS.index(item), PROPERTIES.index(name)
        wrong[at] = 1 - wrong[at]
    found = property_errors(plant([[TARGET], [wrong]], [0.0, 1.0])).isel(seed=0)
    of = found["cell_of"]
    assert of.sel(item="robin", property="can swim").item() == "typical"
    assert of.sel(item="canary", property="can swim").item() == "prototype"
    assert of.sel(item="salmon", property="has scales").item() == "distinctive"
    assert of.sel(item="pine", property="has wings").item() == "other"
    assert of.sel(item="pine", property="ISA pine").item() == ""
    number = found["number"]
    assert number.sum() == 36
    assert (found["error"].isel(severity=0) == 0).all()
    expected = {"typical": 1, "distinctive": 0, "prototype": 1, "other": 1}
    for cell, count in expected.items():
        error = float(found["error"].sel(cell=cell).isel(severity=1))
        assert error == pytest.approx(count / float(number.sel(cell=cell)))


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_items_properties_and_draws_is_nothing(seed):
    random = np.random.default_rng(seed)
    given_ = plant(random.uniform(size=(3, 4, *TARGET.shape)), [0.0, 0.5, 1.0])
    turned = given_.isel(
        item=random.permutation(len(ITEMS)), draw=random.permutation(4),
        property=random.permutation(len(PROPERTIES)),
    )  # fmt: skip
    for measure, kept in (
        (naming_errors, ["share", "by_item", "said"]),
        (retention, ["accuracy", "order", "half", "moderate", "retained_then"]),
        (property_errors, ["error"]),
        (mode_retention, ["strength", "scatter"]),
    ):
        found = measure(turned)[kept].reindex_like(measure(given_)[kept])
        xr.testing.assert_allclose(found, measure(given_)[kept], atol=1e-9)


@pytest.fixture(scope="module")
def linear():
    """Deep linear networks that have learned the eight items, on two kinds of world."""
    world, model = sd.load("rumelhart8"), sd.DeepLinear(hidden=16)
    net = sd.train(model, world, seeds=range(20, 32), keep_weights=True, record=2, progress=False)
    return net, model, world


def test_deletion_alone_shrinks_all_modes_alike(linear):
    for kind, power in (("units", 1), ("weights", 2)):
        hurt = damage(*linear, kind=kind, severity=[0.25, 0.5], draws=60)
        found = mode_retention(hurt).mean("seed")
        assert found["predicted"].values == pytest.approx(
            np.outer([1, 0.75**power, 0.5**power], found["strength"].values[0]), rel=1e-6
        )
        off = (found["strength"] / found["predicted"] - 1).values
        assert np.abs(off).max() < 0.1


def test_every_unit_lost_once_is_all_that_was_known(linear):
    """Exactly, not on average: who loses unit k, k = 1 … N, loses each path once."""
    net, model, world = linear
    hurt = damage(net, model, world, kind="units", severity=np.arange(17) / 16, draws=1)
    output = hurt["output"].isel(draw=0)
    whole = -output.diff("severity").sum("severity")
    np.testing.assert_allclose(whole, output.isel(severity=0), atol=1e-12)


def test_scatter_is_that_of_the_closed_form(linear):
    for kind, severity in (("noise", 0.3), ("weight noise", 0.3), ("units", 0.5)):
        hurt = damage(*linear, kind=kind, severity=[severity], draws=80)
        found = mode_retention(hurt).mean("seed").isel(severity=1)
        assert (found["scatter"] / found["predicted_scatter"]).values == pytest.approx(1, abs=0.12)


def test_weak_modes_drown_first(linear):
    hurt = damage(*linear, kind="noise", severity=[0.5], draws=60)
    ratio = mode_retention(hurt)["signal_to_noise"].isel(severity=1).median("seed")
    s = mode_retention(hurt)["singular_value"]
    assert ratio.values == pytest.approx(s.values / (8 * 0.25), rel=0.15)


def test_accuracy_with_noise_is_that_of_the_normal_distribution(linear):
    net, model, world = linear
    hurt = damage(net, model, world, kind="noise", severity=[0.6, 1.0], draws=200)
    found = retention(hurt).sel(facts="all")
    off = (found["accuracy"] - found["predicted"]).mean("seed")
    assert np.abs(off).max() < 0.02
    y = world.properties.values  # all learned, so that every answer is .5 from the criterion
    reach = np.sqrt(np.diag(_root(y.T @ y)))
    each = 2 * norm.cdf(0.5 / reach) - 1
    expected = [each[found["level_of"].values == level].mean() for level in found["level"].values]
    assert found["predicted"].mean("seed").values[2] == pytest.approx(expected, abs=0.02)


def _root(square):
    s, v = np.linalg.eigh(square)
    return (v * np.sqrt(np.clip(s, 0, None))) @ v.T


def test_noise_in_a_linear_layer_does_not_spare_what_is_general(linear):
    hurt = damage(*linear, kind="noise", severity=[0.5, 0.75, 1.0, 1.5, 2.0], draws=100)
    then = retention(hurt)["retained_then"].sel(facts="all")
    assert (then.sel(level="general") < then.sel(level="specific")).mean() >= 0.9


def test_relearning_keeps_the_strongest_modes_and_makes_the_errors_of_patients(linear):
    net, model, world = linear
    severity = [0.5, 0.625, 0.75, 0.8125, 0.875, 0.9375]  # 8, 6, 4, 3, 2, 1 of 16 units are left
    few = net.isel(seed=slice(0, 6))
    plain, slow = (
        damage(few, model, world, kind="units", severity=severity, draws=2, **more)
        for more in ({}, {"relearn": 1500, "progress": False})
    )
    found = mode_retention(slow).sel(severity=[0.875, 0.9375])
    off = (found["strength"] - found["predicted"]) / found["singular_value"]
    assert np.abs(off.median("seed")).max() < 0.05
    order = [retention(d)["order_then"].sel(facts="all").mean() for d in (plain, slow)]
    assert order[1] == 1
    assert order[0] < order[1]
    one = naming_errors(slow)["share"].sel(severity=0.875)
    assert (one.sel(response="superordinate") > 0.8).all()
    wrong = ["coordinate", "cross-domain"]
    assert naming_errors(plain)["share"].sel(response=wrong).max() < 0.02
    last = naming_errors(slow)["share"].sel(response="cross-domain", severity=0.9375)
    assert (last > 0.1).all()


@pytest.fixture(scope="module")
def rumelhart():
    world, model = sd.load("rumelhart8"), sd.Rumelhart()
    net = sd.train(
        model, world, seeds=range(100, 120), dtype="float32", keep_weights=True, record=[0, 6000],
        progress=False,
    )  # fmt: skip
    return net, model, world


@pytest.mark.slow
def test_in_rumelharts_network_the_general_outlasts_the_specific(rumelhart):
    """Noise in the weights from items to representation, as in McClelland & Rogers (2003)."""
    hurt = damage(*rumelhart, kind="weight noise", severity=[1, 2, 3, 4, 5], draws=100)
    found = retention(hurt)
    assert found["order_then"].sel(facts="all").mean() >= 0.95
    errors = naming_errors(hurt)["share"].mean("seed").sel(severity=[2, 3, 4])
    assert (errors.diff("severity").sel(response="correct") < 0).all()
    near = errors.sel(response=["superordinate", "coordinate"]).sum("response")
    assert (near > errors.sel(response="cross-domain")).all()


def test_what_does_not_apply_is_nan(linear):
    net, model, world = linear
    twice = damage(
        net.isel(seed=[0]), model, world, kind="weights", severity=[0.5], draws=1, relearn=2,
        progress=False,
    )  # fmt: skip
    found = mode_retention(twice)
    assert found["predicted"].isnull().all()
    assert found["scatter"].isnull().all()
    assert found["signal_to_noise"].isnull().all()
    assert retention(twice)["predicted"].isnull().all()
    curved = sd.MLP(hidden=16)
    other = sd.train(
        curved, world, seeds=1, steps=50, learning_rate=0.01, keep_weights=True, progress=False
    )
    found = mode_retention(damage(other, curved, world, severity=[0.5], draws=2))
    assert found["predicted"].isnull().all()
    assert np.isfinite(found["strength"]).all()


@pytest.mark.parametrize("measure", [naming_errors, retention, property_errors])
def test_what_cannot_be_measured_is_refused_with_a_reason(measure, linear):
    healthy = plant([[TARGET]], [0.0])
    with pytest.raises(TypeError, match=r"made by semdev\.damage"):
        measure([1, 2])
    with pytest.raises(ValueError, match=r"there is no severity, draw; make them with"):
        measure(linear[0])
    with pytest.raises(ValueError, match=r"semdev\.with_tree\(damaged, tree\)"):
        measure(healthy.drop_vars("ancestor"))
    with pytest.raises(ValueError, match="severity 0, the healthy network, is missing"):
        measure(healthy.assign_coords(severity=[0.5]))
    with pytest.raises(ValueError, match=r"criterion is a share .*; got 1"):
        measure(healthy, criterion=1)


def test_names_have_to_be_there():
    nameless = plant([[TARGET]], [0.0]).assign_coords(relation=("property", ["has"] * 18))
    with pytest.raises(ValueError, match="no names: no property's relation begins with ISA"):
        naming_errors(nameless)
    assert retention(nameless)["facts"].values.tolist() == ["properties", "all"]


def test_a_world_in_which_all_is_true_of_all_has_nothing_to_lose():
    with pytest.raises(ValueError, match="no property tells any items apart"):
        retention(plant([[np.ones_like(TARGET)]], [0.0], target=np.ones_like(TARGET)))


def test_predictions_are_for_balanced_whole_networks_alone() -> None:
    world = sd.load("rumelhart8")
    for scale, known in ((None, True), (0.5, False)):
        model = sd.DeepLinear(16, scale=scale)
        child = sd.train(model, world, seeds=2, keep_weights=True, record=2, progress=False)
        hurt = sd.damage(child, model, world, kind="noise", severity=[0.5], draws=4)
        for measure, name in ((sd.retention, "predicted"), (sd.mode_retention, "predicted")):
            found = measure(hurt)[name].isel(severity=1)
            assert bool(found.notnull().any()) is known
            part = hurt.isel(property=slice(0, 20))
            assert np.isnan(measure(part)[name]).all()


def test_what_was_never_learned_has_no_place_in_an_order() -> None:
    world, model = sd.load("rumelhart8"), sd.Rumelhart()
    child = sd.train(model, world, seeds=3, keep_weights=True, steps=2, record=2, progress=False)
    hurt = sd.damage(child, model, world, kind="weight noise", severity=[1.0], draws=4)
    found = sd.retention(hurt)
    unlearned = ~(found["accuracy"].isel(severity=0) > 0).all("level")
    assert unlearned.any()
    assert not (found["order"].isel(severity=1) & unlearned).any()
