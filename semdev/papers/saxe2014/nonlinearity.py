"""Claim: nonlinear networks begin as linear ones do, and what their units' bend does comes later.

A supplement of ours to Saxe, McClelland & Ganguli (2014), figure 3: its tanh networks follow the
linear theory with a delay. Linear, tanh, sigmoid and rectified networks start here from the same
weights (`semdev.Counterpart`), so that seed by seed only the units differ. Worlds, widths and
numbers of seeds are ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from semdev.counterparts import Counterpart
from semdev.data.corpora import load
from semdev.data.dataset import Dataset
from semdev.data.generators import branching_diffusion
from semdev.history import get_provenance
from semdev.measures.modes import mode_strengths
from semdev.measures.nonlinearity import compare_trajectories, predict_delay
from semdev.models.decomposition import effective_initial_strength
from semdev.models.networks import DeepLinear
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.plots._style import CATEGORIES, GREY, MARKERS, draw_curve, finish
from semdev.training import train

Data = dict[str, Any]
SCALES = (0.1, 1.0, 4.0)
KINDS = ("tanh", "sigmoid", "relu")
COLORS = dict(zip(KINDS, CATEGORIES[1:4], strict=True))


def figS2_data(
    *,
    seeds: int = 20,
    hidden: int = 32,
    initial: float = 5e-5,
    levels: int = 4,
    properties: int = 200,
    flip: float = 0.1,
    world_seed: int = 0,
) -> Data:
    """Claim: linear and nonlinear networks overlap while hidden activity is small, then part.

    Ours: the world of Cao et al. (2020) with its properties multiplied by .1, 1 and 4 (a, b, d,
    f), and a branching-diffusion world as in figure 3, with a level less and fewer properties (c,
    e); `hidden` units, starting strength `initial`.
    """
    model = DeepLinear(hidden=hidden, scale=float(np.sqrt(2 * initial / hidden)))
    world = load("cao2020")
    twins = {}
    for scale in SCALES:
        scaled = Dataset(world.properties * scale, world.tree, f"{world.name} × {scale:g}")
        twins[scale] = _train_pair(model, scaled, seeds, ("tanh",))
    tree = branching_diffusion([2] * levels, properties=properties, flip=flip, seed=world_seed)
    return {
        "scales": {k: _compare(*pair) for k, pair in twins.items()},
        "strengths": [mode_strengths(run) for run in twins[4.0]],
        "first delays": {k: _predict_first(pair, hidden) for k, pair in twins.items()},
        "tree": _compare_all(model, tree, seeds),
        "cao2020": _compare_all(model, world, seeds),
    }


def _train_pair(
    model: DeepLinear, world: Dataset, seeds: int, kinds: tuple[str, ...]
) -> list[xr.Dataset]:
    """Return the linear network's History, then those of its counterparts, a quarter longer."""
    linear = train(model, world, seeds=seeds, keep_weights=True, record=200)
    made = get_provenance(linear)
    seen = linear["step"].values
    later = np.unique(np.linspace(seen[-1], 1.25 * seen[-1], 30).round().astype(int))[1:]
    runs = [linear]
    for kind in kinds:
        runs.append(
            train(
                Counterpart(model, kind), world, seeds=seeds, hidden=True,
                learning_rate=made["learning_rate"], record=[*seen.tolist(), *later.tolist()],
            )
        )  # fmt: skip
    return runs


def _compare(linear: xr.Dataset, other: xr.Dataset) -> xr.Dataset:
    return compare_trajectories(linear, other, tolerance=0.02)


def _compare_all(model: DeepLinear, world: Dataset, seeds: int) -> dict[str, xr.Dataset]:
    linear, *others = _train_pair(model, world, seeds, KINDS)
    return {kind: _compare(linear, run) for kind, run in zip(KINDS, others, strict=True)}


def _predict_first(pair: list[xr.Dataset], hidden: int) -> dict[str, np.ndarray]:
    """Return delays of the first mode of each seed, measured and from the closed form."""
    linear, other = pair
    table = linear["target"]
    world = Dataset(
        xr.DataArray(table.values, {k: table[k].values for k in table.dims}, table.dims)
    )
    weights = [linear[name].isel(time=0).values for name in ("weights_1", "weights_2")]
    start = effective_initial_strength(weights, world)[:, 0]
    s, items = np.linalg.norm(table.values, 2), table.sizes["item"]
    return {
        "measured": _compare(linear, other)["delay"].isel(mode=0).values,
        "predicted": predict_delay(s, initial=start, hidden=hidden, items=items),
    }


def figS2_checks(data: Data) -> list[Check]:
    """Hold figure S2 against its claims."""
    small, middle, large = (data["scales"][k] for k in SCALES)
    gap = (small["gap"] * small["singular_value"] / small["singular_value"][0]).max(
        ("time", "mode")
    )
    learned = middle["leading_share"].fillna(1.0)
    tree = data["tree"]
    error = abs(tree["tanh"]["predicted"] / tree["tanh"]["half_time"] - 1).median("seed")
    strong = error.isel(mode=slice(0, error.sizes["mode"] // 2))
    delay = tree["tanh"]["delay"]
    first, weak = delay.isel(mode=0), delay.isel(mode=slice(delay.sizes["mode"] // 2, None))
    ratio = {k: np.median(d["measured"]) / np.median(d["predicted"]) for k, d in _usable(data)}
    order = {
        kind: np.concatenate([data[w][kind]["order_kept"].values for w in ("tree", "cao2020")])
        for kind in KINDS
    }
    relu = np.concatenate([data[w]["relu"]["leading_share"].values for w in ("tree", "cao2020")])
    apart = {k: data["cao2020"][k]["largest_gap"].max("mode") for k in ("sigmoid", "tanh")}
    soft = (apart["sigmoid"] / apart["tanh"]).values
    return [
        Check(
            "with small targets a tanh network is its linear twin all along",
            f"largest difference {spread(gap, form='.2%')} of s₁", "≤ .5 % in every seed",
            bool((gap <= 0.005).all()), panel="b", expected="≤ .5 %",
        ),
        Check(
            "with targets of 1 they agree within 2 % of s₁ until mode 1 is learned",
            f"mode 1 at {spread(learned, form='.0%')} when they part (100 %: later or never)",
            "≥ 75 % in ≥ 95 % of seeds", float((learned >= 0.75).mean()) >= 0.95, panel="b",
            expected="mode 1 learned",
        ),
        Check(
            "with targets four times as large they part halfway through mode 1",
            f"at {spread(large['leading_share'], form='.0%')} of mode 1", "median 30–50 %",
            0.3 <= float(large["leading_share"].median()) <= 0.5, panel="a", expected="40 %",
        ),
        Check(
            "larger targets part the two earlier",
            f"share of mode 1: {spread(large['leading_share'], form='.2f')} against "
            f"{spread(learned, form='.2f')}",
            "earlier in every seed",
            bool((large["leading_share"].fillna(1.0).values < learned.values).all()), panel="b",
            expected="earlier",
        ),
        Check(
            "they part when hidden units begin to bend",
            f"largest hidden activity then {spread(large['activity'], form='.2f')} (targets × 4), "
            f"{spread(small['activity'], form='.2f')} at the end where they never part (× .1)",
            "× 4: .25–.75 in ≥ 95 % of seeds; × .1: < .35 in every seed",
            float(((large["activity"] > 0.25) & (large["activity"] < 0.75)).mean()) >= 0.95
            and bool((small["activity"] < 0.35).all()), panel="f", expected=".4–.55",
        ),
        Check(
            "closed-form half-times hold for the linear networks (stronger half of the modes)",
            f"median errors up to {float(strong.max()):.1%}", "≤ 5 %",
            float(strong.max()) <= 0.05, "published", panel="c",
            expected="ln(s/a₀ − 1) / 2s",
        ),
        Check(
            "tanh networks are late, the more so the weaker the mode",
            f"mode 1 {spread(first, form='.1%')}, the weaker half of the modes "
            f"{spread(weak.median('mode'), form='.1%')}",
            "mode 1 before the median of the weaker half in every seed; no mode's median over 50 %",
            bool((weak.median("mode") > first).all())
            and bool((delay.median("seed") <= 0.5).all()),
            "published", panel="c", expected="later along the modes",
        ),
        Check(
            "the first mode's delay is that of the closed form (targets × 1 and × 4)",
            f"measured ÷ predicted {', '.join(f'{x:.2f}' for x in ratio.values())}", ".7–1.3",
            all(0.7 <= x <= 1.3 for x in ratio.values()), panel="d",
            expected="Ȧ = 2A(s − A)(1 − εA)",
        ),
        Check(
            "tanh and sigmoid networks learn modes in the linear network's order",
            f"pairs of modes in order: tanh {spread(order['tanh'], form='.1%')}, sigmoid "
            f"{spread(order['sigmoid'], form='.1%')}",
            "≥ 95 % in ≥ 95 % of seeds",
            all((order[kind] >= 0.95).mean() >= 0.95 for kind in ("tanh", "sigmoid")),
            "published", panel="e", expected="100 %",
        ),
        Check(
            "sigmoid units with slope 1 and no offset bend a quarter as much as tanh units",
            f"largest differences from the linear network: sigmoid ÷ tanh {spread(soft)}",
            "median .2–.35", 0.2 <= float(np.median(soft)) <= 0.35, panel="c",
            expected=".25: 4σ(z) − 2 ≈ z − z³/12, tanh z ≈ z − z³/3",
        ),
        Check(
            "rectified units part at once, for they are linear at no scale",
            f"at {spread(relu, form='.1%')} of mode 1", "< 10 % in every seed",
            bool((relu < 0.1).all()), panel="e",
            expected="while mode 1 is small",
        ),
        Check(
            "and yet keep most of the order", f"{spread(order['relu'], form='.0%')} of pairs",
            "≥ 75 % in ≥ 95 % of seeds", (order["relu"] >= 0.75).mean() >= 0.95, panel="e",
            expected="most",
        ),
    ]  # fmt: skip


def _usable(data: Data) -> list[tuple[float, dict[str, np.ndarray]]]:
    """Return the scales at which the delay is more than the grid of records can hide."""
    return [(k, d) for k, d in data["first delays"].items() if k >= 1]


def figS2(data: Data | None = None) -> Figure:
    """Draw linear and nonlinear learning from the same weights."""
    data = figS2_data() if data is None else data
    figure = Figure(figsize=(7.0, 4.4), layout="constrained")
    axes = figure.subplots(2, 3).ravel()
    letter_panels(axes)
    modes, parting, late, first, order, activity = axes
    _draw_modes(modes, data["strengths"])
    for scale, color in zip(SCALES, CATEGORIES[:3], strict=True):
        found = data["scales"][scale]
        share = (found["gap"] * found["singular_value"] / found["singular_value"][0]).max("mode")
        half = float(found["half_time"].isel(mode=0).median())
        share = share.assign_coords(time=share["time"] / half)
        draw_curve(parting, share.clip(1e-7), interval=0.95, color=color, label=f"× {scale:g}")
    parting.axhline(0.02, color=GREY, lw=0.7, ls=":")
    parting.set(yscale="log", xlim=(0, 3), ylim=(1e-6, 1))
    finish(parting, x="time ÷ half-time of mode 1", y="difference ÷ s₁")
    parting.legend(frameon=False, fontsize=7, title="targets", title_fontsize=7, loc="lower right")
    for kind in KINDS:
        found = data["tree"][kind]["delay"]
        low, middle, high = np.nanquantile(found.values, [0.025, 0.5, 0.975], axis=0)
        late.fill_between(found["mode"], low, high, color=COLORS[kind], alpha=0.2, lw=0)
        late.plot(found["mode"], middle, color=COLORS[kind], lw=1.2, label=kind)
    late.axhline(0, color=GREY, lw=0.7, ls=":")
    finish(late, x="mode", y="delay of half-time")
    late.legend(frameon=False, fontsize=7)
    for (scale, each), mark in zip(data["first delays"].items(), MARKERS, strict=False):
        first.plot(
            each["predicted"], each["measured"], mark, ms=3, mfc="none", color=COLORS["tanh"],
            label=f"× {scale:g}",
        )  # fmt: skip
    top = max(float(d["measured"].max()) for d in data["first delays"].values())
    first.plot([0, top], [0, top], color=GREY, lw=0.7)
    finish(first, x="predicted delay of mode 1", y="measured")
    first.legend(frameon=False, fontsize=7, title="targets", title_fontsize=7)
    for x, (name, where) in enumerate((("8 items", "cao2020"), ("tree", "tree"))):
        for k, kind in enumerate(KINDS):
            values = data[where][kind]["order_kept"].values
            low, middle, high = np.quantile(values, [0.025, 0.5, 0.975])
            order.errorbar(
                x + 0.2 * (k - 1), middle, [[middle - low], [high - middle]], fmt="o", ms=3,
                capsize=2, color=COLORS[kind], label=kind if x == 0 else None,
            )  # fmt: skip
        order.text(x, 0.42, name, ha="center", fontsize=7)
    order.set(ylim=(0.4, 1.03), xlim=(-0.5, 1.5), xticks=[])
    finish(order, x="world", y="pairs of modes in order")
    order.legend(frameon=False, fontsize=7, loc="center left")
    for k, scale in enumerate(SCALES):
        values = data["scales"][scale]["activity"].values
        activity.plot(
            k + np.linspace(-0.2, 0.2, len(values)), values, ".", ms=3, color=CATEGORIES[k]
        )
    activity.set(ylim=(0, None))
    activity.set_xticks(range(len(SCALES)), [f"× {s:g}" for s in SCALES])
    finish(activity, x="targets", y="largest |h| at parting (or end)")
    return figure


def _draw_modes(axis: Any, strengths: list[xr.DataArray]) -> None:
    for strength, style, name in zip(strengths, ("-", "--"), ("linear", "tanh"), strict=True):
        untied = [0, 1, 2, 4]  # one of each tie
        for k, mode in enumerate(untied):
            draw_curve(
                axis, strength.isel(mode=mode), interval=0.95, color=CATEGORIES[k],
                linestyle=style, label=name if k == 0 else None,
            )  # fmt: skip
    axis.set_xlim(0, float(strengths[0]["time"][-1]))
    finish(axis, x="time", y="mode strength (targets × 4)")
    axis.legend(
        frameon=False, fontsize=7, loc="lower right", bbox_to_anchor=(1, 1), ncols=2,
        borderaxespad=0.1,
    )  # fmt: skip
