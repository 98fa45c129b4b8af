"""Rivals of networks: what else might explain development, each given its best case."""
