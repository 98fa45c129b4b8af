"""Dask: a scheduler and workers in processes of their own, over TCP, one of them killed."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from functools import partial
from pathlib import Path

import pytest

from semdev.sweeps.running import sweep

distributed = pytest.importorskip("distributed")
quiet = partial(sweep, progress=False)


@pytest.fixture(scope="module")
def client():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ports that are taken, files that are not closed
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, protocol="tcp",
                dashboard_address=None,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):  # fmt: skip
            assert cluster.scheduler_address.startswith("tcp://")
            yield client


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing(tmp_path, trainer, contents, client):
    grid, names = {"depth": [1, 2], "scale": [0.1, 0.3]}, tmp_path / "names"
    names.mkdir()

    def learn(depth, scale, seeds):
        Path(names, f"{os.getpid()}-{depth}-{scale}-{seeds[0]}").touch()
        time.sleep(0.1)
        return trainer(depth, scale, seeds)

    def kill_one():
        """Kill a worker in the middle of its second shard."""
        while not killed:
            for path in names.iterdir():
                process = path.name.split("-")[0]
                if len(list(names.glob(f"{process}-*"))) > 1:
                    os.kill(int(process), signal.SIGKILL)
                    killed.append(process)
                    return
            time.sleep(0.01)

    killed: list[str] = []
    watcher = threading.Thread(target=kill_one, daemon=True)
    watcher.start()
    runs = quiet(learn, grid, seeds=4, shard_size=2, executor=client, out=tmp_path / "dask")
    watcher.join(10)
    assert len(killed) == 1
    assert killed[0] not in {str(worker) for worker in client.run(os.getpid).values()}
    assert len({path.name.split("-")[0] for path in names.iterdir()}) > 1
    assert len(list(names.iterdir())) > 8  # something was begun twice
    assert len(runs.failures) == 0
    quiet(learn, grid, seeds=4, shard_size=2, n_jobs=1, out=tmp_path / "alone")
    assert contents(tmp_path / "dask") == contents(tmp_path / "alone")
