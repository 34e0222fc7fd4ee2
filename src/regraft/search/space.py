"""What may be searched: axes made from the annotations of settings, and what was asked for in their place.

An axis of a head is named `head.KIND.FIELD` and exists only while `head.kind` is that kind. Where people
write `head.FIELD` they mean that field of every kind that has it.
"""

import itertools
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from regraft.core.errors import RecipeError, did_you_mean
from regraft.core.settings import from_plain, knobs
from regraft.search.axis import Axis, Choice, Range
from regraft.search.sensible import NEVER_SEARCHED, sensible_axes
from regraft.search.written import parse_axis

KIND = "head.kind"
HEAD = "head."
Values = dict[str, Any]


@dataclass(frozen=True)
class Space:
    """Axes by name, in the order in which they are asked for, and the settings they are fields of.

    `defaults` says what holds for an axis outside heads if nobody searches it. `switches` names, for the
    beginning of other axes' names, the one that has to be on: not 0, false or none.
    """

    heads: Mapping[str, type]
    axes: Mapping[str, Axis]
    defaults: Mapping[str, Any]
    switches: Mapping[str, str] | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of head in it."""
        return tuple(str(kind) for kind in self.axes[KIND].grid())

    @property
    def is_finite(self) -> bool:
        """Whether the grid is all there is of it."""
        return all(axis.is_finite for axis in self.axes.values())

    def is_active(self, name: str, values: Mapping[str, Any]) -> bool:
        """Whether an axis exists beside what was chosen so far."""
        for beginning, switch in (self.switches or {}).items():
            if name.startswith(beginning) and name != switch:
                return bool(values.get(switch, self.defaults.get(switch)))
        return name == KIND or not name.startswith(HEAD) or name.startswith(f"{HEAD}{values[KIND]}.")

    def contains(self, values: Mapping[str, Any]) -> bool:
        """Whether a point, asked for before, lies in this space. None is left to the head."""
        axes = self.axes
        return all(n in axes and (v is None or axes[n].contains(v)) for n, v in values.items())

    def head(self, values: Mapping[str, Any]) -> Any:
        """The settings of the chosen head.

        Raises:
            RecipeError: a value is none that the settings take.
        """
        kind = values[KIND]
        prefix = f"{HEAD}{kind}."
        own = {name.removeprefix(prefix): v for name, v in values.items() if name.startswith(prefix)}
        return from_plain(self.heads[kind], own, f"head ({kind})")

    def others(self, values: Mapping[str, Any]) -> Values:
        """What is chosen outside heads; the default where there is no axis."""
        return {**self.defaults, **{n: v for n, v in values.items() if not n.startswith(HEAD)}}

    def rules_of_thumb(self) -> list[Values]:
        """For each kind of head its defaults, None where a head then finds a value on its own.

        Where a default is not among what was asked for, the axis begins in its middle, or at its first value.
        """
        return [self._defaults_of(kind) for kind in self.kinds]

    def grid(self) -> Iterator[Values]:
        """Every combination once: for each kind of head those of its own axes with all others."""
        for kind in self.kinds:
            others = (name for name in self.axes if not name.startswith(HEAD))
            own = (name for name in self.axes if name.startswith(f"{HEAD}{kind}."))
            wanted = {KIND, *others, *own}
            names = [name for name in self.axes if name in wanted]
            points = [(kind,) if name == KIND else self.axes[name].grid() for name in names]
            for point in itertools.product(*points):
                values = dict(zip(names, point, strict=True))
                idle = [name for name in names if not self.is_active(name, values)]
                # Of points that differ in nothing that counts, the first.
                if all(values[name] == self.axes[name].grid()[0] for name in idle):
                    yield {name: value for name, value in values.items() if name not in idle}

    def _defaults_of(self, kind: str) -> Values:
        settled = {f.name: f.default for f in fields(self.heads[kind]) if f.default is not MISSING}
        values: Values = {KIND: kind}
        for name, axis in self.axes.items():
            if name == KIND or not self.is_active(name, values):
                continue
            field = name.removeprefix(f"{HEAD}{kind}.")
            default = settled.get(field, MISSING) if name.startswith(HEAD) else self.defaults.get(name)
            is_left_to_head = default is None and isinstance(axis, Range) and name.startswith(HEAD)
            values[name] = default if is_left_to_head else within(axis, default)
        return values


def space_of(
    heads: Mapping[str, type],
    *,
    kinds: tuple[str, ...] | None = None,
    others: Mapping[str, Axis] | None = None,
    defaults: Mapping[str, Any] | None = None,
    changes: Mapping[str, Axis] | None = None,
    switches: Mapping[str, str] | None = None,
) -> Space:
    """The space that settings' own annotations span, with some axes as somebody asked for them.

    Args:
        heads: settings by kind; any frozen dataclass with annotated fields and a `fit` will do.
        kinds: those that are searched, if `changes` does not say; by default all.
        others: axes beside the head's, such as `depths`.
        defaults: what holds for the others first, and where they are no axis.
        changes: axes in place of what the annotations say, by full name or by `head.FIELD`.
        switches: see `Space`.

    Raises:
        RecipeError: a name is unknown (close matches are named), or a value is none that its field takes.
    """
    asked = dict(changes or {})
    known = Choice(tuple(kinds or heads))
    chosen = asked.pop(KIND, known)
    for kind in chosen.grid():
        if kind not in heads:
            raise RecipeError(f"There is no head {kind!r}. {did_you_mean(str(kind), heads)}")
    axes: dict[str, Axis] = dict(others or {}) | {KIND: chosen}
    for kind in chosen.grid():
        own = axes_of(heads[str(kind)], table=sensible_axes(str(kind), heads[str(kind)]))
        axes |= {f"{HEAD}{kind}.{field}": axis for field, axis in own.items()}
    space = Space(heads, axes, dict(defaults or {}), switches)
    for name, axis in asked.items():
        axes |= _fitting(name, axis, space)
    for kind in space.kinds:
        _require_defaults(kind, space)
    return space


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
    for field in _fields_of(settings):
        if field in NEVER_SEARCHED or (names is not None and field not in names):
            continue
        written = table.get(field)
        axis = parse_axis(written, field) if written else _annotated_axis(settings, field)
        if axis is not None and not (field in table and written is None):
            found[field] = axis
    return found


def _annotated_axis(settings: type, field: str) -> Axis | None:
    hint, knob = _bare(get_type_hints(settings)[field]), knobs(settings).get(field)
    if get_origin(hint) is Literal:
        return Choice(get_args(hint))
    if hint is bool:
        return Choice((False, True))
    if hint not in (int, float) or knob is None or knob.low is None or knob.high is None:
        return None
    return Range(knob.low, knob.high, log=knob.log, whole=hint is int)


def _bare(hint: Any) -> Any:
    """Without the None of an optional field."""
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else hint
    return hint


def _fitting(name: str, axis: Axis, space: Space) -> dict[str, Axis]:
    """The axes that a name means, checked against the fields."""
    if not name.startswith(HEAD):
        if name not in space.axes and name not in space.defaults:
            raise _unknown(name, space)
        return {name: _among(name, axis, space)}
    field = name.removeprefix(HEAD)
    meant = [kind for kind in space.kinds if field in _fields_of(space.heads[kind])]
    first, _, rest = field.partition(".")
    if first in space.kinds and rest in _fields_of(space.heads[first]):
        meant, field = [first], rest
    if not meant:
        raise _unknown(name, space)
    return {f"{HEAD}{kind}.{field}": axis_for(space.heads[kind], field, axis, name) for kind in meant}


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
        value = _word(value, get_args(bare))
        if value not in get_args(bare):
            raise RecipeError(f"{where} has no value {value!r}. {did_you_mean(str(value), get_args(bare))}")
        return value
    # 1e3 is written like a float, and may be meant for a whole number.
    is_whole = bare is int and isinstance(value, float) and value.is_integer()
    return from_plain(bare, int(value) if is_whole else value, where)


def _among(name: str, axis: Axis, space: Space) -> Axis:
    """An axis outside heads, whose values must be among the known ones where these are listed."""
    known = space.axes.get(name)
    if not isinstance(known, Choice):
        return axis
    if isinstance(axis, Choice):
        axis = Choice(tuple(_word(value, known.values) for value in axis.values))
    for value in axis.grid():
        if not known.contains(value):
            raise RecipeError(
                f"{name} has no value {value!r}. {did_you_mean(str(value), map(str, known.grid()))}"
            )
    return axis


def _word(value: Any, known: Sequence[Any]) -> Any:
    """`none` as it was written, where that is one of the words; elsewhere it means nothing at all."""
    return "none" if value is None and "none" in known and None not in known else value


def _fields_of(settings: type) -> tuple[str, ...]:
    return tuple(f.name for f in fields(settings))


def _require_defaults(kind: str, space: Space) -> None:
    for field in fields(space.heads[kind]):
        has_default = field.default is not MISSING or field.default_factory is not MISSING
        if not has_default and f"{HEAD}{kind}.{field.name}" not in space.axes:
            raise RecipeError(
                f"{space.heads[kind].__name__}.{field.name} has no default and no range. Give it a "
                f"Knob(low=.., high=..), or an axis head.{field.name}."
            )


def _unknown(name: str, space: Space) -> RecipeError:
    heads = [f"{HEAD}{field}" for kind in space.kinds for field in _fields_of(space.heads[kind])]
    known = {*space.axes, *space.defaults, *heads, KIND}
    return RecipeError(f"The space has no axis {name!r}. {did_you_mean(name, known)}")


def within(axis: Axis, value: Any) -> Any:
    """A value, if the axis has it; else the middle of a range, or the first of what is offered."""
    if axis.contains(value):
        return value
    points = axis.grid()
    return points[len(points) // 2] if isinstance(axis, Range) else points[0]
