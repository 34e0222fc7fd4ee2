import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_curve

from regraft.evaluation import fit_thresholds
from regraft.evaluation.thresholds import LOG_ODDS, PRIOR_IMAGES


def draw(n, seed=0):
    """Calibrated probabilities of five labels of different frequency, and what came of them."""
    random = np.random.default_rng(seed)
    sharpness = np.array([3.0, 2.5, 2.0, 1.5, 3.0])
    log_odds = random.normal(size=(n, 5)) * sharpness - np.array([0.0, 1.0, 2.0, 0.5, 5.0])
    probabilities = 1 / (1 + np.exp(-log_odds))
    return probabilities, random.random((n, 5)) < probabilities


def test_no_other_threshold_has_a_larger_f1_where_images_are_many():
    probabilities, truth = draw(20_000)
    found = fit_thresholds(probabilities, truth)
    levels = 1 / (1 + np.exp(-LOG_ODDS))
    for c in range(5):
        precision, recall, thresholds = precision_recall_curve(truth[:, c], probabilities[:, c])
        at = np.searchsorted(thresholds, levels)
        best = (2 * precision[at] * recall[at] / np.maximum(precision[at] + recall[at], 1e-9)).max()
        assert f1_score(truth[:, c], probabilities[:, c] >= found[c]) == pytest.approx(best, abs=2e-3)


def test_of_calibrated_probabilities_it_is_half_the_f1():
    probabilities, truth = draw(50_000)
    found = fit_thresholds(probabilities, truth)
    for c in range(5):
        reached = f1_score(truth[:, c], probabilities[:, c] >= found[c])
        assert found[c] == pytest.approx(reached / 2, abs=0.07)


def test_a_rare_label_comes_near_the_threshold_of_all():
    probabilities, truth = draw(3000)
    # One more label, on a single image in the middle of its ranking: alone it would go to the upper half.
    rare = np.linspace(0, 0.4, 3000)[:, None]
    only = np.zeros((3000, 1), bool)
    only[1500] = True
    found = fit_thresholds(np.hstack([probabilities, rare]), np.hstack([truth, only]))
    alone = fit_thresholds(rare, only)
    assert alone[0] < 0.22
    assert found[5] == pytest.approx(np.median(found[:5]), abs=0.12)


def test_rare_labels_fare_better_than_on_their_own(monkeypatch):
    new, expected = draw(20_000, seed=99)
    gained = []
    for seed in range(20):
        probabilities, truth = draw(150, seed)
        pooled = fit_thresholds(probabilities, truth)
        with monkeypatch.context() as patch:
            patch.setattr("regraft.evaluation.thresholds.PRIOR_IMAGES", 0.0)
            alone = fit_thresholds(probabilities, truth)
        scores = [f1_score(expected, new >= each, average="macro") for each in (pooled, alone)]
        gained.append(scores[0] - scores[1])
    assert PRIOR_IMAGES > 0
    assert np.mean(gained) > 0


def test_between_two_images_it_leaves_room_on_both_sides():
    probabilities = np.array([[0.1], [0.1], [0.1], [0.9], [0.9]])
    (found,) = fit_thresholds(probabilities, np.array([[0], [0], [0], [1], [1]], bool))
    assert found == pytest.approx(0.5, abs=0.03)


def test_the_order_of_images_does_not_matter():
    probabilities, truth = draw(200)
    order = np.random.default_rng(1).permutation(200)
    np.testing.assert_array_equal(
        fit_thresholds(probabilities, truth), fit_thresholds(probabilities[order], truth[order])
    )


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_certain_probabilities_and_absent_labels_have_a_threshold(value):
    found = fit_thresholds(np.full((10, 2), value), np.zeros((10, 2), bool))
    assert ((found > 0) & (found < 1)).all()
