"""Styles of journals: sizes while in force, and nothing afterwards."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.text import Text

import semdev as sd
from semdev.plots.styles import DEFAULT, STYLES, now


@pytest.fixture(scope="module")
def exact():
    return sd.solve(sd.load("saxe2019"), depth=2)


@pytest.mark.parametrize(
    ("name", "columns", "width"),
    [("nature", 1, 89), ("nature", 2, 183), ("pnas", 1, 87), ("pnas", 3, 178),
     ("elsevier", 1, 90), ("elsevier", 3, 190), ("apa", 2, 165.1)],
)  # fmt: skip
def test_new_figures_are_as_wide_as_the_journal_s_columns(exact, name, columns, width) -> None:
    with sd.plots.style(name, columns=columns):
        for ax in (sd.plots.beliefs(exact, "salmon", "can fly"), sd.plots.loss(exact),
                   sd.plots.mds(exact), sd.plots.modes(exact)):  # fmt: skip
            assert ax.figure.get_figwidth() * 25.4 == pytest.approx(width, abs=0.1)


@pytest.mark.parametrize("name", list(STYLES))
def test_no_letter_is_smaller_than_the_journal_allows(exact, name: str) -> None:
    with sd.plots.style(name):
        axes = [
            sd.plots.beliefs(exact, ["salmon", "oak"], "can fly"), sd.plots.dendrograms(exact, 2),
            sd.plots.mds(exact), sd.plots.modes(exact), sd.plots.similarity(exact, 2),
        ]  # fmt: skip
        for ax in axes:
            ax.figure.draw_without_rendering()
            sizes = [t.get_fontsize() for t in ax.figure.findobj(Text) if t.get_text().strip()]
            assert min(sizes) >= STYLES[name].smallest - 0.6
            assert max(sizes) <= STYLES[name].text + 0.1
            assert ax.xaxis.label.get_fontsize() in (STYLES[name].text, STYLES[name].small)


def test_afterwards_everything_is_as_it_was(exact) -> None:
    before = dict(mpl.rcParams)
    with pytest.raises(ZeroDivisionError), sd.plots.style("nature", columns=2):
        1 / round(now().column - 183 / 25.4, 9)  # it is in force
    assert now() is DEFAULT
    assert dict(mpl.rcParams) == before
    assert sd.plots.loss(exact).figure.get_figwidth() == pytest.approx(3.4)


def test_unknown_styles_and_widths_teach() -> None:
    with pytest.raises(KeyError, match=r"no style 'natur' in semdev\.plots; did you mean 'nature'"):
        sd.plots.style("natur").__enter__()
    with pytest.raises(ValueError, match="nature has figures of 1 to 2 columns, got columns=3"):
        sd.plots.style("nature", columns=3).__enter__()


def test_letters_are_embedded(exact, tmp_path: Path) -> None:
    with sd.plots.style("nature"):
        ax = sd.plots.loss(exact)
        sd.plots.save_figure(ax, tmp_path / "loss.pdf", exact=True)
        sd.plots.save_figure(ax, tmp_path / "loss.svg", exact=True)
    pdf = (tmp_path / "loss.pdf").read_bytes()
    assert b"/FontFile2" in pdf  # TrueType, embedded
    assert b"/Type3" not in pdf
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", pdf)
    assert box is not None
    assert float(box[1]) == pytest.approx(89 / 25.4 * 72, abs=0.1)
    svg = (tmp_path / "loss.svg").read_text()
    assert "<text" not in svg


def test_a_figure_is_saved_the_same_every_time_and_whole(exact, tmp_path: Path) -> None:
    for kind in ("svg", "pdf", "png"):
        ax = sd.plots.loss(exact)
        sd.plots.save_figure(ax, tmp_path / f"a.{kind}")
        sd.plots.save_figure(sd.plots.loss(exact).figure, tmp_path / f"b.{kind}")
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    with pytest.raises(ValueError, match=r"saved as \.svg, \.pdf, \.png files, got 'a\.jpg'"):
        sd.plots.save_figure(ax, "a.jpg")
