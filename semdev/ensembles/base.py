"""What all ensembles share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, stack_module_state

from semdev.data.patterns import Patterns
from semdev.layers import find_own_units, read_answer, watch_linears
from semdev.learning_rules import Rule
from semdev.models.rumelhart import Noise
from semdev.presenting import Shown

Outputs = torch.Tensor
State = Mapping[str, torch.Tensor]


def measure_squared_error(outputs: Outputs, targets: torch.Tensor) -> torch.Tensor:
    """Return ½ (y − ŷ)² of each target."""
    return (targets - outputs) ** 2 / 2


def measure_cross_entropy(outputs: Outputs, targets: torch.Tensor) -> torch.Tensor:
    """Return −y ln ŷ − (1 − y) ln(1 − ŷ) of each target."""
    targets = targets.expand_as(outputs)
    return nn.functional.binary_cross_entropy(outputs, targets, reduction="none")


LOSSES = {"squared error": measure_squared_error, "cross-entropy": measure_cross_entropy}


class Ensemble:
    """What all ensembles share: stacked parameters, the loss, and how to learn."""

    how: str
    rule: Rule | None = None
    memory: Any = None

    def __init__(
        self, nets: list[nn.Module], patterns: Patterns, loss: str, momentum: float
    ) -> None:
        self.base = nets[0]
        self.size = len(nets)
        stacked, self.buffers = stack_module_state(nets)
        self.parameters = {k: p.detach().clone() for k, p in stacked.items()}
        self.free = [k for k, p in self.base.named_parameters() if p.requires_grad]
        self.cost = LOSSES[loss]
        self.momentum = momentum
        self.velocity: dict[str, torch.Tensor] = {}
        example = next(iter(self.parameters.values()))
        self.inputs, self.targets, mask, weights = (
            torch.tensor(x, dtype=example.dtype, device=example.device)
            for x in (patterns.inputs, patterns.targets, patterns.mask, patterns.weights)
        )
        self.taught = mask * weights[:, None]
        self.relations = patterns.relations
        self.own: list[np.ndarray] | None = None  # see `record_hidden`

    @property
    def everything(self) -> Shown:
        """All patterns, without noise."""
        return Shown(self.inputs, self.targets, self.taught)

    def answer(self) -> Outputs:
        """Return outputs to all patterns, without noise, seed × pattern × output."""
        raise NotImplementedError(f"{type(self).__name__} must answer")

    def record_hidden(self) -> list[torch.Tensor]:
        """Return hidden layers, each seed × pattern × unit.

        They are the inputs of all nn.Linear that hang on the weights, less the units among them
        that are inputs of the network (as where a relation joins a representation) or know of the
        relation alone (as those of a layer of its own for the relation).
        """
        if self.own is None:
            self.own = find_own_units(self.base, self.inputs, self.relations)
        layers = self._record_layers()
        return [
            layer if len(own) == layer.shape[-1] else layer[..., own]
            for layer, own in zip(layers, self.own, strict=True)
            if len(own)
        ]

    def _record_layers(self) -> list[torch.Tensor]:
        """Return the inputs of all nn.Linear, each seed × pattern × unit."""
        raise NotImplementedError(f"{type(self).__name__} must record")

    def read_parameters(self) -> dict[str, torch.Tensor]:
        """Return all parameters, each seed × …, in the module's order."""
        return self.parameters

    def measure_loss(self, outputs: Outputs) -> torch.Tensor:
        """Return Σ weight × cost of each target, for each seed."""
        return (self.taught * self.cost(outputs, self.targets)).sum((1, 2))

    def adopt(self, rule: Rule, seeds: Sequence[int]) -> None:
        """Learn by `rule` from now on."""
        self.rule = rule
        self.memory = rule.begin(seeds, self.parameters)
        self.how = f"{self.how.split(',')[0]}, {rule.name}"

    @torch.no_grad()
    def update(self, shown: Shown, rate: float) -> None:
        """Take one step: down the gradient, or by the rule. Seeds share no parameter."""
        if self.rule is not None:
            self._follow(self.rule, rate)
            return
        for name, slope in self.find_slopes(shown).items():
            if self.momentum:  # v ← μ v + ∂L/∂w; w ← w − λ v
                if name in self.velocity:
                    slope = slope + self.momentum * self.velocity[name]
                self.velocity[name] = slope
            self.parameters[name].sub_(slope, alpha=rate)

    def find_slopes(self, shown: Shown) -> dict[str, torch.Tensor]:
        """Return ∂loss/∂parameter of what is shown, for each free parameter."""
        raise NotImplementedError(f"{type(self).__name__} must find slopes")

    def _follow(self, rule: Rule, rate: float) -> None:
        """Change the parameters as a rule says that needs nothing but the loss."""
        free = {k: self.parameters[k] for k in self.free}
        changes = rule.change_any(free, lambda: self.measure_loss(self.answer()), self.memory)
        for name, change in changes.items():
            free[name].add_(change, alpha=rate)

    def _answer_one(self, state: State, inputs: torch.Tensor) -> torch.Tensor:
        """Return one network's outputs; of several tensors, as course code returns, the first."""
        return read_answer(functional_call(self.base, dict(state), (inputs,)))

    def _layers_one(self, state: State, inputs: torch.Tensor) -> list[torch.Tensor]:
        return [given for _, given in watch_linears(self.base, state, inputs)]

    @torch.no_grad()
    def find_noise(self) -> dict[str, tuple[float, int]]:
        """Return for each noise layer's buffer its standard deviation and number of units."""
        found: dict[str, tuple[float, int]] = {}
        hooks = []
        for name, part in self.base.named_modules():
            if isinstance(part, Noise) and part.scale > 0:

                def note(
                    _: Any, args: Any, key: str = f"{name}.sample", part: Noise = part
                ) -> None:
                    found[key] = part.scale, args[0].shape[-1]

                hooks.append(part.register_forward_pre_hook(note))
        one = {k: v[0] for k, v in {**self.parameters, **self.buffers}.items()}
        try:
            self._answer_one(one, self.inputs)
        finally:
            for hook in hooks:
                hook.remove()
        return found
