"""Figure 10: how far new knowledge is projected, to other items and to other properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semdev.building import initial_weights
from semdev.data.corpora import load
from semdev.data.generators import branching_diffusion
from semdev.data.patterns import make_patterns
from semdev.interventions import teach_item, teach_property
from semdev.measures.crossing import first_crossing
from semdev.measures.induction import project_item, project_property, projection_gradient
from semdev.measures.modes import level_strengths, parting_levels
from semdev.models.networks import DeepLinear, Shallow
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.plots._style import (
    CATEGORIES,
    GREY,
    draw_curve,
    finish,
    legend_above,
    ordered_colors,
    over_seeds,
)
from semdev.theory import solve
from semdev.training import train

Data = dict[str, Any]
AGE = "age (step × learning rate)"
AGES = ("early", "middle", "late")
OTHERS = "others'"


def fig10_data(
    *, world: str = "cao2020", seeds: int = 50, hidden: int = 32, correlation: float = 0.5
) -> Data:
    """Claim: new knowledge is projected broadly at first, and along the tree later.

    The paper's world, hidden size and ages are unconfirmed. Ours: the eight items of `cao2020`,
    whose projections have a closed form; early and middle are the ages at which the distinctions
    of levels 0 and 1 of the tree are drawn to 90 % (median network), late is the end of learning.
    New output or input weights alone are trained by gradient descent (`semdev.interventions`).
    That nothing hangs on this world is checked in three others, by the closed form.
    """
    data, model = load(world), DeepLinear(hidden=hidden)
    options: dict[str, Any] = {"seeds": seeds, "record": 80, "keep_weights": True}
    deep = train(model, data, hidden=True, **options)
    theory = solve(
        data, depth=2, initial="matched", times=deep["time"].values,
        weights=initial_weights(model, data, seeds=seeds), seeds=deep["seed"].values.tolist(),
    )  # fmt: skip
    drawn = first_crossing(level_strengths(deep), 0.9).median("seed")
    ages = [*drawn.values[:2], float(deep["time"][-1])]
    item = data.properties["item"].values[0]
    prop = _find_middling(data.properties)
    n_items = data.properties.sizes["item"]
    codes = np.linalg.cholesky(correlation + (1 - correlation) * np.eye(n_items))
    shown = make_patterns(data, inputs=codes)
    lessons = teach_property(deep, item, at=ages), teach_item(deep, prop, at=ages)
    age = {"time": lessons[0]["time"]}
    return {
        "deep": deep,
        "gradient": projection_gradient(deep, theory=theory),
        "shallow": projection_gradient(train(Shallow(), data, **options)),
        "correlated": projection_gradient(train(Shallow(), shown, **options), inputs=codes),
        "correlation": correlation,
        "ages": lessons[0]["time"].values,
        "item": item,
        "property": prop,
        "new item": project_item(deep, prop, theory=theory),
        "lessons": lessons,
        "closed": (project_property(deep, item).sel(age), project_item(deep, prop).sel(age)),
        "hidden": hidden,
        "elsewhere": {
            each.name: projection_gradient(solve(each, depth=2, hidden=True))
            for each in (
                load("rumelhart8"), load("rogers2004"),
                branching_diffusion([2, 2, 2], seed=0, properties=1000),
            )
        },
    }  # fmt: skip


def fig10_checks(data: Data) -> list[Check]:
    """Hold figure 10 against its claims."""
    gradient, shallow = data["gradient"], data["shallow"]
    early, _, late = (gradient["projection"].sel(time=t) for t in data["ages"])
    ratio = early.isel(level=0) / early.isel(level=-1)
    target = data["deep"]["target"]
    expected = _project_over_levels(data["deep"])
    graded = (late.diff("level") > 0).all("level")
    grown = gradient.sel(time=slice(data["ages"][0], None))
    off = np.abs(grown["projection"] - grown["predicted"]).max(("time", "level"))
    falls = _find_falls(gradient)
    in_order = (falls.diff("level") > 0).all("level")
    birth = project_property(data["deep"].isel(time=[0]), data["item"])["projection"]
    scatter = float(birth.where(birth["taught"].isnull()).std())
    random = 1 / np.sqrt(data["hidden"] - 2)
    breadth = gradient["breadth"]
    narrowed = breadth.isel(time=-1) / breadth.max("time")
    kinds = relate(target, data["property"])
    known = data["new item"]["projection"]
    by_kind = {
        name: known.isel(property=np.flatnonzero(kinds == name)).mean("property")
        for name in ("broader", "narrower", OTHERS)
    }
    then = {k: v.sel(time=data["ages"][0]) for k, v in by_kind.items()}
    end = {k: v.isel(time=-1) for k, v in by_kind.items()}
    derived = _project_kinds(target, data["property"], kinds)
    mature = data["new item"].sel(time=slice(data["ages"][0], None))
    item_off = np.abs(mature["projection"] - mature["predicted"]).max(("time", "property"))
    item_off = item_off / np.abs(mature["projection"]).max(("time", "property"))
    missed = [
        float(np.abs(lesson["answer"].isel(practice=-1) - closed["projection"]).max())
        for lesson, closed in zip(data["lessons"], data["closed"], strict=True)
    ]
    steps = [float(np.abs(each["answer"] - each["predicted"]).max()) for each in data["lessons"]]
    r = data["correlation"]
    wrong = float(np.abs(data["correlated"]["projection"] - r).max())
    elsewhere = {
        name: float(each["breadth"].isel(time=-1).squeeze() / each["breadth"].max())
        for name, each in data["elsewhere"].items()
    }
    return [
        Check(
            "early: a new property of one item goes to near and far items nearly alike",
            f"farthest ÷ nearest {spread(ratio)}", "> .5 in ≥ 95 % of seeds",
            (ratio > 0.5).mean() >= 0.95, "published", panel="a",
            expected="1 while one mode is known",
        ),
        Check(
            "late: it goes along the tree, farthest to nearest",
            ", ".join(spread(late.isel(level=k)) for k in range(late.sizes["level"])),
            "rising with nearness, and within .02 of (Y Yᵀ)^½, in every seed",
            graded.all() and (np.abs(late - expected).max() < 0.02), "published", panel="a",
            expected=", ".join(f"{x:.3f}" for x in expected),
        ),
        Check(
            "projections follow the closed form from initial weights, from the early age on",
            f"largest difference {spread(off)}", "median < .1", off.median() < 0.1, panel="b",
            expected="Σ a v_i v_j ÷ Σ a v_i²",
        ),
        Check(
            "projection to farther items falls first (below half)",
            f"in {float(in_order.mean()):.0%} of seeds; median times "
            f"{', '.join(f'{x:.2f}' for x in falls.median('seed').values)}",
            "≥ 95 % of seeds, farthest to nearest", in_order.mean() >= 0.95, "published",
            panel="b", expected="farthest first",
        ),
        Check(
            "at birth projections are noise of random vectors",
            f"s.d. {scatter:.3f}", "within 15 %", abs(scatter / random - 1) < 0.15, panel="b",
            expected=f"1/√(N_h − 2) = {random:.3f}",
        ),
        Check(
            "induction narrows with age", f"breadth at the end ÷ largest {spread(narrowed)}",
            "< .5 in every seed", (narrowed < 0.5).all(), "published", panel="c",
            expected="below 1",
        ),
        Check(
            "shallow control, by identity: nothing is projected, at any age",
            f"largest projection {float(np.abs(shallow['projection']).max()):.1g}, breadth "
            f"{float(shallow['breadth'].max()):.3f}",
            "0, and 1 item, exactly",
            not shallow["projection"].values.any() and (shallow["breadth"] == 1).all(),
            "published", panel="c", expected="0",
        ),
        Check(
            f"a new item of which “{data['property']}” is known: early, others' properties too",
            f"others' {spread(then[OTHERS])}, broader {spread(then['broader'])}",
            "others' > .2 in ≥ 95 % of seeds", (then[OTHERS] > 0.2).mean() >= 0.95,
            "published", panel="d", expected="above 0",
        ),
        Check(
            "… late, the broader ones that go with it, not the others'",
            "; ".join(f"{k} {spread(v)}" for k, v in end.items()),
            "broader > narrower > others', and within .02 of (Yᵀ Y)^½, in every seed",
            (end["broader"] > end["narrower"]).all() and (end["narrower"] > end[OTHERS]).all()
            and all(np.abs(end[k] - derived[k]).max() < 0.02 for k in end), "published",
            panel="d", expected="; ".join(f"{k} {v:.3f}" for k, v in derived.items()),
        ),
        Check(
            "… as the closed form from initial weights says",
            f"largest difference {spread(item_off)} of the largest projection", "median < .1",
            item_off.median() < 0.1, panel="d", expected="Σ a u_n u_m ÷ Σ a u_m²",
        ),
        Check(
            "training new weights alone ends at the closed forms",
            f"largest difference: to items {missed[0]:.0e}, to properties {missed[1]:.0e}",
            "< 1e-6", max(missed) < 1e-6, panel="e", expected="h_jᵀh_i ÷ |h_i|², g_nᵀg_m ÷ |g_m|²",
        ),
        Check(
            "… and is where it should be after every step",
            f"largest difference {max(steps):.0e}", "< 1e-9", max(steps) < 1e-9, panel="e",
            expected="0",
        ),
        Check(
            "exception, by identity: with correlated inputs it projects, at all ages alike",
            f"off by {wrong:.0e} from the inputs' correlation", "< 1e-9", wrong < 1e-9,
            panel="f", expected=f"x_jᵀx_i ÷ |x_i|² = {r}",
        ),
        Check(
            "induction narrows in other worlds too (closed form)",
            "; ".join(f"{name} {x:.2f}" for name, x in elsewhere.items()),
            "breadth at the end < .5 of the largest", max(elsewhere.values()) < 0.5, panel="c",
            expected="below 1",
        ),
    ]  # fmt: skip


def fig10(data: Data | None = None) -> Figure:
    """Draw projection over distance and age, of properties and of items, trained and closed."""
    data = fig10_data() if data is None else data
    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    axes = figure.subplots(2, 3)
    over_distance, over_time, breadth, item, trained, exception = axes.flat
    _draw_distances(over_distance, data)
    _draw_levels(over_time, data)
    for key, label, color in (("gradient", "deep", CATEGORIES[0]), ("shallow", "shallow", GREY)):
        draw_curve(breadth, data[key]["breadth"], interval=0.95, color=color, label=label)
    _draw_prediction(breadth, data["gradient"]["predicted_breadth"])
    breadth.set_ylim(0, None)
    finish(breadth, x=AGE, y="breadth (items)")
    _draw_kinds(item, data)
    for lesson, closed, mark, color, label in zip(
        data["lessons"], data["closed"], "os", CATEGORIES[:2], ("to items", "to properties"),
        strict=True,
    ):  # fmt: skip
        answer = lesson["answer"].isel(practice=-1)
        trained.plot(
            closed["projection"].values.ravel(), answer.values.ravel(), mark, ms=2.5, color=color,
            alpha=0.5, mew=0, label=label,
        )  # fmt: skip
    trained.axline((0, 0), slope=1, color="black", lw=0.6, zorder=0)
    finish(trained, x="closed-form projection", y="trained projection")
    far = data["gradient"].isel(level=0)["projection"]
    draw_curve(exception, far, interval=0.95, color=CATEGORIES[0], label="deep")
    for key, style in (("shallow", "-"), ("correlated", "--")):
        label = "shallow" if key == "shallow" else f"shallow, r = {data['correlation']}"
        curve = data[key].isel(level=0)["projection"]
        draw_curve(exception, curve, interval=0.95, color=GREY, linestyle=style, label=label)
    exception.set_ylim(-0.15, 1.15)
    finish(exception, x=AGE, y="projection to farthest")
    last = float(data["deep"]["time"][-1])
    for axis in (over_time, breadth, item, exception):
        axis.set_xlim(0, last)
    for axis in axes.flat:
        handles = [h for h in axis.get_legend_handles_labels()[0] if h.get_label()[0] != "_"]
        legend_above(axis, handles)
    letter_panels(axes.flat)
    return figure


def _draw_distances(axis: Axes, data: Data) -> None:
    gradient = data["gradient"].sel(time=data["ages"])
    places = np.arange(gradient.sizes["level"])[::-1]
    low, middle, high = over_seeds(gradient["projection"], 0.95)
    theory = gradient["predicted"].median("seed").values
    for k, (age, color) in enumerate(zip(AGES, ordered_colors(len(AGES)), strict=True)):
        axis.errorbar(
            places, middle[k], yerr=[middle[k] - low[k], high[k] - middle[k]], fmt="o-", ms=4,
            lw=1, capsize=2, color=color, label=age,
        )  # fmt: skip
        axis.plot(places, theory[k], "k_", ms=11)
    nothing = data["shallow"]["projection"].isel(time=-1).median("seed")
    axis.plot(places, nothing, "x:", color=GREY, ms=4, lw=1, label="shallow")
    axis.set_xticks(places, [f"{level}" for level in gradient["level"].values])
    axis.set_xlim(-0.4, len(places) - 0.6)
    finish(axis, x="near ← items part at level → far", y="projection to items")


def _draw_levels(axis: Axes, data: Data) -> None:
    gradient = data["gradient"]
    for k, level in enumerate(gradient["level"].values):
        curve = gradient["projection"].isel(level=k)
        draw_curve(axis, curve, interval=0.95, color=CATEGORIES[k], label=f"level {level}")
        _draw_prediction(axis, gradient["predicted"].isel(level=k))
    for age in data["ages"]:
        axis.axvline(age, color="0.85", lw=0.8, zorder=0)
    axis.set_ylim(-0.15, 1.15)
    finish(axis, x=AGE, y="projection to items")


def _draw_kinds(axis: Axes, data: Data) -> None:
    kinds = relate(data["deep"]["target"], data["property"])
    for k, name in enumerate(("broader", "narrower", OTHERS)):
        some = data["new item"].isel(property=np.flatnonzero(kinds == name)).mean("property")
        draw_curve(axis, some["projection"], interval=0.95, color=CATEGORIES[k], label=name)
        _draw_prediction(axis, some["predicted"])
    finish(axis, x=AGE, y="projection to properties")


def _draw_prediction(axis: Axes, values: xr.DataArray) -> None:
    axis.plot(values["time"], values.median("seed"), "k--", lw=0.8)


def relate(target: xr.DataArray, prop: str) -> np.ndarray:
    """Return whether each property is broader than `prop`, narrower, of others, or none of it.

    By the sets of items that have them: broader if it holds prop's, narrower if prop's holds it,
    "others'" if they share no item.
    """
    has = target.transpose("property", "item").values > 0
    own = has[target["property"].values.tolist().index(prop)]
    shared = has @ own.astype(int)
    size = has.sum(1)
    kinds = np.where(shared == own.sum(), "broader", np.where(shared == size, "narrower", ""))
    kinds = np.where(shared == 0, OTHERS, kinds)
    return np.where((has == own).all(1), "same", kinds)


def _find_middling(table: xr.DataArray) -> str:
    """Return the property with broader, narrower and others' beside it, most of the first."""
    names = table["property"].values.tolist()
    kinds = [relate(table, name) for name in names]
    wanted = ("broader", "narrower", OTHERS)
    return max(
        zip(names, kinds, strict=True),
        key=lambda pair: (all(k in pair[1] for k in wanted), (pair[1] == "broader").sum()),
    )[0]


def _root(gram: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(gram)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def _project_over_levels(deep: xr.Dataset) -> np.ndarray:
    """Return the mean projection at each level once all is learned, from (Y Yᵀ)^½."""
    y = deep["target"].values
    gram = _root(y @ y.T)
    each, parting = gram / np.diag(gram), parting_levels(deep)
    apart = ~np.eye(len(y), dtype=bool)
    levels = np.unique(parting[apart])
    return np.array([each[apart & (parting == level)].mean() for level in levels])


def _project_kinds(target: xr.DataArray, prop: str, kinds: np.ndarray) -> dict[str, float]:
    gram = _root(target.values.T @ target.values)
    m = target["property"].values.tolist().index(prop)
    return {
        k: float(gram[m, kinds == k].mean() / gram[m, m]) for k in ("broader", "narrower", OTHERS)
    }


def _find_falls(gradient: xr.Dataset) -> xr.DataArray:
    """Return when projection to each level falls below half, after its peak (inf: never)."""
    curve = gradient["projection"]
    k = xr.DataArray(np.arange(curve.sizes["time"]), dims="time")
    after = curve.where(k >= curve.argmax("time"), curve.max("time"))
    return first_crossing(-after, -0.5).fillna(np.inf)
