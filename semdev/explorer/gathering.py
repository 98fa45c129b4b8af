"""What an explorer's page holds of a History: everything that its pictures are drawn from."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from semdev.explorer.encoding import pack_beliefs
from semdev.measures.modes import mode_strengths
from semdev.measures.similarity import item_distances, trace_distances
from semdev.measures.stages import stage_times
from semdev.plots._curves import thin_times
from semdev.plots._items import item_classes, tree_order
from semdev.plots.loss import find_end, typical_seed

ROOM = 2_800_000  # bytes of beliefs in a page, where nobody says how many seeds
FINE = 32_000  # pictures of similarity are drawn on a grid of so many steps
PLACED = 32  # times at which places are computed; in between items move straight on
MODES = 10


def pack_seeds(history: xr.Dataset, most: int | None) -> list[dict[str, Any]]:
    """Return the beliefs of each seed (`pack_beliefs`): of `most`, or of as many as have room."""
    packed: list[dict[str, Any]] = []
    room = ROOM
    for k in range(history.sizes["seed"] if most is None else most):
        output = history["output"].isel(seed=k).values.astype(float)
        if not np.isfinite(output).all():
            seed = history["seed"].values[k].item()
            raise ValueError(
                f"seed {seed} holds beliefs that are no finite numbers (did it diverge?); leave it "
                f"out: explore(history.drop_sel(seed={seed}))"
            )
        each = pack_beliefs(output.reshape(len(output), -1))
        room -= (each["cells"].nbytes + each["times"].nbytes) * 4 // 3
        if packed and most is None and room < 0:
            break
        packed.append(each)
    return packed


def gather_similarity(history: xr.Dataset, layer: str) -> tuple[list[dict[str, Any]], float]:
    """Return maps and dendrograms for the ensemble, then for each seed, and the reach of all maps.

    The ensemble's are of the mean distance over seeds, and all share one frame (see
    `align_trajectories`). Whole numbers: `map` (time × item × 2) counts steps of reach / FINE from
    the centre; `rows` (time × merger × 2) and `heights` (time × merger × 3: left, top, right) are
    the mergers' brackets in steps of items / FINE and of `far` / FINE; `leaves` (time × item).
    """
    distance = item_distances(history, layer=layer)
    mean = distance.mean("seed").expand_dims(seed=[-1])
    every = xr.concat([mean, distance.assign_coords(seed=range(history.sizes["seed"]))], "seed")
    places = _place_items(every)
    reach = float(np.abs(places).max()) or 1.0
    order = tree_order(history)
    found = []
    for place, apart in zip(places, every.values, strict=True):
        far = apart.max() or 1.0
        rows, heights, leaves = _cluster_over_time(apart, order)
        found.append(
            {
                "map": np.round(place / reach * FINE).astype(np.int16),
                "rows": np.round(rows / len(order) * FINE).astype(np.int16),
                "heights": np.round(heights / far * FINE).astype(np.int16),
                "leaves": leaves.astype(np.int16),
                "far": float(far),
            }
        )
    return found, reach


def _place_items(distance: xr.DataArray) -> np.ndarray:
    """Return places at all times, seed × time × item × 2, computed at `PLACED` of them at most."""
    few = thin_times(distance.to_dataset(name="distance"), PLACED)
    places, _ = trace_distances(few["distance"])
    drawn = xr.DataArray(
        places, dims=("seed", "time", "item", "axis"), coords={"time": few["time"].values}
    )
    return drawn.interp(time=distance["time"].values).values


def _cluster_over_time(
    distance: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return brackets and leaves of dendrograms (average linkage) at all times.

    Neighbours are as alike as can be at the last time; at every other time branches are turned so
    that the items stand as near to that order as they can, and the picture changes no more than
    the learner does.
    """
    apart = distance[:, order[:, None], order]
    last = hierarchy.linkage(squareform(apart[-1], checks=False), "average", optimal_ordering=True)
    rank = np.argsort(hierarchy.leaves_list(last)).astype(float)
    if rank @ (np.arange(len(rank)) - rank.mean()) < 0:
        rank = len(rank) - 1 - rank  # the order of the tree, rather than its mirror image
    brackets, leaves = [], []
    for each in apart:
        links = hierarchy.linkage(squareform(each, checks=False), "average")
        drawn = hierarchy.dendrogram(_turn(links, rank), no_plot=True)
        brackets.append((np.array(drawn["icoord"]) / 10 - 0.5, np.array(drawn["dcoord"])))
        leaves.append(order[drawn["leaves"]])
    rows, heights = (np.array(each) for each in zip(*brackets, strict=True))
    return rows[..., [0, 2]], heights[..., [0, 1, 3]], np.array(leaves)


def _turn(links: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Return the mergers with the branch of lower mean rank on the left."""
    turned = links.copy()
    total, count = list(rank), [1.0] * len(rank)
    for row in turned:
        left, right = int(row[0]), int(row[1])
        if total[left] / count[left] > total[right] / count[right]:
            row[:2] = right, left
        total.append(total[left] + total[right])
        count.append(count[left] + count[right])
    return turned


def gather_curves(history: xr.Dataset, kept: xr.Dataset) -> dict[str, Any]:
    """Return strengths of modes, losses and stages, for the ensemble and each of the same seeds.

    At the times `kept`: `strengths` (ensemble and seeds × time × strongest modes; the ensemble's
    are medians), `loss` (ensemble and seeds × time), `loss_low` and `loss_high` (time; the central
    95 %). `stages`: for each, the times of its stages among all recorded times, and the losses
    there; the ensemble's are those of the seed `stages_of`, a typical one.
    """
    strengths = mode_strengths(kept).isel(mode=slice(MODES))
    loss = kept["loss"].values.astype(float)
    time, every = history["time"].values, history["loss"].values.astype(float)
    stages = [
        {"time": found, "loss": np.interp(found, time, losses)}
        for times, losses in zip(stage_times(history).values, every, strict=True)
        for found in [times[np.isfinite(times)]]
    ]
    typical = typical_seed(history)
    low, high = np.quantile(loss, [0.025, 0.975], axis=0)
    return {
        "strengths": np.concatenate([np.median(strengths, axis=0)[None], strengths], dtype="f4"),
        "singular_values": strengths["singular_value"].values.tolist(),
        "loss": np.concatenate([np.median(loss, axis=0)[None], loss]),
        "loss_low": low,
        "loss_high": high,
        "stages": [stages[history["seed"].values.tolist().index(typical)], *stages],
        "stages_of": typical,
    }


def gather(history: xr.Dataset, *, seeds: int | None, times: int, layer: str) -> dict[str, Any]:
    """Return all that a page needs, in numbers and names; `explore` says what the arguments are."""
    thin = thin_times(history, times)
    beliefs = pack_seeds(thin, seeds)
    history = history.isel(seed=slice(len(beliefs)))
    kept = thin.isel(seed=slice(len(beliefs)))
    similarity, reach = gather_similarity(kept, layer)
    classes = item_classes(history)
    return {
        "items": [str(name) for name in history["item"].values],
        "properties": [str(name) for name in history["property"].values],
        "classes": ["item"] * history.sizes["item"] if classes is None else classes.tolist(),
        "target": history["target"].values.astype(float),
        "time": thin["time"].values.astype(float),
        "step": thin["step"].values.astype(float),
        "seeds": [seed.item() for seed in kept["seed"].values],
        "all_seeds": thin.sizes["seed"],
        "beliefs": beliefs,
        "similarity": similarity,
        "reach": float(reach),
        "layer": layer,
        "curves": gather_curves(history, kept),
        "until": find_end(kept),
    }
