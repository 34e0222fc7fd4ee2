"""The naive score of the best of many is optimistic, and the corrected one is not."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from regraft.pipeline.tuning.account import candidates, corrected
from regraft.pipeline.tuning.answers import Kept, image_losses
from regraft.pipeline.tuning.tries import Tries
from regraft.search import Trial

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


def test_what_is_delivered_is_corrected_or_nothing(tmp_path: Path) -> None:
    truth, random = np.arange(30) % 2, np.random.default_rng(0)
    tries = object.__new__(Tries)
    tries.climb, tries.kept = SimpleNamespace(held_out=np.ones(30, bool), class_count=2), Kept(tmp_path)
    trials = [Trial(at, {"rate": 0.1 * at}, "complete", 1.0 - 0.01 * at) for at in range(4)]
    for trial in trials[1:]:
        tries.kept.keep(trial.number, random.dirichlet([1, 1], size=30))
    said = list(candidates(trials, trials[3], tries))
    assert len(said) == 3
    assert corrected(said, truth, groups=[""] * 30, objective="loss", seed=0)["candidates"] == 3
    # Of one that was made elsewhere nothing is known here, and others would pass for it.
    assert not list(candidates(trials, trials[0], tries))


@pytest.mark.parametrize("left", [b"", b"PK\x03\x04 cut short"])
def test_predictions_that_are_cut_short_are_none(tmp_path: Path, left: bytes) -> None:
    kept = Kept(tmp_path)
    kept.keep(3, np.full((4, 2), 0.5))
    (file,) = tmp_path.glob("*.npz")
    assert kept.read(3) is not None
    file.write_bytes(left)
    assert kept.read(3) is None


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
