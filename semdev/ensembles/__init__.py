"""Networks of one shape, one for each seed, stacked so that one pass serves them all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from semdev.data.patterns import Patterns
from semdev.ensembles.base import LOSSES, Ensemble
from semdev.ensembles.chain import Chain
from semdev.ensembles.modules import Apart, Batch, Loop
from semdev.learning_rules import Backpropagation, get_rule

__all__ = ["LOSSES", "Apart", "Batch", "Chain", "Ensemble", "Loop", "make_ensemble"]


def make_ensemble(
    nets: list[nn.Module],
    patterns: Patterns,
    dtype: torch.dtype,
    device: torch.device,
    batched: bool,
    rule: Any = "backpropagation",
    seeds: Sequence[int] = (),
    loss: str = "squared error",
    momentum: float = 0.0,
) -> Ensemble:
    """Return the fastest ensemble that fits: a chain, any batched module, or one by one."""
    nets = [net.to(device=device, dtype=dtype) for net in nets]
    _check_precision(nets[0], patterns, dtype, device)
    asked = get_rule(rule)
    if type(asked) is Backpropagation:
        return _stack(nets, patterns, batched, loss, momentum)
    if not batched:
        each = zip(nets, seeds, strict=True)
        return Apart(
            [make_ensemble([n], patterns, dtype, device, True, rule, [s]) for n, s in each]
        )
    if not asked.knows_any and not Chain.fits(nets[0]):
        raise ValueError(
            f"the rule {asked} changes layers: it is for nn.Linear layers in sequence, all of them "
            "trainable, with elementwise activations between (DeepLinear, Shallow, MLP); rules for "
            "any network: backpropagation, finite differences, weight perturbation"
        )
    ensemble = _stack(nets, patterns, batched, loss, momentum)
    ensemble.adopt(asked, seeds)
    return ensemble


def _check_precision(
    net: nn.Module, patterns: Patterns, dtype: torch.dtype, device: torch.device
) -> None:
    """Say so if a network holds something of another precision, or on another device."""
    try:
        with torch.no_grad():
            net(torch.tensor(patterns.inputs[:2], dtype=dtype, device=device))
    except Exception as error:
        raise ValueError(
            f"{type(net).__name__} does not compute in {dtype} on {device}: {error}. Make tensors "
            'that it holds buffers (register_buffer), or try dtype="float32"'
        ) from error


def _stack(
    nets: list[nn.Module], patterns: Patterns, batched: bool, loss: str, momentum: float
) -> Ensemble:
    if not batched:
        return Loop(nets, patterns, loss, momentum)
    if Chain.fits(nets[0], loss):
        return Chain(nets, patterns, loss, momentum)
    ensemble = Batch(nets, patterns, loss, momentum)
    try:
        with torch.no_grad():
            ensemble.answer()
    except Exception as error:
        reason = str(error).splitlines()[0]
        warnings.warn(
            f"networks are trained one after the other: they cannot be batched ({reason})",
            stacklevel=4,
        )
        return Loop(nets, patterns, loss, momentum)
    return ensemble
