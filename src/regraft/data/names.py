"""What classes and parts are called, and how the labels in a table's cells are read."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import Literal

Part = Literal["train", "val", "test"]

SEPARATOR = "|"
"""Between several labels in one cell."""

_PARTS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def part_of_name(name: str) -> Part | None:
    """The part that a folder or a table calls by this name, if it is one.

    >>> part_of_name("Validation"), part_of_name("test_set")
    ('val', 'test')
    """
    return _PARTS.get(name.strip().casefold().removesuffix("set").rstrip(" _-"))


def natural_key(name: str) -> tuple[object, ...]:
    """A key that sorts "2" before "10" and "apple" before "Banana".

    >>> sorted(["b10", "B2", "a"], key=natural_key)
    ['a', 'B2', 'b10']
    """
    pieces = re.split(r"([0-9]+)", name.casefold())
    texts, numbers = pieces[0::2], [*(digits.lstrip("0") for digits in pieces[1::2]), ""]
    # Numbers are compared by length first: nothing is converted, so no number is too long for it.
    return (*((text, len(n), n) for text, n in zip(texts, numbers, strict=True)), name)


def clean_name(name: str) -> str:
    """A class name in composed Unicode: "é" is one class however the file system spells it.

    Bytes of a folder's name that are not UTF-8 become the replacement character.
    """
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def read_cells(cells: Sequence[str]) -> tuple[list[tuple[str, ...]], bool]:
    """The labels in each cell of a column, and whether the column is multi-label.

    One `a|b` anywhere makes the whole column multi-label: an empty cell then says "none of them". In a
    column without it, an empty cell says nothing, and its labels are () as well.

    >>> read_cells(["cat|dog", "dog", ""])
    ([('cat', 'dog'), ('dog',), ()], True)
    """
    is_multilabel = any(SEPARATOR in cell for cell in cells)
    return [tuple(dict.fromkeys(_labels(cell))) for cell in cells], is_multilabel


def _labels(cell: str) -> list[str]:
    return [clean_name(name) for piece in cell.split(SEPARATOR) if (name := piece.strip())]


def number_labels(labels: Sequence[Collection[str]]) -> tuple[tuple[str, ...], list[tuple[int, ...]]]:
    """The classes that occur, sorted naturally, and the numbers of each image's labels, ascending."""
    classes = tuple(sorted({name for names in labels for name in names}, key=natural_key))
    number = {name: i for i, name in enumerate(classes)}
    return classes, [tuple(sorted(number[name] for name in names)) for names in labels]
