"""Figure 2: what moves the base rates, and what each switch of a world does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from semdev.building import initial_weights
from semdev.data import trees
from semdev.data.corpora import load
from semdev.data.dataset import Dataset
from semdev.data.generators import branching_diffusion
from semdev.data.patterns import make_patterns
from semdev.measures.base_rates import base_rates, optimal_constant
from semdev.measures.control import shallow_control, shallow_projection
from semdev.measures.overgeneralization import overgeneralizations
from semdev.models.constant import predict_shallow_peak, solve_biased, solve_shallow
from semdev.models.networks import DeepLinear, Shallow
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.papers.rubruck2024._shared import draw_interval, label_world
from semdev.plots._style import CATEGORIES, GREY, draw_curve, finish
from semdev.theory import bound_learning_rate, solve
from semdev.training import train

Data = dict[str, Any]

CELLS = {
    "rogers2004": ("pine", "has leaves"),
    "living_things": ("worm", "has bones"),
    "rumelhart8": ("pine", "has leaves"),
}


def fig2_data(
    *,
    seeds: int = 20,
    worlds: Sequence[str] = ("rogers2004", "living_things"),
    corpora: Sequence[str] = ("cao2020", "rumelhart8", "saxe2014", "rogers2004"),
) -> Data:
    """Claim: what is taught how often moves the constant, and what a network overgeneralizes.

    Ours, around the paper's: frequencies move the constant solution and networks follow; every
    switch of `make_patterns` and the output bias, one at a time, for one false cell of each
    corpus; the shallow control with its exceptions; and how near unbiased networks pass by the
    constant in every bundled corpus. 20 seeds, float32.
    """
    world = label_world()
    often = make_patterns(world, frequency=[4.0, *[1.0] * (world.properties.sizes["item"] - 1)])
    moved = train(DeepLinear(hidden=32, bias=True), often, seeds=seeds, dtype="float32")
    plain = moved.assign_coords(frequency=("item", np.ones(moved.sizes["item"])))
    passed = {name: load(name) for name in corpora}
    passed["diffusion"] = branching_diffusion([2, 2, 2], properties=100, flip=0.15, seed=0)
    return {
        "moved": base_rates(moved, bias=True),
        "unmoved": base_rates(plain, bias=True),
        "shift": float(abs(optimal_constant(moved) - optimal_constant(plain)).max()),
        "switches": {name: _throw_switches(name, seeds=seeds) for name in worlds},
        "control": {
            (c, bias): _run_control(seeds=seeds, correlation=c, bias=bias)
            for c, bias in ((0.0, False), (0.0, True), (0.5, False), (0.9, False))
        },
        "hierarchical": shallow_control(
            solve_shallow(make_patterns(load("rumelhart8"), correlation=[0.0, 0.3, 0.6]))
        ),
        "pair": float(predict_shallow_peak(0.5, items=2, correlation=0.9)),
        "corpora": {name: _pass_by(each, seeds=seeds) for name, each in passed.items()},
    }


def fig2_checks(data: Data) -> list[Check]:
    """Hold figure 2 against its claims."""
    moved, unmoved = data["moved"]["closest"], data["unmoved"]["closest"]
    control = data["control"]
    white, biased, alike = (
        control[k]["measured"] for k in ((0.0, False), (0.0, True), (0.9, False))
    )
    corpora = data["corpora"]
    off = {k: float(np.abs(each["closest"] - each["theory"]).max()) for k, each in corpora.items()}
    hierarchical = data["hierarchical"]["measured"].isel(seed=0)
    checks = [
        Check(
            "frequencies move the constant, and networks pass by the moved one",
            f"one item met four times as often moves it by up to {data['shift']:.2f}; closest to "
            f"the moved {spread(moved)}, to the unmoved {spread(unmoved)}",
            "≤ .05 and > .1 in every seed", (moved <= 0.05).all() and (unmoved > 0.1).all(),
            panel="a", expected="0 to the moved one",
        ),
        *(_check_switches(name, data["switches"][name]) for name in data["switches"]),
        Check(
            "shallow control, white inputs: no stage, no order of levels, no false belief, no "
            "projection",
            _describe(white) + f"; projection {control[0.0, False]['projection']:.3f}",
            "no stage; the others < .02 in every seed",
            (white.sel(statistic="stages") == 0).all()
            and (white.sel(statistic=["order", "peak", "excess"]) < 0.02).all()
            and abs(control[0.0, False]["projection"]) < 1e-9, "published", panel="c",
            expected="0, 0, 0, 0, 0",
        ),
        Check(
            "exceptions: alike codes (.9) or a bias raise false beliefs of every item alike",
            f"bias: {_describe(biased)}; correlation .9: {_describe(alike)}",
            "peaks within .01 of the closed form, excess < .02, no stage, in every seed",
            all(
                (np.abs(control[k]["measured"].sel(statistic="peak")
                        - control[k]["predicted"].sel(statistic="peak")) <= 0.01).all()
                and (control[k]["measured"].sel(statistic="excess") < 0.02).all()
                and (control[k]["measured"].sel(statistic="stages") == 0).all()
                for k in control
            ),
            panel="c",
            expected="peaks " + ", ".join(
                f"{float(control[k]['predicted'].sel(statistic='peak')):.3f}" for k in control
            ) + f"; two items at .9, one with the property: {data['pair']:.3f}",
        ),
        Check(
            "exception: codes more alike within classes let a shallow net overgeneralize by class",
            f"excess {float(hierarchical.sel(statistic='excess')):.3f} (closed form; correlations "
            "0, .3, .6 by level)", "> .1",
            hierarchical.sel(statistic="excess") > 0.1, panel="c", expected="above 0",
        ),
        Check(
            "without a bias, networks pass as near to the constant as the data's modes let them",
            "closest " + "; ".join(
                f"{k} {spread(each['closest'])} (limit {float(each['predicted_closest']):.3f})"
                for k, each in corpora.items()
            ) + f"; off the closed form by up to {max(off.values()):.3f}",
            "every seed within .05 of the closed form from its own initial weights",
            all(each <= 0.05 for each in off.values()), panel="d",
            expected=", ".join(f"{float(x['theory'].median()):.3f}" for x in corpora.values()),
        ),
    ]  # fmt: skip
    return checks


def fig2(data: Data | None = None) -> Figure:
    """Draw the moved constant, the switches, the shallow control and the corpora."""
    data = fig2_data() if data is None else data
    figure = Figure(figsize=(7.0, 6.0), layout="constrained")
    (moved, switches), (control, corpora) = figure.subplots(2, 2)
    for key, label, color in (
        ("moved", "by their frequencies", CATEGORIES[0]),
        ("unmoved", "as if all equally frequent", CATEGORIES[1]),
    ):
        draw_curve(moved, data[key]["to_constant"], interval=0.95, color=color).set_label(label)
    moved.set(xlim=(0, 4), ylim=(0, None))
    finish(moved, y="distance to the constant")
    moved.legend(frameon=False, fontsize=7)
    for k, (name, table) in enumerate(data["switches"].items()):
        item, prop = CELLS[name]
        for row, values in enumerate(table.values()):
            label = f"{item} {prop}" if row == 0 else ""
            place, color = row + 0.3 * k - 0.15, CATEGORIES[k]
            draw_interval(switches, place, values[:-1, 0], color, label, flat=True)
            draw_interval(switches, place + 0.13, values[:-1, 1], color, flat=True, hollow=True)
    names = list(next(iter(data["switches"].values())))
    switches.set_yticks(range(len(names)), names, fontsize=7)
    switches.set(xlim=(0, 1.05), ylim=(len(names) - 0.4, -0.6))
    finish(switches, x="peak (full), excess (hollow)")
    switches.legend(
        frameon=False, fontsize=7, loc="lower center", bbox_to_anchor=(0.52, 1.0), ncols=2
    )
    labels = {(0.0, False): "white", (0.0, True): "bias", (0.5, False): "alike .5",
              (0.9, False): "alike .9"}  # fmt: skip
    for x, found in enumerate(data["control"].values()):
        for statistic, color, shift in (
            ("peak", CATEGORIES[1], -0.1),
            ("excess", CATEGORIES[2], 0.1),
        ):
            values = found["measured"].sel(statistic=statistic).values
            draw_interval(control, x + shift, values, color, statistic if x == 0 else "")
        control.plot(x - 0.1, found["predicted"].sel(statistic="peak"), "k_", ms=14,
                     label="closed form" if x == 0 else None)  # fmt: skip
    control.set_xticks(range(len(labels)), labels.values(), fontsize=7)
    control.set_ylim(-0.03, 0.6)
    finish(control, x="shallow networks (8 items)", y="highest false belief")
    control.legend(frameon=False, fontsize=7, loc="upper left")
    for k, (name, found) in enumerate(data["corpora"].items()):
        theory = float(found["theory"].median())
        draw_interval(corpora, theory, found["closest"].values, CATEGORIES[k], name)
    corpora.plot([0, 0.65], [0, 0.65], color=GREY, lw=0.8, zorder=0)
    corpora.set(xlim=(-0.02, 0.65), ylim=(-0.02, 0.65))
    finish(corpora, x="closest to the constant, closed form", y="closest to the constant, networks")
    corpora.legend(frameon=False, fontsize=7)
    letter_panels(figure.axes)
    return figure


def _pass_by(world: Dataset, *, seeds: int) -> xr.Dataset:
    """Return how near unbiased networks come to the constant, and the theory from their weights."""
    model = DeepLinear(hidden=64)
    history = train(model, world, seeds=seeds, dtype="float32")
    weights = initial_weights(model, world, seeds=seeds)
    times = np.linspace(0, 1, 400) ** 2 * float(history["time"][-1])
    matched = solve(
        world, depth=2, initial="matched", weights=weights, times=times,
        seeds=history["seed"].values.tolist(),
    )  # fmt: skip
    theory = base_rates(matched)
    return base_rates(history).assign(theory=theory["closest"])


def _throw_switches(name: str, *, seeds: int) -> dict[str, np.ndarray]:
    """Return peak and excess of the corpus' false cell, for each switch; the last row is exact."""
    world, (item, prop) = load(name), CELLS[name]
    taught = xr.ones_like(world.properties)
    taught.loc[{"item": item, "property": prop}] = 0.0
    assert world.tree is not None
    by_level = np.linspace(0, 0.6, trees.ancestors(world.tree).shape[1] - 1)
    settings: dict[str, dict[str, Any]] = {
        "as it is": {},
        "output bias": {},
        "half observed": {"observed": 0.5},
        "cell never taught": {"observed": taught},
        "item × 5": {"frequency": {item: 5.0}},
        "item ÷ 5": {"frequency": {item: 0.2}},
        "alike .5": {"correlation": 0.5},
        "alike by level": {"correlation": by_level},
    }
    result = {}
    for switch, each in settings.items():
        bias, patterns = switch == "output bias", make_patterns(world, **each)
        exact = solve_biased(patterns, depth=2) if bias else solve(patterns, depth=2)
        late = _when_over(exact, item, prop)
        rate = 0.05 * bound_learning_rate(patterns, depth=2, bias=bias)[0]
        trained = train(
            DeepLinear(hidden=32, bias=bias), patterns, seeds=seeds, dtype="float32",
            learning_rate=rate, steps=int(1.5 * late / rate), record=100,
        )  # fmt: skip
        rows = []
        for history in (trained, exact):
            cell = overgeneralizations(history.sel(property=[prop])).sel(item=item, property=prop)
            rows.append(np.stack([cell["peak"].values, cell["excess"].values], axis=1))
        result[switch] = np.concatenate(rows)
    return result


def _when_over(exact: xr.Dataset, item: str, prop: str) -> float:
    """Return the time by which a false cell's peak and excess have both been seen."""
    cell = overgeneralizations(exact.sel(property=[prop])).sel(item=item, property=prop)
    inside = (exact["ancestor"] == cell["of_class"]).any("level")
    lacking = exact["target"].sel(property=prop) <= 0
    belief = exact["output"].isel(seed=0).sel(property=prop)
    excess = belief.sel(item=item) - belief.where(~inside & lacking).mean("item")
    last = max(int(belief.sel(item=item).argmax("time")), int(excess.argmax("time")))
    return float(exact["time"][max(last, 1)])


def _check_switches(name: str, table: dict[str, np.ndarray]) -> Check:
    """Hold the switches of one corpus against the exact flow, and against each other."""
    middle = {k: np.median(rows[:-1], axis=0) for k, rows in table.items()}
    exact = {k: rows[-1] for k, rows in table.items()}
    off = max(np.abs(middle[k] - exact[k]).max() for k in table)
    plain, half = middle["as it is"], middle["half observed"]
    item, prop = CELLS[name]
    return Check(
        f"{name}, “{item} {prop}”: no switch undoes the class's doing; observing half of "
        "everything changes nothing; a bias and a cell never taught raise the belief",
        "peak / excess " + "; ".join(f"{k} {v[0]:.2f} / {v[1]:.2f}" for k, v in middle.items())
        + f"; off the exact flow by {off:.3f}",
        "excess > .1 in every seed; half observed within .02; bias and never taught above; medians "
        "within .1 of the exact flow",
        all((rows[:, 1] > 0.1).all() for rows in table.values())
        and (np.abs(half - plain) <= 0.02).all() and off <= 0.1
        and min(middle["output bias"][0], middle["cell never taught"][0]) > plain[0],
        panel="b",
        expected="; ".join(f"{k} {v[0]:.2f} / {v[1]:.2f}" for k, v in exact.items()),
    )  # fmt: skip


def _run_control(*, seeds: int, correlation: float, bias: bool) -> xr.Dataset:
    """Return the shallow control of an ensemble, and its projection from item to item."""
    patterns = make_patterns(load("rumelhart8"), correlation=correlation)
    history = train(Shallow(bias=bias), patterns, seeds=seeds)
    found = shallow_control(history, correlation=correlation, bias=bias)
    across = shallow_projection(patterns, bias=bias).values
    return found.assign(projection=float(across[~np.eye(len(across), dtype=bool)].max()))


def _describe(measured: xr.DataArray) -> str:
    return ", ".join(
        f"{name} {spread(measured.sel(statistic=name))}"
        for name in measured["statistic"].values.tolist()
    )
