"""What measures of damaged networks share: checks, who has what, domains, levels of facts."""

from __future__ import annotations

from numbers import Real

import numpy as np
import xarray as xr

DIMS = ("seed", "severity", "draw", "item", "property")
LEVELS = ("general", "basic", "specific")


def check_damaged(damaged: xr.Dataset) -> xr.Dataset:
    """Return `damaged` unchanged if it is what `damage` returns, else say what it is not."""
    if not isinstance(damaged, xr.Dataset):
        raise TypeError(
            f"damaged networks (a Dataset made by semdev.damage) are needed, got "
            f"{type(damaged).__name__}"
        )
    lost = [dim for dim in DIMS if "output" not in damaged or dim not in damaged["output"].dims]
    if lost or "target" not in damaged:
        raise ValueError(
            f"these are no damaged networks: there is no {', '.join(lost or ['target'])}; make "
            "them with semdev.damage(history, model, data), and keep a dimension with "
            "isel(draw=[0])"
        )
    if damaged["severity"].values[0] != 0:
        raise ValueError(
            "severity 0, the healthy network, is missing: what is lost is measured from there"
        )
    return damaged


def require_classes(damaged: xr.Dataset) -> np.ndarray:
    """Return each item's classes, item × level, or say how to give a tree."""
    if "ancestor" not in damaged.coords:
        raise ValueError(
            "which answers are near ones a tree over the items says, and there is none: "
            "semdev.with_tree(damaged, tree), with tree = semdev.trees.from_nested({…}), or "
            'from_clustering(data.properties.values, data.properties["item"].values)'
        )
    return damaged["ancestor"].values.astype(str)


def find_domains(damaged: xr.Dataset) -> np.ndarray:
    """Return which items are of one domain, item × item: the first classes that are not the whole.

    >>> ancestor = [["thing", "plant", "pine"], ["thing", "animal", "dog"]]
    >>> tree = xr.Dataset(coords={"ancestor": (("item", "level"), ancestor)})
    >>> find_domains(tree).astype(int)
    array([[1, 0],
           [0, 1]])
    """
    for column in require_classes(damaged).T:
        if len(set(column.tolist())) > 1:
            return column[:, None] == column
    raise ValueError("the tree has one class alone, and so no domains")


def find_facts(damaged: xr.Dataset) -> np.ndarray:
    """Return which item has which property: its target is in the upper half."""
    target = damaged["target"].transpose("item", "property").values
    return target > (target.min() + target.max()) / 2


def find_widest(damaged: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return how wide the class is most of whose members have a property.

    Returns
    -------
    array of int, item × property
        Of the widest class around the item of which more than half have the property: 0 for
        general (a domain or wider), 1 for basic, 2 for specific (the item alone), −1 if none.
    array of bool, item × property
        Whether there is such a class, of two items or more, within the item's domain.
    """
    bears = find_facts(damaged)
    domain = find_domains(damaged)
    widest = np.full(bears.shape, -1)
    usual = np.zeros(bears.shape, dtype=bool)
    for column in require_classes(damaged).T[::-1]:  # narrow to wide: the widest class overwrites
        same = column[:, None] == column
        most = (same @ bears.astype(float)) / same.sum(1, keepdims=True) > 0.5
        alone = same.sum(1) == 1
        rank = np.where(alone, 2, np.where((same | ~domain).all(1), 0, 1))
        widest = np.where(most, rank[:, None], widest)
        within = ~alone & (domain | ~same).all(1)
        usual |= most & within[:, None]
    return widest, usual


def find_fact_levels(damaged: xr.Dataset) -> np.ndarray:
    """Return how general each property is (see `retention`), "" where it tells no items apart."""
    bears = find_facts(damaged)
    widest = find_widest(damaged)[0]
    counts = np.array([(bears & (widest == k)).sum(0) for k in range(len(LEVELS))])
    level = np.array(LEVELS, dtype=object)[counts.argmax(0)]
    for k, relation in enumerate(damaged["relation"].values.astype(str).tolist()):
        own = relation.casefold().removeprefix("isa").strip("_- ")
        if relation.casefold().startswith("isa") and own in LEVELS:
            level[k] = own
    level[bears.all(0) | ~bears.any(0)] = ""
    if not (level != "").any():
        raise ValueError("no property tells any items apart: there is nothing to be lost")
    return level.astype(str)


def follows_theory(damaged: xr.Dataset) -> bool:
    """Return whether closed forms apply: linear networks, one-hot items, nothing left out.

    Linear networks without biases and with balanced weights, all items and all properties.
    """
    return bool(
        damaged.get("linear", False)
        and np.all(damaged.get("one_hot", False))
        and not np.any(damaged.get("biased", True))
        and "depth" in damaged
        and np.all(damaged.get("balanced", False))
        and damaged["output"].sizes["item"] == int(damaged.get("items", -1))
        and damaged["output"].sizes["property"] == int(damaged.get("properties", -1))
        and str(damaged["layer"].values).startswith("hidden_")
    )


def read_criterion(damaged: xr.Dataset, criterion: float) -> float:
    """Return the criterion in units of the coding."""
    if not (isinstance(criterion, Real) and 0 < float(criterion) < 1):
        raise ValueError(
            "criterion is a share of the way from the lowest target to the highest, between 0 and "
            f"1; got {criterion!r}"
        )
    low, high = float(damaged["target"].min()), float(damaged["target"].max())
    return low + float(criterion) * (high - low)


def as_history(damaged: xr.Dataset) -> xr.Dataset:
    """Return the first draw as a History of which severity is the time."""
    first = damaged[["output", "target"]].isel(draw=0, drop=True).rename(severity="time")
    first = first.transpose("seed", "time", "item", "property", ...)
    still = np.zeros((first.sizes["seed"], first.sizes["time"]))
    return first.assign(loss=(("seed", "time"), still)).assign_coords(
        step=("time", np.arange(still.shape[1]))
    )
