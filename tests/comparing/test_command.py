"""semdev compare and semdev validate, as a user meets them."""

from __future__ import annotations

import argparse
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from semdev.cli import _read_world
from semdev.comparing.command import (
    add_compare_parser,
    add_validate_parser,
    find_misses,
    lay_out_comparison,
    lay_out_sensitivity,
)
from semdev.comparing.sensitivity import sensitivity

FEW = ["rumelhart8", "--models", "deep linear", "shallow", "--jobs", "1"]
FEW += ["--phenomena", "U-shape", "transient overgeneralization"]


def run(*arguments):
    """Run a command as `semdev` does."""
    parser = argparse.ArgumentParser(prog="semdev")
    commands = parser.add_subparsers()
    add_compare_parser(commands, _read_world)
    add_validate_parser(commands, _read_world)
    options = parser.parse_args(list(arguments))
    return options.run(options)


def test_compare_prints_a_table_and_writes_files(tmp_path, capsys):
    csv, plot, out = (str(tmp_path / name) for name in ("seeds.csv", "table.svg", "runs"))
    call = ["compare", *FEW, "--seeds", "3", "--out", out]
    assert run(*call, "--csv", csv, "--plot", plot) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "rumelhart8: % of 3 seeds that show it"
    assert lines[2].split() == ["1", "2"]
    assert lines[3].split() == ["U-shape", "100", "0"]
    assert "1 deep linear  2 shallow" in lines
    rows = pd.read_csv(csv)
    assert len(rows) == 2 * 2 * 3
    assert "deep linear" in (tmp_path / "table.svg").read_text()
    files = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
    assert run(*call, "--markdown") == 0
    shown = capsys.readouterr().out
    assert "| U-shape" in shown
    assert "| deep linear | shallow |" in shown
    assert {p.name: p.stat().st_mtime_ns for p in (tmp_path / "runs").iterdir()} == files


def test_validate_prints_all_that_can_say_no(tmp_path, capsys):
    call = ["validate", *FEW, "--seeds", "6", "--null-seeds", "2", "--draws", "1"]
    status = run(*call, "--out", str(tmp_path / "runs"), "--markdown")
    shown = capsys.readouterr().out
    for head in ("False positives", "Model recovery", "Verdicts that hang on the threshold"):
        assert f"### {head}" in shown
    assert "0 of 8" in shown  # impossible claims
    assert "verdicts flip" in shown
    names = {path.name for path in (tmp_path / "runs").iterdir()}
    assert names == {"comparison", "null worlds", "impossible"}
    rates = [line for line in shown.splitlines() if "[" in line and "100" not in line]
    assert status in (0, 1)
    assert rates


def test_too_few_seeds_for_recovery_are_refused_before_anything_is_computed(tmp_path):
    call = ["validate", *FEW, "--seeds", "4", "--children", "2", "--out", str(tmp_path / "runs")]
    with pytest.raises(ValueError, match="--seeds 4: model recovery needs 5 or more"):
        run(*call)
    assert not (tmp_path / "runs").exists()


def test_validate_says_no_by_its_exit_status(monkeypatch, phenomenon_of, capsys):
    liar = phenomenon_of("liar", lambda data, seed: 2.0, impossible_for=("shallow linear",))
    monkeypatch.setattr("semdev.comparing.comparing.PHENOMENA", {"liar": liar})
    call = ["validate", "rumelhart8", "--models", "shallow", "--seeds", "3", "--null-seeds", "1",
            "--draws", "1", "--jobs", "1"]  # fmt: skip
    assert run(*call) == 1
    shown = capsys.readouterr().out
    assert "4 of 4" in shown
    assert "100 [21, 100]" in shown
    honest = phenomenon_of("honest", lambda data, seed: 0.0, impossible_for=("shallow linear",))
    monkeypatch.setattr("semdev.comparing.comparing.PHENOMENA", {"honest": honest})
    assert run(*call) == 0


def test_one_claim_of_what_provably_cannot_be_is_a_miss_and_one_by_rote_is_chance():
    def count(model, claims):
        claimed = pd.DataFrame([{"phenomenon": "typicality", "model": model, "world": "zoo",
                                 "status": "asked", "claims": claims, "cases": 100}])  # fmt: skip
        null = SimpleNamespace(claimed=claimed, table=pd.DataFrame({"rate": [0.0, np.nan, 0.05]}))
        return find_misses(null)

    assert count("shallow linear", 0) == 0
    assert count("shallow linear", 1) == 1
    assert count("rote, item by item", 5) == 0
    assert count("rote, item by item", 6) == 1


def test_a_failure_is_shown_and_said_by_the_exit_status(monkeypatch, phenomenon_of, capsys):
    def fail(data, seed):
        raise ArithmeticError("far too large")

    monkeypatch.setattr(
        "semdev.comparing.comparing.PHENOMENA", {"failing": phenomenon_of("failing", fail)}
    )
    call = ["rumelhart8", "--models", "shallow", "--seeds", "2", "--jobs", "1"]
    assert run("compare", *call) == 1
    shown = capsys.readouterr().out
    assert "failed: failing, shallow, rumelhart8: ArithmeticError: far too large" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "rumelhart9"], "did you mean 'rumelhart8'"),
        (["compare", "rumelhart8", "--models", "deeplinear"], "did you mean 'deep linear'"),
        (["compare", "rumelhart8", "--phenomena", "u-shapes"], "did you mean 'U-shape'"),
        (["compare", "rumelhart8", "--csv", "table.xlsx"], "--csv writes .csv files"),
        (["compare", "rumelhart8", "--plot", "nowhere/table.pdf"], "no folder 'nowhere'"),
        (["compare", "a.csv", "b.csv", "--tree", "t.nwk"], "--tree goes with one CSV file"),
        (["validate", "rumelhart8", "--models", "shalow"], "did you mean 'shallow'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_computed(arguments, message):
    with pytest.raises((KeyError, ValueError, FileNotFoundError), match=message):
        run(*arguments)


def test_numbers_must_be_counts(capsys):
    with pytest.raises(SystemExit):
        run("compare", "rumelhart8", "--seeds", "0")
    assert "a whole number above 0 is needed, got '0'" in capsys.readouterr().err


def test_marks_in_the_table(comparison_of):
    shown = lay_out_comparison(comparison_of({"a": [[2.0, np.nan]] * 3, "b": [[0.0, 3.0]] * 3}))
    rows = [line.split()[-2:] for line in shown.splitlines() if line.startswith("phenomenon")]
    assert rows == [["100", "0"], ["–", "100"]]


def test_verdicts_that_flip_are_listed(comparison_of):
    found = sensitivity(comparison_of({"a": [[1.1, 5.0]] * 3}))
    text = lay_out_sensitivity(found)
    assert text.startswith("1 of 2 verdicts flip")
    assert text.splitlines()[-1].split() == [
        "phenomenon", "0", "zoo", "a", "100", "100", "100", "0", "0", "0",
    ]  # fmt: skip
    steady = sensitivity(comparison_of({"a": [[5.0]] * 3}))
    assert lay_out_sensitivity(steady) == "0 of 1 verdicts flip if thresholds are moved."


def test_json_is_json_and_nothing_else(tmp_path, capsys):
    out = str(tmp_path / "runs")
    assert run("compare", *FEW, "--seeds", "2", "--out", out, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 2 * 2
    shares = {(row["model"], row["phenomenon"]): row["share"] for row in rows}
    assert shares["deep linear", "U-shape"] == 1
    assert shares["shallow", "U-shape"] == 0
    call = ["validate", *FEW, "--seeds", "2", "--null-seeds", "1", "--draws", "1", "--json"]
    assert run(*call) in (0, 1)
    tables = json.loads(capsys.readouterr().out)
    assert set(tables) == {"false_positives", "impossible_claims", "sensitivity", "comparison"}
    assert {row["claims"] for row in tables["impossible_claims"]} == {0}
