"""Flags made from settings: a knob's name, type, help and default are written once, beside its field."""

from collections.abc import Mapping
from dataclasses import fields, make_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from cyclopts import Parameter

from regraft.core.hashing import plain
from regraft.core.settings import knobs
from regraft.heads import HEADS
from regraft.pipeline import Recipe, read_recipe

AS_TEXT = ("backbones", "head")
"""Given on the command line by name: networks separated by commas, a head by its kind."""


def _recipe_flags() -> type:
    hints = get_type_hints(Recipe)
    defaults = plain(Recipe())
    columns = []
    for name, knob in knobs(Recipe).items():
        default = defaults[name]
        shown = ",".join(default) if isinstance(default, list) else default
        help_text = knob.help + (f": {', '.join(HEADS)}" if name == "head" else "")
        help_text += "" if default is None else f" [default: {shown}]"
        # Not given is None, whatever the default: a recipe file may say otherwise.
        kind: Any = str | None if name in AS_TEXT else hints[name] | None
        columns.append((name, Annotated[kind, Parameter(help=help_text, show_default=False)], None))
    flags = make_dataclass("RecipeFlags", columns, frozen=True)
    # Annotations are looked up in the module that a class names.
    flags.__module__ = __name__
    return Parameter(name="*")(flags)


if TYPE_CHECKING:
    RecipeFlags = Any
else:
    RecipeFlags = _recipe_flags()

NONE_GIVEN = RecipeFlags()


def recipe_from(file: Path | None, flags: RecipeFlags) -> Recipe:
    """A recipe file, if any, with the flags that were given in place of what it says.

    Raises:
        RecipeError: a value is unknown or out of range.
    """
    recipe = read_recipe(file) if file else Recipe()
    given = {f.name: getattr(flags, f.name) for f in fields(flags)}
    return replace(recipe, **_parsed({name: value for name, value in given.items() if value is not None}))


def _parsed(given: Mapping[str, Any]) -> dict[str, Any]:
    parsed = dict(given)
    if "backbones" in parsed:
        parsed["backbones"] = tuple(name.strip() for name in parsed["backbones"].split(",") if name.strip())
    if "head" in parsed:
        parsed["head"] = Recipe.from_json({"head": parsed["head"]}).head
    return parsed
