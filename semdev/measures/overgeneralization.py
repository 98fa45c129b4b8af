"""Overgeneralization: false beliefs that rise and fall, and how much of them is the class's."""

from __future__ import annotations

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.data.dataset import Dataset
from semdev.history import check, is_plain
from semdev.measures.crossing import first_crossing
from semdev.measures.modes import require_tree
from semdev.models.decomposition import tied_groups


def overgeneralizations(
    history: xr.Dataset, *, margin: float = 0.05, false_at: float = 0.0
) -> xr.Dataset:
    """Return, for every false cell, how far it came to be believed and what the class added.

    A raw peak is a trap: anything that acts as a bias makes a learner believe a frequent property
    of every item alike. The excess tells the two apart: with y_out(t) the mean belief about
    those items outside i's class that lack the property too,

        excess = max_t [y_i(t) − y_out(t)],

    where i's class is the smallest class in the tree that holds i and an item that truly has the
    property (for "worm has bones": animal; outside it: plants; for "pine has leaves", since oaks
    do: tree; outside it: animals, for flowers have leaves too).

    The beliefs are Rogers & McClelland's (2004) and Saxe, McClelland & Ganguli's (2019); the excess
    is ours.

    Parameters
    ----------
    history : xr.Dataset
        A History with a tree.
    margin : float
        By how much (in units of the coding) a belief must rise above both its start and its end
        to have risen and fallen.
    false_at : float
        A cell is false where its target is at or below this: 0 serves 0/1 and ±1 coding.

    Returns
    -------
    Dataset
        In units of the coding and of learning time, over seed × item × property, NaN in true
        cells: `peak`, `peak_time`, `duration` (how long
        the belief stays above the half of its rise around its peak), `final`, `excess` (NaN
        where nobody has the property, or nobody outside the class lacks it), `rose_and_fell`
        (bool). Over item × property:
        `predicted` (see `predict_peaks`) and `of_class`, the name of i's class ("" where nobody
        has the property). `semdev.summarize` makes a table of it.

    Raises
    ------
    ValueError
        No tree, or no false cell.

    Examples
    --------
    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("rumelhart8"), depth=2, initial=1e-3)
    >>> over = sd.overgeneralizations(exact).isel(seed=0)
    >>> pine = over.sel(item="pine", property="has leaves")
    >>> float(pine["peak"]), float(pine["excess"]), pine["of_class"].item()
    (0.59, 0.55, 'tree')
    """
    target, output = check(history)["target"], history["output"]
    false = target <= false_at
    if not false.any():
        raise ValueError(
            f"no cell is false: every target is above {false_at}; say with false_at= up to which "
            "value a cell counts as false"
        )
    level, of_class = _nearest_class(history, false.values)
    peak = output.max("time")
    ends = np.maximum(output.isel(time=0, drop=True), output.isel(time=-1, drop=True))
    result = xr.Dataset(
        {
            "peak": peak,
            "peak_time": output["time"].isel(time=output.argmax("time")).drop_vars("step"),
            "duration": _time_above(output, (peak + ends) / 2),
            "final": output.isel(time=-1, drop=True),
            "excess": _excess(history, false.values, level),
        }
    ).where(false)
    result["rose_and_fell"] = (peak - ends > margin) & false
    result["predicted"] = predict_peaks(history).where(false)
    result["of_class"] = (("item", "property"), np.where(false.values, of_class, ""))
    return say_measure("overgeneralizations", result.drop_vars(["step", "time"], errors="ignore"))


def _nearest_class(history: xr.Dataset, false: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return depth and name of the smallest class with a carrier; −1 and "" where none has it."""
    classes = require_tree(history).values
    level = np.full(false.shape, -1)
    name = np.full(false.shape, "", dtype=classes.dtype)
    for depth in range(classes.shape[1]):
        same = (classes[:, depth][:, None] == classes[:, depth][None, :]).astype(float)
        holds = same @ ~false > 0
        level[holds] = depth
        name = np.where(holds, classes[:, depth][:, None], name)
    return level, name


def _excess(history: xr.Dataset, false: np.ndarray, level: np.ndarray) -> xr.DataArray:
    """Return max_t [y_i − mean of y over items outside i's class that lack the property]."""
    classes = require_tree(history).values
    output = history["output"].values
    excess = np.full((output.shape[0], *false.shape), np.nan)
    lacking = output * false
    for depth in range(1, classes.shape[1]):
        cells = (level == depth) & false
        outside = (classes[:, depth][:, None] != classes[:, depth][None, :]).astype(float)
        count = outside @ false
        cells &= count > 0
        if cells.any():
            elsewhere = (outside @ lacking)[..., cells] / count[cells]
            excess[:, cells] = (output[..., cells] - elsewhere).max(1)
    return xr.DataArray(
        excess, dims=("seed", "item", "property"),
        coords={k: history[k] for k in ("seed", "item", "property")},
    )  # fmt: skip


def _time_above(curve: xr.DataArray, level: xr.DataArray) -> xr.DataArray:
    """Return for how long the curve stays above the level around its peak; 0 without a fall."""
    peak, at = curve.max("time"), curve.argmax("time")
    k = xr.DataArray(np.arange(curve.sizes["time"]), dims="time")
    fall = first_crossing(-curve.where(k >= at, peak), -level)
    back = curve.where(k <= at, peak).isel(time=slice(None, None, -1))
    rise = -first_crossing(-back.assign_coords(time=-back["time"]), -level)
    return (fall - rise).clip(min=0)


def predict_peaks(data: xr.Dataset | Dataset) -> xr.DataArray:
    """Return how high each belief can rise in a deep linear network that starts from nothing.

    As starting strengths go to 0 the outputs visit the truncated singular value decompositions of
    the data one after the other; with S_k the cell's entry in the one of rank k (tied modes
    entering together), the belief reaches max(0, max_k S_k) in the limit. It never exceeds that if
    modes start at strengths proportional to s, nor by more than about its start if they start
    alike. A false cell is overgeneralized where that is above its target. All this for items shown
    one-hot and equally often, and without biases (else NaN). The idea is Saxe, McClelland &
    Ganguli's (2019); bound and criterion are derived here (Abel summation) and checked numerically.

    Parameters
    ----------
    data : History or Dataset
        What is learned, a History's target.

    Returns
    -------
    DataArray, item × property

    Examples
    --------
    >>> import semdev as sd
    >>> float(predict_peaks(sd.load("saxe2019")).sel(item="salmon", property="can fly"))
    0.5
    """
    target = data.properties if isinstance(data, Dataset) else check(data)["target"]
    v, s, ut = np.linalg.svd(target.values, full_matrices=False)
    partial, highest = np.zeros(target.shape), np.zeros(target.shape)
    for tied in tied_groups(s):
        partial = partial + (v[:, tied] * s[tied]) @ ut[tied]
        highest = np.maximum(highest, partial)
    plain = isinstance(data, Dataset) or is_plain(data)
    if np.ptp(target["frequency"].values) > 0 or not plain:
        highest[:] = np.nan
    return target.copy(data=highest).rename("predicted")
