"""How well parameters are known: intervals by profile likelihood."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import chi2

from semdev.behaviour.fitting import Fit
from semdev.behaviour.likelihood import LINK, to_time, value_and_gradient
from semdev.behaviour.searching import find_bounds, polish, sort_by_value

STRIDE = 0.02  # the first step from the estimate, as a share of what is allowed
REFINED, CLOSE = 8, 0.02  # at most so many times, until √loss is within 2 %


def parameter_intervals(fit: Fit, *, level: float = 0.95) -> pd.DataFrame:
    """Return intervals of a fit's free parameters, by profile likelihood.

    The interval holds the values at which, all others fitted anew, twice the log-likelihood is
    lower than at best by no more than the chi-squared quantile (3.84 at 95 %). It needs no
    curvature and is right at limits, but supposes that participants answer as the learner would: it
    is too narrow where they do not. It is too narrow with few answers as well, where slope, lapse
    and bias are hardly told apart: of 30 simulated data sets each, 95 % intervals held the truth in
    67 to 100 % (which, hung on the parameter and on its true value) with 20 children of 20 answers,
    and in 90 to 100 % with 100 children. `semdev.recover` says how it is in a study of one's own.

    Parameters
    ----------
    fit : Fit
        What `semdev.fit` returned.
    level : float
        The share of such intervals that hold the truth.

    Returns
    -------
    DataFrame
        For each free parameter (lapse, slope, bias, "time at 4.5", … for the age map): `estimate`,
        `low`, `high`, and `limit`: "low", "high" or "both" where the interval ends only because no
        smaller or larger values are allowed (a lapse of 0, a learner's last record, any slope).
        With "both", nothing was learned of the parameter: its estimate is NaN. Fix another
        (`fit(fixed=…)`), or ask about cells that are learned at different times.

    Raises
    ------
    ValueError
        The level is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> from semdev.behaviour.fitting import fit
    >>> from semdev.behaviour.simulating import simulate_responses
    >>> exact = sd.solve(sd.load("rumelhart8"), depth=2)
    >>> children = simulate_responses(exact, ages=range(3, 11), participants=64, random_state=1,
    ...                               age_map={3: 2, 10: 6})
    >>> found = parameter_intervals(fit(exact, children, knots=2, fixed={"lapse": 0.05}))
    >>> bool(found.loc["slope", "low"] < 8 < found.loc["slope", "high"])
    True
    """
    if not 0 < level < 1:
        raise ValueError(f"level is a share between 0 and 1, got {level}")
    allowed = find_bounds(fit.design)
    rows = {}
    for k in np.flatnonzero(fit.free).tolist():
        show = _shower(fit, k)
        ends, limits = zip(*(_find_end(fit, k, bound[k], level) for bound in allowed), strict=True)
        limit = {(1, 1): "both", (1, 0): "low", (0, 1): "high", (0, 0): ""}[limits]
        estimate = np.nan if limit == "both" else show(fit.theta[k])
        rows[name_parameters(fit)[k]] = (estimate, *map(show, ends), limit)
    columns = ["estimate", "low", "high", "limit"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def name_parameters(fit: Fit) -> list[str]:
    """Return lapse, slope, bias, and a name for each knot of the age map."""
    return [*LINK, *(f"time at {age:g}" for age in fit.age_map.index)]


def _shower(fit: Fit, k: int) -> Callable[[float], float]:
    """Return what makes a parameter as it is fitted one as it is read."""
    if k == 1:
        return lambda x: float(np.exp(x))
    if k < len(LINK):
        return float
    return lambda x: float(to_time(np.array(x), fit.design.time))


def _find_end(fit: Fit, k: int, bound: float, level: float) -> tuple[float, bool]:
    """Return where the interval ends on one side, and whether that is only at the bound.

    √(loss of log-likelihood) is nearly linear in a parameter: outwards in growing steps until too
    much is lost, then back by interpolation.
    """
    best = value_and_gradient(fit.theta, fit.design)[0]
    most = np.sqrt(chi2.ppf(level, 1) / 2)
    others = fit.free.copy()
    others[k] = False

    def fit_others(x: float, start: np.ndarray) -> tuple[float, np.ndarray]:
        """Return how far too much is lost with the k-th parameter at x, and the others there."""
        tried = [_fit_others(fit, each, k, x, others) for each in (start, fit.theta)]
        theta = sort_by_value(tried, fit.design)[0]
        lost = (value_and_gradient(theta, fit.design)[0] - best) * fit.design.answers
        return float(np.sqrt(max(lost, 0.0)) - most), theta

    stride = STRIDE * np.ptp([each[k] for each in find_bounds(fit.design)])
    inside, below, near = float(fit.theta[k]), -most, fit.theta
    while inside != bound:
        outside = min(inside + stride, bound) if bound > inside else max(inside - stride, bound)
        above, there = fit_others(outside, near)
        if above > 0:
            break
        inside, below, near, stride = outside, above, there, 2 * stride
    else:
        return float(bound), True
    for _ in range(REFINED):
        middle = inside + (outside - inside) * below / (below - above)
        found, there = fit_others(middle, near)
        if found > 0:
            outside, above = middle, found
        else:
            inside, below, near = middle, found, there
        if abs(found) < CLOSE * most:
            break
    return float(middle), False


def _fit_others(fit: Fit, start: np.ndarray, k: int, x: float, others: np.ndarray) -> np.ndarray:
    """Return the best parameters with the k-th at x."""
    theta = start.copy()
    theta[k] = x
    if k >= len(LINK):
        theta[len(LINK) : k] = np.minimum(theta[len(LINK) : k], x)
        theta[k:] = np.maximum(theta[k:], x)
    return polish(fit.design, theta, others)
