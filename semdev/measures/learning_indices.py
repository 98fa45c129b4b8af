"""Learning indices: numbers that tell learning rules apart, beside what gradient descent gives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.history import check, count_layers, is_plain
from semdev.measures.crossing import first_crossing
from semdev.measures.modes import mode_strengths
from semdev.measures.stages import count_stages
from semdev.models.closed_forms import mode_strength
from semdev.models.decomposition import tied_groups


def learning_indices(
    history: xr.Dataset,
    *,
    share: float = 0.05,
    false_at: float = 0.0,
    depth: int | None = None,
    initial: float | Sequence[float] | np.ndarray | None = None,
) -> xr.Dataset:
    """Return how broad distinctions lead, how many stages there are, and what is falsely believed.

    The indices of Cao, Summerfield & Saxe (2020), for any learner. With t_k the onset of the k-th
    leading mode (the time at which it reaches `share` of its singular value), of n,

        differentiation = mean(t_{k+1} − t_k) / t_n = (1 − t_1/t_n) / (n − 1),

    0 where all modes set in together. Gradient descent in a deep linear network that starts from
    nothing has t_k ∝ 1/s_k and so the differentiation (1 − s_n/s_1)/(n − 1) (derived here);
    beside each number stands that of its closed form from the given start, measured in the same
    way at the same times. Leading modes are the strongest of each level of the tree, without a
    tree the first of each tie; tied modes count as their mean. The authors read the onset off the
    nearest of their records and sum the belief about one cell over them; here onsets are
    interpolated, and beliefs are integrated over time and summed over all false cells.

    Parameters
    ----------
    history : xr.Dataset
        A History; the prediction needs one of one-hot items that are met equally often, and a
        learner without biases (else NaN).
    share : float
        What counts as onset, a share of the singular value, 0 to 1.
    false_at : float
        A cell is false where its target is at or below this: 0 serves 0/1 and ±1 coding.
    depth : int
        Weight matrices of the network of the prediction: 2 (one hidden layer), 1 (none), ….
    initial : float or one for each mode, optional
        The prediction's starting strength a₀. Default for depth 2: for each seed the one that
        makes its first leading mode set in when it did, so that all else is predicted from one
        number (NaN where it sets in so early that weaker modes would have to be ahead of it);
        for depth 1: 0.

    Returns
    -------
    Dataset
        Over seed × leading: `onset` (learning time; NaN if never), with coordinates `mode`,
        `singular_value`, and `level` where there is a tree. Over seed: `differentiation` (no
        unit; NaN if a mode never sets in or there is but one), `stages` (peaks of the rate of
        learning, see `count_stages`), `illusory_peak` (the highest belief in a false cell, on
        the scale of the coding) and `illusory_sum` (Σ over false cells of ∫ max(0, belief) dt:
        coding × learning time, to the end of the run). Each has its `predicted_…` beside it.

    Raises
    ------
    ValueError
        `share` is none; a prediction for depth 3 or more without `initial`.

    Examples
    --------
    >>> import semdev as sd
    >>> found = learning_indices(sd.solve(sd.load("cao2020"), depth=2, initial=1e-20))
    >>> found["onset"].isel(seed=0).values.round(1)    # levels of the tree, root first
    array([ 5.7,  8.3, 12.6, 21.5])
    >>> float(found["differentiation"][0]), (1 - 15 ** -0.5) / 3    # and its limit
    (0.245, 0.247)
    """
    check(history)
    if not 0 < share < 1:
        raise ValueError(f"share is a part of a mode's singular value between 0 and 1, got {share}")
    measured = _measure(history, share, false_at)
    known = depth is not None or initial is not None or count_layers(history) < 3
    depth = count_layers(history) if depth is None else depth
    if known and is_plain(history) and np.ptp(history["frequency"].values) == 0:
        theory = _follow_theory(history, measured["onset"], share, depth, initial)
        predicted = _measure(theory, share, false_at)
    else:
        predicted = measured.astype(float) * np.nan
    result = measured.assign({f"predicted_{name}": v for name, v in predicted.items()})
    return say_measure("learning_indices", result)


def growth_rate(
    s: float | Sequence[float] | np.ndarray, *, feedback: float = 0.0, hebbian: float = 0.0
) -> np.ndarray:
    """Return how fast a mode grows from small weights under a rule of the candidate space.

    To first order in the weights the parts c of W₁ and d of W₂ in a mode of strength s obey
    ċ = ηc + sd, ḋ = sc + γs²d (`semdev.learning_rules.Candidate`, τ = 1), so that its strength
    cd grows as exp(2μt) with

        μ = ½ [η + γs² + √((η − γs²)² + 4s²)].

    Gradient descent (γ = η = 0) has μ = s; where γη ≥ 1 with both negative nothing grows (μ ≤ 0).
    Onsets from small weights go with 1/μ, and the
    differentiation index tends to (1 − μ_n/μ_1)/(n − 1). The rules are Cao, Summerfield & Saxe's
    (2020), the rate is derived here and checked by simulation.

    Parameters
    ----------
    s : array
        Singular values.
    feedback, hebbian : float
        γ (no unit) and η (per unit of learning time).

    Examples
    --------
    >>> growth_rate([3.0, 1.0]), growth_rate([3.0, 1.0], feedback=-1)
    (array([3., 1.]), array([0.908, 0.618]))
    """
    s = np.asarray(s, dtype=float)
    down = feedback * s**2
    return (hebbian + down + np.sqrt((hebbian - down) ** 2 + 4 * s**2)) / 2


def predict_differentiation(rates: Sequence[float] | np.ndarray) -> float:
    """Return the differentiation index of modes whose onsets go with 1/rate.

    Parameters
    ----------
    rates : sequence
        One for each leading mode, in the order of strength: singular values for gradient
        descent, `growth_rate` for the candidate rules, s^(2/3) for feedback alignment.

    Examples
    --------
    >>> predict_differentiation([15**0.5, 7**0.5, 3**0.5, 1])
    0.247
    """
    rates = np.asarray(rates, dtype=float)
    if len(rates) < 2 or not (rates > 0).all():
        raise ValueError(f"two or more positive rates are needed, got {rates.tolist()}")
    return float((1 - rates[-1] / rates[0]) / (len(rates) - 1))


def _measure(history: xr.Dataset, share: float, false_at: float) -> xr.Dataset:
    """Return the indices of one History."""
    strength = mode_strengths(history)
    leading = _find_leading(strength)
    onset = first_crossing((strength / strength["singular_value"]).isel(mode=leading), share)
    coords = {"mode": ("leading", leading + 1), "seed": history["seed"]}
    coords["singular_value"] = ("leading", strength["singular_value"].values[leading])
    if "mode_level" in strength.coords:
        coords["level"] = ("leading", strength["mode_level"].values[leading])
    onset = xr.DataArray(
        onset.transpose("seed", "mode").values, dims=("seed", "leading"),
        coords={"leading": np.arange(1, len(leading) + 1), **coords},
    )  # fmt: skip
    belief = history["output"].where(history["target"] <= false_at, -np.inf)
    peak = belief.max(("time", "item", "property"))
    return xr.Dataset(
        {
            "onset": onset,
            "differentiation": _differentiate(onset),
            "stages": count_stages(history),
            "illusory_peak": peak.where(peak > -np.inf),
            "illusory_sum": belief.clip(min=0).integrate("time").sum(("item", "property")),
        }
    )


def _differentiate(onset: xr.DataArray) -> xr.DataArray:
    """Return the mean gap between onsets as a share of the last one."""
    first, last = (onset.isel(leading=k, drop=True) for k in (0, -1))
    gaps = onset.sizes["leading"] - 1
    late = last.where(last > 0) if gaps else last * np.nan
    return (last - first) / (late * max(gaps, 1))


def _find_leading(strength: xr.DataArray) -> np.ndarray:
    """Return the indices of the strongest mode of each level, else of each tie."""
    if "mode_level" in strength.coords:
        return np.sort(np.unique(strength["mode_level"].values, return_index=True)[1])
    return np.array([tied[0] for tied in tied_groups(strength["singular_value"].values)])


def _follow_theory(
    history: xr.Dataset,
    onset: xr.DataArray,
    share: float,
    depth: int,
    initial: float | Sequence[float] | np.ndarray | None,
) -> xr.Dataset:
    """Return the History with outputs and loss of the closed form in place of its own."""
    v, s, ut = np.linalg.svd(history["target"].values, full_matrices=False)
    keep = s > 1e-10 * s[0]
    v, s, ut = v[:, keep], s[keep], ut[keep]
    often = float(history["frequency"].values[0])
    time = history["time"].values * often
    start = np.zeros((onset.sizes["seed"], len(s)))
    if initial is not None:
        start[:] = initial
    elif depth == 2:
        start[:] = _start_from(onset.isel(leading=0), share, often)[:, None]
    elif depth > 2:
        raise ValueError(
            f"the prediction for depth {depth} needs initial=, the strength at which modes start"
        )
    known = (np.isfinite(start) & (start < s)).all(1)
    if initial is None and depth == 2:
        # Where even the strongest mode sets in at once, no common start makes sense of its onset.
        due = (np.log(s / np.where(known[:, None], start, s / 2) - 1) + _logit(share)) / s
        known &= due[:, -1] >= due[:, 0]
    start = np.where(known[:, None], start, share * s[-1])
    a = mode_strength(time[:, None], s, initial=start[:, None, :], depth=depth)
    a[~known] = np.nan
    output = np.einsum("im,stm,mp->stip", v, a, ut, optimize=True)
    loss = often / 2 * np.sum((s - a) ** 2, axis=-1)
    return history.assign(
        output=(history["output"].dims, output), loss=(history["loss"].dims, loss)
    )


def _start_from(onset: xr.DataArray, share: float, often: float) -> np.ndarray:
    """Return the a₀ from which a mode of depth 2 reaches `share` of itself at its onset."""
    s = float(onset["singular_value"])
    exponent = 2 * s * often * onset.values - _logit(share)
    return s / (1 + np.exp(np.minimum(exponent, 680.0)))


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))
