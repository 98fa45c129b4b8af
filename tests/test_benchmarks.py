"""The benchmarks: their contenders train the same networks, and semdev is as fast as it should be.

Speed is tested as a ratio within this process, and as about half of what was measured: one core,
one thread, another worker beside. `make bench` measures it properly.
"""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import semdev as sd
from benchmarks import __main__ as command
from benchmarks import contenders, fresh, growth, plain, report, speed, tasks, timing

TASKS = tasks.make_tasks()
OURS = {name: who for name, who in contenders.list_contenders().items() if name != "jax"}


def few(name: str) -> tasks.Task:
    """Return a task with three seeds."""
    return replace(TASKS[name], seeds=min(TASKS[name].seeds, 3))


@pytest.mark.parametrize("name", TASKS)
def test_contenders_train_the_same_networks(name: str) -> None:
    assert contenders.check_agreement(few(name), OURS) < contenders.TOLERANCE


@pytest.mark.parametrize("name", TASKS)
def test_jax_trains_the_same_networks(name: str) -> None:
    pytest.importorskip("jax")
    known = contenders.list_contenders()
    assert contenders.check_agreement(few(name), known) < contenders.TOLERANCE
    assert known["jax"].seconds.keys() == {(name, few(name).seeds, few(name).checked)}


def test_a_users_own_module_is_the_same_network() -> None:
    own = {"train": contenders.train, "plain": plain.learn, "own": contenders.train_own}
    assert contenders.check_agreement(few("T2"), own) < contenders.TOLERANCE


def test_other_networks_are_refused() -> None:
    def learn_faster(task: tasks.Task, seeds: int, updates: int) -> np.ndarray:
        return plain.learn(replace(task, learning_rate=0.012), seeds, updates)

    with pytest.raises(contenders.DisagreementError, match="T1: faster ends with other losses"):
        contenders.check_agreement(few("T1"), OURS | {"faster": learn_faster})


def test_agreement_before_anything_is_learned_is_refused() -> None:
    with pytest.raises(contenders.DisagreementError, match="hardly moved"):
        contenders.check_agreement(replace(few("T1"), checked=2), OURS)


def test_operations_are_those_of_backpropagation() -> None:
    # 8 patterns; 8 × 32 and 32 × 36: answers, slopes, and slopes below the second.
    assert TASKS["T1"].n_operations == 2 * 8 * (2 * (8 * 32 + 32 * 36) + 32 * 36)
    assert TASKS["T2"].n_operations == 256 * TASKS["T1"].n_operations


def test_short_tasks_keep_whole_sweeps() -> None:
    short = TASKS["T4p"].shorten(10)
    assert short.updates == 192
    assert all(updates % 32 == 0 for _, updates in short.timed.values())


def test_what_does_not_grow_with_updates_is_counted_once() -> None:
    seconds = {
        "plain": [0.5], "plain, one thread": [0.4], "train": [1 + 60 * 0.1], "train, few": [1.6],
    }  # fmt: skip
    whole = speed.scale_up(TASKS["T3"], {name: np.array(each) for name, each in seconds.items()})
    assert {name: each.item() for name, each in whole.items()} == pytest.approx({
        "plain": 0.5 * 64 / 8 * 2000 / 60, "plain, one thread": 0.4 * 64 / 8 * 2000 / 60,
        "train": 1 + 2000 * 0.1, "updates": 2000 * 0.1,
    })  # fmt: skip


# Task: seeds and updates of the plain loop, of train, and how many times as fast train must be.
BOUNDS = {
    "T1": ((1, 200), (1, 2000), 8),
    "T2": ((1, 200), (256, 500), 70),
    "T3": ((2, 10), (64, 10), 0.8),
    "T4": ((1, 200), (256, 200), 10),
    "T4p": ((1, 192), (256, 192), 15),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOUNDS)
def test_train_is_many_times_as_fast_as_the_plain_loop(name: str) -> None:
    slow, fast, bound = BOUNDS[name]
    runs = {
        "plain": partial(plain.learn_on_one_thread, TASKS[name], *slow),
        "train": partial(contenders.train, TASKS[name], *fast),
    }
    best = {who: each.min() for who, each in timing.interleave(runs, rounds=5).items()}
    assert best["plain"] / np.prod(slow) > bound * best["train"] / np.prod(fast)


@pytest.mark.slow
def test_a_users_own_module_is_not_much_slower_than_the_written_out_path() -> None:
    runs = {
        "train": partial(contenders.train, TASKS["T2"], 256, 1000),
        "own": partial(contenders.train_own, TASKS["T2"], 256, 1000),
    }
    best = {who: each.min() for who, each in timing.interleave(runs, rounds=5).items()}
    assert best["own"] < 2 * 3 * best["train"]


def test_rounds_are_interleaved() -> None:
    order: list[str] = []
    runs = {name: partial(order.append, name) for name in "abc"}
    seconds = timing.interleave(runs, rounds=3)
    assert order == list("abcbcacab")
    assert {name: len(each) for name, each in seconds.items()} == {"a": 3, "b": 3, "c": 3}


def test_ratios_are_taken_within_rounds() -> None:
    seconds = {"slow": np.array([2.0, 8.0, 30.0]), "fast": np.array([1.0, 2.0, 3.0])}
    assert timing.compare(seconds, "slow", "fast") == timing.Spread(4, 2, 10)


def test_exponents_are_found() -> None:
    sizes = np.array([10, 20, 40])
    assert timing.fit_exponent(sizes, 3 * sizes**1.5) == pytest.approx(1.5)


def test_criteria_are_computed() -> None:
    assert report.Criterion("fast", 15.0, 15).show() == ["fast", "≥ 15 ×", "15 ×", "yes"]
    assert report.Criterion("fast", 14.9, 15).show()[3] == "NO"
    assert report.Criterion("soon", 59.0, 60, "s", True).show()[1:] == ["≤ 60 s", "59 s", "yes"]
    assert report.Criterion("soon", float("nan"), 60, "s", True).show()[3] == "NO"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(12.34, "12.3 s"), (0.0345, "34.5 ms"), (3.3e-6, "3.3 µs"), (1234.0, "1 230 s")],
)
def test_times_are_shown_in_their_unit(seconds: float, shown: str) -> None:
    assert report.show_seconds(seconds) == shown


def test_tables_line_up() -> None:
    table = report.format_table(["", "time"], [["a", "1 s"], ["long", "10 ms"]])
    assert table.splitlines() == [
        "|      |  time |", "| ---- | ----: |", "| a    |   1 s |", "| long | 10 ms |",
    ]  # fmt: skip


def test_memory_is_that_of_the_process_itself() -> None:
    mine = np.ones(40_000_000)  # what this process holds is not counted
    told = fresh.run_fresh("numpy:ones", shape=20_000_000)
    assert 20_000_000 * 8 / 2**20 < told["MiB"] < mine.nbytes / 2**20
    assert told["seconds"] > 0


def test_a_failure_in_a_fresh_process_is_one_here(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match=r"numpy:ones with .* failed"):
        fresh.run_fresh("numpy:ones", shape=-1)
    assert "negative dimensions" in capfd.readouterr().err


def test_worlds_grow_as_asked() -> None:
    task = growth.make_task(growth.USUAL | {"items": 16, "hidden layers": 3}, updates=5)
    assert task.inputs.shape == (16, 16)
    assert [w.shape[1:] for w in task.weights] == [(64, 16), (64, 64), (64, 64), (128, 64)]


def test_the_command_prints_a_table_and_judges(tmp_path, capsys) -> None:
    before = command.RESULTS.read_bytes() if command.RESULTS.exists() else b""
    rounds = tmp_path / "rounds.json"
    assert command.main(["--quick", "--only", "T1", "--json", str(rounds)]) == 0
    printed = capsys.readouterr().out
    assert "| sd.train, all in" in printed
    assert "T1: train against the plain loop" in printed.split("## What was asked")[1]
    (raw,) = json.loads(rounds.read_text()).values()
    assert len(raw["plain"]) == len(raw["train"]) == 6
    assert (command.RESULTS.read_bytes() if command.RESULTS.exists() else b"") == before
    assert f"semdev {sd.__version__}" in printed
