"""McClelland & Rogers (2003): what its checks rest on, in smaller ensembles."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

import semdev as sd
from semdev.papers import mcclelland2003 as paper
from semdev.papers.checks import Share
from semdev.papers.mcclelland2003 import _shared, dementia, differentiation, overextension

FEWER: dict[str, dict[str, Any]] = {
    "fig1": {"seeds": 20, "steps": 2500},
    "fig2": {
        "seeds": 20, "steps": 2500, "start_seeds": 6,
        "sweeps": {"rumelhart8": {"variance .9": 700, "±.9": 900, "±.1": 2200}},
    },
    "fig3": {"seeds": 8, "steps": 1200, "other_steps": 400},
    "fig4": {"seeds": 20, "steps": 2500, "draws": 4, "worlds": 1},
    "fig5": {"seeds": 20, "steps": 2500, "sweeps": 200},
}  # fmt: skip


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    return {figure: getattr(paper, f"{figure}_data")(**FEWER[figure]) for figure in FEWER}


@pytest.mark.parametrize("figure", FEWER)
def test_checks_hold_or_say_why_not_in_smaller_ensembles(data: dict, figure: str) -> None:
    checks = getattr(paper, f"{figure}_checks")(data[figure])
    assert [check.claim for check in checks if not (check.holds or check.note)] == []
    assert all(check.expected and check.criterion and check.panel in "abcd" for check in checks)


def test_the_published_course_is_trained_as_published() -> None:
    course, adult = _shared.train_eight(seeds=20, steps=2500)
    assert set(_shared.EPOCHS) <= set(course["time"].values.tolist())
    assert (course["time"] == course["step"]).all()
    assert adult["time"].item() == pytest.approx(250.0)
    assert {f"parameter_{n}.weight" for n in ("representation", "hidden", "attributes")} <= set(
        map(str, adult.data_vars)
    )
    bias = [adult[str(n)] for n in adult.data_vars if str(n).endswith(".bias")]
    assert all((each == -2).all() for each in bias)
    again, _ = _shared.train_eight(seeds=20, steps=2500)
    assert again is course


def test_levels_come_apart_broad_before_fine_in_most_networks(data: dict) -> None:
    found = data["fig1"]["levels"]
    half = found["half_rise"].sel(layer="output")
    assert (half.median("seed").diff("level") > 0).all()
    assert found["ordered"].sel(layer="output").mean() > 0.7


def test_beliefs_end_in_the_tree_and_few_representations_begin_in_it(data: dict) -> None:
    nested = data["fig1"]["nested"]
    assert nested["output"][-1].mean() > 0.9
    assert nested["hidden_1"][0].mean() < 0.4
    assert nested["hidden_1"][-1].mean() > nested["hidden_1"][0].mean()


def test_a_linear_network_without_hidden_layers_has_no_order(data: dict) -> None:
    found = data["fig1"]["shallow"]["linear"]
    half = found["half_rise"].sel(layer="output").values
    np.testing.assert_allclose(half, half[:, :1] * np.ones(3), rtol=1e-2)
    assert not found["ordered"].any()


def test_half_rise_by_hand() -> None:
    world = sd.load("saxe2019")
    history = sd.solve(world, depth=2)
    found = _shared.measure_levels(history)
    between = found["between"].sel(layer="output", level=0).isel(seed=0)
    middle = (between[0] + between[-1]) / 2
    by_hand = np.interp(middle, between, between["time"])
    half = found["half_rise"].sel(layer="output", level=0, seed=0)
    assert float(half) == pytest.approx(by_hand, rel=0.01)


def test_the_tree_is_found_where_it_is_and_not_where_it_is_not() -> None:
    history = sd.solve(sd.load("rumelhart8"), depth=2)
    assert differentiation.has_tree(history, "output", 1e9) == [True]
    order = [0, 4, 2, 6, 1, 5, 3, 7]  # pine changes places with robin, …
    shuffled = history.assign_coords(ancestor=history["ancestor"].isel(item=order).variable)
    assert differentiation.has_tree(shuffled, "output", 1e9) == [False]


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(8)))
def test_the_order_of_items_does_not_matter(order: list[int]) -> None:
    history = sd.solve(sd.load("rumelhart8"), depth=2, times=[0.0, 0.5, 1, 2, 4, 8])
    moved = history.isel(item=order)
    for time in (1.0, 8.0):
        one, other = (differentiation.has_tree(x, "output", time) for x in (history, moved))
        assert one == other
    one, other = (_shared.measure_levels(x)["half_rise"] for x in (history, moved))
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_the_pine_has_leaves_by_its_class_and_not_by_a_base_rate(data: dict) -> None:
    cell, shallow = data["fig2"]["cell"], data["fig2"]["shallow cell"]
    assert 0.3 < float(cell["peak"].median()) < 0.8
    assert (cell["excess"] > 0).all()
    assert (cell["final"] < cell["peak"]).all()
    assert (shallow["peak"] > 0.2).all()
    assert (shallow["excess"] < 1e-3).all()


def test_the_control_forgets_no_item_more_than_another() -> None:
    patterns = sd.make_patterns(sd.load("rumelhart8"), relations=True)
    history = _shared.train_shallow(patterns, linear=False, steps=100, seeds=1)
    wrong = history["output"].sel(property="has leaves", item=["pine", "robin", "salmon"])
    np.testing.assert_allclose(wrong, wrong.isel(item=[0] * 3), atol=1e-3)
    net: Any = _shared.ShallowSigmoid()(3, 2)
    assert [p.requires_grad for p in net.parameters()] == [True, False]


def test_small_initial_weights_are_late(data: dict) -> None:
    starts = data["fig2"]["starts"]
    large, small = (starts["rumelhart8", label]["peak_time"] for label in ("variance .9", "±.1"))
    assert (small > 1.5 * large).all()


def test_the_dog_is_extended_to_the_goat_first(data: dict) -> None:
    for name, history in data["fig3"].items():
        early = overextension._over_early(history).median("seed")
        goat, canary, pine = (float(early.sel(item=k)) for k in overextension.OTHERS)
        assert goat > max(canary, pine), name
    published, ours = overextension.compare_curves(data["fig3"][overextension.CHOSEN])
    assert np.corrcoef(published, ours)[0, 1] > 0.8
    assert len(published) == sum(e <= 1200 for c in overextension.PUBLISHED.values() for e in c)


def test_comparing_curves_by_hand() -> None:
    coords = {"seed": [0], "time": [0.0, 3000.0], "item": ["dog", "goat", "canary", "pine"],
              "property": [overextension.DOG, overextension.GOAT]}  # fmt: skip
    output = np.zeros((1, 2, 4, 2))
    output[:, 1] = 1.0
    history = xr.Dataset({"output": (list(coords), output)}, coords=coords)
    published, ours = overextension.compare_curves(history)
    epochs = [epoch for curve in overextension.PUBLISHED.values() for epoch in curve]
    np.testing.assert_allclose(ours, np.array(epochs) / 3000)
    assert published.tolist() == [
        v for curve in overextension.PUBLISHED.values() for v in curve.values()
    ]


def test_noise_takes_the_specific_first(data: dict) -> None:
    left = sd.retention(data["fig4"]["noise"])
    middle = left["half"].sel(facts="names").median("seed")
    assert float(middle.sel(level="specific")) < float(middle.sel(level="basic"))
    assert (left["accuracy"].isel(severity=-1) < left["accuracy"].isel(severity=0)).mean() > 0.9


def test_interleaving_protects_what_was_known(data: dict) -> None:
    alone, among = (
        data["fig5"]["swims", schedule]["increase"].isel(time=-1).mean("item")
        for schedule in ("focused", "interleaved")
    )
    assert (alone > among).mean() > 0.9
    assert float(alone.median()) > 3 * abs(float(among.median()))


def test_swapping_schedules_is_noticed(data: dict) -> None:
    swapped = {
        (kind, schedule): data["fig5"][kind, other]
        for kind in ("swims", "flies")
        for schedule, other in itertools.permutations(("focused", "interleaved"))
    }
    assert not paper.fig5_checks(swapped)[0].holds


def test_shares_have_exact_intervals() -> None:
    share = Share.of([True] * 14 + [False] * 6)
    assert share.value == pytest.approx(0.7)
    assert share.low == pytest.approx(beta.ppf(0.025, 14, 7))
    assert share.high == pytest.approx(beta.ppf(0.975, 15, 6))
    assert not share.is_usual
    assert Share.of([True] * 15 + [False] * 5).is_usual
    assert share.text == "70 % of 20 networks [46, 88]"


@given(held=st.lists(st.booleans(), min_size=1, max_size=30))
def test_shares_and_their_complements(held: list[bool]) -> None:
    share, other = Share.of(held), Share.of([not each for each in held])
    assert share.low == pytest.approx(1 - other.high, abs=1e-9)
    assert not (share.is_usual and other.is_usual)
    assert Share.of(held[::-1]) == share


def test_the_gap_between_levels_is_that_of_retention(data: dict[str, Any]) -> None:
    hurt = data["fig4"]["noise"]
    left = sd.retention(hurt)
    then = left["retained_then"].sel(facts="all")
    expected = (then.sel(level="general") - then.sel(level="specific")).values
    known = np.isfinite(expected)
    found = dementia.measure_gap(hurt, left["level_of"])
    np.testing.assert_allclose(found[known], expected[known], atol=1e-9)
    by_chance = dementia.measure_gap(data["fig4"]["control"][0], left["level_of"])
    assert np.nanmedian(found) > np.nanmedian(by_chance)
