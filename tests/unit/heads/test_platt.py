import numpy as np
import pytest

from regraft.heads import Linear, fit_platt, sigmoid
from regraft.heads.platt import binary_log_loss, softplus


def draw(n=400, seed=0):
    """Scores of three labels: a clear one, a rare one, one that the scores say nothing of."""
    random = np.random.default_rng(seed)
    truth = random.random((n, 3)) < (0.4, 0.05, 0.3)
    truth[:2] = True
    return random.normal(size=(n, 3)) * 0.1 + truth * (0.3, 0.3, 0.0), truth


def loss_of(probabilities, truth):
    return -np.log(np.where(truth, probabilities, 1 - probabilities)).mean()


def test_frequencies_are_right_on_average():
    scores, truth = draw()
    found = fit_platt(scores, truth).probabilities(scores)
    # Smoothed targets move the mean by less than one image in n.
    np.testing.assert_allclose(found.mean(axis=0), truth.mean(axis=0), atol=2 / 400)


def test_scale_and_shift_of_the_scores_do_not_matter():
    scores, truth = draw()
    plainly = fit_platt(scores, truth).probabilities(scores)
    other = 1e-3 * scores + np.array([5.0, -7.0, 0.0])
    np.testing.assert_allclose(fit_platt(other, truth).probabilities(other), plainly, atol=1e-5)


def test_two_images_ranked_first_are_sure_to_three_quarters():
    truth = np.arange(500)[:, None] < 2
    scores = truth.astype(np.float32) + np.random.default_rng(0).normal(size=(500, 1)) * 1e-3
    found = fit_platt(scores, truth).probabilities(scores)
    np.testing.assert_allclose(found[:2], 0.75, atol=0.02)
    assert found[2:].max() < 0.01


def test_scores_that_mislead_are_not_turned_round():
    scores, truth = draw()
    found = fit_platt(-scores[:, :1], truth[:, :1])
    assert found.slope[0] > 0
    probabilities = found.probabilities(-scores[:, :1])
    np.testing.assert_allclose(probabilities, truth[:, 0].mean(), atol=0.01)


def test_constant_scores_give_the_frequency():
    truth = np.arange(100)[:, None] < 30
    scores = np.full((100, 1), 0.1, np.float32)
    found = fit_platt(scores, truth)
    np.testing.assert_allclose(found.probabilities(scores), 0.3, atol=0.01)
    assert found.slope[0] == 0


@pytest.mark.parametrize("of", [0, 100])
def test_a_label_of_none_or_all_stays_finite(of):
    truth = np.arange(100)[:, None] < of
    scores = np.random.default_rng(0).normal(size=(100, 1))
    found = fit_platt(scores, truth).probabilities(scores)
    assert (np.abs(found - of / 100) < 0.02).all()
    assert np.isfinite(binary_log_loss(scores, truth))


def test_a_weight_is_a_number_of_copies_but_for_the_smoothing():
    scores, truth = draw(2000)
    times = np.random.default_rng(1).integers(1, 4, len(scores))
    weighted = fit_platt(scores, truth, weights=times.astype(float))
    copied = fit_platt(scores.repeat(times, 0), truth.repeat(times, 0))
    np.testing.assert_allclose(weighted.probabilities(scores), copied.probabilities(scores), atol=0.02)


def test_a_linear_head_takes_the_curves_into_itself():
    random = np.random.default_rng(0)
    head = Linear(random.normal(size=(5, 3)), random.normal(size=3))
    features, truth = random.normal(size=(60, 5)), random.random((60, 3)) < 0.4
    platt = fit_platt(head.scores(features), truth)
    folded = platt.fold(head)
    np.testing.assert_allclose(
        sigmoid(folded.scores(features)), platt.probabilities(head.scores(features)), atol=1e-9
    )


def test_the_loss_is_that_of_the_curves_and_of_rows_that_were_held_out():
    scores, truth = draw()
    found = fit_platt(scores, truth).probabilities(scores)
    assert binary_log_loss(scores, truth) == pytest.approx(loss_of(found, truth))
    padded = np.vstack([scores, np.full((7, 3), np.nan)])
    more = np.vstack([truth, np.ones((7, 3), bool)])
    assert binary_log_loss(padded, more) == pytest.approx(binary_log_loss(scores, truth))


def test_a_better_ranking_has_a_lower_loss():
    scores, truth = draw()
    blurred = scores + np.random.default_rng(1).normal(size=scores.shape) * 0.3
    assert binary_log_loss(scores, truth) < binary_log_loss(blurred, truth) - 0.02


def test_nothing_overflows():
    far = np.array([-1e5, -800.0, 0.0, 800.0, 1e5])
    assert np.isfinite(sigmoid(far)).all()
    np.testing.assert_allclose(softplus(far), np.maximum(far, 0) + np.log(2) * (far == 0))
