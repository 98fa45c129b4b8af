"""Refitted rivals: by hand, against numpy, and what they provably can and cannot do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import semdev as sd
from semdev.history import check
from semdev.learners import Learner
from semdev.models.rivals.base import ARRIVALS, Evidence, meet
from semdev.models.rivals.exemplars import Exemplar, Prototype
from semdev.models.rivals.refitted import (
    RefittedClusters,
    RefittedSVD,
    count_parts,
    measure_differences,
)
from semdev.phenomena import Criterion, Phenomenon, judge

RIVALS = [
    RefittedSVD(), RefittedClusters(), RefittedSVD(rank=2), RefittedClusters(clusters=3),
    Exemplar(), Exemplar(growing=True), Prototype(), Prototype(growing=True, categories=3),
]  # fmt: skip
TRUTHFUL = [
    RefittedSVD(), RefittedClusters(), Exemplar(specificity=1e4), Prototype(specificity=1e4),
    Exemplar(specificity=1e4, growing=True),
]  # fmt: skip
CONVEX = [rival for rival in RIVALS if not isinstance(rival, RefittedSVD)]
PAIRS = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1.0]])


def see(values, *, experience=1.0, hide=()):
    """Return evidence of values of which some cells are hidden."""
    values = np.array(values, dtype=float)
    seen = np.ones(values.shape, dtype=bool)
    for cell in hide:
        seen[cell] = False
    values = np.where(seen, values, 0)
    return Evidence(values, seen, experience, values.sum() / max(seen.sum(), 1))


def draw(seed, *, share=0.5, items=9, properties=14, graded=True):
    """Return evidence of a random world."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(items, properties))
    seen = rng.random(values.shape) < share
    values = np.where(seen, values if graded else values > 0.3, 0.0)
    return Evidence(values, seen, share, values.sum() / seen.sum())


def move(evidence, items=slice(None), properties=slice(None)):
    return replace(
        evidence, values=evidence.values[items][:, properties],
        seen=evidence.seen[items][:, properties],
    )  # fmt: skip


# what all share


@pytest.mark.parametrize("rival", RIVALS, ids=repr)
def test_histories_are_histories(rival, tmp_path):
    world = sd.load("rumelhart8")
    history = check(rival.learn(world, seeds=[3, 7], record=6))
    alone = rival.learn(world, seeds=[7], record=6)
    np.testing.assert_array_equal(alone["output"][0], history["output"][1])
    np.testing.assert_array_equal(alone["hidden_1"][0], history["hidden_1"][1])
    sd.save_history(history, tmp_path / "it.nc")
    assert sd.load_history(tmp_path / "it.nc").identical(history)
    assert np.isfinite(history["output"]).all()
    assert np.isfinite(history["hidden_1"]).all()
    assert eval(repr(rival)) == rival


@pytest.mark.parametrize("rival", RIVALS, ids=repr)
@pytest.mark.parametrize("graded", [False, True])
def test_order_of_items_does_not_matter(rival, graded):
    for seed in range(5):
        evidence = draw(seed, graded=graded)
        order = np.random.default_rng(seed).permutation(len(evidence.seen))
        one, other = rival.answer(evidence), rival.answer(move(evidence, order))
        np.testing.assert_allclose(other.beliefs, one.beliefs[order], atol=1e-9)
        np.testing.assert_allclose(other.kernel, one.kernel[np.ix_(order, order)], atol=1e-9)


@pytest.mark.parametrize("rival", RIVALS, ids=repr)
def test_order_of_properties_does_not_matter(rival):
    for seed in range(5):
        evidence = draw(seed)
        order = np.random.default_rng(seed).permutation(evidence.seen.shape[1])
        one, other = rival.answer(evidence), rival.answer(move(evidence, properties=order))
        np.testing.assert_allclose(other.beliefs, one.beliefs[:, order], atol=1e-5)
        np.testing.assert_allclose(other.kernel, one.kernel, atol=1e-5)


@pytest.mark.parametrize("rival", RIVALS, ids=repr)
@pytest.mark.parametrize("arrival", ARRIVALS)
def test_codings_are_alike(rival, arrival):
    world, rival = sd.load("rumelhart8"), replace(rival, arrival=arrival)
    signed = replace(world, properties=3 * world.properties - 1)
    one, other = (rival.learn(each, seeds=[0, 1], record=8) for each in (world, signed))
    known = slice(1, None)  # of nothing, both answer 0
    np.testing.assert_allclose(
        other["output"][:, known], 3 * one["output"][:, known] - 1, atol=1e-8
    )
    factor = 9 if isinstance(rival, RefittedSVD) else 1  # its scores have the data's units
    gram = [h["hidden_1"].values @ h["hidden_1"].values.swapaxes(-1, -2) for h in (one, other)]
    np.testing.assert_allclose(gram[1], factor * gram[0], atol=1e-5)


@pytest.mark.parametrize("rival", RIVALS, ids=repr)
@pytest.mark.parametrize("arrival", ARRIVALS)
def test_kernels_are_semidefinite_and_kept(rival, arrival):
    world = sd.load("rogers2004")
    for evidence in meet(world, arrival, 1, np.linspace(0, 1, 12)):
        kernel = rival.answer(evidence).kernel
        np.testing.assert_allclose(kernel, kernel.T, atol=1e-12)
        assert np.linalg.eigvalsh(kernel)[0] >= -1e-6 * max(kernel.max(), 1)


@pytest.mark.parametrize("rival", TRUTHFUL, ids=repr)
@pytest.mark.parametrize("often", [1.0, 8.0])
def test_all_seen_they_end_with_the_truth(rival, often):
    world = sd.load("rogers2004")
    frequency = world.properties["frequency"].copy()
    frequency.loc["dog"] = often
    world = replace(world, properties=world.properties.assign_coords(frequency=frequency))
    for arrival in ARRIVALS:
        history = replace(rival, arrival=arrival).learn(world, seeds=[0], record=4)
        np.testing.assert_allclose(history["output"][0, -1], history["target"], atol=1e-10)


@pytest.mark.parametrize("rival", CONVEX, ids=repr)
def test_means_stay_within_what_was_seen_of_a_property(rival):
    for seed in range(5):
        evidence = draw(seed)
        beliefs = rival.answer(evidence).beliefs
        least = np.where(evidence.seen, evidence.values, np.inf).min(0)
        most = np.where(evidence.seen, evidence.values, -np.inf).max(0)
        unknown = np.isinf(least)
        least[unknown] = most[unknown] = evidence.neutral
        assert (beliefs >= least - 1e-9).all()
        assert (beliefs <= most + 1e-9).all()


@pytest.mark.parametrize("rival", RIVALS, ids=repr)
def test_of_what_was_not_met_nothing_special_is_believed(rival):
    world = sd.load("living_things")
    for evidence in meet(world, "items", 2, [0.0, 0.3, 0.6]):
        beliefs = rival.answer(evidence).beliefs[~evidence.seen.any(1)]
        np.testing.assert_allclose(beliefs, beliefs[:1].repeat(len(beliefs), 0), atol=1e-9)
    for evidence in meet(world, "properties", 2, [0.0, 0.3, 0.6]):
        beliefs = rival.answer(evidence).beliefs[:, ~evidence.seen.any(0)]
        np.testing.assert_allclose(beliefs, evidence.neutral, atol=1e-9)


def test_errors_teach():
    with pytest.raises(KeyError, match="no arrival 'item' in RefittedSVD; did you mean 'items'"):
        RefittedSVD(arrival="item")
    with pytest.raises(ValueError, match=r"number of modes, at least 1.*got rank=0"):
        RefittedSVD(rank=0)
    with pytest.raises(
        ValueError, match=r"number of clusters, .* RefittedClusters got clusters=2.5"
    ):
        RefittedClusters(clusters=2.5)


# frequency


def test_only_relative_frequencies_matter():
    world = sd.load("rumelhart8")
    often = world.properties["frequency"].copy(data=[1, 2, 1, 1, 4, 1, 1, 1.0])
    for rival in RIVALS:
        outputs = []
        for scale in (1, 3):
            table = world.properties.assign_coords(frequency=scale * often)
            history = rival.learn(replace(world, properties=table), seeds=[0], record=6)
            outputs.append(history["output"].values)
        np.testing.assert_allclose(*outputs, atol=1e-9)


def test_frequent_items_shape_what_is_kept():
    plain, frequent = RefittedSVD(rank=1), RefittedSVD(rank=1, often=np.array([50, 1, 1, 1.0]))
    off = [np.abs(r.answer(see(PAIRS)).beliefs - PAIRS)[0].max() for r in (plain, frequent)]
    assert off[1] < 0.1 < off[0]
    one = RefittedClusters(clusters=1, often=np.array([3, 1, 1, 1.0])).answer(see(PAIRS))
    np.testing.assert_allclose(one.beliefs[0], [4 / 6, 4 / 6, 3 / 6, 1 / 6])


# singular values


@pytest.mark.parametrize("experience", [0.0, 0.2, 0.5, 0.8, 0.95, 1.0])
def test_rank_is_the_least_that_holds_the_share(experience):
    evidence = replace(draw(3, share=2), experience=experience)
    u, s, vt = np.linalg.svd(evidence.values - evidence.neutral, full_matrices=False)
    answer = RefittedSVD().answer(evidence)
    rank = int(answer.more["modes_kept"])
    held = np.cumsum(s**2) / (s**2).sum()
    assert held[rank - 1] >= experience - 1e-12
    assert rank == 1 or held[rank - 2] < experience
    np.testing.assert_allclose(
        answer.beliefs, evidence.neutral + (u[:, :rank] * s[:rank]) @ vt[:rank], atol=1e-9
    )
    np.testing.assert_allclose(answer.kernel, (u[:, :rank] * s[:rank] ** 2) @ u[:, :rank].T,
                               atol=1e-9)  # fmt: skip


def test_modes_recover_cells_of_a_world_of_one_mode():
    values = np.outer([1, 1, 1, -1, -1, -1], [1, -1] * 4)
    answer = RefittedSVD().answer(see(values, experience=0.9, hide=[(0, 0), (4, 5)]))
    assert answer.beliefs[0, 0] > 0.5
    assert answer.beliefs[4, 5] > 0.5
    assert answer.more["modes_kept"] == 1


def test_nothing_seen_nothing_known():
    answer = RefittedSVD().answer(Evidence(np.zeros((3, 2)), np.zeros((3, 2), bool), 0.0, 0.0))
    assert not answer.beliefs.any()
    assert not answer.kernel.any()
    assert answer.more["modes_kept"] == 0


def test_modes_misremember_what_they_do_not_fit_and_clusters_their_members():
    world = sd.load("living_things")
    (half,) = meet(world, "cells", 0, [0.5])
    for rival in (RefittedSVD(), RefittedClusters()):
        beliefs = rival.answer(half).beliefs
        assert np.abs(beliefs - half.values)[half.seen].max() > 0.5
    (all_seen,) = meet(world, "cells", 0, [1.0])
    beliefs = RefittedClusters(clusters=5).answer(all_seen).beliefs
    assert len(np.unique(beliefs.round(9), axis=0)) == 5
    off = RefittedSVD(rank=5).answer(all_seen).beliefs - all_seen.neutral
    assert np.linalg.matrix_rank(off, tol=1e-9) == 5


def test_ranks_and_clusters_grow_with_experience():
    world = sd.load("living_things")
    for rival, name in ((RefittedSVD(), "modes_kept"), (RefittedClusters(), "clusters_kept")):
        kept = rival.learn(world, seeds=range(5), record=21)[name].mean("seed")
        assert kept[[1, -1]].values.tolist() == [1, 28]
        assert (kept[10::2].diff("time") > 0).all()


# clusters


def test_differences_by_hand():
    apart = np.array([[0, 1, 3, 4], [1, 0, 2, 3], [3, 2, 0, 1], [4, 3, 1, 0]])
    mean = 14.5 / 25
    expected = np.where(np.eye(4) == 1, 0, (apart + mean) / 5)
    np.testing.assert_allclose(measure_differences(see(PAIRS)), expected, atol=2e-7)
    hidden = see(PAIRS, hide=[(0, 0), (1, 1), (0, 2), (1, 3)])  # nothing seen of both
    found = measure_differences(hidden)
    counts = np.array([[0, 0, 2, 2], [0, 0, 2, 2], [2, 2, 0, 4], [2, 2, 4, 0]])
    apart = np.array([[0, 0, 1, 2], [0, 0, 1, 1], [1, 1, 0, 1], [2, 1, 1, 0]])
    mean = (apart.sum() / 2 + 0.5) / (counts.sum() / 2 + 1)
    assert found[0, 1] == pytest.approx(mean, abs=2e-7)
    assert found[0, 3] == pytest.approx((2 + mean) / 3, abs=2e-7)


def test_clusters_by_hand():
    rival = RefittedClusters(clusters=2)
    answer = rival.answer(see(PAIRS))
    np.testing.assert_allclose(answer.beliefs, [[1, 1, 0.5, 0]] * 2 + [[0, 0, 0, 0.5]] * 2)
    np.testing.assert_allclose(answer.kernel, np.kron(np.eye(2), np.ones((2, 2))), atol=1e-9)
    each = RefittedClusters(clusters=4).answer(see(PAIRS)).kernel
    near = 1 - (1 + 14.5 / 25) / (3 + 14.5 / 25)
    np.testing.assert_allclose(each[0], [1, near, 0, 0], atol=1e-6)
    hidden = rival.answer(see(PAIRS, hide=[(1, 2)]))
    np.testing.assert_allclose(hidden.beliefs[1], [1, 1, 1, 0])  # what its neighbour has
    none = rival.answer(see(PAIRS, hide=[(0, 2), (1, 2)]))
    np.testing.assert_allclose(none.beliefs[1], [1, 1, 0, 0])  # what the world has


def test_unmet_items_belong_to_the_whole_world():
    answer = RefittedClusters(clusters=2).answer(see(PAIRS, hide=[(1, k) for k in range(4)]))
    np.testing.assert_allclose(answer.beliefs[1], PAIRS[[0, 2, 3]].mean(0))
    np.testing.assert_allclose(answer.kernel[1], answer.kernel[[0, 2, 3]].mean(0))


def test_number_of_clusters_is_the_least_that_holds_the_share():
    off = PAIRS - PAIRS.mean()
    total = (off**2).sum()
    one, two = 4 * (off.mean(0) ** 2).sum(), sum(2 * (off[k].mean(0) ** 2).sum() for k in
                                                 ([0, 1], [2, 3]))  # fmt: skip
    little = 1e-6
    shares = [
        one / total - little,
        one / total + little,
        two / total - little,
        two / total + little,
    ]
    found = [RefittedClusters().answer(see(PAIRS, experience=each)) for each in [*shares, 1.0]]
    assert [each.more["clusters_kept"] for each in found] == [1, 2, 2, 3, 4]
    assert count_parts(np.array([1.0, 1.0]), 1.0) == 1


# joining


@pytest.mark.parametrize("rival", [RefittedSVD(), RefittedClusters()], ids=repr)
def test_projection_is_broad_and_narrows(rival):
    history = rival.learn(sd.load("living_things"), seeds=range(5), record=11)
    projected = sd.project_property(history, "robin")["projection"].mean("seed")
    others = projected.drop_sel(item="robin").mean("item")
    assert others[1] > 0.7 > 0.5 > others[-1]
    mine, plant = projected.sel(item="canary"), projected.sel(item="oak")
    assert (mine[6:] > plant[6:]).all()


@pytest.mark.parametrize("rival", RIVALS, ids=repr)
def test_they_can_be_judged(rival):
    def measure(history):
        """Return how much farther apart items of different classes are, past halfway."""
        apart = sd.item_distances(history.isel(time=[40])).isel(time=0)
        kind = history["ancestor"].isel(level=1).values
        same = xr.DataArray(kind[:, None] == kind, dims=("item", "item_2"))
        return apart.where(~same).mean(("item", "item_2")) - apart.where(same).mean(
            ("item", "item_2")
        )

    phenomenon = Phenomenon(
        name="classes", claim="", human="", measure=measure, unit="distance",
        criterion=Criterion(0.0, "ours", "any"),
    )  # fmt: skip
    found = judge(phenomenon, Learner(rival), sd.load("rogers2004"), seeds=[0, 1, 2])
    assert found["reason"] == ""
    assert found["met"].all()
