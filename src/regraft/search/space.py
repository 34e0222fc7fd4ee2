"""What may be searched: axes made from the annotations of settings, and what was asked for in their place.

An axis of a head is named `head.KIND.FIELD` and exists only while `head.kind` is that kind. Where people
write `head.FIELD` they mean that field of every kind that has it.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

from regraft.core.errors import RecipeError, did_you_mean
from regraft.core.settings import from_plain, knobs
from regraft.search.annotated import axes_of, axis_for, default_of, fields_of, word_of
from regraft.search.axis import Axis, Choice, Range
from regraft.search.grid import Block, Grid
from regraft.search.sensible import sensible_axes

KIND = "head.kind"
HEAD = "head."
SHORT = {"lr": "learning_rate", "wd": "weight_decay", "bs": "batch_size"}
"""What people write for some fields."""

Values = dict[str, Any]


@dataclass(frozen=True)
class Space:
    """Axes by name, in the order in which they are asked for, and the settings they are fields of.

    `defaults` says what holds for an axis outside heads if nobody searches it. `switches` names, for the
    beginning of other axes' names, the one that has to be on: not 0 or false. `asked` are the axes that
    somebody asked for: their values are not left to a head.
    """

    heads: Mapping[str, type]
    axes: Mapping[str, Axis]
    defaults: Mapping[str, Any]
    switches: Mapping[str, str] | None = None
    asked: frozenset[str] = frozenset()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of head in it."""
        return tuple(str(kind) for kind in self.axes[KIND].grid())

    @property
    def is_finite(self) -> bool:
        """Whether the grid is all there is of it."""
        return all(axis.is_finite for axis in self.axes.values())

    @property
    def choices(self) -> dict[str, list[Any]]:
        """What must be equal for trials to be of one study: ranges may change, what a choice offers not."""
        return {
            name: [*axis.values] if isinstance(axis, Choice) else [axis.whole, axis.log]
            for name, axis in self.axes.items()
        }

    def is_active(self, name: str, values: Mapping[str, Any]) -> bool:
        """Whether an axis exists beside what was chosen so far."""
        for beginning, switch in (self.switches or {}).items():
            if name.startswith(beginning) and name != switch:
                return bool(values.get(switch, self.defaults.get(switch)))
        if name == KIND or not name.startswith(HEAD):
            return True
        prefix = f"{HEAD}{values[KIND]}."
        return name.startswith(prefix) and self._counts(name.removeprefix(prefix), prefix, values)

    def _counts(self, field: str, prefix: str, values: Mapping[str, Any]) -> bool:
        """Whether a field of the chosen head does anything beside the others' values."""
        settings = self.heads[values[KIND]]
        knob = knobs(settings).get(field)
        if knob is None or knob.when is None:
            return True
        other, counts_with = knob.when
        return values.get(f"{prefix}{other}", default_of(settings, other)) in counts_with

    def contains(self, values: Mapping[str, Any]) -> bool:
        """Whether a point, asked for before, lies in it; None is left to the head if nobody gave a range."""
        axes = self.axes
        left = {name for name, value in values.items() if value is None and name not in self.asked}
        return all(n in axes and (n in left or axes[n].contains(v)) for n, v in values.items())

    def keeps_to_asked(self, values: Mapping[str, Any]) -> bool:
        """Whether a point lies within what somebody asked for, whatever the other ranges are by now."""
        return all(self.axes[name].contains(v) for name, v in values.items() if name in self.asked)

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
        """For each kind of head its defaults; None where it finds a value alone and nobody gave a range.

        Where a default is not among what was asked for, the axis begins in its middle, or at its first value.
        """
        return [self._defaults_of(kind) for kind in self.kinds]

    def grid(self) -> Grid:
        """Every combination once: for each kind of head those of its own axes with all others."""
        return Grid([self._block(kind) for kind in self.kinds], self.is_active)

    def _block(self, kind: str) -> Block:
        own = f"{HEAD}{kind}."
        names = [n for n in self.axes if n == KIND or n.startswith(own) or not n.startswith(HEAD)]
        return Block(names, [(kind,) if name == KIND else (*self.axes[name].grid(),) for name in names])

    def _defaults_of(self, kind: str) -> Values:
        settled = {f.name: f.default for f in fields(self.heads[kind]) if f.default is not MISSING}
        values: Values = {KIND: kind}
        for name, axis in self.axes.items():
            if name == KIND or not self.is_active(name, values):
                continue
            field = name.removeprefix(f"{HEAD}{kind}.")
            default = settled.get(field, MISSING) if name.startswith(HEAD) else self.defaults.get(name)
            is_left_to_head = default is None and isinstance(axis, Range) and name.startswith(HEAD)
            is_left_to_head &= name not in self.asked
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
    given: dict[str, Axis] = {}
    for name, axis in asked.items():
        given |= _fitting(name, axis, space)
        axes |= given
    for kind in space.kinds:
        _require_defaults(kind, space)
    return replace(space, axes=_in_order(space), asked=frozenset(given))


def _in_order(space: Space) -> dict[str, Axis]:
    """Axes of a head in the order of its fields: one that decides whether another counts comes before it."""
    own = [f"{HEAD}{kind}.{field}" for kind in space.kinds for field in fields_of(space.heads[kind])]
    others = [name for name in space.axes if name not in own]
    return {name: space.axes[name] for name in [*others, *own] if name in space.axes}


def _fitting(name: str, axis: Axis, space: Space) -> dict[str, Axis]:
    """The axes that a name means, checked against the fields."""
    if not name.startswith(HEAD):
        if name not in space.axes and name not in space.defaults:
            raise _unknown(name, space)
        return {name: _among(name, axis, space)}
    first, _, last = name.removeprefix(HEAD).rpartition(".")
    field = ".".join(filter(None, (first, SHORT.get(last, last))))
    meant = [kind for kind in space.kinds if field in fields_of(space.heads[kind])]
    first, _, rest = field.partition(".")
    if first in space.kinds and rest in fields_of(space.heads[first]):
        meant, field = [first], rest
    if not meant:
        raise _unknown(name, space)
    return {f"{HEAD}{kind}.{field}": axis_for(space.heads[kind], field, axis, name) for kind in meant}


def _among(name: str, axis: Axis, space: Space) -> Axis:
    """An axis outside heads, whose values must be among the known ones where these are listed."""
    known = space.axes.get(name)
    if not isinstance(known, Choice):
        return axis
    if isinstance(axis, Choice):
        axis = Choice(tuple(word_of(value, known.values) for value in axis.values))
    for value in axis.grid():
        if not known.contains(value):
            raise RecipeError(
                f"{name} has no value {value!r}. {did_you_mean(str(value), map(str, known.grid()))}"
            )
    return axis


def _require_defaults(kind: str, space: Space) -> None:
    for field in fields(space.heads[kind]):
        has_default = field.default is not MISSING or field.default_factory is not MISSING
        if not has_default and f"{HEAD}{kind}.{field.name}" not in space.axes:
            raise RecipeError(
                f"{space.heads[kind].__name__}.{field.name} has no default and no range. Give it a "
                f"Knob(low=.., high=..), or an axis head.{field.name}."
            )


def _unknown(name: str, space: Space) -> RecipeError:
    field = name.removeprefix(HEAD)
    others = [
        kind for kind, settings in space.heads.items() if SHORT.get(field, field) in fields_of(settings)
    ]
    if name.startswith(HEAD) and others:
        return RecipeError(
            f"None of the heads that are searched ({', '.join(space.kinds)}) has a setting {field!r}. Add "
            f"{KIND}={','.join(others)}."
        )
    heads = [f"{HEAD}{field}" for kind in space.kinds for field in fields_of(space.heads[kind])]
    known = {*space.axes, *space.defaults, *heads, KIND}
    return RecipeError(f"The space has no axis {name!r}. {did_you_mean(name, known)}")


def within(axis: Axis, value: Any) -> Any:
    """A value, if the axis has it; else the middle of a range, or the first of what is offered."""
    if axis.contains(value):
        return value
    points = axis.grid()
    return points[len(points) // 2] if isinstance(axis, Range) else points[0]
