"""Semantic dementia: what damaged networks call things, and which knowledge they lose first."""

from __future__ import annotations

import numpy as np
import xarray as xr

from semdev._measured import say_measure
from semdev.measures.crossing import first_crossing
from semdev.measures.damaged import (
    DIMS,
    LEVELS,
    as_history,
    check_damaged,
    find_domains,
    find_fact_levels,
    find_facts,
    find_widest,
    follows_theory,
    read_criterion,
)
from semdev.measures.names import Levels, find_isa, read_names, strip_relation
from semdev.models.lesions import predict_beliefs

RESPONSES = ("correct", "superordinate", "coordinate", "cross-domain", "omission")
CELLS = ("typical", "distinctive", "prototype", "other")


def naming_errors(
    damaged: xr.Dataset, *, criterion: float = 0.5, levels: Levels = None
) -> xr.Dataset:
    """Return what damaged networks call each item, and what kind of answer that is.

    Asked what an item is, people name it as specifically as they can: a picture of a canary is to
    be called "canary", and "bird" is scored as an error that keeps to the truth. The
    response is therefore the most active name of the most specific level at which any name is
    above the criterion, a wrong one as well as a right one; if none is at any level, there is no
    answer. It is

    - "correct": the item's most specific name (for a dog without a name of its own, its basic one);
    - "superordinate": another of its names ("bird" or "animal" for the canary);
    - "coordinate": a name that is wrong, and borne by something in its domain, the largest
      class of the tree it is in that is not the whole ("robin" or "fish" for the canary);
    - "cross-domain": a name that nothing in its domain bears ("pine" for the canary);
    - "omission": no answer.

    Patients move from correct to coordinate and superordinate answers and on to none: J. L., asked
    four times in two years, called a swan swan, then bird, bird, animal (Hodges, Graham & Patterson
    1995, Memory 3:463–495). A rule that took the most active name of all levels would compare
    answers to different questions, and call an undamaged network's "animal" an error.

    Parameters
    ----------
    damaged : Dataset
        What `damage` returned, of data with names and a tree.
    criterion : float
        How active a name must be to be said, as a share of the way from the lowest target to the
        highest: .5 is .5 in 0/1 coding and 0 in ±1.
    levels : mapping of label to names, optional
        Which properties are names, from broad to narrow; see `naming`.

    Returns
    -------
    Dataset
        `share(seed, severity, response)`: of items and draws, 0 to 1, and `share_of_errors`
        (seed × severity × response), of answers that are not correct (NaN where all are; 0 for
        correct). `by_item(seed, severity, item, response)`: of draws. `said(seed, severity, draw,
        item)`: the name itself, "" for none; `response_to`, as said, its kind. `criterion`, in
        units of the coding.

    Raises
    ------
    TypeError, ValueError
        No damaged networks, no tree, no names (or names that are no levels), a criterion out of
        its range.

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("rumelhart8")
    >>> child = sd.train(model, world, seeds=4, keep_weights=True, record=2)
    >>> patients = sd.damage(child, model, world, kind="units", severity=[0.75], draws=20)
    >>> errors = naming_errors(patients)
    >>> errors["share"].sel(severity=0, response="correct").values
    array([1., 1., 1., 1.])
    >>> bool((errors["share"].sel(severity=0.75, response="omission") > 0.3).all())
    True
    """
    check_damaged(damaged)
    threshold = read_criterion(damaged, criterion)
    domain = find_domains(damaged)
    names = read_names(as_history(damaged), levels)
    columns = np.concatenate(names.members)
    level = np.repeat(np.arange(len(names.members)), [len(at) for at in names.members])
    active = damaged["output"].transpose(*DIMS).values[..., columns]
    above = active > threshold
    deepest = np.where(above, level, -1).max(-1)
    rival = np.where(above & (level == deepest[..., None]), active, -np.inf)
    said = np.where(deepest >= 0, rival.argmax(-1), len(columns))
    kinds = _sort_names(names.bears[:, columns], level, domain)
    response = np.take_along_axis(
        np.pad(kinds, ((0, 0), (0, 1)), constant_values=RESPONSES.index("omission")),
        said.reshape(-1, said.shape[-1]).T, axis=1,
    ).T.reshape(said.shape)  # fmt: skip
    is_kind = response[..., None] == np.arange(len(RESPONSES))
    words = [strip_relation(str(name)) for name in damaged["property"].values[columns]]
    share = is_kind.mean((2, 3))
    wrong = share.copy()
    wrong[..., 0] = 0.0
    total = wrong.sum(-1, keepdims=True)
    coords = {k: damaged[k].variable for k in ("seed", "severity", "draw", "item")}
    result = xr.Dataset(
        {
            "share": (("seed", "severity", "response"), share),
            "share_of_errors": (
                ("seed", "severity", "response"),
                np.divide(wrong, total, out=np.full_like(wrong, np.nan), where=total > 0),
            ),
            "by_item": (("seed", "severity", "item", "response"), is_kind.mean(2)),
            "said": (DIMS[:-1], np.array([*words, ""])[said]),
            "response_to": (DIMS[:-1], np.array(RESPONSES)[response]),
            "criterion": ((), threshold),
        },
        coords={**coords, "response": list(RESPONSES)},
    )
    return say_measure("naming_errors", result)


def retention(damaged: xr.Dataset, *, criterion: float = 0.5) -> xr.Dataset:
    """Return how much general, basic and specific knowledge is left, and which is lost first.

    That most things can move is easily guessed, and a mute patient never errs about what things
    cannot do. So a fact is retained as far as it tells items apart,

        accuracy = hits + correct rejections − 1,

    hits being the share of items that have a property and are said to, correct rejections that of
    items that lack it and are said to (Youden 1950, Cancer 3:32–35): 1 for all that is so,
    0 for guessing at whatever rate, and for saying yes or no to everything. Facts true of all
    items (or of none) tell none apart and are left out.

    How general a fact is: an item has it with the widest class around it most of whose members
    (more than half) have the property. "Can move" the canary has as an animal, "wings" as a
    bird, "yellow" on its own. The level of a property is the most common among its bearers (of a
    tie, the widest): general, if the class is a domain or wider; specific, if it is the item
    alone; basic in between. Names stand where their relation says (ISA_general, ISA_basic,
    ISA_specific), else as properties do.

    That what is general outlasts what is specific is Warrington's (1975, Quarterly Journal of
    Experimental Psychology 27:635–657) observation; against it Tyler & Moss (1998) report a patient
    who kept properties longer than the category. With noise in the weights into its
    representation Rumelhart's network loses the specific first; a deep linear network with noise
    does not (see `semdev.models.lesions.predict_beliefs`), unless it loses units and relearns.

    Mind three things when an order is read. Rare facts go sooner than frequent ones in any world:
    with each property of `rumelhart8` given to other items by chance, .54, .51 and .47 of
    what was general, basic and specific are left where half of all is lost, in order in 70 % of
    networks; in the world as it is .60, .53 and .41, in 97 to 100 %. So hold the gap
    against a shuffled world, not the order against 1/6. The order hangs on the criterion (at .3 it
    holds of 67 % of these networks). And a fact is lost more or less by chance in one patient: with
    ten draws a network, instead of fifty, near levels change places.

    Parameters
    ----------
    damaged : Dataset
        What `damage` returned, of data with a tree.
    criterion : float
        When a property is said to hold, as a share of the way from the lowest target to the
        highest: .5 is .5 in 0/1 coding and 0 in ±1.

    Returns
    -------
    Dataset
        Over seed × severity × facts × level: `accuracy`, `hits`, `rejections`, means over draws and
        properties (NaN where a level has none), `facts` being "names", "properties" or "all";
        `retained`, accuracy as a share of the healthy network's own (NaN if that is 0), for not
        all need have been learned; and `predicted` accuracy, for noise in a hidden layer of a
        linear network without biases whose weights are balanced (else NaN). Over seed × severity ×
        facts: `order`, whether what is retained falls from general to basic to specific (of the
        levels there are), and `overall` accuracy, whatever the level. Over seed × facts × level:
        `half`, the severity at which half is retained, interpolated (NaN: never lost). Over seed:
        `moderate`, the severity at which half of `overall` is lost, of all facts; and over seed ×
        facts (× level) `order_then` and `retained_then`, the order and what is retained,
        interpolated there: a severity that nobody has chosen to suit an order (False and NaN if it
        is never reached). Over property: `level_of`, "" for what is left out; over facts × level:
        `number` of properties.

    Raises
    ------
    TypeError, ValueError
        No damaged networks, no tree, no fact that tells items apart, a criterion out of its
        range.

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("rumelhart8")
    >>> child = sd.train(model, world, seeds=4, keep_weights=True, record=2)
    >>> lost = [0.5, 0.75, 0.8125, 0.875, 0.9375]
    >>> slow = sd.damage(child, model, world, kind="units", severity=lost, draws=2, relearn=500)
    >>> found = retention(slow)
    >>> found["order_then"].sel(facts="all").values
    array([ True, True, True, True])
    >>> found["level_of"].sel(property=["can move", "has wings", "is yellow"]).values.tolist()
    ['general', 'basic', 'specific']
    """
    check_damaged(damaged)
    threshold = read_criterion(damaged, criterion)
    bears = find_facts(damaged)
    level_of = find_fact_levels(damaged)
    output = damaged["output"].transpose(*DIMS).values
    yes = (output > threshold).mean(2)  # over draws
    hits, rejections = _score(yes, bears)
    names = find_isa(damaged["target"])
    of = {"names": names, "properties": ~names, "all": np.ones_like(names)}
    of = {facts: chosen for facts, chosen in of.items() if (chosen & (level_of != "")).any()}
    within = np.array([[c & (level_of == level) for level in LEVELS] for c in of.values()])
    number = within.sum(-1)
    weights = within / np.where(number > 0, number, np.nan)[..., None]
    over = ("seed", "severity", "facts", "level")
    found = xr.Dataset(
        {
            "hits": (over, np.einsum("svp,flp->svfl", hits, weights)),
            "rejections": (over, np.einsum("svp,flp->svfl", rejections, weights)),
        },
        coords={k: damaged[k].variable for k in ("seed", "severity", "property", "relation")}
        | {"facts": list(of), "level": list(LEVELS)},
    )
    found["accuracy"] = found["hits"] + found["rejections"] - 1
    every = within.any(1) / within.any(1).sum(-1, keepdims=True)
    found["overall"] = (
        ("seed", "severity", "facts"),
        np.einsum("svp,fp->svf", hits + rejections - 1, every),
    )
    expected = sum(_score(_predict(damaged, output, threshold), bears)) - 1
    found["predicted"] = (over, np.einsum("svp,flp->svfl", expected, weights))
    healthy = found["accuracy"].isel(severity=0, drop=True)
    found["retained"] = found["accuracy"] / healthy.where(healthy > 0)
    found["order"] = _is_ordered(found["retained"], number)
    found["half"] = _find_half(found["accuracy"]).transpose("seed", "facts", "level")
    found["moderate"] = _find_half(found["overall"].sel(facts="all", drop=True))
    found["retained_then"] = _interpolate(found["retained"], found["moderate"])
    found["order_then"] = _is_ordered(found["retained_then"], number) & found["moderate"].notnull()
    found["level_of"] = ("property", level_of)
    found["number"] = (("facts", "level"), number)
    return say_measure("retention", found)


def property_errors(damaged: xr.Dataset, *, criterion: float = 0.5) -> xr.Dataset:
    """Return which properties damaged networks leave out, and which they add.

    Patients who draw a duck from memory give it four legs, and leave off the camel's hump: they add
    what most of its kind have, and lose what sets the thing apart (Rogers et al. 2004,
    Psychological Review 111:205–235). With "its kind" any class of the tree around an item, of two
    items or more and within its domain, a cell is

    - "typical": the item has a property that more than half of such a class have;
    - "distinctive": it has a property that it shares with the most of no such class;
    - "prototype": it lacks what more than half of such a class have ("pine has leaves");
    - "other": it lacks a property that is not usual for its kind.

    Parameters
    ----------
    damaged : Dataset
        What `damage` returned, of data with a tree.
    criterion : float
        When a property is said to hold, as a share of the way from the lowest target to the
        highest.

    Returns
    -------
    Dataset
        `error(seed, severity, cell)`: the share of cells of each kind, and of draws, that are
        answered wrongly, 0 to 1 (NaN where there are no such cells); names do not count.
        `cell_of(item, property)`: each cell's kind, "" for names; `number(cell)`.

    Raises
    ------
    TypeError, ValueError
        No damaged networks, no tree, a criterion out of its range.

    Examples
    --------
    >>> import semdev as sd
    >>> model, world = sd.DeepLinear(hidden=16), sd.load("rumelhart8")
    >>> child = sd.train(model, world, seeds=2, keep_weights=True, record=2)
    >>> lost = [0.5, 0.6875]    # eight units left, then five, which relearn
    >>> slow = sd.damage(child, model, world, kind="units", severity=lost, draws=2, relearn=500)
    >>> property_errors(slow)["error"].sel(severity=0.6875, cell="other").values.round(1)
    array([0., 0.])
    """
    check_damaged(damaged)
    threshold = read_criterion(damaged, criterion)
    bears, usual = find_facts(damaged), find_widest(damaged)[1]
    output = damaged["output"].transpose(*DIMS).values
    wrong = ((output > threshold) != bears).mean(2)
    names = find_isa(damaged["target"])
    each = np.array([bears & usual, bears & ~usual, ~bears & usual, ~bears & ~usual]) & ~names
    number = each.sum((1, 2))
    share = each / np.where(number > 0, number, np.nan)[:, None, None]
    kind = np.where(each.any(0), np.array(CELLS)[each.argmax(0)], "")
    result = xr.Dataset(
        {
            "error": (("seed", "severity", "cell"), np.einsum("svip,cip->svc", wrong, share)),
            "cell_of": (("item", "property"), kind),
            "number": ("cell", number),
        },
        coords={k: damaged[k].variable for k in ("seed", "severity", "item", "property")}
        | {"cell": list(CELLS)},
    )
    return say_measure("property_errors", result)


def _score(yes: np.ndarray, bears: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return hits and correct rejections of each property, means over items."""
    hits = (yes * bears).sum(-2) / np.maximum(bears.sum(0), 1)
    return hits, ((1 - yes) * ~bears).sum(-2) / np.maximum((~bears).sum(0), 1)


def _predict(damaged: xr.Dataset, output: np.ndarray, threshold: float) -> np.ndarray:
    """Return how often each cell should be said to hold, seed × severity × item × property."""
    healthy = output[:, 0].mean(1)
    kind, layer = str(damaged["kind"].values), str(damaged["layer"].values)
    first = kind == "weight noise" and layer == "hidden_1"
    if not (follows_theory(damaged) and (kind == "noise" or first)):
        return np.full((len(healthy), output.shape[1], *healthy.shape[1:]), np.nan)
    place = {"layer": int(layer.removeprefix("hidden_")), "depth": int(damaged["depth"])}
    each = [
        predict_beliefs(healthy, threshold, float(level), **place)
        for level in damaged["severity"].values
    ]
    return np.stack(each, axis=1)


def _sort_names(bears: np.ndarray, level: np.ndarray, domain: np.ndarray) -> np.ndarray:
    """Return what kind of response each name is to each item, item × name."""
    deepest = np.where(bears, level, -1).max(1, keepdims=True)
    near = (domain.astype(int) @ bears) > 0
    wrong = np.where(near, RESPONSES.index("coordinate"), RESPONSES.index("cross-domain"))
    right = np.where(level == deepest, 0, RESPONSES.index("superordinate"))
    return np.where(bears, right, wrong)


def _is_ordered(retained: xr.DataArray, number: np.ndarray) -> xr.DataArray:
    """Return whether what is retained falls along the levels that there are, two at least.

    `number` of facts is facts × level. A level with facts that was never learned has no place in
    an order.
    """
    values = retained.transpose(..., "facts", "level").values
    ordered = (np.isfinite(values) | (number == 0)).all(-1) & ((number > 0).sum(-1) > 1)
    for low in range(len(LEVELS)):
        for high in range(low):
            ordered &= ~(values[..., high] <= values[..., low])  # NaN where there are no facts
    like = retained.transpose(..., "facts", "level").isel(level=0, drop=True)
    return like.copy(data=ordered)


def _find_half(accuracy: xr.DataArray) -> xr.DataArray:
    """Return the severity at which half of what was known is lost."""
    lost = -accuracy.rename(severity="time")
    return first_crossing(lost, lost.isel(time=0, drop=True) / 2)


def _interpolate(values: xr.DataArray, at: xr.DataArray) -> xr.DataArray:
    """Return values at a severity of each seed's own, between those that were tried."""
    known = values["severity"].values
    each = values.transpose("severity", "seed", ...)
    found = np.full(each.shape[1:], np.nan)
    for k, where in enumerate(at.values.tolist()):
        if np.isfinite(where):
            after = int(np.clip(np.searchsorted(known, where), 1, len(known) - 1))
            share = (where - known[after - 1]) / (known[after] - known[after - 1])
            low, high = each.values[after - 1, k], each.values[after, k]
            found[k] = low + share * (high - low)
    return each.isel(severity=0, drop=True).copy(data=found)
