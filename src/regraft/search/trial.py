"""What is known of a trial: asked for, and what came of it."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from regraft.core.errors import TrainingError
from regraft.core.hashing import fingerprint
from regraft.search.space import Values

State = Literal["running", "complete", "pruned", "failed"]


@dataclass(frozen=True)
class Asked:
    """A point to be tried. None leaves a value to the head."""

    number: int
    values: Values


@dataclass(frozen=True)
class Outcome:
    """What a trial came to: the number to be made small, and whatever else is worth keeping, as JSON."""

    value: float
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Dropped:
    """A trial that others of its batch left behind: where it stood, and after how many steps.

    The value is None where it is no measure of what is to be made small.
    """

    value: float | None
    step: int


@dataclass(frozen=True)
class Failed:
    """A trial without a value, and why."""

    reason: str


Result = Outcome | Dropped | Failed


@dataclass(frozen=True)
class Trial:
    """One line of a study's record. A failed trial has a reason in place of a value.

    `started_s` is the moment it was begun, in seconds since 1970; `reports` are the values it reported on
    its way; `costs` stand beside the value where a study weighs several; `origin` says who proposed it;
    `needs_s` how much time there would have to be for a point that was refused for want of it; `instead_of`
    is the number of a trial of the same point that this one replaces.
    """

    number: int
    values: Values
    state: State
    value: float | None = None
    reason: str = ""
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)
    started_s: float = 0.0
    reports: tuple[float, ...] = ()
    costs: tuple[float, ...] = ()
    origin: str = "sampler"
    needs_s: float | None = None
    instead_of: int | None = None

    @cached_property
    def key(self) -> str:
        """Equal for equal values."""
        return fingerprint(self.values)


class GivenUp(Exception):  # noqa: N818 - not an error: a pruner saw no hope
    """Raised by the report of a trial that is to be given up."""


class TooDear(TrainingError):  # noqa: N818 - nothing went wrong: it is not worth its price
    """Raised by a trial that would take too much of the time; `needs_s` would be enough, None if unknown."""

    def __init__(self, reason: str, *, needs_s: float | None = None) -> None:
        super().__init__(reason)
        self.needs_s = needs_s


class OutOfTime(Exception):  # noqa: N818 - not an error: it is for whoever goes on
    """Raised by a trial that cannot be finished in the time left: it is put back, and the work ends."""
