"""Plateaus of the loss, found and predicted; and what a narrow hidden layer leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.history import check, has_biases
from semdev.measures.modes import take_seeds
from semdev.measures.stages import stage_times
from semdev.models.decomposition import tied_groups
from semdev.models.plateaus import Fit, fit_modes, predict_plateaus


def plateaus(
    history: xr.Dataset,
    *,
    data: Dataset | Patterns | None = None,
    depth: int | None = None,
    initial: float | Sequence[float] | np.ndarray | xr.DataArray | None = None,
    prominence: float = 1.2,
    least: float = 1e-3,
    edge: float = 0.1,
) -> xr.Dataset:
    """Return the plateaus of each seed's loss, and the saddles that theory says they are.

    Between two stages (`semdev.measures.stages.stage_times`) the loss lingers where it falls most
    slowly; that value is the plateau's level. It lasts from the time at which all but `edge` of the
    drop before is done until `edge` of the next one is. The first is the start of the run, the last
    its end; a learner without stages has that one only. Beside them stands the loss of the best map
    of the same rank, L_∞ + ½ Σ_{α>rank} s_α², on which a deep linear network lingers (Baldi &
    Hornik 1989; Saxe, McClelland & Ganguli 2014; `semdev.theory`). The rank of a plateau is how
    many modes are more than half learned there. Seeds may pass different saddles: two modes that
    are learned without a plateau between them are passed at once. If a seed lingers twice at one
    rank, that is one plateau here, from the start of the first to the end of the last, at the
    level of the one where its loss falls most slowly.

    Parameters
    ----------
    history : xr.Dataset
        A History, of any learner.
    data : Dataset or Patterns, optional
        What was learned, where the History does not say (`code`).
    depth, initial : optional
        A linear network's number of weight matrices and starting strength (a number, one for each
        mode, or seed × mode as from `semdev.theory.effective_initial_strength`): then times are
        predicted too (`predict_plateaus`).
    prominence, least : float
        What makes a stage, see `stage_times`.
    edge : float
        Share of a drop, 0 to ½, that a plateau may overlap.

    Returns
    -------
    Dataset, over seed × rank (those found in some seed, and those of saddles, which cut no tie)
        `found` (bool: this seed lingers there), `level` (loss), `start`, `end` (learning time; the
        last one's end is NaN: it is not seen to end), `duration`; all NaN where a seed has no
        plateau. `predicted` (rank alone: the loss at a saddle of that rank; NaN where it cuts a
        tie, or the learner has biases). `predicted_start`, `predicted_end` (NaN without `depth` and
        `initial`, where modes do not decouple, and where theory sees none, for the next mode begins
        before the last one is done; the last never ends: NaN). `summarize` gives a row for each
        saddle.

    Raises
    ------
    ValueError
        The loss is not that of the items' own patterns (item × relation patterns, properties
        observed in part), or a bad setting.

    Examples
    --------
    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("saxe2019"), depth=2, initial=1e-8, times=400)
    >>> found = plateaus(exact)
    >>> sd.summarize(found)[["rank", "found", "level", "predicted"]].round(2)
       rank  found  level  predicted
    0     0    1.0   6.00        6.0
    1     1    1.0   2.46        2.5
    2     2    1.0   0.99        1.0
    3     4    1.0   0.00        0.0
    """
    if not 0 < edge < 0.5:
        raise ValueError(f"edge is a share of a drop between 0 and 1/2, got {edge}")
    fit = fit_history(history, data)
    stages = stage_times(history, prominence=prominence, least=least)
    shares = fit.shares(history["output"].values)
    time, loss = history["time"].values, history["loss"].values
    reached = (shares >= 0.5).sum(-1)
    troughs = [
        _find_troughs(each, time, own[np.isfinite(own)])
        for each, own in zip(loss, stages.values, strict=True)
    ]
    lingered = [reached[k][at] for k, at in enumerate(troughs)]
    ranks = np.unique(np.concatenate([fit.ends, *lingered]))
    level, start, end = np.full((3, len(loss), len(ranks)), np.nan)
    for k, at in enumerate(troughs):
        begins, ends = _find_edges(loss[k], time, at, edge)
        for rank in np.unique(lingered[k]):
            here, same = np.searchsorted(ranks, rank), np.flatnonzero(lingered[k] == rank)
            level[k, here] = loss[k][_find_slowest(loss[k], time, at[same])]
            start[k, here], end[k, here] = begins[same[0]], ends[same[-1]]
    whole = np.isin(ranks, fit.ends) & (not has_biases(history))
    due, over = _predict_times(history, fit, depth, initial, edge, np.where(whole, ranks, -1))
    dims = ("seed", "rank")
    result = xr.Dataset(
        {
            "found": (dims, np.isfinite(level)),
            "level": (dims, level),
            "start": (dims, start),
            "end": (dims, end),
            "duration": (dims, end - start),
            "predicted": ("rank", np.where(whole, fit.losses()[ranks], np.nan)),
            "predicted_start": (dims, due),
            "predicted_end": (dims, over),
        },
        coords={**take_seeds(history), "rank": ranks},
    )
    return say_measure("plateaus", result)


def fit_history(history: xr.Dataset, data: Dataset | Patterns | None = None) -> Fit:
    """Return the modes of what a History's learner was taught: `semdev.models.plateaus.fit_modes`.

    Raises
    ------
    ValueError
        The loss is not ½ Σ frequency × (target − output)² over items and properties, or `data`
        have other items or properties.
    """
    table = check(history)["target"]
    extra = [c for c in table.coords if c not in ("item", "property", "frequency", "relation")]
    if data is None:
        codes = history["code"].values if "code" in history else None
        data = make_patterns(Dataset(table.drop_vars(extra)), inputs=codes)
    fit = fit_modes(data)
    own = fit.patterns.data.properties
    same = own.shape == table.shape and (own["item"].values == table["item"].values).all()
    if not same or not (own["property"].values == table["property"].values).all():
        raise ValueError(
            f"this History is of {table.sizes['item']} items and {table.sizes['property']} "
            f"properties; {fit.patterns.data.name} has others ({own.shape[0]} × {own.shape[1]})"
        )
    error = history["output"].values - table.values
    expected = np.einsum("i,stip->st", fit.patterns.weights, error**2) / 2
    off = np.abs(expected - history["loss"].values).max()
    if not fit.patterns.one_per_item or off > 1e-4 * max(expected.max(), np.finfo(float).tiny):
        raise ValueError(
            "the loss of this History is not ½ Σ frequency × (target − output)² over its items and "
            "properties (item × relation patterns, properties observed in part or another "
            "frequency?): its plateaus are not known"
        )
    return fit


def _find_troughs(loss: np.ndarray, time: np.ndarray, stages: np.ndarray) -> np.ndarray:
    """Return the first record, those at which the loss falls most slowly between stages, the last.

    Without a stage: the last alone.
    """
    last = len(loss) - 1
    if not len(stages):
        return np.array([last])
    rate = -np.diff(loss) / np.diff(time)
    peaks = np.searchsorted((time[:-1] + time[1:]) / 2, stages - 1e-12 * time[-1])
    between = [a + int(rate[a:b].argmin()) for a, b in pairwise(peaks)]
    return np.array([0, *between, last])


def _find_slowest(loss: np.ndarray, time: np.ndarray, at: np.ndarray) -> int:
    """Return at which of some records the loss falls most slowly."""
    if len(at) == 1:
        return int(at[0])
    slope = np.diff(loss) / np.diff(time)
    return int(at[slope[np.minimum(at, len(slope) - 1)].argmax()])


def _find_edges(
    loss: np.ndarray, time: np.ndarray, at: np.ndarray, edge: float
) -> tuple[list[float], list[float]]:
    """Return from when to when the loss lingers at each trough; NaN where that is not seen."""
    if len(at) == 1:
        return [np.nan], [np.nan]
    drops = [(loss[a], edge * (loss[a] - loss[b]), loss[b]) for a, b in pairwise(at)]
    begins = [_first_below(loss, time, low + share) for _, share, low in drops]
    ends = [_first_below(loss, time, high - share) for high, share, _ in drops]
    return [float(time[0]), *begins], [*ends, np.nan]


def _first_below(loss: np.ndarray, time: np.ndarray, level: float) -> float:
    """Return when the loss first falls to a level, interpolated between records."""
    reached = loss <= level
    k = int(reached.argmax())
    if not reached.any() or k == 0:
        return float(time[0]) if k == 0 and reached.any() else np.nan
    share = (loss[k - 1] - level) / (loss[k - 1] - loss[k])
    return float(time[k - 1] + share * (time[k] - time[k - 1]))


def _predict_times(
    history: xr.Dataset,
    fit: Fit,
    depth: int | None,
    initial: object,
    edge: float,
    rank: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted starts and ends of plateaus of these ranks (−1: of none), seed × rank."""
    begins, ends = np.full((2, history.sizes["seed"], len(rank)), np.nan)
    if (depth is None) != (initial is None):
        raise ValueError("times are predicted from depth and initial together: give both, or none")
    if depth is None:
        return begins, ends
    starting = np.asarray(initial, dtype=float)
    wanted = (len(begins), len(fit.s))
    if starting.ndim > 1 and starting.shape != wanted:
        raise ValueError(
            f"initial is a number, one for each of {len(fit.s)} modes, or seed × mode {wanted}; "
            f"got shape {starting.shape}"
        )
    for k, each in enumerate(starting if starting.ndim > 1 else [starting]):
        found = predict_plateaus(fit.patterns, depth=depth, initial=each, edge=edge)
        found = found.where(found["separate"]).reindex(rank=rank)
        own = slice(k, k + 1) if starting.ndim > 1 else slice(None)
        begins[own], ends[own] = found["start"], found["end"]
    return begins, np.where(np.isfinite(ends), ends, np.nan)


def bottleneck(
    history: xr.Dataset, *, hidden: int | None = None, data: Dataset | Patterns | None = None
) -> xr.Dataset:
    """Return what a linear network with too few hidden units ends with, and what it should.

    Through N₂ hidden units only maps of rank N₂ pass. The best of them, the only one at which
    learning can come to rest for good, is the truncated singular value decomposition (with
    unequal frequencies, that of √frequency × properties; `semdev.models.plateaus.fit_modes`):
    modes 1 to N₂ are learned, the others never, and the loss that stays is
    L_∞ + ½ Σ_{α>N₂} s_α² (Baldi & Hornik 1989; Saxe, McClelland & Ganguli 2014). Every other choice
    of N₂ modes is a saddle; the lowest of them has the loss `next_loss`.

    Parameters
    ----------
    history : xr.Dataset
        A History of a linear network.
    hidden : int, optional
        Units in the narrowest hidden layer N₂; needed unless the History keeps hidden layers or
        weights.
    data : Dataset or Patterns, optional
        As for `plateaus`.

    Returns
    -------
    Dataset
        `share` (seed × mode): how much of each mode is in the last outputs, 1 = all; `predicted`
        (mode): 1 or 0, within a tie that N₂ cuts the mean; `loss` (seed): the last; `distance`
        (seed): of the last outputs from the predicted ones, as a share of the size of the latter
        (weighted by frequency; NaN where N₂ cuts a tie, for then they are not unique);
        `predicted_loss`, `next_loss` (numbers; the latter NaN where all modes fit in). Coordinate
        `singular_value` on mode.

    Raises
    ------
    ValueError
        N₂ is unknown or no positive number, or see `plateaus`.

    Examples
    --------
    >>> import semdev as sd
    >>> narrow = sd.train(sd.DeepLinear(hidden=2), sd.load("saxe2019"), seeds=3)
    >>> ended = bottleneck(narrow, hidden=2)
    >>> ended["predicted"].values, float(ended["predicted_loss"]), float(ended["next_loss"])
    (array([1., 1., 0., 0.]), 1.0, 2.0)
    >>> ended["share"].isel(seed=0).values.round(2)
    array([1., 1., 0., 0.])
    """
    if has_biases(history):
        raise ValueError(
            "a bias passes by the hidden layer: what so narrow a network can learn is not known"
        )
    fit = fit_history(history, data)
    sizes = [n for name, n in history.sizes.items() if str(name).startswith("unit_")]
    if hidden is None and not sizes:
        raise ValueError("say how many units the narrowest hidden layer has: hidden=")
    units = min(sizes) if hidden is None else hidden
    if not isinstance(units, (int, np.integer)) or isinstance(units, bool) or units < 1:
        raise ValueError(f"hidden is a number of units, at least 1; got {hidden!r}")
    number = len(fit.s)
    rank = min(int(units), number)
    predicted = (np.arange(number) < rank).astype(float)
    for tied in tied_groups(fit.s):
        predicted[tied] = predicted[tied].mean()
    last = history["output"].isel(time=-1).values
    wanted = fit.patterns.inputs @ fit.cut(rank).T
    often = np.sqrt(fit.patterns.weights)[:, None]
    distance = np.linalg.norm(often * (last - wanted), axis=(1, 2)) / np.linalg.norm(often * wanted)
    whole = rank in fit.ends
    levels = fit.losses()
    inside, outside = fit.s[:rank] ** 2, fit.s[rank:] ** 2
    swaps = inside[:, None] - np.append(outside, 0.0)  # for another mode, or for none
    swaps = swaps[swaps > 1e-9 * inside[0]]
    following = levels[rank] + swaps.min() / 2 if rank < number else np.nan
    result = xr.Dataset(
        {
            "share": (("seed", "mode"), fit.shares(last)),
            "predicted": ("mode", predicted),
            "loss": ("seed", history["loss"].values[:, -1]),
            "distance": ("seed", distance if whole else np.full(len(last), np.nan)),
            "predicted_loss": levels[rank],
            "next_loss": following,
        },
        coords={
            **take_seeds(history),
            "mode": np.arange(1, number + 1),
            "singular_value": ("mode", fit.s),
        },
    )
    return say_measure("bottleneck", result)
