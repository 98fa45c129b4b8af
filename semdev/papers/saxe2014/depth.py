"""Figure 4: how many updates learning takes as layers are added.

Matched: all modes start decoupled at u₀ = .001; for each depth N_l = 3 … 100 (layers of units;
D = N_l − 1 weight matrices) the best of 20 learning rates spaced evenly on a log scale counts.
Not matched: the paper's data are handwritten digits in networks with 1000 hidden units; here the
world is a branching diffusion of eight items, scaled so that its strongest mode is 1. Decoupled
networks are chains of single units whatever their width, which is checked by training whole ones.
The paper's criterion of learning is not known to us: ours is 90 % of every mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from semdev.data.dataset import Dataset
from semdev.data.generators import branching_diffusion
from semdev.measures.modes import mode_strengths
from semdev.models.chains import aligned_weights
from semdev.models.depth import time_depths
from semdev.models.networks import DeepLinear
from semdev.papers.checks import Check
from semdev.papers.drawing import letter_panels
from semdev.papers.saxe2014.descending import descend_chains
from semdev.plots._style import CATEGORIES, GREY, finish
from semdev.theory import decompose
from semdev.training import train

Data = dict[str, Any]
LAYERS = (3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100)


def fig4_data(
    *,
    layers: Sequence[int] = LAYERS,
    initial: float = 1e-3,
    share: float = 0.9,
    rates: int = 20,
    networks: Sequence[int] = (3, 5, 10),
    world_seed: int = 0,
) -> Data:
    """Claim: learning time saturates with depth when each depth has its best rate, about 1/N_l."""
    world = branching_diffusion([2, 2, 2], properties=100, flip=0.1, seed=world_seed)
    table = world.properties / decompose(world).s[0]
    world = Dataset(table.assign_coords(world.properties.coords), name="scaled branching diffusion")
    s = decompose(world).s
    depths = np.array(layers) - 1
    grid = np.geomspace(1e-3, 2.0, rates)
    theory = time_depths(depths.tolist(), s, initial=initial, share=share)
    best = [descend_chains(s, d, initial=initial, rates=grid, share=share) for d in depths]
    found, rate = (np.array(values) for values in zip(*best, strict=True))
    trained = {}
    for n in networks:
        k = list(layers).index(n)
        history = train(
            DeepLinear([len(s)] * (n - 2)), world, seeds=1, learning_rate=float(rate[k]),
            steps=int(found[k]) + 5, record=range(int(found[k]) - 5, int(found[k]) + 6),
            progress=False,
            weights=aligned_weights(world, depth=n - 1, initial=initial, seed=n),
        )  # fmt: skip
        strength = mode_strengths(history)
        there = (strength >= share * strength["singular_value"]).all("mode").values[0]
        trained[n] = int(history["step"].values[there.argmax()]) if there.any() else np.inf
    return {
        "layers": np.array(layers), "grid": grid, "s": s, "updates": found,
        "rate": rate, "theory": theory["time"].max("mode").values / rate,
        "limit": float(theory["limit"].max()), "ideal": theory["learning_rate"].values,
        "updates at ideal": theory["updates"].max("mode").values, "trained": trained,
    }  # fmt: skip


def fig4_checks(data: Data) -> list[Check]:
    """Hold figure 4 against its claims."""
    layers, updates = data["layers"], data["updates"]
    early = updates[layers <= 10][-1] / updates[0]
    late = updates[-1] / updates[layers >= 30][0]
    deep = layers >= 10
    off = updates[deep] / data["theory"][deep] - 1
    slope = np.polyfit(np.log(layers[layers >= 7]), np.log(data["rate"][layers >= 7]), 1)[0]
    ideal = data["rate"] / data["ideal"]
    apart = [n_updates - updates[list(layers).index(n)] for n, n_updates in data["trained"].items()]
    toward = data["updates at ideal"] / data["limit"]
    return [
        Check(
            "learning time saturates: past some depth more layers cost hardly more updates",
            f"updates × {early:.2f} from N_l = {layers[0]} to 10, × {late:.2f} from "
            f"{layers[layers >= 30][0]} to {layers[-1]} (which has "
            f"{layers[-1] / layers[layers >= 30][0]:.1f} times the layers)",
            "the latter ≤ 1.5, and less than half of the former", late <= 1.5 and late < early / 2,
            "published", panel="a", expected="a finite limit",
        ),
        Check(
            "updates at the best rate follow the exact learning time divided by that rate",
            f"relative difference for N_l ≥ 10: {off.min():.1%} to {off.max():.1%}",
            "within 10 %", np.abs(off).max() <= 0.1, panel="a", expected="t(D) / λ",
        ),
        Check(
            "the infinite-depth limit is approached from below",
            f"exact updates at λ = 1/(D s^(2−2/D)) as shares of the limit {data['limit']:.0f}: "
            f"{', '.join(f'{x:.2f}' for x in toward[[0, len(toward) // 2, -1]])} for N_l = "
            f"{', '.join(str(n) for n in layers[[0, len(toward) // 2, -1]])}",
            "rising, and never over 1", (np.diff(toward) > 0).all() and toward[-1] <= 1,
            "published", panel="a", expected=f"{data['limit']:.0f}",
        ),
        Check(
            "whole networks need as many updates as their chains",
            f"differences {', '.join(f'{x:+.0f}' for x in apart)} for N_l = "
            f"{', '.join(map(str, data['trained']))}", "at most 1 update",
            max(map(abs, apart)) <= 1, panel="a", expected="0",
        ),
        Check(
            "the best learning rate falls as 1/N_l",
            f"slope of log λ on log N_l (N_l ≥ 7) {slope:.2f}", "−1 within .2",
            abs(slope + 1) <= 0.2, "published", panel="b", expected="−1",
        ),
        Check(
            "the best rate lies near 1/(D s^(2−2/D)), below the bound of twice that",
            f"best / ideal {ideal.min():.2f} to {ideal.max():.2f}", ".5 to 2",
            ideal.min() >= 0.5 and ideal.max() <= 2, panel="b", expected="1",
        ),
    ]  # fmt: skip


def fig4(data: Data | None = None) -> Figure:
    """Draw updates and best learning rates against depth."""
    data = fig4_data() if data is None else data
    figure = Figure(figsize=(7.0, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.axhline(data["limit"], color=GREY, ls="--", lw=1)
    left.text(
        data["layers"][-1], 1.015 * data["limit"], "infinite depth, λ = 1/(D s²)", fontsize=7,
        color="0.35", ha="right", va="bottom",
    )  # fmt: skip
    left.plot(data["layers"], data["theory"], color=CATEGORIES[0], lw=1.2, label="exact t / best λ")
    left.plot(
        data["layers"], data["updates at ideal"], color=CATEGORIES[2], lw=1.2, ls=":",
        label="exact t × D s^(2−2/D)",
    )  # fmt: skip
    left.plot(data["layers"], data["updates"], "o", ms=4, color=CATEGORIES[1], label="best of grid")
    left.plot(
        list(data["trained"]), list(data["trained"].values()), "s", ms=7, mfc="none",
        color=CATEGORIES[3], label="whole network",
    )  # fmt: skip
    left.set_ylim(0, 1.12 * data["limit"])
    left.legend(frameon=False, fontsize=7, loc="lower right")
    finish(left, x="layers N_l", y="updates until learned")
    right.loglog(
        data["layers"], data["ideal"], color=CATEGORIES[0], lw=1.2, label="1/(D s^(2−2/D))"
    )
    right.loglog(data["layers"], data["rate"], "o", ms=4, color=CATEGORIES[1], label="best of grid")
    right.legend(frameon=False, fontsize=7)
    finish(right, x="layers N_l", y="best learning rate λ")
    letter_panels((left, right))
    return figure
