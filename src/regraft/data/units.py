"""Images that must stay together: one group, or the same bytes."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from regraft.data.dataset import Dataset, Example
from regraft.data.names import Part

# Groups sort before content, so that a group's name stays its unit's key whatever files join it.
Key = tuple[int, str]
GROUP, CONTENT = 0, 1


@dataclass(frozen=True, slots=True)
class Unit:
    """Images that are dealt together.

    Args:
        key: the group's name, or the SHA-256 of an image on its own; where byte-identical files join
            several groups, the smallest of their names.
        members: indices of its examples.
        labels: how many of its examples each label has.
        given: the parts that its examples were given.
    """

    key: str
    members: tuple[int, ...]
    labels: Counter[int] = field(default_factory=Counter)
    given: frozenset[Part] = frozenset()


def units(dataset: Dataset) -> list[Unit]:
    """The units of a data set, sorted by key. Every example is in one."""
    parent: dict[Key, Key] = {}
    for example in dataset.examples:
        if example.group:
            _join(parent, (GROUP, example.group), (CONTENT, example.sha256))
    members: dict[Key, list[int]] = defaultdict(list)
    for i, example in enumerate(dataset.examples):
        members[_root(parent, (CONTENT, example.sha256))].append(i)
    return [_unit(key[1], indices, dataset.examples) for key, indices in sorted(members.items())]


def leaks(dataset: Dataset) -> tuple[tuple[Example, ...], ...]:
    """The units whose examples were given different parts: what is tested there was learnt.

    Given parts are never changed; whoever reads the scores should know.
    """
    straddling = (unit for unit in units(dataset) if len(unit.given) > 1)
    return tuple(tuple(dataset.examples[i] for i in unit.members) for unit in straddling)


def _unit(key: str, indices: list[int], examples: tuple[Example, ...]) -> Unit:
    members = [examples[i] for i in indices]
    given = frozenset(e.part for e in members if e.part is not None)
    return Unit(key, tuple(indices), Counter(label for e in members for label in e.all_labels), given)


def _root(parent: dict[Key, Key], key: Key) -> Key:
    while (above := parent.get(key, key)) != key:
        parent[key] = parent.get(above, above)
        key = above
    return key


def _join(parent: dict[Key, Key], one: Key, other: Key) -> None:
    """Union towards the smaller root, so that a unit's key does not depend on the order of joining."""
    low, high = sorted((_root(parent, one), _root(parent, other)))
    parent[high] = low
