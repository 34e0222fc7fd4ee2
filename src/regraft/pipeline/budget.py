"""Time that a job may take, and the wish to stop it early. Both are asked, never enforced by force."""

import math
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from regraft.core.errors import RecipeError

NUMBER = r"(\d+(?:\.\d+)?)"
DURATION = re.compile(rf"{NUMBER}|(?:{NUMBER}h)?(?:{NUMBER}m)?(?:{NUMBER}s)?")
UNITS_S = (1.0, 3600.0, 60.0, 1.0)

STANDARD_ERROR = 2
STOPPING = "\nStopping, and keeping the best so far. Once more stops at once and keeps nothing new.\n"


def parse_duration(text: str | float) -> float:
    """Seconds in '90', '90s', '10m', '1.5h' or '1h30m'; a number is seconds.

    Raises:
        RecipeError: the text is no duration, or the duration is not positive and finite.

    >>> parse_duration("1h30m")
    5400.0
    """
    if isinstance(text, str):
        written = DURATION.fullmatch(text.strip().lower())
        if not written or not written[0]:
            raise RecipeError(f"{text!r} is no duration. Write 90s, 10m, 1.5h or 1h30m.")
        numbers = written.groups(default="0")
        seconds = sum(float(number) * unit for number, unit in zip(numbers, UNITS_S, strict=True))
    else:
        seconds = float(text)
    if not 0 < seconds < math.inf:
        raise RecipeError(f"The budget is {text!r}. It must be longer than nothing, such as 90s, and end.")
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
        return 0.0 if self.interrupted else max(0.0, self._remaining_s)

    def affords(self, cost_s: float) -> bool:
        """Whether something expected to take `cost_s` still fits: once the time is up, not even nothing."""
        return not self.interrupted and cost_s <= self._remaining_s

    @property
    def _remaining_s(self) -> float:
        return self.seconds - self.reserved_s - self.spent_s


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
        # A signal may arrive while something is being printed, and `print` must not be entered twice.
        with suppress(OSError):
            os.write(STANDARD_ERROR, STOPPING.encode())

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
