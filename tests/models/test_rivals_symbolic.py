"""The symbolic learner: parsimony against all labellings, branches by hand, jumps against drift."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from scipy.cluster.hierarchy import cophenet
from scipy.spatial.distance import squareform

import semdev as sd
from semdev.data.null_worlds import make_null_world
from semdev.history import check
from semdev.models.rivals._forms import link, measure_distances
from semdev.models.rivals.base import Evidence
from semdev.models.rivals.symbolic import (
    SymbolicTree,
    collapse,
    count_rearranged,
    find_median,
    find_supported,
    read_off,
    share_paths,
    weigh_pairings,
)


def see(values, share=1.0, seed=0) -> Evidence:
    """Return evidence of a random share of a table."""
    values = np.asarray(values, dtype=float)
    seen = np.random.default_rng(seed).random(values.shape) < share
    known = np.where(seen, values, 0)
    return Evidence(known, seen, share, float(known.sum() / max(seen.sum(), 1)))


def grow_at_random(items: int, rng: np.random.Generator) -> list[list[int]]:
    """Return the children of a random tree, some of its branches collapsed."""
    children: list[list[int]] = [[] for _ in range(items)]
    loose = list(range(items))
    while len(loose) > 1:
        pair = sorted(rng.choice(loose, 2, replace=False).tolist())
        loose = [k for k in loose if k not in pair] + [len(children)]
        children.append(pair)
    collapse(children, rng.random(len(children)) < 0.6, items)
    return children


def count_changes(children, values) -> float:
    """Return the least sum of |difference| over branches, trying all states of inner nodes."""
    items = len(values)
    inner = [k for k in range(items, len(children)) if children[k]]
    least = np.inf
    for states in itertools.product(np.unique(values), repeat=len(inner)):
        at = {**dict(enumerate(values)), **dict(zip(inner, states, strict=True))}
        least = min(least, sum(abs(at[k] - at[c]) for k in inner for c in children[k]))
    return least


def find_classes(history: xr.Dataset, seed: int, time: int) -> set[frozenset[str]]:
    """Return the classes of a learner's tree, by name."""
    vectors = history["hidden_1"].values[seed, time]
    shared, items = (vectors @ vectors.T).round(6), history["item"].values.astype(str)
    rows = {tuple(row >= level) for row in shared for level in row}
    sizes = range(2, len(items))
    return {frozenset(items[list(row)]) for row in rows if sum(row) in sizes}


# reasoning


@given(st.integers(0, 10**6), st.integers(3, 6), st.sampled_from([2, 4]))
@settings(max_examples=40)
def test_reads_off_the_values_that_all_labellings_with_the_least_change_give(seed, items, kinds):
    rng = np.random.default_rng(seed)
    children = grow_at_random(items, rng)
    values, item = rng.integers(0, kinds, items).astype(float), int(rng.integers(items))
    seen = np.arange(items) != item
    states = np.where(seen, values, [[-np.inf], [np.inf]])[:, :, None]
    cost = []
    for value in np.unique(values[seen]):
        values[item] = value
        cost.append(count_changes(children, values))
    best = np.unique(values[seen])[np.isclose(cost, min(cost))]
    low, high = (read_off(children, states, np.array([mean]))[item, 0] for mean in (-9.0, 9.0))
    assert (low, high) == (best.min(), best.max())


def test_what_is_tied_takes_the_value_nearest_to_the_mean():
    children = [[], [], [], [0, 1, 2]]
    states = np.array([[0.0], [1.0], [np.nan]])
    states = np.stack([np.nan_to_num(states, nan=-np.inf), np.nan_to_num(states, nan=np.inf)])
    assert [read_off(children, states, np.array([m]))[2, 0] for m in (-1, 0.5, 3)] == [0, 0.5, 1]


def test_median_of_intervals_by_hand():
    ends = np.array([[0, 1, 4], [2, 3, np.inf]], dtype=float)[:, :, None]
    assert find_median(ends)[:, 0].tolist() == [2, 3]  # of 0 1 2 3 4 ∞


def test_a_hidden_cell_is_what_its_kind_has():
    animal, plant = [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]
    world = np.array([animal, animal, animal, plant, plant, plant], dtype=float)
    seen = np.ones((6, 6), dtype=bool)
    seen[0, 1] = seen[5, 1] = False
    found = SymbolicTree().answer(Evidence(np.where(seen, world, 0), seen, 0.9, 0.5))
    assert found.beliefs == pytest.approx(world)
    assert found.more == {"branches": 2.0}


def test_of_a_property_never_seen_the_mean_is_believed():
    seen = np.array([[True, False], [True, False], [True, False]])
    found = SymbolicTree().answer(Evidence(np.array([[1.0, 0], [0, 0], [1, 0]]), seen, 0.5, 0.4))
    assert found.beliefs[:, 1].tolist() == [0.4] * 3


# branches


@pytest.mark.parametrize(("counts", "expected"), [((0, 0, 0), 1 / 3), ((1, 0, 0), 2 / 3)])
def test_probability_of_a_branch_by_hand(counts, expected):
    assert probability(*counts) == pytest.approx(expected)


@pytest.mark.parametrize("counts", [(3, 0, 0), (4, 2, 1), (10, 9, 3), (2, 5, 5)])
def test_probability_of_a_branch_is_the_integral_over_its_share(counts):
    def weigh(right):
        wrong = sum(counts) - right
        return integrate.quad(lambda p: p**right * ((1 - p) / 2) ** wrong, 1 / 3, 1)[0]

    each = [weigh(right) for right in counts]
    assert probability(*counts) == pytest.approx(each[0] / sum(each), rel=1e-6)


def probability(*counts: int) -> float:
    """Return how probable the first pairing of four is, given properties for each of the three."""
    patterns = np.repeat([[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]], counts, axis=0).T
    each = patterns[:, None, :].astype(float)
    return float(weigh_pairings(each, each, np.ones(each.shape[-1]))[0])


def test_what_has_not_been_seen_speaks_for_no_pairing():
    low = np.array([0.0, -np.inf, 1, 1])[:, None, None]
    high = np.array([0.0, np.inf, 1, 1])[:, None, None]
    assert weigh_pairings(low, high, np.ones(1)) == pytest.approx(1 / 3)


def test_branches_are_those_that_properties_speak_for():
    merges = [[0, 1], [2, 3], [4, 5], [6, 7]]  # (2 3)(4(0 1))
    children = [[] for _ in range(5)] + merges
    one = np.array([[1.0], [1], [0], [0], [0]])
    sure = find_supported(children, np.stack([one, one]))
    assert sure == pytest.approx([0, 0, 0, 0, 0, 2 / 3, 1 / 3, 1 / 3, 0])
    collapse(children, sure > 0.5, 5)
    assert children == [[], [], [], [], [], [0, 1], [], [], [2, 3, 4, 5]]


def test_kernel_is_the_path_shared_by_hand():
    children = [[], [], [], [], [0, 1], [2, 3], [4, 5]]
    heights = np.array([0, 0, 0, 0, 1.0, 2, 4])
    assert share_paths(children, heights, 4).tolist() == [
        [1, 0.75, 0, 0], [0.75, 1, 0, 0], [0, 0, 1, 0.5], [0, 0, 0.5, 1],
    ]  # fmt: skip


def test_kernel_is_the_cophenetic_one_where_nothing_is_collapsed():
    distance, _ = measure_distances(
        np.random.default_rng(0).normal(size=(9, 20)), np.ones((9, 20), dtype=bool)
    )
    merges = link(distance)
    children = [[] for _ in range(9)] + merges[:, :2].astype(int).tolist()
    shared = share_paths(children, np.concatenate([np.zeros(9), merges[:, 2]]), 9)
    assert shared == pytest.approx(1 - squareform(cophenet(merges)) / merges[-1, 2])


def test_noise_leaves_fewer_classes_and_none_to_who_asks_for_certainty():
    world = sd.load("living_things")
    noise = make_null_world(world, "white noise")
    count = {
        (data.name, sure): float(
            SymbolicTree(sure=sure).learn(data, seeds=range(3), record=3)["branches"][:, -1].mean()
        )
        for data in (world, noise) for sure in (0.5, 0.95)
    }  # fmt: skip
    assert count[noise.name, 0.5] < count[world.name, 0.5] / 2
    assert count[noise.name, 0.95] < 1 < 4 < count[world.name, 0.95]


@pytest.mark.parametrize(("corpus", "kinds"), [
    ("living_things", [("bird",), ("fish",)]), ("rogers2004", [("bird",), ("fish",), ("flower",)]),
])  # fmt: skip
def test_finds_known_kinds(corpus, kinds):
    history = SymbolicTree().learn(sd.load(corpus), seeds=[0], record=2)
    found = find_classes(history, 0, -1)
    classes = history["ancestor"].values
    for (kind,) in kinds:
        assert frozenset(history["item"].values[(classes == kind).any(1)].tolist()) in found


# invariances


@pytest.mark.parametrize("share", [0.1, 0.4, 1])
def test_coding_changes_nothing(share):
    world = sd.load("rogers2004").properties.values
    plain, coded = (SymbolicTree().answer(see(each, share)) for each in (world, 2 * world - 1))
    assert 2 * plain.beliefs - 1 == pytest.approx(coded.beliefs)
    assert plain.kernel == pytest.approx(coded.kernel)
    assert plain.more == coded.more


@pytest.mark.parametrize("share", [0.3, 1])
def test_neither_the_order_of_items_nor_of_properties_matters(share):
    random = np.random.default_rng(3)
    world = random.normal(size=(10, 60)) + 3 * np.repeat(random.normal(size=(5, 60)), 2, axis=0)
    one = see(world, share)
    rows, columns = random.permutation(10), random.permutation(60)
    other = Evidence(one.values[rows][:, columns], one.seen[rows][:, columns], share, one.neutral)
    plain, moved = SymbolicTree().answer(one), SymbolicTree().answer(other)
    assert plain.beliefs[rows][:, columns] == pytest.approx(moved.beliefs)
    assert plain.kernel[np.ix_(rows, rows)] == pytest.approx(moved.kernel)
    assert plain.more["branches"] > 1


@given(st.integers(0, 10**6), st.floats(0, 1), st.integers(1, 7), st.integers(1, 6))
@settings(max_examples=40)
def test_answers_whatever_has_been_seen(seed, share, items, properties):
    world = np.random.default_rng(seed).integers(0, 2, (items, properties))
    evidence = see(world, share, seed)
    found = SymbolicTree().answer(evidence)
    assert found.beliefs[evidence.seen] == pytest.approx(world[evidence.seen])
    assert np.isfinite(found.beliefs).all()
    assert np.linalg.eigvalsh(found.kernel).min() > -1e-9


# histories


@pytest.mark.parametrize("arrival", ["cells", "items", "properties"])
def test_a_seed_alone_is_that_seed_among_many_and_all_is_known_in_the_end(arrival, tmp_path):
    world = sd.load("rumelhart8")
    learner = SymbolicTree(arrival=arrival)
    history = check(learner.learn(world, seeds=[0, 4, 7], record=7))
    alone = learner.learn(world, seeds=[4], record=7)
    xr.testing.assert_equal(history.sel(seed=[4]), alone)
    assert history["output"].isel(time=-1).values == pytest.approx(
        np.broadcast_to(world.properties, (3, 8, 36))
    )
    sd.save_history(history, tmp_path / "tree.nc")
    xr.testing.assert_equal(sd.load_history(tmp_path / "tree.nc").load(), history)


def test_rearrangement_counts_classes_that_come_and_go():
    pairs = np.kron(np.eye(2), np.ones((2, 2)))  # (0 1)(2 3)
    other = pairs[np.ix_([0, 2, 1, 3], [0, 2, 1, 3])]  # (0 2)(1 3)
    trees = [np.eye(4), np.eye(4) + pairs, np.eye(4) + pairs, np.eye(4) + other, np.eye(4)]
    vectors = np.array([[np.linalg.cholesky(tree) for tree in trees]])
    history = xr.Dataset({
        "hidden_1": (("seed", "time", "item", "unit_1"), vectors),
        "loss": (("seed", "time"), np.zeros((1, 5))),
    })  # fmt: skip
    assert count_rearranged(history).values.tolist() == [[0, 2, 0, 4, 2]]


def step(history: xr.Dataset) -> np.ndarray:
    """Return how far items' products move from record to record, of their size in the end."""
    vectors = history["hidden_1"].values
    products = vectors @ vectors.swapaxes(-1, -2)
    products *= 1 - np.eye(products.shape[-1])
    moved = np.linalg.norm(np.diff(products, axis=1), axis=(-1, -2))
    return moved / np.linalg.norm(products[:, -1], axis=(-1, -2))[:, None]


def test_the_tree_jumps_where_a_deep_linear_network_drifts():
    """Looked at eight times as often, a drift takes steps a fraction as large; a jump does not."""
    world = sd.load("rogers2004")
    network = sd.train(sd.DeepLinear(24), world, seeds=1, hidden=True, record=241, progress=False)
    drift = [step(network.isel(time=slice(None, None, k))).max(1) for k in (8, 1)]
    trees = [SymbolicTree().learn(world, seeds=[0], record=r) for r in (31, 241)]
    jumps = [step(history).max(1) for history in trees]
    assert (drift[1] < drift[0] / 3).all()
    assert (jumps[1] > jumps[0] / 2).all()
    assert (jumps[1] > 0.5).all()
    rearranged = trees[1]["rearranged"].values
    assert (np.mean(rearranged == 0, axis=1) > 0.5).all()  # few …
    assert (rearranged.max(1) >= 4).all()  # … and large


def test_a_property_of_one_item_is_projected_along_the_tree():
    history = SymbolicTree().learn(sd.load("rogers2004"), seeds=[0], record=3)
    found = sd.project_property(history, "canary")["projection"].isel(seed=0, time=-1)
    near, far = found.sel(item=["robin", "sparrow"]), found.sel(item=["salmon", "dog"])
    assert near.min() > far.max()
    assert far.min() > found.sel(item=["pine", "rose"]).max()


@pytest.mark.parametrize("sure", [0.3, 1, np.nan])
def test_certainty_out_of_range_is_refused(sure):
    with pytest.raises(
        ValueError, match=r"how probable a branch must be, at least \.5 and below 1"
    ):
        SymbolicTree(sure=sure)


def test_is_readable_and_frozen():
    learner = SymbolicTree(sure=0.9)
    assert repr(learner) == "SymbolicTree(sure=0.9, arrival='cells')"
    with pytest.raises(AttributeError):
        learner.sure = 0.5
