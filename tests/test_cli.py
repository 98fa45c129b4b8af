"""The command line, as a user meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from semdev.cli import main

ARGUMENTS = ["ask", "saxe2019", "salmon", "can fly", "--seeds", "3", "--hidden", "8"]


def test_list_names_corpora_and_papers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for name in ("living_things", "zoo", "rogers2004", "saxe2014", "saxe2019"):
        assert name in shown
    assert "101 items × 23" in shown


def test_ask_says_what_is_believed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ARGUMENTS) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "False, but believed for a while: in deep linear networks “salmon can fly” rises to 0.4"
        in shown
    )
    assert "outside its class (animal)" in shown
    assert "Medians of 3 networks." in shown
    assert "shallow with bias" in shown


def test_ask_about_something_true(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ARGUMENTS[:2], "canary", *ARGUMENTS[3:]]) == 0
    assert "True: “canary can fly”" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_ask_draws(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"worm.{kind}"
    assert main([*ARGUMENTS, "--plot", str(path)]) == 0
    assert path.stat().st_size > 2000
    assert f"wrote {path}" in capsys.readouterr().out


def test_ask_takes_a_csv_with_and_without_a_tree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, tree = tmp_path / "mine.csv", tmp_path / "mine.nwk"
    table.write_text("item,can fly,can move,has roots\nrobin,1,1,0\nworm,0,1,0\noak,0,0,1\n")
    tree.write_text("((robin,worm)animal,oak)thing;")
    assert main(["ask", str(table), "worm", "can fly", "--seeds", "2"]) == 0
    assert "outside its class" not in capsys.readouterr().out
    assert main(["ask", str(table), "worm", "can fly", "--seeds", "2", "--tree", str(tree)]) == 0
    assert "(animal)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", "living_thing", "worm", "has bones"], "did you mean 'living_things'?"),
        (
            ["ask", "saxe2019", "salmom", "can fly"],
            "no item 'salmom' in saxe2019; did you mean 'salmon'?",
        ),
        (["ask", "saxe2019", "salmon", "can flee"], "did you mean 'can fly'?"),
        (["ask", "saxe2019", "salmon", "can fly", "--seeds", "0"], "seeds must be one or more"),
        (["ask", "nowhere.csv", "a", "b"], "no file 'nowhere.csv'"),
        (["reproduce", "saxe2018"], "no paper 'saxe2018' in semdev; did you mean 'saxe201"),
    ],
)
def test_errors_are_one_line_with_a_next_step(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.startswith("semdev: ")
    assert shown.count("\n") == 1


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert 'semdev ask living_things worm "has bones"' in shown
    assert "reproduce" in shown


def test_no_command_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 2
    assert "COMMAND" in capsys.readouterr().err
