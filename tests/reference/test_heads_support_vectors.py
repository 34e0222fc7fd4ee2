"""Support vector machines against scikit-learn's LIBLINEAR and LIBSVM."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.svm import SVC, LinearSVC

from regraft.heads import KernelSvm, LinearSvm, held_out
from regraft.heads.best_of_path import dealt


def digits(count, *, wide=False):
    bunch = load_digits()
    features, labels = bunch.data[:count].astype(np.float32), bunch.target[:count]
    if wide:
        random = np.random.default_rng(0)
        features = np.maximum(features @ random.standard_normal((64, 2 * count)), 0).astype(np.float32)
    return features, labels


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("penalty", [1.0, 0.05])
def test_the_linear_machine_is_liblinears(wide, penalty):
    features, labels = digits(120, wide=wide)
    weights = np.random.default_rng(1).uniform(0.5, 2, 120)
    centred = features - weights @ features / weights.sum()
    spread = weights @ (centred**2).sum(1) / weights.sum()
    ours = LinearSvm(penalty).fit(features, labels, class_count=10, weights=weights).scores(features)
    # Its bias is penalised; on a large scale that comes to nothing.
    theirs = LinearSVC(
        C=1 / (penalty * spread),
        dual=False,
        intercept_scaling=100 * np.sqrt(spread),
        tol=1e-8,
        max_iter=20000,
    ).fit(centred, labels, sample_weight=weights)
    np.testing.assert_allclose(ours, theirs.decision_function(centred), atol=5e-3)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_kernel_machine_is_libsvms(wide, weighted):
    features, labels = digits(120, wide=wide)
    weights = np.random.default_rng(1).uniform(0.5, 2, 120) if weighted else None
    fitted = KernelSvm(2.0).fit(features, labels, class_count=10, weights=weights)
    ours = fitted.scores(features)
    for label in range(10):
        machine = SVC(C=2.0, gamma=fitted.gamma, tol=1e-5).fit(
            features, labels == label, sample_weight=weights
        )
        np.testing.assert_allclose(ours[:, label], machine.decision_function(features), atol=5e-3)


def test_only_examples_that_support_are_kept():
    features, labels = digits(300)
    fitted = KernelSvm(width=3.0).fit(features, labels % 2, class_count=2)
    assert 10 < len(fitted.examples) < 200
    assert fitted.duals.any(axis=1).all()


@pytest.mark.slow
def test_the_path_gives_what_each_penalty_gives_alone():
    features, labels = digits(150)
    folds = dealt(labels)
    path = LinearSvm().path(features, labels, class_count=10, folds=folds)
    for at in (1, 4):
        head = LinearSvm(float(path.penalties[at]))
        alone = head.fit(features, labels, class_count=10)
        np.testing.assert_allclose(path.classifier(at).scores(features), alone.scores(features), atol=5e-3)
        # A penalty of the path keeps the spread of all examples in every fold, so that this is but close.
        refitted = held_out(head, features, labels, class_count=10, folds=folds)
        assert np.corrcoef(path.held_out[at].ravel(), refitted.ravel())[0, 1] > 0.995
    best = LinearSvm().fit(features, labels, class_count=10)
    np.testing.assert_array_equal(best.weights, path.classifier(path.best).weights)


@pytest.mark.parametrize("head", [LinearSvm(), KernelSvm()], ids=str)
def test_no_less_accurate_than_scikit_learns(head):
    features, labels = digits(1797)
    trained, unseen = slice(0, 500), slice(500, None)
    linear = isinstance(head, LinearSvm)
    theirs = LinearSVC(C=0.01, dual=False) if linear else SVC(C=10)
    theirs.fit(features[trained], labels[trained])
    ours = head.fit(features[trained], labels[trained], class_count=10)
    right = (ours.scores(features[unseen]).argmax(1) == labels[unseen]).mean()
    assert right > theirs.score(features[unseen], labels[unseen]) - 0.005
