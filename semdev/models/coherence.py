"""Closed forms of coherence: when a category stands out from the noise around it, and how far."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

ArrayLike = Any


def predict_detection(
    *,
    items: ArrayLike,
    properties: ArrayLike,
    members: ArrayLike,
    features: ArrayLike,
    within: ArrayLike,
    background: ArrayLike,
    centred: bool = True,
) -> xr.Dataset:
    """Return whether a category in noise can be found, its mode's strength and its overlaps.

    K_o of N_o items share K_f of N_f features with probability p, all other cells are 1 with
    probability q. With q taken away (`centred`) that is a rank-one signal (p − q) √(K_o K_f)
    in noise of variance q(1 − q), and the category has a mode of its own where

        SNR = (p − q)² K_o K_f / (q (1 − q) √(N_o N_f)) > 1.

    Saxe, McClelland & Ganguli (2019) introduce a coherence of this kind and its threshold. The
    form is derived here from the theory of one strong direction in a random matrix (see
    `predict_spike`) and checked by simulation. Without centring the signal has rank two, for the
    background is a mode, too, of strength about q √(N_o N_f); the category's mode is then what
    sets members against all others, and a little weaker: its signal is the second singular
    value of the 2 × 2 matrix of block means times √(rows × columns) of the blocks.

    Parameters
    ----------
    items, properties, members, features : DataArrays, arrays or numbers
        N_o, N_f, K_o, K_f; whole numbers, K_o < N_o and K_f < N_f. DataArrays are broadcast
        against each other by name.
    within, background : likewise
        p and q, probabilities; 0 < q < 1.
    centred : bool
        Whether q has been taken away from the data.

    Returns
    -------
    Dataset
        Over whatever the arguments have: `snr` (of the signal that there is: without
        centring that of the second mode); `detectable` (bool, snr > 1); `singular_value` of the
        category's mode (at the threshold and below it the bulk's edge), `bulk_edge`
        √(q(1 − q)) (√N_o + √N_f), `background_mode` (the first mode's singular value; NaN when
        centred), all in units of a cell; `item_overlap` and `feature_overlap`, squared cosines
        of the mode's vectors with the category's (0 below the threshold).

    Raises
    ------
    ValueError
        Sizes or probabilities outside these ranges.

    Examples
    --------
    >>> found = predict_detection(
    ...     items=1000, properties=1600, members=[40, 120], features=[60, 200], within=0.7,
    ...     background=0.3,
    ... )
    >>> found["snr"].values.round(1), found["item_overlap"].values.round(2)
    (array([ 1.4, 14.5]), array([0.34, 0.94]))
    """
    n_o, n_f, k_o, k_f, p, q = xr.broadcast(
        *(_label(x) for x in (items, properties, members, features, within, background))
    )
    if not (((k_o >= 1) & (k_o < n_o)).all() and ((k_f >= 1) & (k_f < n_f)).all()):
        raise ValueError(
            "a category has at least one member and one feature, and fewer than there are items "
            f"and properties; got members {members!r} of {items!r}, features {features!r} of "
            f"{properties!r}"
        )
    if not (((q > 0) & (q < 1)).all() and ((p >= 0) & (p <= 1)).all()):
        raise ValueError(
            "within is a probability, background one that is neither 0 nor 1 (else there is no "
            f"noise); got {within!r} and {background!r}"
        )
    zero = 0 * q
    inside, outside = (p - q, zero) if centred else (p, q)
    signal, _, _, other = split_blocks(
        inside, outside, outside, outside, sizes=(k_o, n_o - k_o, k_f, n_f - k_f)
    )
    noise = q * (1 - q)
    found = predict_spike(signal, items=n_o, properties=n_f, noise=noise)
    first = predict_spike(other, items=n_o, properties=n_f, noise=noise)["singular_value"]
    found["background_mode"] = first.where(not centred)
    return found


def predict_spike(
    signal: ArrayLike, *, items: ArrayLike, properties: ArrayLike, noise: ArrayLike
) -> xr.Dataset:
    """Return what noise makes of a signal of rank one: its singular value and overlaps.

    A signal m u vᵀ (|u| = |v| = 1) in N_o × N_f independent noise of variance σ². With
    θ² = m² / (σ² N_o) and c = N_f / N_o, for large tables: above θ⁴ = c, that is
    SNR = m² / (σ² √(N_o N_f)) = 1,

        singular value  σ √N_o √((1 + θ²)(c + θ²)) / θ
        item overlap²     1 − (c + θ²) / (θ² (θ² + 1))
        feature overlap²  1 − c (1 + θ²) / (θ² (θ² + c))

    and below it the bulk's edge σ (√N_o + √N_f) and nothing. Benaych-Georges & Nadakuditi (2012,
    J. Multivariate Anal. 111:120–135, entries of variance 1/N_o; the transition is that of
    Baik, Ben Arous & Péché 2005). Which overlap is the items' follows from their theorem, whose
    c is that of the side whose number stands above: here the features'.

    Parameters
    ----------
    signal, noise : DataArrays, arrays or numbers
        m ≥ 0 and σ² ≥ 0; without noise the signal is found whole.
    items, properties : likewise
        N_o and N_f.

    Returns
    -------
    Dataset
        `snr`, `detectable`, `singular_value`, `bulk_edge`, `item_overlap`, `feature_overlap`.

    Raises
    ------
    ValueError
        A negative signal or noise.

    Examples
    --------
    >>> found = predict_spike(5.0, items=16, properties=36, noise=0.25)
    >>> float(found["snr"]), float(found["singular_value"]), float(found["bulk_edge"])
    (4.17, 6.28, 5.0)
    """
    m, n_o, n_f, variance = xr.broadcast(*(_label(x) for x in (signal, items, properties, noise)))
    if (m < 0).any() or (variance < 0).any():
        raise ValueError("a signal's strength and the variance of noise are not negative")
    c = n_f / n_o
    with np.errstate(divide="ignore", invalid="ignore"):
        square = m**2 / (variance * n_o)  # θ²
        snr = m**2 / (variance * np.sqrt(n_o * n_f))
        there = snr > 1
        value = np.sqrt(variance * n_o * (1 + square) * (c + square) / square)
        by_item = 1 - (c + square) / (square * (square + 1))
        by_feature = 1 - c * (1 + square) / (square * (square + c))
    edge = np.sqrt(variance) * (np.sqrt(n_o) + np.sqrt(n_f))
    clean = (variance == 0) & (m > 0)
    return xr.Dataset(
        {
            "snr": snr,
            "detectable": there,
            "singular_value": xr.where(clean, m, xr.where(there, value, edge)),
            "bulk_edge": edge,
            "item_overlap": xr.where(clean, 1.0, xr.where(there, by_item, 0.0)),
            "feature_overlap": xr.where(clean, 1.0, xr.where(there, by_feature, 0.0)),
        }
    )


def split_blocks(
    inside: ArrayLike,
    features_outside: ArrayLike,
    members_elsewhere: ArrayLike,
    rest: ArrayLike,
    *,
    sizes: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike],
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray, xr.DataArray]:
    """Return the category's mode in a table of four blocks, each with a mean of its own.

    A table that is constant in members × features, others × features, members × other
    properties and others × other properties has two modes. The category's is the one that sets
    members against others and is theirs: of the two item vectors, constant on either side, the
    one with the larger product of its squared cosine with the contrast
    1_A / K_o − 1_rest / (N_o − K_o) and its share of length on members.

    Parameters
    ----------
    inside, features_outside, members_elsewhere, rest : DataArrays or numbers
        The four means.
    sizes : four DataArrays or numbers
        Members, other items, features, other properties.

    Returns
    -------
    DataArrays
        The category's strength; its item vector's value for a member and for any other item
        (positive for a member, length 1 over items); the other mode's strength.

    Examples
    --------
    >>> strength, member, other, background = split_blocks(1, 0, 1, 1, sizes=(2, 2, 1, 1))
    >>> float(strength) ** 2, float(background) ** 2
    (0.76, 5.24)
    """
    a, b, c, d, *counts = xr.broadcast(
        *(_label(x) for x in (inside, members_elsewhere, features_outside, rest, *sizes))
    )
    m, o, f, e = counts
    matrix = np.stack(
        [a * np.sqrt(m * f), b * np.sqrt(m * e), c * np.sqrt(o * f), d * np.sqrt(o * e)], axis=-1
    ).reshape(*a.shape, 2, 2)  # items' side × properties' side, both in unit vectors
    left, s, _ = np.linalg.svd(matrix)
    contrast = np.stack([np.sqrt(o / (m + o)), -np.sqrt(m / (m + o))], axis=-1)
    fit = (np.einsum("...jk,...j->...k", left, contrast) * left[..., 0, :]) ** 2
    fit = fit * (s > 1e-12 * s[..., :1])
    which = fit.argmax(-1)[..., None]
    vector = np.take_along_axis(left, which[..., None], -1)[..., 0]
    vector = vector * np.where(vector[..., :1] < 0, -1.0, 1.0)
    strength, other = (np.take_along_axis(s, k, -1)[..., 0] for k in (which, 1 - which))
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = [vector[..., 0] / np.sqrt(m.values), vector[..., 1] / np.sqrt(o.values)]
    return tuple(a.copy(data=x) for x in (strength, *rows, other))  # type: ignore[return-value]


def _label(x: ArrayLike) -> xr.DataArray:
    """Return a DataArray of floats; the dimension of a list is `case`."""
    if isinstance(x, xr.DataArray):
        return x.astype(float)
    values = np.asarray(x, dtype=float)
    if values.ndim > 1:
        raise ValueError("give DataArrays with named dimensions for more than one dimension")
    return xr.DataArray(values, dims=("case",)[: values.ndim])
