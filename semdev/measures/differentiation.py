"""Differentiation: which level of the tree separates when."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist

from semdev._measured import say_measure
from semdev.measures.crossing import first_crossing
from semdev.measures.modes import parting_levels, take_seeds
from semdev.measures.similarity import item_distances


def differentiation(history: xr.Dataset, *, margin: float = 0.05) -> xr.Dataset:
    """Return how far apart items are that part at each level of the tree, over time.

    Two items part at level l when their last common class stands at depth l (0 is the root). At
    each level the Euclidean distance between the outputs (and the recorded hidden layers) of
    such items is averaged over pairs: `between`. The average over pairs that part later is
    `within`: as long as it is small beside `between`, the classes of the level are told apart and
    their members are not. A level has separated when `between` has come to half of the distance
    in the data; in a hidden layer half of its last value, which a run cut short makes too small.
    Random initial weights set items apart too, by chance, and where that alone is half of the
    distance (`from_start`), what falls below it and comes back counts, and a level that never
    falls below has no half-time. `level_acquisition` asks for the data's own distinctions instead,
    of which random weights draw nearly nothing. Level is depth in the tree: in a ragged tree, such
    as that of `zoo`, it need not mean breadth. (Rogers & McClelland 2004; Saxe, McClelland &
    Ganguli 2019.)

    Parameters
    ----------
    history : xr.Dataset
        A History with a tree.
    margin : float
        By what share of its own half-time a level must be ahead of the next to precede it.

    Returns
    -------
    Dataset
        `between`, `within` (layer × seed × time × level); `half_time` (layer × seed × level; NaN
        at a level whose items do not differ in the data, when it is not reached, or when it was
        exceeded all the time); `from_start` (bool, layer × seed × level: the first record is
        there already);
        `precedes` (bool, layer × seed × level: this level separates before the next one at which
        items part; False at the last); `cophenetic` (layer × seed × time): correlation of the
        tree with an average-linkage dendrogram (NaN while all items are alike). Only levels at
        which items part.

    Raises
    ------
    ValueError
        The History has no tree, or only one item.

    Examples
    --------
    >>> import semdev as sd
    >>> d = sd.differentiation(sd.solve(sd.load("cao2020"), depth=2))
    >>> d["half_time"].sel(layer="output", seed=0).values.round(1)    # broad distinctions first
    array([2.5, 3.6, 5.7])
    """
    parting = parting_levels(history)
    pairs = np.triu_indices(len(parting), k=1)
    level_of_pair = parting[pairs]
    levels = np.unique(level_of_pair)
    if not len(levels):
        raise ValueError("differentiation needs at least two items")
    results = []
    layers = ["output", *(str(v) for v in history.data_vars if str(v).startswith("hidden_"))]
    truth = _mean_over(pdist(history["target"].values), level_of_pair == levels[:, None])
    for layer in layers:
        if history[layer].dims[2] != "item":
            continue
        distance = item_distances(history, layer=layer).values[..., pairs[0], pairs[1]]
        between = _mean_over(distance, level_of_pair == levels[:, None])
        within = _mean_over(distance, level_of_pair > levels[:, None])
        tree_distance = (level_of_pair.max() - level_of_pair).astype(float)
        goal = truth if layer == "output" else between[:, -1]
        goal = np.where(truth > 1e-6 * truth.max(), goal / 2, np.nan)
        results.append(_collect(history, levels, between, within, goal, margin))
        results[-1]["cophenetic"] = (("seed", "time"), _cophenetic(distance, tree_distance))
        results[-1] = results[-1].expand_dims(layer=[layer])
    return say_measure("differentiation", xr.concat(results, dim="layer"))


def _mean_over(distance: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the mean of distance (… × pair) over each row of chosen (level × pair)."""
    count = chosen.sum(1)
    return distance @ (chosen / np.where(count > 0, count, np.nan)[:, None]).T


def _collect(
    history: xr.Dataset,
    levels: np.ndarray,
    between: np.ndarray,
    within: np.ndarray,
    goal: np.ndarray,
    margin: float,
) -> xr.Dataset:
    coords = {**take_seeds(history), "time": history["time"].values, "level": levels}
    dims = ("seed", "time", "level")
    result = xr.Dataset({"between": (dims, between), "within": (dims, within)}, coords=coords)
    goals = xr.DataArray(np.broadcast_to(goal, between[:, 0].shape), dims=("seed", "level"))
    was_below = np.logical_or.accumulate(between < goals.values[:, None], axis=1)
    result["half_time"] = first_crossing(result["between"].where(was_below, -np.inf), goals)
    following = result["half_time"].shift(level=-1)
    result["precedes"] = following - result["half_time"] > margin * result["half_time"]
    result["from_start"] = (("seed", "level"), between[:, 0] >= goals.values)
    return result


def _cophenetic(distance: np.ndarray, tree_distance: np.ndarray) -> np.ndarray:
    """Return the correlation of a dendrogram of each distance vector with the tree."""
    found = np.full(distance.shape[:-1], np.nan)
    if np.ptp(tree_distance) == 0:
        return found
    scale = distance.max(initial=0.0)
    for index in np.ndindex(found.shape):
        if distance[index].max() <= 1e-9 * scale:
            continue
        heights = hierarchy.cophenet(hierarchy.linkage(distance[index], method="average"))
        if np.ptp(heights) > 0:
            found[index] = np.corrcoef(heights, tree_distance)[0, 1]
    return found
