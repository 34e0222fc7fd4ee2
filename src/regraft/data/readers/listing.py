"""What every reader finds before the files are opened, and how it becomes a data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from regraft.data.dataset import Dataset, Example, Skipped
from regraft.data.names import Part, number_labels
from regraft.data.readers.hashes import hash_files


@dataclass(frozen=True, slots=True)
class Entry:
    """An image file and what its reader was told about it; the fields are those of `Example`."""

    path: Path
    labels: tuple[str, ...]
    group: str = ""
    domain: str = ""
    part: Part | None = None
    weight: float = 1.0
    time: float | None = None
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """The entries of one source, in the order that the data set will have."""

    root: Path
    entries: Sequence[Entry]
    skipped: Sequence[Skipped] = ()
    tasks: tuple[str, ...] = ()
    is_multilabel: bool = False


def to_dataset(listing: Listing) -> Dataset:
    """Hash every file and number the labels; files that cannot be read are listed as skipped.

    The result may be empty: only its reader knows what to advise then.
    """
    hashes = hash_files([entry.path for entry in listing.entries])
    usable = [(one, sha) for one, sha in zip(listing.entries, hashes, strict=True) if isinstance(sha, str)]
    skipped = [*listing.skipped, *(sha for sha in hashes if isinstance(sha, Skipped))]
    classes, numbers = number_labels([entry.labels for entry, _ in usable])
    examples = tuple(
        _example(entry, sha, labels, is_multilabel=listing.is_multilabel)
        for (entry, sha), labels in zip(usable, numbers, strict=True)
    )
    return Dataset(
        listing.root,
        classes,
        examples,
        tuple(sorted(skipped, key=lambda one: one.path.parts)),
        listing.tasks,
        listing.is_multilabel,
    )


def _example(entry: Entry, sha256: str, labels: tuple[int, ...], *, is_multilabel: bool) -> Example:
    return Example(
        entry.path,
        -1 if is_multilabel else labels[0],
        sha256,
        group=entry.group,
        domain=entry.domain,
        part=entry.part,
        weight=entry.weight,
        time=entry.time,
        labels=labels if is_multilabel else (),
        tasks=entry.tasks,
    )
