"""Relearning: networks that go on learning while they go on losing."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import nn
from torch.func import functional_call

from semdev.building import Model, build_all
from semdev.damaging.lesions import KEPT, Lesion, read_answer
from semdev.data.patterns import Patterns
from semdev.history import get_provenance
from semdev.training import train


class Lesioned(nn.Module):
    """A network of which what is lost stays lost, however it learns."""

    def __init__(self, net: nn.Module, masks: Lesion) -> None:
        super().__init__()
        self.net = net
        self.masked = [key.removeprefix(KEPT) for key in masks]
        for k, mask in enumerate(masks.values()):
            self.register_buffer(f"mask_{k}", mask, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Answer without what is lost."""
        own = dict(self.net.named_parameters())
        left = {name: own[name] * getattr(self, f"mask_{k}") for k, name in enumerate(self.masked)}
        return functional_call(self.net, left, (x,))


def relearn_between(
    nets: Sequence[nn.Module],
    lesions: Sequence[Sequence[Lesion]],
    levels: np.ndarray,
    patterns: Patterns,
    trained: tuple[xr.Dataset, Model],
    seed: int,
    sweeps: int,
    progress: bool | None,
) -> np.ndarray:
    """Return answers after each step of damage and learning, seed × severity × draw × …."""
    history, model = trained
    how = get_provenance(history)
    numbers = history["seed"].values.tolist()
    fresh = build_all(model, patterns, [0])[0]
    free = {name: p.requires_grad for name, p in fresh.named_parameters()}
    count = len(lesions[0])
    patients = [copy.deepcopy(net) for net in nets for _ in range(count)]
    for net in patients:
        for name, p in net.named_parameters():
            p.requires_grad_(free[name])
    who = [(number, draw) for number in numbers for draw in range(count)]
    each = [lesion for own in lesions for lesion in own]
    answers = []
    for k, level in enumerate(levels):
        masks = [{key: kept[k] for key, kept in lesion.items()} for lesion in each]
        damaged = [Lesioned(net, mask) for net, mask in zip(patients, masks, strict=True)]
        if level == 0:
            shown = torch.tensor(patterns.inputs)
            with torch.no_grad():
                given = [read_answer(net(shown)).numpy() for net in damaged]
            answers.append(patterns.read_back(np.stack(given)))
            continue
        following = iter(damaged)
        done = train(
            lambda following=following: next(following), patterns,
            seeds=[_number(seed, *one, k) for one in who],
            learning_rate=how["learning_rate"], steps=sweeps, record=[sweeps],
            rule=how["rule"], presentation=how["presentation"], loss=how["loss"],
            momentum=how["momentum"], dtype=how["dtype"], keep_weights=True, progress=progress,
        )  # fmt: skip
        answers.append(done["output"].values[:, -1])
        _take_over(patients, damaged, done.isel(time=-1))
    shape = (len(numbers), count, *answers[0].shape[1:])
    return np.stack([answer.reshape(shape) for answer in answers], axis=1)


def _number(*parts: int) -> int:
    """Return a seed that only these numbers have."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))


@torch.no_grad()
def _take_over(
    patients: Sequence[nn.Module], damaged: Sequence[Lesioned], done: xr.Dataset
) -> None:
    """Write into the patients what they have learned."""
    names = [name for name, _ in damaged[0].named_parameters()]
    rest = [name for name in names if f"parameter_{name}" not in done]
    of = {name: f"parameter_{name}" for name in names}
    of |= {name: f"weights_{k}" for k, name in enumerate(rest, 1)}
    for k, net in enumerate(patients):
        net.double()  # `train` left them in its own precision
        for name, p in net.named_parameters():
            p.copy_(torch.tensor(done[of[f"net.{name}"]].values[k]))
