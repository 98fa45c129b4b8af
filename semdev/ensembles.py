"""Networks of one shape, one for each seed, stacked so that one pass serves them all."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, stack_module_state

from semdev.data.patterns import Patterns
from semdev.learning_rules import Backpropagation, Rule, Scene, get_rule

Outputs = torch.Tensor

# The slope of each elementwise activation, from its own output.
_SLOPES: dict[type[nn.Module], Callable[[torch.Tensor], torch.Tensor]] = {
    nn.Tanh: lambda y: 1 - y**2,
    nn.Sigmoid: lambda y: y * (1 - y),
    nn.ReLU: lambda y: (y > 0).to(y.dtype),
}


def make_ensemble(
    nets: list[nn.Module],
    patterns: Patterns,
    dtype: torch.dtype,
    device: torch.device,
    batched: bool,
    rule: Any = "backpropagation",
    seeds: Sequence[int] = (),
) -> Ensemble:
    """Return the fastest ensemble that fits: a chain, any batched module, or one by one."""
    nets = [net.to(device=device, dtype=dtype) for net in nets]
    asked = get_rule(rule)
    if type(asked) is Backpropagation:
        return _stack(nets, patterns, batched)
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
    ensemble = _stack(nets, patterns, batched)
    ensemble.adopt(asked, seeds)
    return ensemble


def _stack(nets: list[nn.Module], patterns: Patterns, batched: bool) -> Ensemble:
    if not batched:
        return Loop(nets, patterns)
    if Chain.fits(nets[0]):
        return Chain(nets, patterns)
    ensemble = Batch(nets, patterns)
    try:
        with torch.no_grad():
            ensemble.answer()
    except Exception as error:
        reason = str(error).splitlines()[0]
        warnings.warn(
            f"networks are trained one after the other: they cannot be batched ({reason})",
            stacklevel=4,
        )
        return Loop(nets, patterns)
    return ensemble


class Ensemble:
    """What all ensembles share: stacked parameters, the loss, and a rule of learning."""

    how: str
    rule: Rule | None = None
    memory: Any = None

    def __init__(self, nets: list[nn.Module], patterns: Patterns) -> None:
        self.base = nets[0]
        self.size = len(nets)
        stacked, self.buffers = stack_module_state(nets)
        frozen = {k for k, p in self.base.named_parameters() if not p.requires_grad}
        self.parameters = {
            k: p.detach().clone().requires_grad_(k not in frozen) for k, p in stacked.items()
        }
        example = next(iter(self.parameters.values()))
        self.inputs, self.targets, mask, weights = (
            torch.tensor(x, dtype=example.dtype, device=example.device)
            for x in (patterns.inputs, patterns.targets, patterns.mask, patterns.weights)
        )
        self.taught = mask * weights[:, None]

    def answer(self) -> Outputs:
        """Return outputs, seed × pattern × output."""
        raise NotImplementedError(f"{type(self).__name__} must answer")

    def record_hidden(self) -> list[torch.Tensor]:
        """Return hidden layers, each seed × pattern × unit: inputs of all nn.Linear but one."""
        raise NotImplementedError(f"{type(self).__name__} must record")

    def record_weights(self) -> list[torch.Tensor]:
        """Return all weight matrices, each seed × output × input, in the module's order."""
        return [p for p in self.parameters.values() if p.ndim == 3]

    def measure_loss(self, outputs: Outputs) -> torch.Tensor:
        """Return ½ Σ weight × (target − output)² for each seed."""
        return (self.taught * (self.targets - outputs) ** 2).sum((1, 2)) / 2

    def adopt(self, rule: Rule, seeds: Sequence[int]) -> None:
        """Learn by `rule` from now on."""
        self.rule = rule
        self.memory = rule.begin(seeds, self.parameters)
        self.how = f"{self.how.split(',')[0]}, {rule.name}"

    def update(self, outputs: Outputs, rate: float) -> None:
        """Take one step: down the gradient, or by the rule. Seeds share no parameter."""
        if self.rule is not None:
            self._follow(self.rule, rate)
            return
        names = [k for k, p in self.parameters.items() if p.requires_grad]
        loss = self.measure_loss(outputs).sum()
        slopes = torch.autograd.grad(loss, [self.parameters[k] for k in names], allow_unused=True)
        with torch.no_grad():
            for name, slope in zip(names, slopes, strict=True):
                if slope is not None:
                    self.parameters[name].sub_(slope, alpha=rate)

    @torch.no_grad()
    def _follow(self, rule: Rule, rate: float) -> None:
        """Change the parameters as a rule says that needs nothing but the loss."""
        free = {k: p for k, p in self.parameters.items() if p.requires_grad or type(self) is Chain}
        changes = rule.change_any(free, lambda: self.measure_loss(self.answer()), self.memory)
        for name, change in changes.items():
            free[name].add_(change, alpha=rate)

    def _answer_one(self, parameters: Any, buffers: Any) -> torch.Tensor:
        return functional_call(self.base, (parameters, buffers), (self.inputs,))

    def _hidden_one(self, parameters: Any, buffers: Any) -> list[torch.Tensor]:
        seen: list[torch.Tensor] = []
        linears = [m for m in self.base.modules() if isinstance(m, nn.Linear)]
        hooks = [m.register_forward_pre_hook(lambda _, args: seen.append(args[0])) for m in linears]
        try:
            self._answer_one(parameters, buffers)
        finally:
            for hook in hooks:
                hook.remove()
        return seen[1:]


class Batch(Ensemble):
    """Any module that torch.vmap can map over seeds; gradients by autograd."""

    how = "batched, autograd"

    def answer(self) -> Outputs:
        """Return outputs, seed × pattern × output."""
        return torch.vmap(self._answer_one)(self.parameters, self.buffers)

    @torch.no_grad()
    def record_hidden(self) -> list[torch.Tensor]:
        """Return hidden layers, each seed × pattern × unit."""
        return torch.vmap(self._hidden_one)(self.parameters, self.buffers)


class Loop(Ensemble):
    """Any module at all, one seed after the other."""

    how = "one by one, autograd"

    def answer(self) -> Outputs:
        """Return outputs, seed × pattern × output."""
        return torch.stack([self._answer_one(*self._of(seed)) for seed in range(self.size)])

    @torch.no_grad()
    def record_hidden(self) -> list[torch.Tensor]:
        """Return hidden layers, each seed × pattern × unit."""
        each = [self._hidden_one(*self._of(seed)) for seed in range(self.size)]
        return [torch.stack(layer) for layer in zip(*each, strict=True)]

    def _of(self, seed: int) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        return (
            {k: p[seed] for k, p in self.parameters.items()},
            {k: b[seed] for k, b in self.buffers.items()},
        )


class Apart(Ensemble):
    """Ensembles of one network each, one after the other."""

    def __init__(self, parts: list[Ensemble]) -> None:
        self.parts = parts
        self.size = len(parts)
        self.parameters = {
            f"{k}.{name}": p for k, part in enumerate(parts) for name, p in part.parameters.items()
        }
        self.inputs, self.targets, self.taught = parts[0].inputs, parts[0].targets, parts[0].taught
        self.how = f"one by one, {parts[0].how.split(', ')[1]}"

    def answer(self) -> Outputs:
        """Return outputs, seed × pattern × output."""
        return torch.cat([part.answer() for part in self.parts])

    def record_hidden(self) -> list[torch.Tensor]:
        """Return hidden layers, each seed × pattern × unit."""
        each = [part.record_hidden() for part in self.parts]
        return [torch.cat(layer) for layer in zip(*each, strict=True)]

    def record_weights(self) -> list[torch.Tensor]:
        """Return all weight matrices, each seed × output × input."""
        each = [part.record_weights() for part in self.parts]
        return [torch.cat(layer) for layer in zip(*each, strict=True)]

    def update(self, outputs: Outputs, rate: float) -> None:
        """Take one step, network by network."""
        for k, part in enumerate(self.parts):
            part.update(outputs[k : k + 1], rate)


class Chain(Ensemble):
    """Linear layers with elementwise activations between; gradients written out.

    With layers h_0 = x, h_l = f_l(h_{l−1} W_lᵀ + b_l) and δ_D = (ŷ − y) f_D′ (times what is
    taught), the slopes are ∂W_l = δ_lᵀ h_{l−1} and ∂b_l = Σ δ_l, with δ_{l−1} = δ_l W_l f_{l−1}′.
    """

    how = "batched, gradients written out"

    def __init__(self, nets: list[nn.Module], patterns: Patterns) -> None:
        super().__init__(nets, patterns)
        for parameter in self.parameters.values():
            parameter.requires_grad_(False)
        self.layers: list[list[Any]] = []  # weights, bias or None, activation or None
        for name, part in self.base.named_children():
            if isinstance(part, nn.Linear):
                bias = self.parameters.get(f"{name}.bias")
                self.layers.append([self.parameters[f"{name}.weight"], bias, None])
            elif type(part) in _SLOPES:
                self.layers[-1][2] = part
        self.activity: list[torch.Tensor] = []

    @staticmethod
    def fits(net: nn.Module) -> bool:
        """Return whether `net` is Linear layers in sequence, at most one activation after each."""
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
        return after_linear and trainable and not shared and not hooked

    def answer(self) -> Outputs:
        """Return outputs, seed × pattern × output."""
        below = self.inputs.expand(self.size, *self.inputs.shape)
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
        """Return hidden layers, each seed × pattern × unit, as of the last answer."""
        if not self.activity:
            self.answer()
        return self.activity[1:-1]

    def update(self, outputs: Outputs, rate: float) -> None:
        """Take one step, down the gradient or by the rule."""
        if self.rule is not None:
            self._follow(self.rule, rate)
            return
        delta = (outputs - self.targets) * self.taught
        for k in range(len(self.layers) - 1, -1, -1):
            weights, bias, activation = self.layers[k]
            if activation is not None:
                delta = delta * _SLOPES[type(activation)](self.activity[k + 1])
            below = delta @ weights if k else None
            weights.sub_(delta.mT @ self.activity[k], alpha=rate)
            if bias is not None:
                bias.sub_(delta.sum(1), alpha=rate)
            if below is not None:
                delta = below

    def _follow(self, rule: Rule, rate: float) -> None:
        """Change weights and biases as a rule for layers says."""
        if not rule.knows_layers:
            super()._follow(rule, rate)
            return
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
