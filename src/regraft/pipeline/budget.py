"""Time that a job may take, and the wish to stop it early. Both are asked, never enforced by force."""

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from regraft.core.errors import RecipeError

UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def parse_duration(text: str | float) -> float:
    """Seconds in '90', '90s', '10m', '1.5h' or '1h30m'.

    Raises:
        RecipeError: the text is no duration, or the duration is not positive.

    >>> parse_duration("1h30m")
    5400.0
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smh]?)", str(text).strip().lower())
    if (
        not parts
        or re.sub(r"[\d.smh\s]", "", str(text).lower())
        or "".join(map("".join, parts)) != re.sub(r"\s", "", str(text).lower())
    ):
        raise RecipeError(f"{text!r} is no duration. Write 90s, 10m, 1.5h or 1h30m.")
    seconds = sum(float(number) * UNITS_S[unit] for number, unit in parts)
    if seconds <= 0:
        raise RecipeError(f"The budget must be longer than nothing, not {text!r}.")
    return seconds


class Budget:
    """A deadline that also ends when somebody asks to stop.

    `reserve_fraction` of it is kept back for what follows the search: the test, the report, the run folder.
    """

    def __init__(self, seconds: float, *, reserve_fraction: float = 0.0) -> None:
        self.seconds = seconds
        self.reserved_s = reserve_fraction * seconds
        self.started = time.monotonic()
        self.interrupted = False

    @property
    def spent_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def left_s(self) -> float:
        """Seconds left for searching; 0 after an interruption."""
        return 0.0 if self.interrupted else max(0.0, self.seconds - self.reserved_s - self.spent_s)

    def affords(self, cost_s: float) -> bool:
        """Whether something expected to take `cost_s` still fits."""
        return not self.interrupted and cost_s <= self.left_s


@contextmanager
def stop_on_signals(budget: Budget) -> Iterator[None]:
    """Make the first Ctrl-C or SIGTERM end the budget instead of the process; a second one ends the process.

    Outside the main thread signals cannot be caught, and this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        if budget.interrupted:
            raise KeyboardInterrupt
        budget.interrupted = True

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
