"""Figures as files for papers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semdev._files import write_whole

KINDS = (".svg", ".pdf", ".png")


def save_figure(figure: Figure | Axes, path: str | Path, *, exact: bool = False) -> None:
    """Save a figure whole or not at all, with its letters embedded, the same bytes every time.

    Parameters
    ----------
    figure : Figure or Axes
        What a function of `semdev.plots` returned, or a figure.
    path : str or Path
        An .svg, .pdf or .png file (300 dots an inch).
    exact : bool
        As wide as the figure is, as journals ask (`style`); otherwise margins are cut to what
        is drawn.

    Raises
    ------
    ValueError
        Another kind of file.
    FileNotFoundError
        No such folder.

    Examples
    --------
    >>> import tempfile, semdev as sd
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder, sd.plots.style("apa"):
    ...     ax = sd.plots.loss(sd.solve(sd.load("saxe2019"), depth=2))
    ...     save_figure(ax, folder + "/loss.pdf", exact=True)
    ...     Path(folder, "loss.pdf").read_bytes()[:5]
    b'%PDF-'
    """
    kind = Path(path).suffix
    if kind not in KINDS:
        raise ValueError(f"figures are saved as {', '.join(KINDS)} files, got {str(path)!r}")
    whole: Any = figure.figure if isinstance(figure, Axes) else figure
    date = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(kind)
    settings: Any = {"svg.hashsalt": "semdev", "svg.fonttype": "path", "pdf.fonttype": 42}
    with rc_context(settings), write_whole(path) as unfinished:
        whole.savefig(
            unfinished, bbox_inches=None if exact else "tight", metadata=date,
            dpi=300 if kind == ".png" else "figure",
        )  # fmt: skip
