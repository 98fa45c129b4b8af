"""Any module at all: batched over seeds and traced, or one network after the other."""

from __future__ import annotations

from threading import Lock
from typing import Any

import torch
from torch.fx.experimental.proxy_tensor import make_fx

from semdev.ensembles.base import Ensemble, Outputs, Program, State
from semdev.ensembles.tracing import simplify
from semdev.presenting import Shown

TRACING = Lock()  # make_fx patches modules while it traces, for all threads


class Batch(Ensemble):
    """Any module that torch.vmap can map over seeds; its gradient is traced once, then replayed."""

    how = "batched, traced"

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
        shapes = (self.size, shown.inputs.shape, *(noise.shape for noise in shown.noise.values()))
        with TRACING:
            if shapes not in self.traced:
                self.traced[shapes] = self._trace(seen)
        return self.traced[shapes](*seen)

    def _trace(self, seen: tuple[Any, ...]) -> Program:
        where = (0, 0 if seen[2].ndim == 3 else None)

        def go_back(free: State, rest: State, inputs: Any, targets: Any, taught: Any) -> Any:
            def answer(free: State) -> Outputs:
                state = {**rest, **free}
                return torch.vmap(self._answer_one, in_dims=where)(state, inputs)

            answers, pull = torch.func.vjp(answer, free)[:2]
            return pull(taught * self.loss.slope(answers, targets))[0]

        return simplify(make_fx(go_back)(*seen))


class Loop(Ensemble):
    """Any module at all, one seed after the other."""

    how = "one by one, autograd"
    side_by_side = False  # threads would wait for each other: Python does most of it

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
            loss = (taught * self.loss.cost(self._answer_one(state | free, inputs), targets)).sum()
            found = torch.autograd.grad(
                loss, list(free.values()), allow_unused=True, materialize_grads=True
            )
            for name, slope in zip(self.free, found, strict=True):
                slopes[name].append(slope)
        return {name: torch.stack(each) for name, each in slopes.items()}

    def _of(self, k: int) -> dict[str, torch.Tensor]:
        return {name: value[k] for name, value in {**self.parameters, **self.buffers}.items()}
