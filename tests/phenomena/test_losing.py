"""Dementia's order of loss: against the measure, by hand, and what cannot show it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import semdev as sd
from semdev.learners import Learner
from semdev.phenomena.base import NotApplicableError, judge
from semdev.phenomena.losing import (
    ORDER_OF_LOSS,
    _find_left,
    _score_properties,
    damage_learner,
    measure_gap,
)


def learn_exactly(data: sd.Dataset, seed: int) -> xr.Dataset:
    return sd.solve(data, depth=2, hidden=True).assign_coords(seed=[seed])


def make_result(left: list[float], by_chance: list[float], known: float = 1.0) -> xr.Dataset:
    """A general, a basic and a specific property of two pairs of items."""
    classes = [["all", "a", "1"], ["all", "a", "2"], ["all", "b", "3"], ["all", "b", "4"]]
    target = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]], dtype=float)
    return xr.Dataset(
        {
            "known": (("seed", "property"), [[known] * 3]),
            "left": (("seed", "property"), [left]),
            "known_by_chance": ("property", [1.0] * 3),
            "left_by_chance": ("property", by_chance),
            "target": (("item", "property"), target),
        },
        coords={
            "seed": [0],
            "relation": ("property", ["has"] * 3),
            "ancestor": (("item", "level"), classes),
        },
    )


def test_hand_made_values() -> None:
    result = make_result([0.8, 0.4, 0.0], [0.6, 0.5, 0.0])
    assert measure_gap(result).item() == pytest.approx((0.8 - 0.4) - (0.6 - 0.5))
    half = make_result([0.4, 0.2, 0.0], [0.6, 0.5, 0.0], known=0.5)  # as a share of what was known
    assert measure_gap(half).item() == pytest.approx(0.3)
    never = make_result([np.nan] * 3, [0.6, 0.5, 0.0])
    assert np.isnan(measure_gap(never).item())


def test_what_is_left_is_what_retention_says() -> None:
    model, world = sd.DeepLinear(16), sd.load("rumelhart8")
    child = sd.train(model, world, seeds=2, keep_weights=True, record=2)
    patients = sd.damage(
        child, model, world, kind="weight noise", severity=[0.2, 0.5, 1, 2], draws=5
    )
    known, left = _find_left(_score_properties(patients))
    expected = sd.retention(patients)
    level_of = expected["level_of"].values
    then = expected["retained_then"].sel(facts="all")
    for level in ("general", "basic", "specific"):
        chosen = level_of == level
        found = left[:, chosen].sum(1) / known[:, chosen].sum(1)
        np.testing.assert_allclose(found, then.sel(level=level), atol=1e-9)


def test_deep_networks_lose_the_specific_first_and_shallow_ones_all_alike() -> None:
    world = sd.load("rogers2004")
    deep = judge(ORDER_OF_LOSS, Learner(sd.DeepLinear(32)), world, seeds=range(4))
    assert deep["met"].sum() >= 3
    for model in (sd.Shallow(), sd.Shallow(bias=True)):
        shallow = judge(ORDER_OF_LOSS, Learner(model), world, seeds=range(4))
        assert (np.abs(shallow["value"]) < 0.1).all()
        assert not shallow["met"].any()


def test_what_cannot_be_asked_is_not_applicable() -> None:
    world = sd.load("rumelhart8")
    with pytest.raises(NotApplicableError, match="no network"):
        damage_learner(Learner(learn_exactly), world, [0])
    found = judge(ORDER_OF_LOSS, Learner(sd.Shallow()), world.with_tree(None), seeds=[0])
    assert found["reason"].item() == "the data have no tree"
    plain = world.select(properties=["is red", "is yellow", "can sing"])
    found = judge(ORDER_OF_LOSS, Learner(sd.Shallow()), plain, seeds=[0])
    assert "no property that tells items apart is general" in found["reason"].item()
