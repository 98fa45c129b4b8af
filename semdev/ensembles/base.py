"""What all ensembles share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, stack_module_state

from semdev.data.patterns import Patterns
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
        self.own: list[torch.Tensor] | None = None  # see `record_hidden`

    @property
    def everything(self) -> Shown:
        """All patterns, without noise."""
        return Shown(self.inputs, self.targets, self.taught)

    def answer(self) -> Outputs:
        """Return outputs to all patterns, without noise, seed × pattern × output."""
        raise NotImplementedError(f"{type(self).__name__} must answer")

    def record_hidden(self) -> list[torch.Tensor]:
        """Return hidden layers, each seed × pattern × unit.

        They are the inputs of all nn.Linear but the first, less the units among them that are the
        network's own inputs (as where a relation joins a representation).
        """
        if self.own is None:
            self.own = self._find_own_units()
        layers = self._record_layers()
        return [
            layer if len(own) == layer.shape[-1] else layer[..., own]
            for layer, own in zip(layers, self.own, strict=True)
            if len(own)
        ]

    def _record_layers(self) -> list[torch.Tensor]:
        """Return the inputs of all nn.Linear but the first, each seed × pattern × unit."""
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
        answer = functional_call(self.base, dict(state), (inputs,))
        return answer[0] if isinstance(answer, (tuple, list)) else answer

    def _layers_one(self, state: State, inputs: torch.Tensor) -> list[torch.Tensor]:
        seen: list[torch.Tensor] = []
        linears = [m for m in self.base.modules() if isinstance(m, nn.Linear)]
        hooks = [m.register_forward_pre_hook(lambda _, args: seen.append(args[0])) for m in linears]
        try:
            self._answer_one(state, inputs)
        finally:
            for hook in hooks:
                hook.remove()
        return seen[1:]

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

    @torch.no_grad()
    def _find_own_units(self) -> list[torch.Tensor]:
        """Return for each layer which units are no copy of an input, whatever the weights."""
        random = np.random.default_rng(0)
        one = {k: b[0] for k, b in self.buffers.items()}
        copies = []
        for _ in range(2):
            for k, p in self.parameters.items():
                drawn = random.standard_normal(p.shape[1:])
                one[k] = torch.tensor(drawn, dtype=p.dtype, device=p.device)
            copies.append(
                [
                    (layer[:, :, None] == self.inputs[:, None, :]).all(0).any(-1)
                    for layer in self._layers_one(one, self.inputs)
                ]
            )
        return [torch.nonzero(~(a & b)).flatten() for a, b in zip(*copies, strict=True)]
