"""Modes: how far a learner has come along each of the data's own dimensions."""

from __future__ import annotations

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.data import trees
from semdev.factored import contract_output, split_output
from semdev.history import check
from semdev.models.decomposition import tied_groups
from semdev.models.truncation import find_modes


def mode_strengths(history: xr.Dataset) -> xr.DataArray:
    """Return how strongly each mode of the data is present in the outputs.

    With target Y = Σ_α s_α v_α u_αᵀ (items × properties, singular value decomposition) the
    strength is a_α(t) = v_αᵀ Ŷ(t) u_α; learned, it equals s_α. Of modes with tied singular
    values only the span is defined, so each is given the mean strength of its tie. (Saxe,
    McClelland & Ganguli 2014, 2019; ties as here are ours.)

    Where items are met unequally often, what a network learns are the modes of the data so
    weighted: with frequencies f, diag(f) Y = Σ_α s_α v_α u_αᵀ and a_α(t) = v_αᵀ diag(f) Ŷ(t) u_α,
    which again is s_α when learned. These modes do not quite decouple: a strength may start late
    or come to rest more than once. (They fit an exact flow better than the modes of √f Y do, the
    truncations of which are the saddle points: off-diagonal strengths of up to 8 % of s₁ against
    12 to 20 %, for log-normal frequencies of s.d. .7 in three corpora.)

    Of a History that follows the strongest modes alone (``solve(…, modes=20)``), these; of one that
    holds no outputs, the strengths that were kept on the way (``train(…, keep=mode_strengths)``).

    Parameters
    ----------
    history : xr.Dataset
        A History.

    Returns
    -------
    DataArray, seed × time × mode
        On the scale of the data. With coordinates on `mode` (1, 2, … strongest first):
        `singular_value` (of the weighted data where frequencies differ); where there is a tree
        `mode_level`, the level whose distinctions the mode draws (0: all items alike), and
        `purity`, the share of the mode (of its tie, on average) that lies in that level's
        subspace.

    Examples
    --------
    >>> import semdev as sd
    >>> a = sd.mode_strengths(sd.solve(sd.load("saxe2019"), depth=2))
    >>> a.isel(seed=0, time=-1).values.round(2)    # √7, √3, 1, 1, the last two 99 % learned
    array([2.65, 1.73, 0.99, 0.99])
    """
    if "output" not in history and "strength" in check(history, whole=False):
        return say_measure("mode_strengths", history["strength"])
    target, output = check(history)["target"], history["output"]
    often = weigh_items(history)
    modes = int(np.max(history["modes"])) if "modes" in history else None
    v, s, u = find_modes(target.values * often[:, None], modes)
    values = contract_output(output, v * often[:, None], u)
    for tied in tied_groups(s):
        values[..., tied] = values[..., tied].mean(-1, keepdims=True)
    coords: dict = {
        **take_seeds(history), "time": history["time"], "mode": np.arange(1, len(s) + 1),
        "singular_value": ("mode", s),
    }  # fmt: skip
    if "ancestor" in history.coords:
        shares = np.einsum("im,lij,jm->lm", v, level_subspaces(history).values, v, optimize=True)
        for tied in tied_groups(s):
            shares[:, tied] = shares[:, tied].mean(-1, keepdims=True)
        coords["mode_level"] = ("mode", shares.argmax(0))
        coords["purity"] = ("mode", shares.max(0))
    result = xr.DataArray(values, dims=("seed", "time", "mode"), coords=coords, name="strength")
    return say_measure("mode_strengths", result)


def take_seeds(history: xr.Dataset | xr.DataArray) -> dict[str, tuple[str, np.ndarray]]:
    """Return what a measure keeps of seeds: their numbers, and which had settled (where known)."""
    return {k: ("seed", history[k].values) for k in ("seed", "settled") if k in history.coords}


def weigh_items(history: xr.Dataset) -> np.ndarray:
    """Return how often each item is met, or ones where all are met equally often.

    Equal frequencies other than 1 only rescale time and leave the data's own singular values.
    """
    often = np.asarray(history["frequency"].values, dtype=float)
    return often if np.ptp(often) > 0 else np.ones_like(often)


def level_subspaces(history: xr.Dataset) -> xr.DataArray:
    """Return, for each level of the tree, the projector on the distinctions it draws.

    (The theorem that a hierarchical world's modes lie in them: Saxe, McClelland & Ganguli 2019.)
    Level l's subspace holds the item vectors that are constant within each class of depth l and
    sum to zero over the members of each class of depth l − 1; level 0 is what all items share.
    The subspaces are orthogonal and together hold everything.

    Parameters
    ----------
    history : xr.Dataset
        A History with a tree.

    Returns
    -------
    DataArray, level × item × item_2
        Pure numbers.

    Raises
    ------
    ValueError
        The History has no tree.

    Examples
    --------
    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("saxe2019"), depth=2)
    >>> np.einsum("lii->l", level_subspaces(exact))    # dimensions of each level
    array([1., 1., 2.])
    """
    classes = require_tree(history).values
    spans = []
    for level in range(classes.shape[1]):
        same = classes[:, level][:, None] == classes[:, level][None, :]
        spans.append(same / same.sum(1, keepdims=True))
    projectors = np.diff(np.stack(spans), axis=0, prepend=0.0)
    items = history["item"].values
    return xr.DataArray(
        projectors, dims=("level", "item", "item_2"),
        coords={"level": history["level"].values, "item": items, "item_2": items},
    )  # fmt: skip


def level_strengths(history: xr.Dataset) -> xr.DataArray:
    """Return how much of each tree level's distinctions the outputs draw.

    With the level's projector P_l: ⟨P_l Ŷ(t), Y⟩ / |P_l Y|², 0 before and 1 after learning (after
    Saxe, McClelland & Ganguli 2019; the measure is ours). It does not depend on how tied modes
    are turned. NaN for a level at which the data differ in nothing.

    Parameters
    ----------
    history : xr.Dataset
        A History with a tree.

    Returns
    -------
    DataArray, seed × time × level
        A share of what is to be learned.

    Examples
    --------
    >>> import semdev as sd
    >>> drawn = level_strengths(sd.solve(sd.load("saxe2019"), depth=2))
    >>> drawn.isel(seed=0, time=-1).values.round(2)
    array([1.  , 1.  , 0.99])
    """
    target = check(history)["target"].values
    drawn = level_subspaces(history).values @ target
    size = np.einsum("lip,ip->l", drawn, target)
    size = np.where(size > 1e-12 * np.sum(target**2), size, np.nan)
    values = np.empty((*history["loss"].shape, len(size)))
    for at, output in split_output(history["output"]):
        values[at] = np.einsum("lip,stip->stl", drawn, output, optimize=True)
    result = xr.DataArray(
        values / size, dims=("seed", "time", "level"),
        coords={**take_seeds(history), **{k: history[k] for k in ("time", "level")}},
        name="strength",
    )  # fmt: skip
    return say_measure("level_strengths", result)


def require_tree(history: xr.Dataset) -> xr.DataArray:
    """Return `ancestor` (item × level), or say that there is no tree and how to give one."""
    if "ancestor" not in check(history).coords:
        raise ValueError(
            "this measure needs a tree over the items: semdev.with_tree(history, tree), with "
            "tree = semdev.trees.from_nested({…}), or, from the data themselves, "
            'from_clustering(data.properties.values, data.properties["item"].values)'
        )
    return history["ancestor"]


def parting_levels(history: xr.Dataset) -> np.ndarray:
    """Return the depth of each two items' last common ancestor, item × item."""
    return trees.common_levels(require_tree(history).values)
