"""`regraft inspect`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from regraft.cli.output import print_json


def inspect(source: Path, /, *, json: Annotated[bool, Parameter(negative=())] = False) -> None:
    """Look at labelled images before using them: counts, sizes, copies, leaks, files that cannot be read.

    Args:
        source: labelled images, laid out as for `regraft fit`.
        json: print one JSON object instead of text.
    """
    from regraft.data import audit, read
    from regraft.report import audit_text

    found = audit(read(source))
    if json:
        print_json(found)
    else:
        print(audit_text(found))
