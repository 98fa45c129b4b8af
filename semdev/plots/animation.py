"""A moving picture of differentiation, for talks: items part while the loss falls."""

from __future__ import annotations

import base64
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import animation
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from semdev._files import write_whole
from semdev._progress import tqdm
from semdev.measures.similarity import mds_trajectories, select_seed
from semdev.plots import _style
from semdev.plots._items import item_classes
from semdev.plots.loss import find_end
from semdev.plots.mds import place_labels
from semdev.plots.styles import style

WRITERS = {".gif": "pillow", ".mp4": "ffmpeg"}
TAIL = 25  # frames of a path that are seen behind an item


class Animation:
    """A moving picture; Jupyter shows it, `save` writes it.

    What `animate` returns. Frames are drawn when they are asked for.

    Examples
    --------
    >>> import semdev as sd
    >>> moving = sd.plots.animate(sd.solve(sd.load("saxe2019"), depth=2), seconds=1, rate=10)
    >>> moving.frames
    10
    """

    def __init__(self, figure: Figure, draw: Any, frames: int, rate: int) -> None:
        self.figure, self.draw, self.frames, self.rate = figure, draw, frames, rate

    def save(self, path: str | Path, *, dpi: int = 80, progress: bool = True) -> None:
        """Write a .gif (by Pillow) or .mp4 (by ffmpeg) file, whole or not at all.

        Raises
        ------
        ValueError
            Another kind of file.
        RuntimeError
            ffmpeg is needed and not installed.
        """
        kind = Path(path).suffix
        if kind not in WRITERS:
            raise ValueError(f"animations are saved as .gif or .mp4 files, got {str(path)!r}")
        if kind == ".mp4" and not shutil.which("ffmpeg"):
            raise RuntimeError(
                "an .mp4 file needs ffmpeg, which is not installed (on Debian: apt install "
                "ffmpeg); a .gif file needs nothing"
            )
        moving = animation.FuncAnimation(
            self.figure, self.draw, frames=self.frames, interval=1000 / self.rate, blit=False
        )
        with (
            write_whole(path) as unfinished,
            tqdm(total=self.frames, desc="drawing", unit="frame", disable=not progress) as bar,
        ):
            writer: Any = animation.writers[WRITERS[kind]](fps=self.rate)
            moving.save(
                unfinished, writer=writer, dpi=dpi, progress_callback=lambda *_: bar.update()
            )

    def _repr_html_(self) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "moving.gif"
            self.save(path, dpi=50, progress=False)
            data = base64.b64encode(path.read_bytes()).decode()
        return f'<img alt="{self!r}" src="data:image/gif;base64,{data}">'

    def __repr__(self) -> str:
        seconds = self.frames / self.rate
        return f"(Animation of {seconds:g} s; .save('moving.gif') or .save('moving.mp4'))"


def animate(
    history: xr.Dataset,
    *,
    seed: int | None = None,
    layer: str = "output",
    seconds: float = 8.0,
    rate: int = 15,
    end: float | None = None,
) -> Animation:
    """Show items parting in the plane that keeps their distances, while the loss falls.

    Above, `mds_trajectories`: one frame serves all times; items carry the colour and mark of their
    class, and their names appear as they part from each other. Below, the loss of the same
    learner. Time runs evenly. In letters of the style "talk", whatever style is in force.

    Parameters
    ----------
    history : xr.Dataset
        A History of at least two items and two times.
    seed : int, optional
        Which learner; the first.
    layer : str
        "output" or a recorded hidden layer.
    seconds : float
        How long it takes.
    rate : int
        Frames in a second.
    end : float, optional
        Learning time at which it ends; by default shortly after learning does.

    Returns
    -------
    Animation
        Jupyter shows it; ``animate(history).save("parting.gif")`` writes it, or .mp4.

    Raises
    ------
    KeyError
        No such seed or layer.
    ValueError
        Fewer than two items or times; no length.

    Examples
    --------
    >>> import semdev as sd
    >>> animate(sd.solve(sd.load("saxe2019"), depth=2), seconds=2)
    (Animation of 2 s; .save('moving.gif') or .save('moving.mp4'))
    """
    if history.sizes["time"] < 2 or not (seconds > 0 and rate >= 1):
        raise ValueError(
            f"an animation needs two times, a length and a rate; got {history.sizes['time']} "
            f"times, seconds={seconds} and rate={rate}"
        )
    one = select_seed(history, seed)
    last = find_end(one) if end is None else float(end)
    until = one.sel(time=slice(None, max(last, float(one["time"][1]))))
    time = np.linspace(0, float(until["time"][-1]), max(round(seconds * rate), 2))
    paths = mds_trajectories(until, layer=layer)
    places = paths.interp(time=np.clip(time, *paths["time"].values[[0, -1]])).values
    losses = np.interp(time, one["time"], one["loss"].isel(seed=0))
    with style("talk"):
        return Animation(*_draw(one, time, places, losses), len(time), rate)


def _draw(
    history: xr.Dataset, time: np.ndarray, places: np.ndarray, losses: np.ndarray
) -> tuple[Figure, Any]:
    """Return the figure, and the function that draws a frame of it."""
    figure = Figure(figsize=(_style.now().column, 10), layout="constrained")
    plane, below = figure.subplots(2, 1, height_ratios=[4, 1])
    reach = 1.25 * np.abs(places).max() or 1.0
    plane.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[])
    plane.set_aspect("equal", adjustable="datalim")
    plane.spines[:].set_visible(False)
    classes = item_classes(history)
    names = [str(name) for name in history["item"].values]
    groups = list(dict.fromkeys(names if classes is None else classes))
    looks = {g: (_style.CATEGORIES[k % len(_style.CATEGORIES)], _style.marker(k))
             for k, g in enumerate(groups)}  # fmt: skip
    looked = [looks[g] for g in (names if classes is None else classes)]
    dots = [
        plane.plot([], [], look, color=color, markersize=13, zorder=3)[0] for color, look in looked
    ]
    tails = [plane.plot([], [], color=color, linewidth=2, alpha=0.5)[0] for color, _ in looked]
    labels = [
        plane.annotate(
            name, (0, 0), (0, 0), textcoords="offset points", ha="center", va="center",
            fontsize=_style.now().small, path_effects=[withStroke(linewidth=3, foreground="white")],
        )
        for name in names
    ]  # fmt: skip
    whole = history.isel(seed=0).sel(time=slice(None, time[-1]))
    below.plot(whole["time"], whole["loss"], color=_style.CATEGORIES[0], linewidth=3)
    below.set_xlim(0, time[-1])
    below.set_ylim(bottom=0)
    below.set_yticks([])
    _style.finish(below, x="time", y="error")
    here = below.plot([], [], "o", color="black", markersize=13, clip_on=False)[0]
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # nothing moves but what should
    final = plane.transData.transform(places[-1]) * 72 / figure.dpi
    sizes = (
        np.array(
            [[0.55 * _style.now().small * len(name), 1.2 * _style.now().small] for name in names]
        )
        + 10
    )  # dots are larger here than `place_labels` takes them for
    window = plane.get_window_extent()
    frame = np.array([[window.x0, window.y0], [window.x1, window.y1]]) * 72 / figure.dpi
    offsets = place_labels(final, sizes, frame)
    width = np.linalg.norm(places[-1], axis=-1).mean() or 1.0

    def draw(k: int) -> list[Any]:
        shown = min(1.0, float(np.linalg.norm(places[k], axis=-1).mean()) / width)
        for i, (dot, tail, label) in enumerate(zip(dots, tails, labels, strict=True)):
            dot.set_data(*places[k, i][:, None])
            tail.set_data(*places[max(k - TAIL, 0) : k + 1, i].T)
            label.xy = tuple(places[k, i])
            label.set_position(tuple(offsets[i]))
            label.set_alpha(shown**2)
        here.set_data([time[k]], [losses[k]])
        return [*dots, *tails, *labels, here]

    return figure, draw
