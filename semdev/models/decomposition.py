"""The modes of a world, the strengths they start from, and the learning rates they allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.models.closed_forms import check_depth
from semdev.models.truncation import Rest, find_modes, measure_rest


@dataclass(frozen=True, eq=False)
class Modes:
    """The modes of a world: Σ_yx = U diag(s) Vᵀ, and Σ_xx V = V diag(d) where `shared`.

    Attributes: `s`, `d` (mode), `u` (output × mode), `v` (input × mode), `shared` (bool: the
    inputs' covariance shares the singular vectors, so that the modes decouple), `rest` (what other
    modes there are, where only the strongest were asked for; else None).
    """

    s: np.ndarray
    d: np.ndarray
    u: np.ndarray
    v: np.ndarray
    shared: bool
    rest: Rest | None = None


def decompose(data: Dataset | Patterns, *, modes: int | None = None) -> Modes:
    """Return the modes of Σ_yx = Σ_p w_p y_p x_pᵀ, strongest first (sum convention).

    Where properties are observed unequally often, each target y counts by its share (the mask),
    and the modes are not `shared`.

    Where singular values are tied, the vectors among them are chosen to diagonalize
    Σ_xx = Σ_p w_p x_p x_pᵀ too, if that is possible.

    Parameters
    ----------
    data : Dataset or Patterns
        What is to be learned.
    modes : int, optional
        How many of the strongest to find (default: all, and all too where there are no more), in
        time proportional to their number:
        20 of 2,000 items × 6,000 properties in seconds. `rest` then says what is left out: its
        `size` (the root of the sum of the other modes' s²), its longest `row` and `column`, and
        the `coupling` by which the vectors found fail to be singular vectors. They are `shared`
        where all directions among the inputs (or among the items) vary equally, as with one-hot
        items met equally often: nothing is known of the vectors of the others.

    Raises
    ------
    ValueError
        `modes` is no number of modes.

    Examples
    --------
    >>> import semdev as sd
    >>> decompose(sd.load("saxe2019")).s ** 2
    array([7., 3., 1., 1.])
    >>> strongest = decompose(sd.load("saxe2019"), modes=2)
    >>> strongest.s ** 2, round(strongest.rest.size, 6)
    (array([7., 3.]), 1.414214)
    """
    patterns = make_patterns(data)
    whole = isinstance(modes, (int, np.integer)) and not isinstance(modes, bool)
    if modes is not None and not (whole and modes >= 1):
        raise ValueError(f"modes is how many of the strongest to find, at least 1; got {modes!r}")
    targets = patterns.targets * patterns.mask
    if patterns.one_hot:  # spares products with an identity matrix
        sigma_yx, sigma_xx = targets.T * patterns.weights, np.diag(patterns.weights)
    else:
        weighted = patterns.inputs * patterns.weights[:, None]
        sigma_yx, sigma_xx = targets.T @ weighted, patterns.inputs.T @ weighted
    u, s, v = find_modes(sigma_yx, modes)
    for tied in tied_groups(s):
        varied = v[:, tied].T @ sigma_xx @ v[:, tied]
        mixed = np.abs(varied - np.diag(np.diag(varied))).max()
        if mixed > 1e-9 * np.diag(varied).max():  # else turning would blur near-ties for nothing
            rotation = linalg.eigh(varied)[1]
            u[:, tied], v[:, tied] = u[:, tied] @ rotation, v[:, tied] @ rotation
    turned = sigma_xx @ v
    d = np.einsum("im,im->m", v, turned)
    full = bool((patterns.mask == 1).all())
    if modes is not None:
        rest = measure_rest(sigma_yx, u, s, v)
        return Modes(s, d, u, v, full and _is_white(patterns), rest)
    residue = np.abs(turned - v * d).max(initial=0.0)
    return Modes(s, d, u, v, full and bool(residue <= 1e-9 * np.abs(sigma_xx).max()))


def _is_white(patterns: Patterns) -> bool:
    """Return whether all directions among the inputs, or among the items, vary equally."""
    if patterns.one_hot:
        return bool(np.ptp(patterns.weights) <= 1e-9 * patterns.weights.max())
    seen = patterns.inputs * np.sqrt(patterns.weights)[:, None]
    products = seen @ seen.T if len(seen) < seen.shape[1] else seen.T @ seen
    size = products[0, 0]
    return bool(np.abs(products - size * np.eye(len(products))).max() <= 1e-9 * size)


def tied_groups(s: np.ndarray, *, tolerance: float = 1e-6) -> list[np.ndarray]:
    """Return the indices of singular values (sorted) that are equal, tie by tie.

    Equal are those less than `tolerance` × the largest of all below the first of their tie: however
    close neighbours stand, a tie is no wider than that.

    >>> tied_groups(np.array([3.0, 1.0, 1.0]))
    [array([0]), array([1, 2])]
    """
    groups, first = [], 0
    for k in range(1, len(s) + 1):
        if k == len(s) or s[first] - s[k] > tolerance * s[0]:
            groups.append(np.arange(first, k))
            first = k
    return groups


def effective_initial_strength(
    weights: Sequence[np.ndarray], data: Dataset | Patterns
) -> np.ndarray:
    """Return the strength a₀ at which each mode, alone, effectively starts from given weights.

    a₀ = ¼ |W₁ v + W₂ᵀ u|² for two weight matrices, b₀ = uᵀ W v for one. Small random weights
    feed a mode through the part of them that grows, and this is that part. Derived here. It knows
    no competition between modes: see `match_modes`.

    Parameters
    ----------
    weights : one or two arrays
        W₁ (hidden × input) and W₂ (output × hidden), or W (output × input); each may have a
        leading axis of seeds, as `semdev.initial_weights` returns them.
    data : Dataset or Patterns
        What is to be learned.

    Returns
    -------
    array, seed × mode

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("saxe2019")
    >>> weights = sd.initial_weights(model, world, seeds=2)
    >>> (effective_initial_strength(weights, world)[0] * 1e6).round(1)
    array([10.8, 10.1,  8.5,  5.1])
    """
    modes = decompose(data)
    return _start_alone(check_weights(weights, modes), modes)


def _start_alone(layers: list[np.ndarray], modes: Modes) -> np.ndarray:
    """Return the strength from which each mode starts if it is alone, seed × mode."""
    if len(layers) == 1:
        return np.einsum("om,soi,im->sm", modes.u, layers[0], modes.v, optimize=True)
    return np.sum(_growing_parts(layers, modes) ** 2, axis=1) / 4


def match_modes(
    weights: Sequence[np.ndarray], data: Dataset | Patterns
) -> list[tuple[np.ndarray, Modes]]:
    """Return for each seed the strengths at which modes start, beside each other, and the modes.

    A mode that has been learned holds a direction of the hidden layer, r = W₁ v + W₂ᵀ u, and
    what weaker modes have along it shrinks instead of growing, at the rate s_β − s_α. So a mode
    starts from what is left of its r beside all stronger modes,

        a₀ = ¼ |r − projection of r on the stronger modes' r|²,

    and from nothing (0: never learned) when they leave no room in the hidden layer. Among modes
    with tied singular values the start is the matrix ¼ RᵀR; its eigenvalues are their strengths
    and its eigenvectors say how to turn them. Derived here and checked by simulation: with small
    random weights half-times come out within 1–2 % for all 28 modes of `living_things`, where
    `effective_initial_strength` is off by up to 20 %. It does worse where the hidden layer is
    narrower than the data have modes (medians within 6 %), and single seeds scatter more than
    their median.

    Parameters
    ----------
    weights, data
        As for `effective_initial_strength`; with one weight matrix there is no competition.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("saxe2019")
    >>> weights = sd.initial_weights(sd.DeepLinear(hidden=16), world, seeds=2)
    >>> len(match_modes(weights, world)), match_modes(weights, world)[0][0].shape
    (2, (4,))
    """
    modes = decompose(data)
    return start_beside(check_weights(weights, modes), modes)


def start_beside(layers: list[np.ndarray], modes: Modes) -> list[tuple[np.ndarray, Modes]]:
    """Return what `match_modes` does, of modes that are known; weaker ones do not matter to it."""
    if len(layers) == 1:
        return [(start, modes) for start in _start_alone(layers, modes)]
    return [_compete(parts, modes) for parts in _growing_parts(layers, modes)]


def _growing_parts(layers: list[np.ndarray], modes: Modes) -> np.ndarray:
    """Return W₁ v + W₂ᵀ u, seed × hidden × mode."""
    if len(layers) != 2:
        raise ValueError(
            f'initial="matched" is known for one or two weight matrices, got {len(layers)}; '
            'use initial="exact" to integrate the flow from these weights'
        )
    return layers[0] @ modes.v + layers[1].transpose(0, 2, 1) @ modes.u


def _compete(parts: np.ndarray, modes: Modes) -> tuple[np.ndarray, Modes]:
    """Return strengths and turned modes for one seed's hidden × mode parts."""
    start = np.zeros(len(modes.s))
    turn = np.eye(len(modes.s))
    held = np.zeros((len(parts), 0))
    whole = np.sum(parts**2, axis=0) / 4
    for tied in tied_groups(modes.s):
        left = parts[:, tied] - held @ (held.T @ parts[:, tied])
        if np.ptp(modes.d[tied]) <= 1e-9 * modes.d.max():
            values, turn[np.ix_(tied, tied)] = linalg.eigh(left.T @ left / 4)
        else:
            values = np.sum(left**2, axis=0) / 4
        values = np.where(values > 1e-20 * whole[tied].max(), values, 0.0)
        start[tied] = values
        if values.any():
            held = linalg.orth(np.hstack([held, left / np.linalg.norm(left)]), rcond=1e-9)
    return start, replace(modes, u=modes.u @ turn, v=modes.v @ turn)


def check_weights(weights: Sequence[np.ndarray] | None, modes: Modes) -> list[np.ndarray]:
    """Return layers as seed × output × input, or say which one does not fit."""
    if not weights:
        raise ValueError(
            "initial weights are needed: weights=[W1, W2], or "
            "weights=semdev.initial_weights(model, data, seeds=…)"
        )
    layers = [np.array(w, dtype=float) for w in weights]
    layers = [w[None] if w.ndim == 2 else w for w in layers]
    n_out, n_in = len(modes.u), len(modes.v)
    wanted = [n_in, *(w.shape[1] for w in layers[:-1]), n_out]
    for k, w in enumerate(layers):
        if w.ndim != 3 or w.shape[1:] != (wanted[k + 1], wanted[k]):
            raise ValueError(
                f"weight matrix {k + 1} has shape {w.shape[-2:]}, this chain from {n_in} inputs "
                f"to {n_out} outputs needs (output × input) {(wanted[k + 1], wanted[k])}"
            )
    return layers


def bound_learning_rate(
    data: Dataset | Patterns, *, depth: int, bias: bool = False
) -> tuple[float, float]:
    """Return learning rates (safe, largest) for full-batch descent on a linear network.

    Descent is stable at a solution W = Π W_l with balanced layers while
    λ < 2 / (largest curvature). With σ, u, v the singular triples of W, that curvature is at
    least D max σ^(2−2/D) vᵀ Σ_xx v and at most D σ_max^(2−2/D) λ_max(Σ_xx); the two are equal
    for one-hot items met equally often, 2 / (D s_max^(2 − 2/D)). `largest` is 2 over the former
    (beyond it no solution is stable), `safe` 2 over the latter. An output bias is one more input
    that is always 1 for depth 1; for more it adds Σ frequency to the curvature at most, and
    `largest` is not known (infinite). Errors that count only at the share at which a property is
    observed lower the curvature: `safe` leaves that out of account, `largest` counts it, and where
    a cell is never taught it is not known, for the solution is not.

    Examples
    --------
    >>> import semdev as sd
    >>> safe, largest = bound_learning_rate(sd.load("saxe2019"), depth=2)
    >>> round(safe, 3), round(largest, 3), round(1 / 7 ** 0.5, 3)
    (0.378, 0.378, 0.378)
    """
    check_depth(depth)
    patterns = make_patterns(data)
    inputs, weights = patterns.inputs, patterns.weights
    if bias and depth == 1:
        inputs = np.hstack([inputs, np.ones((len(inputs), 1))])
    sigma_xx = inputs.T @ (inputs * weights[:, None])
    spread = linalg.eigvalsh(sigma_xx)[-1]
    full = bool((patterns.mask == 1).all())
    if depth == 1:
        shares = np.unique(patterns.mask, axis=1).T * weights
        steepest = max(linalg.eigvalsh(inputs.T * each @ inputs)[-1] for each in shares)
        return float(2 / spread), float(2 / steepest)
    u, sigma, vt = linalg.svd(best_map(patterns), full_matrices=False)
    power = sigma ** (2 - 2 / depth)
    taught = patterns.mask * weights[:, None]
    seen = np.einsum("po,pm,om->m", taught, (inputs @ vt.T) ** 2, u**2)
    least = depth * np.max(power * seen)
    if least == 0:
        raise ValueError(f"{patterns.data.name} holds nothing but zeros: there is nothing to learn")
    if not full:  # what is never taught is filled in, so take the whole map's size
        whole = linalg.svdvals(best_map(replace(patterns, mask=np.ones_like(patterns.mask))))[0]
        power = np.maximum(power, whole ** (2 - 2 / depth))
    most = depth * power[0] * spread
    if bias or not patterns.mask.all():
        return float(2 / (most + weights.sum() * bias)), float("inf")
    return float(2 / most), float(2 / least)


def best_map(patterns: Patterns) -> np.ndarray:
    """Return the smallest linear map (output × input) with the least loss, where learning ends.

    Where cells are never taught, a deep network ends at another map of the same loss.
    """
    often = np.sqrt(patterns.weights)[:, None]
    if (patterns.mask == 1).all():
        return np.linalg.lstsq(often * patterns.inputs, often * patterns.targets, rcond=None)[0].T
    kinds, which = np.unique(patterns.mask, axis=1, return_inverse=True)
    found = np.zeros((patterns.targets.shape[1], patterns.inputs.shape[1]))
    for k, share in enumerate(kinds.T):
        columns = which.ravel() == k
        weigh = often * np.sqrt(share)[:, None]
        found[columns] = np.linalg.lstsq(
            weigh * patterns.inputs, weigh * patterns.targets[:, columns], rcond=None
        )[0].T
    return found
