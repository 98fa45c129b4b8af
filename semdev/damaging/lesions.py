"""Lesions: where a network can be damaged, what a patient loses, and what he answers then."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from semdev._names import require
from semdev.data.patterns import Patterns
from semdev.layers import find_feeder, find_own_units, read_answer, watch_linears

AT_ONCE = 512  # damaged networks in one pass
KEPT, ADDED, NOISE = "kept ", "added ", "noise"
Lesion = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Place:
    """A hidden layer: what feeds it, where it goes, and which units there are its own.

    `below` and `above` are names of nn.Linear parts; `call` counts uses of such parts; `own` are
    the layer's units among the inputs of `above`, `width` of them in all.
    """

    name: str
    below: str
    above: str
    call: int
    own: np.ndarray
    width: int


def find_layer(
    net: nn.Module, patterns: Patterns, name: str | None, kind: str, called: str
) -> Place:
    """Return the layer of that name, as a History counts them."""
    inputs = torch.tensor(patterns.inputs)
    uses = watch_linears(net, dict(net.named_parameters()), inputs)
    found: list[Place] = []
    layers = 0
    for call, own in enumerate(find_own_units(net, inputs, patterns.relations)):
        if len(own):
            layers += 1
            above, given = uses[call]
            below = find_feeder(net, inputs, patterns.relations, call, own)
            found.append(Place(f"hidden_{layers}", below or "", above, call, own, given.shape[-1]))
    if not uses:
        raise ValueError(f"{called} has no nn.Linear: there is no layer to damage")
    if not found:
        if kind in ("noise", "units") or name is not None:
            raise ValueError(
                f'{called} has no hidden layer; kind="weights" or "weight noise" damages weights'
            )
        return Place("weights", uses[0][0], "", 0, np.arange(0), 0)
    if name is not None:
        require(name, [place.name for place in found], kind="layer", where=called)
    place = next(place for place in found if name in (None, place.name))
    if not place.below and kind in ("weights", "weight noise"):
        raise ValueError(
            f"no nn.Linear of {called} leads into {place.name}: its units, or their activity, can "
            'be damaged (kind="units" or "noise")'
        )
    return place


def _name_weights(place: Place, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Return the weights into and out of a layer, each with a mask of those that are its own."""
    weights: dict[str, Any] = {f"{place.below}.weight".lstrip("."): slice(None)}
    if place.above:
        weights[f"{place.above}.weight".lstrip(".")] = place.own
    masks = {}
    for name, columns in weights.items():
        masks[name] = np.zeros(shapes[name], dtype=bool)
        masks[name][:, columns] = True
    return masks


def count_lost(
    kind: str, place: Place, shapes: Mapping[str, tuple[int, ...]], level: float
) -> tuple[int, float]:
    """Return how many units or weights are lost, and the share of paths through what is left."""
    if kind == "units":
        lost = count_share(level, len(place.own))
        return lost, 1 - lost / len(place.own)
    if kind == "weights":
        total = [int(mask.sum()) for mask in _name_weights(place, shapes).values()]
        gone = [count_share(level, n) for n in total]
        return sum(gone), float(np.prod([1 - k / n for k, n in zip(gone, total, strict=True)]))
    return 0, 1.0


def count_share(share: float, total: int) -> int:
    """Return how many of a total come nearest to a share, halves rounded up.

    >>> count_share(0.25, 10), count_share(0.1, 8)
    (3, 1)
    """
    return int(share * total + 0.5 + 1e-9)


def draw_patient(
    random: np.random.Generator,
    kind: str,
    levels: np.ndarray,
    place: Place,
    shapes: Mapping[str, tuple[int, ...]],
    patterns: Patterns,
) -> Lesion:
    """Draw one patient: what is kept of weights and added to them or to activity, by severity."""
    if kind == "noise":
        normal = np.zeros((len(patterns.asked), place.width))
        normal[:, place.own] = random.standard_normal((len(normal), len(place.own)))
        each = normal[_find_items(patterns)]
        return {NOISE: torch.tensor(levels[:, None, None] * each)}
    if kind == "weight noise":
        name = f"{place.below}.weight".lstrip(".")
        normal = random.standard_normal(shapes[name])
        return {ADDED + name: torch.tensor(levels[:, None, None] * normal)}
    if kind == "units":
        name = f"{place.above}.weight".lstrip(".")
        rank = np.full(shapes[name][1], np.inf)
        rank[place.own] = random.permutation(len(place.own))
        gone = np.array([rank < count_share(level, len(place.own)) for level in levels])
        kept = np.broadcast_to(~gone[:, None, :], (len(levels), *shapes[name]))
        return {KEPT + name: torch.tensor(kept.astype(float))}
    lesion = {}
    for name, mask in _name_weights(place, shapes).items():
        rank = np.full(shapes[name], np.inf)
        rank[mask] = random.permutation(int(mask.sum()))
        gone = np.array([rank < count_share(level, int(mask.sum())) for level in levels])
        lesion[KEPT + name] = torch.tensor((~gone).astype(float))
    return lesion


def _find_items(patterns: Patterns) -> np.ndarray:
    """Return which item each pattern is about (of one that is never asked for: the first)."""
    items = np.zeros(len(patterns.inputs), dtype=int)
    items[patterns.asked] = np.arange(len(patterns.asked))[:, None]
    return items


@torch.no_grad()
def ask(net: nn.Module, lesions: Sequence[Lesion], place: Place, patterns: Patterns) -> np.ndarray:
    """Return what a network's patients answer, severity × draw × item × property."""
    inputs = torch.tensor(patterns.inputs)
    own = dict(net.named_parameters())

    def answer(lesion: Lesion) -> torch.Tensor:
        use = itertools.count()

        def disturb(_: nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            return (args[0] + lesion[NOISE],) if next(use) == place.call else args

        linears = [part for part in net.modules() if isinstance(part, nn.Linear)]
        hooks = [part.register_forward_pre_hook(disturb) for part in linears if NOISE in lesion]
        try:
            given = functional_call(net, _apply(own, lesion), (inputs,))
        finally:
            for hook in hooks:
                hook.remove()
        return read_answer(given)

    stacked = {k: torch.stack([lesion[k] for lesion in lesions], dim=1) for k in lesions[0]}
    shape = next(iter(stacked.values())).shape[:2]
    flat = {k: values.flatten(0, 1) for k, values in stacked.items()}
    try:
        answers = torch.vmap(answer, chunk_size=AT_ONCE)(flat)
    except (RuntimeError, ValueError):  # a module that cannot be batched
        count = shape[0] * shape[1]
        answers = torch.stack([answer({k: v[n] for k, v in flat.items()}) for n in range(count)])
    return patterns.read_back(answers.unflatten(0, shape).numpy())


def _apply(state: Mapping[str, torch.Tensor], lesion: Lesion) -> Lesion:
    """Return parameters with what is lost at 0 and what is added on top."""
    damaged = dict(state)
    for key, values in lesion.items():
        kind, _, name = key.partition(" ")
        if name:
            damaged[name] = damaged[name] * values if kind == "kept" else damaged[name] + values
    return damaged
