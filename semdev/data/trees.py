"""Taxonomies: build them, read and write them, check them, ask them.

A tree is a plain `networkx.DiGraph` with edges from parent to child, one root, and strings for
nodes. Its leaves are the items; the edge attribute `length` (default 1) says how far a child is
from its parent. Children stand in the order in which they were inserted. Where a tree is none,
every function raises what `check` raises.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from numbers import Integral, Real
from operator import index
from pathlib import Path
from typing import Any, Literal, get_args

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from semdev._names import suggest

Linkage = Literal["average", "single", "complete", "weighted", "centroid", "median", "ward"]


def check(tree: nx.DiGraph) -> nx.DiGraph:
    """Return the tree unchanged, or say what is wrong with it and where.

    Raises TypeError for anything but a DiGraph; ValueError for no nodes, a name that is not a
    non-empty string, a cycle, a second parent, a second root, a length below 0 or not finite.

    >>> check(nx.DiGraph([("a", "b"), ("b", "a")]))
    Traceback (most recent call last):
    ValueError: the tree has a cycle: a → b → a
    """
    if not isinstance(tree, nx.DiGraph) or tree.is_multigraph():
        raise TypeError(
            f"a tree is a networkx.DiGraph, not a {type(tree).__name__}; semdev.trees.from_nested "
            "makes one from nested dicts and lists, from_newick from Newick"
        )
    if not tree:
        raise ValueError("the tree is empty: it needs at least one node")
    for node in tree:
        if not isinstance(node, str) or not node:
            raise ValueError(f"{node!r} names a node; names are non-empty strings")
    if not nx.is_directed_acyclic_graph(tree):
        first, *others = [parent for parent, _ in nx.find_cycle(tree)]
        raise ValueError(f"the tree has a cycle: {' → '.join([first, *others, first])}")
    for node, parents in tree.pred.items():
        if len(parents) > 1:
            raise ValueError(f"{node!r} has more than one parent: {_quote(parents)}")
    roots = [node for node, degree in tree.in_degree if degree == 0]
    if len(roots) > 1:
        raise ValueError(f"the tree has more than one root: {_quote(roots)}")
    for parent, child, length in tree.edges(data="length", default=1.0):
        if not isinstance(length, Real) or not 0 <= length < math.inf:
            edge = f"{parent!r} → {child!r}"
            raise ValueError(f"edge {edge} has length {length!r}; lengths are finite numbers ≥ 0")
    return tree


def from_nested(nested: Mapping[str, Any] | Sequence[Any], *, root: str = "root") -> nx.DiGraph:
    """Build a tree from nested dicts (classes by name) and lists (their members).

    A dict with a single key has that key for its root; all else gets a root named `root`. Values
    are dicts, lists, one leaf (a string) or None (the key is itself a leaf). A list inside a list
    is a class without a name and becomes 'node 1', 'node 2', … Raises ValueError for a class
    without members or a name used twice, TypeError for members of another type.

    >>> leaves(from_nested({"animal": {"bird": ["robin", "canary"], "fish": "cod"}, "oak": None}))
    ['robin', 'canary', 'cod', 'oak']
    """
    if isinstance(nested, Mapping) and len(nested) == 1:
        return _plant(list(_members(nested, None)))
    if not isinstance(nested, Mapping | list | tuple):
        raise TypeError(f"{nested!r} is neither a dict nor a list")
    top = _Node(root)
    return _plant([top, *_members(nested, top)])


def balanced(branching: Sequence[int], *, leaves: Sequence[str] | None = None) -> nx.DiGraph:
    """Build a tree in which all nodes of a level have equally many children.

    `branching` lists that number, an integer ≥ 1, for every level from the root down; its product
    is the number of leaves. These are named 'item 1', 'item 2', … or by `leaves`; inner nodes are
    'root' and 'node level.index'. Raises ValueError for other branching or
    another number of names.

    >>> ancestors(balanced([2, 2])).loc["item 3"].tolist()
    ['root', 'node 1.2', 'item 3']
    """
    widths = list(branching) if isinstance(branching, Iterable) else []
    if not widths or not all(isinstance(width, Integral) and width >= 1 for width in widths):
        asked = "the number of children at every level, such as [2, 2, 2]"
        raise ValueError(f"branching {branching!r} is not a list of integers ≥ 1: {asked}")
    size = math.prod(widths)
    names = _item_names(size if leaves is None else leaves)
    if len(names) != size:
        raise ValueError(f"branching {widths} makes {size} leaves, not the {len(names)} named")
    nodes = level = [_Node("root")]
    for depth, width in enumerate(widths, start=1):
        parents = [parent for parent in level for _ in range(width)]
        last = depth == len(widths)
        labels = names if last else [f"node {depth}.{k + 1}" for k in range(len(parents))]
        level = [_Node(*node) for node in zip(labels, parents, strict=True)]
        nodes = nodes + level
    return _plant(nodes)


def random(leaves: int | Sequence[str], *, seed: int, max_children: int = 4) -> nx.DiGraph:
    """Draw a tree at random in which every inner node has 2 to `max_children` children.

    From the root down, n leaves are cut into k runs: k is uniform on 2 … min(n, max_children), the
    cuts are uniform among the n - 1 gaps. `leaves` are names, which are shuffled first, or a
    number, for 'item 1', 'item 2', … in order. The same `seed` gives the same tree. Raises
    ValueError for no leaves, a name used twice or max_children < 2.

    >>> to_newick(random(4, seed=1, max_children=2))
    "(('item 1','item 2')'node 1',('item 3','item 4')'node 2')root;"
    """
    if max_children < 2:
        raise ValueError(f"max_children is {max_children}; an inner node has at least 2 children")
    rng = np.random.default_rng(index(seed))
    names = _item_names(leaves)
    if not isinstance(leaves, int | np.integer):
        names = [names[k] for k in rng.permutation(len(names))]

    def split(run: list[str]) -> list[Any]:
        parts = rng.integers(2, min(len(run), max_children), endpoint=True)
        cuts = sorted(1 + rng.choice(len(run) - 1, parts - 1, replace=False))
        pieces = [run[i:j] for i, j in pairwise([0, *cuts, len(run)])]
        return [split(piece) if len(piece) > 1 else piece[0] for piece in pieces]

    return from_nested(split(names) if len(names) > 1 else {names[0]: None})


def from_newick(text: str | Path) -> nx.DiGraph:
    """Read a tree in Newick format, a text or the path of a file.

    As J. Felsenstein defined it, but with underscores kept; see
    https://phylipweb.github.io/phylip/newicktree.html. Inner nodes without a name become
    'node 1', 'node 2', …; edges without a length get 1; a length of the root is dropped, and so
    are [comments]. Raises ValueError with the position (`text[position]`) for unbalanced
    parentheses, a missing ';' or text after it, a bad length, a leaf without a name or a name
    used twice.

    >>> from_newick("((robin:0.5,canary:2)bird,oak)'living thing';").edges["bird", "canary"]
    {'length': 2.0}
    """

    if isinstance(text, Path) or (text and ";" not in text and "(" not in text):
        if not Path(text).is_file():
            raise ValueError(f"{str(text)!r} is neither a tree in Newick format nor a file of one")
        text = Path(text).read_text(encoding="utf-8")

    def error(problem: str, at: int) -> ValueError:
        excerpt = text[max(0, at - 12) : at + 12]
        return ValueError(f"{problem} at position {at}, near {excerpt!r}")

    def grow(parent: _Node | None) -> _Node:
        nodes.append(_Node(parent=parent))
        return nodes[-1]

    blank = _QUOTE_OR_COMMENT.sub(lambda m: m[0] if m[0][0] == "'" else " " * len(m[0]), text)
    nodes: list[_Node] = []
    named: set[str] = set()
    here, end = grow(None), ","
    for step in _NEWICK_STEP.finditer(blank):  # every step completes one node
        inner, end = end == ")", step["end"]
        if inner and "(" in step["open"]:
            raise error("no ',' before '('", step.start())
        for _ in range(step["open"].count("(")):
            here = grow(here)
        name, length = step["name"] or "", step["length"]
        if name.startswith("'"):
            name = name[1:-1].replace("''", "'")
        if not end and step.end() == len(text):
            missing = "unbalanced parentheses: no ')'" if here.parent else "missing ';'"
            raise error(missing, len(text))
        if not end:
            raise error("no ',', ')' or ';' (a name with blanks needs quotes)", step.end())
        if not name and not inner:
            raise error("a leaf has no name", step.start("end"))
        if name and name in named:
            raise error(f"{name!r} is named twice, again", step.start("name"))
        if length is not None and not _NUMBER.fullmatch(length):
            raise error(f"bad length {length!r}", step.start("length"))
        if (end == ";") != (here.parent is None):
            raise error(f"unbalanced parentheses before {end!r}", step.start("end"))
        named.add(name)
        here.name, here.length = name or None, float(length or 1)
        if end == ";":
            break
        here = here.parent if here.parent and end == ")" else grow(here.parent)
    if step.end() < len(text):
        raise error("text after ';'", step.end())
    return _plant(nodes)


def to_newick(tree: nx.DiGraph) -> str:
    """Write a tree in Newick format, such that `from_newick` gives it back.

    Names are quoted where they must be; lengths are written unless all are 1.

    >>> to_newick(from_nested({"living thing": {"bird": ["robin", "canary"], "oak": None}}))
    "((robin,canary)bird,oak)'living thing';"
    """
    top = root(tree)
    lengths = {child: length for _, child, length in tree.edges(data="length", default=1.0)}
    plain = all(length == 1 for length in lengths.values())
    text: dict[str, str] = {}
    for node in nx.dfs_postorder_nodes(tree, top):
        label = node if _PLAIN.fullmatch(node) else "'" + node.replace("'", "''") + "'"
        inner = ",".join(text.pop(child) for child in tree[node])
        tail = "" if plain or node == top else f":{float(lengths[node])!r}"
        text[node] = (f"({inner})" if inner else "") + label + tail
    return text[top] + ";"


def from_clustering(
    values: ArrayLike, items: Sequence[str], *, method: Linkage = "average"
) -> nx.DiGraph:
    """Derive a tree from a table, items × properties, by hierarchical clustering.

    For want of a tree of one's own; but beware of the circle: this one comes from the very table
    that it will be used to judge. Distances are Euclidean, leaves in optimal order (Bar-Joseph et
    al., 2001, Bioinformatics 17, S22), the k-th merge is 'cluster k' and an edge is as long as the
    difference of two merge heights, so that all leaves are equally far from the root (but for
    'centroid' and 'median', whose inversions get 0). Raises ValueError for an unknown method,
    values not finite or not one row an item, a name used twice.

    >>> to_newick(from_clustering([[0.0], [1.0], [5.0]], ["a", "b", "c"], method="single"))
    "(c:4.0,(b:1.0,a:1.0)'cluster 1':3.0)'cluster 2';"
    """
    from scipy.cluster.hierarchy import linkage

    if method not in get_args(Linkage):
        raise ValueError(f"no method {method!r}; {suggest(method, get_args(Linkage))}")
    names, table = _item_names(items), np.asarray(values, dtype=float)
    size, shape = len(names), table.shape
    if table.ndim != 2 or len(table) != size or not np.isfinite(table).all():
        raise ValueError(f"values of shape {shape} are not {size} items × properties, all finite")
    names = _item_names(names + [f"cluster {k}" for k in range(1, size)])
    merges = linkage(table, method, optimal_ordering=True) if size > 1 else np.empty((0, 4))
    heights = [0.0] * size + merges[:, 2].tolist()
    tree: nx.DiGraph = nx.empty_graph(names, create_using=nx.DiGraph)
    for k, pair in enumerate(merges[:, :2].astype(int), start=size):
        for child in pair:
            tree.add_edge(names[k], names[child], length=max(heights[k] - heights[child], 0.0))
    return check(tree)


def root(tree: nx.DiGraph) -> str:
    """Return the name of the root.

    >>> root(balanced([2, 2]))
    'root'
    """
    return str(next(nx.topological_sort(check(tree))))


def leaves(tree: nx.DiGraph) -> list[str]:
    """Return the names of the leaves, the items, depth first.

    >>> leaves(balanced([2, 2]))
    ['item 1', 'item 2', 'item 3', 'item 4']
    """
    return [node for node in nx.dfs_preorder_nodes(tree, root(tree)) if not tree[node]]


def prune(tree: nx.DiGraph, keep: Iterable[str]) -> nx.DiGraph:
    """Return a new tree of the leaves in `keep` and their ancestors.

    A class left with one member stays, so that every node keeps its level. Raises ValueError for
    no names and for one that is no leaf.

    >>> to_newick(prune(balanced([2, 2]), ["item 3"]))
    "(('item 3')'node 1.2')root;"
    """
    known, kept = leaves(tree), set(keep)
    if not kept:
        raise ValueError("no leaves to keep: a tree needs at least one")
    for name in sorted(kept.difference(known)):
        raise ValueError(f"no leaf {name!r} in the tree; {suggest(name, known)}")
    pruned = tree.copy()  # a subgraph may lose the order of its nodes
    pruned.remove_nodes_from(set(tree).difference(kept, *(nx.ancestors(tree, k) for k in kept)))
    return pruned


def ancestors(tree: nx.DiGraph) -> pd.DataFrame:
    """Return every leaf's ancestors: leaves (depth first) × levels (0 is the root).

    A leaf less deep than others repeats its own name up to the last level.

    >>> ancestors(from_newick("((robin,canary)bird,oak)root;"))
    level      0     1       2
    item
    robin   root  bird   robin
    canary  root  bird  canary
    oak     root   oak     oak
    """
    names = pd.Index(leaves(tree), name="item")
    paths = nx.single_source_shortest_path(tree, root(tree))
    depth = max(map(len, paths.values()))
    rows = [paths[leaf] + [leaf] * (depth - len(paths[leaf])) for leaf in names]
    return pd.DataFrame(rows, index=names, columns=pd.RangeIndex(depth, name="level"))


def common_levels(ancestors: ArrayLike) -> NDArray[np.int_]:
    """Return the level of the last common ancestor of every two items, items × items.

    `ancestors` is an array of names, items × levels, as the function `ancestors` gives it. Two
    items get the number of leading levels on which they agree, minus 1; an item and itself, the
    last level. Raises ValueError for another number of dimensions.

    >>> common_levels(ancestors(from_newick("((robin,canary)bird,oak)root;")))
    array([[2, 1, 0],
           [1, 2, 0],
           [0, 0, 2]])
    """
    names = np.asarray(ancestors)
    if names.ndim != 2:
        raise ValueError(f"ancestors have shape {names.shape}; they are items × levels")
    equal = names[:, None] == names[None, :]
    levels: NDArray[np.int_] = np.logical_and.accumulate(equal, axis=2).sum(axis=2) - 1
    return levels


@dataclass(eq=False)
class _Node:
    """A node of a tree under construction; `_plant` names one that has no name."""

    name: str | None = None
    parent: _Node | None = None
    length: float = 1.0


def _plant(nodes: list[_Node]) -> nx.DiGraph:
    """Join nodes to a tree, naming the nameless 'node 1', 'node 2' and so on."""
    taken = {node.name for node in nodes}
    free = (name for k in count(1) if (name := f"node {k}") not in taken)
    places: dict[str, str] = {}
    for node in nodes:
        if node.name is None:
            node.name = next(free)
        place = f"under {node.parent.name!r}" if node.parent else "as the root"
        if node.name in places:
            raise ValueError(f"{node.name!r} is named twice: {places[node.name]} and {place}")
        places[node.name] = place
    tree: nx.DiGraph = nx.empty_graph(places, create_using=nx.DiGraph)
    for node in nodes:
        if node.parent:
            tree.add_edge(node.parent.name, node.name, length=node.length)
    return check(tree)


def _members(members: Any, parent: _Node | None) -> Iterator[_Node]:
    """Walk down nested dicts, lists and strings."""
    owner = repr(parent.name) if parent and parent.name else "a list"
    if not isinstance(members, Mapping | list | tuple | str):
        raise TypeError(f"{owner} holds {members!r}; members are named dicts, lists or strings")
    if not members:
        raise ValueError(f"class {owner} has no members: {members!r}")
    if isinstance(members, str):
        yield _Node(members, parent)
    elif isinstance(members, Mapping):
        for name, inner in members.items():
            yield (node := _Node("" if name is None else name, parent))
            if inner is not None:
                yield from _members(inner, node)
    else:
        for inner in members:
            below = parent
            if isinstance(inner, list | tuple):
                yield (below := _Node(None, parent))
            yield from _members(inner, below)


def _item_names(leaves: int | Sequence[str]) -> list[str]:
    """Return names as a list, made from a number or checked."""
    if isinstance(leaves, int | np.integer):
        leaves = [f"item {k + 1}" for k in range(leaves)]
    if isinstance(leaves, str):
        raise TypeError(f"names are a list of strings, not the string {leaves!r}")
    if len(leaves) == 0:
        raise ValueError("no names: a tree needs at least one leaf")
    name, times = Counter(leaves).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{name!r} is named twice")
    return list(leaves)


def _quote(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


_PLAIN = re.compile(r"[^\s()\[\]:;,']+")
_NUMBER = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_QUOTE_OR_COMMENT = re.compile(r"'[^']*'|\[[^\]]*\]")
_NEWICK_STEP = re.compile(
    rf"(?P<open>[(\s]*)(?P<name>'(?:[^']|'')*+'|{_PLAIN.pattern})?\s*"
    r"(?::\s*(?P<length>[^\s(),:;]*)\s*)?(?P<end>[,);]?)\s*"
)
