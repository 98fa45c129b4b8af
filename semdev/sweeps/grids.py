"""Grids: the conditions of a sweep, each by its labels."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from numbers import Real
from typing import Any

import numpy as np

from semdev._names import NameNotFoundError, require, suggest

Label = str | int | float | bool | None
# What tables and results call something else.
RESERVED = ("seed", "seeds", "condition", "shards", "done", "failed", "error", "traceback")


@dataclass(frozen=True)
class Grid:
    """The conditions of a sweep: every combination of some labels, or a list of its own.

    Parameters
    ----------
    names : tuple of str
        What varies.
    conditions : tuple of tuples
        A label for each name; combinations in the order of `itertools.product`.
    crossed : bool
        Whether they are all combinations.

    Examples
    --------
    >>> grid, _ = read_grid({"depth": [1, 2], "scale": [0.1, 0.01]})
    >>> grid.axes, grid.locate(2), grid.find({"depth": 2, "scale": 0.1})
    ({'depth': [1, 2], 'scale': [0.1, 0.01]}, (1, 0), 2)
    """

    names: tuple[str, ...]
    conditions: tuple[tuple[Label, ...], ...]
    crossed: bool

    @property
    def columns(self) -> dict[str, list[Label]]:
        """The labels of each name, each once, in the order they come."""
        columns = zip(*self.conditions, strict=True)
        return {
            name: list({identify(label): label for label in column}.values())
            for name, column in zip(self.names, columns, strict=False)
        }

    @property
    def axes(self) -> dict[str, list[Label]]:
        """The dimensions that hold the conditions, and the labels along each."""
        return self.columns if self.crossed else {"condition": list(range(len(self.conditions)))}

    def locate(self, number: int) -> tuple[int, ...]:
        """Return where along the axes a condition stands."""
        sizes = [len(labels) for labels in self.axes.values()]
        return tuple(int(k) for k in np.unravel_index(number, sizes)) if sizes else ()

    def describe(self, number: int) -> str:
        """Return a condition in words, ``depth=2, scale=0.1``."""
        pairs = zip(self.names, self.conditions[number], strict=True)
        return ", ".join(f"{name}={format_label(label)}" for name, label in pairs) or "all"

    def find(self, labels: Mapping[str, Any]) -> int:
        """Return the number of the one condition with these labels, or say what there is.

        Raises KeyError for an unknown name or label, ValueError where several conditions fit.
        """
        left = list(range(len(self.conditions)))
        for name, label in labels.items():
            require(name, self.names, kind="name", where="this sweep")
            column = self.names.index(name)
            known = list(dict.fromkeys(self.conditions[k][column] for k in left))
            left = [k for k in left if _is_same(self.conditions[k][column], label)]
            if not left:
                hint = suggest(label, map(format_label, known))
                raise NameNotFoundError(f"no {name} {format_label(label)} in this sweep; {hint}")
        if len(left) > 1:
            free = [name for name in self.names if name not in labels]
            raise ValueError(
                f"{len(left)} conditions fit; say which {' and '.join(free)} too, as in "
                f"sel({self.describe(left[0])}), or take all of them: combine() or measure(f)"
            )
        return left[0]


def read_grid(grid: Any) -> tuple[Grid, list[dict[str, Any]]]:
    """Return the conditions that are meant, by label, and the values each stands for.

    Parameters
    ----------
    grid : mapping of name to values, or sequence of mappings
        Values are a list of labels (numbers, words), or a mapping of label to anything; every
        combination is a condition. A sequence lists the conditions: a label for each name.

    Raises
    ------
    TypeError
        It is neither, or a value is no label.
    ValueError
        A name has no values or one twice, or conditions name different things.
    """
    if isinstance(grid, Mapping):
        choices = {name: _read_choices(name, values) for name, values in grid.items()}
        combined = list(product(*(each.items() for each in choices.values())))
        conditions = tuple(tuple(label for label, _ in each) for each in combined)
        values = [
            {name: value for name, (_, value) in zip(choices, each, strict=True)}
            for each in combined
        ]
        return Grid(_check_names(choices), conditions, True), values
    if isinstance(grid, str) or not isinstance(grid, Iterable):
        raise TypeError(
            "grid is a mapping of names to values, such as {'depth': [1, 2, 3]}, or a list of "
            f"conditions, such as [{{'depth': 1, 'scale': 0.1}}, …]; got {grid!r}"
        )
    listed = list(grid)
    if not listed or not all(isinstance(each, Mapping) for each in listed):
        raise TypeError(f"a list of conditions has mappings of name to value; got {listed!r}")
    names = _check_names(listed[0])
    for each in listed:
        if set(each) != set(names):
            raise ValueError(
                f"conditions name the same things; the first has {', '.join(names)}, "
                f"another {', '.join(map(str, each))}"
            )
    rows = [{name: _read_label(name, each[name]) for name in names} for each in listed]
    conditions = tuple(tuple(row.values()) for row in rows)
    for name in names:
        _refuse_mixture(name, [row[name] for row in rows])
    if len({tuple(map(format_label, each)) for each in conditions}) < len(conditions):
        raise ValueError("a condition is listed twice")
    return Grid(names, conditions, False), rows


def identify(label: Any) -> str:
    """Return a label, or several, as a plan keeps them: 1 is not 1.0, and NaN is NaN.

    >>> identify(1) == identify(1.0), identify(float("nan")) == identify(float("nan"))
    (False, True)
    """
    return json.dumps(label)


def format_label(label: Any) -> str:
    """Return a label as text; floats without the dust of their last digits."""
    return f"{label:.12g}" if isinstance(label, float) else str(label)


def format_seeds(seeds: Sequence[int]) -> str:
    """Return seeds in a few characters.

    >>> format_seeds([0, 1, 2, 3]), format_seeds([4, 7]), format_seeds([5])
    ('0–3', '4, 7', '5')
    """
    first, last = seeds[0], seeds[-1]
    if len(seeds) > 1 and list(seeds) == list(range(first, last + 1)):
        return f"{first}–{last}"
    return ", ".join(map(str, seeds[:8])) + (f", … ({len(seeds)})" if len(seeds) > 8 else "")


def _check_names(names: Iterable[Any]) -> tuple[str, ...]:
    found = tuple(names)
    for name in found:
        if not (isinstance(name, str) and name.isidentifier()):
            raise TypeError(f"what varies has the name of a parameter, such as scale; got {name!r}")
        if name in RESERVED:
            raise ValueError(
                f"{name!r} cannot vary in a grid: sweeps use that name for something else"
                + (" (give seeds=)" if name.startswith("seed") else "")
            )
    return found


def _read_choices(name: Any, values: Any) -> dict[Label, Any]:
    if isinstance(values, Mapping):
        pairs = [(_read_label(name, label), value) for label, value in values.items()]
    elif isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} has a list of values, such as [{values!r}]; got {values!r}")
    else:
        pairs = [(label, label) for label in (_read_label(name, value) for value in values)]
    if not pairs:
        raise ValueError(f"{name} has no values")
    choices, labels = dict(pairs), [label for label, _ in pairs]
    _refuse_mixture(name, labels)
    if min(len(choices), len(set(map(format_label, labels)))) < len(labels):
        raise ValueError(f"a value of {name} is given twice: {labels}")
    return choices


def _refuse_mixture(name: Any, labels: Collection[Label]) -> None:
    """Refuse 1 beside "1": tables and files could not tell them apart."""
    words = {label for label in labels if isinstance(label, str)}
    both = words & {format_label(label) for label in labels if not isinstance(label, str)}
    if both:
        word = both.pop()
        raise ValueError(f"{name} holds both {word} and the word {word!r}; give one another label")


def _read_label(name: Any, value: Any) -> Label:
    if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0:
        value = value.item()
    elif not isinstance(value, (str, int, float)) and hasattr(value, "dims") and not value.dims:
        value = value.item()  # what iterating over a DataArray yields
    if not (value is None or isinstance(value, (str, bool, int, float))):
        raise TypeError(
            f"a {name} of {value!r} is no label (a number or a word); give each value one: "
            f"{{{name!r}: {{'first': …, 'second': …}}}}"
        )
    return value


def _is_same(label: Label, asked: Any) -> bool:
    """Return whether a label is meant; 0.01 means the 0.010000000000000002 of a logspace."""
    if isinstance(label, float) and isinstance(asked, Real):
        both_nan = math.isnan(label) and math.isnan(asked)
        return both_nan or math.isclose(label, asked, rel_tol=1e-9)
    return label == asked
