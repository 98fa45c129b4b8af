"""The worlds of figure 9: what they hold, when it is learned, how nested they are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from semdev.data.crosscutting import cross_cutting, crossed_tree
from semdev.data.dataset import Dataset
from semdev.measures.crossing import first_crossing
from semdev.measures.nestedness import nestedness
from semdev.models.closed_forms import time_to_reach
from semdev.models.networks import DeepLinear
from semdev.models.solving import STRENGTH, solve
from semdev.models.spectra import crossed_tree_singular_values, group_modes
from semdev.training import train

BRANCHING, FEATURES, FLIP = [2, 2, 3], [2, 4, 4, 2], 0.05
CROSSING = (1, 2, 4, 6, 8, 10, 12, 14)  # properties of each class of the factor
TREES = ([2, 2, 2], [2, 2, 3], [3, 4], [2, 2, 4], [2, 3, 3])
TABLES = ((2, 4), (3, 4), (4, 4), (3, 6), (3, 3))


def scale_classically(products: np.ndarray) -> np.ndarray:
    """Return the plane of the two strongest modes among items' differences, item × 2."""
    centred = products - products.mean(0) - products.mean(1)[:, None] + products.mean()
    values, vectors = np.linalg.eigh(centred)
    plane = vectors[:, :-3:-1] * np.sqrt(np.maximum(values[:-3:-1], 0))
    return plane / np.sqrt(np.mean(np.sum(plane**2, axis=1)))


def find_plane(world: Dataset) -> np.ndarray:
    """Return where a world's items lie in the plane of their strongest differences."""
    values = world.properties.values
    return scale_classically(values @ values.T)


def vary_radius(plane: np.ndarray) -> float:
    """Return the coefficient of variation of the items' distances from the middle."""
    radius = np.linalg.norm(plane - plane.mean(0), axis=1)
    return float(radius.std() / radius.mean())


def find_half_times(world: Dataset, expected: xr.DataArray, depth: int) -> np.ndarray:
    """Return when each of a structure's distinctions is half drawn by a linear network."""
    history = solve(world, depth=depth, times=60)
    groups, vectors = group_modes(expected)
    edges = np.cumsum([0] + [len(group) for group in groups])
    return half_drawn(history, [vectors[:, a:b] for a, b in pairwise(edges)]).values[0]


def half_drawn(history: xr.Dataset, spans: Sequence[np.ndarray]) -> xr.DataArray:
    """Return when ⟨P Ŷ(t), Y⟩ / |P Y|² reaches ½ for the projector on each span, seed × span."""
    target = history["target"].values
    curves = []
    for span in spans:
        part = span.T @ target
        drawn = np.tensordot(history["output"].values, span @ part, ([2, 3], [0, 1]))
        curves.append(drawn / np.sum(part**2))
    curve = xr.DataArray(
        np.stack(curves, axis=-1), dims=("seed", "time", "distinction"),
        coords={"time": history["time"].values},
    )  # fmt: skip
    return first_crossing(curve, 0.5)


def predict_half_times(s: np.ndarray) -> np.ndarray:
    """Return the closed form's half-times of modes of a deep network."""
    return time_to_reach(0.5, s, initial=STRENGTH, depth=2)


def class_spans(rows: int, columns: int) -> list[np.ndarray]:
    """Return orthonormal contrasts of the row classes, and of the column classes."""
    spans = []
    for size, before, after in ((rows, 1, columns), (columns, rows, 1)):
        contrasts = np.linalg.svd(np.eye(size) - 1 / size)[0][:, : size - 1]
        span = np.kron(np.kron(np.ones((before, 1)), contrasts), np.ones((after, 1)))
        spans.append(span / np.linalg.norm(span, axis=0))
    return spans


def sweep_features(seeds: Sequence[int]) -> dict[str, np.ndarray]:
    """Return how far rows are ahead of columns in worlds of random sizes and numbers.

    For each seed one world, and one whose numbers of properties for each class say otherwise
    than n_r C against n_c R.
    """
    found: dict[str, list[float]] = {"count": [], "strength": [], "lead": [], "predicted": []}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        for misleading in (False, True):
            while True:
                rows, columns = (int(x) for x in rng.integers(2, 7, size=2))
                row, column = (int(x) for x in rng.integers(1, 9, size=2))
                if not misleading or (row - column) * (row * columns - column * rows) < 0:
                    break
            world = cross_cutting(rows, columns, row_features=row, column_features=column)
            half = half_drawn(solve(world, depth=2, times=80), class_spans(rows, columns))
            s = np.sqrt([row * columns + 1, column * rows + 1])
            found["count"].append(row / column)
            found["strength"].append(row * columns / (column * rows))
            found["lead"].append(float(np.log(half[0, 1] / half[0, 0])))
            found["predicted"].append(float(np.log(np.divide(*predict_half_times(s)[::-1]))))
    return {name: np.array(values) for name, values in found.items()}


def train_on_crossed(networks: int, first_seed: int) -> np.ndarray:
    """Return by what share trained networks tell rows apart before columns, seed × world."""
    leads = []
    for rows, columns, row, column in ((8, 2, 3, 2), (2, 8, 2, 3)):
        world = cross_cutting(rows, columns, row_features=row, column_features=column)
        history = train(
            DeepLinear(hidden=32), world, dtype="float32", progress=False,
            seeds=list(range(first_seed, first_seed + networks)),
        )  # fmt: skip
        half = half_drawn(history, class_spans(rows, columns)).values
        leads.append(half[:, 1] / half[:, 0] - 1)
    return np.array(leads).T


def cross_trees(seeds: Sequence[int]) -> dict[str, np.ndarray]:
    """Return what noisy trees with a crossing factor hold, and when it is learned.

    Arrays are number of factor properties × seed × (level 1, factor, level 2).
    """
    groups = [np.repeat(np.eye(n), 12 // n, axis=0) for n in np.cumprod([1, *BRANCHING])]
    kinds = np.tile(np.eye(3), (4, 1))
    spans = [_orthonormal(groups[1], groups[0]), _orthonormal(kinds, groups[0]),
             _orthonormal(groups[2], groups[1])]  # fmt: skip
    found: dict[str, list] = {"measured": [], "predicted": [], "half-time": []}
    for number in CROSSING:
        closed = crossed_tree_singular_values(
            BRANCHING, features=FEATURES, factor_features=number, flip=FLIP
        )
        patterns = closed["pattern"].values.tolist()
        found["predicted"].append(
            [
                next(float(s) for s, p in zip(closed, patterns, strict=True) if each in p)
                for each in ("level 1", "factor", "level 2")
            ]
        )
        worlds = [
            crossed_tree(BRANCHING, features=FEATURES, factor_features=number, flip=FLIP, seed=k)
            for k in seeds
        ]
        found["measured"].append(
            [
                [
                    np.linalg.norm(span.T @ world.properties.values) / np.sqrt(span.shape[1])
                    for span in spans
                ]
                for world in worlds
            ]
        )
        found["half-time"].append(
            [half_drawn(solve(world, depth=2, times=60), spans).values[0] for world in worlds[::2]]
        )
    return {name: np.array(values) for name, values in found.items()}


def compare_pairs(pairs: int, first_seed: int) -> dict[str, np.ndarray]:
    """Return nestedness and cophenetic correlation of random trees and of crossed worlds.

    Shapes, numbers of properties (4 to 12 for each class) and the share of cells turned round
    (none in two of five) are drawn at random; the two classifications of a crossed world differ
    in strength by a factor of 2 at most.
    """
    found: dict[str, list[float]] = {"flip": []}
    for seed in range(first_seed, first_seed + pairs):
        rng = np.random.default_rng(seed)
        flip = float(rng.choice([0.0, 0.0, 0.05, 0.1, 0.15]))
        branching = TREES[rng.integers(len(TREES))]
        features = [0, *rng.integers(4, 13, size=len(branching)).tolist()]
        rows, columns = TABLES[rng.integers(len(TABLES))]
        while True:
            row, column = (int(x) for x in rng.integers(4, 13, size=2))
            if 0.5 <= row * columns / (column * rows) <= 2:
                break
        both = {
            "tree": crossed_tree(
                branching, features=features, factor_features=0, flip=flip, seed=seed
            ),
            "crossed": cross_cutting(
                rows, columns, row_features=row, column_features=column, flip=flip, seed=seed
            ),
        }
        found["flip"].append(flip)
        for kind, world in both.items():
            scores = nestedness(world, random_state=seed)
            for name in ("nestedness", "cophenetic"):
                found.setdefault(f"{kind} {name}", []).append(float(scores[name]))
    return {name: np.array(values) for name, values in found.items()}


def measure_area(high: np.ndarray, low: np.ndarray) -> float:
    """Return how often a value of the first kind exceeds one of the second (ties count half).

    Values that are NaN, of worlds without structure enough, are left out.
    """
    high, low = high[~np.isnan(high)], low[~np.isnan(low)]
    ranks = rankdata(np.concatenate([high, low]))[: len(high)]
    return float((ranks.mean() - (len(high) + 1) / 2) / len(low))


def _orthonormal(fine: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """Return what the span of `fine` has beyond that of `coarse` inside it."""
    projector = np.eye(len(fine)) - coarse @ np.linalg.pinv(coarse)
    u, s, _ = np.linalg.svd(projector @ fine, full_matrices=False)
    return u[:, s > 1e-9]
