"""Read what functions and classes do and refer to, without line numbers, comments, docstrings."""

from __future__ import annotations

import dis
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

PLUMBING = {  # of a class, what Python itself keeps there
    "__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__annotations__",
    "__annotate_func__", "__annotations_cache__", "__firstlineno__", "__static_attributes__",
    "__abstractmethods__", "__slotnames__", "_abc_impl",
}  # fmt: skip


def is_installed(module: str) -> bool:
    """Return whether a module comes with Python, semdev or another package, and is not yours.

    >>> is_installed("numpy.linalg"), is_installed("__main__")
    (True, False)
    """
    root = module.split(".")[0]
    if root in ("", "__main__"):  # "__main__" is whatever runs a notebook or a test
        return False
    if root == "semdev" or root in sys.stdlib_module_names:
        return True
    found = sys.modules.get(root)
    file = getattr(found, "__file__", None) or next(iter(getattr(found, "__path__", ())), "")
    if found is None:
        spec = importlib.util.find_spec(root)
        file = (spec and spec.origin) or ""
    return bool({"site-packages", "dist-packages"} & set(Path(file).parts))


def list_steps(code: CodeType, say: Callable[[Any], str]) -> Iterator[Any]:
    """Yield what a function does; `say` describes a constant."""
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    yield (*counts, code.co_varnames, code.co_exceptiontable)
    for step in dis.get_instructions(code):
        yield step.opname
        if isinstance(step.argval, CodeType):
            yield from list_steps(step.argval, say)
        else:
            yield say(step.argval)


def list_attributes(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield what a class holds itself: methods, properties, values."""
    yield from ((k, v) for k, v in vars(kind).items() if k not in PLUMBING)


def list_references(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield defaults, and the values of the names outside that a function refers to.

    Of a module of yours those that the function may use.
    """
    code = function.__code__
    if function.__defaults__:
        yield "defaults of", function.__defaults__
    if function.__kwdefaults__:
        yield "keyword defaults of", function.__kwdefaults__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # not assigned yet
            value = None
        yield from _look_into(name, value, code)
    for name, value in vars(function).items():
        yield f"{name} of", value
    for name in sorted(_find_names(code, "LOAD_GLOBAL", "LOAD_NAME")):
        if name in function.__globals__:
            yield from _look_into(name, function.__globals__[name], code)
    for name in sorted(_find_names(code, "IMPORT_NAME")):
        if name and not is_installed(name):
            try:
                module = importlib.import_module(name)
            except Exception:  # the function will say so when it is called
                continue
            yield from _look_into(name, module, code)


def _look_into(
    name: str, value: Any, code: CodeType, seen: tuple[ModuleType, ...] = ()
) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, ModuleType) or is_installed(value.__name__):
        yield f"{name} in", value
    elif value not in seen:
        for used in sorted(_find_names(code) & vars(value).keys()):
            yield from _look_into(f"{name}.{used}", vars(value)[used], code, (*seen, value))


def _find_names(code: CodeType, *steps: str) -> set[str]:
    """Return the names that some steps of a function are about, those of attributes by default."""
    wanted = steps or ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM")
    found = {str(s.argval) for s in dis.get_instructions(code) if s.opname in wanted}
    inside = [each for each in code.co_consts if isinstance(each, CodeType)]
    return found.union(*(_find_names(each, *steps) for each in inside))
