"""Ridge against scikit-learn, and its held-out scores against fitting again without the examples."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge as SklearnRidge

from regraft.heads import Ridge, leaving_out, ridge_path

PENALTIES = np.array([1e-4, 1e-2, 1.0, 1e3])


def noise(count, width, *, seed=0):
    """Features far from zero, so that a wrong intercept shows, and labels that they know a little about."""
    random = np.random.default_rng(seed)
    features = random.standard_normal((count, width)) + 20
    labels = (features[:, :3] + random.standard_normal((count, 3))).argmax(1)
    return features, labels, random.uniform(0.2, 3, count), random


def spread(features, weights):
    mean = weights @ features / weights.sum()
    return weights @ ((features - mean) ** 2).sum(1) / weights.sum()


def refitted(features, labels, weights, folds, penalties, classes):
    """Held-out scores by scikit-learn, fitted once per fold and penalty."""
    targets, scores = np.eye(classes)[labels], np.full((len(penalties), len(labels), classes), np.nan)
    unit = spread(features, weights)
    for at, penalty in enumerate(penalties):
        for number in np.unique(folds[folds >= 0]):
            out = folds == number
            model = SklearnRidge(penalty * unit, solver="svd").fit(
                features[~out], targets[~out], weights[~out]
            )
            scores[at, out] = model.predict(features[out])
    return scores


@pytest.mark.parametrize(("count", "width"), [(60, 12), (40, 90), (41, 40), (40, 41)])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_fit_is_scikit_learns(count, width, weighted):
    features, labels, weights, _ = noise(count, width)
    weights = weights if weighted else None
    ones = np.ones(count) if weights is None else weights
    for penalty in (1e-3, 1.0, 100.0):
        fitted = Ridge(penalty).fit(features, labels, class_count=3, weights=weights)
        alpha = penalty * spread(features, ones)
        model = SklearnRidge(alpha, solver="svd").fit(features, np.eye(3)[labels], ones)
        np.testing.assert_allclose(fitted.weights, model.coef_.T, atol=1e-5)
        np.testing.assert_allclose(fitted.scores(features), model.predict(features), atol=1e-4)


@pytest.mark.parametrize(("count", "width"), [(60, 12), (40, 90), (41, 40), (30, 3)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("grouping", ["alone", "threes", "fifths", "some", "one part"])
def test_held_out_scores_are_exact(monkeypatch, count, width, weighted, grouping):
    features, labels, weights, random = noise(count, width)
    folds = {
        "alone": None,
        "threes": np.arange(count) // 3,
        "fifths": random.integers(0, 5, count),
        "some": random.integers(-1, 4, count),
        "one part": np.where(np.arange(count) < 10, 7, -1),
    }[grouping]
    given = {"class_count": 4, "weights": weights if weighted else None, "penalties": PENALTIES}
    ones, alone = (weights if weighted else np.ones(count)), np.arange(count)
    expected = refitted(features, labels, ones, alone if folds is None else folds, PENALTIES, 4)
    for refit in (False, True):
        monkeypatch.setattr(leaving_out, "cheaper_to_refit", lambda *_args, refit=refit, **_sizes: refit)
        path = ridge_path(features, labels, folds=folds, **given)
        np.testing.assert_allclose(path.held_out, expected, atol=2e-6)


@pytest.mark.parametrize("refit", [False, True])
def test_held_out_scores_of_float32_with_constant_columns(monkeypatch, refit):
    monkeypatch.setattr(leaving_out, "cheaper_to_refit", lambda *_args, **_sizes: refit)
    for width in (10, 80):
        features, labels, weights, random = noise(60, width)
        features[:, [1, 5]] = 0.1
        folds = random.integers(0, 4, 60)
        path = ridge_path(
            features.astype(np.float32),
            labels,
            class_count=3,
            folds=folds,
            weights=weights,
            penalties=PENALTIES,
        )
        expected = refitted(features.astype(np.float32).astype(float), labels, weights, folds, PENALTIES, 3)
        np.testing.assert_allclose(path.held_out, expected, atol=2e-6)


def test_a_class_that_a_fold_holds_alone(monkeypatch):
    features, labels, weights, _ = noise(45, 60)
    folds = np.where(labels == 2, 0, 1 + np.arange(45) % 2)
    path = ridge_path(features, labels, class_count=3, folds=folds, weights=weights, penalties=PENALTIES)
    np.testing.assert_allclose(
        path.held_out, refitted(features, labels, weights, folds, PENALTIES, 3), atol=2e-6
    )
    np.testing.assert_allclose(path.held_out[:, folds == 0, 2], 0, atol=1e-6)


def test_the_path_gives_the_fit_of_every_penalty():
    features, labels, weights, random = noise(50, 70)
    path = ridge_path(features, labels, class_count=3, folds=random.integers(0, 5, 50), weights=weights)
    for index in (0, 12, 24):
        alone = Ridge(path.penalties[index]).fit(features, labels, class_count=3, weights=weights)
        np.testing.assert_allclose(path.classifier(index).scores(features), alone.scores(features), atol=1e-5)
