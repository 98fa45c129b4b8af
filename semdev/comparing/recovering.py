"""Model recovery: which model a comparison picks when it is known who made the data."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf

from semdev._names import require
from semdev.comparing.results import Comparison
from semdev.comparing.tables import find_wilson, lay_out_table, write_percent

CLOSE = 1e-9  # log-likelihoods that differ by less are tied
LEAST = 3  # seeds of each model to learn from
SHOWN = 0.05  # what is picked less often is not listed


def recover_models(comparison: Comparison, *, children: int = 1, by: str = "values") -> xr.Dataset:
    """Ask which model is picked, by likelihood, when a model made the individuals.

    An individual is a seed: the graded values of the phenomena it shows. Each individual (or group
    of `children`) is held out in turn, and every model's profiles are learned from all other
    seeds. Of two models the one is preferred under which the individuals are more likely,

        ℓ(j, k) = Σ_children log N(x; m_j, S_j) − log N(x; m_k, S_k),

    on the phenomena that apply to both and of which something can be said of the individual: that a
    model cannot be asked something does not give it away. Picked is the model that does best
    against its strongest opponent, argmax_j min_k ℓ(j, k): where all phenomena apply to all models
    that is the model of the greatest likelihood. Picks that tie are shared, so that of two copies
    of a model each gets half.

    x are ranks among the other seeds of the two models, for values have units of their own and long
    tails. With few seeds a covariance is not well known: S_j is that of the model's ranks averaged
    with the pooled one (Ledoit & Wolf 2004), as if that had been seen in as many seeds as there are
    phenomena (Friedman 1989, regularized discriminant analysis).

    Parameters
    ----------
    comparison : Comparison
        What `compare` returned; for some models or phenomena alone, of a part:
        ``Comparison(comparison.found.sel(model=[…]))``.
    children : int
        How many individuals are known to be of the same model.
    by : "values" or "verdicts"
        What is known of an individual: the graded value of each phenomenon, without error, or only
        whether it meets the criterion.

    Returns
    -------
    Dataset
        Over world × made × picked: `share`, with Wilson's 95 % interval `low`, `high` for `groups`
        independent groups of children; `phenomena`, how many apply to both models.

    Raises
    ------
    KeyError
        `by` is something else.
    ValueError
        Less than two models, or so many children that less than three seeds are left to learn
        from.

    References
    ----------
    Friedman, J. H. (1989). Regularized discriminant analysis. Journal of the American Statistical
    Association 84, 165–175.
    Ledoit, O. & Wolf, M. (2004). A well-conditioned estimator for large-dimensional covariance
    matrices. Journal of Multivariate Analysis 88, 365–411.
    Wilson, R. C. & Collins, A. G. E. (2019). Ten simple rules for the computational modeling of
    behavioral data. eLife 8, e49547.

    Examples
    --------
    >>> import semdev as sd
    >>> models = {"deep": sd.DeepLinear(8), "again": sd.DeepLinear(8), "shallow": sd.Shallow()}
    >>> found = sd.compare(models, sd.load("rumelhart8"), seeds=6, n_jobs=1,
    ...                    phenomena=["progressive differentiation", "U-shape"])
    >>> recover_models(found)["share"].values[0]    # made × picked
    array([[0.5, 0.5, 0. ],
           [0.5, 0.5, 0. ],
           [0. , 0. , 1. ]])
    """
    require(by, ["values", "verdicts"], kind="by", where="recover_models")
    found = comparison.found
    models, seeds = found["model"].values, found.sizes["seed"]
    if len(models) < 2:
        raise ValueError("give a comparison of two models or more: there is nothing to pick from")
    if not (children >= 1 and seeds - children >= LEAST):
        raise ValueError(
            f"children={children} of {seeds} seeds: at least 1, and {LEAST} seeds besides to learn "
            "from"
        )
    groups = [range(k, k + children) for k in range(0, seeds - children + 1, children)]
    shape = (found.sizes["world"], len(models), len(models))
    share, shared = np.zeros(shape), np.zeros(shape, dtype=int)
    for world, values in enumerate(_read_profiles(found, by)):
        applies = np.isfinite(values).any(1)  # model × phenomenon
        shared[world] = applies.astype(int) @ applies.T
        for group in groups:
            share[world] += pick_models(values, group)
    share /= len(groups)
    ends = np.vectorize(lambda each: find_wilson(each, len(groups)))(share)
    dims = ("world", "made", "picked")
    return xr.Dataset(
        {"share": (dims, share), "low": (dims, ends[0]), "high": (dims, ends[1]),
         "phenomena": (dims, shared), "groups": len(groups)},
        coords={"world": found["world"].values, "made": models, "picked": models},
        attrs={"children": children, "by": by},
    )  # fmt: skip


def _read_profiles(found: xr.Dataset, by: str) -> np.ndarray:
    """Return values, world × model × seed × phenomenon; NaN where nothing can be said."""
    values = found["value"] if by == "values" else found["met"].astype(float)
    values = values.where(found["status"] == "asked")
    return values.transpose("world", "model", "seed", "phenomenon").values


def pick_models(values: np.ndarray, group: Sequence[int]) -> np.ndarray:
    """Return how a group of children, seeds held out, is shared out: made × picked.

    Parameters
    ----------
    values : model × seed × phenomenon
    group : sequence of int
        Which seeds.
    """
    count = len(values)
    known = np.delete(values, list(group), axis=1)
    asked = values[:, list(group)].reshape(count * len(group), -1)
    ahead = np.full((count, count, count), np.inf)  # made × j × k
    for j, k in combinations(range(count), 2):
        found = compare_likelihoods(known[j], known[k], asked)
        ahead[:, j, k] = found.reshape(count, len(group)).sum(1)
        ahead[:, k, j] = -ahead[:, j, k]
    least = ahead.min(2)
    best = least >= least.max(1, keepdims=True) - CLOSE
    return best / best.sum(1, keepdims=True)


def compare_likelihoods(one: np.ndarray, other: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return by how much profiles are more likely under one model than another, in nats.

    Parameters
    ----------
    one, other : seed × phenomenon
        Of the models; NaN where nothing is known.
    asked : profile × phenomenon
        Whose likelihood is asked; 0 is returned for those that share nothing with both models.
    """
    applies = np.isfinite(one).any(0) & np.isfinite(other).any(0)
    one, other, asked = one[:, applies], other[:, applies], asked[:, applies]
    found = np.zeros(len(asked))
    if not applies.any():
        return found
    pooled = np.vstack([one, other])
    ranked = [_fill(_rank(each, pooled)) for each in (one, other)]
    means = [each.mean(0) for each in ranked]
    apart = [each - mean for each, mean in zip(ranked, means, strict=True)]
    number, width = len(one), len(means[0])
    shared = ledoit_wolf(np.vstack(apart), assume_centered=True)[0]
    shared += np.eye(width) / len(pooled) ** 2  # ranks are no finer
    spreads = [(each.T @ each + width * shared) / (number + width) for each in apart]
    asked = _rank(asked, pooled)
    is_known = np.isfinite(asked)
    for pattern in np.unique(is_known, axis=0):
        if pattern.any():
            rows = (is_known == pattern).all(1)
            likely = [
                multivariate_normal.logpdf(
                    asked[np.ix_(rows, pattern)], mean[pattern], spread[np.ix_(pattern, pattern)]
                )
                for mean, spread in zip(means, spreads, strict=True)
            ]
            found[rows] = likely[0] - likely[1]
    return found


def _rank(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return where values stand among others, from 0 to 1, column by column; NaN stays.

    Equal values share their ranks; between two neighbours the rank grows evenly.
    """
    ranks = np.full(values.shape, np.nan)
    for k, column in enumerate(among.T):
        known, counts = np.unique(column[np.isfinite(column)], return_counts=True)
        middle = (np.cumsum(counts) - counts / 2) / counts.sum()
        ranks[:, k] = np.interp(values[:, k], known, middle)
    return np.where(np.isfinite(values), ranks, np.nan)


def _fill(ranks: np.ndarray) -> np.ndarray:
    """Return ranks with what is unknown of a seed at the mean of the others."""
    return np.where(np.isnan(ranks), np.nanmean(ranks, axis=0), ranks)


def lay_out_recovery(found: xr.Dataset, *, markdown: bool = False) -> str:
    """Return what `recover_models` found as text or Markdown, a table for each world.

    For each model that made data: in how many % of cases it was picked, with the interval, and
    which others were, from 5 % up.
    """
    blocks = []
    for world in found["world"].values:
        rows = {}
        for made in found["made"].values:
            cell = found.sel(world=world, made=made)
            own = cell.sel(picked=made)
            others = cell["share"].drop_sel(picked=made).to_series().sort_values(ascending=False)
            rows[str(made)] = {
                "itself": write_percent(*(float(own[name]) for name in ("share", "low", "high"))),
                "others": ", ".join(
                    f"{name} {write_percent(share)}"
                    for name, share in others.items()
                    if share >= SHOWN
                ),
            }
        frame = pd.DataFrame.from_dict(rows, orient="index")
        head = (
            f"{world}: which model is picked by {found.attrs['by']}, %, when this one made the data"
        )
        blocks.append(f"{head}\n\n{lay_out_table(frame, markdown=markdown)}")
    return "\n\n".join(blocks)
