"""Linear against nonlinear: how long the two go together, and how late the bent one is."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.data.dataset import Dataset
from semdev.history import check, is_plain
from semdev.measures.crossing import first_crossing
from semdev.measures.modes import mode_strengths
from semdev.models.closed_forms import mode_strength, time_to_reach
from semdev.models.decomposition import match_modes, tied_groups

LEAD = 0.05  # half-times nearer than this are no order


def compare_trajectories(
    linear: xr.Dataset, nonlinear: xr.Dataset, *, tolerance: float = 0.02, bend: float = 0.5
) -> xr.Dataset:
    """Return when a nonlinear network parts from its linear twin, and how late it learns each mode.

    Both should begin with the same weights, seed by seed (`semdev.Counterpart`, or `MLP` with the
    scale of a `DeepLinear`). While hidden activity is small every smooth unit is linear, so they go
    together; they part when the units bend (after Saxe, McClelland & Ganguli 2014). Curves are
    compared over the time that both runs cover, at the times of either, interpolated; recorded at
    the same steps (record=) nothing has to be, and differences much smaller than a record's change
    are told too.

    Parameters
    ----------
    linear, nonlinear : xr.Dataset
        Histories of the same data with the same seeds. Where `linear` keeps weights
        (keep_weights=True) half-times are predicted from them; where `nonlinear` keeps hidden
        layers (hidden=True) their activity is told.
    tolerance : float
        How far mode strengths may lie apart, as a share of the mode's singular value; for
        `departure` of the strongest mode's.
    bend : float
        Hidden activity from which on a unit counts as bent: at .5 the slope of a tanh is ¾.

    Returns
    -------
    Dataset
        Over seed × mode: `split` (learning time; first |a_lin − a_non| > tolerance × s of that
        mode; NaN: never), `split_share` (share of the mode that the linear network has learned
        by then), `largest_gap` (of |a_lin − a_non| ÷ s), `half_time` of the linear network and
        `predicted`, its closed form (`time_to_reach` from the strengths of `match_modes`; NaN
        without weights, with other than one hidden layer and where modes do not decouple),
        `half_time_nonlinear`, `delay` (half_time_nonlinear ÷ half_time − 1).
        Over seed: `departure` (time of the first |a_lin − a_non| > tolerance × s₁ in any mode; NaN:
        never), `leading_share` (share of mode 1 the linear network has by then), `activity`
        (largest |hidden activity| of the nonlinear network then; at the end where it never
        departs), `bent` (share of its hidden units that some item drives beyond `bend` then; both
        NaN without hidden layers), `order_kept` (of the pairs of modes that the linear network
        learns more than 5 % apart in time, the share that keep their order; NaN without any).
        Over seed × time × mode, at the times of either run: `gap` (|a_lin − a_non| ÷ s).

    Raises
    ------
    ValueError
        Other data or seeds, other initial weights where both keep them, bad tolerance or bend.

    Examples
    --------
    >>> import semdev as sd
    >>> world, model = sd.load("saxe2019"), sd.DeepLinear(hidden=16)
    >>> bent = sd.MLP(hidden=16, activation="tanh")
    >>> two = [sd.train(m, world, seeds=3, hidden=True, keep_weights=True) for m in (model, bent)]
    >>> found = compare_trajectories(*two)
    >>> found["order_kept"].values
    array([1., 1., 1.])
    >>> bool((found["delay"] > 0).all())    # units that bend are late
    True
    """
    if not (0 < tolerance < 1 and bend > 0):
        raise ValueError(
            f"tolerance is a share between 0 and 1 and bend an activity above 0; got {tolerance} "
            f"and {bend}"
        )
    _require_twins(linear, nonlinear)
    nonlinear = nonlinear.sel(seed=linear["seed"])
    a, b = mode_strengths(linear), mode_strengths(nonlinear)
    s = a["singular_value"]
    share = a / s
    half, half_bent = first_crossing(share, 0.5), first_crossing(b / s, 0.5)
    end = min(float(a["time"][-1]), float(b["time"][-1]))
    grid = np.unique(np.concatenate([a["time"].values, b["time"].values]).round(12))
    grid = grid[grid <= end]
    along, bent = (_interpolate(x, grid) for x in (share, b / s))
    gap = abs(along - bent)
    split = first_crossing(gap, tolerance)
    first = (gap * s / s[0]).max("mode")
    departure = first_crossing(first, tolerance)
    activity, driven = _activity(nonlinear, departure, bend)
    result = xr.Dataset(
        {
            "split": split,
            "split_share": _read_at(along, split),
            "gap": gap,
            "largest_gap": gap.max("time"),
            "half_time": half,
            "predicted": half.copy(data=_predict_half_times(linear, s.values)),
            "half_time_nonlinear": half_bent,
            "delay": half_bent / half - 1,
            "departure": departure,
            "leading_share": _read_at(along.isel(mode=0, drop=True), departure),
            "activity": departure.copy(data=activity),
            "bent": departure.copy(data=driven),
            "order_kept": departure.copy(data=_order_kept(half.values, half_bent.values)),
        }
    )
    return say_measure("compare_trajectories", result)


def predict_delay(
    s: Any, *, initial: Any, hidden: int, items: int | None = None, kurtosis: float | None = None
) -> np.ndarray:
    """Return by what share a tanh network's first mode is later than a linear network's.

    To first order in the bend of tanh, and while only the first mode is there, its output
    strength A obeys Ȧ = 2 A (s − A)(1 − ε A), with ε = Σ_i v_i⁴ Σ_j r_j⁴: v its items, r the
    direction in which random small weights let it grow in the hidden layer. For N_h units with
    Gaussian r, Σ r⁴ = 3 / N_h (3 / (N_h + 2) exactly, on the sphere), and for a mode that all P
    items share alike Σ v⁴ = 1 / P. Both half-times are then integrals in closed form. Derived
    here; it holds for ε s ≪ 1 and asks nothing of the simulation.

    Parameters
    ----------
    s, initial : arrays that broadcast against each other
        The first mode's singular value and starting strength, in the same units.
    hidden : int
        N_h.
    items : int, optional
        P, for a mode that all items share alike; or
    kurtosis : float, optional
        Σ v_i⁴ of the mode's item vector.

    Returns
    -------
    array
        Delay of the half-time as a share of the linear one. NaN where ε s ≥ 1.

    Raises
    ------
    ValueError
        Neither or both of items and kurtosis, or a start not between 0 and s/2.

    Examples
    --------
    >>> float(predict_delay(80.0, initial=1e-6, hidden=32, items=32))
    0.0090
    """
    if (items is None) == (kurtosis is None):
        raise ValueError("give items= (for a mode all share alike) or kurtosis=, one of them")
    s, start = np.broadcast_arrays(np.asarray(s, dtype=float), np.asarray(initial, dtype=float))
    if not ((start > 0) & (start < s / 2)).all():
        raise ValueError(f"initial must lie between 0 and half of s; got {initial}")
    if hidden < 1:
        raise ValueError(f"hidden is a number of units, at least 1; got {hidden}")
    fourth = 1 / items if items is not None else float(kurtosis or 0.0)
    epsilon = np.where(3 / (hidden + 2) * fourth * s < 1, 3 / (hidden + 2) * fourth, np.nan)

    def elapsed(a: np.ndarray, e: Any) -> np.ndarray:
        rest = 1 - e * s
        return (np.log(a) - np.log(s - a) / rest + e * s / rest * np.log1p(-e * a)) / (2 * s)

    late, usual = (elapsed(s / 2, e) - elapsed(start, e) for e in (epsilon, 0.0))
    return late / usual - 1


def _require_twins(linear: xr.Dataset, nonlinear: xr.Dataset) -> None:
    one, other = check(linear)["target"], check(nonlinear)["target"]
    if not one.equals(other):
        raise ValueError(
            "these two Histories are of different data (items, properties, frequencies or values "
            "differ): nothing can be said of the difference between the learners"
        )
    seeds = sorted(linear["seed"].values.tolist()), sorted(nonlinear["seed"].values.tolist())
    if seeds[0] != seeds[1]:
        raise ValueError(
            f"both need the same seeds, so that each pair begins alike; got {seeds[0]} and "
            f"{seeds[1]}"
        )
    names = [str(n) for n in linear if str(n).startswith("weights_") and n in nonlinear]
    matched = nonlinear.sel(seed=linear["seed"])
    for name in names:
        w, v = linear[name].isel(time=0).values, matched[name].isel(time=0).values
        if w.shape != v.shape or np.abs(w - v).max() > 1e-5 * np.abs(w).max():
            raise ValueError(
                f"{name} differ at the start: train the second with the same seeds and scale, or "
                "with weights= of the first"
            )


def _interpolate(curve: xr.DataArray, grid: np.ndarray) -> xr.DataArray:
    """Return seed × time × mode curves at other times."""
    time, values = curve["time"].values, curve.values
    k = np.clip(np.searchsorted(time, grid, side="right") - 1, 0, max(len(time) - 2, 0))
    following = np.minimum(k + 1, len(time) - 1)
    width = np.maximum(time[following] - time[k], np.finfo(float).tiny)
    weight = np.clip((grid - time[k]) / width, 0, 1)[:, None]
    between = values[:, k] * (1 - weight) + values[:, following] * weight
    coords = {name: c for name, c in curve.coords.items() if "time" not in c.dims}
    return xr.DataArray(between, dims=curve.dims, coords={**coords, "time": grid})


def _read_at(curve: xr.DataArray, when: xr.DataArray) -> xr.DataArray:
    """Return a curve's value (… × time) at a time of its own for each …; NaN at NaN."""
    curve = curve.transpose(*when.dims, "time")
    time = curve["time"].values
    rows = curve.values.reshape(-1, len(time))
    values = [
        np.interp(t, time, row) if np.isfinite(t) else np.nan
        for row, t in zip(rows, when.values.ravel(), strict=True)
    ]
    return when.copy(data=np.reshape(values, when.shape))


def _activity(
    nonlinear: xr.Dataset, when: xr.DataArray, bend: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest hidden activity at those times, and the share of units that bend."""
    layers = [nonlinear[name] for name in nonlinear if str(name).startswith("hidden_")]
    largest, share = np.full((2, len(when)), np.nan)
    if not layers:
        return largest, share
    time = nonlinear["time"].values
    for k, t in enumerate(when.values):
        at = int(np.abs(time - t).argmin()) if np.isfinite(t) else len(time) - 1
        driven = np.concatenate(
            [np.abs(layer.values[k, at]).max(axis=0) for layer in layers]
        )  # over items or patterns
        largest[k], share[k] = driven.max(), (driven > bend).mean()
    return largest, share


def _predict_half_times(linear: xr.Dataset, s: np.ndarray) -> np.ndarray:
    """Return closed-form half-times, seed × mode, from the weights a History begins with."""
    found = np.full((linear.sizes["seed"], len(s)), np.nan)
    names = sorted(str(name) for name in linear if str(name).startswith("weights_"))
    frequency = linear["frequency"].values
    if len(names) != 2 or np.ptp(frequency) > 0 or not is_plain(linear):
        return found
    weights = [linear[name].isel(time=0).values for name in names]
    whole = (weights[1] @ weights[0]).transpose(0, 2, 1)
    first = linear["output"].isel(time=0).values
    if whole.shape != first.shape or np.abs(whole - first).max() > 1e-4 * np.abs(first).max():
        return found  # items are not one-hot
    target = linear["target"]
    table = xr.DataArray(target.values, {k: target[k].values for k in target.dims}, target.dims)
    often = float(frequency[0])  # as if met once, learned so many times faster
    for k, (start, modes) in enumerate(match_modes(weights, Dataset(table))):
        grows = (start > 0) & (start < modes.s / 2)
        each = np.where(grows, 0.0, np.where(start > 0, 0.0, np.nan))
        each[grows] = time_to_reach(0.5, modes.s[grows], initial=start[grows], depth=2)
        for tied in tied_groups(modes.s):
            if len(tied) > 1 and np.isfinite(each[tied]).all():
                grid = np.linspace(each[tied].min(), each[tied].max(), 200)[:, None]
                shares = mode_strength(grid, modes.s[tied], initial=start[tied], depth=2)
                mean = (shares / modes.s[tied]).mean(1)
                each[tied] = np.interp(0.5, mean, grid[:, 0])
            elif len(tied) > 1:
                each[tied] = np.nan
        found[k] = each / often
    return found


def _order_kept(linear: np.ndarray, nonlinear: np.ndarray) -> np.ndarray:
    """Return for each seed the share of pairs of modes clearly apart in time that keep order."""
    one = np.where(np.isfinite(linear), linear, np.inf)
    other = np.where(np.isfinite(nonlinear), nonlinear, np.inf)
    ahead = one[:, :, None] * (1 + LEAD) < one[:, None, :]
    kept = other[:, :, None] < other[:, None, :]
    with np.errstate(invalid="ignore"):
        return (kept & ahead).sum((1, 2)) / ahead.sum((1, 2))
