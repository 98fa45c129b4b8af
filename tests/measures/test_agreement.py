"""Agreement: rsatoolbox's and scipy's numbers, individuals, layers, and what must not matter."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import squareform

import semdev as sd
from semdev.measures.agreement import compare_layers, compare_networks, compare_similarities
from semdev.measures.representations import dissimilarities, gram_matrices

PAIRS = np.triu_indices(8, k=1)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("pearson", "corr"),
        ("cosine", "cosine"),
        ("spearman", "spearman"),
        ("kendall", "kendall"),
    ],
)
def test_agreement_is_rsatoolboxs(deep, rsa, ours, theirs):
    late = deep.isel(time=-20)
    pair = [
        dissimilarities(deep, layer=layer, metric="euclidean").isel(time=-20)
        for layer in ("hidden_1", "output")
    ]
    assert late.sizes["seed"] == 2
    a, b = (rsa.rdm.RDMs(squareform(np.round(each.values[1], 12))[None]) for each in pair)
    expected = rsa.rdm.compare(a, b, method=theirs)[0, 0]
    found = compare_similarities(*(each.round(12) for each in pair), method=ours)
    assert found.values[1] == pytest.approx(expected, abs=1e-10)


def make_matrices(values):
    """Make seed × time × item × item_2 from any values, made symmetric."""
    values = values + np.swapaxes(values, -1, -2)
    names = [f"i{k}" for k in range(values.shape[-1])]
    return xr.DataArray(
        values.astype(float), dims=("seed", "time", "item", "item_2"),
        coords={"item": names, "item_2": names},
    )  # fmt: skip


def test_ranks_are_scipys():
    rng = np.random.default_rng(5)
    one, other = (make_matrices(rng.integers(0, 5, (3, 4, 8, 8))) for _ in range(2))
    for method, oracle in (
        ("pearson", stats.pearsonr),
        ("spearman", stats.spearmanr),
        ("kendall", stats.kendalltau),
    ):  # fmt: skip
        found = compare_similarities(one, other, method=method)
        expected = oracle(one.values[2, 1][PAIRS], other.values[2, 1][PAIRS]).statistic
        assert found.values[2, 1] == pytest.approx(expected, abs=1e-12)


def test_agreement_with_judgements_in_any_order(deep):
    names = deep["item"].values
    rng = np.random.default_rng(2)
    judged = rng.random((8, 8))
    order = rng.permutation(8)
    people = xr.DataArray(judged + judged.T, dims=("item", "item_2"),
                          coords={"item": names, "item_2": names})  # fmt: skip
    unlike = dissimilarities(deep.isel(time=[30, -1]))
    straight = compare_similarities(unlike, people)
    assert straight.dims == ("seed", "time")
    turned = people.isel(item=order, item_2=order)
    xr.testing.assert_allclose(straight, compare_similarities(unlike, turned))
    expected = np.corrcoef(unlike.values[1, 1][PAIRS], people.values[PAIRS])[0, 1]
    assert float(straight[1, 1]) == pytest.approx(expected)


def test_what_is_the_same_for_all_pairs_agrees_with_nothing():
    same = make_matrices(np.full((1, 1, 8, 8), 0.1))
    other = make_matrices(np.random.default_rng(0).random((1, 1, 8, 8)))
    assert np.isnan(compare_similarities(same, other)).all()
    missing = other.copy(deep=True)
    missing[0, 0, 2, 5] = np.nan
    for method in ("pearson", "cosine", "spearman", "kendall"):
        assert np.isnan(compare_similarities(missing, other, method=method)).all()


@functools.cache
def grow(scale, world="cao2020", hidden=(32,), *, seeds=5, steps=2500):
    """Train to the end from weights of a column norm `scale` (√N_h times their s.d.)."""
    model = sd.DeepLinear(hidden=hidden, scale=scale / np.sqrt(max(hidden)))
    rate = 0.05 / (sd.theory.decompose(sd.load(world)).s[0] + 3 * scale**2)
    return sd.train(
        model, sd.load(world), seeds=seeds, learning_rate=rate, steps=steps, record=[0, 40],
        hidden=True, progress=False,
    )  # fmt: skip


@pytest.mark.parametrize("world", ["cao2020", "rumelhart8"])
def test_individuals_agree_as_far_as_they_began_small(world):
    """Agreement falls, and the distance from theory rises, with the initial scale alone."""
    found, off, done = [], [], []
    for scale in (0.02, 0.5, 1.0, 4.0):
        history = grow(scale, world).isel(time=[-1])
        agreement = compare_networks(history)["agreement"].values[..., 0]
        found.append(np.median(agreement[np.triu_indices(5, k=1)]))
        off.append(float(gram_matrices(history, layer="hidden_1")["error"].median()))
        done.append(float(history["loss"].max() / (history["target"] ** 2).sum()))
    assert max(done) < 1e-2
    assert found == sorted(found, reverse=True)
    assert off == sorted(off)
    assert found[0] > 0.999
    assert off[0] < 2e-3
    assert abs(found[-1]) < 0.3
    assert off[-1] > 1


def test_small_networks_agree_as_predicted_large_ones_do_not():
    small, large = (compare_networks(grow(s).isel(time=[-1])) for s in (0.02, 4.0))
    np.testing.assert_allclose(small["predicted_with_others"], 1, atol=1e-3)
    np.testing.assert_allclose(large["predicted_with_others"], 1, atol=0.05)
    np.testing.assert_allclose(small["with_others"], 1, atol=1e-3)
    assert (large["with_others"] < 0.9).all()
    assert small["agreement"].dims == ("seed", "seed_2", "time")


def test_layers_hold_the_same_the_later_the_stronger():
    world = sd.load("rumelhart8")
    history = sd.solve(world, depth=6, hidden=True, initial=1e-2, times=[0.0, 200.0])
    s = sd.theory.decompose(world).s
    found = compare_layers(history).isel(seed=0, time=-1)
    assert found["layer"].values.tolist() == [*(f"hidden_{k}" for k in range(1, 6)), "output"]
    for k in range(6):
        np.testing.assert_allclose(found["strength"][k], s ** ((k + 1) / 3), rtol=1e-6)
    np.testing.assert_allclose(found["predicted"], found["strength"], rtol=1e-6)
    np.testing.assert_allclose(found["overlap"], 1, atol=1e-6)
    assert found["agreement"].min() > 0.9
    np.testing.assert_allclose(found["agreement"], found["predicted_agreement"], atol=1e-8)


def test_first_layers_keep_most_of_random_weights():
    history = grow(0.6, "saxe2019", (24, 24, 24)).isel(time=[-1])
    found = compare_layers(history).isel(time=0)
    overlap = found["overlap"].mean(("seed", "mode")).values
    assert overlap[-1] > 0.99
    assert overlap[0] < 0.97
    off = np.abs(found["agreement"] - found["predicted_agreement"]).mean("seed")
    assert off.sel(layer="hidden_1", layer_2="output") > 0.01


def test_behaviour_against_representation():
    """Small beginnings: alike; large: what was there before has little to do with it."""
    small, large = (
        compare_layers(grow(s).isel(time=[-1]))["agreement"].sel(layer="hidden_1", layer_2="output")
        for s in (0.02, 4.0)
    )
    assert small.min() > 0.98
    assert large.median() < 0.4


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 999))
def test_the_order_of_items_and_seeds_does_not_matter(deep, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(8)
    some = deep.isel(time=[40, -1])
    ours = compare_networks(some, metric="euclidean", method="spearman")
    theirs = compare_networks(
        some.isel(item=order, seed=[1, 0]), metric="euclidean", method="spearman"
    )
    back = theirs.sel(seed=[0, 1], seed_2=[0, 1])
    xr.testing.assert_allclose(ours["agreement"], back["agreement"], atol=1e-9)


# what is said


def test_what_cannot_be_compared_is_said(deep):
    with pytest.raises(KeyError, match="no metric 'grams' in a comparison of rep"):
        compare_networks(deep, metric="grams")
    with pytest.raises(KeyError, match=r"no method 'spearmen'.*did you mean 'spearman'"):
        compare_networks(deep.isel(time=[-1]), method="spearmen")
    with pytest.raises(ValueError, match="train at least two seeds"):
        compare_networks(deep.isel(seed=[0]))
    with pytest.raises(ValueError, match="holds no hidden layer: record them with"):
        compare_layers(deep.drop_vars("hidden_1"))
    unlike = dissimilarities(deep)
    with pytest.raises(ValueError, match="item × item_2 is needed, got"):
        compare_similarities(unlike, deep["output"])
    with pytest.raises(ValueError, match="same items, at least three, are needed; got 8 and 7"):
        compare_similarities(unlike, unlike.isel(item=slice(7), item_2=slice(7)))


def test_people_s_judgements_are_a_table() -> None:
    rng = np.random.default_rng(4)
    deep = grow(0.02).isel(time=[-1], seed=[0])
    ours = gram_matrices(deep, layer="hidden_1")["gram"].isel(seed=0, time=0)
    names = ours["item"].values[rng.permutation(8)]
    judged = pd.DataFrame(
        ours.sel(item=names, item_2=names).values + rng.normal(0, 0.1, (8, 8)), names, names
    )
    lower = judged.where(np.tril(np.ones((8, 8), dtype=bool), k=-1))
    both = lower.fillna(0) + lower.fillna(0).T
    expected = stats.spearmanr(
        both.loc[ours["item"].values, ours["item"].values].values[np.triu_indices(8, 1)],
        ours.values[np.triu_indices(8, 1)],
    )[0]
    found = float(compare_similarities(lower, ours, method="spearman"))
    assert found == pytest.approx(expected, abs=1e-12)
    turned = lower.loc[:, rng.permutation(names)]
    assert float(compare_similarities(turned, ours, method="spearman")) == pytest.approx(found)
    some = lower.copy()
    some.iloc[3, 1] = np.nan  # one pair that nobody judged
    assert np.isfinite(float(compare_similarities(some, ours)))
    with pytest.raises(TypeError, match=r"or a pandas DataFrame .*; got ndarray"):
        compare_similarities(judged.to_numpy(), ours)
    with pytest.raises(ValueError, match="the same items as rows and as columns"):
        compare_similarities(judged.iloc[:, 1:], ours)
    with pytest.raises(ValueError, match="only 1 pairs of items are known"):
        compare_similarities(lower.iloc[[0, 1]].reindex(names), ours)


def test_a_network_is_compared_with_others() -> None:
    found = compare_networks(grow(4.0).isel(time=[-1]))
    pairs = found["agreement"].values[..., 0]
    assert np.isnan(np.diag(pairs)).all()
    np.testing.assert_allclose(found["with_others"][:, 0], np.nanmean(pairs, axis=1))
    table = sd.summarize(found[["with_others"]])
    assert len(table) == 1
    assert table["with_others"].item() == pytest.approx(float(found["with_others"].median()))
