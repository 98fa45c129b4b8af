"""Dementia's order of loss: what is general outlasts what is specific."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from semdev.data.dataset import Dataset
from semdev.data.null_worlds import make_null_world
from semdev.learners import Learner
from semdev.measures.crossing import first_crossing
from semdev.measures.damaged import (
    DIMS,
    LEVELS,
    find_fact_levels,
    find_facts,
    read_criterion,
)
from semdev.phenomena.base import Criterion, NotApplicableError, Phenomenon, ask_for_tree

SEVERITY = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)  # in root mean squares of the weights
DRAWS = 20  # patients of each network
AT_ONCE = 5  # networks whose patients are asked together
ENDS = (LEVELS[0], LEVELS[-1])
COMPARED = 10  # networks of the shuffled world


def damage_learner(learner: Learner, data: Dataset, seeds: Sequence[int]) -> xr.Dataset:
    """Damage networks by noise in their first weights, until half of what they knew is lost.

    So are networks that learned the same properties, each dealt out to other items: there facts
    are as frequent, and no class holds them together.

    Returns
    -------
    Dataset
        What `retention` says of a property, hits + correct rejections − 1, at the severity at which
        half of all that tells items apart is lost: `left(seed, property)`, and `left_by_chance`
        (property) in the shuffled world, the mean over networks; `known` and `known_by_chance`,
        the same before the damage. With `target`, `relation` and the classes,
        `ancestor(item, level)`.

    Raises
    ------
    NotApplicableError
        The learner is no network, or has no weights that could be damaged; nothing that tells items
        apart is general, or nothing specific.
    """
    if not learner.is_network:
        raise NotApplicableError("it is no network: there are no weights to damage")
    known, left, history = _lose_half(learner, data, seeds)
    result = xr.Dataset(
        {
            "known": (("seed", "property"), known),
            "left": (("seed", "property"), left),
            "target": history["target"].variable,
        },
        coords={
            name: history[name].variable
            for name in ("seed", "item", "property", "relation", "level", "ancestor")
        },
    )
    try:
        levels = find_fact_levels(result)
    except ValueError as error:
        raise NotApplicableError(str(error)) from None
    for level in ENDS:
        if level not in levels:
            raise NotApplicableError(f"no property that tells items apart is {level}")
    shuffled = make_null_world(data, "shuffled properties")
    known, left, _ = _lose_half(learner, shuffled, seeds[:COMPARED])
    lost = np.isfinite(left[:, 0])
    for name, values in (("known_by_chance", known), ("left_by_chance", left)):
        mean = values[lost].mean(0) if lost.any() else np.full(values.shape[1], np.nan)
        result[name] = ("property", mean)
    return result


def _lose_half(
    learner: Learner, data: Dataset, seeds: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, xr.Dataset]:
    """Return what is known of each property and what is left of it, seed × property."""
    from semdev.damaging import damage

    history = learner.learn(data, seeds=seeds, keep_weights=True)
    first = next(
        (str(name) for name in history.data_vars
         if str(name).startswith(("weights_", "parameter_")) and history[name].ndim == 4), "",
    )  # fmt: skip
    if not first:
        raise NotApplicableError("it keeps no matrix of weights that could be damaged")
    last = history.isel(time=[-1])
    size = float(np.sqrt((last[first] ** 2).mean()))
    found = []
    for start in range(0, len(seeds), AT_ONCE):
        some = last.isel(seed=slice(start, start + AT_ONCE))
        try:
            patients = damage(
                some, learner.model, data, kind="weight noise", draws=DRAWS,
                severity=[size * each for each in SEVERITY], progress=False,
            )  # fmt: skip
        except ValueError as error:
            raise NotApplicableError(str(error)) from None
        found.append(_score_properties(patients))
    curves = xr.concat(found, dim="seed")
    return *_find_left(curves), last


def _score_properties(damaged: xr.Dataset) -> xr.DataArray:
    """Return hits + correct rejections − 1 of each property; 0 if it tells no items apart.

    Over seed × severity (called time) × property.
    """
    threshold, bears = read_criterion(damaged, 0.5), find_facts(damaged)
    yes = (damaged["output"].transpose(*DIMS).values > threshold).mean(2)
    hits = (yes * bears).sum(2) / np.maximum(bears.sum(0), 1)
    false = (yes * ~bears).sum(2) / np.maximum((~bears).sum(0), 1)
    return xr.DataArray(
        np.where(bears.any(0) & ~bears.all(0), hits - false, 0.0),
        dims=("seed", "time", "property"), coords={"time": damaged["severity"].values},
    )  # fmt: skip


def _find_left(curves: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Return what was known and what is left where half of all is lost, seed × property."""
    overall = -curves.sum("property")
    half = first_crossing(overall, overall.isel(time=0, drop=True) / 2).values
    severity, values = curves["time"].values, curves.values
    left = np.full(values[:, 0].shape, np.nan)
    for seed, where in enumerate(half.tolist()):
        if np.isfinite(where):
            after = int(np.clip(np.searchsorted(severity, where), 1, len(severity) - 1))
            share = (where - severity[after - 1]) / (severity[after] - severity[after - 1])
            left[seed] = (1 - share) * values[seed, after - 1] + share * values[seed, after]
    return values[:, 0], left


def measure_gap(result: xr.Dataset) -> xr.DataArray:
    """Return how much more is left of the general than of the specific, beyond what chance does.

    Each as a share of what was known of it before the damage, where half of all is lost; levels of
    facts are those of `retention`. Off it is taken the same of the same facts in a world in which
    each is borne by as many items, dealt out anew. NaN where half is never lost, or where no fact
    of one of the two levels is there or was learned.
    """
    level_of = find_fact_levels(result)
    kept = {}
    for kind in ("", "_by_chance"):
        for level in ENDS:
            chosen = level_of == level
            known, left = (
                result[name + kind].values[..., chosen].sum(-1) for name in ("known", "left")
            )
            kept[kind, level] = np.divide(
                left, known, out=np.full(np.shape(known), np.nan), where=known > 0
            )
    gap, by_chance = (kept[kind, ENDS[0]] - kept[kind, ENDS[1]] for kind in ("", "_by_chance"))
    return xr.DataArray(gap - by_chance, dims="seed", coords={"seed": result["seed"].values})


ORDER_OF_LOSS = Phenomenon(
    name="dementia's order of loss",
    claim="Damage takes the specific before the general, beyond what is due to frequency.",
    human="Warrington (1975): three patients, the superordinate spared; Hodges, Graham & Patterson "
    "(1995): J. L., two years, broad categories spared; against it Tyler & Moss (1998)",
    experiment=damage_learner,
    measure=measure_gap,
    unit="share of what was known",
    criterion=Criterion(
        0.1, "ours", "a tenth of what was known, the margin from which an excess counts"
    ),
    asks=ask_for_tree,
    impossible_for=("shallow linear",),
)
