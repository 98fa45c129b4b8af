"""Say what a value is in a line that is the same in every process, to tell sweeps apart."""

from __future__ import annotations

import dataclasses
import dis
import functools
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import xarray as xr

MOST = 240


def describe(value: Any) -> str:
    """Return a line that differs where values do: models, data sets, functions with their code.

    Of a function of yours it holds the code, and what that refers to, functions and values, not
    comments; of one that is installed, its name.

    >>> import semdev as sd
    >>> describe(sd.DeepLinear(hidden=8))
    "semdev.models.networks.DeepLinear(hidden=8, scale=None, bias=False, initialization='gaussian')"
    >>> describe(sd.load("saxe2019")), describe(sd.train)
    ('saxe2019 bc4620e6eeefa761', 'semdev.training.train')
    >>> describe(lambda x: x + 1) == describe(lambda x: x + 2)
    False
    """
    text = _describe(value, ())
    return text if len(text) <= MOST else f"{text[: MOST // 2]}… {digest(text)}"


def digest(text: str | bytes) -> str:
    """Return 16 hex digits that stand for a text."""
    raw = text.encode() if isinstance(text, str) else text
    return hashlib.sha256(raw).hexdigest()[:16]


def _describe(value: Any, within: tuple[int, ...]) -> str:
    if id(value) in within:
        return "…"  # refers to itself
    inner = functools.partial(_describe, within=(*within, id(value)))
    if value is None or isinstance(value, (str, bytes, int, float, complex)):
        return repr(value)
    if isinstance(value, functools.partial):
        return f"{inner(value.func)}({_list_arguments(value.args, value.keywords, inner)})"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(inner, value))}]"
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(map(inner, value)))}}}"
    if isinstance(value, Mapping) and not isinstance(value, xr.Dataset):
        return f"{{{', '.join(f'{inner(k)}: {inner(v)}' for k, v in value.items())}}}"
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, MethodType):
        return f"{inner(value.__func__)} of {inner(value.__self__)}"
    if isinstance(value, type) or inspect.isroutine(value) or hasattr(value, "__wrapped__"):
        return _describe_code(inspect.unwrap(value), inner)
    return _describe_object(value, inner)


def _describe_object(value: Any, inner: Callable[[Any], str]) -> str:
    fingerprint = getattr(value, "digest", None)
    if isinstance(fingerprint, str):  # a Dataset, Patterns
        return f"{getattr(value, 'name', type(value).__name__)} {fingerprint}"
    if isinstance(value, (xr.Dataset, xr.DataArray)):
        return digest(inner(value.to_dict(data="array")))
    if hasattr(value, "__array__"):
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
        raw = repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()
        return f"array {array.dtype} {array.shape} {digest(raw)}"
    fields = getattr(value, "__dict__", {})
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return f"{inner(type(value))}({_list_arguments((), fields, inner)})"


def _list_arguments(
    given: tuple[Any, ...], named: Mapping[str, Any], inner: Callable[[Any], str]
) -> str:
    return ", ".join([*map(inner, given), *(f"{k}={inner(v)}" for k, v in named.items())])


def _describe_code(value: Any, inner: Callable[[Any], str]) -> str:
    """Return the name of a function or class; for one that is not installed also of its code."""
    module = getattr(value, "__module__", None) or ""
    if _is_installed(module) and "<" not in value.__qualname__:  # no lambda, no inner function
        return f"{module}.{value.__qualname__}"
    if isinstance(value, type):
        parts = [inner(v) for v in vars(value).values() if isinstance(v, FunctionType)]
        parts += [inner(base) for base in value.__bases__]
    elif isinstance(value, FunctionType):
        parts = [*_list_code(value.__code__, inner), *map(inner, _list_references(value))]
    else:
        parts = []
    return f"{value.__qualname__} {digest(repr(parts))}"


def _is_installed(module: str) -> bool:
    root = module.split(".")[0]
    if root == "__main__":  # whatever it is that runs a notebook or a test
        return False
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    places = {"site-packages", "dist-packages"} & set(Path(file).parts)
    return root == "semdev" or root in sys.stdlib_module_names or bool(places)


def _list_code(code: CodeType, inner: Callable[[Any], str]) -> Iterator[str]:
    """Yield what a function does, without line numbers and file names."""
    yield repr((code.co_code, code.co_names, code.co_varnames, code.co_freevars))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _list_code(constant, inner)
        else:
            yield inner(constant)


def _list_references(function: FunctionType) -> Iterator[Any]:
    """Yield defaults, and the values of the names outside that a function refers to."""
    yield function.__defaults__
    yield function.__kwdefaults__
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not assigned yet
            yield None
    for name in sorted(_find_globals(function.__code__)):
        if name in function.__globals__:
            yield name
            yield function.__globals__[name]


def _find_globals(code: CodeType) -> set[str]:
    found = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    inside = [each for each in code.co_consts if isinstance(each, CodeType)]
    return found.union(*map(_find_globals, inside))
