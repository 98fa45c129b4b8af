"""Interventions: at any age, teach a network one thing more and see what it makes of it.

New output weights alone, or new input weights alone, are really trained, by gradient descent;
everything else in the network stays as it was. What they end with in a linear network is known in
closed form (`semdev.measures.induction`) and stands beside what was trained.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import nn

from semdev.building import Model
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns
from semdev.history import check
from semdev.measures.induction import (
    Taught,
    count_matrices,
    item_vectors,
    read_taught,
    upper_map,
)
from semdev.training import train

SHARE = 0.1  # of the learning rate at which a network would learn its strongest direction at once


def teach_property(
    history: xr.Dataset,
    taught: Taught,
    *,
    at: float | Sequence[float] | None = None,
    inputs: np.ndarray | xr.DataArray | None = None,
    learning_rate: float | None = None,
    steps: int = 400,
    record: int | Sequence[int] = 50,
) -> xr.Dataset:
    """Teach networks of given ages a new property of one item, or of several, and ask the others.

    The property gets an output unit whose weights w start from 0 and alone learn, by gradient
    descent on ½ Σ (y_i − wᵀ h_i)² over the taught items i, h the last hidden layer as it was then.
    After n steps of size λ they are w_n = Σ_k (1 − (1 − λ σ_k²)ⁿ)/σ_k b_k a_kᵀ y, with the singular
    value decomposition Σ_k σ_k a_k b_kᵀ of the taught rows of h: `predicted`; with n → ∞ that is
    `semdev.project_property`. Exact for linear and nonlinear hidden layers
    alike, as long as the output unit is linear.

    Parameters
    ----------
    history : xr.Dataset
        A History with hidden layers (`hidden=True`), or of a shallow network.
    taught : str, sequence of str, or mapping
        The item; or items, all of which have the property (1); or {item: value}.
    at : number or sequence of numbers, optional
        Ages (learning times); each becomes the nearest that was recorded. Default: the last.
    inputs : item × input, optional
        For a shallow network: the items' codes, where they were not one-hot.
    learning_rate : float, optional
        λ, for all networks. Default: .1/σ₁² for each, so that networks of all ages are done after
        as many steps, however weak their hidden layers are still.
    steps : int
        Updates; with several taught items like each other many are needed.
    record : int or increasing sequence of int
        How many times to record, or at which steps.

    Returns
    -------
    Dataset
        `answer` and `predicted` (seed × time × practice × item): the new property's output for
        every item, in the units of the values taught; `error` (seed × time), the largest that is
        left in a taught item, as a share of the largest value taught; `learning_rate` (seed ×
        time), per step. The coordinate `practice` counts steps; `taught` (item) holds what was
        taught, NaN if nothing.

    Raises
    ------
    KeyError
        No such item; the nearest match is suggested.
    ValueError
        Hidden layers not recorded; nothing to teach; hidden layers that are 0, from which nothing
        is learned.
    DivergenceError
        `learning_rate` is beyond 2/σ₁².

    Examples
    --------
    >>> import semdev as sd
    >>> deep = sd.train(sd.DeepLinear(hidden=16), sd.load("cao2020"), seeds=3, hidden=True)
    >>> lesson = teach_property(deep, "item 1", at=20)
    >>> lesson["answer"].isel(seed=0, time=0, practice=-1).values.round(1)
    array([1. , 0.4, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1])
    """
    rows, values = read_taught(taught, check(history)["item"].values.tolist(), kind="item")
    then = _at_ages(history, at)
    vectors = item_vectors(then, inputs, None)[0]
    known = vectors[..., rows, :]
    gain = _find_gains(known, learning_rate, "the taught items have hidden vectors of")
    nets = [
        _NewOutput(layer, scale) for layer, scale in zip(_flat(vectors), _flat(gain), strict=True)
    ]
    items = then["item"].values
    table = xr.DataArray(
        np.zeros((len(items), 1)), dims=("item", "property"),
        coords={"item": items, "property": ["a new property"]},
    )  # fmt: skip
    lesson = _make_lesson(table, rows, np.zeros(len(rows), dtype=int), values)
    done, rate = _practise(nets, lesson, gain, learning_rate, steps, record)
    answer = done["output"].values[..., 0]
    expected = _descend(vectors, known, values, rate, done["step"].values)
    return _collect(then, answer, expected, (rows, values), rate, done["step"].values, "item")


def teach_item(
    history: xr.Dataset,
    taught: Taught,
    *,
    at: float | Sequence[float] | None = None,
    model: Model | None = None,
    learning_rate: float | None = None,
    steps: int = 400,
    record: int | Sequence[int] = 50,
) -> xr.Dataset:
    """Teach networks of given ages one property, or several, of a new item, and ask the others.

    The item gets an input unit whose weights w into the first hidden layer start from 0 and alone
    learn, by gradient descent through the rest of the network as it was then. In a linear network
    the answers after n steps have the closed form given in `teach_property`, with the rows of
    W_D … W₂ for hidden vectors: `predicted`; with n → ∞ that is
    `semdev.project_item`. Of a nonlinear network, for which there is none, it
    is NaN.

    Parameters
    ----------
    history : xr.Dataset
        A History with weights (`keep_weights=True`), or of a shallow network.
    taught : str, sequence of str, or mapping
        The property; or properties, all of which the item has (1); or {property: value}.
    at : number or sequence of numbers, optional
        Ages (learning times); each becomes the nearest that was recorded. Default: the last.
    model : factory, optional
        What was trained, for a nonlinear network: `MLP(…)`, or a function that builds an
        nn.Sequential. Without biases, which a History does not keep.
    learning_rate : float, optional
        λ, for all networks. Default: .1/σ₁² for each, σ₁ the largest singular value of the slopes
        of the taught outputs at the start.
    steps : int
        Updates.
    record : int or increasing sequence of int
        How many times to record, or at which steps.

    Returns
    -------
    Dataset
        `answer` and `predicted` (seed × time × practice × property), `error` and `learning_rate`
        (seed × time), as `teach_property`; the coordinate `taught` stands on property.

    Raises
    ------
    KeyError
        No such property; the nearest match is suggested.
    ValueError
        Weights not kept; a nonlinear network without `model`, or one that is not that model;
        networks that learn nothing from 0, such as ReLU units, which are silent there.
    DivergenceError
        `learning_rate` is too large.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("rumelhart8")
    >>> model = sd.MLP(hidden=16, activation="tanh")
    >>> net = sd.train(model, world, seeds=2, keep_weights=True, learning_rate=0.05)
    >>> lesson = teach_item(net, "has wings", model=model).isel(time=0, practice=-1)
    >>> lesson["answer"].sel(property=["has wings", "can fly", "has roots"]).round(1).values
    array([[ 1. ,  1. , -0.1],
           [ 1. ,  1. , -0.1]])
    """
    names = check(history)["property"].values.tolist()
    rows, values = read_taught(taught, names, kind="property")
    then = _at_ages(history, at)
    if model is None:
        upper = upper_map(then)
        slopes = upper
        above: Sequence[nn.Module] = [_make_linear(matrix) for matrix in _flat(upper)]
    else:
        above = _rebuild(then, model)
        slopes = np.stack([_slopes_at_zero(net, then.sizes["unit_1"]) for net in above])
        slopes = slopes.reshape(*then["output"].shape[:2], *slopes.shape[1:])
    gain = _find_gains(slopes[..., rows, :], learning_rate, "the taught properties have slopes of")
    nets = [
        _NewInput(net, slopes.shape[-1], scale)
        for net, scale in zip(above, _flat(gain), strict=True)
    ]
    table = xr.DataArray(
        np.zeros((1, len(names))), dims=("item", "property"),
        coords={"item": ["a new item"], "property": names},
    )  # fmt: skip
    lesson = _make_lesson(table, np.zeros(len(rows), dtype=int), rows, values)
    done, rate = _practise(nets, lesson, gain, learning_rate, steps, record)
    answer = done["output"].values[:, :, 0]
    expected = _descend(slopes, slopes[..., rows, :], values, rate, done["step"].values)
    if model is not None:
        expected = np.full_like(expected, np.nan)
    return _collect(then, answer, expected, (rows, values), rate, done["step"].values, "property")


class _NewOutput(nn.Module):
    """One new output unit over a hidden layer that stays as it is."""

    layer: torch.Tensor

    def __init__(self, layer: np.ndarray, gain: float) -> None:
        super().__init__()
        self.register_buffer("layer", torch.tensor(layer * gain, dtype=torch.float64))
        self.weights = nn.Parameter(torch.zeros(1, layer.shape[-1], dtype=torch.float64))

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        """Return the new property of items (one-hot)."""
        return items @ self.layer @ self.weights.T


class _NewInput(nn.Module):
    """One new input unit under layers that stay as they are."""

    gain: torch.Tensor

    def __init__(self, above: nn.Module, width: int, gain: float) -> None:
        super().__init__()
        self.above = above.requires_grad_(False)
        self.register_buffer("gain", torch.tensor(gain, dtype=torch.float64))
        self.weights = nn.Parameter(torch.zeros(width, 1, dtype=torch.float64))

    def forward(self, item: torch.Tensor) -> torch.Tensor:
        """Return the properties of the new item (1)."""
        return self.above(item @ (self.gain * self.weights).T)


def _at_ages(history: xr.Dataset, at: float | Sequence[float] | None) -> xr.Dataset:
    """Return the History at the recorded times nearest to those asked for."""
    time = history["time"].values
    ages = time[-1:] if at is None else np.atleast_1d(np.asarray(at, dtype=float))
    if ages.ndim != 1 or not len(ages) or not np.isfinite(ages).all():
        raise ValueError(f"at is an age (learning time) or a list of them; got {at!r}")
    return history.isel(time=np.unique(np.abs(time[:, None] - ages).argmin(0)))


def _find_gains(known: np.ndarray, rate: float | None, what: str) -> np.ndarray:
    """Return by what to multiply so that 1 is the strongest direction, seed × time."""
    strongest = np.linalg.norm(known, ord=2, axis=(-2, -1))
    if not (strongest > 0).all():
        raise ValueError(f"{what} 0 in {(strongest <= 0).sum()} networks: nothing can be learned")
    return np.ones_like(strongest) if rate is not None else 1 / strongest


def _make_lesson(
    table: xr.DataArray, items: np.ndarray, properties: np.ndarray, values: np.ndarray
) -> Patterns:
    """Return patterns, one for each item, in which only the taught cells are taught."""
    table.values[items, properties] = values
    mask = np.zeros(table.shape)
    mask[items, properties] = 1.0
    lesson = Dataset(table, name="a lesson")
    return Patterns(
        lesson, np.eye(len(table)), table.values, mask, np.ones(len(table)),
        np.repeat(np.arange(len(table))[:, None], table.shape[1], axis=1),
        np.full(len(table), "", dtype="U1"),
    )  # fmt: skip


def _practise(
    nets: Sequence[nn.Module],
    lesson: Patterns,
    gain: np.ndarray,
    rate: float | None,
    steps: int,
    record: int | Sequence[int],
) -> tuple[xr.Dataset, np.ndarray]:
    """Train; return the History of practice (network × step) and each network's learning rate.

    Weights w = gain × w′ that descend on w′ at a rate λ′ descend on w at the rate λ′ gain².
    """
    following = iter(nets)

    def build() -> nn.Module:
        return next(following)

    shared = SHARE if rate is None else rate
    done = train(
        build, lesson, seeds=len(nets), learning_rate=shared, steps=steps, record=record,
        progress=False,
    )  # fmt: skip
    return done, shared * gain**2


def _descend(
    vectors: np.ndarray, known: np.ndarray, values: np.ndarray, rate: np.ndarray, steps: np.ndarray
) -> np.ndarray:
    """Return answers after so many steps of descent from 0, seed × time × practice × row."""
    a, s, bt = np.linalg.svd(known, full_matrices=False)
    s = s[..., None, :]  # … × practice × direction
    reached = 1 - (1 - rate[..., None, None] * s**2) ** steps[:, None]
    share = reached / np.where(s > 1e-12 * s[..., :1], s, np.inf)
    w = share * np.einsum("...tk,t->...k", a, values)[..., None, :] @ bt
    return np.einsum("...pu,...iu->...pi", w, vectors)


def _collect(
    then: xr.Dataset,
    answer: np.ndarray,
    expected: np.ndarray,
    taught: tuple[np.ndarray, np.ndarray],
    rate: np.ndarray,
    steps: np.ndarray,
    dim: str,
) -> xr.Dataset:
    known = np.full(then.sizes[dim], np.nan)
    known[taught[0]] = taught[1]
    answer = answer.reshape(expected.shape)
    missing = np.abs(answer[..., -1, taught[0]] - taught[1]).max(-1) / np.abs(taught[1]).max()
    dims = ("seed", "time", "practice", dim)
    return xr.Dataset(
        {
            "answer": (dims, answer),
            "predicted": (dims, expected),
            "error": (dims[:2], missing),
            "learning_rate": (dims[:2], rate),
        },
        coords={k: then[k] for k in ("seed", "time", dim)}
        | {"practice": steps, "taught": (dim, known)},
    )


def _flat(values: np.ndarray) -> np.ndarray:
    """Return seed × time × … as network × …."""
    return values.reshape(-1, *values.shape[2:])


def _make_linear(matrix: np.ndarray) -> nn.Linear:
    layer = nn.utils.skip_init(nn.Linear, matrix.shape[1], matrix.shape[0], bias=False)
    layer.weight = nn.Parameter(torch.tensor(matrix, dtype=torch.float64))
    return layer


def _rebuild(then: xr.Dataset, model: Model) -> list[nn.Module]:
    """Return what stands above the first weights of each network, as a copy of `model`."""
    depth = count_matrices(then)
    if "weights_1" not in then or depth == 1:
        raise ValueError(
            "the weights of a network with hidden layers are needed: train(…, keep_weights=True)"
        )
    matrices = [_flat(then[f"weights_{k}"].values) for k in range(1, depth + 1)]
    with torch.random.fork_rng(devices=[]):
        net = model(matrices[0].shape[-1], then.sizes["property"])
    layers = [part for part in net.modules() if isinstance(part, nn.Linear)]
    shapes = [tuple(layer.weight.shape) for layer in layers]
    wanted = [matrix.shape[1:] for matrix in matrices]
    if not isinstance(net, nn.Sequential) or net[0] not in layers or shapes != wanted:
        raise ValueError(
            f"model builds {type(net).__name__} with weight matrices {shapes}; an nn.Sequential "
            f"with {wanted}, as in this History, is needed"
        )
    if any(layer.bias is not None for layer in layers):
        raise ValueError("model has biases, which a History does not keep: train one without")
    nets = []
    for each in zip(*matrices, strict=True):
        copied = copy.deepcopy(net).double().requires_grad_(False)
        for layer, matrix in zip(
            (part for part in copied.modules() if isinstance(part, nn.Linear)), each, strict=True
        ):
            layer.weight.copy_(torch.as_tensor(matrix))
        nets.append(copied)
    _check_rebuilt(then, nets)
    return [net[1:] for net in nets]


def _check_rebuilt(then: xr.Dataset, nets: list[nn.Sequential]) -> None:
    """Say so if the rebuilt networks do not answer as those of the History did."""
    if then.sizes["input"] != then.sizes["item"]:
        return  # what the items' codes were, a History does not say
    outputs = _flat(then["output"].values)
    shown = torch.eye(then.sizes["item"], dtype=torch.float64)
    for net, output in zip(nets, outputs, strict=True):
        missing = np.abs(net(shown).numpy() - output).max()
        if missing > 1e-4 * np.abs(output).max():
            raise ValueError(
                "model with the weights of this History gives other answers than it holds: it is "
                "not the model that was trained, or items were not shown one-hot"
            )


def _slopes_at_zero(above: nn.Module, width: int) -> np.ndarray:
    """Return the slopes of all properties by the new weights where these are 0."""
    start = torch.zeros(width, dtype=torch.float64)
    return torch.autograd.functional.jacobian(above, start).numpy()
