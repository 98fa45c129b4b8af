"""Spectrum: how strong the modes of data are that a structure predicts, and what it predicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from semdev.data.dataset import Dataset
from semdev.data.structures import SIGMA
from semdev.measures.spectrum import compare_spectrum
from semdev.plots import _style
from semdev.plots.modes import PURE
from semdev.plots.singular_values import draw_predicted, finish_modes, mark_modes


def spectrum(
    worlds: Dataset | Sequence[Dataset],
    expected: nx.Graph | xr.DataArray,
    *,
    sigma: float = SIGMA,
    rescale: bool = False,
    ax: Axes | None = None,
    interval: float = 0.95,
) -> Axes:
    """Draw the singular values of data beside those that a structure predicts.

    `semdev.compare_spectrum`: the structure's modes, strongest first, of which those of equal
    strength share a dash, the prediction, and a dot, the data's strength in their span. Several
    worlds: the median, with a bar that holds the central `interval` of them. Dots are hollow where
    the data's own modes of these ranks lie in the structure's by less than 90 %: then they draw
    other distinctions. In graded data grey boxes hold 95 % of the worlds that the structure makes.

    Parameters
    ----------
    worlds : Dataset or sequence of Datasets
        Your data, or worlds drawn with different seeds.
    expected : nx.Graph, tree, or DataArray (item × item_2)
        The structure, such as `data.tree`.
    sigma, rescale
        As for `semdev.compare_spectrum`; `rescale=True` for data that nobody drew from the form.
    ax : Axes, optional
        Where to draw; a new figure one column wide.
    interval : float
        Share of the worlds in the bars, 0 to 1.

    Raises
    ------
    KeyError
        The data have an item that the structure lacks.
    ValueError
        Other items, no worlds, or an interval that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> ring = sd.make_form("ring", 8)
    >>> worlds = [sd.graph_gaussian(ring, seed=k, properties=200) for k in range(20)]
    >>> ax = spectrum(worlds, ring)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['data', 'predicted', 'mixed', '95 % of worlds']
    """
    found = compare_spectrum(worlds, expected, sigma=sigma, rescale=rescale)
    low, middle, high = _style.over_seeds(found["measured"], interval)
    sizes = found["multiplicity"].values
    first = np.cumsum([0, *sizes[:-1]]) + 1.0
    left, right, place = first - 0.4, first + sizes - 0.6, first + (sizes - 1) / 2
    ax = _style.make_axes(ax)
    handles: list[Artist] = []
    mixed = found["overlap"].median("seed").values < PURE
    color = _style.CATEGORIES[0]
    if found.sizes["seed"] > 1:
        ax.vlines(place, low, high, color=color, linewidth=1.2, label="_bars", zorder=2.2)
    for chosen, hollow in ((~mixed, False), (mixed, True)):
        if chosen.any():
            label = "mixed" if hollow else "data"
            handles.append(
                mark_modes(ax, place[chosen], middle[chosen], color, label=label, hollow=hollow)
            )
    if "predicted_low" in found:
        bottom, top = (found[f"predicted_{k}"].median("seed").values for k in ("low", "high"))
        look: dict[str, Any] = {"color": "0.82", "linewidth": 0}
        ax.bar(
            (left + right) / 2, top - bottom, right - left, bottom, zorder=1, label="_worlds",
            **look,
        )  # fmt: skip
        handles.append(Patch(label="95 % of worlds", **look))
    foreseen = found["predicted"].median("seed").values
    handles.append(draw_predicted(ax, foreseen, left, right))
    finish_modes(ax, int(sizes.sum()))
    _style.legend_above(ax, handles)
    return ax
