"""Claim: a category is found above a critical coherence only, and learned the sooner for it.

Saxe, A. M., McClelland, J. L. & Ganguli, S. (2019). A mathematical theory of semantic
development in deep neural networks. PNAS 116(23), 11537–11546.

Unconfirmed: the paper's figure number and its exact expression for coherence; ours is derived
where it is defined. Matched: the proportion of 1000 items to 1600 features, at half that
size. Ours are the sizes of the categories, p = .7 against q = .3, and every threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import linalg

from semdev.data.categories import noisy_categories, scatter_properties
from semdev.data.dataset import Dataset
from semdev.measures.coherence import coherence, property_acquisition
from semdev.models.coherence import predict_detection
from semdev.models.networks import DeepLinear, Shallow
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.plots._style import CATEGORIES, SMALL, TEXT, draw_curve, finish
from semdev.training import train

Data = dict[str, Any]
BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK = CATEGORIES
KINDS: dict[str, tuple[Any, int]] = {"deep": (DeepLinear(hidden=32), 2), "shallow": (Shallow(), 1)}
DOUBLED = (0.5, 3.0)


def fig7_data(
    *,
    items: int = 500,
    properties: int = 800,
    within: float = 0.7,
    background: float = 0.3,
    targets: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0, 1.4, 2.0, 3.0, 5.0, 10.0),
    draws: int = 20,
    large: int = 5,
    seeds: int = 20,
    world_seed: int = 0,
) -> Data:
    """Claim: a category is found above a critical coherence only, and learned the sooner for it.

    Half of the paper's 1000 items and 1600 features are the default, so that many draws are cheap;
    `large` draws for each of two coherences are made at twice the size (0 for none).

    `targets` are the coherences aimed at; members and features are whole numbers near what they
    need, in the proportion of items to properties. Every draw has a seed of its own. Learning
    is by 40 items, ten of them a category with ten properties; ten more properties, each
    as frequent, keep no company.
    """
    unit = (within - background) ** 2 / (background * (1 - background))
    scale = _shares(targets, unit, items, properties)
    sizes = [(max(2, round(f * items)), max(2, round(f * properties))) for f in scale]
    rows = {
        centred: [
            [
                _simulate(items, properties, k_o, k_f, within, background, 1000 * n + k, centred)
                for k in range(draws)
            ]
            for n, (k_o, k_f) in enumerate(sizes)
        ]
        for centred in (True, False)
    }
    double = [
        [
            _simulate(2 * items, 2 * properties, round(2 * f * items), round(2 * f * properties),
                      within, background, 777_000 + k, True)
            for k in range(large)
        ]
        for f in _shares(DOUBLED, unit, 2 * items, 2 * properties)
    ]  # fmt: skip
    k_o, k_f = (xr.DataArray(list(k), dims="case") for k in zip(*sizes, strict=True))
    theory = {
        centred: predict_detection(
            items=items, properties=properties, members=k_o, features=k_f, within=within,
            background=background, centred=centred,
        )
        for centred in (True, False)
    }  # fmt: skip
    estimated = [
        coherence(noisy_categories(
            items // 4, properties // 4, members=max(2, items // 24), features=properties // 24,
            within=within, background=background, seed=k, coding="centred",
        ))["snr"].values[0]
        for k in range(draws)
    ]  # fmt: skip
    true = predict_detection(
        items=items // 4, properties=properties // 4, members=max(2, items // 24),
        features=properties // 24, within=within, background=background,
    )  # fmt: skip
    world = _company_world(world_seed)
    return {
        "items": items,
        "doubled": np.array(double),
        "doubled theory": predict_detection(
            items=2 * items,
            properties=2 * properties,
            members=[
                round(2 * f * items) for f in _shares(DOUBLED, unit, 2 * items, 2 * properties)
            ],
            features=[
                round(2 * f * properties) for f in _shares(DOUBLED, unit, 2 * items, 2 * properties)
            ],
            within=within,
            background=background,
        ),
        "simulated": {centred: np.array(found) for centred, found in rows.items()},
        "theory": theory,
        "sizes": sizes,
        "estimated": np.array(estimated) / float(true["snr"]),
        "learning": {
            kind: property_acquisition(train(model, world, seeds=seeds), depth=depth)
            for kind, (model, depth) in KINDS.items()
        },
    }


def fig7_checks(data: Data) -> list[Check]:
    """Hold figure 7 against its claims."""
    theory, draws = data["theory"][True], data["simulated"][True]
    snr = theory["snr"].values
    low, high = draws[snr <= 0.6][..., 0], draws[snr >= 1.8][..., 0]
    away = (snr >= 1.8) | (snr <= 0.6)
    miss = [
        _miss(draws[..., k], theory[name].values)[away]
        for k, name in enumerate(("item_overlap", "feature_overlap"))
    ]
    value = np.abs(np.median(draws[..., 2], axis=1) / theory["singular_value"].values - 1)
    edge = data["items"] ** (-2 / 3)
    plain, raw = data["theory"][False], data["simulated"][False]
    apart = np.abs(plain["snr"].values - 1) >= 0.5
    second = _miss(raw[..., 0], plain["item_overlap"].values)[apart]
    first = np.abs(np.median(raw[..., 3], axis=1) / plain["background_mode"].values - 1)
    found, without = data["learning"]["deep"], data["learning"]["shallow"]
    ratio, control = (_company_ratio(each) for each in (found, without))
    errors = np.abs(found["acquired"].median("seed") / found["predicted"] - 1).values
    return [
        Check(
            "items' and features' overlaps follow the formula away from the threshold",
            f"means over draws off by at most {miss[0][:, 0].max():.3f} (items), "
            f"{miss[1][:, 0].max():.3f} (features)",
            "≤ .02 beyond three standard errors, where SNR ≤ .6 or ≥ 1.8",
            max(each[:, 1].max() for each in miss) <= 0.02,
            panel="a", expected="1 − (c + θ²)/(θ²(θ² + 1)), 1 − c(1 + θ²)/(θ²(θ² + c))",
        ),
        *_check_doubled(data),
        Check(
            "below the threshold a category is not found, above it it is",
            f"item overlap² {spread(low)} at SNR ≤ .6, {spread(high)} at SNR ≥ 1.8",
            "medians ≤ .05 and ≥ .3; the 5 % point above over the 95 % point below",
            np.median(low) <= 0.05 and np.median(high) >= 0.3
            and np.quantile(high, 0.05) > np.quantile(low, 0.95),
            "published", panel="a", expected="threshold at SNR = 1",
        ),
        Check(
            "the top singular value follows the formula, and stays at the bulk's edge below",
            f"medians off by at most {value.max():.1%}",
            f"≤ N_o^(−2/3) = {edge:.1%}, the order of the edge's own spread", value.max() <= edge,
            panel="b", expected="σ√N_o √((1 + θ²)(c + θ²))/θ",
        ),
        Check(
            "uncentred data add a background mode, and the category is the second",
            f"background off by at most {first.max():.2%}, item overlap² by "
            f"{second[:, 0].max():.3f}",
            "≤ 1 %; ≤ .02 beyond three standard errors where |SNR − 1| ≥ .5",
            first.max() <= 0.01 and second[:, 1].max() <= 0.02, panel="c", expected="q √(N_o N_f)",
        ),
        Check(
            "the coherence of a category is recovered from a table",
            f"estimate ÷ truth {spread(data['estimated'])} over draws",
            "mean within 5 % beyond three standard errors",
            _miss(data["estimated"][None], np.ones(1))[0, 1] <= 0.05, panel="c", expected="1",
        ),
        Check(
            "deep: equally frequent properties are learned sooner when they keep company",
            f"time alone ÷ time in company {spread(ratio, form='.2f')} (theory "
            f"{_company_ratio(found, 'predicted').item():.2f})",
            "> 1.2 in every seed", (ratio > 1.2).all(), "published", panel="d",
            expected="over 1 by theory",
        ),
        Check(
            "times of single properties follow the closed form",
            f"medians off by {spread(errors, form='.1%')}", "95 % of properties within 5 %",
            np.quantile(errors, 0.95) <= 0.05, panel="d", expected="error 0",
        ),
        Check(
            "shallow control: company makes no difference",
            f"time alone ÷ time in company {spread(control, form='.4f')}",
            "within 1 % of 1 in every seed", (np.abs(control - 1) <= 0.01).all(), "published",
            panel="d", expected="1",
        ),
    ]  # fmt: skip


def fig7(data: Data | None = None) -> Figure:
    """Draw overlaps and singular values against coherence, and what coherence does to learning."""
    data = fig7_data() if data is None else data
    figure = Figure(figsize=(7.0, 5.0), layout="constrained")
    (overlap, value), (raw, time) = figure.subplots(2, 2)
    for axis, centred in ((overlap, True), (raw, False)):
        theory, seen = data["theory"][centred], data["simulated"][centred]
        for k, (name, text, color) in enumerate(
            (("item_overlap", "items", BLUE), ("feature_overlap", "features", RED))
        ):
            axis.plot(theory["snr"], theory[name], "_", color=color, ms=10, mew=1.2)
            _draw_spread(
                axis, theory["snr"].values * 1.03 ** (2 * k - 1), seen[..., k], color, text
            )
        axis.axvline(1, color="0.6", lw=0.8, ls=":")
        _scale_coherence(axis)
        axis.set_ylim(-0.03, 1.03)
        axis.legend(frameon=False, fontsize=SMALL, loc="upper left")
        axis.set_title(
            "background taken away" if centred else "0/1 data, second mode",
            fontsize=TEXT,
            loc="right",
        )
        finish(axis, x="coherence (SNR)", y="squared overlap")
    theory, seen = data["theory"][True], data["simulated"][True]
    value.plot(theory["snr"], theory["singular_value"], "_", color=BLACK, ms=10, mew=1.2,
               label="theory")  # fmt: skip
    _draw_spread(value, theory["snr"].values, seen[..., 2], BLUE, "simulated")
    value.axhline(float(theory["bulk_edge"][0]), color="0.6", lw=0.8, ls=":")
    value.text(
        theory["snr"].max(),
        float(theory["bulk_edge"][0]),
        "edge of the bulk",
        ha="right",
        va="bottom",
        fontsize=SMALL,
        color="0.4",
    )
    _scale_coherence(value)
    value.legend(frameon=False, fontsize=SMALL, loc="upper left")
    finish(value, x="coherence (SNR)", y="top singular value")
    for kind, style in (("deep", "-"), ("shallow", "--")):
        for company, color in ((True, BLUE), (False, RED)):
            curve = _company(data["learning"][kind], company)["strength"].mean("property")
            short = curve["time"].values <= 3 * float(data["learning"]["deep"]["acquired"].max())
            draw_curve(
                time,
                curve.isel(time=short),
                interval=0.95,
                color=color,
                linestyle=style,
                label=f"{kind}, {'in company' if company else 'alone'}",
            )
    time.legend(frameon=False, fontsize=SMALL, loc="lower right")
    finish(time, y="properties learned")
    letter_panels([overlap, value, raw, time])
    return figure


def _miss(values: np.ndarray, theory: np.ndarray) -> np.ndarray:
    """Return how far means over draws are off, and by how much more than three standard errors.

    `values` is case × draw; the result case × 2.
    """
    off = np.abs(values.mean(1) - theory)
    error = values.std(1, ddof=1) / np.sqrt(values.shape[1])
    return np.stack([off, np.maximum(off - 3 * error, 0.0)], axis=-1)


def _check_doubled(data: Data) -> list[Check]:
    """Return the check at twice the size, where there are draws of it."""
    if data["doubled"].size == 0:
        return []
    miss = np.concatenate([
        _miss(data["doubled"][..., k], data["doubled theory"][name].values)
        for k, name in enumerate(("item_overlap", "feature_overlap"))
    ])  # fmt: skip
    return [
        Check(
            "and at twice the size",
            f"means over {data['doubled'].shape[1]} draws off by at most {miss[:, 0].max():.3f}",
            "≤ .02 beyond three standard errors", miss[:, 1].max() <= 0.02, panel="a",
            expected="error 0",
        )
    ]  # fmt: skip


def _scale_coherence(axis: Axes) -> None:
    axis.set_xscale("log")
    axis.set_xticks([0.25, 0.5, 1, 2, 4, 8], ["¼", "½", "1", "2", "4", "8"])
    axis.minorticks_off()


def _shares(targets: Sequence[float], unit: float, items: int, properties: int) -> np.ndarray:
    """Return which share of items and of properties a category needs for these coherences."""
    return np.sqrt(np.array(targets) / (unit * np.sqrt(items * properties)))


def _draw_spread(axis: Axes, x: np.ndarray, values: np.ndarray, color: str, text: str) -> None:
    """Draw medians and central 95 % of values, x × draw."""
    low, middle, high = np.quantile(values, [0.025, 0.5, 0.975], axis=1)
    axis.errorbar(
        x, middle, yerr=[middle - low, high - middle], fmt="o", ms=3, capsize=2, lw=0.9,
        color=color, label=text,
    )  # fmt: skip


def _simulate(
    items: int, properties: int, k_o: int, k_f: int, p: float, q: float, seed: int, centred: bool
) -> list[float]:
    """Return item and feature overlap² of the category's mode, its singular value, the first's."""
    chance = np.full((items, properties), q)
    chance[:k_o, :k_f] = p
    table = (np.random.default_rng(seed).random(chance.shape) < chance) - (q if centred else 0.0)
    modes = 1 if centred else 2
    table = table.astype(np.float32)
    squares, left = linalg.eigh(table @ table.T, subset_by_index=[items - modes, items - 1])
    left, s = left[:, ::-1], np.sqrt(squares[::-1])
    right = (table.T @ left / s).T
    of_items = np.where(np.arange(items) < k_o, 1.0, 0.0)
    of_features = np.where(np.arange(properties) < k_f, 1.0, 0.0)
    if not centred:
        means = np.where(of_items[:, None] * of_features > 0, p, q)
        u, _, vt = np.linalg.svd(_condense(means, k_o, k_f))
        of_items = np.where(of_items > 0, u[0, 1] / np.sqrt(k_o), u[1, 1] / np.sqrt(items - k_o))
        of_features = np.where(
            of_features > 0, vt[1, 0] / np.sqrt(k_f), vt[1, 1] / np.sqrt(properties - k_f)
        )
    return [
        float((left[:, -1] @ of_items) ** 2 / (of_items @ of_items)),
        float((right[-1] @ of_features) ** 2 / (of_features @ of_features)),
        float(s[-1]), float(s[0]),
    ]  # fmt: skip


def _condense(means: np.ndarray, k_o: int, k_f: int) -> np.ndarray:
    """Return block means times √(rows × columns), 2 × 2."""
    n_o, n_f = means.shape
    rows, columns = np.sqrt([k_o, n_o - k_o]), np.sqrt([k_f, n_f - k_f])
    return means[np.ix_([0, -1], [0, -1])] * np.outer(rows, columns)


def _company_world(seed: int) -> Dataset:
    """Return 40 items, ten of which have ten properties; ten more have been dealt out at random."""
    clean = noisy_categories(
        40, 20, members=10, features=20, within=1, background=0, seed=seed, name="company"
    )
    alone = clean.properties["property"].values[10:]
    return scatter_properties(clean, properties=alone, seed=seed)


def _company(found: xr.Dataset, company: bool) -> xr.Dataset:
    return found.isel(property=slice(0, 10) if company else slice(10, None))


def _company_ratio(found: xr.Dataset, name: str = "acquired") -> np.ndarray:
    alone, together = (_company(found, c)[name].median("property") for c in (False, True))
    return (alone / together).values
