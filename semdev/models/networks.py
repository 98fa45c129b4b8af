"""Networks: factories that build plain nn.Modules once the data's size is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import torch
from torch import nn

from semdev._names import require

STRENGTH = 1e-5
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "linear": nn.Identity,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
}


@dataclass(frozen=True)
class DeepLinear:
    """A deep linear network: ŷ = W_D … W₂ W₁ x (Saxe, McClelland & Ganguli 2014, 2019).

    Parameters
    ----------
    hidden : int or sequence of int
        Units in each hidden layer; ``32`` has one hidden layer (two weight matrices), ``[32, 32]``
        two.
    scale : float, optional
        Standard deviation of the initial weights. Default: such that with one hidden layer every
        mode begins at about strength 1e-5, scale = √(2/N_h) × (1e-5)^(1/D) for D weight matrices
        and N_h hidden units; small enough for stages to be seen. With more hidden layers modes
        start less alike: to lay theory over such a network use ``solve(…, initial="exact")``.
    bias : bool
        Add a bias to the output layer, initially 0. (It changes what overgeneralizes.)

    Examples
    --------
    >>> net = DeepLinear(hidden=32)(8, 36)    # 8 inputs, 36 outputs
    >>> [tuple(weights.shape) for weights in net.parameters()]
    [(32, 8), (36, 32)]
    """

    hidden: int | Sequence[int] = 32
    scale: float | None = None
    bias: bool = False

    def __post_init__(self) -> None:
        _hidden_sizes(self.hidden)
        _check_scale(self.scale, deep=True)

    def __call__(self, n_inputs: int, n_outputs: int) -> nn.Module:
        """Build the network for `n_inputs` and `n_outputs`."""
        sizes = [n_inputs, *_hidden_sizes(self.hidden), n_outputs]
        return _chain(sizes, [nn.Identity] * (len(sizes) - 1), self.scale, output_bias=self.bias)


@dataclass(frozen=True)
class Shallow:
    """A shallow linear network: ŷ = W x, no hidden layer.

    Parameters
    ----------
    scale : float
        Standard deviation of the initial weights.
    bias : bool
        Add an output bias, initially 0: then every item overgeneralizes alike.

    Examples
    --------
    >>> [tuple(weights.shape) for weights in Shallow()(8, 36).parameters()]
    [(36, 8)]
    """

    scale: float = STRENGTH
    bias: bool = False

    def __post_init__(self) -> None:
        _check_scale(self.scale, deep=False)

    def __call__(self, n_inputs: int, n_outputs: int) -> nn.Module:
        """Build the network for `n_inputs` and `n_outputs`."""
        return _chain([n_inputs, n_outputs], [nn.Identity], self.scale, output_bias=self.bias)


@dataclass(frozen=True)
class MLP:
    """A multilayer perceptron; with the same seed and scale it begins as a DeepLinear does.

    Parameters
    ----------
    hidden : int or sequence of int
        Units in each hidden layer.
    activation : "tanh", "relu", "sigmoid" or "linear"
        Of the hidden layers.
    output : "linear", "sigmoid", "tanh" or "relu"
        Of the output layer.
    scale : float, optional
        Standard deviation of the initial weights; default as for `DeepLinear`.
    bias : bool
        Add a bias, initially 0, to every layer.

    Raises
    ------
    KeyError
        An unknown activation.

    Examples
    --------
    >>> MLP(hidden=16, activation="tanh")(8, 36)
    Sequential(
      (0): Linear(in_features=8, out_features=16, bias=False)
      (1): Tanh()
      (2): Linear(in_features=16, out_features=36, bias=False)
    )
    """

    hidden: int | Sequence[int] = 32
    activation: str = "tanh"
    output: str = "linear"
    scale: float | None = None
    bias: bool = False

    def __post_init__(self) -> None:
        _hidden_sizes(self.hidden)
        _check_scale(self.scale, deep=True)
        for asked in (self.activation, self.output):
            require(asked, ACTIVATIONS, kind="activation", where="MLP")

    def __call__(self, n_inputs: int, n_outputs: int) -> nn.Module:
        """Build the network for `n_inputs` and `n_outputs`."""
        sizes = [n_inputs, *_hidden_sizes(self.hidden), n_outputs]
        kinds = [ACTIVATIONS[self.activation]] * (len(sizes) - 2) + [ACTIVATIONS[self.output]]
        return _chain(sizes, kinds, self.scale, hidden_bias=self.bias, output_bias=self.bias)


def count_linear_layers(module: nn.Module) -> int | None:
    """Return how many weight matrices a chain of linear layers has; None for anything else.

    >>> count_linear_layers(DeepLinear([32, 32])(8, 36)), count_linear_layers(MLP()(8, 36))
    (3, None)
    """
    if isinstance(module, nn.Linear):
        return 1
    if isinstance(module, nn.Identity):
        return 0
    if type(module) is not nn.Sequential:
        return None
    counts = [count_linear_layers(part) for part in module]
    return None if None in counts else sum(count for count in counts if count is not None)


def _hidden_sizes(hidden: int | Sequence[int]) -> list[int]:
    sizes = list(hidden) if isinstance(hidden, Sequence) else [hidden]
    whole = all(isinstance(n, Integral) and not isinstance(n, bool) and n >= 1 for n in sizes)
    if not sizes or not whole:
        raise ValueError(
            f"hidden is the number of units (32) or one number for each hidden layer ([32, 32]), "
            f"all at least 1; got {hidden!r}. A network without hidden layers is Shallow()."
        )
    return [int(n) for n in sizes]


def _check_scale(scale: float | None, *, deep: bool) -> None:
    if scale is None:
        return
    if not (isinstance(scale, Real) and math.isfinite(scale) and scale >= 0):
        raise ValueError(f"scale is a standard deviation, at least 0; got {scale!r}")
    if deep and scale == 0:
        raise ValueError("a network with a hidden layer that starts at scale 0 never learns")


def _chain(
    sizes: Sequence[int],
    activations: Sequence[type[nn.Module]],
    scale: float | None,
    *,
    hidden_bias: bool = False,
    output_bias: bool = False,
) -> nn.Sequential:
    """Build Linear layers and activations; weights N(0, scale²) drawn first layer first."""
    depth = len(sizes) - 1
    if scale is None:
        width = sum(sizes[1:-1]) / (depth - 1)
        scale = math.sqrt(2 / width) * STRENGTH ** (1 / depth)
    layers: list[nn.Module] = []
    for k, activation in enumerate(activations):
        has_bias = output_bias if k == depth - 1 else hidden_bias
        linear = nn.utils.skip_init(nn.Linear, sizes[k], sizes[k + 1], bias=has_bias)
        with torch.no_grad():
            linear.weight.normal_(0.0, scale)
            if has_bias:
                linear.bias.zero_()
        layers.append(linear)
        if activation is not nn.Identity:
            layers.append(activation())
    return nn.Sequential(*layers)
