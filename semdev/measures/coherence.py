"""Coherence: whether a category stands out from everything else, and when it is learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.data.dataset import Dataset
from semdev.history import check, count_layers, is_plain
from semdev.measures.categories import Categories, calibrate_start, expect_history, read_world
from semdev.measures.crossing import first_crossing
from semdev.measures.modes import take_seeds
from semdev.models.closed_forms import time_to_reach
from semdev.models.coherence import predict_spike
from semdev.models.decomposition import tied_groups


def coherence(data: Dataset | xr.Dataset, *, categories: Categories = None) -> xr.Dataset:
    """Return how coherent each category is, whether it can be found, and whether it has been.

    The table is taken for two mean rows, the members' and the others', in noise: all that is left
    over is noise here, other categories included, of variance σ² (pooled, with N_o − 2 degrees
    of freedom). A class of the tree is judged among the items of the next larger class (birds
    among animals), which is then what N_o counts, any other category among all items. The Gram
    matrix of the two rows times √(items), less the N_f σ² that noise adds to its diagonal, holds
    two signals, and the category's m is the one that sets members against the others and is
    theirs (see `semdev.models.coherence.split_blocks`). Then SNR = m² / (σ² √(N_o N_f)), and
    `predict_spike` says what a singular value decomposition can find of it. For K_o members
    sharing K_f features with probability p against q, which has been taken away, that is
    (p − q)² K_o K_f / (q(1 − q) √(N_o N_f)) (Saxe, McClelland & Ganguli 2019, for the idea; this
    form and its estimate are derived here and checked by simulation).
    Nothing is centred: a background makes a mode of its own, to which the category loses a
    little. Base rates may differ between properties. Predictions are for large tables and
    unstructured noise; items count alike, whatever their frequency.

    Parameters
    ----------
    data : Dataset or History
        What is learned (a History's target).
    categories : optional
        Names of the tree's classes or of properties (who has it), or a mapping of names to
        lists of items. Default: every class with two members or more that is not the whole.

    Returns
    -------
    Dataset
        Over category. The block: `members` K_o; `features` K_f, those properties that
        members have more often and that together make (Σ difference)² / K_f largest (where
        coding is not 0/1, also those they have less often, sign turned); `within` and
        `background`, mean values (p and q in 0/1 coding) of these among members and
        others. What follows: `snr`, `detectable` (snr > 1), `bulk_edge`,
        `predicted_singular_value`, `predicted` (item overlap²) and `predicted_feature_overlap`.
        What there is: `mode`, the number of the mode of the whole table (the first of tied
        ones) that matches the category's item vector best, `singular_value`, and
        `item_overlap`, the squared cosine (share, for tied modes).

    Raises
    ------
    KeyError
        An unknown category or item; the nearest match is suggested.
    ValueError
        No tree and no categories, or a category with fewer than two members or with all items.

    Examples
    --------
    >>> from semdev.data.categories import noisy_categories
    >>> world = noisy_categories(200, 320, members=[40, 8], features=[60, 9], seed=1)
    >>> found = coherence(world)
    >>> found["snr"].values.round(1), found["detectable"].values
    (array([4.2, 0.3]), array([ True, False]))
    >>> found["item_overlap"].values.round(2), found["predicted"].values.round(2)
    (array([0.82, 0.07]), array([0.79, 0.  ]))
    """
    world = read_world(data, categories)
    y = world.target.values
    n_f = y.shape[1]
    binary = set(np.unique(y).tolist()) <= {0.0, 1.0}
    left, s, _ = np.linalg.svd(y, full_matrices=False)
    groups = tied_groups(s)
    rows = []
    for member, scope in zip(world.member, world.scope, strict=True):
        k_o, n_o, inside = int(member.sum()), int(scope.sum()), member[scope]
        means = np.stack([y[member].mean(0), y[scope & ~member].mean(0)])
        residue = y[scope] - means[np.where(inside, 0, 1)]
        noise = float(np.sum(residue**2) / ((n_o - 2) * n_f))
        noise = noise if noise > 1e-20 * np.mean(y**2) else 0.0
        vector = np.zeros(len(y))
        signal, vector[scope] = _find_signal(means, noise, inside)
        found = predict_spike(signal, items=n_o, properties=n_f, noise=noise)
        shares = (vector @ left) ** 2
        overlap = np.array([shares[g].sum() for g in groups])
        best = int(overlap.argmax())
        n, p, q = _describe_block(means, binary)
        rows.append({
            "members": k_o, "features": n, "within": p, "background": q,
            "snr": float(found["snr"]), "detectable": bool(found["detectable"]),
            "predicted_singular_value": float(found["singular_value"]),
            "bulk_edge": float(found["bulk_edge"]), "predicted": float(found["item_overlap"]),
            "predicted_feature_overlap": float(found["feature_overlap"]),
            "mode": int(groups[best][0]) + 1, "singular_value": float(s[groups[best]].mean()),
            "item_overlap": float(overlap[best]),
        })  # fmt: skip
    result = xr.Dataset(
        {name: ("category", [row[name] for row in rows]) for name in rows[0]},
        coords={"category": world.names, "scope": ("category", world.within)},
    )
    return say_measure("coherence", result)


def category_acquisition(
    history: xr.Dataset,
    *,
    categories: Categories = None,
    share: float = 0.5,
    depth: int | None = None,
    initial: float | None = None,
) -> xr.Dataset:
    """Return when each category is set apart from the items around it.

    With the contrast c of K_o members with the others among N_o items (1/K_o against
    −1/(N_o − K_o), length 1; a class of the tree among the items of the next larger class, any
    other category among all items), the strength of the category is ⟨cᵀŶ(t), cᵀY⟩ / |cᵀY|²: 0
    before and 1 after learning. If c is a mode of the data this is the mode's course, with
    s = |Yᵀc|, so that coherent categories, whose s is large, are learned sooner (Saxe,
    McClelland & Ganguli 2019); else several modes carry the category, and the prediction adds up
    theirs.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    categories : optional
        As for `coherence`.
    share : float
        The strength that counts as acquired, 0 to 1.
    depth : int
        Number of weight matrices of the linear network that predicts: 1 is shallow.
    initial : float, optional
        Its starting strength; by default that which fits the half-time of the strongest mode, and
        nothing else, to this History (see `calibrate_start`).

    Returns
    -------
    Dataset
        `strength` (seed × time × category), `time` of acquisition as `acquired` (seed ×
        category; NaN if never); over category `predicted` (all modes together), `predicted_alone`
        (a single mode of that s; NaN where items differ in frequency) and `singular_value`, s.

    Raises
    ------
    KeyError, ValueError
        As for `coherence`; and a share outside 0 to 1.

    Examples
    --------
    >>> import semdev as sd
    >>> found = category_acquisition(sd.solve(sd.load("cao2020"), depth=2)).isel(seed=0)
    >>> found["acquired"].values.round(1)    # two kinds, then four
    array([2.4, 2.4, 3.5, 3.5, 3.5, 3.5])
    """
    if not 0 < share < 1:
        raise ValueError(f"share lies between 0 and 1, got {share}")
    world = read_world(check(history), categories)
    depth = count_layers(history) if depth is None else depth
    start = calibrate_start(history, depth=depth) if initial is None else initial
    expected = expect_history(history, depth=depth, initial=start)
    drawn = world.contrast @ world.target.values  # category × property
    strengths = np.linalg.norm(drawn, axis=1)
    size = np.where(strengths > 1e-9 * max(strengths.max(), 1e-300), strengths**2, np.nan)
    coords: dict[str, Any] = {"category": world.names, "scope": ("category", world.within)}

    def follow(output: xr.DataArray) -> xr.DataArray:
        values = np.einsum("ci,stip,cp->stc", world.contrast, output.values, drawn, optimize=True)
        over = {**take_seeds(output), "time": output["time"].values, **coords}
        return xr.DataArray(values / size, dims=("seed", "time", "category"), coords=over)

    alone = np.full(len(strengths), np.nan)
    if np.ptp(world.target["frequency"].values) == 0 and is_plain(history):
        there, d = np.isfinite(size), float(world.target["frequency"].values[0])
        begun = np.minimum(start, 0.5 * strengths[there])
        alone[there] = time_to_reach(share, d * strengths[there], initial=begun, depth=depth, d=d)
    strength = follow(history["output"])
    result = xr.Dataset(
        {
            "strength": strength,
            "acquired": first_crossing(strength, share),
            "predicted": first_crossing(follow(expected["output"]), share).isel(seed=0, drop=True),
            "predicted_alone": ("category", alone),
            "singular_value": ("category", strengths),
        }
    )
    return say_measure("category_acquisition", result)


def property_acquisition(
    history: xr.Dataset,
    *,
    share: float = 0.5,
    depth: int | None = None,
    initial: float | None = None,
) -> xr.Dataset:
    """Return when each property is learned, beside how many others it goes with.

    A property has been learned so far as ⟨ŷ_m(t), y_m⟩ / |y_m|² over items, 0 before and 1
    after. It goes with

        c_m = Σ_n (y_m·y_n)² / |y_m|⁴

    properties as strong as itself: 1 if it is orthogonal to all others, K if it is one of K alike.
    If its items are a mode of the data this has s = √c_m |y_m|, so that of properties equally
    frequent those with company are learned sooner in a deep linear network, and all
    together in a shallow one. Rogers & McClelland (2004, ch. 6) on coherent covariation; the
    form is derived here.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    share : float
        The strength that counts as learned, 0 to 1.
    depth, initial
        Of the linear network that predicts, as for `category_acquisition`.

    Returns
    -------
    Dataset
        `strength` (seed × time × property), `acquired` (seed × property, learning time; NaN if
        never); over property `predicted`, `covariation` c_m and `size` |y_m|² (NaN: a property
        of nobody).

    Raises
    ------
    ValueError
        A share outside 0 to 1.

    Examples
    --------
    >>> import semdev as sd
    >>> found = property_acquisition(sd.solve(sd.load("cao2020"), depth=2)).isel(seed=0)
    >>> found["covariation"].values[[0, 1, 3, 7]]
    array([1.875, 2.75 , 3.5  , 4.   ])
    """
    if not 0 < share < 1:
        raise ValueError(f"share lies between 0 and 1, got {share}")
    target = check(history)["target"]
    expected = expect_history(history, depth=depth, initial=initial)
    plain = target.reset_coords(drop=True)
    size = (plain**2).sum("item")
    size = size.where(size > 0)
    together = target.values.T @ target.values
    drawn, theory = (
        xr.dot(run["output"].reset_coords(drop=True), plain, dim="item") / size
        for run in (history, expected)
    )
    result = xr.Dataset(
        {
            "strength": drawn,
            "acquired": first_crossing(drawn, share),
            "predicted": first_crossing(theory, share).isel(seed=0, drop=True),
            "covariation": ("property", np.sum(together**2, axis=0) / size.values**2),
            "size": size,
        },
        coords=take_seeds(history),
    )
    return say_measure("property_acquisition", result)


def _find_signal(means: np.ndarray, noise: float, member: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the category's strength and item vector (length 1), noise's share taken off."""
    counts = np.array([member.sum(), (~member).sum()])
    rows = np.sqrt(counts)[:, None] * means
    values, vectors = np.linalg.eigh(rows @ rows.T)
    contrast = np.sqrt(counts[::-1] / counts.sum()) * [1, -1]
    fit = (contrast @ vectors * vectors[0]) ** 2 * (values > 1e-12 * values[-1])
    k = int(fit.argmax())
    strength = np.sqrt(max(values[k] - means.shape[1] * noise, 0.0))
    return float(strength), (vectors[:, k] / np.sqrt(counts))[np.where(member, 0, 1)]


def _describe_block(means: np.ndarray, binary: bool) -> tuple[int, float, float]:
    """Return K_f, p and q of the properties whose block stands out most."""
    difference = means[0] - means[1]
    sign = np.ones_like(difference) if binary else np.where(difference < 0, -1.0, 1.0)
    order = np.argsort(-difference * sign, kind="stable")
    gain = np.cumsum((difference * sign)[order])
    score = np.where(gain > 0, gain, 0.0) ** 2 / np.arange(1, len(order) + 1)
    kept = order[: int(score.argmax()) + 1]
    inside, outside = (means * sign)[:, kept].mean(1)
    return len(kept), float(inside), float(outside)
