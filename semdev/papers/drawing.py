"""Drawings that only papers need: a labelled matrix, a network."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from string import ascii_lowercase
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes


def draw_matrix(axis: Axes, matrix: xr.DataArray, rows: str, columns: str, **style: Any) -> None:
    """Draw a labelled matrix as a heatmap."""
    axis.imshow(matrix.values, aspect="auto", **style)
    axis.set_yticks(range(matrix.sizes[rows]), [str(x) for x in matrix[rows].values], fontsize=7)
    axis.set_xticks(
        range(matrix.sizes[columns]), [str(x) for x in matrix[columns].values],
        fontsize=7, rotation=90 if columns == "item" else 0,
    )  # fmt: skip
    label = columns.removesuffix("_2")
    axis.set_xlabel(label if label == "mode" else "", fontsize=8)
    axis.set_ylabel(rows if rows == "mode" else "", fontsize=8)
    axis.tick_params(length=0)


def draw_network(axis: Axes, target: xr.DataArray, *, hidden: int = 6) -> None:
    """Draw items, a hidden layer and properties, all connected, with the data's names."""
    layers = [target["item"].values.tolist(), [""] * hidden, target["property"].values.tolist()]
    places = [np.linspace(1, 0, len(layer) + 2)[1:-1] for layer in layers]
    for x, (low, high) in enumerate(pairwise(places)):
        for a in low:
            for b in high:
                axis.plot([x, x + 1], [a, b], color="0.8", lw=0.5, zorder=1)
    for x, (names, ys) in enumerate(zip(layers, places, strict=True)):
        axis.scatter([x] * len(ys), ys, s=40, color="white", edgecolor="black", zorder=2)
        side, shift = ("right", -0.08) if x == 0 else ("left", 0.08)
        for name, y in zip(names, ys, strict=True):
            axis.text(x + shift, y, name, ha=side, va="center", fontsize=7)
    for x, text in enumerate(("items", "hidden units", "properties")):
        axis.text(x, 1.0, text, ha="center", va="bottom", fontsize=8)
    axis.set_xlim(-0.6, 2.7)
    axis.set_axis_off()


def letter_panels(axes: Iterable[Axes]) -> None:
    """Letter panels a, b, c, … above their upper left corners."""
    for letter, axis in zip(ascii_lowercase, axes, strict=False):
        axis.annotate(
            letter, (0, 1), (-18, 8), xycoords="axes fraction", textcoords="offset points",
            ha="left", va="bottom", fontsize=10, fontweight="bold", annotation_clip=False,
        )  # fmt: skip
