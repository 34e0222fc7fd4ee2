import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from regraft.heads import Linear, NearestMean, PenaltyPath, accuracy, held_out, tempered_log_loss


def noisy(count=300, classes=4):
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, count)
    return np.eye(classes)[labels] + random.standard_normal((count, classes)), labels


@pytest.mark.parametrize("scale", [1e-2, 1.0, 300.0])
def test_the_scale_of_scores_does_not_matter(scale):
    scores, labels = noisy()
    loss, temperature = tempered_log_loss(scores, labels)
    again, scaled = tempered_log_loss(scores * scale + 5, labels)
    assert again == pytest.approx(loss, rel=1e-6)
    assert scaled == pytest.approx(temperature * scale, rel=1e-2)


def test_the_temperature_is_the_best():
    scores, labels = noisy()
    rows = np.arange(len(labels))
    weights = np.random.default_rng(1).uniform(0.1, 2, len(labels))

    def loss_at(temperature):
        return np.average(-log_softmax(scores / temperature, axis=1)[rows, labels], weights=weights)

    best = minimize_scalar(loss_at, bounds=(1e-2, 1e2), method="bounded").fun
    loss, temperature = tempered_log_loss(scores, labels, weights=weights)
    assert loss == pytest.approx(best, rel=1e-6)
    assert loss_at(temperature) == pytest.approx(best, rel=1e-6)


def test_rows_never_held_out_do_not_count():
    scores, labels = noisy()
    some = scores.copy()
    some[::3] = np.nan
    seen = np.arange(len(labels)) % 3 > 0
    assert tempered_log_loss(some, labels) == tempered_log_loss(scores[seen], labels[seen])
    assert accuracy(some, labels) == accuracy(scores[seen], labels[seen])
    with pytest.raises(ValueError, match="nothing to judge"):
        tempered_log_loss(np.full((3, 2), np.nan), np.zeros(3, int))


def test_scores_that_say_nothing_lose_the_logarithm_of_the_classes():
    loss, _ = tempered_log_loss(np.zeros((10, 4)), np.arange(10) % 4)
    assert loss == pytest.approx(np.log(4))


def test_scores_that_are_always_right_lose_almost_nothing():
    labels = np.arange(10) % 4
    loss, _ = tempered_log_loss(np.eye(4)[labels], labels)
    assert loss < 1e-3


def test_weighted_accuracy():
    assert accuracy(np.eye(2), np.array([0, 0]), weights=np.array([3.0, 1.0])) == 0.75


def test_equal_losses_go_to_the_strongest_penalty():
    path = PenaltyPath(np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.5, 0.7]), lambda _: None, lambda _: None)
    assert path.best == 1


def test_without_folds_every_example_is_left_out_alone():
    features, labels = noisy(30)
    scores = held_out(NearestMean(), features, labels, class_count=4, folds=None)
    rest = np.arange(30) != 17
    alone = NearestMean().fit(features[rest], labels[rest], class_count=4)
    assert isinstance(alone, Linear)
    np.testing.assert_allclose(scores[17], alone.scores(features[[17]])[0], atol=1e-6)
