"""Sweeps: the same learner under many conditions, on one machine or many, whatever happens."""
