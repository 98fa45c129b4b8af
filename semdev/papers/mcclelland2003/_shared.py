"""What the figures share: networks trained once, epochs, a control, shares of networks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from semdev.data.corpora import load
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.measures.crossing import first_crossing
from semdev.measures.differentiation import differentiation
from semdev.models.networks import Shallow
from semdev.models.rumelhart import BIAS, Rumelhart
from semdev.training import train

EPOCHS = (250, 750, 2500)  # at which the paper shows representations (not re-read)
RATE = 0.1
LEAD = 0.05  # of its own half-time, by which a level must be ahead
RECORDS = 100
WIDE = Rumelhart().reach  # the end of the range of weights of variance .9


@dataclass(frozen=True)
class ShallowSigmoid:
    """One layer of sigmoid units with a fixed bias: the control, which has no hidden layer.

    Parameters
    ----------
    scale : float
        Standard deviation of the initial weights.
    bias : float
        Of every unit; not learned.
    """

    scale: float = 1e-5
    bias: float = BIAS

    def __call__(self, n_inputs: int, n_outputs: int) -> Any:
        """Build the network for `n_inputs` and `n_outputs`."""
        net: Any = Shallow(self.scale, bias=True, output="sigmoid")(n_inputs, n_outputs)
        net[0].bias.requires_grad_(False).fill_(self.bias)
        return net


@lru_cache(maxsize=2)
def train_eight(*, seeds: int | range, steps: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Train Rumelhart's network on the eight items with the published settings.

    Returns
    -------
    course, adult : History
        How outputs and representations develop, time in epochs; and the last state with the
        weights (for `rebuild`), time as it is.
    """
    history = train(
        Rumelhart(), load("rumelhart8"), seeds=seeds, learning_rate=RATE, steps=steps,
        record=list_epochs(steps), hidden=True, keep_weights=True, dtype="float32", progress=False,
    )  # fmt: skip
    weights = [str(name) for name in history.data_vars if str(name).startswith("parameter_")]
    adult = history.isel(time=[-1])
    return count_epochs(history.drop_vars([*weights, "hidden_2"])), adult.copy(deep=True)


def list_epochs(steps: int) -> list[int]:
    """Return at which epochs to record: denser early on, the paper's three among them.

    >>> epochs = list_epochs(1000)
    >>> epochs[:3], epochs[-1], 250 in epochs, 2500 in epochs
    ([0, 1, 2], 1000, True, False)
    """
    grid = (steps * np.linspace(0, 1, RECORDS) ** 2).round().astype(int)
    return sorted({*grid.tolist(), *(epoch for epoch in EPOCHS if epoch <= steps)})


def count_epochs(history: xr.Dataset) -> xr.Dataset:
    """Return a History whose time is counted in epochs (sweeps over all patterns)."""
    return history.assign_coords(time=("time", history["step"].values.astype(float)))


def train_shallow(
    data: Dataset | Patterns, *, linear: bool, steps: int, seeds: int | range
) -> xr.Dataset:
    """Train the control on items × relations; time in epochs.

    Linear units have a stability bound, and learn at half of it; sigmoid units at the paper's rate.
    """
    patterns = data if isinstance(data, Patterns) else make_patterns(data, relations=True)
    model: Any = Shallow() if linear else ShallowSigmoid()
    return count_epochs(
        train(
            model, patterns, seeds=seeds, learning_rate=None if linear else RATE,
            steps=None if linear else steps, record=RECORDS, progress=False,
        )
    )  # fmt: skip


def measure_levels(history: xr.Dataset) -> xr.Dataset:
    """Return when each level of the tree comes apart: half-way from where it began to its end.

    `differentiation` asks for half of the distance in the data; sigmoid networks whose initial
    weights are large begin at a good part of that, so that here the rise counts.

    Returns
    -------
    Dataset
        `between` of `differentiation`; `half_rise` (layer × seed × level, epochs);
        `ordered` (layer × seed, bool): every level ahead of the next by 5 % of its half-time;
        `ordered_by_end`: the same by the half-times of `differentiation`.
    """
    given = differentiation(history, margin=LEAD)
    found = given[["between"]]
    start, end = (found["between"].isel(time=k, drop=True) for k in (0, -1))
    half = first_crossing(found["between"], (start + end) / 2)
    lead = half.shift(level=-1) - half > LEAD * half
    return found.assign(
        half_rise=half,
        ordered=lead.isel(level=slice(-1)).all("level"),
        ordered_by_end=given["precedes"].isel(level=slice(-1)).all("level"),
    )


def head_epochs(axis: Axes, epochs: tuple[int, ...]) -> None:
    """Write epochs where a plot has written learning times above its columns."""
    heads = [text for text in axis.texts if text.get_text().startswith("t = ")]
    for text, epoch in zip(heads, epochs, strict=True):
        text.set_text(f"epoch {epoch}")
