"""semdev ask: what learners believe of an item while they learn, in a sentence and a table."""

from __future__ import annotations

import argparse
import json
import textwrap
from functools import partial
from typing import Any

from semdev._commands import PICTURES, Reader, add_command, check_file

DESCRIPTION = """Train deep and shallow networks on a world and ask both, over time, whether an
item has a property. A belief that is false and rises for a while is an overgeneralization: its
excess is what it has above the belief about items outside the item's class."""
EXAMPLES = """examples:
  semdev ask living_things worm "has bones"
  semdev ask living_things worm "has bones" --seeds 50 --plot worm.pdf
  semdev ask my_items.csv penguin "can fly" --tree my_items.nwk --json
"""


def add_ask_parser(commands: Any, read_world: Reader) -> None:
    """Add `ask` to the parser; `read_world` reads a corpus or CSV file."""
    parser = add_command(
        commands, "ask", summary="ask what networks believe of an item while they learn",
        description=DESCRIPTION, examples=EXAMPLES,
    )  # fmt: skip
    parser.add_argument("world", help="a corpus (see `semdev list`) or a CSV file of your own")
    parser.add_argument("item", help="an item of that world, such as worm")
    parser.add_argument("property", help='a property, such as "has bones"')
    parser.add_argument("--tree", metavar="FILE", help="Newick file of a CSV's taxonomy")
    parser.add_argument(
        "--hidden", type=int, default=32, metavar="N",
        help="hidden units (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--seeds", type=int, default=20, metavar="N",
        help="networks of each kind (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--plot", metavar="FILE", help="draw the beliefs (.svg, .pdf, .png)")
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.set_defaults(run=partial(_ask, read_world=read_world))


def _ask(options: argparse.Namespace, read_world: Reader) -> int:
    from semdev.models.networks import DeepLinear, Shallow
    from semdev.training import train

    check_file(options.plot, PICTURES, "--plot")
    world = read_world(options.world, options.tree)
    # A misspelt name should cost no training.
    world.select(items=[options.item], properties=[options.property])
    models: dict[str, Any] = {
        "deep linear": DeepLinear(hidden=options.hidden),
        "shallow": Shallow(),
        "shallow with bias": Shallow(bias=True),
    }
    histories = {name: train(model, world, seeds=options.seeds) for name, model in models.items()}
    rows = _measure_beliefs(histories, options.item, options.property)
    sentence = _say(rows["deep linear"], options)
    if options.json:
        print(json.dumps(_list_rows(rows, sentence, options), ensure_ascii=False, indent=1))
    else:
        print(f"{textwrap.fill(sentence, 90)}\n\n{_format(rows)}")
    if options.plot:
        from matplotlib.figure import Figure

        from semdev import plots
        from semdev.plots.beliefs import settling_time
        from semdev.plots.saving import save_figure

        others = {name: history for name, history in histories.items() if name != "deep linear"}
        deep = histories["deep linear"]
        figure = Figure(figsize=(5.0, 3.0), layout="constrained")
        axes = figure.subplots()
        plots.beliefs(
            deep, options.item, options.property, compare=others, name="deep linear", ax=axes
        )
        axes.set_xlim(0, 1.2 * settling_time(deep, options.item, options.property))
        save_figure(figure, options.plot)
        if not options.json:
            print(f"\nwrote {options.plot}")
    return 0


def _measure_beliefs(histories: dict[str, Any], item: str, prop: str) -> dict[str, dict[str, Any]]:
    """Return for each model what its seeds believe: peak, its time, end, excess and class."""
    import numpy as np

    from semdev.history import ask, get_provenance
    from semdev.measures.overgeneralization import overgeneralizations

    rows = {}
    for name, history in histories.items():
        belief = ask(history, item, prop)
        target = float(history["target"].sel(item=item, property=prop))
        graded = get_provenance(history)["coding"] == "graded"
        row: dict[str, Any] = {
            "target": target,
            "true": None if graded else target > 0,
            "peak": belief.max("time").values,
            "at time": belief["time"].values[belief.argmax("time").values],
            "end": belief.isel(time=-1).values,
            "excess": None,
            "class": "",
        }
        if row["true"] is False and "ancestor" in history.coords:
            found = overgeneralizations(history).sel(item=item, property=prop)
            if np.isfinite(found["excess"]).all():
                row |= {"excess": found["excess"].values, "class": found["of_class"].item()}
        rows[name] = row
    return rows


def _say(row: dict[str, Any], options: argparse.Namespace) -> str:
    """Return the finding in a sentence."""
    import numpy as np

    statement = f"“{options.item} {options.property}”"
    peak, end, when = (float(np.median(row[k])) for k in ("peak", "end", "at time"))
    if row["true"] is None:
        text = (
            f"Graded: {statement} is {row['target']:g} in the data. In deep linear networks the "
            f"belief is {peak:z.2f} at its highest (at time {when:.2f}) and ends at {end:z.2f}."
        )
    elif row["true"]:
        text = f"True: {statement}. Deep linear networks learn it; the belief ends at {end:z.2f}."
    elif peak - max(end, 0) > 0.05:
        text = (
            f"False, but believed for a while: in deep linear networks {statement} rises to "
            f"{peak:.2f} (at time {when:.2f}) and falls to {end:z.2f}"
        )
        if row["excess"] is not None:
            text += (
                f"; at most {np.median(row['excess']):.2f} above the belief about items outside "
                f"its class ({row['class']})"
            )
        text += "."
    else:
        text = f"False, and never much believed: {statement} peaks at {peak:z.2f}."
    text += f" Medians of {options.seeds} networks."
    return text


def _format(rows: dict[str, dict[str, Any]]) -> str:
    """Return a table of medians and intervals, a line a model."""
    import pandas as pd

    from semdev.papers.checks import spread

    table = pd.DataFrame.from_dict(rows, orient="index").drop(columns=["target", "true", "class"])
    shown = table.map(lambda x: "–" if x is None else spread(x, form=".2f"))
    shown.columns = [f"{name} [95 % of seeds]" if k == 0 else name for k, name in enumerate(shown)]
    return shown.to_string()


def _list_rows(
    rows: dict[str, dict[str, Any]], sentence: str, options: argparse.Namespace
) -> dict[str, Any]:
    """Return what was found as plain values: medians, and the interval of the seeds."""
    import numpy as np

    first = next(iter(rows.values()))
    models = {
        name: {
            key: dict(
                zip(("low", "median", "high"), np.quantile(value, [0.025, 0.5, 0.975]).tolist(),
                    strict=True)
            )
            for key, value in row.items()
            if isinstance(value, np.ndarray)
        }
        | {"class": row["class"] or None}
        for name, row in rows.items()
    }  # fmt: skip
    return {
        "world": options.world, "item": options.item, "property": options.property,
        "target": first["target"], "true": first["true"], "seeds": options.seeds,
        "sentence": sentence, "models": models,
    }  # fmt: skip
