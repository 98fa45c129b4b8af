"""Counterparts: nonlinear networks that begin as a given linear one does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from semdev._names import require
from semdev.models.networks import DeepLinear


@dataclass(frozen=True)
class Counterpart:
    """A nonlinear network that begins with the weights of a linear one, and at its pace.

    The same seed gives the same weights as `linear`, and a hidden unit that is on begins with the
    linear unit's slope, 1:

    - tanh: f(z) = tanh z;
    - sigmoid: f(z) = 4 σ(z) − 2, the logistic function without its slope ¼, which would make
      learning many times slower, and its offset ½, which acts as one more input that is always
      on (in `MLP(activation="sigmoid")` mode 1 is learned through it at once, the others late);
    - relu: f(z) = max(z, 0). It is not linear near 0 at any scale, so that it parts from the
      linear network at once. A unit that is on grows at the linear unit's pace; doubling f, to
      give it a slope of 1 on average, would double that pace and be no fairer.

    So whatever parts tanh and sigmoid networks from the linear one is the bend of the units and
    nothing else. All of this is our choice.

    Parameters
    ----------
    linear : DeepLinear
        The network to follow.
    activation : "tanh", "sigmoid" or "relu"
        Of the hidden layers.

    Raises
    ------
    KeyError
        An unknown activation.
    TypeError
        `linear` is no DeepLinear.

    Examples
    --------
    >>> import semdev as sd
    >>> Counterpart(sd.DeepLinear(hidden=16), "tanh")(8, 36)
    Sequential(
      (0): Linear(in_features=8, out_features=16, bias=False)
      (1): Tanh()
      (2): Linear(in_features=16, out_features=36, bias=False)
    )
    """

    linear: DeepLinear
    activation: str = "tanh"

    def __post_init__(self) -> None:
        if not isinstance(self.linear, DeepLinear):
            raise TypeError(
                f"a Counterpart follows a DeepLinear(…), got {type(self.linear).__name__}"
            )
        require(self.activation, UNITS, kind="activation", where="Counterpart")

    def __call__(self, n_inputs: int, n_outputs: int) -> nn.Module:
        """Build the network for `n_inputs` and `n_outputs`."""
        layers: list[nn.Module] = []
        for part in self.linear(n_inputs, n_outputs).children():
            layers += [part, UNITS[self.activation]()]
        return nn.Sequential(*layers[:-1])


class CenteredSigmoid(nn.Module):
    """4 σ(z) − 2: a sigmoid unit with f(0) = 0 and slope 1 there."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return 2 tanh(z/2), which is the same."""
        return 2 * torch.tanh(z / 2)


UNITS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "sigmoid": CenteredSigmoid,
    "relu": nn.ReLU,
}
