"""Claim: depth and gradient descent alone explain broad-before-fine, stage-like development.

Saxe, A. M., McClelland, J. L. & Ganguli, S. (2019). A mathematical theory of semantic
development in deep neural networks. PNAS 116(23), 11537–11546.

Matched: the four-item world, the branching-diffusion world (binary, three levels, flip
probability .15), the analytic curves. Not matched: the paper's learning rates, hidden sizes,
initial weights and the number of its seeds are unconfirmed, and so are its figure numbers and
captions; ours follow the order of its argument. We use `DeepLinear(hidden=32)` with its default
small initial weights, the default learning rate, and 50 seeds; that conclusions do not hang on
this is what the ensembles, the closed forms and the shallow controls are for.
"""

from __future__ import annotations

from semdev.papers.saxe2019.basic_level import fig8, fig8_checks, fig8_data
from semdev.papers.saxe2019.coherence import fig7, fig7_checks, fig7_data
from semdev.papers.saxe2019.development import (
    fig4,
    fig4_checks,
    fig4_data,
    fig5,
    fig5_checks,
    fig5_data,
)
from semdev.papers.saxe2019.generalization import fig10, fig10_checks, fig10_data
from semdev.papers.saxe2019.individuals import fig11, fig11_checks, fig11_data
from semdev.papers.saxe2019.learning import (
    fig1,
    fig1_checks,
    fig1_data,
    fig2,
    fig2_checks,
    fig2_data,
    fig3,
    fig3_checks,
    fig3_data,
)
from semdev.papers.saxe2019.structure import fig9, fig9_checks, fig9_data
from semdev.papers.saxe2019.typicality import fig6, fig6_checks, fig6_data
