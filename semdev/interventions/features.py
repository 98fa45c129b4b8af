"""How much a feature matters in a domain: what else it makes a network expect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from semdev._names import require
from semdev.building import Model, show
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns
from semdev.interventions._placing import measure_distance, place
from semdev.measures.categories import Categories, read_world


def feature_weights(
    history: xr.Dataset,
    model: Model,
    data: Dataset | Patterns,
    *,
    domains: Categories = None,
    properties: Sequence[str] | None = None,
    at: float | Sequence[float] | None = None,
    start: str = "mean",
    loss: str = "squared error",
    learning_rate: float | None = None,
    steps: int = 1000,
    progress: bool | None = None,
) -> xr.Dataset:
    """Return how much each property matters in each domain, to networks of given ages.

    A new item is known to belong to a domain, by all that its members have in common and not
    everybody has. It is placed twice (`semdev.place_item`): as one that has property p besides,
    and as one that has not. The weight of p in the domain D is how far that moves what else is
    believed of it,

        weight² = mean over q of (ŷ_q | p − ŷ_q | not p)²,

    q all other properties in which members of D differ. What the data say beside it is the same of
    the members' mean values, m: predicted² = mean over q of (m_q | p − m_q | not p)², so that a
    property has weight where others covary with it. That networks come to weigh features
    domain by domain, as the features covary in it, is Rogers & McClelland's (2004) account of why
    colour matters to children for food and shape for toys (Macario 1991); this index is ours.

    Parameters
    ----------
    history : xr.Dataset
        A History with weights (`keep_weights=True`).
    model, data
        What was trained, and on what (see `semdev.rebuild`).
    domains : optional
        Names of classes of the tree or of properties (the domain is who has it), or a mapping of
        names to lists of items. Default: every class with two members or more.
    properties : sequence of str, optional
        Of which properties. Default: all.
    at, start, loss, learning_rate, steps, progress
        As for `semdev.place_item`.

    Returns
    -------
    Dataset
        `weight` (seed × time × domain × property), in units of the output, and `predicted` (domain
        × property), in those of the data; `shift`, the distance between the two representations;
        `error`, the largest that is left in what was known (both seed × time × domain × property).
        NaN where members do not differ in the property, or in no other. `agreement` (seed × time):
        the correlation of weight and predicted over all domains and properties.

    Raises
    ------
    KeyError
        An unknown domain or property; the nearest match is suggested.
    ValueError
        A domain whose members have nothing in common, or do not differ in any of the properties;
        no domains and no tree; and as for `semdev.place_item`.

    Examples
    --------
    >>> import semdev as sd
    >>> world, model = sd.load("rumelhart8"), sd.DeepLinear(hidden=16)
    >>> child = sd.train(model, world, seeds=2, keep_weights=True)
    >>> found = feature_weights(child, model, world, domains=["plant", "animal"])
    >>> found["weight"].isel(time=0).sel(property="is yellow").round(2).values
    array([[0.21, 0.25],
           [0.21, 0.25]])
    >>> found["predicted"].sel(property="is yellow").round(2).values
    array([0.58, 0.4 ])
    """
    world = read_world(show(model, data).data, domains)
    table = world.target.values
    names = world.target["property"].values.tolist()
    for name in [] if properties is None else properties:
        require(name, names, kind="property", where="the data")
    asked = np.isin(names, names if properties is None else list(properties))
    middle = (table.max(0) + table.min(0)) / 2
    has = table > middle  # item × property
    varies = np.array([has[member].any(0) & ~has[member].all(0) for member in world.member])
    shared = np.array([has[member].all(0) for member in world.member])
    chosen = np.argwhere(varies & asked & (varies.sum(1, keepdims=True) > 1))
    _check_domains(world.names, shared, varies & asked)
    known = np.full((2, len(chosen), len(names)), np.nan)
    for k, (domain, p) in enumerate(chosen):
        known[:, k, shared[domain]] = table.max(0)[shared[domain]]
        known[:, k, p] = table[:, p].max(), table[:, p].min()
    placed = place(
        history, model, data, known.reshape(-1, len(names)), at=at, start=start,
        learning_rate=learning_rate, steps=steps, record=[steps], loss=loss, progress=progress,
    )  # fmt: skip
    outer, half = placed.answer.shape[:2], len(chosen)
    answer = placed.answer[:, :, -1].reshape(*outer, 2, half, -1)
    layer = placed.layer[:, :, -1].reshape(*outer, 2, half, *placed.layer.shape[4:])
    goal = placed.goal.reshape(2, half, -1)
    off = np.where(np.isnan(known), 0.0, np.abs(answer - goal)).max(-1).max(-2)
    others = varies[chosen[:, 0]]
    others[np.arange(half), chosen[:, 1]] = False
    size = (len(world.names), len(names))
    found = {
        "weight": _root_mean_square(answer[:, :, 0] - answer[:, :, 1], others),
        "shift": measure_distance(layer[:, :, 0], layer[:, :, 1]),
        "error": off,
    }  # fmt: skip
    differences = [
        table[world.member[d] & has[:, p]].mean(0) - table[world.member[d] & ~has[:, p]].mean(0)
        for d, p in chosen
    ]
    predicted = _root_mean_square(np.array(differences), others)
    dims = ("seed", "time", "domain", "property")
    return xr.Dataset(
        {name: (dims, _scatter(values, chosen, size)) for name, values in found.items()}
        | {"predicted": (dims[2:], _scatter(predicted, chosen, size)),
           "agreement": (dims[:2], _correlate(found["weight"], predicted))},
        coords={k: placed.then[k] for k in ("seed", "time", "property")}
        | {"domain": world.names},
    )  # fmt: skip


def _check_domains(names: list[str], shared: np.ndarray, varies: np.ndarray) -> None:
    for name, common in zip(names, shared, strict=True):
        if not common.any():
            raise ValueError(
                f"members of {name!r} have nothing in common by which a new item could be "
                "known to belong to it; give other domains"
            )
    if not varies.any():
        raise ValueError(
            f"members of {', '.join(names)} do not differ in any of these properties, so that none "
            "of them can matter there"
        )


def _root_mean_square(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return np.sqrt((values**2 * chosen).sum(-1) / chosen.sum(-1))


def _scatter(values: np.ndarray, chosen: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return values (… × pair) as … × domain × property, NaN elsewhere."""
    table = np.full((*values.shape[:-1], *size), np.nan)
    table[..., chosen[:, 0], chosen[:, 1]] = values
    return table


def _correlate(weight: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation over pairs, NaN where one of the two does not vary."""
    a = weight - weight.mean(-1, keepdims=True)
    b = predicted - predicted.mean()
    size = np.sqrt((a**2).sum(-1) * (b**2).sum())
    return (a @ b) / np.where(size > 1e-12, size, np.nan)
