"""Fit a learner to behaviour: from activation to P(yes), from age to learning time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from semdev._html import escape, lay_out_page, lay_out_table
from semdev.behaviour.design import SEEDS, Design, make_design, place_knots, read_history
from semdev.behaviour.likelihood import (
    LINK,
    answer_yes,
    average,
    by_account,
    read_age_map,
    tells_apart,
    to_time,
)
from semdev.behaviour.responses import check_pairs, read_responses
from semdev.behaviour.searching import find_bounds, search, start_from
from semdev.data.dataset import Dataset
from semdev.history import ask, get_provenance

KNOTS = 3


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """A learner at its best for some responses.

    `lapse`, `slope`, `bias` are those of the link, `age_map` the learning time at each knot (a
    Series over age); `log_likelihood` is each participant's, averaged over seeds (see `fit`), a
    Series over study and participant; `n_parameters` counts what was free.
    """

    lapse: float
    slope: float
    bias: float
    age_map: pd.Series
    log_likelihood: pd.Series
    n_parameters: int
    history: xr.Dataset
    responses: pd.DataFrame
    design: Design
    theta: np.ndarray  # lapse, log slope, bias, positions of the knots
    free: np.ndarray  # which of them were fitted

    def __repr__(self) -> str:
        said = [f"{name} {value}" for name, value in self._list_lines()]
        return "\n  ".join([f"<{self._describe()}", *said]) + ">"

    def _repr_html_(self) -> str:
        return lay_out_page(
            f"<b>{escape(self._describe())}</b>",
            lay_out_table([], self._list_lines()),
            kind="fit",
        )

    def _describe(self) -> str:
        learner = get_provenance(self.history).get("model", "a learner")
        return (
            f"Fit of {learner} to {self.design.answers:.0f} answers of "
            f"{len(self.log_likelihood)} participants"
        )

    def _list_lines(self) -> list[tuple[str, str]]:
        """Return what was found, line by line."""
        ages = ", ".join(f"{time:.3g} at age {age:g}" for age, time in self.age_map.items())
        total = self.log_likelihood.sum()
        fixed = [name for name, is_free in zip(LINK, self.free, strict=False) if not is_free]
        lines = [
            (name, f"{getattr(self, name):.3g}" + " (fixed)" * (name in fixed)) for name in LINK
        ]
        return [
            *lines,
            ("learning time", ages),
            ("log-likelihood", f"{total:.1f} ({total / self.design.answers:.3f} an answer)"),
            ("free parameters", str(self.n_parameters)),
            ("BIC", f"{self.bic:.1f}" if not self.why_no_bic else f"none: {self.why_no_bic}"),
        ]

    @property
    def why_no_bic(self) -> str:
        """Why there is no BIC, or ""."""
        if np.ptp(self.design.activations, axis=2).any():
            return (
                "an average over seeds is a mixture: answers of one participant depend on each "
                "other, so that neither their number nor that of parameters is what BIC takes them "
                "to be; use cross_validate"
            )
        if (self.responses["n_yes"] % 1 != 0).any():
            return "half a yes has no likelihood, only a quasi-likelihood; use cross_validate"
        if not tells_apart(self.theta, self.free, self.design):
            return (
                "some parameters change nothing, or others can make up for them, so that fewer "
                "were used than are counted; fix some (fixed=), or use cross_validate"
            )
        low, high = find_bounds(self.design)
        steps = np.diff(self.theta[3:])
        stuck = np.isclose(self.theta, low) | np.isclose(self.theta, high)
        if (stuck & self.free).any() or (steps < 1e-6).any():
            return (
                "a parameter is at the limit of what is allowed, or the age map stands still, so "
                "that fewer parameters were used than are counted; use cross_validate"
            )
        return ""

    @property
    def bic(self) -> float:
        """BIC, k ln N − 2 ln L for N answers, where it is honest; else NaN (see `why_no_bic`)."""
        if self.why_no_bic:
            return float("nan")
        answers = np.log(self.design.answers)
        return float(self.n_parameters * answers - 2 * self.log_likelihood.sum())

    def predict(
        self, ages: Sequence[float] | np.ndarray, *, cells: Sequence[tuple[str, str]]
    ) -> xr.DataArray:
        """Return P(yes) at some ages to some questions (item, property), seed × age × cell.

        Raises KeyError for an item or property that is not there, ValueError for ages that are no
        sequence of finite numbers or cells that are no pairs.
        """
        ages = np.asarray(ages, dtype=float)
        if ages.ndim != 1 or not np.isfinite(ages).all():
            raise ValueError(f"ages are a sequence of finite numbers, as [4, 5.5]; got {ages}")
        check_pairs(cells)
        output = self.history["output"]
        asked = [ask(self.history, *cell).values for cell in cells]
        times = read_age_map(
            dict(zip(self.age_map.index, self.age_map, strict=True)), self.history["time"].values
        )(ages)
        beliefs = xr.DataArray(
            np.stack(asked, axis=-1), dims=("seed", "time", "cell"),
            coords={"seed": output["seed"], "time": output["time"].values,
                    "item": ("cell", [item for item, _ in cells]),
                    "property": ("cell", [prop for _, prop in cells])},
        )  # fmt: skip
        at = xr.DataArray(times, dims="age", coords={"age": ages})
        activation = beliefs.interp(time=at).drop_vars("time")
        p = answer_yes(activation.values, lapse=self.lapse, slope=self.slope, bias=self.bias)
        return activation.copy(data=p).rename("P(yes)")

    def score(self, responses: pd.DataFrame, *, given: pd.DataFrame | None = None) -> pd.Series:
        """Return each participant's log-likelihood of other responses, averaged over seeds.

        With `given`, other answers of the same participants, each account of who they are (see
        `fit`) counts as much as it agrees with those: log P(responses | given).
        """
        new, people = self._by_account(read_responses(responses))
        if given is None or not len(given):
            return pd.Series(average(new), index=people, name="log_likelihood")
        old, known = self._by_account(read_responses(given))
        old = np.vstack([old, np.zeros((1, old.shape[1]))])[known.get_indexer(people)]
        return pd.Series(average(new + old) - average(old), index=people, name="log_likelihood")

    def _by_account(self, table: pd.DataFrame) -> tuple[np.ndarray, pd.MultiIndex]:
        design = make_design(self.history, table, self.age_map.index.to_numpy(dtype=float))
        return by_account(design, self.theta), design.people


def fit(
    model: Any,
    responses: pd.DataFrame,
    *,
    data: Dataset | None = None,
    seeds: int | Sequence[int] = SEEDS,
    knots: int | Sequence[float] = KNOTS,
    fixed: Mapping[str, float] | None = None,
) -> Fit:
    """Fit a learner to responses: what people of an age say, and when in learning they are.

    A participant is one of the seeds, it is not known which; or, as likely, every answer is any
    seed's: the likelihood of all their answers is ½ (1/S) Σ_s Π p_s + ½ Π (1/S) Σ_s p_s, with p_s =
    lapse/2 + (1 − lapse) σ(slope (activation − bias)) for a yes, 1 − p_s for a no. It is not the
    best seed's, nor that of an average activation. The second account is for learners whose
    individuals differ by what each happened to meet: no few dozen seeds hold a child's own order of
    items, so that with the first alone such a learner foretells its own children worse than a
    smooth one does. For one seed, and nearly so for networks, the two are the same; give such
    learners hundreds of seeds.
    Learning time grows with age: √time is linear in age between knots, and never falls; outside the
    knots it is constant. Activations are linear in time between records. All is fitted by maximum
    likelihood from several starts (SLSQP, exact gradients).

    Slope, bias and age map are told apart only if the activations asked about change in different
    ways. In a shallow network all change alike, so that a steeper slope and a slower learner are
    the same; then `parameter_intervals` says so, and `fixed` (slope and bias) may settle it. P(yes)
    is none the worse for it.

    Parameters
    ----------
    model : History or learner
        Of networks or rivals; or what is to learn `data` under `seeds`.
    responses : DataFrame
        As `read_responses` returns or takes.
    data, seeds
        What a learner is to learn, and how often (a number, or numbers). Not for a History.
    knots : int or increasing sequence of float
        How many, or which ages: each is a parameter.
    fixed : mapping, optional
        Values of lapse, slope or bias that are not to be fitted.

    Raises
    ------
    KeyError
        An item or property the learner does not know, or a parameter that cannot be fixed; the
        nearest match is suggested.
    TypeError
        A learner without data.
    ValueError
        A History of one time, or that diverged; data for a History; knots that are none.

    Examples
    --------
    >>> import semdev as sd
    >>> from semdev.behaviour.simulating import simulate_responses
    >>> exact = sd.solve(sd.load("rumelhart8"), depth=2)
    >>> children = simulate_responses(exact, ages=range(3, 11), participants=64, random_state=1,
    ...                               age_map={3: 2, 10: 6})
    >>> found = fit(exact, children, knots=2)
    >>> found.age_map.round().to_dict()
    {3.0: 2.0, 10.0: 6.0}
    """
    table = read_responses(responses)
    history = read_history(model, data=data, seeds=seeds)
    placed = place_knots(table, knots)
    design = make_design(history, table, placed)
    theta, free = start_from(fixed, len(placed))
    theta = search(design, theta, free)
    return Fit(
        lapse=float(theta[0]),
        slope=float(np.exp(theta[1])),
        bias=float(theta[2]),
        age_map=pd.Series(to_time(theta[3:], design.time), index=pd.Index(placed, name="age"),
                          name="time"),
        log_likelihood=pd.Series(average(by_account(design, theta)), index=design.people,
                                 name="log_likelihood"),
        n_parameters=int(free.sum()),
        history=history,
        responses=table,
        design=design,
        theta=theta,
        free=free,
    )  # fmt: skip
