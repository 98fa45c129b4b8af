"""The index of corpora: what comes with semdev, and where each comes from."""

from __future__ import annotations

from pathlib import Path

from docs.text import table, title, toctree
from semdev.data.corpora import list_corpora, load


def write_pages(root: Path) -> dict[str, str]:
    """Return the index; the pages of provenance are in the repository."""
    rows = []
    for name in list_corpora():
        world = load(name)
        items, properties = world.properties.shape
        size = f"{items} items × {properties} properties"
        rows.append((f":doc:`{name}`", size, world.coding, f"``sd.load({name!r})``"))
    behaviour = [
        path.relative_to(root / "datasets").with_suffix("").as_posix()
        for path in sorted((root / "datasets").glob("*/*.md"))
    ]
    index = "\n".join([
        title("Corpora"),
        "Each has a page of provenance: source, coding, licence, traps.\n",
        table(("corpus", "size", "coded", "to load it"), rows, (20, 35, 10, 35)),
        "Behaviour, in the form that `sd.fit` reads:\n",
        "\n".join(f"* :doc:`{page}`" for page in behaviour),
        "",
        toctree([*list_corpora(), *behaviour], "hidden"),
    ])  # fmt: skip
    return {"datasets/index.rst": index}
