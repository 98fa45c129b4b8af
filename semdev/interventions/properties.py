"""A new property of known items: output weights alone are trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real

import numpy as np
import torch
import xarray as xr
from torch import nn

from semdev._names import require
from semdev.history import check
from semdev.interventions._practice import (
    collect_answers,
    descend,
    find_gains,
    flatten,
    make_lesson,
    practise,
    select_ages,
)
from semdev.measures.induction import Taught, item_vectors, read_taught

STEEPEST = 0.25  # slope of a sigmoid


def teach_property(
    history: xr.Dataset,
    taught: Taught,
    *,
    at: float | Sequence[float] | None = None,
    context: str | None = None,
    output: str = "linear",
    bias: float = 0.0,
    inputs: np.ndarray | xr.DataArray | None = None,
    learning_rate: float | None = None,
    steps: int = 400,
    record: int | Sequence[int] = 50,
) -> xr.Dataset:
    """Teach networks of given ages a new property of one item, or of several, and ask the others.

    The property gets an output unit whose weights w start from 0 and alone learn, by gradient
    descent on ½ Σ (y_i − wᵀ h_i)² over the taught items i, h the last hidden layer as it was then
    (Rogers & McClelland 2004). After n steps of size λ they are
    w_n = Σ_k (1 − (1 − λ σ_k²)ⁿ)/σ_k b_k a_kᵀ y, with the singular value decomposition
    Σ_k σ_k a_k b_kᵀ of the taught rows of h: `predicted`; with n → ∞ that is
    `semdev.project_property`. Exact for linear and nonlinear hidden layers alike, as long as the
    output unit is linear.

    A sigmoid unit answers σ(wᵀ h + b), its bias b fixed. Taught of one item i it ends up nowhere,
    for 1 is never reached, but at every step w points along h_i, so that others' net inputs, less
    b, are to the taught item's as h_jᵀ h_i is to |h_i|²: compare ages where the taught item has
    come equally far.

    Parameters
    ----------
    history : xr.Dataset
        A History with hidden layers (`hidden=True`), or of a shallow network.
    taught : str, sequence of str, or mapping
        The item; or items, all of which have the property (1); or {item: value}.
    at : number or sequence of numbers, optional
        Ages (learning times); each becomes the nearest that was recorded. Default: the last.
    context : str, optional
        Where the hidden layer differs with the relation asked about, the one under which the
        property is taught and asked, such as "can"; as ``history.sel(context="can")``.
    output : "linear" or "sigmoid"
        The new unit.
    bias : number
        b of a sigmoid unit, in units of net input; −2 where the network's units have that.
    inputs : item × input, optional
        For a shallow network: the items' codes, where they were not one-hot.
    learning_rate : float, optional
        λ, for all networks. Default: .1/σ₁² for each, so that networks of all ages are done after
        as many steps, however weak their hidden layers are still; 16 times that for sigmoid units,
        whose slope is ¼ at most.
    steps : int
        Updates; with several taught items like each other many are needed.
    record : int or increasing sequence of int
        How many times to record, or at which steps.

    Returns
    -------
    Dataset
        `answer` and `predicted` (seed × time × practice × item): the new property's output for
        every item, in the units of the values taught; `predicted` is NaN for a sigmoid unit;
        `error` (seed × time), the largest that is left in a taught item, as a share of the largest
        value taught; `learning_rate` (seed × time), per step. The coordinate `practice` counts
        steps; `taught` (item) holds what was taught, NaN if nothing.

    Raises
    ------
    KeyError
        No such item, context or kind of unit; the nearest match is suggested.
    ValueError
        Hidden layers not recorded, or different in every context and none is chosen; nothing to
        teach; hidden layers that are 0, from which nothing is learned; a bias of a linear unit; a
        sigmoid unit taught values that it cannot answer.
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
    _check_unit(output, bias, values)
    if context is not None:
        contexts = history["context"].values.tolist() if "context" in history.dims else []
        require(context, contexts, kind="context", where="the hidden layers of this History")
        history = history.sel(context=context)
    then = select_ages(history, at)
    vectors = item_vectors(then, inputs, None)[0].astype(float)
    known = vectors[..., rows, :]
    gain = find_gains(known, learning_rate, "the taught items have hidden vectors of")
    if output == "sigmoid" and learning_rate is None:
        gain = gain / STEEPEST
    nets = [
        _NewOutput(layer, scale, output == "sigmoid", bias)
        for layer, scale in zip(flatten(vectors), flatten(gain), strict=True)
    ]
    items = then["item"].values
    table = xr.DataArray(
        np.zeros((len(items), 1)), dims=("item", "property"),
        coords={"item": items, "property": ["a new property"]},
    )  # fmt: skip
    lesson = make_lesson(table, rows, np.zeros(len(rows), dtype=int), values)
    done, rate = practise(nets, lesson, gain, learning_rate, steps, record)
    answer = done["output"].values[..., 0]
    expected = descend(vectors, known, values, rate, done["step"].values)
    if output == "sigmoid":
        expected = np.full_like(expected, np.nan)
    return collect_answers(
        then, answer, expected, (rows, values), rate, done["step"].values, "item"
    )


def _check_unit(output: str, bias: float, values: np.ndarray) -> None:
    """Refuse units that are none, and lessons that they cannot learn."""
    require(output, ("linear", "sigmoid"), kind="output", where="teach_property")
    if not (isinstance(bias, Real) and math.isfinite(bias)):
        raise ValueError(f"bias is the net input of the new unit by itself, a number; got {bias!r}")
    if output == "linear" and bias:
        raise ValueError(
            f'a bias of {bias:g} is for output="sigmoid"; a linear unit starts from 0 and has none'
        )
    if output == "sigmoid" and not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"a sigmoid unit answers between 0 and 1; got {values.tolist()} to teach")


class _NewOutput(nn.Module):
    """One new output unit over a hidden layer that stays as it is."""

    layer: torch.Tensor

    def __init__(self, layer: np.ndarray, gain: float, sigmoid: bool, bias: float) -> None:
        super().__init__()
        self.register_buffer("layer", torch.tensor(layer * gain, dtype=torch.float64))
        self.weights = nn.Parameter(torch.zeros(1, layer.shape[-1], dtype=torch.float64))
        self.sigmoid = sigmoid
        self.bias = float(bias)

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        """Return the new property of items (one-hot)."""
        net_input = items @ self.layer @ self.weights.T
        return torch.sigmoid(net_input + self.bias) if self.sigmoid else net_input
