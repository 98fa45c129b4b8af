"""Feedback alignment: errors through random weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
class FeedbackAlignment(Rule):
    """Errors go down through random weights that never change: δ_{l−1} = f′ ⊙ B_l δ_l.

    Lillicrap, Cownden, Tweed & Akerman (2016). B_l is drawn from the seed, of the shape of W_lᵀ,
    with entries N(0, scale²/n), n the number of units it leads to, so that with scale 1 an error
    keeps its length on average. From small weights W₁ grows steadily and W₂ after it, so that a
    mode's strength goes with s³|Bu|² t³/2 at first (derived here): times go with s^(−2/3), not
    with 1/s, and nothing has to be waited for however small the start.

    Parameters
    ----------
    scale : float
        Length of what is fed back, relative to the error.

    Examples
    --------
    Small weights are no reason to wait:

    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("saxe2019")
    >>> rule = FeedbackAlignment()
    >>> fed = sd.train(model, world, seeds=3, steps=300, learning_rate=0.02, rule=rule)
    >>> exact = sd.train(model, world, seeds=3, steps=300, learning_rate=0.02)
    >>> late = [sd.transitions(each)["half_time"].isel(mode=0) for each in (fed, exact)]
    >>> bool((late[0] < late[1]).all())
    True
    """

    scale: float = 1.0
    name = "feedback alignment"

    def __post_init__(self) -> None:
        check_positive(self, "scale")

    def begin(self, seeds: Sequence[int], parameters: Mapping[str, Tensor]) -> Any:
        """Return the feedback matrices, of the shapes of the weights."""
        generators = make_generators(seeds, self.name)
        matrices = [p for p in parameters.values() if p.ndim == 3]
        return [
            draw_normal(generators, w.shape[1:], w) * self.scale / math.sqrt(w.shape[2])
            for w in matrices
        ]

    def change(self, scene: Scene, memory: Any) -> Sequence[Change]:
        """Return the changes, layer by layer."""
        return scene.spread(scene.carry_back(memory))
