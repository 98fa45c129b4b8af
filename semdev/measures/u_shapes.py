"""U-shapes: what was right is unlearned for a while, and learned again."""

from __future__ import annotations

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.history import check
from semdev.measures.categories import expect_history
from semdev.measures.modes import take_seeds

ROUNDING = 1e-12


def u_shapes(
    history: xr.Dataset,
    *,
    margin: float = 0.05,
    depth: int | None = None,
    initial: float | None = None,
) -> xr.Dataset:
    """Return, for every cell, how far what was right is unlearned before it is learned again.

    An answer is right by

        c(t) = 1 − |target − output| / range,

    range being the distance between the highest and the lowest target: 1 is right, 0 is the other
    answer. Its regress is the largest fall that is made good again,

        regress = max over t₁ < t₂ < t₃ of min(c(t₁), c(t₃)) − c(t₂).

    A true cell has one where a belief falls and recovers, a false one where a correct rejection is
    given up and found again (the penguin flies, for a while; Rogers & McClelland 2004). In a false
    cell that is the peak less the higher of the lowest beliefs before and after it, where
    `overgeneralizations` asks for a rise above the first and the last: a network whose first
    answers are random may come to be right, unlearn that and never exceed its first answer. In a
    shallow linear network with one-hot items every answer moves straight to its target, and the
    regress is 0; in a deep one it takes modes of opposite sign in one cell (Saxe, McClelland &
    Ganguli 2019). The measure is ours.

    Parameters
    ----------
    history : xr.Dataset
        A History; falls between its records are not seen.
    margin : float
        The smallest move that counts, as a share of the range, above 0.
    depth : int, optional
        Number of weight matrices of the linear network that predicts; the History's.
    initial : float, optional
        Its starting strength; by default that which fits the half-time of the strongest mode,
        and nothing else, to this History (see `calibrate_start`).

    Returns
    -------
    Dataset
        Over seed × item × property: `regress`, a share of the range, 0 to 1 for answers within
        it; `u_shaped` (bool), whether it is at least the margin, and in such cells, in learning
        time (NaN in others), `bottom`, t₂, and `before` and `after`, the last record before and
        the first after it in which c was as high as the lower of the two tops; `count`, how often
        c turned from rising by the margin or more to falling by it, or the other way round: 0
        for a course that only rises, 1 for a fall from what was right at first and back, 2 where
        it rose before that. Over item × property: `predicted`, the regress of a linear network
        (NaN where closed forms do not apply). The coordinate `true` (item × property) is whether
        the cell is true: its target above the middle.

    Raises
    ------
    ValueError
        A margin that is not between 0 and 1, or targets that are all alike.

    Examples
    --------
    >>> import semdev as sd
    >>> found = sd.u_shapes(sd.solve(sd.load("rogers2004"), depth=2)).isel(seed=0)
    >>> found["regress"].sel(item="penguin", property=["can fly", "can swim"]).values.round(2)
    array([0.55, 0.13])
    >>> float(sd.u_shapes(sd.solve(sd.load("rogers2004"), depth=1))["regress"].max())
    0.0
    """
    if not 0 < margin < 1:
        raise ValueError(f"margin is a share of the range, between 0 and 1; got {margin}")
    target = check(history)["target"]
    low, high = float(target.min()), float(target.max())
    if not high > low:
        raise ValueError(
            f"every target is {low:g}: with nothing to tell apart, right and wrong have no scale"
        )
    time = history["time"].values
    right = _be_right(history, high - low)
    regress, points = find_regress(right)
    expected = expect_history(history, depth=depth, initial=initial)
    predicted = find_regress(_be_right(expected, high - low))[0][0]
    u_shaped = regress >= margin
    dims = ("seed", "item", "property")
    when = {
        name: (dims, np.where(u_shaped, time[index], np.nan))
        for name, index in zip(("before", "bottom", "after"), points, strict=True)
    }
    result = xr.Dataset(
        {
            "regress": (dims, regress),
            "u_shaped": (dims, u_shaped),
            **when,
            "count": (dims, count_turns(right, margin)),
            "predicted": (dims[1:], predicted),
        },
        coords={
            **take_seeds(history),
            **{k: history[k].values for k in dims[1:]},
            "relation": ("property", history["relation"].values),
            "true": (dims[1:], target.values > (low + high) / 2),
        },
    )
    return say_measure("u_shapes", result)


def _be_right(history: xr.Dataset, scale: float) -> np.ndarray:
    """Return how right each answer is, time first."""
    wrong = abs(history["target"] - history["output"]) / scale
    return 1 - wrong.transpose("time", "seed", "item", "property").values


def find_regress(c: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return the largest fall that is made good again along the first axis, and its three points.

    With P the highest value so far and S the highest still to come it is max_t [min(P, S) − c],
    one pass each way; 0 where it is no more than rounding, NaN of a course with NaN.

    >>> depth, (before, bottom, after) = find_regress(np.array([0.2, 0.9, 0.8, 0.3, 0.7, 1.0]))
    >>> float(depth), int(before), int(bottom), int(after)
    (0.6, 1, 3, 5)
    """
    so_far = np.maximum.accumulate(c, axis=0)
    to_come = np.maximum.accumulate(c[::-1], axis=0)[::-1]
    level = np.minimum(so_far, to_come)
    bottom = (level - c).argmax(0)
    top = np.take_along_axis(level, bottom[None], 0)[0]
    regress = top - np.take_along_axis(c, bottom[None], 0)[0]
    step = np.arange(len(c)).reshape(-1, *[1] * (c.ndim - 1))
    as_high = c >= top
    before = np.where(as_high & (step <= bottom), step, -1).max(0)
    after = np.where(as_high & (step >= bottom), step, len(c)).min(0)
    before, after = (np.clip(k, 0, len(c) - 1) for k in (before, after))  # NaN has neither
    regress = np.where(regress > ROUNDING, regress, regress * 0.0)
    return regress, (before, bottom, after)


def count_turns(c: np.ndarray, margin: float) -> np.ndarray:
    """Return how often a course turns along the first axis, moves below the margin left out.

    The longest sequence of moves up and down in turn, each of at least the margin, has one move
    more than there are turns. A fall counts as soon as the course is a margin below its highest
    value since the last turn.

    >>> int(count_turns(np.array([0.2, 0.9, 0.88, 0.3, 0.7, 1.0]), 0.05))
    2
    """
    highest, lowest = c[0].copy(), c[0].copy()  # since the last turn
    heading = np.zeros(c.shape[1:], dtype=int)  # 1 up, −1 down, 0 not known yet
    turns = np.zeros(c.shape[1:], dtype=int)
    for value in c[1:]:
        highest, lowest = np.maximum(highest, value), np.minimum(lowest, value)
        fell = (heading >= 0) & (highest - value >= margin)
        rose = (heading <= 0) & (value - lowest >= margin)
        turns += (fell & (heading == 1)) | (rose & (heading == -1))
        heading = np.where(fell, -1, np.where(rose, 1, heading))
        turned = fell | rose
        highest, lowest = np.where(turned, value, highest), np.where(turned, value, lowest)
    return turns
