"""Logistic regression against scikit-learn: the same optimum."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from regraft.heads import LinearSvm, Logistic, accuracy, held_out, logistic_path
from regraft.heads.selection import held_out_loss


def overlapping(count, width, *, seed=0):
    random = np.random.default_rng(seed)
    features = random.standard_normal((count, width)) + 2
    labels = (features[:, :3] + random.standard_normal((count, 3))).argmax(1)
    return features, labels, random.uniform(0.3, 3, count)


def spread(features, weights):
    mean = weights @ features / weights.sum()
    return weights @ ((features - mean) ** 2).sum(1) / weights.sum()


def objective(weights_of_features, bias, features, labels, weights, alpha):
    losses = -log_softmax(features @ weights_of_features + bias, axis=1)[np.arange(len(labels)), labels]
    return weights @ losses + alpha / 2 * (weights_of_features**2).sum()


@pytest.mark.parametrize(("count", "width"), [(150, 8), (60, 100)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalty", [1e-3, 0.1, 10.0])
def test_the_optimum_is_scikit_learns(count, width, weighted, penalty):
    features, labels, weights = overlapping(count, width)
    weights = weights if weighted else np.ones(count)
    alpha = penalty * spread(features, weights)
    model = LogisticRegression(C=1 / alpha, tol=1e-9, max_iter=5000).fit(features, labels, weights)
    fitted = Logistic(penalty, smoothing=0).fit(features, labels, class_count=3, weights=weights)
    ours = objective(fitted.weights, fitted.bias, features, labels, weights, alpha)
    theirs = objective(model.coef_.T, model.intercept_, features, labels, weights, alpha)
    assert ours <= theirs * (1 + 1e-5)
    probabilities = softmax(fitted.scores(features), axis=1)
    np.testing.assert_allclose(probabilities, model.predict_proba(features), atol=1e-3)


def test_held_out_scores_are_those_of_fitting_without_the_fold():
    features, labels, weights = overlapping(90, 120)
    folds = np.random.default_rng(4).integers(-1, 3, 90)
    penalties = np.array([1e-3, 0.1])
    path = logistic_path(
        features, labels, class_count=3, folds=folds, weights=weights, penalties=penalties, smoothing=0
    )
    assert np.isnan(path.held_out[:, folds < 0]).all()
    for at, penalty in enumerate(penalties):
        alpha = penalty * spread(features, weights)
        for number in range(3):
            out = folds == number
            model = LogisticRegression(C=1 / alpha, tol=1e-9, max_iter=5000)
            model.fit(features[~out], labels[~out], weights[~out])
            ours = softmax(path.held_out[at, out], axis=1)
            np.testing.assert_allclose(ours, model.predict_proba(features[out]), atol=5e-3)


def test_labels_of_a_fold_do_not_reach_its_scores():
    """Labels without meaning cannot be known; a start from the fit to all examples would know them."""
    random = np.random.default_rng(0)
    features, labels = random.standard_normal((120, 300)), random.integers(0, 3, 120)
    path = logistic_path(
        features,
        labels,
        class_count=3,
        folds=np.arange(120) % 4,
        penalties=np.array([1e-10, 1e-8, 1e-2]),
        smoothing=0,
    )
    assert (path.losses > np.log(3) - 0.02).all()
    assert max(accuracy(scores, labels) for scores in path.held_out) < 0.5


def test_the_path_ends_where_single_fits_end():
    features, labels, weights = overlapping(90, 120)
    folds = np.arange(90) % 3
    given = {"class_count": 3, "weights": weights}
    path = logistic_path(features, labels, folds=folds, **given)
    for index, penalty in enumerate(path.penalties):
        head = Logistic(float(penalty))
        alone = head.fit(features, labels, **given)
        np.testing.assert_array_equal(path.classifier(index).weights, alone.weights)
        # Held-out fits stop a little earlier than those that are delivered, where the optimum is flat.
        refitted = held_out(head, features, labels, folds=folds, **given)
        apart = np.abs(softmax(path.scores(index), axis=1) - softmax(refitted, axis=1))
        assert apart.mean() < 0.01
        assert apart.max() < 0.1
        assert path.losses[index] == pytest.approx(held_out_loss(refitted, labels, weights=weights), rel=2e-3)


def test_smoothed_targets_bound_the_confidence():
    features, labels, _ = overlapping(60, 100)
    sharp, smooth = (
        softmax(Logistic(1e-6, s).fit(features, labels, class_count=3).scores(features), axis=1)
        for s in (0, 0.3)
    )
    # With targets 0.8, 0.1, 0.1 the best possible probability of the right class is 0.8.
    np.testing.assert_allclose(smooth[np.arange(60), labels], 0.8, atol=0.02)
    assert sharp[np.arange(60), labels].min() > 0.9


@pytest.mark.parametrize("head", [Logistic(), LinearSvm()])
def test_a_class_within_one_fold_is_absent_from_the_path_as_from_a_fit(head):
    """What it never saw, it knows nothing of; a softmax would otherwise learn that it is impossible."""
    features, labels, _ = overlapping(90, 120)
    labels[[3, 33, 63]] = 3
    folds, given = np.arange(90) // 3 % 5 * (labels < 3), {"class_count": 4}
    path = head.path(features, labels, folds=folds, **given)
    for index, penalty in enumerate(path.penalties):
        refitted = held_out(replace(head, penalty=float(penalty)), features, labels, folds=folds, **given)
        assert path.losses[index] == pytest.approx(held_out_loss(refitted, labels), rel=5e-3)
        apart = path.scores(index)[labels == 3] - refitted[labels == 3]
        np.testing.assert_allclose(apart, 0, atol=0.05 * np.abs(refitted).max())
