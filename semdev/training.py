"""Train an ensemble: every seed a network of its own, all of them in one batched pass."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from semdev._names import require
from semdev._progress import tqdm
from semdev.building import Model, build_all, describe_model, read_seeds, show
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns
from semdev.ensembles import make_ensemble
from semdev.history import make_history
from semdev.layers import count_computed, watch_linears
from semdev.memory import require_memory
from semdev.models.networks import count_linear_layers
from semdev.recording import BLOCK, Kept, Log, Plan, Sieve, read_functions
from semdev.running import DivergenceError, Observer, run
from semdev.settings import estimate_steps, read_learning
from semdev.threads import threads

__all__ = ["DivergenceError", "estimate_memory", "train"]

MOST_STEPS = 200_000
OVERHEAD = 10_000  # bytes of an nn.Module of a few layers, beside its parameters
DTYPES = {"float64": torch.float64, "float32": torch.float32}


class NoHiddenLayerError(ValueError):
    """Hidden layers were asked for of a network that has none."""


def train(
    model: Model,
    data: Dataset | Patterns,
    *,
    seeds: int | Iterable[int],
    learning_rate: float | None = None,
    steps: int | None = None,
    record: int | Sequence[int] = 200,
    keep: Kept | Sequence[Kept] | None = None,
    weights: Sequence[np.ndarray] | None = None,
    rule: Any = "backpropagation",
    presentation: str = "full batch",
    batch_size: int | None = None,
    loss: str = "squared error",
    optimizer: str = "sgd",
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    hidden: bool = False,
    keep_weights: bool = False,
    dtype: str = "float64",
    device: str = "cpu",
    batched: bool = True,
    progress: bool | None = None,
) -> xr.Dataset:
    """Train networks on a data set by gradient descent; return their History.

    The loss is ½ Σ frequency × (target − output)² over items and properties; time is
    step × learning rate, so that results are on the time scale of the theory (τ = 1). A step is a
    sweep over all patterns: one update, unless they are presented one by one.

    Parameters
    ----------
    model : factory or nn.Module class
        Something that builds one network: `DeepLinear(…)`, `Shallow()`, `MLP(…)`, or your own
        class or function, called with (n_inputs, n_outputs) or with nothing, and with
        n_relations= if it has a parameter of that name. It maps inputs (pattern × input) to
        outputs (pattern × output), alone or before other things it returns. Its attribute
        ``usual = {"learning_rate": 0.1, "time": 600}`` may give defaults, as `Rumelhart` does.
    data : Dataset or Patterns
        What is learned. A Dataset is shown as `make_patterns(data)`, one pattern for each item;
        to a model that asks for n_relations as ``make_patterns(data, relations=True)``.
    seeds : int or iterable of int
        How many networks (seeds 0, 1, …), or which seeds. A seed fixes its network's initial
        weights and so its whole trajectory, whoever else is trained beside it.
    learning_rate : float, optional
        Default: 3 % (1.5 % without a hidden layer) of the largest that is safely stable for a
        linear network of this depth on these data; then, against the theory's continuous time,
        the fastest mode is 1.5 % late with one hidden layer, and every mode 1.5 % early without
        (Euler's method; half-times are λs / ln(1 + λs) and λ / −ln(1 − λ) of the theory's, .03 / ln
        1.03 and .03 / −ln .97). Sigmoid units want a larger one: they learn slowly. A linear
        network refuses one over its stability bound.
    steps : int, optional
        Sweeps over the patterns; by default each is one update. Default: until learning has
        settled, at most 200 000; a warning says if it has not. Settled is a network whose every
        answer is within 2 % of the largest target; a linear one also when its loss has been flat
        for half of a run that is long past the time its weakest mode is due; any other also when
        its flat loss is below 5 % of the first.
    record : int or increasing sequence of int
        How many times to record (denser early on, when the strongest modes are learned), or at
        which steps; the last step is always recorded.
    keep : function or sequence of functions, optional
        What to keep instead of outputs, hidden layers and weights, so that memory is that of what
        is kept: functions of a History that say something of every seed and every time, such as
        `semdev.mode_strengths`, or ``lambda h: h["output"].sel(property="has bones")``. They are
        shown the run in blocks of times. What they return stands in the History under its name, in
        the precision in which they return it (`mode_strengths`: float64). What all of it will take
        of memory is seen after the first record.
    weights : sequence of arrays, optional
        Weight matrices to start from instead of the model's own, first layer first, each
        (seed ×) output × input, as `initial_weights` returns them; what all seeds share may
        leave the seed out.
    rule : str or learning rule
        How the network learns: "backpropagation", "finite differences", "weight perturbation",
        "feedback alignment", "contrastive hebbian", "quasi-predictive coding", "hebbian",
        "anti-hebbian", or a rule of your own (`semdev.learning_rules`). The default learning rate
        and the stability bound are those of gradient descent; another rule may need a smaller one.
    presentation : str
        "full batch": one update a sweep, on all patterns. "per pattern": one update for each
        pattern, in the data's order, its frequency multiplying the update. "interleaved": the
        same in a new random order each sweep. "mini-batch": the same, `batch_size` patterns in an
        update. "sampled": as many patterns as a sweep has, drawn with replacement in proportion
        to their frequency. With small learning rates all five go the same way, for a sweep's
        updates add up to the same.
    batch_size : int
        Patterns in an update, of a mini-batch.
    loss : "squared error" or "cross-entropy"
        Cross-entropy is Σ frequency × (−y ln ŷ − (1 − y) ln(1 − ŷ)), for answers and targets
        between 0 and 1; sigmoid units then never learn slowly because they are far off (where
        an answer rounds to 0 or 1, in a chain of layers alone: other modules have no slope there).
    optimizer : "sgd" or "adam"
        Gradient descent, or Adam (Kingma & Ba 2015; β₁ = .9, β₂ = .999, ε = 1e-8), which divides
        the gradient by its own recent size: its time is no time scale of the theory. Adam has no
        default learning rate from the data; without one it takes .001.
    momentum : number, 0 ≤ μ < 1
        v ← μ v + ∂loss/∂w, w ← w − learning rate × v. Learning is about 1/(1 − μ) times as fast in
        time as it counts here. (Adam has a momentum of its own.)
    weight_decay : number ≥ 0
        Adds ½ weight_decay × Σ w² to what a sweep descends (each of its updates a share of that;
        the recorded loss is without it). Then answers stop short of the targets.
    hidden : bool
        Record hidden layers too (the input of every nn.Linear, less what in it are inputs of the
        network or units that know of the relation alone). Where patterns are items × relations, a
        layer that knows of the relation is recorded in every context, with a dimension `context`;
        ``history.sel(context="can")`` is a History of one of them.
    keep_weights : bool
        Record the weights too: the matrices of a chain of nn.Linear as weights_1, weights_2, …,
        every other parameter as parameter_NAME (see `rebuild`).
    dtype : "float64" or "float32"
        Precision of weights and records; float32 is about three times faster, and good enough
        unless initial weights are tiny.
    device : str
        A torch device: "cpu", "cuda", …
    batched : bool
        All networks in one pass (default), or one after the other.
    progress : bool, optional
        Show a progress bar: always, never, or (default) on anything over a second.

    Returns
    -------
    xr.Dataset
        A History (see `semdev.history`).

    Raises
    ------
    TypeError, ValueError
        A model that is none, one that does not fit the data or whose answers are random, bad
        seeds, steps or times, something to `keep` that is no function, a learning rate over the
        stability bound, a rule together with another loss, optimizer or presentation than the
        default ones, cross-entropy where answers or targets are not between 0 and 1.
    DivergenceError
        The loss grew without bound or became NaN.
    MemoryError
        It would not fit into the memory that is free (see `estimate_memory`), or what `keep` keeps
        would not.

    Examples
    --------
    >>> import semdev as sd
    >>> deep = sd.train(sd.DeepLinear(hidden=16), sd.load("saxe2019"), seeds=3)
    >>> deep["output"].sel(item="salmon", property="can fly").max("time").round(1).values
    array([0.4, 0.4, 0.4])
    """
    patterns = show(model, data)
    numbers = read_seeds(seeds)
    require(dtype, DTYPES, kind="dtype", where="train")
    usual = getattr(model, "usual", {})
    if not patterns.targets.any():
        raise ValueError(f"{patterns.data.name} holds nothing but zeros: there is nothing to learn")
    functions = read_functions(keep)
    recorded = (hidden, keep_weights)

    def see_that_it_fits(one: nn.Module) -> None:
        """Refuse what would not fit into memory while there is but one network."""
        plan = Plan(record, steps, MOST_STEPS)
        require_memory(
            _estimate(
                one, patterns, len(numbers), plan, optimizer, bool(functions), recorded, dtype
            ),
            what=f"{len(numbers)} networks, recorded {plan.capacity} times,",
            remedy="Record fewer times (record=), keep only what you need "
            '(keep=semdev.mode_strengths), use dtype="float32", or give fewer seeds at a time '
            "(semdev.sweep writes them to disk)",
        )

    cores = torch.get_num_threads()
    with threads(1):  # all that is looked at before learning begins is small
        nets = build_all(model, patterns, numbers, weights, look=see_that_it_fits)
        learning = read_learning(
            nets[0], patterns, rate=learning_rate, usual=usual.get("learning_rate"), rule=rule,
            presentation=presentation, batch_size=batch_size, loss=loss, optimizer=optimizer,
            momentum=momentum, weight_decay=weight_decay,
        )  # fmt: skip
        rate = learning.rate
        if steps is None and "time" in usual and optimizer == "sgd":
            steps = math.ceil(usual["time"] / rate)
        plan = Plan(record, steps, MOST_STEPS)
        ensemble = make_ensemble(
            nets, patterns, numbers, learning,
            dtype=DTYPES[dtype], device=_find_device(device), batched=batched, cores=cores,
        )  # fmt: skip
    if hidden and not ensemble.parts[0].record_hidden():
        raise NoHiddenLayerError(
            "hidden=True, but this network has no hidden layer to record (a hidden layer is what "
            "an nn.Linear is given, if it hangs on the weights)"
        )
    linear = count_linear_layers(nets[0]) is not None and learning.is_plain
    horizon = estimate_steps(nets[0], patterns, rate) if linear else math.inf
    called = _name_weights(nets[0], patterns) if keep_weights else {}
    observer = Observer(patterns, hidden=hidden, weights=called)
    provenance = {
        "made_by": "semdev.train",
        "model": describe_model(model),
        "learning_rate": rate,
        "learning_rate_from": learning.rate_from,
        "dtype": dtype,
        "device": device,
        "engine": ensemble.how,
        "rule": rule if isinstance(rule, str) else repr(rule),
        "presentation": presentation,
        "loss": loss,
        "optimizer": optimizer,
        "momentum": learning.momentum,
        "weight_decay": learning.weight_decay,
        "starts_from": "the model" if weights is None else "given weights",
        "torch": torch.__version__,
    }
    if presentation == "mini-batch":
        provenance["batch_size"] = learning.batch_size
    biased, depth = any(p.ndim == 1 for p in nets[0].parameters()), _count_matrices(nets[0])
    del nets

    def make(log: Log, settled: np.ndarray | None = None, kept: bool = False) -> xr.Dataset:
        """Return what is in a log as a History."""
        return make_history(
            patterns,
            output=None if kept else log["output"],
            loss=log["loss"],
            time=np.array(log.steps) * rate,
            step=np.array(log.steps),
            seeds=numbers,
            settled=np.zeros(len(numbers), dtype=bool) if settled is None else settled,
            hidden=list(log.all_named("hidden_").values()),
            weights=list(log.all_named("weights_").values()),
            parameters=log.all_named("parameter_"),
            biased=biased,
            depth=depth,
            provenance={**provenance, "steps": log.steps[-1]},
        )

    log = Sieve(plan.capacity, functions, make) if functions else Log(plan.capacity)
    bar = tqdm(
        total=None if plan.open_ended else plan.last,
        delay=0.0 if progress else 1.0, disable=progress is False,
        desc=f"training {len(numbers)} networks", unit="step", leave=False, mininterval=0.5,
    )  # fmt: skip
    with bar, ensemble.on_threads():
        settled = run(ensemble, observer, plan, log, horizon=horizon, rate=rate, bar=bar)
    if plan.open_ended:
        log.thin_to(plan.most)
        if not settled.all():
            warnings.warn(
                f"{(~settled).sum()} of {len(numbers)} networks had not settled after "
                f"{log.steps[-1]} steps at learning rate {rate:.3g}; give a larger learning_rate, "
                "or steps=; with several hidden layers larger initial weights, or "
                'initialization="orthogonal", learn sooner',
                stacklevel=2,
            )
    history = make(log, settled, kept=bool(functions))
    return log.place(history) if isinstance(log, Sieve) else history


def estimate_memory(
    model: Model,
    data: Dataset | Patterns,
    *,
    seeds: int | Iterable[int],
    steps: int | None = None,
    record: int | Sequence[int] = 200,
    keep: Kept | Sequence[Kept] | None = None,
    hidden: bool = False,
    keep_weights: bool = False,
    optimizer: str = "sgd",
    dtype: str = "float64",
) -> dict[str, int]:
    """Estimate what `train` with these settings takes of memory, in bytes.

    Records are counted in full; networks with their gradients, optimizer and bookkeeping, roughly.
    How much `keep` will keep is not known before the first record, so it is not in it; with `keep`
    outputs and the like are those of one block.

    Returns
    -------
    dict
        Bytes of "networks", "outputs", and "hidden layers" and "weights" where they are recorded.

    Examples
    --------
    >>> import semdev as sd
    >>> needed = estimate_memory(sd.DeepLinear(32), sd.load("saxe2019"), seeds=1000, record=100)
    >>> needed["outputs"] == 1000 * 201 * 4 * 7 * 8    # until it has settled: room for twice 100
    True
    """
    patterns = show(model, data)
    numbers = read_seeds(seeds)
    require(dtype, DTYPES, kind="dtype", where="estimate_memory")
    one = build_all(model, patterns, numbers[:1])[0]
    plan = Plan(record, steps, MOST_STEPS)
    recorded = (hidden, keep_weights)
    in_blocks = bool(read_functions(keep))
    return _estimate(one, patterns, len(numbers), plan, optimizer, in_blocks, recorded, dtype)


def _estimate(
    net: nn.Module, patterns: Patterns, number: int, plan: Plan, optimizer: str,
    in_blocks: bool, recorded: tuple[bool, bool], dtype: str,
) -> dict[str, int]:  # fmt: skip
    """Return how many bytes a number of networks like this one take, by what for."""
    size = DTYPES[dtype].itemsize
    free = sum(p.numel() for p in net.parameters())
    state = dict(net.named_parameters())
    inputs = torch.tensor(patterns.inputs, dtype=next(iter(state.values())).dtype)
    with torch.no_grad():
        units = sum(given.numel() for _, given in watch_linears(net, state, inputs)[1:])
    each = {"outputs": patterns.asked.size}
    if recorded[0]:
        each["hidden layers"] = units
    if recorded[1]:
        each["weights"] = free
    doing = 3 * count_computed(net, inputs)  # what is computed, its slopes, and theirs on the way
    remembered = 2 if optimizer == "adam" else 1
    needed = {"networks": number * (OVERHEAD + size * ((3 + remembered) * free + doing))}
    for name, values in each.items():
        block = max(1, min(plan.capacity, BLOCK // (number * size * sum(each.values()))))
        times = block if in_blocks else plan.capacity
        needed[name] = number * times * size * values
    return needed


def _count_matrices(net: nn.Module) -> int | None:
    """Return the number of weight matrices of layers in sequence."""
    if type(net) is not nn.Sequential:
        return 1 if isinstance(net, nn.Linear) else None
    return sum(isinstance(part, nn.Linear) for part in net) or None


def _find_device(name: str) -> torch.device:
    """Return the device, or say which there are."""
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        here = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        raise ValueError(f"no device {name!r} here; allowed: {', '.join(here)}") from error
    return device


def _name_weights(net: nn.Module, patterns: Patterns) -> dict[str, str]:
    """Return what parameters are called in records: matrices in a row from input to output, others.

    Each points to the parameter's own name.
    """
    shapes = {name: tuple(p.shape) for name, p in net.named_parameters()}
    names = [name for name, shape in shapes.items() if len(shape) == 2]
    sizes = [patterns.inputs.shape[1], *(shapes[name][0] for name in names)]
    wanted = list(zip(sizes[1:], sizes, strict=False))
    in_row = [shapes[name] for name in names] == wanted
    if not in_row or sizes[-1] != patterns.targets.shape[1]:
        names = []
    called = {f"weights_{k}": name for k, name in enumerate(names, 1)}
    return called | {f"parameter_{name}": name for name in shapes if name not in names}
