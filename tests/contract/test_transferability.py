"""What every score of transferability promises, whatever it computes."""

from dataclasses import replace

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.transferability import SCORES, Sample, Score

# Scores that are means over images say what each image adds.
MEANS = {"ridge", "knn", "sfda", "n_leep", "leep", "nce"}
ACCURACIES = {"ridge", "knn"}


@pytest.fixture(params=SCORES, ids=[score.name for score in SCORES])
def score(request) -> Score:
    return request.param


def sample(count=90, width=20, classes=3, *, signal=1.0, seed=0, labels=None) -> Sample:
    """Images whose features and source probabilities tell the classes apart by `signal`."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes if labels is None else labels
    count = len(labels)
    centres = random.standard_normal((labels.max() + 1, width))
    features = signal * centres[labels] + random.standard_normal((count, width)) + 2
    logits = signal * 3 * random.standard_normal((labels.max() + 1, 12))[labels]
    logits += random.standard_normal((count, 12))
    source = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Sample(features.astype(np.float32), labels, int(labels.max()) + 1, source=source)


def with_features(made: Sample, features) -> Sample:
    return replace(made, features=features)


HARD = {
    "two classes": lambda: sample(classes=2),
    "two images": lambda: sample(2, 6, 2),
    "two images, one feature": lambda: sample(2, 1, 2),
    "one feature": lambda: sample(40, 1, 3),
    "many more features than images": lambda: sample(24, 900, 3),
    "many more images than features": lambda: sample(700, 3, 4),
    "200 classes": lambda: sample(600, 30, 200),
    "200 classes of one image": lambda: sample(200, 30, 200),
    "classes of 1, 2 and 3 images": lambda: sample(labels=np.array([0, 1, 1, 2, 2, 2] + [3] * 30)),
    "classes without images": lambda: replace(sample(60, 8, labels=np.array([1, 4, 9] * 20)), class_count=12),
    "constant columns": lambda: with_features(
        sample(), np.column_stack([sample().features, np.full((90, 3), 0.1, np.float32)])
    ),
    "all features zero": lambda: with_features(sample(), np.zeros((90, 20), np.float32)),
    "all features 0.1": lambda: with_features(sample(), np.full((90, 20), 0.1, np.float32)),
    "one feature that varies": lambda: with_features(
        sample(), np.pad(sample().features[:, :1], ((0, 0), (0, 9)), constant_values=3.0)
    ),
    "every row four times": lambda: with_features(sample(), np.repeat(sample().features[::4], 4, 0)[:90]),
    "classes that are points": lambda: with_features(
        sample(), np.eye(3, 7, dtype=np.float32)[sample().labels]
    ),
    "half precision": lambda: with_features(sample(), sample().features.astype(np.float16)),
    "half precision, huge": lambda: with_features(sample(), (5e3 * sample().features).astype(np.float16)),
    "double precision": lambda: with_features(sample(), sample().features.astype(np.float64)),
    "huge features": lambda: with_features(sample(), sample().features * np.float32(1e35)),
    "tiny features": lambda: with_features(sample(), sample().features * np.float32(1e-35)),
    "far from the origin": lambda: with_features(sample(), sample().features + np.float32(1e4)),
    "one image far away": lambda: with_features(
        sample(), np.where(np.arange(90)[:, None] == 5, 1e6, sample().features).astype(np.float32)
    ),
    "two folds": lambda: replace(sample(), folds=np.arange(90) // 3 % 2),
    "folds of a class each": lambda: replace(sample(), folds=np.arange(90) % 3),
    "a sure source": lambda: replace(sample(), source=np.eye(12, dtype=np.float32)[sample().labels]),
    "a source of one class": lambda: replace(sample(), source=np.ones((90, 1))),
    "a source in half precision": lambda: replace(sample(), source=sample().source.astype(np.float16)),
    "small integers as labels": lambda: replace(sample(), labels=sample().labels.astype(np.int8)),
}


@pytest.mark.parametrize("case", HARD)
def test_it_is_finite_whatever_the_images(score, case):
    made = HARD[case]()
    measured = score.measure(made)
    assert np.isfinite(measured.value)
    assert (measured.per_image is not None) == (score.name in MEANS)
    if measured.per_image is not None:
        assert measured.per_image.shape == made.labels.shape
        assert measured.value == pytest.approx(measured.per_image.mean(), rel=1e-12)
    if score.name in ACCURACIES:
        assert measured.per_image.min() >= 0
        assert measured.per_image.max() <= 1
    elif score.name in MEANS:
        assert measured.per_image.max() <= 1e-12


def test_the_names_are_distinct_and_the_titles_say_something():
    assert len({score.name for score in SCORES}) == len(SCORES) == 9
    assert all(len(score.title) > len(score.name) for score in SCORES)


def test_the_same_twice(score):
    assert score.measure(sample()).value == score.measure(sample()).value


def test_the_sample_is_left_alone(score):
    made = sample()
    before = made.features.copy(), made.labels.copy(), made.source.copy()
    score.measure(made)
    np.testing.assert_array_equal(made.features, before[0])
    np.testing.assert_array_equal(made.labels, before[1])
    np.testing.assert_array_equal(made.source, before[2])


@pytest.mark.parametrize("case", ["two folds", "every row four times", "classes of 1, 2 and 3 images"])
def test_the_order_of_images_changes_nothing(score, case):
    made = HARD[case]()
    order = np.random.default_rng(3).permutation(len(made.labels))
    shuffled = Sample(
        made.features[order],
        made.labels[order],
        made.class_count,
        source=made.source[order],
        folds=None if made.folds is None else made.folds[order],
    )
    ours, theirs = score.measure(made), score.measure(shuffled)
    assert ours.value == pytest.approx(theirs.value, rel=1e-12)
    if ours.per_image is not None:
        np.testing.assert_allclose(ours.per_image[order], theirs.per_image, rtol=1e-9, atol=1e-12)


def test_names_of_classes_change_nothing(score):
    made = sample(60, 30, 4, signal=0.4)
    renamed = replace(made, labels=np.array([5, 0, 3, 1])[made.labels], class_count=7)
    assert score.measure(made).value == pytest.approx(score.measure(renamed).value, rel=1e-9)


@pytest.mark.parametrize("factor", [2.0**20, 2.0**-9])
def test_the_scale_of_features_changes_nothing(score, factor):
    made = sample(signal=0.5)
    scaled = with_features(made, made.features * np.float32(factor))
    assert score.measure(scaled).value == pytest.approx(score.measure(made).value, rel=1e-9)


@pytest.mark.parametrize(("count", "width"), [(80, 10), (40, 70)])
def test_turning_shifting_and_scaling_features_changes_nothing(score, count, width):
    made = sample(count, width, signal=0.5)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((width, width)))[0]
    moved = 3.3 * made.features.astype(np.float64) @ turn
    if score.name != "knn":  # Cosines depend on where the origin is.
        moved += np.linspace(-4, 4, width)
    assert score.measure(with_features(made, moved)).value == pytest.approx(
        score.measure(made).value, rel=1e-6
    )


def test_float_types_of_the_same_numbers_score_the_same(score):
    half = sample().features.astype(np.float16)
    values = [
        score.measure(with_features(sample(), half.astype(kind))).value
        for kind in (np.float16, np.float32, np.float64)
    ]
    assert values == pytest.approx([values[0]] * 3, rel=1e-5)


@pytest.mark.parametrize(("count", "width"), [(150, 20), (60, 200)])
def test_features_that_tell_the_classes_apart_score_higher(score, count, width):
    values = [
        np.mean([score.measure(sample(count, width, signal=s, seed=seed)).value for seed in range(4)])
        for s in (0.0, 0.25, 0.6)
    ]
    assert values == sorted(values)
    assert values[2] > values[0]


def test_labels_dealt_by_lot_score_lower(score):
    made = sample(150, 20, signal=1.0)
    dealt = replace(made, labels=np.random.default_rng(0).permutation(made.labels))
    assert score.measure(dealt).value < score.measure(made).value


def test_accuracies_do_not_look_at_the_images_own_fold():
    # Ten pictures of no class, six copies of each: who sees the copies is right, who does not has to guess.
    made = sample(10, 200, 2, signal=0.0)
    copies, labels, pictures = (
        np.repeat(part, 6, axis=0) for part in (made.features, made.labels, range(10))
    )
    for score in SCORES:
        if score.name in ACCURACIES:
            assert score.measure(Sample(copies, labels, 2)).value == 1
            assert score.measure(Sample(copies, labels, 2, folds=pictures)).value < 0.7


def test_who_needs_a_source_says_so_and_the_others_do_not_read_it(score):
    without = replace(sample(), source=None)
    if score.needs_source:
        with pytest.raises(DataError, match="source"):
            score.measure(without)
    else:
        assert score.measure(without).value == pytest.approx(score.measure(sample()).value, rel=0.1)
