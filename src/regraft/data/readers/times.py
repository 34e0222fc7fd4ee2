"""When an image was taken, as tables and file names write it."""

import math
from datetime import UTC, datetime


def read_time(text: str) -> float | None:
    """A number as it is, or an ISO 8601 date as seconds since 1970; None if it is neither.

    A date without a zone is taken as UTC, wherever this runs: only the order of times is used.

    >>> read_time("17.5"), read_time("1970-01-02"), read_time("yesterday")
    (17.5, 86400.0, None)
    """
    number = as_number(text)
    if number is not None:
        return number
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def as_number(text: str) -> float | None:
    """A finite number, or None if the text is no such thing."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
