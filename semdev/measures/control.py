"""The shallow control: what a network without a hidden layer must not show, and when it does."""

from __future__ import annotations

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.history import has_biases, is_whole
from semdev.measures.crossing import first_crossing
from semdev.measures.modes import level_strengths
from semdev.measures.overgeneralization import overgeneralizations
from semdev.measures.stages import count_stages
from semdev.models.constant import predict_shallow_peak, shallow_rates

STATISTICS = ("stages", "order", "peak", "excess")


def shallow_control(
    history: xr.Dataset, *, correlation: float | None = None, bias: bool | None = None
) -> xr.Dataset:
    """Return what a shallow network shows of development, beside what theory lets it show.

    - stages: how often the loss leaves a plateau; a sum of falling exponentials has none.
    - order: latest ÷ earliest half-time of the tree's levels − 1 (`level_strengths`); with the
      rates of `shallow_rates` ln 2/r₀ for what all items share and ln 2/r₁ for all else, so
      r₀/r₁ − 1, and 0 for white inputs without a bias.
    - peak: the highest belief in a false cell, over all of them; `predict_shallow_peak`.
    - excess: the highest excess (see `overgeneralizations`); 0, for what is shared is shared with
      the items outside the class too.

    The documented exceptions are an output bias and codes that are alike (Rubruck, Bauer, Saxe &
    Summerfield 2024 for both; rates and peaks derived here): they make a shallow network learn the
    shared part first, so that order and peak are above 0; the excess stays 0. Codes more alike
    within a class than across (`correlation` level by level) let a shallow network overgeneralize
    in earnest, with an excess; their closed form is `solve_shallow`.

    Parameters
    ----------
    history : xr.Dataset
        A History with a tree.
    correlation, bias
        What the learner had: one correlation of all codes (0 ≤ c < 1), an output bias. Default:
        what the History says, its codes' own correlation where there is but one.

    Returns
    -------
    Dataset
        `measured` (seed × statistic) and `predicted` (statistic; NaN where items are met unequally
        often, properties observed in part, or codes unlike each other in many ways). Stages are
        counted, order is a ratio less 1, peak and excess are in the units of the coding.

    Raises
    ------
    ValueError
        No tree, or no false cell.

    Examples
    --------
    >>> import semdev as sd
    >>> found = shallow_control(sd.solve(sd.load("rumelhart8"), depth=1))
    >>> found["measured"].isel(seed=0).values.round(3) + 0.0
    array([0., 0., 0., 0.])
    """
    over = overgeneralizations(history)
    half = first_crossing(level_strengths(history), 0.5)
    order = half.max("level") / half.min("level") - 1
    cells = ("item", "property")
    measured = xr.concat(
        [count_stages(history).astype(float), order, over["peak"].max(cells),
         over["excess"].max(cells)],
        dim="statistic", coords="minimal", compat="override",
    ).transpose("seed", "statistic")  # fmt: skip
    target = history["target"]
    predicted = np.full(len(STATISTICS), np.nan)
    bias = has_biases(history) if bias is None else bias
    correlation = _find_correlation(history) if correlation is None else correlation
    known = np.isfinite(correlation) and is_whole(history)
    if known and np.ptp(history["frequency"].values) == 0 and "taught" not in history:
        items = target.sizes["item"]
        shared, own = shallow_rates(items, correlation=correlation, bias=bias)
        false = target.values[target.values <= 0]
        mean = np.broadcast_to(target.mean("item"), target.shape)[target.values <= 0]
        peaks = predict_shallow_peak(
            mean, items=items, false=false, correlation=correlation, bias=bias
        )
        alike = np.ptp(false) == 0
        predicted = np.array([0.0, shared / own - 1, peaks.max(), 0.0 if alike else np.nan])
    result = xr.Dataset(
        {"measured": measured.rename(None), "predicted": ("statistic", predicted)},
        coords={"seed": history["seed"], "statistic": list(STATISTICS)},
    )
    return say_measure("shallow_control", result)


def _find_correlation(history: xr.Dataset) -> float:
    """Return the one correlation of the codes that items were shown by; NaN if there is none."""
    if "code" not in history:
        return 0.0 if bool(np.all(history.get("one_hot", True))) else np.nan
    codes = history["code"].values
    products = codes @ codes.T
    others = products[~np.eye(len(products), dtype=bool)]
    unit = np.allclose(np.diag(products), 1) and np.ptp(others) <= 1e-9
    return float(np.clip(others[0], 0, None)) if unit else np.nan


def shallow_projection(data: Dataset | Patterns, *, bias: bool = False) -> xr.DataArray:
    """Return how far a shallow network projects a new property of one item to another.

    Taught that item i has a new property, with weights (and bias) from 0, a network without a
    hidden layer ends with w = x_i/(|x_i|² + b), so that it believes the property of item j by

        (x_j · x_i + b) / (|x_i|² + b),  b = 1 with a plastic output bias, else 0:

    nothing for white inputs, the correlation of correlated ones, one half of everything for white
    inputs with a bias. What was learned of the items does not come into it. Derived
    here, after the projection by hidden layers of Saxe, McClelland & Ganguli (2019).

    Parameters
    ----------
    data : Dataset or Patterns
        Whose codes; one pattern for each item.
    bias : bool
        Whether the output has a bias that learns.

    Returns
    -------
    DataArray, item × item_2
        Belief about `item_2`, a share of the belief about the item itself (the diagonal, 1).

    Raises
    ------
    ValueError
        Patterns of item × relation, or a code that is all zeros.

    Examples
    --------
    >>> import semdev as sd
    >>> float(shallow_projection(sd.load("saxe2019")).sel(item="canary", item_2="salmon"))
    0.0
    >>> alike = sd.make_patterns(sd.load("saxe2019"), correlation=0.9)
    >>> float(shallow_projection(alike).sel(item="canary", item_2="salmon"))
    0.9
    """
    patterns = make_patterns(data)
    if not patterns.one_per_item:
        raise ValueError("projection is from item to item: give patterns with one for each item")
    products = patterns.inputs @ patterns.inputs.T + float(bias)
    own = np.diag(products)[:, None]
    if not (own > 0).all():
        raise ValueError("an item's code is all zeros: nothing can be learned of it")
    items = patterns.data.properties["item"].values
    return xr.DataArray(
        products / own, dims=("item", "item_2"), coords={"item": items, "item_2": items},
        name="projection",
    )  # fmt: skip
