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
    strict: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Look at labelled images before using them: copies, leaks, shortcuts, odd and broken files.

    Args:
        source: labelled images, laid out as for `regraft fit`.
        page: an .html file to write as well, with pictures of what was found.
        labels: where the labels are written.
        strict: end with an error, after telling what was found, if any file cannot be used.
        json: print one JSON object instead of text.
    """
    from regraft.core.errors import DataError
    from regraft.core.files import write_bytes
    from regraft.data.requirements import STRICT_ADVICE
    from regraft.pipeline.audit import audit, check_page
    from regraft.report import audit_page, audit_text

    if page is not None:
        check_page(page, source)
    found = audit(labels.of(source))
    if page is not None:
        write_bytes(page, audit_page(found).encode(errors="backslashreplace"))
    if json:
        print_json(found)
    else:
        print(audit_text(found))
    if strict and found["skipped"]:
        first = found["skipped_files"][0]
        raise DataError(
            f"{found['skipped']} files in {source} cannot be used; the first is {first['path']}: "
            f"{first['reason']}. {STRICT_ADVICE}"
        )
