"""Beliefs come back from a page as they were, to less than 1e-6."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import semdev as sd
from semdev.explorer.encoding import EXACT, LARGE, pack_beliefs, unpack_beliefs

numbers = st.floats(-1e4, 1e4, allow_nan=False)


@given(beliefs=arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 9)), elements=numbers))
def test_any_numbers_come_back(beliefs: np.ndarray) -> None:
    error = np.abs(unpack_beliefs(pack_beliefs(beliefs)) - beliefs).max()
    assert error <= EXACT * max(1.0, np.abs(beliefs).max() / LARGE)


@pytest.mark.parametrize("model", [sd.DeepLinear(12), sd.Rumelhart()], ids=["linear", "Rumelhart"])
def test_learners_take_little_room(model: object) -> None:
    world = sd.load("rogers2004")
    history = sd.train(model, world, seeds=1, dtype="float32", record=120, progress=False)
    beliefs = history["output"].values[0].reshape(history.sizes["time"], -1).astype(float)
    packed = pack_beliefs(beliefs)
    assert np.abs(unpack_beliefs(packed) - beliefs).max() < 1e-6
    # Less than as float32, of which a page with several learners would have to hold all.
    assert packed["cells"].nbytes + packed["times"].nbytes < 0.7 * beliefs.nbytes / 2


def test_nothing_believed_is_packed_as_well() -> None:
    assert (unpack_beliefs(pack_beliefs(np.zeros((3, 5)))) == np.zeros((3, 5))).all()
