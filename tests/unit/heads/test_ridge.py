import subprocess
import sys

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.heads import Ridge, ridge_path
from regraft.heads import moments as sums
from regraft.heads.ballots import Ballots
from regraft.heads.leaving_out import cheaper_to_refit
from regraft.heads.moments import NO_ROWS, Covariance, Gram, moments
from regraft.heads.ridge import best_of_path


def noise(count, width, classes=3):
    random = np.random.default_rng(0)
    return random.standard_normal((count, width)), random.integers(0, classes, count)


@pytest.mark.parametrize(("count", "width", "side"), [(20, 30, Gram), (20, 20, Gram), (30, 20, Covariance)])
def test_the_smaller_matrix_is_decomposed(count, width, side):
    features, labels = noise(count, width)
    assert isinstance(moments(features, Ballots(labels, 3), np.ones(count)), side)


@pytest.mark.parametrize("side", [Gram, Covariance])
@pytest.mark.parametrize("held", [[], [3, 4, 11]])
def test_both_sides_see_the_same_singular_values(side, held):
    features, labels = noise(25, 25)
    weights = np.random.default_rng(1).uniform(0.5, 2, 25)
    found = side(features, Ballots(labels, 3), weights).without(np.array(held, int))
    kept = np.setdiff1d(np.arange(25), held)
    mean = weights[kept] @ features[kept] / weights[kept].sum()
    rows = np.sqrt(weights[kept])[:, None] * (features[kept] - mean)
    values = np.linalg.svd(rows, compute_uv=False) ** 2
    np.testing.assert_allclose(np.sort(found.values)[::-1], values[: len(found.values)], rtol=1e-9)
    assert len(found.values) == len(kept) - 1


@pytest.mark.parametrize("size", [3, 7, 25, 26, 512])
def test_products_of_many_blocks(monkeypatch, size):
    monkeypatch.setattr(sums, "COLUMNS_AT_ONCE", size)
    features, labels = noise(26, 40)
    centred = features - features.mean(0)
    products = Gram(features, Ballots(labels, 3), np.ones(26)).products
    np.testing.assert_allclose(products, centred @ centred.T, atol=1e-10)


@pytest.mark.parametrize("side", [Gram, Covariance])
@pytest.mark.parametrize("penalty", [1e-6, 1e-2, 1e6])
def test_a_solution_is_that_of_the_spectrum(side, penalty):
    features, labels = noise(25, 25)
    features[:, 3] = 1e4
    weights = np.random.default_rng(1).uniform(0.5, 2, 25)
    both = side(features, Ballots(labels, 4), weights)
    whole = both.without(NO_ROWS)
    expected, found = whole.on_rows(penalty * whole.spread(weights)), both.solved(penalty)
    np.testing.assert_allclose(found.offset, expected.offset)
    np.testing.assert_allclose(found.intercept, expected.intercept)
    fitted, ours = (both.lift(each.coefficients) for each in (expected, found))
    np.testing.assert_allclose(ours, fitted, atol=1e-6 * np.abs(fitted).max())


@pytest.mark.parametrize("side", [Gram, Covariance])
def test_nothing_is_read_from_rounding(side):
    features, labels = noise(25, 25)
    barely = 1e4 + 1e-7 * features
    assert np.abs(side(barely, Ballots(labels, 3), np.ones(25)).solved(1e-6).coefficients).max() == 0


@pytest.mark.parametrize("side", [Gram, Covariance])
def test_coordinates_keep_inner_products(side):
    features, labels = noise(25, 25)
    both = side(features, Ballots(labels, 3), np.ones(25))
    rows = both.coordinates(both.without(NO_ROWS), slice(None))
    centred = features - features.mean(0)
    np.testing.assert_allclose(rows @ rows.T, centred @ centred.T, atol=1e-9)


def test_penalties_do_not_depend_on_the_scale_of_features():
    features, labels = noise(60, 20)
    small, large = (
        ridge_path(scale * features, labels, class_count=3, folds=None).held_out for scale in (1e-3, 1e3)
    )
    np.testing.assert_allclose(small, large, atol=1e-5)


def test_without_a_penalty_the_best_of_leave_one_out():
    features, labels = noise(60, 20)
    path = ridge_path(features, labels, class_count=3, folds=None)
    fitted = Ridge().fit(features, labels, class_count=3)
    np.testing.assert_array_equal(fitted.weights, path.classifier(path.best).weights)
    np.testing.assert_array_equal(
        Ridge().held_out(features, labels, class_count=3, folds=None), path.held_out[path.best]
    )


@pytest.mark.parametrize("signal", [0.1, 0.5, 2.0, 8.0])
def test_few_penalties_find_the_best_of_all(signal):
    features, labels = noise(80, 40)
    features[:, :3] += signal * np.eye(3)[labels]
    for folds, looked_at in ((None, 25), (np.arange(80) % 16, 5), (np.arange(80) % 2, 25)):
        given = {"class_count": 3, "folds": folds}
        whole, few = (of(features, labels, **given) for of in (ridge_path, best_of_path))
        assert few.penalties[few.best] == whole.penalties[whole.best]
        # Not where the others cost nothing: each left out alone, or folds that are decomposed once.
        assert len(few.penalties) == 25 if looked_at == 25 else len(few.penalties) <= looked_at
        np.testing.assert_allclose(few.scores(few.best), whole.scores(whole.best), atol=1e-6)


def test_labels_without_meaning_are_not_predicted():
    """With a mistake in the intercept's leverage these scores come out nearly all right, or all wrong."""
    for count, width in ((150, 400), (400, 30)):
        features, labels = noise(count, width)
        path = ridge_path(features + 50, labels, class_count=3, folds=None)
        shares = [(scores.argmax(1) == labels).mean() for scores in path.held_out[:-6]]
        assert 0.2 < min(shares) <= max(shares) < 0.5


def test_a_single_example_cannot_be_held_out():
    with pytest.raises(DataError, match="two examples"):
        ridge_path(np.ones((1, 3)), np.array([0]), class_count=2, folds=None)


def test_small_groups_are_solved_and_large_folds_refitted():
    sizes = {"rank": 2000, "penalties": 25}
    assert not cheaper_to_refit(5, 2000, **sizes)
    assert cheaper_to_refit(1000, 2000, **sizes)
    assert cheaper_to_refit(4000, 20000, **sizes)


def test_importing_heads_does_not_import_torch():
    code = "import regraft.heads, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
