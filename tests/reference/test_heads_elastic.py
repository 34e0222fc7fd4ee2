"""Elastic-net logistic regression against scikit-learn's saga."""

import numpy as np
import pytest
import sklearn
from scipy.special import log_softmax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from regraft.heads import ElasticLogistic, elastic, held_out
from regraft.heads.best_of_path import dealt

# From this version on the share of L1 says by itself that there is one.
NET = {} if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8) else {"penalty": "elasticnet"}


def digits(count):
    bunch = load_digits()
    return bunch.data[:count].astype(np.float32), bunch.target[:count]


def scaled(features, weights):
    centred = features - weights @ features / weights.sum()
    return centred / np.sqrt(weights @ (centred**2).sum(1) / weights.sum())


def objective(coefficients, intercept, rows, labels, weights, penalty, share):
    losses = -log_softmax(rows @ coefficients + intercept, axis=1)[np.arange(len(labels)), labels]
    squared, absolute = (coefficients**2).sum() / 2, np.abs(coefficients).sum()
    return weights @ losses + penalty * ((1 - share) * squared + share * absolute)


@pytest.mark.parametrize(("penalty", "share"), [(2.0, 0.5), (1.0, 1.0), (5.0, 0.0), (0.1, 0.5)])
def test_the_optimum_is_scikit_learns(penalty, share):
    features, labels = digits(150)
    weights = np.random.default_rng(0).uniform(0.5, 2, 150)
    rows = scaled(features.astype(float), weights)
    ours = ElasticLogistic(penalty, share).fit(features, labels, class_count=10, weights=weights)
    theirs = LogisticRegression(
        solver="saga", l1_ratio=share, C=1 / penalty, tol=1e-7, max_iter=4000, random_state=0, **NET
    ).fit(rows, labels, sample_weight=weights)
    unit = np.sqrt(weights @ ((features - weights @ features / weights.sum()) ** 2).sum(1) / weights.sum())
    centre = weights @ features / weights.sum()
    given = (rows, labels, weights, penalty, share)
    at_ours = objective(ours.weights * unit, ours.bias + centre @ ours.weights, *given)
    at_theirs = objective(theirs.coef_.T, theirs.intercept_, *given)
    assert at_ours <= at_theirs * (1 + 1e-4)
    np.testing.assert_allclose(ours.weights * unit, theirs.coef_.T, atol=0.05 * np.abs(theirs.coef_).max())
    if share:
        apart = ((ours.weights == 0) != (theirs.coef_.T == 0)).mean()
        assert apart < 0.02
        assert (ours.weights == 0).mean() > 0.3


def test_a_small_path_gives_what_each_penalty_gives_alone(monkeypatch):
    monkeypatch.setattr(elastic, "SHARES", (0.3, 0.6))
    random = np.random.default_rng(0)
    features, labels = random.standard_normal((30, 4)), np.arange(30) % 2
    features[:, 0] += labels
    folds = np.arange(30) // 2 % 2
    path = ElasticLogistic().path(features, labels, class_count=2, folds=folds)
    for at, penalty in enumerate(path.penalties):
        head = ElasticLogistic(float(penalty))
        alone = head.fit(features, labels, class_count=2)
        np.testing.assert_array_equal(path.classifier(at).weights, alone.weights)
        refitted = held_out(head, features, labels, class_count=2, folds=folds)
        np.testing.assert_allclose(path.scores(at), refitted, atol=0.02)


@pytest.mark.slow
def test_the_path_gives_what_each_penalty_gives_alone():
    features, labels = digits(120)
    folds = dealt(labels)
    path = ElasticLogistic().path(features, labels, class_count=10, folds=folds)
    assert len(path.penalties) == len(path.losses)
    for at in (0, 3, 5):
        head = ElasticLogistic(float(path.penalties[at]))
        alone = head.fit(features, labels, class_count=10)
        np.testing.assert_allclose(path.classifier(at).scores(features), alone.scores(features), atol=0.02)
        refitted = held_out(head, features, labels, class_count=10, folds=folds)
        np.testing.assert_allclose(path.held_out[at], refitted, atol=0.03)
    best = ElasticLogistic().fit(features, labels, class_count=10)
    np.testing.assert_array_equal(best.weights, path.classifier(path.best).weights)


@pytest.mark.slow
def test_it_is_no_less_accurate_than_scikit_learns():
    features, labels = digits(1797)
    trained, unseen = slice(0, 400), slice(400, None)
    rows = scaled(features.astype(float), np.ones(len(features)))
    theirs = LogisticRegression(solver="lbfgs", C=100.0, max_iter=1000).fit(rows[trained], labels[trained])
    ours = ElasticLogistic().fit(features[trained], labels[trained], class_count=10)
    right = (ours.scores(features[unseen]).argmax(1) == labels[unseen]).mean()
    assert right > theirs.score(rows[unseen], labels[unseen]) - 0.01
