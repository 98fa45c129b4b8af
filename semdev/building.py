"""Build the networks of an ensemble: one for each seed, seen to fit the data."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Sequence
from threading import RLock

import numpy as np
import torch
from torch import nn

from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns, make_patterns
from semdev.layers import read_answer

Model = Callable[..., nn.Module]
BUILDING = RLock()  # torch has one random generator for all threads, and networks may build others


def initial_weights(
    model: Model, data: Dataset | Patterns, *, seeds: int | Iterable[int]
) -> list[np.ndarray]:
    """Return the weight matrices with which `train` would begin, first layer first.

    Each is seed × output × input, as `solve(…, initial="matched", weights=…)` takes them.

    Examples
    --------
    >>> import semdev as sd
    >>> w1, w2 = initial_weights(sd.DeepLinear(hidden=16), sd.load("saxe2019"), seeds=5)
    >>> w1.shape, w2.shape
    ((5, 16, 4), (5, 7, 16))
    """
    nets = build_all(model, show(model, data), read_seeds(seeds))
    matrices = [
        [p.detach().double().numpy() for p in net.parameters() if p.ndim == 2] for net in nets
    ]
    return [np.stack(layer) for layer in zip(*matrices, strict=True)]


def show(model: Model, data: Dataset | Patterns) -> Patterns:
    """Return the patterns in which a model is shown data: with relations if it asks for them."""
    asks = isinstance(data, Dataset) and "n_relations" in _parameters(model)
    return make_patterns(data, relations=True) if asks else make_patterns(data)


def _parameters(model: Model) -> list[str]:
    """Return the names of what a model is called with."""
    try:
        return list(inspect.signature(model).parameters)
    except (TypeError, ValueError):  # no callable, or one that does not say
        return []


def describe_model(model: Model) -> str:
    """Return a model's name for provenance and titles."""
    name = getattr(model, "__qualname__", None)
    return f"{model.__module__}.{name}" if name else repr(model)


def read_seeds(seeds: int | Iterable[int]) -> list[int]:
    """Return the seeds meant by a number of networks or by a list of seeds."""
    counted = isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool)
    try:
        given = list(range(seeds) if counted else seeds)  # type: ignore[arg-type]
        numbers = [int(seed) for seed in given]
        if numbers != given:
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(f"seeds is how many, or a list of whole numbers; got {seeds!r}") from None
    if not numbers or len(set(numbers)) < len(numbers) or min(numbers) < 0:
        raise ValueError(f"seeds must be one or more different numbers ≥ 0, got {seeds!r}")
    return numbers


def build_all(
    model: Model,
    patterns: Patterns,
    seeds: Sequence[int],
    weights: Sequence[np.ndarray] | None = None,
    *,
    look: Callable[[nn.Module], None] | None = None,
) -> list[nn.Module]:
    """Build one network for each seed, with `weights` if given; see that the first fits.

    The first is shown to `look` before there are others.
    """
    _check_model(model)
    sizes = patterns.inputs.shape[1], patterns.targets.shape[1]
    relations = len(set(patterns.relations.tolist()) - {""})
    builder = _Builder(model, sizes, relations)
    nets = builder.build(seeds[:1])
    _check_fit(nets[0], model, patterns)
    if look is not None:
        look(nets[0])
    nets += builder.build(seeds[1:])
    _check_different(nets, seeds, model)
    if weights is not None:
        nets = [net.double() for net in nets]
        _start_from(weights, nets, seeds)
    return nets


def _check_model(model: Model) -> None:
    """Refuse what builds no networks."""
    if isinstance(model, type) and not issubclass(model, nn.Module):
        raise TypeError(f"write {model.__name__}(…), not {model.__name__}: settings come first")
    if isinstance(model, nn.Module):
        raise TypeError(
            f"train needs something that builds a fresh network for every seed: pass the class or "
            f"a function (lambda: {type(model).__name__}(…)), not a finished {type(model).__name__}"
        )
    if not callable(model):
        raise TypeError(
            f"model must be DeepLinear(…), Shallow(), MLP(…), an nn.Module class or a function "
            f"that builds one; got {type(model).__name__}"
        )


def _check_fit(net: nn.Module, model: Model, patterns: Patterns) -> None:
    """Refuse a network that learns nothing, takes other data, or answers by chance."""
    sizes = patterns.inputs.shape[1], patterns.targets.shape[1]
    if not any(p.requires_grad for p in net.parameters()):
        raise ValueError(f"{describe_model(model)} has no trainable parameters")
    if any(p._backward_hooks for p in net.parameters()):
        raise ValueError(
            f"{describe_model(model)} hangs hooks on its parameters, which training does not follow"
        )
    inputs = torch.tensor(patterns.inputs, dtype=next(net.parameters()).dtype)
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    try:
        with torch.no_grad():
            first, second = (read_answer(net(inputs)) for _ in range(2))
    except Exception as error:
        raise ValueError(
            f"{describe_model(model)} cannot take this data: {patterns.data.name} shows "
            f"{sizes[0]} inputs ({len(inputs)} patterns at a time); it says: {error}. "
            "(To be shown relations as well, give it make_patterns(data, relations=True), or let "
            "the model have a parameter n_relations.)"
        ) from error
    wanted = (len(inputs), sizes[1])
    if not isinstance(first, torch.Tensor):
        raise ValueError(
            f"{describe_model(model)} answers with a {type(first).__name__}; "
            f"{patterns.data.name} needs one tensor {wanted} (patterns × properties), alone or "
            "before others"
        )
    if tuple(first.shape) != wanted:
        raise ValueError(
            f"{describe_model(model)} answers with shape {tuple(first.shape)}; "
            f"{patterns.data.name} needs {wanted} (patterns × properties)"
        )
    if not torch.equal(first, second):
        raise ValueError(
            f"{describe_model(model)} answers the same question differently each time (dropout?); "
            "a seed would no longer fix the trajectory"
        )
    changed = [k for k, buffer in net.named_buffers() if not torch.equal(before[k], buffer)]
    with torch.no_grad():
        for name, buffer in net.named_buffers():
            buffer.copy_(before[name])
    if changed:
        warnings.warn(
            f"{describe_model(model)} changes what it keeps ({', '.join(changed)}) whenever it "
            "answers; that is put back each time, for a seed would hang on how often it is asked",
            stacklevel=4,
        )


def _check_different(nets: Sequence[nn.Module], seeds: Sequence[int], model: Model) -> None:
    """Refuse one network for several seeds; warn of networks that begin alike."""
    if len({id(net) for net in nets}) < len(nets):
        raise ValueError(
            f"{describe_model(model)} returns the same network again and again; build a new one "
            "each time"
        )
    if len(nets) > 1:
        first, second = ([*net.parameters(), *net.buffers()] for net in nets[:2])
        same = all(torch.equal(a, b) for a, b in zip(first, second, strict=False))
        if same and any(float(p.detach().double().std()) > 0 for p in first if p.numel() > 1):
            warnings.warn(
                f"the networks of seeds {seeds[0]} and {seeds[1]} begin alike: does "
                f"{describe_model(model)} set a seed of its own?",
                stacklevel=4,
            )


def _start_from(
    weights: Sequence[np.ndarray], nets: Sequence[nn.Module], seeds: Sequence[int]
) -> None:
    """Write the given weight matrices into the networks, or say which one does not fit."""
    for k, net in enumerate(nets):
        matrices = [p for p in net.parameters() if p.ndim == 2]
        if len(weights) != len(matrices):
            raise ValueError(
                f"weights holds {len(weights)} matrices, the network has {len(matrices)}; give one "
                "for each layer, first layer first"
            )
        for layer, (given, own) in enumerate(zip(weights, matrices, strict=True), 1):
            values = np.asarray(given, dtype=float)
            shape = tuple(own.shape)
            if values.shape not in (shape, (len(seeds), *shape)):
                raise ValueError(
                    f"weight matrix {layer} has shape {values.shape}; this network needs "
                    f"(output × input) {shape}, or {(len(seeds), *shape)} with one for each seed"
                )
            if not np.isfinite(values).all():
                raise ValueError(f"weight matrix {layer} holds a value that is no finite number")
            with torch.no_grad():
                own.copy_(torch.tensor(values if values.ndim == 2 else values[k]))


class _Builder:
    """Builds networks, each under its own seed; torch's random state stays as it was."""

    def __init__(self, model: Model, sizes: tuple[int, int], relations: int) -> None:
        names = _parameters(model)
        if isinstance(model, type) and any("hidden" in n or "rep" in n for n in names[:2]):
            raise TypeError(
                f"{model.__name__}({', '.join(names)}) would be called with (n_inputs, n_outputs) "
                f"= {sizes}; pass a function that says its sizes, lambda: {model.__name__}(…)"
            )
        self.model = model
        self.more = {"n_relations": relations} if "n_relations" in names else {}
        try:
            inspect.signature(model).bind(*sizes, **self.more)
            self.arguments: tuple[int, ...] = sizes
        except TypeError:
            self.arguments = ()
        self.problem = (
            f"{describe_model(model)} is called with (n_inputs, n_outputs) = {sizes} or with "
            f"nothing, and with n_relations = {relations} if it asks for that; it says: "
        )

    def build(self, seeds: Sequence[int]) -> list[nn.Module]:
        """Return a network for each seed."""
        nets = []
        # torch.manual_seed seeds GPUs as well, and takes a hundred times as long.
        on_gpus = torch.cuda.is_initialized()
        seed_all = torch.manual_seed if on_gpus else torch.default_generator.manual_seed
        with BUILDING, torch.random.fork_rng(devices=[]):
            for seed in seeds:
                seed_all(seed)
                try:
                    net = self.model(*self.arguments, **self.more)
                except TypeError as error:
                    raise TypeError(f"{self.problem}{error}") from error
                if not isinstance(net, nn.Module):
                    raise TypeError(
                        f"{describe_model(self.model)} built {type(net).__name__}, no nn.Module"
                    )
                nets.append(net)
        return nets
