"""The page of a Dataset: well formed, complete, escaped, in the order of its tree."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import semdev as sd
from semdev import trees
from semdev.data import html
from semdev.data.dataset import Dataset


class Page(HTMLParser):
    """What a browser would see: the tree of tags checked, the table's rows collected."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.text, self.style = [], [], "", ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append({"tag": tag, "text": "", "dot": None, **dict(attrs)})
        if tag == "i":
            self.rows[-1][-1]["dot"] = dict(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            self.style += data
        elif "th" in self.open:
            self.rows[-1][-1]["text"] += data
        else:
            self.text += data

    @property
    def groups(self):
        return [(cell["text"], int(cell["colspan"])) for cell in self.rows[0][1:]]

    @property
    def properties(self):
        return [cell["text"] for cell in self.rows[1][1:]]

    @property
    def lines(self):
        """The first cell of every line, and whether it is an item's."""
        return [(row[0]["text"], row[0].get("class") != "class") for row in self.rows[2:]]

    def dots(self, item):
        row = next(row for row in self.rows[2:] if row[0]["text"] == item)
        return [cell["dot"] for cell in row[1:]]


def make(values, items, properties, tree=None, name="garden", **coords):
    coords = {"item": items, "property": properties} | coords
    return Dataset(xr.DataArray(values, dims=("item", "property"), coords=coords), tree, name)


def show(data):
    return Page(data._repr_html_())


def test_a_small_page_by_hand():
    tree = trees.from_nested({"animal": {"bird": ["robin"], "worm": None}})
    page = show(make([[0, 1, 1], [1, 0, 1]], ["worm", "robin"], ["can a", "is b", "can c"], tree))
    assert page.text == "garden: 2 items × 3 properties, coded 0/1"
    assert page.groups == [("can", 2), ("is", 1)]
    assert page.properties == ["can a", "can c", "is b"]
    assert page.lines == [("animal", False), ("bird", False), ("robin", True), ("worm", True)]
    assert page.dots("robin") == [{}, {}, None]
    assert page.dots("worm") == [None, {}, {}]
    assert [row[0]["style"] for row in page.rows[2:]] == [
        f"padding-left:{depth}em" for depth in (0.3, 1.3, 2.3, 1.3)
    ]


@pytest.mark.parametrize("name", ["rumelhart8", "rogers2004", "living_things"])
def test_every_item_property_and_true_cell_is_on_the_page(name):
    data = sd.load(name)
    page, table = show(data), data.properties
    assert sorted(page.properties) == sorted(table["property"].values)
    assert [item for item, is_item in page.lines if is_item] == trees.leaves(data.tree)
    assert {line for line, _ in page.lines} == set(data.tree)
    for item in table["item"].values:
        dots = [dot is not None for dot in page.dots(item)]
        assert dots == (table.sel(item=item, property=page.properties) == 1).values.tolist()


NASTY = st.text("<>&'\" /aé", min_size=1, max_size=8)


@settings(deadline=None)
@given(st.lists(NASTY, min_size=5, max_size=5, unique=True))
def test_every_name_is_escaped(names):
    a, b, c, d, e = names
    tree = trees.from_nested({c: [a, b]})
    page = show(make([[1, 0], [0, 1]], [a, b], [c, d], tree, name=e, relation=("property", [a, b])))
    assert page.lines == [(c, False), (a, True), (b, True)]
    assert page.properties == [c, d]
    assert page.groups == [(a, 1), (b, 1)]
    assert page.text == f"{e}: 2 items × 2 properties, coded 0/1"


def test_graded_and_negative_cells():
    page = show(make([[0, 2, 1], [-0.5, -2, 0]], ["robin", "worm"], list("abc")))
    assert page.dots("robin") == [None, {}, {"style": "opacity:0.50"}]
    assert page.dots("worm") == [{"class": "neg", "style": "opacity:0.25"}, {"class": "neg"}, None]
    signed = show(make([[1, -1]], ["robin"], list("ab")))
    assert signed.dots("robin") == [{}, {"class": "neg"}]
    assert signed.text.endswith("coded ±1")
    empty = show(make([[0, 0]], ["robin"], list("ab")))
    assert empty.dots("robin") == [None, None]


@pytest.mark.parametrize("with_tree", [True, False])
@pytest.mark.parametrize(
    ("items", "properties", "note"),
    [
        (60, 120, ""),
        (61, 2, " (the first 60 × 2 shown)"),
        (2, 121, " (the first 2 × 120 shown)"),
        (70, 130, " (the first 60 × 120 shown)"),
    ],
)
def test_a_large_page_is_cut_and_says_so(items, properties, note, with_tree):
    names, labels = [f"i{k}" for k in range(items)], [f"p{k}" for k in range(properties)]
    pairs = {f"class {k}": {f"kind {k}": names[k : k + 1]} for k in range(items)}
    tree = trees.from_nested(pairs) if with_tree else None
    page = show(make(np.ones((items, properties)), names, labels, tree))
    assert page.text.endswith(f"coded 0/1{note}")
    assert [line for line, is_item in page.lines if is_item] == names[: html.MOST_ITEMS]
    assert page.properties == labels[: html.MOST_PROPERTIES]


def test_a_corpus_with_a_long_tree_is_cut_by_items():
    page = show(sd.load("zoo"))
    assert sum(is_item for _, is_item in page.lines) == html.MOST_ITEMS
    assert page.text.endswith(" (the first 60 × 23 shown)")


def test_colours_suit_light_and_dark_pages():
    style = show(sd.load("saxe2019")).style
    # Text is the page's own colour, but where it stands on a ground of its own.
    ours = "var(--jp-ui-font-color1,var(--vscode-editor-foreground,CanvasText))"
    assert re.findall(r"(?<![-\w])color:([^;}]*)", style) == [ours]
    assert set(re.findall(r"#\w+", style)) == {"#0072B2", "#D55E00"}  # mid tones (Okabe-Ito)
    behind = re.findall(r"background:([^;}]*)", style)
    assert "var(--jp-layout-color0,var(--vscode-editor-background,Canvas))" in behind
    assert re.search(r"\b(white|black)\b(?!-)", style) is None


def test_the_style_stays_in_its_box():
    style = show(sd.load("saxe2019")).style
    selectors = re.findall(r"([^{}]+)\{", style)
    assert selectors
    assert all(s.strip().startswith(".semdev-data") for one in selectors for s in one.split(","))
