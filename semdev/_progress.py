"""The progress bar: a widget in a notebook that has them, text elsewhere."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # a notebook without ipywidgets gets text, and needs no advice
    from tqdm.auto import tqdm as _tqdm

__all__ = ["hide_bars", "tqdm"]

_hidden: ContextVar[bool] = ContextVar("hidden", default=False)


class tqdm(_tqdm):
    """A bar; one with a delay, which nobody asked for, can be hidden."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        if _hidden.get() and settings.get("delay"):
            settings["disable"] = True
        super().__init__(*arguments, **settings)


@contextmanager
def hide_bars() -> Iterator[None]:
    """Hide the bars that nobody asked for: another bar stands for all that goes on in here."""
    before = _hidden.set(True)
    try:
        yield
    finally:
        _hidden.reset(before)
