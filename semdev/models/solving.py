"""Solve a linear network's learning: a whole History from the closed forms or the exact flow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from semdev._names import suggest
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.history import make_history
from semdev.models.closed_forms import (
    check_depth,
    mode_strength,
    time_to_reach,
)
from semdev.models.decomposition import (
    Modes,
    best_map,
    check_weights,
    decompose,
    match_modes,
)
from semdev.models.flow import Run, integrate_flow

STRENGTH = 1e-5
SETTLED = 0.02


def solve(
    data: Dataset | Patterns,
    *,
    depth: int,
    initial: float | Sequence[float] | np.ndarray | str | None = None,
    weights: Sequence[np.ndarray] | None = None,
    seeds: Sequence[int] | None = None,
    times: Sequence[float] | np.ndarray | int = 200,
    hidden: bool = False,
    keep_weights: bool = False,
) -> xr.Dataset:
    """Solve a linear network's gradient flow: the same kind of History as `train`, at once.

    The network's outputs are ŷ(t) = Σ_α a_α(t) u_α v_αᵀ x with a_α(t) from `mode_strength`
    (Saxe, McClelland & Ganguli 2014, 2019). Where items differ in frequency, or inputs are
    correlated so that they do not share the data's singular vectors, the modes do not decouple:
    the exact flow is then integrated numerically from the same start, and the provenance says so.

    Parameters
    ----------
    data : Dataset or Patterns
        What is to be learned.
    depth : int
        Number of weight matrices: 1 is shallow, 2 has one hidden layer.
    initial : optional
        The starting strength a₀ of every mode (default 1e-5; 0 for depth 1); or one for each
        mode, strongest first; or ``"matched"``: the strength from which each mode effectively
        starts beside the others, taken from `weights` by `match_modes` (depth 1 and 2, small
        weights); or ``"exact"``: the flow integrated numerically from `weights`, every
        interaction of modes included.
    weights : sequence of arrays, optional
        Initial weights, first layer first, each (seed ×) output × input; one result for each
        seed. See `semdev.initial_weights`.
    seeds : sequence of int, optional
        What the seeds of `weights` are called (default 0, 1, …), so that theory and simulation
        line up.
    times : int or increasing sequence of float
        The learning times wanted (step × learning rate, τ = 1), or how many; a number of times
        is spread, denser early on, until all that matters has been learned.
    hidden : bool
        Keep hidden layers too, up to the rotation that the theory leaves open:
        h_l = Σ_α a_α^(l/D) v_αᵀ x.
    keep_weights : bool
        Keep the weight matrices too, up to that same rotation: W_1 = A^(1/D) Vᵀ, W_l = A^(1/D),
        W_D = U A^(1/D), a chain of single units for each mode.

    Raises
    ------
    ValueError
        A bad depth or start, times that do not increase, weights that do not fit.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("living_things")
    >>> exact = sd.solve(world, depth=2)
    >>> exact["output"].dims
    ('seed', 'time', 'item', 'property')
    """
    check_depth(depth)
    patterns = make_patterns(data)
    modes = decompose(patterns)
    if not len(modes.s):
        raise ValueError(f"{patterns.data.name} holds nothing but zeros: there is nothing to learn")
    starts = _read_initial(initial, weights, patterns, modes, depth)
    usual = np.median([np.abs(start) for start, _ in starts], axis=0)
    time = _read_times(times, _time_needed(modes, usual, depth, patterns))
    if isinstance(initial, str) and initial == "exact":
        layers = check_weights(weights, modes)
        runs = [integrate_flow([w[k] for w in layers], patterns, time) for k in range(len(starts))]
        method = "exact gradient flow from the given weights, integrated numerically (DOP853)"
    elif modes.shared:
        runs = [_closed_form(start, depth, patterns, turned, time) for start, turned in starts]
        method = "closed form"
    else:
        runs = [
            integrate_flow(_aligned(start, depth, turned), patterns, time)
            for start, turned in starts
        ]
        method = "exact gradient flow, integrated numerically (DOP853): the modes do not decouple"
    raw = np.stack([run[0] for run in runs])
    taught = patterns.weights[:, None] * patterns.mask
    loss = np.einsum("po,stpo->st", taught, (patterns.targets - raw) ** 2) / 2
    missing = (patterns.inputs @ best_map(patterns).T - raw[:, -1]) * (taught > 0)
    learned = np.abs(missing).max((1, 2)) <= SETTLED * np.abs(patterns.targets).max()
    return make_history(
        patterns,
        output=patterns.read_back(raw),
        loss=loss,
        time=time,
        step=np.full(len(time), np.nan),
        seeds=_read_seeds(seeds, len(runs)),
        settled=learned,
        hidden=_stack(run[1] for run in runs) if hidden else [],
        weights=_stack(run[2] for run in runs) if keep_weights else [],
        depth=depth,
        provenance={
            "made_by": "semdev.solve",
            "model": f"theory, depth {depth}",
            "method": method,
            "initial": initial if isinstance(initial, str) else starts[0][0].tolist(),
        },
    )


def _stack(runs: Iterable[list[np.ndarray]]) -> list[np.ndarray]:
    """Return each layer of several runs, seed first."""
    return [np.stack(layer) for layer in zip(*runs, strict=True)]


def _read_seeds(seeds: Sequence[int] | None, number: int) -> list[int]:
    names = list(range(number)) if seeds is None else [int(seed) for seed in seeds]
    if len(names) != number or len(set(names)) < number:
        raise ValueError(f"seeds must name each of the {number} results once, got {seeds!r}")
    return names


def _read_initial(
    initial: Any, weights: Any, patterns: Patterns, modes: Modes, depth: int
) -> list[tuple[np.ndarray, Modes]]:
    """Return starting strengths, and the modes they belong to, for each seed."""
    if isinstance(initial, str):
        if initial not in ("matched", "exact"):
            raise ValueError(
                f"initial is a number, one number for each mode, 'matched' or 'exact'; got "
                f"{initial!r}; {suggest(initial, ['matched', 'exact'])}"
            )
        layers = check_weights(weights, modes)
        if len(layers) != depth:
            raise ValueError(f"depth is {depth}, but there are {len(layers)} weight matrices")
        if initial == "exact" and depth > 2:
            sizes = [np.sqrt(np.mean(w**2) * max(w.shape[1:])) for w in layers]
            return [(np.full(len(modes.s), np.prod(sizes)), modes)] * len(layers[0])
        matched = match_modes(layers, patterns)
        if depth > 1 and not all(start.any() for start, _ in matched):
            raise ValueError(
                "the weights hold nothing that could grow: at 0 a network never learns"
            )
        return matched
    if weights is not None:
        raise ValueError('weights are used with initial="matched" or initial="exact" only')
    if initial is None:
        initial = 0.0 if depth == 1 else STRENGTH
    start = np.asarray(initial, dtype=float)
    if start.ndim > 1 or start.size not in (1, len(modes.s)):
        raise ValueError(
            f"initial needs one number, or one for each of the {len(modes.s)} modes; got "
            f"{start.size}"
        )
    if not np.isfinite(start).all() or (depth > 1 and not (start > 0).all()):
        raise ValueError(
            f"initial must be finite, and above 0 in a deep network (at 0 it never learns); "
            f"got {np.min(start)}"
        )
    return [(np.broadcast_to(start, len(modes.s)), modes)]


def _time_needed(modes: Modes, start: np.ndarray, depth: int, patterns: Patterns) -> float:
    """Return when the modes that make up all cells to 1 % of the largest are 99 % learned."""
    end = modes.s / modes.d
    learned = (start > 0) | (depth == 1)
    start = np.minimum(np.where(learned, start, end), 0.98 * end)
    times = time_to_reach(0.99, modes.s, initial=start, depth=depth, d=modes.d)
    order = np.argsort(times)
    order = order[learned[order]]
    seen = patterns.inputs @ modes.v
    missing = np.zeros((len(seen), len(modes.u)))
    limit = SETTLED / 2 * np.abs(patterns.targets).max()
    for mode in order[::-1]:
        missing += end[mode] * np.outer(seen[:, mode], modes.u[:, mode])
        if np.abs(missing).max() > limit:
            return float(times[mode])
    return float(times[order[0]])


def _read_times(times: Any, slowest: float) -> np.ndarray:
    if np.ndim(times) == 0:
        if not (isinstance(times, (int, np.integer)) and times >= 2):
            raise ValueError(
                f"times is an increasing list, or how many (at least 2); got {times!r}"
            )
        return slowest * np.linspace(0, 1, int(times)) ** 2
    time = np.array(times, dtype=float)
    if time.ndim != 1 or not time.size:
        raise ValueError(f"times is an increasing list, or how many (at least 2); got {times}")
    if not (time[0] >= 0 and (np.diff(time) > 0).all() and np.isfinite(time).all()):
        raise ValueError("times must increase and begin at 0 or later")
    return time


def _closed_form(
    start: np.ndarray, depth: int, patterns: Patterns, modes: Modes, time: np.ndarray
) -> Run:
    """Return outputs (time × pattern × output), hidden layers and weights."""
    a = np.zeros((len(time), len(modes.s)))
    learned = (start > 0) | (depth == 1)  # what finds no room in the hidden layer never is
    a[:, learned] = mode_strength(
        time[:, None], modes.s[learned], initial=start[learned], depth=depth, d=modes.d[learned]
    )
    seen = patterns.inputs @ modes.v
    hidden = [seen * np.abs(a[:, None, :]) ** (k / depth) for k in range(1, depth)]
    return (seen * a[:, None, :]) @ modes.u.T, hidden, _aligned(a, depth, modes)


def _aligned(start: np.ndarray, depth: int, modes: Modes) -> list[np.ndarray]:
    """Return balanced weights, … × output × input, in which every mode has units of its own."""
    if depth == 1:
        return [(modes.u * start[..., None, :]) @ modes.v.T]
    root = start ** (1 / depth)
    middle = [root[..., None] * np.eye(root.shape[-1]) for _ in range(depth - 2)]
    return [root[..., None] * modes.v.T, *middle, modes.u * root[..., None, :]]
