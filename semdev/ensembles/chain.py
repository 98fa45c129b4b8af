"""Linear layers in sequence, their gradient written out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from semdev.data.patterns import Patterns
from semdev.ensembles.base import Ensemble, Outputs
from semdev.ensembles.tape import Tape
from semdev.learning_rules import Rule, Scene
from semdev.presenting import Shown

Array = Any  # numpy's on a CPU, torch's elsewhere: what is used of them has the same names


def _squash(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Write 1 / (1 + e^−x) into `out`."""
    np.exp(np.negative(x, out=out), out=out)
    return np.reciprocal(np.add(out, 1, out=out), out=out)


def _bend(slope: Callable[[Array], Array], activity: Array, out: Array) -> None:
    """Multiply `out` by the slope of what a layer does."""
    out *= slope(activity)


def _add_up(delta: Array, out: Array) -> None:
    """Write the sum over patterns into `out`."""
    out[...] = delta.sum(-2)


# Each elementwise activation in numpy and in torch, and its slope from its own result.
ACTIVATIONS: dict[type[nn.Module], tuple[Callable, Callable, Callable]] = {
    nn.Tanh: (np.tanh, torch.tanh, lambda y: 1 - y * y),
    nn.Sigmoid: (_squash, torch.sigmoid, lambda y: y * (1 - y)),
    nn.ReLU: (
        lambda x, out: np.maximum(x, 0, out=out),
        lambda x, out: torch.clamp(x, min=0, out=out),
        lambda y: y > 0,
    ),
}


@dataclass
class Layer:
    """One layer of all networks."""

    name: str
    weights: Array  # seed × output × input
    turned: Array  # the same, seed × input × output
    bias: Array | None  # seed × 1 × output
    change: Array  # room for the slopes of the weights
    bias_change: Array | None = None  # and of the bias
    part: nn.Module | None = None  # the activation
    activate: Callable | None = None
    slope: Callable | None = None

    def __post_init__(self) -> None:
        self.weights_name, self.bias_name = f"{self.name}.weight", f"{self.name}.bias"


@dataclass
class Room:
    """Room in memory for what a layer does to some patterns."""

    activity: Array  # seed × pattern × unit
    delta: Array  # the same: the slope of the loss by what the layer receives
    turned: Array  # it, seed × unit × pattern


class Chain(Ensemble):
    """Linear layers with elementwise activations between; gradients written out.

    With layers h_0 = x, h_l = f_l(h_{l−1} W_lᵀ + b_l) and δ_D = (ŷ − y) f_D′ (times what is
    taught), the slopes are ∂W_l = δ_lᵀ h_{l−1} and ∂b_l = Σ δ_l, with δ_{l−1} = δ_l W_l f_{l−1}′.

    On a CPU the arithmetic is numpy's, which multiplies stacks of small matrices 1.3 to 1.8 times
    as fast as torch does and needs a third of the time to call; elsewhere it is torch's.
    """

    how = "batched, gradients written out"
    numpy_on = ("cpu",)

    def __init__(self, nets: list[nn.Module], patterns: Patterns, loss: str) -> None:
        super().__init__(nets, patterns, loss)
        self.by_numpy = self.inputs.device.type in self.numpy_on
        self.lib: Any = np if self.by_numpy else torch
        self.skips_last = loss == "cross-entropy"  # ŷ − y is the slope below sigmoid outputs
        self.rooms: dict[int, list[Room]] = {}
        self.seeing = Tape()
        self.activity: list[Array] = []  # what `seeing` sees
        self.given = self.to_array(patterns.inputs)
        # Items shown one-hot: the first layer is a look-up, for which its weights lie in memory as
        # input × output. That saves a fifth of an update of 8 × 36 with 32 hidden units.
        count, width = patterns.inputs.shape
        self.one_hot = count == width and np.array_equal(patterns.inputs, np.eye(count))
        self.layers: list[Layer] = []
        # An activation may stand there twice.
        for name, part in self.base.named_modules(remove_duplicate=False):
            if isinstance(part, nn.Linear):
                weights = self.parameters[f"{name}.weight"]
                if self.one_hot and not self.layers:
                    weights = weights.mT.contiguous().mT
                    self.parameters[f"{name}.weight"] = weights
                bias = self.parameters.get(f"{name}.bias")
                bias = None if bias is None else self._view(bias[:, None, :])
                view, change = self._view(weights), self._view(torch.empty_like(weights))
                layer = Layer(name, view, view.swapaxes(-1, -2), bias, change)
                if bias is not None:
                    layer.bias_change = self._view(
                        torch.empty_like(self.parameters[layer.bias_name])
                    )
                self.layers.append(layer)
            elif type(part) in ACTIVATIONS:
                in_numpy, in_torch, slope = ACTIVATIONS[type(part)]
                layer = self.layers[-1]
                layer.part, layer.slope = part, slope
                layer.activate = in_numpy if self.by_numpy else in_torch
        self.arrays = {name: self._view(p) for name, p in self.parameters.items()}

    @staticmethod
    def fits(net: nn.Module, loss: str = "squared error") -> bool:
        """Return whether `net` is Linear layers in sequence, at most one activation after each.

        With cross-entropy the last must be sigmoid: then ŷ − y is the slope below it.
        """
        if type(net) is not nn.Sequential:
            return False
        kinds = [type(part) for part in net if type(part) is not nn.Identity]
        after_linear = all(
            kind is nn.Linear or (kind in ACTIVATIONS and k > 0 and kinds[k - 1] is nn.Linear)
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
        return self._to_tensor(self._see_all()[-1]).clone()

    def record_hidden(self) -> list[torch.Tensor]:
        """Return hidden layers, each seed × pattern × unit."""
        return [self._to_tensor(h).clone() for h in self._see_all()[1:-1]]

    def advance(self, sweeps: int) -> None:
        """Learn for some sweeps over the patterns."""
        with np.errstate(all="ignore"):  # what diverges is seen, and said, where it is recorded
            super().advance(sweeps)

    def _see_all(self) -> list[Array]:
        """Return what each layer does to all patterns, inputs first."""
        with np.errstate(all="ignore"):
            if self.activity:
                self.seeing.run()
            else:
                self.activity = self._pass(self.seeing, self.given)
        return self.activity

    def _pass(self, tape: Tape, inputs: Array) -> list[Array]:
        """Return what each layer does, inputs first and answers last."""
        # torch.matmul would fold the axis of seeds away, and then its result would not fit `out`.
        broadcast = self.by_numpy or self.size == 1 or inputs.ndim == 3
        activity = [inputs if broadcast else inputs.expand(self.size, *inputs.shape)]
        for layer, room in zip(self.layers, self._find_rooms(inputs), strict=True):
            above = layer.turned
            if len(activity) > 1 or not self._looks_up(inputs):
                above = tape.do(self.lib.matmul, activity[-1], above, out=room.activity)
            if layer.bias is not None:
                above = tape.do(self.lib.add, above, layer.bias, out=room.activity)
            if layer.activate is not None:
                above = tape.do(layer.activate, above, out=room.activity)
            activity.append(above)
        return activity

    def find_slopes(self, shown: Shown, tape: Tape) -> dict[str, Array]:
        """Return the slopes, last layer first, and write down how they are found."""
        activity, rooms = self._pass(tape, shown.inputs), self._find_rooms(shown.inputs)
        delta = tape.do(self.lib.subtract, activity[-1], shown.targets, out=rooms[-1].delta)
        delta = tape.do(self.lib.multiply, delta, shown.taught, out=delta)
        slopes = {}
        for k in range(len(self.layers) - 1, -1, -1):
            layer, last = self.layers[k], k == len(self.layers) - 1
            if layer.slope is not None and not (last and self.skips_last):
                delta = tape.do(_bend, layer.slope, activity[k + 1], out=delta)
            slope = rooms[k].turned
            if k or not self._looks_up(shown.inputs):
                slope = tape.do(self.lib.matmul, slope, activity[k], out=layer.change)
            slopes[layer.weights_name] = slope
            if layer.bias is not None:
                slopes[layer.bias_name] = tape.do(_add_up, delta, out=layer.bias_change)
            if k:
                delta = tape.do(self.lib.matmul, delta, layer.weights, out=rooms[k - 1].delta)
        return slopes

    def _looks_up(self, inputs: Array) -> bool:
        """Return whether these are all items in order, one-hot: then x W₁ᵀ is W₁ᵀ."""
        return self.one_hot and (inputs is self.given or inputs is self.presented.all.inputs)

    def _find_rooms(self, inputs: Array) -> list[Room]:
        """Return room for what each layer does to so many patterns."""
        count = inputs.shape[-2]
        if count not in self.rooms:
            self.rooms[count] = []
            for layer in self.layers:
                shape = self.size, count, layer.weights.shape[-2]
                activity, delta = (self._view(self.inputs.new_empty(shape)) for _ in range(2))
                self.rooms[count].append(Room(activity, delta, delta.swapaxes(-1, -2)))
        return self.rooms[count]

    def to_array(self, values: np.ndarray) -> Array:
        """Return values as what is shown has to be."""
        shown = super().to_array(values)
        return shown.numpy() if self.by_numpy else shown

    def _view(self, values: torch.Tensor) -> Array:
        """Return the same memory as what the arithmetic is done with.

        A single network needs no axis of seeds there: plain matrices are multiplied faster.
        """
        array = values.numpy() if self.by_numpy else values
        return array[0] if self.size == 1 else array

    def _to_tensor(self, values: Array) -> torch.Tensor:
        """Return the same memory as a tensor, seed × pattern × unit."""
        tensor = torch.as_tensor(values)
        return tensor if tensor.ndim == 3 else tensor.expand(self.size, *tensor.shape)

    def _follow(self, rule: Rule, rate: float) -> None:
        """Change weights and biases as a rule for layers says."""
        if not rule.knows_layers:
            super()._follow(rule, rate)
            return
        self._see_all()
        changes = rule.change(self._show(), self.memory)
        if len(changes) != len(self.layers):
            raise ValueError(
                f"the rule {rule} returned {len(changes)} changes for {len(self.layers)} layers"
            )
        for layer, each in zip(self.layers, changes, strict=True):
            change, of_bias = each if isinstance(each, tuple) else (each, None)
            weights = self.parameters[f"{layer.name}.weight"]
            if change.shape != weights.shape:
                raise ValueError(
                    f"the rule {rule} returned a change of shape {tuple(change.shape)} for weights "
                    f"of shape {tuple(weights.shape)} (seed × output × input)"
                )
            if layer.bias is not None and of_bias is None:
                raise ValueError(
                    f"the rule {rule} says nothing of biases: let it return (change of weights, "
                    "change of bias) for each layer, or make the network with bias=False"
                )
            weights.add_(change, alpha=rate)
            if layer.bias is not None:
                self.parameters[f"{layer.name}.bias"].add_(of_bias, alpha=rate)

    def _show(self) -> Scene:
        """Return what a rule sees."""
        return Scene(
            [self._to_tensor(each) for each in self.activity],
            self.targets,
            self.taught,
            [self.parameters[f"{layer.name}.weight"] for layer in self.layers],
            [self.parameters.get(f"{layer.name}.bias") for layer in self.layers],
            [layer.part for layer in self.layers],
            [layer.slope for layer in self.layers],
        )
