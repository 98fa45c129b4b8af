"""The exact gradient flow of a linear network, integrated numerically."""

from __future__ import annotations

import numpy as np
from scipy import integrate

from semdev.data.patterns import Patterns

Run = tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]


def integrate_flow(layers: list[np.ndarray], patterns: Patterns, time: np.ndarray) -> Run:
    """Integrate dW_l/dt = −∂loss/∂W_l; return outputs, hidden layers and weights at `time`."""
    sizes = np.cumsum([w.size for w in layers])[:-1]
    shapes = [w.shape for w in layers]
    weigh = patterns.weights[:, None] * patterns.mask

    def unpack(flat: np.ndarray) -> list[np.ndarray]:
        return [part.reshape(s) for part, s in zip(np.split(flat, sizes), shapes, strict=True)]

    def forward(weights: list[np.ndarray]) -> list[np.ndarray]:
        layer = [patterns.inputs]
        for w in weights:
            layer.append(layer[-1] @ w.T)
        return layer

    def slope(_: float, flat: np.ndarray) -> np.ndarray:
        weights = unpack(flat)
        layer = forward(weights)
        error = (patterns.targets - layer[-1]) * weigh
        slopes = []
        for below, w in zip(layer[-2::-1], weights[::-1], strict=True):
            slopes.append((error.T @ below).ravel())
            error = error @ w
        return np.concatenate(slopes[::-1])

    flat = np.concatenate([w.ravel() for w in layers])
    span = (0.0, max(float(time[-1]), 1e-12))
    solution = integrate.solve_ivp(
        slope, span, flat, method="DOP853", t_eval=time, rtol=1e-10, atol=1e-13
    )
    if not solution.success:
        raise RuntimeError(f"the flow could not be integrated: {solution.message}")
    weights = [unpack(column) for column in solution.y.T]
    reached = [forward(each) for each in weights]
    hidden = [np.stack([layer[k] for layer in reached]) for k in range(1, len(layers))]
    outputs = np.stack([layer[-1] for layer in reached])
    return outputs, hidden, [np.stack(layer) for layer in zip(*weights, strict=True)]
