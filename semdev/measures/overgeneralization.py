"""Overgeneralization: false beliefs that rise and fall, and how much of them is the class's."""

from __future__ import annotations

import numpy as np
import xarray as xr

from semdev.data.dataset import Dataset
from semdev.history import check
from semdev.measures.crossing import first_crossing
from semdev.measures.modes import require_tree, tied_groups


def overgeneralizations(
    history: xr.Dataset, *, margin: float = 0.05, false_at: float = 0.0
) -> xr.Dataset:
    """Return, for every false cell, how far it came to be believed and what the class added.

    A raw peak is a trap: anything that acts as a bias makes a learner believe a frequent property
    of every item alike. The excess tells the two apart: with y_out(t) the mean belief about
    those items outside i's class that lack the property too,

        excess = max_t [y_i(t) − y_out(t)],

    where i's class is the smallest class in the tree that holds i and an item that truly has the
    property (for "worm has bones": animal; outside it: plants).

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
        Over seed × item × property, NaN in true cells: `peak`, `peak_time`, `duration` (how long
        the belief stays above the half of its rise), `final`, `excess` (NaN where the class is
        the whole world: nobody is outside), `rose_and_fell` (bool). Over item × property:
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
    (0.59, 0.59, 'plant')
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
    return result.drop_vars(["step", "time"], errors="ignore")


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
    """Return for how long the curve stays at or above the level around its peak."""
    time = curve["time"]
    values = curve.transpose(..., "time")
    peak = values.argmax("time")
    k = np.arange(len(time))
    after = values.where(xr.DataArray(k, dims="time") >= peak, np.inf)
    rise = first_crossing(values, level)
    fall = first_crossing(-after, -level)
    return (fall - rise).fillna(time.values[-1] - rise)


def predict_peaks(data: xr.Dataset | Dataset) -> xr.DataArray:
    """Return how high each belief can rise in a deep linear network that starts from nothing.

    As starting strengths go to 0 the outputs visit the truncated singular value decompositions of
    the data one after the other; with S_k the cell's entry in the one of rank k (tied modes
    entering together), the belief never exceeds max(0, max_k S_k), and reaches it in the limit.
    A false cell is overgeneralized where that is above its target. The idea is Saxe, McClelland &
    Ganguli's (2019); bound and criterion are derived here (Abel summation) and checked
    numerically.

    Parameters
    ----------
    data : History or Dataset

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
    return target.copy(data=highest).rename("predicted")
