import pytest

from regraft.core.errors import RecipeError
from regraft.search import Choice, Range, from_json, parse_axis, parse_changes


@pytest.mark.parametrize(
    ("text", "axis"),
    [
        ("1e-4..1e-1:log", Range(1e-4, 1e-1, log=True)),
        ("-1..1", Range(-1, 1)),
        ("8..64:int:step=8", Range(8, 64, whole=True, step=8)),
        ("1 .. 1000 : log : int", Range(1, 1000, log=True, whole=True)),
        ("ridge,logistic", Choice(("ridge", "logistic"))),
        ("0.1, 2, none", Choice((0.1, 2, None))),
        ("true,false", Choice((True, False))),
        ("relu", Choice(("relu",))),
    ],
)
def test_axes_as_people_write_them(text: str, axis: object) -> None:
    assert parse_axis(text, "x") == axis


@pytest.mark.parametrize("axis", [Range(0.5, 2.5), Range(1, 8, log=True, whole=True), Range(0, 1, step=0.25)])
def test_a_range_that_is_printed_can_be_read(axis: Range) -> None:
    assert parse_axis(str(axis), "x") == axis


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1e-4..x", "'x' is no number"),
        ("1..2:lgo", "no mark 'lgo'. Did you mean log"),
        ("1..2:step=a", "'a' is no number"),
        ("relu,gelu:log", "belong to a range"),
        ("1,2:int:step=1", "such as :step=1 belong to a range"),
        ("2..1", "reversed"),
        ("..1", "is no number"),
    ],
)
def test_what_is_no_axis_is_said(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        parse_axis(text, "x")


def test_changes_are_read_by_name() -> None:
    found = parse_changes(["head.lr = 1e-3..1:log", "head.kind=ridge"])
    assert found == {"head.lr": Range(1e-3, 1, log=True), "head.kind": Choice(("ridge",))}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["head.lr"], "is no axis"),
        (["=1..2"], "is no axis"),
        (["a="], "is no axis"),
        (["a=1", "a=2"], "twice"),
    ],
)
def test_changes_without_a_name_or_twice(texts: list[str], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        parse_changes(texts)


def test_json_says_the_same() -> None:
    found = from_json(
        {
            "a": "1..2:log",
            "b": {"low": 1, "high": 8, "whole": True},
            "c": ["x", None],
            "d": "last",
            "e": 3,
        }
    )
    assert found == {
        "a": Range(1, 2, log=True),
        "b": Range(1, 8, whole=True),
        "c": Choice(("x", None)),
        "d": Choice(("last",)),
        "e": Choice((3,)),
    }


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "JSON object"),
        ({"a": {"low": 1, "hihg": 2}}, "no setting 'hihg'. Did you mean high"),
        ({"a": {"low": 1}}, "lacks the setting 'high'"),
        ({"a": [[1]]}, "plain values"),
    ],
)
def test_json_that_is_no_space(value: object, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        from_json(value)


def test_a_value_may_have_colons() -> None:
    assert parse_axis("lite0,lite0:96px:int8+lite1", "backbones") == Choice(
        ("lite0", "lite0:96px:int8+lite1")
    )
