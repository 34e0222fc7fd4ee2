import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.evaluation import LabelAnswers

PROBABILITIES = np.array([[0.9, 0.2], [0.5, 0.6], [0.1, 0.1], [0.7, 0.8]])
TRUTH = np.array([[1, 0], [1, 1], [0, 0], [0, 1]], bool)
HALF = np.array([0.5, 0.5])
ANSWERS = LabelAnswers(PROBABILITIES, TRUTH, HALF)


def test_a_label_is_given_from_its_threshold_on():
    assert ANSWERS.predicted.tolist() == [[True, False], [True, True], [False, False], [True, True]]
    higher = LabelAnswers(PROBABILITIES, TRUTH, np.array([0.51, 0.9]))
    assert higher.predicted.tolist() == [[True, False], [False, False], [False, False], [True, False]]


def test_an_image_is_right_where_all_its_labels_are():
    assert ANSWERS.right.tolist() == [1, 1, 1, 0]


def test_what_is_counted():
    assert (ANSWERS.n, ANSWERS.k, ANSWERS.count) == (4, 2, 4)
    assert ANSWERS.seen.tolist() == [2, 2]
    assert ANSWERS.guessed.tolist() == [3, 2]


def test_the_loss_is_the_mean_over_labels():
    assert ANSWERS.losses[0] == pytest.approx(-(np.log(0.9) + np.log(0.8)) / 2)
    assert ANSWERS.losses[2] == pytest.approx(-np.log(0.9))


def test_the_loss_of_a_certain_mistake_is_bounded():
    certain = LabelAnswers(np.array([[1.0], [0.0]]), np.array([[False], [True]]), np.array([0.5]))
    assert certain.losses == pytest.approx([15.94, 15.94], abs=0.01)


def test_images_of_a_group_are_one_unit():
    grouped = LabelAnswers(PROBABILITIES, TRUTH, HALF, ["a", "b", "a", ""])
    assert grouped.count == 3
    assert grouped.units[0] == grouped.units[2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probabilities": np.empty((0, 2)), "truth": np.empty((0, 2), bool)}, "nothing to evaluate"),
        ({"groups": ["a"]}, "4 rows of probabilities, 1 groups"),
        ({"probabilities": PROBABILITIES * 2}, "run from 0.2 to 1.8"),
        ({"probabilities": PROBABILITIES * np.nan}, "run from nan"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    given = {"probabilities": PROBABILITIES, "truth": TRUTH, "thresholds": HALF, **changes}
    with pytest.raises(DataError, match=message):
        LabelAnswers(**given)
