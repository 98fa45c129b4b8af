"""Outputs, loss, layers and weights at any time: from the strengths of modes, or from the flow."""

from __future__ import annotations

from typing import Any

import numpy as np

from semdev.data.patterns import Patterns
from semdev.factored import Factors, wrap_lazily
from semdev.memory import require_memory
from semdev.models.closed_forms import mode_strength
from semdev.models.decomposition import Modes, best_map
from semdev.models.flow import integrate_flow

SETTLED = 0.02
AT_ONCE = 2**25  # cells (256 MiB) up to which outputs are multiplied out at once
REMEDY = (
    "Ask for fewer times, for fewer modes (modes=20) where items are met equally often and shown "
    "one-hot, or do without hidden layers and weights."
)


def follow_modes(
    starts: list[tuple[np.ndarray, Modes]],
    depth: int,
    patterns: Patterns,
    time: np.ndarray,
    *,
    hidden: bool,
    keep_weights: bool,
) -> dict[str, Any]:
    """Return what a History keeps of modes that decouple, from each seed's starts and modes.

    With e = s/d the end of a mode, the loss is ½ Σ_α d (e − a)² and half of what no strength of
    these modes can reach, the weighted square of Y − Σ_α e x_α u_αᵀ. Written so, it does not
    cancel.
    """
    modes = starts[0][1]
    kinds = [modes]  # seeds differ in their modes if ties are turned
    if any(turned is not modes for _, turned in starts):
        kinds = [turned for _, turned in starts]
    a = np.stack([_grow(start, depth, modes, time) for start, _ in starts])
    seen = np.stack([see_modes(patterns, each) for each in kinds])
    factors = Factors(a, seen, np.stack([each.u for each in kinds]))
    end = modes.s / modes.d
    weights = patterns.weights[:, None]
    out_of_reach = np.sum(weights * (patterns.targets - (seen[0] * end) @ modes.u.T) ** 2) / 2
    missing = Factors(end - a[:, -1:], seen, factors.properties)
    met = patterns.weights > 0
    seeds = range(len(starts))
    off = [np.abs(missing.take(([k], 0, met, slice(None))).expand()).max() for k in seeds]
    layers = range(1, depth) if hidden else ()
    each = a.size * 8.0
    sizes = {"hidden layers": each * len(patterns.inputs) * len(layers)}
    if keep_weights:
        n_in, n_out, n_modes = len(modes.v), len(modes.u), len(modes.s)
        chain = n_in + n_out + (depth - 2) * n_modes if depth > 1 else n_in * n_out / n_modes
        sizes["weights"] = each * chain
    require_memory(sizes, what="Keeping these", remedy=REMEDY)
    return {
        "output": _lay_out(factors, patterns),
        "loss": np.sum(modes.d * (end - a) ** 2, axis=-1) / 2 + out_of_reach,
        "settled": np.array(off) <= SETTLED * np.abs(patterns.targets).max(),
        "hidden": [seen[:, None] * np.abs(a[:, :, None]) ** (k / depth) for k in layers],
        "weights": _stack([align_weights(a[k], depth, starts[k][1]) for k in seeds])
        if keep_weights
        else [],
    }


def follow_flow(
    layers: list[list[np.ndarray]],
    patterns: Patterns,
    time: np.ndarray,
    *,
    hidden: bool,
    keep_weights: bool,
) -> dict[str, Any]:
    """Return what a History keeps of each seed's weights, integrated from there (seed × layer)."""
    taught = patterns.weights[:, None] * patterns.mask
    each = 16.0 * len(layers) * len(time)  # kept by seed, then side by side
    sizes = {
        "weights": each * sum(w.size for w in layers[0]),
        "outputs": each * taught.size,
        "hidden layers": each * len(taught) * sum(len(w) for w in layers[0][:-1]),
    }
    require_memory(sizes, what="The exact flow of all weights", remedy=REMEDY)
    runs = [integrate_flow(each, patterns, time) for each in layers]
    raw = np.stack([run[0] for run in runs])
    missing = (patterns.inputs @ best_map(patterns).T - raw[:, -1]) * (taught > 0)
    return {
        "output": patterns.read_back(raw),
        "loss": np.einsum("po,stpo->st", taught, (patterns.targets - raw) ** 2) / 2,
        "settled": np.abs(missing).max((1, 2)) <= SETTLED * np.abs(patterns.targets).max(),
        "hidden": _stack([run[1] for run in runs]) if hidden else [],
        "weights": _stack([run[2] for run in runs]) if keep_weights else [],
    }


def see_modes(patterns: Patterns, modes: Modes) -> np.ndarray:
    """Return how much each pattern shows of each mode, pattern × mode."""
    return modes.v if patterns.one_hot else patterns.inputs @ modes.v


def align_weights(start: np.ndarray, depth: int, modes: Modes) -> list[np.ndarray]:
    """Return balanced weights, … × output × input, in which every mode has units of its own."""
    if depth == 1:
        return [(modes.u * start[..., None, :]) @ modes.v.T]
    root = start ** (1 / depth)
    middle = [root[..., None] * np.eye(root.shape[-1]) for _ in range(depth - 2)]
    return [root[..., None] * modes.v.T, *middle, modes.u * root[..., None, :]]


def _grow(start: np.ndarray, depth: int, modes: Modes, time: np.ndarray) -> np.ndarray:
    """Return the strengths of modes, time × mode."""
    a = np.zeros((len(time), len(modes.s)))
    learned = (start > 0) | (depth == 1)  # what finds no room in the hidden layer never is
    a[:, learned] = mode_strength(
        time[:, None], modes.s[learned], initial=start[learned], depth=depth, d=modes.d[learned]
    )
    return a


def _lay_out(factors: Factors, patterns: Patterns) -> Any:
    """Return outputs by item and property: as factors if they are large."""
    if patterns.one_per_item and np.prod(factors.shape, dtype=float) > AT_ONCE:
        return wrap_lazily(factors)
    return patterns.read_back(factors.expand())


def _stack(runs: list[list[np.ndarray]]) -> list[np.ndarray]:
    """Return each layer of several runs, seed first."""
    return [np.stack(layer) for layer in zip(*runs, strict=True)]
