"""What the figures share: settings, ensembles trained once, curves over epochs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from semdev.data.corpora import load
from semdev.data.patterns import Patterns, make_patterns
from semdev.models.rumelhart import Rumelhart
from semdev.papers.mcclelland2003._shared import WIDE, ShallowSigmoid
from semdev.plots._style import draw_curve
from semdev.training import train

Data = dict[str, Any]

SEEDS = 50
EPOCHS = 12_000  # as many as the published figures show
EPOCH = 0.05  # learning time of an epoch: our learning rate, for the book's is not confirmed
STEPS = 3000  # updates into which we cut that time
SOFT = (0.05, 0.95)
CONTROLS = 2  # networks without a hidden layer: all end alike, their first weights being tiny
LANDMARKS = (200, 500, 1000, 2000, 4000, 6000, 8000, 12_000)  # epochs at which figures were read
EPOCH_LABEL = "epoch (of learning rate .05)"

# How often names are taught, properties being taught once.
FREQUENCIES: dict[str, dict[Any, float]] = {
    "half": dict.fromkeys(("ISA_general", "ISA_basic", "ISA_specific"), 0.5),
    "equal": {"ISA_general": 1 / 8, "ISA_basic": 1 / 4, "ISA_specific": 1.0},
    "basic": {"ISA_general": 1 / 16, "ISA_basic": 1 / 2, "ISA_specific": 1 / 16},
}


def choose_model(
    *, representation: int = 16, hidden: int = 16, noise: float = 0.05, reach: float = WIDE
) -> Rumelhart:
    """Return the network: by default 16 and 16 units, weights of variance .9, noise .05."""
    return Rumelhart(representation, hidden, noise=noise, uniform=reach)


def choose_patterns(
    names: str | dict[Any, float], *, soft: tuple[float, float] | None = SOFT
) -> Patterns:
    """Return the 21 items with every relation, names as often as `names` says."""
    often = FREQUENCIES[names] if isinstance(names, str) else names
    return make_patterns(load("rogers2004"), relations=True, frequency=often, soft=soft)


def choose_records(steps: int, *, epochs: int = EPOCHS) -> list[int]:
    """Return 61 steps, denser early on, and those of the epochs that the book's figures show."""
    shown = [steps * epoch / epochs for epoch in LANDMARKS if epoch <= epochs]
    even = steps * np.linspace(0, 1, 61) ** 2
    return np.unique(np.round([*even, *shown]).astype(int)).tolist()


@lru_cache(maxsize=16)
def train_names(
    names: str,
    *,
    seeds: int,
    steps: int,
    soft: tuple[float, float] | None = SOFT,
    whole: bool = False,
    **network: Any,
) -> xr.Dataset:
    """Return the History of an ensemble for 12 000 epochs, trained once for all figures.

    With `whole`, hidden layers and weights are in it.
    """
    return train(
        choose_model(**network), choose_patterns(names, soft=soft), seeds=seeds, steps=steps,
        learning_rate=EPOCHS * EPOCH / steps, record=choose_records(steps), dtype="float32",
        hidden=whole, keep_weights=whole,
    )  # fmt: skip


@lru_cache(maxsize=4)
def train_shallow(names: str, *, seeds: int, steps: int) -> xr.Dataset:
    """Return the History of the same patterns learned without a hidden layer."""
    return train(
        ShallowSigmoid(scale=0.01), choose_patterns(names), seeds=seeds, steps=steps,
        learning_rate=EPOCHS * EPOCH / steps, record=choose_records(steps), dtype="float32",
    )  # fmt: skip


def at_epoch(values: xr.DataArray | xr.Dataset, epoch: float) -> Any:
    """Return what was recorded nearest to an epoch."""
    return values.sel(time=epoch * EPOCH, method="nearest")


def count_epochs(values: xr.DataArray) -> xr.DataArray:
    """Return the same values with epochs in place of learning time."""
    return values.assign_coords(time=values["time"] / EPOCH)


def draw_epochs(axis: Axes, values: xr.DataArray, color: Any, label: str, **line: Any) -> None:
    """Draw a median over epochs with the band that holds the central 95 % of the networks."""
    draw_curve(axis, count_epochs(values), interval=0.95, color=color, label=label, **line)


def share(truth: Any) -> str:
    """Return in how many per cent of the seeds something is so.

    >>> share(np.array([True, False]))
    '50 %'
    """
    return f"{100 * float(np.mean(truth)):.0f} %"
