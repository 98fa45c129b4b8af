"""Layers: what a module answers, what its linear layers are given, and which units are its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def read_answer(answer: Any) -> Any:
    """Return a network's answer; of several things, as course code returns, the first."""
    return answer[0] if isinstance(answer, (tuple, list)) and answer else answer


def watch_linears(
    net: nn.Module, state: Mapping[str, torch.Tensor], inputs: torch.Tensor
) -> list[tuple[str, torch.Tensor]]:
    """Return which nn.Linear a network uses with these parameters, in order, and what each gets."""
    used: list[tuple[str, torch.Tensor]] = []
    hooks = [
        part.register_forward_pre_hook(lambda _, args, name=name: used.append((name, args[0])))
        for name, part in net.named_modules()
        if isinstance(part, nn.Linear)
    ]
    try:
        functional_call(net, dict(state), (inputs,))
    finally:
        for hook in hooks:
            hook.remove()
    return used


class _Tally(TorchDispatchMode):
    """Counts the numbers that operations compute; views cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {x.untyped_storage().data_ptr() for x in tree_leaves(args) if torch.is_tensor(x)}
        self.count += sum(
            x.numel() for x in tree_leaves(result)
            if torch.is_tensor(x) and x.untyped_storage().data_ptr() not in given
        )  # fmt: skip
        return result


@torch.no_grad()
def count_computed(net: nn.Module, inputs: torch.Tensor) -> int:
    """Return how many numbers a network computes on the way from inputs to answers, all told."""
    with _Tally() as tally:
        net(inputs)
    return tally.count


@torch.no_grad()
def find_own_units(
    net: nn.Module, inputs: torch.Tensor, relations: np.ndarray | None = None
) -> list[np.ndarray]:
    """Return for each nn.Linear that is used which of its inputs are units that stand for items.

    None, if what it is given does not hang on the weights; else all that are no copy of an input
    (as of a relation that joins a representation), less those that know of the relation alone:
    the same for all patterns of a relation. A few draws of all parameters tell.
    """
    drawn = [[given for _, given in watch_linears(net, s, inputs)] for s in _draw_states(net)]
    own = []
    for each in zip(*drawn, strict=True):
        copied = [(one[:, :, None] == inputs[:, None, :]).all(0).any(-1) for one in each]
        free = ~torch.stack(copied).all(0) & any(bool((each[0] != one).any()) for one in each)
        own.append(torch.nonzero(free & ~_know_relations_alone(each, relations)).flatten())
    return [units.cpu().numpy() for units in own]


@torch.no_grad()
def find_feeder(
    net: nn.Module,
    inputs: torch.Tensor,
    relations: np.ndarray,
    call: int,
    own: np.ndarray,
) -> str | None:
    """Return the nn.Linear that feeds these units of the input of the one used at `call`.

    It is the last of those used before whose answer the units hang on and that is itself given
    something about the item.
    """
    state = next(_draw_states(net))
    plain = watch_linears(net, state, inputs)
    for before in range(call - 1, -1, -1):
        name, given = plain[before]
        if bool(_know_relations_alone([given], relations).all()):
            continue
        nth = [used for used, _ in plain[:before]].count(name)
        hook = net.get_submodule(name).register_forward_hook(_Shift(nth))
        try:
            moved = watch_linears(net, state, inputs)[call][1]
        finally:
            hook.remove()
        if not torch.equal(moved[..., own], plain[call][1][..., own]):
            return name
    return None


class _Shift:
    """A hook that adds 1 to what a part answers when it is used for the n-th time (from 0)."""

    def __init__(self, nth: int) -> None:
        self.nth = nth
        self.uses = 0

    def __call__(self, part: nn.Module, given: object, out: torch.Tensor) -> torch.Tensor:
        self.uses += 1
        return out + 1.0 if self.uses == self.nth + 1 else out


def _draw_states(net: nn.Module) -> Iterator[dict[str, torch.Tensor]]:
    """Yield draws of all parameters, always the same."""
    random = np.random.default_rng(0)
    for _ in range(4):
        yield {
            name: torch.tensor(random.standard_normal(p.shape), dtype=p.dtype, device=p.device)
            for name, p in net.named_parameters()
        }


def _know_relations_alone(
    layers: Sequence[torch.Tensor], relations: np.ndarray | None
) -> torch.Tensor:
    """Return which units differ between relations and never between patterns of one relation.

    None, where there is a single item, or a single relation.
    """
    device = layers[0].device
    names = set() if relations is None else set(relations.tolist())
    several = relations is not None and len(relations) > len(names) > 1  # items, and relations
    same = torch.full(layers[0].shape[-1:], several, device=device)
    differ = torch.zeros_like(same)
    for layer in layers:
        close = 1e-6 * layer.abs().amax(0)
        differ |= (layer - layer[:1]).abs().amax(0) > close
        for name in names:
            of_one = layer[torch.as_tensor(relations == name, device=device)]
            same &= (of_one - of_one[:1]).abs().amax(0) <= close
    return same & differ
