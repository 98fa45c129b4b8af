"""What is printed: tables in Markdown, and criteria that are computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.timing import Spread


@dataclass(frozen=True)
class Criterion:
    """What is asked for, the number that was measured, and whether that is enough."""

    says: str
    value: float
    bound: float
    unit: str = "×"
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the number keeps to the bound."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def show(self) -> list[str]:
        """Return the cells of its row."""
        sign = "≤" if self.at_most else "≥"
        asked, got = (f"{show_number(v)} {self.unit}" for v in (self.bound, self.value))
        return [self.says, f"{sign} {asked}", got, "yes" if self.met else "NO"]


@dataclass
class Section:
    """One table with a title, what it says below, and what it was judged by."""

    title: str
    columns: Sequence[str]
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    criteria: list[Criterion] = field(default_factory=list)
    raw: dict[str, object] = field(default_factory=dict)  # for --json

    def show(self) -> str:
        """Return the section as Markdown."""
        notes = [f"- {note}" for note in self.notes]
        parts = [f"## {self.title}", format_table(self.columns, self.rows), "\n".join(notes)]
        return "\n\n".join(part for part in parts if part) + "\n"


def format_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown, the first column to the left and all others to the right."""
    widths = [max(len(row[k]) for row in [columns, *rows]) for k in range(len(columns))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = []
    for row in [columns, rule, *rows]:
        cells = [c.rjust(w) if k else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths))]  # noqa: B905
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def show_number(value: float) -> str:
    """Return a number with two or three figures that count."""
    if not value > 0:
        return "–"  # nothing measured
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", " ")
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}" if value >= 1 else f"{value:.2g}"


def show_spread(spread: Spread, unit: str = "") -> str:
    """Return "median (least–most)"."""
    low, high = show_number(spread.least), show_number(spread.most)
    return f"{show_number(spread.median)}{unit} ({low}–{high})"


def show_seconds(seconds: float) -> str:
    """Return a time in the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{show_number(seconds / size)} {unit}"
    return f"{show_number(seconds / 1e-6)} µs"


def show_criteria(sections: Sequence[Section]) -> str:
    """Return all criteria as one table."""
    rows = [criterion.show() for section in sections for criterion in section.criteria]
    if not rows:
        return ""
    return "## What was asked\n\n" + format_table(["", "asked", "measured", "met"], rows) + "\n"
