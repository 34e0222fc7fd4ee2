"""`regraft inspect`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from regraft.cli.output import print_json
from regraft.cli.sources import AS_LAID_OUT, SourceFlags


def inspect(
    source: Path,
    /,
    *,
    page: Path | None = None,
    labels: SourceFlags = AS_LAID_OUT,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Look at labelled images before using them: copies, leaks, shortcuts, odd and broken files.

    Args:
        source: labelled images, laid out as for `regraft fit`.
        page: an .html file to write as well, with pictures of what was found.
        labels: where the labels are written.
        json: print one JSON object instead of text.
    """
    from regraft.core.files import write_bytes
    from regraft.pipeline.audit import audit
    from regraft.report import audit_page, audit_text

    found = audit(labels.of(source))
    if page is not None:
        write_bytes(page, audit_page(found).encode(errors="backslashreplace"))
    if json:
        print_json(found)
    else:
        print(audit_text(found))
