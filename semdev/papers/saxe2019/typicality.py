"""Claim: prototype and typicality define each other, and typical members are learned sooner.

Saxe, A. M., McClelland, J. L. & Ganguli, S. (2019). A mathematical theory of semantic
development in deep neural networks. PNAS 116(23), 11537–11546.

Unconfirmed: the paper's figure number and its worlds. Ours are the corpora and the ±1 tree, the
comparison with family resemblance (Rosch & Mervis 1975), the clocks, and every threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semdev.data.corpora import load
from semdev.data.generators import branching_diffusion
from semdev.measures.typicality import typicality, typicality_learning
from semdev.models.networks import DeepLinear, Shallow
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.plots._style import CATEGORIES, SMALL, draw_curve, finish, label_ends
from semdev.training import train

Data = dict[str, Any]
BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK = CATEGORIES
STYLE = {"rogers2004": (BLUE, "o"), "living_things": (RED, "^"), "±1 tree": (GREEN, "s")}
KINDS: dict[str, tuple[Any, int]] = {"deep": (DeepLinear(hidden=32), 2), "shallow": (Shallow(), 1)}


def fig6_data(
    *,
    corpora: Sequence[str] = ("rogers2004", "living_things"),
    seeds: int = 20,
    tree_seed: int = 0,
) -> Data:
    """Claim: prototype and typicality define each other, and typical members are learned sooner.

    The worlds are ours: two corpora and a ±1 world of two classes of eight. Their tree's classes
    are the categories; those of four members and more enter comparisons.
    """
    worlds = {
        **{name: load(name) for name in corpora},
        "±1 tree": branching_diffusion([2, 8], properties=200, seed=tree_seed),
    }  # fmt: skip
    learning: dict[tuple[str, str], xr.Dataset] = {}
    for name, world in worlds.items():
        for kind, (model, depth) in KINDS.items():
            history = train(model, world, seeds=seeds, dtype="float32", record=150)
            found = typicality_learning(history, depth=depth)
            large = np.flatnonzero(found["member"].sum("item").values >= 4)
            learning[name, kind] = found.isel(category=large).drop_vars(
                ["to_prototype", "predicted_to_prototype"]
            )
    return {
        "static": {name: typicality(world) for name, world in worlds.items()},
        "learning": learning,
    }


def fig6_checks(data: Data) -> list[Check]:
    """Hold figure 6 against its claims."""
    static, learning = data["static"].values(), data["learning"]
    deep, shallow = (
        [found for (_, k), found in learning.items() if k == kind] for kind in ("deep", "shallow")
    )
    relations = {
        name: max(
            float(np.abs(each[measured] - each[predicted]).max()) for each in static
        )
        for name, measured, predicted in (
            ("typicality", "typicality", "predicted"),
            ("prototype", "prototype", "predicted_prototype"),
        )
    }  # fmt: skip
    rho = {
        (kind, name): np.concatenate([each[name].values.ravel() for each in found])
        for kind, found in (("deep", deep), ("shallow", shallow))
        for name in ("correlation", "property_correlation")
    }
    kin = np.concatenate([_kinship(each) for each in static])
    first, late = rho["deep", "correlation"], rho["deep", "property_correlation"]
    off = {
        name: np.concatenate([
            np.abs(each[name].median("seed") / each[f"predicted_{name}"] - 1).values.ravel()
            for each in deep
        ])
        for name in ("membership_time", "property_time")
    }  # fmt: skip
    spans = {
        kind: np.concatenate([_range_of(each["property_time"]) for each in found])
        for kind, found in (("deep", deep), ("shallow", shallow))
    }
    return [
        Check(
            "typicality is the overlap of an item's features with the prototype",
            f"largest difference {relations['typicality']:.1e} over {len(data['static'])} worlds",
            "< 1e-9",
            relations["typicality"] < 1e-9, "published", panel="a", expected="0",
        ),
        Check(
            "the prototype is the typicality-weighted mean of features",
            f"largest difference {relations['prototype']:.1e} over {len(data['static'])} worlds",
            "< 1e-9",
            relations["prototype"] < 1e-9, "published", panel="a", expected="0",
        ),
        Check(
            "typicality on the mode goes with family resemblance",
            f"rank correlation {spread(kin, form='.2f')} over {len(kin)} categories",
            "median > 0", np.median(kin) > 0, panel="b", expected="positive",
        ),
        Check(
            "typical members pass a common criterion of membership sooner (at any depth)",
            f"rank correlation {spread(first, form='.2f')} over seeds × categories; negative in "
            f"{np.mean(first < 0):.1%}",
            "median ≤ −.8, negative in ≥ 95 %",
            np.nanmedian(first) <= -0.8 and np.mean(first < 0) >= 0.95, "published", panel="c",
            expected="−1 in theory",
        ),
        Check(
            "times of membership follow the closed form",
            f"median over seeds off by {spread(off['membership_time'], form='.1%')} over items",
            "median ≤ 3 %, 95 % of items within 8 %",
            np.nanmedian(off["membership_time"]) <= 0.03
            and np.nanquantile(off["membership_time"], 0.95) <= 0.08, panel="c", expected="error 0",
        ),
        Check(
            "deep: members of high family resemblance are held to have the category's properties "
            "sooner",
            f"rank correlation {spread(late, form='.2f')}; negative in "
            f"{np.mean(late[np.isfinite(late)] < 0):.1%}",
            "median ≤ −.5, negative in ≥ 90 %",
            np.nanmedian(late) <= -0.5 and np.mean(late[np.isfinite(late)] < 0) >= 0.9, panel="d",
            expected="−1",
        ),
        Check(
            "times of property verification follow the closed form",
            f"median over seeds off by {spread(off['property_time'], form='.1%')}",
            "95 % of items within 5 %", np.nanquantile(off["property_time"], 0.95) <= 0.05,
            panel="d", expected="error 0",
        ),
        Check(
            "shallow control: all members are held to have the category's properties at once",
            f"latest ÷ earliest member − 1: {spread(spans['shallow'], form='.4f')}; deep "
            f"{spread(spans['deep'], form='.2f')}",
            "< .01 everywhere, and below deep's in ≥ 95 % of seeds × categories",
            np.max(spans["shallow"]) < 0.01
            and np.mean(spans["deep"] > spans["shallow"].max()) >= 0.95, panel="d", expected="0",
        ),
    ]  # fmt: skip


def fig6(data: Data | None = None) -> Figure:
    """Draw the relations of typicality and prototype, and the two clocks of members."""
    data = fig6_data() if data is None else data
    figure = Figure(figsize=(7.0, 5.2), layout="constrained")
    (relation, kin), (course, clock) = figure.subplots(2, 2)
    for name in data["static"]:
        color, mark = STYLE[name]
        found = data["static"][name]
        inside = found["member"].values
        relation.plot(
            found["predicted"].values.ravel(),
            found["typicality"].values.ravel(),
            mark,
            ms=3,
            color=color,
            alpha=0.6,
            mew=0,
            label=name,
        )
        typical, resemblance = (
            _standardized(found, "typicality"),
            _standardized(found, "family_resemblance"),
        )
        kin.plot(typical[inside], resemblance[inside], mark, ms=3, color=color, alpha=0.6, mew=0)
    relation.axline((0, 0), slope=1, color="0.6", lw=0.8, zorder=0)
    relation.legend(frameon=False, fontsize=SMALL, loc="upper left", handletextpad=0.2)
    finish(relation, x="typicality v (singular vector)", y="overlap with the prototype")
    finish(kin, x="typicality (z, within category)", y="family resemblance (z)")
    _draw_members(course, data["learning"]["rogers2004", "deep"], "bird")
    for name in data["static"]:
        color, mark = STYLE[name]
        found = data["learning"][name, "deep"]
        inside = found["member"].values
        middle = found.assign(time_of=found["property_time"].median("seed"))
        clock.plot(
            _standardized(found, "family_resemblance")[inside],
            _standardized(middle, "time_of")[inside],
            mark,
            ms=3,
            color=color,
            alpha=0.6,
            mew=0,
        )
    finish(clock, x="family resemblance (z, within category)", y="time of property (z), deep")
    letter_panels([relation, kin, course, clock])
    return figure


def _kinship(found: xr.Dataset) -> np.ndarray:
    """Return the agreement of typicality with family resemblance in larger categories."""
    large = found["member"].sum("item").values >= 4
    values = found["agreement"].values[large]
    return values[np.isfinite(values)]


def _range_of(times: xr.DataArray) -> np.ndarray:
    """Return latest ÷ earliest member − 1 for each seed and category where there are times."""
    span = (times.max("item") / times.min("item") - 1).values.ravel()
    return span[np.isfinite(span)]


def _standardized(found: xr.Dataset, name: str) -> np.ndarray:
    """Return z values among the members of each category, category × item."""
    values = found[name].where(found["member"])
    spread_ = values.std("item")
    return ((values - values.mean("item")) / spread_.where(spread_ > 1e-9)).transpose(
        "category", "item"
    ).values  # fmt: skip


def _draw_members(axis: Axes, found: xr.Dataset, category: str) -> None:
    """Draw how each member comes to count as one."""
    one = found.sel(category=category)
    names = one["item"].values[one["member"].values]
    final = one["projection"].isel(time=-1).median("seed")
    last = 1.6 * float(one["membership_time"].median("seed").max())
    heights, order = [], sorted(names, key=lambda n: -float(one["typicality"].sel(item=n)))
    short = one["time"].values <= last
    for name, color in zip(order, (BLUE, SKY, GREEN, RED), strict=False):
        curve = one["projection"].sel(item=name).isel(time=short)
        draw_curve(axis, curve, interval=0.95, color=color)
        heights.append(float(curve.isel(time=-1).median("seed")))
    axis.axhline(0.5 * float(final.sel(item=names).mean()), color="0.5", lw=0.8, ls=":", zorder=0)
    axis.text(
        0.02 * last, 0.5 * float(final.sel(item=names).mean()), "criterion", fontsize=SMALL,
        va="bottom", color="0.4",
    )  # fmt: skip
    axis.set_xlim(0, last)
    finish(axis, y=f"projection on the {category} prototype")
    label_ends(axis, heights, order, [BLUE, SKY, GREEN, RED][: len(order)])
