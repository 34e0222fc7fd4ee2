"""Which images belong together, whatever their labels: copies of one picture, and suspected groups."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from regraft.data.copies.near_copies import NearCopy, clusters
from regraft.data.copies.suspected import SuspectedGroups
from regraft.data.dataset import Dataset
from regraft.data.units import leaks


@dataclass(frozen=True)
class Relatives:
    """What was found.

    Args:
        copies: pairs of near copies, by their places in the data set.
        names: groups in file names that the pictures bear out, if any.
        bursts: groups by the camera's clock, likewise.
        looked: whether near copies were looked for at all.
    """

    copies: tuple[NearCopy, ...] = ()
    names: SuspectedGroups | None = None
    bursts: SuspectedGroups | None = None
    looked: bool = True

    @property
    def suspected(self) -> dict[str, SuspectedGroups]:
        """All groups that the pictures bear out, by where they come from."""
        found = {"name": self.names, "burst": self.bursts}
        return {kind: groups for kind, groups in found.items() if groups}

    @cached_property
    def sets(self) -> list[tuple[int, ...]]:
        """Places of near copies of one picture, set by set."""
        last = max((copy.second for copy in self.copies), default=-1)
        return clusters(last + 1, [(copy.first, copy.second) for copy in self.copies])

    def conflicts(self, dataset: Dataset) -> list[tuple[int, ...]]:
        """Sets of near copies under different labels."""
        return [one for one in self.sets if len({dataset.examples[i].all_labels for i in one}) > 1]

    def leaks(self, dataset: Dataset) -> list[tuple[int, ...]]:
        """Sets of near copies across given parts: what is tested there was learnt."""
        return [one for one in self.sets if len(_parts(dataset, one)) > 1]

    def how(self) -> Counter[str]:
        """How many pairs are copies in which way."""
        return Counter(copy.how for copy in self.copies)


TANGLED_FRACTION = 0.5


def untangled(dataset: Dataset, relatives: Relatives) -> tuple[Dataset, Relatives]:
    """Give up what would chain more than half of all images into one group: not all of that can be true.

    Bursts go first, if they do it without any copy. Then, where images have near copies under other groups,
    the column of groups is wrong about some of them, and the pictures tell which images are one: each set of
    copies goes to the group that most of its images have. If copies chain images even so, they are no copies.

    Returns:
        The data, some images maybe under another group than was given, and what is left of the relatives.
    """
    apart = replace(relatives, copies=())
    if _largest(dataset, apart) > _bearable(dataset, replace(apart, bursts=None)):
        relatives, apart = replace(relatives, bursts=None), replace(apart, bursts=None)
    bearable = _bearable(dataset, apart)
    if _largest(dataset, relatives) <= bearable:
        return dataset, relatives
    regrouped = _regrouped(dataset, relatives.sets)
    return (regrouped, relatives) if _largest(regrouped, relatives) <= bearable else (dataset, apart)


def _regrouped(dataset: Dataset, sets: Sequence[tuple[int, ...]]) -> Dataset:
    """With all images of a set in the group that most of them have."""
    examples = list(dataset.examples)
    for one in sets:
        given = Counter(group for i in sorted(one) if (group := examples[i].group))
        for i in one if given else ():
            examples[i] = replace(examples[i], group=given.most_common(1)[0][0])
    return replace(dataset, examples=tuple(examples))


def _bearable(dataset: Dataset, without: Relatives) -> float:
    """How large a group may be: larger than half of all images only if it is so without what is doubted."""
    return max(TANGLED_FRACTION * len(dataset), _largest(dataset, without))


def _largest(dataset: Dataset, relatives: Relatives) -> int:
    """How many images the largest group has with these relatives."""
    related = keep_together(dataset, relatives).examples
    return max(Counter(e.group for e in related if e.group).values(), default=0)


def keep_together(dataset: Dataset, relatives: Relatives) -> Dataset:
    """Join given groups, near copies and groups that pictures bear out into one group each.

    A group keeps the smallest of the names given to it; one without is named by the smallest hash among its
    images. So only images that are joined to others can change sides when images are added.
    """
    examples = dataset.examples
    named = [(i, f"given {e.group}") for i, e in enumerate(examples) if e.group]
    for kind, groups in relatives.suspected.items():
        named += [(i, f"{kind} {name}") for i, name in enumerate(groups.names) if name]
    numbers = {name: len(dataset) + k for k, name in enumerate(sorted({name for _, name in named}))}
    pairs = [(copy.first, copy.second) for copy in relatives.copies]
    pairs += [(i, numbers[name]) for i, name in named]
    joined = clusters(len(dataset) + len(numbers), pairs)
    renamed = list(examples)
    for one in joined:
        members = [i for i in one if i < len(dataset)]
        if len(members) > 1:
            name = _group_name(dataset, members)
            for i in members:
                renamed[i] = replace(examples[i], group=name)
    return replace(dataset, examples=tuple(renamed))


def without_leaks(dataset: Dataset) -> tuple[Dataset, int]:
    """Take out of the given train part what has a relative in val or test; returns how many that were.

    Relatives are images of one group, so call `keep_together` first; byte-identical ones are found as well.
    """
    tested = {e.path for unit in leaks(dataset) for e in unit if e.part in ("train", None)}
    kept = [i for i, e in enumerate(dataset.examples) if e.path not in tested]
    return dataset.select(kept), len(dataset) - len(kept)


def _group_name(dataset: Dataset, members: Sequence[int]) -> str:
    given = [dataset.examples[i].group for i in members if dataset.examples[i].group]
    return min(given) if given else "with " + min(dataset.examples[i].sha256 for i in members)[:16]


def _parts(dataset: Dataset, members: Sequence[int]) -> set[str]:
    return {str(dataset.examples[i].part) for i in members if dataset.examples[i].part}
