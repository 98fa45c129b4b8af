"""How it looks: pure drawing functions, `(History or measure, *, ax=None) → Axes`.

Each draws one idea into the Axes it is given, or into a new figure one column (3.4 inches) wide,
and returns the Axes; what is drawn was computed in `semdev.measures`. Where a History holds
several seeds, curves are medians with the band that holds the central 95 % of them.
"""

from __future__ import annotations

from semdev.plots.agreement import layer_agreement, network_agreement
from semdev.plots.animation import Animation, animate
from semdev.plots.base_rates import base_rates
from semdev.plots.behaviour import age_maps, answers, model_scores
from semdev.plots.beliefs import beliefs
from semdev.plots.comparison import comparison
from semdev.plots.dementia import naming_errors, retention
from semdev.plots.dendrograms import dendrograms
from semdev.plots.differentiation import differentiation
from semdev.plots.loss import loss
from semdev.plots.mds import mds
from semdev.plots.modes import modes
from semdev.plots.naming import naming_bars, naming_curves, overextension
from semdev.plots.plateaus import plateaus
from semdev.plots.projection import projection, projection_gradient
from semdev.plots.representations import representation_bars
from semdev.plots.saving import save_figure
from semdev.plots.similarity import similarity
from semdev.plots.singular_values import singular_values
from semdev.plots.spectrum import spectrum
from semdev.plots.styles import style
from semdev.plots.typicality import typicality

__all__ = [
    "Animation",
    "age_maps",
    "animate",
    "answers",
    "base_rates",
    "beliefs",
    "comparison",
    "dendrograms",
    "differentiation",
    "layer_agreement",
    "loss",
    "mds",
    "model_scores",
    "modes",
    "naming_bars",
    "naming_curves",
    "naming_errors",
    "network_agreement",
    "overextension",
    "plateaus",
    "projection",
    "projection_gradient",
    "representation_bars",
    "retention",
    "save_figure",
    "similarity",
    "singular_values",
    "spectrum",
    "style",
    "typicality",
]
