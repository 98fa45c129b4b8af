"""Figure 11: individuals whose units differ represent alike, if they began with small weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semdev.data.corpora import load
from semdev.data.dataset import Dataset
from semdev.measures.agreement import compare_layers, compare_networks
from semdev.measures.representations import gram_matrices
from semdev.models.networks import DeepLinear
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.plots._style import CATEGORIES, GREY, draw_curve, finish, legend_above, over_seeds
from semdev.theory import bound_learning_rate, decompose
from semdev.training import train

Data = dict[str, Any]
# Derived before, for eight items with the tree of `cao2020`; other widths of the layer change it.
EXPECTED = {0.1: 1.0, 0.5: 0.984, 1.0: 0.696, 2.0: 0.043, 4.0: 0.013}


def fig11_data(
    *,
    world: str = "cao2020",
    seeds: int = 20,
    hidden: int = 32,
    scales: Sequence[float] = (0.1, 0.5, 1.0, 2.0, 4.0),
    layers: int = 3,
    layer_scales: Sequence[float] = (0.3, 0.5, 0.8),
    steps: int = 1200,
) -> Data:
    """Claim: what items are alike to is conserved across individuals that began small.

    Scales are those of a hidden unit's initial weights: √N_h times their standard deviation. The
    paper's world, widths and scales are unconfirmed; that the conclusion does not hang on ours is
    checked with half and twice as many hidden units and in another world.
    """
    data = load(world)
    grown = {scale: _grow(data, scale, (hidden,), seeds, steps) for scale in scales}
    ends = {scale: history.isel(time=[-1]) for scale, history in grown.items()}
    deeper = {}
    for scale in layer_scales:
        model = DeepLinear([hidden] * layers, scale=scale / np.sqrt(hidden))
        rate = 0.1 * bound_learning_rate(data, depth=layers + 1)[0]
        history = train(
            model, data, seeds=seeds, learning_rate=rate, record=2, steps=2 * steps, hidden=True
        )
        deeper[scale] = compare_layers(history.isel(time=[-1])).isel(time=0)
    others = [(world, hidden // 2), (world, 2 * hidden), ("rumelhart8", hidden)]
    ends_only = {"record": [0, steps]}
    return {
        "ends": ends,
        "agreement": {k: _between_pairs(compare_networks(v)["agreement"]) for k, v in ends.items()},
        "error": {k: gram_matrices(v, layer="hidden_1")["error"] for k, v in ends.items()},
        "behaviour": {
            k: compare_layers(v)["agreement"].sel(layer="hidden_1", layer_2="output")
            for k, v in ends.items()
        },
        "development": {
            k: compare_networks(grown[k])["agreement"] for k in (scales[0], scales[-1])
        },
        "layers": deeper,
        "elsewhere": {
            (name, width, scale): _between_pairs(
                compare_networks(
                    _grow(load(name), scale, (width,), 5, steps, **ends_only).isel(time=[-1])
                )["agreement"]
            )
            for name, width in others
            for scale in (scales[0], scales[-1])
        },
    }


def _grow(
    data: Dataset, scale: float, hidden: Sequence[int], seeds: int, steps: int, **options: Any
) -> xr.Dataset:
    """Train from weights of a given scale, however large, at a rate at which that is stable."""
    model = DeepLinear(list(hidden), scale=scale / np.sqrt(max(hidden)))
    rate = 0.1 / (decompose(data).s[0] + 3 * scale**2)
    rest = {"record": 60, **options}
    return train(model, data, seeds=seeds, learning_rate=rate, steps=steps, hidden=True, **rest)


def _between_pairs(agreement: xr.DataArray) -> np.ndarray:
    """Return the last agreement of every two different seeds."""
    last = agreement.isel(time=-1).values
    return last[np.triu_indices(len(last), k=1)]


def fig11_checks(data: Data) -> list[Check]:
    """Hold figure 11 against its claims."""
    scales = list(data["agreement"])
    small, large = scales[0], scales[-1]
    agreement, error, behaviour = data["agreement"], data["error"], data["behaviour"]
    middle = [float(np.median(agreement[k])) for k in scales]
    wrong = [float(np.abs(each["output"] - each["target"]).max()) for each in data["ends"].values()]
    hidden = data["ends"][small]["hidden_1"].values
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(hidden.shape[-1],) * 2))[0]
    grams = [h @ h.swapaxes(-1, -2) for h in (hidden, hidden @ turn)]
    turned = float(np.abs(grams[0] - grams[1]).max())
    units = np.abs(hidden - hidden[:1])[1:].max() / np.abs(hidden).max()
    known = [k for k in scales if k in EXPECTED]
    off = max(abs(float(np.median(agreement[k])) - EXPECTED[k]) for k in known) if known else 0.0
    birth, grown = (_all_pairs(data["development"][small])[:, k] for k in (0, -1))
    layers = data["layers"]
    first = [float(each["overlap"].sel(layer="hidden_1").mean()) for each in layers.values()]
    gentle = next(iter(layers.values()))
    stronger = np.abs(gentle["strength"] / gentle["predicted"] - 1).max(("layer", "mode"))
    top = gentle["strength"].isel(mode=0).median("seed").values
    s = float(gentle["singular_value"][0])
    powers = [s ** (2 * (k + 1) / len(top)) for k in range(len(top))]
    elsewhere = data["elsewhere"]
    other = {k: [np.median(v) for key, v in elsewhere.items() if key[2] == k]
             for k in (small, large)}  # fmt: skip
    return [
        Check(
            "small beginnings: every two individuals find the same items alike",
            f"agreement {spread(agreement[small], form='.4f')}", "> .99 for every pair",
            agreement[small].min() > 0.99, "published", panel="a", expected="1",
        ),
        Check(
            "… though their units differ, by a rotation that the representation does not see",
            f"units differ by up to {units:.0%} of the largest; turned, inner products by "
            f"{turned:.0e}",
            "> 20 %, and < 1e-9", units > 0.2 and turned < 1e-9, "published", panel="a",
            expected="0",
        ),
        Check(
            "large beginnings: individuals differ, though all do the same",
            f"agreement {spread(agreement[large])}; largest error of any answer {max(wrong):.3f}",
            "median < .3, and error ≤ .02 at every scale",
            np.median(agreement[large]) < 0.3 and max(wrong) <= 0.02, "published", panel="b",
            expected="0 agreement, no error",
        ),
        Check(
            "agreement falls as initial weights grow",
            ", ".join(f"{x:.3f} ({k:g})" for k, x in zip(scales, middle, strict=True)),
            "medians from > .99 to < .3 without a rise over .15; within .15 of the expected",
            middle[0] > 0.99 and middle[-1] < 0.3 and max(np.diff(middle)) < 0.15 and off < 0.15,
            panel="c", expected=", ".join(f"{EXPECTED[k]:.3f} ({k:g})" for k in known),
        ),
        Check(
            "behaviour tells the representation after small beginnings, not after large ones",
            f"{spread(behaviour[small])} and {spread(behaviour[large])}",
            "> .95 in every seed; median < .5",
            (behaviour[small] > 0.95).all() and behaviour[large].median() < 0.5, panel="c",
            expected="small .990",
        ),
        Check(
            "the hidden inner products are (Y Yᵀ)^½ after small beginnings",
            ", ".join(f"{float(v.median()):.4f} ({k:g})" for k, v in error.items()),
            "relative error < .01 in every seed for the smallest; rising medians",
            (error[small] < 0.01).all()
            and (np.diff([float(v.median()) for v in error.values()]) > 0).all(), "published",
            panel="d", expected=".0017 (.1), .042 (.5), .22 (1), 1.35 (2), 6.6 (4)",
        ),
        Check(
            "at birth individuals do not agree; what they learn makes them",
            f"at birth {spread(birth)}, at the end {spread(grown)}",
            "median within ± .3 at birth; > .99 for every pair at the end",
            abs(np.median(birth)) < 0.3 and grown.min() > 0.99, panel="e",
            expected="0 at birth, 1 at the end",
        ),
        Check(
            "all layers hold the same modes, if weights began small",
            "first layer's overlap with the data's modes: "
            + ", ".join(f"{x:.3f} ({k:g})" for k, x in zip(layers, first, strict=True)),
            "> .95 at the smallest scale; falling with scale",
            first[0] > 0.95 and (np.diff(first) < 0).all(), panel="f", expected="1",
        ),
        Check(
            "the later the layer, the stronger it holds them",
            f"first mode {', '.join(f'{x:.2f}' for x in top)}; all modes off by {spread(stronger)}",
            "median of the largest difference < 10 %", stronger.median() < 0.1, panel="g",
            expected=f"s^(2l/D): {', '.join(f'{x:.2f}' for x in powers)}",
        ),
        Check(
            "so with other widths, and in another world",
            f"medians: small {', '.join(f'{x:.3f}' for x in other[small])}; large "
            f"{', '.join(f'{x:.3f}' for x in other[large])}",
            "small > .99, large < .3", min(other[small]) > 0.99 and max(other[large]) < 0.3,
            panel="c", expected="1; 0",
        ),
    ]  # fmt: skip


def _all_pairs(agreement: xr.DataArray) -> np.ndarray:
    """Return pair of seeds × time."""
    values = agreement.transpose("seed", "seed_2", "time").values
    return values[np.triu_indices(len(values), k=1)]


def fig11(data: Data | None = None) -> Figure:
    """Draw individuals' representations, and what makes them agree."""
    data = fig11_data() if data is None else data
    figure = Figure(figsize=(7.0, 4.4), layout="constrained")
    panels = figure.subplot_mosaic([list("abcd"), list("eefg")])
    scales = list(data["agreement"])
    for letter, scale in (("a", scales[0]), ("b", scales[-1])):
        _draw_individuals(panels[letter], data["ends"][scale], scale)
    for values, label, color in (
        (data["agreement"], "of individuals", CATEGORIES[0]),
        (data["behaviour"], "with behaviour", CATEGORIES[1]),
    ):
        _draw_over_scales(panels["c"], values, color, label)
    panels["c"].axhline(0, color="0.85", lw=0.8, zorder=0)
    panels["c"].set_ylim(-0.4, 1.1)
    finish(panels["c"], x="initial scale", y="agreement")
    _draw_over_scales(panels["d"], data["error"], CATEGORIES[0], "")
    panels["d"].set_yscale("log")
    finish(panels["d"], x="initial scale", y="relative error of theory")
    for (scale, agreement), color in zip(
        data["development"].items(), (CATEGORIES[0], GREY), strict=True
    ):
        pairs = xr.DataArray(
            _all_pairs(agreement), dims=("seed", "time"), coords={"time": agreement["time"]}
        )
        draw_curve(panels["e"], pairs, interval=0.95, color=color, label=f"scale {scale:g}")
    small = data["development"][scales[0]]["time"].values
    panels["e"].set_xlim(0, small[-1] / 2)
    panels["e"].set_ylim(-0.7, 1.1)
    finish(panels["e"], x="age (step × learning rate)", y="agreement of individuals")
    _draw_layers(panels["f"], panels["g"], data["layers"])
    for letter in "cefg":
        axis = panels[letter]
        legend_above(axis, axis.get_legend_handles_labels()[0])
    letter_panels(panels.values())
    return figure


def _draw_individuals(axis: Axes, end: xr.Dataset, scale: float) -> None:
    """Draw the inner products of two individuals, one above the other."""
    grams = gram_matrices(end, layer="hidden_1")["gram"].isel(time=0).values[:2]
    n = grams.shape[-1]
    gap = np.full((1, n), np.nan)
    stacked = np.concatenate([grams[0] / np.abs(grams[0]).max(), gap, grams[1] /
                              np.abs(grams[1]).max()])  # fmt: skip
    axis.imshow(stacked, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([(n - 1) / 2, n + (n + 1) / 2], ["1", "2"], fontsize=7)
    axis.tick_params(length=0)
    axis.set_ylabel("individual", fontsize=8)
    axis.set_xlabel(f"items (scale {scale:g})", fontsize=8)
    axis.spines[:].set_visible(False)


def _draw_over_scales(axis: Axes, values: dict[float, Any], color: str, label: str) -> None:
    cuts = [np.nanquantile(np.asarray(v), [0.025, 0.5, 0.975]) for v in values.values()]
    low, middle, high = np.array(cuts).T
    axis.errorbar(
        list(values), middle, yerr=[middle - low, high - middle], fmt="o-", ms=3, lw=1, capsize=2,
        color=color, label=label,
    )  # fmt: skip
    axis.set_xscale("log")


def _draw_layers(overlap: Axes, strength: Axes, layers: dict[float, xr.Dataset]) -> None:
    for k, ((scale, each), color) in enumerate(zip(layers.items(), CATEGORIES, strict=False)):
        places = np.arange(1, each.sizes["layer"] + 1)
        low, middle, high = over_seeds(each["overlap"].mean("mode").transpose("seed", ...), 0.95)
        overlap.errorbar(
            places, middle, yerr=[middle - low, high - middle], fmt="o-", ms=3, lw=1, capsize=2,
            color=color, label=f"{scale:g}" if k else f"scale {scale:g}",
        )  # fmt: skip
    finish(overlap, x="layer", y="overlap with the modes")
    overlap.set_ylim(0, 1.05)
    gentle = next(iter(layers.values()))
    s = gentle["singular_value"].values
    _, kept = np.unique(s.round(6), return_index=True)
    for k, color in zip(kept[::-1], CATEGORIES, strict=False):
        name = f"{k + 1}" if k else "mode 1"
        middle = gentle["strength"].isel(mode=k).median("seed")
        strength.plot(places, middle, "o", ms=4, color=color, label=name)
        strength.plot(places, s[k] ** (2 * places / len(places)), "k--", lw=0.8)
    strength.set_yscale("log", base=2)
    finish(strength, x="layer", y="strength")
    for axis in (overlap, strength):
        axis.set_xticks(places)
