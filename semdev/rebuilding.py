"""Rebuild the networks of a History as they were, to damage them, to teach them, to look inside."""

from __future__ import annotations

import warnings

import numpy as np
import torch
import xarray as xr
from torch import nn

from semdev.building import Model, build_all, describe_model, show
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns
from semdev.history import check, get_provenance
from semdev.layers import read_answer


def rebuild(
    history: xr.Dataset, model: Model, data: Dataset | Patterns, *, at: float | None = None
) -> list[nn.Module]:
    """Return the networks of a History as they were at a time, one for each seed.

    Parameters
    ----------
    history : xr.Dataset
        What `train(model, data, keep_weights=True)` returned, or some of its seeds and times.
    model : factory or nn.Module class
        What was trained.
    data : Dataset or Patterns
        What it was trained on.
    at : number, optional
        Learning time; the nearest that was recorded is taken. Default: the last.

    Returns
    -------
    list of nn.Module
        In the order of the History's seeds, float64, without gradients: copies that are yours.
        They answer patterns (pattern × input), `show(model, data).inputs`.

    Raises
    ------
    ValueError
        Weights were not kept, the networks would answer otherwise than the History says, or the
        data were shown otherwise (other targets, frequencies, relations).

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("saxe2019")
    >>> child = sd.train(model, world, seeds=2, keep_weights=True)
    >>> first, second = sd.rebuild(child, model, world)
    >>> first(torch.eye(4, dtype=torch.float64))[0].numpy().round(1)    # the canary
    array([ 1.,  1., -0.,  1.,  0., -0.,  0.])
    """
    patterns = show(model, data)
    time = check(history)["time"].values
    _check_origin(history, model, patterns)
    if at is not None and not np.isfinite(at):
        raise ValueError(f"at is a learning time; got {at!r}")
    then = history.isel(time=-1 if at is None else int(np.abs(time - at).argmin()))
    nets = [net.double() for net in build_all(model, patterns, then["seed"].values.tolist())]
    shown = torch.tensor(patterns.inputs)
    for k, net in enumerate(nets):
        kept = _read_parameters(then.isel(seed=k), net, model)
        net.requires_grad_(False)
        for name, parameter in net.named_parameters():
            parameter.copy_(torch.tensor(kept[name]))
        answer = read_answer(net(shown))
        _compare(then["output"].values[k], patterns, answer.numpy(), model)
    return nets


def _check_origin(history: xr.Dataset, model: Model, patterns: Patterns) -> None:
    """Refuse other patterns than those learned; warn of another model."""
    made = get_provenance(history)
    if made.get("patterns", patterns.digest) != patterns.digest:
        raise ValueError(
            f"this History was learned from {made.get('data')} shown otherwise (other targets, "
            "frequencies or relations): give the very patterns that were trained on"
        )
    was, name = made.get("model", ""), describe_model(model)
    if was.endswith(")") and name.endswith(")") and was != name:
        warnings.warn(f"this History is of {was}, not of {name}", stacklevel=4)


def _read_parameters(then: xr.Dataset, net: nn.Module, model: Model) -> dict[str, np.ndarray]:
    """Return a network's parameters by name, from the matrices in a row and from the others."""
    kept = {
        str(name).removeprefix("parameter_"): values.values
        for name, values in then.data_vars.items()
        if str(name).startswith("parameter_")
    }
    count = sum(str(name).startswith("weights_") for name in then.data_vars)
    if not kept and not count:
        raise ValueError("this History has no weights: train with keep_weights=True")
    shapes = {name: tuple(p.shape) for name, p in net.named_parameters()}
    rest = [name for name in shapes if name not in kept]
    if len(rest) == count:
        kept |= {name: then[f"weights_{k}"].values for k, name in enumerate(rest, 1)}
    found = {name: values.shape for name, values in kept.items()}
    if found != shapes:
        raise ValueError(
            f"{describe_model(model)} has the parameters {shapes}, this History those of another "
            f"network: {found or 'none by these names'}"
        )
    return kept


def _compare(output: np.ndarray, patterns: Patterns, answer: np.ndarray, model: Model) -> None:
    """Say so if a rebuilt network does not answer as the History says it did."""
    mine = patterns.read_back(answer)
    if mine.shape != output.shape or np.abs(mine - output).max() > 1e-4 * np.abs(output).max():
        raise ValueError(
            f"{describe_model(model)} with the weights of this History gives other answers than it "
            f"holds: {patterns.data.name}, shown as it is here, is not what was trained"
        )
