"""A History: who learned what, for how long, what it holds, how it was made."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import numpy as np
import xarray as xr

from semdev._html import escape, fold, lay_out_page, lay_out_table, spark_line, spark_text
from semdev.factored import find_factors
from semdev.history import check, get_provenance

SHARES = (0.025, 0.5, 0.975)
SAID_ELSEWHERE = {
    "made_by", "model", "data", "coding", "digest", "patterns", "seeds", "versions", "torch",
}  # fmt: skip
USUAL = {"momentum": 0.0, "weight_decay": 0.0, "starts_from": "the model", "device": "cpu"}
WIDTH = 100
MOST_SEEDS = 5  # numbers that are written out


def is_one(value: Any, *, strict: bool = True) -> bool:
    """Return whether it is a History: one that says so if `strict`, else one by its variables."""
    if not isinstance(value, xr.Dataset) or (strict and "schema" not in value.attrs):
        return False
    try:
        check(value, whole=False)
    except (TypeError, ValueError):
        return False
    return True


def lay_out(history: xr.Dataset) -> tuple[str, str]:
    """Return a History as text and as HTML."""
    record = get_provenance(history)
    title = f"{record.get('model', 'a learner')} on {record.get('data', 'a world')}"
    rows = _describe(history, record)
    low, middle, high = curves = _summarize_loss(history)
    ends = f"{middle[0]:.3g} to {middle[-1]:.3g}"
    if history.sizes["seed"] > 1:
        ends += f" [{low[-1]:.2g}, {high[-1]:.2g}] (the median and the central 95 % of the seeds)"
    name = "loss" if record.get("loss", "squared error") == "squared error" else record["loss"]
    text = [f"History of {title}"]
    cells: list[list[Any]] = []
    for label, said in rows:
        text.append(_write_line(label, said))
        cells.append([(f'<span class="label">{label}</span>',), said])
        if label == "time":
            text.append(_write_line("loss", f"{ends.split(' (')[0]}  {spark_text(middle)}"))
            drawn = spark_line(history["time"].values, curves)
            cells.append([
                ('<span class="label">loss</span>',),
                (f"{drawn}<br>{escape(ends)}" + (f", {escape(name)}" * (name != "loss")),),
            ])  # fmt: skip
    page = lay_out_page(
        f"<b>History</b> of <b>{escape(title)}</b>",
        lay_out_table([], cells),
        fold("as xarray shows it", history._repr_html_()),
        kind="history",
    )
    return "\n".join(text), page


def _write_line(label: str, said: str) -> str:
    """Return a line of text, wrapped."""
    return textwrap.fill(
        said, WIDTH, initial_indent=f"  {label:<10} ", subsequent_indent=" " * 13,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _describe(history: xr.Dataset, record: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what there is to say of it but its loss, line by line."""
    sizes = history.sizes
    world = f"{sizes['item']} items × {sizes['property']} properties"
    world += f", coded {record['coding']}" if record.get("coding") else ""
    world += f"; a tree of {sizes['level']} levels" if "level" in sizes else "; no tree"
    time, step = history["time"].values, history["step"].values
    span = f"{time[0]:.4g} to {time[-1]:.4g}, {len(time)} recorded"
    if record.get("learning_rate") and np.isfinite(step.astype(float)).all():
        span += f" ({step[-1] - step[0]:,.0f} updates)"
    rows = [("world", world), ("seeds", _describe_seeds(history)), ("time", span)]
    rows.append(("holds", _list_contents(history)))
    said = {k: v for k, v in record.items() if k not in SAID_ELSEWHERE and USUAL.get(k) != v}
    settings = ", ".join(f"{k.replace('_', ' ')} {_write(v)}" for k, v in said.items())
    versions = dict(record.get("versions") or {})
    if "torch" in record:
        versions["torch"] = record["torch"]
    made = str(record.get("made_by", "not known"))
    made += f": {settings}" if settings else ""
    if versions:
        made += "; " + ", ".join(f"{name} {version}" for name, version in versions.items())
    rows.append(("made by", made))
    digests = {"data": record.get("digest"), "patterns": record.get("patterns")}
    if any(digests.values()):
        rows.append(("digest", ", ".join(f"{k} {v}" for k, v in digests.items() if v)))
    return rows


def _describe_seeds(history: xr.Dataset) -> str:
    seeds = history["seed"].values.tolist()
    shown = ", ".join(map(str, seeds))
    if len(seeds) > MOST_SEEDS:
        whole = seeds == list(range(seeds[0], seeds[-1] + 1))
        shown = f"{seeds[0]} to {seeds[-1]}" if whole else f"{', '.join(map(str, seeds[:3]))}, …"
        shown += f" ({len(seeds)})"
    if "settled" not in history.coords:
        return shown
    settled, number = int(history["settled"].sum()), len(seeds)
    if number == 1:
        return f"{shown}; {'settled' if settled else 'not settled'}"
    return f"{shown}; settled in {'all' if settled == number else f'{settled} of {number}'}"


def _list_contents(history: xr.Dataset) -> str:
    """Return the variables with numbers for each seed or cell, and how much memory each takes."""
    said = []
    if "output" in history:
        factors = find_factors(history["output"])
        size = 8 * math.prod(history["output"].shape)
        if factors is None:
            said.append(f"output {write_size(history['output'].dtype.itemsize * size // 8)}")
        else:
            kept = sum(a.nbytes for a in (factors.strengths, factors.items, factors.properties))
            multiplied = write_size(size)
            said.append(f"output kept as factors {write_size(kept)} ({multiplied} multiplied out)")
    else:
        said.append("no outputs")
    said += [
        f"{name} {write_size(variable.nbytes)}"
        for name, variable in history.data_vars.items()
        if variable.ndim and name != "output"
    ]
    return ", ".join(said)


def write_size(size: float) -> str:
    """Return a number of bytes as it is read.

    >>> write_size(230), write_size(4_600_000), write_size(2**40)
    ('0.2 kB', '4.6 MB', '1100 GB')
    """
    unit, name = next(((u, n) for u, n in ((1e9, "GB"), (1e6, "MB")) if size >= u), (1e3, "kB"))
    value = size / unit
    return f"{value:.1f} {name}" if value < 100 else f"{value:.0f} {name}"


def _summarize_loss(history: xr.Dataset) -> np.ndarray:
    """Return low end, median and high end of the loss over seeds, 3 × time."""
    loss = history["loss"].values
    with np.errstate(invalid="ignore"):
        return np.quantile(loss, SHARES, axis=0)


def _write(value: Any) -> str:
    """Return a setting, short."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list) and value:
        every = [_write(each) for each in value[:4]]
        if len(set(every)) == 1 and all(each == value[0] for each in value):
            return f"{every[0]} × {len(value)}" if len(value) > 1 else every[0]
        return f"[{', '.join(every)}{', …' * (len(value) > 4)}]"
    text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"
