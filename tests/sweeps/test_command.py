"""semdev sweep, as a user meets it."""

from __future__ import annotations

import pytest

from semdev.cli import main
from semdev.sweeps.results import load_sweep

STUDY = """
import semdev as sd
from my_worlds import world

def learn(depth, scale, seeds):
    if scale > 5:
        raise ArithmeticError("far too large")
    model = sd.DeepLinear([8] * (depth - 1), scale=scale)
    return sd.train(model, world, seeds=seeds, learning_rate=0.01, steps=30, record=5)

grid = {"depth": [2, 3], "scale": [0.1, 0.3]}
seeds = 3
"""


@pytest.fixture
def study(tmp_path):
    (tmp_path / "my_worlds.py").write_text('import semdev\nworld = semdev.load("saxe2019")\n')
    path = tmp_path / "study.py"
    path.write_text(STUDY)
    return path


def test_a_file_says_what_to_do(study, tmp_path, capsys):
    assert main(["sweep", str(study), "--out", str(tmp_path / "runs"), "--jobs", "1"]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].split() == ["depth", "scale", "shards", "done", "failed", "seeds"]
    assert "4 of 4 shards are done" in shown
    runs = load_sweep(tmp_path / "runs")
    assert runs.sel(depth=3, scale=0.1).sizes["seed"] == 3


def test_shards_on_the_command_line_make_the_whole(study, tmp_path, contents, capsys):
    call = ["sweep", str(study), "--jobs", "1", "--seeds", "2", "--out"]
    assert main([*call, str(tmp_path / "whole")]) == 0
    for k in (1, 2, 3):
        assert main([*call, str(tmp_path / "parts"), "--shard", f"{k}/3"]) == 0
        done = load_sweep(tmp_path / "parts").table["done"].sum()
        assert done == {1: 2, 2: 3, 3: 4}[k]
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
    assert load_sweep(tmp_path / "parts").table["seeds"].tolist() == [2, 2, 2, 2]


def test_flags_make_a_grid_over_a_corpus(tmp_path, capsys):
    arguments = [
        "sweep", "saxe2019", "--out", str(tmp_path), "--depth", "1", "2", "--scale", "0.1", "0.3",
        "--hidden", "8", "--learning-rate", "0.01", "--steps", "30", "--record", "5",
        "--seeds", "2", "--jobs", "1",
    ]  # fmt: skip
    assert main(arguments) == 0
    runs = load_sweep(tmp_path)
    whole = runs.combine()
    assert dict(whole["loss"].sizes) == {
        "depth": 2, "hidden": 1, "scale": 2, "learning_rate": 1, "seed": 2, "time": 5,
    }  # fmt: skip
    assert whole["step"].values[-1] == 30
    assert runs.table["done"].tolist() == [1, 1, 1, 1]


def test_a_failure_is_shown_and_said_by_the_exit_status(study, tmp_path, capsys):
    study.write_text(STUDY.replace("[0.1, 0.3]", "[0.1, 9.0]"))
    call = ["sweep", str(study), "--out", str(tmp_path / "runs"), "--jobs", "1"]
    assert main(call) == 1
    shown = capsys.readouterr().out
    assert "failed: depth=2, scale=9.0, seeds 0–2: ArithmeticError: far too large" in shown
    assert "2 of 4 shards are done" in shown


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (("grid =", "gird ="), [], "defines no grid; see `semdev sweep --help`"),
        (("seeds = 3", ""), [], "defines no seeds; define them there or give --seeds N"),
        (("import semdev", "import semdove"), [], "cannot be run: ModuleNotFoundError"),
        (("import semdev", "import ("), [], "cannot be run: SyntaxError"),
        (("depth,", "dept,"), [], "but missing a required argument: 'dept'"),
        ((" ", " "), ["--depth", "2", "--steps", "9"], "--depth, --steps: for a corpus or CSV"),
    ],
)
def test_errors_are_one_line(study, tmp_path, capsys, change, arguments, message):
    study.write_text(study.read_text().replace(*change))
    call = ["sweep", str(study), "--out", str(tmp_path / "runs"), "--jobs", "1"]
    assert main([*call, *arguments]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.startswith("semdev: ")
    assert shown.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_files_and_corpora_that_are_not_there(tmp_path, capsys):
    for name, message in (
        ("nowhere.py", "no file 'nowhere.py'"),
        ("saxe2018", "did you mean 'saxe2019'"),
        ("animals.cvs", "no file 'animals.cvs', and no corpus 'animals.cvs'"),
    ):
        assert main(["sweep", name, "--out", str(tmp_path / "runs")]) == 2
        assert message in capsys.readouterr().err


def test_what_would_be_learned_twice_is_refused(tmp_path, capsys):
    call = ["sweep", "saxe2019", "--out", str(tmp_path / "runs"), "--depth", "1", "2"]
    assert main([*call, "--hidden", "8", "16"]) == 2
    assert "--depth 1 has no hidden layer: with several --hidden" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_no_jobs_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["sweep", "saxe2019", "--out", str(tmp_path / "runs"), "--jobs", "0"])
    assert "a whole number above 0 is needed, got '0'" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["0/3", "4/3", "3", "a/b"])
def test_a_part_is_so_many_of_so_many(part, capsys):
    with pytest.raises(SystemExit):
        main(["sweep", "saxe2019", "--out", "x", "--shard", part])
    assert f"the third of ten is written 3/10, got '{part}'" in capsys.readouterr().err


def test_help_shows_a_study_and_an_array_job(capsys):
    with pytest.raises(SystemExit):
        main(["sweep", "--help"])
    shown = capsys.readouterr().out
    assert "def learn(depth, scale, seeds):" in shown
    assert "--shard $SLURM_ARRAY_TASK_ID/10" in shown
