"""Bayesian learners: against scipy and scikit-learn, forms recovered, invariances."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.kernel_ridge import KernelRidge

import semdev as sd
from semdev.history import check
from semdev.models.rivals._forms import (
    covary,
    grow_line,
    grow_partition,
    grow_tree,
    link,
    measure_distances,
)
from semdev.models.rivals.base import Evidence, meet
from semdev.models.rivals.bayesian import (
    FORMS,
    Cells,
    StructuralForms,
    TreeKernel,
    match_sigma,
    score_forms,
)

LEARNERS = [TreeKernel(), StructuralForms()]
WORLDS = {
    "partition": sd.make_form("clusters", [4, 4, 4, 4]),
    "chain": sd.make_form("chain", 16),
    "ring": sd.make_form("ring", 16),
    "tree": sd.make_form("tree", [2, 2, 2, 2]),
}


def see(values, share=1.0, seed=0) -> Evidence:
    """Return evidence of a random share of a table."""
    values = np.asarray(values, dtype=float)
    seen = np.random.default_rng(seed).random(values.shape) < share
    known = np.where(seen, values, 0)
    return Evidence(known, seen, share, float(known.sum() / max(seen.sum(), 1)))


def draw(form: str, seed: int, *, properties: int = 100, coding: str = "graded") -> sd.Dataset:
    return sd.graph_gaussian(WORLDS[form], seed=seed, properties=properties, coding=coding)


# structures


def test_distances_by_hand():
    values = np.array([[1.0, 0, 1], [0, 0, 0], [1, 1, 0]])
    seen = np.array([[True, True, True], [True, True, False], [True, True, False]])
    distance, unit = measure_distances(values, seen)
    # differing on 1 of 2, 1 of 2 and 2 of 2: 4 of 6 in all
    assert unit == pytest.approx(4 / 6)
    assert distance[0] == pytest.approx([0, (1.5 + 1) / 3, (1.5 + 1) / 3], abs=1e-8)
    assert distance[1, 2] == pytest.approx((3 + 1) / 3, abs=1e-8)


def test_without_evidence_all_are_as_far_apart():
    distance, _ = measure_distances(np.zeros((3, 2)), np.zeros((3, 2), dtype=bool))
    assert (distance == 1 - np.eye(3)).all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sigma", [0.7, 5.0])
def test_covariance_is_that_of_the_form_as_a_graph(form, sigma):
    table = draw("tree", 3).properties.values
    distance, _ = measure_distances(table, np.ones(table.shape, dtype=bool))
    merges = link(distance)
    graph = {
        "partition": lambda: grow_partition(merges, distance, 0.5),
        "tree": lambda: grow_tree(merges),
        "chain": lambda: grow_line(distance, closed=False),
        "ring": lambda: grow_line(distance, closed=True),
    }[form]()  # fmt: skip
    drawn = nx.Graph()
    drawn.add_nodes_from((str(k), {"latent": k >= 16}) for k in range(graph.nodes))
    for (a, b), length in zip(graph.ends, graph.lengths, strict=True):
        drawn.add_edge(str(a), str(b), length=float(length))
    expected = sd.form_covariance(drawn, sigma=sigma)
    names = [str(k) for k in range(16)]
    assert covary(graph.reduce(16), sigma) == pytest.approx(
        expected.sel(item=names, item_2=names).values, rel=1e-6
    )


def test_a_chain_and_a_ring_are_found_in_their_order():
    place = np.random.default_rng(0).permutation(9)
    along = np.abs(place[:, None] - place).astype(float)
    graph = grow_line(along, closed=False)
    assert (np.abs(np.diff(place[graph.ends], axis=1)) == 1).all()
    assert len(graph.ends) == graph.fitted == 8
    around = grow_line(np.minimum(along, 9 - along), closed=True)
    assert np.isin(np.abs(np.diff(place[around.ends], axis=1)), [1, 8]).all()
    assert len(around.ends) == 9


def test_a_partition_is_cut_where_its_clusters_are():
    near = np.kron(np.eye(2), np.full((3, 3), -0.8)) + 1.0
    np.fill_diagonal(near, 0)
    graph = grow_partition(link(near), near, 0.5)
    hubs = [set(graph.ends[graph.ends[:, 0] == hub, 1].tolist()) for hub in (6, 7)]
    assert sorted(map(sorted, hubs)) == [[0, 1, 2], [3, 4, 5]]
    assert graph.lengths == pytest.approx(np.full(6, 0.1))
    assert graph.fitted == 2


def test_sigma_is_such_that_items_vary_as_they_are_seen_to():
    reduced = grow_tree(link(1.0 - np.eye(5))).reduce(5)
    sigma = match_sigma(reduced[0], 1.7)
    assert np.diag(covary(reduced, sigma)).mean() == pytest.approx(1.7, rel=0.01)


# Gaussians


def test_likelihood_is_scipys_at_its_best_amplitude():
    evidence = see(draw("tree", 1, properties=12).properties.values, 0.6)
    covariance = sd.form_covariance(WORLDS["tree"]).values

    def weigh(amplitude):
        found = 0.0
        for values, seen in zip(evidence.values.T, evidence.seen.T, strict=True):
            inner = covariance[np.ix_(seen, seen)] + 0.3 * np.eye(seen.sum())
            found += multivariate_normal(cov=amplitude * inner).logpdf(
                values[seen] - evidence.neutral
            )
        return found

    cells = Cells.of(evidence)
    best = float(cells.weigh(covariance, [0.3])[0])
    around = [weigh(a) for a in np.linspace(0.3, 3, 200)]
    assert best == pytest.approx(max(around), abs=0.01)
    assert best >= max(around)
    assert cells.weigh(covariance, [0.1, 0.3])[1] == pytest.approx(best)


def test_posterior_mean_is_scikit_learns():
    evidence = see(draw("ring", 2, properties=15).properties.values, 0.5)
    covariance = sd.form_covariance(WORLDS["ring"]).values
    found = Cells.of(evidence).fill(covariance, 0.2)
    for values, seen, believed in zip(evidence.values.T, evidence.seen.T, found.T, strict=True):
        ridge = KernelRidge(alpha=0.2, kernel="precomputed")
        ridge.fit(covariance[np.ix_(seen, seen)], values[seen] - evidence.neutral)
        expected = ridge.predict(covariance[:, seen]) + evidence.neutral
        assert believed == pytest.approx(expected)


def test_the_likeliest_of_the_grid_is_chosen():
    evidence = see(sd.load("rumelhart8").properties.values, 0.7)
    chosen = TreeKernel().answer(evidence).more
    for noise in (0.01, 0.1, 1):
        for sigma in (1, 3, 10):
            other = TreeKernel(noises=[noise], sigmas=[sigma]).answer(evidence).more
            assert other["log_likelihood"] <= chosen["log_likelihood"] + 1e-9


# forms


@pytest.mark.parametrize(("coding", "properties", "least"), [
    ("graded", 50, {"partition": 10, "chain": 10, "ring": 10, "tree": 10}),
    ("graded", 200, {"partition": 10, "chain": 10, "ring": 10, "tree": 10}),
    # thresholded draws are no Gaussians: with fewer properties chains and rings pass for trees
    ("0/1", 200, {"partition": 10, "chain": 6, "ring": 10, "tree": 10}),
])  # fmt: skip
def test_the_form_of_a_world_is_recovered(coding, properties, least):
    table = {
        form: Counter(
            score_forms(draw(form, seed, properties=properties, coding=coding)).idxmax().item()
            for seed in range(10)
        )
        for form in WORLDS
    }
    assert {form: table[form][form] >= least[form] for form in WORLDS} == dict.fromkeys(
        WORLDS, True
    ), table


def test_scores_are_what_the_learner_records_in_the_end():
    world = sd.load("rumelhart8")
    history = StructuralForms().learn(world, seeds=[0], record=2)
    recorded = [history[f"log_posterior_{form}"].values[0, -1] for form in FORMS]
    scores = score_forms(world)
    assert scores.dims == ("form",)
    assert scores["form"].values.tolist() == list(FORMS)
    assert recorded == pytest.approx(scores.values)
    fewer = score_forms(world, forms=["tree", "ring"])
    assert fewer.values == pytest.approx(scores.sel(form=["tree", "ring"]).values)


def test_each_fitted_length_costs_a_factor():
    world = draw("tree", 0)
    plain, dear = score_forms(world, theta=1), score_forms(world, theta=0.1)
    cost = ((plain - dear) / np.log(10)).sel(form=["chain", "ring", "tree"])
    assert cost.values == pytest.approx([15, 16, 15])


def test_beliefs_are_those_of_the_best_form():
    evidence = see(draw("ring", 0).properties.values, 0.7)
    every = StructuralForms().answer(evidence)
    best = max(every.more, key=every.more.get).removeprefix("log_posterior_")
    assert best == "ring"
    alone = StructuralForms(forms=[best]).answer(evidence)
    assert every.beliefs == pytest.approx(alone.beliefs)
    assert every.kernel == pytest.approx(alone.kernel)


def test_living_things_are_a_tree_once_enough_of_them_is_known():
    history = StructuralForms().learn(sd.load("living_things"), seeds=[0, 1], record=5)
    posterior = xr.concat([history[f"log_posterior_{form}"] for form in FORMS], dim="form")
    best = np.array(FORMS)[posterior.argmax("form").values]
    assert best[:, 0].tolist() == ["partition"] * 2  # the form with the fewest lengths
    assert best[:, 2:].ravel().tolist() == ["tree"] * 6


# both


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("share", [0.1, 0.4, 1])
def test_coding_changes_nothing(learner, share):
    world = sd.load("rogers2004").properties.values
    plain, coded = (learner.answer(see(each, share)) for each in (world, 3 * world - 1))
    assert 3 * plain.beliefs - 1 == pytest.approx(coded.beliefs, abs=1e-6)
    assert plain.kernel == pytest.approx(coded.kernel)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda each: type(each).__name__)
def test_neither_the_order_of_items_nor_of_properties_matters(learner):
    one = see(draw("tree", 5).properties.values, 0.6)
    random = np.random.default_rng(0)
    rows, columns = random.permutation(16), random.permutation(100)
    other = Evidence(one.values[rows][:, columns], one.seen[rows][:, columns], 0.6, one.neutral)
    plain, moved = learner.answer(one), learner.answer(other)
    assert plain.beliefs[rows][:, columns] == pytest.approx(moved.beliefs)
    assert plain.kernel[np.ix_(rows, rows)] == pytest.approx(moved.kernel)
    assert plain.more == pytest.approx(moved.more)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda each: type(each).__name__)
@given(st.integers(0, 10**6), st.floats(0, 1), st.integers(1, 7), st.integers(1, 6))
@settings(max_examples=30)
def test_answers_whatever_has_been_seen(learner, seed, share, items, properties):
    world = np.random.default_rng(seed).integers(0, 2, (items, properties))
    found = learner.answer(see(world, share, seed))
    assert np.isfinite(found.beliefs).all()
    assert np.isfinite(list(found.more.values())).all()
    assert np.linalg.eigvalsh(found.kernel).min() > -1e-9
    assert np.diag(found.kernel).mean() == pytest.approx(1)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("arrival", ["cells", "items", "properties"])
def test_a_seed_alone_is_that_seed_among_many(learner, arrival, tmp_path):
    world = sd.load("rumelhart8")
    own = type(learner)(arrival=arrival)
    history = check(own.learn(world, seeds=[0, 4, 7], record=6))
    xr.testing.assert_equal(history.sel(seed=[4]), own.learn(world, seeds=[4], record=6))
    left = history["loss"].isel(time=-1) / history["loss"].isel(time=0)
    assert (left < 0.05).all()
    sd.save_history(history, tmp_path / "bayes.nc")
    xr.testing.assert_equal(sd.load_history(tmp_path / "bayes.nc").load(), history)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda each: type(each).__name__)
def test_cells_not_seen_are_known_better_than_by_the_property_alone(learner):
    world = sd.load("living_things")
    truth, errors = world.properties.values, []
    for seed in range(3):
        (half,) = meet(world, "cells", seed, np.array([0.5]))
        mean = half.values.sum(0) / half.seen.sum(0)
        found = learner.answer(half).beliefs
        errors.append(
            [np.mean((each - truth)[~half.seen] ** 2) for each in (found, mean + 0 * truth)]
        )
    own, base = np.mean(errors, axis=0)
    assert own < 0.8 * base


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda each: type(each).__name__)
def test_a_property_of_one_item_is_projected_along_the_tree(learner):
    history = learner.learn(sd.load("living_things"), seeds=[0], record=5)
    found = sd.project_property(history, "canary")["projection"].isel(seed=0, time=-1)
    bird = found["item"][(history["ancestor"] == "bird").any("level").values]
    fish = found["item"][(history["ancestor"] == "fish").any("level").values]
    plant = found["item"][(history["ancestor"] == "plant").any("level").values]
    near, far, farthest = (float(found.sel(item=kind).mean()) for kind in (bird, fish, plant))
    assert near > far > farthest


# errors


@pytest.mark.parametrize("values", [[], [0.1, 0], [-1], [np.inf], [[1, 2]]])
@pytest.mark.parametrize("name", ["noises", "sigmas"])
def test_a_grid_out_of_range_is_refused(name, values):
    with pytest.raises(ValueError, match=f"{name}=.*: one or more finite numbers above 0"):
        TreeKernel(**{name: values})


def test_unknown_forms_are_refused():
    with pytest.raises(
        KeyError, match=r"no form 'rings' in StructuralForms; did you mean 'ring'\?"
    ):
        StructuralForms(forms=["rings"])
    for forms in ([], ["tree", "tree"]):
        with pytest.raises(ValueError, match="one form at least, and none twice"):
            StructuralForms(forms=forms)
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        StructuralForms(theta=0)


def test_are_readable_and_frozen():
    learner = StructuralForms(forms="tree", noises=[0.1, 0.01])
    assert repr(learner) == (
        "StructuralForms(forms=('tree',), theta=0.05, noises=(0.01, 0.1), arrival='cells')"
    )
    with pytest.raises(AttributeError):
        learner.theta = 0.5
