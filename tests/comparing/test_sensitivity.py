"""Verdicts held against other thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from semdev.comparing.sensitivity import sensitivity


def test_shares_are_counted_at_each_threshold(comparison_of):
    values = {"a": [[0.6], [0.9], [1.1], [1.6]], "b": [[5.0]] * 4}
    found = sensitivity(comparison_of(values)).set_index("model")
    assert found.loc["a", [0.5, 0.75, 1.0, 1.25, 1.5, 2.0]].tolist() == [
        1,
        0.75,
        0.5,
        0.25,
        0.25,
        0,
    ]
    assert found["verdict"].tolist() == ["most do not", "most do"]  # half is not most
    assert found["flips"].tolist() == [(0.5, 0.75), ()]


def test_the_control_stays(comparison_of):
    found = sensitivity(comparison_of({"a": [[5.0]] * 4}, p=0.2))
    assert found[[0.5, 2.0]].values.tolist() == [[0, 0]]
    assert found["flips"].tolist() == [()]


@pytest.mark.parametrize(
    ("threshold", "shares"),
    [(-1.0, [1.0, 0.5, 0.0]), (0.0, [0.5, 0.0, 0.0])],  # at −1.5, −1, 0 and −.35, 0, .7
)
def test_thresholds_that_are_not_above_0_are_moved(comparison_of, threshold, shares):
    """A factor below 1 is always the milder one; the unit of 0 is the median of |value|, .7."""
    values = {"a": [[-1.2], [-1.1], [-0.3], [-0.3]]}
    found = sensitivity(comparison_of(values, threshold=threshold), factors=[0.5, 1.0, 2.0])
    assert found[[0.5, 1.0, 2.0]].values[0].tolist() == shares


def test_what_was_not_asked_has_no_verdict(comparison_of):
    values = {"a": [[np.nan, 2.0]] * 3}
    assert sensitivity(comparison_of(values))["phenomenon"].tolist() == ["phenomenon 1"]
    assert sensitivity(comparison_of({"a": [[np.nan]] * 3})).empty


def test_no_factors(comparison_of):
    with pytest.raises(ValueError, match="at least one factor"):
        sensitivity(comparison_of({"a": [[1.0]] * 3}), factors=[])
