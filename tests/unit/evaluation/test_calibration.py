"""Temperatures: known ones found again, and finite ones where none is best."""

import numpy as np
import pytest

from regraft.core.errors import TrainingError
from regraft.evaluation import fit_temperature, softmax


def draw(n, k, temperature, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, k)) * 2
    chances = softmax(scores).cumsum(axis=1)
    labels = (rng.random((n, 1)) > chances).sum(axis=1)
    return scores * temperature, np.minimum(labels, k - 1)


@pytest.mark.parametrize("temperature", [0.02, 0.3, 1.0, 7.0, 300.0])
def test_recovers_a_known_temperature(temperature):
    scores, labels = draw(6000, 5, temperature)
    assert fit_temperature(scores, labels) == pytest.approx(temperature, rel=0.06)


def test_has_the_least_log_loss_around():
    scores, labels = draw(3000, 4, 2.5)
    found = fit_temperature(scores, labels)

    def loss(temperature):
        return -np.log(softmax(scores, temperature)[np.arange(3000), labels]).mean()

    assert loss(found) < min(loss(found * 0.93), loss(found * 1.07))


def test_perfect_separation_is_finite_and_follows_laplace():
    labels = np.arange(48) % 4
    scores = np.eye(4)[labels]
    temperature = fit_temperature(scores, labels)
    assert softmax(scores, temperature).max() == pytest.approx(49 / 50, abs=1e-3)
    assert fit_temperature(scores * 1000, labels) == pytest.approx(temperature * 1000, rel=1e-3)


def test_misleading_scores_end_near_equal_probabilities():
    labels = np.arange(30) % 3
    p = softmax(-np.eye(3)[labels], fit_temperature(-np.eye(3)[labels], labels))
    assert np.ptp(p) < 0.01


def test_scores_that_say_nothing_give_one():
    assert fit_temperature(np.full((5, 3), 2.0), np.zeros(5, int)) == 1.0


def test_weights_count_images():
    scores, labels = draw(400, 3, 1.0)
    labels[:200] = 0
    twice = np.r_[np.arange(400), np.arange(200)]
    weighted = fit_temperature(scores, labels, np.r_[np.full(200, 2.0), np.ones(200)])
    assert weighted == pytest.approx(fit_temperature(scores[twice], labels[twice]), rel=0.02)
    assert abs(weighted / fit_temperature(scores, labels) - 1) > 0.05


@pytest.mark.parametrize("scores", [np.zeros((0, 3)), np.array([[np.nan, 1.0]]), np.array([[np.inf, 1.0]])])
def test_refuses_what_cannot_be_fitted(scores):
    with pytest.raises(TrainingError, match="cannot be fitted"):
        fit_temperature(scores, np.zeros(len(scores), int))


def test_refuses_weights_of_nothing():
    with pytest.raises(TrainingError, match="total weight 0"):
        fit_temperature(np.eye(2), np.arange(2), np.zeros(2))


def test_softmax_is_safe_and_keeps_the_type():
    p = softmax(np.array([[1e30, 0.0, -1e30]], np.float32), 1e-3)
    assert p.tolist() == [[1.0, 0.0, 0.0]]
    assert p.dtype == np.float32
    assert softmax(np.array([[0.0, np.log(3.0)]])).tolist() == [pytest.approx([0.25, 0.75])]
