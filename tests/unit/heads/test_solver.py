"""Fits side by side are the fits that each would be on its own."""

from typing import Any

import numpy as np
import pytest

from regraft.heads import solver
from regraft.heads.ballots import present_only
from regraft.heads.logistic import cross_entropy, softmax_loss
from regraft.heads.loss import Posed
from regraft.heads.solver import Problem, SideBySide, solve, solve_all
from regraft.heads.support_vectors import SQUARED_HINGE


def problem(count: int, width: int, loss: Any, *, classes: int = 3, seed: int = 0) -> Problem:
    """Overlapping classes in axes of falling length, the last column ones; weighted."""
    random = np.random.default_rng(seed)
    lengths = np.geomspace(3, 0.1, width)
    labels = random.permutation(np.arange(count) % classes)
    rows = np.ones((count, width + 1), np.float32)
    rows[:, :-1] = lengths * random.normal(size=(count, width)) + np.eye(classes, width)[labels]
    ballots, _ = present_only(labels, classes)
    return Problem(count * lengths**2, Posed(rows, ballots, random.uniform(0.5, 2, count)), loss)


def value(one: Problem, solution: np.ndarray, penalty: float) -> float:
    """What is minimised."""
    single = solution.astype(np.float32)
    loss, _ = one.posed.gradient(one.loss, lambda part: one.posed.rows[part] @ single)
    return loss + 0.5 * penalty * float((solution[:-1] ** 2).sum())


def started(problems: list[Problem]) -> list[np.ndarray]:
    """Every score zero."""
    return [one.nothing for one in problems]


@pytest.mark.parametrize("loss", [softmax_loss(smoothing=0.03), softmax_loss(smoothing=0), SQUARED_HINGE])
def test_each_comes_to_what_it_comes_to_alone(loss: Any) -> None:
    problems = [problem(40 + 5 * at, 7 + at, loss, seed=at) for at in range(5)]
    penalties = [0.1, 1.0, 10.0, 1.0, 0.1]
    for one, penalty, found in zip(
        problems, penalties, solve_all(problems, penalties, starts=started(problems)), strict=True
    ):
        alone = solve(one, penalty, start=one.nothing)
        assert found.shape == alone.shape
        lowest = value(one, alone, penalty)
        assert lowest <= value(one, found, penalty) * (1 + 1e-6) <= lowest * (1 + 1e-4)
        np.testing.assert_allclose(found, alone, atol=0.02 * np.abs(alone).max())


@pytest.mark.parametrize("times", [1e-6, 1e6])
def test_the_unit_of_weights_does_not_matter(times: float) -> None:
    """The bias is not penalised: only in units of its own it keeps pace with the other coordinates."""
    one = problem(60, 7, softmax_loss(smoothing=0.03))
    posed = one.posed._replace(weights=times * one.posed.weights)
    other = one._replace(values=times * one.values, posed=posed)
    wanted = solve(one, 1.0, start=one.nothing)
    np.testing.assert_allclose(solve(other, times, start=other.nothing), wanted, atol=1e-3)


def test_double_precision_goes_further() -> None:
    one = problem(80, 7, softmax_loss(smoothing=0))
    precise = one._replace(posed=one.posed._replace(rows=one.posed.rows.astype(np.float64)))
    steep = []
    for solution in (solve(one, 0.1, start=one.nothing), solve(precise, 0.1, start=one.nothing)):
        _, slope = precise.posed.gradient(one.loss, lambda part, at=solution: precise.posed.rows[part] @ at)
        slope[:-1] += 0.1 * solution[:-1]
        steep.append(np.abs(slope).max())
    assert steep[1] < 1e-4
    assert steep[1] < steep[0] / 5


def test_losses_and_numbers_of_classes_may_differ() -> None:
    smooth, sharp = softmax_loss(smoothing=0.1), softmax_loss(smoothing=0)
    problems = [
        problem(40, 7, smooth, classes=3),
        problem(40, 7, sharp, classes=3),
        problem(40, 7, smooth, classes=2),
    ]
    found = solve_all(problems, [1.0] * 3, starts=started(problems))
    for one, solution in zip(problems, found, strict=True):
        np.testing.assert_allclose(solution, solve(one, 1.0, start=one.nothing), atol=0.02)


def test_labels_that_do_not_exclude_each_other() -> None:
    random = np.random.default_rng(0)
    truth = random.random((50, 4)) < 0.4
    rows = np.column_stack([random.normal(size=(50, 6)) + truth[:, :1], np.ones(50)]).astype(np.float32)
    posed = Posed(rows, present_only(truth, 4)[0], np.ones(50))
    one = Problem(np.full(6, 50.0), posed, cross_entropy(truth, 0.1, weights=np.ones(50)))
    (found,) = solve_all([one], [1.0], starts=[one.nothing])
    np.testing.assert_allclose(found, solve(one, 1.0, start=one.nothing), atol=0.02)


def test_looked_at_as_one_or_one_by_one_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = softmax_loss(smoothing=0.03)
    posed = [problem(30 + at, 5 + at, loss, seed=at).posed for at in range(4)]
    solutions = np.random.default_rng(0).normal(size=(4, 9, 3)).astype(np.float32)
    values, slopes = SideBySide(posed, loss).gradients(np.arange(4), solutions)
    monkeypatch.setattr(solver, "SCORES_AT_ONCE", 0)
    one_by_one = SideBySide(posed, loss).gradients(np.arange(4), solutions)
    np.testing.assert_allclose(values, one_by_one[0], rtol=1e-6)
    np.testing.assert_allclose(slopes, one_by_one[1], atol=1e-4)
    # Coordinates that a problem does not have stay where they are.
    assert not slopes[0, 6:].any()


def test_some_of_the_problems_after_others() -> None:
    loss = softmax_loss(smoothing=0.03)
    posed = [problem(30, 5, loss, seed=at).posed for at in range(3)]
    seen = SideBySide(posed, loss)
    solutions = np.random.default_rng(0).normal(size=(3, 6, 3)).astype(np.float32)
    values, _ = seen.gradients(np.arange(3), solutions)
    some, _ = seen.gradients(np.array([0, 2]), solutions[[0, 2]])
    np.testing.assert_allclose(some, values[[0, 2]], rtol=1e-6)


def test_what_remembers_much_is_dealt_to_more_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [problem(30, 5, softmax_loss(smoothing=0.03), seed=at) for at in range(6)]
    monkeypatch.setattr(solver, "usable_cores", lambda: 1)
    members, starts = list(range(6)), started(problems)
    assert solver._groups(problems, members, starts) == [members]
    monkeypatch.setattr(solver, "MOST_BYTES", 2 * starts[0].nbytes * 2 * solver.MEMORY)
    assert solver._groups(problems, members, starts) == [[0, 1], [2, 3], [4, 5]]
    found = solve_all(problems, [1.0] * 6, starts=starts)
    np.testing.assert_allclose(found[5], solve(problems[5], 1.0, start=starts[5]), atol=0.02)


def test_little_work_is_not_dealt_to_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [problem(30, 5, softmax_loss(smoothing=0.03), seed=at) for at in range(6)]
    monkeypatch.setattr(solver, "usable_cores", lambda: 3)
    given = problems, list(range(6)), started(problems)
    assert len(solver._groups(*given)) == 1
    monkeypatch.setattr(solver, "LEAST_WORK", 30 * 6 * 3)
    assert len(solver._groups(*given)) == 3


def test_who_has_no_time_left_ends_a_fit_on_its_way() -> None:
    one, looks = problem(40, 7, softmax_loss(smoothing=0)), []

    def pause() -> None:
        looks.append(1)
        if len(looks) == 3:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        solve_all([one], [0.1], starts=[one.nothing], pause=pause)
    assert len(looks) == 3


def test_many_rows_are_dealt_to_threads_however_few_their_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = softmax_loss(smoothing=0.03)
    posed = problem(1000, 5, loss).posed
    assert len(posed.blocks) == 1
    solution = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    whole = posed.gradient(loss, lambda part: posed.rows[part] @ solution)
    monkeypatch.setattr("regraft.heads.loss.MUCH_WORK", 1e4)
    assert [part.stop - part.start for part in posed.blocks] == [250] * 4
    dealt = posed.gradient(loss, lambda part: posed.rows[part] @ solution)
    assert dealt[0] == pytest.approx(whole[0], rel=1e-6)
    np.testing.assert_allclose(dealt[1], whole[1], rtol=1e-4, atol=1e-3)
