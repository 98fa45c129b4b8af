"""The command line, as a user meets it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from semdev.cli import main, make_parser

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


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    zoo = next(each for each in shown["corpora"] if each["name"] == "zoo")
    assert zoo == {"name": "zoo", "items": 101, "properties": 23, "coding": "graded"}
    assert {"saxe2019", "rogers2004"} <= {each["name"] for each in shown["papers"]}


def test_ask_as_json_says_the_same_as_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ARGUMENTS, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert main(ARGUMENTS) == 0
    text = capsys.readouterr().out
    assert shown["sentence"] in " ".join(text.split())
    assert (shown["true"], shown["target"], shown["seeds"]) == (False, 0, 3)
    for name, numbers in shown["models"].items():
        peak = numbers["peak"]
        assert peak["low"] <= peak["median"] <= peak["high"]
        assert re.search(rf"{name} +{abs(peak['median']):.2f} ", text)
    assert shown["models"]["deep linear"]["class"] == "animal"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lst"], "semdev: no command 'lst'; did you mean 'list'?; see `semdev --help`"),
        (["list", "--jsn"], "semdev list: no option '--jsn'; did you mean '--json'?"),
        (["list", "zoo"], "semdev list: 'zoo' is more than this command takes"),
        (["ask", "zoo"], "semdev ask: the following arguments are required: item, property"),
        (["ask", "zoo", "a", "b", "--seeds", "x"], "argument --seeds: invalid int value: 'x'"),
        (["completion", "cmd"], "semdev completion: argument shell: invalid choice: 'cmd'"),
    ],
)
def test_misuse_is_one_line_with_a_next_step(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert "--help`" in shown
    assert shown.count("\n") == 1


def test_what_nobody_foresaw_is_one_line_with_its_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise RuntimeError(f"no {name}\nhere")

    monkeypatch.setattr("semdev.data.bundled.outline", fail)
    assert main(["list"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("semdev: RuntimeError: no cao2020 here (test_cli.py, line ")
    assert "SEMDEV_TRACEBACK=1 shows more" in shown
    assert shown.count("\n") == 1
    monkeypatch.setenv("SEMDEV_TRACEBACK", "1")
    assert main(["list"]) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_reader_who_has_read_enough_is_no_error() -> None:
    command = f"{sys.executable} -m semdev.cli list | head -n 1"
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "corpora (semdev.load, semdev ask):\n"


def test_every_command_has_help_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for name, parser in make_parser()._subparsers._group_actions[0].choices.items():
        text = parser.format_help()
        assert f"semdev {name}" in text
        assert name == "list" or "examples:" in text or "how to switch it on:" in text
    assert "exit status: 0 fine, 1 a check failed, 2 bad input" in make_parser().format_help()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_that_shell(
    shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["completion", shell]) == 0
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out)
    for word in ("reproduce", "--plot"):
        assert word in script.read_text() or word.lstrip("-") in script.read_text()
    if shutil.which(shell):
        subprocess.run([shell, "-n", script], check=True)


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["semdev", "rep"], "reproduce"),
        (["semdev", "ask", "livi"], "living_things"),
        (["semdev", "reproduce", "saxe2014", "rogers2"], "rogers2004"),
        (["semdev", "ask", "--pl"], "--plot"),
    ],
)
def test_the_tab_key_completes(
    typed: list[str], offered: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["completion", "bash"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    words = " ".join(typed)
    code = f"""
source {tmp_path / "script"}
COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}; COMP_LINE="{words}"; COMP_POINT=${{#COMP_LINE}}
$(complete -p semdev | sed 's/.*-F \\([^ ]*\\).*/\\1/') semdev {typed[-1]} {typed[-2]}
printf '%s\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    assert offered in done.stdout.split()
