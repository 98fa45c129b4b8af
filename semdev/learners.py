"""Learners: whatever learns from data under some seeds, called in one way."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr

from semdev.data.dataset import Dataset
from semdev.history import check
from semdev.training import NoHiddenLayerError, train

RECORDS = 100
KEPT = 3  # Histories


@runtime_checkable
class Learns(Protocol):
    """What learns by itself, as rivals of networks do."""

    def learn(self, data: Dataset, *, seeds: Sequence[int]) -> xr.Dataset:
        """Return a History."""


class Learner:
    """Something that learns, whatever it is: data and seeds in, a History out.

    Parameters
    ----------
    model : what learns
        Something that builds a network, as `train` takes it (`DeepLinear()`, `Rumelhart()`, an
        nn.Module class, a function that builds one); something with a method
        ``learn(data, *, seeds)`` that returns a History (see `semdev.models.rivals`); or any
        function ``f(data, seed)`` or ``f(data, seeds)`` that returns a History. Functions of data
        are told from functions that build networks by the names of these parameters.
    name : str, optional
        What it is called.

    Examples
    --------
    >>> import semdev as sd
    >>> learner = Learner(sd.DeepLinear(8), name="deep linear")
    >>> learner.learn(sd.load("saxe2019"), seeds=[0, 1]).sizes["seed"]
    2
    """

    def __init__(self, model: Any, *, name: str | None = None) -> None:
        self.model = model
        self.name = name or getattr(model, "__name__", None) or repr(model)
        self._learn, self.is_network = _find_way(model)
        self._kept: dict[Any, xr.Dataset] = {}

    def __repr__(self) -> str:
        return f"Learner({self.model!r}, name={self.name!r})"

    def learn(
        self, data: Dataset, *, seeds: Sequence[int], keep_weights: bool = False
    ) -> xr.Dataset:
        """Return a History of learning `data`, with hidden layers if there are any.

        The last few are remembered. Weights are kept of networks alone.

        Raises
        ------
        TypeError
            What comes back is no History of these seeds.
        """
        asked = (data.digest, tuple(seeds), keep_weights and self.is_network)
        richer = (*asked[:-1], True)
        known = self._kept.pop(richer, None)
        if known is not None:
            asked = richer  # weights beside what was asked for do no harm
        else:
            known = self._kept.pop(asked, None)
        if known is None:
            more = {"keep_weights": True} if asked[-1] else {}
            known = self._learn(data, list(seeds), **more)
            _check_history(known, seeds, self.name)
        self._kept[asked] = known  # the last one used is the last to go
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return known


def read_learner(model: Any, *, name: str | None = None) -> Learner:
    """Return a Learner of whatever learns.

    Raises TypeError for what cannot.
    """
    return model if isinstance(model, Learner) else Learner(model, name=name)


def _find_way(model: Any) -> tuple[Callable[..., xr.Dataset], bool]:
    """Return how something learns, and whether it builds networks."""
    if isinstance(model, Learns) and not isinstance(model, type):
        return lambda data, seeds: model.learn(data, seeds=seeds), False
    if not callable(model):
        raise TypeError(
            f"a model is something that builds a network, has a method learn(data, *, seeds), or "
            f"is a function of (data, seed) that returns a History; got {type(model).__name__}"
        )
    try:
        names: Mapping[str, Any] = inspect.signature(model).parameters
    except (TypeError, ValueError):
        names = {}
    if "data" in names and "seeds" in names:
        return lambda data, seeds: model(data, seeds=seeds), False
    if "data" in names and "seed" in names:
        return lambda data, seeds: _learn_one_by_one(model, data, seeds), False
    return lambda data, seeds, **more: _train(model, data, seeds, **more), True


def _train(model: Any, data: Dataset, seeds: Sequence[int], **more: Any) -> xr.Dataset:
    """Train networks, with their hidden layers if they have any."""
    settings = {"seeds": seeds, "record": RECORDS, "progress": False, **more}
    try:
        return train(model, data, hidden=True, **settings)
    except NoHiddenLayerError:
        return train(model, data, **settings)


def _learn_one_by_one(
    model: Callable[..., xr.Dataset], data: Dataset, seeds: Sequence[int]
) -> xr.Dataset:
    """Join Histories of one seed each.

    Where they were recorded at the same times and end at different ones, the shortest decides;
    otherwise see `_bring_together`.
    """
    each = [model(data, seed=seed) for seed in seeds]
    for history, seed in zip(each, seeds, strict=True):
        _check_history(history, [seed], getattr(model, "__name__", repr(model)))
    least = min(history.sizes["time"] for history in each)
    cut = [history.isel(time=slice(least)) for history in each]
    times = np.stack([history["time"].values for history in cut])
    if np.ptp(times, axis=0).any():
        cut = _bring_together(each)
    return xr.concat(
        cut, dim="seed", data_vars="minimal", coords="minimal", compat="override",
        combine_attrs="override",
    )  # fmt: skip


def _bring_together(histories: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Return Histories at the times of the one that ends last, interpolated linearly in between.

    One that had settled stays as it was at its end. Where one had not, nobody is followed further
    than that one, for how it went on is not known.
    """
    ends = [
        np.inf if history["settled"].all() else float(history["time"][-1]) for history in histories
    ]
    longest = max(histories, key=lambda history: float(history["time"][-1]))["time"].values
    grid = longest[longest <= min(ends)]
    return [
        history.interp(time=np.clip(grid, *history["time"].values[[0, -1]])).assign_coords(
            time=grid
        )
        for history in histories
    ]


def _check_history(history: Any, seeds: Sequence[int], name: str) -> None:
    """Refuse what is no History of these seeds.

    Raises TypeError.
    """
    if not isinstance(history, xr.Dataset):
        raise TypeError(
            f"{name} must return a History (see semdev.history), got {type(history).__name__}"
        )
    check(history)
    if history["seed"].values.tolist() != list(seeds):
        raise TypeError(
            f"{name} was given seeds {list(seeds)} and returned a History of "
            f"{history['seed'].values.tolist()}"
        )
