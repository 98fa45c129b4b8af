"""Running: networks learn, and are recorded, until the plan or learning itself ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from semdev.data.patterns import Patterns
from semdev.ensembles import Ensemble, Parts
from semdev.models.solving import SETTLED
from semdev.recording import Log, Plan


class DivergenceError(ArithmeticError):
    """The loss grew without bound."""


class Observer:
    """Looks at networks: at what is to be recorded of them."""

    def __init__(
        self, patterns: Patterns, *, hidden: bool, weights: Mapping[str, str] | None = None
    ) -> None:
        self.patterns = patterns
        self.hidden = hidden
        self.weights = weights or {}  # what parameters are called in records → their own names

    @torch.no_grad()
    def look(self, ensemble: Ensemble, *, judge: bool = False) -> dict[str, np.ndarray]:
        """Return what is recorded, each seed × …: outputs by item and property, loss, and more.

        To `judge` whether networks have settled, also how far each one's worst answer is off.
        """
        outputs = ensemble.answer()
        seen = {"loss": ensemble.measure_loss(outputs)}
        if judge:
            off = (ensemble.targets - outputs).abs() * (ensemble.taught > 0)
            seen["wrong"] = off.amax((1, 2))
        if self.hidden:
            seen |= {f"hidden_{k}": h for k, h in enumerate(ensemble.record_hidden(), 1)}
        seen |= {called: ensemble.parameters[name] for called, name in self.weights.items()}
        arrays = {name: values.cpu().numpy() for name, values in seen.items()}
        return arrays | {"output": self.patterns.read_back(outputs.cpu().numpy())}


def run(
    ensemble: Parts,
    observer: Observer,
    plan: Plan,
    log: Log,
    *,
    horizon: float,
    rate: float,
    bar: Any,
) -> np.ndarray:
    """Train until the plan or learning itself ends; return which seeds have settled."""
    scale = float(ensemble.parts[0].targets.abs().max())
    step, due = 0, plan.steps[0]
    while True:
        ensemble.advance(due - step)
        bar.update(due - step)
        step = due
        judge = plan.open_ended or step == plan.last
        now = ensemble.gather(partial(observer.look, judge=judge))
        wrong = now.pop("wrong", None)
        _refuse_divergence(now["loss"], log, step, rate)
        log.add(step, now)
        if wrong is not None:
            settled = (wrong <= SETTLED * scale) | _has_stopped(log, horizon)
            if settled.all() or step == plan.last:
                log.finish()
                return settled
            if len(log.steps) > 2 * plan.most:
                log.keep(range(0, len(log.steps), 2))
                plan.stride *= 2
        due = plan.find_next(step)


def _has_stopped(log: Log, horizon: float) -> np.ndarray:
    """Return for each seed whether its loss changed by under 0.1 % in the second half of a run.

    A plateau is no end. For linear networks, past the `horizon` by which the weakest mode is due,
    a flat loss is one; for others nobody knows what is due, so it must have fallen to 5 % of the
    first besides.
    """
    now, losses = log.steps[-1], log["loss"]
    first, after = losses[:, 0], losses[:, -1]
    halfway = int(np.searchsorted(log.steps, now / 2))
    if len(log.steps) - halfway < 10 or (now < horizon < math.inf):
        return np.zeros(len(first), dtype=bool)
    before = losses[:, halfway]
    flat = np.abs(before - after) <= 1e-3 * np.abs(before)
    return flat & ((after <= 0.05 * first) | (horizon < math.inf))


def _refuse_divergence(losses: np.ndarray, log: Log, step: int, rate: float) -> None:
    limit = 100 * log["loss"][:, 0] + 1e-12 if log.steps else np.inf
    bad = ~(losses < limit)  # NaN as well
    if bad.any():
        raise DivergenceError(
            f"{bad.sum()} of {len(bad)} networks diverged by step {step} (loss "
            f"{losses[bad][0]:.3g}) at learning rate {rate:.3g}; try learning_rate={rate / 4:.2g}, "
            "or smaller initial weights: the bound is that of small ones"
        )
