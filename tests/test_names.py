"""Names: the nearest match, what is allowed, and an error that reads as a sentence."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semdev._names import NameNotFoundError, require, suggest


@pytest.mark.parametrize(
    ("asked", "allowed", "said"),
    [
        ("has bone", ["can fly", "has bones"], "did you mean 'has bones'?"),
        ("ROBIN", ["robin", "oak"], "did you mean 'robin'?"),
        ("isa bird", ["ISA bird", "is big"], "did you mean 'ISA bird'?"),
        (3, ["3", "oak"], "did you mean '3'?"),
        ("xylophone", ["robin", "pine"], "allowed: robin, pine"),
        ("xylophone", [1, 2], "allowed: 1, 2"),
        ("robin", [], "there are none"),
        ("x", "abcdefgh", "allowed: a, b, c, d, e, f, g, h"),
        ("x", "abcdefghi", "allowed: a, b, c, d, e, f, g, h, … (9 in all)"),
    ],
)
def test_suggest_ends_a_sentence(asked, allowed, said):
    assert suggest(asked, allowed) == said


def test_suggest_lists_at_most_so_many():
    assert suggest("x", "abc", most=2) == "allowed: a, b, … (3 in all)"


@settings(deadline=None)
@given(st.lists(st.text("abcXYZ é", min_size=1), min_size=1, unique_by=str.casefold), st.randoms())
def test_suggest_finds_a_name_whatever_the_order_and_case(names, random):
    asked = names[0]
    random.shuffle(names)
    assert suggest(asked.swapcase(), names) == f"did you mean {asked!r}?"


def test_require_lets_what_is_there_pass():
    assert require("robin", iter(["oak", "robin"]), kind="item", where="the garden") is None


def test_require_says_what_was_asked_and_where():
    with pytest.raises(KeyError) as caught:
        require("robbin", ["oak", "robin"], kind="item", where="the garden")
    assert str(caught.value) == "no item 'robbin' in the garden; did you mean 'robin'?"


def test_error_survives_another_process():
    with pytest.raises(NameNotFoundError) as caught:
        require("robbin", ["robin"], kind="item", where="the garden")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert str(NameNotFoundError()) == ""
