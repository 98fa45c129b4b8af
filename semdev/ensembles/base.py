"""What all ensembles share."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, stack_module_state

from semdev.data.patterns import Patterns
from semdev.ensembles.descent import Optimizer
from semdev.ensembles.tape import Tape
from semdev.layers import find_own_units, read_answer, watch_linears
from semdev.learning_rules import Rule
from semdev.models.rumelhart import Noise
from semdev.presenting import Presentation, Shown

Outputs = torch.Tensor
State = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Loss:
    """What an answer costs, and the slope of that, for each target."""

    cost: Callable[[Outputs, torch.Tensor], torch.Tensor]
    slope: Callable[[Outputs, torch.Tensor], torch.Tensor]


def measure_squared_error(outputs: Outputs, targets: torch.Tensor) -> torch.Tensor:
    """Return ½ (y − ŷ)² of each target."""
    return (targets - outputs) ** 2 / 2


def measure_cross_entropy(outputs: Outputs, targets: torch.Tensor) -> torch.Tensor:
    """Return −y ln ŷ − (1 − y) ln(1 − ŷ) of each target."""
    targets = targets.expand_as(outputs)
    return nn.functional.binary_cross_entropy(outputs, targets, reduction="none")


LOSSES = {
    "squared error": Loss(measure_squared_error, lambda y, target: y - target),
    "cross-entropy": Loss(
        measure_cross_entropy, lambda y, target: (y - target) / (y * (1 - y)).clamp(min=1e-12)
    ),
}


class Ensemble:
    """What all ensembles share: stacked parameters, the loss, and how to learn."""

    how: str
    side_by_side = True  # whether parts gain by threads
    rule: Rule | None = None
    memory: Any = None

    def __init__(self, nets: list[nn.Module], patterns: Patterns, loss: str) -> None:
        self.base = copy.deepcopy(nets[0])  # functional_call unties parameters that are shared
        self.size = len(nets)
        stacked, self.buffers = stack_module_state(nets)
        self.parameters = {k: p.detach().clone() for k, p in stacked.items()}
        self.arrays: Mapping[str, Any] = self.parameters  # as the arithmetic is done with them
        self.tapes: dict[int, Tape] = {}  # of what is shown
        self.free = [k for k, p in self.base.named_parameters() if p.requires_grad]
        self.loss = LOSSES[loss]
        example = next(iter(self.parameters.values()))
        self.inputs, self.targets, mask, weights = (
            torch.tensor(x, dtype=example.dtype, device=example.device)
            for x in (patterns.inputs, patterns.targets, patterns.mask, patterns.weights)
        )
        self.taught = mask * weights[:, None]
        self.relations = patterns.relations
        self.own: list[np.ndarray] | None = None  # see `record_hidden`
        self.traced: dict[Any, Any] = {}  # shared by parts, so that each is traced once

    def begin(self, presented: Presentation, optimizer: Optimizer) -> None:
        """Learn what is `presented`, as the optimizer says, from now on."""
        self.presented = presented
        self.optimizer = optimizer

    def rehearse(self) -> None:
        """See that what they are about to do can be done."""

    def adopt(self, rule: Rule, seeds: Sequence[int]) -> None:
        """Learn by `rule` from now on."""
        self.rule = rule
        self.memory = rule.begin(seeds, self.parameters)
        self.how = f"{self.how.split(',')[0]}, {rule.name}"

    @torch.no_grad()
    def advance(self, sweeps: int) -> None:
        """Learn for some sweeps over the patterns."""
        for _ in range(sweeps):
            for shown in self.presented.sweep():
                self.update(shown)

    def update(self, shown: Shown) -> None:
        """Take one step: down the gradient, or by the rule. Seeds share no parameter."""
        if self.rule is not None:
            self._follow(self.rule, self.optimizer.share)
        elif id(shown) in self.tapes:
            self.tapes[id(shown)].run()
        else:
            tape = self.tapes[id(shown)] = Tape()
            self.optimizer.write_step(tape, self.arrays, self.find_slopes(shown, tape))

    def find_slopes(self, shown: Shown, tape: Tape) -> dict[str, Any]:
        """Return ∂loss/∂parameter of what is shown, for each free parameter.

        How they are found is written on the tape, which will write over them.
        """
        raise NotImplementedError(f"{type(self).__name__} must find slopes")

    def to_array(self, values: np.ndarray) -> Any:
        """Return values as what is shown has to be."""
        return torch.tensor(values, dtype=self.inputs.dtype, device=self.inputs.device)

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

    def measure_loss(self, outputs: Outputs) -> torch.Tensor:
        """Return Σ weight × cost of each target, for each seed."""
        return (self.taught * self.loss.cost(outputs, self.targets)).sum((1, 2))

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
