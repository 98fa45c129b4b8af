"""History: what happened while somebody learned, as a plain xr.Dataset.

Variables
    output(seed, time, item, property)   the belief about each cell
    target(item, property)               the truth
    loss(seed, time)                     ½ Σ frequency × (target − output)², over all that is taught
                                         (or cross-entropy, where provenance says so)
    hidden_1(seed, time, item, unit_1)…  hidden layers, where they were asked for;
    hidden_2(seed, time, context, item, unit_2) if they differ with the relation asked about:
                                         history.sel(context="can") is a History of one context
    weights_1(seed, time, unit_1, input), weights_2(seed, time, unit_2, unit_1), …,
    weights_D(seed, time, property, unit_D−1): weight matrices, where they were asked for;
    parameter_NAME(seed, time, …)        parameters that are no such matrix (biases, other networks)
    one_hot, biased                      whether items were shown one-hot, one pattern each, and
                                         whether the learner has biases: what closed forms ask
    depth                                number of weight matrices, of a chain of them
    code(item, input)                    the items' codes, where they were not one-hot
    taught(item, property)               how often each cell is taught, where that is not simply
                                         the item's frequency
    modes, rms_error_bound,              where theory follows only the strongest modes: how many,
    cell_error_bound                     and by how much outputs can be off for that
Coordinates
    seed; time (learning time: step × learning rate); step(time) (updates);
    item, frequency(item); property, relation(property);
    ancestor(item, level)                the item's class at each level of the tree, where known;
    settled(seed)                        whether learning had come to rest
Attributes
    schema (version), title, and provenance: JSON that says how it was made.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import networkx as nx
import numpy as np
import xarray as xr

from semdev._display import register
from semdev._names import require
from semdev.data import trees
from semdev.data.patterns import Patterns
from semdev.factored import split_output

SCHEMA = 1
SWEPT = "; of a sweep measure each condition's History: runs.measure(f), or take one: sel(…)"
DIMS = {
    "output": ("seed", "time", "item", "property"),
    "target": ("item", "property"),
    "loss": ("seed", "time"),
}
COORDS = {
    "seed": ("seed",),
    "time": ("time",),
    "step": ("time",),
    "item": ("item",),
    "frequency": ("item",),
    "property": ("property",),
    "relation": ("property",),
}


def make_history(
    patterns: Patterns,
    *,
    output: np.ndarray | None,
    loss: np.ndarray,
    time: np.ndarray,
    step: np.ndarray,
    seeds: Sequence[int],
    settled: np.ndarray,
    provenance: Mapping[str, Any],
    hidden: Sequence[np.ndarray] = (),
    weights: Sequence[np.ndarray] = (),
    parameters: Mapping[str, np.ndarray] | None = None,
    biased: bool = False,
    depth: int | None = None,
) -> xr.Dataset:
    """Put what a learner did into a History.

    Parameters
    ----------
    patterns : Patterns
        What was learned.
    output : array, seed × time × item × property
        Beliefs, already read back to items × properties; None where something else was kept
        instead of them.
    loss : array, seed × time
        ½ Σ frequency × (target − output)².
    time, step : arrays, time
        Learning time and number of updates.
    seeds : sequence of int
        Their numbers.
    settled : array of bool, seed
        Whether learning had come to rest.
    provenance : mapping
        What made it; versions and the data's digest are added.
    hidden : arrays, seed × time × pattern × unit
        Hidden layers from the input on.
    weights : arrays, seed × time × output × input
        Weight matrices from the input on.
    parameters : mapping of arrays, seed × time × …
        Other parameters, by name.
    biased : bool
        Whether the learner has biases.
    depth : int, optional
        Its number of weight matrices, if it is a chain of them.
    """
    data = patterns.data
    table = data.properties
    variables: dict[str, Any] = {
        "target": (DIMS["target"], table.values.copy()),
        "loss": (DIMS["loss"], loss),
    }
    if output is not None:
        variables["output"] = (DIMS["output"], output)
    taught = patterns.read_back(patterns.weights[:, None] * patterns.mask)
    often = table["frequency"].values
    if np.ptp(taught, axis=1).any() or not taught.all():
        variables["taught"] = (DIMS["target"], taught)
    else:
        often = taught[:, 0]  # observed half of the time is met half as often
    if depth is not None:
        variables["depth"] = depth
    plain = patterns.one_hot
    variables |= {"one_hot": plain, "biased": bool(biased)}
    if patterns.one_per_item and not plain:
        variables["code"] = (("item", "input"), patterns.inputs)
    for k, layer in enumerate(hidden, 1):
        variables[f"hidden_{k}"] = _place_layer(layer, patterns, f"unit_{k}")
    for name, values in (parameters or {}).items():
        own = [f"{name}_{axis}" for axis in range(values.ndim - 2)]
        variables[f"parameter_{name}"] = (("seed", "time", *own), values)
    for k, matrix in enumerate(weights, 1):
        into = "property" if k == len(weights) else f"unit_{k}"
        out_of = "input" if k == 1 else f"unit_{k - 1}"
        variables[f"weights_{k}"] = (("seed", "time", into, out_of), matrix)
    coords: dict[str, Any] = {
        "seed": np.asarray(seeds, dtype=np.int64),
        "time": np.asarray(time, dtype=float),
        "step": ("time", np.asarray(step)),
        "settled": ("seed", np.asarray(settled, dtype=bool)),
        "item": table["item"].values,
        "frequency": ("item", often),
        "property": table["property"].values,
        "relation": ("property", table["relation"].values),
    }
    if plain and weights:
        coords["input"] = table["item"].values
    if data.tree is not None:
        coords |= _class_coords(data.tree, table["item"].values)
    dims = {dim for value in variables.values() if isinstance(value, tuple) for dim in value[0]}
    if "context" in dims:
        coords["context"] = patterns.relations[: _count_contexts(patterns)]
    if "pattern" in dims:
        coords["pattern_relation"] = ("pattern", patterns.relations)
    record = {
        **provenance,
        "data": data.name,
        "coding": data.coding,
        "digest": data.digest,
        "patterns": patterns.digest,
        "seeds": [int(seed) for seed in seeds],
        "versions": {
            "python": platform.python_version(),
            **{p: _find_version(p) for p in ("numpy", "scipy", "xarray")},
        },
    }
    attrs = {
        "schema": SCHEMA,
        "title": f"{record.get('model', 'a learner')} on {data.name}",
        "provenance": json.dumps(record, ensure_ascii=False),
    }
    register()
    return check(xr.Dataset(variables, coords=coords, attrs=attrs), whole=output is not None)


def _class_coords(tree: nx.DiGraph, items: np.ndarray) -> dict[str, Any]:
    """Return the coordinates in which a tree travels: each item's class at each level."""
    classes = trees.ancestors(tree).loc[items].to_numpy().astype(str)
    return {"level": np.arange(classes.shape[1]), "ancestor": (("item", "level"), classes)}


def _count_contexts(patterns: Patterns) -> int:
    """Return the number of relations if patterns are all of items × relations, else 0."""
    n_items = len(patterns.asked)
    contexts, left = divmod(len(patterns.inputs), n_items)
    names = patterns.relations.reshape(n_items, -1) if not left else patterns.relations[None]
    first = patterns.asked // max(contexts, 1) == np.arange(n_items)[:, None]
    regular = not left and first.all() and (names == names[0]).all() and names[0, 0] != ""
    return contexts if regular else 0


def _place_layer(layer: np.ndarray, patterns: Patterns, unit: str) -> tuple[Any, np.ndarray]:
    """Return a layer (seed × time × pattern × unit) by item, and by context where it differs."""
    if patterns.one_per_item:
        return ("seed", "time", "item", unit), layer
    contexts = _count_contexts(patterns)
    if not contexts:
        return ("seed", "time", "pattern", unit), layer
    each = layer.reshape(*layer.shape[:2], -1, contexts, layer.shape[-1]).swapaxes(2, 3)
    spread = np.abs(each - each[:, :, :1]).max(initial=0.0)
    if spread <= 100 * np.finfo(each.dtype).eps * np.abs(each).max(initial=0.0):
        return ("seed", "time", "item", unit), each[:, :, 0]
    return ("seed", "time", "context", "item", unit), each


@lru_cache
def _find_version(package: str) -> str:
    return importlib.metadata.version(package)


def check(history: xr.Dataset, *, whole: bool = True) -> xr.Dataset:
    """Return `history` unchanged if it is one, else say what it lacks.

    A whole one has outputs; where something else was kept instead of them (`train(…, keep=…)`) it
    is a History all the same, to be saved and loaded.

    Raises
    ------
    TypeError
        It is no xr.Dataset.
    ValueError
        A variable, coordinate or dimension is missing, or times do not increase.
    """
    if not isinstance(history, xr.Dataset):
        raise TypeError(
            f"a History (an xarray.Dataset made by train, solve or load_history) is needed, got "
            f"{type(history).__name__}" + (SWEPT if hasattr(history, "measure") else "")
        )
    for names, found in ((DIMS, history.data_vars), (COORDS, history.coords)):
        for name, dims in names.items():
            if name not in found and name == "output" and not whole:
                continue
            if name not in found:
                remedy = "; where train(keep=…) kept something else, let it keep this too"
                raise ValueError(
                    f"this is no History: it has no {name}({', '.join(dims)}); "
                    f"it holds {sorted(map(str, history.variables))}"
                    + (remedy if name == "output" else "")
                )
            if history[name].dims != dims:
                lost = next((dim for dim in dims if dim not in history[name].dims), None)
                remedy = f"; to take one of something and keep its dimension write isel({lost}=[0])"
                raise ValueError(
                    f"this is no History: {name} has dimensions {history[name].dims}, not {dims}"
                    + (remedy if lost else SWEPT if len(history[name].dims) > len(dims) else "")
                )
    if not (np.diff(history["time"].values) > 0).all():
        raise ValueError("this is no History: its times do not increase")
    return history


def is_plain(history: xr.Dataset) -> bool:
    """Return whether closed forms apply: one-hot items, all that was taught, no biases.

    A History of some of the items or properties is not plain, for the others were learned too.

    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("saxe2019"), depth=2)
    >>> is_plain(exact), is_plain(exact.isel(property=[0, 1]))
    (True, False)
    """
    shown = bool(np.all(history.get("one_hot", True)))
    return shown and "taught" not in history and not has_biases(history) and is_whole(history)


def is_whole(history: xr.Dataset) -> bool:
    """Return whether the loss is that of these items and properties, with none left out."""
    ends = history.isel(time=[0, -1])
    often = history["taught"] if "taught" in history else history["frequency"]
    weights = often.values if often.ndim == 2 else often.values[:, None]
    loss, off = ends["loss"].values, np.zeros(ends["loss"].shape)
    for at, output in split_output(ends["output"]):
        error = ends["target"].values - output
        off[at] = np.sum(weights * error**2, axis=(2, 3)) / 2 - loss[at]
    most = max(np.abs(loss).max(initial=0.0), np.finfo(float).tiny)
    return bool(np.abs(off).max(initial=0.0) <= 1e-3 * most)


def has_biases(history: xr.Dataset) -> bool:
    """Return whether the learner has biases."""
    return bool(np.any(history.get("biased", False)))


def is_self_contained(history: xr.Dataset) -> bool:
    """Return whether outputs tell what layers hold: no biases, nothing learned is left out."""
    return not has_biases(history) and is_whole(history)


def count_layers(history: xr.Dataset) -> int:
    """Return the learner's number of weight matrices; 2 where it is not known."""
    return int(np.max(history.get("depth", 2)))


def ask(history: xr.Dataset, item: str, property: str) -> xr.DataArray:
    """Return the belief that `item` has `property`, seed × time.

    The number is on the scale of the data's coding: with 0/1, 0 is "no" and 1 is "yes".

    Raises
    ------
    KeyError
        No such item or property; the nearest match is suggested.

    Examples
    --------
    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("saxe2019"), depth=2)
    >>> belief = sd.ask(exact, "salmon", "can fly")
    >>> belief.dims
    ('seed', 'time')
    >>> float(belief.max())    # a salmon is believed to fly, for a while
    0.46
    """
    check(history)
    where = get_provenance(history).get("data", "this History")
    require(item, history["item"].values.tolist(), kind="item", where=where)
    require(property, history["property"].values.tolist(), kind="property", where=where)
    return history["output"].sel(item=item, property=property)


def get_provenance(history: xr.Dataset) -> dict[str, Any]:
    """Return how a History was made: model, data, digest, seeds, learning rate, versions.

    >>> import semdev as sd
    >>> sd.get_provenance(sd.solve(sd.load("saxe2019"), depth=2))["data"]
    'saxe2019'
    """
    return json.loads(history.attrs.get("provenance", "{}"))


def with_tree(history: xr.Dataset, tree: nx.DiGraph) -> xr.Dataset:
    """Return a History (or damaged networks) with another tree over its items.

    A tree is for measuring alone: learning knows nothing of it.

    Raises
    ------
    ValueError
        The tree lacks an item, or is none.

    Examples
    --------
    >>> import semdev as sd
    >>> bare = sd.Dataset(sd.load("saxe2019").properties)
    >>> tree = sd.trees.from_nested({"animal": ["canary", "salmon"], "plant": ["oak", "rose"]})
    >>> with_tree(sd.solve(bare, depth=2), tree)["ancestor"].sel(item="oak").values.tolist()
    ['root', 'plant', 'oak']
    """
    known = trees.ancestors(trees.check(tree)).index.tolist()
    items = history["item"].values
    for item in items.tolist():
        require(item, known, kind="item", where="this tree")
    bare = history.drop_vars(["ancestor", "level"], errors="ignore")
    return bare.assign_coords(_class_coords(tree, items))
