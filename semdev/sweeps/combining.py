"""Lay the results of many conditions side by side, in one labelled Dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from semdev.sweeps.grids import Label, format_label


@dataclass(frozen=True)
class Piece:
    """A result, or some seeds of it, where it goes along the axes, and what errors call it."""

    position: tuple[int, ...]
    name: str
    result: xr.Dataset


def lay_together(
    pieces: Sequence[Piece],
    axes: Mapping[str, Sequence[Label]],
    seeds: Sequence[int],
    *,
    join: str = "exact",
    measured: bool = False,
) -> xr.Dataset:
    """Return one Dataset: the dimensions of the axes, then seed, then those of the pieces.

    Coordinates that do not depend on the seed and are the same in all pieces stay without the axes.
    Cells that no piece holds are NaN (and whole numbers and truth values become floats then).

    Parameters
    ----------
    pieces : sequence of Piece
        Not empty.
    axes : mapping of dimension to labels
        Where the conditions stand; may be empty, for the seeds of one condition.
    seeds : sequence of int
        All that have a place, whichever a piece holds.
    join : "exact" or "outer"
        Whether other dimensions must agree or are filled up with NaN.
    measured : bool
        Whether the pieces are what a measure returned: errors then say what it could leave out.

    Raises
    ------
    ValueError
        Pieces differ in a dimension or hold different variables, or have one that is called like
        an axis and means something else, or repeat a label so that its place is not known.

    Examples
    --------
    >>> found = [xr.Dataset({"loss": ("seed", [k, k + 1.0])}, {"seed": [0, 1]}) for k in (3, 5)]
    >>> pieces = [Piece((k,), f"depth={k}", each) for k, each in enumerate(found)]
    >>> lay_together(pieces, {"depth": [1, 2]}, [0, 1])["loss"].values
    array([[3., 4.],
           [5., 6.]])
    """
    pieces = [_drop_axes(piece, axes) for piece in pieces]
    indexes = _join_indexes(pieces, exact=join == "exact", measured=measured)
    if "seed" in indexes:
        indexes["seed"] = np.array(seeds)
    shared = {dim for dim, index in indexes.items() if _is_along(dim, index, pieces)}
    called = {name for piece in pieces for name in piece.result.coords}
    variables: dict[str, xr.Variable] = {}
    for name in _list_variables(pieces, exact=join == "exact"):
        holders = [piece for piece in pieces if name in piece.result.variables]
        first = holders[0].result.variables[name]
        may_stay = shared.issuperset(first.dims) and (name in called or not axes)
        if may_stay and _is_same_everywhere(name, pieces):
            variables[name] = first
        elif may_stay and not axes:
            raise ValueError(f"{name} differs between {holders[0].name} and other seeds")
        else:
            variables[name] = _stack(name, holders, axes, indexes)
    labelled = {dim for piece in pieces for dim in piece.result.indexes}
    coords: dict[Any, Any] = {name: (name, as_array(labels)) for name, labels in axes.items()}
    coords |= {dim: (dim, index) for dim, index in indexes.items() if dim in labelled}
    coords |= {name: values for name, values in variables.items() if name in called}
    return xr.Dataset({k: v for k, v in variables.items() if k not in called}, coords)


def _drop_axes(piece: Piece, axes: Mapping[str, Sequence[Label]]) -> Piece:
    """Leave out what the grid's own label already says; refuse what is only called like it."""
    result = piece.result
    for (name, labels), k in zip(axes.items(), piece.position, strict=True):
        if name in result.dims:
            raise ValueError(
                f"{name!r} varies in the grid and is a dimension of each result too; give it "
                "another name in the grid"
            )
        if name not in result.variables:
            continue
        if result[name].dims or result[name].item() != labels[k]:
            raise ValueError(
                f"each result holds a {name} of its own, which is not the {name} of the grid "
                f"({piece.name}); give the grid's another name, or leave the result's out: "
                f'measure(lambda run: run.drop_vars("{name}"))'
            )
        result = result.drop_vars(name)
    return Piece(piece.position, piece.name, result)


def _join_indexes(pieces: Sequence[Piece], *, exact: bool, measured: bool) -> dict[str, np.ndarray]:
    """Return the labels along each dimension of a piece."""
    joined: dict[str, np.ndarray] = {}
    first: dict[str, Piece] = {}
    for piece in pieces:
        for dim in map(str, piece.result.dims):
            labels = piece.result[dim].values  # 0, 1, … for a dimension without labels
            if dim not in joined:
                joined[dim], first[dim] = labels, piece
            elif dim != "seed" and not _is_same(joined[dim], labels):
                if exact:
                    _refuse_dimension(dim, first[dim], piece, measured=measured)
                joined[dim] = _unite(joined[dim], labels)
    return joined


def _is_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether labels are the same in the same order; NaN is the same as NaN."""
    return xr.Variable("x", one).equals(xr.Variable("x", other))


def _is_along(dim: str, index: np.ndarray, pieces: Sequence[Piece]) -> bool:
    """Return whether all pieces that have a dimension have all of its labels, in this order."""
    each = [piece.result[dim].values for piece in pieces if dim in piece.result.dims]
    return dim != "seed" and all(_is_same(labels, index) for labels in each)


def _unite(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the labels of both: numbers in their order, words as they come."""
    both = [*one.tolist(), *other.tolist()]
    united = np.array(list(dict.fromkeys(both)), dtype=np.result_type(one, other))
    return np.unique(united) if united.dtype.kind in "biufmM" else united


def _refuse_dimension(dim: str, one: Piece, other: Piece, *, measured: bool) -> None:
    remedy = 'or fill up with NaN: measure(f, join="outer")'
    if dim == "time":
        steps = [piece.result.get("step", xr.DataArray()).values for piece in (one, other)]
        if steps[0].ndim and np.array_equal(steps[0], steps[1]):
            remedy = (
                "steps agree, learning rates differ: give learning_rate=, or lay them side by side "
                'by step: measure(lambda run: run.swap_dims(time="step"))'
            )
        else:
            remedy = (
                "runs without steps= end when learning has settled: give steps=, record= and "
                "learning_rate=, or measure each on its own times, as in measure(sd.transitions)"
            )
    free = [name for name, values in one.result.data_vars.items() if dim not in values.dims]
    if measured and free:
        listed = ", ".join(f'"{name}"' for name in free)
        remedy += f"; or keep what has no {dim}: measure(lambda run: f(run)[[{listed}]])"
    raise ValueError(
        f"these results cannot be laid side by side: {dim} is {_say(one.result[dim].values)} in "
        f"{one.name}, {_say(other.result[dim].values)} in {other.name}; {remedy}"
    )


def _say(labels: np.ndarray) -> str:
    """Return labels in a few characters."""
    if not len(labels):
        return "empty"
    first, last = (format_label(label) for label in labels[[0, -1]].tolist())
    return f"{len(labels)} from {first} to {last}"


def _list_variables(pieces: Sequence[Piece], *, exact: bool) -> list[str]:
    """Return the names of all variables, in the order they come; dims must agree."""
    found: dict[str, tuple[set[Any], Piece]] = {}
    for piece in pieces:
        for name, values in piece.result.variables.items():
            dims, first = found.setdefault(str(name), (set(values.dims), piece))
            if dims != set(values.dims):
                raise ValueError(
                    f"{name} has the dimensions {tuple(dims)} in {first.name}, {values.dims} in "
                    f"{piece.name}"
                )
    for piece in pieces if exact else ():
        lacking = [name for name in found if name not in piece.result.variables]
        if lacking:
            raise ValueError(
                f"these results cannot be laid side by side: {piece.name} has no "
                f"{', '.join(lacking)}, others have; measure what all have: measure(f), or fill up "
                'with NaN: measure(f, join="outer")'
            )
    return [name for name, (dims, _) in found.items() if name not in dims]


def _is_same_everywhere(name: str, pieces: Sequence[Piece]) -> bool:
    found = [piece.result.variables.get(name) for piece in pieces]
    return all(values is not None and values.equals(found[0]) for values in found)


def _stack(
    name: str, holders: Sequence[Piece], axes: Mapping[str, Sequence[Label]],
    indexes: Mapping[str, np.ndarray],
) -> xr.Variable:  # fmt: skip
    """Return one variable with the values of all pieces, each in its place."""
    each = [piece.result.variables[name] for piece in holders]
    dims = sorted(map(str, each[0].dims), key=lambda dim: dim != "seed")  # seed comes first
    shape = [*map(len, axes.values()), *(len(indexes[dim]) for dim in dims)]
    dtype = np.result_type(*(values.dtype for values in each))
    has_gaps = sum(values.size for values in each) < np.prod(shape)
    if has_gaps and dtype.kind in "biu":
        dtype = np.dtype(float)
    empty: Any = {"f": np.nan, "c": np.nan, "m": "NaT", "M": "NaT"}.get(dtype.kind, "")
    room = np.full(shape, empty, dtype) if has_gaps else np.empty(shape, dtype)
    for piece, values in zip(holders, each, strict=True):
        places = [_find_places(piece, dim, indexes[dim]) for dim in dims]
        part = room[piece.position] if dims else room
        part[np.ix_(*places) if dims else piece.position] = values.transpose(*dims).values
    return xr.Variable((*axes, *dims), room, each[0].attrs)


def _find_places(piece: Piece, dim: str, among: np.ndarray) -> np.ndarray:
    """Return where along a dimension the labels of a piece stand."""
    labels = piece.result[dim].values
    if _is_same(labels, among):  # so that labels may be repeated
        return np.arange(len(among))
    known, own = pd.Index(among), pd.Index(labels)
    if not (known.is_unique and own.is_unique):
        raise ValueError(
            f"{dim} repeats labels in {piece.name}, so that results with other {dim} cannot be "
            "laid beside it"
        )
    places = known.get_indexer(own)
    if (places < 0).any():
        raise ValueError(f"{dim} {own[places < 0][0]} in {piece.name} is none of this sweep's")
    return places


def as_array(labels: Sequence[Label]) -> np.ndarray:
    """Return labels as a coordinate: numbers as they are, a mixture as words."""
    words = any(isinstance(label, str) or label is None for label in labels)
    return np.array([format_label(label) for label in labels] if words else list(labels))
