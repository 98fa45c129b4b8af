"""The landscape of the loss: curvature at saddles and solutions, and where restarts end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.linalg import eigh_tridiagonal
from torch.func import functional_call

from semdev._names import require
from semdev._progress import tqdm
from semdev.building import Model, build_all, describe_model
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.history import check
from semdev.models.networks import count_linear_layers
from semdev.models.plateaus import Fit, fit_modes, predict_curvature
from semdev.threads import fit_threads
from semdev.training import train

DENSE = 800  # parameters up to which the whole Hessian is faster than Lanczos
USUAL = 12  # records reported on unless times are given
EXACT = 1e-8  # error of an eigenvalue from Lanczos, as a share of the one farthest from 0


def saddle_report(
    history: xr.Dataset,
    model: Model,
    data: Dataset | Patterns,
    *,
    times: Sequence[float] | np.ndarray | None = None,
    seeds: Sequence[int] | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """Return where on the landscape of the loss networks are: slope, curvature, modes learned.

    A network lingers where the gradient nearly vanishes; whether that is a saddle shows in the
    Hessian's smallest eigenvalue. Beside the measured numbers stand those of the balanced saddle
    at which the same modes are learned (`semdev.models.plateaus.predict_curvature`, derived
    there): with one hidden layer the smallest is −max s of the modes not learned; with more it is
    0 wherever modes are learned in order, and at the origin the whole Hessian vanishes: the way
    out of these saddles is not of second order. Between saddles, in the middle of a transition,
    measured and predicted differ, and the gradient says so.

    Eigenvalues are of the exact Hessian of the loss over all weights, in double precision: in full
    for up to 800 weights, else by Lanczos from products with vectors, to within 1e-8 of the one
    farthest from 0. For some thousand weights that takes up to half a second a time and seed.

    Parameters
    ----------
    history : xr.Dataset
        A History with weights: `train(…, keep_weights=True)`.
    model : factory or nn.Module class
        What was trained. Its parameters must be the matrices of one chain, without biases.
    data : Dataset or Patterns
        What was learned.
    times : sequence of float, optional
        Learning times; the nearest records are taken. Default: at most 12 of the records, the
        first, the last and others evenly spread in number (in time they are denser early on, as
        records are); `times=history["time"]` takes all.
    seeds : sequence of int, optional
        Which seeds; default all.
    progress : bool, optional
        As for `train`.

    Returns
    -------
    Dataset, over seed × time
        `loss`; `gradient` (its norm); `smallest`, `largest` (eigenvalues); `rank` (how many modes
        are more than half learned); and for linear networks, else NaN, `predicted_loss`,
        `predicted_smallest`, `predicted_largest` (the latter two NaN where there is no closed
        form; no hidden layer: the eigenvalues of Σ_xx).

    Raises
    ------
    KeyError
        No such seed.
    ValueError
        The History has no weights, or model and data do not fit them.

    Examples
    --------
    >>> import semdev as sd
    >>> world, model = sd.load("saxe2019"), sd.DeepLinear(hidden=8)
    >>> deep = sd.train(model, world, seeds=1, keep_weights=True)
    >>> end = saddle_report(deep, model, world, times=deep["time"].values[-1:])
    >>> float(end["largest"].item()), float(end["predicted_largest"].item())    # 2√7
    (5.3, 5.3)
    """
    names = [
        f"weights_{k}" for k in range(1, 1 + sum("weights_" in str(v) for v in check(history)))
    ]
    if not names:
        raise ValueError("this History has no weights: train with keep_weights=True")
    if seeds is not None:
        for seed in seeds:
            require(seed, history["seed"].values.tolist(), kind="seed", where="this History")
        history = history.sel(seed=list(seeds))
    if times is None:
        number = history.sizes["time"]
        chosen = np.linspace(0, number - 1, min(number, USUAL)).round().astype(int)
    else:
        away = np.abs(history["time"].values - np.atleast_1d(times)[:, None])
        chosen = np.unique(away.argmin(axis=1))
    history = history.isel(time=chosen)
    surface = Surface(model, data)
    layers = [history[name].values for name in names]
    shape = history.sizes["seed"], history.sizes["time"]
    flat = [w.reshape(-1, *w.shape[2:]) for w in layers]
    table = {
        name: (("seed", "time"), np.reshape(values, shape))
        for name, values in surface.report(flat, progress).items()
    }
    return xr.Dataset(table, coords={k: history[k] for k in ("seed", "time", "step")})


def measure_curvature(
    model: Model, data: Dataset | Patterns, weights: Sequence[np.ndarray]
) -> xr.Dataset:
    """Return loss, gradient and extreme curvature at given weights.

    The same numbers as `saddle_report`, for any weights at all: of a saddle made by hand, of
    `semdev.initial_weights`, of another program.

    Parameters
    ----------
    model, data
        As for `saddle_report`.
    weights : sequence of arrays
        First layer first, each (seed ×) output × input.

    Returns
    -------
    Dataset, over seed
        As `saddle_report`.

    Raises
    ------
    ValueError
        The weights do not fit the model.

    Examples
    --------
    At the origin the smallest eigenvalue is −s₁ with one hidden layer, 0 with two.

    >>> import semdev as sd
    >>> world = sd.load("saxe2019")
    >>> flat = [np.zeros((8, 4)), np.zeros((7, 8))]
    >>> float(measure_curvature(sd.DeepLinear(8), world, flat)["smallest"][0]) ** 2
    7.00
    >>> flat = [np.zeros((8, 4)), np.zeros((8, 8)), np.zeros((7, 8))]
    >>> float(measure_curvature(sd.DeepLinear([8, 8]), world, flat)["smallest"][0])
    0.0
    """
    layers = [np.asarray(w, dtype=float) for w in weights]
    layers = [w[None] if w.ndim == 2 else w for w in layers]
    number = max((len(w) for w in layers), default=0)
    if any(w.ndim != 3 or len(w) not in (1, number) for w in layers):
        raise ValueError(
            f"weights are (seed ×) output × input, with one number of seeds; got shapes "
            f"{[np.shape(w) for w in weights]}"
        )
    layers = [np.broadcast_to(w, (number, *w.shape[1:])) for w in layers]
    table = {
        name: ("seed", np.asarray(v)) for name, v in Surface(model, data).report(layers).items()
    }
    return xr.Dataset(table, coords={"seed": np.arange(number)})


def restart(
    model: Model,
    data: Dataset | Patterns,
    *,
    seeds: int | Iterable[int],
    steps: int,
    learning_rate: float | None = None,
    tolerance: float = 1e-9,
    progress: bool | None = None,
) -> xr.Dataset:
    """Return where many networks from random weights end: at the best there is, or elsewhere.

    The loss of a deep linear network has no local minima that are not global, only saddles (Baldi
    & Hornik 1989; Kawaguchi 2016). So whoever has not reached the least loss after `steps` should
    be found falling, or on a saddle with a way down. What is neither is counted as trapped.

    Parameters
    ----------
    model, data
        As for `saddle_report`. The initial weights are the model's own: give it a large `scale`
        for starts all over the landscape.
    seeds : int or iterable of int
        How many starts, or which.
    steps : int
        Updates, at least 10.
    learning_rate : float, optional
        As for `train`. Large weights may need a smaller one than the default.
    tolerance : float
        How far above the least loss a network may be that has reached it, as a share of the loss
        of answering 0 everywhere.
    progress : bool, optional
        As for `train`.

    Returns
    -------
    Dataset, over seed
        `first_loss`, `loss`; `excess` (loss above `predicted_loss`); `gradient`, `smallest`,
        `largest` at the end; `reached` (bool: within the tolerance), `falling` (bool: the excess
        fell by over 0.1 % in the last tenth of the run), `downhill` (bool: the smallest
        eigenvalue is below −1e-6 of the largest), `trapped` (bool: none of the three). Without
        seed: `predicted_loss`, the least that a linear network of this width can have. What
        nonlinear networks can reach is not known, nor what properties observed in part allow: for
        these `predicted_loss` and `excess` are NaN, and nobody counts as having reached the least
        loss or as trapped above it.

    Raises
    ------
    ValueError
        Bad steps or tolerance, a model with biases.

    Examples
    --------
    >>> import semdev as sd
    >>> ends = restart(sd.DeepLinear(8, scale=0.5), sd.load("saxe2019"), seeds=10, steps=4000)
    >>> int(ends["reached"].sum()), int(ends["trapped"].sum())
    (10, 0)
    """
    if not isinstance(steps, (int, np.integer)) or steps < 10:
        raise ValueError(f"steps is a number of updates, at least 10; got {steps!r}")
    if not 0 < tolerance < 1:
        raise ValueError(f"tolerance is a share of the loss between 0 and 1, got {tolerance}")
    patterns = make_patterns(data)
    surface = Surface(model, patterns)
    run = train(
        model, patterns, seeds=seeds, steps=int(steps), learning_rate=learning_rate,
        record=[0, int(steps) * 9 // 10, int(steps)], keep_weights=True, progress=progress,
    )  # fmt: skip
    last = run.isel(time=-1)
    layers = [last[name].values for name in run if str(name).startswith("weights_")]
    found = surface.report(layers, progress)
    best = surface.least_loss([w[0] for w in layers])
    weighted = patterns.weights[:, None] * patterns.mask
    scale = float(np.sum(weighted * patterns.targets**2)) / 2
    loss = np.asarray(found["loss"])
    excess, fell = loss - best, run["loss"].values[:, -2] - loss
    reached = excess <= tolerance * scale
    falling = fell > 1e-3 * np.abs(excess if np.isfinite(best) else loss)
    smallest, largest = np.asarray(found["smallest"]), np.asarray(found["largest"])
    downhill = smallest < -1e-6 * largest
    columns = {
        "first_loss": run["loss"].values[:, 0], "loss": loss, "excess": excess,
        "gradient": np.asarray(found["gradient"]), "smallest": smallest, "largest": largest,
        "reached": reached, "falling": falling, "downhill": downhill,
        "trapped": ~(reached | falling | downhill) & np.isfinite(best),
    }  # fmt: skip
    table: dict[str, Any] = {name: ("seed", values) for name, values in columns.items()}
    return xr.Dataset({**table, "predicted_loss": best}, coords={"seed": run["seed"].values})


class Surface:
    """The loss of one kind of network on one set of patterns, as a function of its weights."""

    def __init__(self, model: Model, data: Dataset | Patterns) -> None:
        self.patterns = make_patterns(data)
        self.net = build_all(model, self.patterns, [0])[0].double()
        self.names = [name for name, _ in self.net.named_parameters()]
        self.shapes = [tuple(p.shape) for p in self.net.parameters()]
        if any(len(shape) != 2 for shape in self.shapes):
            raise ValueError(
                f"{describe_model(model)} has parameters that are no weight matrices (biases): a "
                "History does not keep them, so that the landscape around it is not known"
            )
        self.depth = count_linear_layers(self.net)
        p = self.patterns
        self.inputs, self.targets, taught = (
            torch.tensor(x, dtype=torch.float64)
            for x in (p.inputs, p.targets, p.mask * p.weights[:, None])
        )
        self.taught = taught
        self.fit: Fit | None = fit_modes(p) if (p.mask == 1).all() else None

    def answer(self, flat: torch.Tensor) -> torch.Tensor:
        """Return outputs, pattern × output, for all weights in one vector."""
        parts = flat.split([a * b for a, b in self.shapes])
        weights = {
            name: part.reshape(shape)
            for name, part, shape in zip(self.names, parts, self.shapes, strict=True)
        }
        return functional_call(self.net, (weights, dict(self.net.named_buffers())), (self.inputs,))

    def measure_loss(self, flat: torch.Tensor) -> torch.Tensor:
        """Return ½ Σ weight × (target − output)²."""
        return (self.taught * (self.targets - self.answer(flat)) ** 2).sum() / 2

    def find_extremes(self, flat: torch.Tensor) -> tuple[float, float]:
        """Return the smallest and the largest eigenvalue of the Hessian."""
        size = len(flat)
        if size <= DENSE:
            whole = torch.func.jacrev(torch.func.grad(self.measure_loss))(flat)
            values = torch.linalg.eigvalsh((whole + whole.mT) / 2)
            return float(values[0]), float(values[-1])
        point = flat.clone().requires_grad_(True)
        slope = torch.autograd.grad(self.measure_loss(point), point, create_graph=True)[0]

        def multiply(vector: torch.Tensor) -> torch.Tensor:
            return torch.autograd.grad(slope, point, vector, retain_graph=True)[0]

        start = torch.as_tensor(np.random.default_rng(0).normal(size=size))
        if not slope.requires_grad or not multiply(start).any():
            return 0.0, 0.0
        return _find_ends(multiply, start)

    def least_loss(self, layers: Sequence[np.ndarray]) -> float:
        """Return the least loss of a linear network so wide; NaN where it is not known."""
        if self.depth is None or self.fit is None:
            return np.nan
        widths = [len(w) for w in layers[:-1]]
        return float(self.fit.losses()[min([len(self.fit.s), *widths])])

    def report(
        self, layers: Sequence[np.ndarray], progress: bool | None = None
    ) -> dict[str, np.ndarray]:
        """Return what there is to say at each of many weights, layers of point × output × input."""
        if [tuple(w.shape[1:]) for w in layers] != self.shapes:
            raise ValueError(
                f"the weights have shapes {[w.shape[1:] for w in layers]}, this network on "
                f"{self.patterns.data.name} needs {self.shapes}"
            )
        bar = tqdm(
            range(len(layers[0])), delay=0.0 if progress else 1.0, disable=progress is False,
            desc="measuring curvature", unit="network", leave=False,
        )  # fmt: skip
        with bar, fit_threads(sum(w[0].size for w in layers) * len(self.inputs)):
            rows = [self._describe([w[k] for w in layers]) for k in bar]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def _describe(self, layers: Sequence[np.ndarray]) -> dict[str, float | int]:
        flat = torch.tensor(np.concatenate([w.ravel() for w in layers]), dtype=torch.float64)
        point = flat.clone().requires_grad_(True)
        loss = self.measure_loss(point)
        slope = torch.autograd.grad(loss, point)[0]
        smallest, largest = self.find_extremes(flat)
        row: dict[str, float | int] = {
            "loss": loss.item(), "gradient": float(slope.norm()),
            "smallest": smallest, "largest": largest, "rank": -1,
            "predicted_loss": np.nan, "predicted_smallest": np.nan, "predicted_largest": np.nan,
        }  # fmt: skip
        if self.fit is None:
            return row
        held = np.flatnonzero(self.fit.shares(self.answer(flat).detach().numpy()) >= 0.5)
        row["rank"] = len(held)
        if self.depth is None:
            return row
        width = min((len(w) for w in layers[:-1]), default=len(held))
        missing = np.delete(self.fit.s, held[:width])
        row["predicted_loss"] = self.fit.residue + float(missing @ missing) / 2
        if len(held) > width:  # a tie is half learned: its part of the curvature is not known
            row["rank"] = width
            return row
        if self.depth == 1:
            spread = torch.linalg.eigvalsh(self.inputs.T @ (self.taught[:, :1] * self.inputs))
            ends = {"smallest": float(spread[0]), "largest": float(spread[-1])}
        else:
            ends = predict_curvature(
                self.patterns, depth=self.depth, learned=(held + 1).tolist(), hidden=width
            )
        row["predicted_smallest"], row["predicted_largest"] = ends["smallest"], ends["largest"]
        return row


def _find_ends(
    multiply: Callable[[torch.Tensor], torch.Tensor], start: torch.Tensor
) -> tuple[float, float]:
    """Return the smallest and the largest eigenvalue of a symmetric matrix that can multiply.

    Lanczos' recurrence from `start`, nothing kept but its last two vectors: as they lose their
    orthogonality, eigenvalues that have been found are found again, and no wrong ones at the ends
    (Paige 1980; Cullum & Willoughby 1985). An end is known when what is left of A x − λ x is small.
    """
    vector, before = start / start.norm(), torch.zeros_like(start)
    diagonal: list[float] = []
    beside: list[float] = []
    size, due = 0.0, 10
    while len(diagonal) <= 50 * len(start):
        new = multiply(vector) - size * before
        diagonal.append(float(new @ vector))
        new = new - diagonal[-1] * vector
        size, count = float(new.norm()), len(diagonal)
        if count >= due or size <= 1e-13 * max(map(abs, diagonal)):
            due = 1 + int(1.1 * count)
            ends, left = [], []
            for k in (0, count - 1):
                value, own = eigh_tridiagonal(diagonal, beside, select="i", select_range=(k, k))
                ends.append(float(value[0]))
                left.append(size * abs(float(own[-1, 0])))
            if max(left) <= EXACT * max(map(abs, ends)):
                return ends[0], ends[1]
        beside.append(size)
        vector, before = new / size, vector
    raise ArithmeticError("the Hessian's eigenvalues could not be found: is a weight no number?")
