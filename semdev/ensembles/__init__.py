"""Networks of one shape, one for each seed, stacked so that one pass serves them all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from semdev.data.patterns import Patterns
from semdev.ensembles.base import LOSSES, Ensemble
from semdev.ensembles.chain import Chain
from semdev.ensembles.descent import OPTIMIZERS, Adam, Descent, Optimizer
from semdev.ensembles.modules import Batch, Loop
from semdev.ensembles.parts import Parts, count_parts
from semdev.learning_rules import Backpropagation, get_rule
from semdev.presenting import Presentation, count_shown

__all__ = [
    "LOSSES", "OPTIMIZERS", "Batch", "Chain", "Ensemble", "Learning", "Loop", "Parts",
    "make_ensemble",
]  # fmt: skip


@dataclass(frozen=True)
class Learning:
    """How networks learn: what `train` was asked for."""

    rate: float
    rule: Any = "backpropagation"
    presentation: str = "full batch"
    batch_size: int = 1
    loss: str = "squared error"
    optimizer: str = "sgd"
    momentum: float = 0.0
    weight_decay: float = 0.0
    rate_from: str = "given"

    @property
    def is_plain(self) -> bool:
        """Whether weights descend the loss itself, so that theory knows when learning is due."""
        return self.optimizer == "sgd" and self.weight_decay == 0

    def make_optimizer(self, updates: int) -> Optimizer:
        """Return an optimizer for so many updates a sweep; weights decay as much in each."""
        decay = self.weight_decay / updates
        if self.optimizer == "adam":
            return Adam(self.rate, decay)
        return Descent(self.rate, self.momentum, decay)


def make_ensemble(
    nets: list[nn.Module],
    patterns: Patterns,
    seeds: Sequence[int],
    learning: Learning,
    *,
    dtype: torch.dtype = torch.float64,
    device: torch.device | None = None,
    batched: bool = True,
    cores: int = 1,
) -> Parts:
    """Return networks about to learn, in the fastest way that fits them.

    A chain of linear layers has its gradient written out; any other module that can be batched
    has its own traced; what cannot is trained one by one. Parts of them learn side by side on
    `cores` threads.
    """
    device = device or torch.device("cpu")
    nets = [net.to(device=device, dtype=dtype) for net in nets]
    _check_precision(nets[0], patterns, dtype, device)
    rule = get_rule(learning.rule)
    plain = type(rule) is Backpropagation
    kind = _choose(nets[0], batched or not plain, learning.loss)
    if not plain and not rule.knows_any and kind is not Chain:
        raise ValueError(
            f"the rule {rule} changes layers: it is for nn.Linear layers in sequence, all of them "
            "trainable, with elementwise activations between (DeepLinear, Shallow, MLP); rules for "
            "any network: backpropagation, finite differences, weight perturbation"
        )
    shown = count_shown(learning.presentation, len(patterns.inputs), learning.batch_size)
    free = sum(p.numel() for p in nets[0].parameters())
    work = 3.0 * free * shown
    room = 2 * dtype.itemsize * (free + 2 * shown * patterns.targets.shape[1])

    def make_parts(kind: type[Ensemble]) -> list[Ensemble]:
        number = len(nets)
        if batched:
            in_one = device.type != "cpu" or kind is Loop
            number = 1 if in_one else count_parts(len(nets), room, work, cores)
        size = -(-len(nets) // number)
        owns = [slice(k, k + size) for k in range(0, len(nets), size)]
        parts = [kind(nets[own], patterns, learning.loss) for own in owns]
        noise = parts[0].find_noise()
        if noise and not plain:
            raise ValueError(
                f"the rule {rule!r} knows no noise; take it out, or use backpropagation"
            )
        for part, own in zip(parts, owns, strict=True):
            optimizer = learning.make_optimizer(-(-len(patterns.inputs) // shown))
            presented = Presentation(
                learning.presentation, patterns, seeds[own], part.to_array,
                batch_size=learning.batch_size, share=optimizer.share, noise=noise,
            )  # fmt: skip
            part.begin(presented, optimizer)
            if not plain:
                part.adopt(rule, seeds[own])
            if not batched:
                part.how = f"one by one, {part.how.split(', ')[1]}"
            part.traced = parts[0].traced
        return parts

    parts = make_parts(kind)
    try:
        parts[0].rehearse()
    except Exception as error:
        reason = str(error).splitlines()[0]
        warnings.warn(
            f"networks are trained one after the other: they cannot be batched ({reason})",
            stacklevel=3,
        )
        parts = make_parts(Loop)
    return Parts(parts, work, cores)


def _choose(net: nn.Module, batched: bool, loss: str) -> type[Ensemble]:
    """Return the fastest kind of ensemble that may fit."""
    if not batched:
        return Loop
    return Chain if Chain.fits(net, loss) else Batch


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
