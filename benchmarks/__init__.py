"""How fast semdev is, against what else one would write; `python -m benchmarks` prints it."""
