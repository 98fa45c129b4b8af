"""Rules that descend the gradient of the loss, knowing it or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from semdev.learning_rules.scene import (
    Change,
    Rule,
    Scene,
    Tensor,
    check_positive,
    draw_normal,
    make_generators,
)


@dataclass(frozen=True, repr=False)
class Backpropagation(Rule):
    """The gradient of the loss, carried down layer by layer (Rumelhart, Hinton & Williams 1986).

    On networks that are no chain it is automatic differentiation. The other rules are held
    against it.

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("saxe2019")
    >>> history = sd.train(model, world, seeds=2, steps=300, rule=Backpropagation())
    >>> default = sd.train(model, world, seeds=2, steps=300)
    >>> float(abs(history["output"] - default["output"]).max())
    0.0
    """

    name = "backpropagation"

    def change(self, scene: Scene, memory: Any) -> Sequence[Change]:
        """Return minus the gradient, layer by layer."""
        return scene.spread(scene.carry_back(scene.weights))


@dataclass(frozen=True, repr=False)
class FiniteDifferences(Rule):
    """The gradient from the loss alone: ΔW = −[L(W + h) − L(W − h)] / 2h for each weight by itself.

    It knows nothing of layers, errors or derivatives, and goes where backpropagation goes: to 1e-9
    in float64. It costs two losses for each weight and step; in chains only what lies above the
    weight is computed again. Single precision is refused. The loss of a linear network is quadratic
    in any one weight, so there any `step` is exact but for rounding, and with initial weights far
    below 1e-4 a large one (1, say) is needed for the difference to rise above rounding.

    Parameters
    ----------
    step : float
        h, in units of the weights.

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=4), sd.load("saxe2019")
    >>> history = sd.train(model, world, seeds=1, steps=50, rule=FiniteDifferences(step=1.0))
    >>> exact = sd.train(model, world, seeds=1, steps=50)
    >>> float(abs(history["output"] - exact["output"]).max()) < 1e-9
    True
    """

    step: float = 1e-4
    name = "finite differences"

    def __post_init__(self) -> None:
        check_positive(self, "step")

    def begin(self, seeds: Sequence[int], parameters: Mapping[str, Tensor]) -> Any:
        """Refuse a precision in which differences of the loss are mostly rounding."""
        if any(p.dtype != torch.float64 for p in parameters.values()):
            raise ValueError(
                "finite differences of the loss drown in rounding in float32: train with "
                'dtype="float64"'
            )

    def change(self, scene: Scene, memory: Any) -> Sequence[Change]:
        """Return minus the differences, layer by layer."""
        found: list[Change] = []
        for k, bias in enumerate(scene.biases):
            below = scene.activities[k]
            if bias is not None:  # a bias is the weight of an input that is always 1
                below = torch.cat([below, torch.ones_like(below[..., :1])], -1)
            shift = self.step * below.mT  # seed × input × pattern
            received = scene.pass_on(k, scene.activities[k])
            next_up = None
            if k + 1 < len(scene.weights):
                next_up = scene.pass_on(k + 1, scene.activities[k + 1])[:, None]
            rows = []
            for unit in range(received.shape[-1]):
                up, down = (
                    self._lose(scene, k, unit, received[:, None, :, unit] + moved, next_up)
                    for moved in (shift, -shift)
                )
                rows.append(up - down)
            slopes = torch.stack(rows, 1) / (-2 * self.step)
            found.append((slopes, None) if bias is None else (slopes[..., :-1], slopes[..., -1]))
        return found

    def _lose(
        self, scene: Scene, k: int, unit: int, received: Tensor, next_up: Tensor | None
    ) -> Tensor:
        """Return the loss if a unit of layer k received that, seed × input (by what was moved).

        `next_up` is what the layer above receives as things are.
        """
        does = scene.activate(k, received)
        if next_up is None:
            wrong = scene.targets[:, unit] - does
            return (scene.taught[:, unit] * wrong**2).sum(-1) / 2
        risen = does - scene.activities[k + 1][:, None, :, unit]
        above = torch.addcmul(
            next_up, risen[..., None], scene.weights[k + 1][:, None, None, :, unit]
        )
        above = scene.activate(k + 1, above)
        for j in range(k + 2, len(scene.weights)):
            flat = scene.pass_on(j, above.flatten(1, 2))
            above = scene.activate(j, flat.unflatten(1, above.shape[1:3]))
        wrong = scene.targets - above
        return wrong.square_().mul_(scene.taught).sum((-1, -2)) / 2

    def change_any(
        self, parameters: Mapping[str, Tensor], measure: Callable[[], Tensor], memory: Any
    ) -> Mapping[str, Tensor]:
        """Return minus the differences, number by number."""
        found = {}
        for name, parameter in parameters.items():
            flat = parameter.view(len(parameter), -1)
            slope = torch.empty_like(flat)
            for k in range(flat.shape[1]):
                kept = flat[:, k].clone()
                flat[:, k] = kept + self.step
                above = measure()
                flat[:, k] = kept - self.step
                slope[:, k] = (measure() - above) / (2 * self.step)
                flat[:, k] = kept
            found[name] = slope.view_as(parameter)
        return found


@dataclass(frozen=True, repr=False)
class WeightPerturbation(Rule):
    """The gradient on average: all weights are nudged at random, and go where the loss fell.

    ΔW = −⟨[L(W + σξ) − L(W − σξ)] / 2σ · ξ⟩ over `draws` random ξ ~ N(0, 1) at each step: its
    expectation is the gradient (of the loss smoothed by σ; for a quadratic loss the gradient
    itself). One draw has about as many times the gradient's variance as there are weights, so
    few draws want a small learning rate (Jabri & Flower 1992; Cauwenberghs 1993).

    Parameters
    ----------
    draws : int
        Directions tried at each step; each costs two losses.
    sd : float
        σ, in units of the weights.

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=4, scale=0.1), sd.load("saxe2019")
    >>> rule = WeightPerturbation(draws=20)
    >>> history = sd.train(model, world, seeds=1, steps=200, learning_rate=0.01, rule=rule)
    >>> bool(history["loss"].isel(time=-1) < history["loss"].isel(time=0) / 2)
    True
    """

    draws: int = 8
    sd: float = 1e-4
    name = "weight perturbation"

    def __post_init__(self) -> None:
        check_positive(self, "sd")
        if not (isinstance(self.draws, int) and self.draws >= 1):
            raise ValueError(f"draws is how many directions are tried, got {self.draws!r}")

    def begin(self, seeds: Sequence[int], parameters: Mapping[str, Tensor]) -> Any:
        """Return a random generator for each seed."""
        return make_generators(seeds, self.name)

    def change_any(
        self, parameters: Mapping[str, Tensor], measure: Callable[[], Tensor], memory: Any
    ) -> Mapping[str, Tensor]:
        """Return the mean over draws of −(slope of the loss along ξ) ξ."""
        found = {name: torch.zeros_like(p) for name, p in parameters.items()}
        kept = {name: p.clone() for name, p in parameters.items()}
        for _ in range(self.draws):
            ways = {name: draw_normal(memory, p.shape[1:], p) for name, p in parameters.items()}
            losses = []
            for sign in (1, -1):
                for name, parameter in parameters.items():
                    parameter.copy_(kept[name] + sign * self.sd * ways[name])
                losses.append(measure())
            slope = (losses[0] - losses[1]) / (2 * self.sd * self.draws)
            for name, way in ways.items():
                found[name] -= slope.view(-1, *[1] * (way.ndim - 1)) * way
        for name, parameter in parameters.items():
            parameter.copy_(kept[name])
        return found
