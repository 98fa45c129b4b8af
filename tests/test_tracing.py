"""What users' modules do, traced or not: always what autograd does, network by network."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info
from torch import nn

import semdev as sd
from semdev.ensembles import make_ensemble
from semdev.threads import threads

WORLD = sd.load("rumelhart8")


class Hidden(nn.Module):
    """A user's network with a hidden layer; what it does with it is said below."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.lower = nn.Linear(n_inputs, 9)
        self.upper = nn.Linear(9, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.upper(torch.tanh(self.lower(x)))


class ScaledInPlace(Hidden):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gain = torch.ones(9, dtype=x.dtype)
        gain *= 0.5
        return self.upper(torch.tanh(self.lower(x)) * gain)


class CopiedInPlace(Hidden):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        copy = torch.zeros_like(x)
        copy += x
        return self.upper(torch.tanh(self.lower(copy)))


class Ranked(Hidden):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rank = torch.arange(9.0, dtype=x.dtype).div_(9)
        return self.upper(torch.relu_(self.lower(x)) * rank)


class SlowAndFast(Hidden):
    """Two parameters with one slope."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__(n_inputs, n_outputs)
        self.fast = nn.Parameter(torch.randn(n_outputs, 9) / 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.tanh(self.lower(x))
        return nn.functional.linear(hidden, self.upper.weight + self.fast)


class Shared(Hidden):
    """A parameter whose slopes are all one number."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__(n_inputs, n_outputs)
        self.gain = nn.Parameter(torch.ones(5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + 0.1 * self.gain.sum()


class ReadsInPython(nn.Module):
    """Finds out in Python which item it is shown: the trace knows only the first."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.codes = nn.Embedding(n_inputs, 9)
        self.upper = nn.Linear(9, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.upper(self.codes(torch.tensor([row.index(1.0) for row in x.tolist()])))


class Counts(Hidden):
    """Answers otherwise once it has been asked often."""

    count: torch.Tensor

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__(n_inputs, n_outputs)
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count.add_(1.0)
        return super().forward(x) * torch.where(self.count > 9, 0.5, 1.0)


def build_with_one_activation(n_inputs: int, n_outputs: int) -> nn.Module:
    """Build a chain that uses one activation module twice."""
    act = nn.Tanh()
    return nn.Sequential(nn.Linear(n_inputs, 9), act, nn.Linear(9, 9), act, nn.Linear(9, n_outputs))


def learn(model: Any, **settings: Any) -> Any:
    how = {"seeds": [0, 3], "steps": 12, "learning_rate": 0.02, "record": 2, "progress": False}
    return sd.train(model, WORLD, **how | settings)


def find_engine(history: Any) -> str:
    return sd.get_provenance(history)["engine"]


@pytest.mark.parametrize("presentation", ["full batch", "per pattern", "interleaved"])
@pytest.mark.parametrize(
    "model", [ScaledInPlace, CopiedInPlace, Ranked, Shared, build_with_one_activation]
)
def test_modules_learn_as_they_do_one_by_one(model: Any, presentation: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "networks are trained one after the other")
        fast = learn(model, presentation=presentation)
    slow = learn(model, presentation=presentation, batched=False)
    assert float(np.abs(fast["output"] - slow["output"]).max()) < 1e-12
    assert float(np.abs(fast["loss"].diff("time")).min()) > 1e-3


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("model", [SlowAndFast, Shared])
def test_parameters_that_share_a_slope_decay_once(model: Any, optimizer: str) -> None:
    how = {"optimizer": optimizer, "weight_decay": 0.1}
    fast, slow = learn(model, **how), learn(model, batched=False, **how)
    assert find_engine(fast) == "batched, traced"
    assert float(np.abs(fast["output"] - slow["output"]).max()) < 1e-12
    assert float(np.abs(fast["output"] - learn(model, optimizer=optimizer)["output"]).max()) > 1e-5


@pytest.mark.parametrize("presentation", ["per pattern", "interleaved"])
def test_what_is_read_in_python_is_not_traced(presentation: str) -> None:
    with pytest.warns(UserWarning, match="one after the other"):
        fast = learn(ReadsInPython, presentation=presentation)
    assert find_engine(fast) == "one by one, autograd"
    slow = learn(ReadsInPython, presentation=presentation, batched=False)
    assert float(np.abs(fast["output"] - slow["output"]).max()) == 0


def test_what_a_module_counts_does_not_reach_other_calls() -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "networks are trained one after the other")
        with pytest.warns(UserWarning, match=r"changes what it keeps \(count\)"):
            often = learn(Counts, seeds=[3], record=range(13))
        with pytest.warns(UserWarning, match="changes what it keeps"):
            together = learn(Counts, seeds=[0, 3])
    last, alone = together.sel(seed=3).isel(time=-1), often.sel(seed=3).isel(time=-1)
    assert float(np.abs(last["output"] - alone["output"]).max()) == 0


def test_hooks_on_parameters_are_refused() -> None:
    def build(n_inputs: int, n_outputs: int) -> nn.Module:
        net = nn.Sequential(nn.Linear(n_inputs, n_outputs))
        next(net.parameters()).register_hook(lambda slope: 0 * slope)
        return net

    with pytest.raises(ValueError, match="hooks on its parameters"):
        learn(build)


def test_runs_in_several_python_threads_do_not_meet() -> None:
    def run(k: int) -> np.ndarray:
        return learn(sd.DeepLinear(4), seeds=range(20 * k, 20 * k + 20))["output"].values

    with threads(2):
        alone = [run(k) for k in range(6)]
        with ThreadPoolExecutor(3) as pool:
            together = list(pool.map(run, range(6)))
        assert {pool["num_threads"] for pool in threadpool_info()} == {2}
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_all_patterns_tapes_share_their_memory() -> None:
    """Or networks would fall out of the cache from pattern to pattern."""
    from semdev.building import build_all, show
    from semdev.ensembles import Learning

    patterns = show(Hidden, WORLD)
    nets = build_all(Hidden, patterns, [0, 1])
    learning = Learning(rate=0.01, presentation="per pattern")
    part = make_ensemble(nets, patterns, [0, 1], learning).parts[0]
    part.advance(1)
    assert len(part.tapes) == len(patterns.inputs)
    slopes = [tape.operations[-1].args[1].data_ptr() for tape in part.tapes.values()]  # type: ignore[attr-defined]
    assert len(set(slopes)) == 1


def test_memory_is_estimated_from_what_is_computed() -> None:
    class Long(Hidden):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = super().forward(x)
            for _ in range(20):
                y = torch.tanh(y) * 1.01
            return y

    short = sd.estimate_memory(Hidden, WORLD, seeds=100, steps=10, record=2)["networks"]
    long = sd.estimate_memory(Long, WORLD, seeds=100, steps=10, record=2)["networks"]
    per_step = 8 * 36 * 8 * 100  # bytes of the answers of all networks
    assert long - short >= 3 * 40 * per_step
