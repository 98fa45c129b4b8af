"""Figure 7: in which order damaged networks lose what they know (chapter 3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from semdev.damaging import damage
from semdev.measures.dementia import naming_errors, retention
from semdev.papers.checks import FEW, Check, Share, spread
from semdev.papers.drawing import letter_panels
from semdev.papers.rogers2004._shared import (
    SEEDS,
    STEPS,
    Data,
    choose_model,
    choose_patterns,
    share,
    train_names,
)
from semdev.plots._style import CATEGORIES, draw_curve, finish, legend_above

SEVERITY = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
LEVELS = ("general", "basic", "specific")
FACTS = ("names", "properties", "all")
NOTES = {
    "names": "not tested: there are but two general names, so that one lost early counts",
    "properties": "not tested: few properties are general or specific (five and six of 24), so "
    "that one more or less counts",
    "all": "not tested: networks differ",
}
RESPONSES = ("correct", "superordinate", "coordinate", "cross-domain", "omission")


def fig7_data(
    *,
    seeds: int = SEEDS,
    steps: int = STEPS,
    severity: Sequence[float] = SEVERITY,
    draws: int = 50,
) -> Data:
    """Claim: as knowledge dissolves, what is specific is lost first and what is general last.

    Gaussian noise on the representation of networks that have learned for 12 000 epochs, fifty
    patients of each. How much is left of names and properties is counted against guessing
    (`semdev.retention`); what patients call things, as `semdev.naming_errors` says. The
    book's own figure and numbers are unconfirmed.
    """
    run = train_names("half", seeds=seeds, steps=steps, whole=True)
    patients = damage(
        run.isel(time=[-1]), choose_model(), choose_patterns("half"), kind="noise",
        severity=severity, draws=draws, progress=False,
    )  # fmt: skip
    return {"left": retention(patients), "errors": naming_errors(patients)}


def fig7_checks(data: Data) -> list[Check]:
    """Hold figure 7 against its claims."""
    left, errors = data["left"], data["errors"]
    half = left["half"]
    every = left["order"].isel(severity=slice(1, None))
    checks = [
        Check(
            f"{facts}: general outlasts basic, basic outlasts specific"
            if facts != "all" else "all facts: so it is, at half of all knowledge",
            f"in {share(left['order_then'].sel(facts=facts))} of {left.sizes['seed']} networks "
            "where half of all is lost; half of a level's own is lost at noise "
            + ", ".join(
                f"{level} {spread(half.sel(facts=facts, level=level), form='.2f')}"
                for level in LEVELS
            ),
            *_judge(facts, left["order_then"].sel(facts=facts)),
            "published", panel="abc"[k], expected="general > basic > specific",
            note=NOTES[facts],
        )
        for k, facts in enumerate(FACTS)
    ]  # fmt: skip
    share_of = errors["share"]
    kinds = {k: share_of.sel(response=k) for k in RESPONSES}
    then = int(np.abs(kinds["correct"].median("seed").values - 0.5).argmin())
    at = float(errors["severity"][then])
    wrong = errors["share_of_errors"]
    mild = int(np.argmax(kinds["correct"].median("seed").values < 0.95))
    far = wrong.sel(response="cross-domain").fillna(0.0)
    more_far = far.isel(severity=-1) > far.isel(severity=mild)
    broader = kinds["superordinate"] > kinds["cross-domain"]
    return [
        *checks,
        Check(
            "the order holds at every severity",
            ", ".join(
                f"{float(s):g}: {share(every.sel(facts='all', severity=s))}"
                for s in every["severity"].values
            ),
            "in most networks at each severity",
            all(Share.of(every.sel(facts="all", severity=s)).is_usual
                for s in every["severity"].values), panel="c",
            expected="general > basic > specific",
            note="where hardly anything is lost yet there is no order to see, and chance decides "
            "where hardly anything is left",
        ),
        Check(
            "naming: patients say the broader name before they name another kind of thing",
            f"at noise {at:g} (about half correct): " + ", ".join(
                f"{k} {spread(v.isel(severity=then), form='.2f')}" for k, v in kinds.items()
            ) + f"; broader than cross-domain ones in {share(broader.isel(severity=then))}",
            "superordinate above cross-domain, in most networks",
            Share.of(broader.isel(severity=then)).is_usual, "published", panel="d",
            expected="broader names first", note=FEW,
        ),
        Check(
            "cross-domain errors come with more damage",
            f"share of errors: noise {float(errors['severity'][mild]):g} "
            f"{spread(far.isel(severity=mild), form='.2f')}, "
            f"{float(errors['severity'][-1]):g} {spread(far.isel(severity=-1), form='.2f')}; "
            f"more in {share(more_far)}",
            "in most networks", Share.of(more_far).is_usual, "published", panel="d",
            expected="later than near errors", note=FEW,
        ),
    ]  # fmt: skip


def _judge(facts: str, ordered: xr.DataArray) -> tuple[str, bool]:
    """Return criterion and verdict: of all facts together nearly every network is asked for."""
    if facts == "all":
        return "in 95 % of networks or more", float(ordered.mean()) >= 0.95
    return "in most networks", Share.of(ordered).is_usual


def fig7(data: Data | None = None) -> Figure:
    """Draw what is left of names, properties and all facts by level, and what patients say."""
    data = fig7_data() if data is None else data
    figure = Figure(figsize=(7.0, 5.2), layout="constrained")
    (names, properties), (every, said) = figure.subplots(2, 2)
    for axis, facts in ((names, "names"), (properties, "properties"), (every, "all")):
        for level, color in zip(LEVELS, CATEGORIES, strict=False):
            values = data["left"]["accuracy"].sel(facts=facts, level=level)
            draw_curve(axis, values.rename(severity="time"), interval=0.95, color=color,
                       label=level)  # fmt: skip
        axis.set_ylim(-0.02, 1.02)
        finish(axis, x="noise on the representation (s.d.)", y=f"{facts}: left of knowledge")
    for response, color in zip(RESPONSES, CATEGORIES, strict=False):
        values = data["errors"]["share"].sel(response=response)
        draw_curve(said, values.rename(severity="time"), interval=0.95, color=color,
                   label=response)  # fmt: skip
    said.set_ylim(-0.02, 1.02)
    finish(said, x="noise on the representation (s.d.)", y="share of naming responses")
    for axis in (names, properties, every, said):
        axis.set_xlim(0, None)
        legend_above(axis, axis.get_legend_handles_labels()[0])
    letter_panels((names, properties, every, said))
    return figure
