"""How wide and in which letters: what journals ask of figures, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from matplotlib import font_manager, rc_context

from semdev._names import require

MM = 1 / 25.4  # inches
SANS = ("Arial", "Helvetica", "Liberation Sans", "Nimbus Sans", "DejaVu Sans")


@dataclass(frozen=True)
class Style:
    """What a journal asks: widths of columns (inches), sizes of letters (points).

    `columns`: the widths of a figure of one column, two columns, …; `text` is the size of axis
    labels, `small` of numbers, names and legends, and no label shrinks below `smallest`.
    """

    columns: tuple[float, ...]
    text: float
    small: float
    smallest: float
    column: float = 0.0  # the width in force

    def __post_init__(self) -> None:
        object.__setattr__(self, "column", self.column or self.columns[0])


DEFAULT = Style((3.4, 7.0), 8.0, 7.0, 4.5)
STYLES = {
    # 89 and 183 mm; sans serif of 5 to 7 points (Nature's guide to figures).
    "nature": Style((89 * MM, 183 * MM), 7.0, 6.0, 5.0),
    # 8.7, 11.4 and 17.8 cm; 6 to 8 points (PNAS, digital art guidelines).
    "pnas": Style((87 * MM, 114 * MM, 178 * MM), 8.0, 7.0, 6.0),
    # 90, 140 and 190 mm; 7 points, sub- and superscripts 6 (Elsevier, artwork sizing).
    "elsevier": Style((90 * MM, 140 * MM, 190 * MM), 7.0, 7.0, 6.0),
    # Sans serif of 8 to 14 points (Publication Manual, 7th ed., 7.26); the manual names no widths:
    # half and all of the 6.5 inches between margins of one inch.
    "apa": Style((3.25, 6.5), 9.0, 8.0, 8.0),
    # Not for print: a slide, to be read from the last row.
    "talk": Style((10.0,), 20.0, 17.0, 14.0),
}
_IN_FORCE: ContextVar[Style] = ContextVar("style", default=DEFAULT)


def now() -> Style:
    """Return the style in force.

    >>> now().column
    3.4
    """
    return _IN_FORCE.get()


@contextmanager
def style(name: str, *, columns: int = 1) -> Iterator[Style]:
    """Draw as a journal asks, for a while.

    All of `semdev.plots` draws new figures as wide as a column and with letters of the sizes asked
    for, sans serif (Arial or Helvetica where there is one). Letters are embedded: in PDF as fonts
    (TrueType, which can be edited), in SVG as outlines, which look the same where the font is not.
    Afterwards, and after an error, everything is as it was.

    Parameters
    ----------
    name : "apa", "nature", "pnas", "elsevier" or "talk"
        Whose sizes.
    columns : int
        As wide as so many columns (of PNAS and Elsevier 2 is the width between one and a page).

    Raises
    ------
    KeyError
        No such style; the nearest match is suggested.
    ValueError
        The journal has no such width.

    Examples
    --------
    >>> import semdev as sd
    >>> exact = sd.solve(sd.load("saxe2019"), depth=2)
    >>> with style("nature", columns=2):
    ...     ax = sd.plots.beliefs(exact, "salmon", "can fly")
    >>> round(ax.figure.get_figwidth() * 25.4), ax.xaxis.label.get_fontsize()
    (183, 7.0)
    """
    require(name, STYLES, kind="style", where="semdev.plots")
    chosen = STYLES[name]
    if columns not in range(1, len(chosen.columns) + 1):
        raise ValueError(
            f"{name} has figures of 1 to {len(chosen.columns)} columns, got columns={columns!r}"
        )
    wide = replace(chosen, column=chosen.columns[columns - 1])
    installed = set(font_manager.get_font_names())
    settings: Any = {
        "font.family": "sans-serif",
        "font.sans-serif": [font for font in SANS if font in installed],
        "font.size": wide.text,
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "path",
    }
    before = _IN_FORCE.set(wide)
    try:
        with rc_context(settings):
            yield wide
    finally:
        _IN_FORCE.reset(before)
