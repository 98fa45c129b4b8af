"""Models held against each other by what they foretell of what they have not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import bootstrap

from semdev._html import escape, fold, lay_out_page, lay_out_table
from semdev.behaviour.baselines import BASELINES, noise_ceiling
from semdev.behaviour.design import SEEDS, read_history
from semdev.behaviour.fitting import KNOTS, Fit, fit
from semdev.behaviour.responses import read_responses
from semdev.behaviour.validating import FOLDS, cross_validate
from semdev.data.dataset import Dataset

RESAMPLES = 5000
NEGLIGIBLE = 1e-6  # log-likelihood per answer; a hundred times the precision of a fit


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What `compare_fits` found.

    `table` has a row for each model, baseline and end of the noise ceiling; `pairs` one for each
    pair of models and baselines; `scores` holds the held-out log-likelihood of each participant
    (rows) under each of them; `fits` the models fitted to all responses.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    scores: pd.DataFrame
    fits: dict[str, Fit]

    def __repr__(self) -> str:
        return f"<{self._describe()}>\n{self._tabulate_texts().to_string(index=False)}"

    def _repr_html_(self) -> str:
        shown = self._tabulate_texts()
        pairs = self.pairs.round(4)
        return lay_out_page(
            f"<b>{escape(self._describe())}</b>",
            lay_out_table(list(map(str, shown)), shown.values.tolist(), numbers=range(2, 6)),
            fold(
                "pairs",
                lay_out_table(list(map(str, pairs)), pairs.values.tolist(), numbers=(2, 3, 4)),
            ),
            kind="contest",
        )

    def _describe(self) -> str:
        return f"Comparison of {len(self.fits)} models on {len(self.scores)} participants"

    def _tabulate_texts(self) -> pd.DataFrame:
        """Return a row of texts for each model, baseline and end of the ceiling."""
        rows = []
        for name, row in self.table.iterrows():
            known = {key: value for key, value in row.items() if not pd.isna(value)}
            apart = known.get("difference")
            rows.append({
                "name": name, "kind": row["kind"],
                "log-likelihood, held out": f"{row['log_likelihood']:.1f}",
                "per answer": f"{row['per_answer']:.3f}",
                "difference per answer [interval]": "" if apart is None else
                f"{apart:.3f} [{row['low']:.3f}, {row['high']:.3f}]",
                "BIC": f"{known['bic']:.1f}" if "bic" in known else "",
                "verdict": known.get("verdict", ""),
            })  # fmt: skip
        return pd.DataFrame(rows)


def compare_fits(
    models: Mapping[str, Any],
    responses: pd.DataFrame,
    *,
    by: str = "cell",
    folds: int = FOLDS,
    data: Dataset | None = None,
    seeds: int | Sequence[int] = SEEDS,
    knots: int | Sequence[float] = KNOTS,
    fixed: Mapping[str, float] | None = None,
    level: float = 0.95,
    random_state: int = 0,
) -> Comparison:
    """Compare models by how well they foretell responses they were not fitted to.

    All are scored on the same left-out responses (`cross_validate`), each at its own best link and
    age map, beside two baselines, "constant" and "saturated", and a noise ceiling
    (`noise_ceiling`; those who foretell a participant from others there have seen these others'
    answers to the very cells). Differences between models have intervals by a paired bootstrap over
    participants (5,000 resamples, percentiles): they are about other participants, asked about the
    same cells. Where the interval holds 0, it is a tie.

    Parameters
    ----------
    models : mapping of name to History or learner
        Who is compared.
    responses : DataFrame
        As `read_responses` returns or takes.
    by, folds, data, seeds, knots, fixed, random_state
        As for `cross_validate`. Data are for the learners among the models.
    level : float
        Of the intervals.

    Returns
    -------
    Comparison
        `table`, best model first: `kind` (model, baseline, ceiling), held-out `log_likelihood` and
        `per_answer`; `difference` per answer from the best model with its interval `low`, `high`;
        `verdict` ("best", "tie", "worse", or of a baseline "better"); of models fitted to all
        responses, `parameters` and `bic` (`why_no_bic` says why it is NaN). `pairs`: `first`,
        `second`, `difference`, `low`, `high`, `verdict`: the name of the better, or "tie".

    Raises
    ------
    ValueError
        No models, a level that is no share, a name that a baseline has.
    TypeError
        Models without names.

    Examples
    --------
    >>> import semdev as sd
    >>> from semdev.behaviour.simulating import simulate_responses
    >>> world = sd.load("rumelhart8")
    >>> deep, shallow = (sd.solve(world, depth=depth) for depth in (2, 1))
    >>> children = simulate_responses(deep, ages=[3, 5, 7, 9], participants=40,
    ...                               age_map={3: 1, 9: 3}, cells=40)
    >>> found = compare_fits({"deep": deep, "shallow": shallow, "deep again": deep}, children)
    >>> found.pairs["verdict"].tolist()[:2]    # deep and shallow, deep and deep again
    ['deep', 'tie']
    """
    if not isinstance(models, Mapping):
        raise TypeError(
            "models are named, as compare_fits({'deep': …, 'shallow': …}, responses); got "
            f"{type(models).__name__}"
        )
    if not models or set(models) & {*BASELINES, "lower ceiling", "upper ceiling"}:
        raise ValueError(
            "name one model or more, and none of them constant, saturated or a ceiling; got "
            f"{list(models)}"
        )
    if not 0 < level < 1:
        raise ValueError(f"level is a share between 0 and 1, got {level}")
    table = read_responses(responses)
    past = {name for name, model in models.items() if isinstance(model, xr.Dataset)}
    histories = {  # data are for the learners; where there are none, a History refuses them
        name: read_history(
            model, data=None if name in past and len(past) < len(models) else data, seeds=seeds
        )
        for name, model in models.items()
    }
    learners = histories | {name: name for name in BASELINES}
    scores = pd.DataFrame({
        name: cross_validate(model, table, by=by, folds=folds, knots=knots, fixed=fixed,
                             random_state=random_state)["log_likelihood"]
        for name, model in learners.items()
    })  # fmt: skip
    fits = {name: fit(each, table, knots=knots, fixed=fixed) for name, each in histories.items()}
    answers = float(table["n"].sum())
    pairs = pd.DataFrame([
        {"first": one, "second": other,
         **weigh(scores[one], scores[other], answers, level, random_state)}
        for one, other in combinations(learners, 2)
    ])  # fmt: skip
    verdict = [{1: a, -1: b, 0: "tie"}[w] for a, b, w in
               zip(pairs["first"], pairs["second"], pairs.pop("wins"), strict=True)]  # fmt: skip
    ceiling = noise_ceiling(table).rename(columns="{} ceiling".format)
    best = scores[list(models)].sum().idxmax()
    rows = []
    for name, own in pd.concat([scores, ceiling], axis=1).items():
        kind = "model" if name in models else "baseline" if name in BASELINES else "ceiling"
        row = {"name": name, "kind": kind, "log_likelihood": own.sum(),
               "per_answer": own.sum() / answers}  # fmt: skip
        if kind != "ceiling":
            beside = weigh(own, scores[best], answers, level, random_state)
            wins = beside.pop("wins")
            row |= beside | {"verdict": {1: "better", 0: "tie", -1: "worse"}[wins]}
        if name == best:
            row["verdict"] = "best"
        if kind == "model":
            found = fits[str(name)]
            row |= {"parameters": found.n_parameters, "bic": found.bic,
                    "why_no_bic": found.why_no_bic}  # fmt: skip
        rows.append(row)
    whole = pd.DataFrame(rows).set_index("name")
    order = whole["kind"].map({"model": 0, "baseline": 1, "ceiling": 2})
    whole = whole.iloc[np.lexsort([-whole["log_likelihood"], order])]
    return Comparison(whole, pairs.assign(verdict=verdict), scores, fits)


def weigh(
    one: pd.Series, other: pd.Series, answers: float, level: float, random_state: int
) -> dict[str, Any]:
    """Return a paired difference per answer, its interval over participants, and who wins.

    `wins` is 1 or −1 if the interval is on one side of 0, by more than fitting leaves open, else 0.
    One participant has no interval.
    """
    apart = (one - other).to_numpy()
    difference = float(apart.sum()) / answers
    low = high = difference if len(apart) > 1 else float("nan")
    if np.ptp(apart) > 0:
        found = bootstrap(
            (apart,), np.mean, n_resamples=RESAMPLES, confidence_level=level, method="percentile",
            rng=np.random.default_rng([random_state, 17]),
        ).confidence_interval  # fmt: skip
        low, high = (len(apart) / answers * float(end) for end in found)
    wins = 1 if low > NEGLIGIBLE else -1 if high < -NEGLIGIBLE else 0
    return {"difference": difference, "low": low, "high": high, "wins": wins}
