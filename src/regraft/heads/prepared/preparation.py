"""What settings of one kind of head have in common on the same examples and folds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from regraft.core.arrays import Features, Folds, Mask, Scores, Truth, Weights
from regraft.heads.weighting import check_folds, checked


@dataclass(frozen=True, eq=False)
class Dealt:
    """Checked examples, and the folds they are dealt to; without folds each is left out alone."""

    features: Features
    labels: Truth
    class_count: int
    weights: Weights
    folds: Folds | None

    @classmethod
    def of(
        cls,
        features: Features,
        labels: Truth,
        *,
        class_count: int,
        folds: Folds | None,
        weights: Weights | None = None,
    ) -> "Dealt":
        """Check the examples, as every fit does.

        Raises:
            DataError: features, labels, weights or folds cannot be used; see `checked` and `check_folds`.
        """
        weights = checked(features, labels, class_count=class_count, weights=weights)
        if folds is not None:
            check_folds(folds, len(labels))
        return cls(features, labels, class_count, weights, folds)

    def fold(self, number: int) -> Mask:
        """Which examples are in a fold."""
        assert self.folds is not None, "examples are left out alone"
        return np.asarray(self.folds == number)

    def nowhere(self) -> Scores:
        """Scores of no example yet."""
        return np.full((len(self.labels), self.class_count), np.nan, np.float32)


@runtime_checkable
class Preparation(Protocol):
    """The part of the work that does not depend on the settings, and what answers for each of them.

    It is computed when it is first needed, so that a head given up after one fold pays for one.
    """

    @property
    def nbytes(self) -> int:
        """The memory that it takes by now, in bytes."""
        ...

    def held_out(self, head: Any, numbers: tuple[int, ...] | None) -> Scores:
        """What the function `held_out` gives, of these folds; NaN elsewhere. None for each example alone."""
        ...


@runtime_checkable
class KnowsPaths(Preparation, Protocol):
    """A preparation that answers for a whole path of penalties, for less than for each on its own."""

    def path(self, heads: Iterable[Any], numbers: tuple[int, ...] | None) -> Iterator[Scores]:
        """What `held_out` gives for each of some heads, the strongest penalty first, as it is asked for."""
        ...
