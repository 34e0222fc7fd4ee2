"""The winner's curse: the naive score of the best of many is too good, the corrected one is not."""

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.evaluation import corrected_best, wilson

TRUTH = 0.8


def simulate(n, candidates=20, repeats=50, groups=None):
    rng = np.random.default_rng(0)
    return [
        corrected_best((rng.random((candidates, n)) < TRUTH).astype(float), groups=groups)
        for _ in range(repeats)
    ]


@pytest.mark.parametrize("n", [50, 150])
def test_the_naive_score_is_optimistic_and_the_corrected_one_is_not(n):
    found = simulate(n)
    naive = np.mean([s.naive.value for s in found])
    corrected = np.mean([s.corrected.value for s in found])
    assert naive > TRUTH + 0.05
    assert corrected == pytest.approx(TRUTH, abs=0.015)


def test_the_corrected_interval_covers_where_the_naive_one_does_not():
    found = simulate(100)
    assert np.mean([s.corrected.low <= TRUTH <= s.corrected.high for s in found]) > 0.92
    assert np.mean([s.naive.low <= TRUTH <= s.naive.high for s in found]) < 0.85


def test_a_clear_winner_needs_hardly_any_correction():
    rng = np.random.default_rng(1)
    scores = (rng.random((5, 400)) < np.array([0.5, 0.5, 0.95, 0.5, 0.5])[:, None]).astype(float)
    found = corrected_best(scores)
    assert found.winner == 2
    assert found.corrected.value == pytest.approx(found.naive.value, abs=0.003)
    width, wilsons = found.corrected.high - found.corrected.low, wilson(scores[2].sum(), 400)
    assert width == pytest.approx(wilsons.high - wilsons.low, rel=0.15)


def test_losses_are_chosen_by_the_lowest():
    rng = np.random.default_rng(2)
    losses = rng.exponential(size=(20, 80))
    found = corrected_best(losses, lower_is_better=True)
    assert found.winner == losses.mean(axis=1).argmin()
    assert found.naive.value == pytest.approx(losses.mean(axis=1).min())
    assert found.corrected.value > found.naive.value


def test_equal_candidates_leave_the_choice_to_the_order():
    scores = np.tile((np.arange(30) % 3 > 0).astype(float), (4, 1))
    assert corrected_best(scores).winner == 0


def test_groups_widen_it():
    codes = np.repeat(np.arange(12), 10)
    scores = (np.random.default_rng(3).random((3, 12)) < 0.7).astype(float)[:, codes]
    alone, grouped = corrected_best(scores).corrected, corrected_best(scores, groups=codes).corrected
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_one_group_cannot_be_corrected():
    found = corrected_best(np.array([[1.0, 0.0], [1.0, 1.0]]), groups=["x", "x"])
    assert found.winner == 1
    assert found.corrected == found.naive


@pytest.mark.parametrize("scores", [np.zeros((0, 4)), np.zeros((3, 0)), np.array([[np.nan]])])
def test_refuses_nothing_and_nan(scores):
    with pytest.raises(DataError, match="must be finite"):
        corrected_best(scores)


@pytest.mark.parametrize("kind", ["losses", "right"])
def test_an_image_of_weight_two_counts_as_two_in_its_group(kind):
    random = np.random.default_rng(5)
    losses = random.exponential(size=(8, 60)) + np.arange(8)[:, None] / 20
    scores = losses if kind == "losses" else (losses < 0.7).astype(float)
    codes, times = np.arange(60) % 20, random.integers(1, 4, 60)
    is_loss = kind == "losses"
    weighted = corrected_best(scores, groups=codes, lower_is_better=is_loss, weights=times.astype(float))
    repeated = corrected_best(
        np.repeat(scores, times, axis=1), groups=np.repeat(codes, times), lower_is_better=is_loss
    )
    assert weighted.winner == repeated.winner
    assert weighted.naive.value == pytest.approx(repeated.naive.value)
    for end in ("value", "low", "high"):
        found = getattr(weighted.corrected, end)
        assert found == pytest.approx(getattr(repeated.corrected, end), rel=1e-9)


@pytest.mark.parametrize("groups", [None, [str(at % 8) for at in range(24)]])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_where_all_is_right_or_nothing_is_chance_is_still_allowed_for(value, groups):
    scores, ones = np.full((3, 24), value), np.ones(24)
    plain, alike = corrected_best(scores, groups=groups), corrected_best(scores, groups=groups, weights=ones)
    uneven = corrected_best(scores, groups=groups, weights=np.where(np.arange(24) < 6, 20.0, 1.0))
    assert plain.corrected.high - plain.corrected.low > 0.1
    assert plain.corrected == plain.naive
    for end in ("value", "low", "high"):
        assert getattr(alike.corrected, end) == pytest.approx(getattr(plain.corrected, end))
    widths = [found.corrected.high - found.corrected.low for found in (plain, uneven)]
    assert uneven.corrected.value == value
    assert widths[1] > 1.1 * widths[0]
