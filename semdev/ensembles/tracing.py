"""Tracing: what any module does, as operations on tensors, and these on a tape."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter, getitem
from typing import Any

import numpy as np
import torch
from torch.func import functionalize
from torch.fx import GraphModule, Node, map_arg
from torch.fx._pytree import tree_flatten_spec
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_unflatten

from semdev.ensembles.tape import Tape

aten = torch.ops.aten
VIEWS = (aten.expand.default, aten.view.default, aten._unsafe_view.default)


def trace(function: Callable[..., Any], given: tuple[Any, ...]) -> GraphModule:
    """Return what a function of tensors does, as operations none of which changes a tensor."""
    program = make_fx(lambda *x: function(*x))(*given)
    if any(
        node.op == "call_function" and node.target is not getitem
        and node.target._schema.is_mutable for node in program.graph.nodes
    ):  # fmt: skip
        program = make_fx(functionalize(program))(*given)
    return turn_products(program)


def turn_products(program: GraphModule) -> GraphModule:
    """Return the program with products that are turned afterwards computed turned, (a b)ᵀ = bᵀ aᵀ.

    The slope of weights comes as such; so it lies in memory as the weights do, which saves a fifth
    of an update of networks of 8 × 36 with 32 hidden units. (Views to the shape that is there
    already stand between, and go; so does × 1, as biases come with.)
    """
    graph = program.graph
    for node in list(graph.nodes):
        given = node.args[0] if node.args else None
        if not isinstance(given, Node):
            continue
        if _changes_nothing(node, given):
            node.replace_all_uses_with(given)
            graph.erase_node(node)
        elif (
            given.target is aten.bmm.default and len(given.users) == 1
            and node.target is aten.transpose.int and tuple(node.args[1:]) == (1, 2)
        ):  # fmt: skip
            with graph.inserting_before(node):
                a, b = (graph.call_function(aten.transpose.int, (x, 1, 2)) for x in given.args)
                product = graph.call_function(aten.bmm.default, (b, a))
            product.meta = dict(node.meta)
            node.replace_all_uses_with(product)
            graph.erase_node(node)
    graph.eliminate_dead_code()
    program.recompile()
    return program


def _changes_nothing(node: Node, given: Node) -> bool:
    """Return whether a node is a view to the shape that is there, or × 1."""
    before, after = given.meta.get("val"), node.meta.get("val")
    if not (isinstance(before, torch.Tensor) and isinstance(after, torch.Tensor)):
        return False
    times_one = node.target is aten.mul.Scalar and node.args[1] == 1
    view = node.target in VIEWS and before.shape == after.shape
    return bool(view or (times_one and before.dtype == after.dtype))


def write_down(
    program: GraphModule, given: tuple[Any, ...], tape: Tape, places: dict[Node, Any]
) -> Any:
    """Do what a traced program does with what is given, and write it down; return its results.

    Views and what hangs on no tensor that is given are made once; what is computed has its own
    place in memory, which `places` holds for all tapes of the program: with one for each of 32
    patterns, networks would fall out of the cache between updates, which then take twice as long.
    (Results are where they are: each tape writes over them.)
    """
    values: dict[Node, Any] = {}
    changing: set[Node] = set()
    leaves, shape = iter(tree_flatten_spec(given, program._in_spec)), program._out_spec
    for node in program.graph.nodes:
        if node.op == "placeholder":
            values[node] = next(leaves)
            changing.add(node)
        elif node.op == "get_attr":
            values[node] = attrgetter(node.target)(program)
        elif node.op == "output":
            results = map_arg(node.args[0], values.__getitem__)
            return tree_unflatten(list(results), shape)  # type: ignore[arg-type]
        else:
            args, kwargs = map_arg((node.args, node.kwargs), values.__getitem__)
            if node in places:
                values[node] = places[node]
                tape.write(_repeat(node.target, args, kwargs, places[node]))
                changing.add(node)
                continue
            values[node] = node.target(*args, **kwargs)
            if changing.isdisjoint(node.all_input_nodes):
                continue
            changing.add(node)
            picks = node.target is getitem  # one of several results
            if not picks and not _is_view(values[node], [values[n] for n in node.all_input_nodes]):
                tape.operations.append(_repeat(node.target, args, kwargs, values[node]))
                places[node] = values[node]
    raise AssertionError("a program ends with its output")


def _repeat(target: Any, args: Any, kwargs: Any, result: Any) -> Any:
    """Return an operation that does it again, into the same memory."""
    if target is aten.bmm.default and args[0].shape[-1] == 1:  # as for a single pattern: no sum
        return partial(torch.mul, *args, out=result)
    if target is aten.bmm.default and result.device.type == "cpu":
        # numpy multiplies stacks of small matrices 1.3 to 1.8 times as fast as torch does.
        return partial(np.matmul, args[0].numpy(), args[1].numpy(), result.numpy())
    into = _find_out(target)
    if into is not None:
        overload, name = into
        return partial(overload, *args, **kwargs, **{name: result})

    def again() -> None:
        found = target(*args, **kwargs)
        pairs = (
            [(result, found)]
            if isinstance(result, torch.Tensor)
            else zip(result, found, strict=True)
        )
        for place, value in pairs:
            if isinstance(place, torch.Tensor):
                place.copy_(value)

    return again


def _find_out(target: Any) -> tuple[Any, str] | None:
    """Return the form of an operation that is told where its result goes, and by which name."""
    asked = [(argument.name, str(argument.type)) for argument in target._schema.arguments]
    for overload in target.overloadpacket.overloads():
        form = getattr(target.overloadpacket, overload)
        places = [x.name for x in form._schema.arguments if x.is_out]
        others = [(x.name, str(x.type)) for x in form._schema.arguments if not x.is_out]
        if len(places) == 1 and others == asked:
            return form, places[0]
    return None


def _is_view(result: Any, given: Iterable[Any]) -> bool:
    """Return whether a result lies in the memory of what was given."""
    if not isinstance(result, torch.Tensor):
        return False
    place = result.untyped_storage().data_ptr()
    return any(
        isinstance(x, torch.Tensor) and x.untyped_storage().data_ptr() == place for x in given
    )
