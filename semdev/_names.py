"""Look a name up, and teach when it is not there."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable


def suggest(asked: object, allowed: Iterable[Hashable], *, most: int = 8) -> str:
    """Return the end of an error message: the nearest match, else what is allowed.

    >>> suggest("has bone", ["has bones", "can fly"])
    "did you mean 'has bones'?"
    >>> suggest("xylophone", ["robin", "pine"])
    'allowed: robin, pine'
    """
    names = [str(name) for name in allowed]
    by_folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(str(asked).casefold(), by_folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean {by_folded[near[0]]!r}?"
    if not names:
        return "there are none"
    more = f", … ({len(names)} in all)" if len(names) > most else ""
    return "allowed: " + ", ".join(names[:most]) + more


def require(asked: Hashable, allowed: Iterable[Hashable], *, kind: str, where: str) -> None:
    """Raise a KeyError that teaches unless `asked` is among `allowed`.

    >>> require("has bone", ["has bones"], kind="property", where="zoo")
    Traceback (most recent call last):
    semdev._names.NameNotFoundError: no property 'has bone' in zoo; did you mean 'has bones'?
    """
    names = list(allowed)
    if asked not in names:
        raise NameNotFoundError(f"no {kind} {asked!r} in {where}; {suggest(asked, names)}")


class NameNotFoundError(KeyError):
    """A KeyError whose message reads as a sentence (a plain KeyError prints its repr)."""

    def __str__(self) -> str:
        """Return the message itself."""
        return str(self.args[0]) if self.args else ""
