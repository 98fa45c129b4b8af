"""Histories and measures show themselves: at the end of a cell, in IPython and Jupyter.

They are plain xarray objects, never subclassed, so what shows them is told to IPython's display
machinery, and to nothing else: xarray itself is not touched, and `print` writes what it always did.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

PAGES = "semdev.showing"  # knows all that can be shown; loaded when something first is


class Printer:
    """Shows what semdev knows, and leaves everything else to who showed it before.

    `kind` is a MIME type, `before` the function that IPython called for such values until now.
    """

    def __init__(self, kind: str, before: Callable[..., Any] | None) -> None:
        self.kind, self.before = kind, before

    def __call__(self, value: Any, *printer: Any) -> Any:
        shown = import_module(PAGES).find_page(value)
        if shown is None and self.before is not None:
            return self.before(value, *printer)
        if self.kind == "text/html":
            return value._repr_html_() if shown is None else shown._repr_html_()
        lines = (repr(value) if shown is None else repr(shown)).splitlines()
        for k, line in enumerate(lines):
            if k:
                printer[0].break_()
            printer[0].text(line)
        return None


def register() -> bool:
    """Tell IPython, if it is running, how to show Histories and measures; return whether it is.

    Called whenever a History is made or read, so that it matters not which came first; it takes a
    few microseconds.

    >>> register()    # no IPython here
    False
    """
    ipython = sys.modules.get("IPython")
    shell: Any = getattr(ipython, "get_ipython", lambda: None)()
    if getattr(shell, "display_formatter", None) is None:
        return False
    import xarray as xr

    for kind in ("text/html", "text/plain"):
        formatter = shell.display_formatter.formatters[kind]
        for type_ in (xr.Dataset, xr.DataArray):
            before = formatter.for_type(type_)
            if not isinstance(before, Printer):
                formatter.for_type(type_, Printer(kind, before))
    return True
