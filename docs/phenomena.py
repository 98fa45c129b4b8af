"""The page of phenomena: what each claims, where it was seen, how it is measured, what counts."""

from __future__ import annotations

from pathlib import Path

from docs.text import escape, read_prose, title
from semdev.phenomena import PHENOMENA, Phenomenon


def write_pages(root: Path) -> dict[str, str]:
    """Return the page."""
    head = [
        title("Phenomena"),
        "Each is an entry of `sd.PHENOMENA`, a `Phenomenon`; `sd.compare` asks them of models, and "
        ":doc:`COMPARISON </COMPARISON>` is what came of it.\n",
    ]
    return {"phenomena.rst": "\n".join([*head, *map(write_phenomenon, PHENOMENA.values())])}


def write_phenomenon(phenomenon: Phenomenon) -> str:
    """Return a phenomenon's part of the page."""
    criterion = phenomenon.criterion
    control = (
        "and more than with the classes dealt out to the items anew (2.5 %)"
        if phenomenon.controlled else "without a control: it is not about classes of items"
    )  # fmt: skip
    says = read_prose(phenomenon.measure)
    rows = {
        "In people": escape(phenomenon.human),
        "Measure": says,
        "Unit": escape(phenomenon.unit),
        "Criterion": f"at least {criterion.at_least:.3g}, {control}. Set by: {criterion.source}; "
        f"{escape(criterion.why)}.",
        "Experiment": read_prose(phenomenon.experiment),
        "Absent from": ", ".join(phenomenon.null_worlds),
        "Impossible for": ", ".join(phenomenon.impossible_for),
    }
    fields = [
        f"{name}\n" + "\n".join(f"    {line}".rstrip() for line in text.split("\n"))
        for name, text in rows.items()
        if text
    ]
    name = phenomenon.name
    parts = [title(name[0].upper() + name[1:], "-"), escape(phenomenon.claim), *fields, ""]
    return "\n\n".join(parts)
