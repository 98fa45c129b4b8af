"""Networks: factories that build plain nn.Modules once the data's size is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import cast

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
INITIALIZATIONS = ("gaussian", "orthogonal", "balanced")


@dataclass(frozen=True)
class DeepLinear:
    """A deep linear network: ŷ = W_D … W₂ W₁ x (Saxe, McClelland & Ganguli 2014, 2019).

    Parameters
    ----------
    hidden : int or sequence of int
        Units in each hidden layer; ``32`` has one hidden layer (two weight matrices), ``[32, 32]``
        two.
    scale : float, optional
        How large the initial weights are; what it measures depends on `initialization`.
    bias : bool
        Add a bias to the output layer, initially 0. (It changes what overgeneralizes.)
    initialization : "gaussian", "orthogonal" or "balanced"
        How the initial weights are drawn:

        - "gaussian": each independently from N(0, scale²). Default scale: such that with one
          hidden layer every mode begins at about strength 1e-5, (2e-5)^(1/D) / √N_h for D
          weight matrices and N_h hidden units; small enough for stages to be seen. With more
          hidden layers modes start less alike: to lay theory over such a network use
          ``solve(…, initial="exact")``.
        - "orthogonal": each matrix is scale × a random orthogonal one, drawn uniformly; a matrix
          that is not square has orthonormal rows or columns. So each layer has the strength
          B = scale, a network of square layers the strength B^D in every direction, and depth
          costs few updates at B = 1, the default (Saxe, McClelland & Ganguli 2014). Where inputs,
          hidden layers and outputs are all of one number and all modes are to be learned, half of
          the seeds stay in a saddle: matching layers keep the sign of their determinant.
        - "balanced": W_l = scale × R_{l+1} R_lᵀ with random orthonormal R_l of as many columns as
          the narrowest layer (inputs and outputs counted) has units. Adjacent layers then match,
          W_l W_lᵀ = W_{l+1}ᵀ W_{l+1}, which gradient descent conserves and exact theory asks
          for; all strengths of the product are scale^D. Default scale: (1e-5)^(1/D).

        For weights that decouple the modes of given data see `semdev.aligned_weights`.

    Raises
    ------
    KeyError
        An unknown initialization.
    ValueError
        Hidden layers without units, or a scale that is not above 0.

    Examples
    --------
    >>> net = DeepLinear(hidden=32)(8, 36)    # 8 inputs, 36 outputs
    >>> [tuple(weights.shape) for weights in net.parameters()]
    [(32, 8), (36, 32)]
    """

    hidden: int | Sequence[int] = 32
    scale: float | None = None
    bias: bool = False
    initialization: str = "gaussian"

    def __post_init__(self) -> None:
        _hidden_sizes(self.hidden)
        _check_scale(self.scale, deep=True)
        require(self.initialization, INITIALIZATIONS, kind="initialization", where="DeepLinear")

    def __call__(self, n_inputs: int, n_outputs: int) -> nn.Module:
        """Build the network for `n_inputs` and `n_outputs`."""
        sizes = [n_inputs, *_hidden_sizes(self.hidden), n_outputs]
        kinds = [nn.Identity] * (len(sizes) - 1)
        return _chain(sizes, kinds, self.scale, self.initialization, output_bias=self.bias)


@dataclass(frozen=True)
class Shallow:
    """A shallow network: ŷ = W x, no hidden layer.

    Parameters
    ----------
    scale : float
        Standard deviation of the initial weights.
    bias : bool
        Add an output bias, initially 0: then every item overgeneralizes alike.
    output : "linear", "sigmoid", "tanh" or "relu"
        Of the outputs; "sigmoid" is logistic regression.

    Examples
    --------
    >>> [tuple(weights.shape) for weights in Shallow()(8, 36).parameters()]
    [(36, 8)]
    """

    scale: float = STRENGTH
    bias: bool = False
    output: str = "linear"

    def __post_init__(self) -> None:
        _check_scale(self.scale, deep=False)
        require(self.output, ACTIVATIONS, kind="activation", where="Shallow")

    def __call__(self, n_inputs: int, n_outputs: int) -> nn.Module:
        """Build the network for `n_inputs` and `n_outputs`."""
        return _chain(
            [n_inputs, n_outputs], [ACTIVATIONS[self.output]], self.scale, "gaussian",
            output_bias=self.bias,
        )  # fmt: skip


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
        How large the initial weights are; defaults as for `DeepLinear`.
    bias : bool
        Add a bias, initially 0, to every layer.
    initialization : "gaussian", "orthogonal" or "balanced"
        As for `DeepLinear`. With tanh units and orthogonal weights the gain `scale` = 1 divides
        vanishing from chaotic signals (Saxe, McClelland & Ganguli 2014).

    Raises
    ------
    KeyError
        An unknown activation or initialization.

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
    initialization: str = "gaussian"

    def __post_init__(self) -> None:
        _hidden_sizes(self.hidden)
        _check_scale(self.scale, deep=True)
        require(self.initialization, INITIALIZATIONS, kind="initialization", where="MLP")
        for asked in (self.activation, self.output):
            require(asked, ACTIVATIONS, kind="activation", where="MLP")

    def __call__(self, n_inputs: int, n_outputs: int) -> nn.Module:
        """Build the network for `n_inputs` and `n_outputs`."""
        sizes = [n_inputs, *_hidden_sizes(self.hidden), n_outputs]
        kinds = [ACTIVATIONS[self.activation]] * (len(sizes) - 2) + [ACTIVATIONS[self.output]]
        return _chain(
            sizes, kinds, self.scale, self.initialization,
            hidden_bias=self.bias, output_bias=self.bias,
        )  # fmt: skip


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
        raise ValueError(
            f"scale is a standard deviation (with orthogonal or balanced weights a layer's "
            f"strength), at least 0; got {scale!r}"
        )
    if deep and scale == 0:
        raise ValueError("a network with a hidden layer that starts at scale 0 never learns")


def _chain(
    sizes: Sequence[int],
    activations: Sequence[type[nn.Module]],
    scale: float | None,
    initialization: str,
    *,
    hidden_bias: bool = False,
    output_bias: bool = False,
) -> nn.Sequential:
    """Build Linear layers and activations; weights are drawn first layer first."""
    depth = len(sizes) - 1
    if scale is None:
        scale = _usual_scale(sizes, initialization)
    kept = None  # the orthonormal frame in which a balanced layer ends and the next begins
    if initialization == "balanced":
        kept = _draw_orthonormal(sizes[0], min(sizes))
    layers: list[nn.Module] = []
    for k, activation in enumerate(activations):
        has_bias = output_bias if k == depth - 1 else hidden_bias
        linear = make_linear(sizes[k], sizes[k + 1], bias=has_bias)
        with torch.no_grad():
            if kept is not None:
                below, kept = kept, _draw_orthonormal(sizes[k + 1], min(sizes))
                linear.weight.copy_(scale * kept @ below.T)
            elif initialization == "orthogonal":
                linear.weight.copy_(scale * _draw_orthonormal(sizes[k + 1], sizes[k]))
            else:
                linear.weight.normal_(0.0, scale)
            if has_bias:
                linear.bias.zero_()
        layers.append(linear)
        if activation is not nn.Identity:
            layers.append(activation())
    return nn.Sequential(*layers)


class _Undrawn(nn.Linear):
    """An nn.Linear whose weights are whatever was in memory."""

    def reset_parameters(self) -> None:
        """Draw nothing."""


def make_linear(n_in: int, n_out: int, *, bias: bool) -> nn.Linear:
    """Return an nn.Linear that is still to be given weights, without drawing any.

    As nn.utils.skip_init does, in a fifth of the time (25 µs), which counts for hundreds of seeds.
    """
    linear: nn.Module = _Undrawn(n_in, n_out, bias=bias)
    linear.__class__ = nn.Linear
    return cast(nn.Linear, linear)


def _usual_scale(sizes: Sequence[int], initialization: str) -> float:
    depth = len(sizes) - 1
    if initialization == "orthogonal":
        return 1.0
    if initialization == "balanced":
        return STRENGTH ** (1 / depth)
    width = sum(sizes[1:-1]) / (depth - 1)
    return (2 * STRENGTH) ** (1 / depth) / math.sqrt(width)


def _draw_orthonormal(rows: int, columns: int) -> torch.Tensor:
    """Draw a matrix with orthonormal columns (or rows, if there are fewer), uniformly."""
    drawn = torch.randn(max(rows, columns), min(rows, columns), dtype=torch.float64)
    q, r = torch.linalg.qr(drawn)
    q = q * torch.sign(torch.diagonal(r))  # else the signs would follow the algorithm
    return q if rows >= columns else q.T
