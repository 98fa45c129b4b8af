"""How patterns show items, and where a further item would stand among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from semdev.data.patterns import Patterns


@dataclass(frozen=True)
class Layout:
    """How patterns show items: a code, then a relation; the same contexts for each item.

    Attributes
    ----------
    codes : int
        Input units that say which item.
    contexts : array, context × input
        The other input units, of each question about an item (one row of nothing, if there are
        no relations).
    context_of : array, property
        Under which question a belief about the property is read.
    relations : array of str, context
        What the questions are called.
    """

    codes: int
    contexts: np.ndarray
    context_of: np.ndarray
    relations: np.ndarray


def read_layout(patterns: Patterns) -> Layout:
    """Return how patterns show items, or say that they do not show each in the same contexts."""
    n_items = len(patterns.asked)
    count, left = divmod(len(patterns.inputs), n_items)
    codes = patterns.inputs.shape[1] - len(set(patterns.relations.tolist()) - {""})
    regular = not left and codes > 0
    if regular:
        others = patterns.inputs[:, codes:].reshape(n_items, count, -1)
        context_of = patterns.asked - np.arange(n_items)[:, None] * count
        regular = bool(
            (others == others[0]).all()
            and (context_of == context_of[0]).all()
            and ((context_of >= 0) & (context_of < count)).all()
        )
    if not regular:
        raise ValueError(
            f"patterns of {patterns.data.name} do not show every item in the same contexts, one "
            "after the other; make them with make_patterns"
        )
    return Layout(codes, others[0], context_of[0], patterns.relations[:count])


def translate_targets(patterns: Patterns, values: np.ndarray) -> np.ndarray:
    """Return what is taught for values of the data: the same, but for soft targets."""
    table, targets = patterns.data.properties.values, patterns.read_back(patterns.targets)
    low, high = table.min(), table.max()
    if low == high:
        return values
    bottom, top = targets[table == low][0], targets[table == high][0]
    share = (values - low) / (high - low)
    return (1 - share) * bottom + share * top
