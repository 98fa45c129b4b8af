"""What is shown of Histories, measures, checks and recoveries: complete, escaped, small, safe."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import semdev as sd
from semdev._html import STYLE, spark_line, spark_text
from semdev.factored import Factors, find_factors
from semdev.models import following
from semdev.papers.checks import Check, tabulate
from semdev.showing import find_page, show
from semdev.showing.histories import write_size

VOID = {"br", "input"}


class Page(HTMLParser):
    """The page as a browser would read it: all tags closed, its text collected."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.tags = [], "", []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def own_part(shown):
    """Return the page of a value without xarray's own, which is folded below."""
    return shown.html.split("<summary>as xarray shows it</summary>")[0]


@pytest.fixture(scope="module")
def deep():
    return sd.train(
        sd.DeepLinear(hidden=8), sd.load("rumelhart8"), seeds=4, hidden=True, keep_weights=True,
        progress=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def exact():
    return sd.solve(sd.load("rumelhart8"), depth=2)


def test_a_history_says_who_learned_what_for_how_long_and_what_it_holds(deep):
    shown = show(deep)
    for text in (repr(shown), Page(shown.html).text):
        assert "DeepLinear(hidden=8" in text
        assert "on rumelhart8" in text
        assert "8 items × 36 properties, coded 0/1; a tree of 4 levels" in text
        assert "0, 1, 2, 3; settled in all" in text
        assert f"{deep.sizes['time']} recorded ({int(deep['step'][-1]):,} updates)" in text
        assert f"output {write_size(deep['output'].nbytes)}" in text
        assert "hidden_1" in text
        assert "weights_2" in text
        assert re.search(r"semdev\.train:\s+learning\s+rate", text)
        assert f"numpy {np.__version__}" in text
        assert sd.get_provenance(deep)["digest"] in text
    assert own_part(shown).count("<svg") == 1
    assert "<polygon" in own_part(shown)  # several seeds: a band
    assert all(len(line) <= 100 for line in repr(shown).splitlines())


def test_xarrays_own_view_is_folded_below(deep):
    html = show(deep).html
    folded = html.index("<details><summary>as xarray shows it</summary>")
    assert html.index("xr-wrap") > folded


def test_one_seed_has_no_band_and_no_interval(exact):
    shown = show(exact)
    assert "0; settled" in repr(shown)
    assert "<polygon" not in own_part(shown)
    loss = next(line for line in repr(shown).splitlines() if "loss" in line)
    assert "[" not in loss


def test_seeds_that_have_not_settled_are_counted():
    short = sd.train(sd.DeepLinear(8), sd.load("saxe2019"), seeds=7, steps=3, progress=False)
    assert "0 to 6 (7); settled in 0 of 7" in repr(show(short))


def test_a_history_without_outputs_says_so_and_what_it_keeps():
    kept = sd.train(
        sd.DeepLinear(8), sd.load("saxe2019"), seeds=2, keep=sd.mode_strengths, progress=False
    )
    text = " ".join(repr(show(kept)).split())
    assert "no outputs" in text
    assert "strength " in text


@pytest.mark.parametrize(
    "make",
    [
        lambda world: sd.Learner(sd.RefittedSVD()).learn(world, seeds=[0, 1]),
        lambda world: sd.train(sd.Rumelhart(), world, seeds=2, steps=5, hidden=True),
        lambda world: sd.solve(world, depth=1),
        lambda world: sd.solve(world, depth=2).isel(item=[0]),
        lambda world: sd.solve(world, depth=2).isel(time=[0]),
    ],
    ids=["rival", "rumelhart", "shallow theory", "one item", "one time"],
)  # fmt: skip
def test_every_kind_of_history_is_shown(make):
    history = make(sd.load("rumelhart8"))
    shown = find_page(history)
    assert shown is not None
    assert "on rumelhart8" in Page(shown.html).text


def test_factored_outputs_are_not_multiplied_out(monkeypatch):
    monkeypatch.setattr(following, "AT_ONCE", 0)
    large = sd.solve(sd.load("zoo"), depth=2)
    monkeypatch.setattr(Factors, "expand", None)  # to multiply any of it out would fail
    assert find_factors(large["output"]) is not None
    text = repr(show(large))
    assert "output kept as factors" in text
    assert "multiplied out)" in text
    assert find_factors(large["output"]) is not None  # all of it would have been kept
    assert len(show(large).html) < 60_000


def test_a_history_from_a_file_is_shown_alike(deep, tmp_path):
    again = sd.load_history(sd.save_history(deep, tmp_path / "deep.nc"))
    assert repr(show(again)) == repr(show(deep))


def test_numbers_that_ran_away_are_shown_all_the_same(deep):
    lost = deep.copy(deep=True)
    lost["loss"][:, 5:] = np.inf
    lost["loss"][0, 3] = np.nan
    assert "History of" in repr(show(lost))
    Page(show(lost).html)


@pytest.mark.parametrize(
    "provenance", ["{not json", "[1, 2]", "3", 7, '{"seeds": 3, "versions": 2}']
)
def test_odd_attributes_are_left_to_xarray_or_shown_but_never_raise(exact, provenance):
    odd = exact.assign_attrs(provenance=provenance)
    assert find_page(odd) is None or "History" in repr(find_page(odd))
    assert repr(show(odd))
    assert show(odd).html


def test_what_only_looks_like_a_history_is_left_to_xarray(exact):
    for other in (
        exact.isel(seed=0), exact.drop_vars("loss"), exact.rename(item="thing"),
        exact.isel(time=[0, 0]), exact.assign_attrs(schema=1).drop_vars("frequency"),
        xr.Dataset(attrs={"schema": 1}), xr.DataArray([1.0], dims="seed"), 3, None, [],
        pd.DataFrame({"a": [1]}),
    ):  # fmt: skip
        assert find_page(other) is None
    assert repr(show(3)) == "3"
    assert show("<b>").html == "<pre>&#x27;&lt;b&gt;&#x27;</pre>"
    assert show(sd.load("saxe2019")).html == sd.load("saxe2019")._repr_html_()


def test_a_bare_dataset_without_a_schema_is_shown_only_when_asked_to(exact):
    bare = exact.drop_attrs()
    assert find_page(bare) is None
    assert repr(show(bare)).startswith("History of a learner on a world")


def test_names_are_escaped():
    table = xr.DataArray(
        [[1.0, 0.0], [0.0, 1.0]], dims=("item", "property"),
        coords={"item": ["<i>x</i>", "b"], "property": ["<script>", "q"]},
    )  # fmt: skip
    world = sd.Dataset(table, None, "<img src=x>")
    history = sd.solve(world, depth=2)
    history.attrs["provenance"] = history.attrs["provenance"].replace("closed form", "<u>form")
    for value in (history, sd.mode_strengths(history), sd.similarity(history)):
        page = own_part(show(value))
        assert not re.search(r"<(script|img|u|i)\b", page)
        Page(page.removesuffix("<details>") + "</div>")


def test_a_measure_shows_its_table_and_what_its_columns_mean(deep):
    over = sd.overgeneralizations(deep)
    shown = find_page(over)
    assert "from overgeneralizations: 4 seeds × 8 items × 36 properties" in repr(shown)
    assert "first 12 of 195 rows" in repr(shown)
    rows = [line.split() for line in repr(shown).splitlines()[3:]]
    assert rows[0][:3] == ["pine", "has", "leaves"]  # the greatest excess first
    median = float(over["peak"].sel(item="pine", property="has leaves").median())
    assert rows[0][3] == f"{median:.3g}"
    page = Page(shown.html)
    assert "what the columns mean" in page.text
    assert "how long" in page.text
    assert "% of seeds" in page.text


def test_curves_are_shown_at_their_end_and_as_spark_lines(deep):
    strengths = sd.mode_strengths(deep)
    shown = find_page(strengths)
    assert own_part(shown).count("<svg") == 8
    assert "of the last time" in repr(shown)
    end = float(strengths.isel(time=-1, mode=0).median())
    assert f"{end:.3g}" in repr(shown).splitlines()[3]
    assert "█" in repr(shown)


def test_selected_or_derived_measures_and_single_seeds_are_shown(deep, exact):
    over = sd.overgeneralizations(deep)
    for value in (
        over.sel(item="pine"), over.isel(seed=[0]), over.isel(seed=0), over[["peak"]],
        sd.transitions(exact), sd.differentiation(deep), sd.typicality(deep),
        sd.mode_strengths(exact), sd.similarity(deep).isel(time=-1),
    ):  # fmt: skip
        shown = find_page(value)
        assert shown is not None
        Page(shown.html)


def test_measuring_leaves_no_mark_on_what_was_kept():
    kept = sd.train(
        sd.DeepLinear(8), sd.load("saxe2019"), seeds=2, keep=sd.mode_strengths, progress=False
    )
    before = dict(kept["strength"].attrs)
    sd.mode_strengths(kept)
    assert kept["strength"].attrs == before


def test_a_huge_measure_is_left_to_xarray():
    huge = xr.DataArray(
        np.broadcast_to(0.0, (1000, 300, 300)), dims=("seed", "item", "item_2"),
        attrs={"measured_by": "similarity"},
    )  # fmt: skip
    assert find_page(huge) is None


def test_checks_are_shown_with_words_and_reasons():
    checks = [
        Check("two & two", "4", "= 4", True, expected="4"),
        Check("pigs fly", "0 %", "> 50 %", False, note="no <wings>"),
    ]
    for value in (checks, tabulate(checks)):
        shown = show(value)
        assert repr(shown).startswith("1 of 2 checks hold\n")
        assert "why: no <wings>" in repr(shown)
        page = Page(shown.html)
        assert "✓ holds" in page.text
        assert "✗ MISS" in page.text
        assert "why: no <wings>" in page.text


def test_recovery_is_a_square_of_models():
    share = xr.DataArray(
        [[[0.9, 0.1], [0.2, 0.8]]], dims=("world", "made", "picked"),
        coords={"world": ["zoo"], "made": ["a<b", "c"], "picked": ["a<b", "c"]},
    )  # fmt: skip
    found = xr.Dataset(
        {"share": share, "low": share - 0.1, "high": share + 0.1}, attrs={"by": "values"}
    )
    shown = find_page(found)
    page = Page(shown.html)
    assert page.text.count("a<b") >= 2
    assert "90 [80, 100]" in page.text
    assert "90 [80, 100]" in repr(shown)


def test_spark_lines_need_two_known_points():
    assert spark_line(np.arange(2.0), np.full((3, 2), np.nan)) == ""
    assert spark_line(np.arange(1.0), np.ones((3, 1))) == ""
    assert spark_text(np.array([np.nan])) == ""
    flat = spark_line(np.arange(300.0), np.ones((3, 300)))
    assert len(re.findall(r"\d,\d", flat)) == 80
    assert "polygon" not in flat


def test_colours_suit_light_and_dark_pages():
    selectors = re.findall(r"([^{}<>]+)\{", STYLE)
    assert len(selectors) > 10
    assert all(s.strip().startswith(".semdev") for one in selectors for s in one.split(","))
    assert set(re.findall(r"#[0-9A-F]{6}", STYLE)) == {"#D55E00", "#56B4E9"}
    assert not re.search(r"[;{]color:(?!#)", STYLE)  # text has the page's own colour
    assert re.search(r"\b(white|black)\b(?!-)", STYLE) is None
