"""What is found where there is nothing to find."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import semdev as sd
from semdev.comparing.tables import find_wilson
from semdev.comparing.validating import FalsePositives, false_positives, judge_null
from semdev.data.null_worlds import NULL_WORLDS
from semdev.phenomena import Criterion, NotApplicableError, Phenomenon

WORLD = "rumelhart8"


def ask(phenomena, models=None, **settings):
    """Return false positives of phenomena that need no learning."""
    settings = {"draws": 2, "seeds": 2, "n_jobs": 1, "progress": False, **settings}
    return false_positives(
        models or {"a": sd.Shallow()}, sd.load(WORLD), phenomena=phenomena,
        **settings,
    )  # fmt: skip


def test_rates_are_counted_where_there_is_no_place(phenomenon_of):
    always = phenomenon_of("always", lambda data, seed: 2)
    never = phenomenon_of("never", lambda data, seed: 0)
    has_place = phenomenon_of("placed", lambda data, seed: 2, null_worlds=("flat tree",))
    found = ask([always, never, has_place])
    table = found.table.set_index(["phenomenon", "kind"])
    assert table.loc["always", "rate"].tolist() == [1, 1, 1]
    assert table.loc["never", "rate"].tolist() == [0, 0, 0]
    assert table.loc[("placed", "flat tree"), "rate"] == 1
    assert table.loc["placed", "cases"].tolist() == [0, 4, 0]
    assert table.loc[("always", "flat tree"), ["low", "high"]].tolist() == list(find_wilson(1, 2))
    text = found.lay_out().splitlines()
    assert text[3].split() == ["placed", "–", "100", "[34,", "100]", "–", "100", "(a)"]
    assert repr(found).startswith("<FalsePositives of 3 phenomena in 2 draws of 3 kinds")


def test_seeds_and_models_of_one_world_are_no_independent_cases(phenomenon_of):
    """The accident is the world's, so that more seeds must not make the interval narrower."""
    accident = phenomenon_of("accident", lambda data, seed: 2 * (data.properties.values[0, 0] > 0))
    few, many = (ask([accident], seeds=n, draws=4).table for n in (1, 6))
    np.testing.assert_allclose(few[["rate", "low", "high"]], many[["rate", "low", "high"]])
    assert (many["cases"] == 6 * few["cases"]).all()
    assert (many["worlds"] == 4).all()


def test_one_bad_model_is_named(phenomenon_of):
    def experiment(learner, data, seeds):
        shown = 2.0 * (learner.model == sd.Shallow(bias=True))
        return xr.Dataset({"value": ("seed", np.full(len(seeds), shown))}, {"seed": list(seeds)})

    picky = Phenomenon(
        "picky", "claim", "human", lambda result: result["value"], "unit",
        Criterion(1.0, "ours", "why"), experiment=experiment, controlled=False,
    )  # fmt: skip
    table = ask([picky], {"good": sd.Shallow(), "bad": sd.Shallow(bias=True)}, draws=1).table
    assert table["rate"].tolist() == [0.5] * 3
    assert table["highest"].tolist() == [1] * 3
    assert set(table["model"]) == {"bad"}


def test_what_cannot_be_asked_is_no_negative(phenomenon_of):
    def refuse(data, seed):
        raise NotApplicableError("no")

    def fail(data, seed):
        raise ArithmeticError("a long message, longer than any other text that is kept here")

    silent = phenomenon_of("silent", lambda data, seed: np.nan if seed else 2)
    found = ask([phenomenon_of("refusing", refuse), phenomenon_of("failing", fail), silent])
    table = found.table.set_index(["phenomenon", "kind"])
    assert table.loc["refusing", "cases"].tolist() == [0, 0, 0]
    assert table.loc["refusing", "rate"].isna().all()
    assert table.loc["failing", "cases"].tolist() == [0, 0, 0]
    assert table.loc["silent", "silent"].tolist() == [0.5] * 3
    assert len(found.failures) == 3 * 2
    assert found.failures["error"][0].endswith("any other text that is kept here")
    assert found.lay_out().splitlines()[1].split()[1:4] == ["n/a", "n/a", "n/a"]


def test_a_model_that_cannot_learn_is_a_failure_not_a_negative():
    def broken(data, seed):
        raise ArithmeticError("far too large")

    found = ask(["U-shape"], {"broken": broken}, draws=1)
    assert (found.found["status"] == "failed").all()
    assert found.failures["error"].str.contains("far too large").all()
    assert found.table["cases"].tolist() == [0, 0, 0]


def test_the_control_by_relabelling_holds_its_level():
    """Likeness within classes less that between them, of a world's own noise."""

    def experiment(learner, data, seeds):
        classes = np.arange(data.properties.sizes["item"]) // 2
        return xr.Dataset(
            {"alike": (("item", "other"), data.properties.values @ data.properties.values.T)},
            {"seed": list(seeds), "ancestor": ("item", classes)},
        )

    def measure(result):
        label = result["ancestor"].values
        same = label[:, None] == label
        apart = result["alike"].values[same].mean() - result["alike"].values[~same].mean()
        return xr.DataArray([apart], dims="seed", coords={"seed": result["seed"]})

    likeness = Phenomenon(
        "likeness", "claim", "human", measure, "unit", Criterion(-np.inf, "ours", "why"),
        experiment=experiment,
    )  # fmt: skip
    p = [
        judge_null(
            sd.load(WORLD), "white noise", draw, sd.Shallow(), phenomena=[likeness],
            relabellings=39, seeds=[0],
        )["p"].item()
        for draw in range(100)
    ]  # fmt: skip
    assert np.mean(np.array(p) <= 0.05) < 0.12  # of 100 worlds at 5 %: s.d. .022
    assert 0.4 < np.mean(p) < 0.6


def test_impossible_claims_are_counted(phenomenon_of):
    honest = phenomenon_of("honest", lambda data, seed: 0, impossible_for=("shallow linear",))
    liar = phenomenon_of("liar", lambda data, seed: 2, impossible_for=("shallow linear",))
    other = phenomenon_of("other", lambda data, seed: 2)
    found = ask([honest, liar, other], seeds=3, draws=1)
    claimed = found.claimed.groupby("phenomenon")[["claims", "cases"]].sum()
    assert claimed.loc["honest"].tolist() == [0, 12]  # the world and three without structure
    assert claimed.loc["liar"].tolist() == [12, 12]
    assert "other" not in claimed.index
    assert "12 of 12" in found.lay_out()
    assert ask([other], draws=1).claimed.empty


def test_a_shallow_network_claims_nothing_of_what_it_cannot_show():
    chosen = ["progressive differentiation", "transient overgeneralization", "U-shape"]
    claimed = ask(chosen, {"shallow": sd.Shallow()}, draws=1).claimed
    assert len(claimed) == 3 * 4
    assert claimed["cases"].sum() > 0
    assert claimed["claims"].sum() == 0


def test_it_goes_on_where_it_was(phenomenon_of, tmp_path):
    counts = tmp_path / "counts"
    counts.write_text("")

    def count(data, seed):
        with open(counts, "a") as file:
            file.write(".")
        return seed % 2 * 2.0

    counted = phenomenon_of("counted", count, impossible_for=("shallow linear",))
    first = ask([counted], draws=2, out=tmp_path / "runs")
    done = len(counts.read_text())
    again = ask([counted], draws=2, out=tmp_path / "runs")
    assert done == 3 * 2 * 2 + 4 * (2 * 2)  # worlds × seeds; where it is impossible × draws
    assert len(counts.read_text()) == done
    xr.testing.assert_equal(first.found, again.found)
    assert again.table["rate"].tolist() == [0.5] * 3
    assert {each.name for each in (tmp_path / "runs").iterdir()} == {"null worlds", "impossible"}


def test_refusals(phenomenon_of):
    one = phenomenon_of("one", lambda data, seed: 0)
    with pytest.raises(KeyError, match="did you mean 'U-shape'"):
        ask(["u-shap"])
    with pytest.raises(ValueError, match="draws=0: at least one world"):
        ask([one], draws=0)
    with pytest.raises(ValueError, match="at least one model"):
        false_positives({}, sd.load(WORLD), phenomena=[one])
    with pytest.raises(TypeError, match="a model is something that builds a network"):
        ask([one], {"not a model": 3})
    with pytest.raises(ValueError, match="have a place in every world"):
        ask([phenomenon_of("placed", lambda data, seed: 0, null_worlds=())])
    with pytest.raises(KeyError, match="no learner 'shallow' in list_incapable"):
        ask([phenomenon_of("odd", lambda data, seed: 0, impossible_for=("shallow",))], draws=1)


def test_nothing_impossible_needs_no_claims():
    empty = FalsePositives(xr.Dataset(), None, {})
    assert empty.claimed.columns.tolist()[:2] == ["phenomenon", "model"]


def test_each_kind_of_world_is_asked_and_one_that_cannot_be_made_is_not_applicable(phenomenon_of):
    """Of saxe2014, which has no names, there is no world of names alone."""
    always = phenomenon_of("always", lambda data, seed: 2, null_worlds=tuple(NULL_WORLDS))
    alone = phenomenon_of("alone", lambda data, seed: 2, null_worlds=("names alone",))
    worlds = {name: sd.load(name) for name in (WORLD, "saxe2014")}
    found = false_positives(
        {"a": sd.Shallow()}, worlds, phenomena=[always, alone], draws=2, seeds=2, n_jobs=1,
        progress=False,
    )  # fmt: skip
    assert found.failures.empty
    cases = found.table.set_index(["phenomenon", "kind"])["cases"]
    assert cases["always"].to_dict() == dict.fromkeys(NULL_WORLDS, 8) | {"names alone": 4}
    assert cases["alone"].to_dict() == dict.fromkeys(NULL_WORLDS, 0) | {"names alone": 4}
    nameless = false_positives(
        {"a": sd.Shallow()}, worlds["saxe2014"], phenomena=[alone], draws=1, seeds=1, n_jobs=1,
        progress=False,
    )  # fmt: skip
    assert "n/a" in nameless.lay_out()
    for phenomenon in sd.PHENOMENA.values():
        assert set(phenomenon.null_worlds) <= set(NULL_WORLDS)


def test_basic_level_has_a_rate_of_its_own():
    found = ask("basic-level advantage")
    rates = found.table.set_index("kind")
    assert rates.loc["names alone", "cases"] == 4
    assert found.found["kind"].values.tolist() == ["names alone"]
