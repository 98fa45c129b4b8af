"""What a comparison found: a long table, a summary of it, a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from semdev._files import write_whole

LEVEL = 0.95
DIMS = ("world", "model", "phenomenon")


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models × phenomena, seed by seed.

    Parameters
    ----------
    found : xr.Dataset
        Over world × model × phenomenon × seed: `value`, `control` (what 2.5 % of relabelled worlds
        reach), `p`, `met` (bool); over world × model × phenomenon: `status` ("asked", "not
        applicable", "failed"), `reason`, `error`; on phenomenon `threshold` and `criterion`
        ("published" or "ours").

    Examples
    --------
    >>> import semdev as sd
    >>> models = {"deep": sd.DeepLinear(8), "shallow": sd.Shallow()}
    >>> chosen = ["inductive projection", "base-rate phase"]
    >>> found = sd.compare(models, sd.load("rumelhart8"), phenomena=chosen, seeds=2, n_jobs=1)
    >>> print(found.lay_out())
    rumelhart8: % of 2 seeds that show it
                         deep shallow
    inductive projection  100       0
    base-rate phase       100       0
    >>> len(found.table)
    8
    """

    found: xr.Dataset

    @property
    def table(self) -> pd.DataFrame:
        """A row for each world, model, phenomenon and seed: for R, JASP and mixed models.

        `met` is empty where the phenomenon is not applicable, which is not the same as 0.
        """
        over_seeds = self.found[["value", "control", "p", "met", "status"]]
        frame = over_seeds.to_dataframe(dim_order=[*DIMS, "seed"]).reset_index()
        frame["met"] = frame["met"].astype("Int64").where(frame["status"] == "asked")
        order = [*DIMS, "seed", "status", "value", "threshold", "control", "p", "met", "criterion"]
        return frame[order]

    @property
    def summary(self) -> pd.DataFrame:
        """A row for each world, model and phenomenon, in the order they were given.

        `median`, `low`, `high`: of the value, with the interval that holds the central 95 % of the
        seeds. `share`, `share_low`, `share_high`: of the seeds that meet the criterion, with
        Wilson's 95 % interval. `control`: the median of what relabelled worlds reach.
        """
        rows = []
        for place in self._list_cells():
            cell = self.found.sel(place)
            status = str(cell["status"].item())
            row = {**place, "status": status}
            values = cell["value"].values
            numbers = dict.fromkeys(("median", "low", "high", "control"), np.nan)
            numbers |= dict.fromkeys(("share", "share_low", "share_high"), np.nan)
            if status == "asked":
                known = values[np.isfinite(values)]
                if len(known):
                    numbers["median"] = np.median(known)
                    numbers["low"], numbers["high"] = np.quantile(
                        known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
                    )
                controls = cell["control"].values
                if np.isfinite(controls).any():
                    numbers["control"] = np.median(controls[np.isfinite(controls)])
                count = int(cell["met"].sum())
                share = stats.binomtest(count, len(values)).proportion_ci(LEVEL, method="wilson")
                numbers["share"] = count / len(values)
                numbers["share_low"], numbers["share_high"] = share.low, share.high
            rows.append(
                {**row, **numbers, "seeds": len(values), "threshold": float(cell["threshold"]),
                 "criterion": str(cell["criterion"].item()),
                 "why": str(cell["reason"].item()) or str(cell["error"].item())}
            )  # fmt: skip
        return pd.DataFrame(rows)

    def to_csv(self, path: str | Path) -> None:
        """Write the table as CSV, whole or not at all."""
        with write_whole(path) as unfinished:
            self.table.to_csv(unfinished, index=False)

    def lay_out(self) -> str:
        """Return the shares of seeds as text, a table for each world: models across.

        A dash stands for not applicable, an exclamation mark for failed.
        """
        blocks = []
        for world in self.found["world"].values:
            shown = pd.DataFrame(
                {
                    str(model): {
                        str(name): self._write_cell(world, model, name)
                        for name in self.found["phenomenon"].values
                    }
                    for model in self.found["model"].values
                }
            )
            count = self.found.sizes["seed"]
            blocks.append(f"{world}: % of {count} seeds that show it\n{shown.to_string()}")
        return "\n\n".join(blocks)

    def _write_cell(self, world: str, model: str, phenomenon: str) -> str:
        cell = self.found.sel(world=world, model=model, phenomenon=phenomenon)
        status = str(cell["status"].item())
        if status == "asked":
            return f"{100 * float(cell['met'].mean()):.0f}"
        return "–" if status == "not applicable" else "!"

    def _list_cells(self) -> list[dict[str, str]]:
        labels = [[str(x) for x in self.found[dim].values] for dim in DIMS]
        return [
            dict(zip(DIMS, (world, model, name), strict=True))
            for world in labels[0] for model in labels[1] for name in labels[2]
        ]  # fmt: skip

    def describe(self) -> str:
        """Return in a line what was compared."""
        sizes = self.found.sizes
        return (
            f"Comparison of {sizes['model']} models × {sizes['phenomenon']} phenomena on "
            f"{sizes['world']} world{'s' * (sizes['world'] > 1)}, {sizes['seed']} seeds"
        )

    def __repr__(self) -> str:
        return f"<{self.describe()}>\n{self.lay_out()}"

    def _repr_html_(self) -> str:
        from semdev.comparing.html import lay_out_comparison

        return lay_out_comparison(self)
