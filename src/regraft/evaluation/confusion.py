"""Which classes are found, which are missed, and what they are mistaken for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regraft.core.arrays import Array, Labels, Probabilities
from regraft.core.errors import DataError
from regraft.evaluation.answers import Answers, Groups
from regraft.evaluation.interval import Interval
from regraft.evaluation.shares import shares


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How one class fares.

    Precision is 0 in [0, 1] for a class that was never predicted, recall for a class without images.
    """

    name: str
    count: int
    predicted: int
    precision: Interval
    recall: Interval
    f1: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """So many images of class `truth` were taken for class `predicted`."""

    truth: str
    predicted: str
    count: int
    share: float


def per_class(
    probabilities: Probabilities, labels: Labels, classes: Sequence[str], *, groups: Groups | None = None
) -> tuple[ClassScore, ...]:
    """Precision, recall and F1 of every class, in the order of `classes`; intervals as in `shares`."""
    answers = Answers(probabilities, labels, groups)
    _require_names(classes, answers.k)
    recall = shares(answers.right, answers.labels, answers.units, kinds=answers.k)
    precision = shares(answers.right, answers.predicted, answers.units, kinds=answers.k)
    hits = recall.value * recall.count
    f1 = 2 * hits / np.maximum(recall.count + precision.count, 1)
    return tuple(
        ClassScore(
            name=name,
            count=int(recall.count[c]),
            predicted=int(precision.count[c]),
            precision=precision.interval(c),
            recall=recall.interval(c),
            f1=float(f1[c]),
        )
        for c, name in enumerate(classes)
    )


def confusion(probabilities: Probabilities, labels: Labels) -> Array:
    """How often each class (row) was predicted as each class (column), int64 `[k, k]`."""
    answers = Answers(probabilities, labels)
    k = answers.k
    return np.bincount(answers.labels * k + answers.predicted, minlength=k * k).reshape(k, k)


def most_confused(matrix: Array, classes: Sequence[str], *, count: int = 10) -> tuple[Mistake, ...]:
    """The cells beside the diagonal that hold the most images, largest first; empty cells are left out."""
    _require_names(classes, len(matrix))
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:count]
    cells = [divmod(int(cell), len(matrix)) for cell in order]
    return tuple(
        Mistake(
            classes[row],
            classes[column],
            int(wrong[row, column]),
            float(wrong[row, column] / matrix[row].sum()),
        )
        for row, column in cells
        if wrong[row, column] > 0
    )


def _require_names(classes: Sequence[str], k: int) -> None:
    if len(classes) != k:
        raise DataError(f"{len(classes)} class names were given for {k} classes.")
