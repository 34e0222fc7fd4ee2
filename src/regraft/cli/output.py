"""How results reach standard output: as one JSON object, or as text for a person."""

import json
from typing import Any

from regraft.core.hashing import plain


def json_line(value: Any) -> str:
    """A value as JSON on one line. NaN and infinity, which JSON does not know, are refused."""
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False)
    # A file name that is not UTF-8 holds lone surrogates, which JSON knows as escapes.
    return text.encode(errors="backslashreplace").decode()


def print_json(value: Any) -> None:
    """One JSON object on standard output, and nothing else there."""
    print(json_line(value))


def print_report(data: dict[str, Any]) -> None:
    """A run's report for a terminal: in colour where there is one."""
    from rich.console import Console

    from regraft.report import renderable

    Console().print(renderable(data))
