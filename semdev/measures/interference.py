"""Interference: what is lost of the old while something new is learned."""

from __future__ import annotations

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev._names import require
from semdev.history import check
from semdev.measures.crossing import first_crossing


def interference(
    history: xr.Dataset, *, item: str | None = None, criterion: float = 0.5
) -> xr.Dataset:
    """Return when a new item is learned, and what the others have lost by then.

    The new item is learned when every belief about it is right: when the largest of its errors
    |y − ŷ| has fallen to `criterion`. Until then the loss of another item i,
    L_i = ½ Σ_p (y_ip − ŷ_ip)², has grown by L_i(t) − L_i(0); that is interference (McCloskey &
    Cohen 1989; McClelland, McNaughton & O'Reilly 1995; the index is ours). Below 0 the others have
    gained. Beliefs are held against the truth, 0 and 1, also where soft targets were taught.

    Parameters
    ----------
    history : xr.Dataset
        A History, as `semdev.learn_item` returns it.
    item : str, optional
        The new item. Default: that of `learn_item`.
    criterion : float
        Largest error, as a share of the range of the data, 0 to 1; at .5 every belief is on the
        right side of the middle.

    Returns
    -------
    Dataset
        `error` (seed × time), the new item's largest, as a share of the range; `learned_at`
        (seed), the time at which it falls to the criterion, NaN if it never does; `increase` (seed
        × time × item), of each other item's loss; `interference` (seed), its mean over items at
        the time `learned_at`, in units of loss per item; `lost` (seed), the share of beliefs about
        others that were right at first (within the criterion) and are wrong when the new item has
        been learned. Both NaN if it never has.

    Raises
    ------
    KeyError
        No such item; the nearest match is suggested.
    ValueError
        No item is new, and none is named; no other item; a criterion that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> world, model = sd.load("saxe2019"), sd.DeepLinear(hidden=16)
    >>> child = sd.train(model, world, seeds=3, keep_weights=True)
    >>> bat = ["can move", "can fly"]
    >>> for schedule in ("focused", "interleaved"):
    ...     learned = sd.learn_item(child, model, world, "bat", bat, schedule=schedule)
    ...     print(interference(learned)["interference"].values.round(2))
    [0.01 0.01 0.01]
    [0. 0. 0.]
    """
    check(history)
    if not 0 < criterion < 1:
        raise ValueError(f"criterion is a share of the range between 0 and 1, got {criterion}")
    names = history["item"].values.tolist()
    if item is None:
        if "new" not in history.coords or not history["new"].any():
            raise ValueError(
                "no item of this History is new: give item=, or a History of semdev.learn_item"
            )
        item = str(history["item"].values[history["new"].values][0])
    require(item, names, kind="item", where="this History")
    if len(names) < 2:
        raise ValueError("interference is with other items, and there are none")
    span = float(np.ptp(history["target"].values)) or 1.0
    off = abs(history["output"] - history["target"]).transpose("seed", "time", "item", ...)
    off = off.drop_vars([c for c in off.coords if c not in ("seed", "time", "item", "property")])
    error = off.sel(item=item, drop=True).max("property") / span
    others = off.drop_sel(item=item)
    loss = (others**2).sum("property") / 2
    increase = loss - loss.isel(time=0, drop=True)
    learned_at = first_crossing(-error, -criterion)
    curve = increase.mean("item")
    when, grid = learned_at.values, curve["time"].values
    reached = np.array([np.interp(t, grid, y) for t, y in zip(when, curve.values, strict=True)])
    known = learned_at.notnull()
    then = (np.nan_to_num(when)[:, None] > grid).sum(1).clip(max=len(grid) - 1)
    right = others <= criterion * span
    later = right.isel(time=xr.DataArray(then, dims="seed"), seed=xr.DataArray(
        np.arange(len(when)), dims="seed"))  # fmt: skip
    first = right.isel(time=0)
    lost = (first & ~later.drop_vars("time")).sum(("item", "property"))
    lost = lost / first.sum(("item", "property"))
    result = xr.Dataset(
        {
            "error": error,
            "learned_at": learned_at,
            "increase": increase,
            "interference": ("seed", np.where(known, reached, np.nan)),
            "lost": ("seed", np.where(known, lost.values, np.nan)),
        }
    )
    return say_measure("interference", result)
