"""A knob is written once: default, help, unit and search range beside the field it belongs to.

    @dataclass(frozen=True)
    class Ridge:
        penalty: Annotated[float, Knob("penalty on squared weights", low=1e-4, high=1e4, log=True)] = 1.0

From that one line come the Python signature, the command-line flag, the JSON field, the range check, the
row in the documentation, and (with the search floor) the axis of the search space.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from regraft.core.errors import RecipeError, did_you_mean

T = TypeVar("T")


@dataclass(frozen=True)
class Knob:
    """What a field means and where sensible values lie. `low` and `high` are inclusive.

    `when` says of an earlier field of the same settings for which of its values this one counts, as in
    `("optimizer", ("sgd", "nesterov"))`; for others it is not searched.
    """

    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    log: bool = False
    when: tuple[str, tuple[Any, ...]] | None = None


@cache
def knobs(settings: type) -> Mapping[str, Knob]:
    """The knobs of a settings class, by field name."""
    hints = get_type_hints(settings, include_extras=True)
    found = {name: [m for m in get_args(hint) if isinstance(m, Knob)] for name, hint in hints.items()}
    return {name: marks[0] for name, marks in found.items() if marks}


def check(settings: Any) -> None:
    """Raise `RecipeError` if a field lies outside its knob's range. Call it from `__post_init__`."""
    kind: type = type(settings)
    for name, knob in knobs(kind).items():
        value = getattr(settings, name)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            continue
        too_low = knob.low is not None and not value >= knob.low
        too_high = knob.high is not None and not value <= knob.high
        if too_low or too_high:
            low = "" if knob.low is None else f"at least {knob.low:g}"
            high = "" if knob.high is None else f"at most {knob.high:g}"
            wanted = " and ".join(part for part in (low, high) if part)
            where = f"{kind.__name__}.{name}"
            raise RecipeError(f"{where} is {value!r}; it must be {wanted} {knob.unit}".strip() + ".")


def from_plain(kind: type[T], value: Any, where: str = "") -> T:
    """Build a (nested) settings object from JSON; the inverse of `core.hashing.plain`.

    Raises:
        RecipeError: a field is unknown (close matches are named), missing, or of the wrong type.
    """
    return _build(kind, value, where or getattr(kind, "__name__", str(kind)))  # type: ignore[no-any-return]


def _build(kind: Any, value: Any, where: str) -> Any:
    origin = get_origin(kind)
    if is_dataclass(kind):
        return _build_dataclass(kind, value, where)
    if origin in (Union, types.UnionType):
        return _build_union(kind, value, where)
    if origin is Literal:
        if value not in get_args(kind):
            raise RecipeError(f"{where} is {value!r}. {did_you_mean(str(value), map(str, get_args(kind)))}")
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise RecipeError(f"{where} must be a list, not {value!r}.")
        inner = get_args(kind)
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
        if len(kinds) != len(value):
            raise RecipeError(f"{where} must have {len(kinds)} values, not {len(value)}.")
        return tuple(_build(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True)))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is not Any and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        raise RecipeError(f"{where} must be of type {kind.__name__}, not {value!r}.")
    return value


def _build_union(kind: Any, value: Any, where: str) -> Any:
    errors = []
    for option in get_args(kind):
        if option is type(None):
            if value is None:
                return None
            continue
        try:
            return _build(option, value, where)
        except RecipeError as error:
            errors.append(str(error))
    raise RecipeError(errors[0] if len(errors) == 1 else f"{where} fits no allowed form: {'; '.join(errors)}")


def _build_dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise RecipeError(f"{where} must be an object of settings, not {value!r}.")
    hints = get_type_hints(kind)
    known = {f.name: f for f in fields(kind)}
    for name in value:
        if name not in known:
            raise RecipeError(f"{where} has no setting {name!r}. {did_you_mean(name, known)}")
    for name, f in known.items():
        if name not in value and f.default is MISSING and f.default_factory is MISSING:
            raise RecipeError(f"{where} lacks the setting {name!r}.")
    return kind(**{name: _build(hints[name], item, f"{where}.{name}") for name, item in value.items()})
