"""Who is picked when it is known who made the individuals."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from semdev.comparing.recovering import compare_likelihoods, lay_out_recovery, recover_models
from semdev.comparing.results import Comparison
from semdev.comparing.tables import find_wilson


def draw(random, mean, seeds=30, spread=1.0):
    return np.asarray(mean) + spread * random.normal(size=(seeds, len(mean)))


def test_models_that_differ_are_told_apart_and_copies_share(comparison_of):
    random = np.random.default_rng(0)
    one = draw(random, [0, 0, 0])
    found = recover_models(
        comparison_of({"a": one, "far": draw(random, [9, 9, 9]), "a again": one.copy()})
    )
    assert found["share"].values[0].tolist() == [[0.5, 0, 0.5], [0, 1, 0], [0.5, 0, 0.5]]
    low, high = find_wilson(0.5, 30)
    assert found["low"].values[0, 0, 0] == pytest.approx(low)
    assert found["high"].values[0, 0, 0] == pytest.approx(high)
    assert found["groups"] == 30


def test_three_copies_share_in_three(comparison_of):
    one = draw(np.random.default_rng(1), [0, 1], seeds=12)
    found = recover_models(comparison_of({"a": one, "b": one, "c": one}))
    np.testing.assert_allclose(found["share"].values[0], 1 / 3)


def test_models_that_do_not_differ_are_picked_by_chance(comparison_of):
    random = np.random.default_rng(2)
    models = {name: draw(random, np.zeros(6), seeds=100) for name in "ab"}
    found = recover_models(comparison_of(models))
    own = np.diagonal(found["share"].values[0]).mean()
    assert 0.4 < own < 0.6  # 200 picks: s.d. .035


def test_what_cannot_be_asked_gives_nobody_away(comparison_of):
    random = np.random.default_rng(3)
    whole = draw(random, np.zeros(4), seeds=100)
    part = draw(random, np.zeros(4), seeds=100)
    part[:, 2:] = np.nan
    found = recover_models(comparison_of({"whole": whole, "part": part}))
    assert found["phenomena"].values[0].tolist() == [[4, 2], [2, 2]]
    assert 0.4 < np.diagonal(found["share"].values[0]).mean() < 0.6


def test_models_without_anything_in_common_tie(comparison_of):
    random = np.random.default_rng(4)
    values = {name: draw(random, [0, 5], seeds=8) for name in "ab"}
    values["a"][:, 0] = np.nan
    values["b"][:, 1] = np.nan
    found = recover_models(comparison_of(values))
    assert found["share"].values[0].tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_a_value_that_never_varies_is_told_from_one_that_does(comparison_of):
    random = np.random.default_rng(5)
    values = {"fixed": np.zeros((20, 2)), "free": random.normal(size=(20, 2))}
    found = recover_models(comparison_of(values))
    assert np.diagonal(found["share"].values[0]).min() >= 0.9


def test_gaps_are_no_answers(comparison_of):
    random = np.random.default_rng(6)
    values = {"a": draw(random, [0, 0]), "b": draw(random, [6, 6])}
    values["a"][::3, 0] = np.nan
    values["b"][1::3, 1] = np.nan
    found = recover_models(comparison_of(values))
    assert np.diagonal(found["share"].values[0]).min() == 1


def test_units_do_not_matter(comparison_of):
    random = np.random.default_rng(7)
    values = {name: draw(random, [k, -k, 0], seeds=20) for k, name in enumerate("abc")}
    bent = {name: each * [1e4, 1e-6, 3] - [0, 5, 1] for name, each in values.items()}
    xr.testing.assert_allclose(
        recover_models(comparison_of(values)), recover_models(comparison_of(bent))
    )


def test_a_single_wild_value_does_not_decide(comparison_of):
    random = np.random.default_rng(12)
    values = {name: draw(random, [k, 4 * k], seeds=20) for k, name in enumerate("ab")}
    before = recover_models(comparison_of(values))["share"].values[0]
    values["a"][0, 0] = 1e9
    after = recover_models(comparison_of(values))["share"].values[0]
    assert np.abs(after - before).max() <= 0.1


def test_the_order_of_models_does_not_matter(comparison_of):
    random = np.random.default_rng(8)
    values = {name: draw(random, [k, -k], seeds=20) for k, name in enumerate("abc")}
    one = recover_models(comparison_of(values))
    other = recover_models(comparison_of(dict(reversed(values.items()))))
    xr.testing.assert_allclose(one, other.sel(made=list("abc"), picked=list("abc")))


def test_it_agrees_with_discriminant_analysis_where_seeds_are_many():
    random = np.random.default_rng(9)
    mix = np.array([[1, 0.8, 0], [0, 0.6, 0.5], [0, 0, 1]])
    one = random.uniform(size=(400, 3)) @ mix
    other = random.uniform(size=(400, 3)) @ mix.T + 0.3
    asked = np.vstack([random.uniform(size=(200, 3)) @ mix, random.uniform(size=(200, 3)) @ mix.T])
    labels = np.repeat([0, 1], 400)
    oracle = QuadraticDiscriminantAnalysis().fit(np.vstack([one, other]), labels)
    ours = compare_likelihoods(one, other, asked) < 0
    assert (ours == oracle.predict(asked).astype(bool)).mean() > 0.9


def test_several_children_say_more_than_one(comparison_of):
    random = np.random.default_rng(10)
    values = {name: draw(random, [0.7 * k] * 3, seeds=60) for k, name in enumerate("ab")}
    shares = [
        np.diagonal(recover_models(comparison_of(values), children=n)["share"].values[0]).mean()
        for n in (1, 6)
    ]
    assert shares[0] < 0.9 <= shares[1]


def test_by_verdicts_only_the_criterion_counts(comparison_of):
    """Both are far apart on either side of 1 in the first, and on the same side in the second."""
    values = {
        "a": [[0.1], [0.2], [0.3], [0.4], [0.5]], "b": [[1.1], [1.2], [1.3], [1.4], [1.5]],
        "c": [[7.1], [7.2], [7.3], [7.4], [7.5]],
    }  # fmt: skip
    found = recover_models(comparison_of(values), by="verdicts")
    assert found["share"].values[0].tolist() == [[1, 0, 0], [0, 0.5, 0.5], [0, 0.5, 0.5]]
    assert recover_models(comparison_of(values))["share"].sel(made="b", picked="b") == 1
    with pytest.raises(KeyError, match="did you mean 'verdicts'"):
        recover_models(comparison_of(values), by="verdict")


def test_worlds_are_kept_apart(comparison_of):
    random = np.random.default_rng(11)
    near = comparison_of({name: draw(random, [0.0], seeds=12) for name in "ab"}).found
    far = comparison_of({n: draw(random, [9.0 * k], seeds=12) for k, n in enumerate("ab")}).found
    both = xr.concat([near, far.assign_coords(world=["farm"])], dim="world")
    found = recover_models(Comparison(both))
    assert found["share"].sel(world="farm").values.tolist() == [[1, 0], [0, 1]]
    xr.testing.assert_equal(
        found.sel(world=["zoo"]).drop_vars("groups"),
        recover_models(Comparison(near)).drop_vars("groups"),
    )
    text = lay_out_recovery(found)
    assert text.count("which model is picked by values") == 2
    assert "| a |" in lay_out_recovery(found, markdown=True)


def test_refusals(comparison_of):
    one = np.zeros((5, 2))
    with pytest.raises(ValueError, match="two models or more"):
        recover_models(comparison_of({"a": one}))
    with pytest.raises(ValueError, match="3 seeds besides to learn from"):
        recover_models(comparison_of({"a": one, "b": one}), children=3)
