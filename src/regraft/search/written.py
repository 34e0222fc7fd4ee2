"""Axes as people write them: `1e-4..1e-1:log`, `8..64:int:step=8`, `relu,gelu`, or JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from regraft.core.errors import RecipeError, did_you_mean
from regraft.core.settings import from_plain
from regraft.search.axis import Axis, Choice, Range

MARKS = ("log", "int", "step=NUMBER")
WORDS: dict[str, Any] = {"true": True, "yes": True, "false": False, "no": False, "none": None, "auto": None}


def parse_changes(texts: Iterable[str]) -> dict[str, Axis]:
    """What `--space NAME=AXIS`, given several times, says of each name.

    Raises:
        RecipeError: one is no `NAME=AXIS`, or a name is given twice.
    """
    found: dict[str, Axis] = {}
    for text in texts:
        name, equals, axis = (part.strip() for part in text.partition("="))
        if not (equals and name and axis):
            raise RecipeError(f"{text!r} is no axis. Write NAME=LOW..HIGH[:log] or NAME=VALUE,VALUE.")
        if name in found:
            raise RecipeError(f"The axis {name} is given twice: {found[name]} and {axis}.")
        found[name] = parse_axis(axis, name)
    return found


def parse_axis(text: str, name: str) -> Axis:
    """One axis from text. Values are numbers, true, false or none where they look like it.

    Raises:
        RecipeError: it is neither a range nor a list of values; what a range may not be, see `Range`.

    >>> parse_axis("1e-4..1e-1:log", "head.penalty")
    Range(low=0.0001, high=0.1, log=True, whole=False, step=None)
    """
    body, *marks = text.split(":")
    if ".." not in body:
        if marks and _is_mark(marks[-1]):
            raise RecipeError(f"{name}={text}: marks such as :{marks[-1]} belong to a range, LOW..HIGH.")
        # Other colons belong to a value, such as the network lite0:96px.
        return Choice(tuple(_value(word.strip()) for word in text.split(",")))
    low, high = (_number(end, name) for end in body.split("..", 1))
    flags = {"log": False, "whole": False}
    step = None
    for mark in (mark.strip() for mark in marks):
        if mark.startswith("step="):
            step = _number(mark.removeprefix("step="), name)
        elif mark in ("log", "int"):
            flags["whole" if mark == "int" else mark] = True
        else:
            raise RecipeError(f"{name}={text}: there is no mark {mark!r}. {did_you_mean(mark, MARKS)}")
    try:
        return Range(low, high, step=step, **flags)
    except RecipeError as error:
        raise RecipeError(f"{name}: {error}") from error


def from_json(value: Any) -> dict[str, Axis]:
    """What a JSON object says of each name.

    An axis is text as above, a list of values, one value, or the fields of a `Range` such as
    `{"low": 1e-4, "high": 1e-1, "log": true}`.

    Raises:
        RecipeError: it is no such object.
    """
    if not isinstance(value, Mapping):
        raise RecipeError(f"A space is a JSON object of axes, not {value!r}.")
    return {str(name): _axis_from_json(axis, str(name)) for name, axis in value.items()}


def _axis_from_json(value: Any, name: str) -> Axis:
    if isinstance(value, str):
        return parse_axis(value, name)
    if isinstance(value, Mapping):
        return from_plain(Range, value, f"the axis {name}")
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, (str, int, float, bool, type(None))) for each in values):
        raise RecipeError(f"The axis {name} must be a range or plain values, not {value!r}.")
    return Choice(tuple(values))


def _is_mark(text: str) -> bool:
    return text in ("log", "int") or text.startswith("step=")


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise RecipeError(f"{name}: {text!r} is no number. Write a range as in 1e-4..1e-1:log.") from error


def _value(word: str) -> Any:
    if word.lower() in WORDS:
        return WORDS[word.lower()]
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word
