"""`regraft tune`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from regraft.cli.flags import NONE_GIVEN, RecipeFlags, recipe_from
from regraft.cli.output import print_json, print_report
from regraft.cli.search_flags import AS_USUAL, SearchFlags, search_from
from regraft.cli.sources import AS_LAID_OUT, SourceFlags


def tune(  # noqa: PLR0913 - every flag is a parameter
    source: Path,
    /,
    *,
    budget: str = "5m",
    out: Path | None = None,
    recipe: Path | None = None,
    search: SearchFlags = AS_USUAL,
    flags: RecipeFlags = NONE_GIVEN,
    labels: SourceFlags = AS_LAID_OUT,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Search heads and their settings on stored features; refit, test and save the best.

    Killed, it goes on where it was with the same --out. Ctrl-C ends it in good order. The run's report.html
    shows the search; --report writes a page of it alone.

    Args:
        source: labelled images, laid out as for `regraft fit`.
        budget: how long it may take: 90s, 10m, 1h30m.
        out: the run folder to write, maybe of a search that was killed; by default a new one below runs/.
        recipe: a JSON file such as a run's recipe.json; flags override it.
        search: what is searched, and how.
        flags: settings of the recipe; what they name is not searched.
        labels: where the labels are written.
        json: print one JSON object instead of text.
    """
    from regraft.pipeline.tune import SEARCH_PAGE
    from regraft.pipeline.tune import tune as search_settings
    from regraft.report import ablation_text, tune_text

    chosen = recipe_from(recipe, flags)
    wanted = search_from(search)
    run = search_settings(labels.of(source), search=wanted, budget=budget, out=out, recipe=chosen)
    if json:
        print_json(run.report.data)
    else:
        print(tune_text(run.report.data["search"]))
        if wanted.ablate:
            print(f"\n{ablation_text(run.report.data['search'])}")
        if wanted.report:
            print(f"\nThe search as a page: {run.folder / SEARCH_PAGE}")
        print_report(run.report.data)
