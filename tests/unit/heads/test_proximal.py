"""Optima by the conditions that hold at them."""

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.heads import ElasticLogistic, proximal
from regraft.heads.logistic import softmax
from regraft.heads.proximal import Problem, descend
from regraft.heads.selected import SelectedRidge


def problem(count=120, width=20, classes=4, *, seed=0):
    random = np.random.default_rng(seed)
    features = random.standard_normal((count, width)).astype(np.float32) * random.uniform(0.5, 3, width) + 5
    labels = (features[:, :classes] + random.standard_normal((count, classes))).argmax(1)
    weights = random.uniform(0.5, 2, count)
    return Problem.of(features.astype(np.float32), labels, class_count=classes, weights=weights)


def slopes(posed, solution):
    rows, ballots, weights = posed.posed
    residual = softmax(rows @ solution)[0] - ballots[:]
    return rows.T @ (weights[:, None] * residual)


@pytest.mark.parametrize("width", [20, 200])
def test_nothing_pulls_at_the_optimum_of_the_lasso(width):
    posed, penalty = problem(width=width), 0.8
    solution = descend(posed, ElasticLogistic(penalty, 1.0)._shrink(penalty), start=posed.nothing)
    pull, weights = slopes(posed, solution)[:-1], solution[:-1]
    zero = weights == 0
    assert 0.2 < zero.mean() < 0.99
    assert np.abs(pull[zero]).max() <= penalty * 1.001
    np.testing.assert_allclose(pull[~zero], -penalty * np.sign(weights[~zero]), atol=0.02)
    np.testing.assert_allclose(slopes(posed, solution)[-1], 0, atol=0.02)


def test_the_strongest_of_a_path_leaves_almost_nothing():
    posed = problem()
    strongest = float(np.abs(posed.pulls(posed.nothing)).max())
    nothing = descend(posed, ElasticLogistic(l1_share=1.0)._shrink(1.01 * strongest), start=posed.nothing)
    some = descend(posed, ElasticLogistic(l1_share=1.0)._shrink(0.9 * strongest), start=posed.nothing)
    assert not nothing[:-1].any()
    assert some[:-1].any()


def test_nothing_is_the_shares_of_the_classes():
    posed = problem()
    np.testing.assert_allclose(slopes(posed, posed.nothing)[-1], 0, atol=1e-3)


def test_the_scale_of_features_does_not_matter():
    random = np.random.default_rng(1)
    features, labels = random.standard_normal((80, 6)), np.arange(80) % 3
    features[:, 0] += labels
    small, large = (
        ElasticLogistic(1.0).fit(factor * features.astype(np.float32) + shift, labels, class_count=3)
        for factor, shift in ((1.0, 0.0), (1000.0, 50.0))
    )
    np.testing.assert_allclose(small.weights, 1000 * large.weights, atol=2e-3)


def test_the_same_relevance_under_blocks_of_one():
    posed = problem()
    alone, blocks = SelectedRidge(), SelectedRidge(blocks=(1,) * 20)
    np.testing.assert_array_equal(alone._relevance(posed), blocks._relevance(posed))


@pytest.mark.parametrize("head", [ElasticLogistic(1.0), SelectedRidge()], ids=repr)
def test_scores_that_no_memory_would_hold_are_refused(monkeypatch, head):
    monkeypatch.setattr(proximal, "MOST_SCORES", 119)
    features, labels = np.eye(40, 5, dtype=np.float32), np.arange(40) % 3
    with pytest.raises(DataError, match="40 examples for each of 3 classes"):
        head.fit(features, labels, class_count=3)
