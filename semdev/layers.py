"""Layers: what a module answers, what its linear layers are given, and which units are its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call


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


@torch.no_grad()
def find_own_units(net: nn.Module, inputs: torch.Tensor) -> list[np.ndarray]:
    """Return for each nn.Linear that is used which of its inputs are units of the network itself.

    None, if what it is given does not hang on the weights; else all that are no copy of an input
    (as of a relation that joins a representation). Two draws of all parameters tell.
    """
    random = np.random.default_rng(0)
    twice = []
    for _ in range(2):
        state = {
            name: torch.tensor(random.standard_normal(p.shape), dtype=p.dtype, device=p.device)
            for name, p in net.named_parameters()
        }
        twice.append([given for _, given in watch_linears(net, state, inputs)])
    own = []
    for pair in zip(*twice, strict=True):
        copied = [(one[:, :, None] == inputs[:, None, :]).all(0).any(-1) for one in pair]
        free = ~torch.stack(copied).all(0) & (pair[0] != pair[1]).any()
        own.append(torch.nonzero(free).flatten().cpu().numpy())
    return own
