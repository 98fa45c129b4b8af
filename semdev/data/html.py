"""A Dataset as a page of HTML: the tree down the side, relations across the top."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from semdev._html import GROUND, INK, escape
from semdev.data import trees

if TYPE_CHECKING:
    from semdev.data.dataset import Dataset

MOST_ITEMS, MOST_PROPERTIES = 60, 120

_STYLE = f"""<style>
.semdev-data{{overflow:auto;max-height:48em;line-height:1.2}}
.semdev-data,.semdev-data table{{font-size:12px}}
.semdev-data table{{border-collapse:collapse;width:auto}}
.semdev-data th,.semdev-data td{{padding:1px 3px;border:0;background:none;font-weight:normal}}
.semdev-data thead th{{vertical-align:bottom;text-align:left}}
.semdev-data thead .up{{writing-mode:vertical-rl;transform:rotate(180deg);white-space:nowrap}}
.semdev-data .rel{{border-left:1px solid rgba(128,128,128,.6)}}
.semdev-data tbody th{{text-align:left;white-space:nowrap;position:sticky;left:0;
 background:{GROUND};
 color:{INK}}}
.semdev-data .class i{{opacity:.6;font-style:italic}}
.semdev-data td{{text-align:center}}
.semdev-data td i{{display:inline-block;width:9px;height:9px;border-radius:50%;
 background:#0072B2}}
.semdev-data td i.neg{{background:none;box-sizing:border-box;border:2.5px solid #D55E00}}
</style>"""


def dataset(data: Dataset) -> str:
    """Return `data` as HTML, items under their classes: dots for true cells, rings for negative."""
    table = data.properties
    shown = table.isel(property=slice(MOST_PROPERTIES))
    order = np.argsort(_first_seen(shown["relation"].values), kind="stable")
    shown = shown.isel(property=order)
    relations = shown["relation"].values
    starts = np.r_[True, relations[1:] != relations[:-1]]
    head = "".join(
        f'<th{_mark(start)}><span class="up">{escape(name)}</span></th>'
        for name, start in zip(shown["property"].values, starts, strict=True)
    )
    spans = np.diff(np.r_[np.flatnonzero(starts), len(relations)])
    groups = "".join(
        f'<th class="rel" colspan="{span}"><b>{escape(name)}</b></th>'
        for name, span in zip(relations[starts], spans, strict=True)
    )
    rows = []
    strongest = float(np.abs(table.values).max()) or 1.0
    for name, depth, is_item in _outline(data):
        pad = f"padding-left:{0.3 + depth:.1f}em"
        if not is_item:
            rows.append(f'<tr><th class="class" style="{pad}"><i>{escape(name)}</i></th></tr>')
            continue
        cells = "".join(
            f"<td{_mark(start)}>{_dot(value / strongest)}</td>"
            for value, start in zip(shown.sel(item=name).values, starts, strict=True)
        )
        rows.append(f'<tr><th style="{pad}">{escape(name)}</th>{cells}</tr>')
    items, properties = table.shape
    hidden = ""
    if items > MOST_ITEMS or properties > MOST_PROPERTIES:
        hidden = f" (the first {min(items, MOST_ITEMS)} × {min(properties, MOST_PROPERTIES)} shown)"
    return (
        f'{_STYLE}<div class="semdev-data"><b>{escape(data.name)}</b>: {items} items × '
        f"{properties} properties, coded {data.coding}{hidden}"
        f"<table><thead><tr><th></th>{groups}</tr><tr><th></th>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _first_seen(names: np.ndarray) -> np.ndarray:
    """Return for each name the place where it stands first."""
    place = {name: k for k, name in reversed(list(enumerate(names)))}
    return np.array([place[name] for name in names])


def _outline(data: Dataset) -> list[tuple[str, int, bool]]:
    """Return (name, depth, is an item) for the first lines, classes before their members."""
    if data.tree is None:
        return [(str(item), 0, True) for item in data.properties["item"].values[:MOST_ITEMS]]
    lines: list[tuple[str, int, bool]] = []
    stack = [(trees.root(data.tree), 0)]
    while stack and sum(is_item for *_, is_item in lines) < MOST_ITEMS:
        node, depth = stack.pop()
        children = list(data.tree.successors(node))
        lines.append((node, depth, not children))
        stack += [(child, depth + 1) for child in reversed(children)]
    return lines


def _mark(start: bool) -> str:
    """Return the class of a cell with which a relation starts."""
    return ' class="rel"' if start else ""


def _dot(share: float) -> str:
    if share == 0:
        return ""
    kind = ' class="neg"' if share < 0 else ""
    fade = f' style="opacity:{abs(share):.2f}"' if abs(share) < 1 else ""
    return f"<i{kind}{fade}></i>"
