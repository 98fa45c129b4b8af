"""What the pictures of items have in common: order, classes, chosen times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from semdev.plots._style import CATEGORIES


def tree_order(history: xr.Dataset) -> np.ndarray:
    """Return the items' positions such that every class of the tree stands together.

    Classes keep the order in which their first items are listed; without a tree items stay as
    they are.

    >>> import semdev as sd
    >>> world = sd.load("saxe2019").select(items=["canary", "oak", "salmon", "rose"])
    >>> exact = sd.solve(world, depth=2)
    >>> exact["item"].values[tree_order(exact)].tolist()
    ['canary', 'salmon', 'oak', 'rose']
    """
    items = history.sizes["item"]
    if "ancestor" not in history.coords:
        return np.arange(items)
    ranks: list[list[int]] = []
    for names in history["ancestor"].values.T:
        first = {name: k for k, name in reversed(list(enumerate(names)))}
        ranks.append([first[name] for name in names])
    return np.lexsort([list(range(items)), *ranks[::-1]])


def item_classes(history: xr.Dataset) -> np.ndarray | None:
    """Return the name of the class by which each item is coloured, or None without a tree.

    The classes at the first level that has three or more with several members, as long as there
    are colours enough, else level 1. Items that are no class's at that level are "other".

    >>> import semdev as sd
    >>> item_classes(sd.solve(sd.load("rumelhart8"), depth=2))[:4].tolist()
    ['tree', 'tree', 'flower', 'flower']
    """
    if "ancestor" not in history.coords:
        return None
    names = history["ancestor"].values
    chosen = min(1, names.shape[1] - 1)
    for level in range(1, names.shape[1]):
        sizes = np.unique(names[:, level], return_counts=True)[1]
        if 3 <= (sizes > 1).sum() <= len(CATEGORIES):
            chosen = level
            break
    classes = names[:, chosen]
    alone = classes == history["item"].values
    return classes if alone.all() else np.where(alone, "other", classes)


def nearest_times(history: xr.Dataset, times: float | Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the indices of the recorded times that are nearest to the ones asked for.

    Raises
    ------
    ValueError
        No time, or one that is no number.

    Examples
    --------
    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("saxe2019"), depth=2, times=[0, 1, 2, 4])
    >>> nearest_times(exact, [0.9, 100])
    array([1, 3])
    """
    wanted = np.atleast_1d(np.asarray(times, dtype=float))
    recorded = history["time"].values
    if wanted.ndim != 1 or not len(wanted) or np.isnan(wanted).any():
        raise ValueError(
            f"times are one or more learning times between {recorded[0]:.3g} and "
            f"{recorded[-1]:.3g}, got {times!r}"
        )
    return np.abs(recorded[:, None] - wanted).argmin(0)
