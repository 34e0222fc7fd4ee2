"""Class names that are probably one class typed in two ways."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

SEPARATORS = re.compile(r"[\s_\-\u2010-\u2015]+")
BETWEEN_DIGITS = re.compile(r"(?<=\d) (?=\d)")


def names_alike(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Sets of names that differ only by case, accents, spaces, hyphens or underscores.

    >>> names_alike(["Tabby cat", "tabby_cat", "dog", "café", "Cafe"])
    (('Tabby cat', 'tabby_cat'), ('café', 'Cafe'))
    """
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[_skeleton(name)].append(name)
    return tuple(tuple(alike) for alike in found.values() if len(alike) > 1)


def _skeleton(name: str) -> str:
    """A name without what people type differently. "1-2" and "12" stay different: numbers mean something."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    spaced = SEPARATORS.sub(" ", plain.casefold()).strip()
    return BETWEEN_DIGITS.sub("_", spaced).replace(" ", "")
