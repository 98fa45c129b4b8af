"""Nestedness: whether items × properties have the form of a tree, or classes that cross."""

from __future__ import annotations

from itertools import combinations
from math import ceil, comb

import networkx as nx
import numpy as np
import xarray as xr
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform

from semdev._measured import say_measure
from semdev.data.dataset import Dataset
from semdev.data.structures import SIGMA
from semdev.history import check, get_provenance
from semdev.models.spectra import read_products

PAIRINGS = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2))


def nestedness(
    source: Dataset | xr.Dataset,
    *,
    expected: nx.Graph | xr.DataArray | None = None,
    splits: int = 10,
    permutations: int = 39,
    alpha: float = 0.05,
    quartets: int = 2000,
    random_state: int = 0,
) -> xr.Dataset:
    """Return how far items fit a tree, which a dendrogram, that fits one to anything, cannot say.

    Four items can be paired in three ways. A property in which i, j differ from k, l speaks for
    ij|kl; summed over properties, the support of a pairing is minus the sum of the squared
    distances d²_ij + d²_kl (up to what the three have in common). On a tree one pairing has
    support and the other two have equally little: this is the four-point condition, which
    characterizes trees (Buneman 1974). Where classifications cut across each other a second
    pairing has support of its own. With supports s₁ ≥ s₂ ≥ s₃ of each four items

        nestedness = 1 − Σ w (s₂ − s₃) / Σ w (s₁ − s₃),    w = s₁ − s₃

    so that it is 1 on a tree and 1 − s₂/s₁ for two crossed pairs of classes: 0 where they are
    equally strong. Which pairing is first, second and third, and w, are read from one half of the
    properties, the sums from the other (and the reverse, in `splits` random halves): noise would
    otherwise pass for a second pairing. Independent noise in the cells lengthens all distances
    alike and leaves the score where it is; but few properties make crossed worlds score less
    than `predicted`, and noisy trees a little less than 1. The halves and the weight are ours;
    the unweighted ratio for a single four is 1 − δ of Holland et al. (2002).

    Why not the share of pairs of properties that are nested or disjoint (the four-gamete test)?
    It needs 0/1 or ±1 data, and with 10 % of the cells turned round trees get no more of it than
    crossed worlds without noise. A chain is a tree without branches here, as is one line of
    nested classes.

    Parameters
    ----------
    source : Dataset or History
        0/1, ±1 or graded. In a History the outputs at each time are scored; take
        `history.isel(time=[…])` first where few times are wanted. Every item counts once.
    expected : nx.Graph, tree or DataArray (item × item_2), optional
        A structural form or expected products, see `semdev.predict_nestedness`.
    splits : int
        Random halves of the properties.
    permutations : int
        Worlds in which each property's values are dealt to the items at random, which leaves the
        properties as they are and no structure among the items.
    alpha : float
        Where more than this share of permuted worlds has as much structure, nestedness is NaN: a
        world without structure has no form to speak of.
    quartets : int
        At most so many fours of items, drawn at random where there are more.
    random_state : int
        The only source of randomness: halves, permutations, fours.

    Returns
    -------
    Dataset
        `nestedness`; `p`, the share of worlds (permuted ones and this) with at least as much
        structure, Σ w² over all fours; `structure`, how much of the support s₁ − s₃ found in one
        half of the properties is there in the other (about 0 without structure, 1 without noise);
        `cophenetic`, the correlation of an average-linkage dendrogram with the squared distances,
        for comparison (where distances are tied it depends on the order of items); `predicted`
        (without `expected` 1, what any tree predicts). Without dimensions for a Dataset, seed ×
        time for a History. Noise may carry nestedness a little above 1.

    Raises
    ------
    TypeError
        Neither Dataset nor History.
    ValueError
        Fewer than four items or two properties; fewer than one split, permutation or quartet.

    References
    ----------
    Buneman, P. (1974). A note on the metric properties of trees. J. Combin. Theory B 17, 48–50.
    Holland, B. R., Huber, K. T., Dress, A. & Moulton, V. (2002). δ plots. Mol. Biol. Evol. 19,
    2051–2059. McClelland, J. L., Sadeghi, Z. & Saxe, A. M. (2016), for the question.

    Examples
    --------
    >>> from semdev.data.crosscutting import cross_cutting
    >>> from semdev.data.generators import nested_features
    >>> crossed = cross_cutting(2, 4, row_features=6, column_features=6)
    >>> for world in (nested_features([2, 2, 2]), crossed):
    ...     found = nestedness(world)
    ...     print(round(float(found["nestedness"]), 2), round(float(found["cophenetic"]), 2))
    1.0 1.0
    0.38 0.75
    """
    if min(splits, permutations, quartets) < 1:
        raise ValueError("splits, permutations and quartets must be at least 1 each")
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha is a share of permuted worlds above 0 and up to 1, got {alpha}")
    if 1 / (1 + permutations) > alpha:
        raise ValueError(
            f"{permutations} permutations cannot give a p of {alpha} or less; at least "
            f"{ceil(1 / alpha - 1 - 1e-9)} are needed (or alpha=1, to have every world scored)"
        )
    coords: dict[str, np.ndarray] = {}
    if isinstance(source, Dataset):
        values, coding = source.properties.values[None], source.coding
    else:
        outputs = check(source)["output"]
        values = outputs.values.reshape(-1, *outputs.shape[2:])
        coords = {name: source[name].values for name in ("seed", "time")}
        coding = get_provenance(source).get("coding", "graded")
    if values.shape[1] < 4 or values.shape[2] < 2:
        raise ValueError(
            "nestedness needs at least 4 items and 2 properties; got "
            f"{values.shape[1]} × {values.shape[2]}"
        )
    rng = np.random.default_rng(random_state)
    fours = _choose_fours(values.shape[1], quartets, rng)
    halves = [rng.permutation(values.shape[2]) for _ in range(splits)]
    found = []
    for each in values:
        score, structure = _compare_halves(each, fours, halves)
        p = _test_structure(each, fours, permutations, np.random.default_rng(random_state))
        score = score if p <= alpha else np.nan
        found.append((score, p, structure, _cophenetic(each)))
    names = ("nestedness", "p", "structure", "cophenetic")
    sizes = tuple(len(coordinate) for coordinate in coords.values())
    result = xr.Dataset(
        {
            name: (tuple(coords), column.reshape(sizes))
            for name, column in zip(names, np.array(found).T, strict=True)
        },
        coords=coords,
    )
    predicted = 1.0 if expected is None else predict_nestedness(expected, coding=coding)
    answer = result.assign(predicted=xr.full_like(result["nestedness"], predicted))
    return say_measure("nestedness", answer)


def predict_nestedness(
    expected: nx.Graph | xr.DataArray, *, coding: str = "graded", quartets: int = 20_000
) -> float:
    """Return the nestedness of a world of infinitely many properties, from expected products.

    `nestedness` of the expected squared distances G_ii + G_jj − 2 G_ij: 1 for clusters, for
    balanced trees, and for other trees and chains as σ grows; for two crossed pairs of classes
    with a and b properties each 1 − min / max.

    Parameters
    ----------
    expected : nx.Graph, tree or DataArray (item × item_2)
        A structural form, with σ = 5, or expected products, such as
        `semdev.flipped_products(world, flip=0)` of any world, or `expected_products`.
    coding : "graded", "±1" or "0/1"
        Of properties drawn on a graph.
    quartets : int
        At most so many fours of items, drawn with seed 0 where there are more.

    Returns
    -------
    float
        NaN where no four have structure.

    Examples
    --------
    >>> from semdev.data.crosscutting import cross_cutting, flipped_products
    >>> world = cross_cutting(2, 2, row_features=4, column_features=1)
    >>> predict_nestedness(flipped_products(world, flip=0.1))
    0.75
    """
    products = read_products(expected, SIGMA, coding).values
    if len(products) < 4:
        raise ValueError(f"nestedness needs at least 4 items, got {len(products)}")
    square = np.diag(products)
    distance = square[:, None] + square - 2 * products
    fours = _choose_fours(len(products), quartets, np.random.default_rng(0))
    support = np.sort(_supports(distance, fours), axis=1)[:, ::-1]
    weight = support[:, 0] - support[:, 2]
    whole = np.sum(weight**2)
    if whole <= 1e-10 * np.sum(distance**2):
        return float("nan")
    return float(1 - np.sum(weight * (support[:, 1] - support[:, 2])) / whole)


def _choose_fours(items: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return different fours of items, four × 4: all, or `most` of them at random."""
    if comb(items, 4) <= most:
        return np.array(list(combinations(range(items), 4)))
    if comb(items, 4) <= 20 * most:
        every = np.array(list(combinations(range(items), 4)))
        return every[rng.choice(len(every), most, replace=False)]
    drawn = np.sort(rng.integers(items, size=(3 * most, 4)), axis=1)
    drawn = np.unique(drawn[(np.diff(drawn, axis=1) > 0).all(1)], axis=0)
    return rng.permutation(drawn)[:most]


def _supports(distance: np.ndarray, fours: np.ndarray) -> np.ndarray:
    """Return minus the within-pair distances of each four's three pairings, four × 3."""
    return -np.stack(
        [
            distance[fours[:, a], fours[:, b]] + distance[fours[:, c], fours[:, d]]
            for a, b, c, d in PAIRINGS
        ],
        axis=1,
    )


def _distances(values: np.ndarray) -> np.ndarray:
    return squareform(pdist(values, "sqeuclidean"))


def _compare_halves(
    values: np.ndarray, fours: np.ndarray, halves: list[np.ndarray]
) -> tuple[float, float]:
    """Return nestedness and structure: ranks and weights from one half, sums from the other."""
    second = first = full = 0.0
    middle = values.shape[1] // 2
    for order in halves:
        support = [
            _supports(_distances(values[:, part]) / len(part), fours)
            for part in (order[:middle], order[middle:])
        ]
        for one, other in (support, support[::-1]):
            rank = np.argsort(-one, axis=1, kind="stable")
            guide = np.take_along_axis(one, rank, axis=1)
            kept = np.take_along_axis(other, rank, axis=1)
            kept = _share_ties(guide, kept)
            weight = guide[:, 0] - guide[:, 2]
            second += weight @ (kept[:, 1] - kept[:, 2])
            first += weight @ (kept[:, 0] - kept[:, 2])
            full += weight @ weight
    if not first > 1e-12 * full > 0:
        return np.nan, (first / full if full > 0 else np.nan)
    return 1 - second / first, first / full


def _share_ties(guide: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return `kept` with the mean of both wherever neighbours in `guide` are tied."""
    shared = kept.copy()
    near = 1e-9 * np.abs(guide).max(initial=0.0)
    for a, b in ((0, 1), (1, 2)):  # where all three are tied their weight is 0
        tied = guide[:, a] - guide[:, b] <= near
        shared[tied, a] = shared[tied, b] = (kept[tied, a] + kept[tied, b]) / 2
    return shared


def _test_structure(
    values: np.ndarray, fours: np.ndarray, permutations: int, rng: np.random.Generator
) -> float:
    """Return the share of worlds, this one counted, with as much structure as this one."""

    def total(table: np.ndarray) -> float:
        return float(np.sum(np.ptp(_supports(_distances(table), fours), axis=1) ** 2))

    own = total(values)
    dealt = [total(rng.permuted(values, axis=0)) for _ in range(permutations)]
    return (1 + sum(each >= own * (1 - 1e-9) for each in dealt)) / (1 + permutations)


def _cophenetic(values: np.ndarray) -> float:
    """Return the correlation of an average-linkage dendrogram's heights with the distances."""
    distance = pdist(values, "sqeuclidean")
    heights = hierarchy.cophenet(hierarchy.linkage(distance, method="average"))
    if np.ptp(distance) <= 1e-12 * distance.max() or np.ptp(heights) == 0:
        return np.nan
    return float(np.corrcoef(heights, distance)[0, 1])
