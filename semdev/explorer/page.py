"""The page: figures and widgets of Bokeh, and the script that fills them."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path
from typing import Any

from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.events import DocumentReady
from bokeh.layouts import column, row
from bokeh.models import (
    Band,
    ColumnDataSource,
    CustomJS,
    Div,
    FactorRange,
    HoverTool,
    LabelSet,
    Legend,
    LegendItem,
    Range1d,
    Select,
    Slider,
    Span,
    Toggle,
    Whisker,
)
from bokeh.plotting import figure
from bokeh.resources import INLINE

from semdev.plots._style import CATEGORIES, GREY, MARKERS, TIME, marker, ordered_colors

# Colour is never all that tells them apart: names of false properties stand in brackets.
TRUE, FALSE, CHOSEN = CATEGORIES[0], CATEGORIES[1], "#000000"
SHAPES = ("circle", "square", "triangle", "diamond", "inverted_triangle", "plus", "x")  # MARKERS
TOOLS = "pan,wheel_zoom,box_zoom,reset,save"
BARS = 30  # properties of an item that are shown at a time, at the most
LABELS = 60  # more items than this are named on pointing at them only
WIDTH = {"min_width": 300, "sizing_mode": "stretch_width"}


def make_page(store: dict[str, Any], *, title: str, subtitle: str) -> str:
    """Return the page as HTML that needs nothing else, neither files nor a network.

    `store` is what `gather` returned.
    """
    items, seeds = store["items"], store["seeds"]
    nothing = store["time"] * 0
    sources = {
        name: ColumnDataSource(data, name=name)
        for name, data in {
            "bars": {
                k: [] for k in ("property", "belief", "low", "high", "color", "line", "truth")
            },
            "curve": {"time": store["time"]} | dict.fromkeys(("belief", "low", "high"), nothing),
            "map": {
                k: [] for k in ("x", "y", "label_y", "item", "class", "color", "shape", "size")
            },
            "trails": {k: [] for k in ("xs", "ys", "color", "width")},
            "tree": {"xs": [], "ys": []},
            "leaves": {k: [] for k in ("x", "y", "item", "color", "style")},
            "modes": {k: [] for k in ("xs", "ys", "color", "name", "s")},
            "loss": {"time": store["time"]} | dict.fromkeys(("loss", "low", "high"), nothing),
            "stages": {"time": [], "loss": []},
        }.items()
    }
    ensemble = [f"median of {len(seeds)} learners"] if len(seeds) > 1 else []
    widgets = {
        "learner": Select(
            title="Learner", name="learner", value=(ensemble or ["0"])[0], **WIDTH,
            options=[*((name, name) for name in ensemble),
                     *((str(k), f"seed {seed}") for k, seed in enumerate(seeds))],
        ),
        "item": Select(title="Item", name="item", value=items[0], options=items, **WIDTH),
        "property": Select(
            title="Property", name="property", value=store["properties"][0],
            options=store["properties"], **WIDTH,
        ),
        "time": Slider(
            title="Time", name="time", start=0, end=max(len(store["time"]) - 1, 1), step=1,
            value=0, show_value=False, **WIDTH,
        ),
        "play": Toggle(label="▶ play", name="play", width=80, align="end"),
        "said": Div(name="said", text="", sizing_mode="stretch_width"),
    }  # fmt: skip
    colours = {
        name: (CATEGORIES[k % len(CATEGORIES)], SHAPES[MARKERS.index(marker(k))])
        for k, name in enumerate(dict.fromkeys(store["classes"]))
    }
    now = Span(dimension="height", line_color=GREY, line_width=1.5, name="now", location=0)
    until = {"x_range": Range1d(0, store["until"])}
    figures = {
        "bars": _draw_bars(sources["bars"]),
        "curve": _draw_curve(sources["curve"], now, until),
        "map": _draw_map(
            sources["map"], sources["trails"], colours, len(items), 1.15 * store["reach"]
        ),
        "tree": _draw_tree(sources["tree"], sources["leaves"], len(items)),
        "modes": _draw_modes(sources["modes"], now, until),
        "loss": _draw_loss(sources["loss"], sources["stages"], now, until),
    }
    palette = [
        "#" + "".join(f"{round(255 * c):02x}" for c in colour[:3])
        for colour in ordered_colors(len(store["curves"]["singular_values"]))
    ]
    script = CustomJS(
        args={
            "store": store, "sources": sources, "widgets": widgets, "figures": figures,
            "now": now, "looks": [list(colours[name]) for name in store["classes"]],
            "palette": palette, "colors": [TRUE, FALSE, CHOSEN, GREY], "most_bars": BARS,
        },
        code=(Path(__file__).parent / "explorer.js").read_text(encoding="utf-8"),
    )  # fmt: skip
    for name in ("learner", "item", "property", "time"):
        widgets[name].js_on_change("value", script)
    widgets["play"].js_on_change("active", script)
    controls = row(
        widgets["learner"], widgets["item"], widgets["property"], sizing_mode="stretch_width"
    )
    moving = row(widgets["play"], widgets["time"], sizing_mode="stretch_width")
    heading = Div(
        text=f"<h1 style='font-size:18px;margin:4px 0'>{escape(title)}</h1><div>{subtitle}</div>",
        sizing_mode="stretch_width",
    )
    columns = row(
        column(figures["bars"], sizing_mode="stretch_width"),
        column(figures["curve"], figures["loss"], figures["modes"], sizing_mode="stretch_width"),
        column(figures["map"], figures["tree"], sizing_mode="stretch_width"),
        sizing_mode="stretch_width",
    )
    layout = column(
        heading, controls, moving, widgets["said"], columns, sizing_mode="stretch_width",
        styles={"font-family": "sans-serif", "color": "#222", "background": "white"},
    )  # fmt: skip
    document = Document(title=title)
    document.add_root(layout)
    document.js_on_event(DocumentReady, script)
    return file_html(document, INLINE, title=title, suppress_callback_warning=True)


def _make_figure(title: str, height: int, x: str, y: str, **options: Any) -> figure:
    drawn = figure(
        title=title, height=height, tools=TOOLS, toolbar_location="above", x_axis_label=x,
        y_axis_label=y, output_backend="canvas", **WIDTH, **options,
    )  # fmt: skip
    drawn.toolbar.logo = None
    drawn.toolbar.autohide = True
    drawn.axis.axis_label_text_font_style = "normal"
    drawn.axis.axis_label_text_font_size = "12px"
    drawn.title.text_font_size = "13px"
    drawn.xgrid.grid_line_color = None
    drawn.ygrid.grid_line_alpha = 0.4
    return drawn


def _draw_bars(source: ColumnDataSource) -> figure:
    drawn = _make_figure(
        "Beliefs", 940, "belief", "", y_range=FactorRange(factors=[]), x_range=Range1d(0, 1)
    )
    bars = drawn.hbar(
        y="property", right="belief", height=0.75, color="color", line_color="line",
        line_width=2, source=source,
    )  # fmt: skip
    drawn.add_layout(
        Whisker(
            base="property", upper="high", lower="low", dimension="width", source=source,
            line_color="#222", upper_head=None, lower_head=None,
        )
    )  # fmt: skip
    drawn.add_tools(
        HoverTool(
            renderers=[bars],
            tooltips=[("", "@property"), ("belief", "@belief{0.000000}"), ("in truth", "@truth")],
        )
    )
    drawn.ygrid.grid_line_color = None
    drawn.add_layout(Span(dimension="height", location=0, line_color="#222", line_width=1))
    return drawn


def _draw_curve(source: ColumnDataSource, now: Span, until: dict[str, Range1d]) -> figure:
    drawn = _make_figure("Belief over time", 300, TIME, "belief", **until)
    drawn.add_layout(
        Band(base="time", lower="low", upper="high", source=source, fill_color=TRUE,
             fill_alpha=0.2)
    )  # fmt: skip
    line = drawn.line("time", "belief", source=source, color=TRUE, line_width=2)
    drawn.add_layout(
        Span(dimension="width", name="target", line_color="#222", line_dash="dashed", location=0)
    )
    drawn.add_layout(now)
    drawn.add_tools(
        HoverTool(renderers=[line], mode="vline",
                  tooltips=[("time", "@time{0.000}"), ("belief", "@belief{0.000000}")])
    )  # fmt: skip
    return drawn


def _draw_map(
    points: ColumnDataSource,
    trails: ColumnDataSource,
    colours: dict[str, tuple[str, str]],
    n_items: int,
    reach: float,
) -> figure:
    drawn = _make_figure(
        "Similarity of items (MDS)", 460, "dimension 1", "dimension 2", match_aspect=True,
        x_range=Range1d(-reach, reach), y_range=Range1d(-reach, reach),
    )  # fmt: skip
    drawn.multi_line("xs", "ys", color="color", line_width="width", alpha=0.45, source=trails)
    dots = drawn.scatter(
        "x", "y", color="color", marker="shape", size="size", source=points, line_color="white"
    )
    if n_items <= LABELS:
        drawn.add_layout(
            LabelSet(x="x", y="label_y", text="item", source=points, x_offset=6,
                     text_baseline="middle", text_font_size="10px", text_color="#222")
        )  # fmt: skip
    drawn.add_tools(HoverTool(renderers=[dots], tooltips=[("", "@item"), ("class", "@class")]))
    if len(colours) > 1:
        keys = [
            LegendItem(
                label=name,
                renderers=[
                    drawn.scatter([math.nan], [math.nan], color=colour, marker=shape, size=8)
                ],
            )
            for name, (colour, shape) in colours.items()
        ]
        drawn.add_layout(
            Legend(items=keys, orientation="horizontal", ncols=3, label_text_font_size="10px",
                   padding=2, spacing=4, margin=2, border_line_color=None), "below",
        )  # fmt: skip
    return drawn


def _draw_tree(lines: ColumnDataSource, leaves: ColumnDataSource, n_items: int) -> figure:
    drawn = _make_figure(
        "Dendrogram (average linkage)", max(240, 13 * n_items + 90), "distance between items", "",
        x_range=Range1d(1, 0), y_range=Range1d(n_items - 0.4, -0.6),
    )  # fmt: skip
    drawn.multi_line("xs", "ys", color="#222", line_width=1.2, source=lines)
    drawn.add_layout(
        LabelSet(x="x", y="y", text="item", source=leaves, x_offset=4, text_baseline="middle",
                 text_font_size="10px", text_color="color", text_font_style="style")
    )  # fmt: skip
    drawn.yaxis.visible = False
    drawn.ygrid.grid_line_color = None
    return drawn


def _draw_modes(source: ColumnDataSource, now: Span, until: dict[str, Range1d]) -> figure:
    drawn = _make_figure("Strengths of the strongest modes", 300, TIME, "mode strength", **until)
    lines = drawn.multi_line("xs", "ys", color="color", line_width=1.8, source=source)
    drawn.add_tools(
        HoverTool(renderers=[lines],
                  tooltips=[("mode", "@name"), ("singular value", "@s{0.00}")])
    )  # fmt: skip
    drawn.add_layout(now)
    return drawn


def _draw_loss(
    source: ColumnDataSource, stages: ColumnDataSource, now: Span, until: dict[str, Range1d]
) -> figure:
    drawn = _make_figure("Loss", 300, TIME, "loss", **until)
    drawn.add_layout(
        Band(base="time", lower="low", upper="high", source=source, fill_color=TRUE,
             fill_alpha=0.2)
    )  # fmt: skip
    drawn.line("time", "loss", source=source, color=TRUE, line_width=2)
    drawn.scatter("time", "loss", source=stages, marker="inverted_triangle", size=9, color="#222")
    drawn.add_layout(now)
    return drawn
