"""Groups that file names tell of: frames of one video, slices of one patient, shots of one scene."""

import re
from collections import Counter
from collections.abc import Callable

from regraft.core.arrays import Features
from regraft.data.copies.suspected import LARGEST_SHARE, SuspectedGroups, borne_out
from regraft.data.dataset import Dataset

LAST_NUMBER = re.compile(r"^(.*?)[ _.\-]*\d+[^0-9]*$")
LAST_WORD = re.compile(r"^(.*)[ _.\-]+[^ _.\-]*$")
FIRST_WORD = re.compile(r"^([^ _.\-]+)[ _.\-].*$")

RULES: dict[str, Callable[[str], str]] = {
    "the name without its last number": lambda stem: _matched(LAST_NUMBER, stem),
    "the name without its last word": lambda stem: _matched(LAST_WORD, stem),
    "the first word of the name": lambda stem: _matched(FIRST_WORD, stem),
}
"""From the finest to the coarsest."""


def name_groups(dataset: Dataset, features: Features) -> SuspectedGroups | None:
    """The grouping by file names that the pictures bear out best, or None.

    Names count within their folder, since numbering starts again in each.

    Args:
        dataset: whose names are read.
        features: [n, d] of a network, any scale.
    """
    tested = (
        borne_out(_names(dataset, part), rule, dataset=dataset, features=features)
        for rule, part in RULES.items()
    )
    return max((groups for groups in tested if groups), key=lambda groups: groups.z, default=None)


def _names(dataset: Dataset, part: Callable[[str], str]) -> tuple[str, ...]:
    """The group of every example; a beginning that a third of a folder shares says nothing."""
    found = [(str(path.parent), part(path.stem).strip(" _.-")) for path in dataset.paths]
    folders = Counter(folder for folder, _ in found)
    sizes = Counter(found)
    return tuple(
        f"{folder}/{prefix}" if prefix and sizes[folder, prefix] <= LARGEST_SHARE * folders[folder] else ""
        for folder, prefix in found
    )


def _matched(pattern: re.Pattern[str], stem: str) -> str:
    match = pattern.match(stem)
    return match[1] if match else ""
