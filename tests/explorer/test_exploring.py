"""explore: what comes back, what is refused, the file and the command."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import semdev as sd
from semdev.cli import main


def test_a_page_shows_itself_and_is_saved(tmp_path: Path) -> None:
    page = sd.explore(sd.solve(sd.load("saxe2019"), depth=2), title="Birds & <b>bees</b>")
    page.save(tmp_path / "page.html")
    written = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert written == page.page
    assert "Birds &amp; &lt;b&gt;bees" in written
    assert written.count("<b>bees") == 0
    assert page._repr_html_().startswith("<iframe")
    assert repr(page).startswith("<Explorer of Birds & <b>bees</b>: ")


def test_the_house_size_for_a_whole_world() -> None:
    """28 × 84 at 200 times, with several learners, stays under 6 MB."""
    world = sd.load("living_things")
    history = sd.train(
        sd.DeepLinear(32), world, seeds=10, record=200, dtype="float32", progress=False
    )
    page = sd.explore(history)
    assert "200 times" in page.page
    assert len(page.page.encode()) < 6e6


def test_what_cannot_be_explored_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    exact = sd.solve(sd.load("saxe2019"), depth=2)
    with pytest.raises(ValueError, match="seeds must be from 1 to 1, all there are, got 2"):
        sd.explore(exact, seeds=2)
    with pytest.raises(ValueError, match="at least two items and two times, got 4 items and 1"):
        sd.explore(exact, times=1)
    with pytest.raises(KeyError, match="did you mean 'output'"):
        sd.explore(exact, layer="outputs")
    with pytest.raises(TypeError, match=r"a History .* is needed, got Dataset"):
        sd.explore(sd.load("saxe2019"))
    with pytest.raises(ValueError, match=r"saved as an \.html file, got 'page\.png'"):
        sd.explore(exact).save("page.png")
    large = sd.solve(sd.branching_diffusion([10, 10], properties=1100, seed=0), depth=2)
    with pytest.raises(ValueError, match=r"100 items × 1100 properties are too many for a page"):
        sd.explore(large)
    monkeypatch.setitem(sys.modules, "bokeh", None)
    with pytest.raises(ImportError, match=r"pip install 'semdev\[explore\]'"):
        sd.explore(exact)


def test_the_history_is_left_alone() -> None:
    exact = sd.solve(sd.load("saxe2019"), depth=2)
    before = exact.copy(deep=True)
    sd.explore(exact)
    assert exact.identical(before)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "deep.nc"
    sd.save_history(sd.solve(sd.load("saxe2019"), depth=2), path)
    assert main(["explore", str(path), "--times", "20"]) == 0
    assert f"wrote {tmp_path / 'deep.html'}" in capsys.readouterr().out
    assert "20 times" in (tmp_path / "deep.html").read_text(encoding="utf-8")
    assert main(["explore", str(path), "--out", str(tmp_path / "deep.pdf")]) == 2
    assert "--out writes .html, .htm files" in capsys.readouterr().err
    assert main(["explore", str(tmp_path / "none.nc")]) == 2
    assert "none.nc" in capsys.readouterr().err


def test_the_same_history_makes_the_same_beliefs() -> None:
    exact = sd.solve(sd.load("saxe2019"), depth=2)
    from semdev.explorer.gathering import gather

    one, two = (gather(exact, seeds=None, times=30, layer="output") for _ in range(2))
    assert np.array_equal(one["beliefs"][0]["cells"], two["beliefs"][0]["cells"])
    assert np.array_equal(one["similarity"][0]["map"], two["similarity"][0]["map"])
