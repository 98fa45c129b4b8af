"""Nothing that is left out touches a fit; ceilings, baselines and ties are what they should be."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest

import semdev as sd
from semdev.behaviour import validating
from semdev.behaviour.baselines import find_edges, fit_baseline, noise_ceiling
from semdev.behaviour.contests import compare_fits, weigh
from semdev.behaviour.recovering import recover, recover_generators
from semdev.behaviour.validating import cross_validate, split

PERSON, CELL = ["study", "participant"], ["item", "property"]


@pytest.mark.parametrize(("by", "keys"), [("participant", PERSON), ("cell", CELL)])
def test_each_is_left_out_once_and_none_is_in_what_foretells_it(
    deep, children, by, keys, monkeypatch
):
    seen = []

    class Spy:
        def __init__(self, rest):
            self.rest = rest

        def score(self, held, *, given):
            learned_from = set(map(tuple, self.rest[keys].values))
            assert not learned_from & set(map(tuple, held[keys].values))
            assert given.equals(self.rest)
            seen.extend(held.index)
            return held.groupby(PERSON)["n"].sum().rename("log_likelihood")

    monkeypatch.setattr(validating, "fit", lambda model, rest, **more: Spy(rest))
    found = cross_validate(deep, children, by=by, folds=4)
    assert sorted(seen) == list(range(len(children)))
    assert found["log_likelihood"].equals(found["answers"])


@pytest.mark.parametrize("by", ["participant", "cell"])
def test_answers_that_are_left_out_do_not_change_the_fit(deep, children, by, monkeypatch):
    fits = []
    real = validating.fit
    monkeypatch.setattr(
        validating, "fit", lambda *a, **more: fits.append(real(*a, **more)) or fits[-1]
    )
    table = validating.read_responses(children)
    out = next(split(table, by=by, folds=3, random_state=0))
    wrong = table.assign(n_yes=np.where(out, table["n"] - table["n_yes"], table["n_yes"]))
    one, other = (cross_validate(deep, each, by=by, folds=3, knots=2) for each in (table, wrong))
    np.testing.assert_array_equal(fits[0].theta, fits[3].theta)  # the fold that leaves them out
    assert not np.array_equal(fits[1].theta, fits[4].theta)  # the next has them
    assert one["log_likelihood"].sum() > other["log_likelihood"].sum()


def test_folds_hold_people_of_all_ages(children):
    for out in split(children, by="participant", folds=4, random_state=0):
        assert children[out].drop_duplicates(PERSON)["age"].agg(["min", "max"]).tolist() == [3, 10]


def test_the_ceiling_is_that_of_a_loop_that_leaves_one_out(children):
    found = noise_ceiling(children, groups=2)
    (edge,) = find_edges(children, 2)
    group = children["age"] >= edge
    for who in [("simulated", "child 01"), ("simulated", "child 30")]:
        mine = children["participant"] == who[1]
        lower = upper = 0.0
        base = (children[~mine]["n_yes"].sum() + 0.5) / (children[~mine]["n"].sum() + 1)
        for row in children[mine].itertuples():
            like = (children["item"] == row.item) & (children["property"] == row.property)
            like &= group == (row.age >= edge)
            others, all_ = children[like & ~mine], children[like]
            p = (others["n_yes"].sum() + base) / (others["n"].sum() + 1)
            lower += np.log(p if row.n_yes else 1 - p)
            p = all_["n_yes"].sum() / all_["n"].sum()
            upper += np.log(p if row.n_yes else 1 - p)
        assert found.loc[who].tolist() == pytest.approx([lower, upper])


def test_noise_is_not_foretold_from_others(children):
    random = np.random.default_rng(0)
    noise = children.assign(n_yes=random.integers(2, size=len(children)).astype(float))
    lower, upper = noise_ceiling(noise).sum()
    coin = len(noise) * np.log(0.5)
    assert lower < coin < upper
    for name in ("constant", "saturated"):
        assert cross_validate(name, noise, by="participant")["log_likelihood"].sum() < coin
    assert fit_baseline("constant", noise).score(noise).sum() == pytest.approx(coin, rel=0.01)


def test_a_table_knows_nothing_of_a_cell_nobody_was_asked_about(children):
    by_cell = [cross_validate(name, children, by="cell") for name in ("constant", "saturated")]
    pd.testing.assert_frame_equal(*by_cell)
    one, other = (
        cross_validate(name, children, by="participant").sum() for name in ("constant", "saturated")
    )
    assert other["log_likelihood"] > one["log_likelihood"]


def test_a_model_ties_with_itself_exactly_and_beats_a_worse_one(deep, shallow, children):
    found = compare_fits(
        {"a": deep, "b": deep.copy(deep=True), "flat": shallow}, children, knots=2, folds=3
    )
    pairs = found.pairs.set_index(["first", "second"])
    assert pairs.loc[("a", "b"), ["difference", "low", "high"]].tolist() == [0, 0, 0]
    assert pairs.loc[("a", "b"), "verdict"] == "tie"
    assert pairs.loc[("a", "flat"), "verdict"] == "a"
    table = found.table
    assert table.loc[["a", "b"], "verdict"].tolist() == ["best", "tie"]
    assert table.loc["flat", "verdict"] == "worse"
    assert table["kind"].tolist() == ["model"] * 3 + ["baseline"] * 2 + ["ceiling"] * 2
    assert np.isnan(table.loc["a", "bic"])
    assert np.isfinite(table.loc["flat", "bic"]) == (table.loc["flat", "why_no_bic"] == "")
    alone = cross_validate(deep, children, by="cell", knots=2, folds=3)
    assert found.scores["a"].equals(alone["log_likelihood"].rename("a"))
    assert "lower ceiling" in found._repr_html_()


def test_intervals_of_differences_hold_the_truth_as_often_as_they_say():
    random = np.random.default_rng(1)
    won = []
    for k in range(200):
        apart = pd.Series(random.normal(0, 1, size=60))
        won.append(weigh(apart, 0 * apart, 60, 0.95, k)["wins"])
    assert 0.01 <= np.mean(np.abs(won)) <= 0.11  # 5 % are to be wrong
    clear = weigh(apart + 2, 0 * apart, 60, 0.95, 0)
    assert clear["wins"] == 1
    assert clear["low"] < clear["difference"] < clear["high"]
    alone = weigh(apart[:1] + 9, 0 * apart[:1], 1, 0.95, 0)
    assert np.isnan(alone["low"])
    assert alone["wins"] == 0


@pytest.mark.slow
def test_parameters_and_models_are_recovered(deep, shallow):
    size = {"datasets": 2, "participants": 30, "cells": 30, "progress": False}
    found = recover(deep, age_map={3: 1.0, 10: 3.0}, **size)
    assert found.index.names == ["dataset", "parameter"]
    assert found["covered"].mean() >= 0.8
    assert (found["covered"] == found["truth"].between(found["low"], found["high"])).all()
    models = recover_generators(
        {"deep": deep, "shallow": shallow}, folds=3, **size,
        age_maps={"deep": {3: 1.0, 10: 3.0}, "shallow": {3: 0.2, 10: 2.0}},
    )  # fmt: skip
    assert (models["generating"] == models["picked"]).all()
    with pytest.raises(KeyError, match="no model 'dep' in recover_generators; did you mean 'deep'"):
        recover_generators({"deep": deep}, age_maps={"dep": {3: 1.0}})


def test_bad_requests_are_refused_with_a_reason(deep, children):
    with pytest.raises(KeyError, match=r"no way to leave out 'cells' .*did you mean 'cell'"):
        cross_validate("constant", children, by="cells")
    with pytest.raises(KeyError, match="no baseline 'constants'"):
        cross_validate("constants", children)
    with pytest.raises(ValueError, match="folds=1: 2 to 48 are possible, one for each participant"):
        cross_validate("constant", children, by="participant", folds=1)
    with pytest.raises(ValueError, match="one or more, got 0"):
        noise_ceiling(children, groups=0)
    with pytest.raises(ValueError, match="none of them constant"):
        compare_fits({"constant": deep}, children)
    with pytest.raises(ValueError, match="level is a share"):
        compare_fits({"deep": deep}, children, level=95)


def test_a_comparison_is_shown_without_its_sentences(shallow, children):
    found = compare_fits({"flat": shallow}, children, knots=2, folds=2)
    for shown in (repr(found), found._repr_html_()):
        assert "upper ceiling" in shown
        assert "why_no_bic" not in shown
        assert "nan" not in shown.casefold()
    assert "why_no_bic" in found.table


def test_what_cannot_be_left_out_or_compared_is_said(deep, children):
    with pytest.raises(ValueError, match=r"but one participant .*by= may be cell"):
        cross_validate(deep, children[children["participant"] == "child 01"], by="participant")
    with pytest.raises(TypeError, match=r"models are named, .*got list"):
        compare_fits([deep], children)
    with pytest.raises(ValueError, match="datasets is 1 or more"):
        recover(deep, age_map={3: 1.0}, datasets=0)


def test_one_default_says_what_is_left_out():
    defaults = {
        inspect.signature(each).parameters["by"].default
        for each in (cross_validate, compare_fits, recover_generators)
    }
    assert defaults == {"cell"}


def test_data_for_a_history_are_refused_unless_a_learner_needs_them(deep, children):
    world = sd.load("rumelhart8")
    with pytest.raises(ValueError, match=r"a History has learned already .*leave data= out"):
        cross_validate(deep, children, data=world)
    with pytest.raises(ValueError, match=r"a History has learned already"):
        compare_fits({"deep": deep}, children, data=world)
    with pytest.raises(ValueError, match="'constant' is a table of means, which learns no data"):
        cross_validate("constant", children, data=world)
    both = {"deep": deep, "exemplar": sd.Exemplar()}
    found = compare_fits(both, children, data=world, seeds=1, knots=1, folds=2)
    assert set(found.fits) == set(both)
