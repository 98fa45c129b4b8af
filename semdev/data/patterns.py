"""Patterns: what a network is shown and taught, and the way back to items × properties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from semdev._names import require
from semdev.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Patterns:
    """Training patterns made from a Dataset (see `make_patterns`).

    Attributes
    ----------
    data : Dataset
        Where they come from.
    inputs : array, pattern × input
        What is shown.
    targets : array, pattern × output
        What is taught.
    mask : array, pattern × output
        1 where a target is taught, 0 where the network may answer anything.
    weights : array, pattern
        How often a pattern is met, relative to the others.
    asked : array, item × property
        Which pattern's answer is the belief about that cell.
    relations : array of str, pattern
        The relation asked about, empty where the patterns know of none.
    """

    data: Dataset
    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray
    weights: np.ndarray
    asked: np.ndarray
    relations: np.ndarray

    @property
    def one_per_item(self) -> bool:
        """Whether there is exactly one pattern for each item, in the data's order."""
        return bool((self.asked == np.arange(len(self.asked))[:, None]).all())

    def read_back(self, outputs: np.ndarray) -> np.ndarray:
        """Return … × item × property for outputs … × pattern × output."""
        return (
            outputs
            if self.one_per_item
            else outputs[..., self.asked, np.arange(self.asked.shape[1])]
        )


def make_patterns(
    data: Dataset | Patterns,
    *,
    inputs: np.ndarray | xr.DataArray | None = None,
    relations: bool = False,
) -> Patterns:
    """Turn a Dataset into training patterns.

    Parameters
    ----------
    data : Dataset
        Patterns pass through unchanged.
    inputs : item × input, optional
        The code by which each item is shown. Default: one input unit for each item (one-hot),
        so that items are equally unlike each other before anything is learned.
    relations : bool
        Show item *and* relation (a unit for each) and teach only the true attributes of that
        relation, all others off, as in Rumelhart's network: one pattern for each item ×
        relation. A belief about a property is then read under the property's own relation.

    Raises
    ------
    ValueError
        `inputs` does not have one finite row for each item.

    Examples
    --------
    >>> import semdev as sd
    >>> sd.make_patterns(sd.load("rumelhart8"), relations=True).inputs.shape
    (32, 12)
    """
    if isinstance(data, Patterns):
        if inputs is not None or relations:
            raise ValueError("these are patterns already; give the Dataset to make others")
        return data
    if not isinstance(data, Dataset):
        raise TypeError(
            f"a semdev Dataset is needed, got {type(data).__name__}; load one with "
            "semdev.load(name) or make one with Dataset.from_csv or Dataset.from_frame"
        )
    table = data.properties
    n_items, n_properties = table.shape
    codes = np.eye(n_items) if inputs is None else _check_inputs(inputs, data)
    frequency = table["frequency"].values
    if not relations:
        return Patterns(
            data, codes, table.values, np.ones_like(table.values), frequency,
            np.repeat(np.arange(n_items)[:, None], n_properties, axis=1),
            np.full(n_items, "", dtype="U1"),
        )  # fmt: skip
    names, which = np.unique(table["relation"].values, return_inverse=True)
    n_relations = len(names)
    belongs = which == np.arange(n_relations)[:, None]  # relation × property
    off = table.values.min() if data.coding == "±1" else 0.0
    targets = np.where(belongs[None], table.values[:, None, :], off)
    shown = np.concatenate(
        [np.repeat(codes, n_relations, axis=0), np.tile(np.eye(n_relations), (n_items, 1))], axis=1
    )
    return Patterns(
        data, shown, targets.reshape(-1, n_properties), np.ones((len(shown), n_properties)),
        np.repeat(frequency, n_relations), np.arange(n_items)[:, None] * n_relations + which,
        np.tile(names, n_items),
    )  # fmt: skip


def _check_inputs(inputs: np.ndarray | xr.DataArray, data: Dataset) -> np.ndarray:
    if isinstance(inputs, xr.DataArray) and "item" in inputs.coords:
        items = data.properties["item"].values.tolist()
        for item in items:
            require(item, inputs["item"].values.tolist(), kind="item", where="inputs")
        inputs = inputs.sel(item=items).transpose("item", ...)
    codes = np.array(inputs, dtype=float)
    n_items = data.properties.sizes["item"]
    if codes.ndim != 2 or len(codes) != n_items or not np.isfinite(codes).all():
        raise ValueError(
            f"inputs must be {n_items} finite rows (one for each item of {data.name}) × any "
            f"number of inputs, got shape {codes.shape}"
        )
    return codes
