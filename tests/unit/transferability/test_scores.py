"""Corners of single scores; the contract has what holds for all, the reference tests what they are."""

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.transferability import Gaussian, Sample, frechet, frechet_between, gbc, knn, logme, sfda
from regraft.transferability.h_score import h_score, ledoit_wolf
from regraft.transferability.n_leep import axes_holding, components
from regraft.transferability.sfda import Scatter, challenged


def test_tied_neighbours_count_by_chance():
    # The asker of class 0 sees one image of each class, all equally near.
    features = np.eye(3)
    assert knn.measure(Sample(features, np.array([0, 1, 2]), 3)).value == 0
    twice = Sample(np.vstack([features, features]), np.array([0, 1, 2, 0, 1, 2]), 3)
    # Five neighbours are all others: two of each other class tie, the own class has one.
    assert knn.measure(twice).value == 0
    pairs = Sample(np.repeat(np.eye(2), 2, axis=0), np.array([0, 1, 0, 1]), 2)
    # Of three others one is of the own class and two are of the other.
    assert knn.measure(pairs).value == 0
    four = Sample(np.ones((5, 2)), np.array([0, 0, 0, 1, 1]), 2)
    # A 0 sees two of each class, and is right half of the time; a 1 sees three 0s.
    np.testing.assert_allclose(knn.measure(four).per_image, [0.5, 0.5, 0.5, 0, 0])


def test_the_evidence_found_is_no_lower_than_on_a_fine_grid():
    random = np.random.default_rng(0)
    for _ in range(20):
        values = np.exp(random.normal(0, 3, 6))
        explained, unexplained = np.exp(random.normal(0, 4, (6, 5))), np.exp(random.normal(-3, 3, 5))
        found = logme.largest_evidence(values, explained, unexplained, 30)
        ratios = values.mean() * np.logspace(-7.5, 7.5, 600)
        tried = [
            logme.log_evidence(values, explained, unexplained, 30, np.full(5, ratio)) for ratio in ratios
        ]
        assert (found >= np.max(tried, axis=0) - 1e-4).all()


def test_evidence_of_a_perfect_feature_is_large_but_finite():
    perfect = Sample(np.repeat([[0.0], [1.0]], 10, axis=0), np.repeat([0, 1], 10), 2)
    good = Sample(perfect.features + 0.1 * np.sin(np.arange(20))[:, None], perfect.labels, 2)
    assert 5 < logme.measure(perfect).value < 20
    assert logme.measure(good).value < logme.measure(perfect).value


def test_a_sphere_needs_no_shrinkage_and_few_images_much():
    random = np.random.default_rng(0)
    corners = Sample(np.vstack([np.eye(4), -np.eye(4)]), np.arange(8) % 2, 2)
    assert ledoit_wolf(corners.axes) == 0
    few, many = (
        ledoit_wolf(Sample(random.standard_normal((n, 20)) * np.arange(1, 21), np.arange(n) % 2, 2).axes)
        for n in (10, 4000)
    )
    assert 0 < many < 0.02 < 0.1 < few < 1
    assert h_score(corners.axes, 1.0) == 0


def test_a_class_of_one_image_is_as_wide_as_the_others_are():
    random = np.random.default_rng(0)
    sample = Sample(random.standard_normal((41, 3)), np.r_[np.arange(40) % 2, 2], 3)
    _, variances = gbc.spheres(sample.axes)
    assert 0.3 < variances[2] / variances[:2].mean() < 1


def test_classes_that_are_points_do_not_overlap():
    points = Sample(np.repeat(np.eye(3), 5, axis=0), np.repeat(np.arange(3), 5), 3)
    assert gbc.measure(points).value == pytest.approx(0, abs=1e-12)


def test_the_surest_image_is_moved_least():
    rows, means = np.array([[2.0], [2.0], [-2.0]]), np.array([[2.0], [-2.0]])
    scatter = Scatter(rows, means, np.eye(1))
    labels = np.array([0, 0, 1])
    moved = challenged(scatter, labels, np.array([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]]))
    # Half and half ends in the middle of its class and the other; certain is softened to e / (e + 1).
    sure = np.e / (np.e + 1)
    np.testing.assert_allclose(moved[:, 0], [2 * sure - 2 * (1 - sure), 0, 0], atol=1e-12)


def test_without_features_only_the_shares_are_known():
    sample = Sample(np.zeros((4, 2)), np.array([0, 0, 0, 1]), 2)
    np.testing.assert_allclose(sfda.measure(sample).per_image, np.log([0.75, 0.75, 0.75, 0.25]))


def test_clusters_are_five_a_class_until_images_run_short():
    def of(count, classes):
        return components(Sample(np.zeros((count, 1)), np.arange(count) % classes, classes))

    assert (of(400, 3), of(40, 3), of(7, 2)) == (15, 10, 1)


@pytest.mark.parametrize(("energy", "count"), [(0.3, 1), (0.4, 1), (0.41, 2), (0.95, 4), (1.0, 4)])
def test_axes_that_hold_a_share_of_the_variance(energy, count):
    assert axes_holding(np.array([1.0, 2.0, 3.0, 4.0]), energy) == count


def test_a_distance_to_oneself_is_none_and_grows_with_a_shift():
    features = np.random.default_rng(0).standard_normal((30, 6))
    assert frechet(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet(features, features + 2) == pytest.approx(24)
    wide = np.random.default_rng(0).standard_normal((10, 60))
    assert frechet(wide, wide) == pytest.approx(0, abs=1e-9)
    assert frechet(wide, wide + 2) == pytest.approx(240)


def test_distances_need_features_of_one_width():
    three, four = np.ones((9, 3)), np.ones((9, 4))
    with pytest.raises(DataError, match=r"width 3 .* width 4"):
        frechet(three, four)
    with pytest.raises(DataError, match=r"width 4 .* width 3"):
        frechet_between(Gaussian.of(four), Gaussian.of(three))
    with pytest.raises(DataError, match="rows 0, 1"):
        frechet(three * np.nan, three)
