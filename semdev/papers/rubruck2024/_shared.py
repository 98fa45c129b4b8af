"""What both figures need: the task, and points with an interval."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from semdev.data.corpora import load
from semdev.data.dataset import Dataset


def label_world() -> Dataset:
    """Return eight items with a label at each of three levels: 2, 4 and 8 labels."""
    table = load("cao2020")
    shared = table.properties.mean("item") < 1
    return table.select(properties=table.properties["property"].values[shared.values])


def draw_interval(
    axis: Axes,
    at: float,
    values: np.ndarray,
    color: str,
    label: str = "",
    *,
    flat: bool = False,
    hollow: bool = False,
) -> None:  # fmt: skip
    """Draw the median and the central 95 % of `values` at one place of the other axis."""
    low, middle, high = np.nanquantile(values, [0.025, 0.5, 0.975])
    bars = [[middle - low], [high - middle]]
    style: dict[str, Any] = {
        "fmt": "o", "ms": 4, "capsize": 2, "color": color, "label": label or None, "lw": 1,
        "mfc": "white" if hollow else color,
    }  # fmt: skip
    if flat:
        axis.errorbar([middle], [at], xerr=bars, **style)
    else:
        axis.errorbar([at], [middle], yerr=bars, **style)
