"""Scores of transferability against their papers' formulas, written out the slow way, and known cases."""

import numpy as np
import pytest
from scipy.linalg import eigh, null_space, sqrtm
from scipy.optimize import minimize, minimize_scalar
from scipy.spatial.distance import cdist
from scipy.special import log_softmax, softmax
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.metrics import mutual_info_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier

from regraft.heads.ridge import PENALTIES
from regraft.transferability import SCORES, Gaussian, Sample, frechet, frechet_between, source_entropy
from regraft.transferability.gbc import bhattacharyya
from regraft.transferability.h_score import h_score, ledoit_wolf
from regraft.transferability.logme import largest_evidence
from regraft.transferability.n_leep import components, posterior
from regraft.transferability.sfda import largest_eigenvalue

MEASURE = {score.name: score.measure for score in SCORES}
SHAPES = [(60, 8), (30, 50)]


def made(count, width, classes=3, *, seed=0) -> Sample:
    """Correlated features of which some tell uneven classes apart, and a source head of seven classes."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.r_[np.zeros(count // 5, int), np.arange(count - count // 5) % classes])
    mixing = random.standard_normal((width, width)) / np.sqrt(width)
    features = random.standard_normal((count, width)) @ mixing + 1.0
    features[:, : width // 2] += 0.7 * random.standard_normal((classes, width // 2))[labels]
    source = random.dirichlet(np.ones(7), count)
    return Sample(features, labels, classes, source=source)


# Neighbours


@pytest.mark.parametrize("folded", [False, True])
def test_neighbours_by_every_distance(folded):
    sample = made(50, 12, 4)
    folds = np.random.default_rng(1).integers(0, 9, 50) if folded else np.arange(50)
    distance = cdist(sample.features, sample.features, "cosine")
    expected = []
    for row in range(50):
        others = np.flatnonzero(folds != folds[row])
        nearest = others[np.argsort(distance[row, others])[:5]]
        votes = np.bincount(sample.labels[nearest], minlength=4)
        winners = np.flatnonzero(votes == votes.max())
        expected.append((sample.labels[row] in winners) / len(winners))
    asked = Sample(sample.features, sample.labels, 4, folds=folds)
    np.testing.assert_allclose(MEASURE["knn"](asked).per_image, expected)


def test_neighbours_of_two_classes_are_scikit_learns():
    sample = made(60, 12, 2)
    expected = []
    for row in range(60):
        rest = np.arange(60) != row
        fitted = KNeighborsClassifier(5, metric="cosine").fit(sample.features[rest], sample.labels[rest])
        expected.append(fitted.predict(sample.features[[row]])[0] == sample.labels[row])
    np.testing.assert_array_equal(MEASURE["knn"](sample).per_image, expected)


# Ridge


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize(("count", "width"), [(24, 5), (16, 30)])
def test_ridge_by_fitting_again_for_every_image_left_out(count, width, folded):
    sample = made(count, width)
    folds = np.arange(count) % 4 if folded else np.arange(count)
    spread = sample.features.var(axis=0).sum()
    targets, best = np.eye(3)[sample.labels], (np.inf, None)
    for penalty in PENALTIES:
        scores = np.empty((count, 3))
        for fold in np.unique(folds):
            out = folds == fold
            fitted = Ridge(alpha=penalty * spread).fit(sample.features[~out], targets[~out])
            scores[out] = fitted.predict(sample.features[out])
        loss = minimize_scalar(
            lambda log_t, scores=scores: (
                -log_softmax(scores * np.exp(-log_t), axis=1)[np.arange(count), sample.labels].mean()
            ),
            bounds=(-7, 14),
            method="bounded",
        ).fun
        best = min(best, (loss, (scores.argmax(axis=1) == sample.labels).tolist()), key=lambda pair: pair[0])
    asked = Sample(sample.features, sample.labels, 3, folds=folds if folded else None)
    np.testing.assert_array_equal(MEASURE["ridge"](asked).per_image, best[1])


# LogME


def highest_log_density(features, target):
    """The evidence itself: y is normal with covariance I / beta + X X' / alpha. Over alpha and beta."""
    count, inner = len(target), features @ features.T

    def minus(logs):
        alpha, beta = np.exp(logs)
        return -multivariate_normal(cov=np.eye(count) / beta + inner / alpha).logpdf(target)

    # Where features say nothing of a class, alpha grows without end; beyond e^20 nothing changes any more.
    bounds, options = [(-6, 20), (-6, 8)], {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000}
    found = [
        minimize(minus, (log_alpha, 2.0), method="Nelder-Mead", bounds=bounds, options=options)
        for log_alpha in (-4.0, 0.0, 4.0, 15.0)
    ]
    return -min(one.fun for one in found)


@pytest.mark.parametrize(("count", "width"), [(30, 4), (14, 40)])
def test_evidence_is_the_density_of_labels_at_its_highest(count, width):
    # A flat prior on the intercept leaves what is orthogonal to a constant: n - 1 contrasts.
    sample = made(count, width)
    contrasts = null_space(np.ones((1, count))).T
    expected = [
        highest_log_density(contrasts @ sample.features, contrasts @ (sample.labels == c)) / (count - 1)
        for c in range(3)
    ]
    assert MEASURE["logme"](sample).value == pytest.approx(np.mean(expected), abs=1e-6)


def test_evidence_without_an_intercept_is_the_published_one():
    sample = made(40, 6)
    left, singular, _ = np.linalg.svd(sample.features, full_matrices=False)
    targets = np.eye(3)[sample.labels][:, :2]
    explained = (left.T @ targets) ** 2
    found = largest_evidence(singular**2, explained, (targets**2).sum(0) - explained.sum(0), 40)
    expected = [highest_log_density(sample.features, target) for target in targets.T]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_evidence_of_features_that_say_nothing_is_that_of_noise():
    sample = Sample(np.zeros((20, 3)), np.arange(20) % 2, 2)
    # Contrasts of variance 20 * (1/4) / 19 under a normal of that variance.
    assert MEASURE["logme"](sample).value == pytest.approx(-0.5 * (np.log(2 * np.pi * 5 / 19) + 1))


# H-score


def covariance_of_class_means(sample):
    means = np.array([sample.features[sample.labels == label].mean(axis=0) for label in sample.labels])
    return np.cov(means.T, bias=True)


@pytest.mark.parametrize(("count", "width"), SHAPES)
def test_h_score_by_scikit_learns_shrunken_covariance(count, width):
    sample = made(count, width)
    fitted = LedoitWolf().fit(sample.features)
    between = (1 - fitted.shrinkage_) * covariance_of_class_means(sample)
    assert ledoit_wolf(sample.canonical.axes) == pytest.approx(fitted.shrinkage_)
    assert MEASURE["h_score"](sample).value == pytest.approx(
        np.trace(np.linalg.inv(fitted.covariance_) @ between)
    )


def test_h_score_without_shrinkage_is_blind_to_invertible_affine_maps():
    sample = made(60, 8)
    plainly = np.trace(
        np.linalg.inv(np.cov(sample.features.T, bias=True)) @ covariance_of_class_means(sample)
    )
    skewed = sample.features @ np.random.default_rng(2).standard_normal((8, 8)) + np.arange(8)
    mapped = Sample(skewed, sample.labels, 3)
    assert h_score(sample.axes, 0.0) == pytest.approx(plainly)
    assert h_score(mapped.axes, 0.0) == pytest.approx(plainly)
    assert h_score(mapped.axes, 0.5) != pytest.approx(plainly, rel=0.1)


def test_h_score_of_points_counts_the_directions_between_them():
    points = Sample(np.repeat(np.eye(4, 9), 3, axis=0), np.repeat(np.arange(4), 3), 4)
    assert h_score(points.axes, 0.0) == pytest.approx(3)


# NCE and LEEP


def test_nce_is_mutual_information_less_the_entropy_of_labels():
    sample = made(200, 4, 5)
    seen = sample.source.argmax(axis=1)
    information = mutual_info_score(sample.labels, seen)
    entropy = mutual_info_score(sample.labels, sample.labels)
    assert MEASURE["nce"](sample).value == pytest.approx(information - entropy)


def test_nce_by_hand():
    # The head sees A, A, A, B; the labels are 0, 0, 1, 1.
    source = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.3, 0.7]])
    sample = Sample(np.ones((4, 2)), np.array([0, 0, 1, 1]), 2, source=source)
    np.testing.assert_allclose(MEASURE["nce"](sample).per_image, np.log([2 / 3, 2 / 3, 1 / 3, 1]))


def test_leep_by_hand():
    source = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    sample = Sample(np.ones((3, 2)), np.array([0, 0, 1]), 2, source=source)
    # P(0, A) = 1.5 / 3, P(1, A) = 0, P(0, B) = 0.5 / 3, P(1, B) = 1 / 3: P(0 | A) = 1, P(0 | B) = 1/3.
    np.testing.assert_allclose(MEASURE["leep"](sample).per_image, np.log([1, 2 / 3, 2 / 3]))


def naive_leep(source, labels, classes):
    n, z = source.shape
    joint = np.zeros((classes, z))
    for i in range(n):
        for s in range(z):
            joint[labels[i], s] += source[i, s] / n
    return [
        np.log(sum(joint[labels[i], s] / joint[:, s].sum() * source[i, s] for s in range(z)))
        for i in range(n)
    ]


def test_leep_by_loops():
    sample = made(40, 3, 4)
    expected = naive_leep(sample.source, sample.labels, 4)
    np.testing.assert_allclose(MEASURE["leep"](sample).per_image, expected)


@pytest.mark.parametrize(("count", "width"), [(90, 8), (60, 90)])
def test_clusters_are_those_of_scikit_learns_mixture_on_its_principal_axes(count, width):
    sample = made(count, width).canonical
    rows = PCA(0.8, svd_solver="full").fit_transform(sample.features)
    rows = rows[np.argsort((rows**2).sum(axis=1))] / np.sqrt(rows.var(axis=0).mean())
    expected = GaussianMixture(12, covariance_type="diag", max_iter=500, random_state=5).fit(rows)
    found = posterior(rows, 12, 5)
    assert found.shape == (count, 12)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(np.argmax(found, 1), expected.predict(rows))


def test_n_leep_is_leep_through_clusters():
    sample = made(90, 8).canonical
    rows = PCA(0.8, svd_solver="full").fit_transform(sample.features)
    kept = sample.axes.leading(rows.shape[1])
    np.testing.assert_allclose(np.abs(kept), np.abs(rows), atol=1e-9)
    value = MEASURE["n_leep"](sample).value
    single = [
        np.mean(naive_leep(posterior(rows, components(sample), seed), sample.labels, 3)) for seed in range(9)
    ]
    assert min(single) < value < max(single)


def test_clusters_that_are_the_classes_leave_nothing_unknown():
    corners = np.repeat(100 * np.eye(3), 20, axis=0) + np.random.default_rng(0).standard_normal((60, 3))
    sample = Sample(corners, np.repeat(np.arange(3), 20), 3)
    assert MEASURE["n_leep"](sample).value == pytest.approx(0, abs=1e-6)


# GBC


def full_bhattacharyya(mean, covariance, other_mean, other_covariance):
    between = (covariance + other_covariance) / 2
    gap = mean - other_mean
    determinants = [np.linalg.slogdet(matrix)[1] for matrix in (between, covariance, other_covariance)]
    return gap @ np.linalg.solve(between, gap) / 8 + 0.5 * (
        determinants[0] - 0.5 * (determinants[1] + determinants[2])
    )


@pytest.mark.parametrize(("count", "width"), [(90, 8), (150, 100)])
def test_gbc_by_full_covariances(count, width):
    sample = made(count, width, 4)
    rows = PCA(min(64, width), svd_solver="full").fit_transform(sample.features)
    means = [rows[sample.labels == c].mean(axis=0) for c in range(4)]
    sums = [((rows[sample.labels == c] - means[c]) ** 2).mean(axis=1).sum() for c in range(4)]
    counts = np.bincount(sample.labels)
    spheres = [
        (own + sum(sums) / count) / (n + 1) * np.eye(rows.shape[1])
        for own, n in zip(sums, counts, strict=True)
    ]
    expected = 0.0
    for i in range(4):
        for j in range(4):
            if i != j:
                expected -= np.exp(-full_bhattacharyya(means[i], spheres[i], means[j], spheres[j]))
    assert MEASURE["gbc"](sample).value == pytest.approx(expected, rel=1e-6)


def test_bhattacharyya_by_hand():
    # In one dimension: (2)^2 / (8 * 2.5) + ln(2.5 / 2) / 2 for variances 1 and 4, means 0 and 2.
    found = bhattacharyya(np.array([[0.0], [2.0]]), np.array([1.0, 4.0]), axes=1)
    by_hand = 0.2 + 0.5 * np.log(1.25)
    np.testing.assert_allclose(found, [[0, by_hand], [by_hand, 0]], atol=1e-15)


def test_classes_that_are_alike_overlap_wholly():
    rows = np.random.default_rng(0).standard_normal((30, 5))
    sample = Sample(np.tile(rows, (3, 1)), np.repeat(np.arange(3), 30), 3)
    assert MEASURE["gbc"](sample).value == pytest.approx(-6)


# SFDA


def reference_discriminant(features, labels, shrinkage):
    """Regularised Fisher discriminants by the generalised eigenvalue problem, all eigenvectors kept."""
    width, shares = features.shape[1], np.bincount(labels) / len(labels)
    means = np.array([features[labels == c].mean(axis=0) for c in range(len(shares))])
    within = sum(s * np.cov(features[labels == c].T, bias=True) for c, s in enumerate(shares))
    if shrinkage is None:
        shrinkage = np.exp(-5 * np.linalg.eigvalsh(within)[-1])
    between = sum(
        s * np.outer(m - shares @ means, m - shares @ means) for s, m in zip(shares, means, strict=True)
    )
    regular = (1 - shrinkage) * within + shrinkage * np.trace(within) / width * np.eye(width)
    _, vectors = eigh(between, regular)
    coefficients = means @ vectors @ vectors.T
    scores = features @ coefficients.T - 0.5 * (means * coefficients).sum(axis=1) + np.log(shares)
    return scores, shrinkage


@pytest.mark.parametrize(("count", "width"), SHAPES)
def test_sfda_by_eigenvectors(count, width):
    sample = made(count, width)
    labels = sample.labels
    features = sample.features / np.sqrt(sample.features.var(axis=0).sum())
    first, shrinkage = reference_discriminant(features, labels, None)
    own = softmax(softmax(first, axis=1), axis=1)[np.arange(count), labels][:, None]
    means = np.array([features[labels == c].mean(axis=0) for c in range(3)])
    others = np.array([means[np.arange(3) != c].mean(axis=0) for c in range(3)])
    second, _ = reference_discriminant(own * features + (1 - own) * others[labels], labels, shrinkage)
    expected = log_softmax(second, axis=1)[np.arange(count), labels]
    np.testing.assert_allclose(MEASURE["sfda"](sample).per_image, expected, rtol=1e-6)


def test_the_first_discriminant_is_scikit_learns():
    sample = made(80, 6)
    scores, _ = reference_discriminant(sample.features, sample.labels, 0.0)
    theirs = LinearDiscriminantAnalysis(solver="eigen", priors=np.bincount(sample.labels) / 80)
    theirs.fit(sample.features, sample.labels)
    np.testing.assert_allclose(softmax(scores, axis=1), theirs.predict_proba(sample.features), atol=1e-6)


def test_the_largest_eigenvalue():
    rows = np.random.default_rng(0).standard_normal((50, 20))
    assert largest_eigenvalue(rows.T @ rows) == pytest.approx(np.linalg.eigvalsh(rows.T @ rows)[-1], rel=1e-6)
    assert largest_eigenvalue(np.zeros((4, 4))) == 0


# Similarity


def reference_frechet(first, second):
    means = first.mean(axis=0) - second.mean(axis=0)
    one, other = np.cov(first.T), np.cov(second.T)
    return means @ means + np.trace(one + other - 2 * sqrtm(one @ other).real)


def test_frechet_by_the_square_root_of_a_matrix():
    first, second = made(60, 8).features, made(45, 8, seed=1).features
    assert frechet(first, second) == pytest.approx(reference_frechet(first, second))
    between = frechet_between(Gaussian.of(first), Gaussian.of(second))
    assert between == pytest.approx(reference_frechet(first, second))


@pytest.mark.parametrize(("count", "other"), [(12, 15), (12, 200), (200, 12), (1, 20)])
def test_frechet_of_fewer_images_than_features(count, other):
    random = np.random.default_rng(0)
    first, second = random.standard_normal((count, 40)), random.standard_normal((other, 40)) * 2 + 1
    expected = frechet_between(Gaussian.of(first), Gaussian.of(second))
    assert frechet(first, second) == pytest.approx(expected)
    assert frechet(second, first) == pytest.approx(expected)


def test_frechet_by_hand():
    # In one dimension: the squared distance of means, and of standard deviations.
    one = Gaussian(np.array([1.0]), np.array([[4.0]]))
    other = Gaussian(np.array([4.0]), np.array([[25.0]]))
    assert frechet_between(one, other) == pytest.approx(9 + 9)


def test_source_entropy_by_hand():
    source = np.array([[1.0, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]])
    measured = source_entropy(source)
    np.testing.assert_allclose(measured.per_image, [0, 1, 0.5])
    assert measured.value == pytest.approx(0.5)
