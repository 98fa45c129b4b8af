"""Wherever shards are computed, the files are the same."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from types import SimpleNamespace

import joblib
import pytest

from semdev.sweeps.results import load_sweep
from semdev.sweeps.running import sweep

quiet = partial(sweep, progress=False)
GRID = {"depth": [1, 2], "scale": [0.1, 0.3]}


@pytest.fixture(scope="module")
def alone(tmp_path_factory, trainer, contents):
    """What one process writes."""
    folder = tmp_path_factory.mktemp("alone")
    quiet(trainer, GRID, seeds=3, shard_size=2, out=folder, n_jobs=1)
    return contents(folder)


def test_two_processes_write_what_one_does(tmp_path, trainer, contents, alone):
    quiet(trainer, GRID, seeds=3, shard_size=2, out=tmp_path, n_jobs=2)
    assert contents(tmp_path) == alone


def test_a_pool_of_threads_writes_what_one_process_does(tmp_path, trainer, contents, alone):
    with ThreadPoolExecutor(3) as pool:
        quiet(trainer, GRID, seeds=3, shard_size=2, out=tmp_path, executor=pool)
    assert contents(tmp_path) == alone


def test_a_pool_of_processes_writes_what_one_process_does(tmp_path, trainer, contents, alone):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        quiet(trainer, GRID, seeds=3, shard_size=2, out=tmp_path, executor=pool)
    assert contents(tmp_path) == alone


class Bare:
    """The least an executor can be: `submit`, and `result` of what that returns."""

    def __init__(self):
        self.submitted = 0

    def submit(self, function, argument):
        self.submitted += 1
        return type("Job", (), {"result": lambda job: function(argument)})()


def test_anything_with_submit_and_result_will_do(tmp_path, trainer, contents, alone):
    bare = Bare()
    quiet(trainer, GRID, seeds=3, shard_size=2, out=tmp_path, executor=bare)
    assert bare.submitted == 8
    assert contents(tmp_path) == alone


def test_only_so_many_are_in_flight(monkeypatch, line):
    monkeypatch.setattr("semdev.sweeps.executing.IN_FLIGHT", 2)
    flying, most = set(), []

    class Counting(ThreadPoolExecutor):
        def submit(self, function, argument):
            future = super().submit(function, argument)
            flying.add(future)
            most.append(len(flying))
            result = future.result
            future.result = lambda: (flying.discard(future), result())[1]
            return future

    with Counting(1) as pool:
        runs = quiet(line, {"slope": range(7)}, seeds=1, executor=pool)
    assert runs.table["done"].sum() == len(most) == 7
    assert max(most) == 2


def test_results_are_taken_in_the_order_they_come(line):
    written = []

    class Job:
        def __init__(self, function, argument, rounds):
            self.call, self.rounds = partial(function, argument), rounds

        def done(self):
            self.rounds -= 1
            return self.rounds < 0

        def result(self):
            found = self.call()
            written.append(int(found["value"][0, -1]))
            return found

    rounds = iter([3, 1, 2])
    executor = SimpleNamespace(submit=lambda f, x: Job(f, x, next(rounds)))
    quiet(line, {"slope": [5, 6, 7]}, seeds=1, executor=executor)
    assert written == [6, 7, 5]


def test_failures_travel(line):
    def learn(slope, seeds):
        if slope == 2:
            raise ArithmeticError("no such slope")
        return line(slope, seeds)

    for settings in ({"n_jobs": 2}, {"executor": Bare()}):
        with pytest.warns(UserWarning, match="1 of 3 shards failed"):
            runs = quiet(learn, {"slope": [1, 2, 3]}, seeds=2, **settings)
        assert runs.failures["error"].tolist() == ["ArithmeticError: no such slope"]
        assert "in learn" in runs.failures["traceback"][0]


def test_what_cannot_travel_is_said(line):
    lock = threading.Lock()

    def learn(slope, seeds):
        with lock:
            return line(slope, seeds)

    for settings in ({"n_jobs": 2}, {"executor": Bare()}):
        with pytest.raises(TypeError, match=r"cannot be sent to another process .*n_jobs=1"):
            quiet(learn, {"slope": [1, 2]}, seeds=2, **settings)
    assert len(quiet(learn, {"slope": [1, 2]}, seeds=2, n_jobs=1).failures) == 0


def test_a_process_that_dies_costs_its_own_condition_alone(line):
    def learn(slope, seeds):
        if slope == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.2)  # so that it dies beside another
        return line(slope, seeds)

    with pytest.warns(UserWarning, match="1 of 3 shards failed"):
        runs = quiet(learn, {"slope": [1, 2, 3]}, seeds=2, n_jobs=2)
    assert runs.table["done"].tolist() == [1, 0, 1]
    assert runs.failures["error"][0].startswith("TerminatedWorkerError: A worker process")


def test_a_lost_worker_is_written_down(line):
    class Job:
        def result(self):
            raise ConnectionError("the machine is gone")

    class Cluster:
        def submit(self, function, argument):
            if self.jobs == 0:
                raise ConnectionError("all machines are gone")
            self.jobs -= 1
            return Job()

    cluster = Cluster()
    cluster.jobs = 2
    with pytest.warns(UserWarning, match="3 of 3 shards failed"):
        runs = quiet(line, {"slope": [1, 2, 3]}, seeds=2, executor=cluster)
    assert runs.failures["error"].tolist() == [
        "ConnectionError: the machine is gone",
        "ConnectionError: the machine is gone",
        "ConnectionError: all machines are gone",
    ]


def test_an_interruption_takes_back_what_was_submitted(tmp_path, line):
    cancelled = []

    class Job:
        def __init__(self, function, argument):
            self.call = partial(function, argument)

        def done(self):
            return True

        def result(self):
            if flown:
                raise KeyboardInterrupt
            flown.append(1)
            return self.call()

        def cancel(self):
            cancelled.append(self)

    flown = []
    executor = SimpleNamespace(submit=Job)
    with pytest.raises(KeyboardInterrupt):
        quiet(line, {"slope": range(5)}, seeds=1, executor=executor, out=tmp_path)
    assert len(cancelled) == 3
    assert load_sweep(tmp_path).table["done"].sum() == 1


def test_no_more_processes_are_started_than_there_are_shards(monkeypatch, line):
    def refuse(*arguments, **settings):
        raise AssertionError("processes for a single shard")

    monkeypatch.setattr(joblib, "Parallel", refuse)
    assert quiet(line, {"slope": [1]}, seeds=2, n_jobs=4).table["done"].tolist() == [1]
