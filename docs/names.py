"""The public names, in the order and the groups in which semdev/__init__.py tells its story."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import semdev as sd


def read_groups() -> dict[str, list[str]]:
    """Return the names of `semdev._HOME` under the comments that stand above them.

    >>> list(read_groups())[:2], read_groups()["what happened"][0]
    (['what there is to learn', 'who learns it'], 'ask')
    """
    source = inspect.getsource(sd)
    block = source[source.index("_HOME = {") : source.index("\n}", source.index("_HOME = {"))]
    groups: dict[str, list[str]] = {}
    for comment, name in re.findall(r'^ {4}(?:# (.+)|"(\w+)":.*)$', block, flags=re.MULTILINE):
        if comment:
            groups[comment] = []
        else:
            groups[list(groups)[-1]].append(name)
    return groups


def read_modules() -> dict[str, list[str]]:
    """Return the public names of every public module, semdev.trees and its like.

    >>> "from_newick" in read_modules()["trees"], "beliefs" in read_modules()["plots"]
    (True, True)
    """
    found = {}
    for name, place in sd._MODULES.items():
        module = importlib.import_module(place)
        public = getattr(module, "__all__", None) or [
            each for each, value in vars(module).items()
            if not each.startswith("_") and getattr(value, "__module__", "") == place
        ]  # fmt: skip
        found[name] = [each for each in public if not inspect.ismodule(getattr(module, each))]
    return found


def list_names() -> list[str]:
    """Return every documented name in full, such as semdev.load or semdev.trees.from_newick."""
    return [
        *(f"semdev.{name}" for group in read_groups().values() for name in group),
        *(f"semdev.{module}.{name}" for module, names in read_modules().items() for name in names),
    ]


def find(full: str) -> Any:
    """Return what a full name names."""
    value: Any = sd
    for part in full.split(".")[1:]:
        value = getattr(value, part)
    return value
