"""How numbers read in a sentence."""

NAMES_SHOWN = 5


def percent(value: float) -> str:
    """A share as people write it.

    >>> percent(0.9125)
    '91.2 %'
    """
    return f"{100 * value:.1f} %"


def count(n: int, noun: str) -> str:
    """A number and its noun, plural if need be.

    >>> count(1, "image"), count(24, "image")
    ('1 image', '24 images')
    """
    return f"{n} {noun}" if n == 1 else f"{n:,} {noun}s"


def listed(items: list[str]) -> str:
    """The first few of a list, and how many more there are."""
    more = len(items) - NAMES_SHOWN
    return ", ".join(items[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
