"""Ridge and logistic regression of several labels per image against scikit-learn, one label at a time."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as SklearnRidge

from regraft.heads import Logistic, Ridge, fit_platt, logistic_path, ridge_path


def draw(count, width, *, weighted, seed=0):
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, width))
    scores = features @ random.normal(size=(width, 4)) / np.sqrt(width) + random.normal(size=(count, 4))
    weights = random.uniform(0.5, 2, count) if weighted else np.ones(count)
    return features, scores > (0, 0.5, 1, 1.8), weights


def spread(features, weights):
    centred = features - np.average(features, axis=0, weights=weights)
    return (weights @ centred**2).sum() / weights.sum()


@pytest.mark.parametrize(("count", "width"), [(80, 12), (50, 90)])
@pytest.mark.parametrize("weighted", [False, True])
def test_held_out_scores_of_ridge_are_exact_label_by_label(count, width, weighted):
    features, truth, weights = draw(count, width, weighted=weighted)
    path = ridge_path(features, truth, class_count=4, folds=None, weights=weights, penalties=np.array([0.3]))
    for left_out in range(0, count, 7):
        kept = np.arange(count) != left_out
        model = SklearnRidge(0.3 * spread(features, weights), solver="svd")
        model.fit(features[kept], truth[kept].astype(float), weights[kept])
        np.testing.assert_allclose(
            path.held_out[0, left_out], model.predict(features[left_out : left_out + 1])[0], atol=1e-5
        )


@pytest.mark.parametrize("penalty", [1e-1, 1e-2])
@pytest.mark.parametrize(("count", "width"), [(200, 12), (60, 90)])
@pytest.mark.parametrize("weighted", [False, True])
def test_logistic_is_one_regression_per_label(count, width, penalty, weighted):
    features, truth, weights = draw(count, width, weighted=weighted)
    fitted = Logistic(penalty, smoothing=0.0).fit(features, truth, class_count=4, weights=weights)
    strength = 1 / (penalty * spread(features, weights))
    for label in range(4):
        model = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000)
        model.fit(features, truth[:, label], weights)
        np.testing.assert_allclose(
            fitted.scores(features)[:, label], model.decision_function(features), atol=5e-3
        )


def test_held_out_scores_of_logistic_are_of_the_other_folds():
    features, truth, _ = draw(120, 10, weighted=False)
    folds = np.arange(120) % 3
    path = logistic_path(
        features, truth, class_count=4, folds=folds, penalties=np.array([1e-1, 1e-2]), smoothing=0.0
    )
    out = folds == 1
    # The unit of penalties is taken from all features: it is no label, so nothing leaks.
    strength = 1 / (1e-2 * spread(features, np.ones(120)))
    model = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000).fit(features[~out], truth[~out, 2])
    np.testing.assert_allclose(path.held_out[1, out, 2], model.decision_function(features[out]), atol=5e-3)


def test_platt_is_logistic_regression_on_smoothed_targets():
    random = np.random.default_rng(0)
    truth = random.random((300, 1)) < 0.1
    scores = random.normal(size=(300, 1)) + 1.5 * truth
    positive = truth.sum()
    targets = np.where(truth, (positive + 1) / (positive + 2), 1 / (300 - positive + 2))[:, 0]
    # An image of target t counts t times as having the label, and 1 - t times as not having it.
    model = LogisticRegression(C=1e10, tol=1e-12, max_iter=10_000)
    model.fit(np.vstack([scores, scores]), np.arange(600) < 300, np.concatenate([targets, 1 - targets]))
    found = fit_platt(scores, truth)
    assert found.slope[0] == pytest.approx(model.coef_[0, 0], rel=1e-3)
    assert found.offset[0] == pytest.approx(model.intercept_[0], rel=1e-3)


def test_the_penalty_chosen_suits_all_labels_together():
    features, truth, _ = draw(150, 40, weighted=False)
    path = ridge_path(features, truth, class_count=4, folds=None)
    assert Ridge().fit(features, truth, class_count=4).bias == pytest.approx(path.classifier(path.best).bias)
    assert 0 < path.best < len(path.penalties) - 1
