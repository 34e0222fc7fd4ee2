"""Images that are there more than once: the same bytes, or the same pixels in another file."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from regraft.data.audit.look import Seen
from regraft.data.dataset import Dataset, Example
from regraft.data.units import leaks

Together = tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Copies:
    """Sets of images that are copies of each other; each set has at least two.

    Args:
        same_bytes: byte-identical files.
        same_pixels: the same picture in files that differ, such as a PNG and a BMP, or in their notes.
        conflicts: sets of either kind that were given different labels.
        leaks: images given as train that share a group, bytes or pixels with images given as val or test.
    """

    same_bytes: tuple[Together, ...]
    same_pixels: tuple[Together, ...]
    conflicts: tuple[Together, ...]
    leaks: tuple[Together, ...]


def find_copies(dataset: Dataset, seen: Sequence[Seen]) -> Copies:
    """Compare all images by name of content, in one pass; `seen` holds what a look at each one showed."""
    named = [(example, one.pixels) for example, one in zip(dataset.examples, seen, strict=True)]
    alike = _sets(named)
    # A unit then stands for a group or for equal pixels, and equal bytes decode to equal pixels.
    by_pixels = replace(dataset, examples=tuple(replace(example, sha256=name) for example, name in named))
    original = {example.path: example for example in dataset.examples}
    return Copies(
        same_bytes=_sets((example, example.sha256) for example in dataset.examples),
        same_pixels=tuple(one for one in alike if len({e.sha256 for e in one}) > 1),
        conflicts=tuple(one for one in alike if len({(e.all_labels, e.tasks) for e in one}) > 1),
        leaks=tuple(tuple(original[e.path] for e in unit) for unit in leaks(by_pixels)),
    )


def _sets(named: Iterable[tuple[Example, str]]) -> tuple[Together, ...]:
    found: dict[str, list[Example]] = defaultdict(list)
    for example, name in named:
        found[name].append(example)
    return tuple(tuple(together) for together in found.values() if len(together) > 1)
