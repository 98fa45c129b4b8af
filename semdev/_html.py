"""What pages have in common: one stylesheet, tables, folds, spark lines; all text escaped.

Colours are the page's own (`currentColor`, translucent greys), so that a page is as legible on a
dark ground as on a light one; where text needs a ground of its own it is the notebook's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

__all__ = ["escape", "fold", "lay_out_page", "lay_out_table", "spark_line", "spark_text"]

GROUND = "var(--jp-layout-color0,var(--vscode-editor-background,Canvas))"
INK = "var(--jp-ui-font-color1,var(--vscode-editor-foreground,CanvasText))"
STYLE = """<style>
.semdev{font-size:13px;line-height:1.4}
.semdev .head{margin:.2em 0 .4em}
.semdev .wide{overflow:auto;max-height:40em}
.semdev table{border-collapse:collapse;width:auto;margin:.3em 0;font-size:12px}
.semdev th,.semdev td{padding:2px 8px;border:0;background:none;font-weight:normal;
 text-align:left;vertical-align:top}
.semdev thead th{border-bottom:1px solid rgba(128,128,128,.6);vertical-align:bottom;
 font-weight:bold}
.semdev tbody tr{border-bottom:1px solid rgba(128,128,128,.2);background:none}
.semdev .number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.semdev .label{opacity:.75;white-space:nowrap}
.semdev small{opacity:.75}
.semdev .good{font-weight:bold}
.semdev .bad{font-weight:bold;border-left:3px solid #D55E00;padding-left:5px}
.semdev caption{text-align:left;white-space:nowrap;caption-side:top;padding:4px 0}
.semdev details{margin:.3em 0}
.semdev summary{cursor:pointer}
.semdev pre{white-space:pre-wrap;font-size:12px;margin:.3em 0}
.semdev svg{vertical-align:middle;color:#56B4E9}
</style>"""
SPARK = "▁▂▃▄▅▆▇█"
MOST_POINTS = 80


def lay_out_page(head: str, *parts: str, kind: str = "", style: str = "") -> str:
    """Return a page: a line of head, then parts; all of them HTML already.

    A page's own `style` speaks of ``.semdev.semdev-KIND``, so that it outdoes the common one of
    other pages further down.

    >>> page = lay_out_page("<b>one</b>", "<p>two</p>", kind="numbers")
    >>> page.removeprefix(STYLE)
    '<div class="semdev semdev-numbers"><div class="head"><b>one</b></div><p>two</p></div>'
    """
    name = f"semdev semdev-{kind}" if kind else "semdev"
    return f'{STYLE}{style}<div class="{name}"><div class="head">{head}</div>{"".join(parts)}</div>'


def lay_out_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, numbers: Iterable[int] = ()
) -> str:
    """Return a table of plain texts, columns of `numbers` to the right; no head without columns.

    A cell that is a tuple is HTML already: ``("<b>bold</b>",)``.

    >>> lay_out_table([], [["<a>"]])
    '<div class="wide"><table><tbody><tr><td>&lt;a&gt;</td></tr></tbody></table></div>'
    """
    right = set(numbers)

    def draw(cell: Any, k: int, tag: str) -> str:
        text = cell[0] if isinstance(cell, tuple) else escape(str(cell))
        side = ' class="number"' if k in right else ""
        return f"<{tag}{side}>{text}</{tag}>"

    def join(cells: Sequence[Any], tag: str) -> str:
        return f"<tr>{''.join(draw(cell, k, tag) for k, cell in enumerate(cells))}</tr>"

    head = f"<thead>{join(columns, 'th')}</thead>" if columns else ""
    body = "".join(join(row, "td") for row in rows)
    return f'<div class="wide"><table>{head}<tbody>{body}</tbody></table></div>'


def fold(summary: str, body: str) -> str:
    """Return something folded away under a line of plain text.

    >>> fold("more", "<p>all</p>")
    '<details><summary>more</summary><p>all</p></details>'
    """
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def spark_line(time: np.ndarray, curves: np.ndarray, *, width: int = 220, height: int = 36) -> str:
    """Return a small drawing (SVG) of a curve, the median, in the band between low and high.

    `time` has n numbers, `curves` 3 × n: low, median and high. "" where nothing can be drawn. The
    curve has the page's own colour, the band a translucent blue.

    >>> spark_line(np.arange(3), np.zeros((3, 3)))[:4]
    '<svg'
    """
    known = np.isfinite(curves).all(0) & np.isfinite(time)
    time, curves = _thin(time[known]), _thin(curves[:, known])
    if len(time) < 2:
        return ""
    low, high = min(0.0, float(curves.min())), float(curves.max())
    scale = (height - 4) / ((high - low) or 1.0)
    x = (time - time[0]) / (time[-1] - time[0]) * (width - 4) + 2
    y = height - 2 - (curves - low) * scale
    line, lower, upper = (
        [f"{a:.1f},{b:.1f}" for a, b in zip(x, y[k], strict=True)] for k in (1, 0, 2)
    )
    band = " ".join(lower + upper[::-1])
    area = f'<polygon points="{band}" fill="currentColor" opacity=".4"/>'
    path = f'<polyline points="{" ".join(line)}" fill="none" stroke="{INK}" stroke-width="1.5"/>'
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">'
        f"{area if np.ptp(curves, axis=0).any() else ''}{path}</svg>"
    )


def spark_text(values: np.ndarray, *, width: int = 24) -> str:
    """Return a curve as one line of text, from 0 (or the lowest) to the highest.

    >>> spark_text(np.array([4.0, 2.0, 1.0, 0.0]))
    '█▅▃▁'
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return ""
    values = _thin(values, most=width)
    low = min(0.0, float(values.min()))
    share = (values - low) / ((values.max() - low) or 1.0)
    return "".join(SPARK[round(7 * each)] for each in share)


def _thin(values: np.ndarray, *, most: int = MOST_POINTS) -> np.ndarray:
    """Return at most so many along the last axis, first and last among them."""
    count = values.shape[-1]
    return values[..., np.linspace(0, count - 1, min(most, count)).round().astype(int)]
