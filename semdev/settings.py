"""Which settings of a run go together, and those that are chosen where none are given."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import nn

from semdev._names import require
from semdev.data.patterns import Patterns
from semdev.ensembles import LOSSES, OPTIMIZERS, Learning
from semdev.layers import read_answer
from semdev.models.closed_forms import time_to_reach
from semdev.models.decomposition import bound_learning_rate, decompose
from semdev.models.networks import count_linear_layers
from semdev.models.rumelhart import is_number
from semdev.presenting import PRESENTATIONS

# Euler steps make the fastest mode late by half of this (one hidden layer and more).
SHARE_OF_BOUND = 0.03
ADAM_RATE = 1e-3


def read_learning(
    net: nn.Module, patterns: Patterns, *, rate: Any, usual: float | None, rule: Any,
    presentation: str, batch_size: Any, loss: str, optimizer: str, momentum: Any, weight_decay: Any,
) -> Learning:  # fmt: skip
    """Return how to learn; refuse ways that are none, or that do not go together."""
    require(presentation, PRESENTATIONS, kind="presentation", where="train")
    require(loss, LOSSES, kind="loss", where="train")
    require(optimizer, OPTIMIZERS, kind="optimizer", where="train")
    if not (is_number(momentum) and 0 <= momentum < 1):
        raise ValueError(f"momentum is at least 0 and below 1; got {momentum!r}")
    if momentum and optimizer == "adam":
        raise ValueError("Adam has a momentum of its own (β₁ = .9); leave momentum at 0")
    if not (is_number(weight_decay) and weight_decay >= 0):
        raise ValueError(f"weight_decay is a number, at least 0; got {weight_decay!r}")
    if (presentation == "mini-batch") != (batch_size is not None):
        raise ValueError(
            'batch_size and presentation="mini-batch" go together; got '
            f"batch_size={batch_size!r}, presentation={presentation!r}"
        )
    whole = isinstance(batch_size, Integral) and not isinstance(batch_size, bool)
    if batch_size is not None and not (whole and 1 <= batch_size <= len(patterns.inputs)):
        raise ValueError(
            f"batch_size is how many of the {len(patterns.inputs)} patterns an update sees; got "
            f"{batch_size!r}"
        )
    learning = Learning(
        1.0, rule, presentation, int(batch_size or 1), loss, optimizer, float(momentum),
        float(weight_decay),
    )  # fmt: skip
    plain = presentation == "full batch" and loss == "squared error" and learning.is_plain
    if rule != "backpropagation" and not (plain and momentum == 0):
        raise ValueError(
            f"the rule {rule!r} is for all patterns at once, squared error and no momentum; "
            "another presentation, loss, optimizer, momentum or weight decay goes with "
            "backpropagation"
        )
    _check_loss(net, patterns, loss)
    _warn_of_range(net, patterns)
    chosen, source = choose_rate(rate, usual, net, patterns, bounded=optimizer == "sgd")
    return replace(learning, rate=chosen, rate_from=source)


def _check_loss(net: nn.Module, patterns: Patterns, loss: str) -> None:
    """Refuse cross-entropy where answers or targets are not between 0 and 1."""
    if loss == "cross-entropy":
        inputs = torch.tensor(patterns.inputs, dtype=next(net.parameters()).dtype)
        with torch.no_grad():
            answer = read_answer(net(inputs))
        for what, low, high in (
            ("targets", patterns.targets.min(), patterns.targets.max()),
            ("answers", float(answer.min()), float(answer.max())),
        ):
            if not 0 <= low <= high <= 1:
                raise ValueError(
                    f"cross-entropy is for {what} between 0 and 1, and these go from {low:.3g} to "
                    f'{high:.3g}: code data 0/1 and let outputs be sigmoid (output="sigmoid")'
                )


def _warn_of_range(net: nn.Module, patterns: Patterns) -> None:
    """Warn where targets lie below 0 and every answer of an untrained network above it."""
    if patterns.targets.min() >= 0 or patterns.targets.size < 20:
        return
    with torch.no_grad():
        answer = read_answer(net(torch.tensor(patterns.inputs, dtype=next(net.parameters()).dtype)))
    if bool((answer > 0).all()):
        warnings.warn(
            f"targets of {patterns.data.name} go down to {patterns.targets.min():g}, and every "
            "answer of the untrained network is above 0: sigmoid outputs cannot learn them; code "
            "data 0/1, or let outputs be linear or tanh",
            stacklevel=4,
        )


def choose_rate(
    asked: float | None, usual: float | None, net: nn.Module, patterns: Patterns, *, bounded: bool
) -> tuple[float, str]:
    """Return the learning rate and where it comes from; refuse one that cannot be stable.

    Where learning is not `bounded` by the stability of gradient descent, it is not asked about.
    """
    linear = count_linear_layers(net)
    depth = linear or max(1, sum(p.ndim >= 2 for p in net.parameters()))
    has_bias = any(p.ndim == 1 for p in net.parameters())
    safe, largest = bound_learning_rate(patterns, depth=depth, bias=has_bias)
    share = SHARE_OF_BOUND if depth > 1 else SHARE_OF_BOUND / 2
    if asked is None and not bounded:
        return ADAM_RATE, "semdev: Adam's usual one"
    if asked is None and usual is not None:
        return usual, "the model's usual one"
    if asked is None:
        return share * safe, f"semdev: {share:.1%} of the stable bound"
    if not (isinstance(asked, Real) and math.isfinite(asked) and asked > 0):
        raise ValueError(f"learning_rate must be a positive number, got {asked!r}")
    if linear and bounded and asked >= largest:
        raise ValueError(
            f"learning_rate {asked:.3g} is over the stability bound {largest:.3g} of a linear "
            f"network of depth {depth} on {patterns.data.name}; it would diverge. "
            f"Try {share * safe:.2g}"
        )
    return float(asked), "given"


def estimate_steps(net: nn.Module, patterns: Patterns, rate: float) -> float:
    """Return by when a linear network like this one would have learned its weakest mode."""
    matrices = [p.detach().double() for p in net.parameters() if p.ndim == 2]
    modes = decompose(patterns)
    end = modes.s / modes.d
    size = [float(w.square().mean().sqrt()) * math.sqrt(max(w.shape)) for w in matrices]
    initial = np.clip(np.prod(size), 1e-30, 0.5 * end)
    depth = max(1, len(matrices))
    times = time_to_reach(0.99, modes.s, initial=initial, depth=depth, d=modes.d)
    return float(2 * times[modes.s > 1e-3 * modes.s[0]].max() / rate)
