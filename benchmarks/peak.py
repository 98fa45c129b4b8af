"""How many operations a second this machine can do: square matrix products in float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

SIZE = 2048
OPERATIONS = 2 * SIZE**3


def make_products() -> dict[str, Callable[[], object]]:
    """Return functions that multiply two large matrices, by NumPy's library and by torch's."""
    a, b = (np.random.default_rng(seed).random((SIZE, SIZE), dtype=np.float32) for seed in (0, 1))
    c, d = torch.from_numpy(a), torch.from_numpy(b)
    return {"matmul, numpy": lambda: a @ b, "matmul, torch": lambda: c @ d}
