"""Where a new item belongs: the representation that would make what is known of it true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from semdev.building import Model
from semdev.data.dataset import Dataset
from semdev.data.patterns import Patterns
from semdev.history import check
from semdev.interventions._placing import measure_distance, place
from semdev.measures.induction import Taught, read_taught


def place_item(
    history: xr.Dataset,
    model: Model,
    data: Dataset | Patterns,
    known: Taught,
    *,
    at: float | Sequence[float] | None = None,
    start: str = "mean",
    loss: str = "squared error",
    learning_rate: float | None = None,
    steps: int = 1000,
    record: int | Sequence[int] = 50,
    progress: bool | None = None,
) -> xr.Dataset:
    """Find the representation of a new item from what is known of it, and ask everything else.

    Backpropagation to representation (Rogers & McClelland 2004): the network stays as it was at
    that age, and only the new item's representation is changed, until its known properties come
    out, each asked under its own relation. Then all its other properties are read, under every
    relation, and which of the known items it has become like. Noise layers are silent meanwhile.

    What is trained here are the weights c of a new input unit into the first nn.Linear that reads
    the item, by gradient descent on the loss of the known properties. With r = f(c + b) the
    representation, f and the biases b those of the layer, that is the same as to look for r itself
    (r is found where c is, for ∂L/∂c = f′ ∂L/∂r), but that r can never leave the range of its
    units, and that nothing needs to be known of the network but where items enter it. Slopes of
    sigmoid units fade towards the ends of that range, so that extreme representations are
    approached more slowly.

    Parameters
    ----------
    history : xr.Dataset
        A History with weights (`keep_weights=True`).
    model, data
        What was trained, and on what (see `semdev.rebuild`).
    known : str, sequence of str, or mapping
        The property; or properties, all of which the item has (1); or {property: value}, in the
        coding of the data; of any relations. Nothing is taught of the others.
    at : number or sequence of numbers, optional
        Ages (learning times); each becomes the nearest that was recorded. Default: the last.
    start : "mean" or "zero"
        Where c starts from: the mean of the known items' weights, in the middle of them all, or 0,
        as `semdev.teach_item`.
    loss : "squared error" or "cross-entropy"
        Of the known properties; cross-entropy for sigmoid outputs that are far off.
    learning_rate : float, optional
        λ, for all networks. Default: .05/σ₁² for each, σ₁ the largest singular value of the slopes
        of the known properties by c, at the start or at a known item, where it is largest.
    steps : int
        Updates.
    record : int or increasing sequence of int
        How many times to record, or at which steps.
    progress : bool, optional
        Show a progress bar: always, never, or (default) on anything over a second.

    Returns
    -------
    Dataset
        `answer` (seed × time × practice × property), in units of the output; `representation`
        (seed × time × practice × unit_1), the layer that the new unit feeds (× context, if that
        layer differs with the relation asked about; the outputs of a network without hidden
        layer); `distance` (seed × time × practice × item), Euclidean, of this representation from
        those of the known items at that age, in units of activity; `nearest` (seed × time), the
        item at the least distance in the end; `error` (seed × time), the largest that is left in a
        known property, in units of the output; `learning_rate` (seed × time), per step. `practice`
        counts steps; the coordinate `taught` (property) holds what is known, NaN if nothing.

    Raises
    ------
    KeyError
        No such property or start; the nearest match is suggested.
    ValueError
        Weights not kept; not the model or the data of this History; a network in which no
        nn.Linear reads the item's code itself (but an nn.Parameter or nn.Embedding does), or more
        than one does; slopes of 0, along which nothing is learned.
    DivergenceError
        `learning_rate` is too large.

    Examples
    --------
    >>> import semdev as sd
    >>> world, model = sd.load("rumelhart8"), sd.Rumelhart()
    >>> child = sd.train(model, world, seeds=3, keep_weights=True, steps=1500,
    ...                  progress=False)
    >>> found = place_item(child, model, world, "can fly").isel(time=0)
    >>> belief = found["answer"].isel(practice=-1)
    >>> (belief.sel(property=["has wings", "has roots"]) > 0.5).values
    array([[ True, False],
           [ True, False],
           [ True, False]])
    """
    names = check(history)["property"].values.tolist()
    rows, values = read_taught(known, names, kind="property")
    told = np.full(len(names), np.nan)
    told[rows] = values
    placed = place(
        history, model, data, told[None], at=at, start=start, learning_rate=learning_rate,
        steps=steps, record=record, loss=loss, progress=progress,
    )  # fmt: skip
    answer, layer = placed.answer[:, :, :, 0], placed.layer[:, :, :, 0]
    distance = measure_distance(layer[:, :, :, None], placed.known_layer[:, :, None])
    then = placed.then
    dims = ("seed", "time", "practice")
    unit = ("context", "unit_1") if placed.in_context else ("unit_1",)
    layer = layer if placed.in_context else layer[..., 0, :]
    nearest = then["item"].values[distance[:, :, -1].argmin(-1)]
    return xr.Dataset(
        {
            "answer": ((*dims, "property"), answer),
            "representation": ((*dims, *unit), layer),
            "distance": ((*dims, "item"), distance),
            "nearest": (dims[:2], nearest),
            "error": (dims[:2], np.abs(answer[:, :, -1, rows] - placed.goal[0, rows]).max(-1)),
            "learning_rate": (dims[:2], placed.rate[..., 0]),
        },
        coords={k: then[k] for k in ("seed", "time", "item", "property")}
        | {"practice": placed.steps, "taught": ("property", told)},
    )
