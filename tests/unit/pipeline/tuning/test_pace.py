import pytest

from regraft.core.errors import TrainingError
from regraft.heads import Head, KernelRidge, Lda, LinearSvm, Logistic, NearestNeighbours, Ridge
from regraft.pipeline.budget import Budget
from regraft.pipeline.climb import SLOWEST_RATE_PER_S
from regraft.pipeline.tuning.pace import (
    ALONE,
    FACTOR,
    FIRST_RATE_PER_S,
    LATE_FRACTION,
    Pace,
    raced_share,
    races,
)
from regraft.search import OutOfTime


@pytest.fixture
def pace() -> Pace:
    return Pace(Budget(100.0))


def test_a_kind_is_judged_by_what_was_timed_of_it(pace: Pace) -> None:
    assert pace.cost_s("lda", 2 * FIRST_RATE_PER_S) == 2
    pace.timed("lda", 1e9, 0.5)
    assert pace.cost_s("lda", 4e9) == 2
    assert pace.cost_s("perceptron", 4e9) == 4e9 / FIRST_RATE_PER_S


def test_a_kind_that_was_not_timed_is_as_slow_as_those_that_do_like_work(pace: Pace) -> None:
    """Where images are many, ridge is far from the rate that is taken for true, and so are others."""
    pace.timed("ridge", 1e9, 2.0)
    assert pace.cost_s("logistic", 4e9) == 8
    pace.timed("lda", 1e9, 1.0)
    assert pace.cost_s("logistic", 4e9) == 4
    assert pace.cost_s("kernel_svm", 4e9) == 4e9 / FIRST_RATE_PER_S


@pytest.mark.parametrize(
    ("head", "known", "times"),
    [
        (Ridge(), True, FACTOR),
        (Ridge(1.0), False, 1.0),
        (KernelRidge(1.0), True, FACTOR),
        (Lda(), True, 1.0),
        (Logistic(), True, ALONE),
        (LinearSvm(1.0), False, ALONE),
    ],
    ids=str,
)
def test_a_fit_to_all_images_takes_what_is_not_shared(
    pace: Pace, head: Head, times: float, *, known: bool
) -> None:
    pace.timed("ridge", 1e9, 1.0)
    pace.timed("kernel_ridge", 1e9, 1.0)
    assert pace.fit_s(head, 1e9, trial_s=100, is_known=known) == pytest.approx(times)


def test_a_fit_of_what_shares_nothing_is_half_a_trial(pace: Pace) -> None:
    assert pace.fit_s(NearestNeighbours(), 1e9, trial_s=100) == 50


def test_what_began_in_time_may_end_late_but_not_so_late(pace: Pace, monkeypatch: pytest.MonkeyPatch) -> None:
    latest_s = (1 + LATE_FRACTION) * pace.budget.seconds
    monkeypatch.setattr(Budget, "spent_s", latest_s - 1)
    pace.require_patience()
    monkeypatch.setattr(Budget, "spent_s", latest_s + 1)
    with pytest.raises(OutOfTime):
        pace.require_patience()


def test_a_tiny_fit_does_not_make_a_large_one_look_dear(pace: Pace) -> None:
    pace.timed("lda", 10, 0.5)
    assert pace.cost_s("lda", 1e9) == 1e9 / SLOWEST_RATE_PER_S
    pace.timed("lda", 1e9, 0.5)
    pace.timed("lda", 10, 0.5)
    assert pace.cost_s("lda", 4e9) == 2


def test_who_shares_work_takes_what_the_last_one_took(pace: Pace) -> None:
    pace.timed("ridge", 1e9, 2.0, shared="on last")
    # The first one paid; what another takes is not known yet.
    assert pace.cost_s("ridge", 1e9, shared="on last") == 2
    pace.timed("ridge", 1e9, 0.01, shared="on last")
    assert pace.cost_s("ridge", 1e9, shared="on last") == 0.01
    assert pace.cost_s("ridge", 1e9, shared="on all") == 2


def test_who_was_helped_tells_nothing_of_what_it_takes_without_help(pace: Pace) -> None:
    """Another kind had decomposed the examples: on others it would be as slow as that one was."""
    pace.timed("logistic", 1e9, 2.0)
    pace.timed("nearest_mean", 1e9, 20.0)
    pace.timed("lda", 1e9, 0.01, shared="lda on last", helped=True)
    assert pace.cost_s("lda", 1e9, shared="lda on all") == 2
    pace.timed("lda", 1e9, 0.01, shared="lda on last")
    assert pace.cost_s("lda", 1e9, shared="lda on last") == 0.01
    # Once it has paid on its own, that is what it takes.
    pace.timed("lda", 1e9, 0.5, shared="lda on all")
    pace.timed("lda", 1e9, 0.01, shared="lda on grid", helped=True)
    assert pace.cost_s("lda", 1e9) == 0.5


def test_what_was_helped_first_is_corrected_by_what_was_not(pace: Pace) -> None:
    """As where the plain probe has paid for the first trial."""
    pace.timed("ridge", 1e12, 5.0, shared="on last", helped=True)
    pace.timed("ridge", 1e12, 100.0, shared="on all")
    assert pace.cost_s("ridge", 1e12) == 100
    assert pace.cost_s("logistic", 1e12) == 100


def test_what_takes_most_of_the_budget_fails_and_what_no_longer_fits_waits(pace: Pace) -> None:
    pace.require_time(1.0)
    pace.require_time(40.0, then_s=59.0)
    with pytest.raises(OutOfTime):
        pace.require_time(40.0, then_s=61.0)
    with pytest.raises(TrainingError, match="51 of 100 s"):
        pace.require_time(51.0)
    pace.budget.interrupted = True
    with pytest.raises(OutOfTime):
        pace.require_time(1.0)


def test_heads_that_take_long_race_in_turns() -> None:
    assert races([1, 1, 1], 10) == [slice(0, 3)]
    assert races([20, 1], 10) == [slice(0, 1), slice(1, 2)]
    assert raced_share(64) == pytest.approx(4 / 64)
