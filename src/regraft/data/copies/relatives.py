"""Which images belong together, whatever their labels: copies of one picture, and groups in file names."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from regraft.data.copies.name_groups import NameGroups
from regraft.data.copies.near_copies import NearCopy, clusters
from regraft.data.dataset import Dataset
from regraft.data.units import leaks


@dataclass(frozen=True)
class Relatives:
    """What was found.

    Args:
        copies: pairs of near copies, by their places in the data set.
        names: groups in file names that the pictures bear out, if any.
        looked: whether near copies were looked for at all.
    """

    copies: tuple[NearCopy, ...] = ()
    names: NameGroups | None = None
    looked: bool = True

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


def untangled(dataset: Dataset, relatives: Relatives) -> Relatives:
    """Leave out copies that would chain more than half of all images into one group.

    Not all of that can be true: groups as given contradict the pictures, or pictures are alike that are no
    copies. The user's word counts for more, so copies across given groups go first, and then all of them.
    """
    if not _is_tangled(dataset, relatives):
        return relatives
    groups = [example.group for example in dataset.examples]
    inside = tuple(
        copy
        for copy in relatives.copies
        if not groups[copy.first] or not groups[copy.second] or groups[copy.first] == groups[copy.second]
    )
    fewer = replace(relatives, copies=inside)
    return fewer if not _is_tangled(dataset, fewer) else replace(relatives, copies=())


def _is_tangled(dataset: Dataset, relatives: Relatives) -> bool:
    def largest(data: Dataset) -> int:
        return max(Counter(e.group for e in data.examples if e.group).values(), default=0)

    alone = keep_together(dataset, replace(relatives, copies=()))
    most = max(TANGLED_FRACTION * len(dataset), largest(alone))
    return largest(keep_together(dataset, relatives)) > most


def keep_together(dataset: Dataset, relatives: Relatives) -> Dataset:
    """Join given groups, near copies and borne-out name groups into one group each.

    A group keeps the smallest of the names given to it; one without is named by the smallest hash among its
    images. So only images that are joined to others can change sides when images are added.
    """
    examples = dataset.examples
    named = [(i, f"given {e.group}") for i, e in enumerate(examples) if e.group]
    if relatives.names:
        named += [(i, f"name {name}") for i, name in enumerate(relatives.names.names) if name]
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
