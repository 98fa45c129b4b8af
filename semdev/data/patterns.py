"""Patterns: what a network is shown and taught, and the way back to items × properties."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import xarray as xr

from semdev._names import require
from semdev.data import trees
from semdev.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Patterns:
    """Training patterns made from a Dataset (see `make_patterns`).

    Attributes
    ----------
    data : Dataset
        Where they come from.
    inputs : array, pattern × input
        What is shown.
    targets : array, pattern × output
        What is taught.
    mask : array, pattern × output
        How often a target is taught when its pattern is met: 1 always, 0 never (the network may
        answer anything).
    weights : array, pattern
        How often a pattern is met, relative to the others (times the share of its properties that
        is observed, where that is the same for all of them).
    asked : array, item × property
        Which pattern's answer is the belief about that cell.
    relations : array of str, pattern
        The relation asked about, empty where the patterns know of none.
    """

    data: Dataset
    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray
    weights: np.ndarray
    asked: np.ndarray
    relations: np.ndarray

    def __repr__(self) -> str:
        patterns, inputs = self.inputs.shape
        return (
            f"<Patterns of {self.data.name!r}: {patterns} patterns × {inputs} inputs → "
            f"{self.targets.shape[1]} outputs>"
        )

    @property
    def one_per_item(self) -> bool:
        """Whether there is exactly one pattern for each item, in the data's order."""
        return bool((self.asked == np.arange(len(self.asked))[:, None]).all())

    @property
    def one_hot(self) -> bool:
        """Whether each item is shown by one input unit of its own, in the data's order."""
        return self.one_per_item and np.array_equal(self.inputs, np.eye(len(self.asked)))

    @property
    def digest(self) -> str:
        """A fingerprint of what is shown and taught, how often, and what is asked for."""
        found = hashlib.sha256()
        for array in (self.inputs, self.targets, self.mask, self.weights):
            found.update(np.ascontiguousarray(array, dtype=float).data)
        found.update(np.ascontiguousarray(self.asked, dtype=np.int64).data)
        return found.hexdigest()[:16]

    def read_back(self, outputs: np.ndarray) -> np.ndarray:
        """Return … × item × property for outputs … × pattern × output."""
        return (
            outputs
            if self.one_per_item
            else outputs[..., self.asked, np.arange(self.asked.shape[1])]
        )


def make_patterns(
    data: Dataset | Patterns,
    *,
    inputs: np.ndarray | xr.DataArray | None = None,
    relations: bool = False,
    frequency: Mapping[Any, float] | Sequence[float] | xr.DataArray | None = None,
    observed: float | Mapping[str, float] | xr.DataArray | None = None,
    correlation: float | Sequence[float] = 0.0,
    soft: tuple[float, float] | None = None,
) -> Patterns:
    """Turn a Dataset into training patterns.

    `frequency`, `observed` and `correlation` are switches: each changes one thing about what the
    world teaches. They combine with each other and with an output bias (`DeepLinear(bias=True)`).
    What a switch does to overgeneralization is said beside it in peak and excess (see
    `overgeneralizations`) of two false cells, "pine has leaves" in `rogers2004` and "worm has
    bones" in `living_things`, for a network with one hidden layer by the exact flow from starting
    strength 1e-5. As the data are: pine .71 and .71, worm .55 and .40; with an output bias
    .78 and .79, .57 and .45.

    Parameters
    ----------
    data : Dataset
        Patterns pass through unchanged.
    inputs : item × input, optional
        The code by which each item is shown. Default: one input unit for each item (one-hot),
        so that items are equally unlike each other before anything is learned.
    relations : bool
        Show item *and* relation (a unit for each) and teach only the true attributes of that
        relation, all others off, as in Rumelhart's network: one pattern for each item ×
        relation. A belief about a property is then read under the property's own relation. Inputs
        are the items' codes, then a unit for each relation, in alphabetical order.
    frequency : mapping of item to number, item sequence or DataArray, optional
        How often each item is met, relative to the others (> 0); in a mapping, items that are
        not named keep the data's frequency. It replaces the data's frequencies, also in the
        `data` of the Patterns and so in the History. What is met more often counts more in the
        modes and in the base rates: an item met five times as often is told apart earlier (pine
        .40 and .24, worm .51 and .40); met a fifth as often it is taken for one of its kind for
        longer, and if that makes it a small part of its kind's mode, less firmly (pine .72 and
        .72, worm .44 and .49).

        With `relations`, a mapping may also name a relation, ``{"ISA_basic": 0.25}``, or an item
        under a relation, ``{("dog", "ISA_basic"): 8}``: how often that question is asked about
        each item, relative to the others (> 0). It multiplies what the item has; what is said of
        an item under a relation goes before what is said of the relation.
    observed : number, mapping of property or relation to number, or DataArray, optional
        The share of the time, 0 to 1, at which a property's value is seen when its item is met; a
        mapping also takes single cells, ``{("worm", "has bones"): 0}``; a DataArray is item ×
        property or lacks one of the two. Learning is gradual, so that what counts is the expected
        gradient: a cell's error is weighted by its share, and 0 is never taught. One number for all
        only slows learning down, as a learning rate multiplied by it does (Saxe, McClelland &
        Ganguli 2019), and the closed forms stay. The loss of a History is the expected loss over
        what is observed. With `relations`, a property's share holds whichever relation is asked
        about. One number changes no peak and no excess; a cell that is never taught is filled in
        from its kind (pine .995 and .995, which stays; worm .59 and .45); a property seen a fifth
        of the time is overgeneralized less (pine .66 and .64, worm .45 and .34).
    correlation : number or sequence, 0 ≤ c < 1
        How alike the items' codes are before anything is learned: the codes are the rows of the
        symmetric square root of a matrix with 1 on its diagonal and c off it. A sequence gives
        one c for each level of the tree at which two items can part, root first, and must not
        fall. What items share is learned earlier, as with a bias: c = .5 gives pine .73 and .73,
        worm .58 and .51; 0 to .6 by level, .83 and .82, .64 and .50. A shallow network, which
        overgeneralizes nothing with one-hot codes, does so with c = .9 (pine .32, worm .56), but
        of every item alike, without excess; with 0 to .6 by level it has an excess too (.56, .32).
    soft : pair of numbers, optional
        What is taught in place of 0 and 1, such as (.05, .95), so that sigmoid units need no
        infinite weights. Data and History keep 0 and 1 as the truth. The loss is that of what is
        taught. For data coded 0/1.

    Raises
    ------
    ValueError
        `inputs` does not have one finite row for each item; a frequency, share, correlation or
        soft target out of its range; `correlation` together with `inputs`; a frequency of a
        relation without `relations`.
    KeyError
        An item, property or relation that the data do not have; the nearest is suggested.

    Examples
    --------
    >>> import semdev as sd
    >>> sd.make_patterns(sd.load("rumelhart8"), relations=True).inputs.shape
    (32, 12)
    >>> often = sd.make_patterns(sd.load("rumelhart8"), frequency={"pine": 5})
    >>> often.weights
    array([5., 1., 1., 1., 1., 1., 1., 1.])
    >>> alike = sd.make_patterns(sd.load("saxe2019"), correlation=0.5).inputs
    >>> (alike @ alike.T).round(6)[0]
    array([1. , 0.5, 0.5, 0.5])
    """
    switched = any(given is not None for given in (frequency, observed, soft))
    switched = switched or bool(np.any(correlation))
    if isinstance(data, Patterns):
        if inputs is not None or relations or switched:
            raise ValueError("these are patterns already; give the Dataset to make others")
        return data
    if not isinstance(data, Dataset):
        raise TypeError(
            f"a semdev Dataset is needed, got {type(data).__name__}; load one with "
            "semdev.load(name) or make one with Dataset.from_csv or Dataset.from_frame"
        )
    asked_about: dict[Any, float] = {}
    if isinstance(frequency, Mapping):
        frequency, asked_about = _part_frequency(frequency, data, relations)
    if frequency is not None:
        data = _with_frequency(data, frequency)
    table = data.properties
    values = table.values if soft is None else _soften(data, soft)
    n_items, n_properties = table.shape
    if inputs is not None and np.any(correlation):
        raise ValueError("inputs are codes of your own: give them, or a correlation, not both")
    codes = _correlate(data, correlation) if inputs is None else _check_inputs(inputs, data)
    weights, mask = table["frequency"].values, np.ones_like(table.values)
    if observed is not None:
        mask = _read_observed(observed, data)
        if (np.ptp(mask, axis=1) == 0).all() and (mask > 0).all():
            weights, mask = weights * mask[:, 0], np.ones_like(mask)
    if not relations:
        return Patterns(
            data, codes, values, mask, weights,
            np.broadcast_to(np.arange(n_items)[:, None], table.shape),
            np.full(n_items, "", dtype="U1"),
        )  # fmt: skip
    names, which = np.unique(table["relation"].values, return_inverse=True)
    n_relations = len(names)
    belongs = which == np.arange(n_relations)[:, None]  # relation × property
    off = values.min() if data.coding == "±1" or soft is not None else 0.0
    targets = np.where(belongs[None], values[:, None, :], off)
    often = np.array(
        [
            [asked_about.get((item, name), asked_about.get(name, 1.0)) for name in names.tolist()]
            for item in table["item"].values.tolist()
        ]
    )
    shown = np.concatenate(
        [np.repeat(codes, n_relations, axis=0), np.tile(np.eye(n_relations), (n_items, 1))], axis=1
    )
    return Patterns(
        data, shown, targets.reshape(-1, n_properties), np.repeat(mask, n_relations, axis=0),
        np.repeat(weights, n_relations) * often.ravel(),
        np.arange(n_items)[:, None] * n_relations + which,
        np.tile(np.where(names == "", "property", names), n_items),
    )  # fmt: skip


def _part_frequency(
    frequency: Mapping[Any, float], data: Dataset, relations: bool
) -> tuple[dict[str, float], dict[Any, float]]:
    """Return what a mapping says of items, and what of relations and items under relations."""
    items = data.properties["item"].values.tolist()
    names = np.unique(data.properties["relation"].values).tolist()
    where = f"{data.name} (frequency)"
    of_items: dict[str, float] = {}
    of_relations: dict[Any, float] = {}
    for key, often in frequency.items():
        if isinstance(key, tuple):
            if len(key) != 2:
                raise ValueError(f"a question is (item, relation); got {key!r} in frequency")
            require(key[0], items, kind="item", where=where)
            require(key[1], names, kind="relation", where=where)
        elif key in items or key not in names:
            known, kind = ([*items, *names], "item or relation") if relations else (items, "item")
            require(key, known, kind=kind, where=where)
            of_items[key] = often
            continue
        if not relations:
            raise ValueError(
                f"frequency names {key!r}: without relations=True no relation is asked about"
            )
        if not (isinstance(often, Real) and 0 < often < np.inf):
            raise ValueError(f"a frequency is a number above 0; got {often!r} for {key!r}")
        of_relations[key] = float(often)
    return of_items, of_relations


def _soften(data: Dataset, soft: tuple[float, float]) -> np.ndarray:
    """Return the table with soft targets in place of 0 and 1."""
    values = data.properties.values
    if not ((values == 0) | (values == 1)).all():
        raise ValueError(f"soft targets replace 0 and 1; {data.name} is coded {data.coding}")
    given = np.asarray(soft, dtype=float)
    if given.shape != (2,) or not (0 <= given[0] < given[1] <= 1):
        raise ValueError(
            f"soft is (off, on) with 0 ≤ off < on ≤ 1, such as (.05, .95); got {soft!r}"
        )
    return np.where(values == 1, given[1], given[0])


def _with_frequency(data: Dataset, frequency: Any) -> Dataset:
    """Return the data with these frequencies."""
    items = data.properties["item"].values.tolist()
    if isinstance(frequency, xr.DataArray) and "item" in frequency.coords:
        frequency = dict(
            zip(frequency["item"].values.tolist(), frequency.values.tolist(), strict=True)
        )
    old = data.properties["frequency"].values
    if isinstance(frequency, Mapping):
        often = [frequency.get(item, before) for item, before in zip(items, old, strict=True)]
    else:
        often = np.asarray(frequency, dtype=float).tolist()
        if np.ndim(often) != 1 or len(often) != len(items):
            raise ValueError(
                f"frequency needs one number for each of the {len(items)} items of {data.name}, or "
                f"a mapping of items to numbers; got shape {np.shape(often)}"
            )
    table = data.properties.assign_coords(frequency=("item", np.array(often, dtype=float)))
    return Dataset(table, data.tree, data.name)


def _read_observed(observed: Any, data: Dataset) -> np.ndarray:
    """Return the share at which each cell is observed, item × property."""
    table = data.properties
    where = f"{data.name} (observed)"
    if isinstance(observed, Mapping):
        properties, relations = (table[k].values for k in ("property", "relation"))
        known = [*properties.tolist(), *dict.fromkeys(relations.tolist())]
        each = np.ones(len(properties))
        cells = {name: share for name, share in observed.items() if isinstance(name, tuple)}
        observed = {name: share for name, share in observed.items() if name not in cells}
        for name in observed:
            require(name, known, kind="property or relation", where=where)
        # A property's own share goes before its relation's.
        for names in (relations, properties):
            for name, share in observed.items():
                each[names == name] = share
        share = np.tile(each, (table.sizes["item"], 1))
        for cell in cells:
            if len(cell) != 2:
                raise ValueError(f"a cell is (item, property); got {cell!r} in observed")
            item, name = cell
            require(item, table["item"].values.tolist(), kind="item", where=where)
            require(name, properties.tolist(), kind="property", where=where)
            share[table["item"].values == item, properties == name] = cells[item, name]
    elif isinstance(observed, xr.DataArray):
        for kind in observed.dims:
            require(kind, ["item", "property"], kind="dimension", where="observed")
            if kind not in observed.coords:
                raise ValueError(f"observed needs the names of its {kind} dimension as coordinate")
            for name in table[kind].values.tolist():
                require(name, observed[kind].values.tolist(), kind=str(kind), where="observed")
        picked = observed.sel({k: table[k].values for k in observed.dims})
        share = (picked.drop_vars(list(picked.coords)) * xr.ones_like(
            table.drop_vars(list(table.coords))
        )).transpose("item", "property").values  # fmt: skip
    elif isinstance(observed, Real) and not isinstance(observed, bool):
        share = np.full(table.shape, float(observed))
    else:
        raise TypeError(
            "observed is a share (0 to 1), a mapping of properties or relations to shares, or a "
            f"DataArray of shares over item and property; got {type(observed).__name__}"
        )
    share = np.array(share, dtype=float)
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError(
            f"observed is a share of the time, 0 to 1; got {share.min():g} to {share.max():g}"
        )
    if not share.any():
        raise ValueError("nothing is ever observed: there is nothing to learn")
    return share


def _correlate(data: Dataset, correlation: Any) -> np.ndarray:
    """Return codes of the items, item × input, whose products are the correlations wanted."""
    wanted = np.asarray(correlation, dtype=float)
    n_items = data.properties.sizes["item"]
    if wanted.ndim > 1 or not ((wanted >= 0) & (wanted < 1)).all():
        raise ValueError(
            f"correlation is at least 0 and below 1, one number or one for each level of the "
            f"tree; got {correlation!r}"
        )
    if not wanted.any():
        return np.eye(n_items)
    between = np.full((n_items, n_items), wanted) if wanted.ndim == 0 else _by_level(data, wanted)
    np.fill_diagonal(between, 1.0)
    size, axes = np.linalg.eigh(between)
    return (axes * np.sqrt(np.clip(size, 0, None))) @ axes.T


def _by_level(data: Dataset, wanted: np.ndarray) -> np.ndarray:
    """Return the correlation of each two items, by the level at which they part."""
    if data.tree is None:
        raise ValueError(
            f"a correlation for each level needs a tree, and {data.name} has none; give one number "
            "or data.with_tree(tree)"
        )
    classes = trees.ancestors(data.tree).loc[data.properties["item"].values].to_numpy()
    levels = classes.shape[1] - 1
    if len(wanted) != levels:
        raise ValueError(
            f"correlation needs one number for each of the {levels} levels of the tree of "
            f"{data.name} at which two items can part, root first; got {len(wanted)}"
        )
    if (np.diff(wanted) < 0).any():
        raise ValueError(
            f"items that part further down must not be less alike: correlation falls in {wanted}"
        )
    return wanted[np.minimum(trees.common_levels(classes), levels - 1)]


def _check_inputs(inputs: np.ndarray | xr.DataArray, data: Dataset) -> np.ndarray:
    if isinstance(inputs, xr.DataArray) and "item" in inputs.coords:
        items = data.properties["item"].values.tolist()
        for item in items:
            require(item, inputs["item"].values.tolist(), kind="item", where="inputs")
        inputs = inputs.sel(item=items).transpose("item", ...)
    codes = np.array(inputs, dtype=float)
    n_items = data.properties.sizes["item"]
    if codes.ndim != 2 or len(codes) != n_items or not np.isfinite(codes).all():
        raise ValueError(
            f"inputs must be {n_items} finite rows (one for each item of {data.name}) × any "
            f"number of inputs, got shape {codes.shape}"
        )
    return codes
