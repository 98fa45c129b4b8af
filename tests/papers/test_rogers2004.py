"""Rogers & McClelland (2004), on small ensembles: what holds of most networks."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev.papers import rogers2004
from semdev.papers.rogers2004 import covariation, differentiation, naming, penguin, weights
from semdev.papers.rogers2004._shared import (
    EPOCH,
    LANDMARKS,
    at_epoch,
    choose_patterns,
    choose_records,
    count_epochs,
    share,
)

FEW = {"seeds": 5, "steps": 1200}


@pytest.fixture(scope="module")
def beliefs() -> xr.Dataset:
    """What a deep linear network believes of eight items in a regular tree."""
    return sd.solve(sd.load("cao2020"), depth=2)


@pytest.fixture(scope="module")
def parted() -> dict:
    return rogers2004.fig1_data(**FEW)


@pytest.fixture(scope="module")
def birds() -> dict:
    return rogers2004.fig2_data(**FEW, variants=())


def test_all_words_are_equally_frequent() -> None:
    patterns = choose_patterns("equal")
    asked = {name: patterns.weights[patterns.relations == name] for name in patterns.relations}
    heard = {}
    for name in ("ISA_general", "ISA_basic", "ISA_specific"):
        own = patterns.data.properties.isel(
            property=patterns.data.properties["relation"].values == name
        )
        heard |= dict(
            zip(own["property"].values.tolist(), asked[name] @ own.values, strict=True)
        )  # fmt: skip
    assert heard["ISA plant"] == heard["ISA tree"] == heard["ISA bird"] == heard["ISA pine"] == 1
    assert heard["ISA animal"] == 13 / 8
    assert (asked["is"] == 1).all()


def test_the_records_hold_the_epochs_of_the_published_figures() -> None:
    steps = np.array(choose_records(3000))
    assert {3000 * epoch // 12_000 for epoch in LANDMARKS} <= set(steps.tolist())
    shorter = choose_records(2000, epochs=8000)
    assert {2000 * epoch // 8000 for epoch in LANDMARKS if epoch <= 8000} <= set(shorter)


@given(steps=st.integers(61, 20_000))
def test_records_rise_from_nothing_to_the_end(steps: int) -> None:
    found = choose_records(steps)
    assert found[0] == 0
    assert found[-1] == steps
    assert (np.diff(found) > 0).all()


def test_epochs_are_learning_time_in_units_of_our_rate() -> None:
    curve = xr.DataArray([1.0, 2.0], coords={"time": [0.0, 200.0]})
    assert count_epochs(curve)["time"].values.tolist() == [0.0, 4000.0]
    assert at_epoch(curve, 3900) == 2.0
    assert share([True, True, False]) == "67 %"


def test_classes_of_a_regular_tree_part_when_their_level_does(beliefs: xr.Dataset) -> None:
    level = sd.differentiation(beliefs)["half_time"].sel(layer="output").isel(seed=0)
    parting = differentiation.find_partings(beliefs).isel(seed=0)
    for depth, half in level.groupby("level"):
        of = parting["depth"].values == depth
        np.testing.assert_allclose(parting["half_time"].values[of], half.item(), rtol=1e-6)
    assert of.sum() == 4


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_partings_do_not_depend_on_the_order_of_items(beliefs: xr.Dataset, random) -> None:
    order = random.sample(range(8), 8)
    plain = differentiation.find_partings(beliefs)
    moved = differentiation.find_partings(beliefs.isel(item=order))
    again = moved.isel(parting=[moved["parting"].values.tolist().index(name)
                                for name in plain["parting"].values])  # fmt: skip
    np.testing.assert_allclose(again["half_time"], plain["half_time"], rtol=1e-9)


def test_broad_distinctions_come_first(parted: dict) -> None:
    deep, shallow = (parted["output"][name]["half_time"] for name in ("network", "shallow"))
    assert (deep.diff("level") > 0).all()
    assert (parted["growth"].sel(level=2) > parted["growth"].sel(level=0)).all()
    lag, control = (each.sel(level=2) / each.sel(level=0) for each in (deep, shallow))
    assert (lag > control).mean() >= 0.8
    assert (control < 1.25).all()


def test_without_a_hidden_layer_the_check_of_order_fails(parted: dict) -> None:
    spoilt = {**parted, "output": dict.fromkeys(parted["output"], parted["output"]["shallow"])}
    holds = {check.claim[:20]: check.holds for check in rogers2004.fig1_checks(spoilt)}
    assert not holds["beliefs part broad b"]
    assert not holds["control without a hi"]


def test_a_list_of_classes_has_everyone_under_the_next_larger(parted: dict) -> None:
    assert parted["classes"] == {
        "plant": "living thing", "animal": "living thing", "tree": "plant", "flower": "plant",
        "bird": "animal", "fish": "animal", "mammal": "animal",
    }  # fmt: skip


def test_which_name_is_first_is_read_off_hand_made_curves() -> None:
    history = _name_birds(penguin_first=[True, False], sparrow_first=[True, True])
    held = penguin.hold_claims(sd.naming(history).sel(item=["penguin", "sparrow"]))
    assert held["penguin"].tolist() == [True, False]
    assert held["sparrow"].tolist() == [False, False]
    assert held["penguin at 4000"].tolist() == [True, False]


def test_exchanging_the_names_turns_the_orders_around(birds: dict) -> None:
    found = next(iter(birds.values()))
    turned = found.assign({
        name: found[name].sel(level=["general", "specific", "basic"])
        .assign_coords(level=found["level"].values) for name in ("activation", "crossing")
    })  # fmt: skip
    before, after = penguin.hold_claims(found), penguin.hold_claims(turned)
    for item in ("penguin", "sparrow"):
        assert (before[f"{item} at 4000"] == ~after[f"{item} at 4000"]).all()


def test_names_are_learned_as_far_as_published(birds: dict) -> None:
    found = next(iter(birds.values()))
    end = at_epoch(found["activation"], 12_000).median("seed")
    for (item, level), points in penguin.PUBLISHED.items():
        assert abs(float(end.sel(item=item, level=level)) - points[12_000]) < 0.1


def test_checks_report_shares_and_published_values(birds: dict) -> None:
    checks = {check.claim: check for check in rogers2004.fig2_checks(birds)}
    order = checks["penguin: “penguin” is learned before “bird” (crosses .5 first)"]
    assert "of 5 networks" in order.number
    assert order.note
    value = checks["activation of the basic name of the penguin"]
    assert value.expected == "4000: 0.73; 12000: 0.82"


def test_equal_word_frequency_takes_the_lead_of_basic_names(birds: dict) -> None:
    data = rogers2004.fig3_data(**FEW)
    half, equal = (naming._precede(data[names]).mean("item") for names in ("half", "equal"))
    assert (half > equal).mean() >= 0.8
    assert data["half"].sizes["item"] == 16
    first = data["basic"]["first"].mean(["item", "seed"])
    assert first.sel(level="basic") > first.sel(level="general")


def test_experts_know_specific_names_as_readily() -> None:
    data = rogers2004.fig4_data(**FEW, times=(2,))["network"]["2 times"]
    assert data.sizes["seed"] == 5
    gap = data.sel(level="basic") - data.sel(level="specific")
    then = at_epoch(gap, 4000)
    assert (then.sel(domain="expert") < then.sel(domain="novice")).mean() >= 0.8


def test_without_a_hidden_layer_orders_of_names_follow_from_frequency(birds: dict) -> None:
    names = rogers2004.fig3_data(**FEW)
    experts = rogers2004.fig4_data(**FEW, times=(2,))
    orders, expertise = (
        checks[-1] for checks in (rogers2004.fig3_checks(names), rogers2004.fig4_checks(experts))
    )
    (typical,) = (c for c in rogers2004.fig2_checks(birds) if c.claim.startswith("control"))
    assert typical.holds
    assert orders.holds
    assert expertise.claim.startswith("control")
    alike = naming._spread_items(names["shallow equal"])
    assert (naming._spread_items(names["equal"]) > alike.max()).all()
    grown = experts["shallow"]["2 times"].sel(domain="novice")
    lead = grown.sel(level="basic") - grown.sel(level="specific")
    assert (at_epoch(lead, 8000) > at_epoch(lead, 4000)).all()


def test_properties_in_company_are_learned_sooner() -> None:
    data = rogers2004.fig5_data(**FEW)
    together, scattered = covariation._split(data["network"])
    assert set(scattered["property"].values) == {"is red", "is yellow", "is white"}
    assert together.sizes["property"] == 8
    assert (together.median("property") < scattered.median("property")).mean() >= 0.8
    alike, lone = covariation._split(data["shallow"])
    np.testing.assert_allclose(alike.median("property"), lone.median("property"), rtol=0.03)


def test_induction_narrows_and_differs_by_context() -> None:
    data = rogers2004.fig6_data(**FEW)
    answer = data["answer"].sel(context="has")
    far = answer.sel(near="other domain")
    assert (far.isel(age=0) > far.isel(age=-1)).mean() >= 0.8
    kin = data["answer"].isel(age=-1).sel(near="same kind")
    assert (kin.sel(context="has") > kin.sel(context="is")).mean() >= 0.8
    assert not data["control"].values.any()


def test_the_general_outlasts_the_specific() -> None:
    data = rogers2004.fig7_data(**FEW, severity=(0.2, 0.4, 0.6), draws=5)
    left = data["left"]["accuracy"].sel(facts="names", severity=0.4)
    assert (left.sel(level="general") > left.sel(level="specific")).all()
    assert (data["errors"]["share"].sum("response").round(9) == 1).all()


def test_large_weights_begin_what_small_ones_come_to_later() -> None:
    data = rogers2004.fig8_data(**FEW)
    early, middle, late = (data[name]["epoch"].values for name in weights.REACHES)
    assert (early < late).all()
    assert (middle < late).all()
    assert float(data["±.1"]["peak"].median()) > float(data["variance .9"]["peak"].median())
    assert data["±.1"]["held"]["sparrow"].mean() >= 0.8


def _name_birds(*, penguin_first: list[bool], sparrow_first: list[bool]) -> xr.Dataset:
    """Return networks whose names rise in a straight line, one by epoch 6000, one by 12 000."""
    world = sd.load("rogers2004")
    exact = sd.solve(world, depth=2, times=np.linspace(0, 12_000 * EPOCH, 61))
    several = exact.isel(seed=[0] * len(penguin_first)).copy(deep=True)
    several["seed"] = range(len(penguin_first))
    time = several["time"].values
    for item, firsts in (("penguin", penguin_first), ("sparrow", sparrow_first)):
        for k, specific in enumerate(firsts):
            for prop, soon in ((f"ISA {item}", specific), ("ISA bird", not specific)):
                rise = np.clip(time / (6000 * EPOCH if soon else 12_000 * EPOCH), 0, 1)
                several["output"].loc[{"seed": k, "item": item, "property": prop}] = rise
    return several
