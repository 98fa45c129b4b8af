"""What was published: each paper a module of claims, figures and checks.

`PAPERS` gives their titles. A paper's module holds, for each figure, `figN_data(…)` (computes;
its defaults are the published settings where they are known), `figN(data=None)` (draws) and
`figN_checks(data)` (claims, each with a number, a criterion and a verdict). `reproduce` runs them
all.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

from semdev._names import require

if TYPE_CHECKING:
    from semdev.papers.checks import Check
    from semdev.papers.reproducing import list_figures, reproduce, reproduce_figure

__all__ = [
    "PAPERS",
    "Check",
    "cao2020",
    "get_paper",
    "list_figures",
    "mcclelland2003",
    "reproduce",
    "reproduce_figure",
    "rogers2004",
    "rubruck2024",
    "saxe2014",
    "saxe2019",
]

PAPERS = {
    "mcclelland2003": "The parallel distributed processing approach to semantic cognition",
    "rogers2004": "Semantic cognition: A parallel distributed processing approach",
    "saxe2014": "Exact solutions to the nonlinear dynamics of learning in deep linear neural "
    "networks",
    "saxe2019": "A mathematical theory of semantic development in deep neural networks",
    "cao2020": "Characterizing emergent representations in a space of candidate learning rules for "
    "deep networks",
    "rubruck2024": "Early learning of the optimal constant solution in neural networks and humans",
}

# Loaded when first used, so that the titles are there at once.
_HOME = {
    "Check": "semdev.papers.checks",
    "list_figures": "semdev.papers.reproducing",
    "reproduce": "semdev.papers.reproducing",
    "reproduce_figure": "semdev.papers.reproducing",
}


def get_paper(name: str) -> ModuleType:
    """Return a paper's module.

    >>> get_paper("saxe2019").__doc__.splitlines()[0][:40]
    'Claim: depth and gradient descent alone '
    """
    require(name, PAPERS, kind="paper", where="semdev")
    return importlib.import_module(f"semdev.papers.{name}")


def __getattr__(name: str) -> Any:
    if name in PAPERS:
        return get_paper(name)
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'semdev.papers' has no attribute {name!r}")
