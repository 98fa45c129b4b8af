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
    "branching_diffusion": "semdev.data.generators",
    "nested_features": "semdev.data.generators",
    "load": "semdev.data.corpora",
    "describe": "semdev.data.corpora",
    "list_corpora": "semdev.data.corpora",
    "make_patterns": "semdev.data.patterns",
    # who learns it
    "DeepLinear": "semdev.models.networks",
    "Shallow": "semdev.models.networks",
    "MLP": "semdev.models.networks",
    "solve": "semdev.models.theory",
    "train": "semdev.training",
    "initial_weights": "semdev.building",
    # what happened
    "ask": "semdev.history",
    "get_provenance": "semdev.history",
    "save_history": "semdev.history",
    "load_history": "semdev.history",
    # what we see in it
    "mode_strengths": "semdev.measures.modes",
    "level_strengths": "semdev.measures.modes",
    "transitions": "semdev.measures.stages",
    "count_stages": "semdev.measures.stages",
    "differentiation": "semdev.measures.differentiation",
    "overgeneralizations": "semdev.measures.overgeneralization",
    "predict_peaks": "semdev.measures.overgeneralization",
    "summarize": "semdev.measures.summary",
}
_MODULES = {
    "trees": "semdev.data.trees",
    "theory": "semdev.models.theory",
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
        raise AttributeError(f"module 'semdev' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
