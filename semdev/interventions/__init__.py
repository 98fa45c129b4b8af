"""Interventions: at any age, teach a network one thing more and see what it makes of it.

New output weights alone (`teach_property`), or new input weights alone (`teach_item`,
`place_item`, `feature_weights`), are really trained, by gradient descent; everything else in the
network stays as it was. What they end with in a linear network is known in closed form
(`semdev.measures.induction`). `learn_item` lets all the weights go on learning.
"""

from semdev.interventions.features import feature_weights
from semdev.interventions.interference import add_item, learn_item
from semdev.interventions.items import teach_item
from semdev.interventions.placing import place_item
from semdev.interventions.properties import teach_property

__all__ = [
    "add_item",
    "feature_weights",
    "learn_item",
    "place_item",
    "teach_item",
    "teach_property",
]
