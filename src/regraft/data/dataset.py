"""What a labelled collection of images is, without any pixels."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from regraft.core.arrays import Array, Labels, Weights
from regraft.core.errors import DataError, did_you_mean
from regraft.core.hashing import fingerprint
from regraft.data.names import Part, number_labels, read_cells


@dataclass(frozen=True, slots=True)
class Example:
    """One image file and what is known about it.

    Args:
        path: where the file lies.
        label: its class; in a multi-label data set -1.
        sha256: of the file's bytes.
        group: of which the split never tears two apart; "" means that it belongs with no other.
        domain: where it comes from, such as a camera or a style; "" if nobody said.
        part: as given, or as cut by `split`.
        weight: how much it counts in learning.
        time: when it was taken, in any unit; None if nobody said.
        labels: in a multi-label data set its classes, ascending, maybe none; otherwise empty.
        tasks: what further label columns say, in the order of `Dataset.tasks`; "" where one says nothing.
    """

    path: Path
    label: int
    sha256: str
    group: str = ""
    domain: str = ""
    part: Part | None = None
    weight: float = 1.0
    time: float | None = None
    labels: tuple[int, ...] = ()
    tasks: tuple[str, ...] = ()

    @property
    def all_labels(self) -> tuple[int, ...]:
        """Its classes: one, except in a multi-label data set."""
        return self.labels if self.label < 0 else (self.label,)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Dataset:
    """Labelled images: which files, which classes, which parts. Readers sort the examples by path.

    `tasks` names further label columns, such as `stage` beside the label proper.
    """

    root: Path
    classes: tuple[str, ...]
    examples: tuple[Example, ...]
    skipped: tuple[Skipped, ...] = ()
    tasks: tuple[str, ...] = ()
    is_multilabel: bool = False

    def __len__(self) -> int:
        return len(self.examples)

    @cached_property
    def labels(self) -> Labels:
        """The label of every example, int64, read-only; in a multi-label data set all are -1."""
        labels = np.array([example.label for example in self.examples], dtype=np.int64)
        labels.flags.writeable = False
        return labels

    @cached_property
    def label_matrix(self) -> Bool[Array, "n k"]:
        """Which classes every example has, one column for each: what one-vs-rest heads learn."""
        matrix = np.zeros((len(self), len(self.classes)), dtype=np.bool_)
        for row, example in zip(matrix, self.examples, strict=True):
            row[list(example.all_labels)] = True
        matrix.flags.writeable = False
        return matrix

    @cached_property
    def weights(self) -> Weights:
        """How much every example counts in learning."""
        return np.array([example.weight for example in self.examples], dtype=np.float64)

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """The path of every example."""
        return tuple(example.path for example in self.examples)

    @cached_property
    def class_counts(self) -> dict[str, int]:
        """How many examples each class has, in the order of `classes`."""
        counts = Counter(label for example in self.examples for label in example.all_labels)
        return {name: counts[label] for label, name in enumerate(self.classes)}

    @cached_property
    def fingerprint(self) -> str:
        """A name made from the classes and from every example's bytes, labels, group, part and weight.

        Paths and their order do not enter: a renamed or moved folder is still the same data.
        """
        rows = sorted((e.sha256, e.label, e.group, e.part or "", e.weight, e.labels) for e in self.examples)
        return fingerprint([self.classes, rows])

    def select(self, indices: Iterable[int] | Array) -> "Dataset":
        """The examples at these indices, or where this mask is true, in the order given.

        Row i of the result then belongs to row i of `features[indices]`.
        """
        chosen = np.arange(len(self))[np.asarray(indices if isinstance(indices, np.ndarray) else [*indices])]
        return replace(self, examples=tuple(self.examples[i] for i in chosen.tolist()))

    def part(self, name: Part) -> "Dataset":
        """The examples of one part."""
        return replace(self, examples=tuple(e for e in self.examples if e.part == name))

    def without_test(self) -> "Dataset":
        """Everything that a search may see."""
        return replace(self, examples=tuple(e for e in self.examples if e.part != "test"))

    def without(self, skipped: Iterable[Skipped]) -> "Dataset":
        """Drop these files and list them as skipped."""
        skipped = tuple(skipped)
        dropped = {one.path for one in skipped}
        kept = tuple(e for e in self.examples if e.path not in dropped)
        return replace(self, examples=kept, skipped=self.skipped + skipped)

    def for_task(self, name: str) -> "Dataset":
        """The same images with what a further label column says as their label.

        Raises:
            DataError: there is no such column.
        """
        if name not in self.tasks:
            known = did_you_mean(name, self.tasks) if self.tasks else "There are none."
            raise DataError(f"There is no label column for the task {name!r} in {self.root}. {known}")
        column = self.tasks.index(name)
        names, is_multilabel = read_cells([example.tasks[column] for example in self.examples])
        told = [is_multilabel or bool(of_one) for of_one in names]
        classes, numbers = number_labels(
            [of_one for of_one, is_told in zip(names, told, strict=True) if is_told]
        )
        silent = [
            Skipped(example.path, f"has no label for the task {name}")
            for example, is_told in zip(self.examples, told, strict=True)
            if not is_told
        ]
        kept = self.without(silent)
        examples = tuple(
            replace(example, label=-1, labels=labels)
            if is_multilabel
            else replace(example, label=labels[0], labels=())
            for example, labels in zip(kept.examples, numbers, strict=True)
        )
        return replace(kept, classes=classes, examples=examples, is_multilabel=is_multilabel)

    def missing_classes(self, part: Part) -> tuple[str, ...]:
        """The classes that have no example in a part: nothing can be said about them there."""
        present = {label for e in self.examples if e.part == part for label in e.all_labels}
        return tuple(name for label, name in enumerate(self.classes) if label not in present)
