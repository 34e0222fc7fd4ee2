"""Axes from the annotations of settings, and what was asked for in the types of their fields."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from regraft.core.errors import RecipeError, did_you_mean
from regraft.core.settings import from_plain, knobs
from regraft.search.axis import Axis, Choice, Range
from regraft.search.sensible import NEVER_SEARCHED
from regraft.search.written import parse_axis


def axes_of(
    settings: type, *, names: tuple[str, ...] | None = None, table: Mapping[str, str | None] | None = None
) -> dict[str, Axis]:
    """The axes of a settings class: knobs with both ends, literals, yes and no; without seeds.

    Args:
        settings: a dataclass.
        names: the fields wanted; by default all that can be searched.
        table: axes, as they are written, in place of what the annotations say; None for no axis.
    """
    table = table or {}
    found: dict[str, Axis] = {}
    for field in fields_of(settings):
        if field in NEVER_SEARCHED or (names is not None and field not in names):
            continue
        written = table.get(field)
        axis = parse_axis(written, field) if written else _annotated_axis(settings, field)
        if axis is not None and not (field in table and written is None):
            found[field] = axis
    return found


def _annotated_axis(settings: type, field: str) -> Axis | None:
    written = [mark for mark in _marks(settings, field) if isinstance(mark, Range | Choice)]
    if written:
        return axis_for(settings, field, written[0], f"{settings.__name__}.{field}")
    hint, knob = _bare(get_type_hints(settings)[field]), knobs(settings).get(field)
    if get_origin(hint) is Literal:
        return Choice(get_args(hint))
    if hint is bool:
        return Choice((False, True))
    if hint not in (int, float) or knob is None or knob.low is None or knob.high is None:
        return None
    return Range(knob.low, knob.high, log=knob.log, whole=hint is int)


def _marks(settings: type, field: str) -> tuple[Any, ...]:
    """What stands beside a field's type in its annotation."""
    hint = get_type_hints(settings, include_extras=True)[field]
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def default_of(settings: type, field: str) -> Any:
    """A field's default; `MISSING` where it has none."""
    return next((each.default for each in fields(settings) if each.name == field), MISSING)


def _bare(hint: Any) -> Any:
    """Without the None of an optional field."""
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else hint
    return hint


def axis_for(settings: type, field: str, axis: Axis, name: str) -> Axis:
    """The axis with the type of its field; what the field does not take is refused now, not in a trial.

    Raises:
        RecipeError: the field does not take one of its values.
    """
    hint = get_type_hints(settings)[field]
    if isinstance(axis, Range):
        if _bare(hint) not in (int, float):
            raise RecipeError(f"{name} is {axis}, but {settings.__name__}.{field} is no number. List values.")
        axis = Range(axis.low, axis.high, axis.log, axis.whole or _bare(hint) is int, axis.step)
    required = {f.name for f in fields(settings) if f.default is MISSING and f.default_factory is MISSING}
    values = [_typed(value, hint, f"{name} ({settings.__name__})") for value in axis.grid()]
    for value in values if required <= {field} else ():
        settings(**{field: value})  # Checks what the types do not say.
    return axis if isinstance(axis, Range) else Choice(tuple(values))


def _typed(value: Any, hint: Any, where: str) -> Any:
    """The value as the field has it.

    Raises:
        RecipeError: the field does not take it.
    """
    bare = _bare(hint)
    if value is None and bare is not hint:
        return None
    if get_origin(bare) is Literal:
        value = word_of(value, get_args(bare))
        if value not in get_args(bare):
            raise RecipeError(f"{where} has no value {value!r}. {did_you_mean(str(value), get_args(bare))}")
        return value
    # 1e3 is written like a float, and may be meant for a whole number.
    is_whole = bare is int and isinstance(value, float) and value.is_integer()
    return from_plain(bare, int(value) if is_whole else value, where)


def word_of(value: Any, known: Sequence[Any]) -> Any:
    """`none` as it was written, where that is one of the words; elsewhere it means nothing at all."""
    return "none" if value is None and "none" in known and None not in known else value


def fields_of(settings: type) -> tuple[str, ...]:
    """The names of its fields, in their order."""
    return tuple(f.name for f in fields(settings))
