"""The naive score of the best of many is optimistic, and the corrected one is not."""

import numpy as np
import pytest

from regraft.pipeline.tuning.account import corrected
from regraft.pipeline.tuning.answers import image_losses

CANDIDATES, IMAGES, ROUNDS, TRUE = 40, 60, 40, 0.7


def test_the_naive_score_is_optimistic_and_the_corrected_one_is_not() -> None:
    random = np.random.default_rng(0)
    naive, honest = [], []
    for seed in range(ROUNDS):
        truth = random.integers(0, 2, IMAGES)
        right = random.random((CANDIDATES, IMAGES)) < TRUE
        said = [np.eye(2)[row] for row in np.where(right, truth, 1 - truth)]
        found = corrected(said, truth, groups=[""] * IMAGES, objective="accuracy", seed=seed)
        naive.append(found["naive"]["value"])
        honest.append(found["corrected"]["value"])
    error = np.std(honest) / np.sqrt(ROUNDS)
    assert np.mean(naive) > TRUE + 0.08
    assert np.mean(honest) == pytest.approx(TRUE, abs=3 * error + 0.01)


def test_losses_are_compared_where_they_are_the_objective() -> None:
    truth = np.array([0, 1, 0, 1])
    said = [np.full((4, 2), 0.5), np.eye(2)[truth] * 0.8 + 0.1]
    found = corrected(said, truth, groups=["a", "a", "b", "b"], objective="loss", seed=0)
    assert found["candidates"] == 2
    assert found["naive"]["value"] == pytest.approx(-np.log(0.9))
    assert corrected(said[:1], truth, groups=[""] * 4, objective="loss", seed=0) is None


def test_losses_are_finite_however_wrong() -> None:
    sure = np.array([[1.0, 0.0], [0.25, 0.75]])
    np.testing.assert_allclose(
        image_losses(sure, np.array([1, 1])), [-np.log(1e-7), -np.log(0.75)], rtol=1e-3
    )
    labels = np.array([[True, False], [True, True]])
    np.testing.assert_allclose(
        image_losses(sure, labels), [1e-7, (-np.log(0.25) - np.log(0.75)) / 2], rtol=1e-3
    )


def test_images_count_by_weight() -> None:
    truth, weights = np.array([0, 1, 0, 1]), np.array([3.0, 1.0, 3.0, 1.0])
    good_at = [np.array([[0.9, 0.1], [0.5, 0.5]])[truth], np.array([[0.5, 0.5], [0.02, 0.98]])[truth]]
    given = {"groups": [""] * 4, "objective": "loss", "seed": 0}
    naive, weighted = (
        corrected(good_at, truth, weights=each, **given)["naive"]["value"] for each in (None, weights)
    )
    assert naive == pytest.approx(-(np.log(0.5) + np.log(0.98)) / 2)
    assert weighted == pytest.approx(-(3 * np.log(0.9) + np.log(0.5)) / 4)
