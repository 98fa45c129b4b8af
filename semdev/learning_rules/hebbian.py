"""Rules of what fires together: contrastive, candidate and plain Hebbian learning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from semdev.learning_rules.scene import Change, Rule, Scene, Tensor, check_positive


@dataclass(frozen=True, repr=False)
class ContrastiveHebbian(Rule):
    """What fires together while the answer is clamped to the target, less what does while free.

    Layers feed back through their own weights, x_l = f(W_l x_{l−1} + b_l + γ W_{l+1}ᵀ x_{l+1}),
    until they rest; free, the answer is f(W_D x_{D−1} + b_D), clamped, it is the target:
    ΔW_l = γ^(l−D) Σ (x_l x_{l−1}ᵀ clamped − free) (Movellan 1991; Xie & Seung 2003). As γ → 0 it
    becomes the gradient, if output units are linear. What is recorded and measured is the answer
    without feedback, which differs from the one at rest by a share of about γ s in a mode of
    strength s.

    Parameters
    ----------
    feedback : float
        γ; above 1 / (largest singular value of the data) the layers come to no rest.

    Raises
    ------
    ArithmeticError
        The layers come to no rest.
    ValueError
        Some targets are not taught: a half-clamped answer is not defined.

    Examples
    --------
    With weak feedback it is gradient descent, nearly:

    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("saxe2019")
    >>> rule = ContrastiveHebbian(feedback=0.001)
    >>> history = sd.train(model, world, seeds=2, steps=200, learning_rate=0.02, rule=rule)
    >>> exact = sd.train(model, world, seeds=2, steps=200, learning_rate=0.02)
    >>> float(abs(history["output"] - exact["output"]).max()) < 0.01
    True
    """

    feedback: float = 0.01
    name = "contrastive hebbian"

    def __post_init__(self) -> None:
        check_positive(self, "feedback")

    def change(self, scene: Scene, memory: Any) -> Sequence[Change]:
        """Return clamped minus free, layer by layer."""
        frequency = _require_all_taught(scene, self.name)
        free = self._rest(scene, None)
        clamped = self._rest(scene, scene.targets.expand_as(scene.activities[-1]))
        found: list[Change] = []
        depth = len(scene.weights)
        for k in range(depth):
            gain = self.feedback ** (k + 1 - depth)
            on, off = (x[k + 1] * frequency[:, None] * gain for x in (clamped, free))
            found.append((on.mT @ clamped[k] - off.mT @ free[k], (on - off).sum(1)))
        return found

    def _rest(self, scene: Scene, answer: Tensor | None) -> list[Tensor]:
        """Return activities at rest, with the answer clamped or free."""
        state = list(scene.activities) if answer is None else [*scene.activities[:-1], answer]
        last = len(state) - 1
        tolerance = 30 * torch.finfo(state[0].dtype).eps
        size = len(state[0])
        awake = torch.ones(size, dtype=torch.bool, device=state[0].device)
        for _ in range(1000):
            moved = torch.zeros(size, dtype=state[0].dtype, device=state[0].device)
            for k in range(1, last if answer is not None else last + 1):
                received = scene.pass_on(k - 1, state[k - 1])
                if k < last:
                    received = received + self.feedback * state[k + 1] @ scene.weights[k]
                new = scene.activate(k - 1, received)
                largest = new.abs().amax((1, 2)).clamp(min=torch.finfo(new.dtype).tiny)
                moved = torch.maximum(moved, (new - state[k]).abs().amax((1, 2)) / largest)
                # A network at rest stays as it is, whoever else is still moving.
                state[k] = torch.where(awake[:, None, None], new, state[k])
            if not moved.isfinite().all():
                break
            awake = awake & (moved > tolerance)
            if not awake.any():
                return state
        raise ArithmeticError(
            f"with feedback {self.feedback:g} the layers come to no rest: they excite each other "
            "without end once γ times the square of a layer's weights exceeds 1; try "
            f"ContrastiveHebbian(feedback={self.feedback / 10:g})"
        )


@dataclass(frozen=True, repr=False)
class Candidate(Rule):
    """A point in the space of learning rules of Cao, Summerfield & Saxe (2020), one hidden layer.

    Two numbers span it, top-down feedback γ and a Hebbian part η:

        ΔW₁ = Σ W₂ᵀ(y − ŷ) xᵀ + η Σ (h xᵀ − diag(h²) W₁)
        ΔW₂ = Σ y (h + γ W₂ᵀy)ᵀ − ŷ (h + γ W₂ᵀŷ)ᵀ,   h = W₁x, ŷ = W₂h

    with Oja's normalisation for η ≥ 0, and η Σ h xᵀ / (1 + |w|²) unit by unit for η < 0, as in
    the authors' code. There η is not multiplied by the learning rate: theirs is λ times ours (at
    their λ = .005, their .001 is .2 here). (0, 0) is gradient descent, (1, 0) contrastive
    Hebbian, (−1, 0) quasi-predictive coding, (0, η > 0) Hebbian, (0, η < 0) anti-Hebbian.

    From small weights a mode grows as exp(2μt) with μ the larger eigenvalue of
    [[η, s], [s, γs²]] (derived here; `semdev.measures.learning_indices.growth_rate`).

    Parameters
    ----------
    feedback : float
        γ, no unit.
    hebbian : float
        η per unit of learning time.

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("saxe2019")
    >>> descent = sd.train(model, world, seeds=2, steps=300, rule=Candidate())
    >>> exact = sd.train(model, world, seeds=2, steps=300)
    >>> float(abs(descent["output"] - exact["output"]).max()) < 1e-9
    True
    """

    feedback: float = 0.0
    hebbian: float = 0.0
    name = "candidate"

    def __post_init__(self) -> None:
        for setting in ("feedback", "hebbian"):
            if not math.isfinite(getattr(self, setting)):
                raise ValueError(f"{setting} must be a finite number")

    def change(self, scene: Scene, memory: Any) -> Sequence[Change]:
        """Return the changes of W₁ and W₂."""
        frequency = _require_all_taught(scene, self.name)
        _refuse_biases(scene, self.name)
        if len(scene.weights) != 2 or any(scene.activations):
            raise ValueError(
                "the candidate rules are defined for linear networks with one hidden layer, such "
                "as DeepLinear(hidden=32)"
            )
        x, h, answer = scene.activities
        w1, w2 = scene.weights
        often = frequency[:, None]
        y = scene.targets.expand_as(answer)
        first = (scene.error @ w2).mT @ x
        above = (often * y).mT @ (h + self.feedback * y @ w2)
        second = above - (often * answer).mT @ (h + self.feedback * answer @ w2)
        if self.hebbian > 0:
            first = first + self.hebbian * _oja(h, x, w1, often)
        elif self.hebbian < 0:
            length = 1 + (w1**2).sum(-1, keepdim=True)
            first = first + self.hebbian * (often * h).mT @ x / length
        return [first, second]


@dataclass(frozen=True, repr=False)
class Hebbian(Rule):
    """Units that fire together are wired together, whatever the error.

    ΔW_l = Σ (x_l x_{l−1}ᵀ − diag(x_l²) W_l), Hebb's rule with Oja's (1982) normalisation, which
    keeps the weights of each unit bounded; while learning the answer is clamped to the target,
    x_D = y. This variant is ours: Hebb's rule alone has none that is bounded. It does not reach
    the targets: a property ends with the mean hidden layer of its items.

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("saxe2019")
    >>> history = sd.train(model, world, seeds=2, steps=300, learning_rate=0.02, rule=Hebbian())
    >>> bool((history["loss"].isel(time=-1) > 1).all())
    True
    """

    name = "hebbian"

    def change(self, scene: Scene, memory: Any) -> Sequence[Change]:
        """Return the changes, layer by layer."""
        _refuse_biases(scene, self.name)
        frequency = scene.taught.amax(1)[:, None]
        hidden = [
            _oja(post, below, weights, frequency)
            for below, post, weights in zip(
                scene.activities, scene.activities[1:-1], scene.weights, strict=False
            )
        ]
        clamped = scene.targets.expand_as(scene.activities[-1])
        return [*hidden, _oja(clamped, scene.activities[-2], scene.weights[-1], scene.taught)]


def _oja(post: Tensor, below: Tensor, weights: Tensor, often: Tensor) -> Tensor:
    """Return Σ often (post belowᵀ − diag(post²) W)."""
    return (often * post).mT @ below - (often * post**2).sum(1)[..., None] * weights


def _require_all_taught(scene: Scene, name: str) -> Tensor:
    """Return how often each pattern is met; refuse patterns whose answer is taught in part."""
    frequency = scene.taught[:, 0]
    if not torch.equal(scene.taught, frequency[:, None].expand_as(scene.taught)):
        raise ValueError(f"{name} clamps whole answers; these patterns teach some cells only")
    return frequency


def _refuse_biases(scene: Scene, name: str) -> None:
    if any(bias is not None for bias in scene.biases):
        raise ValueError(f"{name} is defined for weights alone; make the network with bias=False")
