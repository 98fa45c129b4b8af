"""The models that are compared where nobody names others: networks and their rivals."""

from __future__ import annotations

from typing import Any

from semdev._names import require


def list_models() -> dict[str, Any]:
    """Return the usual models by name: deep, shallow and nonlinear networks, and rivals of them.

    Examples
    --------
    >>> list(list_models())[:3]
    ['deep linear', 'shallow', 'shallow with bias']
    """
    from semdev.models.networks import MLP, DeepLinear, Shallow
    from semdev.models.rivals.bayesian import StructuralForms, TreeKernel
    from semdev.models.rivals.exemplars import Exemplar, Prototype
    from semdev.models.rivals.refitted import RefittedClusters, RefittedSVD
    from semdev.models.rivals.symbolic import SymbolicTree
    from semdev.models.rumelhart import Rumelhart

    return {
        "deep linear": DeepLinear(32),
        "shallow": Shallow(),
        "shallow with bias": Shallow(bias=True),
        "MLP": MLP(32),
        "Rumelhart": Rumelhart(),
        "refitted SVD": RefittedSVD(),
        "refitted clusters": RefittedClusters(),
        "exemplars": Exemplar(),
        "exemplars, growing": Exemplar(growing=True),
        "prototypes": Prototype(growing=True),
        "symbolic tree": SymbolicTree(),
        "tree kernel": TreeKernel(),
        "structural forms": StructuralForms(),
    }


def choose_models(names: list[str] | None) -> dict[str, Any]:
    """Return some of the usual models, or all of them.

    Raises KeyError for a name that is none, with the nearest match.
    """
    known = list_models()
    for name in names or []:
        require(name, known, kind="model", where="semdev compare")
    return {name: known[name] for name in names or known}
