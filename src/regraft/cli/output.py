"""How results reach standard output: as one JSON object, or as text for a person."""

import json
import sys
from typing import Any

from regraft.core.hashing import plain


def print_json(value: Any) -> None:
    """One JSON object on standard output, and nothing else there."""
    json.dump(plain(value), sys.stdout, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def print_report(data: dict[str, Any]) -> None:
    """A run's report for a terminal: in colour where there is one."""
    from rich.console import Console

    from regraft.report import renderable

    Console().print(renderable(data))
