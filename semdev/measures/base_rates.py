"""Base rates: how near a learner is to answering with what is true of the average item."""

from __future__ import annotations

import itertools

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns
from semdev.history import check, has_biases
from semdev.models.decomposition import tied_groups


def optimal_constant(data: xr.Dataset | Dataset | Patterns) -> xr.DataArray:
    """Return the optimal constant solution: the best answer that is the same for every item.

    The least loss ½ Σ weight × (y − c)² is that of the weighted mean, the property's base rate,
    c_p = Σ_i w_ip y_ip / Σ_i w_ip; w_ip is how often the property is taught of the item: its
    frequency times the share observed (Rubruck, Bauer, Saxe & Summerfield 2024).

    Parameters
    ----------
    data : History, Dataset or Patterns
        What is learned. A History counts frequencies, and shares observed where it holds `taught`
        (item × property).

    Returns
    -------
    DataArray, property
        In the units of the coding; NaN for a property that is never taught.

    Examples
    --------
    >>> import semdev as sd
    >>> optimal_constant(sd.load("saxe2019")).sel(property="can fly").item()
    0.25
    >>> often = sd.make_patterns(sd.load("saxe2019"), frequency={"canary": 2})
    >>> optimal_constant(often).sel(property="can fly").item()
    0.4
    """
    target, taught = _read(data)
    total = taught.sum("item")
    return ((taught * target).sum("item") / total.where(total > 0)).rename("constant")


def base_rates(
    history: xr.Dataset, *, bias: bool | None = None, margin: float = 0.05
) -> xr.Dataset:
    """Return how near the outputs are to the optimal constant solution, at every time.

    Distances are |A − B|² = Σ w (A − B)², in units of that between the constant solution C and
    the targets Y, so that at C `to_constant` is 0 and `to_target` 1, and at Y the other way round.
    Orthogonal to them stand two coordinates: with M(t) the mean output over items,

        shared(t) = ⟨M, C⟩ / |C|²  and  specific(t) = ⟨Ŷ − M, Y − C⟩ / |Y − C|²,

    how much of the base rates is known, and how much of what sets items apart. A shallow network
    with white inputs learns both alike: it walks straight to Y and is never nearer to C than to
    both nothing and Y. A learner passes by C where it is (Rubruck, Bauer, Saxe & Summerfield 2024
    for the phase; these measures and predictions are ours).

    Predictions are for linear networks with a hidden layer, small weights and white inputs (for
    others lay a `solve`d History beside, with `summarize(…, theory=…)`). At every time
    the outputs should be made of the learner's own mode strengths and nothing else: F⁻¹ Σ a_α v_α
    u_αᵀ without a bias (see `mode_strengths`); with one, C (1 − e^(−t Σf)) and the modes of
    Y − C. As starting strengths vanish, outputs without a bias walk along straight lines through
    the truncated decompositions S_1, S_2, … of the data, with a bias first to C.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    bias : bool, optional
        Whether the learner has an output bias; default: what the History
        says. It changes the predictions only.
    margin : float
        By how much C must be nearer than nothing and Y for `passes`, in the distances' unit.

    Returns
    -------
    Dataset
        Over seed × time: `to_constant`, `to_target`, `shared`, `specific`, `share_constant` (the
        part of the outputs' sum of squares that is the same for all items, 0 to 1; NaN while
        there is no output), `predicted` (of `to_constant`; NaN where properties are observed
        unequally often).
        Over seed: `closest` (least `to_constant`), `closest_time`, `lead` (the largest shared −
        specific: 0 is walking straight, 1 is all base rates first), `nearness` (by how much C was
        nearer than both nothing and Y, at best), `phase` (how long it was nearest), `passes`
        (nearness > margin).
        No dimension: `predicted_closest`, `predicted_lead` (vanishing start; NaN without a bias
        where items are met unequally often, as no closed form is known).

    Raises
    ------
    ValueError
        All items have the same properties.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("rogers2004")
    >>> for depth in (2, 1):
    ...     found = base_rates(sd.solve(world, depth=depth)).isel(seed=0)
    ...     print(*(float(found[k].round(2)) for k in ("closest", "lead", "nearness")))
    0.20 0.89 0.67
    0.66 0.0 -0.0
    """
    target, taught = _read(check(history))
    bias = has_biases(history) if bias is None else bias
    w, y = taught.values, target.values
    c = np.nan_to_num(optimal_constant(history).values)
    unit = np.sum(w * (y - c) ** 2)
    if not unit > 1e-12 * np.sum(w * y**2):
        raise ValueError(
            "all items have the same properties: there is nothing beside the base rates"
        )
    output = history["output"].values
    size = np.einsum("ip,stip->st", w, output**2) / unit
    mean = np.einsum("ip,stip->stp", w, output) / np.where(w.sum(0) > 0, w.sum(0), 1)
    per = w.sum(0)
    level = np.sum(per * c**2)
    same = np.einsum("p,stp->st", per, mean**2) / unit
    specific = np.einsum("ip,stip->st", w * (y - c), output) / unit
    with np.errstate(invalid="ignore", divide="ignore"):
        shared = np.einsum("p,stp->st", per * c, mean) / (level if level > 1e-12 * unit else np.nan)
        constancy = np.where(size > 0, same / size, np.nan)
    to_constant, to_target = (_distance(output, w, goal, unit) for goal in (c, y))
    nearer = np.minimum(np.sqrt(size), to_target) - to_constant
    time = history["time"].values
    lead = (
        np.nanmax(shared - specific, axis=1) if level > 1e-12 * unit else np.full(len(size), np.nan)
    )
    white = bool(history.get("one_hot", True))
    limit = _limits(y, w, c, unit, level, bias) if white else (np.nan, np.nan)
    predicted = _distance(_rebuild(history, w, y, c, bias), w, c, unit)
    if (np.ptp(w, axis=1) > 0).any() or not white:
        predicted = np.full(predicted.shape, np.nan)
    curves = {
        "to_constant": to_constant, "to_target": to_target, "shared": shared,
        "specific": specific, "share_constant": constancy,
        "predicted": predicted,
    }  # fmt: skip
    numbers = {
        "closest": to_constant.min(1), "closest_time": time[to_constant.argmin(1)], "lead": lead,
        "nearness": nearer.max(1), "phase": _time_positive(nearer, time),
        "passes": nearer.max(1) > margin,
    }  # fmt: skip
    result = xr.Dataset(
        {k: (("seed", "time"), v) for k, v in curves.items()}
        | {k: ("seed", v) for k, v in numbers.items()}
        | {"predicted_closest": limit[0], "predicted_lead": limit[1]},
        coords={k: history[k] for k in ("seed", "time")},
    )  # fmt: skip
    return say_measure("base_rates", result)


def over_constant(
    history: xr.Dataset, *, bias: bool | None = None, false_at: float = 0.0
) -> xr.Dataset:
    """Return, for every false cell, by how much its belief comes to exceed the base rate.

    max_t [y_i(t) − c], with c the property's base rate (`optimal_constant`). A learner that only
    knows how frequent a property is gets 0 or less; what is over that comes from what the learner
    takes the item for (Rubruck, Bauer, Saxe & Summerfield 2024 for the constant, the measure is
    ours). It needs no tree, unlike the excess of `overgeneralizations`.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    bias : bool, optional
        Whether the learner has an output bias; default: what the History
        says. It changes the prediction only.
    false_at : float
        A cell is false where its target is at or below this: 0 serves 0/1 and ±1 coding.

    Returns
    -------
    Dataset
        In the units of the coding: `over` (seed × item × property), NaN in true cells;
        `predicted` (item × property), its limit in a linear network with one hidden layer as
        starting strengths vanish, max_k S_k − c (or 0 − c before anything is learned), with S_k
        the cell in the rank-k truncated decomposition of the data; with a bias max(0, max_k S_k)
        of the centred data Y − c. Derived here; NaN where items are met or properties observed
        unequally often.

    Raises
    ------
    ValueError
        No cell is false.

    Examples
    --------
    >>> import semdev as sd
    >>> found = over_constant(sd.solve(sd.load("rogers2004"), depth=2))
    >>> pine = found.sel(item="pine", property="has leaves")
    >>> float(pine["over"][0]), float(pine["predicted"])    # the base rate is .33
    (0.38, 0.40)
    """
    target, taught = _read(check(history))
    bias = has_biases(history) if bias is None else bias
    false = target <= false_at
    if not false.any():
        raise ValueError(
            f"no cell is false: every target is above {false_at}; say with false_at= up to which "
            "value a cell counts as false"
        )
    c = optimal_constant(history)
    y, w, base = target.values, taught.values, c.values
    centre = np.broadcast_to(base, y.shape) if bias else np.zeros(y.shape)
    best = np.maximum(centre, 0.0)
    for corner in _corners(y - centre):
        best = np.maximum(best, centre + corner)
    if np.ptp(w) > 0 or not bool(history.get("one_hot", True)):
        best[:] = np.nan
    over = (history["output"].max("time") - c).transpose("seed", "item", "property")
    predicted = target.copy(data=best - base)
    result = (
        xr.Dataset({"over": over, "predicted": predicted})
        .where(false)
        .drop_vars(["time", "step"], errors="ignore")
    )
    return say_measure("over_constant", result)


def _read(data: xr.Dataset | Dataset | Patterns) -> tuple[xr.DataArray, xr.DataArray]:
    """Return targets and how often each is taught, both item × property."""
    if isinstance(data, Patterns):
        target = data.data.properties
        taught = data.read_back(data.weights[:, None] * data.mask)
        return target, target.copy(data=taught)
    target = data.properties if isinstance(data, Dataset) else check(data)["target"]
    if not isinstance(data, Dataset) and "taught" in data:
        return target, data["taught"]
    return target, target["frequency"] * xr.ones_like(target)


def _distance(output: np.ndarray, w: np.ndarray, goal: np.ndarray, unit: float) -> np.ndarray:
    return np.sqrt(np.einsum("ip,stip->st", w, (output - goal) ** 2) / unit)


def _rebuild(
    history: xr.Dataset, w: np.ndarray, y: np.ndarray, c: np.ndarray, bias: bool
) -> np.ndarray:
    """Return the outputs made of nothing but the data's modes at the learner's strengths.

    Every mode has a strength of its own, and off the diagonal there is nothing; with a bias
    the constant learns on its own.
    """
    output, often = history["output"].values, history["frequency"].values[:, None]
    centre = np.zeros_like(output)
    if bias:
        known = -np.expm1(-w.sum(0) * history["time"].values[:, None])
        centre = np.broadcast_to((c * known)[None, :, None, :], output.shape)
        mean = np.einsum("ip,stip->stp", w, output) / np.where(w.sum(0) > 0, w.sum(0), 1)
        y, output = y - c, output - mean[:, :, None, :]
    v, s, ut = np.linalg.svd(often * y, full_matrices=False)
    keep = s > 1e-10 * max(s[0], np.finfo(float).tiny)
    v, s, ut = v[:, keep], s[keep], ut[keep]
    values = np.einsum("im,stip,mp->stm", v * often, output, ut, optimize=True)
    for tied in tied_groups(s):
        values[..., tied] = values[..., tied].mean(-1, keepdims=True)
    return centre + np.einsum("im,stm,mp->stip", v / often, values, ut, optimize=True)


def _corners(y: np.ndarray) -> list[np.ndarray]:
    """Return the truncated decompositions, tied modes entering together."""
    v, s, ut = np.linalg.svd(y, full_matrices=False)
    keep = s > 1e-10 * max(s[0], np.finfo(float).tiny)
    v, s, ut = v[:, keep], s[keep], ut[keep]
    parts = [(v[:, tied] * s[tied]) @ ut[tied] for tied in tied_groups(s)]
    return list(np.cumsum(parts, axis=0)) if parts else []


def _limits(
    y: np.ndarray, w: np.ndarray, c: np.ndarray, unit: float, level: float, bias: bool
) -> tuple[float, float]:
    """Return the closest distance to the constant, and its lead, as starts go to nothing."""
    known = level > 1e-12 * unit
    if bias:
        return 0.0, 1.0 if known else np.nan
    if np.ptp(w) > 0:
        return np.nan, np.nan
    w, unit, level = np.ones_like(w), unit / w.max(), level / w.max()
    path = [np.zeros_like(y), *_corners(y)]
    closest, lead = np.inf, 0.0
    for a, b in itertools.pairwise(path):
        step, gap = b - a, c - a
        along = np.clip(np.sum(step * gap) / np.sum(step**2), 0, 1)
        closest = min(closest, np.sum((a + along * step - c) ** 2))
        if known:
            lead = max(lead, np.sum(b * c) / level - np.sum(b * (y - c)) / unit)
    return float(np.sqrt(closest / unit)), float(lead) if known else np.nan


def _time_positive(curve: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Return for how long each curve (seed × time) is above 0, interpolated between records."""
    low, high = np.minimum(curve[:, :-1], curve[:, 1:]), np.maximum(curve[:, :-1], curve[:, 1:])
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(low > 0, 1.0, np.where(high > 0, high / (high - low), 0.0))
    return share @ np.diff(time)
