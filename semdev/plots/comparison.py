"""A comparison: which models show which phenomena."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from semdev._names import require
from semdev.plots import _style

ROW, CELL = 0.19, 0.36  # inches
SHARES = LinearSegmentedColormap.from_list("shares", ["#FFFFFF", "#0072B2"])


class Comparison(Protocol):
    """What `semdev.compare` returns."""

    @property
    def found(self) -> xr.Dataset:
        """Everything it found."""


def comparison(found: Comparison, *, world: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw phenomena × models: in each cell the percentage of seeds that show the phenomenon.

    The bluer, the more seeds. A grey cell with a dash: the phenomenon cannot be asked of the model
    (or of this world); an exclamation mark: it failed. Intervals are in `Comparison.summary`.

    Parameters
    ----------
    found : Comparison
        What `compare` returned.
    world : str, optional
        Which world; the first.
    ax : Axes, optional
        Where to draw; a new figure as large as its cells need.

    Raises
    ------
    KeyError
        No such world; the nearest match is suggested.

    Examples
    --------
    >>> import semdev as sd
    >>> models = {"deep": sd.DeepLinear(8), "shallow": sd.Shallow()}
    >>> found = sd.compare(
    ...     models, sd.load("rumelhart8"), phenomena="progressive differentiation", seeds=2,
    ...     n_jobs=1,
    ... )
    >>> [text.get_text() for text in comparison(found).texts]
    ['100', '0']
    """
    worlds = [str(name) for name in found.found["world"].values]
    chosen = worlds[0] if world is None else world
    require(chosen, worlds, kind="world", where="comparison")
    cells = found.found.sel(world=chosen)
    share = cells["met"].mean("seed").where(cells["status"] == "asked")
    shown = share.transpose("phenomenon", "model").values
    status = cells["status"].transpose("phenomenon", "model").values
    models, names = ([str(x) for x in cells[dim].values] for dim in ("model", "phenomenon"))
    width, height = find_size(found)
    ax = _style.make_axes(ax, width=width, height=height)
    colors = SHARES.with_extremes(bad="0.93")
    ax.imshow(np.ma.masked_invalid(shown), cmap=colors, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(shown):
        text = f"{100 * value:.0f}"
        if status[row, column] != "asked":
            text = "–" if status[row, column] == "not applicable" else "!"
        light = np.isfinite(value) and value > 0.55
        ax.text(
            column, row, text, ha="center", va="center", fontsize=_style.now().small,
            color="white" if light else "0.2",
        )  # fmt: skip
    ax.set_xticks(range(len(models)), models, rotation=45, ha="left", rotation_mode="anchor")
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(length=0, labelsize=_style.now().small, top=True, labeltop=True, bottom=False,
                   labelbottom=False)  # fmt: skip
    for x in np.arange(1, len(models)) - 0.5:
        ax.axvline(x, color="white", linewidth=1)
    for y in np.arange(1, len(names)) - 0.5:
        ax.axhline(y, color="white", linewidth=1)
    ax.spines[:].set_visible(False)
    ax.set_xlabel(f"{chosen}: % of {found.found.sizes['seed']} seeds", fontsize=_style.now().text)
    return ax


def find_size(found: Comparison) -> tuple[float, float]:
    """Return the width and height that the cells and names of one world need, in inches."""
    names = [str(name) for name in found.found["phenomenon"].values]
    width = max(map(len, names)) * 0.065 + CELL * found.found.sizes["model"] + 0.3
    return width, 1.1 + ROW * len(names)


def draw_worlds(found: Comparison) -> Figure:
    """Return a figure with a panel for each world, one below the other."""
    worlds = [str(name) for name in found.found["world"].values]
    width, height = find_size(found)
    figure = Figure(figsize=(width, height * len(worlds)), layout="constrained")
    panels = figure.subplots(len(worlds), 1, squeeze=False)[:, 0]
    for world, ax in zip(worlds, panels, strict=True):
        comparison(found, world=world, ax=ax)
    return figure
