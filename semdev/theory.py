"""Closed-form theory: what can be said of linear networks and of worlds without training one.

A whole History
    `solve`; `solve_shallow` and `solve_biased` (an output bias, correlated inputs)
One mode at a time
    `mode_strength`, `time_to_reach`; with unequal layers `chain_strengths`, `time_chain`
Depth
    `time_depths`, `time_infinite_depth`, `slow_exponentially`, `bound_learning_rate`
The modes of data, and where they start in given weights
    `decompose`, `match_modes`, `effective_initial_strength`
Weights
    `aligned_weights`, `chain_weights`
The modes of worlds
    `branching_singular_values`, `form_singular_values`, `cross_cutting_singular_values`,
    `crossed_tree_singular_values`, `predict_singular_values`
Categories in noise
    `predict_detection`, `predict_spike`
Plateaus and saddles
    `predict_plateaus`, `separating_start`, `predict_curvature`
"""

from __future__ import annotations

from semdev.models.chains import aligned_weights, chain_weights
from semdev.models.closed_forms import branching_singular_values, mode_strength, time_to_reach
from semdev.models.coherence import predict_detection, predict_spike
from semdev.models.constant import predict_shallow_peak, solve_biased, solve_shallow
from semdev.models.decomposition import (
    bound_learning_rate,
    decompose,
    effective_initial_strength,
    match_modes,
)
from semdev.models.depth import slow_exponentially, time_depths, time_infinite_depth
from semdev.models.plateaus import predict_curvature, predict_plateaus, separating_start
from semdev.models.single_units import chain_strengths, time_chain
from semdev.models.solving import solve
from semdev.models.spectra import (
    cross_cutting_singular_values,
    crossed_tree_singular_values,
    form_singular_values,
    predict_singular_values,
)

__all__ = [
    "aligned_weights",
    "bound_learning_rate",
    "branching_singular_values",
    "chain_strengths",
    "chain_weights",
    "cross_cutting_singular_values",
    "crossed_tree_singular_values",
    "decompose",
    "effective_initial_strength",
    "form_singular_values",
    "match_modes",
    "mode_strength",
    "predict_curvature",
    "predict_detection",
    "predict_plateaus",
    "predict_shallow_peak",
    "predict_singular_values",
    "predict_spike",
    "separating_start",
    "slow_exponentially",
    "solve",
    "solve_biased",
    "solve_shallow",
    "time_chain",
    "time_depths",
    "time_infinite_depth",
    "time_to_reach",
]
