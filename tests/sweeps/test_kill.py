"""A sweep that is killed goes on, and leaves the same bytes as one that was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

# Loads everything once; then each line on its input is a sweep in a process of its own.
SWEEPER = """
import json, os, sys, time
import torch
import semdev as sd
from semdev.sweeps.running import sweep

world = sd.load("saxe2019")

def learn(depth, scale, seeds):
    model = sd.DeepLinear([8] * (depth - 1), scale=scale) if depth > 1 else sd.Shallow(scale=scale)
    return sd.train(model, world, seeds=seeds, learning_rate=0.01, steps=60, record=8)

grid = {"depth": [1, 2, 3], "scale": [0.1, 0.3]}
print("ready", flush=True)
for out in sys.stdin:
    process = os.fork()
    if not process:
        sweep(learn, grid, seeds=4, shard_size=2, n_jobs=1, out=out.strip(), progress=False)
        os._exit(0)
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
def test_killed_three_times_and_the_same_bytes(tmp_path, contents):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    settings = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen([sys.executable, "-c", SWEEPER], **settings) as sweeper:
        assert sweeper.stdin is not None
        assert sweeper.stdout is not None

        def begin(folder: Path) -> int:
            sweeper.stdin.write(f"{folder}\n")
            return int(sweeper.stdout.readline())

        assert sweeper.stdout.readline() == "ready\n"
        started = time.monotonic()
        begin(whole)
        assert sweeper.stdout.readline() == "0\n"
        took = time.monotonic() - started
        finished, written = [], {}
        for _ in range(3):
            process = begin(killed)
            # Somewhere in the next quarter of it; the fraction is as good as drawn at random.
            time.sleep(took * (0.1 + 0.25 * (time.monotonic_ns() % 1000) / 1000))
            os.kill(process, signal.SIGKILL)
            assert sweeper.stdout.readline() == "-9\n"
            times = {path.name: path.stat().st_mtime_ns for path in killed.glob("*.nc")}
            assert times.items() >= written.items(), "a finished shard was lost or done again"
            written = times
            finished.append(len(times))
        begin(killed)
        assert sweeper.stdout.readline() == "0\n"
        sweeper.stdin.close()
    times = {path.name: path.stat().st_mtime_ns for path in killed.glob("*.nc")}
    assert times.items() >= written.items()
    assert len(times) == 12
    assert contents(killed) == contents(whole)
    assert json.loads((killed / "sweep.json").read_text())["shard_size"] == 2
    assert finished[-1] < 12, "the last kill came too late to interrupt anything"


@pytest.mark.skipif(os.name != "posix", reason="elsewhere processes have no parents")
def test_workers_go_when_their_master_is_killed():
    code = (
        "import os, time; from semdev.sweeps.executing import leave_with\n"
        "leave_with(os.getppid()); print(os.getpid(), flush=True); time.sleep(60)"
    )
    master = subprocess.Popen(
        ["sh", "-c", f'"{sys.executable}" -c "{code}" & wait'], stdout=subprocess.PIPE, text=True
    )
    with master:
        assert master.stdout is not None
        worker = psutil.Process(int(master.stdout.readline()))
        assert worker.is_running()
        master.kill()
        assert psutil.wait_procs([worker], timeout=10)[1] == []
