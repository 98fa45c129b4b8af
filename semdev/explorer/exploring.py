"""explore: a History as a page that shows itself in Jupyter and opens anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

import xarray as xr

from semdev._files import write_whole
from semdev.history import check, get_provenance

MOST_CELLS = 100_000
INSTALL = "explore draws with Bokeh, which is not installed: pip install 'semdev[explore]'"


@dataclass(frozen=True, eq=False)
class Explorer:
    """A page that shows a History; Jupyter shows it, `save` writes it.

    Parameters
    ----------
    page : str
        HTML that needs no other file and no network.
    title : str
        What it shows.
    """

    page: str
    title: str

    def save(self, path: str | Path) -> None:
        """Write the page to an .html file, whole or not at all.

        Raises
        ------
        ValueError
            The name does not end in .html.
        FileNotFoundError
            No such folder.
        """
        if Path(path).suffix not in (".html", ".htm"):
            raise ValueError(f"an explorer is saved as an .html file, got {str(path)!r}")
        with write_whole(path) as unfinished:
            unfinished.write_text(self.page, encoding="utf-8")

    def _repr_html_(self) -> str:
        # A frame of its own: what the page calls its parts, and its style, meet nobody else's.
        return (
            f'<iframe title="{escape(self.title, quote=True)}" srcdoc="{escape(self.page)}" '
            'style="width:100%;height:1240px;border:0;background:white"></iframe>'
        )

    def __repr__(self) -> str:
        size = len(self.page.encode()) / 1e6
        return f"<Explorer of {self.title}: {size:.1f} MB; .save('file.html') writes the page>"


def explore(
    history: xr.Dataset,
    *,
    title: str | None = None,
    seeds: int | None = None,
    times: int = 200,
    layer: str = "output",
) -> Explorer:
    """Show a History as a page with a time slider, in Jupyter or as a file for others.

    All pictures move together: the beliefs about an item (what is true of it, what is false), the
    course of one belief, the items in a plane that keeps their distances, with the paths they
    came (`align_trajectories`), their dendrogram (average linkage), the strengths of the modes of
    the data (`mode_strengths`), and the loss with its stages (`stage_times`). Item, property and
    learner can be chosen: one seed, or the ensemble, of which medians and the central 95 % are
    shown.

    Parameters
    ----------
    history : xr.Dataset
        A History with outputs.
    title : str, optional
        Heading; by default who learned what.
    seeds : int, optional
        The first so many seeds; by default as many as have room in about 4 MB. The ensemble is
        made of these, and the page says of how many.
    times : int
        At most so many of the recorded times, evenly spread among them, first and last included.
    layer : str
        Of what the distances between items are taken: "output", or a recorded hidden layer.

    Returns
    -------
    Explorer
        It shows itself in Jupyter; ``explore(history).save("file.html")`` writes a page that opens
        offline in any browser. Beliefs in it are the History's, with errors of less than 1e-6
        (of 2.4e-8 of the largest belief, where that is more).

    Raises
    ------
    ImportError
        Bokeh is not installed (``pip install 'semdev[explore]'``).
    KeyError
        No such layer; the nearest match is suggested.
    ValueError
        Fewer than two items or times, more seeds than there are, more than 100,000 cells (choose
        some: ``history.sel(property=[…])``), or beliefs that are no finite numbers.

    Examples
    --------
    >>> import semdev as sd
    >>> page = explore(sd.solve(sd.load("saxe2019"), depth=2))
    >>> page
    <Explorer of saxe2019, learned by theory, depth 2: ... MB; .save('file.html') writes the page>
    """
    try:
        import bokeh  # noqa: F401
    except ImportError:
        raise ImportError(INSTALL) from None
    from semdev.explorer.gathering import gather
    from semdev.explorer.page import make_page

    sizes = check(history).sizes
    if sizes["item"] < 2 or sizes["time"] < 2 or times < 2:
        raise ValueError(
            f"explore needs at least two items and two times, got {sizes['item']} items and "
            f"{min(sizes['time'], times)} times"
        )
    if seeds is not None and not 1 <= seeds <= sizes["seed"]:
        raise ValueError(f"seeds must be from 1 to {sizes['seed']}, all there are, got {seeds}")
    if sizes["item"] * sizes["property"] > MOST_CELLS:
        raise ValueError(
            f"{sizes['item']} items × {sizes['property']} properties are too many for a page "
            f"(at most {MOST_CELLS:,} cells); choose some: explore(history.sel(item=[…]))"
        )
    store = gather(history, seeds=seeds, times=times, layer=layer)
    made = get_provenance(history)
    model = str(made.get("model", "a learner")).partition("(")[0]
    title = title or f"{made.get('data', 'a world')}, learned by {model}"
    shown = len(store["seeds"])
    some = (
        f"the first {shown} of {store['all_seeds']}" if shown < store["all_seeds"] else f"{shown}"
    )
    subtitle = (
        f"{sizes['item']} items × {sizes['property']} properties, {some} "
        f"learner{'s' * (shown > 1)}, {len(store['time'])} times"
    )
    return Explorer(make_page(store, title=title, subtitle=subtitle), title)
