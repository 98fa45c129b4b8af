"""Papers: every claim is checked, every figure drawn from stored data, nothing left behind."""

from __future__ import annotations

import sys
from types import ModuleType

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from semdev.papers import (
    PAPERS,
    Check,
    get_paper,
    list_figures,
    reproduce,
    reproduce_figure,
    reproducing,
)
from semdev.papers.checks import COLUMNS, lay_out, spread, tabulate

FEWER: dict[tuple[str, str], dict] = {
    ("mcclelland2003", "fig1"): {"seeds": 12, "steps": 1500},
    ("mcclelland2003", "fig2"): {
        "seeds": 12, "steps": 1500, "start_seeds": 3,
        "sweeps": {
            "rumelhart8": {"variance .9": 700, "±.9": 900, "±.1": 2200},
            "rogers2004": {"variance .9": 300, "±.9": 300, "±.1": 500},
        },
    },
    ("mcclelland2003", "fig3"): {"seeds": 6, "steps": 1000, "other_steps": 400},
    ("mcclelland2003", "fig4"): {"seeds": 12, "steps": 1500, "draws": 10, "worlds": 1},
    ("mcclelland2003", "fig5"): {"seeds": 12, "steps": 1500, "sweeps": 150},
    **{("rogers2004", f"fig{k}"): {"seeds": 8, "steps": 600} for k in (1, 3, 5, 6, 8)},
    ("rogers2004", "fig2"): {"seeds": 8, "steps": 600, "variants": ("no noise",)},
    ("rogers2004", "fig4"): {"seeds": 8, "steps": 600, "times": (2,)},
    ("rogers2004", "fig7"): {"seeds": 8, "steps": 600, "draws": 5},
    ("saxe2014", "fig1"): {"seeds": 4},
    ("saxe2014", "fig2"): {"draws": 100},
    ("saxe2014", "fig3"): {"seeds": 4},
    ("saxe2014", "fig4"): {"layers": (3, 4, 7, 10, 20, 30, 50), "networks": (3, 10)},
    ("saxe2014", "fig5"): {"seeds": 2, "controls": 20},
    ("saxe2014", "fig6"): {
        "seeds": 2, "depths": (2, 4, 8, 16, 32), "most_updates": 150, "draws": 4,
        "sizes": (10, 50, 100),
    },
    ("saxe2014", "fig7"): {"units": 80, "seeds": 2},
    ("saxe2014", "figS1"): {
        "seeds": 4, "restarts": 10, "restart_steps": 4000, "ratios": (1.5, 3.0),
    },
    ("saxe2014", "figS2"): {"seeds": 4, "levels": 3, "properties": 60},
    ("cao2020", "fig1"): {"seeds": 6, "hidden": 16},
    ("cao2020", "fig2"): {
        "seeds": 3, "published_seeds": 8, "feedback": (-1.0, 0.0, 1.0),
        "hebbian": (-0.2, 0.0, 5.0, 20.0),
    },
    ("cao2020", "fig3"): {"seeds": 6},
    ("saxe2019", "fig1"): {"seeds": 8},
    ("saxe2019", "fig2"): {},
    ("saxe2019", "fig3"): {"seeds": 8},
    ("saxe2019", "fig4"): {"draws": 20, "seeds": 6},
    ("saxe2019", "fig5"): {"seeds": 6},
    ("saxe2019", "fig6"): {"seeds": 4, "corpora": ["rogers2004"]},
    ("saxe2019", "fig7"): {
        "items": 250, "properties": 400, "targets": (0.5, 2, 5), "draws": 8, "large": 0, "seeds": 4,
    },
    ("saxe2019", "fig8"): {"worlds": 10, "closed": 200, "seeds": 3},
    ("saxe2019", "fig9"): {"worlds": 5, "networks": 2, "pairs": 24},
    ("saxe2019", "fig10"): {"seeds": 6},
    ("saxe2019", "fig11"): {"seeds": 6, "scales": (0.1, 1.0, 4.0), "layer_scales": (0.3, 0.8)},
    ("rubruck2024", "fig1"): {"seeds": 4, "correlations": (0.0, 0.6)},
    ("rubruck2024", "fig2"): {"seeds": 4, "worlds": ["rumelhart8"], "corpora": ["saxe2014"]},
}  # fmt: skip
FIGURES = [(name, figure) for name in PAPERS for figure in list_figures(get_paper(name))]


@pytest.fixture(scope="module", params=FIGURES, ids=lambda pair: " ".join(pair))
def result(request: pytest.FixtureRequest) -> tuple[ModuleType, str, dict]:
    """A figure's data, computed once from fewer seeds than published."""
    name, figure = request.param
    paper = get_paper(name)
    return paper, figure, getattr(paper, f"{figure}_data")(**FEWER[name, figure])


def test_every_figure_is_covered() -> None:
    assert set(FIGURES) == set(FEWER)


def test_every_check_holds_on_other_numbers_of_seeds(result: tuple) -> None:
    paper, figure, data = result
    checks = getattr(paper, f"{figure}_checks")(data)
    assert checks
    assert [check.claim for check in checks if not (check.holds or check.note)] == []
    for check in checks:
        assert check.source in ("published", "ours")
        assert any(sign.isdigit() for sign in check.number)
        assert check.expected


def test_the_figure_is_drawn_from_the_data(result: tuple) -> None:
    paper, figure, data = result
    before = dict(mpl.rcParams)
    drawn = getattr(paper, figure)(data)
    assert isinstance(drawn, Figure)
    assert drawn.axes
    for axes in drawn.axes:
        assert axes.lines or axes.images or axes.collections
    assert dict(mpl.rcParams) == before


def test_figures_say_what_they_claim(result: tuple) -> None:
    paper, figure, _ = result
    assert paper.__doc__.startswith("Claim: ")
    assert getattr(paper, f"{figure}_data").__doc__.startswith("Claim: ")
    assert getattr(paper, figure).__doc__


def test_a_check_can_fail() -> None:
    paper = get_paper("saxe2019")
    data = paper.fig1_data(seeds=2)
    spoilt = {**data, "deep": data["deep"].assign(output=data["deep"]["output"] + 0.1)}
    verdicts = [check.holds for check in paper.fig1_checks(spoilt)]
    assert verdicts == [True, False]


def test_swapping_deep_and_shallow_is_noticed() -> None:
    paper = get_paper("saxe2019")
    data = paper.fig3_data(seeds=2)
    swapped = {
        "deep": data["shallow"], "shallow": data["deep"],
        "deep theory": data["shallow theory"].isel(seed=[0, 0]).assign_coords(seed=[0, 1]),
        "shallow theory": data["deep theory"].isel(seed=[0]),
    }  # fmt: skip
    swapped["shallow theory"] = swapped["shallow theory"].assign_coords(seed=[0])
    failed = {check.claim for check in paper.fig3_checks(swapped) if not check.holds}
    assert "deep: transitions are sharp and sigmoidal" in failed
    assert "shallow control: exponential, without stages" in failed


def test_reproduce_writes_figures_and_tabulates(tmp_path) -> None:
    table, written = reproduce_figure(get_paper("saxe2019"), "fig2", folder=tmp_path)
    assert [path.name for path in written] == ["saxe2019_fig2.svg", "saxe2019_fig2.pdf"]
    assert all(path.stat().st_size > 1000 for path in written)
    assert list(table.columns) == ["paper", "figure", *COLUMNS]
    assert (table["figure"] == "fig2").all()
    with pytest.raises(KeyError, match="no figure 'fig0' in saxe2019; did you mean 'fig"):
        reproduce_figure(get_paper("saxe2019"), "fig0")


def test_figures_are_the_same_file_twice(tmp_path) -> None:
    (one, two) = (tmp_path / "one", tmp_path / "two")
    for folder in (one, two):
        reproduce_figure(get_paper("saxe2019"), "fig2", folder=folder)
    assert (one / "saxe2019_fig2.svg").read_text() == (two / "saxe2019_fig2.svg").read_text()


@pytest.fixture
def toy(monkeypatch) -> ModuleType:
    """A paper of two figures that counts how often each is computed."""
    paper = ModuleType("semdev.papers.toy")
    paper.computed = []

    def add(name: str, number: int) -> None:
        def compute() -> int:
            paper.computed.append(name)
            if number < 0:
                raise KeyboardInterrupt
            return number

        setattr(paper, f"{name}_data", compute)
        setattr(paper, name, lambda data: Figure())
        check = lambda data: [Check("ten", str(data), "> 5", data > 5, expected="10")]  # noqa: E731
        setattr(paper, f"{name}_checks", check)

    paper.add = add
    add("fig10", 10)
    add("fig2", 2)
    monkeypatch.setitem(sys.modules, "semdev.papers.toy", paper)
    return paper


def test_reproduce_runs_whole_papers_in_order(toy: ModuleType) -> None:
    table, written = reproduce([toy], progress=False)
    assert table["figure"].tolist() == ["fig2", "fig10"]
    assert table["holds"].tolist() == [False, True]
    assert written == []


def test_a_stopped_run_goes_on_where_it_was(toy: ModuleType, tmp_path) -> None:
    toy.add("fig10", -1)
    with pytest.raises(KeyboardInterrupt):
        reproduce([toy], folder=tmp_path, progress=False)
    assert toy.computed == ["fig2", "fig10"]
    toy.add("fig10", 11)
    table, written = reproduce([toy], folder=tmp_path, progress=False)
    assert toy.computed == ["fig2", "fig10", "fig10"]
    assert table["number"].tolist() == ["2", "11"]
    assert [path.name for path in written][-1] == "checks.csv"
    assert pd.read_csv(written[-1])["claim"].tolist() == ["ten", "ten"]
    reproduce([toy], folder=tmp_path, progress=False)  # a finished run begins anew
    assert toy.computed[3:] == ["fig2", "fig10"]


def test_what_other_code_left_is_not_taken_up(toy: ModuleType, tmp_path, monkeypatch) -> None:
    toy.add("fig10", -1)
    with pytest.raises(KeyboardInterrupt):
        reproduce([toy], folder=tmp_path, progress=False)
    toy.add("fig10", 11)
    monkeypatch.setattr(reproducing, "_digest_code", lambda: "other code")
    reproduce([toy], folder=tmp_path, progress=False)
    assert toy.computed == ["fig2", "fig10", "fig2", "fig10"]


def test_figures_that_were_not_drawn_are_drawn_when_wanted(toy: ModuleType, tmp_path) -> None:
    toy.add("fig10", -1)
    with pytest.raises(KeyboardInterrupt):
        reproduce([toy], folder=tmp_path, figures=False, progress=False)
    toy.add("fig10", 11)
    _, written = reproduce([toy], folder=tmp_path, progress=False)
    assert [path.name for path in written[:2]] == ["toy_fig2.svg", "toy_fig2.pdf"]
    assert toy.computed == ["fig2", "fig10", "fig2", "fig10"]


def test_what_cannot_be_read_is_computed_again(toy: ModuleType, tmp_path) -> None:
    toy.add("fig10", -1)
    with pytest.raises(KeyboardInterrupt):
        reproduce([toy], folder=tmp_path, progress=False)
    for path in (tmp_path / reproducing.UNFINISHED).iterdir():
        path.write_text("{", encoding="utf-8")
    toy.add("fig10", 11)
    table, _ = reproduce([toy], folder=tmp_path, figures=False, progress=False)
    assert table["number"].tolist() == ["2", "11"]
    assert toy.computed == ["fig2", "fig10", "fig2", "fig10"]
    assert not (tmp_path / "toy_fig10.svg").exists()  # figures=False


def test_a_miss_is_said_with_its_reason() -> None:
    checks = [
        Check("grass is red", "green " * 30, "red", False, note="chlorophyll", expected="red"),
        Check("snow is white", "white", "white", True, panel="b"),
    ]
    text = lay_out(tabulate(checks).assign(paper="colours", figure="fig1"), width=100)
    assert "why: chlorophyll" in text
    assert [line.split()[-1] for line in text.splitlines() if "fig1" in line or "MISS" in line]
    assert text.count("MISS") == 1
    assert "fig1b" in text
    assert max(map(len, text.splitlines())) <= 100


def test_unknown_paper_is_refused() -> None:
    with pytest.raises(KeyError, match="no paper 'saxe2015' in semdev; did you mean 'saxe201"):
        get_paper("saxe2015")


def test_spread_and_table() -> None:
    assert spread(np.arange(101), form=".1f") == "50.0 [2.5, 97.5]"
    assert spread([-1e-9, -1e-9]) == "0.000 [0.000, 0.000]"
    table = tabulate([Check("a", "1", "> 0", np.bool_(True), "published")])
    assert table.loc[0, "holds"] is np.True_ or table.loc[0, "holds"] is True
