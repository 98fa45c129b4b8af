"""What a learning rule sees, and what a rule is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

Tensor = torch.Tensor
Change = Tensor | tuple[Tensor, Tensor | None]


@dataclass(frozen=True)
class Scene:
    """What a rule sees of a chain of layers, at one step, for all seeds at once.

    Attributes
    ----------
    activities : list of tensors, each seed × pattern × unit
        Inputs first, answers last.
    targets : tensor, pattern × output
        What is taught.
    taught : tensor, pattern × output
        How much each target counts: frequency of the pattern, 0 where nothing is taught.
    weights : list of tensors, each seed × output × input
        First layer first. To be looked at, not changed.
    biases : list of (tensor seed × output, or None)
    activations, slopes : lists of (function, or None where the layer is linear)
        What each layer does to what it receives, and the slope of that, from its result.

    Examples
    --------
    A rule looks at how large errors are, and leaves the weights alone:

    >>> import semdev as sd
    >>> class Watch(Rule):
    ...     name = "watch"
    ...     def change(self, scene, memory):
    ...         print(tuple(scene.error.shape))    # seed × pattern × output
    ...         return [0 * weights for weights in scene.weights]
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("saxe2019")
    >>> history = sd.train(model, world, seeds=2, steps=1, learning_rate=0.01, rule=Watch())
    (2, 4, 7)
    """

    activities: list[Tensor]
    targets: Tensor
    taught: Tensor
    weights: list[Tensor]
    biases: list[Tensor | None]
    activations: list[Callable[[Tensor], Tensor] | None]
    slopes: list[Callable[[Tensor], Tensor] | None]

    @property
    def error(self) -> Tensor:
        """Return target − answer, as much as it counts, seed × pattern × output."""
        return self.taught * (self.targets - self.activities[-1])

    def carry_back(self, matrices: Sequence[Tensor]) -> list[Tensor]:
        """Return for each layer the error that reaches it, seed × pattern × unit.

        `matrices` are what it is carried through, one for each layer and of the shape of its
        weights; the first is not needed. With the weights themselves this is backpropagation.
        """
        signals = [self._bend(self.error, -1)]
        for k in range(len(matrices) - 1, 0, -1):
            signals.insert(0, self._bend(signals[0] @ matrices[k], k - 1))
        return signals

    def spread(self, signals: Sequence[Tensor]) -> list[Change]:
        """Return Σ signal × activity below, for each layer's weights, and Σ signal for biases."""
        return [
            (signal.mT @ below, signal.sum(1))
            for signal, below in zip(signals, self.activities, strict=False)
        ]

    def pass_on(self, k: int, below: Tensor) -> Tensor:
        """Return what layer k (from 0) receives from activities `below`, before its activation."""
        received, bias = below @ self.weights[k].mT, self.biases[k]
        return received if bias is None else received + bias[:, None, :]

    def activate(self, k: int, received: Tensor) -> Tensor:
        """Return what layer k (from 0) makes of what it receives."""
        function = self.activations[k]
        return received if function is None else function(received)

    def _bend(self, signal: Tensor, k: int) -> Tensor:
        slope = self.slopes[k]
        return signal if slope is None else signal * slope(self.activities[k + 1 if k >= 0 else k])


class Rule:
    """A learning rule; subclass it to make your own.

    A rule for layers writes `change(scene, memory)`, and serves chains of nn.Linear with
    elementwise activations between them. A rule that needs nothing but the loss writes
    `change_any(parameters, measure, memory)`, and serves any network. One that has something to
    remember for the length of a run (feedback weights, a generator) returns it from `begin`.
    A rule may be used in any number of runs: it keeps nothing in itself.

    Examples
    --------
    Errors that go down through the signs of the weights (Liao, Leibo & Poggio 2016):

    >>> import semdev as sd
    >>> class SignFeedback(Rule):
    ...     name = "sign feedback"
    ...     def change(self, scene, memory):
    ...         return scene.spread(scene.carry_back([w.sign() for w in scene.weights]))
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("saxe2019")
    >>> history = sd.train(model, world, seeds=3, steps=400, rule=SignFeedback())
    >>> bool((history["loss"].isel(time=-1) < 0.01).all())
    True
    """

    name = "a rule without a name"

    def begin(self, seeds: Sequence[int], parameters: Mapping[str, Tensor]) -> Any:
        """Return what is to be remembered during a run (default: nothing)."""
        return None

    def change(self, scene: Scene, memory: Any) -> Sequence[Change]:
        """Return for each layer the change of its weights, or (of its weights, of its bias)."""
        raise NotImplementedError(f"{type(self).__name__} knows no layers")

    def change_any(
        self, parameters: Mapping[str, Tensor], measure: Callable[[], Tensor], memory: Any
    ) -> Mapping[str, Tensor]:
        """Return the changes of named parameters (each seed × …).

        `measure()` is the loss of each seed with the parameters as they are when it is called;
        they may be changed in place, and must be as before in the end.
        """
        raise NotImplementedError(f"{type(self).__name__} knows layers only")

    @property
    def knows_layers(self) -> bool:
        """Whether it serves chains of layers."""
        return type(self).change is not Rule.change

    @property
    def knows_any(self) -> bool:
        """Whether it serves any network."""
        return type(self).change_any is not Rule.change_any

    def __repr__(self) -> str:
        """Return name and settings, for provenance."""
        settings = fields(self) if hasattr(self, "__dataclass_fields__") else ()  # type: ignore[arg-type]
        inside = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in settings)
        return f"{self.name} ({inside})" if inside else self.name


def make_generators(seeds: Sequence[int], purpose: str) -> list[np.random.Generator]:
    """Return a generator for each seed, apart from the one that drew its initial weights."""
    return [np.random.default_rng([seed, *purpose.encode()]) for seed in seeds]


def draw_normal(generators: Sequence[np.random.Generator], shape: Any, like: Tensor) -> Tensor:
    """Return standard normal numbers, seed × shape; those of a seed are its own."""
    drawn = np.stack([each.standard_normal(tuple(shape)) for each in generators])
    return torch.tensor(drawn, dtype=like.dtype, device=like.device)


def check_positive(rule: Rule, setting: str) -> None:
    """Refuse a setting that is no positive number."""
    value = getattr(rule, setting)
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{setting} of {rule.name} must be a positive number, got {value!r}")
