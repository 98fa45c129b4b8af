"""Agreement: whether networks, and layers of one network, find the same items alike, over time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from semdev.measures import agreement as measure
from semdev.plots import _style
from semdev.plots._curves import (
    draw_known,
    draw_learner,
    draw_predicted,
    label_ends_below,
    last_known,
    name_learners,
    predicted_handle,
    thin_times,
)


def network_agreement(
    history: xr.Dataset,
    *,
    layer: str = "hidden_1",
    metric: str = "gram",
    method: str = "pearson",
    ax: Axes | None = None,
    interval: float = 0.95,
    compare: Mapping[str, xr.Dataset] | None = None,
    name: str | None = None,
    most_times: int = 60,
) -> Axes:
    """Draw how far different networks agree on which items are alike, over time.

    `semdev.compare_networks`: the median over all pairs of two networks, and the band of the
    central `interval` of these pairs. The prediction from behaviour alone is dashed. With
    `compare`, pairs are made within each History, for instance networks that began with small and
    with large weights.

    Parameters
    ----------
    history : xr.Dataset
        A History of at least two seeds.
    layer : str
        "output" or a recorded hidden layer.
    metric, method : str
        As for `semdev.compare_networks`.
    ax : Axes, optional
        Where to draw; a new figure one column wide.
    interval : float
        Share of the pairs in the band, 0 to 1.
    compare : mapping of label to History, optional
        Other networks; a colour and a marker for each History then. Of those that took far longer
        take `history.sel(time=slice(…))`.
    name : str, optional
        What to call `history` beside the others; its model's name.
    most_times : int
        At most so many of the recorded times are compared.

    Raises
    ------
    KeyError
        No such layer, metric or method.
    ValueError
        Fewer than two seeds or three items, an interval that is no share, or `most_times` below 2.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("cao2020")
    >>> small, large = (
    ...     sd.train(sd.DeepLinear(hidden=16, scale=s), world, seeds=4, hidden=True)
    ...     for s in (0.01, 0.5))
    >>> ax = network_agreement(small, compare={"large weights": large}, name="small weights")
    >>> [round(float(line.get_ydata()[-1]), 1) for line in ax.lines[::2]]
    [1.0, 0.2]
    """
    learners = name_learners(history, name, compare)
    found = {
        who: pair_networks(
            measure.compare_networks(
                thin_times(each, most_times), layer=layer, metric=metric, method=method
            )
        )
        for who, each in learners.items()
    }
    ax = _style.make_axes(ax)
    handles, foreseen = [], False
    for k, (who, own) in enumerate(found.items()):
        pairs = own.sizes["seed"]
        handle, known = draw_learner(
            ax, k, own["agreement"], own["predicted"], interval=interval, name=who,
            among=bool(compare), label=f"{pairs} pair{'' if pairs == 1 else 's'} of networks",
        )  # fmt: skip
        handles.append(handle)
        foreseen |= known
    if foreseen:
        handles.append(predicted_handle())
    what = "outputs" if layer == "output" else layer.replace("_", " ")
    _finish(ax, history, f"agreement between networks\non what is alike ({what})")
    _style.legend_above(ax, handles)
    return ax


def layer_agreement(
    history: xr.Dataset,
    *,
    metric: str = "gram",
    method: str = "pearson",
    ax: Axes | None = None,
    interval: float = 0.95,
    most_times: int = 60,
) -> Axes:
    """Draw how far each hidden layer agrees with behaviour on which items are alike, over time.

    `semdev.compare_layers`, each layer with the output. Early layers dark, late ones light; the
    prediction from behaviour alone is thin, black and dashed.

    Parameters
    ----------
    history : xr.Dataset
        A History with hidden layers (`hidden=True`).
    metric, method : str
        As for `semdev.compare_layers`.
    ax : Axes, optional
        Where to draw; a new figure one column wide. Labels stand at its right.
    interval : float
        Share of the seeds in the band, 0 to 1.
    most_times : int
        At most so many of the recorded times are compared.

    Raises
    ------
    KeyError
        No such metric or method.
    ValueError
        No hidden layer over items, fewer than three items, an interval that is no share, or
        `most_times` below 2.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = layer_agreement(sd.solve(sd.load("rumelhart8"), depth=3, hidden=True))
    >>> sorted(text.get_text() for text in ax.texts)
    ['hidden 1', 'hidden 2']
    """
    chosen = thin_times(history, most_times)
    found = measure.compare_layers(chosen, metric=metric, method=method)
    found = found.sel(layer_2="output").isel(layer=slice(None, -1))
    ax = _style.make_axes(ax)
    names = [str(layer).replace("_", " ") for layer in found["layer"].values]
    colors = _style.ordered_colors(len(names))
    foreseen = False
    for k, (label, color) in enumerate(zip(names, colors, strict=True)):
        own = found.isel(layer=k)
        draw_known(ax, own["agreement"], interval=interval, color=color, label=label, linewidth=1.8)
        foreseen |= draw_predicted(ax, own["predicted_agreement"])
    _finish(ax, history, "agreement with behaviour\non what is alike")
    ends = [last_known(found["agreement"].isel(layer=k)) for k in range(len(names))]
    label_ends_below(ax, [predicted_handle()] if foreseen else [], ends, names, list(colors))
    return ax


def pair_networks(found: xr.Dataset) -> xr.Dataset:
    """Return agreement and prediction of every two different networks, pair by pair.

    Parameters
    ----------
    found : Dataset
        Over seed × seed_2 × time, from `semdev.compare_networks`.

    Returns
    -------
    Dataset
        Over seed × time, where `seed` counts the pairs.

    Examples
    --------
    >>> import semdev as sd
    >>> deep = sd.train(sd.DeepLinear(hidden=8), sd.load("saxe2019"), seeds=4, hidden=True)
    >>> pair_networks(sd.compare_networks(deep)).sizes["seed"]
    6
    """
    first, second = np.triu_indices(found.sizes["seed"], k=1)
    chosen = found[["agreement", "predicted"]].transpose("seed", "seed_2", "time")
    return xr.Dataset(
        {name: (("seed", "time"), each.values[first, second]) for name, each in chosen.items()},
        coords={"time": found["time"].values},
    )


def _finish(ax: Axes, history: xr.Dataset, y: str) -> None:
    """Name the axes, and show agreement up to 1 and down to nothing."""
    low = ax.dataLim.intervaly[0] if ax.has_data() else 0.0
    ax.set_ylim(min(0.0, low - 0.03) if np.isfinite(low) else 0.0, 1.04)
    _style.start_at_zero(ax, history["time"])
    _style.finish(ax, y=y)
