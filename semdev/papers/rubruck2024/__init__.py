"""Claim: before networks tell inputs apart they answer with the base rates, like a constant.

Rubruck, J., Bauer, J. P., Saxe, A. & Summerfield, C. (2024). Early learning of the optimal
constant solution in neural networks and humans. arXiv 2406.17467 (Cognitive Computational
Neuroscience, 2025).

Held here are the claims of its abstract about networks: an early phase in which responses
mirror the distribution of targets and ignore the input, caused by bias terms even if they start
at zero, in linear and nonlinear networks, and "even in the absence of bias terms … equivalently
driven by generic correlations in the input data". Not matched: the convolutional networks on
images, and the human learners, whose data are not available. The paper's figure numbers, sizes,
learning rates and exact solution are unconfirmed: figures here follow the order of its argument,
closed forms and measures are our own (`solve_biased`, `solve_shallow`, `base_rates`), and its
hierarchical task is taken to be eight items with a label at each of three levels (2, 4 and 8
labels), of `cao2020` without the property that all items share. What the phase does to
overgeneralization (figure 2) is our question, not the paper's.
"""

from semdev.papers.rubruck2024.phase import fig1, fig1_checks, fig1_data
from semdev.papers.rubruck2024.switches import fig2, fig2_checks, fig2_data

__all__ = ["fig1", "fig1_checks", "fig1_data", "fig2", "fig2_checks", "fig2_data"]
