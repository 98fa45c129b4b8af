"""Optimizers: what is done with a gradient."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from operator import isub
from typing import Any

from semdev.ensembles.tape import Tape


class Optimizer:
    """What is done with a gradient."""

    share: float  # what slopes come multiplied with

    def step(self, weights: Mapping[str, Any], slopes: Mapping[str, Any]) -> None:
        """Change the weights, in place; slopes stay, for two parameters may share one."""
        raise NotImplementedError(f"{type(self).__name__} must step")

    def write_step(self, tape: Tape, weights: Mapping[str, Any], slopes: Mapping[str, Any]) -> None:
        """Take a step now, and whenever the tape is run."""
        tape.write(partial(self.step, weights, slopes))


class Descent(Optimizer):
    """Gradient descent: v ← μ v + λ (∂L/∂w + κ w), w ← w − v.

    λ is the learning rate, μ the momentum, κ the weight decay. `share` is what slopes come
    multiplied with: λ is in them already, for it costs nothing to multiply what is taught by it.
    """

    def __init__(self, rate: float, momentum: float = 0.0, decay: float = 0.0) -> None:
        self.share = rate
        self.momentum = momentum
        self.decay = decay
        self.velocity: dict[str, Any] = {}

    def step(self, weights: Mapping[str, Any], slopes: Mapping[str, Any]) -> None:
        """Change the weights, in place; slopes stay, for two parameters may share one."""
        for name, step in slopes.items():
            w = weights[name]
            if self.decay:
                step = step + self.share * self.decay * w
            if self.momentum:
                v = self.velocity.setdefault(name, 0.0 * step)
                v *= self.momentum
                v += step
                step = v
            w -= step

    def write_step(self, tape: Tape, weights: Mapping[str, Any], slopes: Mapping[str, Any]) -> None:
        """Take a step now, and whenever the tape is run."""
        if self.decay or self.momentum:
            super().write_step(tape, weights, slopes)
            return
        for name, step in slopes.items():
            tape.write(partial(isub, weights[name], step))  # w ← w − step


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015): steps of about λ, whatever the size of the slopes g = ∂L/∂w + κ w.

    m ← β₁ m + (1 − β₁) g, q ← β₂ q + (1 − β₂) g², and with the bias of the first t steps taken
    out, m̂ = m / (1 − β₁ᵗ), q̂ = q / (1 − β₂ᵗ): w ← w − λ m̂ / (√q̂ + ε).
    """

    share = 1.0
    beta, beta_2, epsilon = 0.9, 0.999, 1e-8

    def __init__(self, rate: float, decay: float = 0.0) -> None:
        self.rate = rate
        self.decay = decay
        self.steps = 0
        self.means: dict[str, tuple[Any, Any]] = {}

    def step(self, weights: Mapping[str, Any], slopes: Mapping[str, Any]) -> None:
        """Change the weights, in place; slopes stay, for two parameters may share one."""
        self.steps += 1
        first, second = 1 - self.beta**self.steps, 1 - self.beta_2**self.steps
        for name, g in slopes.items():
            w = weights[name]
            if self.decay:
                g = g + self.decay * w
            m, q = self.means.setdefault(name, (0.0 * g, 0.0 * g))
            m *= self.beta
            m += (1 - self.beta) * g
            q *= self.beta_2
            q += (1 - self.beta_2) * g * g
            w -= (self.rate / first) * m / ((q / second) ** 0.5 + self.epsilon)


OPTIMIZERS = ("sgd", "adam")
