"""Exemplars and prototypes: by hand, at their limits, and what they cannot do.

What all rivals share (invariances, Histories, endings) is in test_rivals_refitted.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

import semdev as sd
from semdev.models.rivals.base import Evidence, meet
from semdev.models.rivals.exemplars import Exemplar, Prototype, mend_kernel
from semdev.models.rivals.refitted import RefittedClusters, measure_differences

PAIRS = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1.0]])


def see(values, *, experience=1.0, hide=()):
    """Return evidence of values of which some cells are hidden."""
    values = np.array(values, dtype=float)
    seen = np.ones(values.shape, dtype=bool)
    for cell in hide:
        seen[cell] = False
    values = np.where(seen, values, 0)
    return Evidence(values, seen, experience, values.sum() / max(seen.sum(), 1))


def meet_world(name, share, *, seed=0, arrival="cells"):
    (evidence,) = meet(sd.load(name), arrival, seed, [share])
    return evidence


# exemplars


def test_exemplars_by_hand():
    evidence = see([[1, 1], [0, 0], [1, 0]], hide=[(2, 1)])
    mean = 3.5 / 5  # of the pairs' four common properties three differ, and half of one more
    near, far = np.exp(-2 * mean / 2), np.exp(-2 * (1 + mean) / 2)
    answer = Exemplar(specificity=2).answer(evidence)
    assert answer.beliefs[2, 1] == pytest.approx(near / (near + far), abs=1e-6)
    both = np.exp(-2 * (2 + mean) / 3)
    assert answer.beliefs[1, 0] == pytest.approx((both + far) / (1 + both + far), abs=1e-6)
    expected = [[1, both, near], [both, 1, far], [near, far, 1]]
    np.testing.assert_allclose(answer.kernel, expected, atol=1e-6)


def test_frequent_exemplars_are_stronger():
    evidence = see([[1, 1], [0, 0], [1, 0]], hide=[(2, 0), (2, 1)])
    answer = Exemplar(often=np.array([3, 1, 1.0])).answer(evidence)
    np.testing.assert_allclose(answer.beliefs[2], [0.75, 0.75], atol=1e-6)
    world = sd.load("rogers2004")
    often = world.properties["frequency"].copy()
    often.loc["dog"] = 8
    world_of_dogs = replace(world, properties=world.properties.assign_coords(frequency=often))
    goats = [
        sd.ask(Exemplar().learn(each, seeds=range(3), record=5), "goat", "ISA dog").values[:, -1]
        for each in (world, world_of_dogs)
    ]
    assert (goats[1] > 1.5 * goats[0]).all()


def test_without_specificity_all_is_base_rates():
    evidence = meet_world("rogers2004", 0.6)
    answer = Exemplar(specificity=0).answer(evidence)
    rates = evidence.values.sum(0) / evidence.seen.sum(0)
    np.testing.assert_allclose(answer.beliefs, np.tile(rates, (21, 1)))
    np.testing.assert_allclose(answer.kernel, 1)


def test_with_all_specificity_only_the_nearest_counts():
    evidence = meet_world("rogers2004", 0.6)
    apart = measure_differences(evidence)
    beliefs = Exemplar(specificity=1e9).answer(evidence).beliefs
    for item, kind in np.ndindex(beliefs.shape):
        known = np.flatnonzero(evidence.seen[:, kind])
        nearest = known[apart[item, known].argmin()]
        assert beliefs[item, kind] == pytest.approx(evidence.values[nearest, kind])


def test_specificity_grows_from_nothing():
    rival = Exemplar(growing=True, specificity=4)
    for share in (0.0, 0.3, 0.8, 1.0):
        evidence = meet_world("rogers2004", share)
        one, other = (each.answer(evidence) for each in (rival, Exemplar(specificity=4 * share)))
        np.testing.assert_array_equal(one.beliefs, other.beliefs)
        np.testing.assert_array_equal(one.kernel, other.kernel)


def test_of_nothing_seen_half_may_differ():
    nothing = Evidence(np.zeros((3, 2)), np.zeros((3, 2), dtype=bool), 0.0, 0.0)
    for rival, other in ((Exemplar(), np.exp(-10)), (Exemplar(growing=True), 1), (Prototype(), 1)):
        answer = rival.answer(nothing)
        assert not answer.beliefs.any()
        np.testing.assert_allclose(answer.kernel, other + (1 - other) * np.eye(3))


def test_kernel_is_laplaces_where_all_was_seen():
    world = sd.load("living_things").properties.values
    kernel = Exemplar(specificity=5).answer(see(world)).kernel
    apart = squareform(pdist(world, "cityblock"))
    mean = (apart.sum() / 2 + 0.5) / (14 * 27 * 84 + 1)
    expected = np.exp(-5 * (apart + mean) / 85) * (1 - np.eye(28)) + np.eye(28)
    np.testing.assert_allclose(kernel, expected, atol=1e-6)
    assert np.linalg.eigvalsh(kernel)[0] > 0


def test_kernels_are_mended_where_cells_are_missing():
    evidence = meet_world("living_things", 0.3)
    broken = np.exp(-20 * measure_differences(evidence))
    assert np.linalg.eigvalsh(broken)[0] < -0.1
    mended = Exemplar().answer(evidence).kernel
    assert np.linalg.eigvalsh(mended)[0] > -1e-9
    np.testing.assert_allclose(np.diag(mended), 1)
    assert np.linalg.norm(mended - broken) < 0.3 * np.linalg.norm(broken)
    np.testing.assert_array_equal(mend_kernel(np.eye(3)), np.eye(3))


# what exemplars cannot do


def test_exemplars_never_learn_what_sets_like_items_apart():
    world = sd.load("rogers2004")
    for growing in (False, True):
        history = Exemplar(growing=growing).learn(world, seeds=[0, 1], record=4)
        assert (sd.ask(history, "pig", "has fur")[:, -1] > 0.2).all()  # its neighbours' fur
    sharp = Exemplar(specificity=1e4).learn(world, seeds=[0, 1], record=4)
    assert (sd.ask(sharp, "pig", "has fur")[:, -1] < 1e-9).all()
    projected = sd.project_property(sharp, "pig")["projection"].isel(time=-1).drop_sel(item="pig")
    assert (projected < 1e-9).all()  # nothing is like anything else


def test_only_growing_exemplars_narrow():
    world = sd.load("living_things")
    spread = {}
    for growing in (False, True):
        history = Exemplar(growing=growing).learn(world, seeds=range(4), record=11)
        projected = sd.project_property(history, "robin")["projection"].mean("seed")
        spread[growing] = projected.drop_sel(item="robin").mean("item").values
    assert spread[False].max() < 0.15
    np.testing.assert_allclose(spread[True][[0, -1]], [1, spread[False][-1]])
    assert (np.diff(spread[True]) < 0).all()


def test_fixed_exemplars_have_no_plateau():
    history = Exemplar().learn(sd.load("living_things"), seeds=range(20), record=11)
    fall = -np.diff(history["loss"].mean("seed").values)[1:]  # from the first tenth on
    assert (fall > 0).all()
    slow = np.minimum.accumulate(fall)
    assert (fall <= 1.25 * slow).all()  # it never waits and then hurries


# prototypes


def test_prototypes_by_hand():
    rival = Prototype(categories=2, specificity=2)
    answer = rival.answer(see(PAIRS))
    prototypes = np.array([[1, 1, 0.5, 0], [0, 0, 0, 0.5]])
    apart = np.abs(PAIRS[:, None] - prototypes).sum(-1) / 5
    member = np.exp(-2 * apart)
    member /= member.sum(1, keepdims=True)
    np.testing.assert_allclose(answer.beliefs, member @ prototypes)
    np.testing.assert_allclose(answer.kernel, member @ member.T)
    often = np.array([3, 1, 1, 1.0])
    prototypes[0, 2] = 0.75
    member = [4, 2] * np.exp(-2 * np.abs(PAIRS[:, None] - prototypes).sum(-1) / 5)
    member /= member.sum(1, keepdims=True)
    answer = replace(rival, often=often).answer(see(PAIRS))
    np.testing.assert_allclose(answer.beliefs, member @ prototypes)


def test_unmet_items_are_answered_by_base_rates():
    evidence = meet_world("living_things", 0.5, arrival="items")
    unmet = ~evidence.seen.any(1)
    rates = evidence.values[~unmet].mean(0)
    for rival in (Prototype(), Exemplar()):
        beliefs = rival.answer(evidence).beliefs[unmet]
        np.testing.assert_allclose(beliefs, np.tile(rates, (unmet.sum(), 1)), atol=1e-5)


def test_specific_prototypes_are_clusters_and_each_item_its_own_is_an_exemplar():
    evidence = meet_world("rogers2004", 1.0)
    sharp = Prototype(specificity=1e9, categories=21).answer(evidence)
    np.testing.assert_allclose(sharp.beliefs, evidence.values, atol=1e-9)
    blurred = Prototype(specificity=10, categories=21).answer(evidence)
    apart = squareform(pdist(evidence.values, "cityblock")) / 54  # goat is no other's double
    alike = np.exp(-10 * apart)
    np.testing.assert_allclose(
        blurred.beliefs, alike @ evidence.values / alike.sum(1, keepdims=True), atol=1e-9
    )
    few = Prototype(specificity=1e9, categories=2).answer(see(PAIRS))
    np.testing.assert_allclose(few.beliefs, RefittedClusters(clusters=2).answer(see(PAIRS)).beliefs)


def test_a_fixed_number_of_prototypes_never_learns_the_members():
    world = sd.load("living_things")
    history = Prototype(categories=4, specificity=1e4).learn(world, seeds=[0], record=4)
    last = history["output"][0, -1].values
    assert len(np.unique(last.round(9), axis=0)) == 4
    assert float(history["loss"][0, -1]) > 50


def test_errors_teach():
    with pytest.raises(ValueError, match=r"number of 0 .*; Exemplar got specificity=-1"):
        Exemplar(specificity=-1)
    with pytest.raises(ValueError, match=r"specificity='high'"):
        Prototype(specificity="high")
    with pytest.raises(ValueError, match=r"growing is True .* Exemplar got growing='yes'"):
        Exemplar(growing="yes")
    with pytest.raises(ValueError, match=r"number of categories, .* Prototype got categories=0"):
        Prototype(categories=0)
    with pytest.raises(KeyError, match="did you mean 'properties'"):
        Prototype(arrival="property")
