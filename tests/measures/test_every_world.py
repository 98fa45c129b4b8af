"""Every measure works on a corpus, on a table from a CSV and on a world of ±1 properties."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import semdev as sd
from semdev.measures import similarity

MEASURES = {
    name: getattr(sd, name) for name, home in sd._HOME.items()
    if home.startswith("semdev.measures.") and name not in ("summarize", "predict_peaks")
}  # fmt: skip
# What a measure needs besides a History.
NEEDS: dict[str, dict] = {}
OF_A_DATASET: set[str] = set()


@pytest.fixture(scope="module", params=["rogers2004", "csv", "±1"])
def world(request: pytest.FixtureRequest, tmp_path_factory) -> sd.Dataset:
    if request.param == "rogers2004":
        return sd.load("rogers2004")
    if request.param == "±1":
        return sd.branching_diffusion([2, 3], properties=60, seed=4)
    path = tmp_path_factory.mktemp("tables") / "mine.csv"
    sd.load("rumelhart8").to_csv(path)
    read = sd.Dataset.from_csv(path)
    table = read.properties
    tree = sd.trees.from_clustering(table.values, table["item"].values)
    return read.with_tree(tree)


@pytest.fixture(scope="module")
def history(world: sd.Dataset) -> xr.Dataset:
    model = sd.DeepLinear(hidden=world.properties.sizes["item"] + 4)
    return sd.train(
        model, world, seeds=[2, 5], hidden=True, keep_weights=True, record=80, progress=False
    )


@pytest.mark.parametrize("name", MEASURES)
def test_measures_work_on_every_world(name: str, world: sd.Dataset, history: xr.Dataset) -> None:
    needs = {k: v(world, history) for k, v in NEEDS.get(name, {}).items()}
    positional = [needs.pop(k) for k in list(needs) if k.startswith("_")]
    result = MEASURES[name](world if name in OF_A_DATASET else history, *positional, **needs)
    assert isinstance(result, (xr.Dataset, xr.DataArray))
    every = result.to_dataset(name="value") if isinstance(result, xr.DataArray) else result
    assert every.sizes
    if name not in OF_A_DATASET:
        assert every.sizes["seed"] == 2
        assert every["seed"].values.tolist() == [2, 5]
    for label, values in every.data_vars.items():
        if values.dtype.kind == "f":
            assert np.isfinite(values.values).any(), f"{name}: {label} is never a number"


@pytest.mark.parametrize("name", MEASURES)
def test_docstrings_give_shape_unit_and_reference(name: str) -> None:
    text = inspect.getdoc(MEASURES[name]) or ""
    for part in ("Parameters\n", "Returns\n", ">>>"):
        assert part in text, f"{name} lacks {part.strip()}"
    returned = text.split("Returns\n")[1].split("Examples\n")[0]
    assert re.search(r"seed|time|item|mode|level|property|×", returned), f"{name}: which shape?"
    assert re.search(r"\b(19|20)\d\d\b", text), f"{name} names no source"


@given(seed=st.integers(0, 2**32 - 1))
def test_every_world_is_learned_the_same_in_any_order_of_items(seed: int) -> None:
    world = sd.load("saxe2019")
    order = np.random.default_rng(seed).permutation(world.properties["item"].values)
    plain, turned = (sd.solve(w, depth=2, times=30) for w in (world, world.select(items=order)))
    for measure in (sd.overgeneralizations, similarity.similarity):
        found = measure(turned).reindex_like(measure(plain))
        xr.testing.assert_allclose(found, measure(plain), atol=1e-9)
