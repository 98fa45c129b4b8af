"""Learners that cost next to nothing, and one that trains."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr


@pytest.fixture(scope="session")
def line():
    """A learner whose result can be worked out by hand: slope × time + seed."""

    def learn(slope, seeds, end=1.0):
        time = np.linspace(0, end, 5)
        return xr.Dataset(
            {
                "value": (("seed", "time"), slope * time + np.array(seeds)[:, None]),
                "steep": slope > 1,
                "count": ("seed", np.array(seeds) * 2),
            },
            {"seed": list(seeds), "time": time, "positive": ("seed", np.array(seeds) > 0)},
        )

    return learn


@pytest.fixture(scope="session")
def trainer():
    """A learner that trains linear networks of one to three layers."""

    def learn(depth, scale, seeds):
        import semdev as sd

        model = sd.DeepLinear([12] * (depth - 1), scale=scale) if depth > 1 else sd.Shallow()
        return sd.train(
            model, sd.load("saxe2019"), seeds=seeds, learning_rate=0.01, steps=150, record=12,
            progress=False,
        )  # fmt: skip

    return learn


def read_all(folder: Path) -> dict[str, str]:
    """Return what a folder holds, hidden files too: a digest of each file's bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def contents():
    return read_all
