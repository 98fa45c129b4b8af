"""Overextension: a name said of what does not bear it, by how much, and until when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy import stats

from semdev._measured import say_measure
from semdev._names import require
from semdev.history import check
from semdev.measures.crossing import first_crossing
from semdev.measures.names import Levels, Names, find_bearers, find_isa, read_names
from semdev.measures.overgeneralization import overgeneralizations

OVER = ("seed", "name", "item")


def overextension(
    history: xr.Dataset, *, names: str | Sequence[str] | None = None, levels: Levels = None
) -> xr.Dataset:
    """Return how active each name becomes for items that do not bear it, and when that ends.

    With y_in(t) the belief that item i bears name n, and W_n the items that do not,

        index_n(t) = Σ_{i ∈ W_n} y_in(t) / |W_n|,

    and n is given up for i at the last time at which i's own name overtakes it: from then on a
    goat is a goat rather than a dog. Children overextend few of their words, a small set of
    frequent ones most often (Rescorla 1980, Journal of Child Language 7:321–335). A network that
    meets one animal far more often than others extends its name to what is like it, and then
    withdraws it (McClelland & Rogers 2003, Nature Reviews Neuroscience 4:310–322). Whether it is
    likeness that does so, and no bias towards a frequent answer, is seen in `graded` and `excess`.

    Parameters
    ----------
    history : xr.Dataset
        A History of whichever learner.
    names : str or sequence of str, optional
        Names (any properties will do). Default: the names of all levels that are not borne by
        everybody.
    levels : mapping of label to property names, optional
        Which properties are names of which level; as for `naming`.

    Returns
    -------
    Dataset
        In units of the data and of learning time. Over seed × time × name × item: `activation`,
        of bearers too. Over seed × time × name: `index`. Over seed × name × item, NaN for bearers:
        `peak`, `peak_time`, `final`; `excess`, max_t of the activation less its mean over those
        outside the item's kind who do not bear the name either (see `overgeneralizations`; NaN
        without a tree, and where the smallest class that holds the item and a bearer is the
        whole); `overtakes`, the time from which on the item's own narrowest name is the more
        active of the two, to the end (NaN if it never is, or is throughout). Over seed × name:
        `graded`, Spearman's correlation over the wrong items of `peak` with `similarity` (−1 to 1;
        NaN for fewer than three of them, or where either does not vary). Coordinates:
        `bears(name, item)`; `similarity(name, item)`, the cosine of the item and the bearers' mean
        over all properties that are no names (NaN without any); `frequency(name)`, how often the
        name is taught of its bearers, in presentations a sweep; `own(item)`, the item's own
        narrowest name ("" for none).

    Raises
    ------
    KeyError
        An unknown name; the nearest match is suggested.
    ValueError
        A name that every item bears, or none; no name at all; levels as for `naming`.

    Examples
    --------
    >>> import semdev as sd
    >>> often = sd.make_patterns(sd.load("rogers2004"), frequency={"dog": 8})
    >>> found = overextension(sd.solve(often, depth=2), names="ISA dog").isel(seed=0, name=0)
    >>> found["peak"].sel(item=["goat", "canary", "pine"]).values.round(2)
    array([0.63, 0.39, 0.15])
    >>> float(found["graded"]), float(found["overtakes"].sel(item="goat"))
    (0.95, 2.94)
    """
    target = check(history)["target"]
    properties = target["property"].values.astype(str).tolist()
    isa = find_isa(target)
    with_levels = names is None or levels is not None or isa.any()
    known = read_names(history, levels) if with_levels else None
    chosen = _choose(names, known, properties)
    bears, low, high = find_bearers(target, np.array(chosen))
    bears = bears[:, chosen].T
    for k, borne in zip(chosen, bears, strict=True):
        if borne.all() or not borne.any():
            raise ValueError(
                f"{'every' if borne.all() else 'no'} item bears {properties[k]!r}: a name is "
                "overextended to items that do not bear it, from those that do"
            )
    isa[chosen] = True
    if known is not None:
        isa[np.concatenate(known.members)] = True
    coords = {
        **{kind: history[kind] for kind in ("seed", "time", "item")},
        "name": [properties[k] for k in chosen],
        "bears": (OVER[1:], bears),
        "similarity": (OVER[1:], _compare_to_bearers(target.values[:, ~isa], bears)),
        "frequency": ("name", _count_taught(history, chosen, bears)),
    }
    output = history["output"].isel(property=chosen)
    active = output.rename(property="name").transpose("seed", "time", "name", "item")
    result = xr.Dataset({"activation": active.drop_vars(list(active.coords))})
    result = result.assign_coords(coords).drop_vars("step", errors="ignore")
    wrong = result["activation"].where(~result["bears"])
    result["index"] = wrong.mean("item")
    kinds = _with_kinds(history).isel(property=chosen)
    over = overgeneralizations(kinds, false_at=(low + high) / 2)
    for kind in ("peak", "peak_time", "final", "excess"):
        values = over[kind].transpose("seed", "property", "item").values
        result[kind] = (OVER, np.where(bears, np.nan, values))
    own = _find_own(known, len(target))
    result["overtakes"] = _overtake(result["activation"], history["output"], own, bears)
    result["graded"] = (("seed", "name"), _grade(result, bears))
    named = [properties[k] if k >= 0 else "" for k in own]
    found = result.assign_coords(own=("item", np.array(named, dtype=str)))
    return say_measure("overextension", found)


def _choose(
    names: str | Sequence[str] | None, known: Names | None, properties: list[str]
) -> list[int]:
    """Return the positions of the names asked for, by default of all that somebody lacks."""
    if names is None:
        assert known is not None
        chosen = [int(k) for at in known.members for k in at if not known.bears[:, k].all()]
        if not chosen:
            raise ValueError("every item bears every name: nobody is left to extend one to")
        return chosen
    listed = [names] if isinstance(names, str) else [str(name) for name in names]
    if not listed:
        raise ValueError("names is empty: give one at least")
    for name in listed:
        require(name, properties, kind="name", where="this History")
    return [properties.index(name) for name in dict.fromkeys(listed)]


def _compare_to_bearers(values: np.ndarray, bears: np.ndarray) -> np.ndarray:
    """Return the cosine of each item with the mean of each name's bearers, name × item."""
    mean = bears @ values / bears.sum(1, keepdims=True)
    lengths = np.linalg.norm(mean, axis=1)[:, None] * np.linalg.norm(values, axis=1)
    return np.where(lengths > 0, mean @ values.T / np.where(lengths > 0, lengths, 1.0), np.nan)


def _count_taught(history: xr.Dataset, chosen: list[int], bears: np.ndarray) -> np.ndarray:
    if "taught" in history:
        often = history["taught"].transpose("property", "item").values[chosen]
    else:
        often = np.broadcast_to(history["frequency"].values, bears.shape)
    return np.where(bears, often, 0.0).sum(1)


def _with_kinds(history: xr.Dataset) -> xr.Dataset:
    """Return the History with a tree; where it has none, one in which all items are of a kind."""
    if "ancestor" in history.coords:
        return history
    items = history["item"].values.astype(str)
    classes = np.stack([np.full(len(items), ""), items], axis=1)
    return history.assign_coords(level=[0, 1], ancestor=(("item", "level"), classes))


def _find_own(known: Names | None, n_items: int) -> np.ndarray:
    """Return the position of each item's narrowest name among the properties, −1 for none."""
    own = np.full(n_items, -1)
    for column in known.own.T if known is not None else ():
        own = np.where(column >= 0, column, own)
    return own


def _overtake(
    active: xr.DataArray, output: xr.DataArray, own: np.ndarray, bears: np.ndarray
) -> xr.DataArray:
    """Return when each item's own name last came to exceed the other name, seed × name × item."""
    of_own = output.values[..., np.arange(len(own)), own]
    behind = active - xr.DataArray(of_own, dims=("seed", "time", "item"))
    back = behind.isel(time=slice(None, None, -1))
    back = back.assign_coords(time=-back["time"])
    found = -first_crossing(back, 0.0)  # seen from the end, the name is ahead again
    last = behind.isel(time=-1, drop=True)
    return found.where((last < 0) & xr.DataArray(~bears & (own >= 0), dims=OVER[1:]))


def _grade(result: xr.Dataset, bears: np.ndarray) -> np.ndarray:
    """Return Spearman's correlation of peak with similarity over wrong items, seed × name."""
    peak, alike = result["peak"].values, result["similarity"].values
    graded = np.full(peak.shape[:2], np.nan)
    for k, borne in enumerate(bears):
        kept = ~borne & np.isfinite(alike[k])
        for seed, height in enumerate(peak[:, k, kept]):
            graded[seed, k] = _correlate(height, alike[k, kept])
    return graded


def _correlate(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's correlation; what differs by rounding only is tied."""
    x, y = (np.round(each / max(np.abs(each).max(initial=0.0), 1e-300), 6) for each in (x, y))
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return float(stats.spearmanr(x, y).statistic)
