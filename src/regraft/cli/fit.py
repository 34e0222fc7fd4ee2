"""`regraft fit`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from regraft.cli.flags import NONE_GIVEN, RecipeFlags, recipe_from
from regraft.cli.output import print_json, print_report
from regraft.cli.sources import AS_LAID_OUT, SourceFlags


def fit(  # noqa: PLR0913 - every flag is a parameter
    source: Path,
    /,
    *,
    budget: str = "10m",
    out: Path | None = None,
    recipe: Path | None = None,
    flags: RecipeFlags = NONE_GIVEN,
    labels: SourceFlags = AS_LAID_OUT,
    strict: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Turn a folder of labelled images into a tuned, tested, saved classifier.

    Ctrl-C ends the search and keeps the best so far; a second one ends the program.

    Args:
        source: a folder with one sub-folder per class, maybe below train, val and test or below domains; or a
            table (CSV, JSON lines, Parquet, Excel) with the columns path and label, and maybe group, domain,
            split, weight, time and label_TASK; or a .zip or .tar of one of these.
        budget: how long it may take: 90s, 10m, 1h30m.
        out: the run folder to write; by default a new one below runs/.
        recipe: a JSON file such as a run's recipe.json; flags override it.
        flags: settings of the recipe.
        labels: where the labels are written.
        strict: end with an error if any file cannot be used, in place of leaving it out.
        json: print one JSON object instead of the report.
    """
    from regraft import pipeline

    chosen = recipe_from(recipe, flags)
    run = pipeline.fit(labels.of(source), budget=budget, out=out, recipe=chosen, strict=strict)
    if json:
        print_json(run.report.data)
    else:
        print_report(run.report.data)
