"""Worlds without structure: what they keep, and what is left of nothing."""

from __future__ import annotations

import numpy as np
import pytest

import semdev as sd
from semdev.data.null_worlds import NULL_WORLDS, STREAMS


@pytest.mark.parametrize("kind", NULL_WORLDS)
def test_draws_differ_and_are_the_same_again(kind: str) -> None:
    world = sd.load("rogers2004")
    one, again, other = (
        sd.make_null_world(world, kind, random_state=state).properties for state in (1, 1, 2)
    )
    assert one.equals(again)
    assert not one.equals(other)
    assert one.shape == world.properties.shape


def test_kinds_have_streams_of_their_own() -> None:
    assert set(STREAMS) == set(NULL_WORLDS)
    assert len(set(STREAMS.values())) == len(STREAMS)


def test_names_alone_keeps_names_and_how_many_have_each_property() -> None:
    world = sd.load("rogers2004")
    null = sd.make_null_world(world, "names alone", random_state=3)
    table, drawn = world.properties, null.properties
    is_name = np.char.startswith(table["relation"].values.astype(str), "ISA")
    assert drawn[:, is_name].equals(table[:, is_name])
    assert (drawn.sum("item") == table.sum("item")).all()
    moved = (drawn[:, ~is_name] != table[:, ~is_name]).any("item")
    assert moved.mean() > 0.8


def test_names_alone_needs_names_and_something_else() -> None:
    world = sd.load("rogers2004")
    names = (
        world.properties["property"]
        .values[np.char.startswith(world.properties["relation"].values.astype(str), "ISA")]
        .tolist()
    )
    with pytest.raises(ValueError, match="every property is a name"):
        sd.make_null_world(world.select(properties=names), "names alone")
    with pytest.raises(ValueError, match="no property is a name"):
        sd.make_null_world(sd.load("saxe2019"), "names alone")
