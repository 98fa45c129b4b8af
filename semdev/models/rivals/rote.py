"""A rival that learns by rote: the learner to whom nothing comes in an order of its own."""

from __future__ import annotations

from dataclasses import dataclass

from semdev.models.rivals.base import Answer, Evidence, Rival


@dataclass(frozen=True, kw_only=True)
class Rote(Rival):
    """Remember what was seen, and say nothing of what was not.

        ŷ_ip = y_ip if the cell was seen, else 0

    It generalizes nothing, and what it learns when is the random order of arrival alone. A
    claim about which things are learned sooner, typical members, names of a level, properties
    in company, is true of it by chance or not at all: how often a criterion says yes of it is a
    rate of false positives. Things that arrive together are learned together: item by item,
    everything about an item; property by property, a property of all items. So a rule that takes
    each cell or property for a case of its own is found out.

    Parameters
    ----------
    arrival : "cells", "items" or "properties"
        What arrives one at a time.

    Raises
    ------
    KeyError
        No such arrival; the nearest match is suggested.

    Examples
    --------
    >>> import semdev as sd
    >>> history = Rote(arrival="items").learn(sd.load("saxe2019"), seeds=[0], record=5)
    >>> history["output"].sel(property="can grow").values[0].T
    array([[0., 0., 0., 1., 1.],
           [0., 0., 0., 0., 1.],
           [0., 1., 1., 1., 1.],
           [0., 0., 1., 1., 1.]])
    """

    arrival: str = "cells"

    def answer(self, evidence: Evidence) -> Answer:
        """Return what was seen."""
        return Answer(evidence.values)
