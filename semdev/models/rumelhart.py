"""Rumelhart's network: an item and a relation in, attributes out; noise on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

import torch
from torch import nn

from semdev._names import require
from semdev.models.networks import ACTIVATIONS, make_linear

VARIANCE = 0.9
BIAS = -2.0


def is_number(value: object) -> bool:
    """Return whether a value is a finite number, and no bool."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


class Noise(nn.Module):
    """A layer that adds Gaussian noise to what passes through it, while `train` trains it.

    `train` draws fresh noise for every pattern of every sweep, from each network's own seed; what
    is recorded in a History are answers without noise. Outside of `train` it changes nothing.

    Parameters
    ----------
    scale : float
        Standard deviation of the noise, in units of the activity it is added to.

    Examples
    --------
    >>> noisy = nn.Sequential(nn.Linear(8, 16), nn.Sigmoid(), Noise(0.05), nn.Linear(16, 36))
    """

    sample: torch.Tensor
    scale: float

    def __init__(self, scale: float) -> None:
        super().__init__()
        if not (is_number(scale) and 0 <= scale < math.inf):
            raise ValueError(f"noise is a standard deviation, at least 0; got {scale!r}")
        self.scale = float(scale)
        self.register_buffer("sample", torch.zeros(()), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x plus the noise of this update."""
        return x + self.sample

    def extra_repr(self) -> str:
        """Return what the layer says of itself."""
        return f"scale={self.scale:g}"


@dataclass(frozen=True)
class Rumelhart:
    """Rumelhart's network (Rumelhart & Todd 1993; Rogers & McClelland 2004, Semantic Cognition).

    An item unit feeds a representation layer; representation and relation unit feed a hidden
    layer, and that the attributes:

        r = f(W_r x_item + b),   h = f(W_h [r, x_relation] + b),   ŷ = σ(W_a h + b).

    `train` shows it every item with every relation (`make_patterns(data, relations=True)`), teaches
    the attributes of that relation and all others off, and trains by default for a time of 600, or
    6000 updates at a learning rate of .1, the published one; give other patterns to change what is
    shown. By then some networks (with `rumelhart8` about a third) still lack one or two of the
    facts that are true of a single item.

    Parameters
    ----------
    representation, hidden : int
        Units in the two layers: 8 and 15 with the corpus of 8 items. The sizes used in the book
        with 21 items are not confirmed; 16 and 16 serve.
    activation : "sigmoid", "tanh", "relu" or "linear"
        Of both layers. Attributes are always sigmoid (logistic) units.
    bias : number, "free" or None
        A number is the bias of every unit, and is not learned: −2, the published one, keeps units
        off by default. "free" biases are learned, from 0. None: there is none.
    variance, uniform : float, optional
        How large the initial weights are, drawn uniformly around 0: by their variance, or by the
        end u of their range [−u, u] (variance u²/3). One of the two; default: variance .9. The
        sources speak of a "variance of .9", which some read as a range of ±.9, a variance of .27.
        It matters: on `rumelhart8` "pine has leaves" peaks at .52 about update 320, with ±.9 at
        .63 about 510, with ±.1 at .72 about 1560 (medians of 50 networks), and the published
        time courses of names speak for ±.9 (figures 2 and 3 of `semdev.papers.mcclelland2003`,
        8 of `semdev.papers.rogers2004`).
    noise : float
        Standard deviation of Gaussian noise added to the representation while learning; .05 with
        21 items in the book.

    Raises
    ------
    KeyError
        An unknown activation.
    ValueError
        Layers without units, a bias, noise or weights that are none, or patterns that show no
        relation.

    Examples
    --------
    >>> net = Rumelhart()(12, 36, n_relations=4)    # 8 items, 4 relations; 36 attributes
    >>> {name: tuple(p.shape) for name, p in net.named_parameters() if p.ndim == 2}
    {'representation.weight': (8, 8), 'hidden.weight': (15, 12), 'attributes.weight': (36, 15)}
    """

    representation: int = 8
    hidden: int = 15
    activation: str = "sigmoid"
    bias: float | str | None = BIAS
    variance: float | None = None
    uniform: float | None = None
    noise: float = 0.0

    usual: ClassVar[dict[str, float]] = {"learning_rate": 0.1, "time": 600.0}

    def __post_init__(self) -> None:
        for name in ("representation", "hidden"):
            units = getattr(self, name)
            if not isinstance(units, Integral) or isinstance(units, bool) or int(units) < 1:
                raise ValueError(f"{name} is a number of units, at least 1; got {units!r}")
        require(self.activation, ACTIVATIONS, kind="activation", where="Rumelhart")
        known = self.bias is None or (isinstance(self.bias, str) and self.bias == "free")
        if not known and not is_number(self.bias):
            raise ValueError(
                f'bias is a number (fixed), "free" (learned) or None (absent); got {self.bias!r}'
            )
        if self.variance is not None and self.uniform is not None:
            raise ValueError(
                "initial weights are given by their variance or by the end of their range "
                "(uniform), not by both"
            )
        fixed = is_number(self.bias) and float(self.bias or 0) < 0
        if self.activation == "relu" and fixed:
            raise ValueError(
                f"relu units with a fixed bias of {self.bias:g} are off and stay off: give "
                'bias="free", or 0'
            )
        for name in ("variance", "uniform"):
            size = getattr(self, name)
            if size is not None and not (is_number(size) and 0 < size < math.inf):
                raise ValueError(f"{name} must be a number above 0; got {size!r}")
        Noise(self.noise)

    @property
    def reach(self) -> float:
        """The end u of the range [−u, u] of the initial weights."""
        if self.uniform is not None:
            return float(self.uniform)
        return math.sqrt(3 * (VARIANCE if self.variance is None else self.variance))

    def __call__(self, n_inputs: int, n_outputs: int, n_relations: int) -> nn.Module:
        """Build the network for `n_inputs` of which the last `n_relations` are relations."""
        if not 0 < n_relations < n_inputs:
            raise ValueError(
                f"Rumelhart's network is shown an item and a relation, and these patterns have "
                f"{n_relations} relations among {n_inputs} inputs: make them with "
                "make_patterns(data, relations=True)"
            )
        return RumelhartNet(self, n_inputs - n_relations, n_relations, n_outputs)


class RumelhartNet(nn.Module):
    """The network itself, a plain module (see `Rumelhart`)."""

    def __init__(self, of: Rumelhart, n_items: int, n_relations: int, n_attributes: int) -> None:
        super().__init__()
        self.n_items = n_items
        self.representation = self._connect(of, n_items, of.representation)
        self.hidden = self._connect(of, of.representation + n_relations, of.hidden)
        self.attributes = self._connect(of, of.hidden, n_attributes)
        self.activation = ACTIVATIONS[of.activation]()
        self.noise = Noise(of.noise) if of.noise else nn.Identity()

    @staticmethod
    def _connect(of: Rumelhart, n_in: int, n_out: int) -> nn.Linear:
        layer = make_linear(n_in, n_out, bias=of.bias is not None)
        with torch.no_grad():
            layer.weight.uniform_(-of.reach, of.reach)
            if of.bias == "free":
                layer.bias.zero_()
            elif of.bias is not None:
                layer.bias.fill_(float(of.bias))
                layer.bias.requires_grad_(False)
        return layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return attributes (pattern × attribute) of items and relations (pattern × input)."""
        items, relations = x[..., : self.n_items], x[..., self.n_items :]
        r = self.noise(self.activation(self.representation(items)))
        h = self.activation(self.hidden(torch.cat([r, relations], dim=-1)))
        return torch.sigmoid(self.attributes(h))
