"""Any module at all: batched over seeds and traced, or one network after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from semdev.data.patterns import Patterns
from semdev.ensembles.base import Ensemble, Outputs, State
from semdev.presenting import Shown


class Batch(Ensemble):
    """Any module that torch.vmap can map over seeds; its gradient is traced once, then replayed."""

    how = "batched, traced"

    def __init__(
        self, nets: list[nn.Module], patterns: Patterns, loss: str, momentum: float
    ) -> None:
        super().__init__(nets, patterns, loss, momentum)
        self.traced: dict[Any, Callable[..., dict[str, torch.Tensor]]] = {}

    @torch.no_grad()
    def answer(self) -> Outputs:
        """Return outputs, seed × pattern × output."""
        state = {**self.parameters, **self.buffers}
        return torch.vmap(self._answer_one, in_dims=(0, None))(state, self.inputs)

    @torch.no_grad()
    def _record_layers(self) -> list[torch.Tensor]:
        state = {**self.parameters, **self.buffers}
        return torch.vmap(self._layers_one, in_dims=(0, None))(state, self.inputs)

    def find_slopes(self, shown: Shown) -> dict[str, torch.Tensor]:
        """Return the slopes, by a program of tensor operations without autograd's bookkeeping."""
        free = {k: self.parameters[k] for k in self.free}
        rest = {**self.parameters, **self.buffers, **shown.noise}
        rest = {k: v for k, v in rest.items() if k not in free}
        seen = (free, rest, shown.inputs, shown.targets, shown.taught)
        shapes = (shown.inputs.shape, *(noise.shape for noise in shown.noise.values()))
        if shapes not in self.traced:
            self.traced[shapes] = self._trace(seen)
        return self.traced[shapes](*seen)

    def _trace(self, seen: tuple[Any, ...]) -> Callable[..., dict[str, torch.Tensor]]:
        where = (0, 0 if seen[2].ndim == 3 else None)

        def measure(free: State, rest: State, inputs: Any, targets: Any, taught: Any) -> Any:
            answers = torch.vmap(self._answer_one, in_dims=where)({**rest, **free}, inputs)
            return (taught * self.cost(answers, targets)).sum()

        program = make_fx(torch.func.grad(measure))(*seen)
        program.graph.eliminate_dead_code()
        program.recompile()
        return program


class Loop(Ensemble):
    """Any module at all, one seed after the other."""

    how = "one by one, autograd"

    @torch.no_grad()
    def answer(self) -> Outputs:
        """Return outputs, seed × pattern × output."""
        return torch.stack([self._answer_one(self._of(k), self.inputs) for k in range(self.size)])

    @torch.no_grad()
    def _record_layers(self) -> list[torch.Tensor]:
        each = [self._layers_one(self._of(k), self.inputs) for k in range(self.size)]
        return [torch.stack(layer) for layer in zip(*each, strict=True)]

    @torch.enable_grad()
    def find_slopes(self, shown: Shown) -> dict[str, torch.Tensor]:
        """Return the slopes by autograd, network by network."""
        slopes: dict[str, list[torch.Tensor]] = {name: [] for name in self.free}
        for k in range(self.size):
            state = self._of(k) | {name: noise[k] for name, noise in shown.noise.items()}
            free = {name: state[name].detach().requires_grad_() for name in self.free}
            inputs, targets, taught = (
                x[k] if x.ndim == 3 else x for x in (shown.inputs, shown.targets, shown.taught)
            )
            loss = (taught * self.cost(self._answer_one(state | free, inputs), targets)).sum()
            found = torch.autograd.grad(
                loss, list(free.values()), allow_unused=True, materialize_grads=True
            )
            for name, slope in zip(self.free, found, strict=True):
                slopes[name].append(slope)
        return {name: torch.stack(each) for name, each in slopes.items()}

    def _of(self, k: int) -> dict[str, torch.Tensor]:
        return {name: value[k] for name, value in {**self.parameters, **self.buffers}.items()}


class Apart(Ensemble):
    """Ensembles of one network each, one after the other."""

    def __init__(self, parts: list[Ensemble]) -> None:
        self.parts = parts
        self.size = len(parts)
        self.parameters = {
            f"{k}.{name}": p for k, part in enumerate(parts) for name, p in part.parameters.items()
        }
        self.inputs, self.targets, self.taught = parts[0].inputs, parts[0].targets, parts[0].taught
        self.cost, self.rule = parts[0].cost, parts[0].rule
        self.how = f"one by one, {parts[0].how.split(', ')[1]}"

    def answer(self) -> Outputs:
        """Return outputs, seed × pattern × output."""
        return torch.cat([part.answer() for part in self.parts])

    def find_noise(self) -> dict[str, tuple[float, int]]:
        """Return the noise layers of one."""
        return self.parts[0].find_noise()

    def record_hidden(self) -> list[torch.Tensor]:
        """Return hidden layers, each seed × pattern × unit."""
        each = [part.record_hidden() for part in self.parts]
        return [torch.cat(layer) for layer in zip(*each, strict=True)]

    def read_parameters(self) -> dict[str, torch.Tensor]:
        """Return all parameters, each seed × …."""
        each = [part.parameters for part in self.parts]
        return {name: torch.cat([one[name] for one in each]) for name in each[0]}

    def update(self, shown: Shown, rate: float) -> None:
        """Take one step, network by network."""
        for part in self.parts:
            part.update(shown, rate)
