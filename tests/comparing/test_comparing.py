"""compare: what was asked of whom, and what came of it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import semdev as sd
from semdev.comparing.comparing import compare, judge_all
from semdev.comparing.tables import find_wilson
from semdev.phenomena import NotApplicableError

WORLD = "rumelhart8"


def ask(models, phenomena, **settings):
    settings = {"seeds": 4, "n_jobs": 1, "progress": False, **settings}
    return compare(models, sd.load(WORLD), phenomena=phenomena, **settings)


def refuse(data, seed):
    raise NotApplicableError("it has no wings")


def fail(data, seed):
    raise ArithmeticError("far too large")


def test_met_not_applicable_and_failed_are_three_things(phenomenon_of):
    found = ask(
        {"a": sd.Shallow()},
        [phenomenon_of("half", lambda data, seed: seed % 2 * 2.0),
         phenomenon_of("refusing", refuse), phenomenon_of("failing", fail)],
    )  # fmt: skip
    summary = found.summary.set_index("phenomenon")
    assert summary["status"].tolist() == ["asked", "not applicable", "failed"]
    assert summary["why"].tolist() == ["", "it has no wings", "ArithmeticError: far too large"]
    half = summary.loc["half"]
    assert (half["share"], half["median"]) == (0.5, 1.0)
    low, high = find_wilson(0.5, 4)
    assert (half["share_low"], half["share_high"]) == (pytest.approx(low), pytest.approx(high))
    assert summary.loc[["refusing", "failing"], "share"].isna().all()
    table = found.table
    assert table["met"].isna().sum() == 8
    assert table.loc[table["phenomenon"] == "half", "met"].tolist() == [0, 1, 0, 1]
    assert found.lay_out().split()[-2:] == ["failing", "!"]


def test_a_model_that_cannot_learn_is_written_down(phenomenon_of):
    def broken(data, seed):
        raise ArithmeticError("far too large")

    found = ask({"broken": broken, "shallow": sd.Shallow()}, "U-shape")
    summary = found.summary.set_index("model")
    assert summary["status"].tolist() == ["failed", "asked"]
    assert "far too large" in summary.loc["broken", "why"]
    assert summary.loc["shallow", "share"] == 0


def test_your_own_learner_joins_as_function_or_network():
    def by_seed(data, seed):
        return sd.train(sd.DeepLinear(8), data, seeds=[seed], steps=400, learning_rate=0.02,
                        record=40, hidden=True, progress=False)  # fmt: skip

    def by_seeds(data, seeds):
        return sd.train(sd.DeepLinear(8), data, seeds=seeds, steps=400, learning_rate=0.02,
                        record=40, hidden=True, progress=False)  # fmt: skip

    found = ask({"one": by_seed, "all": by_seeds}, "transient overgeneralization", seeds=2)
    one, every = (found.found["value"].sel(model=name).values for name in ("one", "all"))
    np.testing.assert_allclose(one, every, rtol=1e-4)
    assert found.summary["share"].tolist() == [1, 1]


def test_a_model_tied_with_itself_scores_a_tie():
    found = ask({"a": sd.DeepLinear(8), "b": sd.DeepLinear(8)}, ["U-shape"], seeds=2).found
    np.testing.assert_array_equal(found["value"].sel(model="a"), found["value"].sel(model="b"))


def test_it_goes_on_where_it_was_and_tries_again_what_failed(phenomenon_of, tmp_path):
    counts = tmp_path / "counts"
    counts.write_text("")

    def count(data, seed):
        with open(counts, "a") as file:
            file.write(".")
        return 2.0

    counted = phenomenon_of("counted", count)
    first = ask({"a": sd.Shallow()}, [counted], out=tmp_path / "runs")
    again = ask({"a": sd.Shallow()}, [counted], out=tmp_path / "runs")
    assert len(counts.read_text()) == 4
    pd.testing.assert_frame_equal(first.table, again.table)


def test_csv_is_the_table(phenomenon_of, tmp_path):
    found = ask({"a": sd.Shallow()}, [phenomenon_of("none", refuse),
                                      phenomenon_of("all", lambda data, seed: 2.0)])  # fmt: skip
    found.to_csv(tmp_path / "table.csv")
    read = pd.read_csv(tmp_path / "table.csv")
    assert read.columns.tolist() == found.table.columns.tolist()
    assert read["met"].isna().tolist() == [True] * 4 + [False] * 4
    assert read["value"][4:].tolist() == [2.0] * 4


def test_the_page_escapes_names_and_says_why(phenomenon_of):
    found = ask({"a<b": sd.Shallow()}, [phenomenon_of("none", refuse),
                                        phenomenon_of("all", lambda data, seed: 2.0)])  # fmt: skip
    page = found._repr_html_()
    assert "a&lt;b" in page
    assert "a<b" not in page
    assert 'title="it has no wings"' in page
    assert ">100<small>2</small>" in page
    assert "1 models × 2 phenomena on 1 world, 4 seeds" in page


def test_relabelling_depends_on_its_random_state(phenomenon_of):
    settings = {"phenomena": [sd.PHENOMENA["progressive differentiation"]], "relabellings": 39}
    model, world = sd.DeepLinear(8), sd.load(WORLD)
    p = [
        judge_all(world, model, random_state=state, seeds=[0, 1], **settings)
        for state in (0, 0, 1)
    ]  # fmt: skip
    assert p[0].identical(p[1])
    assert np.array_equal(p[0]["value"], p[2]["value"])
    assert not np.array_equal(p[0]["control"], p[2]["control"])


def test_refusals(phenomenon_of):
    with pytest.raises(ValueError, match="at least one model"):
        ask({}, "U-shape")
    with pytest.raises(ValueError, match="nothing can be at"):
        ask({"a": sd.Shallow()}, "U-shape", relabellings=10)
    with pytest.raises(TypeError, match="a phenomenon is a name or a Phenomenon, got int"):
        ask({"a": sd.Shallow()}, [3])
    with pytest.raises(ValueError, match="at least one phenomenon"):
        ask({"a": sd.Shallow()}, [])
    with pytest.raises(KeyError, match="did you mean 'typicality'"):
        ask({"a": sd.Shallow()}, ["typicalty"])


def test_medians_leave_out_what_could_not_be_said(phenomenon_of):
    silent = phenomenon_of("silent", lambda data, seed: math.nan if seed < 2 else 3.0)
    row = ask({"a": sd.Shallow()}, [silent]).summary.iloc[0]
    assert (row["median"], row["share"], row["status"]) == (3.0, 0.5, "asked")
