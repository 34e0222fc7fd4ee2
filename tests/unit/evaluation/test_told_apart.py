import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from regraft.evaluation import Answers, softmax
from regraft.evaluation.told_apart import told_apart


def named(labels: np.ndarray, predicted: np.ndarray, k: int) -> Answers:
    return Answers(np.eye(k)[predicted], labels)


def test_one_class_given_away_among_many() -> None:
    labels = np.repeat(np.arange(10), 50)
    guesses = np.random.default_rng(0).integers(1, 10, 500)
    told = told_apart(named(labels, np.where(labels == 0, 0, guesses), 10))
    assert told.value[0] == told.high[0] == 1
    assert told.low[0] > 0.8
    assert np.all(told.low[1:] < 0.5)
    assert told.value[1:] == pytest.approx(np.full(9, 0.5), abs=0.15)


def test_two_heaps_of_classes_count_for_all_of_them() -> None:
    labels = np.repeat(np.arange(10), 40)
    heap = np.where(np.arange(10) < 5, 0.2, 0)
    told = told_apart(Answers(np.where(labels[:, None] < 5, heap, 0.2 - heap), labels))
    # Five of the nine others are told, and four are not.
    assert told.value == pytest.approx(np.full(10, 7 / 9))
    assert np.all(told.low > 0.65)


def test_it_is_the_area_under_the_curve() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300)
    scores = random.normal(size=(300, 3))
    scores[np.arange(300), labels] += 1
    probabilities = softmax(scores)
    told = told_apart(Answers(probabilities, labels))
    for label in range(3):
        interval = told.interval(label)
        assert interval.value == pytest.approx(roc_auc_score(labels == label, probabilities[:, label]))
        assert interval.low < interval.value < interval.high


def test_always_saying_the_same_tells_nothing() -> None:
    told = told_apart(named(np.repeat(np.arange(4), 30), np.zeros(120, np.int64), 4))
    assert told.value == pytest.approx(np.full(4, 0.5))
    assert np.all(told.low <= 0.5)


def test_groups_widen_it() -> None:
    labels = np.repeat([0, 1], 60)
    predicted = np.where(np.arange(120) % 12 < 8, labels, 1 - labels)
    groups = np.array([f"group {n // 4}" for n in range(120)])
    alone = told_apart(Answers(np.eye(2)[predicted], labels))
    grouped = told_apart(Answers(np.eye(2)[predicted], labels, groups))
    assert grouped.low[0] < alone.low[0]


def test_intervals_of_all_classes_hold_for_guesses() -> None:
    random = np.random.default_rng(0)
    covered = []
    for _ in range(60):
        told = told_apart(Answers(softmax(random.normal(size=(100, 5))), np.repeat(np.arange(5), 20)))
        covered.append(bool(np.all((told.low <= 0.5) & (told.high >= 0.5))))
    assert np.mean(covered) >= 0.9
