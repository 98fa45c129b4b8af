"""Inductive projection and its narrowing: closed forms, hand-made cases, what cannot show them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import semdev as sd
from semdev.learners import Learner
from semdev.measures.induction import project_property
from semdev.phenomena.base import NotApplicableError, judge
from semdev.phenomena.projecting import (
    INDUCTIVE_PROJECTION,
    NARROWING,
    find_kin,
    measure_narrowing,
    measure_projection,
    project_to_all,
    teach_everybody,
)


def learn_exactly(data: sd.Dataset, seed: int) -> xr.Dataset:
    return sd.solve(data, depth=2, hidden=True).assign_coords(seed=[seed])


def learn_without_layers(data: sd.Dataset, seed: int) -> xr.Dataset:
    return learn_exactly(data, seed).drop_vars("hidden_1").assign_attrs(provenance="{}")


def make_result(kin: tuple[float, float], others: tuple[float, float]) -> xr.Dataset:
    """Two pairs of kin; what kin and others get, early and late."""
    classes = [["all", "a"], ["all", "a"], ["all", "b"], ["all", "b"]]
    near = np.kron(np.eye(2), np.ones((2, 2))) > 0
    ages = [np.where(near, k, o) for k, o in zip(kin, others, strict=True)]
    return xr.Dataset(
        {"projection": (("seed", "age", "item", "item_2"), np.array([ages]))},
        coords={"seed": [0], "ancestor": (("item", "level"), classes)},
    )


def test_projection_is_that_of_the_measure() -> None:
    child = learn_exactly(sd.load("rumelhart8"), 0)
    found = project_to_all(child)
    for k, item in enumerate(child["item"].values.tolist()):
        one = project_property(child, item)["projection"].values
        np.testing.assert_allclose(found[:, :, k], one, atol=1e-12)


def test_projection_is_the_mean_over_relations() -> None:
    net = Learner(sd.Rumelhart()).learn(sd.load("rumelhart8"), seeds=[0]).isel(time=[-1])
    each = [
        project_property(net.sel(context=c), "pine")["projection"].values
        for c in net["context"].values
    ]
    np.testing.assert_allclose(project_to_all(net)[:, :, 0], np.mean(each, axis=0), atol=1e-12)


def test_hand_made_values() -> None:
    result = make_result(kin=(1.0, 0.5), others=(0.9, 0.1))
    assert measure_projection(result).item() == pytest.approx(0.4)
    assert measure_narrowing(result).item() == pytest.approx(0.3)  # .8 lost by others, .5 by kin
    assert measure_narrowing(make_result((1.0, 0.2), (1.0, 0.2))).item() == pytest.approx(0)
    assert measure_narrowing(make_result((0.5, 1.0), (0.3, 0.3))).item() == pytest.approx(0)


def test_items_without_a_representation_are_left_out() -> None:
    result = make_result(kin=(1.0, 0.5), others=(0.9, 0.1))
    result["projection"][:, :, 0] = np.nan
    assert measure_projection(result).item() == pytest.approx(0.4)
    result["projection"][:] = np.nan
    assert np.isnan(measure_projection(result).item())


def test_kin_and_strangers_share_out_everybody_else() -> None:
    classes = sd.solve(sd.load("living_things"), depth=1)["ancestor"].values
    kin, strangers = find_kin(classes)
    alone = ~(kin | strangers).any(1)
    assert not alone.any()
    np.testing.assert_array_equal(kin ^ strangers, ~np.eye(len(kin), dtype=bool))
    assert np.flatnonzero(kin[0]).tolist() == [1]  # the cat's: the dog
    assert np.flatnonzero(kin[2]).tolist() == [0, 1, 3, 4]  # the mouse's: the other mammals


@pytest.mark.parametrize("phenomenon", [INDUCTIVE_PROJECTION, NARROWING])
def test_deep_networks_show_it_and_shallow_ones_never(phenomenon) -> None:
    world = sd.load("rogers2004")
    assert judge(phenomenon, Learner(learn_exactly), world, seeds=[0])["met"].all()
    for model in (sd.Shallow(), sd.Shallow(bias=True)):
        shallow = judge(phenomenon, Learner(model), world, seeds=[0, 1])
        np.testing.assert_array_equal(shallow["value"], 0)
        assert not shallow["met"].any()


def test_what_cannot_be_asked_is_not_applicable() -> None:
    world = sd.load("rumelhart8")
    with pytest.raises(NotApplicableError, match="no hidden layer over items"):
        teach_everybody(Learner(learn_without_layers), world, [0])
    bare = judge(INDUCTIVE_PROJECTION, Learner(sd.Shallow()), world.with_tree(None), seeds=[0])
    assert bare["reason"].item() == "the data have no tree"
    flat = world.with_tree(sd.trees.from_nested(world.properties["item"].values.tolist()))
    found = judge(NARROWING, Learner(learn_exactly), flat, seeds=[0])
    assert "no class of the tree" in found["reason"].item()


def test_the_order_of_items_does_not_matter() -> None:
    world = sd.load("rumelhart8")
    turned = world.select(items=world.properties["item"].values[::-1].tolist())
    for phenomenon in (INDUCTIVE_PROJECTION, NARROWING):
        one, other = (
            phenomenon.measure(teach_everybody(Learner(learn_exactly), each, [0]))
            for each in (world, turned)
        )
        np.testing.assert_allclose(one, other, atol=1e-8)
