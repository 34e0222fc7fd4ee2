"""The flags of a search, made from its settings as those of a recipe are."""

from dataclasses import fields, make_dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from cyclopts import Parameter

from regraft.core.settings import knobs
from regraft.pipeline.tuning.asked import Search


def _search_flags() -> type:
    hints = get_type_hints(Search)
    columns = []
    for field in fields(Search):
        # From Python a space may also be an object; on the command line it is text, given several times.
        kind: Any = tuple[str, ...] if field.name == "space" else hints[field.name]
        help_text = knobs(Search)[field.name].help
        columns.append(
            (
                field.name,
                Annotated[
                    kind,
                    Parameter(
                        help=help_text,
                        negative=None if kind is bool else (),
                        show_default=field.default not in ((), None),
                    ),
                ],
                field.default,
            )
        )
    flags = make_dataclass("SearchFlags", columns, frozen=True)
    # Annotations are looked up in the module that a class names.
    flags.__module__ = __name__
    return Parameter(name="*")(flags)


if TYPE_CHECKING:
    SearchFlags = Any
else:
    SearchFlags = _search_flags()

AS_USUAL = SearchFlags()


def search_from(flags: SearchFlags) -> Search:
    """The search that was asked for.

    Raises:
        RecipeError: there is no such sampler, pruner or objective.
    """
    return Search(**vars(flags))
