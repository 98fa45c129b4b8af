"""Train an ensemble: every seed a network of its own, all of them in one batched pass."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
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
from semdev.ensembles import Ensemble, make_ensemble
from semdev.history import make_history
from semdev.models.networks import count_linear_layers
from semdev.models.solving import SETTLED
from semdev.presenting import Presentation
from semdev.recording import Log, Plan
from semdev.settings import check_learning, choose_rate, estimate_steps

MOST_STEPS = 200_000
SMALL = 3_000_000  # multiply-adds of a forward pass under which one thread is faster than two
DTYPES = {"float64": torch.float64, "float32": torch.float32}


class DivergenceError(ArithmeticError):
    """The loss grew without bound."""


def train(
    model: Model,
    data: Dataset | Patterns,
    *,
    seeds: int | Iterable[int],
    learning_rate: float | None = None,
    steps: int | None = None,
    record: int | Sequence[int] = 200,
    weights: Sequence[np.ndarray] | None = None,
    rule: Any = "backpropagation",
    presentation: str = "full batch",
    loss: str = "squared error",
    momentum: float = 0.0,
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
        linear network of this depth on these data; then the fastest mode is 1.5 % late. Sigmoid
        units want a larger one: they learn slowly. A linear network refuses one over its
        stability bound.
    steps : int, optional
        Sweeps over the patterns; by default each is one update. Default: until learning has
        settled, at most 200 000; a warning says if it has not. Settled is a network whose every
        answer is within 2 % of the largest target; a linear one also when its loss has been flat
        for half of a run that is long past the time its weakest mode is due; any other also when
        its flat loss is below 5 % of the first.
    record : int or increasing sequence of int
        How many times to record (denser early on, when the strongest modes are learned), or at
        which steps; the last step is always recorded.
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
        same in a new random order each sweep. "sampled": as many patterns as a sweep has, drawn
        with replacement in proportion to their frequency. With small learning rates all
        four go the same way, for a sweep's updates add up to the same.
    loss : "squared error" or "cross-entropy"
        Cross-entropy is Σ frequency × (−y ln ŷ − (1 − y) ln(1 − ŷ)), for answers and targets
        between 0 and 1; sigmoid units then never learn slowly because they are far off.
    momentum : number, 0 ≤ μ < 1
        v ← μ v + ∂loss/∂w, w ← w − learning rate × v. Learning is about 1/(1 − μ) times as fast in
        time as it counts here.
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
        seeds, steps or times, a learning rate over the stability bound, a rule together with
        another loss, momentum or presentation than the default ones, cross-entropy where answers
        or targets are not between 0 and 1.
    DivergenceError
        The loss grew without bound or became NaN.

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
    nets = build_all(model, patterns, numbers, weights)
    check_learning(nets[0], patterns, rule, presentation, loss, momentum)
    ensemble = make_ensemble(
        nets, patterns, DTYPES[dtype], _find_device(device), batched, rule, numbers, loss,
        float(momentum),
    )  # fmt: skip
    noise = ensemble.find_noise()
    if noise and ensemble.rule is not None:
        raise ValueError(f"the rule {rule!r} knows no noise; take it out, or use backpropagation")
    presented = Presentation(presentation, patterns, numbers, ensemble.inputs, noise)
    if hidden and not ensemble.record_hidden():
        raise ValueError(
            "hidden=True, but this network has no hidden layer to record (a hidden layer is what "
            "an nn.Linear is given, if it hangs on the weights)"
        )
    rate, chosen = choose_rate(learning_rate, usual.get("learning_rate"), nets[0], patterns)
    if steps is None and "time" in usual:
        steps = math.ceil(usual["time"] / rate)
    kept = _name_weights(ensemble, patterns) if keep_weights else None
    linear = count_linear_layers(nets[0]) is not None
    horizon = estimate_steps(nets[0], patterns, rate) if linear else math.inf
    plan = Plan(record, steps, MOST_STEPS)
    log = Log()
    bar = tqdm(
        total=None if plan.open_ended else plan.last,
        delay=0.0 if progress else 1.0, disable=progress is False,
        desc=f"training {len(numbers)} networks", unit="step", leave=False, mininterval=0.5,
    )  # fmt: skip
    with bar, _fitting_threads(ensemble):
        settled = _run(ensemble, presented, plan, log, rate, horizon, (hidden, kept), bar)
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
    return make_history(
        patterns,
        output=patterns.read_back(np.stack(log.outputs, axis=1)),
        loss=np.stack(log.losses, axis=1),
        time=np.array(log.steps) * rate,
        step=np.array(log.steps),
        seeds=numbers,
        settled=settled,
        hidden=_along_time(log.hidden),
        weights=_along_time(log.weights),
        parameters=dict(zip((kept or [[], []])[1], _along_time(log.parameters), strict=True)),
        biased=any(p.ndim == 1 for p in nets[0].parameters()),
        depth=_count_matrices(nets[0]),
        provenance={
            "made_by": "semdev.train",
            "model": describe_model(model),
            "learning_rate": rate,
            "learning_rate_from": chosen,
            "steps": log.steps[-1],
            "dtype": dtype,
            "device": device,
            "engine": ensemble.how,
            "rule": rule if isinstance(rule, str) else repr(rule),
            "presentation": presentation,
            "loss": loss,
            "momentum": float(momentum),
            "starts_from": "the model" if weights is None else "given weights",
            "torch": torch.__version__,
        },
    )


def _count_matrices(net: nn.Module) -> int | None:
    """Return the number of weight matrices of layers in sequence."""
    if type(net) is not nn.Sequential:
        return 1 if isinstance(net, nn.Linear) else None
    return sum(isinstance(part, nn.Linear) for part in net) or None


def _along_time(records: list[list[np.ndarray]]) -> list[np.ndarray]:
    """Return for each layer its records in one array, seed × time × …."""
    return [np.stack(layer, axis=1) for layer in zip(*records, strict=True)]


def _copy(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().copy()


def _find_device(name: str) -> torch.device:
    """Return the device, or say which there are."""
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        here = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        raise ValueError(f"no device {name!r} here; allowed: {', '.join(here)}") from error
    return device


def _name_weights(ensemble: Ensemble, patterns: Patterns) -> tuple[list[str], list[str]]:
    """Return the names of matrices that lead from inputs to outputs in a row, and of the rest."""
    parameters = ensemble.read_parameters()
    names = [name for name, p in parameters.items() if p.ndim == 3]
    shapes = [tuple(parameters[name].shape[1:]) for name in names]
    sizes = [patterns.inputs.shape[1], *(shape[0] for shape in shapes)]
    wanted = list(zip(sizes[1:], sizes, strict=False))
    if shapes != wanted or sizes[-1] != patterns.targets.shape[1]:
        names = []
    return names, [name for name in parameters if name not in names]


@contextmanager
def _fitting_threads(ensemble: Ensemble) -> Iterator[None]:
    """Use one thread where an update is so small that several would wait for each other."""
    before = torch.get_num_threads()
    if sum(p.numel() for p in ensemble.parameters.values()) * len(ensemble.inputs) < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _run(
    ensemble: Ensemble,
    presented: Presentation,
    plan: Plan,
    log: Log,
    rate: float,
    horizon: float,
    keep: tuple[bool, tuple[list[str], list[str]] | None],
    bar: Any,
) -> np.ndarray:
    """Train until the plan or learning itself ends; return which seeds have settled."""
    scale = float(ensemble.targets.abs().max())
    step = 0
    while True:
        if plan.includes(step):
            with torch.no_grad():
                outputs = ensemble.answer()
                losses = ensemble.measure_loss(outputs).cpu().numpy()
                _refuse_divergence(losses, log, step, rate)
                log.steps.append(step)
                log.outputs.append(_copy(outputs))
                log.losses.append(losses)
                if keep[0]:
                    log.hidden.append([_copy(h) for h in ensemble.record_hidden()])
                if keep[1]:
                    now = ensemble.read_parameters()
                    log.weights.append([_copy(now[name]) for name in keep[1][0]])
                    log.parameters.append([_copy(now[name]) for name in keep[1][1]])
                wrong = ((ensemble.targets - outputs) * (ensemble.taught > 0)).abs().amax((1, 2))
            settled = (wrong.cpu().numpy() <= SETTLED * scale) | _has_stopped(log, horizon)
            if step == plan.last or (plan.open_ended and settled.all()):
                return settled
            if plan.open_ended and len(log.steps) > 2 * plan.most:
                log.keep(range(0, len(log.steps), 2))
                plan.stride *= 2
        for shown in presented.sweep():
            ensemble.update(shown, rate)
        step += 1
        bar.update()


def _has_stopped(log: Log, horizon: float) -> np.ndarray:
    """Return for each seed whether its loss changed by under 0.1 % in the second half of a run.

    A plateau is no end. For linear networks, past the `horizon` by which the weakest mode is due,
    a flat loss is one; for others nobody knows what is due, so it must have fallen to 5 % of the
    first besides.
    """
    now, first = log.steps[-1], log.losses[0]
    halfway = int(np.searchsorted(log.steps, now / 2))
    if len(log.steps) - halfway < 10 or (now < horizon < math.inf):
        return np.zeros(len(first), dtype=bool)
    before, after = log.losses[halfway], log.losses[-1]
    flat = np.abs(before - after) <= 1e-3 * np.abs(before)
    return flat & ((after <= 0.05 * first) | (horizon < math.inf))


def _refuse_divergence(losses: np.ndarray, log: Log, step: int, rate: float) -> None:
    limit = 100 * log.losses[0] + 1e-12 if log.losses else np.inf
    bad = ~(np.isfinite(losses) & (losses < limit))
    if bad.any():
        raise DivergenceError(
            f"{bad.sum()} of {len(bad)} networks diverged by step {step} (loss "
            f"{losses[bad][0]:.3g}) at learning rate {rate:.3g}; try learning_rate={rate / 4:.2g}, "
            "or smaller initial weights: the bound is that of small ones"
        )
