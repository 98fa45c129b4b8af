"""Model recovery: who made the data down the side, who was picked across the top."""

from __future__ import annotations

from typing import Any

import xarray as xr

from semdev._html import escape, fold, lay_out_page
from semdev.comparing.recovering import lay_out_recovery
from semdev.comparing.tables import write_percent


def is_one(value: Any, *, strict: bool = True) -> bool:
    """Return whether it is what `recover_models` returned."""
    return (
        isinstance(value, xr.Dataset)
        and {"share", "low", "high"} <= set(value)
        and set(value["share"].dims) == {"world", "made", "picked"}
        and "by" in value.attrs
    )


def lay_out(found: xr.Dataset) -> tuple[str, str]:
    """Return it as text and as HTML: the bluer, the more often a model is picked."""
    tables = []
    for world in found["world"].values:
        head = "".join(f"<th>{escape(str(name))}</th>" for name in found["picked"].values)
        rows = []
        for made in found["made"].values:
            cells = "".join(
                _draw_cell(found.sel(world=world, made=made, picked=picked), made == picked)
                for picked in found["picked"].values
            )
            rows.append(f"<tr><th>{escape(str(made))}</th>{cells}</tr>")
        tables.append(
            f'<div class="wide"><table><caption>{escape(str(world))}: made by (rows), picked by '
            f"{escape(str(found.attrs['by']))} (columns), % [Wilson’s 95 % interval]</caption>"
            f"<thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        )
    page = lay_out_page(
        "<b>Model recovery</b>",
        *tables,
        fold("as xarray shows it", found._repr_html_()),
        kind="recovery",
    )
    return lay_out_recovery(found), page


def _draw_cell(cell: xr.Dataset, own: bool) -> str:
    share, low, high = (float(cell[name]) for name in ("share", "low", "high"))
    text = write_percent(share, low, high)
    ground = f"background:rgba(0,114,178,{0.5 * share:.2f})" if share == share else ""
    kind = "number good" if own else "number"
    return f'<td class="{kind}" style="{ground}">{escape(text)}</td>'
