"""Figure 4: semantic dementia, noise in the weights to representations, what is lost first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semdev.damaging import damage
from semdev.data.corpora import load
from semdev.data.dataset import Dataset
from semdev.measures.crossing import first_crossing
from semdev.measures.dementia import naming_errors, retention
from semdev.models.rumelhart import Rumelhart
from semdev.papers.checks import FEW, MOST, Check, Share, spread
from semdev.papers.drawing import letter_panels
from semdev.papers.mcclelland2003._shared import RATE, train_eight
from semdev.plots import dementia as plots
from semdev.plots._style import CATEGORIES, finish, legend_above
from semdev.training import train

Data = dict[str, Any]
NOISE = (0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6)
OTHER = {
    "noise": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5),
    "weights": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8),
    "units": (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875),
}
ALMOST_ALL = 0.95
LEVELS = ("general", "basic", "specific")


def fig4_data(
    *,
    seeds: int | range = 100,
    steps: int = 6000,
    draws: int = 50,
    noise: Sequence[float] = NOISE,
    worlds: int = 4,
) -> Data:
    """Claim: damage takes what is specific first, and what is general last.

    Stands for the paper's account of semantic dementia (its figure number is not confirmed; the
    numbering is ours): Gaussian noise on the weights from items to representations. That is
    compared with patients only in kind: J. L. called a swan a swan, then a bird, then an animal.
    Ours are the measure of what is left (guessing is 0), the severity at which it is compared
    (where half of all is lost, a severity that nobody has chosen), the errors, and the other kinds
    of damage: noise on the activity of the representation, and weights or units that are lost. Each
    network is damaged `draws` times and its losses are means over them: with ten draws instead of
    fifty the order of two levels that go one soon after the other is often one of chance.

    Rare facts are lost sooner than frequent ones in any world. The control is therefore a world in
    which each property belongs to as many items as before, drawn by chance (`worlds` of them, 12
    networks each): what was general, basic and specific is as frequent there, and no class is left.
    """
    _, adult = train_eight(seeds=seeds, steps=steps)
    world = load("rumelhart8")
    return {
        "noise": damage(
            adult, Rumelhart(), world, kind="weight noise", severity=noise, draws=draws
        ),
        "others": {
            kind: retention(
                damage(adult, Rumelhart(), world, kind=kind, severity=severity, draws=draws)
            )
            for kind, severity in OTHER.items()
        },
        "control": [
            damage(*_scatter(world, draw=draw, steps=steps), kind="weight noise", severity=noise,
                   draws=draws) for draw in range(worlds)
        ],
    }  # fmt: skip


def fig4_checks(data: Data) -> list[Check]:
    """Hold figure 4 against its claims."""
    left, said = retention(data["noise"]), naming_errors(data["noise"])
    gap = measure_gap(data["noise"], left["level_of"])
    by_chance = np.concatenate([measure_gap(each, left["level_of"]) for each in data["control"]])
    wider = Share.of(gap > np.median(by_chance))
    ordered = Share.of(left["order_then"].sel(facts="all"))
    then = left["retained_then"].sel(facts="all").median("seed")
    checks = [
        Check(
            "where half of all is lost, the general is kept best, the specific worst",
            f"in {ordered.text}; left are "
            + ", ".join(f"{float(then.sel(level=level)):.2f}" for level in LEVELS),
            "in 95 % of networks or more", ordered.value >= ALMOST_ALL, "published", panel="d",
            expected="general > basic > specific",
            note="with few networks or draws the share is uncertain",
        ),
        Check(
            "classes do it, not only how frequent a fact is: a wider gap than where there are none",
            f"general − specific where half of all is lost {spread(gap, form='.2f')}, in shuffled "
            f"worlds {spread(by_chance, form='.2f')}; above their median in {wider.text}",
            MOST, wider.is_usual, panel="d", expected="above the control's", note=FEW,
        ),
    ]  # fmt: skip
    for panel, facts in (("a", "names"), ("b", "properties")):
        found = left.sel(facts=facts)
        pairs = compare_levels(left, facts)
        then = found["retained_then"].median("seed")
        checks.append(
            Check(
                f"{facts}: specific is lost first, then basic, then general",
                "half is lost at noise of "
                + ", ".join(
                    f"{level} {spread(found['half'].sel(level=level), form='.2f')}"
                    for level in LEVELS
                )
                + "; where half of all is lost, "
                + ", ".join(f"{float(then.sel(level=k)):.2f}" for k in LEVELS)
                + f" are left; specific before basic in {pairs[1].text}, basic before general in "
                f"{pairs[0].text}",
                MOST + ", each of the two", all(pair.is_usual for pair in pairs), "published",
                panel=panel, expected="general > basic > specific",
                note="with few networks the interval of the share is wide, and basic knowledge "
                "goes only a little before general",
            )
        )  # fmt: skip
    of_errors = said["share_of_errors"]
    wrong = said["share"].isel(severity=slice(1, None))
    early, late = (_at_share(said, lost) for lost in (0.25, 0.75))
    falls = Share.of(
        of_errors.sel(response="superordinate").isel(severity=late)
        < of_errors.sel(response="superordinate").isel(severity=early)
    )
    near = Share.of(
        wrong.sel(response="coordinate").isel(severity=early - 1)
        > wrong.sel(response="cross-domain").isel(severity=early - 1)
    )
    noise = said["severity"].values
    mean = of_errors.mean("seed")
    words = ("superordinate", "coordinate", "cross-domain", "omission")
    checks += [
        Check(
            "errors keep to the truth at first (bird, animal), later less and less",
            "; ".join(
                f"noise {noise[k]:g}: "
                + ", ".join(f"{float(mean.isel(severity=k).sel(response=w)):.0%} {w}"
                            for w in words)
                for k in (early, late)
            ) + f"; fewer superordinate ones in {falls.text}; early on more names of the same "
            f"domain than of others in {near.text}",
            MOST + ", both", falls.is_usual and near.is_usual, panel="c",
            expected="as J. L., in kind: swan, then bird, then animal; later wrong animals",
            note="with few networks the interval of the share is wide",
        ),
        *(_check_kind(kind, found) for kind, found in data["others"].items()),
    ]  # fmt: skip
    return checks


def fig4(data: Data | None = None) -> Figure:
    """Draw what is left of names and properties, what things are called, and other damage."""
    data = fig4_data() if data is None else data
    figure = Figure(figsize=(7.0, 5.6), layout="constrained")
    (names, properties), (errors, kinds) = figure.subplots(2, 2)
    for axis, facts in ((names, "names"), (properties, "properties")):
        plots.retention(data["noise"], facts=facts, ax=axis)
        axis.set_ylabel(f"accuracy, {facts}", fontsize=8)
    plots.naming_errors(data["noise"], ax=errors)
    _draw_kinds(kinds, {"weight noise": retention(data["noise"]), **data["others"]})
    letter_panels((names, properties, errors, kinds))
    return figure


def compare_levels(left: xr.Dataset, facts: str) -> tuple[Share, Share]:
    """Return in how many networks basic goes before general, and specific before basic."""
    half = left["half"].sel(facts=facts)
    general, basic, specific = (half.sel(level=level).fillna(np.inf) for level in LEVELS)
    return Share.of(basic < general), Share.of(specific < basic)


def measure_gap(damaged: xr.Dataset, level_of: xr.DataArray) -> np.ndarray:
    """Return how much more is left of the general than of the specific, where half of all is lost.

    As `retention` counts it, for levels that are given (property): one number for each network.
    """
    bears = damaged["target"] > 0.5
    yes = (damaged["output"] > 0.5).mean("draw")
    accuracy = yes.where(bears).mean("item") - yes.where(~bears).mean("item")
    told: np.ndarray = accuracy.transpose("seed", "severity", "property").values
    levels = level_of.values
    overall = told[..., levels != ""].mean(-1)
    lost = xr.DataArray(
        -overall, dims=("seed", "time"), coords={"time": damaged["severity"].values}
    )
    half = first_crossing(lost, lost.isel(time=0, drop=True) / 2).values
    left = np.zeros((2, len(half)))
    for k, level in enumerate(("general", "specific")):
        for seed, curve in enumerate(told[..., levels == level].mean(-1)):
            left[k, seed] = np.interp(half[seed], damaged["severity"].values, curve) / curve[0]
    return left[0] - left[1]


def _scatter(world: Dataset, *, draw: int, steps: int) -> tuple[xr.Dataset, Rumelhart, Dataset]:
    """Return networks of a world whose properties belong to items by chance, model and world."""
    random = np.random.default_rng(draw)
    table = world.properties
    shuffled = random.permuted(table.values, axis=0)
    other = Dataset(table.copy(data=shuffled), world.tree, f"{world.name}, shuffled")
    learned = train(
        Rumelhart(), other, seeds=range(12 * draw, 12 * draw + 12), learning_rate=RATE, steps=steps,
        record=[0, steps], keep_weights=True, dtype="float32", progress=False,
    )  # fmt: skip
    return learned, Rumelhart(), other


def _check_kind(kind: str, left: xr.Dataset) -> Check:
    """Hold another kind of damage against what noise in the representation does."""
    pairs = compare_levels(left, "all")
    ordered = Share.of(left["order_then"].sel(facts="all"))
    return Check(
        f"other damage to the representation ({kind}): specific first, then basic, then general",
        f"specific before basic in {pairs[1].text}, basic before general in {pairs[0].text}; "
        f"all three where half of all is lost in {ordered.text}",
        MOST + ", each of the two", all(pair.is_usual for pair in pairs), panel="d",
        expected="as with noise in the weights",
        note="the specific goes first, but weights and units that are lost take the basic and the "
        "general about alike; with few networks the interval of the share is wide",
    )  # fmt: skip


def _at_share(said: xr.Dataset, lost: float) -> int:
    """Return the index of the severity at which nearest to that share of names is wrong."""
    right = said["share"].sel(response="correct").mean("seed").values
    return 1 + int(np.abs(1 - right[1:] / right[0] - lost).argmin())


def _draw_kinds(axis: Axes, found: dict[str, xr.Dataset]) -> None:
    handles: list[Any] = []
    for j, (name, color) in enumerate(
        (("basic before general", CATEGORIES[0]), ("specific before basic", CATEGORIES[1]))
    ):
        shares = [compare_levels(left, "all")[j] for left in found.values()]
        at = np.arange(len(shares)) + 0.2 * j - 0.1
        low = [share.value - share.low for share in shares]
        high = [share.high - share.value for share in shares]
        handles.append(
            axis.errorbar(
                at, [share.value for share in shares], yerr=[low, high], fmt="os"[j],
                color=color, capsize=2, ms=5, label=name,
            )
        )  # fmt: skip
    axis.axhline(0.5, color="black", linewidth=0.6, linestyle=":")
    axis.set_xticks(range(len(found)), list(found), fontsize=7)
    axis.set(xlim=(-0.5, len(found) - 0.5), ylim=(0, 1.02))
    finish(axis, x="kind of damage", y="share of networks (95 % interval)")
    legend_above(axis, handles)
