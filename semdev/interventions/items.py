"""A new item with some known properties: input weights alone are trained."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import nn

from semdev.building import Model
from semdev.history import check, get_provenance
from semdev.interventions._practice import (
    collect_answers,
    descend,
    find_gains,
    flatten,
    make_lesson,
    practise,
    select_ages,
)
from semdev.measures.induction import Taught, count_matrices, read_taught, upper_map
from semdev.models.networks import make_linear


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
        networks that learn nothing from 0, such as ReLU units, which are silent there; networks
        that are no chain of layers, such as Rumelhart's: for these there is `semdev.place_item`.
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
    then = select_ages(history, at)
    _refuse_branches(then)
    if model is None:
        upper = upper_map(then)
        slopes = upper
        above: Sequence[nn.Module] = [_make_linear(matrix) for matrix in flatten(upper)]
    else:
        above = _rebuild(then, model)
        slopes = np.stack([_slopes_at_zero(net, then.sizes["unit_1"]) for net in above])
        slopes = slopes.reshape(*then["output"].shape[:2], *slopes.shape[1:])
    gain = find_gains(slopes[..., rows, :], learning_rate, "the taught properties have slopes of")
    nets = [
        _NewInput(net, slopes.shape[-1], scale)
        for net, scale in zip(above, flatten(gain), strict=True)
    ]
    table = xr.DataArray(
        np.zeros((1, len(names))), dims=("item", "property"),
        coords={"item": ["a new item"], "property": names},
    )  # fmt: skip
    lesson = make_lesson(table, np.zeros(len(rows), dtype=int), rows, values)
    done, rate = practise(nets, lesson, gain, learning_rate, steps, record)
    answer = done["output"].values[:, :, 0]
    expected = descend(slopes, slopes[..., rows, :], values, rate, done["step"].values)
    if model is not None:
        expected = np.full_like(expected, np.nan)
    return collect_answers(
        then, answer, expected, (rows, values), rate, done["step"].values, "property"
    )


def _refuse_branches(then: xr.Dataset) -> None:
    """Refuse networks whose layers are no chain, and say what there is for them."""
    name = str(get_provenance(then).get("model", ""))
    kept = any(str(k).startswith("parameter_") for k in then.data_vars)
    if "weights_1" not in then and (kept or name.startswith("Rumelhart(")):
        raise ValueError(
            f"the layers of {name or 'this network'} are no chain from items to properties, as "
            "teach_item needs it; semdev.place_item(history, model, data, known) teaches any "
            "network with weights (train(…, keep_weights=True)) about a new item"
        )


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


def _make_linear(matrix: np.ndarray) -> nn.Linear:
    layer = make_linear(matrix.shape[1], matrix.shape[0], bias=False)
    layer.weight = nn.Parameter(torch.tensor(matrix, dtype=torch.float64))
    return layer


def _rebuild(then: xr.Dataset, model: Model) -> list[nn.Module]:
    """Return what stands above the first weights of each network, as a copy of `model`."""
    depth = count_matrices(then)
    if "weights_1" not in then or depth == 1:
        raise ValueError(
            "the weights of a network with hidden layers are needed: train(…, keep_weights=True)"
        )
    matrices = [flatten(then[f"weights_{k}"].values) for k in range(1, depth + 1)]
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
    outputs = flatten(then["output"].values)
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
