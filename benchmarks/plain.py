"""The plain loop: one nn.Module for each seed, autograd and torch.optim, as in any tutorial."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.tasks import Task
from semdev.threads import threads


def learn(task: Task, seeds: int, updates: int) -> np.ndarray:
    """Train the networks of the first seeds one by one; return their losses at the end."""
    inputs, targets = torch.tensor(task.inputs), torch.tensor(task.targets)
    losses = []
    for seed in range(seeds):
        net = task.build(seed)
        free = [p for p in net.parameters() if p.requires_grad]
        optimizer = torch.optim.SGD(free, lr=task.learning_rate)
        for update in range(updates):
            x, y = inputs, targets
            if task.per_pattern:
                k = update % len(inputs)
                x, y = inputs[k : k + 1], targets[k : k + 1]
            optimizer.zero_grad()
            loss = ((net(x) - y) ** 2).sum() / 2
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            losses.append(float(((net(inputs) - targets) ** 2).sum() / 2))
    return np.array(losses)


def learn_on_one_thread(task: Task, seeds: int, updates: int) -> np.ndarray:
    """Do the same on one thread: torch's default are many, which on a busy machine wait long."""
    with threads(1):
        return learn(task, seeds, updates)
