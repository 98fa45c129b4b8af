"""Where a fit's parameters may be, where to start, and the best of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import minimize

from semdev._names import require
from semdev.behaviour.design import Design
from semdev.behaviour.likelihood import LINK, value_and_gradient

FEW = 8  # seeds, with which starts are tried
TRIED, FINISHED = 12, 4  # starts that are followed with few seeds, and of these with all
FIRST, LAST = (0.05, 0.2, 0.4, 0.7), (0.25, 0.45, 0.65, 0.95)  # ends of age maps that are tried
PRECISION = 1e-8  # log-likelihood per answer
ROUNDING = 1e-9  # of activations, as a share of the largest


def start_from(fixed: Mapping[str, float] | None, knots: int) -> tuple[np.ndarray, np.ndarray]:
    """Return parameters with the fixed ones in place, and which are free."""
    theta, free = np.full(3 + knots, np.nan), np.ones(3 + knots, dtype=bool)
    for name, value in (fixed or {}).items():
        require(name, LINK, kind="parameter", where="the link (fixed=)")
        if name == "slope" and not value > 0:
            raise ValueError(f"a slope is above 0, got fixed={{'slope': {value}}}")
        if name == "lapse" and not 0 <= value < 1:
            raise ValueError(f"a lapse is a share below 1, got fixed={{'lapse': {value}}}")
        if not np.isfinite(value):
            raise ValueError(f"a {name} is a finite number, got fixed={{{name!r}: {value}}}")
        theta[LINK.index(name)] = np.log(value) if name == "slope" else value
        free[LINK.index(name)] = False
    return theta, free


def find_range(design: Design) -> tuple[float, float]:
    """Return the lowest activation asked about, and how far the highest is from it.

    Activations that differ by rounding alone are one: no slope is steep enough to read them.
    """
    low, high = float(design.activations.min()), float(design.activations.max())
    same = high - low <= ROUNDING * max(abs(low), abs(high))
    return low, 1.0 if same else high - low


def find_bounds(design: Design) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the largest value of each parameter that is allowed.

    The slope may be so flat that the whole range of activations is one twentieth of a logit, and so
    steep that a fiftieth of the range is a logit; the bias may be as far outside as the range is
    wide.
    """
    low, width = find_range(design)
    knots = design.basis.shape[1]
    return (
        np.array([0.0, np.log(0.05 / width), low - width, *np.zeros(knots)]),
        np.array([0.95, np.log(50 / width), low + 2 * width, *np.ones(knots)]),
    )


def make_starts(design: Design, theta: np.ndarray, free: np.ndarray) -> list[np.ndarray]:
    """Return where to start: few and many lapses, flat and steep, early and late, slow and fast."""
    low, width = find_range(design)
    knots = design.basis.shape[1]
    ways = product((0.05, 0.4), (3, 8, 20), (0.3, 0.5, 0.8), FIRST, LAST)
    starts = {}
    for lapse, slope, middle, first, last in ways:
        if first < last:
            link = [lapse, np.log(slope / width), low + middle * width]
            start = np.concatenate([link, np.linspace(first, last, knots)])
            start[~free] = theta[~free]
            starts[tuple(start)] = start
    return list(starts.values())


def search(
    design: Design,
    theta: np.ndarray,
    free: np.ndarray,
    *,
    tried: int = TRIED,
    finished: int = FINISHED,
) -> np.ndarray:
    """Return the best parameters: of many starts with a few seeds, of the best of them with all.

    Seeds differ little beside what parameters make of them, and are what takes time.
    """
    few = replace(design, activations=np.ascontiguousarray(design.activations[:, :, :FEW]))
    starts = sort_by_value(make_starts(design, theta, free), few)[:tried]
    near = sort_by_value([polish(few, start, free) for start in starts], few)
    found = [polish(design, start, free) for start in near[:finished]]
    return sort_by_value(found, design)[0]


def sort_by_value(thetas: list[np.ndarray], design: Design) -> list[np.ndarray]:
    """Return parameters from best to worst."""
    return sorted(thetas, key=lambda theta: value_and_gradient(theta, design)[0])


def polish(design: Design, start: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return the best parameters near a start; the age map never falls."""
    low, high = find_bounds(design)
    theta = np.clip(start, low, high)
    theta[~free] = start[~free]
    steps = np.diff(np.eye(len(theta))[3:], axis=0)  # of the age map
    moving = steps[:, free]
    still = steps[:, ~free] @ theta[~free]

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        theta[free] = x
        value, gradient = value_and_gradient(theta, design)
        return value, gradient[free]

    constraint: Any = {"type": "ineq", "fun": lambda x: moving @ x + still, "jac": lambda x: moving}
    found = minimize(
        evaluate, theta[free], jac=True, method="SLSQP",
        bounds=list(zip(low[free], high[free], strict=True)),
        constraints=[constraint] if len(moving) else [],
        options={"ftol": PRECISION, "maxiter": 300},
    )  # fmt: skip
    theta[free] = np.clip(found.x, low[free], high[free])
    theta[3:] = np.maximum.accumulate(theta[3:])
    return theta
