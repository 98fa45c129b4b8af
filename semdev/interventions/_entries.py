"""New input units: where items enter a network, and how one more item would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from semdev.data.patterns import Patterns
from semdev.interventions._layout import read_layout
from semdev.layers import read_answer


class Entry:
    """The nn.Linear through which items enter networks of one kind, and what known items send.

    Attributes
    ----------
    name : str
        Of the nn.Linear.
    sent : array, network × item × unit
        The net input that each known item gives its units.
    """

    def __init__(self, nets: Sequence[nn.Module], patterns: Patterns) -> None:
        layout = read_layout(patterns)
        shown = torch.tensor(patterns.inputs)
        blank = shown.clone()
        blank[:, : layout.codes] = 0.0
        self.name = _find_entry(nets[0], shown, blank, layout.codes)
        count = len(layout.contexts)
        sent = []
        for net in nets:
            each = [_watch(net, x)[self.name][1] for x in (shown, blank)]
            sent.append((each[0] - each[1])[::count])
            with sending(net, self.name, sent[-1].repeat_interleave(count, 0)):
                again = ask_net(net, blank)
            off = (again - ask_net(net, shown)).abs().max()
            if off > 1e-6:
                raise ValueError(
                    f"items enter {type(nets[0]).__name__} by more ways than through "
                    f"{self.name!r}, so that a new item cannot be one more input unit of it"
                )
        self.sent = np.stack([each.numpy() for each in sent])


class NewItems(nn.Module):
    """Input units of items that a network has not met, under weights that stay as they are."""

    start: torch.Tensor
    gain: torch.Tensor

    def __init__(
        self, net: nn.Module, entry: str, codes: int, start: np.ndarray, gain: np.ndarray
    ) -> None:
        super().__init__()
        self.net = net.requires_grad_(False)
        self.entry, self.codes = entry, codes
        self.register_buffer("start", torch.tensor(start, dtype=torch.float64))
        self.register_buffer("gain", torch.tensor(gain, dtype=torch.float64)[:, None])
        self.weights = nn.Parameter(torch.zeros(start.shape, dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the answers about new items (one-hot) asked in contexts (pattern × input)."""
        n = len(self.start)
        blank = torch.cat([torch.zeros_like(x[..., :1]).expand(*x.shape[:-1], self.codes),
                           x[..., n:]], dim=-1)  # fmt: skip
        with sending(self.net, self.entry, x[..., :n] @ (self.start + self.gain * self.weights)):
            return ask_net(self.net, blank)


class sending:
    """While it lasts, an nn.Linear gets more net input than its own inputs give it."""

    def __init__(self, net: nn.Module, entry: str, sent: torch.Tensor) -> None:
        self.layer, self.sent = net.get_submodule(entry), sent

    def __enter__(self) -> None:
        self.hook = self.layer.register_forward_hook(lambda _, args, out: out + self.sent)

    def __exit__(self, *error: object) -> None:
        self.hook.remove()


def ask_net(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return a network's answers; of several tensors, as course code returns, the first."""
    return read_answer(net(x))


def _find_entry(net: nn.Module, shown: torch.Tensor, blank: torch.Tensor, codes: int) -> str:
    """Return the name of the first nn.Linear that sees which item it is, by the items' codes."""
    seen, unseen = _watch(net, shown), _watch(net, blank)
    for name, (x, _) in seen.items():
        if torch.equal(x, unseen[name][0]):
            continue
        if _list_columns(x - unseen[name][0]) == _list_columns(shown[:, :codes]):
            return name
        raise ValueError(
            f"{name!r}, the first nn.Linear of {type(net).__name__} that knows of the item, is not "
            "given the item's code but what came of it before (from an nn.Parameter, an "
            "nn.Embedding or a normalization?), so that a new item cannot be one more input unit "
            "of it; let items enter by an nn.Linear, such as nn.Linear(n_in, …, bias=False)"
        )
    raise ValueError(
        f"no nn.Linear of {type(net).__name__} reads the item; a new item would be one more input "
        "unit of it"
    )


def _list_columns(values: torch.Tensor) -> set[tuple[float, ...]]:
    """Return the columns of a matrix in no order, less those of 0."""
    columns = values.reshape(len(values), -1).T.double().round(decimals=9)
    return {tuple(column) for column in (columns + 0.0).tolist() if any(column)}


def _watch(net: nn.Module, x: torch.Tensor) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Return input and output of each nn.Linear by name, in the order in which they are used."""
    seen: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    hooks = []
    for name, part in net.named_modules():
        if isinstance(part, nn.Linear):

            def note(_: Any, args: Any, out: torch.Tensor, name: str = name) -> None:
                seen.setdefault(name, (args[0], out))

            hooks.append(part.register_forward_hook(note))
    try:
        net(x)
    finally:
        for hook in hooks:
            hook.remove()
    return seen
