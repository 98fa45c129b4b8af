"""A moving picture of differentiation: its frames, its files, what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import semdev as sd


@pytest.fixture(scope="module")
def exact():
    return sd.solve(sd.load("saxe2019"), depth=2)


def test_items_part_as_the_map_has_them_while_the_loss_falls(exact) -> None:
    moving = sd.plots.animate(exact, seconds=1, rate=10)
    assert moving.frames == 10
    spread, errors = [], []
    for k in (0, 4, 9):
        *_, here = drawn = moving.draw(k)
        dots = np.array([dot.get_data() for dot in drawn[:4]])[..., 0]
        spread.append(np.linalg.norm(dots - dots.mean(0)))
        errors.append(here.get_ydata()[0])
    assert spread[0] < 0.05 * spread[2] < spread[1] <= 1.05 * spread[2]
    assert errors[0] > errors[1] > errors[2]
    paths = sd.mds_trajectories(exact.sel(time=slice(None, None)))
    assert dots == pytest.approx(paths.values[-1], abs=0.15 * np.abs(paths.values).max())
    labels = [each.get_text() for each in drawn[8:12]]
    assert labels == exact["item"].values.tolist()


def test_a_gif_has_all_frames_and_shows_itself(exact, tmp_path: Path) -> None:
    moving = sd.plots.animate(exact, seconds=0.5, rate=8)
    moving.save(tmp_path / "parting.gif", dpi=30, progress=False)
    with Image.open(tmp_path / "parting.gif") as picture:
        assert picture.n_frames == 4
        assert picture.size == (300, 300)
    assert moving._repr_html_().startswith('<img alt="(Animation of 0.5 s')


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_an_mp4(exact, tmp_path: Path) -> None:
    sd.plots.animate(exact, seconds=0.5, rate=8).save(tmp_path / "a.mp4", progress=False)
    assert (tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"


def test_what_cannot_be_animated_is_said(exact, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="two times, a length and a rate; got 1 times"):
        sd.plots.animate(exact.isel(time=[0]))
    with pytest.raises(ValueError, match="seconds=0"):
        sd.plots.animate(exact, seconds=0)
    moving = sd.plots.animate(exact, seconds=0.5, rate=8)
    with pytest.raises(ValueError, match=r"saved as \.gif or \.mp4 files, got 'a\.avi'"):
        moving.save("a.avi")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match="needs ffmpeg, which is not installed"):
        moving.save("a.mp4")
