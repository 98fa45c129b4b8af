"""Patients: trained networks, damaged as by a disease, asked everything again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from torch import nn

from semdev._names import require
from semdev.building import Model, describe_model, show
from semdev.damaging.lesions import Place, ask, count_lost, draw_patient, find_layer
from semdev.damaging.relearning import relearn_between
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns
from semdev.history import get_provenance
from semdev.models.networks import count_linear_layers
from semdev.rebuilding import rebuild

KINDS = ("noise", "weight noise", "weights", "units")
SEVERITY = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)


def damage(
    history: xr.Dataset,
    model: Model,
    data: Dataset | Patterns,
    *,
    kind: str = "noise",
    severity: Sequence[float] = SEVERITY,
    layer: str | None = None,
    draws: int = 50,
    at: float | None = None,
    seed: int = 0,
    relearn: int = 0,
    progress: bool | None = None,
) -> xr.Dataset:
    """Damage every network of a History, more and more, and ask it everything again.

    One draw is one patient: it stays the same patient while severity grows. Who loses 20 % of the
    units loses those same and others at 40 %, and noise is one pattern of standard normal numbers
    times the severity. A draw depends on `seed`, the network's seed and the draw's number alone.

    Noise on the representation is how the book and its successors model semantic dementia (Rogers
    & McClelland 2004; McClelland & Rogers 2003; Rogers et al. 2004); with `relearn` damage goes on
    while the network goes on learning, as Jarvis, Klar, Klein, Rosman & Saxe (2023) do.

    Parameters
    ----------
    history : xr.Dataset
        What `train(model, data, keep_weights=True)` returned.
    model : factory or nn.Module class
        What was trained.
    data : Dataset or Patterns
        What it was trained on.
    kind : "noise", "weight noise", "weights" or "units"
        - "noise": Gaussian noise is added to the activity of the layer's units, drawn once for each
          item and unit, and the same whatever is asked about the item;
        - "weight noise": to the weights into the layer;
        - "weights": weights into and out of the layer are set to 0;
        - "units": units of the layer fall silent: their activity is 0.
    severity : sequence of numbers
        Standard deviation of the noise, in units of the activity (of the weights), or the share
        of weights or units that is lost, 0 to 1. 0, the healthy network, is always added.
    layer : str, optional
        "hidden_1", "hidden_2", …, as in a History with `hidden=True`. Default: "hidden_1", the
        representation. What else enters the next layer, such as the relation in Rumelhart's
        network, and the weights from there are never damaged. A network without a hidden layer has
        only weights to damage.
    draws : int
        Patients made of each network. With few of them chance decides what is lost first.
    at : number, optional
        Learning time before the damage; the nearest that was recorded. Default: the last.
    seed : int
        Where draws begin; another seed gives other patients.
    relearn : int
        For "weights" and "units": after each step in severity, the network trains on for so many
        sweeps, as it was trained before, with what it has lost held at 0, is asked, and loses
        more. Noise takes nothing away for good and would simply be unlearned.
    progress : bool, optional
        Whether to show a bar while networks relearn; see `train`.

    Returns
    -------
    Dataset
        `output(seed, severity, draw, item, property)` in the units of the coding, `target(item,
        property)`, `lost(severity)`: how many weights or units (0 for noise), and `left(severity)`,
        the share of paths through the layer that are left. Coordinates as in a
        History: frequency, relation, the classes in ancestor(item, level); and `kind`, `layer`,
        `units` (in that layer), `relearned` (sweeps), `linear`, `balanced`, `items`, `properties`.
        Attributes hold provenance.

    Raises
    ------
    KeyError
        No such kind of damage, or no such layer; what there is is said.
    ValueError
        A severity that is none, no draws, a network without weights kept or without layers,
        relearning from noise.

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("rumelhart8")
    >>> child = sd.train(model, world, seeds=2, keep_weights=True, record=2)
    >>> patients = damage(child, model, world, kind="units", severity=[0.25, 0.5], draws=20)
    >>> belief = patients["output"].sel(item="canary", property="can grow")
    >>> belief.mean(["seed", "draw"]).round(1).values
    array([1. , 0.8, 0.5])
    """
    require(kind, KINDS, kind="kind of damage", where="damage")
    levels = _read_severity(severity, kind)
    draws, relearn, seed = (
        _read_count(value, name, least)
        for value, name, least in ((draws, "draws", 1), (relearn, "relearn", 0), (seed, "seed", 0))
    )
    if relearn and kind not in ("weights", "units"):
        raise ValueError(
            f'relearning goes with "weights" and "units", which stay lost; {kind!r} takes nothing '
            "away, and would simply be unlearned"
        )
    patterns = show(model, data)
    nets = rebuild(history, model, data, at=at)
    numbers = history["seed"].values.tolist()
    place = find_layer(nets[0], patterns, layer, kind, describe_model(model))
    shapes = {name: tuple(p.shape) for name, p in nets[0].named_parameters()}
    lesions = [
        [
            draw_patient(
                np.random.default_rng([seed, number, draw]), kind, levels, place, shapes, patterns
            )
            for draw in range(draws)
        ]
        for number in numbers
    ]
    if relearn:
        output = relearn_between(
            nets, lesions, levels, patterns, (history, model), seed, relearn, progress
        )
    else:
        output = np.stack(
            [ask(net, each, place, patterns) for net, each in zip(nets, lesions, strict=True)]
        )
    then = history["time"].values
    told = {
        "made_by": "semdev.damage", "kind": kind, "layer": place.name, "severity": levels.tolist(),
        "draws": draws, "seed": seed, "relearn": relearn,
        "at": float(then[-1] if at is None else then[np.abs(then - at).argmin()]),
        "network": get_provenance(history),
    }  # fmt: skip
    lost = [count_lost(kind, place, shapes, level) for level in levels]
    linear = count_linear_layers(nets[0]) is not None
    balanced = linear and all(_is_balanced(net) for net in nets)
    return _collect(history, output, levels, told, np.array(lost), place, (linear, balanced))


def _is_balanced(net: nn.Module) -> bool:
    """Return whether W_l W_lᵀ = W_{l+1}ᵀ W_{l+1} to 5 % for each two matrices in a row."""
    weights = [p for p in net.parameters() if p.ndim == 2]
    return all(
        float((below @ below.T - above.T @ above).norm()) <= 0.05 * float((below @ below.T).norm())
        for below, above in pairwise(weights)
    )


def _collect(
    history: xr.Dataset,
    output: np.ndarray,
    levels: np.ndarray,
    told: dict[str, Any],
    lost: np.ndarray,
    place: Place,
    kind_of: tuple[bool, bool],
) -> xr.Dataset:
    """Return answers with everything that measures need."""
    coords: dict[str, Any] = {
        "seed": history["seed"].values,
        "severity": levels,
        "draw": np.arange(output.shape[2]),
        "kind": told["kind"],
        "layer": place.name,
        "units": len(place.own),
        "relearned": told["relearn"],
        "linear": kind_of[0],
        "balanced": kind_of[1],
        "items": output.shape[-2],
        "properties": output.shape[-1],
    }
    for name in ("item", "frequency", "property", "relation", "level", "ancestor"):
        if name in history.coords:
            coords[name] = history[name].variable
    variables: dict[str, Any] = {
        "output": (("seed", "severity", "draw", "item", "property"), output),
        "target": history["target"].variable,
        "lost": ("severity", lost[:, 0].astype(int)),
        "left": ("severity", lost[:, 1]),
    }
    for name in ("one_hot", "biased", "depth"):
        if name in history:
            variables[name] = history[name].variable
    named = get_provenance(history)
    title = f"{named.get('model', 'a learner')} on {named.get('data', 'data')}"
    attrs = {
        "title": f"{title}, damaged by {told['kind']}",
        "provenance": json.dumps(told, ensure_ascii=False),
    }
    return xr.Dataset(variables, coords=coords, attrs=attrs)


def _read_severity(severity: Sequence[float], kind: str) -> np.ndarray:
    """Return severities in order, 0 among them."""
    given = np.atleast_1d(np.asarray(severity, dtype=float))
    most = 1.0 if kind in ("weights", "units") else np.inf
    if given.ndim != 1 or not len(given) or not ((given >= 0) & (given <= most)).all():
        what = "a share of them, 0 to 1" if most == 1 else "a standard deviation, at least 0"
        raise ValueError(f"severity of {kind!r} is {what}; got {severity!r}")
    if not np.isfinite(given).all():
        raise ValueError(f"severity of {kind!r} is a finite number; got {severity!r}")
    return np.union1d([0.0], given)


def _read_count(value: Any, name: str, least: int) -> int:
    """Return a whole number, or say that it is none."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ValueError(f"{name} is a whole number, at least {least}; got {value!r}")
    return int(value)
