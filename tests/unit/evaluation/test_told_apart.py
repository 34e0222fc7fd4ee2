import numpy as np
import pytest

from regraft.evaluation import Answers
from regraft.evaluation.told_apart import told_apart


def answers(labels: np.ndarray, predicted: np.ndarray, k: int, groups: np.ndarray | None = None) -> Answers:
    return Answers(np.eye(k)[predicted], labels, groups)


def test_one_class_given_away_among_many() -> None:
    labels = np.repeat(np.arange(10), 50)
    guesses = np.random.default_rng(0).integers(1, 10, 500)
    told = told_apart(answers(labels, np.where(labels == 0, 0, guesses), 10))
    assert told.value[0] == told.high[0] == 1
    assert told.low[0] > 0.9
    assert np.all(told.low[1:] < 0.5)
    assert np.all(told.value[1:] == pytest.approx(0.5, abs=0.1))


def test_always_naming_one_class_tells_nothing() -> None:
    labels = np.repeat(np.arange(4), 30)
    told = told_apart(answers(labels, np.zeros(120, np.int64), 4))
    assert told.value == pytest.approx(0.5)
    assert np.all(told.low <= 0.5)
    assert np.all(told.high >= 0.5)


def test_it_is_the_mean_of_sensitivity_and_specificity() -> None:
    labels = np.array([0] * 10 + [1] * 40)
    predicted = np.array([0] * 8 + [1] * 2 + [0] * 10 + [1] * 30)
    told = told_apart(answers(labels, predicted, 2))
    assert told.value == pytest.approx([(0.8 + 0.75) / 2] * 2)
    interval = told.interval(0)
    assert interval.low < interval.value < interval.high


def test_groups_widen_it() -> None:
    labels = np.repeat([0, 1], 60)
    predicted = np.where(np.arange(120) % 12 < 6, labels, 1 - labels)
    groups = np.array([f"group {n // 6}" for n in range(120)])
    alone, grouped = (told_apart(answers(labels, predicted, 2, g)) for g in (None, groups))
    assert grouped.low[0] < alone.low[0]


def test_intervals_hold_for_guesses() -> None:
    random = np.random.default_rng(0)
    covered = []
    for _ in range(60):
        labels = np.repeat(np.arange(5), 20)
        told = told_apart(answers(labels, random.integers(0, 5, 100), 5))
        covered.append(bool(np.all((told.low <= 0.5) & (told.high >= 0.5))))
    assert np.mean(covered) >= 0.95
