"""Linear discriminant analysis against scikit-learn."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from regraft.heads import Lda
from regraft.heads.lda import ledoit_wolf


def digits(count, *, columns=slice(None)):
    bunch = load_digits()
    return bunch.data[:count, columns].astype(np.float32), bunch.target[:count]


@pytest.mark.parametrize("shrinkage", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("count", [45, 400])
def test_probabilities_are_scikit_learns(shrinkage, count):
    features, labels = digits(count, columns=slice(2, 6))
    if count < 50:
        random = np.random.default_rng(0)
        features = np.column_stack([features, random.standard_normal((count, 70))]).astype(np.float32)
    unseen = features[::-1] + 0.5
    varying = features.std(0) > 0
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(features[:, varying], labels)
    scores = Lda(shrinkage).fit(features, labels, class_count=10).scores(unseen)
    np.testing.assert_allclose(
        softmax(scores.astype(float), 1), theirs.predict_proba(unseen[:, varying]), atol=2e-4
    )


def test_the_shrinkage_is_ledoit_and_wolfs():
    features, labels = digits(300)
    means = np.stack([features[labels == label].mean(0) for label in range(10)])
    inner = (features - means[labels])[:, features.std(0) > 0].astype(float)
    for rows in (inner, inner[:30]):
        values = np.linalg.eigvalsh(rows.T @ rows / len(rows))
        found = ledoit_wolf((rows**2).sum(1), values[values > 1e-9], np.ones(len(rows)), width=rows.shape[1])
        assert found == pytest.approx(ledoit_wolf_shrinkage(rows, assume_centered=True), rel=1e-6)


def test_it_is_no_less_accurate_than_scikit_learns():
    features, labels = digits(1797)
    trained, unseen = slice(0, 600), slice(600, None)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(
        features[trained], labels[trained]
    )
    ours = Lda().fit(features[trained], labels[trained], class_count=10)
    right = (ours.scores(features[unseen]).argmax(1) == labels[unseen]).mean()
    assert right > theirs.score(features[unseen], labels[unseen]) - 0.005
    assert right > 0.9
