"""Seconds and peak memory of one function in a process of its own.

python -m benchmarks.fresh benchmarks.many:train_many '{"seeds": 100}'
"""

from __future__ import annotations

import importlib
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent


def run_fresh(where: str, **arguments: Any) -> dict[str, float]:
    """Call "module:function" in a fresh process; return its seconds and peak memory in MiB.

    If the function returns a dictionary of numbers, they go before. The peak is that of the process
    or, if that is more, of it and its own child processes together, looked at every .1 s.
    """
    command = [sys.executable, "-m", "benchmarks.fresh", where, json.dumps(arguments)]
    most = 0.0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        while running.poll() is None:
            most = max(most, _measure_tree(running.pid))
            time.sleep(0.1)
        said = running.stdout.read() if running.stdout else ""
    if running.returncode:
        raise RuntimeError(f"{where} with {arguments} failed in a fresh process (see above)")
    told = json.loads(said.splitlines()[-1])
    return told | {"MiB": max(most, told["MiB"])}


def _measure_tree(pid: int) -> float:
    """Return the memory of a process and its children, in MiB."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
        return sum(each.memory_info().rss for each in family) / 2**20
    except psutil.Error:  # one of them has just ended
        return 0.0


def read_peak() -> float:
    """Return this process's own peak memory in MiB.

    Linux hands getrusage's peak down from a parent to its children, so its own file goes first.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**10
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    """Call what the command line names, and print what it took and what it tells."""
    module, name = sys.argv[1].split(":")
    function = getattr(importlib.import_module(module), name)
    begun = time.perf_counter()
    told = function(**json.loads(sys.argv[2]))
    took = {"seconds": time.perf_counter() - begun, "MiB": read_peak()}
    print(json.dumps(took | (told if isinstance(told, dict) else {})))


if __name__ == "__main__":
    main()
