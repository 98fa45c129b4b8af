"""Networks that fall apart into chains of single units, one for each mode: every weight, ever.

- `aligned_weights`: weights with which modes decouple, to start `train` from
- `chain_weights`: all weights at all times of a network that starts so
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.models.closed_forms import check_depth, mode_strength
from semdev.models.decomposition import Modes, decompose
from semdev.models.single_units import chain_strengths, time_chain


def aligned_weights(
    data: Dataset | Patterns,
    *,
    depth: int,
    initial: float | Sequence[Any] | np.ndarray,
    hidden: int | Sequence[int] | None = None,
    seed: int | None = None,
) -> list[np.ndarray]:
    """Return weight matrices that decouple a linear network's modes on these data.

    With Σ_yx = U S Vᵀ and W_l = R_{l+1} A_l R_lᵀ, A_l diagonal, R_1 = V, R_{D+1} = U and any
    orthonormal R_l between, every mode has a chain of single units of its own and no other ever
    acts on it (Saxe, McClelland & Ganguli 2014).

    Parameters
    ----------
    data : Dataset or Patterns
        What is to be learned.
    depth : int
        Number of weight matrices D.
    initial : float, array of mode, or array of mode × layer
        The strength at which modes start: the product of their layers, which then start equal,
        one for all or one for each mode (above 0 for D ≥ 2), strongest mode first; or the
        strength of each layer, of any sign.
    hidden : int or sequence of int, optional
        Units in each hidden layer. Default: as many as there are modes. With fewer, only the
        strongest modes have a chain.
    seed : int, optional
        Turn each hidden layer at random; otherwise unit k stands in the chain of mode k.

    Returns
    -------
    list of arrays, output × input
        First layer first, as ``train(…, weights=…)`` takes them.

    Raises
    ------
    ValueError
        A start, a depth or a number of units that is impossible.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("saxe2019")
    >>> w1, w2 = aligned_weights(world, depth=2, initial=1e-4, hidden=16, seed=0)
    >>> np.linalg.svd(w2 @ w1, compute_uv=False)    # all modes start at 1e-4
    array([1.e-04, 1.e-04, 1.e-04, 1.e-04])
    """
    check_depth(depth)
    modes = decompose(make_patterns(data))
    layers = _read_layers(initial, len(modes.s), depth)
    frames = _frame(modes, depth, hidden, seed)
    return [_assemble(layers[:, k], frames[k + 1], frames[k]) for k in range(depth)]


def chain_weights(
    data: Dataset | Patterns,
    *,
    depth: int,
    initial: float | Sequence[Any] | np.ndarray,
    times: int | Sequence[float] | np.ndarray = 200,
    hidden: int | Sequence[int] | None = None,
    seed: int | None = None,
) -> xr.Dataset:
    """Return every weight at every time of a linear network whose modes decouple.

    The network starts from `aligned_weights` and W_l(t) = R_{l+1} diag(w_l(t)) R_lᵀ ever after.
    Balanced layers are all a(t)^(1/D) with a(t) from `mode_strength` (Saxe, McClelland & Ganguli
    2014, eqs 12 and 15); unequal ones are those of `chain_strengths`.

    Parameters
    ----------
    data, depth, initial, hidden, seed
        As for `aligned_weights`.
    times : int or sequence of float
        Learning times (step × learning rate, τ = 1), or how many, denser early on, until every
        mode that has a chain is 99 % learned.

    Returns
    -------
    Dataset
        `weights_1` (time × unit_1 × input), …, `weights_D` (time × property × unit_{D−1}), named
        as in a History with ``keep_weights=True``; `layer_strength` (time × mode × layer), the
        chains themselves; `strength` (time × mode), their product; `singular_value` (mode).

    Raises
    ------
    ValueError
        What `aligned_weights` refuses, or data whose modes do not decouple.

    Examples
    --------
    >>> import semdev as sd
    >>> exact = chain_weights(sd.load("saxe2019"), depth=3, initial=1e-3, times=[0.0, 4.0])
    >>> exact["weights_2"].dims
    ('time', 'unit_2', 'unit_1')
    >>> exact["layer_strength"].sel(mode=1).values.round(2)    # from .1 to (√7)^(1/3)
    array([[0.1 , 0.1 , 0.1 ],
           [1.38, 1.38, 1.38]])
    """
    check_depth(depth)
    patterns = make_patterns(data)
    modes = decompose(patterns)
    if not modes.shared:
        raise ValueError(
            f"the modes of {patterns.data.name} do not decouple, because its inputs do not share "
            "their directions (items met unequally often, or correlated codes); "
            'solve(…, initial="exact", weights=aligned_weights(…), keep_weights=True) integrates '
            "the flow"
        )
    layers = _read_layers(initial, len(modes.s), depth)
    frames = _frame(modes, depth, hidden, seed)
    some = frames[0].shape[1]
    s, d, layers = modes.s[:some], modes.d[:some], layers[:some]
    time = _read_times(times, s, d, layers)
    w = _grow(time, s, d, layers)
    arrays: dict[str, Any] = {}
    for k in range(depth):
        into = "property" if k == depth - 1 else f"unit_{k + 1}"
        out_of = "input" if k == 0 else f"unit_{k}"
        arrays[f"weights_{k + 1}"] = (
            ("time", into, out_of), _assemble(w[:, :, k], frames[k + 1], frames[k])
        )  # fmt: skip
    arrays["layer_strength"] = (("time", "mode", "layer"), w)
    arrays["strength"] = (("time", "mode"), w.prod(-1))
    return xr.Dataset(
        arrays,
        coords={
            "time": time, "mode": np.arange(1, some + 1), "layer": np.arange(1, depth + 1),
            "singular_value": ("mode", s), "property": patterns.data.properties["property"].values,
        },
    )  # fmt: skip


def draw_orthonormal(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Draw a matrix with orthonormal columns (or rows, if there are fewer), uniformly.

    >>> q = draw_orthonormal(np.random.default_rng(0), 5, 3)
    >>> float(np.abs(q.T @ q - np.eye(3)).max()) < 1e-12
    True
    """
    q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return q if rows >= columns else q.T


def _assemble(strengths: np.ndarray, above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return R_{l+1} diag(strengths) R_lᵀ, … × output × input."""
    return (above * strengths[..., None, : below.shape[1]]) @ below.T


def _grow(time: np.ndarray, s: np.ndarray, d: np.ndarray, layers: np.ndarray) -> np.ndarray:
    """Return the chains, time × mode × layer: in closed form where their layers are equal."""
    depth = layers.shape[1]
    start = layers[:, 0] ** depth
    closed = (layers == layers[:, :1]).all() and (start > 0).all() and (start < s / d).all()
    if not closed or depth < 3:
        return chain_strengths(time, s, initial=layers, d=d)
    a = mode_strength(time[:, None], s, initial=start, depth=depth, d=d)
    return np.repeat((a ** (1 / depth))[..., None], depth, axis=-1)


def _read_layers(initial: Any, n_modes: int, depth: int) -> np.ndarray:
    """Return the strength of each layer, mode × layer."""
    given = np.asarray(initial, dtype=float)
    if not np.isfinite(given).all():
        raise ValueError(f"initial must be finite; got {initial!r}")
    if given.shape == (n_modes, depth):
        return given
    if given.shape not in ((), (n_modes,)):
        raise ValueError(
            f"initial needs one strength, one for each of the {n_modes} modes, or mode × layer "
            f"{(n_modes, depth)}; got shape {given.shape}"
        )
    if depth == 1:
        return np.broadcast_to(given[..., None], (n_modes, 1))
    if not (given > 0).all():
        raise ValueError(
            f"a deep network's mode must start above 0 (at 0 it never learns); got initial = "
            f"{np.min(given)}. Layers of any sign may be given as mode × layer"
        )
    root = given[..., None] ** (1 / depth)
    return np.broadcast_to(root, (n_modes, depth))


def _frame(modes: Modes, depth: int, hidden: Any, seed: int | None) -> list[np.ndarray]:
    """Return R_1 = V, R_2, …, R_{D+1} = U, each unit × mode."""
    number = len(modes.s)
    if hidden is None:
        hidden = number
    sizes = [hidden] * (depth - 1) if np.ndim(hidden) == 0 else list(hidden)
    if len(sizes) != depth - 1 or not all(isinstance(n, (int, np.integer)) for n in sizes):
        raise ValueError(
            f"hidden is a number of units, or one for each of the {depth - 1} hidden layers of a "
            f"network of depth {depth}; got {hidden!r}"
        )
    if min(sizes, default=1) < 1:
        raise ValueError(f"a hidden layer needs at least one unit; got {hidden!r}")
    some = min([number, *sizes])
    if seed is None:
        middle = [np.eye(n, some) for n in sizes]
    else:
        rng = np.random.default_rng(seed)
        middle = [draw_orthonormal(rng, n, some) for n in sizes]
    return [modes.v[:, :some], *middle, modes.u[:, :some]]


def _read_times(times: Any, s: np.ndarray, d: np.ndarray, layers: np.ndarray) -> np.ndarray:
    if np.ndim(times) == 0:
        if not (isinstance(times, (int, np.integer)) and times >= 2):
            raise ValueError(f"times is a list, or how many (at least 2); got {times!r}")
        needed = time_chain(0.99, s, initial=layers, d=d)
        needed = needed[np.isfinite(needed)]
        if not needed.size or not needed.max():
            raise ValueError("no mode learns from this start: say which times are wanted")
        return needed.max() * np.linspace(0, 1, int(times)) ** 2
    time = np.asarray(times, dtype=float)
    if time.ndim != 1 or not time.size or not (np.isfinite(time) & (time >= 0)).all():
        raise ValueError(f"times must be learning times, 0 or later; got {times!r}")
    return time
