"""Papers: every claim is checked, every figure drawn from stored data, nothing left behind."""

from __future__ import annotations

from types import ModuleType

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from semdev.papers import PAPERS, Check, get_paper, list_figures, reproduce, reproduce_figure
from semdev.papers.checks import spread, tabulate

FEWER = {
    ("saxe2014", "fig3"): {"seeds": 4},
    ("saxe2019", "fig1"): {"seeds": 8},
    ("saxe2019", "fig2"): {},
    ("saxe2019", "fig3"): {"seeds": 8},
    ("saxe2019", "fig4"): {"draws": 20, "seeds": 6},
    ("saxe2019", "fig5"): {"seeds": 6},
}
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
    assert [check.claim for check in checks if not check.holds] == []
    for check in checks:
        assert check.source in ("published", "ours")
        assert any(sign.isdigit() for sign in check.number)


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
    assert list(table.columns) == ["figure", "claim", "number", "criterion", "holds", "source"]
    assert (table["figure"] == "saxe2019 fig2").all()


def test_figures_are_the_same_file_twice(tmp_path) -> None:
    (one, two) = (tmp_path / "one", tmp_path / "two")
    for folder in (one, two):
        reproduce_figure(get_paper("saxe2019"), "fig2", folder=folder)
    assert (one / "saxe2019_fig2.svg").read_text() == (two / "saxe2019_fig2.svg").read_text()


def test_reproduce_runs_whole_papers_and_says_what_it_does(monkeypatch) -> None:
    paper = ModuleType("semdev.papers.toy")
    paper.fig1_data = lambda: 2
    paper.fig1_checks = lambda data: [Check("two", str(data), "= 2", data == 2)]
    said: list[str] = []
    table, written = reproduce([paper], progress=False, say=said.append)
    assert said == ["toy fig1"]
    assert table["holds"].tolist() == [True]
    assert written == []


def test_unknown_paper_is_refused() -> None:
    with pytest.raises(KeyError, match="no paper 'saxe2015' in semdev; did you mean 'saxe201"):
        get_paper("saxe2015")


def test_spread_and_table() -> None:
    assert spread(np.arange(101), form=".1f") == "50.0 [2.5, 97.5]"
    assert spread([-1e-9, -1e-9]) == "0.000 [0.000, 0.000]"
    table = tabulate([Check("a", "1", "> 0", np.bool_(True), "published")])
    assert table.loc[0, "holds"] is np.True_ or table.loc[0, "holds"] is True
