"""A Comparison as a page of HTML: phenomena down the side, models across the top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from semdev._html import escape, lay_out_page

if TYPE_CHECKING:
    from semdev.comparing.results import Comparison

_STYLE = """<style>
.semdev.semdev-comparison td,.semdev.semdev-comparison thead th{text-align:center}
.semdev.semdev-comparison thead th{max-width:7em}
.semdev.semdev-comparison tbody th{white-space:nowrap}
.semdev.semdev-comparison td small{display:block}
.semdev.semdev-comparison .na{opacity:.45}
</style>"""


def lay_out_comparison(comparison: Comparison) -> str:
    """Return a coloured table for each world: the bluer, the more seeds show the phenomenon.

    Each cell holds the percentage of seeds and below it the median value; pointing at it shows
    intervals, threshold, or why it was not asked.
    """
    summary = comparison.summary
    blocks = []
    for world in comparison.found["world"].values:
        of_world = summary[summary["world"] == world]
        models = list(dict.fromkeys(of_world["model"]))
        head = "".join(f"<th>{escape(model)}</th>" for model in models)
        rows = []
        for name in dict.fromkeys(of_world["phenomenon"]):
            cells = of_world[of_world["phenomenon"] == name].to_dict("records")
            rows.append(f"<tr><th>{escape(name)}</th>{''.join(map(_draw_cell, cells))}</tr>")
        blocks.append(
            f'<div class="wide"><table><caption>{escape(str(world))}: % of seeds that show it, '
            f"median value below</caption><thead><tr><th></th>{head}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        )
    head = f"<b>{escape(comparison.describe())}</b>"
    said = "<small>– not applicable, ! failed; pointing at a cell says more</small>"
    return lay_out_page(head, *blocks, said, kind="comparison", style=_STYLE)


def _draw_cell(row: dict[str, Any]) -> str:
    if row["status"] != "asked":
        kind, sign = ("na", "–") if row["status"] == "not applicable" else ("bad", "!")
        return f'<td class="{kind}" title="{escape(row["why"], quote=True)}">{sign}</td>'
    said = (
        f"{row['median']:.3g} [{row['low']:.3g}, {row['high']:.3g}], threshold "
        f"{row['threshold']:.3g} ({row['criterion']})"
    )
    if np.isfinite(row["control"]):
        said += f", relabelled {row['control']:.3g}"
    said += f"; share of seeds {row['share']:.2f} [{row['share_low']:.2f}, {row['share_high']:.2f}]"
    colour = f"background:rgba(0,114,178,{0.75 * row['share']:.2f})"
    value = f"<small>{row['median']:.2g}</small>" if np.isfinite(row["median"]) else ""
    return (
        f'<td style="{colour}" title="{escape(said, quote=True)}">{100 * row["share"]:.0f}'
        f"{value}</td>"
    )
