"""What a run takes of memory, and whether it is there."""

from __future__ import annotations

from collections.abc import Mapping

import psutil

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def find_free() -> int:
    """Return how many bytes of memory are free on this machine."""
    return int(psutil.virtual_memory().available)


def say_size(size: float) -> str:
    """Return a number of bytes as people say it.

    >>> say_size(3_456_789)
    '3.3 MiB'
    """
    for unit in UNITS[:-1]:
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} {UNITS[-1]}"


def require_memory(needed: Mapping[str, float], *, what: str, remedy: str) -> None:
    """Refuse what would not fit into the memory that is free, and say what would.

    Raises
    ------
    MemoryError
        With what is needed, by part, what is free, and the remedy.
    """
    total, free = sum(needed.values()), find_free()
    if total > free:
        parts = ", ".join(f"{name} {say_size(size)}" for name, size in needed.items())
        raise MemoryError(
            f"{what} would take {say_size(total)} of memory ({parts}), and {say_size(free)} are "
            f"free. {remedy}"
        )
