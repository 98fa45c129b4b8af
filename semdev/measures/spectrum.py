"""Spectrum: the singular values of items × properties beside those that a structure predicts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import networkx as nx
import numpy as np
import xarray as xr
from scipy import stats

from semdev._measured import say_measure
from semdev._names import require
from semdev.data.dataset import Dataset
from semdev.data.structures import SIGMA
from semdev.models.spectra import group_modes, read_products


def compare_spectrum(
    worlds: Dataset | Sequence[Dataset],
    expected: nx.Graph | xr.DataArray,
    *,
    sigma: float = SIGMA,
    rescale: bool = False,
    seeds: Sequence[int] | None = None,
) -> xr.Dataset:
    """Return the singular values of data beside those that a structure predicts.

    The structure's modes fall into groups of equal strength, of which only the span is defined.
    In each span the data hold the energy |P_g Y|²; over the number of its modes it is the square
    of `measured`, whose expectation is exactly N λ_g, however few the properties. In graded data
    N m_g `measured`² / (N λ_g) is χ² with N m_g degrees of freedom, which gives the interval
    `predicted_low` to `predicted_high` that holds 95 % of worlds. Derived here.

    Parameters
    ----------
    worlds : Dataset or sequence of Datasets
        Your data, or worlds drawn with different seeds; all have the same items.
    expected : nx.Graph, tree, or DataArray (item × item_2)
        As in `predict_singular_values`; its items are the data's, in any order. The data's coding
        decides how a graph's prediction is coded.
    sigma : float
        As in `semdev.graph_gaussian`; used only with a graph.
    rescale : bool
        Scale the prediction such that its energy is the data's, for data whose scale is not that
        of the form (most that nobody drew from it).
    seeds : sequence of int, optional
        What to call the worlds (default 0, 1, …).

    Returns
    -------
    Dataset
        Over seed × distinction: `measured`; `ranked`, the root mean square of the data's own
        singular values (sorted) at the group's ranks; `overlap`, 0 to 1, the mean squared cosine
        between the data's own modes at these ranks and the group's; `predicted`; for graded data
        `predicted_low` and `predicted_high`. Coordinate `multiplicity`. `semdev.summarize` makes
        a table of it.

    Raises
    ------
    KeyError
        The data have an item that the structure lacks.
    ValueError
        No worlds, or worlds or a structure with other items, or worlds of two codings.

    References
    ----------
    Kemp, C. & Tenenbaum, J. B. (2008). The discovery of structural form. PNAS 105, 10687–10692.

    Examples
    --------
    >>> from semdev.data.structures import graph_gaussian, make_form
    >>> ring = make_form("ring", 8)
    >>> worlds = [graph_gaussian(ring, seed=k, properties=200) for k in range(50)]
    >>> found = compare_spectrum(worlds, ring)
    >>> found["predicted"].isel(seed=0).values.round(1)
    array([70.7, 17.9,  9.9,  7.6,  7. ])
    >>> bool((abs(found["measured"].mean("seed") / found["predicted"] - 1) < 0.05).all())
    True
    """
    given = [worlds] if isinstance(worlds, Dataset) else list(worlds)
    if not given:
        raise ValueError("there are no worlds to compare")
    names = list(range(len(given))) if seeds is None else [int(seed) for seed in seeds]
    if len(names) != len(given):
        raise ValueError(f"seeds must name each of the {len(given)} worlds, got {seeds!r}")
    items = given[0].properties["item"].values.tolist()
    products = read_products(expected, sigma, given[0].coding)
    known = products["item"].values.tolist()
    for item in items:
        require(item, known, kind="item", where="the structure")
    if len(items) != len(known):
        raise ValueError(f"the structure has {len(known)} items, the data have {len(items)}")
    groups, vectors = group_modes(products.sel(item=items, item_2=items))
    sizes = np.array([len(group) for group in groups])
    eigenvalues = np.array([group.mean() for group in groups])
    edges = np.cumsum([0, *sizes])
    rows = []
    for world in given:
        if world.properties["item"].values.tolist() != items:
            raise ValueError(f"{world.name} has other items than {given[0].name}")
        if world.coding != given[0].coding:
            raise ValueError(f"worlds are coded alike; got {given[0].coding} and {world.coding}")
        rows.append(_hold_against(world, vectors, edges, eigenvalues, rescale))
    dims = ("seed", "distinction")
    result = xr.Dataset(
        {name: (dims, np.array([row[name] for row in rows])) for name in rows[0]},
        coords={
            "seed": names,
            "distinction": np.arange(1, len(sizes) + 1),
            "multiplicity": ("distinction", sizes),
        },
    )
    return say_measure("compare_spectrum", result)


def _hold_against(
    world: Dataset, vectors: np.ndarray, edges: np.ndarray, eigenvalues: np.ndarray, rescale: bool
) -> dict[str, np.ndarray]:
    """Return what one world has in each group of modes, beside what is predicted."""
    values = world.properties.values
    number, sizes = values.shape[1], np.diff(edges)
    squares, own = np.linalg.eigh(values @ values.T)
    squares, own = np.maximum(squares[::-1], 0.0), own[:, ::-1]
    energy = np.sum((vectors.T @ values) ** 2, axis=1)
    cosines = (vectors.T @ own) ** 2
    inside = [cosines[a:b, a:b].sum() for a, b in pairwise(edges)]
    scale = energy.sum() / (number * np.dot(sizes, eigenvalues)) if rescale else 1.0
    expected = number * scale * np.maximum(eigenvalues, 0.0)
    freedom = number * sizes
    low, high = (stats.chi2.ppf(p, freedom) / freedom for p in (0.025, 0.975))
    found = {
        "measured": np.sqrt(np.add.reduceat(energy, edges[:-1]) / sizes),
        "ranked": np.sqrt(np.add.reduceat(squares, edges[:-1]) / sizes),
        "overlap": np.array(inside) / sizes,
        "predicted": np.sqrt(expected),
    }
    if world.coding == "graded":
        found["predicted_low"] = np.sqrt(expected * low)
        found["predicted_high"] = np.sqrt(expected * high)
    return found
