"""The table of a comparison, drawn."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from semdev.comparing.results import Comparison
from semdev.plots.comparison import comparison, find_size


@pytest.fixture
def found():
    """Two models, three phenomena, on two worlds: shown, half shown, not applicable; failed."""
    met = np.zeros((2, 2, 3, 4), dtype=bool)
    met[0, 0, 0], met[0, 0, 1, :2] = True, True
    status = np.full((2, 2, 3), "not applicable")
    status[:, :, :2] = "asked"
    status[0, 1, 2] = "failed"
    return Comparison(
        xr.Dataset(
            {"met": (("world", "model", "phenomenon", "seed"), met),
             "status": (("world", "model", "phenomenon"), status)},
            coords={"world": ["zoo", "farm"], "model": ["deep", "shallow"],
                    "phenomenon": ["U-shape", "stages", "a phenomenon of long name"]},
        )
    )  # fmt: skip


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_each_cell_has_its_percentage_or_mark(found):
    axes = comparison(found)
    texts = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}
    assert texts == {
        (0, 0): "100",
        (1, 0): "0",
        (0, 1): "50",
        (1, 1): "0",
        (0, 2): "–",
        (1, 2): "!",
    }
    assert [text.get_text() for text in axes.get_yticklabels()][2] == "a phenomenon of long name"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["deep", "shallow"]
    assert axes.get_xlabel() == "zoo: % of 4 seeds"


def test_the_bluer_the_more_and_grey_where_it_was_not_asked(found):
    image = comparison(found).images[0]
    shown = image.get_array()
    assert shown.mask[2].all()
    assert not shown.mask[:2].any()
    colors = [to_hex(image.to_rgba(shown)[k, 0]) for k in range(3)]
    assert colors[0] == "#0072b2"
    assert colors[2] == "#ededed"
    assert image.to_rgba(shown)[1, 0, 0] == pytest.approx(0.5, abs=0.01)


def test_another_world_and_given_axes(found):
    _figure, axes = plt.subplots()
    assert comparison(found, world="farm", ax=axes) is axes
    assert axes.get_xlabel().startswith("farm")
    with pytest.raises(KeyError, match="did you mean 'farm'"):
        comparison(found, world="farms")


def test_no_text_is_drawn_over_another(found):
    axes = comparison(found)
    axes.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in [*axes.texts, *axes.get_yticklabels()]]
    pairs = [(a, b) for k, a in enumerate(boxes) for b in boxes[k + 1 :] if a.overlaps(b)]
    assert pairs == []
    width, height = find_size(found)
    assert axes.figure.get_size_inches().tolist() == [width, height]
