"""Worlds without structure, shaped like a given one: what a claim about structure must not find."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from semdev._names import require
from semdev.data.dataset import Dataset

FLIP = 0.15  # how often an item of a flat tree departs from what all items share

NULL_WORLDS = {
    "shuffled properties": "each property keeps its values and deals them out to other items",
    "flat tree": "all items hang from one root: what they share, all share, but for chance",
    "white noise": "every cell on its own: high or low at even odds, or Gaussian where graded",
    "names alone": "names (relation ISA…) stay as they are, all else is shuffled as above",
}
STREAMS = {"flat tree": 0, "shuffled properties": 1, "white noise": 2, "names alone": 3}


def make_null_world(data: Dataset, kind: str, *, random_state: int = 0) -> Dataset:
    """Make a world of the same items, properties and coding in which classes mean nothing.

    It keeps the tree of `data`, which then has nothing to do with the properties; so that whatever
    a measure finds of its classes is found in noise. In "names alone" names keep their bearers, and
    with them their levels and how often they are met; but those who bear a name have nothing else
    in common, so that no level of names is better founded than another: a world for claims about
    names, which the other kinds leave without any. Classes of the tree do mean something there,
    as far as names tell of them.

    Parameters
    ----------
    data : Dataset
        The world to be shaped like.
    kind : "shuffled properties", "flat tree", "white noise" or "names alone"
        What is left of it (see `NULL_WORLDS`).
    random_state : int
        Fixes the draw.

    Raises
    ------
    KeyError
        No such kind; the nearest match is suggested.
    ValueError
        Names alone, of data in which every property is a name, or none.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("rumelhart8")
    >>> null = make_null_world(world, "shuffled properties")
    >>> bool((null.properties.sum("item") == world.properties.sum("item")).all())
    True
    """
    require(kind, NULL_WORLDS, kind="null world", where="make_null_world")
    table = data.properties
    random = np.random.default_rng([random_state, STREAMS[kind], 7])
    values = table.values
    low, high = values.min(), values.max()
    if kind == "shuffled properties":
        drawn = random.permuted(values, axis=0)
    elif kind == "names alone":
        drawn = _keep_names(data, random)
    elif data.coding == "graded":
        drawn = random.normal(values.mean(), values.std(), size=values.shape)
        if kind == "flat tree":
            shared = random.normal(values.mean(), values.std(), size=values.shape[1])
            drawn = (1 - 2 * FLIP) * shared + 2 * FLIP * drawn
    else:
        chance = np.full(values.shape[1], 0.5)
        if kind == "flat tree":
            chance = np.where(random.random(values.shape[1]) < 0.5, FLIP, 1 - FLIP)
        drawn = np.where(random.random(values.shape) < chance, high, low)
    return replace(data, properties=table.copy(data=drawn), name=f"{data.name}, {kind}")


def _keep_names(data: Dataset, random: np.random.Generator) -> np.ndarray:
    """Return the values with all that is no name dealt out to other items, property by property."""
    relations = data.properties["relation"].values.astype(str)
    is_name = np.char.startswith(np.char.lower(relations), "isa")
    if is_name.all() or not is_name.any():
        few = "every property is a name" if is_name.all() else "no property is a name"
        raise ValueError(
            f"names alone: {few} (of a relation ISA…) in {data.name}, so that there is nothing to "
            "keep or nothing to shuffle"
        )
    drawn = data.properties.values.copy()
    drawn[:, ~is_name] = random.permuted(drawn[:, ~is_name], axis=0)
    return drawn
