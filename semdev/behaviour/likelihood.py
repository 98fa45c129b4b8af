"""How likely responses are, for each participant and seed, and how that changes with parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import expit, logsumexp

from semdev.behaviour.design import Design

LINK = ("lapse", "slope", "bias")
AgeMap = Mapping[float, float] | Callable[[np.ndarray], np.ndarray]
SAFE = 1e-12  # no answer is impossible
TELLING = 1e-6  # singular values below are those of parameters that cannot be told apart


def answer_yes(activation: np.ndarray, *, lapse: float, slope: float, bias: float) -> np.ndarray:
    """Return P(yes) = lapse/2 + (1 − lapse) σ(slope (activation − bias)).

    >>> answer_yes(np.array([0.5, 9.0]), lapse=0.1, slope=8, bias=0.5).round(3).tolist()
    [0.5, 0.95]
    """
    return lapse / 2 + (1 - lapse) * expit(slope * (activation - bias))


def to_time(position: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Return learning times from positions 0 to 1 in a History, which run with √time."""
    return time[0] + (time[-1] - time[0]) * np.clip(position, 0, 1) ** 2


def read_age_map(age_map: AgeMap, time: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function of ages: linear in √time between knots, constant outside.

    Raises ValueError for a map of no ages, or to times before the first.
    """
    if callable(age_map):
        return age_map
    known = sorted(age_map.keys())
    times = np.array([age_map[each] for each in known], dtype=float)
    if not len(known) or not (times >= time[0]).all():
        raise ValueError(
            f"an age map has ages with times from {time[0]:g} on, got {dict(age_map.items())}"
        )
    roots = np.sqrt(times - time[0])
    return lambda ages: time[0] + np.interp(ages, known, roots) ** 2


def interpolate(design: Design, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's activations at its position, row × seed, and how fast they change there."""
    position = np.clip(design.basis @ positions, 0, 1)
    at = to_time(position, design.time)
    k = np.clip(np.searchsorted(design.time, at, side="right") - 1, 0, len(design.time) - 2)
    before = design.activations[k, design.cell]
    rate = design.activations[k + 1, design.cell] - before
    rate /= (design.time[k + 1] - design.time[k])[:, None]
    activation = before + rate * (at - design.time[k])[:, None]
    return activation, rate * (2 * (design.time[-1] - design.time[0]) * position)[:, None]


def by_account(design: Design, theta: np.ndarray) -> np.ndarray:
    """Return log-likelihoods, participant × account, without binomial coefficients.

    Accounts of a participant are each of the seeds, and that every answer is any seed's (the last
    column). `theta` holds lapse, log slope, bias, and the position of each knot of the age map.
    """
    activation, _ = interpolate(design, theta[3:])
    sigma = expit(design.sign * np.exp(theta[1]) * (activation - theta[2]))
    return _add_up(design, _allow_lapse(sigma, theta[0]))


def _allow_lapse(sigma: np.ndarray, lapse: float) -> np.ndarray:
    """Return the probability of answers that are meant with probability σ."""
    return np.maximum(lapse / 2 + (1 - lapse) * sigma, SAFE)


def _add_up(design: Design, p: np.ndarray) -> np.ndarray:
    """Return log-likelihoods, participant × account, of answers of probability p, row × seed."""
    each = np.column_stack([p, p.mean(axis=1)])
    return np.add.reduceat(design.weight * np.log(each), design.starts, axis=0)


def average(log_likelihoods: np.ndarray) -> np.ndarray:
    """Return the log of the mean likelihood over accounts (the last dimension).

    Half of the weight is that of all seeds together, half that of the account without them.
    """
    return logsumexp(log_likelihoods + _weigh_accounts(log_likelihoods.shape[-1]), axis=-1)


def _weigh_accounts(accounts: int) -> np.ndarray:
    """Return the logarithm of how much each account counts beforehand."""
    seeds = accounts - 1
    return np.log(np.append(np.full(seeds, 0.5 / seeds), 0.5))


def tells_apart(theta: np.ndarray, free: np.ndarray, design: Design) -> bool:
    """Return whether no free parameter's change of P(yes) is made up for by those of others.

    Those are the columns of a matrix, row of responses × parameter, for the first seed; its
    rank says how many there are, each column scaled to length 1.
    """
    slope = np.exp(theta[1])
    activation, speed = interpolate(design, theta[3:])
    z = slope * (activation[:, 0] - theta[2])
    sigma = expit(z)
    steep = (1 - theta[0]) * sigma * (1 - sigma)
    knots = (steep * slope * speed[:, 0])[:, None] * design.basis
    columns = np.column_stack([0.5 - sigma, steep * z, -steep * slope, knots])[:, free]
    length = np.linalg.norm(columns, axis=0)
    if not (length > 0).all():
        return False
    return bool(np.linalg.matrix_rank(columns / length, tol=TELLING) == columns.shape[1])


def value_and_gradient(theta: np.ndarray, design: Design) -> tuple[float, np.ndarray]:
    """Return minus the ensemble log-likelihood per answer, and its gradient.

    A participant is one of the seeds, it is not known which, or every answer is any seed's:
    log (½ 1/S Σ_s Π p_s + ½ Π 1/S Σ_s p_s), over answers of probability p_s.
    """
    lapse, slope = theta[0], np.exp(theta[1])
    activation, speed = interpolate(design, theta[3:])
    z = (design.sign * slope) * (activation - theta[2])
    sigma = expit(z)  # of the answer that was given: σ(−z) = 1 − σ(z)
    p = _allow_lapse(sigma, lapse)
    each = _add_up(design, p)
    total = average(each)
    share = np.exp(each + _weigh_accounts(each.shape[1]) - total[:, None])[design.person]
    outer = share[:, :-1] / p + share[:, -1:] / p.sum(axis=1, keepdims=True)
    outer *= design.weight
    inner = outer * sigma
    lapsed = outer.sum() / 2 - inner.sum()
    inner *= (1 - lapse) * (1 - sigma)
    signed = slope * design.sign[:, 0]
    knots = (signed * np.einsum("rs,rs->r", inner, speed)) @ design.basis
    gradient = [lapsed, np.vdot(inner, z), -signed @ inner.sum(1), *knots]
    return -float(total.sum()) / design.answers, -np.array(gradient) / design.answers
