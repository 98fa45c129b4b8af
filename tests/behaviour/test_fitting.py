"""Likelihoods by hand, gradients by differences, fits that find what was planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit, logsumexp
from scipy.stats import chi2

import semdev as sd
from semdev.behaviour.design import make_design
from semdev.behaviour.fitting import fit
from semdev.behaviour.intervals import parameter_intervals
from semdev.behaviour.likelihood import (
    answer_yes,
    average,
    by_account,
    interpolate,
    value_and_gradient,
)
from semdev.behaviour.recovering import draw_ages
from semdev.behaviour.searching import find_bounds, polish
from semdev.behaviour.simulating import draw_answers, simulate_responses

THETA = np.array([0.1, np.log(6.0), 0.4, 0.3, 0.7])


def test_the_likelihood_is_that_of_a_loop_over_people_seeds_and_answers(deep, children):
    table = children.assign(n=3.0, n_yes=children["n_yes"] + (np.arange(len(children)) % 5) / 2)
    table["n_yes"] = table["n_yes"].clip(upper=3)
    design = make_design(deep, table, np.array([3.0, 10.0]))
    found = pd.Series(average(by_account(design, THETA)), index=design.people)
    end = float(deep["time"][-1])
    for who, rows in list(table.groupby(["study", "participant"]))[:6]:
        one, any_seeds = np.ones(5), 1.0
        for row in rows.itertuples():
            at = end * (0.3 + 0.4 * (row.age - 3) / 7) ** 2
            beliefs = sd.ask(deep, row.item, row.property)
            a = np.array([np.interp(at, deep["time"], beliefs[seed]) for seed in range(5)])
            p = 0.05 + 0.9 * expit(6.0 * (a - 0.4))
            one *= p**row.n_yes * (1 - p) ** (row.n - row.n_yes)
            any_seeds *= p.mean() ** row.n_yes * (1 - p.mean()) ** (row.n - row.n_yes)
        assert found[who] == pytest.approx(np.log(one.mean() / 2 + any_seeds / 2), rel=1e-9)
        assert found[who] != pytest.approx(np.log(one.max()), rel=1e-3)


def test_who_met_things_in_an_order_of_their_own_is_none_of_the_seeds(deep, children):
    world, age_map = sd.load("rumelhart8"), {3: 0.05, 10: 0.5}
    own, others = (
        sd.Exemplar(growing=True).learn(world, seeds=seeds) for seeds in (range(8), range(8, 108))
    )
    people = simulate_responses(
        own, ages=np.linspace(3, 10, 40), age_map=age_map, cells=60, random_state=1
    )
    truth = np.array([0.05, np.log(8), 0.5, *np.sqrt(list(age_map.values()))])
    found = by_account(make_design(others, people, np.array([3.0, 10.0])), truth)
    seeds_alone = logsumexp(found[:, :-1], axis=1) - np.log(100)
    assert (average(found) - seeds_alone).mean() > 2  # nats a child
    # Of networks the seeds say the same, so that the other account costs next to nothing.
    found = by_account(make_design(deep, children, np.array([3.0, 10.0])), THETA)
    seeds_alone = logsumexp(found[:, :-1], axis=1) - np.log(5)
    assert np.abs(average(found) - seeds_alone).mean() < 0.2


def test_a_single_seed_is_one_account(deep, children):
    design = make_design(deep.isel(seed=[2]), children, np.array([3.0, 10.0]))
    found = by_account(design, THETA)
    np.testing.assert_allclose(found[:, 0], found[:, 1])
    np.testing.assert_allclose(average(found), found[:, 0])


@pytest.mark.parametrize("shift", [0.0, 0.05, -0.07])
def test_the_gradient_is_that_of_differences(deep, children, shift):
    design = make_design(deep, children, np.array([3.0, 10.0]))
    theta = THETA + shift
    found = value_and_gradient(theta, design)[1]
    near = approx_fprime(theta, lambda x: value_and_gradient(x, design)[0], 1e-7)
    np.testing.assert_allclose(found, near, atol=3e-6)
    assert value_and_gradient(theta, design)[0] * -design.answers == pytest.approx(
        average(by_account(design, theta)).sum()
    )


def test_what_was_planted_is_found_within_its_intervals(fitted):
    found = parameter_intervals(fitted, level=0.999)  # of five parameters none may be missed
    truth = pd.Series({"lapse": 0.05, "slope": 8, "bias": 0.5, "time at 3": 1, "time at 10": 3})
    assert found.index.tolist() == truth.index.tolist()
    assert truth.between(found["low"], found["high"]).all()
    assert (found["low"] <= found["estimate"]).all()
    assert (found["estimate"] <= found["high"]).all()
    assert fitted.n_parameters == 5


@pytest.mark.parametrize("name", ["bias", "slope"])
def test_at_the_ends_of_an_interval_as_much_is_lost_as_is_allowed(fitted, deep, children, name):
    for end in parameter_intervals(fitted).loc[name, ["low", "high"]]:
        other = fit(deep, children, knots=[3, 10], fixed={name: end})
        lost = 2 * (fitted.log_likelihood.sum() - other.log_likelihood.sum())
        assert lost == pytest.approx(chi2.ppf(0.95, 1), rel=0.1)
        assert other.n_parameters == 4
        assert getattr(other, name) == pytest.approx(end)


@pytest.fixture(scope="module")
def few():
    """Six children, whom a step with many lapses describes as well as a gentle slope with none."""
    deep = sd.solve(sd.load("rumelhart8"), depth=2, times=60)
    people = simulate_responses(
        deep, ages=[3, 5, 7, 9, 10, 4], age_map={3: 1.0, 10: 3.0}, lapse=0.02, slope=2.0,
        random_state=2,
    )  # fmt: skip
    return deep, people, fit(deep, people, knots=[3, 10])


def test_no_other_optimum_makes_an_interval_wider(few):
    deep, people, found = few
    known = parameter_intervals(found)
    assert known.loc[["lapse", "slope"], "limit"].tolist() == ["low", "high"]
    for name in ("lapse", "slope", "bias"):
        for side in ("low", "high"):
            other = fit(deep, people, knots=[3, 10], fixed={name: known.loc[name, side]})
            lost = 2 * (found.log_likelihood.sum() - other.log_likelihood.sum())
            if known.loc[name, "limit"] in (side, "both"):
                assert lost < 1.05 * chi2.ppf(0.95, 1)
            else:
                assert lost == pytest.approx(chi2.ppf(0.95, 1), rel=0.1)


def test_simulations_widen_intervals_where_chi_squared_is_too_small(few):
    deep, people, _ = few
    found = fit(deep, people, knots=[3, 10], fixed={"lapse": 0.02, "bias": 0.5})
    chi_squared, wider, same = (
        parameter_intervals(found, simulations=count) for count in (0, 4, 4)
    )
    pd.testing.assert_frame_equal(wider, same)
    assert (wider["low"] <= chi_squared["low"] + 1e-9).all()
    assert (wider["high"] >= chi_squared["high"] - 1e-9).all()
    assert not wider[["low", "high"]].equals(chi_squared[["low", "high"]])
    with pytest.raises(ValueError, match="simulations are a whole number, 0 or more, got -1"):
        parameter_intervals(found, simulations=-1)


def test_answers_that_are_drawn_are_as_many_and_as_likely_as_the_parameters_say(deep, children):
    table = children.assign(n=50.0, n_yes=50.0)
    asked = make_design(deep.isel(seed=[0]), table, np.array([3.0, 10.0]))
    drawn = draw_answers(asked, THETA, np.random.default_rng(0))
    assert drawn.answers == table["n"].sum()
    assert (np.add.reduceat(drawn.weight[:, 0], drawn.starts) == 50 * 30).all()
    activation, _ = interpolate(asked, THETA[3:])
    p = answer_yes(activation[:, 0], lapse=0.1, slope=6.0, bias=0.4)
    yes = np.bincount(drawn.cell, drawn.weight[:, 0] * (drawn.sign[:, 0] > 0))
    expected = np.bincount(asked.cell, 50 * p)
    spread = np.sqrt(np.bincount(asked.cell, 50 * p * (1 - p)))
    assert np.abs((yes - expected) / spread).max() < 4
    whole = make_design(deep, table, np.array([3.0, 10.0]))
    likeliest = [
        by_account(draw_answers(whole, THETA, np.random.default_rng(k)), THETA).argmax(1)
        for k in range(2)
    ]
    assert (likeliest[0] != likeliest[1]).any()  # who is which seed is drawn anew


def test_a_shallow_learner_cannot_tell_a_steep_slope_from_a_late_age(shallow):
    people = simulate_responses(
        shallow, ages=range(3, 11), participants=48, age_map={3: 0.2, 10: 0.6}, cells=30
    )
    found = fit(shallow, people, knots=2)
    known = parameter_intervals(found)
    assert known.loc[["slope", "time at 10"], "limit"].tolist() == ["high", "high"]
    assert known.loc["time at 3", "high"] > 20 * known.loc["time at 3", "low"]
    settled = fit(shallow, people, knots=2, fixed={"slope": 8.0, "bias": 0.5})
    assert settled.log_likelihood.sum() == pytest.approx(found.log_likelihood.sum(), abs=2)
    known = parameter_intervals(settled).loc[["time at 3", "time at 10"]]
    assert (known["high"] < 3 * known["low"]).all()
    assert known["low"].lt([0.2, 0.6]).all()
    assert known["high"].gt([0.2, 0.6]).all()


def test_order_of_rows_seeds_items_and_people_is_nothing(fitted, deep, children):
    before = deep.copy(deep=True)
    mixed = deep.isel(seed=[3, 1, 4, 0, 2], item=slice(None, None, -1))
    again = fit(mixed, children.sample(frac=1, random_state=0), knots=[3, 10])
    # seeds that starts are tried with are others, the best is the same
    assert again.log_likelihood.sum() == pytest.approx(fitted.log_likelihood.sum(), abs=0.01)
    np.testing.assert_allclose(again.age_map, fitted.age_map, rtol=0.02)
    assert deep.identical(before)


def test_the_age_map_never_falls_even_if_people_forget(deep):
    people = simulate_responses(
        deep, ages=range(3, 11), participants=48, cells=30, age_map={3: 4.0, 10: 1.0}
    )
    found = fit(deep, people, knots=3)
    assert (np.diff(found.age_map) >= 0).all()
    assert "age map stands still" in fit(deep.isel(seed=[0]), people, knots=3).why_no_bic


def test_bic_is_given_where_answers_are_independent_and_else_the_reason(fitted, deep, children):
    alone = fit(deep.isel(seed=[0]), children, knots=[3, 10])
    assert alone.why_no_bic == ""
    free = 5 * np.log(children["n"].sum()) - 2 * alone.log_likelihood.sum()
    assert alone.bic == pytest.approx(free)
    assert np.isnan(fitted.bic)
    assert "average over seeds is a mixture" in fitted.why_no_bic
    half = children.assign(n_yes=children["n_yes"].replace({1.0: 0.5}))
    assert "quasi-likelihood" in fit(deep.isel(seed=[0]), half, knots=2).why_no_bic


def test_predictions_are_those_of_the_link_at_the_time_of_an_age(fitted, deep):
    found = fitted.predict([3.0, 20.0], cells=[("pine", "has leaves")])
    assert found.dims == ("seed", "age", "cell")
    start, end = fitted.age_map
    for k, time in enumerate([start, end]):
        a = sd.ask(deep, "pine", "has leaves").interp(time=time).values
        p = fitted.lapse / 2 + (1 - fitted.lapse) * expit(fitted.slope * (a - fitted.bias))
        np.testing.assert_allclose(found[:, k, 0], p)
    with pytest.raises(KeyError, match="no item 'pin'"):
        fitted.predict([3], cells=[("pin", "has leaves")])


def test_what_was_said_else_tells_which_seed_it_is(fitted, children):
    cells = children.groupby(["item", "property"]).ngroup()
    some, rest = children[cells < 12], children[cells >= 12]
    whole = fitted.score(children)
    pd.testing.assert_series_equal(whole, fitted.log_likelihood)
    parts = fitted.score(some) + fitted.score(rest, given=some)
    pd.testing.assert_series_equal(parts, whole)
    assert not np.allclose(fitted.score(rest), fitted.score(rest, given=some))


def test_learners_of_all_kinds_are_fitted(children):
    world = sd.load("rumelhart8")

    class Rival:
        def learn(self, data, *, seeds):
            return sd.train(sd.Shallow(), data, seeds=seeds, record=20, progress=False)

    one = fit(Rival(), children, data=world, seeds=2, knots=2)
    other = fit(sd.Shallow(), children, data=world, seeds=[0, 1], knots=2)
    assert one.history.sizes["seed"] == other.history.sizes["seed"] == 2
    assert one.log_likelihood.sum() == pytest.approx(other.log_likelihood.sum(), abs=1)
    with pytest.raises(TypeError, match="say what it is to learn"):
        fit(sd.Shallow(), children)


def test_one_age_has_one_knot(deep, children):
    assert len(fit(deep, children[children["age"] == 5]).age_map) == 1


def test_bad_requests_are_refused_with_a_reason(deep, children, fitted):
    with pytest.raises(KeyError, match=r"no parameter 'slop' in the link .*did you mean 'slope'"):
        fit(deep, children, fixed={"slop": 2})
    with pytest.raises(ValueError, match="slope is above 0"):
        fit(deep, children, fixed={"slope": 0})
    with pytest.raises(ValueError, match="lapse is a share below 1"):
        fit(deep, children, fixed={"lapse": 1})
    with pytest.raises(ValueError, match="one knot or more"):
        fit(deep, children, knots=0)
    with pytest.raises(ValueError, match="increasing ages"):
        fit(deep, children, knots=[5, 4])
    with pytest.raises(ValueError, match="History of one time"):
        fit(deep.isel(time=[0]), children)
    with pytest.raises(ValueError, match="learning diverged"):
        fit(deep.assign(output=deep["output"] * np.nan), children)
    with pytest.raises(KeyError, match="no item 'robin' in rumelhart8"):
        fit(deep.drop_sel(item="robin"), children)
    with pytest.raises(ValueError, match="level is a share"):
        parameter_intervals(fitted, level=95)
    with pytest.raises(ValueError, match="the History is of the times"):
        simulate_responses(deep, ages=[3], age_map={3: 1e6})
    with pytest.raises(ValueError, match="cells=9999: the History has 288"):
        simulate_responses(deep, ages=[3], age_map={3: 1}, cells=9999)


def test_what_differs_by_rounding_alone_explains_no_answer(deep, children):
    flat = deep.isel(seed=[0])
    same, rounded = (flat.assign(output=flat["output"] * gain + 0.3) for gain in (0, 1e-14))
    one, other = (fit(each, children, knots=2).log_likelihood.sum() for each in (same, rounded))
    assert one == pytest.approx(other, abs=1e-3)


def test_parameters_that_change_nothing_make_no_bic(deep, children):
    last = deep["output"].isel(seed=[0], time=[-1] * deep.sizes["time"])
    ageless = deep.isel(seed=[0])
    ageless = ageless.assign(output=last.assign_coords(time=ageless["time"]))
    found = fit(ageless, children, knots=2)
    assert "some parameters change nothing" in found.why_no_bic
    assert np.isnan(found.bic)
    assert parameter_intervals(found).loc[["time at 3", "time at 10"], "estimate"].isna().all()


def test_a_fit_shows_its_parameters_and_its_likelihood(fitted):
    shown = repr(fitted)
    assert shown.startswith("<Fit")
    for words in ("lapse", "slope", "bias", "free parameters", "48 participants"):
        assert words in shown
    assert len(shown.splitlines()) < 12


def test_odd_numbers_are_refused_rather_than_fitted(deep, children, fitted):
    with pytest.raises(ValueError, match="increasing ages"):
        fit(deep, children, knots=[3, np.nan])
    with pytest.raises(ValueError, match="a bias is a finite number"):
        fit(deep, children, fixed={"bias": np.nan})
    with pytest.raises(ValueError, match="ages are a sequence of finite numbers"):
        fitted.predict(5, cells=[("pine", "has leaves")])
    with pytest.raises(ValueError, match=r"cells are pairs.*got 'pine'"):
        fitted.predict([5], cells=("pine", "has leaves"))
    rng = {"ages": [3], "age_map": {3: 1.0}}
    for wrong, message in [
        ({"lapse": 2}, "lapse is a share"), ({"slope": -1}, "slope above 0"),
        ({"answers": 0}, "answers is a whole number"), ({"ages": []}, "one or more finite"),
        ({"ages": [np.nan]}, "one or more finite"), ({"age_map": {}}, "an age map has ages"),
        ({"age_map": {3: -1}}, "times from 0 on"), ({"cells": ("pine", "can fly")}, "are pairs"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=message):
            simulate_responses(deep, **{**rng, **wrong})


def test_an_age_map_may_be_what_a_fit_found_and_seeds_a_numpy_number(deep, fitted, children):
    assert len(simulate_responses(deep, ages=[3], age_map=fitted.age_map, cells=5)) == 5
    assert len(simulate_responses(deep, ages=[3, 4], age_map=lambda age: 2.0, cells=5)) == 10
    world = sd.load("rumelhart8")
    assert fit(sd.Exemplar(), children, data=world, seeds=np.int64(1), knots=1).n_parameters == 4


def test_few_answers_of_many_ups_and_downs_are_fitted_at_their_best():
    exact = sd.solve(sd.load("living_things"), depth=2)
    end = float(exact["time"][-1])
    age_map = {3: 0.05 * end, 7: 0.3 * end}
    people = simulate_responses(
        exact, ages=draw_ages(age_map, 20, 5, 0), age_map=age_map, lapse=0.02, slope=2.0,
        random_state=int(np.random.SeedSequence([5, 0]).generate_state(1)[0]),
    )  # fmt: skip
    found = fit(exact, people, knots=[3, 7])
    low, high = find_bounds(found.design)
    random = np.random.default_rng(0)
    for _ in range(12):
        start = low + (high - low) * random.random(5)
        start[3:].sort()
        other = polish(found.design, start, found.free)
        better = average(by_account(found.design, other)).sum()
        assert better < found.log_likelihood.sum() + 0.01
