"""`regraft report`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from regraft.cli.output import print_json, print_report


def report(
    run: Path, /, *, out: Path | None = None, json: Annotated[bool, Parameter(negative=())] = False
) -> None:
    """Show a finished run's report again.

    Args:
        run: the folder that `regraft fit` wrote.
        out: a file to write it to as well: a page where the name ends in .html, JSON otherwise.
        json: print one JSON object instead of the report.
    """
    from regraft.pipeline import read_report

    found = read_report(run)
    if out is not None:
        found.save(out)
    if json:
        print_json(found.data)
    else:
        print_report(found.data)
