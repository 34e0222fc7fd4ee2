import math
import os
import signal
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.core.errors import RecipeError
from regraft.pipeline.budget import Budget, parse_duration, stop_on_signals


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        (" 90s ", 90),
        ("10m", 600),
        ("1.5h", 5400),
        ("1H30M", 5400),
        ("1h5s", 3605),
        (2.5, 2.5),
        (7, 7),
    ],
)
def test_durations(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "s", "10x", "-5", "1m1h", "1 2", "10mm", "ten", "nan", "1.m", "5s5"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(RecipeError, match=r"is no duration. Write 90s"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0", "0s", "0h0m", 0, -3.0, math.nan, math.inf])
def test_a_budget_of_nothing_or_without_end(text: str | float) -> None:
    with pytest.raises(RecipeError, match="longer than nothing"):
        parse_duration(text)


@given(st.integers(0, 99), st.integers(0, 99), st.integers(1, 99))
def test_hours_minutes_and_seconds_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == 3600 * hours + 60 * minutes + seconds


def test_the_reserve_is_not_for_searching() -> None:
    budget = Budget(100.0, reserve_fraction=0.1)
    assert 89 < budget.left_s <= 90
    assert budget.affords(80)
    assert not budget.affords(91)


def test_time_passes() -> None:
    budget = Budget(0.05)
    assert budget.affords(0.0)
    time.sleep(0.06)
    assert budget.left_s == 0
    assert budget.spent_s >= 0.05
    assert not budget.affords(0.01)
    assert not budget.affords(0.0), "the time is up"


def test_an_interrupted_budget_affords_nothing() -> None:
    budget = Budget(100.0)
    budget.interrupted = True
    assert budget.left_s == 0
    assert not budget.affords(0.0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_the_budget_and_the_second_the_program(
    number: int, capfd: pytest.CaptureFixture[str]
) -> None:
    budget = Budget(100.0)
    before = signal.getsignal(number)
    with stop_on_signals(budget):
        os.kill(os.getpid(), number)
        assert budget.interrupted
        assert "keeping the best so far" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_in_another_thread_signals_are_left_alone() -> None:
    before, entered = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with stop_on_signals(Budget(1.0)):
            entered.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert entered == [before]
