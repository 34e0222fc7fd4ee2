"""Kernel ridge regression against the equations it solves, and against scikit-learn's Gaussian process."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.stats import multivariate_normal
from sklearn.datasets import load_digits
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

from regraft.heads import KernelRidge, kernel_ridge
from regraft.heads.moments import NO_ROWS


def digits(count):
    bunch = load_digits()
    return bunch.data[:count].astype(np.float32), bunch.target[:count]


def posed(head, features, labels, weights=None):
    side, centre = head._compared(features, labels, 10, weights)
    whole = side.without(NO_ROWS)
    return SimpleNamespace(side=side, centre=centre, whole=whole, penalty=head._chosen(side, whole))


def solved(kernel, targets, weights, penalty):
    """Dual weights and bias, from the bordered system."""
    count = len(targets)
    system = np.zeros((count + 1, count + 1))
    system[:count, :count] = kernel + penalty * np.diag(1 / weights)
    system[count, :count] = system[:count, count] = 1
    found = np.linalg.solve(system, np.vstack([targets, np.zeros((1, targets.shape[1]))]))
    return found[:-1], found[-1]


@pytest.mark.parametrize("head", [KernelRidge(0.01), KernelRidge(1.0, 0.4), KernelRidge()], ids=str)
def test_the_fit_solves_its_equations(head):
    features, labels = digits(150)
    weights = np.random.default_rng(0).uniform(0.3, 2, 150)
    unseen = load_digits().data[500:600].astype(np.float32)
    fitted = head.fit(features, labels, class_count=10, weights=weights)
    kernel = rbf_kernel(features, features, gamma=fitted.gamma)
    duals, bias = solved(kernel, np.eye(10)[labels], weights, posed(head, features, labels, weights).penalty)
    expected = rbf_kernel(unseen, features, gamma=fitted.gamma) @ duals + bias
    np.testing.assert_allclose(fitted.scores(unseen), expected, atol=2e-4)


@pytest.mark.parametrize("grouping", ["alone", "fifths", "some"])
def test_held_out_scores_are_exact(grouping):
    features, labels = digits(90)
    random = np.random.default_rng(0)
    weights = random.uniform(0.3, 2, 90)
    folds = {"alone": None, "fifths": np.arange(90) % 5, "some": random.integers(-1, 4, 90)}[grouping]
    head = KernelRidge(0.02)
    found = head.held_out(features, labels, class_count=10, folds=folds, weights=weights)
    given = posed(head, features, labels, weights)
    kernel = rbf_kernel(features, features, gamma=given.side.gamma)
    expected = np.full((90, 10), np.nan)
    own = np.arange(90) if folds is None else folds
    for number in np.unique(own[own >= 0]):
        out = own == number
        rest = ~out
        duals, bias = solved(
            kernel[np.ix_(rest, rest)], np.eye(10)[labels[rest]], weights[rest], given.penalty
        )
        expected[out] = kernel[np.ix_(out, rest)] @ duals + bias
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_mean_is_that_of_a_gaussian_process():
    features, labels = digits(100)
    head = KernelRidge(0.05)
    fitted, given = head.fit(features, labels, class_count=10), posed(head, features, labels)
    kernel = ConstantKernel(1e5, "fixed") + RBF(np.sqrt(0.5 / fitted.gamma), "fixed")
    process = GaussianProcessRegressor(kernel, alpha=given.penalty, optimizer=None)
    process.fit(features.astype(float), np.eye(10)[labels])
    unseen = load_digits().data[500:600]
    np.testing.assert_allclose(fitted.scores(unseen.astype(np.float32)), process.predict(unseen), atol=1e-3)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_penalty_is_that_of_the_greatest_restricted_likelihood(noise):
    features, labels = digits(80)
    random = np.random.default_rng(3)
    labels = np.where(random.random(80) < noise, random.integers(0, 10, 80), labels)
    given = posed(KernelRidge(), features, labels)
    contrasts = null_space(np.ones((1, 80)))
    seen = contrasts.T @ np.eye(10)[labels]
    kernel = contrasts.T @ rbf_kernel(features, features, gamma=given.side.gamma) @ contrasts

    def likelihood(penalty):
        shape = kernel + penalty * np.eye(79)
        scale = np.einsum("ik,ik->", seen, np.linalg.solve(shape, seen)) / seen.size
        return multivariate_normal(cov=scale * shape).logpdf(seen.T).sum()

    penalties = kernel_ridge.PENALTIES * given.whole.spread(np.ones(80))
    best = penalties[np.argmax([likelihood(penalty) for penalty in penalties])]
    assert given.penalty == pytest.approx(best)


def test_noisy_labels_want_a_stronger_penalty():
    features, labels = digits(200)
    random = np.random.default_rng(3)
    noisy = np.where(random.random(200) < 0.3, random.integers(0, 10, 200), labels)
    assert posed(KernelRidge(), features, noisy).penalty > 5 * posed(KernelRidge(), features, labels).penalty


def test_no_less_accurate_than_a_support_vector_machine():
    features, labels = digits(1797)
    trained, unseen = slice(0, 500), slice(500, None)
    theirs = SVC(C=10).fit(features[trained], labels[trained])
    ours = KernelRidge().fit(features[trained], labels[trained], class_count=10)
    right = (ours.scores(features[unseen]).argmax(1) == labels[unseen]).mean()
    assert right > theirs.score(features[unseen], labels[unseen]) - 0.005
