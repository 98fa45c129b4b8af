"""Say what a value is in a line that is the same in every process, to tell sweeps apart."""

from __future__ import annotations

import copyreg
import dataclasses
import functools
import hashlib
import inspect
from collections.abc import Collection, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from semdev.sweeps.reading_code import is_installed, list_attributes, list_references, list_steps

MOST = 240


def describe(value: Any) -> str:
    """Return a line that differs where values do: models, data sets, functions with their code.

    Of a function of yours it holds the code, and what that refers to, functions and values, not
    comments and docstrings; of one that is installed, its name.

    >>> import semdev as sd
    >>> describe(sd.DeepLinear(hidden=8))
    "semdev.models.networks.DeepLinear(hidden=8, scale=None, bias=False, initialization='gaussian')"
    >>> describe(sd.load("saxe2019")), describe(sd.train)
    ('saxe2019 bc4620e6eeefa761', 'semdev.training.train')
    >>> describe(lambda x: x + 1) == describe(lambda x: x + 2)
    False
    """
    return describe_parts(value)[0]


def describe_parts(value: Any) -> tuple[str, dict[str, str]]:
    """Return what `describe` does, and what it is made of, by name: to say what has changed.

    >>> rate = 0.1
    >>> list(describe_parts(lambda seeds, steps=9: rate * steps)[1])
    ['code of <lambda>', 'defaults of <lambda>', 'rate in <lambda>']
    """
    describer = _Describer()
    text = describer.say(value)
    describer.open_all()
    if describer.opened:
        text += f" {digest(repr(describer.parts))}"
    return _shorten(text), describer.parts


def digest(text: str | bytes) -> str:
    """Return 16 hex digits that stand for a text."""
    raw = text.encode(errors="backslashreplace") if isinstance(text, str) else text
    return hashlib.sha256(raw).hexdigest()[:16]


def _shorten(text: str) -> str:
    return text if len(text) <= MOST else f"{text[: MOST // 2]}… {digest(text)}"


class _Describer:
    """What was said of some values; functions and classes of yours are opened once, one by one."""

    def __init__(self) -> None:
        self.parts: dict[str, str] = {}
        self.opened: dict[str, Any] = {}
        self._known: dict[int, tuple[Any, str]] = {}  # values too, so that no id is used again

    def say(self, value: Any) -> str:
        if value is None or isinstance(value, (str, bytes, int, float, complex)):
            return _shorten(repr(value))
        if id(value) not in self._known:
            self._known[id(value)] = (value, "…")  # where it refers to itself
            self._known[id(value)] = (value, _shorten(self._describe(value)))
        return self._known[id(value)][1]

    def open_all(self) -> None:
        """Look into functions and classes, and those that they refer to."""
        done = 0
        while done < len(self.opened):
            name, value = list(self.opened.items())[done]
            if isinstance(value, FunctionType):
                self.parts[f"code of {name}"] = digest(
                    repr([*list_steps(value.__code__, self.say)])
                )
                for reference, each in list_references(value):
                    self._note(reference, name, each)
            else:
                self.parts[f"bases of {name}"] = self.say(list(value.__bases__))
                for attribute, each in list_attributes(value):
                    self._note(f"{attribute} in", name, each)
            done += 1

    def _note(self, what: str, owner: str, value: Any) -> None:
        self.parts[f"{what} {owner}"] = self.say(value)

    def _describe(self, value: Any) -> str:
        if isinstance(value, functools.partial):
            function = self.say(value.func)
            named = {f"argument {k}": each for k, each in enumerate(value.args, 1)}
            for name, each in (named | value.keywords).items():
                self._note(f"{name} of", function, each)
            return f"{function}({self._list(value.args, value.keywords)})"
        if type(value) in (list, tuple):
            return f"[{', '.join(map(self.say, value))}]"
        if type(value) in (set, frozenset):
            return f"{{{', '.join(sorted(map(self.say, value)))}}}"
        if type(value) is dict:
            return self._describe_mapping(value)
        if isinstance(value, ModuleType):
            return value.__name__
        if isinstance(value, MethodType):
            return f"{self.say(value.__func__)} of {self.say(value.__self__)}"
        if isinstance(value, property):
            return f"property{self.say([value.fget, value.fset, value.fdel])}"
        if isinstance(value, (staticmethod, classmethod)):
            return f"{type(value).__name__} {self.say(value.__func__)}"
        if isinstance(value, (type, FunctionType)):
            return self._name(value)
        if hasattr(value, "__wrapped__"):  # a cache
            return self.say(value.__wrapped__)
        if inspect.isroutine(value) and hasattr(value, "__qualname__"):
            return self._name_builtin(value)
        return self._describe_object(value)

    def _name(self, value: Any) -> str:
        """Return the name of a function or class; of one that is not installed, it is opened."""
        module, name = value.__module__ or "", value.__qualname__
        # A function that wraps another has that one's name, and its own globals.
        homes = {module, getattr(value, "__globals__", {}).get("__name__", module)}
        if all(map(is_installed, homes)) and "<" not in name:  # no lambda, no inner function
            return f"{module}.{name}"
        alike = sum(each.__qualname__ == name for each in self.opened.values())
        name += f" ({alike + 1})" if alike else ""
        self.opened[name] = value
        return name

    def _name_builtin(self, value: Any) -> str:
        owner = getattr(value, "__self__", None)
        bound = owner is not None and not isinstance(owner, ModuleType)
        module = getattr(value, "__module__", None)
        name = f"{module}.{value.__qualname__}" if module else value.__qualname__
        return f"{name} of {self.say(owner)}" if bound else name

    def _describe_object(self, value: Any) -> str:
        fingerprint = getattr(value, "digest", None)
        if isinstance(fingerprint, str):  # a Dataset, Patterns
            return f"{getattr(value, 'name', type(value).__name__)} {fingerprint}"
        if isinstance(value, (xr.Dataset, xr.DataArray)):
            return digest(self.say(value.to_dict(data="array")))
        if isinstance(value, (pd.Series, pd.Index)):
            return f"{type(value).__name__} {self.say(value.to_frame())}"
        if isinstance(value, pd.DataFrame):
            return f"table {self.say([value.to_dict('tight'), list(map(str, value.dtypes))])}"
        if type(value) in (np.ndarray, np.memmap) or isinstance(value, np.generic):
            return self._describe_array(np.asarray(value))
        if hasattr(value, "detach") and hasattr(value, "__array__"):  # a tensor
            values = value.detach().cpu()
            try:
                return self._describe_array(np.asarray(values))
            except TypeError:  # numpy has no such numbers
                return f"{value.dtype} {self._describe_array(np.asarray(values.double()))}"
        if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value)]
            return self._say_made(type(value), (), {name: getattr(value, name) for name in names})
        return self._take_apart(value)

    def _describe_array(self, array: np.ndarray) -> str:
        raw = self.say(array.tolist()) if array.dtype.hasobject else array.tobytes()
        return f"array {array.dtype} {array.shape} {digest(raw)}"

    def _describe_mapping(self, value: Mapping[Any, Any]) -> str:
        return f"{{{', '.join(f'{self.say(k)}: {self.say(v)}' for k, v in value.items())}}}"

    def _take_apart(self, value: Any) -> str:
        """Describe an object by what a copy of it would be made from."""
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            made = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception:
            if isinstance(value, Mapping):
                return f"{self.say(type(value))}{self._describe_mapping(value)}"
            if isinstance(value, Collection):
                return f"{self.say(type(value))}{self.say(list(value))}"
            # A lock, a file, a connection: what it is says nothing of results.
            return self._say_made(type(value), (), getattr(value, "__dict__", {}))
        if isinstance(made, str):  # there is one of that name
            return f"{type(value).__module__}.{made}"
        make, given, state, *items = (*made, None, None, None)[:5]
        if make is copyreg.__newobj__:  # type: ignore[attr-defined]
            make, *given = given
        fields = state if isinstance(state, dict) else {} if state is None else {"state": state}
        cached = functools.cached_property
        fields = {k: v for k, v in fields.items() if type(getattr(make, k, None)) is not cached}
        held = {f"item_{k}": list(each) for k, each in enumerate(items) if each is not None}
        return self._say_made(make, given, {**fields, **held})

    def _say_made(self, make: Any, given: Any, fields: Mapping[Any, Any]) -> str:
        name = self.say(make)
        if name in self.opened:
            for field, each in fields.items():
                self.parts.setdefault(f"{field} of {name}", self.say(each))
        return f"{name}({self._list(given, fields)})"

    def _list(self, given: Any, named: Mapping[Any, Any]) -> str:
        pairs = (f"{name}={self.say(each)}" for name, each in named.items())
        return ", ".join([*map(self.say, given), *pairs])
