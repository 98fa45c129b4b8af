"""Figure 5: catastrophic interference, and learning that is interleaved."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from semdev.data.corpora import load
from semdev.interventions.interference import learn_item
from semdev.measures.interference import interference
from semdev.models.rumelhart import Rumelhart
from semdev.papers.checks import FEW, MOST, Check, Share, spread
from semdev.papers.drawing import letter_panels
from semdev.papers.mcclelland2003._shared import train_eight
from semdev.plots._style import CATEGORIES, draw_curve, finish, label_ends

Data = dict[tuple[str, str], xr.Dataset]
BIRD = (
    "ISA living thing", "ISA animal", "ISA bird", "is living", "can grow", "can move", "has skin",
    "has wings", "has feathers",
)  # fmt: skip
NEW = {"swims": (*BIRD, "can swim"), "flies": (*BIRD, "can fly")}
SCHEDULES = ("focused", "interleaved")
KINDS = {"birds": ("robin", "canary"), "fish": ("sunfish", "salmon"),
         "plants": ("pine", "oak", "rose", "daisy")}  # fmt: skip


def fig5_data(*, seeds: int | range = 100, steps: int = 6000, sweeps: int = 400) -> Data:
    """Claim: what is new must be interleaved with what is known, or it overwrites it.

    Stands for what the paper says of complementary learning systems, after McClelland, McNaughton
    & O'Reilly (1995), who taught Rumelhart's network the penguin; the paper's figures show
    no such simulation that we could confirm, and the numbering is ours. A penguin, a bird that
    swims, is learned alone or among the eight items, at the learning rate of before, with
    all weights; the control is a bird that flies.

    That focused learning harms shows when it goes on: when the penguin is just learned (criterion)
    the losses of old items have grown by .023 alone and .014 among the others, which differ little;
    after 400 sweeps by .236 and .004 (medians of 100 networks).
    """
    _, adult = train_eight(seeds=seeds, steps=steps)
    found: Data = {}
    for kind, known in NEW.items():
        for schedule in SCHEDULES:
            learned = learn_item(
                adult, Rumelhart(), load("rumelhart8"), "penguin", known, schedule=schedule,
                steps=sweeps, parent="bird", record=60, progress=False,
            )  # fmt: skip
            each = interference(learned)[["error", "learned_at", "increase", "interference"]]
            found[kind, schedule] = each.assign_coords(
                time=("time", learned["step"].values.astype(float))
            ).assign(learned_at=_as_sweeps(each["learned_at"], learned))
    return found


def fig5_checks(data: Data) -> list[Check]:
    """Hold figure 5 against its claims."""
    alone, among = (data["swims", schedule] for schedule in SCHEDULES)
    flies = data["flies", "focused"]
    last = float(alone["time"][-1])
    worse = Share.of(_end(alone) > _end(among))
    then = Share.of((alone["interference"] > among["interference"]).values)
    late = {k: data["swims", k]["learned_at"].fillna(np.inf).values for k in SCHEDULES}
    middle = {k: float(np.median(each)) for k, each in late.items()}
    never = {k: np.isinf(each).mean() for k, each in late.items()}
    birds, plants = (_end(alone, KINDS[kind]) for kind in ("birds", "plants"))
    near = Share.of(birds > plants)
    milder = Share.of(_end(flies) < _end(alone))
    return [
        Check(
            "learned alone, the penguin overwrites what was known; among the others it does not",
            f"loss of each old item after {last:.0f} sweeps grown by {spread(_end(alone))}, "
            f"interleaved {spread(_end(among))}; more in {worse.text} (when the penguin is just "
            f"learned, by {spread(alone['interference'])} and {spread(among['interference'])}; "
            f"more in {then.text})",
            MOST + f", after {last:.0f} sweeps", worse.is_usual, "published",
            expected="much; little or none", note=FEW,
        ),
        Check(
            "interleaving costs presentations of the others, not of the penguin",
            f"learned (largest error .5) after {spread(alone['learned_at'], form='.0f')} sweeps "
            f"alone, {spread(among['learned_at'], form='.0f')} interleaved, of those that learn; "
            f"never learned in {never['focused']:.0%} and {never['interleaved']:.0%}",
            "medians within a factor of 2, never counting as late",
            middle["focused"] / 2 < middle["interleaved"] < 2 * middle["focused"], panel="c",
            expected="about as many sweeps, each with the others in it",
            note="what most networks have not learned in the sweeps there are has no median",
        ),
        Check(
            "learned alone, it harms what is like it most", f"birds {spread(birds)}, plants "
            f"{spread(plants)}; birds more in {near.text}", MOST, near.is_usual, panel="a",
            expected="birds > plants", note=FEW,
        ),
        Check(
            "a bird that flies as others do harms less than one that swims",
            f"flies {spread(_end(flies))}, swims {spread(_end(alone))}; less in {milder.text}",
            MOST, milder.is_usual, panel="d", expected="less (McClelland 2013, of schemata)",
            note=FEW,
        ),
    ]  # fmt: skip


def fig5(data: Data | None = None) -> Figure:
    """Draw what old items lose under either schedule, how the new one is learned, the control."""
    data = fig5_data() if data is None else data
    figure = Figure(figsize=(7.0, 5.0), layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    for axis, schedule in zip(axes[:2], SCHEDULES, strict=True):
        found = data["swims", schedule]
        for k, items in enumerate(KINDS.values()):
            curve = found["increase"].sel(item=list(items)).mean("item")
            draw_curve(axis, curve, interval=0.95, color=CATEGORIES[k])
        axis.set_xlim(0, float(found["time"][-1]))
        finish(axis, x=f"sweeps, {schedule}", y="growth of an old item’s loss")
    low, high = axes[0].get_ylim()
    for axis, schedule in zip(axes[:2], SCHEDULES, strict=True):
        axis.set_ylim(low, high)
        at_end = data["swims", schedule]["increase"].isel(time=-1)
        ends = [float(at_end.sel(item=list(x)).mean("item").median()) for x in KINDS.values()]
        order = np.argsort(ends)
        label_ends(axis, [ends[k] for k in order], [list(KINDS)[k] for k in order],
                   [CATEGORIES[k] for k in order])  # fmt: skip
    ends = []
    for k, schedule in enumerate(SCHEDULES):
        error = data["swims", schedule]["error"]
        draw_curve(axes[2], error, interval=0.95, color=CATEGORIES[3 + k])
        ends.append(float(error.isel(time=-1).median()))
    axes[2].axhline(0.5, color="black", linewidth=0.6, linestyle=":")
    axes[2].set(xlim=(0, float(error["time"][-1])), ylim=(0, 1))
    finish(axes[2], x="sweeps", y="largest error about the penguin")
    order = np.argsort(ends)
    label_ends(axes[2], [ends[k] for k in order], [SCHEDULES[k] for k in order],
               [CATEGORIES[3 + k] for k in order])  # fmt: skip
    harm = [_end(data[kind, "focused"]) for kind in ("flies", "swims")]
    most = 1.05 * max(each.max() for each in harm)
    axes[3].plot(*harm, "o", color=CATEGORIES[0], ms=3, alpha=0.6)
    axes[3].plot([0, most], [0, most], color="black", linewidth=0.6, linestyle=":")
    axes[3].set(xlim=(0, most), ylim=(0, most))
    finish(axes[3], x="growth of loss, a bird that flies", y="a bird that swims (focused)")
    letter_panels(axes)
    return figure


def _as_sweeps(times: xr.DataArray, history: xr.Dataset) -> xr.DataArray:
    rate = float(history["time"][-1] / history["step"][-1])
    return times / rate


def _end(found: xr.Dataset, items: tuple[str, ...] | None = None) -> np.ndarray:
    """Return by how much the loss of an old item has grown in the end, mean over items."""
    increase = found["increase"].isel(time=-1)
    chosen = increase if items is None else increase.sel(item=list(items))
    return chosen.mean("item").values
