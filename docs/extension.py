"""What Sphinx lacks for this site: links from code to the reference, and formulas without scripts.

A piece of code in running text, such as `sd.train` or ``typicality``, links to the page of the
public name it mentions, in docstrings, Markdown and notebooks alike. Formulas become MathML, which
browsers draw themselves.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from docs.names import list_names, read_modules
from docs.text import keep_bars

NAME = re.compile(r"(?:sd\.|semdev\.)?([A-Za-z_][\w.]*)(?:\(.*\))?", re.DOTALL)


class LinkNames(SphinxTransform):
    """Link every piece of code that is a public name, or a file with a page, to its page."""

    default_priority = 400
    known = frozenset([*list_names(), *(f"semdev.{module}" for module in read_modules())])

    def apply(self, **kwargs: Any) -> None:
        """Replace literals in place."""
        page = self.env.docname
        here = ["semdev"]
        if page.startswith("reference/") and "." in page:
            here.insert(0, f"semdev.{page.split('/')[1].split('.')[0]}")
        elif f"semdev.{page.removeprefix('reference/')}." in "\n".join(self.known):
            here.insert(0, f"semdev.{page.removeprefix('reference/')}")
        for literal in list(self.document.findall(nodes.literal)):
            if any(isinstance(up, nodes.reference | nodes.title | pending_xref)
                   for up in ancestors(literal)):  # fmt: skip
                continue
            text = literal.astext()
            file = re.sub(r"\.(md|ipynb)$", "", text)
            if file != text and file in self.env.found_docs:
                kind, target = ("std", "doc"), f"/{file}"
            else:
                kind, target = ("py", "obj"), find_target(text, here, self.known)
            if target:
                link = pending_xref(
                    "", literal.deepcopy(), refdomain=kind[0], reftype=kind[1], reftarget=target,
                    refdoc=page, refexplicit=True, refwarn=True,
                )  # fmt: skip
                literal.parent.replace(literal, link)


class TrimBlocks(SphinxTransform):
    """Take the empty lines from the end of code, which a doctest in Markdown needs."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Trim in place."""
        for block in self.document.findall(nodes.literal_block):
            if block.rawsource == block.astext():
                block.rawsource = block.rawsource.rstrip()
                block[:] = [nodes.Text(block.rawsource)]


def find_target(text: str, modules: list[str], known: frozenset[str]) -> str | None:
    """Return the full public name that a piece of code is, or None.

    >>> known = frozenset({"semdev.train", "semdev.trees.leaves"})
    >>> find_target("train(rule=…)", ["semdev"], known)
    'semdev.train'
    >>> find_target("sd.trees.leaves", ["semdev"], known)
    'semdev.trees.leaves'
    >>> find_target("leaves", ["semdev"], known)
    """
    found = NAME.fullmatch(text)
    names = [f"{module}.{found[1]}" for module in modules] if found else []
    return next((name for name in names if name in known), None)


def ancestors(node: nodes.Node) -> list[nodes.Node]:
    """Return what a node stands in, innermost first."""
    found = []
    while (node := node.parent) is not None:
        found.append(node)
    return found


def draw_formula(self: Any, node: nodes.Element) -> None:
    """Write a formula as MathML."""
    block = isinstance(node, nodes.math_block)
    self.body.append(tex2mathml(node.astext(), as_block=block))
    raise nodes.SkipNode


def process_docstring(
    app: Sphinx, kind: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """Escape the bars of |x| before numpydoc reads a docstring."""
    lines[:] = keep_bars(lines)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register them with Sphinx."""
    app.connect("autodoc-process-docstring", process_docstring, priority=100)
    app.add_transform(LinkNames)
    app.add_transform(TrimBlocks)
    app.add_html_math_renderer(
        "mathml", inline_renderers=(draw_formula, None), block_renderers=(draw_formula, None)
    )
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
