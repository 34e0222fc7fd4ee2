"""Groups that file names tell of: frames of one video, slices of one patient, shots of one burst.

Names are only a suspicion. It is believed when the pictures bear it out: when the picture most like another
of its class (and domain, and part) shares its name's beginning far more often than chance would have it.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from regraft.core.arrays import Features
from regraft.core.seeds import generator
from regraft.data.dataset import Dataset

LAST_NUMBER = re.compile(r"^(.*?)[ _.\-]*\d+[^0-9]*$")
LAST_WORD = re.compile(r"^(.*)[ _.\-]+[^ _.\-]*$")
FIRST_WORD = re.compile(r"^([^ _.\-]+)[ _.\-].*$")

MOST_COMPARED = 3_000
FEWEST_TESTED = 20
LEAST_LIFT, LEAST_Z = 2.0, 5.0
LEAST_GAIN = 0.1
LARGEST_SHARE = 0.34
FEWEST_PER_CLASS = 5
LEAST_MEAN_SIZE = 1.2


@dataclass(frozen=True)
class NameGroups:
    """What the names say, and how far the pictures agree.

    Args:
        names: the group of every example, "" where the name says nothing.
        rule: which part of the name, in words.
        observed_fraction: how often the most alike of the same class is of the same group.
        expected_fraction: how often it would be by chance.
        z: by how many standard deviations the first exceeds the second.
    """

    names: tuple[str, ...]
    rule: str
    observed_fraction: float
    expected_fraction: float
    z: float

    @property
    def is_borne_out(self) -> bool:
        """Whether the pictures agree with the names."""
        gain = self.observed_fraction - self.expected_fraction
        is_large = gain >= LEAST_GAIN and self.observed_fraction >= LEAST_LIFT * self.expected_fraction
        return self.z >= LEAST_Z and is_large


RULES: dict[str, Callable[[str], str]] = {
    "the name without its last number": lambda stem: _matched(LAST_NUMBER, stem),
    "the name without its last word": lambda stem: _matched(LAST_WORD, stem),
    "the first word of the name": lambda stem: _matched(FIRST_WORD, stem),
}
"""From the finest to the coarsest."""


def name_groups(dataset: Dataset, features: Features) -> NameGroups | None:
    """The grouping by file names that the pictures bear out best, or None.

    A grouping is considered only if it leaves every class some independent groups. Names count within
    their folder, since numbering starts again in each.

    Args:
        dataset: whose names are read.
        features: [n, d] of a network, any scale.
    """
    rows = features - features.mean(0)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    found: list[NameGroups] = []
    for rule, part in RULES.items():
        names = _names(dataset, part)
        if _is_worth_testing(names, dataset):
            tested = _tested(names, rule, rows, dataset)
            found += [tested] if tested.is_borne_out else []
    return max(found, key=lambda groups: groups.z, default=None)


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


def _is_worth_testing(names: Sequence[str], dataset: Dataset) -> bool:
    """Whether there are groups of several, and enough of them in every class."""
    sizes = Counter(names)
    sizes.pop("", None)
    if not sizes or sum(sizes.values()) / len(sizes) < LEAST_MEAN_SIZE:
        return False
    units: dict[int, set[str]] = {}
    for place, (name, example) in enumerate(zip(names, dataset.examples, strict=True)):
        for label in example.all_labels:
            units.setdefault(label, set()).add(name or str(place))
    return all(len(one) >= FEWEST_PER_CLASS for one in units.values())


def _tested(names: Sequence[str], rule: str, rows: Features, dataset: Dataset) -> NameGroups:
    """Compare how often the most alike of a class is a mate with how often a random one would be."""
    kinds = np.unique([f"{e.all_labels} {e.domain} {e.part}" for e in dataset.examples], return_inverse=True)[
        1
    ]
    numbers = np.unique(names, return_inverse=True)[1]
    numbers[[not name for name in names]] = -1
    chosen = np.sort(generator(0, "name groups").permutation(len(names))[:MOST_COMPARED])
    hits, chances = [], []
    for kind in np.unique(kinds[chosen]):
        places = chosen[kinds[chosen] == kind]
        alike = rows[places] @ rows[places].T
        np.fill_diagonal(alike, -np.inf)
        mates = (numbers[places][:, None] == numbers[places]) & (numbers[places] >= 0)
        np.fill_diagonal(mates, val=False)
        has_mate = mates.any(axis=1) & ~(mates.sum(1) == len(places) - 1)
        hits += mates[np.arange(len(places)), alike.argmax(1)][has_mate].tolist()
        chances += (mates.sum(1)[has_mate] / max(1, len(places) - 1)).tolist()
    hit, chance = np.array(hits, float), np.array(chances, float)
    if len(hit) < FEWEST_TESTED:
        return NameGroups(tuple(names), rule, 0.0, 0.0, 0.0)
    z = (hit - chance).sum() / max(float(np.sqrt((chance * (1 - chance)).sum())), 1e-12)
    return NameGroups(tuple(names), rule, float(hit.mean()), float(chance.mean()), float(z))
