"""Plateaus: the saddles on which a linear network lingers, their losses, curvatures and times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import xarray as xr

from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.models.closed_forms import check_depth, time_to_reach
from semdev.models.decomposition import best_map, decompose, tied_groups


@dataclass(frozen=True, eq=False)
class Fit:
    """The modes of the best linear fit: √w Ŷ = Σ_α s_α p_α q_αᵀ, strongest first.

    Attributes: `s` (mode), `p` (pattern × mode), `q` (output × mode), `whole` (output × input, the
    best map of any rank), `residue` (the loss that no linear map takes away), `ends` (the ranks
    that cut no tie: 0, and the last of each group of tied modes), `patterns`.
    """

    s: np.ndarray
    p: np.ndarray
    q: np.ndarray
    whole: np.ndarray
    residue: float
    ends: np.ndarray
    patterns: Patterns

    def cut(self, rank: int) -> np.ndarray:
        """Return the map of that rank with the least loss, output × input.

        Where the rank cuts a tie there are several; this is one of them.
        """
        return self.q[:, :rank] @ self.q[:, :rank].T @ self.whole

    def losses(self) -> np.ndarray:
        """Return the loss of the best map of each rank 0, 1, …, rank."""
        rest = np.cumsum(self.s[::-1] ** 2)[::-1] / 2
        return self.residue + np.append(rest, 0.0)

    def shares(self, outputs: np.ndarray) -> np.ndarray:
        """Return how much of each mode is in outputs (… × pattern × output): … × mode, 1 = all.

        Of tied modes only the span is defined: each is given the mean of its tie.
        """
        often = np.sqrt(self.patterns.weights)
        found = np.einsum("pm,p,...po,om->...m", self.p, often, outputs, self.q, optimize=True)
        found = found / self.s
        for tied in tied_groups(self.s):
            found[..., tied] = found[..., tied].mean(-1, keepdims=True)
        return found

    def slope(self, rank: int) -> float:
        """Return ‖Σ_yx − M Σ_xx‖₂ at the best map M of that rank: the rate of escape from it."""
        weighted = self.patterns.inputs * self.patterns.weights[:, None]
        missing = self.patterns.targets - self.patterns.inputs @ self.cut(rank).T
        return float(np.linalg.norm(missing.T @ weighted, 2))


def fit_modes(data: Dataset | Patterns) -> Fit:
    """Return the modes of the best linear fit to data (reduced-rank regression).

    The best map of rank k is M_k = Σ_{α≤k} q_α q_αᵀ B with B the least-squares map and q_α the
    right singular vectors of the fitted targets, each pattern weighted by the root of its
    frequency (Eckart & Young 1936; Izenman 1975; Baldi & Hornik 1989 for networks). With one-hot
    items it is the truncated singular value decomposition of √frequency × properties.

    Raises
    ------
    ValueError
        Some cells are not always observed, or there is nothing to learn.

    Examples
    --------
    >>> import semdev as sd
    >>> fit_modes(sd.load("saxe2019")).losses()
    array([6. , 2.5, 1. , 0.5, 0. ])
    """
    patterns = make_patterns(data)
    if not (patterns.mask == 1).all():
        raise ValueError(
            f"{patterns.data.name} is observed in part: the best map of each rank is known only "
            "where every property of a pattern is taught (observed=1)"
        )
    whole = best_map(patterns)
    often = np.sqrt(patterns.weights)[:, None]
    p, s, qt = np.linalg.svd(often * (patterns.inputs @ whole.T), full_matrices=False)
    scale = float(np.sqrt(np.sum((often * patterns.targets) ** 2)))
    keep = s > 1e-10 * max(scale, np.finfo(float).tiny)
    missing = often * (patterns.targets - patterns.inputs @ whole.T)
    s = s[keep]
    ends = np.array([0, *(int(tied[-1]) + 1 for tied in tied_groups(s))])
    residue = float(np.sum(missing**2)) / 2
    if residue <= 1e-20 * scale**2:
        residue = 0.0
    return Fit(s, p[:, keep], qt[keep].T, whole, residue, ends, patterns)


def predict_plateaus(
    data: Dataset | Patterns,
    *,
    depth: int = 2,
    initial: float | Sequence[float] | np.ndarray = 1e-5,
    edge: float = 0.1,
) -> xr.Dataset:
    """Return the plateaus of a linear network's loss: how high, from when to when, how steep.

    While k modes are learned and no other has begun, the loss is that of the best map of rank k,

        L_k = L_∞ + ½ Σ_{α>k} s_α²,

    with s_α the singular values of the fitted targets (`fit_modes`), which for items met once
    are those of the data, and L_∞ what no linear map can learn. The levels hold with unequal
    frequencies and correlated inputs too. A plateau lasts from the time at which all but `edge`
    of the last mode's drop is done until `edge` of the next mode's is; a mode at share r of its
    strength has done 1 − (1 − r)² of its drop, so these are times of shares 1 − √edge and
    1 − √(1 − edge) from `time_to_reach`. There is none between tied modes, which are learned
    together. That plateaus are saddles is Saxe, McClelland & Ganguli's (2014; Baldi & Hornik
    1989); levels and times in this form are derived here.

    Parameters
    ----------
    data : Dataset or Patterns
        What is learned.
    depth : int
        Number of weight matrices. A shallow network has no plateau to leave: its times are NaN.
    initial : number, or one for each mode, strongest first
        Starting strength a₀, in units of the modes' strengths.
    edge : float
        Share of a drop, 0 to ½, that a plateau may overlap.

    Returns
    -------
    Dataset, over rank (0, 1, …: how many modes have been learned; ranks that cut a tie left out)
        `level` (loss), `escape` (‖Σ_yx − M_k Σ_xx‖₂, s_{k+1} for items met once: at depth 2 the
        rate at which what comes next grows, doubled), `start`, `end`, `duration` (learning time;
        the first starts at 0, the last never ends; NaN for shallow networks, and where modes do
        not decouple: solve the flow and find them with `semdev.plateaus`) and `separate` (bool:
        it ends after it starts, so that it can be seen).

    Raises
    ------
    ValueError
        A bad depth, start or edge; data observed in part.

    Examples
    --------
    >>> import semdev as sd
    >>> found = predict_plateaus(sd.load("saxe2019"), initial=1e-8)
    >>> found["rank"].values, found["level"].values
    (array([0, 1, 2, 4]), array([6. , 2.5, 1. , 0. ]))
    >>> found["start"].values.round(1), found["separate"].values
    (array([0. , 3.8, 5.7, 9.6]), array([ True,  True,  True,  True]))
    """
    check_depth(depth)
    if not 0 < edge < 0.5:
        raise ValueError(f"edge is a share of a drop between 0 and 1/2, got {edge}")
    fit = fit_modes(data)
    modes = decompose(fit.patterns)
    starting = np.asarray(initial, dtype=float)
    if starting.ndim > 1 or starting.size not in (1, len(fit.s)):
        raise ValueError(
            f"initial needs one number, or one for each of the {len(fit.s)} modes; got "
            f"{starting.size}"
        )
    ranks = fit.ends
    start, end = np.full(len(ranks), np.nan), np.full(len(ranks), np.nan)
    if depth > 1 and modes.shared and _same_order(modes.s, modes.d):
        usual = np.broadcast_to(starting, len(modes.s))
        late, early = (
            time_to_reach(r, modes.s, initial=usual, depth=depth, d=modes.d)
            for r in (1 - np.sqrt(edge), 1 - np.sqrt(1 - edge))
        )
        start = np.array([late[:k].max(initial=0.0) for k in ranks])
        end = np.array([early[k:].min(initial=np.inf) for k in ranks])
    return xr.Dataset(
        {
            "level": ("rank", fit.losses()[ranks]),
            "escape": ("rank", [fit.slope(k) for k in ranks]),
            "start": ("rank", start),
            "end": ("rank", end),
            "duration": ("rank", end - start),
            "separate": ("rank", end > start),
        },
        coords={"rank": ranks},
    )


def _same_order(s: np.ndarray, d: np.ndarray) -> bool:
    """Return whether the modes of Σ_yx, strongest first, are those of the fit in its order."""
    return bool((np.diff(s / np.sqrt(d)) <= 1e-9 * s[0]).all())


def separating_start(ratio: Any, *, edge: float = 0.1) -> np.ndarray:
    """Return ln(s₂/a₀) above which a plateau lies between two modes of strengths s₁ = ratio × s₂.

    For one hidden layer and a common start a₀ ≪ s₂ the plateau of `predict_plateaus` is separate
    once

        ln(s₂/a₀) > [r λ(1 − √(1 − edge)) + ln r + λ(1 − √edge)] / (r − 1),

    with λ(x) = |ln(x / (1 − x))| and r the ratio. Derived here. With edge .1 the numerator is
    2.92 r + ln r + .77. The rule of thumb 2r / (r − 1) that is sometimes given is too low by
    half: a plateau that the eye sees needs about 4r / (r − 1) in ln(s₁/a₀) for r from 1.2
    to 4, and more beyond.

    Parameters
    ----------
    ratio : array of floats above 1
        r = s₁/s₂, the stronger mode's singular value by the weaker's.
    edge : float
        As for `predict_plateaus`.

    Raises
    ------
    ValueError
        A ratio of 1 or less: tied modes have no plateau between them.

    Examples
    --------
    >>> separating_start([1.2, 2.0, 5.0]).round(1)
    array([22.3,  7.3,  4.2])
    """
    r = np.asarray(ratio, dtype=float)
    if not (r > 1).all():
        raise ValueError(f"ratio is s₁/s₂, above 1 (tied modes have no plateau between); got {r}")
    if not 0 < edge < 0.5:
        raise ValueError(f"edge is a share of a drop between 0 and 1/2, got {edge}")
    begun, done = 1 - np.sqrt(1 - edge), 1 - np.sqrt(edge)
    wait, tail = -np.log(begun / (1 - begun)), np.log(done / (1 - done))
    return (r * wait + np.log(r) + tail) / (r - 1)


def predict_curvature(
    data: Dataset | Patterns,
    *,
    depth: int,
    rank: int | None = None,
    learned: Sequence[int] | None = None,
    hidden: int | None = None,
) -> dict[str, float]:
    """Return the extreme eigenvalues of the Hessian at a balanced saddle of a linear network.

    At the saddle with the modes I learned and the others, J, not yet, with a_α = s_α / d the
    learned strengths (d the common variance of inputs, 1 for one-hot items met once):

    - two weight matrices, a hidden unit to spare: smallest −max_J s_β, else the least of 0 and
      s_α − s_β over I × J;
    - D ≥ 3: smallest the least of 0 and a_α^(1−2/D) (s_α − s_β) over I × J. So wherever modes are
      learned in order no direction leads down at second order: the way out is of order D. With
      nothing learned the Hessian vanishes;
    - largest: that of D d a_α^(2−2/D) and a_α^(1−2/D) (s_α + s_β), and for D = 2 of s_β; at the
      solution D s_max^(2−2/D).

    The smallest at depth 2 with modes learned in order, −‖Σ_yx − M_k Σ_xx‖₂, holds whatever the
    frequencies and inputs. All derived here; that saddles of depth 3 and more need have no
    negative eigenvalue is Kawaguchi's (2016), and that there are no local minima Baldi & Hornik's
    (1989) and his.

    Parameters
    ----------
    data : Dataset or Patterns
        What is learned.
    depth : int
        Number of weight matrices, 2 or more.
    rank : int
        The strongest so many modes are learned; or
    learned : sequence of int
        the numbers of the modes that are (1 is the strongest).
    hidden : int, optional
        Units in the narrowest hidden layer; default: enough for all modes, and one to spare.

    Returns
    -------
    dict
        `smallest`, `largest`: eigenvalues; NaN where there is no closed form (frequencies or
        inputs that are not alike, but for the smallest of modes learned in order).

    Raises
    ------
    ValueError
        A bad depth, no such modes, or more of them than hidden units.

    Examples
    --------
    >>> import semdev as sd
    >>> found = predict_curvature(sd.load("saxe2019"), depth=2, rank=1)    # −√3, 2√7
    >>> round(found["smallest"], 2), round(found["largest"], 2)
    (-1.73, 5.29)
    """
    if not isinstance(depth, Integral) or depth < 2:
        raise ValueError(f"depth counts weight matrices, here 2 or more; got {depth!r}")
    fit = fit_modes(data)
    held = _read_learned(rank, learned, len(fit.s))
    spare = hidden is None or hidden > len(held)
    if hidden is not None and hidden < len(held):
        raise ValueError(f"{hidden} hidden units cannot hold {len(held)} modes")
    in_order = held == list(range(len(held)))
    sigma_xx = fit.patterns.inputs.T @ (fit.patterns.inputs * fit.patterns.weights[:, None])
    d = float(np.trace(sigma_xx) / len(sigma_xx))
    if np.abs(sigma_xx - d * np.eye(len(sigma_xx))).max() > 1e-9 * d:
        smallest = -fit.slope(len(held)) if depth == 2 and spare else 0.0
        return {"smallest": smallest if in_order else np.nan, "largest": np.nan}
    s = fit.s * np.sqrt(d)  # of Σ_yx
    inside, outside = s[held], np.delete(s, held)
    a = inside / d
    pairs = a[:, None] ** (1 - 2 / depth)
    low = [0.0, *(pairs * (inside[:, None] - outside)).ravel()]
    high = [
        0.0,
        *(depth * d * a ** (2 - 2 / depth)),
        *(pairs * (inside[:, None] + outside)).ravel(),
    ]
    if depth == 2 and spare:
        low, high = [*low, *-outside], [*high, *outside]
    return {"smallest": float(min(low)), "largest": float(max(high))}


def _read_learned(rank: int | None, learned: Sequence[int] | None, number: int) -> list[int]:
    """Return the learned modes' indices, from 0."""
    if (rank is None) == (learned is None):
        raise ValueError("say which modes are learned: by rank=, or by learned=, not both")
    if rank is not None:
        if not isinstance(rank, Integral) or not 0 <= rank <= number:
            raise ValueError(f"rank is a number of modes from 0 to {number}, got {rank!r}")
        return list(range(int(rank)))
    chosen = sorted(learned or [])
    if len(set(chosen)) < len(chosen) or any(k not in range(1, number + 1) for k in chosen):
        raise ValueError(f"learned are different modes from 1 to {number}, got {learned!r}")
    return [int(k) - 1 for k in chosen]
