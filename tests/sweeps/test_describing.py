"""Descriptions differ where values do, and are the same in every process."""

from __future__ import annotations

import collections
import datetime
import functools
import logging
import subprocess
import sys
import threading
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

import semdev as sd
from semdev.sweeps.describing import describe, describe_parts


def make(step, *, twice=False):
    constant = 2 if twice else 1

    def learn(x):
        # a comment
        return x + step + constant

    return learn


def test_functions_are_known_by_their_code_and_what_it_refers_to():
    assert describe(make(1)) == describe(make(1))
    assert describe(make(1)) != describe(make(2))
    assert describe(make(1)) != describe(make(1, twice=True))
    assert describe(partial(make(1), x=1)) != describe(partial(make(1), x=2))
    assert describe(lambda x: x in {"a", "b"}) == describe(lambda x: x in {"b", "a"})
    assert describe(lambda: other()) != describe(lambda: make(1))


def other():
    return other  # refers to itself


def test_globals_count_and_comments_do_not():
    def compile_with(source, **names):
        scope = dict(names)
        exec(source, scope)
        return describe(scope["f"])

    plain = compile_with("def f(x):\n    return x * rate", rate=1)
    assert plain == compile_with("# why\n\ndef f(x):\n\n    return x * rate  # so", rate=1)
    assert plain != compile_with("def f(x):\n    return x * rate", rate=2)
    assert plain != compile_with("def f(x):\n    return x + rate", rate=1)


def test_values_are_known_by_what_they_hold():
    worlds = sd.load("saxe2019"), sd.load("saxe2019"), sd.load("rumelhart8")
    assert describe(worlds[0]) == describe(worlds[1]) != describe(worlds[2])
    arrays = np.arange(9.0), np.arange(9.0), np.arange(9)
    assert describe(arrays[0]) == describe(arrays[1]) != describe(arrays[2])
    tables = [xr.DataArray(values, dims="item") for values in ([1, 2], [1, 2], [2, 1])]
    assert describe(tables[0]) == describe(tables[1]) != describe(tables[2])
    assert describe(SimpleNamespace(a=1)) != describe(SimpleNamespace(a=2))
    assert describe({"b", "a"}) == describe({"a", "b"}) == "{'a', 'b'}"
    assert describe(sd.Shallow(bias=True)) != describe(sd.Shallow())
    assert len(describe(list(range(1000)))) < 300


def test_descriptions_are_the_same_in_every_process():
    code = (
        "from semdev.sweeps.describing import describe\n"
        "def learn(x): return describe if x in {'a', 'b', 'c'} else [x for x in 'ab']\n"
        "found = describe(learn), describe({'q', 'r', 's'})"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(found)"], capture_output=True, text=True, check=True
    )
    scope = {"__name__": "__main__"}
    exec(code, scope)
    assert elsewhere.stdout.strip() == str(scope["found"])
    assert "learn " in elsewhere.stdout


class Slotted:
    __slots__ = ("size",)

    def __init__(self, size):
        self.size = size


class Plain:
    def __init__(self, size):
        self.size = size


@pytest.mark.parametrize(
    "make",
    [
        lambda k: Path("ab"[k]),
        lambda k: range(k),
        lambda k: slice(k),
        lambda k: datetime.date(2000 + k, 1, 1),
        lambda k: pd.Timestamp(2000 + k, 1, 1),
        lambda k: collections.deque([k]),
        lambda k: collections.Counter([k]),
        lambda k: collections.namedtuple("Point", "x")(k),
        lambda k: bytearray([k]),
        lambda k: Fraction(k, 7),
        lambda k: Slotted(k),
        lambda k: Plain(k),
        lambda k: MappingProxyType({1: k}),
        lambda k: {k: 1}.keys(),
        lambda k: np.random.default_rng(k),
        lambda k: np.array([Slotted(k)], dtype=object),
        lambda k: np.ma.array([1, 2], mask=[k, 1 - k]),
        lambda k: np.dtype(["f4", "f8"][k]),
        lambda k: [torch.float32, torch.float64][k],
        lambda k: torch.full((2,), k, dtype=torch.bfloat16),
        lambda k: pd.DataFrame({"ab"[k]: [1]}),
        lambda k: pd.DataFrame({"a": [1]}, index=["xy"[k]]),
        lambda k: pd.DataFrame({"a": [1]}, dtype=["int64", "float64"][k]),
        lambda k: pd.Series([1], name="ab"[k]),
        lambda k: pd.Index([1], name="ab"[k]),
        lambda k: xr.DataArray([1], dims="ab"[k]),
        lambda k: logging.getLogger("ab"[k]),
        lambda k: [k].count,
        lambda k: partial(print, k),
    ],
)
def test_other_values_are_described_otherwise(make):
    assert describe(make(0)) == describe(make(0))
    assert describe(make(0)) != describe(make(1))
    assert " at 0x" not in describe(make(0))


def test_what_is_no_value_is_known_by_its_kind():
    assert describe(threading.Lock()) == describe(threading.Lock())


CLASS = """
class Learner:
    '''{doc}'''
    rate = {rate}
    def __call__(self):
        '''{doc}'''
        return self.rate
    @staticmethod
    def begin():
        return {begin}
    @classmethod
    def go_on(cls):
        return {go_on}
    @property
    def end(self):
        return {end}
    @functools.cached_property
    def all(self):
        return {all}
f = Learner()
"""
SAME = {"doc": 0, "rate": 0, "begin": 0, "go_on": 0, "end": 0, "all": 0}


def run(source, **names):
    scope = {"__name__": "__main__", "functools": functools, **names}
    exec(source, scope)
    return scope["f"]


def test_all_that_a_class_holds_counts_and_its_docstrings_do_not():
    first = run(CLASS.format_map(SAME))
    before = describe(first)
    assert first.all == 0  # and is kept by the object
    assert describe(first) == before
    for name in SAME:
        same = describe(run(CLASS.format_map(SAME | {name: 1}))) == before
        assert same == (name == "doc"), name


def test_docstrings_of_functions_do_not_count():
    plain = describe(run("def f(x):\n    return x or None"))
    assert describe(run("def f(x):\n    'Double it.'\n    return x or None")) == plain
    assert describe(run("def f(x):\n    return x or 'Double it.'")) != plain


def test_a_wrapper_counts():
    source = (
        "def wrap(g):\n"
        "    @functools.wraps(g)\n"
        "    def h(*given): return g(*given) * {}\n"
        "    return h\n"
        "@wrap\n"
        "def f(x): return x"
    )
    found = [describe(run(source.format(k))) for k in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
    wrapped = [functools.wraps(sd.train)(lambda k=k: k) for k in (1, 2)]
    assert describe(wrapped[0]) != describe(wrapped[1])
    assert describe(functools.cache(wrapped[0])) == describe(wrapped[0])


def test_settings_kept_on_a_function_count():
    def learn(x):
        return x * learn.rate

    learn.rate = 1
    before = describe(learn)
    learn.rate = 2
    assert describe(learn) != before


@pytest.mark.parametrize("how", ["import my_helper as h", "import my_helper.deep as h"])
@pytest.mark.parametrize("inside", [False, True])
def test_helpers_beside_a_file_count_where_they_are_used(tmp_path, monkeypatch, how, inside):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    source = f"def f(x):\n    {how}\n    return h.double(x)"
    if not inside:
        source = f"{how}\ndef f(x):\n    return h.double(x)"

    def look(factor, unused=0):
        code = "from my_numbers import FACTOR\ndef double(x):\n    return FACTOR * x"
        package = tmp_path / "my_helper"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text(f"{code}\nother = {unused}")
        (package / "deep.py").write_text(f"{code}\nother = {unused}")
        (tmp_path / "my_numbers.py").write_text(f"FACTOR = {factor}")
        for name in ("my_helper", "my_helper.deep", "my_numbers"):
            sys.modules.pop(name, None)
        return describe(run(source))

    assert look(2) == look(2) == look(2, unused=1)
    assert look(2) != look(3)


def test_parts_say_what_has_changed():
    log, world = [], sd.load("saxe2019")

    def learn(x):
        log.append(x)
        return world

    before, parts = describe_parts(learn)
    learn(3)
    after, others = describe_parts(learn)
    assert before != after
    name = f"log in {learn.__qualname__}"
    assert {k: (v, others[k]) for k, v in parts.items() if v != others[k]} == {name: ("[]", "[3]")}
    assert parts[f"world in {learn.__qualname__}"] == "saxe2019 bc4620e6eeefa761"


def test_many_functions_that_refer_to_each_other_are_described_soon():
    names = ", ".join(f"f{k}" for k in range(100))
    calls = "\n".join(f"def f{k}(): return {names}" for k in range(100))
    found = describe(run(f"{calls}\nf = f0"))
    assert found != describe(run(f"{calls}\ndef f99(): return 1\nf = f0"))
