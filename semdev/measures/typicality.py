"""Typicality: which members stand for their category, and whether they are learned sooner."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from semdev._measured import say_measure
from semdev.data.dataset import Dataset
from semdev.measures.categories import (
    Categories,
    World,
    expect_history,
    match_category_modes,
    read_target,
    read_world,
)
from semdev.measures.crossing import first_crossing
from semdev.measures.modes import take_seeds
from semdev.models.decomposition import decompose


def typicality(data: Dataset | xr.Dataset, *, categories: Categories = None) -> xr.Dataset:
    """Return how typical each item is of each category, by its mode, its prototype and its kin.

    A linear network's mode for a category is a singular vector pair u (properties), v (items) of
    Σ_yx = Σ_i f_i y_i x_iᵀ with one-hot items of frequency f_i, and u and v define each other:

        u = (1/s) Σ_i f_i v_i y_i     the prototype: features averaged, weighted by typicality
        v_i = (f_i/s) Σ_m u_m y_im    typicality: overlap of features with the prototype.

    The reading is Saxe, McClelland & Ganguli's (2019, PNAS 116:11537); both relations are exact
    for any data. The category's mode is the one (of tied modes: the direction among them) that
    sets its members best against the others and is theirs (see `match_category_modes`): for a
    class of the tree against the rest of the next larger class, else against all other items.
    Independent of all modes is family resemblance in
    the sense of Rosch & Mervis (1975, Cognitive Psychology 7:573–605): for each property an item
    has, how many members have it (itself included), here divided by the number of members.

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
        Over category × item, for non-members too: `typicality`, the right side of the second
        relation (members positive on average), and `predicted`, v; `to_prototype`, the cosine
        of the item with the plain mean of the members (NaN where either is zero);
        `family_resemblance`, Σ_m y_im × mean over members of y_m (in 0/1 coding the mean number
        of properties shared with a member, in ±1 agreements less disagreements); `member`
        (bool). Over category × property: `prototype` and `predicted_prototype`, u. Over
        category: `singular_value`, `mode` (1 is the strongest), `match`, the share of the
        category's contrast that the mode holds (1: it is the category's own), and `agreement`,
        Spearman's correlation of typicality with family resemblance among members (NaN below
        three, or where either is constant).

    Raises
    ------
    KeyError
        An unknown category or item; the nearest match is suggested.
    ValueError
        No tree and no categories, one with fewer than two members or with all items, or data
        that hold nothing but zeros.

    Examples
    --------
    >>> import semdev as sd
    >>> birds = typicality(sd.load("rogers2004"), categories=["bird"])
    >>> birds = birds.where(birds["member"], drop=True)
    >>> birds["typicality"].isel(category=0).to_series().round(2).to_dict()
    {'robin': 0.36, 'canary': 0.29, 'sparrow': 0.32, 'penguin': 0.18}
    """
    world = read_world(data, categories)
    of = data if isinstance(data, Dataset) else read_target(data)
    y, f = world.target.values, world.target["frequency"].values
    u, v, s, extra = find_category_modes(of, world)
    inside = world.member / world.member.sum(1, keepdims=True)
    mean = inside @ y
    lengths = np.linalg.norm(mean, axis=1)[:, None] * np.linalg.norm(y, axis=1)
    resemblance = mean @ y.T
    found = f * (u @ y.T) / s[:, None]
    agreement = [_correlate(t[m], r[m]) for t, r, m in zip(found, resemblance, world.member,
                                                          strict=True)]  # fmt: skip
    over = ("category", "item")
    result = xr.Dataset(
        {
            "typicality": (over, found),
            "predicted": (over, v),
            "to_prototype": (over, resemblance / np.where(lengths > 0, lengths, np.nan)),
            "family_resemblance": (over, resemblance),
            "prototype": (("category", "property"), (v * f) @ y / s[:, None]),
            "predicted_prototype": (("category", "property"), u),
            "member": (over, world.member),
            "agreement": ("category", agreement),
            **extra,
        },
        coords={
            "category": world.names, "scope": ("category", world.within),
            "item": world.target["item"].values,
            "property": world.target["property"].values,
        },
    )  # fmt: skip
    return say_measure("typicality", result)


def typicality_learning(
    history: xr.Dataset,
    *,
    categories: Categories = None,
    criterion: float = 0.5,
    depth: int | None = None,
    initial: float | None = None,
) -> xr.Dataset:
    """Return when items come to count as members of their category, typical ones sooner or not.

    A learner's answer about item i counts for the category by its projection ŷ_i(t)·u on the
    prototype u (see `typicality`). In a linear network with one-hot items that is a(t) v_i / f_i:
    the same course for all, taller for typical items, so that these pass any common criterion
    first (with or without a hidden layer).

    The second clock is that of properties which every member has and not every item has (of a
    property that defines the category that property alone): the mean belief in them. Beliefs in
    a property y_m are Σ_α (a_α/s_α) v_α v_αᵀ y_m = h(Y Yᵀ) y_m; for a property that exactly the
    members have the first power of Y Yᵀ makes that family resemblance. So members with many
    relatives are held to have it sooner in a deep network, whatever mode carries the category, and
    all at once in a shallow one, where h(Y Yᵀ) is proportional to 1. The idea of the
    first clock is Saxe, McClelland & Ganguli's (2019); the second is derived here.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    categories : optional
        As for `typicality`.
    criterion : float
        Above 0; times the mean of the members' final projection (or of the truth of the
        properties) it is the criterion all items have to pass.
    depth : int
        Number of weight matrices of the linear network that predicts: 1 is shallow.
    initial : float, optional
        Its starting strength; by default that which fits the half-time of the strongest
        mode, and nothing else, to this History (see `calibrate_start`).

    Returns
    -------
    Dataset
        Over seed × time × category × item: `projection` (units of the data) and `to_prototype`
        (cosine of an item's answers with the members' mean answer). Over seed × category ×
        item, in learning time and for members only: `membership_time` and `property_time`
        (NaN: not reached, or no such property). `predicted_…` beside each of these, without
        seed. Over seed × category: `correlation`, Spearman's, of membership times with
        typicality, and `property_correlation`, of property times with family resemblance
        (negative: typical members first; members that never arrive come last; NaN below three
        members or where nothing differs), with `predicted_…` beside them. Over category × item:
        `typicality`, `family_resemblance`, `member`.

    Raises
    ------
    KeyError, ValueError
        As for `typicality`; and a criterion that is not positive.

    Examples
    --------
    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("rogers2004"), depth=2)
    >>> found = typicality_learning(exact, categories=["bird"]).isel(seed=0, category=0)
    >>> found["membership_time"].sel(item=["robin", "penguin"]).values.round(2)
    array([1.74, 1.98])
    """
    if not criterion > 0:
        raise ValueError(f"criterion is a share above 0, got {criterion}")
    static = typicality(history, categories=categories)
    world = read_world(history, categories)
    u, member, target = static["predicted_prototype"], static["member"], history["target"]
    final = xr.dot(target, u, dim="property")
    kept = xr.DataArray(
        _class_properties(world),
        dims=("category", "property"),
        coords={"category": world.names, "property": history["property"].values},
    )
    weights = kept / kept.sum("property").where(lambda n: n > 0)
    goals = {
        "membership": criterion * final.where(member).mean("item"),
        "property": criterion * xr.dot(target, weights, dim="property").where(member).mean("item"),
    }
    result = static[["typicality", "family_resemblance", "member"]]
    runs = {"": history, "predicted_": expect_history(history, depth=depth, initial=initial)}
    for prefix, run in runs.items():
        output = run["output"].reset_coords(drop=True)
        output = output if not prefix else output.isel(seed=0, drop=True)
        found: dict[str, Any] = {"projection": xr.dot(output, u, dim="property")}
        found["to_prototype"] = _compare_to_mean(output, member)
        belief = xr.dot(output, weights, dim="property")
        for name, curve, against, correlation in (
            ("membership", found["projection"], "typicality", "correlation"),
            ("property", belief, "family_resemblance", "property_correlation"),
        ):
            time = first_crossing(curve, goals[name]).where(member)
            found[f"{name}_time"] = time
            late = time.where(time.notnull(), np.inf).where(goals[name].notnull())
            found[correlation] = xr.apply_ufunc(
                _correlate_members, late, static[against], member, vectorize=True,
                input_core_dims=[["item"]] * 3,
            )  # fmt: skip
        result = result.assign({prefix + name: values for name, values in found.items()})
    result = result.assign_coords(take_seeds(history))
    return say_measure("typicality_learning", result.transpose("seed", "time", "category", "item"))


def find_category_modes(
    data: Dataset, world: World
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
    """Return each category's mode: u (category × property), v (category × item), s, and more."""
    modes = decompose(data)
    if not len(modes.s):
        raise ValueError("the data hold nothing but zeros: there is nothing to learn")
    groups, match = match_category_modes(world, modes)
    u, v = [], []
    for tied, contrast in zip(groups, world.contrast, strict=True):
        turn = contrast @ modes.v[:, tied]
        turn /= np.linalg.norm(turn)
        u.append(modes.u[:, tied] @ turn)
        v.append(modes.v[:, tied] @ turn)
    s = np.array([modes.s[tied].mean() for tied in groups])
    extra = {
        "singular_value": ("category", s), "mode": ("category", [tied[0] + 1 for tied in groups]),
        "match": ("category", match),
    }  # fmt: skip
    return np.array(u), np.array(v), s, extra


def _class_properties(world: World) -> np.ndarray:
    """Return, category × property, which every member has and not everybody has."""
    y = world.target.values
    has = y > (y.min(0) + y.max(0)) / 2
    kept = np.array([has[m].all(0) & ~has.all(0) for m in world.member])
    names = world.target["property"].values.tolist()
    for k, name in enumerate(world.names):
        if name in names and (has[:, names.index(name)] == world.member[k]).all():
            kept[k] = np.array(names) == name
    return kept


def _compare_to_mean(output: xr.DataArray, member: xr.DataArray) -> xr.DataArray:
    mean = xr.dot(output, member / member.sum("item"), dim="item")
    lengths = np.sqrt((mean**2).sum("property")) * np.sqrt((output**2).sum("property"))
    return xr.dot(output, mean, dim="property") / lengths.where(lengths > 0)


def _correlate_members(times: np.ndarray, typical: np.ndarray, member: np.ndarray) -> float:
    """Return the correlation over members; those equally typical count with their mean time."""
    times, typical = times[member], typical[member]
    if np.isnan(typical).any():
        return np.nan
    kind = np.unique(_round(typical), return_inverse=True)[1]
    mean = np.bincount(kind, np.where(np.isfinite(times), times, 0)) / np.bincount(kind)
    late = np.isin(kind, kind[~np.isfinite(times)])
    return _correlate(np.where(late, times.max(initial=0), mean[kind]), typical)


def _correlate(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's correlation; what differs by rounding only is tied."""
    if len(x) < 3 or np.isnan(x).any() or np.isnan(y).any():
        return np.nan
    ranks = [stats.rankdata(_round(each)) for each in (x, y)]
    if any(np.ptp(r) == 0 for r in ranks):
        return np.nan
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _round(x: np.ndarray) -> np.ndarray:
    finite = np.abs(x[np.isfinite(x)])
    scale = finite.max() if finite.size and finite.max() > 0 else 1.0
    return np.round(x / scale, 4)
