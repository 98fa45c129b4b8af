"""Learning rules: what changes a network's weights, by the gradient or otherwise.

A rule is given to `train(…, rule=…)` by name (`RULES`), or as an object of your own. With W_l the
weights of layer l, x_l what its units do (x_0 the input, x_D the answer ŷ), e = y − ŷ the error
(times frequency, where taught) and sums over patterns, the rules are

- backpropagation: ΔW_l = Σ δ_l x_{l−1}ᵀ, δ_{l−1} = f′ ⊙ W_lᵀ δ_l, δ_D = f′ ⊙ e: the gradient
- finite differences: the same gradient, from nothing but the loss, weight by weight
- weight perturbation: the gradient on average, from the loss along random directions
- feedback alignment: δ_{l−1} = f′ ⊙ B_l δ_l with random B_l that stay as they are
- contrastive hebbian: what fires together with the answer clamped, less what does without
- candidate: the space of rules of Cao, Summerfield & Saxe (2020), and in it by name
  quasi-predictive coding and anti-hebbian
- hebbian: units that fire together, no error at all

What a rule returns is multiplied by the learning rate and added to the weights. Whatever is
random in a rule is drawn from the network's seed, by a generator of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from semdev._names import require
from semdev.learning_rules.feedback import FeedbackAlignment
from semdev.learning_rules.gradients import Backpropagation, FiniteDifferences, WeightPerturbation
from semdev.learning_rules.hebbian import Candidate, ContrastiveHebbian, Hebbian
from semdev.learning_rules.scene import Rule, Scene

__all__ = [
    "RULES", "Backpropagation", "Candidate", "ContrastiveHebbian", "FeedbackAlignment",
    "FiniteDifferences", "Hebbian", "Rule", "Scene", "WeightPerturbation", "get_rule",
]  # fmt: skip

RULES: dict[str, Callable[[], Rule]] = {
    "backpropagation": Backpropagation,
    "finite differences": FiniteDifferences,
    "weight perturbation": WeightPerturbation,
    "feedback alignment": FeedbackAlignment,
    "contrastive hebbian": ContrastiveHebbian,
    "quasi-predictive coding": lambda: Candidate(feedback=-1.0),
    "hebbian": Hebbian,
    "anti-hebbian": lambda: Candidate(hebbian=-0.2),
}


def get_rule(rule: str | Rule | type[Rule]) -> Rule:
    """Return a rule by its name (`RULES`), or the one that is given.

    Raises
    ------
    KeyError
        No rule of that name; the nearest match is suggested.
    TypeError
        Something else that is no rule.

    Examples
    --------
    >>> get_rule("feedback alignment")
    feedback alignment (scale=1.0)
    """
    if isinstance(rule, str):
        require(rule, RULES, kind="learning rule", where="semdev")
        return RULES[rule]()
    found = rule() if isinstance(rule, type) and issubclass(rule, Rule) else rule
    if not isinstance(found, Rule):
        raise TypeError(
            f"a learning rule is a name ({', '.join(RULES)}) or an object of a subclass of "
            f"semdev.learning_rules.Rule; got {rule!r}"
        )
    if not (found.knows_layers or found.knows_any):
        raise TypeError(
            f"{type(found).__name__} writes neither change(scene, memory) nor "
            "change_any(parameters, measure, memory), so it changes nothing"
        )
    return found
