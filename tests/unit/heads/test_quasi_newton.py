"""Each of several problems ends at its own optimum, whoever else is there."""

from typing import Any

import numpy as np
import pytest

from regraft.heads.quasi_newton import minimise

WIDTH = 12


def bowls(count: int, *, bend: float = 1e3) -> tuple[Any, np.ndarray]:
    """Quadratic problems of different shapes, plus a number, and where they are lowest."""
    random = np.random.default_rng(0)
    turns = np.linalg.qr(random.normal(size=(count, WIDTH, WIDTH)))[0]
    shapes = turns * np.geomspace(1, bend, WIDTH) @ turns.transpose(0, 2, 1)
    lowest = random.normal(size=(count, WIDTH))

    def objective(points: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        apart = points - lowest[which]
        slopes = np.einsum("aij,aj->ai", shapes[which], apart)
        return 0.5 * (slopes * apart).sum(axis=1) + 3, slopes

    return objective, lowest


def found_from(objective: Any, start: np.ndarray, **changes: Any) -> np.ndarray:
    """Where it ends, sought with care."""
    given = {"tolerance": 1e-14, "flat": np.zeros(len(start)), "iterations": 500} | changes
    return minimise(objective, start, **given)


def test_every_problem_ends_where_it_is_lowest() -> None:
    objective, lowest = bowls(5)
    np.testing.assert_allclose(found_from(objective, np.zeros_like(lowest)), lowest, atol=1e-5)


def test_nobody_moves_otherwise_for_company() -> None:
    objective, lowest = bowls(4)
    together = found_from(objective, np.zeros_like(lowest))
    for at in range(4):
        alone = found_from(lambda points, _, at=at: objective(points, np.full(1, at)), np.zeros((1, WIDTH)))
        np.testing.assert_allclose(alone[0], together[at], atol=1e-7)


def test_who_is_done_is_not_asked_again() -> None:
    objective, lowest = bowls(3)
    asked: list[list[int]] = []

    def noted(points: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.append(which.tolist())
        return objective(points, which)

    start = np.zeros_like(lowest)
    start[1] = lowest[1]
    found = found_from(noted, start)
    np.testing.assert_array_equal(found[1], lowest[1])
    assert sum(1 in which for which in asked) <= 2
    assert sum(0 in which for which in asked) > 5


def test_a_step_that_is_too_long_is_shortened() -> None:
    """From far out on the flank of a steep valley the first step would climb the other side."""
    objective, lowest = bowls(2, bend=1e4)
    start = lowest + 100
    found = found_from(objective, start)
    values = objective(found, np.arange(2))[0]
    assert (values < 3 + 1e-4).all()


def test_loose_tolerances_end_early_and_not_above_the_start() -> None:
    objective, lowest = bowls(3)
    start = np.zeros_like(lowest)
    first, loose, close = (
        objective(points, np.arange(3))[0]
        for points in (start, found_from(objective, start, tolerance=1e-1), found_from(objective, start))
    )
    assert (loose < first).all()
    assert (loose > close).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_problem_without_a_value_stays_and_stops_nobody(wrong: float) -> None:
    objective, lowest = bowls(2)

    def broken(points: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, slopes = objective(points, which)
        return np.where(which == 1, wrong, values), slopes

    found = found_from(broken, np.zeros_like(lowest))
    np.testing.assert_allclose(found[0], lowest[0], atol=1e-5)
    np.testing.assert_array_equal(found[1], 0)


def test_a_kink_of_the_rounding_ends_it() -> None:
    """Values are rounded to few digits, slopes are not: a line search finds nothing lower."""
    objective, lowest = bowls(1)

    def rounded(points: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, slopes = objective(points, which)
        return np.round(values, 3), slopes

    found = found_from(rounded, np.zeros_like(lowest))
    assert objective(found, np.arange(1))[0] < 3 + 1e-2
