"""`regraft evaluate`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from regraft.cli.output import print_json
from regraft.cli.sources import AS_LAID_OUT, SourceFlags


def evaluate(
    run: Path,
    source: Path,
    /,
    *,
    labels: SourceFlags = AS_LAID_OUT,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Measure a run's model on labelled images, every score with its interval.

    Args:
        run: the folder that `regraft fit` wrote.
        source: labelled images, laid out as for `regraft fit`; every class must be one of the model's.
        labels: where the labels are written.
        json: print one JSON object instead of text.
    """
    from regraft import pipeline
    from regraft.report import evaluation_text

    found = pipeline.evaluate(run, labels.of(source))
    if json:
        print_json(found)
    else:
        print(evaluation_text(found))
