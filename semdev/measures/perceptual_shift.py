"""From what items look like to what they are: which likeness a layer follows, over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.spatial.distance import pdist, squareform

from semdev._measured import say_measure
from semdev._names import NameNotFoundError, suggest
from semdev.history import check
from semdev.measures.agreement import compare_similarities
from semdev.measures.representations import between_items, dissimilarities, read_inputs

ROUNDING = 1e-5
NAMES = "isa"  # relations that begin so say what an item is called


def perceptual_shift(
    history: xr.Dataset,
    *,
    perceptual: str | Sequence[str] | np.ndarray | xr.DataArray,
    conceptual: str | Sequence[str] | None = None,
    layer: str = "hidden_1",
    metric: str = "euclidean",
    method: str = "pearson",
    margin: float = 0.1,
) -> xr.Dataset:
    """Return how far items are alike in a layer as they look alike, or as they are alike.

    The distances of every two items in the layer are correlated, over pairs, with their Euclidean
    distances in what can be seen of them, r_p, and in their conceptual properties, r_c. As the two
    kinds of likeness may go together themselves (r_pc), each is also given with the other held
    constant,

        r_p·c = (r_p − r_c r_pc) / √((1 − r_c²)(1 − r_pc²)),

    and the other way round. Infants are held to sort things first by how they look and later by
    what they are and do (Pauen 2002; Mandler 2004); Rogers & McClelland (2004, ch. 4) have both
    come out of one network. What is seen can be given to a network as the
    items' codes: ``make_patterns(data, inputs=codes, relations=True)``. Items shown one-hot look
    equally unlike each other, so that both correlations begin around 0, and one is ahead by chance.
    A network that is also asked how things look has to go on telling them apart by that: the shift
    is clearest where looks are shown and not asked about, or in the hidden layer of Rumelhart's
    network in the context of another relation. The measure is ours.

    Parameters
    ----------
    history : xr.Dataset
        A History; where a layer differs with the relation asked about, take
        ``history.sel(context=…)`` first.
    perceptual : names of relations or properties, or array, item × attribute
        What can be seen: "is", or ["is", "has wings"], or, whether or not it is among the
        properties, the codes by which the items are shown.
    conceptual : names of relations or properties, optional
        What cannot. Default: all others but names, which are those of relations that begin
        with ISA.
    layer : str
        "output" or a recorded hidden layer.
    metric : "euclidean", "cosine" or "correlation"
        Of distances in the layer (see `dissimilarities`).
    method : "pearson", "spearman", "kendall" or "cosine"
        Of the correlation over pairs; partial ones are meant for the first two.
    margin : float
        By how much one likeness must be ahead at first and the other at last for a shift.

    Returns
    -------
    Dataset
        Over seed × time, −1 to 1 (NaN while all items are alike in the layer): `perceptual` and
        `conceptual`, r_p and r_c; `perceptual_alone` and `conceptual_alone`, the partial
        correlations; `shift`, r_c − r_p, −2 to 2. Over seed: `crossing`, the learning time after
        which the conceptual likeness stays ahead (NaN if it was ahead in every record, or is
        not in the last), and `shifted` (bool), whether it was behind by the margin in the first
        record and is ahead by it in the last. `between`, r_pc, has no dimension; `kind`
        (property) is "perceptual", "conceptual" or "".

    Raises
    ------
    KeyError
        No such relation, property, layer, metric or method.
    ValueError
        Fewer than three items; a property of both kinds; no property of one kind, or one in which
        all items are equally far apart, so that nothing can follow it.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("rumelhart8")
    >>> looks = world.properties.values[:, world.properties["relation"] == "is"]
    >>> shown = sd.make_patterns(world, inputs=np.hstack([looks, np.eye(8)]), relations=True)
    >>> child = sd.train(sd.Rumelhart(), shown, seeds=1, steps=2000, hidden=True)
    >>> found = sd.perceptual_shift(child.sel(context="has"), perceptual="is", layer="hidden_2")
    >>> found["shift"].isel(time=[0, -1]).values.round(1)
    array([[-0.3,  0.7]])
    """
    target = check(history)["target"]
    codes = None
    if isinstance(perceptual, (np.ndarray, xr.DataArray)):
        codes, perceptual = read_inputs(history, perceptual), []
    kinds = _sort_properties(target, perceptual, conceptual, seen_otherwise=codes is not None)
    if history.sizes["item"] < 3:
        raise ValueError(
            f"likeness is compared over pairs: at least three items are needed, got "
            f"{history.sizes['item']}"
        )
    apart = dissimilarities(_merge_contexts(history, layer), layer=layer, metric=metric)
    biggest = apart.max(("time", "item", "item_2"))
    apart = apart.where(apart.max(("item", "item_2")) > 1e-9 * biggest)
    values = target.values
    seen = _tell_apart(history, values[:, kinds == "perceptual"] if codes is None else codes,
                       "perceptual")  # fmt: skip
    meant = _tell_apart(history, values[:, kinds == "conceptual"], "conceptual")
    r_p, r_c = (compare_similarities(apart, each, method=method) for each in (seen, meant))
    r_pc = compare_similarities(seen.expand_dims("time"), meant, method=method).isel(time=0)
    shift = r_c - r_p
    first, last = _find_ends(shift.values)
    result = xr.Dataset(
        {
            "perceptual": r_p,
            "conceptual": r_c,
            "perceptual_alone": hold_constant(r_p, r_c, r_pc),
            "conceptual_alone": hold_constant(r_c, r_p, r_pc),
            "shift": shift,
            "crossing": ("seed", _find_crossings(shift)),
            "shifted": ("seed", (first <= -margin) & (last >= margin)),
            "between": r_pc,
            "kind": ("property", kinds),
        },
        coords={"property": target["property"].values},
    )
    return say_measure("perceptual_shift", result)


def hold_constant(
    first: xr.DataArray, second: xr.DataArray, between: xr.DataArray | float
) -> xr.DataArray:
    """Return the partial correlation of which `first` is the plain one, the other held constant.

    NaN where the two are the same to rounding.

    >>> float(hold_constant(xr.DataArray(0.8), xr.DataArray(0.5), 0.5))
    0.73
    """
    left = (1 - second**2) * (1 - between**2)
    return (first - second * between) / np.sqrt(left.where(left > 1e-12))


def _merge_contexts(history: xr.Dataset, layer: str) -> xr.Dataset:
    """Return the History with one context of a layer that is the same in all but for rounding."""
    if layer not in history or "context" not in history[layer].dims:
        return history
    values = history[layer]
    first = values.isel(context=0, drop=True)
    alike = bool(abs(values - first).max() <= ROUNDING * abs(values).max())
    return history.assign({layer: first}) if alike else history


def _sort_properties(
    target: xr.DataArray,
    perceptual: str | Sequence[str],
    conceptual: str | Sequence[str] | None,
    *,
    seen_otherwise: bool,
) -> np.ndarray:
    """Return for each property "perceptual", "conceptual" or ""."""
    seen = find_properties(target, perceptual, kind="perceptual")
    if conceptual is None:
        names = [str(r).casefold().startswith(NAMES) for r in target["relation"].values]
        meant = ~seen & ~np.array(names, dtype=bool)
    else:
        meant = find_properties(target, conceptual, kind="conceptual")
    both = target["property"].values[seen & meant]
    if len(both):
        raise ValueError(
            f"{str(both[0])!r} is named both perceptual and conceptual: a property is one of the "
            "two, or neither"
        )
    for kind, chosen in (("perceptual", seen), ("conceptual", meant)):
        if not (chosen.any() or (kind == "perceptual" and seen_otherwise)):
            raise ValueError(
                f"no property is {kind}: name relations or properties with {kind}=, some and not "
                "all of those that are no names"
            )
    return np.where(seen, "perceptual", np.where(meant, "conceptual", ""))


def find_properties(target: xr.DataArray, asked: str | Sequence[str], *, kind: str) -> np.ndarray:
    """Return which properties are meant by names of properties and of relations.

    >>> import semdev as sd
    >>> target = sd.load("rumelhart8").properties
    >>> int(find_properties(target, ["is", "can fly"], kind="perceptual").sum())
    7
    """
    properties, relations = (target[k].values.astype(str) for k in ("property", "relation"))
    found = np.zeros(len(properties), dtype=bool)
    for name in [asked] if isinstance(asked, str) else asked:
        here = (properties == name) | (relations == name)
        if not here.any():
            known = [*dict.fromkeys(relations[relations != ""].tolist()), *properties.tolist()]
            raise NameNotFoundError(
                f"no relation and no property {name!r} in this History ({kind}); "
                f"{suggest(name, known)}"
            )
        found |= here
    return found


def _tell_apart(history: xr.Dataset, attributes: np.ndarray, kind: str) -> xr.DataArray:
    """Return the distances of items in some attributes (item × attribute), item × item_2."""
    distance = pdist(attributes)
    if np.ptp(distance) <= 1e-9 * distance.max():
        raise ValueError(
            f"in the {kind} properties all items are equally far apart, so that no layer can "
            "follow them"
        )
    whole = np.broadcast_to(squareform(distance), (1, 1, *[history.sizes["item"]] * 2))
    one = history.isel(seed=[0], time=[0])
    return between_items(one, whole).isel(seed=0, time=0, drop=True)


def _find_ends(shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last shift of each seed that is a number."""
    known = np.isfinite(shift)
    ends = known.argmax(1), shift.shape[1] - 1 - known[:, ::-1].argmax(1)
    rows = np.arange(len(shift))
    return shift[rows, ends[0]], shift[rows, ends[1]]


def _find_crossings(shift: xr.DataArray) -> np.ndarray:
    """Return the last time at which the shift rises above 0 to stay, seed; NaN if there is none."""
    time, values = shift["time"].values, shift.values
    found = np.full(len(values), np.nan)
    for k, row in enumerate(values):
        known = np.flatnonzero(np.isfinite(row))
        low = known[row[known] <= 0]
        if len(low) and low[-1] < known[-1]:
            a = low[-1]
            b = known[known > a][0]
            found[k] = np.interp(0.0, [row[a], row[b]], [time[a], time[b]])
    return found
