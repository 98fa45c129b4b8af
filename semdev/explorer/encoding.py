"""Beliefs made small enough for a page, and exact enough to be read off it."""

from __future__ import annotations

import zlib
from bisect import bisect_left
from typing import Any

import numpy as np

EXACT = 6e-7  # the largest error of a belief,
LARGE = 25.0  # unless there are larger ones than this: then it grows with the largest


def pack_beliefs(beliefs: np.ndarray) -> dict[str, Any]:
    """Return beliefs over time as a few whole numbers for each cell, compressed.

    Trajectories resemble each other, so that a truncated singular value decomposition
    Ŷ ≈ U (S Vᵀ) holds them: U (time × component) and S Vᵀ (component × cell), rounded to
    multiples of `unit`. Most components are weak, so that most bytes of those numbers are 0.

    Parameters
    ----------
    beliefs : array, time × cell
        Finite numbers.

    Returns
    -------
    dict
        `times` (time × component, float64), `unit`, and `cells` (bytes, as uint8): the int32
        component × cell, first byte of all, second byte of all, …, lowest first, by zlib.
        `unpack_beliefs` reads it back with errors of at most `EXACT`, or
        where beliefs are larger than `LARGE`, `EXACT` / `LARGE` of the largest.

    Examples
    --------
    >>> time, cell = np.linspace(0, 1, 50)[:, None], np.arange(3000)
    >>> beliefs = time**2 * np.cos(cell)
    >>> packed = pack_beliefs(beliefs)
    >>> packed["times"].shape, packed["cells"].nbytes < beliefs.nbytes / 50
    ((50, 1), True)
    >>> bool(abs(unpack_beliefs(packed) - beliefs).max() < EXACT)
    True
    """
    allowed = EXACT * max(1.0, float(np.abs(beliefs).max()) / LARGE)
    u, s, v = np.linalg.svd(beliefs, full_matrices=False)
    count = 1 + bisect_left(
        range(1, len(s)),
        True,
        key=lambda k: bool(np.abs(u[:, :k] * s[:k] @ v[:k] - beliefs).max() <= allowed / 2),
    )
    unit = allowed / 2
    while True:
        times = np.ascontiguousarray(u[:, :count])
        whole = np.round(s[:count, None] * v[:count] / unit).astype("<i4")
        if np.abs(times @ whole * unit - beliefs).max() <= allowed:
            planes = whole.reshape(-1, 1).view(np.uint8).T.tobytes()
            cells = np.frombuffer(zlib.compress(planes), dtype=np.uint8)
            return {"times": times, "unit": unit, "cells": cells}
        unit, count = unit / 2, min(count + 8, len(s))


def unpack_beliefs(packed: dict[str, Any]) -> np.ndarray:
    """Return beliefs, time × cell, of what `pack_beliefs` returned."""
    planes = np.frombuffer(zlib.decompress(packed["cells"].tobytes()), dtype=np.uint8)
    whole = np.ascontiguousarray(planes.reshape(4, -1).T).view("<i4")
    return packed["times"] @ whole.reshape(packed["times"].shape[1], -1) * packed["unit"]
