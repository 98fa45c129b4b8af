"""What all interventions share: new weights that practise under frozen ones, at given ages."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from torch import nn

from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns
from semdev.training import train

SHARE = 0.1  # of the learning rate at which a network would learn its strongest direction at once


def select_ages(history: xr.Dataset, at: float | Sequence[float] | None) -> xr.Dataset:
    """Return the History at the recorded times nearest to those asked for."""
    time = history["time"].values
    ages = time[-1:] if at is None else np.atleast_1d(np.asarray(at, dtype=float))
    if ages.ndim != 1 or not len(ages) or not np.isfinite(ages).all():
        raise ValueError(f"at is an age (learning time) or a list of them; got {at!r}")
    return history.isel(time=np.unique(np.abs(time[:, None] - ages).argmin(0)))


def find_gains(known: np.ndarray, rate: float | None, what: str) -> np.ndarray:
    """Return by what to multiply so that 1 is the strongest direction, seed × time."""
    strongest = np.linalg.norm(known, ord=2, axis=(-2, -1))
    if not (strongest > 0).all():
        raise ValueError(f"{what} 0 in {(strongest <= 0).sum()} networks: nothing can be learned")
    return np.ones_like(strongest) if rate is not None else 1 / strongest


def make_lesson(
    table: xr.DataArray, items: np.ndarray, properties: np.ndarray, values: np.ndarray
) -> Patterns:
    """Return patterns, one for each item, in which only the taught cells are taught."""
    table.values[items, properties] = values
    mask = np.zeros(table.shape)
    mask[items, properties] = 1.0
    lesson = Dataset(table, name="a lesson")
    return Patterns(
        lesson, np.eye(len(table)), table.values, mask, np.ones(len(table)),
        np.repeat(np.arange(len(table))[:, None], table.shape[1], axis=1),
        np.full(len(table), "", dtype="U1"),
    )  # fmt: skip


def practise(
    nets: Sequence[nn.Module],
    lesson: Patterns,
    gain: np.ndarray,
    rate: float | None,
    steps: int,
    record: int | Sequence[int],
    *,
    loss: str = "squared error",
    hidden: bool = False,
    progress: bool | None = False,
) -> tuple[xr.Dataset, np.ndarray]:
    """Train; return the History of practice (network × step) and each network's learning rate.

    Weights w = gain × w′ that descend on w′ at a rate λ′ descend on w at the rate λ′ gain².
    """
    shared = SHARE if rate is None else rate
    done = train_given(
        nets, lesson, learning_rate=shared, steps=steps, record=record, loss=loss, hidden=hidden,
        progress=progress,
    )  # fmt: skip
    return done, shared * gain**2


def train_given(nets: Sequence[nn.Module], lesson: Patterns, **options: Any) -> xr.Dataset:
    """Return the History of these networks, trained further; they may well be alike."""
    following = iter(nets)

    def build() -> nn.Module:
        return next(following)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the networks of seeds .* begin alike")
        return train(build, lesson, seeds=len(nets), **options)


def descend(
    vectors: np.ndarray, known: np.ndarray, values: np.ndarray, rate: np.ndarray, steps: np.ndarray
) -> np.ndarray:
    """Return answers after so many steps of descent from 0, seed × time × practice × row."""
    a, s, bt = np.linalg.svd(known, full_matrices=False)
    s = s[..., None, :]  # … × practice × direction
    reached = 1 - (1 - rate[..., None, None] * s**2) ** steps[:, None]
    share = reached / np.where(s > 1e-12 * s[..., :1], s, np.inf)
    w = share * np.einsum("...tk,t->...k", a, values)[..., None, :] @ bt
    return np.einsum("...pu,...iu->...pi", w, vectors)


def collect_answers(
    then: xr.Dataset,
    answer: np.ndarray,
    expected: np.ndarray,
    taught: tuple[np.ndarray, np.ndarray],
    rate: np.ndarray,
    steps: np.ndarray,
    dim: str,
) -> xr.Dataset:
    known = np.full(then.sizes[dim], np.nan)
    known[taught[0]] = taught[1]
    answer = answer.reshape(expected.shape)
    missing = np.abs(answer[..., -1, taught[0]] - taught[1]).max(-1) / np.abs(taught[1]).max()
    dims = ("seed", "time", "practice", dim)
    return xr.Dataset(
        {
            "answer": (dims, answer),
            "predicted": (dims, expected),
            "error": (dims[:2], missing),
            "learning_rate": (dims[:2], rate),
        },
        coords={k: then[k] for k in ("seed", "time", dim)}
        | {"practice": steps, "taught": (dim, known)},
    )


def flatten(values: np.ndarray) -> np.ndarray:
    """Return seed × time × … as network × …."""
    return values.reshape(-1, *values.shape[2:])
