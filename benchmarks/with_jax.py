"""JAX: one network's loss, `grad` of it, `vmap` over seeds, `scan` over updates, compiled."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.tasks import Task

Weights = list[jax.Array]


def answer_linear(weights: Weights, x: jax.Array) -> jax.Array:
    """Return a deep linear network's outputs."""
    for w in weights:
        x = x @ w.T
    return x


def answer_rumelhart(weights: Weights, x: jax.Array, bias: float) -> jax.Array:
    """Return the outputs of Rumelhart's network."""
    to_r, to_h, to_y = weights
    items, relations = x[:, : to_r.shape[1]], x[:, to_r.shape[1] :]
    r = jax.nn.sigmoid(items @ to_r.T + bias)
    h = jax.nn.sigmoid(jnp.concatenate([r, relations], axis=1) @ to_h.T + bias)
    return jax.nn.sigmoid(h @ to_y.T + bias)


def make_learner(task: Task, updates: int) -> Callable[[Weights], jax.Array]:
    """Return the function from stacked weights to losses after learning."""
    inputs, targets = jnp.asarray(task.inputs), jnp.asarray(task.targets)
    answer: Callable[..., jax.Array] = answer_linear
    if task.relations:
        answer = partial(answer_rumelhart, bias=task.model.bias)

    def measure_loss(weights: Weights, x: jax.Array, y: jax.Array) -> jax.Array:
        return ((answer(weights, x) - y) ** 2).sum() / 2

    def update(weights: Weights, k: Any) -> tuple[Weights, None]:
        x, y = inputs, targets
        if task.per_pattern:
            x = jax.lax.dynamic_slice_in_dim(inputs, k, 1)
            y = jax.lax.dynamic_slice_in_dim(targets, k, 1)
        slopes = jax.vmap(jax.grad(measure_loss), in_axes=(0, None, None))(weights, x, y)
        return [w - task.learning_rate * s for w, s in zip(weights, slopes, strict=True)], None

    def learn(weights: Weights) -> jax.Array:
        order = jnp.arange(updates) % len(task.inputs)
        weights, _ = jax.lax.scan(update, weights, order)
        return jax.vmap(measure_loss, in_axes=(0, None, None))(weights, inputs, targets)

    return learn


class Learner:
    """Compiles once for each amount of work, and remembers how long that took."""

    def __init__(self) -> None:
        self.compiled: dict[Any, Any] = {}
        self.seconds: dict[Any, float] = {}

    def __call__(self, task: Task, seeds: int, updates: int) -> np.ndarray:
        """Train the networks of the first seeds at once; return their losses at the end."""
        weights = [jnp.asarray(w[:seeds]) for w in task.weights]
        key = task.name, seeds, updates
        if key not in self.compiled:
            begun = time.perf_counter()
            learn = jax.jit(make_learner(task, updates))
            self.compiled[key] = learn.lower(weights).compile()
            self.seconds[key] = time.perf_counter() - begun
        return np.asarray(self.compiled[key](weights))
