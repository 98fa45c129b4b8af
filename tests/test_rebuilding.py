"""Networks as they were: rebuilt from what was kept, and only from that."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import semdev as sd

WORLD = sd.load("saxe2019")
NET = sd.Rumelhart(5, 6)
KW = {"seeds": [3, 8], "steps": 20, "record": 5, "progress": False, "keep_weights": True}


@settings(max_examples=8)
@given(at=st.floats(0, 2))
def test_rebuilt_networks_answer_as_the_history_says(at: float) -> None:
    patterns = sd.make_patterns(WORLD, relations=True, soft=(0.1, 0.9), frequency={"rose": 2})
    history = sd.train(NET, patterns, **KW)
    nets = sd.rebuild(history, NET, patterns, at=at)
    then = history["output"].sel(time=at, method="nearest")
    for net, output in zip(nets, then.values, strict=True):
        answer = patterns.read_back(net(torch.tensor(patterns.inputs)).numpy())
        np.testing.assert_allclose(answer, output, atol=1e-12)


def test_some_of_the_networks_and_a_file(tmp_path) -> None:
    history = sd.train(NET, WORLD, **KW)
    path = sd.save_history(history.sel(seed=[8]), tmp_path / "one.nc")
    (net,) = sd.rebuild(sd.load_history(path), NET, WORLD)
    _, other = sd.rebuild(history, NET, WORLD)
    assert all(torch.equal(p, q) for p, q in zip(net.parameters(), other.parameters(), strict=True))
    assert not any(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize(
    "shown",
    [
        {"soft": (0.05, 0.95)},
        {"frequency": {"rose": 2}},
        {"frequency": {"can": 0.5}},
        {"observed": {"can fly": 0.5}},
    ],
)
def test_data_shown_otherwise_are_refused(shown: dict) -> None:
    patterns = sd.make_patterns(WORLD, relations=True, **shown)
    history = sd.train(NET, patterns, **KW)
    with pytest.raises(ValueError, match=r"saxe2019 shown otherwise .*the very patterns"):
        sd.rebuild(history, NET, WORLD)
    with pytest.raises(ValueError, match="shown otherwise"):
        sd.damage(history, NET, WORLD)


def test_another_model_is_noticed() -> None:
    history = sd.train(NET, WORLD, **KW)
    with pytest.warns(UserWarning, match=r"is of Rumelhart\(.*noise=0.0\), not of .*noise=0.1"):
        sd.rebuild(history, sd.Rumelhart(5, 6, noise=0.1), WORLD)
    with pytest.raises(ValueError, match=r"has the parameters .* those of another network"):
        sd.rebuild(history, lambda n, m: nn.Linear(n, m), sd.make_patterns(WORLD, relations=True))


def test_what_was_not_kept_cannot_be_rebuilt() -> None:
    history = sd.train(NET, WORLD, **(KW | {"keep_weights": False}))
    with pytest.raises(ValueError, match="train with keep_weights=True"):
        sd.rebuild(history, NET, WORLD)
    kept = sd.train(NET, WORLD, **KW)
    with pytest.raises(ValueError, match="at is a learning time; got nan"):
        sd.rebuild(kept, NET, WORLD, at=float("nan"))
