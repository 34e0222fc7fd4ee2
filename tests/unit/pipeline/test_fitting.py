"""Held-out scores of several ways to deal the folds."""

from pathlib import Path

import numpy as np
import pytest

from regraft.data import Dataset, Example
from regraft.heads import Logistic, NearestMean, NearestNeighbours, Ridge, held_out, ridge_path
from regraft.pipeline import Recipe
from regraft.pipeline.climb import MOST_REPEATED, ROUNDS, choose_folds
from regraft.pipeline.fitting import fit_head


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = np.arange(90) % 3
    features = random.normal(size=(90, 20)) + 0.6 * np.eye(3)[labels] @ random.normal(size=(3, 20))
    return features.astype(np.float32), labels


def folds(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.arange(90) % 5)


def images(count: int, *, part: str | None = None, group: int = 1) -> Dataset:
    examples = tuple(
        Example(
            Path(f"/{i}.png"), i % 3, f"sha{i}", group=f"group {i // group}" if group > 1 else "", part=part
        )
        for i in range(count)
    )
    return Dataset(Path("/"), ("a", "b", "c"), examples)


@pytest.mark.parametrize("head", [Ridge(), Ridge(penalty=0.1), Logistic(), NearestMean()])
def test_scores_are_the_mean_over_rounds(data: tuple[np.ndarray, np.ndarray], head: object) -> None:
    features, labels = data
    rounds = tuple(folds(seed) for seed in range(3))
    chosen, scores, classifier = fit_head(head, features, labels, class_count=3, folds=rounds, weights=None)
    if head == Ridge():
        paths = [ridge_path(features, labels, class_count=3, folds=one) for one in rounds]
        place = int(np.argmin(np.abs(paths[0].penalties - chosen.penalty)))
        expected = np.mean([path.held_out[place] for path in paths], axis=0)
        np.testing.assert_allclose(scores, expected, atol=1e-5)
    elif head != Logistic():
        each = [held_out(head, features, labels, class_count=3, folds=one) for one in rounds]
        np.testing.assert_allclose(scores, np.mean(each, axis=0), atol=1e-5)
    assert (scores.argmax(1) == labels).mean() > 0.5
    assert classifier.class_count == 3


def test_one_round_is_as_before(data: tuple[np.ndarray, np.ndarray]) -> None:
    features, labels = data
    once = fit_head(Ridge(), features, labels, class_count=3, folds=(folds(0),), weights=None)
    path = ridge_path(features, labels, class_count=3, folds=folds(0))
    np.testing.assert_array_equal(once[1], path.held_out[path.best])


def test_several_rounds_vary_less_than_one(data: tuple[np.ndarray, np.ndarray]) -> None:
    """What repetition is for: how the folds fell moves the scores less."""
    features, labels = data

    def scores(*seeds: int) -> np.ndarray:
        rounds = tuple(folds(seed) for seed in seeds)
        return fit_head(Ridge(penalty=0.01), features, labels, class_count=3, folds=rounds, weights=None)[1]

    alone = np.std([scores(seed) for seed in range(8)], axis=0).mean()
    together = np.std([scores(*range(3 * i, 3 * i + 3)) for i in range(8)], axis=0).mean()
    assert together < 0.75 * alone


def test_small_data_are_dealt_several_times() -> None:
    rounds = choose_folds(images(60, group=2), Recipe(folds=4))
    assert len(rounds) == ROUNDS
    assert len({one.tobytes() for one in rounds}) == ROUNDS
    for one in rounds:
        assert set(one.tolist()) == {0, 1, 2, 3}
        assert (one[::2] == one[1::2]).all()  # groups of two


def test_large_data_and_given_val_parts_once() -> None:
    assert len(choose_folds(images(MOST_REPEATED + 1), Recipe())) == 1
    mixed = images(60)
    given = Dataset(mixed.root, mixed.classes, (*mixed.examples[:40], *images(60, part="val").examples[40:]))
    assert len(choose_folds(given, Recipe())) == 1


@pytest.mark.parametrize("head", [Ridge(), Ridge(0.1), Logistic(), NearestMean(), NearestNeighbours(3)])
def test_views_of_an_image_are_left_out_together_and_the_plain_one_is_judged(
    data: tuple[np.ndarray, np.ndarray], head: object
) -> None:
    """Labels that mean nothing: whoever saw another view of an image would know its label."""
    features = np.random.default_rng(1).normal(size=(90, 200)).astype(np.float32)
    labels = np.random.default_rng(2).integers(0, 3, 90)
    views = np.concatenate([features, features + np.float32(0.01)])
    given = {"class_count": 3, "folds": (folds(0),), "weights": None}
    _, scores, classifier = fit_head(head, views, labels, **given)
    assert scores.shape == (90, 3)
    assert (scores.argmax(1) == labels).mean() < 0.55
    if not isinstance(head, Ridge | Logistic) or head.penalty:
        assert (classifier.scores(features).argmax(1) == labels).mean() > 0.65


def test_two_equal_views_are_one() -> None:
    """They weigh as much as one; without folds, an image is left out with its copy."""
    random = np.random.default_rng(3)
    labels, weights = np.arange(90) % 3, random.uniform(0.5, 2, 90)
    features = (random.normal(size=(90, 20)) + np.eye(3, 20)[labels]).astype(np.float32)
    for dealt in ((folds(0), folds(1)), None):
        given = {"class_count": 3, "folds": dealt, "weights": weights}
        once = fit_head(Ridge(), features, labels, **given)
        twice = fit_head(Ridge(), np.concatenate([features, features]), labels, **given)
        assert once[0] == twice[0]
        np.testing.assert_allclose(once[1], twice[1], atol=1e-5)
        np.testing.assert_allclose(once[2].weights, twice[2].weights, atol=1e-5)
