"""Over-extension: the name of an item that is met often goes to its kin, for a while."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
import xarray as xr

from semdev.data.dataset import Dataset
from semdev.data.patterns import make_patterns
from semdev.learners import Learner
from semdev.measures.damaged import find_domains
from semdev.measures.names import compare_extensions, find_bearers, find_isa
from semdev.phenomena.base import ALPHA, Criterion, NotApplicableError, Phenomenon, ask_for_tree

OFTEN = 8  # times as often as others (McClelland & Rogers 2003)


def ask_for_names(data: Dataset) -> str:
    """Return why data cannot show it: they have no tree, or no names that some lack.

    >>> import semdev as sd
    >>> ask_for_names(sd.load("saxe2019"))
    'the data have no names (properties of a relation ISA…) that some items bear and some lack'
    """
    if not ask_for_tree(data) and not len(find_names(data)):
        return (
            "the data have no names (properties of a relation ISA…) that some items bear and some "
            "lack"
        )
    return ask_for_tree(data)


def find_names(data: Dataset) -> np.ndarray:
    """Return the positions of the names that some items bear and some lack, and that do not cross.

    Of two that cross, such as "mammal" and "pet", one is no kind: that which crosses more others.

    >>> import semdev as sd
    >>> world = sd.load("living_things").properties
    >>> "ISA pet" in world["property"].values[find_names(sd.load("living_things"))]
    False
    """
    names = np.flatnonzero(find_isa(data.properties))
    if not len(names):
        return names
    bears = find_bearers(data.properties, names)[0][:, names]
    told = bears.any(0) & ~bears.all(0)
    names, bears = names[told], bears[:, told]
    while True:
        crossed = compare_extensions(bears)[1].sum(1)
        if not crossed.any():
            return names
        kept = np.arange(len(names)) != crossed.argmax()
        names, bears = names[kept], bears[:, kept]


def choose_frequent(data: Dataset) -> tuple[int, int]:
    """Return the item that is to be met often, and its narrowest name (positions).

    The item that is most like somebody who does not bear its narrowest name, by the correlation
    over all properties that are no names (of ties the first by name): so that over-extension has
    its best chance. Classes have no part in the choice.

    >>> import semdev as sd
    >>> world = sd.load("rogers2004")
    >>> item, name = choose_frequent(world)
    >>> world.properties[item, name].coords["property"].item()
    'ISA dog'
    """
    names = find_names(data)
    bears = find_bearers(data.properties, names)[0][:, names]
    others = data.properties.values[:, ~find_isa(data.properties)]
    centred = others - others.mean(1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    centred = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    alike = np.round(centred @ centred.T, 9)
    own = np.where(bears, bears.sum(0), len(bears) + 1).argmin(1)
    nearest = np.where(bears[:, own].T, -np.inf, alike).max(1)
    order = np.argsort(data.properties["item"].values)
    item = int(order[np.where(bears.any(1), nearest, -np.inf)[order].argmax()])
    return item, int(names[own[item]])


def lend_name(learner: Learner, data: Dataset, seeds: Sequence[int]) -> xr.Dataset:
    """Let one item be met eight times as often as others, and see who is lent its name.

    A name is lent for a while to the extent that belief in it rises above where it ends,
    max_t y − y(end), as a share of the range of the names' targets.

    Returns
    -------
    Dataset
        Over seed × item, NaN for those who bear the name: `lent`, and `usually`, what is lent in
        the world as it is; `frequent`, the item's position; the classes, `ancestor(item, level)`.

    Raises
    ------
    NotApplicableError
        So few could be lent the name that who is could not be told from chance.
    """
    item, name = choose_frequent(data)
    bears, low, high = find_bearers(data.properties, find_names(data))
    usual = learner.learn(data, seeds=seeds)
    near, far = find_borrowers(usual["ancestor"], item, ~bears[:, name])
    if 1 / comb(int(near.sum() + far.sum()), int(near.sum())) > ALPHA:
        raise NotApplicableError(
            f"{near.sum()} kin and {far.sum()} strangers could be lent a name: too few to be told "
            "from chance"
        )
    times = OFTEN * float(data.properties["frequency"].values[item])
    more = make_patterns(data, frequency={data.properties["item"].values[item]: times}).data
    lent = {}
    for kind, world in (("usually", data), ("lent", more)):
        belief = learner.learn(world, seeds=seeds)["output"].values[..., name]
        passing = (belief.max(1) - belief[:, -1]) / (high - low)
        lent[kind] = (("seed", "item"), np.where(bears[:, name], np.nan, passing))
    return xr.Dataset(
        {**lent, "frequent": item},
        coords={each: usual[each].variable for each in ("seed", "item", "level", "ancestor")},
    )


def find_borrowers(
    classes: xr.DataArray, item: int, lacks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return which items of a domain could be lent a name of one of it, and which of others.

    Domains are the first classes of the tree that are not the whole; who bears the name is left
    out.

    >>> classes = xr.DataArray([["all", "pet"], ["all", "pet"], ["all", "oak"]],
    ...                        dims=("item", "level"), name="ancestor")
    >>> kin, strangers = find_borrowers(classes, 0, np.array([False, True, True]))
    >>> kin.tolist(), strangers.tolist()
    ([False, True, False], [False, False, True])
    """
    near = find_domains(xr.Dataset(coords={"ancestor": classes.variable}))[item]
    return near & lacks, ~near & lacks


def measure_lending(result: xr.Dataset) -> xr.DataArray:
    """Return how much of the frequent item's name kin are lent, for a while.

    The lesser of two differences, as a share of the names' range: from what strangers are lent, and
    from what kin are lent in the world as it is. Kin are those of its domain, the largest class
    around it that is not the whole. 0 or below where no name is lent, or to all alike, or no more
    than usual; NaN where there are no strangers.
    """
    lent = result["lent"].values
    near, far = find_borrowers(result["ancestor"], int(result["frequent"]), np.isfinite(lent[0]))
    value = np.full(len(lent), np.nan)
    if near.any() and far.any():
        kin = lent[:, near].mean(1)
        usually = result["usually"].values[:, near].mean(1)
        value = np.minimum(kin - lent[:, far].mean(1), kin - usually)
    return xr.DataArray(value, dims="seed", coords={"seed": result["seed"].values})


OVEREXTENSION = Phenomenon(
    name="over-extension of names",
    claim="An item met eight times as often lends its name to others of its domain for a while, "
    "more than to those of other domains and more than if it is met as often as they are.",
    human="Rescorla (1980): six children, 1;0 to 1;8; a third of the first 75 words overextended, "
    "a few frequent early ones most often",
    experiment=lend_name,
    measure=measure_lending,
    unit="share of the names' range",
    criterion=Criterion(
        0.1, "ours", "a tenth of the range, the margin from which an excess counts"
    ),
    asks=ask_for_names,
    impossible_for=("shallow linear",),
)
