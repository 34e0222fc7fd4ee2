"""What a sample has to be, and what becomes of it before a score sees it."""

import re
from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from regraft.core.errors import DataError
from regraft.transferability import Measured, Sample, Score, source_entropy
from regraft.transferability.score import order_free

FEATURES = np.random.default_rng(0).standard_normal((8, 5)).astype(np.float32)
LABELS = np.array([0, 0, 1, 1, 4, 4, 4, 0])
SOURCE = np.full((8, 4), 0.25)


def with_nan(rows):
    features = FEATURES.copy()
    features[rows, 2] = np.nan
    return features


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": with_nan([1, 6])}, "rows 1, 6"),
        ({"features": np.where(FEATURES > 1, np.inf, FEATURES)}, "NaN or infinity"),
        ({"features": FEATURES[:, :0]}, "rows and columns"),
        ({"class_count": 4}, "Labels must be 0 to 3"),
        ({"labels": LABELS - 1}, "Labels must be 0 to 4"),
        ({"labels": np.full(8, 3)}, "All 8 images are of class 3"),
        ({"source": SOURCE * 2}, "the first is row 0, which sums to 2"),
        ({"source": np.where(np.arange(8)[:, None] == 5, np.nan, SOURCE)}, "1 rows .* the first is row 5"),
        ({"source": SOURCE * [-1, 2, 1, 2]}, "the first is row 0"),
        ({"source": SOURCE[:, :0]}, "shape"),
        ({"folds": np.zeros(8, int)}, "from 0 to 0"),
        ({"folds": np.arange(8) - 1}, "from -1 to 6"),
    ],
)
def test_a_sample_that_cannot_be_judged_says_why(changes, message):
    fine = {"features": FEATURES, "labels": LABELS, "class_count": 5}
    Sample(**fine)
    with pytest.raises(DataError, match=message):
        Sample(**{**fine, **changes})


@pytest.mark.parametrize("changes", [{"labels": LABELS[:5]}, {"source": SOURCE[:5]}, {"folds": np.arange(5)}])
def test_lengths_have_to_agree(changes):
    with pytest.raises((DataError, TypeCheckError), match=re.escape(next(iter(changes)))):
        Sample(**{"features": FEATURES, "labels": LABELS, "class_count": 5, **changes})


def test_the_canonical_sample_is_the_same_images_without_empty_classes():
    sample = Sample(FEATURES * 100, LABELS, 9, source=SOURCE.astype(np.float16), folds=LABELS // 4 + 7)
    found = sample.canonical
    assert found.class_count == 3
    np.testing.assert_array_equal(found.labels, np.unique(LABELS, return_inverse=True)[1][sample.order])
    np.testing.assert_array_equal(np.unique(found.folds), [0, 1])
    ratio = FEATURES[sample.order] / found.features
    assert ratio.max() == pytest.approx(ratio.min(), rel=1e-6)
    assert 0.5 <= np.abs(found.features).max() < 1
    assert found.source.dtype == np.float64


def test_every_order_of_images_has_one_canonical_sample():
    sample = Sample(FEATURES, LABELS, 5)
    for seed in range(3):
        mixed = np.random.default_rng(seed).permutation(8)
        other = Sample(FEATURES[mixed], LABELS[mixed], 5)
        np.testing.assert_array_equal(other.canonical.features, sample.canonical.features)
        np.testing.assert_array_equal(other.canonical.labels, sample.canonical.labels)


def test_a_selection_has_its_rows_of_everything():
    whole = Sample(FEATURES, LABELS, 5, source=SOURCE * [0.4, 1.6, 1, 1], folds=np.arange(8) // 2, seed=3)
    rows = np.array([6, 0, 3])
    part = whole.select(rows)
    np.testing.assert_array_equal(part.features, FEATURES[rows])
    np.testing.assert_array_equal(part.labels, [4, 0, 1])
    np.testing.assert_array_equal(part.source, whole.source[rows])
    np.testing.assert_array_equal(part.folds, [3, 0, 1])
    assert (part.class_count, part.seed) == (5, 3)
    bare = Sample(FEATURES, LABELS, 5).select(rows)
    assert bare.source is None
    assert bare.folds is None


def test_folds_of_one_image_each_are_no_folds():
    sample = Sample(FEATURES, LABELS, 5, folds=np.array([3, 1, 4, 15, 9, 2, 6, 5]))
    assert sample.canonical.folds is None


def test_what_is_said_of_each_image_comes_back_in_the_order_given():
    @order_free
    def first_feature(sample):
        return Measured.mean(sample.features[:, 0].astype(np.float64))

    sample = Sample(FEATURES, LABELS, 5)
    found = Score("first", "first feature", first_feature, needs_source=False).measure(sample).per_image
    np.testing.assert_allclose(found / found[0], FEATURES[:, 0] / FEATURES[0, 0], rtol=1e-6)


def test_a_score_without_images_stays_so():
    @order_free
    def one(sample):
        return Measured(1.0)

    assert one(Sample(FEATURES, LABELS, 5)) == Measured(1.0, None)


def test_features_are_decomposed_once_for_all_scores():
    sample = Sample(FEATURES, LABELS, 5)
    assert sample.canonical.axes is sample.canonical.axes
    assert replace(sample).canonical.axes is not sample.canonical.axes


def test_entropy_of_a_source_needs_probabilities_of_two_classes():
    with pytest.raises(DataError, match="cannot be unsure"):
        source_entropy(np.ones((3, 1)))
    with pytest.raises(DataError, match="not probabilities"):
        source_entropy(np.ones((3, 2)))
