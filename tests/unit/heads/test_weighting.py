import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.heads.classifier import Linear
from regraft.heads.weighting import balanced, check_features, check_folds, checked, spread


def test_balanced_classes_weigh_the_same():
    labels = np.array([0, 0, 0, 2, 2, 4])
    weights = balanced(labels, 5)
    assert weights.mean() == pytest.approx(1)
    np.testing.assert_allclose(np.bincount(labels, weights)[[0, 2, 4]], 2)


def test_no_rows_and_no_columns_are_refused():
    for shape in ((0, 3), (3, 0)):
        with pytest.raises(DataError, match="rows and columns"):
            check_features(np.zeros(shape, np.float32))


def test_only_the_first_rows_are_named():
    features = np.zeros((30, 2), np.float32)
    features[10:20] = np.nan
    with pytest.raises(DataError, match=r"10 of 30 .* rows 10, 11, 12, 13, 14, \.\.\."):
        check_features(features)


def test_infinities_that_cancel_are_found():
    with pytest.raises(DataError, match="rows 1"):
        check_features(np.array([[0, 0], [np.inf, -np.inf]]))


def test_large_finite_float32_values_pass():
    check_features(np.full((2, 3), 3e38, np.float32))


def test_no_weights_are_ones():
    np.testing.assert_array_equal(checked(np.zeros((3, 1)), np.arange(3), class_count=3, weights=None), 1)


@pytest.mark.parametrize("folds", [np.zeros(4, int), np.full(4, -1)])
def test_folds_must_leave_something(folds):
    with pytest.raises(DataError, match="hold out some"):
        check_folds(folds, 4)


def test_a_fold_number_for_every_example():
    with pytest.raises(DataError, match="5 examples and 4"):
        check_folds(np.array([0, 1, 0, 1]), 5)


def test_an_absent_class_lies_below_the_mean_everywhere():
    random = np.random.default_rng(0)
    fitted = Linear(random.standard_normal((3, 2)), random.standard_normal(2))
    whole = spread(fitted, np.array([True, False, True]), gap=0.5)
    scores = whole.scores(100 * random.standard_normal((200, 3)))
    np.testing.assert_allclose(scores[:, 1], scores[:, [0, 2]].mean(1) - 0.5)
