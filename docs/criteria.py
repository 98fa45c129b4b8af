"""Read claims and criteria out of the source of a figure's checks, without computing anything."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any


def read_criteria(function: Any) -> list[tuple[str, str]]:
    """Return claim and criterion of every Check(…) that a function writes down.

    What is filled in when the figure is computed reads "…".

    >>> from semdev.papers import saxe2019
    >>> read_criteria(saxe2019.fig2_checks)[2]
    ('the modes together are the world', '< 1e-9')
    """
    found = []
    for source, scope in _follow(function):
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "Check":
                given = dict(zip(("claim", "number", "criterion"), call.args, strict=False))
                given |= {each.arg or "": each.value for each in call.keywords}
                if "claim" in given and "criterion" in given:
                    pair = (_read(given["claim"], scope), _read(given["criterion"], scope))
                    if pair[0] != "…":  # one that only hands on what stands elsewhere
                        found.append(pair)
    return found


def _follow(function: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return the source of a function and of those of its own module that it calls."""
    scope = function.__globals__
    waiting, seen = [function], []
    while waiting:
        one = waiting.pop(0)
        seen.append(one)
        tree = ast.parse(textwrap.dedent(inspect.getsource(one)))
        for node in ast.walk(tree):
            called = scope.get(node.id) if isinstance(node, ast.Name) else None
            own = inspect.isfunction(called) and called.__module__ == function.__module__
            if own and called not in seen and called not in waiting:
                waiting.append(called)
    return [(textwrap.dedent(inspect.getsource(one)), scope) for one in seen]


def _read(node: ast.expr, scope: dict[str, Any]) -> str:
    """Return a text that stands in the source; "…" where it is computed."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_read(part, scope) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _read(node.value, scope)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _read(node.left, scope) + _read(node.right, scope)
    if isinstance(node, ast.Name) and isinstance(scope.get(node.id), str | int | float):
        return str(scope[node.id])
    return "…"
