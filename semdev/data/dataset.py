"""Dataset: items × properties, with their relations, frequencies and, where known, a tree."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import xarray as xr

from semdev._names import require
from semdev.data import html, tables, trees


@dataclass(frozen=True, eq=False)
class Dataset:
    """What there is to learn: which item has which property.

    Parameters
    ----------
    properties : xr.DataArray
        Item × property, finite numbers: 0/1, ±1 or graded. Coordinates `item` and `property`
        hold unique names; `relation` (on property: ISA, is, can, has, …) is worked out from the
        first word of each property where it is missing; `frequency` (on item, how often an item
        is met relative to the others, > 0) is 1 where it is missing
        (met twice as often, everything is learned in half the time). Copied in and read-only.
    tree : nx.DiGraph, optional
        A taxonomy whose leaves are the items (see `semdev.trees`). Copied in and frozen.
    name : str
        What errors, reprs and provenance call the data set.

    Raises
    ------
    ValueError
        No items or no properties, a name given twice, a value that is not a finite number,
        a frequency that is not positive, or a tree whose leaves are not the items.

    Examples
    --------
    >>> table = xr.DataArray(
    ...     [[1, 1], [1, 0]],
    ...     coords={"item": ["robin", "worm"], "property": ["can move", "has bones"]},
    ... )
    >>> Dataset(table, name="garden")
    <Dataset 'garden': 2 items × 2 properties, coded 0/1; relations can 1, has 1; no tree>
    """

    properties: xr.DataArray
    tree: nx.DiGraph | None = None
    name: str = "my data"

    def __post_init__(self) -> None:
        object.__setattr__(self, "properties", _check_table(self.properties, self.name))
        if self.tree is not None:
            _check_leaves(self.tree, self.properties["item"].values.tolist(), self.name)
            object.__setattr__(self, "tree", nx.freeze(self.tree.copy()))

    @property
    def coding(self) -> str:
        """How truth is written: ``"0/1"``, ``"±1"`` or ``"graded"``. It is part of the data."""
        values = self.properties.values
        if not (np.abs(values[0]) <= 1).all():  # spares most graded worlds a look at every cell
            return "graded"
        if ((values == 0) | (values == 1)).all():
            return "0/1"
        return "±1" if (np.abs(values) == 1).all() else "graded"

    @property
    def digest(self) -> str:
        """A fingerprint of names, values, relations, frequencies and tree (16 hex digits)."""
        table = self.properties
        parts = [table[k].values.astype(str).tolist() for k in ("item", "property", "relation")]
        edges: list[tuple[str, str, float]] = []
        if self.tree is not None:
            lengths = self.tree.edges(data="length", default=1.0)
            edges = sorted((parent, child, float(length)) for parent, child, length in lengths)
        text = repr((parts, table["frequency"].values.tolist(), edges)).encode()
        found = hashlib.sha256(text)
        found.update(np.ascontiguousarray(table.values).data)
        return found.hexdigest()[:16]

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        tree: nx.DiGraph | None = None,
        name: str = "my data",
        relations: Mapping[str, str] | None = None,
        fill: float | None = None,
    ) -> Dataset:
        """Make a Dataset from a wide or a long table.

        Parameters
        ----------
        frame : pd.DataFrame
            Wide: a row for each item (index, or a column `item`), a column for each property;
            the columns may carry two levels (relation, property), or a first row called
            ``relation`` may name the relations; a first column ``frequency`` (without a
            relation) holds the frequencies.
            Long: columns item, property, value, and where wanted relation and frequency.
            Cells are numbers or true and false.
        tree, name
            As for `Dataset`.
        relations : mapping of property to relation, optional
            Overrides what the table says or the first word of a property suggests.
        fill : float, optional
            The value of cells that the table leaves empty or does not list. Without it an
            empty cell is an error.

        Examples
        --------
        >>> frame = pd.DataFrame({"can fly": [1, 0]}, index=["robin", "worm"])
        >>> Dataset.from_frame(frame).properties.sel(item="robin").item()
        1.0
        """
        return cls(tables.read_frame(frame, relations=relations, fill=fill), tree, name)

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        tree: nx.DiGraph | None = None,
        name: str | None = None,
        relations: Mapping[str, str] | None = None,
        fill: float | None = None,
    ) -> Dataset:
        """Make a Dataset from a CSV file in any form that `from_frame` reads.

        The file is UTF-8; commas, semicolons or tabs separate its cells. Where no column is
        called `item`, the first one names the items. Raises FileNotFoundError with the nearest
        file name when there is no such file, ValueError for one that is no such table.
        """
        path = Path(path)
        frame = tables.read_csv(path)
        return cls.from_frame(
            frame, tree=tree, name=name or path.stem, relations=relations, fill=fill
        )

    @classmethod
    def from_nyu(
        cls, folder: str | Path, *, tree: nx.DiGraph | None = None, name: str | None = None
    ) -> Dataset:
        """Make a Dataset from the four text files of the NYU semantic-cognition homework.

        The folder holds `sem_items.txt`, `sem_relations.txt`, `sem_attributes.txt` (a name a
        line) and `sem_data.txt` (a row for each item × relation: one-hot item, one-hot
        relation, attributes). Lake & Gureckis, *Computational Cognitive Modeling*.
        """
        folder = Path(folder)
        return cls(tables.read_nyu(folder), tree, name or folder.resolve().name)

    def with_tree(self, tree: nx.DiGraph | None) -> Dataset:
        """Return the same data with this tree.

        >>> import semdev as sd
        >>> flat = sd.load("saxe2019").with_tree(None)
        >>> values, items = flat.properties.values, flat.properties["item"].values
        >>> flat.with_tree(sd.trees.from_clustering(values, items)).tree.number_of_nodes()
        7
        """
        return Dataset(self.properties, tree, self.name)

    def to_frame(self, *, form: str = "wide") -> pd.DataFrame:
        """Return the table: wide (item × (relation, property)) or long (a row for each cell).

        Parameters
        ----------
        form : "wide" or "long"
            Long has the columns item, relation, property, value and frequency. Either form
            goes back through `from_frame` without loss (but for the tree).
        """
        require(form, ["wide", "long"], kind="form", where="to_frame")
        return (
            tables.to_wide(self.properties) if form == "wide" else tables.to_long(self.properties)
        )

    def to_csv(self, path: str | Path, *, form: str = "wide") -> None:
        """Write the table to a CSV file that `from_csv`, R, JASP and a spreadsheet read."""
        require(form, ["wide", "long"], kind="form", where="to_csv")
        tables.write_csv(self.properties, Path(path), form=form)

    def to_nyu(self, folder: str | Path) -> None:
        """Write the four text files that `from_nyu` and that homework's own code read.

        The folder is made if it is not there. Attributes lose the relation before their name and
        `from_nyu` puts the file's back, so that ``ISA plant`` of the relation ``ISA_general``
        returns as ``ISA_general plant``; properties of one attribute (``is big``, ``can big``)
        return side by side. The format has no tree.

        Raises
        ------
        ValueError
            What the format cannot hold: a property without a relation, or that no item has;
            frequencies; two properties with one attribute and relation; a name that is no line.

        Examples
        --------
        >>> import tempfile
        >>> import semdev as sd
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sd.load("rumelhart8").to_nyu(folder)
        ...     again = sd.Dataset.from_nyu(folder, tree=sd.load("rumelhart8").tree)
        >>> again.digest == sd.load("rumelhart8").digest
        True
        """
        tables.write_nyu(self.properties, Path(folder))

    def select(
        self,
        *,
        items: Iterable[Hashable] | None = None,
        properties: Iterable[Hashable] | None = None,
    ) -> Dataset:
        """Return the Dataset of some items and properties, in the order asked for.

        The tree keeps the branches that lead to the items that stay.

        Examples
        --------
        >>> import semdev as sd
        >>> sd.load("saxe2019").select(items=["canary", "salmon"]).properties.shape
        (2, 7)
        """
        table, tree = self.properties, self.tree
        if items is not None:
            wanted = self._find(items, "item")
            table = table.sel(item=wanted)
            tree = trees.prune(tree, wanted) if tree is not None else None
        if properties is not None:
            table = table.sel(property=self._find(properties, "property"))
        return Dataset(table, tree, self.name)

    def _find(self, names: Iterable[Hashable], kind: str) -> list[str]:
        if isinstance(names, xr.DataArray):
            names = names.values.tolist()
        wanted: list[Any] = [names] if isinstance(names, str) else list(names)
        for each in wanted:
            require(each, self.properties[kind].values.tolist(), kind=kind, where=self.name)
        return wanted

    def __repr__(self) -> str:
        items, properties = self.properties.shape
        names, counts = np.unique(self.properties["relation"].values, return_counts=True)
        relations = ", ".join(f"{n or '(none)'} {k}" for n, k in zip(names, counts, strict=True))
        tree = "no tree"
        if self.tree is not None:
            tree = f"tree of {trees.ancestors(self.tree).shape[1]} levels"
        return (
            f"<Dataset {self.name!r}: {items} items × {properties} properties, "
            f"coded {self.coding}; relations {relations}; {tree}>"
        )

    def _repr_html_(self) -> str:
        return html.dataset(self)


def _check_table(given: Any, name: str) -> xr.DataArray:
    """Return a read-only float copy with every coordinate in place, or say what is wrong."""
    if not isinstance(given, xr.DataArray):
        raise TypeError(
            f"{name}: properties must be an xarray.DataArray (item × property), got "
            f"{type(given).__name__}; for a table use Dataset.from_frame or Dataset.from_csv"
        )
    if set(given.dims) != {"item", "property"}:
        raise ValueError(
            f"{name}: properties must have the dimensions item and property, got {given.dims}"
        )
    for kind in ("item", "property"):
        if given.sizes[kind] == 0:
            raise ValueError(f"{name} has no {kind}: there is nothing to learn")
        if kind not in given.coords:
            raise ValueError(f"{name}: the {kind} coordinate (the names) is missing")
        seen: set[str] = set()
        for number, label in enumerate(given[kind].values.tolist(), start=1):
            if pd.isna(label) or label == "":
                raise ValueError(f"{name}: {kind} {number} has no name")
            if str(label) in seen:
                raise ValueError(f"{name}: {kind} {str(label)!r} is named twice")
            seen.add(str(label))
    for coordinate, kind in (("relation", "property"), ("frequency", "item")):
        if coordinate in given.coords and set(given[coordinate].dims) - {kind}:
            raise ValueError(
                f"{name}: {coordinate} belongs on {kind}, got it on {given[coordinate].dims}"
            )
    given = given.transpose("item", "property")
    items, properties = (given[k].values.astype(str) for k in ("item", "property"))
    try:
        values = np.array(given.values, dtype=float, order="C")
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: properties must be numbers; {error}") from None
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        item, prop = str(items[bad[0, 0]]), str(properties[bad[0, 1]])
        raise ValueError(
            f"{name}: {len(bad)} of {values.size} cells are empty or infinite, the first is "
            f"{item!r} × {prop!r}; fill them in (from_csv and from_frame take fill=0) or leave "
            "them out with select()"
        )
    frequency = np.ones(len(items))
    if "frequency" in given.coords:
        frequency = np.array(np.broadcast_to(given["frequency"].values, len(items)), float)
    for item, each in zip(items.tolist(), frequency.tolist(), strict=True):
        if not 0 < each < np.inf:
            raise ValueError(f"{name}: frequency of {item!r} is {each}; it must be positive")
    relation = tables.guess_relations(properties)
    if "relation" in given.coords:
        relation = np.broadcast_to(given["relation"].values, len(properties)).astype(str)
    table = xr.DataArray(
        values,
        dims=("item", "property"),
        coords={
            "item": items,
            "property": properties,
            "relation": ("property", relation),
            "frequency": ("item", frequency),
        },
        name="properties",
    )
    for part in (table, table["relation"], table["frequency"]):
        part.values.flags.writeable = False
    return table


def _check_leaves(tree: nx.DiGraph, items: list[str], name: str) -> None:
    leaves = set(trees.leaves(trees.check(tree)))
    missing, extra = sorted(set(items) - leaves), sorted(leaves - set(items))
    if missing or extra:
        raise ValueError(
            f"{name}: the leaves of the tree must be the items; "
            f"items not in the tree: {missing[:5]}, leaves that are no item: {extra[:5]}"
        )
