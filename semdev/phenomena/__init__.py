"""Phenomena of development, as data: claims, measures, criteria."""

from semdev.phenomena.base import (
    ALPHA,
    STRUCTURELESS,
    Criterion,
    NotApplicableError,
    Phenomenon,
    judge,
)
from semdev.phenomena.believing import BASE_RATE_PHASE, TRANSIENT_OVERGENERALIZATION, U_SHAPE
from semdev.phenomena.categorizing import BASIC_LEVEL_ADVANTAGE, COHERENT_COVARIATION, TYPICALITY
from semdev.phenomena.differentiating import PROGRESSIVE_DIFFERENTIATION, STAGE_LIKE_TRANSITIONS
from semdev.phenomena.losing import ORDER_OF_LOSS
from semdev.phenomena.naming import OVEREXTENSION
from semdev.phenomena.projecting import INDUCTIVE_PROJECTION, NARROWING
from semdev.phenomena.reorganizing import REORGANIZATION
from semdev.phenomena.sharing import CROSSING_FOUND, SHARED_SIMILARITY

PHENOMENA: dict[str, Phenomenon] = {
    phenomenon.name: phenomenon
    for phenomenon in (
        PROGRESSIVE_DIFFERENTIATION,
        STAGE_LIKE_TRANSITIONS,
        TRANSIENT_OVERGENERALIZATION,
        OVEREXTENSION,
        BASIC_LEVEL_ADVANTAGE,
        TYPICALITY,
        COHERENT_COVARIATION,
        INDUCTIVE_PROJECTION,
        NARROWING,
        REORGANIZATION,
        U_SHAPE,
        BASE_RATE_PHASE,
        ORDER_OF_LOSS,
        SHARED_SIMILARITY,
        CROSSING_FOUND,
    )
}

__all__ = [
    "ALPHA",
    "PHENOMENA",
    "STRUCTURELESS",
    "Criterion",
    "NotApplicableError",
    "Phenomenon",
    "judge",
]  # fmt: skip
