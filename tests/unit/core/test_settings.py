from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from regraft.core.errors import RecipeError
from regraft.core.hashing import plain
from regraft.core.settings import Knob, check, from_plain, knobs


@dataclass(frozen=True)
class Ridge:
    penalty: Annotated[float, Knob("penalty on squared weights", low=1e-4, high=1e4, log=True)] = 1.0
    steps: Annotated[int, Knob("how many", unit="steps", low=1)] = 10
    name: str = "ridge"

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Recipe:
    head: Ridge
    depths: Literal["last", "all"] = "all"
    backbones: tuple[str, ...] = ("lite0",)
    window: tuple[int, float] = (1, 2.0)
    budget_s: float | None = None
    spare: Ridge | str = "none"


def test_knobs_are_found_by_field() -> None:
    assert knobs(Ridge)["steps"] == Knob("how many", unit="steps", low=1)
    assert set(knobs(Ridge)) == {"penalty", "steps"}


@pytest.mark.parametrize("penalty", [0.0, 1e5, -1.0, float("nan"), float("inf")])
def test_values_out_of_range_are_refused_with_the_range(penalty: float) -> None:
    with pytest.raises(RecipeError, match=r"Ridge\.penalty is .*at least 0\.0001 and at most 10000"):
        Ridge(penalty=penalty)


def test_an_open_range_names_its_one_end_and_unit() -> None:
    with pytest.raises(RecipeError, match=r"^Ridge\.steps is 0; it must be at least 1 steps\.$"):
        Ridge(steps=0)
    assert Ridge(steps=10**9).steps == 10**9


def test_the_ends_of_a_range_belong_to_it() -> None:
    assert Ridge(penalty=1e-4).penalty == 1e-4
    assert Ridge(penalty=1e4, steps=1).steps == 1


def test_nested_settings_survive_the_way_through_json() -> None:
    recipe = Recipe(Ridge(penalty=2.0), "last", ("lite0", "lite1"), (3, 4.0), 60.0, Ridge(steps=3))
    assert from_plain(Recipe, plain(recipe)) == recipe


def test_fields_left_out_take_their_defaults() -> None:
    assert from_plain(Recipe, {"head": {}}) == Recipe(Ridge())


def test_an_integer_will_do_for_a_float() -> None:
    penalty = from_plain(Ridge, {"penalty": 3}).penalty
    assert isinstance(penalty, float)
    assert penalty == 3.0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"head": {"penatly": 1.0}}, r"Recipe\.head has no setting 'penatly'. Did you mean penalty"),
        ({"head": {}, "depths": "lst"}, r"Recipe\.depths is 'lst'. Did you mean last"),
        ({}, r"Recipe lacks the setting 'head'"),
        ({"head": 3}, r"Recipe\.head must be an object of settings, not 3"),
        ({"head": {"steps": 1.5}}, r"Recipe\.head\.steps must be of type int, not 1\.5"),
        ({"head": {"steps": True}}, r"Recipe\.head\.steps must be of type int, not True"),
        ({"head": {"penalty": "1"}}, r"Recipe\.head\.penalty must be of type float, not '1'"),
        ({"head": {"penalty": 0}}, r"Ridge\.penalty is 0\.0; it must be at least"),
        ({"head": {}, "backbones": "lite0"}, r"Recipe\.backbones must be a list, not 'lite0'"),
        ({"head": {}, "backbones": ["lite0", 3]}, r"Recipe\.backbones\[1\] must be of type str, not 3"),
        ({"head": {}, "window": [1]}, r"Recipe\.window must have 2 values, not 1"),
        ({"head": {}, "budget_s": "x"}, r"Recipe\.budget_s must be of type float, not 'x'"),
        ({"head": {}, "spare": 3}, r"Recipe\.spare fits no allowed form"),
        ([], r"Recipe must be an object of settings, not \[\]"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(value: object, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        from_plain(Recipe, value)
