"""Numbers that can say no: what is found where there is nothing to find."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from semdev._html import escape, lay_out_page
from semdev._html import lay_out_table as lay_out_cells
from semdev._names import require
from semdev.comparing.comparing import MOST_SEEDS, Phenomena, compare, judge_all, read_phenomena
from semdev.comparing.results import Comparison
from semdev.comparing.tables import find_wilson, lay_out_table, write_percent
from semdev.data.dataset import Dataset
from semdev.data.null_worlds import NULL_WORLDS, make_null_world
from semdev.learners import read_learner
from semdev.phenomena import Phenomenon
from semdev.sweeps.running import sweep

CONDITIONS = ("world", "kind", "draw", "model")


@dataclass(frozen=True, eq=False)
class FalsePositives:
    """How often phenomena were found where they have no place.

    Parameters
    ----------
    found : xr.Dataset
        Over world × kind × draw × model × phenomenon × seed: `value`, `p`, `met` (bool); without
        seed: `status` ("asked", "has a place", "not applicable", "failed"), `error`.
    claims : Comparison, optional
        What learners were found to show that provably cannot; None where nothing is known to be
        impossible.
    impossible : mapping of phenomenon to learners
        Which those are.
    """

    found: xr.Dataset
    claims: Comparison | None
    impossible: Mapping[str, tuple[str, ...]]

    @property
    def table(self) -> pd.DataFrame:
        """A row for each phenomenon and kind of world without structure.

        `rate`: the share of cases (world drawn, model, seed) that meet the criterion; NaN where the
        phenomenon has a place in such worlds, or cannot be asked. A world of which the phenomenon
        itself says that it has nothing to show (`Phenomenon.lacks`) is a case without a claim.
        `low`, `high`: Wilson's 95 %
        interval with as many cases as there are worlds drawn, for the models and seeds that learn
        one world see the same accidents and are no independent cases: it is too wide rather than
        too narrow. `worlds`, `cases`: how many. `silent`: the share of cases of which the measure
        could say nothing, and `refused` that of which the phenomenon said that there is nothing to
        be shown (neither meets the criterion). `highest`, `model`: the model with the
        highest rate.
        """
        rows = []
        for name in self.found["phenomenon"].values:
            for kind in self.found["kind"].values:
                cell = self.found.sel(phenomenon=name, kind=kind)
                row = {"phenomenon": str(name), "kind": str(kind), "rate": np.nan, "low": np.nan,
                       "high": np.nan, "worlds": 0, "cases": 0, "silent": np.nan,
                       "refused": np.nan, "highest": np.nan, "model": ""}  # fmt: skip
                refused = (cell["status"] == "refused").broadcast_like(cell["met"])
                asked = refused | (cell["status"] == "asked").broadcast_like(cell["met"])
                met = cell["met"].where(asked)
                if bool(asked.any()):
                    rate, worlds = float(met.mean()), int(asked.any(["model", "seed"]).sum())
                    low, high = find_wilson(rate, worlds)
                    each = met.mean(["world", "draw", "seed"]).to_series().dropna()
                    row |= {
                        "rate": rate, "low": low, "high": high, "worlds": worlds,
                        "cases": int(asked.sum()), "highest": each.max(),
                        "silent": float((cell["value"].isnull() & ~refused).where(asked).mean()),
                        "refused": float(refused.where(asked).mean()),
                        "model": str(each.idxmax()),
                    }  # fmt: skip
                rows.append(row)
        return pd.DataFrame(rows)

    @property
    def claimed(self) -> pd.DataFrame:
        """A row for each phenomenon, learner that provably cannot show it, and world.

        `claims` of `cases` (seeds) meet the criterion nevertheless; `status` as in a Comparison.
        """
        rows = []
        for row in [] if self.claims is None else self.claims.summary.to_dict("records"):
            if row["model"] in self.impossible[row["phenomenon"]]:
                asked = row["status"] == "asked"
                rows.append(
                    {name: row[name] for name in ("phenomenon", "model", "world", "status")}
                    | {"claims": round(row["share"] * row["seeds"]) if asked else 0,
                       "cases": row["seeds"] if asked else 0}
                )  # fmt: skip
        columns = ["phenomenon", "model", "world", "status", "claims", "cases"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def failures(self) -> pd.DataFrame:
        """A row for each case that failed: where, and the error."""
        errors = self.found["error"].to_dataframe().reset_index()
        return errors[errors["error"] != ""].reset_index(drop=True)

    def lay_out(self, *, markdown: bool = False) -> str:
        """Return both tables as text or Markdown: rates in %, and impossible claims of cases.

        A dash: the phenomenon has a place in such worlds; n/a: it could not be asked in any. An
        asterisk: of most of these worlds the phenomenon itself said that they have nothing to show.
        """
        return lay_out_table(self._tabulate_texts(), markdown=markdown)

    def _tabulate_texts(self) -> pd.DataFrame:
        """Return a row of texts for each phenomenon."""
        table, claimed = self.table, self.claimed
        has_place = (self.found["status"] == "has a place").all(["world", "draw", "model"])
        table["text"] = [
            write_percent(row["rate"], row["low"], row["high"]) + "*" * (row["refused"] > 0.5)
            if row["cases"]
            else "–" if has_place.sel(phenomenon=row["phenomenon"], kind=row["kind"]) else "n/a"
            for row in table.to_dict("records")
        ]  # fmt: skip
        shown = table.pivot(index="phenomenon", columns="kind", values="text")
        shown = shown.loc[self.found["phenomenon"].values, self.found["kind"].values]
        most = {
            row["phenomenon"]: f"{write_percent(row['highest'])} ({row['model']})"
            for row in table.sort_values("highest").to_dict("records")
            if row["highest"] > 0
        }
        shown["highest of a model"] = [most.get(name, "–") for name in shown.index]
        if len(claimed):
            sums = claimed.groupby(["model", "phenomenon"], sort=False)[["claims", "cases"]].sum()
            for model in dict.fromkeys(claimed["model"]):
                said = {
                    name: f"{row.claims} of {row.cases}" for name, row in sums.loc[model].iterrows()
                }
                shown[f"claims of {model}"] = [said.get(name, "–") for name in shown.index]
        return shown

    def describe(self) -> str:
        """Return in a line what was asked."""
        sizes = self.found.sizes
        return (
            f"FalsePositives of {sizes['phenomenon']} phenomena in {sizes['draw']} draws of "
            f"{sizes['kind']} kinds of worlds, {sizes['model']} models"
        )

    def __repr__(self) -> str:
        return f"<{self.describe()}>\n{self.lay_out()}"

    def _repr_html_(self) -> str:
        shown = self._tabulate_texts()
        return lay_out_page(
            f"<b>{escape(self.describe())}</b>",
            lay_out_cells(
                ["", *map(str, shown.columns)], shown.reset_index().values.tolist(),
                numbers=range(1, 1 + shown.shape[1]),
            ),
            "<small>% of cases that meet the criterion [Wilson’s 95 % interval]; –: it has a place "
            "in such worlds; n/a: it could not be asked in any</small>",
            kind="false-positives",
        )  # fmt: skip


def list_incapable() -> dict[str, Any]:
    """Return the learners that `Phenomenon.impossible_for` names.

    A shallow linear network without bias, shown items one-hot, learns each cell by itself, along
    one exponential that depends on nothing but the item's frequency. By rote things are learned in
    a random order, so that whatever is sooner than something else is so by chance: its claims are
    a rate of false positives, in worlds with structure.
    """
    from semdev.models.networks import Shallow
    from semdev.models.rivals.rote import Rote

    return {
        "shallow linear": Shallow(),
        "rote, item by item": Rote(arrival="items"),
        "rote, property by property": Rote(arrival="properties"),
    }


def false_positives(
    models: Mapping[str, Any],
    data: Dataset | Mapping[str, Dataset],
    *,
    phenomena: Phenomena = None,
    draws: int = 10,
    seeds: int | Iterable[int] = 4,
    relabellings: int = 39,
    n_jobs: int | None = None,
    executor: Any = None,
    out: str | Path | None = None,
    progress: bool | None = None,
) -> FalsePositives:
    """Ask how often phenomena are found in worlds without structure, or where they cannot be.

    Worlds without structure are drawn with `make_null_world`: properties shuffled, a flat tree,
    white noise, names alone. A phenomenon is asked in those kinds of worlds in which it has no
    place (`Phenomenon.null_worlds`). Besides, learners that provably cannot show a phenomenon but
    by chance (`Phenomenon.impossible_for`) learn the data as they are and a draw of each kind.

    Parameters
    ----------
    models : mapping of name to model
        As for `compare`.
    data : Dataset, or mapping of name to Dataset
        What worlds without structure are shaped like.
    phenomena : names or Phenomenon objects, optional
        Which (default: all of `semdev.PHENOMENA`).
    draws : int
        How many worlds of each kind. They are the independent cases; more seeds in each are not.
    seeds : int or iterable of int
        How many of each model in each world, or which. Where they are a number, learners that
        cannot show a phenomenon have as many for each draw: their seeds are independent cases.
    relabellings : int
        How often classes are dealt out anew, in each world in its own ways.
    n_jobs, executor, out, progress
        As for `sweep`; in the folder `out` are two, "null worlds" and "impossible".

    Raises
    ------
    KeyError
        No such phenomenon, or one is said to be impossible for a learner that is not known.
    TypeError, ValueError
        No models, something that does not learn, no draws; or phenomena all of which have a place
        in every world.

    Examples
    --------
    >>> import semdev as sd
    >>> found = false_positives(
    ...     {"deep": sd.DeepLinear(8)}, sd.load("rumelhart8"), draws=2, seeds=2, n_jobs=1,
    ...     phenomena="transient overgeneralization",
    ... )
    >>> found.claimed[["model", "claims", "cases"]].drop_duplicates()
                model  claims  cases
    0  shallow linear       0      4
    """
    asked = read_phenomena(phenomena)
    worlds = dict(data) if isinstance(data, Mapping) else {data.name: data}
    if not models:
        raise ValueError("give at least one model, as {name: model}")
    if draws < 1:
        raise ValueError(f"draws={draws}: at least one world of each kind")
    for name, model in models.items():
        read_learner(model, name=name)
    kinds = [kind for kind in NULL_WORLDS if any(kind in x.null_worlds for x in asked.values())]
    if not kinds:
        raise ValueError("these phenomena have a place in every world: nothing would be false")
    folder = None if out is None else Path(out)
    where = {"n_jobs": n_jobs, "executor": executor, "progress": progress}
    runs = sweep(
        partial(judge_null, phenomena=tuple(asked.values()), relabellings=relabellings),
        {"world": worlds, "kind": kinds, "draw": list(range(draws)), "model": dict(models)},
        seeds=seeds, shard_size=MOST_SEEDS, out=folder and folder / "null worlds", **where,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\d+ of \d+ shards have no result")
        found = runs.combine()
    error = found["error"].astype(object)
    for row in runs.failures.to_dict("records"):
        error.loc[{name: row[name] for name in CONDITIONS}] = row["error"]
    found = found.assign(
        met=found["met"].fillna(0).astype(bool), error=error.astype(str),
        status=found["status"].where(error == "", "failed"),
    )  # fmt: skip
    impossible = {name: one.impossible_for for name, one in asked.items() if one.impossible_for}
    claims = None
    if impossible:
        known = list_incapable()
        named = {name for names in impossible.values() for name in names}
        for name in named:
            require(name, known, kind="learner", where="list_incapable")
        drawn = [_make_null(world, kind) for world, kind in product(worlds.values(), kinds)]
        claims = compare(
            {name: each for name, each in known.items() if name in named},
            worlds | {each.name: each for each in drawn if each is not None},
            seeds=seeds * draws if isinstance(seeds, int) else seeds,
            phenomena=[asked[name] for name in impossible], relabellings=relabellings,
            out=folder and folder / "impossible", **where,
        )  # fmt: skip
    return FalsePositives(found, claims, impossible)


def judge_null(
    world: Dataset,
    kind: str,
    draw: int,
    model: Any,
    *,
    phenomena: Sequence[Phenomenon],
    relabellings: int,
    seeds: Sequence[int],
) -> xr.Dataset:
    """Return what phenomena say of a model in a world in which they have no place."""
    placeless = [one for one in phenomena if kind in one.null_worlds]
    null = _make_null(world, kind, draw)
    if null is not None:
        found = judge_all(
            null, model, seeds=seeds, relabellings=relabellings, random_state=draw,
            phenomena=placeless,
        )  # fmt: skip
        status = xr.where(found["reason"] != "", "not applicable", "asked")
        lacks = [one.name for one in phenomena if not one.asks(null) and one.lacks(null)]
        status = xr.where(found["phenomenon"].isin(lacks), "refused", status)
        status = xr.where(found["error"] != "", "failed", status)
        kept = found[["value", "p", "met", "error"]].assign(status=status.astype(object))
    else:
        kept = _say_nothing([one.name for one in placeless], seeds)
    kept["error"] = kept["error"].astype(object)
    empty = {"met": False, "error": "", "status": "has a place"}
    every = kept.reindex(phenomenon=[one.name for one in phenomena], fill_value=empty)
    return every.assign(error=every["error"].astype(str), status=every["status"].astype(str))


def _make_null(world: Dataset, kind: str, draw: int = 0) -> Dataset | None:
    """Return a world without structure, or None: names alone need names, and something else."""
    try:
        return make_null_world(world, kind, random_state=draw)
    except ValueError:
        return None


def _say_nothing(phenomena: list[str], seeds: Sequence[int]) -> xr.Dataset:
    """Return what judging phenomena that cannot be asked comes to."""
    none = xr.DataArray(
        np.nan, dims=("seed", "phenomenon"), coords={"seed": list(seeds), "phenomenon": phenomena}
    )
    said = xr.DataArray(
        np.full(len(phenomena), "", dtype=object), dims="phenomenon",
        coords={"phenomenon": phenomena},
    )  # fmt: skip
    return xr.Dataset({
        "value": none, "p": none, "met": none.notnull(), "error": said,
        "status": said.copy(data=np.full(len(phenomena), "not applicable", dtype=object)),
    })  # fmt: skip
