"""Heads that learn from several views of each example."""

import gc
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from regraft.heads import Head, KernelRidge, Lda, LinearSvm, Logistic, NearestMean, Ridge
from regraft.heads.classifier import Linear
from regraft.heads.trained_linear import TrainedLinear
from regraft.heads.viewed import rows_of
from regraft.search import Outcome
from regraft.search.held_out import Task, best_of_path, chosen_and_scored, each_alone, fitted, steps, value_of
from regraft.search.together import tried_together


@pytest.fixture
def twice() -> Task:
    """Features in which only an example's other view says anything about its label."""
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(60, 90)), random.integers(0, 2, 60)
    views = np.concatenate([features, features + 0.01]).astype(np.float32)
    rounds = (np.arange(60) // 2 % 4, np.arange(60) // 3 % 3)
    return Task(views, labels, 2, rounds, weights=random.uniform(0.5, 2, 60))


@pytest.mark.parametrize("head", [Ridge(0.1), Logistic(0.1), Lda(), NearestMean(), TrainedLinear(epochs=4)])
@pytest.mark.parametrize("in_one", [False, True])
def test_views_are_left_out_together_and_the_plain_one_is_judged(
    twice: Task, head: Head, in_one: bool
) -> None:
    *_, scores = steps(head, replace(twice, in_one=in_one))
    assert scores.shape == (60, 2)
    assert (scores.argmax(1) == twice.labels).mean() < 0.65


@pytest.mark.parametrize("head", [Ridge(0.1), Logistic(0.1), LinearSvm(0.1), Lda(), KernelRidge(0.1)])
def test_all_folds_at_once_say_what_one_after_the_other_does(twice: Task, head: Head) -> None:
    first, *others = steps(head, replace(twice, in_one=True))
    assert not others
    *_, last = steps(head, twice)
    np.testing.assert_allclose(first, last, atol=2e-3 * np.abs(last).max())


@pytest.mark.parametrize("head", [Ridge(0.1), Lda(), NearestMean()])
@pytest.mark.parametrize("weighted", [False, True])
def test_all_views_are_fitted_to(twice: Task, head: Head, weighted: bool) -> None:
    task = twice if weighted else replace(twice, weights=None)
    labels, shares = rows_of(task.labels, task.weights, views=2)
    wanted = head.fit(task.features, labels, class_count=2, weights=shares).scores(task.features)
    found = fitted(head, task).scores(task.features)
    np.testing.assert_allclose(found, wanted, atol=2e-5 * np.abs(wanted).max(), rtol=1e-5)


def test_a_head_of_ones_own_is_told_of_no_weights_where_there_are_none(twice: Task) -> None:
    class Own:
        def fit(self, features: Any, labels: Any, *, class_count: int, weights: Any = None) -> Linear:
            assert weights is None
            return Linear(np.zeros((features.shape[1], class_count), np.float32), np.zeros(class_count))

    plain = replace(twice, features=twice.features[:60], weights=None)
    assert fitted(Own(), plain).class_count == 2


def test_equal_views_are_one(twice: Task) -> None:
    plain = replace(twice, features=twice.features[:60])
    equal = replace(twice, features=np.concatenate([plain.features, plain.features, plain.features]))
    for head in (Ridge(0.1), Lda(0.5)):
        found = [list(steps(head, task))[-1] for task in (plain, equal)]
        np.testing.assert_allclose(found[0], found[1], atol=1e-4)


def test_a_penalty_is_chosen_by_plain_views(twice: Task) -> None:
    """The other views are noise: whoever judged them as well would choose another penalty."""
    random = np.random.default_rng(1)
    plain = random.normal(size=(60, 40)) + 2 * np.eye(2, 40)[twice.labels]
    views = np.concatenate([plain, 3 * random.normal(size=(60, 40))]).astype(np.float32)
    task = replace(twice, features=views)
    head, scores = best_of_path(Ridge(), task, alone=False, pause=lambda: None)
    judged_by_all, _ = best_of_path(Ridge(), task.rows, alone=False, pause=lambda: None)
    assert judged_by_all != head
    *_, others = steps(judged_by_all, task)
    assert value_of(scores, task, "loss") < value_of(others, task, "loss")


def test_a_head_is_judged_in_the_way_that_suits_it(twice: Task) -> None:
    task, told = replace(twice, features=twice.features[:60]), list[int]()

    def judged(head: Head, *, alone: bool = False) -> tuple[Head, Any]:
        told.clear()
        return chosen_and_scored(head, task, alone=alone, after_step=lambda scores, step: told.append(step))

    chosen, scores = judged(Ridge())
    wanted, of_best = best_of_path(Ridge(), task, alone=False, pause=lambda: None)
    assert (chosen, told) == (wanted, [])
    np.testing.assert_array_equal(scores, of_best)
    chosen, scores = judged(Ridge(0.1), alone=True)
    assert (chosen, told) == (Ridge(0.1), [])
    np.testing.assert_array_equal(scores, each_alone(Ridge(0.1), task))
    chosen, scores = judged(Ridge(0.1))
    *_, last = steps(Ridge(0.1), task)
    # Ridge knows the folds of a round at once, four and three; what is said of them is of as many folds of
    # others, and not of their first.
    assert (chosen, told) == (Ridge(0.1), [4, 7])
    judged(Lda(0.3))
    assert told == [1, 2, 3, 4, 5, 6, 7]
    task = replace(task, in_one=True)
    judged(Lda(0.3))
    assert told == [7]
    np.testing.assert_array_equal(scores, last)


def test_heads_that_train_side_by_side_see_views_as_each_on_its_own(twice: Task) -> None:
    heads = [TrainedLinear(learning_rate=rate, epochs=3) for rate in (0.01, 0.1)]
    judged = tried_together(
        heads,
        twice,
        lambda _at, scores: Outcome(value_of(scores, twice, "loss")),
        objective="loss",
        halve=False,
    )
    for head, outcome in zip(heads, judged, strict=True):
        *_, scores = steps(head, twice)
        assert isinstance(outcome, Outcome)
        assert outcome.value == pytest.approx(value_of(scores, twice, "loss"), rel=1e-4)


def test_what_was_made_of_features_goes_with_them(twice: Task) -> None:
    """Not only when the interpreter next looks for what holds itself: it may be gigabytes."""
    gc.disable()
    try:
        for features in (twice.features, twice.features[:60]):
            task = replace(twice, features=features)
            [*steps(Lda(), task)]
            known = weakref.ref(task.rows.prepared.dealt)
            del task
            assert known() is None
    finally:
        gc.enable()
