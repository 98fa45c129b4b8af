"""Linear layers in sequence, their gradient written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from semdev.data.patterns import Patterns
from semdev.ensembles.base import Ensemble, Outputs, measure_cross_entropy
from semdev.learning_rules import Rule, Scene
from semdev.presenting import Shown

# The slope of each elementwise activation, from its own output.
_SLOPES: dict[type[nn.Module], Callable[[torch.Tensor], torch.Tensor]] = {
    nn.Tanh: lambda y: 1 - y**2,
    nn.Sigmoid: lambda y: y * (1 - y),
    nn.ReLU: lambda y: (y > 0).to(y.dtype),
}


class Chain(Ensemble):
    """Linear layers with elementwise activations between; gradients written out.

    With layers h_0 = x, h_l = f_l(h_{l−1} W_lᵀ + b_l) and δ_D = (ŷ − y) f_D′ (times what is
    taught), the slopes are ∂W_l = δ_lᵀ h_{l−1} and ∂b_l = Σ δ_l, with δ_{l−1} = δ_l W_l f_{l−1}′.
    """

    how = "batched, gradients written out"

    def __init__(
        self, nets: list[nn.Module], patterns: Patterns, loss: str, momentum: float
    ) -> None:
        super().__init__(nets, patterns, loss, momentum)
        self.layers: list[list[Any]] = []  # weights, bias or None, activation or None
        self.names: list[str] = []
        for name, part in self.base.named_children():
            if isinstance(part, nn.Linear):
                bias = self.parameters.get(f"{name}.bias")
                self.layers.append([self.parameters[f"{name}.weight"], bias, None])
                self.names.append(name)
            elif type(part) in _SLOPES:
                self.layers[-1][2] = part
        self.entropy = self.cost is measure_cross_entropy
        self.activity: list[torch.Tensor] = []

    @staticmethod
    def fits(net: nn.Module, loss: str = "squared error") -> bool:
        """Return whether `net` is Linear layers in sequence, at most one activation after each.

        With cross-entropy the last must be sigmoid: then ŷ − y is the slope below it.
        """
        if type(net) is not nn.Sequential:
            return False
        kinds = [type(part) for part in net if type(part) is not nn.Identity]
        after_linear = all(
            kind is nn.Linear or (kind in _SLOPES and k > 0 and kinds[k - 1] is nn.Linear)
            for k, kind in enumerate(kinds)
        )
        trainable = all(p.requires_grad for p in net.parameters())
        linears = [part for part in net if type(part) is nn.Linear]
        own = sum(len(list(part.parameters())) for part in linears)
        shared = len(list(net.parameters())) < own  # a network names a shared parameter once
        hooked = any(
            part._forward_hooks or part._forward_pre_hooks or part._backward_hooks
            for part in net.modules()
        )
        told = loss == "squared error" or (bool(kinds) and kinds[-1] is nn.Sigmoid)
        return after_linear and trainable and told and not shared and not hooked

    def answer(self) -> Outputs:
        """Return outputs, seed × pattern × output."""
        return self._pass(self.inputs)

    def _pass(self, inputs: torch.Tensor) -> Outputs:
        """Return outputs; `activity` holds what each layer did."""
        below = inputs.expand(self.size, *inputs.shape[-2:])
        self.activity = [below]
        for weights, bias, activation in self.layers:
            below = below @ weights.mT
            if bias is not None:
                below += bias[:, None, :]
            if activation is not None:
                below = activation(below)
            self.activity.append(below)
        return below

    def record_hidden(self) -> list[torch.Tensor]:
        """Return hidden layers, each seed × pattern × unit."""
        self.answer()
        return self.activity[1:-1]

    def find_slopes(self, shown: Shown) -> dict[str, torch.Tensor]:
        """Return the slopes, last layer first."""
        delta = (self._pass(shown.inputs) - shown.targets) * shown.taught
        slopes = {}
        for k in range(len(self.layers) - 1, -1, -1):
            weights, bias, activation = self.layers[k]
            if activation is not None and not (self.entropy and k == len(self.layers) - 1):
                delta = delta * _SLOPES[type(activation)](self.activity[k + 1])
            slopes[f"{self.names[k]}.weight"] = delta.mT @ self.activity[k]
            if bias is not None:
                slopes[f"{self.names[k]}.bias"] = delta.sum(1)
            if k:
                delta = delta @ weights
        return slopes

    def _follow(self, rule: Rule, rate: float) -> None:
        """Change weights and biases as a rule for layers says."""
        if not rule.knows_layers:
            super()._follow(rule, rate)
            return
        self.answer()
        changes = rule.change(self._show(), self.memory)
        if len(changes) != len(self.layers):
            raise ValueError(
                f"the rule {rule} returned {len(changes)} changes for {len(self.layers)} layers"
            )
        pairs = [each if isinstance(each, tuple) else (each, None) for each in changes]
        for (weights, bias, _), (change, of_bias) in zip(self.layers, pairs, strict=True):
            if change.shape != weights.shape:
                raise ValueError(
                    f"the rule {rule} returned a change of shape {tuple(change.shape)} for weights "
                    f"of shape {tuple(weights.shape)} (seed × output × input)"
                )
            if bias is not None and of_bias is None:
                raise ValueError(
                    f"the rule {rule} says nothing of biases: let it return (change of weights, "
                    "change of bias) for each layer, or make the network with bias=False"
                )
            weights.add_(change, alpha=rate)
            if bias is not None:
                bias.add_(of_bias, alpha=rate)

    def _show(self) -> Scene:
        weights, biases, parts = (list(each) for each in zip(*self.layers, strict=True))
        slopes = [None if part is None else _SLOPES[type(part)] for part in parts]
        return Scene(self.activity, self.targets, self.taught, weights, biases, parts, slopes)
