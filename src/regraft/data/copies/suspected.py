"""Groups that something beside the pictures tells of, such as names or times, judged by the pictures.

What is told is only a suspicion. It is believed when the pictures bear it out: when the picture most like
another of its class (and domain, and part) is of the same group far more often than chance would have it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from regraft.core.arrays import Array, Features
from regraft.core.seeds import generator
from regraft.data.dataset import Dataset

MOST_COMPARED = 3_000
FEWEST_TESTED = 20
LEAST_LIFT, LEAST_Z = 2.0, 5.0
LEAST_GAIN = 0.1
LARGEST_SHARE = 0.34
FEWEST_PER_CLASS = 5
LEAST_MEAN_SIZE = 1.2


@dataclass(frozen=True)
class SuspectedGroups:
    """What is told, and how far the pictures agree.

    Args:
        names: the group of every example, "" where nothing is told.
        rule: how the groups were told, in words.
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
        """Whether the pictures agree with what is told."""
        gain = self.observed_fraction - self.expected_fraction
        is_large = gain >= LEAST_GAIN and self.observed_fraction >= LEAST_LIFT * self.expected_fraction
        return self.z >= LEAST_Z and is_large


def borne_out(
    names: Sequence[str], rule: str, *, dataset: Dataset, features: Features
) -> SuspectedGroups | None:
    """The groups, if the pictures bear them out.

    A grouping is considered only if it leaves every class some independent groups.

    Args:
        names: the group of every example, "" for none.
        rule: how the groups were told, in words.
        dataset: the examples.
        features: [n, d] of a network, any scale.
    """
    if not _is_worth_testing(names, dataset):
        return None
    found = _tested(names, rule, features, dataset)
    return found if found.is_borne_out else None


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


def _tested(names: Sequence[str], rule: str, features: Features, dataset: Dataset) -> SuspectedGroups:
    """Compare how often the most alike of a class is a mate with how often a random one would be."""
    chosen = np.sort(generator(0, "name groups").permutation(len(names))[:MOST_COMPARED])
    rows = features[chosen] - features.mean(0)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    numbers = np.unique(names, return_inverse=True)[1]
    numbers[[not name for name in names]] = -1
    kinds, numbers = _kinds(dataset)[chosen], numbers[chosen]
    hits, chances = [], []
    for kind in np.unique(kinds):
        places = np.flatnonzero(kinds == kind)
        alike = rows[places] @ rows[places].T
        np.fill_diagonal(alike, -np.inf)
        mates = (numbers[places][:, None] == numbers[places]) & (numbers[places] >= 0)
        np.fill_diagonal(mates, val=False)
        has_mate = mates.any(axis=1) & ~(mates.sum(1) == len(places) - 1)
        hits += mates[np.arange(len(places)), alike.argmax(1)][has_mate].tolist()
        chances += (mates.sum(1)[has_mate] / max(1, len(places) - 1)).tolist()
    hit, chance = np.array(hits, float), np.array(chances, float)
    if len(hit) < FEWEST_TESTED:
        return SuspectedGroups(tuple(names), rule, 0.0, 0.0, 0.0)
    z = (hit - chance).sum() / max(float(np.sqrt((chance * (1 - chance)).sum())), 1e-12)
    return SuspectedGroups(tuple(names), rule, float(hit.mean()), float(chance.mean()), float(z))


def _kinds(dataset: Dataset) -> Int[Array, " n"]:
    """A number for each combination of labels, domain and part: only within it is likeness compared."""
    kinds = [f"{e.all_labels} {e.domain} {e.part}" for e in dataset.examples]
    return np.unique(kinds, return_inverse=True)[1]
