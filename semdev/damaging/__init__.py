"""Damage: what semantic dementia may do to a network, and what relearning does to that."""

from semdev.damaging.patients import damage

__all__ = ["damage"]
