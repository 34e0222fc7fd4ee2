"""Nearest neighbours and nearest means against scikit-learn."""

import tracemalloc

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.utils.class_weight import compute_sample_weight

from regraft.heads import NearestMean, NearestNeighbours, balanced, classifier


def scattered(count, width, *, seed=0):
    random = np.random.default_rng(seed)
    features = random.standard_normal((count, width)).astype(np.float32) + 0.5
    return features, (features[:, :3] + random.standard_normal((count, 3))).argmax(1)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("neighbours", [1, 7])
def test_votes_are_scikit_learns(metric, neighbours):
    features, labels = scattered(200, 6)
    asked, _ = scattered(1500, 6, seed=1)
    scores = NearestNeighbours(neighbours, metric).fit(features, labels, class_count=3).scores(asked)
    theirs = KNeighborsClassifier(neighbours, metric=metric).fit(features, labels).predict_proba(asked)
    votes = np.exp(scores) * (neighbours + 1) - 1 / 3
    np.testing.assert_allclose(votes, theirs * neighbours, atol=1e-4)


@pytest.mark.parametrize("votes_by", ["number", "similarity"])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_leaving_one_out_is_fitting_without_it(metric, votes_by):
    features, labels = scattered(60, 6)
    head = NearestNeighbours(4, metric, votes_by)
    scores = head.held_out(features, labels, class_count=3, folds=None)
    for row in range(60):
        rest = np.arange(60) != row
        alone = head.fit(features[rest], labels[rest], class_count=3).scores(features[[row]])
        np.testing.assert_allclose(scores[[row]], alone, atol=1e-6)


@pytest.mark.parametrize("folds", [None, np.arange(3000) % 7 - 1])
def test_many_examples_are_compared_with_few_rows_at_a_time(monkeypatch, folds):
    features, labels = scattered(3000, 8)
    head, given = NearestNeighbours(3, "euclidean"), {"class_count": 3}
    fitted, whole = head.fit(features, labels, **given), head.held_out(features, labels, folds=folds, **given)
    scores = fitted.scores(features)
    monkeypatch.setattr(classifier, "PAIRS_AT_ONCE", 9000)
    tracemalloc.start()
    np.testing.assert_array_equal(fitted.scores(features), scores)
    np.testing.assert_array_equal(head.held_out(features, labels, folds=folds, **given), whole)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6  # Of 1024 rows the comparisons alone would take 12 MB.
    monkeypatch.setattr(classifier, "PAIRS_AT_ONCE", 1)
    np.testing.assert_array_equal(fitted.scores(features[:5]), scores[:5])


def test_nearest_mean_is_the_nearest_centroid():
    features, labels = scattered(200, 6)
    ours = NearestMean().fit(features, labels, class_count=3).scores(features)
    theirs = NearestCentroid().fit(features, labels)
    np.testing.assert_array_equal(ours.argmax(1), theirs.predict(features))
    distances = ((features[:, None] - theirs.centroids_) ** 2).sum(2)
    np.testing.assert_allclose(ours[:, 0] - ours[:, 1], (distances[:, 1] - distances[:, 0]) / 2, atol=1e-4)


def test_balanced_weights_are_scikit_learns():
    labels = np.array([0, 0, 0, 0, 1, 2, 2, 0])
    np.testing.assert_allclose(balanced(labels, 3), compute_sample_weight("balanced", labels))
    np.testing.assert_allclose(balanced(labels, 9), balanced(labels, 3))
