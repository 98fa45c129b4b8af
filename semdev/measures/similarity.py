"""Similarity: how alike the items are to a learner, and the plane that shows it best."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy import linalg
from scipy.spatial.distance import pdist, squareform

from semdev._measured import say_measure
from semdev._names import require
from semdev.history import check

ALIKE = 1e-9


def similarity(history: xr.Dataset, *, layer: str = "output") -> xr.DataArray:
    """Return how alike every two items are to the learner: the cosine of their vectors.

    With the items' Gram matrix G = Y Yᵀ it is G_ij / √(G_ii G_jj): 1 for vectors that differ in
    length only, 0 for orthogonal ones (Kriegeskorte, Mur & Bandettini 2008). Vectors are not
    centred, because the zero of 0/1 and ±1 coding has a meaning and the modes of the data
    (`mode_strengths`) are not centred either; so what all items share makes them alike.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    layer : str
        "output" or a recorded hidden layer, "hidden_1", ….

    Returns
    -------
    DataArray, seed × time × item × item_2
        −1 to 1; NaN where an item's vector is zero, which is like nothing.

    Raises
    ------
    KeyError
        No such layer; the nearest match is suggested.

    Examples
    --------
    >>> import semdev as sd
    >>> alike = similarity(sd.solve(sd.load("saxe2019"), depth=2)).isel(seed=0, time=-1)
    >>> float(alike.sel(item="canary", item_2="salmon"))    # 2 properties shared, 3 each
    0.67
    """
    points = layer_of(history, layer).values
    norm = np.linalg.norm(points, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = points / np.where(norm > 0, norm, np.nan)
    values = np.clip(unit @ np.swapaxes(unit, -1, -2), -1, 1)
    return say_measure("similarity", _between_items(history, values, "similarity"))


def item_distances(history: xr.Dataset, *, layer: str = "output") -> xr.DataArray:
    """Return the Euclidean distance of every two items (as in Rogers & McClelland 2004).

    Parameters
    ----------
    history : xr.Dataset
        A History; take `history.isel(time=[…])` first where few times are wanted.
    layer : str
        "output" or a recorded hidden layer.

    Returns
    -------
    DataArray, seed × time × item × item_2

    Raises
    ------
    KeyError
        No such layer; the nearest match is suggested.

    Examples
    --------
    >>> import semdev as sd
    >>> apart = item_distances(sd.solve(sd.load("saxe2019"), depth=2)).isel(seed=0, time=-1)
    >>> float(apart.sel(item="canary", item_2="salmon")) ** 2    # one property each
    2.0
    """
    points = layer_of(history, layer).values
    seeds, times, items = points.shape[:3]
    values = np.empty((seeds, times, items, items))
    for index in np.ndindex(seeds, times):
        values[index] = squareform(pdist(points[index]))
    return say_measure("item_distances", _between_items(history, values, "distance"))


def mds_trajectories(
    history: xr.Dataset,
    *,
    seed: int | None = None,
    layer: str = "output",
    random_state: int = 0,
    most_times: int = 40,
) -> xr.DataArray:
    """Return where each item lies over time in a plane that keeps the items' distances.

    Metric multidimensional scaling by stress majorization (SMACOF; de Leeuw 1977). The last
    configuration is the best of one start from classical scaling (Torgerson 1952) and eight
    random ones, turned to its principal axes. Then, back in time, each begins at the one after
    it and is turned onto that (orthogonal Procrustes), so that one frame serves all times.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    seed : int, optional
        Which learner; the first.
    layer : str
        "output" or a recorded hidden layer.
    random_state : int
        Of the random starts.
    most_times : int
        At most so many of the recorded times, evenly spread among them, the last included.

    Returns
    -------
    DataArray, time × item × axis
        On the scale of the distances, centred at 0 at every time; all 0 while items are alike.
        The coordinate `stress` (time) is √(Σ (d − δ)² / Σ δ²) over pairs, d in the plane.

    Raises
    ------
    KeyError
        No such layer or seed.
    ValueError
        Fewer than two items, or `most_times` below 1.

    Examples
    --------
    >>> import semdev as sd
    >>> path = mds_trajectories(sd.solve(sd.load("saxe2019"), depth=2))
    >>> canary, salmon, oak = (path.sel(item=i)[-1] for i in ("canary", "salmon", "oak"))
    >>> bool(abs(canary - salmon).sum() < abs(canary - oak).sum())
    True
    """
    one = select_seed(history, seed)
    distance = item_distances(_spread_times(one, most_times), layer=layer)
    places, stress = trace_distances(distance, random_state=random_state)
    return xr.DataArray(
        places[0], dims=("time", "item", "axis"), name="place",
        coords={
            "time": distance["time"].values, "item": distance["item"].values, "axis": [1, 2],
            "stress": ("time", stress[0]), "seed": int(one["seed"].item()),
        },
    )  # fmt: skip


def align_trajectories(
    history: xr.Dataset, *, layer: str = "output", random_state: int = 0, most_times: int = 40
) -> xr.DataArray:
    """Return where each item lies over time in one plane for all seeds.

    As `mds_trajectories`, for every seed; but the last configuration of every seed after the first
    begins at that of the first and is turned onto it (orthogonal Procrustes, Schönemann 1966; no
    scaling), so that one frame serves all seeds and times. Networks in which the same items are
    alike, whatever their units, then move along the same paths; where they do not, `disparity` says
    by how much.

    Parameters
    ----------
    history, layer, random_state, most_times
        As for `mds_trajectories`.

    Returns
    -------
    DataArray, seed × time × item × axis
        On the scale of the distances, centred at 0. Coordinates: `stress` (seed × time) as in
        `mds_trajectories`; `disparity` (seed), √(Σ |z − z₁|² / Σ |z₁|²) of the last configuration
        z against the first seed's z₁.

    Raises
    ------
    KeyError
        No such layer.
    ValueError
        Fewer than two items, or `most_times` below 1.

    Examples
    --------
    >>> import semdev as sd
    >>> deep = sd.train(sd.DeepLinear(16), sd.load("saxe2019"), seeds=3, hidden=True)
    >>> paths = align_trajectories(deep, layer="hidden_1", most_times=5)
    >>> paths.dims, paths["disparity"].values.round(2)
    (('seed', 'time', 'item', 'axis'), array([0.  , 0.01, 0.01]))
    """
    distance = item_distances(_spread_times(check(history), most_times), layer=layer)
    places, stress = trace_distances(distance, random_state=random_state)
    last = places[:, -1]
    size = np.linalg.norm(last[0])
    apart = np.linalg.norm(last - last[0], axis=(-2, -1)) / (size if size > 0 else np.nan)
    result = xr.DataArray(
        places, dims=("seed", "time", "item", "axis"), name="place",
        coords={
            "seed": history["seed"].values, "time": distance["time"].values,
            "item": distance["item"].values, "axis": [1, 2],
            "stress": (("seed", "time"), stress), "disparity": ("seed", apart),
        },
    )  # fmt: skip
    return say_measure("align_trajectories", result)


def _spread_times(history: xr.Dataset, most: int) -> xr.Dataset:
    """Return the History at so many of its times at most, the last included."""
    if history.sizes["item"] < 2 or most < 1:
        raise ValueError(
            f"a plane needs at least two items and one time, got {history.sizes['item']} items "
            f"and most_times={most}"
        )
    last = history.sizes["time"] - 1
    kept = np.unique(np.round(np.linspace(last, 0, min(most, last + 1))).astype(int))
    return history.isel(time=kept)


def trace_distances(
    distance: xr.DataArray, *, random_state: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return places (seed × time × item × 2) that keep distances, from the last time back.

    `distance` (seed × time × item × item_2) may be any, such as a mean over networks; see
    `mds_trajectories` for how, and `align_trajectories` for how seeds share a frame. Beside the
    places, their stress (seed × time).
    """
    places = np.zeros((*distance.shape[:3], 2))
    stress = np.zeros(distance.shape[:2])
    end = None  # the last configuration of the first seed that has one
    for seed, wanted in enumerate(distance.values):
        following = end
        for k in range(distance.sizes["time"] - 1, -1, -1):
            scale = wanted[k].mean()
            if scale <= ALIKE * max(wanted.mean(), np.finfo(float).tiny):
                continue
            unit = wanted[k] / scale
            found = (
                _first_plane(unit, random_state) if following is None else _refine(unit, following)
            )
            following = found
            end = found if end is None else end
            places[seed, k] = found * scale
            stress[seed, k] = np.linalg.norm(squareform(pdist(found)) - unit) / np.linalg.norm(unit)
    return places, stress


def _first_plane(distance: np.ndarray, random_state: int) -> np.ndarray:
    """Return the configuration of least stress (item × 2), on its principal axes."""
    from sklearn.manifold import smacof

    n = len(distance)
    centre = np.eye(n) - 1 / n
    values, vectors = linalg.eigh(-centre @ distance**2 @ centre / 2)
    start = np.zeros((n, 2))
    best = np.argsort(-values)[:2]
    start[:, : len(best)] = vectors[:, best] * np.sqrt(np.maximum(values[best], 0))
    tries = [_majorize(distance, start)]
    tries.append(
        smacof(
            distance, metric=True, n_components=2, init=None, n_init=8, max_iter=300, eps=1e-7,
            random_state=random_state, normalized_stress=False, n_jobs=1,
        )
    )  # fmt: skip
    places = min(tries, key=lambda each: each[1])[0]
    places = places - places.mean(0)
    places = places @ linalg.svd(places, full_matrices=False)[2].T
    skewed = np.where((places**3).sum(0) < 0, -1.0, 1.0)
    return places * skewed


def _refine(distance: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the configuration found from `start`, turned onto it."""
    places = _majorize(distance, start)[0]
    places = places - places.mean(0)
    turn, _ = linalg.orthogonal_procrustes(places, start)
    return places @ turn


def _majorize(distance: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, float]:
    from sklearn.manifold import smacof

    return smacof(
        distance, metric=True, n_components=2, init=start, n_init=1, max_iter=300, eps=1e-7,
        random_state=0, normalized_stress=False, n_jobs=1,
    )  # fmt: skip


def layer_of(history: xr.Dataset, layer: str) -> xr.DataArray:
    """Return a layer over items, seed × time × item × unit, or name the layers there are."""
    check(history)
    layers = ["output"] + [
        str(name)
        for name, variable in history.data_vars.items()
        if str(name).startswith("hidden_") and "item" in variable.dims
    ]
    require(layer, layers, kind="layer over items", where="this History (see train(hidden=True))")
    if "context" in history[layer].dims:
        raise ValueError(
            f"{layer} differs with the relation that is asked about: take "
            f"history.sel(context=…), one of {', '.join(history['context'].values.tolist())}"
        )
    return history[layer]


def select_seed(history: xr.Dataset, seed: int | None) -> xr.Dataset:
    """Return the History of one seed (the dimension stays), the first where none is named."""
    seeds = check(history)["seed"].values.tolist()
    if seed is None:
        return history.isel(seed=[0])
    require(seed, seeds, kind="seed", where="this History")
    return history.sel(seed=[seed])


def _between_items(history: xr.Dataset, values: np.ndarray, name: str) -> xr.DataArray:
    items = history["item"].values
    return xr.DataArray(
        values, dims=("seed", "time", "item", "item_2"), name=name,
        coords={
            "seed": history["seed"].values, "time": history["time"].values,
            "item": items, "item_2": items,
        },
    )  # fmt: skip
