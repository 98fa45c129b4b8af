"""Stages: when each mode is learned, how sharply, and how many plateaus the loss has."""

from __future__ import annotations

import itertools

import numpy as np
import xarray as xr
from scipy import signal

from semdev._measured import say_measure
from semdev.history import check
from semdev.measures.crossing import first_crossing
from semdev.measures.modes import mode_strengths, take_seeds
from semdev.measures.shapes import compare_shapes


def transitions(history: xr.Dataset) -> xr.Dataset:
    """Return when each mode of the data is learned, how sharply, and in which shape.

    Of the share r(t) = a_α(t) / s_α (`mode_strengths`): onset at 5 %, half-time at 50 %, rise
    from 10 % to 90 %, and sharpness = rise time ÷ half-time. A deep linear network's mode is
    logistic, with a sharpness near 2 ln 9 / ln(s/a₀ − 1), that falls to 0 with the starting
    strength a₀; a shallow one's is exponential, with ln 9 / ln 2 = 3.17 whatever the start
    (Saxe, McClelland & Ganguli 2014, 2019; sharpness derived here). Which of the two a curve is,
    is judged by BIC of least-squares fits to 60 evenly spaced times up to twice the time of 90 %.

    Parameters
    ----------
    history : xr.Dataset
        A History.

    Returns
    -------
    Dataset
        In learning time, over seed × mode: `onset`, `half_time`, `rise_time` (NaN if never
        reached). Pure numbers over seed × mode: `sharpness`, `bic_logistic`, `bic_exponential`
        (smaller is better), `sigmoidal` (bool, the logistic wins). Over seed: `stages`, see
        `count_stages`. Coordinates as in `mode_strengths`.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("saxe2019")
    >>> deep, shallow = (transitions(sd.solve(world, depth=d)).isel(seed=0) for d in (2, 1))
    >>> deep["sharpness"].values.round(2), deep["sigmoidal"].values
    (array([0.35, 0.36, 0.38, 0.38]), array([ True,  True,  True,  True]))
    >>> shallow["sharpness"].values.round(2), shallow["sigmoidal"].values
    (array([3.17, 3.17, 3.17, 3.17]), array([False, False, False, False]))
    """
    strength = mode_strengths(history)
    share = strength / strength["singular_value"]
    at = {level: first_crossing(share, level) for level in (0.05, 0.1, 0.5, 0.9)}
    rise = at[0.9] - at[0.1]
    fits = xr.apply_ufunc(
        compare_shapes, share, at[0.5], at[0.9], kwargs={"time": share["time"].values},
        input_core_dims=[["time"], [], []], output_core_dims=[["shape"]],
    )  # fmt: skip
    logistic, exponential = fits.isel(shape=0), fits.isel(shape=1)
    result = xr.Dataset(
        {
            "onset": at[0.05],
            "half_time": at[0.5],
            "rise_time": rise,
            "sharpness": rise / at[0.5],
            "bic_logistic": logistic,
            "bic_exponential": exponential,
            "sigmoidal": logistic < exponential,
            "stages": count_stages(history),
        }
    )
    return say_measure("transitions", result)


def stage_times(
    history: xr.Dataset, *, prominence: float = 1.2, least: float = 1e-3
) -> xr.DataArray:
    """Return when the loss drops from one plateau to the next.

    A stage is a peak of the rate of learning −d loss/dt, inside the run, that stands out from
    the troughs around it by a factor of `prominence` (by default a fifth, a dip that the eye sees
    in the curve), and in whose course (trough to trough) the loss falls by at least the share
    `least` of its first value. A factor, not a height, because a mode's rate at its peak is
    proportional to s³. (Stages as such: Saxe, McClelland & Ganguli 2019; the criterion is ours.) A
    learner whose rate only falls, such as a shallow network, has no stage.

    Parameters
    ----------
    history : xr.Dataset
        A History.
    prominence : float
        Factor, above 1.
    least : float
        Share of the first loss, 0 to 1.

    Returns
    -------
    DataArray, seed × stage
        Times; NaN where a seed has fewer stages than another.

    Examples
    --------
    >>> import semdev as sd
    >>> times = stage_times(sd.solve(sd.load("saxe2019"), depth=2, initial=1e-8))
    >>> times.isel(seed=0).values.round(1)
    array([3.5, 5.3, 8.8])
    """
    if not (prominence > 1 and 0 <= least < 1):
        raise ValueError(
            f"prominence is a factor above 1 and least a share; got {prominence} and {least}"
        )
    loss, time = check(history, whole=False)["loss"].values, history["time"].values
    found = [_find_stages(each, time, prominence, least) for each in loss]
    most = max(map(len, found))
    padded = np.full((len(found), most), np.nan)
    for row, times in zip(padded, found, strict=True):
        row[: len(times)] = times
    result = xr.DataArray(
        padded, dims=("seed", "stage"),
        coords={**take_seeds(history), "stage": np.arange(1, most + 1)}, name="stage_time",
    )  # fmt: skip
    return say_measure("stage_times", result)


def _find_stages(loss: np.ndarray, time: np.ndarray, prominence: float, least: float) -> np.ndarray:
    rate = -np.diff(loss) / np.diff(time)
    middle = (time[:-1] + time[1:]) / 2
    floor = 1e-9 * rate.max(initial=np.finfo(float).tiny)
    peaks, _ = signal.find_peaks(np.log(np.maximum(rate, floor)), prominence=np.log(prominence))
    if not len(peaks):
        return peaks.astype(float)
    troughs = [a + int(rate[a:b].argmin()) for a, b in itertools.pairwise(peaks)]
    fall = -np.diff(loss[np.array([0, *troughs, len(loss) - 1])])
    return middle[peaks[fall >= least * loss[0]]]


def count_stages(history: xr.Dataset) -> xr.DataArray:
    """Return how many stages (plateaus left behind) the loss of each seed shows: `stage_times`.

    Stages as such: Saxe, McClelland & Ganguli (2019); counted here by peaks of −dL/dt.

    Parameters
    ----------
    history : xr.Dataset
        A History.

    Returns
    -------
    DataArray, seed
        A number of stages, 0 for a loss that falls without a plateau.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("saxe2019")
    >>> int(count_stages(sd.solve(world, depth=2, initial=1e-8))[0])
    3
    >>> int(count_stages(sd.solve(world, depth=1))[0])
    0
    """
    result = stage_times(history).notnull().sum("stage").rename("stages")
    return say_measure("count_stages", result)
