"""Every measure works on a corpus, on a table from a CSV and on a world of ±1 properties."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import semdev as sd
from semdev.measures import similarity

NO_MEASURES = {
    "summarize", "compare_similarities", "predict_peaks", "predict_nestedness",
    "predict_level_eigenvalues", "predict_delay", "predict_differentiation",
    "retention", "naming_errors", "property_errors", "mode_retention",
}  # fmt: skip
MEASURES = {
    name: getattr(sd, name) for name, home in sd._HOME.items()
    if home.startswith("semdev.measures.") and name not in NO_MEASURES
}  # fmt: skip
OF_A_DATASET = {"compare_spectrum", "shallow_projection", "optimal_constant"}
OF_THE_TARGET = {"typicality", "coherence", "basic_level"}  # or of a History's, which has no seeds
# Nothing is next, nothing parts, and no tree is as regular as a closed form asks for.
NAN_BY_RIGHT = {
    "next_loss",
    "split",
    "split_share",
    "departure",
    "leading_share",
    "basic_level predicted",
    "perceptual_shift crossing",
}


def first(history: xr.Dataset, kind: str) -> str:
    return str(history[kind].values[0])


def name_levels(history: xr.Dataset) -> tuple[list, dict]:
    """Return levels of names for a world that has no ISA names."""
    if np.char.startswith(history["relation"].values.astype(str), "ISA").any():
        return [], {}
    target = history["target"].values
    some = history["property"].values[(target[0] > 0) & (target < 0).any(0)]
    return [], {"levels": {"broad": some[:1], "narrow": some[1:2]}}


# What a measure needs besides a History or a Dataset: first by position, then by name.
NEEDS: dict[str, Callable[[sd.Dataset, xr.Dataset], tuple[list, dict]]] = {
    "compare_spectrum": lambda w, h: ([w.tree], {}),
    "project_property": lambda w, h: ([first(h, "item")], {}),
    "project_item": lambda w, h: ([first(h, "property")], {}),
    "nestedness": lambda w, h: ([], {"splits": 4, "permutations": 19}),
    "compare_trajectories": lambda w, h: ([h], {}),
    "naming": lambda w, h: name_levels(h),
    "overextension": lambda w, h: name_levels(h),
    "interference": lambda w, h: ([], {"item": first(h, "item")}),
    "perceptual_shift": lambda w, h: (
        [],
        {"perceptual": h["property"].values[-4:].tolist()},
    ),
    "reorganization": lambda w, h: ([], {"layer": "hidden_1"}),
    "plateaus": lambda w, h: ([], {"depth": 2, "initial": 1e-5}),
}


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
    more, options = NEEDS.get(name, lambda w, h: ([], {}))(world, history)
    result = MEASURES[name](world if name in OF_A_DATASET else history, *more, **options)
    assert isinstance(result, (xr.Dataset, xr.DataArray))
    every = result.to_dataset(name="value") if isinstance(result, xr.DataArray) else result
    assert every.sizes
    if name == "mds_trajectories":
        assert every["seed"].item() == 2
    elif name not in OF_A_DATASET | OF_THE_TARGET:
        assert every["seed"].values.tolist() == [2, 5]
    for label, values in every.data_vars.items():
        if values.dtype.kind == "f" and not {label, f"{name} {label}"} & NAN_BY_RIGHT:
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
    times = np.linspace(0, 8, 30)  # the default ones differ in their last digit
    plain, turned = (sd.solve(w, depth=2, times=times) for w in (world, world.select(items=order)))
    for measure in (sd.overgeneralizations, similarity.similarity):
        found = measure(turned).reindex_like(measure(plain))
        xr.testing.assert_allclose(found, measure(plain), atol=1e-9)
