"""At the end of a cell Histories show themselves, whoever was there first; nothing else changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
START = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
"""
FORMAT = """
def form(value):
    made, _ = shell.display_formatter.format(value)
    return made
"""


def run(code: str) -> list[str]:
    """Return what a fresh process prints, line by line."""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return result.stdout.splitlines()


MAKE = "history = sd.solve(sd.load('saxe2019'), depth=2)\n"
LOAD = "import semdev as sd; sd.solve\n"
ORDERS = {
    "IPython first": START + LOAD + MAKE,
    "semdev first": LOAD + START + MAKE,
    "xarray displayed before": START
    + FORMAT
    + "import xarray as xr; form(xr.Dataset())\n"
    + LOAD
    + MAKE,
    "made before, then shown once": LOAD + MAKE + START + "sd.show(history)\n",
}


@pytest.mark.parametrize("order", ORDERS)
def test_a_history_at_the_end_of_a_cell_shows_itself(order):
    lines = run(
        ORDERS[order] + FORMAT + "made = form(history)\n"
        "print(made['text/plain'].splitlines()[0])\n"
        "print('<b>History</b> of <b>theory, depth 2 on saxe2019</b>' in made['text/html'])\n"
    )
    assert lines == ["History of theory, depth 2 on saxe2019", "True"]


def test_other_data_sets_and_print_are_as_they_were():
    lines = run(
        LOAD + START + MAKE + FORMAT + "import xarray as xr\n"
        "other = xr.Dataset({'a': ('seed', [1.0])})\n"
        "print(form(other)['text/plain'] == repr(other))\n"
        "made = form(other)['text/html']\n"
        "print(made.startswith('<div>') and 'xr-wrap' in made and 'semdev' not in made)\n"
        "print(form(other['a'])['text/plain'] == repr(other['a']))\n"
        "print(str(history).startswith('<xarray.Dataset>'), 'xr-wrap' in history._repr_html_())\n"
        "class Own(xr.Dataset):\n"
        "    __slots__ = ()\n"
        "    def _repr_html_(self): return 'mine'\n"
        "print(form(Own())['text/html'])\n"
        "print(form(sd.mode_strengths(history))['text/plain'].splitlines()[0])\n"
    )
    assert lines == [
        "True", "True", "True", "True True", "mine",
        "from mode_strengths: 1 seed × 200 times × 4 modes",
    ]  # fmt: skip


def test_a_formatter_that_somebody_set_before_is_kept_for_what_is_not_ours():
    lines = run(
        START + FORMAT + "import xarray as xr\n"
        "shell.display_formatter.formatters['text/html'].for_type(xr.Dataset, lambda v: 'theirs')\n"
        "shell.display_formatter.formatters['text/plain'].for_type(\n"
        "    xr.Dataset, lambda v, p, cycle: p.text('theirs'))\n"
        + LOAD + MAKE + MAKE +
        "print(form(xr.Dataset()))\n"
        "print('History' in form(history)['text/html'])\n"
    )  # fmt: skip
    assert lines == ["{'text/plain': 'theirs', 'text/html': 'theirs'}", "True"]


def test_importing_semdev_imports_no_ipython_and_no_xarray_and_history_no_ipython():
    lines = run(
        "import sys, semdev\n"
        "print([m for m in ('IPython', 'xarray') if m in sys.modules])\n" + LOAD + MAKE +
        "print([m for m in ('IPython', 'semdev.showing', 'matplotlib') if m in sys.modules])\n"
    )  # fmt: skip
    assert lines == ["[]", "[]"]


def test_a_data_set_that_breaks_the_page_is_shown_by_xarray():
    lines = run(
        LOAD + START + MAKE + FORMAT + "history.attrs['provenance'] = '{'\n"
        "print('xr-wrap' in form(history)['text/html'], form(history)['text/plain'][:16])\n"
    )
    assert lines == ["True <xarray.Dataset>"]
