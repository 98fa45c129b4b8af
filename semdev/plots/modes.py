"""Modes: how strongly each dimension of the data is present, over time."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from semdev.measures.modes import mode_strengths
from semdev.models.decomposition import tied_groups
from semdev.plots import _style

PURE = 0.9


def modes(
    history: xr.Dataset,
    *,
    theory: xr.Dataset | None = None,
    ax: Axes | None = None,
    interval: float = 0.95,
    most: int = 8,
) -> Axes:
    """Draw the strength of the strongest modes of the data over time.

    `semdev.mode_strengths`: learned, a mode has the strength of its singular value s. Strongest
    first from dark to light; at the end of each curve s and, where there is a tree, the level
    whose distinctions the mode draws (with the share of the mode that lies in that level, if it
    is below 90 %). Modes with tied singular values are one curve, "×2", and how many weaker modes
    are left out stands below them all. Theory is thin, black and dashed.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    theory : xr.Dataset, optional
        A History of the same data, for instance from `semdev.solve`.
    ax : Axes, optional
        Where to draw; a new figure one column wide. Labels stand at its right.
    interval : float
        Share of the seeds in the band, 0 to 1.
    most : int
        How many modes at most (a tie counts with all its modes).

    Raises
    ------
    ValueError
        `most` is below 1, or theory was made for other data.

    Examples
    --------
    >>> import semdev as sd
    >>> ax = modes(sd.solve(sd.load("saxe2019"), depth=2))
    >>> [text.get_text() for text in ax.texts]
    ['s = 1.00 (×2), level 2', 's = 1.73, level 1', 's = 2.65, level 0']
    """
    if most < 1:
        raise ValueError(f"at least one mode is drawn, got most={most}")
    curves = distinct_modes(history, most=most)
    ax = _style.make_axes(ax)
    colors = _style.ordered_colors(curves.sizes["mode"])
    for color, (_, curve) in zip(colors, curves.groupby("mode"), strict=True):
        curve = curve.squeeze("mode")
        _style.draw_curve(
            ax, curve, interval=interval, color=color, linewidth=1.8, label=label_mode(curve)
        )
    if theory is not None:
        _require_same_data(history, theory)
        expected = mode_strengths(theory).sel(mode=curves["mode"]).median("seed")
        ax.plot(
            theory["time"], expected, color="black", linewidth=0.8, linestyle=(0, (4, 2)),
            label="_theory",
        )  # fmt: skip
        handle = Line2D([], [], color="black", linewidth=0.8, linestyle=(0, (4, 2)))
        handle.set_label("theory")
        _style.legend_above(ax, [handle])
    ax.set_xlim(float(history["time"][0]), float(history["time"][-1]))
    _style.finish(ax, y="mode strength")
    left = curves.attrs["left_out"]
    if left:
        ax.annotate(
            f"{left} weaker mode{'s' * (left > 1)} not shown", (1.06, 0), (0, -12),
            "axes fraction", "offset points", color=_style.GREY, fontsize=_style.now().small - 1,
            va="top", annotation_clip=False,
        )  # fmt: skip
    ends = curves.isel(time=-1).median("seed").values
    labels = [label_mode(curves.isel(mode=k)) for k in range(len(ends))]
    _style.label_ends(ax, ends[::-1], labels[::-1], list(colors[::-1]))
    return ax


def distinct_modes(history: xr.Dataset, *, most: int) -> xr.DataArray:
    """Return `mode_strengths` of the strongest modes, one for each tie.

    Returns
    -------
    DataArray, seed × time × mode
        `mode` is the first of its tie; `multiplicity` (mode) counts the tie and `purity` is the
        least in it, 0 if its modes draw the distinctions of different levels. A tie is left out
        if it would make more than `most` modes, unless it is the first; the attribute `left_out`
        is how many modes were.

    Examples
    --------
    >>> import semdev as sd
    >>> found = distinct_modes(sd.solve(sd.load("saxe2019"), depth=2), most=8)
    >>> found["mode"].values, found["multiplicity"].values
    (array([1, 2, 3]), array([1, 1, 2]))
    """
    strength = mode_strengths(history)
    ties = tied_groups(strength["singular_value"].values)
    ties = [tie for k, tie in enumerate(ties) if k == 0 or tie[-1] < most]
    chosen = strength.isel(mode=[tie[0] for tie in ties])
    counts = [len(tie) for tie in ties]
    chosen = chosen.assign_coords(multiplicity=("mode", counts))
    chosen.attrs["left_out"] = strength.sizes["mode"] - sum(counts)
    if "purity" in strength.coords:
        level, share = strength["mode_level"].values, strength["purity"].values
        agreed = [share[tie].min() if np.ptp(level[tie]) == 0 else 0.0 for tie in ties]
        chosen = chosen.assign_coords(purity=("mode", agreed))
    return chosen


def label_mode(mode: xr.DataArray) -> str:
    """Return what stands at the end of a mode's curve: its singular value and its level."""
    times = f" (×{int(mode['multiplicity'])})" if int(mode["multiplicity"]) > 1 else ""
    text = f"s = {float(mode['singular_value']):.2f}{times}"
    if "mode_level" not in mode.coords:
        return text
    share = float(mode["purity"])
    if not share:
        return f"{text}, mixed"
    return f"{text}, level {int(mode['mode_level'])}" + (f" ({share:.0%})" if share < PURE else "")


def _require_same_data(history: xr.Dataset, theory: xr.Dataset) -> None:
    here, there = history["target"], theory["target"]
    same = here.shape == there.shape and all(
        (here[k].values == there[k].values).all() for k in ("item", "property")
    )
    if not (same and np.allclose(here.values, there.values)):
        raise ValueError(
            f"theory was made for other data: {theory.attrs.get('title', 'it')!r}, and here is "
            f"{history.attrs.get('title', 'another')!r}"
        )
