"""What stands for items in a network, and which part leads there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import semdev as sd
from semdev.building import build_all
from semdev.layers import find_feeder, find_own_units, read_answer

WORLD = sd.load("rumelhart8")
PATTERNS = sd.make_patterns(WORLD, relations=True)
SHOWN = torch.tensor(PATTERNS.inputs)


class TwoPaths(nn.Module):
    """Item and relation each have a layer of their own before they meet."""

    def __init__(self, n_inputs: int, n_outputs: int, n_relations: int, relation_first=False):
        super().__init__()
        self.k, self.relation_first = n_inputs - n_relations, relation_first
        self.item, self.relation = nn.Linear(self.k, 8), nn.Linear(n_relations, 4)
        self.joint, self.out = nn.Linear(12, 15), nn.Linear(15, n_outputs)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.relation_first:
            q = torch.sigmoid(self.relation(x[..., self.k :]))
            r = torch.sigmoid(self.item(x[..., : self.k]))
        else:
            r = torch.sigmoid(self.item(x[..., : self.k]))
            q = torch.sigmoid(self.relation(x[..., self.k :]))
        h = torch.sigmoid(self.joint(torch.cat([r, q], -1)))
        return torch.sigmoid(self.out(h)), r


class Sum(nn.Module):
    """Representation and relation are added below the hidden units."""

    def __init__(self, n_inputs: int, n_outputs: int, n_relations: int) -> None:
        super().__init__()
        self.k = n_inputs - n_relations
        self.item, self.up = nn.Linear(self.k, 8), nn.Linear(8, 15)
        self.context, self.out = nn.Linear(n_relations, 15), nn.Linear(15, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        r = torch.sigmoid(self.item(x[..., : self.k]))
        return self.out(torch.sigmoid(self.up(r) + self.context(x[..., self.k :])))


@pytest.mark.parametrize("relation_first", [False, True])
def test_a_layer_of_relations_is_no_part_of_the_representation(relation_first: bool) -> None:
    def model(n_inputs, n_outputs, n_relations):
        return TwoPaths(n_inputs, n_outputs, n_relations, relation_first=relation_first)

    net = build_all(model, PATTERNS, [0])[0].double()
    own = find_own_units(net, SHOWN, PATTERNS.relations)
    assert [len(units) for units in own] == [0, 0, 8, 15]
    assert own[2].tolist() == list(range(8))
    feeders = [find_feeder(net, SHOWN, PATTERNS.relations, k, own[k]) for k in (2, 3)]
    assert feeders == ["item", "joint"]
    kw = {"seeds": 2, "steps": 5, "learning_rate": 0.1, "progress": False}
    history = sd.train(model, WORLD, hidden=True, keep_weights=True, **kw)
    assert history["hidden_1"].dims == ("seed", "time", "item", "unit_1")
    assert history["hidden_1"].sizes["unit_1"] == 8
    patients = sd.damage(history, model, WORLD, kind="weight noise", severity=[100.0], draws=2)
    # The relation is still told apart when nothing is known of the item any more.
    assert int(patients["units"]) == 8


def test_the_feeder_is_what_carries_the_item() -> None:
    net = build_all(Sum, PATTERNS, [1])[0].double()
    own = find_own_units(net, SHOWN, PATTERNS.relations)
    calls = [k for k, units in enumerate(own) if len(units)]
    found = [find_feeder(net, SHOWN, PATTERNS.relations, k, own[k]) for k in calls]
    assert found == ["item", "up"]


@given(seed=st.integers(0, 2**31), units=st.integers(1, 30))
def test_silent_units_are_units(seed: int, units: int) -> None:
    model = sd.Rumelhart(units, 9, activation="relu", bias="free")
    net = build_all(model, PATTERNS, [seed])[0].double()
    own = find_own_units(net, SHOWN, PATTERNS.relations)
    assert [len(each) for each in own] == [0, units, 9]


def test_an_embedding_leads_into_a_layer_without_a_matrix() -> None:
    class Embedded(nn.Module):
        def __init__(self, n_inputs: int, n_outputs: int, n_relations: int) -> None:
            super().__init__()
            self.embed = nn.Embedding(n_inputs - n_relations, 6)
            self.out = nn.Linear(6 + n_relations, n_outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            r = self.embed(x[..., :8].argmax(-1))
            return torch.sigmoid(self.out(torch.cat([r, x[..., 8:]], -1)))

    kw = {"seeds": 2, "steps": 5, "learning_rate": 0.1, "progress": False}
    history = sd.train(Embedded, WORLD, keep_weights=True, **kw)
    patients = sd.damage(history, Embedded, WORLD, kind="units", severity=[1.0], draws=1)
    assert (str(patients["layer"].values), int(patients["units"])) == ("hidden_1", 6)
    silent = patients["output"].sel(severity=1.0, property="has skin")
    assert float(np.ptp(silent.values, axis=-1).max()) < 1e-12  # all items alike
    with pytest.raises(ValueError, match=r"no nn.Linear of .*Embedded leads into hidden_1"):
        sd.damage(history, Embedded, WORLD, kind="weights", severity=[0.5])


def test_answers_may_come_first_of_several() -> None:
    assert read_answer((1, 2)) == 1
    assert read_answer([3]) == 3
    assert read_answer(4) == 4
