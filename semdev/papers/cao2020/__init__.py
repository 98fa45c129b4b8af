"""Claim: progressive differentiation and illusory beliefs are marks of gradient descent.

Cao, Y., Summerfield, C. & Saxe, A. (2020). Characterizing emergent representations in a space of
candidate learning rules for deep networks. NeurIPS 33.

Matched, from the authors' published code: the fifteen properties of eight items, 32 hidden units,
initial weights 1e-10 × N(0, 1) / √units, learning rate .005, the rules (top-down feedback γ,
Hebbian part η), the indices. Not matched: the authors' figures show one run for each of some
12 000 rules, ours some forty rules with several seeds each; the learning rate is .04 where
finite differences (a thousand losses a step) are held against backpropagation, .02 for the other
rules, and .005 where a published number is held against ours. Feedback alignment (Lillicrap et
al. 2016) and purely Hebbian learning (ours) are not among the authors' rules. Growth rates and all
closed forms are derived here. What is predicted is gradient descent, by whatever means: by
backpropagation, by finite differences of the loss, or by contrastive Hebbian learning with weak
feedback.
"""

from __future__ import annotations

from semdev.papers.cao2020.robustness import fig3, fig3_checks, fig3_data
from semdev.papers.cao2020.rules import fig1, fig1_checks, fig1_data
from semdev.papers.cao2020.space import fig2, fig2_checks, fig2_data
