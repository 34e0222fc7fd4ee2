"""The confusion table and what is read off it."""

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.evaluation import confusion, most_confused, per_class, wilson

LABELS = np.array([0, 0, 0, 0, 1, 1, 3])
GUESSES = np.array([0, 0, 1, 1, 1, 0, 0])
P = np.eye(4)[GUESSES]
NAMES = ("a", "b", "c", "d")


def test_rows_are_the_truth():
    assert confusion(P, LABELS).tolist() == [[2, 2, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]


def test_per_class_by_hand():
    a, b, c, d = per_class(P, LABELS, NAMES)
    assert (a.name, a.count, a.predicted) == ("a", 4, 4)
    assert a.recall == wilson(2, 4)
    assert a.precision == wilson(2, 4)
    assert b.precision.value == pytest.approx(1 / 3)
    assert b.f1 == pytest.approx(2 / 5)
    assert (c.count, c.f1, c.recall.low, c.recall.high, c.precision.high) == (0, 0.0, 0.0, 1.0, 1.0)
    assert (d.count, d.predicted, d.recall.value) == (1, 0, 0.0)


def test_groups_widen_a_recall():
    labels, right = np.zeros(40, int), np.repeat([1, 1, 1, 0], 10)
    p = np.stack([right, 1 - right], axis=1).astype(float)
    alone = per_class(p, labels, ("x", "y"))[0].recall
    grouped = per_class(p, labels, ("x", "y"), groups=np.repeat(np.arange(4), 10))[0].recall
    assert grouped.low < alone.low - 0.2


def test_most_confused_leaves_out_what_never_happened():
    found = most_confused(confusion(P, LABELS), NAMES)
    assert [(m.truth, m.predicted, m.count) for m in found] == [("a", "b", 2), ("b", "a", 1), ("d", "a", 1)]
    assert found[0].share == 0.5
    assert most_confused(np.diag([3, 3]), ("a", "b")) == ()


def test_most_confused_leaves_its_matrix_alone():
    matrix = confusion(P, LABELS)
    most_confused(matrix, NAMES, count=1)
    assert matrix[0, 0] == 2


def test_names_must_fit():
    with pytest.raises(DataError, match="2 class names were given for 4"):
        per_class(P, LABELS, ("a", "b"))
