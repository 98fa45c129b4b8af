"""Recovery: whether known parameters, and known models, are found again in simulated responses."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from semdev._names import require
from semdev._progress import tqdm
from semdev.behaviour.contests import weigh
from semdev.behaviour.fitting import fit
from semdev.behaviour.intervals import parameter_intervals
from semdev.behaviour.simulating import Cells, simulate_responses
from semdev.behaviour.validating import FOLDS, cross_validate


def recover(
    history: xr.Dataset,
    *,
    age_map: Mapping[float, float],
    datasets: int = 20,
    participants: int = 120,
    cells: Cells = 20,
    answers: int = 1,
    lapse: float = 0.05,
    slope: float = 8.0,
    bias: float = 0.5,
    ensemble: xr.Dataset | None = None,
    fixed: Mapping[str, float] | None = None,
    level: float = 0.95,
    simulations: int = 0,
    random_state: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Simulate people again and again, fit them, and see whether the truth is in the intervals.

    To be done with the learner, cells and number of people of one's own study before its estimates
    are believed (Wilson & Collins 2019, eLife 8:e49547).

    Parameters
    ----------
    history : History
        Who answers. Ages are drawn evenly between the ends of the age map, cells anew each time if
        they are a number.
    age_map : mapping
        From ages to learning times: the truth, and where the knots are.
    datasets : int
        How often.
    participants, cells, answers, lapse, slope, bias
        As for `simulate_responses`.
    ensemble : History, optional
        What is fitted, if not `history` itself: other seeds, so that nobody's own network is among
        those averaged over.
    fixed : mapping, optional
        As for `fit`.
    level, simulations
        Of the intervals, by profile likelihood, as for `parameter_intervals`.
    random_state : int
        Fixes all draws.
    progress : bool
        Show a bar.

    Returns
    -------
    DataFrame
        By data set and parameter: `truth`, `estimate`, `low`, `high`, `limit` and `covered`,
        whether the truth is in the interval; ``found["covered"].groupby("parameter").mean()`` is
        coverage.

    Examples
    --------
    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("rumelhart8"), depth=2)
    >>> found = recover(exact, age_map={3: 2, 10: 6}, datasets=2, participants=30, progress=False,
    ...                 fixed={"lapse": 0.05, "bias": 0.5})
    >>> found.index.get_level_values("parameter").unique().tolist()
    ['slope', 'time at 3', 'time at 10']
    """
    if datasets < 1:
        raise ValueError(f"datasets is 1 or more, got {datasets}")
    truth = {"lapse": lapse, "slope": slope, "bias": bias}
    truth |= {f"time at {age:g}": float(time) for age, time in age_map.items()}
    found = []
    for k in tqdm(range(datasets), disable=not progress):
        children = simulate_responses(
            history, ages=draw_ages(age_map, participants, random_state, k), age_map=age_map,
            cells=cells, answers=answers, lapse=lapse, slope=slope, bias=bias,
            random_state=_number(random_state, k),
        )  # fmt: skip
        fitted = fit(ensemble or history, children, knots=sorted(age_map), fixed=fixed)
        own = parameter_intervals(fitted, level=level, simulations=simulations, random_state=k)
        own.insert(0, "truth", [truth[name] for name in own.index])
        found.append(own.assign(covered=own["truth"].between(own["low"], own["high"])))
    return pd.concat(found, keys=range(datasets), names=["dataset", "parameter"])


def recover_generators(
    histories: Mapping[str, xr.Dataset],
    *,
    age_maps: Mapping[str, Mapping[float, float]],
    datasets: int = 20,
    participants: int = 120,
    cells: Cells = 20,
    answers: int = 1,
    lapse: float = 0.05,
    slope: float = 8.0,
    bias: float = 0.5,
    ensembles: Mapping[str, xr.Dataset] | None = None,
    by: str = "cell",
    folds: int = FOLDS,
    level: float = 0.95,
    random_state: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Let each model make the data, and see which model foretells what was left out of them best.

    Parameters
    ----------
    histories : mapping of name to History
        Models; those with an age map make data, all are fitted.
    age_maps : mapping of name to age map
        From age to the learning time of each, whose units may be its own.
    datasets : int
        How many for each model.
    participants, cells, answers, lapse, slope, bias
        As for `simulate_responses`.
    ensembles : mapping, optional
        What is fitted instead of some of `histories`: other seeds.
    by, folds, level
        As for `compare_fits`.
    random_state, progress
        As for `recover`.

    Returns
    -------
    DataFrame
        A row for each data set: the `generating` model, `picked`, the model with the highest
        held-out log-likelihood, and `decided`, whether it is better than every other by more than
        the interval of the difference. ``pd.crosstab(found["generating"], found["picked"])`` is the
        recovery matrix.

    Raises
    ------
    KeyError
        An age map or an ensemble of a model that is not there; the nearest match is suggested.

    Examples
    --------
    >>> import semdev as sd
    >>> world = sd.load("rumelhart8")
    >>> deep, shallow = (sd.solve(world, depth=depth) for depth in (2, 1))
    >>> models = {"deep": deep, "shallow": shallow}
    >>> found = recover_generators(models, age_maps={"deep": {3: 1, 9: 3}},
    ...                        datasets=1, participants=40, cells=40, progress=False)
    >>> found.values.tolist()
    [['deep', 0, 'deep', True]]
    """
    for name in [*age_maps, *(ensembles or {})]:
        require(name, histories, kind="model", where="recover_generators")
    fitted = {**histories, **(ensembles or {})}
    rows: list[dict[str, Any]] = []
    for name, k in tqdm(list(product(age_maps, range(datasets))), disable=not progress):
        own = age_maps[name]
        children = simulate_responses(
            histories[name], ages=draw_ages(own, participants, random_state, k), age_map=own,
            cells=cells, answers=answers, lapse=lapse, slope=slope, bias=bias,
            random_state=_number(random_state, k),
        )  # fmt: skip
        scores = pd.DataFrame({
            other: cross_validate(
                each, children, by=by, folds=folds, knots=len(own), random_state=k
            )["log_likelihood"]
            for other, each in fitted.items()
        })  # fmt: skip
        picked = scores.sum().idxmax()
        total = float(children["n"].sum())
        decided = all(
            weigh(scores[picked], scores[other], total, level, k)["wins"] > 0
            for other in scores if other != picked
        )  # fmt: skip
        rows.append({"generating": name, "dataset": k, "picked": picked, "decided": decided})
    return pd.DataFrame(rows)


def draw_ages(
    age_map: Mapping[float, float], participants: int, random_state: int, k: int
) -> np.ndarray:
    """Return ages of so many people, evenly drawn between the ends of an age map."""
    random = np.random.default_rng([random_state, k, 19])
    return random.uniform(min(age_map), max(age_map), participants)


def _number(random_state: int, k: int) -> int:
    """Return a number of its own for each data set."""
    return int(np.random.SeedSequence([random_state, k]).generate_state(1)[0])
