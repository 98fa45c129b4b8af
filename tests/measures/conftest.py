"""A History made by hand, so that a measure meets curves whose answer is known."""

from __future__ import annotations

import warnings

import networkx as nx
import numpy as np
import pytest
import xarray as xr

import semdev as sd
from semdev.history import make_history


def plant_history(target, output, time, *, tree=None):
    """Make a History of `output` (seed × time × item × property); items a, b, …"""
    target, output = np.asarray(target, dtype=float), np.asarray(output, dtype=float)
    coords = {"item": list("abcdefghij"[: len(target)]),
              "property": [f"p{k}" for k in range(target.shape[1])]}  # fmt: skip
    table = xr.DataArray(target, dims=("item", "property"), coords=coords)
    if tree is not None and not isinstance(tree, nx.DiGraph):
        tree = sd.trees.from_nested(tree)
    return make_history(
        sd.make_patterns(sd.Dataset(table, tree, "planted")), output=output,
        loss=((output - target) ** 2).sum((2, 3)) / 2, time=np.asarray(time, dtype=float),
        step=np.full(len(time), np.nan), seeds=range(len(output)),
        settled=np.ones(len(output), bool), provenance={},
    )  # fmt: skip


@pytest.fixture(scope="session")
def plant():
    return plant_history


@pytest.fixture(scope="session")
def deep():
    """Two small networks that learned the eight items, hidden layers kept."""
    return sd.train(
        sd.DeepLinear(16), sd.load("rumelhart8"), seeds=2, hidden=True, record=120, progress=False
    )


@pytest.fixture(scope="session")
def rsa():
    """rsatoolbox, an independent implementation of representational similarity analysis."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns when it is imported
        import rsatoolbox
    return rsatoolbox
