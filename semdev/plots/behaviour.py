"""Behaviour: what people said, what a fitted learner would say, and which learner foretells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from scipy.stats import binomtest

from semdev.plots import _style

if TYPE_CHECKING:  # fits train networks; drawing them should not load torch
    from semdev.behaviour.contests import Comparison
    from semdev.behaviour.fitting import Fit

POINTS = 120  # of a curve
AGES = 5  # groups of age for which answers are drawn


def answers(
    fit: Fit,
    *,
    cells: Sequence[tuple[str, str]] | None = None,
    groups: int = AGES,
    ax: Axes | None = None,
    interval: float = 0.95,
) -> Axes:
    """Draw what people said of some things, by age, and what the fitted learner would say.

    Dots are shares of yes in groups of age of equally many participants, with Wilson's 95 %
    interval; lines P(yes), median over seeds with the band that holds the central `interval`.

    Parameters
    ----------
    fit : Fit
        What `semdev.fit` returned.
    cells : sequence of (item, property), optional
        Which; default the four whose predicted share of yes changes most. At most seven.
    groups : int
        How many groups of age.
    ax : Axes, optional
        Where to draw; a new figure one column wide.
    interval : float
        Share of the seeds in the band, 0 to 1.

    Raises
    ------
    KeyError
        An item or property that the learner does not know.
    ValueError
        No cells, or more than seven; an interval that is no share.

    Examples
    --------
    >>> import semdev as sd
    >>> from semdev.behaviour.fitting import fit
    >>> from semdev.behaviour.responses import load_simulated_children
    >>> found = fit(sd.solve(sd.load("living_things"), depth=2), load_simulated_children())
    >>> ax = answers(found, cells=[("pine", "has leaves"), ("canary", "can sing")])
    >>> [text.get_text() for text in ax.texts]
    ['pine has leaves', 'canary can sing']
    """
    table = fit.responses
    ages = np.linspace(table["age"].min(), table["age"].max(), POINTS)
    if cells is None:
        cells = _find_moving(fit, ages)
    if not 1 <= len(cells) <= len(_style.CATEGORIES):
        raise ValueError(f"1 to {len(_style.CATEGORIES)} cells can be drawn, got {len(cells)}")
    foreseen = fit.predict(ages, cells=cells).rename(age="time")
    from semdev.behaviour.baselines import find_edges

    table = table.assign(group=np.searchsorted(find_edges(table, groups), table["age"], "right"))
    ax = _style.make_axes(ax)
    ends = []
    for k, (item, prop) in enumerate(cells):
        color = _style.CATEGORIES[k]
        line = _style.draw_curve(
            ax, foreseen.isel(cell=k), interval=interval, color=color, label=f"{item} {prop}"
        )
        ends.append(float(np.asarray(line.get_ydata())[-1]))
        own = table[(table["item"] == item) & (table["property"] == prop)].groupby("group")
        seen = own.agg(age=("age", "mean"), yes=("n_yes", "sum"), n=("n", "sum"))
        share = seen["yes"] / seen["n"]
        within = [binomtest(round(yes), round(n)).proportion_ci(method="wilson")
                  for yes, n in zip(seen["yes"], seen["n"], strict=True)]  # fmt: skip
        spread = np.abs(np.array([[each.low, each.high] for each in within]).reshape(-1, 2).T
                        - share.to_numpy())  # fmt: skip
        ax.errorbar(
            seen["age"] + (k - (len(cells) - 1) / 2) * 0.008 * np.ptp(ages), share, yerr=spread,
            fmt=_style.marker(k), color=color, markersize=3.5, elinewidth=0.7, label="_answers",
        )  # fmt: skip
    if ages[0] < ages[-1]:
        ax.set_xlim(ages[0], ages[-1])
    ax.set_ylim(-0.04, 1.04)
    _style.finish(ax, x="age", y="share of yes")
    ax.figure.canvas.figure.draw_without_rendering()
    names = [f"{item} {prop}" for item, prop in cells]
    _style.label_ends(ax, ends, names, _style.CATEGORIES[: len(cells)])
    return ax


def _find_moving(fit: Fit, ages: np.ndarray, number: int = 4) -> list[tuple[str, str]]:
    """Return the cells, of those asked about, of which P(yes) changes most."""
    pairs = fit.responses[["item", "property"]].drop_duplicates().itertuples(index=False)
    cells = [(str(item), str(prop)) for item, prop in pairs]
    middle = fit.predict(ages, cells=cells).median("seed")
    moved = (middle.max("age") - middle.min("age")).values
    return [cells[k] for k in np.argsort(-moved, kind="stable")[:number]]


def age_maps(
    fits: Mapping[str, Fit],
    *,
    known: Mapping[str, pd.DataFrame] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how far each learner has come at each age, as a share of all that was recorded of it.

    Shares, because learners' times have different units: learning time of networks, experience of
    rivals. The scale is √time, in which the map is straight between knots (dots).

    Parameters
    ----------
    fits : mapping of name to Fit
        Of one or more learners; the `fits` of a Comparison.
    known : mapping of name to intervals, optional
        What `semdev.parameter_intervals` says of some of them: bars at the knots.
    ax : Axes, optional
        Where to draw; a new figure one column wide.

    Raises
    ------
    ValueError
        Nothing to draw.

    Examples
    --------
    >>> import semdev as sd
    >>> from semdev.behaviour.fitting import fit
    >>> from semdev.behaviour.responses import load_simulated_children
    >>> found = fit(sd.solve(sd.load("living_things"), depth=2), load_simulated_children())
    >>> len(age_maps({"deep linear": found}).get_lines()[0].get_xdata())
    3
    """
    if not fits:
        raise ValueError("there is no fit to draw")
    ax = _style.make_axes(ax)
    handles: list[Artist] = []
    for k, (name, each) in enumerate(fits.items()):
        start, end = each.history["time"].values[[0, -1]]
        share = np.sqrt((each.age_map.to_numpy() - start) / (end - start))
        color = _style.CATEGORIES[k % len(_style.CATEGORIES)]
        ages = each.age_map.index.to_numpy(dtype=float)
        line = Line2D(ages, share, color=color, marker=_style.marker(k), markersize=4,
                      linewidth=1.4, label=name, clip_on=False)  # fmt: skip
        ax.add_line(line)
        handles.append(line)
        if known is not None and name in known:
            own = known[name].loc[[f"time at {age:g}" for age in ages], ["low", "high"]]
            low, high = np.sqrt((own.to_numpy().T - start) / (end - start))
            ax.vlines(ages, low, high, color=color, linewidth=0.8, label="_known")
    ax.autoscale_view()
    ax.set_ylim(0, 1)
    _style.finish(ax, x="age", y="√ share of recorded time")
    _style.legend_above(ax, handles)
    return ax


def model_scores(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Draw how much worse than the best model each other one foretells, in held-out answers.

    Differences of log-likelihood per answer with their intervals over participants: where the bar
    crosses the line, it is a tie. Baselines are grey; the grey band is the noise ceiling.

    Parameters
    ----------
    comparison : Comparison
        What `semdev.compare_fits` returned.
    ax : Axes, optional
        Where to draw; a new figure one column wide.

    Examples
    --------
    >>> import semdev as sd
    >>> from semdev.behaviour.contests import compare_fits
    >>> from semdev.behaviour.responses import load_simulated_children
    >>> children = load_simulated_children().query("participant < 'child 031'")
    >>> deep = sd.solve(sd.load("living_things"), depth=2)
    >>> ax = model_scores(compare_fits({"deep linear": deep}, children, folds=2))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['saturated', 'constant', 'deep linear']
    """
    table = comparison.table
    rows = table[table["kind"] != "ceiling"].iloc[::-1]
    best = table.loc[table["verdict"] == "best", "per_answer"].iloc[0]
    ends = table.loc[["lower ceiling", "upper ceiling"], "per_answer"] - best
    ax = _style.make_axes(ax, height=0.9 + 0.22 * len(rows))
    band = ax.axvspan(*ends, color=_style.GREY, alpha=0.25, linewidth=0, label="noise ceiling")
    ax.axvline(0.0, color="black", linewidth=0.8, label="_best")
    colors = np.where(rows["kind"] == "model", _style.CATEGORIES[0], _style.GREY)
    middle, low, high = rows[["difference", "low", "high"]].to_numpy().T
    for k, color in enumerate(colors):
        ax.plot([low[k], high[k]], [k, k], color=color, linewidth=1.4, label="_interval")
        ax.plot(middle[k], k, _style.MARKERS[0], color=color, markersize=4, label="_model")
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.set_yticks(range(len(rows)), rows.index.tolist())
    ax.set_ylim(-0.6, len(rows) - 0.4)
    _style.finish(ax, x="held-out log-likelihood per answer,\ndifference from the best model")
    _style.legend_above(ax, [Patch(color=band.get_facecolor(), label="noise ceiling")])
    return ax
