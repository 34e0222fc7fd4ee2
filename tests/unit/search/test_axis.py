import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.core.errors import RecipeError
from regraft.search import Choice, Range


@pytest.mark.parametrize(
    ("low", "high", "marks", "said"),
    [
        (1.0, 1.0, {}, "is empty"),
        (2.0, 1.0, {}, "is reversed"),
        (0.0, 1.0, {"log": True}, "above 0"),
        (-1.0, 1.0, {"log": True}, "above 0"),
        (0.5, 2.0, {"whole": True}, "whole numbers"),
        (0.0, float("inf"), {}, "finite"),
        (float("nan"), 1.0, {}, "finite"),
        (1.0, 2.0, {"step": 0.0}, "step"),
        (1.0, 2.0, {"step": 1.5}, "step"),
        (1.0, 4.0, {"whole": True, "step": 0.5}, "whole number"),
        (1.0, 4.0, {"log": True, "step": 1.0}, "one of the two"),
    ],
)
def test_a_range_that_means_nothing_is_refused(low: float, high: float, marks: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        Range(low, high, **marks)


def test_the_grid_of_a_range_takes_every_step_or_goes_evenly() -> None:
    assert Range(0, 1, step=0.25).grid() == (0, 0.25, 0.5, 0.75, 1)
    assert Range(0, 1, step=0.4).grid() == (0, 0.4, 0.8)
    assert Range(1, 7, whole=True, step=3).grid() == (1, 4, 7)
    assert Range(0, 8).grid() == (0, 2, 4, 6, 8)
    assert Range(1e-4, 1e4, log=True).grid() == pytest.approx((1e-4, 1e-2, 1, 1e2, 1e4))
    assert Range(1, 3, whole=True).grid() == (1, 2, 3)


@given(st.floats(1e-8, 1e8), st.floats(1.001, 1e6), st.booleans())
def test_a_grid_stays_in_its_range(low: float, factor: float, log: bool) -> None:
    axis = Range(low, low * factor, log=log)
    assert all(axis.contains(value) for value in axis.grid())
    assert axis.grid()[0] == pytest.approx(low)
    assert axis.grid()[-1] == pytest.approx(low * factor)


def test_whole_numbers_are_integers() -> None:
    assert all(type(value) is int for value in Range(1, 1000, log=True, whole=True).grid())
    assert Range(1, 9, whole=True).contains(3)
    assert not Range(1, 9, whole=True).contains(3.5)


def test_what_lies_in_an_axis() -> None:
    assert Range(1, 2).contains(2)
    assert not Range(1, 2).contains(2.1)
    assert not Range(0, 2).contains(True)
    assert not Range(0, 2).contains(None)
    assert Choice((1, True, None)).contains(True)
    assert not Choice((1, "a")).contains(True)
    assert not Choice((True,)).contains(1)


def test_a_choice_is_of_different_values() -> None:
    with pytest.raises(RecipeError, match="twice"):
        Choice(("a", "b", "a"))
    with pytest.raises(RecipeError, match="at least one"):
        Choice(())
    assert str(Choice(("a", None, 2))) == "a,none,2"


def test_a_range_reads_as_it_is_written() -> None:
    assert str(Range(1e-4, 0.1, log=True)) == "0.0001..0.1:log"
    assert str(Range(8, 64, whole=True, step=8)) == "8..64:int:step=8"
