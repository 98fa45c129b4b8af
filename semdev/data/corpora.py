"""The bundled corpora: one CSV, one tree and one page of provenance each."""

from __future__ import annotations

from semdev._names import require
from semdev.data import trees
from semdev.data.bundled import find_folder, list_corpora
from semdev.data.dataset import Dataset


def load(name: str = "living_things") -> Dataset:
    """Load a bundled corpus, with its tree.

    Parameters
    ----------
    name : str
        One of `list_corpora()`. Each has a page of provenance, printed by `describe(name)`.

    Raises
    ------
    KeyError
        No corpus of that name; the nearest match is suggested.

    Examples
    --------
    >>> load("saxe2019")
    <Dataset 'saxe2019': 4 items × 7 properties, coded 0/1; ...; tree of 3 levels>
    """
    require(name, list_corpora(), kind="corpus", where="semdev")
    folder = find_folder()
    newick = folder / f"{name}.nwk"
    tree = trees.from_newick(newick.read_text(encoding="utf-8")) if newick.exists() else None
    return Dataset.from_csv(folder / f"{name}.csv", tree=tree, name=name)


def describe(name: str) -> str:
    """Return a corpus's page of provenance: source, coding, counts, licence, traps.

    >>> print(describe("rogers2004").splitlines()[0].startswith("#"))
    True
    """
    require(name, list_corpora(), kind="corpus", where="semdev")
    return (find_folder() / f"{name}.md").read_text(encoding="utf-8")
