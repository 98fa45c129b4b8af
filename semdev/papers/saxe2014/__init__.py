"""Claim: learning in deep linear networks has exact solutions: how fast, how deep, from where.

Saxe, A. M., McClelland, J. L. & Ganguli, S. (2014). Exact solutions to the nonlinear dynamics of
learning in deep linear neural networks. ICLR. All seven figures of the main text, and two of ours:
figure S1 (the landscape: plateaus, saddles, restarts, the bottleneck) and figure S2 (linear
against nonlinear networks).

Not matched: where the paper learns MNIST (figures 4–6) we use worlds that need no download, and
smaller ones. What else could not be matched, and why, is said of each figure in its own module.
"""

from __future__ import annotations

from semdev.papers.saxe2014.depth import fig4, fig4_checks, fig4_data
from semdev.papers.saxe2014.dynamics import fig3, fig3_checks, fig3_data
from semdev.papers.saxe2014.initializations import fig6, fig6_checks, fig6_data
from semdev.papers.saxe2014.jacobians import fig7, fig7_checks, fig7_data
from semdev.papers.saxe2014.landscape import figS1, figS1_checks, figS1_data
from semdev.papers.saxe2014.nonlinearity import figS2, figS2_checks, figS2_data
from semdev.papers.saxe2014.pretraining import fig5, fig5_checks, fig5_data
from semdev.papers.saxe2014.statistics import (
    fig1,
    fig1_checks,
    fig1_data,
    fig2,
    fig2_checks,
    fig2_data,
)
