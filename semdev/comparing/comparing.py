"""compare: every phenomenon asked of every model, on every world, with every seed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from semdev._names import require
from semdev.comparing.results import Comparison
from semdev.data.dataset import Dataset
from semdev.learners import Learner, read_learner
from semdev.phenomena import PHENOMENA, Phenomenon, judge
from semdev.sweeps.running import sweep

MOST_SEEDS = 10_000  # in a shard: individuals are compared with each other
Phenomena = str | Phenomenon | Iterable[str | Phenomenon] | None


def compare(
    models: Mapping[str, Any],
    data: Dataset | Mapping[str, Dataset],
    *,
    phenomena: Phenomena = None,
    seeds: int | Iterable[int] = 30,
    relabellings: int = 39,
    n_jobs: int | None = None,
    executor: Any = None,
    out: str | Path | None = None,
    progress: bool | None = None,
) -> Comparison:
    """Ask which phenomena of development which models show; return the Comparison.

    Each phenomenon is one number for each seed, held against a threshold; where it is about classes
    of items, also against the same number with the classes dealt out to the items anew: it must
    be among the highest 2.5 %. What cannot be asked of a model or of the data is "not applicable",
    which is not the same as "no".

    Parameters
    ----------
    models : mapping of name to model
        What learns: something that builds networks as `train` takes it (``sd.DeepLinear()``, your
        own nn.Module class), a rival (``sd.Exemplar()``), or any function ``f(data, seed)`` or
        ``f(data, seeds)`` that returns a History.
    data : Dataset, or mapping of name to Dataset
        The world, or several.
    phenomena : names or Phenomenon objects, optional
        Which (default: all of `semdev.PHENOMENA`).
    seeds : int or iterable of int
        How many of each model, or which.
    relabellings : int
        How often classes are dealt out anew; 39 can just tell 2.5 %.
    n_jobs, executor, out, progress
        As for `sweep`: a comparison that was stopped goes on where it was when it is given the same
        folder `out` again.

    Returns
    -------
    Comparison
        `table` (a row for each world, model, phenomenon and seed), `summary`, `to_csv`; a coloured
        table in a notebook; `semdev.plots.comparison` draws it.

    Raises
    ------
    KeyError
        No such phenomenon; the nearest match is suggested.
    TypeError, ValueError
        No models, something that does not learn, or fewer than 39 relabellings.

    Examples
    --------
    >>> import semdev as sd
    >>> models = {"deep linear": sd.DeepLinear(16), "shallow": sd.Shallow()}
    >>> chosen = ["progressive differentiation", "transient overgeneralization"]
    >>> found = compare(models, sd.load("rumelhart8"), phenomena=chosen, seeds=2, n_jobs=1)
    >>> found.summary[["model", "phenomenon", "status", "share"]]
             model                    phenomenon status  share
    0  deep linear   progressive differentiation  asked    1.0
    1  deep linear  transient overgeneralization  asked    1.0
    2      shallow   progressive differentiation  asked    0.0
    3      shallow  transient overgeneralization  asked    0.0
    """
    if not models:
        raise ValueError("give at least one model, as {name: model}")
    if relabellings < 39:
        raise ValueError(f"relabellings={relabellings}: with fewer than 39 nothing can be at 2.5 %")
    for name, model in models.items():
        read_learner(model, name=name)  # refuses what does not learn before anything is computed
    worlds = dict(data) if isinstance(data, Mapping) else {data.name: data}
    asked = read_phenomena(phenomena)
    runs = sweep(
        partial(judge_all, phenomena=tuple(asked.values()), relabellings=relabellings),
        {"world": worlds, "model": dict(models)},
        seeds=seeds, n_jobs=n_jobs, executor=executor, out=out, progress=progress,
        shard_size=MOST_SEEDS,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\d+ of \d+ shards have no result")  # it is in the table
        found = runs.combine()
    failures = {
        (row["world"], row["model"]): row["error"] for row in runs.failures.to_dict("records")
    }
    return Comparison(_complete(found, failures, asked, relabellings))


def read_phenomena(given: Phenomena) -> dict[str, Phenomenon]:
    """Return the phenomena meant, by name.

    Raises KeyError for a name that is none, TypeError for what is neither name nor phenomenon.
    """
    if given is None:
        return dict(PHENOMENA)
    chosen = [given] if isinstance(given, (str, Phenomenon)) else list(given)
    found = {}
    for each in chosen:
        if isinstance(each, str):
            require(each, PHENOMENA, kind="phenomenon", where="compare")
            each = PHENOMENA[each]
        if not isinstance(each, Phenomenon):
            raise TypeError(
                f"a phenomenon is a name or a Phenomenon, got {type(each).__name__}; names: "
                f"{', '.join(PHENOMENA)}"
            )
        found[each.name] = each
    if not found:
        raise ValueError("give at least one phenomenon")
    return found


def judge_all(
    world: Dataset,
    model: Any,
    *,
    phenomena: Sequence[Phenomenon],
    relabellings: int,
    random_state: int = 0,
    seeds: Sequence[int],
) -> xr.Dataset:
    """Return what each phenomenon says of a model, over phenomenon and seed.

    One that fails does not take the others with it: `error` says what happened.
    """
    learner = read_learner(model)
    each = [_judge_one(one, learner, world, seeds, relabellings, random_state) for one in phenomena]
    names = [one.name for one in phenomena]
    return xr.concat(each, dim=xr.Variable("phenomenon", names)).transpose("seed", ...)


def _judge_one(
    phenomenon: Phenomenon,
    learner: Learner,
    world: Dataset,
    seeds: Sequence[int],
    relabellings: int,
    random_state: int,
) -> xr.Dataset:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\d+ of \d+ networks had not settled")
        try:
            found = judge(
                phenomenon, learner, world, seeds=seeds, relabellings=relabellings,
                random_state=random_state,
            )  # fmt: skip
            return found.assign(error="")
        except Exception as error:
            nothing = np.full(len(seeds), np.nan)
            values = dict.fromkeys(("value", "control", "p"), ("seed", nothing))
            met = ("seed", np.zeros(len(seeds), dtype=bool))
            said = f"{type(error).__name__}: {error}"
            return xr.Dataset(
                {**values, "met": met, "reason": "", "error": said}, coords={"seed": list(seeds)}
            )


def _complete(
    found: xr.Dataset,
    failures: Mapping[tuple[str, str], str],
    asked: Mapping[str, Phenomenon],
    relabellings: int,
) -> xr.Dataset:
    """Return what was found with what was asked: thresholds, and what became of each cell."""
    reason, error = (found[name].astype(object).fillna("") for name in ("reason", "error"))
    for (world, model), said in failures.items():
        error.loc[{"world": world, "model": model}] = said
    status = xr.where(error != "", "failed", xr.where(reason != "", "not applicable", "asked"))
    thresholds = [one.criterion.at_least for one in asked.values()]
    sources = [one.criterion.source for one in asked.values()]
    record = {**json.loads(found.attrs["provenance"]), "made_by": "semdev.compare",
              "relabellings": relabellings}  # fmt: skip
    return found.assign(
        met=found["met"].fillna(False).astype(bool), reason=reason.astype(str),
        error=error.astype(str), status=status.astype(str),
    ).assign_coords(
        threshold=("phenomenon", thresholds), criterion=("phenomenon", sources)
    ).assign_attrs(
        title="models × phenomena", provenance=json.dumps(record, ensure_ascii=False)
    )  # fmt: skip
