"""What counts as answers, and what each image's answer was worth."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from regraft.core.errors import DataError
from regraft.evaluation.answers import Answers, units

P = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.1, 0.1, 0.8]])


def test_rank_loss_and_right():
    answers = Answers(P, np.array([1, 1, 2]))
    assert answers.ranks.tolist() == [1, 1, 0]
    assert answers.right.tolist() == [0, 0, 1]
    assert answers.losses == pytest.approx(-np.log([0.3, 0.4, 0.8]))
    assert answers.confidence.tolist() == [0.5, 0.4, 0.8]


def test_the_loss_of_a_certain_mistake_is_bounded():
    answers = Answers(np.array([[1.0, 0.0]], np.float32), np.array([1]))
    assert answers.losses[0] == pytest.approx(15.94, abs=0.01)


@pytest.mark.parametrize(
    ("probabilities", "labels", "groups", "message"),
    [
        (P[:0], np.zeros(0, int), None, "nothing to evaluate"),
        (P, np.array([0, 1, 2]), ["a"], "1 groups"),
        (P, np.array([0, 1, 3]), None, "0 to 3"),
        (P, np.array([-1, 1, 2]), None, "-1 to 2"),
        (P * 2, np.array([0, 1, 2]), None, "Row 0"),
        (np.array([[1.5, -0.5]]), np.array([0]), None, "Row 0"),
        (np.array([[np.nan, 1.0]]), np.array([0]), None, "Row 0"),
    ],
)
def test_refuses_what_makes_no_sense(probabilities, labels, groups, message):
    with pytest.raises(DataError, match=message):
        Answers(probabilities, labels, groups)


def test_refuses_labels_of_another_number_of_images():
    # The tests' own shape checks may come first.
    with pytest.raises((DataError, TypeCheckError), match="labels"):
        Answers(P, np.array([0, 1]))


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda g: np.array(g, object)])
def test_images_without_a_group_stand_alone(kind):
    codes = units(kind(["b", "", "a", "", "b"]), 5)
    assert codes[0] == codes[4]
    assert len(set(codes.tolist())) == 4
    assert sorted(set(codes.tolist())) == [0, 1, 2, 3]


def test_numbered_groups_are_groups_whatever_their_numbers():
    assert units(np.array([7, 7, -1, 0]), 4).tolist() == [2, 2, 0, 1]
