"""Categories of items, their modes, and what theory expects of a History."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.optimize import brentq

from semdev._names import NameNotFoundError, require, suggest
from semdev.data import trees
from semdev.data.dataset import Dataset
from semdev.history import check, count_layers, is_plain
from semdev.measures.crossing import first_crossing
from semdev.models.closed_forms import time_to_reach
from semdev.models.decomposition import Modes, decompose, tied_groups
from semdev.models.solving import STRENGTH, solve

Categories = Mapping[str, Sequence[str]] | Sequence[str] | None


@dataclass(frozen=True, eq=False)
class World:
    """What there is to learn and which items make a category.

    Attributes: `target` (item × property), `names` (of categories), `member` and `scope`
    (category × item, bool: the items that belong, and those among which they are a category),
    `contrast` (category × item: members against the others in scope, length 1), `within` (the
    name of the scope; "" for all items).
    """

    target: xr.DataArray
    names: list[str]
    member: np.ndarray
    scope: np.ndarray
    contrast: np.ndarray
    within: list[str]


def read_world(data: Dataset | xr.Dataset, categories: Categories) -> World:
    """Return the target and its categories: classes of the tree, lists of items, properties.

    A class of the tree is a category among the items of the next larger class (birds among
    animals); any other category is one among all items.

    Parameters
    ----------
    data : Dataset or History
        What is learned.
    categories : optional
        Names of the tree's classes or of properties (the category is who has it: whose value is
        above the middle between the property's lowest and highest), or a mapping of names to
        lists of items. Default: every class with two members or more that is not the whole.

    Raises
    ------
    KeyError
        An unknown category or item; the nearest match is suggested.
    ValueError
        No categories, or one that has fewer than two members or holds every item.

    Examples
    --------
    >>> import semdev as sd
    >>> read_world(sd.load("saxe2019"), None).names
    ['animal', 'plant']
    >>> read_world(sd.load("saxe2019"), ["can move"]).member.astype(int)
    array([[1, 1, 0, 0]])
    """
    classes: np.ndarray | None = None
    if isinstance(data, Dataset):
        target = data.properties
        if data.tree is not None:
            classes = trees.ancestors(data.tree).loc[target["item"].values].to_numpy().astype(str)
    else:
        target = check(data)["target"]
        classes = data["ancestor"].values if "ancestor" in data.coords else None
    items = target["item"].values.tolist()
    known, larger = _read_classes(classes)
    if categories is None:
        found = {name: m for name, m in known.items() if 2 <= m.sum() < len(items)}
        if not found:
            raise ValueError(
                "no categories: this needs a tree with a class of two members or more that is not "
                'the whole (data.with_tree(tree)), or categories={"name": [items, …]}, or the '
                "names of properties"
            )
    elif isinstance(categories, Mapping):
        found = {str(k): _mark(v, items, str(k)) for k, v in categories.items()}
    else:
        names = [categories] if isinstance(categories, str) else [str(k) for k in categories]
        found = {name: _find(name, known, target) for name in names}
    for name, m in found.items():
        if not 2 <= m.sum() < len(items):
            raise ValueError(
                f"category {name!r} has {m.sum()} of {len(items)} items; it needs two members at "
                "least, and somebody outside"
            )
    if not found:
        raise ValueError("categories is empty: name one at least")
    member = np.array(list(found.values()))
    within = ["" if isinstance(categories, Mapping) else larger.get(name, "") for name in found]
    scope = np.array([known[name] if name else np.ones(len(items), bool) for name in within])
    others = scope & ~member
    contrast = member / member.sum(1, keepdims=True) - others / others.sum(1, keepdims=True)
    contrast /= np.linalg.norm(contrast, axis=1, keepdims=True)
    return World(target, list(found), member, scope, contrast, within)


def _read_classes(
    classes: np.ndarray | None,
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return the members of every class of the tree, coarse to fine, and the next larger class."""
    found: dict[str, np.ndarray] = {}
    larger: dict[str, str] = {}
    for depth, column in enumerate(classes.T if classes is not None else ()):
        for name in dict.fromkeys(column.tolist()):
            if name in found:
                continue
            found[name] = column == name
            for above in classes[found[name]][0, :depth][::-1] if classes is not None else ():
                if found[str(above)].sum() > found[name].sum():
                    larger[name] = "" if found[str(above)].all() else str(above)
                    break
    return found, larger


def _mark(wanted: Sequence[str], items: list[str], name: str) -> np.ndarray:
    members = [wanted] if isinstance(wanted, str) else [str(x) for x in wanted]
    for each in members:
        require(each, items, kind="item", where=f"the data (category {name!r})")
    return np.isin(items, members)


def _find(name: str, classes: dict[str, np.ndarray], target: xr.DataArray) -> np.ndarray:
    properties = target["property"].values.tolist()
    if name in classes:
        return classes[name]
    if name not in properties:
        raise NameNotFoundError(
            f"no class and no property {name!r} in these data; "
            f"{suggest(name, [*classes, *properties])}"
        )
    column = target.sel(property=name).values
    return column > (column.min() + column.max()) / 2


def match_category_modes(world: World, modes: Modes) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the mode(s) that draw each category best, and how well.

    Of the data's modes v (of tied ones: of v's turned to it) the one is taken for which
    (c·v)² Σ_members v² is largest, c being the category's contrast, members against the others in
    its scope: a mode that tells members from others and is theirs rather than the others'.

    Returns
    -------
    list of arrays
        Indices of the tied modes, for each category.
    array, category
        The share of the contrast that they hold, 0 to 1: 1 if the contrast is a mode.
    """
    groups = tied_groups(modes.s)
    along = world.contrast @ modes.v
    shares = np.array([(along[:, g] ** 2).sum(1) for g in groups])  # group × category
    turned = np.array([along[:, g] @ modes.v[:, g].T for g in groups])  # its length² is the share
    best = (turned**2 * world.member).sum(-1).argmax(0)
    return [groups[k] for k in best], shares[best, np.arange(len(best))]


def calibrate_start(history: xr.Dataset, *, depth: int | None = None) -> float:
    """Return the starting strength a₀ from which the strongest mode is learned when it was.

    The mode's half-time (the median over seeds) is put into the closed form, which is solved for
    a₀; the same a₀ then serves to predict all else. 0 for one weight matrix, which needs none;
    1e-5 (the default of `solve`) where the mode never came to its half or began above it.

    Parameters
    ----------
    history : xr.Dataset
        A History; items are taken to have been shown one-hot.
    depth : int
        Number of weight matrices of the learner.

    Examples
    --------
    >>> import semdev as sd
    >>> calibrate_start(sd.solve(sd.load("cao2020"), depth=2, initial=1e-4)) * 1e4
    1.00
    """
    depth = count_layers(history) if depth is None else depth
    if depth == 1:
        return 0.0
    if not is_plain(history):
        return STRENGTH
    data = read_target(history)
    modes = decompose(data)
    if not len(modes.s):
        raise ValueError("the target holds nothing but zeros: there is nothing to learn")
    s, d, u, v = modes.s[0], modes.d[0], modes.u[:, 0], modes.v[:, 0]
    strength = xr.dot(
        history["output"], xr.DataArray(v, dims="item"), xr.DataArray(u, dims="property")
    )
    half = first_crossing(strength, 0.5 * s / d).values
    wanted = float(np.median(half[np.isfinite(half)])) if np.isfinite(half).any() else np.nan
    low, high = 1e-14 * s / d, 0.49 * s / d

    def late(log: float) -> float:
        return float(time_to_reach(0.5, s, initial=np.exp(log), depth=depth, d=d)) - wanted

    if not (late(np.log(low)) > 0 > late(np.log(high))):
        return STRENGTH
    return float(np.exp(brentq(late, np.log(low), np.log(high), xtol=1e-10)))


def expect_history(
    history: xr.Dataset, *, depth: int | None = None, initial: float | None = None
) -> xr.Dataset:
    """Return the History that theory expects for these data, at the same times.

    A linear network of `depth` weight matrices with one-hot items, every mode from the same
    starting strength: closed form, or exact flow where items differ in frequency (`solve`). NaN
    outputs where the History is of a learner with biases, of items shown by other codes or with
    relations, or of properties that were observed in part: for these lay a History of
    `solve(patterns, …)` or `semdev.theory.solve_biased` beside (`summarize(…, theory=…)`).

    Parameters
    ----------
    history : xr.Dataset
        A History.
    depth : int
        Number of weight matrices.
    initial : float, optional
        Starting strength; `calibrate_start`.

    Returns
    -------
    Dataset
        A History of one seed, with the classes of the given one.

    Examples
    --------
    >>> import semdev as sd
    >>> expect_history(sd.solve(sd.load("cao2020"), depth=2))["output"].sizes["seed"]
    1
    """
    depth = count_layers(history) if depth is None else depth
    start = calibrate_start(history, depth=depth) if initial is None else initial
    expected = solve(
        read_target(history), depth=depth, initial=start, times=history["time"].values
    )  # fmt: skip
    if "ancestor" in history.coords:
        expected = expected.assign_coords(
            level=history["level"], ancestor=(("item", "level"), history["ancestor"].values)
        )
    return expected if is_plain(history) else expected.assign(output=expected["output"] * np.nan)


def read_target(history: xr.Dataset) -> Dataset:
    """Return a History's target as a Dataset (without tree)."""
    return Dataset(check(history)["target"], name="the target")
