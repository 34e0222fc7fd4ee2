"""What every head promises, whatever it computes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from regraft.core.errors import DataError, RecipeError
from regraft.core.hashing import plain
from regraft.core.settings import from_plain, knobs
from regraft.heads import (
    HEADS,
    ElasticLogistic,
    KernelRidge,
    KernelSvm,
    Lda,
    LinearSvm,
    Logistic,
    NearestMean,
    NearestNeighbours,
    Perceptron,
    Ridge,
    SelectedRidge,
    TrainedLinear,
    balanced,
    from_arrays,
    held_out,
    to_arrays,
)


def kind_name(head):
    return type(head).__name__


ALL = {
    "ridge": Ridge(0.1),
    "ridge by leave-one-out": Ridge(),
    "logistic": Logistic(0.01),
    "logistic of sharp targets": Logistic(0.01, smoothing=0.0),
    "nearest mean": NearestMean(),
    "nearest mean shrunken": NearestMean(0.5),
    "cosine neighbours": NearestNeighbours(5),
    "euclidean neighbours": NearestNeighbours(5, "euclidean"),
    "neighbours by similarity": NearestNeighbours(5, votes_by="similarity"),
    "elastic": ElasticLogistic(0.3),
    "lda": Lda(),
    "lda of a given shrinkage": Lda(0.05),
    "linear svm": LinearSvm(0.1),
    "kernel svm": KernelSvm(),
    "kernel ridge": KernelRidge(0.1),
    "gaussian process": KernelRidge(),
    "perceptron": Perceptron(width=64, batch_norm=False, learning_rate=3e-3, epochs=50),
    "deep perceptron": Perceptron(48, 2, "gelu", learning_rate=1e-2, epochs=50),
    "selected ridge": SelectedRidge(0.5, 0.1),
    "trained linear": TrainedLinear(learning_rate=0.1),
    "trained perceptron": TrainedLinear(width=64),
    "trained linear by nesterov": TrainedLinear("nesterov", 1.0, batch_size=16),
}


@pytest.fixture(params=ALL.values(), ids=ALL.keys())
def head(request):
    return request.param


def blobs(count, width, classes, *, seed=0, spread=0.7):
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = 2 * random.standard_normal((classes, width))
    return (centres[labels] + spread * random.standard_normal((count, width)) + 3).astype(np.float32), labels


@pytest.mark.parametrize(
    ("count", "width", "classes"), [(40, 8, 2), (90, 20, 3), (30, 100, 2), (210, 30, 70)]
)
def test_separable_classes_are_learnt(head, count, width, classes):
    features, labels = blobs(count, width, classes, spread=0.2)
    unseen, answers = blobs(count, width, classes, spread=0.2)
    fitted = head.fit(features, labels, class_count=classes)
    scores = fitted.scores(unseen)
    assert scores.shape == (count, classes)
    assert fitted.class_count == classes
    assert (scores.argmax(1) == answers).mean() > 0.97


def test_the_same_twice(head):
    features, labels = blobs(60, 12, 3)
    first, second = (head.fit(features, labels, class_count=3).scores(features) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_the_training_data_is_left_alone(head):
    features, labels = blobs(60, 12, 3)
    before = features.copy(), labels.copy()
    fitted = head.fit(features, labels, class_count=3, weights=np.full(60, 2.0))
    fitted.scores(features)
    np.testing.assert_array_equal(features, before[0])
    np.testing.assert_array_equal(labels, before[1])


@pytest.mark.parametrize("width", [6, 80])
def test_a_weight_is_a_number_of_copies(head, width):
    if head == Ridge():
        head = Ridge(0.3)  # Leaving one copy out is not leaving the example out.
    # Batches of some examples are other batches where there are copies.
    if isinstance(head, Perceptron):
        head = replace(head, batch_norm=False, dropout=0.0, batch_size=4096)
    if isinstance(head, TrainedLinear):
        head = replace(head, batch_size=4096)
    features, labels = blobs(50, width, 3, spread=2.0)
    labels = np.where(np.arange(50) % 4 == 0, np.arange(50) % 7 % 3, labels)
    times = np.random.default_rng(1).integers(1, 4, 50)
    weighted = head.fit(features, labels, class_count=3, weights=times.astype(float)).scores(features)
    copied = head.fit(features.repeat(times, 0), labels.repeat(times), class_count=3).scores(features)
    unweighted = head.fit(features, labels, class_count=3).scores(features)
    np.testing.assert_allclose(weighted, copied, atol=3e-3)
    assert np.abs(weighted - unweighted).max() > 1e-2


def test_balanced_classes_are_not_drowned(head):
    random = np.random.default_rng(4)
    labels = np.array([0] * 190 + [1] * 10)
    features = random.standard_normal((200, 5)).astype(np.float32)
    features[:, 0] += 1.2 * labels
    weights = balanced(labels, 2)
    of_all, of_each = (
        head.fit(features, labels, class_count=2, weights=given).scores(features).argmax(1)
        for given in (None, weights)
    )
    if not isinstance(head, NearestMean):  # It never counts how many examples a class has.
        assert (of_each == 1).sum() > (of_all == 1).sum()
    assert of_each[labels == 1].mean() > 0.5


def test_probabilities_are_finite_at_any_distance(head):
    features, labels = blobs(60, 12, 3)
    fitted = head.fit(1e3 * features, labels, class_count=3)
    scores = fitted.scores(1e4 * features)
    for temperature in (1e-2, 1.0, 100.0):
        probabilities = softmax(scores / temperature, axis=1)
        assert np.isfinite(probabilities).all()
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


OF_MANY_CLASSES = {
    "logistic": Logistic(0.01),
    "elastic": ElasticLogistic(0.3),
    "nearest_neighbours": NearestNeighbours(1),
    "linear_svm": LinearSvm(0.1),
    "kernel_ridge": KernelRidge(0.1),
    "selected_ridge": SelectedRidge(0.5, 0.1),
    "trained_linear": TrainedLinear(epochs=2),
}


def test_hundreds_of_classes(head):
    """More than there are features, which is not what every head is made for; but all know something."""
    if isinstance(head, Perceptron):
        head = replace(head, epochs=5)
    features, labels = blobs(450, 24, 300, spread=0.1)
    scores = head.fit(features, labels, class_count=301).scores(features)
    assert scores.shape == (450, 301)
    assert np.isfinite(scores).all()
    assert (scores.argmax(1) == labels).mean() > 0.05


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", HEADS)
def test_ten_thousand_classes_of_one_example_each(kind):
    """Under given penalties; `benchmarks/many_classes.py` says how long each takes, and how good it is."""
    head = OF_MANY_CLASSES.get(kind, HEADS[kind]())
    features = np.random.default_rng(0).standard_normal((10_000, 64)).astype(np.float32)
    labels = np.arange(10_000)
    known = slice(getattr(head, "most_examples", None))
    scores = head.fit(features[known], labels[known], class_count=10_000).scores(features[:500])
    assert scores.shape == (500, 10_000)
    assert np.isfinite(scores).all()
    assert (scores.argmax(1) == labels[:500]).mean() > 0.05


def test_one_example_per_class(head):
    features, labels = np.eye(4, 9, dtype=np.float32), np.arange(4)
    scores = head.fit(features, labels, class_count=4).scores(features)
    assert np.isfinite(scores).all()


def test_one_example_per_class_is_enough_where_classes_lie_far_apart(head):
    random = np.random.default_rng(0)
    places, labels = 10 * random.standard_normal((5, 9)), np.arange(200) % 5
    others = (places[labels] + random.standard_normal((200, 9))).astype(np.float32)
    scores = head.fit(places.astype(np.float32), np.arange(5), class_count=5).scores(others)
    assert (scores.argmax(1) == labels).mean() > 0.95


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_constant_features_predict_the_class_shares(head, value):
    features, labels = np.full((30, 5), value, np.float32), np.array([0] * 20 + [1] * 10)
    scores = head.fit(features, labels, class_count=2).scores(features)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores, np.broadcast_to(scores[0], scores.shape), atol=1e-6)
    if not isinstance(head, (NearestMean, NearestNeighbours)):
        assert scores[0].argmax() == 0


def test_one_constant_feature_changes_nothing_but_the_cosine(head):
    features, labels = blobs(60, 8, 3, spread=2.0)
    wider = np.column_stack([features, np.full(60, 0.1, np.float32)])
    plainly = head.fit(features, labels, class_count=3).scores(features)
    padded = head.fit(wider, labels, class_count=3).scores(wider)
    np.testing.assert_allclose(padded, plainly, atol=2e-2 if isinstance(head, NearestNeighbours) else 2e-3)


@pytest.mark.parametrize("width", [6, 80])
def test_a_class_without_examples_never_wins(head, width):
    features, labels = blobs(60, width, 3, spread=1.0)
    labels = np.where(labels == 1, 3, labels)
    fitted = head.fit(features, labels, class_count=5)
    far = 10 * np.random.default_rng(5).standard_normal((500, width)).astype(np.float32)
    scores = fitted.scores(far)
    assert np.isfinite(scores).all()
    assert set(scores.argmax(1)) <= {0, 2, 3}
    assert (fitted.scores(features).argmax(1) == labels).mean() > 0.8


def test_a_single_class(head):
    features, _ = blobs(20, 6, 2)
    scores = head.fit(features, np.ones(20, np.int64), class_count=3).scores(features)
    assert np.isfinite(scores).all()
    assert (scores.argmax(1) == 1).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_numbers_are_named(head, bad):
    features, labels = blobs(40, 6, 2)
    features[7, 2] = features[31, 0] = bad
    with pytest.raises(DataError, match=r"2 of 40 .* rows 7, 31"):
        head.fit(features, labels, class_count=2)


@pytest.mark.parametrize("label", [-1, 2])
def test_labels_outside_the_classes_are_refused(head, label):
    features, labels = blobs(40, 6, 2)
    labels[3] = label
    with pytest.raises(DataError, match=f"{label} in row 3"):
        head.fit(features, labels, class_count=2)


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan])
def test_weights_must_be_positive(head, weight):
    features, labels = blobs(40, 6, 2)
    weights = np.ones(40)
    weights[5] = weight
    with pytest.raises(DataError, match="rows 5"):
        head.fit(features, labels, class_count=2, weights=weights)


def test_another_width_is_refused(head):
    features, labels = blobs(40, 6, 2)
    fitted = head.fit(features, labels, class_count=2)
    with pytest.raises(DataError, match=r"\(40, 5\).* 6"):
        fitted.scores(features[:, :5])


def test_no_rows_score_to_no_rows(head):
    features, labels = blobs(40, 6, 2)
    assert head.fit(features, labels, class_count=2).scores(features[:0]).shape == (0, 2)


# What all examples say of the scale, these keep in every fold: tests/reference/test_heads_ridge.py,
# test_heads_kernel_ridge.py and tests/unit/heads/test_together.py.
OF_ONE_SCALE = (Ridge, KernelRidge, TrainedLinear)
REFITTED = {name: head for name, head in ALL.items() if not isinstance(head, OF_ONE_SCALE)}


@pytest.mark.parametrize("head", REFITTED.values(), ids=REFITTED.keys())
def test_held_out_is_what_refitting_gives(head):
    features, labels = blobs(60, 10, 3, spread=2.0)
    folds = np.random.default_rng(2).integers(-1, 4, 60)
    weights = np.random.default_rng(3).uniform(0.5, 2, 60)
    given = {"class_count": 3}
    scores = held_out(head, features, labels, folds=folds, weights=weights, **given)
    assert np.isnan(scores[folds < 0]).all()
    for number in range(4):
        out = folds == number
        fitted = head.fit(features[~out], labels[~out], weights=weights[~out], **given)
        np.testing.assert_allclose(scores[out], fitted.scores(features[out]), atol=1e-4)


def test_arrays_bring_the_classifier_back(head):
    features, labels = blobs(40, 6, 2)
    fitted = head.fit(features, labels, class_count=2)
    kind, arrays = to_arrays(fitted)
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
    np.testing.assert_array_equal(from_arrays(kind, arrays).scores(features), fitted.scores(features))


def test_settings_survive_json(head):
    kind = next(name for name, settings in HEADS.items() if type(head) is settings)
    assert from_plain(HEADS[kind], plain(head)) == head


def test_settings_out_of_range_are_refused(head):
    ranged = {name: knob for name, knob in knobs(type(head)).items() if knob.high is not None}
    assert ranged
    for name, knob in ranged.items():
        with pytest.raises(RecipeError, match=name):
            type(head)(**{name: type(knob.high)(2 * knob.high + 1)})
