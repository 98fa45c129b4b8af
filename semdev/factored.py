"""Outputs kept as factors, ŷ(t) = Σ_α a_α(t) x_α u_αᵀ, and multiplied out where they are asked for.

xarray indexes such an array lazily, as it does a file: `.sel` and `.isel` only note what is wanted,
`.values` multiplies that out, and once all of a variable was multiplied out it is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from semdev.memory import require_memory

PIECE = 2**24  # cells multiplied out at a time: 128 MiB
DIMS = ("seed", "time", "item", "property")


@dataclass(eq=False)
class Factors(BackendArray):
    """Outputs seed × time × item × property, Σ_α strengths · items · properties.

    Attributes: `strengths` (seed × time × mode), `items` (seed × item × mode) and `properties`
    (seed × property × mode); the latter two may have one seed for all.
    """

    strengths: np.ndarray
    items: np.ndarray
    properties: np.ndarray
    dtype = np.dtype(float)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of seed, time, item and property."""
        return (*self.strengths.shape[:2], self.items.shape[1], self.properties.shape[1])

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray:
        support = indexing.IndexingSupport.OUTER
        return indexing.explicit_indexing_adapter(key, self.shape, support, self._expand_at)

    def take(self, key: tuple) -> Factors:
        """Return the part at whole numbers, slices or arrays of them, every dimension kept."""
        seeds, times, items, properties = (
            np.atleast_1d(np.arange(size)[each]) for size, each in zip(self.shape, key, strict=True)
        )
        return Factors(
            self.strengths[seeds][:, times],
            self.items[seeds if len(self.items) > 1 else slice(None)][:, items],
            self.properties[seeds if len(self.properties) > 1 else slice(None)][:, properties],
        )

    def expand(self) -> np.ndarray:
        """Multiply all of it out.

        Raises
        ------
        MemoryError
            It does not fit into the memory that is free, three times over: what follows is
            arithmetic.
        """
        _, n_times, n_items, n_properties = self.shape
        size = 8 * math.prod(self.shape)
        if size > 8 * PIECE:
            sizes = ", ".join(f"{dim} {n:,}" for dim, n in zip(DIMS, self.shape, strict=True))
            require_memory(
                {"themselves": size, "what is computed from them": 2 * size},
                what=f"These outputs ({sizes}), kept as factors until now, multiplied out",
                remedy="Take what you need of them first, as in history.sel(item=[…], "
                "property=[…]) or .isel(time=[0, -1]), or solve for fewer times; "
                "semdev.save_history writes them to a file as they are, as factors.",
            )
        out = np.empty(self.shape)
        step = max(1, PIECE // max(1, n_items * self.items.shape[2]))  # times multiplied at once
        for seed, strengths in enumerate(self.strengths):
            items = self.items[seed if len(self.items) > 1 else 0]
            properties = self.properties[seed if len(self.properties) > 1 else 0]
            for at in range(0, n_times, step):
                scaled = strengths[at : at + step, None] * items
                rows = scaled.reshape(len(scaled) * n_items, items.shape[1])
                piece = out[seed, at : at + step].reshape(len(rows), n_properties)
                np.matmul(rows, properties.T, out=piece)
        return out

    def _expand_at(self, key: tuple) -> np.ndarray:
        return self.take(key).expand()[
            tuple(0 if isinstance(each, (int, np.integer)) else slice(None) for each in key)
        ]


def wrap_lazily(factors: Factors) -> Any:
    """Return factors as what an xarray variable may hold and multiplies out when asked to."""
    lazy: Any = indexing.LazilyIndexedArray(factors)
    return indexing.MemoryCachedArray(indexing.CopyOnWriteArray(lazy))


def find_factors(output: xr.DataArray) -> Factors | None:
    """Return the factors of outputs that were not multiplied out yet, else None.

    Of all that was indexed lazily these are the factors of what is left.
    """
    data: Any = output.variable._data
    while isinstance(data, (indexing.MemoryCachedArray, indexing.CopyOnWriteArray)):
        data = data.array
    lazy = isinstance(data, indexing.LazilyIndexedArray) and isinstance(data.array, Factors)
    return data.array.take(data.key.tuple) if lazy and output.dims == DIMS else None


def split_output(output: xr.DataArray) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """Go through outputs in pieces of seeds and times, small enough for any memory.

    Yields where in seeds and times a piece stands, and its values, seed × time × item × property.
    """
    n_seeds, n_times, *cells = output.sizes.values()
    times = min(n_times, max(1, PIECE // max(1, math.prod(cells))))
    seeds = max(1, PIECE // max(1, times * math.prod(cells))) if times == n_times else 1
    for first in range(0, n_seeds, seeds):
        for start in range(0, n_times, times):
            at = slice(first, first + seeds), slice(start, start + times)
            yield at, output[at].values


def contract_output(output: xr.DataArray, items: np.ndarray, properties: np.ndarray) -> np.ndarray:
    """Return Σ_ip items[i, m] output[…, i, p] properties[p, m], seed × time × m.

    Factors are contracted as they are; other outputs are read piece by piece.
    """
    factors = find_factors(output)
    if factors is not None:
        met = (items.T @ factors.items) * (properties.T @ factors.properties)  # seed × m × mode
        return factors.strengths @ met.swapaxes(1, 2)
    found = np.empty((output.sizes["seed"], output.sizes["time"], items.shape[1]))
    for at, values in split_output(output):
        found[at] = np.einsum("im,stip,pm->stm", items, values, properties, optimize=True)
    return found


def pack_output(history: xr.Dataset) -> xr.Dataset:
    """Return a History with the factors of its outputs in their place, if they have any."""
    factors = find_factors(history["output"]) if "output" in history else None
    if factors is None:
        return history
    packed = history.drop_vars("output")
    packed["output_strengths"] = ("seed", "time", "output_mode"), factors.strengths
    for name, values in (("item", factors.items), ("property", factors.properties)):
        for_all = len(values) == 1
        dims = (name, "output_mode") if for_all else ("seed", name, "output_mode")
        packed[f"output_{name}"] = dims, values[0] if for_all else values
    return packed


def unpack_output(packed: xr.Dataset) -> xr.Dataset:
    """Return what `pack_output` was given."""
    names = ["output_strengths", "output_item", "output_property"]
    if not set(names) <= set(packed):
        return packed
    strengths, items, properties = (packed[name].values for name in names)
    factors = Factors(
        strengths,
        items if items.ndim == 3 else items[None],
        properties if properties.ndim == 3 else properties[None],
    )
    rest = packed.drop_vars(names)
    return rest.assign(output=(DIMS, wrap_lazily(factors)))
