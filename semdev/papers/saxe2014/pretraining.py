"""Figure 5: greedy unsupervised pretraining and the condition under which it helps.

Matched: a five-layer linear network (four weight matrices), from Gaussian weights or greedily
pretrained; the condition, Vᵀ Σ11 V nearly diagonal. Not matched: handwritten digits. Here 32
items of a five-level branching diffusion are seen by some of their features and taught the
others, so that inputs are correlated and share structure with what is taught. The caption's
Gaussian weights have s.d. .01 with 1000 hidden units; with fewer units the s.d. is larger by
√(1000/N), which keeps each layer's gain. Learning rate, output layer of the pretrained network
(orthogonal, strength 1) and number of networks are ours. The control teaches each item another
item's properties.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from semdev.data.dataset import Dataset
from semdev.data.generators import branching_diffusion
from semdev.data.patterns import Patterns, make_patterns
from semdev.models.networks import DeepLinear
from semdev.models.pretraining import pretrain
from semdev.papers.checks import Check, spread
from semdev.papers.drawing import letter_panels
from semdev.plots._style import CATEGORIES, draw_curve, finish
from semdev.theory import bound_learning_rate, decompose
from semdev.training import train

Data = dict[str, Any]


def fig5_data(
    *,
    levels: int = 5,
    inputs: int = 100,
    outputs: int = 60,
    hidden: int = 40,
    seeds: int = 6,
    steps: int = 4000,
    controls: int = 50,
    world_seed: int = 0,
) -> Data:
    """Claim: pretraining speeds learning, the world's Σ11 being nearly diagonal in its modes."""
    world = branching_diffusion(
        [2] * levels, properties=inputs + outputs, flip=0.1, seed=world_seed
    )
    codes = world.properties.values[:, :inputs]
    # The inputs' own directions: 32 items have no more than 32.
    left, size, _ = np.linalg.svd(codes, full_matrices=False)
    codes = left * size / size[0]
    table = world.properties[:, inputs:] / size[0]
    patterns = make_patterns(Dataset(table, name="features from features"), inputs=codes)
    modes = decompose(patterns)
    sigma = patterns.inputs.T @ patterns.inputs
    rng = np.random.default_rng(world_seed)
    shuffled = []
    for _ in range(controls):
        wrong = table.copy(data=table.values[rng.permutation(len(table))])
        shuffled.append(_couple(sigma, make_patterns(Dataset(wrong), inputs=codes)))
    layers = [hidden] * 3
    ready = pretrain(patterns, hidden=layers, seeds=seeds, learning_rate=0.5)  # Σ11's largest is 1
    options: dict[str, Any] = {
        "seeds": seeds, "steps": steps, "record": 150, "progress": False,
        "dtype": "float32",
        "learning_rate": 0.5 * bound_learning_rate(patterns, depth=4)[0],
    }  # fmt: skip
    scale = 0.01 * (1000 / hidden) ** 0.5
    through = ready.weights[0]
    for w in ready.weights[1:-1]:
        through = w @ through
    main = modes.s >= 0.1 * modes.s[0]
    shown = world.properties.values[:, :inputs]
    features = np.corrcoef(shown[:, np.ptp(shown, axis=0) > 0].T)  # a constant correlates with none
    order = np.argsort(np.linalg.eigh(features)[1][:, -1])  # alike features side by side
    return {
        "features": features[np.ix_(order, order)],
        "turned": modes.v.T @ sigma @ modes.v, "coupled": _couple(sigma, patterns),
        "shuffled": np.array(shuffled), "updates": ready.updates.sum(1),
        "strengths": np.linalg.svd(through @ modes.v[:, main], compute_uv=False),
        "Gaussian": train(DeepLinear(layers, scale=scale), patterns, **options),
        "pretrained": train(DeepLinear(layers), patterns, weights=ready.weights, **options),
    }  # fmt: skip


def fig5_checks(data: Data) -> list[Check]:
    """Hold figure 5 against its claims."""
    learned = {kind: _find_learned(data[kind]) for kind in ("Gaussian", "pretrained")}
    gain = np.median(learned["Gaussian"]) - np.median(learned["pretrained"])
    repaid = np.median(data["updates"]) / gain
    most = int(data["Gaussian"]["step"][-1])
    strengths = data["strengths"]
    below = float((data["shuffled"] > data["coupled"]).mean())
    return [
        Check(
            "the inputs' correlations are far from diagonal",
            f"share of |corr|² off the diagonal {_share(data['features']):.0%}", "> 50 %",
            _share(data["features"]) > 0.5, panel="a", expected="off the diagonal",
        ),
        Check(
            "in the modes' own basis, Vᵀ Σ11 V, they are nearly diagonal: pretraining can help",
            f"{data['coupled']:.1%} of |Vᵀ Σ11 V|² off the diagonal; with items' properties "
            f"exchanged {spread(100 * data['shuffled'], form='.1f')} %",
            "a fifth of the features' share or less, and less than in ≥ 95 % of exchanges",
            data["coupled"] <= _share(data["features"]) / 5 and below >= 0.95, "published",
            panel="b", expected="≈ diagonal",
        ),
        Check(
            "pretrained layers carry the inputs of modes over a tenth of the first at strength 1",
            f"singular values of their product {strengths.min():.2f} to {strengths.max():.2f}",
            ".8 to 1.2", strengths.min() >= 0.8 and strengths.max() <= 1.2, panel="c", expected="1",
        ),
        Check(
            "a pretrained network learns the task in fewer updates",
            f"updates to 10 % of the first loss: {spread(learned['pretrained'], form='.0f')}, "
            f"from Gaussian weights {spread(np.minimum(learned['Gaussian'], most), form='.0f')} "
            f"(of {most})", "every pretrained network before every Gaussian one",
            learned["pretrained"].max() < learned["Gaussian"].min(), "published", panel="c",
            expected="fewer",
        ),
        Check(
            "what pretraining costs is repaid within two tasks on the same inputs",
            f"updates of pretraining {spread(data['updates'], form='.0f')}, "
            f"{repaid:.2f} times what the task then gains", "≤ 2", repaid <= 2, panel="c",
            expected="none given (ours)",
        ),
    ]  # fmt: skip


def fig5(data: Data | None = None) -> Figure:
    """Draw the inputs' correlations, the same in the modes' basis, and learning curves."""
    data = fig5_data() if data is None else data
    figure = Figure(figsize=(7.0, 2.5), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.4])
    left.imshow(data["features"], cmap="RdBu_r", vmin=-1, vmax=1)
    left.set_title("Σ¹¹ (correlations)", fontsize=8)
    finish(left, x="input feature", y="input feature")
    turned = data["turned"]
    bound = np.sqrt(np.abs(turned).max())
    shown = middle.imshow(
        np.sign(turned) * np.sqrt(np.abs(turned)), cmap="RdBu_r", vmin=-bound, vmax=bound
    )
    figure.colorbar(shown, ax=middle, shrink=0.7).ax.tick_params(labelsize=6)
    middle.set_title("Vᵀ Σ¹¹ V (signed root)", fontsize=8)
    finish(middle, x="mode", y="mode")
    delay = int(np.median(data["updates"]))
    for kind, color, late in (
        ("Gaussian", CATEGORIES[6], 0), ("pretrained", CATEGORIES[1], delay)
    ):  # fmt: skip
        history = data[kind]
        share = history["loss"] / history["loss"].isel(time=0)
        share = share.assign_coords(time=history["step"].values + late)
        draw_curve(right, share, interval=0.95, color=color, label=kind)
    right.plot([0, delay], [1, 1], color=CATEGORIES[1], ls=":", lw=1.2, label="pretraining")
    right.set_xlim(left=0)
    right.legend(frameon=False, fontsize=7, loc="upper right", bbox_to_anchor=(1.0, 0.95))
    finish(right, x="updates", y="loss / loss at the start")
    letter_panels((left, middle, right))
    return figure


def _couple(sigma: np.ndarray, patterns: Patterns) -> float:
    """Return the share of |Vᵀ Σ11 V|² that lies off the diagonal."""
    v = decompose(patterns).v
    return _share(v.T @ sigma @ v)


def _share(matrix: np.ndarray) -> float:
    return float(1 - (np.diag(matrix) ** 2).sum() / (matrix**2).sum())


def _find_learned(history: xr.Dataset) -> np.ndarray:
    """Return for each seed the first recorded update with a tenth of the first loss."""
    loss, step = history["loss"].values, history["step"].values
    there = loss <= 0.1 * loss[:, :1]
    return np.where(there.any(1), step[there.argmax(1)], np.inf)
