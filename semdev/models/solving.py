"""Solve a linear network's learning: a whole History from the closed forms or the exact flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from semdev._names import suggest
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.history import make_history
from semdev.models.closed_forms import check_depth, time_to_reach
from semdev.models.decomposition import Modes, check_weights, decompose, start_beside
from semdev.models.following import SETTLED, align_weights, follow_flow, follow_modes, see_modes
from semdev.models.truncation import Rest, bound_errors

STRENGTH = 1e-5


def solve(
    data: Dataset | Patterns,
    *,
    depth: int,
    initial: float | Sequence[float] | np.ndarray | str | None = None,
    weights: Sequence[np.ndarray] | None = None,
    seeds: Sequence[int] | None = None,
    times: Sequence[float] | np.ndarray | int = 200,
    modes: int | None = None,
    hidden: bool = False,
    keep_weights: bool = False,
) -> xr.Dataset:
    """Solve a linear network's gradient flow: the same kind of History as `train`, at once.

    The network's outputs are ŷ(t) = Σ_α a_α(t) u_α v_αᵀ x with a_α(t) from `mode_strength`
    (Saxe, McClelland & Ganguli 2014, 2019). Where items differ in frequency, or inputs are
    correlated so that they do not share the data's singular vectors, the modes do not decouple:
    the exact flow is then integrated numerically from the same start, and the provenance says so.

    Large worlds: with `modes` only the strongest are found and followed, and the History says by
    how much outputs can be off for that. Outputs of more than 256 MiB are kept as factors and
    multiplied out where they are asked for: ``history["output"].sel(item="worm")`` takes what one
    item takes.

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
    modes : int, optional
        How many of the strongest modes to follow (default: all, and all too where there are no
        more; ``history["modes"]`` says how many), where modes decouple whatever the others are:
        items met equally often, shown one-hot or by orthogonal codes of one length. It is what a
        network with so many hidden units does, each mode with a unit of its own. The History then
        has `rms_error_bound` and `cell_error_bound`: what is missing of outputs, against all modes
        from the same starting strength, is at no time more than this in root mean square over
        cells, and in any one cell (`bound_errors` in semdev.models.truncation derives them). NaN
        where `initial` is not one number. A cell is bounded by what is left out of its whole row or
        column, so that `cell_error_bound` says nothing of worlds without structure, where much is
        left out of each: some 30 for the 10 strongest modes of 1,000 × 3,000 random zeros and ones,
        of which no cell can lack much more than 1. There `rms_error_bound` is the one to read.
    hidden : bool
        Keep hidden layers too, up to the rotation that the theory leaves open:
        h_l = Σ_α a_α^(l/D) v_αᵀ x.
    keep_weights : bool
        Keep the weight matrices too, up to that same rotation: W_1 = A^(1/D) Vᵀ, W_l = A^(1/D),
        W_D = U A^(1/D), a chain of single units for each mode.

    Raises
    ------
    ValueError
        A bad depth or start, times that do not increase, weights that do not fit; `modes` where
        modes do not decouple.
    MemoryError
        Hidden layers, weights or an integrated flow would not fit into the memory that is free.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("living_things")
    >>> exact = sd.solve(world, depth=2)
    >>> exact["output"].dims
    ('seed', 'time', 'item', 'property')
    >>> strongest = sd.solve(world, depth=2, modes=9, times=exact["time"])
    >>> missing = strongest["output"] - exact["output"]
    >>> bool(abs(missing).max() <= strongest["cell_error_bound"])
    True
    """
    check_depth(depth)
    patterns = make_patterns(data)
    found = decompose(patterns, modes=modes)
    if not len(found.s):
        raise ValueError(f"{patterns.data.name} holds nothing but zeros: there is nothing to learn")
    exactly = isinstance(initial, str) and initial == "exact"
    if found.rest is not None and (exactly or not found.shared):
        raise ValueError(
            f"modes={modes} needs modes that decouple: items met equally often, all properties "
            "observed, shown one-hot (or by orthogonal codes of one length), and a start other "
            "than 'exact'; else those left out would change those kept. Leave modes out, and the "
            f"exact flow of all weights is integrated ({patterns.data.name})"
        )
    starts = _read_initial(initial, weights, patterns, found, depth)
    usual = np.median([np.abs(start) for start, _ in starts], axis=0)
    time = _read_times(times, _time_needed(found, usual, depth, patterns))
    method = "closed form"
    if exactly:
        layers = check_weights(weights, found)
        chains = [[w[k] for w in layers] for k in range(len(starts))]
        method = "exact gradient flow from the given weights, integrated numerically (DOP853)"
    elif not found.shared:
        chains = [align_weights(start, depth, turned) for start, turned in starts]
        method = "exact gradient flow, integrated numerically (DOP853): the modes do not decouple"
    if method == "closed form":
        made = follow_modes(starts, depth, patterns, time, hidden=hidden, keep_weights=keep_weights)
    else:
        made = follow_flow(chains, patterns, time, hidden=hidden, keep_weights=keep_weights)
    history = make_history(
        patterns,
        time=time,
        step=np.full(len(time), np.nan),
        seeds=_read_seeds(seeds, len(starts)),
        depth=depth,
        provenance={
            "made_by": "semdev.solve",
            "model": f"theory, depth {depth}",
            "method": method,
            "initial": initial if isinstance(initial, str) else starts[0][0].tolist(),
            **({} if modes is None else {"modes": len(found.s)}),
        },
        **made,
    )
    if found.rest is None:
        return history
    return history.assign(_bound_missing(found.rest, starts, depth, patterns))


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
        matched = start_beside(layers, modes)
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
    order = order[learned[order]][::-1]
    seen = see_modes(patterns, modes)
    limit = SETTLED / 2 * np.abs(patterns.targets).max()
    most = (end * np.abs(seen).max(0) * np.abs(modes.u).max(0))[order]
    few = order[: np.count_nonzero(np.cumsum(most) <= limit)]  # together they cannot matter
    missing = (seen[:, few] * end[few]) @ modes.u[:, few].T
    for mode in order[len(few) :]:
        missing += end[mode] * np.outer(seen[:, mode], modes.u[:, mode])
        if np.abs(missing).max() > limit:
            return float(times[mode])
    return float(times[order[-1]])


def _bound_missing(
    rest: Rest, starts: list[tuple[np.ndarray, Modes]], depth: int, patterns: Patterns
) -> dict[str, tuple]:
    """Return what a History says of the modes that were left out."""
    start, modes = starts[0]
    rms, cell = np.nan, np.nan
    if len(starts) == 1 and np.ptp(start) == 0:
        d = modes.d[0]
        off, by_output, by_input = bound_errors(
            Rest(*(size / d for size in (rest.size, rest.row, rest.column, rest.coupling))),
            largest=modes.s[0] / d, initial=start[0], depth=depth,
            number=min(len(modes.u), len(modes.v)),
        )  # fmt: skip
        longest = np.sqrt(d / patterns.weights.min())  # no item's code is longer
        rms = longest * off / np.sqrt(patterns.asked.size)
        cell = min(by_output, by_input) if patterns.one_hot else longest * by_output
    told = "what outputs lack of all modes is at no time larger {}"
    return {
        "modes": ((), len(modes.s), {"description": "only the strongest modes were followed"}),
        "rms_error_bound": (
            (), rms, {"description": told.format("in root mean square over all cells")},
        ),
        "cell_error_bound": ((), cell, {"description": told.format("in any cell")}),
    }  # fmt: skip


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
