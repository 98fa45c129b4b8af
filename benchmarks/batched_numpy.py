"""Batched NumPy, as one writes it by hand: seeds stacked, the gradient written out."""

from __future__ import annotations

import numpy as np

from benchmarks.tasks import Task


def learn(task: Task, seeds: int, updates: int) -> np.ndarray:
    """Train the networks of the first seeds at once; return their losses at the end."""
    weights = [w[:seeds].copy() for w in task.weights]
    find = Rumelhart(task) if task.relations else find_linear
    for update in range(updates):
        x, y = task.inputs, task.targets
        if task.per_pattern:
            k = update % len(x)
            x, y = x[k : k + 1], y[k : k + 1]
        for w, slope in zip(weights, find(weights, x, y)[1], strict=True):
            w -= task.learning_rate * slope
    outputs = find(weights, task.inputs, task.targets)[0]
    return ((outputs - task.targets) ** 2).sum((1, 2)) / 2


def find_linear(
    weights: list[np.ndarray], x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return outputs and the slopes of a deep linear network's weights."""
    activity = [np.broadcast_to(x, (len(weights[0]), *x.shape))]
    for w in weights:
        activity.append(activity[-1] @ w.swapaxes(1, 2))
    delta = activity[-1] - y
    slopes = []
    for layer in reversed(range(len(weights))):
        slopes.append(delta.swapaxes(1, 2) @ activity[layer])
        if layer:
            delta = delta @ weights[layer]
    return activity[-1], slopes[::-1]


class Rumelhart:
    """Slopes of Rumelhart's network with fixed biases."""

    def __init__(self, task: Task) -> None:
        self.bias = np.float32(task.model.bias)
        self.n_items = task.weights[0].shape[2]

    def __call__(
        self, weights: list[np.ndarray], x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return outputs and slopes."""
        to_r, to_h, to_y = weights
        items, relations = x[:, : self.n_items], x[:, self.n_items :]
        r = self.squash(items @ to_r.swapaxes(1, 2))
        asked = np.broadcast_to(relations, (len(r), *relations.shape))
        both = np.concatenate([r, asked], axis=2)
        h = self.squash(both @ to_h.swapaxes(1, 2))
        outputs = self.squash(h @ to_y.swapaxes(1, 2))
        above = (outputs - y) * outputs * (1 - outputs)
        middle = (above @ to_y) * h * (1 - h)
        below = (middle @ to_h[:, :, : r.shape[2]]) * r * (1 - r)
        return outputs, [
            below.swapaxes(1, 2) @ items,
            middle.swapaxes(1, 2) @ both,
            above.swapaxes(1, 2) @ h,
        ]

    def squash(self, z: np.ndarray) -> np.ndarray:
        """Return sigmoid activity."""
        return 1 / (1 + np.exp(-(z + self.bias)))
