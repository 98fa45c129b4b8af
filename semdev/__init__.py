"""semdev: models of semantic development.

There is something to learn (`load`, `Dataset`, `trees`), someone learns it (`train`, `solve`), a
history is kept (`ask`), and the history is measured (`overgeneralizations`, `transitions`,
`differentiation`, …), drawn (`plots`) and held against what was published (`papers`).

Names are loaded when they are first used, so that `import semdev` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

from semdev._version import __version__

_HOME = {
    # what there is to learn
    "Dataset": "semdev.data.dataset",
    "load": "semdev.data.corpora",
    "describe": "semdev.data.corpora",
    "list_corpora": "semdev.data.bundled",
    "branching_diffusion": "semdev.data.generators",
    "nested_features": "semdev.data.generators",
    "make_form": "semdev.data.structures",
    "graph_gaussian": "semdev.data.structures",
    "form_covariance": "semdev.data.structures",
    "expected_products": "semdev.data.structures",
    "cross_cutting": "semdev.data.crosscutting",
    "crossed_tree": "semdev.data.crosscutting",
    "flipped_products": "semdev.data.crosscutting",
    "noisy_categories": "semdev.data.categories",
    "scatter_properties": "semdev.data.categories",
    "nested_gaussian": "semdev.data.categories",
    "contrasting_features": "semdev.data.categories",
    "make_patterns": "semdev.data.patterns",
    # who learns it
    "DeepLinear": "semdev.models.networks",
    "Shallow": "semdev.models.networks",
    "MLP": "semdev.models.networks",
    "Rumelhart": "semdev.models.rumelhart",
    "Noise": "semdev.models.rumelhart",
    "solve": "semdev.models.solving",
    "RefittedSVD": "semdev.models.rivals.refitted",
    "RefittedClusters": "semdev.models.rivals.refitted",
    "Exemplar": "semdev.models.rivals.exemplars",
    "Prototype": "semdev.models.rivals.exemplars",
    "SymbolicTree": "semdev.models.rivals.symbolic",
    "TreeKernel": "semdev.models.rivals.bayesian",
    "StructuralForms": "semdev.models.rivals.bayesian",
    "score_forms": "semdev.models.rivals.bayesian",
    "train": "semdev.training",
    "estimate_memory": "semdev.training",
    "sweep": "semdev.sweeps.running",
    "load_sweep": "semdev.sweeps.results",
    "Sweep": "semdev.sweeps.results",
    "initial_weights": "semdev.building",
    "aligned_weights": "semdev.models.chains",
    "chain_weights": "semdev.models.chains",
    "pretrain": "semdev.models.pretraining",
    "Counterpart": "semdev.counterparts",
    "rebuild": "semdev.rebuilding",
    # what happened
    "explore": "semdev.explorer.exploring",
    "ask": "semdev.history",
    "get_provenance": "semdev.history",
    "with_tree": "semdev.history",
    "save_history": "semdev.storing",
    "load_history": "semdev.storing",
    # what we see in it
    "mode_strengths": "semdev.measures.modes",
    "level_strengths": "semdev.measures.modes",
    "transitions": "semdev.measures.stages",
    "stage_times": "semdev.measures.stages",
    "count_stages": "semdev.measures.stages",
    "plateaus": "semdev.measures.plateaus",
    "bottleneck": "semdev.measures.plateaus",
    "differentiation": "semdev.measures.differentiation",
    "overgeneralizations": "semdev.measures.overgeneralization",
    "predict_peaks": "semdev.measures.overgeneralization",
    "base_rates": "semdev.measures.base_rates",
    "over_constant": "semdev.measures.base_rates",
    "optimal_constant": "semdev.measures.base_rates",
    "shallow_control": "semdev.measures.control",
    "shallow_projection": "semdev.measures.control",
    "similarity": "semdev.measures.similarity",
    "item_distances": "semdev.measures.similarity",
    "mds_trajectories": "semdev.measures.similarity",
    "align_trajectories": "semdev.measures.similarity",
    "gram_matrices": "semdev.measures.representations",
    "dissimilarities": "semdev.measures.representations",
    "compare_similarities": "semdev.measures.agreement",
    "compare_networks": "semdev.measures.agreement",
    "compare_layers": "semdev.measures.agreement",
    "project_property": "semdev.measures.induction",
    "project_item": "semdev.measures.induction",
    "projection_gradient": "semdev.measures.induction",
    "typicality": "semdev.measures.typicality",
    "typicality_learning": "semdev.measures.typicality",
    "coherence": "semdev.measures.coherence",
    "category_acquisition": "semdev.measures.coherence",
    "property_acquisition": "semdev.measures.coherence",
    "basic_level": "semdev.measures.basic_level",
    "level_acquisition": "semdev.measures.basic_level",
    "predict_level_eigenvalues": "semdev.measures.basic_level",
    "compare_spectrum": "semdev.measures.spectrum",
    "nestedness": "semdev.measures.nestedness",
    "predict_nestedness": "semdev.measures.nestedness",
    "decouple": "semdev.measures.chains",
    "compare_trajectories": "semdev.measures.nonlinearity",
    "predict_delay": "semdev.measures.nonlinearity",
    "naming": "semdev.measures.naming",
    "overextension": "semdev.measures.overextension",
    "covariation": "semdev.measures.covariation",
    "u_shapes": "semdev.measures.u_shapes",
    "perceptual_shift": "semdev.measures.perceptual_shift",
    "reorganization": "semdev.measures.reorganization",
    "interference": "semdev.measures.interference",
    "retention": "semdev.measures.dementia",
    "naming_errors": "semdev.measures.dementia",
    "property_errors": "semdev.measures.dementia",
    "mode_retention": "semdev.measures.mode_retention",
    "learning_indices": "semdev.measures.learning_indices",
    "predict_differentiation": "semdev.measures.learning_indices",
    "summarize": "semdev.measures.summary",
    "show": "semdev.showing",
    # which model explains it
    "compare": "semdev.comparing.comparing",
    "Comparison": "semdev.comparing.results",
    "Phenomenon": "semdev.phenomena",
    "Criterion": "semdev.phenomena",
    "PHENOMENA": "semdev.phenomena",
    "Learner": "semdev.learners",
    "make_null_world": "semdev.data.null_worlds",
    "false_positives": "semdev.comparing.validating",
    "recover_models": "semdev.comparing.recovering",
    "sensitivity": "semdev.comparing.sensitivity",
    # what children say
    "read_responses": "semdev.behaviour.responses",
    "write_template": "semdev.behaviour.responses",
    "load_simulated_children": "semdev.behaviour.responses",
    "simulate_responses": "semdev.behaviour.simulating",
    "fit": "semdev.behaviour.fitting",
    "parameter_intervals": "semdev.behaviour.intervals",
    "cross_validate": "semdev.behaviour.validating",
    "noise_ceiling": "semdev.behaviour.baselines",
    "compare_fits": "semdev.behaviour.contests",
    "recover": "semdev.behaviour.recovering",
    "recover_generators": "semdev.behaviour.recovering",
    # what we do to it
    "teach_property": "semdev.interventions",
    "teach_item": "semdev.interventions",
    "place_item": "semdev.interventions",
    "feature_weights": "semdev.interventions",
    "learn_item": "semdev.interventions",
    "add_item": "semdev.interventions",
    "damage": "semdev.damaging",
    "saddle_report": "semdev.landscape",
    "measure_curvature": "semdev.landscape",
    "restart": "semdev.landscape",
}
_MODULES = {
    "trees": "semdev.data.trees",
    "learning_rules": "semdev.learning_rules",
    "theory": "semdev.theory",
    "plots": "semdev.plots",
    "papers": "semdev.papers",
}

__all__ = ["__version__", *_HOME, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value: Any = importlib.import_module(_MODULES[name])
    elif name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    else:
        from semdev._names import suggest

        hint = "" if name.startswith("_") else f"; {suggest(name, __all__, most=0)}"
        raise AttributeError(f"module 'semdev' has no attribute {name!r}{hint}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
