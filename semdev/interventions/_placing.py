"""Placing new items: their input weights alone practise what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import nn

from semdev._names import require
from semdev.building import Model, show
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns
from semdev.interventions._entries import Entry, NewItems, ask_net, sending
from semdev.interventions._layout import Layout, read_layout, translate_targets
from semdev.interventions._practice import (
    SHARE,
    find_gains,
    practise,
    select_ages,
    train_given,
)
from semdev.models.rumelhart import Noise
from semdev.rebuilding import rebuild

STARTS = ("mean", "zero")
CAUTION = 2.0  # new weights begin by smaller steps than the steepest place known allows


@dataclass(frozen=True)
class Placed:
    """New items in networks of given seeds and ages.

    Attributes
    ----------
    then : xr.Dataset
        The History at these ages.
    answer : array, seed × time × practice × new item × property
    layer : array, seed × time × practice × new item × context × unit
        The layer after the entry.
    known_layer : array, seed × time × item × context × unit
        The same for the items that the network has met.
    in_context : bool
        Whether that layer differs with the relation asked about; else there is but one context.
    steps : array, practice
    rate : array, seed × time × new item
    goal : array, new item × property
        What was taught, 0 where nothing was.
    """

    then: xr.Dataset
    answer: np.ndarray
    layer: np.ndarray
    known_layer: np.ndarray
    in_context: bool
    steps: np.ndarray
    rate: np.ndarray
    goal: np.ndarray


def place(
    history: xr.Dataset,
    model: Model,
    data: Dataset | Patterns,
    known: np.ndarray,
    *,
    at: float | Sequence[float] | None,
    start: str,
    learning_rate: float | None,
    steps: int,
    record: int | Sequence[int],
    loss: str,
    progress: bool | None,
) -> Placed:
    """Teach what is known (new item × property, NaN where nothing is) to new input units alone."""
    require(start, STARTS, kind="start", where="place_item")
    patterns = show(model, data)
    layout = read_layout(patterns)
    then = select_ages(history, at)
    nets = _rebuild_all(history, model, data, then)
    entry = Entry(nets, patterns)
    lesson = _make_lesson(patterns, layout, known)
    shape = (len(nets), len(known), entry.sent.shape[-1])
    mean = entry.sent.mean(1, keepdims=True) if start == "mean" else np.zeros((len(nets), 1, 1))
    begun = np.broadcast_to(mean, shape)
    slopes = np.stack([
        _measure_slopes(net, entry, layout, lesson, np.concatenate([mine[:1], sent]))
        for net, mine, sent in zip(nets, begun, entry.sent, strict=True)
    ])  # fmt: skip
    gain = find_gains(slopes[..., None, None], learning_rate, "the known properties have slopes of")
    rate = learning_rate
    if rate is None:
        rate, gain = SHARE * gain.max() ** 2 / CAUTION, gain / gain.max()
    made = [
        NewItems(net, entry.name, layout.codes, where, each)
        for net, where, each in zip(nets, begun, gain, strict=True)
    ]
    deep = sum(isinstance(part, nn.Linear) for part in nets[0].modules()) > 1
    done, rates = practise(made, lesson, gain, rate, steps, record, loss=loss, hidden=deep,
                           progress=progress)  # fmt: skip
    met = [
        NewItems(net, entry.name, layout.codes, sent, np.ones(len(sent)))
        for net, sent in zip(nets, entry.sent, strict=True)
    ]
    before = train_given(
        met, _make_lesson(patterns, layout, patterns.data.properties.values),
        learning_rate=1e-12, steps=1, record=[0], hidden=deep, progress=False,
    )  # fmt: skip
    layer, known_layer = (_read_layer(each) for each in (done, before))
    outer = then["output"].shape[:2]
    return Placed(
        then=then,
        answer=done["output"].values.reshape(*outer, *done["output"].shape[1:]),
        layer=layer.reshape(*outer, *layer.shape[1:]),
        known_layer=known_layer[:, 0].reshape(*outer, *known_layer.shape[2:]),
        in_context=layer.shape[-2] > 1,
        steps=done["step"].values,
        rate=rates.reshape(*outer, -1),
        goal=lesson.data.properties.values,
    )


def measure_distance(layer: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return Euclidean distances over units, their squares averaged over contexts."""
    return np.sqrt(((layer - other) ** 2).sum(-1).mean(-1))


def _read_layer(done: xr.Dataset) -> np.ndarray:
    """Return the layer after the entry, network × practice × item × context × unit."""
    layer = done["hidden_1"] if "hidden_1" in done else done["output"]
    if "context" not in layer.dims:
        layer = layer.expand_dims(context=1)
    unit = next(d for d in layer.dims if d not in ("seed", "time", "item", "context"))
    return layer.transpose("seed", "time", "item", "context", unit).values


def _make_lesson(patterns: Patterns, layout: Layout, known: np.ndarray) -> Patterns:
    """Return patterns of new items in all contexts, in which only what is known is taught."""
    count, n_properties = len(layout.contexts), known.shape[1]
    table = patterns.data.properties
    taught = np.where(np.isnan(known), 0.0, translate_targets(patterns, known))
    own = layout.context_of == np.arange(count)[:, None]  # context × property
    mask = (own & ~np.isnan(known)[:, None]).reshape(-1, n_properties).astype(float)
    lesson = xr.DataArray(
        taught, dims=("item", "property"),
        coords={"item": [f"new item {k}" for k in range(1, len(known) + 1)],
                "property": table["property"].values,
                "relation": ("property", table["relation"].values)},
    )  # fmt: skip
    inputs = np.concatenate(
        [np.repeat(np.eye(len(known)), count, 0), np.tile(layout.contexts, (len(known), 1))], axis=1
    )
    return Patterns(
        Dataset(lesson, name="a lesson"), inputs, np.repeat(taught, count, 0), mask,
        np.ones(len(inputs)), np.arange(len(known))[:, None] * count + layout.context_of,
        np.tile(layout.relations, len(known)),
    )  # fmt: skip


def _measure_slopes(
    net: nn.Module, entry: Entry, layout: Layout, lesson: Patterns, points: np.ndarray
) -> np.ndarray:
    """Return for each new item how steep its known properties can be, at the start and at items.

    The largest singular value of the slopes of the known properties by the new weights, at the
    steepest of these points.
    """
    contexts = torch.tensor(layout.contexts)
    blank = torch.cat([torch.zeros(len(contexts), layout.codes, dtype=torch.float64), contexts], 1)

    def answer(sent: torch.Tensor) -> torch.Tensor:
        with sending(net, entry.name, sent.expand(len(blank), -1)):
            return ask_net(net, blank)

    slopes = torch.func.vmap(torch.func.jacrev(answer))(torch.tensor(points))
    mask = lesson.mask.reshape(len(lesson.asked), -1)  # new item × cell (context × property)
    cells = mask.any(0)
    jacobian = slopes.flatten(1, 2).numpy()[:, cells]  # point × cell × unit
    each = jacobian[..., :, None] * jacobian[..., None, :]
    squares = np.tensordot(mask[:, cells], each, (1, 1))
    return np.sqrt(np.linalg.eigvalsh(squares)[..., -1].max(1).clip(0))


def _rebuild_all(
    history: xr.Dataset, model: Model, data: Dataset | Patterns, ages: xr.Dataset
) -> list[nn.Module]:
    """Return the networks of all seeds and ages, seed by seed, without noise."""
    by_age = [rebuild(history, model, data, at=float(age)) for age in ages["time"].values]
    for net in (net for nets in by_age for net in nets):
        for part in net.modules():
            if isinstance(part, Noise):
                part.scale = 0.0
    return [nets[seed] for seed in range(ages.sizes["seed"]) for nets in by_age]
