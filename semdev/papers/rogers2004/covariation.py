"""Figure 5: coherent covariation, frequency held equal."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from semdev.measures.covariation import covariation
from semdev.papers.checks import FEW, Check, Share, spread
from semdev.papers.drawing import letter_panels
from semdev.papers.rogers2004._shared import (
    EPOCH,
    SEEDS,
    STEPS,
    Data,
    share,
    train_names,
    train_shallow,
)
from semdev.plots._style import CATEGORIES, finish, legend_above

BEARERS = 4  # of the properties drawn: eleven are borne by four items
FACTS = ("is", "can", "has")


def fig5_data(*, seeds: int = SEEDS, steps: int = STEPS) -> Data:
    """Claim: of properties equally frequent, those that go with others are learned sooner.

    Bark, branches, petals, wings, feathers, scales, gills and fur each belong to four items, which
    are of one kind; red, yellow and white to four as well, scattered over the kinds. Chapter 3 and
    chapter 6 of the book; which figures, is unconfirmed. The control has the same patterns,
    targets and biases, and no hidden layer.
    """
    runs = {
        "network": train_names("half", seeds=seeds, steps=steps, whole=True),
        "shallow": train_shallow("half", seeds=seeds, steps=steps),
    }
    return {name: covariation(run, among=list(FACTS)) for name, run in runs.items()}


def fig5_checks(data: Data) -> list[Check]:
    """Hold figure 5 against its claims."""
    halves = {name: _split(found) for name, found in data.items()}
    (together, scattered), (alike, lone) = halves["network"], halves["shallow"]
    correlation = data["network"]["correlation"]
    every = together.max("property") < scattered.min("property")
    middle = together.median("property") < scattered.median("property")
    gap = np.abs(alike.median("property") / lone.median("property") - 1)
    return [
        Check(
            "properties of four items of one kind are learned before those of four scattered ones",
            f"epochs {spread(together.median('property') / EPOCH, form='.0f')} against "
            f"{spread(scattered.median('property') / EPOCH, form='.0f')}; in {share(middle)} of "
            f"{middle.sizes['seed']} networks (medians), each before each in {share(every)}",
            "medians, in most networks", Share.of(middle).is_usual, "published", panel="a",
            expected="sooner",
            note="a colour that by chance is coded like a kind is learned with it",
        ),
        Check(
            "the more company, the sooner, among properties taught as often",
            f"rank correlation of time with covariation {spread(correlation)}; below 0 in "
            f"{share(correlation < 0)}",
            "below 0 in most networks", Share.of(correlation < 0).is_usual, "published",
            panel="b", expected="below 0", note=FEW,
        ),
        Check(
            "control without a hidden layer: together, whatever their company",
            f"medians differ by {spread(gap)} of the time",
            "medians within 2 % in every network", (gap <= 0.02).all(), panel="a",
            expected="0: each output learns by itself",
        ),
    ]  # fmt: skip


def fig5(data: Data | None = None) -> Figure:
    """Draw when each of eleven properties is learned, and the rank correlations."""
    data = fig5_data() if data is None else data
    figure = Figure(figsize=(7.0, 3.2), layout="constrained")
    times, ranks = figure.subplots(1, 2, width_ratios=(1.5, 1))
    for (name, found), color, shift in zip(data.items(), CATEGORIES, (0.12, -0.12), strict=False):
        chosen = found.isel(property=np.flatnonzero(_compare(found)))
        order = np.argsort(chosen["covariation"].values, kind="stable")
        epochs = (chosen["acquired"] / EPOCH).isel(property=order)
        low, middle, high = epochs.quantile([0.025, 0.5, 0.975], "seed").values
        places = np.arange(len(middle))
        times.errorbar(
            middle, places + shift, xerr=[middle - low, high - middle], fmt="o", ms=4, capsize=2,
            lw=1, color=color, label=LABELS[name],
        )  # fmt: skip
        company = chosen["covariation"].values[order]
        texts = [
            f"{prop} ({c:.1f})"
            for prop, c in zip(chosen["property"].values[order].tolist(), company, strict=True)
        ]
        times.set_yticks(places, texts)
    times.set_xlim(0, None)
    finish(times, x="epoch at which it is learned", y="property (its company c)")
    correlation = data["network"]["correlation"].values
    ranks.hist(correlation, bins=np.linspace(-1, 1, 41).tolist(), color=CATEGORIES[0])
    ranks.axvline(0, color="black", lw=0.6)
    finish(ranks, x="rank correlation of time and company", y="networks")
    legend_above(times, times.get_legend_handles_labels()[0])
    letter_panels((times, ranks))
    return figure


LABELS = {"network": "network", "shallow": "no hidden layer"}


def _compare(found: xr.Dataset) -> np.ndarray:
    """Return which properties are borne by four items and compared."""
    return (found["bearers"].values == BEARERS) & (found["stratum"].values > 0)


def _split(found: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Return when parts (of one kind) and colours (scattered) are learned, both of four items."""
    chosen = found.isel(property=np.flatnonzero(_compare(found)))
    relation = np.char.partition(chosen["property"].values.astype(str), " ")[:, 0]
    times = chosen["acquired"].fillna(np.inf)
    return (
        times.isel(property=np.flatnonzero(relation == "has")),
        times.isel(property=np.flatnonzero(relation == "is")),
    )
