"""The decomposition that scores share."""

import numpy as np
import pytest

from regraft.transferability.axes import Axes


@pytest.fixture(params=[(40, 6), (12, 30)], ids=["tall", "wide"])
def drawn(request):
    count, width = request.param
    random = np.random.default_rng(0)
    labels = random.permutation(np.r_[0, 1, 1, 2, 2, 2, np.arange(count - 6) % 3])
    return random.standard_normal((count, width)) + 5, labels


def test_coordinates_keep_every_distance(drawn):
    features, labels = drawn
    axes = Axes.of(features, labels, 3)
    assert axes.coordinates.shape == (len(labels), min(len(labels) - 1, features.shape[1]))
    for row in (1, 7):
        np.testing.assert_allclose(
            np.linalg.norm(axes.coordinates - axes.coordinates[row], axis=1),
            np.linalg.norm(features - features[row], axis=1),
            atol=1e-9,
        )


def test_the_covariance_is_diagonal_and_ascends(drawn):
    axes = Axes.of(*drawn, 3)
    covariance = np.cov(axes.coordinates.T, bias=True)
    np.testing.assert_allclose(covariance, np.diag(axes.variances), atol=1e-9)
    assert (np.diff(axes.variances) >= 0).all()
    assert axes.variances.sum() == pytest.approx(drawn[0].var(axis=0).sum())


def test_means_are_those_of_the_classes(drawn):
    axes = Axes.of(*drawn, 3)
    expected = [axes.coordinates[drawn[1] == label].mean(axis=0) for label in range(3)]
    np.testing.assert_allclose(axes.means, expected, atol=1e-9)
    np.testing.assert_allclose(axes.shares @ axes.means, 0, atol=1e-9)
    np.testing.assert_array_equal(axes.counts, np.bincount(drawn[1]))


def test_leading_axes_come_first(drawn):
    axes = Axes.of(*drawn, 3)
    np.testing.assert_allclose(axes.leading(2).var(axis=0), axes.variances[::-1][:2])
    assert axes.leading(1000).shape == axes.coordinates.shape


def test_features_that_are_all_alike_have_no_axes():
    axes = Axes.of(np.full((6, 4), 0.1), np.arange(6) % 2, 2)
    assert axes.coordinates.shape == (6, 0)
    assert axes.means.shape == (2, 0)
