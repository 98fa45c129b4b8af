"""Interference: what becomes of the old items when a new one is learned with all the weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import networkx as nx
import numpy as np
import torch
import xarray as xr
from torch import nn

from semdev._names import require
from semdev.building import Model, build_all, describe_model, show
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns
from semdev.history import check, get_provenance
from semdev.interventions._entries import ask_net
from semdev.interventions._layout import read_layout, translate_targets
from semdev.interventions._practice import select_ages
from semdev.learning_rules import RULES
from semdev.rebuilding import rebuild
from semdev.training import train

SCHEDULES = ("interleaved", "focused")
KEPT = set(RULES) - {"feedback alignment"}  # rules that need nothing but the weights


def learn_item(
    history: xr.Dataset,
    model: Model,
    data: Dataset | Patterns,
    item: str,
    known: Sequence[str] | Mapping[str, float],
    *,
    at: float | None = None,
    schedule: str = "interleaved",
    frequency: float = 1.0,
    parent: str | None = None,
    learning_rate: float | None = None,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    hidden: bool = False,
    keep_weights: bool = False,
    progress: bool | None = None,
) -> xr.Dataset:
    """Let networks of a given age learn a new item with all their weights, as they learned before.

    The item gets an input unit, whose weights begin as those of all items began (from the seed).
    Then training goes on where it was, with the History's rule, loss, presentation and momentum. A
    "focused" learner meets only the new item, and what it knew of others is overwritten; an
    "interleaved" one goes on meeting them, the new item among them (McClelland, McNaughton &
    O'Reilly 1995). What fits in with what is known interferes less (McClelland 2013). See
    `semdev.interference` for how much is lost.

    Parameters
    ----------
    history : xr.Dataset
        A History with weights (`keep_weights=True`).
    model, data
        What was trained, and on what (see `semdev.rebuild`).
    item : str
        Name of the new item.
    known : sequence of str, or mapping
        All properties that it has (the highest value of the data); or {property: value}. It lacks
        all others (the lowest value), and is taught so; where data were made with `observed=`,
        each as often as of the old items on average, and what was never taught of any of them only
        if it is named here (then always).
    at : number, optional
        Age (learning time) at which it is met; the nearest that was recorded. Default: the last.
    schedule : "interleaved" or "focused"
        With the old items, or alone.
    frequency : number
        How often the new item is met in a sweep, relative to the mean of the old ones.
    parent : str, optional
        Class of the tree to which the item belongs. Default: the result knows of no tree.
    learning_rate : float, optional
        Default: that of the History.
    steps : int
        Sweeps; in each the new item is met as often, whatever the schedule.
    record, hidden, keep_weights, progress
        As for `semdev.train`.

    Returns
    -------
    xr.Dataset
        A History of the old items and the new one, last, for all measures; its time is what has
        passed since the new item was met (sweep × learning rate). Besides, `new` (item), which is
        the new one, and `age`, when it was met. The loss is that of what is shown. In a focused
        History `taught` is 0 for the old items.

    Raises
    ------
    KeyError
        No such property, schedule or class; the nearest match is suggested.
    ValueError
        An item that is known already or has nothing; weights not kept; not the model or the data of
        this History; a model that is not built to size, or that has more than a further input unit
        of an nn.Linear for an item more; a learning rule of which a History does not keep what it
        needs: one of your own, or the random weights of feedback alignment.

    Examples
    --------
    >>> import semdev as sd
    >>> world, model = sd.load("saxe2019"), sd.DeepLinear(hidden=16)
    >>> child = sd.train(model, world, seeds=2, keep_weights=True)
    >>> learned = learn_item(child, model, world, "bat", ["can move", "can fly"], steps=400)
    >>> learned["item"].values
    array(['canary', 'salmon', 'oak', 'rose', 'bat'], dtype='<U6')
    >>> sd.ask(learned, "bat", "can fly").isel(time=-1).values.round(1)
    array([1., 1.])
    """
    require(schedule, SCHEDULES, kind="schedule", where="learn_item")
    if not (isinstance(frequency, Real) and 0 < frequency < np.inf):
        raise ValueError(f"frequency is how often the item is met, above 0; got {frequency!r}")
    before = get_provenance(check(history))
    rule = _read_rule(before)
    patterns = show(model, data)
    then = select_ages(history, at)
    if then.sizes["time"] != 1:
        raise ValueError(f"a new item is met at one age; got {at!r}")
    age = float(then["time"].values[0])
    old = rebuild(history, model, data, at=age)
    wider = add_item(patterns, item, known, frequency=frequency, parent=parent)
    seeds = then["seed"].values.tolist()
    nets = _widen(old, model, patterns, wider, seeds)
    shown = wider
    if schedule == "focused":
        alone = np.arange(len(wider.inputs)) >= len(patterns.inputs)
        shown = replace(wider, weights=wider.weights * alone)
    learned = train(
        _Following(nets, model), shown, seeds=seeds, steps=steps, record=record,
        learning_rate=before["learning_rate"] if learning_rate is None else learning_rate,
        rule=rule, loss=before.get("loss", "squared error"), momentum=before.get("momentum", 0.0),
        presentation=before.get("presentation", "full batch"), hidden=hidden,
        keep_weights=keep_weights, progress=progress,
    )  # fmt: skip
    record_of = json.loads(learned.attrs["provenance"])
    record_of |= {"made_by": "semdev.learn_item", "starts_from": f"age {age:g}",
                  "schedule": schedule, "new_item": item,
                  "patterns": wider.digest}  # fmt: skip
    learned.attrs["provenance"] = json.dumps(record_of, ensure_ascii=False)
    new = learned["item"].values == item
    return learned.assign_coords(new=("item", new), age=age)


def _read_rule(before: dict[str, Any]) -> str:
    """Return the name of the rule by which networks learned, if they can go on by it."""
    rule = str(before.get("rule", "backpropagation"))
    if rule == "feedback alignment":
        raise ValueError(
            f"these networks learned by {rule}, whose random feedback weights a History does not "
            "keep; with others it would not be these networks that go on learning"
        )
    if rule not in RULES:
        raise ValueError(
            f"these networks learned by a rule of your own, {rule}, of which a History keeps "
            f"nothing but this name; learn_item can go on by {', '.join(sorted(KEPT))}"
        )
    return rule


def add_item(
    patterns: Patterns,
    item: str,
    known: Sequence[str] | Mapping[str, float],
    *,
    frequency: float = 1.0,
    parent: str | None = None,
) -> Patterns:
    """Return patterns with one item more, last, shown by an input unit of its own.

    The unit follows the old items' input units; the rest is as in `learn_item`. The mask of a
    property is the mean of the old items' masks, but 1 if it is known of the new item and 0 for all
    old ones.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.make_patterns(sd.load("saxe2019"), relations=True)
    >>> add_item(world, "bat", ["can move", "can fly"])
    <Patterns of 'saxe2019 and bat': 10 patterns × 7 inputs → 7 outputs>
    """
    layout = read_layout(patterns)
    table = patterns.data.properties
    count = len(layout.contexts)
    row = _describe(patterns.data, item, known)
    goal = translate_targets(patterns, row)
    named = np.isin(table["property"].values, [known] if isinstance(known, str) else list(known))
    n_items = len(patterns.asked)
    names = [*table["item"].values.tolist(), item]
    often = table["frequency"].values
    wider = xr.DataArray(
        np.concatenate([table.values, row[None]]), dims=("item", "property"),
        coords={"item": names, "property": table["property"].values,
                "relation": ("property", table["relation"].values),
                "frequency": ("item", np.append(often, frequency * often.mean()))},
    )  # fmt: skip
    own = layout.context_of == np.arange(count)[:, None]  # context × property
    foreign = patterns.targets.reshape(n_items, count, -1)[:, ~own]
    off = foreign.min() if foreign.size else 0.0
    code = np.zeros((len(patterns.inputs) + count, 1))
    code[-count:] = 1.0
    codes = np.concatenate([patterns.inputs[:, : layout.codes], np.zeros((count, layout.codes))])
    others = np.concatenate([patterns.inputs[:, layout.codes :], layout.contexts])
    mean = patterns.weights.reshape(n_items, count).mean(0)
    return Patterns(
        Dataset(wider, _grow(patterns.data, item, parent), f"{patterns.data.name} and {item}"),
        np.concatenate([codes, code, others], axis=1),
        np.concatenate([patterns.targets, np.where(own, goal, off)]),
        np.concatenate([patterns.mask, _share(patterns.mask.reshape(n_items, count, -1), named)]),
        np.append(patterns.weights, frequency * mean),
        np.concatenate([patterns.asked, n_items * count + layout.context_of[None]]),
        np.concatenate([patterns.relations, layout.relations]),
    )


def _share(mask: np.ndarray, named: np.ndarray) -> np.ndarray:
    """Return how often each property is taught of a new item, context × property."""
    same = np.ptp(mask, axis=0) == 0
    share = np.where(same, mask[0], mask.mean(0))
    return np.where(named & (share == 0).all(0), 1.0, share)


def _describe(data: Dataset, item: str, known: Sequence[str] | Mapping[str, float]) -> np.ndarray:
    """Return the new item's row of the table."""
    table = data.properties
    if item in table["item"].values.tolist():
        raise ValueError(f"{data.name} has an item {item!r} already; a new one needs another name")
    high, low = table.values.max(), table.values.min()
    if isinstance(known, str):
        known = [known]
    names = table["property"].values.tolist()
    if not known:
        raise ValueError(f"{item!r} has no properties: there is nothing to learn")
    row = np.full(len(names), low)
    for name in known:
        require(name, names, kind="property", where=data.name)
        k = names.index(name)
        row[k] = known[name] if isinstance(known, Mapping) else high
    if not np.isfinite(row).all():
        raise ValueError(f"values of {item!r} must be finite numbers; got {known!r}")
    return row


def _grow(data: Dataset, item: str, parent: str | None) -> nx.DiGraph | None:
    """Return the tree with the item under its class."""
    if parent is None:
        return None
    if data.tree is None:
        raise ValueError(f"{data.name} has no tree, so that no class of it can be the parent")
    classes = [node for node in data.tree if data.tree.out_degree(node)]
    require(parent, classes, kind="class", where=f"the tree of {data.name}")
    tree = data.tree.copy()
    tree.add_edge(parent, item, length=1.0)
    return tree


@dataclass
class _Following:
    """Hands out networks one after the other, under the name of the model that they are of."""

    nets: list[nn.Module]
    model: Callable[..., nn.Module]

    def __call__(self) -> nn.Module:
        return self.nets.pop(0)

    def __repr__(self) -> str:
        return describe_model(self.model)


def _widen(
    old: list[nn.Module], model: Model, patterns: Patterns, wider: Patterns, seeds: list[int]
) -> list[nn.Module]:
    """Return the networks with one more input unit, whose weights are as the model begins."""
    place = read_layout(patterns).codes
    nets = [net.double() for net in build_all(model, wider, seeds)]
    shown = torch.tensor(patterns.inputs)
    more = torch.tensor(wider.inputs[: len(shown)])
    for before, after in zip(old, nets, strict=True):
        values = dict(before.named_parameters())
        with torch.no_grad():
            for name, parameter in after.named_parameters():
                known = values[name].detach()
                sizes = tuple(known.shape)
                wider_by_one = len(sizes) == 2 and (sizes[0], sizes[1] + 1)
                if tuple(parameter.shape) == wider_by_one:  # the nn.Linear that reads items
                    new = parameter[:, place : place + 1]
                    known = torch.cat([known[:, :place], new, known[:, place:]], dim=1)
                if known.shape != parameter.shape:
                    raise ValueError(
                        f"{describe_model(model)} has {name} {tuple(parameter.shape)} with one "
                        f"item more and {sizes} without: nothing but a further "
                        "input unit may come with an item, one more column of the weights of the "
                        "nn.Linear that reads items"
                    )
                parameter.copy_(known)
            off = float((ask_net(after, more) - ask_net(before, shown)).abs().max())
        if off > 1e-6:
            raise ValueError(
                f"{describe_model(model)}, built for one item more, answers otherwise about the "
                "old ones: items must come first among its inputs, and each be an input of its own"
            )
    return nets
