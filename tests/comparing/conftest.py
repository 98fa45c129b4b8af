"""Comparisons whose numbers are known, and phenomena that need no learning."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from semdev.comparing.results import Comparison
from semdev.phenomena import ALPHA, Criterion, Phenomenon


def make_comparison(values, *, threshold=1.0, p=None):
    """Return a Comparison on one world; a phenomenon of NaN alone does not apply to its model.

    `values`: mapping of model to seed × phenomenon.
    """
    found = np.stack([np.asarray(each, dtype=float) for each in values.values()])[None]
    found = found.transpose(0, 1, 3, 2)  # world × model × phenomenon × seed
    dims = ("world", "model", "phenomenon", "seed")
    p = np.full(found.shape, np.nan) if p is None else np.broadcast_to(p, found.shape)
    applies = np.isfinite(found).any(-1)
    return Comparison(
        xr.Dataset(
            {
                "value": (dims, found), "control": (dims, np.full(found.shape, np.nan)),
                "p": (dims, p), "met": (dims, (found >= threshold) & ~(p > ALPHA)),
                "status": (dims[:3], np.where(applies, "asked", "not applicable")),
                "reason": (dims[:3], np.where(applies, "", "no")),
                "error": (dims[:3], np.full(applies.shape, "")),
            },
            coords={
                "world": ["zoo"], "model": list(values), "seed": np.arange(found.shape[-1]),
                "phenomenon": [f"phenomenon {k}" for k in range(found.shape[2])],
                "threshold": ("phenomenon", np.full(found.shape[2], threshold)),
                "criterion": ("phenomenon", ["ours"] * found.shape[2]),
            },
        )
    )  # fmt: skip


def make_phenomenon(name, value, **fields):
    """Return a phenomenon whose experiment is `value(data, seed)`: nobody learns anything."""

    def experiment(learner, data, seeds):
        found = xr.Dataset(
            {"value": ("seed", np.array([value(data, seed) for seed in seeds], dtype=float))},
            {"seed": list(seeds)},
        )
        return found

    fields = {"controlled": False, **fields}
    return Phenomenon(
        name, "claim", "human", lambda result: result["value"], "unit",
        Criterion(1.0, "ours", "why"), experiment=experiment, **fields,
    )  # fmt: skip


@pytest.fixture(scope="session")
def comparison_of():
    return make_comparison


@pytest.fixture(scope="session")
def phenomenon_of():
    return make_phenomenon
