"""The modes of structural forms: closed forms of their singular values, and numerical ones."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from numbers import Integral

import networkx as nx
import numpy as np
import xarray as xr

from semdev._names import require
from semdev.data.structures import SIGMA, check_shape, expected_products

CLOSED = ("clusters", "chain", "order", "ring", "tree", "grid", "cylinder")
TIE = 1e-8  # eigenvalues nearer than this, as a share of the largest, are one
Part = tuple[str, float, int]


def form_singular_values(
    kind: str,
    shape: int | Sequence[int],
    *,
    properties: int,
    sigma: float = SIGMA,
    length: float = 1.0,
) -> xr.DataArray:
    """Return the singular values that a world drawn on a structural form is expected to have.

    N graded properties have singular values near √(N λ), with λ the eigenvalues of the items'
    covariance (Kemp & Tenenbaum 2008, σ, edges of length e):

        λ = 1 / (1/R + 1/σ²)

    - what all items of a connected part share: R = ∞, so λ = σ²
    - ring of P: R = e / (2 − 2 cos 2πk/P), twice for 0 < k < P/2, once for k = P/2
    - chain of P: R = e / (2 − 2 cos πk/P), k = 1 … P − 1
    - grid, cylinder: 1/R is the sum of those of its chains (ring and chain)
    - order of P (all joined to all): R = e / P, P − 1 times: nothing is left of the rank
    - clusters around hubs, of any sizes: R = e, once less than it has members for each cluster;
      λ = σ² once for each cluster
    - tree with M_l nodes at level l, of which each has n_l leaves, only leaves observed:
      R_l = e Σ_{j≥l} n_j, M_l − M_{l−1} times (coarse modes are always stronger)

    Derived here from the graph Laplacian; the tree's by grounding the parent of the siblings that
    a mode sets against each other: R is then the resistance that its leaves have in parallel.

    Parameters
    ----------
    kind : str
        "clusters", "chain", "order", "ring", "tree", "grid" or "cylinder"; for any other graph
        see `predict_singular_values`.
    shape : int or sequence of int
        As in `semdev.make_form`.
    properties : int
        N.
    sigma, length : float
        σ, and e of every edge.

    Returns
    -------
    xr.DataArray, distinction
        Different singular values, largest first (distinction 1, 2, …), with the coordinates
        `multiplicity`, `eigenvalue` (λ) and `pattern`: what the modes look like.

    Raises
    ------
    KeyError
        No closed form of such a form; the nearest match is suggested.
    ValueError
        A shape that the form cannot have, no properties, or a length or sigma of 0 or less.

    Examples
    --------
    >>> s = form_singular_values("tree", [2, 2, 2, 2], properties=100)
    >>> s["eigenvalue"].values.round(2), s["multiplicity"].values
    (array([25. , 9.38, 5.47, 2.68, 0.96]), array([1, 1, 2, 4, 8]))
    """
    require(kind, CLOSED, kind="closed form", where="form_singular_values")
    sizes = check_shape(kind, shape)
    if not (sigma > 0 and length > 0):
        raise ValueError(f"sigma and length must be above 0; got {sigma} and {length}")
    parts = [
        (pattern, 1 / (stiffness / length + 1 / sigma**2), number)
        for pattern, stiffness, number in _stiffnesses(kind, sizes)
    ]
    return _spectrum(parts, _check_properties(properties))


def cross_cutting_singular_values(
    rows: int,
    columns: int,
    *,
    row_features: int,
    column_features: int,
    unique_features: int,
    shared_features: int = 0,
    flip: float = 0.0,
) -> xr.DataArray:
    """Return the singular values of a cross-cutting world of R × C items.

    With n_r, n_c, n_u and n_0 properties for each row class, column class, item and for all:

        s² = n_0 RC + n_r C + n_c R + n_u      once: all items
             n_r C + n_u                       R − 1 times: row classes
             n_c R + n_u                       C − 1 times: column classes
             n_u                               (R − 1)(C − 1) times: items

    So rows are learned before columns exactly where n_r C > n_c R. McClelland, Sadeghi & Saxe
    (2016) have the idea; the formula is derived here. Without flips it is exact. With cells
    turned round with probability f it is the expectation: all s² are multiplied by (1 − 2f)²,
    N f (1 − f) is added to each, and RC (N f² + 2 f (1 − 2f) r) to the first, for N properties of
    which each item has r.

    Parameters
    ----------
    rows, columns, row_features, column_features, unique_features, shared_features, flip
        As in `semdev.cross_cutting`.

    Returns
    -------
    xr.DataArray, distinction
        As `form_singular_values` does; `eigenvalue` is s² / N, `pattern` "all", "rows",
        "columns", "items" (joined by " + " where they are tied).

    Raises
    ------
    ValueError
        Fewer than one class, negative or no features at all, a flip that is no probability.

    Examples
    --------
    >>> s = cross_cutting_singular_values(
    ...     4, 4, row_features=3, column_features=2, unique_features=1)
    >>> s.values**2, s["pattern"].values.tolist()
    (array([21., 13.,  9.,  1.]), ['all', 'rows', 'columns', 'items'])
    """
    features = (row_features, column_features, unique_features, shared_features)
    if min(rows, columns) < 1 or min(features) < 0 or not sum(features):
        raise ValueError(
            "a cross-cutting world has at least one row, one column and one property; got "
            f"{rows} × {columns} with features {features}"
        )
    by_row, by_column = row_features * columns, column_features * rows
    items = rows * columns
    number = (
        shared_features + rows * row_features + columns * column_features + items * unique_features
    )
    parts: list[Part] = [
        ("all", shared_features * items + by_row + by_column + unique_features, 1),
        ("rows", by_row + unique_features, rows - 1),
        ("columns", by_column + unique_features, columns - 1),
        ("items", unique_features, (rows - 1) * (columns - 1)),
    ]
    return _spectrum(_flip(parts, items, number, sum(features), flip), number)


def crossed_tree_singular_values(
    branching: Sequence[int],
    *,
    features: int | Sequence[int],
    factor: int | None = None,
    factor_features: int,
    flip: float = 0.0,
) -> xr.DataArray:
    """Return the singular values of a balanced tree with a factor that cuts across its classes.

    Level k has M_k nodes with n_k of the P items and f_k properties each. The factor sorts items
    into the B kinds that their ancestors at one level are among their siblings, with m
    properties each. Then, with G_l = Σ_{k≥l} f_k n_k,

        s² = G_0 + m P / B     once: all items
             G_l               for each level l: M_l − M_{l−1} modes, but for
             G_l + m P / B     the B − 1 of the factor's level that tell its kinds apart

    so that the factor is learned before level j exactly where G_l + m P / B > G_j. Derived here;
    exact without flips, else the expectation (see `cross_cutting_singular_values`).

    Parameters
    ----------
    branching : sequence of int
        Children at each level.
    features : int or sequence of int
        Properties of each node f_k; one number for each level, root first.
    factor : int, optional
        The factor's level, as in `semdev.crossed_tree`; by default the last.
    factor_features : int
        Properties m of each of its classes.
    flip : float
        Probability with which cells are turned round.

    Returns
    -------
    xr.DataArray, distinction
        As `cross_cutting_singular_values` does; patterns "level 0", "level 1", …, "factor".

    Raises
    ------
    ValueError
        A bad branching, not one number of features for each level, or no such level.

    Examples
    --------
    >>> s = crossed_tree_singular_values([2, 2, 2], features=[0, 2, 2, 1], factor_features=3)
    >>> s.values**2, s["pattern"].values.tolist()
    (array([25., 13.,  5.,  1.]), ['level 0', 'level 1 + factor', 'level 2', 'level 3'])
    """
    sizes = check_shape("tree", branching)
    depth = len(sizes)
    given = np.full(depth + 1, features) if np.ndim(features) == 0 else np.array(features)
    if len(given) != depth + 1 or min(given) < 0 or factor_features < 0:
        raise ValueError(
            f"features needs one number, 0 or more, for each of the {depth + 1} levels; got "
            f"{features!r}"
        )
    level = depth if factor is None else factor
    if not 1 <= level <= depth:
        raise ValueError(f"the factor's level is 1 to {depth}, got {level}")
    nodes = np.cumprod([1, *sizes])
    items, kinds = int(nodes[-1]), sizes[level - 1]
    own = np.cumsum((given * items / nodes)[::-1])[::-1]
    crossing = factor_features * items / kinds
    number = int(given @ nodes) + kinds * factor_features
    fresh = np.diff(nodes, prepend=0)
    parts = [("level 0", float(own[0] + crossing), 1)]
    for k in range(1, depth + 1):
        parts.append((f"level {k}", float(own[k]), int(fresh[k]) - (kinds - 1) * (k == level)))
    parts.append(("factor", float(own[level] + crossing), kinds - 1))
    return _spectrum(_flip(parts, items, number, int(given.sum()) + factor_features, flip), number)


def predict_singular_values(
    expected: nx.Graph | xr.DataArray,
    *,
    properties: int,
    sigma: float = SIGMA,
    coding: str = "graded",
) -> xr.DataArray:
    """Return the singular values to be expected of any structure, from its expected products.

    √(N λ) with λ the eigenvalues of E[y_i y_j], worked out numerically. For large N a world's
    singular values come near them; for fewer properties those of tied modes spread around them.

    Parameters
    ----------
    expected : nx.Graph, tree, or DataArray (item × item_2)
        A form, on which graded or thresholded properties are drawn (`semdev.graph_gaussian`); or
        the expected products themselves (`semdev.expected_products`, `semdev.flipped_products`).
    properties : int
        N.
    sigma, coding
        As in `semdev.graph_gaussian`; used only with a graph.

    Returns
    -------
    xr.DataArray, distinction
        As `form_singular_values` does, without `pattern`.

    Raises
    ------
    TypeError, ValueError
        What `expected_products` refuses; a table that is not square and symmetric.

    Examples
    --------
    >>> from semdev.data.structures import make_form
    >>> s = predict_singular_values(make_form("grid", (4, 4)), properties=1)
    >>> s["eigenvalue"].values[:3].round(3), s["multiplicity"].values[:3]
    (array([25.   ,  1.599,  0.825]), array([1, 2, 1]))
    """
    values, _ = group_modes(read_products(expected, sigma, coding))
    parts = [("", float(group.mean()), len(group)) for group in values]
    return _spectrum(parts, _check_properties(properties)).drop_vars("pattern")


def read_products(expected: nx.Graph | xr.DataArray, sigma: float, coding: str) -> xr.DataArray:
    """Return expected products as they are, or a graph's, or say what is wrong with them.

    >>> from semdev.data.structures import make_form
    >>> read_products(make_form("chain", 2), sigma=1.0, coding="±1").values.round(2)
    array([[1.  , 0.33],
           [0.33, 1.  ]])
    """
    if not isinstance(expected, xr.DataArray):
        return expected_products(expected, sigma=sigma, coding=coding)
    if expected.dims != ("item", "item_2") or not np.array_equal(
        expected["item"].values, expected["item_2"].values
    ):
        raise ValueError(
            f"expected products are item × item_2, the same items in both; got {expected.dims}"
        )
    if not np.allclose(expected.values, expected.values.T):
        raise ValueError("expected products are symmetric; these are not")
    return expected


def group_modes(products: xr.DataArray) -> tuple[list[np.ndarray], np.ndarray]:
    """Return eigenvalues, largest first, tie by tie, and all eigenvectors in that order.

    >>> products = xr.DataArray([[2.0, 1.0], [1.0, 2.0]], dims=("item", "item_2"))
    >>> group_modes(products)[0]
    [array([3.]), array([1.])]
    """
    values, vectors = np.linalg.eigh(products.values)
    values, vectors = values[::-1], vectors[:, ::-1]
    breaks = np.flatnonzero(-np.diff(values) > TIE * abs(values[0])) + 1
    return np.split(values, breaks), vectors


def _stiffnesses(kind: str, sizes: list[int]) -> list[Part]:
    """Return each pattern's 1/R at unit length, and how many modes have it."""
    if kind == "ring":
        return _ring(sizes[0])
    if kind == "chain":
        return _chain(sizes[0])
    if kind == "order":
        return [("all", 0.0, 1), ("between items", float(sizes[0]), sizes[0] - 1)]
    if kind == "clusters":
        within = sum(sizes) - len(sizes)
        return [("between clusters", 0.0, len(sizes)), ("within clusters", 1.0, within)]
    if kind == "tree":
        nodes = np.cumprod([1, *sizes])
        resistance = np.cumsum((prod(sizes) / nodes)[::-1])[::-1]
        return [("level 0", 0.0, 1)] + [
            (f"level {k}", float(1 / resistance[k]), int(nodes[k] - nodes[k - 1]))
            for k in range(1, len(nodes))
        ]
    first = _ring(sizes[0]) if kind == "cylinder" else _chain(sizes[0])
    return [(f"{a} × {b}", x + y, m * n) for a, x, m in first for b, y, n in _chain(sizes[1])]


def _ring(size: int) -> list[Part]:
    return [
        (f"{k} cycles", float(2 - 2 * np.cos(2 * np.pi * k / size)), 2 if 0 < 2 * k < size else 1)
        for k in range(size // 2 + 1)
    ]


def _chain(size: int) -> list[Part]:
    return [(f"{k / 2:g} waves", float(2 - 2 * np.cos(np.pi * k / size)), 1) for k in range(size)]


def _flip(parts: list[Part], items: int, number: int, row_sum: int, flip: float) -> list[Part]:
    """Return s² / N of a 0/1 world after flips, from s² (of which the first is what all share)."""
    if not 0 <= flip <= 1:
        raise ValueError(f"flip is a probability, 0 to 1; got {flip}")
    common = items * (number * flip**2 + 2 * flip * (1 - 2 * flip) * row_sum)
    kept, noise = (1 - 2 * flip) ** 2, number * flip * (1 - flip)
    return [
        (pattern, (kept * square + noise + (common if k == 0 else 0.0)) / number, size)
        for k, (pattern, square, size) in enumerate(parts)
    ]


def _check_properties(properties: int) -> int:
    if not isinstance(properties, Integral) or properties < 1:
        raise ValueError(f"properties must be at least 1, got {properties}")
    return int(properties)


def _spectrum(parts: Sequence[Part], properties: int) -> xr.DataArray:
    """Return √(N λ), largest first, equal ones made one."""
    parts = sorted((part for part in parts if part[2] > 0), key=lambda part: -part[1])
    merged: list[tuple[list[str], float, int]] = []
    for pattern, value, size in parts:
        if merged and merged[-1][1] - value <= TIE * abs(parts[0][1]):
            merged[-1] = ([*merged[-1][0], pattern], merged[-1][1], merged[-1][2] + size)
        else:
            merged.append(([pattern], value, size))
    eigenvalues = np.maximum([value for _, value, _ in merged], 0.0)
    return xr.DataArray(
        np.sqrt(properties * eigenvalues),
        dims="distinction",
        coords={
            "distinction": np.arange(1, len(merged) + 1),
            "eigenvalue": ("distinction", eigenvalues),
            "multiplicity": ("distinction", [size for *_, size in merged]),
            "pattern": ("distinction", [" + ".join(patterns) for patterns, *_ in merged]),
        },
        name="singular_value",
    )
