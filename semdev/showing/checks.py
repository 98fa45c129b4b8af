"""A paper's checks: what was claimed, what was measured, whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from semdev._html import escape, lay_out_page, lay_out_table
from semdev.papers import checks as papers_checks

Checks = pd.DataFrame | Sequence[papers_checks.Check]


def is_one(value: Any) -> bool:
    """Return whether it is a table of checks, or a list of them."""
    if isinstance(value, pd.DataFrame):
        return set(papers_checks.COLUMNS) <= set(value.columns)
    return bool(value) and all(isinstance(each, papers_checks.Check) for each in value)


def lay_out(value: Checks) -> tuple[str, str]:
    """Return checks as text and as HTML."""
    table = value if isinstance(value, pd.DataFrame) else papers_checks.tabulate(value)
    for k, name in enumerate(("paper", "figure")):
        if name not in table:
            table = table.copy()
            table.insert(k, name, "")
    held = int(table["holds"].sum())
    head = f"{held} of {len(table)} checks hold"
    cells = [_lay_out_row(row) for row in table.to_dict("records")]
    columns = ["panel", "claim", "expected", "measured", "verdict"]
    page = lay_out_page(
        f"<b>{escape(head)}</b>", lay_out_table(columns, cells), kind="checks"
    )  # fmt: skip
    return f"{head}\n{papers_checks.lay_out(table)}", page


def _lay_out_row(row: dict[Any, Any]) -> list[Any]:
    where = f"{row['paper']} {row['figure']}{row['panel']}".strip()
    claim = f"{escape(row['claim'])}<br><small>{escape(row['criterion'])}</small>"
    if row["holds"]:
        return [where, (claim,), row["expected"], row["number"], ("<span>✓ holds</span>",)]
    claim += f"<br>why: {escape(row['note'] or 'not known')}"
    verdict = '<span class="bad">✗ MISS</span>'
    return [where, (claim,), row["expected"], row["number"], (verdict,)]
