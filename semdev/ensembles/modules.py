"""Any module at all: batched over seeds and traced, or one network after the other."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from threading import Lock
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from semdev.data.patterns import Patterns
from semdev.ensembles.base import Ensemble, Outputs, State
from semdev.ensembles.tape import Tape
from semdev.ensembles.tracing import trace, write_down
from semdev.presenting import Shown

TRACING = Lock()  # make_fx patches modules while it traces, for all threads


class Batch(Ensemble):
    """Any module that torch.vmap can map over seeds; its gradient is traced once, then replayed.

    The answers ŷ of all networks are one function of their stacked parameters; from the slopes of
    the loss by them, taught × ∂loss/∂ŷ, its vector-Jacobian product gives the slopes by parameters.
    """

    how = "batched, traced"

    def __init__(self, nets: list[nn.Module], patterns: Patterns, loss: str) -> None:
        super().__init__(nets, patterns, loss)
        self.answering: tuple[Tape, Outputs] | None = None
        self.places: dict[Any, Any] = {}  # where what is computed goes

    @torch.no_grad()
    def rehearse(self) -> None:
        """Trace answers and slopes, and see that they are those of other patterns too.

        A module that reads its inputs in Python (``x.tolist()``) would have the first ones for
        good.

        Raises RuntimeError if they are not.
        """
        self.answer()
        first, every = self.presented.updates[0], self.presented.all
        self.find_slopes(first, Tape())
        count = first.inputs.shape[-2]

        def take_last(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
            return x[-count:].expand(like.shape).clone()

        last = Shown(
            take_last(every.inputs, first.inputs),
            take_last(every.targets, first.targets),
            take_last(every.taught, first.taught),
            first.noise,
        )
        tape = Tape()
        found = self.find_slopes(last, tape)
        tape.run()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "There is a performance drop")
            again = self._go_back(*self._gather(last))
        for name, slope in again.items():
            if not torch.allclose(found[name], slope, rtol=1e-3, atol=1e-6, equal_nan=True):
                raise RuntimeError("what it does depends on its inputs in a way not to be traced")

    @torch.no_grad()
    def answer(self) -> Outputs:
        """Return outputs, seed × pattern × output."""
        if self.answering is None:
            state, tape = {**self.parameters, **self.buffers}, Tape()
            self.answering = tape, self._do(self._answer_all, (state, self.inputs), tape)
        else:
            self.answering[0].run()
        return self.answering[1].clone()

    @torch.no_grad()
    def _record_layers(self) -> list[torch.Tensor]:
        state = {**self.parameters, **self.buffers}
        return torch.vmap(self._layers_one, in_dims=(0, None))(state, self.inputs)

    def find_slopes(self, shown: Shown, tape: Tape) -> dict[str, torch.Tensor]:
        """Return the slopes, by operations on tensors without autograd's bookkeeping."""
        return self._do(self._go_back, self._gather(shown), tape)

    def _gather(self, shown: Shown) -> tuple[Any, ...]:
        """Return what slopes hang on: free parameters, all else the network has, what is shown."""
        free = {k: self.parameters[k] for k in self.free}
        rest = {**self.parameters, **self.buffers, **shown.noise}
        rest = {k: v for k, v in rest.items() if k not in free}
        return free, rest, shown.inputs, shown.targets, shown.taught

    def _answer_all(self, state: State, inputs: torch.Tensor) -> Outputs:
        where = (0, 0 if inputs.ndim == 3 else None)
        return torch.vmap(self._answer_one, in_dims=where)(state, inputs)

    def _go_back(self, free: State, rest: State, inputs: Any, targets: Any, taught: Any) -> Any:
        answers, pull = torch.func.vjp(
            lambda free: self._answer_all({**rest, **free}, inputs), free
        )[:2]
        return pull(taught * self.loss.slope(answers, targets))[0]

    def _do(self, function: Callable[..., Any], given: tuple[Any, ...], tape: Tape) -> Any:
        """Return what a function of tensors returns, and write down how."""
        shapes = function.__name__, self.size, *(x.shape for x in tree_leaves(given))
        with TRACING, warnings.catch_warnings():
            # Some operations torch maps over seeds one by one, and says so.
            warnings.filterwarnings("ignore", "There is a performance drop")
            if shapes not in self.traced:
                self.traced[shapes] = trace(function, given)
        places = self.places.setdefault(shapes, {})
        return write_down(self.traced[shapes], given, tape, places)


class Loop(Ensemble):
    """Any module at all, one seed after the other."""

    how = "one by one, autograd"
    side_by_side = False  # threads would wait for each other: Python does most of it

    @torch.no_grad()
    def answer(self) -> Outputs:
        """Return outputs, seed × pattern × output."""
        return torch.stack([
            self._answer_one(self._of(k), self.inputs.clone()) for k in range(self.size)
        ])  # fmt: skip

    @torch.no_grad()
    def _record_layers(self) -> list[torch.Tensor]:
        each = [self._layers_one(self._of(k), self.inputs) for k in range(self.size)]
        return [torch.stack(layer) for layer in zip(*each, strict=True)]

    def find_slopes(self, shown: Shown, tape: Tape) -> dict[str, torch.Tensor]:
        """Return the slopes by autograd, network by network."""
        found = self._find_slopes(shown)

        def again() -> None:
            for name, slope in self._find_slopes(shown).items():
                found[name].copy_(slope)

        tape.operations.append(again)
        return found

    @torch.enable_grad()
    def _find_slopes(self, shown: Shown) -> dict[str, torch.Tensor]:
        slopes: dict[str, list[torch.Tensor]] = {name: [] for name in self.free}
        for k in range(self.size):
            state = self._of(k) | {name: noise[k] for name, noise in shown.noise.items()}
            free = {name: state[name].detach().requires_grad_() for name in self.free}
            inputs, targets, taught = (
                x[k] if x.ndim == 3 else x
                for x in (shown.inputs.clone(), shown.targets, shown.taught)
            )
            loss = (taught * self.loss.cost(self._answer_one(state | free, inputs), targets)).sum()
            found = torch.autograd.grad(
                loss, list(free.values()), allow_unused=True, materialize_grads=True
            )
            for name, slope in zip(self.free, found, strict=True):
                slopes[name].append(slope)
        return {name: torch.stack(each) for name, each in slopes.items()}

    def _of(self, k: int) -> dict[str, torch.Tensor]:
        """Return one network's state; what a module does to its buffers is gone afterwards."""
        own = {name: buffer[k].clone() for name, buffer in self.buffers.items()}
        return {name: value[k] for name, value in self.parameters.items()} | own
