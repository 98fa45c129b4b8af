"""Representations: each item's pattern of activity over the units of a layer, at chosen times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Patch

from semdev._names import require
from semdev.measures.similarity import layer_of, select_seed
from semdev.plots import _style
from semdev.plots._items import item_classes, nearest_times, tree_order

ROOM = 0.88  # share of a row's height that the bars may fill
GAP = 0.12  # between two times, as a share of a panel's width


def representation_bars(
    history: xr.Dataset,
    times: float | Sequence[float] | np.ndarray,
    *,
    items: str | Sequence[str] | None = None,
    seed: int | None = None,
    layer: str = "hidden_1",
    ax: Axes | None = None,
) -> Axes:
    """Draw each item's representation as bars, a row for each item, a column for each time.

    As in McClelland & Rogers (2003) and Rogers & McClelland (2004, chapter 3): items that are
    represented alike have the same profile, and profiles part in the course of learning, kinds
    before their members. A bar is a unit, at the same place in every row and column; all are on
    one scale, a bar of which stands at the right of the lowest row; grey lines are 0. Units mean
    nothing by themselves, and unit 1 of one seed has nothing to do with unit 1 of another, so that
    one learner is drawn. Colour tells the class (`item_classes`). Each column is headed by the
    recorded time nearest to the one asked for.

    Parameters
    ----------
    history : xr.Dataset
        A History with hidden layers: train(…, hidden=True).
    times : float or sequence of float
        Learning times (steps × learning rate).
    items : str or sequence of str, optional
        Which, from top to bottom; all, in the order of the tree.
    seed : int, optional
        Which learner; the first.
    layer : str
        A recorded hidden layer, or "output". One that differs with the relation asked about is
        drawn from ``history.sel(context=…)``.
    ax : Axes, optional
        Where to draw; a new figure, 3.4 inches wide for up to three times, with a row's height
        for every item.

    Raises
    ------
    KeyError
        No such item, seed or layer.
    ValueError
        No times, no items, or a layer that differs with the relation.

    Examples
    --------
    >>> import semdev as sd
    >>> net = sd.train(sd.Rumelhart(), sd.load("rumelhart8"), seeds=1, steps=50, hidden=True)
    >>> ax = representation_bars(net, [0, 2, 5], items=["pine", "oak", "canary"])
    >>> [text.get_text() for text in ax.get_yticklabels()], ax.get_xlabel()
    (['pine', 'oak', 'canary'], '8 units of hidden_1')
    """
    at = nearest_times(history, times)
    chosen = select_seed(history, seed).isel(time=at)
    rows = _find_rows(history, items)
    activity = layer_of(chosen, layer).isel(seed=0, item=rows).values  # time × item × unit
    colors, handles = _color_classes(history, rows)
    n_times, n_items, n_units = activity.shape
    low, high = min(0.0, float(activity.min())), max(0.0, float(activity.max()))
    scale = ROOM / (high - low) if high > low else 0.0
    ax = _style.make_axes(
        ax, width=max(_style.now().column, 1.13 * n_times), height=0.2 * n_items + 0.95
    )
    zero = np.arange(n_items) + ROOM / 2 + low * scale
    for k, (each, time) in enumerate(zip(activity, chosen["time"].values, strict=True)):
        left = k * (1 + GAP)
        x = left + np.arange(n_units) / n_units
        bars = _stand(x, 0.8 / n_units, zero[:, None], zero[:, None] - each * scale)
        ax.add_collection(
            PolyCollection(list(bars), facecolors=np.repeat(colors, n_units, axis=0)),
            autolim=False,
        )
        ground = [[(left, y), (left + 1, y)] for y in zero]
        ax.add_collection(LineCollection(ground, colors=_style.GREY, linewidths=0.5), autolim=False)
        ax.annotate(
            f"t = {time:.3g}", (left + 0.5, -0.5), (0, 2), textcoords="offset points",
            fontsize=_style.now().text, ha="center", va="bottom", annotation_clip=False,
        )  # fmt: skip
    ax.set(xlim=(0, n_times * (1 + GAP) - GAP), ylim=(n_items - 0.4, -0.5), xticks=[])
    layer_name = "property" if layer == "output" else "unit"
    many = {"property": "properties", "unit": "units"}[layer_name]
    _style.finish(ax, x=f"{n_units} {layer_name if n_units == 1 else many} of {layer}")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, pad=2)
    names = [str(name) for name in history["item"].values[rows]]
    ax.set_yticks(np.arange(n_items), names, fontsize=_style.now().small)
    _style.legend_above(ax, handles)
    _fit_rows(ax, n_items)
    _mark_scale(ax, zero[-1], scale, low, high)
    return ax


def _find_rows(history: xr.Dataset, items: str | Sequence[str] | None) -> np.ndarray:
    """Return the positions of the items asked for; of all, in the tree's order."""
    if items is None:
        return tree_order(history)
    names = history["item"].values.tolist()
    wanted = [items] if isinstance(items, str) else [str(item) for item in items]
    if not wanted:
        raise ValueError("representations are those of one item or more; got no item")
    for item in wanted:
        require(item, names, kind="item", where="this History")
    return np.array([names.index(item) for item in wanted])


def _color_classes(history: xr.Dataset, rows: np.ndarray) -> tuple[np.ndarray, list[Patch]]:
    """Return each row's colour, item × RGBA, and what explains them, if the items have classes."""
    classes = item_classes(history)
    if classes is None:
        return np.tile(to_rgba(_style.CATEGORIES[0]), (len(rows), 1)), []
    names = list(dict.fromkeys(classes.tolist()))
    paint = {
        name: _style.CATEGORIES[k % len(_style.CATEGORIES)] for k, name in enumerate(names)
    }  # fmt: skip
    shown = classes[rows].tolist()
    handles = [Patch(color=paint[name], label=name) for name in names if name in shown]
    return np.array([to_rgba(paint[name]) for name in shown]), handles


def _stand(x: np.ndarray, width: float, foot: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Return the corners of bars, bar × 4 × 2, row after row."""
    x, foot, top = np.broadcast_arrays(x, foot, top)
    corners = [(x, foot), (x, top), (x + width, top), (x + width, foot)]
    return np.stack([np.stack(corner, axis=-1) for corner in corners], axis=-2).reshape(-1, 4, 2)


def _fit_rows(ax: Axes, n_items: int) -> None:
    """Leave a line above the rows for the times, and make names as large as rows allow."""
    ax.figure.canvas.figure.draw_without_rendering()
    height, line = _style.height_in_points(ax), 1.6 * _style.now().text
    row = max(height - line, 1.0) / (n_items + 0.1)
    ax.set_ylim(n_items - 0.4, -0.5 - line / row)
    ax.tick_params(labelsize=float(np.clip(0.9 * row, _style.now().smallest, _style.now().small)))


def _mark_scale(ax: Axes, zero: float, scale: float, low: float, high: float) -> None:
    """Put a bar of one round number at the right of the lowest row."""
    if not scale:
        return
    far = high if high >= -low else low
    power = 10.0 ** np.floor(np.log10(abs(far)))
    nice = max(step * power for step in range(1, 10) if step * power <= abs(far) * (1 + 1e-6))
    tip = zero - np.copysign(nice, far) * scale
    right = ax.get_yaxis_transform()
    ax.plot(
        [1.02, 1.02], [zero, tip], color="black", linewidth=1.4, clip_on=False, transform=right,
        label="_scale", scalex=False, scaley=False,
    )  # fmt: skip
    ax.text(
        1.035, (zero + tip) / 2, f"{nice:g}", fontsize=_style.now().small, va="center",
        transform=right, clip_on=False,
    )  # fmt: skip
