"""A Comparison as a page of HTML: phenomena down the side, models across the top."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from semdev.comparing.results import Comparison

_STYLE = """<style>
.semdev-comparison table{border-collapse:collapse;font-size:12px;width:auto;margin-bottom:1em}
.semdev-comparison th,.semdev-comparison td{padding:3px 6px;border:1px solid rgba(128,128,128,.25);
 font-weight:normal;text-align:center}
.semdev-comparison thead th{vertical-align:bottom;max-width:7em}
.semdev-comparison tbody th{text-align:left;white-space:nowrap}
.semdev-comparison caption{text-align:left;caption-side:top;padding:4px 0}
.semdev-comparison td small{display:block;opacity:.75}
.semdev-comparison .na{opacity:.45}
.semdev-comparison .failed{color:#D55E00}
</style>"""


def lay_out_page(comparison: Comparison) -> str:
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
            f"<table><caption>{escape(str(world))}: % of seeds that show it, median value below"
            f"</caption><thead><tr><th></th>{head}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table>"
        )
    return f'{_STYLE}<div class="semdev-comparison">{"".join(blocks)}</div>'


def _draw_cell(row: dict[str, Any]) -> str:
    if row["status"] != "asked":
        kind, sign = ("na", "–") if row["status"] == "not applicable" else ("failed", "!")
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
