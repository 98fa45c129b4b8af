"""Names: which properties are names of which level, and who bears them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from semdev._names import require
from semdev.history import check

Levels = Mapping[str, Sequence[str]] | None


@dataclass(frozen=True, eq=False)
class Names:
    """Which properties are names, of which level, and who bears them.

    Attributes: `labels` of the levels, from broad to narrow; `members`, for each level the
    positions of its names among the properties; `own` (item × level, the position of the item's
    name, −1 for none); `bears` (item × property, bool); `low` and `high`, the names' targets.
    """

    labels: list[str]
    members: list[np.ndarray]
    own: np.ndarray
    bears: np.ndarray
    low: float
    high: float

    def name_each(self, properties: np.ndarray) -> np.ndarray:
        """Return each item's name at each level, item × level, "" for none."""
        return np.where(self.own >= 0, properties[self.own], "").astype(str)


def read_names(history: xr.Dataset, levels: Levels = None) -> Names:
    """Return the names in a History's data and their levels (see `semdev.naming`).

    Raises
    ------
    ValueError, KeyError
        As for `naming`.

    Examples
    --------
    >>> import semdev as sd
    >>> read_names(sd.solve(sd.load("rogers2004"), depth=2)).labels
    ['general', 'basic', 'specific']
    """
    target = check(history)["target"]
    properties, relations = (target[k].values.astype(str) for k in ("property", "relation"))
    if levels is not None:
        grouped = _read_levels(levels, properties.tolist())
    else:
        isa = np.flatnonzero(find_isa(target))
        grouped = {str(r): isa[relations[isa] == r] for r in dict.fromkeys(relations[isa])}
    if not grouped:
        raise ValueError(
            "no names: no property's relation begins with ISA (there are "
            f"{', '.join(map(repr, dict.fromkeys(relations.tolist())))}); say which properties "
            'are names, from broad to narrow: levels={"basic": ["bird", …], "specific": […]}'
        )
    bears, low, high = find_bearers(target, np.concatenate(list(grouped.values())))
    grouped = {label: at[bears[:, at].any(0)] for label, at in grouped.items()}
    if levels is None and len(grouped) == 1:
        grouped = _split_by_depth(grouped, bears, properties, _read_classes(history))
    elif levels is None:
        breadth = {label: -bears[:, at].sum(0).mean() for label, at in grouped.items() if at.size}
        grouped = {_label(r): grouped[r] for r in sorted(breadth, key=lambda r: breadth[r])}
    items = target["item"].values
    for label, at in grouped.items():
        many = np.flatnonzero(bears[:, at].sum(1) > 1)
        if len(many):
            both = ", ".join(map(repr, properties[at[bears[many[0], at]]].tolist()))
            raise ValueError(
                f"{str(items[many[0]])!r} bears {both}, all of level {label!r}: an item has one "
                'name at a level; say which are which, levels={"general": […], "basic": […], …}'
            )
        if not at.size:
            raise ValueError(f"no item bears a name of level {label!r}")
    own = [np.where(bears[:, at].any(1), at[bears[:, at].argmax(1)], -1)
           for at in grouped.values()]  # fmt: skip
    return Names(list(grouped), list(grouped.values()), np.stack(own, 1), bears, low, high)


def find_isa(target: xr.DataArray) -> np.ndarray:
    """Return which properties are names: those whose relation begins with ISA.

    >>> import semdev as sd
    >>> int(find_isa(sd.load("rogers2004").properties).sum())
    27
    """
    relations = target["relation"].values.astype(str).tolist()
    return np.array([relation.casefold().startswith("isa") for relation in relations])


def find_bearers(target: xr.DataArray, names: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return who has which property (item × property), and the names' lowest and highest target.

    An item bears a name if its target is above the middle between these two.

    >>> import semdev as sd
    >>> bears, low, high = find_bearers(sd.load("saxe2019").properties, np.array([0, 1]))
    >>> bears[:, 1].astype(int), low, high
    (array([1, 1, 0, 0]), 0.0, 1.0)
    """
    values = target.values
    cells = values[:, names]
    if cells.min() == cells.max():  # names that everybody bears
        cells = values
    low, high = float(cells.min()), float(cells.max())
    return values > (low + high) / 2, low, high


def strip_relation(name: str) -> str:
    """Return a name without the "ISA" before it.

    >>> strip_relation("ISA bird"), strip_relation("bird")
    ('bird', 'bird')
    """
    head, _, rest = name.partition(" ")
    return rest if rest and (head.casefold() + "_").startswith("isa_") else name


def _label(relation: str) -> str:
    return relation[3:].strip("_- .:") or relation


def _read_levels(
    levels: Mapping[str, Sequence[str]], properties: list[str]
) -> dict[str, np.ndarray]:
    if not isinstance(levels, Mapping) or not levels:
        raise ValueError(
            'levels maps labels to names, from broad to narrow: {"basic": ["bird", …], '
            f'"specific": […]}}; got {levels!r}'
        )
    grouped = {}
    for label, given in levels.items():
        listed = [given] if isinstance(given, str) else [str(name) for name in given]
        if not listed:
            raise ValueError(
                f"level {str(label)!r} has no names: give one at least, or leave it out"
            )
        for name in listed:
            require(name, properties, kind="property", where=f"this History (level {label!r})")
        grouped[str(label)] = np.array([properties.index(n) for n in dict.fromkeys(listed)], int)
    return grouped


def _read_classes(history: xr.Dataset) -> set[bytes]:
    """Return the classes of the tree, each as the bytes of its members (bool)."""
    columns = history["ancestor"].values.T if "ancestor" in history.coords else ()
    return {(column == name).tobytes() for column in columns for name in set(column.tolist())}


def _split_by_depth(
    grouped: Mapping[str, np.ndarray], bears: np.ndarray, properties: np.ndarray, known: set[bytes]
) -> dict[str, np.ndarray]:
    """Return the names of one relation by how many others' extensions they lie in, one in one."""
    ((relation, at),) = grouped.items()
    inside, cross = compare_extensions(bears[:, at])
    stray = np.array([bears[:, k].tobytes() not in known for k in at])
    stray &= (cross & ~stray).any(1)  # it crosses a class of the tree, and is none
    at, inside, cross = at[~stray], inside[~stray][:, ~stray], cross[~stray][:, ~stray]
    if cross.any():
        one, other = (repr(str(properties[at[k]])) for k in np.argwhere(cross)[0])
        raise ValueError(
            f"names {one} and {other} cross: each is borne by some items that do not bear the "
            'other, so that they are no levels of one taxonomy; say which are names of which '
            'level, levels={"basic": […], "specific": […]}'
        )  # fmt: skip
    depth = inside.sum(1)
    if not depth.any() and _label(relation) != relation:
        return {_label(relation): at}
    return {f"depth {k}": at[depth == rank] for k, rank in enumerate(np.unique(depth))}


def compare_extensions(bears: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which name's bearers lie wholly within which larger one's, and which two cross."""
    size = bears.sum(0)
    common = bears.T.astype(int) @ bears
    inside = (common == size[:, None]) & (size[:, None] < size)
    return inside, (common > 0) & (common < size[:, None]) & (common < size)
