"""One thing found in a look at the data, and the words that all findings share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from regraft.evaluation.phrases import count

Level = Literal["warning", "note", "good"]
CLASSES_NAMED = 4

Audit = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Args:
        level: a warning is to be acted on; a note is to be known.
        about: the key of the audit that it is made from.
        sentence: what was found and what it means.
        advice: what to do; "" where nothing need be done.
        examples: paths of the first few images that it is about.
    """

    level: Level
    about: str
    sentence: str
    advice: str = ""
    examples: tuple[str, ...] = ()


def headline(audit: Audit) -> str:
    """How many images and classes there are."""
    classes = audit["classes"]
    return (
        f"{count(audit['images'], 'image')} in {len(classes):,} {'class' if len(classes) == 1 else 'classes'}"
    )


def total(audit: Audit, name: str) -> int:
    """How many entries a list has, of which the audit may hold only the first."""
    return int(audit.get("totals", {}).get(name, len(audit.get(name, ()))))


def they_are(number: int, noun: str) -> str:
    """So many of something, and the verb.

    >>> they_are(1, "image"), they_are(1200, "image")
    ('1 image is', '1,200 images are')
    """
    return f"{count(number, noun)} {'is' if number == 1 else 'are'}"


def named(names: Sequence[str]) -> str:
    """The first few names, quoted.

    >>> named(["cat", "dog"])
    "'cat' and 'dog'"
    """
    quoted = [repr(name) for name in names[:CLASSES_NAMED]]
    more = len(names) - len(quoted)
    if more > 0:
        quoted.append(f"{more} more")
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
