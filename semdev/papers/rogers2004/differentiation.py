"""Figure 1: progressive differentiation of the 21 items."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from semdev.measures.crossing import first_crossing
from semdev.measures.differentiation import differentiation
from semdev.measures.similarity import item_distances
from semdev.papers.checks import FEW, Check, Share, spread
from semdev.papers.drawing import letter_panels
from semdev.papers.rogers2004._shared import (
    EPOCH,
    EPOCH_LABEL,
    SEEDS,
    STEPS,
    Data,
    draw_epochs,
    share,
    train_names,
    train_shallow,
)
from semdev.plots._style import CATEGORIES, finish, legend_above

LEVELS = {0: "plant from animal", 1: "kinds of plant or animal", 2: "members of a kind"}
MARGIN = 0.05  # by which a parting must be ahead to precede, as in `differentiation`


def fig1_data(*, seeds: int = SEEDS, steps: int = STEPS) -> Data:
    """Claim: the network learns broad distinctions first and finer ones later.

    Names are taught half as often as properties. Distances are between what is believed of items'
    properties (is, can, has), so that what parts is equally frequent; names, being rarer, would
    part the members of a kind later still. The control has the same patterns, targets and biases,
    and no hidden layer.
    """
    runs = {
        "network": train_names("half", seeds=seeds, steps=steps, whole=True),
        "shallow": train_shallow("half", seeds=seeds, steps=steps),
    }
    facts = {name: _leave_names(run) for name, run in runs.items()}
    found = {name: differentiation(run, margin=MARGIN) for name, run in facts.items()}
    grown = found["network"]["between"].sel(layer="hidden_1")
    return {
        "output": {name: each.sel(layer="output") for name, each in found.items()},
        "representation": grown,
        "growth": _find_half_growth(grown),
        "cophenetic": found["network"]["cophenetic"].sel(layer="hidden_1"),
        "partings": {name: find_partings(run) for name, run in facts.items()},
        "classes": _list_classes(runs["network"]),
    }


def fig1_checks(data: Data) -> list[Check]:
    """Hold figure 1 against its claims."""
    deep, shallow = data["output"]["network"], data["output"]["shallow"]
    order = deep["precedes"].isel(level=slice(-1))
    growth = data["growth"]
    grown = (growth.diff("level") > MARGIN * growth.isel(level=slice(-1)).values).all("level")
    lag, control = (
        each["half_time"].sel(level=2) / each["half_time"].sel(level=0) for each in (deep, shallow)
    )
    ahead = _compare_partings(data["partings"]["network"], data["classes"])
    cophenetic = data["cophenetic"]
    times = ", ".join(
        spread(deep["half_time"].sel(level=k) / EPOCH, form=".0f") for k in deep["level"].values
    )
    return [
        Check(
            "beliefs part broad before fine: plant from animal, then kinds, then members",
            f"in {share(order.all('level'))} of {order.sizes['seed']} networks; epochs {times}",
            "by 5 % of the time, in most networks", Share.of(order.all("level")).is_usual,
            "published", panel="a", expected="in that order", note=FEW,
        ),
        Check(
            "so does every class from its siblings before its own members part",
            "; ".join(f"{name} {share(each)}" for name, each in ahead.items()),
            "by 5 % of the time, in most networks, for each class",
            all(Share.of(each).is_usual for each in ahead.values()), "published", panel="d",
            expected="each parting before the next",
            note="mammals differ in being big or pretty, as many others do, and what many are is "
            "learned early (big at about epoch 370, pretty 460, red 1020); birds, fish and flowers "
            "differ in colours too",
        ),
        Check(
            "representations part in the same order (half of the growth of distances)",
            f"in {share(grown)} of networks; epochs "
            + ", ".join(spread(growth.sel(level=k) / EPOCH, form=".0f") for k in LEVELS),
            "by 5 % of the time, in most networks", Share.of(grown).is_usual, "published",
            panel="c", expected="in that order",
            note="with weights of this size items start far apart by chance, and what grows on "
            "top of that need not keep the order in every network",
        ),
        Check(
            "and come to lie as the tree says",
            f"cophenetic correlation with the tree: start {spread(cophenetic.isel(time=0))}, end "
            f"{spread(cophenetic.isel(time=-1))}",
            "higher at the end in most networks, median there ≥ .8",
            Share.of(cophenetic.isel(time=-1) > cophenetic.isel(time=0)).is_usual
            and cophenetic.isel(time=-1).median() >= 0.8, panel="c", expected="towards 1", note=FEW,
        ),
        Check(
            "control without a hidden layer: the levels part nearly together",
            f"members ÷ plant from animal, in time: {spread(control, form='.2f')}; network "
            f"{spread(lag, form='.2f')}",
            "control < 1.25 in every network; larger with a hidden layer in most",
            (control < 1.25).all() and Share.of(lag > control).is_usual, panel="b",
            expected="near 1: base rates, learned by relation units, still favour what many have",
            note=FEW,
        ),
    ]  # fmt: skip


def fig1(data: Data | None = None) -> Figure:
    """Draw distances by level in network, control and representation, and every parting."""
    data = fig1_data() if data is None else data
    figure = Figure(figsize=(7.0, 5.4), layout="constrained")
    (network, shallow), (representation, partings) = figure.subplots(2, 2)
    curves = {
        network: data["output"]["network"]["between"],
        shallow: data["output"]["shallow"]["between"],
        representation: data["representation"],
    }
    for axis, title in (
        (network, "distance of beliefs"), (shallow, "the same, no hidden layer"),
        (representation, "distance of representations"),
    ):  # fmt: skip
        for k, label in LEVELS.items():
            draw_epochs(axis, curves[axis].sel(level=k), CATEGORIES[k], label)
        axis.set_ylim(0, None)
        axis.set_xlim(0, 4000)
        finish(axis, x=EPOCH_LABEL, y=title)
    _draw_partings(partings, data["partings"]["network"]["half_time"] / EPOCH)
    for axis in (network, shallow, representation):
        legend_above(axis, axis.get_legend_handles_labels()[0])
    letter_panels((network, shallow, representation, partings))
    return figure


def _draw_partings(axis: Any, epochs: xr.DataArray) -> None:
    low, middle, high = epochs.quantile([0.025, 0.5, 0.975], "seed").values
    places = np.arange(len(middle))[::-1]
    depth = epochs["depth"].values
    for k in np.unique(depth):
        of = depth == k
        axis.errorbar(
            middle[of], places[of], xerr=[(middle - low)[of], (high - middle)[of]], fmt="o", ms=4,
            capsize=2, lw=1, color=CATEGORIES[int(k)],
        )  # fmt: skip
    axis.set_yticks(places, [f"within {name}" for name in epochs["parting"].values])
    axis.set_xlim(0, None)
    finish(axis, x="epoch at half of the distance")


def _leave_names(history: xr.Dataset) -> xr.Dataset:
    """Return a History without the properties that are names."""
    relation = history["relation"].values.astype(str)
    return history.isel(property=np.flatnonzero(~np.char.startswith(relation, "ISA")))


def _find_half_growth(between: xr.DataArray) -> xr.DataArray:
    """Return when distances have made half of their way from first to last."""
    first, last = between.isel(time=0), between.isel(time=-1)
    return first_crossing((between - first) / (last - first), 0.5)


def _list_classes(history: xr.Dataset) -> dict[str, str]:
    """Return every class of the tree with two members or more, and the next larger one."""
    larger = {}
    for row in history["ancestor"].values.astype(str).tolist():
        for above, below in pairwise(row[:-1]):
            larger[below] = above
    return larger


def find_partings(history: xr.Dataset) -> xr.Dataset:
    """Return when the parts of each class are told apart: half of their distance in the data.

    The parts of a class are the classes (or items) next below it; their distance is the mean over
    pairs of items from different parts.
    """
    classes = history["ancestor"].values.astype(str)
    distance = item_distances(history).values
    y = history["target"].values
    truth = np.linalg.norm(y[:, None] - y[None], axis=-1)
    times, names, depths = [], [], []
    for depth in range(classes.shape[1] - 1):
        for name in dict.fromkeys(classes[:, depth].tolist()):
            of = classes[:, depth] == name
            part = classes[:, depth + 1]
            pairs = of[:, None] & of[None] & (part[:, None] != part[None])
            curve = xr.DataArray(
                distance[..., pairs].mean(-1), dims=("seed", "time"),
                coords={"seed": history["seed"].values, "time": history["time"].values},
            )  # fmt: skip
            times.append(first_crossing(curve, truth[pairs].mean() / 2))
            names.append(name)
            depths.append(depth)
    half = xr.concat(times, dim="parting").assign_coords(
        parting=names, depth=("parting", np.array(depths))
    )
    return xr.Dataset({"half_time": half.transpose("seed", "parting")})


def _compare_partings(partings: xr.Dataset, larger: dict[str, str]) -> dict[str, np.ndarray]:
    """Return, for each class, whether it is told from its siblings before its parts are."""
    half = partings["half_time"].fillna(np.inf)
    return {
        name: (
            half.sel(parting=above) * (1 + MARGIN) < half.sel(parting=name)
        ).values
        for name, above in larger.items()
    }  # fmt: skip
