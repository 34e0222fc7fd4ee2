"""One axis of a search space: a range of numbers, or a list of choices."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from regraft.core.errors import RecipeError

GRID_POINTS = 5
"""On a grid, of a range without a step."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both inclusive; `log` searches their logarithms, `whole` only integers.

    Raises:
        RecipeError: the ends are not finite, or the range is empty or reversed; the step does not fit in.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise RecipeError(f"The range {self} must have finite ends.")
        if self.low >= self.high:
            kind = "empty" if self.low == self.high else "reversed"
            raise RecipeError(f"The range {self} is {kind}. Write the lower end first, as in 0.1..10.")
        if self.log and self.low <= 0:
            raise RecipeError(f"The range {self} cannot be logarithmic: its lower end must be above 0.")
        if self.whole and (self.low != int(self.low) or self.high != int(self.high)):
            raise RecipeError(f"The range {self} is of whole numbers, and so must be its ends.")
        if self.step is not None:
            self._check_step(self.step)

    def _check_step(self, step: float) -> None:
        if self.log:
            raise RecipeError(f"The range {self} has a step and is logarithmic; take one of the two.")
        if not 0 < step <= self.high - self.low:
            raise RecipeError(f"The step of the range {self} must be above 0 and fit into it.")
        if self.whole and step != int(step):
            raise RecipeError(f"The step of the range {self} must be a whole number.")

    def __str__(self) -> str:
        marks = (":log" if self.log else "") + (":int" if self.whole else "")
        return f"{self.low:g}..{self.high:g}{marks}" + ("" if self.step is None else f":step={self.step:g}")

    def contains(self, value: Any) -> bool:
        """Whether a value lies in the range; of those between two steps only the bounds are asked."""
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and self.low <= value <= self.high and (not self.whole or value == int(value))

    def grid(self) -> tuple[float, ...]:
        """All steps; without a step the ends and up to three numbers evenly between them."""
        if self.step is not None:
            count = int((self.high - self.low) / self.step + 1e-9) + 1
            values = self.low + self.step * np.arange(count)
        elif self.log:
            values = np.geomspace(self.low, self.high, GRID_POINTS)
        else:
            values = np.linspace(self.low, self.high, GRID_POINTS)
        if self.whole:
            return tuple(dict.fromkeys(round(float(value)) for value in values))
        # Rounding must not lead outside of what the range allows.
        return tuple(min(max(float(value), self.low), self.high) for value in values)

    @property
    def is_finite(self) -> bool:
        """Whether its grid is all there is of it."""
        return self.step is not None or (self.whole and len(self.grid()) == self.high - self.low + 1)

    def place(self, value: float) -> float:
        """Where a value lies, from 0 at the lower end to 1 at the upper one.

        >>> Range(0.01, 100, log=True).place(1.0)
        0.5
        """
        scale = math.log if self.log else float
        return (scale(value) - scale(self.low)) / (scale(self.high) - scale(self.low))


@dataclass(frozen=True)
class Choice:
    """One of some values that have no order: texts, numbers, yes and no, or None.

    Raises:
        RecipeError: there are none, or one stands there twice.
    """

    values: tuple[str | float | bool | None, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise RecipeError("A choice must have at least one value.")
        # True == 1 in Python, but they are different settings.
        if len({(type(value), value) for value in self.values}) != len(self.values):
            raise RecipeError(f"The choice {self} names a value twice.")

    def __str__(self) -> str:
        return ",".join("none" if value is None else str(value) for value in self.values)

    @property
    def is_finite(self) -> bool:
        """Its grid is all there is of it."""
        return True

    def contains(self, value: Any) -> bool:
        """Whether it is one of the values, of the same type."""
        return any(type(value) is type(known) and value == known for known in self.values)

    def grid(self) -> tuple[str | float | bool | None, ...]:
        """All of them."""
        return self.values


Axis = Range | Choice
