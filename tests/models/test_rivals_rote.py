"""Learning by rote: what was seen, and nothing of what was not."""

from __future__ import annotations

import numpy as np
import pytest

import semdev as sd
from semdev.models.rivals.rote import Rote


@pytest.mark.parametrize("arrival", ["cells", "items", "properties"])
def test_all_is_learned_in_the_end_and_nothing_before_it_is_met(arrival: str) -> None:
    world = sd.load("rumelhart8")
    history = Rote(arrival=arrival).learn(world, seeds=[0, 1, 2])
    output, truth = history["output"], history["target"]
    assert (output.isel(time=0) == 0).all()
    assert (output.isel(time=-1) == truth).all()
    assert ((output == 0) | (output == truth)).all()
    assert (output.where(truth == 0) > 0).sum() == 0  # nothing is generalized


@pytest.mark.parametrize(("arrival", "along"), [("items", "property"), ("properties", "item")])
def test_what_arrives_together_is_learned_together(arrival: str, along: str) -> None:
    history = Rote(arrival=arrival).learn(sd.load("rumelhart8"), seeds=[0, 1])
    known = (history["output"] == 1).argmax("time").where(history["target"] == 1)
    assert (known.max(along) == known.min(along)).all()
    assert np.unique(known.min(along)).size > 3


def test_an_unknown_arrival_teaches() -> None:
    with pytest.raises(KeyError, match="did you mean 'items'"):
        Rote(arrival="item").learn(sd.load("saxe2019"), seeds=[0])
